# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record listen --statsd: what becomes of packets, and what is told of those that are lost.

load ../helper
load listen

setup() {
    cd "$BATS_TEST_TMPDIR"
    pid=
}

# listen OPTION...: starts one on a port of its choice, and waits until it is ready: $address, $port.
listen() {
    : >log
    trace-record listen "$@" 2>log 3>&- &
    pid=$!
    for _ in {1..600}; do
        address=$(sed -n 's,^trace-record: listening at udp://,,p' log)
        port=${address##*:}
        [[ -z $address ]] || return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    cat log >&2
    return 1
}

# packet TEXT: sends it, whole.
packet() {
    printf '%b' "$1" >packet
    cat packet >"/dev/udp/127.0.0.1/$port"
}

packets() {
    "$top_builddir/tests/record/packets" "$@"
}

# count WHAT: that number of the last line about StatsD.
count() {
    grep 'StatsD: [0-9]* packets' log | tail -n 1 | sed -n "s/.*[ :]\([0-9]*\) $1.*/\1/p"
}

without_times() {
    sed 's/,"timeUnixNano":"[0-9]*"//' "$@"
}

@test 'packets of many lines arrive as import has them, with the time they came' {
    listen --to=got.ndjson --statsd=0
    printf '%s\n' 'orders:3|c|@0.1' 'load:+2|g' 'load:0.5|g' 'page:12:15|ms|#route:/cart,plain' \
        'who:ann|s' '_e{5,4}:title|text|t:error|#env:prod' '_sc|db|2|m:down' 'a.b;x=y:1|c' >lines
    from=$(date +%s%N)
    packet "$(head -n 4 lines)"
    packet "$(tail -n +5 lines)\r\n\n" # a newline at the end, or none
    retry_until 9 grep -c . got.ndjson
    stop
    trace-record import --from=statsd lines >want.ndjson
    without_times got.ndjson | cmp - want.ndjson
    trace-record import got.ndjson | cmp - got.ndjson
    assert_equal "$(jq -s --argjson from "$from" --argjson to "$(date +%s%N)" \
        '[.[].timeUnixNano//"0"|tonumber|select(. >= $from and . <= $to)]|length' got.ndjson)" 9
    assert_equal "$(jq -r '.quality.sampleRate//empty' got.ndjson)" 0.1
    assert_equal "$(count packets,)/$(count 'records kept')/$(count 'bad lines')" 2/9/0
}

@test '--dogstatsd: signed gauges are absolute' {
    listen --to=got.ndjson --statsd=0 --dogstatsd
    packet 'load:-2|g'
    stop
    assert_equal "$(jq -c '[.value,.temporality]' got.ndjson)" '[-2,null]'
    run -2 trace-record listen --to=got.ndjson --dogstatsd
    assert_line --index 0 'trace-record: --dogstatsd is for StatsD: name --statsd'
}

@test 'bad lines cost themselves, and their sender is named once' {
    listen --to=got.ndjson --statsd=0
    for _ in {1..50}; do
        packet 'good:1|c\nbad\nworse:x|c\n\xff:1|c\ncut:1'
    done
    retry_until 50 grep -c . got.ndjson
    sleep 0.3
    packet 'bad again'
    stop
    assert_equal "$(jq -s length got.ndjson)" 50
    assert_equal "$(count 'bad lines')" 201
    assert_equal "$(grep -c 'StatsD from' log)" 1
    assert_regex "$(grep 'StatsD from' log)" '^trace-record: StatsD from 127\.0\.0\.1:[0-9]+: no value behind the name \(one of [0-9]+ bad lines\)$'
}

@test 'a packet that is longer than --max-body is refused' {
    listen --to=got.ndjson --statsd=0 --max-body=100
    packet "$(printf 'n:1|c|#%090d' 7)"
    packet "$(printf 'n:1|c|#%0100d' 7)"
    retry_until 1 grep -c . got.ndjson
    stop
    assert_equal "$(count 'too long')" 1
    assert_equal "$(count packets,)" 2
}

@test 'only what is named is opened; others reach it only if that is asked for' {
    listen --to=got.ndjson --statsd=0
    assert_equal "$(cat log)" "trace-record: listening at udp://127.0.0.1:$port"
    run -4 trace-record listen --to=other.ndjson --statsd="$address"
    assert_output "trace-record: cannot listen at $address: Address already in use"
    stop
    for address in 0.0.0.0:0 '[::]:0' 192.0.2.1:8125; do
        run -2 trace-record listen --to=x --statsd="$address"
        assert_line --index 0 "trace-record: --statsd=$address can be reached from other machines, and StatsD has neither TLS nor authentication: that takes --insecure"
    done
    run -2 trace-record listen --to=x --statsd=host
    assert_line --index 0 --partial "trace-record: --statsd: 'host' is no address"
    run -2 trace-record listen --to=x --statsd 8125
    for option in --tls-cert=c --tls-key=k --tls-client-ca=c --token-file=t --max-connections=5 --timeout=1s; do
        run -2 trace-record listen --to=x --statsd "$option"
        assert_line --index 0 "trace-record: ${option%=*} is for HTTP: name --http beside --statsd"
    done
    assert_file_not_exist x
    listen --to=got.ndjson --statsd=0.0.0.0:0 --insecure
    packet 'n:1|c'
    stop
    assert_equal "$(count 'records kept')" 1
}

@test 'version 6 of the internet protocol' {
    listen --to=got.ndjson --statsd='[::1]:0' || skip 'this system has no IPv6'
    packets ::1 "$port" 10 >rate
    printf bad >"/dev/udp/::1/$port"
    retry_until 10 grep -c . got.ndjson
    stop
    assert_regex "$(grep 'StatsD from' log)" 'StatsD from \[::1\]:[0-9]+: no value behind the name$'
}

@test 'beside HTTP, into one repository' {
    need_command curl
    trace-record listen --http=127.0.0.1:99999 2>&1 | grep -q 'without libmicrohttpd' &&
        skip 'this build has no libmicrohttpd'
    trace-record init repo
    listen --to=repo --http=0 --statsd=0
    url=$(sed -n 's/^trace-record: listening at http/http/p' log)
    packets 127.0.0.1 "$port" 4000 8000 5 >rate &
    sender=$!
    for i in {1..20}; do
        answer=$(curl -sS -w '%{http_code}' -H 'Content-Type: application/json' "$url/v1/traces" --data-binary \
            "$(printf '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%032x","spanId":"%016x"}]}]}]}' "$i" "$i")")
        assert_equal "$answer" '{}200'
    done
    wait "$sender"
    stop
    run -0 trace-record check repo
    assert_equal "$(trace-record read --type=span repo | wc -l)" 20
    assert_equal "$(count 'packets dropped') $(count lost)" '0 0'
    assert_equal "$(trace-record read --type=metric repo | jq -s 'map(.value)|[length,add]' -c)" '[20000,200010000]'
}

@test 'TERM keeps what has been received' {
    listen --to=got.ndjson --statsd=0
    kill -STOP "$pid"
    packets 127.0.0.1 "$port" 5000 >rate
    kill "$pid"
    kill -CONT "$pid"
    ends 0
    assert_equal $(($(count packets,) + $(count 'packets dropped'))) 5000
    assert_equal "$(wc -l <got.ndjson)" "$(count packets,)"
}

@test 'TERM ends it even while packets come on and on' {
    listen --to=got.ndjson --statsd=0
    packets 127.0.0.1 "$port" 100000000 >rate 2>/dev/null 3>&- &
    sender=$!
    retry_until yes bash -c '[[ -s got.ndjson ]] && echo yes'
    stop
    kill "$sender" 2>/dev/null || true # it is told that nobody listens any more
    wait "$sender" || true
    assert_equal "$(wc -l <got.ndjson)" "$(count 'records kept')"
}

@test 'packets that the kernel drops are counted and told' {
    listen --to=got.ndjson --statsd=0
    kill -STOP "$pid"
    packets 127.0.0.1 "$port" 40000 0 20 >rate
    kill -CONT "$pid"
    retry_until 1 grep -c 'found no room in the kernel' log
    stop
    (($(count 'packets dropped') > 0))
    assert_equal $(($(count packets,) + $(count 'packets dropped'))) 40000
    assert_equal "$(wc -l <got.ndjson)" $((20 * $(count packets,)))
}

@test 'the memory is bounded, whatever comes' {
    developer_build && skip 'the sanitizers take more'
    listen --to=got.ndjson --statsd=0
    packets 127.0.0.1 "$port" 100000 0 20 >rate
    peak=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status")
    stop
    ((peak < 128 * 1024))
}

@test '--redact and --sample hold before the first byte is written' {
    printf 'version: 1\nredact: [{fields: [user], mask: "canary", with: "***"}]\n' >policy.yaml
    listen --to=got.ndjson --statsd=0 --redact=policy.yaml --sample=50%
    for _ in {1..10}; do
        packet "$(printf 'n:1|c|@0.5|#user:canary\\n%.0s' {1..100})"
    done
    stop
    run ! grep canary got.ndjson
    assert_equal "$(jq -c '[.dimensions.user,.quality.sampleRate]' got.ndjson | sort -u)" '["***",0.25]'
    (($(wc -l <got.ndjson) > 380 && $(wc -l <got.ndjson) < 620)) # seven times the standard deviation
}

@test 'what a full disk takes away is counted, and receiving goes on' {
    ((EUID == 0)) || skip 'only root can mount a small disk'
    mkdir small
    mount -t tmpfs -o size=64k tmpfs small 2>/dev/null || skip 'no file system can be mounted here'
    head -c 65536 /dev/zero >small/rest 2>/dev/null || true
    listen --to=small/got.ndjson --statsd=0
    packet 'n:1|c'
    retry_until 1 grep -c 'packet was lost' log
    rm small/rest
    sleep 1.2
    packet 'n:2|c'
    stop
    kept=$(wc -l <small/got.ndjson)
    umount small
    assert_equal "$kept $(count lost)" '1 1'
}
