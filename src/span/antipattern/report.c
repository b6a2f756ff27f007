/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Occurrences on their way to the findings. */
#include <config.h>

#include "span/antipattern/trial.h"
#include "cli/template.h"

#include <stdlib.h>

static void put_name(struct trial *trial, struct tcore_buf *out, uint32_t span)
{
    struct tcore_slice name = trace_build_name(trial->build, span);
    tcore_buf_clear(out);
    if (name.data)
        template_name(out, name);
}

/* The call that a span leads to first, or itself. */
static uint32_t call_below(const struct trial *trial, uint32_t span)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    while (!trial->span[span].is_call && trial->span[span].calls) {
        uint32_t c = tree->first[span];
        while (!trial->span[tree->children[c]].is_call && !trial->span[tree->children[c]].calls)
            c++;
        span = tree->children[c];
    }
    return span;
}

static void put_operation(struct trial *trial, uint32_t called)
{
    uint32_t span = call_below(trial, called);
    const struct tcore_stored_text *row = trial->build->rows[span];
    struct span_facts *facts = &trial->span[span].facts;
    struct tcore_error err;
    tcore_buf_clear(&trial->operation);
    if (facts->call == CALL_NONE) {
        put_name(trial, &trial->operation, span);
        return;
    }
    if (!facts->operation && /* of a span that was within an assembled trace */
        tcore_json_parse(&trial->json, row->text, row->text_length, &err) == TCORE_OK)
        facts_of_json(&trial->reader, &trial->json, facts);
    if (facts->operation)
        tcore_buf_append(&trial->operation, facts->operation, facts->operation_bytes);
    if (facts->operation == trial->reader.text.data)
        facts->operation = NULL; /* it lives no longer than until the next span is looked at */
}

static struct tcore_slice slice_of(const struct tcore_buf *text)
{
    return text->data ? (struct tcore_slice){text->data, text->length}
                      : (struct tcore_slice){"", 0};
}

enum tcore_status trial_report(struct trial *trial, struct occurrence *occurrence, uint32_t at,
                               uint32_t called, struct tcore_error *err)
{
    const struct trace_build *build = trial->build;
    const struct tcore_interval *interval =
        &build->tree.interval[called == TCORE_SPAN_NONE ? at : called];
    occurrence->service = trace_build_service(build, at);
    put_name(trial, &trial->name, at);
    if (occurrence->pattern != PATTERN_CLOCK_SKEW) /* whatever they do */
        occurrence->name = slice_of(&trial->name);
    if (called != TCORE_SPAN_NONE) {
        put_operation(trial, called);
        occurrence->operation = slice_of(&trial->operation);
    }
    if (trial->name.failed || trial->operation.failed)
        return tcore_error_nomem(err);
    occurrence->trace_id[0] = build->rows[at]->stored.trace_id[0];
    occurrence->trace_id[1] = build->rows[at]->stored.trace_id[1];
    occurrence->trace_ns = trial->trace_ns;
    if (!occurrence->start_ns)
        occurrence->start_ns = tcore_interval_is_known(interval) ? interval->start_ns : 0;
    if (!occurrence->evidence_count)
        occurrence->evidence[occurrence->evidence_count++] =
            build->spans[called == TCORE_SPAN_NONE ? at : called].span_id;
    return findings_add(trial->findings, occurrence, err);
}

static int compare_starts(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return x->span < y->span ? -1 : x->span > y->span;
}

enum tcore_status trial_report_members(struct trial *trial, struct occurrence *occurrence,
                                       uint32_t at, uint32_t called, struct member *members,
                                       uint32_t count, struct tcore_error *err)
{
    qsort(members, count, sizeof *members, compare_starts);
    occurrence->start_ns = members[0].start_ns;
    for (uint32_t i = 0; i < count && i < EVIDENCE_MOST; i++)
        occurrence->evidence[occurrence->evidence_count++] =
            trial->build->spans[members[i].span].span_id;
    return trial_report(trial, occurrence, at, called, err);
}
