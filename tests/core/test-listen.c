/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of trace-record listen: addresses, whose bad lines are told, tokens, answers, what --sample
 * makes of records, and the queues between its threads. */
#include <config.h>

#include "record/listen/address.h"
#include "record/listen/peers.h"
#include "record/listen/request.h"
#include "record/listen/rules.h"
#include "record/listen/tokens.h"

#include "base/sys.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void test_addresses(void)
{
    static const struct {
        const char *text;
        bool good, local;
        int port;
    } cases[] = {
        {"127.0.0.1:4318", true, true, 4318},
        {"127.9.9.9:1", true, true, 1},
        {"4318", true, true, 4318},
        {"0", true, true, 0},
        {"[::1]:65535", true, true, 65535},
        {"[::ffff:127.0.0.1]:80", true, true, 80},
        {"0.0.0.0:0", true, false, 0},
        {"128.0.0.1:80", true, false, 80},
        {"[::]:80", true, false, 80},
        {"[::2]:80", true, false, 80},
        {"[::ffff:10.0.0.1]:80", true, false, 80},
        {"", false, false, 0},
        {":80", false, false, 0},
        {"127.0.0.1:", false, false, 0},
        {"127.0.0.1", false, false, 0},
        {"127.0.0.1:65536", false, false, 0},
        {"127.0.0.1:99999", false, false, 0},
        {"127.0.0.1:000080", false, false, 0},
        {"127.0.0.1:8o", false, false, 0},
        {"127.0.0.1:-1", false, false, 0},
        {"::1:80", false, false, 0},
        {"[::1]", false, false, 0},
        {"[]:80", false, false, 0},
        {"[::1:80", false, false, 0},
        {"a b:80", false, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct listen_address address;
        struct tcore_error err = {0};
        bool good = listen_address_parse(&address, cases[i].text, &err) == TCORE_OK;
        is_int(good, cases[i].good, "'%s': %s", cases[i].text, err.text);
        if (!good || !cases[i].good)
            continue;
        const struct sockaddr_in *in = (const void *)&address.at;
        is_int(ntohs(in->sin_port), cases[i].port, "'%s': its port", cases[i].text);
        is_int(listen_address_is_local(&address), cases[i].local,
               "'%s': whether it is of this machine", cases[i].text);
    }
}

static const char *file_of(const char *text, mode_t mode)
{
    static char name[] = "test-listen.XXXXXX", path[sizeof name];
    memcpy(path, name, sizeof name);
    int fd = mkstemp(path);
    if (fd < 0 || tcore_write_all(fd, text, strlen(text)) < 0 || fchmod(fd, mode) < 0)
        abort();
    close(fd);
    return path;
}

static void test_tokens(void)
{
    static const struct {
        const char *header;
        bool good;
    } cases[] = {
        {"Bearer alpha", true},    {"bearer beta", true},
        {"BEARER   alpha", true},  {"Bearer last", true},
        {"Bearer", false},         {"Bearer ", false},
        {"Bearer alph", false},    {"Bearer alphab", false},
        {"Bearer alpha ", false},  {"alpha", false},
        {"Basic alpha", false},    {"Bearer # comment", false},
        {"Bearer comment", false}, {NULL, false},
    };
    struct listen_tokens tokens;
    struct tcore_error err = {0};
    listen_tokens_open(&tokens);
    ok(!listen_tokens_admit(&tokens, "Bearer alpha"), "without tokens nobody gets in");
    const char *path = file_of("# comment\r\nalpha\n\n beta\nbeta \t\r\nlast", 0600);
    is_int(listen_tokens_load(&tokens, path, &err), TCORE_OK, "tokens are read: %s", err.text);
    unlink(path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is_int(listen_tokens_admit(&tokens, cases[i].header), cases[i].good, "'%s'",
               cases[i].header ? cases[i].header : "no header");
    static const struct {
        const char *text;
        mode_t mode;
        const char *reason;
    } bad[] = {{"alpha\n", 0604, "is open to others (mode 0604): chmod 600 it"},
               {"alpha\n", 0610, "is open to others (mode 0610): chmod 600 it"},
               {"", 0600, "there is no token in it"},
               {"#\n\n \n", 0600, "there is no token in it"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        path = file_of(bad[i].text, bad[i].mode);
        is_int(listen_tokens_load(&tokens, path, &err), TCORE_BAD_INPUT, "a bad file is refused");
        ok(strstr(err.text, bad[i].reason), "%s", err.text);
        unlink(path);
    }
    ok(listen_tokens_admit(&tokens, "Bearer alpha"), "the tokens before stay");
    listen_tokens_close(&tokens);
}

static void test_answers(void)
{
    static const struct listen_type json = {"application/json", "otlp", false};
    struct listen_request request = {.route = &listen_routes[1], .type = &json};
    struct tcore_buf out = {0};
    request.status = LISTEN_OK;
    listen_put_answer(&request, &out);
    tcore_buf_putc(&out, '\0');
    is_str(out.data, "{}", "all of it was taken");
    tcore_buf_clear(&out);
    request.rejected = 5000000000;
    snprintf(request.reason, sizeof request.reason, "a \"point\"\nwithout\x01 \xff");
    listen_put_answer(&request, &out);
    tcore_buf_putc(&out, '\0');
    is_str(out.data,
           "{\"partialSuccess\":{\"rejectedDataPoints\":\"5000000000\",\"errorMessage\":"
           "\"a \\\"point\\\"\\nwithout\\u0001 \xef\xbf\xbd\"}}",
           "some of it was rejected");
    static const struct {
        unsigned status;
        const char *text;
    } cases[] = {
        {400, "{\"code\":3,\"message\":\"x 7\"}"},  {401, "{\"code\":16,\"message\":\"x 7\"}"},
        {404, "{\"code\":5,\"message\":\"x 7\"}"},  {405, "{\"code\":12,\"message\":\"x 7\"}"},
        {413, "{\"code\":8,\"message\":\"x 7\"}"},  {415, "{\"code\":3,\"message\":\"x 7\"}"},
        {500, "{\"code\":13,\"message\":\"x 7\"}"}, {503, "{\"code\":14,\"message\":\"x 7\"}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tcore_buf_clear(&out);
        listen_refuse(&request, cases[i].status, "x %d", 7);
        listen_put_answer(&request, &out);
        tcore_buf_putc(&out, '\0');
        is_str(out.data, cases[i].text, "status %u", cases[i].status);
    }
    tcore_buf_free(&out);
}

static void test_protobuf_answers(void)
{
    static const struct listen_type protobuf = {"application/x-protobuf", "otlp-proto", true};
    struct listen_request request = {.route = &listen_routes[0], .type = &protobuf};
    struct tcore_buf out = {0};
    request.status = LISTEN_OK;
    listen_put_answer(&request, &out);
    is_int(out.length, 0, "all of it was taken");
    request.rejected = 300;
    snprintf(request.reason, sizeof request.reason, "bad");
    listen_put_answer(&request, &out);
    static const char partial[] = "\x0a\x08\x08\xac\x02\x12\x03"
                                  "bad";
    ok(out.length == sizeof partial - 1 && !memcmp(out.data, partial, out.length),
       "some of it was rejected");
    tcore_buf_clear(&out);
    listen_refuse(&request, 413, "%0200d", 7);
    listen_put_answer(&request, &out);
    static const char head[] = "\x08\x08\x12\xc8\x01"
                               "0000";
    ok(out.length == 205 && !memcmp(out.data, head, sizeof head - 1) && out.data[204] == '7',
       "a Status");
    tcore_buf_free(&out);
}

/* Chance that takes every second. */
static uint64_t drawn;
static int draw(void *buffer, size_t bytes)
{
    drawn = ~drawn;
    memset(buffer, drawn & 1 ? 0xff : 0, bytes);
    return 0;
}

static void test_sample(void)
{
    static const struct {
        const char *line, *sampled; /* NULL: it stays as it is */
    } cases[] = {
        {"{\"type\":\"span\",\"traceId\":\"a\",\"spanId\":\"b\"}", NULL},
        {"{\"type\":\"log\",\"body\":\"x\",\"quality\":{\"sampleRate\":0.5}}", NULL},
        {"{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1}",
         "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"quality\":{\"sampleRate\":0.5}}"},
        {"{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"quality\":{\"sampleRate\":0.25}}",
         "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"quality\":{\"sampleRate\":0.125}"
         "}"},
        {"{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"quality\":{\"accuracy\":[1, 2],"
         "\"sampleRate\":0.1,\"x\":\"\\u0001\"},\"metadata\":{\"a\":1}}",
         "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"quality\":{\"accuracy\":[1,2],"
         "\"sampleRate\":0.05,\"x\":\"\\u0001\"},\"metadata\":{\"a\":1}}"},
        {"{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"quality\":{\"sampleRate\":7}}",
         "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"quality\":{\"sampleRate\":0.5}}"},
        {"{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"quality\":\"good\"}",
         "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":1,\"quality\":{\"sampleRate\":0.5}}"},
    };
    struct tcore_sys sys = tcore_sys_default;
    struct tcore_json json = {0};
    sys.random = draw;
    tcore_sys_set(&sys);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_buf lines = {0}, out = {0}, want = {0};
        struct tcore_error err = {0};
        drawn = 1; /* the first one is taken */
        for (int k = 0; k < 2; k++)
            tcore_buf_printf(&lines, "%s\n", cases[i].line);
        for (int k = 0; k < (cases[i].sampled ? 1 : 2); k++)
            tcore_buf_printf(&want, "%s\n", cases[i].sampled ? cases[i].sampled : cases[i].line);
        is_int(listen_sample(0.5, &json, &lines, &out, &err), TCORE_OK, "sampled: %s", err.text);
        tcore_buf_putc(&out, '\0');
        tcore_buf_putc(&want, '\0');
        is_str(out.data, want.data, "one of two stays, and says so");
        tcore_buf_free(&lines);
        tcore_buf_free(&out);
        tcore_buf_free(&want);
    }
    tcore_sys_set(NULL);
    tcore_json_free(&json);
}

static void test_queue(void)
{
    struct listen_queue queue;
    struct listen_request request[4] = {0};
    listen_queue_open(&queue);
    ok(!listen_queue_take(&queue, 100), "an empty queue gives nothing");
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 10; k++)
            tcore_buf_putc(&request[i].records, 'x');
        listen_queue_put(&queue, &request[i]);
    }
    is_int(queue.record_bytes, 40, "bytes are counted");
    struct listen_request *list = listen_queue_take(&queue, 25);
    ok(list == &request[0] && list->next == &request[1] && !list->next->next,
       "as many as fit are taken, in their order");
    list = listen_queue_take(&queue, 1);
    ok(list == &request[2] && !list->next, "one is, whatever its size");
    is_int(queue.record_bytes, 40, "they count until they are released");
    listen_queue_release(&queue, 30);
    listen_queue_await_room(&queue, 11);
    listen_queue_close(&queue);
    listen_queue_await_room(&queue, 1);
    ok(listen_queue_wait(&queue) == &request[3], "what is left comes after the end");
    ok(!listen_queue_wait(&queue), "and then nothing");
    for (int i = 0; i < 4; i++)
        tcore_buf_free(&request[i].records);
    listen_queue_free(&queue);
}

static struct listen_peer peer_of(unsigned address, uint16_t port)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *in = (void *)&storage;
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    in->sin_addr.s_addr = htonl(address);
    return listen_peer_of(&storage);
}

/* Whether a sender is told of one more bad line. */
static bool tells(struct listen_peers *peers, unsigned address, int64_t now_ns, uint64_t *lines)
{
    struct listen_peer peer = peer_of(0x0a000000 + address, (uint16_t)(now_ns % 50000));
    *lines = 1;
    return listen_peers_tell(peers, &peer, now_ns, lines);
}

static void test_peers(void)
{
    char text[LISTEN_PEER_BYTES];
    struct listen_peers peers = {0};
    struct listen_peer a = peer_of(0x7f000001, 8125), b = peer_of(0x7f000001, 8126);
    struct sockaddr_storage storage = {0};
    struct sockaddr_in6 *in6 = (void *)&storage;
    uint64_t lines;
    int64_t now_ns = 1;
    listen_peer_text(&a, text);
    is_str(text, "127.0.0.1:8125", "a sender by version 4");
    ok(listen_peer_is(&a, &a) && !listen_peer_is(&a, &b), "ports tell senders apart");
    in6->sin6_family = AF_INET6;
    in6->sin6_addr.s6_addr[15] = 1;
    in6->sin6_port = htons(7);
    a = listen_peer_of(&storage);
    listen_peer_text(&a, text);
    is_str(text, "[::1]:7", "a sender by version 6");

    ok(tells(&peers, 1, now_ns, &lines) && lines == 1, "the first bad line is told");
    for (int i = 0; i < 99; i++)
        ok(!tells(&peers, 1, ++now_ns, &lines), "the next ones are not, whatever the port");
    ok(tells(&peers, 2, now_ns, &lines), "another sender's is");
    now_ns += LISTEN_PEERS_NS;
    ok(tells(&peers, 1, now_ns, &lines), "a minute later it is");
    is_int((int64_t)lines, 100, "with how many there were");
    unsigned told = 1;
    for (unsigned i = 3; i < 10000; i++)
        told += tells(&peers, i, ++now_ns, &lines);
    is_int(told, LISTEN_PEERS_TOLD, "whoever makes up addresses fills no log");
    now_ns += LISTEN_PEERS_NS;
    ok(tells(&peers, 5, now_ns, &lines), "nor does he keep others from it for long");
}

int main(void)
{
    test_addresses();
    test_peers();
    test_tokens();
    test_answers();
    test_protobuf_answers();
    test_sample();
    test_queue();
    return done_testing();
}
