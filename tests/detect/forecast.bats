#!/usr/bin/env bats
# trace-detect forecast: what is written, as what, when a limit is passed, and that odd histories have
# defined answers. How good forecasts are is in tests/core/test-forecast.c and m4.bats.

load ../helper
bats_require_minimum_version 1.5.0

# history COUNT SLOPE [AMPLITUDE]: a gauge an hour from 1000 on, rising by SLOPE each hour, with a day's
# season; the same for every awk.
history() {
    awk -v count="$1" -v slope="$2" -v amplitude="${3:-0}" '
        function uniform() { state = (state * 16807) % 2147483647; return state / 2147483647 }
        function normal() { return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()) }
        BEGIN { state = 7
            for (i = 0; i < count; i++)
                printf "{\"metricName\":\"disk\",\"unit\":\"By\",\"value\":%.4f,\"timeUnixNano\":\"%d000000000\",\"service\":\"db\"}\n",
                    1000 + slope * i + amplitude * sin(i * 6.283185307179586 / 24) + normal(), 1700000000 + 3600 * i }'
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test 'forecast: each step and quantile is a finding with all its fields' {
    history 240 1 >in
    run -0 --separate-stderr trace-detect forecast --horizon=4h in
    assert_equal "${#lines[@]}" 8
    assert_line --index 6 --partial '{"type":"finding","kind":"forecast","severity":"info","recordType":"metric","metricName":"disk","group":{"service":"db"},"timeUnixNano":"1700860400000000000","value":124'
    assert_line --index 6 --regexp '"value":124[2-4]\.[0-9]+,"lower":124[0-2]\.[0-9]+,"upper":124[4-6]\.[0-9]+,"confidence":0.9,"method":"ensemble","horizonNano":14400000000000,"quantile":0.5,"message":"disk db: 124[2-4] By \(124[0-2]-124[4-6] By\) in 4 h","fingerprint":"[0-9a-f]{16}"}$'
    assert_line --index 7 --regexp '"value":124[3-5]\.[0-9]+,"lower".*"quantile":0.9,"message":"disk db: at most 124[3-5] By with probability 0.9 in 4 h"'
    assert_line --index 0 --partial '"horizonNano":3600000000000,"quantile":0.5'
    assert_equal "$stderr" 'trace-detect: 1 series forecast'
}

@test 'forecast: --last, a number of steps, --quantile and --interval' {
    history 240 1 >in
    run -0 --separate-stderr trace-detect forecast --horizon=4 --last --quantile=0.5 in
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"horizonNano":14400000000000,'
    # Half a step is between two.
    run -0 --separate-stderr trace-detect forecast --horizon=210m --last --quantile=0.5 --interval=50% in
    assert_output --regexp '"value":124[1-4]\..*"confidence":0.5,.*"horizonNano":12600000000000,'
    run -0 --separate-stderr trace-detect forecast --horizon=10m --quantile=0.1,0.5,0.99 in
    assert_equal "${#lines[@]}" 3
    assert_line --index 0 --partial '"horizonNano":600000000000,"quantile":0.1'
}

@test 'forecast: a rule finds the quantile at its horizon, and event time stays' {
    history 240 1 >in
    echo '{"version":1,"groups":[{"name":"g","rules":[{"alert":"A","expr":"forecast{metricName=\"disk\",horizon=\"4h\",quantile=\"0.9\"} >= 1242"},{"alert":"B","expr":"forecast{metricName=\"disk\",horizon=\"4h\",quantile=\"0.9\"} >= 1250"}]}]}' >rules.yaml
    trace-detect forecast --horizon=4h in >findings
    run -0 --separate-stderr trace-alert run --rules=rules.yaml findings
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"alertName":"A","state":"firing"'
    assert_output --partial '"timeUnixNano":"1700860400000000000"'
}

@test 'forecast --above: who may reach it, and when' {
    history 240 1 >in
    run -0 --separate-stderr trace-detect forecast --horizon=2d --above=1260 in
    assert_equal "${#lines[@]}" 1
    assert_output --regexp '"severity":"critical",.*"value":12(59|6[0-2])\..*"expected":12[0-9.]+,.*"horizonNano":(64|68|72)[0-9]+,"quantile":0.95,'
    assert_output --regexp '"message":"disk db: may reach 1260 By at 2023-11-25T[01][0-9]:13:20Z \(in (17|18|19|20) h\), expected at 2023-11-25T[01][0-9]:13:20Z \(in (19|20|21|22) h\)","fingerprint":"[0-9a-f]{16}","limit":1260.0}'
    assert_equal "$stderr" 'trace-detect: 1 series forecast: 1 may pass a limit'
    run -1 --separate-stderr trace-detect forecast --horizon=2d --above=1260 --exit-code in
    run -0 --separate-stderr trace-detect forecast --horizon=2d --above=1400 --exit-code in
    assert_output ''
    assert_equal "$stderr" 'trace-detect: 1 series forecast: 0 may pass a limit'
}

@test 'forecast --below: the season goes there, and what only may is a warning' {
    history 480 0 20 >in
    run -0 --separate-stderr trace-detect forecast --horizon=2d --below=985 in
    assert_output --partial '"severity":"critical"'
    assert_output --partial 'disk db: may fall to 985 By at '
    run -0 --separate-stderr trace-detect forecast --horizon=2d --below=979 in
    assert_output --partial '"severity":"warning"'
    assert_output --partial ', expected then: 9'
    run -0 --separate-stderr trace-detect forecast --horizon=2d --below=970 --above=1030 in
    assert_output ''
}

@test 'forecast: wrong options' {
    run -2 trace-detect forecast in
    assert_output --partial '--horizon=DUR|N is missing'
    for wrong in --horizon=0 --horizon=4x --horizon=-1 '--horizon=1h --interval=100%' '--horizon=1h --quantile=1' \
        '--horizon=1h --exit-code' '--horizon=1h --above=3 --last'; do
        run -2 trace-detect forecast $wrong </dev/null
    done
}

@test 'forecast: the order of the input, gaps and times that are there twice' {
    history 240 1 20 >in
    trace-detect forecast --horizon=4 in >wanted
    sort -t: -k4,4r in >turned
    run -0 --separate-stderr trace-detect forecast --horizon=4 turned
    assert_output "$(cat wanted)"
    cat in in >twice
    run -0 --separate-stderr trace-detect forecast --horizon=4 twice
    assert_output "$(cat wanted)"
    assert_regex "$stderr" '240 points have the time of another one of their series: the mean is taken'
    awk 'NR <= 60 || NR > 70' in >gaps
    run -0 --separate-stderr trace-detect forecast --horizon=4 --last gaps
    assert_output --regexp '"message":"disk db: 12[4-6][0-9] By '
}

@test 'forecast: few points, holes, one value and no input have answers' {
    run -0 --separate-stderr trace-detect forecast --horizon=4 </dev/null
    assert_output ''
    assert_equal "$stderr" 'trace-detect: 0 series forecast'
    for count in 1 2 11; do
        history $count 1 >few
        run -0 --separate-stderr trace-detect forecast --horizon=4 few
        assert_output ''
        assert_regex "$stderr" '1 series of less than 12 steps with a point: nothing is said of it'
    done
    history 12 1 >dozen
    run -0 --separate-stderr trace-detect forecast --horizon=4 dozen
    assert_equal "${#lines[@]}" 8
    history 40 1 | sed 's/"value":[0-9.]*/"value":5/' >same
    run -0 --separate-stderr trace-detect forecast --horizon=4 --last --quantile=0.5 same
    assert_output --partial '"value":5.0,"lower":5.0,"upper":5.0,'
    run -0 --separate-stderr trace-detect forecast --horizon=4 --above=6 same
    assert_output ''
    sed 's/"timeUnixNano":"[0-9]*"/"timeUnixNano":"1700000000000000000"/' same >once
    run -0 --separate-stderr trace-detect forecast --horizon=4 once
    assert_regex "$stderr" '1 series of less than 12 steps'
    history 400 1 | awk 'NR % 20 == 1' >rare
    run -0 --separate-stderr trace-detect forecast --horizon=4 --step=1h rare
    assert_output ''
    assert_regex "$stderr" '1 series without a point in most steps'
    run -0 --separate-stderr trace-detect forecast --horizon=200y --last same
    assert_output ''
    assert_regex "$stderr" '1 series with more than 100000 steps to the horizon: nothing is said of it'
}

@test 'forecast: points without a number or a time are left out and counted' {
    history 100 1 >good
    { sed 's/"value":[0-9.]*/"value":"NaN"/' good; sed 's/"timeUnixNano":"[0-9]*",//' good; cat good; } >in
    trace-detect forecast --horizon=4 good >wanted
    run -0 --separate-stderr trace-detect forecast --horizon=4 in
    assert_output "$(cat wanted)"
    assert_regex "$stderr" '100 records had no number'
    assert_regex "$stderr" '100 points without a time left out'
}

@test 'forecast: huge values, and times at both ends of what there is, are no crash' {
    history 40 1 >in
    sed '1,20s/"value":[0-9.]*/"value":1.5e308/; 21,40s/"value":[0-9.]*/"value":-1.5e308/' in >huge
    run -0 --separate-stderr trace-detect forecast --horizon=400 huge
    sed '1s/"timeUnixNano":"[0-9]*"/"timeUnixNano":"-9223372036854775808"/;2s/"timeUnixNano":"[0-9]*"/"timeUnixNano":"9223372036854775807"/' in >far
    run -0 --separate-stderr trace-detect forecast --horizon=4 far
    sed 's/"timeUnixNano":"17/"timeUnixNano":"92/' in >late
    run -0 --separate-stderr trace-detect forecast --horizon=100000 --last late
    run -0 --separate-stderr trace-detect forecast --horizon=100000 --above=5000 late
}

@test 'forecast: spans at even distances, aggregates by --stat' {
    awk 'function uniform() { state = (state * 16807) % 2147483647; return state / 2147483647 }
        BEGIN { state = 7; at = 1700000000; for (i = 0; i < 600; i++) { at -= 2 * log(uniform())
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op\",\"service\":\"cart\",\"startTimeUnixNano\":\"%.0f000000\",\"durationNano\":%d}\n",
            i + 1, i + 1, at * 1000, (100 + 10 * uniform()) * 1e6 } }' >spans
    run -0 --separate-stderr trace-detect forecast --horizon=1m --last spans
    assert_line --index 0 --partial '"recordType":"span","metricName":"durationNano","group":{"service":"cart","name":"op"}'
    assert_line --index 0 --regexp '"value":10[0-9]{7}\.0,"lower":(9|10)[0-9]+\.0,"upper":1[01][0-9]{7}\.0,.*"message":"cart op: 10[0-9] ms \((9[0-9]|10[0-9])-1[01][0-9] ms\) in 60 s"'
    trace-agg --by=service,name --window=10s --stat=count,p50 spans >aggregates
    run -0 --separate-stderr trace-detect forecast --stat=p50,count --horizon=1m --last --quantile=0.5 aggregates
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 --partial '"stat":"p50",'
}

@test 'forecast: more points than --memory has room for is an error' {
    history 200 1 >in
    run -4 trace-detect forecast --horizon=4 --memory=2k in
    assert_output --regexp 'more points than --memory has room for \([0-9]+\)'
}
