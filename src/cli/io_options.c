/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option tables that verbs have in common. */
#include <config.h>

#include "cli/parse.h"

#define IO(member)   offsetof(struct cli_io_options, member)
#define COUNT(table) (sizeof(table) / sizeof *(table))

#define KEY_OPTIONS                                                                                \
    {0,        "key",  CLI_STRINGS,                                                                \
     IO(keys), "FILE", "private key to read what is sealed in a repository; may be repeated",      \
     NULL},                                                                                        \
    {                                                                                              \
        0, "key-descriptor", CLI_INT, IO(key_descriptor), "N",                                     \
            "read such a key from this descriptor", NULL                                           \
    }

static const struct cli_option read_options[] = {
    {'w', "where", CLI_STRING, IO(where), "EXPR",
     "only records for which this jq expression is true: .service==\"cart\" and "
     ".durationNano > 100*ms",
     NULL},
    {0, "type", CLI_LIST, IO(types), "LIST", "only records of these types: span, metric, log, ...",
     NULL},
    {0, "since", CLI_TIME, IO(since), "TIME",
     "only records from this time on: RFC 3339, epoch, -1h, today", NULL},
    {0, "until", CLI_TIME, IO(until), "TIME", "only records before this time", NULL},
    {0, "pass", CLI_FLAG, IO(pass), NULL,
     "forward records of types that are not worked on, unchanged", NULL},
    {0, "rejects", CLI_STRING, IO(rejects), "FILE", "keep records that were refused, verbatim",
     NULL},
    {0, "strict", CLI_FLAG, IO(strict), NULL, "stop at the first record that is refused", NULL},
    {0, "idle", CLI_DURATION, IO(idle_ns), "DUR",
     "after so long without input move event time on with the clock", NULL},
    {0, "line-limit", CLI_SIZE, IO(line_limit), "SIZE", "refuse longer lines (default 32M)", NULL},
    {0, "depth-limit", CLI_INT, IO(depth_limit), "N", "refuse deeper nesting (default 512)", NULL},
    {'j', "threads", CLI_INT, IO(threads), "N", "worker threads (default: all cores)", NULL},
    {0, "memory", CLI_SIZE, IO(memory_bytes), "SIZE", NULL, NULL}, /* the verb says what it does */
    KEY_OPTIONS,
    {0, "progress", CLI_FLAG, IO(progress), NULL, "show progress on standard error", NULL},
    {0, "explain", CLI_FLAG, IO(explain), NULL, "say on standard error how the work is done", NULL},
};

#define OUTPUT_OPTION                                                                              \
    {                                                                                              \
        'o', "output", CLI_STRING, IO(output), "FILE",                                             \
            "write to FILE, which appears when all is done", NULL                                  \
    }

static const struct cli_option write_options[] = {
    OUTPUT_OPTION,
    {'b', "binary", CLI_FLAG, IO(binary), NULL, "write the binary stream, for the next program",
     NULL},
    {0, "format", CLI_CHOICE, IO(format), "FORMAT", "write records as", "ndjson|tsv|csv|table"},
    {0, "fields", CLI_LIST, IO(fields), "LIST", "write only these fields", NULL},
    {0, "limit", CLI_INT, IO(limit), "N", "write at most N records", NULL},
    {0, "flush-after", CLI_DURATION, IO(flush_after_ns), "DUR",
     "hold live output back no longer than this (default 200ms)", NULL},
    {0, "provenance", CLI_FLAG, IO(provenance), NULL,
     "with -b: record the command lines that made the stream", NULL},
};

_Static_assert(COUNT(read_options) <= COUNT(((struct cli_tables *)0)->read_option),
               "room for a verb's copy");

static const struct cli_option output_options[] = {OUTPUT_OPTION};

static const struct cli_option key_options[] = {KEY_OPTIONS};

static const struct cli_option general_options[] = {
    {'h', "help", CLI_FLAG, offsetof(struct cli_general_options, help), NULL,
     "show this help and end", NULL},
    {'V', "version", CLI_FLAG, offsetof(struct cli_general_options, version), NULL,
     "show the version and end", NULL},
};

const struct cli_option_group cli_read_group = {"Input", read_options, COUNT(read_options)};
const struct cli_option_group cli_write_group = {"Output", write_options, COUNT(write_options)};
const struct cli_option_group cli_output_group = {"Output", output_options, COUNT(output_options)};
const struct cli_option_group cli_key_group = {"Keys", key_options, COUNT(key_options)};
const struct cli_option_group cli_general_group = {"General", general_options,
                                                   COUNT(general_options)};

const struct cli_io_options cli_io_defaults = {
    .flush_after_ns = 200000000,
    .format = "ndjson",
    .limit = -1,
    .key_descriptor = -1,
};
