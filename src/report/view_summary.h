/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a summary says. */
#ifndef REPORT_VIEW_SUMMARY_H
#define REPORT_VIEW_SUMMARY_H

#include "report/document.h"
#include "report/summary_data.h"

/* Fills the document; lists show at most top rows. TCORE_FATAL: out of memory. */
enum tcore_status view_summary(struct document *document, const struct summary_data *data,
                               size_t top, struct tcore_error *err);

#endif
