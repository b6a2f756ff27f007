/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 *     > |-orders: SELECT x2 (3 spans)     1.20 ms   4.80 ms   +3.60 ms   +3.60 ms
 *
 * What both traces have is one tree, with how long each span took in either, by how much more, and
 * how much of that it did itself. + and - are spans that only CAND or BASE has, with all that is
 * below them; > and < are slower and faster themselves. What is as before is counted.
 */
#include <config.h>

#include "span/diff_pair.h"

#include "base/sys.h"
#include "cli/branches.h"
#include "cli/fit.h"
#include "cli/human.h"
#include "cli/visible.h"
#include "model/id.h"

#include <inttypes.h>
#include <stdlib.h>

enum { DEEPEST = 64, TIME = 10, TIMES = 4, MARKS = 2, LEAST_LABEL = 20 };

struct place {
    uint32_t parent, pair;
    int64_t offset_ns; /* from the start of its trace */
};

struct drawing {
    const struct pairing *p;
    const struct cli_screen *screen;
    struct cli_branches branches;
    struct place *place; /* of each pair, children of one beside each other; owned */
    uint32_t *spans;     /* of each pair with all below it; owned */
    bool *touched;       /* whether it or something below it changed; owned */
    uint32_t left;       /* rows */
    bool cut;            /* there were more */
    struct tcore_buf text, raw;
    struct tcore_buf *out;
};

/* --- The order of rows */

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->offset_ns != y->offset_ns)
        return x->offset_ns < y->offset_ns ? -1 : 1;
    return (x->pair > y->pair) - (x->pair < y->pair);
}

static int side_of(const struct pair *pair)
{
    return pair->span[DIFF_CAND] == TCORE_SPAN_NONE ? DIFF_BASE : DIFF_CAND;
}

static int64_t offset_of(const struct pairing *p, const struct pair *pair)
{
    int side = side_of(pair);
    const struct tcore_trace_tree *tree = &p->build[side].tree;
    const struct tcore_interval *own = &tree->interval[pair->span[side]];

    return tcore_interval_is_known(own) ? own->start_ns - tree->whole.start_ns : INT64_MAX;
}

static bool arrange(struct drawing *d)
{
    const struct pairing *p = d->p;
    size_t room = (size_t)p->pairs + 1;

    d->place = tcore_calloc(room, sizeof *d->place);
    d->spans = tcore_calloc(room, sizeof *d->spans);
    d->touched = tcore_calloc(room, sizeof *d->touched);
    if (!d->place || !d->spans || !d->touched)
        return false;
    for (uint32_t i = p->pairs; i-- > 0;) { /* children first */
        const struct pair *pair = &p->pair[i];
        int side = side_of(pair);

        d->place[i] = (struct place){pair->parent, i, offset_of(p, pair)};
        d->spans[i] += pair->whole ? p->below[side][pair->span[side]] : 1;
        d->touched[i] |= pair->changed;
        if (pair->parent != DIFF_NONE) {
            d->spans[pair->parent] += d->spans[i];
            d->touched[pair->parent] |= d->touched[i];
        }
    }
    if (p->pairs > 1)
        qsort(d->place, p->pairs, sizeof *d->place, by_place);
    return true;
}

/* The children of a pair are places first to before the result. */
static uint32_t children_of(const struct drawing *d, uint32_t parent, uint32_t *first)
{
    uint32_t low = 0, end;

    for (uint32_t high = d->p->pairs; low < high;) {
        uint32_t middle = low + (high - low) / 2;

        if (d->place[middle].parent < parent)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < d->p->pairs && d->place[end].parent == parent;)
        end++;
    *first = low;
    return end;
}

/* --- A row */

static bool has_failed(const struct pairing *p, int side, uint32_t span)
{
    return p->build[side].spans[span].flags & TCORE_SPAN_ERROR;
}

/* Red is worse, green better; what is alone is neither. */
static const char *colour_of(const struct pairing *p, const struct pair *pair, char mark)
{
    const uint32_t *span = pair->span;

    if (mark == '+' || mark == '-')
        return mark == '+' ? "36" : "2";
    bool failed = has_failed(p, DIFF_BASE, span[DIFF_BASE]);
    bool fails = has_failed(p, DIFF_CAND, span[DIFF_CAND]);

    if (failed != fails)
        return fails ? "31" : "32";
    return mark == '>' ? "31" : mark == '<' ? "32" : NULL;
}

/* text becomes the name of what is there, the service if it is not that of what is above. */
static void name_pair(struct drawing *d, const struct pair *pair)
{
    int side = side_of(pair);
    const struct trace_build *build = &d->p->build[side];
    uint32_t span = pair->span[side], above = build->tree.parent[span];
    struct tcore_slice service = trace_build_service(build, span);
    struct tcore_slice name = trace_build_name(build, span);

    tcore_buf_clear(&d->text);
    if (service.length && (!name.length || above == TCORE_SPAN_NONE ||
                           build->spans[above].service != build->spans[span].service)) {
        cli_visible(&d->text, service.data, service.length, false);
        tcore_buf_puts(&d->text, name.length ? ": " : "");
    }
    if (name.length)
        cli_visible(&d->text, name.data, name.length, false);
    if (pair->number > 1)
        tcore_buf_printf(&d->text, " #%" PRIu32, pair->number);
}

/* raw becomes what is to be said of it besides times. */
static void remark(struct drawing *d, const struct pair *pair)
{
    const uint32_t *span = pair->span;
    int side = side_of(pair);

    tcore_buf_clear(&d->raw);
    if (pair->whole && d->p->below[side][span[side]] > 1)
        tcore_buf_printf(&d->raw, " (%" PRIu32 " spans)", d->p->below[side][span[side]]);
    if (span[DIFF_BASE] == TCORE_SPAN_NONE || span[DIFF_CAND] == TCORE_SPAN_NONE)
        return;
    bool failed = has_failed(d->p, DIFF_BASE, span[DIFF_BASE]);
    bool fails = has_failed(d->p, DIFF_CAND, span[DIFF_CAND]);
    int before = diff_concurrency(&d->p->build[DIFF_BASE], span[DIFF_BASE]);
    int now = diff_concurrency(&d->p->build[DIFF_CAND], span[DIFF_CAND]);

    if (failed != fails)
        tcore_buf_puts(&d->raw, fails ? " FAILS NOW" : " fails no more");
    if (before >= 0 && now >= 0 && before != now)
        tcore_buf_puts(&d->raw, now ? " (calls at a time now)" : " (calls one by one now)");
}

/* At the right end of a column; text may be empty. */
static void put_time(struct drawing *d, bool known, int64_t ns, bool sign)
{
    struct tcore_buf *text = &d->text;

    tcore_buf_clear(text);
    if (known) {
        tcore_buf_puts(text, !sign || ns < 0 ? "" : "+");
        cli_human_duration(text, (double)ns, !d->screen->unicode);
    }
    size_t wide = text->length ? cli_display_width(text->data, text->length) : 0;
    tcore_buf_printf(d->out, "%*s", wide < TIME ? (int)(TIME - wide) : 1, "");
    tcore_buf_append(d->out, text->data, text->length);
}

/* What both took, the difference, and that of the span itself. */
static void put_times(struct drawing *d, const struct pair *pair)
{
    const struct pairing *p = d->p;
    const uint32_t *span = pair->span;
    int64_t whole[DIFF_SIDES] = {0}, own[DIFF_SIDES] = {0};
    bool there[DIFF_SIDES];

    for (int s = 0; s < DIFF_SIDES; s++) {
        there[s] =
            span[s] != TCORE_SPAN_NONE && trace_build_duration(&p->build[s], span[s], &whole[s]);
        own[s] = there[s] ? p->build[s].self_ns[span[s]] : 0;
        put_time(d, there[s], whole[s], false);
    }
    bool both = there[DIFF_BASE] && there[DIFF_CAND];
    put_time(d, both && pairing_differs(p, whole[DIFF_BASE], whole[DIFF_CAND]),
             whole[DIFF_CAND] - whole[DIFF_BASE], true);
    if (both && pairing_differs(p, own[DIFF_BASE], own[DIFF_CAND]))
        put_time(d, true, own[DIFF_CAND] - own[DIFF_BASE], true);
}

static char mark_of(const struct pairing *p, const struct pair *pair)
{
    const uint32_t *span = pair->span;

    if (span[DIFF_BASE] == TCORE_SPAN_NONE)
        return '+';
    if (span[DIFF_CAND] == TCORE_SPAN_NONE)
        return '-';
    int64_t base = p->build[DIFF_BASE].self_ns[span[DIFF_BASE]];
    int64_t cand = p->build[DIFF_CAND].self_ns[span[DIFF_CAND]];

    return !pairing_differs(p, base, cand) ? ' ' : base < cand ? '>' : '<';
}

/* Columns for labels, and what stands in front of them. */
static size_t label_columns(const struct drawing *d)
{
    unsigned beside = MARKS + TIMES * TIME, width = d->screen->width;

    return width > beside + LEAST_LABEL ? width - beside : LEAST_LABEL;
}

/* Appends the label, at most so wide, and blanks up to that. */
static void put_label(struct drawing *d, const struct pair *pair, size_t room)
{
    size_t wide, said;

    remark(d, pair);
    said = d->raw.length ? cli_display_width(d->raw.data, d->raw.length) : 0;
    name_pair(d, pair);
    wide = d->text.length ? cli_display_width(d->text.data, d->text.length) : 0;
    room = room > said + LEAST_LABEL / 2 ? room - said : LEAST_LABEL / 2;
    cli_fit(d->out, d->text.data, d->text.length, wide < room ? wide : room, CLI_FIT_MIDDLE,
            !d->screen->unicode);
    tcore_buf_append(d->out, d->raw.data, d->raw.length);
    tcore_buf_printf(d->out, "%*s", wide < room ? (int)(room - wide) : 0, "");
}

static void put_row(struct drawing *d, const struct pair *pair, bool is_root, bool last)
{
    char mark = mark_of(d->p, pair);
    const char *colour = d->screen->colour ? colour_of(d->p, pair, mark) : NULL;
    size_t columns = label_columns(d);
    size_t before = is_root ? 0 : d->branches.columns + 2;

    if (colour)
        tcore_buf_printf(d->out, "\033[%sm", colour);
    tcore_buf_putc(d->out, mark);
    tcore_buf_putc(d->out, ' ');
    if (!is_root)
        cli_branches_put(&d->branches, last, d->out);
    put_label(d, pair, columns > before ? columns - before : 0);
    put_times(d, pair);
    while (d->out->length && d->out->data[d->out->length - 1] == ' ')
        d->out->length--;
    tcore_buf_puts(d->out, colour ? "\033[m\n" : "\n");
}

/* Spans that are not drawn. */
static void put_others(struct drawing *d, uint32_t spans, const char *what, bool is_root)
{
    tcore_buf_puts(d->out, "  ");
    if (!is_root)
        cli_branches_put(&d->branches, true, d->out);
    tcore_buf_puts(d->out, d->screen->unicode ? "\xe2\x80\xa6 " : "... ");
    cli_human_count(d->out, spans);
    tcore_buf_printf(d->out, " span%s %s\n", spans == 1 ? "" : "s", what);
}

/* --- Rows */

/* How many spans of these children, and below them, are as before; of a single one: none, as a row
 * for it says no more than its own. */
static uint32_t unchanged(const struct drawing *d, uint32_t first, uint32_t end)
{
    uint32_t spans = 0;

    for (uint32_t i = first; i < end; i++)
        if (!d->touched[d->place[i].pair])
            spans += d->spans[d->place[i].pair];
    return spans > 1 ? spans : 0;
}

static uint32_t last_drawn(const struct drawing *d, uint32_t first, uint32_t end, bool folds)
{
    while (folds && end > first && !d->touched[d->place[end - 1].pair])
        end--;
    return end;
}

static void draw(struct drawing *d, uint32_t parent, unsigned depth)
{
    uint32_t first, end = children_of(d, parent, &first), spans = unchanged(d, first, end);
    uint32_t drawn_end = last_drawn(d, first, end, spans);
    bool is_root = parent == DIFF_NONE;

    for (uint32_t i = first; i < drawn_end; i++) {
        const struct pair *pair = &d->p->pair[d->place[i].pair];
        bool last = i + 1 == drawn_end && !spans;
        uint32_t below = d->spans[d->place[i].pair] - 1;

        if (spans && !d->touched[d->place[i].pair])
            continue;
        d->cut |= !d->left;
        if (d->cut)
            return;
        d->left--;
        put_row(d, pair, is_root, last);
        if (pair->whole || !below)
            continue;
        size_t mark = is_root ? 0 : cli_branches_enter(&d->branches, last);
        if (depth < DEEPEST)
            draw(d, d->place[i].pair, depth + 1);
        else
            put_others(d, below, "below", false);
        if (!is_root)
            cli_branches_leave(&d->branches, mark);
    }
    d->cut |= spans && !d->left;
    if (spans && !d->cut) {
        d->left--;
        put_others(d, spans, "as before", is_root);
    }
}

static void put_heading(struct drawing *d)
{
    static const char *const names[] = {"BASE", "CAND", "change", "itself"};

    for (int s = 0; s < DIFF_SIDES; s++) {
        const struct trace_build *build = &d->p->build[s];
        char id[TCORE_TRACE_ID];

        tcore_trace_id_digits(build->rows[0]->stored.trace_id, id);
        tcore_buf_printf(d->out, "%s %.*s, %" PRIu32 " span%s, %" PRIu32 " error%s\n", names[s],
                         (int)sizeof id, id, build->tree.count, build->tree.count == 1 ? "" : "s",
                         build->trace->errors, build->trace->errors == 1 ? "" : "s");
    }
    tcore_buf_puts(d->out, d->screen->colour ? "\033[1m" : "");
    tcore_buf_puts(d->out, "  ");
    cli_fit(d->out, "+ only in CAND, - only in BASE", 30, label_columns(d), CLI_FIT_END,
            !d->screen->unicode);
    for (size_t i = 0; i < TIMES; i++)
        tcore_buf_printf(d->out, "%*s", TIME, names[i]);
    tcore_buf_puts(d->out, d->screen->colour ? "\033[m\n" : "\n");
}

bool pairing_draw(const struct pairing *p, const struct cli_screen *screen, uint32_t most,
                  struct tcore_buf *out)
{
    struct drawing d = {
        .p = p, .screen = screen, .branches.ascii = !screen->unicode, .left = most, .out = out};
    bool good = arrange(&d);

    if (good) {
        put_heading(&d);
        draw(&d, DIFF_NONE, 0);
        if (d.cut)
            tcore_buf_puts(out, "  more rows are left out\n");
    }
    good &= !d.text.failed && !d.raw.failed && !d.branches.front.failed && !out->failed;
    cli_branches_free(&d.branches);
    tcore_buf_free(&d.text);
    tcore_buf_free(&d.raw);
    tcore_free(d.place);
    tcore_free(d.spans);
    tcore_free(d.touched);
    return good;
}
