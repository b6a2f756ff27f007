/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for the binary stream until binary_*.c arrives in the next commits, which remove this
 * file: nothing is recognised as binary, and asking for it is an error.
 */
#include "stream/binary.h"

static enum tcore_status none(struct tcore_error *err)
{
    return tcore_error_set(err, TCORE_FATAL, "the binary stream is not built in");
}

bool tcore_binary_probe(const char *data, size_t length)
{
    (void)data;
    (void)length;
    return false;
}

enum tcore_status tcore_binary_unit(const char *data, size_t length, size_t *bytes, bool *is_block,
                                    struct tcore_error *err)
{
    (void)data;
    (void)length;
    (void)bytes;
    (void)is_block;
    return none(err);
}

enum tcore_status tcore_binary_decoder_new(struct tcore_binary_decoder **decoder,
                                           const struct tcore_projection *projection,
                                           struct tcore_error *err)
{
    (void)projection;
    *decoder = NULL;
    return none(err);
}

void tcore_binary_decoder_free(struct tcore_binary_decoder *decoder)
{
    (void)decoder;
}

enum tcore_status tcore_binary_decode(struct tcore_binary_decoder *decoder, const char *block,
                                      size_t length, struct tcore_batch *batch,
                                      struct tcore_error *err)
{
    (void)decoder;
    (void)block;
    (void)length;
    (void)batch;
    return none(err);
}

enum tcore_status tcore_binary_writer_new(struct tcore_binary_writer **writer,
                                          struct tcore_buf *out, const char *provenance,
                                          struct tcore_error *err)
{
    (void)out;
    (void)provenance;
    *writer = NULL;
    return none(err);
}

enum tcore_status tcore_binary_writer_add(struct tcore_binary_writer *writer, const char *text,
                                          size_t length, struct tcore_error *err)
{
    (void)writer;
    (void)text;
    (void)length;
    return none(err);
}

enum tcore_status tcore_binary_writer_flush(struct tcore_binary_writer *writer,
                                            struct tcore_error *err)
{
    (void)writer;
    return none(err);
}

void tcore_binary_writer_free(struct tcore_binary_writer *writer)
{
    (void)writer;
}
