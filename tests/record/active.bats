# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record active, status, follow, history: executions, folded from what was recorded of them.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    trace=trace.ndjson
}

teardown() {
    [[ -z ${started-} ]] || kill "$started" 2>/dev/null || true
}

digits() { # digits TRACEPARENT: of the execution
    printf '%s\n' "${1:36:16}"
}

# wait_for FILE TEXT: until it is there, and no longer than some seconds.
wait_for() {
    for _ in {1..200}; do
        ! grep -q "$2" "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    fail "$2 did not come: $(cat "$1")"
}

@test 'active lists what has started and not ended, history what has' {
    one=$(trace-record start one --executor-type=agent)
    two=$(trace-record start two)
    trace-record run --name=three -- false || true
    run -0 --separate-stderr trace-record active
    assert_equal "$(jq -r .operationName <<<"$output" | xargs)" 'two one'
    assert_equal "$stderr" ''
    assert_equal "$(trace-record active -w '.context.executorType == "agent"' | jq -r .operationName)" one
    trace-record finish "$one" --result='{"n":1}'
    trace-record cancel "$two"
    assert_equal "$(trace-record active)" ''
    assert_equal "$(trace-record history | jq -r '.operationName+":"+.status' | xargs)" \
        'three:failed two:cancelled one:completed'
    assert_equal "$(trace-record history --limit=1 | jq -r .operationName)" three
    assert_equal "$(trace-record history -w '.status == "completed" and .result.n == 1' | jq -r .operationName)" one
    assert_equal "$(trace-record history -w '.timeline.duration > 1*h')" ''
    run -2 trace-record history -w '.status =='
}

@test '--since and --until are for the start of an execution' {
    for hour in 10 11 12; do
        printf '{"type":"execution","event":"started","executionId":"00000000000000%s","operationName":"at %s","timeUnixNano":"%s"}\n' \
            $hour $hour $((1767225600 + hour * 3600))000000000
        printf '{"type":"execution","event":"completed","executionId":"00000000000000%s","timeUnixNano":"%s"}\n' \
            $hour $((1767225600 + hour * 3600 + 5000))000000000
    done >"$trace"
    assert_equal "$(trace-record history --since=2026-01-01T11:00:00Z | jq -r .operationName)" $'at 12\nat 11'
    assert_equal "$(trace-record history --until=2026-01-01T12:00:00Z | jq -c '[.operationName,.status]')" \
        $'["at 11","completed"]\n["at 10","completed"]'
    assert_equal "$(trace-record active --until=2026-01-01T12:00:00Z)" ''
    trace-record archive repo "$trace"
    assert_equal "$(trace-record history --since=2026-01-01T11:00:00Z --until=2026-01-01T11:30:00Z repo | jq -r .operationName)" 'at 11'
}

@test 'records are folded in the order of their times, wherever they are' {
    printf '%s\n' \
        '{"type":"execution","event":"completed","executionId":"00000000000000aa","timeUnixNano":"40","attributes":{"n":4}}' \
        '{"type":"execution","event":"updated","executionId":"00000000000000aa","timeUnixNano":"30","attributes":{"n":3,"m":3}}' \
        '{"type":"execution","event":"failed","executionId":"00000000000000aa","timeUnixNano":"50"}' >late
    printf '%s\n' \
        '{"type":"execution","event":"updated","executionId":"00000000000000aa","timeUnixNano":"20","attributes":{"n":2,"m":2}}' \
        '{"type":"execution","event":"started","executionId":"00000000000000aa","traceId":"000000000000000000000000000000bb","timeUnixNano":"10","attributes":{"n":1}}' >early
    assert_equal "$(trace-record status 00000000000000aa late early | jq -c '[.status,.timeline.duration,.metadata.customData]')" \
        '["completed",30,{"n":4,"m":3}]'
    assert_equal "$(trace-record history late early | jq -c '[.status,.timeline.duration,.metadata.customData]')" \
        '["completed",30,{"n":4,"m":3}]'
    # a state that was printed is no event
    trace-record status 00000000000000aa late early >state
    assert_equal "$(trace-record status 00000000000000aa early state | jq -r .status)" running
}

@test 'status tells all that is known of one execution' {
    id=$(trace-record start nightly --service=jobs --attr=env=prod --attr=rows=0 --correlation-id=k)
    trace-record checkpoint "$id" half --attr=n=1
    trace-record event "$id" retry --attr=why=busy
    TRACEPARENT=$id trace-record run --name=part --interval=20ms -- sleep 0.2
    TRACEPARENT=$id trace-record metric rows 17 table=a --unit='{row}'
    TRACEPARENT=$id trace-record metric rows 19 table=a --unit='{row}'
    trace-record start other >id
    trace-record metric rows 5 --trace="$(<id)"
    trace-record status "$id" >state
    trace-record import state | cmp - state
    assert_equal "$(jq -c '[.operationName,.status,.service,.context.executionType,.context.environment["service.name"]]' state)" \
        '["nightly","running","jobs","operation","jobs"]'
    assert_equal "$(jq -c '[.timeline.checkpoints[]|del(.timestamp)]' state)" '[{"name":"half","attributes":{"n":1}}]'
    assert_equal "$(jq -c '[.metadata.annotations[]|del(.timestamp)],.metadata.tags,.metadata.customData' state)" \
        $'[{"text":"retry","attributes":{"why":"busy"}}]\n{"env":"prod"}\n{"rows":0}'
    assert_equal "$(jq -c '.performance.customMetrics' state)" \
        '[{"metricName":"rows","unit":"{row}","dimensions":{"table":"a"},"count":2,"value":19,"min":17,"max":19,"mean":18}]'
    assert_equal "$(jq -c '[.spans[].name],[.operations[]|.operationName,.status,(.duration>0)]' state)" $'["part"]\n["part","completed",true]'
    assert_equal "$(jq -c '[.correlation.correlationId,.timeline.endTime]' state)" '["k",null]'
    part=$(jq -r '.operations[0].operationId' state)
    assert_equal "$(trace-record status "$part" | jq -c '.performance|[.cpuUsage,.memoryUsage]|map(.samples>1 and .average>=0 and .peak>=.average)')" '[true,true]'
    assert_equal "$(trace-record status "$part" | jq -c '[.parentSpanId,.correlation.correlationId,(.performance.cpuUsage.seconds>=0)]')" \
        "[\"$(digits "$id")\",\"${id:3:32}\",true]"
    assert_equal "$(trace-record status "$id" --metrics | jq -r .metricName | sort -u | xargs)" \
        'process.count process.cpu.time process.cpu.utilization process.disk.io process.memory.usage process.thread.count rows'
    trace-record finish "$id" --result=7
    trace-record status "$id" >state
    assert_equal "$(jq -c '[.status,.result,(.timeline.duration > 0),[.spans[].name]]' state)" '["completed",7,true,["part","nightly"]]'
}

@test 'follow passes over a line that is longer than lines may be' {
    {
        echo '{"type":"execution","event":"started","executionId":"00000000000000aa","traceId":"000000000000000000000000000000bb","timeUnixNano":"10"}'
        printf '{"type":"execution","event":"updated","executionId":"00000000000000aa","timeUnixNano":"11","attributes":{"x":"'
        head -c 34000000 /dev/zero | tr '\0' x
        echo '"}}'
        echo '{"type":"execution","event":"completed","executionId":"00000000000000aa","timeUnixNano":"12"}'
    } >long
    assert_equal "$(trace-record follow 00000000000000aa long | jq -r .event | xargs)" 'started completed'
}

@test 'an execution uses what its own samples and its span say, not those of what runs within' {
    local t='"traceId":"000000000000000000000000000000bb"' id='"spanId":"00000000000000aa"' inner='"spanId":"00000000000000cc"'
    printf '%s\n' '{"type":"execution","event":"started","executionId":"00000000000000aa",'"$t"',"timeUnixNano":"10"}' \
        '{"type":"execution","event":"started","executionId":"00000000000000cc",'"$t"',"parentSpanId":"00000000000000aa","timeUnixNano":"11"}' \
        '{"type":"metric","metricName":"process.cpu.utilization","value":0.5,"timeUnixNano":"12","context":{'"$t,$id"'}}' \
        '{"type":"metric","metricName":"process.cpu.utilization","value":1.5,"timeUnixNano":"13","context":{'"$t,$id"'}}' \
        '{"type":"metric","metricName":"process.cpu.utilization","value":8,"timeUnixNano":"14","context":{'"$t,$inner"'}}' \
        '{"type":"metric","metricName":"process.memory.usage","value":100,"timeUnixNano":"12","context":{'"$t,$id"'}}' \
        '{"type":"metric","metricName":"process.memory.usage","value":900,"timeUnixNano":"14","context":{'"$t,$inner"'}}' \
        '{"type":"metric","metricName":"process.network.io","value":7,"timeUnixNano":"12","dimensions":{"network.io.direction":"receive"},"context":{'"$t,$id"'}}' \
        '{"type":"metric","metricName":"process.network.io","value":3,"timeUnixNano":"12","dimensions":{"network.io.direction":"transmit"},"context":{'"$t,$id"'}}' \
        '{"type":"span",'"$t,$id"',"name":"a","startTimeUnixNano":"10","endTimeUnixNano":"20","attributes":{"process.cpu.user_seconds":0.25,"process.cpu.system_seconds":0.5,"process.memory.max_rss_bytes":300}}' >in
    assert_equal "$(trace-record status 00000000000000aa in | jq -c '.performance|.cpuUsage,.memoryUsage,.networkUsage')" \
        '{"unit":"1","samples":2,"average":1,"current":1.5,"peak":1.5,"seconds":0.75}
{"unit":"By","samples":1,"average":100,"current":100,"peak":300}
{"unit":"By","received":7,"sent":3}'
}

@test 'an ID has 16 digits, 32 or is a traceparent, and the input is a file, a repository or a pipe' {
    id=$(trace-record start nightly)
    TRACEPARENT=$id trace-record run -- true
    trace-record finish "$id"
    trace-record status "$id" >state
    trace-record archive repo "$trace"
    for word in "$id" "$(digits "$id")" "${id:3:32}"; do
        trace-record status "$word" | cmp - state
        trace-record status "$word" repo | cmp - state
    done
    trace-record status "$id" - <"$trace" | cmp - state
    trace-record status "${id:3:32}" - <"$trace" | cmp - state
    run -2 trace-record status "$(digits "$id")" - <"$trace"
    TRACE_TO=repo trace-record status "$id" | cmp - state
    trace-record history repo | cmp - <(trace-record history)
}

@test 'what was not started is an error' {
    trace-record start nightly >id
    run -4 trace-record status 00000000000000aa
    assert_output 'trace-record: trace.ndjson: no execution 00000000000000aa was started there'
    run -4 trace-record status 000000000000000000000000000000aa
    assert_output 'trace-record: trace.ndjson: no execution of trace 000000000000000000000000000000aa was started there'
    run -4 trace-record follow 00000000000000aa
    assert_output 'trace-record: trace.ndjson: no execution 00000000000000aa was started there'
    run -4 trace-record active missing.ndjson
    run -2 trace-record status
    run -2 trace-record status zz
    run -2 trace-record follow
    run -2 trace-record follow "$(<id)" a b
}

@test 'an execution whose process is over without a word has failed' {
    trace-record run --name=killed -- sleep 60 3>&- &
    started=$!
    wait_for "$trace" started
    child=$(cat /proc/$started/task/$started/children)
    assert_equal "$(trace-record active | jq -r .status)" running
    trace-record follow "$(head -n 1 "$trace" | jq -r .executionId)" >followed 2>note 3>&- &
    follower=$!
    wait_for followed started
    kill -KILL "$started"
    # shellcheck disable=SC2086 # there is one
    kill $child
    wait "$follower"
    started=
    grep -q 'is over, and its end was not recorded' note
    assert_equal "$(trace-record active)" ''
    assert_equal "$(trace-record history | jq -c '[.status,.error.type,.timeline.endTime]')" '["failed","lost",null]'
    # of another boot of this host, it cannot run; of another host or PID namespace, nobody knows
    sed 's/"lifetime.boot_id":"[^"]*"/"lifetime.boot_id":"x"/' "$trace" >other
    assert_equal "$(trace-record history other | jq -r .error.type)" lost
    sed -i 's/"host.name":"[^"]*"/"host.name":"elsewhere"/g' other
    assert_equal "$(trace-record active other | jq -r .status)" running
    sed 's/"lifetime.pid_namespace":[0-9]*/"lifetime.pid_namespace":1/' "$trace" >other
    assert_equal "$(trace-record active other | jq -r .status)" running
}

@test 'a script says which process its execution ends with' {
    run -0 bash -c 'trace-record start --pid=$$ script; trace-record active | jq -r .status'
    assert_line --index 1 running
    assert_equal "$(trace-record active)" ''
    assert_equal "$(trace-record history | jq -r .error.type)" lost
    run -2 trace-record start --pid=999999999 x
}

@test 'killing whoever records loses nothing that was recorded' {
    id=$(trace-record start nightly)
    for n in {1..30}; do
        trace-record checkpoint "$id" "c$n" &
        started=$!
        [[ $((n % 2)) == 0 ]] || kill -KILL $started 2>/dev/null || true
        wait $started && printf 'c%s\n' "$n"
        started=
    done >done 2>/dev/null || true
    [[ -s done ]]
    trace-record status "$id" | jq -r '.timeline.checkpoints[].name' | sort -u >found
    assert_equal "$(sort -u done | comm -23 - found)" ''
    trace-record finish "$id"
}

@test 'follow prints what was and what comes, and ends with the execution' {
    trace-record init repo
    for to in "$trace" repo; do
        id=$(trace-record start --to=$to nightly)
        trace-record follow "$id" $to --metrics >followed 3>&- &
        started=$!
        wait_for followed started
        trace-record checkpoint --to=$to "$id" half
        wait_for followed half
        trace-record event --to=$to "$id" seen
        trace-record event --to=$to "$id" seen
        trace-record metric --to=$to rows 1 --trace="$id"
        TRACEPARENT=$id trace-record metric --to=$to rows 1
        other=$(trace-record start --to=$to other)
        trace-record finish --to=$to "$other"
        wait_for followed rows
        [[ $to != repo ]] || { mv repo/open/shared.log repo/open/left.log && trace-record archive repo </dev/null; }
        trace-record finish --to=$to "$id"
        wait $started
        started=
        assert_equal "$(jq -r '.event//.eventName//.metricName' followed | xargs)" 'started checkpoint seen seen rows rows completed'
    done
}

@test 'follow goes on when the file is moved away and when it is cut short' {
    trace-record run --name=long --interval=0 --timeout=60s -- sh -c 'until [ -e end ]; do sleep 0.05; done' 3>&- &
    run=$!
    wait_for "$trace" started
    id=$(jq -r .executionId "$trace")
    traceid=$(jq -r .traceId "$trace")
    trace-record follow "$id" >followed 3>&- &
    started=$!
    wait_for followed started
    mv "$trace" rotated
    event() { printf '{"type":"log","body":"%s","eventName":"%s","traceId":"%s","spanId":"%s"}\n' "$1" "$1" "$traceid" "$id"; }
    event late >>rotated
    event first >>"$trace"
    wait_for followed first
    : >"$trace"
    sleep 0.3
    event second >>"$trace"
    wait_for followed second
    printf '%s' "$(event third)" >>"$trace" # a line that is not whole yet
    sleep 0.3
    run -1 grep third followed
    touch end
    wait $run
    wait $started
    started=
    assert_equal "$(jq -r '.event//.eventName' followed | xargs)" 'started late first second third completed'
}

@test 'follow ends when it is told to, and when nobody reads it' {
    id=$(trace-record start nightly)
    trace-record follow "$id" >followed 3>&- &
    wait_for followed started
    kill -TERM $!
    wait $!
    run -0 timeout 10 bash -c 'trace-record follow "$1" | head -n 1' x "$id"
    assert_equal "$(jq -r .event <<<"$output")" started
    run -4 trace-record follow "$id" -o /nonexistent/x
}

@test 'events that find no room wait in a file, and nothing is different' {
    awk 'BEGIN {
        for (i = 1; i <= 3000; i++)
            start[i] = sprintf("\"executionId\":\"%016x\",\"traceId\":\"%032x\"", i, i)
        for (i = 1; i <= 3000; i++)
            printf "{\"type\":\"execution\",\"event\":\"started\",%s,\"operationName\":\"job\",\"timeUnixNano\":\"%d000\"}\n", start[i], i
        for (n = 1; n <= 3; n++)
            for (i = 1; i <= 3000; i++)
                printf "{\"type\":\"execution\",\"event\":\"updated\",%s,\"timeUnixNano\":\"%d%d00\",\"attributes\":{\"last\":%d,\"pad\":\"%0200d\"}}\n", start[i], i, n, n, i
        for (i = 1; i <= 3000; i += 3)
            printf "{\"type\":\"execution\",\"event\":\"completed\",%s,\"timeUnixNano\":\"%d900\"}\n", start[i], i
    }' >events
    for verb in history active; do
        trace-record $verb events >held
        trace-record $verb --memory=1K events | cmp - held
    done
    assert_equal "$(wc -l <held)" 2000
    assert_equal "$(jq -r .metadata.customData.last held | sort -u)" 3
    TMPDIR=/nonexistent run -4 trace-record history --memory=1M events
    assert_output 'trace-record: cannot make a temporary file: No such file or directory'
}

# damage FILE TEXT: overwrites a byte of it, in its only place.
damage() {
    local at
    at=$(grep -abo -- "$2" "$1" | cut -d: -f1)
    printf X | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

@test 'damage is told of by all that looks for executions, and hides none that is whole' {
    local verb
    trace-record init repo
    export TRACE_TO=repo
    one=$(trace-record start one --pid=$$)
    two=$(trace-record start two)
    trace-record start three >/dev/null
    damage repo/open/shared.log '"two"'
    local told='trace-record: repo: open/shared.log: damaged log: [0-9]+ bytes in 1 place are no entry of it'
    run -4 --separate-stderr trace-record active
    assert_equal "$(jq -r .operationName <<<"$output" | xargs)" 'three one'
    assert_regex "$stderr" "^$told\$"
    run -4 --separate-stderr trace-record history
    assert_regex "$stderr" "^$told\$"
    run -4 --separate-stderr trace-record status "$one"
    assert_equal "$(jq -r .operationName <<<"$output")" one
    assert_regex "$stderr" "^$told\$"
    # whatever was lost may have been the one that is asked for
    for verb in status 'update --attr=a=1' finish snapshot follow; do
        # shellcheck disable=SC2086
        run -4 --separate-stderr trace-record $verb "$two"
        assert_equal "$output" ''
        assert_regex "$stderr" "^$told\$"
    done
    # of another one it is a note, as its end is recorded
    run -0 --separate-stderr trace-record snapshot "$one"
    assert_regex "$stderr" "^$told\$"
    run -0 --separate-stderr trace-record finish "$one"
    assert_regex "$stderr" "^$told\$"
    run -4 --separate-stderr timeout 20 trace-record follow "$one"
    assert_equal "$(jq -r .event <<<"$output" | xargs)" 'started completed'
    assert_regex "$stderr" "^$told\$"
}

@test 'a damaged segment is told of beside the executions of others' {
    trace-record start one --to=first >one
    trace-record start two --to=second >two
    trace-record archive repo first
    trace-record archive repo second
    local segment told
    segment=$(find repo/segments -name '*.tar.zst' | sort | head -n 1)
    printf '\377\377\377' | dd of="$segment" bs=1 seek=1200 conv=notrunc status=none
    told="trace-record: repo: ${segment#repo/}: "
    run -4 --separate-stderr trace-record active repo
    assert_equal "$(jq -r .operationName <<<"$output")" two
    assert_regex "$stderr" "^$told"
    run -4 --separate-stderr trace-record history repo
    assert_regex "$stderr" "^$told"
    for verb in status follow; do
        run -4 --separate-stderr trace-record $verb "$(cat one)" repo
        assert_equal "$output" ''
        assert_regex "$stderr" "^$told"
    done
    # the filters say that nothing of its trace is there
    run -0 --separate-stderr trace-record status "$(cat two)" repo
    assert_equal "$(jq -r .operationName <<<"$output")" two
}

# on_terminal ARGUMENT...: what trace-record prints on one, without carriage returns.
on_terminal() {
    need_command script
    NO_COLOR=1 TERM=xterm timeout 20 script -qec "trace-record ${*@Q}" /dev/null </dev/null | tr -d '\r'
}

@test 'lists are tables on a terminal, unless something else is asked for' {
    id=$(trace-record start one --pid=$$)
    trace-record event "$id" loaded
    run -0 on_terminal active
    assert_line --index 0 --regexp '^operationName +startTime +executionId *$'
    run -0 on_terminal active --format=ndjson
    assert_line --index 0 --partial '{"type":"execution"'
    run -0 on_terminal active --fields=operationName
    assert_output $'operationName\none'
    run -0 on_terminal snapshot "$id"
    assert_line --index 0 --regexp '^metricName +value +unit +dimensions *$'
    run -0 on_terminal snapshot -o table.out "$id"
    assert_output ''
    assert_equal "$(head -c 1 table.out)" '{'
    trace-record archive repo "$trace"
    run -0 on_terminal ls repo
    assert_line --index 0 --regexp '^segment +start +end +records +spans '
    trace-record finish "$id"
    run -0 on_terminal history
    assert_line --index 0 --regexp '^operationName +status '
    # what is in none of them is no mistake of who asked
    run -0 on_terminal follow "$id"
    assert_line --index 0 --regexp '^time +event +name +body *$'
    assert_line --index 2 --regexp '^20[0-9]{2}-[^ ]+Z +loaded *$'
    assert_equal "${#lines[@]}" 4
    run -0 on_terminal status "$id"
    assert_line --index 0 --partial '{"type":"execution"'
}

@test 'a table of events names what has no column' {
    id=$(trace-record start one)
    trace-record event "$id" loaded
    trace-record finish "$id" --result=1
    run -0 --separate-stderr trace-record follow "$id" --format=csv
    assert_equal "$stderr" 'trace-record: the columns are those of the first record: severity, body, spanId, eventName, result of later ones left out (--fields names columns)'
    run -0 --separate-stderr trace-record follow "$id" --format=table
    assert_equal "$stderr" ''
    assert_line --index 2 --partial loaded
}
