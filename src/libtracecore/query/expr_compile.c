/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From syntax to operations. jq's "." is the input of each part; a pipe makes the left side the
 * input of the right one, so that here every function call gets its input as an operation.
 */
#include "query/expr_program.h"

#include <math.h>
#include <string.h>

#define WEIGHT_LIMIT 100000 /* a pipe repeats its left side at every . of its right one */

static struct tcore_expr_op *compile(struct tcore_expr_builder *b, const struct tcore_syntax *s,
                                     struct tcore_expr_op *input);

static bool is_constant_string(const struct tcore_expr_op *op)
{
    return op->kind == TCORE_OP_CONST && op->value.kind == TCORE_STRING;
}

/* op, unless its input fails first (jq evaluates the left side of a pipe first). */
static struct tcore_expr_op *after_input(struct tcore_expr_builder *b, struct tcore_expr_op *input,
                                         struct tcore_expr_op *op)
{
    if (!op || !input->fallible || tcore_expr_op_strict(op, input))
        return op;
    struct tcore_expr_op *both[2] = {input, op};
    return tcore_expr_op_new(b, TCORE_OP_THEN, op->at, 2, both);
}

/* The same for a function with an argument: jq evaluates the input before the argument. */
static struct tcore_expr_op *input_first(struct tcore_expr_builder *b, struct tcore_expr_op *input,
                                         const struct tcore_expr_op *argument,
                                         struct tcore_expr_op *op)
{
    if (!op || !input || !input->fallible)
        return op;
    if (!argument->fallible)
        return after_input(b, input, op);
    struct tcore_expr_op *both[2] = {input, op};
    return tcore_expr_op_new(b, TCORE_OP_THEN, op->at, 2, both);
}

/* --- Constant lists, arrays and objects */

/* Compiles the elements a, b, c of a comma list; each must be constant. They are appended to list
 * as values. */
static void constant_list(struct tcore_expr_builder *b, const struct tcore_syntax *s,
                          struct tcore_expr_op *input, struct tcore_buf *list)
{
    for (; s->kind == TCORE_SYNTAX_COMMA && b->status == TCORE_OK; s = s->children[0]) {
        struct tcore_expr_op *last = compile(b, s->children[1], input);
        if (last && last->kind != TCORE_OP_CONST)
            tcore_expr_beyond(b, s->at, "a list of computed values");
        if (last)
            tcore_buf_append(list, &last->value, sizeof last->value);
    }
    struct tcore_expr_op *first = compile(b, s, input);
    if (first && first->kind != TCORE_OP_CONST)
        tcore_expr_beyond(b, s->at, "a list of computed values");
    if (first)
        tcore_buf_append(list, &first->value, sizeof first->value);
    if (list->failed && b->status == TCORE_OK)
        b->status = tcore_error_nomem(b->err);
}

/* What buf holds as a constant of that kind. Frees buf. */
static struct tcore_expr_op *constant_text(struct tcore_expr_builder *b, size_t at,
                                           enum tcore_kind kind, struct tcore_buf *buf)
{
    struct tcore_value value = {.kind = kind, .len = (uint32_t)buf->length};
    value.s = buf->failed ? NULL : tcore_arena_copy(b->arena, buf->data, buf->length);
    tcore_buf_free(buf);
    if (!value.s && b->status == TCORE_OK)
        b->status = tcore_error_nomem(b->err);
    return b->status == TCORE_OK ? tcore_expr_op_constant(b, at, &value) : NULL;
}

static void write_constant(struct tcore_expr_builder *b, size_t at, struct tcore_buf *out,
                           const struct tcore_value *v)
{
    if (v->kind == TCORE_DOUBLE && !isfinite(v->d))
        tcore_expr_beyond(b, at, "a number without a JSON form");
    tcore_json_write_value(out, v);
}

static struct tcore_expr_op *compile_array(struct tcore_expr_builder *b,
                                           const struct tcore_syntax *s,
                                           struct tcore_expr_op *input)
{
    struct tcore_buf list = {0}, text = {0};
    if (s->child_count)
        constant_list(b, s->children[0], input, &list);
    tcore_buf_putc(&text, '[');
    for (size_t n = list.length / sizeof(struct tcore_value); n--;) { /* the last came first */
        struct tcore_value v;
        memcpy(&v, list.data + n * sizeof v, sizeof v);
        write_constant(b, s->at, &text, &v);
        if (n)
            tcore_buf_putc(&text, ',');
    }
    tcore_buf_putc(&text, ']');
    tcore_buf_free(&list);
    return constant_text(b, s->at, TCORE_JSON, &text);
}

static struct tcore_expr_op *compile_object(struct tcore_expr_builder *b,
                                            const struct tcore_syntax *s,
                                            struct tcore_expr_op *input)
{
    struct tcore_buf text = {0};
    tcore_buf_putc(&text, '{');
    for (size_t i = 0; i < s->child_count; i += 2) {
        const struct tcore_value *key = &s->children[i]->value;
        struct tcore_expr_op *value = compile(b, s->children[i + 1], input);
        if (!value || value->kind != TCORE_OP_CONST) {
            tcore_expr_beyond(b, s->at, "an object of computed values");
            break;
        }
        if (i)
            tcore_buf_putc(&text, ',');
        tcore_json_write_string(&text, key->s, key->len);
        tcore_buf_putc(&text, ':');
        write_constant(b, s->at, &text, &value->value);
    }
    tcore_buf_putc(&text, '}');
    return constant_text(b, s->at, TCORE_JSON, &text);
}

/* --- Functions */

struct call {
    const struct tcore_syntax *syntax;
    struct tcore_expr_op *input; /* NULL: the record */
    const struct tcore_syntax *const *args;
};

static struct tcore_expr_op *constant_int(struct tcore_expr_builder *b, const struct call *c,
                                          int64_t i)
{
    struct tcore_value value = tcore_value_int(i);
    return tcore_expr_op_constant(b, c->syntax->at, &value);
}

static struct tcore_expr_op *call_not(struct tcore_expr_builder *b, const struct call *c)
{
    struct tcore_expr_op *input = c->input;
    struct tcore_value no = tcore_value_bool(false);
    return input ? tcore_expr_op_new(b, TCORE_OP_NOT, c->syntax->at, 1, &input)
                 : tcore_expr_op_constant(b, c->syntax->at, &no);
}

static bool needs_input(struct tcore_expr_builder *b, const struct call *c)
{
    if (!c->input)
        tcore_expr_beyond(b, c->syntax->at, "a function of the whole record");
    return c->input != NULL;
}

static struct tcore_expr_op *call_length(struct tcore_expr_builder *b, const struct call *c)
{
    struct tcore_expr_op *input = c->input;
    return needs_input(b, c) ? tcore_expr_op_new(b, TCORE_OP_LENGTH, c->syntax->at, 1, &input)
                             : NULL;
}

/* container | has(key), container NULL: the record. */
static struct tcore_expr_op *make_has(struct tcore_expr_builder *b, const struct call *c,
                                      struct tcore_expr_op *container, struct tcore_expr_op *key)
{
    if (!key || b->status != TCORE_OK)
        return NULL;
    if (is_constant_string(key) && tcore_expr_op_is_object(container)) {
        struct tcore_expr_op *op =
            tcore_expr_op_field(b, container, c->syntax->at, &key->value, false);
        if (op)
            op->kind = TCORE_OP_PRESENT;
        return op;
    }
    if (!container) {
        tcore_expr_beyond(b, c->syntax->at, "a function of the whole record");
        return NULL;
    }
    struct tcore_expr_op *both[2] = {container, key};
    return tcore_expr_op_new(b, TCORE_OP_HAS, c->syntax->at, 2, both);
}

static struct tcore_expr_op *call_has(struct tcore_expr_builder *b, const struct call *c)
{
    struct tcore_expr_op *key = compile(b, c->args[0], c->input);
    return input_first(b, c->input, key, make_has(b, c, c->input, key));
}

/* Sorts the values as jq does; insertion sort by halves, sets are written by hand. */
static void sort_set(struct tcore_expr_builder *b, struct tcore_value *set, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct tcore_value v = set[i];
        size_t low = 0, high = i;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (tcore_expr_compare(&b->scratch, &set[middle], &v) <= 0)
                low = middle + 1;
            else
                high = middle;
        }
        memmove(set + low + 1, set + low, (i - low) * sizeof *set);
        set[low] = v;
    }
}

static struct tcore_expr_op *make_set(struct tcore_expr_builder *b, enum tcore_expr_op_kind kind,
                                      size_t at, struct tcore_expr_op *input,
                                      struct tcore_buf *values)
{
    struct tcore_expr_op *op = tcore_expr_op_new(b, kind, at, 1, &input);
    size_t count = values->length / sizeof(struct tcore_value);
    struct tcore_value *set = NULL;
    if (op && b->status == TCORE_OK) {
        set = tcore_arena_alloc(b->arena, (count + 1) * sizeof *set);
        if (!set)
            b->status = tcore_error_nomem(b->err);
    }
    if (set) {
        if (count)
            memcpy(set, values->data, count * sizeof *set);
        sort_set(b, set, count);
        op->set = set;
        op->set_count = count;
    }
    tcore_buf_free(values);
    return set && b->status == TCORE_OK ? op : NULL;
}

/* IN(a, b, c), or with the value as first argument: IN(.x; a, b, c). */
static struct tcore_expr_op *call_among(struct tcore_expr_builder *b, const struct call *c)
{
    bool two = c->syntax->child_count == 2;
    struct tcore_expr_op *value = c->input;
    struct tcore_buf list = {0};
    if (two)
        value = compile(b, c->args[0], c->input);
    else if (!needs_input(b, c))
        return NULL;
    constant_list(b, c->args[two], c->input, &list);
    if (!value || b->status != TCORE_OK) {
        tcore_buf_free(&list);
        return NULL;
    }
    struct tcore_expr_op *op = make_set(b, TCORE_OP_AMONG, c->syntax->at, value, &list);
    return two && c->input && op ? after_input(b, c->input, op) : op;
}

/* key | in({"a": ..., "b": ...}) */
static struct tcore_expr_op *in_constant_object(struct tcore_expr_builder *b, const struct call *c,
                                                const struct tcore_value *object)
{
    struct tcore_json json = {0};
    struct tcore_buf keys = {0};
    b->status = tcore_json_parse(&json, object->s, object->len, b->err);
    for (uint32_t k = 1; b->status == TCORE_OK && k < json.count; k = json.node[k + 1].next) {
        struct tcore_value key = json.node[k].value;
        key.s = tcore_arena_copy(b->arena, key.s, key.len);
        if (!key.s)
            b->status = tcore_error_nomem(b->err);
        tcore_buf_append(&keys, &key, sizeof key);
    }
    tcore_json_free(&json);
    if (keys.failed && b->status == TCORE_OK)
        b->status = tcore_error_nomem(b->err);
    return make_set(b, TCORE_OP_KEY, c->syntax->at, c->input, &keys);
}

static struct tcore_expr_op *call_in(struct tcore_expr_builder *b, const struct call *c)
{
    if (!needs_input(b, c))
        return NULL;
    const struct tcore_syntax *arg = c->args[0];
    struct tcore_expr_op *object = compile(b, arg, c->input);
    if (!object)
        return NULL;
    if (object->kind == TCORE_OP_CONST && tcore_expr_type(&object->value) == TCORE_EXPR_OBJECT)
        return in_constant_object(b, c, &object->value);
    return input_first(b, c->input, object, make_has(b, c, object, c->input));
}

static struct tcore_expr_op *call_pair(struct tcore_expr_builder *b, const struct call *c,
                                       enum tcore_expr_op_kind kind, bool turned)
{
    if (!needs_input(b, c))
        return NULL;
    struct tcore_expr_op *arg = compile(b, c->args[0], c->input);
    struct tcore_expr_op *both[2] = {turned ? arg : c->input, turned ? c->input : arg};
    return input_first(b, c->input, arg, tcore_expr_op_new(b, kind, c->syntax->at, 2, both));
}

static struct tcore_expr_op *call_startswith(struct tcore_expr_builder *b, const struct call *c)
{
    return call_pair(b, c, TCORE_OP_STARTSWITH, false);
}

static struct tcore_expr_op *call_endswith(struct tcore_expr_builder *b, const struct call *c)
{
    return call_pair(b, c, TCORE_OP_ENDSWITH, false);
}

static struct tcore_expr_op *call_contains(struct tcore_expr_builder *b, const struct call *c)
{
    return call_pair(b, c, TCORE_OP_CONTAINS, false);
}

static struct tcore_expr_op *call_inside(struct tcore_expr_builder *b, const struct call *c)
{
    return call_pair(b, c, TCORE_OP_CONTAINS, true);
}

/* Shifts the place of an error in a literal to the text; escapes may put it a little off. */
static void shift_error(struct tcore_expr_builder *b, size_t at)
{
    if (b->status == TCORE_BAD_INPUT && b->err)
        b->err->byte += at + 1;
}

/* test("re"), test("re"; "flags") */
static struct tcore_expr_op *call_test(struct tcore_expr_builder *b, const struct call *c)
{
    unsigned flags = 0;
    if (!needs_input(b, c))
        return NULL;
    struct tcore_expr_op *pattern = compile(b, c->args[0], c->input);
    struct tcore_expr_op *mode =
        c->syntax->child_count == 2 ? compile(b, c->args[1], c->input) : NULL;
    if (b->status != TCORE_OK)
        return NULL;
    if (!is_constant_string(pattern) ||
        (mode && !is_constant_string(mode) &&
         (mode->kind != TCORE_OP_CONST || mode->value.kind != TCORE_NULL))) {
        tcore_expr_beyond(b, c->syntax->at, "a pattern that is no literal");
        return NULL;
    }
    if (mode && mode->value.kind == TCORE_STRING) {
        b->status = tcore_text_flags_parse(mode->value.s, mode->value.len, &flags, b->err);
        shift_error(b, mode->at);
    }
    if (b->status == TCORE_OK && !*b->patterns)
        b->status = tcore_pattern_cache_new(b->patterns, b->err);
    struct tcore_expr_op *input = c->input;
    struct tcore_expr_op *op = tcore_expr_op_new(b, TCORE_OP_TEST, c->syntax->at, 1, &input);
    if (b->status == TCORE_OK) {
        b->status = tcore_pattern_cache_get(*b->patterns, &op->pattern, pattern->value.s,
                                            pattern->value.len, flags, b->err);
        shift_error(b, pattern->at);
    }
    return b->status == TCORE_OK ? op : NULL;
}

static struct tcore_expr_op *call_literal(struct tcore_expr_builder *b, const struct call *c)
{
    struct tcore_value value = {.kind = TCORE_NULL};
    if (c->syntax->name[0] != 'n')
        value = tcore_value_bool(c->syntax->name[0] == 't');
    return tcore_expr_op_constant(b, c->syntax->at, &value);
}

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60 * INT64_C(1000000000)},
    {"h", 3600 * INT64_C(1000000000)},
    {"d", 86400 * INT64_C(1000000000)},
};

static struct tcore_expr_op *call_unit(struct tcore_expr_builder *b, const struct call *c)
{
    size_t i = 0;
    while (strlen(units[i].name) != c->syntax->name_length ||
           memcmp(units[i].name, c->syntax->name, c->syntax->name_length) != 0)
        i++;
    return constant_int(b, c, units[i].ns);
}

static const struct function {
    const char *name;
    size_t arguments;
    struct tcore_expr_op *(*make)(struct tcore_expr_builder *b, const struct call *c);
} functions[] = {
    {"not", 0, call_not},
    {"length", 0, call_length},
    {"has", 1, call_has},
    {"in", 1, call_in},
    {"IN", 1, call_among},
    {"IN", 2, call_among},
    {"contains", 1, call_contains},
    {"inside", 1, call_inside},
    {"startswith", 1, call_startswith},
    {"endswith", 1, call_endswith},
    {"test", 1, call_test},
    {"test", 2, call_test},
    {"true", 0, call_literal},
    {"false", 0, call_literal},
    {"null", 0, call_literal},
    {"ns", 0, call_unit},
    {"us", 0, call_unit},
    {"ms", 0, call_unit},
    {"s", 0, call_unit},
    {"m", 0, call_unit},
    {"h", 0, call_unit},
    {"d", 0, call_unit},
};

static struct tcore_expr_op *compile_call(struct tcore_expr_builder *b,
                                          const struct tcore_syntax *s, struct tcore_expr_op *input)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const struct function *f = &functions[i];
        if (f->arguments != s->child_count || strlen(f->name) != s->name_length ||
            memcmp(f->name, s->name, s->name_length) != 0)
            continue;
        struct call c = {s, input, (const struct tcore_syntax *const *)s->children};
        return f->make(b, &c);
    }
    tcore_expr_beyond(b, s->at, "a function that is not compiled natively");
    return NULL;
}

/* --- Operators */

static struct tcore_expr_op *compile_pipe(struct tcore_expr_builder *b,
                                          const struct tcore_syntax *s, struct tcore_expr_op *input)
{
    if (s->children[0]->kind == TCORE_SYNTAX_IDENTITY)
        return compile(b, s->children[1], input);
    struct tcore_expr_op *left = compile(b, s->children[0], input);
    if (!left)
        return NULL;
    struct tcore_expr_op *right = after_input(b, left, compile(b, s->children[1], left));
    if (right && right->weight > WEIGHT_LIMIT)
        tcore_expr_beyond(b, s->at, "a pipe that repeats its input too often");
    return b->status == TCORE_OK ? right : NULL;
}

static struct tcore_expr_op *compile_field(struct tcore_expr_builder *b,
                                           const struct tcore_syntax *s,
                                           struct tcore_expr_op *input)
{
    const struct tcore_syntax *of = s->children[0];
    struct tcore_value key = tcore_value_string(s->name, s->name_length);
    if (of->kind != TCORE_SYNTAX_IDENTITY)
        input = compile(b, of, input);
    return tcore_expr_op_field(b, input, s->at, &key, s->optional);
}

/* a or b or c is parsed as a tree to the left; here it is one operation. */
static struct tcore_expr_op *compile_logic(struct tcore_expr_builder *b,
                                           const struct tcore_syntax *s,
                                           struct tcore_expr_op *input)
{
    enum tcore_syntax_kind kind = s->kind;
    size_t count = 1;
    for (const struct tcore_syntax *left = s; left->kind == kind; left = left->children[0])
        count++;
    struct tcore_expr_op **children = tcore_arena_alloc(b->arena, count * sizeof *children);
    if (!children) {
        b->status = tcore_error_nomem(b->err);
        return NULL;
    }
    const struct tcore_syntax *left = s;
    for (size_t i = count; --i; left = left->children[0])
        children[i] = compile(b, left->children[1], input);
    children[0] = compile(b, left, input);
    return tcore_expr_op_new(b, kind == TCORE_SYNTAX_AND ? TCORE_OP_AND : TCORE_OP_OR, s->at, count,
                             children);
}

static enum tcore_expr_op_kind mirrored(enum tcore_expr_op_kind kind)
{
    switch (kind) {
    case TCORE_OP_LT:
        return TCORE_OP_GT;
    case TCORE_OP_LE:
        return TCORE_OP_GE;
    case TCORE_OP_GT:
        return TCORE_OP_LT;
    case TCORE_OP_GE:
        return TCORE_OP_LE;
    default:
        return kind;
    }
}

static struct tcore_expr_op *compile_comparison(struct tcore_expr_builder *b,
                                                const struct tcore_syntax *s,
                                                struct tcore_expr_op *input)
{
    enum tcore_expr_op_kind kind =
        (enum tcore_expr_op_kind)(TCORE_OP_EQ + (int)(s->kind - TCORE_SYNTAX_EQ));
    struct tcore_expr_op *left = compile(b, s->children[0], input);
    struct tcore_expr_op *right = compile(b, s->children[1], input);
    if (!left || !right)
        return NULL;
    bool turn = left->kind == TCORE_OP_CONST && right->kind != TCORE_OP_CONST &&
                !(left->value.kind == TCORE_DOUBLE && isnan(left->value.d));
    struct tcore_expr_op *both[2] = {turn ? right : left, turn ? left : right};
    return tcore_expr_op_new(b, turn ? mirrored(kind) : kind, s->at, 2, both);
}

static struct tcore_expr_op *compile_arithmetic(struct tcore_expr_builder *b,
                                                const struct tcore_syntax *s,
                                                struct tcore_expr_op *input)
{
    enum tcore_expr_op_kind kind =
        (enum tcore_expr_op_kind)(TCORE_OP_ADD + (int)(s->kind - TCORE_SYNTAX_ADD));
    struct tcore_expr_op *both[2] = {compile(b, s->children[0], input), NULL};
    if (s->kind != TCORE_SYNTAX_NEGATE)
        both[1] = compile(b, s->children[1], input);
    if (b->status != TCORE_OK)
        return NULL;
    if ((kind == TCORE_OP_DIVIDE || kind == TCORE_OP_REMAINDER) &&
        both[1]->kind == TCORE_OP_CONST && tcore_value_double(&both[1]->value) == 0)
        tcore_expr_beyond(b, s->at, "a division by the constant zero");
    return tcore_expr_op_new(b, kind, s->at, s->kind == TCORE_SYNTAX_NEGATE ? 1 : 2, both);
}

static struct tcore_expr_op *compile_two(struct tcore_expr_builder *b, const struct tcore_syntax *s,
                                         enum tcore_expr_op_kind kind, struct tcore_expr_op *input)
{
    struct tcore_expr_op *children[2] = {NULL, NULL};
    for (size_t i = 0; i < s->child_count; i++)
        children[i] = compile(b, s->children[i], input);
    return tcore_expr_op_new(b, kind, s->at, s->child_count, children);
}

static struct tcore_expr_op *compile(struct tcore_expr_builder *b, const struct tcore_syntax *s,
                                     struct tcore_expr_op *input)
{
    if (b->status != TCORE_OK)
        return NULL;
    switch (s->kind) {
    case TCORE_SYNTAX_IDENTITY:
        if (!input)
            tcore_expr_beyond(b, s->at, "the whole record");
        return input;
    case TCORE_SYNTAX_FIELD:
        return compile_field(b, s, input);
    case TCORE_SYNTAX_LITERAL:
        return tcore_expr_op_constant(b, s->at, &s->value);
    case TCORE_SYNTAX_CALL:
        return compile_call(b, s, input);
    case TCORE_SYNTAX_ARRAY:
        return compile_array(b, s, input);
    case TCORE_SYNTAX_OBJECT:
        return compile_object(b, s, input);
    case TCORE_SYNTAX_PIPE:
        return compile_pipe(b, s, input);
    case TCORE_SYNTAX_COMMA:
        tcore_expr_beyond(b, s->at, "several results");
        return NULL;
    case TCORE_SYNTAX_ALTERNATIVE:
        return compile_two(b, s, TCORE_OP_ALTERNATIVE, input);
    case TCORE_SYNTAX_TRY:
        return compile_two(b, s, TCORE_OP_TRY, input);
    case TCORE_SYNTAX_OR:
    case TCORE_SYNTAX_AND:
        return compile_logic(b, s, input);
    default:
        return s->kind <= TCORE_SYNTAX_GE ? compile_comparison(b, s, input)
                                          : compile_arithmetic(b, s, input);
    }
}

enum tcore_status tcore_expr_build(struct tcore_expr_builder *b, const struct tcore_syntax *tree,
                                   struct tcore_expr_op **op)
{
    *op = compile(b, tree, NULL);
    if (b->status == TCORE_OK && b->scratch.failed)
        b->status = tcore_error_nomem(b->err);
    return b->status == TCORE_OK ? tcore_expr_op_link(b, *op) : b->status;
}
