# SPDX-License-Identifier: GPL-3.0-or-later
# nginx's access log as JSON, a server span for each request:
#     trace-record import --map=contrib/map/nginx.jq access.json
# with this in nginx.conf, whose times are in seconds and milliseconds:
#     log_format trace escape=json '{"msec":"$msec","request_time":"$request_time",'
#         '"request_id":"$request_id","traceparent":"$http_traceparent","host":"$host",'
#         '"method":"$request_method","uri":"$uri","status":"$status","bytes":"$body_bytes_sent",'
#         '"client":"$remote_addr","upstream":"$upstream_response_time"}';

# "1.25" seconds are "1250" milliseconds: digits, as numbers of 64 bits are not exact here.
def milliseconds: (capture("^(?<second>[0-9]+)([.](?<fraction>[0-9]+))?$")
        // error("a time that is no number of seconds: \(.)"))
    | .second + ((.fraction // "") + "000")[:3] | tonumber;

(.msec | milliseconds) as $finish
| (.request_time | milliseconds) as $took
| ((.traceparent // "" | capture("^[0-9a-f]{2}-(?<trace>[0-9a-f]{32})-(?<span>[0-9a-f]{16})-"))
    // {trace: null, span: null}) as $parent
| {type: "span", traceId: ($parent.trace // .request_id), spanId: .request_id[:16],
   parentSpanId: $parent.span, name: .method, kind: "server",
   startTimeUnixNano: ($finish - $took | tostring + "000000"),
   endTimeUnixNano: ($finish | tostring + "000000"),
   status: (if (.status | tonumber) >= 500 then "error" else "unset" end),
   attributes: {"http.request.method": .method, "url.path": .uri, "server.address": .host,
                "http.response.status_code": (.status | tonumber),
                "http.response.body.size": (.bytes | tonumber), "client.address": .client},
   resource: {"service.name": "nginx"}}
| with_entries(select(.value != null))
