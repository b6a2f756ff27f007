#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1 from a binary stream: how many spans a second, and the same bytes as from NDJSON.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/answers.sh"

memory_goal=32
input=$(data plain "$BENCH_SPANS") || exit
span=$(program trace-span) || span=trace-span
agg=$(program trace-agg) || agg=trace-agg
binary=$bench_work/spans.bin

if works "$span" filter -b && "$span" filter -b "$input" >"$binary" &&
    works "$agg" "${group[@]}" "$binary"; then
    ours ours-ndjson 'trace-agg -j1' trace-agg "${group[@]}" -- "$agg" -j 1 "${group[@]}" "$input"
    for threads in 1 2; do
        ours "ours-$threads" "trace-agg -j$threads" trace-agg "${group[@]}" -- \
            "$agg" -j "$threads" "${group[@]}" "$binary"
    done
    run_all
else
    missing ours-1 'trace-agg -j1' 'trace-span filter -b | trace-agg does not work yet'
    missing ours-2 'trace-agg -j2' 'trace-span filter -b | trace-agg does not work yet'
fi
for threads in 1 2; do
    answer='not compared'
    if [[ -z ${failed[ours-$threads]-} ]]; then
        answer='same as from NDJSON'
        cmp -s "${answer_file[ours-ndjson]}" "${answer_file[ours-$threads]}" ||
            answer='DIFFERS from NDJSON'
    fi
    goal=''
    ((threads == 2)) || goal='>=25 M/s'
    alone 'T1 binary' "$BENCH_SPANS" "ours-$threads" "$goal" "$answer"
done
finish
