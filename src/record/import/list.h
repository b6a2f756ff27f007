/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The list of records in a document, found in its text, which need not be there as a whole nor be
 * valid: so that a document of any size is converted in parts, and one that is broken loses only
 * what is broken.
 */
#ifndef RECORD_IMPORT_LIST_H
#define RECORD_IMPORT_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A member that such a list may be. */
struct import_list_name {
    const char *name;   /* "" of a document that is the list itself */
    bool first;         /* a common word: it counts only as the first member */
    const char *format; /* of --from, if elements do not say what they are; else NULL */
};

struct import_list {
    const struct import_list_name *name;
    size_t open; /* offset of its bracket */
    size_t head; /* offset of the comma before the member; 0: nothing is before it */
};

/* Finds the list of the document that text begins (with a bracket, or the comma behind another
 * list). False: it has none, or more of it is needed. */
bool import_list_find(const char *text, size_t length, struct import_list *list);

/* A walk over elements: at begins behind the bracket. */
struct import_elements {
    const char *at, *end;
    bool any;    /* there was an element */
    bool closed; /* the list's end was there */
    bool clean;  /* begins as true: all were whole, and a comma between each two */
};

/* The next element, whole or as far as it is there. */
bool import_elements_next(struct import_elements *elements, const char **element, size_t *length);

#endif
