/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields are in the order of the schema (model/record.h), so that the line is canonical. */
#include <config.h>

#include "cli/finding.h"

#include "model/id.h"
#include "model/json.h"

#include <inttypes.h>

static void put_text(struct tcore_buf *out, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    tcore_buf_printf(out, ",\"%s\":", name);
    tcore_json_write_string(out, text, strlen(text));
}

static void put_number(struct tcore_buf *out, const char *name, double number)
{
    if (!isfinite(number))
        return;
    struct tcore_value value = tcore_value_of_double(number);

    tcore_buf_printf(out, ",\"%s\":", name);
    tcore_json_write_value(out, &value);
}

static void put_evidence(struct tcore_buf *out, const struct cli_finding *f)
{
    bool any = false;

    for (size_t i = 0; i < f->evidence_count; i++) {
        const struct cli_evidence *e = &f->evidence[i];

        if (!e->trace_id || !*e->trace_id)
            continue;
        tcore_buf_puts(out, any ? ",{" : ",\"evidence\":[{");
        tcore_buf_printf(out, "\"traceId\":\"%s\"", e->trace_id);
        put_text(out, "spanId", e->span_id);
        put_text(out, "side", e->side);
        tcore_buf_putc(out, '}');
        any = true;
    }
    tcore_buf_puts(out, any ? "]" : "");
}

static void put_time(struct tcore_buf *out, const char *name, const int64_t *ns)
{
    if (ns)
        tcore_buf_printf(out, ",\"%s\":\"%" PRId64 "\"", name, *ns);
}

static void put_capacity(struct tcore_buf *out, const struct cli_capacity *c)
{
    put_number(out, "utilizationRate", c->utilization_rate);
    put_number(out, "headroom", c->headroom);
    put_number(out, "add", c->add);
    put_time(out, "fullUnixNano", c->full_ns);
    put_time(out, "earliestUnixNano", c->earliest_ns);
    put_time(out, "latestUnixNano", c->latest_ns);
    if (*c->moves)
        tcore_buf_printf(out, ",\"moves\":%s", c->moves);
}

void cli_finding_write(struct tcore_buf *out, const struct cli_finding *f)
{
    tcore_buf_puts(out, "{\"type\":\"finding\"");
    put_text(out, "kind", f->kind);
    put_text(out, "severity", f->severity);
    put_number(out, "score", f->score);
    put_text(out, "recordType", f->record_type);
    put_text(out, "metricName", f->metric_name);
    put_text(out, "stat", f->stat);
    tcore_buf_printf(out, ",\"group\":%s", f->group);
    put_time(out, "timeUnixNano", f->time_ns);
    put_number(out, "value", f->value);
    put_number(out, "expected", f->expected);
    put_number(out, "lower", f->lower);
    put_number(out, "upper", f->upper);
    put_number(out, "pValue", f->p_value);
    if (f->rank)
        tcore_buf_printf(out, ",\"rank\":%" PRId64, f->rank);
    put_number(out, "confidence", f->confidence);
    put_text(out, "method", f->method);
    put_text(out, "firstBad", f->first_bad);
    put_number(out, "effectNano", f->effect_ns);
    if (f->horizon_ns)
        tcore_buf_printf(out, ",\"horizonNano\":%" PRId64, f->horizon_ns);
    put_number(out, "quantile", f->quantile);
    put_text(out, "message", f->message);
    put_evidence(out, f);
    put_text(out, "fingerprint", f->fingerprint);
    put_number(out, "slope", f->slope);
    put_number(out, "limit", f->limit);
    if (f->capacity)
        put_capacity(out, f->capacity);
    tcore_buf_puts(out, "}\n");
}

bool cli_finding_fingerprint(const char *kind, const char *identity, size_t length,
                             char out[CLI_FINGERPRINT_BYTES])
{
    struct tcore_buf text = {0};

    /* The blank keeps it from being read as hexadecimal or base64, so that it is always hashed. */
    tcore_buf_printf(&text, "%s finding ", kind);
    tcore_buf_append(&text, identity, length);
    bool made = !text.failed &&
                tcore_id_normalise(TCORE_SPAN_ID, text.data, text.length, out) == TCORE_ID_HASHED;

    out[made ? CLI_FINGERPRINT_BYTES - 1 : 0] = '\0';
    tcore_buf_free(&text);
    return made;
}
