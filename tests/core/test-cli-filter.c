/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop over inputs: whatever the operator and the number of threads, output and messages are
 * the same and in input order; a system that interrupts, cuts short or fails is coped with.
 */
#include <config.h>

#include "base/sys.h"
#include "capture.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>

#define RECORDS 40000 /* some 20 chunks */

/* --- Operators */

struct fold {
    uint64_t rows; /* of all workers */
    unsigned rounds;
    unsigned workers;
    size_t name;      /* its column */
    bool worker_seen; /* an ordered operator must not get one */
};

static enum tcore_status open_name(void *state, struct tcore_projection *projection,
                                   struct tcore_error *err)
{
    struct fold *fold = state;
    return tcore_projection_add_field(projection, "name", &fold->name, err);
}

static enum tcore_status open_count(void *state, void **worker, struct tcore_error *err)
{
    struct fold *fold = state;
    __atomic_fetch_add(&fold->workers, 1, __ATOMIC_RELAXED);
    *worker = tcore_calloc(1, sizeof(uint64_t));
    return *worker ? TCORE_OK : tcore_error_nomem(err);
}

static enum tcore_status count_batch(void *state, void *worker, const struct tcore_batch *batch,
                                     const uint32_t *rows, size_t count, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    uint64_t *sum = worker;
    (void)state;
    (void)batch;
    (void)rows;
    (void)out;
    (void)err;
    *sum += count;
    return TCORE_OK;
}

static enum tcore_status close_count(void *state, void *worker, struct tcore_error *err)
{
    struct fold *fold = state;
    (void)err;
    fold->rows += *(uint64_t *)worker;
    tcore_free(worker);
    return TCORE_OK;
}

/* Says the sum three times, asking to be called again. */
static enum tcore_status finish_count(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct fold *fold = state;
    (void)err;
    tcore_buf_printf(out, "{\"count\":%" PRIu64 "}\n", fold->rows);
    return ++fold->rounds < 3 ? TCORE_SKIP : TCORE_OK;
}

/* A line for each row: its name. */
static enum tcore_status name_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    const struct fold *fold = state;
    (void)worker;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct tcore_value name = tcore_column_get(&batch->columns[fold->name], rows[i]);
        tcore_buf_printf(out, "{\"name\":\"%.*s\"}\n", (int)name.len, name.s);
    }
    return TCORE_OK;
}

/* The number of every row so far: right only if batches come in order, one at a time. */
static enum tcore_status number_batch(void *state, void *worker, const struct tcore_batch *batch,
                                      const uint32_t *rows, size_t count, struct tcore_buf *out,
                                      struct tcore_error *err)
{
    struct fold *fold = state;
    fold->worker_seen |= worker != NULL;
    for (size_t i = 0; i < count; i++)
        tcore_buf_printf(out, "{\"n\":%" PRIu64 "}\n", fold->rows++);
    return name_batch(state, worker, batch, rows, count, out, err);
}

/* Enough after 10,000 rows: by then some chunk in the middle. */
static enum tcore_status enough_batch(void *state, void *worker, const struct tcore_batch *batch,
                                      const uint32_t *rows, size_t count, struct tcore_buf *out,
                                      struct tcore_error *err)
{
    struct fold *fold = state;
    enum tcore_status status = number_batch(state, worker, batch, rows, count, out, err);
    return status == TCORE_OK && fold->rows > 10000 ? TCORE_EOF : status;
}

/* Fails at the row named n20000, after what came before it in its batch. */
static enum tcore_status fail_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    const struct fold *fold = state;
    for (size_t i = 0; i < count; i++) {
        struct tcore_value name = tcore_column_get(&batch->columns[fold->name], rows[i]);
        if (name.len == 6 && memcmp(name.s, "n20000", 6) == 0)
            return tcore_error_set(err, TCORE_BAD_INPUT, "the operator gives up");
        name_batch(state, worker, batch, rows + i, 1, out, err);
    }
    return TCORE_OK;
}

#define SPANS (1u << TCORE_RECORD_SPAN)

static const struct cli_operator operators[] = {
    {.types = SPANS, .passes_text = true},
    {.types = SPANS,
     .worker_open = open_count,
     .batch = count_batch,
     .worker_close = close_count,
     .finish = finish_count},
    {.types = SPANS, .open = open_name, .batch = name_batch},
    {.types = SPANS, .ordered = true, .open = open_name, .batch = number_batch},
    {.types = SPANS, .ordered = true, .open = open_name, .batch = enough_batch},
    {.types = SPANS, .open = open_name, .batch = fail_batch, .finish = finish_count},
};

static struct fold last_fold;

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const char *const names[] = {"text", "count", "name", "ordered", "enough", "fail"};
    size_t i = 0;
    (void)options;
    while (strcmp(names[i], cli->verb->name) != 0)
        i++;
    last_fold = (struct fold){0};
    return cli_filter(cli, &operators[i], &last_fold, argc, argv);
}

#define VERB(id, title)                                                                            \
    static const struct cli_verb id = {.name = title,                                              \
                                       .summary = "Test.",                                         \
                                       .operands = "[INPUT]...",                                   \
                                       .groups = CLI_READS | CLI_WRITES,                           \
                                       .run = run}
VERB(text, "text");
VERB(count, "count");
VERB(name, "name");
VERB(ordered, "ordered");
VERB(enough, "enough");
VERB(fail, "fail");

static const struct cli_verb *const verbs[] = {&text,   &count, &name, &ordered,
                                               &enough, &fail,  NULL};
static const struct cli_program program = {"prog", "Test.", verbs, NULL, NULL};

/* --- Inputs */

static char large[64], medium[64], small[64]; /* many chunks, one of full size, a few lines */

static void print_record(FILE *file, int i)
{
    if (i % 5000 == 4321)
        fprintf(file, "{broken %d\n", i);
    else if (i % 9000 == 7)
        fprintf(file, "{\"type\":\"log\",\"timeUnixNano\":\"%d\",\"body\":\"n%d\"}\n", i, i);
    else if (i % 15000 == 11)
        fprintf(file, "{\"type\":\"clock\",\"timeUnixNano\":\"%d\"}\n", i);
    else
        fprintf(file,
                "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"n%d\","
                "\"startTimeUnixNano\":\"%d\",\"attributes\":{\"k\":%d}}\n",
                i / 8 + 1, i + 1, i, 1000 + i, i);
}

static void make_input(char path[64], int records)
{
    snprintf(path, 64, "/tmp/test-cli-filter-XXXXXX");
    FILE *file = fdopen(mkstemp(path), "w");
    for (int i = 0; i < records; i++)
        print_record(file, i);
    fclose(file);
}

/* --- The same for any number of threads */

static void check_threads(void)
{
    static const struct {
        const char *args[8];
        int status;
    } cases[] = {
        {{"text", "L"}, 3},
        {{"text", "L", "S", "-nofile", "L"}, 4},
        {{"text", "--pass", "L"}, 3},
        {{"text", "--strict", "S", "L"}, 4},
        {{"text", "--limit=7777", "L"}, 3},
        {{"text", "--since=0.000009", "--until=0.00002", "L"}, 3},
        {{"text", "--type=log", "L"}, 3},
        {{"text", "--format=csv", "--fields=name,k,nobody", "L"}, 3},
        {{"count", "L", "S"}, 3},
        {{"name", "--pass", "L"}, 3},
        {{"ordered", "L", "L"}, 3},
        {{"enough", "L", "L"}, 3},
        {{"fail", "L"}, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct capture first = {0};
        for (int threads = 1; threads <= 8; threads += threads > 2 ? 5 : 1) {
            const char *args[CAPTURE_ARGS] = {0};
            char jobs[16];
            size_t a = 0;
            snprintf(jobs, sizeof jobs, "-j%d", threads);
            for (; cases[i].args[a]; a++)
                args[a] = strcmp(cases[i].args[a], "L") == 0         ? large
                          : strcmp(cases[i].args[a], "S") == 0       ? small
                          : strcmp(cases[i].args[a], "-nofile") == 0 ? "/nonexistent"
                                                                     : cases[i].args[a];
            args[a] = jobs;
            struct capture c = capture(&program, args);
            is_int(c.status, cases[i].status, "%s %s -j%d: status", args[0], args[1], threads);
            if (threads == 1) {
                first = c;
                continue;
            }
            ok(c.out_length == first.out_length && !memcmp(c.out, first.out, c.out_length),
               "%s %s -j%d: output as with -j1", args[0], args[1], threads);
            is_str(c.err, first.err, "%s %s -j%d: messages as with -j1", args[0], args[1], threads);
            capture_free(&c);
        }
        capture_free(&first);
    }
}

static void check_results(void)
{
    struct capture c = capture(&program, (const char *[]){"count", large, NULL});
    is_str(c.out,
           "{\"type\":\"clock\",\"timeUnixNano\":\"11\"}\n"
           "{\"type\":\"clock\",\"timeUnixNano\":\"15011\"}\n"
           "{\"type\":\"clock\",\"timeUnixNano\":\"30011\"}\n"
           "{\"count\":39984}\n{\"count\":39984}\n{\"count\":39984}\n",
           "every span is counted once, and clock records go on");
    ok(strstr(c.err, ":4322: ") && strstr(c.err, ":39322: "), "rejects are named by their lines");
    ok(strstr(c.err, "prog: passed over 5 log records\n"), "other types are counted");
    capture_free(&c);

    char path[] = "/tmp/test-cli-filter-XXXXXX", option[64];
    close(mkstemp(path));
    snprintf(option, sizeof option, "--rejects=%s", path);
    c = capture(&program, (const char *[]){"count", option, small, large, NULL});
    capture_free(&c);
    FILE *file = fopen(path, "r");
    char line[64] = "";
    while (file && fgets(line, sizeof line, file) && strcmp(line, "{broken 39321\n") != 0)
        ;
    is_str(line, "{broken 39321\n", "rejects are kept verbatim");
    if (file)
        fclose(file);
    unlink(path);

    c = capture(&program, (const char *[]){"ordered", "-j4", small, NULL});
    ok(!last_fold.worker_seen, "an ordered operator has no workers");
    ok(strncmp(c.out, "{\"n\":0}\n", 8) == 0, "and is called in order");
    capture_free(&c);

    c = capture(&program, (const char *[]){"text", "--type=lgo", small, NULL});
    is_int(c.status, CLI_USAGE, "an unknown type is a usage error");
    ok(strstr(c.err, "did you mean log?"), "with the nearest one");
    capture_free(&c);

    c = capture(&program, (const char *[]){"count", "--type=log", small, NULL});
    is_int(c.status, CLI_USAGE, "so is a type that the operator does not work on");
    capture_free(&c);
}

/* --- A system that interrupts and cuts short */

static unsigned calls;

static ssize_t hard_read(int fd, void *buffer, size_t bytes)
{
    unsigned call = __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    if (call % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    size_t most = 1 + call * 2654435761u % 60000;
    return read(fd, buffer, bytes < most ? bytes : most);
}

static ssize_t hard_write(int fd, const void *buffer, size_t bytes)
{
    unsigned call = __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    if (call % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    size_t most = 1 + call * 2654435761u % 60000;
    return write(fd, buffer, bytes < most ? bytes : most);
}

static void check_hard_system(void)
{
    const char *const verbs_to_try[] = {"text", "name", "ordered"};
    struct tcore_sys hard = tcore_sys_default;
    hard.read = hard_read;
    hard.write = hard_write;
    for (size_t i = 0; i < 3; i++) {
        const char *args[] = {verbs_to_try[i], "-j2", large, NULL};
        struct capture plain = capture(&program, args);
        tcore_sys_set(&hard);
        struct capture c = capture(&program, args);
        tcore_sys_set(NULL);
        is_int(c.status, plain.status, "%s: EINTR and short I/O change no status", args[0]);
        ok(c.out_length == plain.out_length && !memcmp(c.out, plain.out, c.out_length),
           "%s: nor any byte", args[0]);
        is_str(c.err, plain.err, "%s: nor any message", args[0]);
        capture_free(&c);
        capture_free(&plain);
    }
}

/* --- Memory and disks that end */

static unsigned allocations, failing_allocation;

static bool allocation_fails(void)
{
    return __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED) == failing_allocation;
}

static void *scarce_alloc(size_t bytes)
{
    return allocation_fails() ? NULL : malloc(bytes);
}

static void *scarce_resize(void *memory, size_t bytes)
{
    return allocation_fails() ? NULL : realloc(memory, bytes);
}

/* Each allocation of a run fails once: the run fails, or does as if nothing had happened. */
static void check_memory(const char *const *args)
{
    struct tcore_sys scarce = tcore_sys_default;
    struct capture plain = capture(&program, args);
    unsigned wrong = 0, failed = 0;
    scarce.alloc = scarce_alloc;
    scarce.resize = scarce_resize;
    for (failing_allocation = 1;; failing_allocation++) {
        allocations = 0;
        tcore_sys_set(&scarce);
        struct capture c = capture(&program, args);
        tcore_sys_set(NULL);
        bool same = c.status == plain.status && strcmp(c.out, plain.out) == 0;
        wrong += !same && (c.status != CLI_FAILED || !c.err_length);
        failed += c.status == CLI_FAILED;
        if (!same && c.status != CLI_FAILED)
            printf("# allocation %u: status %d\n", failing_allocation, c.status);
        capture_free(&c);
        if (allocations < failing_allocation)
            break;
    }
    is_int(wrong, 0, "%s %s: %u allocations fail, %u of them the run", args[0], args[1],
           failing_allocation - 1, failed);
    ok(failed > 5, "%s %s: so allocations go through the system table", args[0], args[1]);
    capture_free(&plain);
}

static unsigned writes, failing_write;

static ssize_t full_write(int fd, const void *buffer, size_t bytes)
{
    if (fd != STDERR_FILENO && ++writes >= failing_write) { /* one thread at a time writes */
        errno = ENOSPC;
        return -1;
    }
    return write(fd, buffer, bytes);
}

static void check_full_disk(void)
{
    struct tcore_sys full = tcore_sys_default;
    const char *args[] = {"text", "-j2", large, NULL};
    unsigned silent = 0;
    full.write = full_write;
    for (failing_write = 1;; failing_write++) {
        writes = 0;
        tcore_sys_set(&full);
        struct capture c = capture(&program, args);
        tcore_sys_set(NULL);
        bool met = writes >= failing_write;
        silent += met && (c.status != CLI_FAILED ||
                          !strstr(c.err, "prog: standard output: No space left on device\n"));
        capture_free(&c);
        if (!met)
            break;
    }
    is_int(silent, 0, "a disk that is full at any of %u writes is told", failing_write - 1);
    ok(failing_write > 10, "there were some writes");
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static int files_in(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *pipe = popen(command, "r");
    int files = -1;
    if (!pipe || fscanf(pipe, "%d", &files) != 1)
        files = -1;
    if (pipe)
        pclose(pipe);
    return files;
}

/* -o FILE: all or nothing, and nothing else in its folder. */
static void check_output_file(void)
{
    char folder[] = "/tmp/test-cli-filter-XXXXXX", path[64], option[80];
    ok(mkdtemp(folder) != NULL, "a folder for output");
    snprintf(path, sizeof path, "%s/out", folder);
    snprintf(option, sizeof option, "-o%s", path);
    struct capture c = capture(&program, (const char *[]){"text", option, small, NULL});
    is_int(c.out_length, 0, "-o: nothing on standard output");
    ok(exists(path), "-o: the file is there");
    capture_free(&c);

    struct stat before, after;
    chmod(path, 0640);
    stat(path, &before);
    c = capture(&program, (const char *[]){"text", option, "/nonexistent", small, NULL});
    stat(path, &after);
    is_int(c.status, CLI_FAILED, "-o: a run that fails");
    is_int(after.st_ino, before.st_ino, "leaves the old file alone");
    capture_free(&c);

    c = capture(&program, (const char *[]){"text", option, path, NULL});
    stat(path, &after);
    is_int(c.status, CLI_DONE, "-o: input and output may be one file");
    ok(after.st_size == before.st_size && after.st_ino != before.st_ino, "it is replaced");
    is_int(after.st_mode & 0777, 0640, "with its mode kept");
    capture_free(&c);

    char link_path[64], link_option[80];
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    snprintf(link_option, sizeof link_option, "-o%s", link_path);
    ok(symlink("out", link_path) == 0, "a link to the file");
    c = capture(&program, (const char *[]){"text", link_option, small, NULL});
    lstat(link_path, &after);
    ok(S_ISLNK(after.st_mode), "-o: a link stays, the file it names is replaced");
    is_int(files_in(folder), 2, "-o: no other file is left behind");
    capture_free(&c);

    unlink(path);
    unlink(link_path);
    rmdir(folder);
}

/* --- Files that cannot be put in their place */

static int failing_call; /* which of the calls below fails, by its place in the list */

static int no_tmpfile(int dirfd, const char *path, int flags, mode_t mode)
{
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (failing_call == 1 && flags & O_CREAT) {
        errno = EROFS;
        return -1;
    }
    return openat(dirfd, path, flags, mode);
}

static int bad_linkat(int old, const char *from, int new, const char *to, int flags)
{
    if (failing_call != 2)
        return linkat(old, from, new, to, flags);
    errno = EIO;
    return -1;
}

static int bad_renameat(int old, const char *from, int new, const char *to)
{
    if (failing_call != 3)
        return renameat(old, from, new, to);
    errno = EIO;
    return -1;
}

static int bad_close(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    int result = close(fd);
    if (failing_call != 4 || (flags & O_ACCMODE) != O_WRONLY)
        return result;
    errno = EIO;
    return -1;
}

/* With O_TMPFILE and without: each step fails once, and the old file stays as it was. */
static void check_bad_folder(void)
{
    static const char *const names[] = {"nothing", "creating", "linking", "renaming", "closing"};
    char folder[] = "/tmp/test-cli-filter-XXXXXX", path[64], option[80];
    ok(mkdtemp(folder) != NULL, "a folder for output");
    snprintf(path, sizeof path, "%s/out", folder);
    snprintf(option, sizeof option, "-o%s", path);
    for (int with_tmpfile = 0; with_tmpfile <= 1; with_tmpfile++) {
        for (failing_call = 0; failing_call <= 4; failing_call++) {
            struct tcore_sys bad = tcore_sys_default;
            bool fails = failing_call && failing_call != (with_tmpfile ? 1 : 2);
            struct stat before = {0}, after = {0};
            if (!with_tmpfile)
                bad.openat = no_tmpfile;
            bad.linkat = bad_linkat;
            bad.renameat = bad_renameat;
            bad.close = bad_close;
            stat(path, &before);
            tcore_sys_set(&bad);
            struct capture c = capture(&program, (const char *[]){"text", option, small, NULL});
            tcore_sys_set(NULL);
            stat(path, &after);
            is_int(c.status, fails ? CLI_FAILED : CLI_DONE, "%s fails, %s: status",
                   names[failing_call], with_tmpfile ? "O_TMPFILE" : "no O_TMPFILE");
            is_int(after.st_ino == before.st_ino, fails, "the file is the old one if it failed");
            is_int(files_in(folder), 1, "and alone in its folder");
            ok(!fails || strstr(c.err, path), "the message names it");
            capture_free(&c);
        }
    }
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    make_input(large, RECORDS);
    make_input(medium, 1500);
    make_input(small, 12);
    check_threads();
    check_results();
    check_hard_system();
    check_memory((const char *[]){"text", "-j1", small, NULL});
    check_memory((const char *[]){"name", "--pass", "--format=table", small, NULL});
    check_memory((const char *[]){"count", "--fields=name,nobody", "--since=1", small, NULL});
    check_memory((const char *[]){"count", "-j3", medium, NULL});
    check_full_disk();
    check_output_file();
    check_bad_folder();
    unlink(large);
    unlink(medium);
    unlink(small);
    return done_testing();
}
