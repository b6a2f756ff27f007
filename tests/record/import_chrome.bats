#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: Chrome's trace events, and long documents in parts.
bats_require_minimum_version 1.5.0

load ../helper
load import

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# events MEMBERS...: a list of events of one thread with these members.
events() {
    local list
    printf -v list '{"pid":1,"tid":2,%s},\n' "$@"
    printf '[%s]\n' "${list%,$'\n'}"
}

# shown FILTER...: what is imported from standard input, by jq.
shown() {
    need_command jq
    trace-record import - 2>"$BATS_TEST_TMPDIR/said" | jq -rc "$@"
}

@test 'Chrome: times are microseconds with fractions' {
    run -0 trace-record import - < <(events '"ph":"X","name":"a","ts":438877834451.001,"dur":0.0125' '"ph":"B","name":"b","ts":0' '"ph":"E","ts":1.1')
    assert_regex "${lines[0]}" '"startTimeUnixNano":"438877834451001","endTimeUnixNano":"438877834451014","durationNano":13,'
    assert_regex "${lines[1]}" '"startTimeUnixNano":"0","endTimeUnixNano":"1100","durationNano":1100,'
}

@test 'Chrome: an array without its end is legal, an event that is cut short is lost' {
    events '"ph":"X","name":"a","ts":1,"dur":5' '"ph":"X","name":"b","ts":2,"dur":1' >"$BATS_TEST_TMPDIR/in"
    for end in '' ',' $',\n'; do
        { sed '$s/]$//' "$BATS_TEST_TMPDIR/in" | head -c -1 && printf %s "$end"; } >"$BATS_TEST_TMPDIR/open"
        run -0 --separate-stderr trace-record import "$BATS_TEST_TMPDIR/open"
        assert_equal "${#lines[@]}$stderr" 2
    done
    echo '{"ph":"X","name":"c","t' >>"$BATS_TEST_TMPDIR/open"
    run -3 --separate-stderr trace-record import --rejects="$BATS_TEST_TMPDIR/rejects" "$BATS_TEST_TMPDIR/open"
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" "trace-record: $BATS_TEST_TMPDIR/open:3: the text ends within a string (byte 24)"
    assert_equal "$(cat "$BATS_TEST_TMPDIR/rejects")" '{"ph":"X","name":"c","t'
    # other errors are none that may be
    run -3 --separate-stderr trace-record import - <<<'[{"ph":"X","ts":1,"dur":1} {"ph":"X","ts":1,"dur":1}]'
    assert_equal "${#lines[@]}" 2
    assert_regex "$stderr" '^trace-record: -:1: [^ ]'
}

@test 'ends find their beginnings, what lies within is a child' {
    run -0 shown '[.name,.durationNano,.parentSpanId!=null]' < <(events '"ph":"X","name":"inner","ts":2,"dur":1' '"ph":"X","name":"outer","ts":1,"dur":5' \
        '"ph":"B","name":"first","ts":10' '"ph":"B","name":"second","ts":11' '"ph":"E","name":"other","ts":12' '"ph":"E","ts":15' '"ph":"E","ts":16' '"ph":"B","name":"open","ts":20' '"ph":"X","name":"in open","ts":30,"dur":1')
    assert_equal "$output" '["inner",1000,true]
["outer",5000,false]
["first",5000,false]
["second",1000,true]
["open",null,false]
["in open",1000,true]'
    assert_equal "$(cat "$BATS_TEST_TMPDIR/said")" 'trace-record: 1 span is without start or end
trace-record: 1 end of a span that did not begin was left out'
    # threads are apart
    run -0 shown .parentSpanId < <(events '"ph":"X","ts":1,"dur":5' '"tid":3,"ph":"X","ts":2,"dur":1' '"pid":7,"ph":"X","ts":2,"dur":1')
    assert_equal "${lines[*]}" 'null null null'
}

@test 'arguments and other members are attributes' {
    run -0 trace-record import - < <(events '"ph":"B","name":"a","cat":"c","ts":1,"tts":7,"args":{"x":1,"thread.id":"mine","y":[1]}' '"ph":"E","ts":2,"args":{"x":2,"z":null}')
    assert_regex "$output" '"attributes":\{"x":2,"args.thread.id":"mine","y":\[1\],"chrome.category":"c","chrome.tts":7,"z":null,"thread.id":2\}'
    trace-record import <<<"$output" | cmp - <(printf '%s\n' "$output")
    run -0 trace-record import - < <(events '"ph":"X","ts":1,"dur":1,"args":"__stripped__"')
    assert_regex "$output" '"name":"",.*"attributes":\{"chrome.args":"__stripped__","thread.id":2\}'
}

@test 'metadata names processes and threads, wherever it stands' {
    run -0 trace-record import - < <(events '"ph":"X","name":"a","ts":1,"dur":1' '"ph":"M","name":"process_name","args":{"name":"browser"}' '"ph":"M","name":"thread_name","args":{"name":"main"}' '"ph":"M","name":"process_sort_index","args":{"sort_index":1}')
    assert_equal "${#lines[@]}" 1
    assert_regex "$output" '"service":"browser","attributes":\{"thread.id":2,"thread.name":"main"\},"resource":\{"process.pid":1,"service.name":"browser"\}'
}

@test 'async events nest by id and name, on any thread' {
    run -0 shown '[.name//.body,.durationNano,.parentSpanId[:4],.spanId[:4]]' < <(events '"ph":"b","cat":"c","id":"0x1","name":"a","ts":1' '"tid":9,"ph":"b","cat":"c","id":"0x1","name":"b","ts":2' '"ph":"b","cat":"d","id":"0x1","name":"other","ts":2' \
        '"ph":"n","cat":"c","id":"0x1","name":"note","ts":3' '"ph":"e","cat":"c","id":"0x1","name":"a","ts":5' '"ph":"e","cat":"d","id":"0x1","name":"other","ts":6' '"ph":"b","cat":"c","id2":{"local":1},"name":"l","ts":7' '"pid":5,"ph":"e","cat":"c","id2":{"local":1},"name":"l","ts":8' \
        '"ph":"S","cat":"c","id":1,"name":"old","ts":1' '"ph":"T","cat":"c","id":1,"name":"old","ts":2,"args":{"step":"half"}' '"ph":"F","cat":"c","id":1,"name":"old","ts":4')
    a=$(jq -r '.[3]' <<<"${lines[0]}") b=$(jq -r '.[3]' <<<"${lines[1]}") old=$(jq -r '.[3]' <<<"${lines[5]}")
    assert_equal "$output" '["a",4000,null,"'"$a"'"]
["b",null,"'"$a"'","'"$b"'"]
["other",4000,null,'"$(jq '.[3]' <<<"${lines[2]}")"']
["note",null,null,"'"$b"'"]
["l",null,null,'"$(jq '.[3]' <<<"${lines[4]}")"']
["old",3000,null,"'"$old"'"]
["old",null,null,"'"$old"'"]'
}

@test 'flows are links from a slice to the one before' {
    run -0 shown 'select(.name)|[.name,.spanId,.links[0].spanId]' < <(events '"ph":"X","name":"a","ts":1,"dur":5' '"ph":"s","name":"f","id":1,"ts":2' \
        '"tid":3,"ph":"X","name":"around","ts":10,"dur":50' '"tid":3,"ph":"t","name":"f","id":1,"ts":12' \
        '"tid":4,"ph":"X","name":"not here","ts":15,"dur":50' '"tid":4,"ph":"f","name":"f","id":1,"ts":20' '"tid":4,"ph":"X","name":"next","ts":30,"dur":1' \
        '"tid":5,"ph":"X","name":"bound","ts":15,"dur":50' '"tid":5,"ph":"f","bp":"e","name":"f","id":1,"ts":21' \
        '"ph":"X","name":"out","ts":100,"dur":5,"bind_id":"0x2","flow_out":true' '"tid":6,"ph":"X","name":"in","ts":110,"dur":5,"bind_id":"0x2","flow_in":true')
    id() { jq -r 'select(.[0]=="'"$1"'")[1]' <<<"$output"; }
    link() { jq -r 'select(.[0]=="'"$1"'")[2]' <<<"$output"; }
    assert_equal "$(link a) $(link 'not here') $(link out)" 'null null null'
    assert_equal "$(link around)" "$(id a)"
    assert_equal "$(link next)" "$(id around)"
    assert_equal "$(link bound)" "$(id around)"
    assert_equal "$(link in)" "$(id out)"
}

@test 'instants are log records, counters metric points' {
    run -0 trace-record import - < <(events '"ph":"X","name":"a","ts":1,"dur":5' '"ph":"i","name":"tick","ts":2,"s":"t","args":{"n":1}' '"ph":"I","name":"all","ts":2,"s":"g"' \
        '"ph":"C","name":"heap","ts":3,"args":{"value":10}' '"ph":"C","name":"ctr","id":7,"ts":4,"args":{"hot":1.5,"cold":2}')
    local id=${lines[0]#*'"spanId":"'}
    assert_regex "${lines[1]}" '^\{"type":"log","timeUnixNano":"2000","body":"tick","traceId":"[0-9a-f]{32}","spanId":"'"${id%%\"*}"'","attributes":\{"n":1,"thread.id":2\}'
    refute_regex "${lines[2]}" spanId
    assert_equal "${lines[3]}" '{"type":"metric","metricName":"heap","metricType":"gauge","value":10,"timeUnixNano":"3000","resource":{"process.pid":1}}'
    assert_regex "${lines[4]}" '"metricName":"ctr","metricType":"gauge","value":1.5,"timeUnixNano":"4000","dimensions":\{"series":"hot","id":7\}'
    assert_regex "${lines[5]}" '"value":2,"timeUnixNano":"4000","dimensions":\{"series":"cold","id":7\}'
}

@test 'what is no record is counted, and a bad event costs itself' {
    events '"ph":"O","name":"snapshot","ts":1' '"ph":"P","ts":1' >"$BATS_TEST_TMPDIR/in"
    run -0 --separate-stderr trace-record import "$BATS_TEST_TMPDIR/in"
    assert_equal "$output$stderr" 'trace-record: 2 events of kinds that are no span, log or metric were left out'
    local -a cases=(
        '"ts":1' 'an event without a phase (ph) of one letter'
        '"ph":"XX","ts":1' 'an event without a phase (ph) of one letter'
        '"ph":"X","dur":1' 'an event without a time (ts)'
        '"ph":"X","ts":"soon"' 'ts is no number of microseconds in int64 nanoseconds'
        '"ph":"X","ts":1,"dur":[]' 'dur is no number of microseconds in int64 nanoseconds'
        '"ph":"X","ts":1,"name":7' 'a name that is no string'
    )
    for ((at = 0; at < ${#cases[@]}; at += 2)); do
        events '"ph":"X","ts":1,"dur":1' "${cases[at]}" '"ph":"X","ts":1,"dur":1' >in
        costs_itself '2 1' '{"pid":1,"tid":2,'"${cases[at]}}" "${cases[at + 1]}"
    done
}

@test 'a long document gives what a short one does, however it is read' {
    need_command jq
    jq -nc '[range(9000)|{ph:"B",pid:1,tid:(.%3),ts:(.*10),name:"a\(.)",args:{text:"]},{[,"}},{ph:"E",pid:1,tid:(.%3),ts:(.*10+5),args:{n:.}}]' >list
    jq -c '.[]' list >lines
    { echo '[' && sed 's/$/,/' lines; } >open
    { printf '{"displayTimeUnit":"ns","traceEvents":' && cat list && echo ',"metadata":{}}'; } >object
    trace-record import list >wanted
    assert_equal "$(wc -l <wanted)" 9000
    refute grep -qv durationNano wanted
    for file in open object; do
        trace-record import "$file" | cmp - wanted
        cat "$file" | trace-record import -j1 | cmp - wanted
    done
    # a part that is broken loses what is broken
    sed '5000s/"ts":/"ts"/' open >broken
    run -3 --separate-stderr trace-record import broken
    assert_equal "${#lines[@]} ${#stderr_lines[@]}" '8999 2'
    assert_regex "${stderr_lines[0]}" '^trace-record: broken:5000: '
    # memory is what is gathered, not the whole text as a tree: documents beyond the limit are no matter
    trace-record import --line-limit=2M open | cmp - wanted
}

@test 'long lists of other formats come in parts, too' {
    need_command jq
    local pad
    printf -v pad '%1000s' x
    for i in {1..1500}; do echo '{"traceID":"1","spans":[{"traceID":"1","spanID":"'"$i"'","operationName":"'"$pad"'","startTime":1,"duration":1}]}'; done >traces
    { echo '{"data":[' && sed '$!s/$/,/' traces && echo '],"total":0}'; } >data
    trace-record import --from=jaeger traces >wanted
    run -0 --separate-stderr bash -c 'trace-record import --line-limit=1M data | cmp - wanted'
    assert_equal "$stderr" ''
    for i in {1..1500}; do echo '{"traceId":"1","id":"'"$i"'","name":"'"$pad"'","timestamp":1,"duration":1}'; done >spans
    { echo '[' && sed '$!s/$/,/' spans && echo ']'; } >list
    trace-record import spans | cmp - <(trace-record import list)
    for i in {1..1500}; do echo '{"instrumentationLibrarySpans":[{"spans":[{"traceId":"1","spanId":"'"$i"'","name":"'"$pad"'","startTimeUnixNano":1,"endTimeUnixNano":2}]}]}'; done >groups
    { echo '{"resourceSpans":[' && sed '$!s/$/,/' groups && echo '],"resourceMetrics":[]}'; } >otlp
    sed 's/.*/{"resourceSpans":[&]}/' groups | trace-record import - | cmp - <(trace-record import otlp)
    # and say where they end too early
    head -n 1001 data >cut
    run -3 --separate-stderr trace-record import cut
    assert_equal "${#lines[@]}" 1000
    assert_regex "$stderr" '^trace-record: cut:[0-9]+: the text ends '
}

@test 'every real trace file is read' {
    need_data traces/chrome-trace/catapult-big_trace.json
    cd "$TRACECORE_TEST_DATA/traces/chrome-trace"
    # spans, log records, metric points
    local -a files=(async_begin_end '15 7 0' big_trace '933 0 0' flow_simple '5 0 0' instant_events '0 5 0' nanoseconds '8 0 0'
        nestable_async '9 2 0' nestable_async_annotation '9 2 0' simple_trace '12 6 5' trace-with-bad-world-bounds '0 0 0' trivial_trace '2 0 0')
    for ((at = 0; at < ${#files[@]}; at += 2)); do
        trace-record import "catapult-${files[at]}.json" >"$BATS_TEST_TMPDIR/out"
        assert_equal "${files[at]} $(grep -c '"type":"span"' "$BATS_TEST_TMPDIR/out") $(grep -c '"type":"log"' "$BATS_TEST_TMPDIR/out") $(grep -c '"type":"metric"' "$BATS_TEST_TMPDIR/out")" "${files[at]} ${files[at + 1]}"
        trace-record import "$BATS_TEST_TMPDIR/out" 2>/dev/null | cmp - "$BATS_TEST_TMPDIR/out"
    done
}

@test 'of slices that begin at one time the longer one is outside, whichever comes first' {
    need_command jq
    trace-record import - < <(events '"ph":"X","name":"short","ts":1,"dur":1' '"ph":"i","name":"tick","ts":1' '"ph":"X","name":"long","ts":1,"dur":5') |
        jq -sc 'map({key:(.name//.body),value:.})|from_entries|[.short.parentSpanId==.long.spanId,.tick.spanId==.short.spanId,.long.parentSpanId]' >"$BATS_TEST_TMPDIR/out"
    assert_equal "$(cat "$BATS_TEST_TMPDIR/out")" '[true,true,null]'
}

@test 'flows and async events of S, T and F are told apart by name, too' {
    run -0 shown '[.name//.body,.links[0].spanId!=null,.durationNano,.spanId]' < <(events '"ph":"X","name":"a","ts":1,"dur":5' '"ph":"s","name":"f","id":1,"ts":2' \
        '"tid":3,"ph":"X","name":"b","ts":10,"dur":50' '"tid":3,"ph":"t","name":"g","id":1,"ts":12' \
        '"ph":"S","id":1,"name":"one","ts":1' '"ph":"S","id":1,"name":"two","ts":2' '"ph":"T","id":1,"name":"one","ts":3' '"ph":"F","id":1,"name":"one","ts":4')
    assert_equal "$(jq -c '.[:3]' <<<"$output" | paste -sd ' ')" '["a",false,5000] ["b",false,50000] ["one",false,3000] ["two",false,null] ["one",false,null]'
    assert_equal "$(jq -r 'select(.[0] == "one")[3]' <<<"$output" | uniq | wc -l)" 1
}

@test 'attributes that are alike are not taken for each other' {
    need_command jq
    jq -nc '[range(1000;9000)|{ph:"X",pid:1,tid:1,ts:.,dur:1,name:"a",args:{n:.}},{ph:"X",pid:1,tid:1,ts:.,dur:1,name:"a"}]' >"$BATS_TEST_TMPDIR/in"
    trace-record import "$BATS_TEST_TMPDIR/in" | jq '.attributes.n' | cmp - <(for ((n = 1000; n < 9000; n++)); do printf '%s\nnull\n' "$n"; done)
}

@test 'slices that overlap in their thousands cost no square of time, and no memory for their records' {
    need_command jq
    jq -nc '[range(200000)|{ph:"X",pid:1,tid:1,ts:.,dur:(400000-.),name:"in"}] + [range(200000;400000)|{ph:"X",pid:1,tid:1,ts:.,dur:1000000,name:"out"}]' >"$BATS_TEST_TMPDIR/in"
    (
        developer_build || ulimit -v 160000 # the sanitizers reserve terabytes
        run -0 timeout 60 trace-record import -j1 -o "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/in"
    )
    assert_equal "$(grep -c parentSpanId "$BATS_TEST_TMPDIR/out")" 199999
}

@test 'Chrome: a trace that needs more than --memory is refused as a whole' {
    awk 'BEGIN {
        for (i = 0; i < 40000; i++)
            printf "%s{\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%d,\"dur\":5,\"name\":\"a\",\"args\":{\"n\":%d}}", i ? ",\n" : "[", i % 8, i, i
        print "]" }' >in
    run -4 --separate-stderr trace-record import --memory=4M in
    assert_output ''
    assert_equal "$stderr" 'trace-record: in: the document needs more than 4 MiB: give more with --memory=SIZE'
    trace-record import --memory=8M in >out
    assert_equal "$(grep -c . out)" 40000
}

@test 'Chrome: documents are the same on lines of their own and together' {
    local a='{"traceEvents":[{"pid":1,"tid":2,"ph":"X","name":"a","ts":1,"dur":5}]}'
    local b='{"traceEvents":[{"pid":1,"tid":2,"ph":"X","name":"b","ts":2,"dur":1}]}'
    printf '%s\n' "$a" "$a" "$b" "$b" | trace-record import - >wanted
    printf '%s\n' "$a" "$a$b" "$b" | trace-record import - >got
    assert_files_equal got wanted
}
