/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sealed parts and wrapped keys: what opens, and that nothing else does. */
#include "store/seal.h"

#include "failing.h"
#include "tap.h"

#define CANARY "canary-5f0c1e@example.org"

static const unsigned char segment[TCORE_SEGMENT_ID_BYTES] = "0123456789abcdef";
static const unsigned char other_segment[TCORE_SEGMENT_ID_BYTES] = "0123456789abcdeg";

static struct tcore_private_key *private_keys[3];
static struct tcore_public_key public_keys[3];

static bool make_keys(struct tcore_error *err)
{
    static const char *const names[] = {"anna", "ben", "cleo"};

    for (size_t i = 0; i < 3; i++)
        if (tcore_private_key_new(&private_keys[i], TCORE_KEY_SEALING, err) != TCORE_OK ||
            tcore_private_key_public(private_keys[i], names[i], &public_keys[i], err) != TCORE_OK)
            return false;
    return true;
}

static struct tcore_segment_key *new_key(const char *label)
{
    struct tcore_segment_key *key = NULL;
    struct tcore_error err;

    tcore_segment_key_new(&key, segment, label, &err);
    return key;
}

/* Opens the label of a list by the private key. */
static enum tcore_status unwrap(const struct tcore_wrapped_keys *keys, size_t who,
                                struct tcore_segment_key **key)
{
    struct tcore_error err;

    return tcore_wrapped_open(keys, "pii", segment, private_keys[who], key, &err);
}

static bool opens(const struct tcore_wrapped_keys *keys, size_t who, const struct tcore_buf *sealed,
                  const char *wanted)
{
    struct tcore_segment_key *key = NULL;
    struct tcore_buf out = {0};
    struct tcore_error err;
    bool same = unwrap(keys, who, &key) == TCORE_OK &&
                tcore_open_part(key, 3, 4, sealed->data, sealed->length, &out, &err) == TCORE_OK &&
                out.length == strlen(wanted) &&
                (!out.length || memcmp(out.data, wanted, out.length) == 0);

    tcore_segment_key_free(key);
    tcore_buf_free(&out);
    return same;
}

static void test_roundtrip(void)
{
    struct tcore_segment_key *key = new_key("pii");
    struct tcore_error err = {0};
    size_t good = 0, sizes = 0;

    for (size_t length = 0; length < 300; length += 7, sizes++) {
        char data[300];
        struct tcore_buf sealed = {0}, opened = {0};

        memset(data, (int)('a' + length % 26), sizeof data);
        good += tcore_seal_part(key, 1, 2, data, length, &sealed, &err) == TCORE_OK &&
                sealed.length == length + TCORE_SEAL_BYTES &&
                tcore_open_part(key, 1, 2, sealed.data, sealed.length, &opened, &err) == TCORE_OK &&
                opened.length == length && (!length || !memcmp(opened.data, data, length));
        tcore_buf_free(&sealed);
        tcore_buf_free(&opened);
    }
    is_int(good, sizes, "parts of %zu sizes come back", sizes);
    tcore_segment_key_free(key);
}

/* Each change of what was sealed, and of where it is said to be. */
static void test_refused(void)
{
    struct tcore_segment_key *key = new_key("pii"), *secret = new_key("secret"), *elsewhere = NULL;
    struct tcore_buf sealed = {0}, out = {0};
    struct tcore_error err = {0};
    size_t found = 0, tried = 0, told = 0;

    tcore_seal_part(key, 3, 4, CANARY, strlen(CANARY), &sealed, &err);
    ok(!memmem(sealed.data, sealed.length, "canary", 6), "the text is not to be seen");
    for (size_t bit = 0; bit < sealed.length * 8; bit++, tried++) {
        sealed.data[bit / 8] ^= (char)(1 << bit % 8);
        found +=
            tcore_open_part(key, 3, 4, sealed.data, sealed.length, &out, &err) == TCORE_BAD_INPUT &&
            !out.length;
        told += strstr(err.text, "canary") != NULL;
        sealed.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t length = 0; length < sealed.length; length++, tried++)
        found += tcore_open_part(key, 3, 4, sealed.data, length, &out, &err) == TCORE_BAD_INPUT;
    is_int(found, tried, "%zu flips and cuts, %zu found", tried, found);
    is_int(told, 0, "no message tells what it was");
    is_int(tcore_open_part(key, 2, 4, sealed.data, sealed.length, &out, &err), TCORE_BAD_INPUT,
           "another block");
    is_int(tcore_open_part(key, 3, 5, sealed.data, sealed.length, &out, &err), TCORE_BAD_INPUT,
           "another column");
    is_int(tcore_open_part(key, 4, 3, sealed.data, sealed.length, &out, &err), TCORE_BAD_INPUT,
           "the two exchanged");
    is_int(tcore_open_part(secret, 3, 4, sealed.data, sealed.length, &out, &err), TCORE_BAD_INPUT,
           "another key");
    tcore_segment_key_free(key);
    tcore_segment_key_free(secret);

    /* the same key, said to be another segment's or label's */
    struct tcore_wrapped_keys keys = {0}, renamed = {0};
    struct tcore_buf text = {0};
    key = new_key("pii");
    out.length = sealed.length = 0;
    tcore_seal_part(key, 3, 4, CANARY, strlen(CANARY), &sealed, &err);
    tcore_wrapped_add(&keys, key, public_keys, 1, &err);
    tcore_wrapped_open(&keys, "pii", other_segment, private_keys[0], &elsewhere, &err);
    is_int(tcore_open_part(elsewhere, 3, 4, sealed.data, sealed.length, &out, &err),
           TCORE_BAD_INPUT, "another segment");
    tcore_segment_key_free(elsewhere);
    tcore_wrapped_write(&keys, &text, &err);
    memcpy(strstr(text.data, "pii"), "pij", 3);
    is_int(tcore_wrapped_read(&renamed, text.data, text.length, &err), TCORE_OK, "renamed");
    tcore_wrapped_open(&renamed, "pij", segment, private_keys[0], &elsewhere, &err);
    is_int(tcore_open_part(elsewhere, 3, 4, sealed.data, sealed.length, &out, &err),
           TCORE_BAD_INPUT, "another label");
    ok(opens(&keys, 0, &sealed, CANARY), "but it opens where it belongs");
    tcore_segment_key_free(elsewhere);
    tcore_segment_key_free(key);
    tcore_wrapped_free(&keys);
    tcore_wrapped_free(&renamed);
    tcore_buf_free(&text);
    tcore_buf_free(&sealed);
    tcore_buf_free(&out);
}

static void test_recipients(void)
{
    struct tcore_segment_key *key = new_key("pii"), *unwrapped = NULL;
    struct tcore_wrapped_keys keys = {0};
    struct tcore_buf sealed = {0};
    struct tcore_error err = {0};

    tcore_seal_part(key, 3, 4, CANARY, strlen(CANARY), &sealed, &err);
    is_int(tcore_wrapped_add(&keys, key, public_keys, 0, &err), TCORE_BAD_INPUT, "for nobody");
    is_int(tcore_wrapped_add(&keys, key, public_keys, 2, &err), TCORE_OK, "for two");
    is_int(tcore_wrapped_add(&keys, key, public_keys, 2, &err), TCORE_BAD_INPUT, "but once");
    tcore_segment_key_free(key);
    ok(opens(&keys, 0, &sealed, CANARY) && opens(&keys, 1, &sealed, CANARY), "both can read it");
    is_int(unwrap(&keys, 2, &unwrapped), TCORE_SKIP, "a third cannot");
    is_int(unwrap(&keys, 0, &unwrapped), TCORE_OK, "what was unwrapped");
    is_int(tcore_seal_part(unwrapped, 9, 9, "x", 1, &sealed, &err), TCORE_BAD_INPUT,
           "does not seal");
    tcore_segment_key_free(unwrapped);
    is_int(tcore_wrapped_add_recipient(&keys, "pii", private_keys[2], &public_keys[2], &err),
           TCORE_SKIP, "who cannot read lets nobody in");
    is_int(tcore_wrapped_add_recipient(&keys, "pii", private_keys[1], &public_keys[2], &err),
           TCORE_OK, "who can does");
    ok(opens(&keys, 2, &sealed, CANARY), "and the third reads it");
    is_int(tcore_wrapped_add_recipient(&keys, "pii", private_keys[1], &public_keys[2], &err),
           TCORE_OK, "once more");
    is_int(keys.label[0].count, 3, "adds nobody");
    is_int(tcore_wrapped_remove_recipient(&keys, "pii", public_keys[0].fingerprint, &err), TCORE_OK,
           "the first is taken away");
    ok(unwrap(&keys, 0, &unwrapped) == TCORE_SKIP && opens(&keys, 1, &sealed, CANARY),
       "and cannot read it, the others can");
    is_int(tcore_wrapped_remove_recipient(&keys, "pii", public_keys[0].fingerprint, &err),
           TCORE_SKIP, "only once");
    is_int(tcore_wrapped_replace_recipient(&keys, "pii", private_keys[1], &public_keys[0], &err),
           TCORE_OK, "the second hands over to the first");
    ok(unwrap(&keys, 1, &unwrapped) == TCORE_SKIP && opens(&keys, 0, &sealed, CANARY),
       "who can read it again, instead");
    is_int(tcore_wrapped_replace_recipient(&keys, "pii", private_keys[0], &public_keys[2], &err),
           TCORE_OK, "to one who is there already");
    is_int(keys.label[0].count, 1, "leaves that one");
    is_int(tcore_wrapped_remove_recipient(&keys, "pii", public_keys[2].fingerprint, &err),
           TCORE_BAD_INPUT, "the last is not taken away by the way");
    ok(opens(&keys, 2, &sealed, CANARY), "and still reads");
    is_int(tcore_wrapped_destroy(&keys, "pii", &err), TCORE_OK, "destroyed");
    is_int(unwrap(&keys, 2, &unwrapped), TCORE_SKIP, "for all");
    is_int(tcore_wrapped_destroy(&keys, "secret", &err), TCORE_SKIP, "what is not there");
    tcore_wrapped_open(&keys, "pii", segment, private_keys[2], &unwrapped, &err);
    is_str(err.text, "the key of label pii was destroyed", "and it says so");
    tcore_wrapped_free(&keys);
    tcore_buf_free(&sealed);
}

#define KEY "0123456789abcdef0123456789abcdef"

static const char *const bad_lists[] = {
    "{}\n",
    "[]\n",
    "x\n",
    "{\"label\":\"pii\",\"recipients\":[]}",
    "{\"label\":\"Pii\",\"recipients\":[]}\n",
    "{\"label\":\"\",\"recipients\":[]}\n",
    "{\"label\":7,\"recipients\":[]}\n",
    "{\"label\":\"pii\"}\n",
    "{\"label\":\"pii\",\"recipients\":{}}\n",
    "{\"label\":\"pii\",\"recipients\":[7]}\n",
    "{\"label\":\"pii\",\"recipients\":[{\"key\":\"" KEY "\"}]}\n",
    "{\"label\":\"pii\",\"recipients\":[{\"key\":\"" KEY "\",\"sealed\":\"AAAA\"}]}\n",
    "{\"label\":\"pii\",\"recipients\":[{\"key\":\"" KEY "\",\"sealed\":\"!\"}]}\n",
    "{\"label\":\"pii\",\"recipients\":[{\"key\":\"" KEY "0\",\"sealed\":\"AAAA\"}]}\n",
    "{\"label\":\"pii\",\"recipients\":[]}\n{\"label\":\"pii\",\"recipients\":[]}\n",
};

static void test_text(void)
{
    struct tcore_wrapped_keys keys = {0}, back = {0};
    struct tcore_segment_key *pii = new_key("pii"), *secret = new_key("secret"), *key = NULL;
    struct tcore_buf text = {0}, again = {0};
    struct tcore_error err = {0};
    size_t found = 0, tried = 0;

    tcore_wrapped_add(&keys, pii, public_keys, 2, &err);
    tcore_wrapped_add(&keys, secret, public_keys + 1, 1, &err);
    is_int(tcore_wrapped_write(&keys, &text, &err), TCORE_OK, "written");
    is_int(tcore_wrapped_read(&back, text.data, text.length, &err), TCORE_OK, "and read");
    tcore_wrapped_write(&back, &again, &err);
    is_mem(again.data, again.length, text.data, text.length, "the same");
    tcore_wrapped_free(&back);
    /* no change of one bit gives a key, and no reader reads outside */
    char *sealed = strstr(text.data, "\"sealed\":\"") + 10;
    for (size_t bit = 0; bit < 108 * 8; bit++, tried++) {
        sealed[bit / 8] ^= (char)(1 << bit % 8);
        enum tcore_status status = tcore_wrapped_read(&back, text.data, text.length, &err);
        found += status == TCORE_BAD_INPUT || unwrap(&back, 0, &key) == TCORE_BAD_INPUT;
        tcore_segment_key_free(key);
        key = NULL;
        tcore_wrapped_free(&back);
        sealed[bit / 8] ^= (char)(1 << bit % 8);
    }
    is_int(found, tried, "%zu flips of a wrapped key, %zu found", tried, found);
    for (size_t i = 0; i < sizeof bad_lists / sizeof *bad_lists; i++) {
        is_int(tcore_wrapped_read(&back, bad_lists[i], strlen(bad_lists[i]), &err), TCORE_BAD_INPUT,
               "bad list %zu", i);
        ok(!back.count && err.line >= 1, "is empty again, and the line is named");
    }
    is_int(tcore_segment_key_new(&key, segment, "PII", &err), TCORE_BAD_INPUT, "no such label");
    tcore_segment_key_free(pii);
    tcore_segment_key_free(secret);
    tcore_wrapped_free(&keys);
    tcore_buf_free(&text);
    tcore_buf_free(&again);
}

static enum tcore_status whole_course(struct tcore_error *err)
{
    struct tcore_wrapped_keys keys = {0}, back = {0};
    struct tcore_segment_key *key = NULL, *unwrapped = NULL;
    struct tcore_buf text = {0}, sealed = {0}, opened = {0};
    enum tcore_status status = tcore_segment_key_new(&key, segment, "pii", err);

    if (status == TCORE_OK)
        status = tcore_seal_part(key, 0, 0, CANARY, strlen(CANARY), &sealed, err);
    if (status == TCORE_OK)
        status = tcore_wrapped_add(&keys, key, public_keys, 2, err);
    if (status == TCORE_OK)
        status = tcore_wrapped_add_recipient(&keys, "pii", private_keys[0], &public_keys[2], err);
    if (status == TCORE_OK)
        status = tcore_wrapped_write(&keys, &text, err);
    if (status == TCORE_OK)
        status = tcore_wrapped_read(&back, text.data, text.length, err);
    if (status == TCORE_OK)
        status = tcore_wrapped_open(&back, "pii", segment, private_keys[2], &unwrapped, err);
    if (status == TCORE_OK)
        status = tcore_open_part(unwrapped, 0, 0, sealed.data, sealed.length, &opened, err);
    tcore_segment_key_free(key);
    tcore_segment_key_free(unwrapped);
    tcore_wrapped_free(&keys);
    tcore_wrapped_free(&back);
    tcore_buf_free(&text);
    tcore_buf_free(&sealed);
    tcore_buf_free(&opened);
    return status;
}

static void test_memory(void)
{
    bool more = true;
    unsigned long n = 0;

    while (more && n < 200) {
        struct tcore_error err = {0};

        failing_begin(++n);
        enum tcore_status status = whole_course(&err);
        more = failing_end();
        if (more ? status != TCORE_FATAL : status != TCORE_OK)
            ok(false, "allocation %lu: status %d", n, (int)status);
    }
    ok(!more && n > 8 && failing.live == 0, "%lu failed allocations, nothing leaked", n - 1);
}

int main(void)
{
    struct tcore_error err = {0};

    if (!make_keys(&err)) {
        skip("%s", err.text);
        return done_testing();
    }
    test_roundtrip();
    test_refused();
    test_recipients();
    test_text();
    test_memory();
    for (size_t i = 0; i < 3; i++)
        tcore_private_key_free(private_keys[i]);
    return done_testing();
}
