# trace-span patterns: traces by shape, span names by template.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C
}

# page TRACE ITEMS [STATUS]: a request that looks up so many items.
page() {
    local i
    span "$1" 1 - 0 $((100 + 0x$1)) front "GET /page/$((0x$1))" server "${3:+\"status\":\"$3\"}"
    span "$1" 2 1 10 20 auth check server
    for ((i = 0; i < $2; i++)); do
        span "$1" $((10 + i)) 1 $((30 + i)) $((40 + i)) cart "item $i" client
    done
}

@test 'a pattern: the record in full' {
    { page 1 2; page 2 5 error; page 3 1; } >spans
    run -0 trace-span patterns spans
    assert_output '{"type":"aggregate","recordType":"trace","metricName":"durationNano","group":{"service":"front","name":"GET /page/<num>","pattern":"dbb9573fec09f485"},"count":3,"errors":1,"errorRate":0.3333333333333333,"sum":306,"mean":102.0,"min":101,"p50":102.51323328409468,"p95":102.51323328409468,"p99":102.51323328409468,"max":103,"share":1.0,"spans":4.666666666666667,"variants":1,"firstUnixNano":"1700000000000000000","lastUnixNano":"1700000000000000000","sketch":"front: GET /page/<num> (auth: check, cart: item <num> x2)","evidence":[{"traceId":"00000000000000000000000000000003"}]}'
}

@test 'near shapes are one pattern, as far as --similarity says; broken traces join' {
    tree() { # TRACE [LEAVES OUT]
        { span "$1" 1 - 0 100 front root server
          span "$1" 2 1 1 90 a a; span "$1" 3 2 2 80 b b; span "$1" 4 3 3 70 c c
          span "$1" 5 1 4 60 d d; span "$1" 6 5 5 50 e e; span "$1" 7 5 6 40 f f; } |
            grep -v "\"spanId\":\"${2:-none}\""
    }
    { tree 1; tree 2; tree 3 "$(id 7)"; tree 4 "$(id 3)"; tree 5 "$(id 1)"
      span 6 1 - 0 10 front root server; span 6 2 1 1 5 z z; } >spans
    run -0 bash -c 'trace-span patterns spans | jq -c "[.count, .variants, .group.name]"'
    assert_output '[5,4,"root"]
[1,1,"root"]'
    run -0 bash -c 'trace-span patterns --similarity=100% spans | jq -c "[.count, .variants]"'
    assert_output '[4,3]
[1,1]
[1,1]'
    run -0 bash -c 'trace-span patterns --similarity=0.1 spans | jq -c "[.count, .variants]"'
    assert_output '[6,5]'
    run -2 trace-span patterns --similarity=0 spans
    run -2 trace-span patterns --similarity=101% spans
}

@test '--names: templates, how many names each stands for' {
    { page 1 2; page 2 5; page 3 1 error; } >spans
    run -0 bash -c 'trace-span patterns --names spans | jq -c "[.group.service, .group.name, .count, .errors, .max, .names, .examples]"'
    assert_output '["cart","item <num>",8,0,10,5,["item 0","item 1","item 2"]]
["auth","check",3,0,10,1,["check"]]
["front","GET /page/<num>",3,1,103,3,["GET /page/1","GET /page/2","GET /page/3"]]'
}

@test 'the answer does not depend on order, threads, or the stream' {
    "$top_srcdir/contrib/sample-capture.sh" --traces=60 >capture.json
    trace-record import capture.json 2>/dev/null | trace-span filter --type=span >all
    for names in '' --names; do
        trace-span patterns $names all >wanted
        [[ -s wanted ]]
        run -0 diff wanted <(sort -R all | trace-span patterns $names -j3)
        run -0 diff wanted <(trace-span patterns $names -j1 all)
        run -0 diff wanted <(trace-span filter -b all | trace-span patterns $names)
        run -0 diff wanted <(trace-span assemble all | trace-span patterns $names)
    done
}

@test 'wide and deep trees are drawn as far as they can be read' {
    { span 1 1 - 0 100 a root; for ((i = 2; i < 40; i++)); do span 1 $i $((i - 1)) 0 100 a "n$i"; done
      span 2 1 - 0 100 b root; for ((i = 100; i < 300; i++)); do span 2 $i 1 0 100 b "l$i"; done; } >spans
    run -0 bash -c 'trace-span patterns spans | jq -r ".sketch | length, .[-12:]"'
    assert_line --regexp '\.\.\.\)+$'
    run -0 bash -c 'trace-span patterns spans | jq ".sketch | length < 500"'
    assert_output 'true
true'
}

@test 'the same trees with an orphan among their roots are another shape, whichever comes first' {
    for orphan in 1 2; do
        { span "$orphan" 1 - 0 9 x y; span "$orphan" 2 77 1 5 x y
          span $((3 - orphan)) 1 - 0 9 x y; span $((3 - orphan)) 2 - 1 5 x y; } >spans
        run -0 bash -c 'trace-span patterns spans | jq -c "[.count, .variants, .group.pattern]"'
        [[ $orphan == 1 ]] || assert_equal "$output" "$before"
        before=$output
    done
    assert_output --regexp '^\[2,2,"[0-9a-f]{16}"\]$'
}
