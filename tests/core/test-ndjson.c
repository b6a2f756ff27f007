/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The NDJSON decoder: what lines it accepts, where it says the fault is, which values it finds, and
 * that its three instruction sets and the plain JSON parser all give the same.
 */
#include "tap.h"

#include "base/buf.h"
#include "base/sys.h"
#include "model/json.h"
#include "stream/input.h"

static const char *const simd[] = {"avx512", "avx2", "portable"};

static struct tcore_projection *wanted(void)
{
    static struct tcore_path_key service[] = {{"service", 7}}, name[] = {{"name", 4}},
                                 duration[] = {{"durationNano", 12}}, trace[] = {{"traceId", 7}},
                                 parent[] = {{"parentSpanId", 12}},
                                 start[] = {{"startTimeUnixNano", 17}},
                                 route[] = {{"attributes", 10}, {"http.route", 10}},
                                 resource[] = {{"resource", 8}, {"service.name", 12}},
                                 attributes[] = {{"attributes", 10}},
                                 deep[] = {{"attributes", 10}, {"a", 1}, {"b", 1}};
    static struct tcore_path services[] = {{service, 1}, {resource, 2}}, names[] = {{name, 1}},
                             durations[] = {{duration, 1}}, traces[] = {{trace, 1}},
                             parents[] = {{parent, 1}}, starts[] = {{start, 1}},
                             routes[] = {{route, 2}}, maps[] = {{attributes, 1}},
                             deeps[] = {{deep, 3}};
    static struct tcore_projection_column columns[] = {
        {(char *)"service", services, 2, false},
        {(char *)"name", names, 1, false},
        {(char *)"durationNano", durations, 1, false},
        {(char *)"traceId", traces, 1, false},
        {(char *)"parentSpanId", parents, 1, false},
        {(char *)"startTimeUnixNano", starts, 1, false},
        {(char *)"http.route", routes, 1, false},
        {(char *)"attributes", maps, 1, false},
        {(char *)"deep", deeps, 1, false}};
    static struct tcore_projection projection = {.columns = columns, .count = 9, .text = true};
    return &projection;
}

enum { SERVICE, NAME, DURATION, TRACE, PARENT, START, ROUTE, ATTRIBUTES, DEEP, COLUMNS };

struct decoding {
    struct tcore_decoder *decoder;
    struct tcore_chunk chunk;
    const struct tcore_batch *batch;
};

/* How many of the columns are asked for: ATTRIBUTES leaves attributes to be taken apart. */
static size_t columns = COLUMNS;

static void decode(struct decoding *d, const char *text, size_t length)
{
    struct tcore_error err = {0};
    struct tcore_projection *projection = wanted();
    projection->count = columns;
    if (!d->decoder && tcore_decoder_new(&d->decoder, projection, NULL, &err)) {
        fprintf(stderr, "no decoder: %s\n", err.text);
        exit(1);
    }
    free(d->chunk.data);
    d->chunk = (struct tcore_chunk){.data = malloc(length + 64), .length = length};
    memcpy(d->chunk.data, text, length);
    memset(d->chunk.data + length, 0, 64);
    if (tcore_decoder_decode(d->decoder, TCORE_FORMAT_NDJSON, &d->chunk, &d->batch, &err)) {
        fprintf(stderr, "decode: %s\n", err.text);
        exit(1);
    }
}

static void end_decoding(struct decoding *d)
{
    tcore_decoder_free(d->decoder);
    free(d->chunk.data);
    *d = (struct decoding){0};
}

#define IDS "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\""

static const struct {
    const char *line;
    const char *reason; /* NULL: accepted */
    unsigned byte;
} lines[] = {
    {"{" IDS "}", NULL, 0},
    {" { " IDS " } ", NULL, 0},
    {"{\"type\" : \"span\" , " IDS " , \"name\" : \"a b\" }\r", NULL, 0},
    {"{" IDS ",\"x\":[1,2.5,-0,1e9,{\"a\":[]},\"\\u00e9\\ud83d\\ude00\"],\"y\":{}}", NULL, 0},
    {"{" IDS ",\"a\":1,\"a\":2}", NULL, 0},
    {"{" IDS ",\"parentSpanId\":\"\"}", NULL, 0},
    {"{" IDS ",\"startTimeUnixNano\":\"-5\"}", NULL, 0},
    {"{" IDS ",\"startTimeUnixNano\":1.5e18}", NULL, 0},
    {"{" IDS ",\"startTimeUnixNano\":null}", NULL, 0},
    {"{" IDS ",\"startTimeUnixNano\":\"9223372036854775807\"}", NULL, 0},
    {"{\"metricName\":\"m\"}", NULL, 0},
    {"{\"name\":\"x\"}", NULL, 0},
    {"{\"type\":null," IDS "}", NULL, 0},
    {"{\"type\":\"novel\",\"x\":1}", NULL, 0},
    {"42", "a record is a JSON object", 1},
    {"[" IDS "]", "a record is a JSON object", 1},
    {"{" IDS "", "a comma or brace is missing", 74},
    {"{" IDS ",}", "a trailing comma", 75},
    {"{" IDS ", }", "a trailing comma", 76},
    {"{,}", "a key is missing", 2},
    {"{" IDS ",\"n\":NaN}", "a value that is no JSON", 79},
    {"{" IDS ",\"n\":01}", "a number with a leading zero", 79},
    {"{" IDS ",\"n\":1.}", "a number without digits behind the point", 80},
    {"{" IDS ",\"n\":1e}", "a number without digits in the exponent", 80},
    {"{" IDS ",\"n\":-}", "a value that is no JSON", 79},
    {"{" IDS ",\"n\":tru}", "a value that is no JSON", 79},
    {"{" IDS ",\"n\":\"\\x\"}", "an unknown escape in a string", 80},
    {"{" IDS ",\"n\":\"\\u12g4\"}", "\\u without four hexadecimal digits", 80},
    {"{" IDS ",\"n\":\"a\tb\"}", "a control character in a string", 81},
    {"{" IDS ",\"n\":\"a\xff\"}", "invalid UTF-8", 81},
    {"{" IDS ",\"n\":\"\xc0\x80\"}", "invalid UTF-8", 80},
    {"{" IDS ",\"n\":\"\xed\xa0\x80\"}", "invalid UTF-8", 80},
    {"{" IDS ",\"n\":\"x", "the line ends inside a string", 81},
    {"{" IDS ",\"n\" 1}", "a colon is missing behind a key", 79},
    {"{" IDS "} x", "something follows the record", 76},
    {"{" IDS ",\"n\":[1,]}", "a trailing comma", 82},
    {"{" IDS ",\"n\":[1 2]}", "a comma or bracket is missing", 82},
    {"{\"spanId\":\"eee19b7ec3c1b174\"}", "a span without traceId", 0},
    {"{\"type\":\"span\",\"traceId\":\"1\"}", "a span without spanId", 0},
    {"{\"traceId\":\"000\",\"spanId\":\"1\"}", "traceId is all zero", 0},
    {"{\"traceId\":\"1\",\"spanId\":\"0000000000000000\"}", "spanId is all zero", 0},
    {"{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":"
     "\"0000000000000000\"}",
     "spanId is all zero", 0},
    {"{\"type\":\"span\",\"traceId\":\"00000000000000000000000000000000\",\"spanId\":"
     "\"eee19b7ec3c1b174\"}",
     "traceId is all zero", 0},
    {"{\"traceId\":1,\"spanId\":\"1\"}", "traceId is not a string", 0},
    {"{\"type\":1," IDS "}", "type is not a string", 0},
    {"{" IDS ",\"startTimeUnixNano\":\"9223372036854775808\"}", "startTimeUnixNano is not an int64",
     0},
    {"{" IDS ",\"endTimeUnixNano\":\"soon\"}", "endTimeUnixNano is not an int64", 0},
    {"{" IDS ",\"endTimeUnixNano\":1.5}", "endTimeUnixNano is not an int64", 0},
    {"{\"metricName\":\"m\",\"timeUnixNano\":true}", "timeUnixNano is not an int64", 0},
    {"{\"duration\":1}",
     "neither a type nor a field that decides it (metricName, executionId, body, severity, spanId)",
     0},
};

static void test_lines(const char *which)
{
    struct decoding d = {0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[512];
        int length = snprintf(text, sizeof text, "%s\n", lines[i].line);
        decode(&d, text, (size_t)length);
        const struct tcore_reject *reject = d.batch->rejects;
        if (!lines[i].reason) {
            ok(d.batch->rows == 1 && !d.batch->reject_count, "%s: accepted: %s%s", which,
               lines[i].line, d.batch->reject_count ? reject->reason : "");
            continue;
        }
        bool held = d.batch->rows == 0 && d.batch->reject_count == 1 &&
                    !strcmp(reject->reason, lines[i].reason) &&
                    (!lines[i].byte || reject->byte == lines[i].byte) &&
                    reject->text.length == (size_t)length - 1;
        ok(held, "%s: refused (%s): %s", which, lines[i].reason, lines[i].line);
        if (!held && d.batch->reject_count)
            printf("# %s (byte %u)\n", reject->reason, (unsigned)reject->byte);
    }
    end_decoding(&d);
}

static bool is(const struct tcore_value *v, const char *text)
{
    return v->kind == TCORE_STRING && v->len == strlen(text) && !memcmp(v->s, text, v->len);
}

static void test_values(const char *which)
{
    static const char text[] =
        "\xef\xbb\xbf{\"type\":\"span\"," IDS
        ",\"parentSpanId\":\"0000000000000000\",\"name\":\"a\\u0041\\n\","
        "\"startTimeUnixNano\":\"1544712660000000000\",\"endTimeUnixNano\":1544712661000000000,"
        "\"attributes\":{\"http.route\":\"/"
        "cart\",\"a\":{\"b\":7}},\"resource\":{\"service.name\":\"cart\"}}\n"
        "\n"
        "{\"traceId\":\"A1\",\"spanId\":\"B2\",\"parentSpanId\":\"Eee19b7ec3c1b174\",\"service\":"
        "\"s1\","
        "\"resource\":{\"service.name\":\"s2\"},\"durationNano\":9007199254740993,\"attributes\":[{"
        "\"http.route\":1}]}\n"
        "{" IDS ",\"attributes\":{\"http.route\":\"/"
        "x\",\"a\":{\"b\":1}},\"attributes\":{\"http.route\":\"/y\"},"
        "\"na\\u006de\":\"escaped key\",\"durationNano\":123456789012345678901234567890}\r\n";
    struct decoding d = {0};
    for (int round = 0; round < 3; round++) { /* unseen shapes, then learnt ones */
        decode(&d, text, sizeof text - 1);
        const struct tcore_batch *b = d.batch;
        if (!is_int((int64_t)b->rows, 3, "%s: three rows", which))
            break;
        struct tcore_value v[3][COLUMNS];
        for (size_t row = 0; row < 3; row++)
            for (size_t c = 0; c < COLUMNS; c++)
                v[row][c] = tcore_column_get(&b->columns[c], row);
        ok(is(&v[0][SERVICE], "cart"), "%s: service falls back to the resource", which);
        ok(is(&v[0][NAME], "aA\n"), "%s: escapes are decoded", which);
        ok(v[0][DURATION].kind == TCORE_INT && v[0][DURATION].i == 1000000000,
           "%s: the duration is derived", which);
        ok(v[0][PARENT].kind == TCORE_ABSENT, "%s: a zero parent is absent", which);
        ok(v[0][START].kind == TCORE_INT && v[0][START].i == 1544712660000000000,
           "%s: a time in a string is an integer", which);
        ok(is(&v[0][ROUTE], "/cart") && v[0][DEEP].kind == TCORE_INT && v[0][DEEP].i == 7,
           "%s: nested values are found", which);
        ok(v[0][ATTRIBUTES].kind == TCORE_JSON && v[0][ATTRIBUTES].s[0] == '{' &&
               v[0][ATTRIBUTES].s[v[0][ATTRIBUTES].len - 1] == '}',
           "%s: an object is its text", which);
        ok(is(&v[1][SERVICE], "s1"), "%s: a service of its own wins", which);
        ok(v[1][DURATION].i == 9007199254740993, "%s: integers beyond 2^53 are exact", which);
        ok(is(&v[1][TRACE], "000000000000000000000000000000a1") &&
               is(&v[1][PARENT], "eee19b7ec3c1b174"),
           "%s: ids are brought to their form", which);
        ok(v[1][ROUTE].kind == TCORE_ABSENT && v[1][ATTRIBUTES].kind == TCORE_JSON,
           "%s: a path does not lead into an array", which);
        ok(is(&v[2][ROUTE], "/y") && v[2][DEEP].kind == TCORE_ABSENT && b->duplicate_keys == 1,
           "%s: the last duplicate wins and is counted", which);
        ok(is(&v[2][NAME], "escaped key"), "%s: a key may be written with escapes", which);
        ok(v[2][DURATION].kind == TCORE_NUMBER && v[2][DURATION].len == 30,
           "%s: a huge integer keeps its digits", which);
        ok(b->lines[0] == 1 && b->lines[1] == 3 && b->lines[2] == 4 && b->line_count == 4,
           "%s: line numbers count the empty line", which);
        ok(b->text[0].data[0] == '{' && b->text[2].data[b->text[2].length - 1] == '}',
           "%s: the text is the record alone", which);
    }
    end_decoding(&d);
}

/* A small generator of records, valid and broken. */
static uint64_t seed = 42;

static unsigned random_below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 11) % n);
}

static void make_value(struct tcore_buf *out, unsigned depth);

static void make_string(struct tcore_buf *out)
{
    static const char *const pieces[] = {"a",
                                         "cart",
                                         "0123456789abcdef",
                                         "\\n",
                                         "\\u0041",
                                         "é",
                                         "漢",
                                         "😀",
                                         "\\ud800",
                                         "\\\"",
                                         " ",
                                         "/api/v1/items/",
                                         "a rather long stretch of plain text that fills more than "
                                         "sixty-four bytes of a vector"};
    tcore_buf_putc(out, '"');
    for (unsigned n = random_below(4); n; n--)
        tcore_buf_puts(out, pieces[random_below(sizeof pieces / sizeof *pieces)]);
    tcore_buf_putc(out, '"');
}

static void make_object(struct tcore_buf *out, unsigned depth)
{
    static const char *const keys[] = {
        "\"a\"", "\"b\"",       "\"http.route\"", "\"service.name\"",
        "\"x\"", "\"\\u0061\"", "\"\"",           "\"key with blanks\""};
    tcore_buf_putc(out, '{');
    for (unsigned n = random_below(5), i = 0; i < n; i++) {
        tcore_buf_puts(out, i ? random_below(8) ? "," : " , " : "");
        tcore_buf_puts(out, keys[random_below(sizeof keys / sizeof *keys)]);
        tcore_buf_puts(out, random_below(8) ? ":" : " : ");
        make_value(out, depth + 1);
    }
    tcore_buf_putc(out, '}');
}

static void make_value(struct tcore_buf *out, unsigned depth)
{
    static const char *const scalars[] = {"0",
                                          "-1",
                                          "12345",
                                          "1.5",
                                          "-0",
                                          "1e300",
                                          "true",
                                          "false",
                                          "null",
                                          "123456789012345678",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "9223372036854775808",
                                          "0.1e-7"};
    unsigned kind = random_below(depth > 3 ? 2 : 4);
    if (kind == 0) {
        make_string(out);
    } else if (kind == 1) {
        tcore_buf_puts(out, scalars[random_below(sizeof scalars / sizeof *scalars)]);
    } else if (kind == 2) {
        make_object(out, depth);
    } else {
        tcore_buf_putc(out, '[');
        for (unsigned n = random_below(4), i = 0; i < n; i++) {
            tcore_buf_puts(out, i ? "," : "");
            make_value(out, depth + 1);
        }
        tcore_buf_putc(out, ']');
    }
}

static void make_line(struct tcore_buf *out)
{
    size_t start = out->length;
    static const char *const fields[] = {"type",
                                         "name",
                                         "service",
                                         "durationNano",
                                         "startTimeUnixNano",
                                         "endTimeUnixNano",
                                         "attributes",
                                         "resource",
                                         "parentSpanId",
                                         "z"};
    tcore_buf_puts(out, "{" IDS);
    for (unsigned n = random_below(8); n; n--) {
        unsigned field = random_below(sizeof fields / sizeof *fields);
        tcore_buf_printf(out, ",\"%s\":", fields[field]);
        if (field == 0)
            tcore_buf_puts(out, "\"span\"");
        else if (field == 4 || field == 5)
            tcore_buf_printf(out, "\"%u\"", random_below(1000000));
        else if (field == 6 || field == 7)
            make_object(out, 1);
        else
            make_value(out, 1);
    }
    tcore_buf_putc(out, '}');
    if (random_below(3) == 0) { /* break it */
        size_t at = start + random_below((unsigned)(out->length - start));
        static const char bytes[] = "\"\\{}[],:0x \x01\xff\xc3-.e";
        out->data[at] = bytes[random_below(sizeof bytes - 1)];
    }
    tcore_buf_putc(out, '\n');
}

static bool same_value(const struct tcore_value *a, const struct tcore_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == TCORE_INT)
        return a->i == b->i;
    if (a->kind < TCORE_NUMBER)
        return true;
    return a->len == b->len && !memcmp(a->s, b->s, a->len);
}

static bool same_batch(const struct tcore_batch *a, const struct tcore_batch *b)
{
    bool same = a->rows == b->rows && a->reject_count == b->reject_count &&
                a->duplicate_keys == b->duplicate_keys && a->line_count == b->line_count &&
                a->negative_durations == b->negative_durations;
    for (size_t row = 0; same && row < a->rows; row++) {
        same = a->types[row] == b->types[row] && a->lines[row] == b->lines[row] &&
               a->text[row].length == b->text[row].length &&
               !memcmp(a->text[row].data, b->text[row].data, a->text[row].length);
        for (size_t c = 0; same && c < a->column_count; c++) {
            struct tcore_value x = tcore_column_get(&a->columns[c], row),
                               y = tcore_column_get(&b->columns[c], row);
            same = same_value(&x, &y);
        }
    }
    for (size_t i = 0; same && i < a->reject_count; i++)
        same = a->rejects[i].line == b->rejects[i].line &&
               a->rejects[i].byte == b->rejects[i].byte &&
               !strcmp(a->rejects[i].reason, b->rejects[i].reason);
    return same;
}

/* Decodes the text with each instruction set; *first: as the first of them does. Returns how many
 * there are, and counts those that differ from the first. */
static unsigned decode_by_each(struct decoding d[3], const struct tcore_buf *text,
                               const struct tcore_batch **first, unsigned *different)
{
    unsigned variants = 0;
    for (size_t v = 0; v < 3; v++) {
        if (!tcore_simd_select(simd[v]))
            continue;
        decode(&d[v], text->data, text->length);
        if (!variants++)
            *first = d[v].batch;
        else
            *different += !same_batch(*first, d[v].batch);
    }
    return variants;
}

static void test_agreement(void)
{
    struct tcore_buf text = {0};
    struct tcore_json json = {0};
    unsigned lines_made = 0, wrong_simd = 0, wrong_json = 0, variants = 0, refused = 0;
    struct decoding d[3] = {{0}};
    for (unsigned round = 0; round < 60; round++) {
        tcore_buf_clear(&text);
        for (unsigned i = 0; i < 100; i++)
            make_line(&text);
        lines_made += 100;
        const struct tcore_batch *b;
        variants = decode_by_each(d, &text, &b, &wrong_simd);
        /* every line refused for its JSON is refused by the plain parser, every row accepted */
        for (size_t i = 0; i < b->reject_count; i++) {
            struct tcore_error err = {0};
            const struct tcore_reject *r = &b->rejects[i];
            bool json_fault = r->byte != 0;
            refused++;
            if (!strcmp(r->reason, "a record is a JSON object"))
                continue; /* the plain parser takes any value */
            if (json_fault !=
                (tcore_json_parse(&json, r->text.data, r->text.length, &err) != TCORE_OK)) {
                wrong_json++;
                printf("# %.*s\n# %s (byte %u), but the other: %s\n", (int)r->text.length,
                       r->text.data, r->reason, (unsigned)r->byte, err.text);
            }
        }
        for (size_t row = 0; row < b->rows; row++)
            if (tcore_json_parse(&json, b->text[row].data, b->text[row].length, NULL)) {
                wrong_json++;
                printf("# accepted here only: %.*s\n", (int)b->text[row].length, b->text[row].data);
            }
    }
    for (size_t v = 0; v < 3; v++)
        end_decoding(&d[v]);
    ok(!wrong_simd && variants >= 1, "%u instruction sets agree on %u lines", variants, lines_made);
    ok(!wrong_json && refused > 100, "the JSON parser agrees on %u lines, %u of them refused",
       lines_made, refused);
    tcore_buf_free(&text);
    tcore_json_free(&json);
}

/* A line like one of a few, and perhaps with a byte changed, left out or put in. */
static void make_variant(struct tcore_buf *out, const struct tcore_buf *models, size_t count)
{
    static const char bytes[] = "\"\\{}[],:019x -.eE\x01\xff\xc3\n\r\t";
    const struct tcore_buf *model = &models[random_below((unsigned)count)];
    char byte = bytes[random_below(sizeof bytes - 1)];
    unsigned at = random_below((unsigned)model->length - 1), how = random_below(8);
    tcore_buf_clear(out);
    tcore_buf_append(out, model->data, at);
    if (how < 2)
        tcore_buf_putc(out, byte);
    if (how == 2) /* a longer string or number */
        tcore_buf_append(out, model->data + at, 1);
    at += how == 0 || how == 3;
    tcore_buf_append(out, model->data + at, model->length - at);
}

/*
 * A decoder that has seen records like this one goes by its plans; one that has not does not. They
 * must agree on what is right, on every value of it, and on what is wrong and where.
 */
static void test_plans(const char *which)
{
    enum { MODELS = 24, LINES = 6000 };
    static const char *const written[] = {
        "{\"type\":\"span\"," IDS ",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"GET /cart\","
        "\"kind\":\"server\",\"startTimeUnixNano\":\"1544712660000000000\","
        "\"endTimeUnixNano\":\"1544712661000000000\",\"durationNano\":1000000000,"
        "\"status\":\"error\",\"service\":\"cart\",\"attributes\":{\"http.route\":\"/cart\","
        "\"retries\":3,\"deep\":{\"a\":{\"b\":[1,{\"c\":2}]},\"e\":{}},\"ok\":true,\"no\":null},"
        "\"resource\":{\"service.name\":\"cart\",\"host.name\":\"h1\"},"
        "\"events\":[{\"name\":\"retry\"}],\"flags\":257}\n",
        "{\"type\": \"span\", " IDS ", \"name\": \"spaced\", \"resource\": {\"service.name\": "
        "\"s\" } , \"durationNano\": 12 }\n",
        "{" IDS
        ",\"resource\":{\"a key that is longer than the sixty-four bytes of the vector that "
        "it is compared with\":\"x\",\"another such key, which makes the literal text before the "
        "value a long one\":17,\"service.name\":\"long\"},\"service\":\"\"}\n",
        "{" IDS ",\"durationNano\":\"1\",\"attributes\":{\"http.route\":5}}\n",
        "{" IDS ",\"durationNano\":-1,\"attributes\":{\"http.route\":{}}}\n",
        "{" IDS ",\"durationNano\":true,\"attributes\":{}}\n"};
    struct tcore_buf models[MODELS] = {{0}}, line = {0};
    struct decoding warm = {0};
    unsigned different = 0, accepted = 0;
    for (size_t i = 0; i < MODELS; i++)
        if (i < sizeof written / sizeof *written)
            tcore_buf_puts(&models[i], written[i]);
        else
            make_line(&models[i]);
    for (unsigned i = 0; i < LINES; i++) {
        make_variant(&line, models, MODELS);
        decode(&warm, line.data, line.length);
        struct decoding fresh = {0};
        decode(&fresh, line.data, line.length);
        accepted += warm.batch->rows == 1;
        if (!same_batch(warm.batch, fresh.batch)) {
            different++;
            printf("# %.*s", (int)line.length, line.data);
        }
        end_decoding(&fresh);
    }
    ok(!different && accepted > LINES / 4, "%s: known and unknown shapes give the same (%u of %u)",
       which, accepted, (unsigned)LINES);
    end_decoding(&warm);
    for (size_t i = 0; i < MODELS; i++)
        tcore_buf_free(&models[i]);
    tcore_buf_free(&line);
}

/*
 * Chunks of many lines, most of them spans of a few forms: what is found by looking at many lines
 * at once, and what each line is by itself, must be the same, whichever way the instruction set
 * goes.
 */
static void test_windows(void)
{
    enum { ROUNDS = 60, LINES = 150 };
#define TRACE_ID "\"traceId\":\"5b8efff798038103d269b633813fc60c\""
#define PLAIN(ids, start, retries)                                                                 \
    "{\"type\":\"span\"," ids ",\"startTimeUnixNano\":\"" start "\",\"durationNano\":5,"           \
    "\"attributes\":{\"http.route\":\"/\",\"retries\":" retries "}}\n"
#define NAMED(name)                                                                                \
    "{\"type\":\"span\"," IDS ",\"name\":\"" name                                                  \
    "\",\"startTimeUnixNano\":\"7\",\"durationNano\":5}\n"
    static const char *const written[] = {
        "{\"type\":\"span\"," IDS ",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"GET /cart\","
        "\"startTimeUnixNano\":\"1544712660000000000\",\"endTimeUnixNano\":"
        "\"1544712661000000000\",\"durationNano\":1000000000,\"service\":\"cart\","
        "\"attributes\":{\"http.route\":\"/cart\",\"retries\":3},\"events\":[],"
        "\"resource\":{\"service.name\":\"cart\"}}\n",
        "{\"type\":\"span\"," IDS ",\"name\":\"SELECT\",\"startTimeUnixNano\":"
        "\"1544712660000000000\",\"durationNano\":17,\"attributes\":{\"ok\":true,\"share\":0.5,"
        "\"none\":null},\"resource\":{\"service.name\":\"db\"}}\n",
        "{\"type\":\"span\"," IDS ",\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"9\","
        "\"service\":\"derived\"}\n",
        "{\"type\":\"log\",\"body\":\"words\",\"timeUnixNano\":\"77\",\"service\":\"cart\"}\n",
        "{\"metricName\":\"m\",\"value\":12.5,\"service\":\"cart\",\"durationNano\":1}\n",
        /* of one form, but not all plain */
        PLAIN(IDS, "1", "3"), PLAIN(IDS, "9223372036854775807", "123456789012345678"),
        PLAIN(IDS, "9223372036854775808", "3"), PLAIN(IDS, "-1", "-3"), PLAIN(IDS, "x", "3"),
        PLAIN(IDS, "", "3.5e2"), PLAIN(IDS, "1", "x"), PLAIN(IDS, "1", "03"), PLAIN(IDS, "1", "3 "),
        PLAIN(IDS, "1", "[]"), PLAIN(IDS, "1", "1x2"), PLAIN(IDS, "1", "12345678901234567890"),
        PLAIN(IDS, "1", "tru"), PLAIN("\"traceId\":\"\",\"spanId\":\"1\"", "1", "3"),
        PLAIN(TRACE_ID ",\"spanId\":\"0000000000000000\"", "1", "3"),
        PLAIN(TRACE_ID ",\"spanId\":\"\"", "1", "3"),
        PLAIN("\"traceId\":\"0A\",\"spanId\":\"00b\"", "1", "3"),
        PLAIN("\"traceId\":\"xyz\",\"spanId\":\"ABCDEFABCDEFABCD\"", "1", "3"),
        PLAIN(IDS, "1\",\"endTimeUnixNano\":\"2", "3"),
        PLAIN(IDS, "1\",\"endTimeUnixNano\":\"2x", "3"),
        PLAIN(TRACE_ID ",\"spanId\":\"00000000000000b7\"", "1", "3"),
        PLAIN(TRACE_ID ",\"spanId\":\"0000000b\"", "1", "3"),
        PLAIN("\"traceId\":\"0b8efff798038103d269b633813fc60c\",\"spanId\":\"0ee19b7ec3c1b174\"",
              "1", "3"),
        /* letters that are not ASCII, and what only looks like them */
        NAMED("caf\xc3\xa9"), NAMED("\xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80"),
        NAMED("\xed\x9f\xbf"), NAMED("\xed\xa0\x80"), NAMED("\xc3"), NAMED("\xc0\x80"),
        NAMED("x\xe2\x82"), NAMED("\x80"), NAMED("\xf4\x90\x80\x80"), NAMED("\xc3\xa9\\n"),
        NAMED("\xc3\xa9\x1f"), "\n"};
#undef TRACE_ID
#undef PLAIN
#undef NAMED
    enum { MODELS = sizeof written / sizeof *written };
    struct tcore_buf models[MODELS] = {{0}}, text = {0}, line = {0};
    struct decoding d[3] = {{0}};
    unsigned different = 0, rows = 0, rejects = 0, variants = 0;
    for (size_t i = 0; i < MODELS; i++)
        tcore_buf_puts(&models[i], written[i]);
    for (unsigned round = 0; round < ROUNDS; round++) {
        tcore_buf_clear(&text);
        for (unsigned i = 0; i < LINES; i++) {
            const struct tcore_buf *model = &models[random_below(MODELS)];
            if (random_below(16) == 0 && model->length > 1)
                make_variant(&line, model, 1);
            tcore_buf_append(&text, line.length ? line.data : model->data,
                             line.length ? line.length : model->length);
            tcore_buf_clear(&line);
            unsigned odd = random_below(200); /* a line longer than a window, or one of UTF-16 */
            if (odd == 0)
                tcore_buf_printf(&text, "{" IDS ",\"name\":\"%09000d\"}\n", 7);
            else if (odd == 1)
                tcore_buf_append(&text, "\xff\xfe{\0}\0\n\0", 8);
        }
        if (text.data[text.length - 1] != '\n')
            tcore_buf_putc(&text, '\n');
        const struct tcore_batch *first;
        variants = decode_by_each(d, &text, &first, &different);
        rows += (unsigned)first->rows;
        rejects += (unsigned)first->reject_count;
    }
    ok(!different && rows > ROUNDS * LINES * 2 / 5 && rejects > ROUNDS,
       "%u instruction sets agree on %u rows and %u rejects of chunks", variants, rows, rejects);
    for (size_t v = 0; v < 3; v++)
        end_decoding(&d[v]);
    for (size_t i = 0; i < MODELS; i++)
        tcore_buf_free(&models[i]);
    tcore_buf_free(&text);
    tcore_buf_free(&line);
}

/* An object of some of these members, in any order; nested ones with members of their own. */
static void shuffle_object(struct tcore_buf *out, bool root, const char *comma)
{
    static const char *const record[] = {
        "\"type\":\"span\"",
        "\"traceId\":\"5b8efff798038103d269b633813fc60c\"",
        "\"spanId\":\"eee19b7ec3c1b174\"",
        "\"parentSpanId\":\"eee19b7ec3c1b173\"",
        "\"name\":\"GET /cart\"",
        "\"kind\":\"server\"",
        "\"startTimeUnixNano\":\"1544712660000000000\"",
        "\"endTimeUnixNano\":\"1544712661000000000\"",
        "\"durationNano\":1000000000",
        "\"status\":\"error\"",
        "\"service\":\"cart\"",
        "\"attributes\":",
        "\"resource\":",
        "\"events\":[{\"name\":\"retry\",\"attributes\":{\"http.route\":\"no\",\"service\":1}},{}]",
        "\"flags\":257"};
    static const char *const attribute[] = {
        "\"http.route\":\"/cart\"",
        "\"retries\":3",
        "\"share\":0.25",
        "\"zero\":0",
        "\"minus\":-7",
        "\"many\":123456789012345678901",
        "\"ok\":true",
        "\"none\":null",
        "\"list\":[1,\"http.route\",{\"http.route\":\"in a list\"}]",
        "\"deep\":",
        "\"empty\":{}",
        "\"service.name\":\"shop\"",
        "\"a key of more than half a vector of text\":\"x\"",
        "\"a key that is longer than the sixty-four bytes of the vector it is compared with\":2",
        "\"mixed\":\"text\"",
        "\"letters\":\"\xc3\xa9\"",
        "\"escaped\":\"\\u00e9\\n\""};
    const char *const *members = root ? record : attribute;
    unsigned count = root ? sizeof record / sizeof *record : sizeof attribute / sizeof *attribute;
    unsigned order[32], used = root ? count - random_below(3) : random_below(6);
    for (unsigned i = 0; i < count; i++) {
        unsigned k = random_below(i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    static const char *const no_brace[] = {"7{", "7}{", "7;", "7}", ";", "\"x\"{"};
    tcore_buf_puts(out, random_below(100) ? "{" : no_brace[random_below(6)]);
    for (unsigned i = 0; i < used; i++) {
        const char *member = members[order[i]];
        if (!strcmp(member, "\"mixed\":\"text\"") && random_below(2))
            member = "\"mixed\":12";
        tcore_buf_printf(out, "%s%s", i ? comma : "", member);
        if (member[strlen(member) - 1] == ':')
            shuffle_object(out, false, comma);
        if (random_below(400) == 0) /* a key twice, or something between */
            tcore_buf_printf(out, random_below(2) ? ",%s" : " ", member);
    }
    tcore_buf_putc(out, '}');
}

/* Records whose keys come in an order that is never the same, many of them broken. */
static void test_shuffled(void)
{
    enum { ROUNDS = 200, LINES = 100 };
    struct tcore_buf text = {0}, line = {0}, variant = {0};
    struct decoding d[3] = {{0}};
    unsigned different = 0, rows = 0, rejects = 0, variants = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const char *comma = round < ROUNDS / 2 ? "," : ", ";
        tcore_buf_clear(&text);
        for (unsigned i = 0; i < LINES; i++) {
            tcore_buf_clear(&line);
            shuffle_object(&line, true, comma);
            tcore_buf_putc(&line, '\n');
            bool broken = random_below(4) == 0;
            size_t skip = !i && round % 4 == 3; /* nothing at all is before the first name */
            if (broken)
                make_variant(&variant, &line, 1);
            const struct tcore_buf *made = broken && !skip ? &variant : &line;
            tcore_buf_append(&text, made->data + skip, made->length - skip);
        }
        if (text.data[text.length - 1] != '\n')
            tcore_buf_putc(&text, '\n');
        const struct tcore_batch *first;
        variants = decode_by_each(d, &text, &first, &different);
        rows += (unsigned)first->rows;
        rejects += (unsigned)first->reject_count;
    }
    ok(!different && rows > ROUNDS * LINES / 2 && rejects > ROUNDS,
       "%u instruction sets agree on %u rows and %u rejects with keys in any order", variants, rows,
       rejects);
    for (size_t v = 0; v < 3; v++)
        end_decoding(&d[v]);
    tcore_buf_free(&text);
    tcore_buf_free(&line);
    tcore_buf_free(&variant);
}

static void test_depth(const char *which)
{
    struct decoding d = {0};
    for (unsigned extra = 0; extra < 2; extra++) {
        struct tcore_buf text = {0};
        tcore_buf_puts(&text, "{" IDS ",\"x\":");
        for (unsigned i = 0; i < 511 + extra; i++)
            tcore_buf_putc(&text, '[');
        for (unsigned i = 0; i < 511 + extra; i++)
            tcore_buf_putc(&text, ']');
        tcore_buf_puts(&text, "}\n");
        decode(&d, text.data, text.length);
        struct tcore_json json = {0};
        bool plain = !tcore_json_parse(&json, text.data, text.length, NULL);
        ok(d.batch->rows == 1 - extra && plain == !extra, "%s: %u levels are %s by both parsers",
           which, 512 + extra, extra ? "refused" : "accepted");
        tcore_json_free(&json);
        tcore_buf_free(&text);
    }
    char *deep = malloc(200002);
    memset(deep, '[', 200000);
    memcpy(deep, "{\"a\":", 5);
    deep[200000] = '\n';
    decode(&d, deep, 200001);
    ok(d.batch->reject_count == 1 && !strcmp(d.batch->rejects[0].reason, "nesting is too deep"),
       "%s: nesting of 200,000 is refused", which);
    free(deep);
    end_decoding(&d);
}

/* A line whose keys never come twice must not make the decoder grow without end. */
static void test_many_keys(void)
{
    struct decoding d = {0};
    struct tcore_buf text = {0};
    unsigned rows = 0;
    for (unsigned round = 0; round < 40; round++) {
        tcore_buf_clear(&text);
        for (unsigned i = 0; i < 1000; i++)
            tcore_buf_printf(
                &text, "{" IDS ",\"k%u\":1,\"attributes\":{\"q%u\":2,\"http.route\":\"/r\"}}\n",
                round * 1000 + i, round * 1000 + i);
        decode(&d, text.data, text.length);
        for (size_t row = 0; row < d.batch->rows; row++) {
            struct tcore_value v = tcore_column_get(&d.batch->columns[ROUTE], row);
            rows += is(&v, "/r");
        }
    }
    is_int(rows, 40000, "80,000 distinct keys: every row's wanted value is found");
    tcore_buf_free(&text);
    end_decoding(&d);
}

/* Every n-th allocation fails once: out of memory is told, nothing leaks. */
static unsigned long allocations, fail_at;

static void *failing_alloc(size_t bytes)
{
    return ++allocations == fail_at ? NULL : malloc(bytes);
}

static void *failing_resize(void *memory, size_t bytes)
{
    return ++allocations == fail_at ? NULL : realloc(memory, bytes);
}

static void test_no_memory(void)
{
    struct tcore_sys sys = tcore_sys_default;
    sys.alloc = failing_alloc;
    sys.resize = failing_resize;
    struct tcore_buf text = {0};
    for (unsigned i = 0; i < 30; i++)
        make_line(&text);
    char *data = calloc(1, text.length + 64);
    memcpy(data, text.data, text.length);
    size_t length = text.length;
    tcore_buf_free(&text);
    tcore_sys_set(&sys);
    unsigned fatal = 0, wrong = 0;
    for (fail_at = 1; fail_at < 2000; fail_at++) {
        allocations = 0;
        struct tcore_decoder *decoder = NULL;
        struct tcore_error err = {0};
        const struct tcore_batch *batch;
        struct tcore_chunk chunk = {.data = data, .length = length};
        enum tcore_status status = tcore_decoder_new(&decoder, wanted(), NULL, &err);
        if (!status)
            status = tcore_decoder_decode(decoder, TCORE_FORMAT_NDJSON, &chunk, &batch, &err);
        tcore_decoder_free(decoder);
        if (allocations < fail_at)
            break;
        fatal += status == TCORE_FATAL;
        wrong += status != TCORE_FATAL && status != TCORE_OK;
    }
    tcore_sys_set(NULL);
    ok(fatal > 10 && !wrong && fail_at < 2000, "each of %u failed allocations is told as such",
       fatal);
    free(data);
}

/* Records that cannot be planned, between others that can, must not cost memory each time. */
static void test_bounded_plans(void)
{
    struct tcore_sys sys = tcore_sys_default;
    struct tcore_buf text = {0};
    struct decoding d = {0};
    for (unsigned i = 0; i < 100; i++)
        tcore_buf_puts(
            &text, i % 4 ? "{" IDS ",\"name\":\"a\",\"durationNano\":1}\n"
                         : "{" IDS ",\"a key so long that the literal text which it stands in is "
                           "made of two parts, or more\":1,\"name\":\"a\",\"name\":\"b\"}\n");
    decode(&d, text.data, text.length);
    struct tcore_error err = {0};
    sys.alloc = failing_alloc;
    sys.resize = failing_resize;
    tcore_sys_set(&sys);
    allocations = fail_at = 0;
    bool decoded = true;
    for (unsigned i = 0; i < 1000; i++)
        decoded &= !tcore_decoder_decode(d.decoder, TCORE_FORMAT_NDJSON, &d.chunk, &d.batch, &err);
    tcore_sys_set(NULL);
    ok(decoded && d.batch->rows == 100, "the records are read");
    is_int(allocations, 0, "records that are like known ones need no more memory");
    tcore_buf_free(&text);
    end_decoding(&d);
}

int main(void)
{
    for (size_t i = 0; i < 3; i++) {
        if (!tcore_simd_select(simd[i])) {
            skip("this CPU lacks %s", simd[i]);
            continue;
        }
        test_lines(simd[i]);
        test_values(simd[i]);
        test_depth(simd[i]);
        for (unsigned whole = 0; whole < 2; whole++) {
            columns = whole ? COLUMNS : ATTRIBUTES;
            test_plans(simd[i]);
        }
    }
    test_agreement();
    for (unsigned whole = 0; whole < 2; whole++) {
        columns = whole ? COLUMNS : ATTRIBUTES;
        test_windows();
        test_shuffled();
    }
    tcore_simd_select(NULL);
    test_many_keys();
    test_no_memory();
    test_bounded_plans();
    return done_testing();
}
