/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Damaged segments: every flipped bit and every truncation is found, and what is read of one is
 * what was written or an error; a flip costs one block at most.
 */
#include "tap.h"

#include "segment_file.h"
#include "store/segment_check.h"
#include "store/segment_salvage.h"

/* What was written, and where its blocks begin among the lines; the last entry is their end. */
struct sample {
    struct tcore_buf lines;
    unsigned blocks;
    size_t line_at[65];
};

/* What was found of it when it was damaged. */
struct damage {
    unsigned tried, unopened, found, silent, wrong, lost_blocks_most;
};

/* Blocks of spans, and every third of metrics, of so many lines each. */
static void make_sample(struct sample *sample, unsigned blocks, unsigned block_lines)
{
    struct segment_recipe recipe = {.block_lines = block_lines};
    struct tcore_buf *lines = &sample->lines;
    struct tcore_error err = {0};
    uint64_t state = 20261129;
    sample->blocks = blocks;
    for (unsigned block = 0; block < blocks; block++) {
        sample->line_at[block] = lines->length;
        for (unsigned i = 0; i < block_lines; i++) {
            unsigned second = 1790000000 + block * block_lines + i;
            if (block % 3 == 1)
                tcore_buf_printf(lines,
                                 "{\"type\":\"metric\",\"metricName\":\"m%u\",\"value\":%u,"
                                 "\"timeUnixNano\":\"%u000000000\"}\n",
                                 i % 3, (unsigned)draw_below(&state, 1000), second);
            else
                tcore_buf_printf(lines,
                                 "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%08x%08x\","
                                 "\"name\":\"op%u\",\"startTimeUnixNano\":\"%u000000000\","
                                 "\"endTimeUnixNano\":\"%u000001000\",\"durationNano\":1000,"
                                 "\"service\":\"s%u\"}\n",
                                 block * block_lines + i / 4 + 1,
                                 (unsigned)draw_below(&state, UINT32_MAX), i + 1, i % 4, second,
                                 second, i % 2);
        }
    }
    sample->line_at[blocks] = lines->length;
    bool written = write_segment(&recipe, lines, &err) == TCORE_OK;
    ok(written, "a segment of %u blocks, %zu bytes %s", blocks, file.length, err.text);
}

/* Which block the text is, from that one on, or -1. */
static int block_of(const struct tcore_buf *text, const struct sample *sample, unsigned from)
{
    for (unsigned block = from; block < sample->blocks; block++) {
        size_t at = sample->line_at[block];
        if (text->length == sample->line_at[block + 1] - at &&
            !memcmp(text->data, sample->lines.data + at, text->length))
            return (int)block;
    }
    return -1;
}

static void look(struct damage *d, const struct sample *sample)
{
    struct tcore_segment *segment = NULL;
    struct tcore_error err;
    unsigned readable = 0, blocks = 0;
    d->tried++;
    if (tcore_segment_open(&segment, FILE_FD, &err) != TCORE_OK) {
        d->unopened++;
        tcore_segment_salvage(&segment, FILE_FD, &err);
    } else if (tcore_segment_check_digest(segment, &err) == TCORE_OK) {
        d->silent++;
    } else {
        d->found++;
    }
    if (segment)
        blocks = tcore_segment_manifest(segment)->block_count;
    struct tcore_buf got = {0};
    for (uint32_t i = 0, next = 0; i < blocks; i++) {
        tcore_buf_clear(&got);
        if (read_block(segment, i, NULL, &got, &err) != TCORE_OK)
            continue;
        int block = block_of(&got, sample, next);
        if (block < 0)
            d->wrong++; /* none, or again, or out of order */
        else
            next = (uint32_t)block + 1;
        readable++;
    }
    tcore_buf_free(&got);
    unsigned lost = sample->blocks > readable ? sample->blocks - readable : 0;
    d->lost_blocks_most = lost > d->lost_blocks_most ? lost : d->lost_blocks_most;
    tcore_segment_close(segment);
}

static void flip(struct damage *d, const struct sample *sample, size_t bit)
{
    file.data[bit / 8] ^= (char)(1 << bit % 8);
    look(d, sample);
    file.data[bit / 8] ^= (char)(1 << bit % 8);
}

static void tell_flips(const struct damage *d, unsigned least)
{
    ok(d->tried >= least && d->unopened + d->found == d->tried && !d->silent && !d->wrong,
       "%u flipped bits: %u found when opened, %u by the digest, %u silent, %u read wrongly",
       d->tried, d->unopened, d->found, d->silent, d->wrong);
    ok(d->lost_blocks_most <= 1, "a flip loses one block at most");
}

static void test_every_flip(const struct sample *sample)
{
    struct damage d = {0};
    /* every bit: all of them take half a minute under sanitizers */
    unsigned step = getenv("TRACECORE_TEST_LONG") ? 1 : 7;
    for (size_t bit = 0; bit < 8 * file.length; bit += step)
        flip(&d, sample, bit);
    tell_flips(&d, 1000);
}

static void test_truncations(const struct sample *sample)
{
    struct damage d = {0};
    struct tcore_error err;
    size_t whole = file.length;
    for (file.length = 0; file.length < whole; file.length++)
        look(&d, sample);
    ok(d.unopened == d.tried && d.tried == whole && !d.wrong,
       "%u truncations: %u found, %u read wrongly", d.tried, d.unopened, d.wrong);
    char more[] = "x";
    file.length = whole;
    memory_write(FILE_FD, more, 1);
    struct tcore_segment *segment;
    ok(tcore_segment_open(&segment, FILE_FD, &err) == TCORE_BAD_INPUT, "a byte behind it: %s",
       err.text);
}

/* Bits anywhere in a segment of many blocks. */
static void test_some_flips(const struct sample *sample)
{
    struct damage d = {0};
    uint64_t state = 1129;
    unsigned flips = getenv("TRACECORE_TEST_LONG") ? 20000 : 100;
    for (unsigned i = 0; i < flips; i++)
        flip(&d, sample, draw_below(&state, 8 * file.length));
    tell_flips(&d, flips);
}

int main(void)
{
    struct sample small = {0}, large = {0};
    struct tcore_sys sys = tcore_sys_default;
    use_memory(&sys);
    tcore_sys_set(&sys);
    make_sample(&small, 3, 12);
    test_every_flip(&small);
    test_truncations(&small);
    make_sample(&large, 64, 300);
    test_some_flips(&large);
    tcore_sys_set(NULL);
    tcore_buf_free(&small.lines);
    tcore_buf_free(&large.lines);
    free(file.data);
    return done_testing();
}
