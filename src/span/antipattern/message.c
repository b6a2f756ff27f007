/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What findings say to people: of the worst occurrence, how much of what, and what could be done.
 */
#include <config.h>

#include "cli/human.h"
#include "span/antipattern/findings.h"

#include <inttypes.h>

#define SHOWN_MOST 100 /* bytes of a text */

const char *finding_metric(enum pattern pattern)
{
    static const char *const metrics[PATTERNS] = {[PATTERN_N_PLUS_ONE] = "calls",
                                                  [PATTERN_REDUNDANT] = "calls",
                                                  [PATTERN_SERIAL] = "calls",
                                                  [PATTERN_SLOW_QUERY] = "durationNano",
                                                  [PATTERN_LARGE_PAYLOAD] = "bodyBytes",
                                                  [PATTERN_FAN_OUT] = "children",
                                                  [PATTERN_CHATTY] = "calls",
                                                  [PATTERN_POOL_WAIT] = "concurrentCalls",
                                                  [PATTERN_RETRY] = "attempts",
                                                  [PATTERN_COLD_START] = "durationNano",
                                                  [PATTERN_TIMEOUT_CHAIN] = "services",
                                                  [PATTERN_GAP] = "gapNano",
                                                  [PATTERN_CLOCK_SKEW] = "clockOffsetNano"};
    return metrics[pattern];
}

static void put_quoted(struct tcore_buf *out, struct tcore_slice text)
{
    size_t length = text.length;
    if (length > SHOWN_MOST)
        for (length = SHOWN_MOST; length && (text.data[length] & 0xc0) == 0x80;)
            length--;
    tcore_buf_putc(out, '\'');
    tcore_buf_append(out, text.data, length);
    tcore_buf_puts(out, length < text.length ? "...'" : "'");
}

static void put_ns(struct tcore_buf *out, int64_t ns)
{
    cli_human_duration(out, (double)ns, true);
}

static void put_took(struct tcore_buf *out, const struct occurrence *worst)
{
    tcore_buf_puts(out, ", ");
    put_ns(out, worst->took_ns);
    tcore_buf_puts(out, " in all");
}

/* "12 calls of 'x' in 'y'" */
static void put_calls(struct tcore_buf *out, const struct occurrence *worst, const char *what)
{
    tcore_buf_printf(out, "%" PRId64 " %s", worst->value, what);
    if (worst->operation.data) {
        tcore_buf_puts(out, " of ");
        put_quoted(out, worst->operation);
    }
    if (worst->name.data) {
        tcore_buf_puts(out, " in ");
        put_quoted(out, worst->name);
    }
}

static void put_single(struct tcore_buf *out, const struct occurrence *worst)
{
    put_quoted(out, worst->operation.data ? worst->operation : worst->name);
    tcore_buf_puts(out, " took ");
    put_ns(out, worst->took_ns);
}

static void put_wait(struct tcore_buf *out, const struct occurrence *worst)
{
    if (!worst->operation.data) {
        put_calls(out, worst, "queries at a time");
        put_took(out, worst);
        tcore_buf_puts(out, ": they may wait for connections of a pool");
        return;
    }
    put_single(out, worst);
    tcore_buf_puts(out, " to get a connection");
}

static void put_skew(struct tcore_buf *out, const struct occurrence *worst)
{
    bool ahead = worst->value > 0;
    tcore_buf_puts(out, "the clock of ");
    put_quoted(out, worst->operation);
    tcore_buf_puts(out, " is ");
    put_ns(out, ahead ? worst->value : -worst->value);
    tcore_buf_printf(out, " or more %s that of ", ahead ? "ahead of" : "behind");
    put_quoted(out, worst->service.data ? worst->service : (struct tcore_slice){"", 0});
}

static void put_figures(struct tcore_buf *out, const struct occurrence *worst)
{
    switch (worst->pattern) {
    case PATTERN_N_PLUS_ONE:
        put_calls(out, worst, "calls one after another");
        put_took(out, worst);
        tcore_buf_puts(out, ": one call could ask for all");
        break;
    case PATTERN_REDUNDANT:
        put_calls(out, worst, "equal calls");
        put_took(out, worst);
        tcore_buf_puts(out, ": the first answer could be kept");
        break;
    case PATTERN_SERIAL:
        put_calls(out, worst, "calls one after another");
        put_took(out, worst);
        tcore_buf_puts(out, ": they could run at a time if none needs another's answer");
        break;
    case PATTERN_SLOW_QUERY:
        tcore_buf_puts(out, "the query ");
        put_single(out, worst);
        break;
    case PATTERN_LARGE_PAYLOAD:
        put_single(out, worst);
        tcore_buf_printf(out, " with a body of %" PRId64 " bytes", worst->value);
        break;
    case PATTERN_FAN_OUT:
        put_calls(out, worst, "children");
        put_took(out, worst);
        break;
    case PATTERN_CHATTY:
        put_calls(out, worst, "calls");
        put_took(out, worst);
        tcore_buf_puts(out, ": fewer larger ones would do");
        break;
    case PATTERN_POOL_WAIT:
        put_wait(out, worst);
        break;
    case PATTERN_RETRY:
        put_calls(out, worst, "attempts at one call");
        put_took(out, worst);
        break;
    case PATTERN_COLD_START:
        put_single(out, worst);
        tcore_buf_puts(out, " with a cold start");
        break;
    case PATTERN_TIMEOUT_CHAIN:
        tcore_buf_printf(out, "%" PRId64 " services ran out of time one because of another, from ",
                         worst->value);
        put_quoted(out, worst->name);
        tcore_buf_puts(out, " to ");
        put_quoted(out, worst->operation);
        put_took(out, worst);
        break;
    case PATTERN_GAP:
        tcore_buf_puts(out, "nothing is recorded of ");
        put_ns(out, worst->value);
        tcore_buf_puts(out, " of ");
        put_quoted(out, worst->name);
        tcore_buf_puts(out, ", which took ");
        put_ns(out, worst->took_ns);
        break;
    case PATTERN_CLOCK_SKEW:
        put_skew(out, worst);
        break;
    case PATTERNS:
        break;
    }
}

void finding_say(struct tcore_buf *out, const struct finding *finding, bool per_trace)
{
    const struct occurrence *worst = &finding->worst;
    if (!per_trace && finding->traces > 1) {
        cli_human_count(out, finding->traces);
        tcore_buf_puts(out, " traces, at worst: ");
    }
    put_figures(out, worst);
    if (worst->saving_ns > 0) {
        tcore_buf_puts(out, "; up to ");
        put_ns(out, worst->saving_ns);
        tcore_buf_puts(out, " could be saved");
    }
}
