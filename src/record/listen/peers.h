/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose bad lines are told of: those of a sender once a minute, and of all of them ten a minute, as
 * who sends one bad packet sends thousands, and an address is easily made up.
 */
#ifndef RECORD_LISTEN_PEERS_H
#define RECORD_LISTEN_PEERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define LISTEN_PEERS      64 /* that are known at a time */
#define LISTEN_PEERS_TOLD 10
#define LISTEN_PEERS_NS   INT64_C(60000000000)
#define LISTEN_PEER_BYTES 64

struct listen_peer {
    uint8_t address[16]; /* of version 4: the first four */
    uint16_t port;       /* in network byte order */
    bool v6;
};

struct listen_peers {
    struct {
        struct listen_peer peer;
        int64_t told_ns; /* 0: nobody is here */
        uint64_t lines;  /* bad ones since */
    } known[LISTEN_PEERS];
    int64_t since_ns; /* of told */
    unsigned told;
};

struct listen_peer listen_peer_of(const struct sockaddr_storage *address);
bool listen_peer_is(const struct listen_peer *a, const struct listen_peer *b);
/* ADDRESS:PORT */
void listen_peer_text(const struct listen_peer *peer, char text[LISTEN_PEER_BYTES]);
/* A sender has sent so many bad lines. Whether to tell of them; then lines becomes how many there
 * were since it was told last. */
bool listen_peers_tell(struct listen_peers *peers, const struct listen_peer *peer, int64_t now_ns,
                       uint64_t *lines);

#endif
