/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading traces' totals and grouped starts. */
#include "stream/binary_traces.h"

#include "stream/binary_bits.h"
#include "stream/binary_traces_layout.h"

static enum tcore_status bad_traces(struct tcore_error *err, const char *what)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged block: %s", what);
}

static struct traces_widths widths_of(const struct block_column *c)
{
    struct traces_widths widths = {.of = {c->width}};
    for (unsigned array = TRACES_STARTS; array < TRACES_ARRAYS; array++)
        widths.of[array] = (uint8_t)((uint64_t)c->step >> 8 * (array - 1));
    return widths;
}

bool tcore_binary_traces_fit(const struct block_column *c)
{
    const struct traces_widths w = widths_of(c);
    if (c->class != CLASS_HEX || c->add_a != BINARY_NONE || c->add_b != BINARY_NONE ||
        c->length_width || c->base_length != TRACES_ID_BYTES || !c->entries ||
        c->entries > c->values || (uint64_t)c->step >> 32)
        return false;
    if (c->base <= -TRACES_MOST_NS || c->base > TRACES_BASE_MOST || c->width > 16 ||
        w.of[TRACES_STARTS] > BITS_MOST || w.of[TRACES_DURATIONS] > BITS_MOST ||
        w.of[TRACES_SPANS] > 17 || w.of[TRACES_ERRORS] > 17)
        return false;
    return c->length == traces_layout(c->values, c->entries, &w).bytes;
}

bool tcore_binary_grouped_fits(const struct block_column *c)
{
    return c->class == CLASS_DECIMAL && !c->width && c->add_a != BINARY_NONE &&
           c->add_b == BINARY_NONE && c->length >= BITS_SPARE;
}

enum tcore_status tcore_binary_read_trace_codes(struct binary_reader *r, uint32_t column,
                                                const uint32_t **codes, struct tcore_error *err)
{
    struct block_column *c = &r->block.column[column];
    if (!c->codes) {
        uint32_t *made = tcore_binary_pool_get(&r->pool, c->values, sizeof *made), most = 0;
        const uint8_t *data = c->data + (size_t)c->entries * TRACES_ID_BYTES;
        if (!made)
            return tcore_error_nomem(err);
        for (size_t i = 0; i < c->values; i++) {
            uint32_t code = (uint32_t)bits_get(data, i * c->width, c->width);
            most = code > most ? code : most;
            made[i] = code;
        }
        if (most >= c->entries)
            return bad_traces(err, "a code beyond its dictionary");
        made[c->values] = 0;
        c->codes = made;
    }
    *codes = c->codes;
    return TCORE_OK;
}

/* --- Grouped values */

struct group {
    uint64_t first;
    uint64_t width;
};

/* First start and width of offsets of each trace. NULL: no memory. */
static struct group *read_groups(struct binary_reader *r, const struct block_column *traces)
{
    const struct traces_widths w = widths_of(traces);
    const struct traces_layout layout = traces_layout(traces->values, traces->entries, &w);
    struct group *groups = tcore_binary_pool_get(&r->pool, traces->entries, sizeof *groups);
    unsigned start_bits = w.of[TRACES_STARTS], bits = w.of[TRACES_DURATIONS];
    for (size_t i = 0; groups && i < traces->entries; i++) {
        uint64_t start =
            bits_get(traces->data + layout.at[TRACES_STARTS], i * start_bits, start_bits);
        groups[i].first = (uint64_t)traces->base + start;
        groups[i].width =
            bits_of(bits_get(traces->data + layout.at[TRACES_DURATIONS], i * bits, bits));
    }
    return groups;
}

enum tcore_status tcore_binary_read_grouped(struct binary_reader *r, uint32_t column,
                                            int64_t **ints, struct tcore_error *err)
{
    const struct block_column *c = &r->block.column[column];
    const struct block_column *traces = &r->block.column[c->add_a];
    const uint32_t *codes;
    uint64_t bits = 0;
    if (!binary_column_is_dense(&r->block, c) || !binary_column_is_dense(&r->block, traces))
        return bad_traces(err, "a reference to columns that rows lack");
    enum tcore_status status = tcore_binary_block_verify(&r->block, c->add_a, err);
    if (status == TCORE_OK)
        status = tcore_binary_read_trace_codes(r, c->add_a, &codes, err);
    if (status != TCORE_OK)
        return status;
    const struct group *groups = read_groups(r, traces);
    int64_t *values = *ints = tcore_binary_pool_get(&r->pool, c->values, sizeof *values);
    if (!groups || !values)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < c->values; i++)
        bits += groups[codes[i]].width;
    if (c->length != bits_bytes(bits) + BITS_SPARE)
        return bad_traces(err, "a column of another length");
    uint64_t at = 0;
    for (uint32_t i = 0; i < c->values; i++) {
        const struct group *group = &groups[codes[i]];
        values[i] = (int64_t)(group->first + bits_get(c->data, at, (unsigned)group->width));
        at += group->width;
    }
    values[c->values] = 0;
    return TCORE_OK;
}

/* --- Totals */

static uint32_t find_traces(const struct binary_block *block)
{
    static const char name[] = "traceId";
    for (uint32_t i = 1; i < block->columns; i++) {
        const struct block_column *c = &block->column[i];
        if (c->encoding == ENCODING_TRACES && !c->sealed && c->parent == BINARY_NONE &&
            c->name_length == sizeof name - 1 && !memcmp(c->name, name, sizeof name - 1) &&
            binary_column_is_dense(block, c))
            return i;
    }
    return 0;
}

enum tcore_status tcore_binary_read_totals(struct binary_reader *r, struct tcore_trace_sums *sums,
                                           struct tcore_error *err)
{
    uint32_t column = find_traces(&r->block);
    if (!column || r->block.type != TCORE_RECORD_SPAN)
        return TCORE_SKIP;
    enum tcore_status status = tcore_binary_block_verify(&r->block, column, err);
    if (status != TCORE_OK)
        return status;
    const struct block_column *c = &r->block.column[column];
    const struct traces_widths w = widths_of(c);
    const struct traces_layout layout = traces_layout(c->values, c->entries, &w);
    struct tcore_trace_sum *sum = tcore_binary_pool_get(&r->pool, c->entries, sizeof *sum);
    if (!sum)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < c->entries; i++) {
        uint64_t part[TRACES_ARRAYS];
        for (unsigned array = TRACES_STARTS; array < TRACES_ARRAYS; array++)
            part[array] = bits_get(c->data + layout.at[array], i * w.of[array], w.of[array]);
        sum[i].start_ns = c->base + (int64_t)part[TRACES_STARTS];
        sum[i].end_ns = sum[i].start_ns + (int64_t)part[TRACES_DURATIONS];
        sum[i].spans = (uint32_t)part[TRACES_SPANS];
        sum[i].errors = (uint32_t)part[TRACES_ERRORS];
    }
    *sums = (struct tcore_trace_sums){
        .count = c->entries, .ids = (const uint8_t(*)[TRACES_ID_BYTES])c->data, .sum = sum};
    return TCORE_OK;
}
