/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines: the header with event time; one a rule with the hash of its content; one an instance; the
 * messages that channels with a limit have had, what dedup remembers, and the outbox. An instance
 * belongs to the rule of that name if the hash is the same; else that rule begins anew.
 */
#include <config.h>

#include "alert/state.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/replace.h"
#include "model/number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_TRIES   200
#define LOCK_WAIT_MS 50 /* between them: 10 s in all */

static const char *const state_names[] = {"inactive", "pending", "firing", "nodata", NULL};

/* --- Writing */

static void put_ns(struct tcore_buf *out, const char *name, int64_t ns)
{
    if (ns != NEVER && ns != INT64_MIN)
        tcore_buf_printf(out, ",\"%s\":\"%" PRId64 "\"", name, ns);
}

static void put_double(struct tcore_buf *out, double number)
{
    const struct tcore_value value = tcore_value_of_double(number);

    tcore_json_write_value(out, &value);
}

static void put_flag(struct tcore_buf *out, const char *name, bool set)
{
    if (set)
        tcore_buf_printf(out, ",\"%s\":true", name);
}

static void put_string(struct tcore_buf *out, const char *name, const char *text, size_t length)
{
    tcore_buf_printf(out, ",\"%s\":", name);
    tcore_json_write_string(out, text, length);
}

static void put_records(struct tcore_buf *out, const char *name, const struct seen *seen,
                        bool before, bool all)
{
    bool any = false;

    for (size_t s = 0; s < seen->count; s++) {
        const struct seen_record *record = &seen->record[s];

        if (!all && record->before != before)
            continue;
        if (!any)
            tcore_buf_printf(out, ",\"%s\":[", name);
        tcore_buf_printf(out, "%s\"%" PRId64 "\",\"%" PRId64 "\"", any ? "," : "", record->ns,
                         (int64_t)record->hash);
        any = true;
    }
    if (any)
        tcore_buf_putc(out, ']');
}

/* same_run: for rules that were read again, which tells what this run has seen from what others
 * have; to the next run all is the same. */
static void put_seen(struct tcore_buf *out, const struct seen *seen, bool same_run)
{
    put_ns(out, "floor", seen->floor_ns);
    if (same_run)
        put_ns(out, "before", seen->before_ns);
    put_records(out, "recent", seen, false, !same_run);
    if (same_run)
        put_records(out, "others", seen, true, false);
}

static void put_instance(struct tcore_buf *out, const struct engine *e, const struct instance *i,
                         bool same_run)
{
    const char *rule = e->rules->rule[i->rule].name;

    tcore_buf_printf(out, "{\"line\":\"instance\"");
    put_string(out, "rule", rule, strlen(rule));
    tcore_buf_printf(out, ",\"labels\":%s,\"order\":\"%" PRIu64 "\",\"state\":\"%s\"",
                     instance_labels(e, i), i->order, state_names[i->state]);
    put_flag(out, "missing", i->missing);
    put_flag(out, "suppressed", i->suppressed);
    if (i->has_value) {
        tcore_buf_puts(out, ",\"value\":");
        put_double(out, i->value);
    }
    if (i->message)
        put_string(out, "message", i->message, strlen(i->message));
    put_ns(out, "since", i->since_ns);
    put_ns(out, "clear", i->clear_ns);
    put_ns(out, "last", i->last_ns);
    put_ns(out, "seen", i->seen_ns);
    put_ns(out, "interval", i->interval_ns);
    put_ns(out, "step", i->step_ns);
    put_ns(out, "deadline", i->deadline);
    put_seen(out, &i->seen, same_run);
    if (i->window.count) {
        tcore_buf_puts(out, ",\"samples\":[");
        for (size_t s = 0; s < i->window.count; s++) {
            const struct window_sample *sample = &i->window.sample[i->window.first + s];

            tcore_buf_printf(out, "%s\"%" PRId64 "\",", s ? "," : "", sample->ns);
            put_double(out, sample->value);
        }
        tcore_buf_putc(out, ']');
    }
    if (i->buckets.count) {
        tcore_buf_puts(out, ",\"counts\":[");
        for (size_t b = 0; b < i->buckets.count; b++)
            tcore_buf_printf(out, "%s\"%" PRId64 "\",\"%" PRIu64 "\"", b ? "," : "",
                             i->buckets.bucket[b].index, i->buckets.bucket[b].count);
        tcore_buf_putc(out, ']');
    }
    tcore_buf_puts(out, "}\n");
}

/* By time and key: an entry that was forgotten in between looks like one that was not. */
static int compare_dedup(const void *a, const void *b, void *data)
{
    const struct notifier *n = data;
    const uint32_t *x = a, *y = b;
    const struct tcore_map_key *p = &n->dedup.keys[*x], *q = &n->dedup.keys[*y];

    if (n->dedup_ns[*x] != n->dedup_ns[*y])
        return n->dedup_ns[*x] < n->dedup_ns[*y] ? -1 : 1;
    int order = memcmp(p->data, q->data, p->length < q->length ? p->length : q->length);

    return order ? order : (p->length > q->length) - (p->length < q->length);
}

static void put_dedup(struct tcore_buf *out, const struct notifier *n, int64_t now_ns)
{
    uint32_t *number = tcore_reallocarray(NULL, n->dedup.count + 1, sizeof *number), count = 0;

    for (uint32_t d = 0; d < n->dedup.count && number; d++)
        if (!notifier_dedup_is_over(n, d, now_ns))
            number[count++] = d;
    if (!number)
        out->failed = true;
    else
        qsort_r(number, count, sizeof *number, compare_dedup, (void *)(uintptr_t)n);
    for (uint32_t d = 0; d < count; d++) {
        const struct tcore_map_key *key = &n->dedup.keys[number[d]];
        uint32_t rule;

        memcpy(&rule, key->data, sizeof rule);
        tcore_buf_puts(out, "{\"line\":\"dedup\"");
        put_string(out, "rule", n->rules->rule[rule].name, strlen(n->rules->rule[rule].name));
        put_string(out, "labels", key->data + sizeof rule, key->length - sizeof rule);
        put_ns(out, "sent", n->dedup_ns[number[d]]);
        tcore_buf_puts(out, "}\n");
    }
    tcore_free(number);
}

static void put_notifier(struct tcore_buf *out, const struct notifier *n, int64_t now_ns)
{
    for (size_t c = 0; c < n->rules->channel_count; c++) {
        const struct channel_state *state = &n->channel[c];

        if (!state->sent_count)
            continue;
        tcore_buf_puts(out, "{\"line\":\"channel\"");
        put_string(out, "name", n->rules->channel[c].name, strlen(n->rules->channel[c].name));
        tcore_buf_puts(out, ",\"sent\":[");
        for (uint32_t s = 0; s < state->sent_count; s++)
            tcore_buf_printf(out, "%s\"%" PRId64 "\"", s ? "," : "", state->sent[s]);
        tcore_buf_puts(out, "]}\n");
    }
    put_dedup(out, n, now_ns);
    for (size_t w = 0; w < n->outbox_count; w++) {
        tcore_buf_puts(out, "{\"line\":\"waiting\"");
        put_string(out, "channel", n->outbox[w].channel, strlen(n->outbox[w].channel));
        put_string(out, "type", n->outbox[w].type, strlen(n->outbox[w].type));
        tcore_buf_printf(out, ",\"attempts\":\"%" PRIu32 "\"", n->outbox[w].attempts);
        put_string(out, "alert", n->outbox[w].alert, strlen(n->outbox[w].alert));
        tcore_buf_puts(out, "}\n");
    }
}

static void put_state(struct tcore_buf *out, const struct engine *e, bool same_run)
{
    tcore_buf_puts(out, "{\"line\":\"trace-alert state 1\"");
    if (e->has_now)
        put_ns(out, "now", e->now_ns);
    tcore_buf_printf(out, ",\"order\":\"%" PRIu64 "\"}\n", e->next_order);
    for (size_t r = 0; r < e->rules->count; r++) {
        const struct rule *rule = &e->rules->rule[r];

        tcore_buf_puts(out, "{\"line\":\"rule\"");
        put_string(out, "name", rule->name, strlen(rule->name));
        tcore_buf_printf(out, ",\"hash\":\"%s\"", rule->hash);
        put_ns(out, "floor", e->seen[r].floor_ns);
        put_flag(out, "matched", e->seen[r].matched);
        if (same_run)
            put_ns(out, "before", e->seen[r].before_ns);
        tcore_buf_puts(out, "}\n");
    }
    for (size_t i = 0; i < e->count; i++)
        if (e->instance[i])
            put_instance(out, e, e->instance[i], same_run);
    put_notifier(out, e->notifier, e->now_ns);
}

/* --- Reading */

struct load {
    struct engine *e;
    struct state_file *state;
    struct tcore_json json;
    struct tcore_map rules; /* of the rule file, by name */
    bool *same;             /* by rule: its content is as it was */
    struct tcore_error err;
    bool same_run;
    bool no_memory;
};

static const struct tcore_json_node *member(struct load *l, const char *name)
{
    uint32_t node = tcore_json_find(&l->json, 0, name);

    return node ? &l->json.node[node] : NULL;
}

static bool read_ns(struct load *l, const char *name, int64_t *ns)
{
    const struct tcore_json_node *node = member(l, name);

    return node && node->value.kind == TCORE_STRING &&
           tcore_parse_int64(node->value.s, node->value.len, ns);
}

static struct tcore_value read_string(struct load *l, const char *name)
{
    const struct tcore_json_node *node = member(l, name);

    return node && node->value.kind == TCORE_STRING ? node->value : tcore_value_string("", 0);
}

static bool read_flag(struct load *l, const char *name)
{
    const struct tcore_json_node *node = member(l, name);

    return node && node->value.kind == TCORE_TRUE;
}

static bool is_word(struct tcore_value value, const char *word)
{
    return value.len == strlen(word) && !memcmp(value.s, word, value.len);
}

/* The rule of that name, or TCORE_MAP_NONE. */
static uint32_t find_rule(struct load *l, const char *name)
{
    struct tcore_value value = read_string(l, name);

    return tcore_map_find(&l->rules, value.s, value.len);
}

static bool read_header(struct load *l)
{
    int64_t order = 0;

    if (!is_word(read_string(l, "line"), "trace-alert state 1") || !read_ns(l, "order", &order) ||
        order < 0)
        return false;
    l->e->next_order = (uint64_t)order;
    l->e->has_now = read_ns(l, "now", &l->e->now_ns);
    return true;
}

static void read_floor(struct load *l, int64_t *floor_ns, int64_t *before_ns)
{
    *floor_ns = *before_ns = INT64_MIN;
    (void)read_ns(l, "floor", floor_ns);
    if (l->same_run)
        (void)read_ns(l, "before", before_ns);
    else
        *before_ns = *floor_ns;
}

static bool read_rule(struct load *l)
{
    uint32_t rule = find_rule(l, "name");

    if (rule == TCORE_MAP_NONE)
        return true;
    l->same[rule] = is_word(read_string(l, "hash"), l->e->rules->rule[rule].hash);
    l->e->seen[rule].matched = l->same[rule] && read_flag(l, "matched");
    if (l->same[rule])
        read_floor(l, &l->e->seen[rule].floor_ns, &l->e->seen[rule].before_ns);
    return true;
}

/* The integer in the string at place n of a list that ends at end. */
static bool read_place(struct load *l, uint32_t n, uint32_t end, int64_t *number)
{
    const struct tcore_value *value = &l->json.node[n].value;

    return n < end && value->kind == TCORE_STRING &&
           tcore_parse_int64(value->s, value->len, number);
}

static bool read_samples(struct load *l, struct instance *i)
{
    uint32_t list = tcore_json_find(&l->json, 0, "samples");
    uint32_t end = list ? l->json.node[list].next : 0;

    for (uint32_t n = list + 1; n < end; n += 2) {
        const struct tcore_value *value = &l->json.node[n + 1].value;
        int64_t ns;

        if (!read_place(l, n, end, &ns) || n + 1 >= end || !tcore_value_is_number(value))
            return false;
        if (!window_add(&i->window, ns, tcore_value_double(value)))
            l->no_memory = true;
    }
    return true;
}

static bool read_counts(struct load *l, struct instance *i)
{
    uint32_t list = tcore_json_find(&l->json, 0, "counts");
    uint32_t end = list ? l->json.node[list].next : 0;

    for (uint32_t n = list + 1; n < end; n += 2) {
        int64_t index, count;

        if (!read_place(l, n, end, &index) || !read_place(l, n + 1, end, &count) || count < 1)
            return false;
        if (!buckets_add_many(&i->buckets, index, (uint64_t)count))
            l->no_memory = true;
    }
    return true;
}

static bool read_recent(struct load *l, struct instance *i, const char *name, bool before)
{
    uint32_t list = tcore_json_find(&l->json, 0, name);
    uint32_t end = list ? l->json.node[list].next : 0;

    for (uint32_t n = list + 1; n < end; n += 2) {
        int64_t ns, hash;

        if (!read_place(l, n, end, &ns) || !read_place(l, n + 1, end, &hash))
            return false;
        if (!seen_restore(&i->seen, ns, (uint64_t)hash, before))
            l->no_memory = true;
    }
    return true;
}

static bool retire(struct load *l, uint32_t rule, struct tcore_value labels)
{
    struct state_file *state = l->state;
    struct retired *all = tcore_reallocarray(state->retired, state->retired_count + 1, sizeof *all);
    char *copy = tcore_strndup(labels.s, labels.len);

    if (all)
        state->retired = all;
    if (!all || !copy) {
        tcore_free(copy);
        l->no_memory = true;
        return true;
    }
    struct retired *r = &all[state->retired_count++];

    *r = (struct retired){.rule = rule, .labels = copy, .length = labels.len};
    return read_ns(l, "since", &r->since_ns);
}

static bool fill(struct load *l, struct instance *i, int state)
{
    const struct tcore_json_node *value = member(l, "value");
    struct tcore_value message = read_string(l, "message");
    int64_t order;

    if (!read_ns(l, "order", &order) || order < 0 || !read_samples(l, i) || !read_counts(l, i) ||
        !read_recent(l, i, "recent", !l->same_run) || !read_recent(l, i, "others", true))
        return false;
    read_floor(l, &i->seen.floor_ns, &i->seen.before_ns);
    i->order = (uint64_t)order;
    i->state = (enum alert_state)state;
    l->e->firing += i->state == ALERT_FIRING || i->state == ALERT_NODATA;
    i->missing = read_flag(l, "missing");
    i->suppressed = read_flag(l, "suppressed");
    i->has_value = value && tcore_value_is_number(&value->value);
    if (i->has_value)
        i->value = tcore_value_double(&value->value);
    if (member(l, "message"))
        i->message = tcore_strndup(message.s, message.len);
    if (member(l, "message") && !i->message)
        l->no_memory = true;
    (void)read_ns(l, "since", &i->since_ns);
    (void)read_ns(l, "clear", &i->clear_ns);
    (void)read_ns(l, "last", &i->last_ns);
    (void)read_ns(l, "seen", &i->seen_ns);
    (void)read_ns(l, "interval", &i->interval_ns);
    (void)read_ns(l, "step", &i->step_ns);
    if (read_ns(l, "deadline", &i->deadline) && !engine_resume(l->e, i))
        l->no_memory = true;
    return true;
}

static bool read_instance(struct load *l)
{
    const struct tcore_json_node *labels = member(l, "labels");
    struct tcore_value name = read_string(l, "state");
    uint32_t rule = find_rule(l, "rule");
    int state = 0;

    while (state_names[state] && !is_word(name, state_names[state]))
        state++;
    if (!labels || !tcore_json_is_object(labels) || !state_names[state])
        return false;
    bool fires = state == ALERT_FIRING || state == ALERT_NODATA;

    if (rule == TCORE_MAP_NONE) {
        l->state->forgotten += fires;
        return true;
    }
    if (!l->same[rule])
        return !fires || retire(l, rule, labels->value);
    uint32_t key = engine_key(l->e, rule, labels->value.s, labels->value.len);

    if (key != TCORE_MAP_NONE && l->e->of_key[key])
        return false; /* twice */
    struct instance *i = key == TCORE_MAP_NONE ? NULL : engine_new_instance(l->e, key);

    if (!i) {
        l->no_memory = true;
        return true;
    }
    l->e->next_order--; /* it has its order */
    return fill(l, i, state);
}

static bool read_channel(struct load *l)
{
    struct notifier *n = l->e->notifier;
    struct tcore_value name = read_string(l, "name");
    uint32_t list = tcore_json_find(&l->json, 0, "sent");

    for (size_t c = 0; c < n->rules->channel_count && list; c++) {
        const struct channel *channel = &n->rules->channel[c];
        struct channel_state *state = &n->channel[c];

        if (!is_word(name, channel->name))
            continue;
        for (uint32_t e = list + 1; e < l->json.node[list].next; e++) {
            const struct tcore_value *at = &l->json.node[e].value;
            int64_t ns;

            if (at->kind != TCORE_STRING || !tcore_parse_int64(at->s, at->len, &ns))
                return false;
            if (state->sent_count < channel->limit)
                state->sent[state->sent_count++] = ns;
        }
    }
    return list;
}

static bool read_dedup(struct load *l)
{
    uint32_t rule = find_rule(l, "rule"), key;
    struct tcore_value labels = read_string(l, "labels");
    struct tcore_buf text = {0};
    int64_t sent;

    if (!read_ns(l, "sent", &sent))
        return false;
    if (rule == TCORE_MAP_NONE || !l->same[rule])
        return true;
    tcore_buf_append(&text, &rule, sizeof rule);
    tcore_buf_append(&text, labels.s, labels.len);
    key = text.failed ? TCORE_MAP_NONE
                      : notifier_dedup_key(l->e->notifier, text.data, text.length, NULL);
    tcore_buf_free(&text);
    if (key == TCORE_MAP_NONE)
        l->no_memory = true;
    else
        l->e->notifier->dedup_ns[key] = sent;
    return true;
}

static bool read_waiting(struct load *l)
{
    struct tcore_value channel = read_string(l, "channel"), alert = read_string(l, "alert");
    int64_t attempts;

    if (!read_ns(l, "attempts", &attempts) || attempts < 0 || attempts >= UINT32_MAX ||
        !channel.len || !alert.len)
        return false;
    struct tcore_value name = read_string(l, "type");
    int type = 0;

    while (channel_type_names[type] && !is_word(name, channel_type_names[type]))
        type++;
    if (!channel_type_names[type])
        return false;
    if (!notifier_keep(l->e->notifier, channel.s, channel.len, channel_type_names[type], alert.s,
                       alert.len, (uint32_t)attempts))
        l->no_memory = true;
    return true;
}

static bool read_line(struct load *l, size_t number)
{
    static const struct {
        const char *name;
        bool (*read)(struct load *l);
    } lines[] = {{"rule", read_rule},
                 {"instance", read_instance},
                 {"channel", read_channel},
                 {"dedup", read_dedup},
                 {"waiting", read_waiting}};
    struct tcore_value name = read_string(l, "line");

    if (!tcore_json_is_object(l->json.node))
        return false;
    if (number == 1)
        return read_header(l);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (is_word(name, lines[i].name))
            return lines[i].read(l);
    return false;
}

static bool load_text(struct load *l, const char *text, size_t length)
{
    struct cli *cli = l->state->cli;
    const char *at = text, *end = text + length;

    for (size_t number = 1; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        enum tcore_status status = TCORE_SKIP;

        if (newline)
            status = tcore_json_parse(&l->json, at, (size_t)(newline - at), &l->err);
        if (status != TCORE_FATAL && (status != TCORE_OK || !read_line(l, number))) {
            cli_error(cli, "%s:%zu: this is no state of trace-alert", l->state->path, number);
            return false;
        }
        if (status == TCORE_FATAL || l->no_memory) {
            cli_error(cli, "out of memory");
            return false;
        }
        at = newline + 1;
    }
    return true;
}

static bool load(struct state_file *state, struct engine *e, bool same_run, const char *text,
                 size_t length)
{
    struct load l = {.e = e, .state = state, .same_run = same_run};
    bool loaded = false;

    l.same = tcore_calloc(e->rules->count + 1, sizeof *l.same);
    if (tcore_map_init(&l.rules) == 0 && l.same) {
        loaded = true;
        for (size_t r = 0; r < e->rules->count && loaded; r++) {
            const char *name = e->rules->rule[r].name;

            loaded = tcore_map_intern(&l.rules, name, strlen(name), NULL) == r;
        }
    }
    if (!loaded)
        cli_error(state->cli, "out of memory");
    if (loaded)
        loaded = load_text(&l, text, length);
    tcore_map_free(&l.rules);
    tcore_free(l.same);
    tcore_json_free(&l.json);
    return loaded;
}

/* --- The file */

static bool fail(const struct state_file *state)
{
    cli_error(state->cli, "%s: %s", state->path, strerror(errno));
    return false;
}

/* Opens and locks the file that has the name now. */
static bool lock(struct state_file *state)
{
    const struct tcore_sys *sys = tcore_sys();

    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        struct stat opened, named;
        int fd = sys->openat(AT_FDCWD, state->path,
                             O_CLOEXEC | (state->read_only ? O_RDONLY : O_RDWR | O_CREAT), 0600);

        if (fd < 0 && errno == ENOENT && state->read_only)
            return true; /* there is nothing to go on with */
        if (fd < 0)
            return fail(state);
        if (sys->fstat(fd, &opened) != 0 || !S_ISREG(opened.st_mode)) {
            sys->close(fd);
            cli_error(state->cli, "%s: this is no regular file", state->path);
            return false;
        }
        bool locked = sys->flock(fd, LOCK_EX | LOCK_NB) == 0;

        if (locked && stat(state->path, &named) == 0 && named.st_ino == opened.st_ino &&
            named.st_dev == opened.st_dev) {
            state->fd = fd;
            return true;
        }
        sys->close(fd);
        if (!locked) /* else it was replaced in between: try again at once */
            (void)sys->poll(NULL, 0, LOCK_WAIT_MS);
    }
    cli_error(state->cli, "%s: another run of trace-alert has it", state->path);
    return false;
}

static bool read_all(struct state_file *state, struct tcore_buf *text)
{
    for (;;) {
        char *room = tcore_buf_reserve(text, 65536);
        ssize_t got;

        if (!room) {
            errno = ENOMEM;
            return fail(state);
        }
        got = tcore_read_some(state->fd, room, 65536);
        if (got < 0)
            return fail(state);
        if (!got)
            return true;
        text->length += (size_t)got;
    }
}

bool state_open(struct state_file *state, struct cli *cli, const char *path, bool read_only,
                struct engine *e)
{
    struct tcore_buf text = {0};
    bool opened;

    *state = (struct state_file){.cli = cli, .path = path, .fd = -1, .read_only = read_only};
    opened = lock(state) && (state->fd < 0 || read_all(state, &text));
    if (opened && text.length)
        opened = load(state, e, false, text.data, text.length);
    tcore_buf_free(&text);
    return opened;
}

bool state_hand_over(struct state_file *state, const struct engine *from, struct engine *to)
{
    struct tcore_buf text = {0};
    bool done = false;

    put_state(&text, from, true);
    if (text.failed)
        cli_error(state->cli, "out of memory");
    else
        done = load(state, to, true, text.data, text.length);
    tcore_buf_free(&text);
    return done;
}

/* The new file is locked before it has the name, so that no other run comes in between. */
static int replace(struct state_file *state, struct cli_replace *file, const struct tcore_buf *text)
{
    const struct tcore_sys *sys = tcore_sys();
    int errnum = cli_replace_open(file, state->path, O_RDWR, 0600);

    if (errnum)
        return errnum;
    if (sys->flock(file->fd, LOCK_EX | LOCK_NB) != 0 ||
        tcore_write_all(file->fd, text->data, text->length) != 0)
        return errno;
    errnum = cli_replace_commit(file, true, true);
    if (file->placed) {
        sys->close(state->fd);
        state->fd = file->fd;
    }
    return errnum;
}

bool state_save(struct state_file *state, const struct engine *e)
{
    struct tcore_buf text = {0};
    struct cli_replace file = CLI_REPLACE_CLOSED;
    int errnum;

    put_state(&text, e, false);
    errnum = text.failed ? ENOMEM : replace(state, &file, &text);
    cli_replace_end(&file);
    tcore_buf_free(&text);
    if (errnum)
        cli_error(state->cli, "%s: cannot be saved: %s", state->path, strerror(errnum));
    return !errnum;
}

void state_settle(struct state_file *state)
{
    for (size_t r = 0; r < state->retired_count; r++)
        tcore_free(state->retired[r].labels);
    tcore_free(state->retired);
    state->retired = NULL;
    state->retired_count = 0;
}

void state_close(struct state_file *state)
{
    if (state->fd >= 0)
        tcore_sys()->close(state->fd);
    state_settle(state);
}
