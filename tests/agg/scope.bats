#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-agg --scope: what each groups by and takes; sum(FIELD) and --exemplars.

load ../helper

setup() {
    cd "$BATS_TEST_TMPDIR"
    cat > records.ndjson <<'END'
{"type":"span","traceId":"a1","spanId":"1","service":"shop","name":"GET /","durationNano":100,"scope":{"name":"http"}}
{"type":"span","traceId":"a1","spanId":"2","parentSpanId":"1","service":"shop","name":"query","durationNano":40,"scope":{"name":"sql"}}
{"type":"span","traceId":"a2","spanId":"3","service":"shop","name":"GET /","durationNano":300,"scope":{"name":"http"}}
{"type":"span","traceId":"a3","spanId":"4","service":"bot","name":"invoke_agent planner","durationNano":900,"attributes":{"gen_ai.operation.name":"invoke_agent","gen_ai.agent.name":"planner"}}
{"type":"span","traceId":"a3","spanId":"5","parentSpanId":"4","service":"bot","name":"chat large","durationNano":500,"status":"error","attributes":{"gen_ai.operation.name":"chat","gen_ai.request.model":"large","gen_ai.usage.input_tokens":700,"gen_ai.usage.output_tokens":30,"gen_ai.usage.cost":0.25}}
{"type":"span","traceId":"a3","spanId":"6","parentSpanId":"4","service":"bot","name":"chat large","durationNano":200,"attributes":{"gen_ai.operation.name":"chat","gen_ai.request.model":"large","gen_ai.usage.input_tokens":300,"gen_ai.usage.output_tokens":12,"gen_ai.usage.cost":0.125}}
{"type":"span","traceId":"a3","spanId":"7","parentSpanId":"4","service":"bot","name":"execute_tool search","durationNano":150,"attributes":{"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"search"}}
{"type":"metric","metricName":"system.memory.usage","value":10,"dimensions":{"system.memory.state":"used"},"resource":{"host.name":"h1"}}
{"type":"metric","metricName":"system.memory.usage","value":30,"dimensions":{"system.memory.state":"used"},"resource":{"host.name":"h1"}}
{"type":"metric","metricName":"system.memory.usage","value":90,"dimensions":{"system.memory.state":"free"},"resource":{"host.name":"h1"}}
{"type":"log","severity":"error","body":"x","service":"shop","traceId":"a1"}
END
}

# groups OPTION...: group and count of each record, and what is said.
groups() {
    run -0 --separate-stderr trace-agg --stat=count "$@" records.ndjson
    output=$(jq -c '[.recordType, .group, .count]' <<<"$output")
    mapfile -t lines <<<"$output"
}

@test "each scope groups by its fields, and takes the records that are of it" {
    groups --scope=system
    assert_output '["span",{},7]
["metric",{},3]
["log",{},1]'
    groups --scope=module --type=span
    assert_output '["span",{"service":"bot"},4]
["span",{"service":"shop","scope.name":"http"},2]
["span",{"service":"shop","scope.name":"sql"},1]'
    groups --scope=service
    assert_line '["span",{"service":"shop"},3]'
    assert_line '["log",{"service":"shop"},1]'
    groups --scope=operation
    assert_line '["span",{"service":"shop","name":"query"},1]'
    assert_equal "$(wc -l <<<"$output")" 5
    groups --scope=transaction
    assert_output '["span",{"service":"bot","name":"invoke_agent planner"},1]
["span",{"service":"shop","name":"GET /"},2]'
    groups --scope=resource
    assert_output '["metric",{"host.name":"h1","system.memory.state":"free"},1]
["metric",{"host.name":"h1","system.memory.state":"used"},2]'
    assert_equal "$stderr" 'trace-agg: passed over 7 span records, 1 log record'
}

@test "--scope=agent tells calls, errors, tokens and cost of agents, models and tools" {
    run -0 --separate-stderr trace-agg --scope=agent records.ndjson
    assert_equal "${#lines[@]}" 3
    assert_line -n 0 --regexp '"group":\{"service":"bot","name":"chat large","gen_ai.operation.name":"chat","gen_ai.request.model":"large"\},"count":2,"errors":1,"errorRate":0.5,"mean":350.0,.*"max":500,"sum\(gen_ai.usage.input_tokens\)":1000,"sum\(gen_ai.usage.output_tokens\)":42,"sum\(gen_ai.usage.cost\)":0.375\}$'
    assert_line -n 1 --partial '"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"search"},"count":1,"errors":0,'
    assert_line -n 2 --partial '"gen_ai.agent.name":"planner"},"count":1,'
    assert_equal "$stderr" 'trace-agg: passed over 3 metric records, 1 log record'
    # nobody asked for these fields by name, but for this one
    grep -v gen_ai records.ndjson > none.ndjson
    run -0 --separate-stderr trace-agg --scope=agent none.ndjson
    assert_equal "$output" ''
    assert_equal "$stderr" 'trace-agg: passed over 3 metric records, 1 log record'
    run -0 --separate-stderr trace-agg --scope=transaction --stat='sum(tokenz)' none.ndjson
    assert_equal "${stderr_lines[1]}" "trace-agg: no record had the field 'tokenz'"
}

@test "real agents: calls and tokens of each" {
    need_data traces/agentevals/tempo_export_with_batches.json
    trace-record import "$TRACECORE_TEST_DATA/traces/agentevals/tempo_export_with_batches.json" > agents.ndjson
    trace-agg --scope=agent agents.ndjson > got
    run -0 jq -c 'select(.group["gen_ai.operation.name"] == "generate_content") | [.count, .["sum(gen_ai.usage.input_tokens)"], .["sum(gen_ai.usage.output_tokens)"]]' got
    assert_output '[2,4648,129]'
    run -0 jq -r '.group["gen_ai.tool.name"] // empty' got
    assert_output helm_list_releases
}

@test "scopes from roll-ups, partials and binary streams as from records" {
    for i in $(seq 40); do # with times, as roll-ups want them
        jq -c --arg t "17900000000000$((10000 + i))" '.timeUnixNano = $t
            | if .type == "span" then del(.timeUnixNano) | .startTimeUnixNano = $t else . end' records.ndjson
    done > timed.ndjson
    trace-record read -b timed.ndjson | trace-record read - > canonical
    trace-record archive repo canonical
    split -n r/3 canonical piece
    for scope in system module service operation transaction agent resource; do
        trace-agg --scope=$scope --exemplars=2 canonical 2> err > whole
        [[ -s whole ]]
        trace-agg --scope=$scope --exemplars=2 repo 2> /dev/null | cmp whole -
        trace-span filter -b --type=span,metric,log canonical | trace-agg --scope=$scope --exemplars=2 2> /dev/null | cmp whole -
        for piece in piece*; do trace-agg --scope=$scope --exemplars=2 --partial $piece; done 2> /dev/null | trace-agg --merge | cmp whole -
        trace-agg --scope=$scope --stat=count,max canonical 2> /dev/null > whole
        trace-agg --scope=$scope --stat=count,max repo 2> /dev/null | cmp whole -
    done
}

@test "sum(FIELD) is exact, weighted and left out where no record has a number" {
    cat > sums.ndjson <<'END'
{"metricName":"m","value":1,"dimensions":{"n":1e308,"i":9007199254740993}}
{"metricName":"m","value":1,"dimensions":{"n":1,"i":1}}
{"metricName":"m","value":1,"dimensions":{"n":-1e308,"s":"text"},"quality":{"sampleRate":1}}
{"metricName":"m","value":1,"dimensions":{"w":3},"quality":{"sampleRate":0.25}}
END
    run -0 trace-agg '--stat=sum(n),sum(i),sum(w),sum(s)' sums.ndjson
    assert_output --partial '"group":{},"sum(n)":1.0,"sum(i)":9007199254740994,"sum(w)":12}'
    split -n r/2 sums.ndjson piece
    for piece in piece*; do trace-agg --partial '--stat=sum(n),sum(i),sum(w)' $piece; done 2> /dev/null | trace-agg --merge > merged
    trace-agg '--stat=sum(n),sum(i),sum(w)' sums.ndjson | cmp - merged
}

@test "exemplars are the traces of the largest values, each once, by any partition" {
    awk 'BEGIN { for (i = 0; i < 900; i++)
        printf "{\"traceId\":\"%x\",\"spanId\":\"%x\",\"service\":\"s%d\"%s}\n",
            (i * 7919) % 43 + 1, i + 1, i % 3, i % 43 % 5 ? ",\"durationNano\":" (i * 31) % 97 : "" }' > spans.ndjson
    for n in 1 3 20 50; do
        trace-agg --by=service --stat=count --exemplars=$n spans.ndjson > whole
        # of each trace its largest value with the smallest span id; of those the largest
        jq -s -c --argjson n $n 'def hex($w): ("0" * $w + .)[-$w:];
            group_by(.service)[] | {service: .[0].service, exemplars: (group_by(.traceId)
                | map(map({traceId: (.traceId | hex(32)), spanId: (.spanId | hex(16)), value: (.durationNano // -1)})
                    | sort_by([-.value, .spanId])[0]) | sort_by([-.value, .traceId])[:$n]
                | map(if .value < 0 then del(.value) else . end))}' spans.ndjson > wanted
        jq -c '{service: .group.service, exemplars}' whole | cmp wanted -
        split -n r/7 spans.ndjson piece
        for piece in piece*; do trace-agg --by=service --stat=count --exemplars=$n --partial $piece; done | trace-agg --merge | cmp whole -
        tac spans.ndjson | trace-agg -j4 --by=service --stat=count --exemplars=$n | cmp whole -
    done
}

@test "exemplars of metrics are of their context, and of logs and odd values" {
    cat > odd.ndjson <<'END'
{"metricName":"m","value":5,"context":{"traceId":"0000000000000000000000000000000b","spanId":"000000000000000c"}}
{"metricName":"m","value":5.5,"context":{"traceId":"0000000000000000000000000000000a"}}
{"metricName":"m","value":"NaN","context":{"traceId":"0000000000000000000000000000000d"}}
{"metricName":"m","value":"-Infinity","context":{"traceId":"0000000000000000000000000000000e"}}
{"metricName":"m","value":7}
{"type":"log","body":"x","traceId":"2"}
{"type":"log","body":"x","traceId":"1"}
END
    run -0 trace-agg --stat=count --exemplars odd.ndjson
    assert_line --partial '"count":5,"exemplars":[{"traceId":"0000000000000000000000000000000a","value":5.5},{"traceId":"0000000000000000000000000000000b","spanId":"000000000000000c","value":5},{"traceId":"0000000000000000000000000000000e","value":"-Infinity"}]}'
    assert_line --partial '"count":2,"exemplars":[{"traceId":"00000000000000000000000000000001"},{"traceId":"00000000000000000000000000000002"}]}'
}

@test "usage errors name what is wrong" {
    run -2 trace-agg --scope=service --by=name
    assert_line -n 0 'trace-agg: --scope and --by exclude each other'
    run -2 trace-agg --scope=servce
    assert_line -n 0 --partial 'servce'
    for n in 0 x 1001; do
        run -2 trace-agg --exemplars=$n
        assert_line -n 0 'trace-agg: --exemplars takes a number from 1 to 1000'
    done
    run -2 trace-agg --exemplars --stat='exemplars(2)'
    assert_line -n 0 'trace-agg: exemplars are asked for twice'
    run -2 trace-agg --merge --scope=service
}
