/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record with one member more. */
#ifndef RECORD_MEMBER_H
#define RECORD_MEMBER_H

#include "base/buf.h"
#include "model/batch.h"

/* Appends the canonical text of the record with this member, a JSON text, in place of one that it
 * may have. TCORE_SKIP: the text is no record. */
enum tcore_status member_put(const struct tcore_slice *record, const char *name,
                             const struct tcore_buf *value, struct tcore_buf *out,
                             struct tcore_error *err);

#endif
