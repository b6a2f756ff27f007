#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import of every real file that there is: as many records as jq counts in it.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    need_data traces captures
    need_command jq
    cd "$TRACECORE_TEST_DATA"
}

# What documents in JSON hold, counted without this project: [spans, metric points, log records].
counts='
    def otlp: [
        ([(.resourceSpans // .batches // [])[] | (.scopeSpans // .instrumentationLibrarySpans // [])[].spans[]?] | length),
        ([(.resourceMetrics // [])[].scopeMetrics[].metrics[] | (.gauge, .sum, .histogram, .exponentialHistogram, .summary) | .dataPoints[]?] | length),
        ([(.resourceLogs // [])[].scopeLogs[].logRecords[]] | length)];
    def chrome: [
        ([.[] | select(.ph | IN("B", "X", "b", "S"))] | length),
        ([.[] | select(.ph == "C") | .args[]] | length),
        ([.[] | select(.ph | IN("i", "I", "R", "n", "T", "p"))] | length)];
    # A span of version 1 that has both sides of a call is two.
    def sides: [.annotations[]?.value] | if (contains(["cs"]) or contains(["cr"])) and (contains(["sr"]) or contains(["ss"])) then 2 else 1 end;
    def zipkin: [([.. | objects | select(has("traceId") and has("id")) | if has("binaryAnnotations") then sides else 1 end] | add // 0), 0, 0];
    if type == "array" then (if any(.[]; type == "object" and has("ph")) then chrome else zipkin end)
    elif has("traceEvents") then .traceEvents | chrome
    elif has("spans") then [(.spans | length), 0, 0]
    elif has("data") then [([.data[].spans[]] | length), 0, 0]
    else otlp end'

# is_counted FILE: whether its import has as many records as jq counts.
is_counted() {
    local wanted got
    wanted=$(zcat -f "$1" | jq -nc "[inputs | $counts] | transpose | map(add)")
    got=$(trace-record import "$1" 2>/dev/null |
        awk -F'"' '{ count[$4]++ } END { printf "[%d,%d,%d]\n", count["span"], count["metric"], count["log"] }')
    [[ $got == "$wanted" && $got != '[0,0,0]' ]] || fail "$1: $got, and jq counts $wanted"
}

@test 'each file of OTLP/JSON, Jaeger, Zipkin and Chrome has the records that jq counts' {
    local count=0
    for file in $(find traces -name '*.json' -o -name '*.jsonl' | sort); do
        case $file in
        *google_cloud*) run -4 trace-record import "$file" ;; # is no Chrome trace
        *bad-world-bounds*) run -0 trace-record import "$file" ;; # has nothing but a mark
        *) is_counted "$file" ;;
        esac
        count=$((count + 1))
    done
    ((count >= 75)) || fail "only $count files"
}

@test 'each body in JSON that a client sent has the records that jq counts' {
    for file in captures/*-json*.body captures/zipkinjs-1.body; do
        is_counted "$file"
    done
}

@test 'what a client sent packed is what it sent as it is' {
    for body in captures/02-otlp-json-gzip.body captures/04-otlp-proto-gzip.body; do
        trace-record import "$body" >"$BATS_TEST_TMPDIR/packed"
        assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/packed")" 30
        trace-record import "$body.gunzip" | cmp - "$BATS_TEST_TMPDIR/packed"
    done
    trace-record import captures/02-otlp-json-gzip.body | cmp - <(trace-record import captures/01-otlp-json.body)
    trace-record import captures/04-otlp-proto-gzip.body | cmp - <(trace-record import captures/03-otlp-proto.body)
}

@test 'the same batches as JSON and as framed protobuf are the same 280 points' {
    trace-record import traces/otlp-metrics-file/metrics.json >"$BATS_TEST_TMPDIR/json"
    assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/json")" 280
    trace-record import traces/otlp-metrics-file/metrics.pb | cmp - "$BATS_TEST_TMPDIR/json"
}

# series FILE: what has a name and labels of its own, without what belongs to a histogram or summary
# and what says when one was made, counted without this project.
series() {
    awk '/^# TYPE / { kind[$3] = $4 }
        /^#/ || !NF { next }
        {
            sub(/ # \{.*/, "") # an exemplar
            name = $0; sub(/[{ ].*/, "", name)
            labels = ""
            if (match($0, /\{.*\}/)) labels = substr($0, RSTART + 1, RLENGTH - 2)
            base = name; if (!(name in kind)) sub(/_(bucket|sum|count|gcount|gsum|created)$/, "", base)
            if (kind[base] ~ /^(histogram|gaugehistogram|summary)$/) {
                name = base
                gsub(/(^|,)(le|quantile)="[^"]*"/, "", labels); sub(/^,/, "", labels)
            } else if (name != base && name ~ /_created$/ && base in kind)
                next
            seen[name "\n" labels] = 1
        }
        END { for (one in seen) count++; print count + 0 }' "$1"
}

@test 'each text of Prometheus and OpenMetrics has a record for each series' {
    local count=0
    for file in traces/prometheus-text/*.txt captures/*prom*.txt captures/openmetrics-python.txt; do
        assert_equal "$file $(trace-record import "$file" | grep -c '"type":"metric"')" "$file $(series "$file")"
        count=$((count + 1))
    done
    ((count >= 8)) || fail "only $count files"
    assert_equal "$(grep -c '^# TYPE' traces/prometheus-text/alltypes.237mfs.prom.txt)" 237
}
