/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of records before they are read, for whoever can tell by it that none is wanted. */
#ifndef TRACECORE_MODEL_KNOWN_H
#define TRACECORE_MODEL_KNOWN_H

#include "model/value.h"

/* A top-level field of records, as a projection has it for a path of one key. */
struct tcore_known_field {
    const char *name;
    const struct tcore_value *values; /* each that a record may have, TCORE_ABSENT among them */
    size_t count;
};

#endif
