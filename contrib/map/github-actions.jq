# SPDX-License-Identifier: GPL-3.0-or-later
# Jobs of a run of GitHub Actions, as its API has them, a trace for each attempt: jobs are spans, and
# their steps spans in them:
#     gh api repos/OWNER/REPO/actions/runs/ID/jobs | trace-record import --map=contrib/map/github-actions.jq

def nanoseconds: (capture("^(?<second>[0-9T:-]+)([.](?<fraction>[0-9]+))?Z$")
        // error("a time that is not RFC 3339 in UTC: \(.)"))
    | (.second + "Z" | fromdateiso8601 | tostring) + ((.fraction // "") + "000000000")[:9];

def span($trace; $id; $parent; $service; $attributes):
    select(.started_at and .completed_at)
    | {type: "span", traceId: $trace, spanId: $id, parentSpanId: $parent, name, kind: "internal",
       startTimeUnixNano: (.started_at | nanoseconds),
       endTimeUnixNano: (.completed_at | nanoseconds),
       status: ({success: "ok", failure: "error", timed_out: "error"}[.conclusion // ""] // "unset"),
       attributes: ({"cicd.pipeline.result": .conclusion} + $attributes
                    | with_entries(select(.value != null))),
       resource: {"service.name": $service}}
    | with_entries(select(.value != null));

(.jobs // error("no jobs of a run"))[]
| "run \(.run_id) attempt \(.run_attempt // 1)" as $trace
| "job \(.id)" as $job
| (.workflow_name // "github-actions") as $service
| span($trace; $job; null; $service; {"cicd.worker.name": .runner_name, "vcs.ref.head.revision": .head_sha}),
  (.steps // [] | .[] | span($trace; "\($job) step \(.number)"; $job; $service; {}))
