# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record init, archive, read, ls, check; and every program on a repository.

load ../helper

spans() { # spans N [FIRST]: spans of traces of ten
    awk -v n="$1" -v first="${2:-0}" 'BEGIN {
        for (i = first; i < first + n; i++) {
            parent = i % 10 ? sprintf(",\"parentSpanId\":\"%016x\"", i - i % 10 + 1) : ""
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\"%s,\"name\":\"op%d\"", \
                int(i / 10) + 1, i + 1, parent, i % 7
            printf ",\"startTimeUnixNano\":\"%.0f000\",\"endTimeUnixNano\":\"%.0f500\",\"durationNano\":%d", \
                1790000000000000 + i * 1000, 1790000000000000 + i * 1000, 500
            printf ",\"status\":\"%s\",\"service\":\"s%d\",\"attributes\":{\"n\":%d}}\n", \
                i % 11 ? "ok" : "error", i % 3, i
        }
    }'
}

metrics() { # metrics N
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++)
            printf "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":%d,\"timeUnixNano\":\"%.0f\"}\n", \
                i, 1790000000000000000 + i * 1000000
    }'
}

segments() { # the files of a repository's segments
    find "$1/segments" -name '*.tar.zst' | sort
}

damage() { # damage FILE OFFSET: another byte there
    local byte
    chmod u+w "$1"
    byte=$(od -An -tu1 -j"$2" -N1 "$1")
    # shellcheck disable=SC2059
    printf "\\$(printf %03o $(((byte + 1) % 256)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

@test "archive makes a repository, and read gives back what went in" {
    spans 1000 >spans
    run -0 --separate-stderr trace-record archive repo spans
    [[ -z $output && -z $stderr ]]
    [[ $(segments repo | wc -l) -eq 1 ]]
    trace-record read repo | cmp - spans
    run -0 trace-record check repo
    [[ -z $output ]]
}

@test "archive: standard input, several inputs, and a second run" {
    spans 500 >a
    spans 500 500 >b
    trace-record archive repo <a
    trace-record archive repo - b <a
    trace-record read repo | sort | cmp - <(cat a a b | sort)
    [[ $(segments repo | wc -l) -eq 2 ]]
}

@test "records of all types are kept, in order by type" {
    { spans 30; metrics 30; } >records
    echo '{"type":"log","timeUnixNano":"1","body":"x"}' >>records
    echo '{"type":"new","a":[1,{"b":null}]}' >>records
    trace-record archive repo records
    trace-record read repo | sort | cmp - <(sort records)
    trace-record read repo --type=span | cmp - <(spans 30)
    trace-record read repo --type=metric | cmp - <(metrics 30)
}

@test "archive -b, -j1, -j4 and a slow pipe: the same records" {
    spans 30000 >spans
    trace-record archive -j1 r1 spans
    trace-record archive -j4 r4 spans
    trace-span filter -b spans | trace-record archive rb
    { head -n 10000 spans; sleep 0.1; tail -n +10001 spans; } | trace-record archive rp
    for repo in r1 r4 rb rp; do
        trace-record read "$repo" | cmp - spans
    done
}

@test "archive takes large chunks line by line, and odd lines as others do" {
    spans 30000 >spans
    { head -n 20000 spans; echo; echo broken; tail -n +20001 spans; } >odd # a chunk of 8 MB
    run -3 --separate-stderr trace-record archive repo odd --rejects=bad
    [[ $stderr == "trace-record: odd:20002: "* && $(cat bad) == broken ]]
    trace-record read repo | cmp - spans
    # not canonical: blanks, another order, duplicate keys, carriage returns, no last newline
    sed 's/,/, /; s/$/\r/' spans | head -c -1 >blanks
    trace-record archive r1 blanks
    trace-record read r1 | cmp - spans
    { cat spans; sed -n 1,3p spans | sed 's/"name"/"name":"x","name"/'; } >twice
    run -0 --separate-stderr trace-record archive r2 twice
    [[ $stderr == *"3 keys occurred twice in an object: the last one counted" ]]
    # a clock record is passed over, too deep a value is refused
    { cat spans; echo '{"type":"clock","timeUnixNano":"1790000000000000000"}'; } | trace-record archive r3
    trace-record read r3 | cmp - spans
    deep=$(printf '[%.0s' {1..30}; printf ']%.0s' {1..30})
    { cat spans; sed -n 1p spans | sed "s/\"n\":0/\"n\":$deep/"; } >deep
    run -3 --separate-stderr trace-record archive r4 --depth-limit=20 deep
    [[ $stderr == *"deep:30001: "* ]]
    trace-record archive r5 deep
    [[ $(trace-record read r5 | wc -l) -eq 30001 ]]
}

@test "archive -w and --type keep what they name" {
    { spans 100; metrics 10; } | trace-record archive repo --type=span -w '.service == "s1"'
    run -0 trace-record read repo
    [[ ${#lines[@]} -eq 33 ]]
}

@test "archive --ack tells how many are durable, never too many" {
    spans 1000 | trace-record archive --ack repo >acks
    [[ $(cat acks) == 1000 ]]
    printf '' | trace-record archive --ack repo >acks
    [[ ! -s acks ]]
}

@test "archive refuses bad records and keeps the others" {
    { spans 3; echo broken; spans 3 3; } >records
    run -3 --separate-stderr trace-record archive repo records --rejects=bad
    [[ $stderr == *"records:4: "* && $(cat bad) == broken ]]
    [[ $(trace-record read repo | wc -l) -eq 6 ]]
}

@test "archive: a directory that is something else is left alone" {
    mkdir other
    touch other/file
    run -4 --separate-stderr trace-record archive other </dev/null
    [[ $stderr == "trace-record: other: is a directory, and no repository" ]]
    [[ $(ls -A other) == file ]]
}

@test "archive: a full disk is told, and leaves no half of a segment" {
    spans 10000 >spans
    trace-record init repo
    run -4 --separate-stderr bash -c 'trap "" XFSZ; ulimit -f 2; exec trace-record archive repo spans'
    [[ $stderr == *"File too large"* ]]
    [[ -z $(segments repo) ]]
    trace-record archive repo spans
    trace-record read repo | cmp - spans
}

@test "init makes an empty repository, once" {
    run -0 trace-record init repo
    [[ -z $output ]]
    [[ -z $(trace-record read repo) ]]
    run -4 --separate-stderr trace-record init repo
    [[ $stderr == "trace-record: repo: the directory is not empty" ]]
    run -2 trace-record init
    run -2 trace-record init a b
}

@test "files of a repository are for its owner and its group only" {
    umask 000
    spans 10 | trace-record archive repo
    [[ -z $(find repo -perm /007) ]]
    [[ -z $(find repo -type f -perm /137) ]]
}

@test "a repository is an input of every program" {
    spans 1000 >spans
    trace-record archive repo spans
    trace-span filter -w '.service == "s1"' repo | cmp - <(trace-span filter -w '.service == "s1"' spans)
    trace-agg --by=service,name repo | cmp - <(trace-agg --by=service,name spans)
    trace-span assemble repo | cmp - <(trace-span assemble spans)
    trace-span get 00000000000000000000000000000007 repo |
        cmp - <(trace-span get 00000000000000000000000000000007 spans)
    trace-report summary repo | cmp - <(trace-report summary spans)
}

@test "few of many records, by an expression, a limit and an id" {
    spans 5000 >spans
    trace-record archive repo spans
    for where in '.attributes.n == 4711' '.attributes.n % 500 == 3' '[.attributes.n] | .[0] == 17' 'false'; do
        trace-span filter -w "$where" repo | cmp - <(trace-span filter -w "$where" spans)
        trace-span filter --pass --type=metric -w "$where" repo | cmp - spans
    done
    trace-span filter --limit=3 repo | cmp - <(head -n 3 spans)
    trace-span get --span=0000000000000101 repo | cmp - <(sed -n 257p spans)
}

@test "several inputs, repositories and files" {
    spans 500 >a
    spans 500 500 >b
    trace-record archive repo a
    trace-agg repo b | cmp - <(trace-agg a b)
    trace-agg b repo | cmp - <(trace-agg a b)
}

@test "threads do not matter to what is read" {
    for i in 0 1 2 3 4; do spans 1000 $((i * 1000)) | trace-record archive repo; done
    trace-record read -j1 repo >one
    trace-record read -j4 repo | cmp - one
    trace-record read repo --limit=1500 | cmp - <(head -n 1500 one)
}

@test "--since and --until leave out segments and records" {
    spans 1000 | trace-record archive repo
    spans 1000 2000 | trace-record archive repo
    run -0 trace-record read repo --since=2026-09-21T14:13:22Z
    [[ ${#lines[@]} -eq 1000 && ${lines[0]} == "$(spans 1 2000)" ]]
    run -0 trace-record read repo --until=2026-09-21T14:13:20.5Z
    [[ ${#lines[@]} -eq 500 && ${lines[499]} == "$(spans 1 499)" ]]
}

@test "types that are not worked on are counted without being read" {
    { spans 100; metrics 7; } | trace-record archive repo
    run -0 --separate-stderr trace-span filter repo
    [[ ${#lines[@]} -eq 100 ]]
    [[ $stderr == "trace-span: passed over 7 metric records" ]]
    run -0 --separate-stderr trace-span filter --pass repo
    [[ ${#lines[@]} -eq 107 && -z $stderr ]]
}

@test "ls says what there is" {
    { spans 100; metrics 7; } | trace-record archive repo
    run -0 trace-record ls repo
    [[ ${#lines[@]} -eq 1 ]]
    [[ $(jq -r '[.records, .spans, .metrics, .start, .end] | @tsv' <<<"$output") == \
        $'107\t100\t7\t2026-09-21T14:13:20Z\t2026-09-21T14:13:20.099Z' ]]
    [[ -f repo/segments/$(jq -r .segment <<<"$output") ]]
    [[ $(stat -c %s "repo/segments/$(jq -r .segment <<<"$output")") -eq $(jq .bytes <<<"$output") ]]
    run -0 trace-record ls repo --since=2026-09-21T15:00:00Z
    [[ -z $output ]]
}

@test "tar and zstd read a segment as it is" {
    need_command zstd
    spans 100 | trace-record archive repo
    segment=$(segments repo)
    zstd -dqc "$segment" >segment.tar
    tar -tf segment.tar >members
    grep -qx 'manifest.json' members
    grep -q '^span-[0-9a-f]*/directory$' members
    grep -q '^span-[0-9a-f]*/[0-9]*\.attributes\.n$' members
    tar -xOf segment.tar manifest.json | jq -e '.records.span == 100 and .services == ["s0", "s1", "s2"]'
}

@test "damage is named, costs its block and nothing else" {
    spans 1000 | trace-record archive repo
    spans 1000 1000 | trace-record archive repo
    bad=$(segments repo | head -n 1)
    damage "$bad" 1000
    run -1 --separate-stderr trace-record check repo
    [[ -z $output && ${stderr} == *"repo: segments/${bad#repo/segments/}: "* ]]
    run -4 --separate-stderr trace-record read repo
    [[ $output == "$(spans 1000 1000)" ]]
    [[ $stderr == "trace-record: repo: segments/${bad#repo/segments/}: "* ]]
    run -4 --separate-stderr trace-span assemble --summary repo
    [[ ${#lines[@]} -eq 100 ]]
}

@test "a segment without its end gives what is before" {
    spans 40000 | trace-record archive repo
    bad=$(segments repo)
    whole=$(stat -c %s "$bad")
    chmod u+w "$bad"
    truncate -s $((whole - 100)) "$bad"
    run -4 --separate-stderr trace-record read repo
    [[ ${#lines[@]} -eq 40000 && $stderr == *"no segment, or cut short" ]]
    truncate -s $((whole / 2)) "$bad"
    run -4 --separate-stderr trace-record read repo
    [[ ${#lines[@]} -lt 40000 ]]
    run -1 --separate-stderr trace-record check repo
    [[ $stderr == *"no segment, or cut short"* ]]
}

@test "a foreign, an empty and a truncated file among the segments" {
    spans 1000 | trace-record archive repo
    good=$(segments repo)
    day=${good%/*}
    echo hello >"$day/a.tar.zst"
    : >"$day/b.tar.zst"
    head -c 2000 "$good" >"$day/c.tar.zst"
    ln -s "$good" "$day/d.tar.zst"
    echo note >"$day/README"
    run -1 --separate-stderr trace-record check repo
    for name in a b c d; do
        [[ $stderr == *"/$name.tar.zst: "* ]]
    done
    run -4 --separate-stderr trace-record read repo
    [[ $output == "$(spans 1000)" ]]
    for name in a b c d; do
        [[ $stderr == *"/$name.tar.zst: "* ]]
    done
}

@test "what is no repository, or of another version, is told" {
    mkdir other
    run -4 trace-record read other
    [[ $output == "trace-record: other: is a directory, and no repository" ]]
    trace-record init repo
    echo 'tracecore repository 99' >repo/tracecore-repository
    run -4 trace-record read repo
    [[ $output == "trace-record: repo: a repository of version 99, and this program knows 1" ]]
    echo 'nonsense' >repo/tracecore-repository
    run -4 trace-record ls repo
    [[ $output == "trace-record: repo: its tracecore-repository is damaged" ]]
}

@test "segments of a repository are inputs by themselves" {
    for i in 1 2 3; do
        printf '{"traceId":"1","spanId":"%d","name":"a","service":"s%d","startTimeUnixNano":"%d","endTimeUnixNano":"%d"}\n' \
            1 "$i" "${i}000000000" "${i}000000500" 2 "$i" "${i}000000001" "${i}000000800" > part
        trace-record archive repo part
    done
    segments=(repo/segments/*/*/*/*)
    assert_equal "${#segments[@]}" 3
    run -0 trace-record read "${segments[1]}"
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 --partial '"service":"s2"'
    trace-agg --by=service repo > whole
    trace-agg --by=service "${segments[@]}" | cmp - whole
    (cd repo && trace-agg --by=service segments/*/*/*/*) | cmp - whole
    run -0 trace-agg --by=service --since=2 --until=3 "${segments[0]}"
    assert_output ''
    # of one that is named and not there, or not itself, something would be missing without a word
    run -4 trace-agg "${segments[1]%-*}-0000000000000000.tar.zst"
    assert_output --partial 'cannot open: No such file or directory'
    cp "${segments[1]}" "${segments[1]%-*}-0000000000000000.tar.zst"
    run -4 --separate-stderr trace-agg --partial "${segments[1]%-*}-0000000000000000.tar.zst"
    assert_output ''
    assert_regex "$stderr" 'it is another segment'
    mkdir -p elsewhere/segments/2026/01/01
    cp "${segments[1]}" elsewhere/segments/2026/01/01
    run -4 --separate-stderr trace-agg elsewhere/segments/2026/01/01/*
    assert_output ''
}
