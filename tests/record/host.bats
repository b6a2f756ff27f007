# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record host, snapshot: what a machine uses, read from files that were recorded before.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    trace=trace.ndjson
}

# record_root: a machine with two processors, one disk with a partition, and swap.
record_root() {
    mkdir -p root/proc/pressure root/proc/net root/proc/1 root/sys/class/block/sda1
    echo 1 >root/sys/class/block/sda1/partition
    cat >root/proc/stat <<'END'
cpu  1000 20 300 4000 50 6 7 8 9 0
cpu0 600 10 200 2000 25 3 4 4 9 0
cpu1 400 10 100 2000 25 3 3 4 0 0
intr 12345 1 2 3
btime 1767225600
processes 4321
procs_running 3
procs_blocked 1
END
    cat >root/proc/meminfo <<'END'
MemTotal:        1000 kB
MemFree:          200 kB
MemAvailable:     600 kB
Buffers:          100 kB
Cached:           250 kB
SwapCached:         1 kB
SReclaimable:      50 kB
SwapTotal:        100 kB
SwapFree:          75 kB
END
    printf '%s\n' 'pgfault 900' 'pgmajfault 40' 'pswpin 5' 'pswpout 6' >root/proc/vmstat
    cat >root/proc/diskstats <<'END'
   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0
   8       0 sda 10 1 200 3000 40 2 600 7000 0 8500 9000 0 0 0 0
   8       1 sda1 10 1 200 3000 40 2 600 7000 0 8500 9000 0 0 0 0
END
    cat >root/proc/net/dev <<'END'
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0
END
    echo '0.50 0.25 0.10 1/234 5678' >root/proc/loadavg
    echo '1234.56 2345.67' >root/proc/uptime
    for resource in cpu memory io; do
        printf '%s\n' 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000' \
            'full avg10=0.00 avg60=0.00 avg300=0.00 total=250000' >root/proc/pressure/$resource
    done
    mkdir -p 'root/mnt/my disk'
    printf '%s\n' 'proc /proc proc rw 0 0' '/dev/sda1 /mnt/my\040disk ext4 ro,noatime 0 0' '/dev/sda1 / ext4 rw 0 0' \
        'server:/x /net nfs rw 0 0' >root/proc/1/mounts
}

value() { # value NAME [DIMENSIONS]: of the last point
    jq -c "select(.metricName == \"$1\" and (.dimensions//{}) == ${2-{\}})|.value+0" "$trace" | tail -n 1
}

@test 'every figure comes out of the file that it is in' {
    record_root
    trace-record host --root=root --count=1
    trace-record import "$trace" | cmp - "$trace"
    while read -r name dimensions wanted; do
        [[ "$name $dimensions $(value "$name" "$dimensions")" == "$name $dimensions $wanted" ]] ||
            fail "$name $dimensions: $(value "$name" "$dimensions"), not $wanted"
    done <<'END'
system.cpu.time {"cpu.mode":"user"} 10
system.cpu.time {"cpu.mode":"nice"} 0.2
system.cpu.time {"cpu.mode":"system"} 3
system.cpu.time {"cpu.mode":"idle"} 40
system.cpu.time {"cpu.mode":"iowait"} 0.5
system.cpu.time {"cpu.mode":"interrupt"} 0.13
system.cpu.time {"cpu.mode":"steal"} 0.08
system.cpu.logical.count {} 2
system.process.created {} 4321
system.process.count {"process.state":"running"} 3
system.process.count {"process.state":"blocked"} 1
system.memory.limit {} 1024000
system.memory.linux.available {} 614400
system.memory.usage {"system.memory.state":"used"} 409600
system.memory.usage {"system.memory.state":"free"} 204800
system.memory.usage {"system.memory.state":"buffers"} 102400
system.memory.usage {"system.memory.state":"cached"} 307200
system.memory.utilization {"system.memory.state":"used"} 0.4
system.paging.usage {"system.paging.state":"used"} 25600
system.paging.usage {"system.paging.state":"free"} 76800
system.paging.utilization {"system.paging.state":"used"} 0.25
system.paging.faults {"system.paging.fault.type":"major"} 40
system.paging.faults {"system.paging.fault.type":"minor"} 860
system.paging.operations {"system.paging.direction":"in"} 5
system.paging.operations {"system.paging.direction":"out"} 6
system.disk.io {"system.device":"sda","disk.io.direction":"read"} 102400
system.disk.io {"system.device":"sda","disk.io.direction":"write"} 307200
system.disk.operations {"system.device":"sda","disk.io.direction":"read"} 10
system.disk.operations {"system.device":"sda","disk.io.direction":"write"} 40
system.disk.operation_time {"system.device":"sda","disk.io.direction":"read"} 3
system.disk.operation_time {"system.device":"sda","disk.io.direction":"write"} 7
system.disk.io_time {"system.device":"sda"} 8.5
system.network.io {"network.interface.name":"eth0","network.io.direction":"receive"} 1000
system.network.io {"network.interface.name":"eth0","network.io.direction":"transmit"} 2000
system.network.packet.count {"network.interface.name":"eth0","network.io.direction":"receive"} 10
system.network.packet.count {"network.interface.name":"eth0","network.io.direction":"transmit"} 20
system.network.errors {"network.interface.name":"eth0","network.io.direction":"receive"} 1
system.network.errors {"network.interface.name":"eth0","network.io.direction":"transmit"} 3
system.network.packet.dropped {"network.interface.name":"eth0","network.io.direction":"receive"} 2
system.network.packet.dropped {"network.interface.name":"eth0","network.io.direction":"transmit"} 4
system.cpu.load_average.1m {} 0.5
system.cpu.load_average.5m {} 0.25
system.cpu.load_average.15m {} 0.1
system.uptime {} 1234.56
system.pressure.time {"system.pressure.resource":"cpu","system.pressure.stall":"some"} 1.5
system.pressure.time {"system.pressure.resource":"io","system.pressure.stall":"full"} 0.25
END
    # the rest of it: one file system, and a share of time only from the second time on
    assert_equal "$(jq -r 'select(.metricName|test("filesystem"))|.dimensions["system.filesystem.mountpoint"]+.dimensions["system.filesystem.mode"]+" "+(.dimensions["system.filesystem.state"]//"share")' "$trace")" \
        $'/mnt/my diskro used\n/mnt/my diskro free\n/mnt/my diskro reserved\n/mnt/my diskro share'
    assert_equal "$(wc -l <"$trace")" 58
    assert_equal "$(jq -r 'select(.metricName|test("cpu.util|pressure.util"))|.metricName' "$trace")" ''
    assert_equal "$(jq -sc 'map(select(.metricType=="counter"))|map([.temporality,.isMonotonic,.startTimeUnixNano])|unique' "$trace")" \
        '[["cumulative",true,"1767225600000000000"]]'
    assert_equal "$(jq -sc 'map(.metadata.source)|unique' "$trace")" '["host"]'
}

@test 'shares of time are of the time since the reading before' {
    record_root
    trace-record host --root=root --interval=300ms --count=2 &
    until [[ -s $trace ]]; do sleep 0.01; done
    sed -i 's/^cpu  .*/cpu  1060 20 310 4030 50 6 7 8 9 0/' root/proc/stat
    sed -i 's/total=1500000/total=1650000/' root/proc/pressure/io
    wait $!
    assert_equal "$(value system.cpu.utilization '{"cpu.mode":"user"}')" 0.6
    assert_equal "$(value system.cpu.utilization '{"cpu.mode":"system"}')" 0.1
    assert_equal "$(value system.cpu.utilization '{"cpu.mode":"idle"}')" 0.3
    share=$(value system.pressure.utilization '{"system.pressure.resource":"io","system.pressure.stall":"some"}')
    awk -v s="$share" 'BEGIN { exit !(s > 0.25 && s <= 0.5) }' # 150 ms of 300 ms, or some more
    assert_equal "$(value system.pressure.utilization '{"system.pressure.resource":"cpu","system.pressure.stall":"some"}')" 0
}

@test '--per-cpu tells of each processor, and what is missing is left out' {
    record_root
    trace-record host --root=root --count=1 --per-cpu
    assert_equal "$(value system.cpu.time '{"cpu.mode":"user","cpu.logical_number":1}')" 4
    find root -type f ! -name stat -delete
    trace-record host --root=root --count=1 --to=less
    assert_equal "$(jq -r .metricName less | sort -u | xargs)" \
        'system.cpu.logical.count system.cpu.time system.process.count system.process.created'
    rm root/proc/stat
    run -4 trace-record host --root=root --count=1
    assert_output 'trace-record: root: proc/stat cannot be read there'
    run -4 trace-record host --root=missing --count=1
    assert_output 'trace-record: missing: cannot open: No such file or directory'
}

@test 'the times do not drift, and TERM ends it after whole readings' {
    record_root
    trace-record host --root=root --interval=100ms --count=21
    # twenty intervals: being late once makes the next no later
    jq -s 'map(select(.metricName=="system.uptime").timeUnixNano|tonumber)|((last-first)/1e9) as $s|[length,$s]' -c "$trace" >times
    awk -F'[][,]' '{ exit !($2 == 21 && $3 > 1.9 && $3 < 2.1) }' times || developer_build || fail "$(cat times)"
    trace-record host --root=root --interval=100ms --to=other &
    until [[ -s other ]]; do sleep 0.01; done
    kill -TERM $!
    wait $!
    assert_equal "$((($(wc -l <other) - 58) % 71))" 0
}

@test 'the policy of a repository says how often' {
    record_root
    printf '%s\n' 'version: 1' 'collection: {host: {interval: 100ms}}' >policy.yaml
    trace-record init repo --policy=policy.yaml
    trace-record init plain
    times() { # of three readings, in ms
        trace-record read "$1" -w '.metricName == "system.uptime"' | jq -s 'map(.timeUnixNano|tonumber)|((last-first)/1e6)|floor'
    }
    trace-record host --root=root --count=3 --to=repo
    (($(times repo) < 1500))
    trace-record host --root=root --count=2 --to=plain
    (($(times plain) >= 900))
    trace-record host --root=root --count=2 --to=repo --interval=1s
    (($(times repo) >= 900))
}

@test 'wrong usage and a full disk are told' {
    run -2 trace-record host --interval=99ms
    run -2 trace-record host --to=-
    run -2 trace-record host x
    run -4 trace-record host --count=1 --to=/dev/full
    assert_output 'trace-record: /dev/full: cannot append: No space left on device'
}

@test 'snapshot tells what this machine uses, with shares of time' {
    trace-record snapshot >now
    [[ -e /proc/stat ]] || skip 'there is no /proc'
    assert_equal "$(jq -r .metricName now | sort -u | grep -cxE 'system.cpu.(time|utilization|logical.count)|system.memory.usage')" 4
    assert_file_not_exist "$trace"
}

@test 'snapshot tells what an execution uses' {
    trace-record run --name=busy --interval=0 -- sh -c 'while [ ! -e end ]; do :; done' 3>&- &
    until [[ -s $trace ]]; do sleep 0.01; done
    sleep 0.2
    id=$(jq -r .executionId "$trace")
    for _ in {1..50}; do # it may not have had its turn
        trace-record snapshot "$id" >now
        ! jq -e 'select(.metricName=="process.cpu.utilization")|.value > 0.02' now >jq.out || break
    done
    touch end
    wait $!
    assert_equal "$(jq -c 'select(.metricName=="process.count")|[.value,.context.spanId]' now)" "[1,\"$id\"]"
    assert_equal "$(jq -c 'select(.metricName=="process.cpu.utilization")|.value > 0.02 and .value < 4' now)" true
    run -4 trace-record snapshot "$id"
    assert_output "trace-record: trace.ndjson: execution $id has ended already (completed)"
    bare=$(trace-record start bare)
    run -4 trace-record snapshot "$bare"
    assert_output "trace-record: trace.ndjson: no process of execution ${bare:36:16} is known here (run, or start --pid)"
    run -2 trace-record snapshot zz
    run -2 trace-record snapshot "$id" a b
}

@test 'USR1 says how many readings there are' {
    trace-record host --interval=100ms --to=got 3>&- 2>said &
    for _ in {1..100}; do
        [[ ! -s got ]] || break
        sleep 0.05
    done
    kill -USR1 $!
    for _ in {1..100}; do
        [[ ! -s said ]] || break
        sleep 0.05
    done
    kill $!
    wait $!
    assert_regex "$(<said)" '^trace-record: [0-9]+ readings?$'
}
