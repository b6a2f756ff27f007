/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-record archive: records into the segments of a repository. A worker makes blocks of a large
 * chunk by itself and packs them; what little comes at a time from a slow pipe is gathered to
 * blocks in input order.
 */
#include <config.h>

#include "cli/filter.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "record/repository/collect.h"
#include "record/repository/keeper.h"
#include "record/repository/protection.h"
#include "record/verbs.h"

#include "base/sys.h"

#include <inttypes.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)30 << 20) /* one block, if records have 480 bytes or more */
#define SMALL_BYTES ((size_t)4 << 20)  /* not worth a block of its own */
#define TEND_NS     1000000000         /* so often an idle input lets an old segment be sealed */

/* So many lines of a chunk may be of unknown shapes; else so many chunks are decoded. */
enum { UNKNOWN_LINES = 1000, REST_CHUNKS = 16 };

struct archive_options {
    bool ack;
    const char *durability;
};

struct archive {
    struct cli *cli;
    const char *repository;
    struct keeper keeper;
    struct protection protection;
    struct collection collection;
    struct collect_counts left_out; /* of workers that have ended */
    bool ack;
    bool left_logs; /* some could not be sealed */
    uint64_t acknowledged;
};

/* What a thread works with, and what it has made of the chunk at hand. */
struct worker {
    struct tcore_binary_writer *writer;
    struct tcore_buf blocks;
    struct tcore_block_packer *packer;
    unsigned unknown;                  /* lines of the chunk at hand that were of no known shape */
    unsigned rest;                     /* chunks that are not tried line by line */
    struct tcore_packed_block *packed; /* owned */
    size_t packed_count, packed_capacity;
    const struct tcore_batch *batch;
    uint32_t *rows; /* but for clock records; owned */
    size_t count, capacity;
    bool few; /* they are added as they are */
    /* what is kept of them, by row: the batch's, or what the policy leaves */
    const struct tcore_slice *text;
    struct collector *collector;  /* NULL: every record is kept */
    struct redactor *redactor;    /* NULL: all of one is kept */
    struct tcore_buf redacted;    /* texts, one behind the other */
    struct tcore_slice *own_text; /* of them; owned */
    size_t text_capacity;
};

static enum tcore_status open_archive(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct archive *a = state;
    projection->text = true;
    if (!collection_is_needed(&a->protection.policy))
        return TCORE_OK;
    return collection_open(&a->collection, &a->protection.policy, projection, err);
}

static void add_left_out(struct archive *a, const struct collect_counts *counts)
{
    __atomic_add_fetch(&a->left_out.dropped, counts->dropped, __ATOMIC_RELAXED);
    __atomic_add_fetch(&a->left_out.unsampled, counts->unsampled, __ATOMIC_RELAXED);
    __atomic_add_fetch(&a->left_out.failed, counts->failed, __ATOMIC_RELAXED);
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct worker *w = worker;
    (void)err;
    if (w->collector)
        add_left_out(state, collector_counts(w->collector));
    collector_free(w->collector);
    for (size_t i = 0; i < w->packed_count; i++)
        tcore_packed_block_free(&w->packed[i]);
    tcore_free(w->packed);
    tcore_free(w->rows);
    tcore_binary_writer_free(w->writer);
    tcore_buf_free(&w->blocks);
    tcore_block_packer_free(w->packer);
    redactor_free(w->redactor);
    tcore_buf_free(&w->redacted);
    tcore_free(w->own_text);
    tcore_free(w);
    return TCORE_OK;
}

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    const struct archive *a = state;
    const struct tcore_labels *labels = policy_labels_get(&a->protection.labels);
    struct worker *w = tcore_calloc(1, sizeof *w);
    if (!w)
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_block_packer_new(&w->packer, err);
    if (status == TCORE_OK)
        status = tcore_binary_writer_new(&w->writer, &w->blocks, NULL, err);
    if (status == TCORE_OK)
        status = protection_redactor(&a->protection, &w->redactor, err);
    if (status == TCORE_OK && collection_is_needed(&a->protection.policy))
        status = collector_new(&w->collector, &a->collection, err);
    if (status != TCORE_OK) {
        close_worker(state, w, NULL);
        return status;
    }
    tcore_block_packer_set_labels(w->packer, labels);
    if (labels)
        tcore_binary_writer_keep_apart(w->writer, tcore_labels_relate(labels));
    int64_t depth = a->cli->io.depth_limit ? a->cli->io.depth_limit : TCORE_JSON_DEPTH;
    tcore_binary_writer_for_segments(w->writer);
    tcore_binary_writer_limit_depth(w->writer, depth < UINT32_MAX ? (unsigned)depth : UINT32_MAX);
    tcore_buf_clear(&w->blocks); /* no header */
    *worker = w;
    return TCORE_OK;
}

static enum tcore_status keep_packed(void *context, struct tcore_packed_block *packed,
                                     struct tcore_error *err)
{
    struct worker *w = context;
    if (w->packed_count == w->packed_capacity) {
        size_t capacity = w->packed_capacity ? w->packed_capacity * 2 : 8;
        struct tcore_packed_block *memory = tcore_reallocarray(w->packed, capacity, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        w->packed = memory;
        w->packed_capacity = capacity;
    }
    w->packed[w->packed_count++] = *packed;
    *packed = (struct tcore_packed_block){0};
    return TCORE_OK;
}

/* Which records there are to keep: a clock record tells that time has passed, and no more; of
 * others those that the policy lets in. */
static enum tcore_status choose_rows(struct worker *w, const struct tcore_batch *batch,
                                     const uint32_t *rows, size_t count, size_t *bytes,
                                     struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    w->batch = batch;
    w->count = *bytes = 0;
    if (count > w->capacity) {
        uint32_t *memory = tcore_reallocarray(w->rows, count, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        w->rows = memory;
        w->capacity = count;
    }
    for (size_t i = 0; i < count; i++) {
        if (batch->types[rows[i]] == TCORE_RECORD_CLOCK)
            continue;
        w->rows[w->count++] = rows[i];
    }
    if (w->collector)
        status = collector_rows(w->collector, batch, w->rows, &w->count, err);
    for (size_t i = 0; i < w->count && status == TCORE_OK; i++)
        *bytes += batch->text[w->rows[i]].length;
    return status;
}

/* The text of a row as it is kept, behind those before. */
static enum tcore_status add_text(struct worker *w, const struct tcore_batch *batch, uint32_t row,
                                  struct tcore_error *err)
{
    struct tcore_slice text = batch->text[row];
    enum tcore_status status = TCORE_OK;
    if (w->collector)
        status = collector_text(w->collector, batch, row, &text, err);
    if (status == TCORE_OK && w->redactor)
        return redactor_apply(w->redactor, text.data, text.length, &w->redacted, err);
    tcore_buf_append(&w->redacted, text.data, text.length);
    return status == TCORE_OK ? tcore_buf_status(&w->redacted, err) : status;
}

/* Makes what is kept of the chosen records. */
static enum tcore_status redact(struct worker *w, const struct tcore_batch *batch,
                                struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    size_t at = 0;
    w->text = batch->text;
    if (!w->redactor && !w->collector)
        return TCORE_OK;
    if (batch->rows > w->text_capacity) {
        struct tcore_slice *memory = tcore_reallocarray(w->own_text, batch->rows, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        w->own_text = memory;
        w->text_capacity = batch->rows;
    }
    w->text = w->own_text;
    tcore_buf_clear(&w->redacted);
    for (size_t i = 0; i < w->count && status == TCORE_OK; i++) {
        size_t before = w->redacted.length;
        status = add_text(w, batch, w->rows[i], err);
        w->own_text[w->rows[i]].length = w->redacted.length - before;
    }
    for (size_t i = 0; i < w->count && status == TCORE_OK; i++) {
        struct tcore_slice *text = &w->own_text[w->rows[i]];
        text->data = w->redacted.data + at;
        at += text->length;
    }
    return status;
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct worker *w = worker;
    size_t bytes;
    (void)state;
    (void)out;
    enum tcore_status status = choose_rows(w, batch, rows, count, &bytes, err);
    if (status == TCORE_OK)
        status = redact(w, batch, err);
    w->few = bytes < SMALL_BYTES;
    for (size_t i = 0; i < w->count && status == TCORE_OK && !w->few; i++) {
        const struct tcore_slice *text = &w->text[w->rows[i]];
        status = tcore_binary_writer_add(w->writer, text->data, text->length, err);
    }
    if (status == TCORE_OK && !w->few)
        status = tcore_binary_writer_flush(w->writer, err);
    if (status == TCORE_OK && !w->few)
        status = keeper_pack(w->packer, &w->blocks, keep_packed, w, err);
    return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
}

/* One line of a chunk: TCORE_SKIP if it has to be looked at more closely. */
static enum tcore_status take_line(struct worker *w, const char *line, size_t length,
                                   struct cli_lines_taken *taken, struct tcore_error *err)
{
    enum tcore_status status = tcore_binary_writer_try(w->writer, line, length, err);
    if (status == TCORE_EOF) {
        if (!length || (length == 1 && *line == '\r'))
            return TCORE_OK;
        if (++w->unknown > UNKNOWN_LINES)
            return TCORE_SKIP; /* the decoder is better at them */
        status = tcore_binary_writer_add(w->writer, line, length, err);
    }
    taken->records += status == TCORE_OK;
    return status;
}

/*
 * Canonical lines of known shapes, as our own programs write them, go to columns at once: the
 * writer has to look at every byte anyway.
 */
static enum tcore_status take_lines(void *state, void *worker, const char *data, size_t length,
                                    struct cli_lines_taken *taken, struct tcore_error *err)
{
    struct worker *w = worker;
    const struct archive *a = state;
    bool logged = a->keeper.durability == KEEPER_RECORD; /* one by one */
    if (length < SMALL_BYTES || w->rest || w->redactor || w->collector || logged) {
        w->rest -= w->rest != 0;
        return TCORE_SKIP;
    }
    uint64_t duplicates = tcore_binary_writer_duplicates(w->writer);
    enum tcore_status status = TCORE_OK;
    w->unknown = 0;
    for (const char *at = data, *end = data + length; at < end && status == TCORE_OK;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        newline = newline ? newline : end;
        status = take_line(w, at, (size_t)(newline - at), taken, err);
        taken->lines++;
        at = newline + 1;
    }
    if (status == TCORE_SKIP) {
        w->rest = w->unknown > UNKNOWN_LINES ? REST_CHUNKS : 0;
        tcore_buf_clear(&w->blocks);
        status = tcore_binary_writer_drop(w->writer, err);
        return status == TCORE_OK ? TCORE_SKIP : status;
    }
    taken->duplicate_keys = tcore_binary_writer_duplicates(w->writer) - duplicates;
    if (status == TCORE_OK)
        status = tcore_binary_writer_flush(w->writer, err);
    return status == TCORE_OK ? keeper_pack(w->packer, &w->blocks, keep_packed, w, err) : status;
}

static void acknowledge(struct archive *a, struct tcore_buf *out)
{
    const struct keeper *k = &a->keeper;
    uint64_t durable = k->durability == KEEPER_RECORD ? k->committed : k->durable;
    if (!a->ack || durable == a->acknowledged)
        return;
    a->acknowledged = durable;
    tcore_buf_printf(out, "%" PRIu64 "\n", a->acknowledged);
}

static enum tcore_status keep(void *state, void *worker, struct tcore_buf *out,
                              struct tcore_error *err)
{
    struct archive *a = state;
    struct worker *w = worker;
    struct keeper *k = &a->keeper;
    enum tcore_status status = TCORE_OK;
    if (k->durability == KEEPER_RECORD && w->count)
        status = keeper_commit(k, w->text, w->rows, w->count, err);
    for (size_t i = 0; i < w->count && status == TCORE_OK && w->few; i++)
        status = keeper_add(k, &w->text[w->rows[i]], err);
    w->count = 0;
    for (size_t i = 0; i < w->packed_count; i++) {
        if (status == TCORE_OK)
            status = keeper_add_block(k, &w->packed[i], err);
        tcore_packed_block_free(&w->packed[i]);
    }
    w->packed_count = 0;
    if (status == TCORE_OK)
        status = keeper_tend(k, err);
    acknowledge(a, out);
    return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct archive *a = state;
    enum tcore_status status = keeper_take_logs(&a->keeper, err);
    enum tcore_status sealed = keeper_finish(&a->keeper, status == TCORE_OK ? err : NULL);
    status = status == TCORE_OK ? sealed : status;
    acknowledge(a, out);
    return status;
}

static const struct cli_operator operator= {
    .types = (1u << TCORE_RECORD_TYPES) - 1,
    .chunk_bytes = CHUNK_BYTES,
    .open = open_archive,
    .worker_open = open_worker,
    .batch = take_batch,
    .lines = take_lines,
    .in_turn = keep,
    .worker_close = close_worker,
    .finish = finish,
};

/* The exit status comes later: the input is archived all the same. */
static void tell(void *context, bool failed, const char *text)
{
    struct archive *a = context;
    cli_note(a->cli, "%s: %s", a->repository, text);
    a->left_logs |= failed;
}

static enum keeper_durability durability_of(const char *name)
{
    return !strcmp(name, "none")     ? KEEPER_NONE
           : !strcmp(name, "record") ? KEEPER_RECORD
                                     : KEEPER_SEGMENT;
}

/* Takes up the policy and the logs that others have left. The exit status, or CLI_DONE. */
static int begin(struct archive *a, const struct archive_options *o, enum tcore_status *status,
                 struct tcore_error *err)
{
    struct cli *cli = a->cli;
    struct keeper *k = &a->keeper;
    const struct tcore_labels *labels = policy_labels_get(&a->protection.labels);
    keeper_use(k, &a->protection.policy, labels);
    if (o->durability)
        k->durability = durability_of(o->durability);
    if (labels && k->durability == KEEPER_RECORD)
        return cli_usage_error(cli, "durability 'record': the policy has labels, and what is in a "
                                    "log is not encrypted");
    k->behind.allowed = cli_threads(cli) > 1;
    k->tell = tell;
    k->tell_context = a;
    if (!cli->io.idle_ns)
        cli->io.idle_ns = TEND_NS;
    *status = keeper_take_logs(k, err);
    return CLI_DONE;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct archive_options *o = options;
    struct archive archive = {.cli = cli, .ack = o->ack};
    struct keeper *k = &archive.keeper;
    struct tcore_error err;
    if (!argc)
        return cli_usage_error(cli, "a REPO is missing");
    archive.repository = argv[0];
    enum tcore_status status = keeper_open(k, argv[0], &err);
    int result = status == TCORE_OK ? protection_open(&archive.protection, cli, argv[0]) : CLI_DONE;
    if (status == TCORE_OK && result == CLI_DONE)
        result = begin(&archive, o, &status, &err);
    if (status != TCORE_OK) {
        err.input = argv[0];
        cli_report(cli, &err);
        result = CLI_FAILED;
    }
    if (result == CLI_DONE)
        result = cli_filter(cli, &operator, & archive, argc - 1, argv + 1);
    collect_note(cli, argv[0], &archive.left_out);
    keeper_close(k);
    collection_close(&archive.collection);
    protection_close(&archive.protection);
    if (archive.left_logs && result != CLI_USAGE) {
        cli->failed = true;
        result = cli_exit_status(cli, false);
    }
    return result;
}

static const struct cli_option options[] = {
    {0, "ack", CLI_FLAG, offsetof(struct archive_options, ack), NULL,
     "print how many records are durable by now, an integer a line, whenever there are more", NULL},
    {0, "durability", CLI_CHOICE, offsetof(struct archive_options, durability), "WHEN",
     "when a record is durable: when its segment was written, when that is on disk, or at once, in "
     "a log",
     "none|segment|record"},
};

const struct cli_verb archive_verb = {
    .name = "archive",
    .summary = "Put records into the segments of a repository.",
    .operands = "REPO [INPUT]...",
    .description =
        "REPO is made if it is not there. A segment is sealed, and appears, when it has a million "
        "records or 256 MiB of text, when its first record came 15 minutes ago (or what else its "
        "policy says), and at the end of input. What the policy drops or does not sample is not "
        "kept, which a note counts; what it redacts is redacted before, and what it labels is "
        "encrypted for those who may read it. Nothing is ever overwritten, and nothing is taken "
        "for a duplicate.\n"
        "\n"
        "Examples:\n"
        "  trace-record archive repository spans.ndjson\n"
        "  trace-record import otlp.jsonl | trace-record archive --ack repository\n",
    .groups = CLI_READS,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct archive_options),
    .run = run,
};
