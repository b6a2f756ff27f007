/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Encryption by label. For each sensitivity label (pii, secret, ...) a segment has one random key
 * of 256 bits. Parts of the segment that would show a value of that label are sealed under it
 * (XChaCha20-Poly1305, RFC 8439 with the extended nonce of draft-irtf-cfrg-xchacha-03), and the key
 * itself is wrapped for each recipient's public key (crypto_box_seal of libsodium: X25519,
 * XSalsa20-Poly1305). Whoever writes needs public keys only.
 *
 * What it gives: without a recipient's private key a sealed part cannot be read; a part that was
 * changed, or moved to another segment, block, column or label, is refused. What it does not:
 * sealing names no author. Whoever can write files can make a segment anew, with keys of their own,
 * and a recipient who was removed may have kept the segment's key.
 *
 * Every function that returns a status may return TCORE_FATAL: libsodium is missing or memory is
 * short.
 */
#ifndef TRACECORE_STORE_SEAL_H
#define TRACECORE_STORE_SEAL_H

#include "base/buf.h"
#include "base/error.h"
#include "store/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCORE_SEGMENT_ID_BYTES 16
#define TCORE_LABEL_BYTES      32  /* the longest label, without its NUL */
#define TCORE_LABELS           64  /* in one segment at most */
#define TCORE_RECIPIENTS       256 /* of one label at most */
#define TCORE_SEALED_KEY_BYTES 80  /* one wrapped key */
#define TCORE_SEAL_BYTES       16  /* a sealed part is so much longer */
#define TCORE_SEAL_WHOLE_SEGMENT                                                                   \
    UINT32_MAX /* the block number of parts of a segment as a whole                                \
                */

/* A label is a lower-case letter, then up to 31 of a-z 0-9 _ -. */
bool tcore_label_is_valid(const char *label, size_t length);

/* --- The key of a segment and label */

/* Immutable; may be shared by threads. */
struct tcore_segment_key;

/* A new random key, to seal with. TCORE_BAD_INPUT: label is none. */
enum tcore_status tcore_segment_key_new(struct tcore_segment_key **key,
                                        const unsigned char segment_id[TCORE_SEGMENT_ID_BYTES],
                                        const char *label, struct tcore_error *err);
const char *tcore_segment_key_label(const struct tcore_segment_key *key);
/* Wipes it. NULL is fine. */
void tcore_segment_key_free(struct tcore_segment_key *key);

/*
 * Appends data sealed: data_length + TCORE_SEAL_BYTES bytes. The nonce is (block, column), so each
 * pair may be sealed once under a key: a second part under the same numbers would betray both. For
 * the same reason a key that was unwrapped does not seal (TCORE_BAD_INPUT): what is written anew
 * gets a new key.
 */
enum tcore_status tcore_seal_part(const struct tcore_segment_key *key, uint32_t block,
                                  uint32_t column, const void *data, size_t data_length,
                                  struct tcore_buf *out, struct tcore_error *err);
/* Appends what was sealed, or nothing and TCORE_BAD_INPUT: it is not what was sealed there. */
enum tcore_status tcore_open_part(const struct tcore_segment_key *key, uint32_t block,
                                  uint32_t column, const void *sealed, size_t sealed_length,
                                  struct tcore_buf *out, struct tcore_error *err);

/* --- Wrapped keys: the keys of a segment as they are kept in it */

struct tcore_recipient {
    char fingerprint[TCORE_FINGERPRINT_BYTES]; /* of the public key */
    unsigned char sealed[TCORE_SEALED_KEY_BYTES];
};

struct tcore_wrapped_label {
    char label[TCORE_LABEL_BYTES + 1];
    struct tcore_recipient *recipient; /* owned */
    size_t count;                      /* 0: the key was destroyed */
};

/* Zeroed is empty. */
struct tcore_wrapped_keys {
    struct tcore_wrapped_label *label; /* owned; in the order in which they were added */
    size_t count;
};

void tcore_wrapped_free(struct tcore_wrapped_keys *keys); /* and zeroes it */
/* Reads what tcore_wrapped_write wrote into an empty list. TCORE_BAD_INPUT: err->line and why; the
 * list is empty again. */
enum tcore_status tcore_wrapped_read(struct tcore_wrapped_keys *keys, const char *text,
                                     size_t length, struct tcore_error *err);
/* Appends a line for each label: {"label":"pii","recipients":[{"key":FINGERPRINT,
 * "sealed":BASE64},...]} */
enum tcore_status tcore_wrapped_write(const struct tcore_wrapped_keys *keys, struct tcore_buf *out,
                                      struct tcore_error *err);
/* NULL: there is no such label. */
const struct tcore_wrapped_label *tcore_wrapped_find(const struct tcore_wrapped_keys *keys,
                                                     const char *label);

/* Adds the label of a new key, wrapped for each of the recipients (each once). TCORE_BAD_INPUT: the
 * label is there, there are no recipients or too many, or one of them is no sealing key. */
enum tcore_status tcore_wrapped_add(struct tcore_wrapped_keys *keys,
                                    const struct tcore_segment_key *key,
                                    const struct tcore_public_key *recipients, size_t count,
                                    struct tcore_error *err);
/*
 * Unwraps the key of a label. TCORE_SKIP: the label is not here, its key was destroyed, or it is
 * not wrapped for this private key. TCORE_BAD_INPUT: it is, but what is there was changed.
 */
enum tcore_status tcore_wrapped_open(const struct tcore_wrapped_keys *keys, const char *label,
                                     const unsigned char segment_id[TCORE_SEGMENT_ID_BYTES],
                                     const struct tcore_private_key *private_key,
                                     struct tcore_segment_key **key, struct tcore_error *err);
/*
 * Wraps the key of a label for one more recipient, by someone who can unwrap it (statuses of
 * tcore_wrapped_open). One who is there already is wrapped for anew.
 */
enum tcore_status tcore_wrapped_add_recipient(struct tcore_wrapped_keys *keys, const char *label,
                                              const struct tcore_private_key *private_key,
                                              const struct tcore_public_key *recipient,
                                              struct tcore_error *err);
/* Takes a recipient away. TCORE_SKIP: was not there. TCORE_BAD_INPUT: it is the last one, without
 * whom nobody could read what was sealed: that is tcore_wrapped_destroy. */
enum tcore_status tcore_wrapped_remove_recipient(struct tcore_wrapped_keys *keys, const char *label,
                                                 const char *fingerprint, struct tcore_error *err);
/* One recipient's old key for the new one; keys is unchanged on failure. */
enum tcore_status tcore_wrapped_replace_recipient(struct tcore_wrapped_keys *keys,
                                                  const char *label,
                                                  const struct tcore_private_key *old_key,
                                                  const struct tcore_public_key *new_key,
                                                  struct tcore_error *err);
/* Takes all recipients of the label away; the label stays, so that a reader can tell what is gone
 * from what is damaged. TCORE_SKIP: there is no such label. */
enum tcore_status tcore_wrapped_destroy(struct tcore_wrapped_keys *keys, const char *label,
                                        struct tcore_error *err);

#endif
