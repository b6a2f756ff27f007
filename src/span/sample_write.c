/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes of a trace that is decided: its spans, or a record of the decision. */
#include <config.h>

#include "span/sample_traces.h"

#include "model/number.h"
#include "model/time.h"

#include <inttypes.h>
#include <string.h>

static const char *reason_of(const struct sampler *s, const struct held_trace *trace)
{
    if (trace->facts.randomness < trace->threshold)
        return "head";
    if (trace->decision.rule == SAMPLE_NO_RULE)
        return s->plan->sampling.count ? "no rule" : "head";
    return s->plan->sampling.rule[trace->decision.rule].name;
}

static void put_time_member(struct tcore_buf *out, const char *key, int64_t ns)
{
    char text[TCORE_TIME_BYTES];
    tcore_format_time(text, ns);
    tcore_buf_printf(out, "\"%s\":\"%s\",", key, text);
}

/* Whether the T of a trace is known: of one that a rate has left out it need not be. */
static bool knows_threshold(const struct sampler *s, const struct held_trace *trace)
{
    uint32_t rule = trace->decision.rule;
    return trace->kept || rule == SAMPLE_NO_RULE ||
           s->plan->sampling.rule[rule].action != CLI_SAMPLING_RATE;
}

static void write_decision(struct sampler *s, const struct held_trace *trace)
{
    struct tcore_buf *out = s->out;
    const struct sample_facts *facts = &trace->facts;
    uint64_t threshold =
        trace->decision.threshold > trace->threshold ? trace->decision.threshold : trace->threshold;
    char number[TCORE_NUMBER_BYTES];
    tcore_buf_printf(out, "{\"type\":\"trace\",\"traceId\":\"%.32s\",", trace->id);
    tcore_buf_printf(out, "\"structure\":{\"spanCount\":%" PRIu64 "},", facts->spans);
    if (facts->start_ns <= facts->end_ns) {
        tcore_buf_puts(out, "\"timeline\":{");
        put_time_member(out, "startTime", facts->start_ns);
        put_time_member(out, "endTime", facts->end_ns);
        tcore_buf_printf(out, "\"totalDuration\":%" PRId64 "},", facts->end_ns - facts->start_ns);
    }
    tcore_buf_printf(out, "\"errors\":{\"errorCount\":%" PRIu64 "},\"sampling\":{", facts->errors);
    if (knows_threshold(s, trace)) {
        tcore_buf_puts(out, "\"samplingRate\":");
        tcore_buf_append(out, number,
                         tcore_format_double(number, tcore_trace_state_share(threshold)));
        tcore_buf_putc(out, ',');
    }
    tcore_buf_printf(out, "\"samplingDecision\":\"%s\",\"samplingReason\":",
                     trace->kept ? "sampled" : "not_sampled");
    tcore_buf_append(out, s->reason.data, s->reason.length - 1);
    tcore_buf_puts(out, "}}\n");
}

/* As a JSON string, for what is written of the trace. */
static void quote_reason(struct sampler *s, const struct held_trace *trace)
{
    const char *reason = reason_of(s, trace);
    tcore_buf_clear(&s->reason);
    tcore_json_write_string(&s->reason, reason, strlen(reason));
    tcore_buf_putc(&s->reason, '\0');
    s->status = tcore_buf_status(&s->reason, s->err);
}

static void write_span(struct sampler *s, const struct held_trace *trace,
                       const struct held_span *span)
{
    uint64_t threshold = span->threshold;
    bool set = span->set;
    if (trace->decision.threshold > threshold) {
        threshold = trace->decision.threshold;
        set = true;
    }
    const struct tcore_slice text = {span->data, span->text_length},
                             state = {span->data + span->text_length, span->state_length};
    const char *reason = s->plan->sampling.count ? s->reason.data : NULL;
    s->status = sample_annotate(&s->annotator, text, state, set, threshold, reason, s->out, s->err);
    s->kept_spans++;
}

void held_write_span(struct sampler *s, const struct held_trace *trace,
                     const struct held_span *span)
{
    quote_reason(s, trace);
    if (s->status == TCORE_OK)
        write_span(s, trace, span);
}

void held_finish(struct sampler *s, struct held_trace *trace)
{
    trace->kept = trace->facts.randomness >= trace->decision.threshold &&
                  trace->facts.randomness >= trace->threshold;
    trace->decided = true;
    s->traces++;
    s->kept_traces += trace->kept;
    quote_reason(s, trace);
    if (s->plan->decisions && s->status == TCORE_OK)
        write_decision(s, trace);
    for (const struct held_span *span = trace->first;
         span && trace->kept && !s->plan->decisions && s->status == TCORE_OK; span = span->next)
        write_span(s, trace, span);
    held_forget_spans(&s->table, trace);
}
