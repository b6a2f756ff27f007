/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the records of scopes share, met again by its text. */
#include <config.h>

#include "record/import/form_lanes.h"

#include "base/sys.h"

enum { PARTS = FORM_END - FORM_SERVICE + 1 };

void form_scopes_free(struct form_scopes *scopes)
{
    for (unsigned i = 0; i < FORM_SCOPES; i++) {
        struct form_scope *scope = scopes->scope[i];
        if (!scope)
            continue;
        tcore_buf_free(&scope->text);
        tcore_buf_free(&scope->copies);
        tcore_free(scope);
    }
    *scopes = (struct form_scopes){0};
}

/* Which place a text has. Texts that meet there cost time only. */
static unsigned place_of(const struct tcore_buf *text)
{
    uint64_t hash = text->length, word;
    size_t i = 0;
    for (; text->length - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text->data + i, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    for (; i < text->length; i++)
        hash = (hash ^ (unsigned char)text->data[i]) * 0x9e3779b97f4a7c15u;
    return (unsigned)(hash >> 32) % FORM_SCOPES;
}

static bool shares(const struct form_scope *scope, const struct form_shared *shared)
{
    return scope->text.length == shared->text.length &&
           !memcmp(scope->at, shared->at, sizeof scope->at) &&
           (!scope->text.length ||
            !memcmp(scope->text.data, shared->text.data, scope->text.length));
}

const struct form_scope *form_scopes_find(struct form_scopes *scopes,
                                          const struct form_shared *shared,
                                          const struct shape_tree *tree)
{
    if (scopes->number != shared->number) {
        struct form_scope *scope = scopes->scope[place_of(&shared->text)];
        scopes->current = scope && shares(scope, shared) ? scope : NULL;
        scopes->number = shared->number;
    }
    const struct form_scope *scope = scopes->current;
    return scope && binary_stamp_holds(&scope->stamp, tree) ? scope : NULL;
}

/* --- learning --- */

static bool read_layout(struct form_layout *layout, const struct shape_tree *tree,
                        const struct form_put *put)
{
    unsigned count = 0;
    for (unsigned part = 0; part < PARTS; part++) {
        layout->count[part] = put->from[part + 1] - put->shared[part];
        for (uint32_t i = put->shared[part]; i < put->from[part + 1]; i++) {
            if (count == FORM_LAYOUT_VALUES || tree->column[tree->value[i].column].mixed)
                return false;
            layout->column[count++] = tree->value[i].column;
        }
    }
    return true;
}

static bool is_layout(const struct form_layout *a, const struct form_layout *b)
{
    unsigned count = 0;
    for (unsigned part = 0; part < PARTS; part++)
        count += a->count[part];
    return !memcmp(a->count, b->count, sizeof a->count) &&
           !memcmp(a->column, b->column, count * sizeof *a->column);
}

/* The number of the layout, which may be new; FORM_LAYOUTS: there are too many. */
static unsigned number_layout(struct form_scopes *scopes, const struct form_layout *layout,
                              const struct shape_tree *tree)
{
    unsigned i = 0;
    if (!binary_stamp_holds(&scopes->stamp, tree)) {
        scopes->stamp = binary_stamp_of(tree);
        scopes->layouts = 0;
    }
    while (i < scopes->layouts && !is_layout(&scopes->layout[i], layout))
        i++;
    if (i == scopes->layouts && i < FORM_LAYOUTS)
        scopes->layout[scopes->layouts++] = *layout;
    return i;
}

struct shape_value form_value_again(const struct shape_tree *tree, const struct shape_value *value)
{
    const struct binary_column *column = &tree->column[value->column];
    struct shape_value again = *value;
    bool coded = (value->class == CLASS_STRING || value->class == CLASS_JSON) && column->dictionary;
    again.coded = coded;
    if (coded)
        again.code = column->codes[column->values - 1];
    return again;
}

static bool has_text(const struct shape_value *value)
{
    return value->class == CLASS_STRING || value->class == CLASS_JSON;
}

/* The shared values of the row, with texts of their own. */
static bool copy_values(struct form_scope *scope, const struct shape_tree *tree,
                        const struct form_put *put)
{
    size_t bytes = 0;
    scope->values = 0;
    for (unsigned part = 0; part < PARTS; part++)
        for (uint32_t i = put->shared[part]; i < put->from[part + 1]; i++) {
            scope->value[scope->values++] = form_value_again(tree, &tree->value[i]);
            bytes += has_text(&tree->value[i]) ? tree->value[i].length : 0;
        }
    tcore_buf_clear(&scope->copies);
    if (!tcore_buf_reserve(&scope->copies, bytes + 1))
        return false;
    for (unsigned i = 0; i < scope->values; i++) {
        struct shape_value *value = &scope->value[i];
        if (!has_text(value))
            continue;
        const char *copy = scope->copies.data + scope->copies.length;
        tcore_buf_append(&scope->copies, value->s, value->length);
        value->s = copy;
    }
    return true;
}

static bool copy_text(struct form_scope *scope, const struct form_shared *shared)
{
    tcore_buf_clear(&scope->text);
    tcore_buf_append(&scope->text, shared->text.data, shared->text.length);
    memcpy(scope->at, shared->at, sizeof scope->at);
    return !scope->text.failed;
}

const struct form_scope *form_scopes_learn(struct form_scopes *scopes,
                                           const struct form_shared *shared,
                                           struct shape_tree *tree, const struct form_put *put)
{
    struct form_layout layout;
    struct form_scope **place = &scopes->scope[place_of(&shared->text)];
    if (!read_layout(&layout, tree, put))
        return NULL;
    unsigned number = number_layout(scopes, &layout, tree);
    if (number == FORM_LAYOUTS || (!*place && !(*place = tcore_calloc(1, sizeof **place))))
        return NULL;
    struct form_scope *scope = *place;
    scope->stamp = (struct binary_stamp){0};
    if (!copy_text(scope, shared) || !copy_values(scope, tree, put))
        return NULL;
    scope->stamp = binary_stamp_of(tree);
    scope->layout = number;
    scope->length = put->shared_length;
    scopes->current = scope;
    scopes->number = shared->number;
    return scope;
}
