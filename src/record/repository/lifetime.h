/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process that an execution ends with, as its environment tells: by number, start, PID
 * namespace and boot of the system, so that it is not mistaken for another one that got its number.
 * Who looks from another host or PID namespace learns nothing.
 */
#ifndef RECORD_REPOSITORY_LIFETIME_H
#define RECORD_REPOSITORY_LIFETIME_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

/* Appends the members "lifetime.pid":...; nothing if there is no such process. False: then. */
bool lifetime_put(struct tcore_buf *members, pid_t pid);

enum lifetime { LIFETIME_UNKNOWN, LIFETIME_RUNS, LIFETIME_OVER };

/* By the members of an execution's environment and resource; *pid if it runs. */
enum lifetime lifetime_look(const char *environment_json, const char *resource_json, pid_t *pid);

#endif
