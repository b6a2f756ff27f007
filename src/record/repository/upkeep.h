/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the verbs of upkeep have in common: the repository under its lock, what others left undone
 * brought to its end, the policy, and lines that say what is done. */
#ifndef RECORD_REPOSITORY_UPKEEP_H
#define RECORD_REPOSITORY_UPKEEP_H

#include "cli/output.h"
#include "record/repository/policy_labels.h"
#include "store/repository.h"

struct upkeep {
    struct cli *cli;
    const char *name; /* of the repository */
    struct tcore_repository *repository;
    int dir;  /* of it */
    int lock; /* -1: none */
    struct policy policy;
    struct policy_labels labels; /* once upkeep_labels() was asked */
    bool has_labels;
    struct tcore_segment_list segments;
    struct cli_output *output;
    struct tcore_error err;
};

/*
 * Opens a repository, and reads the keys of --key. mends: damage in what others left undone is no
 * reason to give up. CLI_DONE, or the exit status after a report. To be closed in any case.
 */
int upkeep_open(struct upkeep *upkeep, struct cli *cli, const char *name, bool mends);
void upkeep_close(struct upkeep *upkeep);
/* By which labels segments are written anew, as the policy is now; *labels NULL: none.
 * TCORE_BAD_INPUT: nobody could read one of them. */
enum tcore_status upkeep_labels(struct upkeep *upkeep, const struct tcore_labels **labels);
/* The keys of --key, NULL: none. */
const struct tcore_key_ring *upkeep_keys(const struct upkeep *upkeep);
/* Whether the policy lets the user do it; if not, that is reported. */
bool upkeep_may(struct upkeep *upkeep, enum policy_action action, const char *verb);
/* Adds to the audit log; details is the text of a JSON object. False: reported. */
bool upkeep_audit(struct upkeep *upkeep, const char *action, struct tcore_buf *details);
/* Reports upkeep->err. */
void upkeep_report(struct upkeep *upkeep);
/* The segments that there are now. */
enum tcore_status upkeep_list(struct upkeep *upkeep);
/* Puts what is in logs that nobody writes to any more into segments, the shared log among them.
 * *left: somebody still writes to one that has records. */
enum tcore_status upkeep_take_logs(struct upkeep *upkeep, bool *left);
/* Removes what was replaced. waits: after all readers; otherwise it is left to the next upkeep as
 * long as there are some. Then roll-ups, filters and the catalog. */
enum tcore_status upkeep_settle(struct upkeep *upkeep, bool waits);
/* A line of output; it gets its newline. */
void upkeep_print(struct upkeep *upkeep, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
