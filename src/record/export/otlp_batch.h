/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of OTLP put together: under one resource what has the same resource, under one scope
 * what has the same scope, points of one metric in one metric; each in the order in which they
 * came.
 */
#ifndef RECORD_EXPORT_OTLP_BATCH_H
#define RECORD_EXPORT_OTLP_BATCH_H

#include "base/map.h"
#include "record/export/otlp.h"

struct otlp_node;

/* What was added of one signal and not taken yet. */
struct otlp_gathered {
    struct tcore_map keys;  /* levels above records, by their texts; the number is that of a node */
    struct otlp_node *node; /* owned */
    uint32_t capacity;
    uint32_t first, last; /* of the resources; 0: none */
    uint64_t records;
    size_t bytes;   /* of messages, about */
    uint64_t epoch; /* how often it was taken */
};

struct otlp_batch {
    struct otlp_gathered gathered[OTLP_SIGNALS];
    struct export_otlp levels; /* writes what is above records */
};

enum tcore_status otlp_batch_open(struct otlp_batch *batch, bool protobuf, struct tcore_error *err);
void otlp_batch_free(struct otlp_batch *batch);
/* Where records with these levels go, until the signal's epoch ends. end: as of struct
 * export_otlp. */
enum tcore_status otlp_batch_find(struct otlp_batch *batch, enum otlp_signal signal,
                                  const char *levels, const size_t end[OTLP_LEVELS],
                                  uint32_t *place, struct tcore_error *err);
/* Adds a message that export_otlp_put() made. Being out of memory shows when it is taken. */
void otlp_batch_add(struct otlp_batch *batch, enum otlp_signal signal, uint32_t place,
                    const char *message, size_t length);
/* Appends TracesData, MetricsData or LogsData with all that was added, and begins anew. */
enum tcore_status otlp_batch_take(struct otlp_batch *batch, enum otlp_signal signal,
                                  struct tcore_buf *out, struct tcore_error *err);

#endif
