/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sealing a segment while the next one is filled: its roll-ups, its index and the disk take as long
 * as some hundred thousand records. One at a time, in a thread of its own; what came before counts
 * as durable first.
 */
#include <config.h>

#include "record/repository/keeper.h"

#include <signal.h>

static void *seal_in_thread(void *data)
{
    struct keeper_behind *behind = data;
    behind->status = tcore_sealing_seal(&behind->sealing, &behind->err);
    __atomic_store_n(&behind->done, true, __ATOMIC_RELEASE);
    return NULL;
}

/* The thread must not take signals from those who wait for them. */
static bool start(struct keeper_behind *behind)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&behind->thread, NULL, seal_in_thread, behind) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

enum tcore_status keeper_seal_behind(struct keeper *k, uint64_t records, struct tcore_error *err)
{
    struct keeper_behind *behind = &k->behind;
    enum tcore_status status = keeper_await(k, true, err);
    if (status != TCORE_OK)
        return status;
    behind->sealing = k->sealing;
    behind->records = records;
    behind->done = false;
    k->open = false;
    k->from_logs = 0;
    behind->running = start(behind);
    if (behind->running)
        return TCORE_OK;
    seal_in_thread(behind); /* no thread to be had */
    return keeper_count_sealed(k, err);
}

enum tcore_status keeper_count_sealed(struct keeper *k, struct tcore_error *err)
{
    struct keeper_behind *behind = &k->behind;
    if (behind->status != TCORE_OK) {
        if (err)
            *err = behind->err;
        return behind->status;
    }
    k->durable += behind->records;
    k->segments++;
    return TCORE_OK;
}

enum tcore_status keeper_await(struct keeper *k, bool wait, struct tcore_error *err)
{
    struct keeper_behind *behind = &k->behind;
    if (!behind->running || (!wait && !__atomic_load_n(&behind->done, __ATOMIC_ACQUIRE)))
        return TCORE_OK;
    pthread_join(behind->thread, NULL);
    behind->running = false;
    return keeper_count_sealed(k, err);
}
