/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as lines of records. A decoder that has read them before goes by its plans, one that is
 * new does not: both must accept and refuse the same lines, with the same values and reasons.
 */
#include "base/error.h"
#include "model/batch.h"
#include "model/projection.h"
#include "stream/input.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PADDING = 64 };

static void require(bool held)
{
    if (!held)
        abort();
}

static const struct tcore_projection *projection(void)
{
    static struct tcore_path_key name[] = {{"name", 4}}, duration[] = {{"durationNano", 12}},
                                 time[] = {{"timeUnixNano", 12}},
                                 route[] = {{"attributes", 10}, {"http.route", 10}},
                                 resource[] = {{"resource", 8}};
    static struct tcore_path names[] = {{name, 1}}, durations[] = {{duration, 1}},
                             times[] = {{time, 1}}, routes[] = {{route, 2}},
                             resources[] = {{resource, 1}};
    static struct tcore_projection_column columns[] = {
        {(char *)"name", names, 1, false},
        {(char *)"durationNano", durations, 1, false},
        {(char *)"timeUnixNano", times, 1, false},
        {(char *)"http.route", routes, 1, false},
        {(char *)"resource", resources, 1, false}};
    static const struct tcore_projection all = {.columns = columns, .count = 5, .text = true};
    return &all;
}

static struct tcore_decoder *new_decoder(void)
{
    struct tcore_decoder *decoder;
    require(tcore_decoder_new(&decoder, projection(), NULL, NULL) == TCORE_OK);
    return decoder;
}

static const struct tcore_batch *decode(struct tcore_decoder *decoder, char *text, size_t length)
{
    struct tcore_chunk chunk = {.data = text, .length = length};
    const struct tcore_batch *batch;
    require(tcore_decoder_decode(decoder, TCORE_FORMAT_NDJSON, &chunk, &batch, NULL) == TCORE_OK);
    return batch;
}

static void require_same(const struct tcore_value *a, const struct tcore_value *b)
{
    require(a->kind == b->kind);
    if (a->kind == TCORE_INT)
        require(a->i == b->i);
    else if (a->kind >= TCORE_NUMBER)
        require(a->len == b->len && !memcmp(a->s, b->s, a->len));
}

/* The line alone, by a new decoder, is the row or reject at *row or *reject of all. */
static void check_line(const struct tcore_batch *all, const char *line, size_t length, size_t *row,
                       size_t *reject)
{
    char *text = calloc(1, length + PADDING);
    struct tcore_decoder *decoder = new_decoder();
    require(text != NULL);
    memcpy(text, line, length);
    const struct tcore_batch *alone = decode(decoder, text, length);
    require(*row + alone->rows <= all->rows && *reject + alone->reject_count <= all->reject_count);
    for (size_t i = 0; i < alone->rows; i++, ++*row) {
        require(alone->types[i] == all->types[*row]);
        for (size_t c = 0; c < alone->column_count; c++) {
            struct tcore_value a = tcore_column_get(&alone->columns[c], i),
                               b = tcore_column_get(&all->columns[c], *row);
            require_same(&a, &b);
        }
    }
    for (size_t i = 0; i < alone->reject_count; i++, ++*reject)
        require(alone->rejects[i].byte == all->rejects[*reject].byte &&
                !strcmp(alone->rejects[i].reason, all->rejects[*reject].reason));
    tcore_decoder_free(decoder);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size && !memcmp(data, "\xff\xfe", size < 2 ? size : 2))
        return 0; /* UTF-16 has newlines of its own */
    char *text = calloc(1, size + 1 + PADDING);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\n';
    struct tcore_decoder *decoder = new_decoder();
    decode(decoder, text, size + 1);
    const struct tcore_batch *all = decode(decoder, text, size + 1);
    size_t row = 0, reject = 0;
    for (char *line = text, *end = text + size + 1; line < end;) {
        size_t length = (size_t)((char *)memchr(line, '\n', (size_t)(end - line)) + 1 - line);
        if (length >= 2 && !memcmp(line, "\xff\xfe", 2))
            goto done;
        check_line(all, line, length, &row, &reject);
        line += length;
    }
    require(row == all->rows && reject == all->reject_count);
done:
    tcore_decoder_free(decoder);
    free(text);
    return 0;
}
