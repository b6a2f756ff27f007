/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record parser in plain C: eight bytes at a time in a 64-bit word. */
#include "stream/ndjson_parse.h"

#include <string.h>

#define PARSE_NAME tcore_ndjson_parse_portable

struct masks {
    uint64_t quote, special;
};

#define ONES 0x0101010101010101u
#define TOPS 0x8080808080808080u

/* The top bit of each byte that equals c. Exact, since bytes with a top bit are dealt with apart.
 */
static inline uint64_t equal_bytes(uint64_t word, unsigned char c)
{
    uint64_t x = word ^ ONES * c;
    return ~(((x & ~TOPS) + ~TOPS) | x) & TOPS;
}

/* The top bit of each byte that is a control character, a backslash or not ASCII. */
static inline uint64_t special_bytes(uint64_t word)
{
    uint64_t low = ~(((word & ~TOPS) + ONES * (0x80 - 0x20)) | word) & TOPS;
    return low | (word & TOPS) | equal_bytes(word, '\\');
}

/* One bit a byte from the top bits. */
static inline uint64_t gather(uint64_t tops)
{
    return ((tops >> 7) * 0x0102040810204080u) >> 56;
}

/* Eight bytes, or as many words as it takes to see something. */
static inline struct masks scan(const char *p)
{
    struct masks m = {0, 0};
    for (unsigned i = 0; i < 64; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        uint64_t quote = equal_bytes(word, '"');
        uint64_t special = special_bytes(word);
        if (quote | special) {
            m.quote |= gather(quote) << i;
            m.special |= gather(special) << i;
            /* behind the first of either nothing is asked for */
            if (m.quote)
                return m;
            if (m.special)
                return m;
        }
    }
    return m;
}

static inline bool matches(const char *p, const struct shape_key *key, uint64_t ignored)
{
    return key->mask &&
           !memcmp(p + ignored, key->literal + ignored, key->literal_length - (size_t)ignored);
}

static inline bool begins(const char *p, const struct plan_step *step)
{
    return !memcmp(p, step->literal, step->length + (size_t)(step->class == PLAN_NESTED));
}

#define HAS_WINDOWS 0

static inline unsigned digits(const char *p)
{
    unsigned n = 0;
    while (n < 64 && p[n] >= '0' && p[n] <= '9')
        n++;
    return n;
}

static inline uint64_t digits_value(const char *p, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++)
        value = value * 10 + (uint64_t)(p[i] - '0');
    return value;
}

#include "stream/ndjson_parse_impl.h"
