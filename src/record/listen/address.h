/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where listen listens: ADDRESS:PORT, or PORT of the loopback address; for connections
 * (SOCK_STREAM) or packets (SOCK_DGRAM). */
#ifndef RECORD_LISTEN_ADDRESS_H
#define RECORD_LISTEN_ADDRESS_H

#include "base/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#define LISTEN_ADDRESS_BYTES 64

struct listen_address {
    struct sockaddr_storage at;
    socklen_t length;
};

/* HOST:PORT, [V6]:PORT or PORT. TCORE_BAD_INPUT: it is none of these, or the host is not known. */
enum tcore_status listen_address_parse(struct listen_address *address, const char *text,
                                       struct tcore_error *err);
/* Whether only programs of this machine can reach it. */
bool listen_address_is_local(const struct listen_address *address);
/* A socket of that type that takes what comes there; text becomes its address as it is, with the
 * port that the system chose for 0. TCORE_FATAL: the port is in use, or what else is the matter. */
enum tcore_status listen_address_open(const struct listen_address *address, int type, int *socket,
                                      char text[LISTEN_ADDRESS_BYTES], struct tcore_error *err);

#endif
