/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The expressions of rules: a selector, a range, a comparison with a number. They look like PromQL
 * and are read straight into the rule; there is no tree, as there is nothing to nest.
 */
#include <config.h>

#include "alert/rules.h"

#include "base/sys.h"
#include "c-ctype.h"
#include "cli/message.h"
#include "cli/options.h"
#include "model/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct expr {
    struct rules *rules;
    struct rule *rule;
    const char *text, *at;
    struct expr_problem *problem;
    struct tcore_error *err;
    struct tcore_buf word;
    const char *stat; /* of the label stat="..." */
};

__attribute__((format(printf, 3, 4))) static enum tcore_status fail(struct expr *e, const char *at,
                                                                    const char *format, ...)
{
    va_list args;

    e->problem->offset = (size_t)(at - e->text);
    va_start(args, format);
    vsnprintf(e->problem->text, sizeof e->problem->text, format, args);
    va_end(args);
    return TCORE_BAD_INPUT;
}

static void skip_blanks(struct expr *e)
{
    while (*e->at == ' ' || *e->at == '\t' || *e->at == '\n' || *e->at == '\r')
        e->at++;
}

static bool take(struct expr *e, const char *token)
{
    skip_blanks(e);
    if (strncmp(e->at, token, strlen(token)) != 0)
        return false;
    e->at += strlen(token);
    return true;
}

static bool is_letter(char c)
{
    return c_isalpha(c) || c == '_' || c == ':';
}

static bool take_word(struct expr *e, const char *word)
{
    skip_blanks(e);
    char behind = strncmp(e->at, word, strlen(word)) ? 'x' : e->at[strlen(word)];

    return !is_letter(behind) && !c_isdigit(behind) && behind != '.' && take(e, word);
}

/* A name with dots in it, as OpenTelemetry's are; NULL: there is none or no memory. */
static const char *read_name(struct expr *e)
{
    skip_blanks(e);
    const char *start = e->at;

    if (is_letter(*e->at))
        while (is_letter(*e->at) || c_isdigit(*e->at) || *e->at == '.')
            e->at++;
    return e->at > start ? tcore_arena_copy(&e->rules->arena, start, (size_t)(e->at - start))
                         : NULL;
}

/* "text" with \" \\ \n \t; NULL: none, or no memory. */
static const char *read_string(struct expr *e)
{
    skip_blanks(e);
    char quote = *e->at;

    if (quote != '"' && quote != '\'')
        return NULL;
    tcore_buf_clear(&e->word);
    for (e->at++; *e->at && *e->at != quote; e->at++) {
        char c = *e->at;

        if (c == '\\' && e->at[1]) {
            c = *++e->at;
            if (c != quote && c != '\\' && c != 'n' && c != 't')
                tcore_buf_putc(&e->word, '\\'); /* one of the pattern */
            else
                c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        tcore_buf_putc(&e->word, c);
    }
    if (*e->at != quote || e->word.failed)
        return NULL;
    e->at++;
    return tcore_arena_copy(&e->rules->arena, e->word.data, e->word.length);
}

static enum tcore_status add_matcher(struct expr *e, struct rule_matcher matcher)
{
    struct rule *rule = e->rule;
    struct rule_matcher *item =
        tcore_reallocarray(rule->matcher, rule->matcher_count + 1, sizeof *item);

    if (!item) {
        tcore_pattern_free(matcher.pattern);
        return tcore_error_nomem(e->err);
    }
    rule->matcher = item;
    item[rule->matcher_count++] = matcher;
    return TCORE_OK;
}

static enum tcore_status read_matcher(struct expr *e)
{
    skip_blanks(e);
    const char *start = e->at;
    struct rule_matcher matcher = {.label = *e->at == '"' ? read_string(e) : read_name(e)};

    if (!matcher.label)
        return fail(e, start, "a label is missing");
    bool regex = take(e, "=~");

    if (!regex) {
        regex = matcher.negated = take(e, "!~");
        if (!regex) {
            matcher.negated = take(e, "!=");
            if (!matcher.negated && !take(e, "="))
                return fail(e, e->at, "one of = != =~ !~ is missing");
        }
    }
    skip_blanks(e);
    const char *value_at = e->at;

    matcher.value = read_string(e);
    if (!matcher.value)
        return fail(e, value_at, "a value in quotes is missing");
    if (!strcmp(matcher.label, "stat") && e->rule->source == RULE_METRIC) {
        if (regex || matcher.negated)
            return fail(e, start, "stat takes = only");
        if (!rule_stat_parse(matcher.value, &e->rule->quantile))
            return fail(e, value_at, "'%s' is no statistic", matcher.value);
        e->rule->stat = matcher.value;
        return TCORE_OK;
    }
    if (regex) {
        struct tcore_error err = {0};
        enum tcore_status status = tcore_pattern_compile(
            &matcher.pattern, matcher.value, strlen(matcher.value), TCORE_TEXT_ANCHORED, &err);

        if (status == TCORE_BAD_INPUT)
            return fail(e, value_at, "%s", err.text);
        if (status != TCORE_OK) {
            *e->err = err;
            return status;
        }
    }
    return add_matcher(e, matcher);
}

static enum tcore_status read_range(struct expr *e)
{
    char text[32];
    const char *reason = NULL, *start = e->at, *end = strchr(start, ']');

    if (!end)
        return fail(e, start - 1, "this bracket is not closed");
    snprintf(text, sizeof text, "%.*s", (int)(end - start), start);
    if ((size_t)(end - start) >= sizeof text ||
        !cli_parse_duration(text, &e->rule->range_ns, &reason))
        return fail(e, start, "'%s' %s", text, reason ? reason : "is no duration");
    if (e->rule->range_ns <= 0)
        return fail(e, start, "the range must be more than 0");
    e->at = end + 1;
    return TCORE_OK;
}

static enum tcore_status read_selector(struct expr *e)
{
    static const char *const findings[] = {"anomaly", "change", "forecast", "antipattern", NULL};
    struct rule *rule = e->rule;
    const char *name = read_name(e);

    if (!name)
        return fail(e, e->at,
                    "a metric, spans, anomaly, change, forecast or antipattern is missing");
    rule->metric = name;
    rule->source = RULE_METRIC;
    if (!strcmp(name, "spans")) {
        rule->source = RULE_SPANS;
        rule->metric = "";
    }
    if (!strcmp(name, "metric"))
        rule->metric = "";
    for (size_t i = 0; findings[i]; i++)
        if (!strcmp(name, findings[i]))
            rule->source = RULE_FINDING;
    if (take(e, "{") && !take(e, "}")) {
        const char *brace = e->at - 1;

        do {
            enum tcore_status status = read_matcher(e);

            if (status != TCORE_OK)
                return status;
        } while (take(e, ","));
        if (!take(e, "}"))
            return *e->at ? fail(e, e->at, "a comma or brace is missing")
                          : fail(e, brace, "this brace is not closed");
    }
    return take(e, "[") ? read_range(e) : TCORE_OK;
}

static bool take_comparison(struct expr *e)
{
    static const struct {
        const char *token;
        enum rule_compare compare;
    } all[] = {{">=", RULE_AT_LEAST}, {"<=", RULE_AT_MOST}, {"==", RULE_EQUAL},
               {"!=", RULE_UNEQUAL},  {">", RULE_GREATER},  {"<", RULE_LESS}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (take(e, all[i].token)) {
            e->rule->compare = all[i].compare;
            return true;
        }
    return false;
}

static enum tcore_status read_comparison(struct expr *e)
{
    struct rule *rule = e->rule;
    const char *start;

    skip_blanks(e);
    start = e->at;
    if (!take_comparison(e)) {
        if (*e->at)
            return fail(e, e->at, "a comparison (> >= < <= == !=) or the end is expected here");
        if (rule->source != RULE_FINDING)
            return fail(e, start, "compare it with a number");
        rule->form = RULE_COUNT;
        rule->compare = RULE_GREATER;
        rule->threshold = 0;
    } else {
        skip_blanks(e);
        start = e->at;
        e->at += strlen(e->at);
        const char *end = e->at;

        while (end > start && strchr(" \t\r\n", end[-1]))
            end--;
        const char *text = tcore_arena_copy(&e->rules->arena, start, (size_t)(end - start));

        if (!text)
            return tcore_error_nomem(e->err);
        if (!cli_schema_number(text, &rule->threshold))
            return fail(e, start, "'%s' is no number", text);
        rule->form = rule->range_ns || rule->source == RULE_SPANS ? RULE_COUNT : RULE_VALUE;
    }
    return TCORE_OK;
}

static enum tcore_status read_absent(struct expr *e)
{
    const char *start = e->at;
    enum tcore_status status = read_selector(e);

    if (status != TCORE_OK)
        return status;
    if (!take(e, ")"))
        return fail(e, e->at, "a closing parenthesis is missing");
    if (!e->rule->range_ns)
        return fail(e, start, "absent() takes a range: absent(spans{...}[10m])");
    e->rule->form = RULE_ABSENT;
    skip_blanks(e);
    return *e->at ? fail(e, e->at, "nothing is expected behind absent()") : TCORE_OK;
}

enum tcore_status rule_expr_parse(struct rules *rules, struct rule *rule, const char *text,
                                  struct expr_problem *problem, struct tcore_error *err)
{
    struct expr e = {
        .rules = rules, .rule = rule, .text = text, .at = text, .problem = problem, .err = err};
    enum tcore_status status;

    if (take_word(&e, "absent")) {
        status = take(&e, "(") ? read_absent(&e) : fail(&e, e.at, "a parenthesis is missing");
    } else {
        status = read_selector(&e);
        if (status == TCORE_OK)
            status = read_comparison(&e);
    }
    tcore_buf_free(&e.word);
    return status;
}

bool rule_stat_parse(const char *stat, double *quantile)
{
    static const char *const names[] = {"count", "rate",   "sum",    "mean",     "min",
                                        "max",   "stddev", "errors", "errorRate"};
    double percent;

    *quantile = NAN;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(stat, names[i]))
            return true;
    if (*stat != 'p' || !c_isdigit(stat[1]) ||
        !tcore_parse_double(stat + 1, strlen(stat + 1), &percent) || percent < 0 || percent > 100)
        return false;
    *quantile = percent / 100;
    return true;
}

const char *rule_template_problem(const char *text)
{
    for (; *text; text++) {
        if ((*text == '{' || *text == '}') && text[1] == *text) {
            text++;
        } else if (*text == '}') {
            return "a closing brace without its opening one (}} is a brace)";
        } else if (*text == '{') {
            size_t length = strcspn(text + 1, "{}");

            if (!length || text[1 + length] != '}')
                return "an opening brace without a {label} ({{ is a brace)";
            text += 1 + length;
        }
    }
    return NULL;
}
