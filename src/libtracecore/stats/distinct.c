/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Distinct values: a set of hashes that becomes HyperLogLog registers when it is too large. The
 * registers are computed from the same hashes, so it does not matter when that happens.
 */
#include "stats/distinct.h"
#include "stats/encode.h"
#include "base/map.h"
#include "base/sys.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    INDEX_BITS = 14,
    REGISTERS = 1 << INDEX_BITS,
    RANK_MAX = 64 - INDEX_BITS + 1, /* of 50 bits that are all zero */
    REGISTER_BITS = 6,
    PACKED_BYTES = REGISTERS * REGISTER_BITS / 8,
    FIRST_SLOTS = 8
};
static const char distinct_name[] = "count of distinct values";

void tcore_distinct_free(struct tcore_distinct *distinct)
{
    tcore_free(distinct->slots);
    tcore_free(distinct->registers);
    *distinct = (struct tcore_distinct){0};
}

size_t tcore_distinct_bytes(const struct tcore_distinct *distinct)
{
    if (distinct->registers)
        return REGISTERS;
    return distinct->slots ? ((size_t)distinct->mask + 1) * sizeof *distinct->slots : 0;
}

static struct tcore_distinct_hash hash_of(const void *data, size_t length)
{
    /* the digits of pi, so that nobody need wonder */
    static const uint64_t keys[2][2] = {
        {UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344)},
        {UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89)}};
    struct tcore_distinct_hash hash = {tcore_siphash(keys[0], data, length),
                                       tcore_siphash(keys[1], data, length)};
    hash.low += !hash.high && !hash.low;
    return hash;
}

static inline bool is_empty(const struct tcore_distinct_hash *slot)
{
    return !slot->high && !slot->low;
}

/* Where to look first. The seed keeps chosen values from being made to fall together. */
static inline uint32_t place_of(const struct tcore_distinct *distinct,
                                struct tcore_distinct_hash hash)
{
    unsigned __int128 product =
        (unsigned __int128)(hash.high ^ distinct->seed) * (hash.low ^ ~distinct->seed);
    return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & distinct->mask;
}

/* The slot of the hash, or the empty one where it would go. */
static struct tcore_distinct_hash *find(const struct tcore_distinct *distinct,
                                        struct tcore_distinct_hash hash)
{
    uint32_t at = place_of(distinct, hash);
    for (;; at = (at + 1) & distinct->mask) {
        struct tcore_distinct_hash *slot = &distinct->slots[at];
        if (is_empty(slot) || (slot->high == hash.high && slot->low == hash.low))
            return slot;
    }
}

static enum tcore_status grow(struct tcore_distinct *distinct)
{
    uint32_t size = distinct->slots ? (distinct->mask + 1) * 2 : FIRST_SLOTS;
    if (!distinct->slots && tcore_sys()->random(&distinct->seed, sizeof distinct->seed) != 0)
        return TCORE_FATAL;
    struct tcore_distinct larger = *distinct;
    larger.slots = tcore_calloc(size, sizeof *larger.slots);
    if (!larger.slots)
        return TCORE_FATAL;
    larger.mask = size - 1;
    for (uint32_t i = 0; distinct->slots && i <= distinct->mask; i++)
        if (!is_empty(&distinct->slots[i]))
            *find(&larger, distinct->slots[i]) = distinct->slots[i];
    tcore_free(distinct->slots);
    *distinct = larger;
    return TCORE_OK;
}

static void note_in_registers(uint8_t *registers, struct tcore_distinct_hash hash)
{
    uint64_t rest = hash.high << INDEX_BITS | UINT64_C(1) << (INDEX_BITS - 1);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    uint8_t *slot = &registers[hash.high >> (64 - INDEX_BITS)];
    if (*slot < rank)
        *slot = rank;
}

static enum tcore_status start_estimating(struct tcore_distinct *distinct)
{
    uint8_t *registers = tcore_calloc(REGISTERS, 1);
    if (!registers)
        return TCORE_FATAL;
    for (uint32_t i = 0; distinct->slots && i <= distinct->mask; i++)
        if (!is_empty(&distinct->slots[i]))
            note_in_registers(registers, distinct->slots[i]);
    tcore_distinct_free(distinct);
    distinct->registers = registers;
    return TCORE_OK;
}

static enum tcore_status add_hash(struct tcore_distinct *distinct, struct tcore_distinct_hash hash)
{
    if (!distinct->registers) {
        if (distinct->slots && !is_empty(find(distinct, hash)))
            return TCORE_OK;
        if (distinct->used < TCORE_DISTINCT_EXACT_MAX) {
            bool full = !distinct->slots || (distinct->used + 1) * 4 > (distinct->mask + 1) * 3;
            if (full && grow(distinct) != TCORE_OK)
                return TCORE_FATAL;
            *find(distinct, hash) = hash;
            distinct->used++;
            return TCORE_OK;
        }
        if (start_estimating(distinct) != TCORE_OK)
            return TCORE_FATAL;
    }
    note_in_registers(distinct->registers, hash);
    return TCORE_OK;
}

enum tcore_status tcore_distinct_add(struct tcore_distinct *distinct, const void *data,
                                     size_t length)
{
    return add_hash(distinct, hash_of(data, length));
}

enum tcore_status tcore_distinct_merge(struct tcore_distinct *into,
                                       const struct tcore_distinct *from)
{
    if (from->registers) {
        if (!into->registers && start_estimating(into) != TCORE_OK)
            return TCORE_FATAL;
        for (int i = 0; i < REGISTERS; i++)
            if (into->registers[i] < from->registers[i])
                into->registers[i] = from->registers[i];
        return TCORE_OK;
    }
    for (uint32_t i = 0; from->slots && i <= from->mask; i++)
        if (!is_empty(&from->slots[i]) && add_hash(into, from->slots[i]) != TCORE_OK)
            return TCORE_FATAL;
    return TCORE_OK;
}

/* Ertl's sigma: x + sum of x^(2^k) * 2^(k - 1) over k >= 1; infinite at 1. */
static double sigma(double x)
{
    if (x == 1)
        return INFINITY;
    double sum = x, before, weight = 1;
    do {
        x *= x;
        before = sum;
        sum += x * weight;
        weight += weight;
    } while (sum != before);
    return sum;
}

/* Ertl's tau: (1 - x - sum of (1 - x^(2^-k))^2 * 2^-k over k >= 1) / 3. */
static double tau(double x)
{
    if (x == 0 || x == 1)
        return 0;
    double sum = 1 - x, before, weight = 1;
    do {
        x = sqrt(x);
        before = sum;
        weight /= 2;
        sum -= (1 - x) * (1 - x) * weight;
    } while (sum != before);
    return sum / 3;
}

uint64_t tcore_distinct_count(const struct tcore_distinct *distinct)
{
    if (!distinct->registers)
        return distinct->used;
    uint32_t histogram[RANK_MAX + 1] = {0};
    for (int i = 0; i < REGISTERS; i++)
        histogram[distinct->registers[i]]++;
    const double registers = REGISTERS, half_inverse_log2 = 0.72134752044448170; /* 1 / (2 ln 2) */
    double z = registers * tau(1 - histogram[RANK_MAX] / registers);
    for (int rank = RANK_MAX - 1; rank >= 1; rank--)
        z = (z + histogram[rank]) / 2;
    z += registers * sigma(histogram[0] / registers);
    double estimate = half_inverse_log2 * registers * registers / z;
    return estimate < 0x1p63 ? (uint64_t)llround(estimate) : UINT64_MAX;
}

static int compare_hashes(const void *a, const void *b)
{
    const struct tcore_distinct_hash *x = a, *y = b;
    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    return (x->low > y->low) - (x->low < y->low);
}

static void put_big_endian(unsigned char *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(value >> (56 - 8 * i));
}

static uint64_t get_big_endian(const unsigned char *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return value;
}

static enum tcore_status encode_hashes(const struct tcore_distinct *distinct, struct tcore_buf *out)
{
    struct tcore_distinct_hash *sorted = tcore_calloc(distinct->used, sizeof *sorted);
    if (!sorted)
        return TCORE_FATAL;
    uint32_t used = 0;
    for (uint32_t i = 0; distinct->slots && i <= distinct->mask; i++)
        if (!is_empty(&distinct->slots[i]))
            sorted[used++] = distinct->slots[i];
    qsort(sorted, used, sizeof *sorted, compare_hashes);
    tcore_encode_uint64(out, (uint64_t)used + 1);
    for (uint32_t i = 0; i < used; i++) {
        unsigned char bytes[16];
        put_big_endian(bytes, sorted[i].high);
        put_big_endian(bytes + 8, sorted[i].low);
        tcore_buf_append(out, bytes, sizeof bytes);
    }
    tcore_free(sorted);
    return TCORE_OK;
}

enum tcore_status tcore_distinct_encode(const struct tcore_distinct *distinct,
                                        struct tcore_buf *out)
{
    if (!distinct->registers)
        return encode_hashes(distinct, out);
    tcore_encode_uint64(out, 0);
    for (int i = 0; i < REGISTERS; i += 4) {
        uint32_t four = 0;
        for (int j = 0; j < 4; j++)
            four |= (uint32_t)distinct->registers[i + j] << (REGISTER_BITS * j);
        unsigned char bytes[3] = {(unsigned char)four, (unsigned char)(four >> 8),
                                  (unsigned char)(four >> 16)};
        tcore_buf_append(out, bytes, sizeof bytes);
    }
    return TCORE_OK;
}

static enum tcore_status decode_hashes(struct tcore_distinct *distinct, struct tcore_state_reader *in,
                                       uint64_t values, struct tcore_error *err)
{
    if (values > TCORE_DISTINCT_EXACT_MAX || values > tcore_state_reader_left(in) / 16)
        return tcore_decode_failed(err, distinct_name, "more values than bytes");
    struct tcore_distinct_hash before = {0, 0};
    for (uint64_t i = 0; i < values; i++, in->at += 16) {
        struct tcore_distinct_hash hash = {get_big_endian(in->at), get_big_endian(in->at + 8)};
        if (compare_hashes(&before, &hash) >= 0) {
            tcore_distinct_free(distinct);
            return tcore_decode_failed(err, distinct_name, "not in ascending order");
        }
        if (add_hash(distinct, hash) != TCORE_OK) {
            tcore_distinct_free(distinct);
            return tcore_error_nomem(err);
        }
        before = hash;
    }
    return TCORE_OK;
}

/* Any registers that values can have made: one at least is not zero. */
static bool decode_registers(uint8_t *registers, struct tcore_state_reader *in)
{
    uint32_t nonzero = 0;
    for (int i = 0; i < REGISTERS; i++) {
        uint32_t bit = (uint32_t)i * REGISTER_BITS;
        uint32_t two = in->at[bit / 8];
        if (bit / 8 + 1 < PACKED_BYTES)
            two |= (uint32_t)in->at[bit / 8 + 1] << 8;
        registers[i] = (uint8_t)(two >> (bit % 8) & ((1u << REGISTER_BITS) - 1));
        if (registers[i] > RANK_MAX)
            return false;
        nonzero += registers[i] != 0;
    }
    in->at += PACKED_BYTES;
    return nonzero != 0;
}

enum tcore_status tcore_distinct_decode(struct tcore_distinct *distinct, struct tcore_state_reader *in,
                                        struct tcore_error *err)
{
    uint64_t head;
    *distinct = (struct tcore_distinct){0};
    if (!tcore_decode_uint64(in, &head))
        return tcore_decode_failed(err, distinct_name, "bad head");
    if (head)
        return decode_hashes(distinct, in, head - 1, err);
    if (tcore_state_reader_left(in) < PACKED_BYTES)
        return tcore_decode_failed(err, distinct_name, "registers cut short");
    uint8_t *registers = tcore_calloc(REGISTERS, 1);
    if (!registers)
        return tcore_error_nomem(err);
    if (!decode_registers(registers, in)) {
        tcore_free(registers);
        return tcore_decode_failed(err, distinct_name, "bad register");
    }
    distinct->registers = registers;
    return TCORE_OK;
}
