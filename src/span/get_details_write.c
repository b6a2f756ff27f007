/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/get_details.h"

#include "span/trace_parts.h"

#include <inttypes.h>
#include <string.h>

static const char *kind_name(uint8_t kind)
{
    static const char *const names[] = {NULL,     "internal", "server",
                                        "client", "producer", "consumer"};
    return kind < sizeof names / sizeof *names ? names[kind] : NULL;
}

/* A span near by, in short. */
static void put_brief(const struct details *details, uint32_t span, struct tcore_buf *out)
{
    const struct trace_build *build = details->build;
    const struct tcore_interval *own = &build->tree.interval[details->span];
    const struct tcore_interval *its = &build->tree.interval[span];
    struct tcore_slice service = trace_build_service(build, span);
    const char *kind = kind_name(build->spans[span].kind);
    int64_t ns;
    tcore_buf_puts(out, "{\"spanId\":");
    put_id(out, build->spans[span].span_id);
    if (service.data) {
        put_key(out, "service", false);
        put_text(out, service);
    }
    put_key(out, "name", false);
    put_text(out, trace_build_name(build, span));
    if (kind)
        tcore_buf_printf(out, ",\"kind\":\"%s\"", kind);
    if (tcore_interval_is_known(own) && tcore_interval_is_known(its)) {
        put_key(out, "offsetNano", false);
        put_int(out, its->start_ns - own->start_ns);
    }
    if (trace_build_duration(build, span, &ns)) {
        put_key(out, "durationNano", false);
        put_int(out, ns);
    }
    if (build->spans[span].flags & TCORE_SPAN_ERROR)
        tcore_buf_puts(out, ",\"status\":\"error\"");
    tcore_buf_putc(out, '}');
}

static void put_list(const struct details *details, const char *key, const char *count_key,
                     uint32_t (*next)(const struct details *, uint32_t *), struct tcore_buf *out)
{
    uint32_t at = 0, count = 0;
    put_key(out, key, false);
    tcore_buf_putc(out, '[');
    for (uint32_t span; (span = next(details, &at)) != TCORE_SPAN_NONE; count++) {
        if (count >= DETAILS_MOST)
            continue;
        tcore_buf_puts(out, count ? "," : "");
        put_brief(details, span, out);
    }
    tcore_buf_printf(out, "],\"%s\":%" PRIu32, count_key, count);
}

static void put_place(const struct details *details, struct tcore_buf *out)
{
    const struct trace_build *build = details->build;
    const struct tcore_trace_tree *tree = &build->tree;
    const struct tcore_interval *own = &tree->interval[details->span];
    uint32_t parent = tree->parent[details->span];
    tcore_buf_printf(out, "\"depth\":%" PRIu32, tree->depth[details->span]);
    if (tcore_interval_is_known(own)) {
        put_key(out, "offsetNano", false);
        put_int(out, own->start_ns - tree->whole.start_ns);
        put_key(out, "selfNano", false);
        put_int(out, build->self_ns[details->span]);
        put_key(out, "critical", false);
        tcore_buf_puts(out, details_is_critical(details) ? "true" : "false");
        put_key(out, "criticalNano", false);
        put_int(out, details_critical_ns(details));
    }
    if (parent != TCORE_SPAN_NONE) {
        put_key(out, "parent", false);
        put_brief(details, parent, out);
    } else if (tree->notes[details->span] & TCORE_NOTE_ORPHAN) {
        tcore_buf_puts(out, ",\"parentMissing\":true");
    }
}

static enum tcore_status put_logs(const struct details *details, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    put_key(out, "logs", false);
    for (size_t i = 0; i < details->log_count; i++) {
        struct tcore_slice text = details->logs[i].text;
        enum tcore_status status = tcore_json_parse(details->json, text.data, text.length, err);
        if (status != TCORE_OK)
            return status;
        tcore_buf_putc(out, i ? ',' : '[');
        tcore_json_write_tree(out, details->json, 0);
    }
    tcore_buf_putc(out, ']');
    return TCORE_OK;
}

static void put_trace(const struct trace_build *build, struct tcore_buf *out)
{
    const struct tcore_interval *whole = &build->tree.whole;
    tcore_buf_printf(out, ",\"trace\":{\"spanCount\":%" PRIu32 ",\"errorCount\":%" PRIu32,
                     build->tree.count, build->trace->errors);
    if (tcore_interval_is_known(whole)) {
        put_key(out, "durationNano", false);
        put_int(out, whole->end_ns - whole->start_ns);
    }
    tcore_buf_putc(out, '}');
}

enum tcore_status details_put_record(const struct details *details, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    const struct tcore_stored_text *row = details->build->rows[details->span];
    enum tcore_status status = tcore_json_parse(details->json, row->text, row->text_length, err);
    if (status != TCORE_OK)
        return status;
    tcore_json_write_tree(out, details->json, 0);
    if (out->failed)
        return tcore_buf_status(out, err);
    out->length--; /* the brace, which comes behind */
    put_key(out, "details", false);
    tcore_buf_putc(out, '{');
    put_place(details, out);
    put_list(details, "children", "childCount", details_next_child, out);
    put_list(details, "siblings", "siblingCount", details_next_sibling, out);
    if (details->log_count)
        status = put_logs(details, out, err);
    put_trace(details->build, out);
    tcore_buf_puts(out, "}}\n");
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}
