/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/trace_record.h"

#include "base/sys.h"
#include "model/id.h"
#include "span/trace_parts.h"

#include <string.h>

/* --- Who and when */

static void put_identity(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct trace_build *build = &writer->build;
    struct tcore_slice service = trace_build_service(build, build->tree.root);
    char id[TCORE_TRACE_ID];
    tcore_trace_id_digits(build->rows[0]->stored.trace_id, id);
    tcore_buf_puts(out, "{\"type\":\"trace\",\"traceId\":");
    put_text(out, (struct tcore_slice){id, sizeof id});
    put_key(out, "rootSpanId", false);
    put_id(out, build->spans[build->tree.root].span_id);
    if (service.data) {
        put_key(out, "serviceName", false);
        put_text(out, service);
    }
}

static void put_timeline(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct trace_build *build = &writer->build;
    const struct tcore_interval *whole = &build->tree.whole;
    if (!tcore_interval_is_known(whole))
        return;
    tcore_buf_puts(out, ",\"timeline\":{\"startTime\":");
    put_time(out, whole->start_ns);
    put_key(out, "endTime", false);
    put_time(out, whole->end_ns);
    put_key(out, "totalDuration", false);
    put_int(out, whole->end_ns - whole->start_ns);
    if (build->path.span_count) {
        put_key(out, "criticalPathDuration", false);
        put_int(out, build->path.duration_ns);
    }
    tcore_buf_putc(out, '}');
}

enum tcore_status trace_record_write(struct trace_writer *writer,
                                     const struct tcore_trace_store *store,
                                     struct tcore_stored_trace *trace, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    enum tcore_status status = trace_build(&writer->build, store, trace, err);
    if (status != TCORE_OK)
        return status;
    put_identity(writer, out);
    status = put_structure(writer, out, err);
    put_timeline(writer, out);
    if (status == TCORE_OK)
        status = put_services(writer, out, err);
    if (status != TCORE_OK)
        return status;
    put_performance(writer, out);
    put_errors(writer, out);
    tcore_buf_append(out, writer->sampling.data, writer->sampling.length);
    status = put_analysis(writer, out, err);
    put_metadata(writer, out);
    tcore_buf_puts(out, "}\n");
    out->failed |= writer->sampling.failed || writer->tags.failed;
    return status;
}

void trace_writer_free(struct trace_writer *writer)
{
    trace_build_free(&writer->build);
    tcore_json_free(&writer->json);
    tcore_buf_free(&writer->links);
    tcore_buf_free(&writer->details);
    tcore_buf_free(&writer->scratch);
    tcore_buf_free(&writer->moved);
    tcore_buf_free(&writer->sampling);
    tcore_buf_free(&writer->tags);
    analysis_free(writer->analysis);
    tcore_free(writer->use);
    tcore_free(writer->involved);
    tcore_free(writer->calls);
    *writer = (struct trace_writer){0};
}
