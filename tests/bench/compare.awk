# SPDX-License-Identifier: GPL-3.0-or-later
# Holds a candidate's answer against the reference, line by line and column by column:
#   awk -v keys=N -v rules='exact 1e-9 skip ...' -f compare.awk pass=1 REFERENCE pass=2 CANDIDATE
# Both are tab-separated: N columns that name a group, then one column a rule. A rule is exact,
# skip, or the largest relative error allowed. Prints "same" with the number of groups and the worst
# error, or the first difference.
BEGIN {
    FS = "\t"
    columns = split(rules, rule, " ")
}

function group_of(i, key) {
    key = $1
    for (i = 2; i <= keys; i++)
        key = key "\t" $i
    return key
}

pass == 1 {
    reference[group_of()] = $0
    groups++
    next
}

{
    group = group_of()
    gsub("\t", " ", group)
    if (!(group_of() in reference)) {
        difference = "unexpected group " group
        exit
    }
    split(reference[group_of()], expected, "\t")
    delete reference[group_of()]
    seen++
    for (i = 1; i <= columns; i++) {
        want = expected[keys + i]
        got = $(keys + i)
        if (rule[i] == "skip" || (got "" == want "" && got != ""))
            continue
        error = want == 0 ? 1 : (got - want) / want
        error = error < 0 ? -error : error
        if (rule[i] == "exact" || got == "" || error > rule[i] + 0) {
            difference = group ": column " (keys + i) " is " got ", not " want
            exit
        }
        if (error > worst)
            worst = error
    }
}

END {
    if (difference == "" && seen != groups)
        difference = groups - seen " of " groups " groups are missing"
    if (difference == "" && groups == 0)
        difference = "no reference"
    if (difference != "") {
        print "DIFFERS: " difference
        exit 1
    }
    printf "same (%d; %.2g %%)\n", groups, 100 * worst
}
