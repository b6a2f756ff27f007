# The library. A new file is one line in its folder's part: a header that users of the library need
# is one of _HEADERS (installed), every other file one of _sources.
lib_LTLIBRARIES += %D%/libtracecore.la
tracecoreincludedir = $(includedir)/tracecore
tracecoreinclude_HEADERS =

basedir = $(tracecoreincludedir)/base
base_HEADERS =
base_sources =
base_HEADERS += %D%/base/arena.h
base_HEADERS += %D%/base/buf.h
base_HEADERS += %D%/base/dl.h
base_HEADERS += %D%/base/error.h
base_HEADERS += %D%/base/map.h
base_HEADERS += %D%/base/status.h
base_HEADERS += %D%/base/sys.h
base_HEADERS += %D%/base/version.h
base_sources += %D%/base/arena.c
base_sources += %D%/base/buf.c
base_sources += %D%/base/dl.c
base_sources += %D%/base/error.c
base_sources += %D%/base/map.c
base_sources += %D%/base/sys.c
base_sources += %D%/base/version.c

modeldir = $(tracecoreincludedir)/model
model_HEADERS =
model_sources =
model_HEADERS += %D%/model/batch.h
model_HEADERS += %D%/model/canonical.h
model_HEADERS += %D%/model/id.h
model_HEADERS += %D%/model/json.h
model_HEADERS += %D%/model/number.h
model_HEADERS += %D%/model/projection.h
model_HEADERS += %D%/model/record.h
model_HEADERS += %D%/model/time.h
model_HEADERS += %D%/model/value.h
model_sources += %D%/model/canonical.c
model_sources += %D%/model/id.c
model_sources += %D%/model/json.c
model_sources += %D%/model/json_parse.c
model_sources += %D%/model/json_write.c
model_sources += %D%/model/number.c
model_sources += %D%/model/projection.c
model_sources += %D%/model/record.c
model_sources += %D%/model/time.c
model_sources += %D%/model/value.c

streamdir = $(tracecoreincludedir)/stream
stream_HEADERS =
stream_sources =
stream_HEADERS += %D%/stream/binary.h
stream_HEADERS += %D%/stream/input.h
stream_sources += %D%/stream/binary_pending.c
stream_sources += %D%/stream/decoder.c
stream_sources += %D%/stream/input.c
stream_sources += %D%/stream/ndjson_decode.c
stream_sources += %D%/stream/ndjson_decode.h
stream_sources += %D%/stream/ndjson_digits.h
stream_sources += %D%/stream/ndjson_parse.c
stream_sources += %D%/stream/ndjson_parse.h
stream_sources += %D%/stream/ndjson_parse_avx2.c
stream_sources += %D%/stream/ndjson_parse_avx512.c
stream_sources += %D%/stream/ndjson_parse_impl.h
stream_sources += %D%/stream/ndjson_parse_portable.c
stream_sources += %D%/stream/ndjson_shape.c
stream_sources += %D%/stream/ndjson_shape.h
stream_sources += %D%/stream/simd.c
stream_sources += %D%/stream/simd.h
stream_sources += %D%/stream/sniff.c
stream_sources += %D%/stream/sniff.h
stream_sources += %D%/stream/source.c
stream_sources += %D%/stream/source.h

querydir = $(tracecoreincludedir)/query
query_HEADERS =
query_sources =
query_HEADERS += %D%/query/expr.h
query_sources += %D%/query/expr_pending.c

statsdir = $(tracecoreincludedir)/stats
stats_HEADERS =
stats_sources =
stats_HEADERS += %D%/stats/rank.h
stats_sources += %D%/stats/order.c
stats_sources += %D%/stats/rank.c

storedir = $(tracecoreincludedir)/store
store_HEADERS =
store_sources =

%C%_libtracecore_la_SOURCES = $(base_sources) $(model_sources) $(stream_sources) \
	$(query_sources) $(stats_sources) $(store_sources)
%C%_libtracecore_la_LIBADD = $(LIBM)
%C%_libtracecore_la_LDFLAGS = -Wl,--as-needed $(BUILD_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(top_srcdir)/%D%/libtracecore.map
%C%_libtracecore_la_DEPENDENCIES = %D%/libtracecore.map
EXTRA_DIST += %D%/libtracecore.map

pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = %D%/tracecore.pc
