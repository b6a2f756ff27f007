#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what the benchmarks compare with, where it is missing: DuckDB from npm into the cache,
# the others from Debian (needs root or sudo), and the simdjson program compiled into the cache.
# What cannot be installed is named; the scripts then leave it out.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${TRACECORE_BENCH_CACHE:-${HOME:-/tmp}/.cache/tracecore-bench}
status=0
mkdir -p "$cache" || exit 4

lacking() {
    printf '%s\n' "$*" >&2
    status=3
}

declare -A package=([mlr]=miller [jq]=jq [datamash]=datamash [mawk]=mawk [sqlite3]=sqlite3
    [node]=nodejs [npm]=npm [g++]=g++)
wanted=()
for name in "${!package[@]}"; do
    command -v "$name" >/dev/null || wanted+=("${package[$name]}")
done
[[ -e /usr/include/simdjson.h ]] || wanted+=(libsimdjson-dev)
if ((${#wanted[@]})); then
    as_root=()
    [[ $(id -u) == 0 ]] || as_root=(sudo)
    "${as_root[@]}" apt-get install -y --no-install-recommends "${wanted[@]}" >&2 ||
        lacking "not installed: ${wanted[*]}"
fi

if [[ ! -d $cache/node_modules/@duckdb/node-api ]]; then
    npm install --prefix "$cache" --no-audit --no-fund @duckdb/node-api >&2 ||
        lacking 'not installed: @duckdb/node-api'
fi

program=$cache/simdjson_t1
if [[ ! -x $program || $here/simdjson_t1.cpp -nt $program ]]; then
    "${CXX:-g++}" -std=c++20 -O3 -march=native -DNDEBUG "$here/simdjson_t1.cpp" -o "$program" \
        -lsimdjson || lacking 'not compiled: simdjson_t1'
fi

version() {
    printf '%-10s %s\n' "$1" "$("${@:2}" 2>&1 | head -n 1)"
}
version DuckDB node -p "require('$cache/node_modules/@duckdb/node-api/package.json').version"
version Miller mlr --version
version jq jq --version
version datamash datamash --version
version mawk mawk -W version
version SQLite sqlite3 --version
version simdjson sed -n 's/^#define SIMDJSON_VERSION *//p' /usr/include/simdjson.h
exit "$status"
