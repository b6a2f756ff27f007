/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spans by trace, for formats that want them so: all are encoded and held until the last one has
 * come, as far as --memory allows; then trace after trace is written, by start and id. The
 * callbacks of export_traces_operator are for a state that begins with a struct export_traces.
 */
#ifndef RECORD_EXPORT_TRACES_H
#define RECORD_EXPORT_TRACES_H

#include "cli/filter.h"
#include "record/export/fields.h"
#include "trace/store.h"

struct export_traces {
    /* set by the format */
    struct cli *cli;
    /* Appends what is to be held of a span with these fields. */
    void (*encode)(struct export_record *record, const uint32_t *at, struct tcore_buf *out);
    /* Appends what is written of other records at once; NULL: there are none. */
    void (*other)(struct export_record *record, struct tcore_buf *out);
    /* In input order: takes what other has appended. */
    enum tcore_status (*take)(void *state, const struct tcore_buf *others, struct tcore_buf *out,
                              struct tcore_error *err);
    /* Appends a trace, its spans in their order. */
    enum tcore_status (*trace)(void *state, const struct tcore_stored_trace *trace,
                               struct tcore_buf *out, struct tcore_error *err);
    /* Behind the last one. */
    void (*end)(void *state, struct tcore_buf *out);
    /* the rest is for export/traces.c */
    struct tcore_trace_store *store;
    struct tcore_trace_group group[TCORE_TRACE_PARTITIONS];
    struct export_trace_place *place; /* of each trace, in their order; owned */
    size_t places, written;
    bool grouped;
    struct export_losses losses;
};

/* False after a report. */
bool export_traces_open(struct export_traces *traces);
void export_traces_close(struct export_traces *traces);
/* Without its types. */
extern const struct cli_operator export_traces_operator;

static inline struct tcore_slice export_stored_text(const struct tcore_stored_span *span)
{
    const struct tcore_stored_text *row = (const struct tcore_stored_text *)(const void *)span;
    return (struct tcore_slice){row->text, row->text_length};
}

#endif
