/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zipkin's first version. Kind, times and local endpoint follow from annotations: cs and cr are the
 * client's, sr and ss the server's, ms and mr those of messages; each names the endpoint that made
 * it. Where a client's and a server's are in one span it is two with the same id, as in v2.
 */
#include <config.h>

#include "record/import/zipkin.h"

enum { NOTE_TIME, NOTE_VALUE, NOTE_ENDPOINT, NOTE_COUNT };
static const struct import_key note_names[NOTE_COUNT] = {
    IMPORT_KEY("timestamp"), IMPORT_KEY("value"), IMPORT_KEY("endpoint")};
static const struct import_keys note_keys = {note_names, NOTE_COUNT};

enum { BINARY_KEY, BINARY_VALUE, BINARY_TYPE, BINARY_ENDPOINT, BINARY_COUNT };
static const struct import_key binary_names[BINARY_COUNT] = {
    IMPORT_KEY("key"), IMPORT_KEY("value"), IMPORT_KEY("type"), IMPORT_KEY("endpoint")};
static const struct import_keys binary_keys = {binary_names, BINARY_COUNT};

/* Annotations that have a meaning: begin and end of a side. */
static const struct core {
    char name[3];
    uint8_t side, end;
} cores[] = {{"cs", 0, 0}, {"cr", 0, 1}, {"sr", 1, 0}, {"ss", 1, 1}, {"ms", 2, 0}, {"mr", 3, 0}};

enum { CLIENT, SERVER, PRODUCER, CONSUMER, SIDES };
static const uint8_t kinds[SIDES] = {3, 2, 4, 5}; /* numbers of import_span_kind */

/* What is known of one side of the span. */
struct side {
    bool there;
    uint32_t time[2];  /* nodes of begin and end */
    uint32_t endpoint; /* local */
    uint32_t remote;
};

struct v1 {
    struct zipkin *z;
    const uint32_t *at;
    struct side side[SIDES];
    uint32_t endpoint; /* of a span without sides */
    unsigned sides;
};

static bool is_text(const struct v1 *v, uint32_t node, const char *text)
{
    return node && tcore_value_is_text(import_value(v->z->job, node), text);
}

static const struct core *core_of(const struct v1 *v, uint32_t value)
{
    for (size_t i = 0; i < sizeof(cores) / sizeof(*cores); i++)
        if (is_text(v, value, cores[i].name))
            return &cores[i];
    return NULL;
}

/* --- finding the sides --- */

static bool read_note(const struct v1 *v, uint32_t node, uint32_t *at)
{
    if (!tcore_json_is_object(zipkin_node(v->z, node)))
        return import_bad(v->z->job, "an annotation that is no object");
    import_collect(v->z->job, &note_keys, node, at);
    return true;
}

static bool read_binary(const struct v1 *v, uint32_t node, uint32_t *at)
{
    if (!tcore_json_is_object(zipkin_node(v->z, node)))
        return import_bad(v->z->job, "a binary annotation that is no object");
    import_collect(v->z->job, &binary_keys, node, at);
    return (at[BINARY_KEY] && import_value(v->z->job, at[BINARY_KEY])->kind == TCORE_STRING) ||
           import_bad(v->z->job, "a binary annotation without a key");
}

static bool is_list(const struct v1 *v, uint32_t node, const char *what)
{
    return !node || tcore_json_is_array(zipkin_node(v->z, node)) ||
           import_bad(v->z->job, "%s that are no array", what);
}

/* Walks a list that may be absent. */
#define EACH(v, list, e)                                                                           \
    for (uint32_t e = (list) + 1; (list) && e < zipkin_node((v)->z, list)->next;                   \
         e = zipkin_node((v)->z, e)->next)

static bool find_sides(struct v1 *v)
{
    if (!is_list(v, v->at[ZIPKIN_ANNOTATIONS], "annotations"))
        return false;
    EACH(v, v->at[ZIPKIN_ANNOTATIONS], e)
    {
        uint32_t at[NOTE_COUNT];
        if (!read_note(v, e, at))
            return false;
        const struct core *core = core_of(v, at[NOTE_VALUE]);
        if (!v->endpoint)
            v->endpoint = at[NOTE_ENDPOINT];
        if (!core)
            continue;
        struct side *side = &v->side[core->side];
        side->there = true;
        side->time[core->end] = at[NOTE_TIME];
        if (!side->endpoint)
            side->endpoint = at[NOTE_ENDPOINT];
    }
    return true;
}

/* "sa", "ca" and "ma" with the value true are the addresses of the other side. */
static bool is_address(const struct v1 *v, const uint32_t *at)
{
    if (!at[BINARY_VALUE] || import_value(v->z->job, at[BINARY_VALUE])->kind != TCORE_TRUE)
        return false;
    return is_text(v, at[BINARY_KEY], "sa") || is_text(v, at[BINARY_KEY], "ca") ||
           is_text(v, at[BINARY_KEY], "ma");
}

static void set_address(struct v1 *v, const uint32_t *at)
{
    if (is_text(v, at[BINARY_KEY], "sa"))
        v->side[CLIENT].remote = at[BINARY_ENDPOINT];
    else if (is_text(v, at[BINARY_KEY], "ca"))
        v->side[SERVER].remote = at[BINARY_ENDPOINT];
    else
        v->side[PRODUCER].remote = v->side[CONSUMER].remote = at[BINARY_ENDPOINT];
}

static bool find_addresses(struct v1 *v)
{
    if (!is_list(v, v->at[ZIPKIN_BINARY], "binaryAnnotations"))
        return false;
    EACH(v, v->at[ZIPKIN_BINARY], e)
    {
        uint32_t at[BINARY_COUNT];
        if (!read_binary(v, e, at))
            return false;
        if (is_address(v, at))
            set_address(v, at);
        else if (!v->endpoint)
            v->endpoint = at[BINARY_ENDPOINT];
    }
    return true;
}

/* --- writing them --- */

static bool same_endpoint(const struct v1 *v, uint32_t a, uint32_t b)
{
    const struct tcore_json_node *x = zipkin_node(v->z, a), *y = zipkin_node(v->z, b);
    return a && b && x->value.kind == TCORE_JSON && y->value.kind == TCORE_JSON &&
           x->value.len == y->value.len && memcmp(x->value.s, y->value.s, x->value.len) == 0;
}

/* Whether what names that endpoint belongs to this side: of two sides the server's is what names
 * its endpoint, and the other one's all else. */
static bool belongs(const struct v1 *v, int side, uint32_t endpoint)
{
    if (v->sides < 2)
        return true;
    const struct side *server = &v->side[SERVER], *client = &v->side[CLIENT];
    bool of_server = same_endpoint(v, endpoint, server->endpoint) &&
                     !same_endpoint(v, endpoint, client->endpoint);
    return of_server == (side == SERVER);
}

static enum import_form form_of(const struct v1 *v, uint32_t type)
{
    if (is_text(v, type, "BYTES"))
        return IMPORT_BINARY;
    if (is_text(v, type, "I16") || is_text(v, type, "I32") || is_text(v, type, "I64"))
        return IMPORT_INTEGER;
    return is_text(v, type, "DOUBLE") ? IMPORT_DOUBLE : IMPORT_AS_IS;
}

static void take_tags(struct v1 *v, int side)
{
    struct import_job *job = v->z->job;
    EACH(v, v->at[ZIPKIN_BINARY], e)
    {
        uint32_t at[BINARY_COUNT];
        read_binary(v, e, at);
        const struct tcore_value *key = import_value(job, at[BINARY_KEY]);
        if (is_address(v, at) || !at[BINARY_VALUE] || !belongs(v, side, at[BINARY_ENDPOINT]))
            continue;
        import_span_add_tag(job, &v->z->span, (struct tcore_slice){key->s, key->len},
                            at[BINARY_VALUE], form_of(v, at[BINARY_TYPE]));
    }
}

static bool put_events(struct v1 *v, int side)
{
    bool first = true;
    EACH(v, v->at[ZIPKIN_ANNOTATIONS], e)
    {
        uint32_t at[NOTE_COUNT];
        read_note(v, e, at);
        if (core_of(v, at[NOTE_VALUE]) || !belongs(v, side, at[NOTE_ENDPOINT]))
            continue;
        if (!zipkin_put_annotation(v->z, at[NOTE_TIME], at[NOTE_VALUE], first))
            return false;
        first = false;
    }
    if (!first)
        tcore_buf_putc(&v->z->job->result->out, ']');
    return true;
}

/* The span's own times are the client's where there are both sides, and come before annotations
 * where there is one. */
static bool set_times(struct v1 *v, int side)
{
    struct import_job *job = v->z->job;
    struct import_span *span = &v->z->span;
    uint32_t start = v->at[ZIPKIN_TIME], duration = v->at[ZIPKIN_DURATION];
    uint32_t begin = side < SIDES ? v->side[side].time[0] : 0;
    uint32_t end = side < SIDES ? v->side[side].time[1] : 0;
    int64_t end_ns;
    if (v->sides > 1 && side != CLIENT)
        start = duration = 0;
    if (!start)
        start = begin;
    span->has_start = start != 0;
    span->has_duration = duration || (start && end);
    if (start && !import_micros(job, start, "timestamp", &span->start_ns))
        return false;
    if (duration)
        return import_micros(job, duration, "duration", &span->duration_ns);
    if (!span->has_duration)
        return true;
    return import_micros(job, end, "the timestamp of an annotation", &end_ns) &&
           (!__builtin_sub_overflow(end_ns, span->start_ns, &span->duration_ns) ||
            import_bad(job, "the span is longer than an int64 of nanoseconds can say"));
}

/* side SIDES: a span that is no call. */
static bool put_side(struct v1 *v, int side)
{
    struct zipkin *z = v->z;
    bool call = side < SIDES;
    zipkin_begin(z, v->at);
    take_tags(v, side);
    if (!set_times(v, side) ||
        !zipkin_set_local(z,
                          call && v->side[side].endpoint ? v->side[side].endpoint : v->endpoint) ||
        !zipkin_set_remote(z, call ? v->side[side].remote : 0))
        return false;
    if (call)
        z->span.tag[TAG_KIND] = 0;
    import_span_settle(z->job, &z->span);
    if (call)
        z->span.kind = kinds[side];
    if (!import_span_begin(z->job, &z->span) || !put_events(v, side))
        return false;
    import_span_end(z->job, &z->span);
    return true;
}

bool zipkin_is_v1(const struct zipkin *z, const uint32_t *at)
{
    const struct tcore_json_node *tape = z->job->json.node;
    uint32_t list = at[ZIPKIN_ANNOTATIONS];
    if (at[ZIPKIN_BINARY])
        return true;
    if (!list || !tcore_json_is_array(&tape[list]) || at[ZIPKIN_LOCAL] || at[ZIPKIN_KIND])
        return false;
    for (uint32_t e = list + 1; e < tape[list].next; e = tape[e].next)
        if (tcore_json_find(&z->job->json, e, "endpoint"))
            return true;
    return false;
}

bool zipkin_put_v1(struct zipkin *z, const uint32_t *at)
{
    struct v1 v = {.z = z, .at = at};
    if (!find_sides(&v) || !find_addresses(&v))
        return false;
    for (int side = 0; side < SIDES; side++)
        v.sides += v.side[side].there;
    if (!v.sides)
        return put_side(&v, SIDES);
    for (int side = 0; side < SIDES; side++)
        if (v.side[side].there && !put_side(&v, side))
            return false;
    return true;
}
