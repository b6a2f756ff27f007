/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/audit_event.h"

#include "cli/message.h"

#include <pwd.h>
#include <unistd.h>

bool audit_event(struct cli *cli, int repository, const char *action, const char *details,
                 struct tcore_audit_place *place)
{
    struct tcore_audit_event event = {.action = action, .details = details, .uid = getuid()};
    struct tcore_error err = {0};
    struct passwd entry, *found = NULL;
    char names[4096];

    /* who has no name, or one that cannot be looked up, is known by the number */
    if (getpwuid_r(getuid(), &entry, names, sizeof names, &found) == 0 && found)
        event.user = found->pw_name;
    if (tcore_audit_append(repository, &event, place, &err) == TCORE_OK)
        return true;
    cli_report(cli, &err);
    return false;
}
