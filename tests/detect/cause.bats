#!/usr/bin/env bats
# trace-detect cause: planted causes of each kind of evidence come first, what did not change gives none.

load ../helper
bats_require_minimum_version 1.5.0

# shop FROM [NAME=VALUE ...]: 100 traces of a shop that calls pay through a client's span, a second each.
# slow: times pay takes; pod: times its instance 1 takes; fail: share of failures; calls: 0 for none;
# net: microseconds on the way.
shop() {
    local from=$1
    shift
    awk -v from="$from" -v settings="$*" '
        function uniform() { state = (state * 16807) % 2147483647; return state / 2147483647 }
        function span(trace, id, parent, service, pod, name, start, end, failed) {
            printf "{\"traceId\":\"%032x\",\"spanId\":\"%016x\"%s,\"name\":\"%s\",\"startTimeUnixNano\":\"%d000\",\"endTimeUnixNano\":\"%d000\",\"service\":\"%s\",\"resource\":{\"k8s.pod.name\":\"%s-%d\"}%s}\n",
                trace, trace * 10 + id, parent ? sprintf(",\"parentSpanId\":\"%016x\"", trace * 10 + parent) : "",
                name, start, end, service, service, pod, failed ? ",\"status\":\"error\"" : ""
        }
        BEGIN {
            is["slow"] = is["pod"] = is["calls"] = 1
            n = split(settings, setting, " ")
            for (i = 1; i <= n; i++) { split(setting[i], part, "="); is[part[1]] = part[2] }
            state = from + 7
            for (k = 1; k <= 100; k++) {
                start = (from + k) * 1000000; pod = k % 2
                long = 20000 * (1 + uniform()) * is["slow"] * (pod ? is["pod"] : 1)
                failed = uniform() < is["fail"]
                own = 5000 * (1 + uniform())
                span(from + k, 1, 0, "shop", 0, "GET /", start, start + own + is["calls"] * (long + is["net"] + 500), failed)
                if (!is["calls"]) continue
                span(from + k, 2, 1, "shop", 0, "call", start + 2000, start + 2500 + long + is["net"], failed)
                span(from + k, 3, 2, "pay", pod, "charge", start + 2000, start + 2000 + long, failed)
            } }'
}

# gauge FROM LEVEL COUNT SERVICE NAME: a point a second, with noise of a twentieth.
gauge() {
    awk -v from="$1" -v level="$2" -v count="$3" -v service="$4" -v name="$5" '
        BEGIN { for (i = 1; i <= count; i++)
            printf "{\"metricName\":\"%s\",\"value\":%.4f,\"timeUnixNano\":\"%d000000000\",\"service\":\"%s\"}\n",
                name, level * (1 + 0.05 * sin(i * 7)), from + i, service }'
}

# messages FROM COUNT SERVICE SEVERITY TEXT: each with its number.
messages() {
    awk -v from="$1" -v count="$2" -v service="$3" -v severity="$4" -v text="$5" '
        BEGIN { for (i = 1; i <= count; i++)
            printf "{\"body\":\"%s %d\",\"severity\":\"%s\",\"timeUnixNano\":\"%d000000000\",\"service\":\"%s\"}\n",
                text, i, severity, from + i, service }'
}

cause() {
    trace-detect cause "$@"
}

# The first finding of a kind of entity, as text.
first() {
    jq -r --arg method "$1" 'select(.method == $method) | "\(.rank) \(.group | join(" ")) \(.metricName)"' \
        <<<"$output" | head -n 1
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    shop 1000 >base
}

@test 'cause: where nothing changed there is none' {
    shop 2000 >cand
    { gauge 1000 5 100 pay cpu; messages 1000 50 pay info paid; } >>base
    { gauge 2000 5 100 pay cpu; messages 2000 50 pay info paid; } >>cand
    run -0 --separate-stderr cause --exit-code base cand
    assert_equal "$output" ''
    assert_equal "$stderr" 'trace-detect: no cause found: nothing differs by more than chance'
}

@test 'cause: own time, with all fields, and not of who waits' {
    shop 2000 slow=3 >cand
    run -1 --separate-stderr cause --exit-code base cand
    assert_equal "${#lines[@]}" 2
    assert_regex "${lines[0]}" '^\{"type":"finding","kind":"cause","severity":"warning","score":1\.1[0-9]*,"recordType":"span","metricName":"selfNano","group":\{"service":"pay"\},"value":[0-9.]+,"expected":[0-9.]+,"pValue":[0-9.e-]+,"rank":1,"method":"service","effectNano":[0-9.]+,"message":"pay: pay charge itself takes [0-9.]+ ms instead of [0-9.]+ ms","evidence":\[\{"traceId":"[0-9a-f]+","spanId":"[0-9a-f]+"\}\],"fingerprint":"[0-9a-f]+"\}$'
    assert_equal "$(first operation)" '2 pay charge selfNano'
}

@test 'cause: the input at a time is as two inputs, in any order' {
    shop 2000 slow=3 >cand
    run -0 cause base cand
    local two=$output
    sort -r cand base >mixed
    run -0 cause --at=1970-01-01T00:30:00Z mixed
    assert_equal "$(sed 's/"timeUnixNano":"[0-9]*",//' <<<"$output")" "$two"
    assert_line --index 0 --partial '"timeUnixNano":"1800000000000"'
    echo '{"type":"finding","kind":"anomaly","timeUnixNano":"1800000000000"}' >>mixed
    local at=$output
    run -0 cause mixed
    assert_equal "$output" "$at"
}

@test 'cause: one instance of two' {
    shop 2000 pod=4 >cand
    run -0 cause base cand
    assert_equal "$(first instance)" '1 pay pay-1 selfNano'
    assert_line --index 0 --partial '"message":"pay pay-1, more than the others: pay charge itself takes '
}

@test 'cause: errors are of who failed first' {
    shop 2000 fail=0.3 >cand
    run -0 cause base cand
    assert_equal "$(first service)" '1 pay errorRate'
    refute_output --partial '"service":"shop"'
}

@test 'cause: a delay between two is the edge' {
    shop 2000 net=40000 >cand
    run -0 cause base cand
    assert_equal "$(first edge)" '1 shop pay networkNano'
    assert_equal "$(first service)" '2 pay networkNano'
}

@test 'cause: who no longer calls' {
    shop 2000 calls=0 >cand
    run -0 cause base cand
    assert_equal "$(first service)" '1 shop calls'
    assert_line --index 0 --partial 'shop GET / calls pay charge 0 instead of 1 times an execution'
}

@test 'cause: a metric, of the callee and not of who calls it' {
    local edge='{"type":"aggregate","recordType":"span","group":{"source":"shop","target":"pay"}}'
    { gauge 1000 5 60 pay latency; gauge 1000 9 60 shop latency; } >m1
    { gauge 2000 15 9 pay latency; gauge 2000 27 9 shop latency; } >m2
    run -0 cause m1 <(cat m2; echo "$edge")
    assert_equal "$(first service)" '1 pay latency'
    assert_line --index 0 --partial 'latency is '
    assert_line --index 1 --partial '"service":"shop"'
    run -0 jq -s '.[0].score / .[1].score > 4' <<<"$output"
    assert_output true
    # Without the edge both are as bad.
    run -0 jq -s '.[0].score / .[1].score < 1.5' <(cause m1 m2)
    assert_output true
}

@test 'cause: a metric that was off just before it began is none' {
    { gauge 1000 5 200 pay cpu; gauge 1300 15 3 pay cpu; } >m1
    gauge 2000 15 9 pay cpu >m2
    run -0 --separate-stderr cause m1 m2
    assert_equal "$output" ''
}

@test 'cause: what is constant, not a number, too short or comes twice' {
    gauge 1000 0 20 a flat >m1
    gauge 2000 0 9 a flat >m2
    { gauge 1000 1 3 b short; gauge 1000 1 20 c gone; } >>m1
    { gauge 2000 9 9 b short; gauge 2000 9 9 d new; } >>m2
    run -0 --separate-stderr cause m1 m2
    assert_equal "$output" ''
    # From a constant any step is one, however often it is told.
    gauge 2000 1 9 a flat >m2
    cat m2 >>m2.twice
    cat m2 >>m2.twice
    run -0 cause m1 m2
    assert_equal "$(first service)" '1 a flat'
    local once=$output
    run -0 cause m1 m2.twice
    assert_equal "$output" "$once"
    run -0 --separate-stderr cause /dev/null /dev/null
    assert_equal "$output" ''
}

@test 'cause: templates of logs that are new or gone' {
    { messages 1000 90 pay info paid; messages 1000 40 pay info checked; } >l1
    { messages 2000 90 pay info paid; messages 2000 20 pay error 'no route to bank'; } >l2
    run -0 cause l1 l2
    assert_equal "$(first service)" '1 pay records'
    assert_line --index 0 --partial 'pay logs what it did not before: no route to bank <num> (20 times); and 1 more'
    sed '/route/d' l2 >l3
    run -0 cause l1 l3
    assert_line --index 0 --partial 'pay no longer logs: checked <num> (40 times)'
}

@test 'cause: errors' {
    run -4 --separate-stderr cause base
    assert_equal "$stderr" 'trace-detect: nothing says when it began: --at is missing, and the input has no finding of an anomaly or change'
    run -2 --separate-stderr cause base base base
    assert_equal "${stderr_lines[0]}" 'trace-detect: without --at two inputs are compared, BASE and CAND'
    run -2 --separate-stderr cause - -
    run -2 --separate-stderr cause --at=never base
    run -4 --separate-stderr cause base /nonexistent
    { cat base; echo '{'; } >bad
    run -3 --separate-stderr cause base bad
    gauge 1000 5 3000 pay cpu >many
    run -4 --separate-stderr cause --memory=64K many many
    assert_regex "$stderr" 'more points and logs than --memory has room for'
    echo '{"metricName":"cpu","value":1,"timeUnixNano":"1"}' >nobody
    run -0 --separate-stderr cause nobody nobody
    assert_regex "$stderr" '2 records of no service or instance left out'
}
