/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The member "logs" of a manifest: up to where which log is in the segment. */
#include "store/manifest.h"

#include "base/sys.h"
#include "stream/binary_codec.h"

#include <inttypes.h>

bool tcore_manifest_add_seal(struct tcore_manifest *m, const struct tcore_log_seal *seal)
{
    if (m->seal_count == m->seal_capacity) {
        uint32_t capacity = m->seal_capacity ? m->seal_capacity * 2 : 4;
        struct tcore_log_seal *memory = tcore_reallocarray(m->seal, capacity, sizeof *memory);
        if (!memory)
            return false;
        m->seal = memory;
        m->seal_capacity = capacity;
    }
    m->seal[m->seal_count++] = *seal;
    return true;
}

void tcore_manifest_write_seals(const struct tcore_manifest *m, struct tcore_buf *out)
{
    if (!m->seal_count)
        return;
    tcore_buf_puts(out, ",\"logs\":[");
    for (uint32_t i = 0; i < m->seal_count; i++) {
        tcore_buf_puts(out, i ? ",{\"id\":\"" : "{\"id\":\"");
        for (int n = 0; n < TCORE_LOG_ID_BYTES; n++)
            tcore_buf_printf(out, "%02x", m->seal[i].id[n]);
        tcore_buf_printf(out, "\",\"sequence\":%" PRIu64 "}", m->seal[i].last_sequence);
    }
    tcore_buf_putc(out, ']');
}

bool tcore_manifest_parse_id(const struct tcore_value *text, uint8_t *id, size_t bytes)
{
    return text->kind == TCORE_STRING && text->len == 2 * bytes &&
           tcore_binary_hex_decode(id, text->s, bytes);
}

static bool get_seal(const struct tcore_json *json, uint32_t object, struct tcore_log_seal *seal)
{
    if (!tcore_json_is_object(&json->node[object]))
        return false;
    uint32_t id = tcore_json_find(json, object, "id");
    uint32_t sequence = tcore_json_find(json, object, "sequence");
    if (!id || !tcore_manifest_parse_id(&json->node[id].value, seal->id, TCORE_LOG_ID_BYTES) ||
        !sequence)
        return false;
    const struct tcore_value *last = &json->node[sequence].value;
    seal->last_sequence = last->kind == TCORE_INT && last->i > 0 ? (uint64_t)last->i : 0;
    return seal->last_sequence != 0;
}

enum tcore_status tcore_manifest_read_seals(struct tcore_manifest *m, const struct tcore_json *json,
                                            struct tcore_error *err)
{
    uint32_t list = tcore_json_find(json, 0, "logs");
    if (!list)
        return TCORE_OK;
    bool proper = tcore_json_is_array(&json->node[list]);
    for (uint32_t e = list + 1; proper && e < json->node[list].next; e = json->node[e].next) {
        struct tcore_log_seal seal;
        proper = get_seal(json, e, &seal);
        if (proper && !tcore_manifest_add_seal(m, &seal))
            return tcore_error_nomem(err);
    }
    return proper ? TCORE_OK
                  : tcore_error_set(err, TCORE_BAD_INPUT, "its manifest has no proper logs");
}
