/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any lines, written as a binary stream: what comes back is the canonical form of each record. */
#include "../core/binary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tcore_projection projection = {.text = true};
    struct tcore_buf lines = {0}, stream = {0}, got[TCORE_RECORD_TYPES] = {{0}},
                     wanted[TCORE_RECORD_TYPES] = {{0}};
    struct tcore_error err;
    tcore_buf_append(&lines, data, size);
    tcore_buf_putc(&lines, '\n');
    write_lines(&stream, lines.data, lines.length, NULL);
    canonical_lines(wanted, lines.data, lines.length);
    require(read_stream(stream.data, stream.length, &projection, append_by_type, got, &err) ==
            TCORE_OK);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        require(got[type].length == wanted[type].length);
        require(!got[type].length || !memcmp(got[type].data, wanted[type].data, got[type].length));
        tcore_buf_free(&got[type]);
        tcore_buf_free(&wanted[type]);
    }
    tcore_buf_free(&lines);
    tcore_buf_free(&stream);
    return 0;
}
