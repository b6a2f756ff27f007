/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --map=FILE: a jq program that makes records, run in the helper process that expressions run in
 * (query/jq.h). What programs that have the option share: the program, and what its results must
 * be.
 */
#ifndef CLI_MAP_H
#define CLI_MAP_H

#include "cli/helper.h"
#include "cli/verb.h"
#include "query/jq.h"

struct cli_map {
    struct tcore_buf program; /* owned */
    struct cli_helper_path helper;
};

/* Reads the program and compiles it once. CLI_DONE, or the exit status, reported: CLI_USAGE for one
 * that libjq does not accept. Freed in any case with cli_map_free(). */
int cli_map_load(struct cli_map *map, struct cli *cli, const char *path);
void cli_map_free(struct cli_map *map); /* a zeroed struct is an empty one */
/* Starts a helper with the program: it ends with the thread. Statuses as of tcore_jq_open(). */
enum tcore_status cli_map_open(const struct cli_map *map, struct tcore_jq **jq,
                               struct tcore_error *err);

#endif
