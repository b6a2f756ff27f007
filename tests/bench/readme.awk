# SPDX-License-Identifier: GPL-3.0-or-later
# Lays out the rows that lib.sh wrote (tab-separated) as README has them: our time and memory, the
# peer's time without its start-up, and how many times ours that is. Rows that give no figure, as
# something failed or is not installed, are left out and named on standard error.
BEGIN {
    FS = "\t"
    columns = split("task|spans|ours|s|MiB|peer|s|times", head, "|")
    for (i = 1; i <= columns; i++)
        keep(0, i, head[i])
}

function keep(row, column, text) {
    cell[row, column] = text
    if (length(text) > width[column])
        width[column] = length(text)
}

# Three digits that matter.
function seconds(text) {
    return text == "" || text == "-" ? "-" : sprintf(text < 0.1 ? "%.4f" : text < 10 ? "%.2f" : "%.1f", text)
}

function thousands(n) {
    return n % 1000000 == 0 ? n / 1000000 "M" : n % 1000 == 0 ? n / 1000 "k" : n
}

function is_text(column) {
    return column == 1 || column == 3 || column == 6
}

$12 == "-" || $15 ~ /DIFFERS|FAILED/ {
    print "left out: " $1 ", " $3 " and " $7 ": " $15 >"/dev/stderr"
    next
}

$1 == "start-up" || $1 ~ / and / { # ours to the peer's, the other way round
    next
}

{
    rows++
    sub(/ keys/, "", $1)
    keep(rows, 1, $1)
    keep(rows, 2, thousands($2))
    keep(rows, 3, $3)
    keep(rows, 4, seconds($4))
    keep(rows, 5, sprintf("%.0f", $6 + 0))
    sub(/, threads /, " -j", $7)
    keep(rows, 6, $7)
    keep(rows, 7, seconds($9))
    keep(rows, 8, $12 ~ /M/ ? $12 : sprintf($12 < 10 ? "%.1f" : "%.0f", $12))
}

END {
    for (row = 0; row <= rows; row++) {
        line = " "
        for (i = 1; i <= columns; i++)
            line = line sprintf(is_text(i) ? " %-" width[i] "s" : " %" width[i] "s", cell[row, i])
        sub(/ +$/, "", line)
        print line
    }
}
