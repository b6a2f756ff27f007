/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A helper's side of the socket that it has as standard input and output. */
#ifndef TRACECORE_SANDBOX_EXCHANGE_H
#define TRACECORE_SANDBOX_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#define EXCHANGE_EXIT_BROKEN 4 /* exit status where the other side broke off, or is none of ours   \
                                */

/* Reads so many bytes. False: the input ended in front of the first. Ends the process where it ends
 * later. */
bool exchange_read(void *to, size_t bytes);
/* Writes so many bytes, or ends the process. */
void exchange_write(const void *from, size_t bytes);

#endif
