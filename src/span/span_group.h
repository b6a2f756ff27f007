/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spans of the store by --by: which group each one is in. The group of a span is its fields of
 * these names; one that it does not have is left out.
 */
#ifndef SPAN_SPAN_GROUP_H
#define SPAN_SPAN_GROUP_H

#include "base/map.h"
#include "cli/fields.h"
#include "span/trace_build.h"

/* One thread's. */
struct span_groups {
    const struct cli_strings *by;
    bool plain;               /* service and name only, which the store has as numbers */
    struct tcore_map map;     /* keys: two numbers, or the group's text; by group */
    struct cli_fields fields; /* not plain: how they are found, and which were there */
    struct tcore_json json;
    struct tcore_buf text;
};

/* Whether all fields are service and name: then the store needs to keep no text. */
bool span_groups_are_plain(const struct cli_strings *by);
/* by must outlive it. TCORE_FATAL: no memory or randomness. */
enum tcore_status span_groups_open(struct span_groups *groups, const struct cli_strings *by,
                                   unsigned depth_limit, struct tcore_error *err);
void span_groups_close(struct span_groups *groups);

/* The number of the span's group, counted from 0 as they come. TCORE_FATAL: no memory. */
enum tcore_status span_groups_find(struct span_groups *groups, const struct trace_build *build,
                                   uint32_t span, uint32_t *group, struct tcore_error *err);
/* The number in into of a group in from, which is of the same store. */
enum tcore_status span_groups_translate(struct span_groups *into, const struct span_groups *from,
                                        uint32_t group, uint32_t *number, struct tcore_error *err);
/* Notes the fields that were seen in from. */
void span_groups_add_seen(struct span_groups *into, const struct span_groups *from);

/* A group on its way to its place in the output. */
struct span_group_place {
    uint32_t group;
    int64_t weight;          /* set by the caller: the greatest comes first */
    struct tcore_slice text; /* of the group, a JSON object; in the buffer that was given */
    size_t offset;
};

/* Writes all groups to texts and orders them by weight, then by the bytes of their text. place[i]
 * is of group i at first, of any group then. */
enum tcore_status span_groups_order(const struct span_groups *groups,
                                    const struct tcore_trace_store *store,
                                    struct span_group_place *place, struct tcore_buf *texts,
                                    struct tcore_error *err);

#endif
