/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sample of the traces, the first partition, says where the stretches begin, so that they are of
 * about one size however traces lie in time. The rest is done partition by partition: a trace's
 * stretch is found, then its place; and at last each stretch is sorted, which is small enough for a
 * near cache.
 */
#include <config.h>

#include "span/totals_order.h"

#include "base/large.h"
#include "base/sys.h"
#include "cli/pieces.h"
#include "span/gather.h"

#include <stdlib.h>
#include <string.h>

#define STRETCH_TOTALS                                                                             \
    1024u /* about so many in each, if there are fewer stretches than the most                     \
           */
#define DIGITS 256u

struct part {
    const struct tcore_totals_run *runs;
    size_t count;
    uint8_t *stretch;             /* of each; owned */
    size_t place[STRETCHES_MOST]; /* totals in each stretch; then where the next of them goes */
    bool timed;
};

struct ordering {
    struct ordered_totals *ordered;
    struct tcore_trace_totals *totals;
    struct part part[TCORE_TOTALS_PARTITIONS];
    uint64_t first[STRETCHES_MOST]; /* key of each stretch; that of the first one is not used */
};

/* --- The stretches */

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static enum tcore_status join(struct ordering *o, unsigned partition, struct tcore_error *err)
{
    struct part *part = &o->part[partition];
    enum tcore_status status = tcore_trace_totals_join(o->totals, partition, &part->runs, err);
    part->count = 0;
    for (const struct tcore_totals_run *run = part->runs; run && status == TCORE_OK;
         run = run->next)
        part->count += run->count;
    return status;
}

static enum tcore_status choose_stretches(struct ordering *o, struct tcore_error *err)
{
    enum tcore_status status = join(o, 0, err);
    const struct part *sample = &o->part[0];
    unsigned stretches = 1;
    while (stretches < STRETCHES_MOST &&
           stretches * STRETCH_TOTALS < sample->count * TCORE_TOTALS_PARTITIONS)
        stretches *= 2;
    uint64_t *keys =
        status == TCORE_OK ? tcore_reallocarray(NULL, sample->count, sizeof *keys) : NULL;
    if (!keys)
        return status == TCORE_OK ? tcore_error_nomem(err) : status;
    size_t count = 0;
    for (const struct tcore_totals_run *run = sample->runs; run; run = run->next)
        for (uint32_t i = 0; i < run->count; i++)
            keys[count++] = key_of_start(&run->totals[i].whole);
    qsort(keys, count, sizeof *keys, compare_keys);
    for (unsigned i = 0; i < stretches; i++)
        o->first[i] = count ? keys[count * i / stretches] : 0;
    o->ordered->stretches = stretches;
    tcore_free(keys);
    return TCORE_OK;
}

/* The last stretch that begins at or before the key: traces with one key are all in one. */
static inline unsigned stretch_of(const struct ordering *o, uint64_t key)
{
    unsigned at = 0;
    for (unsigned half = o->ordered->stretches / 2; half; half /= 2)
        at += o->first[at + half] <= key ? half : 0;
    return at;
}

/* --- Partition by partition */

static enum tcore_status join_and_count(void *state, unsigned thread, uint64_t piece,
                                        struct tcore_buf *out, struct tcore_error *err)
{
    struct ordering *o = state;
    struct part *part = &o->part[piece];
    size_t at = 0;
    (void)thread;
    (void)out;
    enum tcore_status status = piece ? join(o, (unsigned)piece, err) : TCORE_OK;
    if (status != TCORE_OK)
        return status;
    part->stretch = tcore_malloc(part->count);
    if (!part->stretch)
        return tcore_error_nomem(err);
    for (const struct tcore_totals_run *run = part->runs; run; run = run->next)
        for (uint32_t i = 0; i < run->count; i++) {
            const struct tcore_interval *whole = &run->totals[i].whole;
            unsigned stretch = stretch_of(o, key_of_start(whole));
            part->stretch[at++] = (uint8_t)stretch;
            part->place[stretch]++;
            part->timed |= tcore_interval_is_known(whole);
        }
    return TCORE_OK;
}

static enum tcore_status refer(void *state, unsigned thread, uint64_t piece, struct tcore_buf *out,
                               struct tcore_error *err)
{
    struct ordering *o = state;
    struct part *part = &o->part[piece];
    size_t at = 0;
    (void)thread;
    (void)out;
    (void)err;
    for (const struct tcore_totals_run *run = part->runs; run; run = run->next)
        for (uint32_t i = 0; i < run->count; i++)
            o->ordered->refs[part->place[part->stretch[at++]]++] =
                (struct total_ref){key_of_start(&run->totals[i].whole), &run->totals[i]};
    return TCORE_OK;
}

/* --- All of it */

static void find_places(struct ordering *o)
{
    struct ordered_totals *ordered = o->ordered;
    size_t at = 0;
    for (unsigned s = 0; s < ordered->stretches; s++) {
        ordered->start[s] = at;
        for (unsigned p = 0; p < TCORE_TOTALS_PARTITIONS; p++) {
            size_t here = o->part[p].place[s];
            o->part[p].place[s] = at;
            at += here;
        }
    }
    ordered->start[ordered->stretches] = at;
    ordered->count = at;
}

static enum tcore_status arrange(struct ordering *o, unsigned threads, struct tcore_error *err)
{
    struct ordered_totals *ordered = o->ordered;
    enum tcore_status status = choose_stretches(o, err);
    if (status == TCORE_OK)
        status = cli_pieces_do(threads, TCORE_TOTALS_PARTITIONS, join_and_count, o, err);
    if (status != TCORE_OK)
        return status;
    for (unsigned p = 0; p < TCORE_TOTALS_PARTITIONS; p++)
        ordered->timed |= o->part[p].timed;
    find_places(o);
    status = tcore_trace_totals_count_bytes(o->totals, ordered->count * sizeof *ordered->refs, err);
    if (status != TCORE_OK)
        return status;
    ordered->refs = tcore_large_alloc(ordered->count, sizeof *ordered->refs);
    if (!ordered->refs)
        return tcore_error_nomem(err);
    return cli_pieces_do(threads, TCORE_TOTALS_PARTITIONS, refer, o, err);
}

enum tcore_status order_totals(struct ordered_totals *ordered, struct tcore_trace_totals *totals,
                               unsigned threads, struct tcore_error *err)
{
    struct ordering *o = tcore_calloc(1, sizeof *o);
    *ordered = (struct ordered_totals){0};
    if (!o)
        return tcore_error_nomem(err);
    o->ordered = ordered;
    o->totals = totals;
    enum tcore_status status = arrange(o, threads, err);
    for (unsigned p = 0; p < TCORE_TOTALS_PARTITIONS; p++)
        tcore_free(o->part[p].stretch);
    tcore_free(o);
    return status;
}

void ordered_totals_free(struct ordered_totals *ordered)
{
    tcore_large_free(ordered->refs);
    *ordered = (struct ordered_totals){0};
}

/* --- A stretch */

static int compare_refs(const void *a, const void *b)
{
    const struct total_ref *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    const uint64_t *p = x->total->trace_id, *q = y->total->trace_id;
    if (p[0] != q[0])
        return p[0] < q[0] ? -1 : 1;
    return p[1] < q[1] ? -1 : p[1] > q[1];
}

/* Puts the refs where the eight highest bits in which keys differ say. */
static void spread(const struct total_ref *refs, size_t count, struct total_ref *out, size_t *ends)
{
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = refs[i].key < low ? refs[i].key : low;
        high = refs[i].key > high ? refs[i].key : high;
    }
    unsigned shift = 0;
    while ((high - low) >> shift >= DIGITS)
        shift++;
    memset(ends, 0, DIGITS * sizeof *ends);
    for (size_t i = 0; i < count; i++)
        ends[(refs[i].key - low) >> shift]++;
    for (size_t digit = 0, at = 0; digit < DIGITS; digit++) {
        size_t here = ends[digit];
        ends[digit] = at;
        at += here;
    }
    for (size_t i = 0; i < count; i++)
        out[ends[(refs[i].key - low) >> shift]++] = refs[i];
}

static void sort_few(struct total_ref *refs, size_t count)
{
    if (count > 24) {
        qsort(refs, count, sizeof *refs, compare_refs);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct total_ref moving = refs[i];
        size_t at = i;
        for (; at && compare_refs(&refs[at - 1], &moving) > 0; at--)
            refs[at] = refs[at - 1];
        refs[at] = moving;
    }
}

bool order_stretch(struct ordered_totals *ordered, unsigned stretch)
{
    size_t ends[DIGITS], start = ordered->start[stretch];
    size_t count = ordered->start[stretch + 1] - start;
    if (!count)
        return true;
    struct total_ref *scratch = tcore_reallocarray(NULL, count, sizeof *scratch);
    if (!scratch)
        return false;
    spread(ordered->refs + start, count, scratch, ends);
    for (size_t digit = 0, at = 0; digit < DIGITS; at = ends[digit++])
        sort_few(scratch + at, ends[digit] - at);
    memcpy(ordered->refs + start, scratch, count * sizeof *scratch);
    tcore_free(scratch);
    return true;
}
