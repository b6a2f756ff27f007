/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trace filters of a repository in one file, laid out so that looking for an id reads one piece
 * of at most 2,056 bytes for every 64 segments.
 *
 * The file is a head and groups. A group has up to 64 segments, whose filters have equal numbers of
 * blocks; equal-numbered blocks of all of them stand together as a row, with a checksum. Groups are
 * appended, never changed; a group is replaced by copying the others to a new file, which the
 * caller renames. A group without its valid head, as a crash or damage leaves it, ends what there
 * is: segments behind it are not listed, and are looked for in their own filters.
 *
 * Segments are known by a hash of their name. tracecore-repository(5) has the bytes.
 */
#ifndef TRACECORE_STORE_TRACE_FILTERS_H
#define TRACECORE_STORE_TRACE_FILTERS_H

#include "store/trace_filter.h"

#define TCORE_TRACE_FILTERS_GROUP 64 /* segments of a group at most */

/* What stands for a segment's name: XXH3 (64 bits). */
uint64_t tcore_trace_filters_name(const char *name, size_t length);

/* Makes the head of a new, empty file, and syncs it. TCORE_OK, TCORE_FATAL (err->errnum). */
enum tcore_status tcore_trace_filters_create(int fd, uint64_t seed, struct tcore_error *err);

struct tcore_trace_filters;

/*
 * Opens a file whose descriptor stays the caller's and must outlive it: reads the heads of all
 * groups. *filters is NULL on failure. TCORE_OK; TCORE_BAD_INPUT: no such file, or a damaged head;
 * TCORE_FATAL: it cannot be read (err->errnum), or no memory. Memory: 0.6 KiB a group.
 */
enum tcore_status tcore_trace_filters_open(struct tcore_trace_filters **filters, int fd,
                                           struct tcore_error *err);
void tcore_trace_filters_free(struct tcore_trace_filters *filters);

uint64_t tcore_trace_filters_seed(const struct tcore_trace_filters *filters);
size_t tcore_trace_filters_groups(const struct tcore_trace_filters *filters);
/* The segments of a group by the hashes of their names; their number is returned. */
size_t tcore_trace_filters_segments(const struct tcore_trace_filters *filters, size_t group,
                                    const uint64_t **names);
/* Where the last valid group ends, and whether the file ends there too. */
uint64_t tcore_trace_filters_end(const struct tcore_trace_filters *filters, bool *whole);

/* What a look-up found. A zeroed struct is empty; names is owned (tcore_free). */
struct tcore_trace_candidates {
    uint64_t *names; /* of segments that may have the id */
    size_t count, capacity;
    size_t damaged; /* groups whose row was damaged: all of their segments are in names */
};

/* Appends the segments that may have the id. TCORE_OK, TCORE_FATAL (a failed read, no memory). */
enum tcore_status tcore_trace_filters_find(const struct tcore_trace_filters *filters,
                                           const uint8_t id[TCORE_TRACE_ID_BYTES],
                                           struct tcore_trace_candidates *out,
                                           struct tcore_error *err);

/*
 * Writes a group of count filters (1 to 64, of equal sizes and the file's seed) to the file at
 * offset, where the last valid group ends; what is there is cut off. The rows are synced before the
 * head that makes them valid is written, which is synced too. TCORE_OK; TCORE_BAD_INPUT: filters
 * that do not fit together, nothing written; TCORE_FATAL (err->errnum): a call failed, the group
 * does not count, and the descriptor is not to be written to again. *end: behind the new group.
 */
enum tcore_status tcore_trace_filters_append(int fd, uint64_t offset,
                                             const struct tcore_trace_filter *const *filters,
                                             const uint64_t *names, size_t count, uint64_t *end,
                                             struct tcore_error *err);
/*
 * Copies the groups for which keep[group] is set to an empty file, head first, and syncs it: rows
 * are compared with their checksums on the way. TCORE_OK; TCORE_BAD_INPUT: a damaged row (the new
 * file is of no use); TCORE_FATAL. *end: where the next group may be appended.
 */
enum tcore_status tcore_trace_filters_copy(const struct tcore_trace_filters *filters,
                                           const bool *keep, int to, uint64_t *end,
                                           struct tcore_error *err);

#endif
