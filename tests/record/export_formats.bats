# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record export to Jaeger, Zipkin, Chrome, OpenMetrics, CSV and MPLP.

load ../helper
load export

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# back FORMAT FILE: the records of the file come back, whatever their order and that of their keys.
back() {
    if trace-record import --from="$1" /dev/null 2>&1 | grep -q 'is no format\|is none of'; then
        return 0 # this import does not read it
    fi
    trace-record export --to-format="$1" "$2" >out 2>notes
    trace-record import --from="$1" out >again 2>/dev/null
    assert_equal "$(jq -cS . again | sort)" "$(jq -cS . "$2" | sort)"
    assert_equal "$(cat notes)" ''
}

@test 'Jaeger brings back what it has a place for' {
    spans >in
    cat >>in <<'EOF'
{"type":"span","traceId":"000000000000000000000000000000ab","spanId":"0000000000000005","name":"typed","kind":"unspecified","startTimeUnixNano":"5000","endTimeUnixNano":"6000","durationNano":1000,"status":"unset","service":"s","attributes":{"i":-7,"d":0.5,"one":1.0,"t":true,"b":{"bytesValue":"AAEC"},"jaeger.warnings":["w"]},"resource":{"host":"h","n":1,"service.name":"s"},"events":[{"timeUnixNano":"5000","name":"e","attributes":{"k":2}}],"links":[{"traceId":"000000000000000000000000000000aa","spanId":"0000000000000001","attributes":{"opentracing.ref_type":"follows_from"}}],"flags":1}
EOF
    back jaeger in
}

@test 'a link that Jaeger reads as a parent is said' {
    local link
    for link in '"traceId":"1",' ''; do
        echo '{"spanId":"2","traceId":"1","links":[{'"$link"'"spanId":"1"}]}' >in
        export_as jaeger in
        [[ $stderr == *': links (read as parents) of 1 span record' ]]
        [[ $(trace-record import --from=jaeger <<<"$output") == *'"parentSpanId":"0000000000000001"'* ]]
    done
    echo '{"spanId":"2","traceId":"1","links":[{"traceId":"2","spanId":"1"}]}
{"spanId":"2","traceId":"1","parentSpanId":"3","links":[{"traceId":"1","spanId":"1"}]}' >in
    export_as jaeger in
    assert_equal "$stderr" ''
}

@test 'Jaeger has traces by start, with their processes' {
    { spans | tac; echo '{"spanId":"9","traceId":"ff","name":"first","startTimeUnixNano":1000,"endTimeUnixNano":2000,"resource":{"service.name":"front"}}'; } >in
    export_as jaeger in
    assert_success
    assert_equal "$(jq -c '[.data[] | [.traceID[30:], [.spans[] | .operationName], (.processes | length)]]' <<<"$output")" \
        '[["ff",["first"],1],["aa",["GET /","work","in","beside"],2]]'
    assert_equal "$(jq -c '.data[1] as $t | $t.spans[1] | [$t.processes[.processID].serviceName, .startTime, .duration, .references]' <<<"$output")" \
        '["back",2000,1000,[{"refType":"CHILD_OF","traceID":"000000000000000000000000000000aa","spanID":"0000000000000001"}]]'
    assert_equal "$stderr" ''
    export_as jaeger /dev/null
    assert_output '{"data":[]}'
    export_as jaeger --memory=1K in
    assert_failure 4
    [[ $stderr == *'give more with --memory=SIZE'* ]]
}

@test 'what Jaeger and Zipkin have no place for is said' {
    echo '{"spanId":"1","traceId":"1","startTimeUnixNano":1990,"endTimeUnixNano":4000,"attributes":{"l":[1],"n":null},"flags":257,"schemaUrl":"u","links":[{"spanId":"2","traceId":"1","flags":1}],"events":[{"name":"e","timeUnixNano":"2000","attributes":{"a":1}}]}' >in
    export_as jaeger in
    assert_equal "$stderr" 'trace-record: left out, as Jaeger has no place for it: flags of 1 span record; links (read as parents) of 1 span record; links.flags of 1 span record; lists and objects (now texts) of 1 span record; nanoseconds of 1 span record; nulls of 1 span record; schemaUrl of 1 span record'
    assert_equal "$(jq -c '.data[0].spans[0] | [.startTime, .duration]' <<<"$output")" '[1,3]' # ends at 4
    export_as zipkin in
    assert_equal "$stderr" 'trace-record: left out, as Zipkin has no place for it: events.attributes of 1 span record; flags of 1 span record; links of 1 span record; nanoseconds of 1 span record; nulls of 1 span record; schemaUrl of 1 span record; types of attributes (now texts) of 1 span record'
}

# loses FORMAT TEXT: exporting records of all fields says that.
loses() {
    export_as "$1" in
    assert_success
    assert_equal "${stderr##*has no place for it: }" "$2"
}

@test 'what a format has no place for in records of all fields is said' {
    records >in
    loses jaeger 'events without a time (now at 0) of 1 span record; events.droppedAttributesCount of 1 span record; flags of 1 span record; links.attributes of 1 span record; links.droppedAttributesCount of 1 span record; links.flags of 1 span record; links.traceState of 1 span record; lists and objects (now texts) of 1 span record; nanoseconds of 1 span record; nulls of 1 span record; schemaUrl of 1 span record; scope of 1 span record; scope.attributes of 1 span record'
    loses zipkin 'events without a time of 1 span record; events.attributes of 1 span record; events.droppedAttributesCount of 1 span record; flags of 1 span record; links of 1 span record; nanoseconds of 1 span record; nulls of 1 span record; resource (now tags) of 1 span record; schemaUrl of 1 span record; scope of 1 span record; scope.attributes of 1 span record; types of attributes (now texts) of 1 span record'
    loses openmetrics 'exemplars of 1 metric record; exponential buckets (now classic) of 1 metric record; flags of 1 metric record; histogram.min and max of 1 metric record; histogram.sum of 1 metric record; isMonotonic of 1 metric record; letters of names (now _) of 1 metric record; metadata of 1 metric record; resource (now labels) of 1 metric record; temporality of 2 metric records; types of labels (now texts) of 1 metric record; unit of 2 metric records'
    loses mplp '2 span records (of no execution); 2 log records (of no execution); description of 1 metric record; exemplars of 2 metric records; flags of 1 metric record; histogram (now its sum) of 2 metric records; isMonotonic of 2 metric records; startTimeUnixNano of 1 metric record; summary (now its sum) of 1 metric record; temporality of 4 metric records'
    grep '^{"type":"span"' <(records) >in
    loses chrome '1 span record (it has no start); droppedAttributesCount of 1 span record; droppedEventsCount of 1 span record; droppedLinksCount of 1 span record; events (without a time) of 1 span record; events.droppedAttributesCount of 1 span record; flags of 1 span record; links (to spans that are not there) of 1 span record; links.attributes of 1 span record; links.droppedAttributesCount of 1 span record; links.flags of 1 span record; links.traceState of 1 span record; resource of 1 span record; schemaUrl of 1 span record; scope of 1 span record; traceState of 1 span record'
    grep -v '^{"type":"span"' <(records) >in
    loses chrome '4 metric records (its value is no number); 1 log record (it has no time); description of 1 metric record; exemplars of 1 metric record; flags of 1 metric record; isMonotonic of 2 metric records; metadata of 1 metric record; metricType of 1 metric record; startTimeUnixNano of 1 metric record; temporality of 2 metric records; unit of 1 metric record; droppedAttributesCount of 1 log record; flags of 1 log record; observedTimeUnixNano of 1 log record; schemaUrl of 1 log record; scope of 1 log record; severityNumber of 1 log record; severityText of 1 log record'
}

@test 'Zipkin brings back what it has a place for' {
    spans >in
    cat >>in <<'EOF'
{"type":"span","traceId":"000000000000000000000000000000ab","spanId":"0000000000000005","name":"n","kind":"producer","startTimeUnixNano":"5000","endTimeUnixNano":"6000","durationNano":1000,"status":"unset","service":"s","attributes":{"k":"v","zipkin.debug":true,"zipkin.shared":true,"network.local.address":"10.0.0.1","network.local.port":80,"peer.service":"p","network.peer.address":"fe80::1","network.peer.port":443},"resource":{"service.name":"s"}}
EOF
    back zipkin in
    export_as zipkin in
    assert_equal "$(jq -c '.[4] | [.kind, .localEndpoint, .remoteEndpoint, .debug, .shared, .tags]' <<<"$output")" \
        '["PRODUCER",{"serviceName":"s","ipv4":"10.0.0.1","port":80},{"serviceName":"p","ipv6":"fe80::1","port":443},true,true,{"k":"v"}]'
    export_as zipkin /dev/null
    assert_output '[]'
}

@test 'an attribute of the span stands before one of its resource in Zipkin' {
    echo '{"spanId":"1","traceId":"1","attributes":{"k":"span"},"resource":{"k":"resource","l":"m"}}' >in
    export_as zipkin in
    [[ $output == *'"tags":{"k":"span","l":"m"}}'* ]]
    assert_equal "$stderr" 'trace-record: left out, as Zipkin has no place for it: resource of 1 span record; resource (now tags) of 1 span record'
}

@test 'an address that Zipkin would refuse is a tag' {
    local address
    for address in 10.0.0.07 1.2.3 localhost 1:2 ''; do
        echo '{"spanId":"1","traceId":"1","attributes":{"network.peer.address":"'$address'"}}' >in
        export_as zipkin in
        [[ $output == *'"tags":{"network.peer.address":"'$address'"}}'* && $output != *Endpoint* ]]
    done
}

@test 'Chrome has a process a service, tracks without overlaps, and flows' {
    spans >in
    export_as chrome in
    assert_success
    assert_equal "$(jq -c '[.[] | select(.ph == "M") | [.pid, .args.name]]' <<<"$output")" '[[1,"front"],[2,"back"]]'
    # GET / on a track of its process; work and in nested; beside overlaps in, and is elsewhere
    assert_equal "$(jq -c '[.[] | select(.ph == "X") | [.name, .pid, .tid, .ts, .dur, .cat]]' <<<"$output")" \
        '[["GET /",1,1,1000,8000,"client"],["work",2,1,2000,1000,"server"],["in",2,1,2100,100,"internal"],["beside",2,2,2150,150,"internal"]]'
    assert_equal "$(jq -c '[.[] | select(.ph == "s" or .ph == "f") | [.ph, .id, .pid, .tid, .ts]]' <<<"$output")" \
        '[["s",1,1,1,2000],["f",1,2,1,2000],["s",2,2,1,2150],["f",2,2,2,2150]]'
    assert_equal "$(jq -c '.[] | select(.name == "hit") | [.ph, .pid, .tid, .ts]' <<<"$output")" '["i",2,1,2500]'
    assert_equal "$(jq -c '.[] | select(.name == "GET /") | .args | [.spanId, .status, .statusMessage, .["http.route"]]' <<<"$output")" \
        '["0000000000000001","error","boom","/"]'
}

@test 'a track of Chrome is free for who starts when another ends' {
    printf '{"spanId":"%d","traceId":"%d","startTimeUnixNano":%d,"endTimeUnixNano":%d}\n' 1 1 1000 2000 2 2 2000 3000 3 3 2500 2600 4 4 2600 2700 >in
    export_as chrome in
    assert_equal "$(jq -c '[.[] | [.args.spanId[15:], .tid]]' <<<"$output")" '[["1",1],["2",1],["3",2],["4",2]]'
}

@test 'Chrome has links as flows, metrics as counters, logs as instants' {
    cat >in <<'EOF'
{"spanId":"1","traceId":"1","name":"a","startTimeUnixNano":1001,"endTimeUnixNano":2000}
{"spanId":"2","traceId":"1","name":"b","startTimeUnixNano":3000,"endTimeUnixNano":4000,"links":[{"spanId":"1","traceId":"1"},{"spanId":"5","traceId":"7"}]}
{"metricName":"q","value":2.5,"timeUnixNano":1500,"service":"s","dimensions":{"k":"x","n":1}}
{"metricName":"q","value":1,"timeUnixNano":2500}
{"body":"hello","timeUnixNano":1600,"severity":"info","service":"s"}
{"spanId":"3","traceId":"1","name":"untimed"}
EOF
    export_as chrome in
    assert_success
    assert_equal "$(jq -c '[.[] | select(.ph == "C") | [.name, .ts, .args]]' <<<"$output")" '[["q",1.5,{"k=x,n=1":2.5}],["q",2.5,{"value":1}]]'
    assert_equal "$(jq -c '.[] | select(.ph == "i") | [.name, .ts, .args]' <<<"$output")" '["hello",1.6,{"severity":"info"}]'
    assert_equal "$(jq -c '[.[] | select(.cat == "link") | [.ph, .ts]]' <<<"$output")" '[["s",2],["f",3]]'
    assert_equal "$stderr" 'trace-record: left out, as Chrome has no place for it: 1 span record (it has no start); links (to spans that are not there) of 1 span record'
}

@test 'OpenMetrics brings back what it has a place for' {
    metrics | sed 's/"value":3,/"value":3.0,/; s/"temporality":"cumulative",\(.*\)"summary"/\1"summary"/' >in
    trace-record export --to-format=openmetrics in >out 2>notes
    trace-record import --from=openmetrics out >again
    assert_equal "$(jq -cS 'del(.temporality)' again | sort)" "$(jq -cS 'del(.temporality)' in | sort)"
    assert_equal "$(cat notes)" ''
}

@test 'OpenMetrics has families and series together, names and units as it wants them' {
    cat >in <<'EOF'
{"metricName":"http.server.duration","metricType":"gauge","value":1,"unit":"ms","timeUnixNano":2000000000,"dimensions":{"a":1}}
{"metricName":"9 lives","metricType":"counter","value":2,"unit":"{life}"}
{"metricName":"http.server.duration","metricType":"gauge","value":3,"unit":"ms","timeUnixNano":2000000000,"dimensions":{"a":2},"description":"d"}
{"metricName":"http.server.duration","metricType":"gauge","value":0.5,"unit":"ms","timeUnixNano":1000000001,"dimensions":{"a":1},"resource":{"service.name":"x"}}
{"metricName":"http.server.duration","metricType":"gauge","value":4,"unit":"ms","timeUnixNano":1000000001,"dimensions":{"a":1}}
{"metricName":"9 lives","metricType":"gauge","value":2}
{"metricName":"h","histogram":{"count":3,"sum":3,"scale":0,"zeroCount":1,"positive":{"offset":1,"bucketCounts":[1,0,1]}},"temporality":"delta"}
{"metricName":"http.server.duration","metricType":"gauge","value":9,"unit":"ms","timeUnixNano":2000000000,"dimensions":{"a":2}}
EOF
    export_as openmetrics --memory=1K in
    assert_failure 4
    [[ $stderr == *'give more with --memory=SIZE'* ]]
    export_as openmetrics in
    assert_success
    assert_output '# TYPE http_server_duration_milliseconds gauge
# UNIT http_server_duration_milliseconds milliseconds
# HELP http_server_duration_milliseconds d
http_server_duration_milliseconds{a="1"} 4 1.000000001
http_server_duration_milliseconds{a="1"} 1 2
http_server_duration_milliseconds{a="2"} 9 2
http_server_duration_milliseconds{a="1",service_name="x"} 0.5 1.000000001
# TYPE _9_lives counter
_9_lives_total 2
# TYPE h gaugehistogram
h_bucket{le="0.0"} 1
h_bucket{le="2.0"} 1
h_bucket{le="4.0"} 2
h_bucket{le="8.0"} 2
h_bucket{le="16.0"} 3
h_bucket{le="+Inf"} 3
h_gcount 3
h_gsum 3
# EOF'
    assert_equal "$stderr" 'trace-record: left out, as OpenMetrics has no place for it: exponential buckets (now classic) of 1 metric record; letters of names (now _) of 7 metric records; resource (now labels) of 1 metric record; temporality of 1 metric record; types of labels (now texts) of 5 metric records; unit of 1 metric record
trace-record: 1 metric record left out: the first one of that name is of another type
trace-record: 1 metric record left out: a later one is of the same series and time'
}

@test 'CSV is safe for spreadsheets, with the columns that are asked for' {
    cat >in <<'EOF'
{"spanId":"1","traceId":"1","name":"=1+1","attributes":{"k":"a,b"}}
{"spanId":"2","traceId":"1","name":"x\"y","attributes":{"k":-5}}
EOF
    export_as csv --fields=name,k in
    assert_success
    assert_output $'name,k\n\'=1+1,"a,b"\n"x""y",-5'
    export_as csv in
    assert_line --index 0 --partial 'traceId'
    export_as csv --fields=name /dev/null
    assert_output name
    echo '{"spanId":"3","traceId":"1","later":1}' >>in
    export_as csv in
    [[ $stderr == *'later of later ones left out (--fields names columns)' ]]
    export_as csv --fields=name,absent in
    [[ $stderr == *absent* ]]
    run -2 trace-record export --to-format=otlp --fields=name in
}

@test 'MPLP has its entities field for field' {
    cat >in <<'EOF'
{"type":"metric","metricName":"m","metricType":"gauge","value":2,"unit":"ms","timeUnixNano":"1500000000","dimensions":{"n":1,"s":"x"},"service":"svc","quality":{"sampleRate":0.5}}
{"type":"health","healthId":"h","timeUnixNano":"4000000000","systemId":"sys","overallHealth":{"status":"healthy","score":99,"trend":"stable"}}
{"type":"trace","traceId":"000000000000000000000000000000aa","rootSpanId":"0000000000000001","serviceName":"front","structure":{"spanCount":1}}
EOF
    export_as mplp in
    assert_success
    assert_equal "$(sed -n 1p <<<"$output" | jq -c 'del(.metricId, .metadata.version)')" \
        '{"metricName":"m","metricType":"gauge","value":2,"unit":"ms","timestamp":"1970-01-01T00:00:01.5Z","context":{},"dimensions":{"n":"1","s":"x"},"aggregation":{},"quality":{"sampleRate":0.5},"metadata":{"source":"svc","collector":"tracecore","tags":{}}}'
    assert_equal "$(sed -n 2p <<<"$output")" '{"healthId":"h","timestamp":"1970-01-01T00:00:04Z","systemId":"sys","overallHealth":{"status":"healthy","score":99,"trend":"stable"}}'
    assert_equal "$(sed -n 3p <<<"$output" | jq -c keys_unsorted)" '["traceId","rootSpanId","serviceName","structure"]'
    cat >in <<'EOF'
{"metricName":"h","metricType":"histogram","timeUnixNano":"9000","startTimeUnixNano":"4000","histogram":{"count":2,"sum":3,"bounds":[],"bucketCounts":[2]},"metricId":"mine"}
{"metricName":"g","value":1,"aggregation":{"aggregationType":"avg","aggregationWindow":7},"quality":{"accuracy":0.9}}
EOF
    export_as mplp in
    assert_equal "$(jq -c '[.metricId, .value, .aggregation]' <<<"${lines[0]}")" '["mine",3,{"aggregationType":"sum","aggregationWindow":5000}]'
    assert_equal "$(jq -c '[.value, .aggregation, .quality]' <<<"${lines[1]}")" '[1,{"aggregationType":"avg","aggregationWindow":7},{"accuracy":0.9,"sampleRate":1}]'
    trace-record export --to-format=mplp in | cmp - <(printf '%s\n' "$output") # the ids, too
}

executions() {
    cat <<'EOF'
{"type":"execution","event":"started","executionId":"0000000000000001","traceId":"000000000000000000000000000000aa","operationName":"job","executionType":"task","executorId":"e","executorType":"agent","timeUnixNano":"1000000000","correlationId":"c","attributes":{"a":1,"tag":"x"},"service":"svc"}
{"type":"metric","metricName":"m","metricType":"gauge","value":2,"timeUnixNano":"1500000000","context":{"traceId":"000000000000000000000000000000aa"}}
{"type":"execution","event":"checkpoint","executionId":"0000000000000001","name":"half","timeUnixNano":"2000000000","attributes":{"at":50}}
{"type":"execution","event":"started","executionId":"0000000000000002","operationName":"other","timeUnixNano":"2500000000"}
{"type":"execution","event":"failed","executionId":"0000000000000001","timeUnixNano":"3000000000","error":{"message":"no"},"color":"red"}
{"type":"execution","event":"completed","executionId":"0000000000000003","timeUnixNano":"3000000000"}
{"type":"span","traceId":"000000000000000000000000000000aa","spanId":"0000000000000009","parentSpanId":"0000000000000001","name":"in","startTimeUnixNano":"1100000000","endTimeUnixNano":"1200000000"}
{"type":"span","traceId":"000000000000000000000000000000bb","spanId":"0000000000000009","name":"elsewhere"}
{"type":"log","traceId":"000000000000000000000000000000aa","spanId":"0000000000000001","eventName":"note","timeUnixNano":"1300000000","body":"x"}
{"type":"log","body":"x"}
EOF
}

@test 'MPLP has executions as trace-record status tells them' {
    executions >in
    export_as mplp in
    assert_success
    assert_equal "$stderr" 'trace-record: left out, as MPLP has no place for it: 1 span record (of no execution); 1 execution record (its start is not there); 1 log record (of no execution); color of 1 execution record; executionId of 2 execution records; service of 1 execution record'
    assert_equal "$(sed 1d <<<"$output" | jq -c '[.operationName, .status, .timeline.endTime]')" \
        $'["job","failed","1970-01-01T00:00:03Z"]\n["other","running",null]'
    sed -n 2p <<<"$output" >entity
    assert_equal "$(jq -c '[.timeline.checkpoints[0].name, .spans[0].name, .metadata.tags, .metadata.customData, .metadata.annotations[0].text, .performance.customMetrics[0].metricName, .error, .correlation.correlationId]' entity)" \
        '["half","in",{"tag":"x"},{"a":1},"note","m",{"message":"no"},"c"]'
    trace-record status 0000000000000001 in >status
    assert_equal "$(jq -cS . entity)" "$(jq -cS 'del(.type, .executionId, .timeUnixNano, .service)' status)"
    export_as mplp status
    assert_output "$(cat entity)"
    export_as mplp --memory=1K in
    assert_failure 4
    [[ $stderr == *'give more with --memory=SIZE'* ]]
}

@test 'times that are zero are times, events without one are said' {
    echo '{"type":"span","traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"n","kind":"server","startTimeUnixNano":"0","endTimeUnixNano":"2000","durationNano":2000,"status":"unset"}' >in
    back jaeger in
    back zipkin in
    export_as chrome in
    assert_equal "$(jq -c '.[] | [.ts, .dur]' <<<"$output")" '[0,2]'
    export_as otlp in # there 0 says that it is not known
    assert_equal "$stderr" 'trace-record: left out, as OTLP has no place for it: startTimeUnixNano of 1 span record'
    echo '{"spanId":"1","traceId":"1","startTimeUnixNano":1000,"events":[{"name":"e"},{"name":"f","timeUnixNano":1000}]}' >in
    export_as jaeger in
    assert_equal "$(jq -c '[.data[0].spans[0].logs[].timestamp]' <<<"$output")" '[0,1]'
    assert_equal "$stderr" 'trace-record: left out, as Jaeger has no place for it: events without a time (now at 0) of 1 span record'
    export_as zipkin in # whose reader refuses all spans because of one such event
    assert_equal "$(jq -c '.[0].annotations' <<<"$output")" '[{"timestamp":1,"value":"f"}]'
    assert_equal "$stderr" 'trace-record: left out, as Zipkin has no place for it: events without a time of 1 span record'
}

@test 'no attribute is taken for a field, nor stands there twice' {
    local said='attributes with names that stand for fields of 1 span record'
    echo '{"spanId":"1","traceId":"1","startTimeUnixNano":1000,"status":"error","scope":{"name":"lib"},"attributes":{"otel.scope.name":"other","error":"late","status":"fine","k":"v"}}' >in
    export_as jaeger in
    [[ $stderr == *": $said" ]]
    assert_equal "$(jq -c '[.data[0].spans[0].tags[] | [.key, .value]]' <<<"$output")" \
        '[["otel.status_code","ERROR"],["error",true],["otel.scope.name","lib"],["status","fine"],["k","v"]]'
    export_as zipkin in
    [[ $stderr == *": $said" ]]
    [[ $output == *'"tags":{"otel.status_code":"ERROR","error":"true","otel.scope.name":"lib","status":"fine","k":"v"}}'* ]]
    export_as chrome in
    [[ $stderr == *": $said; scope of 1 span record" ]]
    [[ $output == *'"args":{"otel.scope.name":"other","error":"late","k":"v","traceId":'* ]]
    echo '{"spanId":"1","traceId":"1","startTimeUnixNano":1000,"attributes":{"error":"late"}}' >in
    export_as jaeger in # where there is no such field, it stays
    [[ $stderr == *": $said" && $output == *'"key":"error","type":"string","value":"late"'* ]]
}

@test 'half a surrogate pair is U+FFFD for other tools' {
    local format
    echo '{"spanId":"1","traceId":"1","startTimeUnixNano":1000,"name":"\ud800","attributes":{"\\ud8":"\\\udfffx\ud83d\ude00","l":["\udc00"]}}' >in
    for format in otlp jaeger zipkin chrome; do
        export_as $format in
        jq . <<<"$output" >again # which refuses half ones
        [[ $stderr == *'half surrogate pairs of 1 span record'* ]]
        grep -qF '\\ud8' again
        grep -qF '\\�x😀' again
    done
    echo '{"metricName":"m","value":1,"dimensions":{"k":"\ud800"}}' >in
    export_as openmetrics in
    assert_line 'm{k="�"} 1'
}

@test 'metrics that other tools would misread are left out' {
    local format
    cat >in <<'EOF'
{"type":"metric","value":1,"timeUnixNano":5000}
{"type":"metric","metricName":"defined","metricType":"counter","unit":"s"}
{"type":"metric","metricName":"h","timeUnixNano":5000,"histogram":{"count":3,"bounds":[2,1],"bucketCounts":[1,1,1]}}
EOF
    for format in chrome openmetrics; do
        export_as $format in
        assert_success
        [[ $stderr == *'1 metric record (it has no name)'* ]]
        [[ $output == '[]' || $output == '# EOF' ]]
    done
    [[ $stderr == *'1 metric record (its buckets do not fit its bounds)'* ]]
    export_as otlp in
    [[ $stderr == *'1 metric record (it has no name); 1 metric record (it has no value)'* ]]
    assert_equal "$(jq -c '[.resourceMetrics[].scopeMetrics[].metrics[].name]' <<<"$output")" '["h"]'
}

@test 'exponential buckets become the classic ones of the same bounds' {
    cat >in <<'EOF'
{"metricName":"e","timeUnixNano":0,"histogram":{"count":7,"sum":-1,"scale":-1,"zeroCount":1,"negative":{"offset":0,"bucketCounts":[1,0,2]},"positive":{"offset":-2,"bucketCounts":[0,3]}}}
{"metricName":"f","timeUnixNano":0,"histogram":{"count":1,"sum":3,"scale":1,"positive":{"offset":4,"bucketCounts":[1]}}}
EOF
    export_as openmetrics in
    # base 4: (-64,-16] 2, (-4,-1] 1, 0 1, (1/4,1] 3; base sqrt 2: (4,4 sqrt 2] 1
    assert_equal "$(grep bucket <<<"$output")" 'e_bucket{le="-64.0"} 0 0
e_bucket{le="-16.0"} 2 0
e_bucket{le="-4.0"} 2 0
e_bucket{le="-1.0"} 3 0
e_bucket{le="0.0"} 4 0
e_bucket{le="0.25"} 4 0
e_bucket{le="1.0"} 7 0
e_bucket{le="+Inf"} 7 0
f_bucket{le="4.0"} 0 0
f_bucket{le="5.656854249492381"} 1 0
f_bucket{le="+Inf"} 1 0'
}

@test 'bounds of OpenMetrics ascend, and a sum is there if it could have grown so' {
    cat >in <<'EOF'
{"metricName":"overlap","timeUnixNano":0,"histogram":{"count":3,"sum":1,"scale":0,"zeroCount":1,"zeroThreshold":2,"positive":{"offset":-1,"bucketCounts":[1,0,1]}}}
{"metricName":"below","timeUnixNano":0,"histogram":{"count":2,"sum":1,"bounds":[-1],"bucketCounts":[1,1]}}
{"metricName":"sunk","timeUnixNano":0,"histogram":{"count":2,"sum":-1,"bounds":[1],"bucketCounts":[1,1]}}
{"metricName":"delta","timeUnixNano":0,"temporality":"delta","histogram":{"count":2,"sum":-1,"bounds":[-1],"bucketCounts":[1,1]}}
EOF
    export_as openmetrics in
    assert_equal "$(grep -v '^#' <<<"$output")" 'overlap_bucket{le="2.0"} 1 0
overlap_bucket{le="4.0"} 3 0
overlap_bucket{le="+Inf"} 3 0
overlap_count 3 0
overlap_sum 1 0
below_bucket{le="-1.0"} 1 0
below_bucket{le="+Inf"} 2 0
sunk_bucket{le="1.0"} 1 0
sunk_bucket{le="+Inf"} 2 0
delta_bucket{le="-1.0"} 1 0
delta_bucket{le="+Inf"} 2 0
delta_gcount 2 0
delta_gsum -1 0'
    [[ $stderr == *'; histogram.sum of 2 metric records; temporality of 1 metric record' ]]
}

@test 'OpenMetrics has no name twice, and times of all points of a series or of none' {
    printf '{"metricName":"%s","metricType":"%s","value":1}\n' a_total gauge a counter a_created gauge b_total gauge >in
    export_as openmetrics in
    assert_output $'# TYPE a counter\na_total 1\n# TYPE b_total gauge\nb_total 1\n# EOF'
    [[ $stderr == *'2 metric records left out: samples of another metric have that name' ]]
    printf '{"metricName":"m","metricType":"gauge","value":%s}\n' 1 '2,"timeUnixNano":0' 3 >in
    export_as openmetrics in
    assert_output $'# TYPE m gauge\nm 2 0\n# EOF'
    assert_equal "$stderr" 'trace-record: 1 metric record left out: a later one is of the same series and time
trace-record: 1 metric record left out: others of the series have a time'
}

@test 'OpenMetrics has infinite bounds, sums that are none, and exemplars of 128 letters' {
    local long
    long=$(printf 'é%.0s' {1..125})
    cat >in <<EOF
{"metricName":"h","timeUnixNano":1000000000,"histogram":{"count":3,"sum":"NaN","bounds":[1,"Infinity"],"bucketCounts":[1,2,0]}}
{"metricName":"c","metricType":"counter","value":1,"exemplars":[{"value":1,"attributes":{"abc":"$long"}}]}
{"metricName":"d","metricType":"counter","value":1,"exemplars":[{"value":1,"attributes":{"abcd":"$long"}}]}
EOF
    export_as openmetrics in
    assert_line 'h_bucket{le="1.0"} 1 1'
    assert_line 'h_bucket{le="+Inf"} 3 1'
    refute_line --partial 'le="0.0"'
    refute_line --partial h_sum # the count is that of the last bucket then
    assert_line "c_total 1 # {abc=\"$long\"} 1"
    assert_line "d_total 1 # {} 1"
    assert_equal "$stderr" 'trace-record: left out, as OpenMetrics has no place for it: exemplars.filteredAttributes of 1 metric record; histogram.bounds of 1 metric record; histogram.sum of 1 metric record'
}

@test 'a link to a span of its trace is found among many' {
    awk 'BEGIN { for (i = 1; i <= 30000; i++)
        printf "{\"spanId\":\"%016x\",\"traceId\":\"1\",\"startTimeUnixNano\":%d,\"links\":[{\"spanId\":\"%016x\",\"traceId\":\"1\"}]}\n",
            i, i * 1000, i * 7919 % 30000 + 1 }' >in
    export_as chrome in
    assert_equal "$(grep -c '"name":"link"' <<<"$output")" 60000
    assert_equal "$stderr" ''
}

# many N: spans and metrics N times, in traces of their own.
many() {
    { spans; metrics; } >one
    awk -v n="$1" '{ line[NR] = $0 }
        END {
            for (i = 1; i <= n; i++)
                for (l = 1; l <= NR; l++) {
                    text = line[l]
                    gsub(/0000aa"/, sprintf("%04xaa\"", i), text)
                    print text
                }
        }' one
}

@test 'no output depends on threads' {
    local format
    many 1500 >in
    executions >>in
    assert_equal "$(jq -r 'select(.type == "span") | .traceId' in | sort -u | wc -l)" 1502
    for format in jaeger zipkin chrome openmetrics csv mplp; do
        trace-record export --to-format=$format -j1 in >one 2>one.err
        trace-record export --to-format=$format -j4 in >four 2>four.err
        cmp one four
        cmp one.err four.err
    done
}

@test 'what is said of many fields does not depend on threads' {
    awk 'BEGIN { for (i = 0; i < 20000; i++)
        printf "{\"spanId\":\"1\",\"traceId\":\"1\",\"x%03d\":1,\"y%03d\":2}\n", i % 200, i * 7 % 100 }' >in
    trace-record export --to-format=otlp -j1 in >/dev/null 2>one.err
    trace-record export --to-format=otlp -j4 in >/dev/null 2>four.err
    cmp one.err four.err
    [[ $(cat one.err) == *': x000 of 100 span records; x001 of 100 span records; '*' of 100 span records; and other fields' ]]
    [[ $(wc -c <one.err) -gt 500 ]]
}

@test 'nothing is nothing again' {
    local format
    for format in otlp otlp-proto jaeger zipkin chrome openmetrics; do
        trace-record export --to-format=$format -o out /dev/null
        run -0 trace-record import --from=$format out
        assert_output ''
        run -0 trace-record import out
        assert_output ''
    done
    run -4 trace-record import <<<'[[]]'
    run -4 trace-record import <<<'[7]'
}

@test 'a full disk is an error, a closed pipe is none' {
    spans >in
    metrics >>in
    local format
    for format in jaeger zipkin chrome openmetrics csv mplp; do
        run -4 bash -c 'trace-record export --to-format="$1" in >/dev/full' - $format
        run -0 bash -c 'set -o pipefail; trace-record export --to-format="$1" in | true' - $format
    done
}
