/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk through segments, and then logs. Which block comes next is decided under a lock; reading
 * it is not. */
#include "store/scan_private.h"

#include "base/sys.h"
#include "store/repository_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* ---- segments ---- */

/* The joint roll-up that the segment is in, if it is used: as the current one, the first time. */
static enum tcore_status take_joint(struct scan *s, size_t number, bool *taken,
                                    struct tcore_error *err)
{
    uint32_t joint = s->joints.of_segment ? s->joints.of_segment[number] : 0;
    *taken = joint && s->joint_use[joint - 1] != JOINT_USELESS;
    struct tcore_scan_line *line = scan_line(s, number);
    if (line)
        line->reached = line->in_joint = *taken;
    if (!*taken || s->joint_use[joint - 1] == JOINT_GIVEN)
        return TCORE_OK;
    struct scanned *scanned = tcore_scanned_new("a joint roll-up", s->list.count + joint - 1);
    if (!scanned)
        return tcore_error_nomem(err);
    scanned->borrowed = true;
    scanned->segment = s->joints.joint[joint - 1];
    s->joint_use[joint - 1] = JOINT_GIVEN;
    s->unmatched = 0;
    s->current = scanned;
    s->has_problem = false;
    s->block = 0;
    tcore_scan_logs_heed(&s->logs, tcore_segment_manifest(scanned->segment));
    tcore_scan_choose_rollup(s, scanned, tcore_segment_manifest(scanned->segment));
    s->counted = 0;
    return TCORE_OK;
}

/* A segment is passed over as a whole. */
static void pass(struct scan *s, size_t number, enum tcore_passed why)
{
    struct tcore_scan_line *line = scan_line(s, number);
    if (!line)
        return;
    line->reached = line->whole_passed = true;
    line->why = why;
}

/* A segment that is not read may still have entries of a log. */
static void heed_unread(struct scan *s, size_t number, const struct tcore_catalog_entry *known)
{
    const char *path = s->list.path[number];
    struct tcore_segment *segment;
    if (!s->logs.count || (known && !known->seals) ||
        tcore_repository_open_segment(s->repository, path, &segment, NULL) != TCORE_OK)
        return;
    tcore_scan_report_opened(s->report, number, segment);
    tcore_scan_logs_heed(&s->logs, tcore_segment_manifest(segment));
    tcore_segment_close(segment);
}

/* Whether a segment is passed over unopened. */
static bool is_passed(struct scan *s, size_t number)
{
    const char *path = s->list.path[number];
    const struct tcore_catalog_entry *known = tcore_catalog_find(&s->catalog, path);
    bool other = s->may_have && !s->may_have[number];
    if (!other &&
        (!known || tcore_scan_is_in_time(s, known->all_timed, known->min_ns, known->max_ns)))
        return false;
    pass(s, number, other ? TCORE_PASSED_TRACES : TCORE_PASSED_TIME);
    heed_unread(s, number, known);
    return true;
}

/* Opens a segment. Its problem, if there is one, is no error of the scan's; of a damaged one it has
 * what can be read. */
static void open_segment(struct scan *s, struct scanned *scanned)
{
    const char *path = scanned->path;
    enum tcore_status status =
        tcore_repository_open_segment(s->repository, path, &scanned->segment, &scanned->problem);
    if (status == TCORE_EOF && s->one)
        status = tcore_error_errno(&scanned->problem, TCORE_FATAL, ENOENT, "cannot open");
    if (status == TCORE_OK)
        status = tcore_segment_unlock(scanned->segment, s->wanted.keys, &scanned->problem);
    if (status != TCORE_OK) {
        tcore_segment_close(scanned->segment);
        scanned->segment = NULL;
    }
    scanned->problem.status = status;
    if (status == TCORE_BAD_INPUT &&
        tcore_repository_salvage_segment(s->repository, path, &scanned->segment, NULL) == TCORE_OK)
        tcore_segment_unlock(scanned->segment, s->wanted.keys, NULL);
}

static void note_opened(struct scan *s, const struct scanned *scanned)
{
    struct tcore_scan_line *line = scan_line(s, scanned->number);
    if (!line)
        return;
    tcore_scan_report_opened(s->report, scanned->number, scanned->segment);
    line->reached = true;
    line->damaged = scanned->problem.status == TCORE_BAD_INPUT;
    if (scanned->problem.status == TCORE_EOF)
        pass(s, scanned->number, TCORE_PASSED_GONE);
}

/* Decides what of a segment without a problem is given. False: nothing. */
static bool choose(struct scan *s, struct scanned *scanned, const struct tcore_manifest *m)
{
    bool in_time = tcore_scan_is_in_time(s, m->all_timed, m->min_ns, m->max_ns);
    if (!m->block_count || !in_time) {
        pass(s, scanned->number, in_time ? TCORE_PASSED_TYPES : TCORE_PASSED_TIME);
        return false;
    }
    s->unmatched = tcore_scan_unmatched(s, m);
    tcore_scan_choose_rollup(s, scanned, m);
    return s->gives_rollup || tcore_scan_find_block(s, scanned, m);
}

/* Makes a segment the current one if it has something to give, or cannot be opened. */
static enum tcore_status take_segment(struct scan *s, size_t number, struct tcore_error *err)
{
    struct scanned *scanned = tcore_scanned_new(s->list.path[number], number);
    if (!scanned)
        return tcore_error_nomem(err);
    open_segment(s, scanned);
    note_opened(s, scanned);
    enum tcore_status problem = scanned->problem.status, status = TCORE_OK;
    bool useful = problem != TCORE_EOF; /* removed since it was listed */
    s->has_problem = problem != TCORE_OK;
    s->block = 0;
    s->rolled_up = s->unmatched = 0;
    s->gives_rollup = false;
    s->counted = TCORE_RECORD_TYPES;
    if (problem == TCORE_OK) {
        const struct tcore_manifest *m = tcore_segment_manifest(scanned->segment);
        tcore_scan_logs_heed(&s->logs, m);
        status = tcore_scan_select_blocks(s, scanned, err);
        useful = status == TCORE_OK && choose(s, scanned, m);
    }
    if (useful)
        s->current = scanned;
    else
        tcore_scanned_let_go(scanned);
    return status;
}

/* Opens the next segment that has something to give, or cannot be opened. TCORE_EOF: there is none.
 */
static enum tcore_status open_next(struct scan *s, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    while (status == TCORE_OK && !s->current) {
        if (s->next == s->list.count)
            return TCORE_EOF;
        bool joint;
        size_t number = s->next++;
        status = take_joint(s, number, &joint, err);
        if (joint || status != TCORE_OK)
            continue;
        if (!is_passed(s, number))
            status = take_segment(s, number, err);
    }
    return status;
}

/* ---- chunks ---- */

static bool has_to_stop(const struct scan *s)
{
    struct pollfd stop = {.fd = s->stop_fd, .events = POLLIN};
    return stop.fd > 0 && tcore_sys()->poll(&stop, 1, 0) > 0;
}

/* Gives the chunk lines of a log, or the problem of one. */
static enum tcore_status claim_lines(struct scan *s, struct tcore_chunk *chunk,
                                     struct tcore_error *err)
{
    struct scan_columns *c = (struct scan_columns *)chunk->columns;
    struct tcore_error problem = {0};
    enum tcore_status status = tcore_scan_logs_next(&s->logs, chunk, &problem);
    if (status == TCORE_EOF)
        return status;
    if (status == TCORE_FATAL) {
        if (err)
            *err = problem;
        return status;
    }
    if (status == TCORE_BAD_INPUT) {
        struct scanned *scanned = tcore_scanned_new("", SIZE_MAX);
        if (!scanned)
            return tcore_error_nomem(err);
        scanned->problem = problem;
        tcore_scan_columns_aim(c, scanned);
    }
    chunk->apart = status == TCORE_BAD_INPUT;
    chunk->lines = !chunk->apart;
    if (s->report && chunk->lines)
        s->report->log_bytes += chunk->length;
    chunk->info = (struct tcore_binary_info){.type = TCORE_RECORD_NONE};
    chunk->live = chunk->clock = false;
    chunk->sequence = s->sequence++;
    return TCORE_OK;
}

/* A block that whoever has the chunk will not read. */
static void note_unwanted(const struct scan *s, const struct scanned *from,
                          const struct tcore_manifest_block *b)
{
    struct tcore_scan_line *line = scan_line(s, from->number);
    if (!line)
        return;
    if (!(s->wanted.types >> b->type & 1))
        line->blocks_passed[TCORE_PASSED_TYPES]++;
    else if (!tcore_scan_is_in_time(s, b->all_timed, b->min_ns, b->max_ns))
        line->blocks_passed[TCORE_PASSED_TIME]++;
    else if (s->unmatched >> b->type & 1)
        line->blocks_passed[TCORE_PASSED_MATCH]++;
}

/* Gives the chunk the next thing of the current segment: its problem, its roll-up, a block. */
static void give(struct scan *s, struct tcore_chunk *chunk, struct scan_columns *c)
{
    struct scanned *from = s->current;
    const struct tcore_manifest *m = from->segment ? tcore_segment_manifest(from->segment) : NULL;
    __atomic_add_fetch(&from->users, 1, __ATOMIC_RELAXED);
    tcore_scan_columns_aim(c, from);
    c->repository = s->repository;
    c->report = s->report;
    c->reader.ring = s->wanted.keys;
    chunk->info = (struct tcore_binary_info){.type = TCORE_RECORD_NONE};
    if (s->has_problem) {
        s->has_problem = false;
    } else if (s->gives_rollup) {
        s->gives_rollup = false;
        c->rolled_up = s->rolled_up;
        c->rollup_frame = s->rollup_frame;
        c->joint = from->borrowed ? m : NULL;
    } else if (tcore_scan_find_count(s, m)) {
        uint64_t count = m->records[s->counted];
        chunk->info.type = (enum tcore_record_type)s->counted++;
        chunk->info.rows = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
    } else {
        c->block = &m->block[s->block++];
        chunk->info = tcore_scan_info(c->block);
        chunk->unmatched = s->unmatched >> c->block->type & 1;
        note_unwanted(s, from, c->block);
    }
    chunk->apart = true;
    chunk->rolled_up = c->rolled_up;
    chunk->length = chunk->overlong = 0;
    chunk->live = chunk->clock = chunk->lines = false;
    chunk->sequence = s->sequence++;
    if (!tcore_scan_find_block(s, from, m) && !(m && tcore_scan_find_count(s, m))) {
        tcore_scanned_let_go(from);
        s->current = NULL;
    }
}

static enum tcore_status claim(struct scan *s, struct tcore_chunk *chunk, struct tcore_error *err)
{
    struct scan_columns *c = tcore_scan_columns(chunk);
    if (!c)
        return tcore_error_nomem(err);
    if (has_to_stop(s))
        return TCORE_EOF;
    enum tcore_status status = open_next(s, err);
    if (status == TCORE_EOF)
        return claim_lines(s, chunk, err);
    if (status == TCORE_OK)
        give(s, chunk, c);
    return status;
}

/* ---- the source ---- */

static enum tcore_status next(struct tcore_chunk_source *source, struct tcore_chunk *chunk,
                              struct tcore_error *err)
{
    struct scan *s = (struct scan *)source;
    pthread_mutex_lock(&s->lock);
    enum tcore_status status = claim(s, chunk, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static void position(struct tcore_chunk_source *source, uint64_t *done, uint64_t *total)
{
    struct scan *s = (struct scan *)source;
    pthread_mutex_lock(&s->lock);
    *done = s->next;
    *total = s->list.count;
    pthread_mutex_unlock(&s->lock);
}

static void close_scan(struct tcore_chunk_source *source)
{
    struct scan *s = (struct scan *)source;
    tcore_scanned_let_go(s->current);
    tcore_scan_logs_close(&s->logs);
    tcore_scan_report_free(s->report);
    tcore_segment_list_free(&s->list);
    tcore_catalog_free(&s->catalog);
    tcore_joints_close(&s->joints);
    tcore_free(s->joint_use);
    tcore_free(s->may_have);
    tcore_repository_close(s->repository);
    pthread_mutex_destroy(&s->lock);
    tcore_free(s);
}

static const struct tcore_scan_report *report(struct tcore_chunk_source *source)
{
    return ((struct scan *)source)->report;
}

/* Before anything is read. */
static enum tcore_status begin_report(struct scan *s, struct tcore_error *err)
{
    struct tcore_scan_report *r = s->report = tcore_scan_report_new(&s->list, s->joints.count);
    if (!r)
        return tcore_error_nomem(err);
    r->rollups_asked = s->wanted.rollup_types != 0;
    r->logs = s->logs.count;
    for (size_t i = 0; i < s->list.count; i++) {
        struct stat st;
        const struct tcore_catalog_entry *known = tcore_catalog_find(&s->catalog, s->list.path[i]);
        if (known)
            r->line[i].bytes = known->bytes;
        else if (tcore_sys()->fstatat(s->repository->segments, s->list.path[i], &st,
                                      AT_SYMLINK_NOFOLLOW) == 0)
            r->line[i].bytes = (uint64_t)st.st_size;
    }
    for (size_t i = 0; i < s->joints.count; i++) {
        r->line[s->list.count + i].segments =
            tcore_segment_manifest(s->joints.joint[i])->source_count;
        tcore_scan_report_opened(r, s->list.count + i, s->joints.joint[i]);
    }
    return TCORE_OK;
}

/* Lists the segments of a repository, and opens what stands beside them. */
static enum tcore_status open_all(struct scan *s, const char *path,
                                  const struct tcore_input_options *options,
                                  struct tcore_error *err)
{
    enum tcore_status status = tcore_repository_open(&s->repository, path, err);
    if (status == TCORE_OK) /* before the segments: what is sealed meanwhile is found once */
        status = tcore_scan_logs_open(&s->logs, s->repository, options, err);
    if (status == TCORE_OK) {
        tcore_repository_share(s->repository);
        status = tcore_repository_list(s->repository, &s->list, err);
    }
    if (status == TCORE_OK)
        status = tcore_catalog_load(&s->catalog, s->repository, err);
    if (status == TCORE_OK && s->wanted.rollup_types)
        status = tcore_scan_open_joints(s, err);
    return status;
}

enum tcore_status tcore_scan_open(struct tcore_chunk_source **source, const char *path,
                                  const struct tcore_input_options *options,
                                  struct tcore_error *err)
{
    *source = NULL;
    struct scan *s = tcore_calloc(1, sizeof *s);
    if (!s)
        return tcore_error_nomem(err);
    s->source = (struct tcore_chunk_source){next, position, close_scan, report};
    s->wanted = options->wanted;
    s->stop_fd = options->stop_fd;
    pthread_mutex_init(&s->lock, NULL);
    enum tcore_status status = tcore_scan_is_segment(path) ? tcore_scan_open_one(s, path, err)
                                                           : open_all(s, path, options, err);
    if (status == TCORE_OK && s->wanted.trace_count)
        status = tcore_scan_find_traces(s, err);
    if (status == TCORE_OK && s->wanted.report)
        status = begin_report(s, err);
    if (status != TCORE_OK) {
        close_scan(&s->source);
        return status;
    }
    *source = &s->source;
    return TCORE_OK;
}
