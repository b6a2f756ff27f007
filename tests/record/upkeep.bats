# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record compact, retain, hold, erase, repair.

load ../helper

logs() { # logs N [FIRST]: a minute apart, of three services
    awk -v n="$1" -v first="${2:-0}" 'BEGIN {
        for (i = first; i < first + n; i++)
            printf "{\"type\":\"log\",\"timeUnixNano\":\"%.0f\",\"severity\":\"info\",\"body\":\"b%d\",\"service\":\"s%d\",\"attributes\":{\"user\":\"canary-u%d\"}}\n", \
                (1790000000 + i * 60) * 1000000000, i, i % 3, i % 5
    }'
}

segments() {
    find "$1/segments" -name '*.tar.zst' | sort
}

# A repository of N segments of five records each; the records are in `records`.
small() {
    logs $(($1 * 5)) >records
    for ((i = 0; i < $1; i++)); do
        logs 5 $((i * 5)) | trace-record archive repo
    done
}

audited() { # the actions in the audit log
    trace-record audit repo | jq -r .action | tr '\n' ' '
}

# All bytes that are in a repository, unpacked where they are packed.
bytes() {
    find "$1" -type f -print0 | while IFS= read -r -d '' file; do
        cat "$file"
        zstd -dcq "$file" 2>/dev/null || true
    done
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

@test "compact joins small segments, and the records stay as they are" {
    small 12
    run -0 trace-record compact --dry-run repo
    [[ $output == "12 segments with 60 records from segments/2026/09/21/"*" on" ]]
    [[ $(segments repo | wc -l) -eq 12 ]]
    run -0 trace-record compact repo
    [[ -z $output ]]
    [[ $(segments repo | wc -l) -eq 1 ]]
    trace-record read repo | cmp - records
    run -0 trace-record check repo
    [[ -z $output && -z $(ls -A repo/replacing) ]]
    before=$(segments repo)
    trace-record compact repo
    assert_equal "$(segments repo)" "$before"
}

@test "compact leaves full ones, and joins no more than fits and no more than a day" {
    trace-record init repo
    echo 'segment: {records: 20}' >repo/policy.yaml
    for ((i = 0; i < 9; i++)); do logs 4 $((i * 4)) | trace-record archive repo; done
    logs 4 5000 | trace-record archive repo
    trace-record read repo >before
    trace-record compact repo
    [[ $(trace-record ls repo | jq .records | tr '\n' ' ') == "20 16 4 " ]]
    trace-record read repo | cmp - before
}

@test "compact: what somebody reads is removed by the next one" {
    small 3
    old=$(segments repo)
    exec 5<repo/segments
    flock -s 5
    trace-record compact repo
    [[ $(segments repo | wc -l) -eq 4 ]]
    trace-record read repo | cmp - records
    [[ $(trace-record ls repo | wc -l) -eq 1 ]]
    exec 5<&-
    trace-record compact repo
    [[ $(segments repo | wc -l) -eq 1 && $(segments repo) != *"${old%%$'\n'*}"* ]]
    trace-record read repo | cmp - records
}

@test "compact: a damaged segment stays, and is told" {
    small 4
    file=$(segments repo | sed -n 2p)
    truncate -s -50 "$file"
    run -4 trace-record compact repo
    [[ $output == *"$(basename "$file")"* ]]
    [[ $(segments repo | wc -l) -eq 3 && -e $file ]]
}

@test "erase leaves no byte" {
    need_command zstd
    small 140
    trace-record rollup repo
    trace-record compact --dry-run repo >/dev/null
    [[ $(bytes repo | grep -ac canary-u3) -gt 0 ]]
    run -0 trace-record erase repo --where='.attributes.user == "canary-u3"' --dry-run
    [[ ${#lines[@]} -eq 140 && ${lines[0]} == *": 1 log record of 5" ]]
    trace-record read repo | cmp - records
    run -0 trace-record erase repo --where='.attributes.user == "canary-u3"'
    [[ $output == "140 records erased" ]]
    trace-record read repo | cmp - <(grep -v canary-u3 records)
    [[ $(bytes repo | grep -ac canary-u3) -eq 0 ]]
    [[ $(bytes repo | grep -ac canary-u2) -gt 0 ]]
    run -0 trace-record check repo
    [[ $(trace-agg repo | jq .count) -eq 560 ]]
    [[ $(audited) == "erase " ]]
    [[ $(trace-record audit repo | jq -c '[.details.records,.details.segments,.details.logs]') == '[140,140,140]' ]]
    trace-record erase repo --service=s1,s2,s0
    [[ -z $(segments repo) && -z $(trace-record read repo) ]]
}

@test "erase: what is in logs goes into segments first, and waits for who writes one" {
    need_command zstd
    small 2
    export TRACE_TO=repo
    trace-record metric canary-u3 1
    [[ $(bytes repo | grep -ac canary-u3) -gt 0 && -s repo/open/shared.log ]]
    run -0 trace-record erase repo --where='.attributes.user == "canary-u3" or .metricName == "canary-u3"'
    [[ $output == "3 records erased" ]]
    [[ $(bytes repo | grep -ac canary-u3) -eq 0 ]]
    mkfifo pipe
    trace-record archive --durability=record repo <pipe &
    exec 5>pipe
    logs 1 3 >&5
    until [[ $(trace-record read repo | grep -c canary-u3) -eq 1 ]]; do sleep 0.05; done
    run -4 trace-record erase repo --where='.attributes.user == "canary-u3"'
    [[ $output == *"in no segment yet" ]]
    exec 5>&-
    wait
    run -0 trace-record erase repo --where='.attributes.user == "canary-u3"'
    [[ $output == "1 record erased" && $(bytes repo | grep -ac canary-u3) -eq 0 ]]
}

@test "compact keeps in mind which logs are in a segment" {
    small 2
    logs 2 10 >new
    mkfifo pipe
    trace-record archive --durability=record repo <pipe &
    exec 5>pipe
    cat new >&5
    until [[ $(trace-record read repo | wc -l) -eq 12 ]]; do sleep 0.05; done
    cp repo/open/*-*.log .
    exec 5>&-
    wait
    cp ./*-*.log repo/open # as if its writer had died before it was removed
    trace-record compact repo
    [[ $(segments repo | wc -l) -eq 1 && $(trace-record read repo | wc -l) -eq 12 ]]
    trace-record archive repo </dev/null
    [[ $(trace-record read repo | wc -l) -eq 12 && -z $(find repo/open -name '*-*.log') ]]
}

@test "erase: what is damaged or not the user's to erase is left alone" {
    small 2
    run -2 trace-record erase repo
    run -2 trace-record erase repo --where='.a ='
    echo 'roles: {privacy: {may: [erase], users: [nobody-else]}}' >repo/policy.yaml
    run -4 trace-record erase repo --where=true
    [[ $output == *"its policy lets others erase"* ]]
    echo "roles: {privacy: {may: [erase], users: [$(id -un)]}}" >repo/policy.yaml
    file=$(segments repo | tail -n 1)
    truncate -s -50 "$file"
    run -4 trace-record erase repo --where=true
    [[ $output == *"$(basename "$file")"* && $(segments repo | wc -l) -eq 2 ]]
}

@test "retain follows the policy" {
    small 10 # 50 records, a minute apart
    now=2026-09-21T15:00:00Z # records are from 14:13:20 on
    echo 'retention: [{keep: 40m}, {service: s1, keep: 1d}]' >repo/policy.yaml
    jq -c 'select((.timeUnixNano | tonumber) / 1e9 + 2400 > 1790002800 or .service == "s1")' records >wanted
    run -0 trace-record retain repo --now=$now --dry-run
    [[ ${#lines[@]} -ge 1 && ${lines[0]} == *" log records of 5" ]]
    trace-record read repo | cmp - records
    run -0 trace-record retain repo --now=$now
    [[ -z $output ]]
    trace-record read repo | cmp - wanted
    [[ $(wc -l <wanted) -lt 50 && $(audited) == "retain " ]]
    run -0 trace-record check repo
    # nothing more to do: nothing is written
    before=$(segments repo)
    trace-record retain repo --now=$now
    assert_equal "$(segments repo)" "$before"
    [[ $(audited) == "retain " ]]
    trace-record retain repo --now=2027-01-01
    [[ -z $(segments repo) ]]
}

@test "retain by size: the oldest segments go until the rest is small enough, but for what is held" {
    small 6
    mapfile -t all < <(segments repo)
    bytes=$(stat -c %s "${all[@]:3}" | awk '{ sum += $1 } END { print sum }')
    echo "retention: [{size: $((bytes + 10))}]" >repo/policy.yaml
    run -0 trace-record retain repo --dry-run
    [[ ${#lines[@]} -eq 3 && ${lines[0]} == "segments/"*": 5 log records of 5" ]]
    trace-record read repo | cmp - records
    trace-record hold repo law --where='.body == "b7"'
    run -0 trace-record retain repo
    [[ -z $output ]]
    # the second one is held, so that the fourth goes instead
    trace-record read repo | cmp - <(sed -n '6,10p; 21,$p' records)
    [[ $(trace-record audit repo | jq -c 'select(.action=="retain").details') == '{"records":15,"segments":3,"logs":15}' ]]
    trace-record retain repo
    [[ $(audited) == "hold retain " ]]
    echo "retention: [{size: 1}]" >repo/policy.yaml
    run -0 trace-record retain repo
    [[ $output == *"what is held is "*" bytes more than the policy allows" ]]
    trace-record read repo | cmp - <(sed -n '6,10p' records)
    run -0 trace-record check repo
}

@test "retain by age and size: what goes by age counts first" {
    small 4
    mapfile -t all < <(segments repo)
    bytes=$(stat -c %s "${all[@]:1}" | awk '{ sum += $1 } END { print sum }')
    echo "retention: [{keep: 1d}, {size: $((bytes + 10))}]" >repo/policy.yaml
    trace-record retain repo --now=2026-09-22T14:17:30Z
    trace-record read repo | cmp - <(tail -n +6 records)
}

@test "retain: without rules, and without a time, records stay" {
    small 2
    trace-record retain repo --now=2126-01-01
    trace-record read repo | cmp - records
    echo '{"type":"log","body":"untimed"}' | trace-record archive repo
    echo 'retention: [{keep: 1d}]' >repo/policy.yaml
    trace-record retain repo --now=2126-01-01
    [[ $(trace-record read repo) == '{"type":"log","body":"untimed"}' ]]
}

@test "what is held stays until it is released" {
    small 4
    echo 'retention: [{keep: 1d}]' >repo/policy.yaml
    trace-record hold repo case-1 --service=s1 --since=2026-09-21T14:15:00Z
    jq -c 'select(.service == "s1" and (.timeUnixNano | tonumber) / 1e9 >= 1790000100)' records >held
    [[ $(wc -l <held) -gt 2 ]]
    run -4 trace-record hold repo case-1 --where=true
    run -2 trace-record hold repo ../x --where=true
    run -2 trace-record hold repo case-2
    [[ $(trace-record hold repo | jq -c '[.name,.service,.since]') == '["case-1",["s1"],"2026-09-21T14:15:00Z"]' ]]
    run -4 trace-record erase repo --where='.attributes.user == "canary-u3"'
    [[ $output == *"the hold case-1 covers "*" of these records" ]]
    trace-record read repo | cmp - records
    trace-record retain repo --now=2027-01-01
    trace-record read repo | cmp - held
    trace-record compact repo
    trace-record read repo | cmp - held
    run -4 trace-record hold repo case-3 --release
    trace-record hold repo case-1 --release
    [[ -z $(trace-record hold repo) ]]
    trace-record retain repo --now=2027-01-01
    [[ -z $(trace-record read repo) ]]
    [[ $(audited) == "hold retain release retain " ]]
    echo '{"name":"x","unknown":1}' >repo/holds/x
    run -4 trace-record retain repo --now=2027-01-01
}

@test "repair keeps what can be read, and check finds nothing afterwards" {
    small 6
    trace-record rollup repo
    mapfile -t file < <(segments repo)
    truncate -s -50 "${file[0]}"     # its index
    damage "${file[1]}" 200          # a column
    : >"${file[2]}"                  # all
    echo foreign >repo/segments/2026/README
    mkdir repo/segments/lost+found
    echo text >"$(dirname "${file[0]}")/a.tar.gz"
    ln -s /etc/passwd "$(dirname "${file[0]}")/link.tar.zst"
    head -c 1000 /dev/urandom >repo/catalog
    run -1 trace-record check repo
    run -1 trace-record repair repo
    [[ ${#lines[@]} -eq 7 ]]
    [[ $output == *"5 records kept"* && $output == *"0 records kept, others are lost"* ]]
    run -0 trace-record check repo
    [[ -z $output ]]
    trace-record read repo | cmp - <({ head -n 5 records; tail -n 15 records; })
    [[ $(find repo/quarantine -type f | wc -l) -eq 5 && -h repo/quarantine/link.tar.zst ]]
    [[ $(find repo/segments -name 'link*') == "" ]]
    [[ $(audited) == "repair " ]]
    run -0 trace-record repair repo
    [[ -z $output ]]
    trace-record read repo --since=2026-09-21T14:30:00Z >since
    trace-record read records --since=2026-09-21T14:30:00Z | cmp - since
}

@test "repair: a catalog tells that all of a segment was kept" {
    small 2
    truncate -s -50 "$(segments repo | head -n 1)"
    run -0 trace-record repair repo
    [[ $output == *"5 records kept, which are all" ]]
    trace-record read repo | cmp - records
}

@test "writers, a reader, retain and compact at the same time: nothing is lost, nothing is there twice" {
    local writers=8 each=10
    if [[ -n ${TRACECORE_TEST_LONG-} ]]; then writers=64 each=50; fi
    trace-record init repo
    echo 'retention: [{type: metric, keep: 1d}]' >repo/policy.yaml
    echo '{"type":"metric","metricName":"old","value":1,"timeUnixNano":"1600000000000000000"}' >old
    for ((w = 0; w < writers; w++)); do
        for ((i = 0; i < each; i++)); do
            logs 1 $((w * each + i)) | cat - old | trace-record archive repo || echo failed >>problems
        done &
        pids[w]=$!
    done
    while [[ ! -e stop ]]; do
        # every record that was there before is there, once
        trace-record read --type=log repo | sort >now
        if [[ -n $(uniq -d now) ]]; then echo twice >>problems; fi
        if [[ -e before && -n $(comm -23 before now) ]]; then echo lost >>problems; fi
        mv now before
    done 3>&- &
    reader=$!
    while kill -0 "${pids[@]}" 2>/dev/null; do
        trace-record compact repo || echo compact >>problems
        trace-record retain repo || echo retain >>problems
        [[ $(jobs -rp | wc -l) -gt 1 ]] || break
    done
    wait "${pids[@]}"
    touch stop
    wait "$reader"
    trace-record compact repo
    trace-record retain repo
    found=$(trace-record read repo | sort | comm -12 - <(logs $((writers * each)) | sort) | wc -l)
    echo "# $found of $((writers * each)) records" >&3
    [[ $found -eq $((writers * each)) && $(trace-record read repo | wc -l) -eq $found ]]
    [[ ! -e problems ]]
    run -0 trace-record check repo
}

@test "what upkeep has left is finished by archive, and a damaged file in replacing/ by repair" {
    small 3
    exec 5<repo/segments
    flock -s 5
    trace-record compact repo
    exec 5<&-
    [[ $(segments repo | wc -l) -eq 4 ]]
    trace-record archive repo </dev/null
    [[ $(segments repo | wc -l) -eq 1 && -z $(ls -A repo/replacing) ]]
    trace-record read repo | cmp - records
    echo damaged >repo/replacing/0123456789abcdef
    trace-record read repo | cmp - records
    run -4 trace-record compact repo
    [[ $output == *"replacing/0123456789abcdef is damaged" ]]
    run -0 trace-record repair repo
    [[ $output == *"moved to quarantine/0123456789abcdef" ]]
    run -0 trace-record compact repo
    trace-record read repo | cmp - records
}
