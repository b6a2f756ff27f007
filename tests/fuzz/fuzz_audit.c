/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what a repository keeps about keys and events: wrapped keys, public keys, records
 * and checkpoints of the audit log. Each is refused, or is written again as the same bytes.
 */
#include "base/sys.h"
#include "store/audit_private.h"
#include "store/seal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void read_wrapped(const char *text, size_t length)
{
    struct tcore_wrapped_keys keys = {0}, again = {0};
    struct tcore_buf out = {0}, second = {0};
    struct tcore_error err = {0};

    if (tcore_wrapped_read(&keys, text, length, &err) == TCORE_OK) {
        require(tcore_wrapped_write(&keys, &out, &err) == TCORE_OK);
        require(tcore_wrapped_read(&again, out.data ? out.data : "", out.length, &err) == TCORE_OK);
        require(tcore_wrapped_write(&again, &second, &err) == TCORE_OK);
        require(out.length == second.length &&
                (!out.length || memcmp(out.data, second.data, out.length) == 0));
    } else {
        require(!keys.count);
    }
    tcore_wrapped_free(&keys);
    tcore_wrapped_free(&again);
    tcore_buf_free(&out);
    tcore_buf_free(&second);
}

static void read_line(const struct tcore_sodium *sodium, const char *line, size_t length)
{
    struct tcore_json json = {0};
    struct audit_record record = {.intact = false};
    struct audit_checkpoint checkpoint = {.signed_length = 0};
    struct tcore_public_key key;
    struct tcore_error err;

    if (tcore_audit_parse_record(sodium, &json, line, length, &record) == TCORE_OK)
        require(record.place.sequence > 0 && strlen(record.place.hash) == 64 &&
                strlen(record.previous) == 64);
    if (tcore_audit_parse_checkpoint(sodium, &json, line, length, &checkpoint) == TCORE_OK) {
        require(checkpoint.place.sequence > 0 && checkpoint.signed_length < length);
        memset(&key, 9, sizeof key);
        tcore_audit_verify_checkpoint(sodium, line, &checkpoint, &key, &err);
    }
    for (enum tcore_key_kind kind = TCORE_KEY_SEALING; kind <= TCORE_KEY_SIGNING; kind++)
        if (tcore_public_key_parse(&key, kind, line, length, &err) == TCORE_OK)
            require(tcore_key_name_is_valid(key.name, strlen(key.name)));
    tcore_json_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(NULL);
    const char *text = (const char *)data, *end = text + size;

    if (!sodium)
        return 0;
    read_wrapped(text, size);
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;

        read_line(sodium, text, (size_t)(stop - text));
        text = newline ? newline + 1 : end;
    }
    return 0;
}
