/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces that were named on the command line. */
#include <config.h>

#include "cli/ids.h"
#include "cli/message.h"
#include "span/gather.h"

#include <string.h>

bool gather_want(struct gather *gather, struct tcore_map *wanted, int count, char **ids)
{
    struct cli_id id;
    if (tcore_map_init(wanted) != 0)
        return false;
    for (int i = 0; i < count; i++)
        if (!cli_parse_id(ids[i], &id) ||
            tcore_map_intern(wanted, id.trace_id, TCORE_TRACE_ID, NULL) == TCORE_MAP_NONE)
            return false;
    if (count)
        gather->wanted = wanted;
    return true;
}

int gather_exit_status(const struct gather *gather, int status)
{
    const struct tcore_map *wanted = gather->wanted;
    if (!wanted || (status != CLI_DONE && status != CLI_REJECTED))
        return status;
    for (uint32_t i = 0; !gather->cli->reader_gone && i < wanted->count; i++)
        if (!gather->found || !gather->found[i])
            cli_note(gather->cli, "no span of trace %.*s is in the input", TCORE_TRACE_ID,
                     wanted->keys[i].data);
    return gather->traces ? status : CLI_FOUND;
}
