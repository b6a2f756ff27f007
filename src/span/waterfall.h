/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace drawn in characters: a row a span, its bar where it was in time. */
#ifndef SPAN_WATERFALL_H
#define SPAN_WATERFALL_H

#include "base/buf.h"
#include "cli/screen.h"
#include "span/fold.h"

struct waterfall_style {
    struct cli_screen screen;
    uint32_t most_rows; /* of one trace */
};

/* Appends the picture: who, when and how much, the axis, the rows. */
enum tcore_status waterfall_draw(struct fold *fold, const struct trace_build *build,
                                 const struct waterfall_style *style, struct tcore_buf *out,
                                 struct tcore_error *err);

#endif
