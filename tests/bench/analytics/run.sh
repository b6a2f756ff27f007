#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh FOLDER: scores trace-detect on all data with known answers that FOLDER has: nab/, tcpd/, m4/,
# petshop/, nezha/ (unpacked), and eval-only/ with tcpd/ and m4/. For `make bench-analytics`; see nab.sh,
# tcpd.sh, m4.sh, petshop.sh and nezha.sh.
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
for m4 in "$folder/m4" "$folder/eval-only/m4"; do
    [ -d "$m4" ] || continue
    echo 'M4 competition, trace-detect forecast'
    "$here/m4.sh" "$m4"
    done=yes
done
if [ -d "$folder/petshop" ]; then
    echo 'PetShop, trace-detect cause'
    "$here/petshop.sh" "$folder/petshop"
    done=yes
fi
if [ -d "$folder/nezha" ]; then
    echo 'Nezha, trace-detect cause: spans'
    "$here/nezha.sh" "$folder/nezha"
    echo 'Nezha, trace-detect cause: spans and metrics'
    "$here/nezha.sh" --metrics "$folder/nezha"
    done=yes
fi
[ -n "$done" ] || {
    echo "run.sh: $folder has none of nab/, tcpd/, m4/, petshop/ and nezha/" >&2
    exit 2
}
