/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random queries on random small traces, with cycles, orphans and several roots, against answers
 * that are worked out beside the query, span by span and pair by pair.
 */
#include "span/traceql/traceql_load.h"
#include "span/traceql/traceql_need.h"
#include "span/traceql/traceql_run.h"

#include "random.h"
#include "tap.h"

#define SPANS    12
#define PAIRS    12000
#define FLAT     5 /* operands of a chain without brackets */
#define NO_VALUE (-1)

/* One trace. */
struct world {
    struct random_source random;
    uint32_t count;
    struct tcore_trace_span span[SPANS];
    char name[SPANS]; /* a to c */
    int x[SPANS];     /* attribute; NO_VALUE: absent */
    char text[SPANS][200];
    struct tcore_trace_tree tree;
    struct traceql_structure structure;
    struct traceql_reader reader;
    unsigned ruled_out;
};

/* Which spans; a spanset is one of these. */
struct set {
    bool has[SPANS];
};

/* A query and its answer, given the spans that it is asked of. */
struct asked {
    char *at;
    const char *end;
};

static uint32_t below(struct world *world, uint32_t limit)
{
    return (uint32_t)random_below(&world->random, limit);
}

__attribute__((format(printf, 2, 3))) static void put(struct asked *asked, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(asked->at, (size_t)(asked->end - asked->at), format, args);
    va_end(args);
    asked->at += length;
}

static uint32_t count(const struct world *world, const struct set *set)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < world->count; i++)
        n += set->has[i];
    return n;
}

/* --- Traces */

static void make_spans(struct world *world)
{
    world->count = 1 + below(world, SPANS);
    for (uint32_t i = 0; i < world->count; i++) {
        uint64_t parent = below(world, 5) ? 1 + below(world, world->count + 1) : 0;
        if (below(world, 2) && i)
            parent = 1 + below(world, i); /* more often a tree than not */
        world->span[i] = (struct tcore_trace_span){
            .span_id = below(world, 10) ? i + 1 : 1 + below(world, world->count),
            .parent_id = parent,
            .start_ns = i,
            .end_ns = 100 + i,
            .flags = TCORE_SPAN_HAS_START | TCORE_SPAN_HAS_END,
        };
        world->name[i] = (char)('a' + below(world, 3));
        world->x[i] = below(world, 4) ? (int)below(world, 4) : NO_VALUE;
        int length =
            snprintf(world->text[i], sizeof world->text[i], "{\"name\":\"%c\"", world->name[i]);
        if (world->x[i] != NO_VALUE)
            length += snprintf(world->text[i] + length, sizeof world->text[i] - (size_t)length,
                               ",\"attributes\":{\"x\":%d}", world->x[i]);
        snprintf(world->text[i] + length, sizeof world->text[i] - (size_t)length, "}");
    }
}

static bool make_trace(struct world *world)
{
    struct tcore_error err;
    make_spans(world);
    return tcore_trace_tree_build(&world->tree, world->span, world->count, &err) == TCORE_OK &&
           traceql_structure_build(&world->structure, &world->tree, &err) == TCORE_OK;
}

/* What the run is given to load spans with. */
struct loader {
    struct world *world;
    const struct traceql_query *query;
};

static enum tcore_status load(void *state, uint32_t position, struct traceql_value *values,
                              struct tcore_error *err)
{
    struct loader *loader = state;
    struct world *world = loader->world;
    const char *text = world->text[world->structure.span[position]];
    for (uint32_t f = 0; f < loader->query->fields; f++)
        if (loader->query->field[f].source == TRACEQL_SET_LEFT)
            values[f] = (struct traceql_value){
                .type = TRACEQL_INTEGER,
                .integer = traceql_structure_left(&world->structure, position)};
    return traceql_load_text(&world->reader, loader->query, text, strlen(text), false, values, err);
}

/* --- Relations, from the parents alone */

static bool is_ancestor(const struct world *world, uint32_t a, uint32_t b)
{
    for (uint32_t up = world->tree.parent[b]; up != TCORE_SPAN_NONE; up = world->tree.parent[up])
        if (up == a)
            return true;
    return false;
}

/* Whether b is related to a as in {a} op {b}. */
static bool is_related(const struct world *world, char op, uint32_t a, uint32_t b)
{
    const uint32_t *parent = world->tree.parent;
    switch (op) {
    case 'd': /* >> */
        return is_ancestor(world, a, b);
    case 'u': /* << */
        return is_ancestor(world, b, a);
    case '>':
        return parent[b] == a;
    case '<':
        return parent[a] == b;
    default: /* ~ */
        return a != b && parent[a] == parent[b] && parent[a] != TCORE_SPAN_NONE;
    }
}

struct operator
{
    const char *sign;
    char op, mode;
};

static const struct operator operators[] = {
    {">>", 'd', 0},    {"<<", 'u', 0},    {">", '>', 0},    {"<", '<', 0},    {"~", '~', 0},
    {"!>>", 'd', '!'}, {"!<<", 'u', '!'}, {"!>", '>', '!'}, {"!<", '<', '!'}, {"!~", '~', '!'},
    {"&>>", 'd', '&'}, {"&<<", 'u', '&'}, {"&>", '>', '&'}, {"&<", '<', '&'}, {"&~", '~', '&'},
    {"&&", 'a', 0},    {"||", 'o', 0},
};
#define OPERATORS  (sizeof operators / sizeof *operators)
#define STRUCTURAL (OPERATORS - 2)

static struct set relate(const struct world *world, const struct operator* operator, struct set a,
                         struct set b)
{
    struct set out = {0};
    for (uint32_t i = 0; i < world->count; i++)
        for (uint32_t j = 0; j < world->count; j++) {
            if (!a.has[i] || !b.has[j] || !is_related(world, operator->op, i, j))
                continue;
            out.has[j] = true;
            if (operator->mode == '&')
                out.has[i] = true;
        }
    for (uint32_t j = 0; operator->mode == '!' && j<world->count; j++)
        out.has[j] = b.has[j] && !out.has[j];
    return out;
}

static struct set apply(const struct world *world, const struct operator* operator, struct set a,
                        struct set b)
{
    struct set out = {0};
    if (operator->op != 'a' && operator->op != 'o')
        return relate(world, operator, a, b);
    bool both = count(world, &a) && count(world, &b);
    for (uint32_t i = 0; i < world->count; i++)
        out.has[i] = (operator->op == 'o' || both) && (a.has[i] || b.has[i]);
    return out;
}

/* --- Queries */

static struct set ask(struct world *world, struct asked *asked, struct set input, int depth);

/* Whether the condition of that form holds of a span. */
static bool is_so(const struct world *world, uint32_t form, char name, int n, uint32_t i)
{
    int x = world->x[i];
    bool known = x != NO_VALUE;
    switch (form) {
    case 0:
        return true;
    case 1:
        return world->name[i] == name;
    case 2:
        return known && x > n;
    case 3:
        return (known && x == n) || world->name[i] == name;
    case 4:
        return !known;
    case 5:
        return world->name[i] != 'c' && !(known && x == n);
    case 6:
        return known && x != n;
    case 7:
        return known && x + 1 <= n && world->name[i] != name;
    case 8:
        return known && x > n && world->name[i] == name;
    default:
        return (known && x > n) || world->name[i] == name;
    }
}

static void put_condition(struct asked *asked, uint32_t form, char name, int n)
{
    switch (form) {
    case 0:
        put(asked, "{}");
        return;
    case 1:
        put(asked, "{name=\"%c\"}", name);
        return;
    case 2:
        put(asked, "{ .x > %d }", n);
        return;
    case 3:
        put(asked, "{ span.x = %d || name = \"%c\" }", n, name);
        return;
    case 4:
        put(asked, "{ .x = nil }");
        return;
    case 5:
        put(asked, "{ name =~ \"[ab]\" && !(.x = %d) }", n);
        return;
    case 6:
        put(asked, "{ .x != %d }", n);
        return;
    case 7:
        put(asked, "{ .x + 1 <= %d && name != \"%c\" }", n, name);
        return;
    case 8:
        put(asked, "{ .x > %d && nestedSetLeft > 0 && name = \"%c\" }", n, name);
        return;
    default:
        put(asked, "{ (nestedSetLeft > 0 && .x > %d) || name = \"%c\" }", n, name);
    }
}

static struct set ask_braces(struct world *world, struct asked *asked, struct set input)
{
    uint32_t form = below(world, 10);
    char name = (char)('a' + below(world, 3));
    int n = (int)below(world, 4);
    struct set out = {0};
    put_condition(asked, form, name, n);
    for (uint32_t i = 0; i < world->count; i++)
        out.has[i] = input.has[i] && is_so(world, form, name, n, i);
    return out;
}

/* A chain without brackets: structural operators first, then && and ||, each from the left. */
static struct set ask_chain(struct world *world, struct asked *asked, struct set input, int depth)
{
    struct set all = {0}, term = {0};
    const struct operator* between = NULL;
    uint32_t operands = 2 + below(world, FLAT - 1);
    for (uint32_t i = 0; i < operands; i++) {
        const struct operator* operator= i ? &operators[below(world, OPERATORS)] : NULL;
        if (operator)
            put(asked, " %s ", operator->sign);
        struct set operand = ask(world, asked, input, depth - 1);
        if (operator&& operator<operators + STRUCTURAL) {
            term = relate(world, operator, term, operand);
            continue;
        }
        if (i)
            all = between ? apply(world, between, all, term) : term;
        between = operator;
        term = operand;
    }
    return between ? apply(world, between, all, term) : term;
}

/* S | by(.x) | ...: each group by itself. */
static struct set ask_groups(struct world *world, struct asked *asked, struct set input)
{
    struct set out = {0};
    char *behind = asked->at;
    uint64_t state = world->random.state;
    for (int x = NO_VALUE; x < 4; x++) {
        struct set group = {0};
        for (uint32_t i = 0; i < world->count; i++)
            group.has[i] = input.has[i] && world->x[i] == x;
        asked->at = behind; /* the same query for each group */
        world->random.state = state;
        const struct operator* operator= & operators[below(world, OPERATORS)];
        struct set a = ask_braces(world, asked, group);
        put(asked, " %s ", operator->sign);
        struct set b = ask_braces(world, asked, group);
        struct set found = apply(world, operator, a, b);
        uint32_t least = below(world, 3);
        put(asked, " | count() > %u", least);
        for (uint32_t i = 0; i < world->count && count(world, &found) > least; i++)
            out.has[i] |= found.has[i];
    }
    return out;
}

/* Whether the sum (least, ...) of x over the set compares so; it does not without any x. */
static bool aggregates_to(const struct world *world, const struct set *set, uint32_t form, int n)
{
    int sum = 0, least = 9, most = -9, many = 0;
    for (uint32_t i = 0; i < world->count; i++) {
        if (!set->has[i] || world->x[i] == NO_VALUE)
            continue;
        sum += world->x[i];
        least = world->x[i] < least ? world->x[i] : least;
        most = world->x[i] > most ? world->x[i] : most;
        many++;
    }
    switch (form) {
    case 0:
        return many && sum > n;
    case 1:
        return many && least < n;
    case 2:
        return many && most >= n;
    case 3:
        return many && sum <= n * many;
    default:
        return many && 2 * (int)count(world, set) - sum >= n;
    }
}

static void put_aggregate(struct asked *asked, uint32_t form, int n)
{
    static const char *const forms[] = {"sum(.x) >", "min(span.x) <",
                                        "max(.x) >=", "avg(.x) <=", "2 * count() - sum(.x) >="};
    put(asked, " | %s %d", forms[form], n);
}

static struct set ask_pipeline(struct world *world, struct asked *asked, struct set input,
                               int depth)
{
    uint32_t form = below(world, 8);
    int n = (int)below(world, 5);
    const struct set none = {0};
    put(asked, "(");
    struct set out = ask(world, asked, input, depth - 1);
    if (form < 5) {
        put_aggregate(asked, form, n);
        out = aggregates_to(world, &out, form, n) ? out : none;
    } else if (form == 5) {
        put(asked, " | select(name) | ");
        out = ask(world, asked, out, depth - 1);
    } else {
        put(asked, " | by(.x) | ");
        out = ask_groups(world, asked, out);
        put(asked, form == 6 ? " | coalesce()" : "");
    }
    put(asked, ")");
    return out;
}

static struct set ask(struct world *world, struct asked *asked, struct set input, int depth)
{
    uint32_t form = depth > 0 ? below(world, 5) : 0;
    if (form < 2)
        return ask_braces(world, asked, input);
    if (form == 2)
        return ask_pipeline(world, asked, input, depth);
    put(asked, "(");
    struct set out = ask_chain(world, asked, input, depth);
    put(asked, ")");
    return out;
}

/* --- Both answers */

static bool get_answer(struct world *world, const struct traceql_query *query, struct set *out)
{
    struct loader loader = {world, query};
    struct traceql_run run;
    struct traceql_matches matches = {0};
    struct tcore_error err;
    bool done = traceql_run_open(&run, query, &err) == TCORE_OK;
    run.structure = &world->structure;
    run.load = load;
    run.loader = &loader;
    done = done && traceql_run_trace(&run, &matches, &err) == TCORE_OK;
    for (uint32_t m = 0; m < matches.count; m++)
        for (uint32_t i = 0; i < matches.match[m].spans.count; i++)
            out->has[world->structure.span[matches.match[m].spans.at[i]]] = true;
    traceql_run_close(&run);
    return done;
}

/* Whether what is known of the spans one by one, from columns or text, lets the trace match. */
static bool may_match(struct world *world, const struct traceql_query *query)
{
    static struct traceql_need need; /* large */
    struct traceql_evaluator evaluator;
    struct tcore_error err;
    uint64_t all = 0, met;
    if (!traceql_need_open(&need, query))
        return true;
    bool done = traceql_evaluator_open(&evaluator, query, &err) == TCORE_OK;
    for (uint32_t i = 0; i < world->count && done; i++) {
        done = traceql_load_text(&world->reader, query, world->text[i], strlen(world->text[i]),
                                 false, evaluator.field, &err) == TCORE_OK &&
               traceql_need_met(&need, &evaluator, &met, &err) == TCORE_OK;
        all |= met;
    }
    traceql_evaluator_close(&evaluator);
    return done && traceql_may_match(&need, all);
}

static bool agrees(struct world *world, char *query_text, size_t room)
{
    struct asked asked = {query_text, query_text + room};
    struct set all = {0}, got = {0};
    struct traceql_query query;
    struct tcore_error err;
    memset(all.has, 1, world->count);
    struct set wanted =
        below(world, 2) ? ask_chain(world, &asked, all, 3) : ask_pipeline(world, &asked, all, 3);
    bool parsed = traceql_parse(&query, query_text, strlen(query_text), &err) == TCORE_OK;
    bool same = parsed && get_answer(world, &query, &got) && !memcmp(&got, &wanted, sizeof got) &&
                (!count(world, &wanted) || may_match(world, &query));
    if (parsed && !count(world, &wanted))
        world->ruled_out += !may_match(world, &query);
    if (!parsed)
        printf("# column %" PRIu64 ": %s\n", err.byte, err.text);
    for (uint32_t i = 0; !same && parsed && i < world->count; i++)
        printf("# %" PRIx64 " < %" PRIx64 " %s got %d wanted %d\n", world->span[i].span_id,
               world->span[i].parent_id, world->text[i], got.has[i], wanted.has[i]);
    traceql_free(&query);
    return same;
}

static void check_random(void)
{
    static char query[1 << 16];
    struct world world = {.random = {20}};
    unsigned agreed = 0, failed = 0;
    for (int pair = 0; pair < PAIRS && failed < 5; pair++) {
        if (make_trace(&world) && agrees(&world, query, sizeof query)) {
            agreed++;
            continue;
        }
        failed++;
        printf("# pair %d: %s\n", pair, query);
    }
    is_int(agreed, PAIRS, "random queries on random traces");
    ok(world.ruled_out > PAIRS / 20, "%u of them are ruled out before", world.ruled_out);
    tcore_trace_tree_free(&world.tree);
    traceql_structure_free(&world.structure);
    traceql_reader_free(&world.reader);
}

/* The numbers of the nested set model, by a walk that counts. */
static int64_t check_sets(const struct world *world, uint32_t span, int64_t next, bool *right)
{
    const struct tcore_trace_tree *tree = &world->tree;
    uint32_t position = 0;
    while (world->structure.span[position] != span)
        position++;
    *right &= traceql_structure_left(&world->structure, position) == next++;
    for (uint32_t c = tree->first[span]; c < tree->first[span + 1]; c++) {
        uint32_t child = 0;
        int64_t left = next;
        next = check_sets(world, tree->children[c], next, right);
        while (world->structure.span[child] != tree->children[c])
            child++;
        *right &= traceql_structure_left(&world->structure, child) == left;
        *right &= traceql_structure_set_parent(&world->structure, child) ==
                  traceql_structure_left(&world->structure, position);
    }
    *right &= traceql_structure_right(&world->structure, position) == next++;
    return next;
}

static void check_nested_sets(void)
{
    struct world world = {.random = {7}};
    bool right = true;
    for (int trace = 0; trace < 500; trace++) {
        int64_t next = 1;
        right &= make_trace(&world);
        for (uint32_t r = 0; r < world.tree.root_count; r++)
            next = check_sets(&world, world.tree.roots[r], next, &right);
    }
    ok(right, "nested set numbers of random traces");
    tcore_trace_tree_free(&world.tree);
    traceql_structure_free(&world.structure);
}

int main(void)
{
    check_random();
    check_nested_sets();
    return done_testing();
}
