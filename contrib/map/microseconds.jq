# SPDX-License-Identifier: GPL-3.0-or-later
# A table of spans whose times and durations are in microseconds, as Jaeger's storages and many
# datasets have them:
#     trace-record import --from=csv --map=contrib/map/microseconds.jq spans.csv
# with the columns trace_id, span_id, parent_id, operation, service, start_us, duration_us and
# status_code. All cells are texts here, and absent where they are empty.

(.start_us // error("a row without start_us")) as $start
| (.duration_us // error("a row without duration_us")) as $duration
| {type: "span", traceId: .trace_id, spanId: .span_id, parentSpanId: .parent_id, name: .operation,
   startTimeUnixNano: ($start + "000"),
   endTimeUnixNano: ((($start | tonumber) + ($duration | tonumber) | tostring) + "000"),
   status: (if (.status_code // "0" | tonumber) >= 500 then "error" else "unset" end),
   attributes: (if .status_code then {"http.response.status_code": (.status_code | tonumber)} else null end),
   resource: {"service.name": .service}}
| with_entries(select(.value != null))
