/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the tree of a rule file to rules: the tables of the language, and what they cannot say. */
#include <config.h>

#include "alert/rules.h"

#include "base/map.h"
#include "base/sys.h"
#include "cli/options.h"
#include "cli/schema.h"
#include "model/id.h"
#include "model/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(table)       (sizeof(table) / sizeof *(table))
#define DEFAULT_EVERY_NS   (INT64_C(60) * 1000000000)
#define DEFAULT_TIMEOUT_NS (INT64_C(30) * 1000000000)

static struct rules *rules_of(const struct cli_schema *p)
{
    return p->target;
}

/* Reports the values of a map, or the elements of a list, that are no templates. */
static void check_templates(struct cli_schema *p, uint32_t node, const char *key)
{
    const struct cli_yaml_node *container = cli_schema_node(p, node);
    bool map = container->kind == CLI_YAML_MAP;

    for (uint32_t n = container->first; n;) {
        uint32_t value = map ? cli_schema_node(p, n)->next : n;
        const char *problem = cli_schema_node(p, value)->kind == CLI_YAML_SCALAR
                                  ? rule_template_problem(cli_schema_node(p, value)->text)
                                  : NULL;

        if (problem)
            cli_schema_error_in(p, value, "%s: %s", map ? cli_schema_node(p, n)->text : key,
                                problem);
        n = cli_schema_node(p, value)->next;
    }
}

const char *const channel_type_names[] = {"file", "exec", NULL};

/* --- Channels */

struct channel_map {
    int type;
    const char *path, *limit;
    struct cli_words argv, on;
    int64_t timeout_ns;
    bool is_default;
};

enum { C_TYPE, C_PATH, C_ARGV, C_TIMEOUT, C_LIMIT, C_ON, C_DEFAULT };

static const struct cli_key channel_keys[] = {
    {"type", CLI_KEY_CHOICE, offsetof(struct channel_map, type), channel_type_names},
    {"path", CLI_KEY_TEXT, offsetof(struct channel_map, path), NULL},
    {"argv", CLI_KEY_WORDS, offsetof(struct channel_map, argv), NULL},
    {"timeout", CLI_KEY_DURATION, offsetof(struct channel_map, timeout_ns), NULL},
    {"limit", CLI_KEY_TEXT, offsetof(struct channel_map, limit), NULL},
    {"on", CLI_KEY_WORDS, offsetof(struct channel_map, on), NULL},
    {"default", CLI_KEY_BOOL, offsetof(struct channel_map, is_default), NULL},
};

/* "1 per 10m" */
static void read_limit(struct cli_schema *p, uint32_t node, const char *text,
                       struct channel *channel)
{
    const char *per = strstr(text, " per "), *reason;
    int64_t count;
    char number[32];

    snprintf(number, sizeof number, "%.*s", (int)(per ? per - text : 0), text);
    if (!per || per - text >= (int)sizeof number || !cli_parse_count(number, &count, &reason) ||
        count < 1 || count > 10000 || !cli_parse_duration(per + 5, &channel->limit_ns, &reason) ||
        channel->limit_ns <= 0)
        cli_schema_error_in(p, node, "limit: '%s' is no limit (1 per 10m)", text);
    else
        channel->limit = (uint32_t)count;
}

static void read_on(struct cli_schema *p, uint32_t node, const struct cli_words *on,
                    struct channel *channel)
{
    static const char *const names[] = {"firing", "resolved", "nodata", NULL};
    uint32_t word =
        cli_schema_node(p, node)->kind == CLI_YAML_SCALAR ? node : cli_schema_node(p, node)->first;

    channel->on = 0;
    for (size_t i = 0; i < on->count; i++, word = cli_schema_node(p, word)->next) {
        size_t n = 0;

        while (names[n] && strcmp(names[n], on->item[i]) != 0)
            n++;
        if (names[n])
            channel->on |= 1u << n;
        else
            cli_schema_error_in(p, word, "on: '%s' is none of firing, resolved, nodata",
                                on->item[i]);
    }
    if (!on->count)
        cli_schema_error_in(p, node, "on is empty: the channel would never be used");
}

static void check_channel(struct cli_schema *p, uint32_t key, uint32_t node, uint32_t had,
                          const uint32_t *nodes, struct channel *channel)
{
    bool exec = channel->type == CHANNEL_EXEC;

    if (exec ? !nodes[C_ARGV] : !nodes[C_PATH])
        cli_schema_error_in(p, key, "channel '%s': %s is missing", channel->name,
                            exec ? "argv" : "path");
    if (exec ? nodes[C_PATH] : nodes[C_ARGV] || nodes[C_TIMEOUT])
        cli_schema_error_in(p, node, "channel '%s' of type %s takes no %s", channel->name,
                            channel_type_names[channel->type],
                            exec            ? "path"
                            : nodes[C_ARGV] ? "argv"
                                            : "timeout");
    if (had >> C_ARGV & 1) {
        if (!channel->argv.count || !*channel->argv.item[0])
            cli_schema_error_in(p, nodes[C_ARGV], "argv is empty");
        else if (strpbrk(channel->argv.item[0], "{}"))
            cli_schema_error_in(p, nodes[C_ARGV], "argv: the program's name is no template");
        check_templates(p, nodes[C_ARGV], "argv");
    }
    if (had >> C_TIMEOUT & 1 && channel->timeout_ns <= 0)
        cli_schema_error_in(p, nodes[C_TIMEOUT], "timeout must be more than 0");
}

static void read_channel(struct cli_schema *p, uint32_t key, uint32_t node, struct channel *channel)
{
    struct channel_map map = {.timeout_ns = DEFAULT_TIMEOUT_NS};
    uint32_t nodes[COUNT(channel_keys)] = {0};

    *channel = (struct channel){.name = cli_schema_keep(p, cli_schema_node(p, key)->text),
                                .line = cli_schema_node(p, key)->line,
                                .column = cli_schema_node(p, key)->column,
                                .on = CHANNEL_FIRING | CHANNEL_RESOLVED | CHANNEL_NODATA};
    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, cli_schema_node(p, key)->text))
        return;
    /* A type of another version may have keys of its own: then the type is the one error. */
    for (uint32_t k = cli_schema_node(p, node)->first; k;
         k = cli_schema_node(p, cli_schema_node(p, k)->next)->next) {
        uint32_t value = cli_schema_node(p, k)->next;
        const char *type = cli_schema_node(p, value)->text;

        if (!strcmp(cli_schema_node(p, k)->text, "type") && type && strcmp(type, "file") != 0 &&
            strcmp(type, "exec") != 0) {
            cli_schema_error_in(p, value,
                                "channel type '%s' is not known to this version: file, exec", type);
            return;
        }
    }
    uint32_t had = cli_schema_read_map(p, node, channel_keys, COUNT(channel_keys), &map, nodes);

    if (p->fatal)
        return;
    if (!nodes[C_TYPE]) {
        cli_schema_error_in(p, key, "channel '%s': type is missing (file, exec)", channel->name);
        return;
    }
    channel->type = (enum channel_type)map.type;
    channel->path = map.path;
    channel->argv = map.argv;
    channel->timeout_ns = map.timeout_ns;
    channel->is_default = map.is_default;
    if (had >> C_LIMIT & 1)
        read_limit(p, nodes[C_LIMIT], map.limit, channel);
    if (had >> C_ON & 1)
        read_on(p, nodes[C_ON], &map.on, channel);
    check_channel(p, key, node, had, nodes, channel);
}

static uint32_t find_channel(const struct rules *rules, const char *name)
{
    for (uint32_t i = 0; i < rules->channel_count; i++)
        if (!strcmp(rules->channel[i].name, name))
            return i;
    return UINT32_MAX;
}

static void read_channels(struct cli_schema *p, uint32_t node)
{
    struct rules *rules = rules_of(p);

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "channels"))
        return;
    rules->channel =
        cli_schema_allocate(p, cli_schema_node(p, node)->count, sizeof *rules->channel);
    for (uint32_t k = cli_schema_node(p, node)->first; k && !p->fatal;) {
        uint32_t value = cli_schema_node(p, k)->next;

        if (find_channel(rules, cli_schema_node(p, k)->text) != UINT32_MAX)
            cli_schema_error_in(p, k, "channel '%s' is there twice", cli_schema_node(p, k)->text);
        else
            read_channel(p, k, value, &rules->channel[rules->channel_count++]);
        k = cli_schema_node(p, value)->next;
    }
}

/* --- What a rule looks at */

struct when_map {
    const char *metric, *stat;
    struct cli_texts labels;
    double greater_than, less_than, clear_below, clear_above;
    int64_t window_ns;
};

enum { W_METRIC, W_LABELS, W_STAT, W_GREATER, W_LESS, W_CLEAR_BELOW, W_CLEAR_ABOVE, W_WINDOW };

static const struct cli_key when_keys[] = {
    {"metric", CLI_KEY_TEXT, offsetof(struct when_map, metric), NULL},
    {"labels", CLI_KEY_TEXTS, offsetof(struct when_map, labels), NULL},
    {"stat", CLI_KEY_TEXT, offsetof(struct when_map, stat), NULL},
    {"greater_than", CLI_KEY_NUMBER, offsetof(struct when_map, greater_than), NULL},
    {"less_than", CLI_KEY_NUMBER, offsetof(struct when_map, less_than), NULL},
    {"clear_below", CLI_KEY_NUMBER, offsetof(struct when_map, clear_below), NULL},
    {"clear_above", CLI_KEY_NUMBER, offsetof(struct when_map, clear_above), NULL},
    {"window", CLI_KEY_DURATION, offsetof(struct when_map, window_ns), NULL},
};

static void check_when(struct cli_schema *p, uint32_t node, const uint32_t *nodes, uint32_t had,
                       const struct when_map *map)
{
    if (!nodes[W_METRIC])
        cli_schema_error_in(p, node, "when: metric is missing");
    if (!nodes[W_GREATER] == !nodes[W_LESS])
        cli_schema_error_in(p, node, "when: %s of greater_than and less_than",
                            nodes[W_GREATER] ? "only one" : "one");
    if (nodes[W_CLEAR_BELOW] && !nodes[W_GREATER])
        cli_schema_error_in(p, nodes[W_CLEAR_BELOW], "clear_below goes with greater_than");
    else if (had >> W_CLEAR_BELOW & 1 && had >> W_GREATER & 1 &&
             map->clear_below > map->greater_than)
        cli_schema_error_in(p, nodes[W_CLEAR_BELOW],
                            "clear_below is above greater_than: it would clear at once");
    if (nodes[W_CLEAR_ABOVE] && !nodes[W_LESS])
        cli_schema_error_in(p, nodes[W_CLEAR_ABOVE], "clear_above goes with less_than");
    else if (had >> W_CLEAR_ABOVE & 1 && had >> W_LESS & 1 && map->clear_above < map->less_than)
        cli_schema_error_in(p, nodes[W_CLEAR_ABOVE],
                            "clear_above is below less_than: it would clear at once");
    if (nodes[W_WINDOW] && !nodes[W_STAT])
        cli_schema_error_in(p, nodes[W_WINDOW], "window goes with stat");
    else if (had >> W_WINDOW & 1 && map->window_ns <= 0)
        cli_schema_error_in(p, nodes[W_WINDOW], "window must be more than 0");
}

static void read_when(struct cli_schema *p, uint32_t node, struct rule *rule)
{
    struct when_map map = {0};
    uint32_t nodes[COUNT(when_keys)] = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "when"))
        return;
    size_t errors = p->errors;
    uint32_t had = cli_schema_read_map(p, node, when_keys, COUNT(when_keys), &map, nodes);

    if (p->fatal)
        return;
    if (p->errors == errors) /* what is missing may be what was misspelt */
        check_when(p, node, nodes, had, &map);
    if (had >> W_STAT & 1 && !rule_stat_parse(map.stat, &rule->quantile))
        cli_schema_error_in(p, nodes[W_STAT],
                            "stat: '%s' is none of count, rate, sum, mean, min, max, stddev, "
                            "errors, errorRate, pNN",
                            map.stat);
    rule->source = RULE_METRIC;
    rule->form = RULE_VALUE;
    rule->metric = map.metric ? map.metric : "";
    rule->stat = map.stat;
    rule->window_ns = map.window_ns;
    rule->compare = nodes[W_GREATER] ? RULE_GREATER : RULE_LESS;
    rule->threshold = nodes[W_GREATER] ? map.greater_than : map.less_than;
    rule->has_clear = nodes[W_CLEAR_BELOW] || nodes[W_CLEAR_ABOVE];
    rule->clear = nodes[W_CLEAR_BELOW] ? map.clear_below : map.clear_above;
    rule->matcher = tcore_calloc(map.labels.count, sizeof *rule->matcher);
    if (!rule->matcher) {
        cli_schema_no_memory(p);
        return;
    }
    for (size_t i = 0; i < map.labels.count; i++)
        rule->matcher[rule->matcher_count++] = (struct rule_matcher){
            .label = map.labels.item[i].key, .value = map.labels.item[i].value};
}

static void read_expr(struct cli_schema *p, uint32_t node, struct rule *rule)
{
    const struct cli_yaml_node *n = cli_schema_node(p, node);
    struct expr_problem problem;
    enum tcore_status status;

    if (!cli_schema_is_kind(p, node, CLI_YAML_SCALAR, "expr"))
        return;
    status = rule_expr_parse(rules_of(p), rule, n->text, &problem, p->err);
    if (status == TCORE_BAD_INPUT)
        cli_schema_error(p, n->line,
                         n->column +
                             (n->one_line ? (uint32_t)problem.offset + (n->quoted ? 1 : 0) : 0),
                         "expr: %s", problem.text);
    else if (status != TCORE_OK)
        p->fatal = true;
}

/* --- Rules */

struct rule_map {
    const char *alert;
    uint32_t when, expr, actions, dedup;
    int64_t for_ns, keep_ns;
    int missing;
    struct cli_texts labels, annotations;
};

enum {
    R_ALERT,
    R_WHEN,
    R_EXPR,
    R_FOR,
    R_KEEP,
    R_MISSING,
    R_LABELS,
    R_ANNOTATIONS,
    R_ACTIONS,
    R_DEDUP
};

static const char *const missing_names[] = {"hold", "resolve", "fire", NULL};

static const struct cli_key rule_keys[] = {
    {"alert", CLI_KEY_TEXT, offsetof(struct rule_map, alert), NULL},
    {"when", CLI_KEY_NODE, offsetof(struct rule_map, when), NULL},
    {"expr", CLI_KEY_NODE, offsetof(struct rule_map, expr), NULL},
    {"for", CLI_KEY_DURATION, offsetof(struct rule_map, for_ns), NULL},
    {"keep_firing_for", CLI_KEY_DURATION, offsetof(struct rule_map, keep_ns), NULL},
    {"missing", CLI_KEY_CHOICE, offsetof(struct rule_map, missing), missing_names},
    {"labels", CLI_KEY_TEXTS, offsetof(struct rule_map, labels), NULL},
    {"annotations", CLI_KEY_TEXTS, offsetof(struct rule_map, annotations), NULL},
    {"actions", CLI_KEY_NODE, offsetof(struct rule_map, actions), NULL},
    {"dedup", CLI_KEY_NODE, offsetof(struct rule_map, dedup), NULL},
};

struct dedup_map {
    struct cli_words by;
    int64_t window_ns;
};

static const struct cli_key dedup_keys[] = {
    {"by", CLI_KEY_WORDS, offsetof(struct dedup_map, by), NULL},
    {"window", CLI_KEY_DURATION, offsetof(struct dedup_map, window_ns), NULL},
};

static void read_dedup(struct cli_schema *p, uint32_t node, struct rule *rule)
{
    struct dedup_map map = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "dedup"))
        return;
    cli_schema_read_map(p, node, dedup_keys, COUNT(dedup_keys), &map, NULL);
    if (!p->fatal && (!map.by.count || map.window_ns <= 0))
        cli_schema_error_in(p, node, "dedup takes by and window: {by: [service], window: 30m}");
    rule->dedup_by = map.by;
    rule->dedup_window_ns = map.window_ns;
}

static void add_channel(struct rule *rule, uint32_t channel)
{
    for (size_t i = 0; i < rule->channel_count; i++)
        if (rule->channel[i] == channel)
            return;
    rule->channel[rule->channel_count++] = channel;
}

/* {auto_scale: scale} */
static void read_action(struct cli_schema *p, uint32_t node, struct rule *rule)
{
    for (uint32_t k = cli_schema_node(p, node)->first; k;) {
        uint32_t value = cli_schema_node(p, k)->next;

        if (cli_schema_is_kind(p, value, CLI_YAML_SCALAR, cli_schema_node(p, k)->text)) {
            uint32_t channel = find_channel(rules_of(p), cli_schema_node(p, value)->text);

            if (channel == UINT32_MAX) {
                cli_schema_error_in(p, value, "channel '%s' is not defined",
                                    cli_schema_node(p, value)->text);
            } else {
                rules_of(p)->channel[channel].is_action = true;
                add_channel(rule, channel);
            }
        }
        k = cli_schema_node(p, value)->next;
    }
}

/* Returns whether notify is among the actions. */
static bool read_actions(struct cli_schema *p, uint32_t node, struct rule *rule)
{
    bool notify = !node;

    rule->channel = cli_schema_allocate(p, rules_of(p)->channel_count, sizeof *rule->channel);
    if (!rule->channel || !node || !cli_schema_is_kind(p, node, CLI_YAML_LIST, "actions"))
        return notify;
    for (uint32_t n = cli_schema_node(p, node)->first; n; n = cli_schema_node(p, n)->next) {
        if (cli_schema_node(p, n)->kind == CLI_YAML_MAP)
            read_action(p, n, rule);
        else if (cli_schema_node(p, n)->kind == CLI_YAML_SCALAR &&
                 !strcmp(cli_schema_node(p, n)->text, "notify"))
            notify = true;
        else
            cli_schema_error_in(p, n, "an action is notify or {name: channel}");
    }
    return notify;
}

static void hash_rule(struct cli_schema *p, uint32_t node, struct rule *rule)
{
    static const char *const without[] = {"annotations", "actions", NULL};
    struct tcore_buf text = {0};

    tcore_buf_printf(&text, "rule %" PRId64 " ", rule->every_ns);
    cli_yaml_fingerprint(&p->tree, node, without, &text);
    if (text.failed)
        cli_schema_no_memory(p);
    else
        tcore_id_normalise(TCORE_TRACE_ID, text.data, text.length, rule->hash);
    tcore_buf_free(&text);
}

static struct rule *new_rule(struct cli_schema *p)
{
    struct rules *rules = rules_of(p);

    if (rules->count == rules->capacity) {
        size_t capacity = rules->capacity ? rules->capacity * 2 : 32;
        struct rule *rule = tcore_reallocarray(rules->rule, capacity, sizeof *rule);

        if (!rule)
            return cli_schema_no_memory(p);
        rules->rule = rule;
        rules->capacity = capacity;
    }
    struct rule *rule = &rules->rule[rules->count++];

    *rule = (struct rule){.quantile = NAN, .metric = ""};
    return rule;
}

static void finish_rule(struct cli_schema *p, uint32_t node, const uint32_t *nodes,
                        struct rule *rule)
{
    if (!nodes[R_WHEN] == !nodes[R_EXPR])
        cli_schema_error_in(p, node, "a rule has %s when and expr",
                            nodes[R_WHEN] ? "only one of" : "one of");
    if (rule->form == RULE_COUNT && !rule->range_ns)
        rule->range_ns = rule->source == RULE_FINDING ? RULE_FINDING_RANGE_NS : rule->every_ns;
    if (!rule->window_ns)
        rule->window_ns = rule->every_ns;
    if (rule->form == RULE_VALUE && rule->source == RULE_FINDING && !nodes[R_MISSING])
        rule->missing = RULE_RESOLVE; /* a finding is no measurement that must go on */
    if (nodes[R_LABELS])
        check_templates(p, nodes[R_LABELS], "labels");
    if (nodes[R_ANNOTATIONS])
        check_templates(p, nodes[R_ANNOTATIONS], "annotations");
    hash_rule(p, node, rule);
}

static void read_rule(struct cli_schema *p, uint32_t node, int64_t every_ns)
{
    struct rule_map map = {0};
    uint32_t nodes[COUNT(rule_keys)] = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "a rule"))
        return;
    struct rule *rule = new_rule(p);

    if (!rule)
        return;
    rule->every_ns = every_ns;
    cli_schema_read_map(p, node, rule_keys, COUNT(rule_keys), &map, nodes);
    if (p->fatal)
        return;
    if (!nodes[R_ALERT])
        cli_schema_error_in(p, node, "a rule has a name: alert is missing");
    uint32_t place = nodes[R_ALERT] ? nodes[R_ALERT] : node;

    rule->line = cli_schema_node(p, place)->line;
    rule->column = cli_schema_node(p, place)->column;
    rule->name = map.alert ? map.alert : "";
    rule->for_ns = map.for_ns;
    rule->keep_ns = map.keep_ns;
    rule->missing = (enum rule_missing)map.missing;
    rule->labels = map.labels;
    rule->annotations = map.annotations;
    if (map.when)
        read_when(p, map.when, rule);
    if (map.expr && !map.when)
        read_expr(p, map.expr, rule);
    if (map.dedup && !p->fatal)
        read_dedup(p, map.dedup, rule);
    if (p->fatal)
        return;
    finish_rule(p, node, nodes, rule);
    rule->notifies = read_actions(p, map.actions, rule);
}

/* --- Groups and the whole */

struct group_map {
    const char *name;
    int64_t every_ns;
    uint32_t rules;
};

static const struct cli_key group_keys[] = {
    {"name", CLI_KEY_TEXT, offsetof(struct group_map, name), NULL},
    {"every", CLI_KEY_DURATION, offsetof(struct group_map, every_ns), NULL},
    {"rules", CLI_KEY_NODE, offsetof(struct group_map, rules), NULL},
};

static void read_group(struct cli_schema *p, uint32_t node)
{
    struct group_map map = {.every_ns = DEFAULT_EVERY_NS};
    uint32_t nodes[COUNT(group_keys)] = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "a group"))
        return;
    cli_schema_read_map(p, node, group_keys, COUNT(group_keys), &map, nodes);
    if (p->fatal)
        return;
    if (!nodes[0])
        cli_schema_error_in(p, node, "a group has a name");
    if (map.every_ns <= 0) {
        cli_schema_error_in(p, nodes[1], "every must be more than 0");
        map.every_ns = DEFAULT_EVERY_NS;
    }
    if (!nodes[2])
        cli_schema_error_in(p, node, "a group has rules");
    else if (cli_schema_is_kind(p, map.rules, CLI_YAML_LIST, "rules"))
        for (uint32_t n = cli_schema_node(p, map.rules)->first; n && !p->fatal;
             n = cli_schema_node(p, n)->next)
            read_rule(p, n, map.every_ns);
}

/* notify is each channel with default: true, or each that is no action if none has that. */
static void resolve_notify(struct cli_schema *p)
{
    struct rules *rules = rules_of(p);
    bool any_default = false, any_notifies = false;

    for (size_t c = 0; c < rules->channel_count; c++)
        any_default |= rules->channel[c].is_default;
    for (size_t r = 0; r < rules->count; r++) {
        struct rule *rule = &rules->rule[r];

        if (!rule->notifies)
            continue;
        any_notifies = true;
        for (uint32_t c = 0; c < rules->channel_count && rule->channel; c++)
            if (any_default ? rules->channel[c].is_default : !rules->channel[c].is_action)
                add_channel(rule, c);
    }
    for (size_t c = 0; c < rules->channel_count && !p->errors; c++) {
        const struct channel *channel = &rules->channel[c];

        if (!channel->is_action && !(any_notifies && (!any_default || channel->is_default)))
            cli_schema_warning(p, channel->line, channel->column,
                               "warning: channel '%s' is never used", channel->name);
    }
}

static void check_names(struct cli_schema *p)
{
    struct tcore_map names;

    if (tcore_map_init(&names)) {
        p->fatal = true;
        tcore_error_set(p->err, TCORE_FATAL, "no randomness");
        return;
    }
    for (size_t r = 0; r < rules_of(p)->count; r++) {
        const struct rule *rule = &rules_of(p)->rule[r];
        bool added = false;

        if (!rule->name || !*rule->name)
            continue;
        uint32_t number = tcore_map_intern(&names, rule->name, strlen(rule->name), &added);

        if (number == TCORE_MAP_NONE)
            cli_schema_no_memory(p);
        else if (!added)
            cli_schema_error(p, rule->line, rule->column, "alert '%s' is there twice", rule->name);
    }
    tcore_map_free(&names);
}

struct file_map {
    const char *version;
    uint32_t channels, groups;
};

static const struct cli_key file_keys[] = {
    {"version", CLI_KEY_TEXT, offsetof(struct file_map, version), NULL},
    {"channels", CLI_KEY_NODE, offsetof(struct file_map, channels), NULL},
    {"groups", CLI_KEY_NODE, offsetof(struct file_map, groups), NULL},
};

static void read_file(struct cli_schema *p)
{
    struct file_map map = {0};
    uint32_t nodes[COUNT(file_keys)] = {0};

    if (p->tree.count < 2) {
        cli_schema_error(p, 1, 1, "there are no rules: version and groups are missing");
        return;
    }
    if (!cli_schema_is_kind(p, 1, CLI_YAML_MAP, "a rule file"))
        return;
    cli_schema_read_map(p, 1, file_keys, COUNT(file_keys), &map, nodes);
    if (p->fatal)
        return;
    if (!nodes[0])
        cli_schema_error_in(p, 1, "version is missing (version: 1)");
    else if (map.version && strcmp(map.version, "1") != 0)
        cli_schema_error_in(p, nodes[0], "version '%s' is not known to this program: 1",
                            map.version);
    if (map.channels)
        read_channels(p, map.channels);
    if (!map.groups)
        cli_schema_error_in(p, 1, "groups is missing");
    else if (cli_schema_is_kind(p, map.groups, CLI_YAML_LIST, "groups"))
        for (uint32_t n = cli_schema_node(p, map.groups)->first; n && !p->fatal;
             n = cli_schema_node(p, n)->next)
            read_group(p, n);
    if (!p->fatal)
        check_names(p);
    resolve_notify(p);
}

enum tcore_status rules_parse(struct rules *rules, const char *name, const char *text,
                              size_t length, struct tcore_error *err)
{
    struct cli_schema p = {.name = name,
                           .target = rules,
                           .arena = &rules->arena,
                           .problems = &rules->problems,
                           .err = err};
    enum tcore_status status = cli_schema_read(&p, text, length, read_file);

    rules->errors = p.errors;
    return status;
}

void rules_free(struct rules *rules)
{
    for (size_t r = 0; r < rules->count; r++) {
        for (size_t m = 0; m < rules->rule[r].matcher_count; m++)
            tcore_pattern_free(rules->rule[r].matcher[m].pattern);
        tcore_free(rules->rule[r].matcher);
    }
    tcore_free(rules->rule);
    tcore_arena_free(&rules->arena);
    tcore_buf_free(&rules->problems);
    *rules = (struct rules){0};
}
