/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/skew/skew.h"

#include "cli/human.h"
#include "cli/visible.h"

/* "cart (h2)" */
static void put_process(struct tcore_buf *out, struct tcore_slice service,
                        struct tcore_slice instance)
{
    if (service.data)
        cli_visible(out, service.data, service.length, false);
    else
        tcore_buf_puts(out, "a service without a name");
    if (!instance.data)
        return;
    tcore_buf_puts(out, " (");
    cli_visible(out, instance.data, instance.length, false);
    tcore_buf_puts(out, ")");
}

void skew_say(const struct skew_clock *clock, const struct tcore_trace_store *store, bool ascii,
              struct tcore_buf *out)
{
    int64_t ns = clock->adjustment_ns;
    tcore_buf_puts(out, "clock of ");
    put_process(out, tcore_trace_store_service(store, clock->service), clock->instance);
    if (ns) {
        tcore_buf_puts(out, ns < 0 ? " adjusted by -" : " adjusted by +");
        cli_human_duration(out, ns < 0 ? -(double)ns : (double)ns, ascii);
    } else {
        tcore_buf_puts(out, " not adjusted");
    }
    tcore_buf_puts(out,
                   clock->contradictory ? ", its calls contradict each other: " : ", against ");
    put_process(out, tcore_trace_store_service(store, clock->against_service),
                clock->against_instance);
}
