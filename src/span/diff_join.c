/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two sides have numbers of their own for operations; here they get those of the order of their
 * texts, which depends on nothing else. */
#include <config.h>

#include "span/diff.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

void diff_both_free(struct diff_both *both)
{
    for (uint32_t i = 0; both->operation && i < both->operation_count; i++)
        tcore_free(both->operation[i].label);
    for (int s = 0; s < DIFF_SIDES; s++)
        tcore_free(both->number[s]);
    tcore_free(both->operation);
    tcore_free(both->joint);
    tcore_map_free(&both->texts);
    *both = (struct diff_both){0};
}

/* --- Operations */

/* Interns the texts of a side's operations; number[i] is that of its operation i. */
static enum tcore_status intern_texts(struct diff_both *both, const struct diff_side *side,
                                      const struct tcore_trace_store *store, uint32_t *number,
                                      struct tcore_error *err)
{
    uint32_t count = side->keys.map.count;
    struct span_group_place *place = tcore_calloc((size_t)count + 1, sizeof *place);
    struct tcore_buf texts = {0};
    enum tcore_status status =
        place ? span_groups_order(&side->keys, store, place, &texts, err) : tcore_error_nomem(err);

    for (uint32_t i = 0; i < count && status == TCORE_OK; i++) {
        uint32_t text =
            tcore_map_intern(&both->texts, place[i].text.data, place[i].text.length, NULL);

        number[place[i].group] = text;
        if (text == TCORE_MAP_NONE)
            status = tcore_error_nomem(err);
    }
    tcore_free(place);
    tcore_buf_free(&texts);
    return status;
}

static int by_text(const void *a, const void *b)
{
    const struct tcore_slice *x = &((const struct diff_operation *)a)->group;
    const struct tcore_slice *y = &((const struct diff_operation *)b)->group;
    int order = memcmp(x->data, y->data, x->length < y->length ? x->length : y->length);

    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* The values of a group, and the names of those that do not speak for themselves. */
static char *make_label(struct tcore_json *json, struct tcore_slice group)
{
    struct tcore_buf text = {0};
    char *label = NULL;

    if (tcore_json_parse(json, group.data, group.length, NULL) == TCORE_OK) {
        const struct tcore_json_node *node = json->node;

        for (uint32_t k = 1; k < node[0].next; k = node[k + 1].next) {
            const struct tcore_value *value = &node[k + 1].value;
            const struct tcore_value *key = &node[k].value;

            tcore_buf_puts(&text, k > 1 ? " " : "");
            if (!tcore_value_is_text(key, "service") && !tcore_value_is_text(key, "name")) {
                tcore_buf_append(&text, key->s, key->len);
                tcore_buf_putc(&text, '=');
            }
            if (value->kind == TCORE_STRING)
                tcore_buf_append(&text, value->s, value->len);
            else
                tcore_json_write_value(&text, value);
        }
    }
    if (!text.length)
        tcore_buf_puts(&text, "(no name)");
    tcore_buf_putc(&text, '\0');
    if (!text.failed && (label = tcore_reallocarray(NULL, text.length, 1)))
        memcpy(label, text.data, text.length);
    tcore_buf_free(&text);
    return label;
}

/* Orders operations by text; the numbers of both sides are of texts before, and of operations then.
 */
static enum tcore_status order_operations(struct diff_both *both, unsigned depth_limit,
                                          struct tcore_error *err)
{
    uint32_t count = both->texts.count;
    uint32_t *of_text = tcore_calloc((size_t)count + 1, sizeof *of_text);
    struct tcore_json json = {.depth_limit = depth_limit};

    both->operation = tcore_calloc((size_t)count + 1, sizeof *both->operation);
    if (!both->operation || !of_text) {
        tcore_free(of_text);
        return tcore_error_nomem(err);
    }
    both->operation_count = count;
    for (uint32_t i = 0; i < count; i++)
        both->operation[i].group =
            (struct tcore_slice){both->texts.keys[i].data, both->texts.keys[i].length};
    qsort(both->operation, count, sizeof *both->operation, by_text);
    bool good = true;

    for (uint32_t i = 0; i < count && good; i++) {
        struct tcore_slice group = both->operation[i].group;

        of_text[tcore_map_find(&both->texts, group.data, group.length)] = i;
        both->operation[i].label = make_label(&json, group);
        good = both->operation[i].label;
    }
    for (int s = 0; s < DIFF_SIDES; s++)
        for (uint32_t i = 0; i < both->side[s]->keys.map.count; i++)
            both->number[s][i] = of_text[both->number[s][i]];
    tcore_json_free(&json);
    tcore_free(of_text);
    return good ? TCORE_OK : tcore_error_nomem(err);
}

/* --- Subjects */

/* Operations first, then by child and parent. */
static int compare_joints(const void *a, const void *b)
{
    const struct diff_joint *x = a, *y = b;
    bool x_calls = x->parent != DIFF_NONE, y_calls = y->parent != DIFF_NONE;

    if (x_calls != y_calls)
        return x_calls ? 1 : -1;
    if (x->child != y->child)
        return x->child < y->child ? -1 : 1;
    return (x->parent > y->parent) - (x->parent < y->parent);
}

static struct diff_total sum_up(const struct diff_subject *subject)
{
    struct diff_total total = {0};
    __int128 duration_ns = 0, self_ns = 0; /* exact, so that their order does not matter */

    for (uint32_t i = 0; subject && i < subject->count; i++) {
        const struct diff_entry *entry = &subject->entry[i];

        total.calls += entry->calls;
        total.timed += entry->timed;
        total.errors += entry->errors;
        duration_ns += entry->duration_ns;
        self_ns += entry->self_ns;
    }
    total.duration_ns = (double)duration_ns;
    total.self_ns = (double)self_ns;
    return total;
}

static enum tcore_status join_subjects(struct diff_both *both, struct tcore_error *err)
{
    size_t most = (size_t)both->side[0]->subjects.count + both->side[1]->subjects.count;
    uint32_t count = 0;

    both->joint = tcore_calloc(most + 1, sizeof *both->joint);
    if (!both->joint)
        return tcore_error_nomem(err);
    for (int s = 0; s < DIFF_SIDES; s++)
        for (uint32_t i = 0; i < both->side[s]->subjects.count; i++) {
            const struct diff_subject *subject = &both->side[s]->subject[i];
            struct diff_joint *joint = &both->joint[count++];

            joint->child = both->number[s][subject->child];
            joint->parent =
                subject->parent == DIFF_NONE ? DIFF_NONE : both->number[s][subject->parent];
            joint->side[s] = subject;
        }
    qsort(both->joint, count, sizeof *both->joint, compare_joints);
    for (uint32_t i = 0; i < count; i++) {
        struct diff_joint *last = both->joint_count ? &both->joint[both->joint_count - 1] : NULL;

        if (last && compare_joints(last, &both->joint[i]) == 0)
            for (int s = 0; s < DIFF_SIDES; s++)
                last->side[s] = last->side[s] ? last->side[s] : both->joint[i].side[s];
        else
            both->joint[both->joint_count++] = both->joint[i];
    }
    for (uint32_t i = 0; i < both->joint_count; i++)
        for (int s = 0; s < DIFF_SIDES; s++)
            both->joint[i].total[s] = sum_up(both->joint[i].side[s]);
    return TCORE_OK;
}

enum tcore_status diff_join(struct diff_both *both, const struct diff_side *base,
                            const struct tcore_trace_store *base_store,
                            const struct diff_side *cand,
                            const struct tcore_trace_store *cand_store, struct tcore_error *err)
{
    const struct tcore_trace_store *store[DIFF_SIDES] = {base_store, cand_store};
    enum tcore_status status = TCORE_OK;

    *both = (struct diff_both){.side = {base, cand}};
    if (tcore_map_init(&both->texts) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
    for (int s = 0; s < DIFF_SIDES && status == TCORE_OK; s++) {
        both->number[s] =
            tcore_calloc((size_t)both->side[s]->keys.map.count + 1, sizeof *both->number[s]);
        status = both->number[s] ? intern_texts(both, both->side[s], store[s], both->number[s], err)
                                 : tcore_error_nomem(err);
    }
    if (status == TCORE_OK)
        status = order_operations(both, base->keys.json.depth_limit, err);
    if (status == TCORE_OK)
        status = join_subjects(both, err);
    return status;
}

/* --- Finding them again */

uint32_t diff_callers(const struct diff_both *both, uint32_t child, uint32_t *first)
{
    uint32_t low = both->operation_count, end;

    for (uint32_t high = both->joint_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;

        if (both->joint[middle].child < child)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    for (end = low; end < both->joint_count && both->joint[end].child == child;)
        end++;
    return end;
}
