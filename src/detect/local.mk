bin_PROGRAMS += %D%/trace-detect
%C%_trace_detect_SOURCES =
%C%_trace_detect_SOURCES += %D%/main.c
%C%_trace_detect_SOURCES += %D%/verbs.h
%C%_trace_detect_CPPFLAGS = $(program_cppflags)
%C%_trace_detect_LDADD = $(program_libs)
