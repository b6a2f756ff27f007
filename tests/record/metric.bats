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
    [[ $stderr == *'-:4: has no value'*'-:6: '*"-:7: 'x' is not K=V"*'-:8: '* ]]
}

@test 'blocks of JSON: records as they are, others canonical, bad ones named in their order' {
    {
        printf '{"type":"metric","metricName":"a","value":1,"x":{ },"timeUnixNano":"5"}\r\n{"value":2,"metricName":"b"}\n'
        printf '{"spanId":"a","traceId":"b"}\n{"type":"metric"\n\n{"type":"metric","metricName":"c","value":3}\nd 4\n'
        printf '{"type":"metric","metricName":"e","value":nul}\n{"type":"metric","metricName":"f","value":6}'
    } >lines
    run -3 --separate-stderr trace-record metric - <lines
    assert_equal "$(sed 's/,"timeUnixNano":"[0-9][0-9]*"//' "$trace")" '{"type":"metric","metricName":"a","value":1,"x":{ }}
{"type":"metric","metricName":"b","value":2}
{"type":"metric","metricName":"c","value":3}
{"type":"metric","metricName":"d","value":4}
{"type":"metric","metricName":"f","value":6}'
    assert_equal "${#stderr_lines[@]}" 3
    [[ ${stderr_lines[0]} == *-:3:\ * && ${stderr_lines[1]} == *-:4:\ * && ${stderr_lines[2]} == *-:8:\ * ]]
}

@test 'JSON without a time gets one, each a later one; others keep theirs' {
    printf '%s\n' '{"type":"metric","metricName":"a","value":1}' '{"value":2,"metricName":"b","resource":{"service.name":"s"}}' \
        '{"type":"metric","metricName":"c","timeUnixNano":"7","value":3}' '{"metricName":"d","timeUnixNano":8,"value":4}' >lines
    before=$(date +%s%N)
    trace-record metric - <lines
    run -0 jq -r '[.metricName, .timeUnixNano, .service // ""] | join(" ")' "$trace"
    read -r name first _ <<<"${lines[0]}"
    ((first >= before))
    assert_equal "$name/${lines[1]}" "a/b $((first + 1)) s"
    assert_line --index 2 'c 7 '
    assert_line --index 3 'd 8 '
}

@test '--sample holds for JSON, too, and says so beside what was said before' {
    for i in {1..50}; do
        printf '{"type":"metric","metricName":"a","value":%d,"timeUnixNano":"%d"}\n{"metricName":"b","value":1,"quality":{"x":1,"sampleRate":0.5}}\na 1\n' "$i" "$i"
    done >lines
    trace-record metric - --sample=0.1 <lines
    assert_equal "$(wc -l <"$trace")" 15
    assert_equal "$(jq -c 'select(.metricName == "a") | .quality' "$trace" | sort -u)" '{"sampleRate":0.1}'
    assert_equal "$(jq -c 'select(.metricName == "b") | .quality' "$trace" | sort -u)" '{"sampleRate":0.05,"x":1}'
    run -0 jq -c 'select(.timeUnixNano == null)' "$trace"
    assert_output ''
}

@test 'USR1 says how far it is' {
    mkfifo pipe
    trace-record metric - <pipe 3>&- 2>said &
    exec 9>pipe
    printf 'a 1\na 2\n' >&9
    for _ in {1..100}; do
        [[ ! -s $trace ]] || break
        sleep 0.05
    done
    kill -USR1 $!
    for _ in {1..100}; do
        [[ ! -s said ]] || break
        sleep 0.05
    done
    exec 9>&-
    wait $!
    assert_equal "$(<said)" 'trace-record: 2 lines'
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

@test 'plain lines and odd ones give the same records' {
    cat >lines <<'END'
a 1
a.b-c -0.5 k=v
 a	1e9  k=1 l=-0.25 m=1e5 n=01 o= p=a=b q=true r=false s=null 
v true
v false
v truex k=false.
v 1.
v .5
v 01
v -
v 1e
v 1E+05
v -0
v 00.5 k=-0 l=-
END
    for n in {1..16}; do printf ' k%s=%s' $n $n; done >more
    { printf 'v 1'; cat more; printf '\nv 1 z=1'; cat more; printf '\nv 1 k=1 k=2\nnaïve 1 k="5" l=\\n\nv "a"\n'; } >>lines
    options=(--time=2026-01-01T00:00:00Z --unit=s --metric-type=timer --service=s --sample=1 --trace=abc)
    trace-record metric - "${options[@]}" --to=plain <lines
    trace-record define other --metric-type=gauge --to=odd # so that each is looked up
    trace-record metric - "${options[@]}" --to=odd <lines
    cmp plain <(sed 1d odd)
    trace-record import plain | cmp - plain
    assert_equal "$(wc -l <plain)" "$(wc -l <lines)"
    assert_equal "$(sed -n 3p plain | jq -c .dimensions)" \
        '{"k":1,"l":-0.25,"m":"1e5","n":"01","o":"","p":"a=b","q":true,"r":false,"s":"null"}'
}

@test 'the share of --sample is exact, and not of every other line' {
    for _ in {1..500}; do printf 'a 1\nb 1\n'; done >lines
    for rate in 0.5 0.9 0.123 1%; do
        rm -f "$trace"
        trace-record metric - --sample=$rate <lines
        awk -v n="$(wc -l <"$trace")" -v r="$rate" 'BEGIN { sub(/1%/, "0.01", r); exit !(n >= 1000 * r - 1 && n <= 1000 * r + 1) }' ||
            fail "$rate: $(wc -l <"$trace")"
    done
    trace-record metric - --sample=0.5 --to=half <lines
    count=$(grep -c '"metricName":"a"' half)
    ((count > 190 && count < 310))
}

@test 'each line of a batch has its own time' {
    seq 5000 | sed 's/^/n /' | trace-record metric -
    assert_equal "$(jq -r .timeUnixNano "$trace" | sort -u | wc -l)" 5000
    assert_equal "$(jq -r .timeUnixNano "$trace" | sort -c && echo sorted)" sorted
}

@test 'a text that may be meant as a number is noted' {
    local -a odd=(.5 +5 5. 007 -.5 12ms 50% 1e 0x) plain=(0.5 -2 1e3 5d41402a 1.2.3 2026-01-05 text - . true NaN)
    for value in "${odd[@]}"; do
        run -0 trace-record metric n "$value"
        assert_output "trace-record: '$value' is recorded as a text: numbers are as JSON has them (0.5, -2, 1e3)"
    done
    for value in "${plain[@]}"; do
        run -0 trace-record metric n "$value"
        assert_output ''
    done
    assert_equal "$(jq -c .value "$trace" | head -n 9)" "$(printf '"%s"\n' "${odd[@]}")"
    # lines of plain characters, and others
    run -0 trace-record metric - < <(printf 'n %s\n' "${odd[@]}" "${plain[@]}")
    assert_output 'trace-record: 9 values like .5 or 12ms were recorded as texts: numbers are as JSON has them (0.5, -2, 1e3)'
    run -0 trace-record metric - < <(printf 'n %s k="\n' 1 .5 7.)
    assert_output 'trace-record: 2 values like .5 or 12ms were recorded as texts: numbers are as JSON has them (0.5, -2, 1e3)'
    run -0 trace-record metric - <<<'n .5'
    assert_output 'trace-record: 1 value like .5 or 12ms was recorded as text: numbers are as JSON has them (0.5, -2, 1e3)'
}

@test 'a line has 256 dimensions at most' {
    local -a words
    for i in {1..257}; do words+=("k$i=$i"); done
    run -3 trace-record metric - <<<"n 1 ${words[*]:0:256}"$'\n'"n 2 ${words[*]}"
    assert_output 'trace-record: -:2: has more than 256 dimensions'
    assert_equal "$(jq -c '[.value,(.dimensions|length)]' "$trace")" '[1,256]'
}

@test 'a definition gives type and unit, and refuses another type' {
    trace-record init repo
    for to in "$trace" repo; do
        run -0 trace-record define --to=$to requests --metric-type=counter --unit='{request}' --description='all of them'
        assert_output ''
        trace-record metric --to=$to requests 1
        trace-record metric --to=$to requests 2 --metric-type=counter --unit=s
        trace-record metric --to=$to free 3 --metric-type=gauge
        run -2 trace-record metric --to=$to requests 4 --metric-type=gauge
        assert_line --index 0 "trace-record: $to: requests is defined as a counter, and this is a gauge"
        run -2 trace-record define --to=$to requests --metric-type=timer
        printf '%s\n' 'requests 5' '{"metricName":"requests","metricType":"timer","value":6}' \
            '{"metricName":"requests","metricType":"counter","value":7}' 'free 8' >lines
        run -3 trace-record metric --to=$to - <lines
        assert_output 'trace-record: -:2: requests is defined as a counter, and this is a timer'
        printf 'requests 9\nfree 10\n' >lines
        run -3 trace-record metric --to=$to - --metric-type=gauge <lines
        # records of ours, which could go on as they are
        run -3 trace-record metric --to=$to - <<<'{"type":"metric","metricName":"requests","metricType":"timer","value":11}'
        assert_output 'trace-record: -:1: requests is defined as a counter, and this is a timer'
        trace-record read $to --type=metric >records
        assert_equal "$(jq -c '[.metricName,.value,.metricType,.unit]' records | sort -t, -nk2 | xargs)" \
            '[requests,1,counter,{request}] [requests,2,counter,s] [free,3,gauge,null] [requests,5,counter,{request}] [requests,7,counter,null] [free,8,null,null] [free,10,gauge,null]'
        # the record is one, and once
        trace-record define --to=$to requests --metric-type=counter --unit='{request}' --description='all of them'
        assert_equal "$(trace-record read $to --type=log | jq -c '[.eventName,.attributes]')" \
            '["metric.defined",{"metric.name":"requests","metric.type":"counter","metric.unit":"{request}","metric.description":"all of them"}]'
        trace-record define --to=$to requests --metric-type=counter
        assert_equal "$(trace-record read $to --type=log | wc -l)" 2
    done
    trace-record check repo
    # it went with the file that it was in
    rm "$trace"
    trace-record metric requests 1 --metric-type=gauge
    trace-record define requests --metric-type=timer
    run -2 trace-record metric requests 1 --metric-type=gauge
}

@test 'what cannot be defined is told' {
    run -2 trace-record define
    run -2 trace-record define a
    run -2 trace-record define a b --metric-type=gauge
    run -2 trace-record define a --metric-type=odd
    run -2 trace-record define a --metric-type=gauge --to=-
    assert_file_not_exist "$trace.metrics"
    run -4 trace-record define a --metric-type=gauge --to=/nonexistent/x
    mkdir "$trace.metrics"
    run -4 trace-record metric a 1
    run -4 trace-record define a --metric-type=gauge
}

@test 'many processes at once append to one file, and nothing is lost' {
    count=500
    [[ -z ${TRACECORE_TEST_LONG-} ]] || count=10000
    seq "$count" | xargs -P 64 -I{} trace-record metric n {}
    jq .value "$trace" | sort -n | cmp - <(seq "$count")
    echo "# $count processes, $(wc -l <"$trace") records" >&3
}
