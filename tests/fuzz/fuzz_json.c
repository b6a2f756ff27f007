/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as JSON and as a record. What is accepted must be written back as JSON that says the
 * same, what is refused must name a byte within the text, and the canonical form must be stable.
 */
#include "model/canonical.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static bool same(const struct tcore_buf *a, const struct tcore_buf *b)
{
    return a->length == b->length && (!a->length || !memcmp(a->data, b->data, a->length));
}

/* The containers of the tape enclose what they say. */
static void check_tape(const struct tcore_json *json, const char *text, size_t size)
{
    for (uint32_t i = 0; i < json->count; i++) {
        const struct tcore_json_node *node = &json->node[i];
        require(node->next > i && node->next <= json->count);
        if (node->value.kind != TCORE_JSON) {
            require(node->next == i + 1);
            continue;
        }
        uint32_t count = 0, at = i + 1;
        for (bool object = tcore_json_is_object(node); at < node->next; count++)
            at = json->node[at + object].next;
        require(at == node->next && count == node->count);
        require(node->value.s >= text && node->value.s + node->value.len <= text + size);
    }
}

static void check_canonical(const struct tcore_json *json, bool derive)
{
    struct tcore_json again = {0};
    struct tcore_buf once = {0}, twice = {0};
    struct tcore_error err;
    enum tcore_record_type type, second;
    enum tcore_status status = tcore_record_canonical(json, derive, &once, &type, &err);
    if (status == TCORE_OK) {
        require(tcore_json_parse(&again, once.data, once.length, &err) == TCORE_OK);
        require(tcore_record_canonical(&again, derive, &twice, &second, &err) == TCORE_OK);
        require(type == second && same(&once, &twice));
    } else {
        require(status == TCORE_SKIP && once.length == 0 && err.text[0]);
    }
    tcore_json_free(&again);
    tcore_buf_free(&once);
    tcore_buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tcore_json json = {0}, again = {0};
    struct tcore_buf once = {0}, twice = {0};
    struct tcore_error err;
    const char *text = (const char *)data;
    enum tcore_status status = tcore_json_parse(&json, text, size, &err);
    if (status == TCORE_OK) {
        uint64_t duplicates;
        check_tape(&json, text, size);
        tcore_json_write_tree(&once, &json, 0);
        require(tcore_json_parse(&again, once.data, once.length, &err) == TCORE_OK);
        require(tcore_json_duplicates(&again, &duplicates) == TCORE_OK && duplicates == 0);
        tcore_json_write_tree(&twice, &again, 0);
        require(same(&once, &twice));
        check_canonical(&json, false);
        check_canonical(&json, true);
    } else {
        require(status == TCORE_SKIP && err.byte >= 1 && err.byte <= size + 1 && err.text[0]);
    }
    tcore_json_free(&json);
    tcore_json_free(&again);
    tcore_buf_free(&once);
    tcore_buf_free(&twice);
    return 0;
}
