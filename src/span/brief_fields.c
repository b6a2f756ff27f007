/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/brief_fields.h"

#include "model/time.h"
#include "span/put.h"
#include "trace/store.h"

enum kind { TYPE, TRACE_ID, SPANS, ERRORS, START, END, DURATION };

struct brief_field {
    const char *name;
    enum kind kind;
    bool number, timeline;
};

static const struct brief_field known[BRIEF_FIELDS] = {
    {"type", TYPE, false, false},
    {"traceId", TRACE_ID, false, false},
    {"structure.spanCount", SPANS, true, false},
    {"errors.errorCount", ERRORS, true, false},
    {"timeline.startTime", START, false, true},
    {"timeline.endTime", END, false, true},
    {"timeline.totalDuration", DURATION, true, true},
};

static const struct brief_field *find(const char *name)
{
    for (unsigned i = 0; i < BRIEF_FIELDS; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

static bool is_there(const struct brief_fields *fields, const struct brief_field *field)
{
    for (unsigned i = 0; i < fields->count; i++)
        if (fields->field[i] == field)
            return true;
    return false;
}

bool brief_fields_find(struct brief_fields *fields, const struct cli_io_options *io)
{
    *fields = (struct brief_fields){0};
    for (size_t i = 0; i < io->fields.count; i++) {
        const struct brief_field *field = find(io->fields.item[i]);
        if (!field)
            return false;
        if (is_there(fields, field))
            continue; /* named twice is written once */
        fields->field[fields->count++] = field;
        fields->errors |= field->kind == ERRORS;
        fields->times |= field->timeline;
    }
    fields->separator = strcmp(io->format, "tsv") == 0   ? '\t'
                        : strcmp(io->format, "csv") == 0 ? ','
                                                         : '\0';
    return fields->count;
}

static inline char *put_value(char *to, enum kind kind, const struct tcore_trace_total *total)
{
    const struct tcore_interval *whole = &total->whole;
    switch (kind) {
    case TYPE:
        return PUT(to, "trace");
    case TRACE_ID:
        tcore_trace_id_digits(total->trace_id, to);
        return to + 32;
    case SPANS:
        return put_number(to, (int64_t)total->spans);
    case ERRORS:
        return put_number(to, (int64_t)total->errors);
    case START:
        return to + tcore_format_time(to, whole->start_ns);
    case END:
        return to + tcore_format_time(to, whole->end_ns);
    case DURATION:
        return put_number(to, whole->end_ns - whole->start_ns);
    }
    return to;
}

static char *put_quoted(char *to, const struct brief_field *field,
                        const struct tcore_trace_total *total)
{
    if (field->number)
        return put_value(to, field->kind, total);
    *to = '"';
    to = put_value(to + 1, field->kind, total);
    *to = '"';
    return to + 1;
}

static char *put_object(char *to, const struct brief_fields *fields,
                        const struct tcore_trace_total *total)
{
    bool timed = tcore_interval_is_known(&total->whole), first = true;
    *to++ = '{';
    for (unsigned i = 0; i < fields->count; i++) {
        const struct brief_field *field = fields->field[i];
        if (field->timeline && !timed)
            continue;
        to = first ? PUT(to, "\"") : PUT(to, ",\"");
        to = put(to, field->name, strlen(field->name));
        to = PUT(to, "\":");
        to = put_quoted(to, field, total);
        first = false;
    }
    return PUT(to, "}\n");
}

/* Of all these values none has anything to be quoted or escaped in a cell. */
char *brief_put_row(char *to, const struct brief_fields *fields,
                    const struct tcore_trace_total *total)
{
    if (!fields->separator)
        return put_object(to, fields, total);
    bool timed = tcore_interval_is_known(&total->whole);
    for (unsigned i = 0; i < fields->count; i++) {
        const struct brief_field *field = fields->field[i];
        if (timed || !field->timeline)
            to = put_value(to, field->kind, total);
        *to++ = i + 1 < fields->count ? fields->separator : '\n';
    }
    return to;
}

char *brief_put_record(char *to, const struct tcore_trace_total *total, bool errors)
{
    to = PUT(to, "{\"type\":\"trace\",\"traceId\":\"");
    to = put_value(to, TRACE_ID, total);
    to = PUT(to, "\",\"structure\":{\"spanCount\":");
    to = put_value(to, SPANS, total);
    if (tcore_interval_is_known(&total->whole)) {
        to = PUT(to, "},\"timeline\":{\"startTime\":\"");
        to = put_value(to, START, total);
        to = PUT(to, "\",\"endTime\":\"");
        to = put_value(to, END, total);
        to = PUT(to, "\",\"totalDuration\":");
        to = put_value(to, DURATION, total);
    }
    if (errors) {
        to = PUT(to, "},\"errors\":{\"errorCount\":");
        to = put_value(to, ERRORS, total);
    }
    return PUT(to, "}}\n");
}
