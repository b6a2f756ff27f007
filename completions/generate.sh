#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes the completion of one program for one shell to standard output. The program itself lists
# its verbs and options, so that nothing here can be out of date.
set -eu
[ $# -eq 3 ] || {
    echo 'usage: generate.sh bash|zsh|fish NAME PROGRAM' >&2
    exit 2
}
shell=$1
name=$2
program=$3
folder=$(dirname "$0")
tab=$(printf '\t')

verbs=$("$program" --list-verbs)
list=
if [ -n "$verbs" ]; then
    list=$(printf '%s\n' "$verbs" | sed "s/^/V$tab/")
    for verb in $(printf '%s\n' "$verbs" | cut -f1); do
        options=$("$program" --list-options "$verb")
        list=$(
            printf '%s\n' "$list"
            printf '%s\n' "$options" | sed "s/^/O$tab$verb$tab/"
        )
    done
else
    options=$("$program" --list-options)
    list=$(printf '%s\n' "$options" | sed "s/^/O$tab$tab/")
fi
printf '%s\n' "$list" | ${AWK:-awk} -f "$folder/generate.awk" -v shell="$shell" -v name="$name"
