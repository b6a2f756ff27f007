/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files in REPO/replacing: text, read and written as a whole. */
#ifndef TRACECORE_STORE_REPLACEMENT_H
#define TRACECORE_STORE_REPLACEMENT_H

#include "base/buf.h"
#include "store/repository.h"

#define TCORE_REPLACING               "replacing"
#define TCORE_REPLACEMENT_NAME_BYTES  17 /* 16 hexadecimal digits and a NUL */
#define TCORE_REPLACEMENT_LIMIT_BYTES ((size_t)4 << 20)

struct tcore_replacement {
    char name[TCORE_REPLACEMENT_NAME_BYTES];
    bool damaged; /* nothing else is known of it */
    struct tcore_segment_list old, new;
};

struct tcore_replacements {
    struct tcore_replacement *item; /* owned */
    size_t count;
};

#pragma GCC visibility push(hidden)

/* Appends a path that YYYY/MM/DD/NAME.tar.zst is the form of. TCORE_BAD_INPUT: it is none. */
enum tcore_status tcore_segment_list_add(struct tcore_segment_list *list, const char *path,
                                         size_t length, struct tcore_error *err);

/* The text of a file. */
enum tcore_status tcore_replacement_write(const struct tcore_replacement *replacement,
                                          struct tcore_buf *out, struct tcore_error *err);
/* From the text. TCORE_BAD_INPUT: it is damaged. */
enum tcore_status tcore_replacement_parse(struct tcore_replacement *replacement, const char *text,
                                          size_t length, struct tcore_error *err);

/* Reads all that there are, in the order of their names. */
enum tcore_status tcore_replacements_read(struct tcore_repository *r,
                                          struct tcore_replacements *replacements,
                                          struct tcore_error *err);
void tcore_replacements_free(struct tcore_replacements *replacements);

#pragma GCC visibility pop

#endif
