# What comes over the network, decoded in a process of its own, in a sandbox; with every format of
# import.
pkglibexec_PROGRAMS += libexec/tracecore-decode
libexec_tracecore_decode_SOURCES =
libexec_tracecore_decode_SOURCES += %D%/main.c
libexec_tracecore_decode_SOURCES += src/cli/select_rows.c
libexec_tracecore_decode_SOURCES += src/sandbox/exchange.c
libexec_tracecore_decode_SOURCES += src/sandbox/exchange.h
libexec_tracecore_decode_SOURCES += src/sandbox/landlock.c
libexec_tracecore_decode_SOURCES += src/sandbox/landlock.h
libexec_tracecore_decode_SOURCES += src/sandbox/sandbox.c
libexec_tracecore_decode_SOURCES += src/sandbox/sandbox.h
libexec_tracecore_decode_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
libexec_tracecore_decode_LDADD = src/record/libimport.a src/libtracecore/libtracecore.la $(LIBM)
