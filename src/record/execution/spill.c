/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/spill.h"

#include "base/sys.h"
#include "cli/temporary.h"
#include "store/new_file.h"

#include <errno.h>

#define WRITE_BYTES ((size_t)256 << 10)

struct piece {
    uint64_t before; /* place of the one before, 0: none */
    uint64_t length; /* of what is behind this */
};

void execution_spill_init(struct execution_spill *spill)
{
    *spill = (struct execution_spill){.fd = -1, .end = 1};
}

void execution_spill_free(struct execution_spill *spill)
{
    if (spill->fd >= 0)
        tcore_sys()->close(spill->fd);
    tcore_buf_free(&spill->out);
    spill->fd = -1;
}

static enum tcore_status fail(const char *what, struct tcore_error *err)
{
    return tcore_error_errno(err, TCORE_FATAL, errno, "%s a temporary file", what);
}

static enum tcore_status write_out(struct execution_spill *spill, struct tcore_error *err)
{
    enum tcore_status status = tcore_buf_status(&spill->out, err);
    if (status == TCORE_OK && spill->fd < 0)
        status = cli_temporary_open(&spill->fd, err);
    if (status == TCORE_OK && tcore_write_all(spill->fd, spill->out.data, spill->out.length) < 0)
        status = fail("cannot write to", err);
    tcore_buf_clear(&spill->out);
    return status;
}

enum tcore_status execution_spill_put(struct execution_spill *spill, uint64_t *place,
                                      const struct tcore_buf *piece, struct tcore_error *err)
{
    const struct piece head = {*place, piece->length};
    if (spill->end == 1)
        tcore_buf_putc(&spill->out, '\n'); /* 0 is no place */
    tcore_buf_append(&spill->out, &head, sizeof head);
    tcore_buf_append(&spill->out, piece->data, piece->length);
    *place = spill->end;
    spill->end += sizeof head + piece->length;
    return spill->out.length < WRITE_BYTES ? TCORE_OK : write_out(spill, err);
}

static enum tcore_status read_at(const struct execution_spill *spill, void *data, size_t bytes,
                                 uint64_t at, struct tcore_error *err)
{
    errno = EIO; /* it is shorter than we made it */
    return tcore_pread_all(spill->fd, data, bytes, at) == (ptrdiff_t)bytes
               ? TCORE_OK
               : fail("cannot read", err);
}

/* The last piece is read first, and goes to the end of the room for all. */
enum tcore_status execution_spill_get(struct execution_spill *spill, uint64_t place,
                                      struct tcore_buf *pieces, struct tcore_error *err)
{
    struct piece head;
    size_t bytes = 0;
    enum tcore_status status = spill->out.length ? write_out(spill, err) : TCORE_OK;
    for (uint64_t at = place; at && status == TCORE_OK; at = head.before) {
        status = read_at(spill, &head, sizeof head, at, err);
        bytes += status == TCORE_OK ? head.length : 0;
    }
    char *room = status == TCORE_OK ? tcore_buf_reserve(pieces, bytes + 1) : NULL;
    if (status == TCORE_OK && !room)
        return tcore_error_nomem(err);
    size_t left = bytes;
    for (uint64_t at = place; at && status == TCORE_OK; at = head.before) {
        status = read_at(spill, &head, sizeof head, at, err);
        if (status == TCORE_OK && head.length <= left) {
            left -= head.length;
            status = read_at(spill, room + left, head.length, at + sizeof head, err);
        }
    }
    pieces->length += status == TCORE_OK ? bytes : 0;
    return status;
}
