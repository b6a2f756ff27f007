/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of facts.h share: what attributes mean, and the values of the span that is worked
 * out. */
#ifndef SPAN_ANTIPATTERN_FACTS_VALUES_H
#define SPAN_ANTIPATTERN_FACTS_VALUES_H

#include "model/number.h"
#include "span/antipattern/facts.h"

enum meaning {
    NAME,
    KIND,
    STATUS_MESSAGE,
    DB_SYSTEM,
    DB_STATEMENT,
    DB_SUMMARY,
    DB_OPERATION,
    DB_COLLECTION,
    DB_NAMESPACE,
    HTTP_METHOD,
    HTTP_URL,
    HTTP_TEMPLATE,
    HTTP_PATH,
    HTTP_QUERY,
    HTTP_STATUS,
    HTTP_RESENDS,
    REQUEST_BYTES,
    RESPONSE_BYTES,
    RPC_SYSTEM,
    RPC_SERVICE,
    RPC_METHOD,
    RPC_STATUS,
    MESSAGE_SYSTEM,
    MESSAGE_OPERATION,
    MESSAGE_DESTINATION,
    COLD_START,
    PEER,
    PEER_PORT,
    ERROR_TYPE,
    MEANINGS
};

_Static_assert(MEANINGS <= FACTS_MEANINGS, "too many fields");

static inline bool facts_has(const struct facts_reader *reader, enum meaning meaning)
{
    return reader->present >> meaning & 1;
}

static inline struct tcore_slice facts_text(const struct facts_reader *reader, enum meaning meaning)
{
    const struct tcore_value *value = &reader->value[meaning];
    if (!facts_has(reader, meaning) || value->kind != TCORE_STRING)
        return (struct tcore_slice){"", 0};
    return (struct tcore_slice){value->s, value->len};
}

static inline bool facts_is(const struct facts_reader *reader, enum meaning meaning,
                            const char *text)
{
    return facts_has(reader, meaning) && tcore_value_is_text(&reader->value[meaning], text);
}

static inline bool facts_has_text(const struct facts_reader *reader, enum meaning meaning)
{
    return facts_text(reader, meaning).length;
}

/* A whole number, also one in a string; -1: none. */
static inline int64_t facts_number(const struct facts_reader *reader, enum meaning meaning)
{
    const struct tcore_value *value = &reader->value[meaning];
    int64_t number;
    if (facts_has(reader, meaning) &&
        (value->kind == TCORE_STRING ? tcore_parse_int64(value->s, value->len, &number)
                                     : tcore_value_int64(value, &number)))
        return number < 0 ? -1 : number;
    return -1;
}

/* --- facts_call.c */

/* Adds to the facts what the call does, if it is one: class, flags, operation and hashes. */
void facts_describe(struct facts_reader *reader, struct span_facts *facts);
uint64_t facts_hash(const void *data, size_t length);

#endif
