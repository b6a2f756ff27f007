#!/usr/bin/env bats
# trace-alert run: when rules fire, in event time, and that it makes no difference how the input is
# cut into runs.

load ../helper
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# rules LINE...: a rule file with these rules, evaluated every minute.
rules() {
    printf 'version: 1\ngroups:\n- name: g\n  every: 1m\n  rules:\n' >rules.yaml
    printf '  - %s\n' "$@" >>rules.yaml
}

# values SERIES SECONDS:VALUE...: metrics of a service.
values() {
    local service=$1 point
    shift
    for point; do
        echo "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":${point#*:},\"timeUnixNano\":\"$((1700000040 + ${point%:*}))000000000\",\"dimensions\":{\"service\":\"$service\"}}"
    done
}

# states: SECONDS NAME STATE of each alert record in $output.
states() {
    grep '"type":"alert"' <<<"$output" |
        sed 's/.*"alertName":"\([^"]*\)","state":"\([a-z]*\)".*"timeUnixNano":"\([0-9]*\)000000000","started.*/\3 \1 \2/' |
        awk '{ print $1 - 1700000040, $2, $3 }'
}

@test 'run: pending, firing when it has held for as long as for, resolved' {
    rules '{alert: A, when: {metric: m, greater_than: 10}, for: 5m, labels: {severity: page}, annotations: {s: "{service}: {value}"}}'
    values cart 0:11 60:12 120:13 180:12 240:12 300:12.5 360:10 >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '0 A pending
300 A firing
360 A resolved'
    assert_line --index 1 --regexp '^\{"type":"alert","alertId":"[0-9a-f]{32}","alertName":"A","state":"firing","labels":\{"metricName":"m","service":"cart","severity":"page"\},"annotations":\{"s":"cart: 12.5"\},"value":12.5,"timeUnixNano":"1700000340000000000","startedUnixNano":"1700000040000000000","affectedSystems":\["cart"\],"fingerprint":"[0-9a-f]{16}","transitionId":"[0-9a-f]{32}"\}$'
    assert_equal "$(grep -o '"alertId":"[0-9a-f]*"' <<<"$output" | sort -u | wc -l)" 1
}

@test 'run is the default verb' {
    rules '{alert: A, when: {metric: m, greater_than: 10}}'
    values cart 0:11 >in
    run -0 trace-alert --rules=rules.yaml in
    assert_equal "$(states)" '0 A firing'
}

@test 'run: what does not hold long enough does not fire' {
    rules '{alert: A, when: {metric: m, greater_than: 10}, for: 5m}'
    values cart 0:11 60:12 120:9 180:12 240:12 300:12 >in
    run -0 trace-alert run --rules=rules.yaml in
    refute_output --partial firing
}

@test 'run: clears below clear_below, not at it; keep_firing_for' {
    rules '{alert: A, when: {metric: m, greater_than: 10, clear_below: 8}}' \
        '{alert: B, when: {metric: m, less_than: 8, clear_above: 9}, keep_firing_for: 90s}'
    values cart 0:11 60:9 120:8 180:7 240:9 300:9.5 360:9.5 420:9.5 >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '0 A firing
180 A resolved
180 B firing
420 B resolved'
}

@test 'run: each series has its own alert' {
    rules '{alert: A, when: {metric: m, greater_than: 10}}' \
        '{alert: B, when: {metric: m, labels: {service: b}, greater_than: 10}}'
    { values a 0:11; values b 0:11; values a 60:1; values b 60:12; } >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '0 A firing
0 A firing
0 B firing
60 A resolved'
}

@test 'run: aggregates by their statistic, at the end of their window' {
    rules '{alert: A, when: {metric: durationNano, stat: p99, labels: {service: a}, greater_than: 500ms}}'
    echo '{"type":"aggregate","recordType":"span","metricName":"durationNano","group":{"service":"a"},"windowStartUnixNano":"1700000040000000000","windowNano":10000000000,"count":3,"p50":1,"p99":500000001.0}' >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '10 A firing'
    assert_output --partial '"value":500000001,'
    sed 's/500000001.0/500000000/' in >at
    run -0 trace-alert run --rules=rules.yaml at
    assert_output ''
}

@test 'run: metric{...} is any metric' {
    rules '{alert: A, expr: '"'"'metric{metricName="m",service="a"} > 10'"'"'}' \
        '{alert: B, expr: '"'"'metric{metricName=~"n.*"} > 10'"'"'}' '{alert: C, expr: metric > 11}' \
        '{alert: D, when: {metric: metric, greater_than: 10}}'
    { values a 0:11; values b 0:11; values b 1:12 | sed 's/"m"/"n"/'; } >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '0 A firing
1 B firing
1 C firing'
}

@test 'run: a quantile of raw samples is that of the window' {
    rules '{alert: A, when: {metric: m, stat: p90, window: 100s, greater_than: 8}}'
    values a 0:1 10:2 20:3 30:4 40:5 50:6 60:7 70:8 80:100 90:100 >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '80 A firing'
    values a 0:1 10:2 20:3 30:4 40:5 50:6 60:7 70:8 80:8 90:100 >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_output ''
}

@test 'run: missing data is a state of its own; resolve and fire are asked for' {
    rules '{alert: H, when: {metric: m, labels: {service: a}, greater_than: 10}}' \
        '{alert: R, when: {metric: m, labels: {service: a}, greater_than: 10}, missing: resolve}' \
        '{alert: F, when: {metric: m, labels: {service: a}, less_than: 10}, missing: fire}'
    { values a 0:11 60:11; values b 90:1 900:1; values a 910:11 920:1; } >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '0 H firing
0 R firing
180 H nodata
180 R resolved
180 F firing
910 H firing
910 R firing
910 F resolved
920 H resolved
920 R resolved
920 F firing'
}

@test 'run: spans are counted; absent()' {
    rules '{alert: C, expr: '"'"'spans{status="error",service="a"}[5m] >= 3'"'"'}' \
        '{alert: S, expr: '"'"'absent(spans{service="b"}[10m])'"'"'}'
    span() {
        printf '{"type":"span","traceId":"%032x","spanId":"%016x","name":"x","service":"%s","status":"%s","startTimeUnixNano":"%d000000000","endTimeUnixNano":"%d000000001"}\n' \
            "$1" "$1" "$2" "$3" $((1700000040 + $1)) $((1700000040 + $1))
    }
    { span 1 b ok; span 2 a error; span 3 a ok; span 4 a error; span 5 a error; span 700 a ok; span 710 b ok; } >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '5 C firing
360 C resolved
660 S firing
710 S resolved'
}

@test 'run: findings fire at their time, for five minutes' {
    rules '{alert: A, expr: '"'"'anomaly{severity="critical"}'"'"', annotations: {s: "{message}"}}'
    finding() {
        echo "{\"type\":\"finding\",\"kind\":\"anomaly\",\"severity\":\"$2\",\"metricName\":\"durationNano\",\"stat\":\"p99\",\"group\":{\"service\":\"cart\",\"name\":\"x\"},\"timeUnixNano\":\"$((1700000040 + $1))000000000\",\"value\":4e8,\"message\":\"slow\\n\\u001b[31m\"}"
    }
    { finding 0 warning; finding 5 critical; finding 200 critical; finding 1000 warning; } >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '5 A firing
540 A resolved'
    assert_output --partial '"labels":{"metricName":"durationNano","name":"x","service":"cart","severity":"critical","stat":"p99"},"annotations":{"s":"slow\n\u001b[31m"}'
    run -0 trace-alert run --rules=rules.yaml --now=1700000540 in
    assert_equal "${#lines[@]}" 2
}

@test 'run: a value of a finding, by its horizon and quantile' {
    rules '{alert: A, expr: '"'"'forecast{metricName="disk",horizon="4h",quantile="0.9"} >= 0.95'"'"'}'
    for quantile in 0.5 0.9; do
        echo "{\"type\":\"finding\",\"kind\":\"forecast\",\"metricName\":\"disk\",\"group\":{},\"timeUnixNano\":\"1700000040000000000\",\"value\":0.97,\"horizonNano\":14400000000000,\"quantile\":$quantile}"
    done >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '0 A firing'
}

@test 'run: clock records and --now move event time on' {
    rules '{alert: A, when: {metric: m, greater_than: 10}, for: 1m}'
    values a 0:11 >in
    run -0 trace-alert run --rules=rules.yaml --now=1700000100 in
    assert_equal "$(states)" '0 A pending
60 A firing'
    echo '{"type":"clock","timeUnixNano":"1700000100000000000"}' >>in
    run -0 trace-alert run --rules=rules.yaml in
    assert_equal "$(states)" '0 A pending
60 A firing'
    assert_line --index 2 '{"type":"clock","timeUnixNano":"1700000100000000000"}'
}

@test 'run --exit-code: 1 while an alert fires, 0 afterwards' {
    rules '{alert: A, when: {metric: m, greater_than: 10}}'
    values a 0:11 >fires
    run -1 trace-alert run --rules=rules.yaml --exit-code --state=st fires
    run -1 trace-alert run --rules=rules.yaml --exit-code --state=st /dev/null
    assert_output ''
    values a 60:1 >over
    run -0 trace-alert run --rules=rules.yaml --exit-code --state=st over
    assert_equal "$(states)" '60 A resolved'
}

mixed() {
    awk 'BEGIN { s = 7
        for (t = 0; t < 150; t++) for (k = 0; k < 5; k++) {
            s = (s * 16807) % 2147483647; u = s / 2147483647
            s = (s * 16807) % 2147483647; w = s / 2147483647
            if (w < 0.15 || (t > 70 && t < 110 && k == 2)) continue
            printf "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":%.3f,\"timeUnixNano\":\"%d000000000\",\"dimensions\":{\"service\":\"s%d\"}}\n", 100 * u, 1700000000 + 10 * t, k
            if (w > 0.96)
                printf "{\"type\":\"finding\",\"kind\":\"anomaly\",\"severity\":\"critical\",\"metricName\":\"m\",\"group\":{\"service\":\"s%d\"},\"timeUnixNano\":\"%d000000000\",\"message\":\"odd %d\"}\n", k, 1700000000 + 10 * t - 5, t
            if (w > 0.9)
                printf "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op\",\"service\":\"s%d\",\"status\":\"error\",\"startTimeUnixNano\":\"%d000000000\"}\n", t * 10 + k + 1, t * 10 + k + 1, k, 1700000000 + 10 * t - 3
        } }'
}

mixed_rules() {
    cat >rules.yaml <<'END'
version: 1
channels:
  few: {type: file, path: few.out, limit: 3 per 5m}
groups:
- name: g
  every: 20s
  rules:
  - {alert: V, when: {metric: m, greater_than: 90, clear_below: 60}, for: 20s, keep_firing_for: 30s}
  - {alert: W, when: {metric: m, stat: p90, window: 2m, greater_than: 95}, missing: fire}
  - {alert: M, when: {metric: m, stat: mean, window: 3m, less_than: 45}, missing: resolve, for: 40s}
  - {alert: A, expr: 'anomaly{severity="critical"}', dedup: {by: [service], window: 10m}, annotations: {s: "{message}"}}
  - {alert: C, expr: 'spans{status="error",service=~"s[0-2]"}[5m] >= 6'}
  - {alert: D, expr: 'absent(spans{service="s4"}[2m])', for: 1m}
  - {alert: E, expr: 'm{service!="s1"}[1m] < 4'}
END
}

@test 'run: many short runs with a state equal one, byte for byte; so does its state' {
    mixed >in
    mixed_rules
    trace-alert run --rules=rules.yaml --state=one in >whole
    mv few.out few.whole
    assert [ "$(wc -l <whole)" -gt 100 ]
    for state in pending firing resolved nodata; do
        grep -q "\"state\":\"$state\"" whole || [ $state = nodata ] || fail "$state is not in the test"
    done
    split -l 41 in part.
    for part in part.*; do
        trace-alert run --rules=rules.yaml --state=st "$part" >>parts
    done
    assert_files_equal whole parts
    assert_files_equal few.whole few.out
    assert_files_equal one st
}

# spans SECONDS...: a span with an error at each.
spans() {
    for at; do
        n=$((n + 1))
        printf '{"type":"span","traceId":"%032x","spanId":"%016x","name":"x","service":"s","status":"error","startTimeUnixNano":"%d000000000"}\n' \
            $n $n $((1700000040 + at))
    done
}

@test 'run: what a run before has read does not count again' {
    rules '{alert: C, expr: '"'"'spans{status="error"}[10m] >= 4'"'"'}'
    spans 0 60 60 >in
    run -0 trace-alert run --rules=rules.yaml --state=st in
    assert_output ''
    cp st before
    run -0 trace-alert run --rules=rules.yaml --state=st in
    assert_output 'trace-alert: 3 records were read by a run before, or are older than what it read'
    assert_files_equal before st
    spans 60 >>in
    run -0 trace-alert run --rules=rules.yaml --state=st in
    assert_equal "$(states)" '60 C firing'
    spans 61 >>in
    run --separate-stderr -0 trace-alert run --rules=rules.yaml --state=st in
    assert_output ''
    assert_equal "$stderr" 'trace-alert: 4 records were read by a run before, or are older than what it read'
}

@test 'run: an alert that is over does not fire again when its records are read again' {
    rules '{alert: R, when: {metric: m, greater_than: 10}, missing: resolve}' \
        '{alert: Q, when: {metric: m, stat: mean, window: 5m, greater_than: 4.5}}' \
        '{alert: F, expr: anomaly}'
    { values a 0:11 0:9 0:12; values b 300:1 900:1
      echo '{"type":"finding","kind":"anomaly","group":{},"timeUnixNano":"1700000940000000000"}'
      values b 1500:1 1500:3; } >in
    run -0 trace-alert run --rules=rules.yaml --state=st in
    assert_equal "$(grep -c R <<<"$(states)")" 4
    cp st before
    for i in 1 2; do
        run --separate-stderr -0 trace-alert run --rules=rules.yaml --state=st in
        assert_output ''
        assert_files_equal before st
    done
    values b 1560:11 >>in
    run -0 trace-alert run --rules=rules.yaml --state=st in
    assert_equal "$(states)" '1560 R firing
1560 Q firing'
    assert_output --partial '"alertName":"Q","state":"firing","labels":{"metricName":"m","service":"b"},"value":5,'
}

@test 'run: a growing file that is read again and again equals one run' {
    mixed >in
    mixed_rules
    trace-alert run --rules=rules.yaml --state=one in >whole
    lines=$(wc -l <in)
    for ((n = 100; n < lines + 100; n += 100)); do
        head -n "$n" in >grown
        trace-alert run --rules=rules.yaml --state=st grown >>grows
    done
    assert_files_equal whole grows
    assert_files_equal one st
}

@test 'run: several inputs are one, by time' {
    mixed >in
    mixed_rules
    grep '"type":"finding"' in >findings
    grep '"type":"metric"' in >metrics
    awk '{ match($0, /timeUnixNano":"[0-9]*/); print substr($0, RSTART, RLENGTH), FILENAME, FNR, $0 }' \
        metrics findings | sort -k 1,1 -k 2,2r -k 3,3n | cut -d ' ' -f 4- >sorted
    trace-alert run --rules=rules.yaml sorted >whole
    assert [ "$(grep -c '"alertName":"A","state":"firing"' whole)" -gt 3 ]
    trace-alert run --rules=rules.yaml --state=st metrics findings >out
    assert_files_equal whole out
    trace-alert run --rules=rules.yaml findings metrics | sort >other
    sort whole >one
    assert_files_equal one other
}

@test 'run: inputs that do not fit are read one after the other, and late findings are counted' {
    rules '{alert: A, expr: anomaly}' '{alert: B, when: {metric: m, greater_than: 10}}'
    echo '{"type":"finding","kind":"anomaly","group":{},"timeUnixNano":"1700000100000000000"}' >findings
    values a 0:11 600:1 >records
    run --separate-stderr -0 trace-alert run --rules=rules.yaml records findings
    assert_equal "$(states)" '0 B firing
60 A firing
120 B nodata
420 A resolved
600 B resolved'
    assert_equal "$stderr" ''
    run --separate-stderr -0 trace-alert run --rules=rules.yaml --memory=1 records findings
    assert_equal "$(states)" '0 B firing
120 B nodata
600 B resolved'
    assert_equal "$stderr" 'trace-alert: the inputs need more than --memory to be ordered by time: from there on they were read one after the other
trace-alert: 1 record was older than the range of its rule when it came: left out'
    cat records findings >both
    run --separate-stderr -0 trace-alert run --rules=rules.yaml both
    assert_equal "$stderr" 'trace-alert: 1 record was older than the range of its rule when it came: left out'
}

@test 'run: threads and the size of reads make no difference' {
    mixed >in
    mixed_rules
    trace-alert run --rules=rules.yaml in >whole
    for j in 1 4; do
        dd if=in bs=777 status=none | trace-alert run --rules=rules.yaml -j $j >piped
        assert_files_equal whole piped
    done
}

@test 'run: a rule that was changed begins anew, the others go on' {
    rules '{alert: A, when: {metric: m, greater_than: 10}, for: 2m}' '{alert: B, when: {metric: m, greater_than: 10}, for: 2m}' \
        '{alert: C, when: {metric: m, greater_than: 10}}' '{alert: G, when: {metric: m, greater_than: 10}}'
    values a 0:11 60:11 >in
    trace-alert run --rules=rules.yaml --state=st in >first
    rules '{alert: A, when: {metric: m, greater_than: 9}, for: 2m}' '{alert: B, when: {metric: m, greater_than: 10}, for: 2m}' \
        '{alert: C, when: {metric: m, greater_than: 9}}'
    values a 120:11 180:11 >in
    run --separate-stderr -0 trace-alert run --rules=rules.yaml --state=st in
    assert_equal "$(states)" '60 C resolved
120 A pending
120 B firing
120 C firing'
    assert_equal "$stderr" 'trace-alert: 1 alert was of a rule that is gone: forgotten'
}

@test 'run: a state that is none is left as it is; 4' {
    rules '{alert: A, when: {metric: m, greater_than: 10}}'
    for text in 'x' '{"line":"trace-alert state 1","order":"0"}
{"line":"instance","rule":"A","labels":[],"state":"firing"}' '{}
'; do
        printf '%s' "$text" >st
        cp st before
        run -4 trace-alert run --rules=rules.yaml --state=st /dev/null
        assert_output --regexp 'st:[12]: this is no state of trace-alert'
        assert_files_equal st before
    done
}

# until_ COMMAND...: waits till it succeeds, for five seconds.
until_() {
    local i
    for ((i = 0; i < 500; i++)); do
        ! "$@" || return 0
        sleep 0.01
    done
    fail "in vain: $*"
}

@test 'run: HUP reads the rules again; those that are as they were go on' {
    rules '{alert: A, when: {metric: m, greater_than: 10}}' '{alert: B, when: {metric: m, greater_than: 10}, for: 2m}' \
        '{alert: C, expr: '"'"'spans[10m] >= 3'"'"'}'
    mkfifo pipe
    trace-alert run --rules=rules.yaml --state=st -w '.nonesuch != 1' pipe >out 2>err 3>&- &
    pid=$!
    exec 9>pipe
    { values a 0:11; spans 1 1; values a 2:11; } >&9
    until_ grep -q '"alertName":"B","state":"pending"' out
    rules '{alert: A, when: {metric: m, greater_than: 20}}' '{alert: B, when: {metric: m, greater_than: 10}, for: 2m}' \
        '{alert: C, expr: '"'"'spans[10m] >= 3'"'"'}' '{alert: D, expr: '"'"'spans{my.attribute="x"}[10m] >= 1'"'"'}'
    kill -HUP $pid
    { spans 3 | sed 's/}$/,"attributes":{"my.attribute":"x"}}/'; values a 60:11 120:11; } >&9
    until_ grep -q '"alertName":"B","state":"firing"' out
    printf 'version: 1\ngropus: []\n' >rules.yaml
    kill -HUP $pid
    values a 180:21 >&9
    until_ grep -q '"alertName":"A","state":"firing".*"value":21' out
    exec 9>&-
    wait $pid
    output=$(cat out)
    assert_equal "$(states)" '0 A firing
0 B pending
2 A resolved
3 C firing
3 D firing
120 B firing
180 A firing'
    assert_equal "$(cat err)" "trace-alert: rules.yaml:2:1: unknown key 'gropus': did you mean groups?; the old rules stay
trace-alert: no record had the field 'nonesuch'"
    run -4 trace-alert run --rules=none --state=st /dev/null
}

@test 'run: HUP, and a state that is saved goes on as it does without' {
    mixed >in
    mixed_rules
    trace-alert run --rules=rules.yaml --state=one in >whole
    mkfifo pipe
    trace-alert run --rules=rules.yaml --state=st pipe >out 3>&- &
    pid=$!
    exec 9>pipe
    for ((n = 1; n < 700; n += 77)); do
        sed -n "$n,$((n + 76))p" in >&9
        sleep 0.02
        kill -HUP $pid
    done
    exec 9>&-
    wait $pid
    assert_files_equal whole out
    assert_files_equal one st
}

@test 'HUP ends other programs as TERM does' {
    mkfifo pipe
    trace-span filter -w '.name == "x"' pipe -o out 3>&- &
    pid=$!
    exec 9>pipe
    spans 1 2 >&9
    sleep 0.3
    kill -HUP $pid
    wait $pid
    exec 9>&-
    assert_equal "$(wc -l <out)" 2
}

@test 'run: two runs do not have a state at the same time' {
    rules '{alert: A, when: {metric: m, greater_than: 10}}'
    mkfifo wait
    trace-alert run --rules=rules.yaml --state=st wait >/dev/null 3>&- &
    exec 9>wait
    values a 0:11 >&9
    (sleep 0.5; exec 9>&-) 3>&- &
    exec 9>&-
    run -0 trace-alert run --rules=rules.yaml --state=st /dev/null
    wait
    grep -q firing st
}

@test 'run: a state is replaced under a name that nobody can lay in wait for' {
    rules '{alert: A, when: {metric: m, greater_than: 10}}'
    echo mine >victim
    ln -s victim st.new
    values a 0:11 >in
    trace-alert run --rules=rules.yaml --state=st in >/dev/null
    assert_equal "$(cat victim)" mine
    grep -q firing st
    assert_equal "$(stat -c %a st)" 600
    assert_equal "$(ls -A)" "$(printf 'in\nrules.yaml\nst\nst.new\nvictim')"
    # A link to a state stays one.
    mkdir elsewhere
    mv st elsewhere/st
    ln -s elsewhere/st st
    values a 60:1 >in
    trace-alert run --rules=rules.yaml --state=st in >/dev/null
    assert [ -L st ]
    run ! grep -q firing elsewhere/st
}

@test 'run: times at the ends of what there is' {
    rules '{alert: A, when: {metric: m, greater_than: 10}, for: 5m}' '{alert: B, when: {metric: m, greater_than: 10}, keep_firing_for: 5m, missing: resolve}' \
        '{alert: C, expr: '"'"'m[1ns] >= 1'"'"'}' '{alert: D, expr: '"'"'absent(m{service="b"}[1m])'"'"', for: 1m}'
    for at in -9223372036854775808 -9223372036854775807 -9000000000000000000 0 9000000000000000000 9223372036854775806 9223372036854775807; do
        for value in 11 1; do
            echo "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":$value,\"timeUnixNano\":\"$at\"}"
        done
    done >in
    run -0 --separate-stderr trace-alert run --rules=rules.yaml --state=st in
    assert_equal "$stderr" ''
    trace-alert run --rules=rules.yaml --state=st in >again
    tac in | trace-alert run --rules=rules.yaml >other
}

@test 'run: late and untimed records are counted' {
    rules '{alert: A, when: {metric: m, greater_than: 10}}'
    { echo '{"type":"metric","metricName":"m","value":1}'; values a 60:1 0:11; } >in
    run --separate-stderr -0 trace-alert run --rules=rules.yaml in
    assert_output ''
    assert_regex "$stderr" '1 record without a time came before any with one: left out'
    assert_regex "$stderr" '1 record was older than the one before of its series: left out'
}

@test 'run: a rule that no record matched is named' {
    rules '{alert: Typo, when: {metric: mm, greater_than: 10}}' '{alert: A, when: {metric: m, greater_than: 10}}' \
        '{alert: S, expr: '"'"'absent(spans[1m])'"'"'}' '{alert: E, when: {metric: m, stat: errorRate, greater_than: 1}}' \
        '{alert: F, expr: anomaly}'
    values a 0:1 >in
    run -0 trace-alert run --rules=rules.yaml in
    assert_output 'trace-alert: rule Typo: no record matched
trace-alert: rule E: metrics have no errorRate but in aggregates of them
trace-alert: rule F: no record matched'
    run -0 trace-alert run --rules=rules.yaml /dev/null
    assert_output ''
    # Once is enough.
    echo '{"type":"finding","kind":"anomaly","group":{},"timeUnixNano":"1700000040000000000"}' >finding
    trace-alert run --rules=rules.yaml --state=st in finding >/dev/null
    values a 1:1 >in
    run -0 trace-alert run --rules=rules.yaml --state=st in
    refute_output --partial 'rule F'
}

@test 'run: usage' {
    run -2 trace-alert run </dev/null
    assert_output --partial '--rules=FILE is missing'
    run -4 trace-alert run --rules=none </dev/null
    assert_output 'trace-alert: none: No such file or directory'
}

@test 'objects that are the same are one label, however they are written' {
    echo '{version: 1, groups: [{name: g, every: 1s, rules: [{alert: A, expr: m > 0}]}]}' >rules.yaml
    echo '{"metricName":"m","value":1,"timeUnixNano":"1000000000","dimensions":{"a":{ "y": 2, "x": 1.0}}}' >in
    echo '{"metricName":"m","value":1,"timeUnixNano":"2000000000","dimensions":{"a":{"x":1,"y":2}}}' >>in
    run --separate-stderr trace-alert run --rules=rules.yaml in
    assert_equal "${#lines[@]}" 1
    assert_output --partial '"labels":{"a":"{\"x\":1,\"y\":2}",'
}
