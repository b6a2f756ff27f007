/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Findings as records: one canonical NDJSON line each, and their fingerprints. */
#ifndef DETECT_FINDING_H
#define DETECT_FINDING_H

#include "base/buf.h"

#include <math.h>
#include <stdint.h>

#define FINGERPRINT_BYTES 17 /* 16 hexadecimal digits and a NUL */

/* Text is borrowed and may be NULL or empty: then the field is left out. A number that is NaN or
 * infinite is left out too; so start from FINDING_EMPTY. */
struct finding {
    const char *kind, *severity;
    const char *record_type, *metric_name, *stat;
    const char *group; /* text of a JSON object; always written */
    const char *method;
    const char *message; /* any UTF-8 */
    const char *fingerprint;
    const int64_t *time_ns;
    double score, value, expected, lower, upper, p_value, confidence, quantile;
    const char *trace_id, *span_id; /* the evidence; canonical ids with a NUL */
};

#define FINDING_EMPTY                                                                              \
    ((struct finding){.score = NAN,                                                                \
                      .value = NAN,                                                                \
                      .expected = NAN,                                                             \
                      .lower = NAN,                                                                \
                      .upper = NAN,                                                                \
                      .p_value = NAN,                                                              \
                      .confidence = NAN,                                                           \
                      .quantile = NAN})

/* Appends the line with its newline. */
void finding_write(struct tcore_buf *out, const struct finding *finding);

/*
 * What stays the same from run to run for a kind of finding about a series: a hash of both.
 * identity: the bytes that tell the series from others. False: out of memory.
 */
bool finding_fingerprint(const char *kind, const char *identity, size_t length,
                         char out[FINGERPRINT_BYTES]);

#endif
