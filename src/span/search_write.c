/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What trace-span search writes of spans and traces that match. */
#include <config.h>

#include "span/search.h"

#include "model/id.h"
#include "span/trace_parts.h"

#include <string.h>

void search_writer_free(struct search_writer *writer)
{
    tcore_json_free(&writer->json);
    tcore_buf_free(&writer->members);
}

/* --- Groups */

/* Whether a by() behind it has grouped by the same. */
static bool is_repeated(const struct traceql_group *first, const struct traceql_group *group)
{
    for (const struct traceql_group *g = first; g != group; g = g->outer)
        if (g->label.length == group->label.length &&
            !memcmp(g->label.data, group->label.data, group->label.length))
            return true;
    return false;
}

/* {"resource.service.name":"cart"} */
static void put_group(struct tcore_buf *out, const struct traceql_group *group)
{
    char separator = '{';
    for (const struct traceql_group *g = group; g; g = g->outer) {
        if (is_repeated(group, g))
            continue;
        tcore_buf_putc(out, separator);
        put_text(out, g->label);
        tcore_buf_putc(out, ':');
        tcore_buf_append(out, g->json.data, g->json.length);
        separator = ',';
    }
    tcore_buf_putc(out, '}');
}

/* --- Members of a span */

static void put_member(struct tcore_buf *out, struct tcore_slice name)
{
    tcore_buf_putc(out, ',');
    put_text(out, name);
    tcore_buf_putc(out, ':');
}

/* A comma before each. */
static void put_members(struct search_writer *writer, const struct traceql_query *query,
                        const struct traceql_value *values, const struct traceql_group *group)
{
    struct tcore_buf *members = &writer->members;
    tcore_buf_clear(members);
    for (uint32_t s = 0; s < query->selections; s++) {
        uint32_t field = query->selected[s];
        bool again = false;
        for (uint32_t before = 0; before < s; before++)
            again |= query->selected[before] == field;
        if (again || values[field].type == TRACEQL_NIL)
            continue;
        put_member(members, query->field[field].label);
        traceql_write(members, &values[field]);
    }
    if (group) {
        put_member(members, (struct tcore_slice){"group", 5});
        put_group(members, group);
    }
}

/* Whether a selected field, or the group, has the name of the member. */
static bool is_replaced(const struct traceql_query *query, const struct traceql_value *values,
                        const struct traceql_group *group, const struct tcore_value *key)
{
    if (group && tcore_value_is_text(key, "group"))
        return true;
    for (uint32_t s = 0; s < query->selections; s++) {
        const struct tcore_slice *label = &query->field[query->selected[s]].label;
        if (values[query->selected[s]].type != TRACEQL_NIL && label->length == key->len &&
            !memcmp(label->data, key->s, key->len))
            return true;
    }
    return false;
}

/* All members of the record but those that are replaced. */
static enum tcore_status put_others(struct search_writer *writer, const struct traceql_query *query,
                                    const struct traceql_value *values,
                                    const struct traceql_group *group, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    const struct tcore_json *json = &writer->json;
    struct tcore_json_walk walk;
    struct tcore_json_member member;
    if (tcore_json_walk_open(&walk, json, 0) != TCORE_OK)
        return tcore_error_nomem(err);
    bool first = true;
    while (tcore_json_walk_next(&walk, json, &member)) {
        if (is_replaced(query, values, group, &json->node[member.key].value))
            continue;
        if (!first)
            tcore_buf_putc(out, ',');
        first = false;
        tcore_json_write_value(out, &json->node[member.key].value);
        tcore_buf_putc(out, ':');
        tcore_json_write_tree(out, json, member.value);
    }
    tcore_json_walk_close(&walk);
    return TCORE_OK;
}

enum tcore_status search_write_span(struct search_writer *writer, const struct traceql_query *query,
                                    struct tcore_slice text, const struct traceql_value *values,
                                    const struct traceql_group *group, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    put_members(writer, query, values, group);
    enum tcore_status status = tcore_buf_status(&writer->members, err);
    if (status == TCORE_OK && writer->members.length)
        status = tcore_json_parse(&writer->json, text.data, text.length, err);
    if (status == TCORE_SKIP || !writer->members.length) { /* what is no record stays as it is */
        tcore_buf_append(out, text.data, text.length);
        tcore_buf_putc(out, '\n');
        return tcore_buf_status(out, err);
    }
    tcore_buf_putc(out, '{');
    if (status == TCORE_OK)
        status = put_others(writer, query, values, group, out, err);
    tcore_buf_append(out, writer->members.data, writer->members.length);
    tcore_buf_puts(out, "}\n");
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}

/* --- A trace in brief */

static void put_timeline(const struct trace_build *build, struct tcore_buf *out)
{
    const struct tcore_interval *whole = &build->tree.whole;
    if (!tcore_interval_is_known(whole))
        return;
    put_key(out, "timeline", false);
    tcore_buf_puts(out, "{\"startTime\":");
    put_time(out, whole->start_ns);
    put_key(out, "endTime", false);
    put_time(out, whole->end_ns);
    put_key(out, "totalDuration", false);
    put_int(out, whole->end_ns - whole->start_ns);
    tcore_buf_putc(out, '}');
}

static void put_matches(const struct traceql_matches *matches, struct tcore_buf *out)
{
    put_key(out, "spanSets", false);
    for (uint32_t i = 0; i < matches->count; i++) {
        const struct traceql_match *match = &matches->match[i];
        tcore_buf_puts(out, i ? ",{" : "[{");
        put_key(out, "spanCount", true);
        put_int(out, match->spans.count);
        if (match->group) {
            put_key(out, "group", false);
            put_group(out, match->group);
        }
        tcore_buf_putc(out, '}');
    }
    tcore_buf_putc(out, ']');
}

void search_write_summary(const struct trace_build *build, const struct traceql_matches *matches,
                          struct tcore_buf *out)
{
    struct tcore_slice service = trace_build_service(build, build->tree.root);
    struct tcore_slice name = trace_build_name(build, build->tree.root);
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
    put_key(out, "rootName", false);
    put_text(out, name);
    put_timeline(build, out);
    put_key(out, "structure", false);
    tcore_buf_puts(out, "{\"spanCount\":");
    put_int(out, build->tree.count);
    tcore_buf_puts(out, "},\"errors\":{\"errorCount\":");
    put_int(out, build->trace->errors);
    tcore_buf_putc(out, '}');
    put_matches(matches, out);
    tcore_buf_puts(out, "}\n");
}
