/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trees, self times and critical paths of traces made by hand, with the answers worked out by hand;
 * and traces that are no trees at all.
 */
#include "failing.h"
#include "tap.h"
#include "trace/critical_path.h"

/* A span as the cases write it: id, parent, times, side, service. */
struct given {
    unsigned id, parent;
    int start, end;  /* NO: it has none */
    const char *say; /* of c s p q: client server producer consumer; x: error */
    unsigned service;
};

#define NO INT32_MIN

struct family {
    struct tcore_trace_span span[64];
    size_t count;
    struct tcore_trace_tree tree;
    struct tcore_critical_path path;
};

static int compare(const void *a, const void *b)
{
    return tcore_trace_span_compare(a, b);
}

static struct tcore_trace_span make(const struct given *given)
{
    static const char letters[] = "iscpq";
    struct tcore_trace_span span = {.span_id = given->id, .parent_id = given->parent};
    for (const char *say = given->say ? given->say : ""; *say; say++) {
        const char *letter = strchr(letters, *say);
        if (letter)
            span.kind = (uint8_t)(letter - letters + 1);
        else
            span.flags |= TCORE_SPAN_ERROR;
    }
    span.service = given->service;
    if (given->start != NO) {
        span.flags |= TCORE_SPAN_HAS_START;
        span.start_ns = given->start;
    }
    if (given->end != NO) {
        span.flags |= TCORE_SPAN_HAS_END;
        span.end_ns = given->end;
    }
    return span;
}

static void build(struct family *family, const struct given *given, size_t count)
{
    struct tcore_error err;
    for (size_t i = 0; i < count; i++)
        family->span[i] = make(&given[i]);
    qsort(family->span, count, sizeof *family->span, compare);
    family->count = count;
    bool good =
        tcore_trace_tree_build(&family->tree, family->span, count, &err) == TCORE_OK &&
        tcore_critical_path_find(&family->path, &family->tree, family->tree.root, &err) == TCORE_OK;
    if (!ok(good, "the tree of %zu spans", count))
        exit(1);
}

static void end(struct family *family)
{
    tcore_trace_tree_free(&family->tree);
    tcore_critical_path_free(&family->path);
}

/* A span's name in the answers: its id as a letter, a second one of the same id as a capital. */
static char letter(const struct family *family, uint32_t i)
{
    uint64_t id = family->span[i].span_id;
    for (uint32_t k = 0; k < i; k++)
        if (family->span[k].span_id == id)
            return (char)('A' + id - 1);
    return (char)('a' + id - 1);
}

/* The tree as text: a(b(c)d) for each root. */
static void draw(const struct family *family, char *out)
{
    const struct tcore_trace_tree *tree = &family->tree;
    uint32_t depth = 0;
    for (uint32_t at = 0; at < tree->count; at++) {
        uint32_t i = tree->order[at];
        if (at && tree->depth[i] > depth)
            *out++ = '(';
        for (; at && depth > tree->depth[i]; depth--)
            *out++ = ')';
        depth = tree->depth[i];
        *out++ = letter(family, i);
    }
    for (; depth; depth--)
        *out++ = ')';
    *out = '\0';
}

/* The path as text: each span that it comes to, then its segments a0-3. */
static void draw_path(const struct family *family, char *out)
{
    const struct tcore_critical_path *path = &family->path;
    for (uint32_t i = 0; i < path->span_count; i++)
        *out++ = letter(family, path->spans[i]);
    *out = '\0';
    for (size_t i = 0; i < path->segment_count; i++) {
        const struct tcore_critical_segment *segment = &path->segments[i];
        out += sprintf(out, " %c%d-%d", letter(family, segment->span), (int)segment->start_ns,
                       (int)segment->end_ns);
    }
}

static void draw_self(const struct family *family, char *out)
{
    int64_t self[64];
    tcore_trace_self_times(&family->tree, self);
    *out = '\0';
    for (uint32_t i = 0; i < family->tree.count; i++)
        out += sprintf(out, "%s%c%d", i ? " " : "", letter(family, i), (int)self[i]);
}

/* --- Shapes and paths */

static void test_paths(void)
{
    static const struct {
        const char *name;
        struct given given[10];
        const char *tree, *path, *self;
    } cases[] = {
        {"one span", {{1, 0, 0, 10, "", 0}}, "a", "a a0-10", "a10"},
        {"a span that took no time", {{1, 0, 5, 5, "", 0}}, "a", "a", "a0"},
        {"a call in the middle",
         {{1, 0, 0, 10, "", 0}, {2, 1, 3, 7, "", 0}},
         "a(b)",
         "ab a0-3 b3-7 a7-10",
         "a6 b4"},
        {"two calls in turn",
         {{1, 0, 0, 10, "", 0}, {2, 1, 1, 4, "", 0}, {3, 1, 5, 9, "", 0}},
         "a(bc)",
         "abc a0-1 b1-4 a4-5 c5-9 a9-10",
         "a3 b3 c4"},
        {"two calls that meet",
         {{1, 0, 0, 10, "", 0}, {2, 1, 0, 5, "", 0}, {3, 1, 5, 10, "", 0}},
         "a(bc)",
         "abc b0-5 c5-10",
         "a0 b5 c5"},
        {"two calls at once: the one that ends last",
         {{1, 0, 0, 10, "", 0}, {2, 1, 1, 6, "", 0}, {3, 1, 2, 9, "", 0}},
         "a(bc)",
         "ac a0-2 c2-9 a9-10",
         "a2 b5 c7"},
        {"before the last one, whoever ended before it began",
         {{1, 0, 0, 20, "", 0}, {2, 1, 1, 4, "", 0}, {3, 1, 2, 8, "", 0}, {4, 1, 6, 18, "", 0}},
         "a(bcd)",
         "abd a0-1 b1-4 a4-6 d6-18 a18-20",
         "a3 b3 c6 d12"},
        {"of two that end together, the one that began first",
         {{1, 0, 0, 10, "", 0}, {2, 1, 4, 9, "", 0}, {3, 1, 2, 9, "", 0}},
         "a(cb)",
         "ac a0-2 c2-9 a9-10",
         "a3 c7 b5"},
        {"below the last one, its own children",
         {{1, 0, 0, 20, "", 0},
          {2, 1, 2, 18, "", 0},
          {3, 2, 3, 9, "", 0},
          {4, 2, 8, 16, "", 0},
          {5, 4, 10, 11, "", 0}},
         "a(b(cd(e)))",
         "abde a0-2 b2-8 d8-10 e10-11 d11-16 b16-18 a18-20",
         "a4 b3 c6 d7 e1"},
        {"work that goes on after the answer is cut off",
         {{1, 0, 0, 10, "", 0}, {2, 1, 4, 30, "", 0}},
         "a(b)",
         "ab a0-4 b4-10",
         "a4 b26"},
        {"below it, cut at the same place",
         {{1, 0, 0, 10, "", 0}, {2, 1, 4, 30, "", 0}, {3, 2, 8, 20, "", 0}, {4, 2, 12, 30, "", 0}},
         "a(b(cd))",
         "abc a0-4 b4-8 c8-10",
         "a4 b4 c12 d18"},
        {"a child before its parent is cut off too",
         {{1, 0, 10, 20, "", 0}, {2, 1, 5, 15, "", 0}},
         "a(b)",
         "ab b10-15 a15-20",
         "b10 a5"},
        {"a child that lies elsewhere is left out",
         {{1, 0, 10, 20, "", 0}, {2, 1, 20, 30, "", 0}, {3, 1, 0, 10, "", 0}},
         "a(cb)",
         "a a10-20",
         "c10 a10 b10"},
        {"a child that took no time is left out",
         {{1, 0, 0, 10, "", 0}, {2, 1, 5, 5, "", 0}},
         "a(b)",
         "a a0-10",
         "a10 b0"},
        {"a root without times stands for what is below it",
         {{1, 0, NO, NO, "", 0}, {2, 1, 3, 7, "", 0}, {3, 1, 8, 9, "", 0}},
         "a(bc)",
         "abc b3-7 a7-8 c8-9",
         "b4 c1 a1"},
        {"a span without an end lasts as long as its children",
         {{1, 0, 0, 10, "", 0}, {2, 1, 2, NO, "", 0}, {3, 2, 3, 8, "", 0}},
         "a(b(c))",
         "abc a0-2 b2-3 c3-8 a8-10",
         "a4 b1 c5"},
        {"nothing has times", {{1, 0, NO, NO, "", 0}, {2, 1, NO, NO, "", 0}}, "a(b)", "", "a0 b0"},
        {"a span that ends before it starts is a moment",
         {{1, 0, 0, 10, "", 0}, {2, 1, 6, 2, "", 0}},
         "a(b)",
         "a a0-10",
         "a10 b0"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct family family = {0};
        char text[512];
        size_t count = 0;
        while (count < 10 && cases[n].given[count].id)
            count++;
        build(&family, cases[n].given, count);
        draw(&family, text);
        is_str(text, cases[n].tree, "%s: the tree", cases[n].name);
        draw_path(&family, text);
        is_str(text, cases[n].path, "%s: the path", cases[n].name);
        draw_self(&family, text);
        is_str(text, cases[n].self, "%s: self times", cases[n].name);
        end(&family);
    }
}

/* --- Spans that contradict each other */

static void test_oddities(void)
{
    static const struct {
        const char *name;
        struct given given[8];
        const char *tree;
        char root;
        unsigned notes[8]; /* in the order of the spans */
    } cases[] = {
        {"an orphan is a root, but not the one",
         {{2, 9, 0, 5, "", 0}, {1, 0, 1, 8, "", 0}},
         "ba",
         'a',
         {TCORE_NOTE_ORPHAN, 0}},
        {"of orphans only, the first is",
         {{2, 9, 4, 5, "", 0}, {3, 8, 1, 8, "", 0}},
         "cb",
         'c',
         {TCORE_NOTE_ORPHAN, TCORE_NOTE_ORPHAN}},
        {"of several roots, the first", {{2, 0, 4, 5, "", 0}, {1, 0, 1, 2, "", 0}}, "ab", 'a', {0}},
        {"a span that is its own parent",
         {{1, 1, 0, 9, "", 0}, {2, 1, 2, 3, "", 0}},
         "a(b)",
         'a',
         {TCORE_NOTE_SELF_PARENT, 0}},
        {"a circle of two is opened at its first",
         {{2, 1, 0, 9, "", 0}, {1, 2, 2, 3, "", 0}},
         "b(a)",
         'b',
         {TCORE_NOTE_CYCLE, 0}},
        {"a circle with a tail, beside a tree",
         {{1, 3, 1, 9, "", 0},
          {2, 1, 2, 8, "", 0},
          {3, 2, 3, 7, "", 0},
          {4, 3, 4, 5, "", 0},
          {5, 0, 20, 21, "", 0}},
         "a(b(c(d)))e",
         'e',
         {TCORE_NOTE_CYCLE, 0, 0, 0, 0}},
        {"the halves of a call under one id",
         {{1, 0, 0, 20, "s", 1},
          {2, 1, 2, 18, "c", 1},
          {2, 1, 4, 16, "s", 2},
          {3, 2, 5, 6, "c", 2},
          {4, 2, 1, 2, "", 1}},
         "a(b(dB(c)))",
         'a',
         {0, TCORE_NOTE_BEFORE_PARENT, 0, TCORE_NOTE_SHARED, 0}},
        {"a shared id at the root",
         {{1, 0, 2, 8, "s", 2}, {1, 0, 0, 9, "c", 1}, {2, 1, 3, 4, "", 3}},
         "a(A(b))",
         'a',
         {0, TCORE_NOTE_SHARED, 0}},
        {"a server half that started first, by its own clock",
         {{1, 0, 0, 8, "s", 2}, {1, 0, 2, 9, "c", 1}},
         "A(a)",
         'A',
         {TCORE_NOTE_SHARED | TCORE_NOTE_BEFORE_PARENT, 0}},
        {"a producer and its consumer",
         {{1, 0, 0, 1, "p", 1}, {1, 0, 5, 9, "q", 2}},
         "a(A)",
         'a',
         {0, TCORE_NOTE_SHARED | TCORE_NOTE_AFTER_PARENT}},
        {"no halves where the server names another parent",
         {{1, 0, 0, 20, "", 1}, {3, 1, 1, 9, "", 1}, {2, 1, 2, 8, "c", 1}, {2, 3, 3, 7, "s", 2}},
         "a(c(B)b)",
         'a',
         {0, 0, 0, TCORE_NOTE_DUPLICATE}},
        {"the same span twice",
         {{1, 0, 0, 9, "", 0}, {2, 1, 2, 3, "", 0}, {2, 1, 2, 3, "", 0}, {3, 2, 2, 3, "", 0}},
         "a(b(c)B)",
         'a',
         {0, 0, TCORE_NOTE_DUPLICATE, 0}},
        {"three of one id: one call reported twice by its client",
         {{1, 0, 0, 9, "c", 1}, {1, 0, 0, 9, "c", 1}, {1, 0, 2, 3, "s", 2}},
         "a(A)A",
         'a',
         {0, TCORE_NOTE_DUPLICATE, TCORE_NOTE_SHARED}},
        {"times that are missing or the wrong way round",
         {{1, 0, 0, 9, "", 0}, {2, 1, 3, 2, "", 0}, {3, 1, 4, NO, "", 0}, {4, 1, NO, 5, "", 0}},
         "a(bcd)",
         'a',
         {0, TCORE_NOTE_UNTIMED, TCORE_NOTE_UNTIMED, TCORE_NOTE_UNTIMED}},
        {"a child that overlaps its parent's ends",
         {{1, 0, 5, 9, "", 0}, {2, 1, 4, 10, "", 0}},
         "a(b)",
         'a',
         {TCORE_NOTE_BEFORE_PARENT | TCORE_NOTE_AFTER_PARENT, 0}},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct family family = {0};
        char text[256];
        size_t count = 0;
        while (count < 8 && cases[n].given[count].id)
            count++;
        build(&family, cases[n].given, count);
        draw(&family, text);
        is_str(text, cases[n].tree, "%s: the tree", cases[n].name);
        is_int(letter(&family, family.tree.root), cases[n].root, "the root");
        for (size_t i = 0; i < count; i++)
            is_int(family.tree.notes[i], cases[n].notes[i], "what is said of %c",
                   letter(&family, (uint32_t)i));
        end(&family);
    }
}

/* --- Large ones */

struct many {
    struct tcore_trace_span *span;
    size_t count;
    struct tcore_trace_tree tree;
    struct tcore_critical_path path;
};

static bool build_many(struct many *many)
{
    struct tcore_error err;
    return tcore_trace_tree_build(&many->tree, many->span, many->count, &err) == TCORE_OK &&
           tcore_critical_path_find(&many->path, &many->tree, many->tree.root, &err) == TCORE_OK;
}

static void begin_many(struct many *many, size_t count)
{
    *many = (struct many){.count = count, .span = calloc(count, sizeof *many->span)};
    for (size_t i = 0; i < count; i++) {
        many->span[i] = (struct tcore_trace_span){
            .span_id = i + 1,
            .start_ns = (int64_t)i,
            .end_ns = (int64_t)(3 * count - i),
            .flags = TCORE_SPAN_HAS_START | TCORE_SPAN_HAS_END,
        };
    }
}

static void end_many(struct many *many)
{
    free(many->span);
    tcore_trace_tree_free(&many->tree);
    tcore_critical_path_free(&many->path);
}

#define DEEP 200000

static void test_deep(void)
{
    struct many many;
    begin_many(&many, DEEP);
    for (size_t i = 1; i < DEEP; i++)
        many.span[i].parent_id = i;
    ok(build_many(&many), "a chain of %d", DEEP);
    is_int(many.tree.depth[DEEP - 1], DEEP - 1, "its depth");
    is_int(many.path.span_count, DEEP, "all of it is on the path");
    is_int((int64_t)many.path.segment_count, 2 * DEEP - 1, "down and up again");
    is_int(many.path.duration_ns, 3 * DEEP, "which lasts as long as the root");
    many.span[0].parent_id = DEEP;
    ok(build_many(&many), "the chain closed to a circle");
    is_int(many.tree.notes[0], TCORE_NOTE_CYCLE, "is opened at its first span");
    is_int(many.tree.depth[DEEP - 1], DEEP - 1, "and is as deep as before");
    end_many(&many);
}

static void test_wide(void)
{
    struct many many;
    begin_many(&many, DEEP);
    for (size_t i = 1; i < DEEP; i++) {
        many.span[i].parent_id = 1;
        many.span[i].start_ns = many.span[i].end_ns = (int64_t)i;
        many.span[i].end_ns++;
    }
    ok(build_many(&many), "a root with %d children, one after the other", DEEP - 1);
    is_int(many.path.span_count, DEEP, "all of them are on the path");
    is_int(many.path.spans[1], 1, "in the order of time");
    int64_t *self = calloc(DEEP, sizeof *self);
    tcore_trace_self_times(&many.tree, self);
    is_int(self[0], 3 * DEEP - (DEEP - 1), "the root's own time is the rest");
    free(self);
    end_many(&many);
}

/* All of one id: looking for halves and parents among them must not take their square. */
static void test_same_id(void)
{
    struct many many;
    begin_many(&many, DEEP);
    for (size_t i = 0; i < DEEP; i++) {
        many.span[i].span_id = 7;
        many.span[i].parent_id = i % 3 ? 7 : 8;
        many.span[i].kind = i < DEEP / 2 ? TCORE_SPAN_CLIENT : TCORE_SPAN_SERVER;
    }
    ok(build_many(&many), "%d spans of one id", DEEP);
    is_int(many.tree.notes[0], TCORE_NOTE_ORPHAN, "the first is none twice");
    ok(many.tree.notes[DEEP - 1] & TCORE_NOTE_DUPLICATE, "the last is");
    end_many(&many);
}

/* Segments cover the root's interval exactly once, whatever the tree is. */
static void test_random(void)
{
    uint64_t state = 88172645463325252u;
    unsigned bad_cover = 0, bad_order = 0, bad_parent = 0;
    for (int round = 0; round < 2000; round++) {
        struct family family = {0};
        struct given given[40];
        size_t count = 1 + (size_t)round % 40;
        for (size_t i = 0; i < count; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            static const char *const says[] = {"", "s", "c", "i", "p", "q"};
            given[i] = (struct given){.id = 1 + (unsigned)(state >> 8) % 32,
                                      .parent = (unsigned)(state >> 16) % 34,
                                      .start = state >> 24 & 15 ? (int)(state >> 28 & 63) : NO,
                                      .say = says[(state >> 40) % 6],
                                      .service = state >> 44 & 3};
            given[i].end = state >> 48 & 15 ? given[i].start + (int)(state >> 52 & 31) : NO;
            if (given[i].start == NO)
                given[i].end = NO;
        }
        for (size_t i = 0; i < count; i++)
            family.span[i] = make(&given[i]);
        qsort(family.span, count, sizeof *family.span, compare);
        struct tcore_error err;
        struct tcore_trace_tree *tree = &family.tree;
        struct tcore_critical_path *path = &family.path;
        if (tcore_trace_tree_build(tree, family.span, count, &err) ||
            tcore_critical_path_find(path, tree, tree->root, &err))
            bad_cover++;
        int64_t at = tree->interval[tree->root].start_ns;
        for (size_t i = 0; i < path->segment_count; i++) {
            bad_cover += path->segments[i].start_ns != at ||
                         path->segments[i].end_ns <= path->segments[i].start_ns;
            at = path->segments[i].end_ns;
        }
        bad_cover += path->span_count && at != tree->interval[tree->root].end_ns;
        bool seen[64] = {0};
        for (size_t i = 0; i < count; i++) {
            uint32_t span = tree->order[i], parent = tree->parent[span];
            bad_order += seen[span] || (parent != TCORE_SPAN_NONE && !seen[parent]);
            seen[span] = true;
        }
        for (size_t i = 0; i < path->span_count; i++)
            bad_parent +=
                i ? tree->parent[path->spans[i]] == TCORE_SPAN_NONE : path->spans[i] != tree->root;
        end(&family);
    }
    is_int(bad_cover, 0, "2,000 random traces: the path covers the root once");
    is_int(bad_order, 0, "a parent comes before its children, and each span once");
    is_int(bad_parent, 0, "and the path begins with the root and has no other");
}

static void test_memory(void)
{
    struct given given[] = {{1, 0, 0, 9, "", 0}, {2, 1, 2, 3, "", 0}, {3, 1, 4, 5, "", 0}};
    struct tcore_trace_span span[3];
    for (size_t i = 0; i < 3; i++)
        span[i] = make(&given[i]);
    bool more = true;
    unsigned bad = 0;
    for (unsigned long n = 1; more; n++) {
        struct tcore_trace_tree tree = {0};
        struct tcore_critical_path path = {0};
        struct tcore_error err;
        failing_begin(n);
        enum tcore_status status = tcore_trace_tree_build(&tree, span, 3, &err);
        if (status == TCORE_OK)
            status = tcore_critical_path_find(&path, &tree, tree.root, &err);
        tcore_trace_tree_free(&tree);
        tcore_critical_path_free(&path);
        more = failing_end();
        bad += status != (more ? TCORE_FATAL : TCORE_OK);
    }
    is_int(bad, 0, "each failed allocation is reported");
    is_int(failing.live, 0, "and nothing leaks");
    struct tcore_trace_tree tree = {0};
    struct tcore_error err;
    is_int(tcore_trace_tree_build(&tree, span, 0, &err), TCORE_FATAL, "no spans are no trace");
}

static void test_kinds(void)
{
    is_int(tcore_span_kind_find("server", 6), TCORE_SPAN_SERVER, "server");
    is_int(tcore_span_kind_find("client", 6), TCORE_SPAN_CLIENT, "client");
    is_int(tcore_span_kind_find("internal", 8), TCORE_SPAN_INTERNAL, "internal");
    is_int(tcore_span_kind_find("producer", 8), TCORE_SPAN_PRODUCER, "producer");
    is_int(tcore_span_kind_find("consumer", 8), TCORE_SPAN_CONSUMER, "consumer");
    is_int(tcore_span_kind_find("Server", 6), TCORE_SPAN_UNSPECIFIED, "anything else");
    is_int(tcore_span_kind_find("", 0), TCORE_SPAN_UNSPECIFIED, "nothing");
}

int main(void)
{
    test_paths();
    test_oddities();
    test_deep();
    test_wide();
    test_same_id();
    test_random();
    test_memory();
    test_kinds();
    return done_testing();
}
