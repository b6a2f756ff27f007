# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record send, and --to=URL, against a receiver that answers as it is told.

load ../helper

# What TLS libraries keep until the end is not ours.
export ASAN_OPTIONS=detect_leaks=0

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    trace-record send http://127.0.0.1:9 </dev/null 2>&1 | grep -q 'without libcurl' &&
        skip 'this build has no libcurl'
    pid=
    spans 5 >five.ndjson
}

teardown() {
    [[ -z $pid ]] || kill "$pid" 2>/dev/null || true
}

# receiver ANSWER...: $url is its address.
receiver() {
    teardown # one that is there
    rm -f port
    "$top_builddir/tests/record/receiver" "$@" >port 2>/dev/null 3>&- &
    pid=$!
    while [[ ! -s port ]]; do sleep 0.02; done
    url=http://127.0.0.1:$(cat port)
}

spans() { # spans COUNT
    local i
    for ((i = 1; i <= $1; i++)); do
        printf '{"type":"span","traceId":"%032x","spanId":"%016x","name":"n","kind":"server","startTimeUnixNano":"1000","endTimeUnixNano":"3000","durationNano":2000,"status":"ok","service":"s","resource":{"service.name":"s"}}\n' 7 "$i"
    done
}

send() {
    run --separate-stderr trace-record send --retry-delay=20ms "$@"
}

# got N...: the records in these requests, which were in OTLP/JSON.
got() {
    local n
    for n; do
        trace-record import --from=otlp "$n.body"
    done
}

@test 'each signal goes to its path, in batches, packed' {
    receiver 200
    cat five.ndjson - >all.ndjson <<'EOF'
{"type":"metric","metricName":"m","metricType":"gauge","value":3}
{"type":"log","timeUnixNano":"5","severity":"info","body":"b","severityNumber":9}
EOF
    send --protocol=json --batch=2 --header='X-Scope: a b' "$url/" all.ndjson
    assert_success
    assert_equal "$stderr" ''
    assert_equal "$(head -qn 1 [1-5].head | tr -d '\r' | sort | uniq -c | sed 's/^ *//')" \
        $'1 POST /v1/logs HTTP/1.1\n1 POST /v1/metrics HTTP/1.1\n3 POST /v1/traces HTTP/1.1'
    grep -q '^Content-Encoding: gzip' 1.head
    grep -q '^Content-Type: application/json' 1.head
    grep -q '^X-Scope: a b' 5.head
    assert_equal "$(got 1 2 3 4 5)" "$(cat all.ndjson)"
}

@test 'aggregates go as the metrics that they are, and come back as those' {
    trace-agg --by=service --stat=count,histogram five.ndjson >aggregates
    receiver 200
    send --protocol=json "$url/" aggregates
    assert_success
    assert_equal "$stderr" ''
    run -0 jq -c '[.metricName, .value, .histogram.count]' <(got 1)
    assert_output $'["span.duration",null,5]\n["span.count",5,null]'
    receiver 400
    send --rejects=rejects "$url/" aggregates
    assert_failure 4
    run -0 jq -r .metricName rejects
    assert_output $'span.duration\nspan.count'
}

@test 'protobuf is the default, and may go unpacked' {
    receiver 200
    send --compression=none "$url" five.ndjson
    assert_success
    grep -q '^Content-Type: application/x-protobuf' 1.head
    run ! grep -q '^Content-Encoding' 1.head
    trace-record export --to-format=otlp-proto --unframed five.ndjson | cmp - 1.body
}

@test 'a long body is sent without asking for leave' {
    receiver 200
    printf '{"spanId":"1","traceId":"1","name":"%03000000d"}\n' 0 >long.ndjson
    send --compression=none "$url" long.ndjson
    assert_success
    assert [ "$(wc -c <1.body)" -gt 3000000 ]
    run ! grep -qi '^Expect' 1.head
}

@test 'what a receiver cannot take now is sent again, not before it says' {
    receiver 503 429:1 502 200
    local before=${EPOCHREALTIME/./}
    send --protocol=json "$url" five.ndjson
    assert_success
    assert [ $((${EPOCHREALTIME/./} - before)) -ge 1000000 ]
    assert_equal "$stderr" "trace-record: $url/v1/traces: status 503; trying again"
    assert_equal "$(ls ./*.head | wc -l)" 4
    cmp 1.body 4.body
}

@test 'a receiver may say by a date when to come again' {
    receiver "503:$(LC_ALL=C date -u -d '+3 seconds' '+%a, %d %b %Y %H:%M:%S GMT')" 200
    local before=${EPOCHREALTIME/./}
    send "$url" five.ndjson
    assert_success
    assert [ $((${EPOCHREALTIME/./} - before)) -ge 1000000 ]
}

@test 'what a receiver will never take is sent once, what it may take later again' {
    local code
    for code in 400 401 403 404 500 501 505 302; do
        receiver "$code" 200
        send "$url" five.ndjson
        assert_failure 4
        [[ $stderr == *"5 records not delivered after 1 attempt: status $code"* ]]
    done
    for code in 429 502 503 504; do
        receiver "$code" 200
        send "$url" five.ndjson
        assert_success
    done
}

@test 'waits between attempts grow' {
    receiver 503
    send --retry-delay=50ms --retry-for=1500ms "$url" five.ndjson
    assert_failure 4
    assert_regex "$stderr" 'after [4-8] attempts: status 503' # 50, 100, 200, 400, 800 ms, about
}

@test 'answers in protobuf are read' {
    printf '\012\013\010\002\022\007too old' >partial
    printf '\010\003\022\003bad' >status
    receiver 200@partial 400@status
    send "$url" five.ndjson
    assert_failure 3
    assert_equal "$stderr" "trace-record: $url/v1/traces: 2 of 5 records refused: too old"
    assert_equal "$(ls ./*.head)" ./1.head # and not sent again
    send "$url" five.ndjson
    assert_failure 4
    [[ $stderr == *'status 400 (bad)'* ]]
}

@test 'a connection that breaks off, and one that is refused, are tried again' {
    receiver drop 200
    send --protocol=json "$url" five.ndjson
    assert_success
    assert_equal "$(got 2)" "$(cat five.ndjson)"
    kill "$pid"
    wait "$pid" || true
    send --retry-for=100ms "$url" five.ndjson
    assert_failure 4
    assert_regex "$stderr" '5 records not delivered after [2-9] attempts: .*connect'
    assert_regex "$stderr" '0 records delivered, 5 not, nor what follows them'
}

@test 'a slow receiver costs the time that --timeout gives it' {
    receiver hang
    send --timeout=100ms --retry-for=0s "$url" five.ndjson
    assert_failure 4
    assert_regex "$stderr" '5 records not delivered after 1 attempt: .*(timed out|Timeout)'
}

@test 'what was not delivered goes to --rejects, and the rest is delivered' {
    receiver 200 400='no such tenant' 200
    send --protocol=json --batch=2 --rejects=left.ndjson "$url" five.ndjson
    assert_failure 4
    [[ $stderr == *"2 records not delivered after 1 attempt: status 400 (no such tenant)"* ]]
    [[ $stderr == *'3 records delivered, 2 not, which are in --rejects'* ]]
    assert_equal "$(cat left.ndjson)" "$(sed -n 3,4p five.ndjson)"
    assert_equal "$(got 1 3)" "$(sed 3,4d five.ndjson)"
    send --batch=2 "$url" left.ndjson
    assert_success
}

@test 'bad lines are beside what was not delivered in --rejects' {
    receiver 401
    { echo '{"type":"span"}'; cat five.ndjson; } >bad.ndjson
    send --rejects=left.ndjson "$url" bad.ndjson
    assert_failure 4
    assert_equal "$(sort left.ndjson)" "$(sort bad.ndjson)"
}

@test 'a batch after one that was not delivered is tried once, until one is' {
    receiver 401 503 200 503 200 200
    send --protocol=json --batch=1 --rejects=left.ndjson "$url" five.ndjson
    assert_failure 4
    # the first is refused, the second tried once, the fourth again
    assert_equal "$(ls ./*.head | wc -l)" 6
    assert_equal "$(cat left.ndjson)" "$(sed -n 1,2p five.ndjson)"
}

@test 'what a receiver refuses of a batch is said' {
    receiver '200={"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}' \
        '200={"partialSuccess":{"errorMessage":"use another path"}}'
    send "$url" five.ndjson
    assert_failure 3
    assert_equal "$stderr" "trace-record: $url/v1/traces: 2 of 5 records refused: too old"
    send "$url" five.ndjson
    assert_success
    assert_equal "$stderr" "trace-record: $url/v1/traces: use another path"
    echo '{"metricName":"m","value":1}' >metric.ndjson
    receiver '200={"partial_success":{"rejected_data_points":1,"error_message":"no"}}'
    send "$url" metric.ndjson
    assert_failure 3
    assert_equal "$stderr" "trace-record: $url/v1/metrics: 1 of 1 records refused: no"
}

@test 'what is too large for a receiver goes in halves, and later batches are smaller' {
    receiver 413 200 413 413 200
    spans 9 >nine.ndjson
    send --protocol=json --batch=4 --rejects=left.ndjson "$url" nine.ndjson
    assert_failure 4
    # 1 to 4 refused, 1 and 2 taken, 3 and 4 refused, 3 refused, 4 taken; then one by one
    assert_equal "$(cat left.ndjson)" "$(sed -n 3p nine.ndjson)"
    assert_equal "$(got 2 5 6 7 8 9 10)" "$(sed 3d nine.ndjson)"
    [[ $stderr == *"$url/v1/traces: status 413; going on with smaller batches"* ]]
    [[ $stderr == *'8 records delivered, 1 not, which are in --rejects'* ]]
}

@test 'no batch is larger than --batch-bytes, unless by one record' {
    receiver 200
    local size
    spans 100 >hundred.ndjson
    size=$(trace-record export --to-format=otlp-proto --unframed hundred.ndjson | wc -c)
    send --compression=none --batch-bytes=$((size / 4)) "$url" hundred.ndjson
    assert_success
    assert_equal "$(ls ./*.body | wc -l)" 5
    assert [ "$(cat [1-4].body | wc -c)" -le "$size" ]
    send --compression=none --batch-bytes=1 "$url" five.ndjson
    assert_success
    assert_equal "$(ls ./*.body | wc -l)" 10
}

@test 'a token comes from a file, and is in no message' {
    receiver 200 403
    printf 'sesame42\nnot this\n' >token
    send --token-file=token "$url" five.ndjson
    assert_success
    grep -q $'^Authorization: Bearer sesame42\r$' 1.head
    [[ $stderr == *'the token goes unencrypted'* ]]
    send --token-file=token "$url" five.ndjson
    assert_failure 4
    [[ $stderr != *sesame42* ]]
    : >empty
    send --token-file=empty "$url" five.ndjson
    assert_failure 4
    send --token-file=absent "$url" five.ndjson
    assert_failure 4
}

@test 'addresses and headers that are none are usage errors' {
    local bad
    for bad in ftp://a http:// http://u:p@h http://h/?q=1 "http://h/ x" nothing; do
        send "$bad" five.ndjson
        assert_failure 2
    done
    for bad in 'Authorization: Bearer x' 'no colon' ': x' $'a: b\rc: d'; do
        send --header="$bad" http://127.0.0.1:9 five.ndjson
        assert_failure 2
    done
    send --cert-key=k http://127.0.0.1:9 five.ndjson
    assert_failure 2
    send
    assert_failure 2
}

@test 'a live pipe is sent before it ends' {
    receiver 200
    { cat five.ndjson; while [[ ! -e 1.body ]]; do sleep 0.05; done; } |
        timeout 20 trace-record send --protocol=json "$url"
    assert_equal "$(got 1)" "$(cat five.ndjson)"
}

@test 'a pipe that never rests is sent by the age of its records' {
    receiver 200
    for i in {1..30}; do sed -n 1p five.ndjson; sleep 0.05; done |
        timeout 20 trace-record send --protocol=json --batch-age=300ms "$url"
    assert [ "$(ls ./*.body | wc -l)" -ge 3 ]
    assert [ "$(ls ./*.body | wc -l)" -le 10 ]
}

@test 'a certificate that nobody vouches for is no receiver' {
    need_command openssl
    for name in server stranger; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
            -subj "/CN=$name" -addext subjectAltName=IP:127.0.0.1 -keyout $name.key -out $name.crt 2>/dev/null
    done
    local port
    for port in 2{3,4,5}{1,5,9}17; do
        openssl s_server -quiet -accept "127.0.0.1:$port" -cert server.crt -key server.key >/dev/null 2>&1 3>&- &
        pid=$!
        sleep 0.3
        kill -0 "$pid" 2>/dev/null && break
    done
    send --ca=stranger.crt "https://127.0.0.1:$port" five.ndjson
    assert_failure 4
    [[ $stderr == *'5 records not delivered after 1 attempt: '*ertificate* ]]
    send --ca=absent.crt "https://127.0.0.1:$port" five.ndjson
    assert_failure 4
    # with the right one there is a server, though it says nothing
    send --ca=server.crt --timeout=300ms --retry-for=0s "https://127.0.0.1:$port" five.ndjson
    assert_failure 4
    [[ $stderr == *'after 1 attempt: '* && $stderr != *ertificate* ]]
}

@test 'run, metric and event send what OTLP has a place for' {
    receiver 200
    TRACE_TO=$url run --separate-stderr trace-record metric queue.length 17 queue=mail
    assert_success
    grep -q '^POST /v1/metrics ' 1.head
    run --separate-stderr trace-record run --to="$url" --name=nightly -- true
    assert_success
    cat ./*.head | grep -q '^POST /v1/traces '
    [[ -z $stderr ]] # the span says what the execution's events would
    rm ./*.head
    run --separate-stderr trace-record run --to="$url" --interval=20ms -- sh -c 'until ls ./*.head; do sleep 0.02; done >/dev/null 2>&1; sleep 0.3; exit 5'
    assert_equal "$status:$output" 5: # samples came while it ran
    assert_equal "${#stderr_lines[@]}" 1 # that samples have a context is told once
    grep -q '^POST /v1/metrics ' ./*.head
    grep -q '^POST /v1/traces ' ./*.head
}

@test 'a receiver that hangs keeps neither the command nor its signals waiting' {
    receiver hang
    begin=$SECONDS
    run --separate-stderr trace-record run --to="$url" --interval=20ms --timeout=300ms -- sh -c 'sleep 60; exit 1'
    assert_equal "$status" 143
    ((SECONDS - begin < 20))
    [[ $stderr == *"$url: not all records were sent in time: the command is not recorded"* ]]
    trace-record run --to="$url" --interval=20ms -- sh -c 'trap "exit 9" TERM; touch ready; while :; do sleep 0.05; done' 2>/dev/null 3>&- &
    until [[ -e ready ]]; do sleep 0.02; done
    sleep 0.1
    kill $!
    status=0
    wait $! || status=$?
    assert_equal "$status" 9
    # who wants the recorder to end as well need not wait
    trace-record run --to="$url" -- sh -c 'touch ended; exit 8' 2>said 3>&- &
    until [[ -e ended ]]; do sleep 0.02; done
    sleep 0.5
    begin=$SECONDS
    kill $!
    status=0
    wait $! || status=$?
    assert_equal "$status" 8
    ((SECONDS - begin < 4))
}

@test 'what cannot be sent by a program that records is its error' {
    receiver 400
    run --separate-stderr trace-record metric --to="$url" a 1
    assert_failure 4
    [[ $stderr == *"$url: 1 record not delivered after 1 attempt: status 400"* ]]
}

@test 'an execution has no place in OTLP' {
    receiver 200
    run --separate-stderr trace-record start --to="$url" job
    assert_failure 4
    [[ $stderr == *"$url: executions are read back, so that they take a file or a repository"* ]]
    [[ ! -e 1.head ]]
}

@test 'a definition is sent, and is held by nobody' {
    receiver 200
    run -0 --separate-stderr trace-record define --to="$url" --metric-type=gauge depth
    assert_equal "$stderr" "trace-record: $url: metric cannot ask there, and will send any type"
    [[ -e 1.head ]]
    run -0 trace-record metric --to="$url" --metric-type=counter depth 1
}
