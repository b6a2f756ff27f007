/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "sandbox/exchange.h"

#include <errno.h>
#include <unistd.h>

bool exchange_read(void *to, size_t bytes)
{
    char *at = to;
    for (size_t have = 0; have < bytes;) {
        ssize_t got = read(STDIN_FILENO, at + have, bytes - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0 && have == 0)
            return false;
        if (got <= 0)
            _exit(EXCHANGE_EXIT_BROKEN);
        have += (size_t)got;
    }
    return true;
}

void exchange_write(const void *from, size_t bytes)
{
    const char *at = from;
    while (bytes) {
        ssize_t put = write(STDOUT_FILENO, at, bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            _exit(EXCHANGE_EXIT_BROKEN);
        at += put;
        bytes -= (size_t)put;
    }
}
