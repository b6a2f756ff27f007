/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spans gathered by trace: what goes in comes out once, whatever the order and the number of
 * intakes; limits and failures are reported. */
#include "failing.h"
#include "tap.h"
#include "trace/store.h"

#include <errno.h>
#include <unistd.h>

static struct tcore_slice slice(const char *text)
{
    return (struct tcore_slice){text, text ? strlen(text) : 0};
}

/* Gives span number span of a trace; every value follows from the two numbers. */
static enum tcore_status give(struct tcore_trace_intake *intake, unsigned trace, unsigned span,
                              struct tcore_error *err)
{
    static const char *const services[] = {"cart", "front", NULL, "stock", "a", ""};
    char trace_id[33], span_id[17], parent_id[17], text[64];
    snprintf(trace_id, sizeof trace_id, "%032x", trace + 1);
    snprintf(span_id, sizeof span_id, "%016x", span + 1);
    snprintf(parent_id, sizeof parent_id, "%016x", span);
    snprintf(text, sizeof text, "{\"trace\":%u,\"span\":%u}", trace, span);
    struct tcore_span_given given = {
        .trace_id = trace_id,
        .span_id = span_id,
        .parent_id = span ? parent_id : NULL,
        .start = tcore_value_int((int64_t)1000000 * trace + span),
        .end = tcore_value_int((int64_t)1000000 * trace + 500000),
        .error = span % 3 == 1,
        .kind = TCORE_SPAN_CLIENT,
        .service = slice(services[(trace + span) % 6]),
        .name = slice(span % 2 ? "odd" : NULL),
        .text = slice(text),
    };
    return tcore_trace_intake_give(intake, &given, err);
}

/* What is wrong with a trace of spans spans, as a count. */
static unsigned check_trace(const struct tcore_trace_store *store, struct tcore_stored_trace *trace,
                            unsigned spans)
{
    unsigned number = (unsigned)trace->spans[0]->trace_id[1] - 1, bad = trace->count != spans;
    qsort(trace->spans, trace->count, sizeof *trace->spans, tcore_stored_text_compare);
    bad += trace->errors != (spans + 1) / 3;
    bad += trace->whole.start_ns != 1000000 * (int64_t)number;
    bad += trace->whole.end_ns != 1000000 * (int64_t)number + 500000;
    for (unsigned i = 0; i < trace->count && !bad; i++) {
        static const char *const services[] = {"cart", "front", NULL, "stock", "a", ""};
        const struct tcore_stored_text *row = (struct tcore_stored_text *)trace->spans[i];
        const struct tcore_trace_span *span = &row->stored.span;
        char text[64];
        const char *wanted = services[(number + i) % 6];
        struct tcore_slice service = tcore_trace_store_service(store, span->service);
        struct tcore_slice name = tcore_trace_store_name(store, row->name);
        snprintf(text, sizeof text, "{\"trace\":%u,\"span\":%u}", number, i);
        bad += span->span_id != i + 1 || span->parent_id != i || row->stored.trace_id[0];
        bad += span->flags != (3 | (i % 3 == 1 ? TCORE_SPAN_ERROR : 0));
        bad += wanted ? !service.data || strlen(wanted) != service.length ||
                            memcmp(wanted, service.data, service.length) != 0
                      : service.data != NULL;
        bad += i % 2 ? name.length != 3 : name.data != NULL;
        bad += row->text_length != strlen(text) || memcmp(row->text, text, strlen(text)) != 0;
    }
    return bad;
}

static enum tcore_status make_file(int *fd, struct tcore_error *err)
{
    FILE *file = tmpfile();
    *fd = file ? dup(fileno(file)) : -1;
    if (file)
        fclose(file);
    return *fd >= 0 ? TCORE_OK : tcore_error_set(err, TCORE_FATAL, "no temporary file");
}

/* memory: 0, or what is held before a file is used. */
static void test_all_of_it(unsigned traces, unsigned spans, unsigned intakes, size_t memory)
{
    struct tcore_trace_store_options options = {
        .text = true, .memory_bytes = memory, .threads = intakes};
    struct tcore_trace_store *store;
    struct tcore_trace_intake *intake[4];
    struct tcore_error err;
    options.temporary = memory ? make_file : NULL;
    unsigned bad = tcore_trace_store_new(&store, &options, &err), found = 0;
    for (unsigned i = 0; i < intakes; i++)
        bad += tcore_trace_intake_new(&intake[i], store, &err);
    for (unsigned s = 0; s < spans; s++) /* traces interleave */
        for (unsigned t = 0; t < traces; t++)
            bad += give(intake[(s + t) % intakes], t, s, &err);
    bad += tcore_trace_store_seal(store, &err);
    is_int(tcore_trace_store_has_spilled(store), memory != 0, "whether a file is used");
    for (unsigned p = 0; p < tcore_trace_store_pieces(store); p++) {
        struct tcore_trace_group group;
        bad += tcore_trace_store_group(store, p, &group, &err);
        for (uint32_t t = 0; t < group.trace_count; t++, found++)
            bad += check_trace(store, &group.traces[t], spans);
        tcore_trace_store_release(store, p);
    }
    is_int(found, traces, "%u traces of %u spans through %u intakes", traces, spans, intakes);
    is_int(bad, 0, "each complete");
    ok(tcore_trace_store_untimed(store) == 0, "all with their times");
    tcore_trace_store_free(store);
}

/* Only the text of spans that failed, or tell of an exception. */
static void test_errors_only(void)
{
    struct tcore_trace_store_options options = {.text = true, .errors_only = true};
    struct tcore_trace_store *store;
    struct tcore_trace_intake *intake;
    struct tcore_trace_group group;
    struct tcore_error err;
    unsigned bad = tcore_trace_store_new(&store, &options, &err), kept = 0;
    bad += tcore_trace_intake_new(&intake, store, &err);
    for (unsigned s = 0; s < 9; s++)
        bad += give(intake, 0, s, &err);
    struct tcore_span_given told = {.trace_id = "00000000000000000000000000000001",
                                    .span_id = "00000000000000aa",
                                    .text = slice("{\"events\":[{\"name\":\"exception\"}]}")};
    bad += tcore_trace_intake_give(intake, &told, &err);
    bad += tcore_trace_store_seal(store, &err);
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++) {
        bad += tcore_trace_store_group(store, p, &group, &err);
        for (uint32_t t = 0; t < group.trace_count; t++)
            for (uint32_t i = 0; i < group.traces[t].count; i++) {
                const struct tcore_stored_text *row =
                    (struct tcore_stored_text *)group.traces[t].spans[i];
                bool failed = row->stored.span.flags & TCORE_SPAN_ERROR;
                kept += row->text != NULL;
                bad += (row->text != NULL) != (failed || row->stored.span.span_id == 0xaa);
            }
    }
    is_int(bad, 0, "text is kept of errors only");
    is_int(kept, 4, "that is three that failed, and one that tells of an exception");
    tcore_trace_store_free(store);
}

static void test_services(void)
{
    struct tcore_trace_store_options options = {0};
    struct tcore_trace_store *store;
    struct tcore_trace_intake *intake;
    struct tcore_error err;
    static const char *const names[] = {"b", "a", "", "ab", "b", "B"};
    static const char *const sorted[] = {"", "B", "a", "ab", "b"};
    tcore_trace_store_new(&store, &options, &err);
    tcore_trace_intake_new(&intake, store, &err);
    for (size_t i = 0; i < 6; i++) {
        struct tcore_span_given given = {.trace_id = "0123456789abcdef0123456789abcdef",
                                         .span_id = "fedcba9876543210",
                                         .service = slice(names[i])};
        tcore_trace_intake_give(intake, &given, &err);
    }
    tcore_trace_store_seal(store, &err);
    is_int(tcore_trace_store_services(store), 6, "five services, and none");
    ok(!tcore_trace_store_service(store, 0).data, "0 is none");
    for (uint32_t i = 0; i < 5; i++) {
        struct tcore_slice name = tcore_trace_store_service(store, i + 1);
        is_mem(name.data, name.length, sorted[i], strlen(sorted[i]), "number %u", i + 1);
    }
    is_int((int64_t)tcore_trace_store_untimed(store), 6, "none had times");
    char digits[33] = "";
    struct tcore_trace_group group = {0};
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS && !group.trace_count; p++)
        tcore_trace_store_group(store, p, &group, &err);
    is_int(group.trace_count, 1, "one trace");
    tcore_trace_id_digits(group.traces[0].spans[0]->trace_id, digits);
    is_str(digits, "0123456789abcdef0123456789abcdef", "its id comes back");
    digits[16] = '\0';
    tcore_span_id_digits(group.traces[0].spans[0]->span.span_id, digits);
    is_str(digits, "fedcba9876543210", "and its span's");
    ok(!tcore_interval_is_known(&group.traces[0].whole), "when it was is not known");
    tcore_trace_store_free(store);
}

static void test_times(void)
{
    static const struct {
        struct tcore_value start, end;
        unsigned flags;
        int64_t first, last;
    } cases[] = {
        {{.kind = TCORE_INT, .i = 5}, {.kind = TCORE_INT, .i = 9}, 3, 5, 9},
        {{.kind = TCORE_INT, .i = 9}, {.kind = TCORE_INT, .i = 5}, 3, 9, 9},
        {{.kind = TCORE_INT, .i = 5}, {0}, 1, 5, 5},
        {{0}, {.kind = TCORE_INT, .i = 9}, 2, 9, 9},
        {{.kind = TCORE_STRING, .s = "-7", .len = 2}, {.kind = TCORE_INT, .i = 9}, 3, -7, 9},
        {{.kind = TCORE_STRING, .s = "x", .len = 1}, {.kind = TCORE_NULL}, 0, 1, 0},
        {{.kind = TCORE_INT, .i = INT64_MIN}, {.kind = TCORE_INT, .i = INT64_MAX}, 0, 1, 0},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct tcore_trace_store_options options = {.names = true};
        struct tcore_trace_store *store;
        struct tcore_trace_intake *intake;
        struct tcore_trace_group group = {0};
        struct tcore_error err;
        struct tcore_span_given given = {.trace_id = "0123456789abcdef0123456789abcdef",
                                         .span_id = "fedcba9876543210",
                                         .start = cases[n].start,
                                         .end = cases[n].end};
        tcore_trace_store_new(&store, &options, &err);
        tcore_trace_intake_new(&intake, store, &err);
        tcore_trace_intake_give(intake, &given, &err);
        tcore_trace_store_seal(store, &err);
        for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS && !group.trace_count; p++)
            tcore_trace_store_group(store, p, &group, &err);
        const struct tcore_stored_trace *trace = &group.traces[0];
        is_int(trace->spans[0]->span.flags, cases[n].flags, "case %zu: which times it has", n);
        if (cases[n].first > cases[n].last)
            ok(!tcore_interval_is_known(&trace->whole), "no interval");
        else
            ok(trace->whole.start_ns == cases[n].first && trace->whole.end_ns == cases[n].last,
               "its interval");
        tcore_trace_store_free(store);
    }
}

static void test_limit(void)
{
    struct tcore_trace_store_options options = {.text = true, .memory_bytes = 100000};
    struct tcore_trace_store *store;
    struct tcore_trace_intake *intake;
    struct tcore_error err = {0};
    unsigned given = 0;
    tcore_trace_store_new(&store, &options, &err);
    tcore_trace_intake_new(&intake, store, &err);
    while (given < 100000 && give(intake, given, given, &err) == TCORE_OK)
        given++;
    ok(given > 100 && given < 2000, "about 100 KB are full after %u spans", given);
    is_int(err.status, TCORE_FATAL, "which is fatal");
    ok(tcore_trace_store_is_full(store), "and known");
    ok(tcore_trace_store_bytes(store) > 50000, "%zu bytes are held",
       tcore_trace_store_bytes(store));
    tcore_trace_store_free(store);
}

static ssize_t write_nothing(int fd, const void *buffer, size_t bytes, off_t offset)
{
    (void)fd, (void)buffer, (void)bytes, (void)offset;
    errno = ENOSPC;
    return -1;
}

static ssize_t read_nothing(int fd, void *buffer, size_t bytes, off_t offset)
{
    (void)fd, (void)buffer, (void)bytes, (void)offset;
    return 0;
}

/* A full disk, and a file that lost its end. */
static void test_file_fails(void)
{
    struct tcore_trace_store_options options = {
        .text = true, .memory_bytes = 1, .temporary = make_file, .threads = 1};
    struct tcore_sys sys = tcore_sys_default;
    struct tcore_trace_store *store;
    struct tcore_trace_intake *intake;
    struct tcore_error err = {0};
    for (int round = 0; round < 2; round++) {
        struct tcore_trace_group group;
        enum tcore_status status = TCORE_OK;
        sys.pwrite = round ? tcore_sys_default.pwrite : write_nothing;
        sys.pread = round ? read_nothing : tcore_sys_default.pread;
        tcore_sys_set(&sys);
        tcore_trace_store_new(&store, &options, &err);
        tcore_trace_intake_new(&intake, store, &err);
        for (unsigned i = 0; i < 30000 && status == TCORE_OK; i++)
            status = give(intake, i, 0, &err);
        is_int(status, round ? TCORE_OK : TCORE_FATAL, "rows are taken while they can be kept");
        if (round) {
            is_int(tcore_trace_store_seal(store, &err), TCORE_OK, "sealed");
            is_int(tcore_trace_store_group(store, 7, &group, &err), TCORE_FATAL, "not read back");
        }
        ok(strstr(err.text,
                  round ? "cannot read a temporary file" : "cannot write to a temporary file"),
           "%s", err.text);
        tcore_trace_store_free(store);
    }
    tcore_sys_set(NULL);
}

/* All of a small store's life. */
static enum tcore_status live(struct tcore_trace_store **store, struct tcore_error *err)
{
    struct tcore_trace_store_options options = {.text = true};
    struct tcore_trace_intake *intake = NULL;
    enum tcore_status status = tcore_trace_store_new(store, &options, err);
    if (!status)
        status = tcore_trace_intake_new(&intake, *store, err);
    for (unsigned i = 0; i < 30 && !status; i++)
        status = give(intake, i % 2, i, err);
    if (!status)
        status = tcore_trace_store_seal(*store, err);
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS && !status; p++) {
        struct tcore_trace_group group;
        status = tcore_trace_store_group(*store, p, &group, err);
    }
    return status;
}

static void test_failures(void)
{
    bool more = true;
    unsigned bad = 0;
    for (unsigned long n = 1; more; n++) {
        struct tcore_trace_store *store = NULL;
        struct tcore_error err;
        failing_begin(n);
        enum tcore_status status = live(&store, &err);
        tcore_trace_store_free(store);
        more = failing_end();
        bad += status != (more ? TCORE_FATAL : TCORE_OK);
    }
    is_int(bad, 0, "each failed allocation is reported");
    is_int(failing.live, 0, "and nothing leaks");
}

int main(void)
{
    test_all_of_it(1, 1, 1, 0);
    test_all_of_it(3, 40, 2, 0);
    test_all_of_it(2000, 7, 4, 0);
    test_all_of_it(1, 30000, 3, 0);
    test_all_of_it(5000, 10, 2, 1);         /* shares of a megabyte, the least */
    test_all_of_it(1, 30000, 1, 1);         /* one piece has all */
    test_all_of_it(1500, 120, 1, 17 << 20); /* pieces finer than partitions */
    test_all_of_it(20000, 10, 1, 0);        /* more rows than stay out of slabs */
    test_all_of_it(20000, 10, 1, 12 << 20); /* those are given back when rows are written */
    test_file_fails();
    test_errors_only();
    test_services();
    test_times();
    test_limit();
    test_failures();
    return done_testing();
}
