/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The record parser. Included once for each instruction set, after these are defined:
 *     PARSE_NAME       the function that is made
 *     struct masks     {uint64_t quote, special}: of the 64 bytes at p, where a quote is, and
 *                      where a byte is that needs a closer look (backslash, control, not ASCII)
 *     scan(p)          gives them
 *     matches(p, key, ignored)   whether the key's literal stands at p; ignored is 1 if the first
 *                      byte does not count, else 0
 *     digits(p)        how many decimal digits stand at p, 64 if that many or more
 *     digits_value(p, n)   the value of 1 to 18 digits
 * and what ndjson_line_impl.h, ndjson_replay_impl.h, ndjson_form_impl.h and ndjson_keys_impl.h ask
 * for.
 * All loads are of up to 64 bytes from p: there is room behind the data.
 */
#include <string.h>

static const char *parse_value(struct ndjson_parse *parse, const char *p, struct shape_key *key,
                               unsigned depth);

static inline const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

/* From behind the opening quote to the closing one. */
static inline const char *string_end(struct ndjson_parse *parse, const char *p, bool *escaped)
{
    for (;;) {
        struct masks m = scan(p);
        uint64_t upto =
            m.quote ^ (m.quote - 1); /* up to the first quote; all bits if there is none */
        uint64_t stop = m.special & upto;
        if (LIKELY(!stop)) {
            if (LIKELY(m.quote))
                return p + __builtin_ctzll(m.quote);
            p += 64;
            continue;
        }
        p = tcore_ndjson_string_slow(parse, p + __builtin_ctzll(stop), escaped);
        if (!p || *p == '"')
            return p;
    }
}

/* The integer literal of n digits at p as a value; what is no canonical int64 stays its text. */
static inline struct tcore_value integer_value(const char *start, bool minus, unsigned n)
{
    const char *p = start + minus;
    if (LIKELY(n <= 18)) {
        int64_t i = (int64_t)digits_value(p, n);
        if (LIKELY(!(minus && i == 0)))
            return tcore_value_int(minus ? -i : i);
    } else if (n == 19) {
        uint64_t i = digits_value(p, 18) * 10 + (uint64_t)(p[18] - '0');
        if (i <= (uint64_t)INT64_MAX + minus)
            return tcore_value_int((int64_t)(minus ? 0 - i : i));
    }
    return (struct tcore_value){.kind = TCORE_NUMBER, .len = n + minus, .s = start};
}

static inline const char *parse_number(struct ndjson_parse *parse, const char *p, bool wanted,
                                       struct tcore_value *value)
{
    bool minus = *p == '-';
    const char *start = p + minus;
    unsigned n = digits(start);
    char after = start[n];
    if (LIKELY(n - 1 < 63 && !(*start == '0' && n > 1) && after != '.' && (after | 0x20) != 'e')) {
        if (wanted)
            *value = integer_value(p, minus, n);
        return start + n;
    }
    const char *end = tcore_ndjson_number_slow(parse, p);
    if (end)
        *value = (struct tcore_value){.kind = TCORE_NUMBER, .len = (uint32_t)(end - p), .s = p};
    return end;
}

/* Whether a string is a decimal int64, as times are written. */
static inline bool is_integer(const char *s, size_t length)
{
    bool minus = length && *s == '-';
    size_t n = length - minus;
    if (UNLIKELY(n < 1 || n > 19 || digits(s + minus) != n))
        return false;
    return n < 19 || s[minus] < '9' || integer_value(s, minus, 19).kind == TCORE_INT;
}

static inline void keep(struct ndjson_parse *parse, const struct shape_target *target,
                        enum tcore_kind kind, size_t length, uint64_t body)
{
    if (target->slot >= 0)
        tcore_value_put(&parse->values[target->slot], kind, length, body);
    if (target->role < ROLE_VALUES)
        tcore_value_put(&parse->role[target->role], kind, length, body);
}

/* A time in a string. It stays the string in its role, where it is rarely looked at, and becomes
 * the integer in its slot. */
static inline void keep_time(struct ndjson_parse *parse, const struct shape_target *target,
                             const char *text, size_t length)
{
    bool valid = is_integer(text, length);
    if (target->role < ROLE_VALUES) {
        tcore_value_put_string(&parse->role[target->role], text, length);
        parse->time_checked |= (uint32_t)valid << target->role;
    }
    if (LIKELY(target->slot < 0))
        return;
    struct tcore_value *slot = &parse->values[target->slot];
    if (!valid) {
        tcore_value_put_string(slot, text, length);
        return;
    }
    bool minus = *text == '-';
    struct tcore_value value = integer_value(text, minus, (unsigned)(length - minus));
    tcore_value_put_int(slot, value.kind == TCORE_INT ? value.i : 0); /* minus zero */
}

static inline __attribute__((always_inline)) void keep_string(struct ndjson_parse *parse,
                                                              const struct shape_target *target,
                                                              const char *text, size_t length)
{
    if (target->time)
        keep_time(parse, target, text, length);
    else
        keep(parse, target, TCORE_STRING, length, (uint64_t)(uintptr_t)text);
}

/* A string that is long or has an escape or something else that is not plain ASCII. */
static __attribute__((noinline)) const char *string_slow(struct ndjson_parse *parse, const char *p,
                                                         const struct shape_key *key)
{
    bool escaped = false;
    const char *end = string_end(parse, p, &escaped);
    if (!end || !key || !key->target.wanted)
        return end ? end + 1 : NULL;
    size_t length = (size_t)(end - p);
    if (escaped)
        p = tcore_ndjson_unescape(parse->arena, p, length, &length);
    if (!p)
        return tcore_ndjson_fail(parse, p, NULL);
    keep_string(parse, &key->target, p, length);
    return end + 1;
}

/* A string from behind its opening quote; returns what is behind its closing one. */
static inline __attribute__((always_inline)) const char *
parse_string(struct ndjson_parse *parse, const char *p, struct shape_key *key)
{
    struct masks m = scan(p);
    uint64_t upto = m.quote ^ (m.quote - 1);
    if (UNLIKELY(!m.quote || m.special & upto))
        return string_slow(parse, p, key);
    size_t length = (size_t)__builtin_ctzll(m.quote);
    if (UNLIKELY(!key))
        return p + length + 1;
    if (key->target.wanted)
        keep_string(parse, &key->target, p, length);
    /* A string of a length that never changes (ids, times) need not be scanned before the parser
     * goes on behind it: the branch predictor takes the remembered length for granted. */
    if (LIKELY(length == key->fixed_length)) {
        size_t step = key->fixed_length;
        __asm__("" : "+r"(step));
        return p + step + 1;
    }
    uint32_t last; /* bytes: there are more than four before any string */
    memcpy(&last, p + length - 4, sizeof last);
    parse->context = (parse->context ^ last) * 0x9e3779b1u >> 7;
    if (UNLIKELY(key->fixed_length != UINT32_MAX)) {
        key->fixed_hits += key->fixed_hits < 16;
        key->fixed_length = key->fixed_hits < 16 ? (uint32_t)length : UINT32_MAX;
    }
    return p + length + 1;
}

/* Remembers how the key was written, from its separator to its value. */
static inline void learn(struct shape_key *key, const char *separator, const char *value,
                         bool first)
{
    bool quote = *value == '"';
    if (key->mask && key->quoted != quote)
        key->mixed = true;
    quote = quote && !key->mixed;
    size_t length = (size_t)(value - separator) + quote;
    if (length > SHAPE_LITERAL || (first && key->mask && !key->mixed))
        return;
    memset(key->literal, 0, sizeof key->literal);
    memcpy(key->literal, separator, length);
    key->literal[0] = ','; /* a first key's brace is not compared */
    key->lead = (uint8_t)((const char *)memchr(key->literal, '"', length) - key->literal + 1);
    key->behind = (uint8_t)(length - key->lead);
    key->literal_length = (uint8_t)length;
    key->mask = ~(uint64_t)0 >> (64 - length);
    key->quoted = quote;
}

/*
 * A member that was not predicted, from what precedes it: the brace of the object, or what is
 * behind the member before. Returns the first byte of its value and its key (NULL: not known, not
 * learnt), or the closing brace (*end), or NULL.
 */
static __attribute__((noinline)) const char *parse_key(struct ndjson_parse *parse, const char *p,
                                                       struct shape_level *level, bool first,
                                                       struct shape_key **key, bool *end)
{
    bool escaped = false;
    *key = NULL;
    if (!first) {
        p = skip_blanks(p);
        if (*p != ',' && *p != '}')
            return tcore_ndjson_fail(parse, p, "a comma or brace is missing");
    }
    const char *separator = p;
    *end = !first && *p == '}';
    if (*end)
        return p;
    p = skip_blanks(p + 1);
    *end = first && *p == '}';
    if (*end)
        return p;
    if (*p != '"')
        return tcore_ndjson_fail(parse, p, *p == '}' ? "a trailing comma" : "a key is missing");
    const char *name = p + 1, *quote = string_end(parse, name, &escaped);
    if (!quote)
        return NULL;
    size_t length = (size_t)(quote - name);
    p = skip_blanks(quote + 1);
    if (*p != ':')
        return tcore_ndjson_fail(parse, p, "a colon is missing behind a key");
    p = skip_blanks(p + 1);
    if (!level)
        return p;
    if (UNLIKELY(escaped)) {
        name = tcore_ndjson_unescape(parse->arena, name, length, &length);
        if (!name)
            return tcore_ndjson_fail(parse, p, NULL);
    }
    *key = tcore_ndjson_shape_find(parse->shape, level, name, length);
    if (*key)
        learn(*key, separator, p, first);
    return p;
}

static inline const char *parse_number_value(struct ndjson_parse *parse, const char *p,
                                             struct shape_key *key)
{
    struct tcore_value value;
    bool wanted = key && key->target.wanted;
    p = parse_number(parse, p, wanted, &value);
    if (p && wanted) {
        keep(parse, &key->target, value.kind, value.len, (uint64_t)value.i);
        if (key->target.role < ROLE_VALUES && value.kind == TCORE_INT)
            parse->time_checked |= (uint32_t)1 << key->target.role;
    }
    return p;
}

/*
 * A key that was not predicted but is written as it was when it was learnt: keys in an order that
 * is never the same are found here, by one look-up and one compare. NULL: parse_key() must see to
 * it.
 */
static inline struct shape_key *known_key(const struct ndjson_parse *parse, const char *p,
                                          const struct shape_level *level, uint64_t first)
{
    if (!level || p[1] != '"')
        return NULL;
    struct masks m = scan(p + 2);
    uint64_t upto = m.quote ^ (m.quote - 1);
    if (!m.quote || m.special & upto)
        return NULL;
    size_t length = (size_t)__builtin_ctzll(m.quote);
    uint32_t hash = tcore_ndjson_hash_readable(parse->shape->seed, p + 2, length);
    struct shape_key *key = level->table[hash & level->mask];
    return key && matches(p, key, first) ? key : NULL;
}

/* The object at p, whose keys are those of level (NULL: none is known or learnt). */
static const char *parse_object(struct ndjson_parse *parse, const char *p,
                                struct shape_level *level, unsigned depth, uint64_t *seen_keys)
{
    static struct shape_key *const nothing;
    struct shape_key *const *link =
        level ? &level->first[parse->context % SHAPE_FIRST_WAYS] : &nothing;
    uint64_t seen = 0, first = 1, object = ++parse->objects;
    unsigned path = 0; /* of keys */
    do {
        struct shape_key *key = *link;
        bool quoted = false;
        if (LIKELY(key && matches(p, key, first))) {
            p += key->literal_length;
            quoted = key->quoted;
        } else if ((key = known_key(parse, p, level, first)) != NULL) {
            p += key->literal_length;
            quoted = key->quoted;
            if (link != &nothing)
                *(struct shape_key **)link = key;
        } else {
            bool end;
            p = parse_key(parse, p, level, first, &key, &end);
            if (UNLIKELY(!p))
                return NULL;
            if (end)
                break;
            if (key && key->mask && link != &nothing)
                *(struct shape_key **)link = key;
        }
        first = 0;
        link = &nothing;
        if (LIKELY(key)) {
            uint64_t bit = key->order < 64 ? (uint64_t)1 << key->order : 0;
            bool again = seen & bit;
            if (UNLIKELY(!bit)) {
                again = key->object == object;
                key->object = object;
            }
            if (UNLIKELY(again)) {
                parse->duplicate_keys++;
                tcore_ndjson_forget(parse, key);
            }
            seen |= bit;
            path = path * 3 + key->order;
            link = &key->next[path % SHAPE_NEXT_WAYS];
        }
        if (LIKELY(quoted))
            p = parse_string(parse, p, key);
        else if (LIKELY((unsigned char)(*p - '0') < 10))
            p = parse_number_value(parse, p, key);
        else
            p = parse_value(parse, p, key, depth);
        if (UNLIKELY(!p))
            return NULL;
    } while (*p != '}');
    if (seen_keys)
        *seen_keys = seen;
    return p + 1;
}

static const char *parse_array(struct ndjson_parse *parse, const char *p, struct shape_key *key,
                               unsigned depth)
{
    p = skip_blanks(p + 1);
    if (*p == ']')
        return p + 1;
    for (;;) {
        p = skip_blanks(p);
        if (*p == ']')
            return tcore_ndjson_fail(parse, p, "a trailing comma");
        if (*p == '{' && key) {
            if (UNLIKELY(depth + 1 >= parse->depth_limit))
                return tcore_ndjson_fail(parse, p, "nesting is too deep");
            p = parse_object(parse, p, tcore_ndjson_shape_below(parse->shape, key, true), depth + 1,
                             NULL);
        } else {
            p = parse_value(parse, p, NULL, depth);
        }
        if (!p)
            return NULL;
        p = skip_blanks(p);
        if (*p == ']')
            return p + 1;
        if (*p != ',')
            return tcore_ndjson_fail(parse, p, "a comma or bracket is missing");
        p++;
    }
}

static const char *parse_container(struct ndjson_parse *parse, const char *p, struct shape_key *key,
                                   unsigned depth)
{
    if (UNLIKELY(depth >= parse->depth_limit))
        return tcore_ndjson_fail(parse, p, "nesting is too deep");
    const char *start = p;
    if (*p == '[')
        p = parse_array(parse, p, key, depth);
    else
        p = parse_object(parse, p, key ? tcore_ndjson_shape_below(parse->shape, key, false) : NULL,
                         depth, NULL);
    if (p && key && key->target.wanted)
        keep(parse, &key->target, TCORE_JSON, (size_t)(p - start), (uint64_t)(uintptr_t)start);
    return p;
}

static const char *parse_value(struct ndjson_parse *parse, const char *p, struct shape_key *key,
                               unsigned depth)
{
    enum tcore_kind kind;
    p = skip_blanks(p);
    switch (*p) {
    case '"':
        return parse_string(parse, p + 1, key);
    case '{':
    case '[':
        return parse_container(parse, p, key, depth + 1);
    case 't':
        if (memcmp(p, "true", 4))
            return tcore_ndjson_fail(parse, p, "a value that is no JSON");
        kind = TCORE_TRUE;
        p += 4;
        break;
    case 'f':
        if (memcmp(p, "false", 5))
            return tcore_ndjson_fail(parse, p, "a value that is no JSON");
        kind = TCORE_FALSE;
        p += 5;
        break;
    case 'n':
        if (memcmp(p, "null", 4))
            return tcore_ndjson_fail(parse, p, "a value that is no JSON");
        kind = TCORE_NULL;
        p += 4;
        break;
    case '\n':
        return tcore_ndjson_fail(parse, p, "the line ends inside a record");
    default:
        return parse_number_value(parse, p, key);
    }
    if (key && key->target.wanted)
        keep(parse, &key->target, kind, 0, 0);
    return p;
}

/* What a failed attempt has left. */
static __attribute__((noinline)) void undo(struct ndjson_parse *parse, uint64_t duplicate_keys)
{
    tcore_ndjson_clear(parse);
    parse->duplicate_keys = duplicate_keys;
    parse->time_checked = 0;
    parse->reason = NULL;
}

/* A line of a window. */
struct line {
    const char *base;       /* of the window */
    const uint16_t *points; /* the newline before it, its quotes, its newline */
    unsigned quotes;
    bool special; /* its strings need a closer look */
};

#if HAS_WINDOWS
#include "stream/ndjson_line_impl.h"
#endif

#include "stream/ndjson_replay_impl.h"

#if HAS_WINDOWS
#include "stream/ndjson_form_impl.h"

#include "stream/ndjson_rows_impl.h"

#include "stream/ndjson_keys_impl.h"
#endif

static inline bool lacks_form(const struct ndjson_parse *parse, const struct line *line)
{
    return line && !line->special && line->quotes <= FORM_QUOTES &&
           tcore_ndjson_forms_lack(parse->forms, line->quotes);
}

/* Learns the record from p to behind, which was accepted, and the form of its line (NULL: not
 * known). */
static __attribute__((noinline)) void learn_record(struct ndjson_parse *parse, const char *p,
                                                   const char *behind, const struct line *line)
{
    struct form_draft *draft = NULL;
    uint64_t roles = 0;
    if (lacks_form(parse, line))
        draft =
            tcore_ndjson_form_begin(p, line->base + line->points[line->quotes + 1], line->quotes);
    bool whole = tcore_ndjson_plan_learn(parse->plan, parse->shape, p, behind, draft, &roles);
    if (!draft)
        return;
    if (!whole)
        tcore_ndjson_form_give_up(draft);
    tcore_ndjson_form_end(draft, behind, roles, parse->forms);
}

/* The record by the plan. Returns what is behind it, or NULL: it is not known. */
static inline __attribute__((always_inline)) const char *
planned_record(struct ndjson_parse *parse, const char *p, const struct line *line)
{
    uint64_t duplicate_keys = parse->duplicate_keys;
    if (UNLIKELY(!parse->plan->start))
        return NULL;
    const char *behind = replay_record(parse, p, line);
    tcore_ndjson_plan_tally(parse->plan, behind != NULL);
    if (UNLIKELY(!behind))
        undo(parse, duplicate_keys);
    else if (UNLIKELY(lacks_form(parse, line)))
        learn_record(parse, p, behind, line);
    return behind;
}

const char *PARSE_NAME(struct ndjson_parse *parse, const char *p,
                       const struct ndjson_window *window, unsigned number)
{
    bool by_plan = tcore_ndjson_worth_is_due(&parse->plan->worth);
    struct line *line = NULL;
    parse->time_checked = 0;
    parse->context = 0;
    parse->reason = NULL;
#if HAS_WINDOWS
    struct line of_window;
    if (LIKELY(window != NULL)) {
        of_window = get_line(window, number);
        line = &of_window;
        if (LIKELY(tcore_ndjson_worth_is_due(&parse->forms->worth))) {
            const char *behind = take_form(parse, line);
            tcore_ndjson_forms_tally(parse->forms, 1, behind != NULL);
            if (LIKELY(behind != NULL))
                return behind;
        }
    }
#else
    (void)window;
    (void)number;
#endif
    if (LIKELY(by_plan)) {
        const char *behind = planned_record(parse, p, line);
        if (LIKELY(behind != NULL))
            return behind;
    }
#if HAS_WINDOWS
    if (LIKELY(tcore_ndjson_worth_is_due(&parse->by_key)) && line) {
        const char *behind = take_keys(parse, p, line);
        tcore_ndjson_worth_tally(&parse->by_key, 1, behind != NULL, WORTH_STRETCH / 2);
        if (LIKELY(behind && by_plan))
            learn_record(parse, p, behind, line);
        if (LIKELY(behind != NULL))
            return behind;
    }
#endif
    parse->roles = 0;
    if (UNLIKELY(*p != '{'))
        return tcore_ndjson_fail(parse, p, "a record is a JSON object");
    const char *behind = parse_object(parse, p, parse->shape->root, 0, &parse->roles);
    if (behind && by_plan)
        learn_record(parse, p, behind, line);
    return behind;
}
