#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: StatsD and DogStatsD.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR" || return
    options=()
}

# becomes LINE RECORD...: whether the line becomes these metric records, without their constant parts.
becomes() {
    printf '%s\n' "$1" >in
    shift
    local status=0
    trace-record import --from=statsd "${options[@]}" in >out 2>said || status=$?
    [[ -s said ]] && cat said
    printf '{"type":"metric","metricName":%s}\n' "$@" | diff - out && [[ $status -eq 0 ]]
}

@test 'each type of metric' {
    becomes 'hits:1|c' '"hits","metricType":"counter","value":1,"temporality":"delta"'
    becomes 'hits:-2.50|c' '"hits","metricType":"counter","value":-2.5,"temporality":"delta"'
    becomes 'temp:36.6|g' '"temp","metricType":"gauge","value":36.6'
    becomes 'took:320|ms' '"took","metricType":"timer","value":320,"unit":"ms"'
    becomes 'size:1e-7|h' '"size","metricType":"histogram","value":1e-7'
    becomes 'size:12345678901234567|d' '"size","metricType":"histogram","value":12345678901234567'
    becomes 'users:a:b|s' '"users","metricType":"custom","value":"a:b"'
}

@test 'a signed gauge is a delta in StatsD, absolute in DogStatsD' {
    becomes 'fuel:-2|g' '"fuel","metricType":"gauge","value":-2,"temporality":"delta"'
    becomes 'fuel:+2|g' '"fuel","metricType":"gauge","value":2,"temporality":"delta"'
    # a line with tags as DogStatsD has them is its
    becomes 'fuel:-2|g|#a:b' '"fuel","metricType":"gauge","value":-2,"dimensions":{"a":"b"}'
    options=(--dogstatsd)
    becomes 'fuel:-2|g' '"fuel","metricType":"gauge","value":-2'
    becomes 'fuel:+2|g' '"fuel","metricType":"gauge","value":2'
}

@test 'a sample rate is kept as the quality of the value' {
    becomes 'hits:3|c|@0.5|#a:b' '"hits","metricType":"counter","value":3,"dimensions":{"a":"b"},"temporality":"delta","quality":{"sampleRate":0.5}'
    becomes 'took:3|ms|@1' '"took","metricType":"timer","value":3,"unit":"ms","quality":{"sampleRate":1.0}'
}

@test 'several values in a line' {
    becomes 'took:1:2.5:3|ms|@0.1|#a:b' \
        '"took","metricType":"timer","value":1,"unit":"ms","dimensions":{"a":"b"},"quality":{"sampleRate":0.1}' \
        '"took","metricType":"timer","value":2.5,"unit":"ms","dimensions":{"a":"b"},"quality":{"sampleRate":0.1}' \
        '"took","metricType":"timer","value":3,"unit":"ms","dimensions":{"a":"b"},"quality":{"sampleRate":0.1}'
    becomes 'x:1|c|@0.5:2|g:3|ms' '"x","metricType":"counter","value":1,"temporality":"delta","quality":{"sampleRate":0.5}' \
        '"x","metricType":"gauge","value":2' '"x","metricType":"timer","value":3,"unit":"ms"'
}

@test 'tags of DogStatsD, InfluxDB and Graphite, where they certainly are some' {
    becomes 'a:1|c|#env:test,url:http://x:80/,canary' '"a","metricType":"counter","value":1,"dimensions":{"env":"test","url":"http://x:80/","canary":true},"temporality":"delta"'
    becomes 'a,host=h1,dc=x:1|c' '"a","metricType":"counter","value":1,"dimensions":{"host":"h1","dc":"x"},"temporality":"delta"'
    becomes 'a;host=h1;dc=x:1|g' '"a","metricType":"gauge","value":1,"dimensions":{"host":"h1","dc":"x"}'
    becomes 'a,b:1|g' '"a,b","metricType":"gauge","value":1'
    becomes 'a,b=c,d:1|g' '"a,b=c,d","metricType":"gauge","value":1'
    options=(--type=metric)
    run -0 --separate-stderr trace-record import --from=statsd - <<<'a:1|g|#k:1,k:2'
    assert_regex "$output" '"dimensions":\{"k":"2"\}'
    assert_equal "$stderr" 'trace-record: 1 attribute was replaced by a later one of the same name'
}

@test 'time, container and what is not known' {
    becomes 'a:1|g|T1656581400|c:ci-123' '"a","metricType":"gauge","value":1,"timeUnixNano":"1656581400000000000","resource":{"container.id":"ci-123"}'
    options=(--at=2026-01-05T10:00:00Z)
    becomes 'a:1|g' '"a","metricType":"gauge","value":1,"timeUnixNano":"1767607200000000000"'
    becomes 'a:1|g|T1656581400' '"a","metricType":"gauge","value":1,"timeUnixNano":"1656581400000000000"'
    run -0 --separate-stderr trace-record import --from=statsd - <<<'a:1|g|card:low'
    assert_equal "$stderr" 'trace-record: 1 member that the format does not define was left out (card:low)'
}

@test 'events and service checks' {
    trace-record import - >out <<'EOF'
_e{6,18}:deploy|multi\nline | text|d:1656581400|h:h1|k:key|p:low|s:src|t:warning|#env:test,a:b
_e{0,2}:|é|t:error
_e{1,1}:a|b
EOF
    diff - out <<'EOF'
{"type":"log","timeUnixNano":"1656581400000000000","severity":"warn","body":"multi\nline | text","attributes":{"env":"test","a":"b","dogstatsd.aggregation_key":"key","dogstatsd.priority":"low","dogstatsd.source_type":"src","dogstatsd.alert_type":"warning"},"resource":{"host.name":"h1"},"eventName":"deploy"}
{"type":"log","severity":"error","body":"é","attributes":{"dogstatsd.alert_type":"error"}}
{"type":"log","severity":"info","body":"b","eventName":"a"}
EOF
    becomes '_sc|svc.up|2|d:1656581400|h:h1|#z:1|m:down: a | b' '"svc.up","metricType":"gauge","value":2,"timeUnixNano":"1656581400000000000","dimensions":{"z":"1"},"resource":{"host.name":"h1"},"metadata":{"tags":{"message":"down: a | b"}}'
    # what is behind m: is the message, whatever it looks like
    becomes '_sc|svc.up|0|h:h1|m:up|h:h2|#a:b' '"svc.up","metricType":"gauge","value":0,"resource":{"host.name":"h1"},"metadata":{"tags":{"message":"up|h:h2|#a:b"}}'
}

@test 'a bad line costs itself' {
    local -a cases=(
        'a' 'no value behind the name'
        ':1|c' 'a line without a name'
        'a:1' 'no type behind the value'
        'a:1|x' 'a type that is none of c, g, ms, h, d and s'
        'a:|c' 'a value is missing'
        'a:one|c' 'a value that is no number'
        'a:1:|ms' 'a value is missing'
        'a:1|c|@0' 'a sample rate that is none'
        'a:1|c|@1.5' 'a sample rate that is none'
        'a:1|c|#:x' 'a tag without a name'
        'a:1|g|Tsoon' 'a time that is no number of seconds'
        '_e{5,1}:a|b' 'an event whose lengths are not those of its texts'
        '_e{1,1}:a|bc' 'an event whose lengths are not those of its texts'
        '_e{-1,1}:a|b' 'an event whose lengths are not those of its texts'
        '_sc|a|4' 'a status that is none of 0, 1, 2 and 3'
        '_sc|a' 'a service check without a name or status'
    )
    for ((at = 0; at < ${#cases[@]}; at += 2)); do
        printf '%s\n' 'before:1|c' "${cases[at]}" 'after:1|c' >in
        run -3 --separate-stderr trace-record import --rejects=rejects in
        assert_equal "${#lines[@]}" 2
        assert_equal "$stderr" "trace-record: in:2: ${cases[at + 1]}"
        assert_equal "$(cat rejects)" "${cases[at]}"
    done
}

@test 'what a client sends is read without a complaint' {
    need_data captures/statsd-hot-shots.bin
    grep -v '^--packet--$' "$TRACECORE_TEST_DATA/captures/statsd-hot-shots.bin" >in
    run -0 --separate-stderr trace-record import in
    assert_equal "$stderr" ''
    assert_equal "${#lines[@]}" 14
    diff <(printf '%s\n' "$output") <(printf '%s\n' "$output" | trace-record import)
    # gauges with a sign are absolute in what this client sends
    refute_regex "$output" '"gauge"[^}]*"delta"'
}

@test 'the number of threads, the ends of lines and of the input do not matter' {
    for ((i = 0; i < 40000; i++)); do printf 'a.b.c.%s:%s|c|#k:v\n' $i $i; done >in
    trace-record import -j1 in >1
    assert_equal "$(wc -l <1)" 40000
    trace-record import -j4 in | cmp 1 -
    sed 's/$/\r/' in | trace-record import | cmp 1 -
    head -c -1 in | trace-record import | cmp 1 -
    printf 'a:1|c\n%s\nb:1|c\nc:1' "$(head -c 3000 /dev/zero | tr '\0' x)" >in
    run -3 --separate-stderr trace-record import --line-limit=1K in
    assert_equal "${#lines[@]}" 2
    assert_regex "${stderr_lines[0]}" '^trace-record: in:2: longer than 1024 bytes'
    assert_equal "${stderr_lines[1]}" 'trace-record: in:4: no type behind the value'
}

@test 'a line of a few kilobytes makes no gigabyte of records' {
    { printf 'n'; printf ':1%.0s' {1..20000}; printf '|c|#'; printf 'x%.0s' {1..20000}; echo; echo 'm:2|c'; } >lines
    run -3 --separate-stderr trace-record import --from=statsd lines
    assert_equal "$output" '{"type":"metric","metricName":"m","metricType":"counter","value":2,"temporality":"delta"}'
    assert_equal "${stderr_lines[0]}" 'trace-record: lines:1: a line whose values would be more than 8 MiB of records'
}
