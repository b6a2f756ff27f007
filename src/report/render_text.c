/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For terminals: aligned tables that fit the page. When a table is too wide, columns that can be
 * spared go first, then texts are cut. Colour only says again what is in words already.
 */
#include <config.h>

#include "report/render.h"

#include "base/sys.h"
#include "cli/visible.h"

#include <string.h>

#define GAP           2  /* blanks between columns */
#define SPARK_MAX     24 /* columns of a sparkline where there is room, and where not */
#define SPARK_MIN     8
#define SHRINK_MIN    10 /* a text is not cut below, while anything else can go */
#define SHRINK_LEAST  4
#define WIDEST_COLUMN 80 /* a text beyond is cut on a wide page, too */

/* --- Colour */

static void tone_on(const struct page *page, enum tone tone, struct tcore_buf *out)
{
    static const char *const codes[] = {"", "\033[32m", "\033[33m", "\033[31m", "\033[2m"};
    if (page->colour)
        tcore_buf_puts(out, codes[tone]);
}

static void tone_off(const struct page *page, enum tone tone, struct tcore_buf *out)
{
    if (page->colour && tone != TONE_PLAIN)
        tcore_buf_puts(out, "\033[m");
}

static void bold(const struct page *page, bool on, struct tcore_buf *out)
{
    if (page->colour)
        tcore_buf_puts(out, on ? "\033[1m" : "\033[m");
}

/* --- Tables */

struct text_cell {
    size_t offset, length, width;
};

struct layout {
    const struct table *table;
    const struct page *page;
    struct tcore_buf text;   /* of all cells, headings first */
    struct text_cell *cells; /* (row_count + 1) rows */
    size_t *width;           /* of each column; 0: it is left out */
    size_t spark;
};

static size_t total_width(const struct layout *layout)
{
    size_t total = 0;
    for (size_t c = 0; c < layout->table->column_count; c++)
        if (layout->width[c])
            total += layout->width[c] + (total ? GAP : 0);
    return total;
}

static bool is_spark_column(const struct table *table, size_t column)
{
    if (!table->row_count)
        return false;
    uint8_t kind = table->cells[column].kind;
    return kind == CELL_SPARK || kind == CELL_RANGE;
}

static bool lay_out(struct layout *layout)
{
    const struct table *table = layout->table;
    size_t columns = table->column_count;
    layout->cells = tcore_calloc((table->row_count + 1) * columns, sizeof *layout->cells);
    layout->width = tcore_calloc(columns, sizeof *layout->width);
    if (!layout->cells || !layout->width)
        return false;
    for (size_t i = 0; i < (table->row_count + 1) * columns; i++) {
        size_t c = i % columns;
        struct text_cell *cell = &layout->cells[i];
        cell->offset = layout->text.length;
        if (i < columns)
            cli_visible(&layout->text, table->columns[c].title, strlen(table->columns[c].title),
                        false);
        else
            cell_render(&table->cells[i - columns], layout->page, layout->spark, &layout->text);
        cell->length = layout->text.length - cell->offset;
        if (cell->length && !layout->text.failed)
            cell->width = cli_display_width(layout->text.data + cell->offset, cell->length);
        if (cell->width > layout->width[c])
            layout->width[c] = cell->width;
    }
    for (size_t c = 0; c < columns; c++)
        if (layout->width[c] > WIDEST_COLUMN && table->columns[c].shrinks)
            layout->width[c] = WIDEST_COLUMN;
    return !layout->text.failed;
}

static void free_layout(struct layout *layout)
{
    tcore_buf_free(&layout->text);
    tcore_free(layout->cells);
    tcore_free(layout->width);
    layout->cells = NULL;
    layout->width = NULL;
}

/* What could still be cut off texts. */
static size_t slack(const struct layout *layout)
{
    size_t sum = 0;
    for (size_t c = 0; c < layout->table->column_count; c++)
        if (layout->table->columns[c].shrinks == true && layout->width[c] > SHRINK_MIN)
            sum += layout->width[c] - SHRINK_MIN;
    return sum;
}

/* Leaves out the column that is spared most easily; of equals the last one. */
static bool drop_column(struct layout *layout)
{
    const struct table *table = layout->table;
    size_t worst = SIZE_MAX, left = 0;
    for (size_t c = 0; c < table->column_count; c++)
        left += layout->width[c] > 0;
    for (size_t c = 0; c < table->column_count && left > 1; c++)
        if (layout->width[c] && table->columns[c].spare &&
            (worst == SIZE_MAX || table->columns[c].spare >= table->columns[worst].spare))
            worst = c;
    if (worst == SIZE_MAX)
        return false;
    layout->width[worst] = 0;
    return true;
}

/* Takes one column at a time off the widest text that is wider than least. */
static void cut_texts(struct layout *layout, size_t width, size_t least)
{
    const struct table *table = layout->table;
    for (size_t over = total_width(layout); over > width; over--) {
        size_t widest = SIZE_MAX;
        for (size_t c = 0; c < table->column_count; c++)
            if (table->columns[c].shrinks && layout->width[c] > least &&
                (widest == SIZE_MAX || layout->width[c] > layout->width[widest]))
                widest = c;
        if (widest == SIZE_MAX)
            return;
        layout->width[widest]--;
    }
}

/* What no view thought of: columns go from the right, and the one that is left is cut. */
static void force(struct layout *layout, size_t width)
{
    for (size_t c = layout->table->column_count; c-- > 0 && total_width(layout) > width;) {
        size_t rest = total_width(layout) - layout->width[c];
        layout->width[c] = rest ? 0 : width;
    }
}

/* A text may be cut to two thirds of the page's width in all before a column goes. */
static void fit(struct layout *layout)
{
    size_t width = layout->page->width;
    if (!width)
        return;
    while (total_width(layout) > width + slack(layout) / 2 && drop_column(layout))
        ;
    cut_texts(layout, width, SHRINK_MIN);
    cut_texts(layout, width, SHRINK_LEAST);
    force(layout, width);
}

/* The bytes of text that take at most so many columns; *width: how many they take. */
static size_t prefix(const char *text, size_t length, size_t columns, size_t *width)
{
    size_t at = 0;
    *width = 0;
    while (at < length) {
        size_t next = at + 1;
        while (next < length && ((unsigned char)text[next] & 0xc0) == 0x80)
            next++;
        size_t more = cli_display_width(text + at, next - at);
        if (*width + more > columns)
            break;
        *width += more;
        at = next;
    }
    return at;
}

static void append_cell(const struct layout *layout, const struct text_cell *cell, size_t column,
                        enum tone tone, bool last, struct tcore_buf *out)
{
    const struct column *about = &layout->table->columns[column];
    size_t room = layout->width[column], width = cell->width, length = cell->length;
    const char *more = "";
    if (width > room) {
        more = layout->page->ascii ? "~" : "…";
        length = prefix(layout->text.data + cell->offset, length, room - 1, &width);
        width++;
    }
    int blanks = width < room ? (int)(room - width) : 0;
    if (about->right)
        tcore_buf_printf(out, "%*s", blanks, "");
    tone_on(layout->page, tone, out);
    if (length)
        tcore_buf_append(out, layout->text.data + cell->offset, length);
    tcore_buf_puts(out, more);
    tone_off(layout->page, tone, out);
    if (!last)
        tcore_buf_printf(out, "%*s", GAP + (about->right ? 0 : blanks), "");
}

static void append_row(const struct layout *layout, size_t row, struct tcore_buf *out)
{
    size_t columns = layout->table->column_count, last = 0;
    for (size_t c = 0; c < columns; c++)
        if (layout->width[c])
            last = c;
    size_t before = out->length;
    for (size_t c = 0; c < columns; c++) {
        const struct cell *cell = row ? &layout->table->cells[(row - 1) * columns + c] : NULL;
        if (layout->width[c])
            append_cell(layout, &layout->cells[row * columns + c], c,
                        cell ? (enum tone)cell->tone : TONE_FAINT, c == last, out);
    }
    while (out->length > before && out->data[out->length - 1] == ' ')
        out->length--;
    tcore_buf_putc(out, '\n');
}

/* Whether a column is of times; *days: and they are not all of one day. */
static bool has_times(const struct table *table, bool *days)
{
    const int64_t day_ns = INT64_C(86400000000000);
    bool any = false;
    *days = false;
    for (size_t c = 0; c < table->column_count; c++) {
        int64_t first = INT64_MIN;
        for (size_t row = 0; row < table->row_count; row++) {
            const struct cell *cell = &table->cells[row * table->column_count + c];
            if (cell->kind != CELL_TIME)
                continue;
            int64_t day = cell->time_ns / day_ns - (cell->time_ns % day_ns < 0);
            *days |= any && first != INT64_MIN && day != first;
            first = day;
            any = true;
        }
    }
    return any;
}

static bool is_too_wide(const struct layout *layout)
{
    return layout->page->width && total_width(layout) > layout->page->width;
}

static void render_table(const struct table *table, const struct page *page, struct tcore_buf *out)
{
    struct page narrow = *page;
    struct layout layout = {.table = table, .page = &narrow, .spark = SPARK_MAX};
    bool good = lay_out(&layout), sparks = false, days;
    for (size_t c = 0; c < table->column_count; c++)
        sparks |= is_spark_column(table, c);
    if (good && sparks && is_too_wide(&layout)) {
        free_layout(&layout);
        layout.spark = SPARK_MIN;
        good = lay_out(&layout);
    }
    if (good && is_too_wide(&layout) && has_times(table, &days)) {
        free_layout(&layout);
        narrow.times = days ? TIMES_DAY : TIMES_CLOCK;
        good = lay_out(&layout);
    }
    if (good)
        fit(&layout);
    for (size_t row = 0; good && row <= table->row_count; row++)
        append_row(&layout, row, out);
    out->failed |= !good;
    free_layout(&layout);
}

/* --- Words */

/* Wraps at blanks; the following lines are indented. */
static void append_wrapped(struct tcore_buf *out, const char *text, size_t length, size_t column,
                           size_t indent, size_t width)
{
    size_t at = 0;
    bool first = true;
    while (at < length) {
        size_t end = at;
        while (end < length && text[end] != ' ')
            end++;
        size_t word = cli_display_width(text + at, end - at);
        if (!first && width && column + 1 + word > width) {
            tcore_buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        if (!first) {
            tcore_buf_putc(out, ' ');
            column++;
        }
        tcore_buf_append(out, text + at, end - at);
        column += word;
        first = false;
        at = end + (end < length);
    }
}

static void append_safe(struct tcore_buf *out, const char *text, size_t length, size_t column,
                        size_t indent, size_t width)
{
    struct tcore_buf safe = {0};
    cli_visible(&safe, text, length, false);
    if (safe.length)
        append_wrapped(out, safe.data, safe.length, column, indent, width);
    out->failed |= safe.failed;
    tcore_buf_free(&safe);
}

static void render_block(const struct block *block, const struct page *page, struct tcore_buf *out)
{
    enum tone tone = (enum tone)block->tone;
    switch ((enum block_kind)block->kind) {
    case BLOCK_TITLE:
    case BLOCK_HEADING:
        bold(page, true, out);
        append_safe(out, block->text, block->length, 0, 0, page->width);
        bold(page, false, out);
        tcore_buf_putc(out, '\n');
        break;
    case BLOCK_PARAGRAPH:
        tone_on(page, tone, out);
        append_safe(out, block->text, block->length, 0, 0, page->width);
        tone_off(page, tone, out);
        tcore_buf_putc(out, '\n');
        break;
    case BLOCK_REMARK: {
        size_t label = strlen(block->label);
        tone_on(page, tone, out);
        tcore_buf_printf(out, "%-8s", block->label);
        tone_off(page, tone, out);
        tcore_buf_puts(out, "  ");
        append_safe(out, block->text, block->length, (label > 8 ? label : 8) + 2, 10, page->width);
        tcore_buf_putc(out, '\n');
        break;
    }
    case BLOCK_TABLE:
        render_table(block->table, page, out);
        break;
    }
}

static void render(const struct document *document, const struct page *page, struct tcore_buf *out)
{
    for (size_t i = 0; i < document->count; i++) {
        const struct block *block = &document->blocks[i];
        if (i && block->kind == BLOCK_HEADING)
            tcore_buf_putc(out, '\n');
        render_block(block, page, out);
    }
}

const struct renderer render_text = {.name = "text", .render = render};
