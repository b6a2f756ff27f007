/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loss of power while logs are written, rotated and sealed, and again while that goes on after the
 * first loss: test-log-power [SEED [STATES]].
 */
#include "../core/tap.h"
#include "log_world.h"

#include <stdlib.h>

enum { SHORT_STATES = 20000, LONG_STATES = 1000000, STATES_A_RUN = 8, STEPS = 24 };

static struct world first, second, third;

/* Recovery on what is left, which must succeed and leave nothing behind. */
static void recover(struct world *w, struct world_result *result, unsigned long *failures)
{
    world_check(w, result);
    if (world_seal(w) != 0 && !(*failures)++)
        printf("# recovery: %s\n", w->reason);
    world_check(w, result);
}

static bool is_clean(const struct world_result *result)
{
    return !result->lost && !result->wrong && !result->unread;
}

/* One history and several states of the disk after it. */
static void run(uint64_t seed, struct world_result *result, unsigned long *failures,
                unsigned long *losses)
{
    struct random_source random = {seed};
    world_begin(&first, random_bits(&random));
    if (!random_below(&random, 8))
        disk_refuse_tmpfile(first.disk);
    first.deadly = random_below(&random, 2);
    disk_lose_power_at(first.disk, 1 + random_below(&random, 100));
    world_work(&first, STEPS);
    *losses += disk_is_off(first.disk);
    for (unsigned n = 0; n < STATES_A_RUN; n++) {
        world_after_crash(&first, &second, random_bits(&random));
        if (random_below(&random, 4) == 0) {
            recover(&second, result, failures);
            world_end(&second);
            continue;
        }
        disk_lose_power_at(second.disk, 1 + random_below(&random, 60));
        if (random_below(&random, 2))
            world_seal(&second);
        world_work(&second, STEPS / 2);
        *losses += disk_is_off(second.disk);
        world_after_crash(&second, &third, random_bits(&random));
        recover(&third, result, failures);
        world_end(&third);
        world_end(&second);
    }
    world_end(&first);
}

int main(int argc, char **argv)
{
    const char *sized = getenv("TRACECORE_TEST_LONG");
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    unsigned long states = sized && *sized ? LONG_STATES : SHORT_STATES;
    unsigned long done = 0, failures = 0, losses = 0;
    struct world_result result = {0};
    if (argc > 2)
        states = strtoul(argv[2], NULL, 10);
    for (; done < states; done += STATES_A_RUN, seed++) {
        run(seed, &result, &failures, &losses);
        if (!is_clean(&result) || failures) {
            printf("# first seen with seed %" PRIu64 "\n", seed);
            done += STATES_A_RUN;
            break;
        }
    }
    printf("# %lu states, %lu lost, %lu wrongly accepted; power lost %lu times\n", done,
           result.lost, result.wrong, losses);
    ok(result.lost == 0, "what was acknowledged is there");
    ok(result.wrong == 0, "nothing else is, and all of it once and in order");
    ok(result.unread == 0 && failures == 0, "and recovery succeeds");
    ok(losses > done / 4, "after the power was lost");
    return done_testing();
}
