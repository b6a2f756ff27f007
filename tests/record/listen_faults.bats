# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record listen when things go wrong: it is killed or ended under load, clients are slow, the
# disk is slow, full or broken. What was answered 200 is there, whatever happens.

load ../helper
load listen

# slow_disk: from here on listen has a disk whose syncs pause for DISK_PAUSE_MS, and that fails
# as the file $DISK_FAULT says.
slow_disk() {
    # shellcheck disable=SC2086 # CC may be two words
    ${CC:-cc} -D_GNU_SOURCE -shared -fPIC -o slow_disk.so "$top_srcdir/tests/fault/slow_disk.c" -ldl
    export DISK_FAULT=$PWD/fault
    preload=(env LD_PRELOAD="$PWD/slow_disk.so")
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
    export ASAN_OPTIONS
}

# holds DESTINATION: every span of a request that was answered 200 is in it. Counts them: $kept.
holds() {
    awk -v size="$size" '$2 == 200 { for (i = 0; i < size; i++) printf "%016x\n", $1 + i }' \
        answers.* | sort >want
    kept=$(wc -l <want)
    ids "$1" | uniq >got
    run -0 comm -23 want got
    assert_output ''
}

# keeps_ten DESTINATION: starts one on a disk that works again, and posts ten spans, which it keeps.
keeps_ten() {
    rm -f fault
    [[ $1 != repo ]] || trace-record init repo
    listen --to="$1"
    spans 1 10 >body
    assert_equal "$(post /v1/traces @body)" '{}200'
}

await_loads() {
    local job
    for job in "${loads[@]}"; do
        wait "$job" || true
    done
}

@test 'killed under load, it has kept what it answered, in a file and in a repository' {
    size=100
    for to in got.ndjson repo; do
        rm -rf "$to" answers.*
        [[ $to != repo ]] || trace-record init repo
        listen --to="$to"
        load 4 60 $size
        while (($(cat answers.* | grep -c ' 200$') < 40)); do sleep 0.02; done
        kill -9 "$pid"
        wait "$pid" || true
        pid=
        await_loads
        holds "$to"
        ((kept >= 4000))
        if [[ $to == repo ]]; then
            run -0 trace-record check repo
            # the next one takes up what was left, and goes on
            listen --to=repo
            spans 1000001 5 >body
            assert_equal "$(post /v1/traces @body)" '{}200'
            stop
            holds repo
            assert_equal "$(tail -n 1 got)" "$(id 1000005)"
            run -0 trace-record check repo
        fi
    done
}

@test 'TERM under load: what is open is answered, and 200 means kept' {
    size=100
    trace-record init repo
    listen --to=repo
    load 4 60 $size
    while (($(cat answers.* | grep -c ' 200$') < 40)); do sleep 0.02; done
    stop
    await_loads
    holds repo
    ((kept >= 4000))
    run -0 trace-record check repo
}

@test 'TERM waits for a body that is on its way, and takes no new one' {
    spans 1 10 >body
    size=$(wc -c <body)
    listen --to=got.ndjson
    exec {client}<>"/dev/tcp/127.0.0.1/${url##*:}"
    printf 'POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n' "$size" >&"$client"
    head -c 100 body >&"$client"
    sleep 0.3
    kill "$pid"
    sleep 0.5
    kill -0 "$pid"
    run ! post /v1/traces '{}'
    tail -c +101 body >&"$client"
    read -r -t 20 answer <&"$client"
    exec {client}>&-
    ends 0
    assert_equal "${answer%$'\r'}" 'HTTP/1.1 200 OK'
    assert_equal "$(wc -l <got.ndjson)" 10
}

@test 'clients that send a byte at a time are ended, and hold up nobody' {
    listen --to=got.ndjson --timeout=2s --max-connections=8
    for i in 0 1 2 3 4 5; do
        exec {slow}<>"/dev/tcp/127.0.0.1/${url##*:}"
        case $i in
        [01]) { for _ in {1..100}; do printf P; sleep 0.1; done >&"$slow"; } 2>/dev/null 3>&- & ;;
        [23]) printf 'POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n' >&"$slow"
            { for _ in {1..100}; do printf ' '; sleep 0.1; done >&"$slow"; } 2>/dev/null 3>&- & ;;
        esac
        sockets+=("$slow")
    done
    assert_equal "$(post /v1/traces '{}')" '{}200'
    SECONDS=0
    for slow in "${sockets[@]}"; do
        read -r -t 20 <&"$slow" || (($? <= 128)) # its end
        exec {slow}>&-
    done
    ((SECONDS < 10))
    assert_equal "$(post /v1/traces '{}')" '{}200'
    stop
}

@test 'a slow disk: requests share syncs, memory is bounded, nothing is lost' {
    slow_disk
    size=500
    requests=25
    [[ -n ${TRACECORE_TEST_LONG-} ]] || ! developer_build || requests=5
    export DISK_PAUSE_MS=50
    trace-record init repo
    listen --to=repo
    retry=--retry load 8 $requests $size
    await_loads
    developer_build || (($(awk '/VmHWM/ { print $2 }' "/proc/$pid/status") < 256 * 1024))
    stop
    holds repo
    assert_equal "$kept" $((8 * requests * size))
    assert_equal "$(wc -l <got)" "$kept"
}

@test 'a full disk is 503, and passes' {
    slow_disk
    for to in got.ndjson repo; do
        keeps_ten "$to"
        echo 'write 28' >fault # ENOSPC
        spans 11 10 >body
        run -0 curl -sS -i -H 'Content-Type: application/json' --data-binary @body "$url/v1/traces"
        assert_line --partial 'HTTP/1.1 503'
        assert_line --partial 'Retry-After: 1'
        assert_line '{"code":14,"message":"records cannot be kept at the moment"}'
        assert_equal "$(ids "$to" | wc -l)" 10
        rm fault
        run -0 post /v1/traces @body --retry 5
        assert_output --partial '{}200'
        spans 21 10 >body
        assert_equal "$(post /v1/traces @body)" '{}200'
        stop
        assert_equal "$(ids "$to" | uniq | wc -l)" 30

        assert_equal "$(grep -c 'No space left on device; senders are asked to come again' log)" 1
        assert_equal "$(grep -c 'records are kept again' log)" 1
    done
    run -0 trace-record check repo
}

@test 'a disk that cannot sync ends it, and what was not synced is not answered 200' {
    slow_disk
    for to in got.ndjson repo; do
        keeps_ten "$to"
        echo 'sync 5' >fault # EIO
        spans 11 10 >body
        assert_equal "$(post /v1/traces @body)" '{"code":14,"message":"records cannot be kept at the moment"}503'
        rm fault
        ends 4
        assert_equal "$(grep -c 'Input/output error' log)" 1
        assert_equal "$(ids "$to" | sed -n 10p)" "$(id 10)"
    done
}

@test 'a decoder that dies costs its request, and another takes its place' {
    listen --to=got.ndjson -j 1
    decoder=$(cat /proc/"$pid"/task/*/children)
    kill -9 $decoder
    assert_equal "$(post /v1/traces '{}')" '{"code":3,"message":"it cannot be decoded"}400'
    assert_equal "$(post /v1/traces '{}')" '{}200'
    if [[ -n ${TRACECORE_TEST_LONG-} ]]; then
        kill -STOP $(cat /proc/"$pid"/task/*/children)
        assert_equal "$(post /v1/traces '{}')" '{"code":3,"message":"it took longer than 20 s to decode"}400'
        assert_equal "$(post /v1/traces '{}')" '{}200'
    fi
    stop
    assert_equal "$(sed -n 2p log)" 'trace-record: a body ended its decoder (signal 9)'
}
