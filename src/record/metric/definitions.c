/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/metric/definitions.h"

#include "base/sys.h"
#include "cli/append.h"
#include "record/attributes.h"
#include "record/execution/execution.h"
#include "record/execution/find.h"
#include "store/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define EVENT      "metric.defined"
#define READ_BYTES ((size_t)16 << 10)

static void put_copy_path(struct tcore_buf *path, const char *destination)
{
    tcore_buf_printf(path, "%s%s", destination,
                     tcore_is_directory(destination) ? "/metrics" : ".metrics");
    tcore_buf_putc(path, '\0');
}

/* --- Reading the copy */

static bool read_copy(const char *path, struct tcore_buf *text, struct tcore_error *err)
{
    int fd = tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
    ssize_t got = -1;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    do {
        char *room = fd < 0 ? NULL : tcore_buf_reserve(text, READ_BYTES);
        got = room ? tcore_read_some(fd, room, READ_BYTES) : -1;
        text->length += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    if (got < 0) {
        tcore_error_errno(err, TCORE_FATAL, text->failed ? ENOMEM : errno, "cannot read %s", path);
    }
    if (fd >= 0)
        tcore_sys()->close(fd);
    return got == 0;
}

static const struct tcore_value *attribute(const struct tcore_json *json, const char *name)
{
    static const struct tcore_value absent = {0};
    uint32_t attributes = tcore_json_find(json, 0, "attributes");
    uint32_t at = attributes ? tcore_json_find(json, attributes, name) : 0;
    return at && json->node[at].value.kind == TCORE_STRING ? &json->node[at].value : &absent;
}

static const char *keep(struct definitions *d, const struct tcore_value *value)
{
    return value->kind == TCORE_STRING ? tcore_arena_copy(&d->arena, value->s, value->len) : "";
}

/* The last definition of a name counts; what is none is passed over. */
static enum tcore_status add_line(struct definitions *d, struct tcore_json *json, const char *line,
                                  size_t length, struct tcore_error *err)
{
    enum tcore_status status = execution_parse(json, line, length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    const struct tcore_value *name = attribute(json, "metric.name");
    if (name->kind != TCORE_STRING)
        return TCORE_OK;
    uint32_t number = tcore_map_intern(&d->names, name->s, name->len, NULL);
    if (number != TCORE_MAP_NONE && number >= d->capacity) {
        size_t capacity = d->capacity ? 2 * d->capacity : 16;
        void *list = tcore_reallocarray(d->list, capacity, sizeof(*d->list));
        if (!list)
            return tcore_error_nomem(err);
        d->list = list;
        d->capacity = capacity;
    }
    struct definition definition = {keep(d, attribute(json, "metric.type")),
                                    keep(d, attribute(json, "metric.unit")),
                                    keep(d, attribute(json, "metric.description"))};
    if (number == TCORE_MAP_NONE || !definition.type || !definition.unit || !definition.description)
        return tcore_error_nomem(err);
    d->list[number] = definition;
    d->any = true;
    return TCORE_OK;
}

enum tcore_status definitions_load(struct definitions *d, const char *destination,
                                   struct tcore_error *err)
{
    struct tcore_buf path = {0}, text = {0};
    struct tcore_json json = {0};
    enum tcore_status status = TCORE_OK;
    *d = (struct definitions){.destination = destination};
    put_copy_path(&path, destination);
    if (path.failed || !read_copy(path.data, &text, err))
        status = path.failed ? tcore_error_nomem(err) : TCORE_FATAL;
    if (status == TCORE_OK && text.length && tcore_map_init(&d->names) < 0)
        status = tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    for (size_t at = 0; status == TCORE_OK && at < text.length;) {
        const char *line = text.data + at, *newline = memchr(line, '\n', text.length - at);
        size_t length = newline ? (size_t)(newline - line) : text.length - at;
        status = add_line(d, &json, line, length, err);
        at += length + 1;
    }
    tcore_json_free(&json);
    tcore_buf_free(&path);
    tcore_buf_free(&text);
    return status;
}

void definitions_free(struct definitions *d)
{
    tcore_free(d->list);
    tcore_map_free(&d->names);
    tcore_arena_free(&d->arena);
}

const struct definition *definitions_find(const struct definitions *d, const char *name,
                                          size_t length)
{
    uint32_t number = d->any ? tcore_map_find(&d->names, name, length) : TCORE_MAP_NONE;
    return number == TCORE_MAP_NONE ? NULL : &d->list[number];
}

/* --- The record itself */

struct search {
    const char *name;
    size_t length;
    const struct definition *definition;
    struct tcore_json json;
    bool found;
};

static enum tcore_status compare(void *context, const char *line, size_t length,
                                 struct tcore_error *err)
{
    struct search *s = context;
    enum tcore_status status = execution_parse(&s->json, line, length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    if (!tcore_value_is_text(execution_member(&s->json, "eventName"), EVENT))
        return TCORE_OK;
    const struct tcore_value *name = attribute(&s->json, "metric.name");
    s->found |= name->kind == TCORE_STRING && name->len == s->length &&
                memcmp(name->s, s->name, s->length) == 0 &&
                tcore_value_is_text(attribute(&s->json, "metric.type"), s->definition->type);
    return TCORE_OK;
}

enum tcore_status definitions_look_for(const struct definitions *d, const char *name, size_t length,
                                       const struct definition *definition, struct tcore_error *err)
{
    static const struct tcore_wanted logs = {.types = 1u << TCORE_RECORD_LOG};
    struct search search = {.name = name, .length = length, .definition = definition};
    struct stat st;
    if (tcore_sys()->fstatat(AT_FDCWD, d->destination, &st, 0) < 0)
        return TCORE_EOF;
    enum tcore_status status = execution_lines(d->destination, EVENT, &logs, compare, &search, err);
    tcore_json_free(&search.json);
    if (status != TCORE_OK && status != TCORE_BAD_INPUT) {
        err->input = d->destination;
        return status;
    }
    return search.found ? TCORE_OK : TCORE_EOF;
}

enum tcore_status definitions_check(const struct definitions *d, const char *name, size_t length,
                                    const char *type, size_t type_length, struct tcore_error *err)
{
    const struct definition *definition = definitions_find(d, name, length);
    if (!definition || !type_length || !*definition->type ||
        (strlen(definition->type) == type_length &&
         memcmp(definition->type, type, type_length) == 0))
        return TCORE_OK;
    enum tcore_status status = definitions_look_for(d, name, length, definition, err);
    if (status != TCORE_OK)
        return status == TCORE_EOF ? TCORE_OK : status;
    return tcore_error_set(err, TCORE_SKIP, "%.*s is defined as a %s, and this is a %.*s",
                           (int)(length < 100 ? length : 100), name, definition->type,
                           (int)(type_length < 20 ? type_length : 20), type);
}

/* --- Making one */

void definitions_put(struct tcore_buf *lines, const char *name, const struct definition *definition)
{
    struct tcore_buf attributes = {0};
    tcore_buf_puts(&attributes, "\"metric.name\":");
    attributes_put_text(&attributes, name, strlen(name));
    execution_put_text(&attributes, "metric.type", definition->type);
    execution_put_text(&attributes, "metric.unit", definition->unit);
    execution_put_text(&attributes, "metric.description", definition->description);
    tcore_buf_putc(&attributes, '\0');
    tcore_buf_puts(lines, "{\"type\":\"log\"");
    execution_put_time(lines, "timeUnixNano", tcore_sys()->wall_ns());
    execution_put_text(lines, "severity", "info");
    execution_put_text(lines, "body", name);
    execution_put_map(lines, "attributes", execution_text(&attributes));
    execution_put_text(lines, "eventName", EVENT);
    tcore_buf_puts(lines, "}\n");
    lines->failed |= attributes.failed;
    tcore_buf_free(&attributes);
}

enum tcore_status definitions_keep(const struct definitions *d, const struct tcore_buf *lines,
                                   struct tcore_error *err)
{
    struct tcore_buf path = {0};
    int errnum = ENOMEM;
    put_copy_path(&path, d->destination);
    int fd = path.failed
                 ? -1
                 : cli_append_open(path.data, tcore_is_directory(d->destination) ? 0640 : 0666);
    if (fd >= 0) {
        errnum = cli_append(fd, lines->data, lines->length);
        if (tcore_sys()->close(fd) < 0 && !errnum)
            errnum = errno;
    } else if (!path.failed) {
        errnum = errno;
    }
    if (errnum)
        tcore_error_errno(err, TCORE_FATAL, errnum, "cannot append to %s",
                          path.failed ? "a file" : path.data);
    tcore_buf_free(&path);
    return errnum ? TCORE_FATAL : TCORE_OK;
}
