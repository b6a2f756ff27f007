/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gathering trace events: of millions of them most have one of a few names, threads and categories,
 * so that these are kept once.
 */
#include <config.h>

#include "record/import/chrome.h"

#include "base/sys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    RECENT = 1024, /* a power of two */
    KEY_BYTES = 64 /* of an async slice or a flow, when they are ordered */
};

struct chrome_hash {
    XXH3_state_t state; /* first, as it wants to be aligned */
    void *memory;       /* that was allocated for this */
};

struct chrome_recent {
    uint64_t at;
    uint32_t bytes;
};

static struct chrome_hash *open_hash(void)
{
    char *memory = tcore_malloc(sizeof(struct chrome_hash) + _Alignof(XXH3_state_t));
    if (!memory)
        return NULL;
    size_t off = (uintptr_t)memory % _Alignof(XXH3_state_t);
    struct chrome_hash *hash =
        (struct chrome_hash *)(void *)(memory + (off ? _Alignof(XXH3_state_t) - off : 0));
    hash->memory = memory;
    XXH3_128bits_reset(&hash->state);
    return hash;
}

void *chrome_open(void)
{
    struct chrome *c = tcore_calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->recent = tcore_calloc(RECENT, sizeof(*c->recent));
    c->hash = open_hash();
    if (c->recent && c->hash && !tcore_map_init(&c->texts) && !tcore_map_init(&c->tracks) &&
        !tcore_map_init(&c->processes) && !tcore_map_init(&c->asyncs) && !tcore_map_init(&c->flows))
        return c;
    chrome_close(c);
    return NULL;
}

void chrome_close(void *gathered)
{
    struct chrome *c = gathered;
    if (!c)
        return;
    void *const owned[] = {
        c->event,   c->track, c->process, c->recent, c->hash ? c->hash->memory : NULL,
        c->by_time, c->slice, c->link,    c->async,  c->flow};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        tcore_free(owned[i]);
    tcore_map_free(&c->texts);
    tcore_map_free(&c->tracks);
    tcore_map_free(&c->processes);
    tcore_map_free(&c->asyncs);
    tcore_map_free(&c->flows);
    tcore_buf_free(&c->attributes);
    tcore_buf_free(&c->key);
    tcore_free(c);
}

void chrome_digest(const struct chrome *c, char digest[TCORE_TRACE_ID])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(&c->hash->state));
    for (size_t i = 0; i < TCORE_TRACE_ID; i++)
        digest[i] = digits[bytes.digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
}

struct tcore_slice chrome_text(const struct chrome *c, uint32_t text)
{
    if (!text)
        return (struct tcore_slice){NULL, 0};
    const struct tcore_map_key *key = &c->texts.keys[text - 1];
    return (struct tcore_slice){key->data, key->length};
}

struct tcore_slice chrome_attributes(const struct chrome *c, const struct chrome_event *event)
{
    return (struct tcore_slice){event->attribute_bytes ? c->attributes.data + event->attributes
                                                       : NULL,
                                event->attribute_bytes};
}

/* --- one event --- */

/* The array with room for one more element than `count`; NULL: out of memory, and it is as it was.
 */
static void *grow(void *array, uint32_t count, uint32_t *capacity, size_t bytes)
{
    if (count < *capacity)
        return array;
    if (*capacity > UINT32_MAX / 4)
        return NULL;
    uint32_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown = tcore_reallocarray(array, wanted, bytes);
    if (grown)
        *capacity = wanted;
    return grown;
}

static bool keep_text(struct chrome *c, struct tcore_slice text, uint32_t *number)
{
    *number = 0;
    if (!text.length)
        return true;
    uint32_t found = tcore_map_intern(&c->texts, text.data, text.length, NULL);
    *number = found + 1;
    return found != TCORE_MAP_NONE;
}

static bool keep_attributes(struct chrome *c, struct tcore_slice text, struct chrome_event *event)
{
    struct chrome_recent *recent = &c->recent[XXH3_64bits(text.data, text.length) & (RECENT - 1)];
    event->attribute_bytes = (uint32_t)text.length;
    if (!text.length)
        return true;
    if (recent->bytes != text.length ||
        memcmp(c->attributes.data + recent->at, text.data, text.length) != 0) {
        *recent = (struct chrome_recent){c->attributes.length, (uint32_t)text.length};
        tcore_buf_append(&c->attributes, text.data, text.length);
    }
    event->attributes = recent->at;
    return !c->attributes.failed;
}

static bool find_process(struct chrome *c, struct tcore_slice pid, uint32_t *process)
{
    bool added;
    void *grown = grow(c->process, c->processes.count, &c->process_capacity, sizeof(*c->process));
    if (!grown)
        return false;
    c->process = grown;
    *process = tcore_map_intern(&c->processes, pid.data, pid.length, &added);
    if (*process == TCORE_MAP_NONE)
        return false;
    if (added)
        c->process[*process] = (struct chrome_process){0};
    return !added || keep_text(c, pid, &c->process[*process].pid);
}

/* Pid and tid stand behind each other; the length of the first tells where that ends. */
static bool find_track(struct chrome *c, struct tcore_slice pid, struct tcore_slice tid,
                       uint32_t *track)
{
    uint32_t length = (uint32_t)pid.length;
    bool added;
    tcore_buf_clear(&c->key);
    tcore_buf_append(&c->key, &length, sizeof(length));
    tcore_buf_append(&c->key, pid.data, pid.length + tid.length);
    void *grown = grow(c->track, c->tracks.count, &c->track_capacity, sizeof(*c->track));
    if (c->key.failed || !grown)
        return false;
    c->track = grown;
    *track = tcore_map_intern(&c->tracks, c->key.data, c->key.length, &added);
    if (*track == TCORE_MAP_NONE)
        return false;
    if (!added)
        return true;
    c->track[*track] = (struct chrome_track){0};
    return find_process(c, pid, &c->track[*track].process) &&
           keep_text(c, tid, &c->track[*track].tid);
}

static void count(struct chrome *c, const struct chrome_event *event)
{
    c->beginnings += memchr("XBbS", event->phase, 4) != NULL;
    c->asyncs_seen += memchr("bneSTpF", event->phase, 7) != NULL;
    c->flows_seen += (event->flow && event->phase != 'C') || memchr("stf", event->phase, 3);
}

static bool add_event(struct chrome *c, const struct chrome_found *found)
{
    struct tcore_slice text[CHROME_TEXTS];
    const char *at = (const char *)(found + 1);
    struct chrome_event event = {.time_ns = found->time_ns,
                                 .duration_ns = found->duration_ns,
                                 .phase = found->phase,
                                 .flags = found->flags};
    for (int i = 0; i < CHROME_TEXTS; at += found->length[i++])
        text[i] = (struct tcore_slice){at, found->length[i]};
    if (!find_track(c, text[CHROME_PID], text[CHROME_TID], &event.track) ||
        !keep_text(c, text[CHROME_NAME], &event.name))
        return false;
    if (event.flags & CHROME_NAMES_PROCESS)
        c->process[c->track[event.track].process].name = event.name;
    else if (event.flags & CHROME_NAMES_THREAD)
        c->track[event.track].name = event.name;
    if (event.phase == 'M')
        return true;
    if (!keep_text(c, text[CHROME_ID], &event.id) ||
        !keep_text(c, text[CHROME_FLOW], &event.flow) ||
        !keep_attributes(c, text[CHROME_ATTRIBUTES], &event))
        return false;
    void *grown = grow(c->event, c->events, &c->event_capacity, sizeof(*c->event));
    if (!grown)
        return false;
    c->event = grown;
    c->event[c->events++] = event;
    count(c, &event);
    return true;
}

bool chrome_add(void *gathered, const struct tcore_buf *held)
{
    struct chrome *c = gathered;
    const struct chrome_found *found;
    XXH3_128bits_update(&c->hash->state, held->data, held->length);
    for (size_t at = 0; at < held->length; at += found->size) {
        found = (const struct chrome_found *)(const void *)(held->data + at);
        if (!add_event(c, found))
            return false;
    }
    return true;
}

size_t chrome_bytes(const void *gathered)
{
    const struct chrome *c = gathered;
    size_t bytes = c->events * (sizeof(*c->event) + sizeof(*c->by_time) + 2 * sizeof(uint32_t));
    bytes += c->beginnings * sizeof(*c->slice);
    bytes += c->asyncs_seen * (sizeof(*c->async) + KEY_BYTES);
    bytes += c->flows_seen * (sizeof(*c->flow) + sizeof(*c->link) + KEY_BYTES);
    return bytes + c->attributes.length + tcore_map_bytes(&c->texts) + tcore_map_bytes(&c->tracks) +
           tcore_map_bytes(&c->processes) + c->tracks.count * sizeof(*c->track) +
           c->processes.count * sizeof(*c->process);
}
