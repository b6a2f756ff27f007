/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An event in the audit log of a repository, by whoever runs this program. */
#ifndef RECORD_REPOSITORY_AUDIT_EVENT_H
#define RECORD_REPOSITORY_AUDIT_EVENT_H

#include "cli/verb.h"
#include "store/audit.h"

/* Appends and syncs it; details is the text of a JSON object or NULL. False: reported. */
bool audit_event(struct cli *cli, int repository, const char *action, const char *details,
                 struct tcore_audit_place *place);

#endif
