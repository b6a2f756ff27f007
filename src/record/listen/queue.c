/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/request.h"

void listen_queue_open(struct listen_queue *q)
{
    *q = (struct listen_queue){.lock = PTHREAD_MUTEX_INITIALIZER,
                               .changed = PTHREAD_COND_INITIALIZER};
}

void listen_queue_free(struct listen_queue *q)
{
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
}

void listen_queue_close(struct listen_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

void listen_queue_put(struct listen_queue *q, struct listen_request *request)
{
    pthread_mutex_lock(&q->lock);
    request->next = NULL;
    if (q->last)
        q->last->next = request;
    else
        q->first = request;
    q->last = request;
    q->record_bytes += request->records.length;
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

/* Up to so many bytes; the lock is held. */
static struct listen_request *take(struct listen_queue *q, size_t record_bytes)
{
    struct listen_request *list = q->first, *last = list;
    size_t bytes = list ? list->records.length : 0;
    while (last && last->next && bytes + last->next->records.length <= record_bytes) {
        last = last->next;
        bytes += last->records.length;
    }
    if (!last)
        return NULL;
    q->first = last->next;
    q->last = q->first ? q->last : NULL;
    last->next = NULL;
    return list;
}

struct listen_request *listen_queue_wait(struct listen_queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (!q->first && !q->closed)
        pthread_cond_wait(&q->changed, &q->lock);
    struct listen_request *request = q->first;
    if (request) {
        q->first = request->next;
        q->last = q->first ? q->last : NULL;
        request->next = NULL;
    }
    pthread_mutex_unlock(&q->lock);
    return request;
}

struct listen_request *listen_queue_take(struct listen_queue *q, size_t record_bytes)
{
    pthread_mutex_lock(&q->lock);
    struct listen_request *list = take(q, record_bytes);
    pthread_mutex_unlock(&q->lock);
    return list;
}

void listen_queue_await_room(struct listen_queue *q, size_t record_bytes)
{
    pthread_mutex_lock(&q->lock);
    while (q->record_bytes >= record_bytes && !q->closed)
        pthread_cond_wait(&q->changed, &q->lock);
    pthread_mutex_unlock(&q->lock);
}

void listen_queue_release(struct listen_queue *q, size_t record_bytes)
{
    pthread_mutex_lock(&q->lock);
    q->record_bytes -= record_bytes;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}
