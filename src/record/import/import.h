/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What import and the foreign formats agree on. A format turns one unit (a parsed JSON document,
 * some lines, a binary message) into native records, written straight into the result's text in
 * canonical form; it keeps nothing from one unit to the next, so that units are converted on
 * several threads.
 */
#ifndef RECORD_IMPORT_IMPORT_H
#define RECORD_IMPORT_IMPORT_H

#include "base/map.h"
#include "model/batch.h"
#include "model/json.h"
#include "record/import/form.h"
#include "record/import/select.h"
#include "record/import/source.h"

struct import_job;
struct import_attribute;
struct otlp_rows;
struct tcore_binary_writer;

/* An element that became no record. */
struct import_reject {
    uint64_t line, byte;     /* where it begins in the input, 1-based; byte 0: it is the line */
    struct tcore_slice text; /* in the chunk; length 0: not kept */
    size_t reason;           /* offset in the result's reasons, NUL-terminated */
    size_t out_length;       /* of the result's text before it */
};

/* What is not as it was, or might not be as was meant; for the notes at the end. */
struct import_counts {
    uint64_t ignored;        /* members that the format does not define, and are left out */
    uint64_t duplicate_keys; /* members that a later one of the same name replaced */
    uint64_t replaced;       /* attributes of a list that a later one did */
    uint64_t negative;       /* spans that end before they start */
    uint64_t untimed;        /* spans without start or end */
    uint64_t unknown_enums;  /* kinds and status codes that no name is known of */
    uint64_t empty_metrics;  /* metrics without a data point */
    uint64_t unfinished;     /* texts that lack their end */
    uint64_t unmatched_ends; /* ends of spans that did not begin */
    uint64_t unrecorded;     /* events of kinds that are no record here */
};

/* What a chunk became. */
struct import_result {
    struct tcore_buf out;    /* canonical NDJSON lines */
    struct tcore_buf blocks; /* or these, of so many records */
    uint64_t records;
    struct tcore_buf reasons;
    struct import_reject *rejects;
    size_t reject_count, reject_capacity;
    uint64_t documents; /* that some format recognised */
    struct import_counts counts;
    char ignored_name[64]; /* the first member that was left out */
    struct cli_left_out left_out;
    const char *where_reason; /* why --where failed first in the thread of this; of its job */
    struct tcore_buf held;    /* what the parts of a document that goes on were gathered as, */
    const struct import_gatherer *holder; /* for this */
    bool ends;                            /* the document that parts are of is complete */
};

/* How records are made that depend on others anywhere in their document: convert appends what it
 * finds to job->result->held, on any thread; that is gathered in the order of the document, and
 * when all of it is there it becomes records. */
struct import_gatherer {
    void *(*open)(void);                                       /* NULL: out of memory */
    bool (*add)(void *gathered, const struct tcore_buf *held); /* false: out of memory */
    size_t (*bytes)(const void *gathered); /* of memory, with what finish takes at most */
    /* Writes the records to job->result->out, calling import_drain() behind each of them. */
    void (*finish)(void *gathered, struct import_job *job);
    void (*close)(void *gathered); /* NULL is nothing */
};

enum import_input { IMPORT_JSON, IMPORT_TEXT, IMPORT_BYTES };

struct import_format {
    const char *name;        /* of --from */
    const char *summary;     /* what it is, for the message that nothing was recognised */
    const char *hint;        /* why nothing may have been, and what then, or NULL */
    enum import_input input; /* what it is made of */
    /* IMPORT_JSON: whether the document is of this format, by its outermost members. */
    bool (*probe)(const struct tcore_json *json);
    /* Others: cuts the input into units. What such an input is, tcore_sniff() knows. */
    import_cut *cut;
    import_cut *bare_cut; /* the same where the settings say that there is no heading, or NULL */
    /* Converts job->json, or of other inputs job->text, counting what it recognises in the
     * result's documents. What is bad is given to import_reject or import_reject_bytes; being out
     * of memory shows in the buffers. */
    void (*convert)(struct import_job *job);
    /* Of a format whose records depend on each other, else NULL. */
    const struct import_gatherer *gatherer;
    bool open_ended; /* the list may end without its bracket */
};

/* The formats in the order they are tried, NULL-terminated. */
extern const struct import_format *const import_formats[];
extern const struct import_format import_jaeger, import_zipkin, import_chrome, import_hyperfine,
    import_google_benchmark, import_pytest_benchmark;
extern const struct import_format import_otlp_json, import_otlp_proto, import_prometheus,
    import_openmetrics, import_statsd, import_csv, import_tsv, import_benchstat, import_numbers,
    import_lines, import_native;

/* The format of that name, or NULL. */
const struct import_format *import_format_find(const char *name);

/* What the records of OTLP are. */
enum import_signal { IMPORT_ANY, IMPORT_SPANS, IMPORT_METRICS, IMPORT_LOGS };

/* What options say about single formats; zeroed is as if there were none. */
struct import_settings {
    int64_t at_ns;  /* when what has no time was: StatsD, Prometheus; 0: not known */
    bool dogstatsd; /* signed gauges of StatsD are absolute */
    bool whole;     /* a document that is no valid JSON is lost as one, not element by element */
    /* of CSV and TSV: names of the columns, or NAME=FIELD for some of those in the heading */
    const char *const *columns;
    size_t column_count;
    bool bare;          /* they are names: there is no heading */
    const char *map;    /* jq program of --map, or NULL */
    const char *helper; /* program that runs it */
};

/* Short inputs end before learning from them would pay. */
#define IMPORT_PATIENCE 256

/* What one thread works with. */
struct import_job {
    const struct import_settings *settings; /* never NULL */
    struct redactor *redactor;              /* of --redact, the run's; NULL: nothing is redacted */
    const struct import_format *only;       /* --from, or NULL */
    const struct import_format *last;       /* that recognised the document before */
    const struct import_format *found;      /* by import_recognises */
    bool strict;                            /* nothing behind the first reject */
    unsigned forwarded; /* bits of the types whose native records stay as they are (--pass) */
    struct import_selector *selector; /* NULL: all records are wanted */
    struct tcore_json json;
    struct form_table *forms;   /* of elements of OTLP/JSON; NULL: none are looked for */
    unsigned patience;          /* so many elements are converted before any is learnt from */
    struct form_draft *draft;   /* owned, and */
    bool watched;               /* what is being converted is noted there */
    bool looks;                 /* the document's elements were looked at for known forms */
    struct form_shared *shared; /* of the records of a scope, by form; made on first use, owned */
    const char *readable;       /* memory behind the text that may be looked at ends there */
    /* If the tape is of a binary message: for nodes that are objects where their bytes are. There
     * are no more of them than of nodes. */
    bool wire;
    struct tcore_slice *places;
    size_t place_capacity;
    enum import_signal signal; /* of OTLP protobuf, if that is known; kept from unit to unit */
    const struct import_list_name *list; /* whose elements the document is, or NULL */
    const char *text;                    /* of the document */
    size_t length;
    uint64_t line, byte;        /* where it begins; line 0: there are no lines */
    bool cut;                   /* the input ends inside it */
    struct tcore_slice heading; /* of the input, if it has one */
    struct import_result *result;
    struct tcore_buf resource, scope;   /* parts that many records of a document share */
    struct tcore_map keys;              /* of one large list of attributes */
    struct import_attribute *attribute; /* of import/attributes.c */
    size_t attribute_count, attribute_capacity;
    struct import_map *map;             /* once --map has run; owned */
    struct tcore_binary_writer *writer; /* of import/blocks.c; NULL: results have text; owned */
    struct tcore_buf blocks;            /* that it has made of the chunk at hand */
    struct otlp_rows *rows;             /* of import/otlp_rows.c; owned */
    void *state;                        /* of the format, while it converts a unit */
    const struct import_drain *drain;   /* while gathered records are made of more than a chunk */
    char reason[TCORE_ERROR_TEXT_BYTES];
    bool failed;
    /* the line of the last reject, so that many rejects in one document are found in one pass */
    size_t known_offset, known_line_start;
    uint64_t known_line;
};

/* select may be NULL. No settings, until some are put there. */
enum tcore_status import_job_open(struct import_job *job, const struct cli_io_options *io,
                                  const struct import_format *only,
                                  const struct import_select *select, struct tcore_error *err);
void import_job_close(struct import_job *job);
/* Converts every unit of the chunk. */
enum tcore_status import_convert(struct import_job *job, const struct import_chunk *chunk,
                                 struct import_result *result, struct tcore_error *err);
/* Where records go that are made of what was gathered: write is given some at a time, and the
 * result is cleared behind it. False: no more are wanted. */
struct import_drain {
    bool (*write)(void *context, struct import_result *result, enum tcore_status status,
                  struct tcore_error *err);
    void *context;
};
/* Makes the records of a document, when its last part was gathered. Result is scratch memory.
 * False: no more are wanted. */
bool import_finish(struct import_job *job, const struct import_gatherer *gatherer, void *gathered,
                   struct import_result *result, const struct import_drain *drain);
/* Lets go of the records made so far, when they are many. False: no more are wanted. */
bool import_drain(struct import_job *job);
/* Whether any unit of the chunk is of a known format. */
bool import_recognises(struct import_job *job, const struct import_chunk *chunk);
void import_result_free(struct import_result *result);

/* Sets the reason why what is being converted is bad; returns false. */
bool import_bad(struct import_job *job, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The reason for a document that is longer than the limit. */
void import_too_long(char *reason, size_t size, size_t limit);
/* What is converted or rejected from now on. */
void import_set_unit(struct import_job *job, const struct import_chunk *chunk,
                     const struct import_unit *unit);
/* Rejects the element at that node, for job->reason. */
void import_reject(struct import_job *job, uint32_t node);
/* Rejects that part of job->text; where points at what is bad in it, NULL: all of the line is. */
void import_reject_bytes(struct import_job *job, struct tcore_slice text, const char *where);
/* Calls read for each line of job->text that is not blank, without blanks around it. */
void import_each_line(struct import_job *job,
                      void (*read)(struct import_job *job, struct tcore_slice line));
/* Counts a member that the format does not define. */
void import_ignored(struct import_job *job, const char *name, size_t length);
/* Counts a span by its times, 0 if it has none. */
void import_count_times(struct import_job *job, int64_t start_ns, int64_t end_ns);

void import_counts_add(struct import_counts *sum, const struct import_counts *part);
/* A note for each that is not 0. */
void import_counts_note(const struct import_counts *counts, const char *ignored_name,
                        struct cli *cli);

#endif
