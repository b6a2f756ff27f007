/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The entities of MPLP's trace module, one a line, field for field: a metric record is a
 * PerformanceMetric, an assembled trace a DistributedTrace, a health record a SystemHealthStatus,
 * and the events of an execution together, or what trace-record status made of them, an
 * ExecutionTrace. What is not known is not there; durations are in nanoseconds.
 */
#include <config.h>

#include "base/version.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "model/id.h"
#include "model/time.h"
#include "record/export/export.h"
#include "record/export/mplp.h"

#include <inttypes.h>
#include <string.h>

struct mplp {
    struct cli *cli;
    struct export_record record;
    struct mplp_executions executions;
    struct tcore_buf text;
    struct tcore_buf line; /* of an execution, as status prints it */
    bool shown;
};

/* Appends label and a time in RFC 3339 with its quotes. */
static void put_time(struct tcore_buf *out, const char *label, int64_t ns)
{
    char text[TCORE_TIME_BYTES];
    tcore_buf_puts(out, label);
    tcore_buf_putc(out, '"');
    tcore_buf_append(out, text, tcore_format_time(text, ns));
    tcore_buf_putc(out, '"');
}

/* --- PerformanceMetric --- */

/* Members with texts for values, which tags and dimensions are. */
static void put_texts(struct export_record *record, uint32_t map, struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    struct tcore_buf *text = &record->scratch;
    for (uint32_t k = map + 1; map && k < tape[map].next; k = tape[k + 1].next) {
        const struct tcore_value *v = &tape[k + 1].value;
        if (out->data[out->length - 1] != '{')
            tcore_buf_putc(out, ',');
        tcore_json_write_value(out, &tape[k].value);
        tcore_buf_putc(out, ':');
        tcore_buf_clear(text);
        if (v->kind != TCORE_STRING)
            tcore_json_write_value(text, v);
        if (v->kind == TCORE_STRING)
            tcore_json_write_value(out, v);
        else
            tcore_json_write_string(out, text->data, text->length);
        out->failed |= text->failed;
    }
}

static void put_member(struct export_record *record, struct tcore_buf *out, const char *label,
                       uint32_t node)
{
    if (!node)
        return;
    if (out->data[out->length - 1] != '{')
        tcore_buf_putc(out, ',');
    tcore_buf_puts(out, label);
    tcore_json_write_value(out, export_value(record, node));
}

static uint32_t inside(const struct export_record *record, uint32_t object, const char *name)
{
    return object ? tcore_json_find(&record->json, object, name) : 0;
}

/* A distribution is told by its sum, and aggregation says so. */
static void put_value(struct export_record *record, const uint32_t *at, struct tcore_buf *out)
{
    uint32_t whole = at[METRIC_HISTOGRAM] ? at[METRIC_HISTOGRAM] : at[METRIC_SUMMARY];
    put_member(record, out, "\"value\":", whole ? inside(record, whole, "sum") : at[METRIC_VALUE]);
    if (whole)
        export_lost(record,
                    at[METRIC_HISTOGRAM] ? "histogram (now its sum)" : "summary (now its sum)");
}

static void put_aggregation(struct export_record *record, const uint32_t *at, struct tcore_buf *out)
{
    int64_t start, time;
    uint32_t own = tcore_json_find(&record->json, 0, "aggregation");
    if (own) {
        put_member(record, out, "\"aggregation\":", own);
        return;
    }
    tcore_buf_puts(out, ",\"aggregation\":{");
    if (at[METRIC_HISTOGRAM] || at[METRIC_SUMMARY]) {
        tcore_buf_puts(out, "\"aggregationType\":\"sum\"");
        if (export_int64(record, at[METRIC_START], &start) &&
            export_int64(record, at[METRIC_TIME], &time))
            tcore_buf_printf(out, ",\"aggregationWindow\":%lld", (long long)(time - start));
    }
    tcore_buf_putc(out, '}');
}

static void put_quality(struct export_record *record, struct tcore_buf *out)
{
    uint32_t own = tcore_json_find(&record->json, 0, "quality");
    tcore_buf_puts(out, ",\"quality\":{");
    put_member(record, out, "\"accuracy\":", inside(record, own, "accuracy"));
    put_member(record, out, "\"precision\":", inside(record, own, "precision"));
    put_member(record, out, "\"reliability\":", inside(record, own, "reliability"));
    if (inside(record, own, "sampleRate"))
        put_member(record, out, "\"sampleRate\":", inside(record, own, "sampleRate"));
    else
        tcore_buf_puts(out, own && out->data[out->length - 1] != '{' ? ",\"sampleRate\":1"
                                                                     : "\"sampleRate\":1");
    tcore_buf_putc(out, '}');
}

static void put_metadata(struct export_record *record, const uint32_t *at, struct tcore_buf *out)
{
    uint32_t own = at[METRIC_METADATA], source = inside(record, own, "source");
    uint32_t collector = inside(record, own, "collector"), version = inside(record, own, "version");
    tcore_buf_puts(out, ",\"metadata\":{");
    put_member(record, out, "\"source\":", source ? source : at[METRIC_SERVICE]);
    put_member(record, out, "\"collector\":", collector);
    put_member(record, out, "\"version\":", version);
    if (!collector && !version)
        tcore_buf_printf(out, "%s\"collector\":\"tracecore\",\"version\":\"%s\"",
                         out->data[out->length - 1] != '{' ? "," : "", tcore_version());
    tcore_buf_puts(out, ",\"tags\":{");
    put_texts(record, inside(record, own, "tags"), out);
    put_texts(record, at[METRIC_RESOURCE], out);
    tcore_buf_puts(out, "}}");
}

static void put_metric_id(struct export_record *record, struct tcore_buf *out)
{
    char id[TCORE_TRACE_ID] = {0};
    uint32_t own = tcore_json_find(&record->json, 0, "metricId");
    if (own) {
        put_member(record, out, "\"metricId\":", own);
        return;
    }
    /* the same for the same record */
    tcore_id_normalise(TCORE_TRACE_ID, record->canonical.data, record->canonical.length, id);
    tcore_buf_puts(out, "\"metricId\":\"");
    tcore_buf_append(out, id, sizeof id);
    tcore_buf_putc(out, '"');
}

/* Members that are neither those of all metrics nor taken by name. */
static void lose_unknown(struct export_record *record)
{
    static const char *const taken[] = {"context", "quality", "metricId", "aggregation"};
    const struct tcore_json_node *tape = record->json.node;
    for (uint32_t k = 1; k < tape[0].next; k = tape[k + 1].next) {
        const struct tcore_value *name = &tape[k].value;
        bool known = export_word(record, k, taken, 4) >= 0;
        for (unsigned i = 0; i < export_metric_keys.count && !known; i++)
            known = export_text_is(record, k, export_metric_keys.key[i].name);
        if (!known)
            export_lose(&record->losses, record->type, name->s, name->len);
    }
}

static void put_metric(struct export_record *record, struct tcore_buf *out)
{
    static const uint8_t lost[] = {METRIC_TEMPORALITY, METRIC_SCOPE, METRIC_EXEMPLARS,
                                   METRIC_MONOTONIC,   METRIC_FLAGS, METRIC_SCHEMA,
                                   METRIC_DESCRIPTION};
    uint32_t at[METRIC_COUNT];
    int64_t ns;
    record->members_counted = true;
    export_collect(record, &export_metric_keys, 0, NULL, at);
    record->members_counted = false;
    lose_unknown(record);
    tcore_buf_putc(out, '{');
    put_metric_id(record, out);
    put_member(record, out, "\"metricName\":", at[METRIC_NAME]);
    put_member(record, out, "\"metricType\":", at[METRIC_KIND]);
    put_value(record, at, out);
    put_member(record, out, "\"unit\":", at[METRIC_UNIT]);
    if (export_int64(record, at[METRIC_TIME], &ns))
        put_time(out, ",\"timestamp\":", ns);
    tcore_buf_puts(out, ",\"context\":");
    uint32_t context = tcore_json_find(&record->json, 0, "context");
    if (context)
        tcore_json_write_value(out, export_value(record, context));
    tcore_buf_puts(out, context ? ",\"dimensions\":{" : "{},\"dimensions\":{");
    put_texts(record, at[METRIC_DIMENSIONS], out);
    tcore_buf_putc(out, '}');
    put_aggregation(record, at, out);
    put_quality(record, out);
    put_metadata(record, at, out);
    tcore_buf_puts(out, "}\n");
    EXPORT_LOSE_MEMBERS(record, &export_metric_keys, at, lost);
    if (at[METRIC_START] && !at[METRIC_HISTOGRAM] && !at[METRIC_SUMMARY])
        export_lost(record, "startTimeUnixNano");
}

/* --- the others: these records have the fields of their entities, and some that these have not */

static void put_entity(struct export_record *record, struct tcore_buf *out)
{
    static const struct export_key lost[] = {EXPORT_KEY("executionId"), EXPORT_KEY("parentSpanId"),
                                             EXPORT_KEY("service")};
    static const struct export_keys lost_keys = {lost, sizeof lost / sizeof *lost};
    const struct tcore_json_node *tape = record->json.node;
    bool execution = record->type == TCORE_RECORD_EXECUTION;
    bool stamped = execution || tcore_json_find(&record->json, 0, "timestamp");
    tcore_buf_putc(out, '{');
    for (uint32_t k = 1; k < tape[0].next; k = tape[k + 1].next) {
        int64_t ns;
        bool time = export_text_is(record, k, "timeUnixNano");
        if (export_text_is(record, k, "type") || (time && stamped))
            continue;
        if (execution && export_key_number(record, k, &lost_keys) >= 0) {
            export_lose(&record->losses, record->type, tape[k].value.s, tape[k].value.len);
            continue;
        }
        if (out->data[out->length - 1] != '{')
            tcore_buf_putc(out, ',');
        if (time && export_int64(record, k + 1, &ns)) {
            put_time(out, "\"timestamp\":", ns);
            continue;
        }
        tcore_json_write_value(out, &tape[k].value);
        tcore_buf_putc(out, ':');
        tcore_json_write_value(out, &tape[k + 1].value);
    }
    tcore_buf_puts(out, "}\n");
}

/* --- the run --- */

static enum tcore_status check_memory(const struct mplp *m, struct tcore_error *err)
{
    int64_t memory = export_memory(m->cli);
    if (mplp_executions_bytes(&m->executions) <= (uint64_t)memory)
        return TCORE_OK;
    return tcore_error_set(err, TCORE_FATAL,
                           "what may belong to executions does not fit in %" PRId64
                           " KiB: give more with "
                           "--memory=SIZE, or leave out spans with --type",
                           memory >> 10);
}

static enum tcore_status hold(struct mplp *m, struct tcore_error *err)
{
    if (!mplp_executions_add(&m->executions, &m->record))
        return tcore_error_nomem(err);
    return check_memory(m, err);
}

static enum tcore_status put_record(struct mplp *m, const struct tcore_slice *text,
                                    struct tcore_error *err)
{
    struct export_record *record = &m->record;
    enum tcore_status status = export_record_parse(record, text, err);
    if (status != TCORE_OK)
        return status;
    if (!tcore_buf_reserve(&m->text, 1))
        return tcore_error_nomem(err);
    switch (record->type) {
    case TCORE_RECORD_METRIC:
        put_metric(record, &m->text);
        status = hold(m, err);
        break;
    case TCORE_RECORD_EXECUTION: /* an event, or what status made of some */
        if (tcore_json_find(&record->json, 0, "event"))
            status = hold(m, err);
        else
            put_entity(record, &m->text);
        break;
    case TCORE_RECORD_SPAN:
    case TCORE_RECORD_LOG:
        status = hold(m, err);
        break;
    default:
        put_entity(record, &m->text);
    }
    return status == TCORE_OK ? tcore_buf_status(&m->text, err) : status;
}

static enum tcore_status put_batch(void *state, void *worker, const struct tcore_batch *batch,
                                   const uint32_t *rows, size_t count, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    struct mplp *m = state;
    enum tcore_status status = TCORE_OK;
    (void)worker;
    tcore_buf_clear(&m->text);
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = put_record(m, &batch->text[rows[i]], err);
    export_show(out, m->text.data, m->text.length, m->shown);
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct mplp *m = state;
    tcore_buf_clear(&m->text);
    tcore_buf_clear(&m->line);
    enum tcore_status status =
        mplp_executions_next(&m->executions, &m->record.losses, &m->line, err);
    if (status == TCORE_EOF)
        return TCORE_OK;
    if (status == TCORE_OK)
        status = put_record(m, &(struct tcore_slice){m->line.data, m->line.length - 1}, err);
    export_show(out, m->text.data, m->text.length, m->shown);
    return status == TCORE_OK ? TCORE_SKIP : status;
}

static int run(struct cli *cli, const struct export_options *options, int argc, char **argv)
{
    static const struct cli_operator operator= {
        .types = 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_TRACE | 1u << TCORE_RECORD_HEALTH |
                 STATUS_TYPES,
        .ordered = true,
        .open = cli_want_text,
        .batch = put_batch,
        .finish = finish,
    };
    struct mplp m = {.cli = cli, .shown = export_is_shown(cli)};
    int result = CLI_FAILED;
    (void)options;
    if (mplp_executions_open(&m.executions))
        result = cli_filter(cli, &operator, & m, argc, argv);
    else
        cli_error(cli, "the system has no randomness to give");
    export_losses_note(&m.record.losses, cli, "MPLP");
    mplp_executions_close(&m.executions);
    export_record_free(&m.record);
    tcore_buf_free(&m.text);
    tcore_buf_free(&m.line);
    return result;
}

const struct export_format export_mplp = {"mplp", run};
