/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adding up the traces of a block, and writing totals and grouped starts. */
#include "stream/binary_traces.h"

#include "base/sys.h"
#include "stream/binary_block_write.h"
#include "stream/binary_traces_layout.h"

#define SPANS_A_TRACE                                                                              \
    4u /* at least, on average: else the totals take more than the starts save                     \
        */

/* --- Which spans are errors */

/* The values of "status" row by row. */
struct statuses {
    const struct shape_tree *tree;
    const struct binary_column *column; /* NULL: no span has such a string */
    bool *has;                          /* of each shape; owned */
    uint32_t value;                     /* of the next row that has one */
    size_t byte;                        /* where it begins, without a dictionary */
    uint32_t error;                     /* the dictionary's entry; UINT32_MAX: none */
};

static bool is_error_text(const char *text, uint32_t length)
{
    return length == 5 && !memcmp(text, "error", 5);
}

static bool statuses_open(struct statuses *s, const struct shape_tree *tree, uint32_t column)
{
    *s = (struct statuses){.tree = tree, .error = UINT32_MAX};
    if (!column)
        return true;
    const struct binary_column *c = s->column = &tree->column[column];
    for (uint32_t i = 0; c->dictionary && i < c->strings; i++)
        if (is_error_text(c->bytes.data + c->offsets[i], c->lengths[i]))
            s->error = i;
    s->has = tcore_calloc(tree->shapes, sizeof *s->has);
    for (uint32_t i = 0; s->has && i < tree->shapes; i++)
        for (uint32_t n = tree->shape[i]; n; n = tree->node[n].parent)
            s->has[i] |= tree->node[n].column == column;
    return s->has != NULL;
}

static inline bool next_is_error(struct statuses *s, uint32_t row)
{
    const struct binary_column *c = s->column;
    if (!c || !s->has[s->tree->column[0].ints[row]])
        return false;
    uint32_t value = s->value++;
    if (c->dictionary)
        return c->codes[value] == s->error;
    const char *text = c->bytes.data + s->byte;
    s->byte += c->lengths[value];
    return is_error_text(text, c->lengths[value]);
}

/* --- Adding up */

/* Whether some status may stand among the rare keys of a record; their text is canonical. */
static bool hides_status(const struct shape_tree *tree)
{
    static const char key[] = "\"status\":";
    for (uint32_t i = 1; i < tree->columns; i++) {
        const struct binary_column *c = &tree->column[i];
        if (c->class == CLASS_MEMBERS && c->parent == BINARY_NONE && c->values &&
            memmem(c->bytes.data, c->bytes.length, key, sizeof key - 1))
            return true;
    }
    return false;
}

/* A column with a value for every row; 0: there is none. */
static uint32_t find_full(const struct shape_tree *tree, const char *name, unsigned class)
{
    uint32_t column = tcore_binary_find_column(tree, name, class);
    return tree->column[column].values == tree->column[0].values ? column : 0;
}

static bool are_trace_ids(const struct binary_column *c)
{
    bool all = tcore_binary_column_keeps_dictionary(c) &&
               (uint64_t)c->strings * SPANS_A_TRACE <= c->values;
    for (uint32_t i = 0; all && i < c->strings; i++)
        all = c->lengths[i] == TRACES_ID_BYTES;
    return all;
}

/* False: some span ends before it starts, which has to be told when spans are read. */
static bool add_rows(struct binary_traces *t, const struct shape_tree *tree, uint32_t end,
                     struct statuses *statuses)
{
    const struct binary_column *ids = &tree->column[t->trace];
    const int64_t *starts = tree->column[t->start].ints, *ends = tree->column[end].ints;
    bool forward = true;
    for (uint32_t i = 0; i < ids->strings; i++)
        t->sum[i] = (struct trace_sum){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
    for (uint32_t row = 0; row < ids->values; row++) {
        struct trace_sum *sum = &t->sum[ids->codes[row]];
        forward &= ends[row] >= starts[row];
        sum->first_ns = starts[row] < sum->first_ns ? starts[row] : sum->first_ns;
        sum->last_ns = ends[row] > sum->last_ns ? ends[row] : sum->last_ns;
        sum->spans++;
        sum->errors += next_is_error(statuses, row);
    }
    return forward;
}

/* False: a time is too far away from others, or from 1970. */
static bool measure(struct binary_traces *t, const struct binary_column *ids)
{
    int64_t low = INT64_MAX, start = INT64_MIN, end = INT64_MIN;
    uint64_t duration = 0, spans = 0, errors = 0;
    for (uint32_t i = 0; i < ids->strings; i++) {
        const struct trace_sum *sum = &t->sum[i];
        uint64_t lasts = (uint64_t)sum->last_ns - (uint64_t)sum->first_ns;
        low = sum->first_ns < low ? sum->first_ns : low;
        start = sum->first_ns > start ? sum->first_ns : start;
        end = sum->last_ns > end ? sum->last_ns : end;
        duration = lasts > duration ? lasts : duration;
        spans = sum->spans > spans ? sum->spans : spans;
        errors = sum->errors > errors ? sum->errors : errors;
    }
    t->base_ns = low;
    t->widths = (struct traces_widths){
        {(uint8_t)bits_of(ids->strings - 1), (uint8_t)bits_of((uint64_t)start - (uint64_t)low),
         (uint8_t)bits_of(duration), (uint8_t)bits_of(spans), (uint8_t)bits_of(errors)}};
    return low > -TRACES_MOST_NS && low <= TRACES_BASE_MOST &&
           t->widths.of[TRACES_STARTS] <= BITS_MOST && t->widths.of[TRACES_DURATIONS] <= BITS_MOST;
}

void tcore_binary_find_traces(const struct shape_tree *tree, struct binary_traces *t)
{
    struct statuses statuses = {0};
    *t = (struct binary_traces){0};
    if (tree->type != TCORE_RECORD_SPAN || hides_status(tree))
        return;
    t->trace = find_full(tree, "traceId", CLASS_HEX);
    t->start = find_full(tree, "startTimeUnixNano", CLASS_DECIMAL);
    uint32_t end = find_full(tree, "endTimeUnixNano", CLASS_DECIMAL);
    const struct binary_column *ids = &tree->column[t->trace];
    bool good = t->trace && t->start && end && are_trace_ids(ids);
    if (good) {
        t->sum = tcore_reallocarray(NULL, ids->strings, sizeof *t->sum);
        good = t->sum && statuses_open(&statuses, tree,
                                       tcore_binary_find_column(tree, "status", CLASS_STRING));
    }
    good = good && add_rows(t, tree, end, &statuses) && measure(t, ids);
    tcore_free(statuses.has);
    if (!good)
        tcore_binary_traces_free(t);
}

void tcore_binary_traces_free(struct binary_traces *traces)
{
    tcore_free(traces->sum);
    *traces = (struct binary_traces){0};
}

/* --- Writing */

/* The number that an array has of a trace. */
static uint64_t number_of(const struct binary_traces *t, uint32_t trace, unsigned array)
{
    const struct trace_sum *sum = &t->sum[trace];
    switch (array) {
    case TRACES_STARTS:
        return (uint64_t)(sum->first_ns - t->base_ns);
    case TRACES_DURATIONS:
        return (uint64_t)(sum->last_ns - sum->first_ns);
    case TRACES_SPANS:
        return sum->spans;
    default:
        return sum->errors;
    }
}

static void put_arrays(const struct binary_traces *t, const struct binary_column *ids, uint8_t *to)
{
    struct bits bits = {.at = to};
    for (uint32_t row = 0; row < ids->values; row++)
        bits_put(&bits, ids->codes[row], t->widths.of[TRACES_CODES]);
    bits_end(&bits);
    for (unsigned array = TRACES_STARTS; array < TRACES_ARRAYS; array++) {
        for (uint32_t i = 0; i < ids->strings; i++)
            bits_put(&bits, number_of(t, i, array), t->widths.of[array]);
        bits_end(&bits);
    }
    memset(bits.at, 0, BITS_SPARE);
}

void tcore_binary_encode_traces(const struct shape_tree *tree, const struct binary_traces *t,
                                struct tcore_buf *out, uint8_t *entry)
{
    const struct binary_column *ids = &tree->column[t->trace];
    size_t start = out->length, id_bytes = (size_t)ids->strings * TRACES_ID_BYTES;
    uint64_t widths = 0;
    for (unsigned array = TRACES_STARTS; array < TRACES_ARRAYS; array++)
        widths |= (uint64_t)t->widths.of[array] << 8 * (array - 1);
    uint8_t *data =
        tcore_binary_reserve_data(out, traces_layout(ids->values, ids->strings, &t->widths).bytes);
    if (!data)
        return;
    memcpy(data, ids->bytes.data, id_bytes);
    put_arrays(t, ids, data + id_bytes);
    entry[ENTRY_CLASS] = CLASS_HEX;
    entry[ENTRY_ENCODING] = ENCODING_TRACES;
    entry[ENTRY_WIDTH] = t->widths.of[TRACES_CODES];
    binary_put32(entry + ENTRY_VALUES, ids->values);
    binary_put32(entry + ENTRY_ENTRIES, ids->strings);
    binary_put32(entry + ENTRY_BASE_LENGTH, TRACES_ID_BYTES);
    binary_put64(entry + ENTRY_BASE, (uint64_t)t->base_ns);
    binary_put64(entry + ENTRY_STEP, widths);
    tcore_binary_finish_entry(out, start, entry);
}

static unsigned offset_bits(const struct trace_sum *sum)
{
    return bits_of((uint64_t)(sum->last_ns - sum->first_ns));
}

void tcore_binary_encode_starts(const struct shape_tree *tree, const struct binary_traces *t,
                                struct tcore_buf *out, uint8_t *entry)
{
    const struct binary_column *ids = &tree->column[t->trace], *c = &tree->column[t->start];
    size_t start = out->length;
    uint64_t total = 0;
    for (uint32_t i = 0; i < ids->strings; i++)
        total += (uint64_t)t->sum[i].spans * offset_bits(&t->sum[i]);
    uint8_t *data = tcore_binary_reserve_data(out, bits_bytes(total) + BITS_SPARE);
    if (!data)
        return;
    struct bits bits = {.at = data};
    for (uint32_t row = 0; row < c->values; row++) {
        const struct trace_sum *sum = &t->sum[ids->codes[row]];
        bits_put(&bits, (uint64_t)(c->ints[row] - sum->first_ns), offset_bits(sum));
    }
    bits_end(&bits);
    memset(bits.at, 0, BITS_SPARE);
    entry[ENTRY_CLASS] = c->class;
    entry[ENTRY_ENCODING] = ENCODING_GROUPED;
    binary_put32(entry + ENTRY_VALUES, c->values);
    tcore_binary_finish_entry(out, start, entry);
}
