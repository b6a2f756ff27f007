# trace-span analyze: anti-patterns.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C
}

ms=000000

# query ID PARENT START END STATEMENT: in milliseconds, of the service shop.
query() {
    span a "$1" "$2" "$3$ms" "$4$ms" shop SELECT client '' "\"attributes\":{\"db.system\":\"mysql\",\"db.statement\":\"$5\"}"
}

# loop CALLS: a request that asks for so many items one by one, each 20 ms.
loop() {
    span a 1 - 0 "$((20 * $1 + 10))$ms" shop 'GET /cart/17' server
    for ((i = 0; i < $1; i++)); do
        query $((i + 2)) 1 $((5 + 20 * i)) $((25 + 20 * i)) "SELECT * FROM item WHERE id = $i"
    done
}

# score TRUTH FOUND: planted, found, right, recall and precision of each kind and in all.
score() {
    awk 'function share(part, whole) { return whole ? part / whole : 1 }
        NR == FNR { truth[$0]; planted[$2]++; all++; next }
        { found[$2]++; total++; if ($0 in truth) { right[$2]++; good++ } }
        END {
            for (kind in planted) printf "%-14s %5d %5d %5d %.3f %.3f\n", kind, planted[kind],
                found[kind], right[kind], share(right[kind], planted[kind]), share(right[kind], found[kind])
            printf "%-14s %5d %5d %5d %.3f %.3f\n", "total", all, total, good, share(good, all), share(good, total)
        }' "$1" "$2" | sort
}

@test 'anti-patterns that were planted among near misses: recall and precision' {
    traces=4000
    [[ ${TRACECORE_TEST_LONG:-} != yes ]] || traces=8000
    "$top_builddir/tests/tools/antipatterns" 1 $traces truth >spans
    trace-span analyze --per-trace spans | jq -r '"\(.evidence[0].traceId) \(.method)"' | sort -u >found
    score truth found | tee scores >&3
    assert_equal "$(wc -l <scores)" 14
    run -0 awk '$5 < 0.95 || $6 < 0.95' scores
    assert_output ''
}

@test 'the same for any number of threads, any order, binary and assembled' {
    "$top_builddir/tests/tools/antipatterns" 2 500 truth >spans
    trace-span analyze -j1 spans >wanted
    assert [ -s wanted ]
    trace-span analyze -j4 spans | cmp wanted
    sort spans | trace-span analyze | cmp wanted
    trace-span filter -b spans | trace-span analyze | cmp wanted
    trace-span assemble spans | trace-span analyze | cmp wanted
    trace-record archive repo <spans
    trace-span analyze repo | cmp wanted
}

@test 'a finding: where, how much, what it would save' {
    loop 6 >spans
    run -0 trace-span analyze spans
    assert_output '{"type":"finding","kind":"antipattern","severity":"critical","score":0.7692307692307693,"recordType":"span","metricName":"calls","group":{"service":"shop","name":"GET /cart/<num>","operation":"SELECT * FROM item WHERE id = ?"},"timeUnixNano":"1700000000005000000","value":6,"upper":5,"rank":1,"confidence":0.95,"method":"n-plus-one","saving":100000000,"message":"6 calls one after another of '"'SELECT * FROM item WHERE id = ?' in 'GET /cart/<num>'"', 120 ms in all: one call could ask for all; up to 100 ms could be saved","evidence":[{"traceId":"0000000000000000000000000000000a","spanId":"0000000000000002"},{"traceId":"0000000000000000000000000000000a","spanId":"0000000000000003"},{"traceId":"0000000000000000000000000000000a","spanId":"0000000000000004"},{"traceId":"0000000000000000000000000000000a","spanId":"0000000000000005"},{"traceId":"0000000000000000000000000000000a","spanId":"0000000000000006"},{"traceId":"0000000000000000000000000000000a","spanId":"0000000000000007"}],"fingerprint":"8ddaa84ceab18804","traces":1,"occurrences":1,"savingMean":100000000.0}'
    assert_equal "$(trace-span filter -b --type=finding <<<"$output" | trace-span filter --type=finding)" "$output"
}

@test 'traces with the same are one finding, with --per-trace several; fingerprints stay' {
    { loop 6; loop 9 | sed 's/0000a"/0000b"/; s/cart.17/cart\/18/'; } >spans
    run -0 trace-span analyze spans
    assert_equal "$(jq -c '[.traces, .occurrences, .saving, .savingMean, .value, .evidence[0].traceId[31:]]' <<<"$output")" '[2,2,260000000,130000000,9,"b"]'
    assert_equal "$(jq -r .fingerprint <<<"$output")" 8ddaa84ceab18804
    assert_equal "$(jq -r '.message[:9]' <<<"$output")" '2 traces,'
    run -0 trace-span analyze --per-trace spans
    assert_equal "$(jq -c '[.rank, .traces, .saving, .fingerprint]' <<<"$output")" '[1,1,160000000,"8ddaa84ceab18804"]
[2,1,100000000,"8ddaa84ceab18804"]'
    run -0 trace-span analyze 0000000000000000000000000000000a spans
    assert_equal "$(jq -c .saving <<<"$output")" 100000000
    run -1 trace-span analyze 0000000000000000000000000000000c spans
}

# call TRACE SPAN START ATTRIBUTES: 50 ms of GET http://stock/item, by the service shop.
call() {
    span "$1" "$2" 1 "$3$ms" "$(($3 + 50))$ms" shop GET client '' \
        "\"attributes\":{\"http.request.method\":\"GET\",\"server.address\":\"stock\",$4}"
}

@test 'calls that differ in one value stay different, however often they come' {
    while read -r one other; do
        for ((i = 1; i < 9; i++)); do # from the third time on they are known
            span $i 1 - 0 "200$ms" shop 'GET /' server
            call $i 2 10 "$one"
            call $i 3 70 "$other"
        done >spans
        run -0 trace-span analyze -j1 --only=redundant spans
        assert_equal "$other: $output" "$other: "
        for ((i = 1; i < 9; i++)); do
            call $i 4 130 "$other"
        done >>spans
        run -0 trace-span analyze -j1 --only=redundant spans
        assert_equal "$other: $(jq -c '[.value, .traces]' <<<"$output")" "$other: [2,8]"
    done <<'TABLE'
"url.path":"/item","server.port":80 "url.path":"/item","server.port":81
"url.path":"/item","server.port":80 "url.path":"/item"
"url.path":"/item","url.query":"a=1" "url.path":"/item","url.query":"a=2"
"url.path":"/item1" "url.path":"/item2"
"url.path":"/item" "url.full":"/item","url.query":"b"
TABLE
}

@test 'thresholds, choice of anti-patterns, exit status' {
    loop 6 >spans
    while read -r count options; do
        run -0 trace-span analyze $options spans
        assert_equal "$options: $(grep -c n-plus-one <<<"$output" || true)" "$options: $count"
    done <<'TABLE'
1 --set=n-plus-one.calls=6
0 --set=n-plus-one.calls=7
1 --set=n-plus-one.total=120ms
0 --set=n-plus-one.total=121ms
1 --only=n-plus-one,retry
0 --only=retry
0 --skip=n-plus-one
1 --skip=retry
1 --severity=critical
TABLE
    run -1 trace-span analyze --exit-code spans
    run -0 trace-span analyze --exit-code --only=retry spans
    assert_output ''
    run -2 trace-span analyze --set=n-plus-one.call=3 spans
    assert_output --partial "there is no threshold 'n-plus-one.call': did you mean n-plus-one.calls?"
    run -2 trace-span analyze --set=n-plus-one.total=3 spans
    assert_output --partial "n-plus-one.total: '3'"
    run -2 trace-span analyze --only=retrys spans
    assert_output --partial "there is no anti-pattern 'retrys': did you mean retry?"
}

@test 'bad lines are rejected, no spans are no findings' {
    { loop 6; echo '{"type":"span","traceId":1}'; } >spans
    run -3 --separate-stderr trace-span analyze spans
    assert_equal "$(jq -r .method <<<"$output")" n-plus-one
    assert_equal "${stderr_lines[0]}" "$(trace-span filter spans 2>&1 >filtered | head -1)"
    run -0 trace-span analyze /dev/null
    assert_output ''
}
