# What trace-span shows to people: on a terminal, and there alone.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# on_terminal COLUMNS COMMAND...: lines of shell on a terminal, without colours, as they come there.
on_terminal() {
    need_command script
    local columns=$1
    shift
    printf '%s\n' "$@" >commands
    COLUMNS=$columns NO_COLOR=1 script -qec 'bash commands' /dev/null </dev/null | tr -d '\r'
}

# Two traces that differ: in the second one a call is slower, one is gone, and one fails.
two_traces() {
    span a 1 - 0 1000000 front 'GET /cart'
    span a 2 1 100000 300000 front 'cart.Get'
    span a 3 2 150000 250000 cart 'SELECT items'
    span a 4 1 400000 500000 stock 'stock.Get'
    span a 5 4 420000 440000 stock 'lookup'
    span a 6 1 600000 700000 ads 'ads.Get'
    span a 7 1 800000 810000 log 'write'
    span a 8 7 801000 802000 log 'flush'
    span b 1 - 0 2000000 front 'GET /cart'
    span b 2 1 100000 1300000 front 'cart.Get'
    span b 3 2 150000 1250000 cart 'SELECT items'
    span b 6 1 1600000 1700000 ads 'ads.Get' - '"status":"error"'
    span b 7 1 1800000 1810000 log 'write'
    span b 8 7 1801000 1802000 log 'flush'
}

trace_a=0000000000000000000000000000000a
trace_b=0000000000000000000000000000000b

@test 'what sums up is a table on a terminal, by itself' {
    two_traces >spans
    run -0 on_terminal 80 'trace-span path --limit=1 spans' 'trace-span path --spans --limit=1 spans' \
        "trace-span path --what-if='front:=-50%' spans" 'trace-span map --limit=1 spans' \
        'trace-span errors spans' 'trace-span patterns --names --limit=1 spans' \
        'trace-span correlate --by=service --limit=1 --min-traces=0 spans' \
        "trace-span related $trace_a spans" \
        "trace-span search --limit=1 '{ status = error } | select(kind)' spans" \
        "trace-span search --summary '{ name = \"stock.Get\" }' spans"
    assert_output "$(
        cat <<'END'
 share  count    mean     p95     self     drag  service  name
42.7 %      2  640 us  690 us  1.28 ms  3.00 ms  front    GET /cart
criticalPath    self  spanId            service  name
      590 us  590 us  0000000000000001  front    GET /cart
count  measuredMean     mean  saving  savingShare  service  name
    2       1.50 ms  1.13 ms  370 us       24.7 %  front    GET /cart
source  target  connection  count  errorRate     p50     p95
front   ads     call            2       50 %  100 us  100 us
traces  share  service  name     errorType  message
     1   50 %  ads      ads.Get                    
count  errorRate     p50     p95  names  service  name
    2       50 %  100 us  100 us      1  ads      ads.Get
count  errors  spanCount  startTime             gapMax  service
    2       1         14  2023-11-14T22:13:20Z     0 s  ads
strength  relation  serviceName  rootName   traceId
   0.150  similar   front        GET /cart  0000000000000000000000000000000b
duration  status  service  name     kind        traceId
  100 us  error   ads      ads.Get  unsp..fied  0000000000000000000000000000000b
totalDuration  serviceName  rootName   traceId
      1.00 ms  front        GET /cart  0000000000000000000000000000000a
END
    )"
}

@test 'on a wide terminal there are more columns, and --fields has its own' {
    two_traces >spans
    run -0 on_terminal 140 "trace-span search --limit=1 '{ status = error }' spans" \
        "trace-span search --limit=1 --fields=name,durationNano '{ status = error }' spans"
    assert_output 'startTime                 duration  status  service  name     traceId                           spanId
2023-11-14T22:13:20.001Z    100 us  error   ads      ads.Get  0000000000000000000000000000000b  0000000000000006
name     durationNano
ads.Get        100 us'
}

@test 'into a pipe or a file the same are records, whatever wants to read them' {
    two_traces >spans
    run -0 on_terminal 80 'trace-span path spans | head -c 20' echo 'trace-span patterns spans | head -c 20' \
        echo "trace-span diff $trace_a $trace_b spans 2>/dev/null | head -c 17" echo \
        'trace-span patterns --limit=1 -o file spans' 'head -c 20 file' echo \
        "trace-span diff --format=ndjson $trace_a $trace_b spans 2>/dev/null | head -c 17"
    assert_output '{"type":"aggregate",
{"type":"aggregate",
{"type":"finding"
{"type":"aggregate",
{"type":"finding"'
}

@test 'patterns are trees on a terminal, as many as --limit says' {
    two_traces >spans
    span c 1 - 0 1 other 'a 12' >>spans
    run -0 on_terminal 80 'trace-span patterns --limit=1 spans'
    assert_output '2 traces, 66.7 % of all, 0 % failed, 7 spans each, 2 shapes
p50 1.00 ms, p95 2.00 ms, longest 2.00 ms: 0000000000000000000000000000000b
front: GET /cart
|-cart.Get
| `-cart: SELECT items
|-stock: stock.Get
| `-lookup
|-ads: ads.Get
`-log: write
  `-flush'
    run -0 on_terminal 30 'LC_ALL=C.UTF-8 trace-span patterns spans'
    assert_line --index 12 'other: a <num>'
    assert_line --index 4 '│ └─cart: SELECT items'
    run -0 on_terminal 80 'trace-span patterns --format=table --limit=1 spans'
    assert_output 'count   share  errorRate      p50      p95  spans  service  name
    2  66.7 %        0 %  1.00 ms  2.00 ms      7  front    GET /cart'
}

@test 'a pattern that is large is drawn in part' {
    awk 'BEGIN { for (i = 1; i <= 90; i++)
        printf "{\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"parentSpanId\":\"%016x\",\"name\":\"%c%c\"}\n", 1, i, i < 41 ? i - 1 : 1, 96 + i / 20, 97 + i % 20 }' >spans
    run -0 on_terminal 40 'trace-span patterns spans'
    assert_line '|                                               `-...'
    assert_line --index -1 '`-...'
    assert_equal "${#lines[@]}" 65
}

@test 'two traces are one tree on a terminal: what came, went, is slower, fails' {
    two_traces >spans
    run -0 on_terminal 80 "trace-span diff $trace_a $trace_b spans 2>&1"
    assert_output "trace-span: one trace of 1.00 ms and 2.00 ms: 5 differences, any of which may be chance
BASE 0000000000000000000000000000000a, 8 spans, 0 errors
CAND 0000000000000000000000000000000b, 6 spans, 1 error
  + only in CAND, - only in BASE              BASE      CAND    change    itself
> front: GET /cart                         1.00 ms   2.00 ms  +1.00 ms   +100 us
  |-cart.Get                                200 us   1.20 ms  +1.00 ms
> | \`-cart: SELECT items                    100 us   1.10 ms  +1.00 ms  +1.00 ms
- |-stock: stock.Get (2 spans)              100 us
  |-ads: ads.Get FAILS NOW                  100 us    100 us
  \`-... 2 spans as before"
    # and the other way round, of files with a trace each
    grep "$trace_a" spans >one
    grep "$trace_b" spans >two
    run -0 on_terminal 80 'trace-span diff two one 2>/dev/null'
    assert_line --index 3 '< front: GET /cart                         2.00 ms   1.00 ms  -1.00 ms   -100 us'
    assert_line --index 6 '+ |-stock: stock.Get (2 spans)                        100 us'
    assert_line --index 7 '  |-ads: ads.Get fails no more              100 us    100 us'
    run -0 on_terminal 80 'trace-span diff --limit=2 two one 2>/dev/null'
    assert_line --index 5 '  more rows are left out'
}

@test 'what is worse is red there, what is better green' {
    need_command script
    two_traces >spans
    TERM=xterm COLUMNS=80 run -0 script -qec "trace-span diff $trace_a $trace_b spans" /dev/null </dev/null
    for line in $'\e[31m> front: GET /cart ' $'\e[2m- |-stock: stock.Get' $'\e[31m  |-ads: ads.Get FAILS NOW'; do
        assert_output --partial "$line"
    done
    TERM=xterm COLUMNS=80 run -0 script -qec "trace-span diff $trace_b $trace_a spans" /dev/null </dev/null
    for line in $'\e[32m< front: GET /cart ' $'\e[36m+ |-stock: stock.Get' $'\e[32m  |-ads: ads.Get fails no more'; do
        assert_output --partial "$line"
    done
}

@test 'a layer between is above what it was put between; siblings have numbers' {
    { span a 1 - 0 100 x root; span a 2 1 10 90 x call; span a 3 1 91 92 x call; } >one
    { span b 1 - 0 100 x root; span b 9 1 9 91 proxy pass; span b 2 9 10 90 x call; span b 3 9 91 99 x call; } >two
    run -0 on_terminal 80 'trace-span diff one two 2>/dev/null'
    assert_line --index 4 '+ `-proxy: pass                                        82 ns'
    assert_line --index 6 '>   `-x: call #2                              1 ns      8 ns     +7 ns     +7 ns'
}

@test 'lines are as long as the terminal: names are cut, messages wrapped, ids whole' {
    long=a/very/long/path/that/goes/on/and/on/for/ever/so/that/nobody/reads/it/to/its/end
    { span a 1 - 0 9000 service-$long $long - '"status":"error"' '"events":[{"timeUnixNano":1700000000000000001,"name":"exception","attributes":{"exception.type":"Gone","exception.message":"what was here is not here any more, nor will it ever come back"}}]'; span a 2 1 1 5 $long $long; } >spans
    run -0 on_terminal 70 'trace-span path spans' 'trace-span errors spans' 'trace-span patterns spans' \
        "trace-span search '{}' spans" 'trace-span map spans' "trace-span diff spans spans 2>/dev/null"
    assert_line --partial ' a/ve..end'
    assert_line --regexp '^ {34,}[a-z ]+ever come back$'
    for line in "${lines[@]}"; do
        [[ ${#line} -le 70 || $line == *00000000000a* ]]
    done
    run -0 on_terminal 40 "trace-span search '{}' spans"
    assert_line --partial 0000000000000000000000000000000a
}

@test 'nothing of names reaches a terminal raw, in whatever view' {
    evil='\u001b]0;x\u0007\u001b[31m\u009b7m\u202e\ud800'
    { span a 1 - 0 900000000 "s$evil" "n$evil" client '"status":"error","statusMessage":"m'"$evil"'"' '"attributes":{"k'"$evil"'":"v'"$evil"'","db.statement":"q'"$evil"'","db.system":"x"}'; span a 2 1 1 5 "t$evil" "o$evil"; span b 1 - 5 9 "s$evil" "n$evil"; } >spans
    id=$(id 1)
    run -0 on_terminal 200 'exec 2>&1' 'trace-span timeline spans' 'trace-span path spans' 'trace-span path --spans spans' \
        'trace-span map spans' 'trace-span analyze spans' 'trace-span errors spans' 'trace-span patterns spans' \
        'trace-span patterns --names spans' "trace-span diff $trace_a $trace_b spans" 'trace-span diff spans spans' \
        'trace-span correlate --by=service spans' 'trace-span correlate --of=errors spans' "trace-span related $trace_a spans" \
        "trace-span search '{} | select(.k)' spans" "trace-span search --summary '{}' spans" \
        "trace-span get --span=$id $trace_a spans" "trace-span get $trace_a spans" 'trace-span assemble spans'
    assert_output --partial 's\u001b]0;x\u0007\u001b[31m\u009b7m\u202e'
    [[ $output != *$'\e'* && $output != *$'\a'* && $output != *$'\xc2\x9b'* && $output != *$'\xe2\x80\xae'* ]]
}
