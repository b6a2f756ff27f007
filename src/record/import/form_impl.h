/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding forms and writing records by them. Included once for each instruction set, after these
 * are defined:
 *     VARIANT          the struct form_variant that is made, and VARIANT_NAME
 *     struct look, look_begin(), look_end(look)
 *                      whether one of the bytes scanned in between needs a closer look
 *     struct block {uint64_t quote, backslash}, scan(p, look)
 *                      a bit for each of the 64 bytes at p that is one
 *     put_points(out, points, offset)
 *                      writes offset + its number for each bit of points; up to 64 are written
 *     differing(p, text, mask)   0 if the bytes at p and text are the same where mask has a bit
 *     copy(out, p, length)    copies so many bytes; up to FORM_PIECE, it may read and write more
 *     is_plain(p, length) whether there is nothing among so many bytes that needs a closer look;
 *                      it may say no of some where there is not
 *     is_id(p, length) whether so many lower-case hexadecimal digits stand at p; 16 or 32
 *     id_bytes(out, p, length)   the bytes that these digits stand for
 *     digits(p)        how many decimal digits stand at p, 20 if that many or more
 *     digits_value(p, n)      the value of 1 to 19 digits
 */
#include "model/number.h"
#include "record/import/escape.h"
#include "record/import/form_row.h"

static void index_quotes(struct form_index *index, const char *text, size_t length)
{
    struct look look = look_begin();
    uint32_t *out = index->point;
    bool escaped = false;
    char last[64];
    const uint32_t *full = index->point + index->capacity;
    for (size_t offset = 0; offset < length && full - out >= 64; offset += 64) {
        const char *p = text + offset;
        if (__builtin_expect(length - offset < 64, 0)) {
            memset(last, ' ', sizeof last);
            p = memcpy(last, p, length - offset);
        }
        struct block block = scan(p, &look);
        uint64_t points = block.quote;
        if (__builtin_expect(block.backslash || escaped, 0))
            points &= ~import_escaped_bytes(block.backslash, &escaped);
        put_points(out, points, (uint32_t)offset);
        out += __builtin_popcountll(points);
    }
    index->count = (size_t)(out - index->point);
    index->special = look_end(&look);
    for (unsigned i = 0; i < FORM_POINTS; i++)
        out[i] = 8; /* where any word of a choice can be read */
}

static inline const char *place_in(const char *text, const uint32_t *point, struct form_place place)
{
    return text + point[place.point] + place.offset;
}

static inline bool has_pieces(const struct form *form, const char *text, const uint32_t *point)
{
    uint64_t differ = 0;
    for (unsigned i = 0; i < form->piece_count; i++)
        differ |= differing(place_in(text, point, form->pieces[i].place), form->text[i],
                            form->pieces[i].mask);
    return !differ;
}

/* Whether it is a canonical int64 above zero. */
static inline bool is_time(const char *p, size_t length)
{
    return length - 1 < 19 && *p != '0' && digits(p) == length && (length < 19 || *p < '9');
}

/* Whether it is a canonical integer, which is surely an int64. */
static inline bool is_integer(const char *p, size_t length)
{
    size_t minus = length && *p == '-';
    p += minus;
    length -= minus;
    return length - 1 < 18 && digits(p) == length && (*p != '0' || length + minus == 1);
}

/* Whether it is text of a canonical string, where the document is special. */
static inline bool is_text(const char *p, size_t length, struct form_found *found)
{
    if (is_plain(p, length))
        return true;
    found->special = true;
    return form_is_text(p, length);
}

static inline __attribute__((always_inline)) bool is_good(enum form_value kind, const char *from,
                                                          size_t length, bool special,
                                                          struct form_found *found)
{
    switch (kind) {
    case FORM_TEXT:
        return length && (__builtin_expect(!special, 1) || is_text(from, length, found));
    case FORM_TRACE_ID:
        return length == 32 && is_id(from, 32) && memcmp(from, "00000000", 8) != 0;
    case FORM_SPAN_ID:
        return length == 16 && is_id(from, 16) && memcmp(from, "00000000", 8) != 0;
    case FORM_TIME:
    case FORM_START:
    case FORM_STOP:
        return is_time(from, length);
    case FORM_INTEGER:
        return is_integer(from, length);
    case FORM_DECIMAL:
        return form_is_decimal(from, length);
    default:
        return false;
    }
}

/* The time between those places. */
static inline int64_t time_in(const struct form_place_of *at, struct form_place from,
                              struct form_place to)
{
    const char *digits = place_in(at->text, at->point, from);
    return (int64_t)digits_value(digits, (unsigned)(place_in(at->text, at->point, to) - digits));
}

/* Whether the values of one kind are good, in a loop of its own for each. *check moves on. */
static inline __attribute__((always_inline)) bool
are_good(enum form_value kind, const struct form *form, const struct form_check **check,
         const struct form_place_of *at, struct form_found *found)
{
    const struct form_check *end = *check + form->kind_count[kind];
    bool good = true;
    for (; *check < end; ++*check) {
        const char *from = place_in(at->text, at->point, (*check)->from);
        const char *to = place_in(at->text, at->point, (*check)->to);
        good &= is_good(kind, from, (size_t)(to - from), at->special, found);
    }
    return good;
}

static inline bool has_values(const struct form *form, const struct form_place_of *at,
                              struct form_found *found)
{
    const struct form_check *check = form->checks;
    found->start_ns = found->stop_ns = 0;
    found->special = false;
    if (!are_good(FORM_TEXT, form, &check, at, found) ||
        !are_good(FORM_TRACE_ID, form, &check, at, found) ||
        !are_good(FORM_SPAN_ID, form, &check, at, found) ||
        !are_good(FORM_TIME, form, &check, at, found) ||
        !are_good(FORM_START, form, &check, at, found) ||
        !are_good(FORM_STOP, form, &check, at, found) ||
        !are_good(FORM_INTEGER, form, &check, at, found) ||
        !are_good(FORM_DECIMAL, form, &check, at, found))
        return false;
    if (!form->timed)
        return true;
    found->start_ns = time_in(at, form->start, form->start_end);
    found->stop_ns = time_in(at, form->stop, form->stop_end);
    return found->stop_ns >= found->start_ns;
}

/* Whether all of its places can be looked at. */
static inline bool is_within(const struct form *form, const struct form_place_of *at)
{
    return at->points >= form->points && at->point[0] >= form->back &&
           at->point[0] - at->offset == form->head && form->depth <= at->depth &&
           at->point[form->points - 1] + form->reach + 2 * FORM_PIECE <= at->readable;
}

static const struct form *find_form(const struct form_choice *choice,
                                    const struct form_place_of *at, struct form_found *found)
{
    while (choice && choice->ways)
        choice = choice->ways[form_way(at->text + at->point[choice->point] +
                                       form_word_offset[choice->word])];
    for (const struct form *form = choice ? choice->form : NULL; form; form = form->next) {
        if (!is_within(form, at) || !has_pieces(form, at->text, at->point))
            continue;
        found->end = (size_t)(place_in(at->text, at->point, form->end) - at->text);
        if (found->end <= at->length && has_values(form, at, found))
            return form;
    }
    return NULL;
}

static inline char *put_shared(const struct form_shared *shared, enum form_value value, char *out)
{
    const size_t *at = &shared->at[value - FORM_SERVICE];
    memcpy(out, shared->text.data + at[0], at[1] - at[0]);
    return out + (at[1] - at[0]);
}

static char *put_record(const struct form *form, const char *text, const uint32_t *point,
                        int64_t duration_ns, const struct form_shared *shared, char *out)
{
    for (unsigned i = 0; i < form->step_count; i++) {
        const struct form_step *step = &form->steps[i];
        copy(out, step->text, step->length);
        out += step->length;
        if (step->value < FORM_DURATION) {
            const char *from = place_in(text, point, step->from);
            size_t length = (size_t)(place_in(text, point, step->to) - from);
            copy(out, from, length);
            out += length;
        } else if (step->value == FORM_DURATION) {
            out += tcore_format_int64(out, duration_ns);
        } else if (step->value != FORM_NOTHING) {
            out = put_shared(shared, (enum form_value)step->value, out);
        }
    }
    return out;
}

#include "record/import/form_lanes_impl.h"

const struct form_variant VARIANT = {
    .name = VARIANT_NAME,
    .index = index_quotes,
    .find = find_form,
    .bytes = id_bytes,
    .lay = lay_values,
    .put = put_record,
};
