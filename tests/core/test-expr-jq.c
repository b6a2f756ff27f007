/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The native evaluator against libjq: random expressions on random records must give the same
 * verdict, in columns of any form. Left out is what is documented to differ: integers beyond 2^53,
 * the regex dialect, and a postfix ? on parentheses, which in libjq 1.6 also catches errors that
 * are raised behind it.
 */
#include "base/buf.h"
#include "forms.h"
#include "query/expr.h"
#include "query/jq.h"

enum { EXPRESSIONS = 60, RECORDS = 40, ROUNDS = 6, LONG_ROUNDS = 400 };

static uint64_t random_state;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 11;
}

static unsigned below(unsigned n)
{
    return (unsigned)(random_bits() % n);
}

#define PICK(list) ((list)[below(sizeof(list) / sizeof *(list))])

/* --- Records */

static const char *const strings[] = {"",
                                      "a",
                                      "b",
                                      "ab",
                                      "abc",
                                      "GET",
                                      "GET /",
                                      "z\\\\",
                                      "\\u00e9",
                                      "\\ud83d\\ude00x",
                                      "10",
                                      "A",
                                      "x y",
                                      "\\n",
                                      "\\\"q\\\"",
                                      "null",
                                      "aa",
                                      "caf\xc3\xa9",
                                      "\xf0\x9f\x98\x80",
                                      "\\u00e9\\u0301"};
static const char *const doubles[] = {"0.5",
                                      "1.5",
                                      "-2.25",
                                      "3.0",
                                      "1e3",
                                      "0.1",
                                      "1E-3",
                                      "-0.0",
                                      "100.125",
                                      "2.5e2",
                                      "12345.678",
                                      "-1e-2",
                                      "0.30000000000000004"};

static void put_number(struct tcore_buf *out)
{
    if (below(3) == 0)
        tcore_buf_puts(out, PICK(doubles));
    else
        tcore_buf_printf(out, "%d", (int)below(25) - 6);
}

static void put_value(struct tcore_buf *out, unsigned depth)
{
    static const char *const words[] = {"null", "true", "false"};
    unsigned kind = below(depth ? 12 : 9);
    if (kind < 2) {
        tcore_buf_puts(out, PICK(words));
    } else if (kind < 5) {
        put_number(out);
    } else if (kind < 9) {
        tcore_buf_printf(out, "\"%s\"", PICK(strings));
    } else if (kind < 10) {
        tcore_buf_putc(out, '[');
        for (unsigned i = 0, n = below(4); i < n; i++) {
            tcore_buf_puts(out, i ? "," : "");
            put_value(out, depth - 1);
        }
        tcore_buf_putc(out, ']');
    } else {
        static const char *const keys[] = {"k", "j", "a"};
        tcore_buf_putc(out, '{');
        for (unsigned i = 0, n = below(4); i < n; i++) {
            tcore_buf_printf(out, "%s\"%s\":", i ? "," : "", PICK(keys));
            put_value(out, depth - 1);
        }
        tcore_buf_putc(out, '}');
    }
}

/* One line without its newline. */
static void put_record(struct tcore_buf *out)
{
    static const char *const keys[] = {"a", "b", "c", "s", "x"};
    tcore_buf_puts(out, "{\"type\":\"t\"");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (below(6) == 0)
            continue;
        tcore_buf_printf(out, ",\"%s\":", keys[i]);
        put_value(out, 2);
    }
    tcore_buf_printf(out, ",\"n\":%d", (int)below(20) - 4);
    tcore_buf_printf(out, ",\"big\":%lld", (long long)(random_bits() >> 3) - (INT64_C(1) << 49));
    tcore_buf_printf(out, ",\"name\":\"%s\"", PICK(strings));
    if (below(8)) {
        tcore_buf_puts(out, ",\"attributes\":{\"http.route\":");
        put_value(out, 1);
        tcore_buf_puts(out, ",\"k\":");
        put_value(out, 1);
        tcore_buf_puts(out, "}");
    }
    tcore_buf_putc(out, '}');
}

/* --- Expressions */

static void put_condition(struct tcore_buf *out, unsigned depth);

static void put_path(struct tcore_buf *out)
{
    static const char *const paths[] = {".a",
                                        ".b",
                                        ".c",
                                        ".s",
                                        ".x",
                                        ".n",
                                        ".name",
                                        ".a.k",
                                        ".x.k.j",
                                        ".x[\"k\"]",
                                        ".\"b\".a",
                                        ".a?",
                                        ".a.k?",
                                        ".x?.k",
                                        ".attributes.k",
                                        ".attributes[\"http.route\"]",
                                        ".absent",
                                        ".absent.k",
                                        ".attributes.k.j",
                                        ".n",
                                        ".name",
                                        ".s"};
    tcore_buf_puts(out, PICK(paths));
}

static void put_literal(struct tcore_buf *out)
{
    static const char *const others[] = {"null",      "true",   "false",
                                         "[]",        "{}",     "[1,\"a\"]",
                                         "{\"k\":1}", "[null]", "{\"a\":{},\"k\":\"a\"}",
                                         "ms",        "1*us"};
    unsigned kind = below(10);
    if (kind < 4)
        tcore_buf_printf(out, "\"%s\"", PICK(strings));
    else if (kind < 8)
        put_number(out);
    else
        tcore_buf_puts(out, PICK(others));
}

static void put_operand(struct tcore_buf *out, unsigned depth)
{
    static const char *const sums[] = {" + ", " - ", "+", "-"};
    static const char *const divisors[] = {"2", "3", "0.5", "-4", ".n", ".a", "\"a\"", ".s", "7"};
    switch (below(depth ? 14 : 6)) {
    case 0:
    case 1:
    case 2:
    case 3:
        put_path(out);
        break;
    case 4:
    case 5:
        put_literal(out);
        break;
    case 6:
    case 7:
        put_operand(out, depth - 1);
        tcore_buf_puts(out, PICK(sums));
        put_operand(out, depth - 1);
        break;
    case 8:
        put_path(out);
        tcore_buf_printf(out, " * %s", PICK(divisors));
        break;
    case 9:
        tcore_buf_puts(out, below(2) ? "(" : "-(");
        put_operand(out, depth - 1);
        tcore_buf_printf(out, ") %c %s", "/%"[below(2)], PICK(divisors));
        break;
    case 10:
        tcore_buf_puts(out, "(");
        put_operand(out, depth - 1);
        tcore_buf_puts(out, " // ");
        put_operand(out, depth - 1);
        tcore_buf_puts(out, ")");
        break;
    case 11:
        tcore_buf_puts(out, "(");
        put_operand(out, depth - 1);
        tcore_buf_puts(out, "|length)");
        break;
    case 12:
        tcore_buf_puts(out, "(");
        put_operand(out, depth - 1);
        tcore_buf_puts(out, below(2) ? "|.k)" : " | .k.j? )");
        break;
    default:
        tcore_buf_puts(out, "(");
        put_condition(out, depth - 1);
        tcore_buf_puts(out, ")");
        break;
    }
}

/* A function of ".". */
static void put_function(struct tcore_buf *out)
{
    static const char *const tests[] = {"a",        "^G", "\\\\d+", "[a-c]$", "x|y",      ".",
                                        "\xc3\xa9", "^$", "b*",     "^.{2}$", "\\\\\\\\", " "};
    static const char *const flags[] = {"", "; \"i\"", "; \"x\"", "; null", "; \"n\"", "; \"gs\""};
    static const char *const names[] = {"startswith", "endswith", "contains", "inside"};
    static const char *const containers[] = {"{\"a\":1,\"k\":2}", "[1,2]", "{}", "{k:1}"};
    switch (below(7)) {
    case 0:
        tcore_buf_printf(out, "test(\"%s\"%s)", PICK(tests), PICK(flags));
        break;
    case 1:
    case 2:
        tcore_buf_printf(out, "%s(", PICK(names));
        put_literal(out);
        tcore_buf_puts(out, ")");
        break;
    case 3:
        tcore_buf_printf(out, "has(%s)", below(3) ? "\"k\"" : "1");
        break;
    case 4:
        tcore_buf_printf(out, "in(%s)", PICK(containers));
        break;
    case 5:
        tcore_buf_puts(out, "IN(");
        for (unsigned i = 0, n = 1 + below(5); i < n; i++) {
            tcore_buf_puts(out, i ? ", " : "");
            put_literal(out);
        }
        tcore_buf_puts(out, ")");
        break;
    default:
        tcore_buf_puts(out, below(2) ? "not" : ". == 1 or . == \"a\"");
        break;
    }
}

static void put_condition(struct tcore_buf *out, unsigned depth)
{
    static const char *const comparisons[] = {"==", "!=", "<", "<=", ">", ">=", " == "};
    static const char *const logic[] = {" and ", " or "};
    switch (below(depth ? 12 : 8)) {
    case 0:
    case 1:
    case 2:
        put_operand(out, depth ? depth - 1 : 0);
        tcore_buf_puts(out, PICK(comparisons));
        put_operand(out, depth ? depth - 1 : 0);
        break;
    case 3:
        put_path(out);
        tcore_buf_puts(out, PICK(comparisons));
        put_literal(out);
        break;
    case 4:
        tcore_buf_printf(out, ".big %s %lld", PICK(comparisons),
                         (long long)(random_bits() >> 3) - (INT64_C(1) << 49));
        break;
    case 5:
    case 6:
        tcore_buf_puts(out, "(");
        put_path(out);
        tcore_buf_puts(out, " | ");
        put_function(out);
        tcore_buf_puts(out, ")");
        break;
    case 7:
        if (below(2))
            put_path(out);
        else
            tcore_buf_printf(out, "has(\"%c\")", "abz"[below(3)]);
        break;
    case 8:
        put_condition(out, depth - 1);
        tcore_buf_puts(out, PICK(logic));
        put_condition(out, depth - 1);
        break;
    case 9:
        tcore_buf_puts(out, "(");
        put_condition(out, depth - 1);
        tcore_buf_puts(out, PICK(logic));
        put_condition(out, depth - 1);
        tcore_buf_puts(out, ")");
        break;
    case 10:
        tcore_buf_puts(out, "(");
        put_condition(out, depth - 1);
        tcore_buf_puts(out, " | not)");
        break;
    default:
        tcore_buf_puts(out, "(");
        put_operand(out, depth - 1);
        tcore_buf_puts(out, " | ");
        put_function(out);
        tcore_buf_puts(out, ")");
        break;
    }
}

/* --- Both ways */

struct round {
    struct tcore_buf text[EXPRESSIONS]; /* NUL-terminated */
    struct tcore_buf record[RECORDS];   /* NUL-terminated, with its newline */
    struct tcore_buf lines;             /* all records */
    struct tcore_buf answers;           /* of libjq: an array of digits for each record */
    struct tcore_jq_output outputs[RECORDS];
    uint64_t pairs, kept, failed, foreign;
};

/* One program that evaluates all expressions: 0 false, 1 true, 2 an error, 3 nothing. */
static bool ask_libjq(struct round *r, const char *helper)
{
    struct tcore_jq_options options = {.helper = helper, .watchdog_ns = INT64_C(60000000000)};
    struct tcore_buf program = {0};
    struct tcore_slice texts[RECORDS];
    struct tcore_jq *jq;
    struct tcore_error err = {0};
    tcore_buf_puts(&program, "[");
    for (unsigned i = 0; i < EXPRESSIONS; i++)
        tcore_buf_printf(&program,
                         "%s(try ([%s] | if length == 0 then 3 elif .[0] then 1 else 0 end) "
                         "catch 2)\n",
                         i ? "," : "", r->text[i].data);
    tcore_buf_puts(&program, "]|map(tostring)|join(\"\")");
    tcore_buf_putc(&program, '\0');
    for (unsigned i = 0; i < RECORDS; i++)
        texts[i] = (struct tcore_slice){r->record[i].data, strlen(r->record[i].data)};
    enum tcore_status status = tcore_jq_open(&jq, program.data, &options, &err);
    tcore_buf_clear(&r->answers);
    if (status == TCORE_OK) {
        status = tcore_jq_map(jq, texts, RECORDS, &r->answers, r->outputs, &err);
        tcore_jq_close(jq);
    }
    if (status != TCORE_OK)
        printf("# libjq: %s (line %u, column %u)\n", err.text, (unsigned)err.line,
               (unsigned)err.byte);
    tcore_buf_free(&program);
    return status == TCORE_OK;
}

/* T, F or E for each row alone, and whether the whole batch gives the same. */
static bool ask_native(struct tcore_expr_state *state, const struct tcore_batch *batch, char *got)
{
    struct tcore_error err;
    uint32_t rows[RECORDS], kept = 0, one;
    size_t count = RECORDS;
    uint64_t failed = 0, errors = 0;
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint64_t failed_one = 0;
        size_t alone = 1;
        one = rows[i] = i;
        if (tcore_expr_select(state, batch, &one, &alone, &failed_one, &err) != TCORE_OK)
            return false;
        got[i] = alone ? 'T' : failed_one ? 'E' : 'F';
        errors += failed_one;
    }
    if (tcore_expr_select(state, batch, rows, &count, &failed, &err) != TCORE_OK)
        return false;
    for (uint32_t i = 0; i < RECORDS; i++)
        if (got[i] == 'T' && (kept >= count || rows[kept++] != i))
            return false;
    return kept == count && failed == errors;
}

static bool check_expression(struct round *r, unsigned e)
{
    struct tcore_expr_options options = {.helper = "/nonexistent/tracecore-jq"};
    struct tcore_projection projection = {0};
    struct tcore_error err = {0};
    struct tcore_expr *expr;
    struct tcore_expr_state *state = NULL;
    struct forms f;
    char got[RECORDS];
    if (tcore_expr_compile(&expr, r->text[e].data, &options, &projection, &err) != TCORE_OK) {
        tcore_projection_free(&projection);
        r->foreign++;
        return true; /* beyond the native part: nothing to compare */
    }
    tcore_expr_state_new(&state, expr, &err);
    forms_decode(&f, &projection, r->lines.data, r->lines.length);
    for (size_t c = 0; c < f.decoded->column_count; c++)
        forms_set(&f, c, (enum form)below(FORMS));
    bool held = ask_native(state, &f.batch, got);
    if (!held)
        printf("# rows alone and together differ: %s\n", r->text[e].data);
    for (unsigned i = 0; i < RECORDS; i++) {
        const struct tcore_jq_output *o = &r->outputs[i];
        char digit = o->length > e + 1 ? r->answers.data[o->offset + 1 + e] : '?';
        char wanted = digit == '1' ? 'T' : digit == '2' ? 'E' : digit == '?' ? '?' : 'F';
        r->pairs++;
        r->kept += wanted == 'T';
        r->failed += wanted == 'E';
        if (got[i] != wanted) {
            printf("# %s\n#   on %s#   native %c, libjq %c %s\n", r->text[e].data,
                   r->record[i].data, got[i], wanted,
                   tcore_expr_state_reason(state) ? tcore_expr_state_reason(state) : "");
            held = false;
        }
    }
    forms_free(&f);
    tcore_expr_state_free(state);
    tcore_expr_free(expr);
    tcore_projection_free(&projection);
    return held;
}

static bool run_round(struct round *r, const char *helper)
{
    tcore_buf_clear(&r->lines);
    for (unsigned i = 0; i < RECORDS; i++) {
        tcore_buf_clear(&r->record[i]);
        put_record(&r->record[i]);
        tcore_buf_append(&r->lines, r->record[i].data, r->record[i].length);
        tcore_buf_putc(&r->lines, '\n');
        tcore_buf_append(&r->record[i], "\n", 2);
    }
    for (unsigned e = 0; e < EXPRESSIONS; e++) {
        tcore_buf_clear(&r->text[e]);
        put_condition(&r->text[e], 3);
        tcore_buf_putc(&r->text[e], '\0');
    }
    bool held = ask_libjq(r, helper);
    for (unsigned e = 0; held && e < EXPRESSIONS; e++)
        held = check_expression(r, e);
    return held;
}

int main(void)
{
    static struct round r;
    char helper[4096];
    const char *build = getenv("top_builddir"), *seed = getenv("TRACECORE_TEST_SEED");
    unsigned rounds = getenv("TRACECORE_TEST_LONG") ? LONG_ROUNDS : ROUNDS;
    uint64_t first = seed ? strtoull(seed, NULL, 10) : 20261123;
    snprintf(helper, sizeof helper, "%s/libexec/tracecore-jq", build ? build : ".");
    for (unsigned n = 0; n < rounds; n++) {
        random_state = (first + n) * 0x9e3779b97f4a7c15 | 1;
        if (!ok(run_round(&r, helper), "seed %llu", (unsigned long long)(first + n)))
            break;
    }
    printf("# %llu pairs of an expression and a record: %llu true, %llu errors; %llu expressions "
           "were not native\n",
           (unsigned long long)r.pairs, (unsigned long long)r.kept, (unsigned long long)r.failed,
           (unsigned long long)r.foreign);
    ok(r.pairs >= 5000, "at least 5,000 pairs");
    ok(r.foreign * 10 < (uint64_t)rounds * EXPRESSIONS, "nearly all expressions were native");
    for (unsigned i = 0; i < EXPRESSIONS; i++)
        tcore_buf_free(&r.text[i]);
    for (unsigned i = 0; i < RECORDS; i++)
        tcore_buf_free(&r.record[i]);
    tcore_buf_free(&r.lines);
    tcore_buf_free(&r.answers);
    return done_testing();
}
