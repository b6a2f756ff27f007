# SPDX-License-Identifier: GPL-3.0-or-later
# What is in segments/ and should not be: it is named, the others answer, and repair alone moves it.

load ../helper

spans() { # spans N FIRST: a second apart
    awk -v n="$1" -v first="$2" 'BEGIN {
        for (i = first; i < first + n; i++) {
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op%d\"", \
                int(i / 10) + 1, i + 1, i % 7
            printf ",\"startTimeUnixNano\":\"%.0f\",\"endTimeUnixNano\":\"%.0f\",\"durationNano\":%d", \
                (1790000000 + i) * 1000000000, (1790000000 + i) * 1000000000 + i * i, i * i
            printf ",\"status\":\"%s\",\"service\":\"s%d\"}\n", i % 11 ? "ok" : "error", i % 3
        }
    }'
}

# Three segments of a hundred spans each.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    for first in 0 1000 2000; do
        spans 100 $first >$first
        trace-record archive made $first
    done
    cat 0 1000 2000 >records
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp -r "$BATS_FILE_TMPDIR/made" repo
    cp "$BATS_FILE_TMPDIR"/{0,1000,2000,records} .
    mapfile -t file < <(find repo/segments -name '*.tar.zst' | sort)
    chmod u+w "${file[@]}"
    day=${file[0]%/*}
}

number_at() { # number_at FILE OFFSET: u32
    od -An -tu4 -j"$2" -N4 "$1" | tr -d ' '
}

flip() { # flip FILE OFFSET
    local byte
    byte=$(od -An -tu1 -j"$2" -N1 "$1")
    # shellcheck disable=SC2059
    printf "\\$(printf %03o $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# flip_member FILE PATTERN [WHICH]: a bit in the middle of the WHICH-th member whose name matches.
flip_member() {
    local size frames table i at=0 packed name which=${3-1}
    size=$(stat -c %s "$1")
    frames=$(number_at "$1" $((size - 9)))
    table=$((size - 9 - 8 * frames))
    for ((i = 0; i < frames - 2; i++)); do
        packed=$(number_at "$1" $((table + 8 * i)))
        name=$(tail -c +$((at + 1)) "$1" | head -c "$packed" | zstd -dqc 2>/dev/null | head -c 100 | tr -d '\0')
        if [[ $name == $2 ]] && ! ((--which)); then
            flip "$1" $((at + packed / 2))
            return
        fi
        at=$((at + packed))
    done
    return 1
}

# named FILE: check and programs that read it name it, with their statuses, and leave it there.
named() {
    run -1 --separate-stderr trace-record check repo
    [[ $stderr == *"repo: segments/${1#repo/segments/}: "* ]]
    for command in 'trace-record read' 'trace-agg --by=name,status' 'trace-span filter'; do
        # shellcheck disable=SC2086
        run -4 --separate-stderr $command repo
        [[ $stderr == *"repo: segments/${1#repo/segments/}: "* ]]
    done
    [[ -e $1 || -h $1 ]]
    [[ ! -e repo/quarantine/${1##*/} && ! -h repo/quarantine/${1##*/} ]]
}

# repaired FILE: repair moves it, and nothing is wrong afterwards.
repaired() {
    trace-record repair repo >moved || [[ $? -eq 1 ]]
    grep -qF "${1#repo/segments/}" moved || grep -qF "${1##*/}" moved
    [[ -e repo/quarantine/${1##*/} || -h repo/quarantine/${1##*/} ]]
    run -0 --separate-stderr trace-record check repo
    assert_equal "$output$stderr" ''
}

has() { # has FILE...: the repository has the records of these files, in any order
    run -0 --separate-stderr trace-record read repo
    assert_equal "$stderr" ''
    diff <(sort <<<"$output") <(cat "$@" | sort)
}

@test "a truncated segment" {
    truncate -s -100 "${file[1]}"
    named "${file[1]}"
    repaired "${file[1]}"
    has records
    truncate -s 100 "${file[0]}"
    named "${file[0]}"
    trace-record read repo >got 2>/dev/null || true
    diff <(sort got) <(sort 1000 2000)
    repaired "${file[0]}"
    has 1000 2000
}

@test "a flipped bit" {
    need_command zstd
    flip_member "${file[1]}" '*.name'
    named "${file[1]}"
    trace-record read repo >got 2>/dev/null || true
    diff <(sort got) <(sort 0 2000)
    repaired "${file[1]}"
    has 0 2000
}

@test "a segment under the name of another one is read once, and named" {
    mv "${file[0]}" third
    mv "${file[1]}" "${file[0]}"
    mv third "${file[1]}"
    named "${file[0]}"
    named "${file[1]}"
    run -4 --separate-stderr trace-record read repo
    diff <(sort <<<"$output") <(sort records)
    [[ $stderr == *"it is another segment: ${file[1]#repo/segments/}"* ]]
    repaired "${file[0]}"
    grep -q '100 records kept, which are all' moved
    [[ -e repo/quarantine/${file[1]##*/} ]]
    has records
}

@test "a copy of a segment under another name, or in another folder, is not read" {
    cp "${file[0]}" "${file[1]}"
    named "${file[1]}"
    trace-record read repo >got 2>/dev/null || true
    diff <(sort got) <(sort 0 2000)
    mkdir -p repo/segments/2026/09/22
    copy=repo/segments/2026/09/22/${file[2]##*/}
    cp "${file[2]}" "$copy"
    named "$copy"
    trace-record read repo >got 2>/dev/null || true
    diff <(sort got) <(sort 0 2000)
    repaired "$copy"
    [[ -e repo/quarantine/${file[1]##*/} && -e ${file[0]} && -e ${file[2]} ]]
    has 0 2000
}

@test "a segment that was renamed" {
    other=${file[2]%-*}-0123456789abcdef.tar.zst
    mv "${file[2]}" "$other"
    named "$other"
    run -4 --separate-stderr trace-record read repo
    diff <(sort <<<"$output") <(sort records)
    repaired "$other"
    has records
}

@test "a picture, an empty file, a folder and a symbolic link" {
    printf '\211PNG\r\n\032\n\0\0\0\rIHDR' >"$day/picture.tar.zst"
    head -c 5000 /dev/urandom >>"$day/picture.tar.zst"
    : >"$day/empty.tar.zst"
    mkdir "$day/folder.tar.zst"
    ln -s "$PWD/${file[0]}" "$day/link.tar.zst"
    for name in picture empty folder link; do
        named "$day/$name.tar.zst"
    done
    trace-record read repo >got 2>/dev/null || true
    diff <(sort got) <(sort records)
    repaired "$day/picture.tar.zst"
    for name in picture empty folder link; do
        grep -qF "$name.tar.zst" moved
        [[ -e repo/quarantine/$name.tar.zst || -h repo/quarantine/$name.tar.zst ]]
        [[ ! -e $day/$name.tar.zst && ! -h $day/$name.tar.zst ]]
    done
    has records
}

@test "a damaged roll-up and a damaged block in one segment: from the records that are left" {
    need_command zstd
    rm -rf repo
    {
        spans 200 0
        for ((i = 0; i < 40; i++)); do
            echo '{"type":"metric","metricName":"m","value":'$i',"service":"s1","timeUnixNano":"1790000100000000000"}'
        done
    } >both
    trace-record archive repo both
    spans 100 5000 >apart
    trace-record archive repo apart
    bad=$(find repo/segments -name '*T141320*')
    chmod u+w "$bad"
    flip_member "$bad" rollup-10s
    flip_member "$bad" rollup-600s
    trace-agg --by=service both apart >wanted
    run -4 --separate-stderr trace-agg --by=service repo
    assert_equal "$output" "$(cat wanted)"
    assert_equal "${#stderr_lines[@]}" 1
    [[ ${stderr_lines[0]} == "trace-agg: repo: segments/${bad#repo/segments/}: "* ]]
    flip_member "$bad" 'span-*.service'
    grep metric both | trace-agg --by=service - apart >wanted
    run -4 --separate-stderr trace-agg --by=service repo
    assert_equal "$output" "$(cat wanted)"
    assert_equal "${#stderr_lines[@]}" 2
    for line in "${stderr_lines[@]}"; do
        [[ $line == "trace-agg: repo: segments/${bad#repo/segments/}: "* ]]
    done
    [[ ${stderr_lines[1]} == *"lost with it: 1 block" ]]
}
