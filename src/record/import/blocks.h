/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks of the binary stream from what a chunk becomes, made by the thread that converts it. They
 * depend on nothing but the chunk, so that the output does not depend on threads.
 */
#ifndef RECORD_IMPORT_BLOCKS_H
#define RECORD_IMPORT_BLOCKS_H

#include "record/import/import.h"

/* From now on the job's results have blocks instead of text. */
enum tcore_status import_blocks_open(struct import_job *job, struct tcore_error *err);
void import_blocks_close(struct import_job *job);
/* Whether records may become part of a block before all of the chunk is converted: nothing has to
 * see or take back their text. */
bool import_blocks_at_once(const struct import_job *job);
/* Takes the lines of the result's text as records of a block, and out of it. TCORE_BAD_INPUT: a
 * record that is too large for a block. */
enum tcore_status import_blocks_take(struct import_job *job, struct tcore_error *err);
/* All that was taken becomes the result's blocks. */
enum tcore_status import_blocks_finish(struct import_job *job, struct tcore_error *err);

#endif
