/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What trace-detect anomaly keeps of its series, and how that is saved between runs. */
#ifndef DETECT_ANOMALY_H
#define DETECT_ANOMALY_H

#include "cli/verb.h"
#include "detect/detector.h"
#include "detect/intake.h"
#include "detect/series.h"

/* One series. */
struct watched {
    struct detector detector;
    struct intake_series in;
};

struct watch_list {
    struct series_table table;
    struct watched **item; /* by series; owned, each owned too */
    size_t capacity;
};

void watch_list_free(struct watch_list *list);
/* The series' state, made when it is new. NULL: out of memory. */
struct watched *watch_list_get(struct watch_list *list, uint32_t series);

/*
 * A state is NDJSON: a line that names the format, then one a series. Numbers are written so that
 * they read back the same, which makes two runs over halves equal one run over the whole.
 * A file that is not there is an empty state. False: reported.
 */
bool anomaly_state_load(struct cli *cli, struct watch_list *list, const char *path);
bool anomaly_state_save(struct cli *cli, const struct watch_list *list, const char *path);

#endif
