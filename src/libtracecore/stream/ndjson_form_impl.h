/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking a line as a whole (ndjson_form.h). Included by ndjson_parse_impl.h, behind the parser of
 * values and ndjson_line_impl.h. Needed besides:
 *     differing(p, text)   a bit for each of the FORM_PIECE bytes in which they differ
 */

static inline const char *place_in(const struct line *line, struct form_place place)
{
    return line->base + line->points[place.point] + place.offset;
}

static inline bool has_form(const struct line *line, const struct ndjson_form *form)
{
    uint32_t differ = 0;
    for (unsigned i = 0; i < form->piece_count; i++)
        differ |=
            form->pieces[i].mask & differing(place_in(line, form->pieces[i].place), form->text[i]);
    return !differ;
}

/* Whether all between them is a number of up to 18 digits. */
static inline bool is_plain_integer(const char *from, const char *to)
{
    unsigned n = digits(from);
    return from + n == to && n - 1 < 18 && !(*from == '0' && n > 1);
}

/* A value that is no plain number. False: it does not end there. */
static __attribute__((noinline)) bool take_odd_scalar(struct ndjson_parse *parse, const char *from,
                                                      const char *to,
                                                      const struct form_scalar *scalar)
{
    /* where there can only be what the parser takes for a string or container, there is none */
    if (to <= from || *from == '"' || *from == '{' || *from == '[')
        return false;
    return parse_value(parse, from, scalar->key, 0) == to;
}

static inline bool take_scalars(struct ndjson_parse *parse, const struct line *line,
                                const struct ndjson_form *form)
{
    for (unsigned i = 0; i < form->scalar_count; i++) {
        const struct form_scalar *scalar = &form->scalars[i];
        const char *from = place_in(line, scalar->from), *to = place_in(line, scalar->to);
        if (UNLIKELY(!is_plain_integer(from, to))) {
            if (!take_odd_scalar(parse, from, to, scalar))
                return false;
        } else if (scalar->target.wanted) {
            keep(parse, &scalar->target, TCORE_INT, 0, digits_value(from, (unsigned)(to - from)));
            if (scalar->target.role < ROLE_VALUES)
                parse->time_checked |= (uint32_t)1 << scalar->target.role;
        }
    }
    return true;
}

static inline void take_strings(struct ndjson_parse *parse, const struct line *line,
                                const struct ndjson_form *form)
{
    for (unsigned i = 0; i < form->string_count; i++) {
        const struct form_string *string = &form->strings[i];
        const uint16_t *point = &line->points[string->point];
        replay_keep(parse, &string->target, line->base + point[0] + 1,
                    (size_t)(point[1] - point[0] - 1));
    }
}

/* The form that a line has, if that is known. */
static inline __attribute__((always_inline)) const struct ndjson_form *
find_form(const struct ndjson_forms *forms, const struct line *line)
{
    if (UNLIKELY(line->special || line->quotes > FORM_QUOTES))
        return NULL;
    const struct form_bucket *bucket = forms->buckets[line->quotes];
    if (UNLIKELY(!bucket))
        return NULL;
    uint64_t first, second;
    memcpy(&first, line->base + line->points[bucket->probes[0]], sizeof first);
    memcpy(&second, line->base + line->points[bucket->probes[1]], sizeof second);
    const struct ndjson_form *form =
        bucket
            ->places[tcore_ndjson_form_place(first & bucket->masks[0], second & bucket->masks[1])];
    while (form && !has_form(line, form))
        form = form->next;
    return form;
}

/* The record on the line by its form. Returns what is behind it, or NULL: it has no known one. */
static inline __attribute__((always_inline)) const char *take_form(struct ndjson_parse *parse,
                                                                   const struct line *line)
{
    const struct ndjson_form *form = find_form(parse->forms, line);
    if (UNLIKELY(!form))
        return NULL;
    if (UNLIKELY(!take_scalars(parse, line, form))) {
        undo(parse, parse->duplicate_keys);
        return NULL;
    }
    take_strings(parse, line, form);
    if (form->type.kind)
        tcore_value_move(&parse->role[ROLE_TYPE], &form->type);
    parse->roles = form->roles;
    return place_in(line, form->end);
}
