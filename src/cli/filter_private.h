/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop of cli/filter.h in parts.
 *
 * Workers claim chunks, which are numbered through all inputs in input order. A worker decodes its
 * chunk, selects rows and runs the operator without asking anybody. What is visible from outside
 * (output, rejects, messages) it does in its turn: when everything with a smaller number is done. A
 * chunk with nothing to show is marked as done and its turn is skipped, so that its worker need not
 * wait.
 */
#ifndef CLI_FILTER_PRIVATE_H
#define CLI_FILTER_PRIVATE_H

#include "base/map.h"
#include "cli/filter.h"
#include "cli/output.h"
#include "cli/select.h"
#include "cli/sink.h"
#include "stream/input.h"

#include <pthread.h>

#define TURNS 256 /* a worker claims no chunk that is further ahead than this */

/* One input. Everything but name and input is under the run's lock. */
struct source {
    const char *name;
    struct tcore_input *input; /* NULL: not open (any more) */
    enum tcore_format format;
    uint64_t first, next; /* number of its first chunk, and behind its last one so far */
    unsigned claiming;    /* workers inside tcore_input_next */
    unsigned flying;      /* chunks claimed and not done */
    bool ended;
    struct tcore_error problem; /* why it ended; status TCORE_OK: it was at its end */
};

/* A number whose turn is over, or can be skipped. */
struct turn {
    bool done;
    struct source *source;
    uint64_t lines;
};

/* Sums over all workers, for the notes at the end. */
struct counts {
    uint64_t records, bytes;
    uint64_t unread; /* of the records: none of them could match */
    uint64_t passed_over[TCORE_RECORD_TYPES];
    uint64_t duplicate_keys;
    struct cli_left_out left_out;
};

/* What is read of records. A reload puts others in front; workers follow with their next chunk. */
struct columns {
    struct tcore_projection projection; /* those of --where come first */
    bool *seen;                         /* columns that some record had */
    struct columns *before;
};

struct run {
    struct cli *cli;
    const struct cli_operator *op;
    void *state;
    struct cli_output *output;
    struct cli_sink rejects;
    struct tcore_input_options input_options;
    unsigned consumed;  /* bits of the types that are worked on: op->types and --type */
    bool forward_clock; /* the operator does not know clock records: they go through */
    bool pass;          /* --pass */
    struct cli_select select;
    struct tcore_expr_state *match;   /* tells of what --where cannot be true; NULL: of nothing */
    struct tcore_expr *required;      /* by the operator */
    struct tcore_expr_state *require; /* the same of that */
    struct columns *columns;          /* written in its turn by a worker, read by any: atomically */
    unsigned threads;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct source *sources;
    size_t source_count, opened;
    struct source *current; /* NULL: the next one is to be opened */
    struct source *broken;  /* ended with a problem that nobody has claimed yet */
    bool opening;           /* somebody does, without the lock */
    uint64_t next_number;   /* of the first chunk of the next source */
    uint64_t reserved;      /* numbers given out, and workers about to get one */
    uint64_t turn;          /* smallest number that is not done */
    struct turn turns[TURNS];
    struct source *line_source; /* of the chunk before turn */
    uint64_t line_base;         /* lines of it that are done */
    bool stop;                  /* claim nothing, show nothing */
    bool abandoned;             /* and what was folded so far is of no use: do not finish */
    bool spawned;
    int64_t started_ns, progress_ns; /* when progress was shown last */
    bool rewrite_progress;           /* on a terminal: one line that changes */
    pthread_t progress_thread;       /* answers USR1 while everybody waits for input */
    bool watches_progress;           /* there is one */
    bool done_watching;
    const char *where_reason;   /* of the first record that --where failed on */
    int64_t unflushed_ns;       /* since when output waits to be flushed; 0: none does */
    struct counts done;         /* of chunks that are done */
    struct tcore_buf explained; /* lines about inputs that are done */
    char sample[8192];          /* of the first NDJSON chunk, for "did you mean" */
    size_t sample_length;
};

/* What a thread works with. */
struct worker {
    struct run *run;
    struct columns *columns; /* of its decoder */
    struct tcore_decoder *decoder;
    struct tcore_expr_state *where;
    void *state; /* of the operator */
    bool opened; /* worker_open was called */
    pthread_t thread;
    bool started;
    /* the chunk in hand */
    struct tcore_chunk chunk;
    struct source *source;
    uint64_t number;
    bool is_problem; /* no chunk: the source's problem */
    const struct tcore_batch *batch;
    uint32_t *rows, *forwarded; /* selected; passed through as they are */
    size_t row_capacity, row_count, forward_count;
    struct cli_lines_taken taken; /* by the operator, without a batch */
    struct tcore_buf out;
    enum tcore_status status; /* of decoding and the operator */
    struct tcore_error err;
    bool bad_block; /* status tells of the chunk, not of the operator */
    uint64_t lost;  /* blocks that a damaged roll-up stood for and that are damaged, too */
    struct tcore_error first_lost;
    bool has_failed; /* --where gave an error, first in this chunk: */
    uint64_t first_failed;
    struct counts counts;
    bool *seen;
};

/* --- filter_claim.c: who does what, and when it shows */

/* Gives the worker its next chunk or problem. False: there is nothing more to do. */
bool claim_chunk(struct worker *worker);
/* Waits until it is the chunk's turn. False: the run was stopped. */
bool take_turn(struct worker *worker);
/* The chunk is done; its turn may come now or have come. */
void end_turn(struct worker *worker);
/* Ends the run. abandon: what was folded so far must not be finished. */
void stop_run(struct run *run, bool abandon);

/* --- filter_columns.c: what is read of records */

/* Declares what the operator and the selection need. CLI_DONE, or the exit status after a report.
 */
int open_columns(struct run *run);
/* In its turn: HUP came. out: of the operator. */
enum tcore_status reload_columns(struct run *run, struct tcore_buf *out, struct tcore_error *err);
/* Folds what a worker has seen into what all have. */
void fold_seen(struct run *run, const struct worker *worker);
void free_columns(struct run *run);

/* --- filter_worker.c: what is done with a chunk */

enum tcore_status open_worker(struct worker *worker, struct run *run, struct tcore_error *err);
void free_worker(struct worker *worker);
/* What the operator could not put where it belongs goes to --rejects. */
void keep_undelivered(struct run *run);
/* Claims and works until there is nothing more to do. */
void work(struct worker *worker);
/* Spawns the other threads; called by the first worker once the input turns out to be long. */
void spawn_workers(struct run *run);

/* --- filter_select.c */

/* Whether every record of the chunk in hand is wanted, without a look at any, by an operator that
 * can do with sums. */
bool wants_sums(const struct worker *worker);
/* Sorts the rows of worker->batch into selected, forwarded and passed over. */
void select_rows(struct worker *worker);
/* Runs the operator over them, appending to worker->out. operator_worker: its state. */
enum tcore_status operate(struct worker *worker, void *operator_worker, struct tcore_error *err);

/* --- filter_series.c: --where on what roll-ups have of series */

/* Whether --where, if there is one, looks at nothing else; *fields: at these (store/rollup.h). */
bool where_is_of_series(const struct run *run, unsigned *fields);
/* Which of a roll-up's series it wants: *wanted by their order, to be freed; NULL: all. TCORE_SKIP:
 * only the records tell. TCORE_BAD_INPUT: the roll-up is damaged. TCORE_FATAL. */
enum tcore_status select_series(struct worker *worker, const struct tcore_slice *rollup,
                                unsigned types, bool **wanted, struct tcore_error *err);

/* --- filter_progress.c: how far it is */

/* Under the lock: appends a line of progress if it is due or was asked for. */
void add_progress(struct run *run, struct tcore_buf *line);
/* Without the lock: writes it, and frees it. */
void write_progress(struct tcore_buf *line);
/* From here on USR1 is answered at once, and no more. */
void watch_progress(struct run *run);
void end_watching(struct run *run);
/* The last state of it. */
void end_progress(struct run *run);

/* --- filter_explain.c: how the work is done, if people ask */

void explain_input(struct run *run, const char *name, const struct tcore_input *input);
void explain_run(struct run *run);
/* Before an input is closed: keeps in mind what to say of it. */
void explain_source(struct run *run, const struct source *source);
/* Says it. */
void explain_end(struct run *run);

/* --- filter_notes.c: what else people are told */

void note_counts(struct run *run);
/* Sets seen for columns whose absence is no news, so that nobody looks for them. */
void watch_columns(const struct run *run, struct columns *columns);
/* Columns asked for by name that no record had. */
void note_absent_columns(struct run *run);
void add_counts(struct counts *sum, const struct counts *part);

#endif
