/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How many rows a second expressions take, by the form of the columns. The rows are made here:
 * 20 services, durations up to 400 ms.
 *     expr_bench [ROWS-OF-A-BATCH]
 */
#include "query/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const expressions[] = {
    ".service==\"cart\" and .durationNano > 100*ms",
    ".durationNano > 100*ms and .service==\"cart\"",
    ".durationNano > 100*ms",
    ".service==\"cart\"",
    ".service|IN(\"cart\",\"shop\",\"pay\")",
    ".service|test(\"^ca\")",
    ".service|startswith(\"ca\")",
    ".durationNano / 1000 > 100000",
    "(.durationNano // 0) > 100*ms or .service == null",
};

struct rows {
    struct tcore_value *service, *duration, dictionary[20];
    uint32_t *codes, *all, *chosen;
    int64_t *ints;
    size_t count;
};

/* Of this process, so that a busy machine disturbs less. */
static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *room(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);
    if (!memory)
        exit(1);
    return memory;
}

static void make_rows(struct rows *r, size_t count)
{
    static char names[20][16];
    uint64_t state = 88172645463325252;
    char *text = room(count, 16);
    r->count = count;
    r->service = room(count, sizeof *r->service);
    r->duration = room(count, sizeof *r->duration);
    r->codes = room(count, sizeof *r->codes);
    r->all = room(count, sizeof *r->all);
    r->chosen = room(count, sizeof *r->chosen);
    r->ints = room(count, sizeof *r->ints);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], i == 7 ? "cart" : "svc%u", i);
        r->dictionary[i] = tcore_value_string(names[i], strlen(names[i]));
    }
    for (size_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        r->codes[i] = (uint32_t)(state >> 20) % 20;
        r->ints[i] = (int64_t)(state % 400000000);
        r->duration[i] = tcore_value_int(r->ints[i]);
        memcpy(text + i * 16, names[r->codes[i]], 16); /* each row its own text, as in a chunk */
        r->service[i] = tcore_value_string(text + i * 16, r->dictionary[r->codes[i]].len);
        r->all[i] = (uint32_t)i;
    }
}

static void set_columns(struct tcore_column *columns, const struct tcore_projection *p,
                        const struct rows *r, bool fast)
{
    for (size_t c = 0; c < p->count; c++) {
        bool service = strcmp(p->columns[c].paths[0].keys[0].name, "service") == 0;
        columns[c] = (struct tcore_column){.form = TCORE_COLUMN_VALUES,
                                           .values = service ? r->service : r->duration};
        if (fast && service)
            columns[c] = (struct tcore_column){.form = TCORE_COLUMN_DICT,
                                               .values = r->dictionary,
                                               .value_count = 20,
                                               .codes = r->codes};
        else if (fast)
            columns[c] = (struct tcore_column){.form = TCORE_COLUMN_INT64, .ints = r->ints};
    }
}

/* Million rows a second of processor time, the best of five; *kept of one batch. */
static double measure(const struct tcore_expr *expr, const struct tcore_projection *p,
                      const struct rows *r, bool fast, size_t *kept)
{
    struct tcore_column columns[4];
    struct tcore_batch batch = {.rows = r->count, .columns = columns, .column_count = p->count};
    struct tcore_expr_state *state;
    struct tcore_error err;
    double best = 0;
    uint64_t failed = 0;
    set_columns(columns, p, r, fast);
    if (tcore_expr_state_new(&state, expr, &err) != TCORE_OK)
        exit(1);
    for (int n = 0; n < 5; n++) {
        size_t done = 0;
        int64_t begin = cpu_ns(), took = 0;
        for (; took < 50000000; took = cpu_ns() - begin) {
            memcpy(r->chosen, r->all, r->count * sizeof *r->all);
            *kept = r->count;
            if (tcore_expr_select(state, &batch, r->chosen, kept, &failed, &err) != TCORE_OK)
                exit(1);
            done += r->count;
        }
        double rate = (double)done * 1e3 / (double)took;
        best = rate > best ? rate : best;
    }
    tcore_expr_state_free(state);
    return best;
}

int main(int argc, char **argv)
{
    struct rows r;
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    if (!count || count > 100000000)
        return 2;
    make_rows(&r, count);
    printf("million rows a second, batches of %zu\n%12s %8s %8s\n", count, "DICT/INT64", "VALUES",
           "kept");
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        struct tcore_projection projection = {0};
        struct tcore_error err;
        struct tcore_expr *expr;
        size_t kept, again;
        if (tcore_expr_compile(&expr, expressions[i], NULL, &projection, &err) != TCORE_OK) {
            fprintf(stderr, "%s: %s\n", expressions[i], err.text);
            return 1;
        }
        double fast = measure(expr, &projection, &r, true, &kept);
        double values = measure(expr, &projection, &r, false, &again);
        printf("%12.0f %8.0f %7.1f%%  %s\n", fast, values, 100 * (double)kept / (double)count,
               expressions[i]);
        if (kept != again)
            return 1;
        tcore_expr_free(expr);
        tcore_projection_free(&projection);
    }
    return 0;
}
