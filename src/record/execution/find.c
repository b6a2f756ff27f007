/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folding an execution, from a file or a repository. Only lines that contain the id are parsed; the
 * others go by at the speed of a search, so that ending an execution costs little in a large file
 * too.
 */
#include <config.h>

#include "record/execution/find.h"

#include "base/sys.h"
#include "model/json.h"
#include "store/repository.h"
#include "store/scan.h"

#include <string.h>
#include <sys/stat.h>

/* --- Lines that name it */

struct search {
    const char *id;
    unsigned types;
    execution_line *each;
    void *context;
    struct tcore_error *err;
};

enum tcore_status execution_lines_in(const char *text, size_t length, const char *id,
                                     execution_line *each, void *context, struct tcore_error *err)
{
    const char *at = text, *end = text + length, *found;
    while ((found = memmem(at, (size_t)(end - at), id, strlen(id)))) {
        const char *start = memrchr(at, '\n', (size_t)(found - at));
        const char *newline = memchr(found, '\n', (size_t)(end - found));
        start = start ? start + 1 : at;
        at = newline ? newline + 1 : end;
        enum tcore_status status =
            each(context, start, (size_t)((newline ? newline : end) - start), err);
        if (status != TCORE_OK)
            return status;
    }
    return TCORE_OK;
}

/* A chunk of lines, or of a block whose records may be events of the execution. */
static enum tcore_status search_chunk(const struct search *s, struct tcore_decoder *decoder,
                                      struct tcore_chunk *chunk)
{
    const struct tcore_batch *batch;
    if (chunk->overlong) /* no event of ours is so long */
        return TCORE_OK;
    if (!chunk->apart)
        return execution_lines_in(chunk->data, chunk->length, s->id, s->each, s->context, s->err);
    if (chunk->info.rows && !(s->types >> chunk->info.type & 1))
        return TCORE_OK;
    enum tcore_status status =
        tcore_decoder_decode(decoder, TCORE_FORMAT_BINARY, chunk, &batch, s->err);
    for (size_t i = 0; status == TCORE_OK && i < batch->rows; i++) {
        const struct tcore_slice *text = &batch->text[i];
        if (memmem(text->data, text->length, s->id, strlen(s->id)))
            status = s->each(s->context, text->data, text->length, s->err);
    }
    return status;
}

static enum tcore_status search_input(const struct search *s, struct tcore_input *input,
                                      const struct tcore_input_options *options)
{
    static const struct tcore_projection text = {.text = true};
    struct tcore_decoder *decoder;
    struct tcore_chunk chunk = {0};
    bool damaged = false; /* and maybe that is where the execution is: err */
    enum tcore_status status = tcore_decoder_new(&decoder, &text, options, s->err);
    while (status == TCORE_OK && (status = tcore_input_next(input, &chunk, s->err)) == TCORE_OK) {
        status = search_chunk(s, decoder, &chunk);
        damaged |= status == TCORE_BAD_INPUT;
        status = status == TCORE_BAD_INPUT ? TCORE_OK : status;
    }
    tcore_chunk_free(&chunk);
    tcore_decoder_free(decoder);
    if (status == TCORE_EOF)
        return damaged ? TCORE_BAD_INPUT : TCORE_OK;
    return status;
}

enum tcore_status execution_lines(const char *path, const char *id,
                                  const struct tcore_wanted *wanted, execution_line *each,
                                  void *context, struct tcore_error *err)
{
    const struct tcore_input_options options = {
        .single = true, .open_directory = tcore_scan_open, .wanted = *wanted};
    const struct search search = {id, wanted->types, each, context, err};
    struct tcore_input *input;
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return tcore_error_set(err, TCORE_FATAL, "is no file, so that nothing is read back");
    enum tcore_status status = tcore_input_open(&input, path, &options, err);
    if (status != TCORE_OK)
        return status;
    if (tcore_input_format(input) == TCORE_FORMAT_NDJSON || tcore_is_directory(path))
        status = search_input(&search, input, &options);
    else
        status = tcore_error_set(err, TCORE_BAD_INPUT,
                                 "is a binary stream; executions are kept in NDJSON");
    tcore_input_close(input);
    return status;
}

/* --- Folding them */

struct fold {
    struct execution *execution;
    const char *id;
    struct tcore_json json;
};

static enum tcore_status fold_line(void *context, const char *line, size_t length,
                                   struct tcore_error *err)
{
    struct fold *f = context;
    enum tcore_status status = execution_parse(&f->json, line, length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    return execution_fold(f->execution, f->id, &f->json, err);
}

enum tcore_status execution_find(struct execution *execution, const char *path, const char *id,
                                 struct tcore_error *err)
{
    static const struct tcore_wanted wanted = {.types = 1u << TCORE_RECORD_EXECUTION |
                                                        1u << TCORE_RECORD_LOG};
    if (execution_init(execution, err) != TCORE_OK)
        return TCORE_FATAL;
    struct fold f = {.execution = execution, .id = id};
    enum tcore_status status = execution_lines(path, id, &wanted, fold_line, &f, err);
    if (status != TCORE_OK)
        err->input = path;
    tcore_json_free(&f.json);
    return status;
}
