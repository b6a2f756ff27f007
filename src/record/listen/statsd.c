/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/statsd.h"

#include "base/sys.h"
#include "record/listen/peers.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKETS      64         /* that are taken by one call */
#define PACKET_BYTES (64 << 10) /* no datagram is longer */
#define BUFFER_BYTES (8 << 20)  /* the kernel's, if it lets us have so much */
#define BATCH_BYTES  (64 << 10) /* of lines that are decoded at once */
#define BATCH_NS     INT64_C(200000000)
#define BATCH_RUNS   1024                 /* of packets, each from one sender */
#define OPEN_BATCHES 64                   /* that are decoded, or wait for that */
#define DROPS_NS     INT64_C(60000000000) /* between two notes of them */

/* Packets of one sender in a row. */
struct run {
    struct listen_peer peer;
    uint64_t first_line;
};

struct batch {
    struct listen_request request; /* the first member: it comes back as this */
    uint64_t lines, packets;
    int64_t since_ns;
    size_t runs;
    struct run run[BATCH_RUNS];
};

struct listen_statsd {
    struct listen_statsd_options options;
    int wake_fd; /* of the thread */
    pthread_t thread;
    bool started;
    bool closing; /* atomic */
    struct batch *batch;
    struct mmsghdr message[PACKETS];
    struct iovec part[PACKETS];
    struct sockaddr_storage from[PACKETS];
    char *data;           /* of packets */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t done;
    struct listen_statsd_counts counts;
    unsigned open_batches;
    bool receiving;
    struct listen_peers peers;
    struct tcore_buf notes;
    uint32_t kernel_drops; /* as it counts them */
    int64_t told_drops_ns;
    uint64_t told_drops;
};

static const struct listen_route route = {
    .path = "", .signal = IMPORT_ANY, .types = {{"text/plain", "statsd", false}}};

/* ---- what becomes of a batch ---- */

static void drop_body(struct listen_request *request)
{
    tcore_buf_free(&request->body);
}

/* The sender of a line. */
static const struct listen_peer *sender_of(const struct batch *b, uint64_t line)
{
    size_t i = 0;
    while (i + 1 < b->runs && b->run[i + 1].first_line <= line)
        i++;
    return &b->run[i].peer;
}

/* The lock is held. */
static void tell_rejects(struct listen_statsd *s, const struct batch *b)
{
    const struct listen_decode_reject *list = (const void *)b->request.rejects.data;
    size_t count = b->request.rejects.length / sizeof *list;
    char peer[LISTEN_PEER_BYTES];
    for (size_t i = 0, same; i < count; i += same) {
        const struct listen_peer *from = sender_of(b, list[i].line);
        same = 1;
        while (i + same < count && sender_of(b, list[i + same].line) == from)
            same++;
        uint64_t lines = same;
        if (!listen_peers_tell(&s->peers, from, tcore_sys()->monotonic_ns(), &lines))
            continue;
        listen_peer_text(from, peer);
        tcore_buf_printf(&s->notes, "StatsD from %s: %s", peer, list[i].reason);
        if (lines > 1)
            tcore_buf_printf(&s->notes, " (one of %" PRIu64 " bad lines)", lines);
        tcore_buf_putc(&s->notes, '\n');
    }
}

/* Nobody can be asked to send it again. The lock is held. */
static void tell_loss(struct listen_statsd *s, const struct batch *b)
{
    static const struct listen_peer nobody;
    uint64_t count = 1;
    s->counts.lost += b->packets;
    if (listen_peers_tell(&s->peers, &nobody, tcore_sys()->monotonic_ns(), &count))
        tcore_buf_printf(&s->notes, "%" PRIu64 " StatsD packet%s lost: %s\n", b->packets,
                         b->packets == 1 ? " was" : "s were", b->request.reason);
}

static void answer(struct listen_request *request)
{
    struct batch *b = (struct batch *)request;
    struct listen_statsd *s = request->of;
    uint64_t one = 1;
    pthread_mutex_lock(&s->lock);
    s->counts.bad_lines += request->rejected;
    tell_rejects(s, b);
    if (request->status == LISTEN_OK)
        s->counts.records += request->record_count;
    else
        tell_loss(s, b);
    bool last = --s->open_batches == 0;
    pthread_cond_signal(&s->done);
    pthread_mutex_unlock(&s->lock);
    tcore_buf_free(&request->body);
    tcore_buf_free(&request->records);
    tcore_buf_free(&request->rejects);
    tcore_free(b);
    if (last && write(s->options.idle_fd, &one, sizeof one) < 0)
        return; /* it is readable already */
}

static const struct listen_server server = {drop_body, answer};

/* ---- batches ---- */

static struct batch *begin(struct listen_statsd *s)
{
    struct batch *b = tcore_malloc(sizeof *b);
    if (!b)
        return NULL;
    b->request = (struct listen_request){.server = &server,
                                         .of = s,
                                         .route = &route,
                                         .type = &route.types[0],
                                         .at_ns = tcore_sys()->wall_ns(),
                                         .dogstatsd = s->options.dogstatsd,
                                         .lists_rejects = true};
    b->lines = b->packets = b->runs = 0;
    b->since_ns = tcore_sys()->monotonic_ns();
    return b;
}

/* Waits while too many are under way; meanwhile packets wait in the socket. */
static void hand_on(struct listen_statsd *s)
{
    struct batch *b = s->batch;
    s->batch = NULL;
    pthread_mutex_lock(&s->lock);
    while (s->open_batches >= OPEN_BATCHES)
        pthread_cond_wait(&s->done, &s->lock);
    s->open_batches++;
    pthread_mutex_unlock(&s->lock);
    if (b->request.body.failed) {
        listen_refuse(&b->request, LISTEN_UNAVAILABLE, "out of memory");
        answer(&b->request);
    } else {
        listen_queue_put(s->options.bodies, &b->request);
    }
}

static bool is_due(const struct batch *b)
{
    return b && (b->request.body.length >= BATCH_BYTES || b->runs == BATCH_RUNS ||
                 tcore_sys()->monotonic_ns() - b->since_ns >= BATCH_NS);
}

static uint64_t count_lines(const char *data, size_t length)
{
    uint64_t count = 0;
    const char *end = data + length;
    for (; (data = memchr(data, '\n', (size_t)(end - data))); data++)
        count++;
    return count;
}

static void add_packet(struct batch *b, const struct listen_peer *peer, const char *data,
                       size_t length)
{
    struct tcore_buf *body = &b->request.body;
    if (!b->runs || !listen_peer_is(&b->run[b->runs - 1].peer, peer))
        b->run[b->runs++] = (struct run){*peer, b->lines + 1};
    tcore_buf_append(body, data, length);
    b->lines += count_lines(data, length);
    if (data[length - 1] != '\n') {
        tcore_buf_putc(body, '\n');
        b->lines++;
    }
    b->packets++;
}

/* ---- receiving ---- */

static void count_lost(struct listen_statsd *s, uint64_t *count)
{
    pthread_mutex_lock(&s->lock);
    ++*count;
    pthread_mutex_unlock(&s->lock);
}

static void take_packet(struct listen_statsd *s, unsigned i)
{
    const struct listen_peer peer = listen_peer_of(&s->from[i]);
    size_t length = s->message[i].msg_len;
    if (length > s->options.packet_bytes) {
        count_lost(s, &s->counts.too_long);
        return;
    }
    bool full = s->batch && s->batch->request.body.length + length + 1 > BATCH_BYTES;
    if (full || is_due(s->batch))
        hand_on(s);
    if (length && !s->batch && !(s->batch = begin(s)))
        count_lost(s, &s->counts.lost);
    else if (length)
        add_packet(s->batch, &peer, s->data + (size_t)i * PACKET_BYTES, length);
}

/* Takes what is there; the bytes of it, 0 if there was nothing. */
static size_t receive(struct listen_statsd *s)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < PACKETS; i++)
        s->message[i].msg_hdr.msg_namelen = sizeof s->from[i];
    int count = recvmmsg(s->options.socket, s->message, PACKETS, MSG_DONTWAIT, NULL);
    if (count <= 0)
        return 0;
    pthread_mutex_lock(&s->lock);
    s->counts.packets += (uint64_t)count;
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < (unsigned)count; i++) {
        bytes += s->message[i].msg_len + 1;
        take_packet(s, i);
    }
    return bytes;
}

/* Waits for a packet, the end, or the time of the batch. */
static void wait_for_packets(struct listen_statsd *s)
{
    struct pollfd fds[] = {{.fd = s->options.socket, .events = POLLIN},
                           {.fd = s->wake_fd, .events = POLLIN}};
    int64_t left_ns = s->batch ? BATCH_NS - (tcore_sys()->monotonic_ns() - s->batch->since_ns) : 0;
    int wait_ms = !s->batch ? -1 : left_ns > 0 ? (int)(left_ns / 1000000) + 1 : 0;
    (void)tcore_sys()->poll(fds, 2, wait_ms);
}

static void *work(void *argument)
{
    struct listen_statsd *s = argument;
    size_t behind = 0; /* bytes since the end was asked for: a sender may go on and on */
    for (;;) {
        bool closing = __atomic_load_n(&s->closing, __ATOMIC_ACQUIRE);
        size_t bytes = receive(s);
        behind += closing ? bytes : 0;
        if (closing && (!bytes || behind > 2 * BUFFER_BYTES))
            break;
        if (is_due(s->batch))
            hand_on(s);
        if (!bytes)
            wait_for_packets(s);
    }
    if (s->batch)
        hand_on(s);
    pthread_mutex_lock(&s->lock);
    s->receiving = false;
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* What the kernel had no room for, and what was damaged on the way. SO_RXQ_OVFL says the same of
 * packets that come afterwards, and so nothing of the last ones. The lock is held. */
static uint64_t count_drops(struct listen_statsd *s)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof info;
    if (getsockopt(s->options.socket, SOL_SOCKET, SO_MEMINFO, info, &length) == 0) {
        s->counts.dropped += info[SK_MEMINFO_DROPS] - s->kernel_drops;
        s->kernel_drops = info[SK_MEMINFO_DROPS];
    }
    return s->counts.dropped;
}

static int buffer_bytes(int fd)
{
    int bytes = 0;
    socklen_t length = sizeof bytes;
    (void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &length);
    return bytes / 2; /* the kernel doubles it, for what it needs itself */
}

/* Only the administrator may have more than net.core.rmem_max. */
static void make_room(int fd)
{
    const int bytes = BUFFER_BYTES;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (buffer_bytes(fd) < bytes)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
}

/* ---- the server ---- */

static enum tcore_status prepare(struct listen_statsd *s, struct tcore_error *err)
{
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->data = tcore_reallocarray(NULL, PACKETS, PACKET_BYTES);
    if (s->wake_fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "no event descriptor");
    if (!s->data)
        return tcore_error_nomem(err);
    for (unsigned i = 0; i < PACKETS; i++) {
        s->part[i] = (struct iovec){s->data + (size_t)i * PACKET_BYTES, PACKET_BYTES};
        s->message[i].msg_hdr =
            (struct msghdr){.msg_name = &s->from[i], .msg_iov = &s->part[i], .msg_iovlen = 1};
    }
    make_room(s->options.socket);
    int error = pthread_create(&s->thread, NULL, work, s);
    s->started = s->receiving = error == 0;
    return error ? tcore_error_errno(err, TCORE_FATAL, error, "cannot start a thread") : TCORE_OK;
}

enum tcore_status listen_statsd_start(struct listen_statsd **result,
                                      const struct listen_statsd_options *options,
                                      struct tcore_error *err)
{
    struct listen_statsd *s = *result = tcore_calloc(1, sizeof *s);
    if (!s)
        return tcore_error_nomem(err);
    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->done, NULL);
    return prepare(s, err);
}

void listen_statsd_close(struct listen_statsd *s)
{
    uint64_t one = 1;
    if (!s)
        return;
    __atomic_store_n(&s->closing, true, __ATOMIC_RELEASE);
    if (write(s->wake_fd, &one, sizeof one) < 0)
        return; /* it is readable already */
}

struct listen_statsd_counts listen_statsd_counts(struct listen_statsd *s)
{
    struct listen_statsd_counts counts = {0};
    if (!s)
        return counts;
    pthread_mutex_lock(&s->lock);
    count_drops(s);
    counts = s->counts;
    counts.open = s->receiving || s->open_batches;
    pthread_mutex_unlock(&s->lock);
    return counts;
}

/* Drops, when there are more than were told and the last note is not too near. */
static void tell_drops(struct listen_statsd *s)
{
    uint64_t dropped = count_drops(s);
    int64_t now_ns = tcore_sys()->monotonic_ns();
    if (dropped == s->told_drops || (s->told_drops_ns && now_ns - s->told_drops_ns < DROPS_NS))
        return;
    tcore_buf_printf(&s->notes,
                     "%" PRIu64 " StatsD packets found no room in the kernel's buffer of %d KiB "
                     "(sysctl net.core.rmem_max says how large it may be)\n",
                     dropped - s->told_drops, buffer_bytes(s->options.socket) >> 10);
    s->told_drops = dropped;
    s->told_drops_ns = now_ns;
}

void listen_statsd_take_notes(struct listen_statsd *s, struct tcore_buf *lines)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    tell_drops(s);
    tcore_buf_append(lines, s->notes.data, s->notes.length);
    tcore_buf_clear(&s->notes);
    pthread_mutex_unlock(&s->lock);
}

void listen_statsd_stop(struct listen_statsd *s)
{
    if (!s)
        return;
    listen_statsd_close(s);
    if (s->started)
        pthread_join(s->thread, NULL);
    if (s->options.socket >= 0)
        tcore_sys()->close(s->options.socket);
    if (s->wake_fd >= 0)
        tcore_sys()->close(s->wake_fd);
    tcore_buf_free(&s->notes);
    tcore_free(s->data);
    pthread_cond_destroy(&s->done);
    pthread_mutex_destroy(&s->lock);
    tcore_free(s);
}
