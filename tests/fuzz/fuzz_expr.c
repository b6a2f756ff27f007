/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any text as an expression: what is refused names a place within the text, and what is native is
 * evaluated on a few records, in a batch and row by row, with the same outcome. libjq is not
 * asked. A text that holds a newline is cut there: what follows is one record more.
 */
#include "base/sys.h"
#include "query/expr.h"
#include "query/expr_lex.h"
#include "stream/input.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char records[] =
    "{\"type\":\"t\",\"a\":1,\"b\":\"x\",\"c\":[1,{\"k\":2}],\"n\":-5}\n"
    "{\"type\":\"t\",\"a\":null,\"b\":{\"k\":\"x\",\"j\":[]},\"c\":1.5,\"s\":\"caf\\u00e9\"}\n"
    "{\"type\":\"t\",\"a\":\"1\",\"b\":true,\"attributes\":{\"k\":1},\"big\":12345678901234567890}"
    "\n";

static void require(bool held)
{
    if (!held)
        abort();
}

static void check_lines(const char *text, size_t length)
{
    struct tcore_buf out = {0}, lines = {0};
    tcore_lex_lines(text, length, &out, &lines);
    size_t newlines = 0;
    for (size_t i = 0; i < out.length; i++)
        newlines += out.data[i] == '\n';
    require(newlines == lines.length / sizeof(size_t));
    /* Split once more, it must be the same. */
    struct tcore_buf again = {0}, more = {0};
    require(out.length == 0 || tcore_lex_check(out.data, out.length, NULL) == TCORE_OK);
    tcore_lex_lines(out.data, out.length, &again, &more);
    require(again.length == out.length &&
            (!out.length || memcmp(again.data, out.data, out.length) == 0));
    tcore_buf_free(&out);
    tcore_buf_free(&lines);
    tcore_buf_free(&again);
    tcore_buf_free(&more);
}

static void evaluate(const struct tcore_expr *expr, const struct tcore_batch *batch)
{
    struct tcore_expr_state *state;
    uint32_t rows[16], one;
    size_t count = batch->rows < 16 ? batch->rows : 16, all = count, kept = 0;
    uint64_t failed = 0, failed_alone = 0;
    require(tcore_expr_state_new(&state, expr, NULL) == TCORE_OK);
    for (uint32_t i = 0; i < all; i++)
        rows[i] = i;
    require(tcore_expr_select(state, batch, rows, &count, &failed, NULL) == TCORE_OK);
    for (uint32_t i = 0; i < all; i++) {
        size_t alone = 1;
        one = i;
        require(tcore_expr_select(state, batch, &one, &alone, &failed_alone, NULL) == TCORE_OK);
        require(!alone || (kept < count && rows[kept++] == i));
    }
    require(kept == count && failed == failed_alone);
    require((failed != 0) == (tcore_expr_state_reason(state) != NULL));
    tcore_expr_state_free(state);
}

static void run(const struct tcore_expr *expr, const struct tcore_projection *projection,
                const char *more, size_t length)
{
    struct tcore_decoder *decoder;
    const struct tcore_batch *batch;
    size_t fixed = sizeof records - 1, bytes = fixed + length + 1;
    struct tcore_chunk chunk = {.data = calloc(bytes + 64, 1), .length = bytes};
    if (!chunk.data || tcore_decoder_new(&decoder, projection, NULL, NULL) != TCORE_OK)
        abort();
    memcpy(chunk.data, records, fixed);
    if (length)
        memcpy(chunk.data + fixed, more, length);
    chunk.data[bytes - 1] = '\n';
    if (tcore_decoder_decode(decoder, TCORE_FORMAT_NDJSON, &chunk, &batch, NULL) == TCORE_OK)
        evaluate(expr, batch);
    tcore_decoder_free(decoder);
    free(chunk.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tcore_expr_options options = {.helper = "/nonexistent/tracecore-jq"};
    struct tcore_projection projection = {0};
    struct tcore_error err;
    struct tcore_expr *expr;
    if (size > 1 << 16 || (size && memchr(data, '\0', size)))
        return 0;
    const char *newline = size ? memchr(data, '\n', size) : NULL;
    size_t length = newline ? (size_t)(newline - (const char *)data) : size;
    char *text = tcore_strndup((const char *)data, length);
    if (!text)
        return 0;
    if (tcore_lex_check(text, length, &err) == TCORE_OK)
        check_lines(text, length);
    else
        require(err.byte >= 1 && err.byte <= length + 1);
    enum tcore_status status = tcore_expr_compile(&expr, text, &options, &projection, &err);
    if (status == TCORE_OK)
        run(expr, &projection, newline ? newline + 1 : "", newline ? size - length - 1 : 0);
    else
        require(status == TCORE_FATAL || (err.byte >= 1 && err.byte <= length + 1));
    tcore_expr_free(expr);
    tcore_projection_free(&projection);
    tcore_free(text);
    return 0;
}
