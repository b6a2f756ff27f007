/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/pattern_sum.h"

#include "model/id.h"
#include "model/json.h"
#include "span/trace_parts.h"

#include <inttypes.h>

static void put_double(const char *key, double number, struct tcore_buf *out)
{
    struct tcore_value value = {.kind = TCORE_DOUBLE, .d = number};
    put_key(out, key, false);
    tcore_json_write_value(out, &value);
}

static void put_trace(const struct pattern_trace *trace, struct tcore_buf *out)
{
    char digits[TCORE_TRACE_ID];
    tcore_trace_id_digits(trace->trace_id, digits);
    tcore_buf_puts(out, "{\"traceId\":\"");
    tcore_buf_append(out, digits, sizeof digits);
    tcore_buf_puts(out, "\"}");
}

/* The service and the template of the entry, and the pattern's hash. */
static void put_group(struct pattern_sum *sum, const struct trace_build *build, uint64_t hash,
                      struct tcore_buf *out)
{
    uint32_t root = build->tree.root;
    struct tcore_slice service = trace_build_service(build, root);
    tcore_buf_puts(out, "\"group\":{");
    if (service.data) {
        tcore_buf_puts(out, "\"service\":");
        put_text(out, service);
        tcore_buf_putc(out, ',');
    }
    tcore_buf_puts(out, "\"name\":");
    put_text(out, shape_label_template(&sum->labels, sum->shape.label_of[root]));
    tcore_buf_printf(out, ",\"pattern\":\"%016" PRIx64 "\"}", hash);
}

/* What a record is written from. */
struct writing {
    struct pattern_sum *sum;
    struct gather *gather;
    uint64_t all; /* traces, weighted */
    const struct pattern *pattern;
    struct trace_build build; /* of its first trace */
    const struct cli_screen *screen;
    struct tcore_buf *out, sketch, record;
    struct tcore_json json;
};

static enum tcore_status write_record(struct writing *w, struct tcore_buf *out,
                                      struct tcore_error *err)
{
    struct pattern_sum *sum = w->sum;
    const struct pattern *pattern = w->pattern;
    double traces = (double)pattern->cell.count / TCORE_WEIGHT_ONE;
    enum tcore_status status = shape_find(&sum->shape, &sum->labels, &w->build, err);
    if (status != TCORE_OK)
        return status;
    tcore_buf_puts(out, "{\"type\":\"aggregate\",\"recordType\":\"trace\",\"metricName\":"
                        "\"durationNano\",");
    put_group(sum, &w->build, pattern->hash, out);
    if (tcore_cell_write(&pattern->cell, pattern_stats(), 0, out) != TCORE_OK)
        return tcore_error_nomem(err);
    put_double("share", (double)pattern->cell.count / (double)w->all, out);
    put_double("spans", (double)pattern->spans / traces, out);
    tcore_buf_printf(out, ",\"variants\":%" PRIu64, pattern->variants);
    if (pattern->first_ns <= pattern->last_ns)
        tcore_buf_printf(out, ",\"firstUnixNano\":\"%" PRId64 "\",\"lastUnixNano\":\"%" PRId64 "\"",
                         pattern->first_ns, pattern->last_ns);
    tcore_buf_clear(&w->sketch);
    pattern_sketch(&sum->shape, &sum->labels, &w->build, &w->sketch);
    put_key(out, "sketch", false);
    put_text(out, (struct tcore_slice){w->sketch.data, w->sketch.length});
    tcore_buf_puts(out, ",\"evidence\":[");
    put_trace(&pattern->slowest, out);
    tcore_buf_puts(out, "]}\n");
    return tcore_buf_status(&w->sketch, err);
}

static enum tcore_status draw(struct writing *w, struct tcore_error *err)
{
    tcore_buf_clear(&w->record);
    enum tcore_status status = write_record(w, &w->record, err);
    if (status == TCORE_OK)
        status = tcore_buf_status(&w->record, err);
    if (status == TCORE_OK)
        status = tcore_json_parse(&w->json, w->record.data, w->record.length - 1, err);
    if (status == TCORE_OK)
        pattern_draw(&w->sum->shape, &w->sum->labels, &w->build, &w->json, w->screen, w->out);
    return status;
}

static enum tcore_status look_at_first(void *state, unsigned thread,
                                       struct tcore_stored_trace *trace, struct tcore_error *err)
{
    struct writing *w = state;
    (void)thread;
    enum tcore_status status = trace_build_tree(&w->build, w->gather->store, trace, err);
    if (status != TCORE_OK)
        return status;
    return w->screen ? draw(w, err) : write_record(w, w->out, err);
}

enum tcore_status pattern_write(struct pattern_sum *sum, struct pattern *const *patterns,
                                size_t count, size_t most, struct gather *gather,
                                const struct cli_screen *screen, struct tcore_buf *out,
                                struct tcore_error *err)
{
    struct writing w = {.sum = sum, .gather = gather, .screen = screen, .out = out};
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < count; i++)
        w.all += patterns[i]->cell.count;
    for (size_t i = 0; i < count && i < most && status == TCORE_OK; i++) {
        w.pattern = patterns[i];
        tcore_buf_puts(out, screen && i ? "\n" : "");
        status = gather_again(gather, w.pattern->first.trace_id, look_at_first, &w, err);
    }
    trace_build_free(&w.build);
    tcore_buf_free(&w.sketch);
    tcore_buf_free(&w.record);
    tcore_json_free(&w.json);
    return status ? status : tcore_buf_status(out, err);
}
