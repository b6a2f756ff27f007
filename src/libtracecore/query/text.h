/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Regular expressions in PCRE2's dialect on UTF-8 text, compiled to machine code where the system
 * allows it, and bounded: a match that needs too much work is an error, never a hang. PCRE2 is
 * opened on first use.
 */
#ifndef TRACECORE_QUERY_TEXT_H
#define TRACECORE_QUERY_TEXT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define TCORE_TEXT_MATCH_LIMIT 100000 /* PCRE2's match limit for one subject */

enum tcore_text_flags {
    TCORE_TEXT_CASELESS = 1,   /* jq's i */
    TCORE_TEXT_EXTENDED = 2,   /* x: blanks and # comments in the pattern do not count */
    TCORE_TEXT_DOT_ALL = 4,    /* p: . matches a newline too */
    TCORE_TEXT_NOT_EMPTY = 8,  /* n: an empty match is none */
    TCORE_TEXT_ANCHORED = 16,  /* the whole subject must match */
    TCORE_TEXT_MULTILINE = 32, /* ^ and $ match at every line */
};

/* A compiled pattern: immutable, may be shared by threads. */
struct tcore_pattern;

/*
 * TCORE_BAD_INPUT: the pattern is wrong; err->byte is the 1-based place in it. TCORE_FATAL: PCRE2
 * is missing, or out of memory.
 */
enum tcore_status tcore_pattern_compile(struct tcore_pattern **pattern, const char *regex,
                                        size_t length, unsigned flags, struct tcore_error *err);
void tcore_pattern_free(struct tcore_pattern *pattern);
/* Capturing groups, the whole match not counted. */
unsigned tcore_pattern_groups(const struct tcore_pattern *pattern);

/*
 * jq's modifiers as flags: i x n p as above; g (all matches), s (single line) and l (longest) do
 * not change whether a text matches. TCORE_BAD_INPUT: not one of these; err->byte is its place.
 */
enum tcore_status tcore_text_flags_parse(const char *modifiers, size_t length, unsigned *flags,
                                         struct tcore_error *err);

/* What one thread needs to match, for any patterns. */
struct tcore_matcher;
enum tcore_status tcore_matcher_new(struct tcore_matcher **matcher, struct tcore_error *err);
void tcore_matcher_free(struct tcore_matcher *matcher);

/*
 * Looks for the pattern in subject, from the byte offset on. The subject is UTF-8 as TCORE_STRING
 * holds it; lone surrogates are seen as U+FFFD. *matched says whether it was found; spans (may be
 * NULL) gets 2 * (groups + 1) offsets: begin and end of the match and of each group, SIZE_MAX for
 * a group that took no part. TCORE_SKIP: this subject needs too much work. TCORE_FATAL: out of
 * memory.
 */
enum tcore_status tcore_pattern_match(const struct tcore_pattern *pattern,
                                      struct tcore_matcher *matcher, const char *subject,
                                      size_t length, size_t offset, bool *matched, size_t *spans,
                                      struct tcore_error *err);

/*
 * Appends subject to out (lone surrogates as U+FFFD) with every match replaced: $1 ${1} ${name} $$
 * as in pcre2_substitute(). *count (may be NULL) is how many there were. TCORE_SKIP: too much work,
 * then nothing is appended. TCORE_BAD_INPUT: the replacement is wrong.
 */
enum tcore_status tcore_pattern_replace(const struct tcore_pattern *pattern,
                                        struct tcore_matcher *matcher, const char *subject,
                                        size_t length, const char *replacement,
                                        size_t replacement_length, struct tcore_buf *out,
                                        size_t *count, struct tcore_error *err);

/* Patterns kept by their text and flags, so that each is compiled once. One thread's. */
struct tcore_pattern_cache;
enum tcore_status tcore_pattern_cache_new(struct tcore_pattern_cache **cache,
                                          struct tcore_error *err);
void tcore_pattern_cache_free(struct tcore_pattern_cache *cache); /* and all patterns in it */
/* As tcore_pattern_compile(); *pattern lives as long as the cache. */
enum tcore_status tcore_pattern_cache_get(struct tcore_pattern_cache *cache,
                                          const struct tcore_pattern **pattern, const char *regex,
                                          size_t length, unsigned flags, struct tcore_error *err);

#endif
