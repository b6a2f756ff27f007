/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Made-up records for the tests of roll-ups, odd ones included, and batches of them.
 */
#ifndef TRACECORE_TESTS_CORE_ROLLUP_RECORDS_H
#define TRACECORE_TESTS_CORE_ROLLUP_RECORDS_H

#include "base/buf.h"
#include "random.h"
#include "store/rollup.h"
#include "stream/input.h"
#include "tap.h"

/* Services and names as JSON; NULL: absent. */
static const char *const made_services[] = {"\"cart\"",          "\"\"",     NULL, "7",
                                            "\"front \\u00e9\"", "{\"a\":1}"};
static const char *const made_names[] = {"\"GET /\"", "\"a rather long name of an operation\"",
                                         NULL, "\"x\"", "true"};
static const char *const made_metrics[] = {"\"queue\"", "\"response_time\"", "3", NULL};
/* What stands for a metric's value; those that begin with a comma are members of their own. */
static const char *const made_values[] = {
    ",\"value\":%d",
    ",\"value\":-%d",
    ",\"value\":%d.25",
    ",\"value\":-0.0",
    ",\"value\":0.0",
    ",\"value\":\"NaN\"",
    ",\"value\":\"-Infinity\"",
    ",\"value\":true",
    ",\"value\":\"some %d\"",
    "",
    ",\"metricType\":\"counter\",\"value\":%d",
    ",\"metricType\":\"histogram\",\"temporality\":\"cumulative\",\"histogram\":{\"count\":6,"
    "\"sum\":"
    "%d,\"scale\":3,\"zeroCount\":1,\"positive\":{\"offset\":4,\"bucketCounts\":[2,0,3]}}",
    ",\"histogram\":{\"count\":5,\"sum\":%d,\"min\":1,\"max\":90,\"bounds\":[10,50],"
    "\"bucketCounts\":[1,2,2]}",
    ",\"histogram\":{\"count\":5,\"sum\":%d,\"bounds\":[10,60],\"bucketCounts\":[1,2,2]}",
    ",\"histogram\":{\"count\":\"none %d\"}",
};
static const char *const made_rates[] = {"",
                                         "",
                                         "",
                                         ",\"quality\":{\"sampleRate\":0.5}",
                                         ",\"quality\":{\"sampleRate\":0.3}",
                                         ",\"quality\":{\"sampleRate\":7}"};

#define PICK(array, source) ((array)[random_below((source), sizeof(array) / sizeof *(array))])

struct made_options {
    bool only_strings; /* services and names; fewer oddities */
    bool untimed;      /* some records without a time, and some of other types */
};

static void made_member(struct tcore_buf *out, const char *name, const char *json)
{
    if (json)
        tcore_buf_printf(out, ",\"%s\":%s", name, json);
}

__attribute__((unused)) static void made_record(struct tcore_buf *out, struct random_source *source,
                                                const struct made_options *options)
{
    bool span = random_below(source, 3) != 0;
    uint64_t oddity = random_below(source, 40);
    if (options->untimed && oddity == 0) {
        tcore_buf_puts(out, "{\"type\":\"log\",\"timeUnixNano\":\"5\",\"body\":\"x\"}\n");
        return;
    }
    tcore_buf_printf(out, "{\"type\":\"%s\"", span ? "span" : "metric");
    made_member(out, "service",
                options->only_strings ? made_services[0] : PICK(made_services, source));
    made_member(out, "name",
                options->only_strings ? made_names[random_below(source, 2)]
                                      : PICK(made_names, source));
    long long start = (long long)random_below(source, 90) * 1000000000 - 20000000000 +
                      (long long)random_below(source, 1000000000);
    bool timed = !options->untimed || oddity > 2;
    if (span) {
        tcore_buf_printf(out, ",\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":"
                              "\"eee19b7ec3c1b174\"");
        if (timed)
            tcore_buf_printf(out, ",\"startTimeUnixNano\":\"%lld\"", start);
        long long duration = (long long)random_lognormal(source, 1e6, 2);
        if (oddity == 3)
            duration = -duration;
        if (oddity == 4 && timed)
            duration = 0;
        if (oddity == 5)
            tcore_buf_printf(out, ",\"durationNano\":%lld.5", duration);
        else if (oddity != 6)
            tcore_buf_printf(out, ",\"endTimeUnixNano\":\"%lld\"", start + duration);
        if (random_below(source, 4) == 0)
            tcore_buf_puts(out, ",\"status\":\"error\"");
    } else {
        made_member(out, "metricName", PICK(made_metrics, source));
        if (timed)
            tcore_buf_printf(out, ",\"timeUnixNano\":\"%lld\"", start);
        const char *form = PICK(made_values, source);
        const char *number = strstr(form, "%d");
        if (number)
            tcore_buf_printf(out, "%.*s%d%s", (int)(number - form), form,
                             (int)random_below(source, 1000), number + 2);
        else
            tcore_buf_puts(out, form);
        tcore_buf_puts(out, PICK(made_rates, source));
    }
    tcore_buf_puts(out, "}\n");
}

/* Records as a batch, with the columns of a roll-up. */
struct made_batch {
    struct tcore_projection projection;
    struct tcore_rollup_columns columns;
    struct tcore_decoder *decoder;
    struct tcore_chunk chunk;
    const struct tcore_batch *batch;
};

__attribute__((unused)) static bool made_decode(struct made_batch *made,
                                                const struct tcore_buf *text)
{
    struct tcore_error err = {0};
    *made = (struct made_batch){.chunk = {.length = text->length}};
    made->chunk.data = calloc(1, text->length + 64);
    memcpy(made->chunk.data, text->data, text->length);
    bool decoded = !tcore_rollup_project(&made->projection, &made->columns, &err) &&
                   !tcore_decoder_new(&made->decoder, &made->projection, NULL, &err) &&
                   !tcore_decoder_decode(made->decoder, TCORE_FORMAT_NDJSON, &made->chunk,
                                         &made->batch, &err) &&
                   made->batch->reject_count == 0;
    return ok(decoded, "%zu records decoded %s", made->batch ? made->batch->rows : 0, err.text);
}

__attribute__((unused)) static void made_free(struct made_batch *made)
{
    tcore_decoder_free(made->decoder);
    tcore_projection_free(&made->projection);
    free(made->chunk.data);
}

#endif
