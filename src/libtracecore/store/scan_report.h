/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a scan has read of a repository, and why no more: for those who ask (--explain). Everything
 * is counted where it happens. A scan that is not asked has none of it.
 */
#ifndef TRACECORE_STORE_SCAN_REPORT_H
#define TRACECORE_STORE_SCAN_REPORT_H

#include "base/map.h"
#include "store/repository.h"

#include <pthread.h>

/* Why a segment, or a block of one, was passed over. */
enum tcore_passed {
    TCORE_PASSED_TIME,   /* all of it is of another time */
    TCORE_PASSED_TRACES, /* it has none of the traces */
    TCORE_PASSED_TYPES,  /* no record of a wanted type */
    TCORE_PASSED_MATCH,  /* none that could match, by the names in its manifest */
    TCORE_PASSED_GONE,   /* it was removed meanwhile */
    TCORE_PASSED_KINDS
};

/* Why no roll-up of a segment was taken. */
enum tcore_unrolled {
    TCORE_UNROLLED_UNASKED, /* the question is none for roll-ups */
    TCORE_UNROLLED_CUT,     /* it is partly of another time */
    TCORE_UNROLLED_LACKING, /* none has all records of a type in question */
    TCORE_UNROLLED_FIELDS,  /* what is asked of series is not said of them exactly */
    TCORE_UNROLLED_WINDOWS, /* their windows do not divide those in question */
    TCORE_UNROLLED_DAMAGED  /* or of no use to whoever has read it */
};

/* A segment, or a joint roll-up. */
struct tcore_scan_line {
    bool reached; /* false: the scan ended before */
    bool opened, damaged;
    bool in_joint;         /* a joint roll-up stands for it; its own line says nothing else */
    bool whole_passed;     /* none of its blocks was looked at, */
    enum tcore_passed why; /* for this reason */
    int64_t window_ns;     /* of the roll-up that was taken; 0: none */
    enum tcore_unrolled unrolled;
    uint32_t blocks, blocks_read;
    uint32_t blocks_rolled_up; /* the roll-up stands for them */
    uint32_t blocks_passed[TCORE_PASSED_KINDS];
    uint32_t segments;   /* of a joint: that it stands for */
    uint64_t bytes;      /* of the file */
    uint64_t bytes_read; /* of its members, packed, without what opening takes */
};

struct tcore_scan_column {
    uint64_t times, bytes; /* that it was read, and how much in all */
};

struct tcore_scan_report {
    const struct tcore_segment_list *list; /* borrowed */
    struct tcore_scan_line *line;          /* by number in the list, then by joint roll-up; owned */
    size_t segments, joints;
    bool rollups_asked;             /* roll-ups could have been taken */
    uint64_t opened, opening_bytes; /* files, and what that took */
    size_t logs;
    uint64_t log_bytes; /* of lines from logs */
    pthread_mutex_t lock;
    struct tcore_map names;           /* of columns, as members are named, */
    struct tcore_scan_column *column; /* and by that number; owned */
    size_t column_capacity;
    bool failed; /* out of memory: columns are missing */
};

#pragma GCC visibility push(hidden)

/* Of the segments in the list and so many joint roll-ups. NULL: out of memory. */
struct tcore_scan_report *tcore_scan_report_new(const struct tcore_segment_list *list,
                                                size_t joints);
void tcore_scan_report_free(struct tcore_scan_report *report); /* NULL is none */
/* The rest is called with NULL, too, and does nothing then. */
void tcore_scan_report_opened(struct tcore_scan_report *report, size_t number,
                              const struct tcore_segment *segment);
/* The number of a segment by its path, SIZE_MAX: it is none of the list. */
size_t tcore_scan_report_find(const struct tcore_scan_report *report, const char *path);
/* Called by any thread: a block was read, as far as its directory; bytes of a line were. */
void tcore_scan_report_block(struct tcore_scan_report *report, size_t number, uint64_t bytes);
void tcore_scan_report_bytes(struct tcore_scan_report *report, size_t number, uint64_t bytes);
/* Called by any thread: the same for a column; member: its name. */
void tcore_scan_report_column(struct tcore_scan_report *report, size_t number, const char *member,
                              uint64_t bytes);
/* Called by any thread: its roll-up was damaged. */
void tcore_scan_report_damage(struct tcore_scan_report *report, size_t number);

#pragma GCC visibility pop

#endif
