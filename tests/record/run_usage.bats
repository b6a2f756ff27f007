# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record run: where its samples are from: a control group of its own, /proc, sockets.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    trace=$BATS_TEST_TMPDIR/trace.ndjson
    group=
}

teardown() {
    [[ -z $group ]] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
}

# make_group: $group, a control group of version 2 that is empty.
make_group() {
    local point
    [[ $(id -u) == 0 ]] || skip 'only root can make a control group to test in'
    point=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [[ -n $point ]] || skip 'there are no control groups of version 2'
    mkdir "$point/tracecore-test.$$" 2>/dev/null || skip 'no control group can be made here'
    group=$point/tracecore-test.$$
}

# within COMMAND: runs it by a shell in a namespace whose root is that group; it is at cg, too.
within() {
    make_group
    mkdir -p cg
    unshare --cgroup --mount true 2>/dev/null || skip 'no namespace can be made here'
    cat >within <<'END'
echo $$ >"$1/cgroup.procs"
exec unshare --cgroup --mount sh -c 'mount -t cgroup2 none cg || exit 77; eval "$1"' sh "$2"
END
    status=0
    bash within "$group" "$1" || status=$?
    [[ $status != 77 ]] || skip 'no control groups can be mounted here'
}

sources() {
    jq -r 'select(.type=="metric")|.metricName+" "+.metadata.source' "$trace" | sort -u
}

@test 'a group that is ours is divided: whatever is in it is counted, and it is removed' {
    within 'trace-record run --interval=50ms -- bash -c "
        tail -n 1 /proc/self/cgroup >inside
        # nobody waits for it, and it does not know us
        (setsid bash -c \"for ((i = 0; i < 300000; i++)); do :; done; exec sleep 300\" & echo \$! >pid)
        until [ \"\$(grep -c cpu.time trace.ndjson)\" -ge 12 ]; do sleep 0.05; done"
        find cg -mindepth 1 -type d >left; cat cg/cgroup.procs >members; kill "$(cat pid)"'
    assert_equal "$status" 0
    assert_regex "$(cat inside)" '/tracecore-run\.[0-9]+$'
    assert_file_empty left
    grep -qx "$(cat pid)" members # what went on goes on where we are
    run -0 sources
    assert_line 'process.cpu.time cgroup'
    assert_line 'process.cpu.utilization cgroup'
    assert_equal "$(jq -s '[.[]|select(.metricName=="process.cpu.time" and .dimensions["cpu.mode"]=="user").value]|.==sort and max > 0.01' "$trace")" true
    assert_equal "$(jq -s '[.[]|select(.metricName=="process.count").value]|max >= 2' "$trace")" true
    trace-record import "$trace" | cmp - "$trace"
}

@test 'runs within runs have groups within groups' {
    within 'trace-record run --interval=50ms -- sh -c "
        trace-record run --interval=50ms -- sh -c \"tail -n 1 /proc/self/cgroup >inside; sleep 0.3\"
        sleep 0.1"
        find cg -mindepth 1 -type d >left'
    assert_regex "$(cat inside)" '/tracecore-run\.[0-9]+/tracecore-run\.[0-9]+$'
    assert_file_empty left
    assert_equal "$(jq -r 'select(.metricName=="process.cpu.time")|.context.spanId+.metadata.source' "$trace" | sort -u | grep -c cgroup)" 2
}

@test 'a group goes after a signal, and what a killed recorder left goes with the next run' {
    within 'trace-record run --interval=1s -- sleep 300 & recorder=$!
        until [ -n "$(cat cg/*/cgroup.procs 2>/dev/null)" ]; do sleep 0.02; done
        kill "$recorder"; wait "$recorder"; echo "$?" >status; find cg -mindepth 1 -type d >left
        trace-record run --interval=1s -- sleep 300 & recorder=$!
        until [ -n "$(cat cg/*/cgroup.procs 2>/dev/null)" ]; do sleep 0.02; done
        kill -KILL "$recorder"; wait "$recorder"; find cg -mindepth 1 -type d >killed
        kill $(cat cg/*/cgroup.procs)
        while [ -n "$(cat cg/*/cgroup.procs)" ]; do sleep 0.02; done
        trace-record run -- true; find cg -mindepth 1 -type d >swept'
    assert_equal "$(cat status)" 143
    assert_file_empty left
    assert_equal "$(grep -c tracecore-run killed)" 1
    assert_file_empty swept
}

@test 'a user that a group was given to may divide it, and nobody else' {
    [[ ! -e /run/systemd/system ]] || skip 'systemd says here what is delegated'
    make_group
    setpriv --reuid=65534 --clear-groups true 2>/dev/null || skip 'there is no setpriv'
    cp "$(command -v trace-record)" program
    chmod 777 . program
    run_there() { # run_there FILE
        bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' bash "$group" setpriv --reuid=65534 --clear-groups \
            ./program run --interval=50ms --to="$1" -- sh -c 'tail -n 1 /proc/self/cgroup; sleep 0.2'
    }
    setpriv --reuid=65534 --clear-groups ./program --version >/dev/null 2>&1 || skip 'another user cannot come here'
    run -0 run_there one
    refute_output --partial tracecore-run
    chown 65534 "$group" "$group/cgroup.procs"
    run -0 run_there two
    assert_output --partial /tracecore-run.
    assert_equal "$(jq -r '.metadata.source//empty' one | sort -u)/$(jq -r '.metadata.source//empty' two | sort -u | xargs)" 'proc/cgroup proc'
    assert_equal "$(find "$group" -mindepth 1 -type d)" ''
}

@test "root's own group is not ours because root owns it" {
    make_group
    run -0 bash -c 'echo $$ >"$1/cgroup.procs"; trace-record run --interval=50ms -- sh -c "tail -n 1 /proc/self/cgroup; sleep 0.2"' bash "$group"
    refute_output --partial tracecore-run
    assert_equal "$(sources | cut -d ' ' -f 2 | sort -u)" proc
}

@test 'what sockets of the tree have received and sent' {
    "$top_builddir/tests/record/receiver" 200 >port 2>/dev/null 3>&- &
    receiver=$!
    until [[ -s port ]]; do sleep 0.02; done
    trace-record run --interval=50ms -- bash -c '
        exec 5<>"/dev/tcp/127.0.0.1/$(cat port)"
        (printf "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"; head -c 100000 /dev/zero) >&5
        IFS= read -r line <&5
        sleep 1'
    kill "$receiver"
    wait "$receiver" || true
    jq -c 'select(.metricName=="process.network.io")' "$trace" >network
    assert_equal "$(jq -s '[.[]|select(.dimensions["network.io.direction"]=="transmit").value]|max|. >= 100000 and . < 100200' network)" true
    assert_equal "$(jq -s '[.[]|select(.dimensions["network.io.direction"]=="receive").value]|max|. >= 15 and . < 1000' network)" true
    assert_equal "$(jq -r .metadata.source network | sort -u)" sock_diag
    run -0 trace-record history --format=ndjson "$trace"
    id=$(jq -r 'select(.type=="span").spanId' "$trace")
    assert_equal "$(trace-record status "$id" "$trace" | jq '.performance.networkUsage.sent >= 100000')" true
    # of a command without TCP nothing is said
    trace-record run --to=none.ndjson --interval=50ms -- sleep 0.2
    run -1 grep network none.ndjson
}
