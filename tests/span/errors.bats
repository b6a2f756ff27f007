# trace-span errors: groups of errors, first causes, impact.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C
}

error='"status":"error"'

# roles: each group's name and how often its errors were what.
roles() {
    jq -r '"\(.group.name // "-") cause \(.causes) failed \(.failedTraces) propagated \(.propagated) further \(.further) recovered \(.recovered) handled \(.handled)"'
}

# exception TYPE MESSAGE [STACK]: an event, as a member of a span.
exception() {
    printf '"events":[{"timeUnixNano":"1700000000000000015","name":"exception","attributes":{"exception.type":"%s","exception.message":"%s"%s}}]' \
        "$1" "$2" "${3:+,\"exception.stacktrace\":\"$3\"}"
}

@test 'a failure goes up to the root: the record in full' {
    { span a1 1 - 0 100 front 'GET /cart/7' server "$error"
      span a1 2 1 10 90 front get client "$error"
      span a1 3 2 20 80 cart get server "$error"
      span a1 4 3 30 40 cart 'SELECT 7' client "$error,\"statusMessage\":\"no row 7 in 10.0.0.1\""
      span b2 1 - 0 100 front 'GET /cart/8' server; } >spans
    run -0 trace-span errors spans
    assert_line --index 0 '{"type":"aggregate","recordType":"span","metricName":"lostNano","group":{"service":"cart","name":"SELECT <num>","message":"no row <num> in <ip>"},"count":1,"sum":100,"traces":1,"share":0.5,"failedTraces":1,"causes":1,"propagated":0,"further":0,"recovered":0,"handled":0,"logs":0,"firstUnixNano":"1700000000000000040","lastUnixNano":"1700000000000000040","rootOperations":[{"service":"front","name":"GET /cart/<num>","count":1}],"example":"no row 7 in 10.0.0.1","evidence":[{"traceId":"000000000000000000000000000000a1","spanId":"0000000000000004"}]}'
    roles <<<"$output" >got
    run -0 cat got
    assert_output 'SELECT <num> cause 1 failed 1 propagated 0 further 0 recovered 0 handled 0
get cause 0 failed 0 propagated 1 further 0 recovered 0 handled 0
GET /cart/<num> cause 0 failed 0 propagated 1 further 0 recovered 0 handled 0
get cause 0 failed 0 propagated 1 further 0 recovered 0 handled 0'
    run -0 jq -c 'select(.group.service == "front" and .group.name == "get").causedBy' <(trace-span errors spans)
    assert_output '[{"service":"cart","name":"SELECT <num>","count":1}]'
}

@test 'a call that was tried again with success began nothing; one in vain did' {
    { span a 1 - 0 100 front root server "$error"
      span a 2 1 10 20 front lookup client "$error"
      span a 3 1 25 35 front lookup client
      span a 4 1 40 50 front pay client "$error"
      span a 5 1 55 65 front pay client "$error"; } >spans
    trace-span errors spans >got
    run -0 roles <got
    assert_output 'pay cause 1 failed 1 propagated 0 further 1 recovered 0 handled 0
lookup cause 0 failed 0 propagated 0 further 0 recovered 1 handled 0
root cause 0 failed 0 propagated 1 further 0 recovered 0 handled 0'
    # two requests of a method are two calls, unless both lead to one operation
    { span b 1 - 0 100 front root server "$error"
      span b 2 1 10 20 front GET client "$error"
      span b 3 1 25 35 front GET client; } >spans
    run -0 bash -c 'trace-span errors spans | jq -r "select(.failedTraces > 0).group.name"'
    assert_output GET
    { span b 4 2 11 19 cart item server "$error"; span b 5 3 26 34 cart item server; } >>spans
    run -0 bash -c 'trace-span errors spans | jq -r "select(.failedTraces > 0).group.name"'
    assert_output root
}

@test 'of several failed children: the one whose message went up, else the one that came first' {
    { span a 1 - 0 100 front root server "$error,\"statusMessage\":\"stock: no more\""
      span a 2 1 10 20 front ads client "$error,\"statusMessage\":\"away\""
      span a 3 1 30 50 front stock client "$error,\"statusMessage\":\"no more\""
      span b 1 - 0 100 front root server "$error"
      span b 2 1 10 40 front one client "$error"
      span b 3 2 12 30 x deep server "$error"
      span b 4 1 11 35 front two client "$error"
      span c 1 - 0 100 front root server "$error"
      span c 2 1 10 20 front tolerated client "$error"
      span c 3 1 30 40 front fine client
      span c 4 1 50 90 front fatal client "$error"; } >spans
    run -0 bash -c 'trace-span errors --by=name spans | jq -r "select(.failedTraces > 0).group.name" | sort'
    assert_output 'deep
fatal
stock'
}

@test 'callers that go on swallow an error; a proxy that says nothing passes one on' {
    { span a 1 - 0 100 front root server
      span a 2 1 10 60 front page internal
      span a 3 2 20 50 front ads client "$error"; } >spans
    run -0 bash -c 'trace-span errors spans | jq -c "[.failedTraces, .causes, .sum, .swallowedBy, .rootOperations]"'
    assert_output '[0,1,30,[{"service":"front","name":"page","count":1}],null]'
    { span b 1 - 0 100 load POST client "$error" '"attributes":{"http.response.status_code":503}'
      span b 2 1 10 90 proxy ingress server
      span b 3 2 20 80 cart POST server "$error" '"attributes":{"http.status_code":"503"}'; } >spans
    run -0 bash -c 'trace-span errors spans | jq -c "[.group.service, .group.statusCode, .failedTraces, .swallowedBy]"'
    assert_output '["cart","503",1,null]
["load","503",0,null]'
}

@test 'what a message set going has its own failure' {
    { span a 1 - 0 100 front root server
      span a 2 1 10 20 front send producer
      span a 3 2 30 90 mail receive consumer "$error"; } >spans
    run -0 bash -c 'trace-span errors spans | jq -c "[.group.name, .failedTraces, .rootOperations, .swallowedBy]"'
    assert_output '["receive",1,[{"service":"mail","name":"receive","count":1}],null]'
}

@test 'exceptions of events, handled or not, and stacks' {
    stack='x.Y: no 7\n\tat a.B.c(B.java:10)\n\tat d.E.f(E.java:20)'
    { span a 1 - 0 50 front root server "$error,$(exception x.Y 'no 7' "$stack")"
      span b 1 - 0 60 front root server "$error,$(exception x.Y 'no 8' "${stack//10/12}")"
      span c 1 - 0 70 front other server "$(exception x.Z fine)"; } >spans
    trace-span errors spans >got
    run -0 jq -c '[.group.errorType, .group.message, .count, .handled, .firstUnixNano, .stacks[0].frame, .stacks[0].count]' got
    assert_output '["x.Y","no <num>",2,0,"1700000000000000015","at a.B.c(B.java)",2]
["x.Z","fine",1,1,"1700000000000000015",null,null]'
    run -0 bash -c 'trace-span errors --by=stack spans | jq -c "[.group.stack, .count]"'
    assert_output "[\"$(jq -r '.stacks[0].fingerprint // empty' got)\",2]
[null,1]"
}

@test 'logs of errors: of a failed span, of one that did not fail, and of none' {
    log() { # TRACE SPAN SEVERITY BODY [ATTRIBUTES]
        local attributes=
        [[ -z ${5:-} ]] || attributes=",\"attributes\":{$5}"
        printf '{"type":"log","timeUnixNano":"1700000000000000030","severity":"%s","body":"%s","traceId":"%032x","spanId":"%016x","service":"cart"%s}\n' \
            "$3" "$4" "0x$1" "0x$2" "$attributes"
    }
    { span a 1 - 0 100 front root server "$error"
      span b 1 - 0 100 front fine server
      log a 1 info 'nothing'
      log a 1 error 'first'
      log a 1 error 'went wrong at 7' '"exception.type":"x.Y"'
      log b 1 error 'half of it'
      log b 9 fatal 'no such span'
      log c 1 ERROR 'no such trace'; } >records
    run -0 bash -c 'trace-span errors records | jq -c "[.group.service, .group.name, .group.errorType, .group.message, .count, .handled, .logs, .share]"'
    assert_output '["front","root","x.Y","went wrong at <num>",1,0,2,0.3333333333333333]
["cart",null,null,"no such span",1,1,1,0.3333333333333333]
["cart",null,null,"no such trace",1,1,1,0.3333333333333333]
["front","fine",null,"half of it",1,1,1,0.3333333333333333]'
}

@test 'groups by any field; the examples are first causes, the earliest of each trace' {
    for i in 9 8 7 6 5; do
        span "$i" 1 - "$i" 100 front root server "$error" "\"attributes\":{\"zone\":\"z$((i % 2))\"}"
    done >spans
    run -0 bash -c 'trace-span errors --by=zone spans | jq -c "[.group.zone, .count, [.evidence[].traceId[31:]]]"'
    assert_output '["z1",3,["5","7","9"]]
["z0",2,["6","8"]]'
    run -0 --separate-stderr trace-span errors --by=galaxies spans
    assert_equal "$stderr" "trace-span: no record had the field 'galaxies'"
    run -0 --separate-stderr trace-span errors --limit=1 --format=csv --fields=zone,count --by=zone spans
    assert_output 'zone,count
z1,3'
}

@test 'the answer does not depend on order, threads, the stream, or traces that were assembled' {
    "$top_srcdir/contrib/sample-capture.sh" --traces=60 >capture.json
    trace-record import capture.json >all
    trace-span errors all >wanted
    [[ $(wc -l <wanted) -gt 3 ]]
    run -0 diff wanted <(sort -R all | trace-span errors -j3)
    run -0 diff wanted <(trace-span errors -j1 all)
    run -0 diff wanted <(trace-span filter -b --pass all | trace-span errors)
    grep -v '"type":"log"' all | trace-span errors 2>/dev/null >plain || true
    trace-span assemble all 2>/dev/null >traces
    run -0 diff plain <(trace-span errors traces)
    run -0 jq -c 'select((.causes + .propagated + .further + .recovered + .handled) != .count)' wanted
    assert_output ''
}

@test 'wrong input, and too little memory' {
    repeat 9 <(echo '{"type":"log","timeUnixNano":"1","severity":"error","body":"x","traceId":"00000000000000000000000000000001"}') >logs
    run -4 --separate-stderr trace-span errors --memory=1K logs
    assert_equal "$stderr" 'trace-span: the log records of errors do not fit in 1 KiB: give more with --memory=SIZE'
    { shop; echo '{"type":"span"'; } >spans
    run -3 --separate-stderr trace-span errors spans
    assert_equal "$(wc -l <<<"$output")" 2
    run -0 trace-span errors /dev/null
    assert_output ''
}
