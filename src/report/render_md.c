/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Markdown as GitHub and GitLab take it, tables included. Data is escaped so that none of it is
 * markup: neither links, HTML, emphasis nor the end of a table cell. Always UTF-8.
 */
#include <config.h>

#include "report/render.h"

#include "cli/visible.h"

#include <string.h>

#define SPARK_COLUMNS 24

static void append_escaped(struct tcore_buf *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '<')
            tcore_buf_puts(out, "&lt;");
        else if (c == '>')
            tcore_buf_puts(out, "&gt;");
        else if (c == '&')
            tcore_buf_puts(out, "&amp;");
        else if (c == '@') /* or it would notify whoever has that name */
            tcore_buf_puts(out, "&#64;");
        else if (c == ':' && i + 2 < length && text[i + 1] == '/' && text[i + 2] == '/')
            tcore_buf_puts(out, "&#58;"); /* or it would become a link by itself */
        else if (strchr("\\`*_{}[]#|~!$", c))
            tcore_buf_printf(out, "\\%c", c);
        else
            tcore_buf_putc(out, c);
    }
}

static void append_safe(struct tcore_buf *out, const char *text, size_t length)
{
    struct tcore_buf safe = {0};
    cli_visible(&safe, text, length, false);
    if (safe.length)
        append_escaped(out, safe.data, safe.length);
    out->failed |= safe.failed;
    tcore_buf_free(&safe);
}

static void render_cell(const struct cell *cell, struct tcore_buf *out)
{
    static const struct page page = {0};
    struct tcore_buf text = {0};
    bool marked = cell->tone == TONE_BAD && cell->kind != CELL_EMPTY;
    cell_render(cell, &page, SPARK_COLUMNS, &text);
    if (cell->kind == CELL_RANGE) { /* as code its blanks are kept, but for one at each end */
        tcore_buf_printf(out, " ` %.*s ` |", (int)text.length, text.length ? text.data : "");
        out->failed |= text.failed;
        tcore_buf_free(&text);
        return;
    }
    size_t length = text.length;
    while (length && text.data[length - 1] == ' ')
        length--;
    size_t start = 0;
    while (start < length && text.data[start] == ' ')
        start++;
    tcore_buf_putc(out, ' ');
    for (size_t i = 0; i < start && cell->kind == CELL_TEXT; i++) /* levels of a tree */
        tcore_buf_puts(out, "&nbsp;");
    tcore_buf_puts(out, marked ? "**" : "");
    if (length > start)
        append_escaped(out, text.data + start, length - start);
    tcore_buf_puts(out, marked ? "** |" : " |");
    out->failed |= text.failed;
    tcore_buf_free(&text);
}

static void render_table(const struct table *table, struct tcore_buf *out)
{
    size_t columns = table->column_count;
    tcore_buf_puts(out, "|");
    for (size_t c = 0; c < columns; c++) {
        tcore_buf_putc(out, ' ');
        append_safe(out, table->columns[c].title, strlen(table->columns[c].title));
        tcore_buf_puts(out, " |");
    }
    tcore_buf_puts(out, "\n|");
    for (size_t c = 0; c < columns; c++)
        tcore_buf_puts(out, table->columns[c].right ? " ---: |" : " --- |");
    tcore_buf_putc(out, '\n');
    for (size_t row = 0; row < table->row_count; row++) {
        tcore_buf_putc(out, '|');
        for (size_t c = 0; c < columns; c++)
            render_cell(&table->cells[row * columns + c], out);
        tcore_buf_putc(out, '\n');
    }
}

static void render(const struct document *document, const struct page *page, struct tcore_buf *out)
{
    (void)page;
    for (size_t i = 0; i < document->count; i++) {
        const struct block *block = &document->blocks[i];
        bool list = block->kind == BLOCK_REMARK;
        if (i && !(list && document->blocks[i - 1].kind == BLOCK_REMARK))
            tcore_buf_putc(out, '\n');
        if (block->kind == BLOCK_TABLE) {
            render_table(block->table, out);
            continue;
        }
        if (block->kind == BLOCK_TITLE || block->kind == BLOCK_HEADING)
            tcore_buf_puts(out, block->kind == BLOCK_TITLE ? "# " : "## ");
        if (list) {
            tcore_buf_puts(out, "- **");
            append_safe(out, block->label, strlen(block->label));
            tcore_buf_puts(out, "** ");
        }
        append_safe(out, block->text, block->length);
        tcore_buf_putc(out, '\n');
    }
}

const struct renderer render_md = {.name = "md", .render = render};
