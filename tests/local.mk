# Tests print TAP. A C test is one file tests/core/test-NAME.c and one line below; a bats test is
# one file tests/FOLDER/NAME.bats and one line below.
check_PROGRAMS += %D%/core/test-binary
check_PROGRAMS += %D%/core/test-binary-damage
check_PROGRAMS += %D%/core/test-binary-golden
check_PROGRAMS += %D%/core/test-binary-lay
check_PROGRAMS += %D%/core/test-binary-references
check_PROGRAMS += %D%/core/test-binary-traces
check_PROGRAMS += %D%/core/test-audit
check_PROGRAMS += %D%/core/test-audit-verify
check_PROGRAMS += %D%/core/test-expr
check_PROGRAMS += %D%/core/test-bounded-histogram
check_PROGRAMS += %D%/core/test-bucket-store
check_PROGRAMS += %D%/core/test-canonical
check_PROGRAMS += %D%/core/test-change-test
check_PROGRAMS += %D%/core/test-distinct
check_PROGRAMS += %D%/core/test-exact-sum
check_PROGRAMS += %D%/core/test-fisher
check_PROGRAMS += %D%/core/test-histogram
check_PROGRAMS += %D%/core/test-expr-jq
check_PROGRAMS += %D%/core/test-expr-known
check_PROGRAMS += %D%/core/test-id
check_PROGRAMS += %D%/core/test-jq
check_PROGRAMS += %D%/core/test-import-rows
check_PROGRAMS += %D%/core/test-import-forms
check_PROGRAMS += %D%/core/test-import-split
check_PROGRAMS += %D%/core/test-json
check_PROGRAMS += %D%/core/test-json-portable
check_PROGRAMS += %D%/core/test-json-suite
check_PROGRAMS += %D%/core/test-json-text
check_PROGRAMS += %D%/core/test-key
check_PROGRAMS += %D%/core/test-map
check_PROGRAMS += %D%/core/test-memory
check_PROGRAMS += %D%/core/test-input
check_PROGRAMS += %D%/core/test-ndjson
check_PROGRAMS += %D%/core/test-number
check_PROGRAMS += %D%/core/test-projection
check_PROGRAMS += %D%/core/test-schema
check_PROGRAMS += %D%/core/test-segment
check_PROGRAMS += %D%/core/test-segment-damage
check_PROGRAMS += %D%/core/test-segment-golden
check_PROGRAMS += %D%/core/test-segment-sealed
check_PROGRAMS += %D%/core/test-seal
check_PROGRAMS += %D%/core/test-sniff
check_PROGRAMS += %D%/core/test-symbol
check_PROGRAMS += %D%/core/test-sys
check_PROGRAMS += %D%/core/test-text
check_PROGRAMS += %D%/core/test-sha256
check_PROGRAMS += %D%/core/test-time
check_PROGRAMS += %D%/core/test-topk
check_PROGRAMS += %D%/core/test-exemplars
check_PROGRAMS += %D%/core/test-proportion
check_PROGRAMS += %D%/core/test-increase
check_PROGRAMS += %D%/core/test-rank
check_PROGRAMS += %D%/core/test-rollup
check_PROGRAMS += %D%/core/test-season
check_PROGRAMS += %D%/core/test-segmentation
check_PROGRAMS += %D%/core/test-trace
check_PROGRAMS += %D%/core/test-schedule
check_PROGRAMS += %D%/core/test-trace-filter
check_PROGRAMS += %D%/core/test-trace-index
check_PROGRAMS += %D%/core/test-trace-store
check_PROGRAMS += %D%/core/test-trace-totals
check_PROGRAMS += %D%/core/test-forecast
check_PROGRAMS += %D%/core/test-trend
check_PROGRAMS += %D%/core/test-version
check_PROGRAMS += $(fault_tests)
check_PROGRAMS += $(cli_tests)
check_PROGRAMS += $(detect_tests)
check_PROGRAMS += $(alert_tests)
check_PROGRAMS += $(span_tests)

# Fuzz targets: here each replays its corpus; tests/fuzz/run.sh fuzzes.
check_PROGRAMS += $(fuzz_targets)
fuzz_targets =
fuzz_targets += %D%/fuzz/fuzz_binary
fuzz_targets += %D%/fuzz/fuzz_binary_write
%C%_fuzz_fuzz_binary_SOURCES = %D%/fuzz/fuzz_binary.c %D%/fuzz/replay.c
%C%_fuzz_fuzz_binary_write_SOURCES = %D%/fuzz/fuzz_binary_write.c %D%/fuzz/replay.c
fuzz_targets += %D%/fuzz/fuzz_expr
fuzz_targets += %D%/fuzz/fuzz_json
%C%_fuzz_fuzz_expr_SOURCES = %D%/fuzz/fuzz_expr.c %D%/fuzz/replay.c
%C%_fuzz_fuzz_json_SOURCES = %D%/fuzz/fuzz_json.c %D%/fuzz/replay.c
fuzz_targets += %D%/fuzz/fuzz_import
%C%_fuzz_fuzz_import_SOURCES = %D%/fuzz/fuzz_import.c %D%/fuzz/replay.c
%C%_fuzz_fuzz_import_CPPFLAGS = $(program_cppflags)
%C%_fuzz_fuzz_import_LDADD = src/record/libimport.a $(program_libs)
check_PROGRAMS += %D%/fuzz/import_damage
%C%_fuzz_import_damage_SOURCES = %D%/fuzz/damage.c %D%/fuzz/fuzz_import.c
%C%_fuzz_import_damage_CPPFLAGS = $(program_cppflags)
%C%_fuzz_import_damage_LDADD = src/record/libimport.a $(program_libs)
fuzz_targets += %D%/fuzz/fuzz_log
%C%_fuzz_fuzz_log_SOURCES = %D%/fuzz/fuzz_log.c %D%/fuzz/replay.c
fuzz_targets += %D%/fuzz/fuzz_audit
%C%_fuzz_fuzz_audit_SOURCES = %D%/fuzz/fuzz_audit.c %D%/fuzz/replay.c
fuzz_targets += %D%/fuzz/fuzz_policy
%C%_fuzz_fuzz_policy_SOURCES = %D%/fuzz/fuzz_policy.c %D%/fuzz/replay.c
%C%_fuzz_fuzz_policy_CPPFLAGS = $(program_cppflags)
%C%_fuzz_fuzz_policy_LDADD = src/record/librecord.a src/record/libimport.a $(program_libs)
fuzz_targets += %D%/fuzz/fuzz_records
%C%_fuzz_fuzz_records_SOURCES = %D%/fuzz/fuzz_records.c %D%/fuzz/replay.c
fuzz_targets += %D%/fuzz/fuzz_states
%C%_fuzz_fuzz_states_SOURCES = %D%/fuzz/fuzz_states.c %D%/fuzz/replay.c
fuzz_targets += %D%/fuzz/fuzz_store
%C%_fuzz_fuzz_store_SOURCES = %D%/fuzz/fuzz_store.c %D%/fuzz/replay.c
fuzz_targets += %D%/fuzz/fuzz_traceql
%C%_fuzz_fuzz_traceql_SOURCES = %D%/fuzz/fuzz_traceql.c %D%/fuzz/replay.c
%C%_fuzz_fuzz_traceql_CPPFLAGS = $(program_cppflags)
%C%_fuzz_fuzz_traceql_LDADD = src/span/libspan.a $(program_libs)
fuzz_targets += %D%/fuzz/fuzz_rules
%C%_fuzz_fuzz_rules_SOURCES = %D%/fuzz/fuzz_rules.c %D%/fuzz/replay.c
%C%_fuzz_fuzz_rules_CPPFLAGS = $(program_cppflags)
%C%_fuzz_fuzz_rules_LDADD = src/alert/libalert.a $(program_libs)
EXTRA_DIST += %D%/fuzz/corpus
EXTRA_DIST += %D%/fuzz/run.sh

# Benchmarks, made on demand: make tests/bench/NAME
EXTRA_PROGRAMS =
EXTRA_PROGRAMS += %D%/bench/analytics/m4_score
EXTRA_PROGRAMS += %D%/bench/analytics/nab_score
EXTRA_PROGRAMS += %D%/bench/analytics/tcpd_score
EXTRA_DIST += %D%/bench/analytics/m4.sh
EXTRA_DIST += %D%/bench/analytics/nab.sh
EXTRA_DIST += %D%/bench/analytics/nezha.sh
EXTRA_DIST += %D%/bench/analytics/petshop.sh
EXTRA_DIST += %D%/bench/analytics/run.sh
EXTRA_DIST += %D%/bench/analytics/tcpd.sh
EXTRA_PROGRAMS += %D%/bench/binary_bench
EXTRA_PROGRAMS += %D%/bench/histogram_bench
EXTRA_PROGRAMS += %D%/bench/expr_bench
EXTRA_PROGRAMS += %D%/bench/json_bench
EXTRA_PROGRAMS += %D%/bench/ndjson_bench

# Tools of tests.
EXTRA_PROGRAMS += %D%/tools/otlp_proto
CLEANFILES += %D%/tools/otlp_proto
%C%_tools_otlp_proto_SOURCES = %D%/tools/otlp_proto.c
%C%_tools_otlp_proto_CPPFLAGS = $(program_cppflags)
%C%_tools_otlp_proto_LDADD = src/record/libimport.a $(program_libs)
%D%/record/import_proto.log: %D%/tools/otlp_proto$(EXEEXT)
EXTRA_PROGRAMS += %D%/tools/antipatterns
CLEANFILES += %D%/tools/antipatterns
%C%_tools_antipatterns_SOURCES = %D%/tools/antipatterns.c
%C%_tools_antipatterns_LDADD =
%D%/span/analyze.log: %D%/tools/antipatterns$(EXEEXT)
EXTRA_PROGRAMS += %D%/tools/open_traces
CLEANFILES += %D%/tools/open_traces
%C%_tools_open_traces_SOURCES = %D%/tools/open_traces.c
%C%_tools_open_traces_LDADD =
%D%/span/spill.log: %D%/tools/antipatterns$(EXEEXT) %D%/tools/open_traces$(EXEEXT)

bats_tests =
bats_tests += %D%/agg/aggregate.bats
bats_tests += %D%/agg/increase.bats
bats_tests += %D%/agg/map.bats
bats_tests += %D%/agg/metrics.bats
bats_tests += %D%/agg/scope.bats
bats_tests += %D%/agg/slide.bats
bats_tests += %D%/alert/check.bats
bats_tests += %D%/alert/run.bats
bats_tests += %D%/alert/channels.bats
bats_tests += %D%/contract/man.bats
bats_tests += %D%/contract/readme.bats
bats_tests += %D%/fault/swap.bats
bats_tests += %D%/hostile/ndjson.bats
bats_tests += %D%/pipe/equal.bats
bats_tests += %D%/pipe/foreign.bats
bats_tests += %D%/pipe/packed.bats
bats_tests += %D%/detect/anomaly.bats
bats_tests += %D%/detect/capacity.bats
bats_tests += %D%/detect/cause.bats
bats_tests += %D%/detect/change.bats
bats_tests += %D%/detect/compare.bats
bats_tests += %D%/detect/forecast.bats
bats_tests += %D%/detect/trend.bats
bats_tests += %D%/report/summary.bats
bats_tests += %D%/report/table.bats
bats_tests += %D%/span/analyze.bats
bats_tests += %D%/span/assemble.bats
bats_tests += %D%/span/context.bats
bats_tests += %D%/span/diff.bats
bats_tests += %D%/report/trace.bats
bats_tests += %D%/span/correlate.bats
bats_tests += %D%/span/get.bats
bats_tests += %D%/span/map.bats
bats_tests += %D%/span/errors.bats
bats_tests += %D%/span/path.bats
bats_tests += %D%/span/patterns.bats
bats_tests += %D%/span/related.bats
bats_tests += %D%/span/sample.bats
bats_tests += %D%/span/skew.bats
bats_tests += %D%/span/terminal.bats
bats_tests += %D%/span/timeline.bats
bats_tests += %D%/span/where.bats
bats_tests += %D%/record/active.bats
bats_tests += %D%/record/audit.bats
bats_tests += %D%/record/batch.bats
bats_tests += %D%/record/collect.bats
bats_tests += %D%/record/execution.bats
bats_tests += %D%/record/damage.bats
bats_tests += %D%/record/explain.bats
bats_tests += %D%/record/host.bats
bats_tests += %D%/record/export.bats
bats_tests += %D%/record/export_aggregate.bats
bats_tests += %D%/record/export_formats.bats
bats_tests += %D%/record/export_readers.bats
bats_tests += %D%/record/import.bats
bats_tests += %D%/record/import_benchmark.bats
bats_tests += %D%/record/import_benchstat.bats
bats_tests += %D%/record/import_chrome.bats
bats_tests += %D%/record/import_csv.bats
bats_tests += %D%/record/import_data.bats
bats_tests += %D%/record/import_jaeger.bats
bats_tests += %D%/record/import_map.bats
bats_tests += %D%/record/import_otlp.bats
bats_tests += %D%/record/import_zipkin.bats
bats_tests += %D%/record/import_prometheus.bats
bats_tests += %D%/record/import_statsd.bats
bats_tests += %D%/record/listen.bats
bats_tests += %D%/record/listen_clients.bats
bats_tests += %D%/record/listen_statsd.bats
bats_tests += %D%/record/listen_tls.bats
bats_tests += %D%/record/redact.bats
bats_tests += %D%/record/run_usage.bats
bats_tests += %D%/record/where.bats
# Tests that start hundreds of processes or read megabytes: in a sanitized build, where they take a
# minute each, they are run by check-long only.
slow_tests =
slow_tests += %D%/agg/merge.bats
slow_tests += %D%/agg/rollup.bats
slow_tests += %D%/pipe/simd.bats
slow_tests += %D%/record/import_proto.bats
slow_tests += %D%/record/listen_faults.bats
slow_tests += %D%/record/metric.bats
slow_tests += %D%/record/open.bats
slow_tests += %D%/record/repository.bats
slow_tests += %D%/record/rollup.bats
slow_tests += %D%/record/run.bats
slow_tests += %D%/record/seal.bats
slow_tests += %D%/record/sealed_upkeep.bats
slow_tests += %D%/record/send.bats
slow_tests += %D%/record/upkeep.bats
slow_tests += %D%/span/brief.bats
slow_tests += %D%/span/filter.bats
slow_tests += %D%/span/search.bats
slow_tests += %D%/span/spill.bats
EXTRA_DIST += $(slow_tests)
# Tests of files, texts and scripts, which are the same in each build.
text_tests =
text_tests += %D%/cluster/parallel.bats
text_tests += %D%/cluster/slurm.bats
text_tests += %D%/contract/about.bats
text_tests += %D%/contract/completion.bats
text_tests += %D%/contract/install.bats
text_tests += %D%/contract/layout.bats
text_tests += %D%/contract/options.bats
text_tests += %D%/contract/quickstart.bats
text_tests += %D%/contract/schemas.bats
text_tests += %D%/detect/m4.bats
text_tests += %D%/detect/nab.bats
text_tests += %D%/detect/tcpd.bats
EXTRA_DIST += $(text_tests)
long_tests =
if SANITIZERS
long_tests += $(slow_tests)
else
bats_tests += $(slow_tests) $(text_tests)
endif

EXTRA_PROGRAMS += %D%/fault/swap
%D%/fault/swap.log: %D%/fault/swap$(EXEEXT)
EXTRA_PROGRAMS += %D%/record/packets
%D%/record/listen_statsd.log: %D%/record/packets$(EXEEXT)
EXTRA_PROGRAMS += %D%/record/receiver
%D%/record/run_usage.log: %D%/record/receiver$(EXEEXT)
%D%/record/send.log: %D%/record/receiver$(EXEEXT)

EXTRA_DIST += $(bats_tests)
EXTRA_DIST += %D%/cluster/cluster.bash
EXTRA_DIST += %D%/cluster/world
EXTRA_DIST += %D%/coverage.sh
EXTRA_DIST += %D%/data/golden-segments/joint-v1.hex
EXTRA_DIST += %D%/data/golden-segments/joint-v1.txt
EXTRA_DIST += %D%/data/golden-segments/plain-v1.hex
EXTRA_DIST += %D%/data/golden-segments/plain-v1.txt
EXTRA_DIST += %D%/data/golden-segments/sealed-v1.hex
EXTRA_DIST += %D%/data/golden-segments/sealed-v1.key
EXTRA_DIST += %D%/data/golden-segments/sealed-v1.txt
EXTRA_DIST += %D%/data/golden-segments/traces-v1.hex
EXTRA_DIST += %D%/data/golden-segments/traces-v1.txt
EXTRA_DIST += %D%/data/stream-v1.hex
EXTRA_DIST += %D%/data/stream-v1.ndjson
EXTRA_DIST += %D%/data
EXTRA_DIST += %D%/helper.bash
EXTRA_DIST += %D%/record/export.bash
EXTRA_DIST += %D%/record/import.bash
EXTRA_DIST += %D%/record/listen.bash
EXTRA_DIST += %D%/record/otlp.proto
EXTRA_DIST += %D%/fault/slow_disk.c
EXTRA_DIST += %D%/span/spans.bash

dist_check_SCRIPTS += %D%/bats-wrapper
noinst_HEADERS += %D%/core/audit.h
noinst_HEADERS += %D%/core/binary.h
noinst_HEADERS += %D%/core/codec.h
noinst_HEADERS += %D%/core/made_traces.h
noinst_HEADERS += %D%/core/failing.h
noinst_HEADERS += %D%/core/golden.h
noinst_HEADERS += %D%/core/import_blocks.h
noinst_HEADERS += %D%/core/memory_file.h
noinst_HEADERS += %D%/core/random.h
noinst_HEADERS += %D%/core/capture.h
noinst_HEADERS += %D%/core/rollup_records.h
noinst_HEADERS += %D%/core/segment_file.h
noinst_HEADERS += %D%/core/forms.h
noinst_HEADERS += %D%/core/tap.h

# Tests of the programs' front end.
cli_tests =
cli_tests += %D%/core/test-cli-filter
cli_tests += %D%/core/test-cli-human
cli_tests += %D%/core/test-cli-options
cli_tests += %D%/core/test-cli-values
%C%_core_test_cli_filter_CPPFLAGS = $(program_cppflags)
%C%_core_test_cli_filter_LDADD = $(program_libs)
%C%_core_test_cli_human_CPPFLAGS = $(program_cppflags)
%C%_core_test_cli_human_LDADD = $(program_libs)
%C%_core_test_cli_options_CPPFLAGS = $(program_cppflags)
%C%_core_test_cli_options_LDADD = $(program_libs)
%C%_core_test_cli_values_CPPFLAGS = $(program_cppflags)
%C%_core_test_cli_values_LDADD = $(program_libs)

# Tests of parts of trace-detect.
%D%/detect/m4.log: %D%/bench/analytics/m4_score$(EXEEXT)
%D%/detect/nab.log: %D%/bench/analytics/nab_score$(EXEEXT)
%D%/detect/tcpd.log: %D%/bench/analytics/tcpd_score$(EXEEXT)
detect_tests =
detect_tests += %D%/core/test-detector
%C%_core_test_detector_SOURCES = %D%/core/test-detector.c src/detect/detector.c
%C%_core_test_detector_CPPFLAGS = $(program_cppflags)
# Tests of parts of the programs.
check_PROGRAMS += %D%/core/test-policy
%C%_core_test_policy_SOURCES = %D%/core/test-policy.c
%C%_core_test_policy_CPPFLAGS = $(program_cppflags)
%C%_core_test_policy_LDADD = src/record/librecord.a src/record/libimport.a $(program_libs)
check_PROGRAMS += %D%/core/test-listen
%C%_core_test_listen_SOURCES = %D%/core/test-listen.c
%C%_core_test_listen_CPPFLAGS = $(program_cppflags)
%C%_core_test_listen_LDADD = src/record/librecord.a src/record/libimport.a $(program_libs)
check_PROGRAMS += %D%/core/test-sample
%C%_core_test_sample_SOURCES = %D%/core/test-sample.c
%C%_core_test_sample_CPPFLAGS = $(program_cppflags)
%C%_core_test_sample_LDADD = src/record/librecord.a src/record/libimport.a $(program_libs)
check_PROGRAMS += %D%/core/test-sampling
%C%_core_test_sampling_SOURCES = %D%/core/test-sampling.c
%C%_core_test_sampling_CPPFLAGS = $(program_cppflags)
%C%_core_test_sampling_LDADD = src/span/libspan.a $(program_libs)
check_PROGRAMS += %D%/core/test-sort
%C%_core_test_sort_SOURCES = %D%/core/test-sort.c
%C%_core_test_sort_CPPFLAGS = $(program_cppflags)
%C%_core_test_sort_LDADD = src/span/libspan.a $(program_libs)
check_PROGRAMS += %D%/core/test-trace-state
%C%_core_test_trace_state_SOURCES = %D%/core/test-trace-state.c
%C%_core_test_trace_state_CPPFLAGS = $(program_cppflags)
%C%_core_test_trace_state_LDADD = src/record/librecord.a src/record/libimport.a $(program_libs)
%C%_core_test_import_rows_SOURCES = %D%/core/test-import-rows.c
%C%_core_test_import_rows_CPPFLAGS = $(program_cppflags)
%C%_core_test_import_rows_LDADD = src/record/libimport.a $(program_libs)
%C%_core_test_import_forms_SOURCES = %D%/core/test-import-forms.c
%C%_core_test_import_forms_CPPFLAGS = $(program_cppflags)
%C%_core_test_import_forms_LDADD = src/record/libimport.a $(program_libs)
%C%_core_test_import_split_SOURCES = %D%/core/test-import-split.c
%C%_core_test_import_split_CPPFLAGS = $(program_cppflags)
%C%_core_test_import_split_LDADD = src/record/libimport.a $(program_libs)

# Tests of parts of trace-alert.
alert_tests =
alert_tests += %D%/core/test-alert-state
alert_tests += %D%/core/test-rules
%C%_core_test_alert_state_SOURCES = %D%/core/test-alert-state.c
%C%_core_test_alert_state_CPPFLAGS = $(program_cppflags)
%C%_core_test_alert_state_LDADD = src/alert/libalert.a $(program_libs)
%C%_core_test_rules_SOURCES = %D%/core/test-rules.c
%C%_core_test_rules_CPPFLAGS = $(program_cppflags)
%C%_core_test_rules_LDADD = src/alert/libalert.a $(program_libs)

# Tests of parts of trace-span.
span_tests =
span_tests += %D%/core/test-template-call
%C%_core_test_template_call_SOURCES = %D%/core/test-template-call.c
%C%_core_test_template_call_CPPFLAGS = $(program_cppflags)
%C%_core_test_template_call_LDADD = src/span/libspan.a $(program_libs)
span_tests += %D%/core/test-errors
span_tests += %D%/core/test-patterns
span_tests += %D%/core/test-propagators
span_tests += %D%/core/test-template
span_tests += %D%/core/test-span-diff
span_tests += %D%/core/test-traceql
span_tests += %D%/core/test-traceql-traces
%C%_core_test_errors_SOURCES = %D%/core/test-errors.c %D%/core/made_traces.h
%C%_core_test_errors_CPPFLAGS = $(program_cppflags)
%C%_core_test_errors_LDADD = src/span/libspan.a $(program_libs)
%C%_core_test_patterns_SOURCES = %D%/core/test-patterns.c %D%/core/made_traces.h
%C%_core_test_patterns_CPPFLAGS = $(program_cppflags)
%C%_core_test_patterns_LDADD = src/span/libspan.a $(program_libs)
%C%_core_test_propagators_SOURCES = %D%/core/test-propagators.c
%C%_core_test_propagators_CPPFLAGS = $(program_cppflags)
%C%_core_test_propagators_LDADD = src/span/libspan.a $(program_libs)
%C%_core_test_template_SOURCES = %D%/core/test-template.c
%C%_core_test_template_CPPFLAGS = $(program_cppflags)
%C%_core_test_template_LDADD = src/span/libspan.a $(program_libs)
%C%_core_test_span_diff_SOURCES = %D%/core/test-span-diff.c
%C%_core_test_span_diff_CPPFLAGS = $(program_cppflags)
%C%_core_test_span_diff_LDADD = src/span/libspan.a $(program_libs)
%C%_core_test_traceql_SOURCES = %D%/core/test-traceql.c
%C%_core_test_traceql_CPPFLAGS = $(program_cppflags)
%C%_core_test_traceql_LDADD = src/span/libspan.a $(program_libs)
%C%_core_test_traceql_traces_SOURCES = %D%/core/test-traceql-traces.c
%C%_core_test_traceql_traces_CPPFLAGS = $(program_cppflags)
%C%_core_test_traceql_traces_LDADD = src/span/libspan.a $(program_libs)

# Tests on a disk in memory, and of processes that are killed.
fault_tests =
fault_tests += %D%/fault/test-audit-power
fault_tests += %D%/fault/test-keeper
fault_tests += %D%/fault/test-keeper-behind
fault_tests += %D%/fault/test-log
fault_tests += %D%/fault/test-log-fail
fault_tests += %D%/fault/test-log-kill
fault_tests += %D%/fault/test-log-power
fault_tests += %D%/fault/test-log-writers
fault_tests += %D%/fault/test-replace-power
disk_sources = %D%/fault/disk.c %D%/fault/disk.h %D%/fault/disk_crash.c %D%/fault/disk_private.h \
	%D%/fault/disk_store.c
log_world_sources = $(disk_sources) %D%/fault/log_world.c %D%/fault/log_world.h
%C%_fault_test_audit_power_SOURCES = %D%/fault/test-audit-power.c $(disk_sources)
%C%_fault_test_keeper_behind_SOURCES = %D%/fault/test-keeper-behind.c
%C%_fault_test_keeper_behind_CPPFLAGS = $(program_cppflags)
%C%_fault_test_keeper_behind_LDADD = src/record/librecord.a src/record/libimport.a $(program_libs)
%C%_fault_test_keeper_SOURCES = %D%/fault/test-keeper.c $(disk_sources)
%C%_fault_test_keeper_CPPFLAGS = $(program_cppflags)
%C%_fault_test_keeper_LDADD = src/record/librecord.a src/record/libimport.a $(program_libs)
%C%_fault_test_log_SOURCES = %D%/fault/test-log.c $(disk_sources)
%C%_fault_test_log_fail_SOURCES = %D%/fault/test-log-fail.c $(log_world_sources)
%C%_fault_test_log_kill_SOURCES = %D%/fault/test-log-kill.c $(log_world_sources)
%C%_fault_test_replace_power_SOURCES = %D%/fault/test-replace-power.c $(disk_sources)
%C%_fault_test_log_power_SOURCES = %D%/fault/test-log-power.c $(log_world_sources)

# Of the test programs (an automake default: each is made from the .c of its name).
LDADD = src/libtracecore/libtracecore.la $(LIBM)

TESTS += $(check_PROGRAMS) $(bats_tests)
TEST_EXTENSIONS = .bats
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(tap_driver)
BATS_LOG_DRIVER = $(tap_driver)
BATS_LOG_COMPILER = $(top_srcdir)/%D%/bats-wrapper

AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
	TRACECORE_VERSION='$(VERSION)' TRACECORE_SANITIZERS='$(sanitizers)' \
	TRACECORE_LDFLAGS='$(BUILD_LDFLAGS)' CC='$(CC)' LC_ALL=C; \
	export top_srcdir top_builddir TRACECORE_VERSION TRACECORE_SANITIZERS TRACECORE_LDFLAGS CC LC_ALL;

# The full figures of the tests that have a short and a long form, and all tests.
check-long:
	TRACECORE_TEST_LONG=yes $(MAKE) $(AM_MAKEFLAGS) check TESTS='$(TESTS) $(long_tests)'

if COVERAGE
coverage:
	$(AM_V_at)find . -name '*.gcda' -delete
	-$(AM_V_at)$(MAKE) $(AM_MAKEFLAGS) check
	$(AM_V_at)GCOV='$(GCOV)' AWK='$(AWK)' $(SHELL) $(top_srcdir)/%D%/coverage.sh '$(abs_top_builddir)'
else
coverage:
	@echo 'configure with --enable-coverage first' >&2; exit 1
endif

clean-local:
	rm -rf coverage
	find . -name '*.gc[dn][ao]' -delete
