#!/usr/bin/env bats
# trace-detect trend: what is reported, as what, and that odd histories have defined answers. How
# often it is wrong is in tests/core/test-trend.c.

load ../helper
bats_require_minimum_version 1.5.0

# history COUNT SLOPE [AMPLITUDE]: a gauge an hour around 1000, rising by SLOPE each hour, with a day's
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

@test 'trend: a rise is reported with all its fields' {
    history 240 0.05 >in
    run -0 --separate-stderr trace-detect trend in
    assert_equal "${#lines[@]}" 1
    assert_output --partial '{"type":"finding","kind":"trend","severity":"info","score":0.'
    assert_output --partial '"recordType":"metric","metricName":"disk","group":{"service":"db"},"timeUnixNano":"1700860400000000000","value":101'
    assert_output --regexp '"value":101[12]\.[0-9]+,"expected":(1000|999)\.[0-9]+,"lower":101[0-9.]+,"upper":101[0-9.]+,"pValue":[0-9.]+e-[0-9]+,"confidence":0.95,"method":"mann-kendall","message"'
    assert_output --regexp '"message":"disk db: rises by 1\.[12][0-9]* By \(1\.[12][0-9]*-1\.[23][0-9]* By\) a day: 1000 By -> 1012 By since 2023-11-14T22:13:20Z, p<0.0001"'
    assert_output --regexp '"fingerprint":"[0-9a-f]{16}","slope":0.00001[34][0-9]*}$' # 0.05 / 3600
    assert_equal "$stderr" 'trace-detect: 1 series judged: 1 trend'
    run -1 --separate-stderr trace-detect trend --exit-code in
}

@test 'trend: a fall has a negative slope and score' {
    history 240 -0.05 >in
    run -0 --separate-stderr trace-detect trend in
    assert_output --regexp '"score":-0\.[0-9]+,.*"message":"disk db: falls by 1\.[12][0-9]* By \(1\.[12][0-9]*-1\.[23][0-9]* By\) a day:.*"slope":-0.00001'
}

@test 'trend: nothing where nothing rises or falls, unless --alpha lets all pass' {
    history 240 0 >in
    run -0 --separate-stderr trace-detect trend --exit-code in
    assert_output ''
    assert_equal "$stderr" 'trace-detect: 1 series judged: 0 trends'
    run -0 --separate-stderr trace-detect trend --alpha=1 in
    assert_equal "${#lines[@]}" 1
    run -2 trace-detect trend --alpha=0 in
    assert_output --partial '--alpha is a probability: above 0, up to 1'
}

@test 'trend: a season is told, and hides no trend that is far smaller' {
    history 480 0.01 20 >in
    run -0 --separate-stderr trace-detect trend in
    assert_output --partial '"method":"seasonal-kendall"'
    assert_output --partial ', with a season of 24 h, p<'
    assert_output --regexp '"slope":0.00000(2[4-9]|3[01])' # 0.01 / 3600 is 2.8e-6
    history 480 0 20 >in
    run -0 --separate-stderr trace-detect trend in
    assert_output ''
}

@test 'trend: the order of the input, gaps and times that are there twice' {
    history 240 0.05 >in
    trace-detect trend in >wanted
    sort -t: -k4,4r in >turned
    run -0 --separate-stderr trace-detect trend turned
    assert_output "$(cat wanted)"
    cat in in >twice
    run -0 --separate-stderr trace-detect trend twice
    assert_output "$(cat wanted)"
    assert_regex "$stderr" '240 points have the time of another one of their series: the mean is taken'
    awk 'NR <= 60 || NR > 120' in >gaps
    run -0 --separate-stderr trace-detect trend gaps
    assert_output --regexp 'disk db: rises by 1\.[12][0-9]* By .* a day: 1000 By -> 1012 By'
}

@test 'trend: few points, holes, one value and no input have answers' {
    run -0 --separate-stderr trace-detect trend </dev/null
    assert_output ''
    assert_equal "$stderr" 'trace-detect: 0 series judged: 0 trends'
    history 7 10 >seven
    run -0 --separate-stderr trace-detect trend seven
    assert_output ''
    assert_regex "$stderr" '1 series of less than 8 steps with a point: nothing is said of it'
    history 40 1 | sed 's/"value":[0-9.]*/"value":5/' >same
    run -0 --separate-stderr trace-detect trend --exit-code same
    assert_output ''
    sed 's/"timeUnixNano":"[0-9]*"/"timeUnixNano":"1700000000000000000"/' same >once
    run -0 --separate-stderr trace-detect trend once
    assert_regex "$stderr" '1 series of less than 8 steps'
    history 400 1 | awk 'NR % 20 == 1' >rare
    run -0 --separate-stderr trace-detect trend --step=1h rare
    assert_output ''
    assert_regex "$stderr" '1 series without a point in most steps: nothing is said of it \(--step\)'
    run -1 --separate-stderr trace-detect trend --exit-code rare # at its own distances
}

@test 'trend: points without a number or a time are left out and counted' {
    history 100 1 >good
    { sed 's/"value":[0-9.]*/"value":"NaN"/' good; sed 's/"timeUnixNano":"[0-9]*",//' good; cat good; } >in
    trace-detect trend good >wanted
    run -0 --separate-stderr trace-detect trend in
    assert_output "$(cat wanted)"
    assert_regex "$stderr" '100 records had no number'
    assert_regex "$stderr" '100 points without a time left out'
}

@test 'trend: huge values, and times at both ends of what there is, are no crash' {
    history 40 1 >in
    sed '1,20s/"value":[0-9.]*/"value":1.5e308/; 21,40s/"value":[0-9.]*/"value":-1.5e308/' in >huge
    run -0 --separate-stderr trace-detect trend huge
    { sed '1s/"timeUnixNano":"[0-9]*"/"timeUnixNano":"-9223372036854775808"/;2s/"timeUnixNano":"[0-9]*"/"timeUnixNano":"9223372036854775807"/' in; } >far
    run -0 --separate-stderr trace-detect trend far
    run -0 --separate-stderr trace-detect trend --step=1ns in
    run -0 --separate-stderr trace-detect trend --step=100y far
}

@test 'trend: spans by operation, counters by their rate, aggregates by --stat' {
    awk 'function uniform() { state = (state * 16807) % 2147483647; return state / 2147483647 }
        BEGIN { state = 7; for (i = 0; i < 120; i++) for (op = 1; op <= 2; op++)
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op%d\",\"service\":\"cart\",\"startTimeUnixNano\":\"%d000000000\",\"durationNano\":%d}\n",
            i + 1, 2 * i + op, op, 1700000000 + i, (100 + 10 * uniform()) * 1e6 * (op == 2 ? 1 + i / 120 : 1) }' >spans
    run -0 --separate-stderr trace-detect trend spans
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"recordType":"span","metricName":"durationNano","group":{"service":"cart","name":"op2"}'
    assert_output --regexp '"message":"cart op2: rises by 9[0-9]+ us \([0-9.]+-[0-9.]+ us\) a second: 1[01][0-9] ms -> 2[0-9]+ ms'
    trace-agg --by=service,name --window=2s --stat=count,p50,mean spans >aggregates
    run -0 --separate-stderr trace-detect trend --stat=p50,count aggregates
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"stat":"p50","group":{"service":"cart","name":"op2"}'
    assert_output --partial '"quantile":0.5,'
    awk 'BEGIN { for (i = 0; i < 60; i++) printf "{\"metricName\":\"hits\",\"metricType\":\"counter\",\"value\":%d,\"timeUnixNano\":\"%d000000000\"}\n", 10 * i * i, 1700000000 + 10 * i }' >counter
    run -0 --separate-stderr trace-detect trend counter
    assert_output --regexp '"value":11[0-9.]+,"expected":1[.0-9]*,.*"slope":0.2[0-9.]*}' # i rises by 2 a second each 10 s
}

@test 'trend: more points than --memory has room for is an error' {
    history 200 1 >in
    run -4 trace-detect trend --memory=2k in
    assert_output --regexp 'more points than --memory has room for \([0-9]+\)'
}
