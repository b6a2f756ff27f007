#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# nab.sh FOLDER [-v]: scores trace-detect anomaly on the Numenta Anomaly Benchmark. FOLDER has
# windows.json and data/; trace-detect is taken from PATH and nab_score from $NAB_SCORE, or where
# `make tests/bench/analytics/nab_score` leaves it under the current folder. -v: each file, too.
set -eu

[ $# -ge 1 ] || {
    echo 'usage: nab.sh FOLDER [-v]' >&2
    exit 2
}
folder=$1
shift
score=${NAB_SCORE:-tests/bench/analytics/nab_score}
[ -x "$score" ] || {
    echo "nab.sh: $score is missing: make tests/bench/analytics/nab_score" >&2
    exit 2
}

# Each file is a series. The times are taken as UTC; days are counted as Howard Hinnant's
# days_from_civil does.
records() {
    (cd "$folder/data" && find . -name '*.csv' | sed 's,^\./,,' | LC_ALL=C sort) |
        while read -r file; do
            awk -F, -v file="$file" '
                function days(y, m, d,  era, year, day) {
                    y -= m <= 2
                    era = int(y / 400)
                    year = y - era * 400
                    day = int((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + d - 1
                    return era * 146097 + year * 365 + int(year / 4) - int(year / 100) + day - 719468
                }
                { sub(/\r$/, "") }
                NR > 1 {
                    split($1, t, /[- :.]/)
                    printf "{\"metricName\":\"value\",\"value\":%s,\"timeUnixNano\":\"%.0f000000000\",", \
                        $2 + 0 == $2 ? $2 : "\"" $2 "\"", \
                        days(t[1], t[2], t[3]) * 86400 + t[4] * 3600 + t[5] * 60 + t[6]
                    printf "\"dimensions\":{\"file\":\"%s\"}}\n", file
                }' "$folder/data/$file"
        done
}

records | trace-detect anomaly | "$score" "$folder" "$@"
