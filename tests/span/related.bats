# trace-span related: traces that have to do with one.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C
    printf -v one '%032x' 1
}

link() {
    printf '"links":[{"traceId":"%032x","spanId":"%016x"}]' "0x$1" 1
}

# execution TRACE ID MORE
execution() {
    printf '{"type":"execution","event":"started","executionId":"%016x","traceId":"%032x","timeUnixNano":"1700000000000000100"%s}\n' "0x$2" "0x$1" "$3"
}

# Trace 1 and each kind of relation to it; 6 has none.
family() {
    local parent cause
    printf -v parent ',"parentTraceId":"%032x"' 0x77
    printf -v cause ',"causationId":"%016x"' 0x21
    span 1 1 - 0 100 front 'GET /' server '' "$(link 2),\"attributes\":{\"user.id\":\"u1\"}"
    span 2 1 - 50 150 queue job
    span 3 1 - 5000 5100 queue late server '' "$(link 1)"
    span 4 1 - 900 1000 front 'GET /' server '' '"attributes":{"user.id":"u1"}'
    span 5 1 - 7200000000000 7200000000100 front 'GET /' server '' '"attributes":{"user.id":"u1"}'
    span 6 1 - 1 2 other x server '' '"attributes":{"user.id":"u2"}'
    span 9 1 - 910 1010 front 'GET /'
    span 9 2 1 920 930 back x
    span b 1 - 3 4 z z server '' "$(link 2)"
    execution 1 21 "$parent,\"correlationId\":\"c\""
    execution 8 22 ",\"parentTraceId\":\"$one\"$cause"
    execution a 23 "$parent,\"correlationId\":\"c\""
}

brief() {
    jq -r '"\(.traceId[30:]) \(.relation) \(.strength) \(.offsetNano) \(.missing // "")|\([.relations[] | "\(.relation)\(if .direction then " " + .direction else "" end) \(.field // "") \(.value // "") \(.strength)"] | join("; "))"'
}

expected='02 link 1 50 |link to links  1
08 child 1 100 |child parentTraceId  1; effect causationId  0.9
03 link 1 5000 |link from links  1
77 parent 1 null true|parent parentTraceId  1
0a shared 0.92 100 |shared correlationId c 0.8; sibling parentTraceId  0.6
04 shared 0.653321 900 |shared user.id u1 0.504744; similar   0.3
0b sibling 0.6 3 |sibling links  0.6
05 shared 0.504744 7200000000000 |shared user.id u1 0.504744
09 similar 0.15 910 |similar   0.15'

@test 'each relation with its reason and strength, ranked' {
    family >records
    run -0 --separate-stderr trace-span related $one records
    brief <<<"$output" >got
    run -0 cat got
    assert_output "$expected"
    run -0 --separate-stderr trace-span related $one -j1 < <(tac records)
    brief <<<"$output" >got
    run -0 cat got
    assert_output "$expected"
}

@test 'from the other side, with other fields, without similar ones' {
    family >records
    printf -v eight '%032x' 8
    run -0 --separate-stderr trace-span related $eight records
    brief <<<"$output" >got
    run -0 cat got
    assert_output '01 parent 1 -100 |parent parentTraceId  1; cause causationId  0.9'
    run -0 --separate-stderr trace-span related --by=service --similar=0 $one records
    assert_equal "$(jq -r 'select(.relation == "shared") | .traceId[30:]' <<<"$output" | xargs)" '04 09 05'
    run -0 --separate-stderr trace-span related --similar=1 --within=1us $one records
    assert_equal "$(jq -r 'select(.relations[].relation == "similar") | .traceId[30:]' <<<"$output" | xargs)" '04'
}

@test 'a repository: what is within an hour, and what the trace names wherever it is' {
    { family; span 1 9 1 10 20 front link client '' "$(link c)"
      span c 1 - -9000000000000 -8999999999900 old old; } >records
    trace-record archive repo <records
    run -0 --separate-stderr trace-span related $one repo
    brief <<<"$output" >got
    run -0 cat got
    assert_output --partial '0c link 1 -9000000000000 |link to links  1'
    assert_output --partial '03 link 1 5000 |link from links  1'
    assert_output --partial '08 child 1 100 |child parentTraceId  1; effect causationId  0.9'
    refute_line --partial '05 shared'
    run -0 --separate-stderr trace-span related --within=3h $one repo
    jq -S . <<<"$output" >repository
    trace-span related --within=3h $one records | jq -S . >stream
    assert_files_equal repository stream
}

@test 'what is not there is 1; usage; --memory' {
    family >records
    run -1 trace-span related 00000000000000ff records
    assert_output 'trace-span: no span of trace 000000000000000000000000000000ff is in the input'
    trace-record archive repo <records
    run -1 trace-span related 00000000000000ff repo
    run -2 trace-span related records
    assert_line --index 0 'trace-span: related needs a TRACEID'
    run -2 trace-span related $one ${one/01/02} records
    run -4 trace-span related --memory=1K $one records
    assert_output --partial 'give more with --memory=SIZE'
}
