/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program of --map. */
#include <config.h>

#include "cli/map.h"

#include "cli/message.h"
#include "cli/yaml.h"

#include <fcntl.h>
#include <string.h>

enum tcore_status cli_map_open(const struct cli_map *map, struct tcore_jq **jq,
                               struct tcore_error *err)
{
    struct tcore_jq_options options = {.helper = map->helper.text};
    return tcore_jq_open(jq, map->program.data, &options, err);
}

int cli_map_load(struct cli_map *map, struct cli *cli, const char *path)
{
    struct tcore_error err = {0};
    struct tcore_jq *jq;
    *map = (struct cli_map){0};
    cli_helper_path(&map->helper, "tracecore-jq");
    int errnum = cli_yaml_read_file(AT_FDCWD, path, 0, &map->program);
    if (errnum) {
        cli_error(cli, "%s: %s", path, strerror(errnum));
        return CLI_FAILED;
    }
    tcore_buf_putc(&map->program, '\0');
    enum tcore_status status =
        map->program.failed ? tcore_error_nomem(&err) : cli_map_open(map, &jq, &err);
    if (status == TCORE_OK) {
        tcore_jq_close(jq);
        return CLI_DONE;
    }
    err.input = path;
    cli_report(cli, &err);
    if (status != TCORE_BAD_INPUT)
        return CLI_FAILED;
    cli->usage_error = true;
    return CLI_USAGE;
}

void cli_map_free(struct cli_map *map)
{
    tcore_buf_free(&map->program);
}
