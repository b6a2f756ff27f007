/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/refresh.h"

#include "store/catalog.h"
#include "store/joint.h"
#include "store/known_traces.h"

enum tcore_status tcore_repository_refresh(struct tcore_repository *r, bool anew,
                                           struct tcore_error *err)
{
    struct tcore_segment_list list = {0};
    size_t made, removed;
    enum tcore_status status = TCORE_OK;
    if (anew)
        status = tcore_repository_list(r, &list, err);
    if (anew && status == TCORE_OK)
        status = tcore_catalog_renew(r, &list, err);
    if (anew && status == TCORE_OK)
        status = tcore_known_traces_renew(r, err);
    tcore_segment_list_free(&list);
    if (status == TCORE_OK)
        status = tcore_joints_update(r, &made, &removed, err);
    if (status == TCORE_OK)
        status = tcore_known_traces_update(r, &made, err);
    return status;
}
