#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Partials: any partition, order and repetition gives the bytes of one run, or a clear failure.

load ../helper

setup() {
    cd "$BATS_TEST_TMPDIR"
    local i status
    for ((i = 1; i <= 900; i++)); do
        status=ok
        ((i % 17)) || status=error
        printf '{"traceId":"1","spanId":"%x","name":"n%d","service":"s%d","startTimeUnixNano":"%d","endTimeUnixNano":"%d","status":"%s","attributes":{"u":"u%d","w":%d.%d}}\n' \
            "$i" $((i % 5)) $((i % 3)) $((i * 100000000)) $((i * 100000000 + i * i * 7919 % 1000003)) \
            "$status" $((i % 40)) $((i % 13)) $((i % 7))
    done > all.ndjson
    stats='count,rate,sum,mean,min,max,stddev,p50,p99,errors,errorRate,distinct(u),topk(3,u),apdex(300us)'
    options=(--by=service,name --window=20s "--stat=$stats")
    trace-agg "${options[@]}" all.ndjson > whole
}

@test "any partition and order of partials gives the bytes of one run" {
    for parts in 1 2 7 20; do
        awk -v parts="$parts" '{ print > ("part" NR * 7919 % parts) }' all.ndjson
        : > merged
        for part in $(ls part* | shuf --random-source=<(yes "$parts")); do
            trace-agg --partial "${options[@]}" "$part" >> merged
        done
        trace-agg --merge < merged > total
        cmp whole total
        rm part*
    done
}

@test "doubles sum to the same bytes in any partition" {
    trace-agg --value=w --stat=sum,mean,stddev all.ndjson > whole
    split -n r/9 all.ndjson piece
    for piece in piece*; do trace-agg --partial --value=w --stat=sum,mean,stddev "$piece"; done | trace-agg --merge > total
    cmp whole total
}

@test "a partial of partials is as good" {
    split -n r/4 all.ndjson piece
    for piece in piecea[ab]; do trace-agg --partial "${options[@]}" "$piece"; done | trace-agg --merge --partial --unit=left > left
    for piece in piecea[cd]; do trace-agg --partial "${options[@]}" "$piece"; done | trace-agg --merge --partial --unit=right > right
    trace-agg --merge --expect=left,right left right > total
    cmp whole total
}

@test "a repeated unit counts once, whole or cut short" {
    split -n r/2 all.ndjson piece
    trace-agg --partial --unit=a "${options[@]}" pieceaa > a
    trace-agg --partial --unit=a "${options[@]}" pieceaa > again
    trace-agg --partial --unit=b "${options[@]}" pieceab > b
    head -n 5 again > short
    run -0 --separate-stderr bash -c 'cat short a b again short | trace-agg --merge --expect=a,b'
    assert_equal "$output" "$(cat whole)"
    assert_equal "$stderr" 'trace-agg: 1 repeated unit is counted once'
}

@test "equal input gives equal bytes of a unit; other input is another attempt at it" {
    trace-agg --partial --unit=a -j1 "${options[@]}" all.ndjson > one
    trace-agg --partial --unit=a -j4 "${options[@]}" all.ndjson > two
    cmp one two
    trace-agg --merge --partial --unit=a one > merged
    cmp one merged
    sed '$d' all.ndjson | trace-agg --partial --unit=a "${options[@]}" > less
    attempts=$(cat one less | sed -E 's/.*"attempt":"([^"]*)".*/\1/' | sort -u | wc -l)
    assert_equal "$attempts" 2
    run -0 --separate-stderr bash -c 'cat one less two | trace-agg --merge'
    assert_equal "$output" "$(cat whole)"
    assert_equal "$stderr" "trace-agg: unit a came again with other contents: those that came first count
trace-agg: 2 repeated units are counted once"
}

@test "equal attempts, mixed line by line, count once" {
    trace-agg --partial --unit=a "${options[@]}" all.ndjson > a
    head -n 7 a > short
    for mixed in "paste -d '\n' a a" "{ head -n 4 a; paste -d '\n' <(tail -n +5 a) a; }" \
        "paste -d '\n' a a short" "{ cat short; paste -d '\n' a a; }"; do
        run -0 --separate-stderr bash -o pipefail -c "$mixed | grep . | trace-agg --merge --expect=a"
        assert_equal "$output" "$(cat whole)"
    done
}

@test "times that were changed are damage, too" {
    trace-agg --partial --unit=a --stat=rate all.ndjson > a
    sed -E 's/("lastUnixNano":")9/\18/' a > changed
    run ! cmp -s a changed
    run -4 --separate-stderr trace-agg --merge changed
    assert_output ''
}

@test "a missing, cut-off or damaged unit is an error, and there is no result" {
    split -n r/2 all.ndjson piece
    trace-agg --partial --unit=a "${options[@]}" pieceaa > a
    trace-agg --partial --unit=b "${options[@]}" pieceab > b
    run -4 --separate-stderr trace-agg --merge --expect=a,b,c a b
    assert_output ''
    assert_equal "$stderr" 'trace-agg: unit c is missing'
    head -n -1 b > short
    run -4 --separate-stderr trace-agg --merge a short
    assert_output ''
    assert_equal "$stderr" 'trace-agg: unit b is cut short or damaged'
    sed '3d' b > lost
    run -4 --separate-stderr trace-agg --merge a lost
    assert_output ''
    sed -E '3{s/("state":"....)B/\1C/;t;s/("state":"....)./\1B/}' b > flipped
    run ! cmp -s b flipped
    run -4 --separate-stderr trace-agg --merge a flipped
    assert_output ''
}

@test "a unit that nobody expects is an error, and so is an empty list" {
    trace-agg --partial --unit=a --stat=count all.ndjson > a
    trace-agg --partial --unit=old --stat=count all.ndjson > old
    run -4 --separate-stderr trace-agg --merge --expect=a a old
    assert_output ''
    assert_equal "$stderr" 'trace-agg: unit old is none of those that --expect names'
    run -2 --separate-stderr trace-agg --merge --expect= a
    assert_output ''
    assert_equal "${stderr_lines[0]}" 'trace-agg: --expect names no unit'
    run -0 trace-agg --merge --expect=a,old,a a old
}

@test "a partial of an input that was not read to its end has no trailer" {
    gzip -c all.ndjson | head -c 9000 > short.gz
    for inputs in 'all.ndjson missing.ndjson' 'all.ndjson short.gz'; do
        run -4 --separate-stderr trace-agg --partial --unit=a "${options[@]}" $inputs
        assert_output ''
        echo old > a
        run -4 trace-agg --partial --unit=a -o a "${options[@]}" $inputs
        assert_equal "$(cat a)" old
    done
    run -4 --separate-stderr trace-agg --partial --unit=a --lateness=0s "${options[@]}" all.ndjson short.gz
    echo "$output" > a
    assert [ -n "$output" ]
    run -4 --separate-stderr trace-agg --merge a
    assert_output ''
    assert_equal "$stderr" 'trace-agg: unit a is cut short or damaged'
}

# stopped COMMAND...: its exit status when TERM comes while its standard input is open, after
# all.ndjson or the file named in $first. Its output is in out and err.
stopped() {
    local pid status=0 caught=0
    mkfifo pipe
    "$@" < pipe > out 2> err &
    pid=$!
    exec 5> pipe
    cat "${first:-all.ndjson}" >&5
    rm pipe
    for _ in {1..200}; do # until it catches TERM, which is signal 15
        caught=$((16#$(awk '/^SigCgt/ { print $2 }' "/proc/$pid/status") >> 14 & 1))
        ((!caught)) || break
        sleep 0.05
    done
    sleep 0.2
    kill -TERM "$pid"
    for _ in {1..200}; do
        [[ $(awk '/^State/ { print $2 }' "/proc/$pid/status" 2>/dev/null) == [SRD] ]] || break
        sleep 0.05
    done
    exec 5>&-
    wait "$pid" || status=$?
    echo "$status"
}

@test "a signal ends a partial, or a merge, without a result" {
    run stopped trace-agg --partial --unit=a "${options[@]}"
    assert_output 4
    assert_equal "$(cat out)" ''
    assert_equal "$(cat err)" 'trace-agg: ended by a signal: what was read is not all, and does not count'
    trace-agg --partial --unit=a "${options[@]}" all.ndjson > a
    first=a run stopped trace-agg --merge
    assert_output 4
    assert_equal "$(cat out)" ''
}

@test "a merge that lacks an input has no result" {
    trace-agg --partial --unit=a "${options[@]}" all.ndjson > a
    run -4 --separate-stderr trace-agg --merge a missing
    assert_output ''
    assert_equal "$stderr" 'trace-agg: missing: cannot open: No such file or directory'
}

@test "units that have begun and not ended are held in --memory" {
    trace-agg --partial --unit=a --stat=count all.ndjson > a
    head -n 1 a > begun
    for i in $(seq 40); do sed "s/\"unit\":\"a\"/\"unit\":\"$i\"/" begun; done > many
    run -4 --separate-stderr trace-agg --merge --memory=4M many
    assert_output ''
    assert_equal "$stderr" 'trace-agg: units that have begun and not ended need more memory than --memory allows (one behind the other they need less)'
    for i in $(seq 40); do sed "s/\"unit\":\"a\"/\"unit\":\"$i\"/" a; done > many
    run -0 trace-agg --merge --memory=4M many
}

@test "values of any kind are groups of a merge as of one run" {
    span='"traceId":"1","name":"a","startTimeUnixNano":"5","endTimeUnixNano":"9"'
    i=0
    for u in '"u":1' '"u":1.0' '"u":"1"' '"u":true' '"u":null' '"u":[1,{"k":null}]' '"u":{"k":[]}' '"u":""' \
        '"u":"\ud800 \u0000 \" \\ \t"' '"u":123456789012345678901234567890' '"u":-0.0' '"u":1e300' ''; do
        printf '{"spanId":"%x",%s,"attributes":{%s}}\n' $((++i)) "$span" "$u"
    done > values
    cat >> values <<'END'
{"traceId":"1","spanId":"21","name":"a","startTimeUnixNano":"-9223372036854775807","endTimeUnixNano":"9"}
{"traceId":"1","spanId":"22","name":"a","startTimeUnixNano":"9223372036854775806","endTimeUnixNano":"9223372036854775807"}
{"traceId":"1","spanId":"23","name":"a"}
{"type":"metric","metricName":"m\u0000\ud800","timeUnixNano":"7","value":1.5,"quality":{"sampleRate":0.3}}
{"type":"metric","metricName":"h","timeUnixNano":"7","histogram":{"count":6,"sum":12.5,"min":0.1,"max":9,"bounds":[1,2],"counts":[1,2,3]}}
{"type":"metric","metricName":"s","timeUnixNano":"7","value":"text"}
{"type":"log","timeUnixNano":"7","severity":"error","body":"x","attributes":{"u":4}}
END
    stats='count,rate,sum,stddev,p50,errors,distinct(u),topk(2,u),apdex(2ns)'
    for windows in --window=3ns --window=9223372036854775807ns ''; do
        options=(--by=u,name $windows "--stat=$stats")
        trace-agg "${options[@]}" values > whole 2> notes
        for i in $(seq $(wc -l < values)); do
            sed "${i}!d" values | trace-agg --partial --unit="$i" "${options[@]}" 2> notes
        done > partials
        trace-agg --merge partials > total
        cmp whole total
    done
}

@test "partials made differently do not merge" {
    trace-agg --partial --by=service all.ndjson > a
    trace-agg --partial --by=name all.ndjson > b
    run -4 --separate-stderr trace-agg --merge a b
    assert_equal "${stderr##*unit}" "$(sed -E 's/.*"unit":"([0-9a-f]+)".*/ \1/;q' b) was made with other groups, statistics or windows"
}

@test "a plain aggregate is no partial" {
    run -4 trace-agg --merge whole
    assert_output --partial 'an aggregate that is no partial'
}

@test "a partial is whole: what would make it less, or take a part of it, is refused" {
    trace-agg --partial --unit=a "${options[@]}" all.ndjson > a
    for option in --limit=1 --fields=group --format=csv --format=tsv --format=table; do
        run -2 --separate-stderr trace-agg --partial "$option" all.ndjson
        assert_output ''
        run -2 --separate-stderr trace-agg --merge --partial "$option" a
        assert_output ''
    done
    for option in --where=.count --since=0 --until=now --type=aggregate; do
        run -2 --separate-stderr trace-agg --merge "$option" a
        assert_output ''
        assert_equal "${stderr_lines[0]}" 'trace-agg: --merge takes whole partials: --where, --type, --since and --until are for what makes them'
    done
}

@test "--max-groups of a merge makes the overflow group of an intact unit" {
    trace-agg --partial --unit=a --by=name --stat=count all.ndjson > a
    run -0 --separate-stderr trace-agg --merge --max-groups=2 a
    assert_line -n 1 '{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"name":"n1"},"count":180}'
    assert_line -n 2 '{"type":"aggregate","group":{},"overflow":true,"count":540}'
    assert_equal "$stderr" 'trace-agg: more than 2 groups (--max-groups): the rest is counted in one'
}

@test "partials pass through binary streams" {
    trace-agg --partial -b "${options[@]}" all.ndjson > a.bin
    trace-agg --merge a.bin > total
    cmp whole total
}

@test "nothing is too late for a partial" {
    tac all.ndjson > backwards
    trace-agg --partial --lateness=0s "${options[@]}" backwards | trace-agg --merge > total
    cmp whole total
}

@test "a merge tells any statistic that the partials hold" {
    trace-agg --partial --unit=a "${options[@]}" all.ndjson > a
    local other='p90,histogram,topk(3,u),mean,errorRate,apdex(300us)'
    trace-agg "${options[@]:0:2}" "--stat=$other" all.ndjson > whole
    trace-agg --merge "--stat=$other" a > total
    cmp whole total
    trace-agg --partial --window=20s --stat=count all.ndjson > b
    run -0 trace-agg --merge --stat=rate b
    trace-agg --partial --stat=count all.ndjson > b
    for other in rate sum stddev p50 histogram errors 'distinct(u)'; do
        run -4 --separate-stderr trace-agg --merge "--stat=$other" b
        assert_output ''
        assert_equal "$stderr" "trace-agg: the partials do not hold what $other is made of"
    done
    run -4 --separate-stderr trace-agg --merge --stat='topk(2,u)' a
    assert_output ''
    run -2 trace-agg --merge --partial --stat=count a
    assert_line -n 0 'trace-agg: --partial keeps all that the partials hold: --stat is for what --merge writes'
}
