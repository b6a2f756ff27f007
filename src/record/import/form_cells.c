/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the members of a form's record are, by its text: canonical text without a blank, in which
 * the notes say what was copied.
 */
#include <config.h>

#include "record/import/form_row.h"

#include "model/number.h"
#include "stream/binary_codec.h"

enum { CELLS = 2 * FORM_NOTES, SECTIONS = FORM_END - FORM_SERVICE + 1 };

struct walk {
    struct form *form;
    struct tcore_arena *arena;
    const struct form_draft *draft;
    const char *out;
    size_t at, end;
    unsigned note; /* the next one */
    struct form_cell cell[CELLS];
    unsigned count;
    struct form_section section[SECTIONS];
    unsigned sections;
};

static const struct form_note *next_note(const struct walk *w)
{
    return w->note < w->draft->count ? &w->draft->note[w->note] : NULL;
}

static struct form_cell *add_cell(struct walk *w, enum form_cell_class class,
                                  struct tcore_slice key)
{
    if (w->count == CELLS)
        return NULL;
    struct form_cell *cell = &w->cell[w->count++];
    *cell = (struct form_cell){.class = (uint8_t) class, .key = key};
    return cell;
}

/* Behind the value at that offset. */
static size_t value_end(const struct walk *w, size_t at)
{
    unsigned depth = 0;
    do {
        char c = w->out[at];
        if (c == '"') {
            for (at++; w->out[at] != '"'; at++)
                at += w->out[at] == '\\';
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
    } while (depth || !strchr(",}]", w->out[at]));
    return at;
}

/* Text of the record that outlives it. */
static bool keep(struct walk *w, size_t from, size_t to, struct tcore_slice *text)
{
    text->data = tcore_arena_copy(w->arena, w->out + from, to - from);
    text->length = to - from;
    return text->data;
}

static bool is_plain(const struct walk *w, size_t from, size_t to)
{
    return !memchr(w->out + from, '\\', to - from);
}

/* A value that is always the same. */
static bool add_constant(struct walk *w, struct tcore_slice key, size_t from, size_t to)
{
    struct form_cell *cell = add_cell(w, CELL_JSON, key);
    const char *text = w->out + from;
    if (!cell)
        return false;
    switch (*text) {
    case '"':
        cell->class = CELL_TEXT;
        return is_plain(w, from, to) && keep(w, from + 1, to - 1, &cell->text);
    case '{':
    case '[':
        return keep(w, from, to, &cell->text);
    case 't':
    case 'f':
        cell->class = CELL_BOOL;
        cell->i = *text == 't';
        return true;
    case 'n':
        return false;
    default:
        cell->class = CELL_INT;
        if (tcore_parse_int64(text, to - from, &cell->i))
            return true;
        cell->class = CELL_DOUBLE;
        return tcore_binary_is_double(text, to - from, &cell->d);
    }
}

/* A container with copied values somewhere in it: the form's steps that make its text. */
static bool add_made(struct walk *w, struct tcore_slice key, size_t from, size_t to)
{
    struct form_cell *cell = add_cell(w, CELL_MADE, key);
    unsigned first = w->note;
    while (next_note(w) && next_note(w)->from < to)
        w->note++;
    unsigned count = w->note - first;
    struct form *made = tcore_arena_alloc(w->arena, sizeof *made);
    struct form_step *steps = tcore_arena_alloc(w->arena, (count + 1) * sizeof *steps);
    if (!cell || !made || !steps)
        return false;
    *made = (struct form){.steps = steps, .step_count = count + 1, .static_bytes = to - from};
    for (unsigned i = 0; i <= count; i++) {
        const struct form_note *note = &w->draft->note[first + i];
        size_t begin = i ? note[-1].to : from, end = i < count ? note->from : to;
        size_t room = ((end - begin) / FORM_PIECE + 1) * FORM_PIECE;
        char *text = tcore_arena_alloc(w->arena, room);
        if (!text || (i < count && note->value >= FORM_DURATION))
            return false;
        memcpy(text, w->out + begin, end - begin);
        steps[i] =
            i < count ? w->form->steps[first + i] : (struct form_step){.value = FORM_NOTHING};
        steps[i].text = text;
        steps[i].length = (uint32_t)(end - begin);
    }
    cell->made = made;
    return true;
}

static bool add_members(struct walk *w);

static bool add_value(struct walk *w, struct tcore_slice key, bool top)
{
    size_t from = w->at, to = value_end(w, from);
    const struct form_note *note = next_note(w);
    bool copies = note && note->from < to, whole = copies && note->from == from && note->to == to;
    bool opens = top && w->out[from] == '{' && to - from > 2;
    if (opens) {
        w->at++;
        if (!add_cell(w, CELL_OPEN, key) || !add_members(w) ||
            !add_cell(w, CELL_CLOSE, (struct tcore_slice){NULL, 0}))
            return false;
    } else if (whole) {
        struct form_cell *cell = add_cell(w, CELL_COPY, key);
        if (!cell)
            return false;
        const struct form_step *step = &w->form->steps[w->note++];
        cell->value = step->value;
        cell->from = step->from;
        cell->to = step->to;
    } else if (copies ? !add_made(w, key, from, to) : !add_constant(w, key, from, to)) {
        return false;
    }
    w->at = to;
    return true;
}

/* A member behind its comma, or the brace of its object. */
static bool add_member(struct walk *w, bool top)
{
    struct tcore_slice key;
    size_t from = w->at + 1, to;
    if (w->out[w->at] != '"')
        return false;
    to = from + (size_t)((const char *)memchr(w->out + from, '"', w->end - from) - w->out - from);
    if (!is_plain(w, from, to) || !keep(w, from, to, &key))
        return false;
    w->at = to + 2;
    return add_value(w, key, top);
}

static bool add_members(struct walk *w)
{
    do {
        if (!add_member(w, false))
            return false;
    } while (w->out[w->at++] == ',');
    return true;
}

/* A section of the cells from that one on. */
static bool end_section(struct walk *w, unsigned first, enum form_value shared)
{
    unsigned count = w->count - first;
    struct form_cell *cells = tcore_arena_alloc(w->arena, (count + 1) * sizeof *cells);
    if (w->sections == SECTIONS || shared != FORM_SERVICE + w->sections || !cells)
        return false;
    memcpy(cells, w->cell + first, count * sizeof *cells);
    w->section[w->sections++] =
        (struct form_section){.cell = cells, .count = count, .shared = (uint8_t)shared};
    return true;
}

/* The record from behind its type on, up to what the last note shares. */
static bool add_record(struct walk *w)
{
    unsigned first = 0;
    for (;;) {
        const struct form_note *note = next_note(w);
        if (!note)
            return w->at == w->end && first == w->count;
        if (note->value > FORM_DURATION && note->from == w->at) {
            if (!end_section(w, first, (enum form_value)note->value))
                return false;
            first = w->count;
            w->at = note->to;
            w->note++;
        } else if (w->out[w->at++] != ',' || !add_member(w, true)) {
            return false;
        }
    }
}

/* Whether there is room for what is learnt of the form's rows. */
static bool add_lanes(struct walk *w)
{
    unsigned copies = 0, fixed = 0;
    for (unsigned i = 0; i < w->count; i++) {
        unsigned class = w->cell[i].class;
        w->form->makes |= class == CELL_MADE;
        copies += class == CELL_COPY || class == CELL_MADE;
        fixed += class != CELL_OPEN && class != CELL_CLOSE;
    }
    w->form->lanes = form_lanes_new(w->arena, copies, fixed - copies);
    return w->form->lanes;
}

void form_add_sections(struct form *form, struct tcore_arena *arena, const struct form_draft *draft,
                       const char *out, size_t begin, size_t end)
{
    static const char head[] = "{\"type\":\"span\"";
    struct walk w = {.form = form,
                     .arena = arena,
                     .draft = draft,
                     .out = out,
                     .at = begin + sizeof head - 1,
                     .end = end};
    if (end - begin < sizeof head || memcmp(out + begin, head, sizeof head - 1) != 0 ||
        !add_record(&w) || w.sections != SECTIONS || !add_lanes(&w))
        return;
    form->sections = tcore_arena_alloc(arena, w.sections * sizeof *form->sections);
    if (form->sections)
        memcpy(form->sections, w.section, w.sections * sizeof *form->sections);
    form->section_count = form->sections ? w.sections : 0;
}
