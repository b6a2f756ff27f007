/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What began the errors of a trace. Failed spans that are children of each other make a chain; its
 * top is the one whose parent did not fail, is not there, or did not wait for it (a consumer). Down
 * from the top each failed span follows from one of its failed children, until one has none: that
 * is the first cause. Of several failed children it is
 *   1. one whose message is within the parent's, as that was handed up;
 *   2. one that had ended by the parent's end;
 *   3. one behind which no child began that did not fail, as then the parent went on;
 *   4. the one whose own first cause came first.
 * Proxies and the like often pass an error on without that their own span says so. So where no
 * child failed, the failed spans that are next below the others are looked at: one that was in time
 * and has the same type (or status code), or a message that was handed up, is the reason.
 *
 * A failed call that was tried again with success is nobody's reason: it is the top of a chain of
 * its own, and recovered. Tried again means that a later child of the same parent is of the same
 * service, name and kind, began when the failed one had ended, and leads to the same operation
 * where both lead to any. Names that are no more than a method of HTTP do not tell calls apart, so
 * these have to lead somewhere.
 */
#ifndef SPAN_ERROR_CAUSE_H
#define SPAN_ERROR_CAUSE_H

#include "span/trace_build.h"

enum error_role {
    ERROR_NONE,       /* it did not fail */
    ERROR_CAUSE,      /* the first cause of its chain */
    ERROR_PROPAGATED, /* follows from a child */
    ERROR_FURTHER,    /* failed by itself, in a chain that had its cause already */
    ERROR_RECOVERED   /* the first cause of a chain that was recovered */
};

struct error_chain {
    uint32_t top, cause;
    uint32_t caller; /* the parent of the top, TCORE_SPAN_NONE of a root */
    bool entry;      /* nobody waited for the top: a root, or what a message set going */
    bool recovered;
    bool outermost; /* no span above the top failed */
};

/* What is known of a failed span besides. */
struct error_known {
    struct tcore_slice type, message; /* data NULL: none */
    int64_t time_ns;                  /* when it failed; INT64_MAX: not known */
};

/* A zeroed struct is ready for use, for trace after trace. */
struct error_causes {
    uint8_t *role;              /* of each span, enum error_role */
    struct error_known *known;  /* set by the caller for failed spans, between reserve and find */
    struct error_chain *chains; /* by the place of their tops in the tree's order */
    uint32_t chain_count;
    uint32_t first; /* the chain that made the trace fail: with the trace's root for its top, else
                       the entry whose cause came first; UINT32_MAX: the trace did not fail */
    /* working memory, of each span */
    uint32_t *cause; /* what it followed from in the end */
    uint8_t *state;
    uint32_t capacity, chain_capacity;
};

/* Room for a trace; roles and what is known are cleared. TCORE_FATAL: no memory. */
enum tcore_status error_causes_reserve(struct error_causes *causes, const struct trace_build *build,
                                       struct tcore_error *err);
/* TCORE_FATAL: no memory. */
enum tcore_status error_causes_find(struct error_causes *causes, const struct trace_build *build,
                                    struct tcore_error *err);
void error_causes_free(struct error_causes *causes);

#endif
