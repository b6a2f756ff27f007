/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which keys the records of one type have, in which order: a tree whose every path from the root is
 * the beginning of some record. A step is a key with the class of its value, and thereby a column;
 * the node where a record ends is its shape. The tree is also the prediction of the next record:
 * what its text must look like if it takes the same way.
 *
 * Keys that turn out to be rare, or come when there are columns enough, take no step of their own:
 * runs of them are one MEMBERS value.
 */
#ifndef TRACECORE_STREAM_BINARY_SHAPE_H
#define TRACECORE_STREAM_BINARY_SHAPE_H

#include "base/arena.h"
#include "base/map.h"
#include "model/json.h"
#include "stream/binary_column.h"

#pragma GCC visibility push(hidden)

/* What a value must be, beyond its class, for the record to be canonical as it stands. */
enum shape_check {
    CHECK_NONE,
    CHECK_TRACE_ID, /* 32 digits, not all zero */
    CHECK_SPAN_ID,  /* 16 digits, not all zero */
    CHECK_FILLED,   /* not null, [] or {} */
    CHECK_FIELDS,   /* the same, and objects in it are as the schema has them */
    CHECK_ALWAYS    /* whatever it is, canonicalise the record */
};

/* A key of the top level or of an object there, and what was learnt about its values. */
struct shape_path {
    uint16_t column[CLASS_MEMBERS + 1]; /* by class; BINARY_NONE: none yet */
    uint8_t string_class;               /* STRING, HEX or DECIMAL; SHAPE: no string came yet */
    uint8_t number_class;               /* NUMBER or DOUBLE; SHAPE: no such number came yet */
    bool rare;
    uint32_t seen;                   /* while rare: in this block */
    const struct tcore_field *field; /* of the schema, or NULL */
};

struct shape_edge {
    const char *literal; /* all that stands before the value in a canonical text */
    const char *key;     /* the column's name */
    uint32_t literal_length;
    uint32_t key_length;
    uint32_t path;
    uint32_t node; /* where it leads */
    uint32_t next; /* edge of the same node, 0: none */
    uint16_t column;
    uint8_t class; /* OBJECT: it opens that object */
    uint8_t check; /* enum shape_check */
};

struct shape_node {
    uint32_t edges;   /* the one taken last comes first; 0: none */
    uint32_t leave;   /* behind the object's closing brace; 0: not yet */
    uint32_t members; /* behind a run of rare keys; 0: not yet */
    uint32_t parent;
    uint32_t shape; /* in this block, if block is its number */
    uint32_t block;
    uint16_t column; /* of the step that led here; BINARY_NONE: opened or closed an object */
    uint16_t object; /* the one open here, or BINARY_NONE */
    uint32_t items;  /* columns from the root */
    bool first;      /* nothing stands in the object yet */
};

/* One value of a record, on its way to a column. */
struct shape_value {
    uint16_t column;
    uint8_t class;
    bool coded; /* of text: code is that in the column's dictionary, as long as there is one */
    uint32_t length;
    union {
        int64_t i;
        struct {
            const char *s;
            uint32_t code;
        };
        size_t offset;     /* of MEMBERS, into the tree's text */
        uint8_t bytes[16]; /* of HEX */
    };
};

struct shape_tree {
    enum tcore_record_type type;
    const struct tcore_fields *fields;
    struct tcore_map keys; /* parent column (2 bytes) and name: numbers of paths */
    struct shape_path *path;
    uint32_t path_capacity;
    struct binary_column *column; /* column[0] is the SHAPE */
    uint32_t columns, named;      /* in use, and of these (or unused) with a key */
    uint16_t *unused;             /* columns of keys that became rare, for others; owned */
    uint32_t unused_count;
    uint32_t blocks; /* finished; those of the tree's steps are stamped with it */
    bool settled;    /* a whole block was seen: a new key is rare until it proves otherwise */
    uint32_t items;  /* of all shapes of this block */
    uint32_t shapes; /* of this block */
    uint32_t *shape; /* the nodes where they end; owned */
    uint32_t shape_capacity;
    struct shape_node *node; /* node[0] is the root */
    uint32_t nodes, node_capacity;
    struct shape_edge *edge; /* edge[0] is none */
    uint32_t edges, edge_capacity;
    struct tcore_arena literals; /* of the edges */
    struct shape_value *value;   /* of the record at hand */
    uint32_t values, value_capacity;
    struct tcore_buf text; /* MEMBERS of the record at hand */
    uint32_t turns;        /* how often a key's values began to be kept in one more class */
    struct {
        const struct shape_value *value; /* borrowed */
        uint32_t values, rows;
    } run; /* what the last rows share, still to be appended; see binary_lay.h */
    /* Of a predicted record: */
    struct tcore_json json;   /* of a value in it that must be parsed */
    struct tcore_buf made;    /* such a value made canonical, to compare */
    struct tcore_buf decoded; /* strings that had escapes; never moved while values point there */
};

/* 0, or -1: no memory or no randomness. */
int tcore_shape_init(struct shape_tree *tree, enum tcore_record_type type);
void tcore_shape_free(struct shape_tree *tree);
/* Whether there is no room for another record of unknown shape: forget first. */
bool tcore_shape_is_full(const struct shape_tree *tree);
/* After a block: decides which keys are rare, forgets the steps if that changed or there is no more
 * room, and empties the columns. rows: of the block. False: out of memory. */
bool tcore_shape_next_block(struct shape_tree *tree, uint32_t rows);

/*
 * Takes the record in the tape (canonical, so that node texts are what is kept) apart into
 * tree->value and gives the node where it ends; learns what is new. False: out of memory.
 */
bool tcore_shape_walk(struct shape_tree *tree, const struct tcore_json *json, uint32_t *node);
/*
 * The same from text that follows "type" (or the opening brace) if it takes a known way and is
 * canonical in every byte. False: perhaps it is not; nothing is changed.
 */
bool tcore_shape_predict(struct shape_tree *tree, const char *text, const char *end,
                         uint32_t *node);
/*
 * The step of a member on the way, v NULL if it opens an object; its value goes to tree->value.
 * False: it gets no column, now at least, or there is no memory. Keys of one object must differ.
 */
bool tcore_shape_step(struct shape_tree *tree, uint32_t *node, const struct tcore_value *key,
                      const struct tcore_value *v);
/* Behind the closing brace of the object that is open. False: out of memory. */
bool tcore_shape_leave(struct shape_tree *tree, uint32_t *node);
/* Appends tree->value and the shape that ends at node to the columns. False: out of memory. */
bool tcore_shape_commit(struct shape_tree *tree, uint32_t node);
/* That shape alone, behind all values of the row. */
bool tcore_shape_end_row(struct shape_tree *tree, uint32_t node);

bool tcore_shape_grow_values(struct shape_tree *tree);

/* Room for one more value in tree->value. False: out of memory. */
static inline bool tcore_shape_has_room(struct shape_tree *tree)
{
    return tree->values < tree->value_capacity || tcore_shape_grow_values(tree);
}

/* Makes a node's edge its first: what came last comes next, most of the time. before: the edge in
 * front of it, 0: it is the first. */
static inline void tcore_shape_prefer(struct shape_tree *tree, uint32_t node, uint32_t edge,
                                      uint32_t before)
{
    if (!before)
        return;
    tree->edge[before].next = tree->edge[edge].next;
    tree->edge[edge].next = tree->node[node].edges;
    tree->node[node].edges = edge;
}

#pragma GCC visibility pop

#endif
