/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record repair: whatever is damaged or left behind in a repository, set right or aside. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "record/repository/quarantine.h"
#include "record/repository/upkeep.h"
#include "record/verbs.h"
#include "store/catalog.h"
#include "store/new_file.h"
#include "store/replace.h"
#include "store/replacement.h"
#include "store/rewrite.h"
#include "store/segment_check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct repair {
    struct upkeep upkeep;
    struct tcore_projection projection;
    struct tcore_segment_reader *reader;
    struct tcore_catalog catalog;        /* as it was before */
    char reason[TCORE_ERROR_TEXT_BYTES]; /* of the segment at hand, "": none */
    size_t segments, moved;              /* that were damaged; that are foreign */
    uint64_t kept;                       /* records of damaged segments */
    bool stays;                          /* a damaged one is left for want of a key */
    bool lost;                           /* something that was there cannot be read any more */
};

static int open_folder(struct upkeep *u, const char *name)
{
    return tcore_sys()->openat(u->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

/* ---- what was left behind ---- */

/* Both versions of what a damaged one was about stay then, as far as they are there. */
static enum tcore_status set_replacements_right(struct repair *p)
{
    struct upkeep *u = &p->upkeep;
    struct tcore_replacements replacements;
    char into[QUARANTINE_NAME_BYTES];
    enum tcore_status status = tcore_replacements_read(u->repository, &replacements, &u->err);
    for (size_t i = 0; status == TCORE_OK && i < replacements.count; i++) {
        int dir = replacements.item[i].damaged ? open_folder(u, TCORE_REPLACING) : -1;
        if (dir < 0)
            continue;
        status = quarantine_move(u, dir, replacements.item[i].name, into);
        tcore_sys()->close(dir);
        if (status == TCORE_OK)
            upkeep_print(u, "replacing/%s: is damaged: moved to quarantine/%s",
                         replacements.item[i].name, into);
        p->moved++;
    }
    tcore_replacements_free(&replacements);
    return status;
}

static enum tcore_status sweep(struct repair *p)
{
    static const char *const folders[] = {".",     "segments", TCORE_REPLACING, "rollups", "open",
                                          "holds", NULL};
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; folders[i] && status == TCORE_OK; i++) {
        int dir = open_folder(&p->upkeep, folders[i]);
        if (dir < 0)
            continue;
        status = tcore_new_file_sweep(dir, &p->upkeep.err);
        tcore_sys()->close(dir);
    }
    return status;
}

/* ---- a damaged segment ---- */

static void keep_reason(void *context, const char *what)
{
    struct repair *p = context;
    if (!*p->reason)
        snprintf(p->reason, sizeof p->reason, "%s", what);
}

/* The folder that a segment is in; *name is the rest. -1 after a report. */
static int open_folder_of(struct repair *p, const char *path, const char **name)
{
    struct upkeep *u = &p->upkeep;
    char folder[TCORE_SEGMENT_PATH_BYTES + 16];
    *name = strrchr(path, '/') + 1;
    snprintf(folder, sizeof folder, "segments/%.*s", (int)(*name - 1 - path), path);
    int dir = open_folder(u, folder);
    if (dir < 0)
        tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot open %s", folder);
    return dir;
}

/* A second name first: whatever happens then, the file is still there. */
static enum tcore_status copy_aside(struct repair *p, const char *path, char *into)
{
    struct upkeep *u = &p->upkeep;
    const char *name;
    int dir = open_folder_of(p, path, &name);
    if (dir < 0)
        return TCORE_FATAL;
    enum tcore_status status = quarantine_copy(u, dir, name, into);
    tcore_sys()->close(dir);
    return status;
}

/* Whether what could be read is all that there was. */
static bool is_all(const struct repair *p, const char *path, bool has_index, uint64_t kept,
                   const struct tcore_losses *lost)
{
    const struct tcore_catalog_entry *entry = tcore_catalog_find(&p->catalog, path);
    return !lost->records && !lost->values && (has_index || (entry && entry->records == kept));
}

static enum tcore_status replace(struct repair *p, const char *path, struct tcore_segment *segment,
                                 bool has_index)
{
    struct upkeep *u = &p->upkeep;
    struct tcore_segment_list old = {0};
    const struct tcore_labels *labels;
    struct tcore_rewriting *rewriting = NULL;
    struct tcore_sealing sealing;
    char into[QUARANTINE_NAME_BYTES];
    struct tcore_losses lost = {0};
    uint64_t kept = 0;
    size_t count = 0;
    enum tcore_status status = upkeep_labels(u, &labels);
    if (status == TCORE_OK)
        status = tcore_rewriting_new(&rewriting, u->repository, labels, &u->err);
    if (status == TCORE_OK && segment)
        status =
            tcore_segment_go_through(p->reader, segment, NULL, NULL, rewriting, &lost, &u->err);
    if (status == TCORE_OK)
        kept = tcore_rewriting_records(rewriting);
    if (status == TCORE_OK)
        status = tcore_rewriting_end(rewriting, &sealing, &count, &u->err);
    if (status == TCORE_OK)
        status = copy_aside(p, path, into);
    if (status == TCORE_OK)
        status = tcore_segment_list_add(&old, path, strlen(path), &u->err);
    if (status == TCORE_OK)
        status = tcore_replace(u->repository, &old, &sealing, count, &u->err);
    else if (count)
        tcore_sealing_drop(&sealing);
    if (status == TCORE_OK) {
        bool all = is_all(p, path, has_index, kept, &lost);
        upkeep_print(u, "segments/%s: %s: moved to quarantine/%s, %" PRIu64 " record%s kept%s",
                     path, p->reason, into, kept, kept == 1 ? "" : "s",
                     all                            ? ", which are all"
                     : lost.values && !lost.records ? ", but what was sealed is lost"
                                                    : ", others are lost");
        p->lost |= !all;
        p->kept += kept;
        p->segments++;
    }
    tcore_segment_list_free(&old);
    tcore_rewriting_free(rewriting);
    return status;
}

/* A segment that is there under its own name, too. */
static enum tcore_status set_copy_aside(struct repair *p, const char *path)
{
    struct upkeep *u = &p->upkeep;
    char into[QUARANTINE_NAME_BYTES];
    const char *name;
    int dir = open_folder_of(p, path, &name);
    if (dir < 0)
        return TCORE_FATAL;
    enum tcore_status status = quarantine_move(u, dir, name, into);
    tcore_sys()->close(dir);
    if (status == TCORE_OK)
        upkeep_print(u, "segments/%s: %s: moved to quarantine/%s", path, p->reason, into);
    p->moved += status == TCORE_OK;
    return status;
}

static enum tcore_status look_at(struct repair *p, const char *path)
{
    struct upkeep *u = &p->upkeep;
    struct tcore_segment *segment;
    *p->reason = '\0';
    enum tcore_status status =
        tcore_repository_open_segment(u->repository, path, &segment, &u->err);
    bool has_index = status == TCORE_OK;
    if (status == TCORE_EOF)
        return TCORE_OK;
    if (status == TCORE_OK) {
        status = tcore_segment_check(segment, keep_reason, p, &u->err);
    } else if (status == TCORE_BAD_INPUT) {
        keep_reason(p, u->err.text);
        status = tcore_repository_salvage_segment(u->repository, path, &segment, &u->err);
        has_index = segment && tcore_segment_has_index(segment);
    }
    if (status == TCORE_SKIP)
        status = set_copy_aside(p, path);
    else if (status == TCORE_BAD_INPUT || (status == TCORE_OK && *p->reason))
        status = replace(p, path, segment, has_index);
    tcore_segment_close(segment);
    if (status != TCORE_BAD_INPUT)
        return status;
    cli_error(u->cli, "%s: segments/%s: it stays as it is, damaged: %s", u->name, path,
              u->err.text);
    p->stays = true;
    return TCORE_OK; /* the others nevertheless */
}

/* ---- all ---- */

static bool audit(struct repair *p)
{
    struct tcore_buf details = {0};
    tcore_buf_printf(&details,
                     "{\"damagedSegments\":%zu,\"recordsKept\":%" PRIu64 ",\"foreignFiles\":%zu,"
                     "\"lost\":%s}",
                     p->segments, p->kept, p->moved, p->lost ? "true" : "false");
    bool done = upkeep_audit(&p->upkeep, "repair", &details);
    tcore_buf_free(&details);
    return done;
}

static enum tcore_status repair(struct repair *p)
{
    struct upkeep *u = &p->upkeep;
    size_t moved = 0;
    bool left;
    enum tcore_status status = set_replacements_right(p);
    if (status == TCORE_OK)
        status = sweep(p);
    if (status == TCORE_OK)
        status = quarantine_foreign(u, &moved);
    p->moved += moved;
    if (status == TCORE_OK)
        status = upkeep_list(u);
    if (status == TCORE_OK)
        status = upkeep_take_logs(u, &left);
    if (status == TCORE_OK)
        status = tcore_catalog_load(&p->catalog, u->repository, &u->err);
    if (status == TCORE_OK)
        status = tcore_segment_reader_new(&p->reader, &p->projection, upkeep_keys(u), &u->err);
    for (size_t i = 0; i < u->segments.count && status == TCORE_OK; i++)
        status = look_at(p, u->segments.path[i]);
    /* it knows how many records there were in what is still to be repaired */
    if (status == TCORE_OK && !p->stays && tcore_sys()->unlinkat(u->dir, "catalog", 0) < 0 &&
        errno != ENOENT)
        status = tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot remove the catalog");
    return status == TCORE_OK ? upkeep_settle(u, true) : status;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    struct repair p = {.upkeep = {.dir = -1, .lock = -1}};
    (void)options;
    if (argc != 1)
        return cli_usage_error(cli, argc ? "one REPO at a time" : "a REPO is missing");
    int status = upkeep_open(&p.upkeep, cli, argv[0], true);
    if (status == CLI_DONE) {
        if (repair(&p) != TCORE_OK)
            upkeep_report(&p.upkeep);
        if (p.segments || p.moved)
            audit(&p);
        status = cli_exit_status(cli, p.lost);
    }
    tcore_segment_reader_free(p.reader);
    tcore_projection_free(&p.projection);
    tcore_catalog_free(&p.catalog);
    upkeep_close(&p.upkeep);
    return status;
}

static const struct cli_exit_meaning exits[] = {
    {"1", "something was lost"},
    {0},
};

const struct cli_verb repair_verb = {
    .name = "repair",
    .summary = "Set right what is damaged in a repository.",
    .operands = "REPO",
    .description =
        "Damaged segments, and files that are none, are moved to REPO/quarantine, where nothing "
        "removes them; what can be read of a damaged segment is written into a new one. What "
        "interrupted upkeep has left is brought to its end, and roll-ups, filters and the catalog "
        "are made anew. Says what it did, a line each; check finds nothing afterwards. A damaged "
        "segment with sealed columns stays where it is unless a private key opens them.\n"
        "\n"
        "Example:\n"
        "  trace-record check repository || trace-record repair repository\n",
    .groups = CLI_OUTPUT | CLI_KEYS,
    .exits = exits,
    .run = run,
};
