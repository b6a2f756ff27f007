/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jq programs run by libjq in a helper process, which has no files, no environment, little memory
 * and a watchdog: libjq aborts when memory is short, cannot be interrupted and crashes on some
 * values. One process an object; an object belongs to one thread at a time. The process dies with
 * the thread that opened it: that thread must outlive the object.
 */
#ifndef TRACECORE_QUERY_JQ_H
#define TRACECORE_QUERY_JQ_H

#include "base/buf.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/json.h"

#include <stdbool.h>
#include <stdint.h>

struct tcore_jq;

struct tcore_jq_options {
    const char *helper;   /* path of the helper program; NULL: its installed place */
    int64_t watchdog_ns;  /* for each 256 records; 0: 5 s. Starting has at least 5 s */
    uint64_t limit_bytes; /* of what tcore_jq_map() may make of one record; 0: 64 MiB */
    bool unchecked;       /* compile refused words too: for tests of the sandbox */
};

/*
 * Starts a helper and compiles program in it; ns us ms s m h d are predefined. TCORE_BAD_INPUT:
 * libjq does not accept the program, or it uses a word that is refused (import, include, input,
 * env, halt, ...); err->line and err->byte are the place in the program (line 0 if it is all one
 * line). TCORE_FATAL: the helper cannot be started, or died.
 */
enum tcore_status tcore_jq_open(struct tcore_jq **jq, const char *program,
                                const struct tcore_jq_options *options, struct tcore_error *err);
void tcore_jq_close(struct tcore_jq *jq); /* NULL is fine */

enum tcore_jq_verdict { TCORE_JQ_IS_FALSE, TCORE_JQ_IS_TRUE, TCORE_JQ_FAILED };

/*
 * Runs the program on records (JSON texts) as an expression sees them (query/view.h): verdicts
 * gets for each whether a result was neither null nor false, or that it failed before there was
 * one. TCORE_FATAL: the helper had to be stopped or died; err says why. Then the object can only be
 * closed.
 */
enum tcore_status tcore_jq_select(struct tcore_jq *jq, const struct tcore_slice *texts,
                                  size_t count, uint8_t *verdicts, struct tcore_error *err);
/* Why the first record failed of all that this object was given; "" if none did. */
const char *tcore_jq_reason(const struct tcore_jq *jq);

/* What one text became. */
struct tcore_jq_output {
    size_t offset, length; /* of its lines in out; none if it failed */
    const char *reason;    /* why it failed, NULL if it did not; lives until the next call */
};

/*
 * Runs the program on texts as they are and appends its results to out, a line each. A text that is
 * no JSON, or that the program fails on, gives nothing but a reason. outputs: count of them.
 * TCORE_FATAL as above.
 */
enum tcore_status tcore_jq_map(struct tcore_jq *jq, const struct tcore_slice *texts, size_t count,
                               struct tcore_buf *out, struct tcore_jq_output *outputs,
                               struct tcore_error *err);

/*
 * Appends what a program made of one text, a JSON text a line, as records: in canonical form, with
 * a newline each. TCORE_SKIP: one of the lines is no record of a known type, err says why. Unless
 * it is TCORE_OK, out is as it was. json is scratch.
 */
enum tcore_status tcore_jq_records(struct tcore_json *json, struct tcore_slice lines,
                                   struct tcore_buf *out, struct tcore_error *err);

#endif
