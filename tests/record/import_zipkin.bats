#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: Zipkin's JSON of both versions.
bats_require_minimum_version 1.5.0

load ../helper
load import

data=$top_srcdir/tests/data/zipkin

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# spans MEMBERS...: a list of spans with these members besides their ids.
spans() {
    local list
    printf -v list '{"traceId":"1","id":"2",%s},' "$@"
    printf '[%s]\n' "${list%,}"
}

@test 'spans of both versions give the records expected of them' {
    gives v2 v1
}

@test 'the layout of the text does not matter' {
    need_command jq
    jq . "$data/v2.json" | trace-record import 2>/dev/null | diff "$data/v2.ndjson" -
    jq -c '.[]' "$data/v2.json" | trace-record import --from=zipkin 2>/dev/null | diff "$data/v2.ndjson" -
    jq -c '[.[:1],.[1:]]' "$data/v2.json" | trace-record import 2>/dev/null | diff "$data/v2.ndjson" -
}

@test 'Zipkin: client and server that share a span id stay apart by their kind' {
    run -0 --separate-stderr trace-record import "$data/v2.json"
    assert_regex "${lines[0]}" '"spanId":"0000000000000001","name":"get","kind":"client"'
    assert_regex "${lines[1]}" '"spanId":"0000000000000001","name":"get /cart","kind":"server"'
    for name in v2 v1; do
        trace-record import "$data/$name.json" 2>/dev/null | trace-span assemble >"$BATS_TEST_TMPDIR/trace"
        assert_regex "$(cat "$BATS_TEST_TMPDIR/trace")" '"spanCount":'"$(wc -l <"$data/$name.ndjson")"
        refute_regex "$(cat "$BATS_TEST_TMPDIR/trace")" duplicateSpans
    done
}

@test 'Zipkin: spans without timestamp or duration are kept' {
    run -0 --separate-stderr trace-record import - < <(spans '"name":"a"' '"timestamp":5' '"duration":5' '"timestamp":5,"duration":0')
    assert_equal "${lines[0]}" '{"type":"span","traceId":"00000000000000000000000000000001","spanId":"0000000000000002","name":"a","kind":"unspecified","status":"unset"}'
    assert_regex "${lines[1]}" '"startTimeUnixNano":"5000","status"'
    assert_regex "${lines[2]}" '"kind":"unspecified","durationNano":5000,"status"'
    assert_regex "${lines[3]}" '"startTimeUnixNano":"5000","endTimeUnixNano":"5000","durationNano":0,'
    assert_equal "$stderr" 'trace-record: 3 spans are without start or end'
}

@test 'Zipkin: a v1 span with both sides of a call is two, with the times and tags of each' {
    run -0 --separate-stderr trace-record import "$data/v1.json"
    assert_regex "${lines[0]}" '"kind":"client","startTimeUnixNano":"1000000","endTimeUnixNano":"1100000".*"service":"front","attributes":\{"http.path":"/pay",.*"peer.service":"back".*"name":"sent"\}\]\}$'
    assert_regex "${lines[1]}" '"kind":"server","startTimeUnixNano":"1010000","endTimeUnixNano":"1090000".*"service":"back","attributes":\{"controller":"Pay",.*"name":"db"\}\]\}$'
}

@test 'a bad span costs that span only, and is kept by --rejects' {
    local -a cases=(
        '"id":7' 'an id that is no string'
        '"id":""' 'the span id is empty or all zero'
        '"traceId":"00"' 'the trace id is empty or all zero'
        '"name":[]' 'a name that is no string'
        '"kind":1' 'a kind that is no string'
        '"timestamp":"soon"' 'timestamp is no number of microseconds in int64 nanoseconds'
        '"duration":true' 'duration is no number of microseconds in int64 nanoseconds'
        '"localEndpoint":1' 'an endpoint that is no object'
        '"remoteEndpoint":[]' 'an endpoint that is no object'
        '"annotations":{}' 'annotations that are no array'
        '"annotations":[1]' 'an annotation that is no object'
        '"annotations":[{"timestamp":"x"}]' 'the timestamp of an annotation is no number of microseconds in int64 nanoseconds'
        '"tags":[]' 'tags that are no object'
        '"binaryAnnotations":{}' 'binaryAnnotations that are no array'
        '"binaryAnnotations":[1]' 'a binary annotation that is no object'
        '"binaryAnnotations":[{"value":1}]' 'a binary annotation without a key'
        '"annotations":[1],"binaryAnnotations":[]' 'an annotation that is no object'
        '"annotations":[{"value":"cs","timestamp":0,"endpoint":1}]' 'an endpoint that is no object'
        '"annotations":[{"value":"cs","timestamp":[],"endpoint":{}}]' 'timestamp is no number of microseconds in int64 nanoseconds'
        '"annotations":[{"value":"cs","timestamp":-9000000000000000,"endpoint":{}},{"value":"cr","timestamp":9000000000000000}]' 'the span is longer than an int64 of nanoseconds can say'
    )
    for ((at = 0; at < ${#cases[@]}; at += 2)); do
        spans '"name":"before"' "${cases[at]}" '"name":"after"' >in
        costs_itself '1 43' '{"traceId":"1","id":"2",'"${cases[at]}}" "${cases[at + 1]}"
    done
    run -3 --separate-stderr trace-record import - <<<'[7,{"traceId":"1","id":"2"}]'
    assert_equal "${stderr_lines[0]}" 'trace-record: -:1: a span that is no object (byte 2)'
}

@test 'records of ours in a list are no Zipkin' {
    run -4 --separate-stderr trace-record import - <<<'[{"type":"span","traceId":"1","spanId":"2","id":"3"}]'
    assert_regex "$stderr" 'a JSON array of records'
}

@test 'real spans are all there, and no two of them are one' {
    need_data traces/zipkin-lens/yelp.json
    cd "$TRACECORE_TEST_DATA"
    # records, and different pairs of id and kind among them
    local -a files=(zipkin-lens/smartthings-oauth-authorization.json 175 171 zipkin-lens/yelp.json 16 16 zipkin-lens/skew.json 4 4
        zipkin-lens/messaging-kafka.json 28 28 zipkin-lens/messaging.json 4 4 zipkin-lens/messaging2.json 11 11
        zipkin-lens/ascend.json 8 8 zipkin-lens/envoy.json 1 1 zipkin-lens/simple-db-p6.json 5 5
        zipkin-v1/train-ticket-case1-success.json 157 157 zipkin-v1/train-ticket-error-cancel-2.json 23 23
        ../captures/05-zipkin-json.body 30 30 ../captures/zipkinjs-1.body 2 2)
    for ((at = 0; at < ${#files[@]}; at += 3)); do
        trace-record import "traces/${files[at]}" >"$BATS_TEST_TMPDIR/out"
        assert_equal "${files[at]} $(wc -l <"$BATS_TEST_TMPDIR/out")" "${files[at]} ${files[at + 1]}"
        assert_equal "$(sed 's/.*"spanId":"\([0-9a-f]*\)".*"kind":"\([a-z]*\)".*/\1\2/' "$BATS_TEST_TMPDIR/out" | sort -u | wc -l)" "${files[at + 2]}"
    done
}
