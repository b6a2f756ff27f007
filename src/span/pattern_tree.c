/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pattern for people: what is known of it, and its tree. */
#include <config.h>

#include "span/pattern_sum.h"

#include "cli/branches.h"
#include "cli/fit.h"
#include "cli/human.h"
#include "cli/visible.h"

#include <inttypes.h>

#define DEEPEST     24 /* levels that are drawn */
#define MOST        60 /* spans that are drawn */
#define LEAST_LABEL 16 /* columns */

struct drawing {
    const struct shape *shape;
    const struct shape_labels *labels;
    const struct trace_build *build;
    const struct cli_screen *screen;
    struct cli_branches branches;
    struct tcore_buf label;
    struct tcore_buf *out;
    uint32_t drawn;
};

/* --- What is known */

static double number_of(const struct tcore_json *record, const char *key)
{
    uint32_t at = tcore_json_find(record, 0, key);
    return at ? tcore_value_double(&record->node[at].value) : 0;
}

static void put_time(const struct drawing *d, const struct tcore_json *record, const char *key)
{
    cli_human_duration(d->out, number_of(record, key), !d->screen->unicode);
}

static void put_count(struct tcore_buf *out, double count, const char *what)
{
    cli_human_number(out, count);
    tcore_buf_printf(out, " %s%s", what, count == 1 ? "" : "s");
}

/* In two lines; the second one ends with the id of the slowest trace. */
static void put_facts(struct drawing *d, const struct tcore_json *record)
{
    struct tcore_buf *out = d->out;
    uint32_t evidence = tcore_json_find(record, 0, "evidence");
    uint32_t id = evidence ? tcore_json_find(record, evidence + 1, "traceId") : 0;
    tcore_buf_puts(out, d->screen->colour ? "\033[1m" : "");
    put_count(out, number_of(record, "count"), "trace");
    tcore_buf_puts(out, ", ");
    cli_human_share(out, number_of(record, "share"));
    tcore_buf_puts(out, d->screen->colour ? "\033[m of all, " : " of all, ");
    cli_human_share(out, number_of(record, "errorRate"));
    tcore_buf_puts(out, " failed, ");
    put_count(out, number_of(record, "spans"), "span");
    tcore_buf_puts(out, " each, ");
    put_count(out, number_of(record, "variants"), "shape");
    tcore_buf_puts(out, "\n");
    if (tcore_json_find(record, 0, "p50")) {
        tcore_buf_puts(out, "p50 ");
        put_time(d, record, "p50");
        tcore_buf_puts(out, ", p95 ");
        put_time(d, record, "p95");
        tcore_buf_puts(out, ", longest ");
        put_time(d, record, "max");
        tcore_buf_puts(out, ": ");
    }
    if (id)
        cli_visible(out, record->node[id].value.s, record->node[id].value.len, false);
    tcore_buf_putc(out, '\n');
}

/* --- The tree */

static void put_span(struct drawing *d, uint32_t span, uint32_t above, uint32_t alike)
{
    struct tcore_buf raw = {0};
    unsigned before = d->branches.columns + (above == TCORE_SPAN_NONE ? 0 : 2);
    unsigned room =
        d->screen->width > before + LEAST_LABEL ? d->screen->width - before : LEAST_LABEL;
    pattern_put_label(d->shape, d->labels, d->build, span, above, alike, &raw);
    tcore_buf_clear(&d->label);
    if (raw.length)
        cli_visible(&d->label, raw.data, raw.length, false);
    size_t wide = d->label.length ? cli_display_width(d->label.data, d->label.length) : 0;
    cli_fit(d->out, d->label.data, d->label.length, wide < room ? wide : room, CLI_FIT_MIDDLE,
            !d->screen->unicode);
    tcore_buf_putc(d->out, '\n');
    d->out->failed |= raw.failed || d->label.failed;
    tcore_buf_free(&raw);
}

static void put_rest(struct drawing *d, bool below_something)
{
    if (below_something)
        cli_branches_put(&d->branches, true, d->out);
    tcore_buf_puts(d->out, d->screen->unicode ? "\xe2\x80\xa6\n" : "...\n");
}

/* The first of each shape among siblings. */
static void draw(struct drawing *d, const uint32_t *siblings, uint32_t count, uint32_t above,
                 unsigned depth)
{
    const struct tcore_trace_tree *tree = &d->build->tree;
    bool is_root = above == TCORE_SPAN_NONE;
    uint32_t next = pattern_next(d->shape, siblings, count, 0);
    for (uint32_t i = next; i < count; i = next) {
        uint32_t span = siblings[i], below = tree->first[span + 1] - tree->first[span];
        next = pattern_next(d->shape, siblings, count, i + 1);
        bool last = next == count;
        if (d->drawn++ == MOST)
            put_rest(d, !is_root);
        if (d->drawn > MOST)
            return;
        if (!is_root)
            cli_branches_put(&d->branches, last, d->out);
        put_span(d, span, above, pattern_alike(d->shape, siblings, count, i));
        if (!below)
            continue;
        size_t mark = is_root ? 0 : cli_branches_enter(&d->branches, last);
        if (depth < DEEPEST)
            draw(d, tree->children + tree->first[span], below, span, depth + 1);
        else
            put_rest(d, true);
        if (!is_root)
            cli_branches_leave(&d->branches, mark);
    }
}

void pattern_draw(const struct shape *shape, const struct shape_labels *labels,
                  const struct trace_build *build, const struct tcore_json *record,
                  const struct cli_screen *screen, struct tcore_buf *out)
{
    struct drawing d = {.shape = shape,
                        .labels = labels,
                        .build = build,
                        .screen = screen,
                        .branches.ascii = !screen->unicode,
                        .out = out};
    put_facts(&d, record);
    draw(&d, build->tree.roots, build->tree.root_count, TCORE_SPAN_NONE, 0);
    out->failed |= d.branches.front.failed;
    cli_branches_free(&d.branches);
    tcore_buf_free(&d.label);
}
