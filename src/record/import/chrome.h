/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chrome's trace events. Beginnings, ends, names and flows refer to each other from anywhere in the
 * document, so that conversion has three steps: events are found as they are parsed, on any thread;
 * they are gathered in a compact form, in the order of the document; when all are there they are
 * put in the order of time and become records.
 */
#ifndef RECORD_IMPORT_CHROME_H
#define RECORD_IMPORT_CHROME_H

#include "record/import/span.h"

/* Texts of an event that was found, one behind the other at its end. */
enum chrome_text {
    CHROME_PID,        /* JSON of any scalar, or nothing */
    CHROME_TID,        /* the same */
    CHROME_NAME,       /* JSON string; of metadata the name that is given */
    CHROME_ID,         /* what tells an async event or flow, or a counter, from others */
    CHROME_FLOW,       /* bind_id; of a counter the name of its series, a JSON string */
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

/* As it was found; size is a multiple of 8. */
struct chrome_found {
    uint32_t size; /* with its texts */
    char phase;
    uint8_t flags;
    int64_t time_ns, duration_ns;
    uint32_t length[CHROME_TEXTS];
};

/* As it is gathered. Texts that many events share are numbers, + 1; 0: there is none. */
struct chrome_event {
    int64_t time_ns, duration_ns;
    uint64_t attributes; /* where they begin */
    uint32_t attribute_bytes;
    uint32_t name, id, flow;
    uint32_t track;
    uint32_t slice; /* that it begins, or is in, + 1 */
    char phase;
    uint8_t flags;
    bool begins;
};

/* What took a time. */
struct chrome_slice {
    int64_t end_ns;      /* INT64_MAX: nobody knows */
    uint32_t begin, end; /* events; end: E, e or F, + 1 */
    uint32_t below;      /* that was open when this was, + 1 */
    uint32_t parent;     /* + 1 */
    uint32_t links;      /* first of them, + 1 */
};

struct chrome_link {
    uint32_t target, next; /* next + 1 */
};

struct chrome_track {
    uint32_t process;
    uint32_t tid, name; /* texts */
    uint32_t open;      /* innermost open slice of B and E, + 1 */
};

struct chrome_process {
    uint32_t pid, name; /* texts */
};

struct chrome_hash; /* of all that was gathered */
struct chrome_recent;

struct chrome {
    struct chrome_event *event;
    struct chrome_track *track;
    struct chrome_process *process;
    uint32_t events, event_capacity, track_capacity, process_capacity;
    uint32_t beginnings, asyncs_seen, flows_seen; /* events, from which the order is made */
    struct tcore_map texts, tracks, processes;
    struct tcore_buf attributes;
    struct chrome_recent *recent; /* attributes of late, which often come again */
    struct chrome_hash *hash;
    /* from here on once all are there */
    struct import_job *job;
    uint32_t *by_time;
    struct chrome_slice *slice;
    uint32_t slices;
    struct chrome_link *link;
    uint32_t links;
    struct tcore_map asyncs, flows;
    uint32_t *async; /* innermost open slice of each, + 1 */
    uint32_t *flow;  /* last slice of each, + 1 */
    struct tcore_buf key;
    char trace_id[TCORE_TRACE_ID];
    uint64_t seed; /* of span ids */
};

struct tcore_slice chrome_attributes(const struct chrome *c, const struct chrome_event *event);
/* The text of that number, or nothing. */
struct tcore_slice chrome_text(const struct chrome *c, uint32_t text);

/* --- import/chrome_gather.c */
void *chrome_open(void);
bool chrome_add(void *gathered, const struct tcore_buf *held);
size_t chrome_bytes(const void *gathered);
void chrome_close(void *gathered);
/* A digest of what was gathered. */
void chrome_digest(const struct chrome *c, char digest[TCORE_TRACE_ID]);

/* --- import/chrome_order.c: from events to slices, their parents and links. False: out of memory.
 */
bool chrome_order(struct chrome *c);

/* --- import/chrome_write.c */
void chrome_finish(void *gathered, struct import_job *job);

#endif
