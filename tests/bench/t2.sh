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

contenders=()
small=$(data plain "$BENCH_SMALL") || exit
ours ours-small trace-agg trace-agg "${group[@]}" -- "$agg" "${group[@]}" "$small"
duckdb duckdb-small 'DuckDB, threads 2' 2 t2 "$small"
peer miller Miller mlr mlr --ijsonl --otsv \
    put '$window = int($startTimeUnixNano) // 10000000000 * 10000000000' then \
    stats1 -a count,mean,p50,p95,p99,max -f durationNano -g window,service,name "$small"
peer jq jq jq jq -r -n -f "$bench_source/t2.jq" "$small"
peer awk 'mawk | datamash' datamash "${pipeline[@]}" 'mawk -v windows=1 -f "$1" "$2" |
    datamash -s -g 1,2,3 count 4 sum 5 mean 4 perc:50 4 perc:95 4 perc:99 4 max 4' \
    - "$bench_source/t1.awk" "$small"
sqlite sqlite SQLite t2-sqlite "$small"
run_all
reference=$(normalised duckdb-small duckdb_aggregates)
answer=$(compare 3 "$aggregate_rules" "$reference" "$(normalised ours-small our_windows)")
for id in duckdb-small miller jq awk sqlite; do
    rules=$aggregate_rules
    normal=plain_aggregates
    case $id in
    duckdb-small) normal=duckdb_aggregates ;;
    miller) rules=$loose_rules normal=miller_windows ;;
    awk) rules='exact exact 1e-9 skip skip skip exact' ;;
    esac
    theirs=$(compare 3 "$rules" "$reference" "$(normalised "$id" "$normal")")
    result 'T2 small' "$BENCH_SMALL" ours-small "$id" '' "$(joined "$answer" "$theirs")"
done
finish
