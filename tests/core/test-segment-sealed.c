/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sealed columns of a segment: who has the key reads what was written, and who has not reads the
 * rest; a sealed member that was changed, or that stands in the place of another block's or
 * column's, is refused; nothing leaks when memory is short.
 */
#include "tap.h"

#include "failing.h"
#include "segment_file.h"
#include "store/rewrite.h"
#include "store/segment_check.h"
#include "store/segment_private.h"
#include "store/segment_salvage.h"
#include "store/tar.h"
#include "stream/binary_format.h"

#define CANARY "canary"
#define BLOCKS 3
#define ROWS   20

/* ---- who reads what ---- */

static struct tcore_public_key public_key;

static unsigned label_of(const void *context, const char *key, size_t length)
{
    (void)context;
    return (length == 10 && !memcmp(key, "user.email", 10)) ||
           (length == 5 && !memcmp(key, "other", 5)) || (length == 4 && !memcmp(key, "flag", 4));
}

static struct tcore_labels labels = {
    .label = {{"public", NULL, 0}, {"pii", &public_key, 1}}, .count = 2, .of = label_of};

static void add_line(struct tcore_buf *lines, unsigned i)
{
    tcore_buf_printf(lines,
                     "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op\""
                     ",\"startTimeUnixNano\":\"%u000000000\",\"attributes\":{\"n\":%u,"
                     "\"user.email\":\"" CANARY "%06u\",\"other\":\"" CANARY "%06u\",\"flag\":true,"
                     "\"deep\":{\"user.email\":["
                     "%u]}}}\n",
                     i + 1, i + 1, 1790000000 + i, i, i, i + 500, i);
}

static enum tcore_status write_sealed(struct tcore_error *err)
{
    struct segment_recipe recipe = {.block_lines = ROWS, .labels = &labels};
    struct tcore_buf lines = {0};
    for (unsigned i = 0; i < BLOCKS * ROWS; i++)
        add_line(&lines, i);
    enum tcore_status status = tcore_buf_status(&lines, err);
    if (status == TCORE_OK)
        status = write_segment(&recipe, &lines, err);
    tcore_buf_free(&lines);
    return status;
}

/* ---- reading ---- */

static enum tcore_status make_ring(struct tcore_key_ring **ring, bool with_key,
                                   struct tcore_error *err)
{
    struct tcore_private_key *key;
    enum tcore_status status = tcore_key_ring_new(ring, err);
    if (status == TCORE_OK && with_key)
        status = tcore_private_key_new(&key, TCORE_KEY_SEALING, err);
    return status == TCORE_OK && with_key ? tcore_key_ring_add(*ring, key, err) : status;
}

/* All of a segment's text. */
static enum tcore_status read_all(bool with_key, struct tcore_buf *text, struct tcore_error *err)
{
    struct tcore_key_ring *ring = NULL;
    struct tcore_segment *segment = NULL;
    enum tcore_status status = make_ring(&ring, with_key, err);
    if (status == TCORE_OK)
        status = tcore_segment_open(&segment, FILE_FD, err);
    if (status == TCORE_OK)
        status = tcore_segment_unlock(segment, ring, err);
    for (uint32_t b = 0; status == TCORE_OK && b < tcore_segment_manifest(segment)->block_count;
         b++)
        status = read_block(segment, b, ring, text, err);
    tcore_segment_close(segment);
    tcore_key_ring_free(ring);
    return status;
}

/* Whether all is read with the key, and without it no labelled value; nor is one in the file. */
static bool reads_right(struct tcore_error *err)
{
    struct tcore_buf text = {0}, wanted = {0};
    for (unsigned i = 0; i < BLOCKS * ROWS; i++)
        add_line(&wanted, i);
    bool right = read_all(true, &text, err) == TCORE_OK && text.length == wanted.length &&
                 !memcmp(text.data, wanted.data, wanted.length);
    tcore_buf_clear(&text);
    right =
        right && read_all(false, &text, err) == TCORE_OK &&
        !memmem(text.data, text.length, CANARY, 6) && !memmem(text.data, text.length, "flag", 4) &&
        memmem(text.data, text.length, "\"n\":", 4) && !memmem(file.data, file.length, CANARY, 6);
    tcore_buf_free(&text);
    tcore_buf_free(&wanted);
    return right;
}

/* ---- members that were changed or moved ---- */

/* The frame of a member becomes one with its name and the data of another one, or with a bit of its
 * own changed: all but what is sealed agrees. */
static bool forge(struct tcore_segment *segment, uint32_t to, uint32_t from, long flip)
{
    struct tcore_block_reader reader = {0};
    struct tcore_packer *packer = NULL;
    struct tcore_slice own, data;
    char name[TAR_NAME_BYTES];
    size_t at = file.length;
    bool done = tcore_block_reader_member(&reader, segment, to, name, &own, NULL) == TCORE_OK &&
                tcore_block_reader_member(&reader, segment, from, NULL, &data, NULL) == TCORE_OK &&
                tcore_packer_new(&packer, NULL) == TCORE_OK;
    if (done) {
        size_t content = TAR_BYTES + data.length + tcore_tar_padding(data.length);
        char *bytes = calloc(1, content);
        tcore_tar_header(bytes, name, data.length, 0);
        memcpy(bytes + TAR_BYTES, data.data, data.length);
        if (flip >= 0)
            bytes[TAR_BYTES + flip / 8] ^= (char)(1 << flip % 8);
        struct tcore_buf packed = {0};
        done = tcore_packer_pack(packer, bytes, content, 1, &packed, NULL) == TCORE_OK;
        memory_write(FILE_FD, packed.data, packed.length);
        segment->frame[to] = (struct frame_place){at, (uint32_t)packed.length, (uint32_t)content};
        tcore_buf_free(&packed);
        free(bytes);
    }
    tcore_packer_free(packer);
    tcore_block_reader_free(&reader);
    return done;
}

/* The sealed member of a block whose name has that in it; 0: none. */
static uint32_t find_sealed(const struct tcore_segment *segment, uint32_t block, const char *what)
{
    const struct tcore_manifest_block *b = &tcore_segment_manifest(segment)->block[block];
    uint32_t found = 0;
    for (uint32_t i = 1; i < b->frames && !found; i++) {
        struct tcore_block_reader reader = {0};
        struct tcore_slice data;
        char name[TAR_NAME_BYTES];
        if (tcore_block_reader_member(&reader, segment, b->frame + i, name, &data, NULL) ==
                TCORE_OK &&
            strstr(name, what) && strstr(name, SEALED_SUFFIX))
            found = b->frame + i;
        tcore_block_reader_free(&reader);
    }
    return found;
}

/* Whether the block of a segment with a forged member is refused. */
static bool is_refused(const struct tcore_segment *segment, struct tcore_error *err)
{
    struct tcore_buf text = {0};
    enum tcore_status status = read_block(segment, 0, NULL, &text, err);
    tcore_buf_free(&text);
    return status == TCORE_BAD_INPUT;
}

static void test_forgeries(void)
{
    struct tcore_segment *segment = NULL;
    struct tcore_key_ring *ring = NULL;
    struct tcore_error err = {0};
    if (make_ring(&ring, true, &err) != TCORE_OK ||
        tcore_segment_open(&segment, FILE_FD, &err) != TCORE_OK ||
        tcore_segment_unlock(segment, ring, &err) != TCORE_OK) {
        ok(false, "%s", err.text);
        return;
    }
    uint32_t email = find_sealed(segment, 0, ".user.email"),
             other = find_sealed(segment, 0, ".other"),
             next = find_sealed(segment, 1, ".user.email");
    const struct frame_place was = segment->frame[email];
    const size_t length = file.length;
    ok(email && other && next && !is_refused(segment, &err), "there are sealed members");
    ok(forge(segment, email, email, -1) && !is_refused(segment, &err),
       "a member that is packed again is none that was changed");
    ok(forge(segment, email, next, -1) && is_refused(segment, &err),
       "a member of another block is refused: %s", err.text);
    ok(forge(segment, email, other, -1) && is_refused(segment, &err),
       "a member of another column is refused: %s", err.text);
    unsigned flips = 0, refused = 0;
    for (long bit = 0; bit < 8 * 60; bit++) {
        segment->frame[email] = was;
        flips += forge(segment, email, email, bit);
        refused += is_refused(segment, &err);
        file.length = length;
    }
    segment->frame[email] = was;
    is_int(refused, flips, "%u changed members are refused", flips);
    tcore_segment_close(segment);
    tcore_key_ring_free(ring);
}

/* ---- writing anew ---- */

static enum tcore_status may_rewrite(bool with_key, const struct tcore_labels *by, bool *lacks_key,
                                     struct tcore_error *err)
{
    struct tcore_projection projection = {0};
    struct tcore_segment_reader *reader = NULL;
    struct tcore_key_ring *ring = NULL;
    struct tcore_segment *segment = NULL;
    enum tcore_status status = make_ring(&ring, with_key, err);
    if (status == TCORE_OK)
        status = tcore_segment_reader_new(&reader, &projection, ring, err);
    if (status == TCORE_OK)
        status = tcore_segment_open(&segment, FILE_FD, err);
    if (status == TCORE_OK)
        status = tcore_segment_may_rewrite(reader, segment, by, err);
    *lacks_key = reader && tcore_segment_reader_lacks_key(reader);
    tcore_segment_close(segment);
    tcore_segment_reader_free(reader);
    tcore_projection_free(&projection);
    tcore_key_ring_free(ring);
    return status;
}

static unsigned label_of_none(const void *context, const char *key, size_t length)
{
    (void)context;
    (void)key;
    (void)length;
    return 0;
}

static unsigned label_of_all(const void *context, const char *key, size_t length)
{
    (void)context;
    (void)key;
    (void)length;
    return 2;
}

static void test_may_rewrite(void)
{
    const struct tcore_label pii = {"pii", &public_key, 1}, secret = {"secret", &public_key, 1};
    const struct tcore_labels none = {
        .label = {{"public", NULL, 0}, pii}, .count = 2, .of = label_of_none};
    const struct tcore_labels all = {
        .label = {{"public", NULL, 0}, pii, secret}, .count = 3, .of = label_of_all};
    const struct tcore_labels others = {
        .label = {{"public", NULL, 0}, secret}, .count = 2, .of = label_of};
    struct tcore_error err;
    bool lacks_key;
    ok(may_rewrite(true, &labels, &lacks_key, &err) == TCORE_OK, "by the labels it has");
    ok(may_rewrite(true, &all, &lacks_key, &err) == TCORE_OK, "by a more secret one");
    ok(may_rewrite(false, &labels, &lacks_key, &err) == TCORE_BAD_INPUT && lacks_key,
       "not without a key: %s", err.text);
    ok(may_rewrite(true, NULL, &lacks_key, &err) == TCORE_BAD_INPUT && !lacks_key,
       "not without labels: %s", err.text);
    ok(may_rewrite(true, &none, &lacks_key, &err) == TCORE_BAD_INPUT,
       "nor where none is for it: %s", err.text);
    ok(may_rewrite(true, &others, &lacks_key, &err) == TCORE_BAD_INPUT,
       "nor by labels that do not have its own: %s", err.text);
}

/* ---- without an index ---- */

static enum tcore_status read_salvaged(bool with_key, struct tcore_buf *text,
                                       struct tcore_error *err)
{
    struct tcore_key_ring *ring = NULL;
    struct tcore_segment *segment = NULL;
    enum tcore_status status = make_ring(&ring, with_key, err);
    if (status == TCORE_OK)
        status = tcore_segment_salvage(&segment, FILE_FD, err);
    if (status == TCORE_OK)
        status = tcore_segment_unlock(segment, ring, err);
    for (uint32_t b = 0; status == TCORE_OK && b < tcore_segment_manifest(segment)->block_count;
         b++)
        status = read_block(segment, b, ring, text, err);
    tcore_segment_close(segment);
    tcore_key_ring_free(ring);
    return status;
}

/* How many labelled values are read, with everything from that byte on cut off and one changed. */
static unsigned salvage(size_t length, size_t change, bool with_key)
{
    struct tcore_buf text = {0};
    struct tcore_error err;
    const size_t whole = file.length;
    unsigned count = 0;
    file.length = length;
    file.data[change] ^= 1;
    enum tcore_status status = read_salvaged(with_key, &text, &err);
    file.data[change] ^= 1;
    file.length = whole;
    for (const char *at = text.data; status == TCORE_OK && at && text.length;) {
        at = memmem(at, text.length - (size_t)(at - text.data), CANARY, 6);
        count += at != NULL;
        at += at ? 6 : 0;
    }
    if (status != TCORE_OK)
        printf("# %s\n", err.text);
    tcore_buf_free(&text);
    return count;
}

static void test_salvage(void)
{
    struct tcore_segment *segment = NULL;
    struct tcore_error err;
    if (tcore_segment_open(&segment, FILE_FD, &err) != TCORE_OK) {
        ok(false, "%s", err.text);
        return;
    }
    const struct frame_place *keys = &segment->frame[segment->manifest.keys];
    const uint64_t manifest = segment->frame[segment->members - 1].at, end = segment->footer_at;
    const uint64_t behind_keys = keys->at + keys->packed, in_keys = keys->at + 20;
    tcore_segment_close(segment);
    const unsigned all = 2 * BLOCKS * ROWS; /* of two attributes */
    is_int(salvage(file.length, file.length - 1, true), all, "the seek table is damaged");
    is_int(salvage(file.length, file.length - 1, false), 0, "which gives nothing to others");
    is_int(salvage(end, 0, true), all - 2 * ROWS, "no footer, and the first block is damaged");
    is_int(salvage(file.length, manifest + 20, true), all, "the manifest is damaged");
    is_int(salvage(behind_keys, file.length - 1, true), 0, "nobody knows which segment it was");
    is_int(salvage(file.length, in_keys, true), 0, "the keys are damaged");
}

static void test_lines(void)
{
    static const struct {
        const char *lines;
        unsigned label;
    } cases[] = {
        {"", 0},
        {"{}\n", 0},
        {"{\"name\":\"user.email\",\"n\":[\"flag\"]}\n", 0},
        {"{\"flag\":1}\n", 1},
        {"{\"attributes\":{\"user.email\":\"a\"}}\n", 1},
        {"{\"attributes\":{\"user\":{\"email\":\"a\"}}}\n", 1},
        {"{\"events\":[{\"attributes\":{\"user\":[{\"email\":1}]}}]}", 1},
        {"{\"attributes\":{\"user\":1,\"email\":2}}\n", 0},
        {"{\"n\":1}\n\n{\"n\":2}\n{\"n\":{\"other\":2}}\n", 1},
        {"{\"n\":{\"other\":2}}\n{\"n\":1}\n", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned label = 7;
        struct tcore_error err;
        enum tcore_status status =
            tcore_label_of_lines(&labels, cases[i].lines, strlen(cases[i].lines), &label, &err);
        ok(status == TCORE_OK && label == cases[i].label, "label %u: %s", label, cases[i].lines);
    }
    unsigned label;
    ok(tcore_label_of_lines(&labels, "{\"a\":", 5, &label, NULL) == TCORE_BAD_INPUT,
       "what cannot be read has no label that could be trusted");
}

static void test_nobody(void)
{
    struct tcore_error err;
    labels.label[1].reader_count = 0;
    ok(write_sealed(&err) == TCORE_BAD_INPUT, "a label without readers is an error: %s", err.text);
    labels.label[1].reader_count = 1;
}

static void test_memory(struct tcore_sys *sys)
{
    struct tcore_error err;
    unsigned writes = 0, reads = 0;
    bool more = true;
    for (unsigned long n = 1; more; n++) {
        failing_begin(n);
        use_memory(&failing.sys);
        enum tcore_status status = write_sealed(&err);
        more = failing_end();
        tcore_sys_set(sys);
        if (status == TCORE_OK && !reads_right(&err)) /* some can be done without */
            ok(false, "allocation %lu fails, and what is written is not right", n);
        writes++;
    }
    ok(writes > 50 && !failing.live, "writing: %u failed allocations, nothing leaks (%ld)", writes,
       failing.live);
    more = true;
    for (unsigned long n = 1; more; n++) {
        struct tcore_buf text = {0};
        failing_begin(n);
        use_memory(&failing.sys);
        enum tcore_status status = read_all(true, &text, &err);
        tcore_buf_free(&text);
        more = failing_end();
        if (more && status == TCORE_OK)
            ok(false, "allocation %lu fails and nobody says so", n);
        reads++;
    }
    ok(reads > 50 && !failing.live, "reading: %u failed allocations, nothing leaks (%ld)", reads,
       failing.live);
    for (int salvages = 0; salvages < 2; salvages++) {
        more = true;
        for (unsigned long n = 1; more; n++) {
            struct tcore_buf text = {0};
            bool lacks_key;
            failing_begin(n);
            use_memory(&failing.sys);
            enum tcore_status status = salvages ? read_salvaged(true, &text, &err)
                                                : may_rewrite(true, &labels, &lacks_key, &err);
            tcore_buf_free(&text);
            more = failing_end();
            if (more && status == TCORE_OK)
                ok(false, "allocation %lu fails and nobody says so (%d)", n, salvages);
        }
    }
    ok(!failing.live, "salvaging and looking: nothing leaks (%ld)", failing.live);
}

int main(void)
{
    struct tcore_sys sys = tcore_sys_default;
    struct tcore_private_key *key = NULL;
    struct tcore_error err = {0};
    use_memory(&sys);
    tcore_sys_set(&sys);
    if (tcore_private_key_new(&key, TCORE_KEY_SEALING, &err) != TCORE_OK) {
        skip("%s", err.text);
        return done_testing();
    }
    tcore_private_key_public(key, "anna", &public_key, &err);
    tcore_private_key_free(key);
    ok(write_sealed(&err) == TCORE_OK, "a segment with sealed columns: %s", err.text);
    ok(reads_right(&err), "with the key all is read as it was, without it the rest: %s", err.text);
    test_forgeries();
    test_may_rewrite();
    test_salvage();
    test_lines();
    test_nobody();
    test_memory(&sys);
    tcore_sys_set(NULL);
    free(file.data);
    return done_testing();
}
