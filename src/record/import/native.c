/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Native records on the input of import: they stay, in canonical form or as they are. */
#include <config.h>

#include "record/import/json.h"

#include "model/canonical.h"

static bool probe(const struct tcore_json *json)
{
    enum tcore_record_type type = tcore_record_type_of(json);
    return type != TCORE_RECORD_NONE && type != TCORE_RECORD_OTHER;
}

/* On one line: newlines are blanks between tokens, the text being valid JSON. */
static void put_unchanged(struct tcore_buf *out, const char *text, size_t length)
{
    size_t from = out->length;
    tcore_buf_append(out, text, length);
    for (size_t i = from; i < out->length; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
}

/* Records may come with OTLP's numbers or names; ours have words. */
static void name_enum(struct import_job *job, const char *field, const struct import_enum *known)
{
    int64_t number;
    uint32_t node = tcore_json_find(&job->json, 0, field);
    struct tcore_value *v = &job->json.node[node].value;
    if (!node || (v->kind != TCORE_STRING && v->kind != TCORE_INT))
        return;
    if (!import_enum(job, node, known, &number)) {
        if (v->kind == TCORE_STRING)
            return;
        job->result->counts.unknown_enums++;
        number = 0;
    }
    v->kind = TCORE_STRING;
    v->s = known->names[number];
    v->len = (uint32_t)strlen(v->s);
}

static void adapt_span(struct import_job *job)
{
    int64_t start_ns = 0, end_ns = 0;
    name_enum(job, "kind", &import_span_kind);
    name_enum(job, "status", &import_status_code);
    if (import_int64(job, tcore_json_find(&job->json, 0, "startTimeUnixNano"), &start_ns) &&
        import_int64(job, tcore_json_find(&job->json, 0, "endTimeUnixNano"), &end_ns))
        import_count_times(job, start_ns, end_ns);
}

static void convert(struct import_job *job)
{
    struct tcore_error err;
    struct tcore_buf *out = &job->result->out;
    enum tcore_record_type type;
    size_t from = out->length;
    uint64_t duplicates;
    job->failed |= tcore_json_duplicates(&job->json, &duplicates) != TCORE_OK;
    job->result->counts.duplicate_keys += duplicates;
    if (tcore_record_type_of(&job->json) == TCORE_RECORD_SPAN)
        adapt_span(job);
    switch (tcore_record_canonical(&job->json, false, out, &type, &err)) {
    case TCORE_OK:
        if (job->forwarded >> type & 1) {
            out->length = from;
            put_unchanged(out, job->text, job->length);
        }
        tcore_buf_putc(out, '\n');
        break;
    case TCORE_FATAL:
        job->failed = true;
        break;
    default:
        import_bad(job, "%s", err.text);
        import_reject(job, 0);
        break;
    }
}

const struct import_format import_native = {
    .name = "native",
    .summary = "tracecore's own NDJSON",
    .probe = probe,
    .convert = convert,
};
