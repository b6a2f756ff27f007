bin_PROGRAMS += %D%/trace-report
%C%_trace_report_SOURCES =
%C%_trace_report_SOURCES += %D%/main.c
%C%_trace_report_SOURCES += %D%/verbs.h
%C%_trace_report_CPPFLAGS = $(program_cppflags)
%C%_trace_report_LDADD = $(program_libs)
