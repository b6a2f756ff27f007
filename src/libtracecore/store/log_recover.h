/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs that no writer has any more: claimed by one process, read to the end, put into a segment by
 * the caller, and removed. The order is what makes it safe at any moment:
 *
 *   tcore_log_claim()    locks the log, and syncs the directory: its name is on disk.
 *   tcore_log_recover()  gives entry after entry; what is none is copied to the quarantine
 *                        directory, synced, before TCORE_EOF.
 *   the caller           writes the entries beyond tcore_log_sealed() into a segment, with the seal
 *                        (tcore_log_claim_seal()), and syncs it, its name and its directory.
 *   tcore_log_discard()  removes the log and syncs the directory.
 *
 * If the log and the segment exist both after a crash, the seal says what is in the segment, and
 * the next claim ends in a discard. The caller syncs the segments' directories before it believes a
 * seal in them for that: whoever wrote the segment may have died before it did, and the name may be
 * lost when the log is gone. Nothing is ever appended to a log that was claimed.
 */
#ifndef TRACECORE_STORE_LOG_RECOVER_H
#define TRACECORE_STORE_LOG_RECOVER_H

#include "base/error.h"
#include "store/log_read.h"

struct tcore_log_claim;

/* dir is borrowed until the claim ends. TCORE_OK; TCORE_EOF: a writer or another claim has it, it
 * is gone, or it is the shared log, which has to be renamed first (tcore_log_rotate_shared());
 * TCORE_BAD_INPUT: a version that is not known; TCORE_FATAL. */
enum tcore_status tcore_log_claim(struct tcore_log_claim **claim, int dir, const char *name,
                                  struct tcore_error *err);

/*
 * The next entry. quarantine is the directory for what is none, as files NAME.OFFSET (and .1, .2
 * if another one has that name and other bytes); they are never removed. TCORE_OK; TCORE_EOF: this
 * was all, and the report (tcore_log_claim_report()) is complete; TCORE_FATAL.
 */
enum tcore_status tcore_log_recover(struct tcore_log_claim *claim, int quarantine,
                                    struct tcore_log_entry *entry, struct tcore_error *err);

const struct tcore_log_report *tcore_log_claim_report(const struct tcore_log_claim *claim);
/* The id, and the last sequence given so far. */
struct tcore_log_seal tcore_log_claim_seal(const struct tcore_log_claim *claim);

/* Removes the log, all of which must have been read, and ends the claim, also on failure: the log
 * may then be claimed again. TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_log_discard(struct tcore_log_claim *claim, struct tcore_error *err);
/* Ends the claim; the log stays. */
void tcore_log_release(struct tcore_log_claim *claim);

#endif
