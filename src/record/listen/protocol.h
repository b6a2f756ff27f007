/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What listen and its decoders (src/decode-helper) say to each other over a socket, in the
 * machine's own byte order. A decoder says that it is ready, then answers one request after the
 * other.
 */
#ifndef RECORD_LISTEN_PROTOCOL_H
#define RECORD_LISTEN_PROTOCOL_H

#include <stdint.h>

struct listen_decode_head { /* behind it: the body */
    char format[24];        /* name of an import format, NUL-terminated */
    uint32_t packed;        /* whether the body is gzip's */
    uint32_t signal;        /* enum import_signal: what the records are */
    uint64_t bytes;
    int64_t at_ns;          /* when samples were taken that have no time; 0: not known */
    uint32_t dogstatsd;     /* whether signed gauges are absolute */
    uint32_t lists_rejects; /* whether rejects are listed behind the reason */
};

enum listen_verdict {
    LISTEN_READY = 0x64656301, /* the first answer; no texts */
    LISTEN_RECORDS,            /* lines, and the reason of the first that was rejected */
    LISTEN_UNDECODABLE,        /* a reason */
    LISTEN_TOO_LARGE           /* a reason */
};

struct listen_decode_answer { /* behind it: the records' lines, the reason, rejects */
    uint32_t verdict;
    uint32_t layers; /* of LISTEN_READY: what of the sandbox is in force */
    uint64_t record_bytes, reason_bytes;
    uint64_t rejected;
    uint64_t ignored; /* members that the format does not define */
    uint64_t listed;  /* so many rejects */
};

#define LISTEN_REJECT_BYTES 120
#define LISTEN_REJECTS      64 /* that are listed of one body */

struct listen_decode_reject {
    uint64_t line; /* of the body */
    char reason[LISTEN_REJECT_BYTES];
};

#define LISTEN_REASON_BYTES 400

/* Of a body of so many bytes: its records may take so much, and a decoder's address space. */
#define LISTEN_RECORD_BYTES(body)  (8 * (uint64_t)(body) + (1u << 20))
#define LISTEN_DECODER_BYTES(body) (24 * (uint64_t)(body) + (64u << 20))

/* Exit statuses of a decoder. */
enum {
    LISTEN_EXIT_END = 0,
    LISTEN_EXIT_USAGE = 2,
    LISTEN_EXIT_MEMORY = 3,
    LISTEN_EXIT_PROTOCOL = 4
};

#endif
