#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-agg --map: records become others before they are aggregated.

load ../helper

setup() {
    cd "$BATS_TEST_TMPDIR"
    awk 'BEGIN { for (i = 0; i < 700; i++)
        printf "{\"traceId\":\"%x\",\"spanId\":\"%x\",\"name\":\"n%d\",\"service\":\"s%d\",\"startTimeUnixNano\":\"%d000000\",\"endTimeUnixNano\":\"%d000000\",\"attributes\":{\"bytes\":%d}}\n",
            i + 1, i + 1, i % 5, i % 3, i * 100 + 1, i * 100 + 1 + i % 7, i * 10 }' > spans.ndjson
    # a metric of each span's bytes, and two of its queue, unless it is n4
    cat > bytes.jq <<'END'
select(.name != "n4") | . as $span
| {metricName: "bytes", value: .attributes.bytes, timeUnixNano: .startTimeUnixNano, dimensions: {op: .name}},
  (range(2) | {metricName: "queue", value: (. * $span.durationNano), timeUnixNano: $span.startTimeUnixNano})
END
}

@test "what a program makes is aggregated, as if it had been the input" {
    jq -c ".durationNano = (.endTimeUnixNano | tonumber) - (.startTimeUnixNano | tonumber) | $(< bytes.jq)" \
        spans.ndjson > made.ndjson
    options=(--by=op --window=10s --stat=count,sum,max,p50 --exemplars=1)
    trace-agg "${options[@]}" made.ndjson > wanted
    [[ -s wanted ]]
    run -0 --separate-stderr trace-agg --map=bytes.jq "${options[@]}" spans.ndjson
    assert_equal "$stderr" ''
    cmp wanted <(printf '%s\n' "$output")
    trace-agg -j1 --map=bytes.jq "${options[@]}" < <(cat spans.ndjson) | cmp wanted -
    trace-span filter -b spans.ndjson | trace-agg --map=bytes.jq "${options[@]}" | cmp wanted -
    trace-agg --map=bytes.jq --lateness=1m "${options[@]}" spans.ndjson | cmp wanted -
    trace-agg --map=bytes.jq --window=10s --slide=5s --stat=count spans.ndjson |
        cmp <(trace-agg --window=10s --slide=5s --stat=count made.ndjson) -
    split -n r/3 spans.ndjson piece
    for piece in piece*; do trace-agg --map=bytes.jq --partial "${options[@]}" "$piece"; done | trace-agg --merge | cmp wanted -
    trace-record archive repo spans.ndjson
    trace-agg --map=bytes.jq "${options[@]}" repo | cmp wanted -
}

@test "--where and the like are for what comes in" {
    run -0 trace-agg --map=bytes.jq --type=span -w '.service == "s1"' --since=1970-01-01T00:00:10Z --stat=count spans.ndjson
    assert_line --partial '"metricName":"bytes","group":{},"count":160}'
    assert_equal "$(jq -c 'select(.service == "s1" and .name != "n4" and (.startTimeUnixNano | tonumber) >= 1e10)' spans.ndjson | wc -l)" 160
}

@test "records of any type can be made something of, and clock records go on" {
    cat > mixed.ndjson <<'END'
{"type":"finding","kind":"anomaly","group":{},"timeUnixNano":"1000000000","score":3}
{"type":"alert","alertName":"x","timeUnixNano":"2000000000","state":"firing"}
{"type":"clock","timeUnixNano":"20000000000"}
{"type":"finding","kind":"change","group":{},"timeUnixNano":"1000000000","score":3}
END
    echo '{metricName: (.kind // .alertName), value: 1, timeUnixNano}' > m.jq
    run -0 --separate-stderr trace-agg --map=m.jq --window=10s --lateness=0s --stat=count mixed.ndjson
    assert_line -n 0 --partial '"metricName":"anomaly"'
    assert_line -n 1 --partial '"metricName":"x"'
    assert_line -n 2 '{"type":"clock","timeUnixNano":"20000000000"}'
    assert_equal "${#lines[@]}" 3
    assert_equal "$stderr" 'trace-agg: 1 late record was left out: its window had been closed (--lateness)'
    echo '{type: "finding", kind, group: {}, timeUnixNano}' > m.jq
    run -0 --separate-stderr trace-agg --map=m.jq --by=servce mixed.ndjson
    assert_equal "$stderr" 'trace-agg: 3 records that --map made are of types that are not aggregated'
    run -0 --separate-stderr trace-agg --map=bytes.jq --by=servce spans.ndjson
    assert_equal "$stderr" "trace-agg: no record had the field 'servce': did you mean 'service'?"
}

@test "a record that nothing comes of is rejected, in its place" {
    { sed -n 1,2p spans.ndjson; echo '{broken'; sed -n 3,7p spans.ndjson; } > in
    echo 'if .name == "n1" then error("no " + .name) elif .name == "n3" then {"a": 1} else . end' > m.jq
    run -3 --separate-stderr trace-agg --map=m.jq --rejects=rejects --stat=count in
    assert_output --partial '"count":4'
    assert_equal "${stderr_lines[0]}" 'trace-agg: in:2: --map: no n1'
    assert_regex "${stderr_lines[1]}" '^trace-agg: in:3: a key is missing'
    assert_regex "${stderr_lines[2]}" '^trace-agg: in:5: --map gives no record: '
    assert_equal "${stderr_lines[3]}" 'trace-agg: in:8: --map: no n1'
    sed -n '2,3p;5p;8p' in | cmp - rejects
    run -3 --separate-stderr trace-agg --map=m.jq --window=1s --lateness=0s --stat=count in
    assert_equal "${stderr_lines[0]}" 'trace-agg: in:2: --map: no n1'
    run -4 --separate-stderr trace-agg --map=m.jq --strict in
    assert_equal "${stderr_lines[0]}" 'trace-agg: in:2: --map: no n1'
    [[ $stderr != *in:3* ]]
}

@test "a program that is none, that is not there, or that does not end" {
    echo 'map(' > m.jq
    run -2 --separate-stderr trace-agg --map=m.jq /dev/null
    assert_regex "$stderr" '^trace-agg: m.jq:2: '
    run -4 --separate-stderr trace-agg --map=none.jq /dev/null
    assert_equal "$stderr" 'trace-agg: none.jq: No such file or directory'
    echo 'input' > m.jq
    run -2 trace-agg --map=m.jq /dev/null
    run -2 trace-agg --merge --map=m.jq /dev/null
    echo 'last(range(1e12))' > m.jq
    run -4 --separate-stderr timeout 60 trace-agg --map=m.jq spans.ndjson
    assert_output ''
}
