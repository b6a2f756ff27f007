/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/pattern_sum.h"

#include <inttypes.h>

#define DEEPEST 24 /* levels that are drawn */
#define MOST    60 /* labels that are drawn */

struct sketch {
    const struct shape *shape;
    const struct shape_labels *labels;
    const struct trace_build *build;
    struct tcore_buf *out;
    uint32_t drawn;
};

/* How many of siblings[0..count) have the shape of the span; 0 if an earlier one than place has. */
static uint32_t count_alike(const struct sketch *sketch, const uint32_t *siblings, uint32_t count,
                            uint32_t place)
{
    uint64_t wanted = sketch->shape->of_span[siblings[place]];
    uint32_t alike = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is = sketch->shape->of_span[siblings[i]] == wanted;
        if (is && i < place)
            return 0;
        alike += is;
    }
    return alike;
}

static void put_label(struct sketch *sketch, uint32_t span, uint32_t above, uint32_t alike)
{
    uint32_t service = sketch->build->spans[span].service;
    struct tcore_slice name = shape_label_template(sketch->labels, sketch->shape->label_of[span]);
    if (service && (above == TCORE_SPAN_NONE || service != sketch->build->spans[above].service)) {
        struct tcore_slice text = tcore_trace_store_service(sketch->build->store, service);
        tcore_buf_append(sketch->out, text.data, text.length);
        tcore_buf_puts(sketch->out, ": ");
    }
    tcore_buf_append(sketch->out, name.data, name.length);
    if (alike > 1)
        tcore_buf_printf(sketch->out, " x%" PRIu32, alike);
}

/* Siblings by the first of each shape; depth is bounded, whatever the tree's is. */
static void draw(struct sketch *sketch, const uint32_t *siblings, uint32_t count, uint32_t above,
                 unsigned depth)
{
    const struct tcore_trace_tree *tree = &sketch->build->tree;
    enum { COMPARED = 1000 }; /* siblings */
    bool first = true;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t alike = i < COMPARED ? count_alike(sketch, siblings, count, i) : 0;
        if (!alike)
            continue;
        tcore_buf_puts(sketch->out, first ? "" : ", ");
        first = false;
        if (sketch->drawn++ >= MOST) {
            tcore_buf_puts(sketch->out, "...");
            return;
        }
        uint32_t span = siblings[i], below = tree->first[span + 1] - tree->first[span];
        put_label(sketch, span, above, alike);
        if (!below)
            continue;
        tcore_buf_puts(sketch->out, " (");
        if (depth < DEEPEST)
            draw(sketch, tree->children + tree->first[span], below, span, depth + 1);
        else
            tcore_buf_puts(sketch->out, "...");
        tcore_buf_putc(sketch->out, ')');
    }
}

void pattern_sketch(const struct shape *shape, const struct shape_labels *labels,
                    const struct trace_build *build, struct tcore_buf *out)
{
    struct sketch sketch = {.shape = shape, .labels = labels, .build = build, .out = out};
    draw(&sketch, build->tree.roots, build->tree.root_count, TCORE_SPAN_NONE, 0);
}
