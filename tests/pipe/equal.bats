#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The same pipeline in NDJSON and in binary, on one thread and on eight, gives the same answer.

load ../helper

all=span,metric,execution,log,trace,aggregate,finding,alert,notification,health

setup() {
    cd "$BATS_TEST_TMPDIR"
    "$top_srcdir"/contrib/sample-capture.sh --traces=120 > capture.json
    trace-record import capture.json > records.ndjson
}

# The canonical form: one more trip through the binary stream puts every record into it. Order is
# kept within a type only.
canonical() {
    trace-span filter -b "--type=$all" | trace-span filter "--type=$all" | sort
}

@test "import gives what it gives through binary" {
    trace-record import -b capture.json > records.bin
    trace-span filter "--type=$all" records.bin > back.ndjson
    cmp <(sort records.ndjson) <(sort back.ndjson)
    assert_equal "$(grep -c '"type":"span"' back.ndjson)" "$(grep -c '"type":"span"' records.ndjson)"
}

@test "filter" {
    for expr in '.service == "cart"' '.durationNano > 5*ms and .status != "error"' \
        '.attributes["http.request.method"] == "GET"' '(.name | test("^GET")) or .kind == "client"' \
        '.startTimeUnixNano % 2 == 0'; do
        trace-span filter --type=span -j1 -w "$expr" records.ndjson > one
        trace-span filter --type=span -j8 -w "$expr" records.ndjson > eight
        cmp one eight
        trace-span filter -b "--type=$all" records.ndjson | trace-span filter --type=span -b -w "$expr" | trace-span filter > binary
        cmp <(canonical < one) <(sort binary)
    done
}

@test "aggregates" {
    for options in '--by=service,name' '--window=10s --by=service' '--window=1m --lateness=10s --by=kind' \
        '--by=http.route --stat=count,rate,sum,stddev,p50,min,max'; do
        # shellcheck disable=SC2086
        trace-agg -j1 $options records.ndjson > one
        # shellcheck disable=SC2086
        trace-agg -j8 $options records.ndjson > eight
        cmp one eight
        trace-span filter --type=span,metric,log -b records.ndjson > records.bin
        # shellcheck disable=SC2086
        trace-agg $options records.bin > binary
        if [[ $options == *lateness* ]]; then
            continue # order between types differs in a binary stream
        fi
        cmp one binary
    done
}

@test "ids, times and integers survive digit for digit" {
    cat > exact.ndjson <<'END'
{"type":"span","traceId":"ffffffffffffffffffffffffffffffff","spanId":"fffffffffffffffe","name":"n","startTimeUnixNano":"9223372036854775806","endTimeUnixNano":"9223372036854775807","durationNano":1,"attributes":{"a":9007199254740993,"b":-9223372036854775808,"c":123456789012345678901234567890,"d":0.1,"e":1.0,"f":1e400,"g":-0,"h":1.10,"i":5e-324,"j":"1.0","k":[1,1.0,9007199254740993],"l":{"m":18446744073709551616}}}
{"type":"span","traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"","startTimeUnixNano":"-9223372036854775808","endTimeUnixNano":"0"}
END
    trace-record import exact.ndjson | trace-span filter | trace-span filter -b | trace-span filter -w true > back.ndjson
    diff exact.ndjson back.ndjson
}

@test "the main job gives findings in either form" {
    trace-agg --window=10s --by=service,name records.ndjson | trace-detect anomaly > text
    trace-record import -b capture.json | trace-agg -b --window=10s --by=service,name | trace-detect anomaly -b | trace-span filter --type=finding > binary
    assert_equal "$(wc -l < text)" "$(wc -l < binary)"
    cmp <(canonical < text) <(sort binary)
}
