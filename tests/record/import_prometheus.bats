#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: Prometheus text and OpenMetrics.
bats_require_minimum_version 1.5.0

load ../helper
load import

form='{"type":"metric","metricName":%s}' # of records: what follows

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

@test 'counters, gauges and samples without a type' {
    options=(--from=prometheus)
    becomes '"jobs_total","metricType":"counter","value":3.0,"dimensions":{"k":"v","l":""},"temporality":"cumulative","isMonotonic":true,"description":"n jobs"' \
        '"jobs_total","metricType":"counter","value":4.5,"temporality":"cumulative","isMonotonic":true,"description":"n jobs"' \
        '"temp","metricType":"gauge","value":-36.6' \
        '"a:b","metricType":"gauge","value":1e-7' \
        '"other","metricType":"gauge","value":5.0' <<'EOF'
# HELP jobs_total n jobs
# TYPE jobs_total counter
jobs_total{k="v",l="",} 3
jobs_total 4.5
# a comment, and an empty line

# TYPE temp gauge
  temp   -36.6  
# TYPE a:b untyped
a:b 1e-7
other +5.
EOF
}

@test 'Prometheus has milliseconds, OpenMetrics seconds' {
    options=(--from=prometheus)
    becomes '"a","metricType":"gauge","value":1.0,"timeUnixNano":"1395066363000000000"' <<<'a 1 1395066363000'
    options=(--from=openmetrics)
    printf 'a 1 1395066363.000000001\n# EOF\n' |
        becomes '"a","metricType":"gauge","value":1.0,"timeUnixNano":"1395066363000000001"'
    printf 'a 1 1.7268398142239082e+09\n# EOF\n' |
        becomes '"a","metricType":"gauge","value":1.0,"timeUnixNano":"1726839814223908200"'
    # found out where a timestamp tells
    options=()
    printf 'a{b="c"} 1 1395066363\n# EOF\n' |
        becomes '"a","metricType":"gauge","value":1.0,"timeUnixNano":"1395066363000000000","dimensions":{"b":"c"}'
    printf '# TYPE a gauge\na 1 1395066363000\n' |
        becomes '"a","metricType":"gauge","value":1.0,"timeUnixNano":"1395066363000000000"'
    # and not guessed at where it is wrong
    run -3 --separate-stderr trace-record import --from=prometheus - < <(printf 'b 1\na 1 1395066363.25\n')
    assert_equal "$stderr" 'trace-record: -:2: a timestamp that is no number of milliseconds (of OpenMetrics it would be seconds: --from=openmetrics) (byte 5)'
}

@test 'a histogram is one record, whatever the order of its buckets' {
    options=(--from=prometheus)
    local buckets=('le="0.1"} 1' 'le="+Inf"} 4' 'le="1"} 3')
    {
        printf '# TYPE d histogram\n'
        printf 'd_sum{p="/"} 3.5\nd_sum 0\n'
        printf 'd_bucket{p="/",%s\n' "${buckets[@]}"
        printf 'd_bucket{%s\n' "${buckets[@]}"
        printf 'd_count 4\nd_count{p="/"} 4\n'
    } | becomes '"d","metricType":"histogram","dimensions":{"p":"/"},"temporality":"cumulative","histogram":{"count":4,"sum":3.5,"bounds":[0.1,1.0],"bucketCounts":[1,2,1]}' \
        '"d","metricType":"histogram","temporality":"cumulative","histogram":{"count":4,"sum":0.0,"bounds":[0.1,1.0],"bucketCounts":[1,2,1]}'
}

@test 'a histogram without +Inf, of floats, or without buckets' {
    options=(--from=prometheus)
    becomes '"d","metricType":"histogram","temporality":"cumulative","histogram":{"count":4,"bounds":[1.0],"bucketCounts":[1,3]}' \
        '"e","metricType":"histogram","temporality":"cumulative","histogram":{"count":2.5,"bounds":[1.0],"bucketCounts":[0.5,2]}' \
        '"f","metricType":"histogram","temporality":"cumulative","histogram":{"count":2,"sum":1.0}' <<'EOF'
# TYPE d histogram
d_bucket{le="1"} 1
d_count 4
# TYPE e histogram
e_bucket{le="1"} 0.5
e_bucket{le="+Inf"} 2.5
# TYPE f histogram
f_count 2
f_sum 1
EOF
}

@test 'a summary has its quantiles' {
    options=(--from=prometheus)
    becomes '"s","metricType":"custom","dimensions":{"a":"b"},"summary":{"count":7,"sum":9.5,"quantiles":[{"quantile":0.5,"value":1.0},{"quantile":0.99,"value":"NaN"}]}' <<'EOF'
# TYPE s summary
s{quantile="0.99",a="b"} NaN
s{quantile="0.5",a="b"} 1
s_sum{a="b"} 9.5
s_count{a="b"} 7
EOF
}

@test 'OpenMetrics: _total, _created, units, info, state sets and gauge histograms' {
    options=(--from=openmetrics)
    becomes '"req_seconds_total","metricType":"counter","value":3.0,"unit":"seconds","dimensions":{"p":"/"},"temporality":"cumulative","isMonotonic":true,"startTimeUnixNano":"1795401303429353700","description":"a \"b\"\n\\"' \
        '"build_info","metricType":"gauge","value":1.0,"dimensions":{"v":"1"}' \
        '"st","metricType":"gauge","value":0.0,"dimensions":{"st":"a"}' \
        '"st","metricType":"gauge","value":1.0,"dimensions":{"st":"b"}' \
        '"g","metricType":"histogram","histogram":{"count":2,"sum":-1.0,"bounds":[1.0],"bucketCounts":[1,1]}' <<'EOF'
# HELP req_seconds a \"b\"\n\\
# TYPE req_seconds counter
# UNIT req_seconds seconds
req_seconds_total{p="/"} 3.0
req_seconds_created{p="/"} 1.7954013034293537e+09
# TYPE build info
build_info{v="1"} 1
# TYPE st stateset
st{st="a"} 0
st{st="b"} 1
# TYPE g gaugehistogram
g_bucket{le="1"} 1
g_bucket{le="+Inf"} 2
g_gcount 2
g_gsum -1
# EOF
EOF
}

@test 'OpenMetrics without # EOF may be cut short, which is said' {
    run -0 --separate-stderr trace-record import --from=openmetrics - < <(printf 'a 1\n# EOF\n')
    assert_equal "$stderr" ''
    run -0 --separate-stderr trace-record import --from=openmetrics - < <(printf '# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n')
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" 'trace-record: 1 OpenMetrics text has no # EOF at its end: it may be cut short'
}

@test 'exemplars are kept, with ids where their labels are such' {
    options=(--from=openmetrics)
    becomes '"a_total","metricType":"counter","value":2.0,"temporality":"cumulative","isMonotonic":true,"exemplars":[{"timeUnixNano":"1795402116786000000","traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","filteredAttributes":{"user":"x"},"asDouble":0.7}]' \
        '"d","metricType":"histogram","temporality":"cumulative","histogram":{"count":2,"bounds":[1.0],"bucketCounts":[1,1]},"exemplars":[{"filteredAttributes":{"trace_id":"no id"},"asDouble":0.5},{"asDouble":2.0}]' <<'EOF'
# TYPE a counter
a_total 2 # {trace_id="0af7651916cd43dd8448eb211c80319c",user="x",span_id="b7ad6b7169203331"} 0.7 1795402116.786
# TYPE d histogram
d_bucket{le="1"} 1 # {trace_id="no id"} 0.5
d_bucket{le="+Inf"} 2 # {} 2
# EOF
EOF
}

@test 'escapes in labels, names in quotes, NaN and infinities' {
    options=(--from=prometheus)
    becomes '"a","metricType":"gauge","value":"NaN","dimensions":{"l":"\"q\" \\ \n \\t}{,é"}' \
        '"my.name","metricType":"gauge","value":"Infinity","dimensions":{"my.label":"x"}' \
        '"b","metricType":"gauge","value":"-Infinity"' <<'EOF'
a{ l = "\"q\" \\ \n \t}{,é" } NaN
{"my.name","my.label"="x"} +Inf
b -Inf
EOF
}

@test 'a series may come again with another time, as in what was recorded' {
    run -0 trace-record import --from=prometheus - <<<$'a{x="1"} 1 1000\na{x="1"} 2 2000\nb 1 1000'
    assert_equal "$(jq -c '[.metricName,.value,.timeUnixNano]' <<<"$output" | paste -sd ' ')" '["a",1,"1000000000"] ["a",2,"2000000000"] ["b",1,"1000000000"]'
    run -3 trace-record import --from=prometheus - <<<$'a{x="1"} 1 1000\na{x="1"} 2 1000'
}

@test 'a series that was there already, and other bad lines, cost themselves' {
    local -a cases=(
        'a{x="1",y="2"} 1' 'a series that was there already'
        'a' 'a value is missing (byte 2)'
        'a{' "a label's name is missing (byte 3)"
        'a{x} 1' 'an equals sign is missing (byte 4)'
        'a{x=1} 1' 'a quote is missing (byte 5)'
        'a{x="1} 1' 'a text without its closing quote (byte 10)'
        'a{x="1"y="2"} 1' 'a comma or brace is missing behind a label (byte 8)'
        'a{x="1",x="2"} 1' 'a label that is there twice (byte 9)'
        'a one' 'a value that is no number (byte 3)'
        'a 1 soon' 'a timestamp that is no number (byte 5)'
        'a 1 2 3' 'something behind the end of the sample (byte 7)'
        '9a 1' 'a line that begins with no name (byte 1)'
        '# TYPE z wrong' 'a type that is not known (byte 10)'
        'd_bucket 1' 'a sample without the label le'
        'd_bucket{le="x"} 1' 'a label le that is no number'
        'd_count 3' 'a series that was there already'
    )
    for ((at = 0; at < ${#cases[@]}; at += 2)); do
        local before='a{y="2",x="1"} 1'
        [[ ${cases[at]} != d* ]] || before+=$'\n# TYPE d histogram\nd_count 1'
        printf '%s\n' "$before" "${cases[at]}" 'b 1' >in
        run -3 --separate-stderr trace-record import --from=prometheus --rejects=rejects in
        assert_regex "${lines[-1]}" '"metricName":"b"'
        assert_regex "${lines[0]}" '"metricName":"a"'
        [[ $stderr == "trace-record: in:"[24]": ${cases[at + 1]}" ]] || { echo "${cases[at]}: $stderr" && return 1; }
        assert_equal "$(cat rejects)" "${cases[at]}"
    done
}

@test 'a histogram whose buckets contradict each other is no record' {
    for buckets in 'd_bucket{le="1"} 2\nd_bucket{le="+Inf"} 1' 'd_bucket{le="1"} 2\nd_bucket{le="1.0"} 2\nd_count 3' \
        'd_bucket{le="1"} 2' 'd_bucket{le="1"} NaN\nd_count 3'; do
        printf "# TYPE d histogram\n$buckets\n# TYPE b gauge\nb 1\n" >in
        run -3 --separate-stderr trace-record import in
        assert_equal "${#lines[@]}" 1
        assert_regex "$stderr" '^trace-record: in:2: a (histogram|bucket)'
    done
}

@test 'every capture is read without a complaint, and canonical' {
    need_data captures/prom-client.txt traces/prometheus-text/alltypes.237mfs.prom.txt
    cd "$TRACECORE_TEST_DATA" || return
    local -A records=([captures/prom-client.txt]=59 [captures/prom-otel.txt]=3 [captures/prom-python.txt]=11
        [captures/openmetrics-prom-client.txt]=2 [captures/openmetrics-python.txt]=8
        [traces/prometheus-text/1histogram.om.txt]=3 [traces/prometheus-text/alltypes.5mfs.om.txt]=10
        [traces/prometheus-text/alltypes.237mfs.prom.txt]=641)
    for file in "${!records[@]}"; do
        run -0 --separate-stderr trace-record import "$file"
        assert_equal "$stderr" ''
        assert_equal "$file ${#lines[@]}" "$file ${records[$file]}"
        diff <(printf '%s\n' "$output") <(printf '%s\n' "$output" | trace-record import --from=native)
    done
}

@test '237 families: each series is there, with its value' {
    need_data traces/prometheus-text/alltypes.237mfs.prom.txt
    local file=$TRACECORE_TEST_DATA/traces/prometheus-text/alltypes.237mfs.prom.txt
    trace-record import "$file" >out
    awk '$2 == "TYPE" { type[$3] = $4 } $1 != "#" { name = $1; sub(/[{].*/, "", name)
        if (type[name] == "counter" || type[name] == "gauge") print $NF + 0 }' "$file" | sort >expected
    [[ $(wc -l <expected) -gt 500 ]]
    grep -v '"summary"' out | sed -n 's/.*,"value":\([^,]*\),.*/\1/p' | awk '{ print $1 + 0 }' | sort | diff expected -
    grep '^[a-z_]*_count[{ ]' "$file" | awk '{ print $NF + 0 }' | sort >expected
    [[ $(wc -l <expected) -gt 100 ]]
    sed -n 's/.*"\(histogram\|summary\)":{"count":\([^,]*\),.*/\2/p' out | awk '{ print $1 + 0 }' | sort | diff expected -
}

@test 'the number of threads and the size of reads do not matter' {
    for ((i = 0; i < 3000; i++)); do
        printf '# TYPE d%s histogram\nd%s_bucket{le="1"} %s\nd%s_bucket{le="+Inf"} 3000\n# TYPE g%s gauge\ng%s{a="b"} 1\n' \
            $i $i $i $i $i $i
    done >in
    trace-record import -j1 in >1
    assert_equal "$(wc -l <1)" 6000
    trace-record import -j4 in | cmp 1 -
    (while IFS= read -r -N 5003 piece || [[ -n $piece ]]; do printf '%s' "$piece"; done <in) | trace-record import | cmp 1 -
}

@test 'what OpenMetrics ends with tells it from Prometheus text, behind thousands of lines too' {
    {
        echo '# TYPE seen gauge'
        for i in {1..500}; do echo "seen{k=\"$i\"} $i"; done
        echo 'late 1 1395066363'
    } >in
    # a time is in milliseconds, or in seconds
    { cat in; echo '# EOF'; } >openmetrics
    for text in in openmetrics; do
        (head -c 5000 $text; sleep 0.2; tail -c +5001 $text) | trace-record import >out
        tail -n 1 out | jq -r .timeUnixNano >$text.time
    done
    assert_equal "$(cat in.time openmetrics.time)" $'1395066363000000\n1395066363000000000'
    # it is the last line, or nothing
    { cat openmetrics; echo 'late{k="v"} 1 1395066363'; } | trace-record import >out
    assert_equal "$(tail -n 1 out | jq -r .timeUnixNano)" 1395066363000000
}
