/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two ways of an expression: as a program over columns where it is of the native part, else as
 * text to libjq. Whatever the native parser does not know is shown to libjq before it is called an
 * error, so that all of jq can be written.
 */
#include "query/expr.h"

#include "base/sys.h"
#include "query/expr_lex.h"
#include "query/expr_program.h"
#include "query/jq.h"

#include <stdatomic.h>
#include <string.h>

struct tcore_expr {
    struct tcore_arena arena;
    const char *text;
    /* Native */
    struct tcore_expr_op *op; /* NULL: libjq */
    uint32_t op_count;
    struct tcore_pattern_cache *patterns;
    struct tcore_expr_scratch constants;
    /* libjq */
    struct tcore_jq_options jq;
    _Atomic(struct tcore_jq *) spare; /* the one that compiled it, for the first state */
};

struct tcore_expr_state {
    const struct tcore_expr *expr;
    struct tcore_expr_machine *machine;
    struct tcore_jq *jq;
    struct tcore_slice *texts;
    uint8_t *verdicts;
    size_t capacity;
    char reason[TCORE_ERROR_TEXT_BYTES]; /* of the first row that failed, "" if none did */
};

/* --- Compiling */

static enum tcore_status compile_native(struct tcore_expr *e, struct tcore_projection *projection,
                                        bool *misplaced, struct tcore_error *err)
{
    struct tcore_syntax *tree;
    enum tcore_status status =
        tcore_expr_parse(e->text, strlen(e->text), &e->arena, &tree, misplaced, err);
    if (status != TCORE_OK)
        return status;
    struct tcore_expr_builder builder = {
        .arena = &e->arena, .patterns = &e->patterns, .projection = projection, .err = err};
    struct tcore_expr_op *op;
    status = tcore_expr_build(&builder, tree, &op);
    e->constants = builder.scratch; /* what was computed while building lives in it */
    if (status == TCORE_OK) {
        e->op = op;
        e->op_count = builder.count;
    }
    return status;
}

/* native: what the native parser had to say. */
static enum tcore_status compile_jq(struct tcore_expr *e, const struct tcore_error *native,
                                    bool misplaced, struct tcore_error *err)
{
    struct tcore_error mine;
    struct tcore_jq *jq;
    enum tcore_status status = tcore_jq_open(&jq, e->text, &e->jq, &mine);
    if (status == TCORE_OK) {
        atomic_store(&e->spare, jq);
        return TCORE_OK;
    }
    if (misplaced && (status == TCORE_FATAL || mine.byte <= native->byte)) {
        mine = *native;
        mine.status = status = TCORE_BAD_INPUT;
    }
    if (err)
        *err = mine;
    return status;
}

static enum tcore_status compile(struct tcore_expr *e, struct tcore_projection *projection,
                                 struct tcore_error *err)
{
    struct tcore_error native;
    bool misplaced = false;
    enum tcore_status status = tcore_lex_check(e->text, strlen(e->text), err);
    if (status != TCORE_OK)
        return status;
    status = compile_native(e, projection, &misplaced, &native);
    if (status != TCORE_SKIP) {
        if (status != TCORE_OK && err)
            *err = native;
        return status;
    }
    status = compile_jq(e, &native, misplaced, err);
    if (status == TCORE_OK)
        projection->text = true;
    return status;
}

enum tcore_status tcore_expr_compile(struct tcore_expr **expr, const char *text,
                                     const struct tcore_expr_options *options,
                                     struct tcore_projection *projection, struct tcore_error *err)
{
    *expr = NULL;
    struct tcore_expr *e = tcore_calloc(1, sizeof *e);
    if (!e)
        return tcore_error_nomem(err);
    atomic_init(&e->spare, NULL);
    e->text = tcore_arena_copy(&e->arena, text, strlen(text));
    enum tcore_status status = e->text ? TCORE_OK : tcore_error_nomem(err);
    if (options && status == TCORE_OK) {
        e->jq.watchdog_ns = options->watchdog_ns;
        if (options->helper) {
            e->jq.helper = tcore_arena_copy(&e->arena, options->helper, strlen(options->helper));
            if (!e->jq.helper)
                status = tcore_error_nomem(err);
        }
    }
    if (status == TCORE_OK)
        status = compile(e, projection, err);
    if (status == TCORE_OK)
        *expr = e;
    else
        tcore_expr_free(e);
    return status;
}

void tcore_expr_free(struct tcore_expr *e)
{
    if (!e)
        return;
    tcore_jq_close(atomic_load(&e->spare));
    tcore_pattern_cache_free(e->patterns);
    tcore_expr_scratch_free(&e->constants);
    tcore_arena_free(&e->arena);
    tcore_free(e);
}

bool tcore_expr_is_native(const struct tcore_expr *e)
{
    return e->op != NULL;
}

bool tcore_expr_rounds_times(const struct tcore_expr *e)
{
    static const char suffix[] = "UnixNano";
    struct tcore_lexer lexer = {.text = e->text, .length = strlen(e->text)};
    struct tcore_token token = {.kind = TCORE_TOKEN_NUMBER};
    while (!e->op && token.kind != TCORE_TOKEN_END) {
        if (tcore_lex(&lexer, &token, NULL) != TCORE_OK)
            break;
        bool names = token.kind == TCORE_TOKEN_FIELD || token.kind == TCORE_TOKEN_NAME ||
                     token.kind == TCORE_TOKEN_STRING;
        if (names && memmem(e->text + token.start, token.length, suffix, sizeof suffix - 1))
            return true;
    }
    return false;
}

/* --- Evaluating */

enum tcore_status tcore_expr_state_new(struct tcore_expr_state **state, const struct tcore_expr *e,
                                       struct tcore_error *err)
{
    *state = NULL;
    struct tcore_expr_state *s = tcore_calloc(1, sizeof *s);
    if (!s)
        return tcore_error_nomem(err);
    enum tcore_status status = TCORE_OK;
    s->expr = e;
    if (e->op) {
        s->machine = tcore_expr_machine_new(e->op_count);
        if (!s->machine)
            status = tcore_error_nomem(err);
    } else {
        /* Taking the spare is the one thing about an expression that changes. */
        s->jq = atomic_exchange((_Atomic(struct tcore_jq *) *)&e->spare, NULL);
        if (!s->jq)
            status = tcore_jq_open(&s->jq, e->text, &e->jq, err);
    }
    if (status == TCORE_OK)
        *state = s;
    else
        tcore_expr_state_free(s);
    return status;
}

void tcore_expr_state_free(struct tcore_expr_state *s)
{
    if (!s)
        return;
    tcore_expr_machine_free(s->machine);
    tcore_jq_close(s->jq);
    tcore_free(s->texts);
    tcore_free(s->verdicts);
    tcore_free(s);
}

const char *tcore_expr_state_reason(const struct tcore_expr_state *s)
{
    return *s->reason ? s->reason : NULL;
}

static enum tcore_status select_native(struct tcore_expr_state *s, const struct tcore_batch *batch,
                                       uint32_t *rows, size_t *count, uint64_t *failed,
                                       struct tcore_error *err)
{
    struct tcore_value fault;
    enum tcore_status status =
        tcore_expr_machine_select(s->machine, s->expr->op, batch, rows, count, failed, &fault, err);
    if (status == TCORE_OK && fault.kind && !*s->reason)
        tcore_expr_error_text(&fault, s->reason, sizeof s->reason);
    return status;
}

static bool grow(struct tcore_expr_state *s, size_t count)
{
    if (s->capacity >= count)
        return true;
    tcore_free(s->texts);
    tcore_free(s->verdicts);
    s->texts = tcore_reallocarray(NULL, count, sizeof *s->texts);
    s->verdicts = tcore_malloc(count);
    s->capacity = s->texts && s->verdicts ? count : 0;
    return s->capacity > 0;
}

static enum tcore_status select_jq(struct tcore_expr_state *s, const struct tcore_batch *batch,
                                   uint32_t *rows, size_t *count, uint64_t *failed,
                                   struct tcore_error *err)
{
    if (!grow(s, *count))
        return tcore_error_nomem(err);
    for (size_t k = 0; k < *count; k++)
        s->texts[k] = batch->text[rows[k]];
    enum tcore_status status = tcore_jq_select(s->jq, s->texts, *count, s->verdicts, err);
    if (status != TCORE_OK)
        return status;
    size_t kept = 0;
    for (size_t k = 0; k < *count; k++) {
        *failed += s->verdicts[k] == TCORE_JQ_FAILED;
        if (s->verdicts[k] == TCORE_JQ_IS_TRUE)
            rows[kept++] = rows[k];
    }
    *count = kept;
    if (!*s->reason)
        memcpy(s->reason, tcore_jq_reason(s->jq), strlen(tcore_jq_reason(s->jq)) + 1);
    return TCORE_OK;
}

enum tcore_status tcore_expr_select(struct tcore_expr_state *s, const struct tcore_batch *batch,
                                    uint32_t *rows, size_t *count, uint64_t *failed,
                                    struct tcore_error *err)
{
    if (!*count)
        return TCORE_OK;
    return s->machine ? select_native(s, batch, rows, count, failed, err)
                      : select_jq(s, batch, rows, count, failed, err);
}

enum tcore_status tcore_expr_may_select(struct tcore_expr_state *s,
                                        const struct tcore_known_field *known, size_t count,
                                        bool *may, struct tcore_error *err)
{
    *may = true;
    return s->machine ? tcore_expr_machine_may(s->machine, s->expr->op, known, count, may, err)
                      : TCORE_OK;
}
