# What holds for the options and the help of every verb of every program.
bats_require_minimum_version 1.5.0
load ../helper

# What each program and verb says of itself is had once: texts/PROGRAM VERB.help and .options.
setup_file() {
    mkdir "$BATS_FILE_TMPDIR/texts"
    cd "$BATS_FILE_TMPDIR/texts"
    save() {
        "$@" --help >"$*.help"
        list_options "$@" >"$*.options"
    }
    for program in "${programs[@]}"; do
        "$program" --help >"$program.help"
        if grep -q '^Verbs:' "$program.help"; then
            "$program" --list-verbs >"$program.verbs"
            while IFS=$'\t' read -r verb _; do
                save "$program" $verb # a verb may be two words
            done <"$program.verbs"
        else
            save "$program"
        fi
    done
}

setup() {
    texts=$BATS_FILE_TMPDIR/texts
}

list_options() {
    local program=$1
    shift
    "$program" --list-options "$@"
}

# each_verb FUNCTION [ARG]...: calls it with a program and a verb (as one or two words).
each_verb() {
    local file
    for file in "$texts"/*.options; do
        file=${file##*/}
        "$@" ${file%.options} || return
    done
}

# has_option PROGRAM VERB... OPTION
has_option() {
    local option=${*: -1} options
    IFS= read -rd '' options <"$texts/${*:1:$#-1}.options" || true
    [[ $'\n'$options =~ $'\n'.?$'\t'"$option"$'\t' ]]
}

@test 'each program and verb has a help' {
    local files=("$texts"/*.help)
    ((${#files[@]} > 50)) || fail "${#files[@]} texts"
    for file in "${files[@]}"; do
        assert [ -s "$file" ]
    done
}

@test 'help fits 80 columns' {
    run -0 awk 'length > 80 { print FILENAME ": " $0 }' "$texts"/*.help
    assert_output ''
}

@test 'no line of a help text is broken before it must be' {
    run -0 awk '
        FNR == 1 { before = 0 }
        # a line of prose, or what goes on in the column of descriptions
        { prose = /^[^ ]/ || /^ {14}[^ ]/ || /^ {27}[^ ]/ }
        prose && before && length(last) + 1 + length($1) < 80 { print FILENAME ": " last " / " $0 }
        { before = !/^Usage:/ && (/^[^ ]/ || (/^ *[^ ].* {2}[^ ]/ || /^ {14}/)); last = $0 }' "$texts"/*.help
    assert_output ''
}

@test 'help starts with the usage and tells the exit statuses' {
    run -0 awk '
        FNR == 1 { name = FILENAME; sub(/.*\//, "", name); sub(/\.help$/, "", name); names[name]
            if (index($0, "Usage: " name) != 1) print name ": " $0 }
        /^Exit status:$/ { tells[name] }
        END { for (name in names) if (!(name in tells)) print name ": no exit status" }' "$texts"/*.help
    assert_output ''
}

@test 'help tells the exit statuses that a verb has, and no others' {
    statuses() {
        awk '/^Exit status:/ { tells = 1; next } /^$/ { tells = 0 }
            tells && /^  [^ ]+  / { printf "%s%s", between, $1; between = " " }' "$texts/$*.help"
    }
    has() {
        local wanted='0 2 4'
        if has_option "$@" strict; then wanted='0 2 3 4'; fi
        case "$*" in
        'trace-record check') wanted='0 1 2 4' ;;
        'trace-detect compare') wanted='0 1 2 3 4 5' ;;
        'trace-record audit' | 'trace-record repair') wanted='0 1 2 4' ;;
        'trace-record run') wanted='N 2 126 127 128+N' ;;
        'trace-detect anomaly' | 'trace-detect change' | 'trace-detect capacity' | 'trace-detect cause' | 'trace-detect forecast' | 'trace-detect trend' | 'trace-alert run' | 'trace-span analyze' | \
            'trace-span diff' | 'trace-span get' | \
            'trace-span map' | 'trace-span path' | 'trace-span related' | 'trace-span timeline')
            wanted='0 1 2 3 4'
            ;;
        esac
        assert_equal "$*: $(statuses "$@")" "$*: $wanted"
    }
    each_verb has
    assert_equal "$(statuses trace-record)" 'N 0 1 1 1 2 3 4 126 127 128+N'
    run -0 trace-detect --help
    assert_line '  1  compare: a series got worse'
}

@test 'help offers --memory where it does something, and it is taken everywhere' {
    offers() {
        local does=no
        case "$*" in
        trace-agg | trace-detect* | 'trace-report summary' | 'trace-report trace') does=yes ;;
        'trace-record active' | 'trace-record export' | 'trace-record history' | 'trace-record import') does=yes ;;
        'trace-span analyze' | 'trace-span assemble' | 'trace-span correlate' | 'trace-span diff' | 'trace-span errors') does=yes ;;
        'trace-span get' | 'trace-span map' | 'trace-span path' | 'trace-span patterns' | 'trace-span related') does=yes ;;
        'trace-span sample' | 'trace-span search' | 'trace-span sort' | 'trace-span timeline') does=yes ;;
        esac
        local offered=no
        if has_option "$@" memory; then offered=yes; fi
        assert_equal "$*: $offered" "$*: $does"
    }
    each_verb offers
    run -0 trace-span filter --memory=1G /dev/null
}

@test 'an option is described as all are: lower case, no final stop' {
    run -0 awk -F'\t' '
        $2 !~ /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/ { print FILENAME ": --" $2 ": name" }
        $5 == "" || $5 ~ /[.]$/ && $5 !~ /\.\.\.$/ || $5 ~ /^[A-Z][a-z]/ { print FILENAME ": --" $2 ": " $5 }
        $3 ~ /^choice/ && $4 !~ /[|]/ { print FILENAME ": --" $2 ": no choices" }
        NF != 5 { print FILENAME ": --" $2 ": a tab or newline" }' "$texts"/*.options
    assert_output ''
}

@test 'no two options of a verb have the same name' {
    run -0 awk -F'\t' '
        $1 != "" && (FILENAME, $1) in seen || (FILENAME, $2) in seen { print FILENAME ": " $1 " " $2 }
        { seen[FILENAME, $1]; seen[FILENAME, $2] }' "$texts"/*.options
    assert_output ''
}

@test 'an unknown option of a verb is named, with the nearest one, and the way to help' {
    refuses() {
        run -2 "$@" --hlep
        assert_output "$1: unknown option --hlep: did you mean --help?
Try '$* --help'."
    }
    each_verb refuses
}

@test 'help that cannot be written is told; a reader that goes away is not' {
    cannot_write() {
        run -4 bash -c '"$@" --help >/dev/full' bash "$@"
        assert_output "$1: standard output: No space left on device"
        run -4 bash -c '"$@" --help >&-' bash "$@"
        assert_output "$1: standard output: Bad file descriptor"
        run -0 bash -c '"$@" --help | head -n 1; exit ${PIPESTATUS[0]}' bash "$@"
        assert_equal "${#lines[@]}" 1
    }
    for program in "${programs[@]}"; do
        cannot_write "$program"
        for file in "$texts/$program "*.options; do
            [[ ! -e $file ]] || cannot_write $(basename "$file" .options)
            break # one code writes the help of all verbs
        done
    done
}

@test 'an option may stand anywhere, be cut short, and be combined' {
    echo '{"type":"clock","timeUnixNano":"1"}' >"$BATS_TEST_TMPDIR/in"
    cd "$BATS_TEST_TMPDIR"
    run -0 trace-span filter in --out=out -j1
    assert_files_equal in out
    run -0 bash -c 'trace-span filter -bj1 -- in | trace-span filter -oout2'
    assert_files_equal in out2
}

@test 'what selects nothing whatever comes is refused' {
    refuses() {
        has_option "$@" where || return 0
        for where in '' ' '; do
            run -2 "$@" --where="$where" /dev/null
            assert_line --index 0 "$1: --where is empty: name what a record must have"
        done
        run -2 "$@" --since=2 --until=1 /dev/null
        assert_line --index 0 "$1: --since is later than --until"
    }
    each_verb refuses
    run -0 trace-span filter --since=1 --until=1 /dev/null
}

@test '--rejects takes no file that is read or written otherwise' {
    cd "$BATS_TEST_TMPDIR"
    echo '{"type":"clock","timeUnixNano":"1"}' >in
    cp in before
    ln in linked
    refuses() {
        has_option "$@" rejects || return 0
        run -2 "$@" --rejects=in linked in
        assert_line --index 0 "$1: --rejects: 'in' is an input, too"
        run -2 bash -c '"$@" --rejects=in - <in' bash "$@"
        assert_line --index 0 "$1: --rejects: 'in' is an input, too"
        run -2 bash -c '"$@" --rejects=linked <in' bash "$@"
        assert_line --index 0 "$1: --rejects: 'linked' is an input, too"
        run -2 "$@" --output=new --rejects=./new in
        assert_line --index 0 "$1: --rejects: './new' is the file of --output, too"
        assert_file_not_exists new
        run -2 bash -c '"$@" --rejects=linked /dev/null >>in' bash "$@"
        assert_line --index 0 "$1: --rejects: 'linked' is standard output, too"
        assert_files_equal in before
    }
    each_verb refuses
    run -2 trace-alert run --rejects=in --rules=linked /dev/null
    assert_line --index 0 "trace-alert: --rejects: 'in' is the file of --rules, too"
    assert_files_equal in before
}
