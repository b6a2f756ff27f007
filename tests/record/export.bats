# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record export: what comes back by import is what went out, and what has no place is said.

load ../helper
load export

data=$top_srcdir/tests/data/otlp

setup() {
    cd "$BATS_TEST_TMPDIR" || return
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

@test 'OTLP brings back every field that import gives' {
    records >in
    round otlp in
    assert_equal "$(wc -l <out)" 3
    knows otlp-proto || return 0
    round otlp-proto in
}

@test 'protobuf has lengths of one byte to four' {
    knows otlp-proto || return 0
    awk 'BEGIN {
        text = "x"
        for (n = 1; n <= 4194304; n *= 4) {
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"%s\",\"kind\":\"server\",\"status\":\"unset\",\"attributes\":{\"k\":[\"%s\"]}}\n", 1, n, text, text
            text = text text text text
        }
    }' >in
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
    records >few
    repeat 400 few >in
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
