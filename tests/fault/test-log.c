/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Append logs: bytes, limits, damage, reading while writing, the shared log, and recovery. */
#include "../core/tap.h"
#include "base/buf.h"
#include "base/sys.h"
#include "disk.h"
#include "store/log_recover.h"
#include "store/new_file.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>

static struct disk *disk;
static struct tcore_error err;

static void begin(void)
{
    disk = disk_new(7);
    disk_install(disk);
    tcore_sys()->mkdirat(disk_root(disk), "quarantine", 0750);
}

static int root(void)
{
    return disk_root(disk);
}

static void add(struct tcore_log *log, const char *text)
{
    enum tcore_status status = tcore_log_append(log, 1, text, strlen(text), NULL, &err);
    if (status)
        ok(false, "adding: %s", err.text);
}

/* A log of so many entries "record N\n", or longer by filler; closed. Its name. */
static const char *make_log(unsigned entries, size_t filler)
{
    static char name[64];
    struct tcore_log *log;
    tcore_log_create(&log, root(), &err);
    for (unsigned n = 1; n <= entries; n++) {
        struct tcore_buf text = {0};
        tcore_buf_printf(&text, "record %u", n);
        for (size_t i = 0; i < filler; i++)
            tcore_buf_putc(&text, 'x');
        tcore_buf_puts(&text, "\n");
        tcore_log_append(log, 1, text.data, text.length, NULL, &err);
        tcore_buf_free(&text);
    }
    strcpy(name, tcore_log_name(log));
    tcore_log_close(log, &err);
    return name;
}

static void write_file(const char *name, const char *data, size_t bytes)
{
    tcore_sys()->unlinkat(root(), name, 0);
    int fd = tcore_sys()->openat(root(), name, O_RDWR | O_CREAT | O_APPEND, 0640);
    tcore_write_all(fd, data, bytes);
    tcore_sys()->close(fd);
}

/* Reads a whole log; the bits of read say which "record N" there were. */
static struct tcore_log_report read_log(const char *name, uint64_t *found, unsigned *wrong)
{
    struct tcore_log_reader *reader;
    struct tcore_log_entry entry;
    struct tcore_log_report report = {.entries = UINT64_MAX};
    enum tcore_status status;
    *found = 0;
    if (tcore_log_reader_open(&reader, root(), name, &err) != TCORE_OK)
        return report;
    while ((status = tcore_log_read(reader, &entry, &err)) != TCORE_EOF) {
        char text[32] = {0};
        unsigned n;
        if (status == TCORE_SKIP)
            continue;
        memcpy(text, entry.payload, entry.length < 31 ? entry.length : 31);
        if (status != TCORE_OK || sscanf(text, "record %u", &n) != 1 || n > 63 ||
            n != entry.sequence || (*found >> n & 1)) {
            ++*wrong;
            break;
        }
        *found |= UINT64_C(1) << n;
    }
    report = *tcore_log_reader_report(reader);
    tcore_log_reader_close(reader);
    return report;
}

static uint64_t get64(const char *at)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)(unsigned char)at[i] << 8 * i;
    return value;
}

/* The bytes, as the manual has them, put together once more by hand. */
static void test_bytes(void)
{
    struct tcore_log *log;
    uint64_t sequence = 0;
    size_t bytes;
    begin();
    is_int(tcore_log_create(&log, root(), &err), TCORE_OK, "a log");
    is_int(tcore_log_append(log, 3, "{}\n", 3, &sequence, &err), TCORE_OK, "an entry");
    is_int(sequence, 1, "is the first");
    is_int(tcore_log_sync(log, &err), TCORE_OK, "on disk");
    const char *file = disk_file(disk, tcore_log_name(log), &bytes);
    is_int(bytes, 64 + 24 + 8, "a header, a head and a payload");
    is_mem(file, 16, "\x89TCL\r\n\x1a\n\x40\0\0\0\x01\0\0\0", 16, "magic, length, version");
    is_mem(file + 16, 16, (const char *)tcore_log_id(log), 16, "the id");
    ok(get64(file + 32) / 1000000000 == 1767225600, "when it was created");
    is_mem(file + 40, 16, (char[16]){0}, 16, "zero");
    ok(get64(file + 56) == XXH3_64bits(file, 56), "the checksum of the header");
    const char *entry = file + 64;
    is_mem(entry, 6, "\3\0\0\0\3\0", 6, "length and kind");
    is_int(get64(entry + 8), 1, "sequence");
    is_mem(entry + 24, 8, "{}\n\0\0\0\0\0", 8, "payload and padding");
    char text[64];
    memcpy(text, file + 16, 16);
    memcpy(text + 16, "\x40\0\0\0\0\0\0\0", 8);
    memcpy(text + 24, entry, 6);
    memcpy(text + 30, entry + 8, 8);
    uint64_t check = XXH3_64bits(text, 38);
    ok((unsigned char)entry[6] == (check & 255) && (unsigned char)entry[7] == (check >> 8 & 255),
       "the check of the head");
    memcpy(text + 24, entry, 16);
    memcpy(text + 40, entry + 24, 8);
    ok(get64(entry + 16) == XXH3_64bits(text, 48), "the checksum of the entry");
    struct stat st;
    tcore_sys()->fstatat(root(), tcore_log_name(log), &st, 0);
    is_int(st.st_mode & 07777, 0640, "the file's mode");
    is_int(tcore_log_close(log, &err), TCORE_OK, "closed");
    disk_free(disk);
}

/* The example of the manual: what was written by version 1 stays readable. */
static void test_golden(void)
{
    static const char bytes[] = "\x89\x54\x43\x4c\x0d\x0a\x1a\x0a\x40\x00\x00\x00\x01\x00\x00\x00"
                                "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
                                "\x00\x00\xcb\x32\x2b\x51\x7c\x18\x00\x00\x00\x00\x00\x00\x00\x00"
                                "\x00\x00\x00\x00\x00\x00\x00\x00\x7e\x5e\x66\x36\x18\x37\xf2\x63"
                                "\x03\x00\x00\x00\x01\x00\x8b\xe2\x01\x00\x00\x00\x00\x00\x00\x00"
                                "\xe2\x2c\x99\x9b\x5a\x48\x0a\xee\x7b\x7d\x0a\x00\x00\x00\x00\x00";
    struct tcore_log_reader *reader;
    struct tcore_log_entry entry;
    begin();
    write_file("golden.log", bytes, sizeof bytes - 1);
    is_int(tcore_log_reader_open(&reader, root(), "golden.log", &err), TCORE_OK, "version 1");
    is_int(tcore_log_read(reader, &entry, &err), TCORE_OK, "is read");
    is_mem(entry.payload, entry.length, "{}\n", 3, "as it was written");
    is_int(tcore_log_read(reader, &entry, &err), TCORE_EOF, "to its end");
    ok(!tcore_log_reader_report(reader)->torn_bytes, "which is whole");
    tcore_log_reader_close(reader);
    disk_free(disk);
}

static void test_limits(void)
{
    struct tcore_log *log;
    char *large = calloc(1, TCORE_LOG_PAYLOAD_MAX + 1);
    begin();
    tcore_log_create(&log, root(), &err);
    is_int(tcore_log_append(log, 0, "x", 1, NULL, &err), TCORE_SKIP, "no kind 0");
    is_int(tcore_log_append(log, 256, "x", 1, NULL, &err), TCORE_SKIP, "no kind 256");
    is_int(tcore_log_append(log, 1, "", 0, NULL, &err), TCORE_SKIP, "no empty entry");
    is_int(tcore_log_append(log, 1, large, TCORE_LOG_PAYLOAD_MAX + 1, NULL, &err), TCORE_SKIP,
           "no entry beyond the limit");
    is_int(tcore_log_append(log, 255, large, TCORE_LOG_PAYLOAD_MAX, NULL, &err), TCORE_OK,
           "one of the limit");
    add(log, "behind it");
    is_int(tcore_log_sync(log, &err), TCORE_OK, "on disk");
    struct tcore_log_reader *reader;
    struct tcore_log_entry entry;
    tcore_log_reader_open(&reader, root(), tcore_log_name(log), &err);
    ok(tcore_log_read(reader, &entry, &err) == TCORE_OK && entry.length == TCORE_LOG_PAYLOAD_MAX &&
           entry.kind == 255,
       "read again");
    ok(tcore_log_read(reader, &entry, &err) == TCORE_OK && entry.length == 9, "and the next");
    tcore_log_reader_close(reader);
    tcore_log_close(log, &err);
    disk_free(disk);
    free(large);
}

/* Every bit of a small log, every length of it: what is whole is read, what is not is told. */
static void test_damage(void)
{
    enum { ENTRIES = 6, ALL = 0x7e };
    unsigned wrong = 0, silent = 0, more = 0, header = 0;
    uint64_t found;
    size_t bytes;
    begin();
    const char *name = make_log(ENTRIES, 5);
    const char *file = disk_file(disk, name, &bytes);
    char *copy = malloc(bytes);
    memcpy(copy, file, bytes);
    struct tcore_log_report report = read_log(name, &found, &wrong);
    ok(found == ALL && report.entries == ENTRIES && !report.damages && !report.torn_bytes &&
           report.torn_offset == bytes,
       "all of it is read");
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        disk_damage(disk, name, bit / 8, (unsigned char)(1 << bit % 8));
        report = read_log(name, &found, &wrong);
        silent += !report.damages && !report.torn_bytes && report.entries != UINT64_MAX;
        if (bit < 64 * 8)
            header += found == ALL;
        else
            more += __builtin_popcountll(found) < ENTRIES - 1;
        silent += bit >= 64 * 8 && found == ALL;
        disk_damage(disk, name, bit / 8, (unsigned char)(1 << bit % 8));
    }
    printf("# %zu flipped bits, %u silent\n", bytes * 8, silent);
    is_int(silent, 0, "every flipped bit is found");
    is_int(more, 0, "and costs one entry at most");
    is_int(header, (64 - 16) * 8, "none in the header outside the id");
    unsigned missing = 0;
    silent = 0;
    for (size_t length = 0; length < bytes; length++) {
        write_file("cut.log", copy, length);
        report = read_log("cut.log", &found, &wrong);
        size_t whole = length < 64 ? 0 : (length - 64) / ((bytes - 64) / ENTRIES);
        missing += report.entries != whole;
        silent += report.torn_bytes != (length < 64 ? length : (length - 64) % ((bytes - 64) / 6));
    }
    printf("# %zu lengths\n", bytes);
    is_int(missing, 0, "what is whole of a log cut short is read");
    is_int(silent, 0, "and the rest is told");
    is_int(wrong, 0, "nothing else is read");
    free(copy);
    disk_free(disk);
}

/* Damage with entries behind it, entries of another log, and entries that have moved. */
static void test_resynchronise(void)
{
    unsigned wrong = 0;
    uint64_t found;
    size_t bytes, others;
    begin();
    char name[64], other[64];
    strcpy(name, make_log(40, 1000));
    const char *file = disk_file(disk, name, &bytes);
    char *copy = malloc(bytes);
    memcpy(copy, file, bytes);
    size_t entry = (bytes - 64) / 40;
    memset(copy + 64 + 9 * entry + 100, 'y', 3 * entry);
    write_file("damaged.log", copy, bytes);
    struct tcore_log_report report = read_log("damaged.log", &found, &wrong);
    ok(report.damages == 1 && report.damaged_bytes == 4 * entry && report.missing == 4 &&
           report.entries == 36,
       "damage in the middle costs what was damaged");
    ok(!report.torn_bytes && report.torn_offset == bytes, "the end is whole");
    strcpy(other, make_log(40, 1000));
    file = disk_file(disk, other, &others);
    memcpy(copy + 64 + 9 * entry, file + 64 + 9 * entry, 4 * entry);
    write_file("mixed.log", copy, bytes);
    report = read_log("mixed.log", &found, &wrong);
    ok(report.entries == 36 && report.damaged_bytes == 4 * entry,
       "entries of another log are none");
    memcpy(copy + 64 + 9 * entry, copy + 64 + 20 * entry, 4 * entry);
    write_file("moved.log", copy, bytes);
    report = read_log("moved.log", &found, &wrong);
    ok(report.entries == 36 && report.damaged_bytes == 4 * entry, "nor are those that have moved");
    copy[45] = 1;
    uint64_t right = XXH3_64bits(copy, 56);
    for (unsigned i = 0; i < 8; i++)
        copy[56 + i] = (char)(right >> 8 * i);
    write_file("impossible.log", copy, bytes);
    report = read_log("impossible.log", &found, &wrong);
    ok(report.entries == 36 && report.damages == 2 && report.damaged_bytes == 64 + 4 * entry,
       "a header that cannot be is damage");
    copy[12] = 2;
    uint64_t check = XXH3_64bits(copy, 56);
    for (unsigned i = 0; i < 8; i++)
        copy[56 + i] = (char)(check >> 8 * i);
    write_file("newer.log", copy, bytes);
    struct tcore_log_reader *reader;
    is_int(tcore_log_reader_open(&reader, root(), "newer.log", &err), TCORE_BAD_INPUT,
           "a newer version is refused");
    is_str(err.text, "log of version 2, this program reads 1", "and named");
    is_int(tcore_log_reader_open(&reader, root(), "none.log", &err), TCORE_EOF, "no log");
    is_int(wrong, 0, "nothing else is read");
    free(copy);
    disk_free(disk);
}

static void test_reading_while_writing(void)
{
    struct tcore_log *log;
    struct tcore_log_reader *reader;
    struct tcore_log_entry entry;
    begin();
    tcore_log_create(&log, root(), &err);
    tcore_log_reader_open(&reader, root(), tcore_log_name(log), &err);
    is_int(tcore_log_read(reader, &entry, &err), TCORE_EOF, "nothing yet");
    add(log, "one");
    is_int(tcore_log_read(reader, &entry, &err), TCORE_EOF, "nothing written yet");
    tcore_log_flush(log, &err);
    ok(tcore_log_read(reader, &entry, &err) == TCORE_OK && entry.sequence == 1, "the first");
    is_int(tcore_log_read(reader, &entry, &err), TCORE_EOF, "no more");
    /* A write that is half done, cut off, and another entry in its place. */
    add(log, "a longer one");
    disk_fail_at(disk, DISK_WRITE, 1, ENOSPC, true, false);
    disk_fail_at(disk, DISK_TRUNCATE, 1, EIO, false, false);
    is_int(tcore_log_sync(log, &err), TCORE_FATAL, "a full disk");
    is_int(err.errnum, ENOSPC, "is said");
    ok(strstr(err.text, "torn") != NULL, "and what it has left");
    is_int(tcore_log_read(reader, &entry, &err), TCORE_EOF, "half an entry is none");
    ok(tcore_log_reader_report(reader)->torn_bytes > 0, "but told");
    is_int(tcore_log_append(log, 1, "x", 1, NULL, &err), TCORE_FATAL, "the log has failed");
    ok(err.errnum == ENOSPC, "with the same error");
    is_int(tcore_log_sync(log, &err), TCORE_FATAL, "for good");
    is_int(tcore_log_close(log, &err), TCORE_FATAL, "to the end");
    tcore_log_reader_close(reader);
    disk_free(disk);
}

static const struct tcore_log_limits wide = {.bytes = UINT64_MAX, .age_ns = 0};

static size_t count_logs(void)
{
    char **names;
    size_t count = 0;
    tcore_log_list(root(), &names, &count, &err);
    tcore_free(names);
    return count;
}

/* Opens the shared log, adds one entry of so many bytes, and gives its sequence. */
static uint64_t add_shared(const struct tcore_log_limits *limits, size_t bytes)
{
    struct tcore_log *log;
    uint64_t sequence = 0;
    char *text = malloc(bytes);
    memset(text, 's', bytes);
    if (tcore_log_open_shared(&log, root(), limits, &err) == TCORE_OK) {
        tcore_log_append(log, 1, text, bytes, &sequence, &err);
        if (tcore_log_sync(log, &err) != TCORE_OK)
            sequence = 0;
        tcore_log_close(log, &err);
    }
    free(text);
    return sequence;
}

static void test_shared(void)
{
    static const size_t sizes[] = {
        1, 8, 9, 4064, 4072, 4073, 5000, 40000, 1000000, TCORE_LOG_PAYLOAD_MAX, 3};
    static const struct tcore_log_limits small = {.bytes = 500, .age_ns = 0};
    static const struct tcore_log_limits young = {.bytes = UINT64_MAX, .age_ns = 1000000};
    unsigned wrong = 0;
    begin();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        wrong += add_shared(&wide, sizes[i]) != i + 1;
    is_int(wrong, 0, "each goes on where the last one ended, however long that was");
    is_int(count_logs(), 1, "in one log");
    unsigned long reads = disk_calls(disk, DISK_READ);
    add_shared(&wide, 100);
    is_int(disk_calls(disk, DISK_READ) - reads, 2, "which takes two reads");
    is_int(add_shared(&small, 100), 1, "a full log is renamed, and another one begun");
    is_int(count_logs(), 2, "beside it");
    is_int(add_shared(&young, 100), 2, "a young one is gone on with");
    for (unsigned i = 0; i < 2000; i++)
        tcore_sys()->wall_ns(); /* a microsecond each */
    is_int(add_shared(&young, 100), 1, "an old one is not");
    is_int(tcore_log_rotate_shared(root(), &wide, &err), TCORE_EOF, "one that is not full stays");
    is_int(tcore_log_rotate_shared(root(), NULL, &err), TCORE_OK, "unless it must not");
    is_int(tcore_log_rotate_shared(root(), NULL, &err), TCORE_EOF, "there is none now");
    is_int(count_logs(), 3, "three logs to be sealed");
    disk_free(disk);
}

/* What a writer that died, or a disk, may have left at the end of the shared log. */
static void test_shared_tail(void)
{
    size_t bytes;
    unsigned wrong = 0, kept = 0;
    begin();
    add_shared(&wide, 50);
    add_shared(&wide, 70);
    const char *file = disk_file(disk, "shared.log", &bytes);
    char *copy = malloc(bytes);
    memcpy(copy, file, bytes);
    for (size_t length = 0; length <= bytes; length++) {
        write_file("shared.log", copy, length);
        size_t before = count_logs();
        uint64_t sequence = add_shared(&wide, 10);
        uint64_t wanted = length == 64 ? 1 : length == 144 ? 2 : length == bytes ? 3 : 1;
        wrong += sequence != wanted;
        kept += count_logs() == before;
    }
    is_int(wrong, 0, "nothing is added behind what is no entry");
    is_int(kept, 3, "such a log is renamed");
    free(copy);
    disk_free(disk);
    begin();
    tcore_sys()->mkdirat(root(), "shared.log", 0750);
    struct tcore_log *log;
    is_int(tcore_log_open_shared(&log, root(), &wide, &err), TCORE_FATAL, "a directory is no log");
    disk_free(disk);
}

/* Somebody else renames the log between its opening and its locking. */
static struct tcore_sys racing;
static int races;
static int (*plain_flock)(int fd, int operation);

static int race(int fd, int operation)
{
    if (operation == LOCK_EX && races-- > 0) {
        tcore_sys()->renameat(root(), "shared.log", root(), "b.log");
        if (races) /* again and again, and always there is a new one */
            tcore_sys()->close(tcore_sys()->openat(root(), "shared.log", O_RDWR | O_CREAT, 0640));
    }
    return plain_flock(fd, operation);
}

static void test_race(void)
{
    size_t bytes;
    begin();
    add_shared(&wide, 10);
    racing = *tcore_sys();
    plain_flock = racing.flock;
    racing.flock = race;
    races = 1;
    tcore_sys_set(&racing);
    is_int(add_shared(&wide, 20), 1, "renamed before the lock was had: into a new log");
    disk_install(disk);
    ok(disk_file(disk, "b.log", &bytes) && bytes == 64 + 24 + 16, "not into the old one");
    struct tcore_log *log;
    races = INT_MAX;
    tcore_sys_set(&racing);
    is_int(tcore_log_open_shared(&log, root(), &wide, &err), TCORE_FATAL, "but not for ever");
    disk_install(disk);
    is_int(add_shared(&wide, 20), 1, "and it can be had again");
    struct tcore_log_reader **readers;
    size_t count;
    is_int(tcore_log_open_all(root(), &readers, &count, &err), TCORE_OK, "all are opened");
    is_int(count, 3, "each once");
    tcore_log_close_all(readers, count);
    disk_free(disk);
}

static int quarantine(void)
{
    return tcore_sys()->openat(root(), "quarantine", O_RDONLY | O_DIRECTORY, 0);
}

static int count_one(void *context, const char *name)
{
    (void)name;
    ++*(unsigned *)context;
    return 0;
}

static unsigned recover(const char *name, int q, enum tcore_status *status,
                        struct tcore_log_claim **claim)
{
    struct tcore_log_entry entry;
    unsigned entries = 0;
    *status = tcore_log_claim(claim, root(), name, &err);
    if (*status)
        return 0;
    while ((*status = tcore_log_recover(*claim, q, &entry, &err)) == TCORE_OK)
        entries++;
    return entries;
}

static void test_claim(void)
{
    struct tcore_log *log;
    struct tcore_log_claim *claim, *second;
    struct tcore_log_entry entry;
    begin();
    int q = quarantine();
    tcore_log_create(&log, root(), &err);
    char name[64];
    strcpy(name, tcore_log_name(log));
    add(log, "one");
    is_int(tcore_log_claim(&claim, root(), name, &err), TCORE_EOF, "a log that lives");
    tcore_log_close(log, &err);
    add_shared(&wide, 1);
    is_int(tcore_log_claim(&claim, root(), "shared.log", &err), TCORE_EOF, "the shared log");
    is_int(tcore_log_claim(&claim, root(), "none.log", &err), TCORE_EOF, "no log");
    is_int(tcore_log_claim(&claim, root(), name, &err), TCORE_OK, "an abandoned one");
    is_int(tcore_log_claim(&second, root(), name, &err), TCORE_EOF, "but once");
    is_int(tcore_log_discard(claim, &err), TCORE_FATAL, "what was not read is not removed");
    is_int(tcore_log_claim(&claim, root(), name, &err), TCORE_OK, "claimed again");
    is_int(tcore_log_recover(claim, q, &entry, &err), TCORE_OK, "its entry");
    is_int(tcore_log_recover(claim, q, &entry, &err), TCORE_EOF, "and no more");
    is_int(tcore_log_recover(claim, q, &entry, &err), TCORE_EOF, "however often");
    struct tcore_log_seal seals[2] = {{{0}, 9}, tcore_log_claim_seal(claim)};
    is_int(tcore_log_sealed(seals[1].id, seals, 2), 1, "what its seal says");
    is_int(tcore_log_sealed(seals[1].id, seals, 1), 0, "of no other log");
    is_int(tcore_log_discard(claim, &err), TCORE_OK, "removed");
    is_int(tcore_log_claim(&claim, root(), name, &err), TCORE_EOF, "gone");
    disk_free(disk);
}

static void test_quarantine(void)
{
    struct tcore_log_claim *claim;
    enum tcore_status status;
    size_t bytes, length;
    begin();
    int q = quarantine();
    char path[128];
    const char *name = make_log(6, 100);
    disk_file(disk, name, &bytes);
    size_t entry = (bytes - 64) / 6;
    disk_damage(disk, name, 64 + entry + 30, 1);
    disk_damage(disk, name, 64 + 5 * entry + 30, 1);
    for (unsigned n = 0; n < 2; n++) {
        is_int(recover(name, q, &status, &claim), 4, "the entries that are whole");
        is_int(status, TCORE_EOF, "to the end");
        tcore_log_release(claim);
    }
    unsigned files = 0;
    tcore_sys()->list(q, count_one, &files);
    is_int(files, 2, "the others are in the quarantine, once");
    snprintf(path, sizeof path, "quarantine/%s.%zu", name, 64 + entry);
    const char *text = disk_file(disk, path, &length);
    ok(text && length == entry && !memcmp(text, disk_file(disk, name, &bytes) + 64 + entry, entry),
       "as they were, where they were");
    disk_damage(disk, path, 3, 1);
    recover(name, q, &status, &claim);
    tcore_log_release(claim);
    files = 0;
    tcore_sys()->list(q, count_one, &files);
    is_int(files, 3, "other bytes get another name");
    disk_fail_at(disk, DISK_SYNC, 3, EIO, false, false); /* directory, directory, file */
    disk_damage(disk, name, 64 + 2 * entry + 30, 1);
    recover(name, q, &status, &claim);
    is_int(status, TCORE_FATAL, "a quarantine that fails is an error");
    struct tcore_log_entry unused;
    is_int(tcore_log_recover(claim, q, &unused, &err), TCORE_FATAL, "for good");
    is_int(tcore_log_discard(claim, &err), TCORE_FATAL, "and nothing is removed");
    disk_free(disk);
}

static void test_sweep(void)
{
    struct tcore_new_file file;
    unsigned files = 0;
    begin();
    disk_refuse_tmpfile(disk);
    tcore_new_file_open(&file, root(), &err);
    is_int(tcore_new_file_sweep(root(), &err), TCORE_OK, "a sweep");
    tcore_sys()->list(root(), count_one, &files);
    is_int(files, 2, "leaves what is in use");
    disk_kill(disk);
    tcore_new_file_sweep(root(), &err);
    files = 0;
    tcore_sys()->list(root(), count_one, &files);
    is_int(files, 1, "and takes what was left behind");
    disk_free(disk);
}

int main(void)
{
    test_bytes();
    test_golden();
    test_limits();
    test_damage();
    test_resynchronise();
    test_reading_while_writing();
    test_shared();
    test_shared_tail();
    test_race();
    test_claim();
    test_quarantine();
    test_sweep();
    return done_testing();
}
