/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trace as a record: the DistributedTrace, field for field. All durations are integer
 * nanoseconds, all points in time RFC 3339. What cannot be known is left out, never guessed.
 *
 * structure
 *   spanCount          all spans that came, duplicates too
 *   spans              the span records, canonical, by start
 *   spanRelationships  {"type":"child_of","spanId","parentSpanId"} for each edge of the tree, and
 *                      {"type":"follows_from","spanId","linkedSpanId"} for each link, with
 *                      linkedTraceId where it leads to another trace
 *   criticalPath       the ids of the spans on it, in the order of time (trace/critical_path.h)
 *   parallelPaths      children of one span that overlap: {"parentSpanId","spanIds","startTime",
 *                      "duration" (what they cover together),"concurrency" (how many at once)}
 * timeline             first start, last end, what lies between; the critical path's length, which
 *                      is the root's
 * services
 *   involvedServices   {"serviceName","spanCount","errorCount"}, by name
 *   serviceMap         {"nodes":[name],"edges":[{"source","target","callCount","errorCount",
 *                      "totalDuration"}]}: parent and child of different services
 *   crossServiceCalls  each of those calls: {"sourceService","targetService","sourceSpanId",
 *                      "targetSpanId","operationName","duration","networkLatency","error"}
 * performance
 *   overallLatency     the root's duration
 *   networkLatency     over all calls whose both sides are there: client less server duration
 *   serviceLatencies   for each service the self times of its spans, those clients left out
 *   processingTime     their sum
 * errors
 *   errorCount, errorSpans
 *   errorDetails       {"spanId","serviceName","operationName","errorType","message","timestamp"}:
 *                      error.type, the exception's or a status code; statusMessage or the
 *                      exception's
 *   errorImpact        {"affectedServices","rootAffected","criticalPathErrors","originSpans"};
 *                      origins are failed spans without a failed child
 * sampling             samplingDecision from the root's sampled flag, samplingRate from the
 *                      threshold (th) in its ot= trace state
 * analysis
 *   performanceScore   100 times the part of the critical path that is not wasted, 0 to 100; absent
 *                      if the path is not known or took no time. Wasted are segments
 *                        in clients whose server is known (it is the network),
 *                        in spans that failed and all below them,
 *                        in all but the longest of the calls of one operation below one span.
 *                      With U of it useful and W wasted it is U / (U + W): for the same work less
 *                      waste never scores lower. It cannot say how fast the work is: what depends
 *                      on U / W alone (and not on absolute times, for which a trace has no
 *                      measure), and falls neither with less U nor with less W, is a constant
 *   bottlenecks        {"spanId","serviceName","operationName","selfTime","share"}: up to five
 *                      spans that have a tenth or more of the critical path to themselves
 *   optimizationOpportunities
 *                      {"type","serviceName","operationName","spanIds","count","saving","share"}:
 *                      up to five, the greatest saving first, as trace/schedule.h has it, and a
 *                      tenth of the path at least. type repeated_calls and serial_calls (count
 *                      calls), failed_work, network, operation (a span's own work)
 *   anomalies          {"type","spanId","serviceName","value"}: up to a hundred spans that do not
 *                      fit together
 * metadata
 *   traceVersion       of this form
 *   collectionTimestamp  the last end, as nothing tells when spans were collected, and a clock
 *                      would make each run's output another one
 *   tags               attributes of the root that are texts
 *   customData         what was peculiar, as counts: rootSpans (if several), orphanSpans,
 *                      selfParentSpans, openedCycles, duplicateSpans, sharedSpans, untimedSpans,
 *                      spansBeforeParent, spansAfterParent. With clocks adjusted (skew/skew.h)
 *                      adjustedSpans, and clockAdjustments: {"serviceName","instance",
 *                      "adjustment","contradictory","lowerBound","upperBound","againstService",
 *                      "againstInstance","spanCount","callCount"}
 */
#ifndef SPAN_TRACE_RECORD_H
#define SPAN_TRACE_RECORD_H

#include "base/buf.h"
#include "model/json.h"
#include "span/trace_build.h"

/* One thread's working memory. A zeroed struct is ready for use. */
struct trace_writer {
    struct trace_build build;
    struct tcore_json json;
    struct tcore_buf links, details, scratch, moved;
    struct tcore_buf sampling, tags; /* members, as the root has it */
    struct analysis *analysis;
    uint64_t refused; /* spans that were left out of structure.spans: they are no valid records */
    struct tcore_error refusal; /* why, of the first */
    struct service_use *use;    /* of each service; zero but for the involved ones */
    uint32_t *involved;         /* services of the trace, ascending */
    uint32_t involved_count, service_capacity;
    struct cross_call *calls;
    uint32_t call_count, call_capacity;
};

/* Appends the record of a trace and a newline. */
enum tcore_status trace_record_write(struct trace_writer *writer,
                                     const struct tcore_trace_store *store,
                                     struct tcore_stored_trace *trace, struct tcore_buf *out,
                                     struct tcore_error *err);
void trace_writer_free(struct trace_writer *writer);

#endif
