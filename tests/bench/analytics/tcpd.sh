#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tcpd.sh [-v] FOLDER...: scores trace-detect change on series of the Turing Change Point Dataset. A
# folder has annotations.json and a NAME.json a series; trace-detect is taken from PATH and tcpd_score
# from $TCPD_SCORE, or where `make tests/bench/analytics/tcpd_score` leaves it under the current
# folder. Needs jq. -v: each series, too. Values that are missing are left out; their numbers stay.
set -eu

[ $# -ge 1 ] && [ "$*" != -v ] || {
    echo 'usage: tcpd.sh [-v] FOLDER...' >&2
    exit 2
}
score=${TCPD_SCORE:-tests/bench/analytics/tcpd_score}
[ -x "$score" ] || {
    echo "tcpd.sh: $score is missing: make tests/bench/analytics/tcpd_score" >&2
    exit 2
}

for folder; do
    [ "$folder" = -v ] || find "$folder" -name '*.json' ! -name annotations.json -exec jq -c '
        select(.n_dim == 1) | .name as $name | .series[0].raw | to_entries[] |
        select(.value != null) | {metricName: "value", value, timeUnixNano: "\(.key)000000000",
        dimensions: {series: $name}}' {} +
done | trace-detect change | "$score" "$@"
