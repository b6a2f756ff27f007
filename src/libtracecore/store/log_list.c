/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The logs of a directory. */
#include "store/log_read.h"

#include "base/buf.h"
#include "base/sys.h"
#include "store/log_read_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct found {
    struct tcore_buf text; /* names, each with its NUL */
    size_t count;
};

static int collect(void *context, const char *name)
{
    struct found *found = context;
    size_t length = strlen(name), suffix = sizeof LOG_SUFFIX - 1;
    if (length > suffix && name[0] != '.' && !strcmp(name + length - suffix, LOG_SUFFIX)) {
        tcore_buf_append(&found->text, name, length + 1);
        found->count++;
    }
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum tcore_status tcore_log_list(int dir, char ***names, size_t *count, struct tcore_error *err)
{
    struct found found = {0};
    enum tcore_status status;
    *names = NULL;
    *count = 0;
    if (tcore_sys()->list(dir, collect, &found) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot list the logs");
    else
        status = tcore_buf_status(&found.text, err);
    char **list = NULL;
    if (!status) {
        list = tcore_malloc(found.count * sizeof *list + found.text.length);
        if (!list)
            status = tcore_error_nomem(err);
    }
    if (!status) {
        char *text = (char *)(list + found.count);
        if (found.text.length)
            memcpy(text, found.text.data, found.text.length);
        for (size_t i = 0; i < found.count; i++, text += strlen(text) + 1)
            list[i] = text;
        qsort(list, found.count, sizeof *list, by_bytes);
        *names = list;
        *count = found.count;
    }
    tcore_buf_free(&found.text);
    return status;
}

void tcore_log_close_all(struct tcore_log_reader **readers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tcore_log_reader_close(readers[i]);
    tcore_free(readers);
}

/* Opens one more, unless it is gone or is one of those that are open. */
static enum tcore_status open_one(int dir, const char *name, struct tcore_log_reader **readers,
                                  size_t *count, struct tcore_error *err)
{
    struct tcore_log_reader *reader;
    enum tcore_status status = tcore_log_reader_open(&reader, dir, name, err);
    if (status)
        return status == TCORE_EOF ? TCORE_OK : status;
    for (size_t i = 0; i < *count; i++) {
        if (readers[i]->device == reader->device && readers[i]->inode == reader->inode) {
            tcore_log_reader_close(reader);
            return TCORE_OK;
        }
    }
    readers[(*count)++] = reader;
    return TCORE_OK;
}

enum tcore_status tcore_log_open_all(int dir, struct tcore_log_reader ***readers, size_t *count,
                                     struct tcore_error *err)
{
    char **names = NULL;
    size_t found = 0, opened = 0;
    *readers = NULL;
    *count = 0;
    /* The shared log first: renamed before this, it is listed under its new name; renamed after
     * it, it is open. */
    struct tcore_log_reader *shared = NULL;
    enum tcore_status status = tcore_log_reader_open(&shared, dir, LOG_SHARED_NAME, err);
    if (status == TCORE_EOF)
        status = TCORE_OK;
    if (!status)
        status = tcore_log_list(dir, &names, &found, err);
    struct tcore_log_reader **list = NULL;
    if (!status) {
        list = tcore_calloc(found + 1, sizeof(*list));
        if (!list)
            status = tcore_error_nomem(err);
    }
    if (status) {
        tcore_log_reader_close(shared);
        tcore_free(names);
        return status;
    }
    if (shared)
        list[opened++] = shared;
    for (size_t i = 0; !status && i < found; i++)
        status = open_one(dir, names[i], list, &opened, err);
    tcore_free(names);
    if (status) {
        tcore_log_close_all(list, opened);
        return status;
    }
    *readers = list;
    *count = opened;
    return TCORE_OK;
}
