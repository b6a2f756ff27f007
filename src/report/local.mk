bin_PROGRAMS += %D%/trace-report
%C%_trace_report_SOURCES =
%C%_trace_report_SOURCES += %D%/document.c
%C%_trace_report_SOURCES += %D%/document.h
%C%_trace_report_SOURCES += %D%/html.c
%C%_trace_report_SOURCES += %D%/html.h
%C%_trace_report_SOURCES += %D%/render.c
%C%_trace_report_SOURCES += %D%/render.h
%C%_trace_report_SOURCES += %D%/render_md.c
%C%_trace_report_SOURCES += %D%/render_text.c
%C%_trace_report_SOURCES += %D%/summary.c
%C%_trace_report_SOURCES += %D%/summary_data.c
%C%_trace_report_SOURCES += %D%/summary_data.h
%C%_trace_report_SOURCES += %D%/summary_groups.c
%C%_trace_report_SOURCES += %D%/summary_groups.h
%C%_trace_report_SOURCES += %D%/summary_merge.c
%C%_trace_report_SOURCES += %D%/summary_records.c
%C%_trace_report_SOURCES += %D%/summary_records.h
%C%_trace_report_SOURCES += %D%/summary_row.h
%C%_trace_report_SOURCES += %D%/summary_traces.c
%C%_trace_report_SOURCES += %D%/summary_traces.h
%C%_trace_report_SOURCES += %D%/table.c
%C%_trace_report_SOURCES += %D%/trace.c
%C%_trace_report_SOURCES += %D%/trace_logs.c
%C%_trace_report_SOURCES += %D%/trace_logs.h
%C%_trace_report_SOURCES += %D%/trace_page.c
%C%_trace_report_SOURCES += %D%/trace_page.h
%C%_trace_report_SOURCES += %D%/trace_page_data.c
%C%_trace_report_SOURCES += %D%/trace_spans.c
%C%_trace_report_SOURCES += %D%/trace_spans.h
%C%_trace_report_SOURCES += %D%/trace_text.c
%C%_trace_report_SOURCES += %D%/view_summary.c
%C%_trace_report_SOURCES += %D%/view_summary.h
%C%_trace_report_SOURCES += %D%/view_trace.c
%C%_trace_report_SOURCES += %D%/view_trace.h
%C%_trace_report_SOURCES += %D%/main.c
%C%_trace_report_SOURCES += %D%/unfold.c
%C%_trace_report_SOURCES += %D%/unfold.h
%C%_trace_report_SOURCES += %D%/verbs.h
%C%_trace_report_CPPFLAGS = $(program_cppflags) -I$(top_builddir)/src
%C%_trace_report_LDADD = $(program_libs)

# Style and script of pages are files of their own, built in as strings.
report_pages = %D%/trace_page_css.h %D%/trace_page_js.h
EXTRA_DIST += %D%/trace_page.css %D%/trace_page.js %D%/embed.sh
BUILT_SOURCES += $(report_pages)
CLEANFILES += $(report_pages)
%D%/trace_page_css.h: %D%/trace_page.css %D%/embed.sh
	$(AM_V_GEN)$(MKDIR_P) %D% && $(SHELL) $(srcdir)/%D%/embed.sh trace_page_css \
		$(srcdir)/%D%/trace_page.css >$@.new && mv $@.new $@
%D%/trace_page_js.h: %D%/trace_page.js %D%/embed.sh
	$(AM_V_GEN)$(MKDIR_P) %D% && $(SHELL) $(srcdir)/%D%/embed.sh trace_page_js \
		$(srcdir)/%D%/trace_page.js >$@.new && mv $@.new $@
%D%/trace_report-trace_page.$(OBJEXT): $(report_pages)
