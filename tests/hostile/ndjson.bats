#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Bad input: the bad line is named and kept, the good ones go on.

load ../helper

ids='"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"'

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# as_value FILE: the file's text as the value of an attribute, on one line of a record.
as_value() {
    printf '{%s,"attributes":{"x":' "$ids"
    cat "$1"
    printf '}}\n'
}

@test "JSONTestSuite: every y_ case is accepted as a value" {
    need_data hostile/JSONTestSuite
    local count=0
    for file in "$TRACECORE_TEST_DATA"/hostile/JSONTestSuite/test_parsing/y_*.json; do
        tr -d '\n' < "$file" > flat # white space between tokens
        as_value flat >> accepted.ndjson
        ((++count))
    done
    run -0 --separate-stderr trace-span filter accepted.ndjson
    assert_equal "$stderr" "${stderr#*rejected}"
    assert_equal "${#lines[@]}" "$count"
    trace-span filter -b accepted.ndjson | trace-span filter > canonical
    assert_equal "$(wc -l < canonical)" "$count"
    echo "# $count accepted" >&3
}

@test "JSONTestSuite: every n_ case is refused with line and byte" {
    need_data hostile/JSONTestSuite
    local count=0 left=0 newlines file k
    while read -r newlines file; do
        if [[ $file == total ]]; then
            break
        elif ((newlines)); then
            ((++left))
        else
            as_value "$file" >>bad.ndjson
            ((++count))
        fi
    done < <(wc -l "$TRACECORE_TEST_DATA"/hostile/JSONTestSuite/test_parsing/n_*.json)
    split -l 10 bad.ndjson bad. # not more than there are messages for
    for file in bad.??; do
        { echo "{$ids}"; sed "a {$ids}" "$file"; } >case.ndjson # each between two good lines
        run -3 --separate-stderr trace-span filter --rejects=refused case.ndjson
        mapfile -t messages <<<"$stderr"
        k=$(wc -l <"$file")
        ((${#lines[@]} == k + 1)) || fail "$file: ${#lines[@]} good lines of $((k + 1))"
        for ((; k > 0; k--)); do
            [[ ${messages[k - 1]} =~ ^trace-span:\ case.ndjson:$((2 * k)):\ .*\(byte\ [0-9]+\)$ ]] ||
                fail "$file:$k: ${messages[k - 1]}"
        done
        cmp refused "$file" # as it was
    done
    ((count > 180)) || fail "only $count cases"
    echo "# $count refused, $left do not fit a line" >&3
}

@test "files with one bad line between two good ones lose that line" {
    need_data hostile/made
    for name in nul invalid-utf8 overlong-utf8 surrogate-raw unterminated trailing-comma nan inf \
        deep-200k deep-obj-100k hugeint scalar utf16 gzip-in-line zero-ids u64max exp-bomb; do
        local file=$TRACECORE_TEST_DATA/hostile/made/ndjson-$name.ndjson
        run -3 --separate-stderr trace-span filter --rejects=refused "$file"
        [[ $(grep -c '"name":"ok"' <<<"$output") == 2 ]] || fail "$name: a good line is lost"
        # everything between the first and the last line, as it is
        head -n -1 "$file" | tail -n +2 | cmp -s - refused || fail "$name is not kept as it was"
    done
}

@test "files without a bad line are accepted" {
    need_data hostile/made
    for name in crlf empty bom no-newline-at-end self-parent dup-keys backwards-time negative-time \
        lone-surrogate-escape; do
        run -0 --separate-stderr trace-span filter "$TRACECORE_TEST_DATA/hostile/made/ndjson-$name.ndjson"
        [[ $(grep -c '"name":"ok"' <<<"$output") == 2 ]] || fail "$name: a good line is lost"
    done
}

@test "a bomb is refused in little memory" {
    need_data hostile/made
    (
        developer_build || ulimit -v 400000 # the sanitizers reserve terabytes
        run -4 trace-span filter "$TRACECORE_TEST_DATA/hostile/made/bomb-1GiB.ndjson.gz"
        assert_output --partial 'of no format that tracecore knows'
    )
}

@test "a line of a gigabyte is refused, the lines around it are read" {
    developer_build && skip 'too slow with sanitizers'
    (
        ulimit -v 300000
        { echo "{$ids}"; printf '{"a":"'; head -c 1073741824 /dev/zero | tr '\0' x; printf '"}\n'; echo "{$ids}"; } |
            trace-span filter -j1 > out 2> err || [[ $? == 3 ]]
    )
    assert_equal "$(wc -l < out)" 2
    assert_equal "$(< err)" 'trace-span: -:2: the line is longer than the limit of 33554432 bytes'
}
