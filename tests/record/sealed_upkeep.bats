#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# compact, retain, erase and repair where columns are sealed: with the private keys all is as
# elsewhere, and never a byte in clear; without them nothing is done by half.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    run trace-record key new analyst
    [[ $output != *libsodium* ]] || skip 'libsodium is missing'
    trace-record key new privacy
    trace-record key new vault
    cat >policy.yaml <<'EOF'
labels: {pii: [enduser.id, "http.request.header.*"], secret: [db.statement]}
roles:
  analyst: {read: [internal], key: keys/analyst.pub}
  privacy: {read: [internal, pii], key: keys/privacy.pub}
  vault: {read: [secret], key: keys/vault.pub}
redact:
  - {fields: [card], mask: '[0-9]', with: '<$0>'}
EOF
    trace-record init repo
    mkdir repo/keys
    cp ./*.pub repo/keys
    trace-record policy repo policy.yaml
}

# spans FROM TO: a minute apart, of five users; labelled values have the word canary.
spans() {
    awk -v from="$1" -v to="$2" 'BEGIN {
        for (i = from; i < to; i++)
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op\"," \
                "\"startTimeUnixNano\":\"%.0f\",\"durationNano\":%d,\"service\":\"s%d\"," \
                "\"attributes\":{\"n\":%d,\"enduser.id\":\"canary-u%d\",\"db.statement\":\"select canary%d\"," \
                "\"http.request.header.x\":[\"canary\",%d],\"card\":\"4\"}}\n",
                i + 1, i + 1, (1790000000 + i * 60) * 1000000000, i, i % 3, i, i % 5, i, i }'
}

# A repository of N segments of ten spans; what a holder of all keys reads is in `before`.
fill() {
    for ((i = 0; i < $1; i++)); do
        spans $((i * 10)) $((i * 10 + 10)) | trace-record archive repo
    done
    trace-record read repo --key=privacy --key=vault >before
}

segments() {
    find repo/segments -name '*.tar.zst' | sort
}

# Nothing of the repository has the word, neither as it is nor unpacked, and no temporary file is left.
no_canary() {
    local file
    ! grep -rqa canary repo || return 1
    while IFS= read -r file; do
        ! zstd -dcq "$file" | grep -qa canary || return 1
    done < <(find repo -name '*.zst')
    [[ -z $(find repo -name '.new-*') ]]
}

# What the repository is made of, to see that nothing has changed.
state() {
    find repo -type f ! -name upkeep.lock -exec sha256sum {} + | sort
}

@test 'compact joins sealed segments with the keys, and seals them again' {
    need_command zstd
    fill 6
    grep -q '"card":"<4>"' before
    run -0 trace-record compact repo --key=privacy --key-descriptor=5 5<vault
    assert_output ''
    assert_equal "$(segments | wc -l)" 1
    no_canary
    trace-record read repo --key=privacy --key=vault | cmp - before
    run -0 --separate-stderr trace-record read repo --key=privacy
    refute_output --partial 'select canary'
    assert_output --partial 'canary-u1'
    run -0 --separate-stderr trace-record read repo --key=analyst
    refute_output --partial canary
    assert_equal "${#lines[@]}" 60
    run -0 trace-record check repo
}

@test 'compact without all keys leaves sealed segments alone, and says so' {
    fill 3
    state >was
    run -0 trace-record compact repo --key=privacy
    assert_output 'trace-record: repo: 3 small segments stay as they are: no key at hand opens what is sealed as secret'
    assert_equal "$(segments | wc -l)" 3
    state | cmp - was
    run -4 trace-record compact repo --key=none
    run -0 trace-record compact repo --dry-run --key=privacy --key=vault
    assert_output --partial '3 segments with 30 records'
}

@test 'compact seals what had no label before, and never shows what had one' {
    fill 2
    sed 's/secret: \[/secret: [card, /' policy.yaml >more.yaml
    trace-record policy repo more.yaml
    trace-record compact repo --key=privacy --key=vault
    assert_equal "$(segments | wc -l)" 1
    run -0 --separate-stderr trace-record read repo --key=privacy
    refute_output --partial card
    trace-record read repo --key=privacy --key=vault | cmp - before
    spans 20 30 | trace-record archive repo
    sed 's/pii: \[enduser.id, /pii: [/' more.yaml >less.yaml
    trace-record policy repo less.yaml
    segments | xargs sha256sum >was
    run -4 trace-record compact repo --key=privacy --key=vault
    assert_output --partial 'attributes.enduser.id is sealed as pii, and the labels would let others see it'
    run -4 trace-record erase repo --service=s1 --key=privacy --key=vault
    assert_output --partial 'attributes.enduser.id is sealed as pii'
    rm repo/policy.yaml
    run -4 trace-record compact repo --key=privacy --key=vault
    segments | xargs sha256sum | cmp - was
}

@test 'what is written anew is for those whom the policy names now' {
    trace-record key new heir
    fill 2
    cp heir.pub repo/keys
    sed 's,keys/vault.pub,keys/heir.pub,' policy.yaml >other.yaml
    trace-record policy repo other.yaml
    trace-record compact repo --key=privacy --key=vault
    trace-record read repo --key=privacy --key=heir | cmp - before
    run -0 --separate-stderr trace-record read repo --key=vault
    refute_output --partial canary
}

@test 'what was destroyed is no reason to keep the rest as it is' {
    fill 2
    trace-record key destroy repo --label=secret
    trace-record read repo --key=privacy >left 2>/dev/null
    trace-record compact repo --key=privacy
    assert_equal "$(segments | wc -l)" 1
    run -0 --separate-stderr trace-record read repo --key=privacy
    assert_equal "$stderr" ''
    assert_equal "$output" "$(cat left)"
    refute_output --partial 'select canary'
}

@test 'key destroy waits for other upkeep: no segment that it makes escapes' {
    need_command flock
    fill 3
    exec 9>>repo/upkeep.lock
    flock 9
    segments | xargs sha256sum >was
    trace-record key destroy repo --label=pii 9>&- 3>&- &
    local destroyer=$!
    sleep 0.5
    kill -0 $destroyer
    segments | xargs sha256sum | cmp - was
    exec 9>&-
    wait $destroyer
    run -0 --separate-stderr trace-record read repo --key=privacy --key=vault
    refute_output --partial canary-u
}

@test 'key destroy waits for readers: what was replaced has its keys until it goes' {
    need_command flock
    fill 3
    exec 8<repo/segments
    flock -s 8
    trace-record compact repo --key=privacy --key=vault 8<&-
    assert_equal "$(segments | wc -l)" 4
    trace-record key destroy repo --label=pii 8<&- 3>&- 2>told &
    local destroyer=$!
    for ((i = 0; i < 200; i++)); do
        ! grep -q 'waiting for those who read' told || break
        sleep 0.05
    done
    kill -0 $destroyer
    exec 8<&-
    wait $destroyer
    assert_equal "$(segments | wc -l)" 1
    run -0 --separate-stderr trace-record read repo --key=privacy --key=vault
    refute_output --partial canary-u
}

@test 'erase finds somebody by a sealed attribute, and leaves no byte' {
    need_command zstd
    fill 6
    run -0 trace-record erase repo --key=privacy --key=vault --dry-run \
        --where='.attributes["enduser.id"] == "canary-u3"'
    assert_equal "${#lines[@]}" 6
    run -0 trace-record erase repo --key=privacy --key=vault \
        --where='.attributes["enduser.id"] == "canary-u3"'
    assert_output '12 records erased'
    no_canary
    trace-record read repo --key=privacy --key=vault >after
    cmp after <(grep -v canary-u3 before)
    run -0 trace-record check repo
    run -0 trace-record audit repo
    refute_output --partial canary
    assert_equal "$(jq -c 'select(.action=="erase") | [.actor.uid, .details.records, (.timeUnixNano | length)]' <<<"$output")" "[$(id -u),12,19]"
    trace-agg repo | jq -e '.count == 48'
}

@test 'erase without a key that it needs changes nothing, and says what is missing where' {
    fill 3
    state >was
    first=$(segments | head -1)
    run -4 trace-record erase repo --where='.attributes["enduser.id"] == "canary-u3"'
    assert_output "trace-record: repo: ${first#repo/}: no key at hand opens what is sealed as pii"
    run -4 trace-record erase repo --key=privacy --where='.attributes["enduser.id"] == "canary-u3"'
    assert_output "trace-record: repo: ${first#repo/}: no key at hand opens what is sealed as secret"
    run -4 trace-record erase repo --key=privacy --where='.name as $n | $n == "op" and .durationNano == 3'
    assert_output --partial 'no key at hand opens what is sealed as secret'
    state | cmp - was
    # whole segments by what anybody can see
    run -0 trace-record erase repo --until=2026-09-21T14:23:20Z
    assert_output --partial '10 records erased'
    trace-record read repo --key=privacy --key=vault | cmp - <(tail -n +11 before)
}

@test 'erase is for those who may: by name, by group, or by the key of the role' {
    fill 1
    sed 's/privacy: {/privacy: {may: [erase, hold], users: [nobody-of-that-name], groups: [no-such-group], /' policy.yaml >strict.yaml
    trace-record policy repo strict.yaml
    run -4 trace-record erase repo --where=true --key=vault
    assert_output --partial 'its policy lets others erase'
    run -4 trace-record hold repo law --where=true
    run -4 trace-record key destroy repo --label=pii
    run -4 trace-record key destroy repo --label=pii --key=vault
    assert_equal "$(segments | wc -l)" 1
    run -0 trace-record erase repo --where=true --key=privacy --dry-run
    run -0 trace-record hold repo law --where=true --key=privacy
    run -4 trace-record hold repo law --release
    run -0 trace-record hold repo law --release --key=privacy
    run -0 trace-record key destroy repo --label=secret --key=privacy
    sed "s/no-such-group/$(id -gn)/" strict.yaml >group.yaml
    trace-record policy repo group.yaml
    run -0 trace-record erase repo --where=true
    assert_output '10 records erased'
}

@test 'retain: whole segments go without a key, others need it' {
    need_command zstd
    fill 3
    echo 'retention: [{type: span, keep: 30d}]' >>policy.yaml
    trace-record policy repo policy.yaml
    segments | xargs sha256sum >was
    run -4 trace-record retain repo --now=2026-10-21T14:28:20Z --key=privacy
    assert_output --regexp 'segments/.*: no key at hand opens what is sealed as secret'
    segments | xargs sha256sum | cmp - was
    run -0 trace-record retain repo --now=2026-10-21T14:22:20Z
    trace-record read repo --key=privacy --key=vault | cmp - <(tail -n +11 before)
    run -0 trace-record retain repo --now=2026-10-21T14:28:20Z --key=privacy --key=vault
    trace-record read repo --key=privacy --key=vault | cmp - <(tail -n +17 before)
    no_canary
}

@test 'retain by label destroys keys of segments that are old enough, and keeps the rest' {
    fill 3
    echo 'retention: [{label: secret, keep: 1d}, {label: pii, keep: 90d}]' >>policy.yaml
    trace-record policy repo policy.yaml
    segments | xargs sha256sum >was
    # the records of the first two are a day old, of the third all but the last
    now=2026-09-22T14:42:19Z
    run -0 trace-record retain repo --dry-run --now="$now"
    assert_equal "$output" "$(segments | head -2 | sed 's,^repo/\(.*\),\1: what is sealed as secret,')"
    segments | xargs sha256sum | cmp - was
    trace-record hold repo law --where='.attributes.n == 13'
    run -0 trace-record retain repo --now="$now"
    run -0 trace-record audit repo
    assert_output --partial '"action":"retain","details":{"records":0,"segments":0,"keysDestroyed":{"secret":1}}'
    trace-record read repo --key=privacy --key=vault >after 2>/dev/null
    cmp after <(head -10 before | jq -c 'del(.attributes["db.statement"])' && tail -n +11 before)
    trace-record hold repo law --release
    trace-record retain repo --now="$now"
    trace-record read repo --key=privacy --key=vault >after 2>/dev/null
    cmp after <(head -20 before | jq -c 'del(.attributes["db.statement"])' && tail -n +21 before)
    run -0 trace-record audit repo
    before=${#lines[@]}
    trace-record retain repo --now="$now"
    run -0 trace-record audit repo
    assert_equal "${#lines[@]}" "$before"
    run -0 trace-record check repo
}

@test 'a hold on a sealed attribute is obeyed, and not passed over without the key' {
    fill 2
    trace-record hold repo law --where='.attributes["enduser.id"] == "canary-u2"'
    run -4 trace-record erase repo --service=s0,s1,s2
    assert_output --partial 'no key at hand opens what is sealed as pii'
    run -4 trace-record erase repo --service=s0,s1,s2 --key=privacy --key=vault
    assert_output --partial 'the hold law covers 4 of these records'
    trace-record read repo --key=privacy --key=vault | cmp - before
}

@test 'upkeep seals what is in logs by the labels' {
    need_command zstd
    mv repo/policy.yaml .
    trace-record metric --to=repo load 1 enduser.id=canary-u9
    mv policy.yaml repo
    run -0 trace-record erase repo --where='.service == "nobody"'
    no_canary
    run -0 --separate-stderr trace-record read repo --key=privacy
    assert_output --partial canary-u9
}

# flip FILE OFFSET: another byte there.
flip() {
    local byte
    chmod u+w "$1"
    byte=$(od -An -tu1 -j"$2" -N1 "$1")
    # shellcheck disable=SC2059
    printf "\\$(printf %03o $(((byte + 1) % 256)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# member FILE NAME: where in the file the frame of the first member begins whose name matches.
member() {
    local at=0 size name
    while read -r size name; do
        [[ $name != $2 ]] || break
        at=$((at + size))
    done < <(paste -d ' ' <(frames "$1") <(tar --zstd -tf "$1"))
    echo "$at"
}

# frames FILE: their packed lengths, from the seek table.
frames() {
    local count
    count=$(od -An -tu4 -j$(($(stat -c %s "$1") - 9)) -N4 "$1")
    od -An -v -w8 -tu4 -j$(($(stat -c %s "$1") - 9 - 8 * count)) -N$((8 * count)) "$1" | awk '{ print $1 }'
}

@test 'a damaged index costs no sealed value' {
    need_command zstd
    fill 1
    file=$(segments)
    cp "$file" whole
    size=$(stat -c %s "$file")
    index=$((8 + 8 * $(frames "$file" | wc -l) + 9 + 80)) # the seek table and the footer
    # the seek table is damaged; the manifest; there is no footer any more
    for damage in "flip $file $((size - 20))" "flip $file $(($(member "$file" manifest.json) + 30))" "truncate -s -$index $file"; do
        cp --remove-destination whole "$file"
        $damage
        run -4 --separate-stderr trace-record read repo --key=privacy --key=vault
        assert_equal "$output" "$(cat before)"
        run -4 --separate-stderr trace-record read repo --key=privacy
        refute_output --partial select
        assert_output --partial canary-u3
    done
    run -4 trace-record repair repo --key=privacy
    assert_output --partial 'it stays as it is, damaged: no key at hand opens what is sealed as secret'
    trace-record read repo --key=privacy --key=vault 2>/dev/null | cmp - before
    run -0 trace-record repair repo --key=privacy --key=vault
    assert_output --partial '10 records kept, which are all'
    trace-record read repo --key=privacy --key=vault | cmp - before
    rm -r repo/quarantine
    no_canary
    run -0 trace-record check repo
}

@test 'where a block is lost, the sealed columns of those behind it are not' {
    need_command zstd
    spans 0 10 >some
    logs=$(sed 's/"type":"span"/"type":"log"/; s/startTimeUnixNano/timeUnixNano/; s/"durationNano":[0-9]*,//' some)
    (cat some && echo "$logs") | trace-record archive repo
    trace-record read repo --key=privacy --key=vault >before
    file=$(segments)
    first=$(tar --zstd -tf "$file" | head -1)
    flip "$file" $((size = $(stat -c %s "$file") - 20))
    flip "$file" 40 # the first directory
    run -4 --separate-stderr trace-record read repo --key=privacy --key=vault
    assert_equal "$output" "$(grep "\"type\":\"$([[ $first == log-* ]] && echo span || echo log)\"" before)"
    run -1 trace-record repair repo --key=privacy --key=vault
    assert_output --partial '10 records kept, others are lost'
}

@test 'damaged keys cost what was sealed, and no more' {
    need_command zstd
    fill 1
    file=$(segments)
    flip "$file" $(($(member "$file" keys) + 30))
    run -4 --separate-stderr trace-record read repo --key=privacy --key=vault
    refute_output --partial canary
    assert_equal "${#lines[@]}" 10
    run -1 trace-record repair repo --key=privacy --key=vault
    assert_output --partial '10 records kept, but what was sealed is lost'
    run -0 trace-record check repo
    assert_equal "$(trace-record read repo | wc -l)" 10
}
