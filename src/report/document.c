/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts, titles and points live in one arena; blocks and cells in growing arrays. */
#include <config.h>

#include "report/document.h"

#include "base/sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void document_free(struct document *document)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->blocks[i].table)
            tcore_free(document->blocks[i].table->cells);
    tcore_free(document->blocks);
    tcore_arena_free(&document->arena);
    *document = (struct document){0};
}

enum tcore_status document_status(const struct document *document, struct tcore_error *err)
{
    return document->failed ? tcore_error_nomem(err) : TCORE_OK;
}

static const char *keep(struct document *document, const char *text, size_t length)
{
    const char *copy = tcore_arena_copy(&document->arena, text, length);
    document->failed |= !copy;
    return copy;
}

static struct block *add_block(struct document *document, enum block_kind kind)
{
    if (document->count == document->capacity) {
        size_t capacity = document->capacity ? 2 * document->capacity : 32;
        struct block *blocks =
            tcore_reallocarray(document->blocks, capacity, sizeof *document->blocks);
        if (!blocks) {
            document->failed = true;
            return NULL;
        }
        document->blocks = blocks;
        document->capacity = capacity;
    }
    struct block *block = &document->blocks[document->count];
    *block = (struct block){.kind = (uint8_t)kind, .label = "", .text = ""};
    return block;
}

static void add_text(struct document *document, enum block_kind kind, enum tone tone,
                     const char *label, const char *text, size_t length)
{
    struct block *block = add_block(document, kind);
    const char *copy = block ? keep(document, text, length) : NULL;
    const char *name = copy ? keep(document, label, strlen(label)) : NULL;
    if (!name)
        return;
    block->tone = (uint8_t)tone;
    block->label = name;
    block->text = copy;
    block->length = length;
    document->count++;
}

void document_title(struct document *document, const char *text)
{
    add_text(document, BLOCK_TITLE, TONE_PLAIN, "", text, strlen(text));
}

void document_heading(struct document *document, const char *text)
{
    add_text(document, BLOCK_HEADING, TONE_PLAIN, "", text, strlen(text));
}

void document_paragraph(struct document *document, enum tone tone, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        length = 0;
    if ((size_t)length >= sizeof text)
        length = sizeof text - 1;
    add_text(document, BLOCK_PARAGRAPH, tone, "", text, (size_t)length);
}

void document_remark(struct document *document, enum tone tone, const char *label, const char *text,
                     size_t length)
{
    add_text(document, BLOCK_REMARK, tone, label, text, length);
}

struct table *document_table(struct document *document, const struct column *columns, size_t count)
{
    struct block *block = add_block(document, BLOCK_TABLE);
    struct table *table = tcore_arena_alloc(&document->arena, sizeof *table);
    struct column *copies = tcore_arena_alloc(&document->arena, count * sizeof *copies);
    if (!block || !table || !copies) {
        document->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        copies[i] = columns[i];
        copies[i].title = keep(document, columns[i].title, strlen(columns[i].title));
        if (!copies[i].title)
            return NULL;
    }
    *table = (struct table){.columns = copies, .column_count = count};
    block->table = table;
    document->count++;
    return table;
}

struct cell *document_row(struct document *document, struct table *table)
{
    if (!table || document->failed)
        return NULL;
    if (table->row_count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 16;
        struct cell *cells =
            tcore_reallocarray(table->cells, capacity, table->column_count * sizeof *cells);
        if (!cells) {
            document->failed = true;
            return NULL;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    struct cell *row = table->cells + table->row_count++ * table->column_count;
    memset(row, 0, table->column_count * sizeof *row);
    return row;
}

struct cell cell_text(struct document *document, const char *text, size_t length)
{
    if (length > UINT32_MAX)
        length = UINT32_MAX;
    const char *copy = keep(document, text, length);
    return copy ? (struct cell){.kind = CELL_TEXT, .length = (uint32_t)length, .text = copy}
                : (struct cell){0};
}

struct cell cell_spark(struct document *document, const double *points, size_t count)
{
    double *copy = tcore_arena_alloc(&document->arena, count * sizeof *copy);
    if (!copy) {
        document->failed = true;
        return (struct cell){0};
    }
    memcpy(copy, points, count * sizeof *copy);
    return (struct cell){.kind = CELL_SPARK, .length = (uint32_t)count, .points = copy};
}

struct cell cell_range(struct document *document, const double *points, size_t count)
{
    struct cell cell = cell_spark(document, points, count);
    if (cell.kind == CELL_SPARK)
        cell.kind = CELL_RANGE;
    return cell;
}
