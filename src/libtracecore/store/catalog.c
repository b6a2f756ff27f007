/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/catalog.h"

#include "base/sys.h"
#include "store/repository_private.h"
#include "stream/binary_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#define CATALOG     "catalog"
#define MAGIC       UINT64_C(0x31544143454341a4) /* of every entry */
#define BYTES_LIMIT ((uint64_t)1 << 30)          /* four million segments */

/* An entry, little-endian. */
enum entry_at {
    AT_MAGIC = 0, /* u64 */
    AT_PATH = 8,  /* of the segment below segments/, filled up with zeros */
    AT_ID = 104,
    AT_FLAGS = 120, /* u64: 1 some record has a time, 2 all have one, 4 it has entries of logs */
    AT_MIN = 128,   /* i64, earliest time */
    AT_MAX = 136,   /* i64, latest time */
    AT_RECORDS = 144,
    AT_BYTES = 152, /* of the file */
    AT_TEXT = 160,  /* of the records as text */
    AT_ZERO = 168,  /* 16 bytes */
    AT_CHECK = 184, /* u64 XXH3 of all before */
    ENTRY_SIZE = 192
};

static void encode(const struct tcore_catalog_entry *e, uint8_t *out)
{
    memset(out, 0, ENTRY_SIZE);
    binary_put64(out + AT_MAGIC, MAGIC);
    memcpy(out + AT_PATH, e->path, strlen(e->path));
    memcpy(out + AT_ID, e->id, SEGMENT_ID_BYTES);
    binary_put64(out + AT_FLAGS,
                 (e->timed ? 1u : 0) | (e->all_timed ? 2u : 0) | (e->seals ? 4u : 0));
    binary_put64(out + AT_MIN, (uint64_t)e->min_ns);
    binary_put64(out + AT_MAX, (uint64_t)e->max_ns);
    binary_put64(out + AT_RECORDS, e->records);
    binary_put64(out + AT_BYTES, e->bytes);
    binary_put64(out + AT_TEXT, e->text_bytes);
    binary_put64(out + AT_CHECK, tcore_binary_checksum(out, AT_CHECK));
}

static bool decode(struct tcore_catalog_entry *e, const uint8_t *in)
{
    if (binary_get64(in + AT_MAGIC) != MAGIC || in[AT_PATH + TCORE_SEGMENT_PATH_BYTES - 1] ||
        binary_get64(in + AT_CHECK) != tcore_binary_checksum(in, AT_CHECK))
        return false;
    *e = (struct tcore_catalog_entry){.timed = in[AT_FLAGS] & 1,
                                      .all_timed = in[AT_FLAGS] & 2,
                                      .seals = in[AT_FLAGS] & 4,
                                      .min_ns = (int64_t)binary_get64(in + AT_MIN),
                                      .max_ns = (int64_t)binary_get64(in + AT_MAX),
                                      .records = binary_get64(in + AT_RECORDS),
                                      .bytes = binary_get64(in + AT_BYTES),
                                      .text_bytes = binary_get64(in + AT_TEXT)};
    memcpy(e->path, in + AT_PATH, sizeof e->path);
    memcpy(e->id, in + AT_ID, sizeof e->id);
    return true;
}

void tcore_catalog_free(struct tcore_catalog *catalog)
{
    tcore_free(catalog->entry);
    *catalog = (struct tcore_catalog){0};
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct tcore_catalog_entry *)a)->path,
                  ((const struct tcore_catalog_entry *)b)->path);
}

/* Entries stand at multiples of their size, but behind damage they may not: then they are looked
 * for at each byte. */
static size_t decode_all(struct tcore_catalog *catalog, const uint8_t *data, size_t bytes)
{
    size_t at = 0;
    while (bytes - at >= ENTRY_SIZE) {
        if (decode(&catalog->entry[catalog->count], data + at)) {
            catalog->count++;
            at += ENTRY_SIZE;
        } else {
            at++;
        }
    }
    return catalog->count;
}

static enum tcore_status read_all(struct tcore_catalog *catalog, int fd, struct tcore_error *err)
{
    struct stat st;
    if (tcore_sys()->fstat(fd, &st) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read the catalog");
    if ((uint64_t)st.st_size > BYTES_LIMIT) /* none of ours */
        return TCORE_OK;
    size_t bytes = (size_t)st.st_size;
    uint8_t *data = tcore_malloc(bytes);
    catalog->entry = tcore_calloc(bytes / ENTRY_SIZE + 1, sizeof *catalog->entry);
    enum tcore_status status = data && catalog->entry ? TCORE_OK : tcore_error_nomem(err);
    if (status == TCORE_OK) {
        ptrdiff_t got = tcore_pread_all(fd, data, bytes, 0);
        if (got < 0)
            status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot read the catalog");
        else if (decode_all(catalog, data, (size_t)got))
            qsort(catalog->entry, catalog->count, sizeof *catalog->entry, compare_entries);
    }
    tcore_free(data);
    return status;
}

enum tcore_status tcore_catalog_load(struct tcore_catalog *catalog, struct tcore_repository *r,
                                     struct tcore_error *err)
{
    *catalog = (struct tcore_catalog){0};
    int fd = tcore_open_regular(r->dir, CATALOG, O_RDONLY);
    if (fd < 0 && errno != ENOMEM && errno != EIO)
        return TCORE_OK; /* it is missing, or nothing that we may read: it is no authority */
    if (fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open the catalog");
    enum tcore_status status = read_all(catalog, fd, err);
    tcore_sys()->close(fd);
    if (status != TCORE_OK)
        tcore_catalog_free(catalog);
    return status;
}

const struct tcore_catalog_entry *tcore_catalog_find(const struct tcore_catalog *catalog,
                                                     const char *path)
{
    size_t low = 0, high = catalog->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(path, catalog->entry[middle].path);
        if (!order)
            return &catalog->entry[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* One write behind whole entries; under a lock, so that a half one of somebody who was killed is
 * found and no new one is made. */
static enum tcore_status append_entry(int fd, const uint8_t *entry, struct tcore_error *err)
{
    struct stat st;
    if (tcore_lock(fd, LOCK_EX) < 0 || tcore_sys()->fstat(fd, &st) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot lock the catalog");
    off_t torn = st.st_size % ENTRY_SIZE;
    if (torn && tcore_sys()->ftruncate(fd, st.st_size - torn) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot mend the catalog");
    if (tcore_write_all(fd, entry, ENTRY_SIZE) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot write the catalog");
    return TCORE_OK;
}

static struct tcore_catalog_entry entry_of(const char *path, const struct tcore_manifest *m,
                                           uint64_t bytes)
{
    struct tcore_catalog_entry e = {.timed = m->timed,
                                    .all_timed = m->all_timed,
                                    .seals = m->seal_count != 0,
                                    .min_ns = m->min_ns,
                                    .max_ns = m->max_ns,
                                    .bytes = bytes,
                                    .text_bytes = m->text_bytes};
    memcpy(e.path, path, strnlen(path, sizeof e.path - 1));
    memcpy(e.id, m->id, sizeof e.id);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        e.records += m->records[type];
    return e;
}

enum tcore_status tcore_catalog_append(struct tcore_repository *r, const char *path,
                                       const struct tcore_manifest *m, uint64_t bytes,
                                       struct tcore_error *err)
{
    struct tcore_catalog_entry e = entry_of(path, m, bytes);
    uint8_t entry[ENTRY_SIZE];
    encode(&e, entry);
    int fd = tcore_sys()->openat(
        r->dir, CATALOG, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640);
    if (fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open the catalog");
    enum tcore_status status = append_entry(fd, entry, err);
    tcore_sys()->close(fd);
    return status;
}

/* ---- anew ---- */

static enum tcore_status add_entry(struct tcore_repository *r, const struct tcore_catalog *known,
                                   const char *path, struct tcore_buf *out, struct tcore_error *err)
{
    const struct tcore_catalog_entry *e = tcore_catalog_find(known, path);
    struct tcore_catalog_entry made;
    uint8_t entry[ENTRY_SIZE];
    if (!e) {
        struct tcore_segment *segment;
        enum tcore_status status = tcore_repository_open_segment(r, path, &segment, err);
        if (status != TCORE_OK)
            return status == TCORE_FATAL ? status : TCORE_OK;
        made = entry_of(path, tcore_segment_manifest(segment), tcore_segment_file_bytes(segment));
        tcore_segment_close(segment);
        e = &made;
    }
    encode(e, entry);
    tcore_buf_append(out, entry, sizeof entry);
    return tcore_buf_status(out, err);
}

/* Whoever adds an entry to the old file meanwhile loses it, which costs time and nothing else. */
static enum tcore_status replace_catalog(struct tcore_repository *r, const struct tcore_buf *text,
                                         struct tcore_error *err)
{
    struct tcore_new_file file;
    enum tcore_status status = tcore_new_file_open(&file, r->dir, err);
    if (status != TCORE_OK)
        return status;
    if (tcore_write_all(file.fd, text->data, text->length) < 0 ||
        (tcore_sys()->unlinkat(r->dir, CATALOG, 0) < 0 && errno != ENOENT))
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot write the catalog");
    else
        status = tcore_new_file_link(&file, CATALOG, NULL, err);
    tcore_new_file_drop(&file);
    return status == TCORE_SKIP ? TCORE_OK : status; /* somebody has begun another one */
}

enum tcore_status tcore_catalog_renew(struct tcore_repository *r,
                                      const struct tcore_segment_list *list,
                                      struct tcore_error *err)
{
    struct tcore_catalog known;
    struct tcore_buf text = {0};
    enum tcore_status status = tcore_catalog_load(&known, r, err);
    for (size_t i = 0; i < list->count && status == TCORE_OK; i++)
        status = add_entry(r, &known, list->path[i], &text, err);
    if (status == TCORE_OK)
        status = replace_catalog(r, &text, err);
    tcore_buf_free(&text);
    tcore_catalog_free(&known);
    return status;
}
