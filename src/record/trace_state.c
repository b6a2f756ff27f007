/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/trace_state.h"

#include "model/json.h"
#include "record/member.h"

enum tcore_status trace_state_put(const struct tcore_slice *text, const struct tcore_slice *state,
                                  uint64_t threshold, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    struct tcore_buf made = {0}, value = {0};
    uint64_t before;
    if (tcore_trace_state_find(state, &before) && before >= threshold) {
        tcore_buf_append(out, text->data, text->length);
        return tcore_buf_status(out, err);
    }
    tcore_trace_state_write(&made, state, threshold);
    enum tcore_status status = tcore_buf_status(&made, err);
    if (status == TCORE_OK)
        tcore_json_write_string(&value, made.data, made.length);
    if (status == TCORE_OK)
        status = tcore_buf_status(&value, err);
    if (status == TCORE_OK)
        status = member_put(text, "traceState", &value, out, err);
    tcore_buf_free(&made);
    tcore_buf_free(&value);
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}
