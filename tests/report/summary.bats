#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-report summary: the figures, the order of lists, and that data cannot leave its place.

load ../helper

# span TRACE SPAN PARENT SERVICE NAME START_MS DURATION_MS [STATUS [MESSAGE]]
span() {
    printf '{"type":"span","traceId":"%032x","spanId":"%016x",%s"name":"%s","startTimeUnixNano":"%s000000","endTimeUnixNano":"%s000000","status":"%s"%s,"service":"%s"}\n' \
        "$1" "$2" "${3:+\"parentSpanId\":\"$(printf %016x "$3")\",}" "$5" "$((1767607200000 + $6))" \
        "$((1767607200000 + $6 + $7))" "${8-unset}" "${9:+,\"statusMessage\":\"$9\"}" "$4"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    export COLUMNS=120
    {
        span 1 1 '' web 'GET /' 0 100
        span 1 2 1 db 'SELECT' 10 80
        span 2 3 '' web 'GET /' 5000 300 error boom
        span 2 4 3 db 'SELECT' 5010 250 error 'lock timeout'
        span 3 5 '' web 'GET /' 10000 50
    } >spans.ndjson
}

@test 'the head counts spans, traces, services and errors, and names the time' {
    run -0 trace-report summary spans.ndjson
    assert_line -n 0 '5 spans in 3 traces of 2 services, 40 % errors'
    assert_line -n 1 '2026-01-05T10:00:00Z to 2026-01-05T10:00:10.05Z (10.1 s)'
}

@test 'services come by their number of spans, with latencies' {
    run -0 trace-report summary spans.ndjson
    assert_line --regexp '^web +3 +0\.299 +33\.3 % +99\.6 ms +300 ms +300 ms +300 ms  '
    assert_line --regexp '^db +2 +0\.199 +50 % +80\.2 ms +250 ms +250 ms +250 ms  '
}

@test 'operations, errors and traces are ranked' {
    run -0 trace-report summary spans.ndjson
    assert_line --regexp '^web +GET / +3 +33\.3 % +300 ms +57\.7 % #####$'
    assert_line --regexp '^ +1  web +GET / +boom +00000000000000000000000000000002$'
    assert_line --regexp '^ +1  db +SELECT +lock timeout +00000000000000000000000000000002$'
    traces=$(sed -n '/^Slowest traces/,$p' <<<"$output" | tail -n +3 | cut -c 32)
    assert_equal "$traces" $'2\n1\n3'
    assert_line --regexp '^0+2 +300 ms +2 +2 +web +GET /$'
}

@test 'neither the number of threads nor the order of the input matters' {
    for i in $(seq 1 400); do
        span $((i % 90 + 1)) "$i" "$((i > 90 ? i - 90 : 0))" "s$((i % 7))" "op$((i % 13))" $((i * 37)) $((i * i % 977)) \
            "$((i % 11))" >>many.ndjson
    done
    sed -i 's/"parentSpanId":"0000000000000000",//; s/"status":"0"/"status":"error"/; s/"status":"[0-9]*"/"status":"ok"/' many.ndjson
    repeat 8 many.ndjson | sed '=' | sed 'N; s/^\([0-9]*\)\n\(.*"spanId":"\)......../\1 \2/' |
        awk '{ n = $1; sub(/^[0-9]+ /, ""); sub(/"spanId":"/, sprintf("\"spanId\":\"%08x", n)); print }' >big.ndjson
    trace-report summary -j1 big.ndjson >one
    trace-report summary -j4 big.ndjson >four
    assert_files_equal one four
    tac big.ndjson | trace-report summary -j3 >reversed
    assert_files_equal one reversed
}

@test 'quantiles agree with trace-agg' {
    for i in $(seq 1 500); do span "$i" "$i" '' s n "$i" "$i"; done >many.ndjson
    p95=$(trace-agg --type=span --stat=p95 many.ndjson | sed -E 's/.*"p95":([0-9]+).*/\1/')
    expected=$(awk -v ns="$p95" 'BEGIN { printf "%.0f ms", ns / 1e6 }')
    run -0 trace-report summary many.ndjson
    assert_line --regexp "^s +500 .* $expected "
}

@test 'findings and alerts are sentences, the gravest first' {
    cat >more.ndjson <<'END'
{"type":"finding","kind":"change","severity":"info","score":9,"group":{},"message":"a little"}
{"type":"finding","kind":"anomaly","severity":"critical","score":1,"group":{},"message":"a lot"}
{"type":"alert","alertId":"1","alertName":"Slow","state":"firing","labels":{"service":"db"},"annotations":{"summary":"too slow"},"timeUnixNano":"1767607200000000000"}
{"type":"alert","alertId":"2","alertName":"Gone","state":"firing","labels":{},"timeUnixNano":"1767607100000000000"}
{"type":"alert","alertId":"2","alertName":"Gone","state":"resolved","labels":{},"timeUnixNano":"1767607200000000000"}
END
    run -0 trace-report summary more.ndjson
    assert_line -n 0 '2 findings, 3 alert transitions'
    assert_line 'firing    Slow (service=db) since 2026-01-05T10:00:00Z: too slow'
    assert_line --partial 'resolved  Gone'
    assert_equal "$(grep -E 'a lot|a little' <<<"$output")" $'critical  a lot\ninfo      a little'
    run -0 trace-report summary --format=md more.ndjson
    assert_line '- **critical** a lot'
}

@test 'an alert is listed once, by its last state, with the time that was so' {
    cat >alerts.ndjson <<'END'
{"type":"alert","alertId":"1","alertName":"Slow","state":"firing","labels":{},"timeUnixNano":"1767607100000000000","startedUnixNano":"1767607100000000000","fingerprint":"00000000000000aa"}
{"type":"alert","alertId":"1","alertName":"Slow","state":"resolved","labels":{},"timeUnixNano":"1767607200000000000","startedUnixNano":"1767607100000000000","fingerprint":"00000000000000aa"}
END
    run -0 trace-report summary alerts.ndjson
    assert_line 'resolved  Slow from 2026-01-05T09:58:20Z to 2026-01-05T10:00:00Z'
    echo '{"type":"alert","alertId":"2","alertName":"Slow","state":"firing","labels":{},"timeUnixNano":"1767607300000000000","startedUnixNano":"1767607240000000000","fingerprint":"00000000000000aa"}' >>alerts.ndjson
    run -0 trace-report summary alerts.ndjson
    assert_line 'firing    Slow since 2026-01-05T10:00:40Z'
    refute_output --partial resolved
}

@test 'spans without a service count as none, and metrics have no errors' {
    sed 's/,"service":"web"//' spans.ndjson >nameless.ndjson
    run -0 trace-report summary nameless.ndjson
    assert_line -n 0 '5 spans in 3 traces of 1 service, 40 % errors'
    assert_line --regexp '^\(none\) +3 '
    echo '{"metricName":"m","value":1,"timeUnixNano":"1"}' | trace-agg >aggregate.ndjson
    run -0 trace-report summary aggregate.ndjson
    assert_output --partial 'm '
    refute_output --partial '%'
    run -0 trace-report table aggregate.ndjson
    refute_output --partial '%'
}

@test 'partial aggregates are pointed at, not shown empty' {
    trace-agg --partial --by=service spans.ndjson >partials.ndjson
    run -0 trace-report summary partials.ndjson
    assert_output '4 records of partial aggregates, which trace-agg --merge makes whole.'
    run -0 trace-report table partials.ndjson
    assert_output 'trace-report: 4 records of partial aggregates left out: trace-agg --merge makes them whole'
    trace-agg --merge partials.ndjson | trace-report table >whole
    run -0 grep -c durationNano whole
    assert_output 2
}

@test 'metrics and aggregates are there in short' {
    printf '{"type":"metric","metricName":"cpu","metricType":"gauge","value":%s,"unit":"%%","timeUnixNano":"%s","service":"db"}\n' \
        5 10 9 30 7 20 >metrics.ndjson
    trace-agg --type=span --by=service --window=5s spans.ndjson >aggregates.ndjson
    run -0 trace-report summary metrics.ndjson aggregates.ndjson
    assert_line --regexp '^cpu +db +3 +5 +9 +9  %$'
    assert_line --regexp '^durationNano +service=web +3 +3 +100 % +300 ms'
}

@test 'a list is cut at --top, and says so' {
    run -0 trace-report summary --top=1 spans.ndjson
    assert_line 'and 1 more services (--top)'
    run -2 trace-report summary --top=0 spans.ndjson
}

@test 'beyond --memory one trace in so many is kept, the same with any -j' {
    for i in $(seq 1 3000); do span "$i" "$i" '' s n "$i" 5; done >many.ndjson
    run -0 trace-report summary --memory=1K many.ndjson
    assert_line --partial 'More traces than --memory holds: these are of one trace in 4'
    [[ ${lines[0]} =~ ^3,000\ spans\ in\ about\ ([0-9]),([0-9]*)\ traces ]]
    estimate=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
    ((estimate > 2600 && estimate < 3400))
    trace-report summary --memory=1K -j1 many.ndjson >one
    trace-report summary --memory=1K -j4 many.ndjson >four
    assert_files_equal one four
}

@test 'text fits the page' {
    for width in 30 40 50 60 80 100 200; do
        COLUMNS=$width run -0 trace-report summary spans.ndjson
        for line in "${lines[@]}"; do
            ((${#line} <= width)) || fail "$width: $line"
        done
    done
}

@test 'UTF-8 locales get blocks, others ASCII' {
    run -0 trace-report summary spans.ndjson
    run -1 grep '[^ -~]' <<<"$output"
    LC_ALL=C.UTF-8 run -0 trace-report summary spans.ndjson
    assert_output --partial '█'
}

@test 'data cannot steer a terminal or become markup' {
    span 1 1 '' 'web\u001b[31m' '<script>|x|\u202e`*_[a](http://b)\u0007' 0 10 error 'a\nb\u2028' >hostile.ndjson
    for format in text md; do
        run -0 trace-report summary --format=$format hostile.ndjson
        run -1 grep -P '[\x00-\x08\x0b-\x1f]|\xe2\x80\xae|\xe2\x80\xa8' <<<"$output"
        run -0 trace-report summary --format=$format hostile.ndjson
        assert_output --partial 'web\'
    done
    refute_output --partial '<script'
    refute_output --regexp '[^\\]]\(http'
    cells=$(grep -F 'script' <<<"$output" | head -n 1 | sed 's/\\|//g' | tr -cd '|' | wc -c)
    assert_equal "$cells" 7
}

@test 'no records is no failure' {
    run -0 trace-report summary /dev/null
    assert_output 'No records.'
}

@test 'after an input failed and nothing was read there is no result' {
    echo '{"resourceSpans":[]}' >capture.json
    for verb in summary table 'trace --format=text'; do
        run -4 trace-report $verb capture.json
        assert_equal "${#lines[@]}" 1
        assert_output --partial 'trace-record import'
        run -4 trace-report $verb nowhere
        assert_equal "${#lines[@]}" 1
        assert_output --partial 'trace-report: nowhere: '
    done
    run -4 trace-report summary nowhere spans.ndjson
    assert_line --regexp '^[0-9]+ spans in'
}

@test 'a full disk is told' {
    run -4 bash -c 'trace-report summary spans.ndjson >/dev/full'
    assert_output --partial 'No space left on device'
}
