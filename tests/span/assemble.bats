# trace-span assemble: one record a trace, complete or as a summary.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    command -v jq >/dev/null || skip 'jq is missing'
}

# field EXPR FILE: what jq makes of each trace record, compact.
field() {
    trace-span assemble "${@:2}" | jq -c "$1"
}

@test 'a summary has ids, times, counts and services, and nothing else' {
    shop >spans
    run -0 trace-span assemble --summary spans
    assert_output '{"type":"trace","traceId":"000000000000000000000000000000a1","rootSpanId":"0000000000000001","serviceName":"front","structure":{"spanCount":6},"timeline":{"startTime":"2023-11-14T22:13:20Z","endTime":"2023-11-14T22:13:20.0000001Z","totalDuration":100,"criticalPathDuration":100},"services":{"involvedServices":[{"serviceName":"cart","spanCount":2,"errorCount":0},{"serviceName":"front","spanCount":3,"errorCount":1},{"serviceName":"stock","spanCount":1,"errorCount":1}]},"errors":{"errorCount":2}}'
}

@test 'traces come out by start, then id; order of input and threads do not matter' {
    { span b 1 - 50 60 x y; span a 1 - 50 55 x y; span c 1 - 10 20 x y; span d 1 - - - x y; shop; } >spans
    run -0 --separate-stderr field .traceId --summary spans
    assert_output '"000000000000000000000000000000a1"
"0000000000000000000000000000000c"
"0000000000000000000000000000000a"
"0000000000000000000000000000000b"
"0000000000000000000000000000000d"'
    assert_equal "$stderr" 'trace-span: 1 span is without start or end'
    trace-span assemble spans >wanted 2>/dev/null
    trace-span assemble --summary spans >wanted-summary 2>/dev/null
    for threads in 1 2 5; do
        sort -R spans | trace-span assemble -j$threads - >got 2>/dev/null
        assert_files_equal got wanted
        sort -R spans | trace-span assemble --summary -j$threads - >got 2>/dev/null
        assert_files_equal got wanted-summary
    done
}

@test 'the summary agrees with the complete record' {
    { shop; span b 2 9 5 9 x y; span c 1 1 3 4 x y; span d 1 2 7 8 x y; span d 2 1 8 9 x y
      span e 1 - 5 6 s y server; span e 1 - 4 7 c y client
      span f 1 - - - r root; span f 2 1 3 9 r y; } >spans
    trace-span assemble spans 2>/dev/null | jq -c 'del(.sampling, .analysis, .metadata, .performance,
        .structure.spans, .structure.spanRelationships, .structure.criticalPath,
        .structure.parallelPaths, .services.serviceMap, .services.crossServiceCalls)
        | .errors |= {errorCount}' >complete
    trace-span assemble --summary spans 2>/dev/null >summary
    assert_equal "$(wc -l <summary)" 6
    assert_files_equal summary complete
}

@test 'spans are complete, canonical and in order of their start' {
    shop | sed '2s/"name"/"unknown" : 1.50 , "name"/' >spans
    run -0 trace-span assemble spans
    assert_output --partial "\"spans\":[$(shop | sed '2s/}$/,"unknown":1.50}/' | paste -sd,)]"
    # what is absent and can be derived is written
    span a 1 - 0 9 - y - '' '"resource":{"service.name":"r"}' | sed 's/,"durationNano":9//' >bare
    run -0 field '.structure.spans[0] | .durationNano, .service' bare
    assert_output $'9\n"r"'
}

@test 'the whole record is canonical: it comes through a binary pipe unchanged' {
    { shop; span b 1 - 5 6 x y; } >spans
    trace-span assemble spans >wanted
    trace-span assemble -b spans | trace-span filter >got
    assert_files_equal got wanted
}

@test 'relationships: children and links, within the trace and beyond' {
    { span a 1 - 0 9 x y; span a 2 1 1 8 x y - '' "\"links\":[{\"traceId\":\"$(printf '%032x' 10)\",\"spanId\":\"$(id 1)\"},{\"traceId\":\"$(printf '%032x' 11)\",\"spanId\":\"$(id 7)\"},{\"spanId\":\"0\"}]"; } >spans
    run -0 field '.structure.spanRelationships[]' spans
    assert_output '{"type":"child_of","spanId":"0000000000000002","parentSpanId":"0000000000000001"}
{"type":"follows_from","spanId":"0000000000000002","linkedSpanId":"0000000000000001"}
{"type":"follows_from","spanId":"0000000000000002","linkedTraceId":"0000000000000000000000000000000b","linkedSpanId":"0000000000000007"}'
    span a 1 - 0 9 x y - '' "\"links\":[{\"traceId\":\"$(printf '%032x' 11)\",\"spanId\":\"$(id 7)\"}]" >spans
    run -0 field '.structure.spanRelationships' spans
    assert_output '[{"type":"follows_from","spanId":"0000000000000001","linkedTraceId":"0000000000000000000000000000000b","linkedSpanId":"0000000000000007"}]'
}

@test 'the critical path and what ran in parallel' {
    shop >spans
    run -0 field '.structure.criticalPath | map(.[15:])' spans
    assert_output '["1","5","6"]'
    run -0 field '.structure.parallelPaths' spans
    assert_output '[{"parentSpanId":"0000000000000001","spanIds":["0000000000000002","0000000000000005"],"startTime":"2023-11-14T22:13:20.000000005Z","duration":75,"concurrency":2}]'
    # two groups below one parent, of which one has three members but two at once
    { span a 1 - 0 100 x y; span a 2 1 0 10 x y; span a 3 1 5 20 x y; span a 4 1 12 30 x y
      span a 5 1 40 50 x y; span a 6 1 50 60 x y; span a 7 1 70 90 x y; span a 8 1 75 80 x y; } >spans
    run -0 field '.structure.parallelPaths[] | [(.spanIds | map(.[15:]) | join("")), .duration, .concurrency]' spans
    assert_output $'["234",30,2]\n["78",20,2]'
}

@test 'services, their map and their calls' {
    shop >spans
    run -0 field '.services.serviceMap' spans
    assert_output '{"nodes":["cart","front","stock"],"edges":[{"source":"front","target":"cart","callCount":1,"errorCount":0,"totalDuration":40},{"source":"front","target":"stock","callCount":1,"errorCount":1,"totalDuration":40}]}'
    run -0 field '.services.crossServiceCalls[1]' spans
    assert_output '{"sourceService":"front","targetService":"stock","sourceSpanId":"0000000000000005","targetSpanId":"0000000000000006","operationName":"stock.Get","duration":40,"networkLatency":20,"error":true}'
}

@test 'performance adds up: self times of services, and the network between them' {
    shop >spans
    # front: 1 has 0-5 and 80-100; the clients 2 and 5 are network; cart: 10 + 30; stock: 40
    run -0 field .performance spans
    assert_output '{"overallLatency":100,"serviceLatencies":{"cart":40,"front":25,"stock":40},"networkLatency":35,"processingTime":105}'
}

@test 'errors: what failed, why, where it began, what it touched' {
    shop >spans
    run -0 field .errors spans
    assert_output '{"errorCount":2,"errorSpans":["0000000000000005","0000000000000006"],"errorDetails":[{"spanId":"0000000000000005","serviceName":"front","operationName":"stock.Get","message":"no stock","timestamp":"2023-11-14T22:13:20.00000008Z"},{"spanId":"0000000000000006","serviceName":"stock","operationName":"stock.Get","errorType":"503","timestamp":"2023-11-14T22:13:20.00000007Z"}],"errorImpact":{"affectedServices":["front","stock"],"rootAffected":false,"criticalPathErrors":2,"originSpans":["0000000000000006"]}}'
    span a 1 - 0 9 x y - '"status":"error"' '"events":[{"timeUnixNano":"1700000000000000007","name":"exception","attributes":{"exception.type":"IOError","exception.message":"disk \"full\""}}]' >spans
    run -0 field '.errors.errorDetails[0] | .errorType, .message, .timestamp' spans
    assert_output '"IOError"
"disk \"full\""
"2023-11-14T22:13:20.000000007Z"'
}

@test 'bottlenecks are what the critical path was spent in' {
    shop >spans
    run -0 field '.analysis.bottlenecks[] | [.spanId[15:], .selfTime, .share]' spans
    assert_output '["1",40,0.4]
["6",40,0.4]
["5",20,0.2]'
    # eleven in turn, of which none has a tenth, and one that has
    { span a 1 - 0 1000 x y; for i in {2..12}; do span a $(printf %x "$i") 1 $((i * 80)) $((i * 80 + 78)) x y; done; } >spans
    run -0 field '.analysis.bottlenecks[] | [.spanId[15:], .selfTime]' spans
    assert_output '["1",180]'
}

# opportunities FILE: type, ends of the spans' ids, count and saving of each.
opportunities() {
    field '.analysis.optimizationOpportunities[] | [.type, (.spanIds | map(.[15:]) | join("")), .count, .saving]' "$1"
}

@test 'the score is the part of the critical path that is not wasted' {
    # of the shop's 100 ns the failed call had 60
    shop >spans
    run -0 field .analysis.performanceScore spans
    assert_output 40
    # of 100 ns the client had 40 to itself, which is the network
    { span a 1 - 0 100 x y server; span a 2 1 10 90 x y client; span a 3 2 30 70 z y server; } >network
    run -0 field .analysis.performanceScore network
    assert_output 60
    # of 1000 ns two of three equal calls had 200; the longest was needed
    { span a 1 - 0 1000 x y server; span a 2 1 100 200 x q client; span a 3 1 200 350 x q client
      span a 4 1 400 500 x q client; span a 5 1 500 800 x r client; } >repeated
    run -0 field .analysis.performanceScore repeated
    assert_output 80
    # in vain: all of it, as the root failed; nothing: one span; not known: no times, or none passed
    { span a 1 - 0 100 x y server '"status":"error"'; span a 2 1 10 90 x y internal; } | field .analysis.performanceScore - >got
    span a 1 - 0 100 x y | field .analysis.performanceScore - >>got
    span a 1 - - - x y | field .analysis.performanceScore - >>got 2>/dev/null
    span a 1 - 7 7 x y | field .analysis - >>got
    assert_equal "$(<got)" $'0\n100\nnull\nnull'
}

@test 'less waste for the same work never scores lower' {
    # 20 ns of work in two spans; a call that fails, takes 0 to 50, and one again; network 0 to 50
    for waste in {0..50..10}; do
        span a 1 - 0 $((20 + 3 * waste)) x y server
        span a 2 1 10 $((10 + waste)) x q client '"status":"error"'
        span a 3 1 $((10 + waste)) $((20 + 2 * waste)) x r client
        span a 4 3 $((10 + waste)) $((20 + waste)) z r server
        span a 5 1 $((20 + 2 * waste)) $((20 + 3 * waste)) x s client '"status":"error"'
    done | awk -v n=1 '{ sub(/0a"/, sprintf("%02x\"", int((NR - 1) / 5) + 10)); print }' >spans
    run -0 field '.analysis.performanceScore | floor' spans
    assert_output $'100\n40\n25\n18\n14\n11'
}

@test 'opportunities: what would save time, and how much at most' {
    shop >spans
    # without span 5, or half of it, span 2 is waited for, which ends at 60
    run -0 opportunities spans
    assert_output '["operation","1",null,40]
["failed_work","5",null,20]
["operation","6",null,20]
["network","5",null,20]'
    { span a 1 - 0 1000 x y server; span a 2 1 100 200 x q client; span a 3 1 200 350 x q client
      span a 4 1 400 500 x q client; span a 5 1 500 800 x r client; } >spans
    run -0 opportunities spans
    assert_output '["operation","1",null,350]
["operation","5",null,300]
["repeated_calls","234",3,200]
["serial_calls","2345",4,150]
["operation","3",null,150]'
    run -0 field '.analysis.optimizationOpportunities[2], .analysis.optimizationOpportunities[3].operationName' spans
    assert_output '{"type":"repeated_calls","serviceName":"x","operationName":"q","spanIds":["0000000000000002","0000000000000003","0000000000000004"],"count":3,"saving":200,"share":0.2}
"y"'
    # ten of which each has less than a tenth
    { span a 1 - 0 1000 x y; for i in {2..12}; do span a $(printf %x "$i") 1 $((i * 80)) $((i * 80 + 78)) x n$i; done; } >spans
    run -0 opportunities spans
    assert_output '["operation","1",null,180]'
}

@test 'anomalies are what does not fit together, by span' {
    { span a 1 - 0 9 x y; span a 2 77 1 2 x y; span a 3 3 2 3 x y; span a 4 5 3 4 x y; span a 5 4 4 5 x y
      span a 1 - 0 9 x y; span a 6 1 5 99 x y; span a 7 1 - 5 x y; span a 8 1 7 6 x y
      span a 9 1 -4 6 z y server; span a a 1 -3 6 x y; span a b 1 3 20 z y consumer; } >spans
    run -0 --separate-stderr field '.analysis.anomalies[] | [.type, (.spanId // "")[15:], .value]' spans
    assert_output '["several_roots","",5]
["clock_skew","9",-4]
["starts_before_parent","a",-3]
["duplicate_id","1",null]
["orphan","2",null]
["own_parent","3",null]
["cycle","4",null]
["ends_after_parent","5",1]
["ends_after_parent","6",90]
["negative_duration","8",-1]
["missing_time","7",null]'
    run -0 --separate-stderr field '.analysis.anomalies[1]' spans
    assert_output '{"type":"clock_skew","spanId":"0000000000000009","serviceName":"z","value":-4}'
    shop >spans
    run -0 field .analysis.anomalies spans
    assert_output null
    # of very many a hundred are listed, and all are counted
    for i in {1..150}; do span a 1 - 0 9 x y; done >spans
    run -0 field '(.analysis.anomalies | length), .metadata.customData.duplicateSpans' spans
    assert_output $'100\n149'
}

@test 'metadata: tags of the root, and when the trace was complete' {
    { span a 1 - 0 9 x y - '' '"attributes":{"a":"b","n":1,"a":"c","\u0001":"\"","o":{"p":"q"}}'; span a 2 1 1 12 x y - '' '"attributes":{"z":"z"}'; } >spans
    run -0 --separate-stderr field .metadata spans
    assert_output '{"traceVersion":"1.0","collectionTimestamp":"2023-11-14T22:13:20.000000012Z","tags":{"a":"c","\u0001":"\""},"customData":{"spansAfterParent":1}}'
    span a 1 - - - x y - '' '"attributes":{"n":1}' >spans
    run -0 --separate-stderr field .metadata spans
    assert_output '{"traceVersion":"1.0","customData":{"untimedSpans":1}}'
}

@test 'sampling is what the root says of it' {
    span a 1 - 0 9 x y - '' '"traceState":"v=1,ot=rv:1;th:c","flags":259' >spans
    run -0 field .sampling spans
    assert_output '{"samplingRate":0.25,"samplingDecision":"sampled","samplingReason":"probability"}'
    span a 1 - 0 9 x y - '' '"flags":1' >spans
    run -0 field .sampling spans
    assert_output '{"samplingDecision":"sampled","samplingReason":"sampled flag"}'
    for state in '' ot=th:xyz ot=th:0123456789abcdef 'oth=th:8'; do
        span a 1 - 0 9 x y - '' "\"traceState\":\"$state\",\"flags\":2" >spans
        run -0 field .sampling spans
        assert_output null
    done
}

@test 'oddities are counted in the metadata' {
    { span a 1 - 0 9 x y; span a 2 77 1 2 x y; span a 3 3 2 3 x y; span a 4 5 3 4 x y; span a 5 4 4 5 x y
      span a 1 - 0 9 x y; span a 6 1 5 99 x y; span a 7 1 - - x y
      span a 8 1 5 6 c y client; span a 8 1 5 6 s y server; } >spans
    run -0 --separate-stderr field '.metadata, .rootSpanId[15:], .structure.spanCount' spans
    assert_line --index 0 '{"traceVersion":"1.0","collectionTimestamp":"2023-11-14T22:13:20.000000099Z","customData":{"rootSpans":5,"orphanSpans":1,"selfParentSpans":1,"openedCycles":1,"duplicateSpans":1,"sharedSpans":1,"untimedSpans":1,"spansAfterParent":2}}'
    assert_line --index 1 '"1"'
    assert_line --index 2 10
}

@test 'a chain of 30,000 spans, closed to a circle' {
    awk 'BEGIN { for (i = 1; i <= 30000; i++)
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"parentSpanId\":\"%016x\",\"name\":\"n\",\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\"}\n", 5, i, i == 1 ? 30000 : i - 1, 1000000 + i, 2000000 - i }' >chain
    run -0 field '.structure.spanCount, (.structure.criticalPath | length), .metadata.customData' chain
    assert_output $'30000\n30000\n{"openedCycles":1}'
    run -0 field .timeline.criticalPathDuration --summary chain
    assert_output 999998
}

@test 'spans that are no valid records are counted, named, and left out of structure.spans' {
    { shop; span a1 7 1 90 91 front y - '' '"events":[{"timeUnixNano":"soon"}]'; } >spans
    run -3 --separate-stderr trace-span assemble spans
    [[ $stderr == 'trace-span: 1 span is counted but not in structure.spans: '* ]]
    assert_equal "$(jq '.structure.spanCount, (.structure.spans | length)' <<<"$output" | xargs)" '7 6'
}

# many SPANS: spans of traces that begin at random, three a trace, some of which fail.
many() {
    awk -v n="$1" 'BEGIN { srand(7); for (i = 0; i < n; i++) { t = int(i / 3); s = i % 3
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"parentSpanId\":\"%s\",\"name\":\"n%d\",\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\",\"status\":\"%s\",\"service\":\"s%d\"}\n",
            t * 7919 % 1000003 + 1, s + 1, s ? sprintf("%016x", s) : "", i % 10,
            1000 + t * 104729 % 1000003, 3000000 - s, i % 17 ? "ok" : "error", i % 5 } }' | sort -t '"' -k 12
}

@test 'what does not fit --memory goes to disk, and comes out the same' {
    many 30000 >spans
    trace-span assemble spans >wanted
    trace-span assemble --summary spans >wanted-summary
    for threads in 1 3; do
        run -0 --separate-stderr trace-span assemble --memory=1M -j$threads -o got spans
        assert_equal "$stderr" ''
        assert_files_equal got wanted
        run -0 trace-span assemble --summary --memory=1M -j$threads -o got spans
        assert_files_equal got wanted-summary
    done
}

@test 'a temporary file that cannot be made or written is one error, and leaves nothing' {
    many 30000 >spans
    TMPDIR=/nowhere run -4 --separate-stderr trace-span assemble --memory=1M spans
    assert_output ''
    assert_equal "$stderr" 'trace-span: cannot make a temporary file: No such file or directory'
    mkdir tmp
    trap '' XFSZ
    ulimit -f 512
    TMPDIR=$PWD/tmp run -4 --separate-stderr trace-span assemble --memory=1M spans
    assert_output ''
    assert_equal "$stderr" 'trace-span: cannot write to a temporary file: File too large'
    assert_equal "$(ls -A tmp)" ''
}

@test 'other records are counted, not assembled; nothing in gives nothing out' {
    { echo '{"type":"log","timeUnixNano":"1","body":"x"}'; shop; } >mixed
    run -0 --separate-stderr trace-span assemble --summary mixed
    assert_equal "${#lines[@]}" 1
    assert_equal "$stderr" 'trace-span: passed over 1 log record'
    run -0 trace-span assemble </dev/null
    assert_output ''
    run -0 trace-span assemble --summary </dev/null
    assert_output ''
}

@test '-w, --fields and --format work on it' {
    shop >spans
    run -0 trace-span assemble --summary -w '.service != "stock"' --format=tsv --fields=structure.spanCount,timeline.totalDuration,serviceName spans
    assert_output $'structure.spanCount\ttimeline.totalDuration\tserviceName\n5\t100\tfront'
}

@test 'a real capture of many services' {
    need_data traces/otlp-file-exporter-otel-demo.jsonl
    trace-record import "$TRACECORE_TEST_DATA/traces/otlp-file-exporter-otel-demo.jsonl" >spans
    trace-span assemble spans >traces 2>/dev/null
    assert_equal "$(wc -l <traces)" 141
    assert_equal "$(jq -sc '[(map(.structure.spanCount) | add), (map(.structure.spans[]) | length), (map(.metadata.customData.orphanSpans // 0) | add)]' traces)" '[547,547,1]'
    assert_equal "$(jq -s 'map(.services.involvedServices[].serviceName) | unique | length' traces)" 8
}

@test 'as a table a trace has its duration and its counts' {
    shop >spans
    run -0 trace-span assemble --summary --format=table spans
    assert_line --index 0 --regexp 'serviceName .*spanCount .*totalDuration .*errorCount'
    assert_line --index 1 --regexp ' front +6 .* 100 ns .* 2$'
    trace-span assemble --summary spans >traces
    COLUMNS=80 run -0 trace-report table traces
    assert_output --partial '100 ns'
}
