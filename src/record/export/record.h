/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What writers of foreign formats work on: one record in its canonical form, taken apart, and the
 * counts of what their format has no place for.
 */
#ifndef RECORD_EXPORT_RECORD_H
#define RECORD_EXPORT_RECORD_H

#include "cli/verb.h"
#include "model/batch.h"
#include "model/json.h"
#include "model/record.h"

/* --- what was left out --- */

struct export_loss {
    uint64_t count; /* of records */
    enum tcore_record_type type;
    bool record;   /* the records themselves were left out, and name says why */
    uint64_t last; /* number of the last record, while they are counted: each counts once */
    char name[56];
};

/* Zeroed: none. */
struct export_losses {
    struct export_loss *loss; /* owned */
    size_t count, capacity;
    bool others;     /* there were more names than are told */
    uint64_t number; /* of the record in hand */
};

/* Counts a field of a record that the format has no place for, or what else is to be said of it. */
void export_lose(struct export_losses *losses, enum tcore_record_type type, const char *name,
                 size_t length);
/* Counts a record that the format has no place for. */
void export_lose_record(struct export_losses *losses, enum tcore_record_type type, const char *why);
void export_losses_add(struct export_losses *sum, const struct export_losses *part);
/* One note that says all of it; format: "OTLP". */
void export_losses_note(const struct export_losses *losses, struct cli *cli, const char *format);
void export_losses_free(struct export_losses *losses);

/* Gives an array of owned memory room for an element with that number. The array, which may have
 * moved; NULL: no memory, and it is as it was. */
void *export_room(void *array, size_t *capacity, size_t number, size_t element_bytes);

/* --- a record --- */

/* A name and its length. */
struct export_key {
    const char *name;
    uint8_t length;
};
#define EXPORT_KEY(literal)                                                                        \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* The members that an object may have, in canonical order, in which they are looked for fastest. */
struct export_keys {
    const struct export_key *key;
    unsigned count;
};

struct export_record {
    struct tcore_json json; /* canonical: node 0 is the record */
    enum tcore_record_type type;
    /* Set by who makes several records of one: the type of that one, to which losses are told. It
     * begins with a count of losses.number. TCORE_RECORD_NONE: each record is one by itself. */
    enum tcore_record_type whole;
    struct export_losses losses;
    bool members_counted; /* those that are no key were lost before */
    struct tcore_buf canonical, scratch;
};

void export_record_free(struct export_record *record);
/* Takes the text of a record that a decoder accepted. No text in it has half a surrogate pair then,
 * which was counted. TCORE_FATAL: err. */
enum tcore_status export_record_parse(struct export_record *record, const struct tcore_slice *text,
                                      struct tcore_error *err);
/*
 * For each key the index of its value in the object at node, 0 if it is not there; at has
 * keys->count entries. Members that are no key are lost; inside: what the object is, to be put
 * before their names with a dot, NULL at the top.
 */
void export_collect(struct export_record *record, const struct export_keys *keys, uint32_t node,
                    const char *inside, uint32_t *at);
/* The number of the key whose name is at node, -1 if it is none. */
int export_key_number(const struct export_record *record, uint32_t node,
                      const struct export_keys *keys);
/* Counts a field of the record as one that the format has no place for. */
void export_lost(struct export_record *record, const char *name);
/* Counts the record as one that the format has no place for. */
void export_lost_record(struct export_record *record, const char *why);

static inline const struct tcore_value *export_value(const struct export_record *record,
                                                     uint32_t node)
{
    return &record->json.node[node].value;
}

/* Counts those of some members that are there: their numbers among the keys. */
void export_lose_members(struct export_record *record, const struct export_keys *keys,
                         const uint32_t *at, const uint8_t *numbers, size_t count);
#define EXPORT_LOSE_MEMBERS(record, keys, at, numbers)                                             \
    export_lose_members(record, keys, at, numbers, sizeof(numbers))

/* A string that is not empty; node 0 is none. */
bool export_is_text(const struct export_record *record, uint32_t node);
bool export_text_is(const struct export_record *record, uint32_t node, const char *text);
/* A time, or another int64 that is a number or a string of digits; false: it is none. */
bool export_int64(const struct export_record *record, uint32_t node, int64_t *i);
/* A number, or one of the words for what is none in JSON; false: neither. */
bool export_number(const struct export_record *record, uint32_t node, double *d);
/* A time that is not negative; one that is, is lost by its name. False: there is none. */
bool export_time(struct export_record *record, uint32_t node, const char *name, int64_t *ns);
/* The number of the word at node among words, -1 if it is none of them. */
int export_word(const struct export_record *record, uint32_t node, const char *const *words,
                int count);
extern const char *const export_span_kinds[6], *const export_status_codes[3];

#endif
