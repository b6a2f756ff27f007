#!/usr/bin/env bats
# The scorer of the Numenta benchmark on made-up files whose scores follow from the definition, and
# with the large test data what trace-detect anomaly reaches.

load ../helper
bats_require_minimum_version 1.5.0

score() {
    "$top_builddir/tests/bench/analytics/nab_score" "$@"
}

# finding FILE ROW: at that row (rows are a minute apart).
finding() {
    echo "{\"group\":{\"file\":\"$1\"},\"timeUnixNano\":\"$((1388534400 + 60 * $2))000000000\"}"
}

# Two files of 200 rows; a has windows 80-99 and 150-159, b has none. Probation is 30 rows.
setup() {
    cd "$BATS_TEST_TMPDIR"
    [[ -x $top_builddir/tests/bench/analytics/nab_score ]] || skip 'nab_score is not built'
    mkdir data
    for file in a b; do
        awk 'BEGIN { print "timestamp,value"; for (i = 0; i < 200; i++)
            printf "2014-01-01 %02d:%02d:00,%d\n", i / 60, i % 60, i }' >data/$file.csv
    done
    echo '{"a.csv":[["2014-01-01 01:20:00.000000","2014-01-01 01:39:00.000000"],
        ["2014-01-01 02:30:00.000000","2014-01-01 02:39:00.000000"]],"b.csv":[]}' >windows.json
}

@test 'nab_score: nothing found is 0, the first row of each window 100' {
    run score . </dev/null
    assert_line --regexp '^standard +0\.0$'
    assert_line --regexp '^reward low FN +0\.0$'
    run score . < <(finding a.csv 80; finding a.csv 150)
    assert_line --regexp '^standard +100\.0$'
    assert_line --regexp '^reward low FP +100\.0$'
}

@test 'nab_score: probation does not count, and only the earliest in a window does' {
    run score . < <(finding a.csv 29; finding b.csv 0; finding a.csv 80; finding a.csv 90; finding a.csv 150)
    assert_line --regexp '^standard +100\.0$'
}

@test 'nab_score: late, outside, near and far' {
    # The middle of a window: (2 / (1 + e^-2.5) - 1) / (2 / (1 + e^-5) - 1) = 0.8598; and one miss
    # of two: (0.8598 - 1 + 2) / 4.
    run score . < <(finding a.csv 90)
    assert_line --regexp '^standard +46\.5$'
    # Two misses avoided, three outside: in b without a window 0.11; 19 rows behind a window of 20
    # rows, one length: 0.11 * 0.9866; 30 rows before any: 0.11.
    run score . < <(finding a.csv 80; finding a.csv 150; finding b.csv 100; finding a.csv 118; finding a.csv 50)
    assert_line --regexp '^standard +91\.8$'
    assert_line --regexp '^reward low FP +83\.6$'
    assert_line --regexp '^reward low FN +94\.5$'
}

@test 'nab_score: a finding of no row or file is an error' {
    run score . < <(finding c.csv 80)
    assert_failure 2
    run score . < <(finding a.csv 500)
    assert_failure 2
}

@test 'anomaly: at least 65 on the development half, with one threshold' {
    need_data analytics/nab/windows.json
    NAB_SCORE=$top_builddir/tests/bench/analytics/nab_score \
        run "$top_srcdir/tests/bench/analytics/nab.sh" "$TRACECORE_TEST_DATA/analytics/nab"
    assert_success
    echo "# $output" | sed '2,$s/^/# /' >&3
    standard=$(sed -n 's/^standard *//p' <<<"$output")
    assert [ "${standard%.*}" -ge 65 ]
}
