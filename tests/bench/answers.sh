# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Turns each contender's answer into tab-separated lines that compare.awk can hold together:
# aggregates are service, name | count, errors, mean, p50, p95, p99, max; windows have their start
# before; traces are traceId | duration, spans, errors; filtered spans are spanId | durationNano.

# What task T1 asks of trace-agg, and how close its columns must be. A bucket at scale 6 is
# b = 2^(1/64) wide, so the middle of it is off by (b - 1) / (b + 1) = 0.54152 % at most.
group=(--type=span '--by=service,name' '--stat=count,errorRate,mean,p50,p95,p99,max')
aggregate_rules='exact exact 1e-9 0.0054152 0.0054152 0.0054152 exact'

# Miller and datamash count no errors or rank quantiles otherwise: those columns are left out.
loose_rules='exact skip 1e-9 skip skip skip exact'

duckdb_aggregates() {
    sed -e 1d -e 's/\[//' -e 's/\]//' -e 's/, /\t/g'
}

miller_aggregates() {
    awk -F '\t' -v OFS='\t' 'NR > 1 { print $1, $2, $3, "-", $4, $5, $6, $7, $8 }'
}

miller_windows() {
    awk -F '\t' -v OFS='\t' 'NR > 1 { print $1, $2, $3, $4, "-", $5, $6, $7, $8, $9 }'
}

plain_aggregates() {
    cat
}

# The number of errors comes back from the rate, which must be their quotient.
our_aggregates() {
    jq -r 'select(.type == "aggregate")
        | (.errorRate * .count + 0.5 | floor) as $errors
        | [.group.service, .group.name, .count,
           (if ($errors / .count - .errorRate | fabs) < 1e-12 then $errors else "no quotient" end),
           .mean, .p50, .p95, .p99, .max] | @tsv'
}

our_windows() {
    jq -r 'select(.type == "aggregate")
        | (.errorRate * .count + 0.5 | floor) as $errors
        | [.windowStartUnixNano, .group.service, .group.name, .count, $errors, .mean, .p50, .p95,
           .p99, .max] | @tsv'
}

spans() {
    jq -r '[.spanId, .durationNano] | @tsv'
}

# What tasks T4 ask of trace-span: the columns of DuckDB's answer, in the same form.
traces=(assemble --summary --format=tsv)
traces+=(--fields=traceId,timeline.totalDuration,structure.spanCount,errors.errorCount)

our_traces() {
    sed 1d
}

our_summaries() {
    jq -r '[.traceId, .timeline.totalDuration, .structure.spanCount, (.errors.errorCount // 0)]
        | @tsv'
}

duckdb_traces() {
    sed 1d
}
