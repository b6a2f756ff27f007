/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/peers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct listen_peer listen_peer_of(const struct sockaddr_storage *address)
{
    struct listen_peer peer = {.v6 = address->ss_family == AF_INET6};
    const struct sockaddr_in *in = (const void *)address;
    const struct sockaddr_in6 *in6 = (const void *)address;
    if (peer.v6)
        memcpy(peer.address, &in6->sin6_addr, sizeof in6->sin6_addr);
    else
        memcpy(peer.address, &in->sin_addr, sizeof in->sin_addr);
    peer.port = peer.v6 ? in6->sin6_port : in->sin_port;
    return peer;
}

/* Programs of a machine are one sender: each packet of some comes from a port of its own. */
static bool same_address(const struct listen_peer *a, const struct listen_peer *b)
{
    return a->v6 == b->v6 && memcmp(a->address, b->address, sizeof a->address) == 0;
}

bool listen_peer_is(const struct listen_peer *a, const struct listen_peer *b)
{
    return same_address(a, b) && a->port == b->port;
}

void listen_peer_text(const struct listen_peer *peer, char text[LISTEN_PEER_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "?";
    (void)inet_ntop(peer->v6 ? AF_INET6 : AF_INET, peer->address, host, sizeof host);
    snprintf(text, LISTEN_PEER_BYTES, peer->v6 ? "[%s]:%u" : "%s:%u", host, ntohs(peer->port));
}

/* Its place, or that of whom was told longest ago. */
static unsigned place_of(const struct listen_peers *p, const struct listen_peer *peer)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < LISTEN_PEERS; i++) {
        if (p->known[i].told_ns && same_address(&p->known[i].peer, peer))
            return i;
        if (p->known[i].told_ns < p->known[oldest].told_ns)
            oldest = i;
    }
    return oldest;
}

/* Whether there is something left of what may be told of all. */
static bool may_tell(struct listen_peers *p, int64_t now_ns)
{
    if (!p->told || now_ns - p->since_ns >= LISTEN_PEERS_NS) {
        p->since_ns = now_ns;
        p->told = 0;
    }
    return p->told < LISTEN_PEERS_TOLD;
}

bool listen_peers_tell(struct listen_peers *p, const struct listen_peer *peer, int64_t now_ns,
                       uint64_t *lines)
{
    unsigned i = place_of(p, peer);
    bool known = p->known[i].told_ns && same_address(&p->known[i].peer, peer);
    if (known)
        p->known[i].lines += *lines;
    if ((known && now_ns - p->known[i].told_ns < LISTEN_PEERS_NS) || !may_tell(p, now_ns))
        return false;
    p->told++;
    *lines = known ? p->known[i].lines : *lines;
    p->known[i].peer = *peer;
    p->known[i].told_ns = now_ns;
    p->known[i].lines = 0;
    return true;
}
