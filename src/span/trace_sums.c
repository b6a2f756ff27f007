/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/trace_sums.h"

#include "base/sys.h"
#include "cli/pieces.h"

static void *sum_of(const struct trace_sums *sums, unsigned thread)
{
    return (char *)sums->sum + thread * sums->summing->bytes;
}

static enum tcore_status add_trace(void *state, unsigned thread, struct tcore_stored_trace *trace,
                                   struct tcore_error *err)
{
    const struct trace_sums *sums = state;
    struct trace_build *build = &sums->builds[thread];
    const struct tcore_trace_store *store = sums->gather->store;
    enum tcore_status status = sums->summing->tree_only ? trace_build_tree(build, store, trace, err)
                                                        : trace_build(build, store, trace, err);
    return status ? status : sums->summing->take(sum_of(sums, thread), sums->state, build, err);
}

enum tcore_status trace_sums_run(struct trace_sums *sums, const struct trace_summing *summing,
                                 const void *state, struct gather *gather, struct tcore_error *err)
{
    unsigned threads = cli_threads(gather->cli);
    *sums = (struct trace_sums){.summing = summing,
                                .state = state,
                                .sum = tcore_calloc(threads, summing->bytes),
                                .threads = threads,
                                .gather = gather,
                                .builds = tcore_calloc(threads, sizeof *sums->builds)};
    if (!sums->sum || !sums->builds)
        return tcore_error_nomem(err);
    enum tcore_status status = TCORE_OK;
    for (unsigned t = 0; t < threads && status == TCORE_OK; t++)
        status = summing->open(sum_of(sums, t), state, err);
    if (status == TCORE_OK)
        status = gather_each(gather, add_trace, sums, err);
    for (unsigned t = 1; t < threads && status == TCORE_OK; t++)
        status = summing->merge(sums->sum, sum_of(sums, t), err);
    return status;
}

void trace_sums_free(struct trace_sums *sums)
{
    for (unsigned t = 0; t < sums->threads; t++) {
        if (sums->sum)
            sums->summing->close(sum_of(sums, t));
        if (sums->builds)
            trace_build_free(&sums->builds[t]);
    }
    tcore_free(sums->sum);
    tcore_free(sums->builds);
    *sums = (struct trace_sums){0};
}
