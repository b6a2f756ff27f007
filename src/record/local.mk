bin_PROGRAMS += %D%/trace-record
%C%_trace_record_SOURCES =
%C%_trace_record_SOURCES += %D%/main.c
%C%_trace_record_SOURCES += %D%/verbs.h
%C%_trace_record_CPPFLAGS = $(program_cppflags)
%C%_trace_record_LDADD = $(program_libs)
