/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From batches of records to batches of OTLP. */
#include <config.h>

#include "record/export/otlp_stream.h"

#include "base/arena.h"
#include "base/sys.h"
#include "cli/message.h"
#include "model/canonical.h"
#include "record/export/aggregate.h"

#include <string.h>

/* A record that a worker has encoded. */
struct encoded {
    uint32_t levels;  /* their number in the worker's map */
    size_t end;       /* of its message in the worker's buffer */
    const char *text; /* its line, as long as the batch lives */
    size_t length;
};

/* Levels that a worker has met in this batch, and where they are in the stream's. */
struct levels {
    size_t end[OTLP_LEVELS];
    enum otlp_signal signal;
    bool known;
    uint64_t epoch;
    uint32_t place;
};

struct worker {
    struct export_otlp o;
    struct tcore_buf messages;
    struct tcore_map keys;
    struct levels *levels; /* owned */
    size_t levels_capacity;
    struct encoded *encoded; /* owned */
    size_t count, capacity;
    bool clock;
    struct export_aggregate aggregate;
    struct tcore_arena made; /* lines of records that aggregates became */
};

bool otlp_stream_open(struct otlp_stream *stream, struct cli *cli)
{
    struct tcore_error err;
    if (otlp_batch_open(&stream->batch, stream->protobuf, &err) == TCORE_OK)
        return true;
    cli_report(cli, &err);
    return false;
}

void otlp_stream_free(struct otlp_stream *stream)
{
    otlp_batch_free(&stream->batch);
    for (int i = 0; i < OTLP_SIGNALS; i++) {
        tcore_buf_free(&stream->message[i].data);
        tcore_buf_free(&stream->message[i].lines);
    }
    export_losses_free(&stream->losses);
}

void otlp_stream_note(struct otlp_stream *stream, struct cli *cli)
{
    export_losses_add(&stream->losses, &stream->batch.levels.record.losses);
    export_losses_note(&stream->losses, cli, "OTLP");
}

/* --- a thread's part --- */

static enum tcore_status new_worker(struct worker **out, bool protobuf, struct tcore_error *err)
{
    struct worker *w = *out = tcore_calloc(1, sizeof *w);
    if (!w)
        return tcore_error_nomem(err);
    w->o.w.out = &w->messages;
    w->o.w.protobuf = protobuf;
    w->aggregate.delta = true;
    w->aggregate.joint = '.';
    if (tcore_map_init(&w->keys) != 0)
        return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    return TCORE_OK;
}

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    const struct otlp_stream *stream = state;
    struct worker *w;
    enum tcore_status status = new_worker(&w, stream->protobuf, err);
    *worker = w;
    return status;
}

static void free_worker(struct worker *w)
{
    if (!w)
        return;
    export_otlp_free(&w->o);
    tcore_buf_free(&w->messages);
    tcore_map_free(&w->keys);
    tcore_free(w->levels);
    tcore_free(w->encoded);
    export_aggregate_free(&w->aggregate);
    tcore_arena_free(&w->made);
    tcore_free(w);
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct otlp_stream *stream = state;
    struct worker *w = worker;
    (void)err;
    if (w) {
        export_losses_add(&stream->losses, &w->o.record.losses);
        export_losses_add(&stream->losses, &w->aggregate.record.losses);
    }
    free_worker(w);
    return TCORE_OK;
}

static bool reserve(struct worker *w, uint32_t levels)
{
    struct levels *l = export_room(w->levels, &w->levels_capacity, levels, sizeof *l);
    struct encoded *e = l ? export_room(w->encoded, &w->capacity, w->count, sizeof *e) : NULL;
    w->levels = l ? l : w->levels;
    w->encoded = e ? e : w->encoded;
    return e;
}

static enum tcore_status encode_one(struct worker *w, const struct tcore_slice *text,
                                    struct tcore_error *err)
{
    bool added;
    enum tcore_status status = export_otlp_put(&w->o, text, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    /* of the signals those whose levels have the same text must be told apart */
    tcore_buf_putc(&w->o.level, (char)('0' + w->o.signal));
    status = tcore_buf_status(&w->o.level, err);
    if (status != TCORE_OK)
        return status;
    uint32_t number = tcore_map_intern(&w->keys, w->o.level.data, w->o.level.length, &added);
    if (number == TCORE_MAP_NONE || !reserve(w, number))
        return tcore_error_nomem(err);
    if (added) {
        w->levels[number] = (struct levels){.signal = w->o.signal};
        memcpy(w->levels[number].end, w->o.level_end, sizeof w->o.level_end);
    }
    w->encoded[w->count++] = (struct encoded){number, w->messages.length, text->data, text->length};
    return TCORE_OK;
}

/* The metrics that an aggregate is. Their lines have to last as long as the batch. */
static enum tcore_status encode_aggregate(struct worker *w, const struct tcore_slice *text,
                                          struct tcore_error *err)
{
    size_t at = 0;
    struct tcore_slice line;
    enum tcore_status status = export_aggregate_put(&w->aggregate, text, err);
    w->o.record.losses.number++;
    w->o.record.whole = TCORE_RECORD_AGGREGATE;
    while (status == TCORE_OK && export_aggregate_next(&w->aggregate, &at, &line)) {
        line.data = tcore_arena_copy(&w->made, line.data, line.length);
        status = line.data ? encode_one(w, &line, err) : tcore_error_nomem(err);
    }
    w->o.record.whole = TCORE_RECORD_NONE;
    return status;
}

static void begin_batch(struct worker *w)
{
    tcore_buf_clear(&w->messages);
    tcore_map_clear(&w->keys);
    tcore_arena_reset(&w->made);
    w->count = 0;
    w->clock = false;
}

static enum tcore_status encode(void *state, void *worker, const struct tcore_batch *batch,
                                const uint32_t *rows, size_t count, struct tcore_buf *out,
                                struct tcore_error *err)
{
    struct worker *w = worker;
    enum tcore_status status = TCORE_OK;
    (void)state;
    (void)out;
    begin_batch(w);
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        if (batch->types[rows[i]] == TCORE_RECORD_CLOCK)
            w->clock = true;
        else if (batch->types[rows[i]] == TCORE_RECORD_AGGREGATE)
            status = encode_aggregate(w, &batch->text[rows[i]], err);
        else
            status = encode_one(w, &batch->text[rows[i]], err);
    }
    return status;
}

/* --- in its turn --- */

static enum tcore_status send_batch(struct otlp_stream *stream, enum otlp_signal signal,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    struct otlp_gathered *g = &stream->batch.gathered[signal];
    struct otlp_message *message = &stream->message[signal];
    if (!g->records)
        return TCORE_OK;
    message->signal = signal;
    message->records = g->records;
    tcore_buf_clear(&message->data);
    enum tcore_status status = otlp_batch_take(&stream->batch, signal, &message->data, err);
    if (status == TCORE_OK)
        status = tcore_buf_status(&message->lines, err);
    if (status == TCORE_OK)
        status = stream->emit(stream, message, out, err);
    tcore_buf_clear(&message->lines);
    return status;
}

enum tcore_status otlp_stream_flush(struct otlp_stream *stream, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (int i = 0; i < OTLP_SIGNALS && status == TCORE_OK; i++)
        status = send_batch(stream, (enum otlp_signal)i, out, err);
    return status;
}

static enum tcore_status flush_old(struct otlp_stream *stream, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    int64_t now = tcore_sys()->monotonic_ns();
    enum tcore_status status = TCORE_OK;
    for (int i = 0; i < OTLP_SIGNALS && status == TCORE_OK; i++)
        if (now - stream->since_ns[i] >= stream->most_age_ns)
            status = send_batch(stream, (enum otlp_signal)i, out, err);
    return status;
}

static enum tcore_status add_one(struct otlp_stream *stream, struct worker *w, size_t i,
                                 struct tcore_buf *out, struct tcore_error *err)
{
    const struct encoded *e = &w->encoded[i];
    struct levels *levels = &w->levels[e->levels];
    struct otlp_gathered *g = &stream->batch.gathered[levels->signal];
    struct otlp_message *message = &stream->message[levels->signal];
    enum tcore_status status = TCORE_OK;
    size_t begin = i ? w->encoded[i - 1].end : 0;
    if (g->records && g->bytes + (e->end - begin) > stream->most_bytes)
        status = send_batch(stream, levels->signal, out, err);
    if (status == TCORE_OK && (!levels->known || levels->epoch != g->epoch)) {
        status = otlp_batch_find(&stream->batch, levels->signal, w->keys.keys[e->levels].data,
                                 levels->end, &levels->place, err);
        levels->known = true;
        levels->epoch = g->epoch;
    }
    if (status != TCORE_OK)
        return status;
    if (!g->records)
        stream->since_ns[levels->signal] = tcore_sys()->monotonic_ns();
    otlp_batch_add(&stream->batch, levels->signal, levels->place, w->messages.data + begin,
                   e->end - begin);
    if (stream->keep_lines) {
        tcore_buf_append(&message->lines, e->text, e->length);
        tcore_buf_putc(&message->lines, '\n');
    }
    if (g->records >= stream->most_records || g->bytes >= stream->most_bytes)
        status = send_batch(stream, levels->signal, out, err);
    return status;
}

static enum tcore_status add(void *state, void *worker, struct tcore_buf *out,
                             struct tcore_error *err)
{
    struct otlp_stream *stream = state;
    struct worker *w = worker;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < w->count && status == TCORE_OK; i++)
        status = add_one(stream, w, i, out, err);
    w->count = 0;
    if (status == TCORE_OK && w->clock)
        status = otlp_stream_flush(stream, out, err);
    else if (status == TCORE_OK && stream->most_age_ns)
        status = flush_old(stream, out, err);
    return status;
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    return otlp_stream_flush(state, out, err);
}

const struct cli_operator otlp_stream_operator = {
    .types = OTLP_TYPES | 1u << TCORE_RECORD_AGGREGATE | 1u << TCORE_RECORD_CLOCK,
    .open = cli_want_text,
    .worker_open = open_worker,
    .batch = encode,
    .in_turn = add,
    .worker_close = close_worker,
    .finish = finish,
};

enum tcore_status otlp_stream_lines(struct otlp_stream *stream, const struct tcore_buf *lines,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    struct worker *w;
    struct tcore_json json = {0};
    enum tcore_status status = new_worker(&w, stream->protobuf, err);
    const char *at = lines->data, *end = lines->data + lines->length;
    while (at < end && status == TCORE_OK) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct tcore_slice text = {at, (size_t)((newline ? newline : end) - at)};
        status = tcore_json_parse(&json, text.data, text.length, err);
        enum tcore_record_type type =
            status == TCORE_OK ? tcore_record_type_of(&json) : TCORE_RECORD_NONE;
        if (status == TCORE_OK && OTLP_TYPES >> type & 1)
            status = encode_one(w, &text, err);
        else if (status == TCORE_OK && type == TCORE_RECORD_AGGREGATE)
            status = encode_aggregate(w, &text, err);
        else if (status == TCORE_OK)
            export_lose_record(&stream->losses, type, "of another type");
        at = text.data + text.length + 1;
    }
    if (status == TCORE_OK)
        status = add(stream, w, out, err);
    if (status == TCORE_OK)
        status = otlp_stream_flush(stream, out, err);
    tcore_json_free(&json);
    struct tcore_error unused;
    close_worker(stream, w, &unused);
    return status == TCORE_SKIP ? TCORE_FATAL : status;
}
