/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buffers, arenas and the allocators of the system table: sizes at the edges, and failures. */
#include "base/arena.h"
#include "base/buf.h"
#include "failing.h"
#include "tap.h"

static void test_buf(void)
{
    struct tcore_buf buf = {0};
    struct tcore_error err = {0};
    tcore_buf_append(&buf, NULL, 0);
    is_int(buf.length, 0, "nothing appended to an empty buffer");
    tcore_buf_puts(&buf, "one");
    tcore_buf_putc(&buf, ' ');
    tcore_buf_append(&buf, "t\0o", 3);
    is_mem(buf.data, buf.length, "one t\0o", 7, "appended");
    tcore_buf_printf(&buf, " %d %s", 3, "four");
    is_mem(buf.data, buf.length, "one t\0o 3 four", 14, "printed");
    for (int n = 0; n < 10000; n++)
        tcore_buf_printf(&buf, "%04d", n);
    is_int(buf.length, 14 + 40000, "grown");
    is_mem(buf.data + 14 + 39996, 4, "9999", 4, "to the end");
    char *room = tcore_buf_reserve(&buf, 100000);
    ok(room == buf.data + buf.length && buf.capacity - buf.length >= 100000, "room ahead");
    is_int(tcore_buf_status(&buf, &err), TCORE_OK, "nothing failed");
    size_t capacity = buf.capacity;
    tcore_buf_clear(&buf);
    ok(buf.length == 0 && buf.capacity == capacity, "cleared, the memory stays");
    ok(!tcore_buf_reserve(&buf, SIZE_MAX), "no room for everything");
    is_int(tcore_buf_status(&buf, &err), TCORE_FATAL, "that is a failure");
    is_str(err.text, "out of memory", "and says why");
    tcore_buf_puts(&buf, "x");
    is_int(buf.length, 0, "which sticks");
    ok(!tcore_buf_reserve(&buf, 1), "for room too");
    tcore_buf_clear(&buf);
    tcore_buf_puts(&buf, "x");
    is_mem(buf.data, buf.length, "x", 1, "until it is cleared");
    tcore_buf_free(&buf);
    ok(!buf.data && !buf.capacity, "freed and ready for use again");
    failing_begin(2);
    tcore_buf_puts(&buf, "kept");
    room = tcore_buf_reserve(&buf, 1000);
    ok(!room && buf.failed, "growing fails");
    is_mem(buf.data, buf.length, "kept", 4, "what was there stays");
    tcore_buf_free(&buf);
    failing_end();
    is_int(failing.live, 0, "nothing leaked");
}

static void test_arena(void)
{
    struct tcore_arena arena = {0};
    unsigned wrong = 0;
    char *copies[1000];
    for (unsigned n = 0; n < 1000; n++) {
        char text[16];
        size_t length = (size_t)snprintf(text, sizeof text, "%u", n);
        copies[n] = tcore_arena_copy(&arena, text, length);
        wrong += (uintptr_t)tcore_arena_alloc(&arena, n % 50) % 8 != 0;
    }
    for (unsigned n = 0; n < 1000; n++)
        wrong += strtoul(copies[n], NULL, 10) != n;
    is_int(wrong, 0, "copies stay, allocations are aligned");
    is_str(tcore_arena_copy(&arena, NULL, 0), "", "a copy of nothing");
    char *large = tcore_arena_alloc(&arena, 10 << 20);
    memset(large, 'x', 10 << 20);
    ok(arena.bytes > 10 << 20, "a large one has a block of its own, counted");
    ok(!tcore_arena_alloc(&arena, SIZE_MAX) && !tcore_arena_copy(&arena, "x", SIZE_MAX),
       "more than there is");
    tcore_arena_reset(&arena);
    size_t held = arena.bytes;
    ok(held > 0 && tcore_arena_alloc(&arena, 8) && arena.bytes == held,
       "a reset arena reuses a block");
    tcore_arena_free(&arena);
    ok(arena.bytes == 0 && !arena.blocks, "a freed one holds nothing");
    tcore_arena_reset(&arena);
    ok(!arena.blocks, "resetting nothing");
    failing_begin(1);
    ok(!tcore_arena_alloc(&arena, 8) && !arena.blocks, "a failed block");
    ok(tcore_arena_alloc(&arena, 8), "and the next one");
    tcore_arena_free(&arena);
    failing_end();
    is_int(failing.live, 0, "nothing leaked");
}

static void test_allocators(void)
{
    void *p = tcore_malloc(0);
    ok(p, "no bytes are a block");
    p = tcore_realloc(p, 0);
    ok(p, "resized to none too");
    tcore_free(p);
    ok(!tcore_calloc(SIZE_MAX / 2, 3), "an overflow of calloc");
    ok(!tcore_reallocarray(NULL, SIZE_MAX / 2, 3), "and of reallocarray");
    char *zeroed = tcore_calloc(3, 5), none[15] = {0};
    is_mem(zeroed, 15, none, 15, "calloc's bytes are zero");
    tcore_free(zeroed);
    char *copy = tcore_strndup("a\0b", 3);
    is_mem(copy, 4, "a\0b", 4, "a copy with its NUL");
    tcore_free(copy);
    failing_begin(1);
    ok(!tcore_strndup("a", 1), "a failed copy");
    failing_begin(1);
    ok(!tcore_calloc(1, 1), "a failed calloc");
    failing_end();
}

int main(void)
{
    test_buf();
    test_arena();
    test_allocators();
    return done_testing();
}
