/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-span correlate --of: values that failed, or slow, traces have more often than the others.
 *
 * The unit is the trace, since spans of one trace are not independent of each other. Values that
 * could not be found significant whatever traces had them are not counted as tests: that depends
 * on how frequent they are alone (R. E. Tarone, "A modified Bonferroni method for discrete data",
 * Biometrics 46 (1990)). The order is that of the difference between the two shares, as with many
 * traces all p-values are near zero.
 */
#include <config.h>

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/finding.h"
#include "cli/human.h"
#include "cli/message.h"
#include "cli/visible.h"
#include "span/correlate.h"
#include "span/gather.h"
#include "span/trace_facts.h"
#include "span/trace_values.h"
#include "stats/fisher.h"
#include "stats/order.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EVIDENCE 3

enum side { SIDE_OTHERS, SIDE_APART, SIDE_NEITHER };

/* A value that was tested. */
struct tested {
    uint32_t value;
    uint64_t apart, others; /* traces that have it */
    double p, difference;   /* p: adjusted in the end */
    uint64_t traces;        /* the same for values that are on the same traces */
};

struct contrast {
    struct cli *cli;
    const struct correlate_options *options;
    size_t memory_bytes;
    bool slow, quantile;
    double slow_at; /* ns, or a share */
    struct trace_facts facts;
    struct trace_values values;
    size_t *first;     /* of each value, in values.pair; owned */
    uint8_t *side;     /* of each trace; owned */
    uint64_t count[3]; /* traces of each side */
    struct tested *list;
    size_t list_count;
    struct tcore_buf group, message;
};

/* --- Taking in */

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct contrast *c = state;
    projection->text = true;
    return trace_facts_columns(&c->facts, projection, err);
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct contrast *c = state;
    enum tcore_status status = TCORE_OK;
    (void)worker;
    (void)out;
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        char id[TCORE_TRACE_ID];
        uint32_t trace;
        struct tcore_slice text = batch->text[rows[i]];
        if (!trace_facts_id(&c->facts, batch, rows[i], id))
            continue;
        status = trace_facts_find(&c->facts, id, &trace, err);
        if (status == TCORE_OK)
            status = trace_facts_add(&c->facts, trace, batch, rows[i], err);
        if (status == TCORE_OK)
            status = trace_values_add(&c->values, trace, text.data, text.length, err);
    }
    size_t bytes = trace_facts_bytes(&c->facts) + trace_values_bytes(&c->values);
    return status == TCORE_OK && bytes > c->memory_bytes
               ? say_memory(c->cli, "values of all traces", err)
               : status;
}

/* --- Which traces are set apart */

static bool find_quantile(struct contrast *c)
{
    size_t known = 0;
    double *durations = tcore_reallocarray(NULL, (size_t)c->facts.ids.count + 1, sizeof *durations);
    if (!durations)
        return false;
    for (uint32_t i = 0; i < c->facts.ids.count; i++) {
        const struct tcore_interval *whole = &c->facts.of[i].whole;
        if (tcore_interval_is_known(whole))
            durations[known++] = (double)(whole->end_ns - whole->start_ns);
    }
    tcore_sort_doubles(durations, known);
    if (known)
        c->slow_at = tcore_quantile(durations, known, c->slow_at);
    tcore_free(durations);
    return true;
}

static enum side side_of(const struct contrast *c, const struct trace_fact *fact)
{
    if (!c->slow)
        return fact->errors ? SIDE_APART : SIDE_OTHERS;
    if (!tcore_interval_is_known(&fact->whole))
        return SIDE_NEITHER;
    return (double)(fact->whole.end_ns - fact->whole.start_ns) > c->slow_at ? SIDE_APART
                                                                            : SIDE_OTHERS;
}

static enum tcore_status set_apart(struct contrast *c, struct tcore_error *err)
{
    c->side = tcore_calloc((size_t)c->facts.ids.count + 1, sizeof *c->side);
    if (!c->side || (c->slow && c->quantile && !find_quantile(c)))
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < c->facts.ids.count; i++) {
        c->side[i] = (uint8_t)side_of(c, &c->facts.of[i]);
        c->count[c->side[i]]++;
    }
    return TCORE_OK;
}

/* --- Tests */

static uint64_t hash_of(uint32_t trace)
{
    uint64_t x = (uint64_t)trace + 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static struct tested test_value(const struct contrast *c, uint32_t value)
{
    struct tested t = {.value = value};
    uint64_t count[3] = {0};
    for (size_t i = c->first[value]; i < c->first[value + 1]; i++) {
        uint32_t trace = c->values.pair[i].trace;
        count[c->side[trace]]++;
        if (c->side[trace] != SIDE_NEITHER)
            t.traces += hash_of(trace);
    }
    t.apart = count[SIDE_APART];
    t.others = count[SIDE_OTHERS];
    t.difference = (double)t.apart / (double)c->count[SIDE_APART] -
                   (double)t.others / (double)c->count[SIDE_OTHERS];
    return t;
}

static int compare_sets(const void *left, const void *right)
{
    const struct tested *a = left, *b = right;
    if (a->apart != b->apart)
        return a->apart < b->apart ? -1 : 1;
    if (a->others != b->others)
        return a->others < b->others ? -1 : 1;
    return a->traces < b->traces ? -1 : a->traces > b->traces;
}

static int compare_members(const struct contrast *c, uint32_t a, uint32_t b)
{
    const struct tcore_map_key *x = &c->values.members.keys[a], *y = &c->values.members.keys[b];
    size_t shared = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->data, y->data, shared);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* The largest difference first; values of the same traces side by side, by their text. */
static int compare_tested(const void *left, const void *right, void *state)
{
    const struct tested *a = left, *b = right;
    if (a->difference != b->difference)
        return a->difference > b->difference ? -1 : 1;
    int order = compare_sets(a, b);
    return order ? order : compare_members(state, a->value, b->value);
}

/* Values of the same traces are one test. */
static enum tcore_status adjust(struct contrast *c, struct tcore_error *err)
{
    double *p = tcore_reallocarray(NULL, c->list_count + 1, sizeof *p);
    size_t tests = 0;
    if (!p)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < c->list_count; i++)
        if (!i || compare_sets(&c->list[i - 1], &c->list[i]) != 0)
            p[tests++] = c->list[i].p;
    enum tcore_status status = tcore_benjamini_hochberg(p, tests, p, err);
    for (size_t i = 0, test = 0; i < c->list_count && status == TCORE_OK; i++) {
        test += i && compare_sets(&c->list[i - 1], &c->list[i]) != 0;
        c->list[i].p = p[test];
    }
    tcore_free(p);
    return status;
}

static enum tcore_status test_all(struct contrast *c, struct tcore_error *err)
{
    uint64_t apart = c->count[SIDE_APART], others = c->count[SIDE_OTHERS];
    enum tcore_status status = trace_values_index(&c->values, c->facts.ids.count, &c->first, err);
    c->list = tcore_reallocarray(NULL, (size_t)c->values.members.count + 1, sizeof *c->list);
    if (status != TCORE_OK || !c->list)
        return status != TCORE_OK ? status : tcore_error_nomem(err);
    for (uint32_t v = 0; v < c->values.members.count; v++) {
        struct tested t = test_value(c, v);
        if (tcore_fisher_smallest(t.apart + t.others, apart, apart + others).greater >
            c->options->alpha)
            continue;
        t.p = tcore_fisher_test(t.apart, apart - t.apart, t.others, others - t.others).greater;
        c->list[c->list_count++] = t;
    }
    qsort_r(c->list, c->list_count, sizeof *c->list, compare_tested, c);
    return adjust(c, err);
}

/* --- Findings */

/* A member's text as key=value. */
static void put_plainly(struct tcore_buf *out, const struct tcore_map_key *member)
{
    struct tcore_json json = {0};
    struct tcore_buf text = {0};
    struct tcore_error err;
    tcore_buf_putc(&text, '{');
    tcore_buf_append(&text, member->data, member->length);
    tcore_buf_putc(&text, '}');
    if (!text.failed && tcore_json_parse(&json, text.data, text.length, &err) == TCORE_OK) {
        const struct tcore_value *key = &json.node[1].value, *value = &json.node[2].value;
        cli_visible(out, key->s, key->len, false);
        tcore_buf_putc(out, '=');
        if (value->kind == TCORE_STRING)
            cli_visible(out, value->s, value->len, false);
        else
            tcore_json_write_value(out, value);
    }
    tcore_buf_free(&text);
    tcore_json_free(&json);
}

static void put_share(struct tcore_buf *out, uint64_t part, uint64_t all)
{
    cli_human_share(out, (double)part / (double)all);
    tcore_buf_puts(out, " of ");
    cli_human_count(out, all);
}

static void make_texts(struct contrast *c, const struct tested *t, size_t same)
{
    tcore_buf_clear(&c->group);
    tcore_buf_clear(&c->message);
    for (size_t i = 0; i < same; i++) {
        const struct tcore_map_key *member = &c->values.members.keys[t[i].value];
        tcore_buf_putc(&c->group, i ? ',' : '{');
        tcore_buf_append(&c->group, member->data, member->length);
        tcore_buf_puts(&c->message, i ? " " : "");
        put_plainly(&c->message, member);
    }
    tcore_buf_puts(&c->group, "}");
    tcore_buf_putc(&c->group, '\0');
    tcore_buf_puts(&c->message, ": on ");
    put_share(&c->message, t->apart, c->count[SIDE_APART]);
    tcore_buf_puts(&c->message, c->slow ? " slow traces and " : " failed traces and ");
    put_share(&c->message, t->others, c->count[SIDE_OTHERS]);
    tcore_buf_puts(&c->message, " others");
    tcore_buf_putc(&c->message, '\0');
}

/* The first of the traces that are set apart and have it, by start. */
static size_t find_evidence(const struct contrast *c, uint32_t value, uint32_t *found)
{
    size_t count = 0;
    for (size_t i = c->first[value]; i < c->first[value + 1]; i++) {
        uint32_t trace = c->values.pair[i].trace;
        if (c->side[trace] != SIDE_APART)
            continue;
        size_t at = count;
        while (at && trace_facts_compare(&c->facts, trace, found[at - 1]) < 0)
            at--;
        if (at == EVIDENCE)
            continue;
        count += count < EVIDENCE;
        memmove(found + at + 1, found + at, (count - at - 1) * sizeof *found);
        found[at] = trace;
    }
    return count;
}

/* list[0] to list[same - 1] are on the same traces. */
static void put_finding(struct contrast *c, const struct tested *t, size_t same, int64_t rank,
                        struct tcore_buf *out)
{
    struct cli_finding finding = CLI_FINDING_EMPTY;
    struct cli_evidence evidence[EVIDENCE] = {{0}};
    char fingerprint[CLI_FINGERPRINT_BYTES];
    uint32_t found[EVIDENCE];
    make_texts(c, t, same);
    out->failed |= c->group.failed || c->message.failed;
    if (out->failed)
        return;
    finding.evidence_count = find_evidence(c, t->value, found);
    for (size_t i = 0; i < finding.evidence_count; i++)
        evidence[i].trace_id = c->facts.ids.keys[found[i]].data;
    out->failed |= !cli_finding_fingerprint(c->slow ? "correlation slow" : "correlation errors",
                                            c->group.data, c->group.length - 1, fingerprint);
    finding.kind = "correlation";
    finding.severity = "info";
    finding.score = t->difference;
    finding.record_type = "trace";
    finding.metric_name = c->slow ? "slowTraces" : "failedTraces";
    finding.group = c->group.data;
    finding.value = (double)t->apart / (double)c->count[SIDE_APART];
    finding.expected = (double)t->others / (double)c->count[SIDE_OTHERS];
    finding.p_value = t->p;
    finding.rank = rank;
    finding.method = "fisher";
    finding.message = c->message.data;
    finding.fingerprint = fingerprint;
    finding.evidence = evidence;
    cli_finding_write(out, &finding);
}

static void note_sides(const struct contrast *c)
{
    const char *apart = c->slow ? "slow" : "failed";
    if (!c->facts.ids.count)
        return;
    if (!c->count[SIDE_APART])
        cli_note(c->cli, "no trace is %s", apart);
    else if (!c->count[SIDE_OTHERS])
        cli_note(c->cli, "all traces are %s: there is nothing to compare them with", apart);
    else if (!c->list_count)
        cli_note(c->cli, "no value is on enough traces to tell anything");
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct contrast *c = state;
    int64_t rank = 0;
    enum tcore_status status = set_apart(c, err);
    if (status == TCORE_OK && c->count[SIDE_APART] && c->count[SIDE_OTHERS])
        status = test_all(c, err);
    for (size_t i = 0, end; i < c->list_count && status == TCORE_OK; i = end) {
        for (end = i + 1; end < c->list_count && !compare_sets(&c->list[i], &c->list[end]); end++) {
        }
        if (c->list[i].p <= c->options->alpha && c->list[i].difference > 0)
            put_finding(c, &c->list[i], end - i, ++rank, out);
    }
    if (status == TCORE_OK)
        note_sides(c);
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}

/* --- The verb */

/* p90, or a duration. */
static bool read_slow(struct contrast *c, const char *text)
{
    const char *reason;
    int64_t ns;
    if (*text == 'p') {
        c->quantile = cli_parse_number(text + 1, &c->slow_at, &reason);
        c->slow_at /= 100;
        return c->quantile && c->slow_at > 0 && c->slow_at < 1;
    }
    if (!cli_parse_duration(text, &ns, &reason))
        return false;
    c->slow_at = (double)ns;
    return true;
}

int correlate_contrast(struct cli *cli, const struct correlate_options *options, int count,
                       char **inputs)
{
    static const struct cli_operator contrasting = {
        .types = 1u << TCORE_RECORD_SPAN,
        .ordered = true,
        .open = open_columns,
        .batch = take_batch,
        .finish = finish,
    };
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : GATHER_MEMORY;
    struct contrast c = {.cli = cli,
                         .options = options,
                         .memory_bytes = (size_t)memory,
                         .slow = strcmp(options->of, "slow") == 0};
    const char *slow = options->slower_than ? options->slower_than : "p90";
    struct tcore_error err;
    int status = CLI_FAILED;
    if (!read_slow(&c, slow))
        return cli_usage_error(cli, "--slower-than: '%s' is no duration and no p1 to p99.9", slow);
    if (trace_facts_open(&c.facts, &err) != TCORE_OK ||
        trace_values_open(&c.values, &options->by, &err) != TCORE_OK) {
        cli_report(cli, &err);
    } else {
        c.values.json.depth_limit = (unsigned)cli->io.depth_limit;
        status = cli_filter(cli, &contrasting, &c, count, inputs);
    }
    trace_facts_free(&c.facts);
    trace_values_free(&c.values);
    tcore_buf_free(&c.group);
    tcore_buf_free(&c.message);
    tcore_free(c.first);
    tcore_free(c.side);
    tcore_free(c.list);
    return status;
}
