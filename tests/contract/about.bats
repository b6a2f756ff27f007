# What all programs answer alike.
bats_require_minimum_version 1.5.0
load ../helper

@test '--version names the program, the package and the version' {
    for program in "${programs[@]}"; do
        run -0 "$program" --version
        assert_line --index 0 --partial "$program (tracecore) ${TRACECORE_VERSION-0.}"
    done
}

@test '--help goes to standard output' {
    for program in "${programs[@]}"; do
        run -0 --separate-stderr "$program" --help
        assert_line --index 0 --partial "Usage: $program"
        [[ -z $stderr ]]
    done
}

@test 'an unknown option is a usage error on standard error' {
    for program in "${programs[@]}"; do
        run -2 --separate-stderr "$program" --no-such-option
        assert_output ''
        [[ $stderr == "$program: "* ]]
    done
}
