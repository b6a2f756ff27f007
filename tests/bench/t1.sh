#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1: group spans by service and name: count, error rate, mean, p50, p95, p99, max. From a file on
# one thread and on two, from a pipe, and on few spans against the slow peers. With an argument,
# "shuffled": the keys of each record in random order.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/answers.sh"

memory_goal=32
kind=${1:-plain}
input=$(data "$kind" "$BENCH_SPANS") || exit
small=$(data "$kind" "$BENCH_SMALL") || exit
title=T1
order=''
if [[ $kind == shuffled ]]; then
    title='T1 shuffled keys'
    order=walk
fi
agg=$(program trace-agg) || agg=trace-agg

for threads in 1 2; do
    ours "ours-$threads" "trace-agg -j$threads" trace-agg "${group[@]}" -- \
        "$agg" -j "$threads" "${group[@]}" "$input"
    duckdb "duckdb-$threads" "DuckDB, threads $threads" "$threads" t1 "$input"
done
duckdb_start
if [[ -x $bench_cache/simdjson_t1 ]]; then
    contender simdjson 'simdjson On-Demand' "$bench_cache/simdjson_t1" "$input" @OUT@ $order
else
    missing simdjson 'simdjson On-Demand' 'not installed (peers.sh)'
fi
run_all
reference=$(normalised duckdb-2 duckdb_aggregates)

for threads in 1 2; do
    answer=$(compare 2 "$aggregate_rules" "$reference" \
        "$(normalised "ours-$threads" our_aggregates)")
    result "$title file" "$BENCH_SPANS" "ours-$threads" "duckdb-$threads" '>=3x' "$answer"
done
answer=$(compare 2 "$aggregate_rules" "$reference" "$(normalised ours-1 our_aggregates)")
theirs=$(compare 2 "$aggregate_rules" "$reference" "$(normalised simdjson plain_aggregates)")
result "$title per core" "$BENCH_SPANS" ours-1 simdjson '>=0.9x' "$(joined "$answer" "$theirs")"
[[ $kind == plain ]] || finish

# The other instruction sets, as older processors have them, against the same of one core.
contenders=()
for simd in avx2 portable; do
    if TRACECORE_SIMD=$simd "$agg" </dev/null >/dev/null 2>&1; then
        ours "ours-$simd" "trace-agg -j1, $simd" trace-agg "${group[@]}" -- \
            env "TRACECORE_SIMD=$simd" "$agg" -j 1 "${group[@]}" "$input"
    else
        missing "ours-$simd" "trace-agg -j1, $simd" 'this processor does not have it'
    fi
done
run_all
for simd in avx2 portable; do
    answer=$(compare 2 "$aggregate_rules" "$reference" "$(normalised "ours-$simd" our_aggregates)")
    result "$title $simd" "$BENCH_SPANS" "ours-$simd" duckdb-1 '' "$answer"
done

contenders=()
ours ours-pipe 'cat | trace-agg' trace-agg "${group[@]}" -- \
    "${pipeline[@]}" 'cat "$1" | "${@:2}"' - "$input" "$agg" "${group[@]}"
have_duckdb && contender duckdb-pipe 'cat | DuckDB, threads 2' \
    "${pipeline[@]}" 'cat "$1" | "${@:2}"' - "$input" \
    node "$bench_source/duckdb.mjs" "$bench_cache" 2 "$bench_source/sql/t1.sql" /dev/stdin @OUT@
have_duckdb || missing duckdb-pipe DuckDB 'not installed (peers.sh)'
run_all
answer=$(compare 2 "$aggregate_rules" "$reference" "$(normalised ours-pipe our_aggregates)")
result 'T1 pipe' "$BENCH_SPANS" ours-pipe duckdb-pipe '>=5x' "$answer"

contenders=()
ours ours-small trace-agg trace-agg "${group[@]}" -- "$agg" "${group[@]}" "$small"
duckdb duckdb-small 'DuckDB, threads 2' 2 t1 "$small"
peer miller Miller mlr mlr --ijsonl --otsv \
    stats1 -a count,mean,p50,p95,p99,max -f durationNano -g service,name "$small"
peer jq jq jq jq -r -n -f "$bench_source/t1.jq" "$small"
peer awk 'mawk | datamash' datamash "${pipeline[@]}" 'mawk -f "$1" "$2" |
    datamash -s -g 1,2 count 3 sum 4 mean 3 perc:50 3 perc:95 3 perc:99 3 max 3' \
    - "$bench_source/t1.awk" "$small"
sqlite sqlite SQLite t1-sqlite "$small"
run_all
reference=$(normalised duckdb-small duckdb_aggregates)
answer=$(compare 2 "$aggregate_rules" "$reference" "$(normalised ours-small our_aggregates)")
for id in duckdb-small miller jq awk sqlite; do
    rules=$aggregate_rules
    normal=plain_aggregates
    goal=''
    case $id in
    duckdb-small) normal=duckdb_aggregates ;;
    miller) rules=$loose_rules normal=miller_aggregates goal='>=200x' ;;
    jq) goal='>=200x' ;;
    awk) rules='exact exact 1e-9 skip skip skip exact' ;;
    esac
    theirs=$(compare 2 "$rules" "$reference" "$(normalised "$id" "$normal")")
    result 'T1 small' "$BENCH_SMALL" ours-small "$id" "$goal" "$(joined "$answer" "$theirs")"
done
finish
