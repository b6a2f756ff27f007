/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a run leaves for the next one: one file, NDJSON, that only one run has at a time. It is
 * replaced as a whole (temporary file, fsync, rename), so that a crash leaves the old or the new.
 */
#ifndef ALERT_STATE_H
#define ALERT_STATE_H

#include "alert/engine.h"
#include "alert/notify.h"

/* An alert of a rule that was changed since: it is over. */
struct retired {
    uint32_t rule;
    int64_t since_ns;
    char *labels; /* owned */
    size_t length;
};

struct state_file {
    struct cli *cli;
    const char *path;
    int fd; /* of the file that is locked; -1: none */
    bool read_only;
    struct retired *retired;
    size_t retired_count;
    size_t forgotten; /* firing alerts of rules that are gone */
};

/* Takes the lock, waiting for a while, and reads what there is into engine. read_only: it will not
 * be saved, and no file is made. False: reported. */
bool state_open(struct state_file *state, struct cli *cli, const char *path, bool read_only,
                struct engine *engine);
/* Gives to what from has, as if it were saved and opened: after the rules were read again. False:
 * reported. */
bool state_hand_over(struct state_file *state, const struct engine *from, struct engine *to);
/* False: reported; the old state stays, or what it is after a power cut is not known. */
bool state_save(struct state_file *state, const struct engine *engine);
/* Forgets the alerts that are retired. */
void state_settle(struct state_file *state);
void state_close(struct state_file *state);

#endif
