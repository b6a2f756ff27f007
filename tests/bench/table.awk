# SPDX-License-Identifier: GPL-3.0-or-later
# Lays out the rows that lib.sh wrote (tab-separated) as one table.
BEGIN {
    FS = "\t"
    names = "task|spans|ours|wall s|CPU s|MiB|peer|wall s|net s|CPU s|MiB|ratio|CPU x|goal|answers"
    columns = split(names, head, "|")
    for (i = 1; i <= columns; i++)
        keep(0, i, head[i])
}

function keep(row, column, text) {
    cell[row, column] = text
    if (column < columns && length(text) > width[column])
        width[column] = length(text)
}

function is_text(column) {
    return column == 1 || column == 3 || column == 7 || column == 15
}

{
    for (i = 1; i <= columns; i++)
        keep(NR, i, $i)
}

END {
    for (row = 0; row <= NR; row++) {
        line = ""
        for (i = 1; i <= columns; i++)
            line = line sprintf(is_text(i) ? "%-" (width[i] + 0) "s  " : "%" (width[i] + 0) "s  ",
                                cell[row, i])
        sub(/ +$/, "", line)
        print line
    }
}
