/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/skew/skew.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

/* What a span's resources say of its process: all values one behind the other. */
struct skew_key {
    const char *bytes;
    uint32_t length, service, span;
    uint32_t label, label_length; /* the part of them that people know it by */
    size_t at;                    /* in the buffer, while that grows */
};

/* Attributes of resources that tell processes of a service apart, the best name for people first.
 * Ids of processes are not among them: a server's workers share a clock. */
static const char *const instance_keys[] = {
    "service.instance.id", "host.name",    "hostname",         "host.id",     "k8s.pod.name",
    "container.id",        "ip",           "host.ip",          "net.host.ip", "k8s.pod.uid",
    "k8s.node.name",       "cloud.region", "service.namespace"};

#define LABELS 9 /* of them may be a name */

static void add_key(struct skew_processes *p, const struct tcore_json *json, struct skew_key *key)
{
    uint32_t resource = tcore_json_find(json, 0, "resource");
    if (!resource)
        return;
    for (size_t i = 0; i < sizeof instance_keys / sizeof *instance_keys; i++) {
        uint32_t at = tcore_json_find(json, resource, instance_keys[i]);
        size_t begin = p->keys.length;
        if (at && json->node[at].value.kind == TCORE_STRING)
            tcore_buf_append(&p->keys, json->node[at].value.s, json->node[at].value.len);
        else if (at)
            tcore_json_write_value(&p->keys, &json->node[at].value);
        if (!key->label_length && i < LABELS) {
            key->label = (uint32_t)(begin - key->at);
            key->label_length = (uint32_t)(p->keys.length - begin);
        }
        tcore_buf_putc(&p->keys, '\0');
    }
}

static enum tcore_status read_keys(struct skew_processes *p, const struct trace_build *build,
                                   struct tcore_error *err)
{
    tcore_buf_clear(&p->keys);
    for (uint32_t i = 0; i < build->tree.count; i++) {
        const struct tcore_stored_text *row = build->rows[i];
        p->key[i] =
            (struct skew_key){.service = build->spans[i].service, .span = i, .at = p->keys.length};
        enum tcore_status status = tcore_json_parse(&p->json, row->text, row->text_length, err);
        if (status == TCORE_FATAL)
            return status;
        if (status == TCORE_OK)
            add_key(p, &p->json, &p->key[i]);
        p->key[i].length = (uint32_t)(p->keys.length - p->key[i].at);
    }
    if (p->keys.failed)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < build->tree.count; i++)
        p->key[i].bytes = p->keys.data ? p->keys.data + p->key[i].at : "";
    return TCORE_OK;
}

static int compare_processes(const struct skew_key *x, const struct skew_key *y)
{
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return memcmp(x->bytes, y->bytes, x->length);
}

static int compare_keys(const void *a, const void *b)
{
    const struct skew_key *x = a, *y = b;
    int order = compare_processes(x, y);
    return order ? order : x->span < y->span ? -1 : x->span > y->span;
}

static bool reserve(struct skew_processes *p, uint32_t count)
{
    if (count <= p->capacity)
        return true;
    tcore_free(p->process);
    tcore_free(p->of_span);
    tcore_free(p->key);
    p->process = tcore_reallocarray(NULL, count, sizeof *p->process);
    p->of_span = tcore_reallocarray(NULL, count, sizeof *p->of_span);
    p->key = tcore_reallocarray(NULL, count, sizeof *p->key);
    p->capacity = p->process && p->of_span && p->key ? count : 0;
    return p->capacity;
}

/* The span as part of its process. members: of each span the place of its key; of_span: of the
 * first span of each run of keys, the process if that was met. */
static void meet(struct skew_processes *p, const struct trace_build *build, uint32_t span,
                 const struct skew_key *key, uint32_t *number)
{
    const struct tcore_trace_span *s = &build->spans[span];
    if (*number == TCORE_SPAN_NONE) {
        uint32_t parent = build->tree.parent[span];
        *number = p->count++;
        p->process[*number] = (struct skew_process){
            .span = span,
            .caller = parent == TCORE_SPAN_NONE ? parent : p->of_span[parent],
            .instance = {key->label_length ? key->bytes + key->label : NULL, key->label_length},
            .first_ns = INT64_MAX,
            .last_ns = INT64_MIN};
    }
    struct skew_process *process = &p->process[*number];
    p->of_span[span] = *number;
    process->spans++;
    for (int end = 0; end < 2; end++) {
        int64_t ns = end ? s->end_ns : s->start_ns;
        if (!(s->flags & (end ? TCORE_SPAN_HAS_END : TCORE_SPAN_HAS_START)))
            continue;
        process->first_ns = ns < process->first_ns ? ns : process->first_ns;
        process->last_ns = ns > process->last_ns ? ns : process->last_ns;
    }
}

/* Numbers processes in the order of the walk, from the root of the trace on. run: of each span the
 * first key like its own. */
static void number(struct skew_processes *p, const struct trace_build *build, const uint32_t *run,
                   uint32_t *numbers)
{
    const struct tcore_trace_tree *tree = &build->tree;
    uint32_t begin = 0;
    while (tree->order[begin] != tree->root)
        begin++;
    p->count = 0;
    for (uint32_t i = 0; i < tree->count; i++) {
        uint32_t span = tree->order[(begin + i) % tree->count];
        meet(p, build, span, &p->key[run[span]], &numbers[run[span]]);
    }
}

enum tcore_status skew_processes_find(struct skew_processes *p, const struct trace_build *build,
                                      struct tcore_error *err)
{
    uint32_t count = build->tree.count;
    if (!reserve(p, count))
        return tcore_error_nomem(err);
    enum tcore_status status = read_keys(p, build, err);
    if (status != TCORE_OK)
        return status;
    uint32_t *run = tcore_reallocarray(NULL, 2 * (size_t)count, sizeof *run);
    if (!run)
        return tcore_error_nomem(err);
    qsort(p->key, count, sizeof *p->key, compare_keys);
    for (uint32_t k = 0, first = 0; k < count; k++) {
        if (compare_processes(&p->key[first], &p->key[k]))
            first = k;
        run[p->key[k].span] = first;
        run[count + k] = TCORE_SPAN_NONE;
    }
    number(p, build, run, run + count);
    tcore_free(run);
    return TCORE_OK;
}

void skew_processes_free(struct skew_processes *p)
{
    tcore_free(p->process);
    tcore_free(p->of_span);
    tcore_free(p->key);
    tcore_json_free(&p->json);
    tcore_buf_free(&p->keys);
    *p = (struct skew_processes){0};
}
