/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/error_groups.h"

#include "base/sys.h"
#include "model/id.h"
#include "span/text_order.h"
#include "span/trace_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LISTED 5 /* of each list, the most frequent */

/* --- Order */

struct place {
    const struct error_group *group;
    struct tcore_slice text;
    uint32_t number;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->group->failed_traces != b->group->failed_traces)
        return a->group->failed_traces > b->group->failed_traces ? -1 : 1;
    if (a->group->causes != b->group->causes)
        return a->group->causes > b->group->causes ? -1 : 1;
    if (a->group->count != b->group->count)
        return a->group->count > b->group->count ? -1 : 1;
    return compare_texts(a->text, b->text);
}

/* An entry of a list. */
struct entry {
    uint32_t group;
    uint8_t list;
    uint64_t count;
    struct tcore_slice text;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->list != b->list)
        return a->list < b->list ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return compare_texts(a->text, b->text);
}

/* All entries by group and list; NULL without memory. To be freed by the caller. */
static struct entry *order_entries(const struct error_groups *groups)
{
    uint32_t count = groups->list_map.count;
    struct entry *entries = tcore_calloc((size_t)count + 1, sizeof *entries);
    for (uint32_t i = 0; entries && i < count; i++) {
        const struct tcore_map_key *key = &groups->list_map.keys[i];
        struct entry *entry = &entries[i];
        memcpy(&entry->group, key->data, sizeof entry->group);
        memcpy(&entry->list, key->data + sizeof entry->group, sizeof entry->list);
        size_t head = sizeof entry->group + sizeof entry->list;
        entry->text = (struct tcore_slice){key->data + head, key->length - head};
        entry->count = groups->list_count[i];
    }
    if (entries && count)
        qsort(entries, count, sizeof *entries, compare_entries);
    return entries;
}

/* The first entry of a group. */
static uint32_t find_entries(const struct entry *entries, uint32_t count, uint32_t group)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entries[middle].group < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- Records */

static void put_lists(const struct entry *entry, uint32_t left, uint32_t group,
                      struct tcore_buf *out)
{
    static const char *const names[] = {"causedBy", "rootOperations", "swallowedBy", "stacks"};
    for (uint32_t i = 0; i < left && entry[i].group == group;) {
        uint8_t list = entry[i].list;
        put_key(out, names[list], false);
        for (unsigned n = 0; i < left && entry[i].group == group && entry[i].list == list;
             i++, n++) {
            if (n >= LISTED)
                continue;
            tcore_buf_puts(out, n ? "," : "[");
            tcore_buf_append(out, entry[i].text.data, entry[i].text.length - 1); /* its brace */
            tcore_buf_printf(out, "%s\"count\":%" PRIu64 "}", entry[i].text.length > 2 ? "," : "",
                             entry[i].count);
        }
        tcore_buf_putc(out, ']');
    }
}

static void put_instant(const char *key, int64_t ns, struct tcore_buf *out)
{
    tcore_buf_printf(out, ",\"%s\":\"%" PRId64 "\"", key, ns);
}

static void put_examples(const struct error_group *group, struct tcore_buf *out)
{
    if (group->example_count && group->example[0].message.data) {
        put_key(out, "example", false);
        put_text(out, group->example[0].message);
    }
    for (unsigned i = 0; i < group->example_count; i++) {
        char digits[TCORE_TRACE_ID];
        const struct error_example *example = &group->example[i];
        tcore_trace_id_digits(example->trace_id, digits);
        tcore_buf_puts(out, i ? ",{\"traceId\":\"" : ",\"evidence\":[{\"traceId\":\"");
        tcore_buf_append(out, digits, sizeof digits);
        tcore_buf_putc(out, '"');
        if (example->span_id) {
            put_key(out, "spanId", false);
            put_id(out, example->span_id);
        }
        tcore_buf_putc(out, '}');
    }
    tcore_buf_puts(out, group->example_count ? "]" : "");
}

static void put_count(const char *key, uint64_t count, struct tcore_buf *out)
{
    tcore_buf_printf(out, ",\"%s\":%" PRIu64, key, count);
}

static void write_record(const struct error_groups *groups, const struct place *place,
                         const struct entry *entries, struct tcore_buf *out)
{
    const struct error_group *group = place->group;
    uint32_t count = groups->list_map.count, first = find_entries(entries, count, place->number);
    struct tcore_value share = {.kind = TCORE_DOUBLE,
                                .d = (double)group->traces / (double)groups->traces};
    tcore_buf_puts(out, "{\"type\":\"aggregate\",\"recordType\":\"span\",\"metricName\":"
                        "\"lostNano\",\"group\":");
    tcore_buf_append(out, place->text.data, place->text.length);
    put_count("count", group->count, out);
    tcore_buf_printf(out, ",\"sum\":%" PRId64, group->lost_ns);
    put_count("traces", group->traces, out);
    put_key(out, "share", false);
    tcore_json_write_value(out, &share);
    put_count("failedTraces", group->failed_traces, out);
    put_count("causes", group->causes, out);
    put_count("propagated", group->propagated, out);
    put_count("further", group->further, out);
    put_count("recovered", group->recovered, out);
    put_count("handled", group->handled, out);
    put_count("logs", group->logs, out);
    if (group->first_ns <= group->last_ns) {
        put_instant("firstUnixNano", group->first_ns, out);
        put_instant("lastUnixNano", group->last_ns, out);
    }
    put_lists(entries + first, count - first, place->number, out);
    put_examples(group, out);
    tcore_buf_puts(out, "}\n");
}

enum tcore_status error_groups_write(const struct error_groups *groups, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    uint32_t count = groups->map.count;
    struct place *places = tcore_calloc((size_t)count + 1, sizeof *places);
    struct entry *entries = order_entries(groups);
    bool good = places && entries;
    for (uint32_t i = 0; good && i < count; i++)
        places[i] = (struct place){
            .group = &groups->group[i],
            .text = {groups->map.keys[i].data, groups->map.keys[i].length},
            .number = i,
        };
    if (good && count)
        qsort(places, count, sizeof *places, compare_places);
    for (uint32_t i = 0; good && i < count; i++)
        write_record(groups, &places[i], entries, out);
    tcore_free(places);
    tcore_free(entries);
    return good ? tcore_buf_status(out, err) : tcore_error_nomem(err);
}
