/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fields of a record by name, looked for in parsed lines: a name is one whole key, looked for at
 * top level, then in attributes, dimensions, group and resource; only the schema's own objects are
 * stepped into (attributes.x). For --fields and the columns of tsv, csv and tables.
 */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include "base/map.h"
#include "cli/verb.h"
#include "model/json.h"

struct cli_field {
    const char *name; /* the heading */
    size_t name_length;
    const char *object; /* the schema object that is stepped into; NULL: look everywhere */
    size_t object_length;
    const char *key;
    size_t key_length;
    bool seen; /* some record had it */
};

struct cli_fields {
    struct cli_field *field; /* in the arena */
    size_t count;
    bool asked; /* by --fields; else chosen from the first record */
    struct tcore_arena arena;
    struct tcore_buf left_out; /* names of later records that have no column, as a list */
    unsigned left_out_count;
    struct tcore_map names; /* names that records have, for "did you mean" */
    bool names_ready;
    unsigned names_from; /* records that were looked at for that */
};

/* From --fields. False: out of memory. */
bool cli_fields_ask(struct cli_fields *fields, const struct cli_strings *names);
/* The scalar fields of this record, and those of its group and dimensions, and of a trace's
 * timeline, structure and errors. */
bool cli_fields_choose(struct cli_fields *fields, const struct tcore_json *record);
/* Remembers the scalar fields of a later record that have no column. */
void cli_fields_look_beyond(struct cli_fields *fields, const struct tcore_json *record);
/* One note that names them. */
void cli_fields_note_left_out(const struct cli_fields *fields, struct cli *cli);
/* The value of the field, or ABSENT; points into the record. Marks the field as seen. */
struct tcore_value cli_fields_get(struct cli_field *field, const struct tcore_json *record);
/* Whether a number in the field is a duration in nanoseconds, by its name: durationNano and the
 * like, and of an aggregate or a finding about a metric of such a name the statistics. */
bool cli_fields_is_duration(const struct cli_field *field, const struct tcore_json *record);
/* Remembers the names that the record has. */
void cli_fields_learn(struct cli_fields *fields, const struct tcore_json *record);
void cli_fields_free(struct cli_fields *fields);

/* Collects the names of top-level fields, attributes, dimensions, group and resource. */
void cli_learn_names(struct tcore_map *names, const struct tcore_json *record);
/* One note: no record had the field, and the nearest of names and of the schema. some: not all
 * records were read. */
void cli_note_absent_field(struct cli *cli, const char *name, const struct tcore_map *names,
                           bool some);
/* Whether some record type of the schema has a top-level field of that name. */
bool cli_is_schema_field(const char *name, size_t length);

#endif
