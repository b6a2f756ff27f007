# What holds for the man pages.
#
# Of every page: mandoc finds no error and no warning in it.
#
# Of the page of a program: each option that is the program's or a verb's own is in it as `.It ...
# Fl Fl NAME` or in the synopsis; those that all programs take are in tracecore(7).
#
# Of its EXAMPLES: each `.Dl` line is a command, and so is a display (.Bd -literal), with backslashes
# as it is pasted. All of a page run in one shell and one scratch folder, in the order of the page, so
# that one may use what an earlier one set or wrote, and end with exit 0 or 1. The folder has, from
# contrib/sample-capture.sh:
#     capture.json                      OTLP/JSON
#     spans.ndjson metrics.ndjson logs.ndjson all.ndjson
#     base.ndjson candidate.ndjson      spans of minutes 0 to 20, and of 20 to 30
#     rules.yaml                        one alert rule
#     jaeger.json profile.json          a trace of Jaeger's and one of Chrome's
#     before.json after.json            results of hyperfine
# An example that cannot run here (a server elsewhere, root, another machine) stands in a display
# of its own kind (.Bd -unfilled).
bats_require_minimum_version 1.5.0
load ../helper

# The options of all programs: of the groups Input, Output and General of help.
common=(where type since until pass rejects strict idle line-limit depth-limit threads memory progress
    key key-descriptor
    explain output binary format fields limit flush-after provenance help version)

pages() {
    find "$top_srcdir/man" -name "${1-*.[1-9]}" | sort
}

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    mkdir data
    cd data
    "$top_srcdir/contrib/sample-capture.sh" --traces=100 >capture.json
    trace-record import capture.json >all.ndjson
    trace-span filter --type=span all.ndjson >spans.ndjson
    trace-span filter --type=metric all.ndjson >metrics.ndjson
    trace-span filter --type=log all.ndjson >logs.ndjson
    trace-span filter --until=2026-01-05T10:20:00Z spans.ndjson >base.ndjson
    trace-span filter --since=2026-01-05T10:20:00Z spans.ndjson >candidate.ndjson
    cp "$top_srcdir/tests/data/jaeger/api.json" jaeger.json
    echo '[{"name":"parse","ph":"X","ts":1,"dur":5,"pid":1,"tid":1},' >profile.json
    echo '{"results":[{"command":"make","times":[1.01,1.02,0.99,1]}]}' | tee before.json >after.json
    printf '%s\n' 'version: 1' 'groups:' '  - name: shop' '    rules:' '      - alert: Slow' \
        '        expr: durationNano{service="catalog",stat="p99"} > 100ms' >rules.yaml
}

@test 'mandoc finds nothing to warn of' {
    command -v mandoc >/dev/null || skip 'mandoc is missing'
    for page in $(pages); do
        # Whether other pages are installed is no matter here.
        run -0 bash -c 'mandoc -Tlint -W warning "$1" | grep -v "referenced manual not found" || true' lint "$page"
        assert_output ''
    done
}

@test 'a page has the sections that it needs, and names itself' {
    for page in $(pages); do
        name=$(basename "$page")
        for section in NAME DESCRIPTION 'SEE ALSO'; do
            grep -qx ".Sh $section" "$page" || fail "$name has no section $section"
        done
        grep -qix "\.Dt ${name%.*} ${name##*.}" "$page" || fail "$name: .Dt"
        grep -qx ".Nm ${name%.*}" "$page" || fail "$name: .Nm"
    done
    for page in $(pages 'trace-*.1'); do
        for section in SYNOPSIS 'EXIT STATUS' EXAMPLES; do
            grep -qx ".Sh $section" "$page" || fail "$page has no section $section"
        done
    done
}

@test 'every page points at all others' {
    for page in $(pages); do
        for other in $(pages); do
            name=$(basename "$other")
            [[ $page == "$other" ]] || grep -qE "^\.Xr ${name%.*} ${name##*.}( ,)?$" <(sed -n '/^\.Sh SEE ALSO/,$p' "$page") ||
                fail "$(basename "$page") does not point at $name"
        done
    done
}

@test 'examples are no wider than 80 columns' {
    for page in $(pages); do
        run -0 awk -v name="$(basename "$page")" '
            /^\.Bd -literal/ { inside = 1 } /^\.Ed/ { inside = 0 }
            { line = $0; dl = sub(/^\.Dl /, "", line); gsub(/\\&/, "", line); gsub(/\\e/, "\\", line) }
            (dl || inside) && length(line) > 74 { print name ": " line }' "$page"
        assert_output ''
    done
}

@test 'every page is in the list of those that are installed' {
    for page in $(pages); do
        grep -q "^dist_man_MANS += %D%/$(basename "$page")$" "$top_srcdir/man/local.mk" ||
            fail "$(basename "$page") is not in man/local.mk"
    done
}

# options_of PROGRAM: the long names of the options of all its verbs.
options_of() {
    if "$1" --help | grep -q '^Verbs:'; then
        "$1" --list-verbs | cut -f 1 | while read -r verb; do
            "$1" --list-options "$verb"
        done
    else
        "$1" --list-options
    fi | cut -f 2 | sort -u
}

@test 'every option of a program is in its page' {
    for program in "${programs[@]}"; do
        page=$top_srcdir/man/$program.1
        [[ -e $page ]] || continue
        for option in $(options_of "$program"); do
            [[ " ${common[*]} " != *" $option "* ]] || continue
            grep -qE "Fl Fl $option( |$)" "$page" || fail "$program.1 lacks --$option"
        done
    done
}

@test 'every verb of a program is in its page' {
    for program in "${programs[@]}"; do
        page=$top_srcdir/man/$program.1
        [[ -e $page ]] || continue
        "$program" --help | grep -q '^Verbs:' || continue
        for verb in $("$program" --list-verbs | cut -f 1); do
            grep -qE "^\.(It )?Cm $verb( |$)" "$page" || fail "$program.1 lacks $verb"
        done
    done
}

@test 'every option that all programs take is in tracecore(7), and no other is called that' {
    page=$top_srcdir/man/tracecore.7
    for option in "${common[@]}"; do
        grep -qE "^\.It .*Fl Fl $option( |$)" "$page" || fail "tracecore.7 lacks --$option"
        trace-agg --list-options | cut -f 2 | grep -qx "$option" || fail "trace-agg has no --$option"
    done
    for option in $(sed -n 's/^\.It .*Fl Fl \([a-z-]*\).*/\1/p' "$page"); do
        [[ " ${common[*]} " == *" $option "* ]] || fail "tracecore.7 has --$option"
    done
}

@test 'every environment variable in tracecore(7) is read, and every one that is read is there' {
    page=$top_srcdir/man/tracecore.7
    documented=$(sed -n 's/^\.It Ev //p' "$page" | sort -u)
    read=$(grep -rhoE '\bgetenv\("[A-Z_]+"\)' "$top_srcdir/src" --include='*.c' |
        sed 's/.*"\(.*\)".*/\1/' | sort -u)
    # BAGGAGE goes through to children as it is, and TZ is for the C library.
    assert_equal "$(grep -vxE 'BAGGAGE|TZ' <<<"$documented")" "$read"
}

# examples PAGE: its commands, a line each, without the escapes of mdoc.
examples() {
    sed -n '/^\.Sh EXAMPLES/,/^\.Sh [^E]/p' "$1" | awk '
        sub(/^\.Dl /, "") { print; next }
        /^\.Ed/ && inside { print all; inside = 0; next }
        inside { sub(/^ +/, ""); all = all between $0; between = sub(/\\e$/, "", all) || all ~ /\|$/ ? " " : "\n" }
        /^\.Bd -literal/ { inside = 1; all = between = "" }' | sed 's/\\&//g; s/\\e/\\/g; s/\\-/-/g; s/\\(aq/'"'"'/g'
}

run_examples() {
    local page=$top_srcdir/man/$1 command
    cp -r "$BATS_FILE_TMPDIR/data" "$BATS_TEST_TMPDIR/scratch"
    cd "$BATS_TEST_TMPDIR/scratch"
    cat >run <<'END'
set -o pipefail
step() {
    local status=0
    eval "$1" >out 2>err </dev/null || status=$?
    ((status <= 1)) || { echo "exit $status: $1"; cat err; exit 1; }
}
END
    while IFS= read -r command; do
        printf 'step %q\n' "$command" >>run
    done < <(examples "$page")
    grep -q '^step ' run || fail "$1 has no examples"
    run -0 timeout 120 bash run 3>&-
    assert_output ''
}

@test 'the examples of trace-agg(1) run' { run_examples trace-agg.1; }
@test 'the examples of trace-alert(1) run' { run_examples trace-alert.1; }
@test 'the examples of trace-detect(1) run' { run_examples trace-detect.1; }
@test 'the examples of trace-record(1) run' { run_examples trace-record.1; }
@test 'the examples of trace-report(1) run' { run_examples trace-report.1; }
@test 'the examples of trace-span(1) run' { run_examples trace-span.1; }
@test 'the examples of tracecore(7) run' { run_examples tracecore.7; }
