/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Native records on the input of import: they stay, in canonical form. */
#include <config.h>

#include "record/import.h"

#include "model/canonical.h"

static bool probe(const struct tcore_json *json)
{
    enum tcore_record_type type = tcore_record_type_of(json);
    return type != TCORE_RECORD_NONE && type != TCORE_RECORD_OTHER;
}

static void convert(struct import_job *job)
{
    struct tcore_error err;
    struct tcore_buf *out = &job->result->out;
    switch (tcore_record_canonical(&job->json, false, out, NULL, &err)) {
    case TCORE_OK:
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
