/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cutting inputs into chunks: whatever the sizes of the reads, the chunks are whole lines that add
 * up to the input; lines beyond the limit, failures, waiting pipes and foreign formats are told.
 * Plain files are read by position, by several threads at a time.
 */
#include "tap.h"

#include "base/buf.h"
#include "base/sys.h"
#include "stream/input.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

/* The system as the tests want it: reads of at most so many bytes, EINTR now and then, EIO at an
 * offset. */
static char path[64];
static size_t read_limit, read_done, fail_after;
static unsigned interrupt;

static ssize_t short_read(int fd, void *buffer, size_t bytes)
{
    if (interrupt && ++interrupt % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    if (fail_after && read_done >= fail_after) {
        errno = EIO;
        return -1;
    }
    if (read_limit && bytes > read_limit)
        bytes = read_limit;
    ssize_t got = read(fd, buffer, bytes);
    if (got > 0)
        read_done += (size_t)got;
    return got;
}

/* By position: the same limits, EIO from fail_after on, and before read number shrink_at the file
 * is cut to a length. */
static unsigned reads_at, shrink_at;
static size_t shrink_to;
static bool shrunk;

static ssize_t short_read_at(int fd, void *buffer, size_t bytes, off_t offset)
{
    if (interrupt && ++interrupt % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    if (fail_after && (size_t)offset + bytes > fail_after) {
        errno = EIO;
        return -1;
    }
    if (shrink_at && ++reads_at == shrink_at)
        shrunk = truncate(path, (off_t)shrink_to) == 0;
    if (read_limit && bytes > read_limit)
        bytes = read_limit;
    return pread(fd, buffer, bytes, offset);
}

static struct tcore_sys sys;

static void system_reset(void)
{
    sys = tcore_sys_default;
    sys.read = short_read;
    sys.pread = short_read_at;
    reads_at = shrink_at = 0;
    shrunk = false;
    read_limit = read_done = fail_after = 0;
    interrupt = 0;
    tcore_sys_set(&sys);
}

static void write_file(const char *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, length, file) != length || fclose(file)) {
        perror(path);
        exit(1);
    }
}

/* Everything that the input gives, chunk by chunk; whether all chunks ended in a newline. */
static enum tcore_status read_all(const char *name, const struct tcore_input_options *options,
                                  struct tcore_buf *out, bool *whole, struct tcore_error *err)
{
    struct tcore_input *input;
    struct tcore_chunk chunk = {0};
    uint64_t sequence = 0;
    *whole = true;
    enum tcore_status status = tcore_input_open(&input, name, options, err);
    if (status)
        return status;
    while ((status = tcore_input_next(input, &chunk, err)) == TCORE_OK) {
        *whole = *whole && (chunk.length ? chunk.data[chunk.length - 1] == '\n' : shrunk) &&
                 chunk.sequence == sequence++;
        for (size_t i = 0; i < 64; i++)
            *whole = *whole && !chunk.data[chunk.length + i];
        tcore_buf_append(out, chunk.data, chunk.length);
    }
    tcore_chunk_free(&chunk);
    tcore_input_close(input);
    return status;
}

static void make_lines(struct tcore_buf *text, unsigned lines, unsigned longest)
{
    uint64_t seed = 7;
    for (unsigned i = 0; i < lines; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned length = (unsigned)(seed >> 33) % longest;
        tcore_buf_printf(text, "{\"n\":%u,\"s\":\"", i);
        for (unsigned k = 0; k < length; k++)
            tcore_buf_putc(text, (char)('a' + k % 26));
        tcore_buf_puts(text, "\"}\n");
    }
}

static void test_sizes(void)
{
    struct tcore_buf text = {0};
    make_lines(&text, 3000, 700);
    write_file(text.data, text.length);
    static const size_t limits[] = {0, 1, 7, 4096, 65536, 262144, 1000003};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct tcore_buf got = {0};
        struct tcore_error err = {0};
        bool whole;
        system_reset();
        read_limit = limits[i];
        interrupt = 1;
        enum tcore_status status = read_all(path, NULL, &got, &whole, &err);
        ok(status == TCORE_EOF && whole && got.length == text.length &&
               !memcmp(got.data, text.data, text.length),
           "reads of %zu bytes: whole lines, all of them", limits[i]);
        tcore_buf_free(&got);
    }
    /* the last line without its newline */
    system_reset();
    struct tcore_buf got = {0};
    bool whole;
    write_file(text.data, text.length - 1);
    read_all(path, NULL, &got, &whole, NULL);
    ok(whole && got.length == text.length, "a missing last newline is added");
    tcore_buf_free(&got);
    tcore_buf_free(&text);
}

static void test_long_lines(void)
{
    struct tcore_buf text = {0}, got = {0};
    struct tcore_input_options options = {.line_limit = 1 << 20};
    bool whole;
    tcore_buf_puts(&text, "{\"a\":1}\n{\"b\":\"");
    for (unsigned i = 0; i < 900000; i++)
        tcore_buf_putc(&text, 'x');
    tcore_buf_puts(&text, "\"}\n{\"c\":1}\n");
    write_file(text.data, text.length);
    ok(read_all(path, &options, &got, &whole, NULL) == TCORE_EOF && got.length == text.length,
       "a line below the limit is read");
    tcore_buf_clear(&text);
    tcore_buf_puts(&text, "{\"a\":1}\n{\"b\":\"");
    for (unsigned i = 0; i < 5000000; i++)
        tcore_buf_putc(&text, 'x');
    tcore_buf_puts(&text, "\"}\n{\"c\":1}\n");
    write_file(text.data, text.length);
    struct tcore_input *input;
    struct tcore_chunk chunk = {0};
    uint64_t overlong = 0;
    unsigned chunks = 0;
    size_t largest = 0;
    tcore_buf_clear(&got);
    tcore_input_open(&input, path, &options, NULL);
    while (tcore_input_next(input, &chunk, NULL) == TCORE_OK) {
        chunks++;
        if (chunk.overlong)
            overlong = chunk.overlong;
        else
            tcore_buf_append(&got, chunk.data, chunk.length);
        largest = chunk.capacity > largest ? chunk.capacity : largest;
    }
    tcore_buf_putc(&got, '\0');
    is_int((int64_t)overlong, 5000008, "a line beyond the limit is told with its length");
    is_str(got.data, "{\"a\":1}\n{\"c\":1}\n", "the lines around it are given");
    ok(largest < 3 << 20, "and it is never held (%zu bytes)", largest);
    tcore_chunk_free(&chunk);
    tcore_input_close(input);
    tcore_buf_free(&got);
    tcore_buf_free(&text);
}

static void test_failure(void)
{
    struct tcore_buf text = {0}, got = {0};
    struct tcore_error err = {0};
    bool whole;
    make_lines(&text, 100, 50);
    write_file(text.data, text.length);
    system_reset();
    read_limit = 100;
    fail_after = 1000;
    enum tcore_status status = read_all(path, NULL, &got, &whole, &err);
    ok(status == TCORE_FATAL && err.errnum == EIO && whole && got.length > 900,
       "a failed read is told after the lines before it");
    system_reset();
    ok(read_all("/no/such/file", NULL, &got, &whole, &err) == TCORE_FATAL && err.errnum == ENOENT &&
           !strcmp(err.input, "/no/such/file"),
       "a missing file is named");
    ok(read_all("/", NULL, &got, &whole, &err) == TCORE_BAD_INPUT && strstr(err.text, "directory"),
       "a directory is told");
    write_file("", 0);
    tcore_buf_clear(&got);
    ok(read_all(path, NULL, &got, &whole, &err) == TCORE_EOF && !got.length, "empty input is fine");
    tcore_buf_free(&got);
    tcore_buf_free(&text);
}

/* Of a file of many chunks. */
static void test_failure_by_position(void)
{
    struct tcore_buf text = {0}, got = {0};
    struct tcore_error err = {0};
    bool whole;
    make_lines(&text, 10000, 300);
    write_file(text.data, text.length);
    for (size_t at = 700000; at < 1000000; at += 50021) {
        system_reset();
        fail_after = at;
        tcore_buf_clear(&got);
        enum tcore_status status = read_all(path, NULL, &got, &whole, &err);
        ok(status == TCORE_FATAL && err.errnum == EIO && whole && got.length <= at &&
               got.length > at - (300 << 10) && !memcmp(got.data, text.data, got.length),
           "a read that fails at %zu is told after whole lines before it", at);
    }
    for (unsigned nth = 2; nth < 8; nth++) {
        write_file(text.data, text.length);
        system_reset();
        shrink_at = nth;
        shrink_to = 600001;
        tcore_buf_clear(&got);
        enum tcore_status status = read_all(path, NULL, &got, &whole, &err);
        ok(status == TCORE_EOF && shrunk && whole && got.length > 600000 &&
               !memcmp(got.data, text.data, 600001),
           "a file cut short before read %u is given up to there", nth);
    }
    tcore_buf_free(&got);
    tcore_buf_free(&text);
}

/* A descriptor that others read from too: where it stands before and after. */
static void test_shared_descriptor(void)
{
    struct tcore_buf text = {0}, got = {0};
    bool whole;
    make_lines(&text, 10000, 300);
    write_file(text.data, text.length);
    size_t first = (size_t)(strchr(text.data, '\n') + 1 - text.data);
    system_reset();
    int saved = dup(0), file = open(path, O_RDONLY);
    lseek(file, (off_t)first, SEEK_SET);
    dup2(file, 0);
    enum tcore_status status = read_all("-", NULL, &got, &whole, NULL);
    ok(status == TCORE_EOF && whole && got.length == text.length - first &&
           !memcmp(got.data, text.data + first, got.length),
       "standard input is read from where it stands");
    is_int(lseek(file, 0, SEEK_CUR), (int64_t)text.length, "and left at its end");
    dup2(saved, 0);
    close(saved);
    close(file);
    tcore_buf_free(&got);
    tcore_buf_free(&text);
}

static const struct {
    const char *text, *error; /* NULL: its lines are given */
} formats[] = {
    {"{\"resourceSpans\":[]}\n", "looks like OTLP/JSON"},
    {"[{\"type\":\"span\"}]", "looks like a JSON array of records"},
    {"\x1f\x9d\x90 no gzip \n{\"type\":\"span\"}\n", "is of no format that tracecore knows"},
    {"a,b,c\n1,2,3\n", "is of no format that tracecore knows"},
    {"[1,2]", "is of no format that tracecore knows"},
    {"{\"type\":\"span\"}\n", NULL},
    {"junk\n\n[1]\n{\"type\":\"span\"}\n", NULL},
    {"\xff\xfe{\1}\1\n{\"type\":\"span\"}\n", NULL},
    {"\xef\xbb\xbf{\"type\":\"span\"}\n", NULL},
    {"\n\n{\"data\":1}\n", NULL},
    {"\n  \n", NULL},
};

/* The format of an input, and what is given of it, does not depend on the sizes of the reads. */
static void test_formats(void)
{
    static const size_t limits[] = {0, 1, 5};
    for (size_t i = 0; i < 3 * sizeof formats / sizeof *formats; i++) {
        const char *text = formats[i / 3].text, *error = formats[i / 3].error;
        struct tcore_error err = {0};
        struct tcore_buf got = {0};
        bool whole;
        write_file(text, strlen(text));
        system_reset();
        read_limit = limits[i % 3];
        enum tcore_status status = read_all(path, NULL, &got, &whole, &err);
        if (error)
            ok(status == TCORE_BAD_INPUT && !strncmp(err.text, error, strlen(error)) && !got.length,
               "foreign %zu, reads of %zu: %s", i / 3, read_limit, err.text);
        else
            ok(status == TCORE_EOF && whole && got.length == strlen(text),
               "ours %zu, reads of %zu %s", i / 3, read_limit, err.text);
        tcore_buf_free(&got);
    }
}

/* However much junk there is: what is a record behind it counts, and without any the input is of no
 * known format. */
static void test_junk(void)
{
    static const struct {
        unsigned lines, length;
        bool record, given; /* at the end; the junk, although there is none */
    } cases[] = {
        {1, 5000, true, true},    {1, 600000, true, true},  {9000, 70, true, true},
        {1, 2000000, true, true}, {3, 50000, false, false}, {9000, 70, false, true},
    };
    struct tcore_input_options options = {.line_limit = 1 << 20};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_buf text = {0}, got = {0};
        struct tcore_error err = {0};
        bool whole;
        for (unsigned n = 0; n < cases[i].lines; n++) {
            for (unsigned k = 0; k < cases[i].length; k++)
                tcore_buf_putc(&text, 'j');
            tcore_buf_putc(&text, '\n');
        }
        if (cases[i].record)
            tcore_buf_puts(&text, "{\"type\":\"span\"}\n");
        write_file(text.data, text.length);
        system_reset();
        enum tcore_status status = read_all(path, &options, &got, &whole, &err);
        ok(status == (cases[i].record ? TCORE_EOF : TCORE_BAD_INPUT) &&
               (got.length > 0) == cases[i].given,
           "%u lines of %u bytes of junk, %s record", cases[i].lines, cases[i].length,
           cases[i].record ? "a" : "no");
        tcore_buf_free(&got);
        tcore_buf_free(&text);
    }
}

static int pipe_ends[2];

static void *write_slowly(void *unused)
{
    (void)unused;
    const char *parts[] = {"Listening", " on 80\n", "{\"a\":1}\n{\"b\"", ":2}\n", "{\"c\":3}"};
    for (size_t i = 0; i < 5; i++) {
        usleep(60000);
        if (write(pipe_ends[1], parts[i], strlen(parts[i])) < 0)
            break;
    }
    close(pipe_ends[1]);
    return NULL;
}

static void test_live(void)
{
    pthread_t writer;
    struct tcore_input *input;
    struct tcore_chunk chunk = {0};
    struct tcore_error err = {0};
    struct tcore_input_options options = {.idle_ns = 15000000};
    if (pipe(pipe_ends) || dup2(pipe_ends[0], 0) < 0)
        exit(1);
    close(pipe_ends[0]);
    pthread_create(&writer, NULL, write_slowly, NULL);
    unsigned clocks = 0, lines = 0, live = 0;
    struct tcore_buf got = {0};
    tcore_input_open(&input, "-", &options, &err);
    while (tcore_input_next(input, &chunk, &err) == TCORE_OK) {
        if (chunk.clock) {
            clocks += !memcmp(chunk.data, "{\"type\":\"clock\",\"timeUnixNano\":\"", 32);
            continue;
        }
        lines++;
        live += chunk.live;
        tcore_buf_append(&got, chunk.data, chunk.length);
    }
    tcore_buf_putc(&got, '\0');
    pthread_join(writer, NULL);
    is_str(got.data, "Listening on 80\n{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n",
           "a slow pipe gives its lines");
    ok(lines == 3 && live >= 1, "as they come, and says that the next read waits (%u, %u)", lines,
       live);
    ok(clocks >= 1, "%u clock records stand for the waiting", clocks);
    tcore_buf_free(&got);
    tcore_chunk_free(&chunk);
    tcore_input_close(input);
}

/* Several threads claim chunks: every line once, the chunks numbered in the order of the file. */
static struct tcore_input *shared;
static struct {
    char *data;
    size_t length;
} pieces[64];

static void *claim(void *unused)
{
    struct tcore_chunk chunk = {0};
    (void)unused;
    while (tcore_input_next(shared, &chunk, NULL) == TCORE_OK) {
        if (chunk.sequence >= 64)
            continue;
        pieces[chunk.sequence].data = malloc(chunk.length);
        pieces[chunk.sequence].length = chunk.length;
        memcpy(pieces[chunk.sequence].data, chunk.data, chunk.length);
    }
    tcore_chunk_free(&chunk);
    return NULL;
}

static void share(const struct tcore_buf *text, const char *what)
{
    struct tcore_buf got = {0};
    pthread_t threads[4];
    write_file(text->data, text->length);
    tcore_input_open(&shared, path, NULL, NULL);
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, claim, NULL);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    uint64_t done, total;
    tcore_input_position(shared, &done, &total);
    ok(done == text->length && total == done, "each byte of %s counts once", what);
    tcore_input_close(shared);
    for (size_t i = 0; i < 64; i++) {
        tcore_buf_append(&got, pieces[i].data, pieces[i].length);
        free(pieces[i].data);
        pieces[i].data = NULL;
        pieces[i].length = 0;
    }
    ok(got.length == text->length && !memcmp(got.data, text->data, text->length),
       "four threads share %s without loss, in order", what);
    tcore_buf_free(&got);
}

static void test_threads(void)
{
    struct tcore_buf text = {0};
    system_reset();
    tcore_sys_set(NULL);
    make_lines(&text, 20000, 300);
    share(&text, "short lines");
    tcore_buf_clear(&text);
    make_lines(&text, 200, 30000);
    share(&text, "lines of many lengths");
    tcore_buf_clear(&text);
    make_lines(&text, 8, 1200000);
    share(&text, "lines longer than a chunk");
    tcore_buf_free(&text);
}

int main(void)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/test-input.%ld",
             folder && strlen(folder) < 30 ? folder : "/tmp", (long)getpid());
    system_reset();
    test_sizes();
    test_long_lines();
    test_failure();
    test_failure_by_position();
    test_shared_descriptor();
    test_formats();
    test_junk();
    test_live();
    test_threads();
    unlink(path);
    return done_testing();
}
