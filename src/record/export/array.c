/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elements from workers, put behind each other in their turn. */
#include <config.h>

#include "record/export/array.h"

#include "base/sys.h"
#include "cli/filter.h"

struct array {
    const struct export_array_format *format;
    bool shown, begun;
    struct export_losses losses;
};

struct worker {
    struct export_record record;
    struct tcore_buf elements;
};

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    (void)state;
    *worker = tcore_calloc(1, sizeof(struct worker));
    return *worker ? TCORE_OK : tcore_error_nomem(err);
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct array *array = state;
    struct worker *w = worker;
    (void)err;
    if (!w)
        return TCORE_OK;
    export_losses_add(&array->losses, &w->record.losses);
    export_record_free(&w->record);
    tcore_buf_free(&w->elements);
    tcore_free(w);
    return TCORE_OK;
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    const struct array *array = state;
    struct worker *w = worker;
    enum tcore_status status = TCORE_OK;
    (void)out;
    tcore_buf_clear(&w->elements);
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        status = export_record_parse(&w->record, &batch->text[rows[i]], err);
        if (status == TCORE_OK)
            array->format->put(&w->record, &w->elements);
    }
    return status == TCORE_OK ? tcore_buf_status(&w->elements, err) : status;
}

static enum tcore_status put_elements(void *state, void *worker, struct tcore_buf *out,
                                      struct tcore_error *err)
{
    struct array *array = state;
    struct worker *w = worker;
    size_t skip = array->begun ? 0 : 1; /* the first comma */
    if (!w->elements.length)
        return TCORE_OK;
    tcore_buf_puts(out, array->begun ? "" : "[");
    export_show(out, w->elements.data + skip, w->elements.length - skip, array->shown);
    array->begun = true;
    tcore_buf_clear(&w->elements);
    return tcore_buf_status(out, err);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    const struct array *array = state;
    tcore_buf_puts(out, array->begun ? "\n]\n" : "[]\n");
    return tcore_buf_status(out, err);
}

int export_array(struct cli *cli, const struct export_array_format *format, int argc, char **argv)
{
    const struct cli_operator operator= {
        .types = format->types,
        .open = cli_want_text,
        .worker_open = open_worker,
        .batch = take_batch,
        .in_turn = put_elements,
        .worker_close = close_worker,
        .finish = finish,
    };
    struct array array = {.format = format, .shown = export_is_shown(cli)};
    int result = cli_filter(cli, &operator, & array, argc, argv);
    export_losses_note(&array.losses, cli, format->title);
    export_losses_free(&array.losses);
    return result;
}
