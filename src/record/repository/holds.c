/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/holds.h"

#include "base/sys.h"
#include "cli/message.h"
#include "model/json.h"
#include "model/time.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

bool hold_is_name(const char *name)
{
    size_t length = strlen(name);
    return length && length < HOLD_NAME_BYTES && *name != '.' && *name != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+-") ==
               length;
}

/* ---- one ---- */

static bool take_strings(struct hold *h, const struct tcore_json *json, uint32_t list,
                         struct cli_strings *strings)
{
    if (!list)
        return true;
    if (!tcore_json_is_array(&json->node[list]))
        return false;
    strings->item = tcore_calloc(json->node[list].count + 1, sizeof *strings->item);
    if (!strings->item)
        return false;
    for (uint32_t e = list + 1; e < json->node[list].next; e = json->node[e].next) {
        const struct tcore_value *v = &json->node[e].value;
        if (v->kind != TCORE_STRING || memchr(v->s, '\0', v->len))
            return false;
        strings->item[strings->count++] = h->strings.data + h->strings.length;
        tcore_buf_append(&h->strings, v->s, v->len);
        tcore_buf_putc(&h->strings, '\0');
    }
    return true;
}

static bool take_time(const struct tcore_json *json, uint32_t at, struct cli_time *time)
{
    char text[64];
    const char *reason;
    const struct tcore_value *v = &json->node[at].value;
    if (!at)
        return true;
    if (v->kind != TCORE_STRING || v->len >= sizeof text)
        return false;
    memcpy(text, v->s, v->len);
    text[v->len] = '\0';
    time->set = true;
    return cli_parse_time(text, 0, &time->unix_ns, &reason);
}

/* Whether it says what it covers, and nothing that is not understood. */
static bool parse(struct hold *h)
{
    static const char *const known[] = {"name", "uid",     "user",  "time",  "where",
                                        "type", "service", "since", "until", NULL};
    struct tcore_json json = {0};
    bool good = tcore_json_parse(&json, h->text.data, h->text.length, NULL) == TCORE_OK &&
                tcore_json_is_object(&json.node[0]) &&
                tcore_buf_reserve(&h->strings, 2 * h->text.length + 1); /* it does not move */
    for (uint32_t k = 1; good && k < json.node[0].next; k = json.node[k + 1].next) {
        size_t i = 0;
        while (known[i] && (strlen(known[i]) != json.node[k].value.len ||
                            memcmp(known[i], json.node[k].value.s, json.node[k].value.len) != 0))
            i++;
        good = known[i] != NULL;
    }
    uint32_t where = good ? tcore_json_find(&json, 0, "where") : 0;
    const struct tcore_value *v = where ? &json.node[where].value : NULL;
    good = good && (!where || (v->kind == TCORE_STRING && !memchr(v->s, '\0', v->len)));
    if (good && where) {
        h->options.where = h->strings.data + h->strings.length;
        tcore_buf_append(&h->strings, v->s, v->len);
        tcore_buf_putc(&h->strings, '\0');
    }
    good = good && take_strings(h, &json, tcore_json_find(&json, 0, "type"), &h->options.types) &&
           take_strings(h, &json, tcore_json_find(&json, 0, "service"), &h->options.services) &&
           take_time(&json, tcore_json_find(&json, 0, "since"), &h->options.since) &&
           take_time(&json, tcore_json_find(&json, 0, "until"), &h->options.until);
    tcore_json_free(&json);
    return good && !h->strings.failed;
}

static void free_hold(struct hold *h)
{
    if (!h)
        return;
    matcher_close(&h->matcher);
    tcore_free(h->options.types.item);
    tcore_free(h->options.services.item);
    tcore_buf_free(&h->text);
    tcore_buf_free(&h->strings);
    tcore_free(h);
}

static struct hold *read_hold(struct cli *cli, int dir, const char *name, const char *repository)
{
    struct hold *h = tcore_calloc(1, sizeof *h);
    int fd = h ? tcore_open_regular(dir, name, O_RDONLY) : -1;
    char *room = fd >= 0 ? tcore_buf_reserve(&h->text, HOLD_LIMIT_BYTES) : NULL;
    ptrdiff_t got = room ? tcore_pread_all(fd, room, HOLD_LIMIT_BYTES, 0) : -1;
    int reason = errno;
    if (fd >= 0)
        tcore_sys()->close(fd);
    if (got < 0) {
        cli_error(cli, "%s: cannot read " HOLDS_FOLDER "/%s: %s", repository, name,
                  strerror(h ? reason : ENOMEM));
    } else {
        h->text.length = (size_t)got;
        memcpy(h->name, name, strlen(name) + 1);
        if (parse(h))
            return h;
        cli_error(cli, "%s: " HOLDS_FOLDER "/%s is damaged: nothing can be removed", repository,
                  name);
    }
    free_hold(h);
    return NULL;
}

/* ---- all ---- */

static int collect(void *context, const char *name)
{
    if (hold_is_name(name))
        tcore_buf_append(context, name, strlen(name) + 1);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp((*(struct hold *const *)a)->name, (*(struct hold *const *)b)->name);
}

static bool read_named(struct holds *holds, struct cli *cli, int dir, const struct tcore_buf *names,
                       const char *repository)
{
    for (size_t at = 0; at < names->length; at += strlen(names->data + at) + 1) {
        struct hold **memory =
            tcore_reallocarray(holds->hold, holds->count + 1, sizeof(*holds->hold));
        struct hold *h = memory ? read_hold(cli, dir, names->data + at, repository) : NULL;
        if (memory)
            holds->hold = memory;
        if (!h)
            return false;
        holds->hold[holds->count++] = h;
    }
    if (holds->count)
        qsort(holds->hold, holds->count, sizeof(*holds->hold), compare);
    return true;
}

int holds_read(struct holds *holds, struct cli *cli, int repository, const char *name)
{
    struct tcore_buf names = {0};
    *holds = (struct holds){0};
    int dir = tcore_sys()->openat(repository, HOLDS_FOLDER,
                                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (dir < 0 && errno == ENOENT)
        return CLI_DONE;
    bool good = dir >= 0 && tcore_sys()->list(dir, collect, &names) == 0 && !names.failed;
    if (!good)
        cli_error(cli, "%s: cannot read its " HOLDS_FOLDER, name);
    else
        good = read_named(holds, cli, dir, &names, name);
    if (dir >= 0)
        tcore_sys()->close(dir);
    tcore_buf_free(&names);
    return good ? CLI_DONE : CLI_FAILED;
}

int holds_open(struct holds *holds, struct cli *cli, struct tcore_projection *projection)
{
    int status = CLI_DONE;
    for (size_t i = 0; i < holds->count && status == CLI_DONE; i++)
        status = matcher_open(&holds->hold[i]->matcher, cli, &holds->hold[i]->options, projection);
    return status;
}

void holds_free(struct holds *holds)
{
    for (size_t i = 0; i < holds->count; i++)
        free_hold(holds->hold[i]);
    tcore_free(holds->hold);
    tcore_free(holds->rows);
    tcore_free(holds->is_held);
    *holds = (struct holds){0};
}

static bool has_room(struct holds *holds, size_t rows)
{
    if (rows <= holds->row_capacity)
        return true;
    tcore_free(holds->rows);
    tcore_free(holds->is_held);
    holds->rows = tcore_reallocarray(NULL, rows, sizeof *holds->rows);
    holds->is_held = tcore_malloc(rows);
    holds->row_capacity = holds->rows && holds->is_held ? rows : 0;
    return holds->row_capacity;
}

enum tcore_status holds_rows(struct holds *holds, const struct tcore_batch *batch, uint32_t *rows,
                             size_t *count, struct tcore_error *err)
{
    size_t kept = 0;
    if (!holds->count || !*count)
        return TCORE_OK;
    if (!has_room(holds, batch->rows))
        return tcore_error_nomem(err);
    memset(holds->is_held, 0, batch->rows);
    for (size_t i = 0; i < holds->count; i++) {
        size_t covered = *count;
        memcpy(holds->rows, rows, covered * sizeof *rows);
        enum tcore_status status =
            matcher_rows(&holds->hold[i]->matcher, batch, holds->rows, &covered, err);
        if (status != TCORE_OK)
            return status;
        holds->hold[i]->held += covered;
        for (size_t k = 0; k < covered; k++)
            holds->is_held[holds->rows[k]] = 1;
    }
    for (size_t i = 0; i < *count; i++)
        if (!holds->is_held[rows[i]])
            rows[kept++] = rows[i];
    *count = kept;
    return TCORE_OK;
}
