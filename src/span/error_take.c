/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace's errors: first each is found and given its group, then what began what, then all of it
 * is counted. */
#include <config.h>

#include "span/error_groups.h"

#include "base/sys.h"

#include <inttypes.h>

#define EXAMPLE_MOST 500 /* bytes of a message that is shown */

/* The logs of the trace at hand. */
struct trace_logs {
    struct error_log *log;
    size_t count;
};

static bool has_failed(const struct trace_build *build, uint32_t span)
{
    return build->spans[span].flags & TCORE_SPAN_ERROR;
}

static bool is_first_of_id(const struct trace_build *build, uint32_t span)
{
    return !(build->tree.notes[span] & (TCORE_NOTE_DUPLICATE | TCORE_NOTE_SHARED));
}

/* --- Each error */

/* What a log says that its span does not. */
static void add_log(struct error_detail *detail, const struct error_detail *log)
{
    if (log->exception && !detail->exception) {
        detail->type = log->type.data ? log->type : detail->type;
        detail->stack = log->stack;
        detail->exception = true;
    }
    if (!detail->type.data)
        detail->type = log->type;
    if (!detail->message.data)
        detail->message = log->message;
}

/* Reads the logs of a span into detail: the first that tells of an exception, else the first. What
 * the span says of an exception itself is enough. */
static enum tcore_status read_logs(struct error_groups *groups, struct error_log *log, size_t count,
                                   struct error_detail *of_log, struct error_detail *detail,
                                   struct tcore_error *err)
{
    for (size_t i = 0; i < count; i++)
        log[i].taken = true;
    if (detail->exception)
        return TCORE_OK;
    for (size_t i = 0; i <= count; i++) {
        const struct error_log *one = &log[i < count ? i : 0];
        enum tcore_status status = tcore_json_parse(&groups->log_json, one->text, one->length, err);
        if (status == TCORE_FATAL)
            return status;
        *of_log = (struct error_detail){0};
        if (status == TCORE_OK)
            error_detail_read(&groups->log_json, of_log);
        if (of_log->exception)
            break;
    }
    add_log(detail, of_log);
    return TCORE_OK;
}

static enum tcore_status reserve_found(struct error_groups *groups, struct tcore_error *err)
{
    if (groups->found_count < groups->found_capacity)
        return TCORE_OK;
    size_t n = groups->found_capacity ? groups->found_capacity * 2 : 64;
    void *found = tcore_reallocarray(groups->found, n, sizeof *groups->found);
    if (!found)
        return tcore_error_nomem(err);
    groups->found = found;
    groups->found_capacity = n;
    return TCORE_OK;
}

static enum tcore_status list_stack(struct error_groups *groups, uint32_t group,
                                    struct tcore_slice stack, struct tcore_error *err)
{
    struct tcore_buf *text = &groups->text, frame = {0};
    uint64_t fingerprint = stack.data ? error_stack_fingerprint(stack, &frame) : 0;
    enum tcore_status status = TCORE_OK;
    if (fingerprint) {
        tcore_buf_clear(text);
        tcore_buf_printf(text, "{\"fingerprint\":\"%016" PRIx64 "\",\"frame\":", fingerprint);
        tcore_json_write_string(text, frame.data, frame.length);
        tcore_buf_putc(text, '}');
        status = tcore_buf_status(text, err);
    }
    if (fingerprint && status == TCORE_OK)
        status = error_groups_list(groups, group, ERROR_STACKS,
                                   (struct tcore_slice){text->data, text->length}, 1, err);
    tcore_buf_free(&frame);
    return status;
}

/* Notes an error with its group; what it has besides is set by the caller. */
static enum tcore_status add_found(struct error_groups *groups, const struct error_source *source,
                                   struct error_found *found, struct tcore_error *err)
{
    struct tcore_slice message = source->detail->message;
    enum tcore_status status = reserve_found(groups, err);
    if (status == TCORE_OK)
        status = error_key_write(groups, source, err);
    if (status == TCORE_OK)
        status =
            error_groups_find(groups, (struct tcore_slice){groups->text.data, groups->text.length},
                              &found->group, err);
    if (status == TCORE_OK)
        status = list_stack(groups, found->group, source->detail->stack, err);
    if (status != TCORE_OK)
        return status;
    found->message = groups->messages.length;
    found->message_length = message.length;
    found->type_length = source->detail->type.length;
    tcore_buf_append(&groups->messages, message.data, message.length);
    tcore_buf_append(&groups->messages, source->detail->type.data, found->type_length);
    groups->found[groups->found_count++] = *found;
    return tcore_buf_status(&groups->messages, err);
}

/* When a span failed: at its exception, else at its end. */
static int64_t error_time(const struct trace_build *build, uint32_t span,
                          const struct error_detail *detail)
{
    if (detail->has_time)
        return detail->time_ns;
    const struct tcore_trace_span *known = &build->spans[span];
    return known->flags & TCORE_SPAN_HAS_END     ? known->end_ns
           : known->flags & TCORE_SPAN_HAS_START ? known->start_ns
                                                 : INT64_MAX;
}

/* Looks at a span, and the logs that are about it. */
static enum tcore_status look_at(struct error_groups *groups, const struct trace_build *build,
                                 uint32_t span, const struct trace_logs *logs,
                                 struct tcore_error *err)
{
    const struct tcore_stored_text *row = build->rows[span];
    struct error_detail detail = {0}, of_log;
    size_t about = 0;
    struct error_log *log =
        logs->count && is_first_of_id(build, span)
            ? error_logs_of_span(logs->log, logs->count, build->spans[span].span_id, &about)
            : NULL;
    if (!has_failed(build, span) && !row->text && !log)
        return TCORE_OK;
    bool parsed = false;
    enum tcore_status status = TCORE_OK;
    if (row->text) {
        status = tcore_json_parse(&groups->json, row->text, row->text_length, err);
        if (status == TCORE_FATAL)
            return status;
        parsed = status == TCORE_OK;
        if (parsed)
            error_detail_read(&groups->json, &detail);
    }
    status = log ? read_logs(groups, log, about, &of_log, &detail, err) : TCORE_OK;
    if (status != TCORE_OK || (!has_failed(build, span) && !detail.exception && !log))
        return status;
    struct error_source source = {.record = parsed ? &groups->json
                                            : log  ? &groups->log_json
                                                   : NULL,
                                  .detail = &detail,
                                  .service = trace_build_service(build, span),
                                  .name = trace_build_name(build, span)};
    struct error_found found = {.span = span,
                                .span_id = build->spans[span].span_id,
                                .logs = about,
                                .time_ns = error_time(build, span, &detail)};
    return add_found(groups, &source, &found, err);
}

static struct tcore_slice string_at(const struct tcore_json *json, uint32_t object, const char *key)
{
    uint32_t at = tcore_json_find(json, object, key);
    if (!at || json->node[at].value.kind != TCORE_STRING)
        return (struct tcore_slice){0};
    return (struct tcore_slice){json->node[at].value.s, json->node[at].value.len};
}

/* A log that is about no span that is there. */
static enum tcore_status look_at_log(struct error_groups *groups, struct error_log *log,
                                     struct tcore_error *err)
{
    struct error_detail detail;
    struct tcore_json *json = &groups->log_json;
    enum tcore_status status = tcore_json_parse(json, log->text, log->length, err);
    log->taken = true;
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    error_detail_read(json, &detail);
    struct error_source source = {
        .record = json, .detail = &detail, .service = string_at(json, 0, "service")};
    uint32_t resource = source.service.data ? 0 : tcore_json_find(json, 0, "resource");
    if (resource)
        source.service = string_at(json, resource, "service.name");
    struct error_found found = {
        .span = TCORE_SPAN_NONE, .span_id = log->span_id, .logs = 1, .time_ns = log->time_ns};
    return add_found(groups, &source, &found, err);
}

/* --- Counting */

static enum tcore_status offer(struct error_groups *groups, const struct error_found *found,
                               const uint64_t trace_id[2], bool caused, struct tcore_error *err)
{
    struct error_example example = {.trace_id = {trace_id[0], trace_id[1]},
                                    .span_id = found->span_id,
                                    .time_ns = found->time_ns,
                                    .caused = caused};
    if (found->message_length) {
        const char *text = groups->messages.data + found->message;
        size_t length = found->message_length;
        if (length > EXAMPLE_MOST)
            for (length = EXAMPLE_MOST; length && ((unsigned char)text[length] & 0xc0) == 0x80;)
                length--;
        example.message = (struct tcore_slice){text, length};
    }
    return error_groups_offer(groups, &groups->group[found->group], &example, err);
}

static enum tcore_status count_found(struct error_groups *groups, const struct error_found *found,
                                     const uint64_t trace_id[2], enum error_role role,
                                     struct tcore_error *err)
{
    struct error_group *group = &groups->group[found->group];
    group->count++;
    group->logs += found->logs;
    group->causes += role == ERROR_CAUSE;
    group->propagated += role == ERROR_PROPAGATED;
    group->further += role == ERROR_FURTHER;
    group->recovered += role == ERROR_RECOVERED;
    group->handled += role == ERROR_NONE;
    group->traces += group->mark != groups->serial;
    group->mark = groups->serial;
    if (found->time_ns != INT64_MAX) {
        group->first_ns = found->time_ns < group->first_ns ? found->time_ns : group->first_ns;
        group->last_ns = found->time_ns > group->last_ns ? found->time_ns : group->last_ns;
    }
    return offer(groups, found, trace_id, role == ERROR_CAUSE, err);
}

/* Counts a span's operation in a list. */
static enum tcore_status list_operation(struct error_groups *groups,
                                        const struct trace_build *build, uint32_t group,
                                        enum error_list list, uint32_t span,
                                        struct tcore_error *err)
{
    tcore_buf_clear(&groups->text);
    error_key_put_operation(&groups->text, trace_build_service(build, span),
                            trace_build_name(build, span));
    if (tcore_buf_status(&groups->text, err) != TCORE_OK)
        return TCORE_FATAL;
    return error_groups_list(groups, group, list,
                             (struct tcore_slice){groups->text.data, groups->text.length}, 1, err);
}

static enum tcore_status count_chain(struct error_groups *groups, const struct trace_build *build,
                                     uint32_t i, struct tcore_error *err)
{
    const struct error_chain *chain = &groups->causes.chains[i];
    uint32_t number = groups->group_of[chain->cause];
    struct error_group *group = &groups->group[number];
    int64_t ns;
    if (chain->outermost && trace_build_duration(build, chain->top, &ns))
        group->lost_ns = add_ns(group->lost_ns, ns);
    if (i == groups->causes.first)
        group->failed_traces++;
    if (chain->entry)
        return list_operation(groups, build, number, ERROR_ROOTS, chain->top, err);
    if (!chain->recovered)
        return list_operation(groups, build, number, ERROR_SWALLOWED_BY, chain->caller, err);
    return TCORE_OK;
}

static enum tcore_status count_all(struct error_groups *groups, const struct trace_build *build,
                                   struct tcore_error *err)
{
    const struct error_causes *causes = &groups->causes;
    const uint64_t *trace_id = build->trace->spans[0]->trace_id;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < groups->found_count && status == TCORE_OK; i++) {
        const struct error_found *found = &groups->found[i];
        enum error_role role = found->span == TCORE_SPAN_NONE
                                   ? ERROR_NONE
                                   : (enum error_role)causes->role[found->span];
        status = count_found(groups, found, trace_id, role, err);
        if (status == TCORE_OK && role == ERROR_PROPAGATED)
            status = list_operation(groups, build, found->group, ERROR_CAUSED_BY,
                                    causes->cause[found->span], err);
    }
    for (uint32_t i = 0; i < causes->chain_count && status == TCORE_OK; i++)
        status = count_chain(groups, build, i, err);
    return status;
}

/* --- A trace */

static enum tcore_status prepare(struct error_groups *groups, const struct trace_build *build,
                                 struct tcore_error *err)
{
    groups->found_count = 0;
    tcore_buf_clear(&groups->messages);
    if (build->tree.count > groups->span_capacity) {
        tcore_free(groups->group_of);
        groups->group_of = tcore_reallocarray(NULL, build->tree.count, sizeof *groups->group_of);
        groups->span_capacity = groups->group_of ? build->tree.count : 0;
        if (!groups->group_of)
            return tcore_error_nomem(err);
    }
    return error_causes_reserve(&groups->causes, build, err);
}

/* What the search for causes wants to know of what was found. */
static void tell(struct error_groups *groups)
{
    for (size_t i = 0; i < groups->found_count; i++) {
        const struct error_found *found = &groups->found[i];
        if (found->span == TCORE_SPAN_NONE)
            continue;
        groups->group_of[found->span] = found->group;
        const char *text = groups->messages.data + found->message;
        groups->causes.known[found->span] = (struct error_known){
            .message = {found->message_length ? text : NULL, found->message_length},
            .type = {text + found->message_length, found->type_length},
            .time_ns = found->time_ns};
    }
}

static bool has_text(const struct trace_build *build)
{
    for (uint32_t i = 0; i < build->tree.count; i++)
        if (build->rows[i]->text)
            return true;
    return false;
}

enum tcore_status error_groups_take(struct error_groups *groups, const struct trace_build *build,
                                    const struct error_logs *logs, struct tcore_error *err)
{
    struct trace_logs of_trace = {0};
    groups->traces++;
    groups->serial++;
    of_trace.log = error_logs_of_trace(logs, build->trace->spans[0]->trace_id, &of_trace.count);
    if (!build->trace->errors && !of_trace.count && !has_text(build))
        return TCORE_OK;
    enum tcore_status status = prepare(groups, build, err);
    for (uint32_t i = 0; i < build->tree.count && status == TCORE_OK; i++)
        status = look_at(groups, build, i, &of_trace, err);
    for (size_t i = 0; i < of_trace.count && status == TCORE_OK; i++)
        if (!of_trace.log[i].taken)
            status = look_at_log(groups, &of_trace.log[i], err);
    if (status != TCORE_OK)
        return status;
    tell(groups);
    status = error_causes_find(&groups->causes, build, err);
    return status ? status : count_all(groups, build, err);
}

enum tcore_status error_groups_take_strays(struct error_groups *groups,
                                           const struct error_logs *logs, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < logs->count && status == TCORE_OK; i++) {
        struct error_log *log = &logs->log[i];
        if (log->taken)
            continue;
        bool same = i && logs->log[i - 1].trace_id[0] == log->trace_id[0] &&
                    logs->log[i - 1].trace_id[1] == log->trace_id[1];
        groups->traces += !same;
        groups->serial += !same;
        groups->found_count = 0;
        tcore_buf_clear(&groups->messages);
        status = look_at_log(groups, log, err);
        if (status == TCORE_OK && groups->found_count)
            status = count_found(groups, &groups->found[0], log->trace_id, ERROR_NONE, err);
    }
    return status;
}
