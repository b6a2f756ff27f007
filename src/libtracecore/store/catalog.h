/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is worth knowing of segments without opening them: REPO/catalog, to which whoever seals a
 * segment appends an entry. It is no authority. The directory says which segments there are, and a
 * segment without an entry is opened instead; so entries may be lost, late, or of segments that are
 * gone, and the file may be deleted at any time.
 */
#ifndef TRACECORE_STORE_CATALOG_H
#define TRACECORE_STORE_CATALOG_H

#include "store/manifest.h"
#include "store/repository.h"

struct tcore_catalog_entry {
    char path[TCORE_SEGMENT_PATH_BYTES];
    uint8_t id[SEGMENT_ID_BYTES];
    bool seals;            /* it has entries of logs (struct tcore_log_seal) */
    bool timed, all_timed; /* as in struct tcore_manifest */
    int64_t min_ns, max_ns;
    uint64_t records, bytes, text_bytes;
};

struct tcore_catalog {
    struct tcore_catalog_entry *entry; /* sorted by path; owned */
    size_t count, capacity;
};

#pragma GCC visibility push(hidden)

/* Reads it; one that is not there is empty, and of a damaged one the entries that are whole are
 * taken. TCORE_FATAL: no memory, or it cannot be read. */
enum tcore_status tcore_catalog_load(struct tcore_catalog *catalog, struct tcore_repository *r,
                                     struct tcore_error *err);
void tcore_catalog_free(struct tcore_catalog *catalog);
/* The entry of a segment, or NULL. */
const struct tcore_catalog_entry *tcore_catalog_find(const struct tcore_catalog *catalog,
                                                     const char *path);
/* Appends an entry. Not synced: nothing depends on it. */
enum tcore_status tcore_catalog_append(struct tcore_repository *r, const char *path,
                                       const struct tcore_manifest *manifest, uint64_t bytes,
                                       struct tcore_error *err);
/* Writes it anew, of the segments in the list; damaged ones have no entry. */
enum tcore_status tcore_catalog_renew(struct tcore_repository *r,
                                      const struct tcore_segment_list *list,
                                      struct tcore_error *err);

#pragma GCC visibility pop

#endif
