/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spans that come in any order, gathered by trace, in memory or what does not fit in a file.
 *
 * Threads take in batches, each into an intake of its own; a row of 56 bytes a span (72 with names
 * or text) goes to one of 256 partitions by a hash of its trace id. After the last batch partitions
 * are grouped, one thread each at a time: a partition is small enough for a processor's cache, and
 * all spans of a trace are in one. What comes out depends on the spans only, not on their order or
 * on threads, once traces and the spans of each are sorted.
 *
 * With a file, an intake that holds its share of the memory writes its rows there, by pieces, and
 * begins anew. The last rows follow when the store is sealed, if any did, and a piece is read back
 * when it is grouped. Pieces are finer then than partitions. Names and services stay in memory.
 *
 *     new, project; on each thread: intake, add ...; seal; on any threads: group, release; free
 */
#ifndef TRACECORE_TRACE_STORE_H
#define TRACECORE_TRACE_STORE_H

#include "model/batch.h"
#include "model/projection.h"
#include "trace/tree.h"

#define TCORE_TRACE_PARTITIONS 256u

struct tcore_trace_store;
struct tcore_trace_intake;

struct tcore_trace_store_options {
    bool names;          /* keep each span's name */
    bool text;           /* keep each span's JSON text (and its name) */
    bool errors_only;    /* text: only of spans that failed or may tell of an exception */
    size_t memory_bytes; /* limit; 0: none */
    /* Makes the file: *fd is the store's then. NULL: there is none, and beyond the limit spans are
     * refused. */
    enum tcore_status (*temporary)(int *fd, struct tcore_error *err);
    unsigned threads; /* with a file: how many intakes there will be, about; each has its share */
};

/* One row. */
struct tcore_stored_span {
    struct tcore_trace_span span; /* service: a number of tcore_trace_store_service */
    uint64_t trace_id[2];         /* as two numbers, the first digits in the first */
};

/* A row of a store that keeps names or text; a row is cast to it. */
struct tcore_stored_text {
    struct tcore_stored_span stored;
    uint32_t name; /* a number of tcore_trace_store_name; once the store is sealed */
    uint32_t text_length;
    const char *text; /* NULL without text; lives as long as the store */
};

/* One trace of a grouped piece. */
struct tcore_stored_trace {
    struct tcore_stored_span **spans; /* count of them, in no order; owned by the piece. The
                                         caller may sort them */
    uint32_t count;
    uint32_t errors;
    struct tcore_interval whole; /* from the first start to the last end */
    const void *notes;           /* the caller's; NULL at first */
};

struct tcore_trace_group {
    struct tcore_stored_trace *traces;
    uint32_t trace_count;
};

/* TCORE_FATAL: no memory, or no randomness for the hash. */
enum tcore_status tcore_trace_store_new(struct tcore_trace_store **store,
                                        const struct tcore_trace_store_options *options,
                                        struct tcore_error *err);
void tcore_trace_store_free(struct tcore_trace_store *store);
/* Asks for the columns that add reads (and the text). */
enum tcore_status tcore_trace_store_project(struct tcore_trace_store *store,
                                            struct tcore_projection *projection,
                                            struct tcore_error *err);

/* An intake for one thread; the store owns it. Any thread may call this at any time. */
enum tcore_status tcore_trace_intake_new(struct tcore_trace_intake **intake,
                                         struct tcore_trace_store *store, struct tcore_error *err);
/* Takes the spans rows[0..count) of the batch. TCORE_FATAL: no memory, beyond the limit, or the
 * file cannot be written; the store is then good for nothing but to be freed. */
enum tcore_status tcore_trace_intake_add(struct tcore_trace_intake *intake,
                                         const struct tcore_batch *batch, const uint32_t *rows,
                                         size_t count, struct tcore_error *err);

/* A span that is in no batch. Ids are 32 and 16 hexadecimal digits; a time is absent or an int64.
 * All strings are copied. */
struct tcore_span_given {
    const char *trace_id, *span_id, *parent_id; /* parent: NULL for none */
    struct tcore_value start, end;
    bool error;
    enum tcore_span_kind kind;
    struct tcore_slice service, name, text; /* data NULL: absent */
};
enum tcore_status tcore_trace_intake_give(struct tcore_trace_intake *intake,
                                          const struct tcore_span_given *given,
                                          struct tcore_error *err);

/* After the last span: numbers services in the order of their bytes. */
enum tcore_status tcore_trace_store_seal(struct tcore_trace_store *store, struct tcore_error *err);
/* How many services there are: numbers 1 ... count - 1, and 0 for spans without one. */
uint32_t tcore_trace_store_services(const struct tcore_trace_store *store);
/* The text of a number; data is NULL for 0. */
struct tcore_slice tcore_trace_store_service(const struct tcore_trace_store *store,
                                             uint32_t number);
struct tcore_slice tcore_trace_store_name(const struct tcore_trace_store *store, uint32_t number);

/* How many pieces the sealed store has: TCORE_TRACE_PARTITIONS of them while all is in memory. */
unsigned tcore_trace_store_pieces(const struct tcore_trace_store *store);
/* Whether rows are in the file. */
bool tcore_trace_store_has_spilled(const struct tcore_trace_store *store);
/* The piece that has the spans of a trace. */
unsigned tcore_trace_store_piece_of(const struct tcore_trace_store *store,
                                    const uint64_t trace_id[2]);
/* Groups a piece; different pieces may be grouped at the same time. Its traces are in no order and
 * live until it is released; until then it is grouped once, and given again. One that was read from
 * the file may be grouped again after that, too. */
enum tcore_status tcore_trace_store_group(struct tcore_trace_store *store, unsigned piece,
                                          struct tcore_trace_group *group, struct tcore_error *err);
/* Frees a piece's rows and group. */
void tcore_trace_store_release(struct tcore_trace_store *store, unsigned piece);

/* Memory held, in bytes; whether an allocation was refused because of the limit. */
size_t tcore_trace_store_bytes(const struct tcore_trace_store *store);
bool tcore_trace_store_is_full(const struct tcore_trace_store *store);

/* How many spans lack one of their times, or have one beyond 2^62; once nothing more is taken in.
 */
uint64_t tcore_trace_store_untimed(const struct tcore_trace_store *store);

/* Orders rows of one trace: tcore_trace_span_compare, then by their text. For qsort on arrays of
 * pointers to rows; the second compares rows with text. */
int tcore_stored_span_compare(const void *a, const void *b);
int tcore_stored_text_compare(const void *a, const void *b);

/* Digits of a trace id, 32 of them, as two numbers. */
void tcore_trace_id_numbers(const char *digits, uint64_t trace_id[2]);
/* A trace id's 32 digits, a span id's 16. */
void tcore_trace_id_digits(const uint64_t trace_id[2], char *out);
void tcore_span_id_digits(uint64_t span_id, char *out);

#endif
