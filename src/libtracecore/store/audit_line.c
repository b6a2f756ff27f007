/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines of the audit log. A record's hash is over the bytes of its line in front of ,"hash":,
 * so that whoever reads the log needs no canonical form to check it; that the line is in canonical
 * form is checked as well, or one record could have two spellings.
 */
#include "store/audit_private.h"
#include "store/key_private.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define HASH_DIGITS (TCORE_AUDIT_HASH_BYTES - 1)

static const char hash_member[] = ",\"hash\":\"";
static const char signature_member[] = ",\"signature\":\"";
static const char signed_words[] = "tracecore audit checkpoint 1\n";

enum { SIGNED_WORDS = sizeof signed_words - 1, SIGNED_BYTES = 1024 };

static bool is_action(const char *action)
{
    size_t length = strlen(action);

    if (!length || length > TCORE_AUDIT_ACTION_BYTES || *action < 'a' || *action > 'z')
        return false;
    for (; *action; action++)
        if (!((*action >= 'a' && *action <= 'z') || (*action >= '0' && *action <= '9') ||
              *action == '-'))
            return false;
    return true;
}

/* Appends the details without blanks. */
static enum tcore_status put_details(struct tcore_buf *out, const char *details,
                                     struct tcore_error *err)
{
    struct tcore_json json = {0};
    struct tcore_error why;
    enum tcore_status status;

    if (!details) {
        tcore_buf_puts(out, "{}");
        return TCORE_OK;
    }
    status = tcore_json_parse(&json, details, strlen(details), &why);
    if (status == TCORE_OK && !tcore_json_is_object(&json.node[0]))
        status = TCORE_SKIP;
    if (status == TCORE_OK)
        tcore_json_write_tree(out, &json, 0);
    tcore_json_free(&json);
    if (status == TCORE_FATAL)
        return tcore_error_nomem(err);
    return status == TCORE_OK ? TCORE_OK
                              : tcore_error_set(err, TCORE_BAD_INPUT,
                                                "details of an audit event are no JSON object");
}

enum tcore_status tcore_audit_put_record(const struct tcore_sodium *sodium, struct tcore_buf *out,
                                         const struct tcore_audit_event *event,
                                         const struct tcore_audit_place *behind, int64_t time_ns,
                                         struct tcore_audit_place *place, struct tcore_error *err)
{
    const char *user = event->user ? event->user : "";
    size_t start = out->length;

    if (!is_action(event->action))
        return tcore_error_set(err, TCORE_BAD_INPUT, "the action of an audit event is no word");
    if (behind->sequence >= INT64_MAX)
        return tcore_error_set(err, TCORE_BAD_INPUT, "the audit log is full");
    tcore_buf_printf(out,
                     "{\"sequence\":%" PRIu64 ",\"timeUnixNano\":\"%" PRId64
                     "\",\"actor\":{\"uid\":%" PRIu64 ",\"user\":",
                     behind->sequence + 1, time_ns, event->uid);
    tcore_json_write_string(out, user, strlen(user));
    tcore_buf_printf(out, "},\"action\":\"%s\",\"details\":", event->action);
    enum tcore_status status = put_details(out, event->details, err);
    if (status != TCORE_OK)
        return status;
    tcore_buf_printf(out, ",\"previous\":\"%s\"", behind->hash);
    if (out->failed)
        return tcore_error_nomem(err);
    place->sequence = behind->sequence + 1;
    tcore_hash_hex(sodium, out->data + start, out->length - start, place->hash);
    tcore_buf_printf(out, "%s%s\"}\n", hash_member, place->hash);
    if (out->failed)
        return tcore_error_nomem(err);
    if (out->length - start > TCORE_AUDIT_LINE_BYTES)
        return tcore_error_set(err, TCORE_BAD_INPUT, "an audit event is longer than %d bytes",
                               TCORE_AUDIT_LINE_BYTES);
    return TCORE_OK;
}

/* --- Parsing */

struct parsing {
    const struct tcore_json *json;
    uint32_t at, end; /* of the members still to come */
    bool failed;
};

/* The value of the next member, which must have that name; NULL once anything was wrong. */
static const struct tcore_json_node *next_member(struct parsing *p, const char *name)
{
    const struct tcore_json_node *node = p->json->node;

    if (p->failed || p->at >= p->end || node[p->at].value.len != strlen(name) ||
        memcmp(node[p->at].value.s, name, strlen(name)) != 0) {
        p->failed = true;
        return NULL;
    }
    const struct tcore_json_node *value = &node[p->at + 1];
    p->at = value->next;
    return value;
}

static void read_hex(struct parsing *p, const char *name, char *hex, size_t digits)
{
    const struct tcore_json_node *node = next_member(p, name);

    if (!node || node->value.kind != TCORE_STRING || node->value.len != digits ||
        strspn(node->value.s, "0123456789abcdef") < digits) {
        p->failed = true;
        return;
    }
    memcpy(hex, node->value.s, digits);
    hex[digits] = '\0';
}

static void read_sequence(struct parsing *p, uint64_t *sequence)
{
    const struct tcore_json_node *node = next_member(p, "sequence");

    if (!node || node->value.kind != TCORE_INT || node->value.i < 1)
        p->failed = true;
    else
        *sequence = (uint64_t)node->value.i;
}

/* A decimal int64 in a string, in its one spelling. */
static void read_time(struct parsing *p)
{
    const struct tcore_json_node *node = next_member(p, "timeUnixNano");
    const struct tcore_value *v = node ? &node->value : NULL;
    uint32_t sign = v && v->kind == TCORE_STRING && v->len && v->s[0] == '-';
    uint32_t digits = v && v->kind == TCORE_STRING ? v->len - sign : 0;

    if (!digits || digits > 19 || (v->s[sign] == '0' && v->len > 1)) {
        p->failed = true;
        return;
    }
    for (uint32_t i = sign; i < v->len; i++)
        p->failed |= v->s[i] < '0' || v->s[i] > '9';
}

static void read_actor(struct parsing *p)
{
    const struct tcore_json_node *node = next_member(p, "actor");

    if (!node || !tcore_json_is_object(node)) {
        p->failed = true;
        return;
    }
    struct parsing inner = {p->json, (uint32_t)(node - p->json->node) + 1, node->next, false};
    const struct tcore_json_node *uid = next_member(&inner, "uid");
    const struct tcore_json_node *user = next_member(&inner, "user");
    p->failed |= inner.failed || inner.at != inner.end || uid->value.kind != TCORE_INT ||
                 uid->value.i < 0 || user->value.kind != TCORE_STRING;
}

/* Whether the line is the one spelling of what is in it. */
static enum tcore_status check_canonical(const struct tcore_json *json, const char *line,
                                         size_t length)
{
    struct tcore_buf again = {0};

    tcore_json_write_tree(&again, json, 0);
    bool failed = again.failed,
         same = again.length == length && memcmp(again.data, line, length) == 0;
    tcore_buf_free(&again);
    return failed ? TCORE_FATAL : same ? TCORE_OK : TCORE_SKIP;
}

/* Begins with the members of the object that the line is. */
static enum tcore_status parse(struct tcore_json *json, const char *line, size_t length,
                               struct parsing *p)
{
    struct tcore_error why;
    enum tcore_status status = tcore_json_parse(json, line, length, &why);

    if (status == TCORE_OK)
        status =
            tcore_json_is_object(&json->node[0]) ? check_canonical(json, line, length) : TCORE_SKIP;
    if (status == TCORE_OK)
        *p = (struct parsing){json, 1, json->node[0].next, false};
    return status;
}

enum tcore_status tcore_audit_parse_record(const struct tcore_sodium *sodium,
                                           struct tcore_json *json, const char *line, size_t length,
                                           struct audit_record *record)
{
    const size_t behind = strlen(hash_member) + HASH_DIGITS + 2;
    struct parsing p;
    char hash[TCORE_AUDIT_HASH_BYTES];
    enum tcore_status status = parse(json, line, length, &p);

    if (status != TCORE_OK)
        return status;
    read_sequence(&p, &record->place.sequence);
    read_time(&p);
    read_actor(&p);
    const struct tcore_json_node *action = next_member(&p, "action");
    const struct tcore_json_node *details = next_member(&p, "details");
    read_hex(&p, "previous", record->previous, HASH_DIGITS);
    read_hex(&p, "hash", record->place.hash, HASH_DIGITS);
    if (p.failed || p.at != p.end || action->value.kind != TCORE_STRING ||
        !tcore_json_is_object(details))
        return TCORE_SKIP;
    /* in canonical form the hash and its member are the last bytes */
    tcore_hash_hex(sodium, line, length - behind, hash);
    record->intact = memcmp(hash, record->place.hash, sizeof hash) == 0;
    record->tells_set_aside = tcore_value_is_text(&action->value, AUDIT_SET_ASIDE);
    return TCORE_OK;
}

/* --- Checkpoints */

void tcore_audit_put_checkpoint(const struct tcore_sodium *sodium, struct tcore_buf *out,
                                const char *log, const struct tcore_audit_place *place,
                                int64_t time_ns, const struct tcore_private_key *key)
{
    unsigned char signature[SODIUM_SIGNATURE_BYTES];
    char base64[AUDIT_SIGNATURE_CHARS + 1];
    struct tcore_buf text = {0};

    tcore_buf_puts(&text, signed_words);
    tcore_buf_printf(&text,
                     "{\"log\":\"%s\",\"sequence\":%" PRIu64
                     ",\"hash\":\"%s\",\"timeUnixNano\":\"%" PRId64 "\",\"key\":\"%s\"",
                     log, place->sequence, place->hash, time_ns, key->fingerprint);
    if (text.failed) {
        out->failed = true;
    } else {
        sodium->sign(signature, NULL, (const unsigned char *)text.data, text.length, key->signing);
        sodium->bin2base64(base64, sizeof base64, signature, sizeof signature, SODIUM_BASE64);
        tcore_buf_append(out, text.data + SIGNED_WORDS, text.length - SIGNED_WORDS);
        tcore_buf_printf(out, "%s%s\"}\n", signature_member, base64);
    }
    tcore_buf_free(&text);
}

enum tcore_status tcore_audit_parse_checkpoint(const struct tcore_sodium *sodium,
                                               struct tcore_json *json, const char *line,
                                               size_t length, struct audit_checkpoint *checkpoint)
{
    const size_t behind = strlen(signature_member) + AUDIT_SIGNATURE_CHARS + 2;
    struct parsing p;
    size_t got = 0;
    enum tcore_status status = parse(json, line, length, &p);

    if (status != TCORE_OK)
        return status;
    read_hex(&p, "log", checkpoint->log, HASH_DIGITS);
    read_sequence(&p, &checkpoint->place.sequence);
    read_hex(&p, "hash", checkpoint->place.hash, HASH_DIGITS);
    read_time(&p);
    read_hex(&p, "key", checkpoint->key, TCORE_FINGERPRINT_BYTES - 1);
    const struct tcore_json_node *signature = next_member(&p, "signature");
    if (p.failed || p.at != p.end || signature->value.kind != TCORE_STRING ||
        signature->value.len != AUDIT_SIGNATURE_CHARS || length - behind > SIGNED_BYTES)
        return TCORE_SKIP;
    if (sodium->base642bin(checkpoint->signature, sizeof checkpoint->signature, signature->value.s,
                           AUDIT_SIGNATURE_CHARS, NULL, &got, NULL, SODIUM_BASE64) != 0 ||
        got != sizeof checkpoint->signature)
        return TCORE_SKIP;
    checkpoint->signed_length = length - behind;
    return TCORE_OK;
}

enum tcore_status tcore_audit_verify_checkpoint(const struct tcore_sodium *sodium, const char *line,
                                                const struct audit_checkpoint *checkpoint,
                                                const struct tcore_public_key *key,
                                                struct tcore_error *err)
{
    unsigned char text[SIGNED_WORDS + SIGNED_BYTES];

    memcpy(text, signed_words, SIGNED_WORDS);
    memcpy(text + SIGNED_WORDS, line, checkpoint->signed_length);
    if (sodium->verify(checkpoint->signature, text, SIGNED_WORDS + checkpoint->signed_length,
                       key->bytes) != 0)
        return tcore_error_set(err, TCORE_SKIP, "the signature does not fit");
    return TCORE_OK;
}
