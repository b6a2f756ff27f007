# SPDX-License-Identifier: GPL-3.0-or-later
# Records of a repository that are in no segment yet: its logs, and their way into segments.

load ../helper

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    export TRACE_TO=repo
    trace-record init repo
}

numbers() { # numbers FROM TO: as lines for metric -
    seq "$1" "$2" | sed 's/^/n /'
}

values() { # the values of all records, in order
    trace-record read "$@" repo | jq .value | sort -n
}

segments() {
    find repo/segments -name '*.tar.zst' | wc -l
}

abandon() { # the shared log is nobody's any more, as if it had been full
    mv repo/open/shared.log "repo/open/${1-left}.log"
}

damage() { # damage FILE OFFSET: another byte there
    local byte
    byte=$(od -An -tu1 -j"$2" -N1 "$1")
    # shellcheck disable=SC2059
    printf "\\$(printf %03o $(((byte + 1) % 256)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

await() { # await COMMAND...: until it succeeds, at most 10 s
    for _ in {1..200}; do
        "$@" && return
        sleep 0.05
    done
    return 1
}

@test 'unsealed records are there for every program' {
    trace-record metric a 1 service=x
    trace-record archive repo <<<'{"type":"metric","metricName":"a","value":2,"timeUnixNano":"1"}'
    assert_equal "$(values)" $'1\n2'
    assert_equal "$(values --since=-1h)" 1
    assert_equal "$(values --until=-1h)" 2
    assert_equal "$(values --limit=1)" 2
    assert_equal "$(values -w '.value == 1')" 1
    assert_equal "$(trace-record read -b repo | trace-span filter --pass | wc -l)" 2
    assert_equal "$(trace-agg --stat=sum repo | jq .sum)" 3
}

@test 'chunks of all sizes: many entries, long entries, long lines' {
    numbers 1 20000 | trace-record metric -
    for n in 1 2 3; do
        trace-record metric "$n" "$(head -c 300 /dev/zero | tr '\0' x)"
    done
    trace-record metric last 7
    for threads in 1 4; do
        trace-record read -j"$threads" repo | jq '.value | numbers' | cmp - <(seq 20000; echo 7)
        trace-record read -j"$threads" repo | grep -c xxx | cmp - <(echo 3)
    done
    run -3 --separate-stderr trace-record read repo --line-limit=200
    assert_equal "${#lines[@]}" 20001
    [[ $stderr == *"repo: "*"line"* ]]
}

@test 'archive puts abandoned logs into its segment, and they go' {
    numbers 1 100 | trace-record metric -
    abandon
    numbers 101 200 | trace-record metric -
    assert_equal "$(segments)" 1 # who began the new log has sealed the one before
    abandon
    run -0 --separate-stderr trace-record archive repo <<<'{"metricName":"n","value":201}'
    assert_equal "$stderr" ''
    assert_equal "$(ls repo/open)" ''
    assert_equal "$(segments)" 2
    values | cmp - <(seq 201)
    run -0 trace-record check repo
    assert_output ''
}

@test 'a log that is there beside its segment is read once, and goes' {
    numbers 1 100 | trace-record metric -
    abandon
    cp repo/open/left.log kept
    trace-record archive repo </dev/null
    assert_equal "$(ls repo/open)" ''
    cp kept repo/open/left.log # as if the power had gone before it went
    values | cmp - <(seq 100)
    assert_equal "$(values --since=2100-01-01)" '' # a segment that is left out has its say
    run -0 trace-record archive repo </dev/null
    assert_equal "$(ls repo/open)" ''
    assert_equal "$(segments)" 1
    values | cmp - <(seq 100)
}

@test 'what is sealed in a segment that is not read is not read from its log' {
    numbers 1 10 | trace-record metric -
    abandon
    cp repo/open/left.log kept
    for i in {1..64}; do # of which one has the log
        trace-record archive repo <<<'{"type":"metric","metricName":"x","value":7,"timeUnixNano":"1790000000000000000"}'
    done
    [[ ! -e repo/open/left.log ]]
    cp kept repo/open/left.log # as if the crash had come before it went
    [[ $(values -w '.metricName == "n"' | wc -l) -eq 10 ]]
    run -0 trace-agg --stat=count --by=metricName repo
    [[ $output == *'"metricName":"n","group":{"metricName":"n"},"count":10}'* ]]
    trace-record rollup repo
    [[ -n $(ls repo/rollups) ]]
    run -0 trace-agg --stat=count --by=metricName repo
    [[ $output == *'"metricName":"n","group":{"metricName":"n"},"count":10}'* ]]
    # neither segment nor log is of that time, or of that trace
    run -0 trace-record read --until=2026-10-01T00:00:00Z repo
    [[ ${#lines[@]} -eq 64 ]]
    run -1 trace-span get 0123456789abcdef0123456789abcdef repo
    run -0 trace-record read --since=2026-10-01T00:00:00Z repo
    [[ ${#lines[@]} -eq 10 ]]
}

@test 'a torn end is no damage: check says it, the next writer goes on in a new log' {
    numbers 1 10 | trace-record metric -
    printf 'a torn entry' >>repo/open/shared.log
    run -0 --separate-stderr trace-record read repo
    assert_equal "${#lines[@]}" 10
    assert_equal "$stderr" ''
    run -0 trace-record check repo
    assert_output 'trace-record: repo: open/shared.log: 12 bytes at its end are of an entry that was not finished'
    run -0 trace-record metric n 11
    assert_output --regexp '^trace-record: repo: open/[0-9TZ]+-[0-9a-f]{16}.log: 12 bytes are no entry, and are in the quarantine$'
    assert_equal "$(cat repo/quarantine/*)" 'a torn entry'
    assert_equal "$(segments)" 1
    values | cmp - <(seq 11)
}

@test 'damage in a log is one error, and costs what is damaged' {
    for n in 1 2 3; do trace-record metric n "$n"; done
    size=$(($(stat -c %s repo/open/shared.log) - 64))
    damage repo/open/shared.log $((64 + size / 2))
    run -4 --separate-stderr trace-record read repo
    assert_equal "$(jq .value <<<"$output")" $'1\n3'
    [[ $stderr =~ ^"trace-record: repo: open/shared.log: damaged log: "[0-9]+" bytes in 1 place are no entry of it"$ ]]
    run -1 trace-record check repo
    assert_output --partial 'repo: open/shared.log: damaged log: '
    trace-record metric n 4
    abandon
    run -0 trace-record archive repo </dev/null
    assert_output --partial 'bytes are no entry, and are in the quarantine'
    values | cmp - <(printf '1\n3\n4\n')
    assert_equal "$(ls repo/open)" ''
    grep -q '"value":2' repo/quarantine/*
}

@test 'a log that cannot be read stays, and the others are sealed' {
    trace-record metric n 1
    abandon b
    mkfifo repo/open/a.log
    run -4 trace-record archive repo </dev/null
    assert_output --partial 'open/a.log: '
    assert_equal "$(ls repo/open)" a.log
    assert_equal "$(segments)" 1
    run -4 --separate-stderr trace-record read repo
    assert_equal "${#lines[@]}" 1
}

@test 'archive --durability=record acknowledges at once, and a kill loses nothing of that' {
    mkfifo pipe
    trace-record archive --durability=record --ack repo <pipe >acks 3>&- &
    exec 9>pipe
    echo '{"metricName":"n","value":1}' >&9
    await grep -qx 1 acks
    assert_equal "$(values)" 1 # and it can be read
    echo '{"metricName":"n","value":2}' >&9
    await grep -qx 2 acks
    assert_equal "$(segments)" 0
    kill -KILL $!
    wait $! || true
    exec 9>&-
    values | cmp - <(seq 2)
    trace-record archive repo <<<'{"metricName":"n","value":3}'
    assert_equal "$(ls repo/open)" ''
    assert_equal "$(segments)" 1
    values | cmp - <(seq 3)
}

@test 'archive --durability=segment acknowledges when a segment is on disk, and TERM and INT seal' {
    local n=0
    for signal in TERM INT; do
        for durability in none segment record; do
            n=$((n + 1))
            rm -f pipe && mkfifo pipe
            set -m # else a job in the background ignores INT
            trace-record archive --durability=$durability --ack repo <pipe >acks 3>&- &
            set +m
            exec 9>pipe
            echo "{\"metricName\":\"n\",\"value\":$n}" >&9
            sleep 0.3
            [[ $durability == record || ! -s acks ]]
            kill -$signal $!
            wait $!
            exec 9>&-
            assert_equal "$(cat acks)" 1
            assert_equal "$(ls repo/open)" ''
            values | cmp - <(seq $n)
        done
    done
}

@test 'archive: each durability keeps the same records, -j1 and -j4, long and short' {
    numbers 1 60000 | trace-record metric - --to=records --time=0
    for durability in none segment record; do
        for threads in 1 4; do
            rm -rf repo
            run -0 trace-record archive --durability=$durability --ack -j$threads repo records
            assert_equal "${lines[-1]}" 60000
            trace-record read repo | cmp - records
            assert_equal "$(ls repo/open)" ''
        done
    done
}

@test 'an execution is found in segments and logs' {
    id=$(trace-record start nightly --attr=a=1)
    abandon
    trace-record checkpoint "$id" loaded # in another log, and the first one is sealed
    assert_equal "$(segments)" 1
    trace-record update "$id" --attr=b=2 --durability=record
    abandon
    trace-record finish "$id"
    run -4 trace-record update "$id" --attr=c=3
    assert_output --partial 'has ended already'
    run -4 trace-record finish 00000000000000aa
    assert_output --partial 'no execution 00000000000000aa was started there'
    trace-record run --name=child -- true
    run -0 --separate-stderr trace-record read repo --type=span
    assert_equal "$(jq -c '[.name,.attributes.a,.attributes.b,(.events|length)]' <<<"${lines[0]}")" '["nightly",1,2,1]'
    assert_equal "$(jq -r .name <<<"${lines[1]}")" child
}

@test 'nested runs find the repository' {
    mkdir elsewhere
    trace-record run --name=outer -- sh -c 'cd elsewhere && trace-record run --name=inner -- true'
    assert_equal "$(trace-record read repo --type=span | jq -r .name)" $'inner\nouter'
}
