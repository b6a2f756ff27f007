/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast the binary stream is written from text and read: all of it as text, and the columns of
 * grouping by service and name. One thread; CPU seconds, so that a busy machine matters less.
 *     binary_bench [SPANS]
 */
#include "../core/binary.h"

#include <time.h>

enum { BATCH = 20000, ROUNDS = 5 };

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct generator {
    uint64_t state;
    int64_t now_ns;
    unsigned left; /* spans of the trace at hand */
    uint64_t trace[2], root;
};

static void add_span(struct tcore_buf *text, struct generator *g)
{
    static const char *const services[] = {"cart",    "front", "checkout", "payment", "shipping",
                                           "catalog", "email", "currency", "ads",     "search"};
    static const char *const routes[] = {"/cart",         "/",        "/checkout",
                                         "/product/{id}", "/api/pay", "/api/ship"};
    static const char *const methods[] = {"GET", "POST", "PUT"};
    static const char *const kinds[] = {"server", "client", "internal"};
    uint64_t *s = &g->state, id = draw(s) | 1;
    const char *service = DRAW_WORD(s, services), *route = DRAW_WORD(s, routes),
               *method = DRAW_WORD(s, methods);
    bool is_root = g->left == 0;
    if (is_root) {
        g->left = (unsigned)draw_below(s, 15) + 1;
        g->trace[0] = draw(s);
        g->trace[1] = draw(s);
        g->root = id;
        g->now_ns += (int64_t)draw_below(s, 4000000);
    }
    g->left--;
    int64_t start = g->now_ns + (int64_t)draw_below(s, 20000000);
    int64_t duration = (int64_t)(draw(s) >> (34 + draw_below(s, 16)));
    tcore_buf_printf(
        text, "{\"type\":\"span\",\"traceId\":\"%016llx%016llx\",\"spanId\":\"%016llx\"",
        (unsigned long long)g->trace[0], (unsigned long long)g->trace[1], (unsigned long long)id);
    if (!is_root)
        tcore_buf_printf(text, ",\"parentSpanId\":\"%016llx\"", (unsigned long long)g->root);
    tcore_buf_printf(text,
                     ",\"name\":\"%s %s\",\"kind\":\"%s\",\"startTimeUnixNano\":\"%lld\","
                     "\"endTimeUnixNano\":\"%lld\",\"durationNano\":%lld,\"status\":\"%s\","
                     "\"service\":\"%s\"",
                     method, route, DRAW_WORD(s, kinds), (long long)start,
                     (long long)(start + duration), (long long)duration,
                     draw_below(s, 50) ? "ok" : "error", service);
    tcore_buf_printf(text,
                     ",\"attributes\":{\"http.method\":\"%s\",\"http.route\":\"%s\","
                     "\"http.status_code\":%u,\"net.peer.port\":%u,\"user.id\":\"u%u\"},"
                     "\"resource\":{\"service.name\":\"%s\",\"host.name\":\"host-%u\"}}\n",
                     method, route, draw_below(s, 20) ? 200u : 500u,
                     (unsigned)draw_below(s, 64512) + 1024, (unsigned)draw_below(s, 100000),
                     service, (unsigned)draw_below(s, 20));
}

/* Writes so many spans; CPU seconds of that alone, and bytes of their text. */
static double write_spans(struct tcore_buf *out, size_t spans, size_t *text_bytes)
{
    struct generator g = {.state = 1, .now_ns = 1700000000000000000};
    struct tcore_binary_writer *writer;
    struct tcore_error err = {0};
    struct tcore_buf text = {0};
    double seconds = 0;
    if (tcore_binary_writer_new(&writer, out, NULL, &err) != TCORE_OK)
        binary_die("writer", &err);
    for (size_t done = 0; done < spans; done += BATCH) {
        tcore_buf_clear(&text);
        for (size_t i = 0; i < BATCH && done + i < spans; i++)
            add_span(&text, &g);
        *text_bytes += text.length;
        double start = cpu_seconds();
        for (const char *p = text.data, *end = p + text.length; p < end;) {
            const char *newline = memchr(p, '\n', (size_t)(end - p));
            if (tcore_binary_writer_add(writer, p, (size_t)(newline - p), &err) != TCORE_OK)
                binary_die("add", &err);
            p = newline + 1;
        }
        seconds += cpu_seconds() - start;
    }
    double start = cpu_seconds();
    if (tcore_binary_writer_flush(writer, &err) != TCORE_OK)
        binary_die("flush", &err);
    seconds += cpu_seconds() - start;
    tcore_binary_writer_free(writer);
    tcore_buf_free(&text);
    return seconds;
}

struct sums {
    size_t rows;
    uint64_t codes, duration;
};

/* Touches every code and every duration, as an operator would. */
static void sum_columns(const struct tcore_batch *batch, void *context)
{
    struct sums *sums = context;
    sums->rows += batch->rows;
    for (size_t i = 0; i < batch->column_count; i++) {
        const struct tcore_column *c = &batch->columns[i];
        for (size_t row = 0; c->codes && row < batch->rows; row++)
            sums->codes += c->codes[row];
        for (size_t row = 0; c->ints && row < batch->rows; row++)
            sums->duration += (uint64_t)c->ints[row];
    }
}

static void sum_text(const struct tcore_batch *batch, void *context)
{
    struct sums *sums = context;
    sums->rows += batch->rows;
    for (size_t row = 0; row < batch->rows; row++)
        sums->codes += batch->text[row].length;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"service", "name", "status", "durationNano"};
    static const struct tcore_projection text = {.text = true};
    struct tcore_projection columns = {0};
    struct tcore_buf stream = {0};
    struct tcore_error err = {0};
    size_t spans = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000, text_bytes = 0, column;
    double write = write_spans(&stream, spans, &text_bytes), best[2] = {1e9, 1e9};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (tcore_projection_add_field(&columns, names[i], &column, &err) != TCORE_OK)
            binary_die("projection", &err);
    for (int round = 0; round < 2 * ROUNDS; round++) {
        struct sums sums = {0};
        double start = cpu_seconds();
        if (read_stream(stream.data, stream.length, round % 2 ? &columns : &text,
                        round % 2 ? sum_columns : sum_text, &sums, &err) != TCORE_OK)
            binary_die("read", &err);
        double seconds = cpu_seconds() - start;
        if (sums.rows != spans)
            return EXIT_FAILURE;
        if (seconds < best[round % 2])
            best[round % 2] = seconds;
    }
    printf("%zu spans, %.1f bytes of text and %.1f of stream each\n", spans,
           (double)text_bytes / (double)spans, (double)stream.length / (double)spans);
    printf("write from text   %8.2f M spans/s\n", (double)spans / write / 1e6);
    printf("read as text      %8.2f M spans/s\n", (double)spans / best[0] / 1e6);
    printf("read 4 columns    %8.2f M spans/s\n", (double)spans / best[1] / 1e6);
    tcore_projection_free(&columns);
    tcore_buf_free(&stream);
    return EXIT_SUCCESS;
}
