/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens to one chunk, whatever the format: each document is parsed, the format that knows
 * it converts it, and what is bad is kept with its place and reason.
 */
#include <config.h>

#include "record/import/import.h"

#include "base/sys.h"
#include "model/canonical.h"
#include "record/import/blocks.h"
#include "record/import/map.h"
#include "record/import/otlp_rows.h"

#include <stdio.h>

enum { DRAIN_BYTES = 1 << 20 };

const struct import_format *const import_formats[] = {&import_otlp_json,
                                                      &import_otlp_proto,
                                                      &import_prometheus,
                                                      &import_openmetrics,
                                                      &import_statsd,
                                                      &import_csv,
                                                      &import_tsv,
                                                      &import_jaeger,
                                                      &import_zipkin,
                                                      &import_chrome,
                                                      &import_hyperfine,
                                                      &import_google_benchmark,
                                                      &import_pytest_benchmark,
                                                      &import_benchstat,
                                                      &import_numbers,
                                                      &import_lines,
                                                      &import_native,
                                                      NULL};

const struct import_format *import_format_find(const char *name)
{
    for (const struct import_format *const *f = import_formats; *f; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}

enum tcore_status import_job_open(struct import_job *job, const struct cli_io_options *io,
                                  const struct import_format *only,
                                  const struct import_select *select, struct tcore_error *err)
{
    static const struct import_settings none;
    int64_t depth = io->depth_limit;
    *job = (struct import_job){.settings = &none,
                               .only = only,
                               .strict = io->strict,
                               .forwarded = import_forwarded(io),
                               .patience = IMPORT_PATIENCE};
    job->json.depth_limit = depth > UINT32_MAX ? UINT32_MAX : (unsigned)depth;
    if (tcore_map_init(&job->keys) < 0)
        return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    enum tcore_status status = import_selector_new(&job->selector, select, err);
    if (status != TCORE_OK)
        import_job_close(job);
    return status;
}

void import_job_close(struct import_job *job)
{
    import_map_close(job);
    import_blocks_close(job);
    otlp_rows_free(job->rows);
    form_table_free(job->forms);
    if (job->shared)
        tcore_buf_free(&job->shared->text);
    tcore_free(job->shared);
    tcore_free(job->draft);
    tcore_json_free(&job->json);
    tcore_free(job->places);
    tcore_buf_free(&job->resource);
    tcore_buf_free(&job->scope);
    tcore_map_free(&job->keys);
    tcore_free(job->attribute);
    import_selector_free(job->selector);
}

void import_result_free(struct import_result *result)
{
    tcore_buf_free(&result->out);
    tcore_buf_free(&result->blocks);
    tcore_buf_free(&result->reasons);
    tcore_buf_free(&result->held);
    tcore_free(result->rejects);
    *result = (struct import_result){0};
}

static void result_clear(struct import_result *result)
{
    tcore_buf_clear(&result->out);
    tcore_buf_clear(&result->blocks);
    tcore_buf_clear(&result->reasons);
    tcore_buf_clear(&result->held);
    result->ends = false;
    result->reject_count = 0;
    result->documents = result->records = 0;
    result->counts = (struct import_counts){0};
    result->left_out = (struct cli_left_out){0};
    result->where_reason = NULL;
}

bool import_bad(struct import_job *job, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(job->reason, sizeof(job->reason), format, args);
    va_end(args);
    return false;
}

void import_too_long(char *reason, size_t size, size_t limit)
{
    snprintf(reason, size,
             "longer than %zu bytes, the limit for one document (--line-limit raises it)", limit);
}

static void add_reject(struct import_job *job, struct import_reject reject)
{
    struct import_result *result = job->result;
    if (result->reject_count == result->reject_capacity) {
        size_t capacity = result->reject_capacity ? 2 * result->reject_capacity : 16;
        void *rejects = tcore_reallocarray(result->rejects, capacity, sizeof(reject));
        if (!rejects) {
            job->failed = true;
            return;
        }
        result->rejects = rejects;
        result->reject_capacity = capacity;
    }
    reject.reason = result->reasons.length;
    reject.out_length = result->out.length;
    tcore_buf_append(&result->reasons, job->reason, strlen(job->reason) + 1);
    result->rejects[result->reject_count++] = reject;
}

/* Where the byte at that offset of the document is in the input. */
static struct import_reject place_of(struct import_job *job, size_t offset)
{
    if (!job->line)
        return (struct import_reject){.byte = job->byte + offset};
    if (offset < job->known_offset) {
        job->known_offset = job->known_line_start = 0;
        job->known_line = job->line;
    }
    const char *at = job->text + job->known_offset, *end = job->text + offset, *newline;
    for (; (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
        job->known_line++;
        job->known_line_start = (size_t)(newline + 1 - job->text);
    }
    job->known_offset = offset;
    uint64_t byte = offset - job->known_line_start + 1;
    if (job->known_line == job->line)
        byte += job->byte - 1;
    return (struct import_reject){.line = job->known_line, .byte = byte};
}

/* Where the text of a node is, if the tape says so; NULL for words, integers and strings that had
 * escapes. */
static const char *known_text(const struct import_job *job, uint32_t node)
{
    const struct tcore_value *v = &job->json.node[node].value;
    if (v->kind == TCORE_JSON || v->kind == TCORE_NUMBER)
        return v->s;
    bool plain = v->kind == TCORE_STRING && v->s > job->text && v->s <= job->text + job->length;
    return plain ? v->s - 1 : NULL;
}

static const char *token_end(const char *at)
{
    if (*at == '"') {
        for (at++; *at != '"'; at++)
            at += *at == '\\';
        return at + 1;
    }
    return at + strcspn(at, ",:]} \t\r\n");
}

/* The text of a node: where the tape does not say, the tokens are counted from the last node before
 * it of which it does. The document is valid JSON, of which all in an element that was taken is one
 * token. */
static struct tcore_slice text_of(const struct import_job *job, uint32_t node)
{
    if (!node)
        return (struct tcore_slice){job->text, job->length};
    const char *at = known_text(job, node);
    if (at && job->json.node[node].value.kind == TCORE_JSON)
        return (struct tcore_slice){at, job->json.node[node].value.len};
    uint32_t before = node;
    while (!at && before > 0)
        at = known_text(job, --before);
    for (; before < node; before++) {
        const struct tcore_json_node *n = &job->json.node[before];
        if (tcore_json_is_taken(n))
            at += n->value.len;
        else
            at = n->value.kind == TCORE_JSON ? at + 1 : token_end(at);
        at += strspn(at, ",:[]{} \t\r\n");
    }
    return (struct tcore_slice){at, (size_t)(token_end(at) - at)};
}

void import_reject_bytes(struct import_job *job, struct tcore_slice text, const char *where)
{
    struct import_reject reject = place_of(job, (size_t)((where ? where : text.data) - job->text));
    if (!where && job->line)
        reject.byte = 0;
    if (job->line && text.data == job->text && where == text.data && reject.byte == 1)
        reject.byte = 0; /* it is the line */
    reject.text = text;
    add_reject(job, reject);
}

void import_reject(struct import_job *job, uint32_t node)
{
    struct tcore_slice text = job->wire ? job->places[node] : text_of(job, node);
    import_reject_bytes(job, text, text.data);
}

void import_each_line(struct import_job *job,
                      void (*read)(struct import_job *job, struct tcore_slice line))
{
    const char *at = job->text, *end = at + job->length;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct tcore_slice line = {at, (size_t)((newline ? newline : end) - at)};
        at = newline ? newline + 1 : end;
        while (line.length && strchr(" \t\r", line.data[line.length - 1]))
            line.length--;
        while (line.length && (*line.data == ' ' || *line.data == '\t'))
            line = (struct tcore_slice){line.data + 1, line.length - 1};
        if (line.length)
            read(job, line);
    }
}

/* byte: which one of the document is bad; 0: it is bad as a whole. */
static void reject_document(struct import_job *job, uint64_t byte)
{
    struct tcore_slice text = {job->text, job->length};
    if (!byte) {
        import_reject_bytes(job, text, text.data);
        return;
    }
    struct import_reject reject = place_of(job, byte - 1);
    reject.text = text;
    add_reject(job, reject);
}

void import_count_times(struct import_job *job, int64_t start_ns, int64_t end_ns)
{
    struct import_counts *counts = &job->result->counts;
    counts->untimed += !start_ns || !end_ns;
    counts->negative += start_ns && end_ns && end_ns < start_ns;
}

void import_ignored(struct import_job *job, const char *name, size_t length)
{
    struct import_result *result = job->result;
    if (!result->counts.ignored++)
        snprintf(result->ignored_name, sizeof(result->ignored_name), "%.*s",
                 (int)(length < 63 ? length : 63), name);
}

/* A native record says what it is; it may have any other members. */
static bool names_its_type(const struct tcore_json *json)
{
    uint32_t i = tcore_json_find(json, 0, "type");
    const struct tcore_value *type = &json->node[i].value;
    return i && type->kind == TCORE_STRING &&
           tcore_record_type_find(type->s, type->len) != TCORE_RECORD_OTHER;
}

/* A record of a type that a later version may know, if such are forwarded. */
static bool is_forwarded(const struct import_job *job)
{
    return job->forwarded >> TCORE_RECORD_OTHER & 1 &&
           tcore_record_type_of(&job->json) == TCORE_RECORD_OTHER;
}

static bool probe(const struct import_format *format, const struct tcore_json *json)
{
    return format->probe && format->probe(json);
}

/* The format of a list whose elements do not say it. */
static const struct import_format *format_of_list(const struct import_job *job)
{
    for (const struct import_format *const *f = import_formats; job->list && *f; f++)
        if (job->list->format && strcmp((*f)->name, job->list->format) == 0)
            return *f;
    return NULL;
}

static const struct import_format *recognise(struct import_job *job)
{
    const struct import_format *of_list = format_of_list(job);
    if (job->only) {
        bool known = of_list == job->only || probe(job->only, &job->json) ||
                     (job->only == &import_native && is_forwarded(job));
        return known ? job->only : NULL;
    }
    if (of_list)
        return of_list;
    if (names_its_type(&job->json))
        return &import_native;
    if (job->last && job->last->probe(&job->json))
        return job->last;
    for (const struct import_format *const *f = import_formats; *f; f++)
        if (probe(*f, &job->json))
            return *f;
    return is_forwarded(job) ? &import_native : NULL;
}

static void set_text(struct import_job *job, const char *text, size_t length, uint64_t line,
                     uint64_t byte)
{
    job->text = text;
    job->length = length;
    job->line = job->known_line = line;
    job->byte = byte;
    job->known_offset = job->known_line_start = 0;
}

void import_set_unit(struct import_job *job, const struct import_chunk *chunk,
                     const struct import_unit *unit)
{
    job->list = unit->list;
    job->cut = unit->cut;
    job->heading = (struct tcore_slice){chunk->heading.data, chunk->heading.length};
    job->wire = chunk->format && chunk->format->input == IMPORT_BYTES;
    job->readable = chunk->text.data + chunk->text.length;
    set_text(job, chunk->text.data + unit->offset, unit->length, unit->line, unit->byte);
}

/* Parses the text and finds its format, or NULL. Where OTLP came before, elements that are known by
 * sight are taken; no other format looks for these. */
static enum tcore_status parse(struct import_job *job, const struct import_format **format,
                               struct tcore_error *err)
{
    *format = NULL;
    if (job->last == &import_otlp_json && !job->forms)
        job->forms = form_table_new("spans", job->patience);
    job->looks = job->last == &import_otlp_json && job->forms;
    if (job->looks)
        form_table_begin(job->forms, &job->json, job->text, job->length, job->readable);
    enum tcore_status status = tcore_json_parse(&job->json, job->text, job->length, err);
    job->json.taker = NULL;
    if (status == TCORE_OK)
        *format = recognise(job);
    if (status != TCORE_OK || !job->json.taken || *format == &import_otlp_json)
        return status;
    job->looks = false;
    status = tcore_json_parse(&job->json, job->text, job->length, err);
    *format = status == TCORE_OK ? recognise(job) : NULL;
    return status;
}

static void convert_known(struct import_job *job, const struct import_format *format)
{
    job->last = format;
    job->result->documents++;
    if (format->gatherer)
        job->result->holder = format->gatherer;
    format->convert(job);
}

/* One element of a broken document, as if it were alone; *good: it is of a known format. */
static enum tcore_status convert_element(struct import_job *job, bool *good,
                                         struct tcore_error *err)
{
    const struct import_format *format;
    enum tcore_status status = parse(job, &format, err);
    if (status != TCORE_OK && status != TCORE_SKIP)
        return status;
    *good = format;
    if (format) {
        convert_known(job, format);
        return TCORE_OK;
    }
    import_bad(job, "%s",
               status == TCORE_OK ? "an element of no format that import knows" : err->text);
    reject_document(job, status == TCORE_OK ? 0 : err->byte);
    return TCORE_OK;
}

static enum tcore_status convert_elements(struct import_job *job, struct import_elements *elements,
                                          bool *any, struct tcore_error *err)
{
    uint64_t line = job->line, byte = job->byte;
    const char *place = job->text, *text;
    size_t length;
    while (import_elements_next(elements, &text, &length)) {
        bool good;
        for (; place < text; place++) {
            line += *place == '\n';
            byte = *place == '\n' ? 1 : byte + 1;
        }
        set_text(job, text, length, line, byte);
        enum tcore_status status = convert_element(job, &good, err);
        if (status != TCORE_OK)
            return status;
        *any |= good;
    }
    return TCORE_OK;
}

/* A document that is no valid JSON, as err says, loses the elements of its list that are none. If
 * no element is good, or the settings want that, it is lost as a whole. */
static enum tcore_status convert_broken(struct import_job *job, const struct tcore_error *syntax,
                                        struct tcore_error *err)
{
    const char *text = job->text, *end = text + job->length;
    size_t rejects = job->result->reject_count;
    uint64_t line = job->line, byte = job->byte;
    const struct import_list_name *part_of = job->list;
    struct import_list list;
    enum tcore_status status = TCORE_OK;
    bool any = false, legal = false;
    if (!job->settings->whole && import_list_find(text, job->length, &list)) {
        struct import_elements elements = {.at = text + list.open + 1, .end = end, .clean = true};
        if (*list.name->name)
            job->list = list.name;
        status = convert_elements(job, &elements, &any, err);
        legal = elements.clean && !elements.closed && job->last && job->last->open_ended;
    }
    set_text(job, text, (size_t)(end - text), line, byte);
    job->list = part_of;
    if (status != TCORE_OK || (any && (legal || job->result->reject_count > rejects)))
        return status;
    job->result->reject_count = rejects;
    import_bad(job, "%s", syntax->text);
    reject_document(job, syntax->byte);
    if (any)
        job->result->rejects[job->result->reject_count - 1].text.length = 0;
    return TCORE_OK;
}

/* Nothing but the end of a document that came in parts. */
static bool is_end(const struct import_job *job, const struct import_unit *unit)
{
    if (unit->part == PART_ELEMENTS && !unit->length)
        return true;
    return unit->part == PART_TAIL && unit->length == 1 && *job->text == '}';
}

/* TCORE_SKIP: the unit is a line that is no document. */
static enum tcore_status convert_unit(struct import_job *job, const struct import_unit *unit,
                                      struct tcore_error *err)
{
    if (is_end(job, unit))
        return TCORE_OK;
    const struct import_format *format;
    enum tcore_status status = parse(job, &format, err);
    if (status == TCORE_SKIP && unit->is_line)
        return status;
    if (status == TCORE_SKIP) {
        const struct tcore_error syntax = *err;
        return convert_broken(job, &syntax, err);
    }
    if (status != TCORE_OK)
        return status;
    bool rest = unit->part == PART_HEAD || unit->part == PART_TAIL;
    if (format) {
        convert_known(job, format);
    } else if (!rest) {
        import_bad(job, "this is not %s",
                   job->only ? job->only->summary : "of a format that import knows");
        reject_document(job, 0);
    }
    return TCORE_OK;
}

/* What was held of a document that is there as a whole. */
static void finish_held(struct import_job *job)
{
    struct tcore_buf *held = &job->result->held;
    const struct import_gatherer *gatherer = job->result->holder;
    job->failed |= held->failed;
    if (!held->length || job->failed)
        return;
    void *gathered = gatherer->open();
    if (gathered && gatherer->add(gathered, held))
        gatherer->finish(gathered, job);
    else
        job->failed = true;
    gatherer->close(gathered);
    tcore_buf_clear(held);
}

/* The documents of a line that is none by itself. */
static enum tcore_status convert_line(struct import_job *job, const struct import_chunk *chunk,
                                      const struct import_unit *line, struct tcore_error *err)
{
    const char *text = chunk->text.data + line->offset;
    struct import_split split = {0};
    struct import_unit unit;
    enum tcore_status status = TCORE_OK;
    import_split_line(&split, line);
    while (status == TCORE_OK && import_split_next(&split, text, line->length, true, &unit)) {
        unit.offset += line->offset;
        import_set_unit(job, chunk, &unit);
        status = convert_unit(job, &unit, err);
        finish_held(job);
    }
    return status;
}

static enum tcore_status convert_units(struct import_job *job, const struct import_chunk *chunk,
                                       struct tcore_error *err)
{
    for (size_t i = 0; i < chunk->count; i++) {
        const struct import_unit *unit = &chunk->units[i];
        import_set_unit(job, chunk, unit);
        job->result->ends |= unit->part != PART_WHOLE && unit->last;
        if (unit->too_long) {
            import_too_long(job->reason, sizeof(job->reason), chunk->limit);
            bool whole_line = unit->line && unit->byte == 1;
            add_reject(job, (struct import_reject){.line = unit->line,
                                                   .byte = whole_line ? 0 : unit->byte});
            continue;
        }
        enum tcore_status status = TCORE_OK;
        if (chunk->format)
            chunk->format->convert(job);
        else
            status = convert_unit(job, unit, err);
        if (status == TCORE_SKIP)
            status = convert_line(job, chunk, unit, err);
        if (status != TCORE_OK)
            return status;
        if (unit->part == PART_WHOLE)
            finish_held(job);
        if (import_blocks_at_once(job)) /* while the text is near */
            status = import_blocks_take(job, err);
        if (status != TCORE_OK)
            return status;
    }
    return TCORE_OK;
}

/* What was appended, and what is left of it when it was selected from. */
static enum tcore_status complete(struct import_job *job, struct import_result *result,
                                  struct tcore_error *err)
{
    if (job->failed || result->out.failed || result->reasons.failed || result->held.failed ||
        job->resource.failed || job->scope.failed)
        return tcore_error_nomem(err);
    if (job->strict && result->reject_count)
        result->out.length = result->rejects[0].out_length;
    enum tcore_status status =
        import_selector_apply(job->selector, &result->out, &result->left_out, err);
    result->where_reason = import_selector_reason(job->selector);
    if (status == TCORE_OK && job->writer)
        status = import_blocks_take(job, err);
    return status == TCORE_OK && job->writer ? import_blocks_finish(job, err) : status;
}

enum tcore_status import_convert(struct import_job *job, const struct import_chunk *chunk,
                                 struct import_result *result, struct tcore_error *err)
{
    result_clear(result);
    job->result = result;
    job->failed = false;
    if (chunk->clock)
        tcore_buf_printf(&result->out, "{\"type\":\"clock\",\"timeUnixNano\":\"%lld\"}\n",
                         (long long)chunk->clock_ns);
    enum tcore_status status =
        job->settings->map ? import_map_units(job, chunk, err) : convert_units(job, chunk, err);
    return status == TCORE_OK ? complete(job, result, err) : status;
}

static bool drain(struct import_job *job)
{
    struct import_result *result = job->result;
    struct tcore_error err = {0};
    enum tcore_status status = complete(job, result, &err);
    bool wanted = job->drain->write(job->drain->context, result, status, &err);
    result_clear(result);
    return wanted && status == TCORE_OK;
}

bool import_drain(struct import_job *job)
{
    return !job->drain || job->result->out.length < DRAIN_BYTES || drain(job);
}

bool import_finish(struct import_job *job, const struct import_gatherer *gatherer, void *gathered,
                   struct import_result *result, const struct import_drain *where)
{
    result_clear(result);
    job->result = result;
    job->failed = false;
    job->drain = where;
    gatherer->finish(gathered, job);
    bool wanted = drain(job);
    job->drain = NULL;
    return wanted;
}

/* Whether the text is of a known format, or one element of its list if it is no valid JSON. */
static bool recognise_text(struct import_job *job)
{
    struct tcore_error err;
    struct import_list list;
    enum tcore_status status = tcore_json_parse(&job->json, job->text, job->length, &err);
    if (status == TCORE_OK)
        return (job->found = recognise(job));
    if (status != TCORE_SKIP || !import_list_find(job->text, job->length, &list))
        return false;
    struct import_elements elements = {.at = job->text + list.open + 1,
                                       .end = job->text + job->length};
    if (*list.name->name)
        job->list = list.name;
    const char *text;
    size_t length;
    while (import_elements_next(&elements, &text, &length))
        if (tcore_json_parse(&job->json, text, length, &err) == TCORE_OK &&
            (job->found = recognise(job)))
            return true;
    return false;
}

/* The same of a line, document by document. */
static bool recognise_line(struct import_job *job, const struct import_chunk *chunk,
                           const struct import_unit *line)
{
    struct import_split split = {0};
    struct import_unit unit;
    import_split_line(&split, line);
    while (import_split_next(&split, chunk->text.data + line->offset, line->length, true, &unit)) {
        unit.offset += line->offset;
        import_set_unit(job, chunk, &unit);
        if (recognise_text(job))
            return true;
    }
    return false;
}

/* Formats that are not JSON say by converting whether there is anything of theirs. */
static bool converts(struct import_job *job, const struct import_chunk *chunk)
{
    struct import_result result = {0};
    struct tcore_binary_writer *writer = job->writer;
    struct import_chunk unit = *chunk; /* one after the other */
    struct tcore_error err;
    enum tcore_status status = TCORE_OK;
    job->result = &result;
    job->writer = NULL;
    unit.count = 1;
    for (size_t i = 0; i < chunk->count && !result.documents && status == TCORE_OK; i++) {
        unit.units = &chunk->units[i];
        status = convert_units(job, &unit, &err);
    }
    bool any = status == TCORE_OK && result.documents;
    job->found = chunk->format;
    job->writer = writer;
    import_result_free(&result);
    return any;
}

bool import_recognises(struct import_job *job, const struct import_chunk *chunk)
{
    job->found = NULL;
    if (job->settings->map) /* takes anything */
        return true;
    if (chunk->format)
        return converts(job, chunk);
    for (size_t i = 0; i < chunk->count; i++) {
        const struct import_unit *unit = &chunk->units[i];
        import_set_unit(job, chunk, unit);
        if (unit->is_line ? recognise_line(job, chunk, unit)
                          : !unit->too_long && recognise_text(job))
            return true;
    }
    return false;
}
