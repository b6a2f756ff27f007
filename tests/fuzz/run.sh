#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Fuzzes one target with libFuzzer (clang), beginning with its committed corpus:
#     tests/fuzz/run.sh NAME [SECONDS] [BUILD]
# NAME as in fuzz_NAME.c, 60 seconds, and BUILD (default: build) a configured build folder. What is
# found lies in BUILD/fuzz/NAME; the corpus itself is not written to.
set -eu
name=$1
seconds=${2:-60}
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${3:-build}" && pwd)
mkdir -p "$build/fuzz/$name"
cd "$build/fuzz"
# Of targets in a program: its files, or a library's, named in a comment.
program=$(sed -n '/^\/\* Sources: /,${h;s/^\/\* Sources: //;s/^ \* //;s/\*\/$//;p;g;/\*\/$/q}' "$top/tests/fuzz/fuzz_$name.c")
sources=
for file in $program; do
    case $file in
    */lib*)
        folder=$top/src/${file%/*}
        for member in $(sed -n "s,^%C%_${file#*/}_a_SOURCES += %D%/\(.*\.c\)\$,\1,p" "$folder/local.mk"); do
            sources="$sources $folder/$member"
        done
        ;;
    *) sources="$sources $top/src/$file.c" ;;
    esac
done
# shellcheck disable=SC2046,SC2086
${FUZZ_CC:-clang} -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -D_GNU_SOURCE -I"$build" -I"$top/src/libtracecore" -I"$top/src" -I"$build/gl/lib" -I"$top/gl/lib" \
    -o "fuzz_$name" "$top/tests/fuzz/fuzz_$name.c" $sources \
    $(find "$top/src/libtracecore" -name '*.c') -lm -lpthread -ldl
exec "./fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -artifact_prefix="$name/" "$name" "$top/tests/fuzz/corpus/$name"
