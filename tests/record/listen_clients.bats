# SPDX-License-Identifier: GPL-3.0-or-later
# trace-record listen with the exporters of OpenTelemetry's JavaScript SDK. TRACECORE_TEST_CLIENTS is
# a folder where node finds their packages.

load ../helper
load listen

@test 'the JavaScript SDK exports all of its spans, metrics and logs' {
    [[ -n ${TRACECORE_TEST_CLIENTS-} ]] || skip 'TRACECORE_TEST_CLIENTS names no folder of clients'
    need_command node
    export NODE_PATH=$TRACECORE_TEST_CLIENTS/node_modules
    node -e 'require("@opentelemetry/exporter-trace-otlp-http")' 2>/dev/null ||
        skip 'the packages of OpenTelemetry are not in TRACECORE_TEST_CLIENTS'
    listen --to=got.ndjson
    cat >client.js <<'END'
const {BasicTracerProvider, BatchSpanProcessor} = require('@opentelemetry/sdk-trace-base');
const {MeterProvider, PeriodicExportingMetricReader} = require('@opentelemetry/sdk-metrics');
const {LoggerProvider, BatchLogRecordProcessor} = require('@opentelemetry/sdk-logs');
const {resourceFromAttributes} = require('@opentelemetry/resources');
const resource = resourceFromAttributes({'service.name': 'shop'});
const url = process.argv[2];
const compression = process.argv[3];
const encoding = process.argv[4];
const {OTLPTraceExporter} = require('@opentelemetry/exporter-trace-otlp-' + encoding);
const {OTLPMetricExporter} = require('@opentelemetry/exporter-metrics-otlp-' + encoding);
const {OTLPLogExporter} = require('@opentelemetry/exporter-logs-otlp-' + (process.argv[5] || encoding));
const failed = [];

async function main() {
    const tracers = new BasicTracerProvider({resource, spanProcessors: [new BatchSpanProcessor(
        new OTLPTraceExporter({url: url + '/v1/traces', compression}),
        {maxQueueSize: 10000, maxExportBatchSize: 100})]});
    const tracer = tracers.getTracer('test', '1');
    for (let i = 0; i < 1000; i++)
        tracer.startSpan('GET /' + i, {kind: 1, attributes: {i, half: i / 2, list: ['a', 'b']}}).end();
    await tracers.forceFlush();
    await tracers.shutdown();

    const reader = new PeriodicExportingMetricReader({exportIntervalMillis: 3600000,
        exporter: new OTLPMetricExporter({url: url + '/v1/metrics', compression})});
    const meters = new MeterProvider({resource, readers: [reader]});
    const meter = meters.getMeter('test');
    meter.createCounter('orders').add(3, {a: 'x'});
    meter.createHistogram('latency', {unit: 's'}).record(0.5);
    meter.createUpDownCounter('open').add(-2);
    await meters.shutdown();

    const logs = new LoggerProvider({resource, processors: [new BatchLogRecordProcessor(
        {exporter: new OTLPLogExporter({url: url + '/v1/logs', compression})})]});
    for (let i = 0; i < 10; i++)
        logs.getLogger('test').emit({severityNumber: 17, body: {msg: 'x', i}});
    await logs.forceFlush();
    await logs.shutdown();
}
process.on('unhandledRejection', (reason) => failed.push(reason));
main().catch((reason) => failed.push(reason)).then(() => {
    for (const reason of failed) console.error(reason);
    process.exitCode = failed.length ? 1 : 0;
});
END
    local logs=
    if ! node -e 'require("@opentelemetry/exporter-logs-otlp-proto")' 2>/dev/null; then
        logs=http
        echo '# logs as JSON only: exporter-logs-otlp-proto is not in TRACECORE_TEST_CLIENTS' >&3
    fi
    for encoding in http proto; do
        for compression in none gzip; do
            run -0 node client.js "$url" "$compression" "$encoding" $logs
            assert_output ''
        done
    done
    stop
    assert_equal "$(jq -s -c 'group_by(.type) | map([.[0].type, length])' got.ndjson)" '[["log",40],["metric",12],["span",4000]]'
    assert_equal "$(jq -r 'select(.type == "span") | "\(.service) \(.name) \(.kind) \(.attributes.i) \(.attributes.list[1])"' got.ndjson | sort | uniq -c | awk '$1 != 4 || $2 != "shop"' | wc -l)" 0
    assert_equal "$(jq -c 'select(.metricName == "orders") | [.value, .dimensions, .metricType]' got.ndjson | sort -u)" '[3,{"a":"x"},"counter"]'
    assert_equal "$(jq -c 'select(.type == "log") | [.severity, .body.i]' got.ndjson | sort -u | wc -l)" 10
    assert_equal "$(grep -c . log)" 1
}
