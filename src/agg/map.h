/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --map: records become other records before they are aggregated. A program of the helper process
 * gets the canonical text of each; what it makes must be records, and is decoded as input is. Clock
 * records stay as they are.
 */
#ifndef AGG_MAP_H
#define AGG_MAP_H

#include "cli/filter.h"
#include "cli/map.h"
#include "stream/input.h"

/* What one thread maps with. */
struct agg_mapper {
    const struct cli_map *map; /* borrowed, as the next one is */
    const struct tcore_projection *projection;
    unsigned types; /* of made records that are of use, as bits */
    uint64_t other; /* made records that are not */
    struct tcore_jq *jq;
    struct tcore_decoder *decoder;
    struct tcore_chunk chunk; /* the made records */
    struct tcore_json json;
    struct tcore_buf texts, made, lines, reasons;
    struct tcore_slice *slice;      /* by selected row, as the next two are; owned */
    struct tcore_jq_output *output; /* of those that were given to the program */
    struct cli_refusal *refusal;
    uint32_t *rows; /* of the made batch; owned */
    size_t room, row_room, refused;
};

/* Starts the helper, which ends with this thread. */
enum tcore_status agg_mapper_open(struct agg_mapper *mapper, const struct cli_map *map,
                                  const struct tcore_projection *projection, unsigned types,
                                  struct tcore_error *err);
void agg_mapper_free(struct agg_mapper *mapper);
/*
 * Maps the rows of a batch that has text: made becomes a batch of what came of them, valid until
 * the next call, and rows[0..*row_count) its rows of the types that are of use, clock records too.
 * mapper->refusal has the rows that nothing came of, for cli_operator.refused. TCORE_FATAL: the
 * helper had to be stopped, or no memory.
 */
enum tcore_status agg_map_rows(struct agg_mapper *mapper, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, const struct tcore_batch **made,
                               size_t *row_count, struct tcore_error *err);

#endif
