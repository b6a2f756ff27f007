/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The members that name a cell, as results, partials and their checksums have them. */
#include "agg/agg.h"

#include "model/json.h"
#include "model/number.h"
#include "model/symbol.h"

#include <string.h>

void agg_write_group(const struct agg_work *work, uint32_t series, struct tcore_buf *out)
{
    const struct agg_table *table = &work->table;
    const struct cli_strings *by = &work->plan->by_names;
    bool first = true;
    tcore_buf_putc(out, '{');
    for (size_t k = 0; k < table->by_count && series != AGG_OVERFLOW; k++) {
        uint32_t symbol = table->by_symbols[table->series[series].by_offset + k];
        if (!symbol)
            continue;
        if (!first)
            tcore_buf_putc(out, ',');
        first = false;
        tcore_json_write_string(out, by->item[k], strlen(by->item[k]));
        tcore_buf_putc(out, ':');
        const struct tcore_map_key *key = &table->symbols.map.keys[symbol];
        tcore_symbol_write(key->data, key->length, out);
    }
    tcore_buf_putc(out, '}');
}

static void write_int(int64_t i, struct tcore_buf *out)
{
    char text[TCORE_NUMBER_BYTES];
    tcore_buf_append(out, text, tcore_format_int64(text, i));
}

void agg_write_key(const struct agg_work *work, const struct agg_time *time, uint32_t series,
                   struct tcore_buf *out)
{
    const struct agg_table *table = &work->table;
    const struct agg_series *s = &table->series[series];
    tcore_buf_puts(out, "{\"type\":\"aggregate\"");
    if (series != AGG_OVERFLOW) {
        tcore_buf_puts(out, ",\"recordType\":\"");
        tcore_buf_puts(out, tcore_record_type_name(s->type));
        tcore_buf_putc(out, '"');
    }
    if (series != AGG_OVERFLOW && s->metric) {
        const struct tcore_map_key *metric = &table->symbols.map.keys[s->metric];
        tcore_buf_puts(out, ",\"metricName\":");
        tcore_symbol_write(metric->data, metric->length, out);
    }
    tcore_buf_puts(out, ",\"group\":");
    agg_write_group(work, series, out);
    if (series == AGG_OVERFLOW)
        tcore_buf_puts(out, ",\"overflow\":true");
    if (!time->length_ns)
        return;
    tcore_buf_puts(out, ",\"windowStartUnixNano\":\"");
    write_int(time->start_ns, out);
    tcore_buf_puts(out, "\",\"windowNano\":");
    write_int(time->length_ns, out);
}
