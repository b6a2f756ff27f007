/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which block comes next is decided under a lock; reading it is not. A segment stays open as long
 * as somebody reads a block of it.
 */
#include "store/scan.h"

#include "base/sys.h"
#include "store/catalog.h"
#include "store/joint.h"
#include "store/known_traces.h"
#include "store/trace_index.h"
#include "store/repository.h"
#include "store/scan_logs.h"

#include <pthread.h>
#include <stdio.h>

/* A segment. */
struct scanned {
    struct tcore_segment *segment;    /* NULL: nothing of it can be read */
    struct tcore_trace_blocks blocks; /* those that have wanted traces; if traces are asked for */
    bool selected;                    /* blocks counts */
    bool borrowed;                    /* the segment is a joint roll-up of the scan's */
    struct tcore_error problem;       /* status TCORE_OK: none */
    char path[TCORE_SEGMENT_PATH_BYTES]; /* "": the problem is of a log, and names it */
    unsigned users;                      /* the scan, and blocks that are being read: atomic */
};

/* What is done with a joint roll-up. */
enum joint_use { JOINT_USELESS, JOINT_USEFUL, JOINT_GIVEN };

struct scan {
    struct tcore_chunk_source source;
    struct tcore_input_options options;
    struct tcore_repository *repository;
    struct tcore_segment_list list;
    struct tcore_catalog catalog;
    struct tcore_joints joints;
    bool *may_have;      /* by segment: records of wanted traces; NULL: all are wanted; owned */
    uint32_t *joint_use; /* by joint: enum joint_use; owned */
    pthread_mutex_t lock;
    size_t next;             /* in list */
    struct scanned *current; /* NULL: the next one is to be opened */
    bool has_problem;        /* which is to be told before its blocks */
    unsigned rolled_up;      /* types of the current one that its roll-up stands for */
    uint32_t rollup_frame;
    bool gives_rollup; /* which is to be given before its blocks */
    int counted;       /* of a joint roll-up: the next type that may be left to be counted */
    uint32_t block;    /* its next */
    uint64_t sequence;
    struct tcore_scan_logs logs; /* behind the segments */
};

/* What a chunk reads its block with. */
struct scan_columns {
    struct tcore_block_reader reader;         /* begins with the columns that the chunk knows */
    struct scanned *from;                     /* NULL: none */
    const struct tcore_manifest_block *block; /* NULL: the segment's problem */
    unsigned rolled_up;                       /* not 0: a roll-up, for blocks of these types */
    uint32_t rollup_frame;
    const struct tcore_manifest *joint; /* it is a joint one: of that; NULL: none */
    struct tcore_repository *repository;
    uint32_t next_source; /* of the joint's segments, once the roll-up was of no use */
    uint32_t next;        /* of these, once the roll-up was of no use */
};

static struct tcore_binary_info info_of(const struct tcore_manifest_block *b)
{
    return (struct tcore_binary_info){b->type,      b->rows,   b->timed,
                                      b->all_timed, b->min_ns, b->max_ns};
}

static void let_go(struct scanned *scanned)
{
    if (!scanned || __atomic_sub_fetch(&scanned->users, 1, __ATOMIC_ACQ_REL))
        return;
    if (!scanned->borrowed)
        tcore_segment_close(scanned->segment);
    tcore_free(scanned->blocks.block);
    tcore_free(scanned);
}

/* The path goes in front of the reason: people look for the file. */
static enum tcore_status name_problem(const char *path, enum tcore_status status,
                                      struct tcore_error *err)
{
    char text[TCORE_ERROR_TEXT_BYTES];
    if (!err || !*path)
        return status;
    int errnum = err->errnum;
    memcpy(text, err->text, sizeof text);
    return tcore_error_errno(err, status, errnum, "segments/%s: %s", path, text);
}

static enum tcore_status open_block(struct tcore_binary_columns *columns,
                                    struct tcore_slice *directory, struct tcore_error *err)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    enum tcore_status status;
    if (c->rolled_up && !c->block) {
        tcore_block_reader_rewind(&c->reader);
        status = tcore_block_reader_member(&c->reader, c->from->segment, c->rollup_frame, NULL,
                                           directory, err);
        return status == TCORE_OK ? status : name_problem(c->from->path, status, err);
    }
    if (!c->block) {
        if (err)
            *err = c->from->problem;
        return name_problem(c->from->path, c->from->problem.status, err);
    }
    status = tcore_block_reader_open(&c->reader, c->from->segment, c->block, directory, err);
    return status == TCORE_OK ? status : name_problem(c->from->path, status, err);
}

static enum tcore_status read_column(struct tcore_binary_columns *columns, uint32_t column,
                                     uint32_t bytes, const void **data, struct tcore_error *err)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    enum tcore_status status = tcore_block_reader_column(&c->reader, column, bytes, data, err);
    return status == TCORE_OK ? status : name_problem(c->from->path, status, err);
}

static enum tcore_status unseal_column(struct tcore_binary_columns *columns, uint32_t column,
                                       struct tcore_slice *opened, struct tcore_error *err)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    enum tcore_status status = tcore_block_reader_unseal(&c->reader, column, opened, err);
    return status == TCORE_OK || status == TCORE_SKIP ? status
                                                      : name_problem(c->from->path, status, err);
}

/* The next segment of a joint roll-up that was of no use. False: there is none. */
static bool open_source(struct scan_columns *c)
{
    while (c->joint && c->next_source < c->joint->source_count) {
        const char *path = c->joint->source[c->next_source++];
        struct scanned *scanned = tcore_calloc(1, sizeof *scanned);
        if (!scanned)
            return false;
        scanned->users = 1;
        snprintf(scanned->path, sizeof scanned->path, "%s", path);
        if (tcore_repository_open_segment(c->repository, path, &scanned->segment, NULL) ==
                TCORE_OK &&
            tcore_segment_unlock(scanned->segment, c->reader.ring, NULL) == TCORE_OK) {
            let_go(c->from);
            c->from = scanned;
            c->next = 0;
            return true;
        }
        let_go(scanned);
    }
    return false;
}

static bool instead(struct tcore_binary_columns *columns, struct tcore_binary_info *info)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    for (;;) {
        const struct tcore_manifest *m = tcore_segment_manifest(c->from->segment);
        while (c->next < m->block_count) {
            c->block = &m->block[c->next++];
            *info = info_of(c->block);
            if (c->rolled_up >> c->block->type & 1)
                return true;
        }
        if (!open_source(c))
            return false;
    }
}

static void free_columns(struct tcore_binary_columns *columns)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    let_go(c->from);
    tcore_block_reader_free(&c->reader);
    tcore_free(c);
}

static struct scan_columns *columns_of(struct tcore_chunk *chunk)
{
    if (!chunk->columns) {
        struct scan_columns *c = tcore_calloc(1, sizeof *c);
        if (!c)
            return NULL;
        c->reader.columns = (struct tcore_binary_columns){open_block, read_column, instead,
                                                          free_columns, unseal_column};
        chunk->columns = &c->reader.columns;
    }
    return (struct scan_columns *)chunk->columns;
}

/* ---- under the lock ---- */

static bool is_in_time(const struct scan *s, bool all_timed, int64_t min_ns, int64_t max_ns)
{
    if (!all_timed)
        return true;
    return !(s->options.has_since && max_ns < s->options.since_ns) &&
           !(s->options.has_until && min_ns >= s->options.until_ns);
}

/* The coarsest roll-up that will do, NULL: none. All records of its types are wanted then. */
static const struct tcore_manifest_rollup *best_rollup(const struct scan *s,
                                                       const struct tcore_manifest *m)
{
    const struct tcore_input_options *o = &s->options;
    const struct tcore_manifest_rollup *best = NULL;
    bool cut = o->has_since || o->has_until;
    bool inside = m->all_timed && (!o->has_since || m->min_ns >= o->since_ns) &&
                  (!o->has_until || m->max_ns < o->until_ns);
    for (uint32_t i = 0; i < m->rollup_count && (inside || !cut); i++)
        if (m->rollup[i].types & o->rollup_types &&
            o->rollup_window_ns % m->rollup[i].window_ns == 0)
            best = &m->rollup[i];
    return best;
}

static void choose_rollup(struct scan *s, const struct tcore_manifest *m)
{
    const struct tcore_manifest_rollup *rollup = best_rollup(s, m);
    s->rolled_up = rollup ? rollup->types & s->options.rollup_types : 0;
    s->rollup_frame = rollup ? rollup->frame : 0;
    s->gives_rollup = rollup != NULL;
    s->counted = TCORE_RECORD_TYPES;
}

/* Whether a joint roll-up spares opening the segments that it is of. */
static bool is_useful(const struct scan *s, const struct tcore_manifest *m)
{
    const struct tcore_manifest_rollup *rollup = best_rollup(s, m);
    for (int type = 0; rollup && type < TCORE_RECORD_TYPES; type++)
        if (m->records[type] && s->options.wanted_types >> type & 1 &&
            !((rollup->types & s->options.rollup_types) >> type & 1))
            return false;
    return rollup != NULL;
}

/* The joint roll-up that the segment is in, if it is used: as the current one, the first time. */
static enum tcore_status take_joint(struct scan *s, size_t number, bool *taken,
                                    struct tcore_error *err)
{
    uint32_t joint = s->joints.of_segment ? s->joints.of_segment[number] : 0;
    *taken = joint && s->joint_use[joint - 1] != JOINT_USELESS;
    if (!*taken || s->joint_use[joint - 1] == JOINT_GIVEN)
        return TCORE_OK;
    struct scanned *scanned = tcore_calloc(1, sizeof *scanned);
    if (!scanned)
        return tcore_error_nomem(err);
    scanned->users = 1;
    scanned->borrowed = true;
    scanned->segment = s->joints.joint[joint - 1];
    snprintf(scanned->path, sizeof scanned->path, "%s", "a joint roll-up");
    s->joint_use[joint - 1] = JOINT_GIVEN;
    s->current = scanned;
    s->has_problem = false;
    s->block = 0;
    tcore_scan_logs_heed(&s->logs, tcore_segment_manifest(scanned->segment));
    choose_rollup(s, tcore_segment_manifest(scanned->segment));
    s->counted = 0;
    return TCORE_OK;
}

static bool join_blocks(struct tcore_trace_blocks *into, const struct tcore_trace_blocks *from)
{
    uint32_t *memory =
        tcore_reallocarray(into->block, into->count + from->count, sizeof *into->block);
    if (!memory)
        return false;
    into->block = memory;
    if (from->count)
        memcpy(memory + into->count, from->block, from->count * sizeof *memory);
    into->count += from->count;
    return true;
}

/* Of a segment with an index of traces: which blocks have the wanted ones. If that cannot be told,
 * all of them are read. */
static enum tcore_status select_blocks(struct scan *s, struct scanned *scanned,
                                       struct tcore_error *err)
{
    const struct tcore_manifest *m = tcore_segment_manifest(scanned->segment);
    struct tcore_block_reader reader = {0};
    struct tcore_trace_index index;
    struct tcore_slice data;
    if (!s->options.trace_count || !m->trace_index)
        return TCORE_OK;
    enum tcore_status status =
        tcore_block_reader_member(&reader, scanned->segment, m->trace_index, NULL, &data, err);
    if (status == TCORE_OK)
        status = tcore_trace_index_open(&index, data.data, data.length, err);
    for (size_t i = 0; i < s->options.trace_count && status == TCORE_OK; i++) {
        struct tcore_trace_blocks found = {0};
        status = tcore_trace_index_find(&index, s->options.trace_ids[i], &found, err);
        if (status == TCORE_OK && !join_blocks(&scanned->blocks, &found))
            status = tcore_error_nomem(err);
        tcore_free(found.block);
    }
    scanned->selected = status == TCORE_OK;
    tcore_block_reader_free(&reader);
    return status == TCORE_BAD_INPUT ? TCORE_OK : status;
}

static bool is_selected(const struct scan *s)
{
    const struct scanned *scanned = s->current;
    if (!scanned->selected)
        return true;
    for (size_t i = 0; i < scanned->blocks.count; i++)
        if (scanned->blocks.block[i] == s->block)
            return true;
    return false;
}

/* Moves on to the next block that is wanted and no roll-up stands for. False: there is none. */
static bool find_block(struct scan *s, const struct tcore_manifest *m)
{
    while (m && s->block < m->block_count &&
           (s->rolled_up >> m->block[s->block].type & 1 || !is_selected(s)))
        s->block++;
    return m && s->block < m->block_count;
}

/* A segment that is not read may still have entries of a log. */
static void heed_unread(struct scan *s, const char *path, const struct tcore_catalog_entry *known)
{
    struct tcore_segment *segment;
    if (!s->logs.count || (known && !known->seals) ||
        tcore_repository_open_segment(s->repository, path, &segment, NULL) != TCORE_OK)
        return;
    tcore_scan_logs_heed(&s->logs, tcore_segment_manifest(segment));
    tcore_segment_close(segment);
}

/* Opens the next segment that has something to give, or cannot be opened. TCORE_EOF: there is none.
 */
static enum tcore_status open_next(struct scan *s, struct tcore_error *err)
{
    while (!s->current) {
        if (s->next == s->list.count)
            return TCORE_EOF;
        bool joint;
        size_t number = s->next++;
        enum tcore_status status = take_joint(s, number, &joint, err);
        if (status != TCORE_OK)
            return status;
        if (joint)
            continue;
        const char *path = s->list.path[number];
        const struct tcore_catalog_entry *known = tcore_catalog_find(&s->catalog, path);
        bool other = s->may_have && !s->may_have[number];
        if (other || (known && !is_in_time(s, known->all_timed, known->min_ns, known->max_ns))) {
            heed_unread(s, path, known);
            continue;
        }
        struct scanned *scanned = tcore_calloc(1, sizeof *scanned);
        if (!scanned)
            return tcore_error_nomem(err);
        scanned->users = 1;
        memcpy(scanned->path, path, sizeof scanned->path);
        status = tcore_repository_open_segment(s->repository, path, &scanned->segment,
                                               &scanned->problem);
        if (status == TCORE_OK)
            status = tcore_segment_unlock(scanned->segment, s->options.keys, &scanned->problem);
        if (status != TCORE_OK) {
            tcore_segment_close(scanned->segment);
            scanned->segment = NULL;
        }
        scanned->problem.status = status;
        s->has_problem = status != TCORE_OK;
        if (status == TCORE_BAD_INPUT) /* what of it can be read is */
            tcore_repository_salvage_segment(s->repository, path, &scanned->segment, NULL);
        const struct tcore_manifest *m =
            status == TCORE_OK ? tcore_segment_manifest(scanned->segment) : NULL;
        if (m)
            tcore_scan_logs_heed(&s->logs, m);
        if (m) {
            enum tcore_status selected = select_blocks(s, scanned, err);
            if (selected != TCORE_OK) {
                let_go(scanned);
                return selected;
            }
        }
        bool nothing = m && !s->has_problem &&
                       (!m->block_count || !is_in_time(s, m->all_timed, m->min_ns, m->max_ns));
        if (status == TCORE_EOF || nothing) { /* removed since it was listed, or of no use */
            let_go(scanned);
            continue;
        }
        s->current = scanned;
        s->block = 0;
        s->rolled_up = 0;
        s->gives_rollup = false;
        s->counted = TCORE_RECORD_TYPES;
        if (m)
            choose_rollup(s, m);
        if (m && !s->has_problem && !s->gives_rollup && !find_block(s, m)) {
            let_go(scanned); /* no block has the traces */
            s->current = NULL;
        }
    }
    return TCORE_OK;
}

static bool has_to_stop(const struct scan *s)
{
    struct pollfd stop = {.fd = s->options.stop_fd, .events = POLLIN};
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
        struct scanned *scanned = tcore_calloc(1, sizeof *scanned);
        if (!scanned)
            return tcore_error_nomem(err);
        scanned->users = 1;
        scanned->problem = problem;
        let_go(c->from);
        c->from = scanned;
        c->block = NULL;
        c->rolled_up = 0;
        c->joint = NULL;
    }
    chunk->apart = status == TCORE_BAD_INPUT;
    chunk->lines = !chunk->apart;
    chunk->info = (struct tcore_binary_info){.type = TCORE_RECORD_NONE};
    chunk->live = chunk->clock = false;
    chunk->sequence = s->sequence++;
    return TCORE_OK;
}

/* Moves on to the next type of a joint roll-up whose records are not wanted, but counted. */
static bool find_count(struct scan *s, const struct tcore_manifest *m)
{
    while (s->counted < TCORE_RECORD_TYPES &&
           (!m->records[s->counted] || s->options.wanted_types >> s->counted & 1))
        s->counted++;
    return s->counted < TCORE_RECORD_TYPES;
}

/* Gives the chunk the next thing of the current segment: its problem, its roll-up, a block. */
static void give(struct scan *s, struct tcore_chunk *chunk, struct scan_columns *c)
{
    struct scanned *from = s->current;
    const struct tcore_manifest *m = from->segment ? tcore_segment_manifest(from->segment) : NULL;
    __atomic_add_fetch(&from->users, 1, __ATOMIC_RELAXED);
    let_go(c->from);
    c->from = from;
    c->block = NULL;
    c->next = 0;
    c->rolled_up = 0;
    c->joint = NULL;
    c->next_source = 0;
    c->repository = s->repository;
    c->reader.ring = s->options.keys;
    chunk->info = (struct tcore_binary_info){.type = TCORE_RECORD_NONE};
    if (s->has_problem) {
        s->has_problem = false;
    } else if (s->gives_rollup) {
        s->gives_rollup = false;
        c->rolled_up = s->rolled_up;
        c->rollup_frame = s->rollup_frame;
        c->joint = from->borrowed ? m : NULL;
    } else if (find_count(s, m)) {
        uint64_t count = m->records[s->counted];
        chunk->info.type = (enum tcore_record_type)s->counted++;
        chunk->info.rows = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
    } else {
        c->block = &m->block[s->block++];
        chunk->info = info_of(c->block);
    }
    chunk->apart = true;
    chunk->rolled_up = c->rolled_up;
    chunk->length = chunk->overlong = 0;
    chunk->live = chunk->clock = chunk->lines = false;
    chunk->sequence = s->sequence++;
    if (!find_block(s, m) && !(m && find_count(s, m))) {
        let_go(from);
        s->current = NULL;
    }
}

static enum tcore_status claim(struct scan *s, struct tcore_chunk *chunk, struct tcore_error *err)
{
    struct scan_columns *c = columns_of(chunk);
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
    let_go(s->current);
    tcore_scan_logs_close(&s->logs);
    tcore_segment_list_free(&s->list);
    tcore_catalog_free(&s->catalog);
    tcore_joints_close(&s->joints);
    tcore_free(s->joint_use);
    tcore_free(s->may_have);
    tcore_repository_close(s->repository);
    pthread_mutex_destroy(&s->lock);
    tcore_free(s);
}

static enum tcore_status find_traces(struct scan *s, struct tcore_error *err)
{
    s->may_have = tcore_calloc(s->list.count, sizeof *s->may_have);
    if (!s->may_have)
        return tcore_error_nomem(err);
    return tcore_known_traces_find(s->repository, &s->list, s->options.trace_ids,
                                   s->options.trace_count, s->may_have, err);
}

static enum tcore_status open_joints(struct scan *s, struct tcore_error *err)
{
    enum tcore_status status = tcore_joints_open(&s->joints, s->repository, &s->list, err);
    if (status != TCORE_OK)
        return status;
    s->joint_use = tcore_calloc(s->joints.count, sizeof *s->joint_use);
    if (!s->joint_use)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < s->joints.count; i++)
        if (is_useful(s, tcore_segment_manifest(s->joints.joint[i])))
            s->joint_use[i] = JOINT_USEFUL;
    return TCORE_OK;
}

enum tcore_status tcore_scan_open(struct tcore_chunk_source **source, const char *path,
                                  const struct tcore_input_options *options,
                                  struct tcore_error *err)
{
    *source = NULL;
    struct scan *s = tcore_calloc(1, sizeof *s);
    if (!s)
        return tcore_error_nomem(err);
    s->source = (struct tcore_chunk_source){next, position, close_scan};
    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    enum tcore_status status = tcore_repository_open(&s->repository, path, err);
    if (status == TCORE_OK) /* before the segments: what is sealed meanwhile is found once */
        status = tcore_scan_logs_open(&s->logs, s->repository, options, err);
    if (status == TCORE_OK) {
        tcore_repository_share(s->repository);
        status = tcore_repository_list(s->repository, &s->list, err);
    }
    if (status == TCORE_OK)
        status = tcore_catalog_load(&s->catalog, s->repository, err);
    if (status == TCORE_OK && s->options.rollup_types)
        status = open_joints(s, err);
    if (status == TCORE_OK && s->options.trace_count)
        status = find_traces(s, err);
    if (status != TCORE_OK) {
        close_scan(&s->source);
        return status;
    }
    *source = &s->source;
    return TCORE_OK;
}
