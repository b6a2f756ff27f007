#!/usr/bin/env bats
# trace-detect capacity: when limits are reached, what to add and to move, and that nothing that is flat or
# falls is said to become full.

load ../helper
bats_require_minimum_version 1.5.0

# history COUNT HOST=LEVEL+SLOPE ...: a gauge an hour of each host, with noise and a day's season of 5; the
# same for every awk.
history() {
    local count=$1
    shift
    awk -v count="$count" -v hosts="$*" '
        function uniform() { state = (state * 16807) % 2147483647; return state / 2147483647 }
        function normal() { return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()) }
        BEGIN { state = 7
            n = split(hosts, host, " ")
            for (i = 0; i < count; i++)
                for (h = 1; h <= n; h++) {
                    split(host[h], part, /[=+]/)
                    printf "{\"metricName\":\"disk\",\"unit\":\"GB\",\"value\":%.4f,\"timeUnixNano\":\"%d000000000\",\"dimensions\":{\"host\":\"%s\"}}\n",
                        part[2] + part[3] * i + 5 * sin(i * 6.283185307179586 / 24) + normal(), 1700000000 + 3600 * i, part[1]
                } }'
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test 'capacity: full at a time, with all fields' {
    # 600 and 0.2 an hour: 5 below 900 after 1,475 hours, 756 behind the end.
    history 720 a=600+0.2 >in
    run -0 --separate-stderr trace-detect capacity --limit=900 --horizon=40d in
    assert_equal "${#lines[@]}" 1
    assert_output --partial '{"type":"finding","kind":"capacity","severity":"critical","recordType":"metric","metricName":"disk","group":{"host":"a"},"timeUnixNano":"1702588400000000000","value":74'
    assert_output --regexp '"value":7(4[5-9]|5[01])[0-9.]+,"expected":9[34][0-9.]+,"lower":9[23][0-9.]+,"upper":9[3-7][0-9.]+,"rank":1,"confidence":0.9,"method":"forecast-trend","horizonNano":3456000000000000,"message":"disk host=a: 7[45][0-9] GB of 900 GB \(8[23][0-9.]* %\), full at 2024-01-1[0-9]T[0-9:]+Z \(2024-01-1[0-9]T[0-9:]+Z to 2024-01-[12][0-9]T[0-9:]+Z\); in 40 d it may need 9[3-7][0-9] GB: add [3-7][0-9.]* GB"'
    assert_output --regexp '"limit":900.0,"utilizationRate":0.8[23][0-9]+,"headroom":1[45][0-9][0-9.]+,"add":[3-7][0-9.]+,"fullUnixNano":"170[0-9]+","earliestUnixNano":"170[0-9]+","latestUnixNano":"170[0-9]+"}$'
    [[ $output =~ fullUnixNano\":\"([0-9]+).*earliestUnixNano\":\"([0-9]+).*latestUnixNano\":\"([0-9]+) ]]
    # Within a week of it, and the interval holds it.
    ((BASH_REMATCH[1] > 1704705200000000000 && BASH_REMATCH[1] < 1705914800000000000))
    ((BASH_REMATCH[2] < 1705310000000000000 && BASH_REMATCH[3] > 1705310000000000000))
    assert_equal "$stderr" 'trace-detect: 1 series judged: 1 full by the horizon'
    run -1 --separate-stderr trace-detect capacity --limit=900 --horizon=40d --exit-code in
    run -0 --separate-stderr trace-detect capacity --limit=900 --horizon=10d --exit-code in
    assert_output --partial '"severity":"info"'
    assert_output --partial ', full at 2024-01-1'
}

@test 'capacity: nothing that is flat or falls will be full, however near' {
    history 720 flat=894+0 fall=895+-0.02 walk=500+0 >in
    run -0 --separate-stderr trace-detect capacity --limit=905 --horizon=1y --exit-code in
    assert_equal "${#lines[@]}" 3
    refute_output --partial UnixNano\":\"17[1-9]
    refute_output --partial fullUnixNano
    refute_output --partial earliestUnixNano
    for line in "${lines[@]}"; do
        assert [ -z "${line##*, not going to be full; in 365 d it may need *}" ]
    done
    assert_equal "$stderr" 'trace-detect: 3 series judged: 0 full by the horizon'
}

@test 'capacity: what is over its limit now, though it falls' {
    history 720 fall=990+-0.02 >in
    run -1 --separate-stderr trace-detect capacity --limit=900 --exit-code in
    assert_output --partial '"severity":"critical"'
    assert_output --partial ', at its limit now; '
    assert_output --regexp '"headroom":-[0-9.]+,"add":[0-9.]+}$'
    refute_output --partial fullUnixNano
}

@test 'capacity: the most urgent first, and what to move where' {
    history 480 room=100+0 rise=600+0.2 more=700+0.3 less=600+0 >in
    run -0 --separate-stderr trace-detect capacity --limit=800 in
    assert_equal "${#lines[@]}" 4
    assert_line --index 0 --partial '"group":{"host":"more"}'
    assert_line --index 0 --partial '"rank":1,'
    assert_line --index 0 --partial ' or move '
    assert_line --index 0 --regexp ' GB to disk host=room",.*"moves":\[\{"group":\{"host":"room"\},"value":[0-9.]+\}\]\}$'
    assert_line --index 1 --partial '"group":{"host":"rise"}'
    assert_line --index 2 --partial '"group":{"host":"less"}'
    assert_line --index 3 --partial '"group":{"host":"room"}'
    refute_line --index 3 --partial moves
    # Another metric has no room for it.
    sed '/"room"\|"less"/s/"disk"/"memory"/' in >other
    run -0 --separate-stderr trace-detect capacity --limit=800 other
    refute_output --partial moves
    refute_output --partial ' or move '
}

@test 'capacity: no more is moved than there is room for' {
    history 480 a=1000+0 b=1000+0 room=700+0 >in
    run -0 --separate-stderr trace-detect capacity --limit=900 in
    assert_equal "$(jq -s '(map(.moves[]?.value) | add) as $moved | map(select(.group.host == "room"))[0] |
        ($moved - (.limit - .upper)) | fabs < 1e-6' <<<"$output")" true
}

@test 'capacity: wrong options' {
    run -2 trace-detect capacity in
    assert_output --partial '--limit=V is missing'
    for wrong in --limit=x --limit=NaN '--limit=3 --horizon=0' '--limit=3 --interval=0%'; do
        run -2 trace-detect capacity $wrong </dev/null
    done
}

@test 'capacity: few points, one value, holes and no input have answers' {
    run -0 --separate-stderr trace-detect capacity --limit=3 </dev/null
    assert_output ''
    assert_equal "$stderr" 'trace-detect: 0 series judged: 0 full by the horizon'
    for count in 1 2 11; do
        history $count a=1+1 >few
        run -0 --separate-stderr trace-detect capacity --limit=3 few
        assert_output ''
        assert_regex "$stderr" '1 series of less than 12 steps with a point: nothing is said of it'
    done
    history 40 a=1+1 | sed 's/"value":[0-9.]*/"value":5/' >same
    run -0 --separate-stderr trace-detect capacity --limit=6 same
    assert_output --partial '"value":5.0,"expected":5.0,"lower":5.0,"upper":5.0,'
    assert_output --partial ', not going to be full; '
    history 400 a=1+1 | awk 'NR % 20 == 1' >rare
    run -0 --separate-stderr trace-detect capacity --limit=3 --step=1h rare
    assert_output ''
    assert_regex "$stderr" '1 series without a point in most steps'
}

@test 'capacity: the order of the input, points without a number or a time' {
    history 240 a=600+0.2 >good
    trace-detect capacity --limit=900 good >wanted
    { sed 's/"value":[0-9.]*/"value":"NaN"/' good; sed 's/"timeUnixNano":"[0-9]*",//' good; sort -t: -k4,4r good; } >in
    run -0 --separate-stderr trace-detect capacity --limit=900 in
    assert_output "$(cat wanted)"
    assert_regex "$stderr" '240 records had no number'
    assert_regex "$stderr" '240 points without a time left out'
}

@test 'capacity: huge values, and times at both ends of what there is, are no crash' {
    history 40 a=1+1 >in
    sed '1,20s/"value":[0-9.]*/"value":1.5e308/; 21,40s/"value":[0-9.]*/"value":-1.5e308/' in >huge
    run -0 --separate-stderr trace-detect capacity --limit=1e300 --horizon=290y huge
    sed 's/"timeUnixNano":"17/"timeUnixNano":"92/' in >late
    run -0 --separate-stderr trace-detect capacity --limit=1000 --horizon=290y late
    run -0 --separate-stderr trace-detect capacity --limit=-5 --horizon=9223372036854775807 late
    sed '1s/"timeUnixNano":"[0-9]*"/"timeUnixNano":"-9223372036854775808"/;2s/"timeUnixNano":"[0-9]*"/"timeUnixNano":"9223372036854775807"/' in >far
    run -0 --separate-stderr trace-detect capacity --limit=100 far
}

@test 'capacity: what was written passes the schema and a binary stream' {
    history 480 room=100+0 rise=600+0.2 >in
    trace-detect capacity --limit=700 in >found
    run -0 --separate-stderr trace-detect capacity --limit=700 -b -o found.bin in
    run -0 --separate-stderr trace-span filter --type=finding found.bin
    assert_output "$(cat found)"
    [[ -x $top_builddir/tests/core/test-schema ]] || skip 'tests/core/test-schema is not built'
    run -0 "$top_builddir/tests/core/test-schema" found
    assert_output --partial ', 0 not valid'
}
