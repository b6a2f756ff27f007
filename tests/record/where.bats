# SPDX-License-Identifier: GPL-3.0-or-later
# --where on a repository, of which segments are passed over by the names that they have: the same
# records as from a file, for any expression.

load ../helper

# records SERVICES NAMES FROM: spans with and without services and names (some in the resource),
# metrics and logs, of the lists given.
records() {
    awk -v services="$1" -v names="$2" -v from="$3" 'BEGIN {
        ns = split(services, service, ",")
        nn = split(names, name, ",")
        for (i = from; i < from + 30; i++) {
            time = sprintf("%.0f", (1790000000 + i) * 1000000000)
            s = service[i % (ns + 1) + 1]
            of = s == "" ? "" : i % 4 ? ",\"service\":\"" s "\"" : ",\"resource\":{\"service.name\":\"" s "\"}"
            if (i % 5 == 0)
                printf "{\"type\":\"metric\",\"metricName\":\"m%d\",\"value\":%d,\"timeUnixNano\":\"%s\"%s}\n", \
                    from % 2, i, time, of
            else if (i % 7 == 0)
                printf "{\"type\":\"log\",\"timeUnixNano\":\"%s\",\"body\":\"b\",\"name\":\"logged\"%s}\n", time, of
            else
                printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"%s\",\"startTimeUnixNano\":\"%s\",\"endTimeUnixNano\":\"%s\",\"durationNano\":%d%s,\"attributes\":{\"n\":%s}}\n", \
                    i + 1, i + 1, name[i % nn + 1], time, time, i, of, i % 3 ? i % 4 : "\"x\""
        }
    }'
}

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    records cart 'GET /,GET /x' 0 >1
    records pay 'POST /' 100 >2
    records cart,pay op 200 >3
    records '' 'GET /,op' 300 >4
    records mail 'POST /x,op' 400 >5
    for i in 1 2 3 4 5; do
        trace-record archive repo $i
    done
    trace-record read repo >all # the form that a repository keeps
}

setup() {
    cd "$BATS_FILE_TMPDIR" || return
}

conditions=('.service == "cart"' '.service == "nobody"' '"pay" == .service' '.service != "cart"'
    '.service == null' '.service' '.service | IN("mail", "post")' '.service | test("^.a")'
    '(.service // "none") == "none"' '(.service // .name) == "op"' '.service < "d"'
    '.resource["service.name"] == "cart"' 'has("service")' '.service == .name'
    '.name == "op"' '.name | startswith("GET")' '.name == "logged"' '.name' '.name == ""'
    '.type == "span"' '.type == "metric"' '.type == "trace"' '.type | IN("log", "metric")'
    '.metricName == "m0"' '.metricName == "m1"' '.metricName' '.attributes.n == 1'
    '.attributes.n - 1 == 0' '.durationNano > 120' '.body == "b"' true false)

generate() { # generate DEPTH: an expression in $expression
    local left
    if [[ $1 -eq 0 || $((RANDOM % 4)) -eq 0 ]]; then
        expression="(${conditions[RANDOM % ${#conditions[@]}]})"
        return
    fi
    generate $(($1 - 1))
    left=$expression
    case $((RANDOM % 7)) in
    0) expression="($left | not)" ;;
    1 | 2 | 3)
        generate $(($1 - 1))
        expression="($left and $expression)"
        ;;
    4 | 5)
        generate $(($1 - 1))
        expression="($left or $expression)"
        ;;
    6)
        generate $(($1 - 1))
        expression="($left // $expression)"
        ;;
    esac
}

@test "any expression selects the same records with and without" {
    RANDOM=20261129
    passed=0
    for ((i = 0; i < 100; i++)); do
        generate 3
        trace-record read -w "$expression" all >wanted 2>/dev/null
        trace-record read --explain -w "$expression" repo >got 2>said
        cmp got wanted || fail "$expression"
        if grep -q 'passed over, where the condition' said; then passed=$((passed + 1)); fi
    done
    ((passed > 20)) || fail "only $passed of 100 were of use"
}

@test "each condition by itself, for programs of one type and of several" {
    for condition in "${conditions[@]}"; do
        trace-span filter -w "$condition" all >wanted 2>/dev/null
        trace-span filter -w "$condition" repo 2>/dev/null | cmp - wanted || fail "$condition"
        trace-agg --by=service -w "$condition" all >wanted 2>/dev/null
        trace-agg --by=service -w "$condition" repo 2>/dev/null | cmp - wanted || fail "$condition"
    done
}

@test "records that --pass forwards are no matter of --where" {
    for condition in "${conditions[@]}"; do
        trace-span filter --pass -w "$condition" all >wanted 2>/dev/null
        trace-span filter --pass -w "$condition" repo 2>/dev/null | cmp - wanted || fail "$condition"
    done
}

@test "a list of names that is not there says nothing" {
    awk 'BEGIN {
        for (i = 0; i < 4200; i++)
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op\",\"service\":\"s%d\"}\n", i + 1, i + 1, i
    }' | trace-record archive many
    run -0 --separate-stderr trace-span filter --explain -w '.service == "s4150"' many
    assert_equal "${#lines[@]}" 1
    [[ $stderr != *'cannot be true'* ]]
    echo '{"type":"span","traceId":"00000000000000000000000000000001","spanId":"0000000000000001","service":7}' |
        trace-record archive odd
    run -0 --separate-stderr trace-span filter --explain -w '.service == 7' odd
    assert_equal "${#lines[@]}" 1
}
