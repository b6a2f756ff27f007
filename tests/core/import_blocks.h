/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the test and the fuzz target of import's blocks share: that a chunk becomes the same
 * records, rejects and counts as text and as blocks. Blocks have records of one type, so of the
 * text the order within a type counts.
 */
#ifndef TRACECORE_TESTS_CORE_IMPORT_BLOCKS_H
#define TRACECORE_TESTS_CORE_IMPORT_BLOCKS_H

#include "record/import/import.h"
#include "record/import/blocks.h"
#include "model/canonical.h"
#include "stream/binary.h"

#include <stdio.h>
#include <stdlib.h>

static inline void blocks_die(const char *what, const struct tcore_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    abort();
}

/* Appends the blocks' records, a line each, to those of their type. */
static inline void blocks_lines(const struct tcore_buf *blocks, struct tcore_buf *by_type)
{
    static const struct tcore_projection whole = {.text = true};
    struct tcore_binary_decoder *decoder;
    struct tcore_error err;
    bool is_block;
    if (tcore_binary_decoder_new(&decoder, &whole, &err) != TCORE_OK)
        blocks_die("decoder", &err);
    for (size_t at = 0, bytes; at < blocks->length; at += bytes) {
        struct tcore_batch batch;
        if (tcore_binary_unit(blocks->data + at, blocks->length - at, &bytes, &is_block, &err) !=
                TCORE_OK ||
            !is_block ||
            tcore_binary_decode(decoder, blocks->data + at, bytes, NULL, &batch, &err) != TCORE_OK)
            blocks_die("block", &err);
        for (size_t i = 0; i < batch.rows; i++) {
            struct tcore_buf *to = &by_type[batch.types[i]];
            tcore_buf_append(to, batch.text[i].data, batch.text[i].length);
            tcore_buf_putc(to, '\n');
        }
    }
    tcore_binary_decoder_free(decoder);
}

/* The same of text. */
static inline void blocks_sort_lines(const struct tcore_buf *text, struct tcore_buf *by_type)
{
    struct tcore_json json = {0};
    struct tcore_error err;
    const char *end = text->length ? text->data + text->length : NULL;
    for (const char *at = text->data, *newline; at < end; at = newline + 1) {
        newline = memchr(at, '\n', (size_t)(end - at));
        if (tcore_json_parse(&json, at, (size_t)(newline - at), &err) != TCORE_OK)
            blocks_die("line", &err);
        tcore_buf_append(&by_type[tcore_record_type_of(&json)], at, (size_t)(newline + 1 - at));
    }
    tcore_json_free(&json);
}

static inline bool blocks_same_text(const struct tcore_buf *a, const struct tcore_buf *b)
{
    return a->length == b->length && (!a->length || memcmp(a->data, b->data, a->length) == 0);
}

/* Whether both have the same rejects at the same places. */
static inline bool blocks_same_rejects(const struct import_result *a, const struct import_result *b)
{
    for (size_t i = 0; i < a->reject_count && a->reject_count == b->reject_count; i++) {
        const struct import_reject *x = &a->rejects[i], *y = &b->rejects[i];
        if (x->line != y->line || x->byte != y->byte || x->text.data != y->text.data ||
            x->text.length != y->text.length ||
            strcmp(a->reasons.data + x->reason, b->reasons.data + y->reason) != 0)
            return false;
    }
    return a->reject_count == b->reject_count && a->documents == b->documents &&
           memcmp(&a->counts, &b->counts, sizeof(a->counts)) == 0;
}

/* Whether the chunk becomes as blocks what it became as text. settings as import_job_open() has
 * them; what is wrong goes to standard error. long_way (may be NULL): whether text was made on the
 * way. */
static inline bool blocks_are_text(const struct import_chunk *chunk,
                                   const struct cli_io_options *io,
                                   const struct import_result *as_text, bool *long_way)
{
    struct tcore_buf wanted[TCORE_RECORD_TYPES] = {0}, got[TCORE_RECORD_TYPES] = {0};
    struct import_result result = {0};
    struct import_job job;
    struct tcore_error err;
    bool same = true;
    if (import_job_open(&job, io, NULL, NULL, &err) != TCORE_OK ||
        import_blocks_open(&job, &err) != TCORE_OK)
        blocks_die("open", &err);
    job.patience = 0; /* elements are known by sight from the second on */
    if (import_convert(&job, chunk, &result, &err) != TCORE_OK)
        blocks_die("convert", &err);
    blocks_sort_lines(&as_text->out, wanted);
    blocks_lines(&result.blocks, got);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        if (!blocks_same_text(&wanted[type], &got[type])) {
            fprintf(stderr, "# wanted: %.*s\n# got: %.*s\n", (int)wanted[type].length,
                    wanted[type].length ? wanted[type].data : "", (int)got[type].length,
                    got[type].length ? got[type].data : "");
            same = false;
        }
        tcore_buf_free(&wanted[type]);
        tcore_buf_free(&got[type]);
    }
    if (!blocks_same_rejects(as_text, &result)) {
        fprintf(stderr, "# %zu rejects as text, %zu as blocks, or other ones, or other counts\n",
                as_text->reject_count, result.reject_count);
        same = false;
    }
    if (long_way)
        *long_way = result.out.data != NULL;
    import_result_free(&result);
    import_job_close(&job);
    return same;
}

#endif
