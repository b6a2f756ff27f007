#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: what OTLP/JSON of real programs has that other readers stumbled over.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR" || return
    ids='"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"'
}

# imported MEMBERS: the record of a span with these members, of which the last of a name counts.
imported() {
    trace-record import - 2>/dev/null <<<'{"resourceSpans":[{"scopeSpans":[{"spans":[{'"$ids${1:+,$1}"'}]}]}]}'
}

# value JSON: what an attribute with this AnyValue becomes.
value() {
    local record
    record=$(imported '"attributes":[{"key":"a","value":'"$1"'}]')
    record=${record#*'"attributes":{"a":'}
    echo "${record%'}}'}"
}

@test 'OTLP: intValue is a string or a number' {
    assert_equal "$(value '{"intValue":"9007199254740993"}') $(value '{"intValue":9007199254740993}')" '9007199254740993 9007199254740993'
    assert_equal "$(value '{"int_value":"-1"}') $(value '{"intValue":0}')" '-1 0'
}

@test 'OTLP: fields that are zero may be left out' {
    assert_equal "$(imported)" "{\"type\":\"span\",$ids,\"name\":\"\",\"kind\":\"unspecified\",\"status\":\"unset\"}"
    assert_equal "$(imported '"kind":0,"status":{},"name":"","flags":0,"droppedEventsCount":0,"startTimeUnixNano":"0"')" "$(imported)"
}

@test 'OTLP: a root has no parentSpanId, or an empty one, or zeros' {
    for parent in '""' null '"0000000000000000"' '"AAAAAAAAAAA="'; do
        assert_equal "$(imported '"parentSpanId":'"$parent")" "$(imported)"
    done
}

@test 'OTLP: NaN and infinities arrive as doubleValue null, or as words' {
    assert_equal "$(value '{"doubleValue":null}')" '{"doubleValue":"NaN"}'
    assert_equal "$(value '{"doubleValue":"-Infinity"}')" '{"doubleValue":"-Infinity"}'
    run -0 trace-record import - <<<'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asDouble":null}]}}]}]}]}'
    assert_equal "$output" '{"type":"metric","metricName":"m","metricType":"gauge","value":"NaN"}'
}

@test 'OTLP: a line of 858,432 bytes' {
    local line
    line='{"resourceSpans":[{"scopeSpans":[{"spans":[{'$ids',"name":"'
    printf -v line '%s%*s"}]}]}]}' "$line" $((858432 - ${#line} - 8)) ''
    assert_equal "${#line}" 858432
    assert_equal "$(trace-record import - 2>/dev/null <<<"$line" | wc -l)" 1
}

@test 'OTLP: traces, metrics and logs in one file, and in one document' {
    local spans='"resourceSpans":[{"scopeSpans":[{"spans":[{'$ids'}]}]}]'
    local metrics='"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":1}]}}]}]}]'
    local logs='"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"b"}}]}]}]'
    trace-record import - 2>/dev/null <<<"{$spans,$metrics,$logs}" >"$BATS_TEST_TMPDIR/one"
    trace-record import - 2>/dev/null <<<"{$spans}"$'\n'"{$metrics}"$'\n'"{$logs}" | cmp - "$BATS_TEST_TMPDIR/one"
    assert_equal "$(grep -o '^{"type":"[a-z]*"' "$BATS_TEST_TMPDIR/one" | tr '\n' ' ')" '{"type":"span" {"type":"metric" {"type":"log" '
}

@test 'OTLP: names of enumerations, and snake_case' {
    local wanted
    wanted=$(imported '"kind":2,"status":{"code":2},"startTimeUnixNano":"1","endTimeUnixNano":"3"')
    for members in '"kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR"},"start_time_unix_nano":1,"end_time_unix_nano":3' \
        '"kind":"server","status":{"code":"Error"},"startTimeUnixNano":1,"endTimeUnixNano":"3"' '"kind":"2","status":{"code":"2"},"startTimeUnixNano":1.0,"endTimeUnixNano":3'; do
        assert_equal "$(imported "$members")" "$wanted"
    done
}

@test 'OTLP: ids in base64 of bytes and of digits, told apart by their field' {
    local wanted trace=5b8efff798038103d269b633813fc60c span=eee19b7ec3c1b174
    wanted=$(imported)
    # 24 characters are a trace id's bytes, or a span id's digits
    for pair in "W47/95gDgQPSabYzgT/GDA== 7uGbfsPBsXQ=" "$(printf %s "$trace" | base64) $(printf %s "$span" | base64)" "${trace^^} ${span^^}"; do
        assert_equal "$(imported '"traceId":"'"${pair% *}"'","spanId":"'"${pair#* }"'"')" "$wanted"
    done
    assert_equal "$(printf %s "$trace" | base64 | tr -d '\n' | wc -c) $(printf %s "$span" | base64 | tr -d '\n' | wc -c)" '44 24'
    # 16 digits are a span id, and a trace id of 64 bits
    run -0 imported "\"traceId\":\"$span\",\"parentSpanId\":\"$span\""
    assert_regex "$output" "\"traceId\":\"0000000000000000$span\",.*\"parentSpanId\":\"$span\""
}

@test 'OTLP: what Tempo calls batches' {
    run -0 trace-record import - <<<'{"batches":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"instrumentationLibrarySpans":[{"spans":[{'"$ids"',"startTimeUnixNano":1,"endTimeUnixNano":2}]}]}]}'
    assert_regex "$output" '"service":"s"'
    need_data traces/agentevals/tempo_export_with_batches.json
    assert_equal "$(trace-record import "$TRACECORE_TEST_DATA/traces/agentevals/tempo_export_with_batches.json" | grep -c '^{"type":"span"')" 86
}

@test 'every JSON body of real clients is read' {
    need_data captures/01-otlp-json.body
    cd "$TRACECORE_TEST_DATA/captures"
    local -a files=(01-otlp-json.body 30 02-otlp-json-gzip.body 30 05-zipkin-json.body 30 06-metrics-json.body 7 07-metrics-json.body 7
        08-metrics-json-delta.body 7 09-metrics-json-delta.body 2 12-logs-json.body 1 zipkinjs-1.body 2)
    for ((at = 0; at < ${#files[@]}; at += 2)); do
        assert_equal "${files[at]} $(trace-record import "${files[at]}" | wc -l)" "${files[at]} ${files[at + 1]}"
    done
}

@test 'OTLP: a long document gives the same records in blocks, which are large' {
    awk 'BEGIN {
        printf "{\"resourceSpans\":["
        for (i = 0; i < 300; i++) {
            printf "%s{\"scopeSpans\":[{\"spans\":[", i ? "," : ""
            for (j = 0; j < 100; j++)
                printf "%s{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"%016x\",\"name\":\"n%d\",\"kind\":2}",
                    j ? "," : "", 1 + i * 100 + j, j % 7
            printf "]}]}"
        }
        print "]}" }' >in.json
    [[ $(wc -c <in.json) -gt 2500000 ]]
    trace-record import in.json >text
    trace-record import -b in.json >blocks
    trace-span filter <blocks | cmp - text
    # not one for each of the parts that lines come from
    assert_equal "$(grep -ao TCB blocks | wc -l)" 2
}

@test 'OTLP: spans are the same whatever they are known by' {
    for i in {1..40}; do
        spans=
        for j in {1..25}; do
            span='{'$ids',"name":"n'$i.$j'","kind":'$((j % 3))',"startTimeUnixNano":"'$((i + 1))'","endTimeUnixNano":"'$((i + j))'"'
            span+=',"attributes":[{"key":"k'$((j % 2))'","value":{"intValue":"'$j'"}},{"key":"s","value":{"stringValue":"é \"'$i'\""}}],"status":{}}'
            spans+=${spans:+,}$span
        done
        echo '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s'$i'"}}]},"scopeSpans":[{"spans":['"$spans"']}]}]}'
    done >lines
    # alone, none is like one before
    while read -r line; do trace-record import - <<<"$line"; done <lines >wanted
    for simd in portable avx2 avx512; do
        TRACECORE_SIMD=$simd trace-record import lines >got 2>messages || (($? == 3)) || continue
        assert_files_equal got wanted
    done
    TRACECORE_SIMD=none run -2 trace-record import lines
}
