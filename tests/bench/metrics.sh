#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record metric - : lines of words, and of NDJSON, from a pipe into a file. 5 million of each.
. "$(dirname "$0")/lib.sh"

lines=${BENCH_METRICS:-5000000}
words=$bench_work/words
json=$bench_work/json
awk -v n="$lines" 'BEGIN { for (i = 0; i < n; i++) print "http.server.requests " i " route=/cart status=200" }' >"$words"
record=$(program trace-record) || exit 2
head -n 1 "$words" >"$bench_work/one"
"$record" metric - --time=2026-01-01T00:00:00Z --unit=s --to="$bench_work/one.ndjson" <"$bench_work/one"
awk -v n="$lines" '{ at = index($0, "\"value\":0"); head = substr($0, 1, at + 7); tail = substr($0, at + 9)
                     for (i = 0; i < n; i++) print head i tail }' "$bench_work/one.ndjson" >"$json"

# shellcheck disable=SC2016 # of the inner shell
feed='cat "$2" | "$1" metric - --time=2026-01-01T00:00:00Z --unit=s --to="$3"'
contender ours-words 'metric - of words' "${pipeline[@]}" "$feed" - "$record" "$words" @OUT@
contender ours-json 'metric - of NDJSON' "${pipeline[@]}" "$feed" - "$record" "$json" @OUT@
# what reading lines from a pipe costs by itself
contender lines 'cat | wc -l' "${pipeline[@]}" 'cat "$1" | wc -l' - "$words"
run_all
for id in ours-words ours-json; do
    answer=''
    cmp -s "${answer_file[$id]}" "$json" || answer='DIFFERS'
    alone metrics "$lines" "$id" '>=5 M/s' "$answer"
done
result 'metrics and wc -l' "$lines" ours-words lines '' '' reversed
finish
