/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy of a repository as it is after parsing: what is collected, how much of it, who may see
 * what, how long it stays. tracecore-repository(5) has the language. Everything in it is owned by
 * struct policy and does not change afterwards.
 */
#ifndef RECORD_REPOSITORY_POLICY_H
#define RECORD_REPOSITORY_POLICY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "cli/sampling.h"
#include "cli/schema.h"
#include "model/record.h"
#include "query/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of how much they keep to themselves. */
enum policy_label { POLICY_PUBLIC, POLICY_INTERNAL, POLICY_PII, POLICY_SECRET, POLICY_LABELS };

/* The name of a field or attribute; an asterisk stands for any characters, none included. */
struct policy_name {
    const char *text;
    bool is_glob;
};

struct policy_names {
    struct policy_name *item;
    size_t count;
};

struct policy_label_rule {
    struct policy_name name;
    enum policy_label label;
};

enum policy_action { POLICY_RETAIN = 1, POLICY_ERASE = 2, POLICY_HOLD = 4 };

struct policy_role {
    const char *name;
    unsigned read;           /* a bit for each label; public always */
    const char *key;         /* file of the public key, relative to the repository; NULL: none */
    unsigned may;            /* bits of policy_action */
    struct cli_words users;  /* login names of who has the role */
    struct cli_words groups; /* names of groups whose members have it */
};

enum policy_redaction_kind {
    POLICY_KEEP,      /* as it is; rules behind do not apply */
    POLICY_DROP,      /* the field goes */
    POLICY_MASK,      /* what pattern matches is replaced; rules behind apply to what that gives */
    POLICY_PSEUDONYM, /* a keyed hash (HMAC), the same for the same value */
    POLICY_HASH       /* a hash without key: who can guess the value can tell it */
};

struct policy_redaction {
    enum policy_redaction_kind kind;
    struct policy_names fields;
    struct tcore_pattern *pattern; /* of POLICY_MASK */
    const char *with;              /* of POLICY_MASK: $1 and so on are groups of the pattern */
};

struct policy_retention {
    enum tcore_record_type type; /* TCORE_RECORD_NONE: of any */
    const char *service;         /* NULL: of any */
    int64_t keep_ns;
};

enum policy_durability {
    POLICY_DURABLE_NONE,    /* whenever the system writes it */
    POLICY_DURABLE_SEGMENT, /* when its segment is sealed */
    POLICY_DURABLE_RECORD   /* each, before it is acknowledged */
};

struct policy {
    int64_t host_interval_ns; /* 0: host metrics are not collected */
    struct cli_words drop;    /* expressions of records that are not kept */
    struct cli_sampling sampling;
    struct policy_label_rule *label;
    size_t label_count;
    struct policy_role *role;
    size_t role_count;
    struct policy_redaction *redaction;
    size_t redaction_count;
    struct policy_retention *retention; /* of records */
    size_t retention_count;
    int64_t retention_bytes;              /* of all segments together; 0: any number */
    int64_t label_keep_ns[POLICY_LABELS]; /* how long its values stay; 0: as long as the record */
    enum policy_durability durability;
    bool audit_reads;
    const char *checkpoint; /* absolute path of the file of checkpoints; NULL: none */
    int64_t segment_records, segment_bytes, segment_age_ns;
    /* of the struct itself */
    struct tcore_arena arena;
    struct tcore_buf problems; /* lines NAME:LINE:COLUMN: text */
    size_t errors;             /* among the problems, the others are warnings */
};

extern const char *const policy_label_names[]; /* NULL-terminated; by policy_label */

/* What holds where a repository has no policy.yaml, or an empty one. */
void policy_defaults(struct policy *policy);
/*
 * Parses a policy into a zeroed struct; name is what it is called in problems. helper: path of the
 * helper program that checks expressions which need libjq (NULL: its installed place).
 * TCORE_BAD_INPUT: there are errors, all in problems. With TCORE_OK problems has only warnings.
 * TCORE_FATAL: out of memory or a library is missing, see err. To be freed in any case.
 */
enum tcore_status policy_parse(struct policy *policy, const char *name, const char *text,
                               size_t length, const char *helper, struct tcore_error *err);
void policy_free(struct policy *policy);

/*
 * The label of an attribute. A rule that names the key is the one that counts; of those with an
 * asterisk the one that keeps most to itself. Without any it is public.
 */
enum policy_label policy_label_of(const struct policy *policy, const char *key, size_t length);
/* Whether any key can have the label, so that a segment may need a key of it. */
bool policy_uses_label(const struct policy *policy, enum policy_label label);
/* The next role, at or behind *at (start with 0), that reads the label and has a key; *at is moved
 * behind it. NULL: no more. Their keys are the recipients of the label. */
const struct policy_role *policy_next_recipient(const struct policy *policy,
                                                enum policy_label label, size_t *at);
/*
 * The next redaction of a field, at or behind *at (start with 0). NULL: no more; after one that is
 * no mask there is none.
 */
const struct policy_redaction *policy_next_redaction(const struct policy *policy, const char *field,
                                                     size_t length, size_t *at);
/* Whether the redaction is for a field of that name. */
bool policy_redacts(const struct policy_redaction *redaction, const char *field, size_t length);
/* How long a record is kept: the last rule that matches it decides. -1: for ever. */
int64_t policy_keep_ns(const struct policy *policy, enum tcore_record_type type,
                       const char *service, size_t service_length);
/*
 * Whether the policy lets someone do it. An action that no role may do is everyone's who can write
 * the repository; any other is theirs who have such a role: by their login name, or by what else
 * gives it to them (has: one for each role, may be NULL), a group or the private key of the role.
 * The policy is no fence of its own: whoever owns the files can do to them what they like.
 */
bool policy_may(const struct policy *policy, enum policy_action action, const char *user,
                const bool *has);

#endif
