#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record run: a command as a span, and nothing about the command changed.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    trace=$BATS_TEST_TMPDIR/trace.ndjson
}

# field JQ: of the last span in the file.
field() {
    jq -c 'select(.type=="span")' "$trace" | tail -1 | jq -c "$1"
}

@test 'the exit status is that of the command' {
    run -0 trace-record run -- true
    run -7 trace-record run -- sh -c 'exit 7'
    run -127 --separate-stderr trace-record run -- no-such-command
    assert_equal "$stderr" 'trace-record: no-such-command: No such file or directory'
    run -126 --separate-stderr trace-record run -- /dev/null
    assert_equal "$stderr" 'trace-record: /dev/null: Permission denied'
    run -137 trace-record run -- sh -c 'kill -KILL $$'
    run -143 trace-record run -- sh -c 'kill -TERM $$'
    assert_equal "$(jq -rs '[.[]|select(.type=="execution" and .event!="started")|.event]|join(" ")' "$trace")" \
        'completed failed failed failed failed failed'
    assert_equal "$(jq -rs '[.[]|select(.type=="span")|.status+":"+(.statusMessage//"")]|join(", ")' "$trace")" \
        'ok:, error:exit status 7, error:cannot be executed: No such file or directory, error:cannot be executed: Permission denied, error:killed by SIGKILL, error:killed by SIGTERM'
}

@test 'input, output and arguments belong to the command' {
    head -c 300000 /dev/urandom >bytes
    trace-record run -- cat - -- <bytes 2>err | cmp - bytes
    [[ ! -s err ]]
    run -0 --separate-stderr trace-record run --name=x -- sh -c 'printf "%s|" "$@"; echo oops >&2' sh -n --name 'a b' ''
    assert_equal "$output" '-n|--name|a b||'
    assert_equal "$stderr" oops
    # without --, options behind the command are the command's too
    run -0 trace-record run printf '%s' --help
    assert_equal "$output" --help
}

@test 'a span has what it should' {
    trace-record run --name=nightly --service=jobs --attr=env=prod --attr=n=5 --attr=ratio=-0.5 \
        --attr=on=true --attr=quoted='"5"' --attr=sha=1e5 --attr=empty= --attr=n=6 -- true
    assert_equal "$(field '[.name,.service,.kind,.status,.resource["service.name"]]')" \
        '["nightly","jobs","internal","ok","jobs"]'
    assert_equal "$(field '.attributes|[.env,.n,.ratio,.on,.quoted,.sha,.empty]')" \
        '["prod",6,-0.5,true,"5","1e5",""]'
    assert_equal "$(field '.attributes["process.exit.code"], .attributes["process.executable.name"]')" $'0\n"true"'
    assert_equal "$(field '[.attributes|has("process.cpu.user_seconds","process.memory.max_rss_bytes","process.pid")]|all')" true
    assert_equal "$(field '(.endTimeUnixNano|tonumber) >= (.startTimeUnixNano|tonumber) and .durationNano >= 0 and has("parentSpanId")==false')" true
}

@test 'what is written is canonical' {
    trace-record run --attr='odd "key"'=$'a\tb' --interval=20ms --name=$'\xff\xfe' -- sleep 0.1
    trace-record import "$trace" | cmp - "$trace"
    assert_equal "$(field .name)" '"��"'
}

@test 'arguments are recorded only on demand' {
    trace-record run -- echo secret-canary
    run -1 grep secret-canary "$trace"
    trace-record run --command-args -- echo shown
    assert_equal "$(field '.attributes["process.command_args"]')" '["echo","shown"]'
}

@test 'the context reaches the command' {
    run -0 env TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 TRACESTATE=v=1 BAGGAGE=user=7 \
        trace-record run -- sh -c 'echo "$TRACEPARENT $TRACESTATE $BAGGAGE $TRACE_TO"'
    assert_equal "$output" "00-4bf92f3577b34da6a3ce929d0e0e4736-$(field .spanId | tr -d '"')-01 v=1 user=7 $trace"
    assert_equal "$(field '[.traceId,.parentSpanId,.traceState,.flags]')" \
        '["4bf92f3577b34da6a3ce929d0e0e4736","00f067aa0ba902b7","v=1",1]'
}

@test 'an invalid context begins a trace of its own' {
    for bad in '' 00-zz ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 \
        00-00000000000000000000000000000000-00f067aa0ba902b7-01 \
        00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01; do
        run -0 env TRACEPARENT="$bad" TRACESTATE=v=1 trace-record run -- sh -c 'echo "$TRACEPARENT,$TRACESTATE"'
        assert_regex "$output" '^00-[0-9a-f]{32}-[0-9a-f]{16}-03,$'
        assert_equal "$(field '[has("parentSpanId"), .traceId=="4bf92f3577b34da6a3ce929d0e0e4736"]')" '[false,false]'
    done
}

@test 'nested and background runs nest' {
    mkdir elsewhere
    trace-record run --to=all.ndjson --name=outer -- sh -c '
        cd elsewhere
        trace-record run --name=one -- true &
        trace-record run --name=two -- true &
        wait'
    assert_equal "$(ls elsewhere)" ''
    assert_equal "$(jq -s '[.[]|select(.type=="span")]|map(.traceId)|unique|length' all.ndjson)" 1
    assert_equal "$(jq -cs '[.[]|select(.type=="span")]|(map({(.spanId):.name})|add) as $n
        | map([.name,$n[.parentSpanId//""]])|sort' all.ndjson)" '[["one","outer"],["outer",null],["two","outer"]]'
}

@test 'signals sent to the recorder reach the command' {
    cat >script <<'EOF'
set -m # else a job in the background ignores INT
trace-record run -- sh -c 'trap "exit 9" "$1"; touch ready; while :; do sleep 0.05; done' sh "$1" &
until [[ -e ready ]]; do sleep 0.02; done
kill -s "$1" $!
wait $!
EOF
    for signal in TERM HUP USR1 INT; do
        rm -f ready
        run -9 bash script "$signal"
    done
}

@test 'a command that ignores a signal goes on ignoring it' {
    run -0 bash -c 'trap "" HUP; trace-record run -- sh -c "kill -HUP \$\$; echo alive"'
    assert_equal "$output" alive
}

@test 'SIGPIPE ends the command as it would without us' {
    run -0 bash -c 'trace-record run -- yes | head -1; echo "${PIPESTATUS[0]}"'
    assert_equal "$output" $'y\n141'
}

# Whether a process runs: one that ended may stay in the table for long where nobody waits for it.
alive() {
    local state
    state=$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null) || return 1
    [[ $state != Z ]]
}

@test 'what was started ends, even if there is no process' {
    run -126 --separate-stderr bash -c 'exec 3>&- 4>&-; ulimit -n 4; exec trace-record run -- true'
    assert_regex "$stderr" '^trace-record: cannot make a pipe: Too many open files$'
    assert_equal "$(jq -r 'select(.type=="execution")|.event' "$trace")" $'started\nfailed'
    assert_equal "$(jq -r 'select(.type=="span")|.statusMessage' "$trace")" 'cannot be executed: Too many open files'
}

@test "--to=- is refused: the output is the command's" {
    run -2 trace-record run --to=- -- touch ran
    assert_line --index 0 "trace-record: --to=-: standard output is the command's own"
    TRACE_TO=- run -2 trace-record run -- touch ran
    assert_file_not_exist ran
    assert_file_not_exist -
}

@test '--timeout says so, and the status is what the command makes of it' {
    run -7 --separate-stderr trace-record run --timeout=200ms -- bash -c 'trap "exit 7" TERM; while :; do sleep 0.05; done'
    assert_equal "${stderr_lines[0]}" 'trace-record: the command takes longer than --timeout: SIGTERM'
}

@test '--timeout ends the command and its children' {
    run -143 trace-record run --timeout=200ms -- sh -c 'sleep 60 & echo $! >pid; wait'
    assert_equal "$(field '[.status,.statusMessage]')" '["error","timed out: killed by SIGTERM"]'
    assert_equal "$(jq -r 'select(.type=="execution")|.event' "$trace")" $'started\ntimeout'
    for _ in {1..50}; do alive "$(cat pid)" || break; sleep 0.02; done
    run -1 alive "$(cat pid)"
}

@test 'what does not heed SIGTERM is killed' {
    run -137 trace-record run --timeout=100ms --kill-after=100ms -- sh -c 'trap "" TERM; while :; do sleep 0.05; done'
    assert_equal "$(field .statusMessage)" '"timed out: killed by SIGKILL"'
}

@test 'the process tree is sampled' {
    trace-record run --interval=50ms -- sh -c '(while :; do :; done) & loop=$!; sleep 60 & idle=$!
        until [ "$(grep -c process.count "$1")" -ge 4 ]; do sleep 0.05; done
        kill $loop $idle' sh "$trace"
    # a loop of one process and the sleep of another: CPU is used, by more than the root alone
    assert_equal "$(jq -s '[.[]|select(.metricName=="process.count").value]|max >= 3' "$trace")" true
    assert_equal "$(jq -s '[.[]|select(.metricName=="process.cpu.utilization").value]|max > 0.01' "$trace")" true
    assert_equal "$(jq -s '[.[]|select(.metricName=="process.memory.usage").value]|min > 0' "$trace")" true
    # counters never go back, and every sample belongs to the span
    assert_equal "$(jq -s '[.[]|select(.metricName=="process.cpu.time" and .dimensions["cpu.mode"]=="user").value]|.==sort' "$trace")" true
    assert_equal "$(jq -s '[.[]|select(.type=="metric").context.spanId]|unique==[$id]' --argjson id "$(field .spanId)" "$trace")" true
}

@test '--interval=0 takes no samples' {
    trace-record run --interval=0 -- sleep 0.1
    assert_equal "$(jq -r .type "$trace" | sort | uniq -c | tr -s ' \n' ' ')" ' 2 execution 1 span '
}

@test 'a recording that fails is a warning, once' {
    run -5 --separate-stderr trace-record run --to=/nonexistent/file --interval=20ms -- sh -c 'sleep 0.1; echo fine; exit 5'
    assert_equal "$output" fine
    assert_equal "$stderr" 'trace-record: /nonexistent/file: cannot open: No such file or directory: the command is not recorded'
    run -0 --separate-stderr trace-record run --to=/dev/full -- true
    assert_equal "$stderr" 'trace-record: /dev/full: cannot append: No space left on device: the command is not recorded'
    run -0 --separate-stderr trace-record run --to=. -- true
    assert_regex "$stderr" ' is not recorded$'
}

@test 'TRACE_TO names the file, --to wins' {
    TRACE_TO=one.ndjson trace-record run -- true
    TRACE_TO=one.ndjson trace-record run --to=two.ndjson -- true
    TRACE_TO= trace-record run -- true
    assert_equal "$(wc -l <one.ndjson) $(wc -l <two.ndjson) $(wc -l <"$trace")" '3 3 3'
}

@test 'appends of many processes do not mix' {
    for _ in {1..40}; do trace-record run --attr=pad="$(printf '%5000s' x)" -- true & done
    wait
    assert_equal "$(wc -l <"$trace")" 120
    assert_equal "$(trace-record import "$trace" | wc -l)" 120
}

@test 'a line that a killed writer left is ended first' {
    printf '{"type":"span","tra' >"$trace"
    trace-record run -- true
    assert_equal "$(sed -n 1p "$trace")" '{"type":"span","tra'
    assert_equal "$(sed 1d "$trace" | trace-record import | wc -l)" 3
}

@test 'usage errors run nothing' {
    for words in '' '--' '--attr=novalue -- touch ran' '--attr==v -- touch ran' '--timeout=soon -- touch ran' '--bogus -- touch ran'; do
        # shellcheck disable=SC2086 # words
        run -2 trace-record run $words
    done
    assert_file_not_exist ran
    assert_file_not_exist "$trace"
}

@test 'what the command records of itself is in its span' {
    trace-record init repo
    trace-record run --to="$trace" -- true
    for to in "$trace" repo; do
        trace-record run --to="$to" --name=job --attr=n=1 --attr=k=v -- sh -c '
            trace-record checkpoint "$TRACEPARENT" half --attr=at=5
            trace-record update "$TRACEPARENT" --attr=n=2 --attr=rows=7
            trace-record event "$TRACEPARENT" odd
            exit 3' || true
        trace-record read "$to" --type=span -w '.name=="job"' >span
        assert_equal "$(jq -c '[.attributes.n,.attributes.k,.attributes.rows,.attributes["process.exit.code"]],[.events[]|del(.timeUnixNano)]' span)" \
            $'[2,"v",7,3]\n[{"name":"half","attributes":{"at":5}},{"name":"odd"}]'
        trace-record import span | cmp - span
    done
}

@test 'a disk that fills up while the command runs is a warning, once, and nothing else' {
    [[ $(id -u) == 0 ]] || skip 'only root can mount a small disk'
    mkdir small
    mount -t tmpfs -o size=64k tmpfs small 2>/dev/null || skip 'no file system can be mounted here'
    run -6 --separate-stderr trace-record run --to=small/trace.ndjson --interval=20ms -- sh -c '
        head -c 100000 /dev/zero >small/rest 2>/dev/null; echo fine; sleep 0.1; exit 6'
    lines=$(wc -l <small/trace.ndjson)
    whole=$(trace-record import small/trace.ndjson | wc -l)
    umount small
    assert_equal "$output" fine
    assert_equal "$stderr" 'trace-record: small/trace.ndjson: cannot append: No space left on device: the command is not recorded'
    assert_equal "$whole" "$lines" # no half line
}

@test 'descriptors and the process group are those of the caller' {
    run -0 bash -c 'exec 7<<<seven; trace-record run -- sh -c "cat <&7; ls /proc/self/fd | wc -l"; ls /proc/self/fd | wc -l'
    assert_equal "${lines[0]}" seven
    assert_equal "${lines[1]}" "${lines[2]}"
    run -0 bash -c 'trace-record run -- sh -c "cut -d\  -f5 /proc/\$\$/stat"; cut -d\  -f5 /proc/$$/stat'
    assert_equal "${lines[0]}" "${lines[1]}"
}

@test 'the crontab in contrib does what it says' {
    trace-record init jobs
    printf '#!/bin/sh\necho saved; exit 3\n' >backup
    chmod +x backup
    export TRACE_TO=$PWD/jobs
    awk '!/^#/ { at = index($0, "trace-record"); if (at) print substr($0, at) }' "$top_srcdir/contrib/crontab" >commands
    assert_equal "$(wc -l <commands)" 4
    sed -i 's|/usr/local/bin/backup|./backup|; s|host |host --count=1 |' commands
    while read -r command; do
        sh -c "$command" || echo "status $?"
    done <commands >output
    assert_equal "$(sed 's/,2.*//' output)" $'saved\nstatus 3\noperationName,status,timeline.startTime\nbackup,failed'
}
