# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record export: what comes back by import is what went out, and what has no place is said.

load ../helper

data=$top_srcdir/tests/data/otlp

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

export_as() { # export_as FORMAT [ARGUMENT]...
    run --separate-stderr trace-record export --to-format="$1" "${@:2}"
}

# round FORMAT FILE: the records of the file come back, in whatever order.
round() {
    trace-record export --to-format="$1" "$2" >out 2>notes
    trace-record import --from="$1" out >back 2>/dev/null
    assert_equal "$(sort back)" "$(sort "$2")"
    assert_equal "$(cat notes)" ''
}

# knows FORMAT: whether import reads it.
knows() {
    run trace-record import --from="$1" /dev/null
    [[ $output != *'is no format'* ]]
}

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

@test 'OTLP brings back every field that import gives' {
    records >in
    round otlp in
    assert_equal "$(wc -l <out)" 3
    knows otlp-proto || return 0
    round otlp-proto in
}

@test 'OTLP brings back the sample captures' {
    local file
    for file in "$data"/*.json; do
        trace-record import "$file" 2>/dev/null | sed 's/"int beyond 64 bits":[0-9]*,//' >in
        [[ ! -s in ]] || round otlp in
    done
    need_data traces/otlp-file-exporter-otel-demo.jsonl
    for file in "$TRACECORE_TEST_DATA"/traces/{otlp-file-exporter-otel-demo.jsonl,otlp-proto-examples/*.json,otlp-metrics-file/metrics.json}; do
        trace-record import "$file" >in
        round otlp in
    done
}

@test 'records of one resource, scope and metric stand together' {
    local i
    for i in 1 2 3 4; do
        printf '{"metricName":"m%d","value":%d,"resource":{"r":%d}}\n' $((i % 2)) "$i" $((i > 2))
    done >in
    export_as otlp in
    assert_success
    assert_equal "$(jq -c '[.resourceMetrics[] | [.resource.attributes[0].value.intValue] +
        [.scopeMetrics[].metrics[] | .name, .gauge.dataPoints[].asInt]]' <<<"$output")" \
        '[["0","m1","1","m0","2"],["1","m1","3","m0","4"]]'
}

@test 'OTLP takes native forms: service, severity, counters, exemplars' {
    cat >in <<'EOF'
{"spanId":"1","traceId":"1","service":"s","resource":{"a":1}}
{"spanId":"2","traceId":"1","service":"s"}
{"body":"b","severity":"error"}
{"metricName":"c","metricType":"counter","value":1}
{"metricName":"x","value":1,"exemplars":[{"value":2.5,"attributes":{"k":1}}]}
EOF
    export_as otlp in
    assert_success
    assert_equal "$stderr" ''
    trace-record import <<<"$output" >back
    assert_equal "$(jq -c '[.service, .resource] | select(.[0])' back)" \
        $'["s",{"service.name":"s","a":1}]\n["s",{"service.name":"s"}]'
    assert_equal "$(jq -c 'select(.body) | .severityNumber' back)" 17
    assert_equal "$(jq -c 'select(.metricName=="c") | .isMonotonic' back)" true
    assert_equal "$(jq -c 'select(.metricName=="x") | .exemplars' back)" \
        '[{"filteredAttributes":{"k":1},"asDouble":2.5}]'
}

@test 'what OTLP has no place for is said once, with its count' {
    cat >in <<'EOF'
{"metricName":"a","value":true}
{"metricName":"a","value":"red"}
{"metricName":"t","metricType":"timer","value":18446744073709551616,"quality":{"sampleRate":0.5},"metadata":{"source":"x"},"context":{"spanId":"1"}}
{"spanId":"1","traceId":"1","kind":"odd","startTimeUnixNano":-5,"endTimeUnixNano":7,"durationNano":3,"new":1,"service":"a","resource":{"service.name":"b"},"scope":{"name":"l","color":"red"}}
{"type":"execution","executionId":"1","event":"started"}
EOF
    export_as otlp in
    assert_success
    assert_equal "${stderr_lines[0]}" 'trace-record: passed over 1 execution record'
    assert_equal "${stderr_lines[1]}" 'trace-record: left out, as OTLP has no place for it: 2 metric records (its value is no number); durationNano of 1 span record; kind of 1 span record; new of 1 span record; scope.color of 1 span record; service of 1 span record; startTimeUnixNano of 1 span record; context of 1 metric record; digits of integers beyond 64 bits of 1 metric record; metadata.source of 1 metric record; metricType of 1 metric record; quality of 1 metric record'
    assert_equal "${#stderr_lines[@]}" 2
}

@test 'protobuf is what protoc reads' {
    need_command protoc
    cat >otlp.proto <<'EOF'
syntax = "proto3";
message TracesData { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
message Span { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16; string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10; }
EOF
    { records | sed -E '1!d; s/"(status|statusMessage)":"[a-z]*",//g; s/"(events|links)":\[[^]]*\],//g; s/"dropped(Events|Links)Count":[0-9],//g' && echo '{"spanId":"2","traceId":"1","name":"\ud800"}'; } >in
    trace-record export --to-format=otlp-proto --unframed in >message
    run -0 protoc --decode=TracesData otlp.proto <message
    for line in 'schema_url: "https://r"' 'int_value: -9223372036854775808' 'double_value: nan' \
        'bytes_value: "\000\001\002"' 'flags: 257' 'start_time_unix_nano: 1544712660000000001' \
        'dropped_attributes_count: 3' 'name: "\357\277\275"' 'kind: 2' \
        'span_id: "\356\341\233~\303\301\261t"'; do
        assert_line --partial "$line"
    done
    refute_line --regexp '^ *[0-9]+[: ]'
}

@test 'a framed stream has lengths of four bytes; an unframed one has one type' {
    records >in
    trace-record export --to-format=otlp-proto --type=span in >framed
    trace-record export --to-format=otlp-proto --type=span --unframed in >plain
    assert_equal "$((0x$(head -c 4 framed | od -An -tx1 | tr -d ' \n')))" "$(wc -c <plain)"
    tail -c +5 framed | cmp - plain
    export_as otlp-proto --unframed in
    assert_failure 4
    [[ $stderr == *'choose it with --type'* ]]
}

@test 'the output does not depend on threads, nor on the form of the input' {
    local i
    for i in {1..400}; do records; done >in
    trace-record read -b in >in.bin
    trace-record export --to-format=otlp -j1 in >one
    trace-record export --to-format=otlp -j4 in.bin >two
    cat in | trace-record export --to-format=otlp -j3 >three
    assert_equal "$(trace-record import two | sort | md5sum)" "$(sort in | md5sum)"
    cmp one three
}

@test 'a live pipe is written before it ends' {
    records >in
    mkfifo pipe
    trace-record export --to-format=otlp >out <pipe &
    exec 5>pipe
    cat in >&5
    for i in {1..200}; do [[ -s out ]] && break; sleep 0.05; done
    [[ -s out ]]
    exec 5>&-
    wait
}

@test 'usage' {
    run -2 trace-record export /dev/null
    run -2 trace-record export --to-format=otpl /dev/null
    run -2 trace-record export --to-format=otlp --unframed /dev/null
    run -4 trace-record export --to-format=otlp -o /dev/full <(records)
    run -4 bash -c 'trace-record export --to-format=otlp "$1" >/dev/full' - <(records)
    run -0 trace-record export --to-format=otlp /dev/null
    assert_output ''
}
