# SPDX-License-Identifier: GPL-3.0-or-later
# Aggregates as metrics of OpenMetrics and OTLP. (export_readers.bats gives them to readers of others.)
bats_require_minimum_version 1.5.0
load ../helper
load export

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# many: spans of two services over three windows of a minute, and points of a metric.
many() {
    awk 'BEGIN {
        for (i = 1; i <= 3000; i++)
            printf "{\"traceId\":\"1\",\"spanId\":\"%x\",\"name\":\"n\",\"service\":\"s%d\",\"status\":\"%s\",\"startTimeUnixNano\":\"%d\",\"durationNano\":%d}\n",
                i, i % 2, i % 10 ? "ok" : "error", 60000000000 + i * 50000000, i * i % 1000003 + 1
        for (i = 1; i <= 200; i++)
            printf "{\"metricName\":\"load\",\"value\":%.3f,\"timeUnixNano\":\"%d\"}\n", (i - 50) / 7, 60000000000 + i * 500000000
    }'
}

@test 'OpenMetrics: counters begin with their window, quantiles are a summary, the rest gauges' {
    aggregates | sed 1q | trace-agg --by=service --window=1m --stat=count,errors,mean,max,p50,p99.9,sum >in
    export_as openmetrics in
    assert_success
    assert_equal "$stderr" ''
    diff - <(cat <<<"$output") <<'EOF'
# TYPE span_count counter
span_count_total{service="cart"} 1 120
span_count_created{service="cart"} 60 120
# TYPE span_errors counter
span_errors_total{service="cart"} 1 120
span_errors_created{service="cart"} 60 120
# TYPE span_duration_mean_nanoseconds gauge
# UNIT span_duration_mean_nanoseconds nanoseconds
span_duration_mean_nanoseconds{service="cart"} 1000.0 120
# TYPE span_duration_max_nanoseconds gauge
# UNIT span_duration_max_nanoseconds nanoseconds
span_duration_max_nanoseconds{service="cart"} 1000 120
# TYPE span_duration_nanoseconds summary
# UNIT span_duration_nanoseconds nanoseconds
span_duration_nanoseconds{service="cart",quantile="0.5"} 1000.0 120
span_duration_nanoseconds{service="cart",quantile="0.999"} 1000.0 120
span_duration_nanoseconds_count{service="cart"} 1 120
span_duration_nanoseconds_sum{service="cart"} 1000 120
span_duration_nanoseconds_created{service="cart"} 60 120
# EOF
EOF
}

@test 'names and units: of a metric, of another field, with parentheses; without windows no times' {
    aggregates >in
    trace-agg --type=metric --stat='count,mean,apdex(2),distinct(name)' in >metric
    trace-agg --type=span --value=retries --stat=max,sum in >field
    export_as openmetrics metric field
    assert_success
    for line in 'g_points_count_total 3.5' 'g_mean -2.5' 'g_apdex_2 1.0' 'g_points_distinct_name 0' \
        'span_retries_max 3' 'span_retries_sum 3'; do
        assert_line "$line"
    done
    assert_equal "$stderr" ''
}

@test 'quantiles below 0 are no part of a summary' {
    aggregates | trace-agg --type=metric --stat=p50,sum >in
    export_as openmetrics in
    assert_success
    assert_line 'g_p50 -2.5'
    assert_line 'h{quantile="0.5"} 1.0'
    export_as otlp in
    run -0 jq -r '.resourceMetrics[].scopeMetrics[].metrics[] | select(.summary) | .name' <<<"$output"
    assert_output h
    export_as openmetrics <<<'{"metricName":"s","summary":{"count":2,"quantiles":[{"quantile":0,"value":-1},{"quantile":1,"value":1}]}}'
    assert_output $'# TYPE s summary\ns{quantile="1"} 1\ns_count 2\n# EOF'
    assert_equal "$stderr" 'trace-record: left out, as OpenMetrics has no place for it: quantiles below 0 of 1 metric record'
}

@test 'what OpenMetrics has no place for is said, once for an aggregate' {
    aggregates >in
    trace-agg --type=metric --window=1m --stat=mean,histogram,p50 in >odd
    trace-agg --type=span --window=1m --stat='mean,topk(1,name)' in >>odd
    trace-agg --partial --stat=count in >>odd
    echo '{"type":"aggregate","group":{},"overflow":true,"count":2}' >>odd # beyond --max-groups
    echo '{"type":"aggregate","recordType":"span","group":{"http.route":"/"},"count":1,"errors":0}' >>odd
    export_as openmetrics odd
    assert_success
    assert_equal "$stderr" "trace-record: left out, as OpenMetrics has no place for it: 1 aggregate record (it has no recordType); 5 aggregate records (of a partial: trace-agg --merge tells it); estimated of 1 aggregate record; exponential buckets (now classic) of 1 aggregate record; histogram.min and max of 1 aggregate record; histogram.sum of 1 aggregate record; letters of names (now _) of 1 aggregate record; p50 of 2 aggregate records; topk(1,name) of 1 aggregate record; windowNano of 1 aggregate record"
}

@test 'OTLP: a histogram is an exponential one, with delta temporality and the times of its window' {
    aggregates | trace-agg --type=span --by=service --window=1m --stat=histogram,count >in
    export_as otlp in
    assert_success
    assert_equal "$stderr" ''
    run -0 jq -c '.resourceMetrics[0].scopeMetrics[0].metrics[] | select(.name == "span.duration") | [.unit, .exponentialHistogram.aggregationTemporality, (.exponentialHistogram.dataPoints[0] | .attributes, .startTimeUnixNano, .timeUnixNano, .count, .sum, .min, .max, .scale, .zeroCount, .positive.offset, .positive.bucketCounts)]' <<<"$output"
    assert_output '["ns",1,[{"key":"service","value":{"stringValue":"cart"}}],"60000000000","120000000000","1",1000,1000,1000,6,null,637,["1"]]'
}

@test 'what comes back from OTLP has the same count, sum, extremes and quantiles' {
    many >in
    local stats=sum,min,max,p0,p1,p50,p95,p99.9,p100 format
    trace-agg --by=service --stat="$stats" in >whole
    for format in otlp otlp-proto; do
        trace-agg --by=service --stat=count,histogram in | trace-record export --to-format="$format" | trace-record import >back
        # span.duration by service, and load
        run -0 jq -c '[.metricName, .dimensions.service, .value]' <(grep '"counter"' back)
        assert_line '["span.count","s0",1500]'
        assert_line '["load.points.count",null,200]'
        run -0 jq -c 'select(.histogram) | .histogram.count' back
        assert_output $'1500\n1500\n200'
        grep '"histogram":' back | trace-agg --by=service --stat="$stats" >again
        assert_equal "$(jq -c '[.group, .sum, .min, .max, .p0, .p1, .p50, .p95, ."p99.9", .p100]' again | sort)" \
            "$(jq -c '[.group, .sum, .min, .max, .p0, .p1, .p50, .p95, ."p99.9", .p100]' whole | sort)"
    done
}

@test 'partials, merged, export as one run does; a limit of buckets is kept' {
    many >in
    split -n r/3 in piece
    local piece
    for piece in piece*; do
        trace-agg --partial --by=service --window=1m --stat=count,mean,p50 "$piece"
    done >partials
    trace-agg --merge --stat=count,histogram partials | trace-record export --to-format=otlp >merged
    trace-agg --by=service --window=1m --stat=count,histogram in | trace-record export --to-format=otlp >once
    cmp merged once
    trace-agg --by=service --window=1m --stat='histogram(160)' in | trace-record export --to-format=otlp >small
    run -0 jq -s '[.[].resourceMetrics[].scopeMetrics[].metrics[].exponentialHistogram.dataPoints[] | (.positive, .negative) | .bucketCounts // [] | length] | max <= 160 and max > 40' small
    assert_output true
    run -0 jq -s '[.[].resourceMetrics[].scopeMetrics[].metrics[].exponentialHistogram.dataPoints[] | .count == ([(.positive, .negative) | .bucketCounts // [] | .[] | tonumber] + [.zeroCount // 0 | tonumber] | add | tostring)] | all' small
    assert_output true
}

@test 'aggregates that nothing here writes do no harm' {
    cat >in <<'EOF'
{"type":"aggregate"}
{"type":"aggregate","recordType":5,"count":1}
{"type":"aggregate","recordType":"span","metricName":7,"group":"text","windowStartUnixNano":"-1","windowNano":"x","count":{},"p50":[],"histogram":"text","mean":"NaN","odd":3}
{"type":"aggregate","recordType":"metric","metricName":"","group":[1],"windowStartUnixNano":"9223372036854775807","windowNano":9223372036854775807,"count":-1,"p101":2,"p":3,"histogram":{"scale":"x","positive":[]}}
{"type":"aggregate","recordType":"metric","metricName":"a\u0000\ud800 \"b","group":{"le":1,"quantile":{},"":null},"p1":1e400,"p50":0,"sum":"Infinity"}
EOF
    local format
    for format in otlp otlp-proto openmetrics; do
        run -0 --separate-stderr trace-record export --to-format="$format" -o out in
        assert [ -s out ]
        assert_regex "$stderr" 'of 1 aggregate record|aggregate records? \('
    done
    trace-record export --to-format=otlp in 2>/dev/null | trace-record import - >back
    run -0 jq -c 'select(.metricName == "span.odd") | .value' back
    assert_output 3
}

@test 'aggregates of the output do not depend on threads' {
    many | trace-agg --by=service,name --window=1s --stat=count,p50,histogram >in
    local format
    for format in otlp otlp-proto openmetrics; do
        trace-record export --to-format="$format" -j1 in >one
        trace-record export --to-format="$format" -j4 in >four
        cmp one four
    done
}
