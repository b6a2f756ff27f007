#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Redaction by a policy: of what is archived, imported and read.
bats_require_minimum_version 1.5.0

setup() {
    load ../helper
    cd "$BATS_TEST_TMPDIR"
    cat >policy.yaml <<'EOF'
redact:
  - {fields: [http.url, message, body], mask: '(?i)(token|password)=[^& "]+', with: '$1=***'}
  - {fields: [enduser.id], pseudonym: hmac}
  - {fields: [kept], keep: true}
  - {fields: ["secret*"], drop: true}
  - {fields: [evil], mask: '^(a+)+$'}
EOF
}

# planted N: records with N secrets in all.
planted() {
    awk -v n="$1" 'BEGIN {
        for (i = 1; i <= n / 5; i++)
            printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op\"," \
                "\"startTimeUnixNano\":\"170000%013d\",\"attributes\":{\"http.url\":\"/?Token=planted%d&a=1\"," \
                "\"enduser.id\":\"planted%d\",\"secret.key\":{\"a\":[\"planted%d\"]}," \
                "\"deep\":{\"message\":[{\"x\":\"password=planted%d\"}],\"secrets\":\"planted%d\"},\"n\":%d}}\n",
                i, i, i, i, i, i, i, i, i }'
}

@test 'of 10,000 planted secrets none is left' {
    planted 10000 >in
    assert_equal "$(grep -o planted in | wc -l)" 10000
    trace-record init --policy=policy.yaml repo
    trace-record archive repo in
    trace-record read repo >read
    trace-record import --redact=policy.yaml in >imported
    trace-record init plain
    trace-record archive plain in
    trace-record read plain --redact=policy.yaml >late
    trace-record read in --redact=policy.yaml -j 1 >one
    for file in read imported late one; do
        left=$(grep -o planted "$file" | wc -l)
        echo "# $file: $left secrets left" >&3
        assert_equal "$left" 0
        assert_equal "$(wc -l <"$file")" 2000
    done
    ! zstd -dcq $(find repo -name '*.zst') | grep -qa planted
    cmp imported late
    cmp imported one
    run -0 head -n 1 read
    assert_output --partial '"http.url":"/?Token=***&a=1"'
    assert_output --partial '"deep":{"message":[{"x":"password=***"}]}'
    assert_equal "$(stat -c %a repo/keys/pseudonym.key)" 600
}

@test 'records that come one by one are redacted, too' {
    trace-record init --policy=policy.yaml repo
    for i in 1 2 3; do
        planted 5
        sleep 0.05
    done | trace-record archive repo
    run -0 trace-record read repo
    refute_output --partial planted
    assert_equal "${#lines[@]}" 3
}

@test 'a pseudonym is the same for the same value and key, and no other' {
    planted 10 >in
    trace-record import --redact=policy.yaml in >a
    trace-record import --redact=policy.yaml in >b
    cmp a b
    assert_equal "$(jq -r '.attributes["enduser.id"]' a | sort -u | wc -l)" 2
    mkdir other
    cp policy.yaml other
    trace-record import --redact=other/policy.yaml in >c
    run -1 cmp -s a c
    chmod 644 keys/pseudonym.key
    run -4 trace-record import --redact=policy.yaml in
    assert_output --partial "must be its owner's alone"
}

@test 'a mask that needs too much work takes the field away' {
    evil=$(printf 'a%.0s' {1..40})b
    echo '{"type":"log","body":"x","attributes":{"evil":"'"$evil"'","kept":"token=1","n":1}}' >in
    run -0 trace-record import --redact=policy.yaml in
    assert_output --partial '"attributes":{"kept":"token=1","n":1}'
}

@test 'a policy that is wrong redacts nothing: nothing is written' {
    echo 'redact: [{fields: [a], mask: "("}]' >bad.yaml
    run -2 trace-record import --redact=bad.yaml /dev/null
    assert_output --partial 'bad.yaml:1:'
    run -2 trace-record read --redact=none.yaml /dev/null || run -4 trace-record read --redact=none.yaml /dev/null
}

@test 'what is recorded one by one is redacted before it is in a log, and not twice' {
    trace-record init --policy=policy.yaml repo
    trace-record metric --to=repo load 1 secret.key=planted enduser.id=bob
    ! grep -qa -e planted -e bob repo/open/*
    trace-record read repo >before
    assert_equal "$(wc -l <before)" 1
    sleep 0.01
    trace-record archive --durability=record repo <<<'{"type":"log","body":"token=planted","attributes":{"enduser.id":"bob"}}'
    trace-record read repo >after
    ! grep -q planted after
    assert_equal "$(jq -r '.dimensions["enduser.id"] // .attributes["enduser.id"]' after | sort -u | wc -l)" 1
}
