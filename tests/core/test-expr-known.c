/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether an expression can be true for records of which only some fields' values are known: a
 * table, and generated expressions over generated records, none of which may be selected where the
 * answer was no.
 */
#include "failing.h"
#include "forms.h"
#include "random.h"
#include "base/buf.h"
#include "query/expr.h"

#define STRING(text)                                                                               \
    {                                                                                              \
        .kind = TCORE_STRING, .len = sizeof text - 1, .s = text                                    \
    }

static const struct tcore_value absent = {.kind = TCORE_ABSENT};

/* --- A table: of spans with the services cart and pay, and names that begin with GET. */

static const struct tcore_value services[] = {STRING("cart"), STRING("pay"), {.kind = 0}};
static const struct tcore_value names[] = {STRING("GET /"), STRING("GET /x"), {.kind = 0}};
static const struct tcore_value types[] = {STRING("span"), {.kind = 0}};

static const struct tcore_known_field spans[] = {
    {"type", types, 2}, {"service", services, 3}, {"name", names, 3}};

static const struct {
    const char *text;
    bool may;
} cases[] = {
    {".service == \"cart\"", true},
    {".service == \"mail\"", false},
    {"\"mail\" == .service", false},
    {".service != \"mail\"", true},
    {".service == null", true}, /* it may be missing */
    {".service == 5", false},
    {".[\"service\"] == \"mail\"", false},
    {".service? == \"mail\"", false},
    {".service | IN(\"mail\", \"post\")", false},
    {".service | IN(\"mail\", \"pay\")", true},
    {"IN(.service; \"mail\", \"post\")", false},
    {".service | in({\"mail\":1})", false},
    {".service > \"pay\"", false},
    {".service > \"cart\"", true},
    {".service | startswith(\"m\")", false},
    {".name | startswith(\"POST\")", false},
    {".name | startswith(\"GET /x\")", true},
    {".name | test(\"^P\")", false},
    {".name | test(\"x$\")", true},
    {"(.service // \"none\") == \"none\"", true},
    {"(.service // \"none\") == \"mail\"", false},
    {"(.service | length) > 9", false},
    {"has(\"service\")", true},
    {".type == \"span\"", true},
    {".type == \"metric\"", false},
    {".type != \"span\"", true}, /* it may be missing */
    {".metricName == \"m\"", true},
    {".service == \"mail\" and .x == 1", false},
    {".x == 1 and .service == \"mail\"", false},
    {".x == 1 and .service == \"cart\"", true},
    {".x.y == 1 and .service == \"mail\"", false}, /* it may fail, but not be true */
    {"(.x - 1 == 0) and .service == \"mail\"", false},
    {".service == \"mail\" or .x == 1", true},
    {".service == \"mail\" or .service == \"post\"", false},
    {".service == \"mail\" or .name == \"POST\"", false},
    {".service == \"mail\" or .name == \"GET /\"", true},
    {".service == \"mail\" // .x == 1", true},
    {"(.service == \"mail\") // (.name == \"POST\")", false},
    {".service == \"mail\" | not", true},
    {".x == 1 | not", true},
    {"(.service == \"mail\" | not) and .service == \"mail\"", false},
    {"(.service == \"cart\" or .x == 1 | not) and false", false},
    {"(.x == 1 or true) | not", false},
    {"(.service == \"mail\" and .x == 1) | not", true},
    {".service == .name", true}, /* two fields are not looked at together */
    {".service == \"cart\" and .service == \"pay\"", false},
    {".service", true},
    {".service | not", true},
    {"true", true},
    {"false", false},
    {"null", false},
    {"\"x\"", true},
};

static bool ask(const char *text, const struct tcore_known_field *known, size_t count, bool *native)
{
    struct tcore_projection projection = {0};
    struct tcore_expr *expr = NULL;
    struct tcore_expr_state *state = NULL;
    struct tcore_error err = {0};
    bool may = false;
    if (tcore_expr_compile(&expr, text, NULL, &projection, &err) != TCORE_OK ||
        tcore_expr_state_new(&state, expr, &err) != TCORE_OK ||
        tcore_expr_may_select(state, known, count, &may, &err) != TCORE_OK)
        printf("Bail out! %s: %s\n", text, err.text);
    *native = tcore_expr_is_native(expr);
    tcore_expr_state_free(state);
    tcore_expr_free(expr);
    tcore_projection_free(&projection);
    return may;
}

static void test_table(void)
{
    bool native;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool may = ask(cases[i].text, spans, 3, &native);
        ok(native && may == cases[i].may, "%s: %s", cases[i].text, cases[i].may ? "may be" : "no");
        ok(ask(cases[i].text, NULL, 0, &native) || !cases[i].may, "%s: nothing known",
           cases[i].text);
    }
}

/* More values than are evaluated at once. */
static void test_many(void)
{
    enum { MANY = 5000 };
    static struct tcore_value values[MANY + 1];
    static char text[MANY][16];
    bool native;
    for (int i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], "s%d", i);
        values[i] = tcore_value_string(text[i], strlen(text[i]));
    }
    values[MANY] = absent;
    struct tcore_known_field known = {"service", values, MANY + 1};
    ok(ask(".service == \"s4999\"", &known, 1, &native), "the last of many values");
    ok(ask(".service == \"s2048\"", &known, 1, &native), "one in the middle");
    ok(!ask(".service == \"s5000\"", &known, 1, &native), "none of many values");
}

/* --- Generated expressions */

static const char *const all_services[] = {"cart", "pay", "mail", "", "span"};
static const char *const all_names[] = {"GET /", "POST /x", "cart", "op"};

static const char *const conditions[] = {
    ".service == \"cart\"",
    "\"pay\" == .service",
    ".service != \"mail\"",
    ".service < \"d\"",
    ".service == null",
    ".service == 5",
    ".service == .name",
    ".service | IN(\"cart\", \"mail\", null)",
    ".service | in({\"mail\": 1, \"\": 2})",
    "(.service // \"none\") == \"none\"",
    "(.service // .name) == \"cart\"",
    "(.service | length) > 3",
    "(.service | startswith(\"c\"))?",
    ".service | test(\"a\")",
    ".service.x == 1",
    ".service + .name == \"cartop\"",
    "has(\"service\")",
    ".service",
    ".name | startswith(\"GET\")",
    ".name | endswith(\"/x\")",
    ".name == \"op\"",
    ".name >= \"cart\"",
    ".name | contains(\"O\")",
    ".type == \"span\"",
    ".type == \"log\"",
    ".metricName == \"m\"",
    ".metricName == null",
    ".attributes.n == 1",
    ".attributes.n + 1 > 1",
    ".attributes.n // .service == \"pay\"",
    ".resource[\"service.name\"] == \"cart\"",
    ".durationNano > 5",
    "true",
    "false",
    "null",
};

static void generate(struct tcore_buf *out, struct random_source *random, unsigned depth)
{
    static const char *const operators[] = {" and ", " and ", " or ", " // ", " == "};
    uint64_t kind = random_below(random, 8);
    tcore_buf_putc(out, '(');
    if (!depth || kind < 2) {
        tcore_buf_puts(out,
                       conditions[random_below(random, sizeof conditions / sizeof *conditions)]);
    } else if (kind == 2) {
        generate(out, random, depth - 1);
        tcore_buf_puts(out, random_below(random, 4) ? " | not" : " | . == true");
    } else {
        generate(out, random, depth - 1);
        tcore_buf_puts(out, operators[random_below(random, 5)]);
        generate(out, random, depth - 1);
    }
    tcore_buf_puts(out, random_below(random, 9) ? ")" : ")?");
}

/* Which of a list are in a segment, as bits, and the values that it then says are known. */
static unsigned choose(struct random_source *random, const char *const *list, size_t count,
                       struct tcore_value *values, struct tcore_known_field *field)
{
    unsigned chosen = (unsigned)random_below(random, 1u << count);
    field->values = values;
    field->count = 0;
    for (size_t i = 0; i < count; i++)
        if (chosen >> i & 1)
            values[field->count++] = tcore_value_string(list[i], strlen(list[i]));
    values[field->count++] = absent;
    return chosen;
}

/* One of them, or NULL. */
static const char *one_of(struct random_source *random, const char *const *list, size_t count,
                          unsigned chosen)
{
    size_t i = random_below(random, count + 1);
    return i < count && chosen >> i & 1 ? list[i] : NULL;
}

static void add_record(struct tcore_buf *lines, struct random_source *random,
                       unsigned some_services, unsigned some_names)
{
    const char *service = one_of(random, all_services, 5, some_services);
    const char *name = one_of(random, all_names, 4, some_names);
    static const char *const counts[] = {"1", "\"x\"", "null", "-3"};
    tcore_buf_puts(lines, "{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\","
                          "\"spanId\":\"eee19b7ec3c1b174\"");
    if (service && random_below(random, 3))
        tcore_buf_printf(lines, ",\"service\":\"%s\"", service);
    else if (service)
        tcore_buf_printf(lines, ",\"resource\":{\"service.name\":\"%s\"}", service);
    if (name)
        tcore_buf_printf(lines, ",\"name\":\"%s\"", name);
    if (random_below(random, 2))
        tcore_buf_printf(lines, ",\"attributes\":{\"n\":%s}", counts[random_below(random, 4)]);
    tcore_buf_printf(lines, ",\"durationNano\":%u}\n", (unsigned)random_below(random, 10));
}

/* Whether the expression holds for none of the records. */
static bool selects_none(struct tcore_expr_state *state, const struct tcore_projection *projection,
                         const struct tcore_buf *lines)
{
    struct forms f;
    uint32_t rows[64];
    uint64_t failed = 0;
    struct tcore_error err;
    forms_decode(&f, projection, lines->data, lines->length);
    size_t count = f.decoded->rows;
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)i;
    bool none =
        tcore_expr_select(state, f.decoded, rows, &count, &failed, &err) == TCORE_OK && !count;
    forms_free(&f);
    return none;
}

static void test_generated(void)
{
    enum { RUNS = 4000 };
    struct random_source random = {20261129};
    struct tcore_buf text = {0}, lines = {0};
    unsigned refused = 0, wrong = 0, needless = 0;
    for (unsigned run = 0; run < RUNS; run++) {
        struct tcore_value service_values[6], name_values[5];
        struct tcore_known_field known[] = {{"service", NULL, 0},
                                            {"name", NULL, 0},
                                            {"type", types, 2},
                                            {"metricName", &absent, 1}};
        unsigned some_services = choose(&random, all_services, 5, service_values, &known[0]);
        unsigned some_names = choose(&random, all_names, 4, name_values, &known[1]);
        tcore_buf_clear(&text);
        tcore_buf_clear(&lines);
        generate(&text, &random, 4);
        tcore_buf_putc(&text, '\0');
        for (int i = 0; i < 40; i++)
            add_record(&lines, &random, some_services, some_names);
        struct tcore_projection projection = {0};
        struct tcore_expr *expr = NULL;
        struct tcore_expr_state *state = NULL;
        struct tcore_error err = {0};
        bool may = true;
        if (tcore_expr_compile(&expr, text.data, NULL, &projection, &err) != TCORE_OK ||
            !tcore_expr_is_native(expr) || tcore_expr_state_new(&state, expr, &err) != TCORE_OK ||
            tcore_expr_may_select(state, known, 1 + random_below(&random, 4), &may, &err) !=
                TCORE_OK) {
            printf("Bail out! %s: %s\n", text.data, err.text);
            exit(EXIT_FAILURE);
        }
        bool none = selects_none(state, &projection, &lines);
        refused += !may;
        needless += may && none;
        wrong += !may && !none;
        if (!may && !none)
            printf("# %s is true for one of:\n%.*s", text.data, (int)lines.length, lines.data);
        tcore_expr_state_free(state);
        tcore_expr_free(expr);
        tcore_projection_free(&projection);
    }
    printf("# of %d expressions: %u can be true for none, %u were true for none all the same\n",
           RUNS, refused, needless);
    is_int(wrong, 0, "what cannot be true is true for no record");
    ok(refused > RUNS / 10, "and that is found often");
    tcore_buf_free(&text);
    tcore_buf_free(&lines);
}

/* Every allocation fails once: then the answer is an error, never a no. */
static void test_memory(void)
{
    struct tcore_projection projection = {0};
    struct tcore_expr *expr;
    struct tcore_expr_state *state = NULL;
    struct tcore_error err;
    unsigned failures = 0, noes = 0;
    static const char text[] = "(.name | test(\"^GET\")) and .service == \"cart\"";
    if (tcore_expr_compile(&expr, text, NULL, &projection, &err) != TCORE_OK)
        return;
    bool more = true;
    for (unsigned long n = 1; more; n++) {
        bool may = true;
        enum tcore_status status = TCORE_OK;
        failing_begin(n);
        if (tcore_expr_state_new(&state, expr, &err) == TCORE_OK)
            status = tcore_expr_may_select(state, spans, 3, &may, &err);
        failures += status == TCORE_FATAL;
        noes += !may;
        tcore_expr_state_free(state);
        more = failing_end();
    }
    ok(failures > 0, "out of memory is told");
    is_int(noes, 0, "and is no answer");
    is_int(failing.live, 0, "nothing leaks");
    tcore_expr_free(expr);
    tcore_projection_free(&projection);
}

int main(void)
{
    test_table();
    test_many();
    test_generated();
    test_memory();
    return done_testing();
}
