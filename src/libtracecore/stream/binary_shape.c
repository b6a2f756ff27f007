/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning the keys of records, and taking a parsed record apart along them. */
#include "base/sys.h"
#include "stream/binary_codec.h"
#include "stream/binary_lay.h"

#define COLUMN_CAP    1000u                /* of one block; the format allows more */
#define COLUMN_ROOM   (2 * COLUMN_CAP + 2) /* a MEMBERS column for each object, and the top level */
#define PATH_CAP      16384u               /* keys that are known by name, rare ones included */
#define NODE_CAP      60000u               /* steps; one record adds a few thousand at most */
#define ITEM_CAP      262144u              /* columns in all shapes of a block */
#define SETTLED_ROWS  1024u                /* rows of a block that is worth learning from */
#define RARE_FRACTION 1024u                /* a key is rare in fewer rows than one in so many */
#define NO_CLASS      CLASS_SHAPE

static bool grow(void **array, uint32_t *capacity, uint32_t first, size_t each)
{
    uint32_t more = *capacity ? *capacity * 2 : first;
    void *grown = tcore_reallocarray(*array, more, each);
    if (!grown)
        return false;
    *array = grown;
    *capacity = more;
    return true;
}

static bool forget_steps(struct shape_tree *tree);

int tcore_shape_init(struct shape_tree *tree, enum tcore_record_type type)
{
    *tree = (struct shape_tree){.type = type, .fields = tcore_record_fields(type), .blocks = 1};
    tree->column = tcore_reallocarray(NULL, COLUMN_ROOM, sizeof *tree->column);
    tree->unused = tcore_reallocarray(NULL, COLUMN_CAP, sizeof *tree->unused);
    if (tree->column) {
        tcore_binary_column_init(&tree->column[0], CLASS_SHAPE, BINARY_NONE, "", 0);
        tree->columns = 1;
    }
    if (!tree->column || !tree->unused || tcore_map_init(&tree->keys) < 0 || !forget_steps(tree)) {
        tcore_shape_free(tree);
        return -1;
    }
    return 0;
}

void tcore_shape_free(struct shape_tree *tree)
{
    for (uint32_t i = 0; i < tree->columns; i++)
        tcore_binary_column_free(&tree->column[i]);
    tcore_free(tree->column);
    tcore_free(tree->unused);
    tcore_free(tree->path);
    tcore_free(tree->node);
    tcore_free(tree->edge);
    tcore_free(tree->shape);
    tcore_free(tree->value);
    tcore_map_free(&tree->keys);
    tcore_arena_free(&tree->literals);
    tcore_buf_free(&tree->text);
    tcore_buf_free(&tree->made);
    tcore_buf_free(&tree->decoded);
    tcore_json_free(&tree->json);
    *tree = (struct shape_tree){0};
}

bool tcore_shape_is_full(const struct shape_tree *tree)
{
    return tree->nodes >= NODE_CAP || tree->items >= ITEM_CAP;
}

bool tcore_shape_grow_values(struct shape_tree *tree)
{
    return grow((void **)&tree->value, &tree->value_capacity, 64, sizeof *tree->value);
}

/* A new node behind another; 0: out of memory. */
static uint32_t add_node(struct shape_tree *tree, uint32_t parent, uint16_t column, uint16_t object,
                         bool first)
{
    if (tree->nodes == tree->node_capacity &&
        !grow((void **)&tree->node, &tree->node_capacity, 64, sizeof *tree->node))
        return 0;
    uint32_t items = tree->nodes ? tree->node[parent].items + (column != BINARY_NONE) : 0;
    tree->node[tree->nodes] = (struct shape_node){
        .parent = parent, .column = column, .object = object, .first = first, .items = items};
    return tree->nodes++;
}

static bool forget_steps(struct shape_tree *tree)
{
    tree->nodes = 0;
    tree->edges = 1;
    tcore_arena_reset(&tree->literals);
    add_node(tree, 0, BINARY_NONE, BINARY_NONE, !binary_type_is_implied(tree->type));
    if (!tree->edge && !grow((void **)&tree->edge, &tree->edge_capacity, 64, sizeof *tree->edge))
        return false;
    return tree->nodes == 1;
}

/* The ids of spans are each another: not worth the trial of a dictionary. */
static bool is_unique(const struct shape_tree *tree, const struct binary_column *column)
{
    static const char name[] = "spanId";
    return tree->type == TCORE_RECORD_SPAN && column->class == CLASS_HEX &&
           column->parent == BINARY_NONE && column->name_length == sizeof name - 1 &&
           !memcmp(column->name, name, sizeof name - 1);
}

/* A column of that class for the key, or BINARY_NONE if there are enough. */
static uint16_t add_column(struct shape_tree *tree, unsigned class, uint16_t parent,
                           const char *name, uint32_t name_length)
{
    uint16_t number;
    if (tree->unused_count) {
        number = tree->unused[--tree->unused_count];
    } else {
        if (tree->named == COLUMN_CAP)
            return BINARY_NONE;
        tree->named++;
        number = (uint16_t)tree->columns++;
    }
    tcore_binary_column_init(&tree->column[number], class, parent, name, name_length);
    if (is_unique(tree, &tree->column[number]))
        tree->column[number].dictionary = false;
    return number;
}

static const struct tcore_field *field_of(const struct shape_tree *tree, uint16_t parent,
                                          const char *name, uint32_t length)
{
    const struct tcore_fields *fields = tree->fields;
    if (parent != BINARY_NONE) {
        const struct binary_column *object = &tree->column[parent];
        const struct tcore_field *field =
            tcore_fields_find(fields, object->name, object->name_length);
        fields = field ? field->fields : NULL;
    }
    return fields ? tcore_fields_find(fields, name, length) : NULL;
}

/* The number of a key's path, learning it if it is new. TCORE_MAP_NONE: a key that gets no column,
 * now at least; *failed: out of memory. */
static uint32_t path_of(struct shape_tree *tree, uint16_t parent, const char *name, uint32_t length,
                        bool *failed)
{
    char key[2 + BINARY_NAME_LIMIT];
    if (length > BINARY_NAME_LIMIT)
        return TCORE_MAP_NONE;
    memcpy(key, &parent, 2);
    memcpy(key + 2, name, length);
    uint32_t number = tcore_map_find(&tree->keys, key, 2 + (size_t)length);
    if (number != TCORE_MAP_NONE || tree->keys.count >= PATH_CAP)
        return number;
    if (tree->keys.count == tree->path_capacity &&
        !grow((void **)&tree->path, &tree->path_capacity, 64, sizeof *tree->path)) {
        *failed = true;
        return TCORE_MAP_NONE;
    }
    number = tcore_map_intern(&tree->keys, key, 2 + (size_t)length, NULL);
    if (number == TCORE_MAP_NONE) {
        *failed = true;
        return number;
    }
    struct shape_path *path = &tree->path[number];
    *path = (struct shape_path){.string_class = NO_CLASS,
                                .number_class = NO_CLASS,
                                .rare = tree->settled,
                                .field = field_of(tree, parent, name, length)};
    memset(path->column, 0xff, sizeof path->column);
    return number;
}

/* Strings that are worth more as numbers: ids, and times (elsewhere: of ten digits or more). */
static unsigned string_class(const struct tcore_field *field, const struct tcore_value *v,
                             struct shape_value *value)
{
    uint32_t least = field && field->field_class == TCORE_FIELD_TIME ? 1 : 10;
    if (v->len == 32 || v->len == 16) {
        if (tcore_binary_hex_decode(value->bytes, v->s, v->len / 2)) {
            value->length = v->len / 2;
            return CLASS_HEX;
        }
    }
    if (v->len >= least && tcore_binary_is_decimal(v->s, v->len, &value->i))
        return CLASS_DECIMAL;
    value->length = v->len;
    value->s = v->s;
    return CLASS_STRING;
}

/* The first string of a key decides how its strings are kept; one that does not fit in makes all
 * that follow plain. */
static unsigned classify_string(struct shape_path *path, const struct tcore_value *v,
                                struct shape_value *value)
{
    if (path->string_class != CLASS_STRING) {
        unsigned class = string_class(path->field, v, value);
        if (path->string_class == NO_CLASS || class != path->string_class)
            path->string_class = path->string_class == NO_CLASS ? (uint8_t) class : CLASS_STRING;
        if (class == path->string_class)
            return class;
    }
    value->length = v->len;
    value->s = v->s;
    return CLASS_STRING;
}

static unsigned classify_number(struct shape_path *path, const struct tcore_value *v,
                                struct shape_value *value)
{
    double d;
    if (path->number_class != CLASS_NUMBER) {
        bool fits = tcore_binary_is_double(v->s, v->len, &d);
        path->number_class = fits ? CLASS_DOUBLE : CLASS_NUMBER;
        if (fits) {
            memcpy(&value->i, &d, sizeof d);
            return CLASS_DOUBLE;
        }
    }
    value->length = v->len;
    value->s = v->s;
    return CLASS_NUMBER;
}

/* The class of a value, and the value itself. */
static unsigned classify(struct shape_path *path, const struct tcore_value *v,
                         struct shape_value *value)
{
    switch ((enum tcore_kind)v->kind) {
    case TCORE_STRING:
        return classify_string(path, v, value);
    case TCORE_INT:
        value->i = v->i;
        return CLASS_INT;
    case TCORE_NUMBER:
        return classify_number(path, v, value);
    case TCORE_JSON:
        value->s = v->s;
        value->length = v->len;
        return CLASS_JSON;
    case TCORE_TRUE:
    case TCORE_FALSE:
    case TCORE_NULL:
    case TCORE_ABSENT:
    case TCORE_DOUBLE:
        break;
    }
    value->i = v->kind == TCORE_TRUE ? 2 : v->kind == TCORE_FALSE ? 1 : 0;
    return CLASS_LITERAL;
}

/* The rules of tcore_record_canonical(), for one value. */
static unsigned check_of(const struct tcore_field *field, unsigned class)
{
    if (!field)
        return CHECK_NONE;
    unsigned filled = class == CLASS_LITERAL || class == CLASS_JSON ? CHECK_FILLED : CHECK_NONE;
    switch ((enum tcore_field_class)field->field_class) {
    case TCORE_FIELD_TIME:
        return class == CLASS_DECIMAL ? CHECK_NONE : CHECK_ALWAYS;
    case TCORE_FIELD_TRACE_ID:
        return class == CLASS_HEX ? CHECK_TRACE_ID : CHECK_ALWAYS;
    case TCORE_FIELD_SPAN_ID:
        return class == CLASS_HEX ? CHECK_SPAN_ID : CHECK_ALWAYS;
    case TCORE_FIELD_OBJECT:
    case TCORE_FIELD_LIST:
        return class == CLASS_JSON ? CHECK_FIELDS : filled;
    case TCORE_FIELD_STRING:
    case TCORE_FIELD_NUMBER:
    case TCORE_FIELD_BOOL:
    case TCORE_FIELD_ANY:
    case TCORE_FIELD_MAP:
        return filled;
    }
    return CHECK_ALWAYS;
}

/* ,"key": and for an object its brace; in the arena. NULL: out of memory. */
static const char *make_literal(struct shape_tree *tree, bool first, const char *key,
                                uint32_t length, unsigned class, uint32_t *literal_length)
{
    struct tcore_buf text = {0};
    if (!first)
        tcore_buf_putc(&text, ',');
    tcore_json_write_string(&text, key, length);
    tcore_buf_puts(&text, class == CLASS_OBJECT ? ":{" : ":");
    char *copy = text.failed ? NULL : tcore_arena_copy(&tree->literals, text.data, text.length);
    *literal_length = (uint32_t)text.length;
    tcore_buf_free(&text);
    return copy;
}

/* A new step from a node. False: out of memory. */
static bool add_edge(struct shape_tree *tree, uint32_t node, uint32_t path, unsigned class,
                     uint16_t column)
{
    if (tree->edges == tree->edge_capacity &&
        !grow((void **)&tree->edge, &tree->edge_capacity, 64, sizeof *tree->edge))
        return false;
    const struct binary_column *c = &tree->column[column];
    bool opens = class == CLASS_OBJECT;
    uint32_t target = add_node(tree, node, opens ? BINARY_NONE : column,
                               opens ? column : tree->node[node].object, opens);
    struct shape_edge edge = {.key = c->name,
                              .key_length = c->name_length,
                              .path = path,
                              .node = target,
                              .next = tree->node[node].edges,
                              .column = column,
                              .class = (uint8_t) class,
                              .check = (uint8_t)check_of(tree->path[path].field, class)};
    edge.literal = make_literal(tree, tree->node[node].first, c->name, c->name_length, class,
                                &edge.literal_length);
    if (!target || !edge.literal)
        return false;
    tree->edge[tree->edges] = edge;
    tree->node[node].edges = tree->edges++;
    return true;
}

/* The edge of that path and class, or 0. */
static uint32_t find_edge(struct shape_tree *tree, uint32_t node, uint32_t path, unsigned class)
{
    uint32_t before = 0;
    for (uint32_t e = tree->node[node].edges; e; before = e, e = tree->edge[e].next) {
        if (tree->edge[e].path == path && tree->edge[e].class == class) {
            tcore_shape_prefer(tree, node, e, before);
            return e;
        }
    }
    return 0;
}

static struct shape_value *push_value(struct shape_tree *tree)
{
    return tcore_shape_has_room(tree) ? &tree->value[tree->values++] : NULL;
}

static bool is_number(unsigned class)
{
    return class == CLASS_NUMBER || class == CLASS_DOUBLE;
}

static bool is_string(unsigned class)
{
    return class == CLASS_STRING || class == CLASS_HEX || class == CLASS_DECIMAL;
}

/* Marks the columns that a value of the path may go to, once there are several. */
static void note_column(struct shape_tree *tree, const struct shape_path *path, unsigned class)
{
    bool (*is_like)(unsigned class) = is_string(class) ? is_string : is_number;
    unsigned like = 0;
    for (unsigned c = 0; c <= CLASS_MEMBERS; c++)
        like += is_like(c) && path->column[c] != BINARY_NONE;
    if (like < 2)
        return;
    tree->turns++;
    for (unsigned c = 0; c <= CLASS_MEMBERS; c++)
        if (is_like(c) && path->column[c] != BINARY_NONE)
            tree->column[path->column[c]].mixed = true;
}

/* Takes the step of a path and class from node, making it if it is new. False: out of memory.
 * *column is BINARY_NONE if there is none for it. */
static bool step(struct shape_tree *tree, uint32_t *node, uint32_t path, unsigned class,
                 uint16_t *column)
{
    uint16_t object = tree->node[*node].object;
    *column = tree->path[path].column[class];
    if (*column == BINARY_NONE) {
        const struct tcore_map_key *key = &tree->keys.keys[path];
        *column = add_column(tree, class, object, key->data + 2, key->length - 2);
        if (*column == BINARY_NONE)
            return true;
        tree->path[path].column[class] = *column;
        note_column(tree, &tree->path[path], class);
    }
    uint32_t edge = find_edge(tree, *node, path, class);
    if (!edge) {
        if (!add_edge(tree, *node, path, class, *column))
            return false;
        edge = tree->node[*node].edges;
    }
    *node = tree->edge[edge].node;
    return true;
}

/* The MEMBERS column of the object that is open; there is always room for it. */
static uint16_t members_column(struct shape_tree *tree, uint16_t object)
{
    uint32_t owner = object == BINARY_NONE ? 0 : object;
    if (tree->column[owner].members == BINARY_NONE) {
        uint16_t number = (uint16_t)tree->columns++;
        tcore_binary_column_init(&tree->column[number], CLASS_MEMBERS, object, "", 0);
        tree->column[owner].members = number;
    }
    return tree->column[owner].members;
}

/* Adds the member whose key is node k of the tape to a run of rare keys. False: out of memory. */
static bool add_member(struct shape_tree *tree, const struct tcore_json *json, uint32_t k,
                       uint32_t *node)
{
    uint16_t column = members_column(tree, tree->node[*node].object);
    struct tcore_buf *text = &tree->text;
    if (tree->node[*node].column == column) {
        text->data[text->length - 1] = ','; /* the brace of the member before */
    } else {
        uint32_t target = tree->node[*node].members;
        if (!target) {
            target = add_node(tree, *node, column, tree->node[*node].object, false);
            if (!target)
                return false;
            tree->node[*node].members = target;
        }
        *node = target;
        struct shape_value *value = push_value(tree);
        if (!value)
            return false;
        *value = (struct shape_value){.column = column, .class = CLASS_MEMBERS};
        value->offset = text->length;
        tcore_buf_putc(text, '{');
    }
    tcore_json_write_string(text, json->node[k].value.s, json->node[k].value.len);
    tcore_buf_putc(text, ':');
    tcore_json_write_tree(text, json, k + 1);
    tcore_buf_putc(text, '}');
    struct shape_value *value = &tree->value[tree->values - 1];
    value->length = (uint32_t)(text->length - value->offset);
    return !text->failed;
}

/* The step of a member with a column of its own: see tcore_shape_step(). *rare: it has none, and
 * counts among those that are rare. */
static bool step_of(struct shape_tree *tree, uint32_t *node, const struct tcore_value *key,
                    const struct tcore_value *v, bool *rare)
{
    uint16_t column = BINARY_NONE;
    struct shape_value value = {0};
    bool failed = false;
    uint32_t path = path_of(tree, tree->node[*node].object, key->s, key->len, &failed);
    *rare = true;
    if (failed)
        return false;
    if (path == TCORE_MAP_NONE)
        return true;
    if (tree->path[path].rare) {
        tree->path[path].seen++;
        return true;
    }
    value.class = (uint8_t)(v ? classify(&tree->path[path], v, &value) : CLASS_OBJECT);
    if (!step(tree, node, path, value.class, &column))
        return false;
    tree->path[path].rare = *rare = column == BINARY_NONE;
    if (*rare || !v)
        return true;
    struct shape_value *place = push_value(tree);
    if (!place)
        return false;
    value.column = column;
    *place = value;
    return true;
}

bool tcore_shape_step(struct shape_tree *tree, uint32_t *node, const struct tcore_value *key,
                      const struct tcore_value *v)
{
    bool rare;
    return step_of(tree, node, key, v, &rare) && !rare;
}

/* Takes the member whose key is node k of the tape; *inside is set if it opened an object that is
 * to be walked next. False: out of memory. */
static bool walk_member(struct shape_tree *tree, const struct tcore_json *json, uint32_t k,
                        uint32_t *node, bool *inside)
{
    const struct tcore_json_node *v = &json->node[k + 1];
    bool opens = tree->node[*node].object == BINARY_NONE && tcore_json_is_object(v) && v->count;
    bool rare;
    *inside = false;
    if (!step_of(tree, node, &json->node[k].value, opens ? NULL : &v->value, &rare))
        return false;
    if (rare)
        return add_member(tree, json, k, node);
    *inside = opens;
    return true;
}

/* Behind the closing brace of the object that is open. False: out of memory. */
bool tcore_shape_leave(struct shape_tree *tree, uint32_t *node)
{
    uint32_t target = tree->node[*node].leave;
    if (!target) {
        target = add_node(tree, *node, BINARY_NONE, BINARY_NONE, false);
        if (!target)
            return false;
        tree->node[*node].leave = target;
    }
    *node = target;
    return true;
}

bool tcore_shape_walk(struct shape_tree *tree, const struct tcore_json *json, uint32_t *node)
{
    uint32_t at = 0, end = json->node[0].next;
    tree->values = 0;
    tcore_buf_clear(&tree->text);
    uint32_t k = binary_type_is_implied(tree->type) ? json->node[2].next : 1;
    while (k < end) {
        bool inside;
        if (!walk_member(tree, json, k, &at, &inside))
            return false;
        if (inside) {
            uint32_t inner_end = json->node[k + 1].next;
            for (k += 2; k < inner_end; k = json->node[k + 1].next)
                if (!walk_member(tree, json, k, &at, &inside))
                    return false;
            if (!tcore_shape_leave(tree, &at))
                return false;
        } else {
            k = json->node[k + 1].next;
        }
    }
    *node = at;
    return true;
}

bool tcore_shape_end_row(struct shape_tree *tree, uint32_t node)
{
    struct shape_node *n = &tree->node[node];
    if (n->block != tree->blocks) {
        if (tree->shapes == tree->shape_capacity &&
            !grow((void **)&tree->shape, &tree->shape_capacity, 16, sizeof *tree->shape))
            return false;
        n->block = tree->blocks;
        n->shape = tree->shapes;
        tree->shape[tree->shapes++] = node;
        tree->items += n->items;
    }
    return binary_column_add_int(&tree->column[0], n->shape);
}

bool tcore_shape_commit(struct shape_tree *tree, uint32_t node)
{
    if (!tcore_shape_settle(tree))
        return false;
    for (uint32_t i = 0; i < tree->values; i++)
        if (!binary_lay_value(tree, &tree->value[i]))
            return false;
    return tcore_shape_end_row(tree, node);
}

/* Values that a path's columns hold in this block. */
static uint32_t path_values(const struct shape_tree *tree, const struct shape_path *path)
{
    uint32_t values = 0;
    for (unsigned class = 0; class <= CLASS_MEMBERS; class ++)
        if (path->column[class] != BINARY_NONE)
            values += tree->column[path->column[class]].values;
    return values;
}

static void release_columns(struct shape_tree *tree, struct shape_path *path)
{
    for (unsigned class = 0; class <= CLASS_MEMBERS; class ++) {
        uint16_t number = path->column[class];
        if (number == BINARY_NONE)
            continue;
        tcore_binary_column_free(&tree->column[number]);
        tree->unused[tree->unused_count++] = number;
        path->column[class] = BINARY_NONE;
    }
}

/* Decides anew which keys are rare; whether that changed anything. */
static bool judge_paths(struct shape_tree *tree, uint32_t rows)
{
    bool changed = false, demote = rows >= SETTLED_ROWS || tree->named == COLUMN_CAP;
    for (uint32_t i = 0; i < tree->keys.count; i++) {
        struct shape_path *path = &tree->path[i];
        if (path->rare) {
            /* Twice as common as what is made rare, so that nothing swings. */
            path->rare = path->seen < rows / (RARE_FRACTION / 2) + 1;
            changed |= !path->rare;
        } else if (demote && path->column[CLASS_OBJECT] == BINARY_NONE &&
                   path_values(tree, path) < rows / RARE_FRACTION + 1) {
            release_columns(tree, path);
            path->rare = changed = true;
        }
        path->seen = 0;
    }
    tree->settled |= rows >= SETTLED_ROWS;
    return changed;
}

/* Forgets the names of rare keys. False: out of memory. */
static bool purge_paths(struct shape_tree *tree)
{
    struct tcore_map kept;
    if (tcore_map_init(&kept) < 0)
        return false;
    for (uint32_t i = 0; i < tree->keys.count; i++) {
        if (tree->path[i].rare)
            continue;
        const struct tcore_map_key *key = &tree->keys.keys[i];
        uint32_t number = tcore_map_intern(&kept, key->data, key->length, NULL);
        if (number == TCORE_MAP_NONE) {
            tcore_map_free(&kept);
            return false;
        }
        tree->path[number] = tree->path[i];
    }
    for (uint32_t i = 0; i < kept.count; i++)
        for (unsigned class = 0; class <= CLASS_MEMBERS; class ++)
            if (tree->path[i].column[class] != BINARY_NONE)
                tree->column[tree->path[i].column[class]].name = kept.keys[i].data + 2;
    tcore_map_free(&tree->keys);
    tree->keys = kept;
    return true;
}

bool tcore_shape_next_block(struct shape_tree *tree, uint32_t rows)
{
    bool full = tcore_shape_is_full(tree), crowded = tree->keys.count > PATH_CAP / 4 * 3;
    if (!tcore_shape_settle(tree))
        return false;
    bool changed = judge_paths(tree, rows);
    for (uint32_t i = 0; i < tree->columns; i++)
        tcore_binary_column_reset(&tree->column[i]);
    tree->blocks++;
    tree->shapes = tree->items = 0;
    if (crowded && !purge_paths(tree))
        return false;
    return !(changed || full || crowded) || forget_steps(tree);
}
