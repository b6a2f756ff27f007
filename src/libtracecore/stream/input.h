/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An input: a file or pipe of native records, sniffed (NDJSON, binary, or either compressed) and
 * cut into chunks that decoders turn into batches. One input may feed several threads: claiming a
 * chunk is thread-safe, decoding needs a decoder a thread. The input remembers nothing of a chunk
 * once claimed.
 */
#ifndef TRACECORE_STREAM_INPUT_H
#define TRACECORE_STREAM_INPUT_H

#include "base/error.h"
#include "model/batch.h"
#include "model/known.h"
#include "model/projection.h"
#include "stream/binary.h"

#include <stdbool.h>
#include <stdint.h>

enum tcore_format { TCORE_FORMAT_NDJSON, TCORE_FORMAT_BINARY };

struct tcore_chunk_source;
struct tcore_key_ring;
struct tcore_scan_report;
struct tcore_input_options;

/* Opens a directory as an input: tcore_scan_open() of store/scan.h does that for repositories. */
typedef enum tcore_status tcore_open_directory(struct tcore_chunk_source **source, const char *path,
                                               const struct tcore_input_options *options,
                                               struct tcore_error *err);

/* What is wanted of a repository. Others give everything, and so may a repository: records that
 * nobody wants are sorted out again behind it. */
struct tcore_wanted {
    unsigned types;           /* bits of types whose records are wanted; others are only counted */
    unsigned rollup_types;    /* of types whose records may be given as a roll-up, */
    int64_t rollup_window_ns; /* whose windows divide this; 0: any do */
    unsigned series_fields;   /* enum tcore_series_field: and whose series have these exactly */
    bool has_since, has_until;
    int64_t since_ns, until_ns; /* those from the one on and before the other */
    /* If there are any, only records of these traces are wanted (16 bytes each; borrowed). */
    const uint8_t (*trace_ids)[16];
    size_t trace_count;
    /* Private keys to read with, and it is told what could not be read (borrowed; NULL: none). */
    struct tcore_key_ring *keys;
    /* Whether a record of matched_types of which so much is known may be wanted. If not, it need
     * not be read, and is counted only (struct tcore_chunk). For one thread at a time; NULL: any
     * may. */
    bool (*may_match)(void *context, const struct tcore_known_field *known, size_t count);
    void *context;
    unsigned matched_types; /* bits of types */
    bool report;            /* say what was read: tcore_input_report() */
};

struct tcore_input_options {
    tcore_open_directory *open_directory; /* NULL: a directory is no input */
    bool (*is_stored)(const char *path);  /* whether it opens this path, too; NULL: no other */
    struct tcore_wanted wanted;
    size_t line_limit;    /* bytes of one line; 0: 32 MiB */
    size_t chunk_bytes;   /* of NDJSON, about; 0: 256 KiB */
    unsigned depth_limit; /* nesting; 0: 512 */
    int64_t idle_ns;      /* after so long without input a chunk with one clock record; 0: never */
    bool single;          /* only one thread will claim chunks */
    int stop_fd;          /* once it is readable the input ends behind its last whole line or block
                             that was read; 0: none */
};

struct tcore_input;

/* A claimed piece of input: whole lines, or one binary block. Zeroed before its first use; its
 * memory is reused from claim to claim and freed by tcore_chunk_free. */
struct tcore_chunk {
    char *data; /* length bytes, then at least 64 readable bytes of padding */
    size_t length, capacity;
    uint64_t sequence;  /* 0, 1, 2, ... within the input, in input order */
    bool live;          /* the next read would block: flush what you have after this chunk */
    uint64_t overlong;  /* not 0: this is the beginning of a line beyond the limit, of so many
                           bytes in all; the rest was passed over and the decoder rejects it */
    bool clock;         /* made by --idle: the line is a clock record of ours */
    bool lines;         /* in data are lines of NDJSON, whatever the input has otherwise */
    bool apart;         /* nothing is in data: it is the block of `columns`, read on demand */
    bool by_trace;      /* set by whoever decodes it next: of a block, sums of its traces will do if
                           it has them (batch->sums), as each of its records counts */
    bool unmatched;     /* it is apart, and none of its records is wanted: see may_match */
    unsigned rolled_up; /* bits (1 << type), not 0: it is no block, but what open() of `columns`
                           gives is a roll-up (store/rollup.h), for all blocks of these types */
    struct tcore_binary_info info;        /* of that block */
    struct tcore_binary_columns *columns; /* owned, and kept for the next such block */
};

/* An input that is no stream of bytes. Calls are thread-safe but for close. */
struct tcore_chunk_source {
    /* As tcore_input_next(), with the sequence filled in. */
    enum tcore_status (*next)(struct tcore_chunk_source *source, struct tcore_chunk *chunk,
                              struct tcore_error *err);
    void (*position)(struct tcore_chunk_source *source, uint64_t *done, uint64_t *total);
    void (*close)(struct tcore_chunk_source *source);
    /* As tcore_input_report(). */
    const struct tcore_scan_report *(*report)(struct tcore_chunk_source *source);
};

/*
 * Opens path ("-": standard input, fd 0). TCORE_BAD_INPUT: a foreign format (err names it and the
 * command that converts it) or unreadable compression; TCORE_FATAL: it cannot be opened or read
 * (err->errnum). Empty input is fine. *input is NULL on failure.
 */
enum tcore_status tcore_input_open(struct tcore_input **input, const char *path,
                                   const struct tcore_input_options *options,
                                   struct tcore_error *err);
void tcore_input_close(struct tcore_input *input);
const char *tcore_input_name(const struct tcore_input *input); /* path, or "-" */
enum tcore_format tcore_input_format(const struct tcore_input *input);

/* Claims the next chunk, which is empty only if the file has become shorter meanwhile; thread-safe.
 * TCORE_EOF at the end; TCORE_BAD_INPUT or TCORE_FATAL as above, after which only TCORE_EOF
 * follows. A final line without a newline is given with one added. */
enum tcore_status tcore_input_next(struct tcore_input *input, struct tcore_chunk *chunk,
                                   struct tcore_error *err);
void tcore_chunk_free(struct tcore_chunk *chunk);

/* Bytes read so far and total (0 if unknown), for progress; thread-safe. */
void tcore_input_position(struct tcore_input *input, uint64_t *done, uint64_t *total);

/* What was read of a repository so far (store/scan_report.h), for when no thread reads any more; it
 * lives as long as the input. NULL: it is none, or options.wanted.report was not set. */
const struct tcore_scan_report *tcore_input_report(const struct tcore_input *input);

struct tcore_decoder;

/* A decoder for one thread. The projection must not change while it lives. */
enum tcore_status tcore_decoder_new(struct tcore_decoder **decoder,
                                    const struct tcore_projection *projection,
                                    const struct tcore_input_options *options,
                                    struct tcore_error *err);
void tcore_decoder_free(struct tcore_decoder *decoder);
/*
 * Decodes one chunk into *batch (owned by the decoder, valid until the next call; it points into
 * the chunk, which must stay). Bad records are in batch->rejects, and the call is still TCORE_OK.
 * TCORE_BAD_INPUT: a damaged binary block; the next chunk may be fine.
 */
enum tcore_status tcore_decoder_decode(struct tcore_decoder *decoder, enum tcore_format format,
                                       struct tcore_chunk *chunk, const struct tcore_batch **batch,
                                       struct tcore_error *err);

/* Of a projection with text_late: fills batch->text, at least of the rows for which wanted is set,
 * of the batch that was decoded last. TCORE_BAD_INPUT: a damaged block. */
enum tcore_status tcore_decoder_text(struct tcore_decoder *decoder, const bool *wanted,
                                     const struct tcore_batch *batch, struct tcore_error *err);

/* Instruction set of the scanner: "avx512", "avx2", "portable"; NULL picks the best the CPU has.
 * For tests; false if the CPU lacks it. Not thread-safe, before any decoder. */
bool tcore_simd_select(const char *name);
const char *tcore_simd_name(void);

#endif
