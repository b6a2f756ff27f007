# --where: a jq expression, native or in libjq, as a program's user meets it.
bats_require_minimum_version 1.5.0
load ../helper

span() { # SPANID NAME START END ATTRIBUTES
    printf '{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"%s","name":"%s","startTimeUnixNano":"%s","endTimeUnixNano":"%s","attributes":{%s},"resource":{"service.name":"cart"}}\n' "$@"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    span eee19b7ec3c1b171 'GET /cart' 1000000000000000001 1000000000200000001 '"n":1' >one
    span eee19b7ec3c1b172 'GET /pay' 1000000000000000002 1000000000050000002 '"n":"x"' >two
    cat one two >both
}

@test 'native and libjq select the same lines, in NDJSON and in binary' {
    trace-span filter -b both >binary
    for where in '.service == "cart" and .durationNano > 100*ms' \
        '[.service == "cart" and .durationNano > 100*ms] | .[0]' \
        '.name | test("^GET /c")' '.name | split("/") | .[1] == "cart"' \
        '.attributes.n == 1' '.attributes | to_entries | any(.value == 1)'; do
        run -0 trace-span filter -w "$where" both
        assert_output "$(cat one)"
        run -0 trace-span filter -w "$where" binary
        assert_line --partial eee19b7ec3c1b171
        refute_line --partial eee19b7ec3c1b172
    done
}

@test 'libjq also selects for programs that want no text of their own' {
    trace-span filter -b both >binary
    for input in both binary; do
        run -0 trace-agg --stat=count -w '[.name] | .[0] == "GET /cart"' "$input"
        assert_output --partial '"count":1}'
        run -0 trace-span assemble --summary -w '[.name] | .[0] == "GET /cart"' "$input"
        assert_output --partial '"spanCount":1'
    done
}

@test 'times are exact integers' {
    run -0 trace-span filter -w '.startTimeUnixNano == 1000000000000000001' both
    assert_output "$(cat one)"
}

@test 'an expression that is none is a usage error with its column' {
    for where in 'service=="cart"' '.service = "cart"' '.a ==' '.a && .b' '.a == "x' 'env' \
        'foo(.a)' '[.a'; do
        run -2 --separate-stderr trace-span filter -w "$where" both
        assert_output ''
        assert_regex "$stderr" '^trace-span: --where: .*\(byte [0-9]+\)'
    done
    run -2 trace-span filter -w 'service=="cart"' both
    assert_output --partial 'did you mean .service ?'
}

@test 'rows on which it fails are not selected, counted, and the first reason is said' {
    run -0 --separate-stderr trace-span filter -w '.attributes.n - 1 == 0' both
    assert_output "$(cat one)"
    assert_equal "$stderr" 'trace-span: --where failed on 1 record, taken as false: string and number cannot be subtracted (column 15 of the expression)'
    run -0 --separate-stderr trace-span filter -w '[.attributes.n] | .[0] - 1 == 0' both
    assert_output "$(cat one)"
    assert_regex "$stderr" 'failed on 1 record.*cannot be subtracted'
}

@test 'an expression that needs too much memory ends the run with 4' {
    run -4 --separate-stderr trace-span filter -w 'reduce range(30) as $i ("x"; . + .) | length' both
    assert_output ''
    assert_equal "$stderr" 'trace-span: the expression needed more than 512 MiB and was stopped'
}

@test 'an expression that hangs ends the run with 4' {
    [[ ${TRACECORE_TEST_LONG-} == yes ]] || skip 'takes five seconds: make check-long'
    run -4 --separate-stderr trace-span filter -w 'def f: f; f' both
    assert_equal "$stderr" 'trace-span: the expression ran longer than 5 s on one batch and was stopped'
}

@test 'without the helper native expressions work and others say what is missing' {
    TRACECORE_LIBEXEC=/nonexistent run -0 trace-span filter -w '.attributes.n == 1' both
    assert_output "$(cat one)"
    TRACECORE_LIBEXEC=/nonexistent run -4 --separate-stderr trace-span filter -w '.attributes|keys|length == 1' both
    assert_regex "$stderr" 'needs libjq, but /nonexistent/tracecore-jq cannot be started'
}

@test 'the helper sees no environment and is no program for users' {
    SECRET=seen run -2 trace-span filter -w '$ENV.SECRET == "seen"' both
    run -2 "$TRACECORE_LIBEXEC/tracecore-jq" --help
    assert_output --partial 'the tracecore programs start this'
}
