# trace-span sample: a part of the traces, with what it stands for.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# one ID R SPAN SERVICE NAME START DURATION [STATUS [MORE]]: a span; R: the last 14 digits of the id.
one() {
    printf '{"type":"span","traceId":"%018d%s","spanId":"%016d","name":"%s","startTimeUnixNano":"%s","endTimeUnixNano":"%s","status":"%s","service":"%s"%s}\n' \
        "$1" "$2" "$3" "$5" "$6" "$(($6 + $7))" "${8:-unset}" "$4" "${9-}"
}

# many: 64 traces of two spans in two services, with evenly spread randomness.
many() {
    local i
    for ((i = 0; i < 64; i++)); do
        one 1 "$(printf '%02x000000000000' $((i * 4)))" 1 a get $((i * 100000000)) 1000
        one 1 "$(printf '%02x000000000000' $((i * 4)))" 2 b put $((i * 100000000 + 10)) 500
    done
}

@test 'head sampling keeps a share, tells it in the trace state, and aggregates count for all' {
    many >spans
    run -0 --separate-stderr trace-span sample --rate=1/4 spans
    assert_equal "${#lines[@]}" 32
    assert_equal "$stderr" 'trace-span: kept 32 of 128 spans'
    assert_equal "${lines[0]}" "$(sed -n 97p spans | sed 's/}$/,"traceState":"ot=th:c"}/')"
    run -0 bash -c 'trace-span sample --rate=25% spans 2>/dev/null |
        trace-agg --by=service --stat=count,sum,p50'
    assert_output '{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"service":"a"},"count":64,"sum":64000,"p50":1000.0}
{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"service":"b"},"count":64,"sum":32000,"p50":500.0}'
    # binary carries it, threads do not matter
    trace-span sample --rate=25% -j4 spans 2>/dev/null >text
    trace-span sample --rate=25% -b spans 2>/dev/null | trace-span filter - >binary
    trace-agg --stat=count,sum text >wanted
    trace-agg --stat=count,sum binary >got
    assert_files_equal got wanted
    trace-span filter -b spans | trace-span sample --rate=25% - 2>/dev/null | trace-agg --stat=count,sum >got
    assert_files_equal got wanted
}

@test 'processes that see different spans of the traces agree' {
    many >spans
    trace-span filter -w '.service == "a"' spans | trace-span sample --rate=0.3 - 2>/dev/null >a
    trace-span filter -w '.service == "b"' spans | trace-span sample --rate=0.3 - 2>/dev/null >b
    assert_equal "$(trace-span cut --fields=traceId --format=tsv a)" "$(trace-span cut --fields=traceId --format=tsv b)"
    cat a b | sort >got
    trace-span sample --rate=0.3 spans 2>/dev/null | sort >wanted
    assert_files_equal got wanted
}

@test 'what was sampled before is not sampled more, nor counted for less' {
    { one 1 ffffffffffffff 1 a x 0 1 unset ',"traceState":"k=v,ot=th:c;x:1"'
      one 2 90000000000000 1 a x 0 1 unset ',"traceState":"ot=th:4"'
      one 3 00000000000000 1 a x 0 1 unset ',"traceState":"ot=rv:f0000000000000"'
      one 4 10000000000000 1 a x 0 1 unset ',"traceState":"ot=th:8"'
      one 5 f0000000000000 1 a x 0 1 unset ',"traceState":"a\u003db"'; } >spans
    run -0 --separate-stderr bash -c 'trace-span sample --rate=0.5 spans | trace-span cut --fields=traceState --format=tsv'
    assert_output 'traceState
k=v,ot=th:c;x:1
ot=th:8
ot=th:8;rv:f0000000000000
ot=th:8,a=b'
    assert_equal "$stderr" 'trace-span: kept 4 of 5 spans
trace-span: 1 span says a threshold (th) that its randomness does not pass: it was taken for none'
    run -0 --separate-stderr bash -c 'trace-span sample --proportional --rate=0.5 spans | trace-span cut --fields=traceState --format=tsv'
    assert_output 'traceState
ot=th:e;x:1,k=v
ot=th:8;rv:f0000000000000
ot=th:8,a=b'
}

@test 'a policy decides about complete traces, and says why' {
    { one 1 00000000000000 1 a x 0 10; one 2 00000000000000 1 a x 5 3000000000
      one 3 00000000000000 1 a health 7 10; one 1 00000000000000 2 b y 3 5 error
      one 4 f0000000000000 1 a health 8 10; one 5 00000000000000 1 c z 9 10
      one 6 10000000000000 1 c z 10 10; one 7 08000000000000 1 d z 10 10
      one 8 00000000000000 1 e q 20 10 unset ',"attributes":{}'; } >spans
    cat >policy.yaml <<'END'
labels: {pii: [user.email]}
sampling:
  tail:
    - {keep: errors}
    - {keep: slower_than, value: 2s}
    - {name: quiet, where: '.name == "health"', probability: 25%, last: true}
    - {all: [{where: '.service == "d"'}, {not: {keep: errors}}], drop: true}
    - {where: '.service == "c"', rate: 1 per second}
    - {shapes: {first: 1, every: 1s, then: 50%}}
END
    run -0 --separate-stderr trace-span sample --policy=policy.yaml --decisions --format=tsv \
        --fields=traceId,sampling.samplingDecision,sampling.samplingReason,sampling.samplingRate spans
    assert_output 'traceId	sampling.samplingDecision	sampling.samplingReason	sampling.samplingRate
00000000000000000100000000000000	sampled	errors	1.0
00000000000000000200000000000000	sampled	slower_than	1.0
00000000000000000300000000000000	not_sampled	quiet	0.25
000000000000000004f0000000000000	sampled	quiet	0.25
00000000000000000500000000000000	sampled	shapes	1.0
00000000000000000610000000000000	sampled	rate	1.0
00000000000000000708000000000000	not_sampled	drop	0.0
00000000000000000800000000000000	sampled	shapes	1.0'
    assert_equal "$stderr" 'trace-span: 6 of 8 traces would be kept'
    run -0 --separate-stderr trace-span sample --policy=policy.yaml spans
    assert_equal "$stderr" 'trace-span: kept 6 of 8 traces, 7 of 9 spans'
    assert_line "$(one 1 00000000000000 1 a x 0 10 | sed 's/}$/,"attributes":{"tracecore.sampling_reason":"errors"}}/')"
    assert_line "$(one 4 f0000000000000 1 a health 8 10 | sed 's/}$/,"traceState":"ot=th:c","attributes":{"tracecore.sampling_reason":"quiet"}}/')"
    assert_line "$(one 8 00000000000000 1 e q 20 10 unset ',"attributes":{"tracecore.sampling_reason":"shapes"}')"
    # order of threads and of input
    for threads in 1 3; do
        trace-span sample --policy=policy.yaml -j$threads spans 2>/dev/null | sort >got
        printf '%s\n' "${lines[@]}" | sort >wanted
        assert_files_equal got wanted
    done
    run -0 bash -c 'trace-span sample --policy=policy.yaml spans 2>/dev/null | trace-span assemble |
        trace-span cut --fields=sampling.samplingReason,sampling.samplingRate --format=tsv'
    assert_line 'quiet	0.25'
}

@test 'on a pipe traces are decided as event time goes on, and late spans follow' {
    { one 1 00000000000000 1 a x 0 10 error; one 2 00000000000000 1 a x 10 10
      one 3 00000000000000 1 a x 5000000000 10; one 1 00000000000000 2 b y 20 5
      one 2 00000000000000 2 b y 30 5 error; } >spans
    printf 'sampling: {tail: [{keep: errors}]}\n' >policy.yaml
    run -0 --separate-stderr trace-span sample --policy=policy.yaml --wait=1s spans
    assert_equal "${#lines[@]}" 2
    assert_line --index 1 --partial '"spanId":"0000000000000002"'
    assert_equal "$stderr" 'trace-span: kept 1 of 3 traces, 2 of 5 spans
trace-span: 2 spans came later than the decision about their trace, and went by it'
    { sed 3d spans; echo '{"type":"clock","timeUnixNano":"9000000000"}'; sed -n 3p spans; } >clocked
    run -0 --separate-stderr trace-span sample --policy=policy.yaml --wait=1s clocked
    assert_equal "${#lines[@]}" 5
    assert_line --index 4 '{"type":"clock","timeUnixNano":"9000000000"}'
}

# traffic: 9,000 spans of 3,000 traces of 5 shapes, in no order of traces, with ids of any randomness;
# in every seventh trace is an error, and some were sampled before.
traffic() {
    awk 'BEGIN { for (i = 0; i < 9000; i++) {
        t = i * 7919 % 3000; r = (t * 2654435761 + 12345) % 4294967296
        state = t % 11 || r < 2147483648 ? "" : ",\"traceState\":\"ot=th:8\""
        span = int(i / 3000)
        printf "{\"type\":\"span\",\"traceId\":\"%018d%08x000000\",\"spanId\":\"%016d\",%s\"name\":\"%s%d\"," \
            "\"startTimeUnixNano\":\"%d\",\"endTimeUnixNano\":\"%d\",\"status\":\"%s\",\"service\":\"shop\"%s}\n",
            t, r, span + 1, span ? sprintf("\"parentSpanId\":\"%016d\",", 1) : "", span ? "get" : "page",
            span * (t % 5), t * 100000 + span, t * 100000 + 5000 + t, t % 7 || span < 2 ? "ok" : "error", state } }'
}

@test 'what does not fit --memory goes to disk, and comes out the same' {
    traffic >spans
    cat >policy.yaml <<'END'
sampling:
  tail:
    - {keep: errors}
    - {where: '.name == "get4"', rate: 100 per second}
    - {shapes: {first: 20, every: 100ms, then: 10%}}
END
    for more in '' --decisions --rate=60%; do
        run -0 --separate-stderr trace-span sample --policy=policy.yaml $more -o wanted spans
        told=$stderr
        TMPDIR=/nowhere run -4 trace-span sample --policy=policy.yaml $more --memory=1M spans
        for threads in 1 3; do
            run -0 --separate-stderr trace-span sample --policy=policy.yaml $more --memory=1M \
                -j$threads -o got spans
            assert_equal "$stderr" "$told"
            assert_files_equal got wanted
        done
    done
    run -0 bash -c 'trace-span sample --policy=policy.yaml --decisions spans 2>/dev/null |
        trace-span cut --fields=sampling.samplingReason --format=tsv | sort | uniq -c'
    assert_output '    429 errors
    773 rate
      1 sampling.samplingReason
   1798 shapes'
}

@test 'what has to be known of all traces must fit; a temporary file that cannot be had or written' {
    traffic >spans
    printf 'sampling: {tail: [{probability: 50%%}]}\n' >policy.yaml
    run -4 --separate-stderr trace-span sample --policy=policy.yaml --memory=100K spans
    assert_output ''
    assert_equal "$stderr" 'trace-span: what is to be decided about 417 traces does not fit in 100 KiB: give more with --memory=SIZE, or decide earlier with --wait=DUR'
    run -0 --separate-stderr trace-span sample --policy=policy.yaml --memory=100K --wait=1h spans
    [[ $stderr == *'decided before --wait for want of memory'* ]]
    TMPDIR=/nowhere run -4 --separate-stderr trace-span sample --policy=policy.yaml --memory=1M spans
    assert_output ''
    assert_equal "$stderr" 'trace-span: cannot make a temporary file: No such file or directory'
    mkdir tmp
    trap '' XFSZ
    ulimit -f 64
    TMPDIR=$PWD/tmp run -4 --separate-stderr trace-span sample --policy=policy.yaml --memory=1M spans
    assert_output ''
    assert_equal "$stderr" 'trace-span: cannot write to a temporary file: File too large'
    assert_equal "$(ls -A tmp)" ''
}

@test 'adjusted counts survive an export: sums of what comes back are those of what went out' {
    traffic >spans
    cat >policy.yaml <<'END'
sampling:
  head: 80%
  tail: [{keep: errors}, {rate: 200 per second}, {where: '.name == "get3"', probability: 33%}]
END
    trace-span sample --policy=policy.yaml spans 2>told >sampled
    trace-agg --by=name --stat=count,sum,mean sampled >wanted
    # of 9,000
    run -0 jq -s 'map(.count) | add | . > 8500 and . < 9500' wanted
    assert_output true
    assert_equal "$(grep -o 'ot=th:[0-9a-f]*' sampled | sort -u | wc -l) thresholds of $(wc -l <sampled) spans" \
        '4 thresholds of 2022 spans'
    while read -r format stat; do
        trace-record export --to-format=$format sampled 2>told | trace-record import --from=$format >back
        trace-agg --by=name --stat=$stat back >got
        trace-agg --by=name --stat=$stat sampled >wanted
        assert_files_equal got wanted
    done <<'TABLE'
otlp count,sum,mean,p90
otlp-proto count,sum,mean,p90
jaeger count
zipkin count
TABLE
}

@test 'wrong options and policies are refused with their place' {
    many >spans
    run -2 trace-span sample spans
    assert_line --partial 'sample needs --rate=P or --policy=FILE'
    for rate in 0 2 x 3/2 0/1 -1; do
        run -2 trace-span sample --rate=$rate spans
        assert_line --partial "--rate: '$rate' is not a share of traces"
    done
    run -2 trace-span sample --rate=1 --wait=1s spans
    run -4 trace-span sample --policy=missing spans
    printf 'sampling:\n  tail:\n    - {keep: error}\n' >policy.yaml
    run -2 trace-span sample --policy=policy.yaml spans
    assert_line "trace-span: policy.yaml:3:14: unknown reason to keep a trace 'error': did you mean errors?"
}
