/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The choice of the record parser by what the CPU has. Private to stream/. */
#ifndef TRACECORE_STREAM_SIMD_H
#define TRACECORE_STREAM_SIMD_H

#include "stream/ndjson_parse.h"

ndjson_parse_function *tcore_simd_record_parser(void);
ndjson_window_function *tcore_simd_window(void); /* NULL: the parser makes no use of any */
ndjson_rows_function *tcore_simd_rows(void);     /* of these windows */

#endif
