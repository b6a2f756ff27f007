/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exemplars: a short sorted list. */
#include "stats/exemplars.h"

#include "base/sys.h"
#include "model/json.h"
#include "stats/encode.h"

#include <math.h>
#include <string.h>

static const char exemplars_name[] = "exemplars";

void tcore_exemplars_free(struct tcore_exemplars *exemplars)
{
    tcore_free(exemplars->list);
    *exemplars = (struct tcore_exemplars){0};
}

struct tcore_exemplar tcore_exemplar_of(const struct tcore_value *value, const uint8_t trace_id[16],
                                        const uint8_t *span_id)
{
    struct tcore_exemplar e = {.kind = TCORE_ABSENT};
    memcpy(e.trace_id, trace_id, sizeof e.trace_id);
    if (span_id)
        memcpy(e.span_id, span_id, sizeof e.span_id);
    if (value->kind == TCORE_INT) {
        e.kind = TCORE_INT;
        e.integer = value->i;
        e.floating = (double)value->i;
    } else if (tcore_value_is_number(value)) {
        e.kind = TCORE_DOUBLE;
        e.floating = tcore_value_double(value) + 0.0; /* -0 is 0 */
    }
    return e;
}

/* Below 0: a has the larger value. Of an integer and a double that are as large the integer has. */
static int compare_values(const struct tcore_exemplar *a, const struct tcore_exemplar *b)
{
    bool number = a->kind != TCORE_ABSENT, other = b->kind != TCORE_ABSENT;
    if (number != other)
        return number ? -1 : 1;
    if (a->floating != b->floating)
        return a->floating > b->floating ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind == TCORE_INT ? -1 : 1;
    return a->integer != b->integer ? (a->integer > b->integer ? -1 : 1) : 0;
}

static bool has_span(const struct tcore_exemplar *e)
{
    static const uint8_t none[sizeof e->span_id];
    return memcmp(e->span_id, none, sizeof none) != 0;
}

/* Below 0: a comes before b. */
static int compare(const struct tcore_exemplar *a, const struct tcore_exemplar *b)
{
    int order = compare_values(a, b);
    if (!order)
        order = memcmp(a->trace_id, b->trace_id, sizeof a->trace_id);
    if (!order && has_span(a) != has_span(b))
        order = has_span(a) ? -1 : 1;
    return order ? order : memcmp(a->span_id, b->span_id, sizeof a->span_id);
}

static void remove_at(struct tcore_exemplars *exemplars, uint32_t at)
{
    exemplars->count--;
    memmove(exemplars->list + at, exemplars->list + at + 1,
            (exemplars->count - at) * sizeof *exemplars->list);
}

enum tcore_status tcore_exemplars_add(struct tcore_exemplars *exemplars, uint32_t limit,
                                      const struct tcore_exemplar *exemplar)
{
    if (isnan(exemplar->floating))
        return TCORE_OK;
    if (exemplars->count == limit && compare(exemplar, &exemplars->list[limit - 1]) > 0)
        return TCORE_OK;
    if (!exemplars->list)
        exemplars->list = tcore_calloc(limit, sizeof *exemplars->list);
    if (!exemplars->list)
        return TCORE_FATAL;
    uint32_t at = 0;
    for (uint32_t i = 0; i < exemplars->count; i++) {
        struct tcore_exemplar *known = &exemplars->list[i];
        if (memcmp(known->trace_id, exemplar->trace_id, sizeof known->trace_id) != 0)
            continue;
        if (compare(known, exemplar) <= 0)
            return TCORE_OK;
        remove_at(exemplars, i);
        break;
    }
    if (exemplars->count == limit)
        exemplars->count--;
    while (at < exemplars->count && compare(&exemplars->list[at], exemplar) < 0)
        at++;
    memmove(exemplars->list + at + 1, exemplars->list + at,
            (exemplars->count - at) * sizeof *exemplars->list);
    exemplars->list[at] = *exemplar;
    exemplars->count++;
    return TCORE_OK;
}

enum tcore_status tcore_exemplars_merge(struct tcore_exemplars *into, uint32_t limit,
                                        const struct tcore_exemplars *from)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < from->count && !status; i++)
        status = tcore_exemplars_add(into, limit, &from->list[i]);
    return status;
}

static void write_id(const char *name, const uint8_t *bytes, size_t count, struct tcore_buf *out)
{
    tcore_buf_puts(out, name);
    for (size_t i = 0; i < count; i++)
        tcore_buf_printf(out, "%02x", bytes[i]);
    tcore_buf_putc(out, '"');
}

void tcore_exemplars_write(const struct tcore_exemplars *exemplars, struct tcore_buf *out)
{
    tcore_buf_putc(out, '[');
    for (uint32_t i = 0; i < exemplars->count; i++) {
        const struct tcore_exemplar *e = &exemplars->list[i];
        tcore_buf_puts(out, i ? ",{" : "{");
        write_id("\"traceId\":\"", e->trace_id, sizeof e->trace_id, out);
        if (has_span(e))
            write_id(",\"spanId\":\"", e->span_id, sizeof e->span_id, out);
        if (e->kind != TCORE_ABSENT) {
            struct tcore_value value = e->kind == TCORE_INT ? tcore_value_int(e->integer)
                                                            : tcore_value_of_double(e->floating);
            tcore_buf_puts(out, ",\"value\":");
            tcore_json_write_value(out, &value);
        }
        tcore_buf_putc(out, '}');
    }
    tcore_buf_putc(out, ']');
}

/* What an entry has. */
enum { HAS_INT = 1, HAS_DOUBLE = 2, HAS_SPAN = 4 };

void tcore_exemplars_encode(const struct tcore_exemplars *exemplars, struct tcore_buf *out)
{
    tcore_encode_uint64(out, exemplars->count);
    for (uint32_t i = 0; i < exemplars->count; i++) {
        const struct tcore_exemplar *e = &exemplars->list[i];
        unsigned kind = e->kind == TCORE_INT ? HAS_INT : e->kind == TCORE_DOUBLE ? HAS_DOUBLE : 0;
        tcore_encode_uint64(out, kind | (has_span(e) ? HAS_SPAN : 0));
        tcore_buf_append(out, (const char *)e->trace_id, sizeof e->trace_id);
        if (has_span(e))
            tcore_buf_append(out, (const char *)e->span_id, sizeof e->span_id);
        if (kind == HAS_INT)
            tcore_encode_int64(out, e->integer);
        else if (kind == HAS_DOUBLE)
            tcore_encode_double(out, e->floating);
    }
}

static bool decode_bytes(struct tcore_state_reader *in, uint8_t *bytes, size_t count)
{
    if (tcore_state_reader_left(in) < count)
        return false;
    memcpy(bytes, in->at, count);
    in->at += count;
    return true;
}

static bool decode_one(struct tcore_state_reader *in, struct tcore_exemplar *e)
{
    uint64_t head;
    uint8_t trace_id[16], span_id[8] = {0};
    struct tcore_value value = {0};
    double floating = 0;
    int64_t integer = 0;
    if (!tcore_decode_uint64(in, &head) || head > 6 || (head & 3) == 3 ||
        !decode_bytes(in, trace_id, sizeof trace_id) ||
        (head & HAS_SPAN && !decode_bytes(in, span_id, sizeof span_id)))
        return false;
    if (head & HAS_INT) {
        if (!tcore_decode_int64(in, &integer))
            return false;
        value = tcore_value_int(integer);
    } else if (head & HAS_DOUBLE) {
        if (!tcore_decode_double(in, &floating) || isnan(floating) ||
            (floating == 0 && signbit(floating)))
            return false;
        value = tcore_value_of_double(floating);
    }
    *e = tcore_exemplar_of(&value, trace_id, span_id);
    return has_span(e) == !!(head & HAS_SPAN);
}

enum tcore_status tcore_exemplars_decode(struct tcore_exemplars *exemplars, uint32_t limit,
                                         struct tcore_state_reader *in, struct tcore_error *err)
{
    uint64_t count;
    struct tcore_exemplars read = {0};
    bool good = tcore_decode_uint64(in, &count) && count <= limit;
    enum tcore_status status = TCORE_OK;
    for (uint64_t i = 0; good && !status && i < count; i++) {
        struct tcore_exemplar e;
        good = decode_one(in, &e);
        if (good)
            status = tcore_exemplars_add(&read, limit, &e);
        /* each behind the one before it, and of another trace */
        good = good && (status || (read.count == i + 1 && !compare(&read.list[i], &e)));
    }
    if (!good || status) {
        tcore_exemplars_free(&read);
        return status ? tcore_error_nomem(err)
                      : tcore_decode_failed(err, exemplars_name, "bad entry");
    }
    *exemplars = read;
    return TCORE_OK;
}
