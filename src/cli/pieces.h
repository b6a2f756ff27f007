/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work in numbered pieces, done on several threads while its output is taken in order: what verbs
 * do at the end with what they gathered. The thread that takes also works when it would wait.
 */
#ifndef CLI_PIECES_H
#define CLI_PIECES_H

#include "base/buf.h"
#include "cli/verb.h"

#define CLI_THREADS_MAX 256

struct cli_pieces;

/* Does piece number piece and appends its output to out. thread: 0 ... threads - 1, for working
 * memory; a thread does one piece at a time. */
typedef enum tcore_status cli_piece_function(void *state, unsigned thread, uint64_t piece,
                                             struct tcore_buf *out, struct tcore_error *err);

/* How many threads -j asks for (default: all cores), at most CLI_THREADS_MAX.
 */
unsigned cli_threads(const struct cli *cli);

/* Starts count pieces on up to threads threads, the calling one among them. */
enum tcore_status cli_pieces_start(struct cli_pieces **pieces, unsigned threads, uint64_t count,
                                   cli_piece_function *function, void *state,
                                   struct tcore_error *err);
/* The output of the next piece, until the next call. TCORE_EOF after the last; a failed piece's
 * status and err. */
enum tcore_status cli_pieces_next(struct cli_pieces *pieces, struct tcore_buf **out,
                                  struct tcore_error *err);
/* Ends it at any time; NULL is fine. */
void cli_pieces_end(struct cli_pieces *pieces);
/* All of it for pieces without output. */
enum tcore_status cli_pieces_do(unsigned threads, uint64_t count, cli_piece_function *function,
                                void *state, struct tcore_error *err);

#endif
