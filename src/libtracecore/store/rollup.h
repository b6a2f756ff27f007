/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Roll-ups: what a segment's spans and metrics add up to, so that an aggregation need not read
 * them. For windows of 10 s of event time (aligned to the epoch, rounded down) there is a cell
 * (stats/cell.h) for each series: record type, metric name, service and span name. A cell has
 * count, errors, exact sum, extremes and histogram: all that count, rate, sum, mean, min, max,
 * quantiles, errors and errorRate are computed from. There are no squares (stddev), no distinct,
 * topk or apdex. trace-agg answers from roll-ups with the same bytes as from the records.
 *
 * Only spans (durationNano) and metrics (value, or a histogram merged in; strings and booleans only
 * count) are rolled up. A record that has no place, because it has no time, is counted in unplaced;
 * so is every record of another type. While unplaced is not 0 for a type, its cells are not the
 * whole answer and the records must be read.
 *
 * A type is given up, and all of its records are unplaced, when it has more than
 * TCORE_ROLLUP_MAX_CELLS cells, series whose keys have more than TCORE_ROLLUP_MAX_KEY_BYTES, or a
 * cell beyond the limits of stats/cell.h: such a roll-up would be no smaller than what it stands
 * for. That is what bounds memory, to some 100 MiB a type; a million spans of 360 series in four
 * minutes take 3 MiB, and 0.5 MB when encoded and compressed.
 *
 * The bytes depend on the records alone, not on the order or partition in which they were added.
 * tracecore-repository(5) describes them. Neither builder nor reader is thread-safe; several
 * threads fill a builder each, and join them.
 */
#ifndef TRACECORE_STORE_ROLLUP_H
#define TRACECORE_STORE_ROLLUP_H

#include "base/buf.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/projection.h"
#include "model/record.h"
#include "stats/cell.h"

#define TCORE_ROLLUP_WINDOW_NS INT64_C(10000000000) /* of a segment's */
/* Of one cell a series, from 1970 on: as many whole days as there is room for. */
#define TCORE_ROLLUP_WHOLE_NS      (INT64_C(106751) * 86400 * 1000000000)
#define TCORE_ROLLUP_MAX_CELLS     (UINT32_C(1) << 18)  /* of one type */
#define TCORE_ROLLUP_MAX_KEY_BYTES (UINT64_C(16) << 20) /* of one type */

/* What a roll-up is of: how tcore_cell_merge() and the others are to be called with its cells. */
extern const struct tcore_stats tcore_rollup_stats;

/* Columns of a projection that are rolled up. */
struct tcore_rollup_columns {
    size_t service, name, start_time, duration, status;  /* of spans; the first */
    size_t time, value, metric_name, histogram, summary; /* of metrics, */
    size_t sample_rate, metric_type, temporality;        /* all of them */
    size_t trace_state;                                  /* of spans again */
};

/* Adds the columns to a projection, as trace-agg --by=service,name would. TCORE_OK or FATAL. */
enum tcore_status tcore_rollup_project(struct tcore_projection *projection,
                                       struct tcore_rollup_columns *columns,
                                       struct tcore_error *err);

/* The fields that series are of, as bits: of some types they are exactly what stands in each record
 * under that name (of service: as records are read), of others they may come from elsewhere. */
enum tcore_series_field {
    TCORE_SERIES_SERVICE = 1,
    TCORE_SERIES_NAME = 2,
    TCORE_SERIES_METRIC = 4,
    TCORE_SERIES_FIELDS = 3 /* how many */
};
/* Their names: "service", "name", "metricName". */
extern const char *const tcore_series_field_names[TCORE_SERIES_FIELDS];

/* What is known of a type's records as a whole. */
struct tcore_rollup_totals {
    uint64_t placed, unplaced; /* records in cells, and in none */
    uint64_t negative;         /* spans that end before they start: in cells, without a value */
    uint64_t bad_histograms;   /* metrics whose histogram makes no sense: the same */
    uint64_t bad_rates;        /* metrics whose sampling rate is none: they count once */
    uint64_t cumulative;       /* points that say what came since a start, added as they are */
    bool given_up;
};

struct tcore_rollup_builder;

/* window_ns: the length of a window, at least 1,000. *builder is NULL on failure. TCORE_OK,
 * TCORE_FATAL.
 */
enum tcore_status tcore_rollup_builder_new(struct tcore_rollup_builder **builder, int64_t window_ns,
                                           struct tcore_error *err);
void tcore_rollup_builder_free(struct tcore_rollup_builder *builder);
/* Memory held, roughly. */
size_t tcore_rollup_builder_bytes(const struct tcore_rollup_builder *builder);

/* Adds rows[0..count) of a batch. TCORE_OK; TCORE_FATAL (no memory): the builder is of no use. */
enum tcore_status tcore_rollup_add(struct tcore_rollup_builder *builder,
                                   const struct tcore_rollup_columns *columns,
                                   const struct tcore_batch *batch, const uint32_t *rows,
                                   size_t count, struct tcore_error *err);
/* Notes spans that end before they start (tcore_batch.negative_durations). */
void tcore_rollup_add_negative(struct tcore_rollup_builder *builder, uint64_t spans);
/* into += from, both of the same window. TCORE_OK, TCORE_FATAL. */
enum tcore_status tcore_rollup_join(struct tcore_rollup_builder *into,
                                    const struct tcore_rollup_builder *from,
                                    struct tcore_error *err);
/*
 * Adds an encoded roll-up, whose windows the builder's must be a multiple of: 64 segments of 10 s
 * become one of 640 s. TCORE_OK; TCORE_BAD_INPUT: damaged, or other windows (what the builder holds
 * is of no use then); TCORE_FATAL.
 */
enum tcore_status tcore_rollup_merge(struct tcore_rollup_builder *builder, const void *data,
                                     size_t length, struct tcore_error *err);
/* Whether one cell a series would be half as many cells as there are, or fewer. */
bool tcore_rollup_has_windows(const struct tcore_rollup_builder *builder);
/* Appends the roll-up's bytes. The builder stays as it is. TCORE_OK, TCORE_FATAL. */
enum tcore_status tcore_rollup_encode(const struct tcore_rollup_builder *builder,
                                      struct tcore_buf *out, struct tcore_error *err);

struct tcore_rollup_reader;

/* A series: symbols (model/symbol.h), empty where the field is absent. */
struct tcore_rollup_series {
    enum tcore_record_type type;
    struct tcore_slice metric, service, name;
    int64_t first_ns, last_ns; /* of its records' times */
    uint32_t cells;            /* at least 1 */
};

/*
 * Opens the bytes of a roll-up, which must outlive the reader; their checksum is compared here.
 * With histograms false the cells' histograms are left out (they are most of the work); cells that
 * hold more than integers have theirs even so. *reader is NULL on failure. TCORE_OK,
 * TCORE_BAD_INPUT (damaged, or of a later version), TCORE_FATAL. Memory: at most
 * 2 * TCORE_ROLLUP_MAX_KEY_BYTES and 20 times the length of the data.
 */
enum tcore_status tcore_rollup_reader_open(struct tcore_rollup_reader **reader, const void *data,
                                           size_t length, bool histograms, struct tcore_error *err);
void tcore_rollup_reader_free(struct tcore_rollup_reader *reader);
int64_t tcore_rollup_reader_window(const struct tcore_rollup_reader *reader); /* nanoseconds */
const struct tcore_rollup_totals *
tcore_rollup_reader_totals(const struct tcore_rollup_reader *reader, enum tcore_record_type type);
/*
 * The keys of all series, in their order, before the first is read: *series, to be freed by the
 * caller, has them without times and cells. TCORE_OK, TCORE_BAD_INPUT, TCORE_FATAL.
 */
enum tcore_status tcore_rollup_reader_keys(struct tcore_rollup_reader *reader,
                                           struct tcore_rollup_series **series, size_t *count,
                                           struct tcore_error *err);
/*
 * The next series, in ascending order of type, then of the bytes of metric, service and name; what
 * was left of the cells of the one before is passed over. The slices live as long as the reader.
 * TCORE_OK, TCORE_EOF, TCORE_BAD_INPUT (damaged: nothing follows), TCORE_FATAL.
 */
enum tcore_status tcore_rollup_next_series(struct tcore_rollup_reader *reader,
                                           struct tcore_rollup_series *series,
                                           struct tcore_error *err);
/*
 * The series' next cell, in ascending order of windows: *window is its start divided by the length
 * of windows. The cell belongs to the reader and lives until the next call. TCORE_OK, TCORE_EOF: no
 * more of this series; TCORE_BAD_INPUT, TCORE_FATAL as above.
 */
enum tcore_status tcore_rollup_next_cell(struct tcore_rollup_reader *reader, int64_t *window,
                                         const struct tcore_cell **cell, struct tcore_error *err);

#endif
