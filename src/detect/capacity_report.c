/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What to do about what series need: how much to add, or, where others of the same metric have
 * room, what to move where. Who needs most moves first, to where most is left.
 */
#include <config.h>

#include "detect/capacity.h"

#include "base/sys.h"
#include "detect/describe.h"
#include "model/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOVES 4 /* from one series, at most */

struct report {
    struct capacity *c;
    double *room; /* what each need leaves of the limit, less what is moved there; owned */
};

static bool within(const struct need *need, const struct capacity_time *time)
{
    return time->known && time->steps * (double)need->step_ns <= (double)need->horizon_ns;
}

static bool is_over(const struct capacity *c, const struct need *need)
{
    return need->use >= c->options->limit;
}

/* --- Order */

static double urgency(const struct need *need, double limit)
{
    const struct capacity_time *time = need->full.known ? &need->full : &need->earliest;

    if (need->use >= limit)
        return -1;
    return time->known ? time->steps * (double)need->step_ns : INFINITY;
}

static int compare_needs(const void *left, const void *right, void *limit)
{
    const struct need *x = left, *y = right;
    double a = urgency(x, *(const double *)limit), b = urgency(y, *(const double *)limit);

    if (a != b)
        return a < b ? -1 : 1;
    if (x->upper != y->upper)
        return x->upper > y->upper ? -1 : 1;
    return (x->series > y->series) - (x->series < y->series);
}

/* --- Moves */

static bool is_alike(const struct capacity *c, const struct need *a, const struct need *b)
{
    const struct series_name *x = &c->back.all.table.name[a->series];
    const struct series_name *y = &c->back.all.table.name[b->series];

    return strcmp(x->metric_name, y->metric_name) == 0 &&
           strcmp(x->record_type, y->record_type) == 0 && strcmp(x->stat, y->stat) == 0;
}

/* Where what a need is short of can go. Returns how many moves. */
static size_t find_moves(struct report *r, size_t from, struct capacity_move *move)
{
    const struct capacity *c = r->c;
    double over = -r->room[from];
    size_t moves = 0;

    while (over > 0 && moves < MOVES) {
        size_t best = from;

        for (size_t i = 0; i < c->needs; i++)
            if (r->room[i] > 0 && is_alike(c, &c->need[i], &c->need[from]) &&
                (best == from || r->room[i] > r->room[best]))
                best = i;
        if (best == from)
            break;
        double value = fmin(over, r->room[best]);

        move[moves++] = (struct capacity_move){best, value};
        r->room[best] -= value;
        over -= value;
    }
    return moves;
}

/* --- Findings */

/* The last time there is for what is beyond. */
static int64_t time_of(const struct need *need, const struct capacity_time *time)
{
    int64_t ahead = (int64_t)fmin(time->steps * (double)need->step_ns, 9.2e18);

    return need->now_ns > INT64_MAX - ahead ? INT64_MAX : need->now_ns + ahead;
}

static void put_time(struct tcore_buf *out, const struct need *need,
                     const struct capacity_time *time)
{
    char text[64];

    tcore_buf_append(out, text, tcore_format_time(text, time_of(need, time)));
}

/* "full at T (T to T)", "may be full at T", "not going to be full" */
static void put_full(struct tcore_buf *out, const struct capacity *c, const struct need *need)
{
    if (is_over(c, need)) {
        tcore_buf_puts(out, ", at its limit now");
    } else if (need->full.known) {
        tcore_buf_puts(out, ", full at ");
        put_time(out, need, &need->full);
        tcore_buf_puts(out, " (");
        put_time(out, need, &need->earliest);
        tcore_buf_puts(out, need->latest.known ? " to " : " or later)");
        if (need->latest.known) {
            put_time(out, need, &need->latest);
            tcore_buf_putc(out, ')');
        }
    } else if (need->earliest.known) {
        tcore_buf_puts(out, ", may be full at ");
        put_time(out, need, &need->earliest);
    } else {
        tcore_buf_puts(out, ", not going to be full");
    }
}

static void put_advice(struct tcore_buf *out, const struct capacity *c, const struct need *need,
                       const struct capacity_move *move, size_t moves)
{
    const char *unit = c->back.all.history[need->series].in.unit;
    double over = need->upper - c->options->limit;

    tcore_buf_puts(out, "; in ");
    describe_duration(out, need->horizon_ns);
    tcore_buf_puts(out, " it may need ");
    describe_value(out, need->upper, unit);
    if (!(over > 0))
        return;
    tcore_buf_puts(out, ": add ");
    describe_value(out, over, unit);
    for (size_t i = 0; i < moves; i++) {
        tcore_buf_puts(out, i ? " and " : " or move ");
        describe_value(out, move[i].value, unit);
        tcore_buf_puts(out, " to ");
        series_put_label(out, &c->back.all.table, c->need[move[i].to].series);
    }
}

static void put_message(struct tcore_buf *out, const struct capacity *c, const struct need *need,
                        const struct capacity_move *move, size_t moves)
{
    const char *unit = c->back.all.history[need->series].in.unit;
    double limit = c->options->limit;

    series_put_label(out, &c->back.all.table, need->series);
    tcore_buf_puts(out, ": ");
    describe_value(out, need->use, unit);
    tcore_buf_puts(out, " of ");
    describe_value(out, limit, unit);
    if (limit > 0)
        tcore_buf_printf(out, " (%.3g %%)", 100 * need->use / limit);
    put_full(out, c, need);
    put_advice(out, c, need, move, moves);
}

/* The value of "moves": the groups to move to, and how much. */
static void put_moves(struct tcore_buf *out, const struct capacity *c,
                      const struct capacity_move *move, size_t moves)
{
    for (size_t i = 0; i < moves; i++) {
        const struct series_name *name = &c->back.all.table.name[c->need[move[i].to].series];
        struct tcore_value value = tcore_value_of_double(move[i].value);

        tcore_buf_printf(out, "%s{\"group\":%s,\"value\":", i ? "," : "[", name->group);
        tcore_json_write_value(out, &value);
        tcore_buf_putc(out, '}');
    }
    tcore_buf_puts(out, moves ? "]" : "");
    tcore_buf_putc(out, '\0');
}

static const char *severity_of(const struct capacity *c, const struct need *need)
{
    if (is_over(c, need) || within(need, &need->full))
        return "critical";
    return within(need, &need->earliest) || need->upper > c->options->limit ? "warning" : "info";
}

static enum tcore_status write_need(struct report *r, size_t number, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct capacity *c = r->c;
    const struct need *need = &c->need[number];
    double limit = c->options->limit;
    struct capacity_move move[MOVES];
    size_t moves = find_moves(r, number, move);
    struct cli_finding finding = CLI_FINDING_EMPTY;
    struct cli_capacity capacity = {0};
    struct tcore_buf message = {0}, list = {0};
    int64_t full = time_of(need, &need->full), earliest = time_of(need, &need->earliest),
            latest = time_of(need, &need->latest);

    put_message(&message, c, need, move, moves);
    put_moves(&list, c, move, moves);
    finding.kind = "capacity";
    finding.severity = severity_of(c, need);
    finding.time_ns = &need->now_ns;
    finding.value = need->use;
    finding.expected = need->expected;
    finding.lower = need->lower;
    finding.upper = need->upper;
    finding.rank = (int64_t)number + 1;
    finding.confidence = c->options->interval;
    finding.method = "forecast-trend";
    finding.horizon_ns = need->horizon_ns;
    finding.limit = limit;
    finding.capacity = &capacity;
    capacity.utilization_rate = limit > 0 ? need->use / limit : NAN;
    capacity.headroom = limit - need->use;
    capacity.add = fmax(0, need->upper - limit);
    capacity.full_ns = need->full.known ? &full : NULL;
    capacity.earliest_ns = need->earliest.known ? &earliest : NULL;
    capacity.latest_ns = need->latest.known ? &latest : NULL;
    capacity.moves = list.failed ? NULL : list.data;
    c->full += is_over(c, need) || within(need, &need->full);
    enum tcore_status status =
        list.failed ? tcore_error_nomem(err)
                    : look_back_write(&c->back, need->series, &finding, &message, "", out, err);

    tcore_buf_free(&list);
    return status;
}

enum tcore_status capacity_report(struct capacity *c, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    struct report r = {.c = c};
    enum tcore_status status = TCORE_OK;

    if (!c->needs)
        return TCORE_OK;
    r.room = tcore_reallocarray(NULL, c->needs, sizeof *r.room);
    if (!r.room)
        return tcore_error_nomem(err);
    double limit = c->options->limit;

    qsort_r(c->need, c->needs, sizeof *c->need, compare_needs, &limit);
    for (size_t i = 0; i < c->needs; i++)
        r.room[i] = limit - c->need[i].upper;
    for (size_t i = 0; i < c->needs && status == TCORE_OK; i++)
        status = write_need(&r, i, out, err);
    tcore_free(r.room);
    return status;
}
