/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning plans. None of this is in a hurry: a plan that is learnt once serves many records. */
#include "stream/ndjson_plan.h"

#include "base/sys.h"

#include <string.h>

enum {
    BYTES = 2 << 20, /* of a plan */
    BUCKETS = 1024,  /* of the table of states */
    OBJECT_KEYS = 256
};

void tcore_ndjson_plan_init(struct ndjson_plan *plan, uint64_t seed)
{
    *plan = (struct ndjson_plan){.seed = seed};
}

static void forget(struct ndjson_plan *plan)
{
    tcore_arena_reset(&plan->arena);
    plan->start = NULL;
    plan->first = NULL;
    plan->table = NULL;
    plan->bytes = 0;
    plan->full = false;
}

void tcore_ndjson_plan_free(struct ndjson_plan *plan)
{
    tcore_arena_free(&plan->arena);
    *plan = (struct ndjson_plan){0};
}

void tcore_ndjson_plan_reconsider(struct ndjson_plan *plan)
{
    if (plan->full)
        forget(plan); /* what the stream was like, it is no more */
}

/* Memory of the plan; NULL when it has had its share, or memory is short. */
static void *take(struct ndjson_plan *plan, size_t bytes)
{
    plan->bytes += bytes;
    plan->full = plan->bytes > BYTES;
    return plan->full ? NULL : tcore_arena_alloc(&plan->arena, bytes);
}

/* --- States */

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

/* What a key adds to the sum that tells which keys an object has had. */
static uint64_t mark(const struct ndjson_plan *plan, const struct shape_key *key)
{
    return mix((uint64_t)(uintptr_t)key ^ plan->seed);
}

static size_t bucket_of(const struct ndjson_plan *plan, const struct plan_object *objects,
                        unsigned depth)
{
    uint64_t hash = plan->seed;
    for (unsigned i = 0; i <= depth; i++)
        hash = mix(hash ^ objects[i].seen ^ (uint64_t)(uintptr_t)objects[i].key);
    return hash % BUCKETS;
}

static struct plan_state *new_state(struct ndjson_plan *plan, const struct plan_object *objects,
                                    unsigned depth)
{
    struct plan_state *state = take(plan, sizeof *state);
    if (!state)
        return NULL;
    *state = (struct plan_state){.depth = depth};
    memcpy(state->objects, objects, (depth + 1) * sizeof *objects);
    return state;
}

/* The state of these open objects, made if there is none; NULL: out of memory. */
static struct plan_state *state_of(struct ndjson_plan *plan, const struct plan_object *objects,
                                   unsigned depth)
{
    if (!plan->table) {
        plan->table = take(plan, BUCKETS * sizeof(struct plan_state *));
        if (!plan->table)
            return NULL;
        memset(plan->table, 0, BUCKETS * sizeof(struct plan_state *));
    }
    struct plan_state **bucket = &plan->table[bucket_of(plan, objects, depth)];
    for (struct plan_state *state = *bucket; state; state = state->chain)
        if (state->depth == depth &&
            !memcmp(state->objects, objects, (depth + 1) * sizeof *objects))
            return state;
    struct plan_state *state = new_state(plan, objects, depth);
    if (state) {
        state->chain = *bucket;
        *bucket = state;
    }
    return state;
}

static bool stands_at(const struct plan_step *step, const char *p)
{
    if (step->class == PLAN_NUMBER) {
        char c = p[step->length];
        return !memcmp(p, step->literal, step->length) && ((c >= '0' && c <= '9') || c == '-');
    }
    size_t length = step->length + (step->class == PLAN_NESTED);
    /* the first byte is looked at apart: most literals differ elsewhere, but memcmp may read on */
    return *p == *step->literal && !memcmp(p, step->literal, length);
}

struct plan_step *tcore_ndjson_plan_find(const struct plan_state *state, const char *p)
{
    for (struct plan_step *step = state->steps; step; step = step->sibling)
        if (stands_at(step, p))
            return step;
    return NULL;
}

/* The second step from a state is about to be added: from now on the context decides. */
static bool branch(struct ndjson_plan *plan, struct plan_state *state)
{
    state->guess = take(plan, PLAN_GUESSES * sizeof(struct plan_step *));
    if (!state->guess)
        return false;
    for (unsigned i = 0; i < PLAN_GUESSES; i++)
        state->guess[i] = state->steps;
    for (struct plan_step *entry = state->entries; entry; entry = entry->twin)
        entry->next = NULL;
    if (state == plan->start)
        plan->first = NULL;
    return true;
}

static struct plan_step *new_step(struct ndjson_plan *plan, struct plan_state *state,
                                  const struct plan_step *like)
{
    if (state->steps && !state->guess && !branch(plan, state))
        return NULL;
    const size_t alignment = _Alignof(struct plan_step);
    char *room = take(plan, sizeof(struct plan_step) + alignment);
    if (!room)
        return NULL;
    struct plan_step *step =
        (struct plan_step *)(((uintptr_t)room + alignment - 1) & ~(uintptr_t)(alignment - 1));
    *step = *like;
    step->sibling = state->steps;
    state->steps = step;
    if (!state->guess) {
        for (struct plan_step *entry = state->entries; entry; entry = entry->twin)
            entry->next = step;
        if (state == plan->start)
            plan->first = step;
    }
    if (step->behind) {
        step->twin = step->behind->entries;
        step->behind->entries = step;
        step->next = step->behind->guess ? NULL : step->behind->steps;
    }
    return step;
}

/* --- Learning a record */

/* The way through the record. The text is valid, so that nothing of it is checked again. */
struct walk {
    struct ndjson_plan *plan;
    struct ndjson_shape *shape;
    const char *from; /* where the literal at hand begins */
    struct plan_state *state;
    unsigned depth;
    struct plan_object objects[PLAN_DEPTH];
    struct shape_level *levels[PLAN_DEPTH];
    uint64_t roles;
    unsigned keys[PLAN_DEPTH]; /* where each object's begin in had */
    const struct shape_key *had[OBJECT_KEYS];
    unsigned count; /* of had */
    struct form_draft *draft;
    bool ended; /* the whole record is known */
};

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

/* From behind the opening quote of a valid string to behind its closing one. */
static const char *string_end(const char *p, bool *escaped)
{
    for (;; p++) {
        if (*p == '\\') {
            *escaped = true;
            p++;
        } else if (*p == '"') {
            return p + 1;
        }
    }
}

/* The end of a valid value that is an array or object. */
static const char *nested_end(const char *p)
{
    bool escaped;
    for (unsigned depth = 0;;) {
        char c = *p++;
        if (c == '"')
            p = string_end(p, &escaped);
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        if (!depth)
            return p;
    }
}

/* Goes a step like this one, of so long a literal, making it if it is not there. part: of a longer
 * literal, behind which is a state that has no other way in. False: it cannot be. */
static bool go_step(struct walk *walk, struct plan_step *step, size_t length, bool part)
{
    struct ndjson_plan *plan = walk->plan;
    memcpy(step->literal, walk->from, length);
    step->mask = ~(uint64_t)0 >> (64 - length);
    step->length = (uint8_t)(length - (step->class == PLAN_NESTED));
    step->quotes = 0;
    for (size_t i = 0; i < length; i++)
        step->quotes += step->literal[i] == '"';
    struct plan_step *known = walk->state->steps;
    while (known && !(known->class == step->class && known->mask == step->mask &&
                      !memcmp(known->literal, step->literal, length)))
        known = known->sibling;
    if (!known) {
        if (step->class != PLAN_END) {
            step->behind = part ? new_state(plan, walk->objects, walk->depth)
                                : state_of(plan, walk->objects, walk->depth);
            if (!step->behind)
                return false;
        }
        known = new_step(plan, walk->state, step);
        if (!known)
            return false;
    }
    walk->state = known->behind;
    return true;
}

/* Goes the step whose literal ends at p. False: it cannot be. */
static bool go(struct walk *walk, struct plan_step *step, const char *p)
{
    for (; p - walk->from > PLAN_LITERAL; walk->from += PLAN_LITERAL)
        if (!go_step(walk, &(struct plan_step){.class = PLAN_CONSTANT}, PLAN_LITERAL, true))
            return false;
    return go_step(walk, step, (size_t)(p - walk->from), false);
}

static void open_object(struct walk *walk, const struct shape_key *key, struct shape_level *level)
{
    walk->objects[walk->depth] = (struct plan_object){.key = key};
    walk->levels[walk->depth] = level;
    walk->keys[walk->depth] = walk->count;
}

/* A key at its quote: whose it is, or NULL when it cannot be planned. *p is moved to its value. */
static struct shape_key *take_key(struct walk *walk, const char **p)
{
    bool escaped = false;
    const char *name = *p + 1, *end = string_end(name, &escaped);
    if (escaped || walk->count == OBJECT_KEYS)
        return NULL;
    struct shape_key *key = tcore_ndjson_shape_find(walk->shape, walk->levels[walk->depth], name,
                                                    (size_t)(end - 1 - name));
    if (!key)
        return NULL;
    for (unsigned i = walk->keys[walk->depth]; i < walk->count; i++)
        if (walk->had[i] == key)
            return NULL;
    walk->had[walk->count++] = key;
    walk->objects[walk->depth].seen += mark(walk->plan, key);
    if (!walk->depth && key->order < 64)
        walk->roles |= (uint64_t)1 << key->order;
    *p = skip_blanks(skip_blanks(end) + 1);
    return key;
}

/* A value that is one step. Returns what is behind it, or NULL. */
static const char *take_value(struct walk *walk, struct shape_key *key, const char *p)
{
    struct plan_step step = {.depth = (uint8_t)walk->depth, .key = key, .target = key->target};
    const char *behind;
    bool escaped;
    switch (*p) {
    case '"':
        step.class = PLAN_STRING;
        step.hint = key->hint;
        behind = string_end(p + 1, &escaped);
        p++;
        tcore_ndjson_form_string(walk->draft, p, behind, &key->target);
        break;
    case '[':
        step.class = PLAN_NESTED;
        behind = nested_end(p);
        if (key->target.wanted || *skip_blanks(p + 1) != ']')
            tcore_ndjson_form_give_up(walk->draft);
        p++;
        break;
    case '{':
        behind = nested_end(p);
        step.class = key->target.wanted || *skip_blanks(p + 1) != '}' ? PLAN_NESTED : PLAN_CONSTANT;
        if (step.class == PLAN_NESTED)
            tcore_ndjson_form_give_up(walk->draft);
        p = step.class == PLAN_NESTED ? p + 1 : behind;
        break;
    case 't':
    case 'n':
    case 'f':
        step.class = PLAN_CONSTANT;
        step.kind = *p == 't' ? TCORE_TRUE : *p == 'f' ? TCORE_FALSE : TCORE_NULL;
        behind = p + (*p == 'f' ? 5 : 4);
        tcore_ndjson_form_scalar(walk->draft, p, behind, key);
        p = behind;
        break;
    default:
        step.class = PLAN_NUMBER;
        behind = p + strspn(p, "+-.0123456789Ee");
        tcore_ndjson_form_scalar(walk->draft, p, behind, key);
        break;
    }
    if (!go(walk, &step, p))
        return NULL;
    walk->from = behind;
    return behind;
}

/* From behind a value to the next key's quote, closing objects. NULL: the record has ended, or
 * cannot be planned. */
static const char *next_key(struct walk *walk, const char *p)
{
    for (p = skip_blanks(p); *p == '}'; p = skip_blanks(p + 1)) {
        if (walk->depth == 0) {
            struct plan_step end = {.class = PLAN_END, .roles = walk->roles};
            walk->ended = go(walk, &end, p + 1);
            return NULL;
        }
        walk->count = walk->keys[walk->depth--];
    }
    return skip_blanks(p + 1);
}

bool tcore_ndjson_plan_learn(struct ndjson_plan *plan, struct ndjson_shape *shape,
                             const char *start, const char *end, struct form_draft *draft,
                             uint64_t *roles)
{
    if (plan->full || *skip_blanks(start + 1) == '}')
        return false;
    struct walk walk = {.plan = plan, .shape = shape, .from = start, .draft = draft};
    open_object(&walk, NULL, shape->root);
    walk.state = plan->start = state_of(plan, walk.objects, 0);
    const char *p = walk.state ? skip_blanks(start + 1) : NULL;
    while (p && p < end) {
        struct shape_key *key = take_key(&walk, &p);
        if (!key)
            return false;
        const char *inside = skip_blanks(p + 1);
        if (*p == '{' && *inside == '"' && !key->target.wanted && walk.depth + 1 < PLAN_DEPTH) {
            struct shape_level *level = tcore_ndjson_shape_below(shape, key, false);
            if (!level)
                return false;
            walk.depth++;
            open_object(&walk, key, level);
            p = inside;
            continue;
        }
        p = take_value(&walk, key, p);
        if (p)
            p = next_key(&walk, p);
    }
    *roles = walk.roles;
    return walk.ended;
}
