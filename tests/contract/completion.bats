# What the shells complete: the completions are made from the programs' own lists of options.
bats_require_minimum_version 1.5.0
load ../helper

# complete_bash WORD...: what bash offers for the last word of the command line.
complete_bash() {
    bash -c '
        source "$top_builddir/completions/bash/$1"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        "_${1//-/_}"
        printf "%s\n" "${COMPREPLY[@]}"' complete "$@"
}

@test 'bash completes verbs' {
    run -0 complete_bash trace-span fil
    assert_output filter
}

@test 'bash completes options, long ones with their equals sign' {
    run -0 complete_bash trace-span filter --str
    assert_output --strict
    run -0 complete_bash trace-span filter --forma
    assert_output --format=
}

@test 'bash completes the choices of an option, given in either way' {
    run -0 complete_bash trace-span filter --format = t
    assert_output $'tsv\ntable'
    run -0 complete_bash trace-span filter --format ''
    assert_output $'ndjson\ntsv\ncsv\ntable'
    run -0 complete_bash trace-span filter --where ''
    assert_output ''
}

@test 'bash completes files as inputs and as values' {
    cd "$BATS_TEST_TMPDIR"
    touch spans.ndjson 'two words'
    run -0 complete_bash trace-span filter sp
    assert_output spans.ndjson
    run -0 complete_bash trace-span filter -o tw
    assert_output 'two words'
}

@test 'fish offers the options of a verb' {
    command -v fish >/dev/null || skip 'fish is missing'
    HOME=$BATS_TEST_TMPDIR run -0 fish --no-config -c "source '$top_builddir/completions/fish/trace-span.fish'
        complete -C 'trace-span filter --stri'"
    assert_output --partial --strict
    HOME=$BATS_TEST_TMPDIR run -0 fish --no-config -c "source '$top_builddir/completions/fish/trace-span.fish'
        complete -C 'trace-span fil'"
    assert_output --partial filter
}

@test 'zsh, bash and fish can read their completions of every program' {
    for program in "${programs[@]}"; do
        run -0 bash -n "$top_builddir/completions/bash/$program"
        if command -v zsh >/dev/null; then
            run -0 zsh -n "$top_builddir/completions/zsh/_$program"
        fi
        if command -v fish >/dev/null; then
            HOME=$BATS_TEST_TMPDIR run -0 fish --no-config -n "$top_builddir/completions/fish/$program.fish"
        fi
    done
}

@test 'every option is completed in every shell' {
    for program in "${programs[@]}"; do
        options=$(
            "$program" --list-verbs | cut -f 1 | while read -r verb; do
                "$program" --list-options "$verb"
            done | cut -f 2 | sort -u
        )
        for option in $options; do
            for file in "bash/$program" "zsh/_$program" "fish/$program.fish"; do
                grep -qE -e "(--|-l )$option\b" "$top_builddir/completions/$file" ||
                    fail "$file lacks --$option"
            done
        done
    done
}

@test 'an option that may stand without a value is offered as it is, and with one' {
    run -0 complete_bash trace-record listen --stat
    assert_output --statsd
    run -0 grep -c -- "'--statsd=-\[.*\]::ADDRESS: '" "$top_builddir/completions/zsh/_trace-record"
    run -0 trace-record listen --help
    assert_line --partial '--statsd[=ADDRESS]'
}

@test 'the formats of import are completed, all that there are' {
    run -0 complete_bash trace-record import --from = ot
    assert_output $'otlp\notlp-proto'
    run -0 complete_bash trace-record import --from hyp
    assert_output hyperfine
    run -2 trace-record import --from=none /dev/null
    named=$(sed -n '1s/.*there are //; 1s/ (with --map)//; 1s/, / /gp' <<<"$output")
    assert_equal "$(complete_bash trace-record import --from = '' | xargs)" "$named"
    for file in zsh/_trace-record fish/trace-record.fish; do
        grep -F "$named" "$top_builddir/completions/$file" | grep -q from
    done
}
