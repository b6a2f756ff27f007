/* SPDX-License-Identifier: GPL-3.0-or-later */
/* URLs, part by part. */
#include <config.h>

#include "cli/template.h"

#include "c-ctype.h"

#include <string.h>

static const char *find_any(const char *p, const char *end, const char *stops)
{
    for (; p < end; p++)
        for (const char *stop = stops; *stop; stop++)
            if (*p == *stop)
                return p;
    return p;
}

static bool is_address(const char *host, const char *end)
{
    bool digits = false;
    if (host < end && *host == '[')
        return true;
    for (; host < end; host++) {
        if (!c_isdigit(*host) && *host != '.')
            return false;
        digits |= c_isdigit(*host);
    }
    return digits;
}

/* The host behind ://; returns what is behind it and its port. */
static const char *put_host(struct tcore_buf *out, const char *p, const char *end)
{
    const char *stop = find_any(p, end, "/?#");
    for (const char *at = p; at < stop; at++)
        if (*at == '@')
            p = at + 1;
    const char *host_end = p < stop && *p == '[' ? stop : find_any(p, stop, ":");
    if (is_address(p, host_end))
        tcore_buf_puts(out, "<ip>");
    else
        template_name(out, (struct tcore_slice){p, (size_t)(host_end - p)});
    return stop;
}

void template_url(struct tcore_buf *out, struct tcore_slice url)
{
    const char *p = url.data, *end = p + url.length;
    const char *colon = find_any(p, end, ":/?#");
    if (end - colon >= 3 && !memcmp(colon, "://", 3))
        p = put_host(out, colon + 3, end);
    end = find_any(p, end, "?#");
    while (p < end) {
        if (*p == '/')
            tcore_buf_putc(out, *p++);
        const char *stop = find_any(p, end, "/");
        if (find_any(p, stop, "@%=") < stop)
            tcore_buf_puts(out, "<str>");
        else
            template_name(out, (struct tcore_slice){p, (size_t)(stop - p)});
        p = stop;
    }
}
