/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Findings as records: one canonical NDJSON line each, and their fingerprints. */
#ifndef CLI_FINDING_H
#define CLI_FINDING_H

#include "base/buf.h"

#include <math.h>
#include <stdint.h>

#define CLI_FINGERPRINT_BYTES 17 /* 16 hexadecimal digits and a NUL */

/* A trace or span to look at; ids are canonical ones with a NUL. */
struct cli_evidence {
    const char *trace_id; /* NULL or empty: none, and it is left out */
    const char *span_id;  /* NULL or empty: none */
    const char *side;     /* "base" or "cand" where two inputs are compared; else NULL */
};

/* What a finding of kind capacity has besides. Times may be NULL. */
struct cli_capacity {
    double utilization_rate, headroom, add;
    const int64_t *full_ns, *earliest_ns, *latest_ns;
    const char *moves; /* text of a JSON array; "": none */
};

/* Text is borrowed and may be NULL or empty: then the field is left out. A number that is NaN or
 * infinite is left out too; so start from CLI_FINDING_EMPTY. */
struct cli_finding {
    const char *kind, *severity;
    const char *record_type, *metric_name, *stat;
    const char *group; /* text of a JSON object; always written */
    const char *method;
    const char *first_bad; /* the first run that shows it */
    const char *message;   /* any UTF-8 */
    const char *fingerprint;
    const int64_t *time_ns;
    double score, value, expected, lower, upper, p_value, confidence, effect_ns, quantile;
    double slope; /* a second */
    double limit;
    int64_t rank;       /* from 1; 0: none */
    int64_t horizon_ns; /* 0: none */
    const struct cli_evidence *evidence;
    size_t evidence_count;
    const struct cli_capacity *capacity; /* NULL: of another kind */
};

#define CLI_FINDING_EMPTY                                                                          \
    ((struct cli_finding){.score = NAN,                                                            \
                          .value = NAN,                                                            \
                          .expected = NAN,                                                         \
                          .lower = NAN,                                                            \
                          .upper = NAN,                                                            \
                          .p_value = NAN,                                                          \
                          .confidence = NAN,                                                       \
                          .effect_ns = NAN,                                                        \
                          .quantile = NAN,                                                         \
                          .slope = NAN,                                                            \
                          .limit = NAN})

/* Appends the line with its newline. */
void cli_finding_write(struct tcore_buf *out, const struct cli_finding *finding);

/*
 * What stays the same from run to run for a kind of finding about a series: a hash of both.
 * identity: the bytes that tell the series from others. False: out of memory.
 */
bool cli_finding_fingerprint(const char *kind, const char *identity, size_t length,
                             char out[CLI_FINGERPRINT_BYTES]);

#endif
