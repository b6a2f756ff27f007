# SPDX-License-Identifier: GPL-3.0-or-later
# What a hurried user would do: the fields of task T1 by their text alone, for datamash. (It would
# be wrong for records with spaces, escapes or the same key in an attribute; these have none.) With
# -v windows=1 those of T2, the start of the window first.
BEGIN {
    OFS = "\t"
}

function text(key, start) {
    start = index($0, "\"" key "\":\"") + length(key) + 4
    return substr($0, start, index(substr($0, start), "\"") - 1)
}

{
    start = index($0, "\"durationNano\":") + 15
    length_of = index(substr($0, start), ",") - 1
    if (windows) # of 10 s: all times have 19 digits
        printf "%s0000000000\t", substr(text("startTimeUnixNano"), 1, 9)
    print text("service"), text("name"), substr($0, start, length_of), text("status") == "error"
}
