# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record listen: what requests are answered, and where their records are then.

load ../helper
load listen

@test 'traces, metrics and logs arrive as import has them' {
    contrib=$top_srcdir/contrib
    "$contrib/sample-capture.sh" >capture.json
    jq -c 'select(.resourceSpans)' capture.json >traces
    jq -c 'select(.resourceMetrics)' capture.json >metrics
    jq -c 'select(.resourceLogs)' capture.json >logs
    listen --to=got.ndjson
    for signal in traces metrics logs; do
        [[ -s $signal ]]
        while IFS= read -r line; do
            printf '%s' "$line" >body
            assert_equal "$(post "/v1/$signal" @body)" '{}200'
        done <"$signal"
    done
    stop
    trace-record import traces metrics logs >want.ndjson
    assert_files_equal got.ndjson want.ndjson
    assert_equal "$(cat log)" "trace-record: listening at $url"
}

@test 'bodies come packed, in chunks, or empty' {
    listen --to=got.ndjson
    spans 1 100 >body
    gzip -c body >packed
    assert_equal "$(post /v1/traces @packed -H 'Content-Encoding: gzip')" '{}200'
    assert_equal "$(post /v1/traces @body -H 'Transfer-Encoding: chunked')" '{}200'
    assert_equal "$(post /v1/traces @packed -H 'Content-Encoding: GZIP' -H 'Transfer-Encoding: chunked')" '{}200'
    assert_equal "$(type='APPLICATION/JSON; charset=utf-8' post '/v1/traces?x=y' @body -H 'Content-Encoding: identity')" '{}200'
    for empty in '{}' ' { } ' '[]' '{"resourceLogs":[]}' '{"resourceLogs":[{"scopeLogs":[]}]}'; do
        assert_equal "$(post /v1/logs "$empty")" '{}200'
    done
    stop
    assert_equal "$(wc -l <got.ndjson)" 400
}

@test 'protobuf is taken and answered as JSON is' {
    need_data captures/03-otlp-proto.body captures/10-metrics-proto.body
    data=$TRACECORE_TEST_DATA/captures
    listen --to=got.ndjson
    export type=application/x-protobuf
    assert_equal "$(post /v1/traces "@$data/03-otlp-proto.body")" 200
    assert_equal "$(post /v1/traces "@$data/04-otlp-proto-gzip.body" -H 'Content-Encoding: gzip')" 200
    assert_equal "$(post /v1/metrics "@$data/10-metrics-proto.body" -H 'Transfer-Encoding: chunked')" 200
    assert_equal "$(post /v1/logs '')" 200
    run -0 post /v1/logs 'no protobuf' -D head
    assert_output --regexp '400$'
    run -0 grep -ci '^content-type: application/x-protobuf' head
    stop
    trace-record import "$data/03-otlp-proto.body" "$data/04-otlp-proto-gzip.body.gunzip" \
        "$data/10-metrics-proto.body" >want.ndjson
    assert_files_equal got.ndjson want.ndjson
}

@test 'spans of Zipkin are taken with 202, and no text' {
    cat >body <<'END'
[{"traceId":"5af7183fb1d4cf5f","id":"6b221d5bc9e6496c","name":"get /","kind":"SERVER","timestamp":1767225600000000,"duration":1431,"localEndpoint":{"serviceName":"front"},"tags":{"http.path":"/"}},
{"traceId":"5af7183fb1d4cf5f","id":"7b221d5bc9e6496c","parentId":"6b221d5bc9e6496c","name":"query","timestamp":1767225600000100,"duration":100,"localEndpoint":{"serviceName":"front"}}]
END
    listen --to=got.ndjson
    assert_equal "$(post /api/v2/spans @body)" 202
    gzip -c body >packed
    assert_equal "$(post /api/v2/spans @packed -H 'Content-Encoding: gzip')" 202
    assert_equal "$(post /api/v2/spans '[]')" 202
    assert_equal "$(post /api/v2/spans '[')" '{"code":3,"message":"the text ends where a value is missing"}400'
    spans 1 1 >otlp
    assert_equal "$(post /api/v2/spans @otlp)" '{"code":3,"message":"this is not Zipkin JSON"}400'
    assert_equal "$(type=application/x-protobuf post /api/v2/spans '')" '{"code":3,"message":"the content type is none that is taken here"}415'
    stop
    trace-record import body body >want.ndjson
    assert_equal "$(wc -l <want.ndjson)" 4
    assert_files_equal got.ndjson want.ndjson
}

@test 'what cannot be taken is answered why' {
    listen --to=got.ndjson
    answers() {
        run -0 post "${@:3}"
        assert_equal "${output: -3}" "$1"
        assert_equal "$(jq -r '"\(.code) \(.message)"' <<<"${output%???}")" "$2"
    }
    answers 400 '3 the text ends where a value is missing' /v1/traces '{"resourceSpans":'
    answers 400 '3 this is not OTLP/JSON' /v1/traces '{"spans":[]}'
    answers 400 '3 this is not OTLP/JSON' /v1/traces '{"type":"span"}'
    answers 400 '3 more text behind the value' /v1/traces '{}x'
    answers 400 '3 the body is empty' /v1/traces ''
    # of what is cut short nobody knows how much there was, so that none of it is taken
    spans 1 100 >whole
    head -c 5000 whole >cut
    answers 400 '3 the text ends within an object' /v1/traces @cut
    head -c -2 whole >cut
    answers 400 '3 the text ends within an object' /v1/traces @cut
    sed 's/"kind":2/"kind":/3' whole >cut
    answers 400 '3 a comma where a value is missing' /v1/traces @cut
    for bad in ' ' '{' '[ ' '{]' '[}' '{}{}' '[] ,'; do
        assert_regex "$(post /v1/traces "$bad")" '^\{"code":3,"message":".*"\}400$'
    done
    answers 400 "3 cannot decompress: incorrect header check" /v1/traces 'no gzip' -H 'Content-Encoding: gzip'
    spans 1 100 | gzip | head -c 200 >cut
    answers 400 "3 cannot decompress: it is cut short" /v1/traces @cut -H 'Content-Encoding: gzip'
    for type in text/plain application/jsonp application/x-json ''; do
        answers 415 '3 the content type is none that is taken here' /v1/traces '{}'
    done
    unset type
    answers 415 '3 the content encoding is not gzip' /v1/traces '{}' -H 'Content-Encoding: br'
    answers 404 '5 there is nothing at this path' /v1/trace '{}'
    answers 404 '5 there is nothing at this path' / '{}'
    answers 405 '12 requests are posted here' /v1/traces '{}' -X PUT
    run -0 curl -sS -i "$url/v1/traces"
    assert_line --partial 'HTTP/1.1 405'
    assert_line --partial 'Allow: POST'
    assert_line --partial 'Content-Type: application/json'
    stop
    assert_file_empty got.ndjson
}

@test 'a bad record is told, and the others are kept' {
    good='{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}'
    listen --to=got.ndjson
    run -0 post /v1/traces "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[7,$good,{}]}]}]}"
    assert_output '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"an element of spans that is no object (the first of them)"}}200'
    run -0 post /v1/logs '{"resourceLogs":[{"scopeLogs":[{"logRecords":[""]}]}]}'
    assert_output '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"an element of logRecords that is no object"}}200'
    run -0 post /v1/metrics '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"x","timeUnixNano":"1"},{"asInt":"1","timeUnixNano":"1"}]}}]}]}]}'
    assert_output --partial '{"partialSuccess":{"rejectedDataPoints":"1","errorMessage":"'
    stop
    assert_equal "$(wc -l <got.ndjson)" 2
    assert_equal "$(tail -n 1 log)" 'trace-record: 4 received records were rejected'
}

@test 'bodies that are too long, packed or not, are refused' {
    listen --to=got.ndjson --max-body=64K
    head -c 65537 /dev/zero | tr '\0' ' ' >long
    assert_equal "$(post /v1/traces @long)" '{"code":8,"message":"the body has more than 65536 bytes"}413'
    assert_equal "$(post /v1/traces @long -H 'Transfer-Encoding: chunked')" '{"code":8,"message":"the body has more than 65536 bytes"}413'
    head -c 65537 /dev/zero | gzip >bomb
    assert_equal "$(post /v1/traces @bomb -H 'Content-Encoding: gzip')" '{"code":8,"message":"unpacked it has more than 65536 bytes"}413'
    # one resource that thousands of spans share, each record having it
    { printf '{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":{"stringValue":"%032000d"}}]},"scopeSpans":[{"spans":[' 0
        for _ in {1..400}; do printf '{"traceId":"a","spanId":"b"},'; done
        printf '{"traceId":"a","spanId":"b"}]}]}]}'; } >shared
    assert_equal "$(post /v1/traces @shared)" '{"code":8,"message":"its records are many times as long as the body may be"}413'
    head -c 65536 long >full
    assert_equal "$(post /v1/traces @full)" '{"code":3,"message":"no value"}400'
    # before a body that says how long it is comes at all
    exec {socket}<>"/dev/tcp/127.0.0.1/${url##*:}"
    printf 'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n\r\n' >&"$socket"
    read -r -t 20 answer <&"$socket"
    exec {socket}>&-
    assert_equal "${answer%$'\r'}" 'HTTP/1.1 413 Content Too Large'
    # a client that does not stop
    run ! post /v1/traces @- -H 'Transfer-Encoding: chunked' --max-time 20 < <(head -c 10000000 /dev/zero)
    assert_equal "$(post /v1/traces '{}')" '{}200'
    stop
    assert_file_empty got.ndjson
}

@test 'a large bomb stays outside' {
    size=200M
    [[ -z ${TRACECORE_TEST_LONG-} ]] || size=4G
    head -c $size /dev/zero | gzip >bomb
    listen --to=got.ndjson
    assert_equal "$(post /v1/traces @bomb -H 'Content-Encoding: gzip')" '{"code":8,"message":"unpacked it has more than 16777216 bytes"}413'
    for child in $(cat /proc/"$pid"/task/*/children); do
        developer_build || (($(awk '/VmHWM/ { print $2 }' "/proc/$child/status") < 64 * 1024))
    done
    head -c 16000000 /dev/zero | tr '\0' '[' >deep
    run -0 post /v1/traces @deep
    assert_output --regexp '^\{"code":3,"message":".*"\}400$'
    yes 1, | head -c 16000000 | tr -d '\n' | sed 's/^/[/; s/$/1]/' >wide
    run -0 post /v1/traces @wide
    assert_output --regexp '^\{"code":(3|8),"message":".*"\}(400|413)$'
    developer_build || (($(awk '/VmHWM/ { print $2 }' "/proc/$pid/status") < 128 * 1024))
    stop
}

@test 'tokens: one a line, compared whole, read again upon HUP' {
    printf '# who may post\nalpha\n\nbeta \n' >tokens
    chmod 600 tokens
    listen --to=got.ndjson --token-file=tokens
    bad='{"code":16,"message":"a bearer token is wanted"}401'
    assert_equal "$(post /v1/logs '{}')" "$bad"
    assert_equal "$(post /nothing '{}')" "$bad"
    for token in alpha beta; do
        assert_equal "$(post /v1/logs '{}' -H "Authorization: Bearer $token")" '{}200'
    done
    assert_equal "$(post /v1/logs '{}' -H 'Authorization: bearer  alpha')" '{}200'
    for header in 'Bearer alph' 'Bearer alphaa' 'Bearer # who may post' 'Bearer ' 'Basic alpha' alpha; do
        assert_equal "$(post /v1/logs '{}' -H "Authorization: $header")" "$bad"
    done
    run -0 curl -sS -i -X POST "$url/v1/logs"
    assert_line --partial 'WWW-Authenticate: Bearer'
    echo gamma >tokens
    kill -HUP "$pid"
    retry_until '{}200' post /v1/logs '{}' -H 'Authorization: Bearer gamma'
    assert_equal "$(post /v1/logs '{}' -H 'Authorization: Bearer alpha')" "$bad"
    chmod 640 tokens
    echo delta >tokens
    kill -HUP "$pid"
    retry_until 2 grep -c . log
    assert_equal "$(tail -n 1 log)" 'trace-record: tokens: is open to others (mode 0640): chmod 600 it; the tokens before stay'
    assert_equal "$(post /v1/logs '{}' -H 'Authorization: Bearer gamma')" '{}200'
    stop
    run -4 trace-record listen --http=0 --to=x --token-file=tokens
    assert_output 'trace-record: tokens: is open to others (mode 0640): chmod 600 it'
    echo '# none' >tokens
    chmod 600 tokens
    run -4 trace-record listen --http=0 --to=x --token-file=tokens
    assert_output 'trace-record: tokens: there is no token in it'
    assert_file_not_exist x
}

@test 'what cannot be opened is named' {
    listen --to=got.ndjson
    run -4 trace-record listen --to=other.ndjson --http="${url#http://}"
    assert_output "trace-record: cannot listen at ${url#http://}: Address already in use"
    stop
    run -4 trace-record listen --http=0 --to=none/x
    assert_output 'trace-record: none/x: cannot open: No such file or directory'
    mkdir empty
    echo x >empty/x
    run -4 trace-record listen --http=0 --to=empty
    assert_output --partial 'trace-record: empty'
    run -4 env TRACECORE_LIBEXEC="$PWD" trace-record listen --http=0 --to=got.ndjson
    assert_output "trace-record: $PWD/tracecore-decode cannot be started: No such file or directory"
    for bad in host :4318 127.0.0.1: 1.2.3.4:70000 65536 '[::1]' 'a b:1' ::1:80; do
        run -2 trace-record listen --to=got.ndjson --http="$bad"
        assert_line --index 0 --partial "trace-record: --http: '$bad'"
    done
    run -2 trace-record listen --to=- --http=0
    run -2 trace-record listen --to=https://collector:4318
    run -2 trace-record listen --to=got.ndjson operand
    run -2 trace-record listen --to=got.ndjson --sample=1.5
    run -2 trace-record listen --to=got.ndjson --max-body=2G
    run -2 trace-record listen --to=got.ndjson --max-connections=0
}

@test 'an address that others reach takes TLS and authentication' {
    for address in 0.0.0.0:0 '[::]:0' 192.0.2.1:4318; do
        run -2 trace-record listen --to=x --http="$address"
        assert_line --index 0 "trace-record: --http=$address can be reached from other machines: that takes --tls-cert and --tls-key (or --insecure)"
        run -2 trace-record listen --to=x --http="$address" --tls-cert=c --tls-key=k
        assert_line --index 0 "trace-record: --http=$address can be reached from other machines: that takes --token-file or --tls-client-ca (or --insecure)"
    done
    run -2 trace-record listen --to=x --tls-cert=c
    run -2 trace-record listen --to=x --tls-client-ca=c
    assert_file_not_exist x
}

@test 'in a repository records are there at once, and in segments in the end' {
    trace-record init repo
    listen --to=repo
    spans 1 500 >body
    assert_equal "$(post /v1/traces @body)" '{}200'
    assert_equal "$(ids repo | wc -l)" 500
    assert_equal "$(find repo/segments -name '*.zst' | wc -l)" 0
    spans 501 500 >body
    assert_equal "$(post /v1/traces @body)" '{}200'
    stop
    assert_equal "$(ids repo | sort -u | wc -l)" 1000
    assert_equal "$(find repo/open -type f -size +4k | wc -l)" 0
    run -0 trace-record check repo
}

@test 'the policy drops, samples, redacts and labels, and HUP has it read again' {
    trace-record init repo
    attribute() { # attribute KEY VALUE ID
        printf '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%032x","spanId":"%016x","name":"%s","attributes":[{"key":"%s","value":{"stringValue":"%s"}}]}]}]}]}' "$3" "$3" "${4-x}" "$1" "$2"
    }
    cat >policy.yaml <<'END'
version: 1
collection: {drop: ['.name == "health"']}
redact: [{fields: [password], mask: '.+', with: '***'}]
END
    trace-record policy repo policy.yaml
    listen --to=repo
    post /v1/traces "$(attribute password canary 1)" >/dev/null
    post /v1/traces "$(attribute a b 2 health)" >/dev/null
    run -0 trace-record read repo
    assert_output --partial '"password":"***"'
    assert_equal "${#lines[@]}" 1
    printf 'version: 1\nredact: [{fields: [token], mask: ".+", with: "---"}]\n' >policy.yaml
    trace-record policy repo policy.yaml
    kill -HUP "$pid"
    sleep 1.5
    post /v1/traces "$(attribute token canary 3)"
    post /v1/traces "$(attribute a b 4 health)"
    stop
    assert_equal "$(trace-record read repo | wc -l)" 3
    assert_equal "$(trace-record read repo | grep -c -- '"token":"---"')" 1
    run ! grep -r canary repo
    assert_equal "$(grep -c 'the policy drops it' log)" 1
}

@test 'what has a label is sealed before it is answered, and in no log' {
    trace-record init repo
    trace-record key new keys.key >/dev/null 2>&1 || skip 'this build has no libsodium'
    mkdir -p repo/keys
    cp keys.key.pub repo/keys/privacy.pub 2>/dev/null || cp keys.pub repo/keys/privacy.pub
    printf 'version: 1\nlabels: {pii: [user.email]}\nroles: {privacy: {read: [pii], key: keys/privacy.pub}}\n' >policy.yaml
    trace-record policy repo policy.yaml
    listen --to=repo
    post /v1/traces '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"a1","spanId":"b1","name":"x","attributes":[{"key":"user.email","value":{"stringValue":"canary@example"}}]}]}]}]}'
    spans 1 10 >body
    post /v1/traces @body
    kill -9 "$pid"
    wait "$pid" || true
    pid=
    run ! grep -r canary repo
    assert_equal "$(trace-record read repo | wc -l)" 11
    assert_equal "$(trace-record read --key=keys.key repo | grep -c canary@example)" 1
}

@test '--redact holds for a file, before the first byte' {
    printf 'version: 1\nredact: [{fields: [n], mask: "[0-9]+", with: "***"}, {fields: [service.name], mask: ".*", with: "canary-free"}]\n' >policy.yaml
    listen --to=got.ndjson --redact=policy.yaml
    post /v1/traces '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"a1","spanId":"b1","attributes":[{"key":"n","value":{"stringValue":"canary 4711"}}]}]}]}]}'
    stop
    assert_equal "$(jq -r .attributes.n got.ndjson)" 'canary ***'
    echo 'version: 7' >bad.yaml
    run -2 trace-record listen --to=got.ndjson --http=0 --redact=bad.yaml
    assert_line --index 0 --partial 'trace-record: bad.yaml:1'
}

@test '--sample: spans by their traces, metrics by chance, logs all' {
    listen --to=got.ndjson --sample=25%
    spans 1 2000 >body
    post /v1/traces @body
    { printf '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":['
        for i in {1..1999}; do printf '{"asInt":"%d","timeUnixNano":"1"},' "$i"; done
        printf '{"asInt":"2000","timeUnixNano":"1"}]}}]}]}]}'; } >body
    post /v1/metrics @body
    post /v1/logs '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}'
    stop
    for type in span metric; do
        count=$(grep -c "\"type\":\"$type\"" got.ndjson)
        ((count > 380 && count < 620)) # six times the standard deviation
    done
    assert_equal "$(grep -c '"type":"log"' got.ndjson)" 1
    assert_equal "$(jq -c 'select(.type=="metric").quality' got.ndjson | sort -u)" '{"sampleRate":0.25}'
    assert_equal "$(jq -c 'select(.type=="span").traceState' got.ndjson | sort -u)" '"ot=th:c"'
    run -0 trace-agg --stat=count --type=metric got.ndjson
    assert_equal "$(jq .count <<<"$output")" $((4 * $(grep -c '"type":"metric"' got.ndjson)))
}

@test 'the receiver can write nowhere else, and its decoders nothing at all' {
    mkdir to elsewhere
    echo 'version: 1' >elsewhere/policy.yaml
    listen --to=to/got.ndjson --redact=elsewhere/policy.yaml --require-sandbox ||
        skip 'this system lacks Landlock or seccomp'
    spans 1 1 >body
    post /v1/traces @body
    grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$pid/status"
    found=0
    for task in /proc/"$pid"/task/*/children; do
        for child in $(cat "$task"); do
            grep -q '^Seccomp:[[:space:]]*2' "/proc/$child/status"
            grep -q '^Max open files *0 ' "/proc/$child/limits"
            assert_equal "$(tr -d '\0' <"/proc/$child/environ")" ''
            found=$((found + 1))
        done
    done
    ((found > 0))
    # a policy whose key would have to be made in another folder
    printf 'version: 1\nredact: [{fields: [n], pseudonym: hmac}]\n' >elsewhere/policy.yaml
    kill -HUP "$pid"
    retry_until 3 grep -c . log
    assert_equal "$(sed -n '2,$p' log)" 'trace-record: elsewhere/policy.yaml: cannot make keys/pseudonym.key: Permission denied
trace-record: the policies before stay'
    # the file where records go may be made again
    mv to/got.ndjson to/before.ndjson
    post /v1/traces @body
    stop
    assert_equal "$(cat to/*.ndjson | wc -l)" 2
}

@test 'USR1 and --progress show counts' {
    listen --to=got.ndjson --progress
    post /v1/traces '{}'
    retry_until 2 grep -c . log
    assert_equal "$(tail -n 1 log)" 'trace-record: 1 requests, 1 accepted, 0 refused (0 for want of room), 0 open; 0 records kept'
    kill -USR1 "$pid"
    retry_until 3 grep -c . log
    stop
}
