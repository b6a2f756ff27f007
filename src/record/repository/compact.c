/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record compact: few large segments instead of many small ones. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "record/repository/upkeep.h"
#include "record/verbs.h"
#include "store/replace.h"
#include "store/rewrite.h"

#include <inttypes.h>
#include <stdio.h>

#define SMALL_FRACTION 4 /* of a full one */
#define GROUP_LIMIT    4096u
#define DAY_NS         INT64_C(86400000000000)

struct options {
    bool dry_run;
};

/* What is known of a segment before it is read. */
struct candidate {
    bool small;
    uint64_t records, text_bytes;
    int64_t min_ns, max_ns;
};

struct compact {
    struct upkeep upkeep;
    bool dry_run;
    struct candidate *candidate; /* by segment; owned */
    struct tcore_projection projection;
    struct tcore_segment_reader *reader;
    size_t locked; /* small segments that lack a key */
    char reason[TCORE_ERROR_TEXT_BYTES];
};

/* One that cannot be read stays as it is, and is told; one that is gone is no matter. */
static enum tcore_status tell_damage(struct compact *c, const char *path, enum tcore_status status)
{
    struct upkeep *u = &c->upkeep;
    if (status == TCORE_BAD_INPUT)
        cli_error(u->cli, "%s: segments/%s: %s", u->name, path, u->err.text);
    return status == TCORE_FATAL ? status : TCORE_OK;
}

/* Whether what is sealed in it can be written anew. */
static enum tcore_status look_at_keys(struct compact *c, struct tcore_segment *segment, bool *open)
{
    struct upkeep *u = &c->upkeep;
    enum tcore_status status = tcore_segment_check_keys(c->reader, segment, &u->err);
    *open = status == TCORE_OK;
    if (status != TCORE_BAD_INPUT || !tcore_segment_reader_lacks_key(c->reader))
        return status;
    if (!c->locked++)
        snprintf(c->reason, sizeof c->reason, "%s", u->err.text);
    return TCORE_OK;
}

static enum tcore_status look_at(struct compact *c, const char *path, struct candidate *candidate)
{
    struct upkeep *u = &c->upkeep;
    struct tcore_segment *segment;
    enum tcore_status status =
        tcore_repository_open_segment(u->repository, path, &segment, &u->err);
    if (status != TCORE_OK)
        return tell_damage(c, path, status);
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        candidate->records += m->records[type];
    candidate->text_bytes = m->text_bytes;
    candidate->min_ns = m->timed ? m->min_ns : m->created_ns;
    candidate->max_ns = m->timed ? m->max_ns : m->created_ns;
    candidate->small = candidate->records < (uint64_t)u->policy.segment_records / SMALL_FRACTION &&
                       m->text_bytes < (uint64_t)u->policy.segment_bytes / SMALL_FRACTION;
    if (candidate->small && m->keys)
        status = look_at_keys(c, segment, &candidate->small);
    tcore_segment_close(segment);
    return tell_damage(c, path, status);
}

/* As long as there is. */
static int64_t between(int64_t from, int64_t to)
{
    int64_t result;
    return __builtin_sub_overflow(to, from, &result) ? INT64_MAX : result;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/*
 * How many segments from that one on become one: small neighbours, until it is full. Retention goes
 * by time, so that what is joined is no more than a day from first to last, unless one of them is.
 */
static size_t group_length(const struct compact *c, size_t from)
{
    const struct candidate *first = &c->candidate[from];
    uint64_t records = 0, text_bytes = 0;
    int64_t widest = DAY_NS, end = first->max_ns;
    size_t i = from;
    for (; i < c->upkeep.segments.count && i - from < GROUP_LIMIT; i++) {
        const struct candidate *next = &c->candidate[i];
        widest = larger(widest, between(next->min_ns, next->max_ns));
        end = larger(end, next->max_ns);
        records += next->records;
        text_bytes += next->text_bytes;
        if (!next->small || between(first->min_ns, end) > widest ||
            records > (uint64_t)c->upkeep.policy.segment_records ||
            text_bytes > (uint64_t)c->upkeep.policy.segment_bytes)
            break;
    }
    return i - from;
}

static enum tcore_status add_segment(struct compact *c, struct tcore_rewriting *rewriting,
                                     const char *path)
{
    struct upkeep *u = &c->upkeep;
    struct tcore_segment *segment;
    enum tcore_status status =
        tcore_repository_open_segment(u->repository, path, &segment, &u->err);
    if (status == TCORE_EOF)
        return tcore_error_set(&u->err, TCORE_FATAL, "segments/%s is gone", path);
    if (status == TCORE_OK)
        status = tcore_segment_go_through(c->reader, segment, NULL, NULL, rewriting, NULL, &u->err);
    if (status == TCORE_BAD_INPUT)
        cli_error(u->cli, "%s: segments/%s: %s", u->name, path, u->err.text);
    tcore_segment_close(segment);
    return status;
}

static enum tcore_status join(struct compact *c, size_t from, size_t length)
{
    struct upkeep *u = &c->upkeep;
    struct tcore_segment_list old = {u->segments.path + from, length, length};
    const struct tcore_labels *labels;
    struct tcore_rewriting *rewriting = NULL;
    struct tcore_sealing sealing;
    size_t count = 0;
    enum tcore_status status = upkeep_labels(u, &labels);
    if (status != TCORE_OK)
        return TCORE_FATAL; /* it is so for all others, too */
    status = tcore_rewriting_new(&rewriting, u->repository, labels, &u->err);
    for (size_t i = 0; i < length && status == TCORE_OK; i++)
        status = add_segment(c, rewriting, old.path[i]);
    if (status == TCORE_OK)
        status = tcore_rewriting_end(rewriting, &sealing, &count, &u->err);
    if (status == TCORE_OK)
        status = tcore_replace(u->repository, &old, &sealing, count, &u->err);
    tcore_rewriting_free(rewriting);
    return status == TCORE_BAD_INPUT ? TCORE_OK : status; /* it stays as it is, and was told */
}

static void tell(struct compact *c, size_t from, size_t length)
{
    uint64_t records = 0;
    for (size_t i = from; i < from + length; i++)
        records += c->candidate[i].records;
    upkeep_print(&c->upkeep, "%zu segments with %" PRIu64 " records from segments/%s on", length,
                 records, c->upkeep.segments.path[from]);
}

static enum tcore_status compact(struct compact *c)
{
    struct upkeep *u = &c->upkeep;
    enum tcore_status status =
        tcore_segment_reader_new(&c->reader, &c->projection, upkeep_keys(u), &u->err);
    c->candidate = tcore_calloc(u->segments.count, sizeof *c->candidate);
    if (!c->candidate)
        return tcore_error_nomem(&u->err);
    for (size_t i = 0; i < u->segments.count && status == TCORE_OK; i++)
        status = look_at(c, u->segments.path[i], &c->candidate[i]);
    for (size_t i = 0, length; i < u->segments.count && status == TCORE_OK; i += length) {
        length = group_length(c, i);
        if (length > 1 && c->dry_run)
            tell(c, i, length);
        else if (length > 1)
            status = join(c, i, length);
        length += !length;
    }
    if (c->locked)
        cli_note(u->cli, "%s: %zu small segment%s as they are: %s", u->name, c->locked,
                 c->locked == 1 ? " stays" : "s stay", c->reason);
    return status == TCORE_OK && !c->dry_run ? upkeep_settle(u, false) : status;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    struct compact c = {.dry_run = o->dry_run};
    if (argc != 1)
        return cli_usage_error(cli, argc ? "one REPO at a time" : "a REPO is missing");
    int status = upkeep_open(&c.upkeep, cli, argv[0], false);
    if (status == CLI_DONE) {
        if (compact(&c) != TCORE_OK)
            upkeep_report(&c.upkeep);
        status = cli_exit_status(cli, false);
    }
    tcore_segment_reader_free(c.reader);
    tcore_projection_free(&c.projection);
    tcore_free(c.candidate);
    upkeep_close(&c.upkeep);
    return status;
}

static const struct cli_option table[] = {
    {0, "dry-run", CLI_FLAG, offsetof(struct options, dry_run), NULL,
     "say what would be joined, and change nothing", NULL},
};

const struct cli_verb compact_verb = {
    .name = "compact",
    .summary = "Make few large segments of many small ones.",
    .operands = "REPO",
    .description =
        "Joins neighbours that have less than a quarter of what the policy lets a segment have, "
        "within a day each; records stay in their order. Then does what rollup does. Others may "
        "read and write meanwhile; what they still read is removed by the next upkeep.\n"
        "\n"
        "What is sealed is joined with a private key that opens it, and sealed again for those who "
        "may read it by the policy as it is now. Without one such segments stay as they are.\n"
        "\n"
        "Example:\n"
        "  trace-record compact repository\n",
    .groups = CLI_OUTPUT | CLI_KEYS,
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct options),
    .run = run,
};
