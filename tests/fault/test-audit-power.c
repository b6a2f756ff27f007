/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loss of power while records are appended to an audit log, and again while what that left is set
 * aside: test-audit-power [SEED [STATES]]. What was acknowledged must be in the log, nothing may be
 * in it that was never appended, and the next append makes it sound.
 */
#include "store/audit.h"

#include "../core/random.h"
#include "../core/tap.h"
#include "disk.h"

enum { SHORT_STATES = 4000, LONG_STATES = 200000, STATES_A_RUN = 8, RECORDS = 12 };

/* What was appended, or may have been: the number in its details says which it was. */
struct history {
    bool tried[4 * RECORDS], acknowledged[4 * RECORDS];
    unsigned count;
};

static struct {
    unsigned long states, lost, wrong, unsound, refused, losses, set_aside;
} total;

static enum tcore_status append(struct disk *disk, struct history *h, size_t length)
{
    char details[3000];
    struct tcore_audit_event event = {"archive", details, 1000, "anna"};
    struct tcore_error err = {0};
    unsigned number = h->count++;
    int at = snprintf(details, sizeof details, "{\"number\":%u,\"text\":\"", number);

    memset(details + at, 'a' + (int)(number % 26), length);
    strcpy(details + at + length, "\"}");
    h->tried[number] = true;
    enum tcore_status status = tcore_audit_append(disk_root(disk), &event, NULL, &err);
    h->acknowledged[number] = status == TCORE_OK;
    return status;
}

/* Appends until the power is lost, or all are there. */
static void work(struct disk *disk, struct history *h, struct random_source *random,
                 unsigned records)
{
    while (records-- && append(disk, h, random_below(random, 1500)) == TCORE_OK)
        ;
}

/* Counts what is wrong with a log that a last append has made sound. */
static void check(struct disk *disk, const struct history *h)
{
    struct tcore_audit_check check = {.dirfd = -1};
    struct tcore_audit_result result;
    struct tcore_error err = {0};
    unsigned seen[4 * RECORDS] = {0};
    size_t bytes;
    const char *text = disk_file(disk, "audit", &bytes), *end = text ? text + bytes : NULL;

    total.states++;
    if (tcore_audit_verify(disk_root(disk), &check, &result, &err) != TCORE_OK || result.problems)
        total.unsound++;
    total.set_aside += result.set_aside;
    for (const char *at = text; at && (at = memmem(at, (size_t)(end - at), "{\"number\":", 10));) {
        unsigned long number = strtoul(at += 10, NULL, 10);

        if (number < h->count)
            seen[number]++;
        else
            total.wrong++;
    }
    for (unsigned i = 0; i < h->count; i++) {
        total.lost += h->acknowledged[i] && !seen[i];
        total.wrong += seen[i] > 1;
    }
}

/* The last append on what is left. */
static void recover(struct disk *disk, struct history *h)
{
    disk_install(disk);
    if (append(disk, h, 10) != TCORE_OK)
        total.refused++;
    check(disk, h);
}

static void run(uint64_t seed)
{
    struct random_source random = {seed};
    struct history first = {.count = 0};
    struct disk *disk = disk_new(random_bits(&random));

    disk_install(disk);
    disk_lose_power_at(disk, 1 + random_below(&random, 40));
    work(disk, &first, &random, RECORDS);
    total.losses += disk_is_off(disk);
    for (unsigned n = 0; n < STATES_A_RUN; n++) {
        struct history h = first;
        struct disk *second = disk_after_crash(disk, random_bits(&random));

        disk_install(second);
        if (random_below(&random, 2)) {
            disk_lose_power_at(second, 1 + random_below(&random, 16));
            work(second, &h, &random, 3);
            total.losses += disk_is_off(second);
            struct disk *third = disk_after_crash(second, random_bits(&random));
            disk_free(second);
            second = third;
        }
        recover(second, &h);
        disk_free(second);
    }
    disk_free(disk);
}

int main(int argc, char **argv)
{
    const char *sized = getenv("TRACECORE_TEST_LONG");
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    unsigned long states = sized && *sized ? LONG_STATES : SHORT_STATES;
    struct tcore_private_key *key;
    struct tcore_error err = {0};

    if (tcore_private_key_new(&key, TCORE_KEY_SIGNING, &err) != TCORE_OK) {
        skip("%s", err.text);
        return done_testing();
    }
    tcore_private_key_free(key);
    if (argc > 2)
        states = strtoul(argv[2], NULL, 10);
    while (total.states < states) {
        run(seed++);
        if (total.lost || total.wrong || total.unsound || total.refused) {
            printf("# first seen with seed %" PRIu64 "\n", seed - 1);
            break;
        }
    }
    printf("# %lu states, %lu lost, %lu wrongly accepted; power lost %lu times, %lu set aside\n",
           total.states, total.lost, total.wrong, total.losses, total.set_aside);
    ok(total.lost == 0, "what was acknowledged is there");
    ok(total.wrong == 0, "nothing else is, and nothing twice");
    ok(total.unsound == 0, "the log is sound after the next append");
    ok(total.refused == 0, "which is never refused");
    ok(total.losses > total.states / 10 && total.set_aside, "after the power was lost");
    return done_testing();
}
