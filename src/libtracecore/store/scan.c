/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which block comes next is decided under a lock; reading it is not. A segment stays open as long
 * as somebody reads a block of it.
 */
#include "store/scan.h"

#include "base/sys.h"
#include "store/repository.h"
#include "store/scan_logs.h"

#include <pthread.h>

/* A segment. */
struct scanned {
    struct tcore_segment *segment;       /* NULL: nothing of it can be read */
    struct tcore_error problem;          /* status TCORE_OK: none */
    char path[TCORE_SEGMENT_PATH_BYTES]; /* "": the problem is of a log, and names it */
    unsigned users;                      /* the scan, and blocks that are being read: atomic */
};

struct scan {
    struct tcore_chunk_source source;
    struct tcore_input_options options;
    struct tcore_repository *repository;
    struct tcore_segment_list list;
    pthread_mutex_t lock;
    size_t next;             /* in list */
    struct scanned *current; /* NULL: the next one is to be opened */
    bool has_problem;        /* which is to be told before its blocks */
    uint32_t block;          /* its next */
    uint64_t sequence;
    struct tcore_scan_logs logs; /* behind the segments */
};

/* What a chunk reads its block with. */
struct scan_columns {
    struct tcore_block_reader reader;         /* begins with the columns that the chunk knows */
    struct scanned *from;                     /* NULL: none */
    const struct tcore_manifest_block *block; /* NULL: the segment's problem */
};

static void let_go(struct scanned *scanned)
{
    if (!scanned || __atomic_sub_fetch(&scanned->users, 1, __ATOMIC_ACQ_REL))
        return;
    tcore_segment_close(scanned->segment);
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
    if (!c->block) {
        if (err)
            *err = c->from->problem;
        return name_problem(c->from->path, c->from->problem.status, err);
    }
    enum tcore_status status =
        tcore_block_reader_open(&c->reader, c->from->segment, c->block, directory, err);
    return status == TCORE_OK ? status : name_problem(c->from->path, status, err);
}

static enum tcore_status read_column(struct tcore_binary_columns *columns, uint32_t column,
                                     uint32_t bytes, const void **data, struct tcore_error *err)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    enum tcore_status status = tcore_block_reader_column(&c->reader, column, bytes, data, err);
    return status == TCORE_OK ? status : name_problem(c->from->path, status, err);
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
        c->reader.columns = (struct tcore_binary_columns){open_block, read_column, free_columns};
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

/* Opens the next segment that has something to give, or cannot be opened. TCORE_EOF: there is none.
 */
static enum tcore_status open_next(struct scan *s, struct tcore_error *err)
{
    while (!s->current) {
        if (s->next == s->list.count)
            return TCORE_EOF;
        struct scanned *scanned = tcore_calloc(1, sizeof *scanned);
        if (!scanned)
            return tcore_error_nomem(err);
        scanned->users = 1;
        const char *path = s->list.path[s->next++];
        memcpy(scanned->path, path, sizeof scanned->path);
        enum tcore_status status = tcore_repository_open_segment(
            s->repository, path, &scanned->segment, &scanned->problem);
        scanned->problem.status = status;
        s->has_problem = status != TCORE_OK;
        if (status == TCORE_BAD_INPUT) /* what of it can be read is */
            tcore_repository_salvage_segment(s->repository, path, &scanned->segment, NULL);
        const struct tcore_manifest *m =
            status == TCORE_OK ? tcore_segment_manifest(scanned->segment) : NULL;
        if (m)
            tcore_scan_logs_heed(&s->logs, m);
        bool nothing = m && !s->has_problem &&
                       (!m->block_count || !is_in_time(s, m->all_timed, m->min_ns, m->max_ns));
        if (status == TCORE_EOF || nothing) { /* removed since it was listed, or of no use */
            let_go(scanned);
            continue;
        }
        s->current = scanned;
        s->block = 0;
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
    }
    chunk->apart = status == TCORE_BAD_INPUT;
    chunk->lines = !chunk->apart;
    chunk->info = (struct tcore_binary_info){.type = TCORE_RECORD_NONE};
    chunk->live = chunk->clock = false;
    chunk->sequence = s->sequence++;
    return TCORE_OK;
}

/* Gives the chunk the next block, or the segment's problem; then what is in logs. */
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
    if (status != TCORE_OK)
        return status;
    struct scanned *from = s->current;
    uint32_t blocks;
    __atomic_add_fetch(&from->users, 1, __ATOMIC_RELAXED);
    let_go(c->from);
    c->from = from;
    const struct tcore_manifest *m = from->segment ? tcore_segment_manifest(from->segment) : NULL;
    blocks = m ? m->block_count : 0;
    chunk->info = (struct tcore_binary_info){.type = TCORE_RECORD_NONE};
    c->block = NULL;
    if (s->has_problem) {
        s->has_problem = false;
    } else {
        const struct tcore_manifest_block *b = &m->block[s->block++];
        c->block = b;
        chunk->info = (struct tcore_binary_info){b->type,      b->rows,   b->timed,
                                                 b->all_timed, b->min_ns, b->max_ns};
    }
    chunk->apart = true;
    chunk->length = chunk->overlong = 0;
    chunk->live = chunk->clock = chunk->lines = false;
    chunk->sequence = s->sequence++;
    if (s->block >= blocks) {
        let_go(from);
        s->current = NULL;
    }
    return TCORE_OK;
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
    tcore_repository_close(s->repository);
    pthread_mutex_destroy(&s->lock);
    tcore_free(s);
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
    if (status == TCORE_OK)
        status = tcore_repository_list(s->repository, &s->list, err);
    if (status != TCORE_OK) {
        close_scan(&s->source);
        return status;
    }
    *source = &s->source;
    return TCORE_OK;
}
