/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/oddities.h"

#include <inttypes.h>

/* In the order of bits. */
static const struct {
    const char *member, *name, *one, *many;
} words[ODDITIES] = {
    {"orphanSpans", "orphan", "orphan", "orphans"},
    {"selfParentSpans", "selfParent", "self-parent", "self-parents"},
    {"openedCycles", "openedCycle", "opened cycle", "opened cycles"},
    {"duplicateSpans", "duplicate", "duplicate", "duplicates"},
    {"sharedSpans", "shared", "shared id", "shared ids"},
    {"untimedSpans", "untimed", "without times", "without times"},
    {"spansBeforeParent", "beforeParent", "before its parent", "before their parents"},
    {"spansAfterParent", "afterParent", "after its parent", "after their parents"},
};

_Static_assert(TCORE_NOTE_ORPHAN == 1 && TCORE_NOTE_AFTER_PARENT == 1 << (ODDITIES - 1),
               "a word for each note");

void oddities_count(struct oddities *odd, const struct tcore_trace_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++)
        for (unsigned notes = tree->notes[i]; notes; notes &= notes - 1)
            odd->count[__builtin_ctz(notes)]++;
}

void oddities_add(struct oddities *odd, const struct oddities *other)
{
    for (unsigned bit = 0; bit < ODDITIES; bit++)
        odd->count[bit] += other->count[bit];
}

const char *oddity_member(unsigned bit)
{
    return words[bit].member;
}

const char *oddity_name(unsigned bit)
{
    return words[bit].name;
}

void oddity_describe(const struct oddities *odd, unsigned bit, struct tcore_buf *out)
{
    uint64_t count = odd->count[bit];
    if (count)
        tcore_buf_printf(out, "%" PRIu64 " %s", count,
                         count == 1 ? words[bit].one : words[bit].many);
}

void oddities_describe(const struct oddities *odd, unsigned which, struct tcore_buf *out)
{
    for (unsigned bit = 0; bit < ODDITIES; bit++) {
        if (!(which >> bit & 1) || !odd->count[bit])
            continue;
        tcore_buf_puts(out, out->length ? ", " : "");
        oddity_describe(odd, bit, out);
    }
}
