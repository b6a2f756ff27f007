/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/antipattern/findings.h"

#include "base/sys.h"
#include "span/trace_build.h"

/* What tells findings apart; behind it come service, name and operation. */
struct finding_key {
    uint64_t trace_id[2]; /* 0: of all traces */
    uint32_t pattern;
    uint32_t service, name, operation; /* bytes; UINT32_MAX: does not apply */
};

enum tcore_status findings_open(struct findings *findings, bool per_trace, struct tcore_error *err)
{
    *findings = (struct findings){.per_trace = per_trace};
    return tcore_map_init(&findings->keys) == 0
               ? TCORE_OK
               : tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
}

void findings_close(struct findings *findings)
{
    tcore_free(findings->finding);
    tcore_map_free(&findings->keys);
    tcore_buf_free(&findings->key);
}

static uint32_t put_part(struct tcore_buf *key, struct tcore_slice text)
{
    if (!text.data)
        return UINT32_MAX;
    tcore_buf_append(key, text.data, text.length);
    return (uint32_t)text.length;
}

static struct tcore_slice take_part(const char **at, uint32_t length)
{
    if (length == UINT32_MAX)
        return (struct tcore_slice){0};
    struct tcore_slice part = {*at, length};
    *at += length;
    return part;
}

/* Texts of an occurrence, where the map keeps them. */
static void refer(struct occurrence *occurrence, const struct tcore_map_key *key)
{
    struct finding_key parts;
    const char *at = key->data + sizeof parts;
    memcpy(&parts, key->data, sizeof parts);
    occurrence->service = take_part(&at, parts.service);
    occurrence->name = take_part(&at, parts.name);
    occurrence->operation = take_part(&at, parts.operation);
}

/* The number of the finding with the key; TCORE_MAP_NONE: no memory. */
static uint32_t find(struct findings *findings, const char *key, size_t length, bool *added)
{
    if (findings->keys.count == findings->capacity) {
        uint32_t capacity = findings->capacity ? 2 * findings->capacity : 64;
        void *grown = tcore_reallocarray(findings->finding, capacity, sizeof *findings->finding);
        if (!grown)
            return TCORE_MAP_NONE;
        findings->finding = grown;
        findings->capacity = capacity;
    }
    uint32_t number = tcore_map_intern(&findings->keys, key, length, added);
    if (number != TCORE_MAP_NONE && *added)
        findings->finding[number] = (struct finding){0};
    return number;
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* Whether a is worse than b, of one finding: an order of all occurrences. */
static bool is_worse(const struct occurrence *a, const struct occurrence *b)
{
    if (a->saving_ns != b->saving_ns)
        return a->saving_ns > b->saving_ns;
    if (magnitude(a->value) != magnitude(b->value))
        return magnitude(a->value) > magnitude(b->value);
    if (a->took_ns != b->took_ns)
        return a->took_ns > b->took_ns;
    if (a->trace_id[0] != b->trace_id[0])
        return a->trace_id[0] < b->trace_id[0];
    if (a->trace_id[1] != b->trace_id[1])
        return a->trace_id[1] < b->trace_id[1];
    return a->evidence_count && b->evidence_count && a->evidence[0] < b->evidence[0];
}

static void make_key(struct findings *findings, const struct occurrence *occurrence)
{
    struct finding_key parts = {.pattern = occurrence->pattern};
    tcore_buf_clear(&findings->key);
    if (findings->per_trace)
        memcpy(parts.trace_id, occurrence->trace_id, sizeof parts.trace_id);
    tcore_buf_append(&findings->key, &parts, sizeof parts);
    parts.service = put_part(&findings->key, occurrence->service);
    parts.name = put_part(&findings->key, occurrence->name);
    parts.operation = put_part(&findings->key, occurrence->operation);
    if (!findings->key.failed)
        memcpy(findings->key.data, &parts, sizeof parts);
}

enum tcore_status findings_add(struct findings *findings, const struct occurrence *occurrence,
                               struct tcore_error *err)
{
    bool added;
    make_key(findings, occurrence);
    uint32_t number = findings->key.failed
                          ? TCORE_MAP_NONE
                          : find(findings, findings->key.data, findings->key.length, &added);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    struct finding *finding = &findings->finding[number];
    if (added || memcmp(finding->last_trace, occurrence->trace_id, sizeof finding->last_trace)) {
        memcpy(finding->last_trace, occurrence->trace_id, sizeof finding->last_trace);
        finding->trace_saving_ns = 0;
        finding->traces++;
        finding->traces_ns = add_ns(finding->traces_ns, occurrence->trace_ns);
    }
    /* two of one trace cannot save more than it took */
    int64_t left = occurrence->trace_ns - finding->trace_saving_ns;
    int64_t saving = occurrence->saving_ns < left ? occurrence->saving_ns : left;
    finding->trace_saving_ns += saving;
    finding->saving_ns = add_ns(finding->saving_ns, saving);
    finding->occurrences++;
    if (added || is_worse(occurrence, &finding->worst)) {
        finding->worst = *occurrence;
        refer(&finding->worst, &findings->keys.keys[number]);
    }
    return TCORE_OK;
}

enum tcore_status findings_merge(struct findings *into, const struct findings *from,
                                 struct tcore_error *err)
{
    for (uint32_t i = 0; i < from->keys.count; i++) {
        const struct tcore_map_key *key = &from->keys.keys[i];
        const struct finding *other = &from->finding[i];
        bool added;
        uint32_t number = find(into, key->data, key->length, &added);
        if (number == TCORE_MAP_NONE)
            return tcore_error_nomem(err);
        struct finding *finding = &into->finding[number];
        finding->occurrences += other->occurrences;
        finding->traces += other->traces;
        finding->saving_ns = add_ns(finding->saving_ns, other->saving_ns);
        finding->traces_ns = add_ns(finding->traces_ns, other->traces_ns);
        if (added || is_worse(&other->worst, &finding->worst)) {
            finding->worst = other->worst;
            refer(&finding->worst, &into->keys.keys[number]);
        }
    }
    return TCORE_OK;
}
