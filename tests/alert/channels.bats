#!/usr/bin/env bats
# trace-alert run: what is sent where, that nothing is lost, and that data does no harm.

load ../helper
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# rules CHANNEL RULE: a rule file with one of each.
rules() {
    printf 'version: 1\nchannels:\n  c: %s\ngroups:\n- name: g\n  rules:\n  - %s\n' "$1" "$2" >rules.yaml
}

A='{alert: A, when: {metric: m, greater_than: 10}}'

# metric SECONDS VALUE [SERVICE]: the service as JSON.
metric() {
    echo "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":$2,\"timeUnixNano\":\"$((1700000040 + $1))000000000\",\"dimensions\":{\"service\":${3-\"a\"}}}"
}

@test 'the rules that are shipped fire into their file' {
    for i in 0 1; do
        echo "{\"type\":\"finding\",\"kind\":\"anomaly\",\"severity\":\"critical\",\"metricName\":\"durationNano\",\"group\":{\"service\":\"cart\"},\"timeUnixNano\":\"170000004${i}000000000\",\"message\":\"cart p99: 400 ms\"}"
    done >in
    run -0 --separate-stderr trace-alert run --rules="$top_srcdir/contrib/rules.yaml" in
    assert_equal "${#lines[@]}" 2
    assert_line --index 1 --regexp '^\{"type":"notification","alertId":"[0-9a-f]{32}","channel":"log","channelType":"file","attempt":1,"outcome":"sent","timeUnixNano":"1700000040000000000"\}$'
    assert_equal "$(cat alerts.ndjson)" "${lines[0]}"
}

@test 'the main job of README does what it says' {
    awk '/^  contrib\/sample-capture/ { on = 1 } /^$/ { on = 0 } on' "$top_srcdir/README" |
        sed "s|contrib/|$top_srcdir/contrib/|" >job
    assert_equal "$(grep -c . job)" 8
    COLUMNS=80 LC_ALL=C.UTF-8 bash -e -o pipefail job >summary 2>messages
    assert_equal "$(cat messages)" 'trace-agg: 60 cumulative points were added as they are: their values are totals since a start, not increases
trace-alert: passed over 31 log records
trace-report: passed over 10 notification records
trace-report: passed over 450 metric records'
    for name in CriticalAnomaly HighErrorRate; do
        for state in firing resolved; do
            grep -q "\"alertName\":\"$name\",\"state\":\"$state\"" alerts.ndjson
        done
    done
    # What README prints of the summary; ... stands for lines that it leaves out.
    awk '/^The summary begins/ { on = 1 } /^Questions/ { on = 0 } on && /^    / { print substr($0, 5) }' \
        "$top_srcdir/README" | grep -v '^\.\.\.$' >lines
    assert [ "$(grep -c . lines)" -gt 20 ]
    while IFS= read -r line; do
        grep -qxF -e "$line" summary || fail "not in the summary: $line"
    done <lines
}

@test 'the pipeline of aggregates, anomalies and alerts ends in the file' {
    awk 'BEGIN { s = 5
        for (w = 0; w < 40; w++) for (i = 0; i < 20; i++) {
            s = (s * 16807) % 2147483647
            ms = (w == 35 ? 900 : 100) + 10 * s / 2147483647
            n++
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"pay\",\"service\":\"cart\",\"startTimeUnixNano\":\"%d%09d\",\"endTimeUnixNano\":\"%d%09d\"}\n",
                n, n, 1700000000 + 10 * w, i * 1000, 1700000000 + 10 * w, i * 1000 + ms * 1000000
        } }' | trace-agg --by=service,name --window=10s | trace-detect anomaly |
        trace-alert run --rules="$top_srcdir/contrib/rules.yaml" >out
    run -0 grep -c '"alertName":"CriticalAnomaly","state":"firing"' alerts.ndjson
    assert_output 1
}

@test 'pending is not sent, nor the end of what was only pending' {
    rules '{type: file, path: out}' '{alert: A, when: {metric: m, greater_than: 10}, for: 2m}'
    { metric 0 11; metric 60 1; metric 120 11; metric 180 11; metric 240 11; metric 300 1; } >in
    trace-alert run --rules=rules.yaml in >all
    assert_equal "$(grep -c '"type":"alert"' all)" 5
    assert_equal "$(grep -o '"state":"[a-z]*"' out | tr '\n' ' ')" '"state":"firing" "state":"resolved" '
}

@test 'on: and limit: hold back, and that is told' {
    rules '{type: file, path: out, on: [firing], limit: 1 per 10m}' "$A"
    { metric 0 11; metric 60 1; metric 120 11; metric 180 1; metric 600 11; } >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(grep -c firing out)" 2
    assert_equal "$(wc -l <out)" 2
    assert_equal "$(grep -c '"outcome":"suppressed","detail":"limit"' <<<"$output")" 1
}

@test 'dedup: one message for the labels it names' {
    rules '{type: file, path: out}' '{alert: A, when: {metric: m, greater_than: 10}, dedup: {by: [metricName], window: 30m}}'
    { metric 0 11 '"a"'; metric 1 11 '"b"'; metric 2 1 '"b"'; metric 3 1 '"a"'; metric 1801 11 '"b"'; } >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(grep -o '"state":"[a-z]*","labels":{"metricName":"m","service":"."' out | tr -d '\n')" '"state":"firing","labels":{"metricName":"m","service":"a""state":"resolved","labels":{"metricName":"m","service":"a""state":"firing","labels":{"metricName":"m","service":"b"'
    assert_equal "$(grep -c '"outcome":"suppressed","detail":"dedup"' <<<"$output")" 2
}

@test 'dedup: what is older than the window is forgotten' {
    rules '{type: file, path: out}' '{alert: A, expr: anomaly, dedup: {by: [service], window: 30m}}'
    awk 'BEGIN { for (i = 0; i < 5000; i++)
        printf "{\"type\":\"finding\",\"kind\":\"anomaly\",\"group\":{\"service\":\"s%d\"},\"timeUnixNano\":\"%d000000000\"}\n", i, 1700000000 + 10 * i
        for (i = 4999; i > 4900; i -= 90)
            printf "{\"type\":\"finding\",\"kind\":\"anomaly\",\"group\":{\"service\":\"s%d\",\"name\":\"%d\"},\"timeUnixNano\":\"1700049990000000000\"}\n", i, i
        }' >in
    trace-alert run --rules=rules.yaml --state=st in >all
    assert_equal "$(grep -c '"line":"dedup"' st)" 180
    assert_equal "$(grep -c '"detail":"dedup"' all)" 2
}

@test '--dry-run sends nothing and leaves the state alone' {
    rules '{type: file, path: out}' "$A"
    metric 0 11 >in
    run -0 trace-alert run --rules=rules.yaml --state=st --dry-run in
    assert_output --partial '"outcome":"suppressed","detail":"dry run"'
    assert_not_exist out
    assert_not_exist st
    run -0 trace-alert run --rules=rules.yaml --state=st in
    cp st before
    metric 60 1 >in
    run -0 trace-alert run --rules=rules.yaml --state=st --dry-run in
    assert_output --partial '"state":"resolved"'
    assert_files_equal st before
}

@test 'what could not be sent is sent by the next run, and counted as attempts' {
    rules '{type: file, path: no/out}' "$A"
    metric 0 11 >in
    run --separate-stderr -4 trace-alert run --rules=rules.yaml --state=st in
    assert_output --partial '"attempt":1,"outcome":"failed","detail":"no/out: No such file or directory"'
    assert_equal "$stderr" "trace-alert: channel 'c': no/out: No such file or directory
trace-alert: 1 message waits for the next run"
    alert=${lines[0]}
    run -4 trace-alert run --rules=rules.yaml --state=st /dev/null
    assert_output --partial '"attempt":2,"outcome":"failed"'
    mkdir no
    run -0 trace-alert run --rules=rules.yaml --state=st /dev/null
    assert_output --partial '"attempt":3,"outcome":"sent"'
    assert_equal "$(cat no/out)" "$alert"
    run -0 trace-alert run --rules=rules.yaml --state=st /dev/null
    assert_output ''
    assert_equal "$(wc -l <no/out)" 1
}

@test 'a message that waits for a channel that is gone tells what that was' {
    rules '{type: exec, argv: ["false"]}' "$A"
    metric 0 11 >in
    run -4 trace-alert run --rules=rules.yaml --state=st in
    rules '{type: file, path: out}' "$A"
    sed -i 's/^  c:/  d:/' rules.yaml
    run -4 trace-alert run --rules=rules.yaml --state=st /dev/null
    assert_output --partial '"channel":"c","channelType":"exec","attempt":2,"outcome":"failed","detail":"this channel is gone from the rules"'
}

@test 'exec: arguments without a shell, the alert as input, its output kept apart' {
    cat >tell <<'END'
#!/bin/sh
printf '<%s>' "$@" >args
cat >stdin
echo noise
END
    chmod +x tell
    rules '{type: exec, argv: [./tell, "{service}", "x={value}{none}", "{{}}", "$(touch hacked)"]}' "$A"
    metric 0 11 '"$(touch hacked); `touch hacked`\n\"'"'"' *"' >in
    run --separate-stderr -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(cat args)" '<$(touch hacked); `touch hacked`
"'"'"' *><x=11><{}><$(touch hacked)>'
    assert_not_exist hacked
    assert_equal "$(cat stdin)" "${lines[0]}"
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" noise
}

@test 'exec: a label that would be an option is refused' {
    rules '{type: exec, argv: [touch, "{service}"]}' "$A"
    metric 0 11 '"--help"' >in
    run -4 trace-alert run --rules=rules.yaml in
    assert_output --partial '"outcome":"failed","detail":"argument 1 would begin with a dash"'
    metric 0 11 '"a\u0000b"' >in
    run -4 trace-alert run --rules=rules.yaml in
    assert_output --partial 'argument 1 would have a NUL character'
}

@test 'exec: failures, signals, commands that are missing or take too long' {
    metric 0 11 >in
    fails() {
        rules "{type: exec, timeout: 300ms, argv: $1}" "$A"
        run -4 trace-alert run --rules=rules.yaml in
        assert_output --partial "\"outcome\":\"failed\",\"detail\":\"$2\""
    }
    fails '[sh, -c, "exit 3"]' 'it exited with 3'
    fails '[sh, -c, "kill -9 $$"]' 'it was ended by signal 9'
    fails '[./none]' './none: No such file or directory'
    fails '[sh, -c, "sleep 60 & sleep 60"]' 'it took longer than its timeout'
    fails '[sh, -c, "trap : TERM; sleep 60; sleep 60"]' 'it took longer than its timeout'
}

@test 'exec: a command that fails is told where SIGCHLD is ignored' {
    rules '{type: exec, argv: [sh, -c, "exit 3"]}' "$A"
    metric 0 11 >in
    run -4 bash -c 'trap "" CHLD; exec trace-alert run --rules=rules.yaml in'
    assert_output --partial '"outcome":"failed","detail":"it exited with 3"'
}

@test 'file: hostile labels stay one line of JSON; a torn line is ended first' {
    rules '{type: file, path: out}' '{alert: A, when: {metric: m, greater_than: 10}, annotations: {s: "{service}"}}'
    metric 0 11 '"a\n{\"type\":\"alert\"}\u001b[2J"' >in
    printf '{"torn' >out
    trace-alert run --rules=rules.yaml in >all
    assert_equal "$(wc -l <out)" 2
    assert_equal "$(sed -n 2p out)" "$(head -n 1 all)"
    assert_equal "$(tr -d '\n' <out | tr -dc '\000-\037' | wc -c)" 0
}

@test 'file: several runs append whole lines' {
    rules '{type: file, path: out}' "$A"
    for i in 1 2 3 4; do
        for k in 1 2 3 4 5 6 7 8 9; do metric 0 11 "\"s$i$k\""; done >in$i
    done
    for i in 1 2 3 4; do
        trace-alert run --rules=rules.yaml in$i >/dev/null 3>&- &
    done
    wait
    assert_equal "$(wc -l <out)" 36
    assert_equal "$(grep -c '^{"type":"alert".*}$' out)" 36
}

@test 'file: a full disk is told, and retried' {
    rules '{type: file, path: /dev/full}' "$A"
    metric 0 11 >in
    run -4 trace-alert run --rules=rules.yaml --state=st in
    assert_output --partial '"outcome":"failed","detail":"/dev/full: No space left on device"'
    grep -q '"line":"waiting"' st
}
