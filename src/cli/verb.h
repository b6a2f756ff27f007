/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program is a table of verbs. main() is: return cli_main(&program, argc, argv).
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "cli/options.h"
#include "base/error.h"

/* The common option groups that a verb takes besides its own table. */
enum {
    CLI_READS = 1,   /* INPUT... and --rejects --strict --type -w --since --until --idle -j
                        --memory --progress --pass --explain --key --key-descriptor */
    CLI_WRITES = 2,  /* -b -o --format --fields --limit --flush-after --provenance */
    CLI_OUTPUT = 4,  /* -o only (reports and other text) */
    CLI_COMMAND = 8, /* the first operand ends the options: what follows is a command to run */
    CLI_KEYS = 16    /* --key --key-descriptor, without the rest of CLI_READS */
};

struct cli;
struct tcore_key_ring;

/* An exit status in --help. */
struct cli_exit_meaning {
    const char *status;  /* "1", "128+N" */
    const char *meaning; /* starts in lower case, without final stop */
};

struct cli_verb {
    const char *name;
    const char *summary;     /* one line */
    const char *operands;    /* "[INPUT]...", "TRACEID... [INPUT]..." */
    const char *description; /* paragraphs for --help below the options; may be NULL */
    unsigned groups;         /* CLI_READS | CLI_WRITES ... */
    const char *memory;      /* help of --memory; NULL: it does nothing here and is not offered */
    /* Exit statuses besides 0, 2, 4 and with CLI_READS 3, or what these mean here; by number, up to
     * one without a status; a meaning of "" takes one of these away. NULL: none. */
    const struct cli_exit_meaning *exits;
    const struct cli_option *options;
    size_t option_count;
    size_t options_size;  /* of the options struct, zeroed and then filled with defaults */
    const void *defaults; /* options_size bytes, or NULL: all zero */
    /* operands are argv[0..argc). Returns the exit status; cli_exit_status(cli, ...) computes it.
     */
    int (*run)(struct cli *cli, void *options, int argc, char **argv);
};

struct cli_program {
    const char *name;                    /* "trace-agg" */
    const char *summary;                 /* one line */
    const struct cli_verb *const *verbs; /* NULL-terminated */
    const char *default_verb; /* NULL: a verb is needed. A program with one verb called "" has none
                               */
    const char *epilogue;     /* examples for --help, may be NULL */
};

/*
 * Runs the verb that argv names. Before it: standard descriptors are made sure to be open, SIGPIPE
 * is ignored (a child that is executed must restore it: cli_child_signals). After it: standard
 * output is checked, so that a full disk is never missed.
 */
int cli_main(const struct cli_program *program, int argc, char **argv);

/* Options of CLI_READS and CLI_WRITES. */
struct cli_io_options {
    bool binary;
    const char *output; /* -o FILE: temp + rename */
    const char *rejects;
    bool strict;
    struct cli_strings types;
    const char *where;
    struct cli_time since, until;
    int64_t idle_ns;
    int64_t line_limit, depth_limit; /* 0: the library's defaults */
    int64_t flush_after_ns;          /* default 200 ms */
    int64_t threads;                 /* 0: all cores */
    int64_t memory_bytes;            /* 0: the verb's default */
    bool progress, pass, explain, provenance;
    const char *format; /* ndjson tsv csv table */
    struct cli_strings fields;
    bool usual_fields; /* the verb chose them, so that none has to occur */
    int64_t limit;     /* -1: none */
    struct cli_strings keys;
    int64_t key_descriptor; /* -1: none */
};

/* One run of one verb. Owned by cli_main. */
struct cli {
    const struct cli_program *program;
    const struct cli_verb *verb;
    struct cli_io_options io;
    uint64_t rejected; /* records, so far */
    bool failed;       /* input, output or a helper failed */
    bool reader_gone;  /* what read the output closed it */
    bool usage_error;
    bool sigpipe_was_ignored;
    struct tcore_key_ring *keys; /* of --key and --key-descriptor, once something is read; owned */
    int argc;                    /* the whole command line, for provenance */
    char **argv;
};

enum cli_exit { /* commands.md of the design */
                CLI_DONE = 0,
                CLI_FOUND = 1,
                CLI_USAGE = 2,
                CLI_REJECTED = 3,
                CLI_FAILED = 4,
                CLI_INCONCLUSIVE = 5
};

/* The exit status of a run that found what it looks for or not: FAILED wins over FOUND over
 * REJECTED. Whoever closes the output has what was wanted, whatever was refused on the way there: a
 * run that ends so is DONE and not REJECTED. */
int cli_exit_status(const struct cli *cli, bool found);

/* Obeys TRACECORE_SIMD, before any thread starts. CLI_DONE, or a usage error. */
int cli_choose_simd(struct cli *cli);

#endif
