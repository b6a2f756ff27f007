#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1 from OTLP/JSON lines: import and aggregate, against DuckDB on the same lines; and from the same
# spans as OTLP protobuf, framed as a collector's file exporter does, which DuckDB does not read.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/answers.sh"

input=$(data otlp "$BENCH_SPANS") || exit
proto=$(data otlp-proto "$BENCH_SPANS") || exit
record=$(program trace-record) || record=trace-record
agg=$(program trace-agg) || agg=trace-agg

# The probe is a native span, which import refuses: so ask for one of its own.
{
    printf '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",'
    printf '"value":{"stringValue":"cart"}}]},"scopeSpans":[{"spans":[{'
    printf '"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",'
    printf '"name":"GET /cart","kind":2,"startTimeUnixNano":"1544712660000000000",'
    printf '"endTimeUnixNano":"1544712661000000000","status":{}}]}]}]}\n'
} >"$bench_work/otlp.ndjson"
for form in binary ndjson proto; do
    name="import | trace-agg"
    flags=() from=$input
    [[ $form == ndjson ]] || name="import -b | trace-agg" flags=(-b)
    [[ $form != proto ]] || name="import -b protobuf | trace-agg" from=$proto
    if works "$record" import "${flags[@]}" "$bench_work/otlp.ndjson"; then
        ours "ours-$form" "$name" trace-agg "${group[@]}" -- "${pipeline[@]}" \
            '"$1" import $4 "$3" | "$2" "${@:5}"' - "$record" "$agg" "$from" "${flags[*]}" \
            "${group[@]}"
    else
        missing "ours-$form" "$name" "does not work yet: $(head -n 1 "$bench_work/probe")"
    fi
done
duckdb duckdb-2 'DuckDB, threads 2' 2 otlp "$input"
duckdb_start
run_all
reference=$(normalised duckdb-2 duckdb_aggregates)
for form in binary ndjson proto; do
    answer=$(compare 2 "$aggregate_rules" "$reference" "$(normalised "ours-$form" our_aggregates)")
    result 'T1 from OTLP/JSON' "$BENCH_SPANS" "ours-$form" duckdb-2 '>=40x' "$answer"
done
finish
