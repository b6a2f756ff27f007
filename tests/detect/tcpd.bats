#!/usr/bin/env bats
# The scorer of the Turing Change Point Dataset on a made-up series whose scores follow from the
# definitions by hand, and with the large test data what trace-detect change reaches.

load ../helper
bats_require_minimum_version 1.5.0

score() {
    "$top_builddir/tests/bench/analytics/tcpd_score" "$@"
}

finding() {
    echo "{\"group\":{\"series\":\"$1\"},\"timeUnixNano\":\"${2}000000000\"}"
}

# 100 values; one annotator has a change at 40, one none.
setup() {
    cd "$BATS_TEST_TMPDIR"
    [[ -x $top_builddir/tests/bench/analytics/tcpd_score ]] || skip 'tcpd_score is not built'
    mkdir data
    echo '{"a":{"1":[40],"2":[]},"absent":{"1":[3]}}' >data/annotations.json
    echo '{"name":"a","n_obs":100,"n_dim":1,"series":[{"raw":[]}]}' >data/a.json
}

@test 'tcpd_score: finding nothing' {
    # Precision 1, recall (1/2 + 1) / 2, F1 6/7; cover (40 * 0.4 + 60 * 0.6 + 100) / 200.
    run -0 score data </dev/null
    assert_output '1 series  F1 0.857  Cover 0.760  (ZERO 0.857 0.760)'
}

@test 'tcpd_score: a change within five values is found, one six away is not' {
    # Precision and recall 1; cover (1 + 0.6) / 2.
    finding a 40 >exact
    run -0 score data <exact
    assert_output --partial 'F1 1.000  Cover 0.800'
    # Cover: (40 * 40/45 + 60 * 55/60 + 100 * 0.55) / 200.
    finding a 45 >near
    run -0 score data <near
    assert_output --partial 'F1 1.000  Cover 0.728'
    # Precision 1/2, recall 3/4.
    finding a 46 >far
    run -0 score -v data <far
    assert_output --partial 'F1 0.600'
    assert_line --index 0 --regexp '^a .* at 46$'
}

@test 'tcpd_score: two findings of one change are one and a false one' {
    # Precision 2/3, recall 1.
    { finding a 38; finding a 41; finding unknown 3; } >two
    run -0 score data <two
    assert_output --partial 'F1 0.800'
}

@test 'tcpd_score: what cannot be read is an error' {
    run -2 score data <<<'{"group":{}}'
    assert_output 'tcpd_score: standard input: a finding without series or time'
    run -2 score nowhere </dev/null
    assert_output 'tcpd_score: nowhere: has no annotations.json'
}

@test 'tcpd: trace-detect change finds what people find' {
    need_data analytics/tcpd analytics/eval-only/tcpd
    need_command jq
    folders=("$TRACECORE_TEST_DATA/analytics/tcpd" "$TRACECORE_TEST_DATA/analytics/eval-only/tcpd")
    TCPD_SCORE=$top_builddir/tests/bench/analytics/tcpd_score run -0 --separate-stderr \
        "$BATS_TEST_DIRNAME/../bench/analytics/tcpd.sh" "${folders[@]}"
    # What finding nothing scores is as published: 0.824 and 0.758 of nile, for instance.
    assert_regex "$output" '^15 series  F1 0\.8[6-9].  Cover 0\.8[0-9].  \(ZERO 0\.711 0\.627\)$'
}
