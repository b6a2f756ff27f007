# SPDX-License-Identifier: GPL-3.0-or-later
# Traces as version 1 of Google Cloud Trace's API gives them:
#     gcloud ... | trace-record import --map=contrib/map/google-cloud-trace.jq
# either one trace or a page of them. Ids of spans are decimal there, beyond what a double holds, so
# they are divided by 16 digit by digit.

def hexadecimal:
  def divided: reduce .[] as $digit ({quotient: [], rest: 0};
    (.rest * 10 + $digit) as $n | .quotient += [$n / 16 | floor] | .rest = $n % 16);
  if test("^[0-9]+$") | not then error("an id that is no decimal number: \(.)") else . end
  | reduce range(16) as $i ({digits: (explode | map(. - 48)), text: ""};
      (.digits | divided) as $d
      | .digits = $d.quotient | .text = "0123456789abcdef"[$d.rest:$d.rest + 1] + .text)
  | .text;

def nanoseconds:
  (capture("^(?<seconds>[^.]+?)([.](?<fraction>[0-9]{1,9}))?Z$") // error("a time that is none: \(.)"))
  | (.seconds + "Z" | fromdate | tostring) + ((.fraction // "") + "000000000")[0:9];

(.traces // [.])[] as $trace
| ($trace.spans // error("a trace without spans"))[]
| {type: "span", traceId: $trace.traceId, spanId: (.spanId | hexadecimal),
   parentSpanId: (.parentSpanId // "0" | if . == "0" then null else hexadecimal end),
   name: .name, kind: {"RPC_CLIENT": "client", "RPC_SERVER": "server"}[.kind // ""],
   startTimeUnixNano: (.startTime | nanoseconds), endTimeUnixNano: (.endTime | nanoseconds),
   status: (if (.labels["/http/status_code"] // "0" | tonumber) >= 500 then "error" else "unset" end),
   attributes: .labels,
   resource: {"service.name": .labels["g.co/gae/app/module"], "cloud.provider": "gcp",
              "cloud.account.id": $trace.projectId}}
| .resource |= with_entries(select(.value != null))
| with_entries(select(.value != null))
