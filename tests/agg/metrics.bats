#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-agg on metrics: what each statistic is of each kind of point, and of odd values.

load ../helper

setup() {
    cd "$BATS_TEST_TMPDIR"
    stats=--stat=count,sum,mean,min,max,p50
}

# same_everywhere FILE: the same from partials, binary streams and roll-ups.
same_everywhere() {
    trace-agg "$stats" "$1" > whole 2> notes
    split -n r/3 "$1" piece
    for piece in piece*; do trace-agg --partial "$stats" "$piece"; done 2> /dev/null | trace-agg --merge | cmp whole -
    trace-span filter -b --type=metric "$1" | trace-agg "$stats" 2> /dev/null | cmp whole -
    trace-record archive repo "$1"
    trace-agg "$stats" repo 2> repo.notes | cmp whole -
    cmp notes repo.notes
}

@test "a summary adds its count and sum, and what its quantiles say of the extremes" {
    cat > points.ndjson <<'END'
{"type":"metric","metricName":"s","metricType":"timer","value":null,"timeUnixNano":"1","summary":{"count":4,"sum":40,"quantiles":[{"quantile":0,"value":1},{"quantile":0.5,"value":9},{"quantile":1,"value":20}]}}
{"type":"metric","metricName":"s","metricType":"timer","timeUnixNano":"2","summary":{"count":6,"sum":50.5},"quality":{"sampleRate":0.5}}
{"type":"metric","metricName":"t","metricType":"timer","timeUnixNano":"3","value":12}
{"type":"metric","metricName":"t","metricType":"timer","timeUnixNano":"4","value":18}
END
    run -0 trace-agg "$stats" points.ndjson
    assert_line -n 0 '{"type":"aggregate","recordType":"metric","metricName":"s","group":{},"count":3,"sum":141.0,"mean":8.8125,"min":1.0,"max":20.0}'
    assert_line -n 1 --regexp '"metricName":"t","group":\{\},"count":2,"sum":30,"mean":15.0,"min":12,"max":18,"p50":12\.[0-9]+\}$'
    same_everywhere points.ndjson
}

@test "quantiles of explicit bounds are estimates; beside other values there are none" {
    cat > points.ndjson <<'END'
{"type":"metric","metricName":"same","timeUnixNano":"1","histogram":{"count":4,"sum":10,"bounds":[1,2,4],"bucketCounts":[1,1,2,0]}}
{"type":"metric","metricName":"same","timeUnixNano":"2","histogram":{"count":4,"sum":14,"bounds":[1,2,4],"bucketCounts":[0,0,4,0]}}
{"type":"metric","metricName":"other","timeUnixNano":"3","histogram":{"count":4,"sum":10,"bounds":[1,2,4],"bucketCounts":[1,1,2,0]}}
{"type":"metric","metricName":"other","timeUnixNano":"4","histogram":{"count":4,"sum":14,"bounds":[2,3,4],"bucketCounts":[0,2,2,0]}}
{"type":"metric","metricName":"mixed","timeUnixNano":"5","histogram":{"count":4,"sum":10,"bounds":[1,2,4],"bucketCounts":[1,1,2,0]}}
{"type":"metric","metricName":"mixed","timeUnixNano":"6","value":6}
{"type":"metric","metricName":"exponential","timeUnixNano":"7","histogram":{"count":3,"sum":7,"scale":0,"zeroCount":1,"positive":{"offset":1,"bucketCounts":[1]},"negative":{"offset":1,"bucketCounts":[1]}}}
END
    trace-agg "$stats" points.ndjson > got
    run -0 grep '"same"' got
    assert_output --partial '"count":2,"sum":24.0,"mean":3.0,"p50":2.6666666666666665,"estimated":["p50"]}'
    run -0 grep '"other"' got # the bounds that both have: 2 and 4
    assert_output --partial '"count":2,"sum":24.0,"mean":3.0,"p50":2.6666666666666665,"estimated":["p50"]}'
    run -0 grep '"mixed"' got
    assert_output --partial '"count":2,"sum":16.0,"mean":3.2,"min":6,"max":6}'
    run -0 grep '"exponential"' got
    assert_output --partial '"count":1,"sum":7.0,"mean":2.3333333333333335,"p50":0.0}'
    same_everywhere points.ndjson
}

@test "NaN and infinities are in sums and means, infinities in extremes, neither in quantiles" {
    {
        for i in 1 2 3; do echo "{\"type\":\"metric\",\"metricName\":\"finite\",\"timeUnixNano\":\"$i\",\"value\":$i}"; done
        for value in '"NaN"' '"Infinity"' '"-Infinity"'; do
            name=${value//[^a-zA-Z]/}$((${#value}))
            for v in 1 2 3 "$value"; do
                echo "{\"type\":\"metric\",\"metricName\":\"$name\",\"timeUnixNano\":\"1\",\"value\":$v}"
            done
        done
    } > points.ndjson
    trace-agg "$stats" points.ndjson | jq -c '[.metricName, .count, .sum, .mean, .min, .max, (.p50 > 1.9 and .p50 < 2.1)]' > got
    cat > wanted <<'END'
["Infinity10",4,"Infinity","Infinity",1,"Infinity",true]
["Infinity11",4,"-Infinity","-Infinity","-Infinity",3,true]
["NaN5",4,"NaN","NaN",1,3,true]
["finite",3,6,2,1,3,true]
END
    cmp wanted got
    same_everywhere points.ndjson
    run -0 trace-agg '--stat=apdex(2),stddev' points.ndjson
    assert_line --partial '"metricName":"Infinity10","group":{},"apdex(2)":0.625}'
    assert_line --partial '"metricName":"NaN5","group":{},"apdex(2)":0.8333333333333334}'
}

@test "histograms and summaries that make no sense are counted, and the rest is not harmed" {
    {
        echo '{"type":"metric","metricName":"h","timeUnixNano":"1","histogram":{"count":2,"sum":3,"bounds":[1],"bucketCounts":[1,1]}}'
        for bad in '"histogram":{"count":-1}' '"histogram":{"count":2,"bounds":[2,1],"bucketCounts":[1,1,0]}' \
            '"histogram":{"count":2,"bounds":[1],"bucketCounts":[1]}' '"histogram":{"count":2,"scale":1000}' \
            '"histogram":{"sum":3}' '"summary":{"sum":3}' '"summary":{"count":"x"}'; do
            echo "{\"type\":\"metric\",\"metricName\":\"h\",\"timeUnixNano\":\"1\",$bad}"
        done
    } > points.ndjson
    run -0 --separate-stderr trace-agg "$stats" points.ndjson
    assert_output '{"type":"aggregate","recordType":"metric","metricName":"h","group":{},"count":8,"sum":3.0,"mean":1.5,"p50":1.0,"estimated":["p50"]}'
    assert_equal "$stderr" 'trace-agg: 7 histograms were left out: their buckets make no sense'
    same_everywhere points.ndjson
}
