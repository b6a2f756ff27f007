/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a report says, before it looks like anything: a list of headings, paragraphs, remarks and
 * tables whose cells keep their type (a duration is nanoseconds, a share a fraction). Views fill
 * it, renderers turn it into text or Markdown and decide about widths, units and colour.
 *
 * Text is copied and stays as the data has it: making it safe to look at is the renderer's work.
 * Running out of memory is sticky (document_status), so that a view need not check each call.
 */
#ifndef REPORT_DOCUMENT_H
#define REPORT_DOCUMENT_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARNING, TONE_BAD, TONE_FAINT };

enum cell_kind {
    CELL_EMPTY,
    CELL_TEXT,     /* text, length */
    CELL_COUNT,    /* count: a whole number of things */
    CELL_NUMBER,   /* number */
    CELL_DURATION, /* number: nanoseconds */
    CELL_SHARE,    /* number: 0 to 1, a percentage */
    CELL_BAR,      /* number: 0 to 1, a percentage with a bar */
    CELL_TIME,     /* time_ns: since 1970 */
    CELL_SPARK,    /* points, length: values over time, NaN where there is none */
    CELL_RANGE     /* points, length: from and to, 0 to 1, and such pairs for the parts of it that
                      are on the critical path */
};

struct cell {
    uint8_t kind, tone;
    uint32_t length;
    union {
        const char *text;
        uint64_t count;
        double number;
        int64_t time_ns;
        const double *points;
    };
};

enum { COLUMN_CUT_LAST = 2 };

struct column {
    const char *title;
    bool right;      /* aligned to the right */
    uint8_t shrinks; /* may be cut when the page is narrow; COLUMN_CUT_LAST: not before all columns
                        went that can be spared */
    uint8_t spare;   /* 0: always there; else the higher goes first when the page is too narrow */
};

enum block_kind { BLOCK_TITLE, BLOCK_HEADING, BLOCK_PARAGRAPH, BLOCK_REMARK, BLOCK_TABLE };

struct table {
    struct column *columns;
    size_t column_count;
    struct cell *cells; /* row by row */
    size_t row_count, capacity;
};

struct block {
    uint8_t kind, tone;
    const char *label; /* of a remark: what is said about it in a word; may be empty */
    const char *text;
    size_t length;
    struct table *table;
};

struct document {
    struct tcore_arena arena;
    struct block *blocks;
    size_t count, capacity;
    bool failed;
};

void document_free(struct document *document); /* a zeroed struct is an empty document */
/* TCORE_OK, or TCORE_FATAL: out of memory on the way. */
enum tcore_status document_status(const struct document *document, struct tcore_error *err);

void document_title(struct document *document, const char *text);
void document_heading(struct document *document, const char *text);
void document_paragraph(struct document *document, enum tone tone, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One of a list of sentences, with a word before it that carries the tone. */
void document_remark(struct document *document, enum tone tone, const char *label, const char *text,
                     size_t length);

/* A table with columns as given (copied, titles too). NULL: out of memory, and so is each of its
 * rows. */
struct table *document_table(struct document *document, const struct column *columns, size_t count);
/* The cells of a new row, zeroed (empty), or NULL. Valid until the next row. */
struct cell *document_row(struct document *document, struct table *table);

/* Cells; text and points are copied. */
struct cell cell_text(struct document *document, const char *text, size_t length);
struct cell cell_spark(struct document *document, const double *points, size_t count);
struct cell cell_range(struct document *document, const double *points, size_t count);
static inline struct cell cell_count(uint64_t count)
{
    return (struct cell){.kind = CELL_COUNT, .count = count};
}
static inline struct cell cell_number(enum cell_kind kind, double number)
{
    return (struct cell){.kind = (uint8_t)kind, .number = number};
}
static inline struct cell cell_time(int64_t time_ns)
{
    return (struct cell){.kind = CELL_TIME, .time_ns = time_ns};
}
static inline struct cell cell_toned(struct cell cell, enum tone tone)
{
    cell.tone = (uint8_t)tone;
    return cell;
}

#endif
