/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 *     * ! indented service: operation     12.3ms |      ####======      |
 *
 * A star marks the critical path, an exclamation mark an error; in the bar what is on the critical
 * path is drawn heavier. A bar has at least one column. Names are data: nothing of them reaches a
 * terminal raw, and what is too long is cut.
 */
#include <config.h>

#include "span/waterfall.h"

#include "base/sys.h"
#include "cli/fit.h"
#include "cli/human.h"
#include "cli/visible.h"
#include "model/time.h"
#include "span/oddities.h"
#include "span/skew/skew.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = 3, LEAST_WIDTH = 32, MOST_WIDTH = 1000, LEAST_LABEL = 16 };
enum { NAME_BESIDE_ID = 16, CLOCKS_MOST = 8 };

enum ink { INK_NONE, INK_SPAN, INK_CRITICAL, INK_HIDDEN };

struct picture {
    const struct fold *fold;
    const struct trace_build *build;
    const struct waterfall_style *style;
    struct tcore_buf *out;
    unsigned label, duration, bar; /* columns */
    bool brief; /* a service that is its parent's is not named again, as there is no room */
    struct tcore_buf text; /* a label before it is fitted in */
};

static unsigned line_width(const struct picture *picture)
{
    unsigned width = picture->style->screen.width;
    return width < LEAST_WIDTH ? LEAST_WIDTH : width > MOST_WIDTH ? MOST_WIDTH : width;
}

/* --- Text */

static void put_duration(const struct picture *picture, struct tcore_buf *out, int64_t ns)
{
    cli_human_duration(out, (double)ns, !picture->style->screen.unicode);
}

/* Of a row that stands for several no more than the longest. */
static void put_row_duration(const struct picture *picture, struct tcore_buf *out,
                             const struct fold_row *row)
{
    if (row->longest_ns < 0)
        return;
    if (row->hidden > 1)
        tcore_buf_puts(out, picture->style->screen.unicode ? "\xe2\x89\xa4" : "<=");
    put_duration(picture, out, row->longest_ns);
}

static void put_blanks(struct tcore_buf *out, unsigned count)
{
    tcore_buf_printf(out, "%*s", (int)count, "");
}

/* Appends text and blanks up to columns; if it has more, it is cut. */
static void put_fitted(const struct picture *picture, const char *text, size_t length,
                       unsigned columns, enum cli_fit how)
{
    cli_fit(picture->out, text, length, columns, how, !picture->style->screen.unicode);
}

static bool is_service_known(const struct picture *picture, uint32_t span)
{
    const struct trace_build *build = picture->build;
    uint32_t parent = build->tree.parent[span];
    return picture->brief && parent != TCORE_SPAN_NONE &&
           build->spans[parent].service == build->spans[span].service;
}

/* "service: name" made harmless, appended to text. */
static void append_who(const struct picture *picture, struct tcore_buf *text, uint32_t span)
{
    struct tcore_slice service = trace_build_service(picture->build, span);
    struct tcore_slice name = trace_build_name(picture->build, span);
    if (name.length && is_service_known(picture, span))
        service = (struct tcore_slice){0};
    if (service.data)
        cli_visible(text, service.data, service.length, false);
    if (service.data && name.length)
        tcore_buf_puts(text, ": ");
    if (name.length)
        cli_visible(text, name.data, name.length, false);
}

/* "1,234 spans" */
static void put_count(struct tcore_buf *out, uint32_t count, const char *one, const char *many)
{
    cli_human_count(out, count);
    tcore_buf_printf(out, " %s", count == 1 ? one : many);
}

/* The label of a row without its indentation. */
static void make_label(struct picture *picture, const struct fold_row *row)
{
    struct tcore_buf *text = &picture->text;
    const char *dots = picture->style->screen.unicode ? "\xe2\x80\xa6" : "...";
    tcore_buf_clear(text);
    if (row->hidden) {
        tcore_buf_printf(text, "%s ", dots);
        put_count(text, row->hidden, "more", "more");
    }
    if (row->below > row->hidden) {
        tcore_buf_puts(text, " (");
        put_count(text, row->below, "span)", "spans)");
    }
    if (row->hidden && row->span != TCORE_SPAN_NONE)
        tcore_buf_puts(text, " ");
    if (row->span != TCORE_SPAN_NONE)
        append_who(picture, text, row->span);
}

/* Two columns a level; deep levels are written as a number, so that there is room for a name. */
static unsigned indentation(const struct picture *picture, uint32_t depth, char *number,
                            size_t size)
{
    unsigned most = picture->label / 2;
    number[0] = '\0';
    if (depth <= most / 2)
        return 2 * depth;
    int digits = snprintf(number, size, "%" PRIu32 "> ", depth);
    return most > (unsigned)digits ? most - (unsigned)digits : 0;
}

static void put_label(struct picture *picture, const struct fold_row *row)
{
    char number[24];
    unsigned indent = indentation(picture, row->depth, number, sizeof number);
    make_label(picture, row);
    put_blanks(picture->out, indent);
    tcore_buf_puts(picture->out, number);
    for (const char *c = number; *c; c++)
        indent++;
    if (picture->text.data)
        put_fitted(picture, picture->text.data, picture->text.length,
                   picture->label > indent ? picture->label - indent : 0,
                   row->hidden ? CLI_FIT_END : CLI_FIT_MIDDLE);
    picture->out->failed |= picture->text.failed;
}

/* --- Bars */

/* The column of a time, 0 to bar; of the end of something: the one behind it. */
static unsigned column_of(const struct picture *picture, int64_t ns, bool end)
{
    const struct tcore_interval *whole = &picture->build->tree.whole;
    unsigned __int128 total = (unsigned __int128)(whole->end_ns - whole->start_ns);
    if (!total)
        return end ? 1 : 0;
    unsigned __int128 at = (unsigned __int128)(ns - whole->start_ns) * picture->bar;
    return (unsigned)((at + (end ? total - 1 : 0)) / total);
}

static void fill(const struct picture *picture, enum ink *ink, const struct tcore_interval *part,
                 enum ink with)
{
    unsigned from = column_of(picture, part->start_ns, false);
    unsigned to = column_of(picture, part->end_ns, true);
    if (from >= picture->bar)
        from = picture->bar - 1;
    if (to <= from)
        to = from + 1;
    for (unsigned i = from; i < to && i < picture->bar; i++)
        ink[i] = with;
}

/* The segments of the critical path in the span, over its bar. */
static void fill_critical(const struct picture *picture, uint32_t span, enum ink *ink)
{
    const struct tcore_critical_path *path = &picture->build->path;
    const struct tcore_interval *own = &picture->build->tree.interval[span];
    for (size_t i = tcore_critical_path_behind(path, own->start_ns);
         i < path->segment_count && path->segments[i].start_ns < own->end_ns; i++)
        if (path->segments[i].span == span)
            fill(picture, ink,
                 &(struct tcore_interval){path->segments[i].start_ns, path->segments[i].end_ns},
                 INK_CRITICAL);
}

/* code NULL: no colour here; returns whether there is one to end. */
static bool begin_colour(const struct picture *picture, const char *code)
{
    bool coloured = code && picture->style->screen.colour;
    if (coloured)
        tcore_buf_printf(picture->out, "\033[%sm", code);
    return coloured;
}

static void end_colour(const struct picture *picture, bool coloured)
{
    tcore_buf_puts(picture->out, coloured ? "\033[m" : "");
}

static void put_ink(const struct picture *picture, const enum ink *ink)
{
    static const char *const ascii[] = {" ", "=", "#", "-"};
    static const char *const unicode[] = {" ", "\xe2\x96\x92", "\xe2\x96\x88", "\xe2\x96\x91"};
    for (unsigned i = 0; i < picture->bar; i++)
        tcore_buf_puts(picture->out, (picture->style->screen.unicode ? unicode : ascii)[ink[i]]);
}

static void put_bar(const struct picture *picture, const struct fold_row *row)
{
    enum ink ink[MOST_WIDTH] = {INK_NONE};
    const char *edge = picture->style->screen.unicode ? "\xe2\x94\x82" : "|";
    tcore_buf_puts(picture->out, edge);
    if (tcore_interval_is_known(&row->interval)) {
        fill(picture, ink, &row->interval, row->hidden ? INK_HIDDEN : INK_SPAN);
        if (!row->hidden && row->critical)
            fill_critical(picture, row->span, ink);
    }
    bool coloured = begin_colour(picture, row->failed     ? "31"
                                          : row->hidden   ? "2"
                                          : row->critical ? "1"
                                                          : NULL);
    put_ink(picture, ink);
    end_colour(picture, coloured);
    tcore_buf_puts(picture->out, edge);
}

static void put_row(struct picture *picture, const struct fold_row *row)
{
    struct tcore_buf *out = picture->out;
    struct tcore_buf duration = {0};
    tcore_buf_putc(out, row->critical ? '*' : ' ');
    bool coloured = begin_colour(picture, row->failed ? "31" : NULL);
    tcore_buf_putc(out, row->failed ? '!' : ' ');
    end_colour(picture, coloured);
    tcore_buf_putc(out, ' ');
    put_label(picture, row);
    put_row_duration(picture, &duration, row);
    unsigned wide =
        duration.length ? (unsigned)cli_display_width(duration.data, duration.length) : 0;
    put_blanks(out, wide < picture->duration + 1 ? picture->duration + 1 - wide : 1);
    tcore_buf_append(out, duration.data, duration.length);
    tcore_buf_putc(out, ' ');
    put_bar(picture, row);
    tcore_buf_putc(out, '\n');
    tcore_buf_free(&duration);
}

/* --- Above the rows */

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static uint32_t count_services(struct picture *picture)
{
    const struct trace_build *build = picture->build;
    uint32_t *services = tcore_reallocarray(NULL, build->tree.count, sizeof *services);
    uint32_t count = 0;
    picture->out->failed |= !services;
    if (!services)
        return 0;
    for (uint32_t i = 0; i < build->tree.count; i++)
        services[i] = build->tree.spans[i].service;
    qsort(services, build->tree.count, sizeof *services, compare_numbers);
    for (uint32_t i = 0; i < build->tree.count; i++)
        count += services[i] && (!i || services[i] != services[i - 1]);
    tcore_free(services);
    return count;
}

/* A part of a line, behind a comma, as long as the line has room; then the line is full. */
static void put_part(struct picture *picture, unsigned *left)
{
    struct tcore_buf *text = &picture->text;
    unsigned wide = text->length ? (unsigned)cli_display_width(text->data, text->length) : 0;
    bool first = *left == line_width(picture);
    unsigned more = wide + (first ? 0 : 2);
    if (more <= *left && text->length) {
        tcore_buf_puts(picture->out, first ? "" : ", ");
        tcore_buf_append(picture->out, text->data, text->length);
        *left -= more;
    } else {
        *left = 0;
    }
    picture->out->failed |= text->failed;
    tcore_buf_clear(text);
}

/* What the trace begins with: behind its id, or below that if there is no room. */
static void put_entry(struct picture *picture, unsigned line)
{
    struct tcore_buf *text = &picture->text;
    unsigned beside = 32 + 2;
    tcore_buf_clear(text);
    append_who(picture, text, picture->build->tree.root);
    if (!text->length)
        return;
    bool fits = line >= beside + NAME_BESIDE_ID;
    unsigned room = fits ? line - beside : line;
    size_t wide = cli_display_width(text->data, text->length);
    tcore_buf_puts(picture->out, fits ? "  " : "\n");
    put_fitted(picture, text->data, text->length, wide < room ? (unsigned)wide : room,
               CLI_FIT_MIDDLE);
}

/* Which trace, and the facts about it, the most important first. */
static void put_heading(struct picture *picture)
{
    const struct trace_build *build = picture->build;
    const struct tcore_interval *whole = &build->tree.whole;
    struct tcore_buf *out = picture->out, *text = &picture->text;
    unsigned left = line_width(picture);
    char id[32], time[TCORE_TIME_BYTES];
    tcore_trace_id_digits(build->rows[0]->stored.trace_id, id);
    bool coloured = begin_colour(picture, "1");
    tcore_buf_append(out, id, sizeof id);
    put_entry(picture, left);
    end_colour(picture, coloured);
    tcore_buf_putc(out, '\n');
    tcore_buf_clear(text);
    if (tcore_interval_is_known(whole))
        tcore_buf_append(text, time, tcore_format_time(time, whole->start_ns));
    else
        tcore_buf_puts(text, "without times");
    put_part(picture, &left);
    if (tcore_interval_is_known(whole)) {
        put_duration(picture, text, whole->end_ns - whole->start_ns);
        put_part(picture, &left);
    }
    put_count(text, build->tree.count, "span", "spans");
    put_part(picture, &left);
    put_count(text, build->trace->errors, "error", "errors");
    put_part(picture, &left);
    uint32_t services = count_services(picture);
    put_count(text, services, "service", "services");
    put_part(picture, &left);
    if (build->path.span_count) {
        tcore_buf_puts(text, "critical path ");
        put_duration(picture, text, build->path.duration_ns);
        put_part(picture, &left);
    }
    tcore_buf_putc(out, '\n');
}

/* What is peculiar about where its spans are, if anything is. */
static void put_oddities(struct picture *picture)
{
    const struct tcore_trace_tree *tree = &picture->build->tree;
    struct oddities odd = {0};
    unsigned left = line_width(picture);
    oddities_count(&odd, tree);
    if (tree->root_count > 1) {
        put_count(&picture->text, tree->root_count, "root", "roots");
        put_part(picture, &left);
    }
    for (unsigned bit = 0; bit < ODDITIES; bit++) {
        if (!((ODD_PLACES | TCORE_NOTE_SHARED) >> bit & 1))
            continue;
        oddity_describe(&odd, bit, &picture->text);
        if (picture->text.length)
            put_part(picture, &left);
    }
    if (left < line_width(picture))
        tcore_buf_putc(picture->out, '\n');
}

/* Clocks that were adjusted, a line each. */
static void put_clocks(struct picture *picture)
{
    const struct skew_notes *notes = picture->build->trace->notes;
    struct tcore_buf *text = &picture->text;
    uint32_t count = notes ? notes->clock_count : 0;
    for (uint32_t i = 0; i < count && i < CLOCKS_MOST; i++) {
        tcore_buf_clear(text);
        skew_say(&notes->clocks[i], picture->build->store, !picture->style->screen.unicode, text);
        size_t wide = text->length ? cli_display_width(text->data, text->length) : 0;
        unsigned most = line_width(picture);
        if (text->length)
            put_fitted(picture, text->data, text->length, wide < most ? (unsigned)wide : most,
                       false);
        tcore_buf_putc(picture->out, '\n');
        picture->out->failed |= text->failed;
    }
    if (count > CLOCKS_MOST)
        tcore_buf_printf(picture->out, "and the clocks of %" PRIu32 " more\n", count - CLOCKS_MOST);
}

/* 0, the middle and the end, above the bars. */
static void put_axis(struct picture *picture)
{
    const struct tcore_interval *whole = &picture->build->tree.whole;
    struct tcore_buf middle = {0}, end = {0};
    if (!tcore_interval_is_known(whole))
        return;
    int64_t total = whole->end_ns - whole->start_ns;
    put_duration(picture, &middle, total / 2);
    put_duration(picture, &end, total);
    unsigned middle_wide =
        middle.data ? (unsigned)cli_display_width(middle.data, middle.length) : 0;
    unsigned end_wide = end.data ? (unsigned)cli_display_width(end.data, end.length) : 0;
    unsigned before = MARKS + picture->label + picture->duration;
    const char *legend = before < 24 ? "* critical, ! error" : "* critical path, ! error";
    put_fitted(picture, legend, strlen(legend), before, CLI_FIT_END);
    put_blanks(picture->out, 3);
    tcore_buf_putc(picture->out, '0');
    unsigned used = 1;
    if (picture->bar / 2 + middle_wide + 1 + end_wide < picture->bar) {
        put_blanks(picture->out, picture->bar / 2 - used);
        tcore_buf_append(picture->out, middle.data, middle.length);
        used = picture->bar / 2 + middle_wide;
    }
    put_blanks(picture->out, picture->bar > used + end_wide ? picture->bar - used - end_wide : 1);
    tcore_buf_append(picture->out, end.data, end.length);
    tcore_buf_putc(picture->out, '\n');
    picture->out->failed |= middle.failed || end.failed;
    tcore_buf_free(&middle);
    tcore_buf_free(&end);
}

static unsigned widest_duration(const struct picture *picture)
{
    struct tcore_buf text = {0};
    size_t widest = 1;
    for (uint32_t i = 0; i < picture->fold->count; i++) {
        tcore_buf_clear(&text);
        put_row_duration(picture, &text, &picture->fold->rows[i]);
        size_t wide = text.length ? cli_display_width(text.data, text.length) : 0;
        widest = wide > widest ? wide : widest;
    }
    tcore_buf_free(&text);
    return (unsigned)widest;
}

static size_t widest_label(struct picture *picture)
{
    size_t widest = LEAST_LABEL;
    for (uint32_t i = 0; i < picture->fold->count; i++) {
        const struct fold_row *row = &picture->fold->rows[i];
        make_label(picture, row);
        size_t wide =
            picture->text.length ? cli_display_width(picture->text.data, picture->text.length) : 0;
        wide += 2 * (row->depth < 16 ? row->depth : 16);
        widest = wide > widest ? wide : widest;
    }
    return widest;
}

/* How wide labels are: as they need, but no more than half of the line. */
static void choose_widths(struct picture *picture)
{
    unsigned width = line_width(picture);
    picture->duration = widest_duration(picture);
    unsigned rest = width - MARKS - picture->duration - 2 - 2; /* two blanks, two edges */
    size_t widest = widest_label(picture);
    if (widest > rest / 2) {
        picture->brief = true;
        widest = widest_label(picture);
    }
    picture->label = widest < rest / 2 ? (unsigned)widest : rest / 2;
    picture->bar = rest - picture->label;
}

enum tcore_status waterfall_draw(struct fold *fold, const struct trace_build *build,
                                 const struct waterfall_style *style, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    struct picture picture = {.fold = fold, .build = build, .style = style, .out = out};
    enum tcore_status status = fold_trace(fold, build, style->most_rows, err);
    if (status != TCORE_OK)
        return status;
    choose_widths(&picture);
    put_heading(&picture);
    put_oddities(&picture);
    put_clocks(&picture);
    put_axis(&picture);
    for (uint32_t i = 0; i < fold->count; i++)
        put_row(&picture, &fold->rows[i]);
    out->failed |= picture.text.failed;
    tcore_buf_free(&picture.text);
    return tcore_buf_status(out, err);
}
