/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/fields.h"

#include "base/sys.h"
#include "cli/message.h"
#include "model/number.h"
#include "model/record.h"

#include <string.h>

#define NAMES_SHOWN    8
#define RECORDS_LEARNT 256 /* their names are candidates for "did you mean" */

/* The objects of the schema with free keys, in the order in which a name is looked for. */
static const char *const searched[] = {"attributes", "dimensions", "group", "resource"};
#define SEARCHED (sizeof searched / sizeof *searched)

/* Those that a name may step into. */
static const char *const stepped[] = {
    "attributes",  "resource", "scope",     "dimensions", "context",  "structure",
    "timeline",    "group",    "histogram", "quality",    "metadata", "services",
    "performance", "errors",   "sampling",  "analysis",
};

static void set_field(struct cli_field *field, const char *name, size_t length)
{
    *field =
        (struct cli_field){.name = name, .name_length = length, .key = name, .key_length = length};
    for (size_t i = 0; i < sizeof stepped / sizeof *stepped; i++) {
        size_t object = strlen(stepped[i]);
        if (length > object + 1 && name[object] == '.' && memcmp(name, stepped[i], object) == 0) {
            field->object = stepped[i];
            field->object_length = object;
            field->key = name + object + 1;
            field->key_length = length - object - 1;
        }
    }
}

static bool is_asked(const struct cli_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->field[i].name, name) == 0)
            return true;
    return false;
}

bool cli_fields_ask(struct cli_fields *fields, const struct cli_strings *names)
{
    fields->asked = true;
    fields->field = tcore_arena_alloc(&fields->arena, names->count * sizeof *fields->field);
    for (size_t i = 0; fields->field && i < names->count; i++)
        if (!is_asked(fields, names->item[i]))
            set_field(&fields->field[fields->count++], names->item[i], strlen(names->item[i]));
    return fields->field;
}

/* --- Choosing columns from the first record */

static bool is_scalar(const struct tcore_json_node *node)
{
    return node->value.kind != TCORE_JSON;
}

/* The object with that key, if its members make good columns: a few, the same in every record. */
static const char *expanded_object(const struct tcore_value *key)
{
    static const char *const expanded[] = {"dimensions", "group", "timeline", "structure",
                                           "errors"}; /* the last three of traces */
    for (size_t i = 0; i < sizeof expanded / sizeof *expanded; i++)
        if (key->len == strlen(expanded[i]) && memcmp(key->s, expanded[i], key->len) == 0)
            return expanded[i];
    return NULL;
}

/* A column for the member of object (NULL: top level); a second one of a name says whose it is. */
static bool add_field(struct cli_fields *fields, const struct tcore_value *key, const char *object)
{
    size_t object_length = object ? strlen(object) : 0;
    char *name = tcore_arena_alloc(&fields->arena, object_length + key->len + 2);
    if (!name)
        return false;
    char *at = name;
    bool taken = false;
    for (size_t i = 0; i < fields->count; i++) {
        const struct cli_field *other = &fields->field[i];
        if (other->key_length != key->len || memcmp(other->key, key->s, key->len) != 0)
            continue;
        if (other->object == object)
            return true; /* a duplicate key */
        taken = true;
    }
    if (object && taken) {
        memcpy(at, object, object_length);
        at += object_length;
        *at++ = '.';
    }
    if (key->len)
        memcpy(at, key->s, key->len);
    at[key->len] = '\0';
    fields->field[fields->count++] = (struct cli_field){
        .name = name,
        .name_length = (size_t)(at - name) + key->len,
        .object = object,
        .object_length = object_length,
        .key = at,
        .key_length = key->len,
    };
    return true;
}

bool cli_fields_choose(struct cli_fields *fields, const struct tcore_json *record)
{
    const struct tcore_json_node *node = record->node;
    if (!tcore_json_is_object(node))
        return true;
    /* every column is a node of the tape, so this is room enough */
    fields->field = tcore_arena_alloc(&fields->arena, record->count * sizeof *fields->field);
    if (!fields->field)
        return false;
    for (uint32_t k = 1; k < node->next; k = node[k + 1].next) {
        if (is_scalar(&node[k + 1]) && !add_field(fields, &node[k].value, NULL))
            return false;
        const char *object = expanded_object(&node[k].value);
        if (!object || !tcore_json_is_object(&node[k + 1]))
            continue;
        for (uint32_t m = k + 2; m < node[k + 1].next; m = node[m + 1].next)
            if (is_scalar(&node[m + 1]) && !add_field(fields, &node[m].value, object))
                return false;
    }
    return true;
}

/* --- What later records have besides */

/* guess: the column that it is probably in; the next one after it is returned so. */
static bool has_column(const struct cli_fields *fields, const struct tcore_value *key,
                       const char *object, size_t *guess)
{
    for (size_t k = 0; k < fields->count; k++) {
        size_t i = (*guess + k) % fields->count;
        const struct cli_field *field = &fields->field[i];
        if (field->object == object && field->key_length == key->len &&
            (!key->len || memcmp(field->key, key->s, key->len) == 0)) {
            *guess = i + 1;
            return true;
        }
    }
    return false;
}

/* Appends the name to the list unless it is there. */
static void leave_out(struct cli_fields *fields, const struct tcore_value *key)
{
    const struct tcore_buf *list = &fields->left_out;
    for (size_t at = 0; at < list->length;) {
        size_t length = strlen(list->data + at);
        if (length == key->len && memcmp(list->data + at, key->s, length) == 0)
            return;
        at += length + 1;
    }
    if (fields->left_out_count == NAMES_SHOWN + 1 || memchr(key->s, 0, key->len))
        return;
    fields->left_out_count++;
    tcore_buf_append(&fields->left_out, key->s, key->len);
    tcore_buf_putc(&fields->left_out, '\0');
}

void cli_fields_look_beyond(struct cli_fields *fields, const struct tcore_json *record)
{
    const struct tcore_json_node *node = record->node;
    size_t guess = 0;
    if (!tcore_json_is_object(node) || !fields->count)
        return;
    for (uint32_t k = 1; k < node->next; k = node[k + 1].next) {
        if (is_scalar(&node[k + 1]) && !has_column(fields, &node[k].value, NULL, &guess))
            leave_out(fields, &node[k].value);
        const char *object = expanded_object(&node[k].value);
        if (!object || !tcore_json_is_object(&node[k + 1]))
            continue;
        for (uint32_t m = k + 2; m < node[k + 1].next; m = node[m + 1].next)
            if (is_scalar(&node[m + 1]) && !has_column(fields, &node[m].value, object, &guess))
                leave_out(fields, &node[m].value);
    }
}

void cli_fields_note_left_out(const struct cli_fields *fields, struct cli *cli)
{
    struct tcore_buf names = {0};
    size_t at = 0;
    if (!fields->left_out_count || fields->left_out.failed)
        return;
    for (unsigned i = 0; i < fields->left_out_count && i < NAMES_SHOWN; i++) {
        tcore_buf_printf(&names, "%s%s", i ? ", " : "", fields->left_out.data + at);
        at += strlen(fields->left_out.data + at) + 1;
    }
    tcore_buf_printf(&names, "%s", fields->left_out_count > NAMES_SHOWN ? ", ..." : "");
    if (!names.failed)
        cli_note(cli,
                 "the columns are those of the first record: %s of later ones left out "
                 "(--fields names columns)",
                 names.data);
    tcore_buf_free(&names);
}

/* --- Looking up */

static uint32_t find_in(const struct tcore_json *record, const char *object, size_t object_length,
                        const struct cli_field *field)
{
    uint32_t at = tcore_json_find_n(record, 0, object, object_length);
    return at ? tcore_json_find_n(record, at, field->key, field->key_length) : 0;
}

static bool is_named(const struct cli_field *field, const char *name)
{
    return field->name_length == strlen(name) && memcmp(field->name, name, field->name_length) == 0;
}

static bool read_time(const struct tcore_json *record, const char *name, int64_t *ns)
{
    uint32_t at = tcore_json_find(record, 0, name);
    if (!at)
        return false;
    const struct tcore_value *v = &record->node[at].value;
    if (v->kind == TCORE_STRING)
        return tcore_parse_int64(v->s, v->len, ns);
    return tcore_value_int64(v, ns);
}

/* Fields that a record need not have because they follow from others. */
static struct tcore_value derived(const struct cli_field *field, const struct tcore_json *record)
{
    int64_t start, end;
    if (is_named(field, "service")) {
        uint32_t resource = tcore_json_find(record, 0, "resource");
        uint32_t at = resource ? tcore_json_find(record, resource, "service.name") : 0;
        if (at)
            return record->node[at].value;
    } else if (is_named(field, "durationNano") && read_time(record, "startTimeUnixNano", &start) &&
               read_time(record, "endTimeUnixNano", &end) && start <= end &&
               !__builtin_sub_overflow(end, start, &end)) {
        return tcore_value_int(end);
    }
    return (struct tcore_value){0};
}

static bool ends_with(const struct cli_field *field, const char *end)
{
    size_t length = strlen(end);
    return field->name_length >= length &&
           memcmp(field->name + field->name_length - length, end, length) == 0;
}

/* A statistic of the values, so in their unit: p99, mean ... */
static bool is_statistic(const struct cli_field *field)
{
    static const char *const names[] = {"sum",    "mean",     "min",   "max",
                                        "stddev", "expected", "lower", "upper"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_named(field, names[i]))
            return true;
    return field->name_length > 1 && field->name[0] == 'p' && field->name[1] >= '0' &&
           field->name[1] <= '9';
}

static bool text_is(const struct tcore_json *record, const char *name, const char *text)
{
    uint32_t at = tcore_json_find(record, 0, name);
    return at && tcore_value_is_text(&record->node[at].value, text);
}

/* Whether what the record is about is a duration, by the unit in its name. */
static bool is_about_durations(const struct tcore_json *record)
{
    uint32_t at = tcore_json_find(record, 0, "metricName");
    const struct tcore_value *name = &record->node[at].value;
    return at && name->kind == TCORE_STRING && name->len > 4 &&
           memcmp(name->s + name->len - 4, "Nano", 4) == 0;
}

/* What is told of a duration that is none: how many, how often. */
static bool counts(const struct tcore_json *record)
{
    return text_is(record, "stat", "count") || text_is(record, "stat", "rate") ||
           text_is(record, "stat", "errors") || text_is(record, "stat", "errorRate");
}

bool cli_fields_is_duration(const struct cli_field *field, const struct tcore_json *record)
{
    if (field->object)
        return strcmp(field->object, "timeline") == 0 &&
               (ends_with(field, "Duration") || ends_with(field, ".duration"));
    if (ends_with(field, "Nano"))
        return !ends_with(field, "UnixNano");
    if (text_is(record, "type", "finding") &&
        (is_named(field, "saving") || is_named(field, "savingMean")))
        return true;
    return is_about_durations(record) && !counts(record) &&
           (is_statistic(field) ||
            (is_named(field, "value") && text_is(record, "type", "finding")));
}

struct tcore_value cli_fields_get(struct cli_field *field, const struct tcore_json *record)
{
    uint32_t at = 0;
    struct tcore_value value = {0};
    if (field->object) {
        at = find_in(record, field->object, field->object_length, field);
    } else {
        at = tcore_json_find_n(record, 0, field->key, field->key_length);
        for (size_t i = 0; !at && i < SEARCHED; i++)
            at = find_in(record, searched[i], strlen(searched[i]), field);
    }
    if (at)
        value = record->node[at].value;
    else if (!field->object)
        value = derived(field, record);
    field->seen |= value.kind != TCORE_ABSENT;
    return value;
}

/* --- Names for "did you mean" */

static void learn_keys(struct tcore_map *names, const struct tcore_json *record, uint32_t object)
{
    const struct tcore_json_node *node = record->node;
    if (!tcore_json_is_object(&node[object]))
        return;
    for (uint32_t k = object + 1; k < node[object].next; k = node[k + 1].next)
        (void)tcore_map_intern(names, node[k].value.s, node[k].value.len, NULL);
}

void cli_learn_names(struct tcore_map *names, const struct tcore_json *record)
{
    learn_keys(names, record, 0);
    for (size_t i = 0; i < SEARCHED; i++) {
        uint32_t object = tcore_json_find(record, 0, searched[i]);
        if (object)
            learn_keys(names, record, object);
    }
}

void cli_fields_learn(struct cli_fields *fields, const struct tcore_json *record)
{
    if (!fields->asked || fields->names_from >= RECORDS_LEARNT)
        return;
    if (!fields->names_ready && tcore_map_init(&fields->names) != 0)
        return;
    fields->names_ready = true;
    fields->names_from++;
    cli_learn_names(&fields->names, record);
}

void cli_fields_free(struct cli_fields *fields)
{
    tcore_arena_free(&fields->arena);
    tcore_buf_free(&fields->left_out);
    if (fields->names_ready)
        tcore_map_free(&fields->names);
    *fields = (struct cli_fields){0};
}

bool cli_is_schema_field(const char *name, size_t length)
{
    for (int type = TCORE_RECORD_SPAN; type < TCORE_RECORD_OTHER; type++)
        if (tcore_fields_find(tcore_record_fields((enum tcore_record_type)type), name, length))
            return true;
    return false;
}

/* How many fields the schema has, all types together; and their names into list (may be NULL). */
static size_t schema_names(const char **list)
{
    size_t count = 0;
    for (int type = TCORE_RECORD_SPAN; type < TCORE_RECORD_OTHER; type++) {
        const struct tcore_fields *fields = tcore_record_fields((enum tcore_record_type)type);
        for (size_t i = 0; i < fields->count; i++, count++)
            if (list)
                list[count] = fields->field[i].name;
    }
    return count;
}

/* The shortest name that has all of this one, from its beginning or the beginning of a part of it
 * on: http.status is in http.status_code, and all its parts are in http.response.status_code. */
static const char *name_with(const char *name, const char *const *list)
{
    const char *found = NULL;
    size_t length = strlen(name), first = strcspn(name, ".");
    const char *rest = name[first] ? name + first + 1 : NULL;
    for (; length >= 3 && *list; list++) {
        const char *at = strstr(*list, name);
        bool has = at && (at == *list || strchr("._-", at[-1]));
        if (!has && rest && *rest && strncmp(*list, name, first + 1) == 0) {
            at = strstr(*list + first + 1, rest);
            has = at && strchr("._-", at[-1]);
        }
        if (has && (!found || strlen(*list) < strlen(found)))
            found = *list;
    }
    return found;
}

/* The nearest known name; of attributes.x also the nearest to x. */
static const char *nearest_name(const char *name, const char *const *list)
{
    struct cli_field field;
    set_field(&field, name, strlen(name));
    const char *nearest = cli_nearest(name, list);
    if (!nearest)
        nearest = name_with(name, list);
    if (!field.object)
        return nearest;
    if (nearest && strlen(nearest) > field.object_length)
        return nearest;
    nearest = cli_nearest(field.key, list);
    return nearest ? nearest : name_with(field.key, list);
}

void cli_note_absent_field(struct cli *cli, const char *name, const struct tcore_map *names,
                           bool some)
{
    size_t learnt = names ? names->count : 0;
    const char **list = tcore_reallocarray(NULL, learnt + schema_names(NULL) + 1, sizeof *list);
    const char *nearest = NULL, *of = some ? " that was read" : "";
    if (list) {
        for (size_t i = 0; i < learnt; i++)
            list[i] = names->keys[i].data;
        list[learnt + schema_names(list + learnt)] = NULL;
        nearest = nearest_name(name, list);
    }
    if (nearest && strcmp(nearest, name) != 0)
        cli_note(cli, "no record%s had the field '%s': did you mean '%s'?", of, name, nearest);
    else
        cli_note(cli, "no record%s had the field '%s'", of, name);
    tcore_free(list);
}
