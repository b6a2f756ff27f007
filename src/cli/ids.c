/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/ids.h"

#include "cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_digits(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdefABCDEF") == length && !text[length];
}

bool cli_parse_id(const char *text, struct cli_id *id)
{
    size_t length = strlen(text);
    struct tcore_traceparent parent;
    *id = (struct cli_id){0};
    if (tcore_traceparent_parse(text, length, &parent)) {
        memcpy(id->trace_id, parent.trace_id, sizeof id->trace_id);
        memcpy(id->span_id, parent.span_id, sizeof id->span_id);
        return true;
    }
    if ((length != TCORE_TRACE_ID && length != TCORE_SPAN_ID) || !is_digits(text, length))
        return false;
    if (tcore_id_normalise(TCORE_TRACE_ID, text, length, id->trace_id) != TCORE_ID_OK)
        return false;
    if (length == TCORE_SPAN_ID)
        memcpy(id->span_id, id->trace_id + TCORE_SPAN_ID, TCORE_SPAN_ID);
    return true;
}

int cli_ids_first(int argc, char **argv)
{
    struct cli_id id;
    int ids = 0;
    for (int i = 0; i < argc; i++) {
        char *operand = argv[i];
        if (!cli_parse_id(operand, &id))
            continue;
        memmove(argv + ids + 1, argv + ids, (size_t)(i - ids) * sizeof *argv);
        argv[ids++] = operand;
    }
    return ids;
}

static bool is_input(const char *operand)
{
    return strcmp(operand, "-") == 0 || faccessat(AT_FDCWD, operand, R_OK, AT_EACCESS) == 0;
}

bool cli_check_inputs(struct cli *cli, int count, char **inputs)
{
    bool good = true;
    for (int i = 0; i < count; i++) {
        struct tcore_error err;
        if (is_input(inputs[i]))
            continue;
        bool name = errno == ENOENT && !strpbrk(inputs[i], "/.");
        tcore_error_errno(&err, TCORE_FATAL, errno, "%s",
                          name ? "no ID, which has 32 or 16 hexadecimal digits, and no INPUT"
                               : "cannot open");
        err.input = inputs[i];
        cli_report(cli, &err);
        good = false;
    }
    return good;
}
