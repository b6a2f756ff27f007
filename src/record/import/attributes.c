/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of attributes that belongs to the job, so that its memory serves for all of them. */
#include <config.h>

#include "record/import/attributes.h"

#include "base/sys.h"
#include "model/number.h"

/* More attributes than this are looked up in a hash table to find duplicates. */
enum { FEW = 16 };

struct import_attribute {
    struct tcore_slice key;
    uint32_t node;
    uint8_t form;
    bool replaced; /* by a later one */
};

static bool put_boolean(struct tcore_buf *out, const struct tcore_value *v)
{
    bool yes = v->kind == TCORE_STRING && v->len == 4 && memcmp(v->s, "true", 4) == 0;
    bool no = v->kind == TCORE_STRING && v->len == 5 && memcmp(v->s, "false", 5) == 0;
    if (yes || no)
        tcore_buf_puts(out, yes ? "true" : "false");
    return yes || no;
}

static bool put_double(const struct import_job *job, struct tcore_buf *out, uint32_t node)
{
    const struct tcore_value *v = import_value(job, node);
    double d;
    bool number = v->kind == TCORE_INT || v->kind == TCORE_NUMBER ||
                  (v->kind == TCORE_STRING && tcore_parse_double(v->s, v->len, &d));
    return number && import_put_double(job, out, node, NULL);
}

static bool put_bytes(const struct import_job *job, struct tcore_buf *out, uint32_t node)
{
    const struct tcore_value *v = import_value(job, node);
    if (v->kind != TCORE_STRING)
        return false;
    PUT(out, "{\"bytesValue\":");
    import_put_string(job, out, v);
    tcore_buf_putc(out, '}');
    return true;
}

static bool put_form(const struct import_job *job, struct tcore_buf *out, uint32_t node,
                     enum import_form form)
{
    switch (form) {
    case IMPORT_INTEGER:
        return import_put_integer(job, out, node);
    case IMPORT_DOUBLE:
        return put_double(job, out, node);
    case IMPORT_BOOLEAN:
        return put_boolean(out, import_value(job, node));
    case IMPORT_BINARY:
        return put_bytes(job, out, node);
    default:
        return false;
    }
}

void import_put_value(struct import_job *job, struct tcore_buf *out, uint32_t node,
                      enum import_form form)
{
    if (put_form(job, out, node, form))
        return;
    if (import_value(job, node)->kind == TCORE_STRING)
        import_put_string(job, out, import_value(job, node));
    else
        tcore_json_write_tree(out, &job->json, node);
}

void import_attributes_clear(struct import_job *job)
{
    job->attribute_count = 0;
}

void import_attributes_add(struct import_job *job, struct tcore_slice key, uint32_t node,
                           enum import_form form)
{
    if (job->attribute_count == job->attribute_capacity) {
        size_t capacity = job->attribute_capacity ? 2 * job->attribute_capacity : 64;
        void *more = tcore_reallocarray(job->attribute, capacity, sizeof(*job->attribute));
        if (!more) {
            job->failed = true;
            return;
        }
        job->attribute = more;
        job->attribute_capacity = capacity;
    }
    job->attribute[job->attribute_count++] =
        (struct import_attribute){.key = key, .node = node, .form = (uint8_t)form};
}

static bool is_same(struct tcore_slice a, struct tcore_slice b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

void import_attributes_add_new(struct import_job *job, const char *key, uint32_t node,
                               enum import_form form)
{
    struct tcore_slice name = {key, strlen(key)};
    for (size_t i = 0; i < job->attribute_count; i++)
        if (is_same(job->attribute[i].key, name))
            return;
    import_attributes_add(job, name, node, form);
}

static bool comes_again(const struct import_job *job, size_t i)
{
    for (size_t j = i + 1; j < job->attribute_count; j++)
        if (is_same(job->attribute[i].key, job->attribute[j].key))
            return true;
    return false;
}

/* Marks those that a later one replaces. */
static void mark_replaced(struct import_job *job)
{
    bool many = job->attribute_count > FEW;
    if (many)
        tcore_map_clear(&job->keys);
    for (size_t i = job->attribute_count; i-- > 0;) {
        struct import_attribute *a = &job->attribute[i];
        bool added = true;
        if (many)
            job->failed |=
                tcore_map_intern(&job->keys, a->key.data, a->key.length, &added) == TCORE_MAP_NONE;
        else
            added = !comes_again(job, i);
        a->replaced = !added;
        job->result->counts.replaced += !added;
    }
}

void import_attributes_put(struct import_job *job, struct tcore_buf *out, const char *label)
{
    if (!job->attribute_count)
        return;
    mark_replaced(job);
    tcore_buf_puts(out, label);
    char before = '{';
    for (size_t i = 0; i < job->attribute_count; i++) {
        const struct import_attribute *a = &job->attribute[i];
        if (a->replaced)
            continue;
        tcore_buf_putc(out, before);
        before = ',';
        tcore_json_write_string(out, a->key.data, a->key.length);
        tcore_buf_putc(out, ':');
        import_put_value(job, out, a->node, a->form);
    }
    tcore_buf_putc(out, '}');
}
