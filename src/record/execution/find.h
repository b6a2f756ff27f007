/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One execution in a file or repository: the lines that name it, and what they tell together. */
#ifndef RECORD_EXECUTION_FIND_H
#define RECORD_EXECUTION_FIND_H

#include "record/execution/fold.h"
#include "stream/input.h"

/*
 * Folds all events of the execution with that id (16 digits) in the file. TCORE_OK: look at
 * started. TCORE_BAD_INPUT: something is damaged, as err says, which may have been of it; what is
 * not was folded. TCORE_FATAL: the file cannot be read, or memory is short.
 */
enum tcore_status execution_find(struct execution *execution, const char *path, const char *id,
                                 struct tcore_error *err);

/* Called with a line that contains an id, without its newline; other than TCORE_OK ends the search.
 */
typedef enum tcore_status execution_line(void *context, const char *line, size_t length,
                                         struct tcore_error *err);

/* Calls each() for the lines in text[0..length) that contain the id; the text ends with a newline.
 */
enum tcore_status execution_lines_in(const char *text, size_t length, const char *id,
                                     execution_line *each, void *context, struct tcore_error *err);
/*
 * The same for a file or repository. wanted: of a repository. TCORE_BAD_INPUT: something is
 * damaged, what is not was searched; or it is no file of lines. TCORE_FATAL: it cannot be read.
 */
enum tcore_status execution_lines(const char *path, const char *id,
                                  const struct tcore_wanted *wanted, execution_line *each,
                                  void *context, struct tcore_error *err);

#endif
