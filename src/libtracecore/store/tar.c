/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/tar.h"

#include "store/segment_format.h"

#include <stdio.h>
#include <string.h>

/* Fields of a ustar header: where and how long. */
enum {
    NAME = 0,
    MODE = 100,
    UID = 108,
    GID = 116,
    SIZE = 124,
    MTIME = 136,
    CHECKSUM = 148,
    CHECKSUM_BYTES = 8,
    TYPE = 156,
    MAGIC = 257,
    NUMBER_BYTES = 12 /* eleven digits and a NUL */
};

static void put_octal(char *at, size_t bytes, uint64_t value)
{
    at[bytes - 1] = '\0';
    for (size_t i = bytes - 1; i-- > 0; value /= 8)
        at[i] = (char)('0' + value % 8);
}

static unsigned checksum(const char *header)
{
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BYTES; i++) {
        bool own = i >= CHECKSUM && i < CHECKSUM + CHECKSUM_BYTES;
        sum += own ? ' ' : (unsigned char)header[i];
    }
    return sum;
}

void tcore_tar_header(char *header, const char *name, size_t bytes, int64_t seconds)
{
    memset(header, 0, TAR_BYTES);
    memcpy(header + NAME, name, strnlen(name, TAR_NAME_BYTES - 1));
    put_octal(header + MODE, 8, 0444);
    put_octal(header + UID, 8, 0);
    put_octal(header + GID, 8, 0);
    put_octal(header + SIZE, NUMBER_BYTES, bytes);
    put_octal(header + MTIME, NUMBER_BYTES, seconds > 0 ? (uint64_t)seconds : 0);
    header[TYPE] = '0';
    memcpy(header + MAGIC, "ustar\00000", 8);
    put_octal(header + CHECKSUM, 7, checksum(header));
    header[CHECKSUM + 7] = ' ';
}

size_t tcore_tar_padding(size_t bytes)
{
    return -bytes % TAR_BYTES;
}

bool tcore_tar_parse(const char *header, char *name, size_t *bytes)
{
    char again[TAR_BYTES];
    uint64_t size = 0, seconds = 0;
    memcpy(name, header + NAME, TAR_NAME_BYTES);
    if (name[TAR_NAME_BYTES - 1])
        return false;
    for (size_t i = 0; i < NUMBER_BYTES - 1; i++) {
        size = size * 8 + (uint64_t)(header[SIZE + i] - '0');
        seconds = seconds * 8 + (uint64_t)(header[MTIME + i] - '0');
    }
    /* Whatever is not written by us comes out differently. */
    tcore_tar_header(again, name, (size_t)size, (int64_t)seconds);
    *bytes = (size_t)size;
    return !memcmp(again, header, TAR_BYTES);
}
