# trace-span search: spans and traces by queries in TraceQL. What conditions and operators mean is in
# tests/core/test-traceql.c and test-traceql-traces.c; here is what the verb makes of them.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    shop >spans
    span b2 1 - 200 300 batch night internal '' '"attributes":{"n":1}' >>spans
}

# ids QUERY...: the numbers of the spans that search gives, in its order.
ids() {
    trace-span search "$@" | sed 's/.*"spanId":"0*\([^"]*\)".*/\1/' | paste -sd' '
}

@test 'a condition is a filter that keeps lines and their order' {
    sed 's/"name"/ "unknown" : [ 1.50, {} ] , "name"/' spans | tac >odd
    run -0 trace-span search '{ status = error }' odd
    assert_output "$(grep error odd)"
    run -0 trace-span search '{}' <odd
    assert_output "$(cat odd)"
    run -0 trace-span search '{ name = "nobody" }' odd
    assert_output ''
}

@test 'structural operators look at the whole trace, and give spans by their start' {
    tac spans >odd
    run -0 ids '{ name = "cart.Get" } >> { }' odd
    assert_output '3 4'
    run -0 ids '{ status = error } << { }' odd
    assert_output '1 5'
    run -0 ids '{ resource.service.name = "front" } > { kind = client }' odd
    assert_output '2 5'
    run -0 ids '{ } !< { }' odd
    assert_output '4 6 1'
    run -0 ids '{ .n = 1 } && { .n != 2 }' odd
    assert_output '1'
    run -0 ids '{ name = "GET /cart" } &> { kind = client }' odd
    assert_output '1 2 5'
    run -0 ids '{ name = "cart.Get" } ~ { }' odd
    assert_output '5'
}

@test 'what is decided span by span is the same with whole traces' {
    cat spans >more
    span c 1 - 0 10 x y server '' '"attributes":{"l":[1,2],"s":"a","f":1.5},"resource":{"host":"h"},"scope":{"name":"lib","attributes":{"k":true}},"events":[{"timeUnixNano":"1700000000000000003","name":"e","attributes":{"n":2}}],"links":[{"traceId":"000000000000000000000000000000a1","spanId":"0000000000000001","attributes":{"r":"f"}}]' >>more
    echo '{"traceId":"00000000000000000000000000000c01","spanId":"0000000000000001","startTimeUnixNano":5,"endTimeUnixNano":"4","attributes":{"l":null,"o":{"doubleValue":"NaN"}},"resource":{"service.name":"only"}}' >>more
    trace-span filter -b more >binary
    for condition in 'duration > 30ns' '.l = 2' '.l != 3' '.s =~ "a|b"' '.f * 2 = 3' \
        'resource.host = "h"' 'resource.service.name = "only"' '.service.name != "front"' \
        'event:name = "e" && event.n = 2' 'event:timeSinceStart = 3ns' 'link:spanID = "1"' \
        'link.r = "f" || .r = "g"' '.k' 'instrumentation:name = "lib"' '.o != 1' '.o = nil' \
        '.l = nil' 'statusMessage != ""' 'kind = unspecified' 'span:parentID = "1"' 'trace:id = "c"' \
        'duration = nil' '.n = 2' 'name > "c"' 'span.n = 1 && .n = 1' '!(.n = 1)'; do
        trace-span search "{ $condition }" more 2>/dev/null | sort >one
        trace-span search "({ $condition } | count() > 0)" more 2>/dev/null | sort >whole
        assert_files_equal one whole
        trace-span search "{ $condition }" binary 2>/dev/null >from-binary
        trace-span search "{ $condition }" more 2>/dev/null | trace-span filter -b |
            trace-span filter >canonical
        assert_files_equal from-binary canonical
        [[ -s one ]] || fail "nothing has $condition"
    done
}

@test 'aggregates, by and coalesce' {
    run -0 ids '{ } | count() = 1' spans
    assert_output '1'
    run -0 ids '{ kind = client } | avg(duration) > 50ns' spans
    assert_output ''
    run -0 ids '{ kind = client } | avg(duration) > 40ns | { status = error }' spans
    assert_output '5'
    run -0 ids '{ kind = client } | sum(duration) = 55ns + 60ns + 30ns' spans
    assert_output '2 4 5'
    run -0 ids '{ } | by(resource.service.name) | count() > 1' spans
    assert_output '1 2 3 4 5'
    run -0 ids '{ } | by(status) | count() > 4 | coalesce() | { kind = server }' spans
    assert_output ''
    run -0 ids '({ } | by(status) | max(duration) = 100ns | coalesce()) && { kind = internal }' spans
    assert_output '1'
}

@test 'by and select add members, and replace those of their name' {
    run -0 trace-span search '{ status = error } | by(resource.service.name) | select(rootName, trace:duration, .nobody, span.http.response.status_code)' spans
    assert_line --index 0 --partial '"service":"front","rootName":"GET /cart","trace:duration":100,"group":{"resource.service.name":"front"}}'
    assert_line --index 1 --partial '"rootName":"GET /cart","trace:duration":100,"span.http.response.status_code":503,"group":{"resource.service.name":"stock"}}'
    trace-span search '{ name = "night" } | select(name, .n, duration)' spans >once
    assert_equal "$(sed 's/.*"service"/"service"/' once)" '"service":"batch","attributes":{"n":1},"name":"night",".n":1,"duration":100}'
    trace-span search '{ } | select(name, .n, duration)' once >twice
    assert_files_equal once twice
    run -0 trace-span search '{ } | select(trace:duration)' --format=tsv --fields=name,trace:duration --limit=1 spans
    assert_output $'name\ttrace:duration\nGET /cart\t100'
}

@test 'each intrinsic of traces and structure, and the attributes of parents' {
    shop | sed 's/"service":"front"}$/"service":"front","attributes":{"x":7},"resource":{"region":"eu"}}/' >shop
    run -0 trace-span search '{ } | select(trace:id, trace:rootName, trace:rootService, trace:duration, traceDuration, rootServiceName, span:childCount, childCount, nestedSetLeft, nestedSetRight, nestedSetParent, span:parentID, parent.x, parent.span.x, parent.resource.region, parent.resource.service.name, parent.zzz)' \
        --format=tsv --fields=spanId,trace:id,trace:rootName,trace:rootService,trace:duration,traceDuration,rootServiceName,span:childCount,childCount,nestedSetLeft,nestedSetRight,nestedSetParent,span:parentID,parent.x,parent.span.x,parent.resource.region,parent.resource.service.name shop
    trace="$(printf %032x 0xa1)"$'\tGET /cart\tfront\t100\t100\tfront'
    assert_output "$(
        printf 'spanId\ttrace:id\ttrace:rootName\ttrace:rootService\ttrace:duration\ttraceDuration\trootServiceName\tspan:childCount\tchildCount\tnestedSetLeft\tnestedSetRight\tnestedSetParent\tspan:parentID\tparent.x\tparent.span.x\tparent.resource.region\tparent.resource.service.name\n'
        while read -r id rest; do
            printf '%s\t%s\t%b\n' "$(id "$id")" "$trace" "$rest"
        done <<'END'
1 2\t2\t1\t12\t-1\t\t\t\t\t
2 1\t1\t2\t7\t1\t0000000000000001\t7\t7\teu\tfront
3 1\t1\t3\t6\t2\t0000000000000002\t7\t7\teu\tfront
4 0\t0\t4\t5\t3\t0000000000000003\t\t\t\tcart
5 1\t1\t8\t11\t1\t0000000000000001\t7\t7\teu\tfront
6 0\t0\t9\t10\t8\t0000000000000005\t7\t7\teu\tfront
END
    )"
    run -0 ids '{ trace:rootService = "front" && rootServiceName =~ "fr.*" && trace:rootName = rootName && traceDuration = 100ns && span:childCount + childCount = 2 && nestedSetLeft < nestedSetRight && nestedSetParent >= 2 }' shop
    assert_output '3'
    run -0 ids '{ parent.span.x = 7 && parent.resource.region = "eu" && parent.x > 6 && parent.resource.service.name != "cart" } ~ { }' shop
    assert_output '2 5'
    run -0 ids '{ nestedSetParent < 0 }' shop
    assert_output '1'
}

@test '--traces gives whole traces, --summary one record each' {
    run -0 ids --traces '{ name = "SELECT items" }' spans
    assert_output '1 2 3 4 5 6'
    run -0 trace-span search --summary '{ status = error } | by(resource.service.name)' spans
    assert_output '{"type":"trace","traceId":"000000000000000000000000000000a1","rootSpanId":"0000000000000001","serviceName":"front","rootName":"GET /cart","timeline":{"startTime":"2023-11-14T22:13:20Z","endTime":"2023-11-14T22:13:20.0000001Z","totalDuration":100},"structure":{"spanCount":6},"errors":{"errorCount":2},"spanSets":[{"spanCount":1,"group":{"resource.service.name":"front"}},{"spanCount":1,"group":{"resource.service.name":"stock"}}]}'
    run -2 trace-span search --summary --traces '{}' spans
    assert_line --index 0 'trace-span: --traces and --summary cannot be used together'
}

@test 'a wrong query is one error with its column, a caret and exit status 2' {
    run -2 --separate-stderr trace-span search '{ status = "error" }' spans
    assert_output ''
    assert_equal "$stderr" 'trace-span: TraceQL, column 10: this operator is not for a status and a string
trace-span:   { status = "error" }
trace-span:            ^'
    run -2 --separate-stderr trace-span search $'{ name = "\xc3\xa9" }\n >> { nme = "x" }' spans
    assert_equal "$stderr" "trace-span: TraceQL, column 23: 'nme' is no field: attributes are .nme, span.nme or resource.nme, and strings are in quotes
trace-span:    >> { nme = \"x\" }
trace-span:         ^"
    run -2 --separate-stderr trace-span search '{ } | rate() by (name)' spans
    [[ $stderr == 'trace-span: TraceQL, column 7: rate() makes metrics of spans, which trace-agg does: '* ]]
    run -2 --separate-stderr trace-span search "{ $(printf '%*s' 500 '') name = x }" spans
    (( ${#stderr_lines[1]} < 100 ))
    run -2 --separate-stderr trace-span search
    assert_equal "${stderr_lines[0]}" "trace-span: search needs a query, such as '{ status = error }'"
}

@test 'common options work in both ways: -w, --until, --limit, -b, -o, --rejects, --memory' {
    for query in '{ kind = client }' '({ kind = client } | count() > 0)'; do
        run -0 ids "$query" -w '.service == "front"' spans
        assert_output '2 5'
        run -0 ids "$query" --until=2023-11-14T22:13:20.00000001Z spans
        assert_output '2'
        run -0 ids "$query" --limit=1 spans
        assert_output '2'
        trace-span search "$query" -b -o out spans
        run -0 ids '{}' out
        assert_output "$(ids "$query" spans)"
        { cat spans; echo 'no json'; } >mixed
        run -3 --separate-stderr trace-span search "$query" --rejects=bad mixed
        assert_equal "$(cat bad)" 'no json'
        assert_equal "$stderr" 'trace-span: mixed:8: a record is a JSON object (byte 1)'
    done
    run -0 ids '{} > {}' --memory=1K spans
    assert_output "$(ids '{} > {}' spans)"
}

@test 'threads make no difference' {
    for ((trace = 1; trace <= 300; trace++)); do
        printf '{"type":"span","traceId":"%032x","spanId":"1","name":"a","startTimeUnixNano":"%d"}\n{"type":"span","traceId":"%032x","spanId":"2","parentSpanId":"1","name":"b"}\n' $trace $((trace % 7)) $trace
    done >many
    for query in '{ name =~ "b|c" }' '{ name = "a" } > { }' '{ } | by(name) | select(rootName)'; do
        trace-span search "$query" -j1 many >wanted 2>/dev/null
        trace-span search "$query" -j5 many >got 2>/dev/null
        assert_files_equal got wanted
        [[ -s got ]]
    done
}

@test 'a pattern that needs too much work is no match, and told of' {
    span a 1 - 0 1 s "$(printf 'a%.0s' {1..60})c" >hard
    run -0 --separate-stderr trace-span search '{ name =~ "(a|aa)+" } || { kind = server }' hard
    assert_output ''
    assert_equal "$stderr" 'trace-span: a pattern gave up on 1 value, taken as no match: too much work'
}

@test 'a chain of 200,000 spans and a trace of many are no deeper and wider than others' {
    awk 'BEGIN { for (i = 1; i <= 200000; i++) printf "{\"type\":\"span\",\"traceId\":\"a\",\"spanId\":\"%016x\",\"parentSpanId\":\"%016x\",\"name\":\"%s\"}\n", i, i - 1, i % 2 ? "odd" : "even" }' >deep
    run -0 timeout 60 bash -c 'trace-span search "{ name = \"odd\" } >> { name = \"even\" } << { }" deep 2>/dev/null | wc -l'
    assert_output 199999
}

# repository: the spans of many traces in segments of their own, and all of them in the file all.
repository() {
    local trace
    for trace in 1 2 3 4 5 6; do
        {
            span $trace 1 - $trace 90 front "GET /$trace" server
            span $trace 2 1 $((trace + 1)) 80 "service$trace" call client '' '"attributes":{"n":'$trace'}'
        } >segment
        cat segment >>all
        trace-record archive repo segment
    done
    span 3 3 2 50 60 late '' server >segment # a trace in two segments
    cat segment >>all
    trace-record archive repo segment
}

@test 'a repository answers as a file does, in whatever order its segments are' {
    repository
    for query in '{ name = "GET /3" }' '{ name =~ "GET /[24]" } > { .n = 2 }' '{ name = "" }' \
        '{ resource.service.name = "service3" } > { }' '{ .n = 3 } && { resource.service.name = "late" }' \
        '{ name = "GET /1" } || { name = "GET /5" } | { kind = server }' '{ } | count() > 2' \
        '{ .n = 9 } !> { name = "GET /2" }' '({ .n = 3 } | count() = 1) >> { }' '{ .n = 99 } > { }' \
        '{ trace:duration > 80ns && .n > 1 } < { }' '{ .n = 4 && nestedSetParent > 0 }' \
        '{ name =~ ".*" && .n = nil } ~ { }' '{ name = "call" } && { name = "GET /6" } | select(rootName)'; do
        trace-span search "$query" all | sort >wanted
        trace-span search "$query" repo | sort >got
        assert_files_equal got wanted
        trace-span search --traces "$query" all | sort >wanted
        trace-span search --traces "$query" repo | sort >got
        assert_files_equal got wanted
    done
}

@test '--explain tells which segments need not be read' {
    repository
    passed='7 segments: 1 by blocks; 6 passed over, where the condition cannot be true'
    run -0 --separate-stderr trace-span search --explain '{ name = "GET /4" && duration > 1ns }' repo
    assert_output "$(grep '"GET /4"' all)"
    [[ $stderr == *'passes over where this cannot be true: '*'"GET /4"'* && $stderr == *"$passed"* ]]
    run -0 --separate-stderr trace-span search --explain '{ name = "GET /4" || .n = 1 }' repo
    [[ $stderr != *'cannot be true'* ]]
    run -0 --separate-stderr trace-span search --explain '{ resource.service.name = "late" } < { }' repo
    assert_output "$(grep '"traceId":"0*3","spanId":"0*2"' all)"
    [[ $stderr == *"$passed"* && $stderr == *'a first look found 1 trace that may match'* ]]
    [[ $stderr == *'7 segments: 2 by blocks; 5 passed over, without the traces'* ]]
    run -0 --separate-stderr trace-span search --explain '{ resource.service.name = "late" && trace:duration > 1ns }' repo
    assert_output "$(grep '"late"' all)"
    [[ $stderr == *"$passed"* && $stderr == *'a first look found 1 trace that may match'* ]]
    run -0 --separate-stderr trace-span search --explain '{ .n = 99 } > { }' repo
    assert_output ''
    [[ $stderr == *'found 0 traces'*'7 segments: 7 passed over, without the traces'* ]]
    run -0 --separate-stderr trace-span search --explain '{ } > { }' repo
    [[ $stderr != *'first look'* ]]
}

@test 'what a first look would hold is bounded, too' {
    repository
    run -0 --separate-stderr trace-span search --memory=1K --explain '{ .n > 0 } > { }' repo
    assert_output "$(trace-span search '{ .n > 0 } > { }' repo)"
    [[ $stderr != *'first look'* ]]
    run -0 ids '{ .n = 4 } < { }' --memory=1M repo
    assert_output 1
}
