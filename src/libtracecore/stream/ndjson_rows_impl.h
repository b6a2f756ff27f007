/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plain rows: spans of a known form, with nothing about them that would have to be looked at
 * closer, go to their columns at once. Included by ndjson_parse_impl.h, behind ndjson_form_impl.h;
 * ROWS_NAME is the function.
 */

static inline bool has_plain_scalars(const struct line *line, const struct ndjson_form *form)
{
    for (unsigned i = 0; i < form->scalar_count; i++)
        if (UNLIKELY(!is_plain_integer(place_in(line, form->scalars[i].from),
                                       place_in(line, form->scalars[i].to))))
            return false;
    return true;
}

static inline bool is_plain(const struct line *line, const struct ndjson_form *form)
{
    const uint16_t *points = line->points;
    if (UNLIKELY(place_in(line, form->end) != line->base + points[line->quotes + 1]))
        return false;
    for (unsigned i = 0; i < form->check_count; i++) {
        unsigned point = form->checks[i].point;
        const char *text = line->base + points[point] + 1;
        size_t length = (size_t)(points[point + 1] - points[point] - 1);
        bool good = form->checks[i].time ? is_plain_time(text, length) : is_plain_id(text, length);
        if (UNLIKELY(!good))
            return false;
    }
    return has_plain_scalars(line, form);
}

/* A cell's value. False: it has to be looked at closer. */
static inline bool put_cell(const struct line *line, const struct ndjson_form *form,
                            struct form_cell cell, struct tcore_value *value)
{
    if (cell.class == CELL_ABSENT) {
        tcore_value_put(value, TCORE_ABSENT, 0, 0);
        return true;
    }
    if (cell.class == CELL_SCALAR) {
        const struct form_scalar *scalar = &form->scalars[cell.at];
        const char *from = place_in(line, scalar->from), *to = place_in(line, scalar->to);
        tcore_value_put_int(value, (int64_t)digits_value(from, (unsigned)(to - from)));
        return true;
    }
    const uint16_t *point = &line->points[cell.at];
    const char *text = line->base + point[0] + 1;
    size_t length = (size_t)(point[1] - point[0] - 1);
    if (cell.class == CELL_TIME) {
        if (!is_plain_time(text, length))
            return false;
        tcore_value_put_int(value, integer_value(text, false, (unsigned)length).i);
        return true;
    }
    tcore_value_put_string(value, text, length);
    return cell.class == CELL_STRING ||
           (is_plain_id(text, length) &&
            tcore_id_is_canonical((enum tcore_id_class)cell.id, text, length));
}

unsigned ROWS_NAME(struct ndjson_forms *forms, const struct ndjson_window *window, unsigned number,
                   struct tcore_value *const *columns, size_t row)
{
    unsigned from = number;
    for (; number < window->lines; number++, row++) {
        const struct line line = get_line(window, number);
        const struct ndjson_form *form = find_form(forms, &line);
        if (UNLIKELY(!form || !form->cells || !is_plain(&line, form)))
            break;
        for (size_t i = 0; i < forms->column_count; i++)
            if (!put_cell(&line, form, form->cells[i], &columns[i][row]))
                return number - from;
    }
    return number - from;
}
