/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What renderers have in common: the page, and cells as text. */
#include <config.h>

#include "report/render.h"

#include "cli/screen.h"
#include "cli/visible.h"
#include "cli/human.h"

#include <math.h>
#include <string.h>

#define WIDTH_MIN       20
#define WIDTH_MAX       1000
#define SPARK_COLUMNS   256
#define BAR_COLUMNS     8
#define TIME_ALL_DIGITS 0

void page_detect(const struct cli *cli, struct page *page)
{
    struct cli_screen screen;
    cli_screen_look(&screen, cli);
    page->width = screen.width < WIDTH_MIN ? WIDTH_MIN : screen.width;
    if (page->width > WIDTH_MAX)
        page->width = WIDTH_MAX;
    page->ascii = !screen.unicode;
    page->colour = screen.colour;
}

const struct renderer *renderer_find(const char *name)
{
    return strcmp(name, "md") == 0 ? &render_md : &render_text;
}

void spark_resample(const double *points, size_t count, double *out, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        double from = (double)count * (double)i / (double)columns;
        double to = (double)count * (double)(i + 1) / (double)columns;
        double sum = 0, weight = 0;
        for (size_t p = (size_t)from; p < count && (double)p < to; p++) {
            double share = fmin(to, (double)p + 1) - fmax(from, (double)p);
            if (isnan(points[p]) || share <= 0)
                continue;
            sum += share * points[p];
            weight += share;
        }
        out[i] = weight > 0 ? sum / weight : NAN;
    }
}

/* Levels from the lowest to the highest value; where there is none, a blank. */
static void append_spark(const struct cell *cell, const struct page *page, size_t columns,
                         struct tcore_buf *out)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char ascii[] = "_.-~=+*#";
    double points[SPARK_COLUMNS], largest = 0;
    if (columns > SPARK_COLUMNS)
        columns = SPARK_COLUMNS;
    spark_resample(cell->points, cell->length, points, columns);
    for (size_t i = 0; i < columns; i++)
        if (points[i] > largest)
            largest = points[i];
    for (size_t i = 0; i < columns; i++) {
        double level = largest > 0 ? ceil(7 * points[i] / largest) : 0;
        size_t index = level > 0 ? (size_t)fmin(level, 7) : 0;
        if (isnan(points[i]))
            tcore_buf_putc(out, ' ');
        else if (page->ascii)
            tcore_buf_putc(out, ascii[index]);
        else
            tcore_buf_puts(out, blocks[index]);
    }
}

/* The columns that a part of time takes: at least one. */
static void columns_of(const double *part, size_t columns, size_t *first, size_t *end)
{
    double from = fmin(fmax(part[0], 0), 1) * (double)columns;
    double to = fmin(fmax(part[1], 0), 1) * (double)columns;
    *first = (size_t)from;
    *end = (size_t)ceil(to);
    if (*first >= columns)
        *first = columns - 1;
    if (*end <= *first)
        *end = *first + 1;
}

/* When something was, and where in it the critical path is. */
static void append_range(const struct cell *cell, const struct page *page, size_t columns,
                         struct tcore_buf *out)
{
    char ink[2 * SPARK_COLUMNS] = {0};
    size_t first, end;
    for (size_t part = 0; part + 1 < cell->length; part += 2) {
        columns_of(cell->points + part, columns, &first, &end);
        for (size_t i = first; i < end; i++)
            ink[i] = part ? 2 : 1;
    }
    for (size_t i = 0; i < columns; i++)
        tcore_buf_puts(out, ink[i] == 2   ? PAGE_CRITICAL(page->ascii)
                            : ink[i] == 1 ? PAGE_RANGE(page->ascii)
                                          : " ");
}

static void append_bar(double share, const struct page *page, struct tcore_buf *out)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double clamped = share > 0 ? fmin(share, 1) : 0;
    size_t filled = (size_t)lround(clamped * BAR_COLUMNS * 8);
    if (share > 0 && !filled)
        filled = 1;
    if (page->ascii)
        filled = (filled + 4) / 8 * 8;
    for (size_t i = 0; i < filled / 8; i++)
        tcore_buf_puts(out, page->ascii ? "#" : "█");
    tcore_buf_puts(out, eighths[filled % 8]);
    for (size_t i = (filled + 7) / 8; i < BAR_COLUMNS; i++)
        tcore_buf_putc(out, ' ');
}

static void append_time(int64_t time_ns, enum page_times times, struct tcore_buf *out)
{
    struct tcore_buf whole = {0};
    cli_human_time(&whole, time_ns, TIME_ALL_DIGITS);
    const char *hour = whole.failed ? NULL : memchr(whole.data, 'T', whole.length);
    if (times == TIMES_WHOLE || !hour)
        tcore_buf_append(out, whole.length ? whole.data : "", whole.length);
    else if (times == TIMES_DAY)
        tcore_buf_printf(out, "%.5s %.8s", hour - 5, hour + 1);
    else
        tcore_buf_append(out, hour + 1, 8);
    out->failed |= whole.failed;
    tcore_buf_free(&whole);
}

void cell_render(const struct cell *cell, const struct page *page, size_t spark,
                 struct tcore_buf *out)
{
    switch ((enum cell_kind)cell->kind) {
    case CELL_EMPTY:
        break;
    case CELL_TEXT:
        cli_visible(out, cell->text, cell->length, false);
        break;
    case CELL_COUNT:
        cli_human_count(out, cell->count);
        break;
    case CELL_NUMBER:
        cli_human_number(out, cell->number);
        break;
    case CELL_DURATION:
        cli_human_duration(out, cell->number, page->ascii);
        break;
    case CELL_BAR: {
        struct tcore_buf percent = {0};
        cli_human_share(&percent, cell->number);
        tcore_buf_printf(out, "%7.*s ", (int)percent.length, percent.length ? percent.data : "");
        append_bar(cell->number, page, out);
        out->failed |= percent.failed;
        tcore_buf_free(&percent);
        break;
    }
    case CELL_SHARE:
        cli_human_share(out, cell->number);
        break;
    case CELL_TIME:
        append_time(cell->time_ns, page->times, out);
        break;
    case CELL_SPARK:
        append_spark(cell, page, spark, out);
        break;
    case CELL_RANGE:
        append_range(cell, page, 2 * spark, out);
        break;
    }
}
