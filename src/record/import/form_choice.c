/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which form an element may have: a tree of choices by words that stand at one of its points, as
 * many forms share most of their text. A choice is by the point that tells most of them apart.
 */
#include <config.h>

#include "record/import/form_private.h"

/* How many ways there are by that word; 0: not all forms have it. */
static unsigned count_ways(struct form **forms, size_t count, unsigned point, unsigned word)
{
    uint64_t ways = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t way = point < forms[i]->points ? forms[i]->ways[point][word] : FORM_NO_WAY;
        if (way == FORM_NO_WAY)
            return 0;
        ways |= (uint64_t)1 << way;
    }
    return (unsigned)__builtin_popcountll(ways);
}

/* Chooses the word with the most ways; returns how many. */
static unsigned choose_word(struct form_choice *choice, struct form **forms, size_t count)
{
    unsigned most = 0;
    for (unsigned point = 0; point < forms[0]->points; point++)
        for (unsigned word = 0; word < FORM_WORDS; word++) {
            unsigned ways = count_ways(forms, count, point, word);
            if (ways <= most)
                continue;
            most = ways;
            choice->point = point;
            choice->word = word;
        }
    return most;
}

/* Moves the forms that take that way to the front; returns how many. */
static size_t gather(struct form **forms, size_t count, const struct form_choice *choice,
                     uint8_t way)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        struct form *form = forms[i];
        if (form->ways[choice->point][choice->word] != way)
            continue;
        forms[i] = forms[found];
        forms[found++] = form;
    }
    return found;
}

static bool add_ways(struct tcore_arena *arena, struct form_choice *choice, struct form **forms,
                     size_t count)
{
    choice->ways = tcore_arena_alloc(arena, FORM_WAYS * sizeof(struct form_choice *));
    if (!choice->ways)
        return false;
    memset(choice->ways, 0, FORM_WAYS * sizeof(struct form_choice *));
    while (count) {
        uint8_t way = forms[0]->ways[choice->point][choice->word];
        size_t found = gather(forms, count, choice, way);
        choice->ways[way] = form_choose(arena, forms, found);
        if (!choice->ways[way])
            return false;
        forms += found;
        count -= found;
    }
    return true;
}

struct form_choice *form_choose(struct tcore_arena *arena, struct form **forms, size_t count)
{
    struct form_choice *choice = tcore_arena_alloc(arena, sizeof *choice);
    unsigned ways = 0;
    if (!choice)
        return NULL;
    *choice = (struct form_choice){0};
    if (count > 1)
        ways = choose_word(choice, forms, count);
    if (ways > 1)
        return add_ways(arena, choice, forms, count) ? choice : NULL;
    for (size_t i = 0; i < count; i++) {
        forms[i]->next = choice->form;
        choice->form = forms[i];
    }
    return choice;
}
