/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TRACECORE_SIMD makes tests choose the instruction set that inputs are scanned with. */
#include <config.h>

#include "cli/message.h"
#include "cli/verb.h"
#include "stream/input.h"

#include <stdlib.h>

int cli_choose_simd(struct cli *cli)
{
    const char *name = getenv("TRACECORE_SIMD");
    if (!name || !*name || tcore_simd_select(name))
        return CLI_DONE;
    return cli_usage_error(cli, "TRACECORE_SIMD: '%s' is not what this processor has", name);
}
