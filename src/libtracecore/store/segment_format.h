/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layout of a segment, as numbers: tracecore-repository(5) is the same in prose.
 *
 *     frame of member 0 | frame of member 1 | ... | frame of the end of the archive
 *     | skippable frame: the footer | skippable frame: the seek table
 *
 * A member's frame holds its tar header, its data and the padding to 512 bytes, so that all frames
 * together are a tar archive. The manifest is the last member.
 */
#ifndef TRACECORE_STORE_SEGMENT_FORMAT_H
#define TRACECORE_STORE_SEGMENT_FORMAT_H

#define SEGMENT_VERSION      1
#define SEGMENT_FOOTER_MAGIC "\x89TCF\r\n\x1a\n"
#define SEGMENT_ID_BYTES     16

#define TAR_BYTES      512u                   /* of a header, and what data is padded to */
#define TAR_END_BYTES  1024u                  /* of zeros: the end of the archive */
#define TAR_SIZE_LIMIT ((size_t)077777777777) /* eleven octal digits */
#define TAR_NAME_BYTES 100u

#define SEGMENT_MANIFEST "manifest.json" /* name of the last member */
#define SEGMENT_KEYS     "keys"          /* name of the member with the wrapped keys */
#define SEALED_SUFFIX    ".sealed-"      /* in the name of a sealed member, before its label */

#define FRAME_SKIPPABLE 0x184d2a5du /* the footer's */
#define FRAME_SEEKABLE  0x184d2a5eu /* the seek table's, as the seekable format has it */
#define SEEKABLE_MAGIC  0x8f92eab1u

enum footer_at {
    FOOTER_FRAME = 0,    /* u32 FRAME_SKIPPABLE */
    FOOTER_SIZE = 4,     /* u32, of what follows */
    FOOTER_MAGIC = 8,    /* 8 bytes */
    FOOTER_VERSION = 16, /* u8 */
    FOOTER_ZERO = 17,    /* 3 bytes */
    FOOTER_MEMBERS = 20, /* u32 */
    FOOTER_ID = 24,      /* 16 bytes, of the segment */
    FOOTER_TABLE = 40,   /* u64 XXH3 of the seek table's frame */
    FOOTER_DIGEST = 48,  /* 32 bytes, BLAKE2b of every byte of the file before it */
    FOOTER_BYTES = 80
};

/* The seek table: its frame's magic and size, entries, then this. */
enum seek_table_at {
    SEEK_ENTRIES = 8,      /* behind magic and size */
    SEEK_ENTRY_BYTES = 8,  /* u32 compressed, u32 decompressed */
    SEEK_FOOTER_BYTES = 9, /* u32 frames, u8 descriptor (0), u32 SEEKABLE_MAGIC */
    SEEK_FRAMES_LIMIT = 1 << 20
};

#endif
