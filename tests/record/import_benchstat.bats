#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: benchmark results that are text.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR" || return
}

# result TIMES...: what go test -bench prints, with a benchmark that took so many ns each time.
result() {
    printf 'goos: linux\ngoarch: amd64\npkg: example.org/x\ncpu: Some CPU @ 2.40GHz\ncommit: abc\n'
    for time; do
        printf 'BenchmarkParse/size=1k-8         \t   83196\t     %s ns/op\t 123.4 MB/s\t      56 B/op\t       2 allocs/op\n' "$time"
    done
    printf 'PASS\nok  \texample.org/x\t1.2s\n'
}

@test 'each value of a result is a point' {
    trace-record import - < <(result 14372) >out
    local rest='"dimensions":{"benchmark":"Parse/size=1k","gomaxprocs":"8","pkg":"example.org/x"},"resource":{"os.type":"linux","host.arch":"amd64","host.cpu.model.name":"Some CPU @ 2.40GHz"},"metadata":{"tags":{"commit":"abc"}}}'
    diff - out <<EOF
{"type":"metric","metricName":"benchmark.time","metricType":"gauge","value":14372e-9,"unit":"s",$rest
{"type":"metric","metricName":"benchmark.throughput","metricType":"gauge","value":123.4e6,"unit":"By/s",$rest
{"type":"metric","metricName":"benchmark.allocated","metricType":"gauge","value":56,"unit":"By",$rest
{"type":"metric","metricName":"benchmark.allocations","metricType":"gauge","value":2,"unit":"1",$rest
EOF
    trace-record import out | cmp out -
}

@test 'units of its own, no threads, and a package that changes' {
    trace-record import --fields=metricName,value,unit,benchmark,gomaxprocs,pkg --format=csv - >out <<'EOF'
BenchmarkOne 10 0.25 "x"/op
pkg: a
BenchmarkTwo-x-4 10 7 ns/op
pkg:
BenchmarkThree-5 10 7 ns/op
EOF
    diff - out <<'EOF'
metricName,value,unit,benchmark,gomaxprocs,pkg
"benchmark.""x""/op",0.25,"""x""/op",One,,
benchmark.time,7e-9,s,Two-x,4,a
benchmark.time,7e-9,s,Three,5,
EOF
}

@test 'trace-detect compare finds what became slower' {
    trace-record import - < <(result 100 101 102 99 100 101 98 100) >base
    trace-record import - < <(result 150 151 152 149 150 151 148 150) >slower
    run -1 --separate-stderr trace-detect compare --by=benchmark base slower
    assert_regex "$output" '"benchmark.time"'
    refute_regex "$output" '"benchmark.allocated"'
    run -0 --separate-stderr trace-detect compare --by=benchmark base base
}

@test 'what is no result is passed over, what is a bad one costs itself' {
    printf '%s\n' 'BenchmarkA-8' 'BenchmarkA-8 is fast' 'some log' 'BenchmarkA-8 5 1 ns/op' >in
    run -0 --separate-stderr trace-record import --from=benchstat in
    assert_equal "${#lines[@]}" 1
    local -a cases=(
        'BenchmarkB-8 5' 'a benchmark without a value'
        'BenchmarkB-8 5 1' 'a value without a unit'
        'BenchmarkB-8 5 1 ns/op 2' 'a value without a unit'
        'BenchmarkB-8 5 fast ns/op' 'a value that is no number'
        '--- FAIL: BenchmarkB-8' 'the benchmark failed'
        $'BenchmarkB\xff 5 1 ns/op' 'a text that is not UTF-8'
    )
    for ((at = 0; at < ${#cases[@]}; at += 2)); do
        printf '%s\n' 'BenchmarkA-8 5 1 ns/op' "${cases[at]}" 'BenchmarkA-8 5 2 ns/op' >in
        run -3 --separate-stderr trace-record import --rejects=rejects in
        assert_equal "${#lines[@]}" 2
        assert_equal "$stderr" "trace-record: in:2: ${cases[at + 1]}"
        assert_equal "$(cat rejects)" "${cases[at]}"
    done
}

@test 'numbers, one a line' {
    printf '1\n 2.50\n\n-3e-4\r\n12345678901234567\n+.5' >in
    trace-record import --fields=metricName,value --format=csv in >out
    diff - out <<'EOF'
metricName,value
value,1
value,2.5
value,-0.0003
value,12345678901234567
value,0.5
EOF
    printf '1\nx\n2\n' >in
    run -3 --separate-stderr trace-record import --from=numbers in
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" 'trace-record: in:2: a line that is no number'
    run -1 trace-detect compare <(printf '%s\n' 10 11 10 9 10 11 10 9 | trace-record import) \
        <(printf '%s\n' 20 21 20 19 20 21 20 19 | trace-record import)
}
