# trace-span map: edges between services.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C
}

# edges: each record in short: source>target connection count errors max, and what is missing.
edges() {
    jq -r '"\(.group.source // "")>\(.group.target) \(.group.connection) \(.count) \(.errors) \(.max) \(.missing // "")"' | sed 's/ $//'
}

@test 'a shop: calls, errors, latencies, network time' {
    shop >spans
    run -0 --separate-stderr trace-span map spans
    assert_line --index 1 '{"type":"aggregate","recordType":"span","metricName":"callNano","group":{"source":"front","target":"stock","connection":"call"},"count":1,"errors":1,"errorRate":1.0,"mean":60.0,"p50":60.0,"p95":60.0,"p99":60.0,"max":60,"networkMeanNano":20.0,"networkP50Nano":20.0,"networkP95Nano":20.0,"networkP99Nano":20.0}'
    edges <<<"$output" >got
    run -0 cat got
    assert_output 'front>cart call 1 0 55
front>stock call 1 1 60
>front entry 1 0 100'
}

@test 'without kinds a parent of another service is enough' {
    { span a 1 - 0 100 x root; span a 2 1 10 60 y work; span a 3 2 20 30 x back; span a 4 1 60 70 x own; } >spans
    run -0 bash -c 'trace-span map spans'
    edges <<<"$output" >got
    run -0 cat got
    assert_output 'x>y call 1 0 50
y>x call 1 0 10
>x entry 1 0 100'
}

@test 'both halves of a shared id, a service that calls itself, messages' {
    { span a 1 - 0 100 x root server
      span a 2 1 10 60 x call client; span a 2 1 20 50 y call server
      span a 3 1 70 90 x again client; span a 4 3 75 85 x again server
      span a 5 1 90 92 x send producer; span a 6 5 200 300 z take consumer; } >spans
    run -0 --separate-stderr trace-span map spans
    edges <<<"$output" >got
    run -0 cat got
    assert_output 'x>x call 1 0 20
x>y call 1 0 50
x>z message 1 0 100
>x entry 1 0 100'
    run -0 bash -c 'trace-span map spans | jq -c "select(.group.target == \"y\") | .networkMeanNano"'
    assert_output 20
}

@test 'peers by their attributes, and what is missing' {
    peer() {
        span a "$1" 1 10 30 x ask client '' "\"attributes\":{$2}"
    }
    { span a 1 - 0 100 x root server
      peer 2 '"db.system.name":"postgresql","server.address":"db1"'
      peer 3 '"db.system":"redis"'
      peer 4 '"peer.service":"ledger","db.system":"mysql"'
      peer 5 '"server.address":"api.example.com"'
      peer 6 '"http.url":"https://user:pw@pay.example.com:8443/v1?x=/y"'
      peer 7 '"url.full":"http://[2001:db8::1]:80/"'
      peer 8 '"url.full":"none"'
      peer 9 '"messaging.system":"kafka"'
      peer 10 '"peer.service":"y"'
      peer 11 '"peer.service":""'
      span b 1 - 0 5 y alone server
      span b 2 99 0 5 y orphan server; } >spans
    run -0 --separate-stderr trace-span map spans
    edges <<<"$output" >got
    run -0 cat got
    assert_output 'x>[2001:db8::1] external 1 0 20 server
x>api.example.com external 1 0 20 server
x>kafka messaging 1 0 20 server
x>ledger external 1 0 20 server
x>pay.example.com external 1 0 20 server
x>postgresql database 1 0 20 server
x>redis database 1 0 20 server
x>y external 1 0 20 context
>x entry 1 0 100
>y entry 1 0 5
>y lost 1 0 5 caller'
    run -0 --separate-stderr trace-span map spans
    assert_equal "$stderr" 'trace-span: 2 spans call somebody, with nothing below and no name of a peer'
}

@test 'a client above another client is not asked whom it calls' {
    { span a 1 - 0 100 x root server; span a 2 1 0 90 x rpc client '' '"attributes":{"peer.service":"y"}'
      span a 3 2 5 85 x http client '' '"attributes":{"server.address":"y.local"}'; span a 4 3 10 80 y rpc server; } >spans
    run -0 --separate-stderr trace-span map spans
    edges <<<"$output" >got
    run -0 cat got
    assert_output 'x>y call 1 0 80
>x entry 1 0 100'
}

@test '--span: what is above and below it' {
    { shop; span b 1 - 0 50 front other; span b 2 1 0 50 third call; } >spans
    run -0 --separate-stderr trace-span map --span="$(id 3)" spans
    edges <<<"$output" >got
    run -0 cat got
    assert_output 'front>cart call 1 0 55
>front entry 1 0 100'
    run -1 --separate-stderr trace-span map --span="$(id 77)" spans
    assert_equal "$stderr" "trace-span: span $(id 77) is not in the input"
    run -2 trace-span map --span=xyz spans
    assert_output --partial "'xyz' is no span id"
}

@test '--dot: a graph that dot draws, whatever services are called' {
    # shellcheck disable=SC2016
    { shop; span b 1 - 0 2000 'q\"uo\\te' root; span b 2 1 5 1905 '<b>\n&' x
      span b 3 2 5 6 '<b>\n&' x client '' '"attributes":{"db.system":"front"}'; span b 4 99 5 6 'q\"uo\\te' lost; } >spans
    run -0 --separate-stderr trace-span map --dot spans
    assert_line --index 0 'digraph services {'
    assert_line '    "front" -> "stock" [label="1 call\np95 60 ns\n100 % failed", penwidth=4.00, color="#c03030"]'
    assert_line '    "<b> &" -> "peer front" [label="1 call\np95 1 ns", penwidth=4.00]'
    assert_line '    "q\"uo\\te" -> "<b> &" [label="1 call\np95 1.9 us", penwidth=4.00]'
    assert_line '    "peer ?" -> "q\"uo\\te" [label="1 call\np95 1 ns", penwidth=4.00]'
    assert_line '    "peer front" [label="front", shape=cylinder, style=dashed]'
    run -2 trace-span map --dot --format=table spans
    assert_output --partial '--dot excludes -b, --format and --fields'
    command -v dot >/dev/null || skip 'graphviz is not installed: the graph is not drawn'
    trace-span map --dot spans >graph
    run -0 dot -Tplain graph
    assert_line --partial 'node "peer front"'
    assert_equal "$(grep -c '^edge' <<<"$output")" 7
}

@test 'nothing depends on order, threads or the form of the input' {
    for t in {1..300}; do
        span $t 1 - $t $((t + 1000 + t % 37)) s$((t % 3)) root
        span $t 2 1 $((t + 10)) $((t + 400)) s$((t % 5)) first client '' "\"attributes\":{\"peer.service\":\"p$((t % 4))\"}"
        span $t 3 1 $((t + 405)) $((t + 900 + t % 50)) s$((t % 7)) second
    done >spans
    sort -k2.60 spans >other
    trace-span map -j1 spans >wanted
    [[ -s wanted ]]
    trace-span map -j1 --dot spans >graph
    for j in 2 5; do
        run -0 cmp wanted <(trace-span map -j$j other)
        run -0 cmp wanted <(trace-span filter -b other | trace-span map -j$j)
        run -0 cmp graph <(trace-span map -j$j --dot other)
    done
    run -0 bash -c 'trace-span assemble spans | trace-span map | cmp - wanted'
}

@test 'a real map: 660 spans of a social network' {
    [[ -n ${TRACECORE_TEST_DATA:-} ]] || skip 'TRACECORE_TEST_DATA is not set'
    trace-record import "$TRACECORE_TEST_DATA/traces/jaeger-ui-deathstarbench-social.json" >spans
    trace-span map spans >edges
    run -0 jq -s 'map(select(.group.connection == "call") | .count) | length, unique' edges
    assert_equal "$(jq -cs . <<<"$output")" '[11,[20]]'
    # the same calls as the traces' own maps have
    trace-span assemble spans | jq -r '.services.serviceMap.edges[] | "\(.source)>\(.target) \(.callCount)"' |
        awk '{ n[$1] += $2 } END { for (e in n) print e, n[e] }' | sort >wanted
    jq -r 'select(.group.source) | "\(.group.source)>\(.group.target) \(.count)"' edges | sort >got
    run -0 diff wanted got
}
