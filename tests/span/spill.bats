# Verbs that need whole traces, with more spans than --memory: the same output by way of a file.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    command -v jq >/dev/null || skip 'jq is missing'
}

# many SPANS: spans of traces that begin at random, three a trace, some of which fail.
many() {
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) { t = int(i * 7919 % n / 3); s = i * 7919 % n % 3
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",%s\"name\":\"n%d\",\"kind\":\"%s\",\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\",\"status\":\"%s\",\"service\":\"s%d\"}\n",
            t * 7919 % 1000003 + 99, s + 1, s ? sprintf("\"parentSpanId\":\"%016x\",", s) : "",
            (t + s) % 10, s % 2 ? "client" : "server", 1000 + t * 104729 % 1000003, 3000000 - s,
            i % 17 ? "ok" : "error", (t + s) % 5 } }'
}

# Traces of every oddity, and one that has them all but a link: those of some spans, and the others.
odd_begin() {
    span a 1 - 0 9 x y # the same span twice
    span b 1 - 0 9 x y
    span b 2 77 1 2 x y # an orphan
    span c 3 3 2 3 x y  # it is its own parent
    span d 4 5 3 4 x y  # a circle
    span e 8 - 5 6 c y client # both halves of a shared id
    span f 1 - 1 5 x y # two roots
    span 10 1 - 1 5 x y - '' "\"links\":[{\"traceId\":\"$(printf '%032x' 11)\",\"spanId\":\"$(id 7)\"}]"
    span 12 1 - 0 9 x y
    span 12 2 77 1 2 x y
    span 12 4 5 3 4 x y
    span 12 8 1 5 6 c y client
}
odd_end() {
    span a 1 - 0 9 x y
    span d 5 4 4 5 x y
    span e 8 - 5 6 s y server
    span f 2 - 2 6 y y
    span 11 7 - 0 1 x y
    span 12 1 - 0 9 x y
    span 12 3 3 2 3 x y
    span 12 5 4 4 5 x y
    span 12 8 1 5 6 s y server
    span 12 6 1 5 99 x y
}

# same ARGS...: the command gives the same output and messages with a file as without one, and
# needs it. Leaves what it gives in wanted and wanted.err.
same() {
    trace-span "$@" -j2 >wanted 2>wanted.err
    assert_size_not_zero wanted
    trace-span "$@" -j1 --memory=1M >got 2>got.err
    cmp got wanted
    cmp got.err wanted.err
    TMPDIR=/nowhere run -4 --separate-stderr trace-span "$@" -j1 --memory=1M
    assert_output ''
    assert_equal "$stderr" 'trace-span: cannot make a temporary file: No such file or directory'
}

@test 'assemble: complete and as a summary, and with fields that need no spans' {
    { odd_begin; many 30000; odd_end; } >spans
    same assemble spans
    assert_equal "$(jq -sc '[length, (map(.structure.spans | length) | add)]' wanted)" '[10009,30022]'
    assert_equal "$(jq -c 'select(.traceId < "00000000000000000000000000000020") | [.traceId[30:], .metadata.customData]' wanted | sort)" \
'["0a",{"rootSpans":2,"duplicateSpans":1}]
["0b",{"rootSpans":2,"orphanSpans":1}]
["0c",{"selfParentSpans":1}]
["0d",{"openedCycles":1,"spansAfterParent":1}]
["0e",{"sharedSpans":1}]
["0f",{"rootSpans":2}]
["10",null]
["11",null]
["12",{"rootSpans":5,"orphanSpans":1,"selfParentSpans":1,"openedCycles":1,"duplicateSpans":1,"sharedSpans":1,"spansAfterParent":2}]'
    assert_equal "$(jq -c '.structure.spanRelationships | select(.[0].linkedTraceId)' wanted)" \
        '[{"type":"follows_from","spanId":"0000000000000001","linkedTraceId":"0000000000000000000000000000000b","linkedSpanId":"0000000000000007"}]'
    same assemble --summary spans
    many 90000 >spans
    for format in ndjson tsv; do
        same assemble --summary --format=$format \
            --fields=traceId,structure.spanCount,errors.errorCount,timeline.totalDuration spans
        assert_equal "$(wc -l <wanted)" $((30000 + (${#format} < 6)))
    done
}

@test 'timeline: the slowest, and those that are named' {
    { odd_begin; many 30000; odd_end; } >spans
    same timeline --limit=5 spans
    assert_equal "$(grep -c '^[0-9a-f]\{32\} ' wanted)" 5
    same timeline --limit=20000 spans
    assert_equal "$(grep -c '^[0-9a-f]\{32\} ' wanted)" 10009
    # of the named ones alone there is less
    run -0 --separate-stderr trace-span timeline 0000000000000000000000000000000{b,a} spans
    run -0 grep -o '^[0-9a-f]\{32\} ' <<<"$output"
    assert_output $'0000000000000000000000000000000a \n0000000000000000000000000000000b '
    trace-span timeline 00000000000000000000000000000012 spans >one
    sed -n '/^00000000000000000000000000000012/,/^$/p' wanted | sed '$d' | cmp - one
    assert_equal "$(sed -n 3p one)" '5 roots, 1 orphan, 1 self-parent, 1 opened cycle, 1 duplicate, 1 shared id'
}

@test 'path: groups, changes and spans' {
    { odd_begin; many 30000; odd_end; } >spans
    same path spans
    assert_equal "$(<wanted.err)" 'trace-span: among the spans there are: 2 orphans, 2 self-parents, 2 opened cycles, 2 duplicates'
    same path --by=kind spans
    same path --what-if=n3=-50% spans
    same path --spans spans
    assert_equal "$(wc -l <wanted)" 30022
    assert_equal "$(jq -r 'select(.notes) | [.traceId[30:], .spanId[15:], .kind, .notes[]] | join(" ")' wanted | sort)" \
'0a 1  duplicate
0b 2  orphan
0c 3  selfParent
0d 4  openedCycle
0e 8 server shared
12 1  duplicate
12 2  orphan
12 3  selfParent
12 4  openedCycle
12 8 server shared'
}

@test 'map' {
    { odd_begin; many 30000; odd_end; } >spans
    same map spans
    assert_equal "$(<wanted.err)" 'trace-span: among the spans there are: 2 self-parents, 2 opened cycles, 2 duplicates'
    same map --span=0000000000000008 spans
    same map --dot spans
}

@test 'search, get --details, patterns, errors and analyze' {
    { odd_begin; many 30000; odd_end; } >spans
    same search '{ status = error } >> { }' spans
    same search --traces '{ } >> { name = "y" }' spans
    same get --span=0000000000000008 --details spans
    same patterns spans
    same patterns --names spans
    same errors spans
    "$top_builddir/tests/tools/antipatterns" 1 1500 truth >spans
    same analyze spans
}

@test 'diff' {
    shapes() { # TRACES SLOW
        awk -v n="$1" -v slow="$2" 'BEGIN { for (i = 0; i < 40000; i++) { t = i % n; s = int(i / n)
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",%s\"name\":\"n%d\",\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\",\"service\":\"s\"}\n",
                t + 1, s + 1, s ? "\"parentSpanId\":\"0000000000000001\"," : "", s ? s % 5 : 9, t * 1000000 + s * 90,
                t * 1000000 + (s ? s * 90 + 60 + i * 7919 % 11 + (s % 5 == 2 ? slow : 0) : 99999) } }'
    }
    shapes 40 0 >base
    shapes 40 15 >cand
    same diff base cand
    assert_equal "$(jq -r '.group.name' wanted | paste -sd ' ')" 'n9 n2'
    shapes 2 0 >two
    same diff 00000000000000000000000000000001 00000000000000000000000000000002 two
    run -1 --separate-stderr trace-span diff --memory=1M 00000000000000000000000000000001 000000000000000000000000000000ff two
    assert_equal "$stderr" 'trace-span: no span of trace 000000000000000000000000000000ff is in the input'
}

# chain SPANS: of one trace, each below the one before, the first below the last.
chain() {
    awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++)
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"parentSpanId\":\"%016x\",\"name\":\"n\",\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\",\"service\":\"s%d\"}\n",
            5, i, i == 1 ? n : i - 1, 1000000 + i, 2000000 - i, i % 2 }'
}

@test 'a trace of 200,000 spans, each below the one before: larger than --memory, with little stack' {
    chain 200000 >spans
    ulimit -s 512
    run -0 trace-span timeline --memory=1M --max-rows=3 spans
    assert_line --index 1 --partial '200,000 spans'
    assert_line --index 2 '1 opened cycle'
    assert_line --index 6 --partial '199,998 more'
    run -0 --separate-stderr trace-span path --memory=1M --fields=group,spans,onPath spans
    assert_output '{"group":{"service":"s0","name":"n"},"spans":100000,"onPath":100000}
{"group":{"service":"s1","name":"n"},"spans":100000,"onPath":100000}'
    assert_equal "$stderr" 'trace-span: among the spans there are: 1 opened cycle'
    run -0 --separate-stderr trace-span map --memory=1M --fields=group,count spans
    assert_line '{"group":{"source":"s0","target":"s1","connection":"call"},"count":99999}'
    assert_line '{"group":{"source":"s1","target":"s0","connection":"call"},"count":100000}'
    trace-span assemble --memory=1M -o spilled spans 2>/dev/null
    trace-span assemble -o whole spans 2>/dev/null
    cmp spilled whole
    run -0 grep -o '"customData":{[^}]*}' whole
    assert_output '"customData":{"openedCycles":1}'
}

# peak FILE: the largest resident set in KiB that /usr/bin/time wrote there.
peak() {
    tail -n 1 "$1"
}

# checked MEMORY ARGS...: traces that are all open to the end come out as they are, in order.
checked() {
    local memory=$1 tool=$top_builddir/tests/tools/open_traces
    run -0 bash -o pipefail -c '"$1" make "$2" "$3" | '"${watch-}"' trace-span "${@:5}" --memory="$4" | "$1" check "$2" "$3"' \
        - "$tool" "$traces" "$spans" "$memory" "${@:2}"
    assert_output --regexp "^$traces traces, $spans spans, "
    [[ -z ${watch-} ]] || echo "# ${*:2} --memory=$memory: peak $(peak watched) KiB" >&3
}

@test 'traces that are all open until the end of the input' {
    traces=20000 spans=30000
    fields=--fields=traceId,structure.spanCount,timeline.totalDuration,errors.errorCount
    sizes=(1M)
    if [[ ${TRACECORE_TEST_LONG-} == yes ]]; then # some minutes each, and 10 GB of TMPDIR
        traces=10000000 spans=15000000 sizes=(256M 2G)
        [[ ! -x /usr/bin/time ]] || watch='/usr/bin/time -f %M -o watched'
    fi
    for size in "${sizes[@]}"; do
        for args in "assemble --summary" "assemble --summary $fields" assemble; do
            # shellcheck disable=SC2086
            checked "$size" $args
            [[ -z ${watch-} ]] || developer_build || (($(peak watched) <= $(numfmt --from=iec "$size") / 1024))
        done
        run -0 bash -o pipefail -c '"$1" make "$2" "$3" | trace-span path --fields=spans --memory="$4" | jq -s "map(.spans) | add"' \
            - "$top_builddir/tests/tools/open_traces" "$traces" "$spans" "$size"
        assert_output "$spans"
    done
}

@test 'a disk that is full is one error, and leaves nothing' {
    many 90000 >spans
    mkdir tmp
    trap '' XFSZ
    ulimit -f 512
    for args in 'assemble --summary --fields=traceId' path map timeline; do
        # shellcheck disable=SC2086
        TMPDIR=$PWD/tmp run -4 --separate-stderr trace-span $args --memory=1M spans
        assert_output ''
        assert_equal "$stderr" 'trace-span: cannot write to a temporary file: File too large'
    done
    assert_equal "$(ls -A tmp)" ''
}
