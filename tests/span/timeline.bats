# trace-span timeline: traces drawn.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset COLUMNS LC_CTYPE LANG
    export LC_ALL=C
}

# widest: columns of the widest line of standard input, which is ASCII.
widest() {
    awk 'length > most { most = length } END { print most }'
}

@test 'a small shop, in ASCII' {
    shop >spans
    run -0 trace-span timeline spans
    assert_output '000000000000000000000000000000a1  front: GET /cart
2023-11-14T22:13:20Z, 100 ns, 6 spans, 2 errors, 3 services
* critical path, ! error            0                    50 ns           100 ns
*  front: GET /cart         100 ns |#########=========================#########|
     front: cart.Get         55 ns |  ========================                 |
       cart: cart.Get        40 ns |    ==================                     |
         cart: SELECT items  30 ns |      ==============                       |
*!   front: stock.Get        60 ns |        #####=================#####        |
*!     stock: stock.Get      40 ns |            ###################            |'
}

@test 'in a UTF-8 locale bars are blocks, at the same places' {
    shop >spans
    trace-span timeline spans >ascii
    LC_ALL=C.UTF-8 trace-span timeline spans >unicode
    assert_equal "$(sed '1,3d; s/│/|/g; s/█/#/g; s/▒/=/g' unicode)" "$(sed 1,3d ascii)"
    LC_ALL='' LC_CTYPE='' LANG=en_US.utf8 run -0 trace-span timeline spans
    assert_output "$(cat unicode)"
    LC_ALL=C LANG=en_US.UTF-8 run -0 trace-span timeline spans
    assert_output "$(cat ascii)"
}

@test 'assembled traces are drawn as their spans are' {
    { shop; span b 1 - 0 50 x y; } >spans
    trace-span timeline spans >wanted
    trace-span assemble spans >traces
    run -0 trace-span timeline traces
    assert_output "$(cat wanted)"
    run -0 bash -c 'trace-span assemble -b spans | trace-span timeline'
    assert_output "$(cat wanted)"
}

@test 'every line fits in COLUMNS, and uses it' {
    { shop; span a1 7 6 31 69 'a service with a very long name indeed' 'and an operation that goes on and on'; } >spans
    for columns in 32 40 61 80 133 500; do
        COLUMNS=$columns trace-span timeline spans >drawn
        assert_equal "$(widest <drawn)" "$columns"
    done
    COLUMNS=100 run -0 trace-span timeline spans
    assert_line --index 1 '2023-11-14T22:13:20Z, 100 ns, 7 spans, 2 errors, 4 services, critical path 100 ns'
    COLUMNS=10 trace-span timeline spans >drawn
    assert_equal "$(widest <drawn)" 32
    COLUMNS=100000 trace-span timeline spans >drawn
    assert_equal "$(widest <drawn)" 1000
    COLUMNS=x trace-span timeline spans >drawn
    assert_equal "$(widest <drawn)" 80
}

@test 'the slowest traces come first, --limit of them; the others are counted' {
    for i in {1..12}; do span "$i" 1 - "$i" $((i + 1000 + i % 5)) x y; done >spans
    run -0 --separate-stderr trace-span timeline --limit=3 spans
    assert_equal "$(grep -o '^0[0-9a-f]*  ' <<<"$output" | xargs)" '00000000000000000000000000000004 00000000000000000000000000000009 00000000000000000000000000000003'
    assert_equal "$stderr" 'trace-span: the 3 slowest of 12 traces: --limit=N or a TRACEID shows others'
    run -0 --separate-stderr trace-span timeline --limit=1 spans
    assert_equal "$stderr" 'trace-span: the slowest of 12 traces: --limit=N or a TRACEID shows others'
    run -0 --separate-stderr trace-span timeline spans
    assert_equal "$(grep -c '^0' <<<"$output")" 10
    run -0 --separate-stderr trace-span timeline --limit=12 spans
    [[ -z $stderr ]]
}

@test 'traces that are named are drawn, by their start; none found is 1' {
    for i in {1..12}; do span "$i" 1 - "$i" 2000 x y; done >spans
    run -0 --separate-stderr trace-span timeline 0000000000000009 00000000000000000000000000000011 0000000000000002 spans
    assert_equal "$(grep -o '^0[0-9a-f]*  ' <<<"$output" | xargs)" '00000000000000000000000000000002 00000000000000000000000000000009 00000000000000000000000000000011'
    assert_equal "$stderr" ''
    run -1 trace-span timeline ffffffffffffffff spans
    assert_output 'trace-span: no span of trace 0000000000000000ffffffffffffffff is in the input'
    run -0 --separate-stderr trace-span timeline spans ffffffffffffffff 0000000000000002
    assert_line --index 0 '00000000000000000000000000000002  x: y'
    assert_equal "$stderr" 'trace-span: no span of trace 0000000000000000ffffffffffffffff is in the input'
    run -4 trace-span timeline ffffffffffffffff nowhere
    run -4 trace-span timeline nosuchtrace spans
    assert_output 'trace-span: nosuchtrace: no ID, which has 32 or 16 hexadecimal digits, and no INPUT: No such file or directory'
}

@test 'siblings that are alike are folded when there are too many rows' {
    {
        span a 1 - 0 10000 front root
        for i in {1..400}; do
            printf -v id %x $((i + 16))
            status=
            [[ $i -ne 77 ]] || status='"status":"error"'
            span a "$id" 1 $((i * 20)) $((i * 20 + 10 + i % 7)) db 'SELECT 1' client "$status"
        done
        span a 2 1 9000 9900 front render
    } >spans
    trace-span timeline spans >drawn
    run -0 sed 1,3d drawn
    assert_equal "${#lines[@]}" 67
    assert_line --index 0 --partial 'front: root'
    assert_output --partial '... 336 more db: SELECT 1 '
    assert_line --index 66 --partial 'front: render'
    # what failed is shown, and each that is shown is one of the longest
    assert_equal "$(grep -c '^.! *db' <<<"$output")" 1
    # as many rows as are asked for
    for rows in 401 402 100 20 4 3; do
        trace-span timeline --max-rows=$rows spans | sed 1,3d >few
        [[ $(wc -l <few) -le $rows ]]
    done
    assert_equal "$(wc -l <few)" 3
    # the figure of what stands for many is that of the longest
    run -0 grep more drawn
    assert_output --regexp '\.\.\. 336 more db: SELECT 1 +<=15 ns '
    run -1 bash -c 'trace-span timeline --max-rows=402 spans | grep -c more'
    run -2 trace-span timeline --max-rows=1 spans
}

@test 'what hangs below folded siblings is counted' {
    {
        span a 1 - 0 10000 front root
        for i in {1..300}; do
            printf -v id %x $((2 * i + 16))
            printf -v below %x $((2 * i + 17))
            span a "$id" 1 $((i * 20)) $((i * 20 + 10)) cart get
            status=
            [[ $i -ne 300 ]] || status='"status":"error"'
            span a "$below" "$id" $((i * 20)) $((i * 20 + 5)) db query - "$status"
        done
    } >spans
    run -0 trace-span timeline spans
    assert_line --regexp '^\*  *\.\.\. 236 more \(472 spans\) c'
    assert_line --regexp '^\*! *db: query'
    assert_equal "${#lines[@]}" $((3 + 1 + 128 + 1))
}

@test 'a chain of 50,000 is cut, and deep levels are written as numbers' {
    awk 'BEGIN { for (i = 1; i <= 50000; i++)
        printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"parentSpanId\":\"%016x\",\"name\":\"n\",\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\"}\n", 5, i, i - 1, 1000000 + i, 2000000 - i }' >chain
    trace-span timeline chain >drawn
    assert_equal "$(wc -l <drawn)" 203
    run -0 tail -n 2 drawn
    assert_line --index 0 --regexp '^\* +198> n '
    assert_line --index 1 --regexp '^\*  \.\.\. 49,801 more '
    trace-span timeline --max-rows=100000 chain >drawn
    assert_equal "$(wc -l <drawn)" 50003
    assert_equal "$(sed 1,2d drawn | widest)" 80
}

@test 'spans without times have no bar; a trace without any is drawn, last' {
    { span a 1 - - - x lost; span b 1 - 0 10 x found; span b 2 1 - - x lost; } >spans
    run -0 --separate-stderr trace-span timeline spans
    assert_line --index 0 '0000000000000000000000000000000b  x: found'
    assert_line --index 4 --regexp '^     x: lost +\| +\|$'
    assert_line --index 6 'without times, 1 span, 0 errors, 1 service'
    assert_equal "${#lines[@]}" 8
    assert_equal "$stderr" 'trace-span: 2 spans are without start or end'
}

@test 'a moment has a bar of one column, at the end too' {
    { span a 1 - 0 1000 x root; span a 2 1 0 0 x first; span a 3 1 1000 1000 x last; span b 1 - 5 5 x moment; } >spans
    run -0 trace-span timeline spans
    assert_line --regexp 'x: first +0 s \|= +\|$'
    assert_line --regexp 'x: last +0 s \| +=\|$'
    assert_line --regexp 'x: moment +0 s \|= +\|$'
}

@test 'names reach nobody raw: no control, no bidirectional characters' {
    span a 1 - 0 1 'a\u001b[31mb\u202ec' 'd\u0007\ne\u2066' >spans
    LC_ALL=C.UTF-8 COLUMNS=120 run -0 trace-span timeline spans
    assert_output --partial 'a\u001b[31mb\u202ec: d\u0007\u000ae\u2066'
    [[ $output != *$'\e'* && $output != *$'\xe2\x80\xae'* && $output != *$'\xe2\x81\xa6'* ]]
}

@test 'names that are too long keep their ends, which differ' {
    { span a1 1 - 0 9 x root; for i in 2 3 4; do span a1 $i 1 $i 5 x "a/very/long/path/of/a/service/that/is/written/out/as/number$i"; done; } >spans
    run -0 trace-span timeline spans
    for i in 2 3 4; do assert_line --regexp "^\*?  +a/very/lon.*\.\..*number$i "; done
}

@test 'wide characters are cut between, and columns stay in line' {
    { span a 1 - 0 100 x root; span a 2 1 5 60 商店 '购物车的操作名称特别特别特别特别特别特别长'; span a 3 1 5 60 e 'e\u0301e\u0301'; } >spans
    LC_ALL=C.UTF-8 run -0 trace-span timeline spans
    assert_line --partial '商店: 购物车的…特别特别特别长 '
}

@test 'colours are for terminals, and not with NO_COLOR' {
    command -v script >/dev/null || skip 'script is missing'
    shop >spans
    run -0 script -qec 'COLUMNS=80 trace-span timeline spans' /dev/null </dev/null
    assert_output --partial $'\e[31m'
    run -0 script -qec 'COLUMNS=80 TERM=dumb trace-span timeline spans' /dev/null </dev/null
    [[ $output != *$'\e'* ]]
    run -0 script -qec 'COLUMNS=80 NO_COLOR=1 trace-span timeline spans' /dev/null </dev/null
    refute_output --partial $'\e'
    run -0 script -qec 'stty cols 100; trace-span timeline spans' /dev/null </dev/null
    assert_line --regexp '.{100}'
    run -0 script -qec 'trace-span timeline -o drawn spans' /dev/null </dev/null
    run ! grep -q $'\e' drawn
}

@test 'nothing in, nothing out; a full disk is told' {
    run -0 trace-span timeline </dev/null
    assert_output ''
    shop >spans
    run -4 bash -c 'trace-span timeline spans >/dev/full'
    assert_output 'trace-span: standard output: No space left on device'
}
