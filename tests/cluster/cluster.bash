# What the tests of contrib/cluster share.

# need_world PROGRAM...: skip the test where hosts cannot be made.
need_world() {
    local why
    why=$("$top_srcdir/tests/cluster/world" need "$@") || skip "$why"
}

# need_long: skip the test unless long forms are wanted.
need_long() {
    [[ ${TRACECORE_TEST_LONG-} == yes ]] || skip 'takes half a minute: TRACECORE_TEST_LONG=yes'
}

# in_world CASE: runs it, and shows its figures. It has to answer as one machine does.
in_world() {
    run -0 --separate-stderr "$top_srcdir/tests/cluster/world" "$1" "$BATS_TEST_TMPDIR"
    assert_output --regexp ' units, [0-9.]+ s, '
    echo "# $output" >&3
}
