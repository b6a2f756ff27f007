#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Compressed input that is damaged or cut short: what could be unpacked is given, then the error.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    awk 'BEGIN { for (i = 1; i <= 9000; i++)
        printf "{\"type\":\"metric\",\"metricName\":\"m%d\",\"value\":%d}\n", i * 7919 % 10007, i }' >all
}

# cut_as UNPACK...: the file packed, cut at several places, gives no fewer records than UNPACK gives
# whole lines (zstd holds back its last block), and an error.
cut_as() {
    local size records bytes
    size=$(wc -c <packed)
    for bytes in 30 "$((size / 3))" "$((size / 2 + 1))" "$((size - 5000))" "$((size - 20))" "$((size - 1))"; do
        head -c "$bytes" packed >cut
        records=$("$@" <cut 2>/dev/null | wc -l || true)
        for program in 'trace-span filter --type=metric' 'trace-record import'; do
            run -4 --separate-stderr bash -c "$program cut >out"
            assert_regex "$stderr" '^trace-(span|record): cut: cannot decompress: '
            cmp -n "$(wc -c <out)" all out
            [[ $(wc -l <out) -ge $records ]] || fail "$bytes of $size: $(wc -l <out) records instead of $records"
        done
    done
    trace-record import packed | cmp - all
}

@test 'gzip that is cut short gives all that zcat gives' {
    gzip -c all >packed
    cut_as zcat
    { gzip -c <(head -n 2000 all) && gzip -c <(tail -n +2001 all); } >packed
    cut_as zcat
}

@test 'zstd that is cut short gives all that zstd -dc gives' {
    command -v zstd >/dev/null || skip 'there is no zstd'
    zstd -qc all >packed
    cut_as zstd -dc
    { zstd -qc <(head -n 2000 all) && zstd -qc <(tail -n +2001 all); } >packed
    cut_as zstd -dc
}

@test 'what is good before damage is given' {
    gzip -c all >packed
    printf 'damage' | dd of=packed bs=1 seek="$(($(wc -c <packed) - 8))" conv=notrunc 2>/dev/null
    run -4 --separate-stderr bash -c 'trace-record import packed | cmp - all; exit "${PIPESTATUS[0]}"'
    assert_equal "$output$stderr" 'trace-record: packed: cannot decompress: incorrect data check'
    { gzip -c all && echo garbage; } >packed
    run -4 --separate-stderr bash -c 'trace-record import packed | cmp - all; exit "${PIPESTATUS[0]}"'
    assert_equal "$output$stderr" 'trace-record: packed: cannot decompress: incorrect header check'
    { gzip -c all && head -c 512 /dev/zero; } >packed
    trace-record import packed | cmp - all
    gzip -c </dev/null >packed
    run -0 --separate-stderr trace-span filter packed
    assert_equal "$output$stderr" ''
}
