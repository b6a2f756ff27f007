/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traces by shape, and shapes by pattern. Each thread counts the shapes that its traces have; then
 * near shapes are put together: shapes come whole ones first, then by how many traces they have,
 * then by their features and their hash; each joins the pattern of the earlier shape that it is
 * most like, or begins one. Like is
 *   a whole shape   with the same entry, and a Jaccard index of features of threshold or more:
 *                   |A and B| / |A or B|
 *   a broken shape  with BROKEN_LIKENESS of its features or more in the other, since it is known
 *                   that spans of it are missing; with the same entry if that names no parent
 * Which pattern a shape joins does not depend on the order of the input or on threads.
 */
#ifndef SPAN_PATTERN_SUM_H
#define SPAN_PATTERN_SUM_H

#include "cli/screen.h"
#include "span/gather.h"
#include "span/shape.h"
#include "stats/cell.h"

#define BROKEN_LIKENESS 0.85

/* A trace to look at: the slowest, or the first. */
struct pattern_trace {
    bool there;
    uint64_t trace_id[2];
    int64_t duration_ns, start_ns; /* -1, INT64_MAX: not known */
};

/* A shape, and once it is the first of a pattern, all of that. */
struct pattern {
    uint64_t hash, entry;
    uint64_t *features; /* ascending; in the sum's arena */
    uint32_t feature_count;
    bool broken, rooted;    /* rooted: the entry is a root and not an orphan */
    uint64_t spans;         /* of all traces */
    uint64_t variants;      /* shapes, itself included */
    struct tcore_cell cell; /* durations; traces and those that failed */
    int64_t first_ns, last_ns;
    struct pattern_trace slowest; /* of all */
    struct pattern_trace first;   /* of its own shape: what is drawn */
};

/* One thread's; it begins zeroed. */
struct pattern_sum {
    struct shape_labels labels;
    struct shape shape;      /* of the trace at hand */
    struct tcore_map map;    /* hashes of shapes, as uint64_t */
    struct pattern *pattern; /* by number; owned */
    uint32_t capacity;
    struct tcore_arena arena;
};

enum tcore_status pattern_sum_open(struct pattern_sum *sum, struct tcore_error *err);
void pattern_sum_close(struct pattern_sum *sum);
enum tcore_status pattern_sum_take(struct pattern_sum *sum, const struct trace_build *build,
                                   struct tcore_error *err);
/* into += from, of the same store. */
enum tcore_status pattern_sum_merge(struct pattern_sum *into, const struct pattern_sum *from,
                                    struct tcore_error *err);
/* Adds a pattern to another one. */
enum tcore_status pattern_add(struct pattern *into, const struct pattern *from,
                              struct tcore_error *err);
const struct tcore_stats *pattern_stats(void);

/* --- pattern_cluster.c */

/* Puts near shapes together: *patterns (to be freed by the caller) are those of the sum that are
 * left, by how many traces they have. */
enum tcore_status pattern_cluster(struct pattern_sum *sum, double threshold,
                                  struct pattern ***patterns, size_t *count,
                                  struct tcore_error *err);

/* --- pattern_write.c */

/* Appends a record of the first patterns, most at most, of each of which the first trace is looked
 * at again; with a screen what people see of it there, an empty line between two. */
enum tcore_status pattern_write(struct pattern_sum *sum, struct pattern *const *patterns,
                                size_t count, size_t most, struct gather *gather,
                                const struct cli_screen *screen, struct tcore_buf *out,
                                struct tcore_error *err);

/* --- pattern_sketch.c */

/* Of siblings[from..count) the first one that none before has the shape of; count: there is none.
 * After a thousand they are not looked at. */
uint32_t pattern_next(const struct shape *shape, const uint32_t *siblings, uint32_t count,
                      uint32_t from);
/* How many of siblings[place..count) have the shape of the one at place. */
uint32_t pattern_alike(const struct shape *shape, const uint32_t *siblings, uint32_t count,
                       uint32_t place);
/* "service: name x3", as it is: the service if it is not that of the span above, which may be
 * TCORE_SPAN_NONE. */
void pattern_put_label(const struct shape *shape, const struct shape_labels *labels,
                       const struct trace_build *build, uint32_t span, uint32_t above,
                       uint32_t alike, struct tcore_buf *out);

/* Appends a trace's tree in a line: service: name, what is below in brackets, siblings of one shape
 * once with how many there are; a service where it is not that of the span above. The shape is
 * that of the trace. */
void pattern_sketch(const struct shape *shape, const struct shape_labels *labels,
                    const struct trace_build *build, struct tcore_buf *out);

/* --- pattern_tree.c */

/* Appends what the pattern's record says and the tree of the trace, a line a span, siblings of one
 * shape once. Nothing of names is raw. */
void pattern_draw(const struct shape *shape, const struct shape_labels *labels,
                  const struct trace_build *build, const struct tcore_json *record,
                  const struct cli_screen *screen, struct tcore_buf *out);

#endif
