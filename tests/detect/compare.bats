#!/usr/bin/env bats
# trace-detect compare: what is a regression, what is a repetition, and how often chance is taken
# for a change. The generator has its own random numbers, so that every awk gives the same.

load ../helper
bats_require_minimum_version 1.5.0

# The functions that the generators share: uniform(), normal().
random='
function uniform() { state = (state * 16807) % 2147483647; return state / 2147483647 }
function normal() { return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()) }
function span(run, id, service, name, ns) {
    printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"%s\",", id, id, name
    printf "\"service\":\"%s\",\"startTimeUnixNano\":\"%d000000000\",\"durationNano\":%d", service,
        1700000000 + id, ns
    printf "%s}\n", run == "" ? "" : ",\"attributes\":{\"run.id\":\"" run "\"}"
}'

# runs SEED COUNT SLOWER FILE: COUNT runs of a shop; POST /pay takes SLOWER times as long.
runs() {
    awk -v seed="$1" -v count="$2" -v slower="$3" "$random"' BEGIN {
        state = seed
        for (run = 1; run <= count; run++) {
            span("r" run, ++id, "checkout", "POST /pay", 120e6 * (1 + 0.01 * normal()) * slower)
            span("r" run, ++id, "cart", "GET /cart", 30e6 * (1 + 0.01 * normal()))
            span("r" run, ++id, "cart", "POST /cart", 50e6 * (1 + 0.01 * normal()))
        }
    }' >"$BATS_TEST_TMPDIR/$4"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test 'compare: a regression is found, said in a sentence, and exits with 1' {
    runs 1 10 1 base
    runs 2 10 1.25 cand
    run --separate-stderr trace-detect compare base cand
    assert_failure 1
    assert_line --index 0 --partial '"kind":"regression","severity":"critical"'
    assert_line --index 0 --partial '"group":{"service":"checkout","name":"POST /pay"}'
    assert_line --index 0 --regexp '"message":"checkout POST /pay: p50 1[12][0-9] ms -> 1[45][0-9] ms, 1\.2[0-9]x \(1\.2[0-9]-1\.2[0-9]\), p<0\.0001"'
    assert_equal "${#lines[@]}" 1
    assert_regex "$stderr" '3 series compared: 1 regression, 0 improvements; 0 only in BASE, 0 only in CAND'
}

@test 'compare: the finding has all fields, and value and expected are medians' {
    runs 1 10 1 base
    runs 2 10 1.25 cand
    run trace-detect compare base cand
    for field in score recordType metricName timeUnixNano value expected lower upper pValue confidence \
        method quantile fingerprint; do
        assert_output --partial "\"$field\":"
    done
    median=$(grep POST./pay cand | sed 's/.*durationNano":\([0-9]*\).*/\1/' | sort -n |
        awk 'NR == 5 || NR == 6 { sum += $1 } END { printf "%.1f\n", sum / 2 }')
    assert_output --partial "\"value\":$median,"
}

@test 'compare: the other way round it is an improvement, and exits with 0' {
    runs 1 10 1 base
    runs 2 10 1.25 cand
    run --separate-stderr trace-detect compare cand base
    assert_success
    assert_output --partial '"kind":"improvement","severity":"info"'
}

@test 'compare: the same input twice has no finding' {
    runs 1 10 1 base
    run --separate-stderr trace-detect compare base base
    assert_success
    assert_output ''
}

@test 'compare: a change that is certainly smaller than --min-effect passes' {
    runs 1 40 1 base
    runs 2 40 1.03 cand
    run --separate-stderr trace-detect compare base cand
    assert_success
    run --separate-stderr trace-detect compare --min-effect=2% base cand
    assert_failure 1
}

@test 'compare: samples of one run are one repetition' {
    # One slow run with many spans is no evidence.
    awk "$random"' BEGIN { state = 5
        for (run = 1; run <= 3; run++)
            for (k = 0; k < 30; k++)
                span("r" run, ++id, "a", "op", 1e8 * (1 + 0.1 * run) * (1 + 0.01 * normal())) }' >base
    awk "$random"' BEGIN { state = 6
        for (run = 1; run <= 3; run++)
            for (k = 0; k < 30; k++)
                span("r" run, ++id, "a", "op", 1e8 * (1.15 + 0.1 * run) * (1 + 0.01 * normal())) }' >cand
    run --separate-stderr trace-detect compare base cand
    assert_success
    assert_regex "$stderr" 'samples of one run.id are alike'
    assert_regex "$stderr" '1 series inconclusive: too few repetitions for any change to count, as in a op \(3 and 3\); 4 a side are enough'
    # By trace each of the 90 would count.
    run --separate-stderr trace-detect compare --per=traceId base cand
    assert_failure 1
}

@test 'compare: too few repetitions: 0 with a note, 5 if asked for' {
    runs 1 2 1 base
    runs 2 2 2 cand
    run --separate-stderr trace-detect compare base cand
    assert_success
    assert_regex "$stderr" '3 series inconclusive'
    run trace-detect compare --inconclusive=fail base cand
    assert_failure 5
    : >empty
    run --separate-stderr trace-detect compare --inconclusive=fail base empty
    assert_failure 5
    assert_equal "$stderr" 'trace-detect: 0 series compared: no series is in both, so nothing says whether CAND is worse; 3 only in BASE, 0 only in CAND'
    run -0 trace-detect compare base empty
}

@test 'compare: 4 a side can be significant alone, not among 20 series' {
    for file in base cand; do
        awk -v file="$file" "$random"' BEGIN { state = file == "base" ? 1 : 2
            for (run = 1; run <= 4; run++)
                for (s = 1; s <= 20; s++)
                    span("r" run, ++id, "s", "op" s,
                        1e8 * (file == "cand" && s == 7 ? 2 : 1) * (1 + 0.01 * normal())) }' >"$file"
    done
    run --separate-stderr trace-detect compare base cand
    assert_success
    assert_regex "$stderr" '20 series inconclusive.*; 6 a side are enough'
    run --separate-stderr trace-detect compare -w '.name == "op7"' base cand
    assert_failure 1
}

@test 'compare --allow: a known regression is shown and does not count' {
    runs 1 10 1 base
    runs 2 10 1.25 cand
    printf '# agreed on\n\n  checkout POST /pay   # the new fraud check\nno such series\n' >allow
    run --separate-stderr trace-detect compare --allow=allow base cand
    assert_success
    assert_output --partial '"kind":"regression","severity":"info"'
    assert_output --partial ', allowed"'
    assert_regex "$stderr" 'allow: no series is called no such series'
    fingerprint=$(trace-detect compare base cand 2>/dev/null | sed 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/')
    assert_equal "${#fingerprint}" 16
    echo "$fingerprint" >allow
    run trace-detect compare --allow=allow base cand
    assert_success
    run trace-detect compare --allow=none base cand
    assert_failure 4
}

@test 'compare: metrics by name and dimensions; more may be better' {
    for file in base cand; do
        awk -v file="$file" "$random"' BEGIN { state = file == "base" ? 3 : 4
            for (run = 1; run <= 8; run++) {
                printf "{\"metricName\":\"throughput\",\"value\":%.3f,\"unit\":\"req/s\",", \
                    1000 * (1 + 0.01 * normal()) * (file == "cand" ? 0.7 : 1)
                printf "\"dimensions\":{\"%s\":\"x\",\"%s\":\"y\",\"run.id\":%d},", \
                    file == "base" ? "a" : "b", file == "base" ? "b" : "a", run
                printf "\"resource\":{\"host.name\":\"%s%d\"}}\n", file, run
            } }' | sed '/"b":"x"/s/"b":"x","a":"y"/"b":"y","a":"x"/' >"$file"
    done
    run --separate-stderr trace-detect compare base cand
    assert_success
    assert_output --partial '"kind":"improvement"'
    run --separate-stderr trace-detect compare --higher-is-better=throughput base cand
    assert_failure 1
    assert_output --partial '"group":{"a":"x","b":"y"}'
    assert_output --regexp 'throughput a=x b=y: p50 [0-9]+ req/s -> [67][0-9]+ req/s, 0\.[67][0-9]?x'
    assert_regex "$stderr" '1 series compared'
}

@test 'compare: of a counter the last value of a run counts, of deltas the sum' {
    for file in base cand; do
        awk -v file="$file" 'BEGIN { for (run = 1; run <= 6; run++)
            for (k = 1; k <= 5; k++) {
                n = file == "cand" ? 3 : 2
                printf "{\"metricName\":\"allocated\",\"metricType\":\"counter\",\"value\":%d,\"dimensions\":{\"run.id\":%d}}\n", k * (100 * n + run), run
                printf "{\"metricName\":\"freed\",\"metricType\":\"counter\",\"temporality\":\"delta\",\"value\":%d,\"dimensions\":{\"run.id\":%d}}\n", 100 * n + run, run
            } }' >"$file"
    done
    run --separate-stderr trace-detect compare base cand
    assert_failure 1
    assert_output --partial 'allocated: p50 1018 -> 1518, 1.49x'
    assert_output --partial 'freed: p50 1018 -> 1518, 1.49x'
}

@test 'compare: zero, negative and constant values' {
    for file in base cand; do
        awk -v file="$file" 'BEGIN { for (run = 1; run <= 8; run++) {
                printf "{\"metricName\":\"errors\",\"value\":%d,\"dimensions\":{\"run.id\":%d}}\n", file == "cand" ? run : 0, run
                printf "{\"metricName\":\"balance\",\"value\":%d,\"dimensions\":{\"run.id\":%d}}\n", file == "cand" ? -50 + run : -100 + run, run
                printf "{\"metricName\":\"same\",\"value\":3,\"dimensions\":{\"run.id\":%d}}\n", run
            } }' >"$file"
    done
    run --separate-stderr trace-detect compare base cand
    assert_failure 1
    assert_output --partial 'errors: p50 0 -> 4.5, p='
    assert_output --partial 'balance: p50 -95.5 -> -45.5, 1.5'
    refute_output --partial 'same'
    assert_regex "$stderr" '3 series compared: 2 regressions'
    [[ $stderr != *inconclusive* ]]
}

@test 'compare: records without a number or the --per field are counted' {
    runs 1 10 1 base
    { cat base; echo '{"metricName":"m","value":"text"}'; } >cand
    run --separate-stderr trace-detect compare base cand
    assert_success
    assert_regex "$stderr" '1 record without a number'
    sed '1d' base >one
    sed '2s/"run.id"/"other"/' base >other
    run --separate-stderr trace-detect compare --per=run.id base other
    assert_success
    assert_regex "$stderr" '1 record without run.id left out'
    run --separate-stderr trace-detect compare base other
    assert_regex "$stderr" '1 record without run.id was taken as repetitions by trace'
}

@test 'compare: repetitions that follow each other are doubted' {
    for file in base cand; do
        awk -v file="$file" "$random"' BEGIN { state = file == "base" ? 8 : 9
            for (i = 1; i <= 200; i++) {
                level = 0.9 * level + normal()
                span("", i, "a", "op", 1e8 * (1 + 0.01 * level)) } }' >"$file"
    done
    run --separate-stderr trace-detect compare base cand
    assert_regex "$stderr" 'one trace is like the one before it, as in a op \(correlation 0\.[6-9]'
}

@test 'compare: metrics without a trace are repetitions by record, and said to be' {
    for file in base cand; do
        awk -v file="$file" "$random"' BEGIN { state = file == "base" ? 8 : 9
            for (i = 1; i <= 200; i++) {
                level = 0.9 * level + normal()
                printf "{\"metricName\":\"m\",\"value\":%.6f,\"timeUnixNano\":\"%d\"}\n", 1 + 0.01 * level, i } }' >"$file"
    done
    run --separate-stderr trace-detect compare base cand
    assert_regex "$stderr" 'one record is like the one before it, as in m '
}

@test 'compare: wrong usage is 2, a missing input 4' {
    runs 1 2 1 base
    for arguments in '' base 'base base base' '--alpha=0 base base' '--alpha=x base base' \
        '--fdr=1 base base' '--inconclusive=maybe base base'; do
        run trace-detect compare $arguments
        assert_failure 2
    done
    run -2 trace-detect compare - - <base
    assert_line --index 0 'trace-detect: only one of BASE and CAND can be standard input'
    run -4 trace-detect compare base nofile
    assert_output 'trace-detect: nofile: cannot open: No such file or directory'
    run -4 trace-detect compare nofile nofile2
    assert_output 'trace-detect: nofile: cannot open: No such file or directory
trace-detect: nofile2: cannot open: No such file or directory'
    run trace-detect compare --memory=100 base base
    assert_failure 4
    assert_output --partial 'more samples than --memory has room for'
}

# noise KIND REPETITIONS SHIFT: 200 series, both sides alike but for SHIFT.
noise() {
    local side
    for side in base cand; do
        awk -v kind="$1" -v repetitions="$2" -v shift="$3" -v side="$side" "$random"'
        function value() {
            if (kind == "normal") return 1 + 0.01 * normal()
            if (kind == "ties") return 1 + int(4 * uniform()) / 20
            if (kind == "outliers") return (1 + 0.01 * normal()) * (uniform() < 0.1 ? 8 : 1)
            return 1 / (0.001 + uniform())
        }
        BEGIN {
            state = (side == "base" ? 11 : 77) + 1000 * repetitions
            for (i = 0; i < 50; i++) uniform()
            for (run = 1; run <= repetitions; run++)
                for (s = 1; s <= 200; s++)
                    span("r" run, ++id, "s", s, 1e9 * value() * (side == "cand" ? shift : 1))
        }' >"$side"
    done
}

@test 'compare: chance is taken for a change in at most alpha of null pairs' {
    # With --fdr near 1 and no least effect each series is a test by itself. 200 tests each: a rate
    # of 0.05 has a standard error of 0.0154; over all 4,800 tests of 0.0031.
    total=0
    for kind in normal ties outliers heavy; do
        for repetitions in 3 4 5 10 20 50; do
            noise "$kind" "$repetitions" 1
            found=$(trace-detect compare --fdr=0.999999 --min-effect=0 base cand 2>/dev/null | wc -l)
            total=$((total + found))
            echo "# $kind, $repetitions a side: $found of 200" >&3
            [ "$found" -le 20 ]
            # adjusted over the 200 series, as by default
            run --separate-stderr trace-detect compare --min-effect=0 base cand
            [ "${#lines[@]}" -le 2 ]
        done
    done
    echo "# together: $total of 4800" >&3
    [ "$total" -le 285 ]
}

@test 'compare: 5 % at 1 % noise is found in 10 runs' {
    noise normal 10 1.05
    found=$(trace-detect compare base cand 2>/dev/null | grep -c '"kind":"regression"')
    echo "# $found of 200" >&3
    [ "$found" -ge 190 ]
}
