/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/diff_pair.h"

#include "base/sys.h"
#include "cli/finding.h"
#include "cli/human.h"
#include "model/id.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static int by_effect(const void *a, const void *b)
{
    const struct difference_found *x = a, *y = b;
    bool x_follows = x->what == WHOLE_TIME, y_follows = y->what == WHOLE_TIME;
    int64_t x_ns = llabs(x->effect_ns), y_ns = llabs(y->effect_ns);

    if (x_follows != y_follows)
        return x_follows ? 1 : -1;
    if (x_ns != y_ns)
        return x_ns > y_ns ? -1 : 1;
    for (int s = DIFF_SIDES; s-- > 0;)
        if (x->span[s] != y->span[s])
            return x->span[s] < y->span[s] ? -1 : 1;
    return (x->what > y->what) - (x->what < y->what);
}

static void put_change(struct tcore_buf *out, double from_ns, double to_ns)
{
    cli_human_duration(out, from_ns, true);
    tcore_buf_puts(out, " -> ");
    cli_human_duration(out, to_ns, true);
    tcore_buf_puts(out, to_ns < from_ns ? ", -" : ", +");
    cli_human_duration(out, fabs(to_ns - from_ns), true);
}

static void put_message(struct tcore_buf *out, const struct pairing *p,
                        const struct difference_found *found)
{
    int side = found->span[DIFF_CAND] == TCORE_SPAN_NONE ? DIFF_BASE : DIFF_CAND;
    uint32_t span = found->span[side], below;
    const char *change = side == DIFF_CAND ? "appeared" : "vanished";

    tcore_buf_puts(out, p->both->operation[pairing_operation(p, side, span)].label);
    if (found->number > 1)
        tcore_buf_printf(out, " #%" PRIu32, found->number);
    switch (found->what) {
    case OWN_TIME:
    case WHOLE_TIME:
        tcore_buf_printf(out, "%s is %s: ", found->what == OWN_TIME ? " itself" : "",
                         found->value[1] > found->value[0] ? "slower" : "faster");
        put_change(out, found->value[0], found->value[1]);
        break;
    case FAILURE:
        tcore_buf_puts(out, found->value[1] > 0 ? " fails now" : " does not fail any more");
        break;
    case TOGETHER:
        tcore_buf_puts(out, found->value[1] > 0 ? " calls at the same time now"
                                                : " calls one after the other now");
        break;
    case LAYER:
        tcore_buf_printf(out, " %s, as a layer between others: ", change);
        cli_human_duration(out, fabs((double)found->effect_ns), true);
        break;
    case SUBTREE:
        below = p->below[side][span];
        tcore_buf_printf(out, " %s: %" PRIu32 " span%s, ", change, below, below == 1 ? "" : "s");
        cli_human_duration(out, fabs((double)found->effect_ns), true);
        break;
    }
    tcore_buf_putc(out, '\0');
}

static const char *metric_of(const struct difference_found *found)
{
    static const char *const names[] = {"selfNano",        "durationNano", "errorShare",
                                        "concurrentShare", "callCount",    "callCount"};

    return names[found->what];
}

struct writing {
    struct tcore_json json;
    struct tcore_buf group, message;
};

static uint32_t parent_of(const struct pairing *p, int side, uint32_t span)
{
    uint32_t parent = p->build[side].tree.parent[span];

    return parent == TCORE_SPAN_NONE ? DIFF_NONE : pairing_operation(p, side, parent);
}

static bool write_one(struct writing *w, const struct pairing *p,
                      const struct difference_found *found, int64_t rank, struct tcore_buf *out)
{
    struct cli_finding finding = CLI_FINDING_EMPTY;
    char trace[DIFF_SIDES][TCORE_TRACE_ID + 1] = {"", ""};
    char span[DIFF_SIDES][TCORE_SPAN_ID + 1] = {"", ""};
    const struct cli_evidence evidence[] = {{trace[DIFF_CAND], span[DIFF_CAND], "cand"},
                                            {trace[DIFF_BASE], span[DIFF_BASE], "base"}};
    int side = found->span[DIFF_CAND] == TCORE_SPAN_NONE ? DIFF_BASE : DIFF_CAND;
    const struct tcore_interval *cand = &p->build[DIFF_CAND].tree.whole;
    struct tcore_buf identity = {0};
    char fingerprint[CLI_FINGERPRINT_BYTES];

    for (int s = 0; s < DIFF_SIDES; s++) {
        if (found->span[s] == TCORE_SPAN_NONE)
            continue;
        tcore_trace_id_digits(p->build[s].rows[0]->stored.trace_id, trace[s]);
        tcore_span_id_digits(p->build[s].spans[found->span[s]].span_id, span[s]);
    }
    tcore_buf_clear(&w->group);
    tcore_buf_clear(&w->message);
    diff_put_group(&w->group, &w->json, p->both, pairing_operation(p, side, found->span[side]),
                   parent_of(p, side, found->span[side]));
    put_message(&w->message, p, found);
    tcore_buf_printf(&identity, "%s %" PRIu32 " ", metric_of(found), found->number);
    tcore_buf_puts(&identity, w->group.failed ? "" : w->group.data);
    bool made = !w->group.failed && !w->message.failed && !identity.failed &&
                cli_finding_fingerprint("change", identity.data, identity.length, fingerprint);

    tcore_buf_free(&identity);
    if (!made)
        return false;
    finding.kind = "change";
    finding.severity = "info";
    finding.record_type = "span";
    finding.metric_name = metric_of(found);
    finding.group = w->group.data;
    finding.time_ns = tcore_interval_is_known(cand) ? &cand->start_ns : NULL;
    finding.value = found->value[DIFF_CAND];
    finding.expected = found->value[DIFF_BASE];
    finding.rank = rank;
    finding.method = "alignment";
    finding.effect_ns =
        found->what == FAILURE || found->what == TOGETHER ? NAN : (double)found->effect_ns;
    finding.message = w->message.data;
    finding.evidence = evidence;
    finding.evidence_count = sizeof evidence / sizeof *evidence;
    finding.fingerprint = fingerprint;
    cli_finding_write(out, &finding);
    return true;
}

bool pairing_write(struct pairing *p, unsigned depth_limit, struct tcore_buf *out)
{
    struct writing w = {.json = {.depth_limit = depth_limit}};
    bool good = true;

    if (p->found_count > 1)
        qsort(p->found, p->found_count, sizeof *p->found, by_effect);

    for (uint32_t i = 0; i < p->found_count && good; i++)
        good = write_one(&w, p, &p->found[i], (int64_t)i + 1, out);
    tcore_json_free(&w.json);
    tcore_buf_free(&w.group);
    tcore_buf_free(&w.message);
    return good;
}
