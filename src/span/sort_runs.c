/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run on disk is records, each two lengths, a key and a text. While runs are merged each has a
 * buffer; when there would be too many for the memory, all that there are become one first. */
#include <config.h>

#include "span/sort_runs.h"

#include "base/sys.h"
#include "cli/temporary.h"
#include "store/new_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST_MEMORY ((size_t)1 << 20)
#define LEAST_BUFFER ((size_t)16 << 10)
#define MOST_BUFFER  ((size_t)4 << 20)
#define WRITE_BYTES  ((size_t)1 << 20)

struct sort_item {
    uint64_t first;   /* bytes of the key, in their order; with zeros behind them */
    const char *data; /* key, then text */
    uint32_t key_length, text_length;
};

struct head {
    uint32_t key_length, text_length;
};

struct sort_run {
    uint64_t at, end; /* in the file: what is not read yet */
    char *buffer;     /* owned */
    size_t capacity;
    size_t begin, filled; /* of the buffer: the record at hand, and what there is */
};

/* --- Memory */

void sort_runs_open(struct sort_runs *runs, size_t memory_bytes)
{
    *runs = (struct sort_runs){
        .memory_bytes = memory_bytes < LEAST_MEMORY ? LEAST_MEMORY : memory_bytes, .fd = -1};
}

static void free_runs(struct sort_runs *runs)
{
    for (uint32_t i = 0; i < runs->run_count; i++)
        tcore_free(runs->run[i].buffer);
    tcore_free(runs->run);
    tcore_free(runs->heap);
    if (runs->fd >= 0)
        tcore_sys()->close(runs->fd);
    runs->run = NULL;
    runs->heap = NULL;
    runs->run_count = runs->run_capacity = runs->heap_count = 0;
    runs->fd = -1;
    runs->end = 0;
    runs->given = false;
}

void sort_runs_close(struct sort_runs *runs)
{
    free_runs(runs);
    tcore_free(runs->item);
    tcore_arena_free(&runs->arena);
    tcore_buf_free(&runs->out);
}

/* Sorting takes as much again for the items. */
static size_t bytes_of(const struct sort_runs *runs)
{
    return runs->arena.bytes + 2 * runs->capacity * sizeof *runs->item;
}

/* --- Sorting */

static int compare_keys(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_items(const void *left, const void *right)
{
    const struct sort_item *a = left, *b = right;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return compare_keys(a->data, a->key_length, b->data, b->key_length);
}

/* Merges two sorted halves, of which the first is in the copy; what is equal stays in order. */
static void merge_halves(struct sort_item *to, const struct sort_item *left, size_t left_count,
                         const struct sort_item *right, size_t right_count)
{
    while (left_count && right_count) {
        if (compare_items(left, right) <= 0) {
            *to++ = *left++;
            left_count--;
        } else {
            *to++ = *right++;
            right_count--;
        }
    }
    memcpy(to, left, left_count * sizeof *left);
}

/* A merge sort, bottom up: it is stable, which qsort need not be. */
static void sort_items(struct sort_item *item, size_t count, struct sort_item *copy)
{
    for (size_t width = 1; width < count; width *= 2)
        for (size_t begin = 0; begin + width < count; begin += 2 * width) {
            size_t right = count - begin - width < width ? count - begin - width : width;
            struct sort_item *middle = item + begin + width;
            if (compare_items(middle - 1, middle) <= 0)
                continue;
            memcpy(copy, item + begin, width * sizeof *copy);
            merge_halves(item + begin, copy, width, middle, right);
        }
}

static enum tcore_status sort(struct sort_runs *runs, struct tcore_error *err)
{
    struct sort_item *copy = tcore_reallocarray(NULL, runs->count + 1, sizeof *copy);
    if (!copy)
        return tcore_error_nomem(err);
    sort_items(runs->item, runs->count, copy);
    tcore_free(copy);
    return TCORE_OK;
}

/* --- Writing runs */

static enum tcore_status write_out(struct sort_runs *runs, struct tcore_error *err)
{
    enum tcore_status status = tcore_buf_status(&runs->out, err);
    if (status == TCORE_OK && runs->fd < 0)
        status = cli_temporary_open(&runs->fd, err);
    if (status == TCORE_OK && tcore_write_all(runs->fd, runs->out.data, runs->out.length) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot write to a temporary file");
    runs->end += runs->out.length;
    tcore_buf_clear(&runs->out);
    return status;
}

static enum tcore_status write_record(struct sort_runs *runs, struct head head, const char *data,
                                      struct tcore_error *err)
{
    tcore_buf_append(&runs->out, &head, sizeof head);
    tcore_buf_append(&runs->out, data, (size_t)head.key_length + head.text_length);
    return runs->out.length < WRITE_BYTES ? TCORE_OK : write_out(runs, err);
}

static enum tcore_status add_run(struct sort_runs *runs, uint64_t begin, struct tcore_error *err)
{
    if (runs->run_count == runs->run_capacity) {
        uint32_t capacity = runs->run_capacity ? 2 * runs->run_capacity : 16;
        void *grown = tcore_reallocarray(runs->run, capacity, sizeof *runs->run);
        if (!grown)
            return tcore_error_nomem(err);
        runs->run = grown;
        runs->run_capacity = capacity;
    }
    runs->run[runs->run_count++] = (struct sort_run){.at = begin, .end = runs->end};
    return TCORE_OK;
}

/* How many runs there may be, so that each has a buffer worth the name. */
static uint32_t most_runs(const struct sort_runs *runs)
{
    return (uint32_t)(runs->memory_bytes / 2 / LEAST_BUFFER);
}

/* --- Reading runs */

static struct head head_of(const struct sort_run *run)
{
    struct head head;
    memcpy(&head, run->buffer + run->begin, sizeof head);
    return head;
}

static size_t record_bytes(struct head head)
{
    return sizeof head + (size_t)head.key_length + head.text_length;
}

/* Makes sure of so many bytes from the record on; there are that many. */
static enum tcore_status fill(const struct sort_runs *runs, struct sort_run *run, size_t bytes,
                              struct tcore_error *err)
{
    if (run->filled - run->begin >= bytes)
        return TCORE_OK;
    if (run->begin)
        memmove(run->buffer, run->buffer + run->begin, run->filled - run->begin);
    run->filled -= run->begin;
    run->begin = 0;
    if (bytes > run->capacity) {
        char *grown = tcore_realloc(run->buffer, bytes);
        if (!grown)
            return tcore_error_nomem(err);
        run->buffer = grown;
        run->capacity = bytes;
    }
    size_t more = run->capacity - run->filled;
    if (more > run->end - run->at)
        more = (size_t)(run->end - run->at);
    errno = EIO; /* it is shorter than we made it */
    if (tcore_pread_all(runs->fd, run->buffer + run->filled, more, run->at) != (ptrdiff_t)more ||
        run->filled + more < bytes)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read a temporary file");
    run->filled += more;
    run->at += more;
    return TCORE_OK;
}

/* Has the next record of the run, of which begin is known, in its buffer. */
static enum tcore_status load(const struct sort_runs *runs, struct sort_run *run,
                              struct tcore_error *err)
{
    enum tcore_status status = fill(runs, run, sizeof(struct head), err);
    return status ? status : fill(runs, run, record_bytes(head_of(run)), err);
}

static bool has_more(const struct sort_run *run)
{
    return run->begin < run->filled || run->at < run->end;
}

/* --- The merge */

static bool comes_before(const struct sort_runs *runs, uint32_t a, uint32_t b)
{
    const struct sort_run *x = &runs->run[a], *y = &runs->run[b];
    struct head left = head_of(x), right = head_of(y);
    int order = compare_keys(x->buffer + x->begin + sizeof left, left.key_length,
                             y->buffer + y->begin + sizeof right, right.key_length);
    return order ? order < 0 : a < b;
}

static void sift_down(struct sort_runs *runs, uint32_t at)
{
    uint32_t sinking = runs->heap[at];
    for (uint32_t child; (child = 2 * at + 1) < runs->heap_count; at = child) {
        if (child + 1 < runs->heap_count &&
            comes_before(runs, runs->heap[child + 1], runs->heap[child]))
            child++;
        if (!comes_before(runs, runs->heap[child], sinking))
            break;
        runs->heap[at] = runs->heap[child];
    }
    runs->heap[at] = sinking;
}

static enum tcore_status begin_merge(struct sort_runs *runs, struct tcore_error *err)
{
    size_t buffer = runs->memory_bytes / 2 / runs->run_count;
    buffer = buffer > MOST_BUFFER ? MOST_BUFFER : buffer;
    runs->heap = tcore_reallocarray(NULL, runs->run_count, sizeof *runs->heap);
    if (!runs->heap)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < runs->run_count; i++) {
        struct sort_run *run = &runs->run[i];
        run->buffer = tcore_realloc(NULL, buffer);
        if (!run->buffer)
            return tcore_error_nomem(err);
        run->capacity = buffer;
        enum tcore_status status = load(runs, run, err);
        if (status != TCORE_OK)
            return status;
        runs->heap[runs->heap_count++] = i;
    }
    for (uint32_t i = runs->heap_count / 2; i-- > 0;)
        sift_down(runs, i);
    return TCORE_OK;
}

/* The run whose record is next; TCORE_EOF. */
static enum tcore_status next_run(struct sort_runs *runs, struct tcore_error *err)
{
    if (runs->given) {
        struct sort_run *run = &runs->run[runs->current];
        run->begin += record_bytes(head_of(run));
        if (has_more(run)) {
            enum tcore_status status = load(runs, run, err);
            if (status != TCORE_OK)
                return status;
        } else {
            runs->heap[0] = runs->heap[--runs->heap_count];
        }
        if (runs->heap_count)
            sift_down(runs, 0);
        runs->given = false;
    }
    if (!runs->heap_count)
        return TCORE_EOF;
    runs->current = runs->heap[0];
    runs->given = true;
    return TCORE_OK;
}

/* All runs as one, in a file of its own. */
static enum tcore_status join_runs(struct sort_runs *runs, struct tcore_error *err)
{
    struct sort_runs joined;
    sort_runs_open(&joined, runs->memory_bytes);
    enum tcore_status status = begin_merge(runs, err);
    while (status == TCORE_OK) {
        status = next_run(runs, err);
        if (status != TCORE_OK)
            break;
        const struct sort_run *run = &runs->run[runs->current];
        struct head head = head_of(run);
        status = write_record(&joined, head, run->buffer + run->begin + sizeof head, err);
    }
    if (status == TCORE_EOF)
        status = write_out(&joined, err);
    if (status == TCORE_OK)
        status = add_run(&joined, 0, err);
    if (status != TCORE_OK) {
        sort_runs_close(&joined);
        return status;
    }
    free_runs(runs);
    runs->fd = joined.fd;
    runs->end = joined.end;
    runs->run = joined.run;
    runs->run_count = joined.run_count;
    runs->run_capacity = joined.run_capacity;
    tcore_buf_free(&joined.out);
    return TCORE_OK;
}

/* --- Records */

/* What is in memory becomes a run. */
static enum tcore_status write_items(struct sort_runs *runs, struct tcore_error *err)
{
    enum tcore_status status = sort(runs, err);
    if (status == TCORE_OK && runs->run_count >= most_runs(runs))
        status = join_runs(runs, err);
    uint64_t begin = runs->end;
    for (size_t i = 0; status == TCORE_OK && i < runs->count; i++) {
        const struct sort_item *item = &runs->item[i];
        status =
            write_record(runs, (struct head){item->key_length, item->text_length}, item->data, err);
    }
    if (status == TCORE_OK)
        status = write_out(runs, err);
    if (status == TCORE_OK)
        status = add_run(runs, begin, err);
    runs->count = 0;
    tcore_arena_free(&runs->arena);
    return status;
}

static bool reserve(struct sort_runs *runs)
{
    if (runs->count < runs->capacity)
        return true;
    size_t capacity = runs->capacity ? runs->capacity + runs->capacity / 2 : 1024;
    void *grown = tcore_reallocarray(runs->item, capacity, sizeof *runs->item);
    if (!grown)
        return false;
    runs->item = grown;
    runs->capacity = capacity;
    return true;
}

static uint64_t first_bytes(struct tcore_slice key)
{
    uint64_t first = 0;
    for (size_t i = 0; i < 8; i++)
        first = first << 8 | (i < key.length ? (unsigned char)key.data[i] : 0);
    return first;
}

enum tcore_status sort_runs_add(struct sort_runs *runs, struct tcore_slice key,
                                struct tcore_slice text, struct tcore_error *err)
{
    if (key.length > UINT32_MAX || text.length > UINT32_MAX)
        return tcore_error_set(err, TCORE_FATAL, "a record is longer than 4 GiB");
    if (runs->count && bytes_of(runs) + key.length + text.length > runs->memory_bytes) {
        enum tcore_status status = write_items(runs, err);
        if (status != TCORE_OK)
            return status;
    }
    char *data = reserve(runs) ? tcore_arena_alloc(&runs->arena, key.length + text.length) : NULL;
    if (!data)
        return tcore_error_nomem(err);
    memcpy(data, key.data, key.length);
    memcpy(data + key.length, text.data, text.length);
    runs->item[runs->count++] = (struct sort_item){.first = first_bytes(key),
                                                   .data = data,
                                                   .key_length = (uint32_t)key.length,
                                                   .text_length = (uint32_t)text.length};
    return TCORE_OK;
}

enum tcore_status sort_runs_finish(struct sort_runs *runs, struct tcore_error *err)
{
    if (!runs->run_count)
        return sort(runs, err);
    enum tcore_status status = runs->count ? write_items(runs, err) : TCORE_OK;
    tcore_free(runs->item);
    runs->item = NULL;
    runs->capacity = 0;
    return status ? status : begin_merge(runs, err);
}

enum tcore_status sort_runs_next(struct sort_runs *runs, struct tcore_slice *text,
                                 struct tcore_error *err)
{
    if (!runs->run_count) {
        if (runs->next == runs->count)
            return TCORE_EOF;
        const struct sort_item *item = &runs->item[runs->next++];
        *text = (struct tcore_slice){item->data + item->key_length, item->text_length};
        return TCORE_OK;
    }
    enum tcore_status status = next_run(runs, err);
    if (status != TCORE_OK)
        return status;
    const struct sort_run *run = &runs->run[runs->current];
    struct head head = head_of(run);
    *text = (struct tcore_slice){run->buffer + run->begin + sizeof head + head.key_length,
                                 head.text_length};
    return TCORE_OK;
}
