# SPDX-License-Identifier: GPL-3.0-or-later
# What trace-record export writes, to readers that others wrote: protoc and protobuf's JSON for OTLP,
# Prometheus and its Python client for OpenMetrics, Zipkin's Go model, speedscope in Chromium. Each
# test skips without its reader.

load ../helper
load export

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# need_python MODULE: $python is one that has it.
need_python() {
    for python in python3 /usr/bin/python3; do
        ! "$python" -c "import $1" 2>/dev/null || return 0
    done
    skip "no python3 has $1"
}

# captured: native records of what others sent, as far as the data is there.
captured() {
    local file
    [[ -n ${TRACECORE_TEST_DATA-} ]] || return 0
    for file in "$TRACECORE_TEST_DATA"/traces/{otlp-file-exporter-otel-demo.jsonl,otlp-proto-examples/*.json,otlp-metrics-file/metrics.json,agentevals/*.json,zipkin-lens/*.json} \
        "$TRACECORE_TEST_DATA"/captures/{01,06,07,08,09,10,11,12}-*.body "$TRACECORE_TEST_DATA"/captures/prom-*.txt; do
        trace-record import "$file" 2>/dev/null
    done
}

# one_time: all points of one time, as the Python client mistakes samples of a second one for the
# first one's, and compares fractions of a second wrongly.
one_time() {
    sed -E 's/"timeUnixNano":"[0-9]+"/"timeUnixNano":"2000000000"/g; s/"startTimeUnixNano":"[0-9]+"/"startTimeUnixNano":"1000000000"/g'
}

# Reads lines of OTLP/JSON by protobuf's own rules, but for ids, and messages with their lengths, and
# compares; says how many records there are.
compare_otlp='
import base64, json, struct, sys
from google.protobuf import json_format
import otlp_pb2
KINDS = {"resourceSpans": otlp_pb2.TracesData, "resourceMetrics": otlp_pb2.MetricsData,
         "resourceLogs": otlp_pb2.LogsData}
IDS = ("traceId", "spanId", "parentSpanId")

def with_base64(node):
    if isinstance(node, list):
        return [with_base64(n) for n in node]
    if not isinstance(node, dict):
        return node
    return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in IDS and isinstance(v, str)
            else with_base64(v) for k, v in node.items()}

def unknown(message):
    if len(message.UnknownFields() if hasattr(message, "UnknownFields") else []):
        return True
    for field, value in message.ListFields():
        if field.message_type:
            if any(unknown(m) for m in (value if field.label == field.LABEL_REPEATED else [value])):
                return True
    return False

def count(message):
    found = 0
    for field, value in message.ListFields():
        if field.message_type and field.label == field.LABEL_REPEATED:
            leaf = field.name in ("spans", "log_records", "data_points")
            found += sum(1 if leaf else count(m) for m in value)
        elif field.message_type and field.name in ("gauge", "sum", "histogram",
                                                   "exponential_histogram", "summary"):
            found += count(value)
    return found

framed = open(sys.argv[2], "rb").read()
at = records = 0
for line in open(sys.argv[1], "rb"):
    tree = json.loads(line, parse_constant=lambda word: sys.exit(word))
    kind = KINDS[next(iter(tree))]
    from_json = json_format.Parse(json.dumps(with_base64(tree)), kind())
    length, = struct.unpack(">I", framed[at:at + 4])
    from_binary = kind.FromString(framed[at + 4:at + 4 + length])
    at += 4 + length
    if from_json.SerializeToString(deterministic=True) != from_binary.SerializeToString(deterministic=True):
        sys.exit("JSON and protobuf differ: " + line.decode()[:200])
    if unknown(from_binary):
        sys.exit("a field that OTLP does not have: " + line.decode()[:200])
    records += count(from_binary)
if at != len(framed):
    sys.exit("there is more protobuf than JSON")
print(records)
'

@test 'OTLP as JSON and as protobuf is the same to protobuf' {
    need_command protoc
    need_python google.protobuf
    protoc --proto_path="$top_srcdir/tests/record" --python_out=. otlp.proto
    # one batch a signal and format, as they are cut by bytes
    { records && captured; } | grep -E '"type":"(span|metric|log)"' | sed -E 's/18446744073709551616|"int beyond 64 bits":[0-9]+,?//g' | split -l 500 - part
    echo '{"spanId":"2","traceId":"1","name":"\ud800"}' >>partaa
    # five statistics of the spans and of two metrics, one of which does not say its largest value
    aggregates | trace-agg --window=1m --stat=count,errors,mean,max,histogram >aggregates
    local part all=0 points
    for part in part* aggregates; do
        points=$(wc -l <"$part")
        [[ $part != aggregates ]] || points=$((2 * 5 + 4))
        trace-record export --to-format=otlp -o json "$part"
        trace-record export --to-format=otlp-proto -o framed "$part"
        PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python run -0 "$python" -c "$compare_otlp" json framed
        assert_output "$points"
        all=$((all + output))
    done
    assert [ "$all" -ge 12 ]
}

@test 'protobuf is what protoc reads' {
    need_command protoc
    records | sed 1q >in
    trace-record export --to-format=otlp-proto --unframed in >message
    run -0 protoc --proto_path="$top_srcdir/tests/record" --decode=TracesData otlp.proto <message
    for line in 'schema_url: "https://r"' 'int_value: -9223372036854775808' 'double_value: nan' \
        'bytes_value: "\000\001\002"' 'flags: 257' 'start_time_unix_nano: 1544712660000000001' \
        'dropped_attributes_count: 3' 'kind: SPAN_KIND_SERVER' 'code: STATUS_CODE_ERROR' \
        'span_id: "\356\341\233~\303\301\261t"'; do
        assert_line --partial "$line"
    done
    refute_line --regexp '^ *[0-9]+[: ]'
}

# samples FILE: how many there are.
samples() {
    grep -vc '^#' "$1"
}

@test 'OpenMetrics is what its reference parser reads' {
    need_python prometheus_client.openmetrics.parser
    cat >parse.py <<'EOF'
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(sum(len(f.samples) for f in text_string_to_metric_families(sys.stdin.read())))
EOF
    { metrics && records && captured; } | grep '^{"type":"metric"' | one_time >in
    echo '{"metricName":"n","timeUnixNano":"6","histogram":{"count":2,"sum":-1.5,"bounds":[-1,0],"bucketCounts":[1,1,0]}}' >>in
    trace-record export --to-format=openmetrics -o out in
    run -0 "$python" parse.py <out
    assert_output "$(samples out)"
    assert [ "$output" -ge 30 ]
    aggregates | trace-agg --by=service --window=1m --stat='count,errorRate,mean,p50,p99,apdex(500ms)' >in
    { metrics | sed 's/"value":1.0/"value":-1/' && aggregates | trace-agg --by=name --stat=histogram --type=span; } | sed 's/durationNano/length/' >>in
    trace-record export --to-format=openmetrics -o out in
    run -0 "$python" parse.py <out
    assert_output "$(samples out)"
    assert [ "$output" -ge 20 ]
}

@test 'OpenMetrics is what Prometheus reads' {
    need_command promtool
    { metrics && captured; } | grep '^{"type":"metric"' | grep '"timeUnixNano"' >in
    trace-record export --to-format=openmetrics -o out in
    run -0 promtool tsdb create-blocks-from openmetrics out blocks
    mkdir blocks/wal # without which it does not look at the blocks
    run -0 promtool tsdb dump blocks
    assert_equal "${#lines[@]}" "$(samples out)"
    assert_line --regexp '^\{__name__="lat_seconds_bucket", le="0.5"\} 1 2000$'
    assert_line --regexp '^\{__name__="requests_total", path=".*"\} 3 1500$'
    [[ -z ${TRACECORE_TEST_DATA-} ]] || assert [ "${#lines[@]}" -ge 9000 ]
    rm -r blocks
    aggregates | trace-agg --by=service --window=1m --stat=count,mean,histogram >in
    trace-record export --to-format=openmetrics -o out in
    run -0 promtool tsdb create-blocks-from openmetrics out blocks
    mkdir blocks/wal
    run -0 promtool tsdb dump blocks
    assert_equal "${#lines[@]}" "$(samples out)"
    assert_line '{__name__="span_count_total", service="cart"} 1 120000'
    assert_line '{__name__="span_duration_nanoseconds_bucket", le="1002.0577915778049", service="cart"} 1 120000'
}

@test 'Zipkin spans are what its Go model reads' {
    need_command go
    local gopath=/usr/share/gocode
    [[ -d $gopath/src/github.com/openzipkin/zipkin-go/model ]] || skip 'zipkin-go is not in /usr/share/gocode'
    cat >main.go <<'EOF'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/openzipkin/zipkin-go/model"
)

func main() {
	var spans []model.SpanModel
	if err := json.NewDecoder(os.Stdin).Decode(&spans); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, s := range spans {
		service := ""
		if s.LocalEndpoint != nil {
			service = s.LocalEndpoint.ServiceName
		}
		fmt.Printf("%016x%016x %s %s %q %d %d\n", s.TraceID.High, s.TraceID.Low, s.ID, s.Kind, service, s.Duration.Microseconds(), len(s.Annotations))
	}
}
EOF
    GO111MODULE=off GOPATH=$gopath GOCACHE=$BATS_TEST_TMPDIR/cache go build -o reader main.go
    { spans && records && captured; } | grep '^{"type":"span"' >in
    echo '{"type":"span","spanId":"1","traceId":"1","startTimeUnixNano":"0","events":[{"name":"e"}],"attributes":{"network.peer.address":"10.0.0.07","network.local.address":"1::2"}}' >>in
    trace-record export --to-format=zipkin -o out in
    run -0 ./reader <out
    assert_equal "${#lines[@]}" "$(wc -l <in)"
    assert_line '000000000000000000000000000000aa 0000000000000001 CLIENT "front" 8000 0'
    assert_equal "$(awk '{ print $1, $2, $NF }' <<<"$output")" \
        "$(jq -r '.[] | "\(.traceId) \(.id) \(.annotations // [] | length)"' out)"
}

@test 'Chrome events are tracks in speedscope' {
    [[ -n ${TRACECORE_TEST_CLIENTS-} ]] || skip 'TRACECORE_TEST_CLIENTS names no folder of clients'
    need_command chromium
    local page=$TRACECORE_TEST_CLIENTS/node_modules/speedscope/dist/release/index.html
    [[ -e $page ]] || skip 'speedscope is not in TRACECORE_TEST_CLIENTS'
    { spans && records && captured; } | grep '^{"type":"span"' >in
    trace-record export --to-format=chrome -o out in
    printf 'speedscope.loadFileFromBase64("out.json", "%s")\n' "$(base64 -w 0 out)" >out.js
    HOME=$BATS_TEST_TMPDIR timeout 120 chromium --headless --no-sandbox --disable-gpu --use-angle=swiftshader \
        --enable-unsafe-swiftshader --allow-file-access-from-files --virtual-time-budget=20000 \
        --dump-dom "file://$page#localProfilePath=$PWD/out.js" >dom.html 2>/dev/null
    # it says how many tracks there are, and lists them by their processes, if these have names
    local tracks
    tracks=$(jq '[.[] | select(.ph == "X") | [.pid, .tid]] | unique | length' out)
    assert [ "$tracks" -ge 3 ]
    grep -qF "(1/$tracks)" dom.html
    jq -r '(map(select(.ph == "M") | {key: "\(.pid)", value: .args.name}) | from_entries) as $names |
        [.[] | select(.ph == "X" and $names["\(.pid)"]) | "\($names["\(.pid)"]) (pid \(.pid), tid \(.tid))"] |
        unique[]' out | sort >named
    sed 's/<[^>]*>/\n/g' dom.html | grep -E ' \(pid [0-9]+, tid [0-9]+\)$' | sort -u >shown
    assert_equal "$(comm -3 named shown)" ''
    grep -q 'front (pid 1, tid 1)' dom.html
}
