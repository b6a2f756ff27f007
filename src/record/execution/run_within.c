/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/run_within.h"

#include "base/sys.h"
#include "record/execution/verb.h"
#include "record/execution/tail.h"

#include <fcntl.h>

struct within {
    const struct run_place *place;
    struct execution *execution;
    struct tcore_json json;
};

static enum tcore_status fold_within(void *context, const char *line, size_t length,
                                     struct tcore_error *err)
{
    struct within *w = context;
    enum tcore_status status = execution_parse(&w->json, line, length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    if (tcore_value_is_text(execution_member(&w->json, "event"), "started"))
        return TCORE_OK;
    return execution_fold(w->execution, w->place->id, &w->json, err);
}

/* The attributes so far, as if they were an update. */
static enum tcore_status fold_own(struct within *w, const struct tcore_buf *attributes,
                                  struct tcore_error *err)
{
    struct tcore_buf line = {0};
    tcore_buf_printf(&line, "{\"event\":\"updated\",\"executionId\":\"%s\",\"attributes\":{",
                     w->place->id);
    tcore_buf_append(&line, attributes->data, attributes->length);
    tcore_buf_puts(&line, "}}");
    enum tcore_status status = tcore_buf_status(&line, err);
    if (status == TCORE_OK)
        status = fold_within(w, line.data, line.length, err);
    tcore_buf_free(&line);
    return status;
}

static enum tcore_status read_within(struct within *w, struct tcore_error *err)
{
    const struct run_place *place = w->place;
    const struct tcore_wanted wanted = {.types =
                                            1u << TCORE_RECORD_EXECUTION | 1u << TCORE_RECORD_LOG,
                                        .has_since = true,
                                        .since_ns = place->start_ns};
    struct tail tail;
    enum tcore_status status =
        tail_open(&tail, place->path, place->id, &wanted, fold_within, w, err);
    if (status == TCORE_OK) {
        tail_skip(&tail, place->offset);
        status = tail_look(&tail, err);
    }
    tail_close(&tail);
    return status;
}

/* What is neither has no records to read back. */
static bool is_file_or_folder(const char *path)
{
    struct stat st;
    return tcore_sys()->fstatat(AT_FDCWD, path, &st, 0) == 0 &&
           (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

void run_within(const struct run_place *place, struct tcore_buf *attributes,
                struct tcore_buf *events)
{
    struct execution execution;
    struct within w = {.place = place, .execution = &execution};
    struct tcore_error err;
    enum tcore_status status = execution_init(&execution, &err);
    if (status == TCORE_OK)
        status = fold_own(&w, attributes, &err);
    if (status == TCORE_OK && is_file_or_folder(place->path))
        status = read_within(&w, &err);
    if (status == TCORE_OK) {
        tcore_buf_clear(attributes);
        execution_put_attributes(attributes, &execution);
        execution_put_moments(events, &execution);
    } else {
        tcore_buf_putc(attributes, '\0');
    }
    tcore_json_free(&w.json);
    execution_free(&execution);
}
