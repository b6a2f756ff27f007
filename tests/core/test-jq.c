/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libjq in its helper process: verdicts and results, what its sandbox keeps from it, and that
 * programs which hang, eat memory or crash it end in an error. The helper is the one in
 * $top_builddir/libexec.
 */
#include "failing.h"
#include "query/expr.h"
#include "query/jq.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char helper[4096];
static const int64_t short_ns = INT64_C(300000000);

static struct tcore_slice slice(const char *text)
{
    return (struct tcore_slice){text, strlen(text)};
}

static enum tcore_status open_jq(struct tcore_jq **jq, const char *program, bool unchecked,
                                 int64_t watchdog_ns, struct tcore_error *err)
{
    struct tcore_jq_options options = {
        .helper = helper, .watchdog_ns = watchdog_ns, .unchecked = unchecked};
    return tcore_jq_open(jq, program, &options, err);
}

/* --- Answers */

static const struct {
    const char *program, *record;
    enum tcore_jq_verdict wanted;
} verdicts[] = {
    {".a", "{\"a\":1}", TCORE_JQ_IS_TRUE},
    {".a", "{\"a\":null}", TCORE_JQ_IS_FALSE},
    {".a", "{\"a\":false}", TCORE_JQ_IS_FALSE},
    {".b", "{\"a\":false}", TCORE_JQ_IS_FALSE},
    {"empty", "{}", TCORE_JQ_IS_FALSE},
    {"false, true", "{}", TCORE_JQ_IS_TRUE},
    {"true, error(\"late\")", "{}", TCORE_JQ_IS_TRUE},
    {"false, error(\"early\")", "{}", TCORE_JQ_FAILED},
    {"error(\"x\")", "{}", TCORE_JQ_FAILED},
    {"error({\"a\":1})", "{}", TCORE_JQ_FAILED},
    {"100*ms == 1e8 and 1*d == 24*h and h == 60*m and m == 60*s and us == 1000*ns", "{}",
     TCORE_JQ_IS_TRUE},
    {"# a comment\n.a # another\n", "{\"a\":1}", TCORE_JQ_IS_TRUE},
    {"def f(x): x + 1; f(.a) == 2", "{\"a\":1}", TCORE_JQ_IS_TRUE},
    {"\"x\\(.a + (1|tostring|tonumber))y\" == \"x2y\"", "{\"a\":1}", TCORE_JQ_IS_TRUE},
    {"\"a\nb\" == \"a\\nb\"", "{}", TCORE_JQ_IS_TRUE},
    {"reduce .a[] as $x (0; . + $x) == 6", "{\"a\":[1,2,3]}", TCORE_JQ_IS_TRUE},
    {".a as [$x, {b: $y}] | $x + $y == 3", "{\"a\":[1,{\"b\":2}]}", TCORE_JQ_IS_TRUE},
    {"[.a[]?] == [] and (.a | @base64) == \"eA==\"", "{\"a\":\"x\"}", TCORE_JQ_IS_TRUE},
    {"if .a then true else false end", "{\"a\":1}", TCORE_JQ_IS_TRUE},
    {"any(.a[]; . > 2)", "{\"a\":[1,2,3]}", TCORE_JQ_IS_TRUE},
    {".a |= 2 | .a == 2", "{\"a\":1}", TCORE_JQ_IS_TRUE},
    {".events[0].timeUnixNano == 12", "{\"events\":[{\"timeUnixNano\":\"12\"}]}", TCORE_JQ_IS_TRUE},
    {".timeUnixNano + 1 == 13", "{\"timeUnixNano\":\"12\"}", TCORE_JQ_IS_TRUE},
    {".timeUnixNano == \"x\"", "{\"timeUnixNano\":\"x\"}", TCORE_JQ_IS_TRUE},
    {".durationNano == 5 and (keys|length) == 4",
     "{\"spanId\":\"a\",\"startTimeUnixNano\":\"7\",\"endTimeUnixNano\":\"12\"}", TCORE_JQ_IS_TRUE},
    {".durationNano == null",
     "{\"spanId\":\"a\",\"startTimeUnixNano\":\"13\",\"endTimeUnixNano\":\"12\"}",
     TCORE_JQ_IS_TRUE},
    {".durationNano == 1",
     "{\"spanId\":\"a\",\"durationNano\":1,\"startTimeUnixNano\":\"7\",\"endTimeUnixNano\":\"12\"}",
     TCORE_JQ_IS_TRUE},
    {".service == \"s\"", "{\"resource\":{\"service.name\":\"s\"}}", TCORE_JQ_IS_TRUE},
    {".service == \"t\"", "{\"resource\":{\"service.name\":\"s\"},\"service\":\"t\"}",
     TCORE_JQ_IS_TRUE},
    {".a == \"\\ufffdx\"", "{\"a\":\"\\ud800x\"}", TCORE_JQ_IS_TRUE},
    {".a|length == 2", "{\"a\":[1,2]}", TCORE_JQ_IS_TRUE},
    {"true", "{\"a\":", TCORE_JQ_FAILED},
    {"true", "01", TCORE_JQ_FAILED},
    {"env == {}", "{}", TCORE_JQ_IS_TRUE},
    {"$ENV == {}", "{}", TCORE_JQ_IS_TRUE},
    {"env.PATH == null", "{}", TCORE_JQ_IS_TRUE},
    {"input", "{}", TCORE_JQ_FAILED},
    {"[inputs] == []", "{}", TCORE_JQ_IS_TRUE},
    {"halt_error", "{\"a\":1}", TCORE_JQ_FAILED},
    {"halt", "{}", TCORE_JQ_FAILED},
    {"debug | stderr | true", "{}", TCORE_JQ_IS_TRUE},
    {"\"x\" | test(\"(a+)+$\") | not", "{}", TCORE_JQ_IS_TRUE},
    {"now > 0 and (0|todate) == \"1970-01-01T00:00:00Z\"", "{}", TCORE_JQ_IS_TRUE},
    {"(0|localtime|mktime) == 0", "{}", TCORE_JQ_IS_TRUE},
    {"[limit(3; repeat(1))] == [1,1,1]", "{}", TCORE_JQ_IS_TRUE},
};

static void test_verdicts(void)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        struct tcore_error err = {0};
        struct tcore_jq *jq;
        uint8_t got[3] = {9, 9, 9};
        struct tcore_slice texts[3] = {slice(verdicts[i].record), slice(verdicts[i].record),
                                       slice(verdicts[i].record)};
        enum tcore_status status = open_jq(&jq, verdicts[i].program, true, 0, &err);
        if (status == TCORE_OK)
            status = tcore_jq_select(jq, texts, 3, got, &err);
        bool held = status == TCORE_OK && got[0] == verdicts[i].wanted && got[1] == got[0] &&
                    got[2] == got[0] &&
                    (got[0] == TCORE_JQ_FAILED) == (*tcore_jq_reason(jq) != '\0');
        ok(held, "%s: %s", one_line(verdicts[i].program),
           status == TCORE_OK ? tcore_jq_reason(jq) : err.text);
        if (!held)
            printf("# status %d, verdict %d\n", (int)status, got[0]);
        if (status == TCORE_OK || jq)
            tcore_jq_close(jq);
    }
}

/* Programs that libjq does not take, and where. */
static const struct {
    const char *program;
    unsigned line, byte;
    const char *says;
} refused[] = {
    {"service==\"cart\"", 0, 1, "did you mean .service"},
    {".a == 1 and status == 2", 0, 13, "did you mean .status"},
    {"foo(1)", 0, 1, "no function foo with 1 argument"},
    {".a | foo(1; 2)", 0, 6, "no function foo with 2 arguments"},
    {"$x", 0, 1, "$x is not defined"},
    {"if .a then 1 els 2 end", 0, 14, "unexpected"},
    {"[.a[] | ]", 0, 9, "unexpected"},
    {"(.a | @text", 0, 12, "ends too early"},
    {".a as $x", 0, 9, "ends too early"},
    {".a\n| map(.b)\n| bar", 3, 3, "no function bar"},
    {"# c\n  .a[] | (", 2, 11, "ends too early"},
    {"env", 0, 1, "cannot be used"},
    {"1 / 0", 0, 0, "zero"},
};

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct tcore_error err = {0};
        struct tcore_jq *jq = NULL;
        int status = (int)open_jq(&jq, refused[i].program, false, 0, &err);
        bool held = status == TCORE_BAD_INPUT && strstr(err.text, refused[i].says) &&
                    err.line == refused[i].line &&
                    (!refused[i].byte || err.byte == refused[i].byte);
        ok(held, "%s: %u:%u: %s", one_line(refused[i].program), (unsigned)err.line,
           (unsigned)err.byte, err.text);
    }
}

static void test_many(void)
{
    enum { COUNT = 1000 };
    static char texts[COUNT][40];
    static struct tcore_slice slices[COUNT];
    static uint8_t got[COUNT];
    static struct tcore_jq_output outputs[COUNT];
    struct tcore_error err = {0};
    struct tcore_jq *jq;
    unsigned wrong = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], i % 10 == 7 ? "{\"n\":" : "{\"n\":%u}", i);
        slices[i] = slice(texts[i]);
    }
    open_jq(&jq, "if .n % 3 == 0 then error(\"no \\(.n)\") else .n % 2 == 0 end", false, 0, &err);
    is_int(tcore_jq_select(jq, slices, COUNT, got, &err), TCORE_OK, "1,000 records");
    for (unsigned i = 0; i < COUNT; i++)
        wrong += got[i] != (i % 10 == 7 || i % 3 == 0 ? TCORE_JQ_FAILED
                            : i % 2 == 0              ? TCORE_JQ_IS_TRUE
                                                      : TCORE_JQ_IS_FALSE);
    is_int(wrong, 0, "each with its verdict");
    ok(*tcore_jq_reason(jq), "a first reason: %s", tcore_jq_reason(jq));
    tcore_jq_close(jq);

    struct tcore_buf out = {0};
    open_jq(&jq, "if .n % 3 == 0 then error(\"no \\(.n)\") else range(.n % 3) | {a:.} end", false,
            0, &err);
    tcore_buf_puts(&out, "before\n");
    is_int(tcore_jq_map(jq, slices, COUNT, &out, outputs, &err), TCORE_OK, "1,000 results");
    wrong = 0;
    size_t offset = 7;
    for (unsigned i = 0; i < COUNT; i++) {
        char wanted[40];
        if (i % 10 == 7 || i % 3 == 0) {
            snprintf(wanted, sizeof wanted, "no %u", i);
            wrong += !outputs[i].reason || outputs[i].length ||
                     (i % 10 != 7 && strcmp(outputs[i].reason, wanted) != 0);
            continue;
        }
        snprintf(wanted, sizeof wanted, i % 3 == 1 ? "{\"a\":0}\n" : "{\"a\":0}\n{\"a\":1}\n");
        wrong += outputs[i].reason || outputs[i].offset != offset ||
                 outputs[i].length != strlen(wanted) ||
                 memcmp(out.data + offset, wanted, strlen(wanted)) != 0;
        offset += outputs[i].length;
    }
    is_int(wrong, 0, "each with its lines or its reason");
    is_int(out.length, offset, "and nothing else");
    tcore_buf_free(&out);
    tcore_jq_close(jq);
}

/* Results larger than a frame, records larger than a batch. */
static void test_large(void)
{
    struct tcore_error err = {0};
    struct tcore_jq *jq;
    struct tcore_buf out = {0}, large = {0};
    struct tcore_jq_output outputs[4];
    struct tcore_jq_options options = {
        .helper = helper, .limit_bytes = 3 << 20, .watchdog_ns = INT64_C(60000000000)};
    tcore_buf_puts(&large, "{\"a\":\"");
    for (unsigned i = 0; i < 5u << 20; i += 8)
        tcore_buf_puts(&large, "01234567");
    tcore_buf_puts(&large, "\"}");
    struct tcore_slice texts[4] = {
        slice("{\"n\":2}"), {large.data, large.length}, slice("{\"n\":40}"), slice("{\"n\":1}")};
    tcore_jq_open(&jq, "if .n then [range(10000 * .n)] else (.a|length) end", &options, &err);
    is_int(tcore_jq_map(jq, texts, 4, &out, outputs, &err), TCORE_OK, "large ones: %s", err.text);
    ok(!outputs[0].reason && outputs[0].length > 100000, "20,000 numbers");
    is_mem(out.data + outputs[1].offset, outputs[1].length, "5242880\n", 8, "5 MiB");
    ok(!outputs[2].reason && outputs[2].length > 2000000, "400,000 numbers");
    ok(!outputs[3].reason && outputs[3].length > 40000, "10,000 numbers");
    tcore_jq_close(jq);
    tcore_buf_clear(&out);
    options.limit_bytes = 64 << 10;
    tcore_jq_open(&jq, "repeat(1)", &options, &err);
    is_int(tcore_jq_map(jq, texts, 1, &out, outputs, &err), TCORE_OK, "results without end");
    is_str(outputs[0].reason, "the program gives too much for one record", "are cut off");
    is_int(out.length, 0, "and left out");
    tcore_jq_close(jq);
    tcore_buf_free(&out);
    tcore_buf_free(&large);
}

/* --- Programs that do harm */

static const struct {
    const char *program;
    const char *says; /* part of the error; NULL: may also end as an error of the record */
} harmful[] = {
    {"def f: f; f", "was stopped"},
    {"def f: 1 + f; f", NULL},
    {"[range(1e9)] | length", NULL},
    {"[range(1e7)|[.]|tostring] | length", NULL},
    {"\"x\" * 1e9 | length", NULL},
    {"reduce range(1000000) as $i (null; [.]) | length", NULL},
    {"reduce range(30) as $i (\"x\"; . + .) | length", NULL},
    {"until(false; .)", "was stopped"},
    {"last(repeat(1))", "was stopped"},
    {"(-9223372036854775808 | floor) % (-1|floor)", NULL},
    {"[limit(1000000; repeat(\"aaaaaaaaaa\"))] | join(\"\") | test(\"(a+)+(a+)+$b\")", NULL},
    {"def f: def g: f; g; f", "was stopped"},
    {"[range(100000)] | combinations", NULL},
};

static void test_harmful(void)
{
    for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++) {
        struct tcore_error err = {0};
        struct tcore_jq *jq;
        uint8_t got = 9;
        struct tcore_slice text = slice("{\"a\":1}");
        enum tcore_status status = open_jq(&jq, harmful[i].program, false, short_ns, &err);
        if (status != TCORE_OK) {
            ok(false, "%s: %s", harmful[i].program, err.text);
            continue;
        }
        int64_t begin = tcore_sys()->monotonic_ns();
        status = tcore_jq_select(jq, &text, 1, &got, &err);
        int64_t took = tcore_sys()->monotonic_ns() - begin;
        bool held = status == TCORE_FATAL && took < 100 * short_ns;
        if (status == TCORE_FATAL && harmful[i].says)
            held = held && strstr(err.text, harmful[i].says);
        if (!harmful[i].says)
            held = held || status == TCORE_OK;
        ok(held, "%s: %s (%lld ms)", harmful[i].program,
           status == TCORE_OK ? tcore_jq_reason(jq) : err.text, (long long)(took / 1000000));
        if (status == TCORE_FATAL)
            ok(tcore_jq_select(jq, &text, 1, &got, &err) == TCORE_FATAL, "it stays stopped: %s",
               err.text);
        tcore_jq_close(jq);
    }
    ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no process is left");
}

/* Seen with libjq 1.6: freeing a million nested arrays overflows the stack. */
static void test_crash(void)
{
    struct tcore_error err = {0};
    struct tcore_jq *jq;
    uint8_t got = 9;
    struct tcore_slice text = slice("{}");
    open_jq(&jq, "reduce range(1000000) as $i (null; [.]) | 1", false, INT64_C(20000000000), &err);
    enum tcore_status status = tcore_jq_select(jq, &text, 1, &got, &err);
    ok(status == TCORE_OK || strstr(err.text, "crash"), "a million nested arrays: %s",
       status == TCORE_OK ? "fine" : err.text);
    tcore_jq_close(jq);
    open_jq(&jq, "[range(1e9)] | length", false, INT64_C(60000000000), &err);
    status = tcore_jq_select(jq, &text, 1, &got, &err);
    ok(status == TCORE_FATAL && strstr(err.text, "512 MiB"), "a billion numbers: %s", err.text);
    tcore_jq_close(jq);
}

/* Killed from outside; and started wrongly. */
static void test_process(void)
{
    struct tcore_error err = {0};
    struct tcore_jq *jq = NULL;
    struct tcore_jq_options options = {.helper = "/nonexistent/tracecore-jq"};
    is_int(tcore_jq_open(&jq, ".", &options, &err), TCORE_FATAL, "no such helper");
    ok(strstr(err.text, "/nonexistent/tracecore-jq") && err.errnum == ENOENT, "%s", err.text);
    options.helper = "/bin/true";
    is_int(tcore_jq_open(&jq, ".", &options, &err), TCORE_FATAL, "a program that is none: %s",
           err.text);
    options.helper = "/bin/cat";
    is_int(tcore_jq_open(&jq, ".", &options, &err), TCORE_FATAL, "one that only echoes: %s",
           err.text);
    options.helper = helper;
    options.watchdog_ns = 1;
    uint8_t got;
    struct tcore_slice text = slice("{}");
    is_int(tcore_jq_open(&jq, "def f: f; f", &options, &err), TCORE_OK, "starting has its own time");
    is_int(tcore_jq_select(jq, &text, 1, &got, &err), TCORE_FATAL, "no time at all: %s", err.text);
    tcore_jq_close(jq);
    for (int n = 0; n < 20; n++) {
        open_jq(&jq, ".", false, 0, &err);
        tcore_jq_close(jq);
    }
    struct dirent *entry;
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && (entry = readdir(dir)))
        count++;
    if (dir)
        closedir(dir);
    ok(count < 12, "no descriptors are left open (%u)", count);
    tcore_jq_close(NULL);
}

/* The process itself: what /proc says of it while it waits for us. */
static void test_sandbox(void)
{
    struct tcore_error err = {0};
    struct tcore_jq *jq;
    char path[64], line[256];
    unsigned found = 0, seccomp = 9, privileges = 9;
    long parent = (long)getpid(), child = 0;
    open_jq(&jq, ".", false, 0, &err);
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", parent);
    FILE *children = fopen(path, "r");
    if (!children || fscanf(children, "%ld", &child) != 1) {
        skip("the kernel does not list children");
    } else {
        snprintf(path, sizeof path, "/proc/%ld/status", child);
        FILE *status = fopen(path, "r");
        while (status && fgets(line, sizeof line, status)) {
            found += sscanf(line, "Seccomp: %u", &seccomp) == 1;
            found += sscanf(line, "NoNewPrivs: %u", &privileges) == 1;
        }
        if (status)
            fclose(status);
        if (found != 2)
            skip("/proc does not tell");
        else
            ok(seccomp == 2 && privileges == 1, "a filter of system calls is in force");
        snprintf(path, sizeof path, "/proc/%ld/limits", child);
        status = fopen(path, "r");
        unsigned limits = 0;
        while (status && fgets(line, sizeof line, status)) {
            limits += strncmp(line, "Max open files            0 ", 28) == 0;
            limits += strncmp(line, "Max core file size        0 ", 28) == 0;
            limits += strncmp(line, "Max address space         536870912 ", 36) == 0;
        }
        if (status)
            fclose(status);
        is_int(limits, 3, "no files, no core, 512 MiB");
    }
    if (children)
        fclose(children);
    tcore_jq_close(jq);
}

/* A helper dies with the program that started it, even if it is busy. */
static void test_orphan(void)
{
    int ends[2];
    long child = 0;
    if (pipe(ends) != 0)
        return;
    pid_t middle = fork();
    if (middle == 0) {
        struct tcore_error err;
        struct tcore_jq *jq;
        char path[64];
        open_jq(&jq, "def f: f; f", false, INT64_C(60000000000), &err);
        snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
        FILE *children = fopen(path, "r");
        if (children && fscanf(children, "%ld", &child) != 1)
            child = 0;
        if (write(ends[1], &child, sizeof child) < 0)
            _exit(1);
        uint8_t got;
        struct tcore_slice text = slice("{}");
        tcore_jq_select(jq, &text, 1, &got, &err); /* never ends by itself */
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &child, sizeof child) != sizeof child)
        child = 0;
    close(ends[0]);
    usleep(50000);
    kill(middle, SIGKILL);
    waitpid(middle, NULL, 0);
    if (!child) {
        skip("the kernel does not list children");
        return;
    }
    bool gone = false;
    char path[64], line[256], state = 'X';
    snprintf(path, sizeof path, "/proc/%ld/stat", child);
    for (int n = 0; n < 200 && !gone; n++) {
        FILE *file = fopen(path, "r");
        state = 'X';
        if (file && fgets(line, sizeof line, file) && strrchr(line, ')'))
            state = strrchr(line, ')')[2];
        if (file)
            fclose(file);
        gone = state == 'X' || state == 'Z';
        usleep(10000);
    }
    ok(gone, "the helper died with its program");
}

/* --- As an expression */

static void test_expression(void)
{
    struct tcore_expr_options options = {.helper = helper};
    struct tcore_projection projection = {0};
    struct tcore_error err = {0};
    struct tcore_expr *expr = NULL;
    struct tcore_expr_state *one = NULL, *two = NULL;
    struct tcore_slice texts[] = {slice("{\"a\":[1]}"), slice("{\"a\":[2]}"), slice("{\"a\":3}"),
                                  slice("{\"a\":[1,5]}")};
    struct tcore_batch batch = {.rows = 4, .text = texts};
    is_int(tcore_expr_compile(&expr, "[.a[]] | any(. == 1)", &options, &projection, &err), TCORE_OK,
           "an expression for libjq: %s", err.text);
    ok(!tcore_expr_is_native(expr) && projection.text, "is not native and asks for text");
    tcore_expr_state_new(&one, expr, &err);
    tcore_expr_state_new(&two, expr, &err);
    uint32_t rows[4] = {0, 1, 2, 3}, again[2] = {1, 3};
    size_t count = 4;
    uint64_t failed = 0;
    is_int(tcore_expr_select(one, &batch, rows, &count, &failed, &err), TCORE_OK, "runs");
    ok(count == 2 && rows[0] == 0 && rows[1] == 3 && failed == 1, "on all rows");
    ok(tcore_expr_state_reason(one), "with a reason: %s", tcore_expr_state_reason(one));
    count = 2;
    failed = 0;
    is_int(tcore_expr_select(two, &batch, again, &count, &failed, &err), TCORE_OK, "in two states");
    ok(count == 1 && again[0] == 3 && !failed && !tcore_expr_state_reason(two), "on some rows");
    tcore_expr_state_free(one);
    tcore_expr_state_free(two);
    tcore_expr_free(expr);
    /* What native and libjq's parser say of the same fault. */
    static const struct {
        const char *text;
        unsigned byte;
        const char *says;
    } bad[] = {
        {"service==\"cart\"", 1, "did you mean .service"},
        {".a ==", 6, "ends where a value"},
        {".a == == 1", 7, "a value is expected instead of =="},
        {".a as $x | .b == == 1", 18, "unexpected"},
        {".a-b == 1", 4, "did you mean .b"},
        {".a == tru", 7, "no function tru"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int status = (int)tcore_expr_compile(&expr, bad[i].text, &options, &projection, &err);
        ok(status == TCORE_BAD_INPUT && err.byte == bad[i].byte && strstr(err.text, bad[i].says),
           "%s: column %u: %s", bad[i].text, (unsigned)err.byte, err.text);
    }
    tcore_projection_free(&projection);
}

/* Every allocation on our side fails once. */
static void test_memory(void)
{
    struct tcore_slice texts[] = {slice("{\"timeUnixNano\":\"1\",\"a\":\"\\ud800\"}"), slice("{"),
                                  slice("{\"a\":1}")};
    unsigned wrong = 0;
    unsigned long n = 1;
    for (bool more = true; more && n < 1000; n++) {
        struct tcore_jq *jq = NULL;
        struct tcore_buf out = {0};
        struct tcore_jq_output outputs[3];
        uint8_t got[3];
        failing_begin(n);
        enum tcore_status status =
            open_jq(&jq, "if .a == 1 then error(\"x\") else . end", false, 0, NULL);
        if (status == TCORE_OK)
            status = tcore_jq_select(jq, texts, 3, got, NULL);
        if (status == TCORE_OK)
            status = tcore_jq_map(jq, texts, 3, &out, outputs, NULL);
        tcore_jq_close(jq);
        tcore_buf_free(&out);
        more = failing_end();
        wrong += status != (more ? TCORE_FATAL : TCORE_OK);
        wrong += failing.live != 0;
    }
    is_int(wrong, 0, "each of %lu allocations failed once", n - 2);
}

int main(void)
{
    const char *build = getenv("top_builddir");
    snprintf(helper, sizeof helper, "%s/libexec/tracecore-jq", build ? build : ".");
    setenv("TRACECORE_TEST_SECRET", "seen", 1);
    struct tcore_error err = {0};
    struct tcore_jq *jq;
    int64_t begin = tcore_sys()->monotonic_ns();
    if (!ok(open_jq(&jq, ".", false, 0, &err) == TCORE_OK, "the helper starts: %s", err.text))
        return done_testing();
    printf("# it took %.1f ms\n", (double)(tcore_sys()->monotonic_ns() - begin) / 1e6);
    tcore_jq_close(jq);
    test_orphan();
    test_verdicts();
    test_refused();
    test_many();
    test_large();
    test_harmful();
    test_crash();
    test_process();
    test_sandbox();
    test_expression();
    test_memory();
    return done_testing();
}
