/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A span and what is around it, for people. Nothing of what it says reaches a terminal raw. */
#include <config.h>

#include "span/get_details.h"

#include "cli/human.h"
#include "cli/visible.h"
#include "model/id.h"
#include "model/time.h"
#include "trace/span_values.h"

#include <inttypes.h>
#include <string.h>

#define KEY_COLUMNS 28

/* --- Pieces */

static void put_slice(struct tcore_buf *out, struct tcore_slice text)
{
    if (text.length)
        cli_visible(out, text.data, text.length, false);
}

static void put_value(struct tcore_buf *out, const struct tcore_value *value)
{
    struct tcore_buf text = {0};
    if (value->kind == TCORE_STRING) {
        put_slice(out, (struct tcore_slice){value->s, value->len});
        return;
    }
    tcore_json_write_value(&text, value);
    put_slice(out, (struct tcore_slice){text.data, text.length});
    out->failed |= text.failed;
    tcore_buf_free(&text);
}

/* "  key        ", so that values stand below each other. */
static void put_heading(struct tcore_buf *out, const char *key, size_t length)
{
    size_t before = out->length;
    tcore_buf_puts(out, "  ");
    put_slice(out, (struct tcore_slice){key, length});
    if (out->failed)
        return;
    size_t wide = cli_display_width(out->data + before, out->length - before);
    tcore_buf_printf(out, "%*s", wide < KEY_COLUMNS ? (int)(KEY_COLUMNS - wide) : 1, "");
}

static void put_offset(const struct details *details, struct tcore_buf *out, int64_t ns)
{
    tcore_buf_putc(out, ns < 0 ? '-' : '+');
    cli_human_duration(out, ns < 0 ? -(double)ns : (double)ns, details->ascii);
}

static void put_who(const struct details *details, struct tcore_buf *out, uint32_t span)
{
    struct tcore_slice service = trace_build_service(details->build, span);
    struct tcore_slice name = trace_build_name(details->build, span);
    put_slice(out, service);
    tcore_buf_puts(out, service.length && name.length ? ": " : "");
    put_slice(out, name);
}

static void put_near(const struct details *details, struct tcore_buf *out, uint32_t span)
{
    const struct trace_build *build = details->build;
    const struct tcore_interval *own = &build->tree.interval[details->span];
    const struct tcore_interval *its = &build->tree.interval[span];
    char id[TCORE_SPAN_ID];
    int64_t ns;
    tcore_span_id_digits(build->spans[span].span_id, id);
    tcore_buf_printf(out, "  %.*s %c ", (int)sizeof id, id,
                     build->spans[span].flags & TCORE_SPAN_ERROR ? '!' : ' ');
    put_who(details, out, span);
    if (trace_build_duration(build, span, &ns)) {
        tcore_buf_puts(out, "  ");
        cli_human_duration(out, (double)ns, details->ascii);
    }
    if (tcore_interval_is_known(own) && tcore_interval_is_known(its)) {
        tcore_buf_puts(out, "  ");
        put_offset(details, out, its->start_ns - own->start_ns);
    }
    tcore_buf_putc(out, '\n');
}

/* --- Parts */

static void put_title(const struct details *details, struct tcore_buf *out)
{
    const struct tcore_json *json = details->json;
    char id[2 * TCORE_SPAN_ID];
    put_who(details, out, details->span);
    uint32_t kind = tcore_json_find(json, 0, "kind"), message;
    if (kind && json->node[kind].value.kind == TCORE_STRING) {
        tcore_buf_puts(out, " (");
        put_value(out, &json->node[kind].value);
        tcore_buf_putc(out, ')');
    }
    if (details->build->spans[details->span].flags & TCORE_SPAN_ERROR) {
        tcore_buf_puts(out, "  error");
        message = tcore_json_find(json, 0, "statusMessage");
        tcore_buf_puts(out, message ? ": " : "");
        if (message)
            put_value(out, &json->node[message].value);
    }
    tcore_span_id_digits(details->build->spans[details->span].span_id, id);
    tcore_buf_printf(out, "\nspan %.*s", TCORE_SPAN_ID, id);
    tcore_trace_id_digits(details->build->rows[0]->stored.trace_id, id);
    tcore_buf_printf(out, " of trace %.*s, which has %" PRIu32 " span%s and %" PRIu32 " error%s\n",
                     (int)sizeof id, id, details->build->tree.count,
                     details->build->tree.count == 1 ? "" : "s", details->build->trace->errors,
                     details->build->trace->errors == 1 ? "" : "s");
}

static void put_times(const struct details *details, struct tcore_buf *out)
{
    const struct trace_build *build = details->build;
    const struct tcore_interval *own = &build->tree.interval[details->span];
    char time[TCORE_TIME_BYTES];
    int64_t ns;
    if (!trace_build_duration(build, details->span, &ns)) {
        tcore_buf_puts(out, "without times\n");
        return;
    }
    tcore_buf_append(out, time, tcore_format_time(time, own->start_ns));
    tcore_buf_puts(out, ", ");
    put_offset(details, out, own->start_ns - build->tree.whole.start_ns);
    tcore_buf_puts(out, " after the trace's start\ntook ");
    cli_human_duration(out, (double)ns, details->ascii);
    tcore_buf_puts(out, ", ");
    cli_human_duration(out, (double)build->self_ns[details->span], details->ascii);
    tcore_buf_puts(out, " of it itself; ");
    if (details_is_critical(details)) {
        tcore_buf_puts(out, "on the critical path, of which ");
        cli_human_duration(out, (double)details_critical_ns(details), details->ascii);
        tcore_buf_puts(out, " are its own\n");
    } else {
        tcore_buf_puts(out, "not on the critical path\n");
    }
}

static void put_list(const struct details *details, const char *title,
                     uint32_t (*next)(const struct details *, uint32_t *), struct tcore_buf *out)
{
    uint32_t at = 0, count = 0;
    for (uint32_t span; (span = next(details, &at)) != TCORE_SPAN_NONE; count++) {
        if (!count)
            tcore_buf_printf(out, "\n%s\n", title);
        if (count < DETAILS_MOST)
            put_near(details, out, span);
    }
    if (count > DETAILS_MOST)
        tcore_buf_printf(out, "  and %" PRIu32 " more\n", count - DETAILS_MOST);
}

/* The members of an object. */
static void put_bag(const struct details *details, const char *title, uint32_t bag,
                    struct tcore_buf *out)
{
    const struct tcore_json *json = details->json;
    if (!bag || !tcore_json_is_object(&json->node[bag]) || !json->node[bag].count)
        return;
    tcore_buf_printf(out, "\n%s\n", title);
    for (uint32_t k = bag + 1; k < json->node[bag].next; k = json->node[k + 1].next) {
        put_heading(out, json->node[k].value.s, json->node[k].value.len);
        put_value(out, &json->node[k + 1].value);
        tcore_buf_putc(out, '\n');
    }
}

/* Attributes of an event or link, behind it. */
static void put_inline(const struct details *details, uint32_t bag, struct tcore_buf *out)
{
    const struct tcore_json *json = details->json;
    if (!bag || !tcore_json_is_object(&json->node[bag]))
        return;
    for (uint32_t k = bag + 1; k < json->node[bag].next; k = json->node[k + 1].next) {
        tcore_buf_puts(out, "  ");
        put_value(out, &json->node[k].value);
        tcore_buf_putc(out, '=');
        put_value(out, &json->node[k + 1].value);
    }
}

static void put_moment(const struct details *details, const struct tcore_value *time,
                       struct tcore_buf *out)
{
    const struct tcore_interval *own = &details->build->tree.interval[details->span];
    struct tcore_buf text = {0};
    int64_t ns;
    if (time && tcore_interval_is_known(own) && read_time(time, &ns))
        put_offset(details, &text, ns - own->start_ns);
    tcore_buf_printf(out, "  %-10.*s ", (int)text.length, text.data ? text.data : "");
    tcore_buf_free(&text);
}

static void put_events(const struct details *details, struct tcore_buf *out)
{
    const struct tcore_json *json = details->json;
    uint32_t list = tcore_json_find(json, 0, "events");
    if (!list || !tcore_json_is_array(&json->node[list]) || !json->node[list].count)
        return;
    tcore_buf_puts(out, "\nevents\n");
    for (uint32_t e = list + 1; e < json->node[list].next; e = json->node[e].next) {
        uint32_t time = tcore_json_find(json, e, "timeUnixNano");
        uint32_t name = tcore_json_find(json, e, "name");
        put_moment(details, time ? &json->node[time].value : NULL, out);
        if (name)
            put_value(out, &json->node[name].value);
        put_inline(details, tcore_json_find(json, e, "attributes"), out);
        tcore_buf_putc(out, '\n');
    }
}

static void put_links(const struct details *details, struct tcore_buf *out)
{
    const struct tcore_json *json = details->json;
    uint32_t list = tcore_json_find(json, 0, "links");
    if (!list || !tcore_json_is_array(&json->node[list]) || !json->node[list].count)
        return;
    tcore_buf_puts(out, "\nlinks\n");
    for (uint32_t e = list + 1; e < json->node[list].next; e = json->node[e].next) {
        uint32_t trace = tcore_json_find(json, e, "traceId");
        uint32_t span = tcore_json_find(json, e, "spanId");
        tcore_buf_puts(out, "  trace ");
        if (trace)
            put_value(out, &json->node[trace].value);
        tcore_buf_puts(out, span ? " span " : "");
        if (span)
            put_value(out, &json->node[span].value);
        put_inline(details, tcore_json_find(json, e, "attributes"), out);
        tcore_buf_putc(out, '\n');
    }
}

/* Reads the texts of logs into details->json, and so comes last. */
static enum tcore_status put_logs(const struct details *details, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    const struct tcore_json *json = details->json;
    if (details->log_count)
        tcore_buf_puts(out, "\nlogs\n");
    for (size_t i = 0; i < details->log_count; i++) {
        const struct detail_log *log = &details->logs[i];
        enum tcore_status status =
            tcore_json_parse(details->json, log->text.data, log->text.length, err);
        if (status != TCORE_OK)
            return status;
        uint32_t severity = tcore_json_find(json, 0, "severity");
        uint32_t body = tcore_json_find(json, 0, "body");
        struct tcore_value time = tcore_value_int(log->time_ns);
        put_moment(details, log->timed ? &time : NULL, out);
        if (severity)
            put_value(out, &json->node[severity].value);
        tcore_buf_puts(out, severity ? "  " : "");
        if (body)
            put_value(out, &json->node[body].value);
        put_inline(details, tcore_json_find(json, 0, "attributes"), out);
        tcore_buf_putc(out, '\n');
    }
    return TCORE_OK;
}

enum tcore_status details_put_text(const struct details *details, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    const struct tcore_stored_text *row = details->build->rows[details->span];
    const struct tcore_trace_tree *tree = &details->build->tree;
    uint32_t parent = tree->parent[details->span];
    enum tcore_status status = tcore_json_parse(details->json, row->text, row->text_length, err);
    if (status != TCORE_OK)
        return status;
    put_title(details, out);
    put_times(details, out);
    if (parent != TCORE_SPAN_NONE) {
        tcore_buf_puts(out, "\nparent\n");
        put_near(details, out, parent);
    } else if (tree->notes[details->span] & TCORE_NOTE_ORPHAN) {
        tcore_buf_puts(out, "\nits parent is not in the input\n");
    }
    put_list(details, "children", details_next_child, out);
    put_list(details, "siblings", details_next_sibling, out);
    put_bag(details, "attributes", tcore_json_find(details->json, 0, "attributes"), out);
    put_bag(details, "resource", tcore_json_find(details->json, 0, "resource"), out);
    put_events(details, out);
    put_links(details, out);
    status = put_logs(details, out, err);
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}
