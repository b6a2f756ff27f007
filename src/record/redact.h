/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The redaction of a policy: a record's text in, its text without what must not be kept out. A rule
 * is for members of its names at any depth: by their key, by PARENT.KEY, and by the whole path.
 */
#ifndef RECORD_REDACT_H
#define RECORD_REDACT_H

#include "record/repository/policy.h"

#define REDACT_KEY_BYTES 32

/* For one thread. */
struct redactor;

/*
 * The key of pseudonyms, keys/pseudonym.key of the directory, which is made if it is not there.
 * TCORE_BAD_INPUT: it is no such key, or others may read it.
 */
enum tcore_status redact_key(int dirfd, unsigned char key[REDACT_KEY_BYTES],
                             struct tcore_error *err);
/* Whether the policy has rules, and whether these take a key. */
bool redact_is_needed(const struct policy *policy);
bool redact_needs_key(const struct policy *policy);

/* policy and key are borrowed. */
enum tcore_status redactor_new(struct redactor **redactor, const struct policy *policy,
                               const unsigned char key[REDACT_KEY_BYTES], struct tcore_error *err);
void redactor_free(struct redactor *redactor);
/* Appends the record's text, redacted. TCORE_SKIP: it is no JSON object, nothing is appended. What
 * cannot be redacted within the limits of a pattern is dropped. */
enum tcore_status redactor_apply(struct redactor *redactor, const char *text, size_t length,
                                 struct tcore_buf *out, struct tcore_error *err);
/* The same for lines, each with its newline. */
enum tcore_status redactor_lines(struct redactor *redactor, const char *lines, size_t length,
                                 struct tcore_buf *out, struct tcore_error *err);

#endif
