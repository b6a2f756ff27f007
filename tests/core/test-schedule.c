/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The critical path of published traces, and slack, drag and what-if: worked out by hand, and of
 * random traces against what happens when a span is really changed.
 */
#include "failing.h"
#include "random.h"
#include "tap.h"
#include "trace/schedule.h"

/* A trace as text: each span a letter, its parent's letter, - for the root, and its times. */
struct family {
    struct tcore_trace_span span[64];
    size_t count;
    struct tcore_trace_tree tree;
    struct tcore_critical_path path;
    struct tcore_schedule schedule;
};

static int compare(const void *a, const void *b)
{
    return tcore_trace_span_compare(a, b);
}

static void work_out(struct family *family)
{
    struct tcore_error err;
    qsort(family->span, family->count, sizeof *family->span, compare);
    if (tcore_trace_tree_build(&family->tree, family->span, family->count, &err) ||
        tcore_critical_path_find(&family->path, &family->tree, family->tree.root, &err) ||
        tcore_schedule_work(&family->schedule, &family->tree, &family->path, &err))
        exit(1);
}

static void build(struct family *family, const char *text)
{
    char id, parent;
    int start, end, used;
    *family = (struct family){0};
    for (; sscanf(text, " %c%c%d-%d%n", &id, &parent, &start, &end, &used) == 4; text += used)
        family->span[family->count++] =
            (struct tcore_trace_span){.span_id = (uint64_t)id,
                                      .parent_id = parent == '-' ? 0 : (uint64_t)parent,
                                      .start_ns = start,
                                      .end_ns = end,
                                      .flags = TCORE_SPAN_HAS_START | TCORE_SPAN_HAS_END};
    work_out(family);
}

static void end(struct family *family)
{
    tcore_trace_tree_free(&family->tree);
    tcore_critical_path_free(&family->path);
    tcore_schedule_free(&family->schedule);
}

/* The span of that letter; TCORE_SPAN_NONE. */
static uint32_t find(const struct family *family, char letter)
{
    for (uint32_t i = 0; i < family->tree.count; i++)
        if (family->span[i].span_id == (uint64_t)letter)
            return i;
    return TCORE_SPAN_NONE;
}

/* --- The path of published traces */

/* By letters: the exclusive times of the spans on the path. */
static void draw_path(const struct family *family, char *out)
{
    *out = '\0';
    for (char letter = 'A'; letter <= 'Z'; letter++)
        for (uint32_t i = 0; i < family->path.span_count; i++)
            if (family->span[family->path.spans[i]].span_id == (uint64_t)letter)
                out += sprintf(out, "%s%c%d", letter == 'A' ? "" : " ", letter,
                               (int)family->path.exclusive_ns[i]);
}

static void test_published(void)
{
    /* The traces that CRISP is tested with, and the paths that it is held to (uber-research/CRISP,
     * test_cases/golden, and the traces of its unit tests). Equal ones are here once. */
    static const struct {
        const char *name, *trace, *path;
    } cases[] = {
        {"1", "A-0-100", "A100"},
        {"2", "A-0-100 BA10-60", "A50 B50"},
        {"3", "A-0-100 BA0-100", "A0 B100"},
        {"4", "A-0-100 BA10-60 CB20-30", "A50 B40 C10"},
        {"5, 6", "A-0-100 BA10-30 CA40-50 DA60-90", "A40 B20 C10 D30"},
        {"7: a child goes on", "A-0-100 BA10-110 CB40-50", "A10 B80 C10"},
        {"8: a grandchild goes on", "A-0-100 BA10-70 CB20-120", "A40 B10 C50"},
        {"9: a child begins behind", "A-0-100 BA110-160 CB120-150 DA60-90", "A70 D30"},
        {"10: overlaps below 1 %", "A-0-1000 BA10-210 CA209-309 DA308-608", "A400 B200 C100 D300"},
        {"11", "A-0-100 BA30-60", "A70 B30"},
        {"12, 13", "A-0-100 BA10-70 CB25-45 DB30-50", "A40 B40 D20"},
        {"14", "A-0-80 BA10-30 CA20-45 DA40-65", "A35 B20 D25"},
        {"15", "A-0-100 BA10-20 CA25-35 DA40-50 EA55-65 FA70-80 GA85-100",
         "A35 B10 C10 D10 E10 F10 G15"},
        {"16", "A-0-110 BA10-20 CA15-35 DA30-40 EA50-60 FA70-100 GF80-90",
         "A50 B10 D10 E10 F20 G10"},
        {"17", "A-0-100 BA20-70 CB30-50 DA80-90", "A40 B30 C20 D10"},
        {"18", "A-0-250 BA10-110 CB30-40 DB50-60 EB70-80 FA120-220 GF140-200 HG150-170 IG180-190",
         "A50 B70 C10 D10 E10 F40 G30 H20 I10"},
        {"19, 20, 21", "A-0-600 BA10-210 CA205-305 DA300-600", "A0 B200 C100 D300"},
        {"22", "A-0-300 BA50-100 CA150-200 DA250-300", "A150 B50 C50 D50"},
        {"23, 24, 25",
         "A-0-700 BA50-350 CB100-150 DB200-250 EB300-350 FA400-700 GF450-500 HF550-600 IF650-700",
         "A100 B150 C50 D50 E50 F150 G50 H50 I50"},
        {"errors, 1", "A-0-100 BA70-100", "A70 B30"},
        {"errors, 4", "A-0-100 BA0-100 CB70-100", "A0 B70 C30"},
        {"siblings far apart", "A-0-1000 BA0-400 CA500-1000", "A100 B400 C500"},
        {"one that runs beside another", "A-0-1000 BA0-600 CA500-1000", "A500 C500"},
        {"clocks that disagree", "A-0-1000 BA0-505 CA500-1000", "A0 B505 C500"},
        {"a third one begins meanwhile", "A-0-1000 BA0-505 CA500-1000 DA502-510", "A500 C500"},
        {"an overlap of just 1 %", "A-0-1000 BA0-510 CA500-1000", "A500 C500"},
        {"paths below siblings", "A-0-1000 BA0-400 CA500-1000 DC900-1000 EC500-800",
         "A100 B400 C100 D100 E300"},
        {"a chain", "A-0-300 BA0-200 CB0-100", "A100 B100 C100"},
        {"two overlaps", "A-0-1000 BA0-200 CA195-400 DA500-1000", "A95 B200 C205 D500"},
        {"an overlap before a call with a call", "A-0-1000 BA200-600 CB210-590 DA55-205",
         "A450 B20 C380 D150"},
    };
    char text[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct family family;
        build(&family, cases[i].trace);
        draw_path(&family, text);
        is_str(text, cases[i].path, "%s", cases[i].name);
        end(&family);
    }
}

/* --- Slack and drag by hand */

static void draw_schedule(const struct family *family, char *out)
{
    *out = '\0';
    for (char letter = 'A'; letter <= 'Z'; letter++) {
        uint32_t i = find(family, letter);
        if (i == TCORE_SPAN_NONE)
            continue;
        if (family->schedule.slack_ns[i] < 0)
            out += sprintf(out, " %c?", letter);
        else
            out += sprintf(out, " %c%d/%d", letter, (int)family->schedule.slack_ns[i],
                           (int)family->schedule.drag_ns[i]);
    }
}

static void test_by_hand(void)
{
    /* each span: slack/drag */
    static const struct {
        const char *name, *trace, *schedule;
    } cases[] = {
        {"a root alone", "A-0-100", " A0/100"},
        {"a chain", "A-0-300 BA0-200 CB0-100", " A0/300 B0/200 C0/100"},
        {"one after the other", "A-0-1000 BA0-200 CA300-600", " A0/1000 B0/200 C0/300"},
        {"side by side", "A-0-500 BA0-400 CA0-50", " A0/500 B0/350 C350/0"},
        {"as long as each other", "A-0-500 BA100-400 CA200-400", " A0/500 B0/0 C0/0"},
        {"beside two that follow each other", "A-0-100 BA0-40 CA50-90 DA10-60",
         " A0/100 B0/30 C0/30 D30/0"},
        {"an overlap by clocks", "A-0-1000 BA0-200 CA195-400 DA500-1000",
         " A0/1000 B0/200 C0/200 D0/500"},
        {"a wait for who came second", "A-0-1000 BA0-200 CA195-400 DA500-1000 EA250-380",
         " A0/1000 B0/200 C0/20 D0/500 E20/0"},
        {"below one with slack", "A-0-100 BA0-80 CA0-50 DC10-30 EC10-40",
         " A0/100 B0/30 C30/0 D40/0 E30/0"},
        {"below one beside others", "A-0-100 BA0-80 CA0-70 DB0-80", " A0/100 B0/10 C10/0 D0/10"},
        {"one that goes on after the answer", "A-0-100 BA50-200", " A0/100 B0/50"},
        {"one that begins after it", "A-0-100 BA110-160 CB120-150", " A0/100 B? C?"},
        {"one that took no time", "A-0-100 BA50-50", " A0/100 B?"},
    };
    char text[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct family family;
        build(&family, cases[i].trace);
        draw_schedule(&family, text);
        is_str(text, cases[i].schedule, "%s", cases[i].name);
        end(&family);
    }
}

static int64_t what_if(struct family *family, const char *letters, double factor)
{
    double factors[64];
    for (size_t i = 0; i < family->count; i++)
        factors[i] = strchr(letters, (int)family->span[i].span_id) ? factor : 1;
    return tcore_schedule_what_if(&family->schedule, &family->tree, &family->path, factors);
}

static void test_what_if(void)
{
    static const struct {
        const char *trace, *letters;
        double factor;
        int took;
    } cases[] = {
        {"A-0-100", "A", 0.7, 70},
        {"A-0-100", "", 2, 100},
        {"A-0-100 BA10-60", "B", 0.5, 75},
        {"A-0-100 BA10-60", "A", 0.5, 75},
        {"A-0-100 BA10-60", "AB", 0.5, 50},
        {"A-0-100 BA10-60 CA10-50", "B", 0, 90}, /* C is waited for instead */
        {"A-0-100 BA10-60 CA70-80", "B", 2, 150},
        {"A-0-100 BA0-80 CB10-60", "C", 0, 50},
        {"A-0-100 BA0-80 CB10-60", "B", 0, 70},
        {"A-0-1000 BA0-505 CA500-1000", "", 1, 1000},
        {"A-0-1000 BA0-505 CA500-1000", "B", 0, 495},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct family family;
        build(&family, cases[i].trace);
        is_int(what_if(&family, cases[i].letters, cases[i].factor), cases[i].took, "%s: '%s' x %g",
               cases[i].trace, cases[i].letters, cases[i].factor);
        end(&family);
    }
}

/* --- Random traces */

static void make_random(struct random_source *source, struct family *family)
{
    *family = (struct family){.count = 2 + random_below(source, 12)};
    for (size_t i = 0; i < family->count; i++) {
        struct tcore_trace_span *span = &family->span[i];
        const struct tcore_trace_span *parent = &family->span[random_below(source, i + !i)];
        *span = (struct tcore_trace_span){.span_id = i + 1,
                                          .parent_id = i ? parent->span_id : 0,
                                          .end_ns = 4000,
                                          .flags = TCORE_SPAN_HAS_START | TCORE_SPAN_HAS_END};
        if (!i)
            continue;
        uint64_t room = (uint64_t)(parent->end_ns - parent->start_ns) + 1;
        span->start_ns = parent->start_ns + (int64_t)random_below(source, room);
        span->end_ns = span->start_ns +
                       (int64_t)random_below(source, (uint64_t)(parent->end_ns - span->start_ns) +
                                                         (random_below(source, 8) ? 1 : 300));
    }
    work_out(family);
}

/* What the root takes when the span, and with below all under it, takes so many times as long. */
static int64_t change(struct family *family, uint32_t span, bool below, double factor)
{
    double factors[64];
    for (uint32_t i = 0; i < family->count; i++) {
        uint32_t at = i;
        while (below && at != span && at != TCORE_SPAN_NONE)
            at = family->tree.parent[at];
        factors[i] = at == span ? factor : 1;
    }
    return tcore_schedule_what_if(&family->schedule, &family->tree, &family->path, factors);
}

static bool is_leaf(const struct family *family, uint32_t span)
{
    return family->tree.first[span] == family->tree.first[span + 1];
}

static void test_random(void)
{
    struct random_source source = {7};
    unsigned same = 0, drag = 0, slack = 0, beyond = 0, path = 0, drags = 0, slacks = 0;
    for (int round = 0; round < 4000; round++) {
        struct family family;
        make_random(&source, &family);
        const struct tcore_schedule *schedule = &family.schedule;
        int64_t took = family.path.duration_ns, sum = 0;
        same += what_if(&family, "", 1) != took;
        for (uint32_t i = 0; i < family.path.span_count; i++) {
            uint32_t span = family.path.spans[i];
            path += schedule->slack_ns[span] != 0;
            drag += took - change(&family, span, true, 0) != schedule->drag_ns[span];
            drags += schedule->drag_ns[span] > 0;
            sum += family.path.exclusive_ns[i];
        }
        path += sum < took;
        for (uint32_t i = 0; i < family.count; i++) {
            const struct tcore_interval *within = &schedule->within[i];
            int64_t own = within->end_ns - within->start_ns, most = schedule->slack_ns[i];
            if (!is_leaf(&family, i) || most < 0)
                continue;
            slack += change(&family, i, false, (double)(own + most) / (double)own) != took;
            beyond += change(&family, i, false, (double)(own + most + 1) / (double)own) <= took;
            slacks += most > 0;
        }
        end(&family);
    }
    is_int(same, 0, "4,000 random traces: nothing changed is the same");
    is_int(path, 0, "spans on the path have no slack, and make up the whole");
    is_int(drag, 0, "without a span on the path the root is shorter by its drag");
    is_int(slack, 0, "a span can take longer by its slack");
    is_int(beyond, 0, "but not by more");
    ok(drags > 4000 && slacks > 4000, "%u drags and %u slacks were no zeroes", drags, slacks);
}

/* --- Large traces and little memory */

#define MANY 200000

static void test_many(bool deep)
{
    struct family family = {0};
    struct tcore_error err;
    struct tcore_trace_span *span = calloc(MANY, sizeof *span);
    for (size_t i = 0; i < MANY; i++)
        span[i] = (struct tcore_trace_span){.span_id = i + 1,
                                            .parent_id = deep ? i : i > 0,
                                            .start_ns = (int64_t)i,
                                            .end_ns = (int64_t)(3 * MANY - (deep ? i : i * 7 % 5)),
                                            .flags = TCORE_SPAN_HAS_START | TCORE_SPAN_HAS_END};
    qsort(span, MANY, sizeof *span, compare);
    bool good =
        tcore_trace_tree_build(&family.tree, span, MANY, &err) == TCORE_OK &&
        tcore_critical_path_find(&family.path, &family.tree, family.tree.root, &err) == TCORE_OK &&
        tcore_schedule_work(&family.schedule, &family.tree, &family.path, &err) == TCORE_OK;
    ok(good, deep ? "a chain of %d" : "%d children, all beside each other", MANY);
    is_int(family.schedule.drag_ns[family.tree.root], 3 * MANY, "the root's drag");
    is_int(family.schedule.slack_ns[MANY - 1], deep ? 0 : family.schedule.slack_ns[MANY - 1],
           "the last one's slack is known");
    free(span);
    end(&family);
}

static void test_memory(void)
{
    struct family family;
    build(&family, "A-0-100 BA0-40 CA50-90 DA10-60");
    bool more = true;
    unsigned bad = 0;
    for (unsigned long n = 1; more; n++) {
        struct tcore_schedule schedule = {0};
        struct tcore_error err;
        failing_begin(n);
        enum tcore_status status = tcore_schedule_work(&schedule, &family.tree, &family.path, &err);
        tcore_schedule_free(&schedule);
        more = failing_end();
        bad += status != (more ? TCORE_FATAL : TCORE_OK);
    }
    is_int(bad, 0, "each failed allocation is reported");
    is_int(failing.live, 0, "and nothing leaks");
    end(&family);
}

int main(void)
{
    test_published();
    test_by_hand();
    test_what_if();
    test_random();
    test_many(true);
    test_many(false);
    test_memory();
    return done_testing();
}
