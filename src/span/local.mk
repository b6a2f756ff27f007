bin_PROGRAMS += %D%/trace-span
%C%_trace_span_SOURCES =
%C%_trace_span_SOURCES += %D%/filter.c
%C%_trace_span_SOURCES += %D%/main.c
%C%_trace_span_SOURCES += %D%/verbs.h
%C%_trace_span_CPPFLAGS = $(program_cppflags)
%C%_trace_span_LDADD = $(program_libs)
