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

@test 'upkeep seals what is in logs by the labels' {
    trace-record metric --to=repo load 1 enduser.id=canary-u9
    run -0 trace-record erase repo --where='.service == "nobody"'
    no_canary
    run -0 --separate-stderr trace-record read repo --key=privacy
    assert_output --partial canary-u9
}
