/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The canonical form: a table of records and what becomes of them, what is refused and why, and
 * properties over generated records: it is stable under itself, it does not depend on blanks or
 * the order of known fields, and every failing allocation is reported.
 */
#include "failing.h"
#include "model/canonical.h"
#include "tap.h"

#define IDS  "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\""
#define SPAN "{\"type\":\"span\"," IDS ",\"name\":\"\""

static struct tcore_json json;
static struct tcore_buf out;
static struct tcore_error err;
static enum tcore_record_type type;

/* The canonical text, or why there is none. */
static const char *canonical(const char *text, bool derive)
{
    tcore_buf_clear(&out);
    tcore_buf_puts(&out, "before ");
    enum tcore_status status = tcore_json_parse(&json, text, strlen(text), &err);
    if (status == TCORE_OK)
        status = tcore_record_canonical(&json, derive, &out, &type, &err);
    if (status != TCORE_OK)
        return out.length == 7 ? err.text : "something was appended all the same";
    tcore_buf_putc(&out, '\0');
    return out.data + 7;
}

static void test_forms(void)
{
    static const struct {
        const char *name, *text, *wanted;
    } cases[] = {
        {"a span in another order, with blanks",
         " { \"name\" : \"GET\" , " IDS " , \"type\" : \"span\" } ",
         "{\"type\":\"span\"," IDS ",\"name\":\"GET\"}"},
        {"a span without a type or name", "{" IDS "}", SPAN "}"},
        {"all fields of a span",
         "{\"schemaUrl\":\"u\",\"droppedLinksCount\":3,\"droppedEventsCount\":2,"
         "\"droppedAttributesCount\":1,\"flags\":257,\"traceState\":\"k=v\",\"links\":[{\"spanId\":"
         "\"1\",\"traceId\":\"2\"}],\"events\":[{\"name\":\"e\",\"timeUnixNano\":5}],\"scope\":{"
         "\"version\":\"1\",\"name\":\"s\"},\"resource\":{\"b\":1,\"a\":2},\"attributes\":{\"b\":1,"
         "\"a\":2},\"service\":\"cart\",\"statusMessage\":\"boom\",\"status\":\"error\","
         "\"durationNano\":1,\"endTimeUnixNano\":2,\"startTimeUnixNano\":1,\"kind\":\"server\","
         "\"name\":\"n\",\"parentSpanId\":\"3\"," IDS ",\"type\":\"span\"}",
         "{\"type\":\"span\"," IDS ",\"parentSpanId\":\"0000000000000003\",\"name\":\"n\",\"kind\":"
         "\"server\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\",\"durationNano\":1,"
         "\"status\":\"error\",\"statusMessage\":\"boom\",\"service\":\"cart\",\"attributes\":{"
         "\"b\":1,\"a\":2},\"resource\":{\"b\":1,\"a\":2},\"scope\":{\"name\":\"s\",\"version\":"
         "\"1\"},\"events\":[{\"timeUnixNano\":\"5\",\"name\":\"e\"}],\"links\":[{\"traceId\":"
         "\"00000000000000000000000000000002\",\"spanId\":\"0000000000000001\"}],\"traceState\":"
         "\"k=v\",\"flags\":257,\"droppedAttributesCount\":1,\"droppedEventsCount\":2,"
         "\"droppedLinksCount\":3,\"schemaUrl\":\"u\"}"},
        {"times as numbers, literals and strings",
         "{" IDS ",\"startTimeUnixNano\":1.5e18,\"endTimeUnixNano\":\"1600000000000000000\"}",
         SPAN ",\"startTimeUnixNano\":\"1500000000000000000\",\"endTimeUnixNano\":"
              "\"1600000000000000000\"}"},
        {"a time beyond 2^53 and a negative one",
         "{" IDS ",\"startTimeUnixNano\":1544712660000000001,\"endTimeUnixNano\":-5}",
         SPAN ",\"startTimeUnixNano\":\"1544712660000000001\",\"endTimeUnixNano\":\"-5\"}"},
        {"nulls and empty containers of our own fields go",
         "{" IDS ",\"name\":null,\"kind\":null,\"startTimeUnixNano\":null,\"attributes\":{},"
         "\"resource\":null,\"scope\":{},\"events\":[],\"links\":null,\"traceState\":null}",
         SPAN "}"},
        {"objects that are empty once canonical go too",
         "{" IDS ",\"scope\":{\"name\":null,\"attributes\":{}}}", SPAN "}"},
        {"but the elements of lists stay", "{" IDS ",\"events\":[{},{\"name\":null},7,null]}",
         SPAN ",\"events\":[{},{},7,null]}"},
        {"nulls and empty containers in attributes and unknown fields stay",
         "{" IDS ",\"x\":null,\"attributes\":{\"a\":null,\"b\":{},\"c\":[]},\"y\":{},\"z\":[]}",
         SPAN ",\"attributes\":{\"a\":null,\"b\":{},\"c\":[]},\"x\":null,\"y\":{},\"z\":[]}"},
        {"duplicate keys: the last wins",
         "{" IDS ",\"name\":\"a\",\"u\":1,\"name\":\"b\",\"v\":2,\"u\":3,\"attributes\":{\"k\":1},"
         "\"attributes\":{\"k\":2,\"l\":1,\"k\":3}}",
         "{\"type\":\"span\"," IDS
         ",\"name\":\"b\",\"attributes\":{\"k\":3,\"l\":1},\"u\":3,\"v\":2}"},
        {"a duplicate null makes a field absent", "{" IDS ",\"kind\":\"server\",\"kind\":null}",
         SPAN "}"},
        {"a type given twice", "{\"type\":\"log\"," IDS ",\"type\":\"span\"}", SPAN "}"},
        {"a null type is none", "{\"type\":null," IDS "}", SPAN "}"},
        {"number literals stay",
         "{" IDS ",\"attributes\":{\"a\":1.50,\"b\":1e2,\"c\":12345678901234567890,\"d\":-0,"
         "\"e\":1.0,\"f\":0.1}}",
         SPAN ",\"attributes\":{\"a\":1.50,\"b\":1e2,\"c\":12345678901234567890,\"d\":-0,"
              "\"e\":1.0,\"f\":0.1}}"},
        {"OTLP's special values stay",
         "{" IDS
         ",\"attributes\":{\"a\":{\"bytesValue\":\"AQ==\"},\"b\":{\"doubleValue\":\"NaN\"}}}",
         SPAN ",\"attributes\":{\"a\":{\"bytesValue\":\"AQ==\"},\"b\":{\"doubleValue\":\"NaN\"}}}"},
        {"strings are escaped the shortest way",
         "{" IDS ",\"name\":\"\\u0041\\/\\u00e9\\ud800\\u0000\"}",
         "{\"type\":\"span\"," IDS ",\"name\":\"A/\xc3\xa9\\ud800\\u0000\"}"},
        {"a key with escapes is still known", "{" IDS ",\"\\u006bind\":\"client\"}",
         SPAN ",\"kind\":\"client\"}"},
        {"ids in capitals, short, in base64",
         "{\"traceId\":\"W47/95gDgQPSabYzgT/GDA==\",\"spanId\":\"EEE19B7EC3C1B174\","
         "\"parentSpanId\":\"AB\"}",
         "{\"type\":\"span\"," IDS ",\"parentSpanId\":\"00000000000000ab\",\"name\":\"\"}"},
        {"a zero or empty parent is absent", "{" IDS ",\"parentSpanId\":\"0000000000000000\"}",
         SPAN "}"},
        {"an empty parent too", "{" IDS ",\"parentSpanId\":\"\"}", SPAN "}"},
        {"an id that is no hexadecimal",
         "{\"traceId\":\"abc-def\",\"spanId\":\"1\",\"attributes\":{\"k\":1}}",
         "{\"type\":\"span\",\"traceId\":\"60f6dc34ca49291acfbc5e6db0990b5e\",\"spanId\":"
         "\"0000000000000001\",\"name\":\"\",\"attributes\":{\"k\":1,\"tracecore.original_id\":"
         "\"abc-def\"}}"},
        {"a span id alone", "{\"traceId\":\"1\",\"spanId\":\"abc-def\"}",
         "{\"type\":\"span\",\"traceId\":\"00000000000000000000000000000001\",\"spanId\":"
         "\"31616261d1b925c5\",\"name\":\"\",\"attributes\":{\"tracecore.original_id\":"
         "\"abc-def\"}}"},
        {"three of them",
         "{\"traceId\":\"abc-def\",\"spanId\":\"abc-def\",\"parentSpanId\":\"abc-def\","
         "\"attributes\":{\"tracecore.original_id\":\"stale\"}}",
         "{\"type\":\"span\",\"traceId\":\"60f6dc34ca49291acfbc5e6db0990b5e\",\"spanId\":"
         "\"31616261d1b925c5\",\"parentSpanId\":\"31616261d1b925c5\",\"name\":\"\",\"attributes\":{"
         "\"tracecore.original_id\":\"abc-def\",\"tracecore.original_span_id\":\"abc-def\","
         "\"tracecore.original_parent_span_id\":\"abc-def\"}}"},
        {"in a link", "{" IDS ",\"links\":[{\"traceId\":\"abc-def\",\"spanId\":\"0\"}]}",
         SPAN ",\"links\":[{\"traceId\":\"60f6dc34ca49291acfbc5e6db0990b5e\",\"attributes\":{"
              "\"tracecore.original_id\":\"abc-def\"}}]}"},
        {"where the schema has no attributes",
         "{\"metricName\":\"m\",\"context\":{\"traceId\":\"abc-def\",\"x\":1}}",
         "{\"type\":\"metric\",\"metricName\":\"m\",\"context\":{\"traceId\":"
         "\"60f6dc34ca49291acfbc5e6db0990b5e\",\"x\":1,\"attributes\":{\"tracecore.original_id\":"
         "\"abc-def\"}}}"},
        {"and where some are there nevertheless",
         "{\"metricName\":\"m\",\"context\":{\"traceId\":\"abc-def\",\"attributes\":null,\"x\":1}}",
         "{\"type\":\"metric\",\"metricName\":\"m\",\"context\":{\"traceId\":"
         "\"60f6dc34ca49291acfbc5e6db0990b5e\",\"attributes\":{\"tracecore.original_id\":"
         "\"abc-def\"},\"x\":1}}"},
        {"known fields of the wrong kind stay",
         "{" IDS
         ",\"attributes\":[1],\"events\":{\"a\":null},\"scope\":\"s\",\"durationNano\":\"5\"}",
         SPAN
         ",\"durationNano\":\"5\",\"attributes\":[1],\"scope\":\"s\",\"events\":{\"a\":null}}"},
        {"a metric decided by its name",
         "{\"value\":12.5,\"metricName\":\"response_time\",\"spanId\":\"1\",\"body\":\"b\"}",
         "{\"type\":\"metric\",\"metricName\":\"response_time\",\"value\":12.5,\"spanId\":\"1\","
         "\"body\":\"b\"}"},
        {"a histogram",
         "{\"metricName\":\"h\",\"histogram\":{\"bucketCounts\":[1,2],\"bounds\":[5],\"sum\":1.0,"
         "\"count\":3,\"negative\":{},\"positive\":{\"bucketCounts\":[],\"offset\":-3}}}",
         "{\"type\":\"metric\",\"metricName\":\"h\",\"histogram\":{\"count\":3,\"sum\":1.0,"
         "\"bounds\":[5],\"bucketCounts\":[1,2],\"positive\":{\"offset\":-3}}}"},
        {"an execution decided by its id",
         "{\"event\":\"started\",\"traceId\":\"1\",\"executionId\":\"A\",\"body\":\"b\"}",
         "{\"type\":\"execution\",\"event\":\"started\",\"executionId\":\"000000000000000a\","
         "\"traceId\":\"00000000000000000000000000000001\",\"body\":\"b\"}"},
        {"a log decided by its body, without a trace",
         "{\"traceId\":\"\",\"spanId\":\"0000000000000000\",\"body\":\"\",\"timeUnixNano\":1}",
         "{\"type\":\"log\",\"timeUnixNano\":\"1\",\"body\":\"\"}"},
        {"a log decided by its severity", "{\"severity\":\"warn\",\"spanId\":\"1\"}",
         "{\"type\":\"log\",\"severity\":\"warn\",\"spanId\":\"0000000000000001\"}"},
        {"a null field decides nothing", "{\"metricName\":null,\"severity\":\"info\"}",
         "{\"type\":\"log\",\"severity\":\"info\",\"metricName\":null}"},
        {"an aggregate with an empty group",
         "{\"count\":1,\"group\":{},\"p99\":5,\"distinct(x)\":3,\"p12\":1,\"type\":\"aggregate\"}",
         "{\"type\":\"aggregate\",\"group\":{},\"count\":1,\"p99\":5,\"distinct(x)\":3,\"p12\":1}"},
        {"a finding with an empty group and evidence",
         "{\"type\":\"finding\",\"evidence\":[{\"spanId\":\"2\",\"traceId\":\"1\"}],\"group\":{}}",
         "{\"type\":\"finding\",\"group\":{},\"evidence\":[{\"traceId\":"
         "\"00000000000000000000000000000001\",\"spanId\":\"0000000000000002\"}]}"},
        {"a null group is absent", "{\"type\":\"finding\",\"group\":null}",
         "{\"type\":\"finding\"}"},
        {"spans inside a trace",
         "{\"type\":\"trace\",\"structure\":{\"spans\":[{\"spanId\":\"2\",\"links\":[],\"traceId\":"
         "\"1\"}],\"spanCount\":1},\"traceId\":\"1\",\"timeline\":{\"endTime\":\"b\","
         "\"startTime\":\"a\"}}",
         "{\"type\":\"trace\",\"traceId\":\"00000000000000000000000000000001\",\"structure\":{"
         "\"spanCount\":1,\"spans\":[{\"traceId\":\"00000000000000000000000000000001\",\"spanId\":"
         "\"0000000000000002\"}]},\"timeline\":{\"startTime\":\"a\",\"endTime\":\"b\"}}"},
        {"a clock", "{\"timeUnixNano\":7,\"type\":\"clock\"}",
         "{\"type\":\"clock\",\"timeUnixNano\":\"7\"}"},
        {"health", "{\"type\":\"health\",\"overallHealth\":{\"score\":87,\"status\":\"healthy\"}}",
         "{\"type\":\"health\",\"overallHealth\":{\"status\":\"healthy\",\"score\":87}}"},
        {"an unknown type stays as it is but for blanks",
         "{\"b\": null, \"type\": \"future\", \"a\": {}, \"b\": []}",
         "{\"type\":\"future\",\"b\":[],\"a\":{}}"},
        {"known fields without a type stay as they are",
         "{\"name\": \"x\", \"startTimeUnixNano\": 5, \"type\": null}",
         "{\"name\":\"x\",\"startTimeUnixNano\":5}"},
        {"durations are not derived unless wanted",
         "{" IDS ",\"startTimeUnixNano\":1,\"endTimeUnixNano\":2,\"resource\":{\"service.name\":"
         "\"s\"}}",
         SPAN ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\",\"resource\":{"
              "\"service.name\":\"s\"}}"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        is_str(canonical(cases[n].text, false), cases[n].wanted, "%s", cases[n].name);
        is_str(canonical(cases[n].wanted, false), cases[n].wanted, "and stays so");
    }
}

static void test_derived(void)
{
    static const struct {
        const char *name, *text, *wanted;
    } cases[] = {
        {"duration and service",
         "{" IDS
         ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":5,\"resource\":{\"service.name\":"
         "\"s\"}}",
         SPAN ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"5\",\"durationNano\":4,"
              "\"service\":\"s\",\"resource\":{\"service.name\":\"s\"}}"},
        {"what is present wins",
         "{" IDS
         ",\"startTimeUnixNano\":1,\"endTimeUnixNano\":5,\"durationNano\":9,\"service\":\"t\","
         "\"resource\":{\"service.name\":\"s\"}}",
         SPAN ",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"5\",\"durationNano\":9,"
              "\"service\":\"t\",\"resource\":{\"service.name\":\"s\"}}"},
        {"an end before the start", "{" IDS ",\"startTimeUnixNano\":5,\"endTimeUnixNano\":1}",
         SPAN ",\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"1\"}"},
        {"a duration of zero", "{" IDS ",\"startTimeUnixNano\":5,\"endTimeUnixNano\":5}",
         SPAN ",\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"5\",\"durationNano\":0}"},
        {"a duration beyond int64",
         "{" IDS ",\"startTimeUnixNano\":-9000000000000000000,\"endTimeUnixNano\":"
         "9000000000000000000}",
         SPAN ",\"startTimeUnixNano\":\"-9000000000000000000\",\"endTimeUnixNano\":"
              "\"9000000000000000000\"}"},
        {"no end", "{" IDS ",\"startTimeUnixNano\":5}", SPAN ",\"startTimeUnixNano\":\"5\"}"},
        {"a service name that is no text", "{" IDS ",\"resource\":{\"service.name\":5}}",
         SPAN ",\"resource\":{\"service.name\":5}}"},
        {"an empty service name", "{" IDS ",\"resource\":{\"service.name\":\"\"}}",
         SPAN ",\"resource\":{\"service.name\":\"\"}}"},
        {"no resource but a stray key", "{" IDS ",\"service.name\":\"s\"}",
         SPAN ",\"service.name\":\"s\"}"},
        {"a metric's service, and no duration",
         "{\"metricName\":\"m\",\"startTimeUnixNano\":1,\"endTimeUnixNano\":2,\"resource\":{"
         "\"service.name\":\"s\"}}",
         "{\"type\":\"metric\",\"metricName\":\"m\",\"service\":\"s\",\"resource\":{"
         "\"service.name\":\"s\"},\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":2}"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        is_str(canonical(cases[n].text, true), cases[n].wanted, "derived: %s", cases[n].name);
        is_str(canonical(cases[n].wanted, true), cases[n].wanted, "and stays so");
    }
}

static void test_refused(void)
{
    static const char undecided[] = "neither a type nor a field that decides it (metricName, "
                                    "executionId, body, severity, spanId)";
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"5", undecided},
        {"[]", undecided},
        {"{}", undecided},
        {"{\"duration\":1}", undecided},
        {"{\"type\":null}", undecided},
        {"{\"type\":5,\"spanId\":\"1\"}", "type is not a string"},
        {"{\"type\":\"span\"}", "a span without traceId"},
        {"{\"type\":\"span\",\"traceId\":\"1\"}", "a span without spanId"},
        {"{\"traceId\":null,\"spanId\":\"1\"}", "a span without traceId"},
        {"{\"traceId\":\"0\",\"spanId\":\"1\"}", "traceId is all zero"},
        {"{\"traceId\":\"\",\"spanId\":\"1\"}", "a span without traceId"},
        {"{\"traceId\":\"1\",\"spanId\":\"0000000000000000\"}", "spanId is all zero"},
        {"{\"traceId\":1,\"spanId\":\"1\"}", "traceId is not a string"},
        {"{" IDS ",\"parentSpanId\":{}}", "parentSpanId is not a string"},
        {"{" IDS ",\"links\":[{\"traceId\":1}]}", "traceId is not a string"},
        {"{" IDS ",\"startTimeUnixNano\":1.5}", "startTimeUnixNano is not an int64"},
        {"{" IDS ",\"startTimeUnixNano\":\"\"}", "startTimeUnixNano is not an int64"},
        {"{" IDS ",\"startTimeUnixNano\":\"1.5e18\"}", "startTimeUnixNano is not an int64"},
        {"{" IDS ",\"startTimeUnixNano\":\"2018-12-13T14:51:00Z\"}",
         "startTimeUnixNano is not an int64"},
        {"{" IDS ",\"endTimeUnixNano\":9223372036854775808}", "endTimeUnixNano is not an int64"},
        {"{" IDS ",\"endTimeUnixNano\":true}", "endTimeUnixNano is not an int64"},
        {"{" IDS ",\"endTimeUnixNano\":[1]}", "endTimeUnixNano is not an int64"},
        {"{" IDS ",\"events\":[{\"timeUnixNano\":\"x\"}]}", "timeUnixNano is not an int64"},
        {"{\"type\":\"clock\",\"timeUnixNano\":false}", "timeUnixNano is not an int64"},
        {"{\"traceId\":\"no hex\",\"spanId\":\"1\",\"attributes\":[1]}",
         "attributes is no object and cannot keep an id that is no hexadecimal"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        is_str(canonical(cases[n].text, true), cases[n].reason, "refused: %s", cases[n].text);
}

static void test_types(void)
{
    static const struct {
        const char *text;
        enum tcore_record_type wanted;
    } cases[] = {
        {"{\"type\":\"span\"}", TCORE_RECORD_SPAN},
        {"{\"type\":\"metric\",\"spanId\":\"1\"}", TCORE_RECORD_METRIC},
        {"{\"type\":\"execution\"}", TCORE_RECORD_EXECUTION},
        {"{\"type\":\"log\"}", TCORE_RECORD_LOG},
        {"{\"type\":\"trace\"}", TCORE_RECORD_TRACE},
        {"{\"type\":\"aggregate\"}", TCORE_RECORD_AGGREGATE},
        {"{\"type\":\"finding\"}", TCORE_RECORD_FINDING},
        {"{\"type\":\"alert\"}", TCORE_RECORD_ALERT},
        {"{\"type\":\"notification\"}", TCORE_RECORD_NOTIFICATION},
        {"{\"type\":\"health\"}", TCORE_RECORD_HEALTH},
        {"{\"type\":\"clock\"}", TCORE_RECORD_CLOCK},
        {"{\"type\":\"none\"}", TCORE_RECORD_OTHER},
        {"{\"type\":\"other\"}", TCORE_RECORD_OTHER},
        {"{\"type\":\"\"}", TCORE_RECORD_OTHER},
        {"{\"type\":\"spans\"}", TCORE_RECORD_OTHER},
        {"{\"metricName\":\"\",\"executionId\":1,\"body\":1,\"spanId\":1}", TCORE_RECORD_METRIC},
        {"{\"executionId\":1,\"body\":1,\"spanId\":1}", TCORE_RECORD_EXECUTION},
        {"{\"body\":1,\"spanId\":1}", TCORE_RECORD_LOG},
        {"{\"severity\":1,\"spanId\":1}", TCORE_RECORD_LOG},
        {"{\"spanId\":1}", TCORE_RECORD_SPAN},
        {"{\"name\":1}", TCORE_RECORD_NONE},
        {"[\"spanId\",\"1\"]", TCORE_RECORD_NONE},
        {"null", TCORE_RECORD_NONE},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        tcore_json_parse(&json, cases[n].text, strlen(cases[n].text), &err);
        is_str(tcore_record_type_name(tcore_record_type_of(&json)),
               tcore_record_type_name(cases[n].wanted), "the type of %s", cases[n].text);
    }
}

/* ---- the tables themselves ---- */

static unsigned check_fields(const struct tcore_fields *fields)
{
    unsigned wrong = fields->count > 48, ids = 0;
    for (size_t i = 0; i < fields->count; i++) {
        const struct tcore_field *f = &fields->field[i];
        bool nested = f->field_class == TCORE_FIELD_OBJECT || f->field_class == TCORE_FIELD_LIST;
        ids += f->field_class == TCORE_FIELD_TRACE_ID || f->field_class == TCORE_FIELD_SPAN_ID;
        wrong += strlen(f->name) != f->name_length;
        wrong += nested != (f->fields != NULL);
        wrong += tcore_fields_find(fields, f->name, f->name_length) != f; /* no name twice */
        if (f->fields)
            wrong += check_fields(f->fields);
    }
    return wrong + (ids > 6);
}

static void test_tables(void)
{
    for (int t = TCORE_RECORD_SPAN; t < TCORE_RECORD_OTHER; t++) {
        const struct tcore_fields *fields = tcore_record_fields((enum tcore_record_type)t);
        const char *name = tcore_record_type_name((enum tcore_record_type)t);
        is_int(check_fields(fields), 0, "the table of %s is sound", name);
        is_str(fields->field[0].name, "type", "and begins with type");
        is_int(tcore_record_type_find(name, strlen(name)), t, "and is found by name");
    }
    is_int(tcore_record_fields(TCORE_RECORD_NONE)->count, 0, "none has no fields");
    is_int(tcore_record_fields(TCORE_RECORD_OTHER)->count, 0, "nor has an unknown type");
    is_int(tcore_record_fields(TCORE_RECORD_TYPES)->count, 0, "nor what is no type");
    is_str(tcore_record_type_name(TCORE_RECORD_TYPES), "other", "which is called other");
}

/* ---- generated records ---- */

static uint64_t state;

static unsigned pick(unsigned limit)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (unsigned)((z ^ z >> 31) % limit);
}

static void blanks(struct tcore_buf *text)
{
    static const char *const some[] = {"", "", "", " ", "\t", " \r "};
    tcore_buf_puts(text, some[pick(6)]);
}

static void any_value(struct tcore_buf *text, int depth)
{
    static const char *const scalars[] = {"null",
                                          "true",
                                          "false",
                                          "0",
                                          "-1",
                                          "9007199254740993",
                                          "1.0",
                                          "1.50",
                                          "1e5",
                                          "-0",
                                          "\"\"",
                                          "\"x\"",
                                          "\"\\u00e9\\n\"",
                                          "\"123\"",
                                          "\"\\ud800\"",
                                          "1544712660000000000",
                                          "\"1544712660000000000\"",
                                          "12345678901234567890",
                                          "\"5b8efff798038103d269b633813fc60c\"",
                                          "\"EEE19B7EC3C1B174\"",
                                          "\"not hex\"",
                                          "\"0\""};
    unsigned form = pick(depth > 3 ? 6 : 8), count = pick(4);
    if (form < 6) {
        tcore_buf_puts(text, scalars[pick(sizeof scalars / sizeof *scalars)]);
        return;
    }
    tcore_buf_putc(text, form == 6 ? '[' : '{');
    for (unsigned n = 0; n < count; n++) {
        if (n)
            tcore_buf_putc(text, ',');
        blanks(text);
        if (form == 7)
            tcore_buf_printf(text, "\"%c\":", 'a' + (int)pick(5));
        any_value(text, depth + 1);
        blanks(text);
    }
    tcore_buf_putc(text, form == 6 ? ']' : '}');
}

/* Members for some of the fields, in any order, some twice, some of the wrong kind. */
static void any_object(struct tcore_buf *text, const struct tcore_fields *fields, int depth);

static void any_field(struct tcore_buf *text, const struct tcore_field *f, int depth)
{
    static const char *const times[] = {"5", "\"6\"", "1.5e18", "null", "-7", "\"0\""};
    static const char *const ids[] = {"\"1\"",       "\"EEE19B7EC3C1B174\"",
                                      "\"not hex\"", "\"\"",
                                      "null",        "\"5b8efff798038103d269b633813fc60c\""};
    tcore_buf_printf(text, "\"%s\":", f->name);
    blanks(text);
    if (f->field_class == TCORE_FIELD_TIME && pick(30)) {
        tcore_buf_puts(text, times[pick(6)]);
    } else if ((f->field_class == TCORE_FIELD_TRACE_ID || f->field_class == TCORE_FIELD_SPAN_ID) &&
               pick(30)) {
        tcore_buf_puts(text, ids[pick(6)]);
    } else if (f->field_class == TCORE_FIELD_OBJECT && pick(10)) {
        any_object(text, f->fields, depth + 1);
    } else if (f->field_class == TCORE_FIELD_LIST && pick(10)) {
        tcore_buf_putc(text, '[');
        for (unsigned n = 0, count = pick(3); n < count; n++) {
            if (n)
                tcore_buf_putc(text, ',');
            any_object(text, f->fields, depth + 1);
        }
        tcore_buf_putc(text, ']');
    } else {
        any_value(text, depth);
    }
}

static void any_object(struct tcore_buf *text, const struct tcore_fields *fields, int depth)
{
    unsigned count = pick(12);
    tcore_buf_putc(text, '{');
    blanks(text);
    if (depth == 0)
        tcore_buf_printf(text, "\"type\":\"%s\"," IDS,
                         tcore_record_type_name((enum tcore_record_type)(1 + pick(11))));
    for (unsigned n = 0; n < count; n++) {
        if (n || depth == 0)
            tcore_buf_putc(text, ',');
        if (pick(6)) {
            any_field(text, &fields->field[pick((unsigned)fields->count)], depth);
        } else {
            static const char *const others[] = {"attributes", "x", "y", "", "type"};
            tcore_buf_printf(text, "\"%s\":", others[pick(depth ? 5 : 4)]);
            any_value(text, depth);
        }
        blanks(text);
    }
    tcore_buf_putc(text, '}');
}

static void test_properties(void)
{
    struct tcore_buf text = {0};
    char *once = NULL;
    unsigned unstable = 0, valid = 0, no_json = 0, two_types = 0;
    for (unsigned n = 0; n < 40000; n++) {
        state = n * 1000003;
        enum tcore_record_type wanted = (enum tcore_record_type)(1 + pick(11));
        tcore_buf_clear(&text);
        any_object(&text, tcore_record_fields(wanted), 0);
        tcore_buf_putc(&text, '\0');
        const char *got = canonical(text.data, n % 2);
        if (got == err.text)
            continue;
        valid++;
        enum tcore_record_type before = type;
        free(once);
        once = strdup(got);
        no_json += tcore_json_parse(&json, once, strlen(once), &err) != TCORE_OK;
        got = canonical(once, n % 2);
        two_types += type != before;
        if (strcmp(got, once) != 0 && unstable++ == 0) {
            tap_show("input", text.data, text.length);
            tap_show("once", once, strlen(once));
            tap_show("twice", got, strlen(got));
        }
    }
    ok(valid > 20000, "%u of 40,000 generated records are valid", valid);
    is_int(no_json, 0, "their canonical form is JSON");
    is_int(two_types, 0, "of the same type");
    is_int(unstable, 0, "and canonical");
    free(once);
    tcore_buf_free(&text);
}

/* The order of a record's fields and the blanks between them do not matter. */
static void test_order(void)
{
    static const char *const members[] = {
        IDS,
        "\"name\":\"n\"",
        "\"startTimeUnixNano\":\"5\"",
        "\"attributes\":{\"b\":1,\"a\":2}",
        "\"events\":[{\"name\":\"e\",\"timeUnixNano\":1}]",
        "\"scope\":{\"version\":\"1\",\"name\":\"s\"}",
        "\"kind\":\"server\"",
    };
    enum { MEMBERS = sizeof members / sizeof *members };
    struct tcore_buf text = {0};
    char *first = NULL;
    unsigned wrong = 0;
    for (unsigned n = 0; n < 500; n++) {
        unsigned order[MEMBERS];
        state = n;
        for (unsigned i = 0; i < MEMBERS; i++) {
            unsigned j = pick(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        tcore_buf_clear(&text);
        for (unsigned i = 0; i < MEMBERS; i++)
            tcore_buf_printf(&text, "%c%s", i ? ',' : '{', members[order[i]]);
        tcore_buf_printf(&text, "}%c", '\0');
        const char *got = canonical(text.data, true);
        if (!first)
            first = strdup(got);
        wrong += strcmp(got, first) != 0;
    }
    is_int(wrong, 0, "500 orders of a span's fields give one text");
    free(first);
    tcore_buf_free(&text);
}

static void test_allocation_failures(void)
{
    struct tcore_buf text = {0};
    unsigned long wrong = 0, round = 1;
    tcore_buf_puts(&text, "{\"traceId\":\"a long original id\",\"spanId\":\"1\",\"attributes\":{");
    for (int n = 0; n < 100; n++)
        tcore_buf_printf(&text, "%s\"k%d\":{\"d\":[[[[[[[[[[[[[[[[[[\"\\t\"]]]]]]]]]]]]]]]]]]}",
                         n ? "," : "", n % 70);
    tcore_buf_puts(&text, "},\"u\":1,\"u\":{\"v\":1,\"v\":2}}");
    tcore_json_free(&json);
    for (bool failed = true; failed; round++) {
        struct tcore_buf own = {0};
        failing_begin(round);
        enum tcore_status status = tcore_json_parse(&json, text.data, text.length, &err);
        if (status == TCORE_OK)
            status = tcore_record_canonical(&json, true, &own, NULL, &err);
        tcore_buf_free(&own);
        tcore_json_free(&json);
        failed = failing_end();
        wrong += status != (failed ? TCORE_FATAL : TCORE_OK);
    }
    ok(round > 10, "each of %lu allocations failed once", round - 2);
    is_int(wrong, 0, "each time the caller was told");
    is_int(failing.live, 0, "nothing leaked");
    tcore_buf_free(&text);
}

int main(void)
{
    test_forms();
    test_derived();
    test_refused();
    test_types();
    test_tables();
    test_order();
    test_properties();
    test_allocation_failures();
    tcore_json_free(&json);
    tcore_buf_free(&out);
    return done_testing();
}
