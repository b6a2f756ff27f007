/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/line_sort.h"

#include <endian.h>
#include <string.h>

#define OUT_BYTES ((size_t)256 << 10) /* of sorted lines at a time, about */

/* What is before the lines of a trace in the output of a piece. */
struct mark {
    uint64_t key[3]; /* start and id, big-endian: their bytes are in their order */
    uint64_t length;
};

void line_sort_open(struct line_sort *sort, const struct cli *cli)
{
    *sort = (struct line_sort){.longest = 0};
    sort_runs_open(&sort->runs, gather_memory(cli) / 2);
}

void line_sort_close(struct line_sort *sort)
{
    sort_runs_close(&sort->runs);
}

/* --- Marks */

size_t line_sort_begin(struct tcore_buf *out, const uint64_t trace_id[2],
                       const struct tcore_interval *whole)
{
    const struct mark mark = {
        {htobe64(key_of_start(whole)), htobe64(trace_id[0]), htobe64(trace_id[1])}, 0};
    size_t at = out->length;
    tcore_buf_append(out, &mark, sizeof mark);
    return at;
}

void line_sort_end(struct tcore_buf *out, size_t mark)
{
    if (out->failed)
        return;
    uint64_t length = out->length - mark - sizeof(struct mark);
    memcpy(out->data + mark + offsetof(struct mark, length), &length, sizeof length);
}

/* --- Sorting */

static enum tcore_status add_marked(struct line_sort *sort, const struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct mark mark;
    enum tcore_status status = TCORE_OK;
    for (size_t at = 0; at < out->length && status == TCORE_OK; at += mark.length) {
        memcpy(&mark, out->data + at, sizeof mark);
        struct tcore_slice key = {out->data + at, sizeof mark.key};
        at += sizeof mark;
        struct tcore_slice text = {out->data + at, (size_t)mark.length};
        if (text.length > sort->longest)
            sort->longest = text.length;
        if (text.length)
            status = sort_runs_add(&sort->runs, key, text, err);
    }
    return status;
}

enum tcore_status line_sort_take(struct line_sort *sort, struct cli_pieces *pieces,
                                 struct tcore_error *err)
{
    struct tcore_buf *out;
    enum tcore_status status = TCORE_OK;
    while (status == TCORE_OK) {
        status = cli_pieces_next(pieces, &out, err);
        if (status == TCORE_OK)
            status = add_marked(sort, out, err);
    }
    return status == TCORE_EOF ? sort_runs_finish(&sort->runs, err) : status;
}

enum tcore_status line_sort_next(struct line_sort *sort, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    struct tcore_slice text;
    enum tcore_status status = TCORE_OK;
    tcore_buf_clear(out);
    while (out->length < OUT_BYTES && !out->failed) {
        status = sort_runs_next(&sort->runs, &text, err);
        if (status != TCORE_OK)
            break;
        tcore_buf_append(out, text.data, text.length);
    }
    return status == TCORE_EOF && out->length ? TCORE_OK : status;
}
