#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T4: traces from spans in any order: duration, spans, errors. Ours also finds the root span and the
# services.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/answers.sh"

input=$(data plain "$BENCH_SPANS") || exit
span=$(program trace-span) || span=trace-span

for threads in 1 2; do
    ours "ours-$threads" "assemble -j$threads" trace-span assemble --summary -- \
        "$span" assemble --summary -j "$threads" "$input"
    duckdb "duckdb-$threads" "DuckDB, threads $threads" "$threads" t4 "$input"
done
duckdb_start
run_all
reference=$(normalised duckdb-2 duckdb_traces)
for threads in 1 2; do
    answer=$(compare 1 'exact exact exact' "$reference" \
        "$(normalised "ours-$threads" our_traces)")
    result 'T4 assemble' "$BENCH_SPANS" "ours-$threads" "duckdb-$threads" '>=2.5x' "$answer"
done
finish
