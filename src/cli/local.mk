# The programs' common front end; the include path and flags are those of a program.
noinst_LTLIBRARIES += %D%/libcli.la
%C%_libcli_la_SOURCES =
%C%_libcli_la_SOURCES += %D%/about.c
%C%_libcli_la_SOURCES += %D%/about.h
%C%_libcli_la_SOURCES += %D%/filter.h
%C%_libcli_la_SOURCES += %D%/message.h
%C%_libcli_la_SOURCES += %D%/options.h
%C%_libcli_la_SOURCES += %D%/output.h
%C%_libcli_la_SOURCES += %D%/verb.h
%C%_libcli_la_CPPFLAGS = $(program_cppflags)
%C%_libcli_la_CFLAGS = $(AM_CFLAGS) -static
