bin_PROGRAMS += %D%/trace-agg
%C%_trace_agg_SOURCES =
%C%_trace_agg_SOURCES += %D%/main.c
%C%_trace_agg_SOURCES += %D%/verbs.h
%C%_trace_agg_CPPFLAGS = $(program_cppflags)
%C%_trace_agg_LDADD = $(program_libs)
