#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: Jaeger's JSON from its API, its UI and its storage.
bats_require_minimum_version 1.5.0

load ../helper
load import

data=$top_srcdir/tests/data/jaeger

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# trace SPAN...: a document with a trace of these spans, each an object's members.
trace() {
    local spans
    printf -v spans '{"traceID":"1","spanID":"2","startTime":1,"duration":1,"processID":"p",%s},' "$@"
    printf '{"data":[{"traceID":"1","processes":{"p":{"serviceName":"s"}},"spans":[%s]}]}\n' "${spans%,}"
}

@test 'traces and lone spans give the records expected of them' {
    gives api lines
}

@test 'the layout of the text does not matter' {
    need_command jq
    jq . "$data/lines.json" | trace-record import --from=jaeger 2>/dev/null | diff "$data/lines.ndjson" -
    jq -s . "$data/lines.json" | trace-record import 2>/dev/null | diff "$data/lines.ndjson" -
    jq -c '.data[]' "$data/api.json" | trace-record import 2>/dev/null | diff "$data/api.ndjson" -
    jq -c .data "$data/api.json" | trace-record import 2>/dev/null | diff "$data/api.ndjson" -
}

@test 'Jaeger: times are microseconds' {
    run -0 --separate-stderr trace-record import - < <(trace '"operationName":"a","startTime":1544712660000001,"duration":7')
    assert_regex "$output" '"startTimeUnixNano":"1544712660000001000","endTimeUnixNano":"1544712660000008000","durationNano":7000,'
    # with fractions, exactly; what is smaller than a nanosecond rounds
    run -0 --separate-stderr trace-record import - < <(trace '"startTime":1544712660000001.25,"duration":"0.0005"' '"startTime":-1.5,"duration":15e-1')
    assert_regex "${lines[0]}" '"startTimeUnixNano":"1544712660000001250","endTimeUnixNano":"1544712660000001251","durationNano":1,'
    assert_regex "${lines[1]}" '"startTimeUnixNano":"-1500","endTimeUnixNano":"0","durationNano":1500,'
}

@test 'Jaeger: parents inlined in references, eight deep, are no spans again' {
    local reference='"references":[]'
    for id in {8..1}; do
        reference='"references":[{"refType":"CHILD_OF","traceID":"1","spanID":"'$id'","span":{"traceID":"1","spanID":"'$id'",'$reference'}}]'
    done
    run -0 --separate-stderr trace-record import - < <(trace "$reference")
    assert_equal "${#lines[@]}$stderr" 1
    assert_regex "$output" '"spanId":"0000000000000002","parentSpanId":"0000000000000001"'
}

@test 'Jaeger: ids of 1 to 32 hexadecimal digits, or none' {
    run -0 --separate-stderr trace-record import - < <(trace '"traceID":"A"' '"traceID":"000102030405060708090A0B0C0D0E0F"' '"spanID":"no hex"' \
        '"references":[{"refType":"CHILD_OF","traceID":"1","spanID":"no hex"}]')
    assert_regex "${lines[0]}" '"traceId":"0000000000000000000000000000000a"'
    assert_regex "${lines[1]}" '"traceId":"000102030405060708090a0b0c0d0e0f"'
    local id=${lines[2]#*'"spanId":"'}
    assert_regex "${lines[2]}" '"attributes":\{"tracecore.original_id":"no hex"\}'
    assert_regex "${lines[3]}" '"parentSpanId":"'"${id%%\"*}"'".*"attributes":\{"tracecore.original_id":"no hex"\}'
}

@test 'Jaeger: FOLLOWS_FROM into another trace is a link, no parent' {
    run -0 --separate-stderr trace-record import - < <(trace '"references":[{"refType":"FOLLOWS_FROM","traceID":"ff","spanID":"9"}]')
    refute_regex "$output" parentSpanId
    assert_regex "$output" '"links":\[\{"traceId":"000000000000000000000000000000ff","spanId":"0000000000000009","attributes":\{"opentracing.ref_type":"follows_from"\}\}\]'
}

@test 'Jaeger: an error tag is a status, unless OpenTelemetry says another one' {
    tag() { echo '"tags":[{"key":"error","value":'"$1"'}'"${2:+,{\"key\":\"otel.status_code\",\"value\":\"$2\"\}}]"; }
    run -0 --separate-stderr trace-record import - < <(trace "$(tag true)" "$(tag '"true"')" "$(tag false)" "$(tag '"boom"')" "$(tag true OK)" "$(tag false ERROR)")
    assert_regex "${lines[0]}" '"status":"error","service":"s","resource"'
    assert_regex "${lines[1]}" '"status":"error","service":"s","resource"'
    assert_regex "${lines[2]}" '"status":"unset","service":"s","attributes":\{"error":false\}'
    assert_regex "${lines[3]}" '"status":"error","statusMessage":"boom","service":"s","resource"'
    assert_regex "${lines[4]}" '"status":"ok","service":"s","attributes":\{"error":true\}'
    assert_regex "${lines[5]}" '"status":"error","service":"s","attributes":\{"error":false\}'
}

@test 'a bad span costs that span only, and is kept by --rejects' {
    local -a cases=(
        '"spanID":7' 'an id that is no string'
        '"spanID":"0"' 'the span id is empty or all zero'
        '"traceID":""' 'the trace id is empty or all zero'
        '"operationName":[]' 'a name that is no string'
        '"startTime":"soon"' 'startTime is no number of microseconds in int64 nanoseconds'
        '"startTime":9223372036854775807' 'startTime is no number of microseconds in int64 nanoseconds'
        '"startTime":9223372036854775,"duration":9e14' 'the span ends behind what an int64 of nanoseconds can say'
        '"duration":{}' 'duration is no number of microseconds in int64 nanoseconds'
        '"references":{}' 'references that are no array'
        '"references":[1]' 'a reference that is no object'
        '"tags":1' 'tags that are no array'
        '"tags":[1]' 'a tag that is no object'
        '"tags":[{"value":1}]' 'a tag without a key'
        '"tag":[]' 'a tag member that is no object'
        '"logs":{}' 'logs that are no array'
        '"logs":[1]' 'a log that is no object'
        '"logs":[{"timestamp":"x"}]' 'the timestamp of a log is no number of microseconds in int64 nanoseconds'
        '"process":1' 'a process that is no object'
    )
    for ((at = 0; at < ${#cases[@]}; at += 2)); do
        trace '"operationName":"before"' "${cases[at]}" '"operationName":"after"' >in
        costs_itself '1 169' '{"traceID":"1","spanID":"2","startTime":1,"duration":1,"processID":"p",'"${cases[at]}}" \
            "${cases[at + 1]}"
        assert_regex "${lines[1]}" '"name":"after".*"service":"s"'
    done
}

@test 'what is bad about a trace costs that trace only' {
    run -3 --separate-stderr trace-record import - <<'EOF'
{"data":[7,
{"traceID":"1","spans":[{"traceID":"1","spanID":"1"}],"processes":[]},
{"traceID":"2","spans":[{"spanID":"1"},7]}]}
EOF
    assert_equal "${#lines[@]}" 1
    assert_equal "$stderr" "trace-record: -:1: an element that is neither a trace nor a span of Jaeger's (byte 10)
trace-record: -:2: a trace whose processes are no object (byte 1)
trace-record: -:3: a span that is no object (byte 40)
trace-record: 1 span is without start or end"
}

@test 'an answer without traces is no error' {
    run -0 --separate-stderr trace-record import - <<<'{"data":[],"total":0,"limit":0,"offset":0,"errors":null}'
    assert_equal "$output$stderr" ''
}

@test 'of many processes each span finds its own' {
    printf '{"traceID":"1","processes":{%s},"spans":[{"spanID":"1","processID":"p100"},{"spanID":"2","processID":"p1"},{"spanID":"3","processID":"none"}]}' \
        "$(for i in {1..100}; do printf '"p%d":{"serviceName":"s%d"},' "$i" "$i"; done)\"p1\":{\"serviceName\":\"again\"}" >"$BATS_TEST_TMPDIR/in"
    run -0 --separate-stderr trace-record import "$BATS_TEST_TMPDIR/in"
    assert_regex "${lines[0]}" '"service":"s100"'
    assert_regex "${lines[1]}" '"service":"again"'
    refute_regex "${lines[2]}" service
}

@test 'real traces lose no span' {
    need_data traces/jaeger-ui-deathstarbench-social.json
    cd "$TRACECORE_TEST_DATA/traces"
    local -a files=(jaeger-ui-deathstarbench-social.json 660 20 agentevals/jaeger-k8s.json 73 1 agentevals/jaeger-helm_2.json 72 1
        jaeger-fixtures/ui_01.json 5 1 jaeger-ui-fixtures/oltp2jaeger-multi-out.json 4 1)
    for ((at = 0; at < ${#files[@]}; at += 3)); do
        trace-record import "${files[at]}" >"$BATS_TEST_TMPDIR/out"
        assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/out")" "${files[at + 1]}"
        assert_equal "$(grep -o '"type":"span","traceId":"[0-9a-f]*' "$BATS_TEST_TMPDIR/out" | sort -u | wc -l)" "${files[at + 2]}"
        trace-record import "$BATS_TEST_TMPDIR/out" 2>/dev/null | cmp "$BATS_TEST_TMPDIR/out" -
    done
    for file in crisp-test-cases/*.json crisp-test-cases/*/*.json jaeger-ui-fixtures/[st]*.json; do
        run -0 trace-record import "$file"
    done
}
