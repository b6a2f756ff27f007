/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writers, sealing and checking of the repository of open logs. */
#include "log_world.h"

#include "base/buf.h"
#include "base/sys.h"
#include "store/log_recover.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_BYTES = 900, SEGMENT_SEAL = 8 + TCORE_LOG_ID_BYTES + 8 };
#define SEGMENT_MAGIC "\x89SEGMENT"

static bool note(struct world *w, enum tcore_status status, const struct tcore_error *err)
{
    if (status == TCORE_OK)
        return true;
    w->errors++;
    snprintf(w->reason, sizeof w->reason, "%.160s (%d)", err->text, err->errnum);
    return false;
}

/* Writes the text of a record; mostly short, some longer than a sector. */
static size_t make_text(unsigned number, char text[RECORD_BYTES])
{
    struct random_source random = {number};
    size_t filler = random_below(&random, random_below(&random, 4) ? 60 : 800);
    size_t length = (size_t)sprintf(text, "{\"record\":%u,\"filler\":\"", number);
    for (size_t i = 0; i < filler; i++)
        text[length++] = (char)('a' + random_below(&random, 26));
    memcpy(text + length, "\"}\n", 3);
    return length + 3;
}

/* The text of a record, the same for the same number. */
static size_t record_text(unsigned number, const char **text)
{
    static char texts[WORLD_RECORDS][RECORD_BYTES];
    static size_t lengths[WORLD_RECORDS];
    if (!lengths[number])
        lengths[number] = make_text(number, texts[number]);
    *text = texts[number];
    return lengths[number];
}

static void open_directories(struct world *w, int root)
{
    const struct tcore_sys *sys = tcore_sys();
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    w->open = sys->openat(root, "open", flags, 0);
    w->segments = sys->openat(root, "segments", flags, 0);
    w->quarantine = sys->openat(root, "quarantine", flags, 0);
    w->errors += w->open < 0 || w->segments < 0 || w->quarantine < 0;
}

static void make_directories(int root)
{
    tcore_sys()->mkdirat(root, "open", 0750);
    tcore_sys()->mkdirat(root, "segments", 0750);
    tcore_sys()->mkdirat(root, "quarantine", 0750);
    tcore_sys()->fsync(root);
}

void world_begin(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->random.state = seed;
    w->disk = disk_new(random_bits(&w->random));
    disk_install(w->disk);
    make_directories(disk_root(w->disk));
    open_directories(w, disk_root(w->disk));
}

int world_begin_real(struct world *w, int directory, unsigned records, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->random.state = seed;
    w->records = records;
    make_directories(directory);
    open_directories(w, directory);
    return w->open < 0 || w->segments < 0 || w->quarantine < 0 ? -1 : 0;
}

void world_after_crash(const struct world *before, struct world *after, uint64_t seed)
{
    *after = *before;
    after->random.state = seed;
    after->errors = 0;
    memset(after->writers, 0, sizeof after->writers);
    after->disk = disk_after_crash(before->disk, random_bits(&after->random));
    disk_install(after->disk);
    open_directories(after, disk_root(after->disk));
}

void world_end(struct world *w)
{
    if (!w->disk) {
        tcore_sys()->close(w->open);
        tcore_sys()->close(w->segments);
        tcore_sys()->close(w->quarantine);
    }
    disk_free(w->disk);
    w->disk = NULL;
}

static bool add_record(struct world *w, struct tcore_log *log, unsigned char *mine)
{
    const char *text;
    struct tcore_error err;
    if (w->records == WORLD_RECORDS)
        return false;
    unsigned number = w->records++;
    size_t length = record_text(number, &text);
    if (!note(w, tcore_log_append(log, 1, text, length, NULL, &err), &err))
        return false;
    mine[number] = 1;
    return true;
}

static void acknowledge(struct world *w, unsigned char *mine)
{
    for (unsigned n = 0; n < w->records; n++) {
        if (mine[n] && w->acknowledged)
            w->acknowledged(n);
        w->acked[n] |= mine[n];
        mine[n] = 0;
    }
}

static void step_private(struct world *w)
{
    struct tcore_error err;
    unsigned n = (unsigned)random_below(&w->random, WORLD_WRITERS);
    struct tcore_log **log = &w->writers[n].log;
    unsigned char *mine = w->writers[n].mine;
    unsigned action = (unsigned)random_below(&w->random, 8);
    if (!*log) {
        note(w, tcore_log_create(log, w->open, &err), &err);
    } else if (action < 4) {
        for (unsigned more = 1 + (unsigned)random_below(&w->random, 3); more; more--)
            add_record(w, *log, mine);
    } else if (action < 6) {
        if (note(w, tcore_log_sync(*log, &err), &err))
            acknowledge(w, mine);
    } else if (action < 7) {
        note(w, tcore_log_flush(*log, &err), &err);
    } else {
        note(w, tcore_log_close(*log, &err), &err);
        *log = NULL;
        memset(mine, 0, WORLD_RECORDS);
    }
}

static void step_shared(struct world *w)
{
    static const struct tcore_log_limits limits = {.bytes = 1500, .age_ns = 0};
    struct tcore_error err;
    struct tcore_log *log;
    unsigned char mine[WORLD_RECORDS] = {0};
    if (!note(w, tcore_log_open_shared(&log, w->open, &limits, &err), &err))
        return;
    for (unsigned more = 1 + (unsigned)random_below(&w->random, 2); more; more--)
        add_record(w, log, mine);
    if (random_below(&w->random, 4) && note(w, tcore_log_sync(log, &err), &err))
        acknowledge(w, mine);
    note(w, tcore_log_close(log, &err), &err);
}

/* On a disk in memory the process dies: nothing is flushed, and nothing more is written to what was
 * open. On a real one the logs are closed. */
static void kill_writers(struct world *w)
{
    struct tcore_error err;
    if (w->disk)
        disk_kill(w->disk);
    for (unsigned n = 0; n < WORLD_WRITERS; n++) {
        if (w->writers[n].log)
            tcore_log_close(w->writers[n].log, &err);
        w->writers[n].log = NULL;
        memset(w->writers[n].mine, 0, WORLD_RECORDS);
    }
    if (w->disk)
        open_directories(w, disk_root(w->disk));
}

/* Puts the rest of a log into a segment: magic, seal, records. */
static void seal_records(struct world *w, struct tcore_log_claim *claim,
                         const struct tcore_buf *records)
{
    struct tcore_error err;
    struct tcore_new_file file;
    struct tcore_log_seal seal = tcore_log_claim_seal(claim);
    char head[SEGMENT_SEAL], name[32];
    memcpy(head, SEGMENT_MAGIC, 8);
    memcpy(head + 8, seal.id, TCORE_LOG_ID_BYTES);
    memcpy(head + 8 + TCORE_LOG_ID_BYTES, &seal.last_sequence, 8);
    snprintf(name, sizeof name, "%016llx.seg", (unsigned long long)random_bits(&w->random));
    if (records->length) {
        if (!note(w, tcore_new_file_open(&file, w->segments, &err), &err)) {
            tcore_log_release(claim);
            return;
        }
        bool written = tcore_write_all(file.fd, head, sizeof head) == 0 &&
                       tcore_write_all(file.fd, records->data, records->length) == 0;
        if (!written)
            tcore_error_errno(&err, TCORE_FATAL, errno, "segment");
        written = note(w, written ? TCORE_OK : TCORE_FATAL, &err) &&
                  note(w, tcore_new_file_link(&file, name, NULL, &err), &err);
        tcore_new_file_drop(&file);
        if (!written) {
            tcore_log_release(claim);
            return;
        }
    }
    note(w, tcore_log_discard(claim, &err), &err);
}

struct segments {
    struct world *world;
    struct world_result *result; /* may be NULL: records are not looked at */
    struct tcore_log_seal seals[WORLD_RECORDS];
    size_t count;
};

/* Checks one record, and counts it; last is the number of the one before it in its log, or -1. */
static bool see_record(struct world *w, const char *text, size_t length, long *last,
                       struct world_result *result)
{
    char head[32];
    const char *wanted;
    unsigned number;
    snprintf(head, sizeof head, "%.*s", (int)(length < 31 ? length : 31), text);
    if (sscanf(head, "{\"record\":%u,", &number) != 1 || number >= w->records ||
        record_text(number, &wanted) != length || memcmp(wanted, text, length) != 0)
        return false;
    result->wrong += ++w->seen[number] > 1 || (long)number <= *last;
    *last = number;
    return true;
}

static void read_segment_text(struct segments *s, const char *text, size_t length)
{
    if (length < SEGMENT_SEAL || memcmp(text, SEGMENT_MAGIC, 8) != 0) {
        if (s->result)
            s->result->wrong++;
        return;
    }
    struct tcore_log_seal *seal = &s->seals[s->count++];
    memcpy(seal->id, text + 8, TCORE_LOG_ID_BYTES);
    memcpy(&seal->last_sequence, text + 8 + TCORE_LOG_ID_BYTES, 8);
    long last = -1;
    for (size_t at = SEGMENT_SEAL; s->result && at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t bytes = end ? (size_t)(end + 1 - text) - at : length - at;
        if (!see_record(s->world, text + at, bytes, &last, s->result))
            s->result->wrong++;
        at += bytes;
    }
}

static int read_segment(void *context, const char *name)
{
    static char text[WORLD_RECORDS * RECORD_BYTES];
    struct segments *s = context;
    if (!strncmp(name, TCORE_NEW_FILE_PREFIX, sizeof TCORE_NEW_FILE_PREFIX - 1))
        return 0;
    int fd = tcore_open_regular(s->world->segments, name, O_RDONLY);
    ptrdiff_t length = fd < 0 ? -1 : tcore_pread_all(fd, text, sizeof text, 0);
    if (fd >= 0)
        tcore_sys()->close(fd);
    if (length < 0)
        return -1;
    read_segment_text(s, text, (size_t)length);
    return 0;
}

static void seal_log(struct world *w, const char *name, const struct segments *segments)
{
    struct tcore_error err;
    struct tcore_log_claim *claim;
    struct tcore_log_entry entry;
    struct tcore_buf records = {0};
    enum tcore_status status = tcore_log_claim(&claim, w->open, name, &err);
    if (status == TCORE_EOF || !note(w, status, &err))
        return;
    struct tcore_log_seal seal = tcore_log_claim_seal(claim);
    uint64_t sealed = tcore_log_sealed(seal.id, segments->seals, segments->count);
    while ((status = tcore_log_recover(claim, w->quarantine, &entry, &err)) == TCORE_OK)
        if (entry.sequence > sealed)
            tcore_buf_append(&records, entry.payload, entry.length);
    if (status == TCORE_EOF) {
        seal_records(w, claim, &records);
    } else {
        note(w, status, &err);
        tcore_log_release(claim);
    }
    tcore_buf_free(&records);
}

static void step_seal(struct world *w)
{
    struct tcore_error err;
    char **names;
    size_t count;
    struct segments segments = {.world = w};
    /* A segment that is seen may not be on disk, if who wrote it died; but logs go because of it.
     */
    if (!note(w, tcore_sync_directory(w->segments, &err), &err) ||
        !note(w, tcore_log_list(w->open, &names, &count, &err), &err))
        return;
    if (tcore_sys()->list(w->segments, read_segment, &segments) != 0) {
        tcore_error_errno(&err, TCORE_FATAL, errno, "list");
        note(w, TCORE_FATAL, &err);
    } else {
        for (size_t i = 0; i < count; i++)
            seal_log(w, names[i], &segments);
    }
    tcore_free(names);
}

void world_reopen(struct world *w)
{
    disk_kill(w->disk);
    open_directories(w, disk_root(w->disk));
}

unsigned world_seal(struct world *w)
{
    struct tcore_error err;
    w->errors = 0;
    enum tcore_status status = tcore_log_rotate_shared(w->open, NULL, &err);
    if (status != TCORE_EOF)
        note(w, status, &err);
    step_seal(w);
    return w->errors;
}

void world_work(struct world *w, unsigned steps)
{
    while (steps-- && !(w->disk && disk_is_off(w->disk)) && w->records + 4 < WORLD_RECORDS) {
        unsigned action = (unsigned)random_below(&w->random, 24);
        if (w->deadly && random_below(&w->random, 4) == 0)
            disk_die_at(w->disk, 1 + random_below(&w->random, 8));
        if (action < 14)
            step_private(w);
        else if (action < 21)
            step_shared(w);
        else if (action < 23)
            step_seal(w);
        else
            kill_writers(w);
        if (w->disk && disk_is_dead(w->disk))
            kill_writers(w);
    }
    kill_writers(w);
}

void world_check(struct world *w, struct world_result *result)
{
    struct tcore_error err;
    struct tcore_log_reader **readers;
    struct tcore_log_entry entry;
    size_t count;
    struct segments segments = {.world = w, .result = result};
    memset(w->seen, 0, sizeof w->seen);
    if (tcore_log_open_all(w->open, &readers, &count, &err) != TCORE_OK) {
        result->unread++;
        return;
    }
    result->unread += tcore_sys()->list(w->segments, read_segment, &segments) != 0;
    for (size_t i = 0; i < count; i++) {
        long last = -1;
        enum tcore_status status;
        uint64_t sealed =
            tcore_log_sealed(tcore_log_reader_id(readers[i]), segments.seals, segments.count);
        while ((status = tcore_log_read(readers[i], &entry, &err)) < TCORE_BAD_INPUT &&
               status != TCORE_EOF)
            if (status == TCORE_OK && entry.sequence > sealed &&
                !see_record(w, entry.payload, entry.length, &last, result))
                result->wrong++;
        result->unread += status != TCORE_EOF;
    }
    tcore_log_close_all(readers, count);
    for (unsigned n = 0; n < w->records; n++)
        result->lost += w->acked[n] && !w->seen[n];
}
