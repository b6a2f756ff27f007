/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranked entities as findings, each with a sentence that its strongest part makes. */
#include <config.h>

#include "detect/cause.h"

#include "base/sys.h"
#include "cli/finding.h"
#include "cli/human.h"
#include "detect/describe.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

#define CRITICAL_SCORE 1.61 /* five times */

struct ranked {
    const struct cause *c;
    uint32_t entity;
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    const struct cause_entity *x = &a->c->entity[a->entity], *y = &b->c->entity[b->entity];

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    int order = strcmp(x->service, y->service);

    return order ? order : strcmp(x->name, y->name);
}

static const char *shown(const char *name)
{
    return *name ? name : "(no name)";
}

static void put_entity(struct tcore_buf *out, const struct cause_entity *e)
{
    switch (e->type) {
    case CAUSE_SERVICE:
        tcore_buf_puts(out, shown(e->service));
        break;
    case CAUSE_EDGE:
        tcore_buf_printf(out, "%s -> %s", shown(e->service), shown(e->name));
        break;
    default:
        tcore_buf_printf(out, "%s%s%s", e->service, *e->service ? " " : "", shown(e->name));
    }
}

static void put_group(struct tcore_buf *out, const struct cause_entity *e)
{
    static const char *const second[] = {NULL, "instance", "name", "target"};
    bool any = false;

    tcore_buf_putc(out, '{');
    if (*e->service || e->type == CAUSE_SERVICE || e->type == CAUSE_EDGE) {
        tcore_buf_puts(out, e->type == CAUSE_EDGE ? "\"source\":" : "\"service\":");
        tcore_json_write_string(out, e->service, strlen(e->service));
        any = true;
    }
    if (second[e->type]) {
        tcore_buf_printf(out, "%s\"%s\":", any ? "," : "", second[e->type]);
        tcore_json_write_string(out, e->name, strlen(e->name));
    }
    tcore_buf_putc(out, '}');
}

static void put_change(struct tcore_buf *out, const struct cause_part *part, const char *unit)
{
    describe_value(out, part->now, unit);
    tcore_buf_puts(out, " instead of ");
    describe_value(out, part->before, unit);
}

static void put_shares(struct tcore_buf *out, const struct cause_part *part)
{
    cli_human_share(out, part->now);
    tcore_buf_puts(out, " instead of ");
    cli_human_share(out, part->before);
}

/* What was measured, behind the name of who was measured. */
static void put_fact(struct tcore_buf *out, const struct cause *c, const struct cause_part *part)
{
    switch (part->evidence) {
    case CAUSE_SLOWER:
    case CAUSE_FASTER:
        tcore_buf_puts(out, " itself takes ");
        put_change(out, part, "ns");
        break;
    case CAUSE_SLOW_EDGE:
        tcore_buf_puts(out, ": a call takes ");
        put_change(out, part, "ns");
        tcore_buf_puts(out, " beyond the server's time");
        break;
    case CAUSE_FAILS:
        tcore_buf_puts(out, " fails by itself in ");
        put_shares(out, part);
        break;
    case CAUSE_EDGE_FAILS:
        tcore_buf_puts(out, ": calls fail on the way in ");
        put_shares(out, part);
        break;
    case CAUSE_FEWER_CALLS:
    case CAUSE_MORE_CALLS:
        tcore_buf_puts(out, " calls ");
        put_entity(out, &c->entity[part->other]);
        tcore_buf_putc(out, ' ');
        put_change(out, part, "");
        tcore_buf_puts(out, " times an execution");
        break;
    case CAUSE_METRIC:
        tcore_buf_printf(out, ": %s is ", shown(c->table.name[part->series].metric_name));
        put_change(out, part, c->series[part->series].in.unit);
        break;
    case CAUSE_NEW_LOG:
    case CAUSE_LOST_LOG: {
        const struct tcore_map_key *key = &c->templates.keys[part->series];
        uint32_t entity_bytes = sizeof(uint32_t);

        tcore_buf_puts(out, part->evidence == CAUSE_NEW_LOG ? " logs what it did not before: "
                                                            : " no longer logs: ");
        tcore_buf_append(out, key->data + entity_bytes, key->length - entity_bytes);
        tcore_buf_printf(out, " (%.0f times)", fmax(part->before, part->now));
    }
    }
}

static void put_message(struct tcore_buf *out, const struct cause *c, uint32_t entity)
{
    const struct cause_entity *e = &c->entity[entity];
    const struct cause_part *part = &c->part[e->best];

    if (part->entity != entity) {
        put_entity(out, e);
        tcore_buf_puts(out, e->type == CAUSE_INSTANCE ? ", more than the others: " : ": ");
    }
    put_entity(out, &c->entity[part->entity]);
    put_fact(out, c, part);
    if (e->parts > 1)
        tcore_buf_printf(out, "; and %u more", e->parts - 1);
}

static const char *measured(const struct cause *c, const struct cause_part *part)
{
    switch (part->evidence) {
    case CAUSE_SLOWER:
    case CAUSE_FASTER:
        return "selfNano";
    case CAUSE_SLOW_EDGE:
        return "networkNano";
    case CAUSE_FAILS:
    case CAUSE_EDGE_FAILS:
        return "errorRate";
    case CAUSE_FEWER_CALLS:
    case CAUSE_MORE_CALLS:
        return "calls";
    case CAUSE_METRIC:
        return c->table.name[part->series].metric_name;
    default:
        return "records";
    }
}

static const char *record_type(enum cause_evidence evidence)
{
    if (evidence == CAUSE_METRIC)
        return "metric";
    return evidence == CAUSE_NEW_LOG || evidence == CAUSE_LOST_LOG ? "log" : "span";
}

static bool write_one(const struct cause *c, uint32_t entity, int64_t rank, struct tcore_buf *out)
{
    static const char *const types[] = {"service", "instance", "operation", "edge"};
    const struct cause_entity *e = &c->entity[entity];
    const struct cause_part *part = &c->part[e->best];
    const struct tcore_map_key *key = &c->entity_keys.keys[entity];
    char trace_id[33] = "", span_id[17] = "", fingerprint[CLI_FINGERPRINT_BYTES];
    struct tcore_buf group = {0}, message = {0};
    struct cli_evidence evidence = {.trace_id = trace_id, .span_id = span_id};
    struct cli_finding f = CLI_FINDING_EMPTY;

    if (part->example.size > 0 && (part->example.trace_id[0] || part->example.trace_id[1])) {
        tcore_trace_id_digits(part->example.trace_id, trace_id);
        if (part->example.span_id)
            tcore_span_id_digits(part->example.span_id, span_id);
    }
    trace_id[32] = span_id[16] = '\0';
    put_group(&group, e);
    tcore_buf_putc(&group, '\0');
    put_message(&message, c, entity);
    tcore_buf_putc(&message, '\0');
    bool good = !group.failed && !message.failed &&
                cli_finding_fingerprint("cause", key->data, key->length, fingerprint);

    if (good) {
        f.kind = "cause";
        f.severity = e->score >= CRITICAL_SCORE ? "critical" : "warning";
        f.score = e->score;
        f.record_type = record_type(part->evidence);
        f.metric_name = measured(c, part);
        f.group = group.data;
        f.time_ns = c->two_inputs ? NULL : &c->at_ns;
        f.value = part->now;
        f.expected = part->before;
        f.p_value = part->p_value;
        f.effect_ns = part->effect_ns;
        f.rank = rank;
        f.method = types[e->type];
        f.message = message.data;
        f.evidence = &evidence;
        f.evidence_count = 1;
        f.fingerprint = fingerprint;
        cli_finding_write(out, &f);
    }
    tcore_buf_free(&group);
    tcore_buf_free(&message);
    return good;
}

enum tcore_status cause_write(struct cause *c, struct tcore_buf *out, struct tcore_error *err)
{
    struct ranked *list = tcore_calloc((size_t)c->entity_keys.count + 1, sizeof *list);
    bool good = list;

    for (uint32_t i = 0; good && i < c->entity_keys.count; i++)
        if (c->entity[i].best != CAUSE_NONE)
            list[c->causes++] = (struct ranked){c, i};
    if (good && c->causes)
        qsort(list, c->causes, sizeof *list, compare_ranked);
    for (uint32_t i = 0; good && i < c->causes; i++)
        good = write_one(c, list[i].entity, (int64_t)i + 1, out);
    tcore_free(list);
    return good ? tcore_buf_status(out, err) : tcore_error_nomem(err);
}
