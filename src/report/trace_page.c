/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The page around the data. What is written here as HTML and SVG is all that a reader without
 * JavaScript, a printer, or a search sees: the facts, a picture of the most important spans, and
 * the index of other traces. The script replaces the picture by one that can be explored.
 */
#include <config.h>

#include "report/trace_page.h"

#include "report/html.h"
#include "cli/human.h"
#include "report/trace_page_css.h"
#include "report/trace_page_js.h"

#include "base/sys.h"
#include "model/time.h"

#include <inttypes.h>
#include <math.h>

#define COLOURS      10 /* .c0 to .c9 of the style */
#define PICTURE_ROWS 150
#define INDEX_ROWS   200
#define ROW_HEIGHT   20
#define NAME_WIDTH   380 /* of the picture's 1,000 */
#define BARS_WIDTH   540
#define NAME_BYTES   48

static struct tcore_slice text_of(const struct view_trace *view, uint32_t number)
{
    return (struct tcore_slice){view->texts.keys[number].data, view->texts.keys[number].length};
}

static void put_text(struct tcore_buf *out, struct tcore_slice text, const char *instead)
{
    if (text.length)
        html_text(out, text.data, text.length);
    else
        tcore_buf_puts(out, instead);
}

static struct tcore_slice service_text(const struct view_trace *view, uint32_t service)
{
    return text_of(view, view->services[service].text);
}

static int64_t duration_of(const struct tcore_interval *whole)
{
    return tcore_interval_is_known(whole) ? whole->end_ns - whole->start_ns : 0;
}

/* --- Head */

static void put_fact(struct tcore_buf *out, const char *name, const char *class)
{
    tcore_buf_printf(out, "<div%s%s%s><dt>%s</dt><dd>", *class ? " class=\"" : "", class,
                     *class ? "\"" : "", name);
}

static void put_count(struct tcore_buf *out, const char *name, uint64_t count, const char *class)
{
    put_fact(out, name, class);
    cli_human_count(out, count);
    tcore_buf_puts(out, "</dd></div>\n");
}

static void put_facts(const struct view_trace *view, struct tcore_buf *out)
{
    const struct tcore_interval *whole = &view->tree.whole;
    char time[TCORE_TIME_BYTES];
    tcore_buf_puts(out, "<dl class=\"facts\">\n");
    put_fact(out, "Duration", "");
    cli_human_duration(out, (double)duration_of(whole), false);
    tcore_buf_puts(out, "</dd></div>\n");
    put_count(out, "Spans", view->trace->count, "");
    put_count(out, "Services", view->service_count, "");
    put_count(out, "Errors", view->trace->errors, view->trace->errors ? "bad" : "");
    if (tcore_interval_is_known(whole)) {
        put_fact(out, "Started", "wide");
        tcore_format_time(time, whole->start_ns);
        tcore_buf_printf(out, "<time>%s</time></dd></div>\n", time);
    }
    put_fact(out, "Trace", "wide");
    tcore_buf_printf(out, "<code>%016" PRIx64 "%016" PRIx64 "</code></dd></div>\n</dl>\n",
                     view->trace->spans[0]->trace_id[0], view->trace->spans[0]->trace_id[1]);
}

static void put_header(const struct trace_page *page, struct tcore_buf *out)
{
    const struct view_trace *view = page->view;
    uint32_t root = view->tree.root;
    tcore_buf_puts(out, "<header>\n<p class=\"over\"><i class=\"chip c");
    tcore_buf_printf(out, "%u\"></i>", (unsigned)(view->service_of[root] % COLOURS));
    put_text(out, service_text(view, view->service_of[root]), "no service");
    tcore_buf_puts(out, "</p>\n<h1>");
    put_text(out, text_of(view, view->name_of[root]), "(no name)");
    tcore_buf_puts(out, "</h1>\n");
    put_facts(view, out);
    if (view->row_count < view->trace->count) {
        tcore_buf_puts(out, "<p class=\"note\">");
        cli_human_count(out, view->trace->count - view->row_count);
        tcore_buf_puts(out, " of ");
        cli_human_count(out, view->trace->count);
        tcore_buf_puts(out, " spans are left out (--max-spans): kept are those on the critical "
                            "path, those with errors, and then the longest.</p>\n");
    }
    tcore_buf_puts(out, "</header>\n");
}

/* --- The picture */

static double position(const struct view_trace *view, int64_t time_ns)
{
    double length = (double)duration_of(&view->tree.whole);
    if (length <= 0)
        return NAME_WIDTH;
    return NAME_WIDTH + BARS_WIDTH * ((double)time_ns - (double)view->tree.whole.start_ns) / length;
}

/* The first part of a name that fits, in whole characters. */
static struct tcore_slice shortened(struct tcore_slice text, size_t bytes)
{
    if (text.length <= bytes)
        return text;
    while (bytes && ((unsigned char)text.data[bytes] & 0xc0) == 0x80)
        bytes--;
    return (struct tcore_slice){text.data, bytes};
}

static void put_picture_row(const struct view_trace *view, const struct trace_row *row, size_t line,
                            struct tcore_buf *out)
{
    const struct tcore_interval *interval = &view->tree.interval[row->span];
    bool error = view->spans[row->span].flags & TCORE_SPAN_ERROR;
    unsigned indent = row->depth < 20 ? row->depth * 8 : 160;
    size_t y = line * ROW_HEIGHT;
    size_t room = NAME_BYTES - indent / 7;
    struct tcore_slice name = text_of(view, row->name), service = service_text(view, row->service);
    struct tcore_slice name_part = shortened(name, room * 2 / 3);
    struct tcore_slice service_part = shortened(service, room / 3);
    tcore_buf_printf(out, "<text x=\"%u\" y=\"%zu\"%s>", 4 + indent, y + 14,
                     error ? " class=\"bad\"" : "");
    tcore_buf_puts(out, error ? "! " : "");
    put_text(out, name_part, "(no name)");
    tcore_buf_puts(out, name_part.length < name.length ? "…" : "");
    tcore_buf_puts(out, " <tspan class=\"faint\">");
    put_text(out, service_part, "");
    tcore_buf_puts(out,
                   service_part.length < service.length ? "…</tspan></text>" : "</tspan></text>");
    if (tcore_interval_is_known(interval)) {
        double x = position(view, interval->start_ns);
        double width = fmax(position(view, interval->end_ns) - x, 1);
        tcore_buf_printf(out,
                         "<rect class=\"bar c%u\" x=\"%.2f\" y=\"%zu\" width=\"%.2f\" "
                         "height=\"11\" rx=\"2\"/>",
                         (unsigned)(row->service % COLOURS), x, y + 4, width);
        bool inside = x + width > NAME_WIDTH + BARS_WIDTH - 20;
        tcore_buf_printf(out, "<text class=\"small\" x=\"%.2f\" y=\"%zu\"%s>",
                         inside && x > NAME_WIDTH + 60 ? x - 4 : x + width + 4, y + 14,
                         inside && x > NAME_WIDTH + 60 ? " text-anchor=\"end\"" : "");
        cli_human_duration(out, (double)(interval->end_ns - interval->start_ns), false);
        tcore_buf_puts(out, "</text>");
    }
    tcore_buf_putc(out, '\n');
}

/* Pieces of the critical path below the bars; line[row]: where its row is drawn. */
static void put_picture_path(const struct view_trace *view, const uint32_t *line,
                             struct tcore_buf *out)
{
    for (size_t i = 0; i < view->path.segment_count; i++) {
        const struct tcore_critical_segment *segment = &view->path.segments[i];
        uint32_t row = view->row_of[segment->span];
        if (row == TCORE_SPAN_NONE || line[row] == TCORE_SPAN_NONE)
            continue;
        double x = position(view, segment->start_ns);
        tcore_buf_printf(out,
                         "<rect class=\"path\" x=\"%.2f\" y=\"%u\" width=\"%.2f\" "
                         "height=\"3\"/>\n",
                         x, line[row] * ROW_HEIGHT + 15,
                         fmax(position(view, segment->end_ns) - x, 0.5));
    }
}

/* line of each row, TCORE_SPAN_NONE for those that the picture has no room for: it has the first
 * ones in order of interest, which have their ancestors with them. */
static size_t choose_lines(const struct view_trace *view, uint32_t *line)
{
    size_t chosen = 0, drawn = 0;
    for (size_t i = 0; i < view->row_count; i++)
        line[i] = TCORE_SPAN_NONE;
    for (uint32_t i = 0; i < view->tree.count && chosen < PICTURE_ROWS; i++) {
        size_t needed = 0;
        uint32_t first = view->row_of[view->priority[i]];
        for (uint32_t at = first; at != TCORE_SPAN_NONE && line[at] == TCORE_SPAN_NONE;
             at = view->rows[at].parent)
            needed++;
        if (!needed || chosen + needed > PICTURE_ROWS)
            continue;
        for (uint32_t at = first; at != TCORE_SPAN_NONE && line[at] == TCORE_SPAN_NONE;
             at = view->rows[at].parent)
            line[at] = 0;
        chosen += needed;
    }
    for (size_t i = 0; i < view->row_count; i++)
        if (line[i] != TCORE_SPAN_NONE)
            line[i] = (uint32_t)drawn++;
    return drawn;
}

static enum tcore_status put_picture(const struct view_trace *view, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    uint32_t *line = tcore_calloc(view->row_count + 1, sizeof *line);
    if (!line)
        return tcore_error_nomem(err);
    size_t lines = choose_lines(view, line);
    tcore_buf_printf(out,
                     "<figure id=\"picture\">\n<svg viewBox=\"0 0 1000 %zu\" role=\"img\" "
                     "aria-label=\"Waterfall of the trace's spans\">\n",
                     lines * ROW_HEIGHT + 4);
    for (size_t i = 0; i < view->row_count; i++)
        if (line[i] != TCORE_SPAN_NONE)
            put_picture_row(view, &view->rows[i], line[i], out);
    put_picture_path(view, line, out);
    tcore_buf_puts(out, "</svg>\n<figcaption>The line below bars is the critical path.");
    if (lines < view->trace->count) {
        tcore_buf_puts(out, " The picture has ");
        cli_human_count(out, lines);
        tcore_buf_puts(out, " of ");
        cli_human_count(out, view->trace->count);
        tcore_buf_puts(out, " spans: the most important ones.");
    }
    tcore_buf_puts(out, "</figcaption>\n</figure>\n");
    tcore_free(line);
    return TCORE_OK;
}

/* --- Other traces */

static void put_index_row(const struct trace_spans *all, const struct tcore_stored_trace *trace,
                          struct tcore_buf *out)
{
    const struct tcore_stored_text *span = trace_stand_in(trace);
    tcore_buf_printf(out, "<tr><td><code>%016" PRIx64 "%016" PRIx64 "</code></td><td>",
                     span->stored.trace_id[0], span->stored.trace_id[1]);
    put_text(out, span_service(all, span), "");
    tcore_buf_puts(out, "</td><td>");
    put_text(out, span_name(all, span), "");
    tcore_buf_puts(out, "</td><td class=\"right\">");
    cli_human_duration(out, (double)duration_of(&trace->whole), false);
    tcore_buf_puts(out, "</td><td class=\"right\">");
    cli_human_count(out, trace->count);
    tcore_buf_printf(out, "</td><td class=\"right%s\">", trace->errors ? " bad" : "");
    cli_human_count(out, trace->errors);
    tcore_buf_puts(out, "</td></tr>\n");
}

static void put_index(const struct trace_page *page, struct tcore_buf *out)
{
    size_t listed = 0;
    if (page->all->count < 2)
        return;
    tcore_buf_puts(out, "<details class=\"others\"><summary>");
    cli_human_count(out, page->all->count - 1);
    tcore_buf_printf(out, " other trace%s in the input</summary>\n",
                     page->all->count == 2 ? "" : "s");
    tcore_buf_puts(out, "<p>Slowest first. <code>trace-report trace ID INPUT</code> makes the page "
                        "of one.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>Trace</th>"
                        "<th>Service</th><th>Root operation</th><th class=\"right\">Duration</th>"
                        "<th class=\"right\">Spans</th><th class=\"right\">Errors</th></tr></thead>"
                        "\n<tbody>\n");
    for (size_t i = 0; i < page->all->count && listed < INDEX_ROWS; i++) {
        if (i == page->shown)
            continue;
        put_index_row(page->all, page->all->traces[i], out);
        listed++;
    }
    tcore_buf_puts(out, "</tbody></table></div>\n");
    if (listed < page->all->count - 1) {
        tcore_buf_puts(out, "<p>And ");
        cli_human_count(out, page->all->count - 1 - listed);
        tcore_buf_puts(out, " more.</p>\n");
    }
    tcore_buf_puts(out, "</details>\n");
}

/* --- */

enum tcore_status trace_page_write(const struct trace_page *page, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    const struct view_trace *view = page->view;
    tcore_buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html_policy(out, trace_page_js, trace_page_css);
    tcore_buf_puts(out, "<meta name=\"viewport\" content=\"width=device-width, "
                        "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
                        "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    put_text(out, text_of(view, view->name_of[view->tree.root]), "trace");
    tcore_buf_puts(out, " (");
    cli_human_duration(out, (double)duration_of(&view->tree.whole), false);
    tcore_buf_printf(out, ") %016" PRIx64 "%016" PRIx64 "</title>\n<style>",
                     view->trace->spans[0]->trace_id[0], view->trace->spans[0]->trace_id[1]);
    tcore_buf_puts(out, trace_page_css);
    tcore_buf_puts(out, "</style>\n</head>\n<body>\n");
    put_header(page, out);
    tcore_buf_puts(out, "<main>\n<div id=\"app\" hidden></div>\n");
    enum tcore_status status = put_picture(view, out, err);
    put_index(page, out);
    tcore_buf_puts(out, "</main>\n<script type=\"application/json\" id=\"data\">\n");
    if (!status)
        status = trace_page_data(page, out, err);
    tcore_buf_puts(out, "</script>\n<script>");
    tcore_buf_puts(out, trace_page_js);
    tcore_buf_puts(out, "</script>\n</body>\n</html>\n");
    return status ? status : tcore_buf_status(out, err);
}
