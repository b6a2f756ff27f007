/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OTLP as protobuf: requests, or the data of a collector's file exporter, which have one form on
 * the wire. Spans, metrics and log records come one by one on the tape and go where those of
 * OTLP/JSON go; where blocks are made, most spans get there without it. A bad record costs itself;
 * where the wire breaks, the rest of that message is lost, and what its length still delimits
 * behind it is not.
 */
#include <config.h>

#include "record/import/otlp.h"
#include "record/import/blocks.h"
#include "record/import/cut.h"
#include "record/import/otlp_rows.h"
#include "record/import/otlp_wire.h"

struct proto {
    struct otlp o;
    struct import_job *job;
    bool rows;                 /* spans may go straight to blocks */
    struct tcore_slice group;  /* the resource and its records */
    enum import_signal signal; /* of the records */
    uint32_t group_end;        /* of the tape, behind what the resource put there */
    uint32_t scope_end;        /* and the scope */
};

static void reject_broken(struct proto *p, const char *where, struct tcore_slice text,
                          const char *reason)
{
    import_bad(p->job, "broken protobuf: %s", reason);
    import_reject_bytes(p->job, text, where);
}

/* Whether the end of the message was found to be missing, and that was said. */
typedef bool inner_function(struct proto *, struct tcore_slice message, bool whole);

/* Calls inner for each message in the field of that number; of one that is cut off for what is
 * there. */
static bool walk(struct proto *p, struct tcore_slice message, uint32_t number, uint32_t old_number,
                 inner_function *inner)
{
    const char *at = message.data, *end = at + message.length;
    while (at < end) {
        struct tcore_wire_record r = {0};
        const char *reason;
        bool good = tcore_wire_next(&at, end, &r, &reason), told = false;
        if (good && number == OTLP_WIRE_GROUPS && r.number != number)
            import_ignored(p->job, "a field of a request", strlen("a field of a request"));
        if (r.data && r.type == TCORE_WIRE_BYTES &&
            (r.number == number || r.number == old_number)) {
            size_t length = good ? r.length : (size_t)(end - r.data);
            told = inner(p, (struct tcore_slice){r.data, length}, good);
        }
        if (!good) {
            if (!told)
                reject_broken(p, at, (struct tcore_slice){at, (size_t)(end - at)}, reason);
            return true;
        }
    }
    return false;
}

/* --- which records they are --- */

static bool fits(const struct import_wire_message *message, const struct tcore_wire_record *r)
{
    return r->number < message->count && import_wire_is_known(&message->field[r->number], r);
}

/* How many fields are not as they are in such a message; of messages in it as well, so deep. */
static unsigned misfits(const struct import_wire_message *message, struct tcore_slice data,
                        unsigned depth)
{
    const char *at = data.data, *end = at + data.length;
    unsigned count = 0;
    while (at < end) {
        struct tcore_wire_record r = {0};
        const char *reason;
        if (!tcore_wire_next(&at, end, &r, &reason))
            return count + 1;
        if (!fits(message, &r))
            count++;
        else if (depth && message->field[r.number].message)
            count += misfits(message->field[r.number].message,
                             (struct tcore_slice){r.data, r.length}, depth - 1) != 0;
    }
    return count;
}

/* Whether the message has no field of that number, or with a length not of that length. */
static bool lacks(struct tcore_slice data, uint32_t number, uint64_t length)
{
    const char *at = data.data, *end = at + data.length, *reason;
    struct tcore_wire_record r = {0};
    while (at < end && tcore_wire_next(&at, end, &r, &reason))
        if (r.number == number && r.type == TCORE_WIRE_BYTES)
            return length && r.length != length;
    return true;
}

/* Nothing around a record says what it is, so its fields have to. */
static enum import_signal signal_of(struct tcore_slice record)
{
    unsigned span = misfits(&otlp_wire_span, record, 0) +
                    lacks(record, OTLP_WIRE_TRACE_ID, TCORE_TRACE_ID / 2) +
                    lacks(record, OTLP_WIRE_SPAN_ID, TCORE_SPAN_ID / 2);
    unsigned metric =
        misfits(&otlp_wire_metric, record, 2) + lacks(record, OTLP_WIRE_METRIC_NAME, 0);
    unsigned log = misfits(&otlp_wire_log, record, 1);
    if (span <= metric && span <= log)
        return IMPORT_SPANS;
    return metric <= log ? IMPORT_METRICS : IMPORT_LOGS;
}

/* The first record of a scope, or with depth 1 of a group, that has anything in it. */
static struct tcore_slice first_record(struct tcore_slice message, unsigned depth)
{
    const char *at = message.data, *end = at + message.length, *reason;
    struct tcore_slice found = {0};
    bool good = true;
    while (good && at < end && !found.length) {
        struct tcore_wire_record r = {0};
        good = tcore_wire_next(&at, end, &r, &reason);
        bool inner = depth ? r.number == OTLP_WIRE_SCOPES || r.number == OTLP_WIRE_OLD_SCOPES
                           : r.number == OTLP_WIRE_RECORDS;
        if (r.type != TCORE_WIRE_BYTES || !r.data || !inner)
            continue;
        found = (struct tcore_slice){r.data, good ? r.length : (size_t)(end - r.data)};
        found = depth ? first_record(found, depth - 1) : found;
    }
    return found;
}

/* A record without anything in it is what the others are; where all are so, they can only be log
 * records, as spans have ids and metrics names. */
static enum import_signal signal_of_group(struct tcore_slice group)
{
    struct tcore_slice record = first_record(group, 1);
    return record.length ? signal_of(record) : IMPORT_LOGS;
}

/* --- records, scopes, resources --- */

/* Of the record before. */
static void clear_tape(struct proto *p)
{
    p->job->json.count = p->scope_end;
    tcore_arena_reset(&p->job->json.arena);
}

/* By the tape: what any record can be converted by, and says what is wrong with one. */
static void convert_tape(struct proto *p, struct tcore_slice record)
{
    static const struct {
        const struct import_wire_message *message;
        bool (*put)(struct otlp *, uint32_t);
    } signals[] = {[IMPORT_SPANS] = {&otlp_wire_span, otlp_put_span},
                   [IMPORT_METRICS] = {&otlp_wire_metric, otlp_put_metric},
                   [IMPORT_LOGS] = {&otlp_wire_log, otlp_put_log}};
    struct tcore_error err;
    const char *where;
    uint32_t node;
    if (import_wire_put(p->job, signals[p->signal].message, record, &node, &where) !=
        IMPORT_WIRE_GOOD) {
        import_reject_bytes(p->job, record, where);
        return;
    }
    size_t mark = p->o.out->length;
    if (!signals[p->signal].put(&p->o, node)) {
        p->o.out->length = mark;
        import_reject(p->job, node);
    }
    /* before the rows that follow; what can go wrong is memory, as inputs are cut far below what a
     * block holds */
    if (p->rows && import_blocks_take(p->job, &err) != TCORE_OK)
        p->job->failed = true;
}

static bool convert_record(struct proto *p, struct tcore_slice record, bool whole)
{
    if (!whole) {
        reject_broken(p, record.data, record, "a record that is cut off");
        return true;
    }
    if (!p->signal)
        p->signal = record.length ? signal_of(record) : signal_of_group(p->group);
    clear_tape(p);
    if (!p->rows || p->signal != IMPORT_SPANS || !otlp_rows_put_span(&p->o, record))
        convert_tape(p, record);
    return false;
}

/* What stands around records: on the tape without them. False: they are lost, which was said. */
static bool put_around(struct proto *p, const struct import_wire_message *form,
                       struct tcore_slice message, bool (*enter)(struct otlp *, uint32_t))
{
    uint32_t node;
    const char *where;
    if (import_wire_put(p->job, form, message, &node, &where) == IMPORT_WIRE_BAD) {
        import_reject_bytes(p->job, message, where);
        return false;
    }
    return enter(&p->o, node);
}

static bool convert_scope(struct proto *p, struct tcore_slice scope, bool whole)
{
    p->job->json.count = p->group_end;
    if (!put_around(p, &otlp_wire_scope, scope, otlp_enter_scope))
        return !whole;
    p->scope_end = p->job->json.count;
    if (p->rows)
        otlp_rows_enter_scope(&p->o);
    return walk(p, scope, OTLP_WIRE_RECORDS, OTLP_WIRE_RECORDS, convert_record);
}

static bool convert_group(struct proto *p, struct tcore_slice group, bool whole)
{
    p->job->json.count = 0;
    p->group = group;
    p->signal = p->job->signal;
    if (!put_around(p, &otlp_wire_group, group, otlp_enter_group))
        return !whole;
    p->group_end = p->job->json.count;
    if (p->rows)
        otlp_rows_enter_group(&p->o);
    p->job->result->documents++;
    return walk(p, group, OTLP_WIRE_SCOPES, OTLP_WIRE_OLD_SCOPES, convert_scope);
}

static void convert(struct import_job *job)
{
    struct proto p = {
        .o = {.job = job, .out = &job->result->out}, .job = job, .rows = otlp_rows_are_wanted(job)};
    struct tcore_slice message = {job->text, job->length};
    if (!walk(&p, message, OTLP_WIRE_GROUPS, OTLP_WIRE_GROUPS, convert_group) && job->cut) {
        const char *end = job->text + job->length;
        reject_broken(&p, end, (struct tcore_slice){end, 0}, "a message that is cut off");
    }
}

const struct import_format import_otlp_proto = {
    .name = "otlp-proto",
    .summary = "OTLP protobuf",
    .input = IMPORT_BYTES,
    .cut = import_cut_otlp,
    .convert = convert,
};
