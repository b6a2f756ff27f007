bin_PROGRAMS += %D%/trace-alert
%C%_trace_alert_SOURCES =
%C%_trace_alert_SOURCES += %D%/main.c
%C%_trace_alert_SOURCES += %D%/verbs.h
%C%_trace_alert_CPPFLAGS = $(program_cppflags)
%C%_trace_alert_LDADD = $(program_libs)
