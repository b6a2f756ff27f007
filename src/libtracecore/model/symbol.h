/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of group keys as bytes: equal values, equal bytes. A byte for the kind, then the value:
 *     s text     a string
 *     n literal  a number in its canonical text; an integral double is the integer (1.0 is 1)
 *     t f 0      true, false, null
 *     j text     an object or array as its JSON text, in the form of tcore_json_write_key
 *     (empty)    absent: the key is left out of the group
 */
#ifndef TRACECORE_MODEL_SYMBOL_H
#define TRACECORE_MODEL_SYMBOL_H

#include "base/buf.h"
#include "model/value.h"

/* Appends the symbol of a value that is there (not TCORE_ABSENT). */
void tcore_symbol_append(struct tcore_buf *out, const struct tcore_value *value);
/* Appends a symbol's value as JSON; nothing for absent. */
void tcore_symbol_write(const char *symbol, size_t length, struct tcore_buf *out);

#endif
