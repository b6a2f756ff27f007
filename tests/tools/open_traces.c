/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traces that are all open at once: the first span of each comes before the second one of any, so
 * that none is complete before the end of the input. What a trace is follows from its number, and
 * its number from its id; so each record that is made of it can be checked by itself.
 *
 *     open_traces make TRACES SPANS           spans as NDJSON to standard output, in random order
 *     open_traces check TRACES SPANS          reads trace records, complete, summaries or with the
 *                                             fields traceId, structure.spanCount,
 *                                             timeline.totalDuration and errors.errorCount: each
 *                                             trace must be there once, as it is, in order of start
 *                                             and id. Prints what it counted; 1: something is wrong
 *
 * A trace has SPANS / TRACES spans, or one more; eight at most.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_NS INT64_C(1790000000000000000)
#define HOUR_NS  UINT64_C(3600000000000)
#define DEEPEST  8

static uint64_t traces, spans;

/* Makes a number look random: splitmix64's. */
static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* --- Traces by number */

#define ID_FACTOR UINT64_C(0xd1342543de82ef95)

static uint64_t id_low(uint64_t trace)
{
    return (trace + 1) * ID_FACTOR;
}

/* The number of the trace with that low half of an id. */
static uint64_t trace_of(uint64_t low)
{
    uint64_t inverse = ID_FACTOR; /* modulo 2^64, by Newton's method: bits double each time */
    for (int i = 0; i < 6; i++)
        inverse *= 2 - ID_FACTOR * inverse;
    return low * inverse - 1;
}

static unsigned count_spans(uint64_t trace)
{
    return (unsigned)(spans / traces + (trace < spans % traces));
}

static uint64_t span_id(uint64_t trace, unsigned number)
{
    return mix(trace * DEEPEST + number) | 1;
}

static bool is_error(uint64_t trace, unsigned number)
{
    return mix(trace * DEEPEST + number + 77) % 16 == 0;
}

/* Children begin before their parents or end behind them now and then. */
static void times(uint64_t trace, unsigned number, int64_t *start, int64_t *end)
{
    uint64_t drawn = mix(trace);
    *start = EPOCH_NS + (int64_t)(drawn % HOUR_NS);
    *end = *start + 1000000 + (int64_t)(mix(drawn) % 500000000);
    if (!number)
        return;
    drawn = mix(drawn + number);
    *start += (int64_t)(drawn % 2000) - 500;
    *end += (int64_t)(drawn / 2000 % 2000) - 1500;
}

static void whole(uint64_t trace, int64_t *start, int64_t *end, unsigned *errors)
{
    times(trace, 0, start, end);
    *errors = is_error(trace, 0);
    for (unsigned i = 1; i < count_spans(trace); i++) {
        int64_t from, to;
        times(trace, i, &from, &to);
        *start = from < *start ? from : *start;
        *end = to > *end ? to : *end;
        *errors += is_error(trace, i);
    }
}

/* --- Spans */

static void write_span(uint64_t trace, unsigned number)
{
    int64_t start, end;
    char parent[64] = "";
    times(trace, number, &start, &end);
    if (number)
        snprintf(parent, sizeof parent, "\"parentSpanId\":\"%016" PRIx64 "\",",
                 span_id(trace, number - 1));
    printf("{\"type\":\"span\",\"traceId\":\"%016" PRIx64 "%016" PRIx64
           "\",\"spanId\":\"%016" PRIx64
           "\",%s\"name\":\"operation %u\",\"kind\":\"%s\",\"startTimeUnixNano\":\"%" PRId64
           "\",\"endTimeUnixNano\":\"%" PRId64 "\",\"status\":\"%s\",\"service\":\"service-%u\"}\n",
           mix(trace), id_low(trace), span_id(trace, number), parent,
           (unsigned)(trace % 7 + number), number % 2 ? "client" : "server", start, end,
           is_error(trace, number) ? "error" : "unset", (unsigned)((trace + number) % 20));
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    for (uint64_t rest; b; b = rest) {
        rest = a % b;
        a = b;
    }
    return a;
}

/* The spans of that number of the first traces, in an order of its own. */
static void write_round(unsigned number, uint64_t count)
{
    uint64_t step = UINT64_C(7919) + 104729 * (number + UINT64_C(1)), at = 0;
    while (common_divisor(step, count) > 1)
        step++;
    for (uint64_t i = 0; i < count; i++) {
        write_span(at, number);
        at = (at + step) % count;
    }
}

static int make(void)
{
    for (unsigned number = 0; number < spans / traces; number++)
        write_round(number, traces);
    if (spans % traces)
        write_round((unsigned)(spans / traces), spans % traces);
    return fflush(stdout) || ferror(stdout);
}

/* --- Records */

/* What is behind the first of two texts that is in the line; NULL: neither is. */
static const char *behind(const char *line, const char *either, const char * or)
{
    const char *at = strstr(line, either);
    if (at)
        return at + strlen(either);
    at = strstr(line, or);
    return at ? at + strlen(or) : NULL;
}

static bool is_number(const char *at, uint64_t number)
{
    char *end;
    return at && strtoull(at, &end, 10) == number && end > at;
}

/* The number of the trace that the record is of; UINT64_MAX: of none. */
static uint64_t identify(const char *line)
{
    char high[17] = "", low[17] = "";
    const char *at = behind(line, "\"traceId\":\"", "\"traceId\":\"");
    if (!at || sscanf(at, "%16[0-9a-f]%16[0-9a-f]", high, low) != 2)
        return UINT64_MAX;
    uint64_t trace = trace_of(strtoull(low, NULL, 16));
    return trace < traces && strtoull(high, NULL, 16) == mix(trace) ? trace : UINT64_MAX;
}

struct checked {
    uint8_t *seen;
    uint64_t count, spans, errors, ids;
    uint64_t last;
    int64_t last_start;
};

/* NULL, or what is wrong with the record. */
static const char *check_record(struct checked *c, const char *line)
{
    uint64_t trace = identify(line);
    int64_t start, end;
    unsigned errors;
    if (trace == UINT64_MAX)
        return "it is of no trace";
    if (c->seen[trace / 8] >> trace % 8 & 1)
        return "the trace was there before";
    whole(trace, &start, &end, &errors);
    if (!is_number(behind(line, "\"structure\":{\"spanCount\":", "\"structure.spanCount\":"),
                   count_spans(trace)))
        return "the number of spans is wrong";
    if (!is_number(behind(line, "\"totalDuration\":", "\"timeline.totalDuration\":"),
                   (uint64_t)(end - start)))
        return "the duration is wrong";
    if (!is_number(behind(line, "\"errors\":{\"errorCount\":", "\"errors.errorCount\":"), errors))
        return "the number of errors is wrong";
    const char *root = behind(line, "\"rootSpanId\":\"", "\"rootSpanId\":\"");
    if (root && strtoull(root, NULL, 16) != span_id(trace, 0))
        return "the root is wrong";
    if (c->count && (start < c->last_start || (start == c->last_start && mix(trace) < c->last)))
        return "it comes too late";
    c->seen[trace / 8] |= (uint8_t)(1 << trace % 8);
    c->count++;
    c->spans += count_spans(trace);
    c->errors += errors;
    c->ids += mix(trace) ^ id_low(trace);
    c->last_start = start;
    c->last = mix(trace);
    return NULL;
}

static int check(void)
{
    struct checked checked = {.seen = calloc(traces / 8 + 1, 1)};
    char *line = NULL;
    size_t room = 0;
    if (!checked.seen)
        return 2;
    while (getline(&line, &room, stdin) > 0) {
        const char *wrong = check_record(&checked, line);
        if (wrong) {
            printf("record %" PRIu64 ": %s: %.300s\n", checked.count + 1, wrong, line);
            return 1;
        }
    }
    printf("%" PRIu64 " traces, %" PRIu64 " spans, %" PRIu64 " errors, ids %016" PRIx64 "\n",
           checked.count, checked.spans, checked.errors, checked.ids);
    free(line);
    free(checked.seen);
    return checked.count != traces;
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        traces = strtoull(argv[2], NULL, 10);
        spans = strtoull(argv[3], NULL, 10);
    }
    if (!traces || spans < traces || spans / traces >= DEEPEST) {
        fputs("usage: open_traces make|check TRACES SPANS\n", stderr);
        return 2;
    }
    return strcmp(argv[1], "make") ? check() : make();
}
