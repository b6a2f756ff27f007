/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who works with a repository, and whether its policy lets them. */
#ifndef RECORD_REPOSITORY_MEMBERSHIP_H
#define RECORD_REPOSITORY_MEMBERSHIP_H

#include "record/repository/policy.h"
#include "store/key_ring.h"

/* The login name of the user; "" if there is none. Lives until the next call. */
const char *membership_user(void);
/*
 * Whether the policy lets whoever runs the program do it: by a role that has their login name or
 * one of their groups, or whose private key is in the ring (NULL: none). dir: of the repository,
 * where public keys are.
 */
bool membership_may(const struct policy *policy, enum policy_action action, int dir,
                    const struct tcore_key_ring *ring);

#endif
