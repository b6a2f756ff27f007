# trace-span diff: what two sets of traces, or two traces, differ in. How often it is right is in
# tests/core/test-span-diff.c.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C
}

# shops SEED COUNT [VAR=VALUE]...: so many traces of a shop. slow: how many times as long the stock's
# own work takes; more: calls of the database besides one; errors: share of the stock's that fail;
# together=1: cart and stock at the same time; layer=1: a cache between cart and database.
shops() {
    local seed=$1 count=$2
    shift 2
    awk -v seed="$seed" -v count="$count" "${@/#/-v}" '
    function uniform() { state = (state * 16807) % 2147483647; return state / 2147483647 }
    function took(ns) { return int(ns * (0.8 + 0.2 * uniform() + 0.2 * uniform())) }
    function span(id, parent, service, name, start, end, failed) {
        printf "{\"type\":\"span\",\"traceId\":\"%08x%024x\",\"spanId\":\"%016x\"", seed, trace, id
        if (parent) printf ",\"parentSpanId\":\"%016x\"", parent
        printf ",\"name\":\"%s\",\"startTimeUnixNano\":\"17000%05d%09d\"", name, trace, start
        printf ",\"endTimeUnixNano\":\"17000%05d%09d\",\"durationNano\":%d", trace, end, end - start
        printf "%s,\"service\":\"%s\"}\n", failed ? ",\"status\":\"error\"" : "", service
    }
    BEGIN {
        state = seed + 1000; if (!slow) slow = 1
        for (trace = 1; trace <= count; trace++) {
            at = start = took(1000000); id = 3
            for (k = 0; k <= more; k++) {
                end = at + took(2000000)
                if (layer) span(100 + k, 2, "cache", "get", at, end)
                span(++id, layer ? 100 + k : 2, "db", "SELECT", at, end)
                at = end
            }
            span(2, 1, "cart", "Get", start, at += took(500000))
            if (together) at = start
            end = at + took(3000000 * slow)
            span(3, 1, "stock", "Check", at, end, uniform() < errors)
            span(1, 0, "front", "GET /", 0, end + took(4000000))
        }
    }'
}

# told: metric, operation and caller, kind and severity of each record, one a line.
told() {
    jq -r '[.metricName, .group.service, .group["parent.service"] // "-", .kind, .severity] | join(" ")'
}

@test 'diff: what is slower itself, and who waits for it' {
    shops 1 60 >base
    shops 2 50 slow=1.5 >cand
    run -0 --separate-stderr trace-span diff base cand
    assert_equal "$stderr" 'trace-span: 4 operations compared in 60 and 50 traces: 1 change, and 1 that follows from others'
    assert_equal "$(told <<<"$output")" 'selfNano stock - regression critical
durationNano front - regression info'
    assert_line --index 0 --regexp '"group":\{"service":"stock","name":"Check"\},"timeUnixNano":"1700000001000000000","value":4[0-9.]+,"expected":[23][0-9.]+,"lower":4[0-9.]+,"upper":4[0-9.]+,"pValue":[0-9.e-]+,"rank":1,"confidence":0.95,"method":"mann-whitney","effectNano":1[0-9.]+,"quantile":0.5,'
    assert_line --index 0 --regexp '"message":"stock Check itself is slower: [23]\.[0-9]* ms -> 4\.[0-9]* ms, 1\.[45][0-9]x \(1\.4[0-9]-1\.5[0-9]\), p<0\.0001"'
    assert_line --index 0 --regexp '"evidence":\[\{"traceId":"00000002[0-9a-f]{24}","side":"cand"\},\{"traceId":"00000001[0-9a-f]{24}","side":"base"\}\],"fingerprint":"[0-9a-f]{16}"\}$'
    assert_line --index 1 --regexp '"rank":2,.*front GET / is slower: .*, as stock Check itself is slower"'
    # the other way round, and in one piece with what can be said of it
    run -0 --separate-stderr trace-span diff cand base
    assert_equal "$(told <<<"$output")" 'selfNano stock - improvement info
durationNano front - improvement info'
    # the trace in the middle is the evidence: its value is nearest to the median
    id=$(trace-span diff base cand 2>&- | jq -rs '.[0].evidence[0].traceId')
    wanted=$(jq -sr '[.[] | select(.service == "stock")] | sort_by(.durationNano) | .[24, 25].traceId' cand)
    assert_regex "$wanted" "$id"
}

@test 'diff: appeared and vanished, calls, errors, concurrency' {
    shops 1 60 >base
    shops 2 60 layer=1 >cand
    run -0 --separate-stderr trace-span diff base cand
    assert_equal "$(told <<<"$output" | sort)" 'traceShare cache - change info
traceShare db cart change info'
    assert_line --partial '"message":"cache get appeared: in 0 of 60 traces -> 60 of 60, p<0.0001, called by cart Get"'
    run -0 --separate-stderr trace-span diff cand base
    assert_line --partial '"message":"cache get vanished: in 60 of 60 traces -> 0 of 60, p<0.0001, called by cart Get"'
    shops 3 60 more=2 >cand
    run -0 --separate-stderr trace-span diff base cand
    assert_equal "$(told <<<"$output" | head -1)" 'callCount db - change info'
    assert_line --index 0 --partial 'db SELECT is called more often: 1 -> 3 times a trace, p<0.0001'
    assert_line --partial 'cart Get is slower: '
    assert_line --partial ', as db SELECT is called more often"'
    shops 4 60 errors=0.5 >cand
    run -0 --separate-stderr trace-span diff base cand
    assert_equal "$(told <<<"$output")" 'errorShare stock - regression critical'
    assert_output --regexp 'stock Check fails more often: in 0 of 60 traces -> [23][0-9] of 60, p<0\.0001'
    shops 5 60 together=1 >cand
    run -0 --separate-stderr trace-span diff base cand
    assert_equal "$(told <<<"$output")" 'concurrentShare front - change info
durationNano front - improvement info'
    assert_line --index 1 --partial ', as front GET / calls at the same time more often'
}

@test 'diff: calls from one caller among several' {
    # b calls x now, beside a; the last 20 traces call it from c only
    for t in {1..40}; do
        span "$t" 1 - 0 100 a go; span "$t" 2 1 10 20 x do; span "$t" 3 1 30 60 b go; span "$t" 4 3 31 40 x do
    done >base
    for t in {1..40}; do
        span "$t" 1 - 0 100 a go; span "$t" 2 1 10 20 x do; span "$t" 3 1 30 60 b go; span "$t" 4 1 70 79 x do
    done >cand
    run -0 --separate-stderr trace-span diff base cand
    assert_line --partial '"group":{"service":"x","name":"do","parent.service":"b","parent.name":"go"}'
    assert_line --partial '"message":"x do called by b go vanished: in 40 of 40 traces -> 0 of 40, p<0.0001"'
    assert_line --partial '"message":"x do called by a go is called more often: 1 -> 2 times a trace, p<0.0001"'
    refute_line --partial '"message":"x do is'
}

@test 'diff: nothing is found where nothing changed, or too little is known' {
    shops 1 60 >base
    run -0 --separate-stderr trace-span diff --exit-code base base
    assert_output ''
    assert_equal "$stderr" 'trace-span: 4 operations compared in 60 and 60 traces: 0 changes, and 0 that follow from others'
    shops 2 3 layer=1 >cand
    shops 1 3 >base
    run -0 --separate-stderr trace-span diff --exit-code base cand
    assert_output ''
    assert_equal "$stderr" 'trace-span: 5 operations compared in 3 and 3 traces: 0 changes, and 0 that follow from others
trace-span: 3 and 3 traces are too few for a change of one operation to count; 8 a side are enough'
    : >empty
    run -0 --separate-stderr trace-span diff base empty
    assert_regex "$stderr" 'no trace in CAND, so that there is nothing to compare'
    # one trace is like the one before it
    for t in {1..60}; do span "$t" 1 - "${t}000" "${t}$((500 + t))" x go; done >base
    for t in {1..60}; do span "$t" 1 - "${t}000" "${t}$((700 + t))" x go; done >cand
    run -0 --separate-stderr trace-span diff base cand
    assert_equal "${#lines[@]}" 1
    assert_regex "$stderr" 'one trace is like the one before it in (BASE|CAND), as in x go \(correlation 0\.9[0-9]\)'
}

@test 'diff: --exit-code, --min-effect, --fdr, --by, --where, --limit, --format' {
    shops 1 60 >base
    shops 2 60 slow=1.5 >cand
    run -1 trace-span diff --exit-code base cand
    run -0 trace-span diff base cand
    run -0 --separate-stderr trace-span diff --exit-code --min-effect=80% base cand
    assert_output ''
    run -0 --separate-stderr trace-span diff --fdr=1e-40 base cand
    assert_output ''
    run -0 --separate-stderr trace-span diff --by=service --limit=1 base cand
    assert_equal "$(jq -c .group <<<"$output")" '{"service":"stock"}'
    run -0 --separate-stderr trace-span diff -w '.service != "stock"' base cand
    refute_output --partial stock
    run -0 --separate-stderr trace-span diff --by=nmae base cand
    assert_regex "$stderr" "no record had the field 'nmae': did you mean 'name'?"
    run -0 --separate-stderr trace-span diff --format=table --fields=severity,effectNano,message base cand
    assert_line --regexp '^critical +1\.[0-9]* ms +stock Check itself is slower: '
    for wrong in --alpha=0 --fdr=1 --fdr=0 --alpha=2; do
        run -2 trace-span diff $wrong base cand
    done
    run -2 trace-span diff base
    assert_output --partial 'two inputs are compared, BASE and CAND'
    run -2 trace-span diff base cand base
    run -2 trace-span diff - -
    assert_output --partial 'only one of BASE and CAND can be standard input'
    run -2 trace-span diff 0000000000000001 base
    assert_output --partial 'two TRACEIDs are compared'
}

@test 'diff: nothing depends on order, threads or the form of the input' {
    shops 1 80 errors=0.2 >base
    shops 2 90 slow=1.2 more=1 layer=1 >cand
    trace-span diff -j1 base cand >wanted 2>&1
    [[ -s wanted ]]
    sort -k2.60 base >other
    sort -t: -k4 cand >another
    trace-record archive repository <base
    trace-span assemble cand >assembled
    for j in 2 5; do
        run -0 cmp wanted <(trace-span diff -j$j other another 2>&1)
        run -0 cmp wanted <(trace-span filter -b base | trace-span diff -j$j - cand 2>&1)
        run -0 cmp wanted <(trace-span diff -j$j repository - 2>&1 <cand)
        run -0 cmp wanted <(trace-span diff -j$j base assembled 2>&1)
    done
    # by text of the spans, and as a binary stream
    grep -v ^trace-span: wanted >records
    run -0 cmp records <(trace-span diff --by=service,name,service base cand 2>&-)
    run -0 cmp records <(trace-span diff -b base cand 2>&- | trace-span filter --type=finding --pass 2>&-)
}

@test 'diff: two traces, span by span' {
    shop >base
    { span b1 1 - 0 120 front 'GET /cart' server
      span b1 2 1 5 60 front 'cart.Get' client
      span b1 9 2 8 55 proxy route
      span b1 3 9 10 50 cart 'cart.Get' server
      span b1 4 3 15 45 cart 'SELECT items' client
      span b1 5 1 65 100 front 'stock.Get' client
      span b1 6 5 70 95 stock 'stock.Get' server
      span b1 7 1 101 119 front ads client
      span b1 8 7 102 118 ads ads server; } >cand
    run -0 --separate-stderr trace-span diff base cand
    assert_equal "$stderr" 'trace-span: one trace of 100 ns and 120 ns: 10 differences, any of which may be chance'
    assert_equal "$(jq -r '"\(.effectNano) \(.metricName) \(.message)"' <<<"$output")" '18 callCount front ads appeared: 2 spans, 18 ns
-15 selfNano stock stock.Get itself is faster: 40 ns -> 25 ns, -15 ns
-13 selfNano front GET /cart itself is faster: 25 ns -> 12 ns, -13 ns
-10 selfNano front stock.Get itself is faster: 20 ns -> 10 ns, -10 ns
-7 selfNano front cart.Get itself is faster: 15 ns -> 8 ns, -7 ns
7 callCount proxy route appeared, as a layer between others: 7 ns
null concurrentShare front GET /cart calls one after the other now
null errorShare front stock.Get does not fail any more
null errorShare stock stock.Get does not fail any more
20 durationNano front GET /cart is slower: 100 ns -> 120 ns, +20 ns'
    assert_line --index 1 '{"type":"finding","kind":"change","severity":"info","recordType":"span","metricName":"selfNano","group":{"service":"stock","name":"stock.Get","parent.service":"front","parent.name":"stock.Get"},"timeUnixNano":"1700000000000000000","value":25.0,"expected":40.0,"rank":2,"method":"alignment","effectNano":-15.0,"message":"stock stock.Get itself is faster: 40 ns -> 25 ns, -15 ns","evidence":[{"traceId":"000000000000000000000000000000b1","spanId":"0000000000000006","side":"cand"},{"traceId":"000000000000000000000000000000a1","spanId":"0000000000000006","side":"base"}],"fingerprint":"2a79ae8e3b82694c"}'
    trace-span diff base cand >wanted 2>&1
    cat cand base >both
    run -0 cmp wanted <(trace-span diff 000000000000000000000000000000a1 00000000000000b1 both 2>&1)
    # a layer that was taken out, and a call that is missing
    run -0 --separate-stderr trace-span diff cand base
    assert_line --partial 'proxy route vanished, as a layer between others: 7 ns'
    assert_line --partial 'front ads vanished: 2 spans, 18 ns'
    run -1 --separate-stderr trace-span diff 00000000000000a1 00000000000000c1 both
    assert_output ''
    assert_equal "$stderr" 'trace-span: no span of trace 000000000000000000000000000000c1 is in the input'
    # the second of several
    { span a 1 - 0 100 x go; span a 2 1 0 10 y do; span a 3 1 20 30 y do; span a 4 1 40 50 y do; } >base
    { span b 1 - 0 100 x go; span b 2 1 0 10 y do; span b 3 1 20 35 y do; } >cand
    run -0 --separate-stderr trace-span diff base cand
    assert_equal "$(jq -r .message <<<"$output")" 'y do vanished: 1 span, 10 ns
x go itself is slower: 70 ns -> 75 ns, +5 ns
y do #2 itself is slower: 10 ns -> 15 ns, +5 ns'
}

@test 'diff: bad input, and too little memory' {
    shops 1 60 >base
    shops 2 60 >cand
    run -4 --separate-stderr trace-span diff base nonesuch
    assert_output ''
    assert_equal "$stderr" 'trace-span: nonesuch: cannot open: No such file or directory'
    sed '7s/"traceId":"[^"]*",//' cand >bad
    run -3 --separate-stderr trace-span diff --rejects=rejects base bad
    assert_regex "$stderr" 'trace-span: bad:7: '
    assert_equal "$(wc -l <rejects)" 1
    for size in 1K 30K 60K 70K; do
        run -4 --separate-stderr trace-span diff --memory=$size base cand
        assert_output ''
        assert_equal "$stderr" "trace-span: the sums of all traces do not fit in ${size%K} KiB: give more with --memory=SIZE"
    done
    run -0 --separate-stderr trace-span diff --memory=1M base cand
}
