/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units of the stream: telling them apart, how long they are, and the header. */
#include "stream/binary.h"
#include "stream/binary_codec.h"
#include "stream/binary_format.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t tcore_binary_checksum(const void *data, size_t length)
{
    return XXH3_64bits(data, length);
}

static const struct {
    enum tcore_record_type type;
    unsigned number;
    const char *time; /* its top-level field that is the record's time */
} types[] = {
    {TCORE_RECORD_NONE, BINARY_UNTYPED, "timeUnixNano"},
    {TCORE_RECORD_SPAN, BINARY_SPAN, "startTimeUnixNano"},
    {TCORE_RECORD_METRIC, BINARY_METRIC, "timeUnixNano"},
    {TCORE_RECORD_EXECUTION, BINARY_EXECUTION, "timeUnixNano"},
    {TCORE_RECORD_LOG, BINARY_LOG, "timeUnixNano"},
    {TCORE_RECORD_TRACE, BINARY_TRACE, NULL},
    {TCORE_RECORD_AGGREGATE, BINARY_AGGREGATE, "windowStartUnixNano"},
    {TCORE_RECORD_FINDING, BINARY_FINDING, "timeUnixNano"},
    {TCORE_RECORD_ALERT, BINARY_ALERT, "timeUnixNano"},
    {TCORE_RECORD_NOTIFICATION, BINARY_NOTIFICATION, "timeUnixNano"},
    {TCORE_RECORD_HEALTH, BINARY_HEALTH, "timeUnixNano"},
    {TCORE_RECORD_CLOCK, BINARY_CLOCK, "timeUnixNano"},
    {TCORE_RECORD_OTHER, BINARY_OTHER, "timeUnixNano"},
};

unsigned tcore_binary_type_number(enum tcore_record_type type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == type)
            return types[i].number;
    return BINARY_UNTYPED;
}

bool tcore_binary_type_of_number(unsigned number, enum tcore_record_type *type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].number == number) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

const char *tcore_binary_time_field(enum tcore_record_type type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == type)
            return types[i].time;
    return NULL;
}

/* Whether data begins with as much of the magic as there is. */
static bool has_magic(const char *data, size_t length, const char *magic)
{
    return !memcmp(data, magic, length < BINARY_MAGIC_BYTES ? length : BINARY_MAGIC_BYTES);
}

bool tcore_binary_probe(const char *data, size_t length)
{
    return length && (has_magic(data, length, BINARY_HEADER_MAGIC) ||
                      has_magic(data, length, BINARY_BLOCK_MAGIC));
}

enum tcore_status tcore_binary_unit(const char *data, size_t length, size_t *bytes, bool *is_block,
                                    struct tcore_error *err)
{
    bool header = has_magic(data, length, BINARY_HEADER_MAGIC);
    bool block = has_magic(data, length, BINARY_BLOCK_MAGIC);
    if (!header && !block)
        return tcore_error_set(err, TCORE_BAD_INPUT, "no header or block of a binary stream here");
    *is_block = !header;
    size_t prefix = header ? HEADER_BYTES : BLOCK_BYTES;
    if (length < prefix) {
        *bytes = header && block ? HEADER_BYTES : prefix;
        return TCORE_EOF;
    }
    const char *part = header ? "header" : "block prefix";
    size_t checked = prefix - sizeof(uint64_t);
    if (data[header ? HEADER_VERSION : BLOCK_VERSION] != BINARY_VERSION)
        return tcore_error_set(
            err, TCORE_BAD_INPUT, "%s of version %u of the binary stream, this program reads %u",
            part, (unsigned char)data[header ? HEADER_VERSION : BLOCK_VERSION], BINARY_VERSION);
    if (tcore_binary_checksum(data, checked) != binary_get64(data + checked))
        return tcore_error_set(err, TCORE_BAD_INPUT, "damaged %s", part);
    uint32_t whole = binary_get32(data + (header ? HEADER_LENGTH : BLOCK_LENGTH));
    if (whole < prefix || whole > BINARY_UNIT_LIMIT || whole % 8)
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s with an impossible length of %u bytes",
                               part, whole);
    *bytes = whole;
    return TCORE_OK;
}

enum tcore_status tcore_binary_header(const char *header, size_t length,
                                      struct tcore_slice *provenance, struct tcore_error *err)
{
    size_t bytes;
    bool is_block;
    enum tcore_status status = tcore_binary_unit(header, length, &bytes, &is_block, err);
    if (status == TCORE_EOF || (status == TCORE_OK && length < bytes))
        return tcore_error_set(err, TCORE_BAD_INPUT, "header cut short");
    if (status != TCORE_OK)
        return status;
    if (is_block)
        return tcore_error_set(err, TCORE_BAD_INPUT, "a block where a header is expected");
    const char *text = header + HEADER_BYTES;
    if (header[HEADER_ZERO] | header[HEADER_ZERO + 1] | header[HEADER_ZERO + 2])
        return tcore_error_set(err, TCORE_BAD_INPUT, "header with bytes that should be zero");
    if (tcore_binary_checksum(text, bytes - HEADER_BYTES) !=
        binary_get64(header + HEADER_TEXT_CHECK))
        return tcore_error_set(err, TCORE_BAD_INPUT, "damaged header");
    size_t text_bytes = bytes - HEADER_BYTES, padding = 0;
    while (padding < 7 && padding < text_bytes && !text[text_bytes - 1 - padding])
        padding++;
    if (!tcore_binary_is_text(text, text_bytes - padding, false) ||
        memchr(text, 0, text_bytes - padding))
        return tcore_error_set(err, TCORE_BAD_INPUT, "header whose text is no UTF-8");
    *provenance = (struct tcore_slice){.data = text, .length = text_bytes - padding};
    return TCORE_OK;
}

enum tcore_status tcore_binary_block_info(const char *block, struct tcore_binary_info *info,
                                          struct tcore_error *err)
{
    unsigned flags = binary_get16(block + BLOCK_FLAGS);
    unsigned number = (unsigned char)block[BLOCK_TYPE];
    *info = (struct tcore_binary_info){
        .rows = binary_get32(block + BLOCK_ROWS),
        .timed = flags & BLOCK_TIMED,
        .all_timed = flags & BLOCK_ALL_TIMED,
        .min_ns = (int64_t)binary_get64(block + BLOCK_MIN_TIME),
        .max_ns = (int64_t)binary_get64(block + BLOCK_MAX_TIME),
    };
    if (!tcore_binary_type_of_number(number, &info->type))
        return tcore_error_set(err, TCORE_BAD_INPUT, "a block of the unknown record type %u",
                               number);
    return TCORE_OK;
}
