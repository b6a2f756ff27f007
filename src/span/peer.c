/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of what a client calls, from attributes of OpenTelemetry's semantic conventions, those of
 * today before those of earlier versions. */
#include <config.h>

#include "span/service_map.h"

#include <string.h>

struct peer_attribute {
    const char *key;
    enum edge_kind kind;
    bool url; /* its host is the name */
};

/* What the caller calls the service comes first, a kind of system before a host's name. */
static const struct peer_attribute attributes[] = {
    {"service.peer.name", EDGE_EXTERNAL, false}, {"peer.service", EDGE_EXTERNAL, false},
    {"db.system.name", EDGE_DATABASE, false},    {"db.system", EDGE_DATABASE, false},
    {"messaging.system", EDGE_MESSAGING, false}, {"gen_ai.provider.name", EDGE_EXTERNAL, false},
    {"gen_ai.system", EDGE_EXTERNAL, false},     {"server.address", EDGE_EXTERNAL, false},
    {"net.peer.name", EDGE_EXTERNAL, false},     {"peer.hostname", EDGE_EXTERNAL, false},
    {"peer.address", EDGE_EXTERNAL, false},      {"http.host", EDGE_EXTERNAL, false},
    {"url.full", EDGE_EXTERNAL, true},           {"http.url", EDGE_EXTERNAL, true},
    {"rpc.service", EDGE_EXTERNAL, false},
};

static const char *end_of(const char *at, const char *end, const char *stops)
{
    while (at < end && !strchr(stops, *at))
        at++;
    return at;
}

/* The host of scheme://user@host:port/path; nothing if it has none. */
static struct tcore_slice host_of(struct tcore_slice url)
{
    const char *end = url.data + url.length;
    const char *colon = end_of(url.data, end, ":/?#");
    if (end - colon < 3 || memcmp(colon, "://", 3) != 0)
        return (struct tcore_slice){0};
    const char *host = colon + 3, *stop = end_of(host, end, "/?#");
    for (const char *at = host; at < stop; at++)
        if (*at == '@')
            host = at + 1;
    bool bracket = host < stop && *host == '[';
    const char *behind = bracket ? end_of(host, stop, "]") : end_of(host, stop, ":");
    behind += bracket && behind < stop;
    return (struct tcore_slice){host, (size_t)(behind - host)};
}

struct tcore_slice peer_name(const struct tcore_json *span, enum edge_kind *kind)
{
    uint32_t bag = tcore_json_find(span, 0, "attributes");
    for (size_t i = 0; bag && i < sizeof attributes / sizeof *attributes; i++) {
        uint32_t at = tcore_json_find(span, bag, attributes[i].key);
        const struct tcore_value *value = &span->node[at].value;
        if (!at || value->kind != TCORE_STRING)
            continue;
        struct tcore_slice name = {value->s, value->len};
        if (attributes[i].url)
            name = host_of(name);
        if (!name.length)
            continue;
        *kind = attributes[i].kind;
        return name;
    }
    return (struct tcore_slice){0};
}
