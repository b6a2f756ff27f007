/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which records of a segment cannot be wanted, by the names that its manifest has. They are those
 * of a whole segment, so that the answer is one for each type of records. A list of names that is
 * missing, since it would be too long or show what has a label, says nothing.
 */
#include "store/scan_private.h"

#include "base/sys.h"

#include <string.h>

/* The types' own, and the lists of a manifest. */
#define FIELDS (TCORE_NAME_KINDS + 1)

static const char *const field_names[TCORE_NAME_KINDS] = {"service", "name", "metricName"};

/* All values of a field: the names, or none. */
static bool list_values(struct tcore_known_field *field, const char *name,
                        const struct tcore_name_set *set)
{
    size_t count = set->made ? set->map.count : 0;
    struct tcore_value *values = tcore_reallocarray(NULL, count + 1, sizeof *values);
    if (!values)
        return false;
    for (size_t i = 0; i < count; i++)
        values[i] = tcore_value_string(set->map.keys[i].data, set->map.keys[i].length);
    values[count] = (struct tcore_value){.kind = TCORE_ABSENT};
    *field = (struct tcore_known_field){name, values, count + 1};
    return true;
}

/* Asks about one type: its name in records, and the lists that hold for it. */
static bool may_match(const struct scan *s, const struct tcore_known_field *lists, int type)
{
    struct tcore_known_field known[FIELDS];
    size_t count = 0;
    const char *name = tcore_record_type_name((enum tcore_record_type)type);
    const struct tcore_value types[] = {tcore_value_string(name, strlen(name)),
                                        {.kind = TCORE_ABSENT}};
    if (type != TCORE_RECORD_NONE && type != TCORE_RECORD_OTHER)
        known[count++] = (struct tcore_known_field){"type", types, 2};
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++)
        if (lists[kind].name && (kind != TCORE_NAMES_OPERATIONS || type == TCORE_RECORD_SPAN))
            known[count++] = lists[kind];
    return s->wanted.may_match(s->wanted.context, known, count);
}

unsigned tcore_scan_unmatched(const struct scan *s, const struct tcore_manifest *m)
{
    struct tcore_known_field lists[TCORE_NAME_KINDS] = {0};
    unsigned unmatched = 0;
    if (!s->wanted.may_match)
        return 0;
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++)
        if (!m->names[kind].incomplete) /* without memory it is as unknown as if it were */
            list_values(&lists[kind], field_names[kind], &m->names[kind]);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        if (m->records[type] && s->wanted.matched_types >> type & 1 && !may_match(s, lists, type))
            unmatched |= 1u << type;
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++)
        tcore_free((void *)(uintptr_t)lists[kind].values);
    return unmatched;
}
