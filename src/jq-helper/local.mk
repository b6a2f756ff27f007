# libjq in a process of its own; the only program that links it. It includes nothing of the library
# but the protocol, and is built without sanitizers, so that its memory limit holds in every build.
pkglibexec_PROGRAMS += libexec/tracecore-jq
libexec_tracecore_jq_SOURCES =
libexec_tracecore_jq_SOURCES += %D%/main.c
libexec_tracecore_jq_SOURCES += src/sandbox/exchange.c
libexec_tracecore_jq_SOURCES += src/sandbox/exchange.h
libexec_tracecore_jq_SOURCES += src/sandbox/landlock.c
libexec_tracecore_jq_SOURCES += src/sandbox/landlock.h
libexec_tracecore_jq_SOURCES += src/sandbox/sandbox.c
libexec_tracecore_jq_SOURCES += src/sandbox/sandbox.h
libexec_tracecore_jq_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
libexec_tracecore_jq_CFLAGS = $(WARN_CFLAGS) $(WERROR_CFLAGS)
libexec_tracecore_jq_LDFLAGS = -Wl,--as-needed
libexec_tracecore_jq_LDADD = $(JQ_LIBS)
