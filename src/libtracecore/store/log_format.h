/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of an append log (tracecore-repository(5), OPEN LOGS), for its writer and reader. */
#ifndef TRACECORE_STORE_LOG_FORMAT_H
#define TRACECORE_STORE_LOG_FORMAT_H

#include "store/log.h"
#include "stream/binary_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_MAGIC         "\x89TCL\r\n\x1a\n"
#define LOG_SHARED_NAME   "shared.log"
#define LOG_SUFFIX        ".log"
#define LOG_FILE_NAME_MAX 64 /* with the NUL; names given to logs here are shorter */

enum {
    LOG_MAGIC_BYTES = 8,
    LOG_VERSION = 1,
    LOG_ALIGN = 8,

    /* the file header */
    LOG_HEADER_LENGTH = 8,   /* u32 */
    LOG_HEADER_VERSION = 12, /* u8, then 3 bytes of zero */
    LOG_HEADER_ID = 16,
    LOG_HEADER_CREATED = 32, /* i64 ns since the epoch */
    LOG_HEADER_ZERO = 40,    /* 16 bytes */
    LOG_HEADER_CHECK = 56,   /* u64 XXH3 of bytes 0..55 */
    LOG_HEADER_BYTES = 64,

    /* the head of an entry */
    LOG_ENTRY_LENGTH = 0, /* u32 bytes of the payload */
    LOG_ENTRY_KIND = 4,   /* u8, not zero */
    LOG_ENTRY_ZERO = 5,   /* u8 */
    LOG_ENTRY_HEAD_CHECK = 6,
    LOG_ENTRY_SEQUENCE = 8, /* u64 */
    LOG_ENTRY_CHECK = 16,   /* u64 */
    LOG_ENTRY_BYTES = 24,
    LOG_ENTRY_LEAST = LOG_ENTRY_BYTES + LOG_ALIGN,
};

/* Bytes of an entry with a payload of so many. */
static inline uint64_t log_entry_bytes(uint64_t payload)
{
    return LOG_ENTRY_BYTES + ((payload + LOG_ALIGN - 1) & ~(uint64_t)(LOG_ALIGN - 1));
}

#define LOG_ENTRY_MOST (LOG_ENTRY_BYTES + TCORE_LOG_PAYLOAD_MAX)

struct log_head {
    uint32_t length;
    unsigned kind;
    uint64_t sequence;
};

struct log_header {
    uint8_t id[TCORE_LOG_ID_BYTES];
    int64_t created_ns;
};

#pragma GCC visibility push(hidden)

void tcore_log_put_header(const struct log_header *header, unsigned char bytes[LOG_HEADER_BYTES]);
/* TCORE_OK; TCORE_SKIP: it is damaged, and the id is what stands in its place; TCORE_BAD_INPUT: it
 * is whole, and of another version. */
enum tcore_status tcore_log_get_header(const unsigned char bytes[LOG_HEADER_BYTES],
                                       struct log_header *header, struct tcore_error *err);

/* An entry is one of its log at its offset only: a copy of it anywhere else is none. */

/* Writes the whole entry, log_entry_bytes(head->length) long, to out. */
void tcore_log_put_entry(const uint8_t *id, uint64_t offset, const struct log_head *head,
                         const void *payload, char *out);
/* Whether the LOG_ENTRY_BYTES here are the head of an entry of this log: its lengths can then be
 * believed as far as 16 bits of a checksum go. */
bool tcore_log_get_head(const uint8_t *id, uint64_t offset, const char *bytes,
                        struct log_head *head);
/* Whether the entry with such a head, all of which is here, is whole. */
bool tcore_log_check_entry(const uint8_t *id, uint64_t offset, const char *bytes,
                           const struct log_head *head);

/*
 * The last entry of a log of so many bytes, found from the end: reads as much as that entry is
 * long, times eight at most, and never less than 4 KiB. TCORE_OK: the file ends with a whole entry
 * (or has none: *sequence is 0); TCORE_SKIP: it ends with anything else; TCORE_FATAL: it cannot be
 * read.
 */
enum tcore_status tcore_log_find_tail(int fd, const uint8_t *id, uint64_t size, uint64_t *sequence,
                                      struct tcore_error *err);

/* A name for a log: its time and 16 random digits. 0, or -1 and errno. */
int tcore_log_draw_name(char name[LOG_FILE_NAME_MAX]);

/* Whether dir/name is this open file still: 1, 0, or -1 and errno. */
int tcore_log_is_named(int dir, const char *name, int fd);

#pragma GCC visibility pop

#endif
