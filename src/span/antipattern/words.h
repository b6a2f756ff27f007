/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words that decide: verbs of statements and requests, what says that time was up, and names of
 * waits for connections. Case does not matter. */
#ifndef SPAN_ANTIPATTERN_WORDS_H
#define SPAN_ANTIPATTERN_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* FACT_READS or FACT_WRITES, by the first word of a statement or command; 0: it is not known. */
unsigned words_statement(const char *text, size_t length);
/* The same for a method of HTTP. */
unsigned words_method(const char *text, size_t length);
bool words_timeout(const char *text, size_t length);
bool words_pool(const char *name, size_t length);

#endif
