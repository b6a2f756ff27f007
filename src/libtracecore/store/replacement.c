/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/replacement.h"

#include "base/sys.h"
#include "store/repository_private.h"
#include "stream/binary_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "tracecore replacement 1\n"

/* ---- paths ---- */

static bool is_path(const char *path, size_t length)
{
    static const char form[] = "dddd/dd/dd/";
    size_t suffix = sizeof TCORE_SEGMENT_SUFFIX - 1, folder = sizeof form - 1;
    if (length >= TCORE_SEGMENT_PATH_BYTES || length <= folder + suffix)
        return false;
    for (size_t i = 0; i < folder; i++)
        if (form[i] == 'd' ? path[i] < '0' || path[i] > '9' : path[i] != '/')
            return false;
    return path[folder] != '.' && !memchr(path + folder, '/', length - folder) &&
           !memchr(path, '\0', length) && !memchr(path, '\n', length) &&
           memcmp(path + length - suffix, TCORE_SEGMENT_SUFFIX, suffix) == 0;
}

enum tcore_status tcore_segment_list_add(struct tcore_segment_list *list, const char *path,
                                         size_t length, struct tcore_error *err)
{
    if (!is_path(path, length))
        return tcore_error_set(err, TCORE_BAD_INPUT, "this is no path of a segment");
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 8;
        char(*memory)[TCORE_SEGMENT_PATH_BYTES] =
            tcore_reallocarray(list->path, capacity, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        list->path = memory;
        list->capacity = capacity;
    }
    memcpy(list->path[list->count], path, length);
    list->path[list->count++][length] = '\0';
    return TCORE_OK;
}

/* ---- the text ---- */

static void put_paths(struct tcore_buf *out, const char *which,
                      const struct tcore_segment_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        tcore_buf_printf(out, "%s %s\n", which, list->path[i]);
}

enum tcore_status tcore_replacement_write(const struct tcore_replacement *replacement,
                                          struct tcore_buf *out, struct tcore_error *err)
{
    tcore_buf_puts(out, HEAD);
    put_paths(out, "old", &replacement->old);
    put_paths(out, "new", &replacement->new);
    if (out->failed)
        return tcore_error_nomem(err);
    tcore_buf_printf(out, "end %016" PRIx64 "\n", tcore_binary_checksum(out->data, out->length));
    if (!out->failed && out->length > TCORE_REPLACEMENT_LIMIT_BYTES)
        return tcore_error_set(err, TCORE_FATAL, "too many segments in one replacement");
    return tcore_buf_status(out, err);
}

enum tcore_status tcore_replacement_parse(struct tcore_replacement *replacement, const char *text,
                                          size_t length, struct tcore_error *err)
{
    static const char damaged[] = "this is no replacement";
    char end[32];
    size_t head = sizeof HEAD - 1, tail = 4 + 16 + 1;
    enum tcore_status status = TCORE_OK;
    if (length < head + tail || memcmp(text, HEAD, head) != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT, damaged);
    length -= tail;
    snprintf(end, sizeof end, "end %016" PRIx64 "\n", tcore_binary_checksum(text, length));
    if (memcmp(text + length, end, tail) != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT, damaged);
    for (size_t at = head; at < length && status == TCORE_OK;) {
        const char *line = text + at, *newline = memchr(line, '\n', length - at);
        if (!newline || newline - line < 4)
            return tcore_error_set(err, TCORE_BAD_INPUT, damaged);
        size_t bytes = (size_t)(newline - line) - 4;
        if (!memcmp(line, "old ", 4))
            status = tcore_segment_list_add(&replacement->old, line + 4, bytes, err);
        else if (!memcmp(line, "new ", 4))
            status = tcore_segment_list_add(&replacement->new, line + 4, bytes, err);
        else
            status = tcore_error_set(err, TCORE_BAD_INPUT, damaged);
        at += bytes + 5;
    }
    return status;
}

/* ---- reading all ---- */

void tcore_replacements_free(struct tcore_replacements *replacements)
{
    for (size_t i = 0; i < replacements->count; i++) {
        tcore_segment_list_free(&replacements->item[i].old);
        tcore_segment_list_free(&replacements->item[i].new);
    }
    tcore_free(replacements->item);
    *replacements = (struct tcore_replacements){0};
}

struct names {
    struct tcore_buf text; /* of TCORE_REPLACEMENT_NAME_BYTES each */
    size_t count;
};

static int collect(void *context, const char *name)
{
    struct names *names = context;
    if (strlen(name) != TCORE_REPLACEMENT_NAME_BYTES - 1 ||
        strspn(name, "0123456789abcdef") != TCORE_REPLACEMENT_NAME_BYTES - 1)
        return 0; /* one that is being made, or none of ours */
    tcore_buf_append(&names->text, name, TCORE_REPLACEMENT_NAME_BYTES);
    names->count++;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* TCORE_EOF: it is not there any more. */
static enum tcore_status read_one(int dir, struct tcore_replacement *replacement,
                                  struct tcore_error *err)
{
    struct stat st;
    int fd = tcore_open_regular(dir, replacement->name, O_RDONLY);
    if (fd < 0 && errno == ENOENT)
        return TCORE_EOF;
    if (fd < 0 && (errno == EINVAL || errno == ELOOP)) {
        replacement->damaged = true;
        return TCORE_OK;
    }
    if (fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open replacing/%s",
                                 replacement->name);
    enum tcore_status status = TCORE_OK;
    char *text = NULL;
    ptrdiff_t got = tcore_sys()->fstat(fd, &st);
    size_t bytes = got == 0 ? (size_t)st.st_size : 0;
    if (got == 0 && bytes <= TCORE_REPLACEMENT_LIMIT_BYTES) {
        text = tcore_malloc(bytes + 1);
        got = text ? tcore_pread_all(fd, text, bytes, 0) : 0;
    }
    if (got < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot read replacing/%s",
                                   replacement->name);
    else if (!text && bytes <= TCORE_REPLACEMENT_LIMIT_BYTES)
        status = tcore_error_nomem(err);
    else
        status =
            text ? tcore_replacement_parse(replacement, text, (size_t)got, err) : TCORE_BAD_INPUT;
    tcore_free(text);
    tcore_sys()->close(fd);
    replacement->damaged = status == TCORE_BAD_INPUT;
    return status == TCORE_BAD_INPUT ? TCORE_OK : status;
}

static enum tcore_status read_named(int dir, const struct names *names,
                                    struct tcore_replacements *replacements,
                                    struct tcore_error *err)
{
    replacements->item = tcore_calloc(names->count, sizeof *replacements->item);
    if (!replacements->item)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < names->count; i++) {
        struct tcore_replacement *item = &replacements->item[replacements->count++];
        memcpy(item->name, names->text.data + i * sizeof item->name, sizeof item->name);
        enum tcore_status status = read_one(dir, item, err);
        if (status == TCORE_EOF)
            replacements->count--;
        else if (status != TCORE_OK)
            return status;
    }
    return TCORE_OK;
}

enum tcore_status tcore_replacements_read(struct tcore_repository *r,
                                          struct tcore_replacements *replacements,
                                          struct tcore_error *err)
{
    struct names names = {0};
    *replacements = (struct tcore_replacements){0};
    int dir = tcore_open_folder(r->dir, TCORE_REPLACING);
    if (dir < 0 && errno == ENOENT)
        return TCORE_OK;
    if (dir < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open its " TCORE_REPLACING);
    enum tcore_status status = TCORE_OK;
    if (tcore_sys()->list(dir, collect, &names) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot list its " TCORE_REPLACING);
    else
        status = tcore_buf_status(&names.text, err);
    if (status == TCORE_OK && names.count) {
        qsort(names.text.data, names.count, TCORE_REPLACEMENT_NAME_BYTES, compare_names);
        status = read_named(dir, &names, replacements, err);
    }
    tcore_buf_free(&names.text);
    tcore_sys()->close(dir);
    if (status != TCORE_OK || !replacements->count) /* all may be gone since they were listed */
        tcore_replacements_free(replacements);
    return status;
}
