/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of a trace index. Private to trace_index*.c. */
#ifndef TRACECORE_STORE_TRACE_INDEX_PRIVATE_H
#define TRACECORE_STORE_TRACE_INDEX_PRIVATE_H

#include "store/trace_index.h"

#define TCORE_TRACE_INDEX_MAGIC "tctraces"

enum {
    TCORE_TRACE_INDEX_VERSION = 1,
    TCORE_TRACE_INDEX_PAGE = 4096, /* bytes of a page, unless one trace alone needs more */
    TCORE_TRACE_INDEX_HEAD = 40,
    TCORE_TRACE_INDEX_TOP = 20, /* bytes of a page's entry in the top */
    TCORE_TRACE_INDEX_FEW = 15  /* numbers of blocks up to this stand in the head of a trace */
};

/* What the front begins with, as it is stored: little-endian. The checksum is over the front
 * without it. */
struct tcore_trace_index_head {
    char magic[8];
    uint32_t version, page_count;
    uint64_t traces;
    uint32_t blocks, page_bytes;
    uint64_t checksum;
};

static inline const uint8_t *key_of(const uint8_t *id)
{
    return id + TCORE_TRACE_ID_BYTES - TCORE_TRACE_KEY_BYTES;
}

#endif
