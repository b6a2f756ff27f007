#!/bin/sh
# Prints the covered lines and branches of each source file after the tests ran (make coverage), and
# leaves gcov's annotated sources in coverage/ of the build folder.
set -eu
cd "$1"
rm -rf coverage
mkdir coverage
find src -name '*.gcno' | sort |
    xargs "$GCOV" --branch-probabilities --preserve-paths 2>&1 >coverage/summary |
    grep -v 'data file, assuming not executed' >&2 || true
mv -- *.gcov coverage/
"$AWK" -v quote="'" '
    function row(file, lines, hit, branches, taken) {
        printf "%-52s %6d %7s %8d %7s\n", file, lines, lines ? sprintf("%.1f%%", 100 * hit / lines) : "-",
            branches, branches ? sprintf("%.1f%%", 100 * taken / branches) : "-"
    }
    BEGIN { printf "%-52s %6s %7s %8s %7s\n", "file", "lines", "covered", "branches", "taken" }
    /^File / { split($0, part, quote); file = part[2]; known = sub(/^.*src\//, "src/", file) && file ~ /\.c$/ }
    known && /^Lines executed:/ { split($0, part, /[:% ]+/); lines = part[5]; hit = part[3] * lines / 100 }
    known && /^(No branches|Taken at least once:)/ {
        branches = taken = 0
        if (/^Taken/) { split($0, part, /[:% ]+/); branches = part[7]; taken = part[5] * branches / 100 }
        row(file, lines, hit, branches, taken)
        all_lines += lines; all_hit += hit; all_branches += branches; all_taken += taken
        known = 0
    }
    END { row("all", all_lines, all_hit, all_branches, all_taken) }' coverage/summary
