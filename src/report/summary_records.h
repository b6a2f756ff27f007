/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a summary takes from records that are no spans. */
#ifndef REPORT_SUMMARY_RECORDS_H
#define REPORT_SUMMARY_RECORDS_H

#include "report/summary_row.h"

enum tcore_status summary_add_metric(const struct row *row, struct tcore_error *err);
enum tcore_status summary_add_aggregate(const struct row *row, struct tcore_error *err);
enum tcore_status summary_add_finding(const struct row *row, struct tcore_error *err);
enum tcore_status summary_add_alert(const struct row *row, struct tcore_error *err);
/* The same of another summary. */
enum tcore_status summary_merge_records(struct summary_data *into, const struct summary_data *from,
                                        struct tcore_error *err);

#endif
