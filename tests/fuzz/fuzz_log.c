/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as an append log; and as one whose checksums were made right, entry after entry as far
 * as their lengths go. Every byte must be accounted for, and sequences grow.
 */
#include "base/sys.h"
#include "store/log_read_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void read_all(struct tcore_log_reader *reader, size_t size)
{
    const struct tcore_log_report *report = tcore_log_reader_report(reader);
    struct tcore_log_entry entry;
    enum tcore_status status;
    uint64_t at = reader->offset, sequence = 0;
    while ((status = tcore_log_read(reader, &entry, NULL)) != TCORE_EOF) {
        require(status == TCORE_OK || status == TCORE_SKIP);
        require(entry.offset == at && entry.length);
        at += status == TCORE_OK ? log_entry_bytes(entry.length) : entry.length;
        require(at <= size);
        if (status == TCORE_OK) {
            require(entry.sequence > sequence);
            sequence = entry.sequence;
        }
    }
    require(report->torn_offset == at && at + report->torn_bytes == size);
}

static void read_log(const char *data, size_t size)
{
    struct tcore_log_reader *reader;
    struct log_header header;
    uint64_t sequence;
    int fd = memfd_create("log", MFD_CLOEXEC);
    require(fd >= 0 && tcore_write_all(fd, data, size) == 0);
    if (size >= LOG_HEADER_BYTES &&
        tcore_log_get_header((const unsigned char *)data, &header, NULL) == TCORE_OK)
        require(tcore_log_find_tail(fd, header.id, size, &sequence, NULL) <= TCORE_SKIP);
    enum tcore_status status = tcore_log_reader_take(&reader, fd, "log", NULL);
    require(status == TCORE_OK || status == TCORE_BAD_INPUT);
    if (status == TCORE_OK) {
        read_all(reader, size);
        tcore_log_reader_close(reader);
    }
}

/* Makes the bytes a log as far as possible. */
static void make_right(char *data, size_t size)
{
    struct log_header header;
    tcore_log_get_header((const unsigned char *)data, &header, NULL);
    tcore_log_put_header(&header, (unsigned char *)data);
    uint64_t sequence = 1;
    for (size_t at = LOG_HEADER_BYTES; size - at >= LOG_ENTRY_LEAST;) {
        struct log_head head = {
            .length = binary_get32(data + at + LOG_ENTRY_LENGTH) % 4096,
            .kind = (unsigned char)data[at + LOG_ENTRY_KIND],
            .sequence = sequence,
        };
        uint64_t whole = log_entry_bytes(head.length);
        bool skipped = data[at + LOG_ENTRY_ZERO]; /* what is behind it is to be searched for */
        if (!skipped && head.length && whole <= size - at) {
            char *payload = malloc(head.length);
            memcpy(payload, data + at + LOG_ENTRY_BYTES, head.length);
            tcore_log_put_entry(header.id, at, &head, payload, data + at);
            free(payload);
            sequence += 1 + head.length % 3;
            at += whole;
        } else {
            at += LOG_ALIGN;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_log((const char *)data, size);
    if (size >= LOG_HEADER_BYTES) {
        char *copy = malloc(size);
        memcpy(copy, data, size);
        make_right(copy, size);
        read_log(copy, size);
        free(copy);
    }
    return 0;
}
