/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ring of slots, one a piece from the next to be taken on; nobody claims a piece that has no slot
 * yet, so that output waiting to be taken stays bounded. */
#include <config.h>

#include "cli/pieces.h"

#include "base/sys.h"
#include "cli/signals.h"

#include <pthread.h>
#include <sched.h>

#define SLOTS_PER_THREAD 4u

struct slot {
    bool done;
    enum tcore_status status;
    struct tcore_buf out;
    struct tcore_error err;
};

struct crew_member {
    struct cli_pieces *pieces;
    unsigned number;
    pthread_t thread;
};

struct cli_pieces {
    cli_piece_function *function;
    void *state;
    uint64_t count;
    unsigned threads; /* running, besides the caller's */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t claimed, taken; /* pieces so far */
    bool handed;             /* the slot before taken is in the caller's hands */
    bool stop;
    unsigned slot_count;
    struct slot *slots;
    struct crew_member *crew;
};

unsigned cli_threads(const struct cli *cli)
{
    cpu_set_t cores;
    int64_t count = cli->io.threads;
    if (!count && sched_getaffinity(0, sizeof cores, &cores) == 0)
        count = CPU_COUNT(&cores);
    return count < 1 ? 1 : count > CLI_THREADS_MAX ? CLI_THREADS_MAX : (unsigned)count;
}

/* Under the lock. */
static bool can_claim(const struct cli_pieces *pieces)
{
    return !pieces->stop && pieces->claimed < pieces->count &&
           pieces->claimed - pieces->taken + pieces->handed < pieces->slot_count;
}

/* Under the lock, which is given back meanwhile. */
static void do_piece(struct cli_pieces *pieces, unsigned thread)
{
    uint64_t piece = pieces->claimed++;
    struct slot *slot = &pieces->slots[piece % pieces->slot_count];
    pthread_mutex_unlock(&pieces->lock);
    tcore_buf_clear(&slot->out);
    slot->status = pieces->function(pieces->state, thread, piece, &slot->out, &slot->err);
    if (slot->status == TCORE_OK)
        slot->status = tcore_buf_status(&slot->out, &slot->err);
    pthread_mutex_lock(&pieces->lock);
    slot->done = true;
    pieces->stop |= slot->status != TCORE_OK;
    pthread_cond_broadcast(&pieces->changed);
}

static void *work(void *data)
{
    struct crew_member *member = data;
    struct cli_pieces *pieces = member->pieces;
    pthread_mutex_lock(&pieces->lock);
    while (!pieces->stop && pieces->claimed < pieces->count) {
        if (can_claim(pieces))
            do_piece(pieces, member->number);
        else
            pthread_cond_wait(&pieces->changed, &pieces->lock);
    }
    pthread_mutex_unlock(&pieces->lock);
    return NULL;
}

static void hire(struct cli_pieces *pieces, unsigned threads)
{
    sigset_t before;
    cli_block_signals(&before);
    while (pieces->threads + 1 < threads && pieces->threads + 1 < pieces->count) {
        struct crew_member *member = &pieces->crew[pieces->threads];
        *member = (struct crew_member){.pieces = pieces, .number = pieces->threads + 1};
        if (pthread_create(&member->thread, NULL, work, member) != 0)
            break; /* as many as there can be */
        pieces->threads++;
    }
    cli_restore_signals(&before);
}

enum tcore_status cli_pieces_start(struct cli_pieces **pieces, unsigned threads, uint64_t count,
                                   cli_piece_function *function, void *state,
                                   struct tcore_error *err)
{
    struct cli_pieces *p = *pieces = tcore_calloc(1, sizeof *p);
    if (!p)
        return tcore_error_nomem(err);
    p->function = function;
    p->state = state;
    p->count = count;
    p->slot_count = threads * SLOTS_PER_THREAD;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    p->slots = tcore_calloc(p->slot_count, sizeof *p->slots);
    p->crew = tcore_calloc(threads, sizeof *p->crew);
    if (!p->slots || !p->crew) {
        cli_pieces_end(p);
        *pieces = NULL;
        return tcore_error_nomem(err);
    }
    hire(p, threads);
    return TCORE_OK;
}

/* Under the lock: waits for the next piece, working meanwhile. */
static struct slot *wait_for_next(struct cli_pieces *pieces)
{
    struct slot *slot = &pieces->slots[pieces->taken % pieces->slot_count];
    while (!slot->done) {
        if (can_claim(pieces))
            do_piece(pieces, 0);
        else if (pieces->claimed > pieces->taken)
            pthread_cond_wait(&pieces->changed, &pieces->lock);
        else
            return NULL; /* stopped by the failure of a piece before */
    }
    return slot;
}

enum tcore_status cli_pieces_next(struct cli_pieces *pieces, struct tcore_buf **out,
                                  struct tcore_error *err)
{
    enum tcore_status status = TCORE_EOF;
    pthread_mutex_lock(&pieces->lock);
    if (pieces->handed) {
        pieces->slots[(pieces->taken - 1) % pieces->slot_count].done = false;
        pieces->handed = false;
        pthread_cond_broadcast(&pieces->changed);
    }
    struct slot *slot = pieces->taken < pieces->count ? wait_for_next(pieces) : NULL;
    if (slot) {
        pieces->taken++;
        pieces->handed = true;
        *out = &slot->out;
        status = slot->status;
        if (status != TCORE_OK)
            *err = slot->err;
    }
    pthread_mutex_unlock(&pieces->lock);
    return status;
}

void cli_pieces_end(struct cli_pieces *pieces)
{
    if (!pieces)
        return;
    pthread_mutex_lock(&pieces->lock);
    pieces->stop = true;
    pthread_cond_broadcast(&pieces->changed);
    pthread_mutex_unlock(&pieces->lock);
    for (unsigned i = 0; i < pieces->threads; i++)
        pthread_join(pieces->crew[i].thread, NULL);
    for (unsigned i = 0; pieces->slots && i < pieces->slot_count; i++)
        tcore_buf_free(&pieces->slots[i].out);
    pthread_cond_destroy(&pieces->changed);
    pthread_mutex_destroy(&pieces->lock);
    tcore_free(pieces->slots);
    tcore_free(pieces->crew);
    tcore_free(pieces);
}

enum tcore_status cli_pieces_do(unsigned threads, uint64_t count, cli_piece_function *function,
                                void *state, struct tcore_error *err)
{
    struct cli_pieces *pieces;
    struct tcore_buf *out;
    enum tcore_status status = cli_pieces_start(&pieces, threads, count, function, state, err);
    while (status == TCORE_OK)
        status = cli_pieces_next(pieces, &out, err);
    cli_pieces_end(pieces);
    return status == TCORE_EOF ? TCORE_OK : status;
}
