#!/usr/bin/env bats
# trace-detect change and change --gate: what is reported, as what, and that odd histories have
# defined answers. The generator has its own random numbers, so that every awk gives the same.

load ../helper
bats_require_minimum_version 1.5.0

# history COUNT FROM SIZE: a gauge a minute around 10, and SIZE more from number FROM on; each point
# is of a run of its own.
history() {
    awk -v count="$1" -v from="$2" -v size="$3" '
        function uniform() { state = (state * 16807) % 2147483647; return state / 2147483647 }
        function normal() { return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()) }
        BEGIN { state = 7
            for (i = 0; i < count; i++) {
                printf "{\"metricName\":\"depth\",\"unit\":\"ms\",\"value\":%.4f,", 10 + normal() + (i >= from ? size : 0)
                printf "\"timeUnixNano\":\"%d000000000\",\"service\":\"mail\",", 1700000000 + 60 * i
                printf "\"dimensions\":{\"run.id\":\"r%d\"}}\n", i
            } }'
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test 'change: a step is reported with all its fields' {
    history 200 150 3 >in
    run --separate-stderr trace-detect change in
    assert_success
    assert_equal "${#lines[@]}" 1
    assert_output --partial '{"type":"finding","kind":"change","severity":"info","score":0.'
    assert_output --partial '"recordType":"metric","metricName":"depth","group":{"service":"mail"},"timeUnixNano":"1700009000000000000","value":13.'
    for field in expected lower upper fingerprint; do
        assert_output --partial "\"$field\":"
    done
    refute_output --partial pValue
    assert_output --partial '"confidence":0.95,"method":"segments","firstBad":"r150",'
    assert_output --regexp '"message":"depth mail: 10 ms -> 13.[0-9] ms \(12.[0-9]-13.[0-9] ms\) since 2023-11-15T00:43:20Z, first in r150"'
    assert_equal "$stderr" 'trace-detect: 1 series judged: 1 change'
    run -1 --separate-stderr trace-detect change --exit-code in
}

@test 'change --gate: the same as one test, which exits with 1' {
    history 200 150 3 >in
    run -1 --separate-stderr trace-detect change --gate in
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"severity":"critical","score":1'
    assert_output --partial '"timeUnixNano":"1700009000000000000"'
    assert_output --regexp '"pValue":[0-9.]+e-[0-9]+,"confidence":0.95,"method":"gate","firstBad":"r150",'
    assert_output --partial ', first in r150, p<0.0001"'
}

@test 'change: nothing where nothing changed' {
    history 200 200 0 >in
    run --separate-stderr trace-detect change --exit-code in
    assert_success
    assert_output ''
    run --separate-stderr trace-detect change --gate in
    assert_success
    assert_output ''
    assert_equal "$stderr" 'trace-detect: 1 series judged: 0 changes'
}

@test 'change: --alpha is the share of false alarms' {
    history 200 150 0.6 >in
    run -1 --separate-stderr trace-detect change --gate --alpha=0.2 in
    p=$(sed 's/.*"pValue":\([^,]*\),.*/\1/' <<<"$output")
    assert_regex "$p" '^0\.[01]'
    run -0 --separate-stderr trace-detect change --gate --alpha=0.000001 in
    assert_output ''
    run -2 trace-detect change --alpha=0.1 in
    assert_output --partial -- '--alpha is the significance level of --gate'
    run -2 trace-detect change --gate --alpha=0 in
    run -2 trace-detect change --gate --alpha=nan in
}

@test 'change: the order of the input makes no difference' {
    history 200 150 3 >in
    trace-detect change in >in_order
    tac in >reversed
    run --separate-stderr trace-detect change reversed
    assert_success
    assert_output "$(cat in_order)"
    # Nor do gaps: what counts is which points come after each other.
    awk 'NR <= 120 || NR > 140' in >gaps
    run --separate-stderr trace-detect change --gate gaps
    assert_failure 1
    assert_output --partial '"timeUnixNano":"1700009000000000000"'
}

@test 'change: times that are there twice are told of, and points keep their order' {
    history 200 150 3 >in
    cat in in | sort -s -t: -k4,4 >twice
    run --separate-stderr trace-detect change twice
    assert_success
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"timeUnixNano":"1700009000000000000"'
    assert_regex "$stderr" '200 points have the time of another one of their series'
}

@test 'change: few points, one value and no input have answers' {
    for mode in '' --gate; do
        run -0 --separate-stderr trace-detect change $mode </dev/null
        assert_output ''
        assert_equal "$stderr" 'trace-detect: 0 series judged: 0 changes'
        history 2 1 9 >two
        run -0 --separate-stderr trace-detect change $mode two
        assert_output ''
        assert_regex "$stderr" '1 series of less than [12]0 points: nothing is said of it'
        sed 's/"value":[0-9.]*/"value":5/' <<<"$(history 50 50 0)" >same
        run -0 --separate-stderr trace-detect change $mode same
        assert_output ''
        assert_regex "$stderr" '1 series has one value only'
    done
}

@test 'change: points without a number or a time are left out and counted' {
    history 200 150 3 >good
    { sed 's/"value":[0-9.]*/"value":"NaN"/' good; sed 's/"timeUnixNano":"[0-9]*",//' good; cat good; } >in
    for mode in '' --gate; do
        trace-detect change $mode good >wanted || true
        run --separate-stderr trace-detect change $mode in
        assert_output "$(cat wanted)"
        assert_regex "$stderr" '200 records had no number'
        assert_regex "$stderr" '200 points without a time left out'
    done
}

@test 'change: huge and infinite values are no crash' {
    history 60 30 3 >in
    sed '1,30s/"value":[0-9.]*/"value":1.5e308/; 31,60s/"value":[0-9.]*/"value":-1.5e308/' in >huge
    run --separate-stderr trace-detect change huge
    assert_success
    assert_output --partial '"timeUnixNano":"1700001800000000000"'
    run -1 --separate-stderr trace-detect change --gate huge
}

@test 'change: spans by operation, aggregates by --stat' {
    awk 'BEGIN { for (i = 0; i < 120; i++) for (op = 1; op <= 2; op++)
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op%d\",\"service\":\"cart\",\"startTimeUnixNano\":\"%d000000000\",\"durationNano\":%d}\n",
            i + 1, 2 * i + op, op, 1700000000 + i, (100 + i * 7 % 11) * 1e6 * (op == 2 && i >= 80 ? 2 : 1) }' >spans
    run -1 --separate-stderr trace-detect change --gate spans
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"recordType":"span","metricName":"durationNano","group":{"service":"cart","name":"op2"},"timeUnixNano":"1700000080000000000"'
    assert_output --partial '"message":"cart op2: 105 ms -> 210 ms'
    run -0 --separate-stderr trace-detect change --by=service spans
    assert_regex "$stderr" '1 series judged'
    trace-agg --by=service,name --window=2s --stat=count,p50,mean spans >aggregates
    run -1 --separate-stderr trace-detect change --gate --stat=p50,count aggregates
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"stat":"p50","group":{"service":"cart","name":"op2"},"timeUnixNano":"1700000080000000000"'
    assert_output --partial '"quantile":0.5,'
}

@test 'change --gate: what became faster is info' {
    history 200 150 -3 | sed 's/"metricName":"depth","unit":"ms"/"type":"aggregate","metricName":"durationNano","group":{}/
        s/"timeUnixNano"/"windowStartUnixNano"/; s/"value"/"p99"/' >in
    run -1 --separate-stderr trace-detect change --gate in
    assert_output --partial '"severity":"info"'
}

@test 'change: a season is no change, and does not hide one' {
    for step in 0 6; do
        awk -v step="$step" 'BEGIN { for (i = 0; i < 480; i++)
            printf "{\"metricName\":\"load\",\"value\":%.3f,\"timeUnixNano\":\"%d000000000\"}\n",
                50 + 20 * sin(i * 6.283185307179586 / 24) + i * 7 % 13 / 10 + (i >= 400 ? step : 0),
                1700000000 + 3600 * i }' >"season$step"
    done
    run -0 --separate-stderr trace-detect change --gate season0
    run -1 --separate-stderr trace-detect change --gate season6
    assert_output --regexp '"timeUnixNano":"17014(36|40)[0-9]*"' # the point, or the one before
    run -0 --separate-stderr trace-detect change --exit-code season0
}

@test 'change: more points than --memory has room for is an error' {
    history 200 150 3 >in
    run -4 trace-detect change --memory=2k in
    assert_output --regexp 'more points than --memory has room for \([0-9]+\)'
}
