# What holds for README: its commands run in the order in which they stand there, in one shell, as
# somebody pastes them, and the summary that it shows is the one that they print.
bats_require_minimum_version 1.5.0
load ../helper

# shown FROM TO: what README shows (what is indented) from the line that begins with FROM to the one
# that begins with TO.
shown() {
    awk -v from="$1" -v to="$2" 'index($0, to) == 1 { inside = 0 } inside && /^  / { print substr($0, 3) } index($0, from) == 1 { inside = 1 }' "$top_srcdir/README"
}

# commands: those among the lines of standard input, each on one line and without its comment.
commands() {
    awk '{ sub(/  +# .*/, "") }
        part != "" || /^(trace-|contrib\/|id=|tail )/ {
            sub(/^ +/, part == "" ? "" : " ")
            part = part $0
            if (sub(/\\$/, "", part) || part ~ /\|$/) next
            print part; part = ""
        }'
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/home" "$BATS_TEST_TMPDIR/bin"
    cd "$BATS_TEST_TMPDIR/home"
    ln -s "$top_srcdir/contrib" contrib
    # What takes long or never ends elsewhere.
    printf '#!/bin/sh\nsleep 0.1\n' >"$BATS_TEST_TMPDIR/bin/make"
    printf '#!/bin/sh\nexec cat "$2"\n' >"$BATS_TEST_TMPDIR/bin/tail"
    chmod +x "$BATS_TEST_TMPDIR/bin/"*
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    # One shell for all; each command ends with 0, or 1 where something was looked for.
    cat >run <<'END'
set -o pipefail
trap 'jobs -p | xargs -r kill 2>/dev/null' EXIT
step() {
    local status=0
    eval "$1" >out 2>err </dev/null || status=$?
    ((status <= 1)) || { echo "exit $status: $1"; cat err; exit 1; }
}
# Until it takes requests, which README leaves to who stops it.
listen_shortly() {
    : >said
    trace-record listen "$@" 2>>said &
    for ((i = 0; i < 600; i++)); do
        ! grep -q 'listening at' said || break
        sleep 0.1
    done
    kill $!
    wait $!
}
END
}

# steps: the shell's script of the commands on standard input.
steps() {
    while IFS= read -r command; do
        printf 'step %q\n' "$command"
    done
}

@test 'the main job runs, and its summary is what README shows' {
    shown 'The main job' 'Questions on the way' | commands | grep -v -- '^trace-report summary' | steps >>run
    run -0 timeout 60 bash run 3>&-
    assert_equal "$output" ''
    assert_file_not_empty report.html
    assert_file_not_empty alerts.ndjson
    LC_ALL=C.UTF-8 trace-report summary records.ndjson findings.ndjson transitions.ndjson >summary
    # What is shown is in the summary, in that order, with parts left out where the dots are.
    shown 'The summary begins' 'Questions on the way' | sed 's/^  //' | grep -v '^\.\.\.$' | grep . >wanted
    run -0 grep -c . wanted
    ((output > 20))
    awk 'NR == FNR { wanted[++n] = $0; next } $0 == wanted[at + 1] { at++ } END { if (at < n) { print wanted[at + 1]; exit 1 } }' wanted summary ||
        fail 'is not in the summary as README shows it'
}

@test 'the questions, the script, the way back and the repository run' {
    need_command jq
    contrib/sample-capture.sh --traces=100 | trace-record import - >records.ndjson
    trace-span filter --until=2026-01-05T10:20:00Z records.ndjson >before.ndjson
    trace-span filter --since=2026-01-05T10:20:00Z records.ndjson >after.ndjson
    # The receiver that README sends to, on a port that is free.
    trace-record listen --http=127.0.0.1:0 --to=received.ndjson 2>listening 3>&- &
    local listener=$!
    for ((i = 0; i < 600; i++)); do
        ! grep -qs 'listening at' listening || break
        sleep 0.1
    done
    local url
    url=$(grep -o 'http://[0-9.:]*' listening)
    shown 'Questions on the way' 'What it promises' | commands |
        sed "s|http://127.0.0.1:4318|$url --protocol=json|; s|^trace-record listen|listen_shortly --http=127.0.0.1:0|; s|--statsd$|--statsd=127.0.0.1:0|" >commands
    run -0 grep -c . commands
    ((output > 20))
    steps <commands >>run
    run timeout 120 bash run 3>&-
    kill "$listener"
    assert_equal "$status$output" 0
    wait "$listener"
    assert_file_not_empty received.ndjson
}

@test 'the table of Performance is what tests/bench/run.sh --readme prints' {
    local head='^ +task +spans ours +s MiB peer +s +times$' row
    run -0 --separate-stderr awk -f "$top_srcdir/tests/bench/readme.awk" <<'EOF'
T2 keys	5000000	trace-agg -j1	0.0421	1	4.4<=32	DuckDB, threads 1	1.1	1.02	2	127.8	24.23	2	>=3x yes	same
metrics	2500	metric -	0.5	1	3	-					5.0 M/s			same
T3	10	broken	-	-	-	jq	1	1	1	1	-	-		DIFFERS: all
start-up	1	trace-agg	0.1	1	1	empty	1	1	1	1	1.5	1		
EOF
    assert_line -n 0 --regexp "$head"
    assert_line -n 1 '  T2         5M trace-agg -j1 0.0421   4 DuckDB -j1 1.02      24'
    assert_line -n 2 '  metrics  2500 metric -        0.50   3 -             - 5.0 M/s'
    assert_equal "${#lines[@]}" 3
    assert_equal "$stderr" 'left out: T3, broken and jq: DIFFERS: all'
    run -0 grep -Ec "$head" "$top_srcdir/README"
    assert_output 1
}
