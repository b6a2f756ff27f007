# SPDX-License-Identifier: GPL-3.0-or-later
# trace-agg on a repository answers from roll-ups, with the bytes that the records give.

load ../helper

spans() { # spans N: over five minutes, of a few series, with what is odd
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            start = 1790000000000000 + (i * 7919) % 300000000
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\"", i % 50 + 1, i + 1
            if (i % 13) printf ",\"name\":\"op%d\"", i % 5
            if (i % 97) printf ",\"startTimeUnixNano\":\"%.0f000\"", start
            if (i % 89) printf ",\"endTimeUnixNano\":\"%.0f000\"", start + (i * 31) % 1000 - (i % 83 ? 0 : 2000)
            if (i % 83) printf ",\"durationNano\":%d", (i * 31) % 1000 * 1000
            printf ",\"status\":\"%s\"", i % 11 ? "ok" : "error"
            if (i % 17) printf ",\"service\":\"s%d\"", i % 3
            else printf ",\"resource\":{\"service.name\":\"r%d\"}", i % 2
            print "}"
        }
    }'
}

metrics() { # metrics N: integers, doubles, strings, histograms, weights
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            printf "{\"type\":\"metric\",\"metricName\":\"m%d\"", i % 4
            if (i % 4 == 0) printf ",\"value\":%d", i * 3
            if (i % 4 == 1) printf ",\"value\":%d.25", i
            if (i % 4 == 2) printf ",\"value\":\"text\""
            if (i % 4 == 3) printf ",\"histogram\":{\"count\":3,\"sum\":%d.5,\"bounds\":[1,5],\"bucketCounts\":[1,1,1]}", i
            printf ",\"timeUnixNano\":\"%.0f\"", 1790000000000000000 + (i * 104729) % 300000 * 1000000
            if (i % 3 == 0) printf ",\"service\":\"s%d\"", i % 2
            if (i % 5 == 0) printf ",\"quality\":{\"sampleRate\":0.25}"
            if (i % 7 == 0) printf ",\"temporality\":\"cumulative\",\"metricType\":\"counter\""
            print "}"
        }
    }'
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

same() { # same OPTION...: the same from the repository and from the file, messages too
    run --separate-stderr trace-agg "$@" repo
    local out=$output err=$stderr code=$status
    run --separate-stderr trace-agg "$@" records
    assert_equal "$code" "$status"
    assert_equal "$out" "$output"
    assert_equal "$err" "$stderr"
}

canonical() { # in the form that a repository keeps: a span without a name has an empty one
    trace-record read -b "$@" | trace-record read -
}

@test "from roll-ups as from records: groups, statistics, windows" {
    { spans 3000; metrics 600; } | canonical - >records
    split -l 1200 records part.
    for part in part.*; do trace-record archive repo "$part"; done
    same
    same --by=service
    same --by=service,name
    same --by=name,metricName,service
    same --type=span --by=service --window=10s
    same --type=span --by=service --window=60s --stat=count,rate,sum
    same --type=metric --by=metricName --window=600s --stat=min,max,mean
    same --stat=count
    same --stat=rate,errors --by=name
    same --stat=p50,p99.9
    same --type=metric --stat=sum,count,p90
    # and what roll-ups have not
    same --by=service --window=15s
    same --stat=stddev
    same --stat='distinct(traceId)'
    same --by=status
    same --value=durationNano --type=span
    same --type=span -w '.status == "error"'
}

@test "records without a time keep their type from being rolled up" {
    spans 1000 | canonical - >records
    trace-record archive repo records
    run -0 trace-agg --explain --stat=count repo
    same --window=10s --by=service
    same --stat=rate
}

@test "every roll-up is used that can be" {
    spans 3000 | grep startTimeUnixNano | canonical - >records
    trace-record archive repo records
    segment=$(find repo -name '*.zst')
    zstd -dqc "$segment" | tar -t >members
    grep -qx rollup-10s members
    grep -qx rollup-600s members
    same --by=service,name
    same --since=2026-09-21T14:14:00Z --until=2026-09-21T14:16:00Z --by=service --window=10s
    same --since=2026-09-21T14:00:00Z --until=2026-09-21T15:00:00Z --by=service --window=10s
    same --until=2026-09-21T14:00:00Z
}

@test "a long segment has one cell a series, too, and a short one does without" {
    long() { # long N START: spans of two series, one each 20 s
        awk -v n="$1" -v start="$2" 'BEGIN {
            for (i = 0; i < n; i++)
                printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op%d\"," \
                    "\"startTimeUnixNano\":\"%.0f\",\"durationNano\":%d,\"service\":\"s\"}\n", \
                    i + 1, i + 1, i % 2, (start + 20 * i) * 1000000000, i * 1000
        }'
    }
    members() { zstd -dqc "$(find "$1" -name '*.zst')" | tar -t; }
    long 100 1790000000 | canonical - >records
    trace-record archive repo records
    members repo >names
    grep -qx rollup-all names
    same
    same --by=name
    same --by=name --stat=rate,p50
    same --by=name --window=1d
    same --by=name --window=20m
    same --by=name --since=2026-09-21T14:20:00Z
    same --by=name --since=2026-09-21T14:00:00Z
    rm -r repo
    long 200 -1790 | canonical - >records # half of them before 1970
    trace-record archive repo records
    members repo | grep -qx rollup-all
    same --by=name
    same --by=name --window=1d
    long 20 1790000000 | trace-record archive short
    members short >names
    grep -qx rollup-600s names
    run -1 grep -x rollup-all names
}

@test "--partial from roll-ups merges with what records gave" {
    { spans 2000 | grep startTimeUnixNano; metrics 200; } | canonical - >records
    trace-record archive repo records
    for options in --stat=count '--by=service --window=10s' '--stat=p99,mean --by=name'; do
        # shellcheck disable=SC2086
        trace-agg --partial --unit=u $options repo | trace-agg --merge >from-repository
        # shellcheck disable=SC2086
        trace-agg --partial --unit=u $options records | trace-agg --merge | cmp - from-repository
    done
}

@test "a damaged roll-up is told, and the records are read instead" {
    spans 3000 | grep startTimeUnixNano | canonical - >records
    trace-record archive repo records
    segment=$(find repo -name '*.zst')
    trace-agg --by=service records >wanted
    # a byte within the last frames before the manifest: the roll-ups
    frames=$(zstd -lv "$segment" 2>/dev/null | sed -n 's/.*Frames: *//p' | head -n 1)
    size=$(stat -c %s "$segment")
    chmod u+w "$segment"
    cp "$segment" whole
    hit=0
    for ((at = size - 4000; at < size - 500; at += 150)); do
        cp whole "$segment"
        printf 'XYZ' | dd of="$segment" bs=1 seek="$at" conv=notrunc status=none
        run --separate-stderr trace-agg --by=service repo
        assert_equal "$output" "$(cat wanted)"
        if [[ $status -eq 4 ]]; then hit=$((hit + 1)); fi
    done
    ((hit > 0))
}

@test "a real capture: from roll-ups as from records" {
    [[ ${TRACECORE_TEST_DATA-} ]] || skip "TRACECORE_TEST_DATA is not set"
    trace-record import "$TRACECORE_TEST_DATA/traces/otlp-file-exporter-otel-demo.jsonl" >records
    trace-record archive repo records
    trace-record read repo | sort | cmp - <(sort records)
    same --by=service
    same --by=service,name --window=10s
    same --type=metric --by=metricName
    same --type=metric --stat=p50,sum,mean,min,max
}
