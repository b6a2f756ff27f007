#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Start-up of the six programs against an empty one: --version, 200 runs each in turn.
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
run_all
for name in "${programs[@]}"; do
    result 'start-up' 1 "ours-$name" empty '<2x' '' reversed
done
finish
