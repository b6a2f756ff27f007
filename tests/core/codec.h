/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What holds for the bytes of every encodable state: they decode to a state with the same bytes;
 * cut short they are refused; with any bit flipped, or random, they are refused or are the one form
 * of some other state (what was read encodes to the same bytes again); and a failed allocation
 * while decoding or encoding is TCORE_FATAL and leaks nothing.
 */
#ifndef TRACECORE_TESTS_CORE_CODEC_H
#define TRACECORE_TESTS_CORE_CODEC_H

#include "base/buf.h"
#include "failing.h"
#include "random.h"
#include "stats/encode.h"
#include "tap.h"

struct codec {
    const char *name;
    size_t bytes; /* of the state's struct; zeroed it is empty */
    enum tcore_status (*encode)(const void *state, struct tcore_buf *out);
    enum tcore_status (*decode)(void *state, struct tcore_state_reader *in, struct tcore_error *err);
    void (*release)(void *state);
};

static void *codec_new(const struct codec *codec)
{
    void *state = calloc(1, codec->bytes);
    if (!state)
        abort();
    return state;
}

static void codec_delete(const struct codec *codec, void *state)
{
    codec->release(state);
    free(state);
}

/* Whether the bytes are refused, or are exactly what their state encodes to. */
static bool codec_sound(const struct codec *codec, const char *data, size_t length)
{
    void *state = codec_new(codec);
    struct tcore_error err = {0};
    struct tcore_state_reader in = tcore_state_reader(data, length);
    enum tcore_status status = codec->decode(state, &in, &err);
    bool sound = status == TCORE_BAD_INPUT && err.status == TCORE_BAD_INPUT && err.text[0];
    if (status == TCORE_OK) {
        struct tcore_buf again = {0};
        size_t taken = length - tcore_state_reader_left(&in);
        sound = codec->encode(state, &again) == TCORE_OK && again.length == taken &&
                memcmp(again.data, data, taken) == 0;
        tcore_buf_free(&again);
    }
    codec_delete(codec, state);
    return sound;
}

static void codec_check_damage(const struct codec *codec, const struct tcore_buf *bytes,
                               const char *what)
{
    struct random_source source = {bytes->length};
    bool is_long = bytes->length > 2000; /* then some of the cuts and flips must do */
    size_t step = is_long ? bytes->length / 100 : 1;
    bool held = true;
    for (size_t length = 0; length < bytes->length && held; length += step) {
        char *cut = malloc(length + 1); /* of its own, so that a read too far is seen */
        memcpy(cut, bytes->data, length);
        cut = realloc(cut, length ? length : 1);
        void *state = codec_new(codec);
        struct tcore_state_reader in = tcore_state_reader(cut, length);
        held = codec->decode(state, &in, NULL) == TCORE_BAD_INPUT;
        codec_delete(codec, state);
        free(cut);
    }
    ok(held, "%s, %s: cut short it is refused", codec->name, what);

    char *flipped = malloc(bytes->length);
    held = true;
    for (size_t bit = 0; bit < bytes->length * 8 && held; bit += is_long ? 8 * step + 1 : 1) {
        memcpy(flipped, bytes->data, bytes->length);
        flipped[bit / 8] ^= (char)(1 << bit % 8);
        held = codec_sound(codec, flipped, bytes->length);
    }
    ok(held, "%s, %s: with a bit flipped it is refused or sound", codec->name, what);

    held = true;
    for (int round = 0; round < (is_long ? 200 : 2000) && held; round++) {
        memcpy(flipped, bytes->data, bytes->length);
        for (uint64_t n = random_below(&source, 8) + 1; n > 0; n--)
            flipped[random_below(&source, bytes->length)] = (char)random_bits(&source);
        held = codec_sound(codec, flipped, bytes->length);
    }
    ok(held, "%s, %s: with random bytes it is refused or sound", codec->name, what);
    free(flipped);
}

static void codec_check_memory(const struct codec *codec, const void *state,
                               const struct tcore_buf *bytes, const char *what)
{
    bool held = true, more = true;
    long live = failing.live;
    for (unsigned long n = 1; more && held; n++) {
        failing_begin(n);
        struct tcore_buf out = {0};
        enum tcore_status status = codec->encode(state, &out);
        bool failed = status == TCORE_FATAL || out.failed;
        tcore_buf_free(&out);
        more = failing_end();
        held = failed == more;
    }
    more = true;
    for (unsigned long n = 1; more && held; n++) {
        void *read = codec_new(codec);
        struct tcore_error err = {0};
        struct tcore_state_reader in = tcore_state_reader(bytes->data, bytes->length);
        failing_begin(n);
        enum tcore_status status = codec->decode(read, &in, &err);
        codec->release(read);
        more = failing_end();
        held = more ? status == TCORE_FATAL && err.status == TCORE_FATAL : status == TCORE_OK;
        free(read);
    }
    ok(held && failing.live == live, "%s, %s: no memory is reported, and nothing leaks",
       codec->name, what);
}

/* All of it, on one state. */
static inline void codec_check(const struct codec *codec, const void *state, const char *what)
{
    struct tcore_buf bytes = {0};
    codec->encode(state, &bytes);
    ok(codec_sound(codec, bytes.data, bytes.length), "%s, %s: %zu bytes, there and back",
       codec->name, what, bytes.length);
    codec_check_damage(codec, &bytes, what);
    codec_check_memory(codec, state, &bytes, what);
    tcore_buf_free(&bytes);
}

/* Whether two states have the same bytes. */
static inline bool codec_same(const struct codec *codec, const void *a, const void *b)
{
    struct tcore_buf first = {0}, second = {0};
    codec->encode(a, &first);
    codec->encode(b, &second);
    bool same = first.length == second.length && !memcmp(first.data, second.data, first.length);
    tcore_buf_free(&first);
    tcore_buf_free(&second);
    return same;
}

#endif
