/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/retain.h"

#include "base/sys.h"
#include "cli/message.h"
#include "store/segment_rewrap.h"

#include <inttypes.h>
#include <string.h>

/* Whether all records of a segment are older than that. One without a time is as old as the
 * segment: its values would never go otherwise. */
static bool is_older(const struct tcore_manifest *m, int64_t now_ns, int64_t keep_ns)
{
    int64_t last = m->all_timed ? m->max_ns : m->created_ns, end;
    if (m->timed && m->max_ns > last)
        last = m->max_ns;
    return !__builtin_add_overflow(last, keep_ns, &end) && end <= now_ns;
}

/* Of the keys that are still there, those that go. */
static unsigned find_labels(const struct retain_labels *l, const struct tcore_manifest *m,
                            const struct tcore_wrapped_keys *keys)
{
    const struct policy *policy = &l->removal->upkeep->policy;
    unsigned found = 0;
    for (int label = POLICY_PUBLIC + 1; label < POLICY_LABELS; label++) {
        const struct tcore_wrapped_label *wrapped =
            tcore_wrapped_find(keys, policy_label_names[label]);
        if (wrapped && wrapped->count && policy->label_keep_ns[label] &&
            is_older(m, l->now_ns, policy->label_keep_ns[label]))
            found |= 1u << label;
    }
    return found;
}

/* Looks at a segment's keys, or destroys those that were found then. */
static enum tcore_status change(void *context, const struct tcore_segment *segment,
                                struct tcore_wrapped_keys *keys, struct tcore_error *err)
{
    struct retain_labels *l = context;
    enum tcore_status status = TCORE_OK;
    if (!l->destroys) {
        l->found = find_labels(l, tcore_segment_manifest(segment), keys);
        return TCORE_SKIP;
    }
    for (int label = 0; label < POLICY_LABELS && status == TCORE_OK; label++)
        if (l->found >> label & 1)
            status = tcore_wrapped_destroy(keys, policy_label_names[label], err);
    return status;
}

static enum tcore_status look_at(struct retain_labels *l, size_t i)
{
    struct upkeep *u = l->removal->upkeep;
    const struct removal_plan *plan = &l->removal->plan[i];
    bool held = false;
    l->found = 0;
    if (plan->all_removed && plan->all_removed == plan->records)
        return TCORE_OK;
    enum tcore_status status =
        tcore_repository_rewrap(u->repository, u->segments.path[i], change, l, &u->err);
    status = status == TCORE_SKIP || status == TCORE_EOF ? TCORE_OK : status;
    if (status == TCORE_OK && l->found)
        status = removal_is_held(l->removal, u->segments.path[i], &held);
    l->labels[i] = held ? 0 : l->found;
    for (int label = 0; label < POLICY_LABELS; label++)
        l->segments[label] += l->labels[i] >> label & 1;
    l->any |= l->labels[i] != 0;
    return status;
}

enum tcore_status retain_labels_plan(struct retain_labels *l, struct removal *removal,
                                     int64_t now_ns)
{
    struct upkeep *u = removal->upkeep;
    bool wanted = false;
    *l = (struct retain_labels){.removal = removal, .now_ns = now_ns};
    for (int label = 0; label < POLICY_LABELS; label++)
        wanted |= u->policy.label_keep_ns[label] != 0;
    if (!wanted)
        return TCORE_OK;
    l->labels = tcore_calloc(u->segments.count + 1, sizeof *l->labels);
    if (!l->labels)
        return tcore_error_nomem(&u->err);
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < u->segments.count && status == TCORE_OK; i++)
        status = look_at(l, i);
    return status;
}

void retain_labels_free(struct retain_labels *l)
{
    tcore_free(l->labels);
    l->labels = NULL;
}

void retain_labels_print(const struct retain_labels *l)
{
    struct upkeep *u = l->removal->upkeep;
    for (size_t i = 0; l->any && i < u->segments.count; i++)
        for (int label = 0; label < POLICY_LABELS; label++)
            if (l->labels[i] >> label & 1)
                upkeep_print(u, "segments/%s: what is sealed as %s", u->segments.path[i],
                             policy_label_names[label]);
}

void retain_labels_describe(const struct retain_labels *l, struct tcore_buf *out)
{
    const char *before = ",\"keysDestroyed\":{";
    for (int label = 0; l->any && label < POLICY_LABELS; label++)
        if (l->segments[label]) {
            tcore_buf_printf(out, "%s\"%s\":%" PRIu64, before, policy_label_names[label],
                             l->segments[label]);
            before = ",";
        }
    if (l->any)
        tcore_buf_putc(out, '}');
}

enum tcore_status retain_labels_carry_out(struct retain_labels *l)
{
    struct upkeep *u = l->removal->upkeep;
    enum tcore_status status = TCORE_OK;
    l->destroys = true;
    for (size_t i = 0; l->any && i < u->segments.count && status == TCORE_OK; i++) {
        l->found = l->labels[i];
        if (!l->found)
            continue;
        status = tcore_repository_rewrap(u->repository, u->segments.path[i], change, l, &u->err);
        if (status == TCORE_BAD_INPUT)
            cli_error(u->cli, "%s: segments/%s: %s", u->name, u->segments.path[i], u->err.text);
        status = status == TCORE_FATAL ? status : TCORE_OK;
    }
    return status;
}
