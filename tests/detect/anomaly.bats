#!/usr/bin/env bats
# trace-detect anomaly: which values are reported, as what, and that odd input has defined answers.

load ../helper
bats_require_minimum_version 1.5.0

random='function uniform() { state = (state * 16807) % 2147483647; return state / 2147483647 }
'

# windows COUNT AT VALUE: aggregates of two operations; window AT of the first has VALUE ms.
windows() {
    awk -v count="$1" -v at="$2" -v value="$3" "$random"'BEGIN { state = 3
        for (w = 1; w <= count; w++)
            for (s = 1; s <= 2; s++) {
                ms = w == at && s == 1 ? value : 120 + 20 * uniform()
                printf "{\"type\":\"aggregate\",\"recordType\":\"span\",\"metricName\":\"durationNano\","
                printf "\"group\":{\"service\":\"cart\",\"name\":\"op%d\"},", s
                printf "\"windowStartUnixNano\":\"%d000000000\",\"windowNano\":10000000000,", 1700000000 + 10 * w
                printf "\"count\":50,\"rate\":5,\"mean\":%.0f,\"p99\":%.0f}\n", ms * 5e5, ms * 1e6
            } }'
}

# gauge COUNT AT VALUE [FORMAT]: one metric a minute.
gauge() {
    awk -v count="$1" -v at="$2" -v value="$3" "$random"'BEGIN { state = 12
        for (i = 1; i <= count; i++)
            printf "{\"metricName\":\"depth\",\"unit\":\"By\",\"value\":%s,\"timeUnixNano\":\"%d000000000\",\"dimensions\":{\"queue\":\"mail\"}}\n",
                i == at ? value : sprintf("%.4f", 40 + 10 * uniform()), 1700000000 + 60 * i }'
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test 'anomaly: a value never seen is reported with all its fields' {
    windows 60 40 400 >in
    run --separate-stderr trace-detect anomaly in
    assert_success
    assert_equal "${#lines[@]}" 1
    assert_output --partial '{"type":"finding","kind":"anomaly","severity":"critical","score":'
    assert_output --partial '"recordType":"span","metricName":"durationNano","stat":"p99","group":{"service":"cart","name":"op1"},"timeUnixNano":"1700000400000000000","value":400000000.0,"expected":1'
    for field in lower upper pValue method fingerprint; do
        assert_output --partial "\"$field\":"
    done
    assert_output --partial '"quantile":0.99,'
    assert_output --regexp '"message":"cart op1 p99: 400 ms, highest in 6 min; usual 12[0-9]-1[34][0-9] ms"'
    assert_equal "$stderr" ''
}

@test 'anomaly: 20 windows are enough' {
    windows 20 20 400 >in
    run trace-detect anomaly in
    assert_output --partial '"timeUnixNano":"1700000200000000000"'
}

@test 'anomaly: nothing is reported while a series is learnt, and that is said' {
    windows 16 15 400 >in
    run --separate-stderr trace-detect anomaly in
    assert_success
    assert_output ''
    assert_regex "$stderr" '2 series, none with more than the 16 values that are learnt from first'
}

@test 'anomaly --exit-code: 1 only when something was found' {
    windows 60 40 400 >in
    run trace-detect anomaly --exit-code in
    assert_failure 1
    windows 60 0 0 >in
    run trace-detect anomaly --exit-code in
    assert_success
    assert_output ''
}

@test 'anomaly: a fingerprint is that of the series, whatever else changes' {
    windows 60 40 400 | trace-detect anomaly >a
    windows 70 50 900 | trace-detect anomaly >b
    sed 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/' a >fa
    sed 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/' b >fb
    assert_equal "$(cat fa)" "$(cat fb)"
    assert_equal "$(wc -c <fa)" 17
    windows 60 40 400 | sed 's/op1/op3/' | trace-detect anomaly |
        sed 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/' >fc
    refute [ "$(cat fa)" = "$(cat fc)" ]
}

@test 'anomaly --stat: what of an aggregate is watched' {
    windows 60 40 400 | awk 'NR == 59 { sub(/"rate":5/, "\"rate\":500") } 1' >in
    run trace-detect anomaly --stat=rate in
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"stat":"rate"'
    assert_output --partial 'cart op1 rate: 500/s, highest in 4 min; usual 5/s'
    run trace-detect anomaly --stat=rate,mean in
    assert_equal "${#lines[@]}" 2
    sed 's/,"p99":[0-9]*//' in >without
    run trace-detect anomaly without
    assert_output --partial '"stat":"mean"'
    run --separate-stderr trace-detect anomaly --stat=p95 in
    assert_output ''
    assert_regex "$stderr" 'p95'
    assert_regex "$stderr" '120 records had no number to judge'
}

@test 'anomaly: metrics by dimensions, whatever their order; not mixed with others' {
    gauge 60 50 400 | awk 'NR % 2 { print; next }
        { sub(/"dimensions":{/, "\"dimensions\":{\"zone\":\"a\","); print }' |
        sed '/zone/!s/"queue":"mail"/"queue":"mail","zone":"a"/' >in
    run --separate-stderr trace-detect anomaly in
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"group":{"queue":"mail","zone":"a"}'
    assert_output --partial 'depth queue=mail zone=a: 400 By, highest in 49 min; usual 4'
    assert_equal "$stderr" ''
}

@test 'anomaly: the resource tells series apart, and is in the group' {
    for host in h1 h2; do
        gauge 40 "$([ $host = h2 ] && echo 35)" 400 |
            sed "s/}\$/,\"resource\":{\"service.name\":\"s\",\"host.name\":\"$host\",\"telemetry.sdk.name\":\"x\"}}/"
    done >in
    run trace-detect anomaly in
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"group":{"service":"s","queue":"mail","host.name":"h2"}'
}

@test 'anomaly: messages have of the resource what tells series apart, also after a state' {
    # on FROM HOST RESOURCE: a gauge of that host, whose value FROM is wild
    on() {
        gauge 40 "$1" 400 | sed "s/}\$/,\"resource\":{\"service.name\":\"s\",\"host.name\":\"$2\",\"os.description\":\"a very long sentence\",\"process.pid\":$3}}/"
    }
    on 35 h1 17 >in
    run -0 trace-detect anomaly in
    assert_output --partial '"group":{"service":"s","queue":"mail","host.name":"h1","os.description":"a very long sentence","process.pid":17}'
    assert_output --partial '"message":"depth s queue=mail: 400 By, highest'
    # two hosts: the host; what only processes differ in is not said besides
    { on 0 h2 18; on 35 h1 17; } >in
    run -0 trace-detect anomaly in
    assert_output --partial '"message":"depth s queue=mail host.name=h1: 400 By, highest'
    trace-detect anomaly in >whole
    head -n 70 in | trace-detect anomaly --state=state >halves
    tail -n +71 in | trace-detect anomaly --state=state >>halves
    cmp whole halves
    # two processes of one host
    { on 0 h1 18; on 35 h1 17; } >in
    run -0 trace-detect anomaly in
    assert_output --partial '"message":"depth s queue=mail process.pid=17: 400 By, highest'
}

@test 'anomaly: --by groups metrics' {
    for host in h1 h2; do
        gauge 40 0 0 | sed "s/\"mail\"/\"mail\",\"host\":\"$host\"/"
    done >in
    echo '{"metricName":"depth","value":900,"dimensions":{"queue":"mail","host":"h3"}}' >>in
    run trace-detect anomaly --by=queue in
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"group":{"queue":"mail"}'
    refute_output --partial timeUnixNano
    assert_output --partial 'highest so far'
}

@test 'anomaly: a counter is watched by its rate; resets and repeats are left out and counted' {
    awk "$random"'BEGIN { state = 9
        for (i = 1; i <= 80; i++) {
            total += 100 + int(20 * uniform())
            if (i == 30) total = 0
            if (i == 70) total += 5000
            printf "{\"metricName\":\"requests\",\"metricType\":\"counter\",\"value\":%d,\"timeUnixNano\":\"%d000000000\"}\n", total, 1700000000 + 10 * i
        } }' >in
    sed -n 40p in >>in
    echo '{"metricName":"requests","metricType":"counter","value":1}' >>in
    run --separate-stderr trace-detect anomaly in
    assert_success
    assert_equal "${#lines[@]}" 1
    assert_output --regexp '"timeUnixNano":"1700000700000000000","value":5[01][0-9]\.'
    assert_output --partial 'requests: 51'
    assert_output --partial '/s, highest'
    assert_regex "$stderr" '1 reset of a counter'
    assert_regex "$stderr" '1 counter point was no later than the one before: left out'
    assert_regex "$stderr" '1 counter point without a time was left out'
}

@test 'anomaly: a histogram is watched by its mean, cumulative or not' {
    awk "$random"'BEGIN { state = 9
        for (i = 1; i <= 40; i++) {
            n = 10 + int(5 * uniform()); s = n * (i == 35 ? 90 : 5 + uniform())
            sum += s; count += n
            printf "{\"metricName\":\"h\",\"metricType\":\"histogram\",\"temporality\":\"cumulative\",\"histogram\":{\"count\":%d,\"sum\":%.3f},\"timeUnixNano\":\"%.0f\"}\n", count, sum, i * 1e9
            printf "{\"metricName\":\"d\",\"metricType\":\"histogram\",\"temporality\":\"delta\",\"histogram\":{\"count\":%d,\"sum\":%.3f},\"timeUnixNano\":\"%.0f\"}\n", n, s, i * 1e9
        } }' >in
    run trace-detect anomaly in
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 --partial '"metricName":"h"'
    assert_line --index 1 --partial '"metricName":"d"'
    assert_line --index 1 --partial '"value":90'
}

@test 'anomaly: spans by operation, with the span as evidence; --trace picks' {
    awk "$random"'BEGIN { state = 4
        for (i = 1; i <= 90; i++) {
            ns = 30e6 * (1 + 0.3 * uniform()) * (i == 60 ? 40 : i == 85 ? 40000 : 1)
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"GET /\",\"service\":\"cart\",\"startTimeUnixNano\":\"%d000000000\",\"durationNano\":%.0f}\n", i, i + 256, 1700000000 + i, ns
        } }' >in
    run trace-detect anomaly in
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 --partial '"metricName":"durationNano","group":{"service":"cart","name":"GET /"}'
    assert_line --index 0 --partial '"evidence":[{"traceId":"0000000000000000000000000000003c","spanId":"000000000000013c"}]'
    run trace-detect anomaly --trace=0000000000000000000000000000003c in
    assert_equal "${#lines[@]}" 1
    run trace-detect anomaly --trace=3C in
    assert_equal "${#lines[@]}" 1
    run trace-detect anomaly --exit-code --trace=00000000000000000000000000000001 in
    assert_success
    assert_output ''
    run -0 trace-detect anomaly --trace=00-0000000000000000000000000000003c-000000000000013c-01 in
    assert_equal "${#lines[@]}" 1
    for id in 0 zzz 3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c; do
        run -2 trace-detect anomaly --trace=$id in
        assert_line --index 0 "trace-detect: --trace: '$id' is no trace id"
    done
}

@test 'anomaly: faster than ever is for information only' {
    windows 60 40 1 | trace-detect anomaly >out
    assert_equal "$(grep -c '"severity":"info".*lowest in' out)" 1
}

@test 'anomaly: no number, NaN, infinity and text are counted, never found' {
    gauge 60 0 0 >in
    for value in '"NaN"' '"Infinity"' '"-Infinity"' '"text"' true; do
        echo "{\"metricName\":\"depth\",\"value\":$value,\"dimensions\":{\"queue\":\"mail\"}}"
    done >>in
    echo '{"type":"span","traceId":"01","spanId":"01","name":"x"}' >>in
    run --separate-stderr trace-detect anomaly in
    assert_success
    assert_output ''
    assert_regex "$stderr" '6 records had no number to judge'
}

@test 'anomaly: constant series, and what departs from them' {
    awk 'BEGIN { for (i = 1; i <= 300; i++) print "{\"metricName\":\"m\",\"value\":" (i == 300 ? 20.000001 : 20) "}" }' >in
    run --separate-stderr trace-detect anomaly in
    assert_output ''
    echo '{"metricName":"m","value":25}' >>in
    run trace-detect anomaly in
    assert_output --partial '"value":25'
}

@test 'anomaly: times may be unordered, repeated, far apart or missing' {
    gauge 100 90 400 >in
    is_found() {
        run trace-detect anomaly "$@"
        assert_success
        assert_equal "$(grep -c '"value":400' <<<"$output")" 1
    }
    is_found in
    # pairs swapped, a century between the halves
    awk 'NR % 2 { held = $0; next } { print; print held }' in | sed '60,$s/"timeUnixNano":"17/"timeUnixNano":"47/' >swapped
    is_found swapped
    awk '{ print; print }' in >twice
    is_found twice
    sed 's/"timeUnixNano":"[0-9]*",//' in >timeless
    is_found timeless
    refute_output --partial timeUnixNano
}

@test 'anomaly --state: two runs over halves equal one over the whole' {
    { windows 200 150 400; gauge 200 120 90; } >in
    awk 'BEGIN { for (i = 1; i <= 60; i++) printf "{\"metricName\":\"c\",\"metricType\":\"counter\",\"value\":%d,\"timeUnixNano\":\"%.0f\"}\n", i * i * (i < 50 ? 1 : 3), i * 1e9 }' >>in
    shuf --random-source=<(yes) in >mixed
    trace-detect anomaly mixed >whole 2>/dev/null
    assert [ "$(wc -l <whole)" -ge 2 ]
    for cut in 1 100 333 659; do
        rm -f state
        head -n "$cut" mixed | trace-detect anomaly --state=state >halves 2>/dev/null
        tail -n +"$((cut + 1))" mixed | trace-detect anomaly --state=state >>halves 2>/dev/null
        cmp whole halves
    done
    # nothing new leaves the state as it is
    cp state before
    : | trace-detect anomaly --state=state
    cmp state before
    run find . -name '*.tmp*'
    assert_output ''
}

@test 'anomaly --state: what is no state is refused and left alone' {
    gauge 60 50 400 >in
    trace-detect anomaly --state=state in >/dev/null
    for damage in '1s/version":1/version":2/' '2s/"low":\[/"low":[5e9,/' '2s/"seen":60/"seen":3/' \
        '2s/"group":{/"group":[/' '2s/}$//' '2s/"height":\[/"height":[1e9,/'; do
        sed "$damage" state >damaged
        cp damaged copy
        run trace-detect anomaly --state=damaged in
        assert_failure 4
        assert_output --regexp 'damaged:[12]: this is no state of trace-detect anomaly'
        cmp damaged copy
    done
    run trace-detect anomaly --state=. in
    assert_failure 4
    run trace-detect anomaly --state=no/such/folder in
    assert_failure 4
}

@test 'anomaly: clock records go through' {
    { windows 30 25 400; echo '{"type":"clock","timeUnixNano":"1800000000000000000"}'; } |
        trace-detect anomaly >out
    assert_equal "$(tail -n 1 out)" '{"type":"clock","timeUnixNano":"1800000000000000000"}'
}

@test 'anomaly --memory: series beyond it are counted last, and then nothing found is 4' {
    { windows 30 25 400; windows 30 0 0 | sed 's/op2/op3/'; echo '{"type":"log","body":"x"}'; } >in
    run -0 --separate-stderr trace-detect anomaly --memory=2K in
    assert_equal "${#lines[@]}" 1
    assert_regex "$stderr" 'trace-detect: 60 records were not judged: --memory has room for 1 series, and they are of others$'
    run -1 --separate-stderr trace-detect anomaly --exit-code --memory=2K in
    windows 30 0 0 >in
    run -4 --separate-stderr trace-detect anomaly --exit-code --memory=2K in
    run -0 --separate-stderr trace-detect anomaly --memory=2K in
}

@test 'anomaly: names in any script and any characters stay one valid record' {
    gauge 30 25 400 | sed 's/"mail"/"\\u00e9\\"\\n\\\\ \xf0\x9f\x90\x98\\u0000"/' >in
    run trace-detect anomaly in
    assert_equal "${#lines[@]}" 1
    trace-detect anomaly in >out
    run --separate-stderr trace-detect anomaly --pass out
    assert_equal "${lines[0]}" "$(cat out)"
}

@test 'anomaly: behind trace-agg, in text and in binary' {
    awk "$random"'BEGIN { state = 4
        for (i = 1; i <= 6000; i++) {
            slow = i % 3 == 0 && i > 4500 && i < 4700
            ns = 3e7 * exp(0.5 * (uniform() + uniform() - 1)) * (slow ? 6 : 1)
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op\",\"service\":\"s%d\",\"startTimeUnixNano\":\"%.0f00000000\",\"durationNano\":%.0f}\n", i, i, i % 3, 17000000000 + i, ns
        } }' >spans
    trace-agg --by=service,name --window=10s spans | trace-detect anomaly >text
    trace-agg -b --by=service,name --window=10s spans | trace-detect anomaly >binary
    cmp text binary
    assert_equal "$(grep -c '"severity":"\(critical\|warning\)"' text)" 1
    assert_file_contains text '"group":{"service":"s0","name":"op"},"timeUnixNano":"1700000450000000000"'
    trace-detect anomaly spans >of_text
    trace-span filter -b spans | trace-detect anomaly >of_binary
    cmp of_text of_binary
}

@test 'anomaly: objects that are the same are one series, however they are written' {
    for i in {10..29}; do
        echo "{\"metricName\":\"m\",\"value\":$i,\"timeUnixNano\":\"${i}000000000\",\"dimensions\":{\"a\":{ \"x\": 1.0, \"y\": [2]}}}"
        echo "{\"metricName\":\"m\",\"value\":$i,\"timeUnixNano\":\"${i}500000000\",\"dimensions\":{\"a\":{\"y\":[2],\"x\":1}}}"
    done | head -n 16 >in
    run trace-detect anomaly in
    assert_output --partial ' 1 series,'
    run trace-detect anomaly --by=a in
    assert_output --partial ' 1 series,'
}
