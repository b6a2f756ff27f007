/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a call does, by its attributes: the operation, without its values, and the hashes by which
 * operations and calls are told apart. */
#include <config.h>

#include "base/map.h"
#include "span/antipattern/facts_memo.h"
#include "span/antipattern/facts_values.h"
#include "span/antipattern/words.h"
#include "cli/template.h"

static void put(struct facts_reader *reader, struct tcore_slice text)
{
    tcore_buf_append(&reader->text, text.data, text.length);
}

static void put_call(struct facts_reader *reader, enum meaning meaning)
{
    struct tcore_slice text = facts_text(reader, meaning);
    tcore_buf_append(&reader->whole, text.data, text.length);
    tcore_buf_putc(&reader->whole, '\0');
}

static void describe_statement(struct facts_reader *reader, struct span_facts *facts)
{
    struct tcore_slice statement = facts_text(reader, DB_STATEMENT);
    struct template_values values;
    facts->flags |= words_statement(statement.data, statement.length);
    if (*statement.data == '{') { /* a document does not say what is done with it */
        put(reader, facts_text(reader, DB_OPERATION));
        tcore_buf_putc(&reader->text, ' ');
        put(reader, facts_text(reader, DB_COLLECTION));
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
    struct tcore_slice operation = facts_text(reader, DB_OPERATION);
    facts->flags |= words_statement(operation.data, operation.length);
    if (facts_has_text(reader, DB_STATEMENT)) {
        describe_statement(reader, facts);
    } else if (facts_has_text(reader, DB_SUMMARY)) {
        put(reader, facts_text(reader, DB_SUMMARY));
    } else if (operation.length && facts_has_text(reader, DB_COLLECTION)) {
        put(reader, operation);
        tcore_buf_putc(&reader->text, ' ');
        put(reader, facts_text(reader, DB_COLLECTION));
    }
}

static void describe_http(struct facts_reader *reader, struct span_facts *facts)
{
    struct tcore_slice method = facts_text(reader, HTTP_METHOD), peer = facts_text(reader, PEER);
    bool url = facts_has_text(reader, HTTP_URL), path = facts_has_text(reader, HTTP_PATH);
    facts->flags |= words_method(method.data, method.length);
    put(reader, method);
    tcore_buf_puts(&reader->text, method.length ? " " : "");
    if (url && !facts_has_text(reader, HTTP_TEMPLATE)) {
        template_url(&reader->text, facts_text(reader, HTTP_URL));
    } else {
        template_url(&reader->text, peer);
        if (facts_has_text(reader, HTTP_TEMPLATE))
            put(reader, facts_text(reader, HTTP_TEMPLATE));
        else if (path)
            template_url(&reader->text, facts_text(reader, HTTP_PATH));
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
    tcore_buf_printf(&reader->whole, "%lld", (long long)facts_number(reader, PEER_PORT));
}

static void describe_rpc(struct facts_reader *reader)
{
    if (!facts_has_text(reader, RPC_METHOD))
        return;
    if (facts_has_text(reader, RPC_SERVICE)) {
        put(reader, facts_text(reader, RPC_SERVICE));
        tcore_buf_putc(&reader->text, '/');
    }
    put(reader, facts_text(reader, RPC_METHOD));
}

static void describe_message(struct facts_reader *reader)
{
    if (!facts_has_text(reader, MESSAGE_DESTINATION))
        return;
    put(reader, facts_text(reader, MESSAGE_OPERATION));
    tcore_buf_puts(&reader->text, reader->text.length ? " " : "");
    template_name(&reader->text, facts_text(reader, MESSAGE_DESTINATION));
}

static enum call_class class_of(const struct facts_reader *reader)
{
    if (facts_has(reader, DB_SYSTEM) || facts_has_text(reader, DB_STATEMENT))
        return CALL_DATABASE;
    if (facts_has(reader, RPC_SYSTEM) || facts_has_text(reader, RPC_SERVICE))
        return CALL_RPC;
    if (facts_has(reader, MESSAGE_SYSTEM))
        return CALL_MESSAGE;
    return facts_has(reader, HTTP_METHOD) || facts_has_text(reader, HTTP_URL) ? CALL_HTTP
                                                                              : CALL_NONE;
}

uint64_t facts_hash(const void *data, size_t length)
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
        template_name(&reader->text, facts_text(reader, NAME));
        if (facts_has_text(reader, PEER)) {
            tcore_buf_putc(&reader->text, ' ');
            template_url(&reader->text, facts_text(reader, PEER));
        }
    }
    facts->operation = reader->text.data ? reader->text.data : "";
    facts->operation_hash = facts_hash(facts->operation, reader->text.length) + call;
    facts->call_hash = facts_hash(reader->whole.data, reader->whole.length) + call;
    facts->operation_bytes = reader->text.length > FACTS_OPERATION_MOST
                                 ? FACTS_OPERATION_MOST
                                 : (uint32_t)reader->text.length;
    while (facts->operation_bytes && facts->operation_bytes < reader->text.length &&
           (facts->operation[facts->operation_bytes] & 0xc0) == 0x80)
        facts->operation_bytes--; /* not within a letter */
}

static void work_out(struct facts_reader *reader, struct span_facts *call)
{
    tcore_buf_clear(&reader->text);
    tcore_buf_clear(&reader->whole);
    switch ((enum call_class)call->call) {
    case CALL_DATABASE:
        describe_database(reader, call);
        break;
    case CALL_HTTP:
        describe_http(reader, call);
        break;
    case CALL_RPC:
        describe_rpc(reader);
        break;
    case CALL_MESSAGE:
        describe_message(reader);
        break;
    case CALL_NONE:
        break;
    }
    add_operation(reader, call);
}

void facts_describe(struct facts_reader *reader, struct span_facts *facts)
{
    struct span_facts call = {.call = (uint8_t)class_of(reader)};
    if (call.call == CALL_NONE)
        return;
    if (!facts_memo_find(reader, &call)) {
        work_out(reader, &call);
        if (!reader->text.failed && !reader->whole.failed)
            facts_memo_keep(reader, &call);
    }
    facts->call = call.call;
    facts->flags |= call.flags;
    facts->operation_bytes = call.operation_bytes;
    facts->operation_hash = call.operation_hash;
    facts->call_hash = call.call_hash;
    facts->operation = call.operation;
}
