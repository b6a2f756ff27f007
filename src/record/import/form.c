/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forms that are known, and the elements of a document that have them. */
#include <config.h>

#include "record/import/form_row.h"

#include "base/sys.h"
#include "model/number.h"
#include "stream/input.h"
#include "stream/ndjson_worth.h"

#include <stddef.h>

enum { FORMS = 256, PAUSE = 8, PAUSE_MOST = 1024 };

/* An element that was taken. */
struct taken {
    const struct form *form;
    size_t point; /* its first one, in the index */
    size_t bytes;
    int64_t start_ns, stop_ns;
    bool special;
};

struct form_table {
    struct tcore_json_taker taker;
    const struct form_variant *variant;
    struct tcore_arena arena, choices;
    struct form *form[FORMS];
    size_t count;
    struct form_choice *choice; /* NULL: nothing is known */
    size_t sorted;              /* forms among the choices; the others are of this document */
    bool stale;                 /* others may be worth more than those */
    struct ndjson_worth worth;
    struct tcore_buf made;      /* of the row at hand */
    struct form_scopes scopes;  /* of rows */
    struct form_making *making; /* made on first use; owned */
    unsigned failures, pause;   /* of learning: so many elements are not learnt from */
    /* of the document: */
    const char *text;
    size_t length, readable;
    struct form_index index;
    bool indexed;
    size_t at; /* points before it lie before the element that is asked for */
    struct taken *taken;
    size_t taken_count, taken_capacity;
};

static tcore_json_take_function take;

static const struct form_variant *choose_variant(void)
{
#if defined __x86_64__
    const char *name = tcore_simd_name();
    if (!strcmp(name, form_variant_avx512.name))
        return &form_variant_avx512;
    if (!strcmp(name, form_variant_avx2.name))
        return &form_variant_avx2;
#endif
    return &form_variant_portable;
}

struct form_table *form_table_new(const char *key, unsigned patience)
{
    struct form_table *table = tcore_calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->taker = (struct tcore_json_taker){.key = key, .take = take};
    table->variant = choose_variant();
    table->worth.rest = patience;
    return table;
}

static void forget(struct form_table *table)
{
    table->count = 0;
    table->choice = NULL;
    table->stale = false;
    table->sorted = 0;
    tcore_arena_reset(&table->arena);
    tcore_arena_reset(&table->choices);
}

void form_table_free(struct form_table *table)
{
    if (!table)
        return;
    forget(table);
    tcore_arena_free(&table->arena);
    tcore_arena_free(&table->choices);
    tcore_free(table->making);
    tcore_buf_free(&table->made);
    form_scopes_free(&table->scopes);
    tcore_free(table->index.point);
    tcore_free(table->taken);
    tcore_free(table);
}

void form_table_begin(struct form_table *table, struct tcore_json *json, const char *text,
                      size_t length, const char *readable)
{
    json->taker = &table->taker;
    table->text = text;
    table->length = length;
    table->readable = (size_t)(readable - text);
    table->indexed = false;
    table->taken_count = 0;
    if (table->stale)
        forget(table); /* nothing refers to any now */
}

/* --- the document --- */

/* Mostly there is a quote every seven bytes; what is behind the last one that has room is parsed.
 */
static bool make_index(struct form_table *table)
{
    struct form_index *index = &table->index;
    size_t capacity = table->length / 4 + 64;
    table->indexed = true;
    table->at = index->count = 0;
    if (capacity > index->capacity) {
        tcore_free(index->point);
        *index = (struct form_index){
            .point = tcore_reallocarray(NULL, capacity + FORM_POINTS, sizeof *index->point)};
        index->capacity = index->point ? capacity : 0;
    }
    if (!index->point)
        return false;
    table->variant->index(index, table->text, table->length);
    return true;
}

static struct form_place_of place_of(struct form_table *table, size_t offset, unsigned depth)
{
    const struct form_index *index = &table->index;
    while (table->at < index->count && index->point[table->at] < offset)
        table->at++;
    return (struct form_place_of){.text = table->text,
                                  .length = table->length,
                                  .readable = table->readable,
                                  .offset = offset,
                                  .point = index->point + table->at,
                                  .points = index->count - table->at,
                                  .special = index->special,
                                  .depth = depth};
}

static bool grow_taken(struct form_table *table)
{
    size_t capacity = table->taken_capacity ? 2 * table->taken_capacity : 256;
    void *more = tcore_reallocarray(table->taken, capacity, sizeof *table->taken);
    if (!more)
        return false;
    table->taken = more;
    table->taken_capacity = capacity;
    return true;
}

static void tally(struct form_table *table, bool hit)
{
    if (tcore_ndjson_worth_tally(&table->worth, 1, hit, WORTH_STRETCH / 2))
        table->stale = table->count == FORMS;
}

/* Once for all that one document has taught. */
static void sort_forms(struct form_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        table->form[i]->next = NULL;
    tcore_arena_reset(&table->choices);
    table->choice = form_choose(&table->choices, table->form, table->count);
    table->sorted = table->count;
}

static const char *take(struct tcore_json_taker *taker, const char *p, unsigned depth,
                        uint32_t *number)
{
    struct form_table *table = (struct form_table *)(void *)taker;
    struct form_found found;
    if (!tcore_ndjson_worth_is_due(&table->worth))
        return NULL;
    if ((!table->indexed && !make_index(table)) ||
        (table->taken_count == table->taken_capacity && !grow_taken(table)))
        return NULL;
    if (table->sorted < table->count)
        sort_forms(table);
    const struct form_place_of at = place_of(table, (size_t)(p - table->text), depth);
    const struct form *form = table->variant->find(table->choice, &at, &found);
    tally(table, form);
    if (!form)
        return NULL;
    *number = (uint32_t)table->taken_count;
    table->taken[table->taken_count++] = (struct taken){.form = form,
                                                        .point = table->at,
                                                        .bytes = found.end - at.offset,
                                                        .start_ns = found.start_ns,
                                                        .stop_ns = found.stop_ns,
                                                        .special = found.special};
    table->at += form->points;
    return table->text + found.end;
}

/* --- records --- */

static void put(const struct form_table *table, const struct taken *taken,
                const struct form_shared *shared, struct tcore_buf *out)
{
    size_t most = taken->form->static_bytes + taken->bytes + shared->text.length +
                  TCORE_NUMBER_BYTES + 2 * FORM_PIECE;
    char *to = tcore_buf_reserve(out, most);
    if (!to)
        return;
    char *end = table->variant->put(taken->form, table->text, table->index.point + taken->point,
                                    taken->stop_ns - taken->start_ns, shared, to);
    out->length += (size_t)(end - to);
}

void form_table_put(struct form_table *table, uint32_t number, const struct form_shared *shared,
                    struct tcore_buf *out)
{
    put(table, &table->taken[number], shared, out);
}

enum tcore_status form_table_put_row(struct form_table *table, uint32_t number,
                                     const struct form_around *around,
                                     struct tcore_binary_writer *writer, struct tcore_error *err)
{
    const struct taken *taken = &table->taken[number];
    const struct form_source source = {.form = taken->form,
                                       .variant = table->variant,
                                       .text = table->text,
                                       .point = table->index.point + taken->point,
                                       .bytes = taken->bytes,
                                       .special = taken->special,
                                       .start_ns = taken->start_ns,
                                       .stop_ns = taken->stop_ns,
                                       .made = &table->made};
    return form_put_row(&source, around, &table->scopes, writer, err);
}

/* --- learning --- */

bool form_table_learns(struct form_table *table)
{
    bool learns = table->indexed && table->count < FORMS && !table->worth.rest && !table->pause;
    table->pause -= table->pause > 0;
    return learns;
}

/* What has no form may come again, so that more of these are passed over each time. */
static void fail(struct form_table *table)
{
    table->failures += table->failures < PAUSE_MOST / PAUSE;
    table->pause = table->failures * PAUSE;
}

/* The index's first point that is not before the offset. */
static size_t first_point(const struct form_index *index, size_t offset)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->point[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The element at node as one that has the form; *taken is what it would be taken as. */
static bool has_form(struct form_table *table, struct form *form,
                     const struct tcore_json_node *node, struct taken *taken)
{
    struct form_choice only = {.form = form};
    size_t offset = (size_t)(node->value.s - table->text);
    struct form_found found;
    table->at = first_point(&table->index, offset);
    const struct form_place_of at = place_of(table, offset, UINT32_MAX);
    if (!table->variant->find(&only, &at, &found) || found.end != offset + node->value.len)
        return false;
    *taken = (struct taken){.form = form,
                            .point = table->at,
                            .bytes = node->value.len,
                            .start_ns = found.start_ns,
                            .stop_ns = found.stop_ns,
                            .special = found.special};
    return true;
}

/* Whether an earlier element of the document has taught its form already. */
static bool is_taught(struct form_table *table, const struct tcore_json_node *node)
{
    struct taken taken;
    for (size_t i = table->sorted; i < table->count; i++)
        if (has_form(table, table->form[i], node, &taken))
            return true;
    return false;
}

/* Whether the element has the form, and what that makes of it is the record that was made. */
static bool is_true(struct form_table *table, struct form *form, const struct tcore_json_node *node,
                    const struct form_shared *shared, const struct tcore_buf *out, size_t begin)
{
    struct tcore_buf again = {0};
    struct taken taken;
    if (!has_form(table, form, node, &taken))
        return false;
    put(table, &taken, shared, &again);
    bool same = !again.failed && again.length == out->length - begin &&
                !memcmp(again.data, out->data + begin, again.length);
    tcore_buf_free(&again);
    return same;
}

void form_table_learn(struct form_table *table, const struct tcore_json *json, uint32_t node,
                      const struct form_draft *draft, const struct tcore_buf *out, size_t begin,
                      const struct form_shared *shared)
{
    if (is_taught(table, &json->node[node]))
        return;
    if (!table->making)
        table->making = form_making_new();
    struct form *form = form_build(table->making, &table->arena, json, node, draft, out, begin);
    if (!form || !is_true(table, form, &json->node[node], shared, out, begin)) {
        fail(table);
        return;
    }
    table->failures = 0;
    table->form[table->count++] = form;
}
