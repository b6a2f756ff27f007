/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Regular expressions by PCRE2, opened by its SONAME. */
#include "query/text.h"

#include "base/dl.h"
#include "base/map.h"
#include "base/sys.h"

#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <string.h>

#ifndef TCORE_SONAME_PCRE2
#define TCORE_SONAME_PCRE2 "libpcre2-8.so.0"
#endif

#define JIT_STACK_FIRST_BYTES (32u << 10)
#define JIT_STACK_LIMIT_BYTES (1u << 20)
#define HEAP_LIMIT_KIB        (16u << 10)

struct pcre2 {
    __typeof__(pcre2_compile_8) *compile;
    __typeof__(pcre2_code_free_8) *code_free;
    __typeof__(pcre2_get_error_message_8) *get_error_message;
    __typeof__(pcre2_jit_compile_8) *jit_compile;
    __typeof__(pcre2_jit_stack_create_8) *jit_stack_create;
    __typeof__(pcre2_jit_stack_assign_8) *jit_stack_assign;
    __typeof__(pcre2_jit_stack_free_8) *jit_stack_free;
    __typeof__(pcre2_match_8) *match;
    __typeof__(pcre2_match_context_create_8) *match_context_create;
    __typeof__(pcre2_match_context_free_8) *match_context_free;
    __typeof__(pcre2_match_data_create_8) *match_data_create;
    __typeof__(pcre2_match_data_free_8) *match_data_free;
    __typeof__(pcre2_get_ovector_pointer_8) *get_ovector_pointer;
    __typeof__(pcre2_pattern_info_8) *pattern_info;
    __typeof__(pcre2_set_match_limit_8) *set_match_limit;
    __typeof__(pcre2_set_depth_limit_8) *set_depth_limit;
    __typeof__(pcre2_set_heap_limit_8) *set_heap_limit;
    __typeof__(pcre2_substitute_8) *substitute;
};

#define SYMBOL(member)                                                                             \
    {                                                                                              \
        "pcre2_" #member "_8", offsetof(struct pcre2, member)                                      \
    }

static const struct tcore_dl_symbol symbols[] = {
    SYMBOL(compile),
    SYMBOL(code_free),
    SYMBOL(get_error_message),
    SYMBOL(jit_compile),
    SYMBOL(jit_stack_create),
    SYMBOL(jit_stack_assign),
    SYMBOL(jit_stack_free),
    SYMBOL(match),
    SYMBOL(match_context_create),
    SYMBOL(match_context_free),
    SYMBOL(match_data_create),
    SYMBOL(match_data_free),
    SYMBOL(get_ovector_pointer),
    SYMBOL(pattern_info),
    SYMBOL(set_match_limit),
    SYMBOL(set_depth_limit),
    SYMBOL(set_heap_limit),
    SYMBOL(substitute),
};

/* Each object holds the function table of its own: no state is shared. */
static enum tcore_status open_pcre2(struct pcre2 *lib, struct tcore_error *err)
{
    return tcore_dl_open(TCORE_SONAME_PCRE2, "libpcre2-8-0", symbols,
                         sizeof symbols / sizeof *symbols, lib, err);
}

struct tcore_pattern {
    struct pcre2 lib;
    pcre2_code *code;
    uint32_t groups;
    uint32_t match_options;
};

struct tcore_matcher {
    struct pcre2 lib;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
    uint32_t pairs; /* that data has room for */
    struct tcore_buf copy;
};

static uint32_t compile_options(unsigned flags)
{
    static const struct {
        unsigned flag;
        uint32_t option;
    } options[] = {
        {TCORE_TEXT_CASELESS, PCRE2_CASELESS},    {TCORE_TEXT_EXTENDED, PCRE2_EXTENDED},
        {TCORE_TEXT_DOT_ALL, PCRE2_DOTALL},       {TCORE_TEXT_ANCHORED, PCRE2_ANCHORED},
        {TCORE_TEXT_ANCHORED, PCRE2_ENDANCHORED}, {TCORE_TEXT_MULTILINE, PCRE2_MULTILINE},
    };
    uint32_t all = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (flags & options[i].flag)
            all |= options[i].option;
    return all;
}

enum tcore_status tcore_pattern_compile(struct tcore_pattern **pattern, const char *regex,
                                        size_t length, unsigned flags, struct tcore_error *err)
{
    *pattern = NULL;
    struct tcore_pattern *p = tcore_calloc(1, sizeof *p);
    if (!p)
        return tcore_error_nomem(err);
    enum tcore_status status = open_pcre2(&p->lib, err);
    if (status != TCORE_OK) {
        tcore_free(p);
        return status;
    }
    int code;
    PCRE2_SIZE place;
    p->code =
        p->lib.compile((PCRE2_SPTR)regex, length, compile_options(flags), &code, &place, NULL);
    if (!p->code) {
        PCRE2_UCHAR reason[256] = "";
        p->lib.get_error_message(code, reason, sizeof reason);
        status = tcore_error_set(err, TCORE_BAD_INPUT, "bad pattern: %s", (const char *)reason);
        if (err)
            err->byte = place + 1;
        tcore_free(p);
        return status;
    }
    p->lib.jit_compile(p->code, PCRE2_JIT_COMPLETE); /* where it fails, match() interprets */
    p->lib.pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &p->groups);
    p->match_options = flags & TCORE_TEXT_NOT_EMPTY ? PCRE2_NOTEMPTY : 0;
    *pattern = p;
    return TCORE_OK;
}

void tcore_pattern_free(struct tcore_pattern *pattern)
{
    if (!pattern)
        return;
    pattern->lib.code_free(pattern->code);
    tcore_free(pattern);
}

unsigned tcore_pattern_groups(const struct tcore_pattern *pattern)
{
    return pattern->groups;
}

enum tcore_status tcore_text_flags_parse(const char *modifiers, size_t length, unsigned *flags,
                                         struct tcore_error *err)
{
    static const char known[] = "ixnpgsl";
    static const unsigned meanings[] = {TCORE_TEXT_CASELESS,
                                        TCORE_TEXT_EXTENDED,
                                        TCORE_TEXT_NOT_EMPTY,
                                        TCORE_TEXT_DOT_ALL,
                                        0,
                                        0,
                                        0};
    *flags = 0;
    for (size_t i = 0; i < length; i++) {
        const char *found = modifiers[i] ? strchr(known, modifiers[i]) : NULL;
        if (!found) {
            tcore_error_set(err, TCORE_BAD_INPUT, "a modifier of a pattern is one of %s", known);
            if (err)
                err->byte = i + 1;
            return TCORE_BAD_INPUT;
        }
        *flags |= meanings[found - known];
    }
    return TCORE_OK;
}

/* --- Matching */

enum tcore_status tcore_matcher_new(struct tcore_matcher **matcher, struct tcore_error *err)
{
    *matcher = NULL;
    struct tcore_matcher *m = tcore_calloc(1, sizeof *m);
    if (!m)
        return tcore_error_nomem(err);
    enum tcore_status status = open_pcre2(&m->lib, err);
    if (status != TCORE_OK) {
        tcore_free(m);
        return status;
    }
    m->context = m->lib.match_context_create(NULL);
    if (!m->context) {
        tcore_free(m);
        return tcore_error_nomem(err);
    }
    m->lib.set_match_limit(m->context, TCORE_TEXT_MATCH_LIMIT);
    m->lib.set_depth_limit(m->context, TCORE_TEXT_MATCH_LIMIT);
    m->lib.set_heap_limit(m->context, HEAP_LIMIT_KIB);
    m->stack = m->lib.jit_stack_create(JIT_STACK_FIRST_BYTES, JIT_STACK_LIMIT_BYTES, NULL);
    if (m->stack) /* without one, machine code has 32 KiB of the thread's own */
        m->lib.jit_stack_assign(m->context, NULL, m->stack);
    *matcher = m;
    return TCORE_OK;
}

void tcore_matcher_free(struct tcore_matcher *matcher)
{
    if (!matcher)
        return;
    matcher->lib.match_data_free(matcher->data);
    matcher->lib.jit_stack_free(matcher->stack);
    matcher->lib.match_context_free(matcher->context);
    tcore_buf_free(&matcher->copy);
    tcore_free(matcher);
}

/* The next lone surrogate (0xed and a byte from 0xa0 on) in [at, end), or NULL. */
static const char *find_surrogate(const char *at, const char *end)
{
    for (; at < end && (at = memchr(at, 0xed, (size_t)(end - at))); at++)
        if (end - at >= 3 && (unsigned char)at[1] >= 0xa0)
            return at;
    return NULL;
}

/* The subject as PCRE2 may see it: itself, or a copy of the same length without lone surrogates.
 * NULL: out of memory. */
static const char *clean_subject(struct tcore_matcher *m, const char *subject, size_t length)
{
    if (!find_surrogate(subject, subject + length))
        return subject;
    tcore_buf_clear(&m->copy);
    tcore_buf_append(&m->copy, subject, length);
    if (m->copy.failed)
        return NULL;
    char *at = m->copy.data, *end = at + length;
    for (const char *found = at; (found = find_surrogate(found, end)); found += 3)
        memcpy(at + (found - at), "\xef\xbf\xbd", 3);
    return at;
}

static enum tcore_status ready_data(struct tcore_matcher *m, uint32_t pairs,
                                    struct tcore_error *err)
{
    if (m->data && m->pairs >= pairs)
        return TCORE_OK;
    m->lib.match_data_free(m->data);
    m->data = m->lib.match_data_create(pairs, NULL);
    m->pairs = m->data ? pairs : 0;
    return m->data ? TCORE_OK : tcore_error_nomem(err);
}

static enum tcore_status failed(const struct tcore_matcher *m, int code, struct tcore_error *err)
{
    PCRE2_UCHAR reason[256] = "";
    switch (code) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT:
        return tcore_error_set(err, TCORE_SKIP, "the pattern needs too much work");
    case PCRE2_ERROR_NOMEMORY:
        return tcore_error_nomem(err);
    default:
        m->lib.get_error_message(code, reason, sizeof reason);
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s", (const char *)reason);
    }
}

enum tcore_status tcore_pattern_match(const struct tcore_pattern *pattern,
                                      struct tcore_matcher *matcher, const char *subject,
                                      size_t length, size_t offset, bool *matched, size_t *spans,
                                      struct tcore_error *err)
{
    *matched = false;
    enum tcore_status status = ready_data(matcher, pattern->groups + 1, err);
    if (status != TCORE_OK)
        return status;
    subject = clean_subject(matcher, subject, length);
    if (!subject)
        return tcore_error_nomem(err);
    int found = matcher->lib.match(pattern->code, (PCRE2_SPTR)subject, length, offset,
                                   PCRE2_NO_UTF_CHECK | pattern->match_options, matcher->data,
                                   matcher->context);
    if (found == PCRE2_ERROR_NOMATCH)
        return TCORE_OK;
    if (found < 0)
        return failed(matcher, found, err);
    *matched = true;
    if (spans) { /* unset is PCRE2_UNSET, all ones like SIZE_MAX */
        const PCRE2_SIZE *pairs = matcher->lib.get_ovector_pointer(matcher->data);
        memcpy(spans, pairs, 2 * sizeof *spans * ((size_t)pattern->groups + 1));
    }
    return TCORE_OK;
}

enum tcore_status tcore_pattern_replace(const struct tcore_pattern *pattern,
                                        struct tcore_matcher *matcher, const char *subject,
                                        size_t length, const char *replacement,
                                        size_t replacement_length, struct tcore_buf *out,
                                        size_t *count, struct tcore_error *err)
{
    enum tcore_status status = ready_data(matcher, pattern->groups + 1, err);
    if (status != TCORE_OK)
        return status;
    subject = clean_subject(matcher, subject, length);
    if (!subject)
        return tcore_error_nomem(err);
    PCRE2_SIZE room = length + replacement_length + 64;
    int done;
    do { /* a second time when the first found out how much room it takes */
        PCRE2_SIZE tried = room;
        char *to = tcore_buf_reserve(out, room);
        if (!to)
            return tcore_error_nomem(err);
        done = matcher->lib.substitute(pattern->code, (PCRE2_SPTR)subject, length, 0,
                                       PCRE2_NO_UTF_CHECK | PCRE2_SUBSTITUTE_GLOBAL |
                                           PCRE2_SUBSTITUTE_OVERFLOW_LENGTH |
                                           PCRE2_SUBSTITUTE_UNSET_EMPTY | pattern->match_options,
                                       matcher->data, matcher->context, (PCRE2_SPTR)replacement,
                                       replacement_length, (PCRE2_UCHAR *)to, &room);
        if (done == PCRE2_ERROR_NOMEMORY && room <= tried)
            return tcore_error_nomem(err); /* not for want of room in out */
    } while (done == PCRE2_ERROR_NOMEMORY);
    if (done < 0)
        return failed(matcher, done, err);
    out->length += room;
    if (count)
        *count = (size_t)done;
    return TCORE_OK;
}

/* --- The cache */

struct tcore_pattern_cache {
    struct tcore_map map; /* flags and text to the number of a pattern */
    struct tcore_pattern **patterns;
    size_t capacity;
    struct tcore_buf key;
};

enum tcore_status tcore_pattern_cache_new(struct tcore_pattern_cache **cache,
                                          struct tcore_error *err)
{
    *cache = tcore_calloc(1, sizeof **cache);
    if (!*cache)
        return tcore_error_nomem(err);
    if (tcore_map_init(&(*cache)->map) == 0)
        return TCORE_OK;
    tcore_free(*cache);
    *cache = NULL;
    return tcore_error_set(err, TCORE_FATAL, "the system gives no random bytes");
}

void tcore_pattern_cache_free(struct tcore_pattern_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->map.count && i < cache->capacity; i++)
        tcore_pattern_free(cache->patterns[i]);
    tcore_free(cache->patterns);
    tcore_map_free(&cache->map);
    tcore_buf_free(&cache->key);
    tcore_free(cache);
}

enum tcore_status tcore_pattern_cache_get(struct tcore_pattern_cache *cache,
                                          const struct tcore_pattern **pattern, const char *regex,
                                          size_t length, unsigned flags, struct tcore_error *err)
{
    tcore_buf_clear(&cache->key);
    tcore_buf_append(&cache->key, &flags, sizeof flags);
    tcore_buf_append(&cache->key, regex, length);
    if (cache->key.failed)
        return tcore_error_nomem(err);
    uint32_t number = tcore_map_find(&cache->map, cache->key.data, cache->key.length);
    if (number != TCORE_MAP_NONE) {
        *pattern = cache->patterns[number];
        return TCORE_OK;
    }
    if (cache->map.count == cache->capacity) {
        size_t capacity = cache->capacity ? 2 * cache->capacity : 8;
        struct tcore_pattern **more = tcore_reallocarray(cache->patterns, capacity, sizeof *more);
        if (!more)
            return tcore_error_nomem(err);
        cache->patterns = more;
        cache->capacity = capacity;
    }
    struct tcore_pattern *made;
    enum tcore_status status = tcore_pattern_compile(&made, regex, length, flags, err);
    if (status != TCORE_OK)
        return status;
    number = tcore_map_intern(&cache->map, cache->key.data, cache->key.length, NULL);
    if (number == TCORE_MAP_NONE) {
        tcore_pattern_free(made);
        return tcore_error_nomem(err);
    }
    *pattern = cache->patterns[number] = made;
    return TCORE_OK;
}
