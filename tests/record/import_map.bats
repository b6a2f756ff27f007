#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import --map, and the maps in contrib.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    contrib=$top_srcdir/contrib
    cd "$BATS_TEST_TMPDIR" || return
}

@test 'each document becomes what the program makes of it: one record, several, none' {
    cat >m.jq <<'EOF'
# a comment
if .skip then empty else .v[] as $v | {metricName: .m, value: $v, k: "x"} end
EOF
    printf '{"m":"a","v":[1,2.50]}\n{"skip":true}\n{"m":"b",\n "v":[3]}' >in
    run -0 --separate-stderr trace-record import --map=m.jq in
    assert_equal "$output" '{"type":"metric","metricName":"a","value":1,"k":"x"}
{"type":"metric","metricName":"a","value":2.5,"k":"x"}
{"type":"metric","metricName":"b","value":3,"k":"x"}'
    assert_equal "$stderr" ''
    gzip -c in | trace-record import --map=m.jq | diff - <(printf '%s\n' "$output")
}

@test 'what is bad costs its document' {
    printf '.m | if . == 9 then error("nine") elif . == 8 then 5 elif . == 7 then {spanId: "x"} else {metricName: "m", value: .} end' >m.jq
    printf '%s\n' '{"m":1}' '{"m":9}' '{"m":8}' '{"m":7}' '{"m":' '{"m":2}' >in
    run -3 --separate-stderr trace-record import --map=m.jq --rejects=rejects in
    assert_equal "${#lines[@]}" 2
    assert_equal "${stderr_lines[0]}" 'trace-record: in:2: --map: nine'
    assert_regex "${stderr_lines[1]}" '^trace-record: in:3: --map gives no record: '
    assert_regex "${stderr_lines[2]}" '^trace-record: in:4: --map gives no record: a span without'
    assert_regex "${stderr_lines[3]}" '^trace-record: in:5: --map: '
    assert_equal "$(cat rejects)" "$(sed -n 2,5p in)"
}

@test 'a program that is none, or not there, is told' {
    printf '.a |\n| .b\n' >m.jq
    run -2 --separate-stderr trace-record import --map=m.jq /dev/null
    assert_regex "$stderr" '^trace-record: m.jq:'
    printf 'env' >m.jq
    run -2 --separate-stderr trace-record import --map=m.jq /dev/null
    run -4 --separate-stderr trace-record import --map=none.jq /dev/null
    assert_equal "$stderr" 'trace-record: none.jq: No such file or directory'
    run -2 --separate-stderr trace-record import --map=m.jq --from=otlp /dev/null
    assert_regex "$stderr" '^trace-record: --map takes JSON, --from=csv, tsv or lines'
    run -2 --separate-stderr trace-record import --from=lines /dev/null
    assert_regex "$stderr" '^trace-record: --from=lines needs --map'
}

@test 'a program that does not end is stopped' {
    printf 'def f: f; f' >m.jq
    run -4 --separate-stderr timeout 60 trace-record import --map=m.jq - <<<'{"a":1}'
    assert_equal "$output" ''
}

@test 'rows are objects of texts, lines are texts' {
    printf '{metricName: .name, value: (.v | tonumber), absent: has("w")}' >m.jq
    printf 'name,v,w\n"a\nb",1.5,\nc,2,x\nd,y,\ne\n' >in
    run -3 --separate-stderr trace-record import --from=csv --map=m.jq in
    assert_equal "$output" '{"type":"metric","metricName":"a\nb","value":1.5,"absent":false}
{"type":"metric","metricName":"c","value":2,"absent":true}'
    assert_regex "${stderr_lines[0]}" '^trace-record: in:5: --map: '
    assert_equal "${stderr_lines[1]}" 'trace-record: in:6: 1 cell where there are 3 columns'
    printf '{body: .}' >m.jq
    run -0 --separate-stderr trace-record import --from=lines --map=m.jq - < <(printf 'a "b"\r\n\n{}\n')
    assert_equal "$output" '{"type":"log","body":"a \"b\""}
{"type":"log","body":"{}"}'
}

@test 'the number of threads does not matter' {
    printf 'if .i %% 1000 == 7 then error("seven") else {metricName: "m", value: .i} end' >m.jq
    for ((i = 0; i < 40000; i++)); do printf '{"i":%s,"padding":"xxxxxxxxxxxxxx"}\n' $i; done >in
    run -3 --separate-stderr trace-record import -j1 --map=m.jq -o 1 in
    local said=$stderr
    assert_equal "$(wc -l <1)" 39960
    run -3 --separate-stderr trace-record import -j4 --map=m.jq -o 4 in
    cmp 1 4
    assert_equal "$stderr" "$said"
}

@test 'contrib/mplp: events of plans and tasks are executions, those of contexts metrics' {
    cat >in <<'EOF'
{"type":"plan.execution_started","timestamp":"2026-01-05T10:00:00.5Z","planId":"plan-7","planType":"sequential","executorId":"agent-1","contextId":"ctx-1"}
{"event":"task.execution_started","timestamp":1767607201250,"planId":"plan-7","taskId":"task-1","taskType":"search","executorId":"agent-2","contextId":"ctx-1"}
{"event":"task.execution_completed","timestamp":1767607202000,"planId":"plan-7","taskId":"task-1","executorId":"agent-2","result":{"rows":3}}
{"type":"plan.execution_failed","timestamp":"2026-01-05T10:00:03Z","planId":"plan-7","executorId":"agent-1","error":{"message":"boom"}}
{"type":"context.created","timestamp":"2026-01-05T10:00:00Z","creationDuration":12.5,"contextType":"project","participantCount":3,"traceId":"5b8efff798038103d269b633813fc60c"}
{"type":"participant.activity","timestamp":"2026-01-05T10:00:04Z","activityCount":4,"contextId":"ctx-1","participantId":"p-1","activityType":"message"}
{"type":"role.assigned","timestamp":"2026-01-05T10:00:04Z"}
EOF
    trace-record import --map="$contrib/mplp/events.jq" in >out
    assert_equal "$(wc -l <out)" 6
    # a task's parent is its plan, and they are one trace
    local plan task
    plan=$(sed -n '1s/.*"executionId":"\([0-9a-f]*\)".*/\1/p' out)
    task=$(sed -n '2s/.*"parentSpanId":"\([0-9a-f]*\)".*/\1/p' out)
    assert_equal "$task" "$plan"
    assert_equal "$(grep -o '^.*"event":"[a-z]*"' out | grep -o '[a-z]*"$')" 'started"
started"
completed"
failed"'
    assert_equal "$(sed -n '/execution/s/.*"traceId":"\([0-9a-f]*\)".*/\1/p' out | sort -u | wc -l)" 1
    diff - <(tail -n 2 out) <<'EOF'
{"type":"metric","metricName":"context.creation_time","metricType":"timer","value":12.5,"unit":"ms","timeUnixNano":"1767607200000000000","dimensions":{"contextType":"project","participantCount":"3"},"context":{"traceId":"5b8efff798038103d269b633813fc60c"},"metadata":{"source":"mplp"}}
{"type":"metric","metricName":"participant.activity_rate","metricType":"gauge","value":4,"unit":"1","timeUnixNano":"1767607204000000000","dimensions":{"contextId":"ctx-1","participantId":"p-1","activityType":"message"},"metadata":{"source":"mplp"}}
EOF
    assert_regex "$(sed -n 1p out)" '"timeUnixNano":"1767607200500000000"'
    assert_regex "$(sed -n 2p out)" '"timeUnixNano":"1767607201250000000"'
    for bad in '{"type":"task.execution_started","timestamp":1}' '{"type":"context.created","timestamp":1}' \
        '{"type":"participant.activity","activityCount":1}'; do
        run -3 --separate-stderr trace-record import --map="$contrib/mplp/events.jq" - <<<"$bad"
        assert_regex "$stderr" 'trace-record: -:1: --map: an event without '
    done
}

@test 'contrib/map: requests of nginx are spans' {
    cat >in <<'EOF'
{"msec":"1767607200.250","request_time":"0.125","request_id":"0af7651916cd43dd8448eb211c80319c","traceparent":"","host":"example.org","method":"GET","uri":"/cart","status":"200","bytes":"512","client":"192.0.2.1","upstream":"0.100"}
{"msec":"1767607201.000","request_time":"1.5","request_id":"1af7651916cd43dd8448eb211c80319c","traceparent":"00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01","host":"example.org","method":"POST","uri":"/a","status":"503","bytes":"0","client":"192.0.2.1","upstream":""}
EOF
    trace-record import --map="$contrib/map/nginx.jq" in >out
    diff - out <<'EOF'
{"type":"span","traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0af7651916cd43dd","name":"GET","kind":"server","startTimeUnixNano":"1767607200125000000","endTimeUnixNano":"1767607200250000000","durationNano":125000000,"status":"unset","service":"nginx","attributes":{"http.request.method":"GET","url.path":"/cart","server.address":"example.org","http.response.status_code":200,"http.response.body.size":512,"client.address":"192.0.2.1"},"resource":{"service.name":"nginx"}}
{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"1af7651916cd43dd","parentSpanId":"eee19b7ec3c1b174","name":"POST","kind":"server","startTimeUnixNano":"1767607199500000000","endTimeUnixNano":"1767607201000000000","durationNano":1500000000,"status":"error","service":"nginx","attributes":{"http.request.method":"POST","url.path":"/a","server.address":"example.org","http.response.status_code":503,"http.response.body.size":0,"client.address":"192.0.2.1"},"resource":{"service.name":"nginx"}}
EOF
}

@test 'contrib/map: jobs and steps of GitHub Actions are a trace, their logs log records' {
    cat >in <<'EOF'
{"total_count": 1, "jobs": [
  {"id": 399444496, "run_id": 29679449, "run_attempt": 2, "workflow_name": "CI", "name": "build",
   "head_sha": "f83a356", "runner_name": "runner-1", "conclusion": "failure",
   "started_at": "2026-01-05T10:00:00Z", "completed_at": "2026-01-05T10:01:30Z", "steps": [
    {"name": "Check out", "number": 1, "conclusion": "success",
     "started_at": "2026-01-05T10:00:01.500Z", "completed_at": "2026-01-05T10:00:03.000Z"},
    {"name": "Test", "number": 2, "conclusion": "failure",
     "started_at": "2026-01-05T10:00:03Z", "completed_at": "2026-01-05T10:01:30Z"},
    {"name": "Deploy", "number": 3, "conclusion": null, "started_at": null, "completed_at": null}]}]}
EOF
    trace-record import --map="$contrib/map/github-actions.jq" in >out
    assert_equal "$(trace-record import --fields=name,status,startTimeUnixNano,durationNano --format=csv out)" 'name,status,startTimeUnixNano,durationNano
build,error,1767607200000000000,90000000000
Check out,ok,1767607201500000000,1500000000
Test,error,1767607203000000000,87000000000'
    run -0 trace-span assemble --summary out
    assert_equal "${#lines[@]}" 1
    assert_regex "$output" '"spanCount":3'
    printf '\xef\xbb\xbf2026-01-05T10:00:01.1234567Z ##[group]Run make\n2026-01-05T10:00:02Z hello "x"\n2026-01-05T10:00:03.5Z ##[error]It failed\nno time\n' >log
    run -3 --separate-stderr trace-record import --from=lines --map="$contrib/map/github-actions-log.jq" log
    assert_equal "$stderr" 'trace-record: log:4: --map: a line without a time'
    assert_equal "$output" '{"type":"log","timeUnixNano":"1767607201123456700","severity":"info","body":"Run make","attributes":{"command":"group"}}
{"type":"log","timeUnixNano":"1767607202000000000","severity":"info","body":"hello \"x\""}
{"type":"log","timeUnixNano":"1767607203500000000","severity":"error","body":"It failed","attributes":{"command":"error"}}'
}

@test 'contrib/map: spans of Google Cloud Trace, whose ids are decimal' {
    cat >in <<'EOF'
{"projectId": "p", "traceId": "6ef9eae4acda422912f705b69539cec8", "spans": [
  {"spanId": "18446744073709551615", "kind": "RPC_CLIENT", "name": "/a",
   "startTime": "2015-09-03T16:40:00.841654024Z", "endTime": "2015-09-03T16:40:01Z", "labels": {"/http/status_code": "503"}},
  {"spanId": "1006609995974696303", "kind": "RPC_SERVER", "name": "/b", "parentSpanId": "18446744073709551615",
   "startTime": "2015-09-03T16:40:00.9Z", "endTime": "2015-09-03T16:40:00.95Z"}]}
EOF
    trace-record import --map="$contrib/map/google-cloud-trace.jq" in >out
    diff - out <<'EOF'
{"type":"span","traceId":"6ef9eae4acda422912f705b69539cec8","spanId":"ffffffffffffffff","name":"/a","kind":"client","startTimeUnixNano":"1441298400841654024","endTimeUnixNano":"1441298401000000000","durationNano":158345976,"status":"error","attributes":{"/http/status_code":"503"},"resource":{"cloud.provider":"gcp","cloud.account.id":"p"}}
{"type":"span","traceId":"6ef9eae4acda422912f705b69539cec8","spanId":"0df83275456ddd6f","parentSpanId":"ffffffffffffffff","name":"/b","kind":"server","startTimeUnixNano":"1441298400900000000","endTimeUnixNano":"1441298400950000000","durationNano":50000000,"status":"unset","resource":{"cloud.provider":"gcp","cloud.account.id":"p"}}
EOF
    jq -c '{traces: [., .]}' in | trace-record import --map="$contrib/map/google-cloud-trace.jq" | diff - <(cat out out)
    sed 's/1006609995974696303/0x1/' in >bad
    run -3 --separate-stderr trace-record import --map="$contrib/map/google-cloud-trace.jq" bad
    assert_regex "$stderr" 'an id that is no decimal number: 0x1'
    need_data traces/chrome-trace/catapult-google_cloud_trace.json
    trace-record import --map="$contrib/map/google-cloud-trace.jq" \
        "$TRACECORE_TEST_DATA/traces/chrome-trace/catapult-google_cloud_trace.json" >out
    assert_equal "$(wc -l <out)" 4
}

@test 'contrib/map: a table of spans in microseconds' {
    cat >in <<'EOF'
trace_id,span_id,parent_id,operation,service,start_us,duration_us,status_code
5b8efff798038103d269b633813fc60c,eee19b7ec3c1b174,,GET /,web,1767607200000001,1500,200
5b8efff798038103d269b633813fc60c,eee19b7ec3c1b175,eee19b7ec3c1b174,"SELECT ""x""",db,1767607200000101,900,
EOF
    trace-record import --from=csv --map="$contrib/map/microseconds.jq" in >out
    diff - out <<'EOF'
{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET /","startTimeUnixNano":"1767607200000001000","endTimeUnixNano":"1767607200001501000","durationNano":1500000,"status":"unset","service":"web","attributes":{"http.response.status_code":200},"resource":{"service.name":"web"}}
{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b175","parentSpanId":"eee19b7ec3c1b174","name":"SELECT \"x\"","startTimeUnixNano":"1767607200000101000","endTimeUnixNano":"1767607200001001000","durationNano":900000,"status":"unset","service":"db","resource":{"service.name":"db"}}
EOF
}
