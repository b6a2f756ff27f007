# SPDX-License-Identifier: GPL-3.0-or-later
# What the tests of trace-record import share.

# gives NAME...: $data/NAME.json becomes the records in NAME.ndjson, and these stay as they are.
gives() {
    local name
    for name; do
        trace-record import "$data/$name.json" 2>/dev/null | diff "$data/$name.ndjson" -
        trace-record import "$data/$name.ndjson" 2>/dev/null | diff "$data/$name.ndjson" -
    done
}

# becomes RECORD... < TEXT: whether import with $options makes these records of the text; of each the
# part is given that printf's $form leaves open.
becomes() {
    local status=0
    trace-record import "${options[@]}" - >out 2>said || status=$?
    [[ -s said ]] && cat said
    # shellcheck disable=SC2059 # that is what it is for
    printf "${form-%s}\n" "$@" | diff - out && [[ $status -eq 0 ]]
}

# costs_itself PLACE TEXT REASON: of the document in the file in, one element is left out for the
# reason, as the message says with its place (LINE BYTE), and is in --rejects; two others stay.
costs_itself() {
    run -3 --separate-stderr trace-record import --rejects=rejects in
    assert_equal "${#lines[@]}" 2
    assert_equal "${stderr_lines[0]}" "trace-record: in:${1% *}: $3 (byte ${1#* })"
    assert_equal "$(cat rejects)" "$2"
}
