/* SPDX-License-Identifier: GPL-3.0-or-later */
/* REPO/quarantine: what is no part of a repository, or no good part any more, but may be missed. */
#ifndef RECORD_REPOSITORY_QUARANTINE_H
#define RECORD_REPOSITORY_QUARANTINE_H

#include "record/repository/upkeep.h"

#define QUARANTINE_NAME_BYTES 256

/* Moves a file or folder there, on disk; into (may be NULL) is the name that it has got. */
enum tcore_status quarantine_move(struct upkeep *upkeep, int dir, const char *name, char *into);
/* Gives a file a second name there, on disk. */
enum tcore_status quarantine_copy(struct upkeep *upkeep, int dir, const char *name, char *into);
/* Moves whatever is in segments/ and is named as no segment is. *moved counts. */
enum tcore_status quarantine_foreign(struct upkeep *upkeep, size_t *moved);

#endif
