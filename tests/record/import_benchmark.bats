#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: results of hyperfine, google-benchmark and pytest-benchmark.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    data=$top_srcdir/tests/data/benchmark
}

# hyperfine COMMAND TIME...: a result.
hyperfine() {
    local times
    printf -v times '%s,' "${@:2}"
    printf '{"results":[{"command":"%s","times":[%s]}]}\n' "$1" "${times%,}"
}

@test 'every run is a point, in seconds, digit for digit' {
    for name in hyperfine google-benchmark pytest-benchmark; do
        run -3 --separate-stderr trace-record import "$data/$name.json"
        diff "$data/$name.ndjson" - <<<"$output"
        trace-record import --from="$name" "$data/$name.json" 2>/dev/null | diff "$data/$name.ndjson" -
        trace-record import "$data/$name.ndjson" | diff "$data/$name.ndjson" -
    done
}

@test 'a benchmark without single times costs itself only' {
    cd "$data"
    run -3 --separate-stderr trace-record import hyperfine.json
    assert_equal "${stderr_lines[0]}" 'trace-record: hyperfine.json:5: a benchmark without the times of its runs (times) (byte 5)'
    run -3 --separate-stderr trace-record import google-benchmark.json
    assert_equal "$stderr" 'trace-record: google-benchmark.json:8: the benchmark did not run: no file (byte 5)
trace-record: google-benchmark.json:10: a time_unit that is none of ns, us, ms, s (byte 5)'
    run -3 --separate-stderr trace-record import pytest-benchmark.json
    assert_equal "$stderr" 'trace-record: pytest-benchmark.json:4: a benchmark without the times of its rounds (stats.data), which --benchmark-save-data keeps (byte 3)'
    run -3 --separate-stderr trace-record import - <<<'{"results":[{"command":"","times":[1]},7,{"command":"a","times":["1"]},{"command":"a","times":[1],"parameters":[]}]}'
    assert_equal "$stderr" 'trace-record: -:1: a benchmark without a name (byte 13)
trace-record: -:1: a benchmark that is no object (byte 40)
trace-record: -:1: a benchmark without the times of its runs (times) (byte 42)
trace-record: -:1: parameters that are no object (byte 72)'
}

@test 'trace-detect compare finds what got slower' {
    cd "$BATS_TEST_TMPDIR"
    hyperfine make 1.01 1.02 0.99 1.00 1.03 0.98 1.01 1.02 0.99 1.00 | trace-record import - >base
    hyperfine make 1.21 1.22 1.19 1.20 1.23 1.18 1.21 1.22 1.19 1.20 | trace-record import - >cand
    run -1 --separate-stderr trace-detect compare base cand
    assert_regex "$output" '"kind":"regression".*"metricName":"benchmark.time".*"group":\{"benchmark":"make"'
    run -0 --separate-stderr trace-detect compare base base
    # whatever unit the two came in
    google() { printf '{"context":{},"benchmarks":[' && printf '{"name":"b","real_time":%s,"time_unit":"'"$1"'"},' "${@:2}" && echo '{"name":"b_mean","run_type":"aggregate"}]}'; }
    google ns 101 102 99 100 103 98 101 102 99 100 | trace-record import - >base
    google us 0.101 0.102 0.099 0.100 0.103 0.098 0.101 0.102 0.099 0.100 | trace-record import - >cand
    run -0 --separate-stderr trace-detect compare base cand
    assert_equal "$output" ''
}
