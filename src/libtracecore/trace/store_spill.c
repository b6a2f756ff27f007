/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/store_spill.h"

#include "base/sys.h"
#include "trace/spill_file.h"
#include "trace/store_private.h"

#include <errno.h>
#include <string.h>

#define LEAST_SHARE ((size_t)1 << 20)
#define FINE_SHARE                                                                                 \
    ((size_t)16 << 20) /* from there on a table of fine pieces is small beside it                  \
                        */
#define FINE_BITS   4u
#define WRITE_BYTES ((size_t)1 << 20)

void tcore_store_file_init(struct tcore_trace_store *store)
{
    const struct tcore_trace_store_options *options = &store->options;
    store->file = (struct spill_file){.fd = -1};
    if (!options->temporary || !options->memory_bytes)
        return;
    size_t share = options->memory_bytes / (options->threads ? options->threads : 1);
    store->file.share = share < LEAST_SHARE ? LEAST_SHARE : share;
    store->file.bits = share < FINE_SHARE ? 0 : FINE_BITS;
}

void tcore_store_file_close(struct tcore_trace_store *store)
{
    if (store->file.fd >= 0)
        tcore_sys()->close(store->file.fd);
    store->file.fd = -1;
}

void tcore_store_free_spills(struct spill *spills)
{
    for (struct spill *next; spills; spills = next) {
        next = spills->next;
        tcore_free(spills);
    }
}

/* --- Writing */

/* Of one spill. */
struct writing {
    struct tcore_trace_intake *intake;
    struct spill *spill;
    unsigned pieces;                 /* in a partition */
    struct tcore_stored_span **rows; /* of one partition, by piece; owned */
    size_t capacity;
    char *room; /* WRITE_BYTES; owned */
    size_t filled;
    uint64_t at; /* of room in the file */
};

static uint32_t length_of_text(const struct tcore_trace_store *store,
                               const struct tcore_stored_span *row)
{
    return store->options.text ? ((const struct tcore_stored_text *)row)->text_length : 0;
}

/* Calls each() for the rows of a partition. */
static void walk(struct writing *w, unsigned partition,
                 void (*each)(struct writing *, unsigned, struct tcore_stored_span *))
{
    const struct chain *chain = &w->intake->chain[partition];
    size_t row_bytes = w->intake->store->row_bytes;
    for (struct block *block = chain->blocks; block; block = block->next) {
        char *end = chain->at;
        if (block != chain->blocks)
            end = block->rows + (block->bytes - sizeof *block) / row_bytes * row_bytes;
        for (char *at = block->rows; at < end; at += row_bytes)
            each(w, partition, (struct tcore_stored_span *)(void *)at);
    }
}

static struct extent *extent_of(struct writing *w, unsigned partition,
                                const struct tcore_stored_span *row)
{
    const struct tcore_trace_store *store = w->intake->store;
    unsigned piece = piece_in_partition(store, hash_id(store, row->trace_id));
    return &w->spill->extent[partition * w->pieces + piece];
}

static void count_row(struct writing *w, unsigned partition, struct tcore_stored_span *row)
{
    struct extent *extent = extent_of(w, partition, row);
    extent->rows++;
    extent->text_bytes += length_of_text(w->intake->store, row);
}

/* An extent's rows are where its next one goes meanwhile. */
static void place_row(struct writing *w, unsigned partition, struct tcore_stored_span *row)
{
    w->rows[extent_of(w, partition, row)->rows++] = row;
}

static enum tcore_status flush(struct writing *w, struct tcore_error *err)
{
    if (tcore_pwrite_all(w->intake->store->file.fd, w->room, w->filled, w->at) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot write to a temporary file");
    w->at += w->filled;
    w->filled = 0;
    return TCORE_OK;
}

static enum tcore_status put(struct writing *w, const void *data, size_t bytes,
                             struct tcore_error *err)
{
    const char *from = data;
    while (bytes) {
        size_t here = WRITE_BYTES - w->filled;
        here = here < bytes ? here : bytes;
        memcpy(w->room + w->filled, from, here);
        w->filled += here;
        from += here;
        bytes -= here;
        enum tcore_status status = w->filled == WRITE_BYTES ? flush(w, err) : TCORE_OK;
        if (status != TCORE_OK)
            return status;
    }
    return TCORE_OK;
}

/* Rows of the partition by piece, and how many each has. */
static bool arrange(struct writing *w, unsigned partition, size_t *count)
{
    struct extent *extent = &w->spill->extent[partition * w->pieces];
    uint32_t rows[1u << FINE_BITS];
    walk(w, partition, count_row);
    *count = 0;
    for (unsigned p = 0; p < w->pieces; p++) {
        rows[p] = extent[p].rows;
        extent[p].rows = (uint32_t)*count;
        *count += rows[p];
    }
    if (*count > w->capacity) {
        tcore_free(w->rows);
        w->rows = tcore_reallocarray(NULL, *count, sizeof(struct tcore_stored_span *));
        w->capacity = w->rows ? *count : 0;
        if (!w->rows)
            return false;
    }
    walk(w, partition, place_row);
    for (unsigned p = 0; p < w->pieces; p++)
        extent[p].rows = rows[p];
    return true;
}

static enum tcore_status write_partition(struct writing *w, unsigned partition,
                                         struct tcore_error *err)
{
    const struct tcore_trace_store *store = w->intake->store;
    const struct extent *extent = &w->spill->extent[partition * w->pieces];
    enum tcore_status status = TCORE_OK;
    size_t count, first = 0;
    w->spill->at[partition] = w->at + w->filled;
    if (!arrange(w, partition, &count))
        return tcore_error_nomem(err);
    for (unsigned p = 0; p < w->pieces; first += extent[p++].rows) {
        for (size_t i = 0; i < extent[p].rows && status == TCORE_OK; i++)
            status = put(w, w->rows[first + i], store->row_bytes, err);
        for (size_t i = 0; extent[p].text_bytes && i < extent[p].rows && status == TCORE_OK; i++) {
            const struct tcore_stored_text *row = (struct tcore_stored_text *)w->rows[first + i];
            status = put(w, row->text, row->text_length, err);
        }
    }
    return status;
}

static uint64_t bytes_to_write(const struct tcore_trace_intake *intake)
{
    size_t row_bytes = intake->store->row_bytes;
    uint64_t bytes = intake->text_bytes;
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        bytes += tcore_store_chain_rows(&intake->chain[p], row_bytes) * row_bytes;
    return bytes;
}

static enum tcore_status write_all(struct writing *w, struct tcore_error *err)
{
    struct tcore_trace_store *store = w->intake->store;
    uint64_t bytes = bytes_to_write(w->intake);
    enum tcore_status status = open_spill_file(&store->file.fd, store->options.temporary, err);
    w->at = __atomic_fetch_add(&store->file.end, bytes, __ATOMIC_RELAXED);
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS && status == TCORE_OK; p++)
        status = write_partition(w, p, err);
    return status == TCORE_OK ? flush(w, err) : status;
}

enum tcore_status tcore_store_spill(struct tcore_trace_intake *intake, struct tcore_error *err)
{
    struct writing w = {.intake = intake, .pieces = 1u << intake->store->file.bits};
    w.room = tcore_malloc(WRITE_BYTES);
    w.spill = tcore_calloc(1, sizeof *w.spill +
                                  TCORE_TRACE_PARTITIONS * w.pieces * sizeof *w.spill->extent);
    enum tcore_status status = w.room && w.spill ? write_all(&w, err) : tcore_error_nomem(err);
    tcore_free(w.rows);
    tcore_free(w.room);
    if (status != TCORE_OK) {
        tcore_free(w.spill);
        return status;
    }
    w.spill->next = intake->spills;
    intake->spills = w.spill;
    tcore_store_drop_rows(intake);
    return TCORE_OK;
}

enum tcore_status tcore_store_spill_rest(struct tcore_trace_store *store, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (store->file.fd < 0)
        return TCORE_OK;
    for (struct tcore_trace_intake *in = store->intakes; in && status == TCORE_OK; in = in->next)
        if (in->held)
            status = tcore_store_spill(in, err);
    if (status != TCORE_OK)
        return status;
    void *piece =
        tcore_calloc((size_t)TCORE_TRACE_PARTITIONS << store->file.bits, sizeof *store->piece);
    if (!piece)
        return tcore_error_nomem(err);
    tcore_free(store->piece);
    store->piece = piece;
    store->file.pieces = true;
    return TCORE_OK;
}

/* --- Reading */

static uint64_t extent_bytes(const struct tcore_trace_store *store, const struct extent *extent)
{
    return extent->rows * (uint64_t)store->row_bytes + extent->text_bytes;
}

/* The store's numbers for those of the intake, and where the text is. */
static const char *settle(const struct tcore_trace_store *store,
                          const struct tcore_trace_intake *intake, struct tcore_stored_span *row,
                          const char *text)
{
    row->span.service = intake->services.total[row->span.service];
    if (store->row_bytes == sizeof *row)
        return text;
    struct tcore_stored_text *with_text = (struct tcore_stored_text *)row;
    with_text->name = intake->names.total[with_text->name];
    with_text->text = with_text->text_length ? text : NULL;
    return text + with_text->text_length;
}

/* Where the next rows and texts go. */
struct reading {
    const struct tcore_trace_store *store;
    char *row, *text;
};

static enum tcore_status read_extent(struct reading *r, const struct tcore_trace_intake *intake,
                                     const struct spill *spill, unsigned piece,
                                     struct tcore_error *err)
{
    const struct tcore_trace_store *store = r->store;
    unsigned partition = piece >> store->file.bits;
    const struct extent *extent = &spill->extent[piece];
    uint64_t at = spill->at[partition];
    size_t rows = extent->rows * store->row_bytes, texts = (size_t)extent->text_bytes;
    for (unsigned p = partition << store->file.bits; p < piece; p++)
        at += extent_bytes(store, &spill->extent[p]);
    errno = EIO; /* it is shorter than it was made */
    if (tcore_pread_all(store->file.fd, r->row, rows, at) != (ptrdiff_t)rows ||
        tcore_pread_all(store->file.fd, r->text, texts, at + rows) != (ptrdiff_t)texts)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read a temporary file");
    const char *text = r->text;
    for (uint32_t i = 0; i < extent->rows; i++, r->row += store->row_bytes)
        text = settle(store, intake, (struct tcore_stored_span *)(void *)r->row, text);
    r->text += texts;
    return TCORE_OK;
}

enum tcore_status tcore_store_load(const struct tcore_trace_store *store, unsigned piece,
                                   struct loaded *loaded, struct tcore_error *err)
{
    uint64_t rows = 0, texts = 0;
    enum tcore_status status = TCORE_OK;
    for (const struct tcore_trace_intake *in = store->intakes; in; in = in->next)
        for (const struct spill *spill = in->spills; spill; spill = spill->next) {
            rows += spill->extent[piece].rows;
            texts += spill->extent[piece].text_bytes;
        }
    loaded->count = (size_t)rows;
    loaded->rows = tcore_reallocarray(NULL, (size_t)rows, store->row_bytes);
    loaded->texts = tcore_malloc((size_t)texts);
    if (!loaded->rows || !loaded->texts)
        return tcore_error_nomem(err);
    struct reading reading = {store, loaded->rows, loaded->texts};
    for (const struct tcore_trace_intake *in = store->intakes; in; in = in->next)
        for (const struct spill *spill = in->spills; spill && status == TCORE_OK;
             spill = spill->next)
            if (spill->extent[piece].rows)
                status = read_extent(&reading, in, spill, piece, err);
    return status;
}

void tcore_store_unload(struct loaded *loaded)
{
    tcore_free(loaded->rows);
    tcore_free(loaded->texts);
    *loaded = (struct loaded){0};
}
