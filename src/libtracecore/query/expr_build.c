/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making the operations of a program: paths, constants, and what is known about each. */
#include "query/expr_program.h"

#include "model/record.h"

#include <string.h>

void tcore_expr_beyond(struct tcore_expr_builder *b, size_t at, const char *what)
{
    if (b->status != TCORE_OK)
        return;
    b->status = tcore_error_set(b->err, TCORE_SKIP, "%s", what);
    if (b->err)
        b->err->byte = at + 1;
}

static void *allocate(struct tcore_expr_builder *b, size_t bytes)
{
    if (b->status != TCORE_OK)
        return NULL;
    void *memory = tcore_arena_alloc(b->arena, bytes);
    if (memory)
        memset(memory, 0, bytes);
    else
        b->status = tcore_error_nomem(b->err);
    return memory;
}

/* --- What the schema says of a path */

/* The class of a field of the record, if it is the same in all types that have it, else
 * TCORE_FIELD_ANY. *fields gets its own fields, of the first type that has it. */
static enum tcore_field_class record_field(const struct tcore_path_key *key,
                                           const struct tcore_fields **fields)
{
    enum tcore_field_class class = TCORE_FIELD_ANY;
    bool known = false;
    *fields = NULL;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        const struct tcore_field *f = tcore_fields_find(
            tcore_record_fields((enum tcore_record_type)type), key->name, key->length);
        if (!f)
            continue;
        if (known && f->field_class != class)
            return TCORE_FIELD_ANY;
        known = true;
        class = (enum tcore_field_class)f->field_class;
        if (!*fields)
            *fields = f->fields;
    }
    return class;
}

static enum tcore_field_class path_class(const struct tcore_path_key *keys, size_t count,
                                         const struct tcore_fields **fields)
{
    enum tcore_field_class class = record_field(&keys[0], fields);
    for (size_t i = 1; i < count; i++) {
        const struct tcore_field *f = NULL;
        if (class == TCORE_FIELD_OBJECT && *fields)
            f = tcore_fields_find(*fields, keys[i].name, keys[i].length);
        *fields = f ? f->fields : NULL;
        class = f ? (enum tcore_field_class)f->field_class : TCORE_FIELD_ANY;
    }
    return class;
}

static bool is_object_path(const struct tcore_path_key *keys, size_t count)
{
    const struct tcore_fields *fields;
    enum tcore_field_class class = path_class(keys, count, &fields);
    return class == TCORE_FIELD_MAP || class == TCORE_FIELD_OBJECT;
}

bool tcore_expr_op_is_object(const struct tcore_expr_op *op)
{
    return !op || (op->kind == TCORE_OP_PATH && is_object_path(op->keys, op->key_count));
}

/* --- Operations */

static struct tcore_expr_op *new_op(struct tcore_expr_builder *b, enum tcore_expr_op_kind kind,
                                    size_t at)
{
    struct tcore_expr_op *op = allocate(b, sizeof *op);
    if (op) {
        op->kind = kind;
        op->at = (uint32_t)at;
        op->number = b->count++;
        op->weight = 1;
        op->only_column = TCORE_EXPR_NO_COLUMN;
    }
    return op;
}

struct tcore_expr_op *tcore_expr_op_constant(struct tcore_expr_builder *b, size_t at,
                                             const struct tcore_value *value)
{
    struct tcore_expr_op *op = new_op(b, TCORE_OP_CONST, at);
    if (op)
        op->value = tcore_expr_normalise(value);
    return op;
}

/* The value of an operation on constants; false where it is left for later. */
static bool compute(struct tcore_expr_builder *b, enum tcore_expr_op_kind kind, size_t at,
                    struct tcore_expr_op *const *child, struct tcore_value *value)
{
    struct tcore_expr_scratch *scratch = &b->scratch;
    const struct tcore_value *x = &child[0]->value;
    scratch->at = (uint32_t)at;
    switch (kind) {
    case TCORE_OP_ADD:
        *value = tcore_expr_add(scratch, x, &child[1]->value);
        break;
    case TCORE_OP_SUBTRACT:
        *value = tcore_expr_subtract(scratch, x, &child[1]->value);
        break;
    case TCORE_OP_MULTIPLY:
        *value = tcore_expr_multiply(scratch, x, &child[1]->value);
        break;
    case TCORE_OP_DIVIDE:
        *value = tcore_expr_divide(scratch, x, &child[1]->value);
        break;
    case TCORE_OP_REMAINDER:
        *value = tcore_expr_remainder(scratch, x, &child[1]->value);
        break;
    case TCORE_OP_NEGATE:
        *value = tcore_expr_negate(scratch, x);
        break;
    default:
        return false;
    }
    return value->kind != TCORE_EXPR_ERROR;
}

static bool may_fail(enum tcore_expr_op_kind kind)
{
    switch (kind) {
    case TCORE_OP_CONST:
    case TCORE_OP_AND:
    case TCORE_OP_OR:
    case TCORE_OP_NOT:
    case TCORE_OP_EQ:
    case TCORE_OP_NE:
    case TCORE_OP_LT:
    case TCORE_OP_LE:
    case TCORE_OP_GT:
    case TCORE_OP_GE:
    case TCORE_OP_AMONG:
    case TCORE_OP_PRESENT:
    case TCORE_OP_ALTERNATIVE:
    case TCORE_OP_THEN:
    case TCORE_OP_PATH: /* depends on its prefixes, see tcore_expr_op_field() */
        return false;
    default:
        return true;
    }
}

struct tcore_expr_op *tcore_expr_op_new(struct tcore_expr_builder *b, enum tcore_expr_op_kind kind,
                                        size_t at, size_t child_count,
                                        struct tcore_expr_op *const *children)
{
    bool constant = true;
    for (size_t i = 0; i < child_count; i++) {
        if (!children[i])
            return NULL;
        constant = constant && children[i]->kind == TCORE_OP_CONST;
    }
    struct tcore_value value;
    if (constant && child_count && compute(b, kind, at, children, &value))
        return tcore_expr_op_constant(b, at, &value);
    struct tcore_expr_op *op = new_op(b, kind, at);
    if (!op)
        return NULL;
    op->children = allocate(b, (child_count + 1) * sizeof(struct tcore_expr_op *));
    if (!op->children)
        return NULL;
    op->fallible = may_fail(kind);
    op->child_count = child_count;
    for (size_t i = 0; i < child_count; i++) {
        op->children[i] = children[i];
        op->fallible = op->fallible || children[i]->fallible;
        if (__builtin_add_overflow(op->weight, children[i]->weight, &op->weight))
            op->weight = UINT32_MAX;
    }
    return op;
}

/* The prefixes of a path that must be looked at: those not known to be objects. */
static void set_prefixes(struct tcore_expr_builder *b, struct tcore_expr_op *path)
{
    struct tcore_expr_prefix *prefixes = allocate(b, path->key_count * sizeof *prefixes);
    if (!prefixes)
        return;
    for (size_t count = 1; count < path->key_count; count++) {
        if (is_object_path(path->keys, count))
            continue;
        prefixes[path->prefix_count++] =
            (struct tcore_expr_prefix){.column = count, .optional = path->optional[count]};
    }
    path->prefixes = prefixes;
    path->fallible = path->prefix_count > 0;
}

static struct tcore_expr_op *extend_path(struct tcore_expr_builder *b,
                                         const struct tcore_expr_op *base, size_t at,
                                         const struct tcore_value *key, bool optional)
{
    size_t count = base ? base->key_count : 0;
    struct tcore_expr_op *op = new_op(b, TCORE_OP_PATH, at);
    struct tcore_path_key *keys = allocate(b, (count + 1) * sizeof *keys);
    bool *flags = allocate(b, count + 1);
    if (!op || !keys || !flags)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        keys[i] = base->keys[i];
        flags[i] = base->optional[i];
    }
    keys[count] = (struct tcore_path_key){key->s, key->len};
    flags[count] = optional;
    op->keys = keys;
    op->optional = flags;
    op->key_count = count + 1;
    set_prefixes(b, op);
    return op;
}

struct tcore_expr_op *tcore_expr_op_field(struct tcore_expr_builder *b, struct tcore_expr_op *input,
                                          size_t at, const struct tcore_value *key, bool optional)
{
    if (b->status != TCORE_OK)
        return NULL;
    if (!input || input->kind == TCORE_OP_PATH)
        return extend_path(b, input, at, key, optional);
    struct tcore_expr_op *op = tcore_expr_op_new(b, TCORE_OP_INDEX, at, 1, &input);
    if (!op)
        return NULL;
    op->value = *key;
    if (!optional)
        return op;
    op = tcore_expr_op_new(b, TCORE_OP_TRY, at, 1, &op);
    struct tcore_expr_op *both[2] = {input, op};
    return input->fallible ? tcore_expr_op_new(b, TCORE_OP_THEN, at, 2, both) : op;
}

/* --- What is known about operations */

static bool extends_path(const struct tcore_expr_op *op, const struct tcore_expr_op *base)
{
    if (op->kind != TCORE_OP_PATH || base->kind != TCORE_OP_PATH || op->key_count < base->key_count)
        return false;
    for (size_t i = 0; i < base->key_count; i++)
        if (op->keys[i].length != base->keys[i].length || op->optional[i] != base->optional[i] ||
            memcmp(op->keys[i].name, base->keys[i].name, base->keys[i].length) != 0)
            return false;
    return true;
}

bool tcore_expr_op_strict(const struct tcore_expr_op *op, const struct tcore_expr_op *input)
{
    if (op == input || extends_path(op, input))
        return true;
    if (op->kind == TCORE_OP_TRY || op->kind == TCORE_OP_CONST)
        return false;
    bool first_only =
        op->kind == TCORE_OP_AND || op->kind == TCORE_OP_OR || op->kind == TCORE_OP_ALTERNATIVE;
    for (size_t i = 0; i < (first_only ? 1 : op->child_count); i++)
        if (tcore_expr_op_strict(op->children[i], input))
            return true;
    return false;
}

static void link_path(struct tcore_expr_builder *b, struct tcore_expr_op *path)
{
    struct tcore_expr_prefix *prefixes = allocate(b, (path->prefix_count + 1) * sizeof *prefixes);
    if (!prefixes)
        return;
    b->status = tcore_projection_add_path(b->projection, path->keys, path->key_count, &path->column,
                                          b->err);
    for (size_t i = 0; i < path->prefix_count && b->status == TCORE_OK; i++) {
        prefixes[i] = path->prefixes[i]; /* its column is the number of keys up to here */
        b->status = tcore_projection_add_path(b->projection, path->keys, prefixes[i].column,
                                              &prefixes[i].column, b->err);
    }
    path->prefixes = prefixes;
    path->only_column = path->prefix_count ? TCORE_EXPR_MANY_COLUMNS : path->column;
}

enum tcore_status tcore_expr_op_link(struct tcore_expr_builder *b, struct tcore_expr_op *op)
{
    if (op->only_column != TCORE_EXPR_NO_COLUMN) /* shared, and done */
        return b->status;
    if (op->kind == TCORE_OP_PATH || op->kind == TCORE_OP_PRESENT)
        link_path(b, op);
    for (size_t i = 0; i < op->child_count && b->status == TCORE_OK; i++) {
        tcore_expr_op_link(b, op->children[i]);
        size_t column = op->children[i]->only_column;
        if (op->only_column == TCORE_EXPR_NO_COLUMN)
            op->only_column = column;
        else if (column != TCORE_EXPR_NO_COLUMN && column != op->only_column)
            op->only_column = TCORE_EXPR_MANY_COLUMNS;
    }
    return b->status;
}
