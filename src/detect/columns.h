/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading columns of a batch; what the verbs of trace-detect have in common. */
#ifndef DETECT_COLUMNS_H
#define DETECT_COLUMNS_H

#include "model/batch.h"
#include "model/id.h"
#include "model/number.h"
#include "model/projection.h"

#include <math.h>
#include <string.h>

/* A column to ask for: a path of one or two keys. */
struct wanted_column {
    const char *object, *key; /* object NULL: at top level */
    size_t *column;
};

static inline enum tcore_status want_columns(struct tcore_projection *projection,
                                             const struct wanted_column *wanted, size_t count,
                                             struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        const struct wanted_column *w = &wanted[i];
        struct tcore_path_key keys[2] = {{w->key, strlen(w->key)}, {w->key, strlen(w->key)}};

        if (w->object)
            keys[0] = (struct tcore_path_key){w->object, strlen(w->object)};
        status = tcore_projection_add_path(projection, keys, w->object ? 2 : 1, w->column, err);
    }
    return status;
}

static inline struct tcore_value column_value(const struct tcore_batch *batch, size_t column,
                                              size_t row)
{
    return tcore_column_get(&batch->columns[column], row);
}

/* NaN if it is no number. */
static inline double column_double(const struct tcore_batch *batch, size_t column, size_t row)
{
    struct tcore_value value = column_value(batch, column, row);

    return tcore_value_double(&value);
}

/* A time, which may be a string or a number. */
static inline bool column_ns(const struct tcore_batch *batch, size_t column, size_t row,
                             int64_t *ns)
{
    struct tcore_value value = column_value(batch, column, row);

    if (value.kind == TCORE_STRING)
        return tcore_parse_int64(value.s, value.len, ns);
    return tcore_value_int64(&value, ns);
}

static inline bool column_is(const struct tcore_batch *batch, size_t column, size_t row,
                             const char *text)
{
    struct tcore_value value = column_value(batch, column, row);

    return tcore_value_is_text(&value, text);
}

/* --- The run that a record is of */

#define RUN_ID "run.id"

/* Where it may stand. */
struct run_columns {
    size_t at[4];
};

static inline enum tcore_status want_run(struct tcore_projection *projection,
                                         struct run_columns *run, struct tcore_error *err)
{
    const struct wanted_column wanted[] = {
        {NULL, RUN_ID, &run->at[0]},
        {"attributes", RUN_ID, &run->at[1]},
        {"dimensions", RUN_ID, &run->at[2]},
        {"resource", RUN_ID, &run->at[3]},
    };

    return want_columns(projection, wanted, sizeof wanted / sizeof *wanted, err);
}

/* Absent if the record does not name one. */
static inline struct tcore_value run_of(const struct tcore_batch *batch,
                                        const struct run_columns *run, size_t row)
{
    struct tcore_value id = {0};

    for (size_t i = 0; i < sizeof run->at / sizeof *run->at && id.kind == TCORE_ABSENT; i++)
        id = column_value(batch, run->at[i], row);
    return id;
}

/* --- Ids */

/* An id in its canonical form, with a NUL; empty if there is none. out has id + 1 bytes. */
static inline void column_id(const struct tcore_batch *batch, size_t column, size_t row,
                             enum tcore_id_class id, char *out)
{
    struct tcore_value value = column_value(batch, column, row);
    bool present = value.kind == TCORE_STRING &&
                   tcore_id_normalise(id, value.s, value.len, out) != TCORE_ID_ZERO;

    out[present ? (size_t)id : 0] = '\0';
}

#endif
