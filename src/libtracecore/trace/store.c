/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking spans in. Services and names are small numbers of the intake first; sealing gives them
 * numbers of the store, and grouping puts those into the rows. */
#include "trace/store.h"

#include "base/sys.h"
#include "trace/span_values.h"
#include "trace/store_digits.h"
#include "trace/store_private.h"

#include <string.h>

#define PLACED_AT_ONCE 16
#define FIRST_ROWS     8
#define MOST_ROWS      512
#define POOLED_FROM    ((size_t)1 << 20) /* bytes that an intake holds otherwise */

/* --- Memory under the limit */

static enum tcore_status refuse(struct tcore_trace_store *store, struct tcore_error *err)
{
    __atomic_store_n(&store->full, true, __ATOMIC_RELAXED);
    return tcore_error_set(err, TCORE_FATAL, "the spans need more than %zu bytes of memory",
                           store->options.memory_bytes);
}

bool tcore_store_count_bytes(struct tcore_trace_store *store, size_t bytes)
{
    size_t held = __atomic_add_fetch(&store->bytes, bytes, __ATOMIC_RELAXED);
    return !store->options.memory_bytes || held <= store->options.memory_bytes;
}

void tcore_store_uncount_bytes(struct tcore_trace_store *store, size_t bytes)
{
    __atomic_sub_fetch(&store->bytes, bytes, __ATOMIC_RELAXED);
}

/* The same of bytes that were taken. Where there is a file, it makes room before the next rows. */
static enum tcore_status count(struct tcore_trace_store *store, size_t bytes,
                               struct tcore_error *err)
{
    return tcore_store_count_bytes(store, bytes) || store->file.share ? TCORE_OK
                                                                      : refuse(store, err);
}

size_t tcore_trace_store_bytes(const struct tcore_trace_store *store)
{
    return __atomic_load_n(&store->bytes, __ATOMIC_RELAXED);
}

bool tcore_trace_store_is_full(const struct tcore_trace_store *store)
{
    return __atomic_load_n(&store->full, __ATOMIC_RELAXED);
}

uint64_t tcore_trace_store_untimed(const struct tcore_trace_store *store)
{
    uint64_t untimed = 0;
    for (const struct tcore_trace_intake *in = store->intakes; in; in = in->next)
        untimed += in->untimed;
    return untimed;
}

/* --- The store */

enum tcore_status tcore_trace_store_new(struct tcore_trace_store **store,
                                        const struct tcore_trace_store_options *options,
                                        struct tcore_error *err)
{
    struct tcore_trace_store *s = *store = tcore_calloc(1, sizeof *s);
    if (!s)
        return tcore_error_nomem(err);
    s->options = *options;
    s->row_bytes = options->names || options->text ? sizeof(struct tcore_stored_text)
                                                   : sizeof(struct tcore_stored_span);
    s->piece = tcore_calloc(TCORE_TRACE_PARTITIONS, sizeof *s->piece);
    tcore_store_file_init(s);
    enum tcore_status status = s->piece ? TCORE_OK : tcore_error_nomem(err);
    if (status == TCORE_OK && tcore_sys()->random(s->seed, sizeof s->seed) != 0)
        status = tcore_error_set(err, TCORE_FATAL, "no random numbers to be had from the system");
    if (status == TCORE_OK)
        return TCORE_OK;
    tcore_free(s->piece);
    tcore_free(s);
    *store = NULL;
    return status;
}

static void free_chain(struct tcore_trace_store *store, struct chain *chain)
{
    for (struct block *block = chain->blocks, *next; block; block = next) {
        next = block->next;
        tcore_store_uncount_bytes(store, block->bytes);
        if (!block->in_slab)
            tcore_free(block);
    }
    *chain = (struct chain){0};
}

static void free_piece(struct piece *piece)
{
    tcore_store_unload(&piece->loaded);
    tcore_free(piece->rows);
    tcore_free(piece->traces);
    *piece = (struct piece){0};
}

void tcore_trace_store_release(struct tcore_trace_store *store, unsigned piece)
{
    for (struct tcore_trace_intake *in = store->intakes; in && !store->file.pieces; in = in->next)
        free_chain(store, &in->chain[piece]);
    tcore_store_uncount_bytes(store, store->piece[piece].bytes);
    free_piece(&store->piece[piece]);
}

void tcore_store_drop_rows(struct tcore_trace_intake *intake)
{
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        free_chain(intake->store, &intake->chain[p]);
    tcore_slabs_free(&intake->slabs);
    tcore_store_uncount_bytes(intake->store, intake->text.bytes);
    tcore_arena_free(&intake->text);
    intake->text_bytes = 0;
    intake->held = 0;
}

static void free_intake(struct tcore_trace_intake *intake)
{
    tcore_store_drop_rows(intake);
    tcore_store_free_spills(intake->spills);
    tcore_names_free(&intake->services);
    tcore_names_free(&intake->names);
    tcore_free(intake);
}

void tcore_trace_store_free(struct tcore_trace_store *store)
{
    if (!store)
        return;
    for (unsigned p = 0; p < tcore_trace_store_pieces(store); p++)
        free_piece(&store->piece[p]);
    tcore_free(store->piece);
    tcore_store_file_close(store);
    for (struct tcore_trace_intake *intake = store->intakes, *next; intake; intake = next) {
        next = intake->next;
        free_intake(intake);
    }
    tcore_names_total_free(&store->services);
    tcore_names_total_free(&store->names);
    tcore_free(store);
}

static enum tcore_status add_column(struct tcore_projection *projection, const char *name,
                                    size_t *column, enum tcore_status status,
                                    struct tcore_error *err)
{
    struct tcore_path_key key = {name, strlen(name)};
    return status ? status : tcore_projection_add_path(projection, &key, 1, column, err);
}

enum tcore_status tcore_trace_store_project(struct tcore_trace_store *store,
                                            struct tcore_projection *projection,
                                            struct tcore_error *err)
{
    struct columns *columns = &store->columns;
    enum tcore_status status = TCORE_OK;
    status = add_column(projection, "traceId", &columns->trace_id, status, err);
    status = add_column(projection, "spanId", &columns->span_id, status, err);
    status = add_column(projection, "parentSpanId", &columns->parent_id, status, err);
    status = add_column(projection, "startTimeUnixNano", &columns->start, status, err);
    status = add_column(projection, "endTimeUnixNano", &columns->end, status, err);
    status = add_column(projection, "durationNano", &columns->duration, status, err);
    status = add_column(projection, "status", &columns->status, status, err);
    status = add_column(projection, "kind", &columns->kind, status, err);
    status = add_column(projection, "service", &columns->service, status, err);
    if (store->options.names || store->options.text)
        status = add_column(projection, "name", &columns->name, status, err);
    projection->text |= store->options.text;
    return status;
}

/* --- Taking in */

enum tcore_status tcore_trace_intake_new(struct tcore_trace_intake **intake,
                                         struct tcore_trace_store *store, struct tcore_error *err)
{
    struct tcore_trace_intake *in = *intake = tcore_calloc(1, sizeof *in);
    if (!in)
        return tcore_error_nomem(err);
    in->store = store;
    enum tcore_status status = tcore_names_init(&in->services, err);
    if (!status)
        status = tcore_names_init(&in->names, err);
    if (status) {
        free_intake(in);
        *intake = NULL;
        return status;
    }
    in->next = __atomic_load_n(&store->intakes, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&store->intakes, &in->next, in, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    return TCORE_OK;
}

static enum tcore_status add_block(struct tcore_trace_intake *intake, struct chain *chain,
                                   struct tcore_error *err)
{
    struct tcore_trace_store *store = intake->store;
    size_t rows = FIRST_ROWS;
    if (chain->blocks)
        rows = (chain->blocks->bytes - sizeof(struct block)) / store->row_bytes * 4;
    if (rows > MOST_ROWS)
        rows = MOST_ROWS;
    size_t bytes = sizeof(struct block) + rows * store->row_bytes;
    if (!tcore_store_count_bytes(store, bytes) && !store->file.share) {
        tcore_store_uncount_bytes(store, bytes);
        return refuse(store, err);
    }
    bool in_slab = intake->held >= POOLED_FROM;
    struct block *block = in_slab ? tcore_slab_take(&intake->slabs, bytes) : tcore_malloc(bytes);
    if (!block) {
        tcore_store_uncount_bytes(store, bytes);
        return tcore_error_nomem(err);
    }
    intake->held += bytes;
    block->next = chain->blocks;
    block->bytes = bytes;
    block->in_slab = in_slab;
    chain->blocks = block;
    chain->at = block->rows;
    chain->end = block->rows + rows * store->row_bytes;
    return TCORE_OK;
}

/* Before rows are taken: writes those that are there, if they are the intake's share. */
static inline enum tcore_status make_room(struct tcore_trace_intake *intake,
                                          struct tcore_error *err)
{
    size_t share = intake->store->file.share;
    return share && intake->held >= share ? tcore_store_spill(intake, err) : TCORE_OK;
}

/* Room for the next row of its trace's partition; NULL: refused. */
static inline void *next_row(struct tcore_trace_intake *intake, const uint64_t trace_id[2],
                             struct tcore_error *err)
{
    struct chain *chain = &intake->chain[partition_of(hash_id(intake->store, trace_id))];
    if (chain->at == chain->end && add_block(intake, chain, err) != TCORE_OK)
        return NULL;
    void *row = chain->at;
    chain->at += intake->store->row_bytes;
    return row;
}

static enum tcore_status copy_text(struct tcore_trace_intake *intake, struct tcore_stored_text *row,
                                   struct tcore_slice text, struct tcore_error *err)
{
    size_t before = intake->text.bytes;
    char *copy = tcore_arena_alloc(&intake->text, text.length);
    if (!copy)
        return tcore_error_nomem(err);
    memcpy(copy, text.data, text.length);
    row->text = copy;
    row->text_length = (uint32_t)text.length;
    intake->text_bytes += text.length;
    intake->held += intake->text.bytes - before;
    return count(intake->store, intake->text.bytes - before, err);
}

static bool keeps_text(const struct tcore_trace_store *store, const struct tcore_stored_text *row,
                       struct tcore_slice text)
{
    static const char exception[] = "\"exception";
    if (!store->options.text || !text.data)
        return false;
    return !store->options.errors_only || row->stored.span.flags & TCORE_SPAN_ERROR ||
           memmem(text.data, text.length, exception, sizeof exception - 1);
}

/* The name and the text of a row that has room for them. */
static enum tcore_status add_text(struct tcore_trace_intake *intake, struct tcore_stored_text *row,
                                  struct tcore_slice name, struct tcore_slice text,
                                  struct tcore_error *err)
{
    size_t before = tcore_map_bytes(&intake->names.map);
    row->text = NULL;
    row->text_length = 0;
    row->name = name.data ? tcore_names_intern(&intake->names, name.data, name.length) : 0;
    if (row->name == TCORE_MAP_NONE) {
        row->name = 0;
        return tcore_error_nomem(err);
    }
    if (count(intake->store, tcore_map_bytes(&intake->names.map) - before, err) != TCORE_OK)
        return TCORE_FATAL;
    return keeps_text(intake->store, row, text) ? copy_text(intake, row, text, err) : TCORE_OK;
}

/* --- Rows */

/* The number of a service; TCORE_MAP_NONE: no memory. */
static inline uint32_t number_of(struct names *names, const struct tcore_value *value)
{
    return value->kind == TCORE_STRING ? tcore_names_intern(names, value->s, value->len) : 0;
}

static enum tcore_status add_texts(struct tcore_trace_intake *intake,
                                   const struct tcore_batch *batch, uint32_t row,
                                   struct tcore_stored_text *to, struct tcore_error *err)
{
    struct tcore_value made;
    const struct tcore_value *name =
        value_at(&batch->columns[intake->store->columns.name], row, &made);
    struct tcore_slice text = {0};
    if (name->kind == TCORE_STRING)
        text = (struct tcore_slice){name->s, name->len};
    return add_text(intake, to, text, batch->text ? batch->text[row] : (struct tcore_slice){0},
                    err);
}

/* A span on its way to its row. */
struct placed {
    struct tcore_stored_span *to; /* NULL: it is no span; decoders reject those */
    uint64_t trace_id[2];
};

/* Finds the row that a span goes to, and lets it be fetched meanwhile. */
static inline enum tcore_status place(struct tcore_trace_intake *intake,
                                      const struct tcore_batch *batch, uint32_t row,
                                      struct placed *placed, struct tcore_error *err)
{
    const struct columns *at = &intake->store->columns;
    struct tcore_value made, other;
    const struct tcore_value *id = value_at(&batch->columns[at->trace_id], row, &made);
    const struct tcore_value *span_id = value_at(&batch->columns[at->span_id], row, &other);
    placed->to = NULL;
    if (!is_digits(id, 32) || !is_digits(span_id, 16))
        return TCORE_OK;
    placed->trace_id[0] = read_hex16(id->s);
    placed->trace_id[1] = read_hex16(id->s + 16);
    placed->to = next_row(intake, placed->trace_id, err);
    __builtin_prefetch(placed->to, 1);
    __builtin_prefetch(placed->to ? (char *)(placed->to + 1) - 1 : NULL, 1);
    return placed->to ? TCORE_OK : TCORE_FATAL;
}

static inline enum tcore_status fill(struct tcore_trace_intake *intake,
                                     const struct tcore_batch *batch, uint32_t row,
                                     const struct placed *placed, struct tcore_error *err)
{
    const struct columns *at = &intake->store->columns;
    const struct tcore_column *columns = batch->columns;
    struct tcore_value made, other;
    struct tcore_stored_span *to = placed->to;
    struct tcore_trace_span *span = &to->span;
    to->trace_id[0] = placed->trace_id[0];
    to->trace_id[1] = placed->trace_id[1];
    span->span_id = read_hex16(value_at(&columns[at->span_id], row, &made)->s);
    const struct tcore_value *parent_id = value_at(&columns[at->parent_id], row, &made);
    span->parent_id = is_digits(parent_id, 16) ? read_hex16(parent_id->s) : 0;
    const struct tcore_value *kind = value_at(&columns[at->kind], row, &made);
    span->kind = kind->kind == TCORE_STRING ? (uint8_t)tcore_span_kind_find(kind->s, kind->len) : 0;
    span->flags = is_error(value_at(&columns[at->status], row, &made)) ? TCORE_SPAN_ERROR : 0;
    set_times(span, value_at(&columns[at->start], row, &made),
              value_at(&columns[at->end], row, &other));
    if (!(span->flags & TCORE_SPAN_HAS_END))
        set_end_by_duration(span, value_at(&columns[at->duration], row, &made));
    intake->untimed += (span->flags & 3) != 3;
    span->service = number_of(&intake->services, value_at(&columns[at->service], row, &made));
    span->unused = 0;
    if (span->service == TCORE_MAP_NONE) {
        span->service = 0;
        return tcore_error_nomem(err);
    }
    if (intake->store->row_bytes == sizeof *to)
        return TCORE_OK;
    return add_texts(intake, batch, row, (struct tcore_stored_text *)to, err);
}

/* A few rows at a time: their places first, since each is a cache miss. */
enum tcore_status tcore_trace_intake_add(struct tcore_trace_intake *intake,
                                         const struct tcore_batch *batch, const uint32_t *rows,
                                         size_t count, struct tcore_error *err)
{
    struct placed placed[PLACED_AT_ONCE];
    enum tcore_status status = TCORE_OK;
    for (size_t done = 0; done < count && status == TCORE_OK;) {
        size_t n = count - done < PLACED_AT_ONCE ? count - done : PLACED_AT_ONCE;
        size_t ready = 0;
        status = make_room(intake, err);
        while (status == TCORE_OK && ready < n &&
               (status = place(intake, batch, rows[done + ready], &placed[ready], err)) == TCORE_OK)
            ready++;
        for (size_t i = 0; i < ready && status == TCORE_OK; i++)
            if (placed[i].to)
                status = fill(intake, batch, rows[done + i], &placed[i], err);
        done += n;
    }
    return status;
}

enum tcore_status tcore_trace_intake_give(struct tcore_trace_intake *intake,
                                          const struct tcore_span_given *given,
                                          struct tcore_error *err)
{
    struct tcore_stored_span stored = {
        .trace_id = {read_hex16(given->trace_id), read_hex16(given->trace_id + 16)},
        .span = {.span_id = read_hex16(given->span_id),
                 .parent_id = given->parent_id ? read_hex16(given->parent_id) : 0,
                 .kind = (uint8_t)given->kind,
                 .flags = given->error ? TCORE_SPAN_ERROR : 0},
    };
    set_times(&stored.span, &given->start, &given->end);
    if (given->service.data)
        stored.span.service =
            tcore_names_intern(&intake->services, given->service.data, given->service.length);
    if (stored.span.service == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    intake->untimed += (stored.span.flags & 3) != 3;
    if (make_room(intake, err) != TCORE_OK)
        return TCORE_FATAL;
    struct tcore_stored_span *to = next_row(intake, stored.trace_id, err);
    if (!to)
        return TCORE_FATAL;
    *to = stored;
    if (intake->store->row_bytes == sizeof *to)
        return TCORE_OK;
    return add_text(intake, (struct tcore_stored_text *)to, given->name, given->text, err);
}

/* --- Sealing */

enum tcore_status tcore_trace_store_seal(struct tcore_trace_store *store, struct tcore_error *err)
{
    enum tcore_status status = tcore_names_total_init(&store->services, err);
    if (!status)
        status = tcore_names_total_init(&store->names, err);
    for (struct tcore_trace_intake *in = store->intakes; in && !status; in = in->next) {
        status = tcore_names_total_add(&store->services, &in->services, err);
        if (!status)
            status = tcore_names_total_add(&store->names, &in->names, err);
    }
    if (!status)
        status = tcore_names_total_rank(&store->services, err);
    for (struct tcore_trace_intake *in = store->intakes; in && !status; in = in->next)
        tcore_names_apply_rank(&store->services, &in->services);
    return status ? status : tcore_store_spill_rest(store, err);
}

unsigned tcore_trace_store_pieces(const struct tcore_trace_store *store)
{
    return TCORE_TRACE_PARTITIONS << (store->file.pieces ? store->file.bits : 0);
}

unsigned tcore_trace_store_piece_of(const struct tcore_trace_store *store,
                                    const uint64_t trace_id[2])
{
    uint64_t hash = hash_id(store, trace_id);
    if (!store->file.pieces)
        return partition_of(hash);
    return partition_of(hash) << store->file.bits | piece_in_partition(store, hash);
}

bool tcore_trace_store_has_spilled(const struct tcore_trace_store *store)
{
    return store->file.pieces;
}

uint32_t tcore_trace_store_services(const struct tcore_trace_store *store)
{
    return store->services.map.count;
}

struct tcore_slice tcore_trace_store_service(const struct tcore_trace_store *store, uint32_t number)
{
    return tcore_names_ranked(&store->services, number);
}

struct tcore_slice tcore_trace_store_name(const struct tcore_trace_store *store, uint32_t number)
{
    return tcore_names_get(&store->names, number);
}

/* --- Order and digits */

int tcore_stored_span_compare(const void *a, const void *b)
{
    const struct tcore_stored_span *const *x = a, *const *y = b;
    return tcore_trace_span_compare(&(*x)->span, &(*y)->span);
}

int tcore_stored_text_compare(const void *a, const void *b)
{
    const struct tcore_stored_text *const *x = a, *const *y = b;
    int order = tcore_trace_span_compare(&(*x)->stored.span, &(*y)->stored.span);
    size_t shorter = (*x)->text_length < (*y)->text_length ? (*x)->text_length : (*y)->text_length;
    if (!order && shorter)
        order = memcmp((*x)->text, (*y)->text, shorter);
    if (order)
        return order;
    return (*x)->text_length < (*y)->text_length ? -1 : (*x)->text_length > (*y)->text_length;
}

void tcore_trace_id_numbers(const char *digits, uint64_t trace_id[2])
{
    trace_id[0] = read_hex16(digits);
    trace_id[1] = read_hex16(digits + 16);
}

void tcore_trace_id_digits(const uint64_t trace_id[2], char *out)
{
    write_hex16(trace_id[0], out);
    write_hex16(trace_id[1], out + 16);
}

void tcore_span_id_digits(uint64_t span_id, char *out)
{
    write_hex16(span_id, out);
}
