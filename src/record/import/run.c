/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ring between reader, workers and writer. The main thread fills slots at the tail and writes
 * out those at the head; workers take the oldest one that is queued. While no document of an input
 * was recognised its slots are held back: if none ever is, the input gets one message instead of
 * one a line.
 */
#include <config.h>

#include "record/import/run.h"
#include "record/import/blocks.h"
#include "record/import/map.h"

#include "base/base64.h"
#include "base/sys.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "cli/sink.h"
#include "stream/binary.h"
#include "stream/sniff.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define END_BYTES    ((size_t)256 << 10) /* of an input whose end is looked at */
#define GATHER_BYTES ((size_t)1 << 30)   /* for a document whose records depend on each other */

enum {
    SLOTS = 64,
    THREADS_MAX = 32,
    HEAD_BYTES = 16,
    PROGRESS_NS = 200000000,
    CHUNK_BYTES = 1 << 18,
    BLOCK_CHUNK_BYTES = 1 << 21, /* where it becomes a block, which is the better the larger */
    SLOT_CHUNKS =
        4 /* a slot's memory: a chunk, what it becomes, and the tape in between; usually */
};

enum slot_state { SLOT_FREE, SLOT_HELD, SLOT_QUEUED, SLOT_TAKEN, SLOT_DONE };

struct slot {
    enum slot_state state;
    struct import_chunk chunk;
    struct import_result result;
    enum tcore_status status;
    struct tcore_error err;
};

struct worker {
    struct import_run *run;
    struct import_job job;
    pthread_t thread;
};

struct import_run {
    struct cli *cli;
    struct cli_output *output;
    const struct import_format *format;
    const struct import_select *select;
    const struct protection *protection; /* NULL: nothing is redacted */
    bool blocks;                         /* jobs make the output's blocks */
    size_t chunk_bytes;
    struct cli_sink rejects; /* of --rejects */
    const char *input;
    struct import_source *source;
    struct import_job job; /* of the main thread */
    struct slot slot[SLOTS];
    uint64_t head, tail; /* slots written and filled so far */
    unsigned window;     /* how many may be under way */
    struct worker *workers;
    unsigned threads, worker_count; /* wanted and started */
    pthread_mutex_t lock;
    pthread_cond_t queued, done;
    uint64_t next; /* the next slot that a worker takes */
    bool ending;
    struct import_counts counts;
    char ignored_name[64]; /* the first of those left out */
    struct cli_left_out left_out;
    char where_reason[TCORE_ERROR_TEXT_BYTES];
    void *gathered; /* of a document in parts, until its last one */
    const struct import_gatherer *gatherer;
    size_t gather_bytes; /* that it may take */
    uint64_t records;    /* written so far */
    int64_t started_ns, progress_ns;
    int64_t unflushed_ns; /* since when output waits to be flushed, 0: none does */
};

static struct slot *slot_at(struct import_run *run, uint64_t number)
{
    return &run->slot[number % SLOTS];
}

/* Redacts what a chunk became; rejects stay between the records where they were. */
static enum tcore_status redact(struct redactor *redactor, struct import_result *result,
                                struct tcore_error *err)
{
    struct tcore_buf out = {0};
    enum tcore_status status = TCORE_OK;
    size_t at = 0;
    for (size_t i = 0; i <= result->reject_count && status == TCORE_OK; i++) {
        struct import_reject *reject = i < result->reject_count ? &result->rejects[i] : NULL;
        size_t end = reject ? reject->out_length : result->out.length;
        if (end > at)
            status = redactor_lines(redactor, result->out.data + at, end - at, &out, err);
        at = end > at ? end : at;
        if (reject)
            reject->out_length = out.length;
    }
    tcore_buf_free(&result->out);
    result->out = out;
    return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
}

static enum tcore_status convert(struct import_job *job, struct slot *slot)
{
    enum tcore_status status = import_convert(job, &slot->chunk, &slot->result, &slot->err);
    return status == TCORE_OK && job->redactor ? redact(job->redactor, &slot->result, &slot->err)
                                               : status;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct import_run *run = worker->run;
    pthread_mutex_lock(&run->lock);
    for (;;) {
        while (!run->ending &&
               !(run->next < run->tail && slot_at(run, run->next)->state == SLOT_QUEUED))
            pthread_cond_wait(&run->queued, &run->lock);
        if (run->ending)
            break;
        struct slot *slot = slot_at(run, run->next++);
        slot->state = SLOT_TAKEN;
        pthread_mutex_unlock(&run->lock);
        slot->status = convert(&worker->job, slot);
        pthread_mutex_lock(&run->lock);
        slot->state = SLOT_DONE;
        pthread_cond_signal(&run->done);
    }
    pthread_mutex_unlock(&run->lock);
    import_map_close(&worker->job); /* its helper ends with this thread */
    return NULL;
}

/* As many as there can be; without any the main thread does the work. */
static void start_workers(struct import_run *run)
{
    struct tcore_error err;
    sigset_t before;
    run->workers = tcore_calloc(run->threads, sizeof(*run->workers));
    cli_block_signals(&before);
    for (unsigned i = 0; run->workers && i < run->threads; i++) {
        struct worker *worker = &run->workers[i];
        worker->run = run;
        if (import_job_open(&worker->job, &run->cli->io, run->format, run->select, &err) !=
            TCORE_OK)
            break;
        worker->job.settings = run->job.settings;
        if ((run->blocks && import_blocks_open(&worker->job, &err) != TCORE_OK) ||
            (run->protection &&
             protection_redactor(run->protection, &worker->job.redactor, &err) != TCORE_OK)) {
            import_job_close(&worker->job);
            break;
        }
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            redactor_free(worker->job.redactor);
            import_job_close(&worker->job);
            break;
        }
        run->worker_count++;
    }
    cli_restore_signals(&before);
}

static void stop_workers(struct import_run *run)
{
    pthread_mutex_lock(&run->lock);
    run->ending = true;
    pthread_cond_broadcast(&run->queued);
    pthread_mutex_unlock(&run->lock);
    for (unsigned i = 0; i < run->worker_count; i++) {
        pthread_join(run->workers[i].thread, NULL);
        redactor_free(run->workers[i].job.redactor);
        import_job_close(&run->workers[i].job);
    }
    tcore_free(run->workers);
}

/* --- writing --- */

/* One line of the rejects file: newlines can only be blanks between tokens, or of no JSON at all.
 * What is no text is kept as bytes are in records. */
static bool keep_reject(struct import_run *run, const struct import_chunk *chunk,
                        const struct import_reject *reject)
{
    struct tcore_buf line = {0};
    if (!run->cli->io.rejects || !reject->text.length)
        return true;
    if (chunk->format && chunk->format->input == IMPORT_BYTES) {
        tcore_buf_puts(&line, "{\"bytesValue\":\"");
        tcore_base64_encode(reject->text.data, reject->text.length, &line);
        tcore_buf_puts(&line, "\"}");
    } else {
        tcore_buf_append(&line, reject->text.data, reject->text.length);
        for (size_t i = 0; i < line.length; i++)
            if (line.data[i] == '\n' || line.data[i] == '\r')
                line.data[i] = ' ';
    }
    tcore_buf_putc(&line, '\n');
    bool good = !line.failed && cli_sink_write(&run->rejects, line.data, line.length);
    tcore_buf_free(&line);
    return good;
}

static bool write_rejects(struct import_run *run, const struct slot *slot)
{
    const struct import_result *result = &slot->result;
    bool strict = run->cli->io.strict;
    for (size_t i = 0; i < result->reject_count; i++) {
        const struct import_reject *reject = &result->rejects[i];
        cli_reject(run->cli, run->input, reject->line, reject->byte,
                   result->reasons.data + reject->reason);
        run->cli->failed |= strict;
        if (!keep_reject(run, &slot->chunk, reject) || strict)
            return false;
    }
    return true;
}

static bool write_records(struct import_run *run, const struct slot *slot)
{
    const struct tcore_buf *out = &slot->result.out, *blocks = &slot->result.blocks;
    int64_t now_ns = tcore_sys()->monotonic_ns();
    if (blocks->length) {
        if (!cli_output_blocks(run->output, blocks->data, blocks->length, slot->result.records))
            return false;
        run->records += slot->result.records;
    }
    if (out->length || blocks->length)
        run->unflushed_ns = run->unflushed_ns ? run->unflushed_ns : now_ns;
    if (out->length) {
        if (!cli_output_lines(run->output, out->data, out->length))
            return false;
        if (run->cli->io.progress)
            for (const char *at = out->data;
                 (at = memchr(at, '\n', (size_t)(out->data + out->length - at))); at++)
                run->records++;
    }
    if (!run->unflushed_ns ||
        (!slot->chunk.live && now_ns - run->unflushed_ns < run->cli->io.flush_after_ns))
        return true;
    run->unflushed_ns = 0;
    return cli_output_flush(run->output);
}

static void show_progress(struct import_run *run, bool last)
{
    char line[200];
    uint64_t done = 0, total = 0;
    int64_t now_ns = tcore_sys()->monotonic_ns();
    bool asked = cli_take_progress_request();
    if (!asked && !(run->cli->io.progress && (last || now_ns - run->progress_ns >= PROGRESS_NS)))
        return;
    run->progress_ns = now_ns;
    if (run->source)
        import_source_position(run->source, &done, &total);
    double seconds = (double)(now_ns - run->started_ns) / 1e9;
    snprintf(line, sizeof(line), "%llu chunk%s, %llu record%s, %.0f records/s",
             (unsigned long long)run->head, run->head == 1 ? "" : "s",
             (unsigned long long)run->records, run->records == 1 ? "" : "s",
             seconds > 0 ? (double)run->records / seconds : 0);
    if (total)
        cli_note(run->cli, "%s, %.0f %% of %s", line, 100.0 * (double)done / (double)total,
                 run->input);
    else
        cli_note(run->cli, "%s", line);
}

static bool write_converted(struct import_run *run, struct slot *slot)
{
    struct import_result *result = &slot->result;
    if (slot->status != TCORE_OK) {
        slot->err.input = run->input;
        cli_report(run->cli, &slot->err);
        return false;
    }
    if (result->counts.ignored && !run->counts.ignored)
        memcpy(run->ignored_name, result->ignored_name, sizeof(run->ignored_name));
    import_counts_add(&run->counts, &result->counts);
    if (result->left_out.failed && !run->left_out.failed && result->where_reason)
        snprintf(run->where_reason, sizeof(run->where_reason), "%s", result->where_reason);
    run->left_out.untimed += result->left_out.untimed;
    run->left_out.failed += result->left_out.failed;
    bool wanted = write_records(run, slot) && write_rejects(run, slot);
    show_progress(run, false);
    return wanted;
}

static bool write_drained(void *context, struct import_result *result, enum tcore_status status,
                          struct tcore_error *err)
{
    struct import_run *run = context;
    struct slot slot = {.status = status, .result = *result, .err = *err};
    if (status == TCORE_OK && run->job.redactor)
        slot.status = redact(run->job.redactor, &slot.result, &slot.err);
    bool wanted = write_converted(run, &slot);
    *result = slot.result;
    return wanted;
}

/* The records of a document that came in parts, once they are all there. */
static bool write_gathered(struct import_run *run)
{
    struct import_result result = {0};
    const struct import_drain drain = {write_drained, run};
    if (!run->gathered)
        return true;
    bool wanted = import_finish(&run->job, run->gatherer, run->gathered, &result, &drain);
    import_result_free(&result);
    run->gatherer->close(run->gathered);
    run->gathered = NULL;
    return wanted;
}

static void refuse_gathered(const struct import_run *run, struct tcore_error *err)
{
    bool small = run->gather_bytes < 1 << 20;
    tcore_error_set(err, TCORE_FATAL,
                    "the document needs more than %zu %s: give more with --memory=SIZE",
                    run->gather_bytes >> (small ? 10 : 20), small ? "KiB" : "MiB");
    err->input = run->input;
}

static bool gather(struct import_run *run, struct import_result *result)
{
    struct tcore_error err;
    if (!result->held.length)
        return true;
    run->gatherer = result->holder;
    if (!run->gathered)
        run->gathered = run->gatherer->open();
    if (!run->gathered || !run->gatherer->add(run->gathered, &result->held))
        tcore_error_nomem(&err);
    else if (run->gatherer->bytes(run->gathered) <= run->gather_bytes)
        return true;
    else
        refuse_gathered(run, &err);
    cli_report(run->cli, &err);
    return false;
}

static bool write_result(struct import_run *run, struct slot *slot)
{
    if (!write_converted(run, slot))
        return false;
    return gather(run, &slot->result) && (!slot->result.ends || write_gathered(run));
}

/* Writes what is done, waiting until at most `left` slots are under way. */
static bool write_done(struct import_run *run, uint64_t left)
{
    for (;;) {
        struct slot *slot = slot_at(run, run->head);
        pthread_mutex_lock(&run->lock);
        while (run->tail - run->head > left && slot->state != SLOT_DONE)
            pthread_cond_wait(&run->done, &run->lock);
        bool ready = run->head < run->tail && slot->state == SLOT_DONE;
        pthread_mutex_unlock(&run->lock);
        if (!ready)
            return true;
        bool wanted = write_result(run, slot);
        slot->state = SLOT_FREE;
        run->head++;
        if (!wanted)
            return false;
    }
}

/* --- reading --- */

static void queue(struct import_run *run, uint64_t number)
{
    struct slot *slot = slot_at(run, number);
    if (number && run->threads > 1 && !run->workers)
        start_workers(run); /* the input is longer than one chunk */
    if (run->worker_count == 0) {
        slot->status = convert(&run->job, slot);
        slot->state = SLOT_DONE;
        run->next = number + 1;
        return;
    }
    pthread_mutex_lock(&run->lock);
    slot->state = SLOT_QUEUED;
    pthread_cond_signal(&run->queued);
    pthread_mutex_unlock(&run->lock);
}

/* Why the first document of the input is no JSON although it begins like it, and where. */
static bool find_syntax_error(struct import_run *run, const struct import_chunk *chunk,
                              struct tcore_error *err)
{
    const struct import_unit *first = &chunk->units[0];
    const char *text = chunk->text.data + first->offset;
    if (first->too_long) {
        tcore_error_set(err, TCORE_BAD_INPUT, "too long");
        import_too_long(err->text, sizeof(err->text), chunk->limit);
        err->line = first->line;
        err->byte = first->byte;
        return true;
    }
    if (!first->length || (*text != '{' && *text != '[') ||
        tcore_json_parse(&run->job.json, text, first->length, err) != TCORE_SKIP || !err->byte)
        return false;
    const char *bad = text + err->byte - 1, *newline;
    err->line = first->line;
    err->byte += first->byte - 1;
    for (; (newline = memchr(text, '\n', (size_t)(bad - text))); text = newline + 1) {
        err->line++;
        err->byte = (uint64_t)(bad - newline);
    }
    err->status = TCORE_BAD_INPUT;
    return true;
}

/* The format that the others would name too, if that is why nothing was recognised. */
static bool find_foreign(const struct tcore_buf *text, struct tcore_error *err)
{
    const struct tcore_foreign *foreign = tcore_sniff(text->data, text->length, true).foreign;
    if (!foreign || !foreign->name || foreign->importer)
        return false;
    tcore_sniff_refuse(foreign, err);
    return true;
}

/* No document of the input was of a known format. */
static void report_unknown(struct import_run *run)
{
    struct tcore_error err;
    struct tcore_buf names = {0};
    struct slot *slot = slot_at(run, run->head);
    const struct tcore_buf *text = &slot->chunk.text;
    for (const struct import_format *const *f = import_formats; *f; f++)
        tcore_buf_printf(&names, "%s%s", names.length ? ", " : "", (*f)->name);
    tcore_buf_putc(&names, '\0');
    if (text->length >= HEAD_BYTES && tcore_binary_probe(text->data, text->length))
        tcore_error_set(&err, TCORE_BAD_INPUT,
                        "this is a native binary stream already: trace-span filter reads it");
    else if (run->format)
        tcore_error_set(&err, TCORE_BAD_INPUT, "nothing in it is %s (--from=%s)%s%s",
                        run->format->summary, run->format->name, run->format->hint ? ": " : "",
                        run->format->hint ? run->format->hint : "");
    else if (slot->chunk.format)
        tcore_error_set(&err, TCORE_BAD_INPUT, "looks like %s, but nothing in it is",
                        slot->chunk.format->summary);
    else if (!find_foreign(text, &err) &&
             (slot->chunk.count > 1 || !find_syntax_error(run, &slot->chunk, &err)))
        tcore_error_set(&err, TCORE_BAD_INPUT, "nothing in it is of a format that import knows: %s",
                        names.data ? names.data : "");
    err.input = run->input;
    cli_report(run->cli, &err);
    tcore_buf_free(&names);
}

/* Few slots are in use at a time, but all in turn: memory goes from those written to the next. */
static void take_memory(struct import_run *run, struct slot *slot)
{
    for (uint64_t i = 1; i < SLOTS && i <= run->head && !slot->chunk.text.data; i++) {
        struct slot *written = slot_at(run, run->head - i);
        if (written == slot || written->state != SLOT_FREE)
            break;
        slot->chunk = written->chunk;
        slot->result = written->result;
        written->chunk = (struct import_chunk){0};
        written->result = (struct import_result){0};
    }
}

/* Reads one chunk into the slot at the tail. */
static enum tcore_status fill(struct import_run *run, struct import_source *source,
                              struct tcore_error *err)
{
    struct slot *slot = slot_at(run, run->tail);
    take_memory(run, slot);
    enum tcore_status status = import_source_next(source, &slot->chunk, err);
    if (status != TCORE_OK)
        return status;
    slot->state = SLOT_HELD;
    pthread_mutex_lock(&run->lock);
    run->tail++;
    pthread_mutex_unlock(&run->lock);
    return TCORE_OK;
}

static void drop_last(struct import_run *run)
{
    pthread_mutex_lock(&run->lock);
    run->tail--;
    slot_at(run, run->tail)->state = SLOT_FREE;
    pthread_mutex_unlock(&run->lock);
}

/* Whether JSON begins here, which is recognised document by document. */
static bool begins_json(struct tcore_slice head)
{
    size_t at = head.length >= 3 && memcmp(head.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < head.length && strchr(" \t\r\n\x1e", head.data[at]))
        at++;
    return at < head.length && (head.data[at] == '{' || head.data[at] == '[');
}

/* Whether the last line that is not empty is the one that ends OpenMetrics. */
static bool ends_openmetrics(struct tcore_slice text)
{
    static const char end[] = "# EOF";
    const size_t length = sizeof end - 1;
    while (text.length && strchr(" \t\r\n", text.data[text.length - 1]))
        text.length--;
    return text.length >= length && memcmp(text.data + text.length - length, end, length) == 0 &&
           (text.length == length || text.data[text.length - length - 1] == '\n');
}

/* Of what looks like Prometheus text the end decides, if that is near. */
static enum tcore_status look_at_end(struct import_source *source, struct tcore_slice head,
                                     bool whole, const struct import_format **format,
                                     struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    while (status == TCORE_OK && !whole && head.length < END_BYTES)
        status = import_source_peek(source, &head, &whole, err);
    if (status == TCORE_OK && whole && head.length <= END_BYTES && ends_openmetrics(head))
        *format = &import_openmetrics;
    return status;
}

/* What is no JSON is known by how it begins, before it is cut. */
static enum tcore_status find_input(struct import_run *run, struct import_source *source,
                                    struct tcore_error *err)
{
    const struct import_format *format = run->format;
    struct tcore_slice head = {0};
    bool whole = false, more = !format && !run->job.settings->map;
    while (more) {
        enum tcore_status status = import_source_peek(source, &head, &whole, err);
        if (status != TCORE_OK)
            return status;
        struct tcore_sniffed sniffed = tcore_sniff(head.data, head.length, whole);
        more = sniffed.more && !whole && (head.data[0] == '\n' || !begins_json(head));
        if (sniffed.foreign && sniffed.foreign->importer)
            format = import_format_find(sniffed.foreign->importer);
    }
    if (!run->format && format == &import_prometheus) {
        enum tcore_status status = look_at_end(source, head, whole, &format, err);
        if (status != TCORE_OK)
            return status;
    }
    if (format && format->input != IMPORT_JSON)
        import_source_set_format(source, format,
                                 run->job.settings->bare && format->bare_cut ? format->bare_cut
                                                                             : format->cut);
    return TCORE_OK;
}

/* Holds chunks back until one of them has a document that is recognised. TCORE_SKIP: none ever. */
static enum tcore_status find_format(struct import_run *run, struct import_source *source,
                                     struct tcore_error *err)
{
    enum tcore_status status;
    while (run->tail - run->head < SLOTS) {
        status = fill(run, source, err);
        if (status == TCORE_EOF && run->tail == run->head)
            return TCORE_EOF;
        if (status != TCORE_OK)
            return status == TCORE_EOF ? TCORE_SKIP : status;
        if (slot_at(run, run->tail - 1)->chunk.clock) {
            drop_last(run); /* no event time yet that could move on */
            continue;
        }
        if (import_recognises(&run->job, &slot_at(run, run->tail - 1)->chunk)) {
            if (run->cli->io.explain)
                cli_note(run->cli, "explain: %s is %s", run->input,
                         run->job.found ? run->job.found->summary : "taken by --map");
            for (uint64_t i = run->head; i < run->tail; i++)
                queue(run, i);
            return TCORE_OK;
        }
    }
    return TCORE_SKIP;
}

static void drop_held(struct import_run *run)
{
    pthread_mutex_lock(&run->lock);
    for (; run->head < run->tail; run->head++)
        slot_at(run, run->head)->state = SLOT_FREE;
    run->next = run->head;
    pthread_mutex_unlock(&run->lock);
}

/* Everything of one open source. TCORE_SKIP: no more output is wanted, or it failed. */
static enum tcore_status convert_source(struct import_run *run, struct import_source *source,
                                        struct tcore_error *err)
{
    enum tcore_status status = find_input(run, source, err);
    if (status == TCORE_OK)
        status = find_format(run, source, err);
    if (status == TCORE_SKIP) {
        report_unknown(run);
        drop_held(run);
        return TCORE_OK;
    }
    while (status == TCORE_OK) {
        bool live = slot_at(run, run->tail - 1)->chunk.live;
        if (!write_done(run, live ? 0 : run->window - 1))
            return TCORE_SKIP;
        status = fill(run, source, err);
        if (status == TCORE_OK)
            queue(run, run->tail - 1);
    }
    if (!write_done(run, 0) || !write_gathered(run))
        return TCORE_SKIP;
    return status;
}

/* Clock records are for the next program, not for people. */
static bool writes_whole_records(const struct cli *cli)
{
    return !cli->io.fields.count && strcmp(cli->io.format, "ndjson") == 0;
}

bool import_run_input(struct import_run *run, const char *path)
{
    struct tcore_error err;
    const struct cli_io_options *io = &run->cli->io;
    struct import_source_options options = {.limit = (size_t)io->line_limit,
                                            .idle_ns =
                                                writes_whole_records(run->cli) ? io->idle_ns : 0,
                                            .whole_documents = run->job.settings->map != NULL,
                                            .chunk_bytes = run->chunk_bytes,
                                            .stop_fd = cli_stop_fd()};
    run->input = path;
    enum tcore_status status = import_source_open(&run->source, path, &options, &err);
    if (status == TCORE_OK)
        status = convert_source(run, run->source, &err);
    if (status == TCORE_FATAL || status == TCORE_BAD_INPUT) {
        if (!err.input)
            err.input = path;
        cli_report(run->cli, &err);
    }
    show_progress(run, true);
    import_source_free(run->source);
    run->source = NULL;
    return status != TCORE_SKIP && !cli_stop_requested() && !(run->cli->failed && io->strict);
}

static unsigned count_threads(const struct cli *cli)
{
    cpu_set_t cores;
    int64_t count = cli->io.threads;
    if (!count && sched_getaffinity(0, sizeof(cores), &cores) == 0)
        count = CPU_COUNT(&cores);
    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (unsigned)count;
}

/* --memory: no more chunks under way than fit, and no threads that would wait for one. Chunks are
 * large only if there is room for that many of them. What is gathered has as much once more. */
static void size_ring(struct import_run *run)
{
    int64_t memory = run->cli->io.memory_bytes;
    run->gather_bytes = memory ? (size_t)memory : GATHER_BYTES;
    run->threads = count_threads(run->cli);
    run->window = run->threads > 1 ? run->threads * 2 : 1;
    run->chunk_bytes =
        run->blocks && (!memory || memory / (SLOT_CHUNKS * BLOCK_CHUNK_BYTES) >= run->window)
            ? BLOCK_CHUNK_BYTES
            : CHUNK_BYTES;
    int64_t room = memory / (int64_t)(SLOT_CHUNKS * run->chunk_bytes);
    if (memory && room < run->window)
        run->window = room < 1 ? 1 : (unsigned)room;
    if (run->threads > run->window)
        run->threads = run->window;
}

enum tcore_status import_run_new(struct import_run **out, struct cli *cli,
                                 struct cli_output *output, const struct import_format *format,
                                 const struct import_select *select, struct tcore_error *err)
{
    struct import_run *run = tcore_calloc(1, sizeof(*run));
    if (!run)
        return tcore_error_nomem(err);
    enum tcore_status status = import_job_open(&run->job, &cli->io, format, select, err);
    if (status != TCORE_OK) {
        tcore_free(run);
        return status;
    }
    run->cli = cli;
    run->output = output;
    run->format = format;
    run->select = select;
    run->blocks = cli_output_takes_blocks(output);
    size_ring(run);
    run->started_ns = run->progress_ns = tcore_sys()->monotonic_ns();
    run->rejects.fd = -1;
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->queued, NULL);
    pthread_cond_init(&run->done, NULL);
    if (cli->io.explain)
        cli_note(cli, "explain: up to %u thread%s", run->threads, run->threads == 1 ? "" : "s");
    if (run->blocks && import_blocks_open(&run->job, err) != TCORE_OK) {
        import_run_end(run);
        return TCORE_FATAL;
    }
    *out = run;
    return TCORE_OK;
}

enum tcore_status import_run_redact(struct import_run *run, const struct protection *protection,
                                    struct tcore_error *err)
{
    run->protection = protection;
    run->blocks = false; /* of what is redacted as text */
    import_blocks_close(&run->job);
    return protection_redactor(protection, &run->job.redactor, err);
}

void import_run_settings(struct import_run *run, const struct import_settings *settings)
{
    run->job.settings = settings;
}

bool import_run_open_rejects(struct import_run *run)
{
    return !run->cli->io.rejects ||
           cli_sink_in_place(&run->rejects, run->cli, run->cli->io.rejects);
}

void import_run_end(struct import_run *run)
{
    stop_workers(run);
    import_counts_note(&run->counts, run->ignored_name, run->cli);
    cli_select_note(run->cli, &run->left_out, *run->where_reason ? run->where_reason : NULL);
    for (unsigned i = 0; i < SLOTS; i++) {
        import_chunk_free(&run->slot[i].chunk);
        import_result_free(&run->slot[i].result);
    }
    redactor_free(run->job.redactor);
    import_job_close(&run->job);
    if (run->gathered)
        run->gatherer->close(run->gathered);
    if (run->cli->io.rejects)
        cli_sink_close(&run->rejects, false);
    pthread_cond_destroy(&run->done);
    pthread_cond_destroy(&run->queued);
    pthread_mutex_destroy(&run->lock);
    tcore_free(run);
}
