/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Going through a record by its plan (ndjson_plan.h). Included by ndjson_parse_impl.h, behind the
 * parser of values, once for each instruction set. Needed besides what these
 * need:
 *     begins(p, step)  whether the step's literal stands at p
 *
 * Where a line's quotes are known, the next ones say where a string ends and the next literal
 * begins, and no step has to wait for the one before it.
 */

struct replay {
    const char *base;     /* where the record begins */
    const uint16_t *next; /* the first quote that has not been passed */
    const uint16_t *end;
    bool special;          /* the line's strings need a closer look */
    uint32_t context;      /* of the record's strings that tell what it has */
    uint32_t next_context; /* and of the one that tells what comes next */
};

/* Passes the quotes before p. */
static inline void pass_quotes(struct replay *replay, const char *p)
{
    while (replay->next < replay->end && replay->base + *replay->next < p)
        replay->next++;
}

/* Whether the text is a time as it is usually written. */
static inline bool is_plain_time(const char *text, size_t length)
{
    return digits(text) == length && length - 1 < 19 && (length < 19 || *text < '9');
}

/* What keep_string() does, with the usual time at hand. */
static inline __attribute__((always_inline)) void replay_keep(struct ndjson_parse *parse,
                                                              const struct shape_target *target,
                                                              const char *text, size_t length)
{
    if (!target->time) {
        keep(parse, target, TCORE_STRING, length, (uint64_t)(uintptr_t)text);
    } else if (LIKELY(target->slot < 0 && is_plain_time(text, length))) {
        tcore_value_put_string(&parse->role[target->role], text, length);
        parse->time_checked |= (uint32_t)1 << target->role;
    } else {
        keep_time(parse, target, text, length);
    }
}

/* By the string's ends; what is before a short one is the literal, the same each time. */
static inline void take_hint(struct replay *replay, enum shape_hint hint, const char *text,
                             const char *end)
{
    uint64_t tail;
    uint32_t head;
    memcpy(&tail, end - 8, sizeof tail);
    memcpy(&head, text, sizeof head);
    uint32_t hash =
        (uint32_t)((tail ^ head ^ (uint64_t)replay->context << 32) * 0x9e3779b97f4a7c15u >> 40);
    if (hint == HINT_RECORD)
        replay->context = hash;
    replay->next_context = hash;
}

/* A string whose end is not known. */
static inline __attribute__((always_inline)) const char *scan_string(struct ndjson_parse *parse,
                                                                     struct replay *replay,
                                                                     struct plan_step *step,
                                                                     const char *text)
{
    struct masks m = scan(text);
    if (UNLIKELY(!m.quote || m.special & (m.quote ^ (m.quote - 1)))) {
        const char *behind = string_slow(parse, text, step->target.wanted ? step->key : NULL);
        if (HAS_WINDOWS && behind)
            pass_quotes(replay, behind);
        return behind;
    }
    size_t length = (size_t)__builtin_ctzll(m.quote);
    const char *end = text + length;
    if (step->target.wanted)
        replay_keep(parse, &step->target, text, length);
    if (step->hint)
        take_hint(replay, step->hint, text, end);
    if (HAS_WINDOWS) {
        pass_quotes(replay, end + 1);
        return end + 1;
    }
    /* A string of a length that never changes (ids, times) need not be scanned before the parser
     * goes on behind it: the branch predictor takes the remembered length for granted. */
    if (LIKELY(length == step->fixed_length)) {
        size_t same = step->fixed_length;
        __asm__("" : "+r"(same));
        return text + same + 1;
    }
    if (UNLIKELY(step->fixed_length != UINT8_MAX)) {
        step->fixed_hits += step->fixed_hits < 16;
        step->fixed_length = step->fixed_hits < 16 ? (uint8_t)length : UINT8_MAX;
    }
    return end + 1;
}

/* The string at text. Returns what is behind its closing quote, or NULL. */
static inline __attribute__((always_inline)) const char *replay_string(struct ndjson_parse *parse,
                                                                       struct replay *replay,
                                                                       struct plan_step *step,
                                                                       const char *text)
{
    if (!HAS_WINDOWS || UNLIKELY(replay->special))
        return scan_string(parse, replay, step, text);
    const uint16_t *closing = replay->next + step->quotes;
    if (UNLIKELY(closing >= replay->end))
        return NULL;
    const char *end = replay->base + *closing;
    replay->next = closing + 1;
    if (step->target.wanted)
        replay_keep(parse, &step->target, text, (size_t)(end - text));
    if (step->hint)
        take_hint(replay, step->hint, text, end);
    return end + 1;
}

/* The number at text. Returns what is behind it, or NULL. */
static inline __attribute__((always_inline)) const char *replay_number(struct ndjson_parse *parse,
                                                                       struct replay *replay,
                                                                       const struct plan_step *step,
                                                                       const char *text)
{
    unsigned n = digits(text);
    char after = text[n];
    replay->next += step->quotes;
    /* what may not follow a number is found by the next step, which begins with a comma or brace */
    if (UNLIKELY(n - 1 >= 18 || (*text == '0' && n > 1) || after == '.' || (after | 0x20) == 'e'))
        return parse_number_value(parse, text, step->key);
    if (step->target.wanted) {
        keep(parse, &step->target, TCORE_INT, 0, digits_value(text, n));
        if (step->target.role < ROLE_VALUES)
            parse->time_checked |= (uint32_t)1 << step->target.role;
    }
    return text + n;
}

/* Another step than this one, that stands at p too; NULL: there is none. */
static __attribute__((noinline)) struct plan_step *other_step(const struct plan_state *state,
                                                              const struct plan_step *step,
                                                              const char *p,
                                                              struct plan_step **guess)
{
    struct plan_step *other = state->guess ? tcore_ndjson_plan_find(state, p) : NULL;
    if (!other || other == step)
        return NULL;
    *guess = other;
    return other;
}

/* The record at p by the plan. Returns what is behind it, or NULL: it is not known, or has an
 * error, which the parser will find. */
static const char *replay_record(struct ndjson_parse *parse, const char *p, const struct line *line)
{
    const struct plan_state *state = parse->plan->start;
    struct plan_step *step = parse->plan->first;
    struct plan_step **guess = NULL; /* where this step came from, if the state has several */
    struct replay replay = {.special = true};
    if (line)
        replay = (struct replay){.base = line->base,
                                 .next = line->points + 1,
                                 .end = line->points + 1 + line->quotes,
                                 .special = line->special};
    for (;;) {
        if (!step) {
            if (UNLIKELY(!state->guess))
                return NULL; /* nothing is known from here */
            guess = &state->guess[replay.next_context % PLAN_GUESSES];
            replay.next_context = replay.context;
            step = *guess;
        }
        if (UNLIKELY(!begins(p, step))) {
            step = other_step(state, step, p, guess);
            if (!step)
                return NULL;
        }
        const char *value = p + step->length;
        if (LIKELY(step->class == PLAN_STRING)) {
            p = replay_string(parse, &replay, step, value);
        } else if (LIKELY(step->class == PLAN_NUMBER)) {
            const uint16_t *next = replay.next;
            const char *behind = replay_number(parse, &replay, step, value);
            if (UNLIKELY(!behind)) {
                /* no number: it may be known as something else in this place */
                parse->reason = NULL;
                replay.next = next;
                step = other_step(state, step, p, guess);
                if (!step)
                    return NULL;
                continue;
            }
            p = behind;
        } else if (step->class == PLAN_END) {
            parse->roles = step->roles;
            return value;
        } else if (step->class == PLAN_CONSTANT) {
            if (step->target.wanted)
                keep(parse, &step->target, step->kind, 0, 0);
            replay.next += step->quotes;
            p = value;
        } else {
            p = parse_value(parse, value, step->key, step->depth);
            if (p)
                pass_quotes(&replay, p);
        }
        if (UNLIKELY(!p))
            return NULL;
        state = step->behind;
        step = step->next;
    }
}
