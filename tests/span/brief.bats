# trace-span assemble --summary --fields: where sums and extremes are all that is asked for, the
# answer is that of the whole summary cut to the same fields.
bats_require_minimum_version 1.5.0
load ../helper
load spans

lists=(traceId,timeline.totalDuration,structure.spanCount,errors.errorCount
    errors.errorCount,timeline.endTime,traceId,timeline.startTime,type,traceId
    structure.spanCount timeline.totalDuration,timeline.startTime)

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# odd: spans whose times are missing, late, early, backwards or told by a duration.
odd() {
    shop
    span b 1 - 50 60 x y
    span b 2 1 40 - x y
    span b 3 1 - 99 x y
    span c 1 - 70 30 x y
    span d 1 - - - x y client '"status":"error"'
    span e 1 - 10 - x y | sed 's/,"service"/,"durationNano":500,"service"/'
    span f 1 - 10 20 x y | sed 's/"endTimeUnixNano":"[0-9]*"/"endTimeUnixNano":"9223372036854775807"/'
    span 10 1 - 10 20 x y | sed 's/"startTimeUnixNano":"[0-9]*"/"startTimeUnixNano":"-9223372036854775808"/'
    span 11 1 - 50 60 x y
    span 11 1 - 50 60 x y
}

# agree INPUT OPTION...: whatever the fields, the format and the number of threads. The first list is
# had in each format.
agree() {
    local list format threads fast whole=0 formats=(ndjson tsv csv table)
    trace-span assemble --summary "$@" >whole 2>whole.err || whole=$?
    for list in "${lists[@]}"; do
        for format in "${formats[@]}"; do
            trace-span filter --type=trace --format=$format "--fields=$list" whole >wanted
            for threads in 1 8; do
                fast=0
                trace-span assemble --summary -j$threads --format=$format "--fields=$list" "$@" \
                    >got 2>got.err || fast=$?
                cmp got wanted
                cmp got.err whole.err
                ((fast == whole))
            done
        done
        formats=(ndjson)
    done
}

@test 'lines, a binary stream and a repository of odd spans' {
    odd >spans
    trace-span filter -b spans >spans.bin
    trace-record archive repo <spans
    agree spans
    assert_equal "$(wc -l <whole)" 8
    agree spans.bin
    agree repo
    agree spans spans.bin
    agree -w '.service == "x"' repo
    agree --since=2023-11-14T22:13:20.00000004Z spans
}

@test 'blocks of plain spans, whose codes are added up' {
    "$top_srcdir"/contrib/sample-capture.sh --traces=300 >capture.json
    trace-record import capture.json | trace-span filter >spans
    trace-span filter -b spans >spans.bin
    trace-record archive repo <spans
    agree spans
    assert_equal "$(wc -l <whole)" 300
    agree spans.bin
    agree repo
    agree -w '.durationNano % 3 != 0' repo
    agree repo spans
}

# columns_of OPTION...: which columns of repo are read.
columns_of() {
    trace-span assemble --summary "--fields=${lists[0]}" --explain "$@" repo 2>&1 >got |
        sed -n 's/.*: columns \(.*\) bytes$/\1/p' | sed 's/ [0-9,]*//g'
}

@test 'totals that blocks have of their traces, where each span is wanted' {
    awk 'BEGIN { for (i = 0; i < 6000; i++) { t = i * 7 % 400; s = 1000000000 * t + i * 1000
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"n\",\"startTimeUnixNano\":\"%.0f\",\"endTimeUnixNano\":\"%.0f\"%s}\n", t + 1, i + 1, s, s + i % 100 * 20000000, i % 3 ? ",\"status\":\"ok\"" : i % 2 ? "" : ",\"status\":\"error\"" } }' >spans
    trace-record archive repo <spans
    lists=("${lists[@]:0:2}")
    agree repo
    assert_equal "$(columns_of)" traceId
    assert_equal "$(columns_of --since=1970-01-01)" traceId
    for option in --since=1970-01-01T00:01:00.5Z --until=1970-01-01T00:02:00Z --where='.status == "error"' \
        --where=true; do
        assert_equal "$(columns_of "$option" | grep -c startTime)" 1
        trace-span assemble --summary "--fields=${lists[0]}" "$option" spans >wanted
        trace-span assemble --summary "--fields=${lists[0]}" "$option" repo >got
        assert_files_equal got wanted
    done
}

@test 'totals are of the spans that upkeep leaves' {
    "$top_srcdir"/contrib/sample-capture.sh --traces=90 >capture.json
    trace-record import capture.json | trace-span filter >spans
    split -n l/5 spans part.
    for part in part.*; do trace-record archive repo <"$part"; done
    gone=$(jq -rs '.[7].traceId' spans)
    trace-record erase repo -w ".traceId == \"$gone\""
    grep -v "$gone" spans >left
    for run in as-it-is compact; do
        [[ $run == as-it-is ]] || trace-record compact repo
        trace-record check repo
        trace-span assemble --summary "--fields=${lists[0]}" left >wanted
        trace-span assemble --summary "--fields=${lists[0]}" repo >got
        assert_files_equal got wanted
        assert_equal "$(columns_of)" traceId
    done
}

@test 'thousands of traces, many of which begin at once, and one long before' {
    awk 'BEGIN { for (i = 0; i < 12000; i++) {
        t = i * 7919 % 6000; s = t ? 1000000 + t * 31 % 500 : 1
        printf "{\"type\":\"span\",\"traceId\":\"%016x%016x\",\"spanId\":\"%016x\",\"name\":\"n\",\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\",\"status\":\"%s\"}\n", t * 40503 % 65536, t + 1, i + 1, s + i % 3, s + i % 100, i % 7 ? "ok" : "error" } }' >spans
    trace-span filter -b spans >spans.bin
    lists=("${lists[0]}")
    agree spans
    assert_equal "$(wc -l <whole)" 6000
    agree spans.bin
}

@test 'real captures and hostile lines' {
    need_data traces/otlp-file-exporter-otel-demo.jsonl hostile/made
    trace-record import "$TRACECORE_TEST_DATA/traces/otlp-file-exporter-otel-demo.jsonl" >spans
    trace-record archive repo <spans
    lists=("${lists[@]:0:2}")
    agree spans
    agree repo
    for file in "$TRACECORE_TEST_DATA"/hostile/made/{ndjson,span}-*.ndjson; do
        lists=("${lists[0]}")
        agree "$file"
    done
}

@test 'what has no column in the stream, and what a summary has besides, is as before' {
    odd >spans
    trace-span assemble --summary spans 2>/dev/null >whole
    for list in rootSpanId,structure.spanCount serviceName traceId,spanCount,type \
        timeline.criticalPathDuration errors; do
        run -0 --separate-stderr trace-span assemble --summary "--fields=$list" spans
        trace-span filter --type=trace "--fields=$list" whole >wanted 2>wanted.err
        assert_equal "$output" "$(<wanted)"
        assert_equal "$stderr" "$(printf '%s\n' 'trace-span: 1 span ends before it starts' \
            'trace-span: 4 spans are without start or end' | cat - wanted.err)"
    done
}

@test 'a field that no trace has is told' {
    { span a 1 - - - x y; span b 1 - - - x y; } >spans
    run -0 --separate-stderr trace-span assemble --summary --format=tsv --fields=traceId,timeline.totalDuration spans
    assert_output $'traceId\ttimeline.totalDuration\n0000000000000000000000000000000a\t\n0000000000000000000000000000000b\t'
    assert_line --index 0 --regexp '^traceId'
    [[ $stderr == *"no record had the field 'timeline.totalDuration'"* ]]
    run -0 --separate-stderr trace-span assemble --summary --fields=traceId,structure.spanCount spans
    assert_line --index 0 '{"traceId":"0000000000000000000000000000000a","structure.spanCount":1}'
    assert_equal "$stderr" 'trace-span: 2 spans are without start or end'
}

@test 'nothing in gives a heading; --limit and -o hold; a file appears when all is done' {
    run -0 trace-span assemble --summary --format=csv --fields=traceId,structure.spanCount </dev/null
    assert_output traceId,structure.spanCount
    run -0 trace-span assemble --summary --fields=traceId,structure.spanCount </dev/null
    assert_output ''
    odd >spans
    run -0 --separate-stderr trace-span assemble --summary --format=tsv --limit=2 --fields=structure.spanCount,type -o out spans
    assert_equal "$(<out)" $'structure.spanCount\ttype\n6\ttrace\n1\ttrace'
    run -0 --separate-stderr trace-span assemble --summary --limit=0 --fields=traceId spans
    assert_output ''
    run -4 --separate-stderr trace-span assemble --summary --fields=traceId -o none/out spans
    run -2 --separate-stderr trace-span assemble --summary -b --fields=traceId spans
}

@test 'spans of one trace need no more memory, and no file' {
    of_traces() {
        awk -v n="$1" -v trace="${2-}" 'BEGIN { for (i = 1; i <= n; i++)
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\"}\n", trace ? trace : i, i, i, i + 9 }'
    }
    of_traces 2999 >spans
    TMPDIR=/nowhere run -0 trace-span assemble --summary --fields=traceId --memory=100K spans
    assert_equal "${#lines[@]}" 2999
    of_traces 30000 5 >one
    run -0 trace-span assemble --summary --memory=1M one # on disk
    assert_output --partial '"spanCount":30000'
    TMPDIR=/nowhere run -0 trace-span assemble --summary --fields=structure.spanCount,timeline.totalDuration --memory=1M one
    assert_output '{"structure.spanCount":30000,"timeline.totalDuration":30008}'
}
