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

same_answer() { # same_answer OPTION...: but for notes about fields, which are of what was read
    run -0 --separate-stderr trace-agg "$@" repo
    local out=$output
    run -0 --separate-stderr trace-agg "$@" records
    assert_equal "$out" "$output"
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
    need_command zstd
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
    need_command zstd
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

# Everything at the top, where series have it too, and nothing that is told of records.
plain_spans() { # plain_spans N
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op%d\"", \
                i % 50 + 1, i + 1, i % 5
            printf ",\"startTimeUnixNano\":\"%.0f000\",\"durationNano\":%d,\"status\":\"%s\"", \
                1790000000000000 + (i * 7919) % 300000000, (i * 31) % 1000 * 1000, i % 11 ? "ok" : "error"
            if (i % 4) printf ",\"service\":\"s%d\"", i % 4
            else if (i % 8) printf ",\"service\":%s", i % 3 ? "null" : "true"
            print "}"
        }
    }'
}

wheres=('.service=="s1"' '.service=="s1" and .name=="op2"' '.name|test("op[12]")' '.service'
    '.service==null' '.service|not' 'has("service")' '.type=="span"' '.type=="metric" and .service=="s1"'
    '.metricName=="m0"' '.metricName' '.service=="none"' '.name|startswith("op")' 'true' 'false'
    '.service=="s1" or .metricName=="m1"' '.service|length' '.service|test("s")' '.name+1'
    '.service|IN("s1","s2")' '[.service]==["s1"]' '.service|ascii_downcase=="s1"' '.service.x?'
    '.status=="error"' '.name==1')

@test "--where on what series are of: from roll-ups as from records" {
    { plain_spans 3000; metrics 600; } | grep -v temporality | canonical - >records
    split -l 1200 records part.
    for part in part.*; do trace-record archive repo "$part"; done
    for where in "${wheres[@]}"; do
        same --where "$where" --by=service,name
        same --where "$where" --stat=count --window=60s
    done
    same -w '.service=="s1"' --type=metric --by=metricName
    same -w '.service=="s1"' --stat=rate,p50 --since=2026-09-21T14:14:00Z
    same -w '.service=="s1"' --by=nothing
}

@test "--where on series does not read records" {
    plain_spans 3000 | canonical - >records
    trace-record archive repo records
    segment=$(find repo -name '*.zst')
    chmod u+w "$segment"
    printf 'XYZ' | dd of="$segment" bs=1 seek=50 conv=notrunc status=none # the block's directory
    same --by=name -w '.service=="s1"'
    same -w '.name=="op1" and .type=="span"' --window=60s
    # the roll-up cannot count for how many records this is an error
    run -4 --separate-stderr trace-agg --by=name -w '.name+1' repo
    [[ $stderr == *damaged* ]]
    run -4 --separate-stderr trace-agg --by=name -w '.status=="error"' repo
    run -4 --separate-stderr trace-agg --by=name -w '.service|ascii_downcase=="s1"' repo
}

@test "--where on series that are of attributes reads records" {
    for field in service name; do
        { plain_spans 200
          printf '{"type":"span","traceId":"%032x","spanId":"%016x","startTimeUnixNano":"1790000000000000000",' 1 1
          printf '"durationNano":5,"attributes":{"%s":"elsewhere"}}\n' "$field"
          printf '{"type":"metric","metricName":"m","value":1,"timeUnixNano":"1790000000000000000",'
          printf '"dimensions":{"%s":"elsewhere"}}\n' "$field"; } | canonical - >records
        trace-record archive repo records
        same_answer --by=service,name -w ".$field==\"elsewhere\""
        same_answer --by=service,name -w ".$field==null"
        same_answer --by=service,name -w ".$field!=null"
        rm -r repo
    done
    # a span may have a metricName; that of its series is what is measured
    { plain_spans 20; printf '{"type":"span","traceId":"%032x","spanId":"%016x",' 1 1
      printf '"startTimeUnixNano":"1790000000000000000","metricName":"m0","durationNano":1}\n'; } | canonical - >records
    trace-record archive repo records
    same_answer -w '.metricName=="m0"'
    same_answer -w '.metricName=="durationNano"'
    same_answer -w '.metricName==null'
}

@test "--where on series: what is told of records" {
    { spans 300 | grep startTimeUnixNano; metrics 100; } | canonical - >records # ends before starts, sampling rates
    trace-record archive repo records
    run -0 --separate-stderr trace-agg -w '.service=="s1"' --type=span repo
    [[ $stderr == *"before"* ]]
    for where in '.service=="s1"' '.service=="r1"' '.service==null' '.type=="span"'; do
        same --type=span -w "$where" --by=service
    done
    same_answer --type=metric -w '.metricName=="m0"'
    run -0 --separate-stderr trace-agg --type=metric -w '.metricName=="m0"' repo
    [[ $stderr == *"cumulative points"* ]]
}

@test "--where on series that are numbers reads records" {
    plain_spans 100 | canonical - >records
    printf '{"type":"span","traceId":"%032x","spanId":"%016x","startTimeUnixNano":"1790000000000000000","durationNano":1,"name":1.0,"service":7}\n' 1 1 >>records
    trace-record archive repo records
    for where in '.name==1' '.service>5' '.service==null' '.service=="s1"'; do
        same --type=span -w "$where" --by=service
    done
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
    need_command zstd
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
