/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a roll-up: columns side by side, a cursor in each. The checksum finds damage by accident;
 * nothing is taken for granted even so, since whoever can write a segment can write a checksum.
 */
#include "store/rollup_private.h"

#include "base/sys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <endian.h>
#include <string.h>

enum { MOST_BUCKETS = 64 * 64 }; /* 64 for each power of two: one more than int64 has */

struct tcore_rollup_reader {
    int64_t window_ns;
    bool histograms;
    struct tcore_rollup_totals totals[TCORE_RECORD_TYPES];
    struct tcore_state_reader column[TCORE_ROLLUP_COLUMNS];
    struct tcore_slice *strings; /* owned */
    struct tcore_buf text;       /* of strings */
    uint64_t string_count, series_left, cells_left;
    /* the series at hand */
    uint32_t type, string[TCORE_ROLLUP_PARTS];
    uint64_t left;                         /* cells of it */
    int64_t window;                        /* of the cell before */
    struct tcore_state_reader window_gaps; /* of its other cells */
    bool begun, first;
    bool passing; /* over cells that nobody looks at */
    struct tcore_cell cell;
    /* its buckets, in ascending order */
    int32_t bucket[MOST_BUCKETS];
    uint64_t tally[MOST_BUCKETS], largest;
};

static enum tcore_status damaged(struct tcore_error *err, const char *what)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged roll-up: %s", what);
}

static bool read_totals(struct tcore_rollup_reader *r, struct tcore_state_reader *in)
{
    uint64_t count, type, given_up, above = 0;
    if (!tcore_decode_uint64(in, &count) || count > TCORE_RECORD_TYPES)
        return false;
    for (uint64_t i = 0; i < count; i++, above = type + 1) {
        if (!tcore_decode_uint64(in, &type) || type < above || type >= TCORE_RECORD_TYPES)
            return false;
        struct tcore_rollup_totals *t = &r->totals[type];
        if (!tcore_decode_uint64(in, &given_up) || given_up > 1 ||
            !tcore_decode_uint64(in, &t->placed) || !tcore_decode_uint64(in, &t->unplaced) ||
            !tcore_decode_uint64(in, &t->negative) ||
            !tcore_decode_uint64(in, &t->bad_histograms) ||
            !tcore_decode_uint64(in, &t->bad_rates) || !tcore_decode_uint64(in, &t->cumulative))
            return false;
        t->given_up = given_up;
    }
    return true;
}

/* The columns must fill what is left, exactly. */
static bool read_columns(struct tcore_rollup_reader *r, struct tcore_state_reader *in)
{
    uint64_t length[TCORE_ROLLUP_COLUMNS];
    for (int i = 0; i < TCORE_ROLLUP_COLUMNS; i++)
        if (!tcore_decode_uint64(in, &length[i]))
            return false;
    for (int i = 0; i < TCORE_ROLLUP_COLUMNS; i++) {
        if (length[i] > tcore_state_reader_left(in))
            return false;
        r->column[i] = tcore_state_reader(in->at, (size_t)length[i]);
        in->at += length[i];
    }
    return !tcore_state_reader_left(in) &&
           tcore_state_reader_left(&r->column[TCORE_ROLLUP_KINDS]) == r->cells_left &&
           r->series_left <= r->cells_left &&
           r->string_count <= tcore_state_reader_left(&r->column[TCORE_ROLLUP_STRINGS]) / 2 &&
           r->series_left <= tcore_state_reader_left(&r->column[TCORE_ROLLUP_SERIES]) / 4;
}

/* Appends a string to r->text and gives its slice an offset for an address. */
static bool read_string(struct tcore_rollup_reader *r, uint64_t number, size_t before)
{
    struct tcore_state_reader *in = &r->column[TCORE_ROLLUP_STRINGS];
    size_t start = r->text.length, length_before = start - before;
    uint64_t shared, rest;
    if (!tcore_decode_uint64(in, &shared) || !tcore_decode_uint64(in, &rest) ||
        shared > length_before || rest > tcore_state_reader_left(in) ||
        start + shared + rest > 2 * TCORE_ROLLUP_MAX_KEY_BYTES || (number && !rest))
        return false;
    if (shared < length_before && rest &&
        *in->at <= ((unsigned char *)r->text.data)[before + shared])
        return false; /* not in ascending order */
    char *to = tcore_buf_reserve(&r->text, (size_t)(shared + rest));
    if (!to)
        return false;
    if (shared)
        memcpy(to, r->text.data + before, (size_t)shared);
    if (rest)
        memcpy(to + shared, in->at, (size_t)rest);
    r->text.length += (size_t)(shared + rest);
    in->at += rest;
    r->strings[number].length = (size_t)(shared + rest);
    return true;
}

static enum tcore_status read_strings(struct tcore_rollup_reader *r, struct tcore_error *err)
{
    r->strings = tcore_calloc((size_t)r->string_count, sizeof *r->strings);
    if (!r->strings)
        return tcore_error_nomem(err);
    size_t before = 0;
    for (uint64_t i = 0; i < r->string_count; i++) {
        size_t start = r->text.length;
        if (!read_string(r, i, before))
            return r->text.failed ? tcore_error_nomem(err) : damaged(err, "bad string");
        before = start;
    }
    const char *at = r->text.data ? r->text.data : "";
    for (uint64_t i = 0; i < r->string_count; at += r->strings[i++].length)
        r->strings[i].data = at;
    if (tcore_state_reader_left(&r->column[TCORE_ROLLUP_STRINGS]))
        return damaged(err, "too many strings");
    return TCORE_OK;
}

static enum tcore_status read_head(struct tcore_rollup_reader *r, struct tcore_state_reader *in,
                                   struct tcore_error *err)
{
    uint64_t version, window;
    in->at += strlen(TCORE_ROLLUP_MAGIC);
    if (!tcore_decode_uint64(in, &version))
        return damaged(err, "bad head");
    if (version != TCORE_ROLLUP_VERSION)
        return tcore_error_set(err, TCORE_BAD_INPUT, "a roll-up of version %llu",
                               (unsigned long long)version);
    if (!tcore_decode_uint64(in, &window) || !window || window > INT64_MAX || !read_totals(r, in) ||
        !tcore_decode_uint64(in, &r->string_count) || !tcore_decode_uint64(in, &r->series_left) ||
        !tcore_decode_uint64(in, &r->cells_left) || !read_columns(r, in))
        return damaged(err, "bad head");
    r->window_ns = (int64_t)window;
    return read_strings(r, err);
}

enum tcore_status tcore_rollup_reader_open(struct tcore_rollup_reader **reader, const void *data,
                                           size_t length, bool histograms, struct tcore_error *err)
{
    *reader = NULL;
    size_t magic = strlen(TCORE_ROLLUP_MAGIC);
    if (length < magic + TCORE_ROLLUP_CHECKSUM || memcmp(data, TCORE_ROLLUP_MAGIC, magic) != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT, "no roll-up, or too short for one");
    uint64_t checksum;
    size_t body = length - TCORE_ROLLUP_CHECKSUM;
    memcpy(&checksum, (const char *)data + body, sizeof checksum);
    if (le64toh(checksum) != XXH3_64bits(data, body))
        return damaged(err, "its checksum is wrong");
    struct tcore_rollup_reader *r = tcore_calloc(1, sizeof *r);
    if (!r)
        return tcore_error_nomem(err);
    r->histograms = histograms;
    struct tcore_state_reader in = tcore_state_reader(data, body);
    enum tcore_status status = read_head(r, &in, err);
    if (status)
        tcore_rollup_reader_free(r);
    else
        *reader = r;
    return status;
}

void tcore_rollup_reader_free(struct tcore_rollup_reader *reader)
{
    if (!reader)
        return;
    tcore_cell_free(&reader->cell, &tcore_rollup_stats);
    tcore_free(reader->strings);
    tcore_buf_free(&reader->text);
    tcore_free(reader);
}

int64_t tcore_rollup_reader_window(const struct tcore_rollup_reader *reader)
{
    return reader->window_ns;
}

const struct tcore_rollup_totals *
tcore_rollup_reader_totals(const struct tcore_rollup_reader *reader, enum tcore_record_type type)
{
    return &reader->totals[type];
}

/* Reads the key behind the one before: strings by number, which must ascend as a whole. */
static bool read_key(struct tcore_rollup_reader *r)
{
    struct tcore_state_reader *in = &r->column[TCORE_ROLLUP_SERIES];
    uint64_t type;
    if (!tcore_decode_uint64(in, &type) ||
        (type != TCORE_RECORD_SPAN && type != TCORE_RECORD_METRIC) || type < r->type)
        return false;
    int order = type > r->type;
    r->type = (uint32_t)type;
    for (int k = 0; k < TCORE_ROLLUP_PARTS; k++) {
        int64_t step, number;
        if (!tcore_decode_int64(in, &step) ||
            __builtin_add_overflow((int64_t)r->string[k], step, &number) || number < 0 ||
            (uint64_t)number >= r->string_count)
            return false;
        if (!order)
            order = step < 0 ? -1 : step > 0;
        r->string[k] = (uint32_t)number;
    }
    bool first = !r->begun;
    r->begun = true;
    return order > 0 || first;
}

static void name_series(const struct tcore_rollup_reader *r, struct tcore_rollup_series *series)
{
    series->type = (enum tcore_record_type)r->type;
    series->metric = r->strings[r->string[0]];
    series->service = r->strings[r->string[1]];
    series->name = r->strings[r->string[2]];
}

enum tcore_status tcore_rollup_reader_keys(struct tcore_rollup_reader *r,
                                           struct tcore_rollup_series **series, size_t *count,
                                           struct tcore_error *err)
{
    struct tcore_state_reader from = r->column[TCORE_ROLLUP_SERIES];
    bool sound = true;
    *count = (size_t)r->series_left;
    *series = tcore_calloc(*count, sizeof **series);
    if (!*series)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < *count && sound; i++) {
        sound = read_key(r);
        if (sound)
            name_series(r, &(*series)[i]);
    }
    r->column[TCORE_ROLLUP_SERIES] = from; /* as if nothing had been read */
    r->begun = false;
    r->type = 0;
    memset(r->string, 0, sizeof r->string);
    if (sound)
        return TCORE_OK;
    tcore_free(*series);
    *series = NULL;
    return damaged(err, "bad series");
}

/* Whether windows of that number exist: some time is in it. */
static bool window_exists(const struct tcore_rollup_reader *r, int64_t window)
{
    return window >= tcore_rollup_window(INT64_MIN, r->window_ns) &&
           window <= INT64_MAX / r->window_ns;
}

/* The windows of the series: passed over once, so that its last one is known. */
static bool read_windows(struct tcore_rollup_reader *r, int64_t *last)
{
    struct tcore_state_reader *in = &r->column[TCORE_ROLLUP_WINDOWS];
    int64_t step;
    if (!tcore_decode_uint64(in, &r->left) || !r->left || r->left > r->cells_left ||
        r->left - 1 > tcore_state_reader_left(in) || !tcore_decode_int64(in, &step))
        return false;
    /* from the last window of the series before, modulo 2^64 */
    r->window = (int64_t)((uint64_t)r->window + (uint64_t)step);
    r->window_gaps = *in;
    *last = r->window;
    for (uint64_t i = 1; i < r->left; i++) {
        uint64_t gap;
        if (!tcore_decode_uint64(in, &gap) || gap > INT64_MAX - 1 ||
            __builtin_add_overflow(*last, (int64_t)gap + 1, last))
            return false;
    }
    return window_exists(r, r->window) && window_exists(r, *last);
}

/* A time in a window, from its distance from the window's start. */
static bool read_time(struct tcore_rollup_reader *r, int64_t window, int64_t *time)
{
    uint64_t offset;
    if (!tcore_decode_uint64(&r->column[TCORE_ROLLUP_TIMES], &offset) ||
        offset >= (uint64_t)r->window_ns)
        return false;
    __int128 at = (__int128)window * r->window_ns + (__int128)offset;
    *time = (int64_t)at;
    return at == *time;
}

enum tcore_status tcore_rollup_next_series(struct tcore_rollup_reader *r,
                                           struct tcore_rollup_series *series,
                                           struct tcore_error *err)
{
    int64_t window, last;
    const struct tcore_cell *cell;
    enum tcore_status status;
    r->passing = true;
    while (!(status = tcore_rollup_next_cell(r, &window, &cell, err)))
        ;
    r->passing = false;
    if (status != TCORE_EOF)
        return status;
    if (!r->series_left) {
        for (int i = 0; i < TCORE_ROLLUP_COLUMNS; i++)
            if (tcore_state_reader_left(&r->column[i]) &&
                (r->histograms || (i != TCORE_ROLLUP_BUCKETS && i != TCORE_ROLLUP_TALLIES)))
                return damaged(err, "bytes that belong to no cell");
        return TCORE_EOF;
    }
    r->series_left--;
    if (!read_key(r) || !read_windows(r, &last) || !read_time(r, r->window, &series->first_ns) ||
        !read_time(r, last, &series->last_ns) || series->first_ns > series->last_ns) {
        r->series_left = r->left = 0;
        r->column[TCORE_ROLLUP_KINDS].at = r->column[TCORE_ROLLUP_KINDS].end;
        return damaged(err, "bad series");
    }
    r->first = true;
    name_series(r, series);
    series->cells = (uint32_t)r->left;
    return TCORE_OK;
}

static bool decode_128(struct tcore_state_reader *in, unsigned __int128 *value)
{
    *value = 0;
    for (unsigned shift = 0; in->at < in->end && shift < 126; shift += 7) {
        unsigned char byte = *in->at++;
        *value |= (unsigned __int128)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return byte || !shift;
    }
    return false;
}

/* The buckets behind index `before` up to the last one, into r->bucket. *used: how many. */
static bool read_buckets(struct tcore_rollup_reader *r, int32_t before, int32_t last,
                         uint64_t values, uint32_t *used)
{
    struct tcore_state_reader buckets = r->column[TCORE_ROLLUP_BUCKETS],
                              tallies = r->column[TCORE_ROLLUP_TALLIES];
    uint64_t head, total = 0, largest = 0;
    uint32_t n = 0;
    for (int32_t index = before; index < last; n++) {
        uint64_t count = 1;
        if (!tcore_decode_uint64(&buckets, &head) || head >> 1 >= (uint64_t)(last - index))
            return false;
        index += (int32_t)(head >> 1) + 1;
        if (head & 1) {
            if (!tcore_decode_uint64(&tallies, &count) || count > TCORE_COUNT_MAX)
                return false;
            count += 2;
        }
        r->bucket[n] = index;
        r->tally[n] = count;
        total += count; /* below 2^12 counts of up to 2^47 */
        largest = count > largest ? count : largest;
    }
    r->column[TCORE_ROLLUP_BUCKETS] = buckets;
    r->column[TCORE_ROLLUP_TALLIES] = tallies;
    r->largest = largest;
    *used = n;
    return total == values;
}

/* Buckets from the one of min to the one of max, which are known. */
static enum tcore_status read_histogram(struct tcore_rollup_reader *r, uint64_t values)
{
    struct tcore_cell *cell = &r->cell;
    uint64_t zero = 0;
    uint32_t used;
    int32_t last = cell->max_int ? tcore_histogram_index_int64(cell->max_int) : -2;
    int32_t before = cell->min_int ? tcore_histogram_index_int64(cell->min_int) - 1 : -2;
    if (!cell->min_int && (!tcore_decode_uint64(&r->column[TCORE_ROLLUP_BUCKETS], &zero) || !zero))
        return TCORE_BAD_INPUT;
    if (zero > values || !read_buckets(r, before, last, values - zero, &used) ||
        (used && cell->min_int && r->bucket[0] != before + 1))
        return TCORE_BAD_INPUT;
    cell->histogram.total = values;
    cell->histogram.zero = zero;
    struct tcore_bucket_store *store = &cell->histogram.positive;
    if (!used || r->passing)
        return TCORE_OK;
    if (tcore_bucket_store_reserve(store, r->bucket[0], last, used, r->largest))
        return TCORE_FATAL;
    tcore_bucket_store_append_all(store, r->bucket, r->tally, used);
    return TCORE_OK;
}

static bool read_counts(struct tcore_rollup_reader *r)
{
    struct tcore_cell *cell = &r->cell;
    const uint64_t most = TCORE_CELL_UNITS_MAX / TCORE_WEIGHT_ONE;
    if (!tcore_decode_uint64(&r->column[TCORE_ROLLUP_COUNTS], &cell->count) ||
        !tcore_decode_uint64(&r->column[TCORE_ROLLUP_ERRORS], &cell->errors) ||
        cell->count > most || cell->errors > cell->count)
        return false;
    cell->count *= TCORE_WEIGHT_ONE;
    cell->errors *= TCORE_WEIGHT_ONE;
    return true;
}

static enum tcore_status read_plain(struct tcore_rollup_reader *r)
{
    struct tcore_cell *cell = &r->cell;
    struct tcore_state_reader *extremes = &r->column[TCORE_ROLLUP_EXTREMES];
    uint64_t missing, min, width;
    unsigned __int128 sum;
    if (!read_counts(r) || !tcore_decode_uint64(&r->column[TCORE_ROLLUP_MISSING], &missing) ||
        missing >= cell->count / TCORE_WEIGHT_ONE || !tcore_decode_uint64(extremes, &min) ||
        !tcore_decode_uint64(extremes, &width) || min > INT64_MAX || width > INT64_MAX - min ||
        !decode_128(&r->column[TCORE_ROLLUP_SUMS], &sum))
        return TCORE_BAD_INPUT;
    uint64_t values = cell->count / TCORE_WEIGHT_ONE - missing;
    if (sum > (unsigned __int128)values * width)
        return TCORE_BAD_INPUT;
    sum += (unsigned __int128)values * min;
    cell->has_int = true;
    cell->values = values * TCORE_WEIGHT_ONE;
    cell->min_int = (int64_t)min;
    cell->max_int = (int64_t)(min + width);
    cell->sum.low = (uint64_t)sum; /* below 2^47 * 2^63 */
    cell->sum.high = (uint64_t)(sum >> 64);
    return r->histograms ? read_histogram(r, values) : TCORE_OK;
}

static enum tcore_status read_other(struct tcore_rollup_reader *r, struct tcore_error *err)
{
    struct tcore_state_reader *in = &r->column[TCORE_ROLLUP_OTHERS];
    uint64_t length;
    if (!tcore_decode_uint64(in, &length) || length > tcore_state_reader_left(in))
        return TCORE_BAD_INPUT;
    in->at += length;
    return tcore_cell_decode(&r->cell, &tcore_rollup_stats, in->at - length, (size_t)length, err);
}

static enum tcore_status read_cell(struct tcore_rollup_reader *r, struct tcore_error *err)
{
    struct tcore_state_reader *kinds = &r->column[TCORE_ROLLUP_KINDS];
    tcore_cell_free(&r->cell, &tcore_rollup_stats);
    r->cell = (struct tcore_cell){0};
    if (!tcore_state_reader_left(kinds))
        return TCORE_BAD_INPUT;
    switch (*kinds->at++) {
    case TCORE_ROLLUP_EMPTY:
        return read_counts(r) ? TCORE_OK : TCORE_BAD_INPUT;
    case TCORE_ROLLUP_PLAIN:
        return read_plain(r);
    case TCORE_ROLLUP_OTHER:
        return read_other(r, err);
    default:
        return TCORE_BAD_INPUT;
    }
}

enum tcore_status tcore_rollup_next_cell(struct tcore_rollup_reader *r, int64_t *window,
                                         const struct tcore_cell **cell, struct tcore_error *err)
{
    uint64_t gap = 0;
    if (!r->left)
        return TCORE_EOF;
    if (!r->first) { /* it was seen to be sound */
        (void)tcore_decode_uint64(&r->window_gaps, &gap);
        r->window += (int64_t)gap + 1;
    }
    r->first = false;
    enum tcore_status status = read_cell(r, err);
    if (status) {
        r->left = r->series_left = 0;
        for (int i = 0; i < TCORE_ROLLUP_COLUMNS; i++)
            r->column[i].at = r->column[i].end;
        return status == TCORE_FATAL ? tcore_error_nomem(err) : damaged(err, "bad cell");
    }
    r->left--;
    r->cells_left--;
    *window = r->window;
    *cell = &r->cell;
    return TCORE_OK;
}
