/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of wrapped keys: a line of JSON for each label. Nothing in it is secret. */
#include "base/base64.h"
#include "base/sys.h"
#include "model/json.h"
#include "store/seal_private.h"

#define TEXT_BYTES (4 << 20) /* more than the longest list needs */

enum tcore_status tcore_wrapped_write(const struct tcore_wrapped_keys *keys, struct tcore_buf *out,
                                      struct tcore_error *err)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct tcore_wrapped_label *label = &keys->label[i];

        tcore_buf_printf(out, "{\"label\":\"%s\",\"recipients\":[", label->label);
        for (size_t j = 0; j < label->count; j++) {
            tcore_buf_printf(out, "%s{\"key\":\"%s\",\"sealed\":\"", j ? "," : "",
                             label->recipient[j].fingerprint);
            tcore_base64_encode(label->recipient[j].sealed, TCORE_SEALED_KEY_BYTES, out);
            tcore_buf_puts(out, "\"}");
        }
        tcore_buf_puts(out, "]}\n");
    }
    return tcore_buf_status(out, err);
}

struct reading {
    struct tcore_wrapped_keys *keys;
    struct tcore_json json;
    struct tcore_error *err;
};

static enum tcore_status bad(struct reading *r, const char *what)
{
    return tcore_error_set(r->err, TCORE_BAD_INPUT, "wrapped keys: %s", what);
}

/* The string member of the object at index i. */
static const struct tcore_value *text_of(const struct reading *r, uint32_t i, const char *key)
{
    uint32_t at = tcore_json_find(&r->json, i, key);
    const struct tcore_value *value = at ? &r->json.node[at].value : NULL;

    return value && value->kind == TCORE_STRING ? value : NULL;
}

static bool is_fingerprint(const struct tcore_value *text)
{
    if (!text || text->len != TCORE_FINGERPRINT_BYTES - 1)
        return false;
    for (uint32_t i = 0; i < text->len; i++)
        if (!((text->s[i] >= '0' && text->s[i] <= '9') || (text->s[i] >= 'a' && text->s[i] <= 'f')))
            return false;
    return true;
}

static enum tcore_status read_recipient(struct reading *r, uint32_t i,
                                        struct tcore_wrapped_label *label)
{
    const struct tcore_value *key = text_of(r, i, "key"), *sealed = text_of(r, i, "sealed");
    struct tcore_recipient *recipient = &label->recipient[label->count];
    struct tcore_buf bytes = {0};

    if (!is_fingerprint(key) || !sealed)
        return bad(r, "a recipient without key or sealed");
    for (size_t j = 0; j < label->count; j++)
        if (memcmp(label->recipient[j].fingerprint, key->s, key->len) == 0)
            return bad(r, "a recipient twice");
    bool fine = tcore_base64_decode(sealed->s, sealed->len, &bytes) &&
                bytes.length == TCORE_SEALED_KEY_BYTES;
    bool no_memory = bytes.failed;
    if (fine) {
        memcpy(recipient->fingerprint, key->s, key->len);
        memcpy(recipient->sealed, bytes.data, TCORE_SEALED_KEY_BYTES);
        label->count++;
    }
    tcore_buf_free(&bytes);
    return no_memory ? tcore_error_nomem(r->err) : fine ? TCORE_OK : bad(r, "sealed is no key");
}

/* Into label, whose recipients are the caller's to free in any case. */
static enum tcore_status read_label(struct reading *r, struct tcore_wrapped_label *label)
{
    const struct tcore_value *name = text_of(r, 0, "label");
    uint32_t list = tcore_json_find(&r->json, 0, "recipients");
    const struct tcore_json_node *node = r->json.node;

    if (!name || !tcore_label_is_valid(name->s, name->len))
        return bad(r, "label is missing, or none");
    if (!list || !tcore_json_is_array(&node[list]))
        return bad(r, "recipients is missing, or no list");
    if (node[list].count > TCORE_RECIPIENTS)
        return bad(r, "too many recipients");
    memcpy(label->label, name->s, name->len);
    if (tcore_wrapped_find(r->keys, label->label))
        return bad(r, "a label twice");
    label->recipient = tcore_calloc(node[list].count, sizeof *label->recipient);
    if (!label->recipient)
        return tcore_error_nomem(r->err);
    for (uint32_t e = list + 1; e < node[list].next; e = node[e].next) {
        enum tcore_status status = read_recipient(r, e, label);
        if (status != TCORE_OK)
            return status;
    }
    return TCORE_OK;
}

static enum tcore_status read_line(struct reading *r, const char *line, size_t length)
{
    struct tcore_wrapped_label label = {.count = 0};
    struct tcore_error why = {.status = TCORE_OK};
    enum tcore_status status = tcore_json_parse(&r->json, line, length, &why);

    if (status == TCORE_FATAL)
        return tcore_error_nomem(r->err);
    if (status != TCORE_OK || !tcore_json_is_object(&r->json.node[0]))
        return bad(r, "a line is no JSON object");
    if (r->keys->count == TCORE_LABELS)
        return bad(r, "too many labels");
    status = read_label(r, &label);
    if (status == TCORE_OK) {
        struct tcore_wrapped_label *all =
            tcore_reallocarray(r->keys->label, r->keys->count + 1, sizeof *all);
        if (all) {
            r->keys->label = all;
            all[r->keys->count++] = label;
            return TCORE_OK;
        }
        status = tcore_error_nomem(r->err);
    }
    tcore_free(label.recipient);
    return status;
}

enum tcore_status tcore_wrapped_read(struct tcore_wrapped_keys *keys, const char *text,
                                     size_t length, struct tcore_error *err)
{
    struct reading r = {.keys = keys, .err = err};
    const char *end = text + length;
    enum tcore_status status = TCORE_OK;
    uint64_t line = 0;

    if (length > TEXT_BYTES)
        status = bad(&r, "the text is too long");
    while (text < end && status == TCORE_OK) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));

        line++;
        if (!newline)
            status = bad(&r, "the last line is cut short");
        else
            status = read_line(&r, text, (size_t)(newline - text));
        text = newline ? newline + 1 : end;
    }
    tcore_json_free(&r.json);
    if (status != TCORE_OK) {
        tcore_wrapped_free(keys);
        if (err)
            err->line = line;
    }
    return status;
}
