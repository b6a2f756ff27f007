#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What is not ours: one error that names it, and a way out that is one.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    record='{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"a"}'
}

# refused FILE NAME: the five refuse it and call it NAME; what they say about import is what import
# does with it. Sets hint to the message behind the name.
refused() {
    run -4 --separate-stderr trace-agg "$1"
    assert_equal "$output${#stderr_lines[@]}" 1
    [[ $stderr == "trace-agg: $1: looks like $2"* ]] || fail "$stderr"
    hint=${stderr#*"looks like $2"}
    case $hint in
    ", which is not read here: convert it with 'trace-record import'")
        trace-record import "$1" >"$BATS_TEST_TMPDIR/records" 2>/dev/null || [[ $? == 3 ]]
        ;;
    ', which trace-record import does not read yet')
        run -4 --separate-stderr trace-record import "$1"
        assert_equal "$stderr" "trace-record: $1: looks like $2$hint"
        ;;
    ": jq -c '.[]' makes lines of it" | ': jq -c . makes lines of it') ;;
    *) fail "$stderr" ;;
    esac
}

@test 'a foreign format is named, with what import does with it' {
    cd "$BATS_TEST_TMPDIR"
    local -a samples=(
        'OTLP/JSON' '{"resourceSpans":[]}'
        'OTLP/JSON as Tempo exports it' '{"batches":[]}'
        'Jaeger JSON' '{"data":[{"traceID":"1","spans":[]}]}'
        'Zipkin JSON' '[{"traceId":"1","id":"2"}]'
        'a Chrome trace' '{"traceEvents":[]}'
        'Prometheus text' '# HELP up Up.'
        'a benchmark result (hyperfine)' '{"results":[]}'
        'a JSON array of records' "[$record,$record]"
        'JSON over several lines' "{
  ${record#?}"
    )
    for ((at = 0; at < ${#samples[@]}; at += 2)); do
        printf '%s\n' "${samples[at + 1]}" >sample
        refused sample "${samples[at]}"
    done
    # what import reads over several lines are records
    trace-record import sample | cmp - <(printf '%s\n' "$record")
}

@test 'what is advised for arrays and for several lines works' {
    command -v jq >/dev/null || skip 'there is no jq'
    cd "$BATS_TEST_TMPDIR"
    jq -s . <<<"$record$record" >array
    refused array 'a JSON array of records'
    assert_equal "$(jq -c '.[]' array | trace-span filter)" "$record"$'\n'"$record"
    jq . <<<"$record" >lines
    refused lines 'JSON over several lines'
    assert_equal "$(jq -c . lines | trace-span filter)" "$record"
}

@test 'what is of no known format is one error' {
    for text in 'root:x:0:0:root:/root:/bin/bash' $'a,b\n1,2' '[1,2]' $'\177ELF\002\001'; do
        printf '%s\n' "$text" >"$BATS_TEST_TMPDIR/sample"
        run -4 --separate-stderr trace-agg "$BATS_TEST_TMPDIR/sample"
        assert_equal "$stderr" "trace-agg: $BATS_TEST_TMPDIR/sample: is of no format that tracecore knows"
    done
}

@test 'junk before records is rejected line by line, whenever it comes' {
    slowly() {
        echo 'Listening on port 8080'
        sleep "$1"
        echo "$record"
    }
    for pause in 0 0.3; do
        run -3 --separate-stderr trace-span filter - < <(slowly "$pause")
        assert_equal "$output" "$record"
        assert_equal "$stderr" 'trace-span: -:1: a record is a JSON object (byte 1)'
    done
    run -3 --separate-stderr trace-span filter --rejects="$BATS_TEST_TMPDIR/rejects" - < <(printf '%6000s\n' x && echo "$record")
    assert_equal "$output" "$record"
    assert_equal "$(wc -c <"$BATS_TEST_TMPDIR/rejects")" 6001
}

@test 'every real foreign file is one error' {
    need_data traces/zipkin-lens/yelp.json
    cd "$TRACECORE_TEST_DATA/traces"
    for file in $(find . -type f | sort); do
        run -4 --separate-stderr trace-agg "$file"
        assert_equal "$file$output ${#stderr_lines[@]}" "$file 1"
        case $file in
        *jaeger*-in*.json | */model-example_trace.json | */otel_traces_01.json | */otlp-*.json*)
            assert_regex "$stderr" 'like OTLP/JSON, which is not read here'
            ;;
        *zipkin*) assert_regex "$stderr" 'like Zipkin JSON' ;;
        *jaeger* | *crisp*) assert_regex "$stderr" 'like Jaeger JSON' ;;
        *.om.txt) assert_regex "$stderr" 'like (OpenMetrics|Prometheus text)' ;;
        *prometheus*) assert_regex "$stderr" 'like Prometheus text' ;;
        *google_cloud*) assert_regex "$stderr" 'like JSON over several lines' ;;
        *chrome*) assert_regex "$stderr" 'like a Chrome trace' ;;
        esac
    done
}
