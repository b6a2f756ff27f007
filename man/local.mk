# Man pages, written in roff: one line each, dist_man_MANS += %D%/trace-agg.1
dist_man_MANS =
dist_man_MANS += %D%/trace-agg.1
dist_man_MANS += %D%/trace-alert.1
dist_man_MANS += %D%/trace-detect.1
dist_man_MANS += %D%/tracecore-record.5
dist_man_MANS += %D%/tracecore-stream.5
dist_man_MANS += %D%/tracecore.7
