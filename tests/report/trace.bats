#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-report trace: which trace, what the page holds, and that strangers' data stays data.

load ../helper

# span TRACE SPAN PARENT SERVICE NAME START_MS DURATION_MS [MORE]
span() {
    printf '{"type":"span","traceId":"%032x","spanId":"%016x",%s"name":"%s","startTimeUnixNano":"%s000000","endTimeUnixNano":"%s000000","service":"%s"%s}\n' \
        "$1" "$2" "${3:+\"parentSpanId\":\"$(printf %016x "$3")\",}" "$5" "$((1767607200000 + $6))" \
        "$((1767607200000 + $6 + $7))" "$4" "${8:+,$8}"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    {
        span 1 1 '' web 'GET /' 0 100
        span 2 2 '' web 'GET /slow' 0 300 '"status":"error","statusMessage":"gave up"'
        span 2 3 2 db SELECT 10 250 '"attributes":{"db.rows":9007199254740993,"q":"a=b"},"events":[{"timeUnixNano":"1767607200020000000","name":"lock","attributes":{"n":1}}],"resource":{"host.name":"h1"}'
        span 2 4 2 web render 270 20
    } >spans.ndjson
}

# The page's data as JSON.
data() {
    sed -n '/<script type="application\/json"/,/<\/script>/p' "$1" | sed '1d;$d'
}

# What the policy says, and what it should: sha256 of an element's text.
hash_of() {
    awk -v tag="$2" 'BEGIN { RS = "\001" } {
        from = index($0, "<" tag ">") + length(tag) + 2
        rest = substr($0, from)
        printf "%s", substr(rest, 1, index(rest, "</" tag ">") - 1) }' "$1" |
        openssl dgst -sha256 -binary | base64
}

@test 'without an ID the slowest trace is shown, and the others are listed' {
    trace-report trace -o page.html spans.ndjson
    run -0 cat page.html
    assert_output --partial '<title>GET /slow (300 ms) 00000000000000000000000000000002</title>'
    assert_output --partial '<dt>Spans</dt><dd>3</dd>'
    assert_output --partial '<dt>Errors</dt><dd>1</dd>'
    assert_output --partial '1 other trace in the input'
    assert_output --partial '<tr><td><code>00000000000000000000000000000001</code></td><td>web</td><td>GET /</td>'
}

@test 'an ID is that of a trace, of a span, or a traceparent' {
    for id in 00000000000000000000000000000001 0000000000000001 \
        00-00000000000000000000000000000001-0000000000000001-01; do
        trace-report trace "$id" -o page.html spans.ndjson
        run -0 grep -c '<title>GET / (100 ms)' page.html
        assert_output 1
    done
    trace-report trace 0000000000000003 -o page.html spans.ndjson
    run -0 grep -c '"select":"0000000000000003"' page.html
}

@test 'a trace that is not there is 1, and leaves no file; no spans at all are 4' {
    run -1 trace-report trace 00000000000000000000000000000009 -o page.html spans.ndjson
    assert_output 'trace-report: no span of 00000000000000000000000000000009 is in the input'
    assert_file_not_exists page.html
    run -4 trace-report trace -o page.html /dev/null
    assert_output --partial 'no spans are in the input'
}

@test 'an operand that is neither an ID nor an input is an error, and no page is made' {
    run -4 trace-report trace deadbeef spans.ndjson
    assert_output 'trace-report: deadbeef: no ID, which has 32 or 16 hexadecimal digits, and no INPUT: No such file or directory'
    run -4 trace-report trace ./nowhere
    assert_output 'trace-report: ./nowhere: cannot open: No such file or directory'
    trace-report trace -o page.html spans.ndjson 00000000000000000000000000000001
    run -0 grep -c '<title>GET / (100 ms)' page.html
    run -2 trace-report trace 0000000000000001 spans.ndjson 0000000000000002
    assert_line -n 0 'trace-report: one ID at a time: 0000000000000001 and 0000000000000002 are two'
}

@test 'the data is JSON with tree, critical path, attributes and events' {
    command -v jq >/dev/null || skip 'jq is missing'
    trace-report trace spans.ndjson >page.html
    data page.html >data.json
    run -0 jq -c '.spans | map(.[0])' data.json
    assert_output '[-1,0,0]'
    run -0 jq -c '.path' data.json
    assert_output '[[0,0,10000000],[1,10000000,260000000],[0,260000000,270000000],[2,270000000,290000000],[0,290000000,300000000]]'
    run -0 jq -c '.details[1]' data.json
    assert_output '{"i":"0000000000000003","p":"0000000000000002","a":[["db.rows","9007199254740993",1],["q","a=b"]],"e":[[20000000,"lock",[["n","1",1]]]],"r":0}'
    run -0 jq -c '[.total, .resources, (.services | map(.[0]))]' data.json
    assert_output '[3,[[["host.name","h1"]]],["db","web"]]'
}

@test 'log records of the trace are beside their spans; those of no span of it at the root' {
    command -v jq >/dev/null || skip 'jq is missing'
    log() { printf '{"type":"log","timeUnixNano":"%s000000","severity":"%s","body":%s,"traceId":"%032x"%s}\n' "$((1767607200000 + $1))" "$2" "$3" "$4" "${5:+,\"spanId\":\"$(printf %016x "$5")\"}"; }
    {
        log 40 error '"</script>late"' 2 3
        log 20 info '"early"' 2 3
        log 5 warn '{"n":1}' 2
        log 6 info '"other"' 1 1
    } >logs.ndjson
    trace-report trace spans.ndjson logs.ndjson >page.html
    data page.html >data.json
    run -0 jq -c '.details | map(.g)' data.json
    assert_output '[[[5000000,"warn",[],"{\"n\":1}",1]],[[20000000,"info",[],"early"],[40000000,"error",[],"</script>late"]],null]'
    assert_equal "$(grep -o '</script' page.html | wc -l)" 2
    tac logs.ndjson | cat - spans.ndjson | trace-report trace >turned.html
    assert_files_equal page.html turned.html
    trace-report trace 0000000000000001 spans.ndjson logs.ndjson >page.html
    data page.html >data.json
    run -0 jq -c '.details | map(.g)' data.json
    assert_output '[[[6000000,"info",[],"other"]]]'
}

@test 'assembled traces are read as their spans are' {
    trace-report trace spans.ndjson >wanted.html
    trace-span assemble spans.ndjson >traces.ndjson
    trace-report trace traces.ndjson >page.html
    sed 's/"r":[0-9]*//' wanted.html >a
    sed 's/"r":[0-9]*//' page.html >b
    assert_files_equal a b
    trace-span assemble -b spans.ndjson | trace-report trace 00000000000000000000000000000001 -o page.html
    run -0 grep -c '<title>GET / (100 ms)' page.html
    trace-report summary spans.ndjson >wanted
    trace-report summary traces.ndjson >got
    assert_files_equal wanted got
    COLUMNS=120 run -0 trace-report summary <(trace-span assemble --summary spans.ndjson)
    assert_output '2 trace records without their spans, which trace-span assemble keeps if --summary is not given.'
}

@test 'the policy lets in exactly the script and the style of the page' {
    command -v openssl >/dev/null || skip 'openssl is missing'
    trace-report trace spans.ndjson >page.html
    policy=$(grep -o 'content="default-src [^"]*"' page.html)
    assert_equal "$policy" "content=\"default-src 'none'; script-src 'sha256-$(hash_of page.html script)'; style-src 'sha256-$(hash_of page.html style)'; base-uri 'none'; form-action 'none'\""
    assert_equal "$(grep -o '<script' page.html | wc -l)" 2
    run -1 grep -E ' (on[a-z]+|style|src|href)=' page.html
    run -1 grep -E 'https?://' page.html
}

@test 'hostile names, attributes and events give no markup and no hidden characters' {
    bad='</script><script>alert(1)</script><!--\u0000\u001b[31m\u202e\u2028\ud800\"'"'"'<img src=x onerror=alert(1)>'
    span 5 5 '' "$bad" "$bad" 0 10 \
        "\"status\":\"error\",\"statusMessage\":\"$bad\",\"attributes\":{\"$bad\":\"$bad\",\"o\":{\"$bad\":[\"$bad\"]}},\"resource\":{\"$bad\":\"$bad\"},\"events\":[{\"timeUnixNano\":\"1\",\"name\":\"$bad\",\"attributes\":{\"$bad\":\"$bad\"}}],\"links\":[{\"traceId\":\"$bad\",\"spanId\":\"$bad\"}]" >hostile.ndjson
    span 6 6 '' "$bad" "$bad" 0 5 >>hostile.ndjson
    trace-report trace -o page.html hostile.ndjson
    assert_equal "$(grep -o '<script' page.html | wc -l)" 2
    assert_equal "$(grep -o '</script' page.html | wc -l)" 2
    run -1 grep -E '<img|<!--' page.html
    run -1 grep -P '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\xa8-\xae]|\xed[\xa0-\xbf]' page.html
    if command -v jq >/dev/null; then
        data page.html | jq -e '.details[0].a | length == 2' >/dev/null
    fi
    run -0 trace-report trace --format=text hostile.ndjson
    run -1 grep -P '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\xa8-\xae]' <<<"$output"
}

@test 'the same input in any order, with any -j and in binary, gives the same bytes' {
    for i in $(seq 10 400); do span 3 "$i" "$((i > 12 ? i * 7 % (i - 9) + 10 : 0))" "s$((i % 5))" "op$((i % 9))" $((i % 50)) $((i * i % 97)); done |
        sed 's/"parentSpanId":"0000000000000000",//' >many.ndjson
    trace-report trace many.ndjson >one.html
    shuf --random-source=many.ndjson many.ndjson | trace-report trace -j4 >two.html
    assert_files_equal one.html two.html
    trace-span filter -b many.ndjson | trace-report trace >three.html
    assert_files_equal one.html three.html
}

@test 'beyond --max-spans the least important are left out, and it says so' {
    for i in $(seq 10 300); do span 2 "$i" 3 db "fetch" $((20 + i % 40)) 1; done >>spans.ndjson
    span 2 999 3 db broken 30 1 '"status":"error"' >>spans.ndjson
    trace-report trace --max-spans=60 spans.ndjson >page.html
    run -0 cat page.html
    assert_output --partial '235 of 295 spans are left out (--max-spans)'
    assert_output --partial '"00000000000003e7"'
    run -2 trace-report trace --max-spans=0 spans.ndjson
}

@test 'odd trees have pages: orphans, circles, no times, one span' {
    span 7 1 2 a x 0 10 >odd.ndjson
    span 7 2 1 a y 0 10 >>odd.ndjson
    span 7 3 99 b z 5 10 >>odd.ndjson
    echo '{"type":"span","traceId":"00000000000000000000000000000007","spanId":"0000000000000004","name":"untimed"}' >>odd.ndjson
    trace-report trace odd.ndjson >page.html
    assert_equal "$(grep -c '^\[' <(sed -n '/^"spans"/,/^"path"/p' page.html))" 4
    echo '{"type":"span","traceId":"00000000000000000000000000000008","spanId":"0000000000000004"}' |
        trace-report trace >page.html
    run -0 grep -c '<h1>(no name)</h1>' page.html
}

@test '--memory that is too small is told' {
    for i in $(seq 10 2000); do span "$i" "$i" '' s n 0 1; done >many.ndjson
    run -4 trace-report trace --memory=10K -o page.html many.ndjson
    assert_output --partial 'more memory than --memory allows'
    assert_file_not_exists page.html
}

@test '--format=text draws the tree, and the critical path where it is, as trace-span timeline does' {
    COLUMNS=100 run -0 trace-report trace --format=text spans.ndjson
    assert_line -n 0 'GET /slow: 300 ms, 3 spans, 2 services, 1 error'
    assert_line --regexp '^! GET /slow +web +0 s +300 ms  ##=+#{1,4}=+###?$'
    assert_line --regexp '^  SELECT +db +10\.0 ms +250 ms   {1,2}#{39,42}$'
    assert_line '# is on the critical path, = is not; ! is an error'
    LC_ALL=C.UTF-8 COLUMNS=100 run -0 trace-report trace --format=text spans.ndjson
    assert_line '█ is on the critical path, ▒ is not; ! is an error'
}

@test '--format=md keeps the tree, and where bars begin' {
    run -0 trace-report trace --format=md spans.ndjson
    assert_line --regexp '^\| &nbsp;&nbsp;SELECT \| db \| 10.0 ms \| 250 ms \| `  █.*   ` \|$'
    assert_line --regexp '^\| \*\*\\! GET /slow\*\* \|'
}
