/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trace filters of a repository in one file. */
#include "store/trace_filters.h"

#include "base/sys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <endian.h>
#include <errno.h>

static const char file_magic[8] = "tcfilts\n", group_magic[4] = "tcfg";
enum {
    VERSION = 1,
    CHECKSUM = 8,
    MOST = TCORE_TRACE_FILTERS_GROUP,
    ROW_MOST = MOST * TCORE_TRACE_FILTER_BYTES + CHECKSUM,
    PIECE = 1 << 16 /* of what is written at a time, at least */
};

/* Both as they are stored: little-endian. */
struct file_head {
    char magic[8];
    uint32_t version, unused;
    uint64_t seed, checksum;
};

struct group_head {
    char magic[4];
    uint32_t segments, blocks, unused;
    uint64_t names[MOST];
    uint64_t checksum;
};

struct group {
    uint64_t rows; /* offset of the first row */
    uint32_t segments, blocks;
    uint64_t row_seed;
    uint64_t names[MOST];
};

struct tcore_trace_filters {
    int fd;
    uint64_t seed, end;
    bool whole;
    struct group *groups; /* owned */
    size_t count, capacity;
};

uint64_t tcore_trace_filters_name(const char *name, size_t length)
{
    return XXH3_64bits(name, length);
}

static size_t row_bytes(uint32_t segments)
{
    return (size_t)segments * TCORE_TRACE_FILTER_BYTES + CHECKSUM;
}

static uint64_t rows_bytes(const struct group *group)
{
    return (uint64_t)group->blocks * row_bytes(group->segments);
}

/* A row belongs to its group and place, so that one that was moved is seen. */
static uint64_t row_checksum(const struct group *group, uint32_t block, const char *row)
{
    return XXH3_64bits_withSeed(row, row_bytes(group->segments) - CHECKSUM,
                                group->row_seed + block);
}

static bool row_is_sound(const struct group *group, uint32_t block, const char *row)
{
    uint64_t checksum;
    memcpy(&checksum, row + row_bytes(group->segments) - CHECKSUM, sizeof checksum);
    return le64toh(checksum) == row_checksum(group, block, row);
}

/* How many bytes were there; -1 and errno. */
static ssize_t read_at(int fd, void *buffer, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n =
            tcore_sys()->pread(fd, (char *)buffer + done, bytes - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int write_at(int fd, const void *buffer, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = tcore_sys()->pwrite(fd, (const char *)buffer + done, bytes - done,
                                        (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : EIO;
            return -1;
        }
        done += (size_t)n;
    }
    return 0;
}

static enum tcore_status failed(struct tcore_error *err, const char *what)
{
    return tcore_error_errno(err, TCORE_FATAL, errno, "cannot %s the trace filters", what);
}

enum tcore_status tcore_trace_filters_create(int fd, uint64_t seed, struct tcore_error *err)
{
    struct file_head head = {.version = htole32(VERSION), .seed = htole64(seed)};
    memcpy(head.magic, file_magic, sizeof file_magic);
    head.checksum = htole64(XXH3_64bits(&head, offsetof(struct file_head, checksum)));
    if (write_at(fd, &head, sizeof head, 0) != 0)
        return failed(err, "write");
    return tcore_sys()->fdatasync(fd) == 0 ? TCORE_OK : failed(err, "sync");
}

static bool add_group(struct tcore_trace_filters *filters, const struct group *group)
{
    if (filters->count == filters->capacity) {
        size_t capacity = filters->capacity ? filters->capacity * 2 : 4;
        struct group *groups = tcore_reallocarray(filters->groups, capacity, sizeof *groups);
        if (!groups)
            return false;
        filters->groups = groups;
        filters->capacity = capacity;
    }
    filters->groups[filters->count++] = *group;
    return true;
}

static uint64_t head_checksum(const struct group_head *head)
{
    return XXH3_64bits(head, offsetof(struct group_head, checksum));
}

/* Whether a group begins with this head at offset, and ends within the file. */
static bool group_of(const struct group_head *head, uint64_t offset, uint64_t file_bytes,
                     struct group *group)
{
    *group = (struct group){.rows = offset + sizeof *head,
                            .segments = le32toh(head->segments),
                            .blocks = le32toh(head->blocks),
                            .row_seed = le64toh(head->checksum)};
    if (memcmp(head->magic, group_magic, sizeof group_magic) != 0 ||
        le64toh(head->checksum) != head_checksum(head) || !group->segments ||
        group->segments > MOST || !group->blocks || (group->blocks & (group->blocks - 1)) ||
        group->blocks > TCORE_TRACE_FILTER_MAX_BLOCKS ||
        rows_bytes(group) > file_bytes - offset - sizeof *head)
        return false;
    for (uint32_t i = 0; i < group->segments; i++)
        group->names[i] = le64toh(head->names[i]);
    return true;
}

static enum tcore_status read_groups(struct tcore_trace_filters *filters, uint64_t file_bytes,
                                     struct tcore_error *err)
{
    struct group_head head;
    struct group group;
    while (file_bytes - filters->end >= sizeof head) {
        ssize_t n = read_at(filters->fd, &head, sizeof head, filters->end);
        if (n < 0)
            return failed(err, "read");
        if ((size_t)n < sizeof head || !group_of(&head, filters->end, file_bytes, &group))
            break;
        if (!add_group(filters, &group))
            return tcore_error_nomem(err);
        filters->end = group.rows + rows_bytes(&group);
    }
    filters->whole = filters->end == file_bytes;
    return TCORE_OK;
}

static enum tcore_status read_file(struct tcore_trace_filters *filters, struct tcore_error *err)
{
    struct file_head head;
    struct stat st;
    if (tcore_sys()->fstat(filters->fd, &st) != 0)
        return failed(err, "read");
    ssize_t n = read_at(filters->fd, &head, sizeof head, 0);
    if (n < 0)
        return failed(err, "read");
    if ((size_t)n < sizeof head || memcmp(head.magic, file_magic, sizeof file_magic) != 0 ||
        le64toh(head.checksum) != XXH3_64bits(&head, offsetof(struct file_head, checksum)))
        return tcore_error_set(err, TCORE_BAD_INPUT, "no file of trace filters, or a damaged head");
    if (le32toh(head.version) != VERSION)
        return tcore_error_set(err, TCORE_BAD_INPUT, "trace filters of version %u",
                               (unsigned)le32toh(head.version));
    filters->seed = le64toh(head.seed);
    filters->end = sizeof head;
    if ((uint64_t)st.st_size < filters->end)
        return tcore_error_set(err, TCORE_BAD_INPUT, "the file of trace filters has changed");
    return read_groups(filters, (uint64_t)st.st_size, err);
}

enum tcore_status tcore_trace_filters_open(struct tcore_trace_filters **filters, int fd,
                                           struct tcore_error *err)
{
    struct tcore_trace_filters *f = *filters = tcore_calloc(1, sizeof *f);
    if (!f)
        return tcore_error_nomem(err);
    f->fd = fd;
    enum tcore_status status = read_file(f, err);
    if (status) {
        tcore_trace_filters_free(f);
        *filters = NULL;
    }
    return status;
}

void tcore_trace_filters_free(struct tcore_trace_filters *filters)
{
    if (!filters)
        return;
    tcore_free(filters->groups);
    tcore_free(filters);
}

uint64_t tcore_trace_filters_seed(const struct tcore_trace_filters *filters)
{
    return filters->seed;
}

size_t tcore_trace_filters_groups(const struct tcore_trace_filters *filters)
{
    return filters->count;
}

size_t tcore_trace_filters_segments(const struct tcore_trace_filters *filters, size_t group,
                                    const uint64_t **names)
{
    *names = filters->groups[group].names;
    return filters->groups[group].segments;
}

uint64_t tcore_trace_filters_end(const struct tcore_trace_filters *filters, bool *whole)
{
    *whole = filters->whole;
    return filters->end;
}

static bool add_candidate(struct tcore_trace_candidates *out, uint64_t name)
{
    if (out->count == out->capacity) {
        size_t capacity = out->capacity ? out->capacity * 2 : 16;
        uint64_t *names = tcore_reallocarray(out->names, capacity, sizeof *names);
        if (!names)
            return false;
        out->names = names;
        out->capacity = capacity;
    }
    out->names[out->count++] = name;
    return true;
}

static bool segment_has(const char *row, uint32_t segment, uint64_t hash)
{
    uint32_t words[TCORE_TRACE_FILTER_WORDS];
    memcpy(words, row + (size_t)segment * sizeof words, sizeof words);
    for (int i = 0; i < TCORE_TRACE_FILTER_WORDS; i++)
        words[i] = le32toh(words[i]);
    return tcore_trace_filter_block_has(words, hash);
}

enum tcore_status tcore_trace_filters_find(const struct tcore_trace_filters *filters,
                                           const uint8_t id[TCORE_TRACE_ID_BYTES],
                                           struct tcore_trace_candidates *out,
                                           struct tcore_error *err)
{
    uint64_t hash = tcore_trace_filter_hash(filters->seed, id);
    char row[ROW_MOST];
    for (size_t g = 0; g < filters->count; g++) {
        const struct group *group = &filters->groups[g];
        uint32_t block = tcore_trace_filter_block(hash, group->blocks);
        size_t bytes = row_bytes(group->segments);
        ssize_t n = read_at(filters->fd, row, bytes, group->rows + (uint64_t)block * bytes);
        if (n < 0)
            return failed(err, "read");
        bool sound = (size_t)n == bytes && row_is_sound(group, block, row);
        out->damaged += !sound;
        for (uint32_t i = 0; i < group->segments; i++)
            if ((!sound || segment_has(row, i, hash)) && !add_candidate(out, group->names[i]))
                return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

static bool fit_together(const struct tcore_trace_filter *const *filters, size_t count)
{
    if (!count || count > MOST)
        return false;
    for (size_t i = 1; i < count; i++)
        if (filters[i]->blocks != filters[0]->blocks || filters[i]->seed != filters[0]->seed)
            return false;
    return true;
}

static void append_row(struct tcore_buf *out, const struct group *group, uint32_t block,
                       const struct tcore_trace_filter *const *filters)
{
    size_t start = out->length;
    for (uint32_t i = 0; i < group->segments; i++) {
        const uint32_t *words = filters[i]->words + (size_t)block * TCORE_TRACE_FILTER_WORDS;
        for (int k = 0; k < TCORE_TRACE_FILTER_WORDS; k++) {
            uint32_t word = htole32(words[k]);
            tcore_buf_append(out, &word, sizeof word);
        }
    }
    if (out->failed)
        return;
    uint64_t checksum = htole64(row_checksum(group, block, out->data + start));
    tcore_buf_append(out, &checksum, sizeof checksum);
}

/* Some rows at a time. */
static enum tcore_status write_rows(int fd, const struct group *group,
                                    const struct tcore_trace_filter *const *filters,
                                    struct tcore_error *err)
{
    struct tcore_buf out = {0};
    uint64_t at = group->rows;
    enum tcore_status status = TCORE_OK;
    for (uint32_t block = 0; block < group->blocks && !status; block++) {
        append_row(&out, group, block, filters);
        if (out.failed) {
            status = tcore_error_nomem(err);
        } else if (out.length >= PIECE || block + 1 == group->blocks) {
            if (write_at(fd, out.data, out.length, at) != 0)
                status = failed(err, "write");
            at += out.length;
            tcore_buf_clear(&out);
        }
    }
    tcore_buf_free(&out);
    return status;
}

enum tcore_status tcore_trace_filters_append(int fd, uint64_t offset,
                                             const struct tcore_trace_filter *const *filters,
                                             const uint64_t *names, size_t count, uint64_t *end,
                                             struct tcore_error *err)
{
    if (!fit_together(filters, count))
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "a group has 1 to %d filters of one size and seed", MOST);
    struct group_head head = {.segments = htole32((uint32_t)count),
                              .blocks = htole32(filters[0]->blocks)};
    memcpy(head.magic, group_magic, sizeof group_magic);
    for (size_t i = 0; i < count; i++)
        head.names[i] = htole64(names[i]);
    head.checksum = htole64(head_checksum(&head));
    struct group group = {.rows = offset + sizeof head,
                          .segments = (uint32_t)count,
                          .blocks = filters[0]->blocks,
                          .row_seed = le64toh(head.checksum)};
    if (tcore_sys()->ftruncate(fd, (off_t)offset) != 0)
        return failed(err, "cut");
    enum tcore_status status = write_rows(fd, &group, filters, err);
    if (status)
        return status;
    if (tcore_sys()->fdatasync(fd) != 0)
        return failed(err, "sync");
    if (write_at(fd, &head, sizeof head, offset) != 0)
        return failed(err, "write");
    if (tcore_sys()->fdatasync(fd) != 0)
        return failed(err, "sync");
    *end = group.rows + rows_bytes(&group);
    return TCORE_OK;
}

static enum tcore_status copy_group(const struct tcore_trace_filters *filters,
                                    const struct group *group, int to, uint64_t offset,
                                    struct tcore_error *err)
{
    struct group_head head;
    char row[ROW_MOST];
    size_t bytes = row_bytes(group->segments);
    ssize_t n = read_at(filters->fd, &head, sizeof head, group->rows - sizeof head);
    if (n < 0)
        return failed(err, "read");
    if ((size_t)n < sizeof head || head_checksum(&head) != group->row_seed)
        return tcore_error_set(err, TCORE_BAD_INPUT, "the file of trace filters has changed");
    if (write_at(to, &head, sizeof head, offset) != 0)
        return failed(err, "write");
    for (uint32_t block = 0; block < group->blocks; block++) {
        uint64_t at = (uint64_t)block * bytes;
        n = read_at(filters->fd, row, bytes, group->rows + at);
        if (n < 0)
            return failed(err, "read");
        if ((size_t)n < bytes || !row_is_sound(group, block, row))
            return tcore_error_set(
                err, TCORE_BAD_INPUT, "damaged trace filters: row %u of the group at byte %llu",
                (unsigned)block, (unsigned long long)(group->rows - sizeof head));
        if (write_at(to, row, bytes, offset + sizeof head + at) != 0)
            return failed(err, "write");
    }
    return TCORE_OK;
}

enum tcore_status tcore_trace_filters_copy(const struct tcore_trace_filters *filters,
                                           const bool *keep, int to, uint64_t *end,
                                           struct tcore_error *err)
{
    enum tcore_status status = tcore_trace_filters_create(to, filters->seed, err);
    *end = sizeof(struct file_head);
    for (size_t g = 0; g < filters->count && !status; g++) {
        const struct group *group = &filters->groups[g];
        if (!keep[g])
            continue;
        status = copy_group(filters, group, to, *end, err);
        *end += sizeof(struct group_head) + rows_bytes(group);
    }
    if (!status && tcore_sys()->fdatasync(to) != 0)
        return failed(err, "sync");
    return status;
}
