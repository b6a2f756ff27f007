/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes of received records before they are stored: --sample, the repository's policy and
 * --redact. HUP has the policies read again; whoever works by the old ones goes on by them until
 * the next request.
 */
#ifndef RECORD_LISTEN_RULES_H
#define RECORD_LISTEN_RULES_H

#include "record/repository/collect.h"
#include "record/listen/request.h"
#include "record/repository/protection.h"

struct listen_rules {
    struct protection repository; /* of a file: nothing is asked for */
    struct protection redaction;  /* of --redact */
    double sample;
    unsigned users; /* atomic */
};

struct listen_rules_options {
    const char *repository; /* NULL: records go to a file */
    const char *redact;     /* NULL: none */
    double sample;
};

/* CLI_DONE, or the exit status: it was reported. */
int listen_rules_read(struct listen_rules **rules, struct cli *cli,
                      const struct listen_rules_options *options);
struct listen_rules *listen_rules_use(struct listen_rules *rules);
/* Frees them when nobody uses them any more. NULL is fine. */
void listen_rules_drop(struct listen_rules *rules);

/* What a thread applies them with. */
struct listen_applier {
    struct listen_rules *rules; /* one user of them */
    struct line_collector *collector;
    struct redactor *redactor[2];
    struct tcore_json json;
    struct collect_counts before; /* of collectors that have gone */
};

/* Takes other rules, and one user of them. TCORE_FATAL: out of memory, or a library is missing. */
enum tcore_status listen_applier_take(struct listen_applier *applier, struct listen_rules *rules,
                                      struct tcore_error *err);
void listen_applier_close(struct listen_applier *applier);
/* Makes of a request's records what is stored, and counts them. */
enum tcore_status listen_apply(struct listen_applier *applier, struct listen_request *request,
                               struct tcore_error *err);
/* What did not come in so far. */
struct collect_counts listen_applier_counts(const struct listen_applier *applier);

/* --- listen/sample.c */

/* Appends of lines of records those metrics that chance chooses, which say so in
 * quality.sampleRate, and all else. */
enum tcore_status listen_sample(double rate, struct tcore_json *json, const struct tcore_buf *lines,
                                struct tcore_buf *out, struct tcore_error *err);

#endif
