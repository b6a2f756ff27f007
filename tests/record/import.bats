#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: OTLP/JSON in all dialects, and what is bad in it.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    data=$top_srcdir/tests/data/otlp
}

# span MEMBERS: a document with one span that has these members besides its ids, and times if they
# are not among them.
span() {
    local times=',"startTimeUnixNano":"1","endTimeUnixNano":"2"'
    [[ ${1-} != *TimeUnixNano* ]] || times=
    printf '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"%s}]}]}]}\n' "$times${1:+,$1}"
}

# same NAME < OUTPUT: whether the output is what is expected of that sample.
same() {
    diff "$data/$1.ndjson" - >"$BATS_TEST_TMPDIR/diff" || {
        echo "tests/data/otlp/$1:"
        cat "$BATS_TEST_TMPDIR/diff"
        return 1
    }
}

@test 'every dialect of OTLP/JSON gives the records expected of it' {
    for name in span omitted ids values duplicates tempo snake enums metrics logs; do
        trace-record import "$data/$name.json" 2>/dev/null | same "$name"
    done
}

@test 'importing again changes nothing' {
    for name in span omitted ids values duplicates tempo snake enums metrics logs; do
        trace-record import "$data/$name.ndjson" | same "$name"
    done
}

@test 'the layout of the text does not matter' {
    # one document a line, all on one line, spread over lines, with a byte-order mark and CR LF
    tr -d '\n' <"$data/snake.json" | trace-record import | same snake
    sed 's/[{,]/&\n  /g' "$data/snake.json" | trace-record import | same snake
    { printf '\xef\xbb\xbf' && sed 's/$/\r/' "$data/snake.json"; } | trace-record import | same snake
    { printf '\n \n' && cat "$data/snake.json"; } | trace-record import - | same snake
}

@test 'the number of threads does not matter' {
    repeat 400 "$data"/{metrics,span,logs,values}.json >"$BATS_TEST_TMPDIR/in"
    trace-record import -j1 "$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/1"
    trace-record import -j4 "$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/4"
    cmp "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/4"
    trace-record import -j4 --memory=1K --explain "$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/said" |
        cmp "$BATS_TEST_TMPDIR/1" -
    grep -q 'up to 1 thread$' "$BATS_TEST_TMPDIR/said"
    assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/1")" "$((400 * (17 + 1 + 5 + 1)))"
}

@test 'compressed input is read as it is' {
    gzip -c "$data/metrics.json" >"$BATS_TEST_TMPDIR/in.gz"
    trace-record import "$BATS_TEST_TMPDIR/in.gz" | same metrics
    trace-record import <"$BATS_TEST_TMPDIR/in.gz" | same metrics
}

@test 'compressed input that is cut short is an error' {
    gzip -c "$data/metrics.json" >"$BATS_TEST_TMPDIR/in.gz"
    for bytes in 6 12 19 20 100 300; do
        run -4 --separate-stderr trace-record import - < <(head -c "$bytes" "$BATS_TEST_TMPDIR/in.gz")
        assert_regex "$stderr" '^trace-record: -: cannot decompress: '
    done
    run -0 trace-record import - < <(gzip -c </dev/null)
}

@test 'only one layer of compression is taken off' {
    gzip -c "$data/metrics.json" | gzip -c >"$BATS_TEST_TMPDIR/in.gz.gz"
    run -4 --separate-stderr trace-record import "$BATS_TEST_TMPDIR/in.gz.gz"
    assert_regex "$stderr" 'nothing in it is of a format that import knows'
    need_data hostile/libarchive/test_read_filter_gzip_recursive.gz # unpacks to itself, without end
    run -4 timeout 20 trace-record import "$TRACECORE_TEST_DATA/hostile/libarchive/test_read_filter_gzip_recursive.gz"
}

@test 'several inputs follow each other' {
    run -0 --separate-stderr trace-record import "$data/enums.json" "$data/logs.json"
    assert_equal "${#lines[@]}" 10
}

@test 'a bad span costs that span only, and is kept by --rejects' {
    # each line: what the span has, what is said about it
    local -a cases=(
        '"kind":[]' 'a kind that is neither name nor number'
        '"status":{"code":true}' 'a status that is neither name nor number'
        '"status":7' 'a status that is no object'
        '"name":7' 'a name that is no string'
        '"startTimeUnixNano":"soon"' 'startTimeUnixNano is no int64'
        '"endTimeUnixNano":1e30' 'endTimeUnixNano is no int64'
        '"traceId":""' 'traceId is empty or all zero'
        '"traceId":null' 'a span without traceId'
        '"spanId":"0000000000000000"' 'spanId is empty or all zero'
        '"spanId":5' 'an id that is no string'
        '"events":{}' 'events is no array'
        '"events":[1]' 'an element of events that is no object'
        '"links":[[]]' 'an element of links that is no object'
        '"attributes":{"a":1}' 'attributes that are no array'
        '"attributes":[5]' 'an attribute that is no object'
        '"attributes":[{"value":{}}]' 'an attribute without a key'
        '"attributes":[{"key":"a","value":5}]' 'attribute a: a value that is no object'
        '"attributes":[{"key":"a","value":{"intValue":"1.5"}}]' 'attribute a: an intValue that is no integer'
        '"attributes":[{"key":"a","value":{"doubleValue":"x"}}]' 'attribute a: a doubleValue that is no number'
        '"attributes":[{"key":"a","value":{"boolValue":1}}]' 'attribute a: a boolValue that is neither true nor false'
        '"attributes":[{"key":"a","value":{"stringValue":1}}]' 'attribute a: a stringValue that is no string'
        '"attributes":[{"key":"a","value":{"oddValue":1}}]' 'attribute a: a value of a kind that OTLP does not know'
        '"attributes":[{"key":"a","value":{"arrayValue":[]}}]' 'attribute a: an arrayValue is no object'
        '"droppedEventsCount":"many"' 'no integer where one belongs ("droppedEventsCount":)'
    )
    for ((at = 0; at < ${#cases[@]}; at += 2)); do
        { span '"name":"before"' && span "${cases[at]}" && span '"name":"after"'; } >"$BATS_TEST_TMPDIR/in"
        run -3 --separate-stderr trace-record import --rejects="$BATS_TEST_TMPDIR/rejects" "$BATS_TEST_TMPDIR/in"
        assert_equal "${#lines[@]}" 2
        assert_equal "${stderr_lines[0]}" "trace-record: $BATS_TEST_TMPDIR/in:2: ${cases[at + 1]} (byte 44)"
        assert_equal "$(cat "$BATS_TEST_TMPDIR/rejects")" \
            "$(sed -n '2s/.*"spans":\[\(.*\)\]}\]}\]}$/\1/p' "$BATS_TEST_TMPDIR/in")"
    done
}

@test 'a bad span in a document over lines is named by its own line' {
    run -3 --separate-stderr trace-record import - <<'EOF'
{
  "resourceSpans": [{"scopeSpans": [{"spans": [
    {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "1", "startTimeUnixNano": 1, "endTimeUnixNano": 2},
    {"traceId": "5b8efff798038103d269b633813fc60c",
     "spanId": ""},
    {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "3", "startTimeUnixNano": 1, "endTimeUnixNano": 2}
  ]}]}]
}
EOF
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" 'trace-record: -:4: spanId is empty or all zero (byte 5)'
}

@test 'bad data points and log records cost themselves only' {
    run -3 --separate-stderr trace-record import - <<'EOF'
{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"x"},{"asInt":"2"}]}},{"gauge":{"dataPoints":[]}},{"name":"odd","data":{"x":1}},{"name":"h","histogram":{"aggregationTemporality":5,"dataPoints":[{}]}}]}]}]}
{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":25},{"body":{"intValue":1}},7]}]}]}
EOF
    assert_equal "${lines[*]}" '{"type":"metric","metricName":"m","metricType":"gauge","value":2} {"type":"log","body":1}'
    assert_equal "$stderr" 'trace-record: -:1: asInt is no integer (byte 85)
trace-record: -:1: a metric without a name (byte 116)
trace-record: -:1: a metric without data of a kind that OTLP knows (byte 144)
trace-record: -:1: an aggregationTemporality that OTLP does not know (byte 174)
trace-record: -:2: a severityNumber that OTLP does not know (byte 47)
trace-record: -:2: an element of logRecords that is no object (byte 93)
trace-record: 1 member that the format does not define was left out (data)'
}

@test 'a line that is no JSON costs that line only' {
    { span && echo 'oops {' && echo '{"resourceSpans":[{"x' && echo '{"resourceSpans":[' && span; } >"$BATS_TEST_TMPDIR/in"
    run -3 --separate-stderr trace-record import --rejects="$BATS_TEST_TMPDIR/rejects" - <"$BATS_TEST_TMPDIR/in"
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" 'trace-record: -:2: not a JSON value (byte 1)
trace-record: -:3: the text ends within a string (byte 22)
trace-record: -:4: the text ends where a value is missing (byte 19)'
    assert_equal "$(cat "$BATS_TEST_TMPDIR/rejects")" "$(sed -n 2,4p "$BATS_TEST_TMPDIR/in")"
}

@test 'a document of no known format among others is rejected' {
    run -3 --separate-stderr trace-record import - < <(span && echo '{"hello":1}' && echo '[7]' && span)
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" 'trace-record: -:2: this is not of a format that import knows
trace-record: -:3: this is not of a format that import knows'
}

@test 'an empty list has no records, as a server without traces answers' {
    for from in '' --from=zipkin --from=chrome; do
        run -0 trace-record import $from - <<<'[]'
        assert_equal "$output" ''
    done
    run -4 trace-record import --from=otlp - <<<'[]'
}

@test 'an input with nothing that import knows is one error' {
    for text in hello '{"hello":1}' $'{"a":1}\n{"b":2}\nfoo'; do
        run -4 --separate-stderr trace-record import - <<<"$text"
        assert_equal "$output" ''
        assert_equal "${#stderr_lines[@]}" 1
        assert_regex "$stderr" 'nothing in it is of a format that import knows: otlp, otlp-proto, .*, native$'
    done
    run -4 --separate-stderr trace-record import - < <(printf 'PK\3\4\24\0\0\0\10\0')
    assert_equal "$stderr" 'trace-record: -: looks like a ZIP archive: unzip -p prints what is in it'
    run -4 --separate-stderr trace-record import --from=otlp "$data/span.ndjson"
    assert_regex "$stderr" 'nothing in it is OTLP/JSON \(--from=otlp\)$'
    run -4 --separate-stderr trace-record import - <<<$'{\n"resourceSpans": [,]}'
    assert_equal "$stderr" 'trace-record: -:2: a comma where a value is missing (byte 19)'
}

@test 'an unknown --from is a usage error that names the formats' {
    run -2 --separate-stderr trace-record import --from=otpl "$data/span.json"
    assert_regex "$stderr" "'otpl' is no format \(did you mean otlp\?\); there are otlp, otlp-proto, .*native"
}

@test 'empty input is no error' {
    run -0 trace-record import - </dev/null
    assert_equal "$output" ''
    run -0 trace-record import - <<<'{"resourceSpans":[]}'
    assert_equal "$output" ''
}

@test '--strict ends at the first reject, with nothing behind it' {
    { span && span '"name":7' && span; } >"$BATS_TEST_TMPDIR/in"
    run -4 --separate-stderr trace-record import --strict "$BATS_TEST_TMPDIR/in" "$data/span.json"
    assert_equal "${#lines[@]}" 1
    assert_equal "${#stderr_lines[@]}" 1
}

@test 'progress counts in the right number' {
    run -0 --separate-stderr trace-record import --progress "$data/span.json"
    assert_regex "$stderr" '1 chunk, 1 record, [0-9]+ records/s, 100 % of '
}

@test 'what OTLP does not define is counted, not dropped in silence' {
    run -0 --separate-stderr trace-record import - < <(span '"durationNanos":5,"future":[1],"nothing":0')
    assert_equal "$stderr" 'trace-record: 2 members that the format does not define were left out (first: durationNanos)'
    run -0 --separate-stderr trace-record import - < <(span '"future":[1]')
    assert_equal "$stderr" 'trace-record: 1 member that the format does not define was left out (future)'
}

@test 'a kind or status code of no known name costs no span' {
    { span '"kind":9' && span '"kind":"SPAN_KIND_ODD","status":{"code":"3"}' && span '"kind":-1' | sed 's/5b8eff/no hex/'; } >"$BATS_TEST_TMPDIR/in"
    run -0 --separate-stderr trace-record import "$BATS_TEST_TMPDIR/in"
    assert_regex "${lines[0]}" '"kind":"unspecified",.*"status":"unset","attributes":\{"tracecore.original_kind":9\}\}'
    assert_regex "${lines[1]}" '"attributes":\{"tracecore.original_kind":"SPAN_KIND_ODD","tracecore.original_status":"3"\}\}'
    assert_regex "${lines[2]}" '"attributes":\{"tracecore.original_id":"no hex.*","tracecore.original_kind":-1\}\}'
    assert_equal "$stderr" 'trace-record: 4 kinds or status codes are unknown: taken as unset'
    trace-record import "$BATS_TEST_TMPDIR/in" 2>/dev/null | trace-record import | cmp - <(printf '%s\n' "$output")
}

@test 'numbers of kinds and status codes in native records become words' {
    run -0 --separate-stderr trace-record import - <<'EOF'
{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"1","status":2,"kind":3,"startTimeUnixNano":1,"endTimeUnixNano":2}
{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"2","status":"STATUS_CODE_OK","kind":"SPAN_KIND_SERVER","startTimeUnixNano":1,"endTimeUnixNano":2}
{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"3","status":"error","kind":7,"startTimeUnixNano":1,"endTimeUnixNano":2}
EOF
    assert_regex "${lines[0]}" '"kind":"client",.*,"status":"error"'
    assert_regex "${lines[1]}" '"kind":"server",.*,"status":"ok"'
    assert_regex "${lines[2]}" '"kind":"unspecified",.*,"status":"error"'
    assert_equal "$stderr" 'trace-record: 1 kind or status code is unknown: taken as unset'
}

@test 'what is odd about records that are kept is counted' {
    span '"startTimeUnixNano":"5","endTimeUnixNano":"3"' >"$BATS_TEST_TMPDIR/otlp"
    { span '"name":"a","name":"b"' && span '"startTimeUnixNano":"5"'; } >>"$BATS_TEST_TMPDIR/otlp"
    run -0 --separate-stderr trace-record import "$BATS_TEST_TMPDIR/otlp"
    assert_equal "$stderr" 'trace-record: 1 key occurred twice in an object: the last one counted
trace-record: 1 span ends before it starts: it has no duration
trace-record: 1 span is without start or end'
    cat >"$BATS_TEST_TMPDIR/native" <<'EOF'
{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"1","attributes":{"a":1,"a":2,"b":1,"b":2}}
{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"1","startTimeUnixNano":"5","endTimeUnixNano":"3"}
{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"1","startTimeUnixNano":"5","endTimeUnixNano":"3"}
{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"1"}
EOF
    run -0 --separate-stderr trace-record import -j2 "$BATS_TEST_TMPDIR/native"
    assert_equal "$stderr" 'trace-record: 2 keys occurred twice in an object: the last one counted
trace-record: 2 spans end before they start: they have no duration
trace-record: 2 spans are without start or end'
}

@test 'a metric without data points is no reject' {
    run -0 --separate-stderr trace-record import - <<'EOF'
{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"nodata"},{"name":"none","gauge":{"dataPoints":[]}},{"name":"m","gauge":{"dataPoints":[{"asInt":"2"}]}}]}]}]}
EOF
    assert_equal "$output" '{"type":"metric","metricName":"m","metricType":"gauge","value":2}'
    assert_equal "$stderr" 'trace-record: 2 metrics without a data point gave no record'
}

@test "a resource's dropped attributes are counted in it" {
    local spans='"scopeSpans":[{"spans":[{"traceId":"1","spanId":"2","startTimeUnixNano":1,"endTimeUnixNano":2}]}]'
    run -0 --separate-stderr trace-record import - <<EOF
{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":{"intValue":"1"}}],"droppedAttributesCount":3},$spans},
{"resource":{"droppedAttributesCount":4},$spans}]}
EOF
    assert_regex "${lines[0]}" ',"resource":\{"a":1,"droppedAttributesCount":3\}\}$'
    assert_regex "${lines[1]}" ',"resource":\{"droppedAttributesCount":4\}\}$'
    assert_equal "$stderr" ''
}

@test 'records can be selected while they are imported' {
    run -0 --separate-stderr trace-record import --type=log,span "$data/span.json" "$data/metrics.json" "$data/logs.json"
    assert_equal "${#lines[@]}" 6
    run -0 --separate-stderr trace-record import --since=1970-01-01T00:00:00.000002001Z --until=2000-01-01 "$data/metrics.json"
    assert_equal "${#lines[@]}" 4
    assert_equal "${stderr_lines[1]}" 'trace-record: 1 record without a time left out by --since or --until'
    run -2 trace-record import --type=spam "$data/span.json"
    run -2 trace-record import --type=metrc "$data/span.json"
    assert_line --partial 'did you mean metric?'
}

@test 'selecting while importing is what a filter behind it would do' {
    cd "$BATS_TEST_TMPDIR"
    cat "$data"/{span,metrics,logs}.json >in
    echo '{"type":"clock","timeUnixNano":"5"}' >>in
    for option in --since=2000-01-01 --until=2000-01-01 -w'.value > 1' -w'.name | ascii_downcase == "get /cart"' \
        -w'.name | error("no")'; do
        run -0 --separate-stderr trace-record import "$option" in
        printf '%s\n' "$output" >imported
        echo "$stderr" >said
        run -0 --separate-stderr bash -c 'trace-record import in | trace-span filter --type=span,metric,log "$@"' bash "$option"
        diff imported <(printf '%s\n' "$output")
        diff said <(printf '%s\n' "${stderr//trace-span:/trace-record:}")
    done
}

@test '--pass forwards native records that are not worked on, as they are' {
    cd "$BATS_TEST_TMPDIR"
    cat >in <<'EOF'
{ "type" : "future", "b":1.50, "a":{} }
{"value":2,  "metricName":"m"}
{"type":"span"}
{
 "type": "future"
}
EOF
    cat "$data/span.json" >>in
    run -3 --separate-stderr trace-record import in
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 '{"type":"metric","metricName":"m","value":2}'
    assert_equal "${stderr_lines[0]}" 'trace-record: in:1: this is not of a format that import knows'
    for from in '' --from=native; do
        run -3 --separate-stderr trace-record import --pass $from -w '.value == 2' in
        assert_equal "$output" '{ "type" : "future", "b":1.50, "a":{} }
{"type":"metric","metricName":"m","value":2}
{  "type": "future" }'
        assert_equal "${stderr_lines[0]}" 'trace-record: in:3: a span without traceId'
    done
    run -3 --separate-stderr trace-record import --pass --type=span -w '.name == "GET /cart"' in
    assert_line --index 1 '{"value":2,  "metricName":"m"}'
    assert_line --index 3 --partial '"name":"GET /cart"'
    run -0 bash -c 'head -n 2 in | trace-record import --pass --from=native | trace-span filter --pass'
    assert_line --index 0 '{ "type" : "future", "b":1.50, "a":{} }'
    run -4 trace-record import --pass --from=otlp <(head -n 2 in)
}

@test 'a document longer than the limit is passed over' {
    { span && span "\"name\":\"$(printf '%2000s' x)\"" && span; } >"$BATS_TEST_TMPDIR/in"
    run -3 --separate-stderr trace-record import --line-limit=1K "$BATS_TEST_TMPDIR/in"
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" "trace-record: $BATS_TEST_TMPDIR/in:2: longer than 1024 bytes, the limit for one document (--line-limit raises it)"
}

@test 'deep nesting is refused, not followed' {
    local deep
    deep=$(printf '{"arrayValue":{"values":[%.0s' {1..300})
    run -3 --separate-stderr trace-record import - < <(span && span "\"attributes\":[{\"key\":\"a\",\"value\":$deep}]" && span)
    assert_equal "${#lines[@]}" 2
}

@test 'records of a live pipe come out while it is open' {
    mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
    trace-record import "$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
    exec {out}<"$BATS_TEST_TMPDIR/out" {in}>"$BATS_TEST_TMPDIR/in"
    span '"name":"one"' >&"$in"
    read -r -t 10 line <&"$out"
    assert_regex "$line" '"name":"one"'
    span '"name":"two"' >&"$in"
    read -r -t 10 line <&"$out"
    assert_regex "$line" '"name":"two"'
    exec {in}>&- {out}<&-
    wait "$!"
}

@test 'a closed pipe is a quiet end, a full disk an error' {
    repeat 3000 "$data/span.json" >"$BATS_TEST_TMPDIR/in"
    run -0 bash -c 'trace-record import "$1" | head -1 >/dev/null; exit "${PIPESTATUS[0]}"' - "$BATS_TEST_TMPDIR/in"
    run -4 bash -c 'trace-record import "$1" >/dev/full' - "$data/span.json"
}

@test 'a real capture of the collector gives every record' {
    need_data traces/otlp-file-exporter-otel-demo.jsonl
    trace-record import "$TRACECORE_TEST_DATA/traces/otlp-file-exporter-otel-demo.jsonl" >"$BATS_TEST_TMPDIR/out"
    assert_equal "$(cut -d, -f1 "$BATS_TEST_TMPDIR/out" | sort | uniq -c | tr -s ' \n' ' ')" \
        ' 23 {"type":"log" 4551 {"type":"metric" 547 {"type":"span" '
}

@test 'the sample capture gives every record' {
    "$top_srcdir/contrib/sample-capture.sh" >"$BATS_TEST_TMPDIR/capture"
    trace-record import "$BATS_TEST_TMPDIR/capture" >"$BATS_TEST_TMPDIR/out"
    for pair in span:traceId metric:timeUnixNano log:severityNumber; do
        # counted by what only such records have in the capture
        case $pair in
        span:*) wanted=$(grep -o '"startTimeUnixNano":"[0-9]*","endTime' "$BATS_TEST_TMPDIR/capture" | wc -l) ;;
        metric:*) wanted=$(grep -oE '"(asInt|asDouble|bucketCounts)":' "$BATS_TEST_TMPDIR/capture" | wc -l) ;;
        log:*) wanted=$(grep -o '"severityNumber":' "$BATS_TEST_TMPDIR/capture" | wc -l) ;;
        esac
        assert_equal "$pair $(grep -c "^{\"type\":\"${pair%:*}\"" "$BATS_TEST_TMPDIR/out")" "$pair $wanted"
    done
}
