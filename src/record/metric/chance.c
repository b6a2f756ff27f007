/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which metrics are recorded if not all are. */
#include <config.h>

#include "record/metric/metric.h"

#include "base/sys.h"

#include <errno.h>

enum tcore_status metric_is_sampled(double rate, struct tcore_error *err)
{
    uint64_t random;
    if (rate >= 1)
        return TCORE_OK;
    if (tcore_sys()->random(&random, sizeof random) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "the system has no randomness to give");
    return (double)(random >> 11) * 0x1p-53 < rate ? TCORE_OK : TCORE_SKIP;
}
