/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/metric/sockets.h"

#include "base/map.h"
#include "base/sys.h"
#include "c-ctype.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_BYTES (32 << 10)
#define LISTENING    10 /* TCP_LISTEN: such have no data */
#define REST         20 /* times as long as a look has taken is the pause behind it, if that was long */
#define LONG_NS      10000000

struct connection {
    int64_t received, sent;               /* when it was looked at last */
    int64_t before_received, before_sent; /* that do not count */
};

struct sockets {
    struct tcore_map known; /* inodes of connection[0..count) */
    struct connection *connection;
    size_t count, capacity;
    int64_t gone_received, gone_sent; /* of connections whose number was given out again */
    ino_t network;                    /* our namespace */
    bool found;                       /* some of them is TCP's */
    bool failed;
    int64_t next_ns; /* when to look again */
};

static bool network_of(const char *process, ino_t *network)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%s/ns/net", process);
    if (tcore_sys()->fstatat(AT_FDCWD, path, &st, 0) < 0)
        return false;
    *network = st.st_ino;
    return true;
}

static void remember(struct sockets *s, uint64_t inode)
{
    bool added;
    uint32_t number = tcore_map_intern(&s->known, &inode, sizeof inode, &added);
    s->failed |= number == TCORE_MAP_NONE;
    if (s->failed || !added)
        return;
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 16;
        void *connection = tcore_reallocarray(s->connection, capacity, sizeof *s->connection);
        if (!connection) {
            s->failed = true;
            return;
        }
        s->connection = connection;
        s->capacity = capacity;
    }
    s->connection[s->count++] = (struct connection){0};
}

static void remember_all(struct sockets *s, const char *process)
{
    char path[64], text[64];
    snprintf(path, sizeof path, "/proc/%s/fd", process);
    DIR *files = opendir(path);
    struct dirent *entry;
    while (files && (entry = readdir(files))) {
        ssize_t length = c_isdigit(*entry->d_name)
                             ? readlinkat(dirfd(files), entry->d_name, text, sizeof text - 1)
                             : -1;
        text[length > 0 ? length : 0] = '\0';
        if (strncmp(text, "socket:[", 8) == 0)
            remember(s, strtoull(text + 8, NULL, 10));
    }
    if (files)
        closedir(files);
}

void sockets_add(struct sockets *s, pid_t pid)
{
    char process[16];
    ino_t network;
    snprintf(process, sizeof process, "%d", (int)pid);
    if (network_of(process, &network) && network == s->network)
        remember_all(s, process);
}

/* ---- asking the kernel ---- */

static void take_connection(struct sockets *s, uint64_t inode, const struct tcp_info *info)
{
    uint32_t number = tcore_map_find(&s->known, &inode, sizeof inode);
    if (number == TCORE_MAP_NONE)
        return;
    struct connection *c = &s->connection[number];
    int64_t received = (int64_t)info->tcpi_bytes_received, sent = (int64_t)info->tcpi_bytes_acked;
    if (received < c->received || sent < c->sent) {
        s->gone_received += c->received - c->before_received;
        s->gone_sent += c->sent - c->before_sent;
        c->before_received = c->before_sent = 0;
    }
    c->received = received;
    c->sent = sent;
    s->found = true;
}

static void take_message(struct sockets *s, const struct nlmsghdr *head)
{
    const struct inet_diag_msg *message = NLMSG_DATA(head);
    int left = (int)(head->nlmsg_len - NLMSG_LENGTH(sizeof *message));
    struct tcp_info info = {0};
    for (const struct rtattr *a = (const void *)(message + 1); RTA_OK(a, left);
         a = RTA_NEXT(a, left)) {
        size_t length = RTA_PAYLOAD(a);
        if (a->rta_type != INET_DIAG_INFO)
            continue;
        memcpy(&info, RTA_DATA(a), length < sizeof info ? length : sizeof info);
        take_connection(s, message->idiag_inode, &info);
    }
}

/* Whether the answer goes on. */
static bool take_answer(struct sockets *s, const char *answer, size_t length, bool *good)
{
    const struct nlmsghdr *head = (const void *)answer;
    for (unsigned left = (unsigned)length; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
        if (head->nlmsg_type == NLMSG_DONE)
            return false;
        if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
            *good = false;
            return false;
        }
        if (head->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
            take_message(s, head);
    }
    return true;
}

/* All TCP sockets of a family. */
static bool ask(struct sockets *s, int fd, uint8_t family)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 request;
    } question = {
        .head = {.nlmsg_len = sizeof question,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = family,
                    .sdiag_protocol = IPPROTO_TCP,
                    .idiag_ext = 1 << (INET_DIAG_INFO - 1),
                    .idiag_states = ~(1u << LISTENING)},
    };
    _Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
    bool good = send(fd, &question, sizeof question, 0) == (ssize_t)sizeof question;
    ssize_t n = good ? recv(fd, answer, sizeof answer, 0) : 0;
    while (n > 0 && take_answer(s, answer, (size_t)n, &good))
        n = recv(fd, answer, sizeof answer, 0);
    return good && n > 0;
}

static bool look(struct sockets *s)
{
    const struct timeval patience = {.tv_sec = 1};
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    bool v4 = ask(s, fd, AF_INET);
    bool v6 = v4 && ask(s, fd, AF_INET6);
    tcore_sys()->close(fd);
    return v4 || v6;
}

/* A system may have a hundred thousand connections, and tells of all of them. */
static bool look_at_times(struct sockets *s)
{
    int64_t begin_ns = tcore_sys()->monotonic_ns();
    if (begin_ns < s->next_ns)
        return true;
    bool good = look(s);
    int64_t end_ns = tcore_sys()->monotonic_ns();
    s->next_ns = end_ns - begin_ns > LONG_NS ? end_ns + REST * (end_ns - begin_ns) : 0;
    return good;
}

bool sockets_take(struct sockets *s, int64_t *received, int64_t *sent)
{
    if (!s->count || s->failed || !look_at_times(s) || !s->found)
        return false;
    *received = s->gone_received;
    *sent = s->gone_sent;
    for (size_t i = 0; i < s->count; i++) {
        *received += s->connection[i].received - s->connection[i].before_received;
        *sent += s->connection[i].sent - s->connection[i].before_sent;
    }
    return true;
}

struct sockets *sockets_new(void)
{
    struct sockets *s = tcore_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->failed = tcore_map_init(&s->known) < 0 || !network_of("self", &s->network);
    if (!s->failed)
        remember_all(s, "self");
    if (s->count)
        (void)look(s);
    for (size_t i = 0; i < s->count; i++) {
        s->connection[i].before_received = s->connection[i].received;
        s->connection[i].before_sent = s->connection[i].sent;
    }
    return s;
}

void sockets_free(struct sockets *s)
{
    if (!s)
        return;
    tcore_map_free(&s->known);
    tcore_free(s->connection);
    tcore_free(s);
}
