/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A neutral document as something to look at. */
#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include "base/buf.h"
#include "cli/verb.h"
#include "report/document.h"

/* How much of a time is shown. */
enum page_times { TIMES_WHOLE, TIMES_DAY, TIMES_CLOCK }; /* RFC 3339, 01-05 10:00:00, 10:00:00 */

/* What the reader's end can do. */
struct page {
    size_t width; /* in columns; 0: no limit */
    bool ascii;   /* letters beyond ASCII of our own would not show */
    bool colour;
    enum page_times times;
};

/* What a range is drawn with, and where the critical path is in it. */
#define PAGE_RANGE(ascii)    ((ascii) ? "=" : "\xe2\x96\x92")
#define PAGE_CRITICAL(ascii) ((ascii) ? "#" : "\xe2\x96\x88")

struct renderer {
    const char *name; /* in --format */
    /* Appends the document. Out of memory: out->failed. */
    void (*render)(const struct document *document, const struct page *page, struct tcore_buf *out);
};

extern const struct renderer render_text, render_md;

/* The page that standard output or -o FILE is (cli/screen.h), of 20 to 1000 columns. */
void page_detect(const struct cli *cli, struct page *page);
/* The renderer of that name; of the choices that --format offers. */
const struct renderer *renderer_find(const char *name);

/*
 * A cell as one line of plain text, whatever it holds; nothing in it can steer a terminal. spark:
 * how many columns a sparkline gets.
 */
void cell_render(const struct cell *cell, const struct page *page, size_t spark,
                 struct tcore_buf *out);
/* Points merged into so many, each the mean of those that are there. */
void spark_resample(const double *points, size_t count, double *out, size_t columns);

#endif
