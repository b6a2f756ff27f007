/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Findings as records. Fields are in the order of the schema (model/record.h). */
#include <config.h>

#include "base/sys.h"
#include "cli/finding.h"
#include "model/json.h"
#include "span/antipattern/findings.h"
#include "trace/store.h"

#include <inttypes.h>
#include <stdlib.h>

static double share_of(const struct finding *finding)
{
    return finding->traces_ns > 0 ? (double)finding->saving_ns / (double)finding->traces_ns : 0;
}

static enum severity severity_of(const struct finding *finding)
{
    const struct occurrence *worst = &finding->worst;
    switch (worst->pattern) {
    case PATTERN_SERIAL: /* a trace shows no dependency */
    case PATTERN_GAP:
    case PATTERN_CLOCK_SKEW:
    case PATTERN_COLD_START:
        return SEVERITY_INFO;
    case PATTERN_RETRY:
    case PATTERN_TIMEOUT_CHAIN:
        if (worst->value >= 3 * worst->limit)
            return SEVERITY_CRITICAL;
        break;
    default:
        break;
    }
    return share_of(finding) >= 0.5 ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

/* --- Order */

struct place {
    const struct finding *finding;
    enum severity severity;
    size_t group, group_length; /* in the text of all groups */
    const char *text;
};

static int compare_texts(const struct place *a, const struct place *b)
{
    size_t length = a->group_length < b->group_length ? a->group_length : b->group_length;
    int order = memcmp(a->text, b->text, length);
    if (order)
        return order;
    return a->group_length < b->group_length ? -1 : a->group_length > b->group_length;
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->finding->saving_ns != y->finding->saving_ns)
        return x->finding->saving_ns > y->finding->saving_ns ? -1 : 1;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->finding->traces != y->finding->traces)
        return x->finding->traces > y->finding->traces ? -1 : 1;
    if (x->finding->worst.pattern != y->finding->worst.pattern)
        return x->finding->worst.pattern < y->finding->worst.pattern ? -1 : 1;
    int order = compare_texts(x, y);
    if (order)
        return order;
    const uint64_t *i = x->finding->worst.trace_id, *j = y->finding->worst.trace_id;
    if (i[0] != j[0])
        return i[0] < j[0] ? -1 : 1;
    return i[1] < j[1] ? -1 : i[1] > j[1];
}

/* --- Records */

static void put_member(struct tcore_buf *out, bool first, const char *key, struct tcore_slice text)
{
    tcore_buf_printf(out, "%s\"%s\":", first ? "" : ",", key);
    tcore_json_write_string(out, text.data, text.length);
}

static void put_group(struct tcore_buf *out, const struct occurrence *worst)
{
    bool first = true;
    const struct {
        const char *key;
        struct tcore_slice text;
    } members[] = {
        {"service", worst->service},
        {"name", worst->name},
        {worst->pattern == PATTERN_CLOCK_SKEW ? "peer" : "operation", worst->operation},
    };
    tcore_buf_putc(out, '{');
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!members[i].text.data)
            continue;
        put_member(out, first, members[i].key, members[i].text);
        first = false;
    }
    tcore_buf_putc(out, '}');
}

static void put_double(struct tcore_buf *out, const char *key, double number)
{
    struct tcore_value value = tcore_value_of_double(number);
    tcore_buf_printf(out, ",\"%s\":", key);
    tcore_json_write_value(out, &value);
}

static void put_evidence(struct tcore_buf *out, const struct occurrence *worst)
{
    char trace_id[32], span_id[16];
    tcore_trace_id_digits(worst->trace_id, trace_id);
    for (uint32_t i = 0; i < worst->evidence_count; i++) {
        tcore_span_id_digits(worst->evidence[i], span_id);
        tcore_buf_printf(out, "%s{\"traceId\":\"%.32s\",\"spanId\":\"%.16s\"}",
                         i ? "," : ",\"evidence\":[", trace_id, span_id);
    }
    tcore_buf_puts(out, worst->evidence_count ? "]" : "");
}

/* Of the anti-pattern and its place. */
static bool put_fingerprint(struct tcore_buf *out, const struct place *place)
{
    char fingerprint[CLI_FINGERPRINT_BYTES];
    struct tcore_buf identity = {0};
    tcore_buf_printf(&identity, "%s ", pattern_name(place->finding->worst.pattern));
    tcore_buf_append(&identity, place->text, place->group_length);
    bool made = !identity.failed &&
                cli_finding_fingerprint("antipattern", identity.data, identity.length, fingerprint);
    if (made)
        tcore_buf_printf(out, ",\"fingerprint\":\"%s\"", fingerprint);
    tcore_buf_free(&identity);
    return made;
}

static bool write_record(struct tcore_buf *out, const struct place *place, uint64_t rank,
                         bool per_trace, struct tcore_buf *message)
{
    static const char *const severities[] = {"info", "warning", "critical"};
    const struct finding *finding = place->finding;
    const struct occurrence *worst = &finding->worst;
    tcore_buf_printf(out, "{\"type\":\"finding\",\"kind\":\"antipattern\",\"severity\":\"%s\"",
                     severities[place->severity]);
    put_double(out, "score", share_of(finding));
    tcore_buf_printf(out, ",\"recordType\":\"span\",\"metricName\":\"%s\",\"group\":",
                     worst->operation.data && worst->pattern == PATTERN_POOL_WAIT
                         ? "durationNano"
                         : finding_metric(worst->pattern));
    tcore_buf_append(out, place->text, place->group_length);
    tcore_buf_printf(out,
                     ",\"timeUnixNano\":\"%" PRId64 "\",\"value\":%" PRId64 ",\"upper\":%" PRId64
                     ",\"rank\":%" PRIu64,
                     worst->start_ns, worst->value, worst->limit, rank);
    put_double(out, "confidence", worst->confidence);
    tcore_buf_printf(out, ",\"method\":\"%s\",\"saving\":%" PRId64, pattern_name(worst->pattern),
                     finding->saving_ns);
    tcore_buf_clear(message);
    finding_say(message, finding, per_trace);
    tcore_buf_puts(out, ",\"message\":");
    tcore_json_write_string(out, message->data, message->length);
    put_evidence(out, worst);
    bool made = put_fingerprint(out, place);
    tcore_buf_printf(out, ",\"traces\":%" PRIu64 ",\"occurrences\":%" PRIu64, finding->traces,
                     finding->occurrences);
    put_double(out, "savingMean", (double)finding->saving_ns / (double)finding->traces);
    tcore_buf_puts(out, "}\n");
    return made && !message->failed;
}

/* Those that are severe enough, with the text of their groups. */
static size_t choose(const struct findings *findings, enum severity least, struct place *places,
                     struct tcore_buf *groups)
{
    size_t count = 0;
    for (uint32_t i = 0; i < findings->keys.count; i++) {
        const struct finding *finding = &findings->finding[i];
        struct place *place = &places[count];
        *place = (struct place){
            .finding = finding, .severity = severity_of(finding), .group = groups->length};
        if (place->severity < least)
            continue;
        put_group(groups, &finding->worst);
        place->group_length = groups->length - place->group;
        count++;
    }
    return count;
}

enum tcore_status findings_write(const struct findings *findings, enum severity least,
                                 struct tcore_buf *out, uint64_t *count, struct tcore_error *err)
{
    struct place *places = tcore_calloc((size_t)findings->keys.count + 1, sizeof *places);
    struct tcore_buf groups = {0}, message = {0};
    size_t chosen = places ? choose(findings, least, places, &groups) : 0;
    bool good = places && !groups.failed;
    for (size_t i = 0; i < chosen && good; i++)
        places[i].text = groups.data + places[i].group;
    if (good && chosen > 1)
        qsort(places, chosen, sizeof *places, compare_places);
    for (size_t i = 0; i < chosen && good; i++)
        good = write_record(out, &places[i], i + 1, findings->per_trace, &message);
    *count = chosen;
    tcore_free(places);
    tcore_buf_free(&groups);
    tcore_buf_free(&message);
    return good ? tcore_buf_status(out, err) : tcore_error_nomem(err);
}
