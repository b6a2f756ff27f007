# SPDX-License-Identifier: GPL-3.0-or-later
# contrib/cluster/trace-agg-parallel: on three hosts made of namespaces (world says how), and on this
# one alone, which takes no network.

load ../helper
load cluster

setup() {
    need_command parallel
    cd "$BATS_TEST_TMPDIR"
    for i in 1 2 3 4 5; do
        seq "$i" 5 300 | awk '{ printf "{\"traceId\":\"1\",\"spanId\":\"%x\",\"name\":\"n\",\"service\":\"s%d\",\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\"}\n", \
            $1, $1 % 3, $1, $1 * 3 }' > "part $i"
    done
    options=(--by=service '--stat=count,p99,stddev')
    trace-agg "${options[@]}" part* > whole
    printf '%s\n' part* > list
    mkdir jobs
    script=("$top_srcdir/contrib/cluster/trace-agg-parallel" --hosts=: --folder="$PWD/jobs")
    alone=("${script[@]}" --inputs=list --per-unit=1)
}

@test 'parallel: three hosts give what one machine does' {
    need_world
    in_world parallel_healthy
}

@test 'parallel: a host that is cut off in the middle changes nothing' {
    need_world
    in_world parallel_cut
}

@test 'parallel: a host that loses its power in the middle changes nothing' {
    need_world
    in_world parallel_killed
}

@test 'units of several inputs; the job folder goes when the answer is there' {
    for per_unit in 1 2 5 9; do
        "${script[@]}" --inputs=list --per-unit="$per_unit" -- "${options[@]}" | cmp - whole
    done
    "${script[@]}" --inputs=- --per-unit=2 --merge=--format=csv --merge=--fields=service,count -- "${options[@]}" < list > csv
    assert_equal "$(head -n 2 csv)" $'service,count\ns0,100'
    run -0 ls jobs
    assert_output ''
}

@test 'segments of a repository' {
    for part in part*; do trace-record archive repo "$part"; done
    "${script[@]}" --repository=repo --per-unit=2 -- "${options[@]}" | cmp - whole
    run -4 --separate-stderr "${script[@]}" --repository=jobs -- "${options[@]}"
    assert_output ''
    assert_regex "$stderr" 'the inputs could not be listed'
}

@test 'what is in open logs of a repository is not counted, and said so' {
    trace-record archive repo part*
    run -0 --separate-stderr "${script[@]}" --repository=repo -- "${options[@]}"
    assert_equal "$stderr" ''
    trace-record metric m 1 --to=repo
    run -0 --separate-stderr "${script[@]}" --repository=repo -- "${options[@]}"
    assert_equal "$output" "$(< whole)"
    assert_equal "$stderr" 'trace-agg-parallel: the answer is without what is in open logs of repo (1)'
}

@test 'a unit that is there twice counts once; one that is missing or cut short leaves no answer' {
    "${alone[@]}" --keep -- "${options[@]}" | cmp - whole
    job=$(echo jobs/*)
    units=0001,0002,0003,0004,0005
    cat "$job"/*.partial "$job/0003.partial" | trace-agg --merge --expect="$units" 2> err | cmp - whole
    assert_equal "$(cat err)" 'trace-agg: 1 repeated unit is counted once'
    head -n -1 "$job/0002.partial" > short
    run -4 --separate-stderr trace-agg --merge --expect="$units" short "$job"/000[1345].partial
    assert_output ''
    assert_equal "$stderr" 'trace-agg: unit 0002 is cut short or damaged'
    head -c -100 "$job/0002.partial" > short # in the middle of a line, and glued to the next file's
    cat "$job/0001.partial" short "$job"/000[345].partial > glued
    run -4 --separate-stderr trace-agg --merge --expect="$units" glued
    assert_output ''
    cat "$job/0001.partial" short "$job"/000[2345].partial > glued
    run -3 --separate-stderr trace-agg --merge --expect="$units" glued
    assert_equal "$output" "$(cat whole)"
    trace-agg --merge --expect="$units" "$job"/000[1345].partial <(head -n -1 "$job/0002.partial") \
        "$job/0002.partial" | cmp - whole
    run -4 --separate-stderr trace-agg --merge --expect="$units" "$job"/000[1345].partial
    assert_output ''
    assert_equal "$stderr" 'trace-agg: unit 0002 is missing'
}

@test 'an input that cannot be read leaves no answer, and the job folder' {
    echo missing >> list
    run -4 --separate-stderr "${alone[@]}" --attempts=2 -- "${options[@]}"
    assert_output ''
    assert_equal "$(grep -c 'missing: cannot open' <<< "$stderr")" 1 # that of the last attempt
    assert_regex "$stderr" 'unit 0006 is missing'
    assert_regex "$stderr" 'what there is of partials is in '
    assert [ -e jobs/*/0001.partial ]
}

@test 'an attempt that fails is made again' {
    cat > flaky << 'END'
#!/bin/bash
if [[ $* == *--unit=0003* && ! -e failed ]]; then
    : > failed
    exit 1
fi
exec trace-agg "$@"
END
    chmod +x flaky
    "${alone[@]}" --program="$PWD/flaky" -- "${options[@]}" | cmp - whole
    assert [ -e failed ]
}

@test 'records that were rejected are told of by the status, and are no failure' {
    echo junk >> 'part 3'
    run -3 --separate-stderr "${alone[@]}" -- "${options[@]}"
    assert_equal "$output" "$(cat whole)"
    assert_regex "$stderr" 'records were rejected'
}

@test 'wrong usage ends with 2 before anything is started' {
    for wrong in --nonsense --per-unit=0 --attempts=x --dead-after=0 --at-once= --repository=x --folder=jobs --program=nonsense; do
        run -2 --separate-stderr "${alone[@]}" "$wrong" -- "${options[@]}"
        assert_output ''
    done
    run -2 --separate-stderr "${alone[@]}" -- --stat=nonsense
    assert_output ''
    run -2 --separate-stderr "${alone[@]}" -- --format=csv
    assert_regex "$stderr" 'exclude each other'
    run -2 --separate-stderr "${alone[@]}" -- "${options[@]}" 'part 1'
    assert_regex "$stderr" 'behind -- there is an input'
    run -0 ls jobs
    assert_output ''
    run -0 "${script[@]}" --help
    assert_line --partial 'Usage: trace-agg-parallel'
    assert [ "$(wc -L <<< "$output")" -le 80 ]
    run -0 "$top_srcdir/contrib/cluster/trace-agg-slurm" --help
    assert [ "$(wc -L <<< "$output")" -le 80 ]
}

@test 'a signal ends the run without an answer' {
    printf '#!/bin/bash\n[[ $* != *--unit=* ]] || { sleep 3 && echo $$ >> %q; }\nexec trace-agg "$@"\n' \
        "$PWD/late" > slow
    chmod +x slow
    "${alone[@]}" --program="$PWD/slow" -- "${options[@]}" > out 2> err 3>&- &
    for _ in {1..100}; do
        [[ -z $(ls jobs/*/units 2> ls.err) ]] || break
        sleep 0.05
    done
    sleep 0.5
    kill -TERM $!
    local status=0
    wait $! || status=$?
    assert_equal "$status" 4
    assert_equal "$(cat out)" ''
    sleep 4
    assert [ ! -e late ] # what had been started was ended
}

# What an attempt wrote before it failed comes to the output with --line-buffer, and the next attempt
# writes it again. Lines of records are then there twice, and nothing tells. A partial says which
# attempt its lines are of, so that the answer holds even so.
@test 'lines of an attempt that failed harm records, but no partials' {
    cat > attempt << 'END'
#!/bin/bash
# attempt FILE: its lines; half of them, and no more, the first time
if [[ ! -e $1.tried ]]; then
    : > "$1.tried"
    head -n $(($(wc -l < "$1") / 2)) "$1"
    sleep 0.5
    exit 1
fi
cat "$1"
END
    printf '%s\n' part* | parallel --will-cite --line-buffer --retries 2 bash attempt {} > leaked
    assert_equal "$(wc -l < leaked)" 450
    run ! cmp -s <(trace-agg "${options[@]}" leaked) whole
    rm ./*.tried
    for i in 1 2 3 4 5; do trace-agg --partial --unit="$i" "${options[@]}" "part $i" > "$i.partial"; done
    printf '%s\n' ./*.partial | parallel --will-cite --line-buffer --retries 2 bash attempt {} > leaked
    assert [ "$(wc -l < leaked)" -gt "$(cat ./*.partial | wc -l)" ]
    trace-agg --merge --expect=1,2,3,4,5 leaked | cmp - whole
    rm ./*.tried
    # and without the option nothing leaks
    printf '%s\n' part* | parallel --will-cite --retries 2 bash attempt {} | trace-agg "${options[@]}" | cmp - whole
}
