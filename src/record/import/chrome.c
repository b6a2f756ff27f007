/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding trace events, each by itself. */
#include <config.h>

#include "record/import/chrome.h"

enum {
    EVENT_NAME,
    EVENT_CATEGORY,
    EVENT_PHASE,
    EVENT_TIME,
    EVENT_PID,
    EVENT_TID,
    EVENT_ARGS,
    EVENT_DURATION,
    EVENT_ID,
    EVENT_SCOPE, /* of ids */
    EVENT_ID2,
    EVENT_BIND_ID,
    EVENT_FLOW_IN,
    EVENT_FLOW_OUT,
    EVENT_BIND_POINT,
    EVENT_WIDTH, /* of an instant */
    EVENT_COUNT
};
static const struct import_key event_names[EVENT_COUNT] = {
    IMPORT_KEY("name"),    IMPORT_KEY("cat"),      IMPORT_KEY("ph"),   IMPORT_KEY("ts"),
    IMPORT_KEY("pid"),     IMPORT_KEY("tid"),      IMPORT_KEY("args"), IMPORT_KEY("dur"),
    IMPORT_KEY("id"),      IMPORT_KEY("scope"),    IMPORT_KEY("id2"),  IMPORT_KEY("bind_id"),
    IMPORT_KEY("flow_in"), IMPORT_KEY("flow_out"), IMPORT_KEY("bp"),   IMPORT_KEY("s")};
static const struct import_keys event_keys = {event_names, EVENT_COUNT};

/* The event that is being put together: its texts go behind each other into held. */
struct finding {
    struct import_job *job;
    struct tcore_buf *held;
    const uint32_t *at;
    struct chrome_found event;
    size_t begin, text; /* offsets of the event and of the open text in held */
};

static void end_text(struct finding *f, enum chrome_text which)
{
    f->event.length[which] = (uint32_t)(f->held->length - f->text);
    f->text = f->held->length;
}

static bool is_word(const struct import_job *job, uint32_t node, const char *word)
{
    return node && tcore_value_is_text(import_value(job, node), word);
}

static void put_scalar(struct finding *f, uint32_t node)
{
    if (node && import_value(f->job, node)->kind != TCORE_JSON)
        tcore_json_write_tree(f->held, &f->job->json, node);
}

static void put_string(struct finding *f, uint32_t node)
{
    if (node && import_value(f->job, node)->kind == TCORE_STRING)
        import_put_string(f->job, f->held, import_value(f->job, node));
}

/* Ids count within a category, those of a scope within that; local ones within the process. */
static void put_id(struct finding *f)
{
    struct import_job *job = f->job;
    uint32_t id = f->at[EVENT_ID], id2 = f->at[EVENT_ID2];
    uint32_t global = id2 ? tcore_json_find(&job->json, id2, "global") : 0;
    uint32_t local = id2 ? tcore_json_find(&job->json, id2, "local") : 0;
    if (!id && !global && !local)
        return;
    put_scalar(f, id ? id : global ? global : local);
    tcore_buf_putc(f->held, '\n');
    put_scalar(f, f->at[EVENT_SCOPE]);
    tcore_buf_putc(f->held, '\n');
    put_string(f, f->at[EVENT_CATEGORY]);
    if (!id && !global) {
        tcore_buf_putc(f->held, '\n');
        put_scalar(f, f->at[EVENT_PID]);
    }
}

/* --- attributes --- */

static void put_member(struct finding *f, const char *prefix, const struct tcore_value *key,
                       uint32_t value)
{
    struct tcore_buf *out = f->held;
    if (out->length > f->text)
        tcore_buf_putc(out, ',');
    if (!*prefix) {
        tcore_json_write_string(out, key->s, key->len);
    } else {
        tcore_buf_putc(out, '"');
        tcore_buf_puts(out, prefix);
        size_t quote = out->length;
        tcore_json_write_string(out, key->s, key->len);
        if (out->failed)
            return;
        memmove(out->data + quote, out->data + quote + 1, out->length - quote - 1);
        out->length--;
    }
    tcore_buf_putc(out, ':');
    tcore_json_write_tree(out, &f->job->json, value);
}

/* Names that we give ourselves: an argument that is called so is args.NAME. */
static const char *prefix_of(const struct tcore_value *key)
{
    static const char *const ours[] = {"chrome.", "thread.", "args."};
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        if (key->len >= strlen(ours[i]) && memcmp(key->s, ours[i], strlen(ours[i])) == 0)
            return "args.";
    return key->len ? "" : "args.";
}

static void put_args(struct finding *f, uint32_t args)
{
    struct tcore_json *json = &f->job->json;
    struct tcore_json_walk walk;
    struct tcore_json_member member;
    const struct tcore_value name = tcore_value_string("args", 4);
    if (!args)
        return;
    if (!tcore_json_is_object(&json->node[args])) {
        put_member(f, "chrome.", &name, args);
        return;
    }
    if (tcore_json_walk_open(&walk, json, args) != TCORE_OK) {
        f->job->failed = true;
        return;
    }
    while (tcore_json_walk_next(&walk, json, &member)) {
        const struct tcore_value *key = &json->node[member.key].value;
        put_member(f, prefix_of(key), key, member.value);
    }
    tcore_json_walk_close(&walk);
}

/* Members that are no fields are attributes, too. */
static void put_others(struct finding *f, uint32_t node)
{
    const struct tcore_json *json = &f->job->json;
    struct tcore_json_walk walk;
    struct tcore_json_member member;
    const struct tcore_value category = tcore_value_string("category", 8);
    if (f->at[EVENT_CATEGORY] && import_is_text(f->job, f->at[EVENT_CATEGORY]))
        put_member(f, "chrome.", &category, f->at[EVENT_CATEGORY]);
    if (tcore_json_walk_open(&walk, json, node) != TCORE_OK) {
        f->job->failed = true;
        return;
    }
    while (tcore_json_walk_next(&walk, json, &member)) {
        const struct tcore_value *key = &json->node[member.key].value;
        unsigned hint = 0;
        bool known = import_find_key(&event_keys, key, &hint) >= 0;
        bool named = (key->len == 8 && memcmp(key->s, "category", 8) == 0) ||
                     (key->len == 4 && memcmp(key->s, "args", 4) == 0);
        if (!known && !named && json->node[member.value].value.kind != TCORE_NULL)
            put_member(f, "chrome.", key, member.value);
    }
    tcore_json_walk_close(&walk);
}

/* --- events --- */

static void begin_event(struct finding *f)
{
    f->begin = f->held->length;
    f->text = f->begin + sizeof(f->event);
    tcore_buf_append(f->held, &f->event, sizeof(f->event));
    memset(f->event.length, 0, sizeof(f->event.length));
    put_scalar(f, f->at[EVENT_PID]);
    end_text(f, CHROME_PID);
    put_scalar(f, f->at[EVENT_TID]);
    end_text(f, CHROME_TID);
}

static void end_event(struct finding *f)
{
    static const char zeros[8];
    tcore_buf_append(f->held, zeros, (size_t)(-f->held->length & 7));
    f->event.size = (uint32_t)(f->held->length - f->begin);
    if (!f->held->failed)
        memcpy(f->held->data + f->begin, &f->event, sizeof(f->event));
}

/* Each argument of a counter is a series of its own. */
static void find_counter(struct finding *f)
{
    const struct tcore_json *json = &f->job->json;
    uint32_t args = f->at[EVENT_ARGS];
    if (!args || !tcore_json_is_object(&json->node[args]))
        return;
    for (uint32_t k = args + 1; k < json->node[args].next; k = json->node[k + 1].next) {
        const struct tcore_value *key = &json->node[k].value, *v = &json->node[k + 1].value;
        if (v->kind == TCORE_JSON || v->kind == TCORE_NULL)
            continue;
        begin_event(f);
        put_string(f, f->at[EVENT_NAME]);
        end_text(f, CHROME_NAME);
        put_scalar(f, f->at[EVENT_ID]);
        end_text(f, CHROME_ID);
        import_put_string(f->job, f->held, key);
        end_text(f, CHROME_FLOW);
        tcore_json_write_tree(f->held, json, k + 1);
        end_text(f, CHROME_ATTRIBUTES);
        end_event(f);
    }
}

/* Names of processes and threads; the rest is about how they are shown. */
static void find_metadata(struct finding *f)
{
    struct import_job *job = f->job;
    bool process = is_word(job, f->at[EVENT_NAME], "process_name");
    uint32_t args = f->at[EVENT_ARGS];
    uint32_t name = args ? tcore_json_find(&job->json, args, "name") : 0;
    if ((!process && !is_word(job, f->at[EVENT_NAME], "thread_name")) || !import_is_text(job, name))
        return;
    f->event.flags = process ? CHROME_NAMES_PROCESS : CHROME_NAMES_THREAD;
    begin_event(f);
    put_string(f, name);
    end_text(f, CHROME_NAME);
    end_event(f);
}

static bool is_true(const struct import_job *job, uint32_t node)
{
    return node && import_value(job, node)->kind == TCORE_TRUE;
}

static uint8_t flags_of(const struct finding *f)
{
    const struct import_job *job = f->job;
    unsigned flags = 0;
    if (f->at[EVENT_DURATION])
        flags |= CHROME_HAS_DURATION;
    if (is_word(job, f->at[EVENT_BIND_POINT], "e"))
        flags |= CHROME_ENCLOSING;
    if (is_true(job, f->at[EVENT_FLOW_IN]))
        flags |= CHROME_FLOW_IN;
    if (is_true(job, f->at[EVENT_FLOW_OUT]))
        flags |= CHROME_FLOW_OUT;
    if (is_word(job, f->at[EVENT_WIDTH], "g") || is_word(job, f->at[EVENT_WIDTH], "p"))
        flags |= CHROME_BROAD;
    return (uint8_t)flags;
}

static void find_plain(struct finding *f, uint32_t node)
{
    f->event.flags = flags_of(f);
    begin_event(f);
    put_string(f, f->at[EVENT_NAME]);
    end_text(f, CHROME_NAME);
    put_id(f);
    end_text(f, CHROME_ID);
    put_scalar(f, f->at[EVENT_BIND_ID]);
    end_text(f, CHROME_FLOW);
    put_args(f, f->at[EVENT_ARGS]);
    put_others(f, node);
    end_text(f, CHROME_ATTRIBUTES);
    end_event(f);
}

/* False: job->reason. */
static bool find_event(struct import_job *job, uint32_t node)
{
    uint32_t at[EVENT_COUNT];
    struct finding f = {.job = job, .held = &job->result->held, .at = at};
    uint64_t ignored = job->result->counts.ignored;
    if (!tcore_json_is_object(&job->json.node[node]))
        return import_bad(job, "an event that is no object");
    import_collect(job, &event_keys, node, at);
    job->result->counts.ignored = ignored; /* they are attributes */
    const struct tcore_value *phase = import_value(job, at[EVENT_PHASE]);
    if (!at[EVENT_PHASE] || phase->kind != TCORE_STRING || phase->len != 1)
        return import_bad(job, "an event without a phase (ph) of one letter");
    f.event.phase = phase->s[0];
    if (at[EVENT_NAME] && import_value(job, at[EVENT_NAME])->kind != TCORE_STRING)
        return import_bad(job, "a name that is no string");
    if (f.event.phase == 'M') {
        find_metadata(&f);
        return true;
    }
    if (!memchr("BEXbneSTpFstfiIRC", f.event.phase, 17)) {
        job->result->counts.unrecorded++;
        return true;
    }
    if (!at[EVENT_TIME])
        return import_bad(job, "an event without a time (ts)");
    if (!import_micros(job, at[EVENT_TIME], "ts", &f.event.time_ns) ||
        (at[EVENT_DURATION] &&
         !import_micros(job, at[EVENT_DURATION], "dur", &f.event.duration_ns)))
        return false;
    if (f.event.phase == 'C')
        find_counter(&f);
    else
        find_plain(&f, node);
    return true;
}

static void convert_event(struct import_job *job, uint32_t node)
{
    size_t mark = job->result->held.length;
    if (find_event(job, node))
        return;
    job->result->held.length = mark;
    import_reject(job, node);
}

static bool is_event(const struct tcore_json *json, uint32_t node)
{
    uint32_t phase = tcore_json_find(json, node, "ph");
    return phase && json->node[phase].value.kind == TCORE_STRING;
}

/* The array of events: the document, or its member; 0 with *list false: there is none. */
static uint32_t list_of_events(const struct tcore_json *json, bool *list)
{
    uint32_t events = tcore_json_find(json, 0, "traceEvents");
    *list = tcore_json_is_array(&json->node[events]);
    return events;
}

static bool probe(const struct tcore_json *json)
{
    bool list;
    uint32_t events = list_of_events(json, &list);
    if (events)
        return list;
    for (uint32_t e = 1; list && e < json->node[0].next; e = json->node[e].next)
        if (is_event(json, e))
            return true;
    return list ? import_is_empty_list(json) : is_event(json, 0);
}

static void convert(struct import_job *job)
{
    const struct tcore_json_node *tape = job->json.node;
    bool list;
    uint32_t events = list_of_events(&job->json, &list);
    if (!list) {
        convert_event(job, 0);
        return;
    }
    for (uint32_t e = events + 1; e < tape[events].next; e = tape[e].next)
        convert_event(job, e);
}

static const struct import_gatherer gatherer = {chrome_open, chrome_add, chrome_bytes,
                                                chrome_finish, chrome_close};

const struct import_format import_chrome = {
    .name = "chrome",
    .summary = "a Chrome trace",
    .probe = probe,
    .convert = convert,
    .gatherer = &gatherer,
    .open_ended = true,
};
