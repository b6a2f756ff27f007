# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record rollup: joint roll-ups, and trace-agg with them.

load ../helper

spans() { # spans N: of four services, a second apart
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op%d\"", \
                int(i / 10) + 1, i + 1, i % 7
            printf ",\"startTimeUnixNano\":\"%.0f\",\"endTimeUnixNano\":\"%.0f\",\"durationNano\":%d", \
                (1790000000 + i) * 1000000000, (1790000000 + i) * 1000000000 + i * 1000, i * 1000
            printf ",\"status\":\"%s\",\"service\":\"s%d\"}\n", i % 11 ? "ok" : "error", i % 4
        }
    }'
}

# 130 segments of three spans each and whatever else is given; the records are in `records`.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    spans 390 >records
    for ((i = 0; i < 130; i++)); do
        sed -n "$((3 * i + 1)),$((3 * i + 3))p" records | trace-record archive made
    done
    trace-record rollup made
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp -r "$BATS_FILE_TMPDIR/made" repo
    cp "$BATS_FILE_TMPDIR/records" .
}

joints() {
    find repo/rollups -name '*.tar.zst' | sort
}

opened() { # how many segments a command opens
    strace -f -e trace=openat -o trace "$@" >/dev/null
    grep -c 'tar.zst' trace
}

same() { # same OPTION...
    run --separate-stderr trace-agg "$@" repo
    local out=$output err=$stderr
    run --separate-stderr trace-agg "$@" records
    assert_equal "$out" "$output"
    assert_equal "$err" "$stderr"
}

@test "two groups of 64 segments have joint roll-ups; the answers are the same" {
    [[ $(joints | wc -l) -eq 2 ]]
    same
    same --by=service,name
    same --by=service --window=10s
    same --by=service --window=1h --stat=count,rate,p99
    same --by=name --window=1d
    same --window=30m
    same --type=span --since=2026-09-21T14:13:30Z
    same --type=span --until=2026-09-21T14:18:00Z --stat=count,sum
    same --type=span -w '.service == "s1"'
    same --stat=stddev
    run -0 trace-record check repo
}

@test "a question about everything opens them and the rest" {
    command -v strace || skip "there is no strace"
    [[ $(opened trace-agg --by=service repo) -eq 4 ]]
    [[ $(opened trace-agg --by=name -w '.service == "s1"' repo) -eq 4 ]]
    [[ $(opened trace-agg --by=name -w '.status == "error"' repo) -ge 130 ]]
    [[ $(opened trace-agg --by=service --window=10s repo) -eq 132 ]]
}

@test "records that roll-ups do not have are still found, and others counted" {
    echo '{"type":"log","timeUnixNano":"1790000000000000000","body":"x"}' >log
    echo '{"type":"health","timeUnixNano":"1790000000000000000"}' >>log
    for ((i = 0; i < 64; i++)); do trace-record archive repo log; cat log >>records; done
    trace-record rollup repo
    same --stat=count
    same --type=span --stat=count
    [[ $(joints | wc -l) -eq 3 ]]
}

@test "a joint roll-up counts only while its segments are all there" {
    rm "$(find repo/segments -name '*.tar.zst' | sort | head -n 1)"
    sed -i 1,3d records
    same --by=service
    trace-record rollup repo
    [[ $(joints | wc -l) -eq 2 ]]
    same --by=service
    run -0 trace-record rollup repo
    [[ -z $output ]]
    rm -r repo/rollups
    same --by=service
}

@test "a damaged joint roll-up is told, and the records are read" {
    trace-agg --by=service records >wanted
    joint=$(joints | head -n 1)
    cp "$joint" whole
    chmod u+w "$joint"
    size=$(stat -c %s "$joint")
    told=0
    for ((at = 10; at < size; at += 97)); do
        cp whole "$joint"
        printf 'XYZ' | dd of="$joint" bs=1 seek="$at" conv=notrunc status=none
        run --separate-stderr trace-agg --by=service repo
        assert_equal "$output" "$(cat wanted)"
        if [[ $status -eq 4 ]]; then told=$((told + 1)); fi
    done
    ((told > 0))
}

@test "the catalog spares opening segments, and is missed by nobody" {
    command -v strace || skip "there is no strace"
    since=2026-09-21T14:19:00Z # the last 50 of 390 seconds
    trace-record read records --since=$since >wanted
    [[ $(opened trace-record read --since=$since repo) -lt 20 ]]
    trace-record read --since=$since repo | cmp - wanted
    rm repo/catalog
    [[ $(opened trace-record read --since=$since repo) -eq 130 ]]
    trace-record read --since=$since repo | cmp - wanted
    head -c 30000 /dev/urandom >repo/catalog
    trace-record read --since=$since repo | cmp - wanted
    trace-record archive repo records
    [[ $(trace-record read repo | wc -l) -eq 780 ]]
}

@test "a trace is found through filters and indexes, whatever becomes of these" {
    command -v strace || skip "there is no strace"
    id=$(printf '%032x' 20) # spans 190 to 199: in segments 63 to 66
    trace-span get "$id" records >wanted
    [[ $(wc -l <wanted) -eq 10 ]]
    same_trace() {
        trace-span get "$id" repo | cmp - wanted
        run -1 --separate-stderr trace-span get 0123456789abcdef0123456789abcdef repo
        [[ -z $output && $stderr == *"no record of trace 0123456789abcdef0123456789abcdef is in the input" ]]
    }
    same_trace
    # of the 128 that are in the file, those that have it; and the two that are in no group
    [[ $(opened trace-span get "$id" repo) -le 8 ]]
    trace-span get "$id" "$(printf '%032x' 39)" repo | cmp - <(trace-span get "$id" "$(printf '%032x' 39)" records)
    cp repo/filters filters
    size=$(stat -c %s filters)
    for ((at = 0; at < size; at += size / 40)); do
        cp filters repo/filters
        chmod u+w repo/filters
        printf 'XYZ' | dd of=repo/filters bs=1 seek="$at" conv=notrunc status=none
        same_trace
    done
    head -c $((size / 2)) filters >repo/filters
    same_trace
    rm repo/filters
    same_trace
    # another seed now: old segments are asked themselves, new ones fit
    trace-record archive repo records
    trace-record rollup repo
    trace-span get "$id" repo | sort | cmp - <(cat wanted wanted | sort)
}

@test "--explain tells joint roll-ups from others, and damaged ones" {
    trace-agg --explain repo 2>said
    grep -q ': repo: 130 segments: 128 by joint roll-ups; 2 by roll-ups of their own$' said
    assert_equal "$(grep -c 'a joint roll-up for 64 segments, of 1 d; ' said)" 2
    grep -q ', 128 segments: by a joint roll-up$' said
    joint=$(joints | sed -n 1p)
    cp "$joint" whole
    size=$(stat -c %s "$joint") status=0
    for ((at = 10; at < size && status != 4; at += 97)); do # until it is the roll-up in question
        cp whole "$joint"
        printf 'XYZ' | dd of="$joint" bs=1 seek="$at" conv=notrunc status=none
        run --separate-stderr trace-agg --explain repo
    done
    [[ $stderr == *'64 by joint roll-ups; 2 by roll-ups of their own; 64 by blocks'* ]]
    [[ $stderr == *'a joint roll-up for 64 segments, which is damaged'* ]]
    [[ $stderr == *', 64 segments: 64 of 64 blocks; '* ]]
}
