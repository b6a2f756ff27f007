/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spans of OTLP protobuf that go straight from the wire into columns are those that the tape makes
 * of them: messages from a seed, with everything odd in them that an encoder may write, and then
 * with what none should, are imported both ways. A seed that fails comes again with
 *     test-import-rows SEED
 */
#include "tap.h"

#include "import_blocks.h"
#include "random.h"

#include "record/import/otlp_wire.h"

#include <limits.h>

enum { LARGE_BYTES = 300000, LARGE_SPANS = 90 }; /* more than three blocks hold */
enum { SEEDS = 60, LONG_SEEDS = 20000, MUTANTS = 12 };

struct maker {
    struct random_source random;
    unsigned oddity; /* of 100 choices so many are odd ones */
    uint64_t time;   /* the last that was drawn */
};

static size_t below(struct maker *m, size_t limit)
{
    return (size_t)random_below(&m->random, limit);
}

static bool is_odd(struct maker *m)
{
    return below(m, 100) < m->oddity;
}

/* ---- an encoder ---- */

static void put_varint(struct tcore_buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        tcore_buf_putc(out, (char)(value | 0x80));
    tcore_buf_putc(out, (char)value);
}

static void put_tag(struct tcore_buf *out, unsigned number, unsigned type)
{
    put_varint(out, number << 3 | type);
}

static void put_number(struct tcore_buf *out, unsigned number, uint64_t value)
{
    put_tag(out, number, TCORE_WIRE_VARINT);
    put_varint(out, value);
}

static void put_fixed64(struct tcore_buf *out, unsigned number, uint64_t value)
{
    char bytes[8];
    binary_put64(bytes, value);
    put_tag(out, number, TCORE_WIRE_FIXED64);
    tcore_buf_append(out, bytes, sizeof(bytes));
}

static void put_fixed32(struct tcore_buf *out, unsigned number, uint32_t value)
{
    char bytes[4];
    binary_put32(bytes, value);
    put_tag(out, number, TCORE_WIRE_FIXED32);
    tcore_buf_append(out, bytes, sizeof(bytes));
}

static void put_bytes(struct tcore_buf *out, unsigned number, const void *data, size_t length)
{
    put_tag(out, number, TCORE_WIRE_BYTES);
    put_varint(out, length);
    tcore_buf_append(out, data, length);
}

static void put_text(struct tcore_buf *out, unsigned number, const char *text)
{
    put_bytes(out, number, text, strlen(text));
}

/* Puts the message and frees it. */
static void put_message(struct tcore_buf *out, unsigned number, struct tcore_buf *message)
{
    put_bytes(out, number, message->data, message->length);
    tcore_buf_free(message);
}

/* ---- values ---- */

static const char *word(struct maker *m)
{
    static const char *const words[] = {
        "cart", "GET /cart", "postgresql", "a", "", "users", "a longer text with some words in it"};
    static const char *const odd[] = {"q\"uote\\",
                                      "\x01\x1f\t\n\r\b\f/",
                                      "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
                                      "\x7f\xed\x9f\xbf",
                                      "0123456789abcdef",
                                      "0123456789ABCDEF",
                                      "00000000000000000000000000000000",
                                      "0123456789abcdef0123456789abcdef",
                                      "1544712660000000000",
                                      "-1544712660",
                                      "01544712660",
                                      "9223372036854775808",
                                      "NaN",
                                      "\xff",
                                      "\xed\xa0\x80",
                                      "cut \xe2\x82"};
    return is_odd(m) ? odd[below(m, sizeof(odd) / sizeof(*odd))]
                     : words[below(m, sizeof(words) / sizeof(*words))];
}

static const char *key_word(struct maker *m)
{
    static const char *const keys[] = {
        "http.route", "db.system.name", "k", "thread.id", "server", "a.rather.long.attribute.name"};
    static const char *const odd[] = {"", "q\"", "\xc3\xa4", "\xff", "type", "timeUnixNano"};
    return is_odd(m) ? odd[below(m, sizeof(odd) / sizeof(*odd))]
                     : keys[below(m, sizeof(keys) / sizeof(*keys))];
}

static uint64_t integer(struct maker *m)
{
    static const uint64_t odd[] = {0, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX, 9, 10, 999, 1000};
    return is_odd(m) ? odd[below(m, sizeof(odd) / sizeof(*odd))]
                     : random_bits(&m->random) >> below(m, 64);
}

static double number(struct maker *m)
{
    static const double odd[] = {0.0,
                                 -0.0,
                                 1e300,
                                 1e21,
                                 5e-324,
                                 1e-7,
                                 -2.0,
                                 1234.0,
                                 (double)INFINITY,
                                 (double)-INFINITY,
                                 (double)NAN};
    return is_odd(m) ? odd[below(m, sizeof(odd) / sizeof(*odd))] : (double)below(m, 1000000) / 1000;
}

static void put_any(struct maker *m, struct tcore_buf *out, unsigned depth);

/* ArrayValue or KeyValueList. */
static void put_values(struct maker *m, struct tcore_buf *out, bool pairs, unsigned depth)
{
    for (size_t i = below(m, 3); i > 0; i--) {
        struct tcore_buf value = {0};
        if (pairs) {
            struct tcore_buf any = {0};
            put_text(&value, IMPORT_WIRE_KEY, key_word(m));
            put_any(m, &any, depth + 1);
            put_message(&value, IMPORT_WIRE_VALUE, &any);
        } else {
            put_any(m, &value, depth + 1);
        }
        put_message(out, IMPORT_WIRE_VALUES, &value);
    }
}

static void put_odd_any(struct maker *m, struct tcore_buf *out, unsigned depth)
{
    struct tcore_buf list = {0};
    switch (below(m, 6)) {
    case 0:
        put_values(m, &list, false, depth);
        put_message(out, IMPORT_WIRE_ANY_ARRAY, &list);
        break;
    case 1:
        put_values(m, &list, true, depth);
        put_message(out, IMPORT_WIRE_ANY_KEY_VALUES, &list);
        break;
    case 2:
        put_text(out, IMPORT_WIRE_ANY_BYTES, word(m));
        break;
    case 3: /* several members: the last counts */
        put_number(out, IMPORT_WIRE_ANY_INT, integer(m));
        put_text(out, IMPORT_WIRE_ANY_STRING, word(m));
        break;
    case 4:
        put_number(out, 8 + (unsigned)below(m, 20), 1);
        break;
    default: /* null */
        break;
    }
}

static void put_any(struct maker *m, struct tcore_buf *out, unsigned depth)
{
    double d;
    uint64_t bits;
    if (depth < 4 && is_odd(m)) {
        put_odd_any(m, out, depth);
        return;
    }
    switch (below(m, 6)) {
    case 0:
        put_number(out, IMPORT_WIRE_ANY_INT, integer(m));
        break;
    case 1:
        d = number(m);
        memcpy(&bits, &d, sizeof(bits));
        put_fixed64(out, IMPORT_WIRE_ANY_DOUBLE, bits);
        break;
    case 2:
        put_number(out, IMPORT_WIRE_ANY_BOOL, below(m, 2));
        break;
    default:
        put_text(out, IMPORT_WIRE_ANY_STRING, word(m));
        break;
    }
}

static void put_attributes(struct maker *m, struct tcore_buf *out, unsigned number)
{
    static const char *const distinct[] = {"first", "second", "third", "fourth"};
    size_t count = is_odd(m) ? below(m, 70) : below(m, 4);
    for (size_t i = 0; i < count; i++) {
        struct tcore_buf pair = {0}, any = {0};
        const char *key = i < 4 && !is_odd(m) ? distinct[i] : key_word(m);
        put_any(m, &any, 0);
        if (is_odd(m)) { /* the value first, or no key, or something else besides */
            put_message(&pair, IMPORT_WIRE_VALUE, &any);
            if (below(m, 2))
                put_text(&pair, IMPORT_WIRE_KEY, key);
            if (below(m, 2))
                put_number(&pair, 3, 1);
        } else {
            put_text(&pair, IMPORT_WIRE_KEY, key);
            put_message(&pair, IMPORT_WIRE_VALUE, &any);
        }
        put_message(out, number, &pair);
    }
}

/* ---- spans ---- */

static void put_id(struct maker *m, struct tcore_buf *out, unsigned number, size_t length)
{
    char bytes[20];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)below(m, 256);
    bytes[0] |= 1;
    if (is_odd(m))
        memset(bytes, 0, sizeof(bytes));
    put_bytes(out, number, bytes, is_odd(m) ? below(m, sizeof(bytes)) : length);
}

static uint64_t time_of(struct maker *m)
{
    if (below(m, 10))
        m->time = is_odd(m) ? integer(m) : UINT64_C(1790000000000000000) + below(m, 1000000000);
    return m->time;
}

static void put_status(struct maker *m, struct tcore_buf *out)
{
    struct tcore_buf status = {0};
    if (below(m, 3) == 0)
        put_text(&status, OTLP_WIRE_STATUS_MESSAGE, word(m));
    if (below(m, 2))
        put_number(&status, OTLP_WIRE_STATUS_CODE, is_odd(m) ? integer(m) : below(m, 3));
    if (is_odd(m))
        put_number(&status, 1 + (unsigned)below(m, 4), 1);
    put_message(out, OTLP_WIRE_STATUS, &status);
}

/* What a record has of each kind of field that is not for what it says. */
static void put_unknown(struct maker *m, struct tcore_buf *out)
{
    unsigned number = 1 + (unsigned)below(m, 40);
    switch (below(m, 5)) {
    case 0:
        put_number(out, number, integer(m));
        break;
    case 1:
        put_fixed64(out, number, integer(m));
        break;
    case 2:
        put_fixed32(out, number, (uint32_t)integer(m));
        break;
    case 3:
        put_text(out, number, word(m));
        break;
    default: /* a group */
        put_tag(out, number, TCORE_WIRE_GROUP);
        put_number(out, 1, 1);
        put_tag(out, number, 4);
        break;
    }
}

static void put_event(struct maker *m, struct tcore_buf *out, unsigned number)
{
    struct tcore_buf event = {0};
    put_fixed64(&event, 1, time_of(m));
    put_text(&event, 2, word(m));
    put_attributes(m, &event, 3);
    put_message(out, number, &event);
}

static void put_link(struct maker *m, struct tcore_buf *out)
{
    struct tcore_buf link = {0};
    put_id(m, &link, 1, 16);
    put_id(m, &link, 2, 8);
    put_message(out, OTLP_WIRE_LINKS, &link);
}

static void put_field(struct maker *m, struct tcore_buf *out, unsigned field)
{
    switch (field) {
    case OTLP_WIRE_TRACE_ID:
        put_id(m, out, field, 16);
        break;
    case OTLP_WIRE_SPAN_ID:
    case OTLP_WIRE_PARENT_ID:
        put_id(m, out, field, 8);
        break;
    case OTLP_WIRE_TRACE_STATE:
    case OTLP_WIRE_NAME:
        put_text(out, field, word(m));
        break;
    case OTLP_WIRE_KIND:
        put_number(out, field, is_odd(m) ? integer(m) : below(m, 6));
        break;
    case OTLP_WIRE_START:
    case OTLP_WIRE_END:
        put_fixed64(out, field, time_of(m));
        break;
    case OTLP_WIRE_ATTRIBUTES:
        put_attributes(m, out, field);
        break;
    case OTLP_WIRE_EVENTS:
        put_event(m, out, field);
        break;
    case OTLP_WIRE_LINKS:
        put_link(m, out);
        break;
    case OTLP_WIRE_STATUS:
        put_status(m, out);
        break;
    case OTLP_WIRE_FLAGS:
        put_fixed32(out, field, (uint32_t)integer(m));
        break;
    default:
        put_number(out, field, integer(m) >> 1);
        break;
    }
}

static void put_span(struct maker *m, struct tcore_buf *out)
{
    struct tcore_buf span = {0};
    for (unsigned field = OTLP_WIRE_TRACE_ID; field <= OTLP_WIRE_FLAGS; field++) {
        bool list = field == OTLP_WIRE_EVENTS || field == OTLP_WIRE_LINKS;
        bool rare = list || field == OTLP_WIRE_TRACE_STATE || field == OTLP_WIRE_FLAGS ||
                    (field >= OTLP_WIRE_DROPPED_ATTRIBUTES && field <= OTLP_WIRE_DROPPED_LINKS);
        if (list ? below(m, 6) == 0 : rare ? below(m, 8) == 0 : !is_odd(m))
            put_field(m, &span, field);
        if (is_odd(m)) /* once more, or out of order */
            put_field(m, &span, 1 + (unsigned)below(m, OTLP_WIRE_FLAGS));
        if (is_odd(m) && is_odd(m))
            put_unknown(m, &span);
    }
    put_message(out, OTLP_WIRE_RECORDS, &span);
}

static void put_scope(struct maker *m, struct tcore_buf *out)
{
    struct tcore_buf scope = {0}, library = {0};
    if (below(m, 3)) {
        put_text(&library, 1, word(m));
        if (below(m, 2))
            put_text(&library, 2, word(m));
        if (is_odd(m))
            put_attributes(m, &library, 3);
        put_message(&scope, 1, &library);
    }
    for (size_t i = below(m, 20); i > 0; i--)
        put_span(m, &scope);
    if (is_odd(m))
        put_text(&scope, 3, word(m));
    put_message(out, OTLP_WIRE_SCOPES, &scope);
}

static void put_group(struct maker *m, struct tcore_buf *out)
{
    struct tcore_buf group = {0}, resource = {0}, pair = {0}, any = {0};
    if (below(m, 4)) {
        put_text(&pair, IMPORT_WIRE_KEY, "service.name");
        put_text(&any, IMPORT_WIRE_ANY_STRING, word(m));
        put_message(&pair, IMPORT_WIRE_VALUE, &any);
        put_message(&resource, 1, &pair);
        put_attributes(m, &resource, 1);
        if (is_odd(m))
            put_number(&resource, 2, integer(m) >> 1);
        put_message(&group, 1, &resource);
    }
    for (size_t i = 1 + below(m, 2); i > 0; i--)
        put_scope(m, &group);
    if (is_odd(m))
        put_text(&group, 3, word(m));
    put_message(out, OTLP_WIRE_GROUPS, &group);
}

static void make(struct maker *m, struct tcore_buf *out)
{
    tcore_buf_clear(out);
    for (size_t i = 1 + below(m, 3); i > 0; i--)
        put_group(m, out);
}

/* Some bytes are others, come twice, or go. */
static void mutate(struct maker *m, struct tcore_buf *message)
{
    for (size_t i = 1 + below(m, 4); i > 0 && message->length > 2; i--) {
        size_t at = below(m, message->length), bytes = 1 + below(m, 4);
        bytes = bytes > message->length - at ? message->length - at : bytes;
        switch (below(m, 5)) {
        case 0:
            message->length = at;
            break;
        case 1:
            memmove(message->data + at, message->data + at + bytes, message->length - at - bytes);
            message->length -= bytes;
            break;
        case 2:
            if (tcore_buf_reserve(message, bytes)) {
                memmove(message->data + at + bytes, message->data + at, message->length - at);
                message->length += bytes;
            }
            break;
        case 3:
            message->data[at] = (char)below(m, 256);
            break;
        default:
            message->data[at] ^= (char)(1 << below(m, 8));
            break;
        }
    }
}

/* ---- both ways ---- */

static bool holds(const struct tcore_buf *message, const struct cli_io_options *io, bool *long_way)
{
    struct import_chunk chunk = {.format = &import_otlp_proto};
    struct import_result result = {0};
    struct import_job job;
    struct tcore_error err;
    tcore_buf_append(&chunk.text, message->data, message->length);
    if (import_chunk_cut(&chunk, import_otlp_proto.cut, 1 << 24, &err) != TCORE_OK ||
        import_job_open(&job, io, NULL, NULL, &err) != TCORE_OK ||
        import_convert(&job, &chunk, &result, &err) != TCORE_OK)
        blocks_die("convert", &err);
    bool same = blocks_are_text(&chunk, io, &result, long_way);
    import_job_close(&job);
    import_result_free(&result);
    import_chunk_free(&chunk);
    return same;
}

static bool try_seed(uint64_t seed, unsigned oddity, bool *long_way)
{
    static const struct cli_io_options plain, shallow = {.depth_limit = 9},
                                              strict = {.strict = true};
    struct maker m = {.random = {seed}, .oddity = oddity};
    struct tcore_buf message = {0};
    make(&m, &message);
    bool good = holds(&message, &plain, long_way);
    for (unsigned i = 0; good && oddity && i < MUTANTS; i++) {
        make(&m, &message);
        mutate(&m, &message);
        good = holds(&message, i == 0 ? &shallow : i == 1 ? &strict : &plain, NULL);
    }
    tcore_buf_free(&message);
    return good;
}

/* A resource so large that a block has not room for all spans of a scope. */
static bool try_large(unsigned oddity)
{
    static const struct cli_io_options plain;
    struct maker m = {.random = {7}, .oddity = oddity};
    struct tcore_buf message = {0}, group = {0}, resource = {0}, scope = {0}, pair = {0}, any = {0};
    char *text = malloc(LARGE_BYTES);
    bool long_way;
    memset(text, 'x', LARGE_BYTES);
    put_text(&pair, IMPORT_WIRE_KEY, "large");
    put_bytes(&any, IMPORT_WIRE_ANY_STRING, text, LARGE_BYTES);
    put_message(&pair, IMPORT_WIRE_VALUE, &any);
    put_message(&resource, 1, &pair);
    put_message(&group, 1, &resource);
    for (unsigned i = 0; i < LARGE_SPANS; i++)
        put_span(&m, &scope);
    put_message(&group, OTLP_WIRE_SCOPES, &scope);
    put_message(&message, OTLP_WIRE_GROUPS, &group);
    bool good = holds(&message, &plain, &long_way);
    tcore_buf_free(&message);
    free(text);
    return good && (oddity || !long_way);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, bad = 0;
    uint64_t count = argc > 1 ? 1 : getenv("TRACECORE_TEST_LONG") ? LONG_SEEDS : SEEDS;
    bool any_long_way = false, long_way;
    for (uint64_t seed = first; seed < first + count && !bad; seed++) {
        bad = try_seed(seed, 0, &long_way) ? 0 : seed;
        any_long_way |= long_way;
    }
    ok(!bad, "spans as encoders write them are the same records in blocks (seed %" PRIu64 ")", bad);
    ok(!any_long_way, "none of them takes the long way");
    ok(try_large(0), "so are those that are too many for one block");
    ok(try_large(8), "and those among which some are odd");
    for (unsigned oddity = 2; oddity <= 18 && !bad; oddity += 4) {
        for (uint64_t seed = first; seed < first + count && !bad; seed++)
            bad = try_seed(seed, oddity, &long_way) ? 0 : seed;
        ok(!bad, "so are odd ones, and what damage leaves of them, with %u %% (seed %" PRIu64 ")",
           oddity, bad);
    }
    return done_testing();
}
