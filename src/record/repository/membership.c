/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/membership.h"

#include "base/sys.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

const char *membership_user(void)
{
    static char names[4096];
    static struct passwd entry;
    struct passwd *found = NULL;
    if (getpwuid_r(getuid(), &entry, names, sizeof names, &found) == 0 && found)
        return found->pw_name;
    return "";
}

/* Whether the process is in a group of that name. */
static bool is_in_group(const char *name)
{
    gid_t ids[1024];
    struct group *group = getgrnam(name);
    if (!group)
        return false;
    int count = getgroups(sizeof ids / sizeof *ids, ids);
    bool found = getgid() == group->gr_gid || getegid() == group->gr_gid;
    for (int i = 0; i < count; i++)
        found |= ids[i] == group->gr_gid;
    return found;
}

/* Whether one of the keys is the private half of the role's. */
static bool has_key(const struct policy_role *role, int dir, const struct tcore_key_ring *ring)
{
    struct tcore_public_key wanted, own;
    bool found = false;
    if (!role->key || !tcore_key_ring_count(ring) ||
        tcore_public_key_read(&wanted, TCORE_KEY_SEALING, dir, role->key, NULL) != TCORE_OK)
        return false;
    for (size_t i = 0; i < tcore_key_ring_count(ring); i++)
        found |=
            tcore_private_key_public(tcore_key_ring_get(ring, i), "own", &own, NULL) == TCORE_OK &&
            !strcmp(own.fingerprint, wanted.fingerprint);
    return found;
}

bool membership_may(const struct policy *policy, enum policy_action action, int dir,
                    const struct tcore_key_ring *ring)
{
    const char *user = membership_user();
    bool *has = tcore_calloc(policy->role_count + 1, sizeof *has);
    if (!has)
        return false;
    for (size_t i = 0; i < policy->role_count; i++) {
        const struct policy_role *role = &policy->role[i];
        for (size_t k = 0; k < role->groups.count; k++)
            has[i] |= is_in_group(role->groups.item[k]);
        has[i] |= has_key(role, dir, ring);
    }
    bool may = policy_may(policy, action, *user ? user : NULL, has);
    tcore_free(has);
    return may;
}
