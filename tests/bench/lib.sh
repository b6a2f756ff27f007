# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the benchmark scripts share. A script names contenders, runs them all in turn (A B A B ...),
# and compares pairs of them. A figure is the median of the counted runs; a first run of each warms
# the page cache and is not counted. Output always goes to a file, and a run that fails, differs
# from the run before, or answers wrongly gives no ratio.
#
#   BENCH_BUILD   a build tree with our programs and tests/bench/{generate,measure,empty}
#   BENCH_SPANS   how many spans (1000000); BENCH_SMALL for the slow peers (100000)
#   BENCH_RUNS    counted runs (5)
#   BENCH_LIMIT   seconds after which a run is killed (300)
#   TRACECORE_BENCH_CACHE   where peers and data are kept (~/.cache/tracecore-bench)
#   TRACECORE_BENCH_DATA    where the data is kept (data in the cache)
set -u -o pipefail
export LC_ALL=C

bench_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${BENCH_BUILD:=.}" "${BENCH_SPANS:=1000000}" "${BENCH_SMALL:=100000}" "${BENCH_RUNS:=5}"
: "${BENCH_LIMIT:=300}"
: "${TRACECORE_BENCH_CACHE:=${HOME:-/tmp}/.cache/tracecore-bench}"
: "${TRACECORE_BENCH_DATA:=$TRACECORE_BENCH_CACHE/data}"
BENCH_BUILD=$(cd "$BENCH_BUILD" && pwd) || exit 2
bench_tools=$BENCH_BUILD/tests/bench
bench_cache=$TRACECORE_BENCH_CACHE
bench_failures=0

say() {
    printf '%s\n' "$*" >&2
}

if [[ ! -x $bench_tools/measure || ! -x $bench_tools/generate ]]; then
    say "no tools in $bench_tools: run 'make bench-tools' and set BENCH_BUILD to the build tree"
    exit 2
fi
if [[ ${BENCH_SANITIZERS:-no} == yes ]]; then
    say 'a developer build is slow by its sanitizers: configure without --enable-developer'
    exit 2
fi

bench_work=$(mktemp -d "${TMPDIR:-/tmp}/tracecore-bench.XXXXXX") || exit 2
trap 'rm -rf "$bench_work"' EXIT
# Rows go to the caller's file if it has one (run.sh), else they are printed at the end.
bench_rows=${BENCH_ROWS:-$bench_work/rows}

# program NAME: where our program is.
program() {
    local path=$BENCH_BUILD/src/${1#trace-}/$1
    [[ -x $path ]] || path=$(command -v "$1") || return 1
    printf '%s\n' "$path"
}

# works COMMAND...: does it accept one span and answer? Verbs come one by one.
works() {
    local span='{"type":"span","traceId":"5b8efff798038103d269b633813fc60c",'
    span+='"spanId":"eee19b7ec3c1b174","name":"GET /cart",'
    span+='"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000",'
    span+='"durationNano":1000000000,"status":"ok","service":"cart"}'
    if ! command -v "$1" >/dev/null; then
        printf '%s is not built\n' "${1##*/}" >"$bench_work/probe"
        return 1
    fi
    printf '%s\n' "$span" >"$bench_work/span.ndjson"
    timeout 20 "$@" <"$bench_work/span.ndjson" >"$bench_work/probe" 2>&1 &&
        [[ -s $bench_work/probe ]]
}

# data KIND COUNT: the path of a data file, made when it is not there.
data() {
    local kind=$1 count=$2 short=$2 options=()
    case $kind in
    shuffled) options=(--shuffle-keys) ;;
    otlp) options=(--otlp) ;;
    metrics) options=(--metrics) ;;
    esac
    [[ $count == *000 ]] && short=${count%000}k
    [[ $count == *000000 ]] && short=${count%000000}m
    local name=spans-$short
    [[ $kind == plain ]] || name+=-$kind
    local path=$TRACECORE_BENCH_DATA/$name.ndjson
    if [[ ! -s $path ]]; then
        say "making $path"
        mkdir -p "$TRACECORE_BENCH_DATA" || exit 4
        {
            if [[ $kind == otlp-proto ]]; then
                "$bench_tools/generate" --spans="$count" --otlp |
                    "$bench_tools/../tools/otlp_proto" --framed
            else
                "$bench_tools/generate" --spans="$count" "${options[@]}"
            fi
        } >"$path.part" &&
            mv "$path.part" "$path" || exit 4
    fi
    printf '%s\n' "$path"
}

# --- Contenders

declare -a contenders=()
declare -A label=() arguments=() answer_file=() failed=()

# contender ID LABEL COMMAND...: @OUT@ in an argument is a file for the answer; without it the
# answer is the standard output.
contender() {
    local id=$1
    contenders+=("$id")
    label[$id]=$2
    answer_file[$id]=$bench_work/$id.out
    shift 2
    local argument quoted=''
    for argument; do
        if [[ $argument == *@OUT@* ]]; then
            argument=${argument//@OUT@/$bench_work/$id.file}
            answer_file[$id]=$bench_work/$id.file
        fi
        quoted+=$(printf '%q ' "$argument")
    done
    arguments[$id]=$quoted
}

# missing ID LABEL REASON: a contender that cannot run.
missing() {
    label[$1]=$2
    failed[$1]=$3
    say "$2: $3"
}

# ours ID LABEL PROBE -- COMMAND...: ours if the probe works; both start with the program's name.
ours() {
    local id=$1 name=$2 probe=() path
    shift 2
    while [[ $1 != -- ]]; do
        probe+=("$1")
        shift
    done
    shift
    if ! path=$(program "${probe[0]}"); then
        missing "$id" "$name" "${probe[0]} is not built"
    elif ! works "$path" "${probe[@]:1}"; then
        missing "$id" "$name" "does not work yet: $(head -n 1 "$bench_work/probe")"
    else
        contender "$id" "$name" "$@"
    fi
}

have_duckdb() {
    command -v node >/dev/null && [[ -d $bench_cache/node_modules/@duckdb/node-api ]]
}

# duckdb ID LABEL THREADS SQL INPUT [OUTPUT]
duckdb() {
    if ! have_duckdb; then
        missing "$1" "$2" 'not installed (peers.sh)'
        return
    fi
    contender "$1" "$2" node "$bench_source/duckdb.mjs" "$bench_cache" "$3" \
        "$bench_source/sql/$4.sql" "$5" "${6-@OUT@}"
}

# duckdb_start: its bare start-up, which is taken off its times.
duckdb_start() {
    duckdb duckdb-start 'DuckDB start' 2 start '' ''
}

# peer ID LABEL PROGRAM COMMAND...: a peer that is a program on the PATH.
peer() {
    if command -v "$3" >/dev/null; then
        contender "$1" "$2" "${@:4}"
    else
        missing "$1" "$2" 'not installed (peers.sh)'
    fi
}

# sqlite ID LABEL SQL INPUT: the shell of SQLite, with the input's lines in a table of that name.
sqlite() {
    peer "$1" "$2" sqlite3 sqlite3 :memory: -tabs 'CREATE TABLE lines (record TEXT)' \
        '.mode ascii' '.separator "\037" "\n"' ".import '$4' lines" '.mode tabs' \
        ".read '$bench_source/sql/$3.sql'"
}

# Starts the command of a contender that is a shell pipeline: SCRIPT - ARGUMENT...
pipeline=(bash -o pipefail -c)

# --- Running

run_once() {
    local id=$1 round=$2 stats=$bench_work/$1.stats status
    local -a command
    eval "command=(${arguments[$id]})"
    rm -f "${answer_file[$id]}"
    "$bench_tools/measure" -a "$stats" -t "$BENCH_LIMIT" -i /dev/null -o "$bench_work/$id.out" \
        -e "$bench_work/$id.err" "${command[@]}" || {
        failed[$id]='could not be started'
        return
    }
    status=$(tail -n 1 "$stats" | cut -f 5)
    if [[ $status != 0 ]]; then
        failed[$id]="FAILED with $status: $(head -n 1 "$bench_work/$id.err")"
        say "${label[$id]}: ${failed[$id]}"
    elif [[ $id == ours* ]]; then
        same_again "$id"
    fi
    ((round > 0)) || rm -f "$stats"
}

# Ours must write the same bytes each time.
same_again() {
    local id=$1
    if [[ ! -e $bench_work/$id.first ]]; then
        cp "${answer_file[$id]}" "$bench_work/$id.first"
    elif ! cmp -s "${answer_file[$id]}" "$bench_work/$id.first"; then
        failed[$id]='FAILED: the output differs from run to run'
        say "${label[$id]}: ${failed[$id]}"
    fi
}

run_all() {
    local round id
    for ((round = 0; round <= BENCH_RUNS; round++)); do
        for id in "${contenders[@]}"; do
            [[ -n ${failed[$id]-} ]] || run_once "$id" "$round"
        done
    done
}

# --- Figures

# median ID COLUMN (an awk expression on the stats' fields)
median() {
    [[ -s $bench_work/$1.stats && -z ${failed[$1]-} ]] || return 1
    awk -F '\t' "{ print $2 }" "$bench_work/$1.stats" | sort -g |
        awk '{ v[NR] = $1 }
             END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# figures ID: wall, wall net of DuckDB's start, CPU (net likewise), MiB; "-" where there is none.
figures() {
    local id=$1 wall cpu mib start_wall=0 start_cpu=0
    if ! wall=$(median "$id" '$1'); then
        printf -- '-\t-\t-\t-\n'
        return
    fi
    cpu=$(median "$id" '$2 + $3')
    mib=$(median "$id" '$4 / 1024')
    if [[ $id == duckdb* ]]; then
        start_wall=$(median duckdb-start '$1') || start_wall=0
        start_cpu=$(median duckdb-start '$2 + $3') || start_cpu=0
    fi
    awk -v w="$wall" -v c="$cpu" -v m="$mib" -v sw="$start_wall" -v sc="$start_cpu" 'BEGIN {
        net = sw == 0 ? w : w - sw > 0.001 ? w - sw : 0.001
        cpu = sc == 0 ? c : c - sc > 0.001 ? c - sc : 0.001
        time = w < 0.1 ? "%.5f\t%.5f\t%.4f" : "%.3f\t%.3f\t%.3f"
        printf time "\t%.1f\n", w, net, cpu, m }'
}

# joined TEXT...: those that say something.
joined() {
    local text all=''
    for text; do
        [[ -z $text ]] || all+=${all:+; }$text
    done
    printf '%s\n' "$all"
}

# memory MIB: held against memory_goal (MiB), where a script sets one.
memory() {
    awk -v m="$1" -v g="${memory_goal-}" 'BEGIN {
        print m == "-" || g == "" ? m : m (m <= g + 0 ? "<=" g : ">" g " NO") }'
}

# row CELL...: one line of the table; its columns are in table.awk.
row() {
    local IFS=$'\t'
    printf '%s\n' "$*" >>"$bench_rows"
}

# result TASK SPANS OURS PEER GOAL ANSWERS [REVERSE]: one row of the table. The ratio is the peer's
# net wall time to ours, and "CPU x" the same of CPU times (for a busy machine); with REVERSE, ours
# to the peer's. GOAL, like ">=3x" or "<2x", is held against the first.
result() {
    local task=$1 spans=$2 ours=$3 peer=$4 goal=$5 answers=$6 reverse=${7-}
    local our_wall our_net our_cpu our_mib wall net cpu mib ratio=- cpu_ratio=-
    IFS=$'\t' read -r our_wall our_net our_cpu our_mib <<<"$(figures "$ours")"
    IFS=$'\t' read -r wall net cpu mib <<<"$(figures "$peer")"
    answers=$(joined "${failed[$ours]-}" "${failed[$peer]-}" "$answers")
    if [[ $net != - ]] &&
        awk -v n="$net" -v w="$wall" 'BEGIN { exit !(n < w && n < 0.01) }'; then
        answers=$(joined 'no ratio: mostly start-up, take more spans' "$answers")
    elif [[ $our_wall != - && $wall != - && $answers != *DIFFERS* ]]; then
        ratio=$(awk -v a="$net" -v b="$our_wall" -v r="$reverse" \
            'BEGIN { printf "%.2f", r == "" ? a / b : b / a }')
        cpu_ratio=$(awk -v a="$cpu" -v b="$our_cpu" -v r="$reverse" \
            'BEGIN { printf "%.2f", r == "" ? a / b : b / a }')
        goal+=$(awk -v r="$ratio" -v g="$goal" 'BEGIN {
            limit = g; gsub(/[<>=x]/, "", limit)
            print g == "" ? "" : ((g ~ /^</ ? r <= limit + 0 : r >= limit + 0) ? " yes" : " NO") }')
    fi
    [[ $answers != *DIFFERS* && $answers != *FAILED* ]] || bench_failures=$((bench_failures + 1))
    row "$task" "$spans" \
        "${label[$ours]}" "$our_wall" "$our_cpu" "$(memory "$our_mib")" "${label[$peer]}" \
        "$wall" "$net" "$cpu" "$mib" "$ratio" "$cpu_ratio" "$goal" "$answers"
}

# alone TASK SPANS OURS GOAL ANSWERS: a row without a peer; the goal is a rate of spans.
alone() {
    local wall net cpu mib rate=-
    IFS=$'\t' read -r wall net cpu mib <<<"$(figures "$3")"
    [[ $wall == - ]] ||
        rate=$(awk -v n="$2" -v w="$wall" 'BEGIN { printf "%.1f M/s", n / w / 1e6 }')
    row "$1" "$2" "${label[$3]}" "$wall" "$cpu" "$(memory "$mib")" - '' '' '' '' "$rate" '' "$4" \
        "${failed[$3]-$5}"
}

# compare KEYS RULES REFERENCE CANDIDATE: two normalised answers; see compare.awk.
compare() {
    if [[ ! -e $4 ]]; then # the reason is known already
        return
    fi
    if [[ ! -s $3 ]]; then
        printf 'no reference\n'
        return
    fi
    awk -v keys="$1" -v rules="$2" -f "$bench_source/compare.awk" pass=1 "$3" pass=2 "$4"
}

# normalised ID FUNCTION: runs FUNCTION on the answer of ID and prints the path of what it wrote;
# nothing when the contender has no answer.
normalised() {
    local path=$bench_work/$1.$2
    if [[ -z ${failed[$1]-} && -e ${answer_file[$1]-/nonexistent} && ! -e $path ]]; then
        "$2" <"${answer_file[$1]}" >"$path.part" && mv "$path.part" "$path"
    fi
    printf '%s\n' "$path"
}

# finish: prints the table when this script runs alone; the exit status says whether all was well.
finish() {
    if [[ -z ${BENCH_ROWS-} && -s $bench_rows ]]; then
        awk -f "$bench_source/table.awk" "$bench_rows"
    fi
    exit $((bench_failures > 0))
}
