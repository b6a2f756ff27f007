/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning forms. None of this is in a hurry: a form that is learnt once serves many records. */
#include "stream/ndjson_form.h"

#include "base/sys.h"

#include <string.h>

enum {
    BYTES = 2 << 20, /* of all forms */
    PIECES = 256,    /* of a form; the same for the others */
    SCALARS = 96,
    STRINGS = 96,
    CELLS = 64,
    FORMS = 32,    /* of a bucket */
    FAILURES = 16, /* to make a form of a record; then it is left */
    WORD = 8       /* bytes of struct form_word's text */
};

struct form_draft {
    const char *start, *newline, *from; /* of the literal that is being put together */
    unsigned quotes;
    unsigned point; /* the next one at or behind from */
    bool failed;
    bool scalar_open; /* the last scalar's end is where the next piece begins */
    struct ndjson_form form;
    char text[PIECES][FORM_PIECE];
    struct form_piece pieces[PIECES];
    struct form_scalar scalars[SCALARS];
    struct form_string strings[STRINGS];
    struct form_word words[FORM_QUOTES + 2];
};

void tcore_ndjson_forms_free(struct ndjson_forms *forms)
{
    tcore_arena_free(&forms->arena);
    *forms = (struct ndjson_forms){0};
}

void tcore_ndjson_forms_reconsider(struct ndjson_forms *forms)
{
    if (!forms->full)
        return;
    /* what the stream was like, it is no more */
    tcore_arena_reset(&forms->arena);
    memset(forms->buckets, 0, sizeof forms->buckets);
    forms->bytes = 0;
    forms->full = false;
}

bool tcore_ndjson_forms_lack(const struct ndjson_forms *forms, unsigned quotes)
{
    const struct form_bucket *bucket = forms->buckets[quotes];
    return !forms->full && (!bucket || (bucket->count < FORMS && bucket->failures < FAILURES));
}

struct form_draft *tcore_ndjson_form_begin(const char *start, const char *newline, unsigned quotes)
{
    struct form_draft *draft = tcore_malloc(sizeof *draft);
    if (!draft)
        return NULL;
    draft->start = draft->from = start;
    draft->newline = newline;
    draft->quotes = quotes;
    draft->point = 1;
    draft->failed = draft->scalar_open = false;
    memset(draft->words, 0, sizeof draft->words);
    draft->form = (struct ndjson_form){0};
    return draft;
}

void tcore_ndjson_form_give_up(struct form_draft *draft)
{
    if (draft)
        draft->failed = true;
}

/* The place of p, from the next point on. */
static struct form_place place_of(struct form_draft *draft, const char *p)
{
    if (p == draft->start)
        return (struct form_place){0, 1};
    const char *at = draft->point <= draft->quotes
                         ? memchr(p, '"', (size_t)(draft->newline - p) + 1)
                         : draft->newline;
    if (!at || at - p > INT16_MAX || at - p > (ptrdiff_t)draft->point - 1) {
        draft->failed = true;
        return (struct form_place){0};
    }
    return (struct form_place){(uint16_t)draft->point, (int16_t)(p - at)};
}

/* What stands at the quotes of a literal. */
static void note_words(struct form_draft *draft, const char *from, const char *to)
{
    unsigned point = draft->point;
    for (; to - from >= WORD; from++) {
        if (*from != '"')
            continue;
        draft->words[point].known = true;
        memcpy(&draft->words[point++].text, from, WORD);
    }
}

/* The literal up to there is complete. */
static void cut(struct form_draft *draft, const char *to)
{
    struct ndjson_form *form = &draft->form;
    const char *from = draft->from;
    if (draft->scalar_open && !draft->failed)
        draft->scalars[form->scalar_count - 1].to = place_of(draft, from);
    draft->scalar_open = false;
    note_words(draft, from, to);
    while (from < to && !draft->failed) {
        size_t length = to - from < FORM_PIECE ? (size_t)(to - from) : FORM_PIECE;
        if (form->piece_count == PIECES) {
            draft->failed = true;
            return;
        }
        unsigned n = form->piece_count++;
        memset(draft->text[n], 0, FORM_PIECE);
        memcpy(draft->text[n], from, length);
        draft->pieces[n] =
            (struct form_piece){~(uint32_t)0 >> (FORM_PIECE - length), place_of(draft, from)};
        for (size_t i = 0; i < length; i++)
            draft->point += from[i] == '"';
        from += length;
        form->end = draft->pieces[n].place; /* if it is the last */
        form->end.offset = (int16_t)(form->end.offset + (int)length);
    }
}

void tcore_ndjson_form_string(struct form_draft *draft, const char *text, const char *behind,
                              const struct shape_target *target)
{
    if (!draft || draft->failed)
        return;
    if (target->role == ROLE_TYPE && target->slot < 0) { /* there are few: each has its forms */
        draft->form.type = tcore_value_string(text, (size_t)(behind - 1 - text));
        return;
    }
    cut(draft, text);
    draft->from = behind - 1; /* its closing quote is part of what follows */
    if (!target->wanted)
        return;
    if (draft->form.string_count == STRINGS)
        draft->failed = true;
    else
        draft->strings[draft->form.string_count++] =
            (struct form_string){(uint16_t)(draft->point - 1), *target};
}

void tcore_ndjson_form_scalar(struct form_draft *draft, const char *text, const char *behind,
                              struct shape_key *key)
{
    if (!draft || draft->failed)
        return;
    cut(draft, text);
    /* from the last quote of what is before it, which has a key's */
    const char *quote = text;
    while (*quote != '"')
        quote--;
    if (draft->form.scalar_count == SCALARS || text - quote > INT16_MAX) {
        draft->failed = true;
        return;
    }
    draft->scalars[draft->form.scalar_count++] =
        (struct form_scalar){.from = {(uint16_t)(draft->point - 1), (int16_t)(text - quote)},
                             .target = key->target,
                             .key = key};
    draft->from = behind;
    draft->scalar_open = true;
}

static void *take(struct ndjson_forms *forms, const void *from, size_t bytes, size_t alignment)
{
    forms->bytes += bytes + alignment;
    char *room =
        forms->bytes > BYTES ? NULL : tcore_arena_alloc(&forms->arena, bytes + alignment - 1);
    if (!room)
        return NULL;
    room += -(uintptr_t)room & (alignment - 1);
    memcpy(room, from, bytes);
    return room;
}

/* A column's cell. False: it is of no plain row. */
static bool make_cell(const struct form_draft *draft, const struct form_column *column,
                      struct form_cell *cell)
{
    *cell = (struct form_cell){.class = CELL_ABSENT};
    for (size_t k = 0; k < column->slot_count; k++) {
        for (unsigned i = 0; i < draft->form.string_count; i++) {
            const struct form_string *string = &draft->strings[i];
            if (string->target.slot != column->slots[k])
                continue;
            enum form_cell_class class = column->id            ? CELL_ID
                                         : string->target.time ? CELL_TIME
                                                               : CELL_STRING;
            *cell = (struct form_cell){(uint8_t) class, column->id, string->point};
            return true;
        }
        for (unsigned i = 0; i < draft->form.scalar_count; i++) {
            if (draft->scalars[i].target.slot != column->slots[k])
                continue;
            *cell = (struct form_cell){CELL_SCALAR, 0, (uint16_t)i};
            return true;
        }
    }
    return !column->derived;
}

/* What makes a span plain. False: none is. */
static bool make_checks(struct form_draft *draft)
{
    struct ndjson_form *form = &draft->form;
    unsigned ids = 0;
    if (form->type.kind != TCORE_STRING || form->type.len != 4 || memcmp(form->type.s, "span", 4))
        return false;
    for (unsigned i = 0; i < form->string_count; i++) {
        const struct form_string *string = &draft->strings[i];
        if (string->target.role >= ROLE_VALUES)
            continue;
        bool id = string->target.role == ROLE_TRACE_ID || string->target.role == ROLE_SPAN_ID;
        if (form->check_count == FORM_CHECKS || (!id && !string->target.time))
            return false;
        ids += id;
        form->checks[form->check_count++] = (struct form_check){string->point, !id};
    }
    return ids == 2;
}

/* The cells of the columns, in the arena; NULL: there are none. */
static struct form_cell *make_cells(struct ndjson_forms *forms, struct form_draft *draft)
{
    struct form_cell cells[CELLS];
    if (forms->column_count > CELLS || !make_checks(draft))
        return NULL;
    for (size_t i = 0; i < forms->column_count; i++)
        if (!make_cell(draft, &forms->columns[i], &cells[i]))
            return NULL;
    return take(forms, cells, forms->column_count * sizeof *cells, _Alignof(struct form_cell));
}

/* The form with what it has, in the arena; NULL: there is no room for it. */
static struct ndjson_form *keep_form(struct ndjson_forms *forms, struct form_draft *draft)
{
    struct form_cell *cells = make_cells(forms, draft);
    struct ndjson_form form = draft->form;
    form.cells = cells;
    form.text = take(forms, draft->text, form.piece_count * sizeof *draft->text, FORM_PIECE);
    form.pieces = take(forms, draft->pieces, form.piece_count * sizeof *draft->pieces,
                       _Alignof(struct form_piece));
    form.scalars = take(forms, draft->scalars, form.scalar_count * sizeof *draft->scalars,
                        _Alignof(struct form_scalar));
    form.strings = take(forms, draft->strings, form.string_count * sizeof *draft->strings,
                        _Alignof(struct form_string));
    form.words = take(forms, draft->words, (draft->quotes + 2) * sizeof *draft->words,
                      _Alignof(struct form_word));
    if (form.type.kind == TCORE_STRING)
        form.type.s = take(forms, form.type.s, form.type.len, 1);
    if (!form.text || !form.pieces || !form.scalars || !form.strings || !form.words ||
        (form.type.kind == TCORE_STRING && !form.type.s))
        return NULL;
    return take(forms, &form, sizeof form, _Alignof(struct ndjson_form));
}

/* How many different words the forms have at a point; 0: one has none. With a first point only
 * forms that agree there count as one. */
static unsigned count_words(const struct form_bucket *bucket, unsigned first, unsigned point)
{
    unsigned different = 0;
    for (const struct ndjson_form *form = bucket->first; form; form = form->other) {
        bool met = false;
        if (!form->words[point].known)
            return 0;
        for (const struct ndjson_form *one = bucket->first; one != form && !met; one = one->other)
            met = one->words[point].text == form->words[point].text &&
                  one->words[first].text == form->words[first].text;
        different += !met;
    }
    return different;
}

static unsigned best_probe(const struct form_bucket *bucket, unsigned first, unsigned quotes)
{
    unsigned best = first, most = 0;
    for (unsigned point = 1; point <= quotes; point++) {
        unsigned different = count_words(bucket, first, point);
        if (different > most) {
            most = different;
            best = point;
        }
    }
    return best;
}

static void probe(struct form_bucket *bucket, unsigned number, unsigned point)
{
    /* every line has a point 1, and before point 0 there may be nothing to be read */
    bucket->probes[number] = (uint16_t)(point ? point : 1);
    bucket->masks[number] = point ? ~(uint64_t)0 : 0;
}

/* Which points tell the forms apart, and where each has its place by these. */
static void arrange(struct form_bucket *bucket, unsigned quotes)
{
    /* the word of point 0 is none: the same for all */
    unsigned first = best_probe(bucket, 0, quotes), second = best_probe(bucket, first, quotes);
    probe(bucket, 0, first);
    probe(bucket, 1, second);
    memset(bucket->places, 0, sizeof bucket->places);
    for (struct ndjson_form *form = bucket->first; form; form = form->other) {
        unsigned place = tcore_ndjson_form_place(form->words[first].text, form->words[second].text);
        form->next = bucket->places[place];
        bucket->places[place] = form;
    }
}

void tcore_ndjson_form_end(struct form_draft *draft, const char *end, uint64_t roles,
                           struct ndjson_forms *forms)
{
    unsigned quotes = draft->quotes;
    if (!draft->failed)
        cut(draft, end);
    draft->form.roles = roles;
    bool complete = !draft->failed && draft->point == quotes + 1;
    struct form_bucket **bucket = &forms->buckets[quotes];
    if (!*bucket)
        *bucket = take(forms, &(struct form_bucket){.probes = {1, 1}}, sizeof **bucket,
                       _Alignof(struct form_bucket));
    struct ndjson_form *form = *bucket && complete ? keep_form(forms, draft) : NULL;
    forms->full = forms->bytes > BYTES;
    if (form) {
        form->other = (*bucket)->first;
        (*bucket)->first = form;
        (*bucket)->count++;
        arrange(*bucket, quotes);
    } else if (*bucket) {
        (*bucket)->failures++;
    }
    tcore_free(draft);
}
