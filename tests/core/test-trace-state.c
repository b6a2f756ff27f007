/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The share that a trace was kept with, in the trace state of its spans. */
#include "tap.h"

#include "model/json.h"
#include "record/trace_state.h"

static struct tcore_slice slice(const char *text)
{
    return (struct tcore_slice){text, strlen(text)};
}

static const struct {
    double share;
    uint64_t threshold;
} shares[] = {
    {1, 0},
    {0, UINT64_C(1) << 56},
    {0.5, 0x80000000000000},
    {0.25, 0xc0000000000000},
    {0.1, 0xe6666666666666},
};

static const struct {
    const char *id, *state;
    uint64_t randomness;
} traces[] = {
    {"5b8efff798038103d269b633813fc60c", "", 0x69b633813fc60c},
    {"5b8efff798038103d269b633813fc60c", "ot=rv:0123456789abcd", 0x0123456789abcd},
    {"5b8efff798038103d269b633813fc60c", "a=b , ot=th:8; rv:FFFFFFFFFFFFFF ;x:1", 0xffffffffffffff},
    {"5b8efff798038103d269b633813fc60c", "ot=rv:0123456789abcde", 0x69b633813fc60c},
    {"5b8efff798038103d269b633813fc60c", "ot=rv:", 0x69b633813fc60c},
    {"5b8efff798038103d269b633813fc60c", "xot=rv:8,rv:8,ot", 0x69b633813fc60c},
    {"5b8efff798038103d269b633813fc60c", ",,;=:ot=rv:8", 0x69b633813fc60c},
    {"", "", UINT64_C(1) << 56},
    {"no hexadecimal digits at the end", "", UINT64_C(1) << 56},
};

static const struct {
    const char *before, *after; /* NULL: no trace state */
} states[] = {
    {NULL, "ot=th:c"},
    {"", "ot=th:c"},
    {"k=v", "ot=th:c,k=v"},
    {"ot=th:8", "ot=th:c"},
    {"ot=th:c", "ot=th:c"},
    {"ot=th:d", "ot=th:d"},
    {"a=1,ot=th:0;p:2,b=2", "ot=th:c;p:2,a=1,b=2"},
    {" a=1 ,, ot=rv:1;;th:zz , ", "ot=th:c;rv:1,a=1"},
    {"ot=th:123456789abcdef", "ot=th:c"},
    {"ot=th:", "ot=th:c"},
    {"ot=", "ot=th:c"},
    {"\\\"\\n=\\u0000", "ot=th:c,\\\"\\n=\\u0000"},
};

static void test_state(size_t i)
{
    const char *ids =
        "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\"";
    struct tcore_buf text = {0}, out = {0}, wanted = {0};
    struct tcore_json json = {0};
    struct tcore_error err = {0};
    tcore_buf_printf(&text, "{\"type\":\"span\",%s,\"name\":\"\"", ids);
    tcore_buf_printf(&wanted, "%.*s,\"traceState\":\"%s\"}", (int)text.length, text.data,
                     states[i].after);
    if (states[i].before)
        tcore_buf_printf(&text, ",\"traceState\":\"%s\"", states[i].before);
    tcore_buf_puts(&text, "} ");
    struct tcore_slice record = {text.data, text.length - 1}, state = slice("");
    if (tcore_json_parse(&json, record.data, record.length, &err) == TCORE_OK && states[i].before) {
        const struct tcore_value *v = &json.node[tcore_json_find(&json, 0, "traceState")].value;
        state = (struct tcore_slice){v->s, v->len};
    }
    is_int(trace_state_put(&record, &state, 0xc0000000000000, &out, &err), TCORE_OK, "state %zu",
           i);
    is_mem(out.data, out.length, wanted.data, wanted.length, "is %s", states[i].after);
    tcore_json_free(&json);
    tcore_buf_free(&text);
    tcore_buf_free(&out);
    tcore_buf_free(&wanted);
}

int main(void)
{
    struct tcore_error err = {0};
    struct tcore_buf out = {0};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        ok(tcore_trace_state_threshold(shares[i].share) == shares[i].threshold, "%g",
           shares[i].share);
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        struct tcore_slice id = slice(traces[i].id), state = slice(traces[i].state);
        ok(tcore_trace_state_randomness(&id, &state) == traces[i].randomness, "%s, %s",
           traces[i].id, traces[i].state);
    }
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        test_state(i);
    struct tcore_slice none = slice(""), number = slice("1");
    is_int(trace_state_put(&none, &none, 1, &out, &err), TCORE_SKIP, "nothing is no span");
    is_int(trace_state_put(&number, &none, 1, &out, &err), TCORE_SKIP, "nor is a number");
    tcore_buf_free(&out);
    return done_testing();
}
