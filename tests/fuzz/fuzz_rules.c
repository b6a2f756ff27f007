/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a rule file: it is refused with a place within the text, or its rules are whole and
 * parse to the same a second time.
 */
#include "alert/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void check_rule(const struct rules *rules, const struct rule *rule)
{
    require(rule->name && *rule->name && rule->metric && strlen(rule->hash) == RULE_HASH_BYTES - 1);
    require(rule->every_ns > 0 && rule->for_ns >= 0 && rule->keep_ns >= 0);
    require(rule->form == RULE_VALUE ? rule->window_ns > 0 : rule->range_ns > 0);
    require(isfinite(rule->threshold) && (!rule->has_clear || isfinite(rule->clear)));
    for (size_t c = 0; c < rule->channel_count; c++)
        require(rule->channel[c] < rules->channel_count);
    for (size_t i = 0; i < rule->labels.count; i++)
        require(!rule_template_problem(rule->labels.item[i].value));
    for (size_t i = 0; i < rule->annotations.count; i++)
        require(!rule_template_problem(rule->annotations.item[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rules rules = {0}, again = {0};
    struct tcore_error err = {0};
    enum tcore_status status = rules_parse(&rules, "f", (const char *)data, size, &err);

    require(status == TCORE_OK || status == TCORE_BAD_INPUT);
    require((status == TCORE_OK) == (rules.errors == 0));
    require(rules.errors == 0 || (rules.problems.length && !strncmp(rules.problems.data, "f:", 2)));
    for (size_t r = 0; status == TCORE_OK && r < rules.count; r++)
        check_rule(&rules, &rules.rule[r]);
    require(rules_parse(&again, "f", (const char *)data, size, &err) == status);
    require(again.count == rules.count);
    for (size_t r = 0; r < rules.count; r++)
        require(!strcmp(again.rule[r].hash, rules.rule[r].hash));
    rules_free(&rules);
    rules_free(&again);
    return 0;
}
