/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wrapped keys: for whom, and changing that. */
#include "base/sys.h"
#include "store/seal_private.h"

static struct tcore_wrapped_label *find(const struct tcore_wrapped_keys *keys, const char *label)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->label[i].label, label) == 0)
            return &keys->label[i];
    return NULL;
}

const struct tcore_wrapped_label *tcore_wrapped_find(const struct tcore_wrapped_keys *keys,
                                                     const char *label)
{
    return find(keys, label);
}

static struct tcore_recipient *find_recipient(const struct tcore_wrapped_label *label,
                                              const char *fingerprint)
{
    for (size_t i = 0; i < label->count; i++)
        if (strcmp(label->recipient[i].fingerprint, fingerprint) == 0)
            return &label->recipient[i];
    return NULL;
}

void tcore_wrapped_free(struct tcore_wrapped_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        tcore_free(keys->label[i].recipient);
    tcore_free(keys->label);
    *keys = (struct tcore_wrapped_keys){0};
}

static enum tcore_status no_label(const char *label, struct tcore_error *err)
{
    return tcore_error_set(err, TCORE_SKIP, "no key of label %s is here", label);
}

static enum tcore_status wrap(const struct tcore_sodium *sodium,
                              const struct tcore_segment_key *key,
                              const struct tcore_public_key *to, struct tcore_recipient *recipient,
                              struct tcore_error *err)
{
    if (to->kind != TCORE_KEY_SEALING)
        return tcore_error_set(err, TCORE_BAD_INPUT, "key %s verifies signatures, nothing else",
                               to->name);
    /* refuses public keys that give no secret (points of low order) */
    if (sodium->box_seal(recipient->sealed, key->secret, sizeof key->secret, to->bytes) != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT, "nothing can be sealed for key %s", to->name);
    memcpy(recipient->fingerprint, to->fingerprint, sizeof recipient->fingerprint);
    return TCORE_OK;
}

/* Appends a label; the recipients become its own. */
static enum tcore_status append_label(struct tcore_wrapped_keys *keys, const char *label,
                                      struct tcore_recipient *recipient, size_t count,
                                      struct tcore_error *err)
{
    struct tcore_wrapped_label *all =
        tcore_reallocarray(keys->label, keys->count + 1, sizeof *keys->label);

    if (!all)
        return tcore_error_nomem(err);
    keys->label = all;
    all[keys->count] = (struct tcore_wrapped_label){.recipient = recipient, .count = count};
    memcpy(all[keys->count++].label, label, strlen(label));
    return TCORE_OK;
}

enum tcore_status tcore_wrapped_add(struct tcore_wrapped_keys *keys,
                                    const struct tcore_segment_key *key,
                                    const struct tcore_public_key *recipients, size_t count,
                                    struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    struct tcore_wrapped_label made = {.count = 0};
    enum tcore_status status = TCORE_OK;

    if (!sodium)
        return TCORE_FATAL;
    if (find(keys, key->label))
        return tcore_error_set(err, TCORE_BAD_INPUT, "label %s has a key here", key->label);
    if (!count || count > TCORE_RECIPIENTS || keys->count == TCORE_LABELS)
        return tcore_error_set(err, TCORE_BAD_INPUT, "label %s: %s", key->label,
                               !count ? "nobody could read it: no recipient"
                                      : "too many recipients or labels");
    made.recipient = tcore_calloc(count, sizeof *made.recipient);
    if (!made.recipient)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        if (find_recipient(&made, recipients[i].fingerprint))
            continue;
        status = wrap(sodium, key, &recipients[i], &made.recipient[made.count], err);
        made.count++;
    }
    if (status == TCORE_OK)
        status = append_label(keys, key->label, made.recipient, made.count, err);
    if (status != TCORE_OK)
        tcore_free(made.recipient);
    return status;
}

enum tcore_status tcore_wrapped_open(const struct tcore_wrapped_keys *keys, const char *label,
                                     const unsigned char segment_id[TCORE_SEGMENT_ID_BYTES],
                                     const struct tcore_private_key *private_key,
                                     struct tcore_segment_key **key, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    const struct tcore_wrapped_label *wrapped = find(keys, label);

    *key = NULL;
    if (!sodium)
        return TCORE_FATAL;
    if (!wrapped)
        return no_label(label, err);
    if (!wrapped->count)
        return tcore_error_set(err, TCORE_SKIP, "the key of label %s was destroyed", label);
    const struct tcore_recipient *recipient = find_recipient(wrapped, private_key->fingerprint);
    if (!recipient || private_key->kind != TCORE_KEY_SEALING)
        return tcore_error_set(err, TCORE_SKIP, "label %s is not for key %s", label,
                               private_key->fingerprint);
    struct tcore_segment_key *made = tcore_segment_key_alloc(sodium, segment_id, label);
    if (!made)
        return tcore_error_nomem(err);
    if (sodium->box_open(made->secret, recipient->sealed, sizeof recipient->sealed,
                         private_key->public_bytes, private_key->secret) != 0) {
        tcore_segment_key_free(made);
        return tcore_error_set(err, TCORE_BAD_INPUT, "the wrapped key of label %s was changed",
                               label);
    }
    *key = made;
    return TCORE_OK;
}

static void take_away(struct tcore_wrapped_label *label, struct tcore_recipient *recipient)
{
    size_t behind = (size_t)(label->recipient + label->count - recipient) - 1;

    memmove(recipient, recipient + 1, behind * sizeof *recipient);
    label->count--;
}

/* replaced: whose place it takes, or NULL. */
static enum tcore_status put_recipient(struct tcore_wrapped_keys *keys, const char *label,
                                       const struct tcore_private_key *private_key,
                                       const struct tcore_public_key *to, const char *replaced,
                                       struct tcore_error *err)
{
    static const unsigned char no_segment[TCORE_SEGMENT_ID_BYTES];
    struct tcore_segment_key *key;
    struct tcore_recipient made;
    enum tcore_status status = tcore_wrapped_open(keys, label, no_segment, private_key, &key, err);

    if (status != TCORE_OK)
        return status;
    status = wrap(tcore_sodium_open(NULL), key, to, &made, err);
    tcore_segment_key_free(key);
    if (status != TCORE_OK)
        return status;
    struct tcore_wrapped_label *wrapped = find(keys, label);
    struct tcore_recipient *old = find_recipient(wrapped, to->fingerprint);
    if (old) {
        *old = made;
        old = replaced && strcmp(replaced, to->fingerprint) ? find_recipient(wrapped, replaced)
                                                            : NULL;
        if (old)
            take_away(wrapped, old);
        return TCORE_OK;
    }
    old = replaced ? find_recipient(wrapped, replaced) : NULL;
    if (old) {
        *old = made;
        return TCORE_OK;
    }
    if (wrapped->count == TCORE_RECIPIENTS)
        return tcore_error_set(err, TCORE_BAD_INPUT, "label %s has too many recipients", label);
    struct tcore_recipient *all =
        tcore_reallocarray(wrapped->recipient, wrapped->count + 1, sizeof *all);
    if (!all)
        return tcore_error_nomem(err);
    wrapped->recipient = all;
    all[wrapped->count++] = made;
    return TCORE_OK;
}

enum tcore_status tcore_wrapped_add_recipient(struct tcore_wrapped_keys *keys, const char *label,
                                              const struct tcore_private_key *private_key,
                                              const struct tcore_public_key *recipient,
                                              struct tcore_error *err)
{
    return put_recipient(keys, label, private_key, recipient, NULL, err);
}

enum tcore_status tcore_wrapped_replace_recipient(struct tcore_wrapped_keys *keys,
                                                  const char *label,
                                                  const struct tcore_private_key *old_key,
                                                  const struct tcore_public_key *new_key,
                                                  struct tcore_error *err)
{
    return put_recipient(keys, label, old_key, new_key, old_key->fingerprint, err);
}

enum tcore_status tcore_wrapped_remove_recipient(struct tcore_wrapped_keys *keys, const char *label,
                                                 const char *fingerprint, struct tcore_error *err)
{
    struct tcore_wrapped_label *wrapped = find(keys, label);
    struct tcore_recipient *recipient = wrapped ? find_recipient(wrapped, fingerprint) : NULL;

    if (!wrapped)
        return no_label(label, err);
    if (!recipient)
        return tcore_error_set(err, TCORE_SKIP, "label %s is not for this key", label);
    if (wrapped->count == 1)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "this is the last key that label %s is for: to make it unreadable, "
                               "destroy its key",
                               label);
    take_away(wrapped, recipient);
    return TCORE_OK;
}

enum tcore_status tcore_wrapped_destroy(struct tcore_wrapped_keys *keys, const char *label,
                                        struct tcore_error *err)
{
    struct tcore_wrapped_label *wrapped = find(keys, label);

    if (!wrapped)
        return no_label(label, err);
    memset(wrapped->recipient, 0, wrapped->count * sizeof *wrapped->recipient);
    wrapped->count = 0;
    return TCORE_OK;
}
