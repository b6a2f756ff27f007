#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T2: task T1 in windows of 10 s, tens of thousands of cells; at most 64 MiB.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/answers.sh"

memory_goal=64
input=$(data plain "$BENCH_SPANS") || exit
agg=$(program trace-agg) || agg=trace-agg
group+=(--window=10s)

for threads in 1 2; do
    ours "ours-$threads" "trace-agg -j$threads" trace-agg "${group[@]}" -- \
        "$agg" -j "$threads" "${group[@]}" "$input"
    duckdb "duckdb-$threads" "DuckDB, threads $threads" "$threads" t2 "$input"
done
duckdb_start
run_all
reference=$(normalised duckdb-2 duckdb_aggregates)
for threads in 1 2; do
    answer=$(compare 3 "$aggregate_rules" "$reference" "$(normalised "ours-$threads" our_windows)")
    result 'T2 10 s windows' "$BENCH_SPANS" "ours-$threads" "duckdb-$threads" '>=3x' "$answer"
done
finish
