/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast NDJSON is decoded: one thread, the columns of the aggregation task (service, name,
 * durationNano, status), nothing done with them.
 *
 *     ndjson_bench FILE [avx512|avx2|portable]
 */
#include "base/sys.h"
#include "stream/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tcore_path_key service[] = {{"service", 7}}, name[] = {{"name", 4}},
                             status_key[] = {{"status", 6}}, duration[] = {{"durationNano", 12}},
                             resource[] = {{"resource", 8}, {"service.name", 12}};

static void die(const struct tcore_error *err)
{
    fprintf(stderr, "ndjson_bench: %s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc < 2 || (argc > 2 && !tcore_simd_select(argv[2]))) {
        fprintf(stderr, "usage: ndjson_bench FILE [avx512|avx2|portable]\n");
        return 2;
    }
    struct tcore_path services[] = {{service, 1}, {resource, 2}}, names[] = {{name, 1}},
                      statuses[] = {{status_key, 1}}, durations[] = {{duration, 1}};
    struct tcore_projection_column columns[] = {{(char *)"service", services, 2, false},
                                                {(char *)"name", names, 1, false},
                                                {(char *)"durationNano", durations, 1, false},
                                                {(char *)"status", statuses, 1, false}};
    struct tcore_projection projection = {.columns = columns, .count = 4};
    struct tcore_input_options options = {.single = true};
    struct tcore_error err = {0};
    struct tcore_input *input;
    struct tcore_decoder *decoder;
    struct tcore_chunk chunk = {0};
    const struct tcore_batch *batch;
    if (tcore_input_open(&input, argv[1], &options, &err) ||
        tcore_decoder_new(&decoder, &projection, &options, &err))
        die(&err);
    int64_t start = tcore_sys()->monotonic_ns();
    uint64_t rows = 0, rejects = 0, bytes = 0, sum = 0;
    enum tcore_status status;
    while ((status = tcore_input_next(input, &chunk, &err)) == TCORE_OK) {
        if (tcore_decoder_decode(decoder, TCORE_FORMAT_NDJSON, &chunk, &batch, &err))
            die(&err);
        rows += batch->rows;
        rejects += batch->reject_count;
        bytes += chunk.length;
        for (size_t i = 0; i < batch->rows; i++)
            sum += (uint64_t)batch->columns[2].values[i].i + batch->columns[0].values[i].len;
        if (batch->reject_count && rejects == batch->reject_count)
            fprintf(stderr, "first reject: line %llu byte %llu: %s\n",
                    (unsigned long long)batch->rejects[0].line,
                    (unsigned long long)batch->rejects[0].byte, batch->rejects[0].reason);
    }
    if (status != TCORE_EOF)
        die(&err);
    double seconds = (double)(tcore_sys()->monotonic_ns() - start) / 1e9;
    printf("%s: %llu rows, %llu rejects, %.3f s, %.2f GB/s, %.1f ns a row (checksum %llu)\n",
           tcore_simd_name(), (unsigned long long)rows, (unsigned long long)rejects, seconds,
           (double)bytes / seconds / 1e9, seconds * 1e9 / (double)(rows ? rows : 1),
           (unsigned long long)sum);
    tcore_chunk_free(&chunk);
    tcore_decoder_free(decoder);
    tcore_input_close(input);
    return 0;
}
