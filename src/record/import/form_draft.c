/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making a form of an element, the record it became, and what was noted of the way between them.
 */
#include <config.h>

#include "record/import/form_row.h"

#include "base/sys.h"
#include "c-ctype.h"
#include "model/json_text.h"

enum {
    ELEMENT_BYTES = 16384, /* of an element that has a form */
    NODES = 1024,          /* in it */
    PIECES = ELEMENT_BYTES / FORM_PIECE + FORM_NOTES + 1
};

bool form_is_text(const char *text, size_t length)
{
    const char *p = text, *end = text + length;
    while (p < end) {
        unsigned size = 1;
        if ((unsigned char)*p >= 0x80)
            size = tcore_json_utf8_length(p, end);
        else if (*p == '\\')
            size = p + 1 < end && p[1] && strchr("\"\\nrtbf", p[1]) ? 2 : 0;
        else if ((unsigned char)*p < ' ' || *p == '"')
            return false;
        if (!size)
            return false;
        p += size;
    }
    return true;
}

bool form_is_decimal(const char *text, size_t length)
{
    if (length - 1 >= 64)
        return false;
    const char *end = text + length;
    text += *text == '-';
    const char *point = text;
    while (point < end && c_isdigit(*point))
        point++;
    if (point == text || point == end || *point != '.' || (*text == '0' && point - text > 1))
        return false;
    const char *p = point + 1;
    while (p < end && c_isdigit(*p))
        p++;
    return p == end && p > point + 1;
}

void form_note(struct form_draft *draft, enum form_value value, size_t from, size_t to,
               uint32_t node)
{
    if (draft->count == FORM_NOTES) {
        draft->failed = true;
        return;
    }
    draft->note[draft->count++] =
        (struct form_note){.from = from, .to = to, .node = node, .value = (uint8_t)value};
}

void form_note_shared(struct form_draft *draft, enum form_value value, size_t from, size_t to)
{
    while (draft->count && draft->note[draft->count - 1].from >= from &&
           draft->note[draft->count - 1].value < FORM_DURATION)
        draft->count--;
    form_note(draft, value, from, to, 0);
}

/* A form in the making. Nothing fails: what cannot be a form is none in the end. */
struct form_making {
    const struct tcore_json *json;
    struct tcore_slice element;
    uint32_t first, end; /* nodes in the element */
    /* where a node's text begins and ends, with its quotes; of containers nothing */
    uint32_t from[NODES], to[NODES];
    uint16_t point[NODES]; /* of a string: its opening quote */
    uint8_t value[NODES];  /* how it is copied; FORM_NOTHING: it is not */
    uint32_t quote[FORM_POINTS];
    unsigned points;
    struct form_piece piece[PIECES];
    char text[PIECES][FORM_PIECE];
    struct form_place before[NODES], behind[NODES]; /* of copied values: where they begin, end */
    struct form form;
    bool known[ELEMENT_BYTES]; /* bytes that are literal text */
    bool failed;
};

static bool is_string(const struct form_making *m, uint32_t node)
{
    return m->json->node[node].value.kind == TCORE_STRING;
}

/* Behind the string at p. */
static const char *string_end(const char *p)
{
    for (p++; *p != '"'; p++)
        p += *p == '\\';
    return p + 1;
}

/* Finds where the texts of all nodes are. */
static void find_texts(struct form_making *m)
{
    static const char between[] = ",:[]{} \t\r\n";
    const char *text = m->element.data, *at = text;
    for (uint32_t node = m->first; node < m->end && !m->failed; node++) {
        unsigned i = node - m->first;
        if (m->json->node[node].value.kind == TCORE_JSON)
            continue;
        at += strspn(at, between);
        m->from[i] = (uint32_t)(at - text);
        if (is_string(m, node)) {
            if (m->points + 2 > FORM_POINTS) {
                m->failed = true;
                return;
            }
            m->point[i] = (uint16_t)m->points;
            m->quote[m->points++] = (uint32_t)(at - text);
            at = string_end(at);
            m->quote[m->points++] = (uint32_t)(at - 1 - text);
        } else {
            at += strcspn(at, between);
        }
        m->to[i] = (uint32_t)(at - text);
    }
}

/* A place in literal text, by the first point of that. */
static struct form_place place_by(struct form_making *m, unsigned point, size_t offset)
{
    int64_t distance = (int64_t)offset - (int64_t)m->quote[point];
    if (distance > INT16_MAX || distance < INT16_MIN)
        m->failed = true;
    size_t reach = distance > 0 ? (size_t)distance : 0, back = distance < 0 ? (size_t)-distance : 0;
    m->form.reach = reach > m->form.reach ? reach : m->form.reach;
    m->form.back = back > m->form.back ? back : m->form.back;
    return (struct form_place){(uint16_t)point, (int16_t)distance};
}

/* Literal text of the element, up to there, as pieces; *point: its first point, at or behind the
 * one that was given. False: it has none. */
static bool add_literal(struct form_making *m, size_t from, size_t to, unsigned *point)
{
    while (*point < m->points && m->quote[*point] < from)
        ++*point;
    if (*point == m->points || m->quote[*point] >= to)
        return false;
    memset(m->known + from, true, to - from);
    for (size_t at = from; at < to; at += FORM_PIECE) {
        if (m->form.piece_count == PIECES)
            return false;
        size_t length = to - at < FORM_PIECE ? to - at : FORM_PIECE;
        struct form_piece *piece = &m->piece[m->form.piece_count];
        memset(m->text[m->form.piece_count], 0, FORM_PIECE);
        memcpy(m->text[m->form.piece_count++], m->element.data + at, length);
        piece->mask = ~(uint64_t)0 >> (64 - length);
        piece->place = place_by(m, *point, at);
    }
    return true;
}

/* Cuts the element into values that are copied and the text between. */
static void cut(struct form_making *m)
{
    size_t literal = 0;
    unsigned point = 0, last = NODES; /* scalar that waits for a point behind it */
    for (uint32_t node = m->first; node <= m->end && !m->failed; node++) {
        unsigned i = node - m->first;
        bool end = node == m->end, string = !end && is_string(m, node);
        if (!end && m->value[i] == FORM_NOTHING)
            continue;
        size_t to = end ? m->element.length : m->from[i] + string;
        if (!add_literal(m, literal, to, &point)) {
            m->failed = true;
            return;
        }
        if (last != NODES)
            m->behind[last] = place_by(m, point, m->to[last]);
        last = NODES;
        if (end) {
            m->form.end = place_by(m, point, to);
            return;
        }
        if (string) {
            m->before[i] = (struct form_place){m->point[i], 1};
            m->behind[i] = (struct form_place){(uint16_t)(m->point[i] + 1), 0};
            literal = m->to[i] - 1;
        } else {
            m->before[i] = place_by(m, point, to);
            literal = m->to[i];
            last = i;
        }
    }
}

static unsigned depth_of(struct tcore_slice element)
{
    unsigned depth = 0, deepest = 0;
    for (const char *p = element.data; p < element.data + element.length;) {
        if (*p == '"') {
            p = string_end(p);
            continue;
        }
        if (*p == '{' || *p == '[')
            deepest = ++depth > deepest ? depth : deepest;
        depth -= *p == '}' || *p == ']';
        p++;
    }
    return deepest;
}

/* The marks of what is copied; every node at most once. */
static void mark(struct form_making *m, const struct form_draft *draft)
{
    memset(m->value, FORM_NOTHING, sizeof m->value);
    for (unsigned i = 0; i < draft->count; i++) {
        const struct form_note *note = &draft->note[i];
        if (!note->node)
            continue;
        bool known = note->node >= m->first && note->node < m->end;
        if (!known || m->value[note->node - m->first] != FORM_NOTHING)
            m->failed = true;
        else
            m->value[note->node - m->first] = note->value;
    }
}

/* Whether the value is copied with the quotes that it has in the element. */
static bool keeps_quotes(const struct form_making *m, const struct form_note *note, const char *out)
{
    return is_string(m, note->node) && out[note->from] == '"';
}

static void add_check(struct form_making *m, const struct form_note *note)
{
    struct form *form = &m->form;
    unsigned i = note->node - m->first;
    struct form_check check = {note->value, m->before[i], m->behind[i]};
    form->checks[form->check_count++] = check;
    form->kind_count[check.value]++;
    if (note->value == FORM_START) {
        form->start = check.from;
        form->start_end = check.to;
    } else if (note->value == FORM_STOP) {
        form->stop = check.from;
        form->stop_end = check.to;
    }
}

/* The step of a note, behind the record's text from `from` on. */
static bool add_step(struct form_making *m, struct tcore_arena *arena, const struct form_note *note,
                     const char *out, size_t from)
{
    struct form_step *step = &m->form.steps[m->form.step_count++];
    size_t length = note->from - from;
    char *text = tcore_arena_alloc(arena, (length / FORM_PIECE + 1) * FORM_PIECE);
    if (!text)
        return false;
    memcpy(text, out + from, length);
    *step = (struct form_step){.text = text, .length = (uint32_t)length, .value = note->value};
    m->form.static_bytes += length;
    m->form.timed |= note->value == FORM_DURATION;
    if (!note->node)
        return true;
    unsigned i = note->node - m->first;
    step->from = m->before[i];
    step->to = m->behind[i];
    if (keeps_quotes(m, note, out)) {
        step->from.offset--;
        step->to.offset++;
    }
    add_check(m, note);
    return true;
}

static bool add_steps(struct form_making *m, struct tcore_arena *arena,
                      const struct form_draft *draft, const char *out, size_t begin)
{
    struct form *form = &m->form;
    form->checks = tcore_arena_alloc(arena, draft->count * sizeof *form->checks);
    form->steps = tcore_arena_alloc(arena, draft->count * sizeof *form->steps);
    if (!form->checks || !form->steps)
        return false;
    for (unsigned i = 0; i < draft->count; begin = draft->note[i++].to)
        if (draft->note[i].from < begin || !add_step(m, arena, &draft->note[i], out, begin))
            return false;
    return true;
}

/* Those of one kind come together, in the order of the kinds. */
static void sort_checks(struct form *form)
{
    for (unsigned i = 1; i < form->check_count; i++)
        for (unsigned j = i; j > 0 && form->checks[j].value < form->checks[j - 1].value; j--) {
            struct form_check check = form->checks[j];
            form->checks[j] = form->checks[j - 1];
            form->checks[j - 1] = check;
        }
}

static bool add_pieces(struct form_making *m, struct tcore_arena *arena)
{
    struct form *form = &m->form;
    form->pieces = tcore_arena_alloc(arena, form->piece_count * sizeof *form->pieces);
    form->text = tcore_arena_alloc(arena, form->piece_count * sizeof *form->text);
    if (!form->pieces || !form->text)
        return false;
    memcpy(form->pieces, m->piece, form->piece_count * sizeof *form->pieces);
    memcpy(form->text, m->text, form->piece_count * sizeof *form->text);
    return true;
}

/* The way of a word, or FORM_NO_WAY: see struct form. */
static uint8_t way_of(const struct form_making *m, unsigned point, int offset)
{
    size_t quote = m->quote[point], from = quote, to = quote + 1;
    if (offset < 0)
        from = quote > (size_t)-offset ? quote - (size_t)-offset : m->element.length;
    else
        to = quote + (size_t)offset + sizeof(uint64_t);
    if (from >= to || to > m->element.length || memchr(m->known + from, false, to - from))
        return FORM_NO_WAY;
    return (uint8_t)form_way(m->element.data + quote + offset);
}

static bool add_ways(struct form_making *m, struct tcore_arena *arena)
{
    m->form.ways = tcore_arena_alloc(arena, m->points * sizeof *m->form.ways);
    for (unsigned point = 0; m->form.ways && point < m->points; point++)
        for (unsigned word = 0; word < FORM_WORDS; word++)
            m->form.ways[point][word] = way_of(m, point, form_word_offset[word]);
    return m->form.ways;
}

static struct form *make(struct form_making *m, struct tcore_arena *arena,
                         const struct form_draft *draft, const struct tcore_buf *out, size_t begin)
{
    find_texts(m);
    mark(m, draft);
    if (!m->failed)
        cut(m);
    bool ends = draft->count && draft->note[draft->count - 1].to == out->length;
    if (m->failed || !ends || !add_steps(m, arena, draft, out->data, begin) ||
        !add_pieces(m, arena) || !add_ways(m, arena))
        return NULL;
    sort_checks(&m->form);
    form_add_sections(&m->form, arena, draft, out->data, begin, out->length);
    m->form.points = m->points;
    m->form.head = m->quote[0];
    m->form.depth = depth_of(m->element);
    struct form *form = tcore_arena_alloc(arena, sizeof *form);
    if (form)
        *form = m->form;
    return form;
}

struct form_making *form_making_new(void)
{
    return tcore_calloc(1, sizeof(struct form_making));
}

struct form *form_build(struct form_making *m, struct tcore_arena *arena,
                        const struct tcore_json *json, uint32_t node,
                        const struct form_draft *draft, const struct tcore_buf *out, size_t begin)
{
    const struct tcore_json_node *n = &json->node[node];
    struct tcore_slice element = {n->value.s, n->value.len};
    if (!m || draft->failed || n->next - node > NODES || element.length > ELEMENT_BYTES)
        return NULL;
    m->json = json;
    m->element = element;
    m->first = node + 1;
    m->end = n->next;
    m->points = 0;
    m->form = (struct form){0};
    m->failed = false;
    memset(m->known, false, element.length);
    return make(m, arena, draft, out, begin);
}
