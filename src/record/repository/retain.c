/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record retain: the policy's rules of how long records stay. */
#include <config.h>

#include "cli/message.h"
#include "record/repository/retain.h"
#include "record/verbs.h"

#include "base/sys.h"

#include <inttypes.h>
#include <string.h>

struct options {
    bool dry_run;
    struct cli_time now;
};

/* How long records of a type stay at least and at most; INT64_MAX: for ever. */
struct bounds {
    int64_t least, most;
};

struct retain {
    struct upkeep upkeep;
    struct removal removal;
    struct retain_labels labels;
    struct matcher matcher; /* for its columns of times and services */
    int64_t now_ns;
    struct bounds bounds[TCORE_RECORD_TYPES];
};

static int64_t kept_for(const struct retain *t, enum tcore_record_type type, const char *service,
                        size_t length)
{
    int64_t keep = policy_keep_ns(&t->upkeep.policy, type, service, length);
    return keep < 0 ? INT64_MAX : keep;
}

static void find_bounds(struct retain *t)
{
    const struct policy *policy = &t->upkeep.policy;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        struct bounds *b = &t->bounds[type];
        b->least = b->most = kept_for(t, (enum tcore_record_type)type, "", 0);
        for (size_t i = 0; i < policy->retention_count; i++) {
            const char *service = policy->retention[i].service;
            int64_t keep = service
                               ? kept_for(t, (enum tcore_record_type)type, service, strlen(service))
                               : b->least;
            b->least = keep < b->least ? keep : b->least;
            b->most = keep > b->most ? keep : b->most;
        }
    }
}

static bool has_expired(const struct retain *t, int64_t ns, int64_t keep)
{
    int64_t end;
    return keep != INT64_MAX && !__builtin_add_overflow(ns, keep, &end) && end <= t->now_ns;
}

/* Whether some record of the segment may have expired. */
static bool concerns(void *context, const struct tcore_manifest *m)
{
    const struct retain *t = context;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        if (m->records[type] && m->timed && has_expired(t, m->min_ns, t->bounds[type].least))
            return true;
    return false;
}

/* A record without a time has none to expire at, and stays. */
static enum tcore_status select_rows(void *context, const struct tcore_batch *batch, uint32_t *rows,
                                     size_t *count, struct tcore_error *err)
{
    const struct retain *t = context;
    size_t kept = 0;
    (void)err;
    for (size_t i = 0; i < *count; i++) {
        uint32_t row = rows[i];
        int64_t ns;
        struct tcore_value service = tcore_column_get(&batch->columns[t->matcher.service], row);
        bool named = service.kind == TCORE_STRING;
        if (cli_select_time_of(&t->matcher.select, batch, row, &ns) &&
            has_expired(t, ns,
                        kept_for(t, (enum tcore_record_type)batch->types[row],
                                 named ? service.s : "", named ? service.len : 0)))
            rows[kept++] = row;
    }
    *count = kept;
    return TCORE_OK;
}

/* Records by age, then segments by size, then labels of what is left. */
static enum tcore_status plan(struct retain *t)
{
    struct upkeep *u = &t->upkeep;
    uint64_t held = 0;
    enum tcore_status status = removal_plan(&t->removal);
    if (status == TCORE_OK)
        status = retain_size(&t->removal, &held);
    if (status == TCORE_OK && held)
        cli_note(u->cli, "%s: what is held is %" PRIu64 " bytes more than the policy allows",
                 u->name, held);
    return status == TCORE_OK ? retain_labels_plan(&t->labels, &t->removal, t->now_ns) : status;
}

static bool audit(struct retain *t)
{
    struct tcore_buf details = {0};
    tcore_buf_putc(&details, '{');
    removal_describe(&t->removal, &details);
    retain_labels_describe(&t->labels, &details);
    tcore_buf_putc(&details, '}');
    bool done = upkeep_audit(&t->upkeep, "retain", &details);
    tcore_buf_free(&details);
    return done;
}

static int retain(struct retain *t, bool dry_run)
{
    /* from the beginning of time on: only to have the columns */
    const struct matcher_options all = {.since = {true, INT64_MIN}};
    struct upkeep *u = &t->upkeep;
    struct removal *r = &t->removal;
    int exit_status = matcher_open(&t->matcher, u->cli, &all, &r->projection);
    if (exit_status != CLI_DONE)
        return exit_status;
    find_bounds(t);
    r->select = select_rows;
    r->concerns = concerns;
    r->context = t;
    enum tcore_status status = plan(t);
    if (status == TCORE_OK && dry_run) {
        removal_print(r);
        retain_labels_print(&t->labels);
    }
    if (status == TCORE_OK && !dry_run && (r->all_removed || t->labels.any)) {
        if (!audit(t))
            return CLI_FAILED;
        status = retain_labels_carry_out(&t->labels);
        if (status == TCORE_OK)
            status = removal_carry_out(r, false);
    }
    if (status != TCORE_OK)
        upkeep_report(u);
    return cli_exit_status(u->cli, false);
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    struct retain t = {.upkeep = {.dir = -1, .lock = -1}};
    if (argc != 1)
        return cli_usage_error(cli, argc ? "one REPO at a time" : "a REPO is missing");
    t.now_ns = o->now.set ? o->now.unix_ns : tcore_sys()->wall_ns();
    int status = upkeep_open(&t.upkeep, cli, argv[0], false);
    if (status == CLI_DONE && !upkeep_may(&t.upkeep, POLICY_RETAIN, "retain"))
        status = CLI_FAILED;
    if (status == CLI_DONE)
        status = removal_open(&t.removal, &t.upkeep);
    if (status == CLI_DONE)
        status = retain(&t, o->dry_run);
    matcher_close(&t.matcher);
    retain_labels_free(&t.labels);
    removal_free(&t.removal);
    upkeep_close(&t.upkeep);
    return status;
}

static const struct cli_option table[] = {
    {0, "dry-run", CLI_FLAG, offsetof(struct options, dry_run), NULL,
     "say what would be removed, and change nothing", NULL},
    {0, "now", CLI_TIME, offsetof(struct options, now), "TIME",
     "what counts as now: RFC 3339, epoch, -1h, today", NULL},
};

const struct cli_verb retain_verb = {
    .name = "retain",
    .summary = "Remove records that the policy does not keep any longer.",
    .operands = "REPO",
    .description =
        "Follows the rules in retention: of policy.yaml. Segments of which all records have "
        "expired are removed, others written anew without those. What a hold covers stays, and "
        "so do records without a time. Others may read and write meanwhile. To be run by cron.\n"
        "\n"
        "With size: the oldest segments go, as a whole, until the rest is small enough. With "
        "label: "
        "the keys of a label go in segments all of whose records are old enough: nobody can read "
        "its values any more, and the rest of the records stays.\n"
        "\n"
        "A segment with sealed columns is written anew with a private key that opens them; to "
        "remove one as a whole none is needed.\n"
        "\n"
        "Example:\n"
        "  trace-record retain repository --dry-run\n",
    .groups = CLI_OUTPUT | CLI_KEYS,
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct options),
    .run = run,
};
