/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page of one trace, and its index of the others. */
#ifndef REPORT_TRACE_PAGE_H
#define REPORT_TRACE_PAGE_H

#include "report/document.h"
#include "report/trace_logs.h"
#include "report/view_trace.h"

/* What a page is made of. */
struct trace_page {
    const struct view_trace *view;
    const struct trace_spans *all;
    const struct trace_logs *logs; /* in their places */
    size_t shown;                  /* which of its traces the page is of */
    uint64_t selected;             /* span id to open with; 0: none */
};

/* Appends the whole HTML document. TCORE_FATAL: out of memory. */
enum tcore_status trace_page_write(const struct trace_page *page, struct tcore_buf *out,
                                   struct tcore_error *err);

/* Fills a document with the same for terminals: the tree, and a bar for each span. ascii: what it
 * says about the bars. */
enum tcore_status trace_text(const struct trace_page *page, bool ascii, struct document *document,
                             struct tcore_error *err);

/* --- trace_page_data.c */

/* Appends the JSON that the page's script shows. */
enum tcore_status trace_page_data(const struct trace_page *page, struct tcore_buf *out,
                                  struct tcore_error *err);

#endif
