#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T5: convert to segments, against DuckDB to Parquet with zstd; then T1 and T4 on either.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/answers.sh"

input=$(data plain "$BENCH_SPANS") || exit
record=$(program trace-record) || record=trace-record
span=$(program trace-span) || span=trace-span
agg=$(program trace-agg) || agg=trace-agg
repository=$bench_work/repository
parquet=$bench_work/spans.parquet

works_on_repository() {
    rm -rf "$repository"
    works "$record" archive "$bench_work/probe-repository" || [[ -d $bench_work/probe-repository ]]
}

bytes_a_span() {
    du -sb "$1" 2>/dev/null | awk -v n="$BENCH_SPANS" '{ printf "%.1f", $1 / n }'
}

reason='trace-record archive does not work yet'
if works_on_repository; then
    # The answer of a conversion is its size; every run starts without a repository.
    contender ours-convert 'trace-record archive' "${pipeline[@]}" \
        'rm -rf "$2" && "$1" archive "$2" <"$3"' - "$record" "$repository" "$input"
else
    missing ours-convert 'trace-record archive' "$reason"
fi
duckdb duckdb-convert 'DuckDB to Parquet, threads 2' 2 t5 "$input" "$parquet"
duckdb_start
run_all
sizes="bytes a span: $(bytes_a_span "$repository") and $(bytes_a_span "$parquet") (goal <=0.65x)"
result 'T5 convert' "$BENCH_SPANS" ours-convert duckdb-convert '>=2.5x' "$sizes"

contenders=()
if [[ -z ${failed[ours-convert]-} ]]; then
    ours ours-t1 'trace-agg REPO' trace-agg "${group[@]}" "$repository" -- \
        "$agg" "${group[@]}" "$repository"
    ours ours-t4 'assemble REPO' trace-span "${traces[@]}" "$repository" -- \
        "$span" "${traces[@]}" "$repository"
else
    missing ours-t1 'trace-agg REPO' "$reason"
    missing ours-t4 'assemble REPO' "$reason"
fi
duckdb duckdb-t1 'DuckDB on Parquet, threads 2' 2 t1-parquet "$parquet"
duckdb duckdb-t4 'DuckDB on Parquet, threads 2' 2 t4-parquet "$parquet"
run_all
answer=$(compare 2 "$aggregate_rules" "$(normalised duckdb-t1 duckdb_aggregates)" \
    "$(normalised ours-t1 our_aggregates)")
result 'T1 on segments' "$BENCH_SPANS" ours-t1 duckdb-t1 '>=10x' "$answer"
answer=$(compare 1 'exact exact exact' "$(normalised duckdb-t4 duckdb_traces)" \
    "$(normalised ours-t4 our_traces)")
result 'T4 on segments' "$BENCH_SPANS" ours-t4 duckdb-t4 '>=5x' "$answer"
finish
