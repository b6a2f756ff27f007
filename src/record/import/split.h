/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cuts a stream of JSON documents into documents: one a line, spread over lines, or one after the
 * other on a line. A document that was cut short costs only itself: a newline inside a string, or
 * a line that begins with a brace where no value may begin, starts afresh.
 *
 * Where documents are lines, a line that is followed by another one is a unit as it stands: whoever
 * parses it will see whether it is one document. If not, import_split_line() cuts it.
 *
 * A long document that is a list, or has one that is known (import/list.h), comes in parts, each a
 * document by itself once import_unit_close() was there: what is before the list, runs of elements,
 * what is behind it, at least the closing brace.
 */
#ifndef RECORD_IMPORT_SPLIT_H
#define RECORD_IMPORT_SPLIT_H

#include "record/import/list.h"

#include <stdint.h>

enum import_split_state {
    SPLIT_BETWEEN,
    SPLIT_INSIDE,
    SPLIT_BEHIND, /* the list of a document that is an object */
    SPLIT_JUNK,
    SPLIT_SKIPPING
};

/* A zeroed struct with line 1 and limit set is the start of an input. */
struct import_split {
    enum import_split_state state;
    size_t at;           /* bytes of the data looked at so far */
    size_t start;        /* of the open document */
    uint64_t start_line; /* line that it begins on, 1-based */
    uint64_t start_byte; /* column that it begins at, 1-based */
    uint64_t line;       /* line that `at` is on */
    int64_t line_start;  /* where that line begins; negative once its beginning was dropped */
    uint64_t depth;      /* open brackets */
    bool in_string, escaped;
    bool line_begins;  /* `at` is the first byte of a line */
    bool lines;        /* a whole document on one line was seen: this is NDJSON */
    bool more;         /* the rest of a line will be there at once: no line is looked at without */
    size_t limit;      /* bytes of one document, or part */
    size_t part_bytes; /* least of a run of elements; 0: no document comes in parts */
    size_t list_bytes; /* a longer document does, if it is a list; 0: four times that */
    size_t look_bytes; /* of the open document when its list is next looked for */
    const struct import_list_name *list; /* that `at` is in, or NULL */
    uint64_t list_depth, list_line;
    size_t cut; /* behind the comma at which the run of elements is to end; 0: there is none yet */
    uint64_t cut_line, cut_byte;
    bool tail; /* the open document is what is behind a list */
    /* of others than JSON */
    unsigned form; /* which of several the format knows is there; 0: not yet known */
    uint64_t skip; /* so many bytes are still passed over */
};

enum import_part { PART_WHOLE, PART_HEAD, PART_ELEMENTS, PART_TAIL };

/* One document, or what stands in its place. */
struct import_unit {
    size_t offset, length;
    uint64_t line, byte; /* where it begins, 1-based; line 0: byte is of the input */
    bool too_long;       /* longer than the limit: no text is kept */
    bool cut;            /* the input ends inside it */
    bool is_line;        /* a line that nobody has looked at: perhaps of several documents */
    enum import_part part;
    bool last;                           /* part of its document */
    bool broken;                         /* a part that ends within a string */
    const struct import_list_name *list; /* that the elements are of, else NULL */
    bool heading;                        /* no unit, but what all units behind it need */
};

/*
 * The next unit of data[0..length), of which split->at bytes were looked at before. final: nothing
 * follows. False: more data is needed, or with final nothing is left. Bytes before split->start
 * (in state BETWEEN and SKIPPING: before split->at) are not needed any more.
 */
typedef bool import_cut(struct import_split *split, const char *data, size_t length, bool final,
                        struct import_unit *unit);
import_cut import_split_next;
/* A zeroed struct becomes the start of a unit that is a line. */
void import_split_line(struct import_split *split, const struct import_unit *line);
/* Makes the text of a part a document: puts the brackets where commas are at its ends. The comma
 * behind a run of elements is also the first byte of the next one. */
void import_unit_close(const struct import_unit *unit, char *data);
/* The first so many bytes of the data were dropped. */
void import_split_drop(struct import_split *split, size_t bytes);

#endif
