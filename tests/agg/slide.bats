#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-agg --window --slide: windows that overlap are those that a plain count gives.

load ../helper

# spans N SPREAD: N spans of three services, their times spread over so many seconds from -20 s on.
spans() {
    awk -v n="$1" -v spread="$2" 'BEGIN {
        for (i = 0; i < n; i++) {
            start = -20000 + (i * 7919 * 31) % (spread * 1000)
            printf "{\"type\":\"span\",\"traceId\":\"1\",\"spanId\":\"%x\",\"service\":\"s%d\",", i + 1, i % 3
            printf "\"startTimeUnixNano\":\"%d000000\",\"durationNano\":%d,\"attributes\":{\"u\":%d}}\n", start, i * i % 1009, i % 17
        }
    }'
}

# reference WINDOW SLIDE (ms): window start, service, count, sum, min, max of each group, in order.
reference() {
    jq -r '[(.startTimeUnixNano | tonumber / 1000000), .service, .durationNano] | @tsv' |
        awk -v w="$1" -v s="$2" '
            function floor(x) { return int(x) > x ? int(x) - 1 : int(x) }
            {
                for (k = floor($1 / s); k * s + w > $1; k--) {
                    key = k * s "\t" $2
                    if (!(key in count) || $3 < min[key]) min[key] = $3
                    if (!(key in count) || $3 > max[key]) max[key] = $3
                    count[key]++
                    sum[key] += $3
                }
            }
            END { for (key in count) print key "\t" count[key] "\t" sum[key] "\t" min[key] "\t" max[key] }' |
        sort -k 1n -k 2
}

# ours: the same of aggregate records.
ours() {
    jq -r '[(.windowStartUnixNano | tonumber / 1000000), .group.service, .count, .sum, .min, .max] | @tsv'
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    stats=--stat=count,sum,min,max
}

@test "each window has the records whose time is in it, and comes if it has any" {
    spans 400 300 > spans.ndjson
    spans 12 4000 > sparse.ndjson
    for input in spans sparse; do
        for lengths in '10000 5000' '10000 2500' '9000 6000' '60000 1000' '7000 7000' '64000 1000' '1000 400'; do
            read -r window slide <<<"$lengths"
            trace-agg --by=service --window="${window}ms" --slide="${slide}ms" "$stats" $input.ndjson > out
            ours < out > got
            reference "$window" "$slide" < $input.ndjson > wanted
            [[ -s wanted ]] && cmp wanted got
            [[ $(jq .windowNano out | sort -u) == "${window}000000" ]]
        done
    done
}

@test "one thread and four, NDJSON and binary, and any partition give the same bytes" {
    spans 2000 100 > spans.ndjson
    options=(--by=service --window=10s --slide=4s
        '--stat=count,rate,mean,stddev,p50,p99,distinct(u),topk(2,u),apdex(300)')
    trace-agg "${options[@]}" -j1 spans.ndjson > whole
    trace-agg "${options[@]}" -j4 < <(cat spans.ndjson) | cmp whole -
    trace-span filter -b spans.ndjson | trace-agg "${options[@]}" | cmp whole -
    trace-agg "${options[@]}" --lateness=1h spans.ndjson | cmp whole -
    split -n r/5 spans.ndjson piece
    for piece in piece*; do trace-agg --partial "${options[@]}" "$piece"; done > partials
    shuf --random-source=<(yes 1) <<<"$(ls piece*)" | while read -r piece; do
        trace-agg --partial "${options[@]}" --lateness=0s "$piece"
    done > others
    trace-agg --merge partials | cmp whole -
    trace-agg --merge others | cmp whole -
    trace-agg --merge --partial --unit=a partials | trace-agg --merge --expect=a | cmp whole -
}

@test "partials of windows that overlap otherwise do not merge" {
    spans 9 9 > spans.ndjson
    trace-agg --partial --window=10s --slide=5s spans.ndjson > a
    trace-agg --partial --window=10s --slide=2s spans.ndjson > b
    trace-agg --partial --window=10s spans.ndjson > c
    for other in b c; do
        run -4 --separate-stderr trace-agg --merge a $other
        assert_equal "$output" ''
        [[ $stderr == *'was made with other groups, statistics or windows'* ]]
    done
}

@test "from roll-ups as from records" {
    spans 1500 600 > spans.ndjson
    trace-record read -b spans.ndjson | trace-record read - > records
    trace-record archive repo records
    for lengths in '60s 20s' '50s 30s' '60s 15s'; do
        read -r window slide <<<"$lengths"
        options=(--by=service --window="$window" --slide="$slide" --stat=count,sum,p50,max)
        trace-agg "${options[@]}" repo > got
        [[ -s got ]]
        trace-agg "${options[@]}" records | cmp got -
    done
    run -0 --separate-stderr trace-agg --explain --by=service --window=60s --slide=20s --stat=count repo
    [[ $stderr == *roll-up* ]]
}

@test "a late record is in those of its windows that are open" {
    span() { printf '{"traceId":"1","spanId":"1","startTimeUnixNano":"%d000000000","durationNano":%d}\n' "$1" "$2"; }
    { span 1 1; span 9 10; span 12 100; span 6 1000; span 1 10000; } > spans.ndjson
    run -0 --separate-stderr trace-agg --window=10s --slide=5s --lateness=0s --stat=count,sum spans.ndjson
    assert_equal "$(jq -c '[.windowStartUnixNano, .count, .sum]' <<<"$output" | tr -d '"' | tr '\n' ' ')" \
        '[-5000000000,1,1] [0,2,11] [5000000000,3,1110] [10000000000,1,100] '
    assert_equal "$stderr" "trace-agg: 1 late record was left out: its window had been closed (--lateness)
trace-agg: 1 late record is not in all of its windows: some had been closed (--lateness)"
}

# Late records change panes that windows were put together with.
@test "late records are in the windows that a plain count would put them in" {
    awk 'BEGIN {
        for (i = 0; i < 1500; i++) {
            start = i * 40 - (i % 3 ? 0 : i * i % 40000)
            printf "{\"traceId\":\"1\",\"spanId\":\"1\",\"service\":\"s%d\",\"durationNano\":%d,", i % 2, i
            printf "\"startTimeUnixNano\":\"%d000000\"}\n", start
        }
    }' > spans.ndjson
    for lateness in 0 700 5000; do
        jq -r '[(.startTimeUnixNano | tonumber / 1000000), .service, .durationNano] | @tsv' spans.ndjson |
            awk -v w=16000 -v s=1000 -v lateness="$lateness" '
                function floor(x) { return int(x) > x ? int(x) - 1 : int(x) }
                {
                    taken = all = 0
                    for (k = floor($1 / s); k * s + w > $1; k--) {
                        all++
                        if (NR > 1 && k * s + w <= newest - lateness) continue
                        taken++
                        count[k * s "\t" $2]++
                        sum[k * s "\t" $2] += $3
                    }
                    late += !taken
                    partly += taken && taken < all
                    if (NR == 1 || $1 > newest) newest = $1
                }
                END {
                    for (key in count) print key "\t" count[key] "\t" sum[key] | "sort -k 1n -k 2"
                    print late + 0, partly + 0 > "late"
                }' > wanted
        run -0 --separate-stderr trace-agg --by=service --window=16s --slide=1s --lateness="${lateness}ms" --stat=count,sum spans.ndjson
        jq -r '[(.windowStartUnixNano | tonumber / 1000000), .group.service, .count, .sum] | @tsv' <<<"$output" | sort -k 1n -k 2 | cmp - wanted
        read -r late partly < late
        ((late && partly))
        [[ $stderr == "trace-agg: $late late records were left out"*"trace-agg: $partly late records are not in all"* ]]
    done
}

@test "a window comes out when event time is beyond it, and is not given twice" {
    spans 3000 200 > spans.ndjson
    jq -s -c 'sort_by(.startTimeUnixNano | tonumber)[]' spans.ndjson > sorted.ndjson
    options=(--by=service --window=20s --slide=3s "$stats")
    trace-agg "${options[@]}" --lateness=0s sorted.ndjson > got
    trace-agg "${options[@]}" sorted.ndjson | cmp - got
    { cat sorted.ndjson; echo '{"type":"clock","timeUnixNano":"999000000000"}'; } |
        trace-agg "${options[@]}" --lateness=0s | grep -v '"clock"' | cmp - got
}

@test "usage errors name what is wrong" {
    run -2 trace-agg --slide=1s
    assert_line -n 0 'trace-agg: --slide needs --window'
    run -2 trace-agg --window=1s --slide=0s
    assert_line -n 0 'trace-agg: --slide must be longer than 0'
    run -2 trace-agg --window=1s --slide=2s
    assert_line -n 0 'trace-agg: --slide must not be longer than --window'
    run -2 trace-agg --window=1s --slide=1ns
    assert_line -n 0 'trace-agg: --window must not be longer than 100000 times --slide'
}

@test "what is put together is within --memory, too" {
    awk 'BEGIN { for (i = 0; i < 6000; i++)
        printf "{\"traceId\":\"1\",\"spanId\":\"1\",\"startTimeUnixNano\":\"%d000000\",\"name\":\"n%d\"}\n", i * 10, i }' > wide.ndjson
    run -4 --separate-stderr trace-agg -j1 --memory=12M --by=name --window=60s --slide=1s --stat=p50 wide.ndjson
    [[ $stderr == *'need more memory than --memory allows'* ]]
    run -0 trace-agg -j1 --memory=64M --by=name --window=60s --slide=1s --stat=p50 --limit=1 wide.ndjson
}
