# trace-span context: new, child, inject, extract.
bats_require_minimum_version 1.5.0
load ../helper

parent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
hex32='[0-9a-f]{32}'
hex16='[0-9a-f]{16}'

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset B3 X_B3_TRACEID X_B3_SPANID X_B3_SAMPLED X_B3_FLAGS UBER_TRACE_ID
}

@test 'new prints a fresh traceparent, random and sampled' {
    run -0 trace-span context new
    assert_output --regexp "^00-$hex32-$hex16-03\$"
    first=$output
    run -0 trace-span context new
    [[ $output != "$first" ]]
    run -2 trace-span context new "$parent"
}

@test 'new does not look at the environment' {
    TRACEPARENT=$parent TRACESTATE=a=1 run -0 trace-span context new --carrier=env
    assert_output --regexp "^TRACEPARENT=00-$hex32-$hex16-03\$"
    refute_output --partial 4bf92f3577b34da6a3ce929d0e0e4736
}

@test 'child is a new span of the same trace, with the flags of its parent' {
    run -0 trace-span context child "$parent"
    assert_output --regexp "^00-4bf92f3577b34da6a3ce929d0e0e4736-$hex16-01\$"
    refute_output "$parent"
    TRACEPARENT=${parent%01}02 run -0 trace-span context child
    assert_output --regexp "^00-4bf92f3577b34da6a3ce929d0e0e4736-$hex16-02\$"
    # reserved flags are set to 0, and a later version is answered with ours
    TRACEPARENT=cc${parent:2:50}-ff-more run -0 trace-span context child
    assert_output --regexp "^00-4bf92f3577b34da6a3ce929d0e0e4736-$hex16-03\$"
}

@test 'child and inject hand tracestate and baggage on' {
    export TRACEPARENT=$parent TRACESTATE='a=1 , b@c=2' BAGGAGE='k = v ; p = 1, x=%20'
    run -0 trace-span context child --carrier=env
    assert_line --index 0 --regexp "^TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-$hex16-01\$"
    assert_line --index 1 'TRACESTATE=a=1,b@c=2'
    assert_line --index 2 'BAGGAGE=k=v;p=1,x=%20'
    run -0 trace-span context inject
    assert_output "TRACEPARENT=$parent
TRACESTATE=a=1,b@c=2
BAGGAGE=k=v;p=1,x=%20"
    run -0 trace-span context inject --carrier=headers
    assert_output "traceparent: $parent
tracestate: a=1,b@c=2
baggage: k=v;p=1,x=%20"
    run -0 trace-span context inject --carrier=json
    assert_output "{\"traceparent\":\"$parent\",\"tracestate\":\"a=1,b@c=2\",\"baggage\":\"k=v;p=1,x=%20\"}"
}

@test 'a context in the environment that is invalid is ignored, said, and a new trace begun' {
    for bad in 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7 \
        "ff${parent:2}" "${parent^^}" "${parent}-x" "00-$(printf '%032d' 0)-00f067aa0ba902b7-01" \
        "00-4bf92f3577b34da6a3ce929d0e0e4736-$(printf '%016d' 0)-01" "${parent/b34/g34}"; do
        TRACEPARENT=$bad TRACESTATE=a=1 run -0 --separate-stderr trace-span context child --carrier=env
        assert_output --regexp "^TRACEPARENT=00-$hex32-$hex16-03\$"
        [[ $stderr == 'trace-span: traceparent '*': it is ignored, and a new trace begun' ]]
    done
    TRACEPARENT='' run -0 --separate-stderr trace-span context child
    [[ -z $stderr ]]
}

@test 'one that is typed in is a usage error' {
    run -2 trace-span context child nonsense
    assert_line --index 0 "trace-span: 'nonsense' is no traceparent (00-TRACEID-SPANID-FLAGS)"
    run -2 trace-span context inject "ff${parent:2}"
    run -2 trace-span context
    run -2 trace-span context eject
    assert_line --index 0 "trace-span: context: 'eject' is none of new, child, inject, extract: did you mean inject?"
    run -2 trace-span context child "$parent" more
    run -2 trace-span context extract --carrier=mail
    run -2 trace-span context new --propagator=x
}

@test 'extract prints what it found as JSON' {
    TRACEPARENT=$parent run -0 trace-span context extract
    assert_output '{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":1}'
    TRACEPARENT=$parent TRACESTATE=a=1 BAGGAGE='u=J%C3%BCrgen%20%22x%22,n=%ff;p;q=1' run -0 trace-span context extract
    assert_output '{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":1,"tracestate":"a=1","baggage":{"u":"Jürgen \"x\"","n":"�"},"baggageProperties":{"n":"p;q=1"}}'
    BAGGAGE=a=1 run -0 trace-span context extract
    assert_output '{"baggage":{"a":"1"}}'
}

@test 'extract reads header lines up to the body, in any case, joined' {
    printf 'POST /x HTTP/1.1\r\nHost: a\r\nTraceParent:  %s \r\nTraceState: a=1\r\ntracestate: b=2\r\n\r\nbaggage: no=1\n' "$parent" >request
    run -0 trace-span context extract --carrier=headers <request
    assert_output '{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":1,"tracestate":"a=1,b=2"}'
    run -0 trace-span context extract --carrier=headers request
    assert_output --partial '"tracestate":"a=1,b=2"'
    printf 'traceparent: %s\ntraceparent: %s\n' "$parent" "$parent" >twice
    run -4 trace-span context extract --carrier=headers twice
    assert_output 'trace-span: twice: there is more than one traceparent'
}

@test 'extract reads JSON and lines of variables' {
    run -0 trace-span context extract --carrier=json <<<"{\"Traceparent\":\"$parent\",\"n\":1}"
    assert_output --partial '"spanId":"00f067aa0ba902b7"'
    run -4 trace-span context extract --carrier=json <<<'[1]'
    assert_output 'trace-span: -: not a JSON object'
    run -4 trace-span context extract --carrier=json <<<'{'
    run -0 trace-span context extract --carrier=env - <<<"X=1
TRACEPARENT=$parent"
    assert_output --partial '"spanId":"00f067aa0ba902b7"'
}

@test 'extract refuses what is invalid, with the reason' {
    declare -A reason=(
        [00-4bf9-00f067aa0ba902b7-01]='is not of the form 00-TRACEID-SPANID-FLAGS'
        ["ff${parent:2}"]='is of version ff, which is invalid'
        ["${parent/4bf/4BF}"]='has upper-case digits'
        ["${parent/4bf/4gf}"]='has something other than hexadecimal digits in it'
        ["$parent-01"]='goes on behind the flags'
        ["00-$(printf '%032d' 0)-00f067aa0ba902b7-01"]='has an all-zero trace id'
        ["00-4bf92f3577b34da6a3ce929d0e0e4736-$(printf '%016d' 0)-01"]='has an all-zero span id'
    )
    for text in "${!reason[@]}"; do
        TRACEPARENT=$text run -4 trace-span context extract
        assert_output "trace-span: the environment: traceparent ${reason[$text]}"
    done
    run -4 trace-span context extract </dev/null
    assert_output 'trace-span: the environment and standard input: no trace context of the w3c propagator'
    run -4 trace-span context extract nowhere
    assert_output 'trace-span: nowhere: cannot read: No such file or directory'
}

@test 'an invalid tracestate is left out, and said; the rest stays' {
    for state in 'A=1' 'a=1,a=2' 'a' '=1' 'a=' '@a=1' 'a@B=1' $'a=\t1x\x7f' "$(printf 'k%d=1,' {1..33})"; do
        TRACEPARENT=$parent TRACESTATE=$state run -0 --separate-stderr trace-span context extract
        assert_output '{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":1}'
        assert_equal "$stderr" 'trace-span: tracestate is invalid and left out'
    done
    TRACEPARENT=$parent TRACESTATE="$(printf 'k%d=1,' {1..32})" run -0 --separate-stderr trace-span context extract
    [[ -z $stderr && $output == *'k32=1'* ]]
}

@test 'b3, in one field and in several' {
    b3=4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1-05e3ac9a4f6e3b90
    B3=$b3 run -0 trace-span context extract --propagator=b3
    assert_output '{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","parentSpanId":"05e3ac9a4f6e3b90","flags":1}'
    run -0 trace-span context extract --propagator=b3 --carrier=headers <<'END'
X-B3-TraceId: a3ce929d0e0e4736
X-B3-SpanId: 00f067aa0ba902b7
X-B3-Flags: 1
END
    assert_output '{"traceId":"0000000000000000a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":1,"debug":true}'
    B3=0 run -0 trace-span context extract --propagator=b3
    assert_output '{"flags":0}'
    B3=${b3%-1-*} run -0 trace-span context extract --propagator=b3
    assert_output '{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}'
    B3=$b3 run -0 trace-span context child --propagator=b3
    assert_output --regexp "^B3=4bf92f3577b34da6a3ce929d0e0e4736-$hex16-1-00f067aa0ba902b7\$"
    run -0 trace-span context inject --propagator=b3 --carrier=headers "$parent"
    assert_output 'b3: 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1'
    for bad in "$b3-1" x-y "${b3/-1-/-2-}" "${b3/00f067/0gf067}" "$(printf '%032d' 0)-00f067aa0ba902b7"; do
        B3=$bad run -4 trace-span context extract --propagator=b3
    done
}

@test 'a decision that comes without a trace is that of the new one' {
    B3=0 run -0 trace-span context child --propagator=b3
    assert_output --regexp "^B3=$hex32-$hex16-0\$"
    X_B3_SAMPLED=0 run -0 trace-span context inject --propagator=b3
    assert_output --regexp "^B3=$hex32-$hex16-0\$"
    X_B3_FLAGS=1 run -0 trace-span context child --propagator=b3
    assert_output --regexp "^B3=$hex32-$hex16-d\$"
    B3=x-y-d run -0 --separate-stderr trace-span context child --propagator=b3
    assert_output --regexp "^B3=$hex32-$hex16-1\$"
}

@test 'jaeger, with its baggage' {
    UBER_TRACE_ID=a3ce929d0e0e4736:f067aa0ba902b7:0:3 UBERCTX_USER='J%C3%BC r' run -0 trace-span context extract --propagator=jaeger
    assert_output '{"traceId":"0000000000000000a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":1,"debug":true,"baggage":{"user":"Jü r"}}'
    run -0 trace-span context extract --propagator=jaeger --carrier=headers <<<'Uber-Trace-Id: 1%3A2%3A3%3A0'
    assert_output '{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002","parentSpanId":"0000000000000003","flags":0}'
    UBER_TRACE_ID=1:2:0:1 UBERCTX_USER=x run -0 trace-span context inject --propagator=jaeger --carrier=headers
    assert_output 'uber-trace-id: 00000000000000000000000000000001:0000000000000002:0:1
uberctx-user: x'
    for bad in 1:2:3 1:2:3:4:5 0:2:0:1 1:0:0:1 1:2:x:1 1:2:0:zz 1:2:0: ; do
        UBER_TRACE_ID=$bad run -4 trace-span context extract --propagator=jaeger
    done
}

@test 'extract takes what is piped in, where the environment has no context' {
    run -0 bash -c "trace-span context inject $parent | trace-span context extract"
    assert_output --partial "\"traceId\":\"${parent:3:32}\""
    TRACEPARENT=$parent run -0 bash -c 'echo TRACEPARENT=00-11111111111111111111111111111111-2222222222222222-01 | trace-span context extract'
    assert_output --partial "\"traceId\":\"${parent:3:32}\""
}

@test 'what was injected is extracted again' {
    export TRACEPARENT=$parent TRACESTATE=a=1,b=2 BAGGAGE='k=v%2C;p=1'
    wanted=$(trace-span context extract)
    for carrier in headers json; do
        trace-span context inject --carrier=$carrier >carried
        run -0 env -u TRACEPARENT trace-span context extract --carrier=$carrier carried
        assert_output "$wanted"
    done
    run -0 env $(trace-span context inject) trace-span context extract
    assert_output "$wanted"
    run -4 bash -c 'trace-span context new >/dev/full'
}
