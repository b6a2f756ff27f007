/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs on their way into segments. What makes it safe is the order (store/log_recover.h): a log is
 * claimed before the segments are asked what they have of it, and goes when the segment with its
 * seal is on disk.
 */
#include <config.h>

#include "record/repository/keeper.h"

#include "base/sys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ENTRY_BYTES ((size_t)4 << 20) /* about so much goes into an entry of one's own log */

static enum tcore_status open_folders(struct keeper *k, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (k->open_dir < 0)
        status = tcore_repository_folder(k->repository, "open", true, &k->open_dir, err);
    if (status == TCORE_OK && k->quarantine_dir < 0)
        status =
            tcore_repository_folder(k->repository, "quarantine", true, &k->quarantine_dir, err);
    return status;
}

static void tell(struct keeper *k, bool failed, const char *name, const char *text)
{
    char sentence[TCORE_ERROR_TEXT_BYTES + 300];
    snprintf(sentence, sizeof sentence, "open/%.255s: %s", name, text);
    if (k->tell)
        k->tell(k->tell_context, failed, sentence);
}

/* ---- one's own log ---- */

enum tcore_status keeper_commit(struct keeper *k, const struct tcore_slice *text,
                                const uint32_t *rows, size_t count, struct tcore_error *err)
{
    struct tcore_buf entry = {0};
    enum tcore_status status = open_folders(k, err);
    if (status == TCORE_OK && !k->log)
        status = tcore_log_create(&k->log, k->open_dir, err);
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        const struct tcore_slice *line = &text[rows[i]];
        tcore_buf_append(&entry, line->data, line->length);
        tcore_buf_putc(&entry, '\n');
        bool last = i + 1 == count;
        if (last || entry.length + text[rows[i + 1]].length >= ENTRY_BYTES) {
            status = tcore_buf_status(&entry, err);
            if (status == TCORE_OK)
                status = tcore_log_append(k->log, TCORE_LOG_RECORDS, entry.data, entry.length,
                                          &k->log_last, err);
            tcore_buf_clear(&entry);
        }
    }
    tcore_buf_free(&entry);
    if (status == TCORE_OK && count)
        status = tcore_log_commit(k->log, k->log_last, err);
    if (status == TCORE_OK)
        k->committed += count;
    return status == TCORE_SKIP ? TCORE_FATAL : status; /* too long, or no memory */
}

/* ---- sealing ---- */

enum tcore_status keeper_seal_logs(struct keeper *k, struct tcore_error *err)
{
    struct tcore_segment_writer *writer = k->sealing.writer;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < k->claims && status == TCORE_OK; i++) {
        struct tcore_log_seal seal = tcore_log_claim_seal(k->claim[i].claim);
        seal.last_sequence = k->claim[i].taken;
        if (k->claim[i].taken > k->claim[i].sealed)
            status = tcore_segment_seal_log(writer, &seal, err);
    }
    if (status == TCORE_OK && k->log && k->log_last) {
        struct tcore_log_seal seal = {.last_sequence = k->log_last};
        memcpy(seal.id, tcore_log_id(k->log), sizeof seal.id);
        status = tcore_segment_seal_log(writer, &seal, err);
    }
    return status;
}

enum tcore_status keeper_drop_logs(struct keeper *k, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    size_t kept = 0;
    for (size_t i = 0; i < k->claims; i++) {
        struct keeper_claim *c = &k->claim[i];
        c->sealed = c->taken;
        if (c->left)
            tcore_log_release(c->claim);
        else if (!c->complete)
            k->claim[kept++] = *c;
        else if (tcore_log_discard(c->claim, status == TCORE_OK ? err : NULL) != TCORE_OK)
            status = TCORE_FATAL;
    }
    k->claims = kept;
    if (k->log && k->log_last) {
        if (tcore_log_remove(k->log, status == TCORE_OK ? err : NULL) != TCORE_OK)
            status = TCORE_FATAL;
        k->log = NULL;
        k->log_last = 0;
    }
    return status;
}

void keeper_close_logs(struct keeper *k)
{
    for (size_t i = 0; i < k->claims; i++)
        tcore_log_release(k->claim[i].claim);
    k->claims = 0;
    tcore_log_close(k->log, NULL); /* what counts was committed */
    k->log = NULL;
    if (k->open_dir >= 0)
        tcore_sys()->close(k->open_dir);
    if (k->quarantine_dir >= 0)
        tcore_sys()->close(k->quarantine_dir);
}

/* ---- logs of others ---- */

/* Keeps a line that is no record, since the log that it is in will go. */
static enum tcore_status quarantine_line(struct keeper *k, const char *name, uint64_t offset,
                                         const struct tcore_slice *line, struct tcore_error *err)
{
    struct tcore_new_file file;
    char text[400];
    snprintf(text, sizeof text, "%.200s.%" PRIu64 ".line", name, offset);
    enum tcore_status status = tcore_new_file_open(&file, k->quarantine_dir, err);
    if (status != TCORE_OK)
        return status;
    if (tcore_write_all(file.fd, line->data, line->length) < 0)
        status = tcore_error_set(err, TCORE_FATAL, "cannot write to the quarantine");
    if (status == TCORE_OK)
        status = tcore_new_file_link(&file, text, NULL, err);
    tcore_new_file_drop(&file);
    if (status == TCORE_SKIP) /* from a claim that came to no end */
        status = tcore_sync_directory(k->quarantine_dir, err);
    if (status == TCORE_OK)
        tell(k, false, name, "a line is no record, and is in the quarantine");
    return status;
}

/* Adds the lines of an entry. */
static enum tcore_status take_entry(struct keeper *k, const char *name,
                                    const struct tcore_log_entry *entry, struct tcore_error *err)
{
    const char *at = entry->payload, *end = at + entry->length;
    enum tcore_status status = TCORE_OK;
    while (at < end && status == TCORE_OK) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct tcore_slice line = {at, (size_t)((newline ? newline : end) - at)};
        uint64_t offset = entry->offset + (uint64_t)(at - entry->payload);
        at += line.length + (newline != NULL);
        if (!line.length)
            continue;
        status = keeper_add(k, &line, err);
        if (status == TCORE_SKIP) {
            status = quarantine_line(k, name, offset, &line, err);
        } else if (status == TCORE_OK) {
            k->taken--;
            k->from_logs++;
        }
    }
    return status;
}

/* The log at hand is the last one, whatever was sealed meanwhile: it is not complete. */
static struct keeper_claim *at_hand(struct keeper *k)
{
    return &k->claim[k->claims - 1];
}

/* The log at hand is left as it is, with what was taken of it to be sealed. */
static enum tcore_status leave(struct keeper *k, const char *name, const char *why)
{
    at_hand(k)->left = true;
    tell(k, true, name, why);
    return TCORE_OK;
}

static void tell_of_damage(struct keeper *k, const char *name, struct tcore_log_claim *claim)
{
    const struct tcore_log_report *report = tcore_log_claim_report(claim);
    char text[160];
    if (!report->damages && !report->torn_bytes)
        return;
    snprintf(text, sizeof text, "%" PRIu64 " bytes are no entry, and are in the quarantine",
             report->damaged_bytes + report->torn_bytes);
    tell(k, false, name, text);
}

/* The log at hand was read to its end. */
static enum tcore_status complete(struct keeper *k, const char *name, struct tcore_error *err)
{
    struct keeper_claim *c = at_hand(k);
    tell_of_damage(k, name, c->claim);
    c->complete = true;
    if (c->taken > c->sealed)
        return TCORE_OK;
    k->claims--; /* nothing of it waits for a segment */
    return tcore_log_discard(c->claim, err);
}

/* Takes what is in no segment of the log at hand. */
static enum tcore_status take_log(struct keeper *k, const char *name, struct tcore_error *err)
{
    struct tcore_error problem = {0};
    struct tcore_log_entry entry;
    enum tcore_status status = TCORE_OK;
    while (status == TCORE_OK) {
        enum tcore_status read =
            tcore_log_recover(at_hand(k)->claim, k->quarantine_dir, &entry, &problem);
        if (read == TCORE_EOF)
            return complete(k, name, err);
        if (read != TCORE_OK)
            return leave(k, name, problem.text);
        if (entry.sequence <= at_hand(k)->sealed)
            continue;
        if (entry.kind != TCORE_LOG_RECORDS || entry.sequence > INT64_MAX)
            return leave(k, name, "it has entries that this program does not know");
        status = take_entry(k, name, &entry, err);
        at_hand(k)->taken = entry.sequence;
        if (status == TCORE_OK)
            status = keeper_tend(k, err);
    }
    return status;
}

/* Logs that were claimed together, since the segments are asked once for all of them. */
struct batch {
    struct tcore_log_claim *claim[KEEPER_CLAIMS]; /* NULL: handed on */
    const char *name[KEEPER_CLAIMS];
    size_t count;
};

static enum tcore_status take_batch(struct keeper *k, struct batch *b, struct tcore_error *err)
{
    uint8_t ids[KEEPER_CLAIMS][TCORE_LOG_ID_BYTES];
    uint64_t sealed[KEEPER_CLAIMS];
    if (!b->count)
        return TCORE_OK;
    for (size_t i = 0; i < b->count; i++) {
        struct tcore_log_seal seal = tcore_log_claim_seal(b->claim[i]);
        memcpy(ids[i], seal.id, TCORE_LOG_ID_BYTES);
    }
    enum tcore_status status =
        k->claims ? keeper_finish(k, err) : TCORE_OK; /* so that there is room */
    if (status == TCORE_OK)
        status = tcore_repository_find_seals(
            k->repository, (const uint8_t(*)[TCORE_LOG_ID_BYTES])ids, b->count, sealed, err);
    for (size_t i = 0; i < b->count && status == TCORE_OK; i++) {
        k->claim[k->claims++] =
            (struct keeper_claim){.claim = b->claim[i], .sealed = sealed[i], .taken = sealed[i]};
        b->claim[i] = NULL;
        status = take_log(k, b->name[i], err);
    }
    for (size_t i = 0; i < b->count; i++)
        tcore_log_release(b->claim[i]);
    b->count = 0;
    return status;
}

static enum tcore_status take_all(struct keeper *k, char **names, size_t count,
                                  struct tcore_error *err)
{
    struct batch batch = {.count = 0};
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        struct tcore_error problem = {0};
        enum tcore_status claimed =
            tcore_log_claim(&batch.claim[batch.count], k->open_dir, names[i], &problem);
        if (claimed == TCORE_OK)
            batch.name[batch.count++] = names[i];
        else if (claimed != TCORE_EOF)
            tell(k, true, names[i], problem.text);
        if (batch.count == KEEPER_CLAIMS)
            status = take_batch(k, &batch, err);
    }
    return status == TCORE_OK ? take_batch(k, &batch, err) : status;
}

enum tcore_status keeper_take_logs(struct keeper *k, struct tcore_error *err)
{
    const struct tcore_log_limits limits = {.bytes = k->limits.text_bytes,
                                            .age_ns = k->limits.age_ns};
    char **names = NULL;
    size_t count = 0;
    enum tcore_status status = open_folders(k, err);
    if (status == TCORE_OK && tcore_log_rotate_shared(k->open_dir, &limits, err) == TCORE_FATAL)
        status = TCORE_FATAL;
    if (status == TCORE_OK)
        status = tcore_log_list(k->open_dir, &names, &count, err);
    if (status == TCORE_OK)
        status = take_all(k, names, count, err);
    tcore_free(names);
    return status;
}
