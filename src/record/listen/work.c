/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/work.h"

#include "base/sys.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void keep_failure(struct listen_workers *all, const char *text)
{
    pthread_mutex_lock(&all->lock);
    all->failures++;
    snprintf(all->failure, sizeof all->failure, "%s", text);
    pthread_mutex_unlock(&all->lock);
}

/* Takes the rules that hold now. */
static enum tcore_status follow_rules(struct listen_worker *w, struct tcore_error *err)
{
    struct listen_workers *all = w->all;
    struct listen_rules *other = NULL;
    pthread_mutex_lock(&all->lock);
    if (all->rules != w->applier.rules)
        other = listen_rules_use(all->rules);
    pthread_mutex_unlock(&all->lock);
    return other ? listen_applier_take(&w->applier, other, err) : TCORE_OK;
}

static void apply_rules(struct listen_worker *w, struct listen_request *request)
{
    struct tcore_error err = {0};
    enum tcore_status status = follow_rules(w, &err);
    if (status == TCORE_OK)
        status = listen_apply(&w->applier, request, &err);
    if (status == TCORE_OK)
        return;
    listen_refuse(request, LISTEN_INTERNAL, "its records cannot be stored as the policy wants");
    keep_failure(w->all, err.text);
}

/* False: there is no decoder any more. */
static bool decode(struct listen_worker *w, struct listen_request *request)
{
    char died[LISTEN_REASON_BYTES];
    struct tcore_error err = {0};
    bool good = listen_decode(&w->decoder, request, died, &err) == TCORE_OK;
    if (*died)
        keep_failure(w->all, died);
    if (!good)
        keep_failure(w->all, err.text);
    return good;
}

static void hand_on(struct listen_workers *all, struct listen_request *request)
{
    uint64_t one = 1;
    if (!request->status && !request->records.length)
        request->status = LISTEN_OK;
    if (request->status) {
        tcore_buf_free(&request->records);
        request->server->answer(request);
        return;
    }
    listen_queue_await_room(&all->records, all->record_bytes);
    listen_queue_put(&all->records, request);
    if (write(all->wake_fd, &one, sizeof one) < 0)
        return; /* it is readable already */
}

static void *work(void *argument)
{
    struct listen_worker *w = argument;
    struct listen_workers *all = w->all;
    struct listen_request *request;
    bool broken = false;
    while ((request = listen_queue_wait(&all->bodies))) {
        if (broken)
            listen_refuse(request, LISTEN_UNAVAILABLE, "there is no decoder");
        else
            broken = !decode(w, request);
        request->server->drop_body(request);
        if (!request->status)
            apply_rules(w, request);
        if (broken) {
            pthread_mutex_lock(&all->lock);
            all->broken = true;
            pthread_mutex_unlock(&all->lock);
        }
        hand_on(all, request);
    }
    return NULL;
}

enum tcore_status listen_workers_open(struct listen_workers *all, unsigned count, size_t body_bytes,
                                      struct listen_rules *rules, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    *all = (struct listen_workers){.body_bytes = body_bytes,
                                   .rules = listen_rules_use(rules),
                                   .lock = PTHREAD_MUTEX_INITIALIZER};
    listen_queue_open(&all->bodies);
    listen_queue_open(&all->records);
    all->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (all->wake_fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "no event descriptor");
    for (unsigned i = 0; i < count && status == TCORE_OK; i++) {
        struct listen_worker *w = &all->worker[i];
        w->all = all;
        all->count++;
        status = follow_rules(w, err);
        if (status == TCORE_OK)
            status = listen_decoder_open(&w->decoder, body_bytes, err);
    }
    return status;
}

unsigned listen_workers_layers(const struct listen_workers *all)
{
    unsigned layers = SANDBOX_WHOLE;
    for (unsigned i = 0; i < all->count; i++)
        layers &= all->worker[i].decoder.layers;
    return layers;
}

enum tcore_status listen_workers_start(struct listen_workers *all, struct tcore_error *err)
{
    for (unsigned i = 0; i < all->count; i++) {
        struct listen_worker *w = &all->worker[i];
        int error = pthread_create(&w->thread, NULL, work, w);
        if (error)
            return tcore_error_errno(err, TCORE_FATAL, error, "cannot start a thread");
        all->started++;
    }
    return TCORE_OK;
}

void listen_workers_set_rules(struct listen_workers *all, struct listen_rules *rules)
{
    pthread_mutex_lock(&all->lock);
    struct listen_rules *before = all->rules;
    all->rules = listen_rules_use(rules);
    pthread_mutex_unlock(&all->lock);
    listen_rules_drop(before);
}

struct collect_counts listen_workers_counts(const struct listen_workers *all)
{
    struct collect_counts sum = {0};
    for (unsigned i = 0; i < all->count; i++) {
        struct collect_counts counts = listen_applier_counts(&all->worker[i].applier);
        sum.dropped += counts.dropped;
        sum.unsampled += counts.unsampled;
        sum.failed += counts.failed;
    }
    return sum;
}

void listen_workers_stop(struct listen_workers *all)
{
    listen_queue_close(&all->bodies);
    for (unsigned i = 0; i < all->started; i++)
        pthread_join(all->worker[i].thread, NULL);
    all->started = 0;
}

void listen_workers_close(struct listen_workers *all)
{
    listen_workers_stop(all);
    for (unsigned i = 0; i < all->count; i++) {
        listen_decoder_close(&all->worker[i].decoder);
        listen_applier_close(&all->worker[i].applier);
    }
    listen_rules_drop(all->rules);
    if (all->wake_fd >= 0)
        tcore_sys()->close(all->wake_fd);
    listen_queue_free(&all->bodies);
    listen_queue_free(&all->records);
    pthread_mutex_destroy(&all->lock);
}
