# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record metric: from the command line, from lines, and from many processes at once.

load ../helper

trace=trace.ndjson

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

last() { # last FILTER: of the last record
    tail -n 1 "$trace" | jq -c "$1"
}

@test 'a metric has what the command line says' {
    trace-record metric queue.length 17 queue=mail shard=3 full=false --unit='{message}' \
        --metric-type=gauge --service=mta --time=2026-01-01T00:00:00Z
    assert_equal "$(cat "$trace")" '{"type":"metric","metricName":"queue.length","metricType":"gauge","value":17,"unit":"{message}","timeUnixNano":"1767225600000000000","dimensions":{"queue":"mail","shard":3,"full":false},"service":"mta"}'
    trace-record metric a 1
    assert_equal "$(last keys)" '["metricName","timeUnixNano","type","value"]'
}

@test 'values are numbers, booleans or texts, digit by digit' {
    while read -r value json; do
        trace-record metric v "$value"
        assert_equal "$(tail -n 1 "$trace" | sed 's/.*"value":\(.*\),"time.*/\1/')" "$json"
    done <<'EOF'
1 1
-5 -5
1e-3 1e-3
123456789012345678901234567890 123456789012345678901234567890
0.10 0.10
true true
false false
null "null"
on "on"
NaN "NaN"
.5 ".5"
[1] "[1]"
EOF
}

@test 'the trace comes from --trace, else from TRACEPARENT' {
    export TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
    trace-record metric a 1
    assert_equal "$(last .context)" '{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}'
    trace-record metric a 1 --trace=ABC
    assert_equal "$(last .context)" '{"traceId":"00000000000000000000000000000abc"}'
    TRACEPARENT=nonsense trace-record metric a 1
    assert_equal "$(last .context)" null
}

@test '--sample records a share, and says so' {
    seq 2000 | sed 's/^/n /' | trace-record metric - --sample=25%
    count=$(wc -l <"$trace")
    ((count > 380 && count < 620)) # six times the standard deviation
    assert_equal "$(jq -c .quality "$trace" | sort -u)" '{"sampleRate":0.25}'
    trace-record metric none 1 --sample=0 --to=other
    assert_file_not_exist other
}

@test 'lines of standard input: words, JSON, and what is neither' {
    printf 'a 1 k=v\n\n  b\t-2.5  \r\nbad\n{"metricName":"j","value":2,"x":[]}\n{"spanId":"a"}\nc 3 x\n{\nlast on' >lines
    run -3 --separate-stderr trace-record metric - --unit=s <lines
    assert_equal "$(jq -r '"\(.metricName) \(.value) \(.unit)"' "$trace")" $'a 1 s\nb -2.5 s\nj 2 null\nlast on s'
    assert_equal "$(wc -l <<<"$stderr")" 4
    [[ $stderr == *'-:4: has no value'*'-:6: is no metric'*"-:7: 'x' is not K=V"*'-:8: '* ]]
}

@test 'a slow pipe is recorded as it comes, and TERM keeps what came' {
    mkfifo pipe
    trace-record metric - <pipe 3>&- &
    exec 9>pipe
    echo 'a 1' >&9
    for _ in {1..100}; do
        [[ -s $trace ]] && break
        sleep 0.05
    done
    assert_equal "$(last .value)" 1
    echo 'a 2' >&9
    sleep 0.2
    kill -TERM $!
    wait $!
    exec 9>&-
    assert_equal "$(last .value)" 2
}

@test 'usage errors record nothing' {
    local -a cases=('' 'a' 'a 1 x' 'a 1 =x' 'a 1 --trace=zz' 'a 1 --sample=2' 'a 1 --sample=200%'
        'a 1 --metric-type=odd' 'a 1 --to=-' '- a')
    for words in "${cases[@]}"; do
        # shellcheck disable=SC2086 # words
        run -2 trace-record metric $words </dev/null
    done
    run -2 trace-record metric '' 1
    assert_file_not_exist "$trace"
}

@test 'many processes at once share one log of a repository, and nothing is lost' {
    count=500
    [[ -z ${TRACECORE_TEST_LONG-} ]] || count=10000
    trace-record init repo
    seq "$count" | xargs -P 64 -I{} trace-record metric --to=repo n {}
    assert_equal "$(ls repo/open)" shared.log
    trace-record read repo | jq .value | sort -n | cmp - <(seq "$count")
    mv repo/open/shared.log repo/open/left.log
    seq "$count" | xargs -P 64 -I{} trace-record metric --to=repo n -{}
    segments=$(find repo/segments -name '*.tar.zst' | wc -l)
    ((segments == 1))
    assert_equal "$(ls repo/open)" shared.log
    found=$(trace-record read repo | wc -l)
    echo "# $((2 * count)) processes, $found records, $segments segment" >&3
    assert_equal "$found" $((2 * count))
    run -0 trace-record check repo
    assert_output ''
}
