# SPDX-License-Identifier: GPL-3.0-or-later
# Events of MPLP's Plan and Context modules as records:
#     trace-record import --map=contrib/mplp/events.jq events.ndjson
# An event is an object with its name in type or event, and a timestamp (RFC 3339 in UTC, or
# milliseconds). plan.execution_* and task.execution_* become events of executions, context.created
# and participant.activity metrics. Other events are none of these, and give nothing.

def nanoseconds:
    if type == "number" then (floor | tostring) + "000000"
    else (capture("^(?<second>[0-9T:-]+)([.](?<fraction>[0-9]+))?Z$")
        // error("a time that is not RFC 3339 in UTC: \(.)"))
        | (.second + "Z" | fromdateiso8601 | tostring) + ((.fraction // "") + "000000000")[:9]
    end;

def time: (.timestamp // error("an event without a timestamp")) | nanoseconds;

def present: with_entries(select(.value != null and .value != {}));

def execution($kind; $event; $id; $trace; $parent; $metadata):
    {type: "execution", event: $event,
     executionId: ($id // error("an event without the id of its \($kind)")),
     traceId: $trace, parentSpanId: $parent, contextId, correlationId, causationId,
     operationName: "\($kind)_execution", executionType: $kind, executorId,
     executorType: (.executorType // "agent"), timeUnixNano: time, result, error,
     metadata: ($metadata | present)};

def metric($name; $type; $value; $unit; $dimensions):
    {type: "metric", metricName: $name, metricType: $type,
     value: ($value // error("an event without the value of \($name)")), unit: $unit,
     timeUnixNano: time, dimensions: ($dimensions | present | map_values(tostring)),
     context: ({traceId} | present), metadata: {source: "mplp"}};

{execution_started: "started", execution_updated: "updated", execution_completed: "completed",
 execution_failed: "failed", execution_cancelled: "cancelled",
 execution_timeout: "timeout"} as $stages
| (.type // .event // "") as $name
| ($name | split(".")) as $parts
| if $parts[0] == "plan" and $stages[$parts[1] // ""] then
    execution("plan"; $stages[$parts[1]]; .planId; .traceId // .planId; null;
              {planId, planType})
  elif $parts[0] == "task" and $stages[$parts[1] // ""] then
    execution("task"; $stages[$parts[1]]; .taskId; .planTraceId // .traceId // .planId; .planId;
              {taskId, taskType})
  elif $name == "context.created" then
    metric("context.creation_time"; "timer"; .creationDuration; "ms";
           {contextType, participantCount})
  elif $name == "participant.activity" then
    metric("participant.activity_rate"; "gauge"; .activityCount; "1";
           {contextId, participantId, activityType})
  else empty end
| present
