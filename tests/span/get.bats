# trace-span get: records by trace and span id.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    { shop; span b2 1 - 5 6 x y; span c3 7 - 5 6 x y; } >spans
    a=000000000000000000000000000000a1
    b=000000000000000000000000000000b2
}

@test 'the spans of a trace, byte for byte' {
    sed -i '2s/"name"/ "unknown" : 1.50 , "name"/' spans
    run -0 trace-span get $a spans
    assert_output "$(head -n 6 spans)"
    run -0 trace-span get $a <spans
    assert_output "$(head -n 6 spans)"
    run -0 trace-span get $b $a spans
    assert_output "$(head -n 7 spans)"
}

@test 'ids in their other forms, and operands in any order' {
    run -0 trace-span get spans 00000000000000b2
    assert_output "$(sed -n 7p spans)"
    run -0 trace-span get "00-$b-0000000000000009-01" spans
    assert_output "$(sed -n 7p spans)"
    run -0 trace-span get "${b^^}" spans
    assert_output "$(sed -n 7p spans)"
    sed 's/"traceId":"0*/"traceId":"/' spans >short
    run -0 trace-span get $b short
    assert_output "$(sed -n 7p short)"
}

@test '--span: one span of the trace, or of any' {
    run -0 trace-span get $a --span=0000000000000003 spans
    assert_output "$(sed -n 3p spans)"
    run -0 trace-span get --span=0000000000000007 spans
    assert_output "$(sed -n 8p spans)"
    run -0 trace-span get --span=0000000000000001 spans
    assert_output "$(sed -n '1p;7p' spans)"
}

@test 'nothing found is 1, and that wins over rejected records, but not over failures' {
    run -1 trace-span get ffffffffffffffff spans
    assert_output 'trace-span: no record of trace 0000000000000000ffffffffffffffff is in the input'
    run -1 trace-span get $a --span=00000000000000ff spans
    assert_output "trace-span: no record of trace $a and span 00000000000000ff is in the input"
    run -1 trace-span get --span=00000000000000ff spans
    assert_output 'trace-span: no record of span 00000000000000ff is in the input'
    run -0 --separate-stderr trace-span get ffffffffffffffff $b spans
    assert_output "$(sed -n 7p spans)"
    assert_equal "$stderr" 'trace-span: no record of trace 0000000000000000ffffffffffffffff is in the input'
    run -4 trace-span get $b spans nowhere
    assert_output 'trace-span: nowhere: no ID, which has 32 or 16 hexadecimal digits, and no INPUT: No such file or directory'
    run -1 trace-span get $a </dev/null
    echo 'no json' >>spans
    run -1 --separate-stderr trace-span get ffffffffffffffff spans
    run -3 --separate-stderr trace-span get $b spans
    run -4 trace-span get ffffffffffffffff nowhere
}

@test 'logs, metrics, executions and traces that belong to it; --type says which' {
    {
        echo "{\"type\":\"log\",\"timeUnixNano\":\"1\",\"body\":\"x\",\"traceId\":\"$b\",\"spanId\":\"0000000000000001\"}"
        echo "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"context\":{\"traceId\":\"$b\",\"spanId\":\"0000000000000001\"}}"
        echo "{\"type\":\"execution\",\"event\":\"started\",\"executionId\":\"0000000000000001\",\"traceId\":\"$b\"}"
        trace-span assemble --summary spans | sed -n 2p
    } >others
    run -0 trace-span get $b others
    assert_output "$(cat others)"
    run -0 trace-span get $b --span=0000000000000001 others
    assert_output "$(head -n 3 others)"
    run -0 trace-span get $b --type=log,metric others
    assert_output "$(head -n 2 others)"
    run -1 trace-span get $a --type=log others
}

@test 'usage' {
    run -2 trace-span get
    assert_line --index 0 'trace-span: get needs a TRACEID'
    run -2 trace-span get spans
    assert_line --index 0 "trace-span: get: 'spans' is no trace id of 32 or 16 digits"
    run -2 trace-span get 00000000000000000000000000000000 spans
    run -2 trace-span get $a --span=zz spans
    run -2 trace-span get $a --span=$b spans
}

@test 'threads do not matter, and --limit ends it' {
    for ((i = 0; i < 11; i++)); do cat spans spans >more && mv more spans; done
    trace-span get -j1 $b $a spans >one
    trace-span get -j4 $b $a spans >four
    assert_files_equal one four
    assert_equal "$(wc -l <one)" $((7 * 2048))
    run -0 trace-span get --limit=1 $b spans
    assert_output "$(sed -n 7p spans)"
}

@test '--details: what is around a span, its self time, the critical path and logs' {
    log() {
        echo "{\"type\":\"log\",\"timeUnixNano\":\"17000000000000000$1\",\"severity\":\"warn\",\"body\":\"$2\",\"traceId\":\"${3:-$a}\",\"spanId\":\"0000000000000005\"}"
    }
    { log 40 second; log 30 'first'; log 30 other "$b"; } >>spans
    run -0 --separate-stderr trace-span get --details --span=0000000000000005 spans
    jq -c 'del(.details), (.details | .parent, .children, .siblings, [.logs[].body], .trace, [.depth, .offsetNano, .selfNano, .critical, .criticalNano])' <<<"$output" >got
    run -0 cat got
    assert_output "$(sed -n 5p spans)
{\"spanId\":\"0000000000000001\",\"service\":\"front\",\"name\":\"GET /cart\",\"kind\":\"server\",\"offsetNano\":-20,\"durationNano\":100}
[{\"spanId\":\"0000000000000006\",\"service\":\"stock\",\"name\":\"stock.Get\",\"kind\":\"server\",\"offsetNano\":10,\"durationNano\":40,\"status\":\"error\"}]
[{\"spanId\":\"0000000000000002\",\"service\":\"front\",\"name\":\"cart.Get\",\"kind\":\"client\",\"offsetNano\":-15,\"durationNano\":55}]
[\"first\",\"second\"]
{\"spanCount\":6,\"errorCount\":2,\"durationNano\":100}
[1,20,20,true,20]"
    trace-span get --details --span=0000000000000005 spans >one
    trace-span get --details --span=0000000000000005 $a -j4 < <(tac spans) >two
    assert_files_equal one two
    trace-record archive repo <spans
    trace-span get --details --span=0000000000000005 repo >two
    assert_files_equal one two
    run -1 trace-span get --details --span=00000000000000ff spans
    assert_output 'trace-span: no span 00000000000000ff is in the input'
    run -2 trace-span get --details $a spans
}

@test '--details --format=table: a page, on which nothing is raw' {
    echo "{\"type\":\"log\",\"timeUnixNano\":\"1700000000000000030\",\"severity\":\"warn\",\"body\":\"b\\u001b[1m\",\"traceId\":\"$a\",\"spanId\":\"0000000000000005\"}" >>spans
    LC_ALL=C run -0 --separate-stderr trace-span get --details --format=table --span=0000000000000005 spans
    assert_output "front: stock.Get (client)  error: no stock
span 0000000000000005 of trace $a, which has 6 spans and 2 errors
2023-11-14T22:13:20.00000002Z, +20 ns after the trace's start
took 60 ns, 20 ns of it itself; on the critical path, of which 20 ns are its own

parent
  0000000000000001   front: GET /cart  100 ns  -20 ns

children
  0000000000000006 ! stock: stock.Get  40 ns  +10 ns

siblings
  0000000000000002   front: cart.Get  55 ns  -15 ns

logs
  +10 ns     warn  b\\u001b[1m"
}
