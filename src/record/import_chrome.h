/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chrome's trace events. Beginnings, ends, names and flows refer to each other from anywhere in the
 * document, so that conversion has two steps: each event is gathered in a short form as it is
 * parsed, on any thread; when all are there they are put in order and become records.
 */
#ifndef RECORD_IMPORT_CHROME_H
#define RECORD_IMPORT_CHROME_H

#include "record/import_span.h"

/* Texts of an event, one behind the other at its end. */
enum chrome_text {
    CHROME_PID,        /* JSON of any scalar, or nothing */
    CHROME_TID,        /* the same */
    CHROME_CATEGORY,   /* JSON string */
    CHROME_NAME,       /* JSON string; of metadata the name that is given */
    CHROME_ID,         /* what tells an async event or flow, or a counter, from others */
    CHROME_FLOW,       /* bind_id */
    CHROME_ATTRIBUTES, /* members of an object without its braces; of a counter a value */
    CHROME_TEXTS
};

enum chrome_flags {
    CHROME_HAS_DURATION = 1,
    CHROME_ENCLOSING = 2, /* a flow's end binds to the slice around it, not to the next one */
    CHROME_FLOW_IN = 4,
    CHROME_FLOW_OUT = 8,
    CHROME_BROAD = 16, /* an instant of the whole process, or of all */
    CHROME_NAMES_PROCESS = 32,
    CHROME_NAMES_THREAD = 64
};

/* As it is held; size is a multiple of 8. */
struct chrome_event {
    uint32_t size; /* with its texts */
    char phase;
    uint8_t flags;
    int64_t time_ns, duration_ns;
    uint32_t length[CHROME_TEXTS];
};

struct tcore_slice chrome_text(const struct chrome_event *event, enum chrome_text which);

/* What took a time. */
struct chrome_slice {
    const struct chrome_event *begin, *end; /* end: E, e or F, or NULL */
    int64_t end_ns;                         /* INT64_MAX: nobody knows */
    uint32_t track, below;                  /* below: that was open when this was, + 1 */
    uint32_t parent;                        /* + 1 */
    uint32_t links;                         /* first of them, + 1 */
};

struct chrome_link {
    uint32_t target, next; /* next + 1 */
};

/* What events are: a slice, or a point that may be in one. */
struct chrome_item {
    const struct chrome_event *event;
    uint32_t track;
    uint32_t slice; /* that it begins, or is in, + 1 */
    bool begins;
};

struct chrome_track {
    uint32_t process;
    struct tcore_slice name;
    uint32_t open; /* innermost open slice of B and E, + 1 */
};

struct chrome_process {
    struct tcore_slice pid, name;
};

struct chrome {
    struct import_job *job;
    struct chrome_item *item;
    uint32_t items;
    uint32_t *by_time;
    struct chrome_slice *slice;
    uint32_t slices;
    struct chrome_link *link;
    uint32_t links;
    struct chrome_track *track;
    struct chrome_process *process;
    struct tcore_map tracks, processes, asyncs, flows;
    uint32_t *async; /* innermost open slice of each, + 1 */
    uint32_t *flow;  /* last slice of each, + 1 */
    struct tcore_buf key;
    char trace_id[TCORE_TRACE_ID];
    uint64_t seed; /* of span ids */
};

/* --- import_chrome_order.c: from items to slices, their parents and links. False: out of memory.
 */
bool chrome_order(struct chrome *c);

/* --- import_chrome_write.c */
void chrome_finish(struct import_job *job, const struct tcore_buf *held);

#endif
