/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one loop over inputs. It opens the inputs in turn, decodes chunks on --threads worker
 * threads, applies --type, --since, --until and --where, hands batches to the operator, and writes
 * what the operator emits in input order. Rejects and messages come in input order too and do not
 * depend on the number of threads. On a live pipe output is flushed whenever the next read would
 * block.
 */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include "base/buf.h"
#include "cli/verb.h"
#include "model/batch.h"
#include "model/projection.h"

/* What an operator's lines() has taken. */
struct cli_lines_taken {
    uint64_t lines, records;
    uint64_t duplicate_keys;
};

/* A row that the operator cannot take, and why; the reason lives until its next batch. */
struct cli_refusal {
    uint32_t row;
    const char *reason;
};

/*
 * What a verb does with records. Every callback returns a status; on TCORE_BAD_INPUT or TCORE_FATAL
 * the reason in err is reported and the run ends with 4. TCORE_EOF from batch or ordered means: no
 * more input is needed. Emitted text is canonical NDJSON lines appended to out.
 */
struct cli_operator {
    unsigned types;   /* bit (1 << enum tcore_record_type) for each type that the verb works on; the
                         others are counted in one note, or forwarded by --pass */
    bool passes_text; /* emits selected lines as they are: the loop does it, batch may be NULL */
    /* Leaves of rows[0..count) those that it wants, beyond what options say. Called by several
     * threads. The batch that batch() gets has the text of these. NULL: all of them. */
    void (*select)(void *state, const struct tcore_batch *batch, uint32_t *rows, size_t *count);
    bool sifts;         /* looks for what it works on among everything else: that is not counted */
    bool silent;        /* emits nothing: no output is opened, finish is not called. For a verb that
                           reads several groups of inputs, and emits in the run over the last */
    size_t chunk_bytes; /* of NDJSON that batch is called for, about; 0: the usual 256 KiB */
    bool ordered; /* batch is called in input order, one call at a time (worker is NULL then) */
    /* Declares the columns it needs. */
    enum tcore_status (*open)(void *state, struct tcore_projection *projection,
                              struct tcore_error *err);
    /* State of one worker thread; NULL callback: none. *worker may be NULL. */
    enum tcore_status (*worker_open)(void *state, void **worker, struct tcore_error *err);
    /* Before each batch: which of the inputs it is from, counted from 0. NULL: of no interest. */
    void (*from_input)(void *state, void *worker, size_t input);
    /* rows[0..count) are the selected rows of the batch, ascending. */
    enum tcore_status (*batch)(void *state, void *worker, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, struct tcore_buf *out,
                               struct tcore_error *err);
    /* Instead of batch, where each span of a block of them is wanted, and the block says what its
     * traces add up to. NULL: spans are looked at one by one. */
    enum tcore_status (*sums)(void *state, void *worker, const struct tcore_trace_sums *sums,
                              struct tcore_error *err);
    /* If it wants records of some traces only: their ids, and how many; asked behind open. NULL:
     * all.
     */
    const uint8_t (*(*trace_ids)(void *state, size_t *count))[16];
    /* An expression (query/expr.h) that is true of each record that it wants, as far as it knows
     * one; asked behind open, alive as long as state. Segments whose names show that it cannot be
     * true are passed over as by --where; it is asked of no record. NULL, or what it gives: all may
     * be wanted. */
    const char *(*requires)(void *state);
    /*
     * Which types (bits) it can take from the roll-ups of segments instead of record by record,
     * with the same result; asked behind open, unless --where looks at more than what series
     * are of. The windows of
     * roll-ups must divide *window_ns; 0: any will do. NULL: none.
     */
    unsigned (*rolls_up)(void *state, int64_t *window_ns);
    /* A roll-up (store/rollup.h) of records of these types. wanted: by order of series, those that
     * --where is true for; NULL: all. seen: by number of columns in the projection, to be set for
     * those that some record has. TCORE_BAD_INPUT: it is damaged, nothing of it was taken;
     * TCORE_SKIP: nothing was, as the records say more. */
    enum tcore_status (*rollup)(void *state, void *worker, const struct tcore_slice *rollup,
                                unsigned types, const bool *wanted, bool *seen,
                                struct tcore_error *err);
    /*
     * Instead of batch, where every record of a chunk of lines is wanted: takes them as they are,
     * validating them as a decoder does. TCORE_SKIP: nothing was taken, batch has to be called (a
     * line is none, or something is odd). NULL: no.
     */
    enum tcore_status (*lines)(void *state, void *worker, const char *data, size_t length,
                               struct cli_lines_taken *taken, struct tcore_error *err);
    /* Behind batch, in input order: rows of it, ascending, that the operator refuses. They are
     * rejects as those of the decoder are, and the batch must have text. NULL: it takes all. */
    const struct cli_refusal *(*refused)(void *state, void *worker, size_t *count);
    /* Behind batch, in input order, one call at a time: what the worker has made of its batch is
     * put where it belongs. The batch is still there. NULL: nothing is. */
    enum tcore_status (*in_turn)(void *state, void *worker, struct tcore_buf *out,
                                 struct tcore_error *err);
    /* Behind in_turn and finish: whole lines that could not be put where they belong. They go to
     * --rejects, after which the buffer is cleared. NULL: there are none. */
    struct tcore_buf *(*undelivered)(void *state);
    /* Of an ordered operator: HUP came. What it works by is to be read again, and the columns it
     * needs then are to be declared as in open(); out as of batch. TCORE_SKIP: all stays as it
     * was. NULL: HUP ends the run as TERM does. */
    enum tcore_status (*reload)(void *state, struct tcore_projection *projection,
                                struct tcore_buf *out, struct tcore_error *err);
    /* After all input, on the main thread: folds the worker into state and frees it, in any order.
     */
    enum tcore_status (*worker_close)(void *state, void *worker, struct tcore_error *err);
    /* Emits what is left; out is drained by the loop whenever it returns TCORE_SKIP (call me
     * again). */
    enum tcore_status (*finish)(void *state, struct tcore_buf *out, struct tcore_error *err);
    /* Whether what finish emits are rows already (cli/output.h), all of it or nothing; asked behind
     * it. NULL: no, it emits records. */
    bool (*gives_rows)(void *state);
    /* The same of text for people, instead of what --format says. */
    bool (*gives_text)(void *state);
};

/* An open() that wants the text of records, and no columns. */
enum tcore_status cli_want_text(void *state, struct tcore_projection *projection,
                                struct tcore_error *err);

/*
 * Clock records go on to the output in their places unless op->types has them: then batch gets
 * them among its rows, whatever --where and --since say, and the operator forwards them when it is
 * done with what came before.
 *
 * Runs op over the inputs (none: standard input; a terminal is a usage error). Opens and closes the
 * output itself (cli->io). Returns cli_exit_status(cli, false) or CLI_USAGE.
 */
int cli_filter(struct cli *cli, const struct cli_operator *op, void *state, int input_count,
               char **inputs);

#endif
