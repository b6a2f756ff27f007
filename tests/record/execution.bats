#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record start, update, checkpoint, event, finish, fail, cancel: executions from a shell.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    trace=$BATS_TEST_TMPDIR/trace.ndjson
}

# last JQ: of the last record.
last() {
    tail -1 "$trace" | jq -c "$1"
}

@test 'an execution from start to finish is one span with all that happened' {
    id=$(trace-record start nightly --service=jobs --attr=env=prod --attr=rows=0)
    assert_regex "$id" '^00-[0-9a-f]{32}-[0-9a-f]{16}-03$'
    trace-record update "$id" --attr=rows=5 --attr=phase=load
    trace-record checkpoint "$id" half --attr=n=1
    trace-record event "$id" retry --attr=why=busy
    trace-record finish "$id" --attr=rows=9 --result='{"rows": 9}'
    assert_equal "$(last '[.type,.name,.service,.status,.traceId,.spanId]')" \
        "[\"span\",\"nightly\",\"jobs\",\"ok\",\"${id:3:32}\",\"${id:36:16}\"]"
    assert_equal "$(last .attributes)" '{"env":"prod","rows":9,"phase":"load"}'
    assert_equal "$(last '[.events[]|del(.timeUnixNano)]')" \
        '[{"name":"half","attributes":{"n":1}},{"name":"retry","attributes":{"why":"busy"}}]'
    assert_equal "$(jq -r 'select(.type=="execution")|.event' "$trace" | tr '\n' ' ')" 'started updated checkpoint completed '
    assert_equal "$(jq -c 'select(.event=="completed").result' "$trace")" '{"rows":9}'
    assert_equal "$(jq -c 'select(.type=="log")|[.eventName,.body,.traceId,.spanId]' "$trace")" \
        "[\"retry\",\"retry\",\"${id:3:32}\",\"${id:36:16}\"]"
    assert_equal "$(last '(.endTimeUnixNano|tonumber)-(.startTimeUnixNano|tonumber) >= 0')" true
    trace-record import "$trace" | cmp - "$trace"
}

@test 'started says who, what and why' {
    trace-record start plan-7 --execution-type=plan --executor-id=a1 --executor-type=agent --context-id=c \
        --correlation-id=k --causation-id=m
    assert_equal "$(last '[.event,.operationName,.executionType,.executorId,.executorType,.contextId,.correlationId,.causationId]')" \
        '["started","plan-7","plan","a1","agent","c","k","m"]'
    trace-record start plain
    assert_equal "$(last '[.executionType,.executorType,(.executorId|length>0)]')" '["operation","system",true]'
}

@test 'parents are given or found in the environment' {
    id=$(trace-record start outer)
    one=$(trace-record start one --parent="$id")
    two=$(TRACEPARENT=$id trace-record start two)
    TRACEPARENT=$two trace-record run --name=three -- true
    trace-record finish "$one"
    assert_equal "$(last .parentSpanId)" "\"${id:36:16}\""
    trace-record finish "$two"
    assert_equal "$(last .parentSpanId)" "\"${id:36:16}\""
    trace-record finish "$id"
    assert_equal "$(last .parentSpanId)" null
    assert_equal "$(jq -s '[.[].traceId]|unique|length' "$trace")" 1
    assert_equal "$(jq -r 'select(.type=="span" and .name=="three").parentSpanId' "$trace")" "${two:36:16}"
}

@test 'failures keep their reason' {
    id=$(trace-record start a)
    trace-record fail "$id" --error='disk "full"'
    assert_equal "$(last '[.status,.statusMessage]')" '["error","disk \"full\""]'
    assert_equal "$(jq -c 'select(.event=="failed").error' "$trace")" '{"message":"disk \"full\""}'
    id=$(trace-record start b)
    trace-record fail "$id" --error='{"message":"no","code":5}'
    assert_equal "$(last '[.status,.statusMessage]')" '["error","no"]'
    id=$(trace-record start c)
    trace-record cancel "$id" --reason='not needed'
    assert_equal "$(last '[.status,.statusMessage]')" '["unset","not needed"]'
    assert_equal "$(jq -r 'select(.type=="execution" and .event!="started").event' "$trace" | tr '\n' ' ')" 'failed failed cancelled '
}

@test 'the sixteen digits alone name an execution too' {
    id=$(trace-record start a)
    trace-record checkpoint "${id:36:16}" half
    trace-record event "${id:36:16}" e
    trace-record finish "${id:36:16}"
    assert_equal "$(last '[.traceId,(.events|length)]')" "[\"${id:3:32}\",2]"
}

@test 'what was not started, or has ended, is an error' {
    id=$(trace-record start a)
    trace-record finish "$id"
    before=$(cat "$trace")
    run -4 trace-record finish "$id"
    assert_output "trace-record: trace.ndjson: execution ${id:36:16} has ended already (completed)"
    run -4 trace-record cancel "$id"
    run -4 trace-record fail 00000000000000aa
    assert_output 'trace-record: trace.ndjson: no execution 00000000000000aa was started there'
    for words in "checkpoint $id x" "event $id x" "update $id --attr=a=1"; do
        # shellcheck disable=SC2086 # words
        run -4 trace-record $words
        assert_output "trace-record: trace.ndjson: execution ${id:36:16} has ended already (completed)"
        # shellcheck disable=SC2086 # words
        run -4 trace-record ${words/"$id"/"${id/${id:36:16}/00000000000000aa}"}
        assert_output 'trace-record: trace.ndjson: no execution 00000000000000aa was started there'
    done
    run -4 trace-record checkpoint 00000000000000aa x
    run -4 trace-record finish --to=missing.ndjson "$id"
    run -4 trace-record event --to=/dev/full "$id" x
    assert_output 'trace-record: /dev/full: is no file, so that nothing is read back'
    assert_equal "$(cat "$trace")" "$before"
}

@test 'usage errors record nothing' {
    id=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
    local -a cases=('start' 'start a b' 'start a --parent=x' 'start a --attr=x' 'start a --execution-type=odd'
        'finish' 'finish zz' 'finish 4bf92f3577b34da6a3ce929d0e0e4736' "finish $id $id" "update $id"
        "checkpoint $id" "event $id" "cancel 0000000000000000" 'start a --to=-' "finish --to=- $id" "event --to=- $id x")
    for words in "${cases[@]}"; do
        # shellcheck disable=SC2086 # words
        run -2 trace-record $words
    done
    assert_file_not_exist "$trace"
}

@test 'a missing operand is named' {
    run -2 trace-record checkpoint
    assert_line --index 0 'trace-record: ID and NAME are missing'
    run -2 trace-record checkpoint 00f067aa0ba902b7
    assert_line --index 0 'trace-record: NAME is missing'
    run -2 trace-record finish
    assert_line --index 0 'trace-record: ID is missing'
    run -2 trace-record event 00f067aa0ba902b7 a b
    assert_line --index 0 'trace-record: more operands than ID and NAME'
}

@test 'a reader of the ID that went away is a quiet end, a full disk is none' {
    run -0 bash -c '(trap "" PIPE; sleep 0.3; trace-record start a 2>err; echo "$?" >status) | true; cat err status'
    assert_output 0
    run -4 --separate-stderr bash -c 'trace-record start a >/dev/full'
    assert_regex "$stderr" 'No space left on device'
    # nobody has their IDs
    assert_equal "$(trace-record active "$trace" | wc -l)" 0
    run -0 jq -c 'select(.event == "cancelled") | .error.message' "$trace"
    assert_output '"its ID could not be printed"
"its ID could not be printed"'
    trace-record start a >/dev/null
    assert_equal "$(trace-record active "$trace" | wc -l)" 1
}

@test 'many attributes and long lines cost no more than they must' {
    id=$(trace-record start a)
    {
        printf '{"type":"execution","event":"updated","executionId":"%s","attributes":{"k0":0' "${id:36:16}"
        awk 'BEGIN { for (i = 1; i < 40000; i++) printf ",\"k%d\":%d", i, i; print "}}" }'
        printf '{"body":"%s ' "${id:36:16}"
        head -c 40000000 /dev/zero | tr '\0' x
        printf '"}\n'
    } >>"$trace"
    run -0 timeout 20 trace-record finish "$id" --attr=k7=seven
    assert_equal "$(last '.attributes|[length,.k7,.k39999]')" '[40000,"seven",39999]'
}

@test 'a start that was not recorded prints no ID' {
    run -4 --separate-stderr trace-record start a --to=/dev/full
    assert_equal "$output" ''
    assert_equal "$stderr" 'trace-record: /dev/full: cannot append: No space left on device'
    for verb in 'start a' 'finish 00f067aa0ba902b7' 'checkpoint 00f067aa0ba902b7 c'; do
        # shellcheck disable=SC2086
        run -4 --separate-stderr trace-record $verb --to=http://127.0.0.1:1
        assert_equal "$output" ''
        assert_equal "$stderr" 'trace-record: http://127.0.0.1:1: executions are read back, so that they take a file or a repository; run sends its span to a URL'
    done
}

@test 'a large file with foreign lines is no obstacle' {
    id=$(trace-record start a --attr=x=1)
    {
        printf 'no JSON %s\n{"spanId":"%s"}\n' "${id:36:16}" "${id:36:16}"
        "$top_srcdir/contrib/sample-capture.sh" | trace-record import
        printf '{"type":"log","spanId":"%s","eventName":"seen","timeUnixNano":5}\n' "${id:36:16}"
    } >>"$trace"
    trace-record finish "$id"
    assert_equal "$(last '[.name,.attributes.x,[.events[].name]]')" '["a",1,["seen"]]'
}
