/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A span's text with its threshold, and the reason, put in: the rest of the line stays byte for
 * byte as it was.
 */
#include <config.h>

#include "span/sample.h"

#include "model/canonical.h"

#include <string.h>

void sample_annotator_free(struct sample_annotator *a)
{
    tcore_json_free(&a->json);
    tcore_buf_free(&a->state);
    tcore_buf_free(&a->value);
    tcore_buf_free(&a->text);
}

/* Text in place of so many bytes of the record. */
struct edit {
    size_t at, removed;
    const char *before; /* in front of the text */
    struct tcore_slice text;
    const char *behind;
};

static bool is_inside(struct tcore_slice record, const struct tcore_value *value)
{
    return value->s > record.data && value->s + value->len < record.data + record.length;
}

/* In place of the value at the index, if it is a string as the record has it. */
static bool replace_string(const struct sample_annotator *a, struct tcore_slice record, uint32_t at,
                           struct edit *edit)
{
    const struct tcore_value *value = &a->json.node[at].value;
    if (value->kind != TCORE_STRING || !is_inside(record, value))
        return false;
    edit->at = (size_t)(value->s - record.data) - 1;
    edit->removed = (size_t)value->len + 2;
    edit->before = edit->behind = "";
    return true;
}

/* What cannot be replaced is put behind the other members: the last one of a name counts. */
static void append_member(struct tcore_slice record, const char *before, const char *behind,
                          struct edit *edit)
{
    edit->at = record.length - 1;
    edit->removed = 0;
    edit->before = before;
    edit->behind = behind;
}

/* False: the record has a second member of that name now. */
static bool edit_state(const struct sample_annotator *a, struct tcore_slice record, bool parsed,
                       struct edit *edit)
{
    uint32_t at = parsed ? tcore_json_find(&a->json, 0, "traceState") : 0;
    edit->text = (struct tcore_slice){a->value.data, a->value.length};
    if (at && replace_string(a, record, at, edit))
        return true;
    append_member(record, ",\"traceState\":", "", edit);
    return !at;
}

static bool edit_reason(const struct sample_annotator *a, struct tcore_slice record,
                        const char *reason, struct edit *edit)
{
    uint32_t attributes = tcore_json_find(&a->json, 0, "attributes");
    edit->text = (struct tcore_slice){reason, strlen(reason)};
    if (!attributes || !tcore_json_is_object(&a->json.node[attributes])) {
        append_member(record, ",\"attributes\":{\"" SAMPLE_REASON "\":", "}", edit);
        return !attributes;
    }
    uint32_t at = tcore_json_find(&a->json, attributes, SAMPLE_REASON);
    if (at && replace_string(a, record, at, edit))
        return true;
    const struct tcore_json_node *node = &a->json.node[attributes];
    edit->at = (size_t)(node->value.s - record.data) + node->value.len - 1;
    edit->removed = 0;
    edit->before = node->count ? ",\"" SAMPLE_REASON "\":" : "\"" SAMPLE_REASON "\":";
    edit->behind = "";
    return !at;
}

static void apply(struct tcore_slice record, const struct edit *edits, size_t count,
                  struct tcore_buf *out)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        tcore_buf_append(out, record.data + done, edits[i].at - done);
        tcore_buf_puts(out, edits[i].before);
        tcore_buf_append(out, edits[i].text.data, edits[i].text.length);
        tcore_buf_puts(out, edits[i].behind);
        done = edits[i].at + edits[i].removed;
    }
    tcore_buf_append(out, record.data + done, record.length - done);
}

/* Members that came twice become one, which takes the record's layout. */
static enum tcore_status unite(struct sample_annotator *a, struct tcore_buf *out,
                               struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(&a->json, a->text.data, a->text.length, err);
    if (status == TCORE_OK)
        status = tcore_record_canonical(&a->json, false, out, NULL, err);
    if (status == TCORE_SKIP)
        tcore_buf_append(out, a->text.data, a->text.length);
    return status == TCORE_SKIP ? TCORE_OK : status;
}

enum tcore_status sample_annotate(struct sample_annotator *a, struct tcore_slice record,
                                  struct tcore_slice state, bool set_threshold, uint64_t threshold,
                                  const char *reason, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    struct edit edits[2];
    size_t count = 0;
    bool parsed = false, once = true;
    enum tcore_status status = TCORE_OK;
    if (reason || (set_threshold && state.length)) {
        status = tcore_json_parse(&a->json, record.data, record.length, err);
        if (status == TCORE_FATAL)
            return status;
        parsed = status == TCORE_OK;
    }
    if (set_threshold) {
        tcore_buf_clear(&a->state);
        tcore_buf_clear(&a->value);
        tcore_trace_state_write(&a->state, &state, threshold);
        if (tcore_buf_status(&a->state, err) != TCORE_OK)
            return TCORE_FATAL;
        tcore_json_write_string(&a->value, a->state.data, a->state.length);
        if (tcore_buf_status(&a->value, err) != TCORE_OK)
            return TCORE_FATAL;
        once &= edit_state(a, record, parsed, &edits[count++]);
    }
    if (reason && parsed)
        once &= edit_reason(a, record, reason, &edits[count++]);
    if (count == 2 && edits[1].at < edits[0].at) {
        struct edit first = edits[1];
        edits[1] = edits[0];
        edits[0] = first;
    }
    tcore_buf_clear(&a->text);
    apply(record, edits, count, once ? out : &a->text);
    if (!once)
        status = tcore_buf_status(&a->text, err);
    if (!once && status == TCORE_OK)
        status = unite(a, out, err);
    tcore_buf_putc(out, '\n');
    return status == TCORE_FATAL ? status : tcore_buf_status(out, err);
}
