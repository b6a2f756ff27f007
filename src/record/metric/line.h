/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NAME VALUE [K=V]... as a record, written straight down. That is for lines of plain characters, as
 * nearly all are; the others take the way of metric_put(), to the same bytes.
 */
#ifndef RECORD_METRIC_LINE_H
#define RECORD_METRIC_LINE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { METRIC_LINE_WORDS = 18 }; /* NAME, VALUE and 16 dimensions */

struct metric_words_found {
    struct {
        const char *text;
        uint32_t length, equals; /* where the first = is; length if there is none */
    } word[METRIC_LINE_WORDS];
    unsigned count;
};

/* Finds the words of a line. False: it is not plain, or has more words. Behind the line
 * METRIC_LINE_PADDING bytes more can be read, whatever they are; so behind the words. */
#define METRIC_LINE_PADDING 32
bool metric_line_split(const char *text, size_t length, struct metric_words_found *words);

/* What all lines have in common, as parts of a record. */
struct metric_frame {
    const char *type, *unit; /* ,"metricType":"gauge" and ,"unit":"By"; "" if there is none */
    const char *end;         /* what comes behind the dimensions, and "}\n" */
    size_t type_length, unit_length, end_length;
};

/* Whether they are a metric: a name, a value and dimensions, no two of the same key. */
bool metric_line_is_one(const struct metric_words_found *words);
/* Whether a value is recorded as a text although a number may be meant: .5, +5, 12ms. */
bool metric_value_is_odd(const char *text, size_t length);
/* Appends the record of words that are one, with a time as its digits. *odd counts such values. */
void metric_line_put(struct tcore_buf *out, const struct metric_frame *frame,
                     const struct metric_words_found *words, const char *time, size_t time_length,
                     uint64_t *odd);

#endif
