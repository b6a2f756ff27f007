/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --type, --since, --until and --where on the records that import made. */
#ifndef RECORD_IMPORT_SELECT_H
#define RECORD_IMPORT_SELECT_H

#include "base/buf.h"
#include "cli/select.h"

struct import_select {
    struct cli_select wanted;
    unsigned types; /* bits of the types that are wanted */
    struct tcore_projection projection;
};

/* *select is NULL if all records are wanted. CLI_DONE, or the exit status after a report. */
int import_select_new(struct import_select **select, struct cli *cli);
void import_select_free(struct import_select *select);

/* --- import/selector.c */

/* Bits of the types that import forwards: with --pass those that it does not know or, with --type,
 * that are not named there. */
unsigned import_forwarded(const struct cli_io_options *io);

/* What one thread needs. Both may be NULL. */
struct import_selector;
enum tcore_status import_selector_new(struct import_selector **selector,
                                      const struct import_select *select, struct tcore_error *err);
void import_selector_free(struct import_selector *selector);
/* Leaves of the lines in text those that are wanted or forwarded. */
enum tcore_status import_selector_apply(struct import_selector *selector, struct tcore_buf *text,
                                        struct cli_left_out *left_out, struct tcore_error *err);
/* Why --where failed first in this thread, or NULL; as long as the selector. */
const char *import_selector_reason(const struct import_selector *selector);

#endif
