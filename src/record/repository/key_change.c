/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/key_change.h"

#include "cli/message.h"
#include "record/repository/audit_event.h"
#include "record/repository/membership.h"
#include "record/repository/upkeep.h"
#include "store/segment_rewrap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct change {
    struct upkeep upkeep; /* its lock, too: a segment that is just made of others must not escape */
    const struct key_change_options *options;
    enum tcore_status (*apply)(struct change *change, struct tcore_wrapped_keys *keys,
                               const char *label, struct tcore_error *err);
    const struct policy_role *role;        /* of --role */
    struct tcore_public_key public_key;    /* the role's */
    struct tcore_private_key *private_key; /* of --key; NULL: none */
    char old_fingerprint[TCORE_FINGERPRINT_BYTES];
    uint64_t segments, partly, refused;  /* changed; only partly in the range; not to be opened */
    char reason[TCORE_ERROR_TEXT_BYTES]; /* of the first that was refused */
};

/* ---- what is done to a label of a segment: TCORE_OK, or TCORE_SKIP if nothing is to be done ----
 */

static enum tcore_status apply_add(struct change *c, struct tcore_wrapped_keys *keys,
                                   const char *label, struct tcore_error *err)
{
    const struct tcore_wrapped_label *wrapped = tcore_wrapped_find(keys, label);
    for (size_t i = 0; i < wrapped->count; i++)
        if (!strcmp(wrapped->recipient[i].fingerprint, c->public_key.fingerprint))
            return TCORE_SKIP;
    return tcore_wrapped_add_recipient(keys, label, c->private_key, &c->public_key, err);
}

static enum tcore_status apply_rotate(struct change *c, struct tcore_wrapped_keys *keys,
                                      const char *label, struct tcore_error *err)
{
    const struct tcore_wrapped_label *wrapped = tcore_wrapped_find(keys, label);
    bool old = false;
    for (size_t i = 0; i < wrapped->count; i++)
        old |= !strcmp(wrapped->recipient[i].fingerprint, c->old_fingerprint);
    if (!old || !strcmp(c->old_fingerprint, c->public_key.fingerprint))
        return TCORE_SKIP;
    return tcore_wrapped_replace_recipient(keys, label, c->private_key, &c->public_key, err);
}

static enum tcore_status apply_remove(struct change *c, struct tcore_wrapped_keys *keys,
                                      const char *label, struct tcore_error *err)
{
    const struct tcore_wrapped_label *wrapped = tcore_wrapped_find(keys, label);
    for (size_t i = 0; i < wrapped->count; i++)
        if (!strcmp(wrapped->recipient[i].fingerprint, c->public_key.fingerprint))
            return tcore_wrapped_remove_recipient(keys, label, c->public_key.fingerprint, err);
    return TCORE_SKIP;
}

static enum tcore_status apply_destroy(struct change *c, struct tcore_wrapped_keys *keys,
                                       const char *label, struct tcore_error *err)
{
    (void)c;
    return tcore_wrapped_destroy(keys, label, err);
}

/* ---- segments ---- */

static int label_number(const char *label)
{
    for (int i = 0; policy_label_names[i]; i++)
        if (!strcmp(policy_label_names[i], label))
            return i;
    return -1;
}

/* Whether the change is about the label. */
static bool is_meant(const struct change *c, const char *label)
{
    int number = label_number(label);
    if (c->options->label)
        return !strcmp(c->options->label, label);
    return c->apply == apply_remove || (number >= 0 && c->role->read >> number & 1);
}

static enum tcore_status change_keys(void *context, const struct tcore_segment *segment,
                                     struct tcore_wrapped_keys *keys, struct tcore_error *err)
{
    struct change *c = context;
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    const struct key_change_options *o = c->options;
    bool changed = false, ranged = o->since.set || o->until.set;
    bool outside = m->timed && ((o->since.set && m->max_ns < o->since.unix_ns) ||
                                (o->until.set && m->min_ns >= o->until.unix_ns));
    bool inside = m->all_timed && (!o->since.set || m->min_ns >= o->since.unix_ns) &&
                  (!o->until.set || m->max_ns < o->until.unix_ns);
    if (ranged && outside && m->all_timed)
        return TCORE_SKIP;
    for (size_t i = 0; i < keys->count; i++) {
        const char *label = keys->label[i].label;
        if (!keys->label[i].count || !is_meant(c, label))
            continue;
        if (ranged && !inside) {
            c->partly++;
            return TCORE_SKIP;
        }
        err->text[0] = '\0';
        enum tcore_status status = c->apply(c, keys, label, err);
        if (status == TCORE_BAD_INPUT ||
            (status == TCORE_SKIP && c->apply == apply_add && err->text[0])) {
            if (!c->refused++)
                snprintf(c->reason, sizeof c->reason, "%s", err->text);
            continue;
        }
        if (status != TCORE_OK && status != TCORE_SKIP)
            return status;
        changed |= status == TCORE_OK;
    }
    return changed ? TCORE_OK : TCORE_SKIP;
}

static void change_all(struct change *c)
{
    struct upkeep *u = &c->upkeep;
    const struct tcore_segment_list *list = &u->segments;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < list->count && status == TCORE_OK; i++) {
        struct tcore_error err = {0};
        status = tcore_repository_rewrap(u->repository, list->path[i], change_keys, c, &err);
        c->segments += status == TCORE_OK;
        if (status == TCORE_SKIP || status == TCORE_EOF) {
            status = TCORE_OK;
        } else if (status != TCORE_OK) {
            cli_error(u->cli, "%s: segments/%s: %s", u->name, list->path[i], err.text);
            status = status == TCORE_BAD_INPUT ? TCORE_OK : status; /* the others nevertheless */
        }
    }
}

/* ---- who and what ---- */

static const struct policy_role *find_role(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->role_count; i++)
        if (!strcmp(policy->role[i].name, name))
            return &policy->role[i];
    return NULL;
}

static int find_key(struct change *c)
{
    struct tcore_error err = {0};
    c->role = find_role(&c->upkeep.policy, c->options->role);
    if (!c->role)
        return cli_usage_error(c->upkeep.cli, "--role: the policy has no role '%s'",
                               c->options->role);
    if (!c->role->key)
        return cli_usage_error(c->upkeep.cli, "--role: '%s' has no key", c->options->role);
    enum tcore_status status =
        tcore_public_key_read(&c->public_key, TCORE_KEY_SEALING, c->upkeep.dir, c->role->key, &err);
    if (status == TCORE_OK && c->options->key)
        status = tcore_private_key_read(&c->private_key, TCORE_KEY_SEALING, AT_FDCWD,
                                        c->options->key, &err);
    if (status == TCORE_OK && c->private_key) {
        struct tcore_public_key old;
        status = tcore_private_key_public(c->private_key, "old", &old, &err);
        memcpy(c->old_fingerprint, old.fingerprint, sizeof old.fingerprint);
    }
    if (status == TCORE_OK)
        return CLI_DONE;
    cli_report(c->upkeep.cli, &err);
    return CLI_FAILED;
}

/* --key shows that one has the role, if it is not by name. */
static int may_destroy(struct change *c)
{
    struct tcore_key_ring *ring = NULL;
    struct tcore_error err = {0};
    enum tcore_status status = tcore_key_ring_new(&ring, &err);
    if (status == TCORE_OK && c->options->key)
        status = tcore_key_ring_add_file(ring, AT_FDCWD, c->options->key, &err);
    bool may =
        status == TCORE_OK && membership_may(&c->upkeep.policy, POLICY_ERASE, c->upkeep.dir, ring);
    tcore_key_ring_free(ring);
    if (status != TCORE_OK)
        cli_report(c->upkeep.cli, &err);
    else if (!may)
        cli_error(c->upkeep.cli, "the policy does not let you erase");
    return may ? CLI_DONE : CLI_FAILED;
}

static int prepare(struct change *c, const char *action)
{
    const struct key_change_options *o = c->options;
    bool destroys = !strcmp(action, "destroy");
    c->apply = destroys                    ? apply_destroy
               : !strcmp(action, "remove") ? apply_remove
               : !strcmp(action, "rotate") ? apply_rotate
                                           : apply_add;
    if (destroys)
        return !o->label
                   ? cli_usage_error(c->upkeep.cli, "--label is missing: whose keys to destroy")
               : label_number(o->label) <= POLICY_PUBLIC
                   ? cli_usage_error(c->upkeep.cli,
                                     "--label: '%s' is not one of internal, pii, secret", o->label)
                   : may_destroy(c);
    if (!o->role)
        return cli_usage_error(c->upkeep.cli, "--role is missing: whose key it is about");
    if (c->apply != apply_remove && !o->key)
        return cli_usage_error(c->upkeep.cli, "--key is missing: a private key that can read");
    return find_key(c);
}

/* What was asked for, then what came of it. */
static bool tell(struct change *c, const char *action, bool done)
{
    char word[32], details[256];
    const struct key_change_options *o = c->options;
    snprintf(word, sizeof word, "key-%s%s", action, done ? "-done" : "");
    if (done)
        snprintf(details, sizeof details, "{\"segments\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
                 c->segments, c->refused);
    else if (o->label && !c->role)
        snprintf(details, sizeof details, "{\"label\":\"%.32s\"}", o->label);
    else
        snprintf(details, sizeof details, "{\"key\":\"%.32s\"}", c->public_key.fingerprint);
    return audit_event(c->upkeep.cli, c->upkeep.dir, word, details, NULL);
}

int key_change(struct cli *cli, const char *action, const struct key_change_options *options,
               const char *name)
{
    struct change c = {.options = options};
    int result = upkeep_open(&c.upkeep, cli, name, false);
    if (result == CLI_DONE)
        result = prepare(&c, action);
    if (result == CLI_DONE && tell(&c, action, false)) {
        change_all(&c);
        tell(&c, action, true);
    }
    if (c.partly)
        cli_note(cli,
                 "%" PRIu64 " segments have records outside of the range, and stay as they are",
                 c.partly);
    if (c.refused)
        cli_error(cli, "%" PRIu64 " keys were not changed: %s", c.refused, c.reason);
    if (result == CLI_DONE)
        cli_note(cli, "changed %" PRIu64 " segment%s", c.segments, c.segments == 1 ? "" : "s");
    tcore_private_key_free(c.private_key);
    upkeep_close(&c.upkeep);
    return result == CLI_DONE ? cli_exit_status(cli, false) : result;
}
