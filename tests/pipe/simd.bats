# SPDX-License-Identifier: GPL-3.0-or-later
# AVX-512, AVX2 and portable C read text to the same records: every program gives the same bytes,
# messages and exit status with each, of what is well written and of what is not.
bats_require_minimum_version 1.5.0
load ../helper

setup_file() {
    local simd
    sets=''
    for simd in portable avx2 avx512; do
        ! TRACECORE_SIMD=$simd trace-span filter </dev/null 2>/dev/null || sets+=" $simd"
    done
    export sets
    cd "$BATS_FILE_TMPDIR" || return
    records >records.ndjson
}

setup() {
    [[ $sets == *avx* ]] || skip 'this processor has neither AVX2 nor AVX-512'
    cd "$BATS_TEST_TMPDIR" || return
}

# records: spans, metrics and logs in all shapes that lines have: the same keys again and again, keys
# in other orders, texts of every length from 0 to 200 with and without escapes and letters of several
# bytes, numbers of all kinds, nested values, blanks; lines that are cut anywhere, and bad bytes.
records() {
    awk '
    function text(length_, kind,    s, i) {
        s = ""
        for (i = 0; i < length_; i++)
            s = s (kind == 1 && i % 13 == 7 ? "\\\"" : kind == 2 && i % 11 == 5 ? "\303\251" : kind == 3 && i % 17 == 3 ? "\\u00e9" : substr("abcdefghijklmnopqrstuvwxyz", i % 26 + 1, 1))
        return s
    }
    function span(i, name, attributes) {
        return sprintf("{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"%s\",\"kind\":\"server\",\"startTimeUnixNano\":\"%d000000000\",\"endTimeUnixNano\":\"%d000000%03d\",\"durationNano\":%d,\"status\":\"%s\",\"service\":\"s%d\",\"attributes\":{%s}}",
                       int(i / 5) + 1, i + 1, name, 1700000000 + i % 60, 1700000000 + i % 60, i % 1000, i % 1000, i % 9 ? "ok" : "error", i % 4, attributes)
    }
    BEGIN {
        split("0 -1 17 1.5 -0.0 1e3 1E-7 123456789012345678901234567890 9223372036854775807 true false null \"\" [] {} [1,[2,{\"a\":\"b\"}]] {\"k\":{\"k\":[]}}", value, " ")
        for (i = 0; i < 400; i++)
            print span(i, "GET /cart", "\"a\":" i ",\"b\":\"x\"")
        for (i = 0; i <= 200; i++)
            for (kind = 0; kind < 4; kind++)
                print span(400 + i, text(i, kind), "\"a\":" value[i % 17 + 1])
        for (i = 0; i < 200; i++) {
            printf "{\"status\":\"ok\" , \"durationNano\":%d,\t\"spanId\":\"%x\",\"name\":\"%s\",\"service\":\"s%d\",\"traceId\":\"%x\"%s}\n", i * 7, i + 1, text(i % 40, i % 4), i % 3, i + 1, i % 2 ? ",\"x\":" value[i % 17 + 1] : ""
            printf "{\"metricName\":\"m%d\",\"value\":%s,\"timeUnixNano\":\"%d\",\"dimensions\":{\"d\":\"%s\"}}\n", i % 5, value[i % 9 + 1], 1700000000000000000 + i, text(i % 70, i % 4)
            printf "{\"type\":\"log\",\"timeUnixNano\":\"1700000000000000000\",\"severity\":\"%s\",\"body\":\"%s\"}\r\n", i % 2 ? "info" : "fatal", text(i, i % 4)
        }
        whole = span(7, text(40, 1), "\"a\":{\"b\":[1,2.5e-3,\"" text(30, 2) "\"]}")
        for (i = 1; i < length(whole); i++)
            print substr(whole, 1, i)
        for (i = 1; i < length(whole); i += 3)
            print substr(whole, 1, i) substr("\001\037\177\200\377,:{}[]\"\\x", i % 14 + 1, 1) substr(whole, i + 1)
        printf "%s", whole
    }'
}

# same COMMAND...: it says the same with each instruction set, on standard input from the file in.
same() {
    local simd status
    for simd in $sets; do
        status=0
        TRACECORE_SIMD=$simd "$@" <in >"$simd.out" 2>"$simd.err" || status=$?
        assert [ "$status" -le 4 ]
        echo "$status" >>"$simd.err"
    done
    for simd in $sets; do
        cmp portable.out "$simd.out" && diff portable.err "$simd.err" || {
            echo "$simd: $*" >&2
            return 1
        }
    done
}

# same_in_programs: what programs make of records in the file in.
same_in_programs() {
    same trace-agg --by=service,name --stat=count,sum,mean,stddev,min,max,p50,p99,errors
    same trace-agg -j1 --by=service,a --window=10s --stat='count,rate,distinct(name),topk(3,b)'
    same trace-agg --value=a --stat=count,sum
    same trace-agg --partial --unit=u --by=name
    same trace-span filter --pass
    same trace-span filter -w '.durationNano > 100 and .service != "s1"' --fields=spanId,name,a,attributes
    same trace-span filter -b
    same trace-span assemble
    same trace-span assemble --summary --fields=traceId,structure.spanCount,timeline.totalDuration
    same trace-record import
    same trace-record import -b
    same trace-record export --to-format=otlp
    same trace-record export --to-format=openmetrics
    same trace-detect anomaly
    same trace-alert run --rules="$top_srcdir/contrib/rules.yaml" --dry-run
    same trace-report summary
}

@test 'records in all shapes, from a file and in pieces of odd lengths' {
    cp "$BATS_FILE_TMPDIR/records.ndjson" in
    same_in_programs
    assert [ "$(wc -l <portable.out)" -ge 1 ]
    same trace-span filter --pass
    assert [ "$(wc -l <portable.out)" -ge 1500 ]
    mkfifo pipe
    local simd
    for simd in $sets; do
        dd if=in bs=777 status=none | TRACECORE_SIMD=$simd trace-span filter --pass >piped 2>/dev/null || true
        cmp portable.out piped
    done
}

@test 'documents of other formats, as they are written here' {
    local files
    shopt -s nullglob
    files=("$top_srcdir"/tests/data/{otlp,jaeger,zipkin,benchmark}/*.{json,jsonl,txt,csv})
    : >in
    same trace-record import "${files[@]}"
    assert [ "$(wc -l <portable.out)" -ge 80 ]
    same trace-record import -b "${files[@]}"
    "$top_srcdir/contrib/sample-capture.sh" --traces=200 >in
    same trace-record import -
    same trace-record import -b -
    trace-record import - <in >native
    mv native in
    local format
    for format in jaeger zipkin chrome otlp openmetrics csv; do
        trace-record export --to-format="$format" <in >document 2>/dev/null
        same trace-record export --to-format="$format"
        cp in native
        mv document in
        [[ $format == csv ]] || same trace-record import -
        mv native in
    done
}

@test 'what others wrote, in every format' {
    need_data traces captures
    local folder files all=()
    for folder in agentevals chrome-trace crisp-test-cases jaeger-fixtures jaeger-ui-fixtures \
        otlp-metrics-file otlp-proto-examples prometheus-text zipkin-lens zipkin-v1; do
        files=("$TRACECORE_TEST_DATA/traces/$folder"/*.*)
        : >in
        same trace-record import "${files[@]}"
        all+=("${files[@]}")
    done
    files=("$TRACECORE_TEST_DATA"/captures/*.{body,txt,bin} "$TRACECORE_TEST_DATA"/traces/*.json*)
    same trace-record import -b "${files[@]}"
    trace-record import "${all[@]}" "${files[@]}" >records 2>/dev/null || (($? <= 4))
    mv records in
    assert [ "$(wc -l <in)" -ge 9000 ]
    if [[ ${TRACECORE_TEST_LONG-} == yes ]]; then
        same_in_programs
    else
        same trace-agg --by=service,name
        same trace-span filter --pass
        same trace-span assemble --summary
    fi
}

@test 'hostile lines' {
    need_data hostile/made hostile/JSONTestSuite
    local file files=("$TRACECORE_TEST_DATA"/hostile/made/*.ndjson)
    : >in
    same trace-span filter --pass "${files[@]}"
    assert [ "$(wc -l <portable.out)" -ge 50 ]
    same trace-agg --by=name "${files[@]}"
    # each text of the suite as a value: on one line, or as it is where it has more than one
    for file in $(find "$TRACECORE_TEST_DATA/hostile/JSONTestSuite" -name '[ny]_*.json' -size -8k | sort); do
        printf '{"traceId":"1","spanId":"1","name":"%s","attributes":{"v":' "${file##*/}"
        cat "$file"
        printf '}}\n'
    done >in
    assert [ "$(wc -l <in)" -ge 280 ]
    same trace-span filter --pass
    same trace-span filter -b
    same trace-agg --by=name
    same trace-record import
}
