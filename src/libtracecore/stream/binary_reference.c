/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding each parent among the spans of its trace. The hash table gives up on an id after a few
 * probes: ids that collide on purpose cost size and never time.
 */
#include "base/sys.h"
#include "stream/binary_codec.h"
#include "stream/binary_reference.h"

#define ID_BYTES    8u
#define PROBE_LIMIT 16u
#define CODE_LIMIT  65535u

static uint32_t find_ids(const struct shape_tree *tree, const char *name)
{
    size_t length = strlen(name);
    for (uint32_t i = 1; i < tree->columns; i++) {
        const struct binary_column *c = &tree->column[i];
        if (c->class == CLASS_HEX && c->parent == BINARY_NONE && c->values &&
            c->name_length == length && !memcmp(c->name, name, length))
            return i;
    }
    return 0;
}

/* A record is canonical, so ids of spans have the same length everywhere; but who knows of what
 * else a key of that name may hold. */
static bool are_span_ids(const struct binary_column *column)
{
    for (uint32_t i = 0; i < column->strings; i++)
        if (column->lengths[i] != ID_BYTES)
            return false;
    return true;
}

struct binary_referents tcore_binary_find_referents(const struct shape_tree *tree)
{
    struct binary_referents none = {0}, found = none;
    uint32_t rows = tree->column[0].values;
    if (tree->type != TCORE_RECORD_SPAN)
        return none;
    found.parent = find_ids(tree, "parentSpanId");
    found.span = find_ids(tree, "spanId");
    found.trace = find_ids(tree, "traceId");
    if (!found.parent || !found.span || !found.trace)
        return none;
    const struct binary_column *span = &tree->column[found.span];
    const struct binary_column *trace = &tree->column[found.trace];
    if (span->values != rows || trace->values != rows || !are_span_ids(span) ||
        !are_span_ids(&tree->column[found.parent]) || !tcore_binary_column_keeps_dictionary(trace))
        return none;
    return found;
}

/* Everything that finding parents takes, in one piece of memory. */
struct finder {
    const struct shape_tree *tree;
    const struct binary_column *span, *parent;
    const uint16_t *trace; /* of each row */
    uint32_t *slots;       /* row + 1, 0: empty */
    unsigned shift;        /* of a hash, to a slot */
    uint32_t mask;
    uint32_t *ordinal; /* of each row in its trace, from 0 */
    uint32_t *members; /* of each trace, so far */
    uint16_t *code;    /* of each parent */
    bool *has_parent;  /* of each shape */
    void *memory;
};

static bool finder_open(struct finder *f, const struct shape_tree *tree,
                        const struct binary_referents *columns)
{
    const struct binary_column *trace = &tree->column[columns->trace];
    *f = (struct finder){.tree = tree,
                         .span = &tree->column[columns->span],
                         .parent = &tree->column[columns->parent],
                         .trace = trace->codes};
    size_t rows = f->span->values, slots = 2;
    f->shift = 63;
    while (slots < 2 * rows) {
        slots *= 2;
        f->shift--;
    }
    f->mask = (uint32_t)(slots - 1);
    size_t words = slots + rows + trace->strings;
    f->memory = tcore_calloc(1, words * sizeof *f->slots + f->parent->values * sizeof *f->code +
                                    tree->shapes * sizeof *f->has_parent);
    if (!f->memory)
        return false;
    f->slots = f->memory;
    f->ordinal = f->slots + slots;
    f->members = f->ordinal + rows;
    f->code = (uint16_t *)(f->members + trace->strings);
    f->has_parent = (bool *)(f->code + f->parent->values);
    for (uint32_t i = 0; i < tree->shapes; i++)
        for (uint32_t n = tree->shape[i]; n; n = tree->node[n].parent)
            f->has_parent[i] |= tree->node[n].column == columns->parent;
    return true;
}

static uint64_t id_at(const struct binary_column *column, uint32_t value)
{
    uint64_t id;
    size_t at =
        column->dictionary ? column->offsets[column->codes[value]] : (size_t)value * ID_BYTES;
    memcpy(&id, column->bytes.data + at, sizeof id);
    return id;
}

static uint32_t slot_of(const struct finder *f, uint64_t id)
{
    return (uint32_t)(id * 0x9e3779b97f4a7c15 >> f->shift);
}

static void add_spans(struct finder *f)
{
    for (uint32_t row = 0; row < f->span->values; row++) {
        uint32_t slot = slot_of(f, id_at(f->span, row));
        f->ordinal[row] = f->members[f->trace[row]]++;
        for (unsigned probe = 0; probe < PROBE_LIMIT; probe++, slot = (slot + 1) & f->mask) {
            if (!f->slots[slot]) {
                f->slots[slot] = row + 1;
                break;
            }
        }
    }
}

/* The code of a parent: which span of the row's trace it is, from 1; 0: none that is known. */
static uint16_t find_parent(const struct finder *f, uint64_t id, uint32_t row)
{
    uint32_t slot = slot_of(f, id);
    for (unsigned probe = 0; probe < PROBE_LIMIT; probe++, slot = (slot + 1) & f->mask) {
        if (!f->slots[slot])
            return 0;
        uint32_t found = f->slots[slot] - 1;
        if (f->trace[found] == f->trace[row] && id_at(f->span, found) == id)
            return f->ordinal[found] < CODE_LIMIT ? (uint16_t)(f->ordinal[found] + 1) : 0;
    }
    return 0;
}

/* Fills the codes; returns the largest, and how many parents have none. */
static uint16_t find_parents(struct finder *f, uint32_t *own)
{
    const struct binary_column *shapes = &f->tree->column[0];
    uint16_t most = 0;
    uint32_t at = 0;
    *own = 0;
    for (uint32_t row = 0; row < shapes->values; row++) {
        if (!f->has_parent[shapes->ints[row]])
            continue;
        uint16_t code = find_parent(f, id_at(f->parent, at), row);
        f->code[at++] = code;
        most = code > most ? code : most;
        *own += !code;
    }
    return most;
}

static bool write_references(const struct finder *f, uint32_t own, unsigned width,
                             struct tcore_buf *out, uint8_t *entry)
{
    size_t start = out->length;
    uint32_t values = f->parent->values;
    size_t strings = (size_t)own * ID_BYTES;
    uint8_t *data = tcore_binary_reserve_data(out, strings + (size_t)values * width);
    if (!data)
        return false;
    uint8_t *at = data;
    for (uint32_t i = 0; i < values; i++) {
        if (f->code[i])
            continue;
        uint64_t id = id_at(f->parent, i);
        memcpy(at, &id, sizeof id);
        at += sizeof id;
    }
    tcore_binary_pack_codes(data + strings, f->code, values, width);
    entry[ENTRY_CLASS] = CLASS_HEX;
    entry[ENTRY_ENCODING] = ENCODING_REFERENCE;
    entry[ENTRY_WIDTH] = (uint8_t)width;
    binary_put32(entry + ENTRY_VALUES, values);
    binary_put32(entry + ENTRY_ENTRIES, own);
    binary_put32(entry + ENTRY_BASE_LENGTH, own ? ID_BYTES : 0);
    tcore_binary_finish_entry(out, start, entry);
    return true;
}

bool tcore_binary_encode_references(const struct shape_tree *tree,
                                    const struct binary_referents *columns, struct tcore_buf *out,
                                    uint8_t *entry)
{
    struct finder f;
    uint32_t own;
    if (!finder_open(&f, tree, columns))
        return false;
    add_spans(&f);
    unsigned width = find_parents(&f, &own) > UINT8_MAX ? 2 : 1;
    size_t values = f.parent->values;
    bool smaller = own * (size_t)ID_BYTES + values * width < values * ID_BYTES;
    bool written = smaller && write_references(&f, own, width, out, entry);
    tcore_free(f.memory);
    return written;
}
