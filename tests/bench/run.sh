#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh [--readme] [TASK...]: runs every benchmark, or those named (t1 t2 ...), and prints one table;
# with --readme the one of README's section Performance, to be pasted there. See lib.sh for the
# variables. Installs nothing: that is peers.sh.
set -u
here=$(cd "$(dirname "$0")" && pwd)
layout=table
[[ ${1-} != --readme ]] || {
    layout=readme
    shift
}
tasks=("$@")
((${#tasks[@]})) || tasks=(startup t1 t1-shuffled t1-binary t2 t3 t4 t5 otlp metrics)

BENCH_ROWS=$(mktemp "${TMPDIR:-/tmp}/tracecore-rows.XXXXXX") || exit 2
export BENCH_ROWS
trap 'rm -f "$BENCH_ROWS"' EXIT
status=0
busy=$(cut -d ' ' -f 1 /proc/loadavg)
for task in "${tasks[@]}"; do
    printf '%s\n' "== $task" >&2
    "$here/$task.sh" || status=$?
    ((status != 2)) || exit 2
done

busy_note() {
    awk -v busy="$busy" 'BEGIN { exit !(busy > 0.7) }' &&
        printf '%s\n' 'The machine was busy: do not quote these figures.'
}

if [[ $layout == readme ]]; then
    busy_note >&2
    awk -f "$here/readme.awk" "$BENCH_ROWS"
    exit "$status"
fi
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
printf '%s, %s CPUs, %s; load at the start %s\n' "$(uname -srm)" "$(nproc)" "$cpu" "$busy"
busy_note
printf 'Medians of %s runs (start-up: %s), times in seconds.\n' "${BENCH_RUNS:-5}" \
    "${BENCH_START_RUNS:-200}"
printf 'Net and CPU of DuckDB are without its bare start-up.\n\n'
awk -f "$here/table.awk" "$BENCH_ROWS"
exit "$status"
