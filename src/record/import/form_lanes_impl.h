/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laying the copied values of a row. Included by form_impl.h, which says what it finds. */

static inline bool lay_ids(const struct form_lane *lane, unsigned count, size_t digits,
                           const struct form_source *s)
{
    bool good = true;
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[16];
        id_bytes(bytes, place_in(s->text, s->point, lane[i].from), digits);
        good &= binary_column_add_text(lane[i].column, (const char *)bytes, digits / 2);
    }
    return good;
}

static inline bool lay_times(const struct form_lane *lane, unsigned count, int64_t value,
                             const struct form_source *s, size_t *length)
{
    bool good = true;
    for (unsigned i = 0; i < count; i++) {
        good &= binary_column_add_int(lane[i].column, value);
        *length += (size_t)(place_in(s->text, s->point, lane[i].to) -
                            place_in(s->text, s->point, lane[i].from));
    }
    return good;
}

static inline bool lay_integers(const struct form_lane *lane, unsigned count,
                                const struct form_source *s, size_t *length)
{
    bool good = true;
    for (unsigned i = 0; i < count; i++) {
        const char *from = place_in(s->text, s->point, lane[i].from);
        const char *to = place_in(s->text, s->point, lane[i].to);
        bool minus = *from == '-';
        int64_t value = (int64_t)digits_value(from + minus, (unsigned)(to - from) - minus);
        good &= binary_column_add_int(lane[i].column, minus ? -value : value);
        *length += (size_t)(to - from);
    }
    return good;
}

static inline bool lay_texts(const struct form_lane *lane, unsigned count,
                             const struct form_source *s, size_t *length)
{
    bool good = true;
    for (unsigned i = 0; i < count; i++) {
        const char *from = place_in(s->text, s->point, lane[i].from);
        size_t bytes = (size_t)(place_in(s->text, s->point, lane[i].to) - from);
        good &= binary_column_add_near(lane[i].column, from, bytes);
        *length += bytes;
    }
    return good;
}

static bool lay_values(const struct form_lanes *lanes, const struct form_source *s, size_t *length)
{
    const struct form_lane *lane = lanes->lane;
    const unsigned *count = lanes->count;
    bool good = lay_ids(lane, count[LANE_TRACE_ID], 32, s);
    lane += count[LANE_TRACE_ID];
    good &= lay_ids(lane, count[LANE_SPAN_ID], 16, s);
    lane += count[LANE_SPAN_ID];
    good &= lay_times(lane, count[LANE_START], s->start_ns, s, length);
    lane += count[LANE_START];
    good &= lay_times(lane, count[LANE_STOP], s->stop_ns, s, length);
    lane += count[LANE_STOP];
    for (unsigned i = 0; i < count[LANE_DURATION]; i++, lane++) {
        good &= binary_column_add_int(lane->column, s->stop_ns - s->start_ns);
        *length += tcore_int64_length(s->stop_ns - s->start_ns);
    }
    good &= lay_integers(lane, count[LANE_INTEGER], s, length);
    lane += count[LANE_INTEGER];
    if (__builtin_expect(!s->special, 1))
        good &= lay_texts(lane, count[LANE_TEXT], s, length);
    return good;
}
