/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --attr=K=V, as every verb that records takes it. */
#ifndef RECORD_ATTRIBUTES_H
#define RECORD_ATTRIBUTES_H

#include "base/buf.h"
#include "cli/options.h"

/* The first item that is no K=V, or NULL. */
const char *attributes_bad(const struct cli_strings *items);
/*
 * Appends the members "K":V of an object, without braces; of the same key the last stays. V is a
 * number if it is written as a plain one (12, -0.5), true and false are booleans, a JSON string in
 * quotes is that string, everything else is text as it is.
 */
void attributes_put(struct tcore_buf *out, const struct cli_strings *items);
/* One value by those rules. */
void attributes_put_value(struct tcore_buf *out, const char *text);
/* Appends bytes as a JSON string; what is no UTF-8 becomes U+FFFD. */
void attributes_put_text(struct tcore_buf *out, const char *text, size_t length);

#endif
