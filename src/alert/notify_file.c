/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that alerts are appended to, one line each. */
#include <config.h>

#include "alert/notify.h"

#include "cli/append.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool notify_file(struct channel_state *state, const char *path, const char *line, size_t length,
                 char *reason)
{
    struct tcore_buf text = {0};
    int errnum = 0;

    if (state->fd < 0)
        state->fd = cli_append_open(path, 0640);
    if (state->fd < 0)
        errnum = errno;
    tcore_buf_append(&text, line, length);
    tcore_buf_putc(&text, '\n');
    if (!errnum)
        errnum = text.failed ? ENOMEM : cli_append(state->fd, text.data, text.length);
    tcore_buf_free(&text);
    if (errnum)
        snprintf(reason, NOTIFY_REASON_BYTES, "%s: %s", path, strerror(errnum));
    return !errnum;
}
