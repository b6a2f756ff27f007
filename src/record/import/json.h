/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the foreign formats that are JSON share: picking known members out of an object, and
 * writing scalars from the tape straight into the output.
 */
#ifndef RECORD_IMPORT_JSON_H
#define RECORD_IMPORT_JSON_H

#include "record/import/import.h"

/* Appends a string literal. */
#define PUT(buf, literal) tcore_buf_append(buf, "" literal, sizeof(literal) - 1)

struct import_key {
    const char *name;
    uint8_t length;
};
#define IMPORT_KEY(literal)                                                                        \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* Which members an object may have: an enumeration's names, in the order they are usually met. */
struct import_keys {
    const struct import_key *key;
    unsigned count;
};

/*
 * The number of the key, or -1. *hint is where to look first: behind the one found before.
 * snake_case is the same as lowerCamelCase: protobuf's JSON knows both.
 */
int import_find_key(const struct import_keys *keys, const struct tcore_value *name, unsigned *hint);
/*
 * For each key the tape's index of its value in the object at node, 0 if it is absent or null (of
 * duplicates the last counts). Members that are no key are counted as ignored, unless they are
 * empty. at has keys->count entries.
 */
void import_collect(struct import_job *job, const struct import_keys *keys, uint32_t node,
                    uint32_t *at);

static inline const struct tcore_value *import_value(const struct import_job *job, uint32_t node)
{
    return &job->json.node[node].value;
}

/* Whether the tape's string has no escapes, so that its text is in the document with its quotes. */
static inline bool import_is_verbatim(const struct import_job *job, const struct tcore_value *v)
{
    return !job->wire && (uintptr_t)v->s - (uintptr_t)job->text < job->length;
}

/* If the conversion is watched: what is in the output from there on is that node's value. */
static inline void import_note(const struct import_job *job, enum form_value value, size_t from,
                               size_t to, uint32_t node)
{
    if (__builtin_expect(job->watched, 0))
        form_note(job->draft, value, from, to, node);
}

/* Appends the string at node, whose value v is, with its quotes. */
static inline void import_copy_string(const struct import_job *job, struct tcore_buf *out,
                                      const struct tcore_value *v)
{
    if (import_is_verbatim(job, v)) {
        tcore_buf_append(out, v->s - 1, (size_t)v->len + 2);
    } else if (job->wire && ((const struct tcore_json_node *)(const void *)v)->count) {
        char *to = tcore_buf_reserve(out, (size_t)v->len + 2);
        if (!to)
            return;
        to[0] = to[v->len + 1] = '"';
        memcpy(to + 1, v->s, v->len);
        out->length += (size_t)v->len + 2;
    } else {
        tcore_json_write_string(out, v->s, v->len);
    }
}

/* Whether the document is [], as a server answers that has nothing: a list of whatever is asked. */
static inline bool import_is_empty_list(const struct tcore_json *json)
{
    return tcore_json_is_array(&json->node[0]) && json->node[0].next == 1;
}

/* The same for a value, by which nothing is decided but whether it is empty. */
static inline void import_put_string(const struct import_job *job, struct tcore_buf *out,
                                     const struct tcore_value *v)
{
    size_t from = out->length;
    import_copy_string(job, out, v);
    if (v->len)
        import_note(job, FORM_TEXT, from, out->length,
                    (uint32_t)((const struct tcore_json_node *)(const void *)v - job->json.node));
}

/* A string that is not empty. */
static inline bool import_is_text(const struct import_job *job, uint32_t node)
{
    const struct tcore_value *v = import_value(job, node);
    return node && v->kind == TCORE_STRING && v->len;
}

/* An int64 from a number or a string of digits; 0 if node is 0. */
bool import_int64(const struct import_job *job, uint32_t node, int64_t *i);

/* The names of an enumeration's numbers 0, 1, 2, ... */
struct import_enum {
    const char *prefix; /* that protobuf's names have in front of them */
    const char *const *names;
    int64_t count;
    const char *what; /* what it is, for messages and tracecore.original_ */
};
extern const struct import_enum import_span_kind, import_status_code;
/* The number behind an enumeration's number, name (with or without prefix, any case) or digits; 0
 * if node is 0. False: it is unknown. */
bool import_enum(const struct import_job *job, uint32_t node, const struct import_enum *known,
                 int64_t *number);

void import_put_int64(struct tcore_buf *out, int64_t i);
/* An integer of any size, digit for digit, from a number or a string; false: it is none. */
bool import_put_integer(const struct import_job *job, struct tcore_buf *out, uint32_t node);
/* A double as JSON that says it is one (2.0), NaN and infinities as quoted words; from a number, a
 * string or null (NaN). *finite may be NULL. False: it is none. */
bool import_put_double(const struct import_job *job, struct tcore_buf *out, uint32_t node,
                       bool *finite);

/* An INT or NUMBER times that power of ten, digit for digit. */
void import_put_scaled(struct tcore_buf *out, const struct tcore_value *v, int64_t exponent);

#endif
