/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking a record key by key, in whatever order they come: the quotes of the line tell where every
 * name is before anything is looked at, and each name is looked up among those of all levels
 * (ndjson_names.h), so that no look-up waits for the one before. Nothing branches on what the order
 * decides: whether a value is a string, or where an object begins or ends. Such a branch would be
 * wrong half of the time, and be found wrong only at the end of a look-up and a compare. So strings
 * are taken at once, and other values are put off until all names are known. Included by
 * ndjson_parse_impl.h, behind the parser of values and ndjson_line_impl.h.
 *
 * It takes what is written as the shape has learnt it, and leaves the rest to the parser. Needed
 * besides, and BMI2:
 *     differing_bytes(p, key)   the bytes of the key's literal of which others stand at p
 *     few_digits(p)    how many decimal digits stand at p, 32 if that many or more
 */

#define KEYS_NAMES (FORM_QUOTES / 2 + 1)

/* The quotes of a name, and of the string behind it, by their points. */
struct keys_name {
    uint16_t from, to, value, end;
};

struct keys_walk {
    unsigned name_count, other_count, object_count;
    uint64_t found;                   /* of the wanted keys, by place */
    const char *values[SHAPE_WANTED]; /* by place; what is not wanted is in the first */
    const char *ends[SHAPE_WANTED];   /* of strings and digits */
    struct keys_name names[KEYS_NAMES];
    /* Values that are no strings, or not known to be, and where they have to end. The first is the
     * record itself. */
    struct shape_key *keys[KEYS_NAMES + 1];
    const char *others[KEYS_NAMES + 1], *other_ends[KEYS_NAMES + 1];
};

/* How a name follows the value before it. */
struct keys_join {
    const char *end; /* of that value */
    bool opens;      /* the value is an object, which begins there */
};

/* Strings with a colon behind them. */
static inline void find_names(struct keys_walk *walk, const struct line *line)
{
    const uint16_t *points = line->points;
    unsigned count = 0;
    for (unsigned point = 1; point < line->quotes; point += 2) {
        memcpy(&walk->names[count], &points[point], sizeof *walk->names);
        count += line->base[points[point + 1] + 1] == ':';
    }
    walk->name_count = count;
}

/* One of two, where a branch would be as good as random. */
static inline const struct shape_level *choose_level(bool first, const struct shape_level *one,
                                                     const struct shape_level *other)
{
    uintptr_t differing = ((uintptr_t)one ^ (uintptr_t)other) & (0 - (uintptr_t)first);
    return (const struct shape_level *)((uintptr_t)other ^ differing);
}

/* follows() for the first name of an object where the literal of others has more than a comma. */
static __attribute__((noinline)) bool is_first(const struct shape_key *before,
                                               const struct shape_key *key, const char *name,
                                               const char *start, struct keys_join *join)
{
    if (!key->mask || name - start < 2 || name[-2] != '{' ||
        memcmp(name, key->literal + key->lead, key->behind))
        return false;
    *join = (struct keys_join){name - 2, true};
    return key->level == before->children;
}

/* Whether the key, at that name, is what follows the value of the one before, in the record from
 * start on. An object may end between them. */
static inline bool follows(const struct shape_key *before, const struct shape_key *key,
                           const char *name, const char *start, struct keys_join *join)
{
    const char *separator = name - key->lead;
    if (UNLIKELY(separator < start))
        return is_first(before, key, name, start, join);
    uint64_t differing = differing_bytes(separator, key);
    if (UNLIKELY(differing > 1))
        return is_first(before, key, name, start, join);
    bool opens = differing; /* instead of a comma there is something else */
    bool closes = !opens & (separator[0 - (ptrdiff_t)(separator > start)] == '}');
    const struct shape_level *level = choose_level(closes, before->level->around, before->level);
    *join = (struct keys_join){separator - closes, opens};
    return key->level == choose_level(opens, before->children, level);
}

/* The first key of that name's place. */
static inline struct shape_key *key_at(const struct ndjson_names *names, const char *name,
                                       size_t length)
{
    uint64_t head, tail;
    size_t few = length < 8 ? length : 8;
    memcpy(&head, name, sizeof head);
    memcpy(&tail, name + length - few, sizeof tail);
    head = _bzhi_u64(head, (unsigned)few * 8);
    tail = _bzhi_u64(tail, (unsigned)few * 8);
    return names->places[tcore_ndjson_names_place(names, head, tail)];
}

/* The key at that name which follows the one before, or NULL. */
static inline struct shape_key *next_key(const struct ndjson_names *names,
                                         const struct shape_key *before, const char *name,
                                         size_t length, const char *start, struct keys_join *join)
{
    struct shape_key *key = key_at(names, name, length);
    while (UNLIKELY(!key || !follows(before, key, name, start, join))) {
        if (!key)
            return NULL;
        key = key->other;
    }
    return key;
}

/* A value in which there may be anything. Returns what is behind it, or NULL. */
static __attribute__((noinline)) const char *pass_value(struct ndjson_parse *parse,
                                                        struct keys_walk *walk, const char *value,
                                                        struct shape_key *key)
{
    walk->found &= ~key->found;
    return parse_value(parse, value, key, key->level->depth - 1);
}

/* An integer, or any other value. Returns what is behind it, or NULL. */
static inline const char *pass_number(struct ndjson_parse *parse, struct keys_walk *walk,
                                      const char *value, struct shape_key *key)
{
    unsigned n = few_digits(value);
    const char *end = value + n;
    bool integer = n - 1 < 18 && (*value != '0' || n == 1) && (*end == ',' || *end == '}');
    if (UNLIKELY(!integer))
        return pass_value(parse, walk, value, key);
    walk->ends[key->place] = end;
    return end;
}

/* Looks at the values that have been put off: is each what it must be, and ends where it must? */
static inline bool pass_others(struct ndjson_parse *parse, struct keys_walk *walk)
{
    unsigned objects = 0;
    for (unsigned i = 0; i < walk->other_count; i++) {
        const char *value = walk->others[i], *end = walk->other_ends[i];
        if (*end == '{') {
            objects++;
            if (value != end)
                return false;
            if (UNLIKELY(walk->keys[i]->place) && !pass_value(parse, walk, value, walk->keys[i]))
                return false;
        } else if (pass_number(parse, walk, value, walk->keys[i]) != end) {
            return false;
        }
    }
    return objects == walk->object_count; /* or one began with something else than a brace */
}

/* What was put aside goes where it is wanted. */
static inline void keep_found(struct ndjson_parse *parse, const struct keys_walk *walk)
{
    for (uint64_t left = walk->found; left; left &= left - 1) {
        unsigned place = (unsigned)__builtin_ctzll(left);
        const struct shape_target *target = &parse->shape->wanted[place]->target;
        const char *value = walk->values[place];
        size_t length = (size_t)(walk->ends[place] - value);
        if (value[-1] == '"') {
            replay_keep(parse, target, value, length);
            continue;
        }
        keep(parse, target, TCORE_INT, 0, digits_value(value, (unsigned)length));
        if (target->role < ROLE_VALUES)
            parse->time_checked |= (uint32_t)1 << target->role;
    }
}

/* The last name before p, number or one behind it. */
static inline unsigned last_name_before(const struct keys_walk *walk, const char *base,
                                        unsigned number, const char *p)
{
    while (number + 1 < walk->name_count && base + walk->names[number + 1].from < p)
        number++;
    return number;
}

/* From the record's brace. Returns the last key, or NULL: it is not written as was learnt. *end:
 * what is behind its value if that is a string, or NULL. */
static inline struct shape_key *take_names(struct ndjson_parse *parse, struct keys_walk *walk,
                                           const char *base, const char *p, const char **end)
{
    struct ndjson_names names = parse->shape->names;
    const uint64_t record = ++parse->objects;
    struct shape_key *before = &parse->shape->record;
    uint64_t roles = 0, found = 0;
    size_t string = 0, others = 0, objects = 0;
    walk->keys[0] = before;
    walk->others[0] = p;
    for (unsigned number = 0; number < walk->name_count; number++) {
        const struct keys_name points = walk->names[number];
        const char *name = base + points.from + 1;
        struct keys_join join;
        struct shape_key *key =
            next_key(&names, before, name, (size_t)points.to - points.from - 1, p, &join);
        if (UNLIKELY(!key)) {
            if (string || *walk->others[others] != '[')
                return NULL;
            *end = pass_value(parse, walk, walk->others[others], before);
            names = parse->shape->names; /* the value may have had new ones */
            if (!*end || !names.places)
                return NULL;
            found &= ~before->found;
            number = last_name_before(walk, base, number, *end);
            string = 1;
            continue;
        }
        if (UNLIKELY(key->object == record || (string & ((*end != join.end) | join.opens))))
            return NULL;
        key->object = record;
        roles |= key->role;
        found |= key->found;
        objects += join.opens;
        walk->other_ends[others] = join.end;
        others += !string;
        string = key->quoted;
        walk->values[key->place] = walk->others[others] = name + key->behind;
        walk->ends[key->place] = base + points.end;
        *end = base + points.end + 1;
        walk->keys[others] = key;
        before = key;
    }
    walk->found = found & ~(uint64_t)1;
    walk->other_count = (unsigned)others;
    walk->object_count = (unsigned)objects;
    parse->roles = roles;
    *end = string ? *end : NULL;
    return before;
}

/* From the record's brace to what is behind it, or NULL: it is not known. */
static inline const char *walk_record(struct ndjson_parse *parse, struct keys_walk *walk,
                                      const char *base, const char *p)
{
    const char *end = p;
    struct shape_key *last = take_names(parse, walk, base, p, &end);
    if (UNLIKELY(!last))
        return NULL;
    if (!end)
        end = pass_number(parse, walk, walk->others[walk->other_count], last);
    if (UNLIKELY(!end || !pass_others(parse, walk)))
        return NULL;
    const struct shape_level *level = last->level;
    for (; *end == '}' && level->depth; end++)
        level = level->around;
    if (UNLIKELY(level->depth))
        return NULL;
    keep_found(parse, walk);
    return end;
}

/* The record on the line, from its brace. Returns what is behind it, or NULL: it is not known. */
static __attribute__((noinline)) const char *take_keys(struct ndjson_parse *parse, const char *p,
                                                       const struct line *line)
{
    const struct ndjson_shape *shape = parse->shape;
    struct keys_walk walk;
    uint64_t duplicate_keys = parse->duplicate_keys;
    if (line->special || line->quotes > FORM_QUOTES || line->quotes % 2 || !shape->wanted_count ||
        !shape->names.places || shape->deepest > parse->depth_limit)
        return NULL;
    walk.found = 0;
    find_names(&walk, line);
    if (!walk.name_count)
        return NULL;
    const char *behind = walk_record(parse, &walk, line->base, p);
    if (UNLIKELY(!behind))
        undo(parse, duplicate_keys);
    return behind;
}
