/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes into facts. What a name of today and one of earlier versions mean alike is one
 * meaning; of several names that a span has the first in the table counts. */
#include <config.h>

#include "span/antipattern/facts.h"

#include "span/antipattern/facts_memo.h"
#include "span/antipattern/facts_values.h"
#include "span/antipattern/words.h"
#include "cli/template.h"

#include <string.h>

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
    memset(reader->presents, 0, count * sizeof *reader->presents);
    for (size_t m = 0; m < MEANINGS; m++) {
        const struct tcore_column *column = &batch->columns[columns->column[m]];
        if (column->form == TCORE_COLUMN_CONSTANT && column->values[0].kind == TCORE_ABSENT)
            continue;
        for (size_t i = 0; i < count; i++) {
            struct tcore_value made;
            const struct tcore_value *value = &made;
            if (column->form == TCORE_COLUMN_VALUES)
                value = &column->values[rows[i]];
            else
                made = tcore_column_get(column, rows[i]);
            if (value->kind == TCORE_ABSENT)
                continue;
            tcore_value_move(&reader->values[i][m], value);
            reader->presents[i] |= 1u << m;
        }
    }
}

/* --- How it ended, and the rest */

static bool is_yes(const struct facts_reader *reader, enum meaning meaning)
{
    return facts_is(reader, meaning, "true") ||
           (facts_has(reader, meaning) && reader->value[meaning].kind == TCORE_TRUE);
}

static bool is_deadline(const struct facts_reader *reader)
{
    return facts_number(reader, RPC_STATUS) == 4 ||
           facts_is(reader, RPC_STATUS, "DEADLINE_EXCEEDED");
}

static unsigned outcome(const struct facts_reader *reader)
{
    int64_t http = facts_number(reader, HTTP_STATUS);
    unsigned flags = http >= 500 || http == 408 || http == 429 ? FACT_FAILED : 0;
    if (http == 408 || http == 504)
        flags |= FACT_TIMEOUT;
    if (facts_has(reader, RPC_STATUS)) {
        if (facts_number(reader, RPC_STATUS) > 0)
            flags |= FACT_FAILED;
        if (is_deadline(reader))
            flags |= FACT_TIMEOUT | FACT_FAILED;
    }
    static const enum meaning told[] = {ERROR_TYPE, STATUS_MESSAGE};
    for (size_t i = 0; i < 2; i++)
        if (facts_has_text(reader, told[i]) &&
            words_timeout(facts_text(reader, told[i]).data, facts_text(reader, told[i]).length))
            flags |= FACT_TIMEOUT;
    return flags;
}

static bool is_inbound(const struct facts_reader *reader)
{
    return facts_is(reader, KIND, "server") || facts_is(reader, KIND, "consumer");
}

static bool work_out(struct facts_reader *reader, struct span_facts *facts)
{
    int64_t resends = facts_number(reader, HTTP_RESENDS);
    int64_t request = facts_number(reader, REQUEST_BYTES),
            response = facts_number(reader, RESPONSE_BYTES);
    *facts = (struct span_facts){
        .flags = (uint8_t)outcome(reader),
        .resends = (uint16_t)(resends > UINT16_MAX ? UINT16_MAX
                              : resends < 0        ? 0
                                                   : resends),
        .body_bytes = request > response ? request : response,
        .operation = "",
    };
    if (is_yes(reader, COLD_START))
        facts->flags |= FACT_COLD_START;
    if (!is_inbound(reader))
        facts_describe(reader, facts);
    return facts->call != CALL_NONE || facts->flags || resends > 0 || facts->body_bytes >= 0;
}

bool facts_of_row(struct facts_reader *reader, size_t i, struct span_facts *facts)
{
    reader->value = reader->values[i];
    reader->present = reader->presents[i];
    return work_out(reader, facts);
}

bool facts_of_json(struct facts_reader *reader, const struct tcore_json *span,
                   struct span_facts *facts)
{
    uint32_t attributes = tcore_json_find(span, 0, "attributes");
    reader->value = reader->values[0];
    reader->present = 0;
    for (size_t m = 0; m < MEANINGS; m++) {
        uint32_t at = fields[m].span_field ? tcore_json_find(span, 0, fields[m].span_field) : 0;
        for (size_t i = 0; !at && attributes && i < count_names(&fields[m]); i++)
            at = tcore_json_find(span, attributes, fields[m].attribute[i]);
        if (!at)
            continue;
        reader->value[m] = span->node[at].value;
        reader->present |= 1u << m;
    }
    return work_out(reader, facts);
}

void facts_free(struct facts_reader *reader)
{
    tcore_buf_free(&reader->text);
    tcore_buf_free(&reader->whole);
    facts_memo_free(&reader->memo);
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
    return facts_hash(buffer->data, buffer->length) + CALL_NONE;
}
