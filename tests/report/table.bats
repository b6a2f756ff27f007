#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-report table: columns, types of cells, widths.

load ../helper

setup() {
    cd "$BATS_TEST_TMPDIR"
    export COLUMNS=100
    cat >aggregates.ndjson <<'END'
{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"service":"web"},"windowStartUnixNano":"1767607200000000000","windowNano":10000000000,"count":12345,"errorRate":0.125,"p95":2500000}
{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"service":"a|b"},"windowStartUnixNano":"1767607210000000000","windowNano":10000000000,"count":7,"errorRate":0,"p95":1500}
END
}

@test 'an aggregate: group, window, statistics with units' {
    run -0 trace-report table aggregates.ndjson
    assert_output 'service  window                metricName     count  errorRate      p95
web      2026-01-05T10:00:00Z  durationNano  12,345     12.5 %  2.50 ms
a|b      2026-01-05T10:00:10Z  durationNano       7        0 %  1.50 us'
}

@test 'Markdown escapes pipes and aligns numbers' {
    run -0 trace-report table --format=md aggregates.ndjson
    assert_line -n 1 '| --- | --- | --- | ---: | ---: | ---: |'
    assert_line -n 3 '| a\|b | 2026-01-05T10:00:10Z | durationNano | 7 | 0 % | 1.50 µs |'
}

@test '--fields chooses columns, also of nested objects' {
    echo '{"type":"span","traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"n","startTimeUnixNano":"1767607200000000000","endTimeUnixNano":"1767607200001000000","attributes":{"http.route":"/x"},"resource":{"service.name":"web"}}' >span.ndjson
    run -0 trace-report table --fields=service,http.route,durationNano span.ndjson
    assert_output 'service  http.route  durationNano
web      /x               1.00 ms'
    run -0 --separate-stderr trace-report table --fields=http.rout span.ndjson
    [[ $stderr == *http.route* ]]
}

@test 'what does not fit is cut, and columns that can be spared go' {
    COLUMNS=50 run -0 trace-report table aggregates.ndjson
    assert_line -n 0 'service  window    metricName     count  errorRate'
    assert_line -n 1 'web      10:00:00  durationNano  12,345     12.5 %'
    for width in $(seq 20 100); do
        COLUMNS=$width run -0 trace-report table aggregates.ndjson
        for line in "${lines[@]}"; do ((${#line} <= width)) || fail "$width: $line"; done
    done
    sed 2s/17676072/17677072/ aggregates.ndjson >days.ndjson
    COLUMNS=60 run -0 trace-report table days.ndjson
    assert_line -n 2 --regexp '^a\|b +01-06 13:46:50 '
}

@test 'each type of record keeps what it is looked at for' {
    export COLUMNS=80
    printf '%s' '{"type":"metric","metricName":"http.server.request.duration.of.a.long.name","metricType":"gauge","temporality":"delta","value":12,"unit":"ms","timeUnixNano":"1767607200000000000","dimensions":{"host":"a-long-host-name"},"service":"web"}' >metric.ndjson
    run -0 trace-report table metric.ndjson
    assert_line -n 0 --regexp '^host .*metricName +value'
    message='web GET /a/long/path/here p99: 412 ms, highest in 3 h'
    printf '{"type":"finding","kind":"anomaly","severity":"critical","score":12.5,"recordType":"span","metricName":"durationNano","stat":"p99","group":{"service":"web","name":"GET /a/long/path/here"},"timeUnixNano":"1767607200000000000","value":412000000,"expected":1.5e8,"pValue":1e-7,"method":"novelty","quantile":0.99,"message":"%s","fingerprint":"00000000000000aa"}\n' "$message" >finding.ndjson
    run -0 trace-report table finding.ndjson
    assert_line -n 0 'timeUnixNano  severity  message'
    assert_line -n 1 "10:00:00      critical  $message"
    COLUMNS=50 run -0 trace-report table finding.ndjson
    assert_line -n 1 '10:00:00      critical  web GET /a/long/path/here~'
}

@test '--limit leaves the rest out and says so' {
    run -0 trace-report table --limit=1 aggregates.ndjson
    assert_line -n 2 'and 1 more (--limit)'
}

@test 'control and bidirectional characters are escaped' {
    printf '{"type":"log","body":"a\\u001b[2Jb\\u202ec\\nd","severity":"info"}\n' >log.ndjson
    for format in text md; do
        run -0 trace-report table --format=$format log.ndjson
        assert_output --partial 'u202ec'
        assert_equal "${#lines[@]}" "$([[ $format == md ]] && echo 3 || echo 2)"
        run -1 grep -P '[\x00-\x08\x0b-\x1f]|\xe2\x80\xae' <<<"$output"
    done
}

@test 'the same from a binary stream' {
    trace-span filter -b --type=aggregate aggregates.ndjson | trace-report table >binary
    trace-report table aggregates.ndjson >text
    assert_files_equal binary text
}
