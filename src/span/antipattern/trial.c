/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/antipattern/trial.h"

#include "base/sys.h"
#include "span/antipattern/words.h"

#include <stdlib.h>

static bool reserve(struct trial *trial, uint32_t count)
{
    if (count <= trial->capacity)
        return true;
    void **const arrays[] = {(void **)&trial->span,     (void **)&trial->member,
                             (void **)&trial->chosen,   (void **)&trial->inside,
                             (void **)&trial->factor,   (void **)&trial->total,
                             (void **)&trial->group_of, (void **)&trial->attempt};
    const size_t sizes[] = {sizeof *trial->span,     sizeof *trial->member, sizeof *trial->chosen,
                            sizeof *trial->inside,   sizeof *trial->factor, sizeof *trial->total,
                            sizeof *trial->group_of, sizeof *trial->attempt};
    bool good = true;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        tcore_free(*arrays[i]);
        *arrays[i] = tcore_reallocarray(NULL, count, sizes[i]);
        good = good && *arrays[i];
    }
    trial->capacity = good ? count : 0;
    return good;
}

void trial_free(struct trial *trial)
{
    void *const arrays[] = {trial->span,     trial->member,  trial->chosen,
                            trial->inside,   trial->factor,  trial->total,
                            trial->group_of, trial->attempt, trial->group};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        tcore_free(arrays[i]);
    facts_free(&trial->reader);
    tcore_json_free(&trial->json);
    tcore_schedule_free(&trial->schedule);
    tcore_buf_free(&trial->name);
    tcore_buf_free(&trial->operation);
    tcore_buf_free(&trial->name_buffer);
    *trial = (struct trial){0};
}

/* --- What is known of spans */

int64_t trial_duration(const struct trial *trial, uint32_t span)
{
    int64_t ns;
    return trace_build_duration(trial->build, span, &ns) ? ns : 0;
}

bool trial_failed(const struct trial *trial, uint32_t span)
{
    return trial->build->spans[span].flags & TCORE_SPAN_ERROR ||
           trial->span[span].facts.flags & FACT_FAILED;
}

/* The place of what is known of the span's name. */
static size_t look_at_name(struct trial *trial, uint32_t span)
{
    uint32_t name = trial->build->rows[span]->name;
    size_t at = name % (sizeof trial->known_name / sizeof *trial->known_name);
    if (trial->known_name[at].name != name + 1) {
        struct tcore_slice text = trace_build_name(trial->build, span);
        if (!text.data)
            text = (struct tcore_slice){"", 0};
        trial->known_name[at].name = name + 1;
        trial->known_name[at].pool = words_pool(text.data, text.length);
        trial->known_name[at].hash = facts_hash_of_name(&trial->name_buffer, text);
    }
    return at;
}

uint64_t trial_operation(struct trial *trial, uint32_t span)
{
    const struct span_facts *facts = &trial->span[span].facts;
    return facts->call != CALL_NONE ? facts->operation_hash
                                    : trial->known_name[look_at_name(trial, span)].hash;
}

bool trial_is_pool_wait(struct trial *trial, uint32_t span)
{
    return trial->known_name[look_at_name(trial, span)].pool;
}

/* Facts that were kept, or those of a span whose text was. The latter are copied: the reader's do
 * not live so long. */
static enum tcore_status load_facts(struct trial *trial, uint32_t span, struct tcore_error *err)
{
    const struct tcore_stored_text *row = trial->build->rows[span];
    struct span_facts *facts = &trial->span[span].facts;
    if (!row->text || facts_unpack(facts, row->text, row->text_length))
        return TCORE_OK;
    enum tcore_status status = tcore_json_parse(&trial->json, row->text, row->text_length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    if (!facts_of_json(&trial->reader, &trial->json, facts))
        *facts = (struct span_facts){.body_bytes = -1, .operation = ""};
    if (trial->reader.text.failed || trial->reader.whole.failed)
        return tcore_error_nomem(err);
    facts->operation = NULL; /* found again when it is told */
    return TCORE_OK;
}

static bool asks(uint8_t kind)
{
    return kind == TCORE_SPAN_CLIENT || kind == TCORE_SPAN_PRODUCER;
}

static bool answers(uint8_t kind)
{
    return kind == TCORE_SPAN_SERVER || kind == TCORE_SPAN_CONSUMER;
}

static bool is_call(const struct trial *trial, uint32_t span)
{
    const struct tcore_trace_span *spans = trial->build->spans;
    const struct trial_span *is = &trial->span[span];
    uint32_t parent = trial->build->tree.parent[span];
    if (!asks(spans[span].kind) && is->facts.call == CALL_NONE)
        return parent != TCORE_SPAN_NONE && spans[parent].service != spans[span].service &&
               !asks(spans[parent].kind);
    if (answers(spans[span].kind))
        return false;
    return parent == TCORE_SPAN_NONE || !trial->span[parent].is_call ||
           spans[parent].service != spans[span].service ||
           trial->span[parent].facts.call != is->facts.call;
}

/* Calls, parents before children; then how many there are below each, the other way round. */
static void count_calls(struct trial *trial)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    for (uint32_t at = 0; at < tree->count; at++)
        trial->span[tree->order[at]].is_call = is_call(trial, tree->order[at]);
    for (uint32_t at = tree->count; at-- > 0;) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        const struct trial_span *is = &trial->span[span];
        if (parent == TCORE_SPAN_NONE)
            continue;
        if (is->is_call)
            trial->span[parent].calls++;
        else if (trial->build->spans[span].service == trial->build->spans[parent].service &&
                 !answers(trial->build->spans[span].kind))
            trial->span[parent].calls += is->calls;
    }
}

static enum tcore_status prepare(struct trial *trial, const struct trace_build *build,
                                 struct tcore_error *err)
{
    uint32_t count = build->tree.count;
    enum tcore_status status = TCORE_OK;
    if (!reserve(trial, count))
        return tcore_error_nomem(err);
    trial->build = build;
    trial->scheduled = false;
    trial->work = 0;
    trial->trace_ns = build->path.span_count ? build->path.duration_ns : 0;
    for (uint32_t i = 0; i < count && status == TCORE_OK; i++) {
        trial->span[i] = (struct trial_span){.facts = {.body_bytes = -1, .operation = ""}};
        status = load_facts(trial, i, err);
    }
    if (status == TCORE_OK)
        count_calls(trial);
    return status;
}

/* --- Groups of spans */

static struct member member_of(struct trial *trial, uint32_t span)
{
    const struct tcore_interval *interval = &trial->build->tree.interval[span];
    return (struct member){
        .operation = trial_operation(trial, span),
        .call = trial->span[span].facts.call_hash,
        .start_ns = interval->start_ns,
        .end_ns = interval->end_ns,
        .service = trial->build->spans[span].service,
        .span = span,
    };
}

uint32_t trial_children(struct trial *trial, uint32_t parent)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    uint32_t count = 0;
    for (uint32_t c = tree->first[parent]; c < tree->first[parent + 1]; c++) {
        uint32_t child = tree->children[c];
        const struct trial_span *is = &trial->span[child];
        if ((is->is_call || is->calls) && !is->explained &&
            !answers(trial->build->spans[child].kind) &&
            tcore_interval_is_known(&tree->interval[child]))
            trial->member[count++] = member_of(trial, child);
    }
    return count;
}

static int compare_ends(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->end_ns != y->end_ns)
        return x->end_ns < y->end_ns ? -1 : 1;
    return x->span < y->span ? -1 : x->span > y->span;
}

uint32_t trial_sequence(struct member *members, uint32_t count)
{
    uint32_t kept = 0;
    if (count > 1)
        qsort(members, count, sizeof *members, compare_ends);
    for (uint32_t i = 0; i < count; i++)
        if (!kept || members[i].start_ns >= members[kept - 1].end_ns)
            members[kept++] = members[i];
    return kept;
}

int64_t trial_sum(const struct member *members, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum = add_ns(sum, members[i].end_ns - members[i].start_ns);
    return sum;
}

uint32_t trial_longest(const struct member *members, uint32_t count)
{
    uint32_t longest = 0;
    for (uint32_t i = 1; i < count; i++)
        if (members[i].end_ns - members[i].start_ns >
            members[longest].end_ns - members[longest].start_ns)
            longest = i;
    return longest;
}

void trial_explain(struct trial *trial, const struct member *members, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        trial->span[members[i].span].explained = true;
}

void trial_inherit(struct trial *trial)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    for (uint32_t at = 0; at < tree->count; at++) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        if (parent != TCORE_SPAN_NONE && trial->span[parent].explained &&
            !trial->span[parent].is_call)
            trial->span[span].explained = true;
    }
}

/* --- All of it */

enum tcore_status trial_hold(struct trial *trial, const struct trace_build *build,
                             struct tcore_error *err)
{
    static enum tcore_status (*const detectors[])(struct trial *, struct tcore_error *) = {
        detect_retries,    detect_n_plus_one, detect_redundant, detect_serial,
        detect_pool_waits, detect_fan_out,    detect_chatty,    detect_single,
        detect_timeouts,   detect_gaps,       detect_skew,
    };
    enum tcore_status status = prepare(trial, build, err);
    for (size_t i = 0; i < sizeof detectors / sizeof *detectors && status == TCORE_OK; i++)
        status = detectors[i](trial, err);
    return status;
}
