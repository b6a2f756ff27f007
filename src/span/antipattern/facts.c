/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes into facts. What a name of today and one of earlier versions mean alike is one
 * meaning; of several names that a span has the first in the table counts. */
#include <config.h>

#include "span/antipattern/facts.h"

#include "base/map.h"
#include "model/number.h"
#include "span/antipattern/words.h"
#include "span/template.h"

#include <string.h>

enum meaning {
    NAME,
    KIND,
    STATUS_MESSAGE,
    DB_SYSTEM,
    DB_STATEMENT,
    DB_SUMMARY,
    DB_OPERATION,
    DB_COLLECTION,
    DB_NAMESPACE,
    HTTP_METHOD,
    HTTP_URL,
    HTTP_TEMPLATE,
    HTTP_PATH,
    HTTP_QUERY,
    HTTP_STATUS,
    HTTP_RESENDS,
    REQUEST_BYTES,
    RESPONSE_BYTES,
    RPC_SYSTEM,
    RPC_SERVICE,
    RPC_METHOD,
    RPC_STATUS,
    MESSAGE_SYSTEM,
    MESSAGE_OPERATION,
    MESSAGE_DESTINATION,
    COLD_START,
    PEER,
    PEER_PORT,
    ERROR_TYPE,
    MEANINGS
};

_Static_assert(MEANINGS <= FACTS_MEANINGS, "too many fields");

#define NAMES_MOST 5

/* Attributes; NULL: a field of the span. */
static const struct field {
    const char *span_field;
    const char *attribute[NAMES_MOST];
} fields[MEANINGS] = {
    [NAME] = {.span_field = "name"},
    [KIND] = {.span_field = "kind"},
    [STATUS_MESSAGE] = {.span_field = "statusMessage"},
    [DB_SYSTEM] = {NULL, {"db.system.name", "db.system"}},
    [DB_STATEMENT] = {NULL, {"db.query.text", "db.statement"}},
    [DB_SUMMARY] = {NULL, {"db.query.summary"}},
    [DB_OPERATION] = {NULL, {"db.operation.name", "db.operation"}},
    [DB_COLLECTION] = {NULL,
                       {"db.collection.name", "db.sql.table", "db.mongodb.collection",
                        "db.cassandra.table"}},
    [DB_NAMESPACE] = {NULL, {"db.namespace", "db.name"}},
    [HTTP_METHOD] = {NULL, {"http.request.method", "http.method"}},
    [HTTP_URL] = {NULL, {"url.full", "http.url"}},
    [HTTP_TEMPLATE] = {NULL, {"url.template", "http.route"}},
    [HTTP_PATH] = {NULL, {"url.path", "http.target"}},
    [HTTP_QUERY] = {NULL, {"url.query"}},
    [HTTP_STATUS] = {NULL, {"http.response.status_code", "http.status_code"}},
    [HTTP_RESENDS] = {NULL, {"http.request.resend_count", "http.resend_count", "http.retry_count"}},
    [REQUEST_BYTES] = {NULL,
                       {"http.request.body.size", "http.request_content_length",
                        "messaging.message.body.size", "messaging.message_payload_size_bytes",
                        "rpc.request.size"}},
    [RESPONSE_BYTES] = {NULL,
                        {"http.response.body.size", "http.response_content_length",
                         "rpc.response.size"}},
    [RPC_SYSTEM] = {NULL, {"rpc.system.name", "rpc.system"}},
    [RPC_SERVICE] = {NULL, {"rpc.service"}},
    [RPC_METHOD] = {NULL, {"rpc.method"}},
    [RPC_STATUS] = {NULL, {"rpc.response.status_code", "rpc.grpc.status_code"}},
    [MESSAGE_SYSTEM] = {NULL, {"messaging.system"}},
    [MESSAGE_OPERATION] = {NULL,
                           {"messaging.operation.name", "messaging.operation.type",
                            "messaging.operation"}},
    [MESSAGE_DESTINATION] = {NULL,
                             {"messaging.destination.template", "messaging.destination.name",
                              "messaging.destination"}},
    [COLD_START] = {NULL, {"faas.coldstart"}},
    [PEER] = {NULL, {"server.address", "net.peer.name", "service.peer.name", "peer.service"}},
    [PEER_PORT] = {NULL, {"server.port", "net.peer.port"}},
    [ERROR_TYPE] = {NULL, {"error.type", "exception.type"}},
};

static size_t count_names(const struct field *field)
{
    size_t count = 0;
    while (count < NAMES_MOST && field->attribute[count])
        count++;
    return count;
}

/* --- Values of a span */

enum tcore_status facts_project(struct facts_columns *columns, struct tcore_projection *projection,
                                struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < MEANINGS && status == TCORE_OK; i++) {
        const struct field *field = &fields[i];
        size_t *column = &columns->column[i];
        if (field->span_field) {
            struct tcore_path_key key = {field->span_field, strlen(field->span_field)};
            status = tcore_projection_add_path(projection, &key, 1, column, err);
        } else {
            status = tcore_projection_add_any(projection, "attributes", field->attribute,
                                              count_names(field), column, err);
        }
        if (status == TCORE_OK)
            projection->columns[*column].optional = true;
    }
    return status;
}

/* Column by column: of most there is nothing in a row. */
void facts_load(struct facts_reader *reader, const struct facts_columns *columns,
                const struct tcore_batch *batch, const uint32_t *rows, size_t count)
{
    memset(reader->values, 0, count * sizeof *reader->values);
    for (size_t m = 0; m < MEANINGS; m++) {
        const struct tcore_column *column = &batch->columns[columns->column[m]];
        if (column->form == TCORE_COLUMN_CONSTANT && column->values[0].kind == TCORE_ABSENT)
            continue;
        if (column->form == TCORE_COLUMN_VALUES) {
            for (size_t i = 0; i < count; i++)
                if (column->values[rows[i]].kind != TCORE_ABSENT)
                    tcore_value_move(&reader->values[i][m], &column->values[rows[i]]);
        } else {
            for (size_t i = 0; i < count; i++)
                reader->values[i][m] = tcore_column_get(column, rows[i]);
        }
    }
}

static bool has_text(const struct facts_reader *reader, enum meaning meaning)
{
    return reader->value[meaning].kind == TCORE_STRING && reader->value[meaning].len;
}

static struct tcore_slice text_of(const struct facts_reader *reader, enum meaning meaning)
{
    const struct tcore_value *value = &reader->value[meaning];
    if (value->kind != TCORE_STRING)
        return (struct tcore_slice){"", 0};
    return (struct tcore_slice){value->s, value->len};
}

/* A whole number, also one in a string; -1: none. */
static int64_t number_of(const struct facts_reader *reader, enum meaning meaning)
{
    const struct tcore_value *value = &reader->value[meaning];
    int64_t number;
    if (value->kind == TCORE_STRING ? tcore_parse_int64(value->s, value->len, &number)
                                    : tcore_value_int64(value, &number))
        return number < 0 ? -1 : number;
    return -1;
}

/* --- What the call does */

static void put(struct facts_reader *reader, struct tcore_slice text)
{
    tcore_buf_append(&reader->text, text.data, text.length);
}

static void put_call(struct facts_reader *reader, enum meaning meaning)
{
    struct tcore_slice text = text_of(reader, meaning);
    tcore_buf_append(&reader->whole, text.data, text.length);
    tcore_buf_putc(&reader->whole, '\0');
}

static void describe_statement(struct facts_reader *reader, struct span_facts *facts)
{
    struct tcore_slice statement = text_of(reader, DB_STATEMENT);
    struct template_values values;
    facts->flags |= words_statement(statement.data, statement.length);
    if (*statement.data == '{') { /* a document does not say what is done with it */
        put(reader, text_of(reader, DB_OPERATION));
        tcore_buf_putc(&reader->text, ' ');
        put(reader, text_of(reader, DB_COLLECTION));
        tcore_buf_putc(&reader->text, ' ');
    }
    template_statement(&reader->text, statement, &values);
    if (!values.placeholders)
        facts->flags |= FACT_VALUES;
    put_call(reader, DB_STATEMENT);
    put_call(reader, DB_NAMESPACE);
    put_call(reader, PEER);
}

static void describe_database(struct facts_reader *reader, struct span_facts *facts)
{
    facts->call = CALL_DATABASE;
    struct tcore_slice operation = text_of(reader, DB_OPERATION);
    facts->flags |= words_statement(operation.data, operation.length);
    if (has_text(reader, DB_STATEMENT)) {
        describe_statement(reader, facts);
    } else if (has_text(reader, DB_SUMMARY)) {
        put(reader, text_of(reader, DB_SUMMARY));
    } else if (operation.length && has_text(reader, DB_COLLECTION)) {
        put(reader, operation);
        tcore_buf_putc(&reader->text, ' ');
        put(reader, text_of(reader, DB_COLLECTION));
    }
}

static void describe_http(struct facts_reader *reader, struct span_facts *facts)
{
    facts->call = CALL_HTTP;
    struct tcore_slice method = text_of(reader, HTTP_METHOD), peer = text_of(reader, PEER);
    bool url = has_text(reader, HTTP_URL), path = has_text(reader, HTTP_PATH);
    facts->flags |= words_method(method.data, method.length);
    put(reader, method);
    tcore_buf_puts(&reader->text, method.length ? " " : "");
    if (url && !has_text(reader, HTTP_TEMPLATE)) {
        template_url(&reader->text, text_of(reader, HTTP_URL));
    } else {
        template_url(&reader->text, peer);
        if (has_text(reader, HTTP_TEMPLATE))
            put(reader, text_of(reader, HTTP_TEMPLATE));
        else if (path)
            template_url(&reader->text, text_of(reader, HTTP_PATH));
        else
            tcore_buf_clear(&reader->text); /* that is less than the name */
    }
    if (!url && !path)
        return;
    facts->flags |= FACT_VALUES;
    put_call(reader, HTTP_METHOD);
    put_call(reader, url ? HTTP_URL : HTTP_PATH);
    put_call(reader, HTTP_QUERY);
    put_call(reader, PEER);
    tcore_buf_printf(&reader->whole, "%lld", (long long)number_of(reader, PEER_PORT));
}

static void describe_rpc(struct facts_reader *reader, struct span_facts *facts)
{
    facts->call = CALL_RPC;
    if (!has_text(reader, RPC_METHOD))
        return;
    if (has_text(reader, RPC_SERVICE)) {
        put(reader, text_of(reader, RPC_SERVICE));
        tcore_buf_putc(&reader->text, '/');
    }
    put(reader, text_of(reader, RPC_METHOD));
}

static void describe_message(struct facts_reader *reader, struct span_facts *facts)
{
    facts->call = CALL_MESSAGE;
    if (!has_text(reader, MESSAGE_DESTINATION))
        return;
    put(reader, text_of(reader, MESSAGE_OPERATION));
    tcore_buf_puts(&reader->text, reader->text.length ? " " : "");
    template_name(&reader->text, text_of(reader, MESSAGE_DESTINATION));
}

static bool is_there(const struct facts_reader *reader, enum meaning meaning)
{
    return reader->value[meaning].kind != TCORE_ABSENT;
}

static void describe(struct facts_reader *reader, struct span_facts *facts)
{
    if (is_there(reader, DB_SYSTEM) || has_text(reader, DB_STATEMENT))
        describe_database(reader, facts);
    else if (is_there(reader, RPC_SYSTEM) || has_text(reader, RPC_SERVICE))
        describe_rpc(reader, facts);
    else if (is_there(reader, MESSAGE_SYSTEM))
        describe_message(reader, facts);
    else if (is_there(reader, HTTP_METHOD) || has_text(reader, HTTP_URL))
        describe_http(reader, facts);
}

/* --- How it ended, and the rest */

static bool is_yes(const struct tcore_value *value)
{
    return value->kind == TCORE_TRUE || tcore_value_is_text(value, "true");
}

static bool is_deadline(const struct facts_reader *reader)
{
    const struct tcore_value *code = &reader->value[RPC_STATUS];
    return number_of(reader, RPC_STATUS) == 4 || tcore_value_is_text(code, "DEADLINE_EXCEEDED");
}

static unsigned outcome(const struct facts_reader *reader)
{
    int64_t http = number_of(reader, HTTP_STATUS);
    unsigned flags = http >= 500 || http == 408 || http == 429 ? FACT_FAILED : 0;
    if (http == 408 || http == 504)
        flags |= FACT_TIMEOUT;
    if (is_there(reader, RPC_STATUS)) {
        if (number_of(reader, RPC_STATUS) > 0)
            flags |= FACT_FAILED;
        if (is_deadline(reader))
            flags |= FACT_TIMEOUT | FACT_FAILED;
    }
    static const enum meaning told[] = {ERROR_TYPE, STATUS_MESSAGE};
    for (size_t i = 0; i < 2; i++)
        if (has_text(reader, told[i]) &&
            words_timeout(text_of(reader, told[i]).data, text_of(reader, told[i]).length))
            flags |= FACT_TIMEOUT;
    return flags;
}

static bool is_inbound(const struct facts_reader *reader)
{
    return tcore_value_is_text(&reader->value[KIND], "server") ||
           tcore_value_is_text(&reader->value[KIND], "consumer");
}

static uint64_t hash(const void *data, size_t length)
{
    static const uint64_t seed[2] = {0x7472616365636f72, 0x65616e616c797a65};
    return tcore_siphash(seed, data, length);
}

static void add_operation(struct facts_reader *reader, struct span_facts *facts)
{
    uint8_t call = facts->call;
    if (reader->text.length) {
        facts->flags |= FACT_OPERATION;
    } else { /* the name, and whom it calls */
        template_name(&reader->text, text_of(reader, NAME));
        if (has_text(reader, PEER)) {
            tcore_buf_putc(&reader->text, ' ');
            template_url(&reader->text, text_of(reader, PEER));
        }
    }
    facts->operation = reader->text.data ? reader->text.data : "";
    facts->operation_hash = hash(facts->operation, reader->text.length) + call;
    facts->call_hash = hash(reader->whole.data, reader->whole.length) + call;
    facts->operation_bytes = reader->text.length > FACTS_OPERATION_MOST
                                 ? FACTS_OPERATION_MOST
                                 : (uint32_t)reader->text.length;
    while (facts->operation_bytes && facts->operation_bytes < reader->text.length &&
           (facts->operation[facts->operation_bytes] & 0xc0) == 0x80)
        facts->operation_bytes--; /* not within a letter */
}

static bool work_out(struct facts_reader *reader, struct span_facts *facts)
{
    tcore_buf_clear(&reader->text);
    tcore_buf_clear(&reader->whole);
    int64_t resends = number_of(reader, HTTP_RESENDS);
    int64_t request = number_of(reader, REQUEST_BYTES),
            response = number_of(reader, RESPONSE_BYTES);
    *facts = (struct span_facts){
        .flags = (uint8_t)outcome(reader),
        .resends = (uint16_t)(resends > UINT16_MAX ? UINT16_MAX
                              : resends < 0        ? 0
                                                   : resends),
        .body_bytes = request > response ? request : response,
        .operation = "",
    };
    if (is_yes(&reader->value[COLD_START]))
        facts->flags |= FACT_COLD_START;
    if (!is_inbound(reader))
        describe(reader, facts);
    if (facts->call != CALL_NONE)
        add_operation(reader, facts);
    return facts->call != CALL_NONE || facts->flags || resends > 0 || facts->body_bytes >= 0;
}

bool facts_of_row(struct facts_reader *reader, size_t i, struct span_facts *facts)
{
    reader->value = reader->values[i];
    return work_out(reader, facts);
}

bool facts_of_json(struct facts_reader *reader, const struct tcore_json *span,
                   struct span_facts *facts)
{
    uint32_t attributes = tcore_json_find(span, 0, "attributes");
    reader->value = reader->values[0];
    memset(reader->value, 0, sizeof reader->values[0]);
    for (size_t m = 0; m < MEANINGS; m++) {
        uint32_t at = fields[m].span_field ? tcore_json_find(span, 0, fields[m].span_field) : 0;
        for (size_t i = 0; !at && attributes && i < count_names(&fields[m]); i++)
            at = tcore_json_find(span, attributes, fields[m].attribute[i]);
        if (at)
            reader->value[m] = span->node[at].value;
    }
    return work_out(reader, facts);
}

void facts_free(struct facts_reader *reader)
{
    tcore_buf_free(&reader->text);
    tcore_buf_free(&reader->whole);
}

/* --- Bytes */

#define PACKED_MARK '\1' /* no JSON begins so */

void facts_pack(struct tcore_buf *out, const struct span_facts *facts)
{
    tcore_buf_putc(out, PACKED_MARK);
    tcore_buf_append(out, facts, offsetof(struct span_facts, operation));
    tcore_buf_append(out, facts->operation, facts->operation_bytes);
}

bool facts_unpack(struct span_facts *facts, const char *bytes, size_t length)
{
    if (!bytes || length <= offsetof(struct span_facts, operation) || *bytes != PACKED_MARK)
        return false;
    memcpy(facts, bytes + 1, offsetof(struct span_facts, operation));
    facts->operation = bytes + 1 + offsetof(struct span_facts, operation);
    return true;
}

uint64_t facts_hash_of_name(struct tcore_buf *buffer, struct tcore_slice name)
{
    tcore_buf_clear(buffer);
    template_name(buffer, name);
    return hash(buffer->data, buffer->length) + CALL_NONE;
}
