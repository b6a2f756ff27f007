# What the tests of trace-record listen share.

setup() {
    need_command curl
    trace-record listen --http=127.0.0.1:99999 2>&1 | grep -q 'without libmicrohttpd' &&
        skip 'this build has no libmicrohttpd'
    cd "$BATS_TEST_TMPDIR" || return
    pid=
}

teardown() {
    [[ -z $pid ]] || kill -9 "$pid" 2>/dev/null || true
}

# listen OPTION...: starts one, under the command preload if there is one, on a port of its choice, and waits until it is ready: $url.
listen() {
    : >log
    ${preload+"${preload[@]}"} trace-record listen --http=0 "$@" 2>log 3>&- &
    pid=$!
    for _ in {1..600}; do
        url=$(sed -n 's/^trace-record: listening at //p' log)
        [[ -z $url ]] || return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    cat log >&2
    return 1
}

# ends STATUS: it ends by itself, or by a signal that it got, with that status.
ends() {
    local status=0
    wait "$pid" || status=$?
    pid=
    assert_equal "$status" "$1"
}

# stop: ends it by TERM, which takes 0.
stop() {
    kill "$pid"
    ends 0
}

# post PATH BODY [CURL-OPTION]...: what is answered, and the status; the body's type is $type.
post() {
    local path=$1 body=$2
    shift 2
    curl -sS --max-time 60 -w '%{http_code}' -H "Content-Type: ${type-application/json}" "$@" \
        --data-binary "$body" "$url$path"
}

# spans FIRST COUNT: OTLP with spans whose ids count from there on; of traces that sampling chooses by
# chance.
spans() {
    awk -v first="$1" -v count="$2" 'BEGIN {
        printf "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\"," \
            "\"value\":{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"spans\":["
        for (i = first; i < first + count; i++)
            printf "%s{\"traceId\":\"%016x%08x00000000\",\"spanId\":\"%016x\",\"name\":\"GET /\",\"kind\":2," \
                "\"startTimeUnixNano\":\"1767225600000000000\",\"endTimeUnixNano\":\"1767225600100000000\"," \
                "\"attributes\":[{\"key\":\"n\",\"value\":{\"intValue\":\"%d\"}}]}", \
                i == first ? "" : ",", i, i * 2654435761 % 16777216, i, i
        print "]}]}]}"
    }'
}

# load CONNECTIONS REQUESTS SPANS: posts so many requests on each of so many connections, in the
# background; which were answered what is in answers.N, a line each: the first id and the status.
load() {
    local c r first
    loads=()
    mkdir -p bodies
    for ((c = 0; c < $1; c++)); do
        for ((r = 0; r < $2; r++)); do
            first=$(((c * $2 + r) * $3 + 1))
            spans "$first" "$3" >"bodies/$first"
            ((r == 0)) || echo next
            printf 'url = "%s/v1/traces"\nheader = "Content-Type: application/json"\n' "$url"
            printf 'data-binary = "@bodies/%s"\noutput = "/dev/null"\n' "$first"
            printf 'write-out = "%s %%{http_code}\\n"\nmax-time = 120\nsilent\n' "$first"
        done >"config.$c"
    done
    for ((c = 0; c < $1; c++)); do
        curl ${retry+"$retry" 100} -K "config.$c" >"answers.$c" 2>/dev/null 3>&- &
        loads+=($!)
    done
}

# ids FILE | REPO: the span ids in it, in order.
ids() {
    trace-span filter --fields=spanId --format=tsv "$1" | sed 1d | sort
}

# id N...: the span id of that number.
id() {
    printf '%016x\n' "$@"
}

# retry_until OUTPUT COMMAND...: the command gives that before long.
retry_until() {
    local want=$1 got
    shift
    for _ in {1..200}; do
        got=$("$@" || true)
        [[ $got != "$want" ]] || return 0
        sleep 0.05
    done
    fail "$* gave $got"
}
