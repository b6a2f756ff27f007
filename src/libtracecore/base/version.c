/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "base/version.h"

const char *tcore_version(void)
{
    return PACKAGE_VERSION;
}
