/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/error_groups.h"

#include "base/sys.h"

#include <string.h>

enum tcore_status error_groups_open(struct error_groups *groups, const struct cli_strings *by,
                                    unsigned depth_limit, struct tcore_error *err)
{
    *groups = (struct error_groups){.by = by};
    groups->json.depth_limit = groups->log_json.depth_limit = depth_limit;
    if (tcore_map_init(&groups->map) != 0 || tcore_map_init(&groups->list_map) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
    return cli_fields_ask(&groups->fields, by) ? TCORE_OK : tcore_error_nomem(err);
}

void error_groups_close(struct error_groups *groups)
{
    tcore_map_free(&groups->map);
    tcore_map_free(&groups->list_map);
    tcore_arena_free(&groups->arena);
    cli_fields_free(&groups->fields);
    error_causes_free(&groups->causes);
    tcore_json_free(&groups->json);
    tcore_json_free(&groups->log_json);
    tcore_buf_free(&groups->text);
    tcore_buf_free(&groups->key);
    tcore_buf_free(&groups->messages);
    tcore_free(groups->group);
    tcore_free(groups->list_count);
    tcore_free(groups->found);
    tcore_free(groups->group_of);
}

enum tcore_status error_groups_find(struct error_groups *groups, struct tcore_slice text,
                                    uint32_t *number, struct tcore_error *err)
{
    bool added;
    *number = tcore_map_intern(&groups->map, text.data, text.length, &added);
    if (*number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (*number >= groups->capacity) {
        size_t n = groups->capacity ? (size_t)groups->capacity * 2 : 64;
        void *group = tcore_reallocarray(groups->group, n, sizeof *groups->group);
        if (!group)
            return tcore_error_nomem(err);
        groups->group = group;
        groups->capacity = (uint32_t)n;
    }
    if (added)
        groups->group[*number] = (struct error_group){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
    return TCORE_OK;
}

/* --- Lists */

static enum tcore_status count_in_list(struct error_groups *groups, struct tcore_slice key,
                                       uint64_t count, struct tcore_error *err)
{
    bool added;
    uint32_t number = tcore_map_intern(&groups->list_map, key.data, key.length, &added);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (number >= groups->list_capacity) {
        size_t n = groups->list_capacity ? (size_t)groups->list_capacity * 2 : 64;
        void *counts = tcore_reallocarray(groups->list_count, n, sizeof *groups->list_count);
        if (!counts)
            return tcore_error_nomem(err);
        groups->list_count = counts;
        groups->list_capacity = (uint32_t)n;
    }
    groups->list_count[number] = count + (added ? 0 : groups->list_count[number]);
    return TCORE_OK;
}

enum tcore_status error_groups_list(struct error_groups *groups, uint32_t group,
                                    enum error_list list, struct tcore_slice text, uint64_t count,
                                    struct tcore_error *err)
{
    uint8_t which = (uint8_t)list;
    tcore_buf_clear(&groups->key);
    tcore_buf_append(&groups->key, &group, sizeof group);
    tcore_buf_append(&groups->key, &which, sizeof which);
    tcore_buf_append(&groups->key, text.data, text.length);
    if (tcore_buf_status(&groups->key, err) != TCORE_OK)
        return TCORE_FATAL;
    return count_in_list(groups, (struct tcore_slice){groups->key.data, groups->key.length}, count,
                         err);
}

static enum tcore_status merge_lists(struct error_groups *into, const struct error_groups *from,
                                     const uint32_t *numbers, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < from->list_map.count && status == TCORE_OK; i++) {
        const struct tcore_map_key *key = &from->list_map.keys[i];
        uint32_t group;
        uint8_t list;
        memcpy(&group, key->data, sizeof group);
        memcpy(&list, key->data + sizeof group, sizeof list);
        size_t head = sizeof group + sizeof list;
        status = error_groups_list(into, numbers[group], (enum error_list)list,
                                   (struct tcore_slice){key->data + head, key->length - head},
                                   from->list_count[i], err);
    }
    return status;
}

/* --- Examples */

static bool is_better(const struct error_example *a, const struct error_example *b)
{
    if (a->caused != b->caused)
        return a->caused;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns;
    if (a->trace_id[0] != b->trace_id[0])
        return a->trace_id[0] < b->trace_id[0];
    if (a->trace_id[1] != b->trace_id[1])
        return a->trace_id[1] < b->trace_id[1];
    return a->span_id < b->span_id;
}

/* The place of the example of that trace, or behind the last one. */
static unsigned place_of_trace(const struct error_group *group, const uint64_t trace_id[2])
{
    unsigned at = 0;
    while (at < group->example_count && (group->example[at].trace_id[0] != trace_id[0] ||
                                         group->example[at].trace_id[1] != trace_id[1]))
        at++;
    return at;
}

enum tcore_status error_groups_offer(struct error_groups *groups, struct error_group *group,
                                     const struct error_example *example, struct tcore_error *err)
{
    unsigned at = place_of_trace(group, example->trace_id);
    if (at == group->example_count && at == ERROR_EXAMPLES)
        at--; /* the worst makes room */
    if (at < group->example_count && !is_better(example, &group->example[at]))
        return TCORE_OK;
    struct error_example kept = *example;
    if (kept.message.data) {
        kept.message.data =
            tcore_arena_copy(&groups->arena, kept.message.data, kept.message.length);
        if (!kept.message.data)
            return tcore_error_nomem(err);
    }
    group->example_count += at == group->example_count;
    for (; at && is_better(&kept, &group->example[at - 1]); at--)
        group->example[at] = group->example[at - 1];
    group->example[at] = kept;
    return TCORE_OK;
}

/* --- Two threads' */

static enum tcore_status merge_group(struct error_groups *into, struct error_group *group,
                                     const struct error_group *other, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    group->count += other->count;
    group->traces += other->traces;
    group->failed_traces += other->failed_traces;
    group->causes += other->causes;
    group->propagated += other->propagated;
    group->further += other->further;
    group->recovered += other->recovered;
    group->handled += other->handled;
    group->logs += other->logs;
    group->lost_ns = add_ns(group->lost_ns, other->lost_ns);
    group->first_ns = other->first_ns < group->first_ns ? other->first_ns : group->first_ns;
    group->last_ns = other->last_ns > group->last_ns ? other->last_ns : group->last_ns;
    for (unsigned i = 0; i < other->example_count && status == TCORE_OK; i++)
        status = error_groups_offer(into, group, &other->example[i], err);
    return status;
}

enum tcore_status error_groups_merge(struct error_groups *into, const struct error_groups *from,
                                     struct tcore_error *err)
{
    uint32_t *numbers = tcore_reallocarray(NULL, (size_t)from->map.count + 1, sizeof *numbers);
    enum tcore_status status = numbers ? TCORE_OK : tcore_error_nomem(err);
    into->traces += from->traces;
    for (size_t i = 0; i < into->fields.count; i++)
        into->fields.field[i].seen |= from->fields.field[i].seen;
    for (uint32_t i = 0; i < from->map.count && status == TCORE_OK; i++) {
        const struct tcore_map_key *key = &from->map.keys[i];
        status =
            error_groups_find(into, (struct tcore_slice){key->data, key->length}, &numbers[i], err);
        if (status == TCORE_OK)
            status = merge_group(into, &into->group[numbers[i]], &from->group[i], err);
    }
    if (status == TCORE_OK)
        status = merge_lists(into, from, numbers, err);
    tcore_free(numbers);
    return status;
}
