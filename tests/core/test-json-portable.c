/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tests of JSON again, with the parser and writer as they are without vector instructions. */
#define TCORE_JSON_PORTABLE
#include "../../src/libtracecore/model/json_parse.c"
#include "../../src/libtracecore/model/json_write.c"
#include "test-json.c"
