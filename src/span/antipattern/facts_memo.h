/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What calls were worked out to be, by all values that this depends on. A service makes few
 * different calls, unless their values are in their texts; so a call is kept when it comes a second
 * time, lest those that never come again drive out the others. Each thread has its own, of so many
 * calls at most.
 */
#ifndef SPAN_ANTIPATTERN_FACTS_MEMO_H
#define SPAN_ANTIPATTERN_FACTS_MEMO_H

#include "span/antipattern/facts.h"

/* Finds the facts of the reader's call. Their operation lives until the next keep. */
bool facts_memo_find(struct facts_reader *reader, struct span_facts *call);
/* Behind a find that found nothing: these are they. Without memory, or of a call with longer texts
 * than FACTS_KEY_MOST, nothing is kept. */
void facts_memo_keep(struct facts_reader *reader, const struct span_facts *call);
void facts_memo_free(struct facts_memo *memo);

#endif
