/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Batches for the tests of expressions: records decoded from NDJSON lines, and the same columns in
 * every form that a decoder may choose.
 */
#ifndef TRACECORE_TESTS_CORE_FORMS_H
#define TRACECORE_TESTS_CORE_FORMS_H

#include "stream/input.h"
#include "tap.h"

struct forms {
    struct tcore_decoder *decoder;
    struct tcore_chunk chunk;
    const struct tcore_batch *decoded; /* as the decoder gave it */
    struct tcore_batch batch;          /* with the columns below */
    struct tcore_column *columns;
    struct tcore_value *values; /* rows * columns */
    uint32_t *codes;            /* rows * columns */
    int64_t *ints;              /* rows * columns */
    uint64_t *present;          /* words * columns */
};

enum form { FORM_VALUES, FORM_DICT, FORM_INT64, FORM_CONSTANT, FORMS };

static inline void forms_free(struct forms *f)
{
    tcore_decoder_free(f->decoder);
    free(f->chunk.data);
    free(f->columns);
    free(f->values);
    free(f->codes);
    free(f->ints);
    free(f->present);
    *f = (struct forms){0};
}

static inline void *forms_room(size_t count, size_t bytes)
{
    void *room = calloc(count ? count : 1, bytes);
    if (!room)
        exit(1);
    return room;
}

/* Decodes lines, each ended by a newline. The projection must stay. */
static inline void forms_decode(struct forms *f, const struct tcore_projection *projection,
                                const char *lines, size_t length)
{
    struct tcore_error err = {0};
    *f = (struct forms){0};
    f->chunk.data = forms_room(length + 64, 1);
    memcpy(f->chunk.data, lines, length);
    f->chunk.length = length;
    if (tcore_decoder_new(&f->decoder, projection, NULL, &err) ||
        tcore_decoder_decode(f->decoder, TCORE_FORMAT_NDJSON, &f->chunk, &f->decoded, &err) ||
        f->decoded->reject_count) {
        printf("Bail out! the test's records: %s\n",
               f->decoded && f->decoded->reject_count ? f->decoded->rejects[0].reason : err.text);
        exit(1);
    }
    size_t cells = f->decoded->rows * f->decoded->column_count;
    f->batch = *f->decoded;
    f->columns = forms_room(f->decoded->column_count, sizeof *f->columns);
    f->values = forms_room(cells, sizeof *f->values);
    f->codes = forms_room(cells, sizeof *f->codes);
    f->ints = forms_room(cells, sizeof *f->ints);
    f->present =
        forms_room((f->decoded->rows / 64 + 1) * f->decoded->column_count, sizeof *f->present);
    f->batch.columns = f->columns;
}

static inline bool forms_same(const struct tcore_value *a, const struct tcore_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == TCORE_STRING || a->kind == TCORE_NUMBER || a->kind == TCORE_JSON)
        return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
    return a->kind < TCORE_INT || a->i == b->i;
}

/* Gives column c the form, as far as its values allow it; false leaves it in its values. */
static inline bool forms_set(struct forms *f, size_t c, enum form form)
{
    size_t rows = f->decoded->rows, words = rows / 64 + 1;
    struct tcore_column *column = &f->columns[c];
    struct tcore_value *values = f->values + c * rows;
    for (size_t row = 0; row < rows; row++)
        values[row] = tcore_column_get(&f->decoded->columns[c], row);
    *column = (struct tcore_column){.form = TCORE_COLUMN_VALUES, .values = values};
    if (form == FORM_VALUES)
        return true;
    if (form == FORM_INT64) {
        for (size_t row = 0; row < rows; row++) {
            if (values[row].kind != TCORE_INT && values[row].kind != TCORE_ABSENT)
                return false;
            uint64_t there = values[row].kind == TCORE_INT;
            f->present[c * words + row / 64] &= ~((uint64_t)1 << row % 64);
            f->present[c * words + row / 64] |= there << row % 64;
            f->ints[c * rows + row] = there ? values[row].i : 77;
        }
        *column = (struct tcore_column){.form = TCORE_COLUMN_INT64,
                                        .ints = f->ints + c * rows,
                                        .present = f->present + c * words};
        return true;
    }
    uint32_t entries = 0;
    for (size_t row = 0; row < rows; row++) {
        uint32_t code = 0;
        while (code < entries && !forms_same(&values[code], &values[row]))
            code++;
        if (code == entries)
            values[entries++] = values[row];
        f->codes[c * rows + row] = code;
    }
    if (form == FORM_CONSTANT && entries == 1) {
        *column = (struct tcore_column){.form = TCORE_COLUMN_CONSTANT, .values = values};
    } else if (form == FORM_DICT) {
        *column = (struct tcore_column){.form = TCORE_COLUMN_DICT,
                                        .values = values,
                                        .value_count = entries,
                                        .codes = f->codes + c * rows};
    } else {
        forms_set(f, c, FORM_VALUES);
        return false;
    }
    return true;
}

static inline void forms_set_all(struct forms *f, enum form form)
{
    for (size_t c = 0; c < f->decoded->column_count; c++)
        forms_set(f, c, form);
}

#endif
