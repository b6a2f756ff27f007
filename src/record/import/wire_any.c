/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OTLP's values on the tape. They are most of all that there is on the wire, so that they are as
 * short there as can be.
 */
#include <config.h>

#include "record/import/wire_private.h"

/* ArrayValue or KeyValueList: a list of one field. */
static bool put_values(struct tape *t, struct tcore_slice data, bool pairs)
{
    const char *at = data.data, *end = at + data.length, *reason;
    if (!enter(t, data.data) || !enter(t, data.data)) /* as JSON has an object around it */
        return false;
    uint32_t list = open_container(t, pairs ? "{" : "[");
    while (at < end) {
        struct tcore_wire_record r = {0};
        if (!has_room(t))
            return false;
        if (!tcore_wire_next(&at, end, &r, &reason))
            return breaks(t, at, reason);
        if (r.number != IMPORT_WIRE_VALUES || r.type != TCORE_WIRE_BYTES)
            continue;
        struct tcore_slice value = {r.data, r.length};
        t->json->node[list].count++;
        if (!(pairs ? import_wire_put_pair(t, value) : import_wire_put_any(t, value)))
            return false;
    }
    t->depth -= 2;
    close_container(t, list);
    return true;
}

static bool put_member(struct tape *t, const struct tcore_wire_record *r)
{
    switch (r->number << 3 | r->type) {
    case IMPORT_WIRE_ANY_STRING << 3 | TCORE_WIRE_BYTES:
        return import_wire_put_text(t, r->data, r->length);
    case IMPORT_WIRE_ANY_BOOL << 3 | TCORE_WIRE_VARINT:
        tcore_value_put(add(t), r->value ? TCORE_TRUE : TCORE_FALSE, 0, 0);
        return true;
    case IMPORT_WIRE_ANY_INT << 3 | TCORE_WIRE_VARINT:
        tcore_value_put_int(add(t), (int64_t)r->value);
        return true;
    case IMPORT_WIRE_ANY_DOUBLE << 3 | TCORE_WIRE_FIXED64:
        tcore_value_put(add(t), TCORE_DOUBLE, 0, r->value);
        return true;
    case IMPORT_WIRE_ANY_ARRAY << 3 | TCORE_WIRE_BYTES:
        return put_values(t, (struct tcore_slice){r->data, r->length}, false);
    case IMPORT_WIRE_ANY_KEY_VALUES << 3 | TCORE_WIRE_BYTES:
        return put_values(t, (struct tcore_slice){r->data, r->length}, true);
    case IMPORT_WIRE_ANY_BYTES << 3 | TCORE_WIRE_BYTES:
        return import_wire_put_base64(t, TCORE_JSON, "{\"bytesValue\":\"",
                                      (struct tcore_slice){r->data, r->length}, "\"}");
    default:
        tcore_value_put(add(t), TCORE_ABSENT, 0, 0);
        return true;
    }
}

/* Of several members the last one counts, unless one is not known. */
bool import_wire_put_any(struct tape *t, struct tcore_slice data)
{
    const char *at = data.data, *end = at ? at + data.length : at, *reason; /* no value: no data */
    uint32_t node = t->json->count;
    if (!has_room(t) || !enter(t, data.data))
        return false;
    bool known = true;
    if (at == end)
        tcore_value_put(add(t), TCORE_NULL, 0, 0);
    while (at < end && known) {
        struct tcore_wire_record r = {0};
        take_back(t, node);
        if (!tcore_wire_next(&at, end, &r, &reason))
            return breaks(t, at, reason);
        if (!put_member(t, &r))
            return false;
        known = t->json->node[node].value.kind != TCORE_ABSENT;
    }
    t->depth--;
    return true;
}

bool import_wire_put_pair(struct tape *t, struct tcore_slice data)
{
    const char *at = data.data, *end = at + data.length, *reason;
    struct tcore_slice key = {NULL, 0}, value = {"", 0};
    while (at < end) {
        struct tcore_wire_record r = {0};
        if (!tcore_wire_next(&at, end, &r, &reason))
            return breaks(t, at, reason);
        if (r.type == TCORE_WIRE_BYTES && r.number == IMPORT_WIRE_KEY)
            key = (struct tcore_slice){r.data, r.length};
        else if (r.type == TCORE_WIRE_BYTES && r.number == IMPORT_WIRE_VALUE)
            value = (struct tcore_slice){r.data, r.length};
        else
            import_wire_count_unknown(t, &r);
    }
    if (!has_room(t))
        return false;
    if (!key.data)
        tcore_value_put(add(t), TCORE_ABSENT, 0, 0);
    else if (!import_wire_put_text(t, key.data, key.length))
        return false;
    return import_wire_put_any(t, value);
}
