/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zipkin's JSON, version 2: an array of spans. Addresses and the peer's service come out of
 * attributes into endpoints, as import puts them there; other attributes of the resource are tags
 * beside those of the span. Values of tags are texts.
 */
#include <config.h>

#include "record/export/array.h"
#include "record/export/tags.h"

#include <arpa/inet.h>
#include <string.h>

/* Attributes that have a place of their own. */
enum {
    SPECIAL_PEER,
    SPECIAL_PEER_ADDRESS,
    SPECIAL_PEER_PORT,
    SPECIAL_LOCAL_ADDRESS,
    SPECIAL_LOCAL_PORT,
    SPECIAL_DEBUG,
    SPECIAL_SHARED,
    SPECIAL_COUNT
};
static const char *const specials[SPECIAL_COUNT] = {
    "peer.service",       "network.peer.address", "network.peer.port", "network.local.address",
    "network.local.port", "zipkin.debug",         "zipkin.shared"};

static bool is_true(const struct export_record *record, uint32_t node)
{
    return export_value(record, node)->kind == TCORE_TRUE;
}

/* A port is a number of 16 bits. */
static bool is_port(const struct export_record *record, uint32_t node)
{
    int64_t port;
    return export_value(record, node)->kind == TCORE_INT && export_int64(record, node, &port) &&
           port > 0 && port <= 65535;
}

/* What Zipkin reads as one: it refuses the whole list because of one that is none. */
static bool is_address(const struct export_record *record, uint32_t node)
{
    const struct tcore_value *v = export_value(record, node);
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];
    if (!export_is_text(record, node) || v->len >= sizeof text || memchr(v->s, '\0', v->len))
        return false;
    memcpy(text, v->s, v->len);
    text[v->len] = '\0';
    return inet_pton(memchr(text, ':', v->len) ? AF_INET6 : AF_INET, text, address) == 1;
}

static bool fits(const struct export_record *record, unsigned special, uint32_t node)
{
    switch (special) {
    case SPECIAL_PEER:
        return export_is_text(record, node);
    case SPECIAL_PEER_ADDRESS:
    case SPECIAL_LOCAL_ADDRESS:
        return is_address(record, node);
    case SPECIAL_PEER_PORT:
    case SPECIAL_LOCAL_PORT:
        return is_port(record, node);
    default:
        return is_true(record, node);
    }
}

static void find_specials(struct export_record *record, uint32_t map, uint32_t at[SPECIAL_COUNT])
{
    for (unsigned i = 0; i < SPECIAL_COUNT; i++) {
        uint32_t node = map ? tcore_json_find(&record->json, map, specials[i]) : 0;
        at[i] = node && fits(record, i, node) ? node : 0;
    }
}

static void put_endpoint(struct export_record *record, struct tcore_buf *out, const char *label,
                         uint32_t service, uint32_t address, uint32_t port)
{
    const struct tcore_value *v = export_value(record, address);
    const char *open = "{";
    if (!service && !address && !port)
        return;
    tcore_buf_puts(out, label);
    if (service)
        export_put_string(record, out, "{\"serviceName\":", service);
    open = service ? "," : open;
    tcore_buf_puts(out, address ? open : "");
    if (address)
        export_put_string(record, out,
                          memchr(v->s, ':', v->len) ? "\"ipv6\":" : "\"ipv4\":", address);
    open = address ? "," : open;
    tcore_buf_puts(out, port ? open : "");
    if (port)
        export_put_string(record, out, "\"port\":", port);
    tcore_buf_putc(out, '}');
}

static void put_tag(struct export_record *record, struct tcore_buf *out, const char *key,
                    size_t length, const struct tcore_value *v)
{
    if (v->kind == TCORE_NULL) {
        export_lost(record, "nulls");
        return;
    }
    if (out->length && out->data[out->length - 1] != '{')
        tcore_buf_putc(out, ',');
    tcore_json_write_string(out, key, length);
    tcore_buf_putc(out, ':');
    if (v->kind == TCORE_STRING) {
        tcore_json_write_value(out, v);
        return;
    }
    struct tcore_buf *text = &record->scratch;
    tcore_buf_clear(text);
    tcore_json_write_value(text, v);
    tcore_json_write_string(out, text->data, text->length);
    out->failed |= text->failed;
}

/* --- spans --- */

/* Whether it is in an endpoint, or a member. */
static bool is_special(const uint32_t *special, uint32_t value)
{
    for (unsigned i = 0; i < SPECIAL_COUNT; i++)
        if (special[i] == value)
            return true;
    return false;
}

static void put_attributes(struct export_record *record, const uint32_t *at,
                           const uint32_t *special, unsigned done, struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    uint32_t map = at[SPAN_ATTRIBUTES];
    for (uint32_t k = map + 1; map && k < tape[map].next; k = tape[k + 1].next) {
        const struct tcore_value *v = &tape[k + 1].value;
        if (is_special(special, k + 1) || !export_may_put_tag(record, k, done))
            continue;
        if (v->kind != TCORE_STRING && v->kind != TCORE_NULL)
            export_lost(record, "types of attributes (now texts)");
        put_tag(record, out, tape[k].value.s, tape[k].value.len, v);
    }
}

/* What the resource has besides the service, unless the span has it. Nothing tells it from
 * attributes then. */
static void put_resource(struct export_record *record, const uint32_t *at, bool service,
                         unsigned done, struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    uint32_t map = at[SPAN_RESOURCE], attributes = at[SPAN_ATTRIBUTES];
    for (uint32_t k = map + 1; map && k < tape[map].next; k = tape[k + 1].next) {
        const struct tcore_value *key = &tape[k].value;
        if (service && export_text_is(record, k, "service.name"))
            continue;
        export_lost(record, "resource (now tags)");
        if (!attributes || !tcore_json_find_n(&record->json, attributes, key->s, key->len)) {
            if (export_may_put_tag(record, k, done))
                put_tag(record, out, key->s, key->len, &tape[k + 1].value);
        } else {
            export_lost(record, "resource");
        }
    }
}

/* What has no time is left out: the whole list would be refused. */
static void put_annotations(struct export_record *record, uint32_t list, struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    bool begun = false;
    for (uint32_t e = list + 1; list && e < tape[list].next; e = tape[e].next) {
        uint32_t at[EVENT_COUNT];
        int64_t us;
        export_collect(record, &export_event_keys, e, "events", at);
        if (at[EVENT_ATTRIBUTES])
            export_lost(record, "events.attributes");
        if (at[EVENT_DROPPED])
            export_lost(record, "events.droppedAttributesCount");
        if (!export_micros(record, at[EVENT_TIME], "events.timeUnixNano", &us) || !us) {
            export_lost(record, "events without a time");
            continue;
        }
        export_put_int(out, begun ? ",{\"timestamp\":" : ",\"annotations\":[{\"timestamp\":", us);
        begun = true;
        if (at[EVENT_NAME])
            export_put_string(record, out, ",\"value\":", at[EVENT_NAME]);
        tcore_buf_puts(out, at[EVENT_NAME] ? "}" : ",\"value\":\"\"}");
    }
    tcore_buf_puts(out, begun ? "]" : "");
}

/* Zipkin has no kind for what is neither side of a call: that is a tag. */
static bool put_kind(struct export_record *record, uint32_t node, struct tcore_buf *out)
{
    static const char *const kinds[] = {"", "", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"};
    int kind = node ? export_word(record, node, export_span_kinds, 6) : 0;
    if (kind < 2)
        return false;
    tcore_buf_puts(out, ",\"kind\":\"");
    tcore_buf_puts(out, kinds[kind]);
    tcore_buf_putc(out, '"');
    return true;
}

static void put_times(struct export_record *record, const uint32_t *at, struct tcore_buf *out)
{
    int64_t us;
    if (export_micros(record, at[SPAN_START], "startTimeUnixNano", &us))
        export_put_int(out, ",\"timestamp\":", us);
    if (!export_duration_micros(record, at, &us))
        return;
    if (!us) /* there a duration is at least 1 */
        export_lost(record, "nanoseconds");
    export_put_int(out, ",\"duration\":", us ? us : 1);
}

static void put_span(struct export_record *record, struct tcore_buf *out)
{
    uint32_t at[SPAN_COUNT], special[SPECIAL_COUNT];
    int64_t flags;
    export_collect(record, &export_span_keys, 0, NULL, at);
    find_specials(record, at[SPAN_ATTRIBUTES], special);
    uint32_t service = export_service(record, at[SPAN_SERVICE], at[SPAN_RESOURCE]);
    export_put_string(record, out, ",\n{\"traceId\":", at[SPAN_TRACE]);
    export_put_string(record, out, ",\"id\":", at[SPAN_SPAN]);
    if (at[SPAN_PARENT])
        export_put_string(record, out, ",\"parentId\":", at[SPAN_PARENT]);
    export_put_string(record, out, ",\"name\":", at[SPAN_NAME]);
    bool kind = put_kind(record, at[SPAN_KIND], out);
    put_times(record, at, out);
    put_endpoint(record, out, ",\"localEndpoint\":", service, special[SPECIAL_LOCAL_ADDRESS],
                 special[SPECIAL_LOCAL_PORT]);
    put_endpoint(record, out, ",\"remoteEndpoint\":", special[SPECIAL_PEER],
                 special[SPECIAL_PEER_ADDRESS], special[SPECIAL_PEER_PORT]);
    put_annotations(record, at[SPAN_EVENTS], out);
    tcore_buf_puts(out, special[SPECIAL_DEBUG] ? ",\"debug\":true" : "");
    tcore_buf_puts(out, special[SPECIAL_SHARED] ? ",\"shared\":true" : "");
    tcore_buf_puts(out, ",\"tags\":{");
    unsigned done = export_put_field_tags(record, at, !kind, out, put_tag);
    put_attributes(record, at, special, done, out);
    put_resource(record, at, service, done, out);
    tcore_buf_puts(out, "}}");
    if (at[SPAN_LINKS])
        export_lost(record, "links");
    if (at[SPAN_FLAGS] && (!export_int64(record, at[SPAN_FLAGS], &flags) || flags))
        export_lost(record, "flags");
}

static int run(struct cli *cli, const struct export_options *options, int argc, char **argv)
{
    static const struct export_array_format zipkin = {"Zipkin", 1u << TCORE_RECORD_SPAN, put_span};
    (void)options;
    return export_array(cli, &zipkin, argc, argv);
}

const struct export_format export_zipkin = {"zipkin", run};
