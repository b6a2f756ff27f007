/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a state knows of the records that were read, so that reading them again changes nothing: the
 * newest of an alert one by one, and of all others the time of the newest. A record that is not
 * newer than that was read before or is too late; which of the two nobody can tell.
 */
#ifndef ALERT_SEEN_H
#define ALERT_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_RECORDS 1000 /* of an alert, about */

struct seen_record {
    int64_t ns;
    uint64_t hash;
    bool before; /* by an earlier run, and not again by this one */
};

struct seen {
    struct seen_record *record; /* by time and hash; owned */
    size_t count, capacity;
    int64_t floor_ns;  /* of the newest that is not among them; INT64_MIN: none */
    int64_t before_ns; /* the same as the earlier run left it */
};

/* Whether a record is one of an earlier run, or older than what that still knew. A record that is
 * there several times is found as often. */
bool seen_before(struct seen *seen, int64_t ns, uint64_t hash);
/* Adds a record; those before oldest_ns, and the oldest if there are too many, are forgotten sooner
 * or later. False: out of memory. */
bool seen_add(struct seen *seen, int64_t ns, uint64_t hash, int64_t oldest_ns);
/* Adds one that a state has. False: out of memory. */
bool seen_restore(struct seen *seen, int64_t ns, uint64_t hash, bool before);
/* The newest record of an earlier run that may still come again; INT64_MIN: none. */
int64_t seen_newest_before(const struct seen *seen);
void seen_free(struct seen *seen);

#endif
