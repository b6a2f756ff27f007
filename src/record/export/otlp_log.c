/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A native log record as an OTLP one. */
#include <config.h>

#include "record/export/fields.h"
#include "record/export/otlp.h"

#include "c-ctype.h"

/* The first number of each group of four. */
static const char *const severities[] = {"trace", "debug", "info", "warn", "error", "fatal"};

/* The number of the record, or of the word that it has; 0: neither. A word that does not follow
 * from the number is lost. */
static int64_t severity_number(struct export_otlp *o, const uint32_t *at)
{
    int64_t number = 0;
    int word = export_word(&o->record, at[LOG_SEVERITY], severities, 6);
    if (at[LOG_NUMBER] &&
        (!export_int64(&o->record, at[LOG_NUMBER], &number) || number < 0 || number > 24)) {
        export_lost(&o->record, "severityNumber");
        number = 0;
    }
    if (number && at[LOG_SEVERITY] && (word < 0 || (number - 1) / 4 != word))
        export_lost(&o->record, "severity");
    if (!number && !at[LOG_TEXT] && word >= 0)
        number = word * 4 + 1;
    return number;
}

/* Whether the severity is what import makes of the text. */
static bool follows_from(const struct export_otlp *o, uint32_t severity, uint32_t text)
{
    const struct tcore_value *a = export_value(&o->record, severity),
                             *b = export_value(&o->record, text);
    if (a->kind != b->kind || a->len != b->len)
        return false;
    for (uint32_t i = 0; i < a->len; i++)
        if (a->s[i] != (c_isupper(b->s[i]) ? b->s[i] - 'A' + 'a' : b->s[i]))
            return false;
    return true;
}

static void put_severity(struct export_otlp *o, const uint32_t *at)
{
    int64_t number = severity_number(o, at);
    uint32_t text = at[LOG_TEXT] || number ? at[LOG_TEXT] : at[LOG_SEVERITY];
    if (number)
        otlp_small(&o->w, OTLP_FIELD("severityNumber", 2), number);
    else if (at[LOG_SEVERITY] && text != at[LOG_SEVERITY] &&
             !follows_from(o, at[LOG_SEVERITY], text))
        export_lost(&o->record, "severity");
    export_otlp_text(o, OTLP_FIELD("severityText", 3), text, "severityText");
}

void export_otlp_log(struct export_otlp *o)
{
    uint32_t at[LOG_COUNT];
    o->signal = OTLP_LOGS;
    export_collect(&o->record, &export_log_keys, 0, NULL, at);
    export_otlp_time(o, OTLP_FIELD("timeUnixNano", 1), at[LOG_TIME], "timeUnixNano");
    export_otlp_time(o, OTLP_FIELD("observedTimeUnixNano", 11), at[LOG_OBSERVED],
                     "observedTimeUnixNano");
    put_severity(o, at);
    if (at[LOG_BODY])
        export_otlp_value(o, OTLP_FIELD("body", 5), at[LOG_BODY]);
    export_otlp_map(o, OTLP_FIELD("attributes", 6), at[LOG_ATTRIBUTES], NULL);
    export_otlp_count(o, OTLP_FIELD("droppedAttributesCount", 7), at[LOG_DROPPED],
                      "droppedAttributesCount");
    export_otlp_flags(o, OTLP_FIELD("flags", 8), at[LOG_FLAGS], "flags");
    export_otlp_id(o, OTLP_FIELD("traceId", 9), at[LOG_TRACE]);
    export_otlp_id(o, OTLP_FIELD("spanId", 10), at[LOG_SPAN]);
    export_otlp_text(o, OTLP_FIELD("eventName", 12), at[LOG_EVENT], "eventName");
    export_otlp_levels(o, at[LOG_RESOURCE], at[LOG_SERVICE], at[LOG_SCHEMA], at[LOG_SCOPE]);
}
