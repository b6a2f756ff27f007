/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule files: what is accepted, and each error with its exact place and words. */
#include "alert/rules.h"

#include "tap.h"

struct refused {
    const char *text, *problems;
};

#define HEAD       "version: 1\ngroups:\n- name: g\n  rules:\n"
#define RULE(text) HEAD "  - {alert: A, " text "}\n"
#define WHEN(text) RULE("when: {metric: m, " text "}")

static const char *const accepted[] = {
    WHEN("greater_than: 5"),
    WHEN("greater_than: 5, clear_below: 5"),
    WHEN("less_than: 1e3, clear_above: 2000"),
    WHEN("stat: p99.9, greater_than: 500ms, window: 1m30s"),
    WHEN("labels: {a: no, b: 1, 'c.d': \"x y\"}, greater_than: -0.5"),
    RULE("expr: anomaly"),
    RULE("expr: 'absentees > 5'"),
    RULE("expr: 'absent.minded > 5'"),
    RULE("expr: \"m > 5 \\t\\n\""),
    RULE("expr: 'anomaly{severity=\"critical\"}', for: 0, keep_firing_for: 2m, missing: fire"),
    RULE("expr: 'change{a=~\"x|y\",b!~\"z.*\",c!=\"d\"}[1h] >= 3'"),
    RULE("expr: 'forecast{metricName=\"disk\",horizon=\"4h\",quantile=\"0.9\"} >= 0.95'"),
    RULE("expr: 'spans{service=\"s\",status=\"error\"}[10m] > 5'"),
    RULE("expr: 'absent(spans{service=\"payments\"}[10m])'"),
    RULE("expr: 'http.server.duration{stat=\"p95\"} <= 2s', actions: [notify]"),
    RULE("expr: anomaly, labels: {severity: page}, annotations: {s: \"{service} {{x}} {value}\"}"),
    RULE("expr: anomaly, dedup: {by: [service, metricName], window: 30m}"),
    "{\"version\": 1, \"groups\": [{\"name\": \"g\", \"every\": \"10s\", \"rules\": []}]}",
    "version: 1\nchannels:\n  f: {type: file, path: x, on: [firing], limit: 2 per 1h}\n"
    "  e: {type: exec, argv: [a, '{b}'], timeout: 1s, default: true}\n"
    "groups:\n- name: g\n  rules:\n  - {alert: A, expr: anomaly, actions: [notify, {x: f}]}\n",
};

static const struct refused refused[] = {
    {"", "f:1:1: there are no rules: version and groups are missing\n"},
    {"version: 2\ngroups: []\n", "f:1:10: version '2' is not known to this program: 1\n"},
    {"groups: []\n", "f:1:1: version is missing (version: 1)\n"},
    {"version: 1\ngroups: x\n", "f:2:9: groups must be a list\n"},
    {"version: 1\ngropus: []\n",
     "f:2:1: unknown key 'gropus': did you mean groups?\nf:1:1: groups is missing\n"},
    {"version: 1\ngroups: []\ngroups: []\n", "f:3:1: 'groups' is there twice\n"},
    {"version: [1\n", "f:2:1: did not find expected ',' or ']'\n"},
    {"a: &x 1\nb: *x\n", "f:1:4: an anchor or tag: neither is known here\n"},
    {"a: *x\n", "f:1:4: an alias: write the value out\n"},
    {"a: !!str x\n", "f:1:4: an anchor or tag: neither is known here\n"},
    {"version: 1\ngroups: []\n---\nb: 1\n", "f:3:1: a second document\n"},
    {"version: \"\\0\"\n", "f:1:10: a NUL character\n"},
    {"version: 1\ngroups: []\nx\x01: 1\n", "f:3:2: control characters are not allowed\n"},
    {"? [a]\n: b\n", "f:1:3: a key is a plain word, no list or map\n"},
    {WHEN("gretar_than: 5"), "f:5:34: unknown key 'gretar_than': did you mean greater_than?\n"},
    {WHEN("greater_than: 5, less_than: 2"),
     "f:5:22: when: only one of greater_than and less_than\n"},
    {WHEN("greater_than: much"), "f:5:48: greater_than: 'much' is no number\n"},
    {WHEN("greater_than: 5, clear_below: 6"),
     "f:5:64: clear_below is above greater_than: it would clear at once\n"},
    {WHEN("less_than: 5, clear_above: 4"),
     "f:5:61: clear_above is below less_than: it would clear at once\n"},
    {WHEN("less_than: 5, clear_below: 4"), "f:5:61: clear_below goes with greater_than\n"},
    {WHEN("less_than: 5, stat: p101"),
     "f:5:54: stat: 'p101' is none of count, rate, sum, mean, min, max, stddev, errors, errorRate, "
     "pNN\n"},
    {WHEN("less_than: 5, window: 1m"), "f:5:56: window goes with stat\n"},
    {RULE("when: {less_than: 5}"), "f:5:22: when: metric is missing\n"},
    {RULE("for: 5m"), "f:5:5: a rule has one of when and expr\n"},
    {RULE("for: 5 minutes, expr: anomaly"),
     "f:5:21: for: '5 minutes' is not a duration (250ms 10s 5m 2h 7d)\n"},
    {RULE("missing: drop, expr: anomaly"),
     "f:5:25: missing: 'drop' is none of hold, resolve, fire\n"},
    {RULE("expr: anomaly, labels: [a]"), "f:5:39: labels must be a map\n"},
    {RULE("expr: anomaly, annotations: {a: 'x {'}"),
     "f:5:48: a: an opening brace without a {label} ({{ is a brace)\n"},
    {RULE("expr: anomaly, actions: [page]"), "f:5:41: an action is notify or {name: channel}\n"},
    {RULE("expr: anomaly, actions: [{page: x}]"), "f:5:48: channel 'x' is not defined\n"},
    {RULE("expr: anomaly, dedup: {by: [a]}"),
     "f:5:38: dedup takes by and window: {by: [service], window: 30m}\n"},
    {RULE("expr: 'spans{service=\"s\"}'"), "f:5:41: expr: compare it with a number\n"},
    {RULE("expr: 'spans{service=s} > 1'"), "f:5:37: expr: a value in quotes is missing\n"},
    {RULE("expr: 'spans{service=\"s\" > 1'"), "f:5:41: expr: a comma or brace is missing\n"},
    {RULE("expr: 'spans[10] > 1'"), "f:5:29: expr: '10' is not a duration (250ms 10s 5m 2h 7d)\n"},
    {RULE("expr: 'm{a=~\"(\"} > 1'"), "f:5:28: expr: bad pattern: missing closing parenthesis\n"},
    {RULE("expr: 'm{a=\"b\"} > many'"), "f:5:34: expr: 'many' is no number\n"},
    {RULE("expr: 'm > 5                                                                        x'"),
     "f:5:27: expr: '5                                                                        x' "
     "is "
     "no number\n"},
    {RULE("expr: 'absent spans[1m]'"), "f:5:30: expr: a parenthesis is missing\n"},
    {RULE("expr: 'absent(spans)'"),
     "f:5:30: expr: absent() takes a range: absent(spans{...}[10m])\n"},
    {HEAD "  - {alert: A, expr: anomaly}\n  - {alert: A, expr: change}\n",
     "f:6:13: alert 'A' is there twice\n"},
    {HEAD "  - {expr: anomaly}\n", "f:5:5: a rule has a name: alert is missing\n"},
    {"version: 1\nchannels:\n  w: {url: x, type: webhook}\ngroups: []\n",
     "f:3:21: channel type 'webhook' is not known to this version: file, exec\n"},
    {"version: 1\nchannels:\n  w: {type: file, argv: [a]}\ngroups: []\n",
     "f:3:3: channel 'w': path is missing\n"
     "f:3:6: channel 'w' of type file takes no argv\n"},
    {"version: 1\nchannels:\n  w: {type: exec, argv: ['{a}'], limit: often, on: [fire]}\n"
     "groups:\n- {name: g, rules: [{alert: A, expr: anomaly}]}\n",
     "f:3:41: limit: 'often' is no limit (1 per 10m)\n"
     "f:3:53: on: 'fire' is none of firing, resolved, nodata\n"
     "f:3:25: argv: the program's name is no template\n"},
};

static void try_accepted(size_t number, const char *text)
{
    struct rules rules = {0};
    struct tcore_error err = {0};
    enum tcore_status status = rules_parse(&rules, "f", text, strlen(text), &err);
    const char *problems = rules.problems.length ? rules.problems.data : "";

    ok(status == TCORE_OK && !rules.problems.length, "accepted %zu", number);
    if (status != TCORE_OK)
        printf("# %s%.*s\n", err.text, (int)rules.problems.length, problems);
    rules_free(&rules);
}

static void try_refused(size_t number, const struct refused *wanted)
{
    struct rules rules = {0};
    struct tcore_error err = {0};
    enum tcore_status status = rules_parse(&rules, "f", wanted->text, strlen(wanted->text), &err);

    is_int(status, TCORE_BAD_INPUT, "refused %zu", number);
    is_mem(rules.problems.length ? rules.problems.data : "", rules.problems.length,
           wanted->problems, strlen(wanted->problems), "problems %zu", number);
    rules_free(&rules);
}

static void try_values(void)
{
    static const char text[] =
        "version: 1\ngroups:\n- name: g\n  every: 10s\n  rules:\n"
        "  - {alert: A, when: {metric: m, stat: p99, greater_than: 2s, clear_below: 1}, for: 1m}\n"
        "  - {alert: B, expr: 'anomaly{severity=\"critical\"}'}\n"
        "  - {alert: C, expr: 'spans{status!=\"ok\"} >= 3', labels: {x: no}}\n";
    struct rules rules = {0};
    struct tcore_error err = {0};

    is_int(rules_parse(&rules, "f", text, strlen(text), &err), TCORE_OK, "parsed");
    if (rules.count != 3)
        return;
    const struct rule *a = &rules.rule[0], *b = &rules.rule[1], *c = &rules.rule[2];

    is_double(a->threshold, 2e9, "a duration is in nanoseconds");
    is_double(a->clear, 1, "clear_below");
    is_double(a->quantile, 0.99, "quantile");
    is_int(a->for_ns, 60000000000, "for");
    is_int(a->window_ns, 10000000000, "the window is every");
    is_int(b->form, RULE_COUNT, "findings are counted");
    is_int(b->range_ns, RULE_FINDING_RANGE_NS, "for five minutes");
    is_int(c->range_ns, 10000000000, "spans are counted over every");
    is_int(c->matcher[0].negated, true, "!=");
    ok(strcmp(c->labels.item[0].value, "no") == 0, "no is text");
    ok(strcmp(a->hash, b->hash) != 0, "each rule has its hash");
    rules_free(&rules);
}

int main(void)
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++)
        try_accepted(i, accepted[i]);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        try_refused(i, &refused[i]);
    try_values();
    return done_testing();
}
