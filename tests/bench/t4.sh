#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T4: traces from spans in any order: duration, spans, errors. Then whole summaries, which also find
# the root span, the critical path and the services, against the same answer of DuckDB.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/answers.sh"

input=$(data plain "$BENCH_SPANS") || exit
span=$(program trace-span) || span=trace-span

for threads in 1 2; do
    ours "ours-$threads" "assemble -j$threads" trace-span "${traces[@]}" -- \
        "$span" "${traces[@]}" -j "$threads" "$input"
    duckdb "duckdb-$threads" "DuckDB, threads $threads" "$threads" t4 "$input"
done
ours ours-whole 'assemble --summary' trace-span assemble --summary -- \
    "$span" assemble --summary -j 2 "$input"
duckdb_start
run_all
reference=$(normalised duckdb-2 duckdb_traces)
for threads in 1 2; do
    answer=$(compare 1 'exact exact exact' "$reference" \
        "$(normalised "ours-$threads" our_traces)")
    result 'T4 assemble' "$BENCH_SPANS" "ours-$threads" "duckdb-$threads" '>=2.5x' "$answer"
done
answer=$(compare 1 'exact exact exact' "$reference" "$(normalised ours-whole our_summaries)")
result 'T4 summaries' "$BENCH_SPANS" ours-whole duckdb-2 '' "$answer"
finish
