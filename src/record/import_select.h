/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --type, --since, --until and --where on the records that import made. */
#ifndef RECORD_IMPORT_SELECT_H
#define RECORD_IMPORT_SELECT_H

#include "base/buf.h"
#include "cli/verb.h"
#include "query/expr.h"

#include <pthread.h>

/* What is wanted, and how many records were left out for other reasons. */
struct import_select {
    const struct cli_io_options *io;
    unsigned types; /* bits of the types that are wanted */
    struct tcore_projection projection;
    size_t start, time, window_start; /* columns, with --since or --until */
    bool timed;
    struct tcore_expr *where;
    pthread_mutex_t lock;     /* of what follows */
    uint64_t untimed, failed; /* without a time; --where gave an error */
    char reason[TCORE_ERROR_TEXT_BYTES];
};

/* *select is NULL if all records are wanted. CLI_DONE, or the exit status after a report. */
int import_select_new(struct import_select **select, struct cli *cli);
void import_select_free(struct import_select *select);
/* Says what was left out for want of a time, or because --where failed. */
void import_select_note(const struct import_select *select, struct cli *cli);

/* What one thread needs (import_selector.c). Both may be NULL. */
struct import_selector;
enum tcore_status import_selector_new(struct import_selector **selector,
                                      struct import_select *select, struct tcore_error *err);
void import_selector_free(struct import_selector *selector);
/* Leaves of the canonical lines in text those that are wanted. */
enum tcore_status import_selector_apply(struct import_selector *selector, struct tcore_buf *text,
                                        struct tcore_error *err);

#endif
