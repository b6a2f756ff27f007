/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replacing segments by others, so that at any moment, and after any crash, each record is there
 * once. REPO/replacing has a file for each replacement that is under way, which lists the old paths
 * and the new ones, and is on disk before anything else happens. Then the new segments are named,
 * then the old ones removed, then the file. While it is there the old ones do not count if all of
 * the new ones are there, and the new ones do not count otherwise: tcore_repository_list() sees to
 * that.
 *
 * Whoever replaces holds the lock of tcore_upkeep_lock(). Readers and writers do not; a reader has
 * a shared flock() on segments/, which needs no right but to read, and old segments are not removed
 * meanwhile: what a reader has in its list stays.
 */
#ifndef TRACECORE_STORE_REPLACE_H
#define TRACECORE_STORE_REPLACE_H

#include "store/repository.h"

#pragma GCC visibility push(hidden)

/* Takes the lock of REPO/upkeep.lock, which lasts until *fd is closed. TCORE_SKIP: somebody else
 * has it (only with wait false); TCORE_FATAL; *fd is -1 then. */
enum tcore_status tcore_upkeep_lock(struct tcore_repository *r, bool wait, int *fd,
                                    struct tcore_error *err);

/*
 * Replaces the old segments by those that are being written, any of which may be none; all of these
 * are ended. TCORE_OK: that is on disk, and only the removal of the old ones is left to
 * tcore_replacements_settle(). TCORE_FATAL: it has not happened, or not for certain; the next
 * tcore_replacements_settle() decides.
 */
enum tcore_status tcore_replace(struct tcore_repository *r, const struct tcore_segment_list *old,
                                struct tcore_sealing *sealing, size_t count,
                                struct tcore_error *err);

/*
 * Brings what replacements there are to their end: removes the old segments, or the new ones of
 * those that were given up. wait: until no reader is left. *pending counts those whose old segments
 * somebody still reads. TCORE_BAD_INPUT: a file in replacing/ is damaged, err says which, and the
 * others are settled; TCORE_FATAL.
 */
enum tcore_status tcore_replacements_settle(struct tcore_repository *r, bool wait, size_t *pending,
                                            struct tcore_error *err);

/* The same for those who are in no hurry: nothing is waited for, and nothing is told. */
void tcore_replacements_recover(struct tcore_repository *r);

/* Takes out of a sorted list what does not count. */
enum tcore_status tcore_replacements_apply(struct tcore_repository *r,
                                           struct tcore_segment_list *list,
                                           struct tcore_error *err);

#pragma GCC visibility pop

#endif
