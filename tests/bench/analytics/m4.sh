#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# m4.sh FOLDER [-v]: scores trace-detect forecast on the hourly and weekly series of the M4
# competition. FOLDER has Hourly-train.csv, Hourly-test.csv and the same of Weekly; trace-detect is
# taken from PATH and m4_score from $M4_SCORE, or where `make tests/bench/analytics/m4_score` leaves
# it under the current folder. -v: each series, too.
set -eu

[ $# -ge 1 ] || {
    echo 'usage: m4.sh FOLDER [-v]' >&2
    exit 2
}
folder=$1
shift
score=${M4_SCORE:-tests/bench/analytics/m4_score}
[ -x "$score" ] || {
    echo "m4.sh: $score is missing: make tests/bench/analytics/m4_score" >&2
    exit 2
}

# frequency NAME PERIOD SECONDS STEPS: all series of one file at once, as hours or weeks since 2000.
frequency() {
    name=$1 period=$2 seconds=$3 steps=$4
    shift 4
    printf '%s ' "$name"
    awk -F, -v seconds="$seconds" 'NR > 1 {
        gsub(/"/, "")
        for (i = 2; i <= NF && $i != ""; i++)
            printf "{\"metricName\":\"value\",\"value\":%s,\"timeUnixNano\":\"%.0f000000000\",\"dimensions\":{\"series\":\"%s\"}}\n",
                $i, 946684800 + (i - 2) * seconds, $1
    }' "$folder/$name-train.csv" |
        trace-detect forecast --horizon="$steps" --quantile=0.5 |
        "$score" "$period" "$seconds" "$folder/$name-train.csv" "$folder/$name-test.csv" "$@"
}

frequency Hourly 24 3600 48 "$@"
frequency Weekly 1 604800 13 "$@"
