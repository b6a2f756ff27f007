/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of released versions, kept as text in tests/data and made into their bytes here. */
#ifndef TRACECORE_TESTS_CORE_GOLDEN_H
#define TRACECORE_TESTS_CORE_GOLDEN_H

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text of a file in tests/data, with a NUL behind. */
static inline void golden_read(struct tcore_buf *text, const char *name)
{
    const char *top = getenv("top_srcdir");
    char path[4096], piece[4096];
    size_t got;
    snprintf(path, sizeof path, "%s/tests/data/%s", top ? top : ".", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        printf("Bail out! cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    while ((got = fread(piece, 1, sizeof piece, file)) > 0)
        tcore_buf_append(text, piece, got);
    fclose(file);
    tcore_buf_putc(text, '\0');
    text->length--;
}

static inline void golden_run(struct tcore_buf *out, char c, unsigned long count)
{
    while (count--)
        tcore_buf_putc(out, c);
}

/* Bytes from their hexadecimal text: "7a" or "7a*300"; lines that begin with # say something. */
static inline void golden_bytes(struct tcore_buf *bytes, const char *text)
{
    while (*text) {
        if (*text == '#') {
            text += strcspn(text, "\n");
        } else if (strchr(" \n", *text)) {
            text++;
        } else {
            char *end;
            unsigned long byte = strtoul(text, &end, 16), count = 1;
            if (end != text + 2) {
                printf("Bail out! no byte: %.20s\n", text);
                exit(EXIT_FAILURE);
            }
            if (*end == '*')
                count = strtoul(end + 1, &end, 10);
            golden_run(bytes, (char)byte, count);
            text = end;
        }
    }
}

#endif
