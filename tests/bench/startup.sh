#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Start-up of the six programs against an empty one: --version, 200 runs each in turn; and of two
# verbs of trace-record that scripts call often, whose records go to a file.
. "$(dirname "$0")/lib.sh"

BENCH_RUNS=${BENCH_START_RUNS:-200}
programs=(trace-record trace-span trace-agg trace-detect trace-alert trace-report)
contender empty 'empty program' "$bench_tools/empty"
for name in "${programs[@]}"; do
    if path=$(program "$name"); then
        contender "ours-$name" "$name --version" "$path" --version
    else
        missing "ours-$name" "$name --version" 'is not built'
    fi
done
# What they write differs each time, so that they are not among ours-*, which must not.
if path=$(program trace-record); then
    contender verb-start 'trace-record start' "$path" start nightly --to="$bench_work/starts"
    contender verb-metric 'trace-record metric' "$path" metric queue.length 17 --to="$bench_work/metrics"
fi
run_all
for name in "${programs[@]}"; do
    result 'start-up' 1 "ours-$name" empty '<2x' '' reversed
done
# later_than_empty ID: by how much, and whether that is within the goal.
later_than_empty() {
    awk -v v="$(median "$1" '$1')" -v e="$(median empty '$1')" 'BEGIN {
        ms = (v - e) * 1000
        printf "%.2f ms more, goal <1 ms %s\n", ms, ms < 1 ? "yes" : "NO" }'
}
for id in verb-start verb-metric; do
    [[ -z ${label[$id]-} ]] || result 'start-up' 1 "$id" empty '' "$(later_than_empty "$id")" reversed
done
finish
