/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who calls whom: edges between services, from parents and children whatever their kinds, with
 * calls, errors and latencies. An edge is one of
 *   call      a span's parent is of another service
 *   message   the same, where the parent is a producer or the child a consumer
 *   database, messaging, external
 *             a client or producer that has nothing below it: the target is what its attributes
 *             name, and has no spans of its own there
 *   entry     a root: nobody in the trace calls it
 *   lost      a span whose parent is not there: somebody called it, who is not known
 * An edge to a target whose spans are missing is told as missing
 *   server    no span of that name is anywhere in the input: it is not instrumented
 *   context   there are spans of such a service: it does not take up the context that it is sent
 * and one from a caller that is not there as missing caller.
 *
 * The latency of a call is what its client saw, if its parent is a client, else what the child
 * took; network time is the client's less the servers' durations, so that clocks do not matter.
 * Where clocks were adjusted (skew/skew.h), an edge says how far they were apart.
 */
#ifndef SPAN_SERVICE_MAP_H
#define SPAN_SERVICE_MAP_H

#include "base/map.h"
#include "model/json.h"
#include "span/trace_build.h"
#include "stats/cell.h"

enum edge_kind {
    EDGE_CALL,
    EDGE_MESSAGE,
    EDGE_DATABASE,
    EDGE_MESSAGING,
    EDGE_EXTERNAL,
    EDGE_ENTRY,
    EDGE_LOST
};

struct edge {
    enum edge_kind kind;
    uint32_t source; /* service number; UINT32_MAX: nobody */
    uint32_t target; /* service number; UINT32_MAX: it is named */
    struct tcore_slice name;
    struct tcore_cell latency; /* counts calls and errors, too */
    struct tcore_cell network;
    uint64_t adjusted;            /* calls for which a clock was adjusted */
    int64_t ahead_min, ahead_max; /* of these, how far the target's was ahead of the source's */
};

/* One thread's. */
struct service_map {
    struct tcore_map keys; /* of edges */
    struct edge *edge;     /* by number; owned */
    uint32_t capacity;
    struct tcore_json json;
    struct tcore_buf key;
    uint64_t nameless; /* clients with nothing below them that do not say whom they call */
};

enum tcore_status service_map_open(struct service_map *map, unsigned depth_limit,
                                   struct tcore_error *err);
void service_map_close(struct service_map *map);
/* Adds the edges of a trace; with wanted, only those whose both ends, as far as they have spans,
 * are marked. The store keeps texts. */
enum tcore_status service_map_take(struct service_map *map, const struct trace_build *build,
                                   const bool *wanted, struct tcore_error *err);
/* into += from, of the same store. */
enum tcore_status service_map_merge(struct service_map *into, const struct service_map *from,
                                    struct tcore_error *err);

/* --- service_map_write.c */

/* Appends an aggregate record of each edge, by source (those without one last), target and kind. */
enum tcore_status service_map_records(struct service_map *map,
                                      const struct tcore_trace_store *store, struct tcore_buf *out,
                                      struct tcore_error *err);
/* Appends the map in the language of Graphviz. */
enum tcore_status service_map_dot(struct service_map *map, const struct tcore_trace_store *store,
                                  struct tcore_buf *out, struct tcore_error *err);

/* The statistics that edges have. */
const struct tcore_stats *service_map_stats(void);

/* --- peer.c */

/* Whom a span calls, by its attributes: NULL data if they do not say. */
struct tcore_slice peer_name(const struct tcore_json *span, enum edge_kind *kind);

#endif
