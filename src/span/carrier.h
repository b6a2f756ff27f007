/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Carriers of trace context: a few named texts, as environment variables, as header lines, or as a
 * JSON object. Names are those of headers, in lower case; a variable has the same name in upper
 * case, with _ for -.
 */
#ifndef SPAN_CARRIER_H
#define SPAN_CARRIER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/batch.h"

enum carrier_kind { CARRIER_ENV, CARRIER_HEADERS, CARRIER_JSON };

struct carrier_field {
    struct tcore_slice name, value; /* in the arena */
};

struct carrier {
    struct carrier_field *fields;
    size_t count, capacity;
    struct tcore_arena arena;
};

/* The kind of that name ("env"), which must be one. */
enum carrier_kind carrier_kind_find(const char *name);
void carrier_free(struct carrier *carrier);
/* Adds a field; both texts are copied and the name brought to lower case. False: no memory. */
bool carrier_add(struct carrier *carrier, struct tcore_slice name, struct tcore_slice value);
/* The only field of that name; data is NULL if there is none. Where there are several, their values
 * with commas between them if joined, else none and *many. */
struct tcore_slice carrier_find(struct carrier *carrier, const char *name, bool joined, bool *many);

bool carrier_read_environment(struct carrier *carrier);
/* Reads a carrier from text: NAME=VALUE lines, header lines to the first empty one, or one object.
 * TCORE_BAD_INPUT: it is not of that kind. */
enum tcore_status carrier_read(struct carrier *carrier, enum carrier_kind kind, const char *text,
                               size_t length, struct tcore_error *err);
void carrier_write(const struct carrier *carrier, enum carrier_kind kind, struct tcore_buf *out);

#endif
