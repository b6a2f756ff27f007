/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folding an execution, from a file or a repository. Only lines that contain the id are parsed; the
 * others go by at the speed of a search, so that ending an execution costs little in a large file
 * too.
 */
#include <config.h>

#include "record/execution_find.h"

#include "base/sys.h"
#include "model/json.h"
#include "model/number.h"
#include "store/repository.h"
#include "store/scan.h"
#include "stream/input.h"

#include <string.h>
#include <sys/stat.h>

struct fold {
    struct execution *execution;
    const char *id;
    struct tcore_json json;
    struct tcore_error *err;
};

static const struct tcore_value *member(const struct fold *f, const char *name)
{
    static const struct tcore_value absent = {0};
    uint32_t i = tcore_json_find(&f->json, 0, name);
    return i ? &f->json.node[i].value : &absent;
}

static bool is_text(const struct tcore_value *v, const char *text)
{
    return v->kind == TCORE_STRING && v->len == strlen(text) && memcmp(v->s, text, v->len) == 0;
}

/* Keeps the text of a member if it has one. */
static bool keep_text(struct fold *f, const char *name, const char **text)
{
    const struct tcore_value *v = member(f, name);
    if (v->kind != TCORE_STRING)
        return true;
    const char *copy = tcore_arena_copy(&f->execution->arena, v->s, v->len);
    if (copy)
        *text = copy;
    return copy != NULL;
}

static int64_t time_of(const struct fold *f)
{
    const struct tcore_value *v = member(f, "timeUnixNano");
    int64_t time_ns = 0;
    if (v->kind == TCORE_STRING)
        (void)tcore_parse_int64(v->s, v->len, &time_ns);
    else
        (void)tcore_value_int64(v, &time_ns);
    return time_ns;
}

static enum tcore_status add_attribute(struct execution *e, const char *key, size_t key_length,
                                       uint32_t *number, struct tcore_error *err)
{
    *number = tcore_map_intern(&e->keys, key, key_length, NULL);
    if (*number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (*number < e->attribute_count)
        return TCORE_OK;
    if (e->attribute_count == e->attribute_capacity) {
        size_t capacity = e->attribute_count ? 2 * e->attribute_count : 8;
        void *attributes = tcore_reallocarray(e->attributes, capacity, sizeof(*e->attributes));
        if (!attributes)
            return tcore_error_nomem(err);
        e->attributes = attributes;
        e->attribute_capacity = capacity;
    }
    const char *copy = tcore_arena_copy(&e->arena, key, key_length);
    if (!copy)
        return tcore_error_nomem(err);
    e->attributes[e->attribute_count++] = (struct execution_attribute){copy, ""};
    return TCORE_OK;
}

enum tcore_status execution_set(struct execution *e, const char *key, size_t key_length,
                                const char *value_json, size_t length, struct tcore_error *err)
{
    uint32_t number;
    const char *value = tcore_arena_copy(&e->arena, value_json, length);
    if (!value)
        return tcore_error_nomem(err);
    enum tcore_status status = add_attribute(e, key, key_length, &number, err);
    if (status == TCORE_OK)
        e->attributes[number].value_json = value;
    return status;
}

static enum tcore_status fold_attributes(struct fold *f)
{
    uint32_t map = tcore_json_find(&f->json, 0, "attributes");
    const struct tcore_json_node *node = f->json.node;
    struct tcore_buf value = {0};
    enum tcore_status status = TCORE_OK;
    if (!map || !tcore_json_is_object(&node[map]))
        return TCORE_OK;
    for (uint32_t k = map + 1; status == TCORE_OK && k < node[map].next; k = node[k + 1].next) {
        tcore_buf_clear(&value);
        tcore_json_write_tree(&value, &f->json, k + 1);
        status = tcore_buf_status(&value, f->err);
        if (status == TCORE_OK)
            status = execution_set(f->execution, node[k].value.s, node[k].value.len, value.data,
                                   value.length, f->err);
    }
    tcore_buf_free(&value);
    return status;
}

/* A checkpoint, or a log record with an eventName, as an event of the span. */
static enum tcore_status fold_event(struct fold *f, const char *name_member)
{
    struct tcore_buf *out = &f->execution->events_json;
    const struct tcore_value *name = member(f, name_member);
    uint32_t attributes = tcore_json_find(&f->json, 0, "attributes");
    if (name->kind != TCORE_STRING)
        return TCORE_OK;
    tcore_buf_printf(out, "%s{\"timeUnixNano\":\"%lld\",\"name\":", out->length ? "," : "",
                     (long long)time_of(f));
    tcore_json_write_string(out, name->s, name->len);
    if (attributes && f->json.node[attributes].count) {
        tcore_buf_puts(out, ",\"attributes\":");
        tcore_json_write_tree(out, &f->json, attributes);
    }
    tcore_buf_putc(out, '}');
    return tcore_buf_status(out, f->err);
}

static enum tcore_status fold_start(struct fold *f)
{
    struct execution *e = f->execution;
    struct tcore_buf resource = {0};
    uint32_t i = tcore_json_find(&f->json, 0, "resource");
    e->started = true;
    e->start_ns = time_of(f);
    bool good =
        keep_text(f, "traceId", &e->trace_id) && keep_text(f, "parentSpanId", &e->parent_span_id) &&
        keep_text(f, "operationName", &e->operation_name) && keep_text(f, "service", &e->service);
    if (i && tcore_json_is_object(&f->json.node[i]) && f->json.node[i].count) {
        tcore_json_write_tree(&resource, &f->json, i);
        /* members without braces */
        good = good && !resource.failed &&
               (e->resource_json =
                    tcore_arena_copy(&e->arena, resource.data + 1, resource.length - 2)) != NULL;
        tcore_buf_free(&resource);
    }
    return good ? fold_attributes(f) : tcore_error_nomem(f->err);
}

static enum tcore_status fold_execution(struct fold *f)
{
    static const char *const ends[] = {"completed", "failed", "cancelled", "timeout"};
    const struct tcore_value *event = member(f, "event");
    if (is_text(event, "started"))
        return f->execution->started ? TCORE_OK : fold_start(f);
    if (is_text(event, "checkpoint"))
        return fold_event(f, "name");
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        if (is_text(event, ends[i])) {
            f->execution->ended = true;
            f->execution->end_event = ends[i];
        }
    }
    return fold_attributes(f);
}

static enum tcore_status fold_line(struct fold *f, const char *line, size_t length)
{
    struct tcore_error unused;
    enum tcore_status status = tcore_json_parse(&f->json, line, length, &unused);
    if (status == TCORE_FATAL)
        return tcore_error_nomem(f->err);
    if (status != TCORE_OK || !tcore_json_is_object(&f->json.node[0]))
        return TCORE_OK;
    if (is_text(member(f, "executionId"), f->id))
        return fold_execution(f);
    if (is_text(member(f, "type"), "log") && is_text(member(f, "spanId"), f->id))
        return fold_event(f, "eventName");
    return TCORE_OK;
}

/* Folds the lines of text[0..length) that contain the id; the text ends with a newline. */
static enum tcore_status fold_lines(struct fold *f, const char *text, size_t length)
{
    const char *at = text, *end = text + length, *found;
    while ((found = memmem(at, (size_t)(end - at), f->id, strlen(f->id)))) {
        const char *start = memrchr(at, '\n', (size_t)(found - at));
        const char *newline = memchr(found, '\n', (size_t)(end - found));
        start = start ? start + 1 : at;
        at = newline ? newline + 1 : end;
        enum tcore_status status = fold_line(f, start, (size_t)((newline ? newline : end) - start));
        if (status != TCORE_OK)
            return status;
    }
    return TCORE_OK;
}

/* A chunk of lines, or of a block whose records may be events of the execution. */
static enum tcore_status fold_chunk(struct fold *f, struct tcore_decoder *decoder,
                                    struct tcore_chunk *chunk)
{
    const struct tcore_batch *batch;
    if (chunk->overlong) /* no event of ours is so long */
        return TCORE_OK;
    if (!chunk->apart)
        return fold_lines(f, chunk->data, chunk->length);
    if (chunk->info.rows && chunk->info.type != TCORE_RECORD_EXECUTION &&
        chunk->info.type != TCORE_RECORD_LOG)
        return TCORE_OK;
    enum tcore_status status =
        tcore_decoder_decode(decoder, TCORE_FORMAT_BINARY, chunk, &batch, f->err);
    for (size_t i = 0; status == TCORE_OK && i < batch->rows; i++) {
        const struct tcore_slice *text = &batch->text[i];
        if (memmem(text->data, text->length, f->id, strlen(f->id)))
            status = fold_line(f, text->data, text->length);
    }
    return status;
}

static enum tcore_status fold_input(struct fold *f, struct tcore_input *input,
                                    const struct tcore_input_options *options)
{
    static const struct tcore_projection text = {.text = true};
    struct tcore_decoder *decoder;
    struct tcore_chunk chunk = {0};
    bool damaged = false; /* and maybe that is where the execution is: err */
    enum tcore_status status = tcore_decoder_new(&decoder, &text, options, f->err);
    while (status == TCORE_OK && (status = tcore_input_next(input, &chunk, f->err)) == TCORE_OK) {
        status = fold_chunk(f, decoder, &chunk);
        damaged |= status == TCORE_BAD_INPUT;
        status = status == TCORE_BAD_INPUT ? TCORE_OK : status;
    }
    tcore_chunk_free(&chunk);
    tcore_decoder_free(decoder);
    if (status == TCORE_EOF && damaged && !f->execution->started)
        return TCORE_BAD_INPUT;
    return status == TCORE_EOF ? TCORE_OK : status;
}

static enum tcore_status fold_file(struct fold *f, const char *path)
{
    const struct tcore_input_options options = {.single = true, .open_directory = tcore_scan_open};
    struct tcore_input *input;
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return tcore_error_set(f->err, TCORE_FATAL, "is no file, so that nothing is read back");
    enum tcore_status status = tcore_input_open(&input, path, &options, f->err);
    if (status != TCORE_OK)
        return status;
    if (tcore_input_format(input) == TCORE_FORMAT_NDJSON || tcore_is_directory(path))
        status = fold_input(f, input, &options);
    else
        status = tcore_error_set(f->err, TCORE_BAD_INPUT,
                                 "is a binary stream; executions are kept in NDJSON");
    tcore_input_close(input);
    return status;
}

enum tcore_status execution_find(struct execution *execution, const char *path, const char *id,
                                 struct tcore_error *err)
{
    *execution = (struct execution){.trace_id = "",
                                    .parent_span_id = "",
                                    .operation_name = "",
                                    .service = "",
                                    .resource_json = "",
                                    .end_event = ""};
    if (tcore_map_init(&execution->keys) < 0)
        return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    struct fold f = {.execution = execution, .id = id, .err = err};
    enum tcore_status status = fold_file(&f, path);
    if (status != TCORE_OK)
        err->input = path;
    tcore_json_free(&f.json);
    return status;
}

void execution_free(struct execution *execution)
{
    tcore_buf_free(&execution->events_json);
    tcore_free(execution->attributes);
    tcore_map_free(&execution->keys);
    tcore_arena_free(&execution->arena);
}
