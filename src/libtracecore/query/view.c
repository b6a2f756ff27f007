/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records as expressions see them, in JSON. */
#include "query/view.h"

#include "model/canonical.h"
#include "model/number.h"

#include <string.h>

static bool names_time(const struct tcore_value *key)
{
    static const char suffix[] = "UnixNano";
    const size_t length = sizeof suffix - 1;
    return key->len >= length && memcmp(key->s + key->len - length, suffix, length) == 0;
}

/* The value as an int64, if it is a string of one (at most 19 digits, as decoders take them). */
static bool as_time(const struct tcore_value *v, int64_t *ns)
{
    return v->kind == TCORE_STRING && v->len && v->len - (*v->s == '-') <= 19 &&
           tcore_parse_int64(v->s, v->len, ns);
}

/* The members of one object. */
static void convert_members(struct tcore_json *json, uint32_t object)
{
    struct tcore_json_node *node = json->node;
    int64_t ns;
    for (uint32_t k = object + 1; k < node[object].next; k = node[k + 1].next)
        if (names_time(&node[k].value) && as_time(&node[k + 1].value, &ns))
            node[k + 1].value = tcore_value_int(ns);
}

void tcore_view_times(struct tcore_json *json)
{
    for (uint32_t i = 0; i < json->count; i++)
        if (tcore_json_is_object(&json->node[i]))
            convert_members(json, i);
}

/* The first lone surrogate (0xed and a byte from 0xa0 on), or NULL. */
static const char *find_surrogate(const char *at, const char *end)
{
    for (; at < end && (at = memchr(at, 0xed, (size_t)(end - at))); at++)
        if (end - at >= 3 && (unsigned char)at[1] >= 0xa0)
            return at;
    return NULL;
}

static enum tcore_status replace_surrogates(struct tcore_json *json, bool *replaced,
                                            struct tcore_error *err)
{
    *replaced = false;
    for (uint32_t i = 0; i < json->count; i++) {
        struct tcore_value *v = &json->node[i].value;
        if (v->kind != TCORE_STRING || !find_surrogate(v->s, v->s + v->len))
            continue;
        char *copy = tcore_arena_copy(&json->arena, v->s, v->len);
        if (!copy)
            return tcore_error_nomem(err);
        for (const char *at = copy; (at = find_surrogate(at, copy + v->len)); at += 3)
            memcpy(copy + (at - copy), "\xef\xbf\xbd", 3);
        v->s = copy;
        *replaced = true;
    }
    return TCORE_OK;
}

/* end - start of a span that has no durationNano. */
static bool derive_duration(const struct tcore_json *json, int64_t *ns)
{
    uint32_t start = tcore_json_find(json, 0, "startTimeUnixNano");
    uint32_t end = tcore_json_find(json, 0, "endTimeUnixNano");
    int64_t from, to;
    return !tcore_json_find(json, 0, "durationNano") && start && end &&
           tcore_record_type_of(json) == TCORE_RECORD_SPAN &&
           tcore_value_int64(&json->node[start].value, &from) &&
           tcore_value_int64(&json->node[end].value, &to) &&
           !__builtin_sub_overflow(to, from, ns) && *ns >= 0;
}

/* resource["service.name"] of a record without service; 0 if there is none. */
static uint32_t derive_service(const struct tcore_json *json)
{
    uint32_t resource = tcore_json_find(json, 0, "resource");
    if (tcore_json_find(json, 0, "service") || !resource)
        return 0;
    return tcore_json_find(json, resource, "service.name");
}

enum tcore_status tcore_view_record(struct tcore_json *json, const char *text, size_t length,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(json, text, length, err);
    if (status != TCORE_OK)
        return status;
    tcore_view_times(json);
    bool replaced;
    status = replace_surrogates(json, &replaced, err);
    if (status != TCORE_OK)
        return status;
    tcore_json_write_tree(out, json, 0);
    int64_t duration;
    uint32_t service = derive_service(json);
    bool has_duration = derive_duration(json, &duration);
    if (tcore_json_is_object(&json->node[0]) && (has_duration || service) && !out->failed) {
        out->length--; /* the brace; these objects are not empty */
        if (has_duration)
            tcore_buf_printf(out, ",\"durationNano\":%lld", (long long)duration);
        if (service) {
            tcore_buf_puts(out, ",\"service\":");
            tcore_json_write_tree(out, json, service);
        }
        tcore_buf_putc(out, '}');
    }
    return tcore_buf_status(out, err);
}

enum tcore_status tcore_view_text(struct tcore_json *json, const char *text, size_t length,
                                  struct tcore_buf *out, struct tcore_error *err)
{
    bool replaced;
    enum tcore_status status = tcore_json_parse(json, text, length, err);
    if (status == TCORE_OK)
        status = replace_surrogates(json, &replaced, err);
    if (status != TCORE_OK)
        return status;
    if (replaced)
        tcore_json_write_tree(out, json, 0);
    else
        tcore_buf_append(out, text, length);
    return tcore_buf_status(out, err);
}
