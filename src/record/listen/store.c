/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/store.h"

#include "base/sys.h"
#include "cli/append.h"
#include "cli/message.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PAUSE_NS INT64_C(1000000000) /* after a full disk */

/* ---- files ---- */

/* Of what was made just now, the name has to be on disk as well. */
static int sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? tcore_strndup(path, (size_t)(slash - path) + 1) : tcore_strndup(".", 1);
    if (!folder)
        return ENOMEM;
    int dir = tcore_sys()->openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    tcore_free(folder);
    if (dir < 0)
        return errno;
    int errnum = tcore_sys()->fsync(dir) == 0 ? 0 : errno;
    tcore_sys()->close(dir);
    return errnum;
}

/* Appends lines, and waits until they are on disk. */
static enum tcore_status append_to_file(const char *path, const struct tcore_buf *lines,
                                        struct tcore_error *err)
{
    struct stat st;
    int fd = cli_append_open(path, 0666);
    if (fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open");
    bool sized = tcore_sys()->fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    const char *what = "cannot append";
    int errnum = lines->length ? cli_append(fd, lines->data, lines->length) : 0;
    if (!errnum && sized && tcore_sys()->fdatasync(fd) < 0) {
        errnum = errno;
        what = "cannot bring to disk";
    }
    if (!errnum && sized && !st.st_size)
        errnum = sync_folder(path);
    if (tcore_sys()->close(fd) < 0 && !errnum)
        errnum = errno;
    return errnum ? tcore_error_errno(err, TCORE_FATAL, errnum, "%s", what) : TCORE_OK;
}

static enum tcore_status keep_in_file(struct listen_store *s, const struct listen_request *list,
                                      struct tcore_error *err)
{
    struct tcore_buf lines = {0};
    for (const struct listen_request *r = list; r; r = r->next)
        tcore_buf_append(&lines, r->records.data, r->records.length);
    enum tcore_status status = tcore_buf_status(&lines, err);
    if (status == TCORE_OK)
        status = append_to_file(s->path, &lines, err);
    tcore_buf_free(&lines);
    return status;
}

/* ---- repositories ---- */

static void tell(void *context, bool failed, const char *text)
{
    (void)failed; /* such a log stays, and can be read */
    const struct listen_store *s = context;
    cli_note(s->cli, "%s: %s", s->path, text);
}

/* What is in logs of the keeper's stays there, to be claimed by the next. */
static void close_keeper(struct listen_store *s)
{
    if (s->open)
        keeper_close(&s->keeper);
    s->open = false;
}

static enum tcore_status open_keeper(struct listen_store *s, struct tcore_error *err)
{
    const struct protection *protection = &s->rules->repository;
    struct keeper *k = &s->keeper;
    enum tcore_status status = keeper_open(k, s->path, err);
    s->open = true;
    if (status == TCORE_OK) {
        keeper_use(k, &protection->policy, policy_labels_get(&protection->labels));
        k->durability = KEEPER_RECORD;
        k->tell = tell;
        k->tell_context = s;
        status = keeper_take_logs(k, err);
    }
    if (status != TCORE_OK)
        close_keeper(s);
    return status;
}

/* The lines of those requests whose records have labels, or have none. */
struct line_list {
    struct tcore_slice *text; /* owned */
    uint32_t *rows;           /* owned: all of them */
    size_t count;
};

static void free_lines(struct line_list *l)
{
    tcore_free(l->text);
    tcore_free(l->rows);
}

static enum tcore_status list_lines(struct line_list *l, const struct listen_request *list,
                                    bool labelled, struct tcore_error *err)
{
    uint64_t count = 0;
    for (const struct listen_request *r = list; r; r = r->next)
        count += r->labelled == labelled ? r->record_count : 0;
    *l = (struct line_list){.text = tcore_reallocarray(NULL, count + 1, sizeof *l->text),
                            .rows = tcore_reallocarray(NULL, count + 1, sizeof *l->rows)};
    if (!l->text || !l->rows || count > UINT32_MAX)
        return tcore_error_nomem(err);
    for (const struct listen_request *r = list; r; r = r->next) {
        const char *at = r->records.data, *end = at + r->records.length;
        while (r->labelled == labelled && at < end && l->count < count) {
            const char *newline = memchr(at, '\n', (size_t)(end - at));
            newline = newline ? newline : end;
            l->rows[l->count] = (uint32_t)l->count;
            l->text[l->count++] = (struct tcore_slice){at, (size_t)(newline - at)};
            at = newline + 1;
        }
    }
    return TCORE_OK;
}

/* A line that is no record is no reason to stop; decoders should give none. */
static enum tcore_status add_lines(struct listen_store *s, const struct line_list *l,
                                   struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < l->count && status == TCORE_OK; i++) {
        status = keeper_add(&s->keeper, &l->text[i], err);
        if (status != TCORE_SKIP)
            continue;
        cli_note(s->cli, "%s: what was received is no record: %s", s->path, err->text);
        status = TCORE_OK;
    }
    return status;
}

/* What has no label is on disk once it is in the log. That it cannot be added to the segment at
 * hand afterwards is no failure of it: the log stays, and whoever takes it up adds it again. */
static enum tcore_status keep_in_log(struct listen_store *s, const struct listen_request *list,
                                     struct tcore_error *err)
{
    struct keeper *k = &s->keeper;
    struct line_list lines;
    struct tcore_error later = {0};
    enum tcore_status status = list_lines(&lines, list, false, err);
    if (status == TCORE_OK && lines.count)
        status = keeper_commit(k, lines.text, lines.rows, lines.count, err);
    if (status == TCORE_OK && lines.count && add_lines(s, &lines, &later) != TCORE_OK) {
        cli_note(s->cli, "%s: %s: what was received is in a log, and stays there", s->path,
                 later.text);
        close_keeper(s);
    }
    free_lines(&lines);
    return status;
}

/* What has a label is on disk once its segment is. */
static enum tcore_status keep_in_segment(struct listen_store *s, const struct listen_request *list,
                                         struct tcore_error *err)
{
    struct line_list lines;
    enum tcore_status status = list_lines(&lines, list, true, err);
    if (status == TCORE_OK && lines.count && !s->open)
        status = open_keeper(s, err);
    if (status == TCORE_OK && lines.count) {
        status = add_lines(s, &lines, err);
        if (status == TCORE_OK)
            status = keeper_finish(&s->keeper, err);
    }
    free_lines(&lines);
    return status;
}

static enum tcore_status keep_in_repository(struct listen_store *s,
                                            const struct listen_request *list,
                                            struct tcore_error *err)
{
    enum tcore_status status = s->open ? TCORE_OK : open_keeper(s, err);
    if (status == TCORE_OK)
        status = keep_in_segment(s, list, err);
    if (status == TCORE_OK && !s->open)
        status = open_keeper(s, err);
    if (status == TCORE_OK)
        status = keep_in_log(s, list, err);
    if (status != TCORE_OK)
        close_keeper(s);
    return status;
}

/* ---- both ---- */

/* Such a failure passes, when somebody makes room; any other is for good: what a disk did with data
 * that it could not write is not known. */
static bool passes(const struct tcore_error *err)
{
    return err->errnum == ENOSPC || err->errnum == EDQUOT || err->errnum == ENOMEM ||
           err->errnum == EMFILE || err->errnum == ENFILE;
}

static void take_failure(struct listen_store *s, struct tcore_error *err)
{
    err->input = s->path;
    if (!passes(err)) {
        s->failed = true;
        err->status = TCORE_FATAL;
        cli_report(s->cli, err);
        return;
    }
    if (!s->closed_until_ns)
        cli_note(s->cli, "%s: %s: %s; senders are asked to come again", s->path, err->text,
                 strerror(err->errnum));
    s->closed_until_ns = tcore_sys()->monotonic_ns() + PAUSE_NS;
}

static bool is_closed(const struct listen_store *s)
{
    return s->failed || (s->closed_until_ns && tcore_sys()->monotonic_ns() < s->closed_until_ns);
}

static enum tcore_status keep(struct listen_store *s, const struct listen_request *list,
                              struct tcore_error *err)
{
    return s->repository ? keep_in_repository(s, list, err) : keep_in_file(s, list, err);
}

void listen_store_keep(struct listen_store *s, struct listen_request *list)
{
    struct tcore_error err = {0};
    bool tried = !is_closed(s);
    bool kept = tried && keep(s, list, &err) == TCORE_OK;
    if (tried && !kept)
        take_failure(s, &err);
    if (kept && s->closed_until_ns) {
        cli_note(s->cli, "%s: records are kept again", s->path);
        s->closed_until_ns = 0;
    }
    for (struct listen_request *r = list; r; r = r->next) {
        s->records += kept ? r->record_count : 0;
        if (kept)
            r->status = LISTEN_OK;
        else
            listen_refuse(r, LISTEN_UNAVAILABLE, "records cannot be kept at the moment");
    }
}

void listen_store_tend(struct listen_store *s)
{
    struct tcore_error err = {0};
    if (!s->open || keeper_tend(&s->keeper, &err) == TCORE_OK)
        return;
    close_keeper(s);
    take_failure(s, &err);
}

bool listen_store_finish(struct listen_store *s)
{
    struct tcore_error err = {0};
    if (!s->open)
        return !s->failed;
    enum tcore_status status = keeper_take_logs(&s->keeper, &err);
    if (status == TCORE_OK)
        status = keeper_finish(&s->keeper, &err);
    close_keeper(s);
    if (status == TCORE_OK)
        return true;
    err.status = TCORE_FATAL;
    err.input = s->path;
    cli_report(s->cli, &err);
    return false;
}

void listen_store_set_rules(struct listen_store *s, struct listen_rules *rules)
{
    struct tcore_error err = {0};
    if (s->open && keeper_finish(&s->keeper, &err) != TCORE_OK)
        take_failure(s, &err);
    close_keeper(s);
    listen_rules_drop(s->rules);
    s->rules = listen_rules_use(rules);
}

int listen_store_open(struct listen_store *s, struct cli *cli, const char *path,
                      struct listen_rules *rules)
{
    const struct tcore_buf nothing = {0};
    struct tcore_error err = {0};
    *s = (struct listen_store){.cli = cli,
                               .path = path,
                               .repository = tcore_is_directory(path),
                               .rules = listen_rules_use(rules)};
    enum tcore_status status =
        s->repository ? open_keeper(s, &err) : append_to_file(path, &nothing, &err);
    if (status == TCORE_OK)
        return CLI_DONE;
    err.input = path;
    err.status = TCORE_FATAL;
    cli_report(cli, &err);
    return CLI_FAILED;
}

void listen_store_close(struct listen_store *s)
{
    close_keeper(s);
    listen_rules_drop(s->rules);
}
