# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record listen over TLS.

load ../helper
load listen

# The leak sanitizer cannot walk the thread-local storage of what GnuTLS opens.
export ASAN_OPTIONS=detect_leaks=0

setup_file() {
    command -v openssl >/dev/null || return 0
    cd "$BATS_FILE_TMPDIR" || return
    for name in server authority stranger; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
            -subj "/CN=$name" -addext subjectAltName=IP:127.0.0.1 -keyout $name.key -out $name.crt
        chmod 600 $name.key
    done
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=client \
        -keyout client.key -out client.csr
    openssl x509 -req -in client.csr -CA authority.crt -CAkey authority.key -days 2 \
        -CAcreateserial -out client.crt
}

# secure OPTION...: one that listens over TLS.
secure() {
    need_command openssl
    listen --to=got.ndjson --tls-cert="$BATS_FILE_TMPDIR/server.crt" \
        --tls-key="$BATS_FILE_TMPDIR/server.key" "$@"
}

client() { # client CURL-OPTION...
    post /v1/traces @body --cacert "$BATS_FILE_TMPDIR/server.crt" "$@" 2>/dev/null
}

@test 'TLS is 1.2 or later, and nothing else is answered' {
    secure
    assert_regex "$url" '^https://127\.0\.0\.1:[0-9]+$'
    spans 1 10 >body
    assert_equal "$(client)" '{}200'
    assert_equal "$(client --tls-max 1.2)" '{}200'
    run ! client --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0
    run ! curl -sS --data-binary '{}' "http://${url#https://}/v1/traces"
    run ! post /v1/traces @body # its certificate is no authority's that curl knows
    assert_equal "$(client)" '{}200'
    stop
    assert_equal "$(wc -l <got.ndjson)" 30
    assert_equal "$(grep -c . log)" 1
}

@test 'only clients with a certificate of the authority get in' {
    secure --tls-client-ca="$BATS_FILE_TMPDIR/authority.crt"
    spans 1 10 >body
    run ! client
    run ! client --cert "$BATS_FILE_TMPDIR/stranger.crt" --key "$BATS_FILE_TMPDIR/stranger.key"
    run ! client --cert "$BATS_FILE_TMPDIR/stranger.crt" --key "$BATS_FILE_TMPDIR/stranger.key" --tls-max 1.2
    for version in 1.2 1.3; do
        run -0 client --cert "$BATS_FILE_TMPDIR/client.crt" --key "$BATS_FILE_TMPDIR/client.key" --tls-max $version
        assert_output '{}200'
    done
    stop
    assert_equal "$(wc -l <got.ndjson)" 20
}

@test 'an address that others reach is taken with TLS and tokens' {
    echo alpha >tokens
    chmod 600 tokens
    secure --http=0.0.0.0:0 --token-file=tokens
    url=https://127.0.0.1:${url##*:}
    spans 1 10 >body
    assert_equal "$(client)" '{"code":16,"message":"a bearer token is wanted"}401'
    assert_equal "$(client -H 'Authorization: Bearer alpha')" '{}200'
    stop
}

@test 'certificates and keys that are none are named' {
    need_command openssl
    cp "$BATS_FILE_TMPDIR"/*.{crt,key} .
    refuses() {
        run -4 trace-record listen --http=0 --to=got.ndjson "${@:2}"
        assert_output --partial "$1"
    }
    refuses 'the certificate and its key: ' --tls-cert=server.crt --tls-key=authority.key
    refuses 'the certificate and its key: ' --tls-cert=server.key --tls-key=server.key
    refuses 'the authorities of clients: ' --tls-cert=server.crt --tls-key=server.key --tls-client-ca=server.key
    refuses 'trace-record: none: cannot open: No such file or directory' --tls-cert=none --tls-key=server.key
    chmod 644 server.key
    refuses 'trace-record: server.key: is open to others (mode 0644)' --tls-cert=server.crt --tls-key=server.key
    refuses 'trace-record: .: is no regular file' --tls-cert=. --tls-key=server.key
}

# reads_again TEXT: sends HUP, and waits until the log says that.
reads_again() {
    kill -HUP "$pid"
    for _ in {1..200}; do
        ! grep -q "$1" log || return 0
        sleep 0.05
    done
    fail "$1 is not in the log: $(cat log)"
}

@test 'a certificate that was renewed is shown after HUP, and a bad one never' {
    need_command openssl
    cp "$BATS_FILE_TMPDIR"/server.{crt,key} .
    trusted() { # trusted NAME: the server shows this certificate
        post /v1/traces @body --cacert "$BATS_FILE_TMPDIR/$1.crt" 2>/dev/null
    }
    spans 1 10 >body
    listen --to=got.ndjson --tls-cert=server.crt --tls-key=server.key
    assert_equal "$(trusted server)" '{}200'
    # a connection that is open has to do with the certificate that it began with
    exec {ask}> >(openssl s_client -quiet -connect "${url#https://}" >answers 2>/dev/null)
    head=$'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
    printf %s "$head" >&"$ask"
    for _ in {1..200}; do [[ -s answers ]] && break; sleep 0.05; done

    cp "$BATS_FILE_TMPDIR/stranger.crt" server.crt
    reads_again 'the certificate and its key: .*; the certificate before stays'
    assert_equal "$(trusted server)" '{}200'
    cp "$BATS_FILE_TMPDIR/stranger.key" server.key
    kill -HUP "$pid"
    for _ in {1..200}; do
        [[ $(trusted stranger) != '{}200' ]] || break
        sleep 0.05
    done
    assert_equal "$(trusted stranger)" '{}200'
    run ! trusted server
    printf %s "$head" >&"$ask"
    for _ in {1..200}; do [[ $(grep -c '200 OK' answers) == 2 ]] && break; sleep 0.05; done
    assert_equal "$(grep -c '200 OK' answers)" 2
    exec {ask}>&-
    rm server.key
    reads_again 'server.key: cannot open; the certificate before stays'
    assert_equal "$(trusted stranger)" '{}200'
    stop
}

@test 'a client that does not finish its handshake is ended' {
    secure --timeout=1s
    exec {slow}<>"/dev/tcp/127.0.0.1/${url##*:}"
    printf '\026\003\001' >&"$slow"
    read -r -t 20 <&"$slow" || (($? <= 128))
    exec {slow}>&-
    stop
}
