/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message is sent at once, right behind the alert record on standard output. A state that is
 * saved later knows that, or has it in the outbox: so every transition that a state knows of was
 * sent at least once, and one that is sent again has the same transitionId.
 */
#include <config.h>

#include "alert/notify.h"

#include "alert/template.h"
#include "base/sys.h"
#include "cli/message.h"
#include "model/id.h"
#include "model/number.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEDUP_ENTRIES 1024 /* fewer are left alone */

/* --- The alert record */

/* Integral values without a fraction. */
static size_t format_value(char *out, double value)
{
    int64_t integer = (int64_t)fmax(-1e15, fmin(1e15, value));

    if ((double)integer == value)
        return tcore_format_int64(out, integer);
    return tcore_format_double(out, value);
}

/* What a template of an annotation can name. */
struct facts {
    const struct tcore_json *labels;
    const char *name, *message, *state;
    bool has_value;
    double value;
};

static bool is(const char *name, size_t length, const char *word)
{
    return strlen(word) == length && !memcmp(name, word, length);
}

static void put_fact(const void *data, const char *name, size_t length, struct tcore_buf *out)
{
    const struct facts *facts = data;
    uint32_t found = tcore_json_find_n(facts->labels, 0, name, length);

    if (found) {
        tcore_buf_append(out, facts->labels->node[found].value.s,
                         facts->labels->node[found].value.len);
    } else if (is(name, length, "value") && facts->has_value) {
        char text[TCORE_NUMBER_BYTES];

        tcore_buf_append(out, text, format_value(text, facts->value));
    } else if (is(name, length, "message") && facts->message) {
        tcore_buf_puts(out, facts->message);
    } else if (is(name, length, "alertName")) {
        tcore_buf_puts(out, facts->name);
    } else if (is(name, length, "state")) {
        tcore_buf_puts(out, facts->state);
    }
}

static void put_annotations(struct notifier *n, const struct cli_texts *annotations,
                            const struct facts *facts, struct tcore_buf *out)
{
    if (!annotations->count)
        return;
    tcore_buf_puts(out, ",\"annotations\":{");
    for (size_t i = 0; i < annotations->count; i++) {
        if (i)
            tcore_buf_putc(out, ',');
        tcore_json_write_string(out, annotations->item[i].key, strlen(annotations->item[i].key));
        tcore_buf_putc(out, ':');
        tcore_buf_clear(&n->text);
        template_expand(annotations->item[i].value, put_fact, facts, &n->text);
        tcore_json_write_string(out, n->text.length ? n->text.data : "", n->text.length);
        out->failed |= n->text.failed;
    }
    tcore_buf_putc(out, '}');
}

/* A hash of what and, if since is not NULL, of when; blanks keep it from being read as an id. */
static void make_id(struct notifier *n, enum tcore_id_class id, const struct rule *rule,
                    const char *labels, const int64_t *since, const char *state, int64_t ns,
                    char *out)
{
    tcore_buf_clear(&n->text);
    tcore_buf_printf(&n->text, "alert %s %s", rule->name, labels);
    if (since)
        tcore_buf_printf(&n->text, " %" PRId64, *since);
    if (state)
        tcore_buf_printf(&n->text, " %s %" PRId64, state, ns);
    *out = '\0';
    if (!n->text.failed) {
        tcore_id_normalise(id, n->text.data, n->text.length, out);
        out[id] = '\0';
    }
}

static enum tcore_status write_alert(struct engine *e, const struct instance *i, const char *state,
                                     int64_t ns, struct tcore_buf *out, struct tcore_error *err)
{
    struct notifier *n = e->notifier;
    const struct rule *rule = &e->rules->rule[i->rule];
    const char *labels = instance_labels(e, i);
    char alert_id[TCORE_TRACE_ID + 1], transition[TCORE_TRACE_ID + 1], print[TCORE_SPAN_ID + 1];
    enum tcore_status status = tcore_json_parse(&n->json, labels, strlen(labels), err);

    if (status != TCORE_OK)
        return tcore_error_set(err, TCORE_FATAL, "labels that are no JSON");
    const struct facts facts = {&n->json, rule->name, i->message, state, i->has_value, i->value};
    uint32_t service = tcore_json_find(&n->json, 0, "service");

    make_id(n, TCORE_TRACE_ID, rule, labels, &i->since_ns, NULL, 0, alert_id);
    make_id(n, TCORE_TRACE_ID, rule, labels, &i->since_ns, state, ns, transition);
    make_id(n, TCORE_SPAN_ID, rule, labels, NULL, NULL, 0, print);
    tcore_buf_printf(out, "{\"type\":\"alert\",\"alertId\":\"%s\",\"alertName\":", alert_id);
    tcore_json_write_string(out, rule->name, strlen(rule->name));
    tcore_buf_printf(out, ",\"state\":\"%s\"", state);
    if (labels[1] != '}')
        tcore_buf_printf(out, ",\"labels\":%s", labels);
    put_annotations(n, &rule->annotations, &facts, out);
    if (i->has_value) {
        char text[TCORE_NUMBER_BYTES];

        tcore_buf_puts(out, ",\"value\":");
        tcore_buf_append(out, text, format_value(text, i->value));
    }
    tcore_buf_printf(out, ",\"timeUnixNano\":\"%" PRId64 "\",\"startedUnixNano\":\"%" PRId64 "\"",
                     ns, i->since_ns);
    if (service && n->json.node[service].value.len) {
        tcore_buf_puts(out, ",\"affectedSystems\":[");
        tcore_json_write_value(out, &n->json.node[service].value);
        tcore_buf_putc(out, ']');
    }
    tcore_buf_printf(out, ",\"fingerprint\":\"%s\",\"transitionId\":\"%s\"}", print, transition);
    return tcore_buf_status(out, err);
}

/* --- Channels */

static void put_notification(struct notifier *n, const char *alert_id, const char *name,
                             const char *type, uint32_t attempt, const char *outcome,
                             const char *detail, int64_t ns, struct tcore_buf *out)
{
    (void)n;
    tcore_buf_printf(out, "{\"type\":\"notification\",\"alertId\":\"%s\",\"channel\":", alert_id);
    tcore_json_write_string(out, name, strlen(name));
    tcore_buf_printf(out, ",\"channelType\":\"%s\"", type);
    if (attempt)
        tcore_buf_printf(out, ",\"attempt\":%" PRIu32, attempt);
    tcore_buf_printf(out, ",\"outcome\":\"%s\"", outcome);
    if (*detail) {
        tcore_buf_puts(out, ",\"detail\":");
        tcore_json_write_string(out, detail, strlen(detail));
    }
    tcore_buf_printf(out, ",\"timeUnixNano\":\"%" PRId64 "\"}\n", ns);
}

/* The alert is in n->json and n->line. */
static bool deliver(struct notifier *n, uint32_t number, char *reason)
{
    const struct channel *channel = &n->rules->channel[number];

    *reason = '\0';
    if (channel->type == CHANNEL_FILE)
        return notify_file(&n->channel[number], channel->path, n->line.data, n->line.length,
                           reason);
    return notify_exec(n->cli, channel, &n->json, n->line.data, n->line.length, reason);
}

static const char *text_at(const struct tcore_json *json, const char *name)
{
    uint32_t node = tcore_json_find(json, 0, name);

    return node && json->node[node].value.kind == TCORE_STRING ? json->node[node].value.s : "";
}

static void copy_id(char out[TCORE_TRACE_ID + 1], const struct tcore_json *json)
{
    snprintf(out, TCORE_TRACE_ID + 1, "%.*s", TCORE_TRACE_ID, text_at(json, "alertId"));
    if (strspn(out, "0123456789abcdef") != TCORE_TRACE_ID)
        *out = '\0';
}

bool notifier_keep(struct notifier *n, const char *channel, size_t channel_length, const char *type,
                   const char *alert, size_t alert_length, uint32_t attempts)
{
    if (n->outbox_count == n->outbox_capacity) {
        size_t capacity = n->outbox_capacity ? n->outbox_capacity * 2 : 8;
        struct waiting *outbox = tcore_reallocarray(n->outbox, capacity, sizeof *outbox);

        if (!outbox)
            return false;
        n->outbox = outbox;
        n->outbox_capacity = capacity;
    }
    struct waiting *w = &n->outbox[n->outbox_count];

    *w = (struct waiting){tcore_strndup(channel, channel_length),
                          tcore_strndup(alert, alert_length), type, attempts};
    if (w->channel && w->alert) {
        n->outbox_count++;
        return true;
    }
    tcore_free(w->channel);
    tcore_free(w->alert);
    return false;
}

/* Whether the channel's limit leaves room for one more now; if so it is taken. */
static bool take_turn(struct notifier *n, uint32_t number, int64_t now_ns)
{
    const struct channel *channel = &n->rules->channel[number];
    struct channel_state *state = &n->channel[number];
    int64_t age;

    if (!channel->limit)
        return true;
    if (state->sent_count == channel->limit) {
        if (!__builtin_sub_overflow(now_ns, state->sent[0], &age) && age < channel->limit_ns)
            return false;
        memmove(state->sent, state->sent + 1, --state->sent_count * sizeof *state->sent);
    }
    state->sent[state->sent_count++] = now_ns;
    return true;
}

static enum tcore_status send_one(struct engine *e, uint32_t number, const char *hold_back,
                                  int64_t ns, struct tcore_buf *out, struct tcore_error *err)
{
    struct notifier *n = e->notifier;
    const struct channel *channel = &n->rules->channel[number];
    const char *type = channel_type_names[channel->type];
    char reason[NOTIFY_REASON_BYTES], id[TCORE_TRACE_ID + 1];

    copy_id(id, &n->json);
    if (!hold_back && !take_turn(n, number, e->now_ns))
        hold_back = "limit";
    if (hold_back) {
        put_notification(n, id, channel->name, type, 0, "suppressed", hold_back, ns, out);
        return TCORE_OK;
    }
    bool sent = deliver(n, number, reason);

    put_notification(n, id, channel->name, type, 1, sent ? "sent" : "failed", reason, ns, out);
    if (sent)
        return TCORE_OK;
    n->failures++;
    cli_note(n->cli, "channel '%s': %s", channel->name, reason);
    return notifier_keep(n, channel->name, strlen(channel->name), type, n->line.data,
                         n->line.length, 1)
               ? TCORE_OK
               : tcore_error_nomem(err);
}

/* --- Holding back */

uint32_t notifier_dedup_key(struct notifier *n, const void *key, size_t length, bool *added)
{
    uint32_t number = tcore_map_intern(&n->dedup, key, length, added);

    if (number == TCORE_MAP_NONE || number < n->dedup_capacity)
        return number;
    size_t capacity = n->dedup_capacity ? n->dedup_capacity * 2 : 64;
    int64_t *ns = tcore_reallocarray(n->dedup_ns, capacity, sizeof *ns);

    if (!ns)
        return TCORE_MAP_NONE;
    n->dedup_ns = ns;
    n->dedup_capacity = capacity;
    return number;
}

/* key: of the dedup map. */
static bool is_over(const struct notifier *n, const struct tcore_map_key *key, int64_t sent_ns,
                    int64_t now_ns)
{
    uint32_t rule;
    int64_t age;

    memcpy(&rule, key->data, sizeof rule);
    return __builtin_sub_overflow(now_ns, sent_ns, &age) ||
           age >= n->rules->rule[rule].dedup_window_ns;
}

bool notifier_dedup_is_over(const struct notifier *n, uint32_t number, int64_t now_ns)
{
    return is_over(n, &n->dedup.keys[number], n->dedup_ns[number], now_ns);
}

/* Forgets what is over, when there may be enough of it to be worth the time. */
static enum tcore_status expire_dedup(struct notifier *n, int64_t now_ns, struct tcore_error *err)
{
    struct tcore_map old = n->dedup;
    uint32_t kept = 0;

    if (old.count < DEDUP_ENTRIES || old.count < n->dedup_limit)
        return TCORE_OK;
    n->dedup = (struct tcore_map){0};
    if (tcore_map_init(&n->dedup)) {
        n->dedup = old;
        return tcore_error_set(err, TCORE_FATAL, "no randomness");
    }
    for (uint32_t d = 0; d < old.count; d++) {
        int64_t sent_ns = n->dedup_ns[d];

        if (is_over(n, &old.keys[d], sent_ns, now_ns))
            continue;
        if (tcore_map_intern(&n->dedup, old.keys[d].data, old.keys[d].length, NULL) != kept) {
            tcore_map_free(&old);
            return tcore_error_nomem(err);
        }
        n->dedup_ns[kept++] = sent_ns;
    }
    n->dedup_limit = kept * 2;
    tcore_map_free(&old);
    return TCORE_OK;
}

/* A firing alert whose labels by dedup are those of one that was sent less than window ago is not
 * sent, nor what follows of it. */
static enum tcore_status check_dedup(struct engine *e, struct instance *i, int64_t ns,
                                     struct tcore_error *err)
{
    struct notifier *n = e->notifier;
    const struct rule *rule = &e->rules->rule[i->rule];
    bool added = false;
    int64_t age;

    tcore_buf_clear(&n->text);
    tcore_buf_append(&n->text, &i->rule, sizeof i->rule);
    for (size_t w = 0; w < rule->dedup_by.count; w++) {
        struct tcore_buf value = {0};

        template_put_of_alert(&n->json, rule->dedup_by.item[w], strlen(rule->dedup_by.item[w]),
                              &value);
        tcore_buf_printf(&n->text, "%zu:", value.length);
        tcore_buf_append(&n->text, value.data, value.length);
        n->text.failed |= value.failed;
        tcore_buf_free(&value);
    }
    uint32_t key = n->text.failed ? TCORE_MAP_NONE
                                  : notifier_dedup_key(n, n->text.data, n->text.length, &added);

    if (key == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    i->suppressed = !added && !__builtin_sub_overflow(ns, n->dedup_ns[key], &age) &&
                    age < rule->dedup_window_ns;
    if (!i->suppressed)
        n->dedup_ns[key] = ns;
    return TCORE_OK;
}

static unsigned state_bit(const char *state)
{
    return *state == 'f' ? CHANNEL_FIRING : *state == 'r' ? CHANNEL_RESOLVED : CHANNEL_NODATA;
}

enum tcore_status notify_transition(struct engine *e, struct instance *i, const char *state,
                                    int64_t ns, bool was_sent, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct notifier *n = e->notifier;
    const struct rule *rule = &e->rules->rule[i->rule];
    enum tcore_status status;

    n->transitions++;
    tcore_buf_clear(&n->line);
    status = write_alert(e, i, state, ns, &n->line, err);
    if (status != TCORE_OK)
        return status;
    tcore_buf_append(out, n->line.data, n->line.length);
    tcore_buf_putc(out, '\n');
    if (*state == 'p' || (*state == 'r' && !was_sent))
        return TCORE_OK; /* nobody has heard of it */
    status = tcore_json_parse(&n->json, n->line.data, n->line.length, err);
    if (status == TCORE_OK && rule->dedup_by.count && *state == 'f' && !was_sent) {
        status = expire_dedup(n, e->now_ns, err);
        if (status == TCORE_OK)
            status = check_dedup(e, i, ns, err);
    }
    for (size_t c = 0; c < rule->channel_count && status == TCORE_OK; c++)
        if (n->rules->channel[rule->channel[c]].on & state_bit(state))
            status = send_one(e, rule->channel[c],
                              n->dry_run      ? "dry run"
                              : i->suppressed ? "dedup"
                                              : NULL,
                              ns, out, err);
    return status;
}

/* --- The outbox */

static enum tcore_status retry_one(struct notifier *n, struct waiting *w, int64_t now_ns,
                                   bool *done, struct tcore_buf *out, struct tcore_error *err)
{
    char reason[NOTIFY_REASON_BYTES] = "this channel is gone from the rules";
    char id[TCORE_TRACE_ID + 1];
    const char *type = w->type;
    bool sent = false;
    uint32_t number = 0;
    enum tcore_status status = tcore_json_parse(&n->json, w->alert, strlen(w->alert), err);

    if (status != TCORE_OK)
        return status == TCORE_FATAL ? status
                                     : tcore_error_set(err, TCORE_FATAL,
                                                       "a message in the state "
                                                       "that is no JSON");
    copy_id(id, &n->json);
    while (number < n->rules->channel_count &&
           strcmp(n->rules->channel[number].name, w->channel) != 0)
        number++;
    *done = number == n->rules->channel_count;
    if (!*done) {
        type = channel_type_names[n->rules->channel[number].type];
        tcore_buf_clear(&n->line);
        tcore_buf_puts(&n->line, w->alert);
        if (n->line.failed)
            return tcore_error_nomem(err);
        *done = sent = deliver(n, number, reason);
    }
    put_notification(n, id, w->channel, type, ++w->attempts, sent ? "sent" : "failed", reason,
                     now_ns, out);
    if (!sent) {
        n->failures++;
        cli_note(n->cli, "channel '%s': %s", w->channel, reason);
    }
    return TCORE_OK;
}

enum tcore_status notifier_retry(struct notifier *n, int64_t now_ns, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    size_t kept = 0;

    if (n->dry_run)
        return TCORE_OK;
    for (size_t i = 0; i < n->outbox_count; i++) {
        struct waiting *w = &n->outbox[i];
        bool done = false;

        if (status == TCORE_OK)
            status = retry_one(n, w, now_ns, &done, out, err);
        if (done) {
            n->transitions++; /* the state changes */
            tcore_free(w->channel);
            tcore_free(w->alert);
        } else {
            n->outbox[kept++] = *w;
        }
    }
    n->outbox_count = kept;
    return status;
}

bool notifier_sync(struct notifier *n)
{
    const struct tcore_sys *sys = tcore_sys();
    bool synced = true;

    for (size_t c = 0; c < n->rules->channel_count; c++) {
        int fd = n->channel[c].fd;

        n->channel[c].fd = -1;
        if (fd < 0)
            continue;
        if (sys->fdatasync(fd) != 0 && errno != EINVAL && errno != EROFS) {
            cli_error(n->cli, "%s: %s", n->rules->channel[c].path, strerror(errno));
            synced = false;
        }
        if (sys->close(fd) != 0 && errno != EINTR) {
            cli_error(n->cli, "%s: %s", n->rules->channel[c].path, strerror(errno));
            synced = false;
        }
    }
    return synced;
}

enum tcore_status notifier_open(struct notifier *n, struct cli *cli, const struct rules *rules,
                                bool dry_run, struct tcore_error *err)
{
    *n = (struct notifier){.cli = cli, .rules = rules, .dry_run = dry_run};
    if (tcore_map_init(&n->dedup))
        return tcore_error_set(err, TCORE_FATAL, "no randomness");
    n->channel = tcore_calloc(rules->channel_count + 1, sizeof *n->channel);
    if (!n->channel)
        return tcore_error_nomem(err);
    for (size_t c = 0; c < rules->channel_count; c++) {
        n->channel[c].fd = -1;
        n->channel[c].sent = tcore_calloc(rules->channel[c].limit + 1, sizeof(int64_t));
        if (!n->channel[c].sent)
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

void notifier_free(struct notifier *n)
{
    for (size_t c = 0; n->channel && c < n->rules->channel_count; c++) {
        if (n->channel[c].fd >= 0)
            tcore_sys()->close(n->channel[c].fd);
        tcore_free(n->channel[c].sent);
    }
    tcore_free(n->channel);
    for (size_t i = 0; i < n->outbox_count; i++) {
        tcore_free(n->outbox[i].channel);
        tcore_free(n->outbox[i].alert);
    }
    tcore_free(n->outbox);
    tcore_free(n->dedup_ns);
    tcore_map_free(&n->dedup);
    tcore_json_free(&n->json);
    tcore_buf_free(&n->line);
    tcore_buf_free(&n->text);
}
