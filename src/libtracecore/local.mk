# The library. A new file goes into its folder's list, in alphabetical order; a header that users
# of the library need goes into that folder's _HEADERS, any other into the sources.
lib_LTLIBRARIES += %D%/libtracecore.la
tracecoreincludedir = $(includedir)/tracecore
basedir = $(tracecoreincludedir)/base
modeldir = $(tracecoreincludedir)/model
streamdir = $(tracecoreincludedir)/stream
querydir = $(tracecoreincludedir)/query
statsdir = $(tracecoreincludedir)/stats
storedir = $(tracecoreincludedir)/store

tracecoreinclude_HEADERS =

base_HEADERS = \
	%D%/base/version.h
base_sources = \
	%D%/base/version.c

model_HEADERS =
model_sources =

stream_HEADERS =
stream_sources =

query_HEADERS =
query_sources =

stats_HEADERS =
stats_sources =

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
