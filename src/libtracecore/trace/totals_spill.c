/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of totals. An intake's totals are written by pieces, so that one of them is read back by
 * a read a spill. */
#include "trace/totals_private.h"

#include "base/sys.h"
#include "trace/spill_file.h"

#include <errno.h>

#define LEAST_SHARE         ((size_t)1 << 20)
#define PIECES_IN_PARTITION (TCORE_TOTALS_PIECES / TCORE_TOTALS_PARTITIONS)

_Static_assert(TCORE_TOTALS_PIECES == 4096, "as many as twelve bits of a hash tell apart");

/* Of three bytes of totals the caller needs one more to put them in order, if all fit. */
void tcore_totals_file_init(struct tcore_trace_totals *totals)
{
    const struct tcore_trace_totals_options *options = &totals->options;
    totals->fd = -1;
    if (!options->temporary || !options->memory_bytes)
        return;
    size_t share = options->memory_bytes / 4 * 3 / (options->threads ? options->threads : 1);
    totals->share = share < LEAST_SHARE ? LEAST_SHARE : share;
}

void tcore_totals_file_close(struct tcore_trace_totals *totals)
{
    if (totals->fd >= 0)
        tcore_sys()->close(totals->fd);
}

void tcore_totals_free_spills(struct totals_spill *spills)
{
    for (struct totals_spill *next; spills; spills = next) {
        next = spills->next;
        tcore_free(spills);
    }
}

/* --- Writing */

static unsigned piece_of(const struct tcore_trace_totals *totals,
                         const struct tcore_trace_total *total)
{
    return (unsigned)(hash_trace_id(totals->seed, total->trace_id) >> 52) % TCORE_TOTALS_PIECES;
}

/* Puts a partition's totals in the order of their pieces; first: of these pieces and the next one.
 * To be freed by the caller. NULL: no memory. */
static struct tcore_trace_total *arrange(struct tcore_trace_totals *totals,
                                         const struct totals_list *list, uint32_t *first)
{
    uint32_t next[PIECES_IN_PARTITION], count = 0;
    for (const struct tcore_totals_run *run = list->runs; run; run = run->next) {
        for (uint32_t i = 0; i < run->count; i++)
            first[piece_of(totals, &run->totals[i]) % PIECES_IN_PARTITION + 1]++;
        count += run->count;
    }
    struct tcore_trace_total *in_order = tcore_reallocarray(NULL, count, sizeof *in_order);
    if (!in_order)
        return NULL;
    for (unsigned p = 0; p < PIECES_IN_PARTITION; p++) {
        next[p] = p ? next[p - 1] + first[p] : 0;
        first[p] = p ? first[p - 1] + first[p] : first[p];
    }
    first[PIECES_IN_PARTITION] += first[PIECES_IN_PARTITION - 1];
    for (const struct tcore_totals_run *run = list->runs; run; run = run->next)
        for (uint32_t i = 0; i < run->count; i++) {
            const struct tcore_trace_total *total = &run->totals[i];
            in_order[next[piece_of(totals, total) % PIECES_IN_PARTITION]++] = *total;
            if (tcore_interval_is_known(&total->whole))
                __atomic_store_n(&totals->timed, true, __ATOMIC_RELAXED);
        }
    return in_order;
}

/* The joined totals of a partition, to the place in the file where they belong. */
static enum tcore_status write_partition(struct tcore_totals_intake *intake,
                                         struct totals_spill *spill, unsigned partition,
                                         struct tcore_error *err)
{
    struct tcore_trace_totals *totals = intake->totals;
    uint32_t first[PIECES_IN_PARTITION + 1] = {0};
    uint32_t *to = &spill->first[partition * PIECES_IN_PARTITION], before = *to;
    struct tcore_trace_total *in_order = arrange(totals, &intake->list[partition], first);
    if (!in_order)
        return tcore_error_nomem(err);
    for (unsigned p = 0; p <= PIECES_IN_PARTITION; p++)
        to[p] = before + first[p];
    enum tcore_status status = TCORE_OK;
    size_t bytes = first[PIECES_IN_PARTITION] * sizeof *in_order;
    if (tcore_pwrite_all(totals->fd, in_order, bytes, spill->at + before * sizeof *in_order) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot write to a temporary file");
    tcore_free(in_order);
    return status;
}

/* How many totals there are, of joined lists. */
static size_t count_totals(const struct tcore_totals_intake *intake)
{
    size_t count = 0;
    for (unsigned p = 0; p < TCORE_TOTALS_PARTITIONS; p++)
        count += intake->list[p].joined;
    return count;
}

static enum tcore_status join_lists(struct tcore_totals_intake *intake, struct tcore_error *err)
{
    const struct totals_place place = place_of(intake);
    enum tcore_status status = TCORE_OK;
    for (unsigned p = 0; p < TCORE_TOTALS_PARTITIONS && status == TCORE_OK; p++)
        status = tcore_totals_list_join(&intake->list[p], &place, err);
    return status;
}

static enum tcore_status spill(struct tcore_totals_intake *intake, struct tcore_error *err)
{
    struct tcore_trace_totals *totals = intake->totals;
    struct totals_spill *spill = tcore_calloc(1, sizeof *spill);
    if (!spill)
        return tcore_error_nomem(err);
    spill->next = intake->spills;
    intake->spills = spill;
    enum tcore_status status = open_spill_file(&totals->fd, totals->options.temporary, err);
    const struct totals_place place = place_of(intake);
    uint64_t bytes = count_totals(intake) * sizeof(struct tcore_trace_total);
    spill->at = __atomic_fetch_add(&totals->file_end, bytes, __ATOMIC_RELAXED);
    for (unsigned p = 0; p < TCORE_TOTALS_PARTITIONS && status == TCORE_OK; p++) {
        status = write_partition(intake, spill, p, err);
        tcore_totals_list_free(&intake->list[p], &place);
    }
    return status;
}

enum tcore_status tcore_totals_make_room(struct tcore_totals_intake *intake,
                                         struct tcore_error *err)
{
    size_t share = intake->totals->share;
    if (!share || intake->limit.held < share)
        return TCORE_OK;
    enum tcore_status status = join_lists(intake, err);
    return status == TCORE_OK && intake->limit.held > share / 2 ? spill(intake, err) : status;
}

enum tcore_status tcore_trace_totals_seal(struct tcore_trace_totals *totals,
                                          struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (totals->fd < 0)
        return TCORE_OK;
    totals->spilled = true;
    for (struct tcore_totals_intake *in = totals->intakes; in && status == TCORE_OK;
         in = in->next) {
        status = join_lists(in, err);
        if (status == TCORE_OK)
            status = spill(in, err);
        if (status == TCORE_OK)
            tcore_totals_pool_free(&in->pool); /* others need the memory now */
    }
    return status;
}

bool tcore_trace_totals_has_spilled(const struct tcore_trace_totals *totals)
{
    return totals->spilled;
}

bool tcore_trace_totals_is_timed(const struct tcore_trace_totals *totals)
{
    return totals->timed;
}

/* --- Reading */

static enum tcore_status read_piece(const struct tcore_trace_totals *totals, unsigned piece,
                                    struct tcore_totals_run *run, struct tcore_error *err)
{
    for (const struct tcore_totals_intake *in = totals->intakes; in; in = in->next)
        for (const struct totals_spill *spill = in->spills; spill; spill = spill->next) {
            uint32_t count = spill->first[piece + 1] - spill->first[piece];
            size_t bytes = count * sizeof *run->totals;
            uint64_t at = spill->at + spill->first[piece] * sizeof *run->totals;
            errno = EIO; /* it is shorter than it was made */
            if (tcore_pread_all(totals->fd, &run->totals[run->count], bytes, at) !=
                (ptrdiff_t)bytes)
                return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read a temporary file");
            run->count += count;
        }
    return TCORE_OK;
}

enum tcore_status tcore_trace_totals_load(struct tcore_trace_totals *totals, unsigned piece,
                                          struct tcore_totals_run **run, struct tcore_error *err)
{
    struct totals_limit none = {0};
    const struct totals_place place = {totals->seed, &none, NULL};
    uint64_t count = 0;
    for (const struct tcore_totals_intake *in = totals->intakes; in; in = in->next)
        for (const struct totals_spill *spill = in->spills; spill; spill = spill->next)
            count += spill->first[piece + 1] - spill->first[piece];
    *run = NULL;
    if (count > UINT32_MAX)
        return tcore_error_set(err, TCORE_FATAL, "more totals than can be joined");
    struct tcore_totals_run *loaded =
        tcore_malloc(sizeof *loaded + (size_t)count * sizeof *loaded->totals);
    if (!loaded)
        return tcore_error_nomem(err);
    *loaded = (struct tcore_totals_run){.capacity = (uint32_t)count};
    *run = loaded;
    enum tcore_status status = read_piece(totals, piece, loaded, err);
    struct totals_list list = {.at = loaded->totals + loaded->count,
                               .end = loaded->totals + loaded->count,
                               .runs = loaded,
                               .last = loaded};
    return status ? status : tcore_totals_list_join(&list, &place, err);
}

void tcore_trace_totals_unload(struct tcore_totals_run *run)
{
    tcore_free(run);
}
