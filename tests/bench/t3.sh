#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T3: print the spans of one service that took longer than 100 ms. DuckDB prints whole records, and
# for a second row six fields; ours prints the lines as they are.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/answers.sh"

memory_goal=32
input=$(data plain "$BENCH_SPANS") || exit
small=$(data plain "$BENCH_SMALL") || exit
span=$(program trace-span) || span=trace-span
where='.service=="cart" and .durationNano > 100*ms'
any='.service=="cart"'

for threads in 1 2; do
    ours "ours-$threads" "trace-span filter -j$threads" trace-span filter -w "$any" -- \
        "$span" filter -j "$threads" -w "$where" "$input"
done
duckdb duckdb-1 'DuckDB, threads 1' 1 t3 "$input"
duckdb duckdb-2 'DuckDB, threads 2' 2 t3 "$input"
duckdb duckdb-fields 'DuckDB, six fields, threads 2' 2 t3-fields "$input"
duckdb_start
run_all
reference=$(normalised duckdb-2 spans)
for threads in 1 2; do
    answer=$(compare 1 exact "$reference" "$(normalised "ours-$threads" spans)")
    result 'T3 filter' "$BENCH_SPANS" "ours-$threads" "duckdb-$threads" '>=3x' "$answer"
done
theirs=$(compare 1 exact "$reference" "$(normalised duckdb-fields spans)")
result 'T3 filter' "$BENCH_SPANS" ours-2 duckdb-fields '>=3x' "$(joined "$answer" "$theirs")"

contenders=()
ours ours-small 'trace-span filter' trace-span filter -w "$any" -- \
    "$span" filter -w "$where" "$small"
peer jq jq jq jq -c 'select(.service == "cart" and .durationNano > 100000000)' "$small"
peer miller Miller mlr mlr --ijsonl --ojsonl \
    filter '$service == "cart" && $durationNano > 100000000' "$small"
sqlite sqlite SQLite t3-sqlite "$small"
duckdb duckdb-small 'DuckDB, threads 2' 2 t3 "$small"
run_all
reference=$(normalised jq spans)
answer=$(compare 1 exact "$reference" "$(normalised ours-small spans)")
for id in jq duckdb-small miller sqlite; do
    goal=''
    [[ $id != jq ]] || goal='>=15x'
    theirs=$(compare 1 exact "$reference" "$(normalised "$id" spans)")
    result 'T3 small' "$BENCH_SMALL" ours-small "$id" "$goal" "$(joined "$answer" "$theirs")"
done
finish
