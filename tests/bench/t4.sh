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

contenders=()
small=$(data plain "$BENCH_SMALL") || exit
ours ours-small 'assemble --summary' trace-span "${traces[@]}" -- "$span" "${traces[@]}" "$small"
duckdb duckdb-small 'DuckDB, threads 2' 2 t4 "$small"
peer jq jq jq jq -r -n -f "$bench_source/t4.jq" "$small"
peer miller Miller mlr mlr --ijsonl --otsv \
    put '$start = int($startTimeUnixNano); $end = int($endTimeUnixNano); $error = $status == "error" ? 1 : 0' then \
    stats1 -a min,max,count,sum -f start,end,error -g traceId then \
    put -q 'print $traceId . "\t" . ($end_max - $start_min) . "\t" . $error_count . "\t" . $error_sum' "$small"
sqlite sqlite SQLite t4-sqlite "$small"
run_all
reference=$(normalised duckdb-small duckdb_traces)
answer=$(compare 1 'exact exact exact' "$reference" "$(normalised ours-small our_traces)")
for id in duckdb-small jq miller sqlite; do
    normal=plain_aggregates
    [[ $id != duckdb-small ]] || normal=duckdb_traces
    theirs=$(compare 1 'exact exact exact' "$reference" "$(normalised "$id" "$normal")")
    result 'T4 small' "$BENCH_SMALL" ours-small "$id" '' "$(joined "$answer" "$theirs")"
done
finish
