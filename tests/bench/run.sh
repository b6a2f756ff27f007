#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every benchmark, or those named (t1 t2 ...), and prints one table. See lib.sh for the
# variables. Installs nothing: that is peers.sh.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tasks=("$@")
((${#tasks[@]})) || tasks=(startup t1 t1-shuffled t1-binary t2 t3 t4 t5 otlp)

BENCH_ROWS=$(mktemp "${TMPDIR:-/tmp}/tracecore-rows.XXXXXX") || exit 2
export BENCH_ROWS
trap 'rm -f "$BENCH_ROWS"' EXIT
status=0
for task in "${tasks[@]}"; do
    printf '%s\n' "== $task" >&2
    "$here/$task.sh" || status=$?
    ((status != 2)) || exit 2
done

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
printf '%s, %s CPUs, %s; load %s\n' "$(uname -srm)" "$(nproc)" "$cpu" \
    "$(cut -d ' ' -f 1-3 /proc/loadavg)"
printf 'medians of %s runs; wall in seconds; net and CPU of DuckDB without its bare start-up\n\n' \
    "${BENCH_RUNS:-5}"
awk -f "$here/table.awk" "$BENCH_ROWS"
exit "$status"
