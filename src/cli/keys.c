/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/keys.h"

#include "cli/message.h"
#include "store/key_ring.h"

#include <fcntl.h>
#include <limits.h>

int cli_open_keys(struct cli *cli)
{
    struct tcore_error err;
    if (cli->keys)
        return CLI_DONE;
    enum tcore_status status = tcore_key_ring_new(&cli->keys, &err);
    for (size_t i = 0; status == TCORE_OK && i < cli->io.keys.count; i++)
        status = tcore_key_ring_add_file(cli->keys, AT_FDCWD, cli->io.keys.item[i], &err);
    if (status == TCORE_OK && cli->io.key_descriptor >= 0)
        status = cli->io.key_descriptor > INT_MAX
                     ? tcore_error_set(&err, TCORE_BAD_INPUT, "there is no such descriptor")
                     : tcore_key_ring_add_fd(cli->keys, (int)cli->io.key_descriptor,
                                             "--key-descriptor", &err);
    if (status == TCORE_OK)
        return CLI_DONE;
    cli_report(cli, &err);
    return CLI_FAILED;
}
