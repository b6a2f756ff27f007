/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interned byte strings: dense numbers, any bytes, growth, clearing, and failures of the system. */
#include "base/map.h"
#include "failing.h"
#include "tap.h"

static void test_siphash(void)
{
    /* Key 00 01 ... 0f and inputs 00 01 02 ..., as the reference implementation's vectors have it,
     * with one compression and three finalisation rounds. */
    static const uint64_t seed[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    static const unsigned char input[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint64_t seen[17];
    unsigned equal = 0;
    ok(tcore_siphash(seed, input, 0) == 0xabac0158050fc4dc, "SipHash-1-3 of nothing");
    ok(tcore_siphash(seed, input, 1) == 0xc9f49bf37d57ca93, "of one byte");
    ok(tcore_siphash(seed, input, 2) == 0x82cb9b024dc7d44d, "of two");
    for (size_t n = 0; n <= 16; n++) {
        seen[n] = tcore_siphash(seed, input, n);
        for (size_t i = 0; i < n; i++)
            equal += seen[i] == seen[n];
    }
    is_int(equal, 0, "lengths 0 to 16 hash differently");
    static const uint64_t other[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0909};
    ok(tcore_siphash(other, input, 16) != seen[16], "and so does another seed");
}

static void test_numbers(void)
{
    struct tcore_map map;
    bool added;
    is_int(tcore_map_init(&map), 0, "a map");
    is_int(tcore_map_find(&map, "a", 1), TCORE_MAP_NONE, "nothing is in it");
    is_int(tcore_map_intern(&map, "a", 1, &added), 0, "the first key is 0");
    ok(added, "and new");
    is_int(tcore_map_intern(&map, "b", 1, &added), 1, "the second is 1");
    is_int(tcore_map_intern(&map, "a", 1, &added), 0, "the first again is 0");
    ok(!added, "and known");
    is_int(tcore_map_intern(&map, "", 0, NULL), 2, "the empty key is one");
    is_int(tcore_map_intern(&map, "a\0b", 3, NULL), 3, "a key may hold NUL");
    is_int(tcore_map_find(&map, "a\0c", 3), TCORE_MAP_NONE, "and all of it counts");
    is_int(tcore_map_find(&map, "a\0b", 3), 3, "found");
    is_mem(map.keys[3].data, map.keys[3].length, "a\0b", 3, "keys are there by number");
    ok(map.keys[3].data[3] == '\0', "with a NUL behind");
    ok(tcore_map_bytes(&map) > 0, "it knows what memory it holds");
    tcore_map_clear(&map);
    is_int(map.count, 0, "cleared");
    is_int(tcore_map_find(&map, "a", 1), TCORE_MAP_NONE, "nothing is in it again");
    is_int(tcore_map_intern(&map, "z", 1, NULL), 0, "numbers begin anew");
    tcore_map_free(&map);
    struct tcore_map unused;
    tcore_map_init(&unused);
    tcore_map_clear(&unused);
    is_int(tcore_map_bytes(&unused), 0, "an unused map holds nothing");
    tcore_map_free(&unused);
}

static void test_growth(void)
{
    enum { KEYS = 200000 };
    struct tcore_map map;
    unsigned wrong = 0;
    tcore_map_init(&map);
    for (int round = 0; round < 2; round++)
        for (unsigned n = 0; n < KEYS; n++) {
            char key[32];
            bool added;
            int length = snprintf(key, sizeof key, "key %u", n);
            wrong += tcore_map_intern(&map, key, (size_t)length, &added) != n;
            wrong += added != (round == 0);
            wrong += tcore_map_find(&map, key, (size_t)length) != n;
        }
    is_int(map.count, KEYS, "%d keys", KEYS);
    is_int(wrong, 0, "each has its number, the second time too");
    ok(tcore_map_bytes(&map) < KEYS * 64, "in at most 64 bytes a key");
    tcore_map_free(&map);
}

static int no_random(void *buffer, size_t bytes)
{
    (void)buffer;
    (void)bytes;
    return -1;
}

static void test_failures(void)
{
    unsigned long wrong = 0, round = 1;
    for (bool failed = true; failed; round++) {
        struct tcore_map map;
        unsigned none = 0;
        tcore_map_init(&map);
        failing_begin(round);
        for (unsigned n = 0; n < 3000; n++) {
            char key[32];
            int length = snprintf(key, sizeof key, "key %u", n);
            if (tcore_map_intern(&map, key, (size_t)length, NULL) == TCORE_MAP_NONE) {
                none++;
                wrong +=
                    tcore_map_intern(&map, key, (size_t)length, NULL) != n; /* memory is back */
            }
        }
        wrong += map.count != 3000 || tcore_map_find(&map, "key 2999", 8) != 2999;
        tcore_map_free(&map);
        failed = failing_end();
        wrong += none != failed;
    }
    ok(round > 10, "each of %lu allocations failed once", round - 2);
    is_int(wrong, 0, "each time the caller was told and the map stayed whole");
    is_int(failing.live, 0, "nothing leaked");

    struct tcore_sys sys = tcore_sys_default;
    struct tcore_map map;
    sys.random = no_random;
    tcore_sys_set(&sys);
    is_int(tcore_map_init(&map), -1, "without randomness there is no map");
    tcore_sys_set(NULL);
}

int main(void)
{
    test_siphash();
    test_numbers();
    test_growth();
    test_failures();
    return done_testing();
}
