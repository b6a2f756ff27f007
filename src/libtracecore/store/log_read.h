/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading append logs, also while they are written. No lock is taken and nothing is changed.
 *
 * No length is believed: memory is bounded by the longest entry that fits into the file and is at
 * most TCORE_LOG_PAYLOAD_MAX. A reader belongs to one thread.
 *
 * Who reads a repository opens the logs first (tcore_log_open_all()) and lists the segments then: a
 * log that is sealed meanwhile can still be read, and what it has in common with the segment is
 * told by the seal in it (tcore_log_sealed()).
 */
#ifndef TRACECORE_STORE_LOG_READ_H
#define TRACECORE_STORE_LOG_READ_H

#include "base/error.h"
#include "store/log.h"

#include <stddef.h>
#include <stdint.h>

struct tcore_log_entry {
    uint64_t sequence;   /* larger than that of the entry before */
    unsigned kind;       /* 1 to 255 */
    const char *payload; /* lives until the next call */
    size_t length;
    uint64_t offset; /* of the entry in the file; of the damage after TCORE_SKIP */
};

struct tcore_log_report {
    uint64_t entries;       /* read */
    uint64_t missing;       /* sequences that were left out before an entry that was read */
    uint64_t damages;       /* places where something else stood before an entry */
    uint64_t damaged_bytes; /* in all of them */
    uint64_t torn_offset;   /* the end of the last entry, or 0 if even the header is none; */
    uint64_t torn_bytes;    /* and what is behind it: 0 if the log ended with an entry */
};

struct tcore_log_reader;

/* TCORE_OK; TCORE_EOF: there is no such file; TCORE_BAD_INPUT: a version that is not known;
 * TCORE_FATAL. A log with a damaged header can be read: its entries show that its id is right. */
enum tcore_status tcore_log_reader_open(struct tcore_log_reader **reader, int dir, const char *name,
                                        struct tcore_error *err);
void tcore_log_reader_close(struct tcore_log_reader *reader);

/*
 * The next entry. TCORE_OK; TCORE_SKIP: here are entry->length bytes at entry->offset which are no
 * entry, as the error says, and the next call goes on behind them; TCORE_EOF: there is no entry
 * behind this place. What is there instead (torn_bytes) is what a crash leaves, or what a writer is
 * just writing: a later call looks again. TCORE_FATAL: the file cannot be read, or no memory.
 */
enum tcore_status tcore_log_read(struct tcore_log_reader *reader, struct tcore_log_entry *entry,
                                 struct tcore_error *err);

const struct tcore_log_report *tcore_log_reader_report(const struct tcore_log_reader *reader);
const uint8_t *tcore_log_reader_id(const struct tcore_log_reader *reader);
const char *tcore_log_reader_name(const struct tcore_log_reader *reader);

/* The names of all logs in a directory, in the order of their bytes, the shared one among them, as
 * one block to be freed with tcore_free(). TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_log_list(int dir, char ***names, size_t *count, struct tcore_error *err);

/* Opens all logs in a directory, each once though it be renamed meanwhile. TCORE_OK, or
 * TCORE_BAD_INPUT (one is of an unknown version) or TCORE_FATAL, and there are none. */
enum tcore_status tcore_log_open_all(int dir, struct tcore_log_reader ***readers, size_t *count,
                                     struct tcore_error *err);
void tcore_log_close_all(struct tcore_log_reader **readers, size_t count);

/* What a segment says of each log that was put into it. */
struct tcore_log_seal {
    uint8_t id[TCORE_LOG_ID_BYTES];
    uint64_t last_sequence; /* entries up to this are in the segment, or were damaged */
};

/* The largest last_sequence among the seals of this log, or 0: entries up to it are in segments. */
uint64_t tcore_log_sealed(const uint8_t *id, const struct tcore_log_seal *seals, size_t count);

#endif
