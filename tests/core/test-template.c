/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates of names and messages. */
#include <config.h>

#include "cli/template.h"
#include "tap.h"

struct test_case {
    const char *text, *template;
};

static const struct test_case names[] = {
    {"GET /users/123", "GET /users/<num>"},
    {"GET /users/123/orders/45?page=2&size=10", "GET /users/<num>/orders/<num>?<query>"},
    {"GET /v1/users/{id}", "GET /v1/users/{id}"},
    {"GET /api/2024-01-31/report", "GET /api/<time>/report"},
    {"PUT /f/123e4567-e89b-12d3-a456-426614174000", "PUT /f/<uuid>"},
    {"HGET session:9f86d081884c7d65", "HGET session:<hex>"},
    {"object deadbeef 0x7ffe01", "object deadbeef <hex>"},
    {"http2 s3 utf8 sha256 v1 x86_64", "http2 s3 utf8 sha256 v1 x86_<num>"},
    {"worker-12", "worker-<num>"},
    {"user1234 item12", "user<num> item12"},
    {"SELECT * FROM t WHERE n = 'Bob' AND m = 7",
     "SELECT * FROM t WHERE n = '<str>' AND m = <num>"},
    {"took 12.5ms, 3s, 10MB", "took <num>ms, <num>s, <num>MB"},
    {"don't, can't", "don't, can't"},
    {"dial 10.0.0.7:5432", "dial <ip>"},
    {"mail to a.b@example.com.", "mail to <email>."},
    {"at 2024-01-31T10:00:00.123Z now", "at <time> now"},
    {"at 2024-01-31 10:00:00+02:00", "at <time>"},
    {"-5 a-5 (-1.5)", "<num> a-<num> (<num>)"},
    {"key AKIAIOSFODNN7EXAMPLE", "key <id>"},
    {"/product/OLJCESPC7Z", "/product/<id>"},
    {"blob dGhpczEyaXM0YmF5ZTY0", "blob <id>"},
    {"grpc.health.v1.Health/Check", "grpc.health.v1.Health/Check"},
    {"", ""},
    {"caf\xc3\xa9 42", "caf\xc3\xa9 <num>"},
    {"?a=b", "?a=b"},
    {"'", "'"},
    {"x?", "x?"},
    {"1.2.3", "<num>"},
    {"404s 2fa 5xx", "<num>s 2fa 5xx"},
    {"12345678901234567890", "<num>"},
    {"1234567890abcdef", "<hex>"},
};

static const struct test_case messages[] = {
    {"open /var/lib/x/7.db: no such file", "open <path>: no such file"},
    {"GET https://api.example.com/v1/users/7 failed", "GET <url> failed"},
    {"either/or", "either/or"},
    {"5/7 replicas", "<num>/<num> replicas"},
    {"Max retries (url: /api/cart?a=b)", "Max retries (url: <path>)"},
    {"see /tmp/a, /tmp/b.", "see <path>, <path>."},
};

static void check(const struct test_case *one, bool message)
{
    struct tcore_buf out = {0};
    struct tcore_slice text = {one->text, strlen(one->text)};
    if (message)
        template_message(&out, text);
    else
        template_name(&out, text);
    tcore_buf_putc(&out, 0);
    is_str(out.data, one->template, "%s", one->text);
    tcore_buf_free(&out);
}

/* Long texts take no long time. */
static void test_long(void)
{
    enum { LENGTH = 1 << 20 };
    static const char *const parts[] = {"a.", "1-", "?", "'", "/a", "0x", "a@", "f0"};
    char *text = malloc(LENGTH);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct tcore_buf out = {0};
        size_t length = strlen(parts[i]);
        for (size_t at = 0; at < LENGTH; at++)
            text[at] = parts[i][at % length];
        template_message(&out, (struct tcore_slice){text, LENGTH});
        ok(!out.failed && out.length, "a mebibyte of %s", parts[i]);
        tcore_buf_free(&out);
    }
    free(text);
}

int main(void)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(&names[i], false);
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        check(&messages[i], true);
    test_long();
    return done_testing();
}
