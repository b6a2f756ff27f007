/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plans: how whole records of a stream are written. A record is a row of steps, each the literal
 * text from behind one value to the next one and then that value; braces of nested objects are part
 * of the literals. A step that matches proves the punctuation and the keys of its stretch, so that
 * only values remain to be checked, and one vector compare does what the record parser needs a
 * predicted member, an object's beginning or its end for.
 *
 * Steps lead from state to state. A state is the objects that are open and the keys that each has
 * had, in any order: records that differed somewhere share what follows, and a step can never
 * repeat a key. What a plan does not know, and every record with an error, duplicate or
 * escaped key, is the record parser's business; the plan learns from what that has accepted.
 *
 * Private to stream/.
 */
#ifndef TRACECORE_STREAM_NDJSON_PLAN_H
#define TRACECORE_STREAM_NDJSON_PLAN_H

#include "base/arena.h"
#include "model/value.h"
#include "stream/ndjson_form.h"
#include "stream/ndjson_shape.h"
#include "stream/ndjson_worth.h"

#define PLAN_LITERAL 64
#define PLAN_GUESSES 512
#define PLAN_DEPTH   8
/* Of a line; one with more, or of more than 32 KiB, is parsed as before. */
#define PLAN_QUOTES 2048

enum plan_class {
    PLAN_STRING,   /* the literal ends with the opening quote */
    PLAN_NUMBER,   /* a digit or a minus follows the literal */
    PLAN_CONSTANT, /* the value is part of the literal: true, false, null, an empty object */
    PLAN_NESTED,   /* the literal ends with the bracket or brace that the value begins with */
    PLAN_END       /* of the record */
};

/* All that going it needs is in two cache lines. */
struct plan_step {
    /* Text that the parser accepted, zero padded. */
    _Alignas(128) char literal[PLAN_LITERAL];
    uint64_t mask; /* as many low bits as the literal has bytes */
    union {
        struct shape_key *key; /* whose value it is, NULL with a part of a literal */
        uint64_t roles;        /* of an end: struct ndjson_parse's */
    };
    struct plan_step *next;    /* the only step from the state behind it, or NULL */
    struct plan_state *behind; /* NULL behind an end */
    struct plan_step *sibling; /* another step from the same state */
    struct plan_step *twin;    /* another step to the same state */
    uint8_t length;            /* to the value: a nested one's first byte is in the literal too */
    uint8_t class;
    uint8_t kind;               /* enum tcore_kind of a constant */
    uint8_t depth;              /* of the object that has the member; the record is 0 */
    uint8_t quotes;             /* in the literal */
    uint8_t hint;               /* enum shape_hint of its string */
    uint8_t fixed_hits;         /* how often the length of the string has changed */
    uint8_t fixed_length;       /* of the string the last times, under 64; UINT8_MAX: it varies */
    struct shape_target target; /* the key's */
};

_Static_assert(sizeof(struct plan_step) == 128, "two cache lines");

struct plan_object {
    const struct shape_key *key; /* whose value it is; NULL: the record */
    uint64_t seen;               /* sum of the marks of the keys that it has had */
};

struct plan_state {
    struct plan_step *steps;
    struct plan_step *entries; /* the steps to here */
    struct plan_step **guess;  /* of several steps: PLAN_GUESSES, what came last time, by context */
    struct plan_state *chain;  /* in the table */
    unsigned depth;            /* objects[0..depth] are open */
    struct plan_object objects[PLAN_DEPTH];
};

struct ndjson_plan {
    struct plan_state *start; /* NULL: nothing is known */
    struct plan_step *first;  /* the only step from there, or NULL */
    struct plan_state **table;
    struct tcore_arena arena; /* states, steps */
    size_t bytes;             /* of the arena, in use */
    bool full;                /* no more is learnt */
    uint64_t seed;
    struct ndjson_worth worth;
};

void tcore_ndjson_plan_init(struct ndjson_plan *plan, uint64_t seed);
void tcore_ndjson_plan_free(struct ndjson_plan *plan);

/*
 * Learns the record from start to end, which has just been accepted. Keys are looked up in, and if
 * need be added to, the shape. Fails silently: what is not learnt is parsed as before. The values
 * are told to the draft (NULL: nobody), and true is returned, with the roles, if that are all.
 */
bool tcore_ndjson_plan_learn(struct ndjson_plan *plan, struct ndjson_shape *shape,
                             const char *start, const char *end, struct form_draft *draft,
                             uint64_t *roles);

/* The step of the state whose literal stands at p, or NULL. */
struct plan_step *tcore_ndjson_plan_find(const struct plan_state *state, const char *p);

/* The plan has not been worth it: begins anew if it is full. */
void tcore_ndjson_plan_reconsider(struct ndjson_plan *plan);

/* Counts a record that the plan did (hit) or did not know. */
static inline void tcore_ndjson_plan_tally(struct ndjson_plan *plan, bool hit)
{
    if (__builtin_expect(tcore_ndjson_worth_tally(&plan->worth, 1, hit, WORTH_STRETCH / 4 * 3), 0))
        tcore_ndjson_plan_reconsider(plan);
}

#endif
