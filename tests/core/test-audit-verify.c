/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tampering with an audit log, at every record: each change must be found, and what cannot be seen
 * must be what the result says is not attested.
 */
#include "base/sys.h"
#include "store/sodium.h"

#include "audit.h"

enum { RECORDS = 200, LAST_CHECKPOINT = 180 };

static struct tcore_public_key verifying_key;
static struct tcore_private_key *signing_key;
static char *log_text, *checkpoints_text;
static size_t log_length, checkpoints_length;
static const char *line[RECORDS + 1]; /* and its end */
static int step = 3;                  /* every record is tried in the long form */

static struct {
    size_t tried, found;
} total;

static struct {
    struct tcore_audit_problem first;
    bool told;
} seen;

static int no_sync(int fd)
{
    (void)fd;
    return 0;
}

static void report(void *context, const struct tcore_audit_problem *problem)
{
    (void)context;
    if (!seen.told)
        seen.first = *problem;
    seen.told = true;
}

static enum tcore_status verify(bool with_checkpoints, struct tcore_audit_result *result)
{
    struct tcore_error err;
    struct tcore_audit_check check = {.dirfd = audit_dir, .report = report};

    seen.told = false;
    if (with_checkpoints) {
        check.checkpoints = "checkpoints";
        check.keys = &verifying_key;
        check.key_count = 1;
    }
    return tcore_audit_verify(audit_dir, &check, result, &err);
}

static bool make_log(void)
{
    struct tcore_error err;
    char details[80];

    for (int i = 1; i <= RECORDS; i++) {
        snprintf(details, sizeof details, "{\"segment\": \"s-%d\", \"records\": %d}", i, 1000 + i);
        if (audit_event(i % 3 ? "archive" : "erase", details, NULL) != TCORE_OK)
            return false;
        if (i % 60 == 0 && tcore_audit_checkpoint(audit_dir, audit_dir, "checkpoints", signing_key,
                                                  NULL, &err) != TCORE_OK)
            return false;
    }
    log_text = audit_get("audit", &log_length);
    checkpoints_text = audit_get("checkpoints", &checkpoints_length);
    const char *at = log_text;
    for (int i = 0; i < RECORDS; i++) {
        line[i] = at;
        at = strchr(at, '\n') + 1;
    }
    line[RECORDS] = at;
    return true;
}

/* --- Changed logs */

struct text {
    char bytes[200 * 1024];
    size_t length;
};

static struct text changed;

static void put(const char *from, const char *to)
{
    memcpy(changed.bytes + changed.length, from, (size_t)(to - from));
    changed.length += (size_t)(to - from);
}

/* Counts whether the log as it was changed is found to be so. */
static bool try_changed(bool with_checkpoints, bool wanted)
{
    struct tcore_audit_result result;

    audit_put("audit", changed.bytes, changed.length);
    bool found = verify(with_checkpoints, &result) == TCORE_OK && result.problems > 0;
    changed.length = 0;
    if (wanted) {
        total.tried++;
        total.found += found;
    }
    return found == wanted;
}

/* In each record: the byte behind the words, and by what it is replaced in turn. */
static const struct edit {
    const char *behind;
    const char *by; /* two that keep the form: one of them differs */
} edits[] = {
    {"{\"sequence\":", "12"},      {"\"timeUnixNano\":\"", "12"}, {"\"uid\":", "12"},
    {"\"user\":\"", "ab"},         {"\"action\":\"", "xy"},       {"\"segment\":\"", "xy"},
    {"\"records\":", "23"},        {"\"previous\":\"", "01"},     {"\"hash\":\"", "01"},
    {"\"user\":\"anna\"", "\n ,"}, /* no form is kept here */
};

static size_t edit_each(void)
{
    size_t missed = 0;

    for (int i = 0; i < RECORDS; i += step)
        for (size_t e = 0; e < sizeof edits / sizeof *edits; e++) {
            const char *at = strstr(line[i], edits[e].behind) + strlen(edits[e].behind);
            char by = *at == edits[e].by[0] ? edits[e].by[1] : edits[e].by[0];

            put(log_text, at);
            put(&by, &by + 1);
            put(at + 1, line[RECORDS]);
            missed += !try_changed(false, true);
        }
    return missed;
}

static size_t move_each(void)
{
    size_t missed = 0;

    for (int i = 0; i < RECORDS; i += step) {
        if (i < RECORDS - 1) { /* delete: at the end that is to cut */
            put(log_text, line[i]);
            put(line[i + 1], line[RECORDS]);
            missed += !try_changed(false, true);
            put(log_text, line[i]); /* swap */
            put(line[i + 1], line[i + 2]);
            put(line[i], line[i + 1]);
            put(line[i + 2], line[RECORDS]);
            missed += !try_changed(false, true);
        }
        put(log_text, line[i + 1]); /* duplicate */
        put(line[i], line[RECORDS]);
        missed += !try_changed(false, true);
        put(log_text, line[i]); /* the same, far from its place */
        put(line[RECORDS - 1 - i], line[RECORDS - i]);
        put(line[i], line[RECORDS]);
        missed += !try_changed(false, true);
        put(log_text, line[i] + (line[i + 1] - line[i]) / 2); /* cut within */
        missed += !try_changed(false, true);
    }
    return missed;
}

/* Cuts in front of each record: found if a checkpoint is behind, not to be seen otherwise. */
static size_t cut_each(void)
{
    struct tcore_audit_result result;
    size_t missed = 0;

    for (int i = 0; i < RECORDS; i += step) {
        put(log_text, line[i]);
        missed += !try_changed(true, i < LAST_CHECKPOINT);
        if (i >= LAST_CHECKPOINT) {
            verify(true, &result);
            missed += result.attested != LAST_CHECKPOINT || result.last != (uint64_t)i;
        }
    }
    return missed;
}

/* Appends records from first on as someone who can write the log would make them: hashes anew. */
static void forge(int first, const char *words, const char *other, int without)
{
    struct tcore_error err;
    const struct tcore_sodium *sodium = tcore_sodium_open(&err);
    char previous[65], text[2048];
    int sequence = first + 1;

    put(log_text, line[first]);
    snprintf(previous, sizeof previous, "%.64s",
             first ? line[first] - 64 - 3
                   : "00000000000000000000000000000000"
                     "00000000000000000000000000000000");
    for (int i = first; i < RECORDS; i++) {
        const char *time = strstr(line[i], ",\"timeUnixNano\""), *end = strstr(line[i], ",\"prev");
        char hash[65];

        if (i == without)
            continue;
        int length = snprintf(text, sizeof text, "{\"sequence\":%d%.*s,\"previous\":\"%s\"",
                              sequence++, (int)(end - time), time, previous);
        char *at = i == first && words ? strstr(text, words) : NULL;
        if (at)
            memcpy(at, other, strlen(other));
        tcore_hash_hex(sodium, text, (size_t)length, hash);
        length +=
            snprintf(text + length, sizeof text - (size_t)length, ",\"hash\":\"%s\"}\n", hash);
        put(text, text + length);
        memcpy(previous, hash, sizeof previous);
    }
}

static size_t forge_each(void)
{
    size_t missed = 0;

    for (int i = 0; i < RECORDS; i += step) {
        bool signed_there = i < LAST_CHECKPOINT;

        forge(i, "\"user\":\"anna\"", "\"user\":\"anne\"", -1);
        missed += !try_changed(true, signed_there);
        forge(i, "\"user\":\"anna\"", "\"user\":\"anne\"", -1);
        missed += !try_changed(false, false); /* the forgery is a good one */
        forge(i, NULL, NULL, i);              /* taken out */
        missed += !try_changed(true, signed_there);
    }
    return missed;
}

static void test_tampering(void)
{
    struct tcore_audit_result result;

    is_int(edit_each(), 0, "every field of every record");
    is_int(move_each(), 0, "deleted, swapped, duplicated, moved, cut within");
    is_int(cut_each(), 0, "cut in front of each record");
    is_int(forge_each(), 0, "edited or deleted, with all hashes made anew");
    is_int(total.found, total.tried, "%zu tamperings, %zu found", total.tried, total.found);

    put(log_text, line[0]);
    audit_put("audit", "", 0);
    verify(true, &result);
    ok(result.problems == 1 && result.other_logs == 3, "an empty log in place of it");
    unlinkat(audit_dir, "audit", 0);
    verify(true, &result);
    is_int(result.problems, 1, "no log in place of it");
    audit_event("archive", NULL, NULL);
    verify(true, &result);
    is_int(result.problems, 1, "another log in place of it");
    changed.length = 0;
}

static void test_sound(void)
{
    struct tcore_audit_result result;
    struct tcore_error err;

    audit_put("audit", log_text, log_length);
    is_int(verify(true, &result), TCORE_OK, "a sound log");
    is_int(result.problems, 0, "has no problem");
    is_int(result.records, RECORDS, "%d records", RECORDS);
    is_int(result.checkpoints, 3, "3 checkpoints");
    is_int(result.attested, LAST_CHECKPOINT, "nothing is attested behind the last of them");
    verify(false, &result);
    is_int(result.attested, 0, "or at all without them");

    struct tcore_audit_check check = {.dirfd = audit_dir, .checkpoints = "checkpoints"};
    is_int(tcore_audit_verify(audit_dir, &check, &result, &err), TCORE_BAD_INPUT,
           "checkpoints without a key");
    check.checkpoints = "none";
    check.keys = &verifying_key;
    check.key_count = 1;
    is_int(tcore_audit_verify(audit_dir, &check, &result, &err), TCORE_BAD_INPUT,
           "no such file of checkpoints");
    struct tcore_public_key other = verifying_key;
    other.fingerprint[0] ^= 1;
    check.checkpoints = "checkpoints";
    check.keys = &other;
    is_int(tcore_audit_verify(audit_dir, &check, &result, &err), TCORE_OK, "another key");
    ok(!result.problems && result.other_keys == 3 && !result.attested, "knows nothing of them");
    other = verifying_key;
    other.bytes[0] ^= 1;
    tcore_audit_verify(audit_dir, &check, &result, &err);
    is_int(result.problems, 3, "a key that is none for these signatures");
}

/* What is said, and of which line. */
static void test_words(void)
{
    struct tcore_audit_result result;

    put(log_text, line[16]);
    put(line[17], line[RECORDS]);
    audit_put("audit", changed.bytes, changed.length);
    changed.length = 0;
    verify(true, &result);
    is_int(result.problems, 1, "one record is missing: one problem");
    is_int(seen.first.line, 17, "its line");
    is_int(seen.first.sequence, 18, "the record behind");
    is_str(seen.first.text, "record 17 in front of this one is missing", "and the words");
    is_int(result.attested, 0, "nothing behind it is attested");

    forge(99, "\"user\":\"anna\"", "\"user\":\"anne\"", -1);
    audit_put("audit", changed.bytes, changed.length);
    changed.length = 0;
    verify(true, &result);
    is_int(result.problems, 2, "two checkpoints are behind a forged record");
    is_int(seen.first.sequence, 120, "the first of them");
    is_str(seen.first.text, "this is not the record that line 2 of the checkpoints signs",
           "says so");
    is_int(result.attested, 60, "what is in front of it is attested");

    forge(99, "\"user\":\"anna\"", "\"user\": \"ann\"", -1);
    audit_put("audit", changed.bytes, changed.length);
    changed.length = 0;
    verify(false, &result);
    is_int(result.problems, 2, "another spelling is no record, though its hash fits");

    put(log_text, line[150]);
    audit_put("audit", changed.bytes, changed.length);
    changed.length = 0;
    verify(true, &result);
    is_str(
        seen.first.text,
        "the log ends with record 150, but line 3 of the checkpoints signs record 180: it was cut",
        "a cut");
}

/* Every byte of the second checkpoint. Without its last brace it looks as one that a crash cut,
 * which is counted, too. */
static void test_checkpoints(void)
{
    size_t begin = (size_t)(strchr(checkpoints_text, '\n') - checkpoints_text) + 1;
    size_t end = (size_t)(strchr(checkpoints_text + begin, '\n') - checkpoints_text) + 1;
    size_t found = 0, tried = 0;
    struct tcore_audit_result result;

    audit_put("audit", log_text, log_length);
    for (size_t i = begin; i < end; i++, tried++) {
        checkpoints_text[i] ^= (char)(1 << i % 7);
        audit_put("checkpoints", checkpoints_text, checkpoints_length);
        found += verify(true, &result) == TCORE_OK &&
                 (result.problems || result.other_keys || result.unfinished);
        checkpoints_text[i] ^= (char)(1 << i % 7);
    }
    is_int(found, tried, "%zu changes of a checkpoint, %zu found", tried, found);
    audit_put("checkpoints", checkpoints_text, end - 20);
    verify(true, &result);
    ok(!result.problems && result.unfinished == 1 && result.attested == 60,
       "a checkpoint that a crash cut is no problem");
    struct tcore_error err;
    is_int(tcore_audit_checkpoint(audit_dir, audit_dir, "checkpoints", signing_key, NULL, &err),
           TCORE_OK, "the next one");
    verify(true, &result);
    ok(!result.problems && result.unfinished == 1 && result.attested == RECORDS,
       "begins a line of its own");
}

int main(void)
{
    struct tcore_sys sys = tcore_sys_default;
    struct tcore_error err = {0};

    if (tcore_private_key_new(&signing_key, TCORE_KEY_SIGNING, &err) != TCORE_OK) {
        skip("%s", err.text);
        return done_testing();
    }
    if (getenv("TRACECORE_TEST_LONG"))
        step = 1;
    tcore_private_key_public(signing_key, "auditor", &verifying_key, &err);
    sys.fdatasync = sys.fsync = no_sync;
    tcore_sys_set(&sys);
    if (!audit_begin() || !make_log())
        return EXIT_FAILURE;
    test_sound();
    test_words();
    test_tampering();
    test_checkpoints();
    tcore_private_key_free(signing_key);
    free(log_text);
    free(checkpoints_text);
    audit_end();
    return done_testing();
}
