/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records as Chrome's trace events, before it is known on which track they are: export/chrome.c. */
#ifndef RECORD_EXPORT_CHROME_H
#define RECORD_EXPORT_CHROME_H

#include "record/export/fields.h"

#define CHROME_LINKS "links (to spans that are not there)"

void chrome_span(struct export_record *record, const uint32_t *at, struct tcore_buf *out);
void chrome_other(struct export_record *record, struct tcore_buf *out);
/* Appends label and a time in microseconds, with a fraction if it has one. */
void chrome_put_time(struct tcore_buf *out, const char *label, int64_t ns);

#endif
