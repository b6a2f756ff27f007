#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: OTLP protobuf, which must give what OTLP/JSON gives.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    data=$top_srcdir/tests/data/otlp
    cd "$BATS_TEST_TMPDIR" || return
}

# proto [OPTION...] < JSON: the same as protobuf.
proto() {
    "$top_builddir/tests/tools/otlp_proto" "$@"
}

# samples: the documents that protobuf can hold as they are: not integers beyond 64 bits, names of
# enumerations, the literals of numbers, or a log record without anything. All on one line.
samples() {
    cat "$data"/{span,values,metrics,logs,omitted}.json |
        grep -av 'beyond 64 bits\|in exponents\|"logRecords":\[{}\]' |
        sed 's/"AGGREGATION_TEMPORALITY_DELTA"/1/; s/"SEVERITY_NUMBER_FATAL4"/24/' |
        tr '\n' ' '
    echo
}

# span ID...: OTLP/JSON with spans of these ids, of two digits, each 53 bytes as protobuf.
span() {
    printf '{"resourceSpans":[{"scopeSpans":[{"spans":['
    for id; do
        printf '%s{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"00000000000000%s","name":"n%s","startTimeUnixNano":"1","endTimeUnixNano":"2"}' "$comma" "$id" "$id"
        local comma=,
    done
    printf ']}]}]}'
}

@test 'every kind of record and value is what it is in OTLP/JSON' {
    samples >json
    trace-record import json >expected 2>notes
    [[ $(wc -l <expected) -gt 20 ]]
    grep -q bytesValue expected && grep -q '"doubleValue":"-Infinity"' expected && grep -q exemplars expected
    grep -q '"scale"' expected && grep -q '"quantiles"' expected && grep -q '"links"' expected
    for form in '' --framed --delimited --scatter --unpacked '--framed --scatter'; do
        # shellcheck disable=SC2086
        proto $form <json >in.pb
        trace-record import in.pb >out 2>said
        diff expected out || { echo "form: $form" && return 1; }
        cmp notes said
        trace-record import - <in.pb | cmp expected -
        trace-record import --from=otlp-proto in.pb | cmp expected -
    done
}

@test 'framed files have a 4-byte big-endian length: both forms of a real capture agree' {
    need_data traces/otlp-metrics-file/metrics.pb
    local from=$TRACECORE_TEST_DATA/traces/otlp-metrics-file
    trace-record import "$from/metrics.json" >json
    trace-record import "$from/metrics.pb" >pb
    assert_equal "$(wc -l <pb)" 280
    cmp json pb
}

@test 'what an SDK sends as protobuf is what it sends as JSON, but for what JavaScript lost' {
    need_data captures/03-otlp-proto.body
    local from=$TRACECORE_TEST_DATA/captures
    # its JSON has null for NaN and for the infinities
    trace-record import "$from/01-otlp-json.body" | sed 's/"inf?":{"doubleValue":"NaN"}/"inf?":{"doubleValue":"Infinity"}/' >json
    trace-record import "$from/03-otlp-proto.body" | cmp json -
    trace-record import "$from/04-otlp-proto-gzip.body" | cmp json -
    assert_equal "$(wc -l <json)" 30
    # of other moments, JavaScript having no doubles that are integral
    for body in 10 11; do
        trace-record import "$from/$body-metrics-proto.body" | sed 's/UnixNano":"[0-9]*"//g' >pb
        trace-record import "$from/06-metrics-json.body" | sed 's/UnixNano":"[0-9]*"//g' | cmp pb -
    done
}

@test 'the number of threads does not matter' {
    for i in {1..300}; do samples; done | proto --framed >in.pb
    trace-record import -j1 in.pb >1 2>/dev/null
    trace-record import -j4 in.pb >4 2>/dev/null
    cmp 1 4
    proto --delimited < <(for i in {1..300}; do samples; done) | trace-record import 2>/dev/null | cmp 1 -
}

@test 'blocks have the same records, whatever the threads, and are the same bytes' {
    for i in {1..600}; do samples; done | proto --framed >in.pb
    trace-record import in.pb >text 2>notes
    trace-record import -b -j1 in.pb >1 2>said
    trace-record import -b -j4 in.pb >4 2>/dev/null
    cmp notes said
    cmp 1 4
    # in blocks of one type each
    lines() { trace-span filter --type=span,metric,log | sort; }
    lines <1 | cmp - <(sort text)
    trace-record import -b --limit=7 in.pb 2>/dev/null | lines | cmp - <(head -n 7 text | sort)
    trace-record import -b --memory=1M in.pb 2>/dev/null | lines | cmp - <(sort text)
    trace-record import -b --where='.type == "span"' in.pb 2>/dev/null | trace-span filter |
        cmp - <(grep '^{"type":"span"' text)
}

@test 'messages that follow each other without frames are one' {
    for i in 1 2 3; do samples | proto; done >in.pb
    for i in 1 2 3; do samples; done | trace-record import 2>/dev/null >expected
    trace-record import in.pb 2>/dev/null | cmp expected -
}

@test 'spans of instrumentation libraries, as they were until 2022, are read' {
    span 01 | sed 's/scopeSpans/instrumentationLibrarySpans/' >json
    run -0 --separate-stderr trace-record import - < <(proto <json)
    assert_equal "$stderr" ''
    assert_equal "$output" "$(trace-record import json)"
}

@test 'a record without anything in it is what the others are, or else a log record' {
    for records in '{},{"body":{"stringValue":"x"}},{}' '{}' '{},{}'; do
        printf '{"resourceLogs":[{"scopeLogs":[{"logRecords":[]},{"logRecords":[%s]}]}]}' "$records" >json
        proto <json >in.pb
        run -0 --separate-stderr trace-record import in.pb
        assert_equal "$stderr" ''
        assert_equal "$output" "$(trace-record import json)"
    done
    span 01 | sed 's/"spans":\[/&{},/' >json
    proto <json >in.pb
    run -3 --separate-stderr trace-record import in.pb
    assert_equal "$output" "$(trace-record import json 2>/dev/null)"
    assert_equal "${#lines[@]}" 1
    assert_regex "$stderr" '^trace-record: in.pb: a span without traceId'
}

@test 'compressed input is read as it is' {
    samples | proto --framed | gzip -c >in.gz
    trace-record import in.gz 2>/dev/null | cmp - <(samples | trace-record import 2>/dev/null)
}

@test 'a bad span costs that span only, and is kept by --rejects as bytes' {
    span 01 02 03 | proto >in.pb
    sed 's/n02/\xff02/' in.pb >bad.pb
    run -3 --separate-stderr trace-record import --rejects=rejects bad.pb
    assert_equal "${#lines[@]}" 2
    assert_regex "$stderr" '^trace-record: bad.pb: a text that is not UTF-8 \(byte [0-9]+\)$'
    local byte=${stderr##*byte }
    assert_equal "$(tail -c "+${byte%)}" bad.pb | head -c 3)" "$(printf '\xff02')"
    sed -n 's/.*"bytesValue":"\(.*\)".*/\1/p' rejects | base64 -d >bytes
    assert_equal "$(wc -c <bytes)" 51
    grep -qUaP '\xff02' bytes
    LC_ALL=C sed 's/\x00\x02[*]\x03n02/\x00\x00*\x03n02/' in.pb >bad.pb
    run -3 --separate-stderr trace-record import bad.pb
    assert_equal "${#lines[@]}" 2
    assert_regex "$stderr" '^trace-record: bad.pb: spanId is empty or all zero \(byte [0-9]+\)$'
    run -4 --separate-stderr trace-record import --strict bad.pb
    assert_equal "${#lines[@]}" 1
}

@test 'where the wire breaks inside a span, that span is lost, and the byte is named' {
    span 01 02 03 | proto >in.pb
    # the name's length goes beyond the span
    LC_ALL=C sed 's/[*]\x03n02/*\x7fn02/' in.pb >bad.pb
    run -3 --separate-stderr trace-record import bad.pb
    assert_equal "${#lines[@]}" 2
    local at
    at=$(LC_ALL=C grep -obUaP '\x2a\x7fn02' bad.pb | cut -d: -f1)
    assert_equal "$stderr" "trace-record: bad.pb: broken protobuf: a length that goes beyond what is there (byte $((at + 1)))"
}

@test 'a message that is cut off loses what is not there: at each byte' {
    span 01 02 03 04 | proto >in.pb
    local size step=7
    [[ -z ${TRACECORE_TEST_LONG-} ]] || step=1
    size=$(wc -c <in.pb)
    trace-record import in.pb >whole
    for ((bytes = 20; bytes < size; bytes += step)); do
        head -c "$bytes" in.pb >cut.pb
        status=0
        trace-record import --from=otlp-proto cut.pb >out 2>said || status=$?
        # exactly the spans before the cut, one message
        local left=$(((bytes - 6) / 53))
        [[ $left -lt 4 ]]
        cmp out <(head -n "$left" whole)
        assert_equal "$status" 3
        assert_equal "$(wc -l <said)" 1
        grep -q '^trace-record: cut.pb: broken protobuf: .* (byte [0-9]*)$' said
    done
}

@test 'frames that are cut off, too long or no OTLP cost themselves' {
    span 01 | proto --framed >1
    span 02 | proto --framed >2
    cat 1 <(printf '\0\1\0\0' && head -c 65536 /dev/zero | tr '\0' x) 2 >in.pb
    run -3 --separate-stderr trace-record import --line-limit=1K in.pb
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" "trace-record: in.pb: longer than 1024 bytes, the limit for one document (--line-limit raises it) (byte $(($(wc -c <1) + 1)))"
    cat 1 <(printf '\0\0\0\4what') 2 >in.pb
    run -3 --separate-stderr trace-record import in.pb
    assert_equal "${#lines[@]}" 2
    assert_regex "$stderr" "^trace-record: in.pb: broken protobuf: a field of no type \\(byte $(($(wc -c <1) + 5))\\)\$"
    for bytes in 1 3 4 10 50; do
        cat 1 <(head -c "$bytes" 2) >in.pb
        run -3 --separate-stderr trace-record import in.pb
        assert_equal "${#lines[@]}" 1
        assert_regex "$stderr" '^trace-record: in.pb: broken protobuf: '
    done
}

@test 'fields that OTLP does not have are counted and left out' {
    span 01 | proto >in.pb
    # field 31 of the span, a varint: three bytes more in it and around it
    {
        printf '\x0a\x3a\x12\x38\x12\x36'
        tail -c +7 in.pb
        printf '\xf8\x01\x05'
    } >more.pb
    [[ $(wc -c <more.pb) -eq 60 ]]
    run -0 --separate-stderr trace-record import more.pb
    assert_equal "$stderr" 'trace-record: 1 member that the format does not define was left out (field 31)'
    assert_equal "$output" "$(trace-record import in.pb)"
}

@test 'what is no OTLP is an error, once' {
    printf 'hello there\n' >in
    run -4 --separate-stderr trace-record import --from=otlp-proto in
    assert_equal "$stderr" 'trace-record: in: nothing in it is OTLP protobuf (--from=otlp-proto)'
    span 01 >json
    run -4 --separate-stderr trace-record import --from=otlp-proto json
    run -4 --separate-stderr trace-record import --from=otlp < <(proto <json)
    run -0 trace-record import --from=otlp-proto /dev/null
}

@test 'messages behind documents of JSON are read by who read those' {
    local i
    for i in {1..40}; do span "$(printf %02x "$i")"; done >json
    proto --framed <json >messages
    trace-record import json >wanted
    cat wanted wanted >twice
    for i in 1 2; do
        trace-record import -j"$i" json messages >out
        diff twice out
        trace-record import -j"$i" messages json >out
        diff twice out
    done
}

@test 'the other programs name it' {
    run -4 --separate-stderr trace-agg - < <(span 01 | proto)
    assert_equal "$stderr" "trace-agg: -: looks like OTLP protobuf, which is not read here: convert it with 'trace-record import'"
}

@test 'a live pipe is converted message by message' {
    mkfifo pipe
    trace-record import pipe >out &
    local pid=$!
    exec 5>pipe
    span 01 | proto --framed >&5
    for _ in {1..100}; do
        [[ $(wc -l <out) -eq 1 ]] && break
        sleep 0.05
    done
    assert_equal "$(wc -l <out)" 1
    span 02 | proto --framed >&5
    exec 5>&-
    wait "$pid"
    assert_equal "$(wc -l <out)" 2
}
