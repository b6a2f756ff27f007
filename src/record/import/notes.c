/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What import says at its end about records that it kept. */
#include <config.h>

#include "record/import/import.h"

#include "cli/message.h"

#include <inttypes.h>

void import_counts_add(struct import_counts *sum, const struct import_counts *part)
{
    sum->ignored += part->ignored;
    sum->duplicate_keys += part->duplicate_keys;
    sum->replaced += part->replaced;
    sum->negative += part->negative;
    sum->untimed += part->untimed;
    sum->unknown_enums += part->unknown_enums;
    sum->empty_metrics += part->empty_metrics;
    sum->unfinished += part->unfinished;
    sum->unmatched_ends += part->unmatched_ends;
    sum->unrecorded += part->unrecorded;
}

static void note(struct cli *cli, uint64_t count, const char *one, const char *many)
{
    if (count)
        cli_note(cli, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

void import_counts_note(const struct import_counts *counts, const char *ignored_name,
                        struct cli *cli)
{
    if (counts->ignored)
        cli_note(cli, "%" PRIu64 " member%s that the format does not define %s left out (%s%s)",
                 counts->ignored, counts->ignored == 1 ? "" : "s",
                 counts->ignored == 1 ? "was" : "were",
                 counts->ignored == 1 ? "" : "first: ", ignored_name);
    note(cli, counts->duplicate_keys, "key occurred twice in an object: the last one counted",
         "keys occurred twice in an object: the last one counted");
    note(cli, counts->replaced, "attribute was replaced by a later one of the same name",
         "attributes were replaced by a later one of the same name");
    note(cli, counts->negative, "span ends before it starts: it has no duration",
         "spans end before they start: they have no duration");
    note(cli, counts->untimed, "span is without start or end", "spans are without start or end");
    note(cli, counts->unknown_enums, "kind or status code is unknown: taken as unset",
         "kinds or status codes are unknown: taken as unset");
    note(cli, counts->empty_metrics, "metric without a data point gave no record",
         "metrics without a data point gave no record");
    note(cli, counts->unfinished, "OpenMetrics text has no # EOF at its end: it may be cut short",
         "OpenMetrics texts have no # EOF at their ends: they may be cut short");
    note(cli, counts->unmatched_ends, "end of a span that did not begin was left out",
         "ends of spans that did not begin were left out");
    note(cli, counts->unrecorded, "event of a kind that is no span, log or metric was left out",
         "events of kinds that are no span, log or metric were left out");
}
