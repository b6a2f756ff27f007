#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record import: CSV and TSV.
bats_require_minimum_version 1.5.0

load ../helper
load import

setup() {
    data=$top_srcdir/tests/data/otlp
    cd "$BATS_TEST_TMPDIR" || return
}

ids='"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"'
row=5b8efff798038103d269b633813fc60c,eee19b7ec3c1b174

@test 'what this package writes comes back' {
    for format in csv tsv; do
        for fields in traceId,spanId,parentSpanId,name,kind,startTimeUnixNano,endTimeUnixNano,durationNano,status,statusMessage,service,attributes,resource,scope,events,links,traceState,flags \
            traceId,spanId,name,http.route,retries,service.name,startTimeUnixNano; do
            trace-record import --fields="$fields" --format=$format "$data/span.json" "$data/values.json" >table
            trace-record import table >back
            trace-record import --fields="$fields" --format=$format back | diff table -
            assert_equal "$(wc -l <back)" 2
            refute_regex "$(cat back)" '"attributes":"'
        done
        trace-record import --fields=metricName,metricType,value,unit,timeUnixNano,dimensions,temporality,histogram,summary,exemplars,resource,quality,isMonotonic,startTimeUnixNano --format=$format "$data/metrics.json" >table 2>said
        trace-record import table >back
        trace-record import --fields=metricName,metricType,value,unit,timeUnixNano,dimensions,temporality,histogram,summary,exemplars,resource,quality,isMonotonic,startTimeUnixNano --format=$format back | diff table -
        assert_equal "$(wc -l <back)" 17
    done
    # all of a span: events, links and attributes are the same records again
    trace-record import "$data/span.json" >whole
    trace-record import --format=csv --fields=traceId,spanId,parentSpanId,name,kind,startTimeUnixNano,endTimeUnixNano,durationNano,status,statusMessage,service,attributes,resource,scope,events,links,traceState,flags,droppedAttributesCount,droppedEventsCount,droppedLinksCount,schemaUrl whole |
        trace-record import | cmp whole -
}

@test 'aggregates come back' {
    trace-record import "$data/span.json" | trace-agg --by=service,http.route --stat=count,mean >aggregates
    trace-record import --format=csv aggregates >table
    trace-record import --from=csv table | diff aggregates -
}

@test 'RFC 4180: quotes, quotes in quotes, newlines, CR LF and the last line without one' {
    options=()
    printf 'traceId,spanId,name,"a,b"\r\n%s,"say ""hi"",\r\nthen\n",x\r\n%s,"",""' "$row" "$row" |
        becomes "{\"type\":\"span\",$ids,\"name\":\"say \\\"hi\\\",\\r\\nthen\\n\",\"attributes\":{\"a,b\":\"x\"}}" \
            "{\"type\":\"span\",$ids,\"name\":\"\"}"
    # a quote inside a cell is one
    printf 'traceId,spanId,name\n%s,5" disk\n%s,"x"y\n' "$row" "$row" |
        becomes "{\"type\":\"span\",$ids,\"name\":\"5\\\" disk\"}" "{\"type\":\"span\",$ids,\"name\":\"xy\"}"
}

@test 'the escapes of TSV, and the apostrophe of CSV' {
    options=()
    printf 'traceId\tspanId\tname\n%s\ta\\tb\\nc\\\\d\n' "${row/,/$'\t'}" |
        becomes "{\"type\":\"span\",$ids,\"name\":\"a\\tb\\nc\\\\d\"}"
    printf "traceId,spanId,name\n%s,'=1+1\n%s,'tis\n" "$row" "$row" |
        becomes "{\"type\":\"span\",$ids,\"name\":\"=1+1\"}" "{\"type\":\"span\",$ids,\"name\":\"'tis\"}"
}

@test 'a cell is what its field holds; columns of no field are attributes or dimensions' {
    options=()
    printf 'traceId,spanId,name,startTimeUnixNano,endTimeUnixNano,durationNano,n,s,o,resource.host.name,b\n%s,007,2026-01-05T10:00:00.5Z,1767607201000000000,5,12,x1,"{""a"": 1}",h1,true\n' "$row" |
        becomes "{\"type\":\"span\",$ids,\"name\":\"007\",\"startTimeUnixNano\":\"1767607200500000000\",\"endTimeUnixNano\":\"1767607201000000000\",\"durationNano\":5,\"attributes\":{\"n\":12,\"s\":\"x1\",\"o\":{\"a\":1},\"b\":true},\"resource\":{\"host.name\":\"h1\"}}"
    printf 'metricName,value,route,attributes.x\nm,1.50,/a,1\nm,,"",\n' |
        becomes '{"type":"metric","metricName":"m","value":1.50,"dimensions":{"route":"/a","attributes.x":1}}' \
            '{"type":"metric","metricName":"m"}'
    printf 'timeUnixNano,severity,body,k,attributes\n5,warn,hello,1,"{""l"":2}"\n' |
        becomes '{"type":"log","timeUnixNano":"5","severity":"warn","body":"hello","attributes":{"k":1,"l":2}}'
}

@test '--columns names them where there is no heading, or renames some' {
    options=(--from=csv --columns=metricName,value,host)
    printf 'm,1,h1\nm,2,h2\n' | becomes '{"type":"metric","metricName":"m","value":1,"dimensions":{"host":"h1"}}' \
        '{"type":"metric","metricName":"m","value":2,"dimensions":{"host":"h2"}}'
    options=(--from=csv --columns=what=metricName,when=timeUnixNano)
    printf 'what,when,value\nm,5,1\n' | becomes '{"type":"metric","metricName":"m","value":1,"timeUnixNano":"5"}'
    options=(--from=tsv --columns=metricName,value)
    printf 'm\t1\nm\t2\n' | becomes '{"type":"metric","metricName":"m","value":1}' '{"type":"metric","metricName":"m","value":2}'
    run -2 --separate-stderr trace-record import --from=csv --columns=a,b=c in
    assert_equal "${stderr_lines[0]}" 'trace-record: --columns: either names of all columns, or NAME=FIELD'
}

@test 'a bad row costs itself' {
    local -a cases=(
        "$row" '2 cells where there are 4 columns'
        "$row,x,1,2" '5 cells where there are 4 columns'
        ',eee19b7ec3c1b174,x,1' 'a span without traceId'
        "$row,x,soon" 'startTimeUnixNano is not an int64'
        ',,x,1' 'a row of no type of record: it has neither a type nor a metricName, spanId, ...'
        "${row},"$'\xff'",1" 'a text that is not UTF-8 in column 3'
    )
    for ((at = 0; at < ${#cases[@]}; at += 2)); do
        printf '%s\n' traceId,spanId,name,startTimeUnixNano "$row,a,1" "${cases[at]}" "$row,b,2" >in
        run -3 --separate-stderr trace-record import --rejects=rejects in
        assert_equal "${#lines[@]}" 2
        [[ $stderr == "trace-record: in:3: ${cases[at + 1]}"* ]] || { echo "$stderr" && return 1; }
        assert_equal "$(cat rejects)" "${cases[at]}"
    done
    printf 'traceId,spanId,name\n%s,a\n%s,"b\n%s,c\n' "$row" "$row" "$row" >in
    run -3 --separate-stderr trace-record import in
    assert_equal "${#lines[@]}" 1
    assert_equal "$stderr" 'trace-record: in:3: a quote that is not closed'
}

@test 'lines are counted through rows of several lines' {
    printf 'traceId,spanId,name\n%s,"a\nb\nc"\n%s\n' "$row" "$row" >in
    run -3 --separate-stderr trace-record import in
    assert_equal "$stderr" 'trace-record: in:5: 2 cells where there are 3 columns'
}

@test 'the number of threads and the size of reads do not matter' {
    {
        echo traceId,spanId,name,k
        for ((i = 0; i < 20000; i++)); do printf '%s,"a\n""%s",%s\n' "$row" $i $i; done
    } >in
    trace-record import -j1 in >1
    assert_equal "$(wc -l <1)" 20000
    trace-record import -j4 in | cmp 1 -
    (while IFS= read -r -N 5003 piece || [[ -n $piece ]]; do printf '%s' "$piece"; done <in) | trace-record import | cmp 1 -
    run -4 --separate-stderr trace-record import --from=csv --line-limit=30 in
}

# nezha: how a table of spans of Nezha calls its columns.
nezha=TraceID=traceId,SpanID=spanId,ParentID=parentSpanId,PodName=service,OperationName=name
nezha+=,StartTimeUnixNano=startTimeUnixNano,EndTimeUnixNano=endTimeUnixNano

@test 'Nezha: durations in microseconds beside nanoseconds, a trace over two files, ids twice, children that outlast' {
    need_command jq
    local head=TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration
    local trace=8344c6bbb62a68a3eaebf0077ca7f7e5
    printf '%s\n' "$head" "$trace,38009907060427dd,root,gateway,/*,1000000,31497824,30497" \
        "$trace,b4b9bcdec2d5f4c6,38009907060427dd,gateway,handle,2000000,99000001,97000" >first.csv
    printf '%s\n' "$head" "$trace,b4b9bcdec2d5f4c6,38009907060427dd,gateway,handle,500000,99000001,98500" \
        "$trace,0000000000000001,b4b9bcdec2d5f4c6,order,/,3000000,4000000,1000" >second.csv
    trace-record import --from=csv --columns="$nezha" first.csv second.csv >out
    # What is derived is of the nanoseconds; what the table says is an attribute, and nothing is moved.
    assert_equal "$(jq -c '[.spanId[-4:],.startTimeUnixNano,.durationNano,.attributes.Duration]' out)" '["27dd","1000000",30497824,30497]
["f4c6","2000000",97000001,97000]
["f4c6","500000",98500001,98500]
["0001","3000000",1000000,1000]'
    assert_equal "$(trace-span assemble --summary out | jq -c '[.traceId,.structure.spanCount]')" "[\"$trace\",4]"
}

@test 'Nezha: every row of a day is a span, every trace is one' {
    need_data traces/nezha/nezha-dev.tar.xz
    need_command jq xz
    tar -xJf "$TRACECORE_TEST_DATA/traces/nezha/nezha-dev.tar.xz" --wildcards 'nezha-dev/rca_data/*trace.csv'
    local files=(nezha-dev/rca_data/*/trace/*.csv)
    assert_equal "${#files[@]}" 51
    trace-record import --from=csv --columns="$nezha" "${files[@]}" >out
    assert_equal "$(wc -l <out)" 179170
    trace-span assemble --summary out >traces
    assert_equal "$(wc -l <traces)" 2475
    assert_equal "$(jq -s 'map(.structure.spanCount) | add' traces)" 179170
}
