#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-agg: what it counts, how it groups, windows and late records.

load ../helper

# span ID SERVICE NAME START_NS DURATION_NS [STATUS]: one span as NDJSON.
span() {
    printf '{"type":"span","traceId":"%032x","spanId":"%016x","name":"%s","startTimeUnixNano":"%s","endTimeUnixNano":"%s","status":"%s","service":"%s"}\n' \
        1 "$1" "$3" "$4" "$(($4 + $5))" "${6-unset}" "$2"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    {
        span 1 cart add 1000000000 10
        span 2 cart add 2000000000 20 error
        span 3 cart list 11000000000 30
        span 4 pay charge 12000000000 1000
        span 5 cart add 25000000000 40
    } > spans.ndjson
}

@test "counts, errors, sums and extremes by service" {
    run -0 trace-agg --type=span --by=service --stat=count,errors,errorRate,sum,mean,min,max spans.ndjson
    assert_line -n 0 '{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"service":"cart"},"count":4,"errors":1,"errorRate":0.25,"sum":100,"mean":25.0,"min":10,"max":40}'
    assert_line -n 1 '{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"service":"pay"},"count":1,"errors":0,"errorRate":0.0,"sum":1000,"mean":1000.0,"min":1000,"max":1000}'
    assert_equal "${#lines[@]}" 2
}

@test "without --by there is one group, and the default statistics" {
    run -0 trace-agg spans.ndjson
    assert_output --regexp '^\{"type":"aggregate","recordType":"span","metricName":"durationNano","group":\{\},"count":5,"errorRate":0\.2,"mean":220\.0,"p50":[0-9.]+,"p95":(99[4-9]|100[0-5])[0-9.]*,"p99":[0-9.]+,"max":1000\}$'
}

@test "quantiles are within 0.54 % of the nearest rank" {
    for i in $(seq 1 1000); do span "$i" s n 1000000000 "$((i * 1000))"; done > many.ndjson
    run -0 trace-agg --stat=p50,p95,p99,p99.9,p100 many.ndjson
    for pair in p50:500000 p95:950000 p99:990000 p99.9:999000 p100:1000000; do
        got=$(sed -E "s/.*\"${pair%%:*}\":([0-9.]+).*/\1/" <<<"$output")
        awk -v got="$got" -v want="${pair#*:}" 'BEGIN { d = got / want - 1; exit !(d < 0.0054 && d > -0.0054) }' ||
            fail "${pair%%:*} is $got, not about ${pair#*:}"
    done
}

@test "windows are of event time, ascending" {
    run -0 trace-agg --window=10s --by=service --stat=count,rate spans.ndjson
    assert_line -n 0 '{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"service":"cart"},"windowStartUnixNano":"0","windowNano":10000000000,"count":2,"rate":0.2}'
    assert_line -n 1 --partial '"group":{"service":"cart"},"windowStartUnixNano":"10000000000","windowNano":10000000000,"count":1'
    assert_line -n 2 --partial '"group":{"service":"pay"},"windowStartUnixNano":"10000000000"'
    assert_line -n 3 --partial '"windowStartUnixNano":"20000000000"'
    assert_equal "${#lines[@]}" 4
}

@test "times before 1970 are in windows before 0" {
    span 1 s n -1 5 > old.ndjson
    run -0 trace-agg --window=10s --stat=count old.ndjson
    assert_output --partial '"windowStartUnixNano":"-10000000000"'
}

@test "a rate without windows is over the span of the data" {
    run -0 trace-agg --stat=rate spans.ndjson
    assert_output --partial '"rate":0.20833333333333334'
}

@test "a file, a pipe, one thread and eight give the same bytes" {
    for i in $(seq 1 3000); do span "$i" "s$((i % 7))" "n$((i % 11))" "$((i * 9000000))" "$((i * i))"; done > many.ndjson
    trace-agg -j1 --by=service,name --window=1s many.ndjson > one
    trace-agg -j8 --by=service,name --window=1s many.ndjson > eight
    trace-agg --by=service,name --window=1s < <(cat many.ndjson) > pipe
    assert_equal "$(awk -F'"count":' '{ sum += $2 } END { print sum }' one)" 3000
    cmp one eight
    cmp one pipe
}

@test "1 and 1.0 are one group, \"1\" is another, absent is left out" {
    cat > groups.ndjson <<'END'
{"traceId":"1","spanId":"1","attributes":{"k":1}}
{"traceId":"1","spanId":"2","attributes":{"k":1.0}}
{"traceId":"1","spanId":"3","attributes":{"k":"1"}}
{"traceId":"1","spanId":"4"}
{"traceId":"1","spanId":"5","attributes":{"k":null}}
{"traceId":"1","spanId":"6","attributes":{"k":true}}
END
    run -0 trace-agg --by=k --stat=count groups.ndjson
    assert_output --partial '"group":{"k":1},"count":2'
    assert_output --partial '"group":{"k":"1"},"count":1'
    assert_output --partial '"group":{},"count":1'
    assert_output --partial '"group":{"k":null},"count":1'
    assert_output --partial '"group":{"k":true},"count":1'
}

@test "arrays and objects of one value are one group, however written, from NDJSON and binary" {
    {
        for a in '{ "x": 1}' '{"x":1}' '{"x":1.0}' '{"y":[1.50],"x":2}' '{"x":2,"y":[ 1.5 ]}'; do
            printf '{"spanId":"1","traceId":"1","attributes":{"a":%s}}\n' "$a"
        done
    } > objects.ndjson
    run -0 trace-agg --by=a '--stat=count,distinct(a)' objects.ndjson
    assert_output '{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"a":{"x":1}},"count":3,"distinct(a)":1}
{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"a":{"x":2,"y":[1.5]}},"count":2,"distinct(a)":1}'
    text=$output
    run -0 bash -c "trace-span filter -b objects.ndjson | trace-agg --by=a '--stat=count,distinct(a)'"
    assert_output "$text"
}

@test "groups come in the order of their bytes" {
    for name in b a B é '"q' 'a b'; do
        printf '{"traceId":"1","spanId":"1","name":"%s"}\n' "${name//\"/\\\"}"
    done > names.ndjson
    trace-agg --by=name --stat=count names.ndjson | sed -E 's/.*"group":(.*),"count.*/\1/' > got
    sort -c got
    assert_equal "$(wc -l < got)" 6
}

@test "metrics aggregate by name, their values exactly" {
    cat > metrics.ndjson <<'END'
{"metricName":"a","value":0.1,"timeUnixNano":"1"}
{"metricName":"a","value":0.2,"timeUnixNano":"2"}
{"metricName":"a","value":0.3,"timeUnixNano":"3"}
{"metricName":"b","value":1e308}
{"metricName":"b","value":1}
{"metricName":"b","value":-1e308}
{"metricName":"c","value":"up"}
{"metricName":"d","value":9007199254740993}
{"metricName":"d","value":9223372036854775807}
END
    run -0 trace-agg --stat=count,sum,mean,max metrics.ndjson
    assert_line --partial '"metricName":"a","group":{},"count":3,"sum":0.6,"mean":0.2,"max":0.3'
    assert_line --partial '"metricName":"b","group":{},"count":3,"sum":1.0,'
    assert_line '{"type":"aggregate","recordType":"metric","metricName":"c","group":{},"count":1}'
    assert_line --partial '"metricName":"d","group":{},"count":2,"sum":9232379236109516800,"mean":'
}

@test "histogram metrics are merged" {
    cat > histograms.ndjson <<'END'
{"metricName":"h","metricType":"histogram","histogram":{"count":4,"sum":40,"min":1,"max":20,"bounds":[5,10],"bucketCounts":[1,2,1]}}
{"metricName":"h","metricType":"histogram","histogram":{"count":6,"sum":60,"min":2,"max":30,"bounds":[5,10],"bucketCounts":[2,3,1]}}
{"metricName":"e","metricType":"histogram","histogram":{"count":3,"sum":7,"scale":0,"zeroCount":0,"positive":{"offset":0,"bucketCounts":[1,2]}}}
END
    run -0 trace-agg --stat=count,sum,mean,p50,min,max histograms.ndjson
    assert_line '{"type":"aggregate","recordType":"metric","metricName":"h","group":{},"count":2,"sum":100.0,"mean":10.0,"p50":7.0,"min":1.0,"max":30.0,"estimated":["p50"]}'
    assert_line --regexp '"metricName":"e","group":\{\},"count":1,"sum":7\.0,"mean":2\.33333333333333[0-9]+,"p50":2\.6666666666666665\}'
}

@test "points that are totals since a start are added as they are, and said so" {
    cat > points.ndjson <<'END'
{"metricName":"c","metricType":"counter","temporality":"cumulative","value":5}
{"metricName":"c","metricType":"counter","value":7}
{"metricName":"d","metricType":"counter","temporality":"delta","value":1}
{"metricName":"g","metricType":"gauge","value":1}
{"metricName":"h","metricType":"histogram","temporality":"cumulative","histogram":{"count":1,"sum":2,"bounds":[5],"bucketCounts":[1,0]}}
END
    run -0 --separate-stderr trace-agg --stat=sum points.ndjson
    assert_equal "$stderr" 'trace-agg: 3 cumulative points were added as they are: their values are totals since a start, not increases'
    assert_line --partial '"metricName":"c","group":{},"sum":12}'
    run -0 --separate-stderr trace-agg --stat=count points.ndjson
    assert_equal "$stderr" ''
}

@test "a metric that was sampled counts as many times as the rate says" {
    cat > sampled.ndjson <<'END'
{"metricName":"m","value":3,"quality":{"sampleRate":0.1},"dimensions":{"k":"a"}}
{"metricName":"m","value":7,"quality":{"sampleRate":0.5},"dimensions":{"k":"b"}}
{"metricName":"m","value":50,"quality":{"sampleRate":1},"dimensions":{"k":"b"}}
{"metricName":"m","value":"up","quality":{"sampleRate":0.25}}
{"metricName":"f","value":1,"quality":{"sampleRate":0.3}}
{"metricName":"f","value":2}
{"metricName":"h","histogram":{"count":4,"sum":40,"bounds":[5,10],"bucketCounts":[1,2,1]},"quality":{"sampleRate":0.5}}
END
    options=('--stat=count,sum,mean,stddev,p50,p99,max,distinct(k),topk(9,k),apdex(6)')
    trace-agg "${options[@]}" sampled.ndjson > got
    # 10 times 3, twice 7, once 50 and four that are no numbers: stddev by awk
    deviation=$(awk 'BEGIN { m = 94 / 13; printf "%.12g", sqrt((10 * (3 - m)^2 + 2 * (7 - m)^2 + (50 - m)^2) / 12) }')
    run -0 cat got
    assert_line --regexp "\"metricName\":\"m\",\"group\":\{\},\"count\":17,\"sum\":94,\"mean\":7\.23076923076923[0-9]*,\"stddev\":${deviation%??}[0-9]*,\"p50\":(2\.99|3\.0)[0-9]*,\"p99\":50\.0,\"max\":50,"
    assert_line --partial '"distinct(k)":2,"topk(9,k)":[{"value":"a","count":10},{"value":"b","count":3}],"apdex(6)":0.8461538461538461}'
    # 3 1/3 is held as 218,453 of 1/65,536
    assert_line --partial '"metricName":"f","group":{},"count":4.3333282470703125,"sum":5.3333282470703125,'
    assert_line --partial '"metricName":"h","group":{},"count":2,"sum":80.0,"mean":10.0,'
    for parts in 2 5; do
        split -n "r/$parts" sampled.ndjson piece
        for piece in piece*; do trace-agg --partial "${options[@]}" "$piece"; done | trace-agg --merge > merged
        cmp got merged
        rm piece*
    done
    trace-span filter --type=metric -b sampled.ndjson | trace-agg "${options[@]}" > binary
    cmp got binary
}

@test "a sampling rate that is none is counted, and its record once" {
    run -0 --separate-stderr bash -c "printf '{\"metricName\":\"m\",\"value\":1,\"quality\":{\"sampleRate\":%s}}\n' 0 2 '\"x\"' -1 1e-30 null 0.25 | trace-agg --stat=count,sum"
    assert_equal "$output" '{"type":"aggregate","recordType":"metric","metricName":"m","group":{},"count":10,"sum":10}'
    assert_equal "$stderr" 'trace-agg: 5 quality.sampleRates are none (above 0, up to 1): their records count once'
}

@test "distinct, topk, apdex and stddev" {
    run -0 trace-agg --stat='distinct(service),topk(2,name),apdex(30),stddev' spans.ndjson
    assert_output --partial '"distinct(service)":2,'
    assert_output --partial '"topk(2,name)":[{"value":"add","count":3},{"value":"charge","count":1}]'
    assert_output --partial '"apdex(30)":0.5,'
    assert_output --regexp '"stddev":436\.1765697512878\}'
}

@test "an estimate says that it is one" {
    seq 5000 | sed 's/.*/{"spanId":"1","traceId":"1","attributes":{"u":&,"v":1}}/' > users.ndjson
    run -0 trace-agg --stat='distinct(u),distinct(v)' users.ndjson
    assert_output --regexp '"distinct\(u\)":(4[89]|5[01])[0-9]{2},"distinct\(v\)":1,"estimated":\["distinct\(u\)"\]\}$'
    run -0 bash -c "head -n 4096 users.ndjson | trace-agg --stat='distinct(u)'"
    assert_output --partial '"distinct(u)":4096}'
}

@test "a histogram has the buckets that quantiles are read from, and is one again" {
    cat >values.ndjson <<'EOF'
{"metricName":"g","value":-2.5}
{"metricName":"g","value":-2.5,"quality":{"sampleRate":0.4}}
{"metricName":"g","value":0}
{"metricName":"g","value":3}
{"metricName":"g","value":1e300}
{"metricName":"g","value":"Infinity"}
{"metricName":"none","value":"text"}
{"metricName":"b","metricType":"histogram","temporality":"delta","histogram":{"count":6,"sum":1.5,"min":0.25,"max":2.0,"bounds":[0.5,1.0],"bucketCounts":[1,2,3]}}
EOF
    run -0 --separate-stderr bash -c 'trace-agg --stat="histogram(2)" values.ndjson | jq -c ".histogram"'
    assert_line -n 0 '{"count":6,"sum":1.5,"min":0.25,"max":2,"bounds":[0.5,1],"bucketCounts":[1,2,3]}'
    # a scale of two buckets for 3 and 1e300; the sum is none, and the largest no bound
    assert_line -n 1 '{"count":7,"min":-2.5,"scale":-9,"zeroCount":1,"positive":{"offset":0,"bucketCounts":[1,1]},"negative":{"offset":0,"bucketCounts":[4]}}'
    assert_line -n 2 null
    # counts that weights make fractions of are rounded so that they add up: 2.5, 5 and 7.5
    run -0 bash -c 'grep "\"b\"" values.ndjson | sed "s/}}$/},\"quality\":{\"sampleRate\":0.4}}/" | trace-agg --stat=histogram | jq -c ".histogram | [.count, .bucketCounts]"'
    assert_output '[15,[3,5,7]]'
    # as a metric again it says the same
    local stats=sum,min,max,p0,p50,p90,p99.9
    grep -v -e Infinity -e quality values.ndjson >finite.ndjson
    trace-agg --stat=histogram finite.ndjson |
        jq -c 'select(.histogram) | {type: "metric", metricName, metricType: "histogram", temporality: "delta", histogram}' |
        trace-agg --stat="$stats" >again
    assert_equal "$(jq -c '[.metricName, .sum, .min, .max, .p0, .p50, .p90, ."p99.9"]' again)" \
        "$(trace-agg --stat="$stats" <finite.ndjson | jq -c 'select(.sum) | [.metricName, .sum, .min, .max, .p0, .p50, .p90, ."p99.9"]')"
}

@test "--value aggregates another field" {
    run -0 trace-agg --value=size --stat=count,sum <<<'{"traceId":"1","spanId":"1","attributes":{"size":7}}'
    assert_output --partial '"metricName":"size","group":{},"count":1,"sum":7}'
}

@test "logs are counted, with their errors" {
    run -0 trace-agg --by=service --stat=count,errors <<'END'
{"body":"x","severity":"error","service":"a"}
{"body":"x","severity":"info","service":"a"}
END
    assert_output '{"type":"aggregate","recordType":"log","group":{"service":"a"},"count":2,"errors":1}'
}

@test "spans that end before they start are counted, without a duration" {
    run -0 --separate-stderr trace-agg --stat=count,sum,p50 <<<'{"traceId":"1","spanId":"1","startTimeUnixNano":"10","endTimeUnixNano":"1"}'
    assert_output '{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{},"count":1}'
    assert_equal "$stderr" 'trace-agg: 1 span ends before it starts: counted without a duration'
}

@test "records without a time are in no window, and said so" {
    run -0 --separate-stderr trace-agg --window=1s <<<'{"traceId":"1","spanId":"1"}'
    assert_output ''
    assert_equal "$stderr" 'trace-agg: 1 record without a time is in no window'
}

@test "--lateness closes windows as time goes on; late records are counted" {
    { cat spans.ndjson; span 9 cart add 3000000000 5; } > late.ndjson
    run -0 --separate-stderr trace-agg --window=10s --lateness=0s --stat=count late.ndjson
    assert_output --partial '"windowStartUnixNano":"0","windowNano":10000000000,"count":2'
    assert_equal "$stderr" 'trace-agg: 1 late record was left out: its window had been closed (--lateness)'
    run -0 --separate-stderr trace-agg --window=10s --lateness=1m --stat=count late.ndjson
    assert_output --partial '"windowStartUnixNano":"0","windowNano":10000000000,"count":3'
    assert_equal "$stderr" ''
}

@test "a record of a time yet to come is in its window, and makes no other late" {
    { head -n 1 spans.ndjson; span 8 cart add "$(($(date +%s) + 7200))000000000" 5; sed 1d spans.ndjson; } > skewed.ndjson
    run -0 --separate-stderr trace-agg --window=10s --lateness=0s --stat=count skewed.ndjson
    assert_equal "$(jq -s -c 'map(.count)' <<<"$output")" '[2,2,1,1]'
    assert_equal "$stderr" 'trace-agg: 1 record is of a time that is yet to come: it does not close windows'
}

@test "times of 0 and before 1970 are told" {
    { span 1 s n 0 5; span 2 s n -7 5; span 3 s n 1000000000 5; } > old.ndjson
    run -0 --separate-stderr trace-agg --window=1s --stat=count old.ndjson
    assert_equal "${#lines[@]}" 3
    assert_equal "$stderr" 'trace-agg: there are records of 1970 or before: a time of 0 may be none at all'
    run -0 --separate-stderr trace-agg --stat=count old.ndjson
    assert_equal "$stderr" ''
    sed 1,2d old.ndjson > new.ndjson
    run -0 --separate-stderr trace-agg --window=1s --stat=count new.ndjson
    assert_equal "$stderr" ''
}

@test "a clock record closes windows and goes on" {
    { cat spans.ndjson; echo '{"type":"clock","timeUnixNano":"99000000000"}'; span 9 s n 1000000000 5; } > clock.ndjson
    run -0 --separate-stderr trace-agg --window=10s --lateness=0s --stat=count clock.ndjson
    assert_line -n 3 '{"type":"clock","timeUnixNano":"99000000000"}'
    assert_equal "${#lines[@]}" 4
    assert_equal "$stderr" 'trace-agg: 1 late record was left out: its window had been closed (--lateness)'
}

@test "a window comes out while the pipe is still open" {
    mkfifo pipe
    trace-agg --window=10s --lateness=0s --stat=count < pipe > out &
    exec 5> pipe
    cat spans.ndjson >&5
    for _ in $(seq 50); do
        [[ $(wc -l < out) -ge 2 ]] && break
        sleep 0.1
    done
    assert_equal "$(wc -l < out)" 2
    exec 5>&-
    wait
    assert_equal "$(wc -l < out)" 3
}

@test "beyond --max-groups everything is one group, and said so" {
    run -0 --separate-stderr trace-agg --max-groups=1 --by=service --stat=count -j1 spans.ndjson
    assert_line '{"type":"aggregate","group":{},"overflow":true,"count":1}'
    assert_equal "$stderr" 'trace-agg: more than 1 groups (--max-groups): the rest is counted in one'
}

@test "usage errors name what is wrong" {
    run -2 trace-agg --stat=p95x spans.ndjson
    assert_line -n 0 --partial "unknown statistic 'p95x'"
    run -2 trace-agg --stat=cuont spans.ndjson
    assert_line -n 0 --partial 'did you mean count?'
    run -2 trace-agg --lateness=1s spans.ndjson
    assert_line -n 0 --partial '--lateness needs --window'
    run -2 trace-agg --stat='topk(0,name)' spans.ndjson
    run -2 trace-agg --stat=p101 spans.ndjson
    run -2 trace-agg --expect=a spans.ndjson
    run -2 trace-agg --window=0s spans.ndjson
    assert_line -n 0 'trace-agg: --window must be longer than 0'
    run -2 trace-agg --stat= spans.ndjson
    assert_line -n 0 'trace-agg: --stat names no statistic'
    for stat in 'histogram(1)' 'histogram(x)' 'histogram(1000001)'; do
        run -2 trace-agg --stat="$stat" spans.ndjson
        assert_line -n 0 "trace-agg: '$stat' is not histogram(N) with N buckets from 2 to 1000000"
    done
    run -2 trace-agg --stat='histogram,p50,histogram(9)' spans.ndjson
    assert_line -n 0 'trace-agg: a record has one histogram: histogram(9) is a second one'
    run -2 trace-agg --value= spans.ndjson
    assert_line -n 0 'trace-agg: --value names no field'
}

@test "a field that no record had is named, with the nearest one" {
    run -0 --separate-stderr trace-agg --by=servce spans.ndjson
    assert_equal "$stderr" "trace-agg: no record had the field 'servce': did you mean 'service'?"
}

@test "--memory is a limit, and said so" {
    for i in $(seq 1 5000); do span "$i" "s$i" n 1000000000 5; done > wide.ndjson
    run -4 --separate-stderr trace-agg --memory=1M --by=service wide.ndjson
    assert_output ''
    assert_equal "$stderr" 'trace-agg: the groups need more memory than --memory allows (--max-groups limits them)'
    run -0 trace-agg --memory=64M --by=service wide.ndjson
    assert_equal "${#lines[@]}" 5000
}

@test "--memory is a limit of what topk and distinct hold, too, and of a merge" {
    seq 8000 | sed 's/.*/{"spanId":"1","traceId":"1","name":"&-a-rather-long-name-of-an-operation-that-takes-some-room-in-memory-&"}/' > names.ndjson
    for stat in 'topk(3,name)' 'distinct(name)'; do
        run -4 --separate-stderr trace-agg -j1 --memory=64K --stat="$stat" names.ndjson
        assert_output ''
        assert_equal "$stderr" 'trace-agg: the groups and what distinct and topk count need more memory than --memory allows (--max-groups limits them)'
        run -0 trace-agg -j1 --memory=16M --stat="$stat" names.ndjson
        trace-agg --partial --stat="$stat" names.ndjson > partial
        run -4 trace-agg --merge --memory=12K partial
        run -0 trace-agg --merge --memory=16M partial
    done
}

# What is read from a binary stream is grouped by its dictionaries, not by the bytes of each record.
@test "groups are told apart by all of their bytes, however many there are" {
    for long in 1 40 80; do
        seq 3000 | awk -v long="$long" '
            { pad = ""; while (length(pad) < long) pad = pad "x" }
            { for (k = 0; k < 4; k++)
                printf "{\"traceId\":\"1\",\"spanId\":\"1\",\"durationNano\":%d,\"service\":\"%s\",\"name\":%s}\n", $1,
                    substr(pad, 1, $1 % 9), k < 3 ? "\"" pad ($1 % (k == 1 ? 7 : 2000)) "\"" : $1 % 5 }' |
            sed 's/"x9"/"\\u00789"/' > groups.ndjson
        trace-span filter -b groups.ndjson > groups.bin
        for by in service,name name service; do
            trace-agg --by=$by --stat=count,sum,min,p50 groups.bin > wanted
            trace-agg -j1 --by=$by --stat=count,sum,min,p50 groups.ndjson > got
            cmp wanted got
            cat groups.ndjson groups.ndjson groups.ndjson | trace-agg --by=$by --stat=min,p50 > got
            trace-agg --by=$by --stat=min,p50 groups.bin > wanted
            cmp wanted got
        done
        trace-agg --by=name --stat=count groups.ndjson > got
        assert_equal "$(jq -s 'map(.count) | add' got)" 12000
        assert_equal "$(grep -c '"recordType"' got)" "$(jq -c .name groups.ndjson | sort -u | wc -l)"
    done
}

@test "many spans of few groups are the same from NDJSON and binary, in whatever order they come" {
    awk 'BEGIN {
        for (i = 0; i < 9000; i++) {
            a = i * 7919 % 9001; status = a % 5 == 0 ? "error" : a % 5 == 1 ? "ok" : "unset"
            service = a % 11 ? ",\"service\":\"s" a % 3 "\"" : ""
            kind = a % 2 ? "server" : "client"
            start = 1000000000 + a; end = start + (a * a) % 90001 + (a % 17 ? 0 : 4000000000)
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",", i + 1, i + 1
            printf "\"name\":\"n%d\",\"kind\":\"%s\",", a % 7, kind
            printf "\"startTimeUnixNano\":\"%.0f\",\"endTimeUnixNano\":\"%.0f\",", start, end
            printf "\"status\":\"%s\"%s,\"attributes\":{\"one\":1}}\n", status, service
        }
    }' > few.ndjson
    trace-span filter -b few.ndjson > few.bin
    for by in service service,name name,service,kind attributes.one service,attributes.one traceId; do
        for options in --stat=count,errors,sum,min,max,p50,p99,p100 --stat=stddev,count --stat=errors; do
            trace-agg -j1 --type=span --by="$by" "$options" few.ndjson > wanted
            trace-agg -j1 --type=span --by="$by" "$options" few.bin | cmp - wanted
            trace-agg -j2 --type=span --by="$by" "$options" few.bin | cmp - wanted
            tac few.ndjson | trace-agg --type=span --by="$by" "$options" | cmp - wanted
        done
    done
    trace-agg --type=span --by=service --stat=count,errors,sum,max few.bin > got
    jq -s 'group_by(.service)[] | {s: .[0].service, count: length,
            errors: map(select(.status == "error")) | length,
            sum: map((.endTimeUnixNano | tonumber) - (.startTimeUnixNano | tonumber)) | add,
            max: map((.endTimeUnixNano | tonumber) - (.startTimeUnixNano | tonumber)) | max}' \
        few.ndjson | jq -Sc . > wanted
    jq -Sc '{s: .group.service, count, errors, sum, max}' got | sort > got.sorted
    sort wanted | cmp - got.sorted
}
