/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Native records on the input of import: they stay, in canonical form or as they are. */
#include <config.h>

#include "record/import.h"

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

static void convert(struct import_job *job)
{
    struct tcore_error err;
    struct tcore_buf *out = &job->result->out;
    enum tcore_record_type type;
    size_t from = out->length;
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
