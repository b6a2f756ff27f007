/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of texts by their bytes; a missing one is as an empty one. */
#ifndef SPAN_TEXT_ORDER_H
#define SPAN_TEXT_ORDER_H

#include "model/batch.h"

#include <string.h>

static inline int compare_texts(struct tcore_slice a, struct tcore_slice b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

#endif
