#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Questions to large repositories. With "simulated": to one as large as one of a terabyte of NDJSON,
# 7,000 segments of 310,000 spans each (simulate.c says what of it is real). With "real": to one of
# 50 million spans in five days. Times are medians in milliseconds; cold ones are after the page
# cache was dropped, which takes root.
#
#   SCALE_REPOSITORY   where it is; made unless it is there (a temporary directory; 5 GB, 1.5 GB)
#   SCALE_SEGMENTS     7000
#   SCALE_SPANS        50000000
# and those of lib.sh. Not part of make bench, as making them takes minutes.
. "$(dirname "$0")/lib.sh"

: "${SCALE_SEGMENTS:=7000}" "${SCALE_SPANS:=50000000}"
: "${SCALE_REPOSITORY:=$bench_work/repository}"
repository=$SCALE_REPOSITORY
agg=$(program trace-agg) || exit 2
record=$(program trace-record) || exit 2
span=$(program trace-span) || exit 2
stats='--stat=count,errorRate,mean,p50,p95,p99,max'
declare -A goal=()

add_up() {
    say "adding it up: $({ time "$record" rollup "$repository"; } 2>&1 | sed -n 's/real\t//p')"
}

# ask ID GOAL-IN-MS LABEL COMMAND...: a question; that it finds nothing (1) is an answer.
ask() {
    goal[$1]=$2
    # shellcheck disable=SC2016
    contender "$1" "$3" "${pipeline[@]}" '"$@" || [[ $? -eq 1 ]]' - "${@:4}"
}

simulated() {
    local half=$((SCALE_SEGMENTS / 2)) since=2026-09-03T00:00:00Z until=2026-09-04T00:00:00Z
    local spans=("$agg" --type=span "$stats") present
    if [[ ! -d $repository ]]; then
        say "making $repository"
        "$bench_tools/simulate" --segments=1 "$repository" || exit 4 # makes what all share
        "$bench_tools/simulate" --first=1 --segments=$((half - 1)) "$repository" &
        "$bench_tools/simulate" --first=$half --segments=$((SCALE_SEGMENTS - half)) \
            "$repository" || exit 4
        wait $! || exit 4
        add_up
    fi
    present=$("$bench_tools/simulate" --trace=$((SCALE_SEGMENTS * 2 / 3)))
    ask ours-get 100 'trace-span get, there' "$span" get "$present" "$repository"
    ask ours-miss 100 'trace-span get, not there' \
        "$span" get 0123456789abcdef0123456789abcdef "$repository"
    ask ours-all 100 'trace-agg of a month of spans' "${spans[@]}" --by=service,name "$repository"
    ask ours-days '' '... by day' "${spans[@]}" --by=service --window=1d "$repository"
    ask ours-hours '' '... by hour' "${spans[@]}" --by=service --window=1h "$repository"
    ask ours-counts '' '... by hour, counts and means' \
        "$agg" --type=span --stat=count,mean --by=service --window=1h "$repository"
    ask ours-service '' '... of one service' \
        "${spans[@]}" --by=name --where '.service=="cart"' "$repository"
    ask ours-metric 100 'trace-agg of one metric' \
        "$agg" --type=metric --where '.metricName=="queue.depth"' "$stats" "$repository"
    ask ours-day '' 'trace-agg of one day' \
        "${spans[@]}" --by=service --since="$since" --until="$until" "$repository"
    ask ours-ls '' 'trace-record ls' "$record" ls "$repository"
}

real() {
    local day=(--since=2026-09-23T00:00:00Z --until=2026-09-24T00:00:00Z)
    local one=(--where '.service=="cart"')
    if [[ ! -d $repository ]]; then
        say "making $repository"
        "$bench_tools/generate" --spans="$SCALE_SPANS" --duration=432000 |
            "$record" archive "$repository" || exit 4
        add_up
    fi
    ask ours-all '' 'trace-agg of all' "$agg" --by=service,name "$stats" "$repository"
    ask ours-day 1000 "a service's day, trace-agg" \
        "$agg" --by=name "$stats" "${one[@]}" "${day[@]}" "$repository"
    ask ours-other 1000 '... not by its roll-ups' \
        "$agg" --by=name,status "$stats" "${one[@]}" "${day[@]}" "$repository"
    # shellcheck disable=SC2016
    ask ours-read 1000 '... trace-record read, counted' "${pipeline[@]}" '"$@" | wc -l' - \
        "$record" read "${one[@]}" "${day[@]}" "$repository"
}

cold() { # cold ID
    local command
    eval "command=(${arguments[$1]})"
    sync
    { echo 3 >/proc/sys/vm/drop_caches; } 2>/dev/null || return
    "$bench_tools/measure" -a "$bench_work/cold" -t "$BENCH_LIMIT" -i /dev/null -o /dev/null \
        -e /dev/null "${command[@]}"
    awk -F '\t' 'END { printf "%.0f", $1 * 1000 }' "$bench_work/cold"
}

case ${1-} in
simulated) simulated ;;
real) real ;;
*)
    say 'usage: scale.sh simulated | real'
    exit 2
    ;;
esac
run_all
printf '%-32s %8s %8s %8s %8s %8s\n' "$(du -sh "$repository" | cut -f 1)" 'wall ms' 'CPU ms' MiB \
    'cold ms' goal
for id in "${contenders[@]}"; do
    if [[ -n ${failed[$id]-} ]]; then
        printf '%-32s %s\n' "${label[$id]}" "${failed[$id]}"
        bench_failures=1
        continue
    fi
    # shellcheck disable=SC2016
    printf '%-32s %8.1f %8.1f %8.1f %8s %8s\n' "${label[$id]}" "$(median "$id" '$1 * 1000')" \
        "$(median "$id" '($2 + $3) * 1000')" "$(median "$id" '$4 / 1024')" "$(cold "$id")" \
        "${goal[$id]:+<${goal[$id]}}"
done
finish
