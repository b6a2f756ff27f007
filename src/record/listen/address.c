/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/address.h"

#include "base/sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define BACKLOG 1024

/* The two parts of an address; false: it has not this form. */
static bool split(const char *text, char *host, size_t size, const char **port)
{
    const char *colon = strrchr(text, ':');
    const char *begin = text, *end = colon ? colon : text;
    *port = colon ? colon + 1 : text;
    if (colon && *begin == '[' && end > begin + 1 && end[-1] == ']') {
        begin++;
        end--;
    } else if (memchr(begin, ':', (size_t)(end - begin)) ||
               memchr(begin, '[', (size_t)(end - begin))) {
        return false;
    }
    if (colon && begin == end)
        return false;
    int length = snprintf(host, size, "%.*s", (int)(end - begin), colon ? begin : "");
    if (!colon)
        length = snprintf(host, size, "127.0.0.1");
    size_t digits = strspn(*port, "0123456789");
    return (size_t)length < size && digits && digits <= 5 && !(*port)[digits];
}

enum tcore_status listen_address_parse(struct listen_address *address, const char *text,
                                       struct tcore_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    const char *port;
    char host[256];
    if (!split(text, host, sizeof host, &port))
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "'%.100s' is no address (127.0.0.1:4318, [::1]:4318, 4318)", text);
    int reason = strlen(port) == 5 && strcmp(port, "65535") > 0
                     ? EAI_SERVICE
                     : getaddrinfo(host, port, &hints, &found);
    if (reason)
        return tcore_error_set(err, TCORE_BAD_INPUT, "'%.100s': %s", text, gai_strerror(reason));
    memcpy(&address->at, found->ai_addr, found->ai_addrlen);
    address->length = found->ai_addrlen;
    freeaddrinfo(found);
    return TCORE_OK;
}

bool listen_address_is_local(const struct listen_address *address)
{
    if (address->at.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&address->at;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *in6 = (const void *)&address->at;
    const uint8_t *mapped = in6->sin6_addr.s6_addr;
    return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && mapped[12] == 127);
}

static void put_text(const struct sockaddr_storage *at, socklen_t length, char *text)
{
    char host[48] = "?", port[8] = "?";
    (void)getnameinfo((const void *)at, length, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, LISTEN_ADDRESS_BYTES, at->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
             port);
}

enum tcore_status listen_address_open(const struct listen_address *address, int type, int *result,
                                      char text[LISTEN_ADDRESS_BYTES], struct tcore_error *err)
{
    const int on = 1;
    struct sockaddr_storage at = address->at;
    socklen_t length = sizeof at;
    put_text(&at, address->length, text);
    int fd = socket(at.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot listen at %s", text);
    if (type == SOCK_STREAM) /* of what has ended; with packets two could share an address */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (const void *)&at, address->length) < 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) < 0) ||
        getsockname(fd, (void *)&at, &length) < 0) {
        int reason = errno;
        tcore_sys()->close(fd);
        return tcore_error_errno(err, TCORE_FATAL, reason, "cannot listen at %s", text);
    }
    put_text(&at, length, text);
    *result = fd;
    return TCORE_OK;
}
