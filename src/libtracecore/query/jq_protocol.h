/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a program and its libjq helper (src/jq-helper) say to each other over a socket: frames of a
 * header and its payload, in the machine's own byte order. The helper is asked first to compile,
 * then for one batch after the other, and answers each before it reads the next.
 */
#ifndef TRACECORE_QUERY_JQ_PROTOCOL_H
#define TRACECORE_QUERY_JQ_PROTOCOL_H

#include <stdint.h>

enum tcore_jq_frame_kind {
    /* To the helper */
    TCORE_JQ_COMPILE = 0x746a7101, /* payload: the program. Answer: READY or REFUSED */
    /* payload: count lengths (uint32_t), then the texts. Answers: one VERDICTS; any number of
     * OUTPUTS that cover count texts in all */
    TCORE_JQ_SELECT,
    TCORE_JQ_MAP, /* limit: bytes that one text may give */
    /* From the helper */
    TCORE_JQ_READY = 0x746a7181, /* no payload */
    TCORE_JQ_REFUSED,            /* payload: libjq's messages */
    TCORE_JQ_VERDICTS,           /* payload: count bytes, then the reason of the first error */
    /* payload: count struct tcore_jq_output_head, then what they give: lines, or a reason */
    TCORE_JQ_OUTPUTS
};

enum { TCORE_JQ_FALSE, TCORE_JQ_TRUE, TCORE_JQ_ERROR }; /* bytes of VERDICTS */

struct tcore_jq_frame {
    uint32_t kind, count;
    uint64_t bytes, limit;
};

struct tcore_jq_output_head {
    uint32_t length, failed;
};

/* Exit statuses of the helper. */
enum {
    TCORE_JQ_EXIT_END = 0,
    TCORE_JQ_EXIT_USAGE = 2,
    TCORE_JQ_EXIT_MEMORY = 3,
    TCORE_JQ_EXIT_PROTOCOL = 4
};

#define TCORE_JQ_MEMORY_BYTES (512u << 20) /* of address space */

#endif
