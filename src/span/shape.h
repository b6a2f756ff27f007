/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shape of a trace: its tree of labels, where a label is a service and the template of a name.
 * Siblings have no order, and however many there are of one shape they count as one, so that times
 * and repetitions make no difference. Shapes are equal if their hashes are.
 *
 * How alike two shapes are is told by their features: the labels that they have, and the pairs of a
 * label and one below it, roots being below nothing. A span whose parent is not there is below
 * nothing that is known, and has no pair: its trace is broken.
 *
 * Hashes are SipHash under fixed keys, the same in every run.
 */
#ifndef SPAN_SHAPE_H
#define SPAN_SHAPE_H

#include "base/buf.h"
#include "base/map.h"
#include "span/trace_build.h"

/* One thread's labels. */
struct shape_labels {
    struct tcore_map pairs; /* of a service's and a name's number, as two uint32_t */
    uint32_t *label_of;     /* of each pair; owned */
    struct tcore_map map;   /* a service's number, as uint32_t, and a template: of labels */
    uint64_t *hash;         /* of each label; owned */
    uint32_t pair_capacity, label_capacity;
    struct tcore_buf key;
};

/* Begins zeroed. TCORE_FATAL: no randomness. */
enum tcore_status shape_labels_open(struct shape_labels *labels, struct tcore_error *err);
void shape_labels_close(struct shape_labels *labels);
/* The label of a service and a name of the store. TCORE_FATAL: no memory. */
enum tcore_status shape_labels_find(struct shape_labels *labels,
                                    const struct tcore_trace_store *store, uint32_t service,
                                    uint32_t name, uint32_t *label, struct tcore_error *err);
/* A label's service number and template. */
uint32_t shape_label_service(const struct shape_labels *labels, uint32_t label);
struct tcore_slice shape_label_template(const struct shape_labels *labels, uint32_t label);

/* What is found of a trace. A zeroed struct is ready for use, for trace after trace. */
struct shape {
    uint64_t hash;
    uint64_t entry;     /* the label's hash of the span that stands for the trace */
    uint64_t *features; /* ascending, each once; owned */
    uint32_t feature_count;
    bool broken;
    uint64_t *of_span;  /* the hash of each span and what is below it; owned */
    uint32_t *label_of; /* of each span; owned */
    /* working memory */
    uint64_t *scratch;
    uint32_t capacity;
};

/* TCORE_FATAL: no memory. */
enum tcore_status shape_find(struct shape *shape, struct shape_labels *labels,
                             const struct trace_build *build, struct tcore_error *err);
void shape_free(struct shape *shape);

#endif
