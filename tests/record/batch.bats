# SPDX-License-Identifier: GPL-3.0-or-later
# contrib/cron/tracecore-batch: each window once, whatever becomes of runs; and the examples around it.
bats_require_minimum_version 1.5.0
load ../helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    # 20 windows of ten minutes from 1700000400 on; the 18th is slow
    awk 'BEGIN {
        for (i = 0; i < 3000; i++)
            printf "{\"traceId\":\"1\",\"spanId\":\"%x\",\"name\":\"n\",\"service\":\"s%d\",\"startTimeUnixNano\":\"%d000000000\",\"durationNano\":%d}\n",
                i + 1, i % 2, 1700000400 + i * 4, (i >= 2550 && i < 2700 ? 100000 : 1000) + i * 31 % 97
    }' >spans.ndjson
    trace-record archive source spans.ndjson
    trace-agg --type=span --by=service,name --window=10m -b spans.ndjson >all
    trace-record read all >whole
    cat >rules.yaml <<'EOF'
version: 1
groups:
- name: anomalies
  every: 10m
  rules:
  - alert: Anomaly
    expr: anomaly{severity="critical"}
EOF
}

setup() {
    need_command flock
    batch=$top_srcdir/contrib/cron/tracecore-batch
    cd "$BATS_TEST_TMPDIR" || return
    source=$BATS_FILE_TMPDIR/source
}

# batch NOW [OPTION]...: a run in ten minutes' windows, at that time.
batch() {
    "$batch" -w 600 -l 60 -f 1700000400 -n "$1" "${@:2}" state "$source" target
}

# stored: the aggregates that are in the target.
stored() {
    trace-record read --type=aggregate target
}

# first N: those of the first N windows.
first() {
    head -n $((2 * $1)) "$BATS_FILE_TMPDIR/whole"
}

@test 'a window is done when it is complete, and not again; missed ones are made up for' {
    batch 1700001059 # one second too early for the first one
    assert [ ! -e target ]
    batch 1700001060
    cmp <(stored) <(first 1)
    batch 1700001659
    cmp <(stored) <(first 1)
    run -0 trace-record ls target
    local segments=$output
    batch 1700001060 # the clock was set back
    run -0 trace-record ls target
    assert_output "$segments"
    batch 1700007061
    cmp <(stored) <(first 11)
    run -2 batch 1600000000
    assert_output "tracecore-batch: the clock says 1600000000, but windows up to 1700007000 are done"
}

@test 'two runs at a time are one' {
    mkdir slow
    cat >slow/trace-agg <<EOF
#!/bin/sh
touch '$PWD/begun'
while [ ! -e '$PWD/go' ]; do sleep 0.05; done
exec '$(command -v trace-agg)' "\$@"
EOF
    chmod +x slow/trace-agg
    PATH=$PWD/slow:$PATH timeout 60 "$batch" -w 600 -l 60 -f 1700000400 -n 1700003000 state "$source" target 3>&- &
    local first=$!
    local _
    for _ in $(seq 600); do
        [[ ! -e begun ]] || break
        sleep 0.1
    done
    run -0 --separate-stderr batch 1700003000
    assert_equal "$stderr" 'tracecore-batch: another run is at work'
    touch go
    wait "$first"
    cmp <(stored) <(first 4)
}

# wrap COMMAND...: commands in bin that count themselves, and at number $KILL_AT kill the script that
# runs them, before or after they do their work.
wrap() {
    mkdir -p bin
    cat >bin/counted <<'EOF'
#!/bin/sh
name=${0##*/}
n=$(($(cat "$COUNTER") + 1))
echo "$n" >"$COUNTER"
[ "$n $KILL_WHEN" != "$KILL_AT before" ] || { kill -9 "$PPID"; exit 1; }
PATH=${PATH#*:} "$name" "$@"
status=$?
[ "$n $KILL_WHEN" != "$KILL_AT after" ] || kill -9 "$PPID"
exit "$status"
EOF
    chmod +x bin/counted
    local command
    for command; do
        ln -s counted "bin/$command"
    done
}

@test 'killed anywhere, the next run stores what is missing, and nothing twice' {
    wrap trace-record trace-agg trace-detect trace-alert sync mv cp rm mkdir
    export COUNTER=$PWD/count KILL_AT KILL_WHEN=before
    # two runs that nobody disturbs: what there is to be
    batch 1700004000 -r "$BATS_FILE_TMPDIR/rules.yaml"
    batch 1700013000 -r "$BATS_FILE_TMPDIR/rules.yaml"
    trace-record read target | sort >expected
    for type in aggregate finding alert; do
        grep -q "^{\"type\":\"$type\"" expected
    done
    mv target undisturbed
    rm -r state
    batch 1700004000 -r "$BATS_FILE_TMPDIR/rules.yaml"
    mv state state.first
    mv target target.first
    local killed=1 step=5 runs=0
    [[ ${TRACECORE_TEST_LONG-} != yes ]] || step=1
    for ((KILL_AT = 1; killed; KILL_AT += step)); do
        [[ $KILL_WHEN == before ]] && KILL_WHEN=after || KILL_WHEN=before
        rm -rf state target
        cp -r state.first state
        cp -r target.first target
        echo 0 >count
        run --separate-stderr env PATH="$PWD/bin:$PATH" "$batch" -w 600 -l 60 -n 1700013000 -r "$BATS_FILE_TMPDIR/rules.yaml" state "$source" target
        [[ $status == 137 ]] || killed=
        batch 1700013000 -r "$BATS_FILE_TMPDIR/rules.yaml"
        trace-record read target | sort >found
        diff expected found
        run -0 cat state/done
        assert_output 1700012400
        runs=$((runs + 1))
    done
    assert_equal "$status" 0
    assert [ "$runs" -ge 4 ]
}

@test 'a run that failed is told, and its windows are made up for' {
    mkdir bin
    printf '#!/bin/sh\necho "no room" >&2\nexit 4\n' >bin/trace-record
    chmod +x bin/trace-record
    PATH=$PWD/bin:$PATH run -4 batch 1700003000
    assert_line 'no room'
    batch 1700003000
    cmp <(stored) <(first 4)
    run -4 "$batch" -w 600 state2 nowhere target2
    assert [ ! -e state2/done ]
}

@test 'records that were rejected hold up nothing' {
    mkdir bin
    printf '#!/bin/sh\n%s "$@"\nexit 3\n' "$(command -v trace-agg)" >bin/trace-agg
    chmod +x bin/trace-agg
    PATH=$PWD/bin:$PATH run -3 batch 1700003000
    cmp <(stored) <(first 4)
}

@test 'options of trace-agg, one repository for both, and days at a time' {
    cp -r "$source" both
    "$batch" -w 600 -l 0 -f 1699999200 -n 1700300000 state both both --type=span --by=service --stat=count
    run -0 trace-agg --type=span --by=service --stat=count --window=10m -b -o expected "$source"
    cmp <(trace-record read --type=aggregate both) <(trace-record read expected)
    run -0 cat state/done
    assert_output 1700299800
}

@test 'usage' {
    run -2 "$batch" state source
    run -2 "$batch" -w 0 state source target
    run -2 "$batch" -l -5 state source target
    run -2 "$batch" -n 1e9 state source target
    run -2 "$batch" -w 600 -f 1700000401 -n 1700009999 state "$source" target
    assert_output 'tracecore-batch: 1700000401, where windows are to go on, is no multiple of 600'
    assert [ ! -e target ]
    run -0 "$batch" -h
    assert_line -n 0 'Usage: tracecore-batch [OPTION]... STATE SOURCE TARGET [AGG-OPTION]...'
    run -0 awk 'length > 80' <<<"$output"
    assert_output ''
}

@test 'units of systemd are valid, and shut in' {
    need_command systemd-analyze
    local unit name
    mkdir units
    for unit in "$top_srcdir"/contrib/systemd/*.{service,timer} "$top_srcdir"/contrib/tracecore-listen.service; do
        name=${unit##*/}
        sed -e "s,/usr/local/bin/tracecore-batch,$batch," -e "s,^\(ExecStart[A-Za-z]*=\)trace-record,\1$(command -v trace-record)," -e '/^Documentation/d' "$unit" >"units/$name"
    done
    for unit in units/*; do
        run -0 systemd-analyze verify "./$unit"
        refute_output --partial "${unit##*/}"
    done
    for unit in units/*.service; do
        run -0 systemd-analyze security --offline=true --threshold=40 "$unit"
    done
}
