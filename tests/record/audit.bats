#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record key and audit: key pairs as files, and the audit log shown, signed and verified.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    trace-record init repo
    run trace-record key new probe
    [[ $output != *libsodium* ]] || skip 'libsodium is missing'
}

# signed N: a repository whose log has N records, each of them signed.
signed() {
    trace-record key new --signing --name=auditor auditor.key
    for ((i = 0; i < $1; i++)); do
        trace-record audit repo checkpoint --key=auditor.key --checkpoints=points
    done
} >/dev/null 2>&1

verify() {
    trace-record audit repo verify --key=auditor.key.pub --checkpoints=points
}

@test 'key new: two files, the private one for its owner alone' {
    umask 000
    run -0 trace-record key new --name=anna@example anna
    assert_regex "$output" '^[0-9a-f]{32} anna@example$'
    assert_equal "$(stat -c %a anna)" 600
    assert_regex "$(cat anna)" '^tracecore secret key 1 [A-Za-z0-9+/]{43}=$'
    assert_regex "$(cat anna.pub)" '^tracecore public key 1 anna@example [A-Za-z0-9+/]{43}=$'
    run -0 trace-record key new --signing sub
    assert_regex "$(cat sub)" '^tracecore signing key 1 '
    assert_regex "$(cat sub.pub)" '^tracecore verifying key 1 sub '
}

@test 'key new: nothing is overwritten, and nothing left behind' {
    trace-record key new anna
    cp anna before
    rm anna.pub
    run -4 trace-record key new anna
    assert_output --partial 'cannot make anna: File exists'
    cmp anna before
    assert_file_not_exist anna.pub
    rm anna
    touch anna.pub
    run -4 trace-record key new anna
    assert_file_not_exist anna
    run -4 trace-record key new none/anna
    run -2 trace-record key
    run -2 trace-record key now anna
    run -2 trace-record key new
    run -2 trace-record key new --name='a b' ben
    run -2 trace-record key new --name='' ben
    assert_file_not_exist ben
}

@test 'audit: a checkpoint is an event, and signed' {
    trace-record key new --signing auditor.key
    run -0 trace-record audit repo checkpoint --key=auditor.key --checkpoints=points
    assert_output --partial 'this is the first checkpoint of this log in points'
    assert_line 'signed up to record 1'
    run -0 trace-record audit repo checkpoint --key=auditor.key --checkpoints=points
    assert_output 'signed up to record 2'
    assert_equal "$(trace-record audit repo | jq -c '[.sequence,.action,.details.file,.actor.uid]')" \
        "[1,\"checkpoint\",\"points\",$(id -u)]
[2,\"checkpoint\",\"points\",$(id -u)]"
    assert_equal "$(trace-record audit repo)" "$(cat repo/audit)"
    assert_equal "$(jq -c .sequence points)" $'1\n2'
    assert_equal "$(stat -c %a repo/audit points | uniq)" 640
    trace-record audit repo -o copy
    cmp copy repo/audit
}

@test 'audit verify: what is attested, and that the rest is not' {
    signed 3
    run -0 verify
    assert_output '3 records, 0 problems
3 checkpoints of this log
records up to 3 are what was signed; those from 4 on may have been changed or cut off, and nothing would show it'
    run -0 trace-record audit repo verify
    assert_line --partial 'not compared with checkpoints'
    head -n 2 repo/audit >cut && cat cut >repo/audit
    run -1 verify
    assert_line 'repo/audit: record 3: the log ends with record 2, but line 3 of the checkpoints signs record 3: it was cut'
    run -0 trace-record audit repo verify
    sed -i '1s/checkpoint/checkpaint/' repo/audit
    run -1 trace-record audit repo verify
    assert_line 'repo/audit:1: record 1: this record was changed: its hash does not fit'
    run -1 trace-record audit repo checkpoint --key=auditor.key --checkpoints=points
    assert_line --partial 'not signed'
    assert_equal "$(wc -l <points)" 3
    : >repo/audit
    run -1 verify
    assert_line --partial 'none of the checkpoints is of this log'
}

@test 'audit: what a crash left is set aside, noted, and shown until then' {
    signed 2
    printf '{"sequence":3,"tim' >>repo/audit
    run -1 trace-record audit repo verify
    assert_line --partial 'repo/audit:3: the last line is unfinished'
    assert_equal "$(trace-record audit repo | tail -n 1)" '{"sequence":3,"tim'
    run -0 trace-record audit repo checkpoint --key=auditor.key --checkpoints=points
    assert_output 'signed up to record 4'
    run -0 verify
    assert_line '1 event of something set aside after a crash, see quarantine/'
    assert_equal "$(cat "repo/$(jq -r 'select(.action=="set-aside").details.file' repo/audit)")" '{"sequence":3,"tim'
}

@test 'audit: the policy names the file of checkpoints' {
    trace-record key new --signing auditor.key
    printf 'audit: {checkpoint: %s/outside}\n' "$PWD" >repo/policy.yaml
    trace-record audit repo checkpoint --key=auditor.key
    assert_file_exist outside
    run -0 trace-record audit repo verify --key=auditor.key.pub
    assert_line '1 checkpoint of this log'
    printf 'audit: {checkpiont: /x}\n' >repo/policy.yaml
    run -2 trace-record audit repo verify --key=auditor.key.pub
    assert_output --partial "repo/policy.yaml:1:9: unknown key 'checkpiont': did you mean checkpoint?"
    rm repo/policy.yaml
    run -2 trace-record audit repo verify --key=auditor.key.pub
    assert_output --partial 'the policy names no file of checkpoints'
}

@test 'audit: two logs may share a file of checkpoints' {
    signed 2
    trace-record init other
    run -0 trace-record audit other checkpoint --key=auditor.key --checkpoints=points
    run -0 trace-record audit other verify --key=auditor.key.pub --checkpoints=points
    assert_line '2 checkpoints of another log'
    run -0 verify
    assert_line '1 checkpoint of another log'
}

@test 'audit: keys are taken from files of the right kind and mode, or a descriptor' {
    signed 1
    run -0 trace-record audit repo checkpoint --key-descriptor=9 --checkpoints=points 9< <(cat auditor.key)
    chmod 640 auditor.key
    run -4 trace-record audit repo checkpoint --key=auditor.key --checkpoints=points
    assert_output --partial 'auditor.key is open to group or others (mode 0640): chmod 600 it'
    run -4 trace-record audit repo checkpoint --key=probe --checkpoints=points
    assert_output --partial 'probe holds a secret key where a signing key is wanted'
    run -4 trace-record audit repo verify --key=auditor.key --checkpoints=points
    assert_output --partial 'auditor.key holds no verifying key of tracecore'
    refute_output --partial "$(cut -d ' ' -f 5 auditor.key)"
    trace-record key new --signing second
    run -0 trace-record audit repo verify --key=second.pub --checkpoints=points
    assert_line '2 checkpoints by a key that was not given'
    assert_line 'no record is attested by a checkpoint'
}

@test 'audit: usage, and what is not there' {
    run -2 trace-record audit
    run -2 trace-record audit repo verify more
    run -2 trace-record audit repo verifi
    run -2 trace-record audit repo --key=x
    run -2 trace-record audit repo verify --checkpoints=x
    run -2 trace-record audit repo verify --key-descriptor=3
    run -2 trace-record audit repo checkpoint
    run -4 trace-record audit none
    mkdir plain
    run -4 trace-record audit plain checkpoint --key=probe --checkpoints=points
    assert_output --partial 'plain'
    assert_file_not_exist plain/audit
    run -0 trace-record audit repo
    assert_output --partial 'repo has no audit log'
    run -0 trace-record audit repo verify
    assert_line '0 records, 0 problems'
    ln -s elsewhere repo/audit
    run -4 trace-record audit repo
    run -4 trace-record audit repo verify
    assert_output --partial 'audit is a symbolic link'
}
