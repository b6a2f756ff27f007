/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys of records to be sorted, as bytes whose order is that of the records.
 *
 * The order of values is jq's: null, false, true, numbers by value, strings by their bytes, then
 * arrays and objects by their text. Numbers are compared exactly, 64-bit integers with fractions,
 * too; a field whose name ends with UnixNano is a number, though it is written as a string. desc
 * turns that round. Records without the field come last in either case.
 */
#ifndef SPAN_SORT_KEY_H
#define SPAN_SORT_KEY_H

#include "base/buf.h"
#include "model/value.h"

#include <stdbool.h>

/* Appends one field's part of a key. time: a string of digits is a number. */
void sort_key_put(struct tcore_buf *key, const struct tcore_value *value, bool time,
                  bool descending);

#endif
