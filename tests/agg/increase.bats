#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-agg --stat=increase,increaseRate: how much counters grew, by windows, threads and partials.

load ../helper

setup() {
    cd "$BATS_TEST_TMPDIR"
    stats=--stat=increase
}

# counters SECONDS RESETS: three counters a second each, of two services, restarted now and then.
counters() {
    awk -v seconds="$1" -v resets="$2" 'BEGIN {
        for (t = 100; t < 100 + seconds; t++) {
            for (c = 0; c < 3; c++) {
                value[c] += (t * 7919 + c * 31) % 17
                if (resets && (t * 31 + c * 7) % 23 == 0) value[c] = t % 3
                printf "{\"type\":\"metric\",\"metricName\":\"requests\",\"metricType\":\"counter\",\"value\":%d,\"timeUnixNano\":\"%d000000000\",\"dimensions\":{\"c\":%d},\"service\":\"s%d\"}\n", value[c], t, c, c % 2
            }
        }
    }'
}

# reference SECONDS: window start, service and increase, counted point by point.
reference() {
    jq -r '[(.timeUnixNano | tonumber / 1e9), .service, .dimensions.c, .value] | @tsv' |
        awk -v w="$1" '
            { key = int($1 / w) * w "\t" $2 }
            $3 in last { sum[key] += $4 < last[$3] ? $4 : $4 - last[$3] }
            { last[$3] = $4 }
            END { for (key in sum) print key "\t" sum[key] }' | sort -k 1n -k 2
}

ours() {
    jq -r 'select(.increase) | [((.windowStartUnixNano // "0") | tonumber / 1e9), .group.service, .increase] | @tsv' | sort -k 1n -k 2
}

@test "windows have what came since the point before, through resets" {
    counters 400 1 > points.ndjson
    for seconds in 1 7 60 100000; do
        trace-agg "$stats" --by=service --window=${seconds}s points.ndjson | ours > got
        reference $seconds < points.ndjson | diff got -
    done
    trace-agg "$stats" --by=service points.ndjson | ours > got
    reference 100000 < points.ndjson | diff got -
    # a window of 60 s is six of 10 s
    trace-agg "$stats" --window=60s --slide=10s points.ndjson | jq -c 'select(.windowStartUnixNano == "240000000000").increase' > got
    trace-agg "$stats" --window=10s points.ndjson |
        jq -s 'map(select((.windowStartUnixNano | tonumber) >= 240e9 and (.windowStartUnixNano | tonumber) < 300e9).increase) | add' | diff got -
}

@test "the same with any threads, from binary, a repository and partials of it" {
    counters 3000 1 > points.ndjson
    for options in --window=10s '--window=1m --slide=20s' ''; do
        # shellcheck disable=SC2086 # several options
        {
            trace-agg "$stats,increaseRate" --by=service $options -j1 points.ndjson > whole
            trace-agg "$stats,increaseRate" --by=service $options -j4 points.ndjson | cmp whole -
            trace-span filter -b --type=metric points.ndjson | trace-agg "$stats,increaseRate" --by=service $options | cmp whole -
            split -n l/5 points.ndjson piece
            for piece in pieceac pieceaa pieceae pieceab piecead; do
                trace-agg --partial "$stats,increaseRate" --by=service $options $piece
            done > parts
            trace-agg --merge parts | cmp whole -
            trace-agg --merge --partial parts | trace-agg --merge | cmp whole -
        }
    done
    trace-record archive repo points.ndjson
    trace-agg "$stats,increaseRate" --by=service repo | cmp whole -
    trace-agg "$stats" --by=service --window=10s points.ndjson > whole
    trace-agg "$stats" --by=service --window=10s --lateness=5s points.ndjson | cmp whole -
    trace-agg --partial "$stats,count" --by=service points.ndjson | trace-agg --merge --stat=increaseRate > got
    trace-agg --stat=increaseRate --by=service points.ndjson | cmp got -
}

@test "without resets any order and partition is the same" {
    counters 500 > points.ndjson
    trace-agg "$stats" --window=30s points.ndjson > whole
    shuf --random-source=points.ndjson points.ndjson > mixed
    trace-agg "$stats" --window=30s mixed | cmp whole -
    split -n r/4 mixed piece
    for piece in piece*; do trace-agg --partial "$stats" --window=30s "$piece"; done | trace-agg --merge | cmp whole -
}

@test "what takes part: counters, deltas, counts of histograms and summaries; not gauges or NaN" {
    cat > points.ndjson <<'END'
{"type":"metric","metricName":"a","metricType":"counter","value":5,"timeUnixNano":"10","startTimeUnixNano":"10"}
{"type":"metric","metricName":"a","metricType":"counter","value":9.5,"timeUnixNano":"20","startTimeUnixNano":"10"}
{"type":"metric","metricName":"a","metricType":"counter","value":"NaN","timeUnixNano":"30","startTimeUnixNano":"10"}
{"type":"metric","metricName":"a","metricType":"counter","value":20,"timeUnixNano":"40","startTimeUnixNano":"35"}
{"type":"metric","metricName":"delta","metricType":"counter","temporality":"delta","value":5,"timeUnixNano":"10"}
{"type":"metric","metricName":"delta","metricType":"counter","temporality":"delta","value":3,"timeUnixNano":"20","quality":{"sampleRate":0.5}}
{"type":"metric","metricName":"gauge","metricType":"gauge","value":5,"timeUnixNano":"10"}
{"type":"metric","metricName":"gauge","metricType":"gauge","value":9,"timeUnixNano":"20"}
{"type":"metric","metricName":"h","metricType":"histogram","temporality":"cumulative","timeUnixNano":"10","histogram":{"count":4,"sum":10,"bounds":[1],"bucketCounts":[1,3]}}
{"type":"metric","metricName":"h","metricType":"histogram","temporality":"cumulative","timeUnixNano":"20","histogram":{"count":7,"sum":10,"bounds":[1],"bucketCounts":[1,6]}}
{"type":"metric","metricName":"s","metricType":"custom","timeUnixNano":"10","summary":{"count":4,"sum":10}}
{"type":"metric","metricName":"s","metricType":"custom","timeUnixNano":"20","summary":{"count":5,"sum":10}}
{"type":"metric","metricName":"once","metricType":"counter","value":5,"timeUnixNano":"11"}
{"type":"metric","metricName":"late","metricType":"counter","value":5,"timeUnixNano":"11"}
{"type":"metric","metricName":"late","metricType":"counter","value":9,"timeUnixNano":"19"}
{"type":"metric","metricName":"late","metricType":"counter","value":2,"timeUnixNano":"15"}
{"type":"span","traceId":"1","spanId":"1","name":"x","startTimeUnixNano":"10","endTimeUnixNano":"12"}
END
    run -0 --separate-stderr trace-agg "$stats" points.ndjson
    assert_line '{"type":"aggregate","recordType":"metric","metricName":"a","group":{},"increase":29.5}'
    assert_line '{"type":"aggregate","recordType":"metric","metricName":"delta","group":{},"increase":11}'
    assert_line '{"type":"aggregate","recordType":"metric","metricName":"gauge","group":{}}'
    assert_line '{"type":"aggregate","recordType":"metric","metricName":"h","group":{},"increase":3}'
    assert_line '{"type":"aggregate","recordType":"metric","metricName":"s","group":{},"increase":1}'
    assert_line '{"type":"aggregate","recordType":"metric","metricName":"once","group":{}}'
    assert_line '{"type":"aggregate","recordType":"metric","metricName":"late","group":{},"increase":9,"estimated":["increase"]}'
    assert_equal "$stderr" ''
    run -2 trace-agg "$stats" --value=x points.ndjson
    run -2 trace-agg "$stats" --window=2s --slide=1s --lateness=1s points.ndjson
    echo '{metricName, metricType, value, timeUnixNano}' > same.jq
    run -0 trace-agg --map=same.jq --type=metric -w '.metricName == "late"' "$stats" points.ndjson
    assert_output '{"type":"aggregate","recordType":"metric","metricName":"late","group":{},"increase":9,"estimated":["increase"]}'
}

@test "two scrapes of a Prometheus client" {
    need_data captures/prom-client.txt
    scrape=$TRACECORE_TEST_DATA/captures/prom-client.txt
    trace-record import --from=prometheus "$scrape" > first
    jq -c '.timeUnixNano = "1000000000"' first > points.ndjson
    jq -c '.timeUnixNano = "61000000000" | if .value? and (.value | type) == "number" then .value += 3 else . end' first >> points.ndjson
    # each series of each counter grew by three
    jq -r 'select(.metricType == "counter" and (.value | type) == "number").metricName' first | sort | uniq -c |
        awk '{ print $1 * 3 }' | sort -n > expected
    trace-agg "$stats" --window=1m -w '.metricType == "counter" and .value' points.ndjson |
        jq -c 'select(.increase).increase | round' | sort -n | diff - expected
    [ -s expected ]
}
