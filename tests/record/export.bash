# SPDX-License-Identifier: GPL-3.0-or-later
# Records for tests of export, and how it is run.

export_as() { # export_as FORMAT [ARGUMENT]...
    run --separate-stderr trace-record export --to-format="$1" "${@:2}"
}

# records: every field that OTLP has.
records() {
    cat <<'EOF'
{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"GET /cart","kind":"server","startTimeUnixNano":"1544712660000000001","endTimeUnixNano":"1544712661000000000","durationNano":999999999,"status":"error","statusMessage":"boom","service":"cart","attributes":{"a":"x\u0000\"é","i":-9223372036854775808,"d":0.1,"one":1.0,"t":true,"n":null,"e":{},"l":[1,[],{"k":[null]}],"b":{"bytesValue":"AAEC"},"nan":{"doubleValue":"NaN"},"big":1e+300},"resource":{"service.name":"cart","host.name":"h1","droppedAttributesCount":3},"scope":{"name":"lib","version":"1","attributes":{"s":1},"droppedAttributesCount":1,"schemaUrl":"https://s"},"events":[{"timeUnixNano":"1544712660000000002","name":"retry","attributes":{"n":1},"droppedAttributesCount":2},{}],"links":[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b175","attributes":{"x":2},"traceState":"a=b","flags":1,"droppedAttributesCount":4}],"traceState":"k=v","flags":257,"droppedAttributesCount":5,"droppedEventsCount":6,"droppedLinksCount":7,"schemaUrl":"https://r"}
{"type":"span","traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"","kind":"unspecified","status":"unset"}
{"type":"metric","metricName":"g","metricType":"gauge","value":-3,"unit":"1","timeUnixNano":"5","dimensions":{"a":1},"service":"cart","resource":{"service.name":"cart"},"metadata":{"tags":{"t":"x"}},"exemplars":[{"timeUnixNano":"4","traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","filteredAttributes":{"f":1},"asInt":2},{"asDouble":2.5}],"flags":1,"description":"what"}
{"type":"metric","metricName":"g","metricType":"gauge","value":"NaN","unit":"1","timeUnixNano":"6"}
{"type":"metric","metricName":"c","metricType":"counter","value":7,"timeUnixNano":"6","temporality":"cumulative","isMonotonic":true,"startTimeUnixNano":"1"}
{"type":"metric","metricName":"u","metricType":"gauge","value":7.5,"timeUnixNano":"6","temporality":"delta","isMonotonic":false}
{"type":"metric","metricName":"h","metricType":"histogram","timeUnixNano":"6","temporality":"delta","histogram":{"count":18446744073709551615,"sum":1.5,"min":0.0,"max":1.0,"bounds":[0.5,1.0],"bucketCounts":[1,2,3]}}
{"type":"metric","metricName":"e","metricType":"histogram","timeUnixNano":"6","temporality":"cumulative","histogram":{"count":9,"sum":-1.5,"scale":-3,"zeroCount":1,"zeroThreshold":0.25,"positive":{"offset":-2,"bucketCounts":[1,0,300]},"negative":{"offset":5,"bucketCounts":[7]}},"exemplars":[{"asDouble":-1.0}]}
{"type":"metric","metricName":"s","metricType":"custom","timeUnixNano":"6","summary":{"count":9,"sum":4.5,"quantiles":[{"quantile":0.5,"value":1.0},{"quantile":1.0,"value":"Infinity"}]}}
{"type":"log","timeUnixNano":"7","severity":"warn","body":{"m":["x",null]},"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","service":"cart","attributes":{"a":1},"resource":{"service.name":"cart"},"scope":{"name":"lib"},"severityNumber":14,"observedTimeUnixNano":"8","eventName":"ev","flags":1,"droppedAttributesCount":1,"schemaUrl":"https://r","severityText":"WARN2"}
{"type":"log","severity":"alert","body":"plain","severityText":"Alert"}
EOF
}

# spans: what Jaeger, Zipkin and Chrome have a place for.
spans() {
    cat <<'EOF'
{"type":"span","traceId":"000000000000000000000000000000aa","spanId":"0000000000000001","name":"GET /","kind":"client","startTimeUnixNano":"1000000","endTimeUnixNano":"9000000","durationNano":8000000,"status":"error","statusMessage":"boom","service":"front","attributes":{"http.route":"/","quoted":"a \"b\"\n"},"resource":{"service.name":"front"},"scope":{"name":"lib","version":"2"},"traceState":"a=b","droppedEventsCount":3}
{"type":"span","traceId":"000000000000000000000000000000aa","spanId":"0000000000000002","parentSpanId":"0000000000000001","name":"work","kind":"server","startTimeUnixNano":"2000000","endTimeUnixNano":"3000000","durationNano":1000000,"status":"ok","service":"back","resource":{"service.name":"back"},"events":[{"timeUnixNano":"2500000","name":"hit"}]}
{"type":"span","traceId":"000000000000000000000000000000aa","spanId":"0000000000000003","parentSpanId":"0000000000000002","name":"in","kind":"internal","startTimeUnixNano":"2100000","endTimeUnixNano":"2200000","durationNano":100000,"status":"unset","service":"back","resource":{"service.name":"back"}}
{"type":"span","traceId":"000000000000000000000000000000aa","spanId":"0000000000000004","parentSpanId":"0000000000000002","name":"beside","kind":"internal","startTimeUnixNano":"2150000","endTimeUnixNano":"2300000","durationNano":150000,"status":"unset","service":"back","resource":{"service.name":"back"}}
EOF
}

# metrics: what OpenMetrics has a place for.
metrics() {
    cat <<'EOF'
{"type":"metric","metricName":"requests_total","metricType":"counter","value":3,"timeUnixNano":"1500000000","dimensions":{"path":"a\"b\\c\nd"},"temporality":"cumulative","isMonotonic":true,"startTimeUnixNano":"1000000001","exemplars":[{"timeUnixNano":"1400000000","traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","filteredAttributes":{"k":"v"},"asDouble":2.5}],"description":"all \\ of\nthem"}
{"type":"metric","metricName":"lat_seconds","metricType":"histogram","unit":"seconds","timeUnixNano":"2000000000","temporality":"cumulative","histogram":{"count":6,"sum":1.5,"bounds":[0.5,1.0],"bucketCounts":[1,2,3]}}
{"type":"metric","metricName":"g","metricType":"gauge","value":"NaN","timeUnixNano":"2000000000"}
{"type":"metric","metricName":"s","metricType":"custom","timeUnixNano":"2000000000","summary":{"count":9,"sum":4.5,"quantiles":[{"quantile":0.5,"value":1.0}]}}
EOF
}

# aggregates: records to be aggregated, in one window of a minute.
aggregates() {
    cat <<'EOF'
{"type":"span","traceId":"1","spanId":"1","name":"a","service":"cart","status":"error","startTimeUnixNano":"60000000000","durationNano":1000,"attributes":{"retries":3}}
{"type":"metric","metricName":"g","metricType":"gauge","timeUnixNano":"61000000000","value":-2.5}
{"type":"metric","metricName":"g","metricType":"gauge","timeUnixNano":"61000000000","value":-2.5,"quality":{"sampleRate":0.4}}
{"type":"metric","metricName":"h","metricType":"histogram","timeUnixNano":"61000000000","temporality":"delta","histogram":{"count":6,"sum":1.5,"bounds":[0.5,1.0],"bucketCounts":[1,2,3]}}
EOF
}
