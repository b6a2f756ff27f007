# contrib/quickstart: what people see of a build, in a tree where configure is a few lines.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
    mkdir "$BATS_TEST_TMPDIR/tree" "$BATS_TEST_TMPDIR/tree/contrib"
    cd "$BATS_TEST_TMPDIR/tree"
    cp "$top_srcdir/contrib/quickstart" contrib
}

# configure COMMAND: the tree's configure, after which make runs the command.
configure() {
    printf '#!/bin/sh\nprintf "all:\\n\\t@%s\\n" >Makefile; touch config.status\n' "$1" >configure
    chmod +x configure
}

@test 'a build is a line a stage; its output is in the log' {
    configure 'echo compiling'
    run -0 contrib/quickstart build
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 --regexp '^quickstart: preparing configure \(.*; output in build-quickstart/quickstart.log\)$'
    assert_line --index 1 --regexp '^quickstart: building \('
    run -0 cat build-quickstart/quickstart.log
    assert_line compiling
}

@test 'a stage that fails shows the end of the log and where it is' {
    configure 'seq 100; false'
    run ! contrib/quickstart build
    assert_line 100
    refute_line 1
    assert_output --partial 'building failed; all of its output is in '
}
