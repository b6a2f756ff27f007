/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/antipattern/limits.h"

#include "cli/message.h"

#include <stddef.h>
#include <string.h>

#define MS INT64_C(1000000)

static const char *const names[PATTERNS + 1] = {
    "n-plus-one",    "redundant", "serial",    "slow-query", "large-payload",
    "fan-out",       "chatty",    "pool-wait", "retry",      "cold-start",
    "timeout-chain", "gap",       "clock-skew"};

const char *pattern_name(enum pattern pattern)
{
    return names[pattern];
}

static const struct limit {
    const char *name;
    enum cli_option_kind kind; /* CLI_INT, CLI_DURATION, CLI_SIZE or CLI_PERCENT */
    size_t offset;
} table[] = {
    {"n-plus-one.calls", CLI_INT, offsetof(struct limits, n_plus_one_calls)},
    {"n-plus-one.total", CLI_DURATION, offsetof(struct limits, n_plus_one_total_ns)},
    {"redundant.calls", CLI_INT, offsetof(struct limits, redundant_calls)},
    {"serial.queries", CLI_INT, offsetof(struct limits, serial_queries)},
    {"serial.query", CLI_DURATION, offsetof(struct limits, serial_query_ns)},
    {"serial.share", CLI_PERCENT, offsetof(struct limits, serial_share)},
    {"serial.calls", CLI_INT, offsetof(struct limits, serial_calls)},
    {"serial.saving", CLI_DURATION, offsetof(struct limits, serial_saving_ns)},
    {"slow-query.duration", CLI_DURATION, offsetof(struct limits, slow_query_ns)},
    {"large-payload.size", CLI_SIZE, offsetof(struct limits, payload_bytes)},
    {"large-payload.duration", CLI_DURATION, offsetof(struct limits, payload_ns)},
    {"fan-out.children", CLI_INT, offsetof(struct limits, fan_out_children)},
    {"chatty.calls", CLI_INT, offsetof(struct limits, chatty_calls)},
    {"pool-wait.concurrent", CLI_INT, offsetof(struct limits, pool_concurrent)},
    {"pool-wait.wait", CLI_DURATION, offsetof(struct limits, pool_wait_ns)},
    {"retry.attempts", CLI_INT, offsetof(struct limits, retry_attempts)},
    {"cold-start.duration", CLI_DURATION, offsetof(struct limits, cold_start_ns)},
    {"timeout-chain.services", CLI_INT, offsetof(struct limits, timeout_services)},
    {"gap.duration", CLI_DURATION, offsetof(struct limits, gap_ns)},
    {"gap.share", CLI_PERCENT, offsetof(struct limits, gap_share)},
    {"clock-skew.offset", CLI_DURATION, offsetof(struct limits, skew_ns)},
};

#define LIMITS (sizeof table / sizeof *table)

void limits_defaults(struct limits *limits)
{
    *limits = (struct limits){
        .n_plus_one_calls = 5,
        .n_plus_one_total_ns = 50 * MS,
        .redundant_calls = 2,
        .serial_queries = 2,
        .serial_query_ns = 30 * MS,
        .serial_share = 0.1,
        .serial_calls = 3,
        .serial_saving_ns = 2000 * MS,
        .slow_query_ns = 500 * MS,
        .payload_bytes = 300000,
        .payload_ns = 100 * MS,
        .fan_out_children = 20,
        .chatty_calls = 15,
        .pool_concurrent = 10,
        .pool_wait_ns = 100 * MS,
        .retry_attempts = 3,
        .timeout_services = 2,
        .gap_ns = 200 * MS,
        .gap_share = 0.2,
        .skew_ns = 5 * MS,
    };
    for (size_t i = 0; i < PATTERNS; i++)
        limits->wanted[i] = true;
}

/* "; did you mean X?" or nothing, for the end of a message. */
static enum tcore_status unknown(const char *what, const char *text, size_t length,
                                 const char *const *known, struct tcore_error *err)
{
    char word[64];
    if (length >= sizeof word)
        length = sizeof word - 1;
    memcpy(word, text, length);
    word[length] = '\0';
    const char *nearest = cli_nearest(word, known);
    if (nearest)
        return tcore_error_set(err, TCORE_BAD_INPUT, "there is no %s '%s': did you mean %s?", what,
                               word, nearest);
    return tcore_error_set(err, TCORE_BAD_INPUT, "there is no %s '%s': see --help", what, word);
}

static bool parse(const struct limit *limit, const char *text, void *to, const char **reason)
{
    switch (limit->kind) {
    case CLI_DURATION:
        return cli_parse_duration(text, to, reason);
    case CLI_SIZE:
        return cli_parse_size(text, to, reason);
    case CLI_PERCENT:
        return cli_parse_percent(text, to, reason);
    default:
        return cli_parse_count(text, to, reason);
    }
}

static enum tcore_status set_one(struct limits *limits, const char *setting,
                                 struct tcore_error *err)
{
    const char *equals = strchr(setting, '='), *reason, *known[LIMITS + 1];
    if (!equals)
        return tcore_error_set(err, TCORE_BAD_INPUT, "'%s' is not NAME=VALUE", setting);
    size_t length = (size_t)(equals - setting);
    for (size_t i = 0; i < LIMITS; i++) {
        known[i] = table[i].name;
        if (strlen(table[i].name) != length || memcmp(table[i].name, setting, length) != 0)
            continue;
        if (parse(&table[i], equals + 1, (char *)limits + table[i].offset, &reason))
            return TCORE_OK;
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s: '%s' %s", table[i].name, equals + 1,
                               reason);
    }
    known[LIMITS] = NULL;
    return unknown("threshold", setting, length, known, err);
}

enum tcore_status limits_set(struct limits *limits, const struct cli_strings *settings,
                             struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < settings->count && status == TCORE_OK; i++)
        status = set_one(limits, settings->item[i], err);
    return status;
}

static enum tcore_status mark(struct limits *limits, const struct cli_strings *list, bool wanted,
                              struct tcore_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t p = 0;
        while (p < PATTERNS && strcmp(names[p], list->item[i]) != 0)
            p++;
        if (p == PATTERNS)
            return unknown("anti-pattern", list->item[i], strlen(list->item[i]), names, err);
        limits->wanted[p] = wanted;
    }
    return TCORE_OK;
}

enum tcore_status limits_choose(struct limits *limits, const struct cli_strings *only,
                                const struct cli_strings *skip, struct tcore_error *err)
{
    for (size_t i = 0; i < PATTERNS && only->count; i++)
        limits->wanted[i] = false;
    enum tcore_status status = mark(limits, only, true, err);
    return status ? status : mark(limits, skip, false, err);
}
