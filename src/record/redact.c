/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/redact.h"

#include "base/sha256.h"
#include "base/sys.h"
#include "model/json.h"
#include "store/digest.h"

#include <string.h>

#define PATH_LIMIT   1024
#define DEPTH_LIMIT  512
#define HASHED_BYTES 16 /* of a hash, in what stands for a value */
#define BLOCK        64 /* of SHA-256 */

struct redactor {
    const struct policy *policy;
    const unsigned char *key;
    struct tcore_json json;
    struct tcore_matcher *matcher;
    struct tcore_buf text, masked;
    char path[PATH_LIMIT]; /* of the member at hand: A.B.C */
};

/* Masks of the containers around a value, the innermost first. */
struct masks {
    const struct policy_redaction *rule;
    const struct masks *outer;
};

bool redact_is_needed(const struct policy *policy)
{
    return policy->redaction_count > 0;
}

bool redact_needs_key(const struct policy *policy)
{
    for (size_t i = 0; i < policy->redaction_count; i++)
        if (policy->redaction[i].kind == POLICY_PSEUDONYM)
            return true;
    return false;
}

enum tcore_status redactor_new(struct redactor **redactor, const struct policy *policy,
                               const unsigned char key[REDACT_KEY_BYTES], struct tcore_error *err)
{
    struct redactor *r = *redactor = tcore_calloc(1, sizeof *r);
    if (!r)
        return tcore_error_nomem(err);
    r->policy = policy;
    r->key = key;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < policy->redaction_count && status == TCORE_OK && !r->matcher; i++)
        if (policy->redaction[i].kind == POLICY_MASK)
            status = tcore_matcher_new(&r->matcher, err);
    if (status != TCORE_OK) {
        redactor_free(r);
        *redactor = NULL;
    }
    return status;
}

void redactor_free(struct redactor *r)
{
    if (!r)
        return;
    tcore_json_free(&r->json);
    tcore_matcher_free(r->matcher);
    tcore_buf_free(&r->text);
    tcore_buf_free(&r->masked);
    tcore_free(r);
}

/* ---- what stands for a value ---- */

/* RFC 2104 with SHA-256. */
static enum tcore_status hmac(struct redactor *r, const char *text, size_t length,
                              uint8_t digest[TCORE_SHA256_BYTES], struct tcore_error *err)
{
    uint8_t outer[BLOCK + TCORE_SHA256_BYTES];
    tcore_buf_clear(&r->masked);
    uint8_t *inner = (uint8_t *)tcore_buf_reserve(&r->masked, BLOCK + length);
    if (!inner)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t byte = i < REDACT_KEY_BYTES ? r->key[i] : 0;
        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5c;
    }
    memcpy(inner + BLOCK, text, length);
    tcore_sha256(inner, BLOCK + length, outer + BLOCK);
    tcore_sha256(outer, sizeof outer, digest);
    memset(outer, 0, BLOCK);
    memset(inner, 0, BLOCK);
    return TCORE_OK;
}

/* Whether it is an id, so that what stands for it must be one, too. */
static size_t id_digits(const char *text, size_t length)
{
    if (length != 16 && length != 32)
        return 0;
    for (size_t i = 0; i < length; i++)
        if (!strchr("0123456789abcdef", text[i]))
            return 0;
    return length;
}

/* Replaces the text at hand by its hash. */
static enum tcore_status hash_text(struct redactor *r, bool keyed, struct tcore_error *err)
{
    uint8_t digest[TCORE_SHA256_BYTES];
    const char *text = r->text.length ? r->text.data : "";
    size_t digits = id_digits(text, r->text.length);
    enum tcore_status status;
    if (keyed) {
        status = hmac(r, text, r->text.length, digest, err);
    } else {
        struct tcore_digest hash;
        status = tcore_digest_begin(&hash, err);
        if (status == TCORE_OK) {
            tcore_digest_add(&hash, text, r->text.length);
            tcore_digest_end(&hash, digest);
        }
    }
    if (status != TCORE_OK)
        return status;
    tcore_buf_clear(&r->text);
    for (size_t i = 0; i < (digits ? digits / 2 : HASHED_BYTES); i++)
        tcore_buf_printf(&r->text, "%02x", digest[i]);
    return tcore_buf_status(&r->text, err);
}

/* Masks the text at hand. TCORE_SKIP: it takes too much work. */
static enum tcore_status mask_text(struct redactor *r, const struct policy_redaction *rule,
                                   bool *changed, struct tcore_error *err)
{
    size_t count = 0;
    tcore_buf_clear(&r->masked);
    enum tcore_status status = tcore_pattern_replace(
        rule->pattern, r->matcher, r->text.length ? r->text.data : "", r->text.length, rule->with,
        strlen(rule->with), &r->masked, &count, err);
    if (status == TCORE_BAD_INPUT) /* what the policy should have refused */
        return TCORE_SKIP;
    if (status != TCORE_OK || !count)
        return status;
    struct tcore_buf other = r->text;
    r->text = r->masked;
    r->masked = other;
    *changed = true;
    return tcore_buf_status(&r->text, err);
}

/* ---- which rules are for a member ---- */

/* The path without its first `skipped` keys; NULL: it has no more. */
static const char *behind(const char *path, size_t *length, unsigned skipped)
{
    for (; skipped; skipped--) {
        const char *dot = memchr(path, '.', *length);
        if (!dot)
            return NULL;
        *length -= (size_t)(dot + 1 - path);
        path = dot + 1;
    }
    return path;
}

static bool is_for(const struct redactor *r, const struct policy_redaction *rule,
                   const struct tcore_value *key, size_t path_length)
{
    if (policy_redacts(rule, key->s, key->len))
        return true;
    for (unsigned skipped = 0; skipped < 16; skipped++) {
        size_t length = path_length;
        const char *path = behind(r->path, &length, skipped);
        if (!path)
            break;
        if (policy_redacts(rule, path, length))
            return true;
    }
    return false;
}

/* ---- writing ---- */

static enum tcore_status write_node(struct redactor *r, uint32_t node, size_t path,
                                    const struct masks *masks, unsigned depth,
                                    struct tcore_buf *out, struct tcore_error *err);

/* The text at hand of a scalar: a string's characters, or the literal. */
static enum tcore_status take_text(struct redactor *r, uint32_t node, struct tcore_error *err)
{
    const struct tcore_value *v = &r->json.node[node].value;
    tcore_buf_clear(&r->text);
    if (v->kind == TCORE_STRING)
        tcore_buf_append(&r->text, v->s, v->len);
    else
        tcore_json_write_tree(&r->text, &r->json, node);
    return tcore_buf_status(&r->text, err);
}

/* A scalar under masks, from the outermost one on. TCORE_SKIP: it must go. */
static enum tcore_status mask_all(struct redactor *r, const struct masks *masks, bool *changed,
                                  struct tcore_error *err)
{
    if (!masks)
        return TCORE_OK;
    enum tcore_status status = mask_all(r, masks->outer, changed, err);
    return status == TCORE_OK ? mask_text(r, masks->rule, changed, err) : status;
}

static enum tcore_status write_scalar(struct redactor *r, uint32_t node, const struct masks *masks,
                                      struct tcore_buf *out, struct tcore_error *err)
{
    bool changed = false;
    enum tcore_status status = take_text(r, node, err);
    if (status == TCORE_OK)
        status = mask_all(r, masks, &changed, err);
    if (status != TCORE_OK)
        return status;
    if (changed)
        tcore_json_write_string(out, r->text.data, r->text.length);
    else
        tcore_json_write_tree(out, &r->json, node);
    return TCORE_OK;
}

/* One member behind what is in out; nothing if it is dropped. */
static enum tcore_status write_member(struct redactor *r, const struct tcore_json_member *member,
                                      size_t path, const struct masks *masks, unsigned depth,
                                      bool *first, struct tcore_buf *out, struct tcore_error *err)
{
    const struct tcore_value *key = &r->json.node[member->key].value;
    struct masks own[16];
    size_t masked = 0, start = out->length, i = 0;
    const struct policy_redaction *last = NULL;
    if (path + 1 + key->len <= sizeof r->path) {
        if (path)
            r->path[path++] = '.';
        memcpy(r->path + path, key->s, key->len);
        path += key->len;
    }
    for (; i < r->policy->redaction_count && !last; i++) {
        const struct policy_redaction *rule = &r->policy->redaction[i];
        if (!is_for(r, rule, key, path))
            continue;
        if (rule->kind != POLICY_MASK || masked == sizeof own / sizeof *own) {
            last = rule;
        } else {
            own[masked] = (struct masks){rule, masks};
            masks = &own[masked++];
        }
    }
    if (last && (last->kind == POLICY_DROP || last->kind == POLICY_MASK))
        return TCORE_OK;
    if (!*first)
        tcore_buf_putc(out, ',');
    tcore_json_write_string(out, key->s, key->len);
    tcore_buf_putc(out, ':');
    enum tcore_status status;
    if (last && last->kind != POLICY_KEEP) {
        bool changed = false;
        status = take_text(r, member->value, err);
        if (status == TCORE_OK && r->json.node[member->value].value.kind != TCORE_JSON)
            status = mask_all(r, masks, &changed, err);
        if (status == TCORE_OK)
            status = hash_text(r, last->kind == POLICY_PSEUDONYM, err);
        if (status == TCORE_OK)
            tcore_json_write_string(out, r->text.data, r->text.length);
    } else {
        status = write_node(r, member->value, path, masks, depth, out, err);
    }
    if (status == TCORE_SKIP) {
        out->length = start;
        return TCORE_OK;
    }
    *first = false;
    return status;
}

static enum tcore_status write_node(struct redactor *r, uint32_t node, size_t path,
                                    const struct masks *masks, unsigned depth,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    struct tcore_json_walk walk;
    struct tcore_json_member member;
    bool first = true;
    if (r->json.node[node].value.kind != TCORE_JSON)
        return write_scalar(r, node, masks, out, err);
    if (depth == DEPTH_LIMIT)
        return TCORE_SKIP;
    enum tcore_status status = tcore_json_walk_open(&walk, &r->json, node);
    if (status != TCORE_OK)
        return tcore_error_nomem(err);
    bool object = walk.object;
    tcore_buf_putc(out, object ? '{' : '[');
    while (status == TCORE_OK && tcore_json_walk_next(&walk, &r->json, &member)) {
        if (object) {
            status = write_member(r, &member, path, masks, depth + 1, &first, out, err);
            continue;
        }
        if (!first)
            tcore_buf_putc(out, ',');
        size_t start = out->length;
        first = false;
        status = write_node(r, member.value, path, masks, depth + 1, out, err);
        if (status == TCORE_SKIP) {
            out->length = start;
            tcore_buf_puts(out, "null");
            status = TCORE_OK;
        }
    }
    tcore_json_walk_close(&walk);
    tcore_buf_putc(out, object ? '}' : ']');
    return status;
}

enum tcore_status redactor_apply(struct redactor *r, const char *text, size_t length,
                                 struct tcore_buf *out, struct tcore_error *err)
{
    size_t start = out->length;
    enum tcore_status status = tcore_json_parse(&r->json, text, length, err);
    if (status == TCORE_OK && !tcore_json_is_object(&r->json.node[0]))
        status = tcore_error_set(err, TCORE_SKIP, "it is no JSON object");
    if (status == TCORE_OK)
        status = write_node(r, 0, 0, NULL, 0, out, err);
    if (status == TCORE_OK)
        status = tcore_buf_status(out, err);
    if (status != TCORE_OK && !out->failed)
        out->length = start;
    return status;
}

enum tcore_status redactor_lines(struct redactor *r, const char *lines, size_t length,
                                 struct tcore_buf *out, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t at = 0; at < length && status == TCORE_OK;) {
        const char *newline = memchr(lines + at, '\n', length - at);
        size_t bytes = newline ? (size_t)(newline - (lines + at)) : length - at;
        status = redactor_apply(r, lines + at, bytes, out, err);
        tcore_buf_putc(out, '\n');
        at += bytes + 1;
    }
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}
