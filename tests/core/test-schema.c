/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON Schemas say what the tables of model/record.h say: the same fields, of the same kinds,
 * in the same order; and records of each type are valid by them, and wrong ones are not. The
 * validator knows the keywords that these schemas use, and a schema with another one fails.
 *
 * With arguments, files of NDJSON, it validates their records instead and names those that are not
 * valid; tests/contract/schemas.bats gives it what the programs write. --schema=NAME before a file
 * is for those that are held to another schema than that of their type.
 */
#include "model/canonical.h"
#include "model/json.h"
#include "tap.h"

#include <regex.h>

struct schema {
    char *text;
    struct tcore_json json;
};

static struct schema schemas[TCORE_RECORD_TYPES];
static struct schema other;    /* of --schema */
static struct schema *held_to; /* it; NULL: each record to that of its type */

/* ---- reading ---- */

static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;
    ssize_t got = file ? getdelim(&text, &capacity, '\0', file) : -1;
    if (file)
        fclose(file);
    *length = got < 0 ? 0 : (size_t)got;
    if (got < 0) {
        free(text);
        return NULL;
    }
    return text;
}

static bool load(struct schema *schema, const char *name)
{
    char path[4096];
    const char *source = getenv("top_srcdir");
    struct tcore_error err = {0};
    size_t length;
    snprintf(path, sizeof path, "%s/schema/%s.schema.json", source ? source : ".", name);
    schema->text = read_file(path, &length);
    if (!schema->text) {
        printf("# %s cannot be read\n", path);
        return false;
    }
    if (tcore_json_parse(&schema->json, schema->text, length, &err) != TCORE_OK) {
        printf("# %s: byte %llu: %s\n", path, (unsigned long long)err.byte, err.text);
        return false;
    }
    return true;
}

static bool is_text(const struct tcore_value *v, const char *text)
{
    return v->kind == TCORE_STRING && v->len == strlen(text) && !memcmp(v->s, text, v->len);
}

/* ---- schemas against tables ---- */

/* The words of the type keyword at that schema, joined by |; "" if it has none. */
static void type_words(const struct tcore_json *json, uint32_t at, char out[64])
{
    uint32_t type = tcore_json_find(json, at, "type");
    size_t used = 0;
    *out = '\0';
    if (!type)
        return;
    const struct tcore_json_node *node = json->node;
    if (node[type].value.kind == TCORE_STRING) {
        snprintf(out, 64, "%.*s", (int)node[type].value.len, node[type].value.s);
        return;
    }
    for (uint32_t e = type + 1; e < node[type].next && used < 50; e = node[e].next)
        used += (size_t)snprintf(out + used, 64 - used, "%s%.*s", used ? "|" : "",
                                 (int)node[e].value.len, node[e].value.s);
}

static bool fits_class(enum tcore_field_class class, const char *words, const char *pattern)
{
    switch (class) {
    case TCORE_FIELD_STRING:
        return !strcmp(words, "string");
    case TCORE_FIELD_NUMBER: /* a string: NaN, which JSON has no number for */
        return !strcmp(words, "number") || !strcmp(words, "integer") ||
               !strcmp(words, "number|string");
    case TCORE_FIELD_BOOL:
        return !strcmp(words, "boolean");
    case TCORE_FIELD_ANY:
        return true;
    case TCORE_FIELD_TIME:
        return !strcmp(words, "string") && strstr(pattern, "0-9");
    case TCORE_FIELD_TRACE_ID:
        return !strcmp(words, "string") && strstr(pattern, "{32}");
    case TCORE_FIELD_SPAN_ID:
        return !strcmp(words, "string") && strstr(pattern, "{16}");
    case TCORE_FIELD_MAP:
    case TCORE_FIELD_OBJECT:
        return !strcmp(words, "object");
    case TCORE_FIELD_LIST:
        return !strcmp(words, "array");
    }
    return false;
}

static void compare_fields(const struct tcore_json *json, uint32_t at,
                           const struct tcore_fields *fields, const char *path);

static void compare_field(const struct tcore_json *json, uint32_t at,
                          const struct tcore_field *field, const char *path)
{
    char words[64], pattern[128] = "", inner[256];
    uint32_t found = tcore_json_find(json, at, "pattern");
    if (found)
        snprintf(pattern, sizeof pattern, "%.*s", (int)json->node[found].value.len,
                 json->node[found].value.s);
    type_words(json, at, words);
    ok(fits_class((enum tcore_field_class)field->field_class, words, pattern),
       "%s.%s has its kind of value (%s)", path, field->name, *words ? words : "any");
    snprintf(inner, sizeof inner, "%s.%s", path, field->name);
    if (field->field_class == TCORE_FIELD_LIST)
        at = tcore_json_find(json, at, "items");
    if (field->fields)
        compare_fields(json, at, field->fields, inner);
}

/* The schema at that index describes an object with exactly these fields, in this order. */
static void compare_fields(const struct tcore_json *json, uint32_t at,
                           const struct tcore_fields *fields, const char *path)
{
    const struct tcore_json_node *node = json->node;
    uint32_t properties = tcore_json_find(json, at, "properties");
    size_t i = 0;
    if (!ok(properties && tcore_json_is_object(&node[properties]), "%s has properties", path))
        return;
    for (uint32_t k = properties + 1; k < node[properties].next; k = node[k + 1].next, i++) {
        const char *wanted = i < fields->count ? fields->field[i].name : NULL;
        if (!is_mem(node[k].value.s, node[k].value.len, wanted, tap_length(wanted),
                    "%s: field %zu of the schema and of the table", path, i + 1))
            return;
        compare_field(json, k + 1, &fields->field[i], path);
    }
    is_int(i, fields->count, "%s: the schema has as many fields as the table", path);
}

/* ---- validating ---- */

struct validator {
    const struct tcore_json *schema, *json;
    char reason[256];
};

static bool refuse(struct validator *v, const char *what, const char *detail, size_t length)
{
    snprintf(v->reason, sizeof v->reason, "%s %.*s", what, (int)length, detail);
    return false;
}

static bool has_type(const struct tcore_json_node *node, const struct tcore_value *word)
{
    int64_t i;
    if (is_text(word, "object"))
        return tcore_json_is_object(node);
    if (is_text(word, "array"))
        return tcore_json_is_array(node);
    if (is_text(word, "string"))
        return node->value.kind == TCORE_STRING;
    if (is_text(word, "boolean"))
        return node->value.kind == TCORE_TRUE || node->value.kind == TCORE_FALSE;
    if (is_text(word, "integer"))
        return tcore_value_is_number(&node->value) && tcore_value_int64(&node->value, &i);
    return is_text(word, "number") && tcore_value_is_number(&node->value);
}

static bool check_type(struct validator *v, uint32_t words, uint32_t at)
{
    const struct tcore_json_node *schema = v->schema->node;
    if (schema[words].value.kind == TCORE_STRING) {
        if (has_type(&v->json->node[at], &schema[words].value))
            return true;
        return refuse(v, "is no", schema[words].value.s, schema[words].value.len);
    }
    for (uint32_t e = words + 1; e < schema[words].next; e = schema[e].next)
        if (has_type(&v->json->node[at], &schema[e].value))
            return true;
    return refuse(v, "has none of the types", "", 0);
}

static bool check_enum(struct validator *v, uint32_t words, uint32_t at)
{
    const struct tcore_json_node *schema = v->schema->node;
    const struct tcore_value *value = &v->json->node[at].value;
    for (uint32_t e = words + 1; e < schema[words].next; e = schema[e].next)
        if (value->kind == TCORE_STRING && schema[e].value.len == value->len &&
            !memcmp(schema[e].value.s, value->s, value->len))
            return true;
    return refuse(v, "is none of the words", "", 0);
}

/* The patterns are written so that they mean the same as POSIX extended expressions. */
static bool check_pattern(struct validator *v, uint32_t pattern, uint32_t at)
{
    char text[128], subject[128];
    const struct tcore_value *value = &v->json->node[at].value;
    const struct tcore_value *p = &v->schema->node[pattern].value;
    regex_t regex;
    if (value->kind != TCORE_STRING)
        return true;
    snprintf(text, sizeof text, "%.*s", (int)p->len, p->s);
    snprintf(subject, sizeof subject, "%.*s", (int)value->len, value->s);
    if (regcomp(&regex, text, REG_EXTENDED | REG_NOSUB))
        return refuse(v, "has a pattern that is no regular expression", p->s, p->len);
    bool matches = !regexec(&regex, subject, 0, NULL, 0);
    regfree(&regex);
    return matches || refuse(v, "does not match", p->s, p->len);
}

static bool check_required(struct validator *v, uint32_t names, uint32_t at)
{
    const struct tcore_json_node *schema = v->schema->node;
    for (uint32_t e = names + 1; e < schema[names].next; e = schema[e].next)
        if (!tcore_json_find_n(v->json, at, schema[e].value.s, schema[e].value.len))
            return refuse(v, "lacks", schema[e].value.s, schema[e].value.len);
    return true;
}

static bool validate(struct validator *v, uint32_t schema, uint32_t at);

static bool check_properties(struct validator *v, uint32_t properties, uint32_t at)
{
    const struct tcore_json_node *node = v->json->node;
    if (!tcore_json_is_object(&node[at]))
        return true;
    for (uint32_t k = at + 1; k < node[at].next; k = node[k + 1].next) {
        uint32_t schema =
            tcore_json_find_n(v->schema, properties, node[k].value.s, node[k].value.len);
        if (schema && !validate(v, schema, k + 1)) {
            char inner[160];
            snprintf(inner, sizeof inner, "%.150s", v->reason);
            snprintf(v->reason, sizeof v->reason, "%.*s %s", (int)node[k].value.len,
                     node[k].value.s, inner);
            return false;
        }
    }
    return true;
}

static bool check_items(struct validator *v, uint32_t items, uint32_t at)
{
    const struct tcore_json_node *node = v->json->node;
    if (!tcore_json_is_array(&node[at]))
        return true;
    for (uint32_t e = at + 1; e < node[at].next; e = node[e].next)
        if (!validate(v, items, e))
            return false;
    return true;
}

static bool check_one_of(struct validator *v, uint32_t choices, uint32_t at)
{
    const struct tcore_json_node *node = v->schema->node;
    unsigned valid = 0;
    for (uint32_t e = choices + 1; e < node[choices].next; e = node[e].next)
        valid += validate(v, e, at);
    if (valid == 1)
        return true;
    char inner[160];
    snprintf(inner, sizeof inner, "%.150s", v->reason);
    return refuse(v, valid ? "is several things at once" : "is none of them:", inner,
                  valid ? 0 : strlen(inner));
}

static bool check_keyword(struct validator *v, const struct tcore_value *keyword, uint32_t schema,
                          uint32_t at)
{
    if (is_text(keyword, "type"))
        return check_type(v, schema, at);
    if (is_text(keyword, "enum"))
        return check_enum(v, schema, at);
    if (is_text(keyword, "pattern"))
        return check_pattern(v, schema, at);
    if (is_text(keyword, "required"))
        return check_required(v, schema, at);
    if (is_text(keyword, "properties"))
        return check_properties(v, schema, at);
    if (is_text(keyword, "items"))
        return check_items(v, schema, at);
    if (is_text(keyword, "oneOf"))
        return check_one_of(v, schema, at);
    if (is_text(keyword, "not"))
        return !validate(v, schema, at) || refuse(v, "is what it must not be", "", 0);
    if (is_text(keyword, "$schema") || is_text(keyword, "title") || is_text(keyword, "description"))
        return true;
    if (is_text(keyword, "additionalProperties"))
        return v->schema->node[schema].value.kind == TCORE_TRUE ||
               refuse(v, "forbids fields", "", 0);
    return refuse(v, "has a keyword that this test does not know:", keyword->s, keyword->len);
}

/* Whether the value at that index is valid by the schema at its; reason says why not. */
static bool validate(struct validator *v, uint32_t schema, uint32_t at)
{
    const struct tcore_json_node *node = v->schema->node;
    for (uint32_t k = schema + 1; k < node[schema].next; k = node[k + 1].next)
        if (!check_keyword(v, &node[k].value, k + 1, at))
            return false;
    return true;
}

/* Validates a text by the schema of its type. */
static bool validate_text(struct tcore_json *json, const char *text, size_t length, char *reason)
{
    struct tcore_error err = {0};
    if (tcore_json_parse(json, text, length, &err) != TCORE_OK) {
        snprintf(reason, 256, "%.255s", err.text);
        return false;
    }
    enum tcore_record_type type = tcore_record_type_of(json);
    if (type == TCORE_RECORD_NONE || type == TCORE_RECORD_OTHER) {
        snprintf(reason, 256, "is of no known type");
        return false;
    }
    struct validator v = {.schema = held_to ? &held_to->json : &schemas[type].json, .json = json};
    bool valid = validate(&v, 0, 0);
    snprintf(reason, 256, "%s", v.reason);
    return valid;
}

/* ---- samples ---- */

#define TRACE_ID "\"traceId\":\"5b8efff798038103d269b633813fc60c\""
#define SPAN_ID  "\"spanId\":\"eee19b7ec3c1b174\""
#define TIME     "\"timeUnixNano\":\"1544712660000000000\""

static const struct {
    bool valid;
    const char *what, *text;
} samples[] = {
    {true, "a span",
     "{\"type\":\"span\"," TRACE_ID "," SPAN_ID ",\"name\":\"GET /\",\"kind\":\"server\","
     "\"startTimeUnixNano\":\"-1\",\"durationNano\":1,\"status\":\"error\","
     "\"attributes\":{\"a\":null},\"events\":[{" TIME ",\"name\":\"e\"}],"
     "\"links\":[{" TRACE_ID "," SPAN_ID "}],\"flags\":257,\"of.another\":[]}"},
    {false, "a span without spanId", "{\"type\":\"span\"," TRACE_ID ",\"name\":\"\"}"},
    {false, "a span without a name", "{\"type\":\"span\"," TRACE_ID "," SPAN_ID "}"},
    {false, "a span of an unknown kind",
     "{\"type\":\"span\"," TRACE_ID "," SPAN_ID ",\"name\":\"\",\"kind\":\"SERVER\"}"},
    {false, "a time that is a number",
     "{\"type\":\"span\"," TRACE_ID "," SPAN_ID ",\"name\":\"\",\"startTimeUnixNano\":1}"},
    {false, "an id in upper case",
     "{\"type\":\"span\"," TRACE_ID ",\"spanId\":\"EEE19B7EC3C1B174\",\"name\":\"\"}"},
    {false, "an event with a bad time",
     "{\"type\":\"span\"," TRACE_ID "," SPAN_ID
     ",\"name\":\"\",\"events\":[{\"timeUnixNano\":\"1.5\"}]}"},
    {true, "a metric",
     "{\"type\":\"metric\",\"metricName\":\"m\",\"metricType\":\"gauge\",\"value\":\"NaN\"," TIME
     ",\"dimensions\":{\"service\":\"cart\"},\"quality\":{\"sampleRate\":0.1}}"},
    {true, "an exponential histogram",
     "{\"type\":\"metric\",\"metricName\":\"m\",\"metricType\":\"histogram\",\"histogram\":{"
     "\"count\":3,\"sum\":\"NaN\",\"scale\":-1,\"zeroCount\":0,"
     "\"positive\":{\"offset\":-2,\"bucketCounts\":[1,0,2]}}}"},
    {false, "a metric without a name", "{\"type\":\"metric\",\"value\":1}"},
    {false, "a metric whose value is an object",
     "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":{}}"},
    {false, "a histogram with a count that is no number",
     "{\"type\":\"metric\",\"metricName\":\"m\",\"histogram\":{\"bucketCounts\":[\"1\"]}}"},
    {true, "an execution",
     "{\"type\":\"execution\",\"event\":\"completed\",\"executionId\":"
     "\"eee19b7ec3c1b174\"," TRACE_ID
     ",\"operationName\":\"nightly\",\"executionType\":\"task\",\"executorType\":\"system\"," TIME
     ",\"result\":null}"},
    {false, "an execution with an unknown event",
     "{\"type\":\"execution\",\"event\":\"done\",\"executionId\":\"eee19b7ec3c1b174\"}"},
    {true, "a log record",
     "{\"type\":\"log\"," TIME ",\"severity\":\"notice\",\"body\":{\"a\":1},\"severityNumber\":9}"},
    {false, "a log record with a severityNumber that is no integer",
     "{\"type\":\"log\",\"severityNumber\":9.5}"},
    {true, "a trace",
     "{\"type\":\"trace\"," TRACE_ID ",\"rootSpanId\":\"eee19b7ec3c1b174\",\"structure\":{"
     "\"spanCount\":1,\"spans\":[{" TRACE_ID "," SPAN_ID ",\"name\":\"x\"}],"
     "\"criticalPath\":[\"eee19b7ec3c1b174\"]},\"errors\":{\"errorCount\":0}}"},
    {false, "a trace with a span without an id",
     "{\"type\":\"trace\"," TRACE_ID ",\"structure\":{\"spans\":[{" TRACE_ID "}]}}"},
    {true, "an aggregate",
     "{\"type\":\"aggregate\",\"recordType\":\"span\",\"metricName\":\"durationNano\",\"group\":{},"
     "\"windowStartUnixNano\":\"0\",\"windowNano\":1000,\"count\":2.5,\"mean\":\"-Infinity\","
     "\"p99.9\":1}"},
    {false, "an aggregate without a group", "{\"type\":\"aggregate\",\"count\":1}"},
    {false, "an aggregate with a word for a mean",
     "{\"type\":\"aggregate\",\"group\":{},\"mean\":\"much\"}"},
    {true, "the header of a partial",
     "{\"type\":\"aggregate\",\"partial\":{\"part\":\"header\",\"unit\":\"h1\",\"attempt\":"
     "\"0123456789abcdef\",\"version\":1,\"by\":[\"service\"],\"stats\":[\"p99\"],"
     "\"windowNano\":0}}"},
    {true, "the cell of a partial",
     "{\"type\":\"aggregate\",\"group\":{},\"partial\":{\"part\":\"cell\",\"unit\":\"h1\","
     "\"attempt\":\"0123456789abcdef\",\"number\":0,\"state\":\"AQAB\"}}"},
    {false, "the cell of a partial without a group",
     "{\"type\":\"aggregate\",\"partial\":{\"part\":\"cell\",\"unit\":\"h1\","
     "\"attempt\":\"0123456789abcdef\",\"number\":0,\"state\":\"AQAB\"}}"},
    {false, "the trailer of a partial without a checksum",
     "{\"type\":\"aggregate\",\"partial\":{\"part\":\"trailer\",\"unit\":\"h1\","
     "\"attempt\":\"0123456789abcdef\",\"cells\":0}}"},
    {false, "an aggregate with something else for a partial",
     "{\"type\":\"aggregate\",\"group\":{},\"partial\":1}"},
    {true, "a finding",
     "{\"type\":\"finding\",\"kind\":\"anomaly\",\"severity\":\"warning\",\"score\":5.5,"
     "\"group\":{}," TIME ",\"value\":1,\"evidence\":[{" TRACE_ID "}],\"fingerprint\":\"x\"}"},
    {false, "a finding of an unknown severity",
     "{\"type\":\"finding\",\"kind\":\"anomaly\",\"severity\":\"bad\",\"group\":{}}"},
    {true, "an alert",
     "{\"type\":\"alert\",\"alertId\":\"a\",\"state\":\"firing\",\"labels\":{}," TIME "}"},
    {false, "an alert without a state", "{\"type\":\"alert\",\"alertId\":\"a\"}"},
    {true, "a notification",
     "{\"type\":\"notification\",\"alertId\":\"a\",\"attempt\":1,\"outcome\":\"sent\"}"},
    {false, "a notification of an unknown outcome",
     "{\"type\":\"notification\",\"alertId\":\"a\",\"outcome\":\"perhaps\"}"},
    {true, "a health record",
     "{\"type\":\"health\"," TIME ",\"overallHealth\":{\"status\":\"unknown\",\"score\":87}}"},
    {false, "a health record of an unknown status",
     "{\"type\":\"health\",\"overallHealth\":{\"status\":\"fine\"}}"},
    {true, "a clock record", "{\"type\":\"clock\"," TIME "}"},
    {false, "a clock record without a time", "{\"type\":\"clock\"}"},
};

static void test_samples(void)
{
    struct tcore_json json = {0};
    char reason[256];
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        bool valid = validate_text(&json, samples[i].text, strlen(samples[i].text), reason);
        ok(valid == samples[i].valid, "%s is %svalid", samples[i].what,
           samples[i].valid ? "" : "not ");
        if (valid != samples[i].valid)
            printf("# %s\n", reason);
    }
    tcore_json_free(&json);
}

/* ---- files ---- */

/* How many records of the file are not valid. */
static unsigned long validate_file(const char *path)
{
    FILE *file = fopen(path, "r");
    struct tcore_json json = {0};
    unsigned long line = 0, bad = 0;
    char *text = NULL, reason[256];
    size_t capacity = 0;
    ssize_t length;
    if (!file) {
        printf("%s cannot be read\n", path);
        return 1;
    }
    while ((length = getline(&text, &capacity, file)) > 0) {
        line++;
        if (!validate_text(&json, text, (size_t)length, reason) && ++bad <= 10)
            printf("%s:%lu: %s\n", path, line, reason);
    }
    free(text);
    tcore_json_free(&json);
    fclose(file);
    printf("%s: %lu records, %lu not valid\n", path, line, bad);
    return bad;
}

int main(int argc, char **argv)
{
    unsigned long bad = 0;
    bool loaded = true;
    for (int type = TCORE_RECORD_SPAN; type < TCORE_RECORD_OTHER; type++)
        loaded &= load(&schemas[type], tcore_record_type_name((enum tcore_record_type)type));
    for (int i = 1; i < argc && loaded; i++) {
        if (!strncmp(argv[i], "--schema=", 9) && !held_to)
            loaded &= load(held_to = &other, argv[i] + 9);
        else
            bad += validate_file(argv[i]);
    }
    if (argc < 2)
        ok(loaded, "there is a schema of each type, and it is JSON");
    for (int type = TCORE_RECORD_SPAN; type < TCORE_RECORD_OTHER && loaded && argc < 2; type++)
        compare_fields(&schemas[type].json, 0, tcore_record_fields((enum tcore_record_type)type),
                       tcore_record_type_name((enum tcore_record_type)type));
    if (loaded && argc < 2)
        test_samples();
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        tcore_json_free(&schemas[type].json);
        free(schemas[type].text);
    }
    tcore_json_free(&other.json);
    free(other.text);
    if (argc > 1)
        return bad || !loaded ? EXIT_FAILURE : EXIT_SUCCESS;
    return done_testing();
}
