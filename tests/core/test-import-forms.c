/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OTLP/JSON by forms and without, as text and as blocks: the same records, rejects and counts,
 * whatever the exporter's habits are, and however the documents were damaged. Spans of a few shapes
 * are drawn, a shape being all that an exporter would always write the same way; then bytes of them
 * are changed, put in, taken out and moved. A number in a failure is the seed:
 *     tests/core/test-import-forms SEED [DOCUMENTS]
 */
#include "tap.h"

#include "import_blocks.h"
#include "random.h"
#include "record/import/import.h"
#include "stream/input.h"

#include "base/sys.h"

static struct random_source rnd;

static unsigned draw(unsigned limit)
{
    return (unsigned)random_below(&rnd, limit);
}

/* --- exporters --- */

enum { SHAPES = 4, MEMBERS = 16 };

/* What of a span never changes. */
struct shape {
    uint64_t seed;
    bool snake, pretty, odd_ids, numbers, escapes, letters, digits;
};

struct writer {
    struct tcore_buf text;
    const struct shape *shape;
    struct random_source how; /* the shape's decisions, the same for each of its spans */
};

static unsigned decide(struct writer *w, unsigned limit)
{
    return (unsigned)random_below(&w->how, limit);
}

static void blank(struct writer *w)
{
    if (w->shape->pretty)
        tcore_buf_puts(&w->text, "\n  ");
}

/* "name": in the exporter's spelling, behind a comma if need be. */
static void key(struct writer *w, const char *name)
{
    char last = w->text.data[w->text.length - 1];
    if (last != '{' && last != '[')
        tcore_buf_putc(&w->text, ',');
    blank(w);
    tcore_buf_putc(&w->text, '"');
    for (; *name; name++) {
        if (w->shape->snake && *name >= 'A' && *name <= 'Z')
            tcore_buf_printf(&w->text, "_%c", *name - 'A' + 'a');
        else
            tcore_buf_putc(&w->text, *name);
    }
    tcore_buf_puts(&w->text, w->shape->pretty ? "\": " : "\":");
}

static void string(struct writer *w)
{
    static const char *const words[] = {"GET /cart",
                                        "a",
                                        "",
                                        "x y z",
                                        "checkout.example.internal",
                                        "0123456789abcdef",
                                        "0123456789abcdef0123456789abcdef",
                                        "1234567890123",
                                        "a string that is longer than one vector of sixty-four "
                                        "bytes, and so takes two of them"};
    static const char *const letters[] = {"caf\u00e9", "\u6771\u4eac", "\U0001f600 ok"};
    static const char *const escapes[] = {"a\\\"b", "\\\\", "tab\\t", "\\u0041", "\\/", "\\ud83d"};
    const char *word = words[draw(60) ? (draw(2) ? 0 : 4) : draw(9)];
    if (w->shape->digits && draw(2))
        word = words[5 + draw(3)];
    if (w->shape->letters && !draw(10))
        word = letters[draw(3)];
    if (w->shape->escapes && !draw(20))
        word = escapes[draw(6)];
    tcore_buf_printf(&w->text, "\"%s\"", word);
}

static void id(struct writer *w, unsigned bytes)
{
    static const char *const odd[] = {"0",           "00000000000000000000000000000000", "zz",
                                      "ABCDEF",      "W47/95gDgQPSabYzgT/GDA==",         "",
                                      "7uGbfsPBsXM="};
    if (w->shape->odd_ids && !draw(20)) {
        tcore_buf_printf(&w->text, "\"%s\"", odd[draw(7)]);
        return;
    }
    tcore_buf_putc(&w->text, '"');
    for (unsigned i = 0; i < 2 * bytes; i++)
        tcore_buf_putc(&w->text, "0123456789abcdef"[draw(16)]);
    tcore_buf_putc(&w->text, '"');
}

static void integer(struct writer *w)
{
    static const char *const odd[] = {
        "0", "-1", "007", "9223372036854775808", "-0", "1e3", "123456789012345678"};
    const char *quote = w->shape->numbers ? "" : "\"";
    if (!draw(30))
        tcore_buf_printf(&w->text, "%s%s%s", quote, odd[draw(7)], quote);
    else
        tcore_buf_printf(&w->text, "%s%u%s", quote, draw(100000), quote);
}

static void time_at(struct writer *w, uint64_t time_ns)
{
    const char *quote = w->shape->numbers ? "" : "\"";
    if (!draw(200))
        time_ns = draw(2) ? 0 : time_ns / 1000000000000;
    tcore_buf_printf(&w->text, "%s%llu%s", quote, (unsigned long long)time_ns, quote);
}

static void attributes(struct writer *w, unsigned depth);

static void any_value(struct writer *w, unsigned depth)
{
    tcore_buf_putc(&w->text, '{');
    switch (decide(w, depth ? 9 : 6)) {
    case 0:
    case 1:
        key(w, "stringValue");
        string(w);
        break;
    case 2:
        key(w, "intValue");
        integer(w);
        break;
    case 3:
        key(w, "doubleValue");
        tcore_buf_puts(&w->text, draw(60) ? "" : "-");
        tcore_buf_printf(&w->text, draw(60) ? "%u.%u" : "%u", draw(50), draw(1000));
        break;
    case 4:
        key(w, "boolValue");
        tcore_buf_puts(&w->text, draw(60) ? "true" : "false");
        break;
    case 5:
        key(w, "bytesValue");
        tcore_buf_puts(&w->text, draw(60) ? "\"AQID\"" : "\"\"");
        break;
    case 6:
        key(w, "arrayValue");
        tcore_buf_putc(&w->text, '{');
        key(w, "values");
        tcore_buf_putc(&w->text, '[');
        for (unsigned i = decide(w, 3); i > 0; i--) {
            any_value(w, depth - 1);
            tcore_buf_puts(&w->text, i > 1 ? "," : "");
        }
        tcore_buf_puts(&w->text, "]}");
        break;
    case 7:
        key(w, "kvlistValue");
        tcore_buf_putc(&w->text, '{');
        key(w, "values");
        attributes(w, depth - 1);
        tcore_buf_putc(&w->text, '}');
        break;
    default:
        break; /* no value */
    }
    blank(w);
    tcore_buf_putc(&w->text, '}');
}

static void attributes(struct writer *w, unsigned depth)
{
    unsigned count = decide(w, 5);
    tcore_buf_putc(&w->text, '[');
    for (unsigned i = 0; i < count; i++) {
        tcore_buf_puts(&w->text, i ? ",{" : "{");
        key(w, "key");
        tcore_buf_printf(&w->text, "\"http.key%u\"", decide(w, 20)); /* may come twice */
        key(w, "value");
        any_value(w, depth);
        tcore_buf_putc(&w->text, '}');
    }
    tcore_buf_putc(&w->text, ']');
}

static void event(struct writer *w, uint64_t time_ns)
{
    tcore_buf_putc(&w->text, '{');
    key(w, "timeUnixNano");
    time_at(w, time_ns);
    key(w, "name");
    string(w);
    if (decide(w, 2)) {
        key(w, "attributes");
        attributes(w, 0);
    }
    tcore_buf_putc(&w->text, '}');
}

static void link_to(struct writer *w)
{
    tcore_buf_putc(&w->text, '{');
    key(w, "traceId");
    id(w, 16);
    key(w, "spanId");
    id(w, 8);
    tcore_buf_putc(&w->text, '}');
}

static void kind(struct writer *w)
{
    key(w, "kind");
    if (w->shape->numbers)
        tcore_buf_printf(&w->text, "%u", draw(60) ? 2 : draw(7));
    else
        tcore_buf_puts(&w->text, draw(30) ? "\"SPAN_KIND_SERVER\"" : "\"SPAN_KIND_X\"");
}

static void status(struct writer *w)
{
    key(w, "status");
    tcore_buf_putc(&w->text, '{');
    if (decide(w, 2)) {
        key(w, "code");
        tcore_buf_printf(&w->text, "%u", draw(60) ? 1 : draw(3));
    }
    if (decide(w, 2)) {
        key(w, "message");
        string(w);
    }
    tcore_buf_putc(&w->text, '}');
}

static void member(struct writer *w, unsigned which, uint64_t time_ns)
{
    switch (which) {
    case 0:
        key(w, "traceId");
        id(w, 16);
        break;
    case 1:
        key(w, "spanId");
        id(w, 8);
        break;
    case 2:
        key(w, "parentSpanId");
        id(w, 8);
        break;
    case 3:
        key(w, "name");
        string(w);
        break;
    case 4:
        kind(w);
        break;
    case 5:
        key(w, "startTimeUnixNano");
        time_at(w, time_ns);
        break;
    case 6:
        key(w, "endTimeUnixNano");
        time_at(w, time_ns + draw(2000000000) - (draw(200) ? 0 : 1000000000));
        break;
    case 7:
        key(w, "attributes");
        attributes(w, 2);
        break;
    case 8:
        status(w);
        break;
    case 9:
        key(w, "events");
        tcore_buf_putc(&w->text, '[');
        for (unsigned i = decide(w, 3); i > 0; i--) {
            event(w, time_ns + 1);
            tcore_buf_puts(&w->text, i > 1 ? "," : "");
        }
        tcore_buf_putc(&w->text, ']');
        break;
    case 10:
        key(w, "links");
        tcore_buf_putc(&w->text, '[');
        if (decide(w, 2))
            link_to(w);
        tcore_buf_putc(&w->text, ']');
        break;
    case 11:
        key(w, "traceState");
        string(w);
        break;
    case 12:
        key(w, "flags");
        tcore_buf_puts(&w->text, draw(60) ? "257" : "0");
        break;
    case 13:
        key(w, "droppedAttributesCount");
        tcore_buf_printf(&w->text, "%u", !draw(60));
        break;
    case 14:
        key(w, "unheardOf");
        tcore_buf_puts(&w->text, draw(60) ? "\"\"" : "[1,{\"a\":null}]");
        break;
    default:
        key(w, "name"); /* again */
        string(w);
        break;
    }
}

/* What the shape has of the members, in its order. */
static void span(struct writer *w)
{
    unsigned order[MEMBERS];
    w->how.state = w->shape->seed;
    for (unsigned i = 0; i < MEMBERS; i++) {
        unsigned j = decide(w, w->shape->snake ? i + 1 : 2) ? decide(w, i + 1) : i;
        order[i] = order[j];
        order[j] = i;
    }
    uint64_t time_ns = UINT64_C(1790000000000000000) + random_below(&rnd, 1000000000);
    tcore_buf_putc(&w->text, '{');
    for (unsigned i = 0; i < MEMBERS; i++) {
        /* what every span has, most have, and hardly any has */
        unsigned one_in = order[i] <= 1 || (order[i] >= 3 && order[i] <= 8) ? 40
                          : order[i] <= 13                                  ? 2
                                                                            : 12;
        bool has = one_in == 12 ? !decide(w, 12) : decide(w, one_in);
        if (has)
            member(w, order[i], time_ns);
    }
    blank(w);
    tcore_buf_putc(&w->text, '}');
}

static void draw_shapes(struct shape *shapes)
{
    for (unsigned i = 0; i < SHAPES; i++)
        shapes[i] = (struct shape){.seed = random_bits(&rnd),
                                   .snake = !draw(4),
                                   .pretty = !draw(4),
                                   .odd_ids = !draw(8),
                                   .numbers = !draw(3),
                                   .escapes = !draw(6),
                                   .letters = !draw(3),
                                   .digits = !draw(3)};
}

/* One of more resources than are remembered, whose attributes stand in more ways than are. */
static void resource(struct writer *w)
{
    static const char *const values[] = {"{\"stringValue\":\"v%u\"}", "{\"intValue\":\"%u\"}",
                                         "{\"stringValue\":\"1234567890%u\"}",
                                         "{\"doubleValue\":%u.5}", "{\"boolValue\":true}"};
    tcore_buf_puts(&w->text, "\"resource\":{\"attributes\":[");
    tcore_buf_printf(&w->text, "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"s%u\"}}",
                     draw(90));
    for (unsigned i = 0; i < 6; i++) {
        if (draw(5))
            continue;
        tcore_buf_printf(&w->text, ",{\"key\":\"k%u\",\"value\":", i);
        tcore_buf_printf(&w->text, values[draw(30) ? i % 2 : draw(5)], draw(4));
        tcore_buf_putc(&w->text, '}');
    }
    tcore_buf_puts(&w->text, "]},");
}

static void document(struct writer *w, const struct shape *shapes)
{
    static const char *const resources[] = {
        "",
        "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
        "\"cart\"}}]},",
        "\"resource\":{\"attributes\":[{\"key\":\"host\",\"value\":{\"intValue\":\"1\"}}],"
        "\"droppedAttributesCount\":1},",
        "\"schemaUrl\":\"https://example.com\",", "\"schemaUrl\":[],"};
    tcore_buf_clear(&w->text);
    tcore_buf_puts(&w->text, "{\"resourceSpans\":[{");
    if (draw(2))
        tcore_buf_puts(&w->text, resources[draw(5)]);
    else
        resource(w);
    tcore_buf_puts(&w->text, "\"scopeSpans\":[");
    for (unsigned scope = 0, scopes = 1 + draw(3); scope < scopes; scope++) {
        tcore_buf_puts(&w->text, scope ? ",{" : "{");
        if (draw(2))
            tcore_buf_puts(&w->text, "\"scope\":{\"name\":\"lib\"},");
        tcore_buf_puts(&w->text, draw(30) ? "\"spans\":[" : "\"spans\":[],\"spans\":[");
        for (unsigned i = 0, spans = draw(8); i < spans; i++) {
            tcore_buf_puts(&w->text, i ? "," : "");
            w->shape = &shapes[draw(SHAPES)];
            span(w);
        }
        tcore_buf_puts(&w->text, "]}");
    }
    tcore_buf_puts(&w->text, "]}]}");
}

/* --- damage --- */

static void damage(struct tcore_buf *text)
{
    static const char bytes[] = "\"\\{}[],: 0123456789.-eax\n\t\x01\x80\xc3/";
    size_t at = (size_t)random_below(&rnd, text->length);
    size_t count = 1 + draw(draw(4) ? 2 : 40);
    count = count < text->length - at ? count : text->length - at;
    switch (draw(4)) {
    case 0:
        text->data[at] = bytes[draw(sizeof bytes - 1)];
        break;
    case 1:
        memmove(text->data + at, text->data + at + count, text->length - at - count);
        text->length -= count;
        break;
    case 2:
        if (!tcore_buf_reserve(text, count))
            return;
        memmove(text->data + at + count, text->data + at, text->length - at);
        text->length += count;
        if (count == 1)
            text->data[at] = bytes[draw(sizeof bytes - 1)];
        break;
    default: {
        size_t from = (size_t)random_below(&rnd, text->length - count + 1);
        memmove(text->data + at, text->data + from, count);
        break;
    }
    }
}

/* --- both ways --- */

/* Of what is read so many bytes at a time. If that is one, no line is seen before it is looked at.
 */
static void cut(struct import_chunk *chunk, size_t part_bytes, size_t piece)
{
    struct import_split split = {.line = 1, .limit = 1 << 22, .part_bytes = part_bytes};
    struct import_unit unit;
    chunk->count = 0;
    for (size_t given = 0; given < chunk->text.length;) {
        given += piece < chunk->text.length - given ? piece : chunk->text.length - given;
        while (import_split_next(&split, chunk->text.data, given, given == chunk->text.length,
                                 &unit)) {
            if (chunk->count == chunk->capacity) {
                chunk->capacity = chunk->capacity ? 2 * chunk->capacity : 16;
                chunk->units = tcore_reallocarray(chunk->units, chunk->capacity, sizeof unit);
            }
            chunk->units[chunk->count++] = unit;
        }
    }
}

static bool same_text(const struct tcore_buf *a, const struct tcore_buf *b)
{
    return a->length == b->length && (!a->length || !memcmp(a->data, b->data, a->length));
}

static bool same_rejects(const struct import_result *a, const struct import_result *b)
{
    if (a->reject_count != b->reject_count)
        return false;
    for (size_t i = 0; i < a->reject_count; i++) {
        const struct import_reject *x = &a->rejects[i], *y = &b->rejects[i];
        if (x->line != y->line || x->byte != y->byte || x->text.data != y->text.data ||
            x->text.length != y->text.length || x->out_length != y->out_length ||
            x->reason != y->reason)
            return false;
    }
    return same_text(&a->reasons, &b->reasons);
}

static bool same(const struct import_result *a, const struct import_result *b)
{
    return same_text(&a->out, &b->out) && same_rejects(a, b) && a->documents == b->documents &&
           !memcmp(&a->counts, &b->counts, sizeof a->counts) &&
           (!a->counts.ignored || !strcmp(a->ignored_name, b->ignored_name));
}

/* Whether the blocks have the records of the text. */
static bool same_records(const struct tcore_buf *blocks, const struct tcore_buf *text)
{
    struct tcore_buf wanted[TCORE_RECORD_TYPES] = {0}, got[TCORE_RECORD_TYPES] = {0};
    bool equal = true;
    blocks_sort_lines(text, wanted);
    blocks_lines(blocks, got);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        equal &= same_text(&wanted[type], &got[type]);
        tcore_buf_free(&wanted[type]);
        tcore_buf_free(&got[type]);
    }
    return equal;
}

struct ways {
    struct import_job with, without, rows;
    struct import_result got, wanted, blocks;
    uint64_t taken;
};

static void open_ways(struct ways *ways)
{
    static const struct cli_io_options io;
    struct tcore_error err;
    *ways = (struct ways){.taken = 0};
    import_job_open(&ways->with, &io, NULL, NULL, &err);
    import_job_open(&ways->without, &io, NULL, NULL, &err);
    import_job_open(&ways->rows, &io, NULL, NULL, &err);
    import_blocks_open(&ways->rows, &err);
    ways->with.patience = ways->rows.patience = 0;
    ways->without.patience = UINT32_MAX;
}

static void close_ways(struct ways *ways)
{
    import_job_close(&ways->with);
    import_job_close(&ways->without);
    import_job_close(&ways->rows);
    import_result_free(&ways->blocks);
    import_result_free(&ways->got);
    import_result_free(&ways->wanted);
}

static bool go(struct ways *ways, const struct import_chunk *chunk, size_t part_bytes)
{
    struct tcore_error err;
    struct import_chunk exact = {.text = chunk->text}; /* where each document is a unit */
    cut(&exact, part_bytes, 1);
    bool good = import_convert(&ways->with, chunk, &ways->got, &err) == TCORE_OK &&
                import_convert(&ways->without, &exact, &ways->wanted, &err) == TCORE_OK &&
                import_convert(&ways->rows, chunk, &ways->blocks, &err) == TCORE_OK;
    ways->taken += ways->with.json.taken;
    tcore_free(exact.units);
    return good && same(&ways->got, &ways->wanted) &&
           blocks_same_rejects(&ways->wanted, &ways->blocks) &&
           same_records(&ways->blocks.blocks, &ways->wanted.out);
}

static void show(const struct ways *ways, const struct import_chunk *chunk)
{
    tap_show("input", chunk->text.data, chunk->text.length);
    tap_show("got", ways->got.out.data, ways->got.out.length);
    tap_show("wanted", ways->wanted.out.data, ways->wanted.out.length);
    tap_show("got", ways->got.reasons.data, ways->got.reasons.length);
    tap_show("wanted", ways->wanted.reasons.data, ways->wanted.reasons.length);
}

/* A chunk of one document, or of lines; damaged or not. */
static void fill(struct import_chunk *chunk, struct writer *w, const struct shape *shapes, bool bad)
{
    unsigned documents = draw(3) ? 1 : draw(200) ? 2 + draw(4) : 100;
    tcore_buf_clear(&chunk->text);
    for (unsigned i = 0; i < documents; i++) {
        document(w, shapes);
        for (unsigned n = bad ? 1 + draw(3) : 0; n > 0; n--)
            damage(&w->text);
        tcore_buf_append(&chunk->text, w->text.data, w->text.length);
        tcore_buf_puts(&chunk->text, draw(8) ? "\n" : " ");
    }
}

/* How many spans were known by sight, at least. */
static uint64_t check_seed(const char *variant, uint64_t seed, unsigned documents)
{
    struct shape shapes[SHAPES];
    struct import_chunk chunk = {0};
    struct writer w = {.shape = shapes};
    struct ways ways;
    bool equal = true;
    rnd.state = seed;
    draw_shapes(shapes);
    open_ways(&ways);
    for (unsigned i = 0; i < documents && equal; i++) {
        if (!draw(400))
            draw_shapes(shapes); /* another exporter */
        fill(&chunk, &w, shapes, i > 50 && draw(2));
        size_t part_bytes = draw(3) ? (size_t)1 << 16 : 0;
        cut(&chunk, part_bytes, SIZE_MAX);
        equal = go(&ways, &chunk, part_bytes);
    }
    if (!ok(equal, "%s, seed %llu: the same with forms and without", variant,
            (unsigned long long)seed))
        show(&ways, &chunk);
    uint64_t taken = ways.taken;
    close_ways(&ways);
    import_chunk_free(&chunk);
    tcore_buf_free(&w.text);
    return taken;
}

/* --- what chance would seldom find --- */

static const char span_times[] = ",\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"7\"";
static const char span_head[] =
    "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\"";

/* What stands behind that in a span that teaches a form, and in one that may have it. Where it has
 * no times both get the same. */
static const struct {
    const char *name, *taught, *tried;
    bool known; /* by the form of what was taught */
} singles[] = {
    {"another name", ",\"name\":\"a\"}", ",\"name\":\"bcd\"}", true},
    {"an empty name", ",\"name\":\"a\"}", ",\"name\":\"\"}", false},
    {"a name with a control", ",\"name\":\"a\"}", ",\"name\":\"\x01\"}", false},
    {"a name that is no UTF-8", ",\"name\":\"a\"}", ",\"name\":\"\xc3\"}", false},
    {"a name with letters", ",\"name\":\"a\"}", ",\"name\":\"\xc3\xa9\"}", true},
    {"a name with a canonical escape", ",\"name\":\"a\"}", ",\"name\":\"\\\"x\\n\"}", true},
    {"a name with another escape", ",\"name\":\"a\"}", ",\"name\":\"\\u0041\"}", false},
    {"a name that ends in a backslash", ",\"name\":\"a\"}", ",\"name\":\"\\\\\"}", true},
    {"a blank more", ",\"name\":\"a\"}", ", \"name\":\"a\"}", false},
    {"a trailing comma", ",\"name\":\"a\"}", ",\"name\":\"a\",}", false},
    {"no closing brace", ",\"name\":\"a\"}", ",\"name\":\"a\"]", false},
    {"another kind", ",\"kind\":1,\"name\":\"a\"}", ",\"kind\":2,\"name\":\"a\"}", false},
    {"a parent of zeros", ",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"a\"}",
     ",\"parentSpanId\":\"0000000000000000\",\"name\":\"a\"}", false},
    {"a parent in capitals", ",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"a\"}",
     ",\"parentSpanId\":\"EEE19b7ec3c1b173\",\"name\":\"a\"}", false},
    {"a parent with a letter behind f", ",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"a\"}",
     ",\"parentSpanId\":\"eee19b7ec3c1b17g\",\"name\":\"a\"}", false},
    {"a parent with a colon", ",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"a\"}",
     ",\"parentSpanId\":\"eee19b7ec3c1b17:\",\"name\":\"a\"}", false},
    {"a parent with what is before a", ",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"a\"}",
     ",\"parentSpanId\":\"eee19b7ec3c1b17`\",\"name\":\"a\"}", false},
    {"a parent of all digits", ",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"a\"}",
     ",\"parentSpanId\":\"0123456789abcdef\",\"name\":\"a\"}", true},
    {"a parent that is too short", ",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"a\"}",
     ",\"parentSpanId\":\"e19b7ec3c1b173\",\"name\":\"a\"}", false},
    {"other times", ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"3\"}",
     ",\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":\"9223372036854775807\"}", false},
    {"nineteen digits", ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"3\"}",
     ",\"startTimeUnixNano\":\"1790000000000000000\",\"endTimeUnixNano\":\"1790000000000000017\"}",
     true},
    {"an end before the start", ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"3\"}",
     ",\"startTimeUnixNano\":\"4\",\"endTimeUnixNano\":\"3\"}", false},
    {"no duration", ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"3\"}",
     ",\"startTimeUnixNano\":\"3\",\"endTimeUnixNano\":\"3\"}", true},
    {"a time of zero", ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"3\"}",
     ",\"startTimeUnixNano\":\"0\",\"endTimeUnixNano\":\"3\"}", false},
    {"a time with a leading zero", ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"3\"}",
     ",\"startTimeUnixNano\":\"01\",\"endTimeUnixNano\":\"3\"}", false},
    {"a time that is no int64", ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"3\"}",
     ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"9223372036854775808\"}", false},
    {"times as numbers", ",\"startTimeUnixNano\":1,\"endTimeUnixNano\":3,\"name\":\"a\"}",
     ",\"startTimeUnixNano\":22,\"endTimeUnixNano\":333,\"name\":\"a\"}", true},
    {"a time as a number and a half",
     ",\"startTimeUnixNano\":1,\"endTimeUnixNano\":3,\"name\":\"a\"}",
     ",\"startTimeUnixNano\":2.5,\"endTimeUnixNano\":333,\"name\":\"a\"}", false},
    {"no time as a number", ",\"startTimeUnixNano\":1,\"endTimeUnixNano\":3,\"name\":\"a\"}",
     ",\"startTimeUnixNano\":,\"endTimeUnixNano\":333,\"name\":\"a\"}", false},
#define VALUE(of) ",\"attributes\":[{\"key\":\"k\",\"value\":" of "}],\"name\":\"a\"}"
    {"another integer", VALUE("{\"intValue\":\"1\"}"), VALUE("{\"intValue\":\"-23\"}"), true},
    {"an integer of 18 digits", VALUE("{\"intValue\":\"1\"}"),
     VALUE("{\"intValue\":\"123456789012345678\"}"), true},
    {"an integer of 19 digits", VALUE("{\"intValue\":\"1\"}"),
     VALUE("{\"intValue\":\"1234567890123456789\"}"), false},
    {"zero", VALUE("{\"intValue\":\"1\"}"), VALUE("{\"intValue\":\"0\"}"), true},
    {"minus zero", VALUE("{\"intValue\":\"1\"}"), VALUE("{\"intValue\":\"-0\"}"), false},
    {"an integer with a leading zero", VALUE("{\"intValue\":\"1\"}"),
     VALUE("{\"intValue\":\"01\"}"), false},
    {"an integer that is none", VALUE("{\"intValue\":\"1\"}"), VALUE("{\"intValue\":\"1x\"}"),
     false},
    {"an integer that is empty", VALUE("{\"intValue\":\"1\"}"), VALUE("{\"intValue\":\"\"}"),
     false},
    {"an integer as a number", VALUE("{\"intValue\":1}"), VALUE("{\"intValue\":45}"), true},
    {"a number with an exponent", VALUE("{\"intValue\":1}"), VALUE("{\"intValue\":4e5}"), false},
    {"another double", VALUE("{\"doubleValue\":1.5}"), VALUE("{\"doubleValue\":-0.25}"), true},
    {"a whole double", VALUE("{\"doubleValue\":1.5}"), VALUE("{\"doubleValue\":7}"), false},
    {"a double without a digit", VALUE("{\"doubleValue\":1.5}"), VALUE("{\"doubleValue\":1.}"),
     false},
    {"a double with a leading zero", VALUE("{\"doubleValue\":1.5}"),
     VALUE("{\"doubleValue\":01.5}"), false},
    {"a double with an exponent", VALUE("{\"doubleValue\":1.5}"),
     VALUE("{\"doubleValue\":1.5e300}"), false},
    {"another bool", VALUE("{\"boolValue\":true}"), VALUE("{\"boolValue\":false}"), false},
    {"another key", VALUE("{\"boolValue\":true}"),
     ",\"attributes\":[{\"key\":\"l\",\"value\":{\"boolValue\":true}}],\"name\":\"a\"}", false},
    {"a list in a value",
     VALUE("{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},{\"intValue\":\"1\"}]}}"),
     VALUE("{\"arrayValue\":{\"values\":[{\"stringValue\":\"bb\"},{\"intValue\":\"22\"}]}}"), true},
    {"an event", ",\"events\":[{\"timeUnixNano\":\"7\",\"name\":\"e\"}]}",
     ",\"events\":[{\"timeUnixNano\":\"99\",\"name\":\"ff\"}]}", true},
    {"an event without a time", ",\"events\":[{\"timeUnixNano\":\"7\",\"name\":\"e\"}]}",
     ",\"events\":[{\"timeUnixNano\":\"0\",\"name\":\"ff\"}]}", false},
    {"a message", ",\"status\":{\"code\":2,\"message\":\"m\"}}",
     ",\"status\":{\"code\":2,\"message\":\"no\"}}", true},
    {"an empty message", ",\"status\":{\"code\":2,\"message\":\"m\"}}",
     ",\"status\":{\"code\":2,\"message\":\"\"}}", false},
};

static void check_single(size_t i)
{
    struct import_chunk chunk = {0};
    struct ways ways;
    open_ways(&ways);
    /* the format, then the form, and then what is tried, far enough from the end to be looked at */
    tcore_buf_puts(&chunk.text, "{\"resourceSpans\":[]}\n");
    const char *times = strstr(singles[i].taught, "endTime") ? "" : span_times;
    for (unsigned line = 0; line < 2; line++)
        tcore_buf_printf(&chunk.text,
                         "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%s%s%s]}]}]}\n",
                         span_head, times, line ? singles[i].tried : singles[i].taught);
    tcore_buf_printf(&chunk.text, "%400s", "");
    cut(&chunk, 0, SIZE_MAX);
    bool equal = go(&ways, &chunk, 0);
    if (!ok(equal && ways.taken == singles[i].known, "%s is %s", singles[i].name,
            singles[i].known ? "of the form" : "not of the form"))
        show(&ways, &chunk);
    close_ways(&ways);
    import_chunk_free(&chunk);
}

/* Elements that look like spans of OTLP, in documents that are not. */
static void check_others(void)
{
    static const char *const lines[] = {
        "{\"type\":\"log\",\"body\":\"b\",\"spans\":[%s}]}\n",
        "{\"data\":[{\"traceID\":\"1\",\"spans\":[%s}],\"processes\":{}}]}\n",
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"k\",\"value\":{\"spans\":[%"
        "s}]"
        "}}]},\"scopeSpans\":[{\"spans\":[%s}]}]}]}\n",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"scope\":{\"spans\":[%s},1]},\"spans\":[%s},true,%"
        "s,"
        "\"name\":1}]}]}]}\n",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"schemaUrl\":[],\"spans\":[%s},2]}]}]}\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct import_chunk chunk = {0};
        struct ways ways;
        open_ways(&ways);
        for (unsigned n = 0; n < 2; n++)
            tcore_buf_printf(&chunk.text,
                             "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%s%s}]}]}]}\n",
                             span_head, span_times);
        for (const char *p = lines[i]; *p; p++) {
            if (*p == '%')
                tcore_buf_printf(&chunk.text, "%s%s", span_head, span_times);
            else if (p == lines[i] || p[-1] != '%')
                tcore_buf_putc(&chunk.text, *p);
        }
        tcore_buf_printf(&chunk.text, "%400s", "");
        cut(&chunk, 0, SIZE_MAX);
        if (!ok(go(&ways, &chunk, 0), "spans where they are none, %zu", i))
            show(&ways, &chunk);
        close_ways(&ways);
        import_chunk_free(&chunk);
    }
}

/* Two documents with the same span; the second is changed before it is converted. */
static void check_pair(const char *name, const char *second, size_t cut_bytes, int64_t depth)
{
    const struct cli_io_options io = {.depth_limit = depth};
    struct import_chunk chunk = {0};
    struct import_result got = {0}, wanted = {0};
    struct import_job with, without;
    struct tcore_error err;
    tcore_buf_puts(&chunk.text, "{\"resourceSpans\":[]}\n");
    for (unsigned i = 0; i < 2; i++)
        tcore_buf_printf(&chunk.text,
                         i ? second
                           : "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%s%s}]}]}]}\n",
                         span_head, span_times);
    tcore_buf_printf(&chunk.text, "%400s", "");
    cut(&chunk, 0, SIZE_MAX);
    chunk.units[2].length -= cut_bytes;
    import_job_open(&with, &io, NULL, NULL, &err);
    import_job_open(&without, &io, NULL, NULL, &err);
    with.patience = 0;
    without.patience = UINT32_MAX;
    bool good = import_convert(&with, &chunk, &got, &err) == TCORE_OK &&
                import_convert(&without, &chunk, &wanted, &err) == TCORE_OK;
    ok(good && wanted.reject_count == 1 && same(&got, &wanted), "%s is refused", name);
    import_job_close(&with);
    import_job_close(&without);
    import_result_free(&got);
    import_result_free(&wanted);
    import_chunk_free(&chunk);
}

int main(int argc, char **argv)
{
    static const char *const variants[] = {"portable", "avx2", "avx512"};
    bool longer = getenv("TRACECORE_TEST_LONG") != NULL;
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    unsigned documents = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : longer ? 20000 : 600;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        if (!tcore_simd_select(variants[v])) {
            ok(true, "%s # SKIP not what this processor has", variants[v]);
            continue;
        }
        for (size_t i = 0; i < sizeof singles / sizeof *singles; i++)
            check_single(i);
        check_others();
        check_pair("a span that ends behind its document",
                   "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%s%s}]}]}]}\n",
                   strlen("}]}]}]}"), 0);
        check_pair("a span nested too deep",
                   "{\"trace\":{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%s%s}]}]}]}}\n", 0,
                   7);
        uint64_t taken = 0, last = argc > 1 ? first : first + 7;
        for (uint64_t seed = first; seed <= last; seed++)
            taken += check_seed(variants[v], seed, documents);
        ok(argc > 1 || taken > 4 * documents, "%s: %llu spans were known by sight", variants[v],
           (unsigned long long)taken);
    }
    return done_testing();
}
