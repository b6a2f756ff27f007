/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/pattern_sum.h"

#include <inttypes.h>

#define DEEPEST  24   /* levels that are drawn */
#define MOST     60   /* labels that are drawn */
#define COMPARED 1000 /* siblings; those behind are not drawn */

struct sketch {
    const struct shape *shape;
    const struct shape_labels *labels;
    const struct trace_build *build;
    struct tcore_buf *out;
    uint32_t drawn;
};

/* --- Siblings of one shape */

static bool is_first(const struct shape *shape, const uint32_t *siblings, uint32_t place)
{
    for (uint32_t i = 0; i < place; i++)
        if (shape->of_span[siblings[i]] == shape->of_span[siblings[place]])
            return false;
    return true;
}

uint32_t pattern_next(const struct shape *shape, const uint32_t *siblings, uint32_t count,
                      uint32_t from)
{
    while (from < count && from < COMPARED && !is_first(shape, siblings, from))
        from++;
    return from < COMPARED ? from : count;
}

uint32_t pattern_alike(const struct shape *shape, const uint32_t *siblings, uint32_t count,
                       uint32_t place)
{
    uint32_t alike = 0;
    for (uint32_t i = place; i < count; i++)
        alike += shape->of_span[siblings[i]] == shape->of_span[siblings[place]];
    return alike;
}

/* --- The sketch */

void pattern_put_label(const struct shape *shape, const struct shape_labels *labels,
                       const struct trace_build *build, uint32_t span, uint32_t above,
                       uint32_t alike, struct tcore_buf *out)
{
    uint32_t service = build->spans[span].service;
    struct tcore_slice name = shape_label_template(labels, shape->label_of[span]);
    if (service && (above == TCORE_SPAN_NONE || service != build->spans[above].service)) {
        struct tcore_slice text = tcore_trace_store_service(build->store, service);
        tcore_buf_append(out, text.data, text.length);
        tcore_buf_puts(out, ": ");
    }
    tcore_buf_append(out, name.data, name.length);
    if (alike > 1)
        tcore_buf_printf(out, " x%" PRIu32, alike);
}

/* Siblings by the first of each shape; depth is bounded, whatever the tree's is. */
static void draw(struct sketch *sketch, const uint32_t *siblings, uint32_t count, uint32_t above,
                 unsigned depth)
{
    const struct tcore_trace_tree *tree = &sketch->build->tree;
    bool first = true;
    for (uint32_t i = pattern_next(sketch->shape, siblings, count, 0); i < count;
         i = pattern_next(sketch->shape, siblings, count, i + 1)) {
        tcore_buf_puts(sketch->out, first ? "" : ", ");
        first = false;
        if (sketch->drawn++ >= MOST) {
            tcore_buf_puts(sketch->out, "...");
            return;
        }
        uint32_t span = siblings[i], below = tree->first[span + 1] - tree->first[span];
        pattern_put_label(sketch->shape, sketch->labels, sketch->build, span, above,
                          pattern_alike(sketch->shape, siblings, count, i), sketch->out);
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
