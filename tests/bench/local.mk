# Benchmarks (make bench): ours beside other programs. None of it is installed or part of the tests.
EXTRA_PROGRAMS += %D%/generate
EXTRA_PROGRAMS += %D%/measure
EXTRA_PROGRAMS += %D%/empty
EXTRA_PROGRAMS += %D%/simulate
CLEANFILES += %D%/generate %D%/measure %D%/empty %D%/simulate

%C%_generate_SOURCES =
%C%_generate_SOURCES += %D%/emit.h
%C%_generate_SOURCES += %D%/generate.c
%C%_generate_SOURCES += %D%/shop.c
%C%_generate_SOURCES += %D%/shop.h
%C%_generate_LDADD = $(LIBM)
%C%_simulate_SOURCES =
%C%_simulate_SOURCES += %D%/emit.h
%C%_simulate_SOURCES += %D%/shop.c
%C%_simulate_SOURCES += %D%/shop.h
%C%_simulate_SOURCES += %D%/simulate.c
%C%_measure_LDADD =
%C%_empty_LDADD =

EXTRA_DIST += %D%/answers.sh
EXTRA_DIST += %D%/compare.awk
EXTRA_DIST += %D%/duckdb.mjs
EXTRA_DIST += %D%/lib.sh
EXTRA_DIST += %D%/metrics.sh
EXTRA_DIST += %D%/otlp.sh
EXTRA_DIST += %D%/peers.sh
EXTRA_DIST += %D%/readme.awk
EXTRA_DIST += %D%/run.sh
EXTRA_DIST += %D%/scale.sh
EXTRA_DIST += %D%/simdjson_t1.cpp
EXTRA_DIST += %D%/sql/otlp.sql
EXTRA_DIST += %D%/sql/start.sql
EXTRA_DIST += %D%/sql/t1-parquet.sql
EXTRA_DIST += %D%/sql/t1-sqlite.sql
EXTRA_DIST += %D%/sql/t1.sql
EXTRA_DIST += %D%/sql/t2-sqlite.sql
EXTRA_DIST += %D%/sql/t2.sql
EXTRA_DIST += %D%/sql/t3-sqlite.sql
EXTRA_DIST += %D%/sql/t3-fields.sql
EXTRA_DIST += %D%/sql/t3.sql
EXTRA_DIST += %D%/sql/t4-parquet.sql
EXTRA_DIST += %D%/sql/t4-sqlite.sql
EXTRA_DIST += %D%/sql/t4.sql
EXTRA_DIST += %D%/sql/t5.sql
EXTRA_DIST += %D%/startup.sh
EXTRA_DIST += %D%/t1-binary.sh
EXTRA_DIST += %D%/t1-shuffled.sh
EXTRA_DIST += %D%/t1.awk
EXTRA_DIST += %D%/t1.jq
EXTRA_DIST += %D%/t1.sh
EXTRA_DIST += %D%/t2.jq
EXTRA_DIST += %D%/t2.sh
EXTRA_DIST += %D%/t3.sh
EXTRA_DIST += %D%/t4.jq
EXTRA_DIST += %D%/t4.sh
EXTRA_DIST += %D%/t5.sh
EXTRA_DIST += %D%/table.awk

bench-tools: tests/tools/otlp_proto %D%/generate %D%/measure %D%/empty %D%/simulate

# make bench TASKS='t1 t2': only those. The peers must be there: tests/bench/peers.sh.
bench: all bench-tools
	BENCH_BUILD='$(abs_top_builddir)' BENCH_SANITIZERS='$(sanitizers)' \
		'$(abs_top_srcdir)/%D%/run.sh' $(TASKS)

# make bench-analytics ANALYTICS=FOLDER: how good trace-detect is where the answers are known. FOLDER
# has nab/, tcpd/, m4/, petshop/ or nezha/, and may have eval-only/ with tcpd/ and m4/.
bench-analytics: all %D%/analytics/m4_score %D%/analytics/nab_score %D%/analytics/tcpd_score
	PATH='$(abs_top_builddir)/src/detect':$$PATH NAB_SCORE=%D%/analytics/nab_score \
		M4_SCORE=%D%/analytics/m4_score TCPD_SCORE=%D%/analytics/tcpd_score '$(abs_top_srcdir)/%D%/analytics/run.sh' \
		'$(ANALYTICS)'
.PHONY: bench bench-analytics bench-tools
