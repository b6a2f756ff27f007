/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/upkeep.h"

#include "base/sys.h"
#include "cli/keys.h"
#include "cli/message.h"
#include "record/repository/audit_event.h"
#include "record/repository/keeper.h"
#include "record/repository/membership.h"
#include "record/repository/policy_file.h"
#include "store/log_read.h"
#include "store/refresh.h"
#include "store/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void upkeep_report(struct upkeep *u)
{
    u->err.input = u->name;
    cli_report(u->cli, &u->err);
}

static enum tcore_status settle(struct upkeep *u, bool waits, size_t *pending)
{
    enum tcore_status status = tcore_replacements_settle(u->repository, false, pending, &u->err);
    if (status != TCORE_OK || !*pending || !waits)
        return status;
    cli_note(u->cli, "%s: waiting for those who read what was replaced", u->name);
    return tcore_replacements_settle(u->repository, true, pending, &u->err);
}

static enum tcore_status open_locked(struct upkeep *u, bool mends)
{
    size_t pending;
    enum tcore_status status = tcore_repository_open(&u->repository, u->name, &u->err);
    if (status == TCORE_OK) {
        u->dir = tcore_sys()->openat(AT_FDCWD, u->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        if (u->dir < 0)
            status = tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot open");
    }
    if (status == TCORE_OK)
        status = tcore_upkeep_lock(u->repository, true, &u->lock, &u->err);
    if (status == TCORE_OK)
        status = settle(u, true, &pending);
    if (status == TCORE_BAD_INPUT && u->lock >= 0 && mends)
        status = TCORE_OK;
    return status == TCORE_OK ? upkeep_list(u) : status;
}

int upkeep_open(struct upkeep *u, struct cli *cli, const char *name, bool mends)
{
    char policy[4200];
    *u = (struct upkeep){.cli = cli, .name = name, .dir = -1, .lock = -1};
    int status = cli_open_keys(cli);
    if (status != CLI_DONE)
        return status;
    if (open_locked(u, mends) != TCORE_OK) {
        upkeep_report(u);
        return CLI_FAILED;
    }
    snprintf(policy, sizeof policy, "%s/" POLICY_FILE, name);
    status = policy_load(cli, &u->policy, u->dir, POLICY_FILE, policy, true, true);
    if (status != CLI_DONE)
        return status;
    u->output = cli_output_open(cli);
    return u->output ? CLI_DONE : cli->usage_error ? CLI_USAGE : CLI_FAILED;
}

void upkeep_close(struct upkeep *u)
{
    if (u->output)
        cli_output_close(u->output, false);
    tcore_segment_list_free(&u->segments);
    policy_labels_free(&u->labels);
    policy_free(&u->policy);
    if (u->lock >= 0)
        tcore_sys()->close(u->lock);
    if (u->dir >= 0)
        tcore_sys()->close(u->dir);
    tcore_repository_close(u->repository);
}

enum tcore_status upkeep_labels(struct upkeep *u, const struct tcore_labels **labels)
{
    enum tcore_status status = TCORE_OK;
    *labels = NULL;
    if (!u->has_labels) {
        status = policy_labels_open(&u->labels, &u->policy, u->dir, &u->err);
        u->has_labels = status == TCORE_OK;
    }
    if (status == TCORE_OK)
        *labels = policy_labels_get(&u->labels);
    else
        policy_labels_free(&u->labels);
    return status;
}

const struct tcore_key_ring *upkeep_keys(const struct upkeep *u)
{
    return u->cli->keys;
}

bool upkeep_may(struct upkeep *u, enum policy_action action, const char *verb)
{
    const char *user = membership_user();
    if (membership_may(&u->policy, action, u->dir, u->cli->keys))
        return true;
    cli_error(u->cli, "%s: its policy lets others %s, and not %s", u->name, verb,
              *user ? user : "who has no login name");
    return false;
}

bool upkeep_audit(struct upkeep *u, const char *action, struct tcore_buf *details)
{
    tcore_buf_putc(details, '\0');
    if (tcore_buf_status(details, &u->err) != TCORE_OK) {
        upkeep_report(u);
        return false;
    }
    return audit_event(u->cli, u->dir, action, details->data, NULL);
}

enum tcore_status upkeep_list(struct upkeep *u)
{
    tcore_segment_list_free(&u->segments);
    return tcore_repository_list(u->repository, &u->segments, &u->err);
}

/* Whether there are records in a log. One that cannot be read counts. */
static bool has_entries(int dir, const char *name)
{
    struct tcore_log_reader *reader;
    struct tcore_log_entry entry;
    enum tcore_status status = tcore_log_reader_open(&reader, dir, name, NULL);
    if (status != TCORE_OK)
        return status != TCORE_EOF;
    status = tcore_log_read(reader, &entry, NULL);
    tcore_log_reader_close(reader);
    return status != TCORE_EOF;
}

static enum tcore_status find_entries(struct upkeep *u, int dir, bool *left)
{
    char **names;
    size_t count;
    enum tcore_status status = tcore_log_list(dir, &names, &count, &u->err);
    *left = false;
    for (size_t i = 0; i < count && !*left; i++)
        *left = has_entries(dir, names[i]);
    tcore_free(names);
    return status;
}

static void tell_of_log(void *context, bool failed, const char *text)
{
    struct upkeep *u = context;
    if (failed)
        cli_error(u->cli, "%s: %s", u->name, text);
    else
        cli_note(u->cli, "%s: %s", u->name, text);
}

static enum tcore_status take_logs(struct upkeep *u, struct keeper *k, int dir)
{
    const struct tcore_labels *labels;
    enum tcore_status status = upkeep_labels(u, &labels);
    if (status == TCORE_OK && tcore_log_rotate_shared(dir, NULL, &u->err) == TCORE_FATAL)
        status = TCORE_FATAL;
    if (status == TCORE_OK)
        status = keeper_open(k, u->name, &u->err);
    if (status == TCORE_OK)
        keeper_use(k, &u->policy, labels);
    k->tell = tell_of_log;
    k->tell_context = u;
    if (status == TCORE_OK)
        status = keeper_take_logs(k, &u->err);
    if (status == TCORE_OK)
        status = keeper_finish(k, &u->err);
    return status;
}

enum tcore_status upkeep_take_logs(struct upkeep *u, bool *left)
{
    int dir;
    *left = false;
    enum tcore_status status = tcore_repository_folder(u->repository, "open", false, &dir, &u->err);
    if (status != TCORE_OK)
        return status == TCORE_EOF ? TCORE_OK : status;
    status = find_entries(u, dir, left);
    if (status == TCORE_OK && *left) {
        struct keeper keeper = {.open_dir = -1, .quarantine_dir = -1};
        status = take_logs(u, &keeper, dir);
        keeper_close(&keeper);
        if (status == TCORE_OK)
            status = find_entries(u, dir, left);
        if (status == TCORE_OK)
            status = upkeep_list(u);
    }
    tcore_sys()->close(dir);
    return status;
}

enum tcore_status upkeep_settle(struct upkeep *u, bool waits)
{
    size_t pending;
    enum tcore_status status = settle(u, waits, &pending);
    return status == TCORE_OK ? tcore_repository_refresh(u->repository, true, &u->err) : status;
}

void upkeep_print(struct upkeep *u, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text - 1, format, args);
    va_end(args);
    if (length < 0 || !u->output)
        return;
    size_t bytes = (size_t)length < sizeof text - 1 ? (size_t)length : sizeof text - 2;
    text[bytes++] = '\n';
    cli_output_lines(u->output, text, bytes);
}
