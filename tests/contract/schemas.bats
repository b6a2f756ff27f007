# What the programs write is valid by the JSON Schemas. (tests/core/test-schema.c holds the schemas
# against the library's tables, and has the validator.)
bats_require_minimum_version 1.5.0
load ../helper

validate() {
    run -0 "$top_builddir/tests/core/test-schema" "$@"
    [[ $output =~ [1-9][0-9]*\ records,\ 0\ not\ valid ]]
}

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    "$top_srcdir/contrib/sample-capture.sh" --traces=60 >capture.json
    trace-record import capture.json >all.ndjson
}

setup() {
    [[ -x $top_builddir/tests/core/test-schema ]] || skip 'tests/core/test-schema is not built'
    cd "$BATS_FILE_TMPDIR"
}

@test 'imported spans, metrics and log records' {
    validate all.ndjson
    for type in span metric log; do
        grep -q "^{\"type\":\"$type\"" all.ndjson
    done
}

@test 'what went through a binary stream' {
    trace-record import -b capture.json | trace-span filter --type=span >again.ndjson
    validate again.ndjson
}

@test 'spans and traces that a search found' {
    trace-span search '{ } > { } | by(resource.service.name) | select(trace:duration, rootName)' \
        all.ndjson >found.ndjson
    validate found.ndjson
    trace-span search --summary '{ } > { } | by(resource.service.name)' all.ndjson >found.ndjson
    validate found.ndjson
}

@test 'aggregates' {
    trace-agg --by=service --window=5m --stat=count,rate,sum,mean,stddev,min,p50,p99.9,errorRate,histogram \
        all.ndjson >aggregates.ndjson
    validate aggregates.ndjson
}

@test 'partials' {
    trace-agg --partial --by=service --window=5m --stat=rate,p99 all.ndjson >partial.ndjson
    trace-agg --partial --stat=rate all.ndjson >>partial.ndjson
    for part in header cell trailer; do
        grep -q "\"part\":\"$part\"" partial.ndjson
    done
    validate partial.ndjson
    trace-agg --partial -b --stat=rate all.ndjson | trace-span filter --type=aggregate >again.ndjson
    validate again.ndjson
}

@test 'groups of errors, patterns of traces' {
    trace-span errors all.ndjson >found.ndjson
    trace-span patterns all.ndjson >>found.ndjson
    trace-span patterns --names all.ndjson >>found.ndjson
    validate found.ndjson
}

@test 'assembled traces' {
    trace-span assemble all.ndjson >traces.ndjson
    grep -q '"criticalPath":' traces.ndjson
    grep -q '"errorDetails":' traces.ndjson
    validate traces.ndjson
    trace-span assemble --summary all.ndjson >summaries.ndjson
    validate summaries.ndjson
}

@test 'traces that have to do with each other' {
    trace-span correlate --by=service --max-traces=2 all.ndjson >groups.ndjson
    trace-span correlate --of=slow --alpha=1 all.ndjson >contrast.ndjson
    trace-span related "$(jq -r 'select(.type == "span").traceId' all.ndjson | head -n 1)" all.ndjson >related.ndjson
    trace-span get --details --span="$(jq -r 'select(.type == "span").spanId' all.ndjson | head -n 1)" all.ndjson >details.ndjson
    validate groups.ndjson contrast.ndjson related.ndjson details.ndjson
}

@test 'findings' {
    trace-agg --by=service,name --window=10s --type=span all.ndjson | trace-detect anomaly >findings.ndjson
    grep -q '^{"type":"finding"' findings.ndjson
    validate findings.ndjson
}

@test 'executions, spans and metrics of commands' {
    trace-record --list-verbs | grep -q '^run' || skip 'there is no trace-record run'
    trace-record run --to=run.ndjson --name=nightly -- true
    validate run.ndjson
    grep -q '"type":"execution"' run.ndjson
}

@test 'executions as status tells of them' {
    trace-record --list-verbs | grep -q '^status' || skip 'there is no trace-record status'
    export TRACE_TO=traces-of.ndjson
    id=$(trace-record start outer --context-id=c --correlation-id=k --causation-id=m --pid=$$ --attr=n=1 --attr=a=b)
    trace-record checkpoint "$id" half --attr=k=1
    trace-record event "$id" seen
    TRACEPARENT=$id trace-record run --interval=20ms -- sleep 0.1
    TRACEPARENT=$id trace-record metric rows 17 table=a --unit='{row}' --metric-type=gauge
    trace-record status "$id" >state.ndjson
    trace-record fail "$id" --error=why
    trace-record status "$id" >>state.ndjson
    trace-record start bare >id
    trace-record status "$(<id)" >>state.ndjson
    trace-record history >list.ndjson
    validate state.ndjson list.ndjson
    validate --schema=execution-trace state.ndjson
    jq -c 'del(.timeline.startTime)' state.ndjson >wrong.ndjson
    run -1 "$top_builddir/tests/core/test-schema" --schema=execution-trace wrong.ndjson
    assert_line --index 0 'wrong.ndjson:1: timeline lacks startTime'
    # every field of the entity is there, and no other is but for the record's own
    assert_equal "$(sed 1d state.ndjson | head -n 1 | jq -rc 'keys_unsorted-["type","executionId","timeUnixNano"]|sort|join(" ")')" \
        'context contextId correlation error metadata operationName operations performance spans status timeline traceId'
}

@test 'a record that is wrong is told' {
    echo '{"type":"clock"}' >wrong.ndjson
    run -1 "$top_builddir/tests/core/test-schema" wrong.ndjson
    assert_line --index 0 'wrong.ndjson:1: lacks timeUnixNano'
}

@test 'the schemas are installed' {
    run -0 make -s -C "$top_builddir" install-dist_schemaDATA DESTDIR="$BATS_TEST_TMPDIR" datadir=/usr/share \
        datarootdir=/usr/share prefix=/usr
    assert_file_exists "$BATS_TEST_TMPDIR/usr/share/tracecore/schema/span.schema.json"
}
