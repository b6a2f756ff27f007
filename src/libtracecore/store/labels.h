/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which label the keys of records have, and who may read it: what a policy says, as a segment is
 * written by it. A column whose key has a label is sealed under it; one of JSON texts under the
 * most secret label of all keys in it.
 */
#ifndef TRACECORE_STORE_LABELS_H
#define TRACECORE_STORE_LABELS_H

#include "base/error.h"
#include "store/seal.h"
#include "stream/binary_block.h"

#define LABELS_MOST 16u /* of one policy, public counted */

struct tcore_label {
    const char *name;                       /* borrowed */
    const struct tcore_public_key *readers; /* borrowed */
    size_t reader_count;
};

struct tcore_labels {
    /* By how much they keep to themselves, the first being public, under which nothing is sealed.
     */
    struct tcore_label label[LABELS_MOST];
    unsigned count;
    /* The number of the label of a key; may be called by any thread. */
    unsigned (*of)(const void *context, const char *key, size_t length);
    const void *context;
};

#pragma GCC visibility push(hidden)

/* The label of a top-level key, or of one whose object is `parent` (NULL: none): of the key, of the
 * object, and of PARENT.KEY the most secret one. */
unsigned tcore_label_of_key(const struct tcore_labels *labels, const struct block_column *parent,
                            const char *key, size_t length);
/* Whether any of the keys (NULL-terminated) has a label. */
bool tcore_labels_have(const struct tcore_labels *labels, const char *const *keys);
/* Whether ids of traces have a label, so that no index may have them. */
bool tcore_labels_hide_traces(const struct tcore_labels *labels);
/* The label of a column of the reader's block, looking into JSON texts. */
enum tcore_status tcore_label_of_column(const struct tcore_labels *labels,
                                        struct binary_reader *reader, uint32_t column,
                                        unsigned *label, struct tcore_error *err);

/* The most secret label of any key in records that are lines of JSON. */
enum tcore_status tcore_label_of_lines(const struct tcore_labels *labels, const char *lines,
                                       size_t length, unsigned *label, struct tcore_error *err);

#pragma GCC visibility pop

#endif
