/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sealing and opening parts of a segment. */
#include "store/seal.h"

#include "base/sys.h"
#include "store/seal_private.h"

#include <errno.h>

_Static_assert(TCORE_SEAL_BYTES == SODIUM_AEAD_BYTES, "the tag is all that is added");
_Static_assert(TCORE_SEALED_KEY_BYTES == TCORE_KEY_BYTES + SODIUM_BOX_SEAL_BYTES, "a wrapped key");

bool tcore_label_is_valid(const char *label, size_t length)
{
    if (!length || length > TCORE_LABEL_BYTES || label[0] < 'a' || label[0] > 'z')
        return false;
    for (size_t i = 1; i < length; i++) {
        char c = label[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

struct tcore_segment_key *tcore_segment_key_alloc(const struct tcore_sodium *sodium,
                                                  const unsigned char *segment_id,
                                                  const char *label)
{
    struct tcore_segment_key *key = tcore_secret_alloc(sodium, sizeof *key);

    if (!key)
        return NULL;
    memcpy(key->segment_id, segment_id, sizeof key->segment_id);
    memcpy(key->label, label, strlen(label));
    return key;
}

enum tcore_status tcore_segment_key_new(struct tcore_segment_key **key,
                                        const unsigned char segment_id[TCORE_SEGMENT_ID_BYTES],
                                        const char *label, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);

    *key = NULL;
    if (!sodium)
        return TCORE_FATAL;
    if (!tcore_label_is_valid(label, strlen(label)))
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "a label is a lower-case letter and up to 31 of a-z 0-9 _ -");
    struct tcore_segment_key *made = tcore_segment_key_alloc(sodium, segment_id, label);
    if (!made)
        return tcore_error_nomem(err);
    if (tcore_sys()->random(made->secret, sizeof made->secret) != 0) {
        int errnum = errno;
        tcore_segment_key_free(made);
        return tcore_error_errno(err, TCORE_FATAL, errnum, "no randomness for a key");
    }
    made->may_seal = true;
    *key = made;
    return TCORE_OK;
}

const char *tcore_segment_key_label(const struct tcore_segment_key *key)
{
    return key->label;
}

void tcore_segment_key_free(struct tcore_segment_key *key)
{
    if (key)
        tcore_secret_free(tcore_sodium_open(NULL), key);
}

/* Where a part belongs: the nonce, and the bytes that are authenticated beside it. */
struct place {
    unsigned char nonce[SODIUM_AEAD_NONCE_BYTES];
    unsigned char beside[TCORE_SEGMENT_ID_BYTES + 8 + TCORE_LABEL_BYTES];
    size_t beside_length;
};

static void put_u32(unsigned char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(number >> 8 * i);
}

static struct place place_of(const struct tcore_segment_key *key, uint32_t block, uint32_t column)
{
    struct place place = {{0}, {0}, 0};
    size_t label = strlen(key->label);

    put_u32(place.nonce, block);
    put_u32(place.nonce + 4, column);
    memcpy(place.beside, key->segment_id, TCORE_SEGMENT_ID_BYTES);
    memcpy(place.beside + TCORE_SEGMENT_ID_BYTES, place.nonce, 8);
    memcpy(place.beside + TCORE_SEGMENT_ID_BYTES + 8, key->label, label);
    place.beside_length = TCORE_SEGMENT_ID_BYTES + 8 + label;
    return place;
}

enum tcore_status tcore_seal_part(const struct tcore_segment_key *key, uint32_t block,
                                  uint32_t column, const void *data, size_t data_length,
                                  struct tcore_buf *out, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    struct place place = place_of(key, block, column);

    if (!sodium)
        return TCORE_FATAL;
    if (!key->may_seal)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "a key that was unwrapped does not seal: make a new one");
    if (data_length > SIZE_MAX / 2)
        return tcore_error_nomem(err);
    char *room = tcore_buf_reserve(out, data_length + TCORE_SEAL_BYTES);
    if (!room)
        return tcore_error_nomem(err);
    sodium->encrypt((unsigned char *)room, NULL, data, data_length, place.beside,
                    place.beside_length, NULL, place.nonce, key->secret);
    out->length += data_length + TCORE_SEAL_BYTES;
    return TCORE_OK;
}

enum tcore_status tcore_open_part(const struct tcore_segment_key *key, uint32_t block,
                                  uint32_t column, const void *sealed, size_t sealed_length,
                                  struct tcore_buf *out, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    struct place place = place_of(key, block, column);

    if (!sodium)
        return TCORE_FATAL;
    if (sealed_length < TCORE_SEAL_BYTES)
        return tcore_error_set(err, TCORE_BAD_INPUT, "a sealed part is cut short");
    char *room = tcore_buf_reserve(out, sealed_length - TCORE_SEAL_BYTES + 1);
    if (!room)
        return tcore_error_nomem(err);
    if (sodium->decrypt((unsigned char *)room, NULL, NULL, sealed, sealed_length, place.beside,
                        place.beside_length, place.nonce, key->secret) != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "a sealed part was changed, or belongs elsewhere");
    out->length += sealed_length - TCORE_SEAL_BYTES;
    return TCORE_OK;
}
