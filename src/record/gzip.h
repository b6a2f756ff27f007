/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data as one gzip member, by zlib, which is opened on first use. */
#ifndef RECORD_GZIP_H
#define RECORD_GZIP_H

#include "base/buf.h"

/* Appends the member. TCORE_FATAL: zlib is missing, or memory short. */
enum tcore_status gzip_pack(const char *data, size_t length, struct tcore_buf *out,
                            struct tcore_error *err);

#endif
