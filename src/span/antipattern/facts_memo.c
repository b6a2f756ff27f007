/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/antipattern/facts_memo.h"

#include "base/sys.h"
#include "span/antipattern/facts_values.h"

#include <string.h>

#define ENTRIES 4096

/* A place for calls of some hashes. */
struct facts_memo_entry {
    uint64_t hash; /* of the call that is kept */
    uint64_t met;  /* of the one that came last and is not kept */
    char *data;    /* key, operation; owned; NULL: nothing is kept */
    uint32_t key_length;
    struct span_facts call;
};

#define BIT(meaning) (1u << (meaning))
/* What does not change the call: how it ended, and how much it moved. */
#define OTHERS                                                                                     \
    (BIT(KIND) | BIT(STATUS_MESSAGE) | BIT(HTTP_STATUS) | BIT(HTTP_RESENDS) | BIT(REQUEST_BYTES) | \
     BIT(RESPONSE_BYTES) | BIT(RPC_STATUS) | BIT(COLD_START) | BIT(ERROR_TYPE))

/* --- The key: which meanings there are, and for each its kind and text or number */

static bool put(struct facts_memo *memo, const void *data, size_t length)
{
    if (length > FACTS_KEY_MOST - memo->key_length)
        return false;
    memcpy(memo->key + memo->key_length, data, length);
    memo->key_length += (uint32_t)length;
    return true;
}

static bool put_meaning(struct facts_reader *reader, enum meaning meaning)
{
    struct facts_memo *memo = &reader->memo;
    const struct tcore_value *value = &reader->value[meaning];
    if (!put(memo, &value->kind, sizeof value->kind))
        return false;
    if (value->kind == TCORE_STRING)
        return put(memo, &value->len, sizeof value->len) && put(memo, value->s, value->len);
    int64_t number = facts_number(reader, meaning);
    return put(memo, &number, sizeof number);
}

static bool make_key(struct facts_reader *reader)
{
    uint32_t meanings = reader->present & ~OTHERS;
    reader->memo.key_length = 0;
    bool fits = put(&reader->memo, &meanings, sizeof meanings);
    for (; meanings && fits; meanings &= meanings - 1)
        fits = put_meaning(reader, (enum meaning)__builtin_ctz(meanings));
    if (!fits)
        reader->memo.key_length = 0;
    return fits;
}

/* Without a seed: who makes calls collide has them worked out each time. */
static uint64_t hash_key(struct facts_memo *memo)
{
    uint64_t hash = memo->key_length, word;
    memset(memo->key + memo->key_length, 0, sizeof word);
    for (size_t at = 0; at < memo->key_length; at += sizeof word) {
        memcpy(&word, memo->key + at, sizeof word);
        unsigned __int128 product =
            (unsigned __int128)(hash ^ word ^ 0x9e3779b97f4a7c15u) * UINT64_C(0xbf58476d1ce4e5b9);
        hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    return hash;
}

/* --- Entries */

bool facts_memo_find(struct facts_reader *reader, struct span_facts *call)
{
    struct facts_memo *memo = &reader->memo;
    if (!memo->entry && !(memo->entry = tcore_calloc(ENTRIES, sizeof *memo->entry)))
        return false;
    if (!make_key(reader))
        return false;
    memo->hash = hash_key(memo);
    const struct facts_memo_entry *entry = &memo->entry[memo->hash % ENTRIES];
    if (!entry->data || entry->hash != memo->hash || entry->key_length != memo->key_length ||
        memcmp(entry->data, memo->key, memo->key_length) != 0)
        return false;
    *call = entry->call;
    call->operation = entry->data + entry->key_length;
    return true;
}

void facts_memo_keep(struct facts_reader *reader, const struct span_facts *call)
{
    struct facts_memo *memo = &reader->memo;
    if (!memo->entry || !memo->key_length)
        return;
    struct facts_memo_entry *entry = &memo->entry[memo->hash % ENTRIES];
    if (entry->met != memo->hash) {
        entry->met = memo->hash;
        return;
    }
    char *data = tcore_malloc((size_t)memo->key_length + call->operation_bytes);
    if (!data)
        return;
    memcpy(data, memo->key, memo->key_length);
    memcpy(data + memo->key_length, call->operation, call->operation_bytes);
    tcore_free(entry->data);
    *entry = (struct facts_memo_entry){
        .hash = memo->hash, .data = data, .key_length = memo->key_length, .call = *call};
    entry->call.operation = NULL;
}

void facts_memo_free(struct facts_memo *memo)
{
    for (size_t i = 0; memo->entry && i < ENTRIES; i++)
        tcore_free(memo->entry[i].data);
    tcore_free(memo->entry);
    memo->entry = NULL;
}
