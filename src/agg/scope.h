/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --scope: what people look at, as the fields that records are grouped by, the records that take
 * part and the statistics that are asked for first.
 */
#ifndef AGG_SCOPE_H
#define AGG_SCOPE_H

#include "cli/options.h"

#include <stdbool.h>
#include <stddef.h>

#define AGG_SCOPES "system|module|service|operation|transaction|agent|resource"

struct agg_scope {
    const char *name;
    struct cli_strings by;
    struct cli_strings stats; /* empty: the default of all */
    unsigned types;           /* of records, as bits */
    bool roots;               /* spans without a parent only */
    size_t own;               /* records with none of by from here on do not take part; 0: all do */
};

/* NULL: there is none of that name. */
const struct agg_scope *agg_scope_find(const char *name);

#endif
