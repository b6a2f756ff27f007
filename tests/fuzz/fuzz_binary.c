/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a binary stream; and as a block whose checksums were made right, so that what lies
 * behind them is reached. What is read must be JSON, whatever the bytes are.
 */
#include "../core/binary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_json(struct tcore_json *json, const char *text, size_t length)
{
    struct tcore_error err;
    if (tcore_json_parse(json, text, length, &err) != TCORE_OK)
        abort();
}

static void require_batch(const struct tcore_batch *batch, void *context)
{
    for (size_t row = 0; batch->text && row < batch->rows; row++)
        require_json(context, batch->text[row].data, batch->text[row].length);
    for (size_t i = 0; i < batch->column_count; i++)
        for (size_t row = 0; row < batch->rows; row += 1 + batch->rows / 64) {
            struct tcore_value v = tcore_column_get(&batch->columns[i], row);
            struct tcore_buf text = {0};
            tcore_json_write_value(&text, &v);
            require_json(context, text.data, text.length);
            tcore_buf_free(&text);
        }
}

static void read_both(const char *data, size_t size, const struct tcore_projection *columns)
{
    static const struct tcore_projection text = {.text = true};
    struct tcore_json json = {.depth_limit = 2 * BINARY_DEPTH_LIMIT};
    struct tcore_error err;
    enum tcore_status all = read_stream(data, size, &text, require_batch, &json, &err);
    enum tcore_status some = read_stream(data, size, columns, require_batch, &json, &err);
    if ((all != TCORE_OK && all != TCORE_BAD_INPUT) ||
        (some != TCORE_OK && some != TCORE_BAD_INPUT))
        abort();
    tcore_json_free(&json);
}

/* What the block says of its traces. */
static void read_sums(const char *block, size_t length, const struct tcore_projection *columns)
{
    struct tcore_binary_decoder *decoder;
    struct tcore_batch batch;
    struct tcore_error err;
    if (tcore_binary_decoder_new(&decoder, columns, &err) != TCORE_OK)
        abort();
    enum tcore_status status = tcore_binary_decode_sums(decoder, block, length, NULL, &batch, &err);
    if (status != TCORE_OK && status != TCORE_SKIP && status != TCORE_BAD_INPUT)
        abort();
    for (size_t i = 0; status == TCORE_OK && i < batch.sums->count; i++)
        if (batch.sums->sum[i].end_ns < batch.sums->sum[i].start_ns)
            abort();
    tcore_binary_decoder_free(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"service",      "durationNano", "attributes", "http.route",
                                        "timeUnixNano", "type",         "resource.a", "value"};
    struct tcore_projection columns = {0};
    size_t column;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (tcore_projection_add_field(&columns, names[i], &column, NULL) != TCORE_OK)
            abort();
    read_both((const char *)data, size, &columns);
    size_t length = size & ~(size_t)7;
    if (length >= BLOCK_BYTES) {
        char *block = malloc(length);
        memcpy(block, data, length);
        memcpy(block, BINARY_BLOCK_MAGIC, BINARY_MAGIC_BYTES);
        binary_put32(block + BLOCK_LENGTH, (uint32_t)length);
        block[BLOCK_VERSION] = BINARY_VERSION;
        seal_block(block, length);
        read_both(block, length, &columns);
        read_sums(block, length, &columns);
        free(block);
    }
    tcore_projection_free(&columns);
    return 0;
}
