/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/span_names.h"

#include "base/sys.h"
#include "model/json.h"
#include "span/pattern_sum.h"
#include "span/text_order.h"
#include "span/trace_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EXAMPLES 3 /* names that are shown of a template */

enum tcore_status span_names_open(struct span_names *names, struct tcore_error *err)
{
    return shape_labels_open(&names->labels, err);
}

void span_names_close(struct span_names *names)
{
    for (uint32_t i = 0; i < names->capacity; i++)
        tcore_cell_free(&names->cell[i], pattern_stats());
    tcore_free(names->cell);
    shape_labels_close(&names->labels);
}

/* The cell of a label; NULL: no memory. */
static struct tcore_cell *cell_of(struct span_names *names, uint32_t label)
{
    if (label >= names->capacity) {
        size_t n = names->capacity ? (size_t)names->capacity * 2 : 64;
        n = n > label ? n : (size_t)label + 1;
        struct tcore_cell *grown = tcore_reallocarray(names->cell, n, sizeof *grown);
        if (!grown)
            return NULL;
        memset(grown + names->capacity, 0, (n - names->capacity) * sizeof *grown);
        names->cell = grown;
        names->capacity = (uint32_t)n;
    }
    return &names->cell[label];
}

enum tcore_status span_names_take(struct span_names *names, const struct trace_build *build,
                                  struct tcore_error *err)
{
    for (uint32_t i = 0; i < build->tree.count; i++) {
        const struct tcore_trace_span *span = &build->spans[i];
        uint32_t label;
        enum tcore_status status = shape_labels_find(&names->labels, build->store, span->service,
                                                     build->rows[i]->name, &label, err);
        struct tcore_cell *cell = status == TCORE_OK ? cell_of(names, label) : NULL;
        if (!cell)
            return tcore_error_nomem(err);
        tcore_cell_count(cell, span->flags & TCORE_SPAN_ERROR);
        if (tcore_span_is_timed(span) &&
            tcore_cell_add_int(cell, pattern_stats(), span->end_ns - span->start_ns) != TCORE_OK)
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

enum tcore_status span_names_merge(struct span_names *into, const struct span_names *from,
                                   const struct tcore_trace_store *store, struct tcore_error *err)
{
    uint32_t labels = from->labels.map.count;
    bool *added = tcore_calloc((size_t)labels + 1, sizeof *added);
    enum tcore_status status = added ? TCORE_OK : tcore_error_nomem(err);
    for (uint32_t i = 0; i < from->labels.pairs.count && status == TCORE_OK; i++) {
        uint32_t pair[2], label, other = from->labels.label_of[i];
        memcpy(pair, from->labels.pairs.keys[i].data, sizeof pair);
        status = shape_labels_find(&into->labels, store, pair[0], pair[1], &label, err);
        if (status != TCORE_OK || added[other])
            continue;
        added[other] = true;
        struct tcore_cell *cell = cell_of(into, label);
        if (!cell || tcore_cell_merge(cell, &from->cell[other], pattern_stats()) != TCORE_OK)
            status = tcore_error_nomem(err);
    }
    tcore_free(added);
    return status;
}

/* --- Records */

/* A name on its way to its template's record. */
struct folded {
    uint32_t label;
    struct tcore_slice name;
};

static int compare_folded(const void *left, const void *right)
{
    const struct folded *a = left, *b = right;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    return compare_texts(a->name, b->name);
}

struct template_place {
    uint32_t label, service; /* services are numbered in the order of their bytes */
    struct tcore_slice template;
    const struct tcore_cell *cell;
    const struct folded *names;
    uint32_t name_count;
};

static int compare_places(const void *left, const void *right)
{
    const struct template_place *a = left, *b = right;
    if (a->cell->count != b->cell->count)
        return a->cell->count > b->cell->count ? -1 : 1;
    if (a->service != b->service)
        return a->service < b->service ? -1 : 1;
    return compare_texts(a->template, b->template);
}

static enum tcore_status write_record(const struct template_place *place,
                                      const struct tcore_trace_store *store, struct tcore_buf *out)
{
    struct tcore_slice service = tcore_trace_store_service(store, place->service);
    tcore_buf_puts(out, "{\"type\":\"aggregate\",\"recordType\":\"span\",\"metricName\":"
                        "\"durationNano\",\"group\":{");
    if (service.data) {
        tcore_buf_puts(out, "\"service\":");
        put_text(out, service);
        tcore_buf_putc(out, ',');
    }
    tcore_buf_puts(out, "\"name\":");
    put_text(out, place->template);
    tcore_buf_putc(out, '}');
    enum tcore_status status = tcore_cell_write(place->cell, pattern_stats(), 0, out);
    tcore_buf_printf(out, ",\"names\":%" PRIu32 ",\"examples\":[", place->name_count);
    for (uint32_t i = 0; i < place->name_count && i < EXAMPLES; i++) {
        tcore_buf_puts(out, i ? "," : "");
        put_text(out, place->names[i].name);
    }
    tcore_buf_puts(out, "]}\n");
    return status;
}

static void find_places(const struct span_names *names, const struct tcore_trace_store *store,
                        struct folded *folded, struct template_place *places)
{
    uint32_t count = names->labels.pairs.count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pair[2];
        memcpy(pair, names->labels.pairs.keys[i].data, sizeof pair);
        folded[i] =
            (struct folded){names->labels.label_of[i], tcore_trace_store_name(store, pair[1])};
    }
    if (count)
        qsort(folded, count, sizeof *folded, compare_folded);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t label = folded[i].label;
        struct template_place *place = &places[label];
        if (!place->names)
            *place = (struct template_place){
                .label = label,
                .service = shape_label_service(&names->labels, label),
                .template = shape_label_template(&names->labels, label),
                .cell = &names->cell[label],
                .names = &folded[i],
            };
        place->name_count++;
    }
}

enum tcore_status span_names_write(const struct span_names *names,
                                   const struct tcore_trace_store *store, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    uint32_t labels = names->labels.map.count;
    struct folded *folded = tcore_calloc((size_t)names->labels.pairs.count + 1, sizeof *folded);
    struct template_place *places = tcore_calloc((size_t)labels + 1, sizeof *places);
    bool good = folded && places;
    if (good)
        find_places(names, store, folded, places);
    if (good && labels)
        qsort(places, labels, sizeof *places, compare_places);
    for (uint32_t i = 0; good && i < labels; i++)
        good = write_record(&places[i], store, out) == TCORE_OK;
    tcore_free(folded);
    tcore_free(places);
    return good ? tcore_buf_status(out, err) : tcore_error_nomem(err);
}
