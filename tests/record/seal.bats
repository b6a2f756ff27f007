#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A policy in effect: what is sealed, who can read it, and that nothing else shows it.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    run trace-record key new analyst
    [[ $output != *libsodium* ]] || skip 'libsodium is missing'
    trace-record key new privacy
    trace-record key new stranger
    cat >policy.yaml <<'EOF'
labels: {pii: [user.email, "http.request.header.*"], secret: [db.statement], internal: [flag]}
roles:
  analyst: {read: [internal], key: keys/analyst.pub}
  privacy: {read: [internal, pii, secret], key: keys/privacy.pub}
EOF
    make_repository policy.yaml
    spans 200 >spans
}

# make_repository POLICY: an empty one with that policy.
make_repository() {
    rm -rf repo
    trace-record init repo
    mkdir repo/keys
    cp ./*.pub repo/keys
    trace-record policy repo "$1"
}

# spans N: with secrets of all kinds, each with the word canary.
spans() {
    awk -v n="$1" 'BEGIN {
        for (i = 1; i <= n; i++)
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op\"," \
                "\"startTimeUnixNano\":\"1700000000%09d\",\"endTimeUnixNano\":\"1700000000%09d\",\"durationNano\":%d," \
                "\"service\":\"cart\",\"attributes\":{\"n\":%d,\"copy\":\"c%d\",\"user.email\":\"canary-%d@x.org\"," \
                "\"flag\":%d,\"db.statement\":\"select canary%d\",\"http.request.header.x\":[\"canary\",%d]," \
                "\"nested\":{\"deep\":[{\"user\":{\"email\":\"canary%d\"}}]}}}\n",
                i, i, i * 1000, i * 1000 + i, i,
                i % 7, i, i, i, i, i, i }'
}

# Nothing of the repository has the word, neither as it is nor unpacked.
no_canary() {
    local file
    ! grep -rqa canary repo || return 1
    while IFS= read -r file; do
        ! zstd -dcq "$file" | grep -qa canary || return 1
    done < <(find repo -name '*.zst')
}

@test 'an analyst sees no labelled value, and no byte of the repository shows one' {
    need_command zstd
    run -0 --separate-stderr trace-record archive repo spans
    no_canary
    run -0 --separate-stderr trace-record read repo --key=analyst
    refute_output --partial canary
    refute_output --partial user.email
    assert_line --index 0 --partial '"flag":1'
    assert_equal "${#lines[@]}" 200
    assert_equal "$stderr" 'trace-record: 4 columns could not be read without a key: 3 of label pii, 1 of label secret'
}

@test 'who has the key reads all as it was, also from a descriptor' {
    trace-record archive repo spans
    trace-record import spans >wanted
    trace-record read repo --key=privacy >got
    cmp wanted got
    trace-record read repo --key=stranger --key-descriptor=5 5<privacy >got
    cmp wanted got
    run -0 --separate-stderr trace-record read repo -w '.attributes["user.email"]=="canary-7@x.org"' --key=privacy
    assert_equal "${#lines[@]}" 1
    run -4 trace-record read repo --key=none
    run -4 trace-record read repo --key=privacy.pub
}

@test 'aggregates of other columns are the same with and without keys' {
    trace-record archive repo spans
    for by in service attributes.n name,attributes.copy; do
        trace-agg repo --by="$by" >without
        trace-agg repo --by="$by" --key=analyst >analysts
        trace-agg repo --by="$by" --key=privacy >with
        trace-agg spans --by="$by" >plain
        cmp without with
        cmp analysts with
        cmp plain with
    done
}

@test 'a labelled service, name, time or trace is in no list, roll-up or index' {
    need_command zstd
    local field
    for field in service name traceId startTimeUnixNano durationNano spanId; do
        sed "s/user.email, /$field, /" policy.yaml >one.yaml
        make_repository one.yaml
        sed 's/"service":"cart"/"service":"canary-s"/; s/"name":"op"/"name":"canary-n"/' spans >some
        trace-record archive repo some
        zstd -dcq "$(find repo -name '*.zst')" >bytes
        case $field in
        service) ! grep -qa canary-s bytes ;;
        name) ! grep -qa canary-n bytes ;;
        traceId) ! grep -qa trace-index bytes ;;
        startTimeUnixNano) ! grep -qa minTimeUnixNano bytes ;;
        esac
        trace-record import some >wanted
        trace-record read repo --key=privacy >got
        cmp wanted got
        run -0 --separate-stderr trace-record read repo
        refute_output --partial "\"$field\""
        run -0 trace-record check repo
        trace-agg repo --by=attributes.n --key=privacy >got
        trace-agg some --by=attributes.n >wanted
        cmp wanted got
    done
}

@test 'where the status has a label, nothing else tells of errors' {
    sed 's/user.email, /status, /' policy.yaml >one.yaml
    make_repository one.yaml
    sed -E 's/"traceId":"[0-9a-f]*"/"traceId":"0000000000000000000000000000000a"/; s/"service"/"status":"error",&/' spans >some
    trace-record archive repo some
    run -0 trace-span assemble --summary --fields=structure.spanCount,errors.errorCount repo --key=privacy
    assert_output '{"structure.spanCount":200,"errors.errorCount":200}'
    run -0 --separate-stderr trace-span assemble --summary --fields=structure.spanCount,errors.errorCount repo
    assert_output '{"structure.spanCount":200,"errors.errorCount":0}'
}

@test 'a labelled service in the resource is in no list or roll-up either' {
    need_command zstd
    local key
    for key in service.name '"service.*"' resource resource.service.name; do
        sed "s/user.email, /$key, /" policy.yaml >one.yaml
        make_repository one.yaml
        sed 's/"service":"cart"/"resource":{"service.name":"canary-r"}/' spans >some
        trace-record archive repo some
        zstd -dcq "$(find repo -name '*.zst')" >bytes
        ! grep -qa canary-r bytes || fail "$key"
        trace-record read repo --key=privacy >got
        trace-record import some | cmp - got
        trace-agg repo --by=service --key=privacy >got
        trace-agg some --by=service | cmp - got
    done
}

@test 'a label that nobody could read is an error before anything is kept' {
    sed '/privacy:/d' policy.yaml >none.yaml
    run -0 trace-record policy repo none.yaml
    run -4 trace-record archive repo spans
    assert_output --partial 'could never be read'
    assert_equal "$(find repo/segments -type f | wc -l)" 0
    rm repo/keys/privacy.pub
    trace-record policy repo policy.yaml
    run -4 trace-record archive repo spans
}

@test 'check and ls need no key, and a segment is a plain archive' {
    need_command zstd
    trace-record archive repo spans
    run -0 trace-record check repo
    assert_output ''
    run -0 trace-record ls repo
    file=$(find repo -name '*.zst')
    run -0 tar --zstd -tf "$file"
    assert_output --partial '.attributes.user.email.sealed-pii'
    assert_line keys
}

@test 'key destroy: nobody can read the label any more, the rest is as it was' {
    need_command zstd
    trace-record archive repo spans
    trace-record read repo >before 2>/dev/null
    run -2 trace-record key destroy repo
    run -2 trace-record key destroy repo --label=public
    trace-record key destroy repo --label=pii --until=2001-01-01
    trace-record read repo --key=privacy | grep -q canary-1@
    run -0 trace-record key destroy repo --label=pii
    assert_output 'trace-record: changed 1 segment'
    run -0 --separate-stderr trace-record read repo --key=privacy
    refute_output --partial canary-
    assert_output --partial 'select canary1'
    trace-record read repo >after 2>/dev/null
    cmp before after
    run -0 trace-record check repo
    run -0 trace-record audit repo
    assert_output --partial '"action":"key-destroy","details":{"label":"pii"}'
    no_canary
}

@test 'key add, rotate and remove' {
    trace-record archive repo spans
    trace-record import spans >wanted
    cat >>policy.yaml <<'EOF'
  stranger: {read: [internal, pii, secret], key: keys/stranger.pub}
EOF
    trace-record policy repo policy.yaml
    run -2 trace-record key add repo --role=stranger
    run -2 trace-record key add repo --role=nobody --key=privacy
    trace-record read repo --key=stranger 2>/dev/null | cmp -s wanted - && false
    trace-record key add repo --role=stranger --key=privacy
    trace-record read repo --key=stranger >got
    cmp wanted got
    trace-record key remove repo --role=privacy
    run -0 --separate-stderr trace-record read repo --key=privacy
    refute_output --partial canary
    trace-record key rotate repo --role=privacy --key=stranger
    trace-record read repo --key=privacy >got
    cmp wanted got
    run -0 --separate-stderr trace-record read repo --key=stranger
    refute_output --partial canary
    run -0 trace-record check repo
}

@test 'policy: shown, checked, replaced' {
    trace-record policy repo >shown
    cmp shown policy.yaml
    echo 'segment: {records: 0x}' >bad.yaml
    run -2 trace-record policy repo bad.yaml
    assert_output --partial 'bad.yaml:1:'
    cmp repo/policy.yaml policy.yaml
    assert_equal "$(find repo -name '.new-*')" ''
    run -2 trace-record init --policy=bad.yaml other
    echo 'segment: {records: 50}' >small.yaml
    trace-record init --policy=small.yaml small
    spans 4000 >many
    trace-record archive small many
    run -0 trace-record audit small
    assert_output --partial '"action":"policy"'
    trace-record read small | cmp - <(trace-record import many)
}

@test 'records with labels are not kept in a log of archive, which is not encrypted' {
    need_command zstd
    run -2 trace-record archive --durability=record repo spans
    assert_output --partial 'the policy has labels'
    no_canary
    echo 'durability: record' >>policy.yaml
    trace-record policy repo policy.yaml
    run -2 trace-record archive repo spans
    trace-record archive --durability=segment repo spans
    no_canary
}

@test 'logs that others have left are sealed by the labels' {
    need_command zstd
    echo 'version: 1' >plain.yaml
    trace-record policy repo plain.yaml
    trace-record metric --to=repo load 1 user.email=canary
    cp policy.yaml repo
    mv repo/open/shared.log "repo/open/20200101T000000Z-0123456789abcdef.log"
    trace-record archive repo </dev/null
    no_canary
    run -0 --separate-stderr trace-record read repo --key=privacy
    assert_output --partial canary
    run -0 --separate-stderr trace-record read repo
    refute_output --partial canary
}

@test 'short writers put what has a label into a segment at once, and the rest into the log' {
    need_command zstd
    trace-record metric --to=repo load 1 host=a
    [[ -s repo/open/shared.log ]]
    run -0 trace-record ls repo
    assert_output ''
    run -0 trace-record metric --to=repo load 2 user.email=canary-m
    printf '%s\n' 'load 3 host=b' 'load 4 http.request.header.y=canary-h' | trace-record metric --to=repo -
    id=$(trace-record start --to=repo job --attr=db.statement=canary-s)
    trace-record finish --to=repo "$id"
    trace-record run --to=repo --attr=user.email=canary-r -- true
    no_canary
    run -0 --separate-stderr trace-record read repo
    refute_output --partial canary
    assert_equal "$(jq -s -c 'map(select(.type == "metric") | .value) | sort' <<<"$output")" '[1,2,3,4]'
    run -0 --separate-stderr trace-record read repo --key=privacy
    for value in canary-m canary-h canary-s canary-r; do assert_output --partial "$value"; done
    run -0 trace-record check repo
    trace-record compact repo --key=privacy
    no_canary
    assert_equal "$(find repo/segments -type f | wc -l)" 1
}

@test 'a policy with labels seals what is in logs already' {
    trace-record init other
    mkdir other/keys
    cp ./*.pub other/keys
    trace-record metric --to=other load 1 user.email=canary
    grep -qa canary other/open/shared.log
    trace-record policy other policy.yaml
    ! grep -rqa canary other
    run -0 --separate-stderr trace-record read other --key=privacy
    assert_output --partial canary
    trace-record metric --to=other load 1 host=a
    rm other/keys/privacy.pub
    run -0 trace-record policy other policy.yaml
    assert_output --partial 'open/ is not sealed yet'
}

@test 'large chunks, of which workers make blocks, are sealed as small ones are' {
    need_command zstd
    spans 15000 | sed 's/"service":"cart"/&,"resource":{"service.name":"cart"}/' >many
    for durability in segment none; do
        make_repository policy.yaml
        trace-record archive --durability="$durability" repo many
        trace-record import many >wanted
        trace-record read repo --key=privacy >got
        cmp wanted got
        assert_equal "$(trace-record read repo 2>/dev/null | grep -c '"copy"')" 15000
        run -0 trace-record check repo
        assert_output ''
    done
    no_canary
    trace-agg repo --by=service,attributes.n >without
    trace-agg many --by=service,attributes.n | cmp - without
}
