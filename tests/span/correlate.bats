# trace-span correlate: traces by a value, and what failed or slow ones share.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C
}

# user NAME: attributes.
user() {
    printf '"attributes":{"user.id":"%s"}' "$1"
}

# people: user u1 has traces a, c and d (with a gap of 800 and an overlap), u2 has b alone.
people() {
    span a 1 - 0 100 front 'GET /' server '' "$(user u1)"
    span a 2 1 10 90 back work internal '"status":"error"'
    span b 1 - 5 6 front 'GET /' server '' "$(user u2)"
    span c 1 - 900 1000 front 'GET /cart' server '' "$(user u1)"
    span d 1 - 950 980 front 'GET /' server '' "$(user u1)"
}

# others: records of other types that have the value.
others() {
    local trace
    printf -v trace '%032x' 0xe
    echo "{\"type\":\"log\",\"timeUnixNano\":\"1700000000000002000\",\"body\":\"x\",\"traceId\":\"$trace\",\"attributes\":{\"user.id\":\"u1\"}}"
    echo "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"timeUnixNano\":\"1700000000000000001\",\"dimensions\":{\"user.id\":\"u1\"}}"
    echo "{\"type\":\"execution\",\"event\":\"started\",\"executionId\":\"$(id 7)\",\"timeUnixNano\":\"1700000000000000001\",\"attributes\":{\"user.id\":\"u1\"}}"
    echo "{\"type\":\"execution\",\"event\":\"completed\",\"executionId\":\"$(id 7)\",\"timeUnixNano\":\"1700000000000000002\",\"attributes\":{\"user.id\":\"u1\"}}"
}

@test '--by: traces in the order of time, with gaps, and what else has the value' {
    { others; people | tac; } >records
    run -0 --separate-stderr trace-span correlate --by=user.id records
    assert_equal "${#lines[@]}" 1
    assert_equal "$stderr" 'trace-span: 1 value is of one trace or none: --min-traces=0 lists them too'
    jq -c '[.group, .count, .errors, .spanCount, .spanErrors, .executionCount, .logCount, .metricCount, .gapMaxNano, .sum]' <<<"$output" >got
    jq -c '[.executionIds, .metricNames, .startTime, .endTime]' <<<"$output" >>got
    jq -r '.traces[] | "\(.traceId[31:]) \(.rootName) \(.durationNano) \(.gapNano) \(.spanCount) \(.errorCount)"' <<<"$output" >>got
    run -0 cat got
    assert_output '[{"user.id":"u1"},4,1,4,1,1,1,1,800,230]
[["0000000000000007"],["m"],"2023-11-14T22:13:20Z","2023-11-14T22:13:20.000002Z"]
a GET / 100 null 2 1
c GET /cart 100 800 1 0
d GET / 30 -50 1 0
e null null null null null'
}

@test '--by: several fields, --min-traces, --max-traces, any order and number of threads' {
    { others; people; } >records
    run -0 --separate-stderr trace-span correlate --by=name,user.id --min-traces=0 records
    jq -c '[.group, .count]' <<<"$output" >got
    run -0 cat got
    assert_output '[{"name":"GET /","user.id":"u1"},2]
[{"name":"GET /","user.id":"u2"},1]
[{"name":"GET /cart","user.id":"u1"},1]'
    run -0 --separate-stderr trace-span correlate --by=user.id --max-traces=1 records
    assert_equal "$(jq -c '[(.traces | length), .tracesLeftOut]' <<<"$output")" '[1,3]'
    trace-span correlate --by=user.id --min-traces=0 -j1 records >one
    tac records | trace-span correlate --by=user.id --min-traces=0 -j4 >two
    assert_files_equal one two
    trace-span filter -b --type=span,log,metric,execution records | trace-span correlate --by=user.id --min-traces=0 >two
    assert_files_equal one two
    run -0 trace-span correlate --by=usr.id records
    assert_output --partial "no record had the field 'usr.id'"
    run -4 trace-span correlate --by=user.id --memory=1K records
    assert_output --partial 'give more with --memory=SIZE'
}

# routes: 40 traces; those of /pay in eu fail, and one of the others; h3 is slow.
routes() {
    local i route region status end host
    for ((i = 1; i <= 40; i++)); do
        route=/cart region=us status=ok host=h$((i % 4)) end=$((i + 10))
        ((i % 3)) || route=/pay
        ((i % 2)) || region=eu
        [[ $route$region != /payeu && $i != 5 ]] || status=error
        [[ $host != h3 ]] || end=$((i + 500))
        span "$i" 1 - "$i" "$end" front req server "\"status\":\"$status\"" \
            "\"attributes\":{\"error.type\":\"$status\",\"http.route\":\"$route\",\"id\":$i,\"region\":\"$region\"},\"resource\":{\"host.name\":\"$host\",\"pod\":\"p-$host\"}"
    done
}

@test '--of=errors: Fisher on traces, adjusted; what tells of the error is left out' {
    routes >spans
    run -0 --separate-stderr trace-span correlate --of=errors spans
    jq -r '"\(.rank) \(.kind) \(.metricName) \(.group) \(.value) \(.expected) \(.pValue) \(.message)"' <<<"$output" >got
    run -0 cat got
    assert_output --partial '1 correlation failedTraces {"http.route":"/pay"} 0.857142857142857'
    assert_output --partial 'http.route=/pay: on 85.7 % of 7 failed traces and 21.2 % of 33 others'
    refute_output --partial error.type
    p=$(awk '/http.route/ { print $7; exit }' got)
    # the hypergeometric tail, (C(13,6) C(27,1) + C(13,7)) / C(40,7), as many times as there were tests
    awk -v p="$p" 'BEGIN { tests = p / ((1716 * 27 + 1716) / 18643560); whole = int(tests + 0.5)
        exit !(tests - whole < 1e-6 && whole - tests < 1e-6 && whole >= 1 && whole <= 12) }' || fail "p $p"
    run -0 --separate-stderr trace-span correlate --of=errors --by=error.type spans
    assert_equal "$(jq -c '[.group, .value, .expected]' <<<"$output")" '[{"error.type":"error"},1,0]'
}

@test '--of=slow: a threshold, and values of the same traces are one finding' {
    routes >spans
    run -0 --separate-stderr trace-span correlate --of=slow --slower-than=100ns spans
    assert_equal "$(jq -sc '.[0] | [.group, .value, .expected, .metricName, [.evidence[].traceId[30:]]]' <<<"$output")" \
        '[{"host.name":"h3","pod":"p-h3"},1,0,"slowTraces",["03","07","11"]]'
    run -0 --separate-stderr trace-span correlate --of=slow --slower-than=p76 spans
    assert_output --partial '"host.name":"h3"'
    trace-span correlate --of=slow -j1 spans >one
    tac spans | trace-span correlate --of=slow -j4 >two
    assert_files_equal one two
    trace-span filter -b spans | trace-span correlate --of=slow >two
    assert_files_equal one two
}

@test '--of: nothing to compare is told, and no chance finding comes' {
    shop >spans
    run -0 --separate-stderr trace-span correlate --of=errors spans
    assert_output ''
    assert_equal "$stderr" 'trace-span: all traces are failed: there is nothing to compare them with'
    run -0 trace-span correlate --of=slow --slower-than=1h spans
    assert_output 'trace-span: no trace is slow'
    run -0 trace-span correlate --of=errors /dev/null
    assert_output ''
}

@test 'usage' {
    run -2 trace-span correlate spans
    assert_line --index 0 'trace-span: correlate needs --by=FIELD or --of=errors|slow'
    run -2 trace-span correlate --of=errors --slower-than=p50 spans
    run -2 trace-span correlate --of=slow --slower-than=p100 spans
    run -2 trace-span correlate --of=slow --slower-than=soon spans
    run -2 trace-span correlate --of=slow --min-traces=1 spans
    run -2 trace-span correlate --of=slow --alpha=0 spans
}
