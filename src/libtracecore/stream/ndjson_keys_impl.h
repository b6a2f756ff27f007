/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking a record key by key, in whatever order they come: the quotes of the line tell where every
 * name is before anything is looked at, so that no look-up waits for the one before, and what is
 * wanted is put aside by branches that do not depend on the order. Included by ndjson_parse_impl.h,
 * behind the parser of values and ndjson_line_impl.h.
 *
 * It takes what is written as the shape has learnt it, and leaves the rest to the parser. Needed
 * besides:
 *     key_differs(p, key, ignored)   whether something else than the key's literal stands at p;
 *                      ignored as in matches()
 *     few_digits(p)    how many decimal digits stand at p, 32 if that many or more
 */

#define KEYS_DEPTH 16 /* objects within one another */

/* An object that the walk is in. */
struct keys_object {
    const struct shape_level *level;
    const struct shape_key *key; /* whose value it is; NULL: the record */
    const char *start;
    uint64_t seen; /* of its keys, by order; of the innermost it is at hand */
};

/* A value that is wanted: a string, or digits. */
struct keys_value {
    const char *text;
    size_t length;
};

struct keys_walk {
    struct keys_object objects[KEYS_DEPTH];
    unsigned depth, name_count;
    uint16_t names[FORM_QUOTES / 2 + 1];    /* points of their opening quotes */
    struct keys_value values[SHAPE_WANTED]; /* by place; what is not wanted is in the first */
};

/* Strings with a colon behind them. */
static inline void find_names(struct keys_walk *walk, const struct line *line)
{
    const uint16_t *points = line->points;
    unsigned count = 0;
    for (unsigned point = 1; point < line->quotes; point += 2) {
        walk->names[count] = (uint16_t)point;
        count += line->base[points[point + 1] + 1] == ':';
    }
    walk->name_count = count;
}

/* The key of a name whose separator is at p, if it is written there as it was learnt. What is
 * compared is found from the name, so that it need not wait for p. */
static inline struct shape_key *key_at(struct shape_key *const *table, uint32_t mask, uint32_t hash,
                                       const char *name, const char *p, uint64_t first)
{
    for (uint32_t i = hash;; i++) {
        struct shape_key *key = table[i & mask];
        if (UNLIKELY(!key))
            return NULL;
        const char *separator = name - key->lead; /* not p if no literal was learnt */
        if (LIKELY(separator == p && !key_differs(separator, key, first)))
            return key;
        if (key->hash == hash)
            return NULL;
    }
}

/* An object begins at its brace: as the record, or as the value of a key. False: too deep, or
 * nothing of it is learnt. */
static inline bool enter_object(struct ndjson_parse *parse, struct keys_walk *walk,
                                struct shape_key *key, const char *brace)
{
    const struct shape_level *level =
        key ? tcore_ndjson_shape_below(parse->shape, key, false) : parse->shape->root;
    unsigned depth = key ? walk->depth + 1 : 0;
    if (!level || depth >= KEYS_DEPTH || depth >= parse->depth_limit)
        return false;
    walk->depth = depth;
    walk->objects[depth] = (struct keys_object){.level = level, .key = key, .start = brace};
    parse->objects++;
    return true;
}

/* From a value's end, which no comma follows, to the comma behind the objects that end there, or
 * behind the record (*ended). NULL: something else is there. */
static inline const char *leave_objects(struct ndjson_parse *parse, struct keys_walk *walk,
                                        const char *p, bool *ended)
{
    while (*p == '}') {
        const struct keys_object *object = &walk->objects[walk->depth];
        p++;
        if (!walk->depth) {
            *ended = true;
            return p;
        }
        if (UNLIKELY(object->key->target.wanted))
            keep(parse, &object->key->target, TCORE_JSON, (size_t)(p - object->start),
                 (uint64_t)(uintptr_t)object->start);
        walk->depth--;
    }
    return *p == ',' ? p : NULL;
}

/* What was put aside goes where it is wanted. */
static inline void keep_found(struct ndjson_parse *parse, const struct keys_walk *walk,
                              uint64_t found)
{
    for (uint64_t left = found & ~(uint64_t)1; left; left &= left - 1) {
        unsigned place = (unsigned)__builtin_ctzll(left);
        const struct shape_target *target = &parse->shape->wanted[place]->target;
        const struct keys_value *value = &walk->values[place];
        if (value->text[-1] == '"') {
            replay_keep(parse, target, value->text, value->length);
            continue;
        }
        keep(parse, target, TCORE_INT, 0, digits_value(value->text, value->length));
        if (target->role < ROLE_VALUES)
            parse->time_checked |= (uint32_t)1 << target->role;
    }
}

/* Behind a value that is no string as its key usually has, and no plain integer; or NULL. *name:
 * the next one. */
static __attribute__((noinline)) const char *
pass_odd_value(struct ndjson_parse *parse, const struct keys_walk *walk, const struct line *line,
               const char *value, struct shape_key *key, unsigned *name)
{
    const char *p = parse_value(parse, value, key, walk->depth);
    while (p && *name < walk->name_count && line->base + line->points[walk->names[*name]] < p)
        ++*name; /* of objects in an array */
    return p;
}

/* From the record's brace to what is behind it, or NULL: it is not written as was learnt. */
static inline const char *walk_record(struct ndjson_parse *parse, struct keys_walk *walk,
                                      const struct line *line, const char *p)
{
    const char *const base = line->base;
    const uint64_t seed = parse->shape->seed;
    uint64_t first = 1, seen = 0, found = 0;
    bool ended = false;
    if (UNLIKELY(*p != '{' || !enter_object(parse, walk, NULL, p)))
        return NULL;
    struct shape_key *const *table = parse->shape->root->table;
    uint32_t mask = parse->shape->root->mask;
    for (unsigned number = 0; number < walk->name_count;) {
        const uint16_t *point = line->points + walk->names[number++];
        const char *name = base + point[0] + 1;
        size_t length = (size_t)(point[1] - point[0] - 1);
        struct shape_key *key =
            key_at(table, mask, tcore_ndjson_hash_readable(seed, name, length), name, p, first);
        if (UNLIKELY(!key))
            return NULL;
        uint64_t bit = (uint64_t)1 << (key->order & 63);
        if (UNLIKELY((seen & bit) | (key->order & 64)))
            return NULL;
        seen |= bit;
        first = 0;
        /* either way, and without a branch that the order of the keys would decide */
        const char *value = p + key->literal_length;
        bool string = key->quoted;
        unsigned n = few_digits(value);
        const char *end = string ? base + point[3] : value + n;
        bool plain = string | ((n - 1 < 18) & ((*value != '0') | (n == 1)));
        walk->values[key->place] = (struct keys_value){value, (size_t)(end - value)};
        found |= (uint64_t)plain << key->place;
        p = end + string;
        if (LIKELY(plain & (*p == ',')))
            continue;
        if (!plain && *value == '{' && value[1] != '}') {
            walk->objects[walk->depth].seen = seen;
            if (!enter_object(parse, walk, key, value))
                return NULL;
            table = walk->objects[walk->depth].level->table;
            mask = walk->objects[walk->depth].level->mask;
            seen = 0;
            first = 1;
            p = value;
            continue;
        }
        if (!plain || (!string && *p != '}')) {
            found &= ~((uint64_t)1 << key->place);
            p = pass_odd_value(parse, walk, line, value, key, &number);
            if (UNLIKELY(!p))
                return NULL;
        }
        if (*p == ',')
            continue;
        walk->objects[walk->depth].seen = seen;
        p = leave_objects(parse, walk, p, &ended);
        if (UNLIKELY(!p))
            return NULL;
        if (ended) {
            keep_found(parse, walk, found);
            parse->roles = walk->objects[0].seen;
            return p;
        }
        table = walk->objects[walk->depth].level->table;
        mask = walk->objects[walk->depth].level->mask;
        seen = walk->objects[walk->depth].seen;
    }
    return NULL;
}

/* The record on the line, from its brace. Returns what is behind it, or NULL: it is not known. */
static __attribute__((noinline)) const char *take_keys(struct ndjson_parse *parse, const char *p,
                                                       const struct line *line)
{
    struct keys_walk walk;
    uint64_t duplicate_keys = parse->duplicate_keys;
    if (line->special || line->quotes > FORM_QUOTES || line->quotes % 2 ||
        !parse->shape->wanted_count)
        return NULL;
    find_names(&walk, line);
    const char *behind = walk_record(parse, &walk, line, p);
    if (UNLIKELY(!behind))
        undo(parse, duplicate_keys);
    return behind;
}
