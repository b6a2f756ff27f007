/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace for terminals: its facts, and a table whose first column is the tree. */
#include <config.h>

#include "report/trace_page.h"

#include "cli/human.h"
#include "report/render.h"

#include <inttypes.h>
#include <string.h>

#define INDENT_MAX 24

static struct cell number_text(struct document *document, const struct view_trace *view,
                               uint32_t number)
{
    const struct tcore_map_key *key = &view->texts.keys[number];
    return cell_text(document, key->data, key->length);
}

static void put_head(const struct trace_page *page, struct document *document)
{
    const struct view_trace *view = page->view;
    const struct tcore_interval *whole = &view->tree.whole;
    const struct tcore_map_key *name = &view->texts.keys[view->name_of[view->tree.root]];
    struct tcore_buf text = {0};
    tcore_buf_append(&text, name->data, name->length);
    tcore_buf_puts(&text, name->length ? ": " : "");
    cli_human_duration(
        &text, tcore_interval_is_known(whole) ? (double)(whole->end_ns - whole->start_ns) : 0,
        true);
    tcore_buf_printf(&text, ", %" PRIu32 " span%s, %zu service%s, %" PRIu32 " error%s%c",
                     view->trace->count, view->trace->count == 1 ? "" : "s", view->service_count,
                     view->service_count == 1 ? "" : "s", view->trace->errors,
                     view->trace->errors == 1 ? "" : "s", 0);
    document->failed |= text.failed;
    if (!text.failed)
        document_title(document, text.data);
    tcore_buf_clear(&text);
    if (tcore_interval_is_known(whole)) {
        tcore_buf_puts(&text, " at ");
        cli_human_time(&text, whole->start_ns, 0);
    }
    document_paragraph(document, TONE_FAINT, "%016" PRIx64 "%016" PRIx64 "%.*s",
                       view->trace->spans[0]->trace_id[0], view->trace->spans[0]->trace_id[1],
                       (int)text.length, text.length ? text.data : "");
    document->failed |= text.failed;
    tcore_buf_free(&text);
}

static struct cell name_cell(struct document *document, const struct view_trace *view,
                             const struct trace_row *row)
{
    const struct tcore_map_key *name = &view->texts.keys[row->name];
    bool error = view->spans[row->span].flags & TCORE_SPAN_ERROR;
    unsigned depth = row->depth < INDENT_MAX ? row->depth : INDENT_MAX;
    struct tcore_buf text = {0};
    tcore_buf_printf(&text, "%*s%s", (int)(2 * depth), "", error ? "! " : "");
    tcore_buf_append(&text, name->data, name->length);
    if (!name->length)
        tcore_buf_puts(&text, "(no name)");
    if (row->left_out)
        tcore_buf_printf(&text, " (+%" PRIu32 ")", row->left_out);
    document->failed |= text.failed;
    struct cell cell = cell_text(document, text.data ? text.data : "", text.length);
    tcore_buf_free(&text);
    return error ? cell_toned(cell, TONE_BAD) : cell;
}

static void put_share(struct tcore_buf *points, const struct view_trace *view, int64_t ns)
{
    const struct tcore_interval *whole = &view->tree.whole;
    double all = whole->end_ns > whole->start_ns ? (double)(whole->end_ns - whole->start_ns) : 1;
    double share = (double)(ns - whole->start_ns) / all;
    tcore_buf_append(points, &share, sizeof share);
}

/* When the span was, and the segments of the critical path in it. */
static struct cell range_cell(struct document *document, const struct view_trace *view,
                              uint32_t span)
{
    const struct tcore_interval *own = &view->tree.interval[span];
    const struct tcore_critical_path *path = &view->path;
    struct tcore_buf points = {0};
    put_share(&points, view, own->start_ns);
    put_share(&points, view, own->end_ns);
    for (size_t i = tcore_critical_path_behind(path, own->start_ns);
         i < path->segment_count && path->segments[i].start_ns < own->end_ns; i++)
        if (path->segments[i].span == span) {
            put_share(&points, view, path->segments[i].start_ns);
            put_share(&points, view, path->segments[i].end_ns);
        }
    struct cell cell = {0};
    document->failed |= points.failed;
    if (!points.failed)
        cell = cell_range(document, (const double *)(const void *)points.data,
                          points.length / sizeof(double));
    tcore_buf_free(&points);
    return cell;
}

static void put_row(struct document *document, struct table *table, const struct view_trace *view,
                    const struct trace_row *row)
{
    const struct tcore_interval *whole = &view->tree.whole;
    const struct tcore_interval *interval = &view->tree.interval[row->span];
    struct cell *cell = document_row(document, table);
    if (!cell)
        return;
    cell[0] = name_cell(document, view, row);
    cell[1] = number_text(document, view, view->services[row->service].text);
    if (!tcore_interval_is_known(interval))
        return;
    cell[2] = cell_number(CELL_DURATION, (double)(interval->start_ns - whole->start_ns));
    cell[3] = cell_number(CELL_DURATION, (double)(interval->end_ns - interval->start_ns));
    cell[4] = range_cell(document, view, row->span);
}

enum tcore_status trace_text(const struct trace_page *page, bool ascii, struct document *document,
                             struct tcore_error *err)
{
    static const struct column columns[] = {{"span", false, true, 0},
                                            {"service", false, true, 3},
                                            {"start", true, false, 2},
                                            {"duration", true, false, 0},
                                            {"timeline", false, false, 1}};
    const struct view_trace *view = page->view;
    put_head(page, document);
    document_heading(document, "Spans");
    struct table *table = document_table(document, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < view->row_count; i++)
        put_row(document, table, view, &view->rows[i]);
    if (view->path.span_count)
        document_paragraph(document, TONE_FAINT,
                           "%s is on the critical path, %s is not; ! is an error",
                           PAGE_CRITICAL(ascii), PAGE_RANGE(ascii));
    if (view->row_count < view->trace->count)
        document_paragraph(document, TONE_FAINT, "and %zu more (--max-spans)",
                           view->trace->count - view->row_count);
    if (page->all->count > 1)
        document_paragraph(document, TONE_FAINT, "%zu other trace%s in the input",
                           page->all->count - 1, page->all->count == 2 ? " is" : "s are");
    return document_status(document, err);
}
