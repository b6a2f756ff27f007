/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/verb.h"

#include "cli/message.h"
#include "model/json.h"
#include "record/attributes.h"
#include "record/destination.h"
#include "record/export/delivery.h"

bool execution_id(struct cli *cli, const char *operand, struct tcore_traceparent *id)
{
    char digits[TCORE_SPAN_ID];
    size_t length = strlen(operand);
    *id = (struct tcore_traceparent){0};
    if (tcore_traceparent_parse(operand, length, id))
        return true;
    if (length == TCORE_SPAN_ID &&
        tcore_id_normalise(TCORE_SPAN_ID, operand, length, digits) == TCORE_ID_OK) {
        memcpy(id->span_id, digits, TCORE_SPAN_ID);
        return true;
    }
    cli_usage_error(cli, "'%.100s' is no ID: give what start printed, or its 16 digits", operand);
    return false;
}

int execution_check(struct cli *cli, const struct execution_options *o, int argc, const char *first,
                    const char *second)
{
    const char *bad = attributes_bad(&o->attributes);
    const char *path = destination_of(o->to, NULL).path;
    int wanted = second ? 2 : 1;
    if (bad)
        return cli_usage_error(cli, "--attr: '%s' is not K=V", bad);
    if (strcmp(path, "-") == 0)
        return cli_usage_error(cli, "--to=-: records are appended to a file");
    if (argc == wanted && delivery_is_url(path)) {
        cli_error(cli,
                  "%s: executions are read back, so that they take a file or a repository; "
                  "run sends its span to a URL",
                  path);
        return cli_exit_status(cli, false);
    }
    if (argc == wanted)
        return CLI_DONE;
    if (argc > wanted)
        return cli_usage_error(cli, "more operands than %s%s%s", first, second ? " and " : "",
                               second ? second : "");
    if (argc == 0 && second)
        return cli_usage_error(cli, "%s and %s are missing", first, second);
    return cli_usage_error(cli, "%s is missing", argc ? second : first);
}

bool execution_load(struct cli *cli, const char *path, const char *id, struct execution *execution)
{
    struct tcore_error err;
    enum tcore_status status = execution_find(execution, path, id, &err);
    if (status == TCORE_BAD_INPUT && execution->started) {
        cli_note(cli, "%s: %s", path, err.text);
    } else if (status != TCORE_OK) {
        cli_report(cli, &err);
        return false;
    }
    if (!execution->started)
        cli_error(cli, "%s: no execution %s was started there", path, id);
    else if (execution->ended)
        cli_error(cli, "%s: execution %s has ended already (%s)", path, id, execution->end_event);
    return execution->started && !execution->ended;
}

int execution_append(struct cli *cli, const struct destination *to, struct tcore_buf *lines)
{
    struct tcore_error err;
    if (destination_append(cli, to, lines, &err) != TCORE_OK)
        cli_report(cli, &err);
    tcore_buf_free(lines);
    return cli_exit_status(cli, false);
}

void execution_put_value(struct tcore_buf *out, const char *text)
{
    struct tcore_json json = {0};
    struct tcore_error err;
    if (tcore_json_parse(&json, text, strlen(text), &err) == TCORE_OK)
        tcore_json_write_tree(out, &json, 0);
    else
        attributes_put_text(out, text, strlen(text));
    tcore_json_free(&json);
}

void execution_put_attributes(struct tcore_buf *out, const struct execution *e)
{
    for (size_t i = 0; i < e->attribute_count; i++) {
        tcore_buf_puts(out, i ? "," : "");
        attributes_put_text(out, e->attributes[i].key, strlen(e->attributes[i].key));
        tcore_buf_putc(out, ':');
        tcore_buf_puts(out, e->attributes[i].value_json);
    }
    tcore_buf_putc(out, '\0');
}

void execution_put_moments(struct tcore_buf *out, const struct execution *e)
{
    for (size_t i = 0; i < e->moment_count; i++) {
        const struct execution_moment *moment = &e->moments[i];
        tcore_buf_printf(out, "%s{\"timeUnixNano\":\"%lld\",\"name\":", i ? "," : "",
                         (long long)moment->time_ns);
        tcore_buf_puts(out, moment->name_json);
        execution_put_json(out, "attributes", moment->attributes_json);
        tcore_buf_putc(out, '}');
    }
    tcore_buf_putc(out, '\0');
}
