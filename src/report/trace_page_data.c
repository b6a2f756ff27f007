/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The data of a trace's page, one span a line. Times are nanoseconds from the trace's start. Values
 * of attributes go as text, so that no digit of an integer is lost to the reader's numbers.
 *
 *   services: [name, spans, errors, self time]   names: texts that spans refer to by number
 *   spans:    [parent row, service, name, kind, start, duration, self, flags, left out]
 *             (start and duration are null where they are not known)
 *   path:     [row, start, end] pieces of the critical path
 *   details:  {i: id, p: parent id, m: status message, a: attributes, e: events, l: links,
 *             g: log records [time, severity, attributes, body], r: resource}; attributes are
 * [name, text] or, if not a string, [name, text, 1] resources: attributes of resources and scopes,
 * told apart by their text
 */
#include <config.h>

#include "report/html.h"
#include "report/trace_page.h"

#include "base/sys.h"
#include "model/number.h"

#include <inttypes.h>

enum {
    FLAG_ERROR = 1,
    FLAG_ON_PATH = 2,
    FLAG_NOTES = 4 /* and up: the tree's notes, shifted by 2 */
};

struct data {
    const struct trace_page *page;
    struct tcore_buf *out;
    struct tcore_json json;
    struct tcore_map resources; /* their JSON text */
    size_t next_log;
};

static struct tcore_slice key_of(const struct tcore_map *map, uint32_t number)
{
    return (struct tcore_slice){map->keys[number].data, map->keys[number].length};
}

static void put_slice(struct tcore_buf *out, struct tcore_slice text)
{
    html_json_string(out, text.data, text.length);
}

/* --- Values of a record */

/* Any value as a JSON string of its text, and whether it was none before. */
static void put_value(struct data *data, uint32_t at)
{
    const struct tcore_value *value = &data->json.node[at].value;
    struct tcore_buf text = {0};
    if (value->kind == TCORE_STRING) {
        html_json_string(data->out, value->s, value->len);
        return;
    }
    tcore_json_write_tree(&text, &data->json, at);
    html_json_string(data->out, text.data ? text.data : "", text.length);
    tcore_buf_puts(data->out, ",1");
    data->out->failed |= text.failed;
    tcore_buf_free(&text);
}

/* The members of the object at index at, as pairs. */
static enum tcore_status put_pairs(struct data *data, uint32_t at, struct tcore_error *err)
{
    struct tcore_json_walk walk;
    struct tcore_json_member member;
    const char *comma = "";
    if (!tcore_json_is_object(&data->json.node[at])) {
        tcore_buf_puts(data->out, "[]");
        return TCORE_OK;
    }
    if (tcore_json_walk_open(&walk, &data->json, at) != TCORE_OK)
        return tcore_error_nomem(err);
    tcore_buf_putc(data->out, '[');
    while (tcore_json_walk_next(&walk, &data->json, &member)) {
        const struct tcore_value *key = &data->json.node[member.key].value;
        tcore_buf_printf(data->out, "%s[", comma);
        html_json_string(data->out, key->s, key->len);
        tcore_buf_putc(data->out, ',');
        put_value(data, member.value);
        tcore_buf_putc(data->out, ']');
        comma = ",";
    }
    tcore_buf_putc(data->out, ']');
    tcore_json_walk_close(&walk);
    return TCORE_OK;
}

static bool time_of(const struct data *data, uint32_t at, int64_t *time_ns)
{
    const struct tcore_value *value = &data->json.node[at].value;
    if (!at)
        return false;
    if (value->kind == TCORE_STRING)
        return tcore_parse_int64(value->s, value->len, time_ns);
    return tcore_value_int64(value, time_ns);
}

static void put_time(struct data *data, int64_t time_ns)
{
    const struct tcore_interval *whole = &data->page->view->tree.whole;
    int64_t offset;
    if (tcore_interval_is_known(whole) &&
        !__builtin_sub_overflow(time_ns, whole->start_ns, &offset))
        tcore_buf_printf(data->out, "%" PRId64, offset);
    else
        tcore_buf_puts(data->out, "null");
}

/* Events: [time, name, attributes]; links: [trace id, span id, attributes]. */
static enum tcore_status put_list(struct data *data, uint32_t list, const char *const names[2],
                                  struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    const struct tcore_json_node *node = data->json.node;
    const char *comma = "";
    tcore_buf_putc(data->out, '[');
    for (uint32_t e = list + 1; e < node[list].next && !status; e = node[e].next) {
        int64_t time_ns;
        if (!tcore_json_is_object(&node[e]))
            continue;
        tcore_buf_printf(data->out, "%s[", comma);
        for (size_t i = 0; i < 2; i++) {
            uint32_t at = tcore_json_find(&data->json, e, names[i]);
            if (i == 0 && time_of(data, at, &time_ns))
                put_time(data, time_ns);
            else if (at && node[at].value.kind == TCORE_STRING)
                html_json_string(data->out, node[at].value.s, node[at].value.len);
            else
                tcore_buf_puts(data->out, i ? "\"\"" : "null");
            tcore_buf_putc(data->out, ',');
        }
        uint32_t attributes = tcore_json_find(&data->json, e, "attributes");
        if (attributes)
            status = put_pairs(data, attributes, err);
        else
            tcore_buf_puts(data->out, "[]");
        tcore_buf_putc(data->out, ']');
        comma = ",";
    }
    tcore_buf_putc(data->out, ']');
    return status;
}

/* --- Spans */

static enum tcore_status put_resource(struct data *data, struct tcore_error *err)
{
    uint32_t at = tcore_json_find(&data->json, 0, "resource");
    struct tcore_buf text = {0};
    if (!at || !tcore_json_is_object(&data->json.node[at]))
        return TCORE_OK;
    tcore_json_write_tree(&text, &data->json, at);
    uint32_t number = text.failed
                          ? TCORE_MAP_NONE
                          : tcore_map_intern(&data->resources, text.data, text.length, NULL);
    tcore_buf_free(&text);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    tcore_buf_printf(data->out, ",\"r\":%" PRIu32, number);
    return TCORE_OK;
}

static void put_string_member(struct data *data, const char *key, const char *field)
{
    uint32_t at = tcore_json_find(&data->json, 0, field);
    if (!at || data->json.node[at].value.kind != TCORE_STRING)
        return;
    tcore_buf_printf(data->out, ",\"%s\":", key);
    html_json_string(data->out, data->json.node[at].value.s, data->json.node[at].value.len);
}

static enum tcore_status put_log(struct data *data, const struct trace_log *log,
                                 struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(&data->json, log->text.data, log->text.length, err);
    if (status)
        return status;
    uint32_t severity = tcore_json_find(&data->json, 0, "severity");
    uint32_t attributes = tcore_json_find(&data->json, 0, "attributes");
    uint32_t body = tcore_json_find(&data->json, 0, "body");
    tcore_buf_putc(data->out, '[');
    if (log->time_ns)
        put_time(data, log->time_ns);
    else
        tcore_buf_puts(data->out, "null");
    tcore_buf_putc(data->out, ',');
    if (severity && data->json.node[severity].value.kind == TCORE_STRING)
        put_value(data, severity);
    else
        tcore_buf_puts(data->out, "\"\"");
    tcore_buf_putc(data->out, ',');
    if (attributes)
        status = put_pairs(data, attributes, err);
    else
        tcore_buf_puts(data->out, "[]");
    tcore_buf_putc(data->out, ',');
    if (body)
        put_value(data, body);
    else
        tcore_buf_puts(data->out, "\"\"");
    tcore_buf_putc(data->out, ']');
    return status;
}

/* Those of the row; rows come in order, and so do the records. */
static enum tcore_status put_logs(struct data *data, uint32_t row, struct tcore_error *err)
{
    const struct trace_logs *logs = data->page->logs;
    enum tcore_status status = TCORE_OK;
    const char *before = ",\"g\":[";
    size_t first = data->next_log;
    for (; data->next_log < logs->count && logs->log[data->next_log].row == row && !status;
         data->next_log++) {
        tcore_buf_puts(data->out, before);
        before = ",";
        status = put_log(data, &logs->log[data->next_log], err);
    }
    tcore_buf_puts(data->out, data->next_log > first ? "]" : "");
    return status;
}

static enum tcore_status put_details(struct data *data, uint32_t row, struct tcore_error *err)
{
    const struct view_trace *view = data->page->view;
    const struct tcore_stored_text *span = trace_span(view->trace, view->rows[row].span);
    static const char *const event[] = {"timeUnixNano", "name"};
    static const char *const link[] = {"traceId", "spanId"};
    struct tcore_buf *out = data->out;
    enum tcore_status status = tcore_json_parse(&data->json, span->text, span->text_length, err);
    if (status == TCORE_FATAL)
        return status;
    tcore_buf_printf(out, "{\"i\":\"%016" PRIx64 "\"", span->stored.span.span_id);
    if (span->stored.span.parent_id)
        tcore_buf_printf(out, ",\"p\":\"%016" PRIx64 "\"", span->stored.span.parent_id);
    if (status == TCORE_OK) {
        put_string_member(data, "m", "statusMessage");
        uint32_t at = tcore_json_find(&data->json, 0, "attributes");
        if (at) {
            tcore_buf_puts(out, ",\"a\":");
            status = put_pairs(data, at, err);
        }
        at = tcore_json_find(&data->json, 0, "events");
        if (at && tcore_json_is_array(&data->json.node[at]) && !status) {
            tcore_buf_puts(out, ",\"e\":");
            status = put_list(data, at, event, err);
        }
        at = tcore_json_find(&data->json, 0, "links");
        if (at && tcore_json_is_array(&data->json.node[at]) && !status) {
            tcore_buf_puts(out, ",\"l\":");
            status = put_list(data, at, link, err);
        }
        if (!status)
            status = put_resource(data, err);
    }
    if (status != TCORE_FATAL)
        status = put_logs(data, row, err);
    tcore_buf_putc(out, '}');
    return status == TCORE_FATAL ? status : TCORE_OK;
}

static void put_row(struct data *data, const struct trace_row *row)
{
    const struct view_trace *view = data->page->view;
    const struct tcore_trace_span *span = &view->spans[row->span];
    const struct tcore_interval *interval = &view->tree.interval[row->span];
    unsigned flags = (span->flags & TCORE_SPAN_ERROR ? FLAG_ERROR : 0u) |
                     (row->on_path ? FLAG_ON_PATH : 0u) |
                     (unsigned)view->tree.notes[row->span] * FLAG_NOTES;
    if (row->parent == TCORE_SPAN_NONE)
        tcore_buf_puts(data->out, "[-1,");
    else
        tcore_buf_printf(data->out, "[%" PRIu32 ",", row->parent);
    tcore_buf_printf(data->out, "%" PRIu32 ",%" PRIu32 ",%u,", row->service, row->name,
                     (unsigned)span->kind);
    if (tcore_interval_is_known(interval)) {
        put_time(data, interval->start_ns);
        tcore_buf_printf(data->out, ",%" PRId64, interval->end_ns - interval->start_ns);
    } else {
        tcore_buf_puts(data->out, "null,null");
    }
    tcore_buf_printf(data->out, ",%" PRId64 ",%u,%" PRIu32 "]", view->self_ns[row->span], flags,
                     row->left_out);
}

static enum tcore_status put_rows(struct data *data, struct tcore_error *err)
{
    const struct view_trace *view = data->page->view;
    enum tcore_status status = TCORE_OK;
    tcore_buf_puts(data->out, ",\n\"spans\":[");
    for (size_t i = 0; i < view->row_count; i++) {
        tcore_buf_puts(data->out, i ? ",\n" : "\n");
        put_row(data, &view->rows[i]);
    }
    tcore_buf_puts(data->out, "],\n\"path\":[");
    const char *comma = "";
    for (size_t i = 0; i < view->path.segment_count; i++) {
        const struct tcore_critical_segment *segment = &view->path.segments[i];
        uint32_t row = view->row_of[segment->span];
        if (row == TCORE_SPAN_NONE)
            continue;
        tcore_buf_printf(data->out, "%s[%" PRIu32 ",", comma, row);
        comma = ",";
        put_time(data, segment->start_ns);
        tcore_buf_putc(data->out, ',');
        put_time(data, segment->end_ns);
        tcore_buf_putc(data->out, ']');
    }
    tcore_buf_puts(data->out, "],\n\"details\":[");
    for (uint32_t i = 0; i < view->row_count && !status; i++) {
        tcore_buf_puts(data->out, i ? ",\n" : "\n");
        status = put_details(data, i, err);
    }
    tcore_buf_puts(data->out, "]");
    return status;
}

static enum tcore_status put_resources(struct data *data, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    tcore_buf_puts(data->out, ",\n\"resources\":[");
    for (uint32_t i = 0; i < data->resources.count && !status; i++) {
        struct tcore_slice text = key_of(&data->resources, i);
        tcore_buf_puts(data->out, i ? ",\n" : "\n");
        status = tcore_json_parse(&data->json, text.data, text.length, err);
        if (!status)
            status = put_pairs(data, 0, err);
    }
    tcore_buf_puts(data->out, "]");
    return status;
}

static void put_head(struct data *data)
{
    const struct view_trace *view = data->page->view;
    struct tcore_buf *out = data->out;
    const struct tcore_interval *whole = &view->tree.whole;
    bool known = tcore_interval_is_known(whole);
    tcore_buf_printf(out, "{\"version\":1,\"traceId\":\"%016" PRIx64 "%016" PRIx64 "\"",
                     view->trace->spans[0]->trace_id[0], view->trace->spans[0]->trace_id[1]);
    if (known)
        tcore_buf_printf(out, ",\"start\":\"%" PRId64 "\"", whole->start_ns);
    tcore_buf_printf(out, ",\"duration\":%" PRId64 ",\"total\":%" PRIu32,
                     known ? whole->end_ns - whole->start_ns : 0, view->trace->count);
    if (data->page->selected)
        tcore_buf_printf(out, ",\"select\":\"%016" PRIx64 "\"", data->page->selected);
    tcore_buf_puts(out, ",\n\"services\":[");
    for (size_t i = 0; i < view->service_count; i++) {
        const struct trace_service *service = &view->services[i];
        tcore_buf_puts(out, i ? ",[" : "[");
        put_slice(out, key_of(&view->texts, service->text));
        tcore_buf_printf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRId64 "]", service->spans,
                         service->errors, service->self_ns);
    }
    tcore_buf_puts(out, "],\n\"names\":[");
    for (uint32_t i = 0; i < view->texts.count; i++) {
        tcore_buf_puts(out, i ? "," : "");
        put_slice(out, key_of(&view->texts, i));
    }
    tcore_buf_puts(out, "]");
}

enum tcore_status trace_page_data(const struct trace_page *page, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    struct data data = {.page = page, .out = out};
    if (tcore_map_init(&data.resources) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash table");
    put_head(&data);
    enum tcore_status status = put_rows(&data, err);
    if (!status)
        status = put_resources(&data, err);
    tcore_buf_puts(out, "}\n");
    tcore_map_free(&data.resources);
    tcore_json_free(&data.json);
    return status ? status : tcore_buf_status(out, err);
}
