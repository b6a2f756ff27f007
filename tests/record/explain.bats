# SPDX-License-Identifier: GPL-3.0-or-later
# --explain on a repository: what was read of it, and why no more.

load ../helper

spans() { # spans FROM COUNT SERVICE: a second apart
    awk -v from="$1" -v n="$2" -v service="$3" 'BEGIN {
        for (i = from; i < from + n; i++) {
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op%d\"", \
                int(i / 100) + 1, i + 1, i % 7
            printf ",\"startTimeUnixNano\":\"%.0f\",\"endTimeUnixNano\":\"%.0f\",\"durationNano\":%d", \
                (1790000000 + i) * 1000000000, (1790000000 + i) * 1000000000 + i * i, i * i
            printf ",\"status\":\"%s\",\"service\":\"%s\",\"attributes\":{\"user\":%d}}\n", \
                i % 11 ? "ok" : "error", service, i * 7919 % 1000
        }
    }'
}

# Six segments: of spans of three services, of metrics, and of both.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    spans 0 100 cart | trace-record archive made
    spans 100 100 cart | trace-record archive made
    spans 200 100 pay | trace-record archive made
    spans 300 100 pay | trace-record archive made
    {
        spans 400 100 mail
        echo '{"type":"metric","metricName":"m","value":1,"timeUnixNano":"1790000400000000000"}'
    } | trace-record archive made
    echo '{"type":"metric","metricName":"m","value":2,"timeUnixNano":"1790000600000000000"}' |
        trace-record archive made
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp -r "$BATS_FILE_TMPDIR/made" repo
}

explain() { # explain COMMAND...: what it says of the repository, in `said`
    "$@" --explain >out 2>all
    grep -o ': explain: repo.*' all | cut -c 12- >said
}

# For a test that must see what the system sees.
traced() { # traced COMMAND...: the bytes that were read of segments
    ASAN_OPTIONS=detect_leaks=0 strace -f -y -e trace=pread64,read -o trace "$@" >out 2>all
    grep 'tar\.zst>' trace | awk '{ sum += $NF } END { print sum + 0 }'
}

@test "everything: what there is, and what was read by blocks" {
    explain trace-span filter repo
    assert_equal "$(sed -n 1p said)" 'repo is a repository: 6 segments, 0 open logs'
    assert_equal "$(sed -n 2p said)" \
        'repo: 6 segments: 5 by blocks; 1 passed over, without records of these types'
    assert_equal "$(grep -c 'repo/segments' said)" 3
    grep -q 'zst to .*, 4 segments: 4 of 4 blocks; ' said
    grep -q ': 1 of 2 blocks, 1 of other types; ' said
    grep -q 'zst: passed over, without records of these types$' said
    run ! grep -q 'roll-up' said
}

@test "time, types, traces: what was passed over, and for what" {
    explain trace-span filter --since=2026-09-21T14:16:45Z --until=2026-09-21T14:18:20Z repo
    grep -qx 'repo: 6 segments: 1 by blocks; 5 passed over, of another time' said
    explain trace-span filter --since=2026-09-21T14:20:00Z repo
    grep -qx 'repo: 6 segments: 1 by blocks; 4 passed over, of another time; 1 passed over, without records of these types' said
    explain trace-span get repo 00000000000000000000000000000003
    grep -qx 'repo: 6 segments: 1 by blocks; 5 passed over, without the traces' said
    explain trace-span filter --limit=1 -j1 repo
    grep -qx 'repo: 6 segments: 1 by blocks; 5 not reached' said
}

@test "columns are named, the largest first, with the bytes that were read" {
    explain trace-agg --by=attributes.user repo
    line=$(grep '^repo: columns ' said)
    [[ $line == 'repo: columns attributes.user '*', '*' bytes' ]]
    [[ $line != *spanId* && $line != *traceId* ]]
    sizes=$(grep -oE ' [0-9,]+(, |  *bytes)' <<<"$line" | tr -dc '0-9\n')
    assert_equal "$sizes" "$(sort -rn <<<"$sizes")"
}

@test "roll-ups: taken, or why not" {
    explain trace-agg --stat=count repo
    grep -qx 'repo: 6 segments: 6 by roll-ups of their own' said
    grep -qx 'repo: no column was read' said
    grep -q ', 6 segments: by roll-up of 10 min; ' said
    explain trace-agg --by=status repo
    grep -qx 'repo: 6 segments: 6 by blocks; no roll-up answers this' said
    explain trace-agg --since=2026-09-21T14:17:00Z repo
    grep -q '; --since or --until cuts through its roll-ups$' said
    explain trace-agg --window=15s repo
    grep -qx 'repo: 6 segments: 6 by blocks; no roll-up answers this' said
    echo '{"type":"span","traceId":"00000000000000000000000000000009","spanId":"0000000000000009"}' |
        trace-record archive repo
    explain trace-agg --stat=count --window=10m repo
    grep -q '; no roll-up has all of these records$' said
}

@test "damage is told, and what was read instead" {
    segment=$(find repo -name '*T141320*.zst')
    size=$(stat -c %s "$segment")
    head -c $((size - 100)) "$segment" >cut
    cat cut >"$segment"
    explain trace-span filter repo || true
    grep -q 'T141320.*: 1 of 1 block; .*; it is damaged$' said
}

@test "open logs" {
    trace-record metric --to=repo late 5
    explain trace-agg repo
    assert_equal "$(sed -n 1p said)" 'repo is a repository: 6 segments, 1 open log'
    grep -qE '^repo: 1 open log: [0-9]+ bytes of records that are in no segment$' said
}

@test "the bytes are those that the system was asked for" {
    command -v strace >/dev/null || skip 'no strace'
    for options in --stat=count --by=status --by=attributes.user,name --window=1s \
        --since=2026-09-21T14:17:00Z; do
        really=$(traced trace-agg --explain -j1 $options repo)
        grep -o 'explain: repo: read .*' all | tr -d , >line
        told=$(awk '{ print $4 + $9 }' line)
        assert_equal "$options $told" "$options $really"
    done
}

@test "several inputs are told apart, and nobody is told without the option" {
    cp -r repo other
    trace-span filter --explain repo - other <<<'{"type":"span","traceId":"00000000000000000000000000000001","spanId":"0000000000000001"}' 2>all >out
    for line in 'repo is a repo' '- is NDJSON' 'other is a repo' 'repo: read' 'other: read'; do
        grep -q "explain: $line" all
    done
    trace-span filter repo - other <<<'{"type":"span","traceId":"00000000000000000000000000000001","spanId":"0000000000000001"}' 2>quiet >plain
    cmp out plain
    run ! grep explain quiet
}

@test "--where: segments whose names show that it cannot be true are passed over" {
    never='passed over, where the condition cannot be true'
    none='1 passed over, without records of these types'
    explain trace-span filter -w '.service == "cart"' repo
    grep -qx "repo: 6 segments: 2 by blocks; $none; 3 $never" said
    explain trace-span filter -w '.attributes.user < 500 and (.service | IN("mail", "x"))' repo
    grep -qx "repo: 6 segments: 1 by blocks; $none; 4 $never" said
    explain trace-span filter -w '.name == "op8"' repo
    grep -qx "repo: 6 segments: $none; 5 $never" said
    grep -qx 'repo: no column was read' said
    explain trace-agg -w '.metricName == "m"' repo
    grep -qx "repo: 6 segments: 2 by roll-ups of their own; 4 $never" said
    explain trace-agg -w '.type == "span" and .service == "mail"' repo
    grep -qx "repo: 6 segments: 1 by roll-ups of their own; 5 $never" said
    explain trace-agg --by=status -w '.type == "span" and .service == "mail"' repo
    grep -qx "repo: 6 segments: 1 by blocks; 5 $never; no roll-up answers this" said
    grep -q ': 1 of 2 blocks, 1 where the condition cannot be true; ' said
    for all in '.attributes.user == 5' '.service != "cart"' '[.service] | .[0] == "cart"'; do
        explain trace-span filter -w "$all" repo
        grep -qx "repo: 6 segments: 5 by blocks; $none" said
    done
}

@test "--where: the notes about what was read stay true" {
    run -0 --separate-stderr trace-span filter -w '.service == "cart"' repo
    assert_equal "$stderr" 'trace-span: passed over 2 metric records'
    run -0 --separate-stderr trace-agg -w '.service == "cart"' --by=attributes.usr repo
    assert_equal "$stderr" "trace-agg: no record that was read had the field 'attributes.usr'"
    run -0 --separate-stderr trace-agg -w '.service == "post"' --by=attributes.usr repo
    assert_equal "$stderr" ''
}
