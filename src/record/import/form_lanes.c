/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning where the values of a form's rows go, and laying rows. */
#include <config.h>

#include "record/import/form_row.h"

#include "model/number.h"
#include "stream/binary_codec.h"

struct form_lanes *form_lanes_new(struct tcore_arena *arena, unsigned copies, unsigned fixed)
{
    struct form_lanes *lanes = tcore_arena_alloc(arena, sizeof *lanes);
    struct form_lane *lane = tcore_arena_alloc(arena, (copies + 1) * sizeof *lane);
    struct shape_value *value = tcore_arena_alloc(arena, (fixed + 1) * sizeof *value);
    if (!lanes || !lane || !value)
        return NULL;
    *lanes = (struct form_lanes){.lane = lane, .fixed = value};
    return lanes;
}

/* --- values that are checked --- */

static struct tcore_slice text_in(const struct form_source *s, const struct form_lane *lane)
{
    const char *from = form_place_in(s, lane->from);
    return (struct tcore_slice){from, (size_t)(form_place_in(s, lane->to) - from)};
}

/* Whether the text is one that the column's class can hold; *value is that. */
static bool check_text(struct tcore_slice text, struct shape_value *value)
{
    switch (value->class) {
    case CLASS_HEX:
        value->length = (uint32_t)text.length / 2;
        return (text.length == 32 || text.length == 16) &&
               tcore_binary_hex_decode(value->bytes, text.data, text.length / 2);
    case CLASS_DECIMAL:
        return tcore_binary_is_decimal(text.data, text.length, &value->i);
    default:
        return false;
    }
}

static bool check_value(const struct form_source *s, const struct form_lane *lane,
                        struct shape_value *value, size_t *length)
{
    double d;
    *value = (struct shape_value){.column = lane->number, .class = lane->class};
    if (lane->cell->class == CELL_MADE) {
        struct tcore_slice made = form_make_text(s, lane->cell);
        value->s = made.data;
        value->length = (uint32_t)made.length;
        *length += made.length;
        return lane->class == CLASS_JSON;
    }
    struct tcore_slice text = text_in(s, lane);
    *length += text.length;
    switch ((enum form_value)lane->cell->value) {
    case FORM_TEXT:
        return check_text(text, value);
    case FORM_DECIMAL:
        if (lane->class != CLASS_DOUBLE || !tcore_binary_is_double(text.data, text.length, &d))
            return false;
        memcpy(&value->i, &d, sizeof d);
        return true;
    case FORM_TIME:
    case FORM_START:
    case FORM_STOP:
        return lane->class == CLASS_DECIMAL &&
               tcore_binary_is_decimal(text.data, text.length, &value->i);
    default:
        return false;
    }
}

/* What the checked lanes' values are. False: some column cannot hold its own. */
static bool check_values(const struct form_lanes *lanes, const struct form_source *s,
                         struct shape_value value[FORM_CHECKED], size_t *length)
{
    const struct form_lane *lane = lanes->lane + lanes->lanes - lanes->count[LANE_CHECKED];
    for (unsigned i = 0; i < lanes->count[LANE_CHECKED]; i++)
        if (!check_value(s, &lane[i], &value[i], length))
            return false;
    return true;
}

/* --- laying --- */

/* The texts of a row of which some may have escapes. */
static bool lay_texts(const struct form_lanes *lanes, const struct form_source *s, size_t *length)
{
    const struct form_lane *lane = lanes->lane + lanes->lanes - lanes->count[LANE_CHECKED];
    bool good = true;
    for (unsigned i = lanes->count[LANE_TEXT]; i > 0; i--) {
        struct tcore_slice text = text_in(s, --lane), meant = form_decode(s, text);
        good &= binary_column_add_text(lane->column, meant.data, meant.length);
        *length += text.length;
    }
    return good;
}

enum tcore_status form_lanes_put(const struct form_lanes *lanes, const struct form_source *s,
                                 const struct form_scope *scope, struct tcore_binary_row *row,
                                 struct tcore_binary_writer *writer, struct tcore_error *err)
{
    struct shape_value checked[FORM_CHECKED];
    struct shape_tree *tree = row->tree;
    size_t varying = 0;
    if (!binary_stamp_holds(&lanes->stamp, tree) || !lanes->node[scope->layout] ||
        !check_values(lanes, s, checked, &varying))
        return TCORE_EOF;
    bool good = s->variant->lay(lanes, s, &varying);
    if (__builtin_expect(s->special, 0))
        good &= lay_texts(lanes, s, &varying);
    for (unsigned i = 0; i < lanes->count[LANE_CHECKED]; i++)
        good &= binary_lay_value(tree, &checked[i]);
    for (unsigned i = 0; i < lanes->fixed_count; i++)
        good &= binary_lay_value(tree, &lanes->fixed[i]);
    good &= tcore_shape_share(tree, scope->value, scope->values);
    row->length = lanes->length + varying + scope->length;
    row->node = lanes->node[scope->layout];
    uint32_t values = lanes->lanes + lanes->fixed_count + scope->values;
    return tcore_binary_row_laid(writer, row, values, good, err);
}

/* --- learning --- */

static enum form_lane_kind kind_of(const struct form *form, const struct form_cell *cell,
                                   unsigned class)
{
    if (cell->class == CELL_MADE)
        return LANE_CHECKED;
    switch ((enum form_value)cell->value) {
    case FORM_TRACE_ID:
        return LANE_TRACE_ID;
    case FORM_SPAN_ID:
        return LANE_SPAN_ID;
    case FORM_START:
        return form->timed ? LANE_START : LANE_CHECKED;
    case FORM_STOP:
        return form->timed ? LANE_STOP : LANE_CHECKED;
    case FORM_DURATION:
        return LANE_DURATION;
    case FORM_INTEGER:
        return LANE_INTEGER;
    case FORM_TEXT:
        return class == CLASS_STRING ? LANE_TEXT : LANE_CHECKED;
    default:
        return LANE_CHECKED;
    }
}

/* Puts the lane behind those of its kind. */
static void add_lane(struct form_lanes *lanes, struct form_lane lane, enum form_lane_kind kind)
{
    unsigned at = lanes->lanes;
    for (unsigned k = LANE_KINDS; k-- > (unsigned)kind + 1;) {
        /* the first of a kind moves behind its last */
        lanes->lane[at] = lanes->lane[at - lanes->count[k]];
        at -= lanes->count[k];
    }
    lanes->lane[at] = lane;
    lanes->count[kind]++;
    lanes->lanes++;
}

static void learn_value(struct form_lanes *lanes, const struct form_source *s,
                        struct shape_tree *tree, const struct form_cell *cell,
                        const struct shape_value *value)
{
    if (cell->class != CELL_COPY && cell->class != CELL_MADE) {
        lanes->fixed[lanes->fixed_count++] = form_value_again(tree, value);
        return;
    }
    struct form_lane lane = {.column = &tree->column[value->column],
                             .from = cell->from,
                             .to = cell->to,
                             .cell = cell,
                             .number = value->column,
                             .class = value->class};
    if (cell->class == CELL_COPY && cell->value != FORM_DURATION &&
        *form_place_in(s, cell->from) == '"') {
        lane.from.offset++;
        lane.to.offset--;
    }
    add_lane(lanes, lane, kind_of(s->form, cell, value->class));
}

/* Takes the values of all sections. False: lanes would not be as sure as the row's own way. */
static bool learn_values(struct form_lanes *lanes, const struct form_source *s,
                         struct shape_tree *tree, const struct form_put *put)
{
    for (unsigned i = 0; i < s->form->section_count; i++) {
        const struct form_section *section = &s->form->sections[i];
        const struct shape_value *value = &tree->value[put->from[i]];
        for (unsigned k = 0; k < section->count; k++) {
            const struct form_cell *cell = &section->cell[k];
            if (cell->class == CELL_OPEN || cell->class == CELL_CLOSE)
                continue;
            if (tree->column[value->column].mixed || lanes->count[LANE_CHECKED] == FORM_CHECKED)
                return false;
            learn_value(lanes, s, tree, cell, value++);
        }
    }
    return true;
}

/* What form_lanes_put() would call varying, of the lanes that the variant lays. */
static size_t varying_length(const struct form_lanes *lanes, const struct form_source *s)
{
    const struct form_lane *lane = lanes->lane + lanes->count[LANE_TRACE_ID];
    size_t length = 0;
    lane += lanes->count[LANE_SPAN_ID];
    for (unsigned kind = LANE_START; kind < LANE_CHECKED; kind++)
        for (unsigned i = 0; i < lanes->count[kind]; i++, lane++)
            length += kind == LANE_DURATION ? tcore_int64_length(s->stop_ns - s->start_ns)
                                            : text_in(s, lane).length;
    return length;
}

void form_lanes_learn(struct form_lanes *lanes, const struct form_source *s,
                      const struct tcore_binary_row *row, const struct form_put *put,
                      const struct form_scope *scope)
{
    struct shape_value checked[FORM_CHECKED];
    size_t varying = 0;
    if (!binary_stamp_holds(&lanes->stamp, row->tree)) {
        lanes->stamp = (struct binary_stamp){0};
        memset(lanes->count, 0, sizeof lanes->count);
        memset(lanes->node, 0, sizeof lanes->node);
        lanes->lanes = lanes->fixed_count = 0;
        tcore_buf_clear(s->made);
        if (!learn_values(lanes, s, row->tree, put) || !check_values(lanes, s, checked, &varying))
            return;
        lanes->stamp = binary_stamp_of(row->tree);
        lanes->length = row->length - put->shared_length - varying - varying_length(lanes, s);
    }
    lanes->node[scope->layout] = row->node;
}
