# trace-span path: critical paths by group, by span, and if something changed.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C
}

# groups: name and the given members of each record, one a line.
groups() {
    local list=$1
    jq -r "[.group.name, $list] | map(tostring) | join(\" \")"
}

@test 'groups by where paths spend their time' {
    shop >spans
    run -0 trace-span path spans
    assert_line --index 0 '{"type":"aggregate","recordType":"span","metricName":"criticalPathNano","group":{"service":"front","name":"GET /cart"},"count":1,"sum":40,"mean":40.0,"p50":40.0,"p95":40.0,"p99":40.0,"max":40,"spans":1,"onPath":1,"share":0.4,"selfNano":25,"dragNano":100}'
    groups '.sum, .onPath, .selfNano, .dragNano, .slackNano' <<<"$output" >got
    printf '%s\n' 'GET /cart 40 1 25 100 null' 'stock.Get 40 1 40 20 null' \
        'stock.Get 20 1 20 20 null' 'SELECT items null 0 30 0 20' 'cart.Get null 0 10 0 20' \
        'cart.Get null 0 15 0 20' >wanted
    run -0 sort got
    assert_output "$(sort wanted)"
    run -0 jq -s 'map(.share) | add' <(trace-span path spans)
    assert_output 1
}

@test 'the traces that CRISP is tested with: times by operation' {
    [[ -n ${TRACECORE_TEST_DATA:-} ]] || skip 'TRACECORE_TEST_DATA is not set'
    cases=$TRACECORE_TEST_DATA/traces/crisp-test-cases
    # path(1): exclusive microseconds on the path, as its own goldens have them
    while read -r file wanted; do
        trace-record import "$cases/$file.json" 2>/dev/null >spans
        got=$(trace-span path spans | jq -r 'select(.onPath > 0) | "\(.group.name)\(.sum / 1000)"' | sort | xargs)
        assert_equal "$file $got" "$file $wanted"
    done <<'END'
1 O1100
2 O150 O250
3 O10 O2100
4 O150 O240 O310
5 O140 O260
6 O140 O220 O310 O430
7 O110 O280 O310
8 O140 O210 O350
9 O170 O430
10 O1400 O2200 O3100 O4300
11 O170 O230
12 O140 O240 O420
13 O140 O240 O420
14 O135 O220 O425
16 O150 O210 O410 O510 O620 O710
17 O140 O230 O320 O410
18 O150 O270 O310 O410 O510 O640 O730 O820 O910
19 O10 O2200 O3100 O4300
20 O10 O2200 O3100 O4300
21 O10 O2200 O3100 O4300
22 O1150 O2150
23 O1100 O2300 O3300
24 O1100 O2300 O3300
25 O1100 O2300 O3300
err_pattern1/err1 O170 O230
err_pattern4/err1 O10 O270 O330
END
    # one operation of five services
    trace-record import "$cases/15.json" 2>/dev/null >spans
    run -0 trace-span path --by=service spans
    assert_equal "$(jq -r '"\(.group.service)\(.sum / 1000)"' <<<"$output" | sort | xargs)" 'S135 S210 S310 S410 S510 S610 S715'
}

@test 'several traces: counts, quantiles a trace, and a group that one path misses' {
    { span a 1 - 0 100 x root; span a 2 1 0 60 x call; span a 3 1 60 80 x call
      span b 1 - 0 50 x root; span b 2 1 10 20 x call
      span c 1 - 0 10 x root; span c 2 1 20 30 x call; } >spans
    run -0 trace-span path --by=name spans
    groups '.count, .sum, .max, .spans, .onPath, .dragNano' <<<"$output" >got
    printf '%s\n' 'call 2 90 80 4 3 90' 'root 3 70 40 3 3 160' >wanted
    run -0 cat got
    assert_output "$(cat wanted)"
}

@test 'by attributes and fields of the resource; one that is not there' {
    { span a 1 - 0 100 x root server '' '"attributes":{"http.route":"/a"},"resource":{"host.name":"h1"}'
      span a 2 1 0 60 x call server '' '"attributes":{"http.route":"/b"}'; } >spans
    run -0 --separate-stderr trace-span path --by=http.route,host.name spans
    assert_equal "$(jq -c '[.group, .sum]' <<<"$output")" '[{"http.route":"/b"},60]
[{"http.route":"/a","host.name":"h1"},40]'
    assert_equal "$stderr" ''
    run -0 --separate-stderr trace-span path --by=nmae spans
    assert_equal "$(jq -c '[.group, .sum]' <<<"$output")" '[{},100]'
    assert_equal "$stderr" "trace-span: no record had the field 'nmae': did you mean 'name'?"
}

@test '--spans: the path first, in the order of time, then the others' {
    shop >spans
    run -0 trace-span path --spans spans
    assert_line --index 2 "$(span a1 6 5 30 70 stock 'stock.Get' server '"status":"error"' '"attributes":{"http.response.status_code":503}' | sed 's/}$//'),\"onPath\":true,\"criticalPathNano\":40,\"selfNano\":40,\"dragNano\":20,\"slackNano\":0}"
    assert_equal "$(jq -c '[.name, .onPath, .criticalPathNano, .slackNano]' <<<"$output")" '["GET /cart",true,40,0]
["stock.Get",true,20,0]
["stock.Get",true,40,0]
["cart.Get",false,null,20]
["cart.Get",false,null,20]
["SELECT items",false,null,20]'
    trace-span path --spans spans >with
    run -0 bash -c 'jq -c "del(.onPath, .criticalPathNano, .selfNano, .dragNano, .slackNano)" with'
    assert_output "$(for i in 0 4 5 1 2 3; do sed -n "$((i + 1))p" spans; done | trace-span filter -b | trace-span filter)"
}

@test '--what-if: what is waited for instead counts' {
    shop >spans
    while IFS='|' read -r took changes; do
        flags=()
        IFS=';' read -ra each <<<"$changes"
        for change in "${each[@]}"; do flags+=("--what-if=$change"); done
        run -0 --separate-stderr trace-span path "${flags[@]}" spans
        assert_equal "$changes: $(jq -c '[.mean, .measuredMeanNano, .count]' <<<"$output")" "$changes: [$took,100,1]"
    done <<'END'
80|stock:stock.Get=-50%
80|stock:=-100%
160|stock:=+150%
80|stock.Get=-100%
60|GET /cart=-100%
55|:none=-1%;GET /cart=-100%;stock:=-25%
110|stock:=+10ns
80|stock:=-1s
END
    run -0 trace-span path --what-if='stock:=-50%' spans
    assert_output '{"type":"aggregate","recordType":"span","metricName":"whatIfNano","group":{"service":"front","name":"GET /cart"},"count":1,"mean":80.0,"p50":80.0,"p95":80.0,"p99":80.0,"max":80,"measuredMeanNano":100.0,"measuredP50Nano":100.0,"measuredP95Nano":100.0,"measuredP99Nano":100.0,"measuredMaxNano":100,"savingNano":20.0,"savingShare":0.2}'
    run -0 --separate-stderr trace-span path --what-if=stock=-5% spans
    assert_equal "$stderr" "trace-span: --what-if: no span is named 'stock'; a service would be 'SERVICE:'"
}

@test 'changes that are none, and options that exclude each other' {
    shop >spans
    for change in stock stock= =-5% stock=5% stock=-5 stock=-101% 'stock=-5%%' stock=--5%; do
        run -2 trace-span path --what-if="$change" spans
        assert_output --partial "$change"
    done
    run -2 trace-span path --spans --by=name spans
    assert_output --partial '--spans excludes --by and --what-if'
    run -2 trace-span path --spans --what-if=x=-1% spans
    assert_output --partial '--spans excludes --by and --what-if'
}

@test 'traces by id, assembled ones, and none' {
    { shop; span b 1 - 0 50 x y; } >spans
    run -0 trace-span path 0000000000000000000000000000000b spans
    assert_equal "$(jq -r .group.name <<<"$output")" y
    trace-span path spans >wanted
    run -0 bash -c 'trace-span assemble spans | trace-span path'
    assert_output "$(cat wanted)"
    run -1 --separate-stderr trace-span path 0000000000000000000000000000000c spans
    assert_equal "$stderr" 'trace-span: no span of trace 0000000000000000000000000000000c is in the input'
    run -0 trace-span path /dev/null
    assert_output ''
}

@test 'nothing depends on order, threads or the form of the input' {
    for t in {1..300}; do
        span $t 1 - $t $((t + 1000 + t % 37)) s$((t % 3)) root
        span $t 2 1 $((t + 10)) $((t + 400)) s$((t % 5)) first
        span $t 3 1 $((t + 405)) $((t + 900 + t % 50)) s$((t % 7)) second
        span $t 4 1 $((t + 405)) $((t + 890)) s1 beside
    done >spans
    sort -k2.60 spans >other
    for flags in '' --by=name --spans --what-if=first=-40% '--what-if=s1:=-40% --by=service'; do
        # shellcheck disable=SC2086
        trace-span path -j1 $flags spans >wanted
        [[ -s wanted ]]
        for j in 2 5; do
            # shellcheck disable=SC2086
            run -0 cmp wanted <(trace-span path -j$j $flags other)
            # shellcheck disable=SC2086
            run -0 cmp wanted <(trace-span filter -b other | trace-span path -j$j $flags)
        done
    done
}

@test 'a table shows durations for people' {
    shop >spans
    run -0 trace-span path --format=table --fields=name,sum,share,dragNano spans
    assert_line --regexp '^GET /cart +40 ns +0.4 +100 ns$'
}
