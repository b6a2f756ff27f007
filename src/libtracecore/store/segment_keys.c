/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading what is sealed in a segment. */
#include "base/sys.h"
#include "store/segment_private.h"
#include "stream/binary_format.h"

#include <string.h>

#define SALVAGE_LOST_BLOCKS 256u /* in front of one that is there */

static enum tcore_status damaged(struct tcore_error *err, const char *what)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged segment: %s", what);
}

enum tcore_status tcore_segment_wrapped(const struct tcore_segment *segment,
                                        struct tcore_wrapped_keys *keys, struct tcore_error *err)
{
    struct tcore_block_reader reader = {0};
    struct tcore_slice text;
    char name[TAR_NAME_BYTES];
    if (!segment->manifest.keys)
        return TCORE_OK;
    enum tcore_status status =
        tcore_block_reader_member(&reader, segment, segment->manifest.keys, name, &text, err);
    if (status == TCORE_OK && strcmp(name, SEGMENT_KEYS) != 0)
        status = damaged(err, "its keys are not where they belong");
    if (status == TCORE_OK)
        status = tcore_wrapped_read(keys, text.data, text.length, err);
    tcore_block_reader_free(&reader);
    return status;
}

/* The key of a label, by whichever private key opens it. TCORE_SKIP: none does. */
static enum tcore_status open_label(struct tcore_segment *s, const struct tcore_wrapped_keys *keys,
                                    const char *label, const struct tcore_key_ring *ring,
                                    struct tcore_error *err)
{
    enum tcore_status status = TCORE_SKIP;
    for (size_t i = 0; i < tcore_key_ring_count(ring) && status == TCORE_SKIP; i++) {
        struct tcore_segment_key *key;
        status =
            tcore_wrapped_open(keys, label, s->manifest.id, tcore_key_ring_get(ring, i), &key, err);
        if (status == TCORE_OK)
            s->key[s->key_count++] = key;
    }
    return status == TCORE_SKIP ? TCORE_OK : status;
}

enum tcore_status tcore_segment_unlock(struct tcore_segment *s, const struct tcore_key_ring *ring,
                                       struct tcore_error *err)
{
    struct tcore_wrapped_keys keys = {0};
    if (!s->manifest.keys || !tcore_key_ring_count(ring) || s->key)
        return TCORE_OK;
    enum tcore_status status = tcore_segment_wrapped(s, &keys, err);
    if (status == TCORE_OK) {
        s->key = tcore_calloc(keys.count + 1, sizeof *s->key);
        status = s->key ? TCORE_OK : tcore_error_nomem(err);
    }
    for (size_t i = 0; i < keys.count && status == TCORE_OK; i++)
        status = open_label(s, &keys, keys.label[i].label, ring, err);
    tcore_wrapped_free(&keys);
    return status;
}

/* The label at the end of a sealed member's name, NULL: it has none. */
static const char *label_of_name(const char *name)
{
    const char *found = NULL;
    for (const char *at = name; (at = strstr(at, SEALED_SUFFIX)); at++)
        found = at + sizeof SEALED_SUFFIX - 1;
    return found && tcore_label_is_valid(found, strlen(found)) ? found : NULL;
}

static const struct tcore_segment_key *find_key(const struct tcore_segment *s, const char *label)
{
    for (size_t i = 0; i < s->key_count; i++)
        if (!strcmp(tcore_segment_key_label(s->key[i]), label))
            return s->key[i];
    return NULL;
}

/* Tells the ring, by the column's name as the member has it. */
static void miss(struct tcore_block_reader *r, const char *label, const char *name)
{
    /* the member's name has the column's behind the number */
    const char *column = strchr(name, '/');
    column = column ? strchr(column, '.') : NULL;
    if (column)
        tcore_key_ring_miss(r->ring, label, column + 1,
                            (size_t)(label - (sizeof SEALED_SUFFIX - 1) - (column + 1)));
}

/* Unpacks what was unsealed: one frame with the entry and the data. */
static enum tcore_status unpack(struct tcore_block_reader *r, struct tcore_slice *opened,
                                struct tcore_error *err)
{
    size_t content;
    if (!tcore_frame_content(r->unpacker, r->opened.data, r->opened.length, &content) ||
        content > SEGMENT_CONTENT_LIMIT || content < ENTRY_BYTES)
        return damaged(err, "a sealed column");
    char *data = tcore_block_reader_memory(r, content);
    if (!data)
        return tcore_error_nomem(err);
    memset(data + content, 0, TCORE_BATCH_PADDING);
    *opened = (struct tcore_slice){data, content};
    return tcore_unpacker_unpack(r->unpacker, r->opened.data, r->opened.length, data, content, err);
}

/*
 * Where blocks were lost the number that a column was sealed with is greater than the place of its
 * block: it is the one that opens it.
 */
static enum tcore_status open_column(struct tcore_block_reader *r,
                                     const struct tcore_segment_key *key, uint32_t column,
                                     const struct tcore_slice *member, struct tcore_error *err)
{
    uint32_t block = (uint32_t)(r->block - r->segment->manifest.block);
    uint32_t last = block + (r->segment->salvaged ? SALVAGE_LOST_BLOCKS : 0);
    enum tcore_status status = TCORE_BAD_INPUT;
    tcore_buf_clear(&r->opened);
    for (; block <= last && status == TCORE_BAD_INPUT; block++)
        status = tcore_open_part(key, block, column, member->data, member->length, &r->opened, err);
    return status;
}

enum tcore_status tcore_block_reader_unseal(struct tcore_block_reader *r, uint32_t column,
                                            struct tcore_slice *opened, struct tcore_error *err)
{
    struct tcore_slice member;
    char name[TAR_NAME_BYTES];
    if (column >= r->column_count || !r->frame[column])
        return damaged(err, "a column that is not there");
    enum tcore_status status =
        tcore_block_reader_member(r, r->segment, r->frame[column], name, &member, err);
    if (status != TCORE_OK)
        return status;
    const char *label = label_of_name(name);
    if (!label)
        return damaged(err, "a sealed column without a label");
    memcpy(r->label, label, strlen(label) + 1);
    const struct tcore_segment_key *key = find_key(r->segment, label);
    if (!key) {
        miss(r, label, name);
        return TCORE_SKIP;
    }
    status = open_column(r, key, column, &member, err);
    return status == TCORE_OK ? unpack(r, opened, err) : status;
}
