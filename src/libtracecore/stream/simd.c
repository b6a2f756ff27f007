/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One table of the record parsers; the best that the CPU has, unless a test asked for another. */
#include "stream/simd.h"

#include "stream/input.h"

#include <string.h>

struct variant {
    const char *name;
    ndjson_parse_function *parse;
    ndjson_window_function *window; /* NULL: it is not worth it */
    ndjson_rows_function *rows;     /* of a window */
};

static const struct variant variants[] = {
#if defined __x86_64__
    {"avx512", tcore_ndjson_parse_avx512, tcore_ndjson_window_avx512, tcore_ndjson_rows_avx512},
    {"avx2", tcore_ndjson_parse_avx2, tcore_ndjson_window_avx2, tcore_ndjson_rows_avx2},
#endif
    {"portable", tcore_ndjson_parse_portable, NULL, NULL},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

/* Set before any thread starts; NULL: not chosen. */
static const struct variant *chosen;

static bool has(const char *name)
{
#if defined __x86_64__
    if (!strcmp(name, "avx512"))
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2");
    if (!strcmp(name, "avx2"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#endif
    return !strcmp(name, "portable");
}

static const struct variant *best(void)
{
    if (chosen)
        return chosen;
    for (size_t i = 0; i + 1 < VARIANTS; i++)
        if (has(variants[i].name))
            return &variants[i];
    return &variants[VARIANTS - 1];
}

ndjson_parse_function *tcore_simd_record_parser(void)
{
    return best()->parse;
}

ndjson_window_function *tcore_simd_window(void)
{
    return best()->window;
}

ndjson_rows_function *tcore_simd_rows(void)
{
    return best()->rows;
}

bool tcore_simd_select(const char *name)
{
    chosen = NULL;
    if (!name)
        return true;
    for (size_t i = 0; i < VARIANTS; i++)
        if (!strcmp(variants[i].name, name) && has(name))
            chosen = &variants[i];
    return chosen != NULL;
}

const char *tcore_simd_name(void)
{
    return best()->name;
}
