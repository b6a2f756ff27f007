# --adjust-skew of trace-span: clocks that disagree, put right as far as calls tell.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    command -v jq >/dev/null || skip 'jq is missing'
}

# host TRACE ID PARENT START END SERVICE HOST KIND [MEMBERS [MORE]]: a span of a service on a host.
host() {
    span "$1" "$2" "$3" "$4" "$5" "$6" op "$8" "${9-}" "\"resource\":{\"host.name\":\"$7\"}${10:+,${10}}"
}

# fleet TRACES [SERVICE HOST NS]...: requests through front, which calls cart on one of two hosts
# twice; each of these calls stock once. On its way a request or answer takes 100 to 300 us. The
# clocks of those that are named are ahead by so much, which must be a multiple of 1,000.
fleet() {
    awk -v traces="$1" -v skews="${*:2}" '
    function emit(id, parent, from, to, service, host, kind) {
        ahead = skew[service " " host]
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",", trace, id
        if (parent) printf "\"parentSpanId\":\"%016x\",", parent
        printf "\"name\":\"op%d\",\"kind\":\"%s\",\"startTimeUnixNano\":\"1700000%d000\",", id, kind, from + 500000000 + ahead
        printf "\"endTimeUnixNano\":\"1700000%d000\",\"service\":\"%s\",", to + 500000000 + ahead, service
        printf "\"resource\":{\"host.name\":\"%s\"},\"events\":[{\"timeUnixNano\":\"1700000%d000\",\"name\":\"e\"}]}\n", host, from + 500000000 + ahead
    }
    function way() { return 100 + int(rand() * 201) }
    BEGIN {
        srand(11)
        n = split(skews, word, " ")
        for (i = 1; i < n; i += 3) skew[word[i] " " word[i + 1]] = word[i + 2] / 1000
        for (trace = 1; trace <= traces; trace++) {
            at = trace * 1000
            emit(1, 0, at, at + 20000, "front", "f", "server")
            for (call = 0; call < 2; call++) {
                id = 10 * call + 2; host = call == trace % 2 ? "c1" : "c2"
                from = at + 500 + call * 9000; a = from + way(); b = a + 1000 + way(); c = b + 3000; d = c + way() + 500; to = d + way()
                emit(id, 1, from, to, "front", "f", "client"); emit(id + 1, id, a, d, "cart", host, "server")
                emit(id + 2, id + 1, a + 1000, d - 500, "cart", host, "client"); emit(id + 3, id + 2, b, c, "stock", "s", "server")
            }
        }
    }'
}

# farthest MOST FILE: how many spans of the trace records start, end or have an event farther from
# where they are in the file clean than MOST ns, or took another time.
farthest() {
    jq -n --argjson most "$1" --slurpfile clean clean '
        ($clean | INDEX(.traceId + .spanId)) as $true | def ns: .[-10:] | tonumber;
        def off(a; b): (a | ns) - (b | ns) | if . < 0 then -. else . end;
        [inputs | .structure.spans[] | $true[.traceId + .spanId] as $t
         | select(off(.startTimeUnixNano; $t.startTimeUnixNano) > $most
                  or off(.startTimeUnixNano; $t.startTimeUnixNano) != off(.endTimeUnixNano; $t.endTimeUnixNano)
                  or off(.startTimeUnixNano; $t.startTimeUnixNano) != off(.events[0].timeUnixNano; $t.events[0].timeUnixNano))]
        | length' "$2"
}

@test 'traces without skew come out byte for byte as without the option' {
    { shop; fleet 20; } >spans
    for verb in assemble 'assemble --summary' timeline path 'path --spans' map 'map --dot'; do
        trace-span $verb spans >wanted 2>/dev/null
        run -0 --separate-stderr trace-span $verb --adjust-skew -o got spans
        assert_files_equal got wanted
        refute_regex "$stderr" 'adjusted|contradict'
    done
}

@test 'planted skews are found, as far as the network allows; chains of two skewed clocks too' {
    fleet 50 >clean
    # one hop: the fastest request and answer of a call; two hops: of both
    for skews in 'cart c1 40000000' 'cart c1 -40000000' 'stock s 7000000' 'stock s -5000000000' \
        'cart c1 40000000 cart c2 -3000000' 'cart c1 900000000 stock s 900000000' \
        'cart c1 900000000 cart c2 900000000 stock s -60000000'; do
        fleet 50 $skews >spans
        trace-span assemble spans >raw
        (($(farthest 2900000 raw) > 0))
        run -0 --separate-stderr trace-span assemble --adjust-skew -o got spans
        assert_equal "$skews: $(farthest 1200000 got)" "$skews: 0"
        assert_regex "$stderr" 'adjusted the clocks of [0-9]+ spans in 50 of 50 traces'
    done
}

@test 'two instances of a service have clocks of their own' {
    fleet 2 cart c1 40000000 cart c2 -3000000 >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$(jq -c '.metadata.customData.clockAdjustments[] | [.serviceName, .instance, (.adjustment / 1000000 | round), .spanCount]' <<<"$output" | sort | uniq -c | sed 's/^ *//')" \
        '2 ["cart","c1",-40,2]
2 ["cart","c2",3,2]'
}

@test 'one call: between the bounds that it gives, and with what it was annotated' {
    { host 1 1 - 1000 2000 a h1 client; host 1 2 1 500 1400 b h2 server '' "\"events\":[{\"timeUnixNano\":\"1700000000000000600\",\"name\":\"e\"}]"
      host 1 3 2 600 700 b h2 internal; } >spans
    # b is to be 500 to 600 later, geometric mean 547.7
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$stderr" 'trace-span: adjusted the clocks of 2 spans in 1 of 1 trace'
    assert_equal "$(jq -c .metadata.customData <<<"$output")" \
        '{"adjustedSpans":2,"clockAdjustments":[{"serviceName":"b","instance":"h2","adjustment":547,"lowerBound":500,"upperBound":600,"againstService":"a","againstInstance":"h1","spanCount":2,"callCount":1}]}'
    assert_equal "$(jq -c '.structure.spans[] | [.startTimeUnixNano[-4:], .endTimeUnixNano[-4:], .durationNano, (.events // [{}])[0].timeUnixNano[-4:], .attributes]' <<<"$output")" \
        '["1000","2000",1000,null,null]
["1047","1947",900,"1147",{"tracecore.clock_adjustment_nano":547}]
["1147","1247",100,null,{"tracecore.clock_adjustment_nano":547}]'
    assert_equal "$(jq -c .timeline.totalDuration <<<"$output")" 1000
    # what was adjusted stays where it is, with what was said of it
    jq -c '.structure.spans[]' <<<"$output" >again
    run -0 --separate-stderr trace-span assemble --adjust-skew again
    assert_equal "$stderr" ''
    assert_equal "$(jq -c '[.structure.spans[].attributes]' <<<"$output")" '[null,{"tracecore.clock_adjustment_nano":547},{"tracecore.clock_adjustment_nano":547}]'
}

@test 'several calls bound a clock from both sides' {
    # the first says 500 or more, the second 520 or less
    { host 1 1 - 0 9000 a h1 server; host 1 2 1 1000 3000 a h1 client; host 1 3 2 500 800 b h2 server
      host 1 4 1 4000 5000 a h1 client; host 1 5 4 3600 4480 b h2 server; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$(jq -c '.metadata.customData.clockAdjustments[0] | [.adjustment, .lowerBound, .upperBound, .callCount]' <<<"$output")" '[509,500,520,2]'
}

@test 'a caller that gave up, or took less time than what it called, bounds from one side only' {
    # the server goes on after a client that failed: no skew
    { host 1 1 - 0 100 a h1 client '"status":"error"'; host 1 2 1 50 120 b h2 server; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$output" "$(trace-span assemble spans)"
    # a server that took longer than its client: begins with it
    { host 1 1 - 100 200 a h1 client; host 1 2 1 40 190 b h2 server; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$(jq -c '[.metadata.customData.clockAdjustments[0] | .adjustment, .lowerBound, .upperBound], .structure.spans[1].startTimeUnixNano[-3:]' <<<"$output")" $'[60,60,null]\n"100"'
    # the same with both failed: the answer came
    { host 1 1 - 0 100 a h1 client '"status":"error"'; host 1 2 1 50 120 b h2 server '"status":"error"'; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$(jq -c '.metadata.customData.clockAdjustments[0] | .adjustment, .lowerBound, .upperBound' <<<"$output" | xargs)" '-31 -50 -20'
}

@test 'retries: attempts at one server share its clock' {
    { host 1 1 - 0 9000 a h1 server; host 1 2 1 100 300 a h1 client '"status":"error"'; host 1 3 2 5120 5280 b h2 server '"status":"error"'
      host 1 4 1 400 700 a h1 client; host 1 5 4 5450 5680 b h2 server; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    # -5020 to -4980 by the first, -5050 to -4980 by the second
    assert_equal "$(jq -c '.metadata.customData.clockAdjustments[0] | .adjustment, .lowerBound, .upperBound, .callCount' <<<"$output" | xargs)" '-4999 -5020 -4980 2'
}

@test 'what is asynchronous says nothing of clocks, and is not moved' {
    { host 1 1 - 1000 2000 a h1 producer; host 1 2 1 500 600 b h2 consumer; host 1 3 1 400 450 c h3 server; host 1 4 1 300 350 d h4 consumer; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$output" "$(trace-span assemble spans)"
    # a link to a later span
    { host 1 1 - 1000 2000 a h1 server; host 1 2 1 1100 1200 b h2 server '' "\"links\":[{\"traceId\":\"$(printf '%032x' 1)\",\"spanId\":\"$(id 3)\"}]"; host 1 3 1 1500 1600 c h3 server; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$output" "$(trace-span assemble spans)"
    # a server need not wait for what it called, but comes before it
    { host 1 1 - 1000 2000 a h1 server; host 1 2 1 1900 2300 b h2 server; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$output" "$(trace-span assemble spans)"
    { host 1 1 - 1000 2000 a h1 server; host 1 2 1 900 2300 b h2 server; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$(jq -c '.metadata.customData.clockAdjustments[0].adjustment' <<<"$output")" 100
}

@test 'spans without kind are calls; spans of one process never are' {
    { host 1 1 - 1000 2000 a h1 -; host 1 2 1 700 1500 b h2 -; host 1 3 1 100 200 a h1 -; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    # 300 to 500
    assert_equal "$(jq -c '.metadata.customData | .adjustedSpans, (.clockAdjustments[0] | .serviceName, .adjustment)' <<<"$output" | xargs)" '1 b 387'
    # the same service without a name of a host, and no service at all
    { span 1 1 - 1000 2000 a x; span 1 2 1 100 200 a x; span 2 1 - 1000 2000 - x; span 2 2 1 100 200 - x; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$output" "$(trace-span assemble spans)"
}

@test 'bounds that contradict each other move nothing, and that is said' {
    # 500 to 600 by one call, -600 to -500 by another: the clock was set in between
    { host 1 1 - 0 9000 a h1 server; host 1 2 1 1000 2000 a h1 client; host 1 3 2 500 1400 b h2 server
      host 1 4 1 4000 5000 a h1 client; host 1 5 4 4600 5500 b h2 server; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$stderr" 'trace-span: 1 trace has calls that contradict each other about a clock, which is left as it is'
    assert_equal "$(jq -c 'del(.metadata, .analysis.anomalies)' <<<"$output")" "$(trace-span assemble spans | jq -c 'del(.metadata, .analysis.anomalies)')"
    assert_equal "$(jq -c '.analysis.anomalies[0]' <<<"$output")" '{"type":"contradictory_clock","serviceName":"b"}'
    assert_equal "$(jq -c '.metadata.customData.clockAdjustments' <<<"$output")" \
        '[{"serviceName":"b","instance":"h2","adjustment":0,"contradictory":true,"lowerBound":500,"upperBound":-500,"againstService":"a","againstInstance":"h1","spanCount":2,"callCount":2}]'
    run -0 --separate-stderr trace-span timeline --adjust-skew spans
    assert_line --index 2 'clock of b (h2) not adjusted, its calls contradict each other: a (h1)'
}

@test 'cycles, orphans, roots of their own and what has no times stay whole' {
    { host 1 1 - 1000 2000 a h1 client; host 1 2 1 500 1400 b h2 server; host 1 3 77 100 200 c h3 server
      host 1 4 5 300 400 d h4 server; host 1 5 4 290 500 e h5 server; host 1 6 6 1 2 f h6 server
      host 1 7 2 - - g h7 server; host 1 8 7 90 95 h h8 server; host 1 9 1 1500 1400 i h9 server; host 1 1 - 1000 2000 a h1 client; } >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$(jq -c '.structure.spanCount, (.structure.spans | length), (.metadata.customData | .adjustedSpans, [.clockAdjustments[] | .serviceName, .adjustment])' <<<"$output")" \
        $'10\n10\n1\n["b",547]'
}

@test 'times at the end of what can be told do not overflow' {
    { host 1 1 - 0 10 a h1 client; host 1 2 1 1 2 b h2 server; } | sed '1s/17000000000000000\([01]\)/46116860184273878\1/g; 2s/17000000000000000/-4611686018427387/g' >spans
    run -0 --separate-stderr trace-span assemble --adjust-skew spans
    assert_equal "$(jq -c '.structure.spans | length' <<<"$output")" 2
}

@test 'the same bytes on any number of threads, from binary, and from disk' {
    fleet 400 cart c1 40000000 stock s -3000000 | jq -c '.attributes = {"pad": ("x" * 900)}' >spans
    trace-span assemble --adjust-skew spans >wanted 2>/dev/null
    assert_equal "$(jq -s 'map(.metadata.customData.adjustedSpans) | add' wanted)" 1600
    trace-span assemble --adjust-skew --summary spans >wanted-summary 2>/dev/null
    trace-span filter -b spans >binary
    for options in -j1 -j8 '-j1 --memory=1M' '-j3 --memory=1M'; do
        for input in spans binary; do
            trace-span assemble --adjust-skew $options -o got $input 2>/dev/null
            assert_files_equal got wanted
            trace-span assemble --adjust-skew --summary $options -o got $input 2>/dev/null
            assert_files_equal got wanted-summary
        done
    done
    trace-span assemble --adjust-skew -b spans 2>/dev/null | trace-span filter >got
    assert_files_equal got wanted
    for verb in 'path' 'path --spans' 'map' 'timeline --limit=400'; do
        trace-span $verb --adjust-skew -j1 spans >wanted 2>/dev/null
        trace-span $verb --adjust-skew -j8 binary >got 2>/dev/null
        assert_files_equal got wanted
    done
}

@test 'traces come out by their adjusted start' {
    { host 1 1 - 1000 2000 a h1 client; host 1 2 1 500 1400 b h2 server; host 2 1 - 900 950 a h1 client; } >spans
    run -0 trace-span assemble --summary --adjust-skew --fields=traceId,timeline.totalDuration --format=tsv spans
    assert_output --partial $'2\t50\n00000000000000000000000000000001\t1000'
    trace-span assemble --summary --adjust-skew spans 2>/dev/null >got
    assert_equal "$(jq -c .metadata got)" $'null\n{"customData":{"adjustedSpans":1}}'
}

@test 'timeline, path and map tell whose clock was adjusted' {
    { host 1 1 - 1000 2000 a h1 client; host 1 2 1 500 1400 b h2 server; } >spans
    run -0 --separate-stderr trace-span timeline --adjust-skew spans
    assert_line --index 2 'clock of b (h2) adjusted by +547 ns, against a (h1)'
    assert_line --index 1 --partial '1.00 us, 2 spans'
    COLUMNS=48 run -0 --separate-stderr trace-span timeline --adjust-skew spans
    assert_line --index 3 'clock of b (h2) adjusted by +547 ns, against a..'
    run -0 --separate-stderr trace-span path --adjust-skew spans
    assert_equal "$(jq -c '[.group.service, .sum, .adjustedSpans]' <<<"$output")" $'["b",900,1]\n["a",100,null]'
    run -0 --separate-stderr trace-span path --spans --adjust-skew spans
    assert_equal "$(jq -c '[.startTimeUnixNano[-4:], .attributes]' <<<"$output")" $'["1000",null]\n["1047",{"tracecore.clock_adjustment_nano":547}]'
    run -0 --separate-stderr trace-span map --adjust-skew spans
    assert_equal "$(jq -c '[.group.target, .adjustedCalls, .clockOffsetMinNano, .clockOffsetMaxNano]' <<<"$output")" $'["b",1,-547,-547]\n["a",null,null,null]'
    run -0 --separate-stderr trace-span map --dot --adjust-skew spans
    assert_output --partial 'clock behind by 547 ns'
    # an assembled trace, too
    trace-span assemble spans | trace-span timeline --adjust-skew 2>/dev/null >got
    assert_regex "$(<got)" 'clock of b \(h2\) adjusted by \+547 ns'
}

@test 'an attribute goes where it belongs, whatever the span has there' {
    host 1 1 - 1000 2000 a h1 client >spans
    for attributes in '{}' '{"k":1}' '{"k":{"x":"}"}} ' 'null' '{"tracecore.clock_adjustment_nano":3}'; do
        host 1 2 1 500 1400 b h2 server '' "\"attributes\" : $attributes" | cat spans - | trace-span assemble --adjust-skew 2>/dev/null >got
        jq -c '.structure.spans[1].attributes' got
    done >all
    assert_equal "$(<all)" '{"tracecore.clock_adjustment_nano":547}
{"k":1,"tracecore.clock_adjustment_nano":547}
{"k":{"x":"}"},"tracecore.clock_adjustment_nano":547}
{"tracecore.clock_adjustment_nano":547}
{"tracecore.clock_adjustment_nano":550}'
}
