#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh FOLDER: scores trace-detect on all labelled data that FOLDER has: nab/, tcpd/ and
# eval-only/tcpd/. For `make bench-analytics`; see nab.sh and tcpd.sh.
set -eu

here=$(dirname "$0")
folder=${1:-}
[ -n "$folder" ] || {
    echo 'usage: make bench-analytics ANALYTICS=FOLDER' >&2
    exit 2
}
done=
if [ -d "$folder/nab" ]; then
    echo 'Numenta Anomaly Benchmark, trace-detect anomaly'
    "$here/nab.sh" "$folder/nab"
    done=yes
fi
if [ -d "$folder/tcpd" ]; then
    echo 'Turing Change Point Dataset, trace-detect change'
    if [ -d "$folder/eval-only/tcpd" ]; then
        "$here/tcpd.sh" -v "$folder/tcpd" "$folder/eval-only/tcpd"
    else
        "$here/tcpd.sh" -v "$folder/tcpd"
    fi
    done=yes
fi
[ -n "$done" ] || {
    echo "run.sh: $folder has neither nab/ nor tcpd/" >&2
    exit 2
}
