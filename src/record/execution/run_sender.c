/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/run_sender.h"

#include "base/sys.h"
#include "record/export/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MOST_BYTES ((size_t)1 << 20)

struct run_sender {
    struct cli *cli;
    const char *url;
    int end_fd;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct tcore_buf waiting;
    bool ending;
    uint64_t left_out; /* records */
    enum tcore_status status;
    struct tcore_error err; /* the first */
};

/* Waits for records; false: no more come. */
static bool take(struct run_sender *s, struct tcore_buf *lines)
{
    pthread_mutex_lock(&s->lock);
    while (!s->waiting.length && !s->ending)
        pthread_cond_wait(&s->changed, &s->lock);
    *lines = s->waiting;
    s->waiting = (struct tcore_buf){0};
    pthread_mutex_unlock(&s->lock);
    return lines->length > 0;
}

static void *work(void *argument)
{
    struct run_sender *s = argument;
    struct tcore_buf lines;
    struct tcore_error err;
    uint64_t one = 1;
    bool told = false;
    while (take(s, &lines)) {
        enum tcore_status status = delivery_lines(s->cli, s->url, &lines, !told, &err);
        told = true; /* it is the same of each sample */
        if (status != TCORE_OK && s->status == TCORE_OK) {
            s->status = status;
            s->err = err;
        }
        tcore_buf_free(&lines);
    }
    if (write(s->end_fd, &one, sizeof one) < 0)
        return NULL; /* it is readable already */
    return NULL;
}

struct run_sender *run_sender_new(struct cli *cli, const char *url)
{
    struct run_sender *s = tcore_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->cli = cli;
    s->url = url;
    s->status = TCORE_OK;
    s->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (s->end_fd >= 0 && pthread_create(&s->thread, NULL, work, s) == 0)
        return s;
    if (s->end_fd >= 0)
        tcore_sys()->close(s->end_fd);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    tcore_free(s);
    return NULL;
}

static uint64_t count_lines(const struct tcore_buf *lines)
{
    uint64_t count = 0;
    for (size_t i = 0; i < lines->length; i++)
        count += lines->data[i] == '\n';
    return count;
}

void run_sender_put(struct run_sender *s, const struct tcore_buf *lines)
{
    pthread_mutex_lock(&s->lock);
    if (s->waiting.length + lines->length > MOST_BYTES)
        s->left_out += count_lines(lines);
    else
        tcore_buf_append(&s->waiting, lines->data, lines->length);
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

int run_sender_end(struct run_sender *s)
{
    pthread_mutex_lock(&s->lock);
    s->ending = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return s->end_fd;
}

enum tcore_status run_sender_free(struct run_sender *s, struct tcore_error *err)
{
    pthread_join(s->thread, NULL);
    enum tcore_status status = s->status;
    *err = s->err;
    if (status == TCORE_OK && s->left_out) {
        status = tcore_error_set(err, TCORE_FATAL, "%" PRIu64 " records found no room to wait in",
                                 s->left_out);
        err->input = s->url;
    }
    tcore_sys()->close(s->end_fd);
    tcore_buf_free(&s->waiting);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    tcore_free(s);
    return status;
}
