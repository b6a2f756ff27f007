#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What a policy lets into a repository: collection.drop and sampling.head.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR" || return
}

# repository POLICY: with that policy.
repository() {
    rm -rf repo
    trace-record init repo
    printf '%s\n' "$1" >policy.yaml
    trace-record policy repo policy.yaml
}

# spans N: of N traces whose randomness is spread evenly, two each, in two batches of traces.
spans() {
    awk -v n="$1" 'BEGIN {
        for (half = 0; half < 2; half++)
            for (i = 0; i < n; i++)
                printf "{\"type\":\"span\",\"traceId\":\"%016x%02x%02x%012x\",\"spanId\":\"%016x\"," \
                    "\"name\":\"op%d\",\"startTimeUnixNano\":\"1700000000%09d\",\"service\":\"cart\"," \
                    "\"attributes\":{\"n\":%d}}\n", i + 1, i % 7, int(i * 256 / n), i, 2 * i + half + 1, i % 3, i, i }'
}

traces() {
    jq -r .traceId | sort -u
}

@test 'drop: records for which an expression is true are not kept, and counted' {
    repository 'collection: {drop: [".name == \"op1\"", ".attributes.n >= 90"]}'
    spans 100 >spans
    run -0 trace-record archive repo spans
    assert_output 'trace-record: repo: 80 records are not kept: the policy drops them'
    trace-record read repo | cmp - <(trace-record import spans | jq -c 'select(.name != "op1" and .attributes.n < 90)')
    # the same from large chunks, from the binary stream and by an expression that is not native
    repository 'collection: {drop: ".name as $n | $n == \"op1\""}'
    repeat 250 spans >many
    run -0 trace-record archive repo many
    assert_output 'trace-record: repo: 16500 records are not kept: the policy drops them'
    assert_equal "$(trace-record read repo | wc -l)" 33500
    repository 'collection: {drop: ".name == \"op1\""}'
    trace-record read -b spans | trace-record archive repo
    assert_equal "$(trace-record read repo | grep -c op1)" 0
    assert_equal "$(trace-record read repo | wc -l)" 134
}

@test 'drop: what it cannot judge is kept, and counted' {
    repository 'collection: {drop: ".attributes.n + 1 > 10"}'
    spans 20 | sed 's/"n":5}/"n":"x"}/' >some
    run -0 trace-record archive repo some
    assert_line 'trace-record: repo: 20 records are not kept: the policy drops them'
    assert_line "trace-record: repo: an expression of the policy's drop gave an error for 2 records, which are kept"
    assert_equal "$(trace-record read repo | grep -c '"n":"x"')" 2
}

@test 'drop is for short writers too, before anything comes into a log' {
    repository 'collection: {drop: ".metricName == \"noise\""}'
    run -0 trace-record metric --to=repo noise 1
    assert_output 'trace-record: repo: 1 record is not kept: the policy drops it'
    ! grep -rqa noise repo/open
    printf '%s\n' 'load 1' 'noise 2' 'load 3' | trace-record metric --to=repo -
    assert_equal "$(trace-record read repo | jq -c .value | tr '\n' ' ')" '1 3 '
}

@test 'head: whole traces, the same ones whoever samples, a smaller share of a larger one' {
    spans 1000 >spans
    for share in 0.5 0.125; do
        repository "sampling: {head: $share}"
        run -0 --separate-stderr trace-record archive repo spans
        assert_equal "$output" ''
        trace-record read repo >kept
        traces <kept >"traces$share"
        n=$(wc -l <"traces$share")
        assert_equal "$(wc -l <kept)" $((2 * n))
        assert_equal "$stderr" "trace-record: repo: $((2000 - 2 * n)) spans are not kept: the policy samples other traces"
        awk -v n="$n" -v share="$share" 'BEGIN { exit !(n > 980 * share && n < 1020 * share) }'
    done
    [[ -z $(comm -13 traces0.5 traces0.125) ]]
    # by the last 56 bits, as others do it
    cmp traces0.5 <(traces <spans | awk 'substr($0, 19, 1) ~ /[89a-f]/')
    # what is in a repository already is not sampled again
    trace-record read repo >kept
    repository 'sampling: {head: 0.125}'
    run -0 trace-record archive repo kept
    assert_output ''
    trace-record read repo | cmp - kept
}

@test 'head: the share is in the trace state, and other records stay' {
    repository 'sampling: {head: 0.1}'
    cat >mixed <<'EOF'
{"type":"span","traceId":"5b8efff798038103d2ffffffffffffff","spanId":"0000000000000001","name":"a"}
{"type":"span","traceId":"5b8efff798038103d2ffffffffffffff","spanId":"0000000000000002","name":"b","traceState":"k=v, ot=p:8;th:8 ,z=\"1\"","flags":1}
{"type":"span","traceId":"5b8efff798038103d2ffffffffffffff","spanId":"0000000000000003","name":"c","traceState":"ot=th:f"}
{"type":"span","traceId":"5b8efff798038103d200000000000000","spanId":"0000000000000004","name":"d","traceState":"ot=rv:ffffffffffffff"}
{"type":"span","traceId":"5b8efff798038103d200000000000000","spanId":"0000000000000005","name":"e"}
{"type":"span","traceId":"5b8efff798038103d2ffffffffffffff","spanId":"0000000000000006","name":"f","traceState":"ot=rv:00000000000000"}
{"type":"log","traceId":"5b8efff798038103d200000000000000","body":"l","timeUnixNano":"1"}
{"type":"metric","metricName":"m","value":1,"timeUnixNano":"1"}
EOF
    run -0 trace-record archive repo mixed
    assert_output 'trace-record: repo: 2 spans are not kept: the policy samples other traces'
    run -0 trace-record read repo --type=span --fields=name,traceState
    assert_line '{"name":"a","traceState":"ot=th:e6666666666666"}'
    assert_line '{"name":"b","traceState":"ot=th:e6666666666666;p:8,k=v,z=\"1\""}'
    assert_line '{"name":"c","traceState":"ot=th:f"}'
    assert_line '{"name":"d","traceState":"ot=th:e6666666666666;rv:ffffffffffffff"}'
    assert_equal "${#lines[@]}" 4
    assert_equal "$(trace-record read repo --type=log,metric | wc -l)" 2
    trace-span assemble repo | grep -q '"samplingDecision":"sampled","samplingReason":"probability"'
}

@test 'head and redaction and labels together' {
    run trace-record key new reader
    [[ $output != *libsodium* ]] || skip 'libsodium is missing'
    repository 'version: 1'
    mkdir repo/keys
    cp reader.pub repo/keys
    cat >policy.yaml <<'EOF'
labels: {pii: [user]}
roles: {reader: {read: [pii], key: keys/reader.pub}}
redact: [{fields: [card], mask: '[0-9]', with: 'x'}]
sampling: {head: 25%}
collection: {drop: '.attributes.card == "44"'}
EOF
    trace-record policy repo policy.yaml
    spans 100 | sed 's/"n":\([0-9]*\)}/"card":"\1","user":"canary\1"}/' >some
    run -0 trace-record archive repo some
    assert_line --partial '2 records are not kept'
    ! zstd -dcq "$(find repo -name '*.zst')" | grep -qa canary
    trace-record read repo --key=reader >got
    run -0 jq -r .attributes.card got
    refute_output --regexp '[0-9]'
    assert_equal "$(jq -r .attributes.user got | sort -u | wc -l)" 25
    grep -q '"traceState":"ot=th:c"' got
}

@test 'head: a command that was run is sampled by its trace' {
    repository 'sampling: {head: 50%}'
    TRACEPARENT=00-5b8efff798038103d200000000000000-eee19b7ec3c1b174-01 run -0 trace-record run --to=repo -- true
    assert_output 'trace-record: repo: 1 span is not kept: the policy samples other traces'
    TRACEPARENT=00-5b8efff798038103d2ffffffffffffff-eee19b7ec3c1b174-01 run -0 trace-record run --to=repo -- true
    assert_output ''
    run -0 trace-record read repo --type=span --fields=traceState
    assert_output '{"traceState":"ot=th:8"}'
}
