/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record taken apart, and what is lost of it. */
#include <config.h>

#include "record/export/record.h"

#include "base/sys.h"
#include "cli/message.h"
#include "model/canonical.h"
#include "model/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many names are counted, the first ones by their order, and told in how many bytes, about: a
 * message has less than 1,024. */
enum { LOSSES_MAX = 64, NOTE_BYTES = 800 };

void *export_room(void *array, size_t *capacity, size_t number, size_t element_bytes)
{
    if (number < *capacity)
        return array;
    size_t more = *capacity ? *capacity * 2 : 16;
    void *grown = tcore_reallocarray(array, more > number ? more : number + 1, element_bytes);
    if (grown)
        *capacity = more > number ? more : number + 1;
    return grown;
}

/* --- what was left out --- */

/* Records before fields, by type and name: which names stay, and in which order they are told, must
 * not depend on which worker met which record. */
static int compare_losses(const void *a, const void *b)
{
    const struct export_loss *x = a, *y = b;
    if (x->record != y->record)
        return x->record ? -1 : 1;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The place of a name that is new: the last one's if there are too many, or NULL. */
static struct export_loss *room_for_loss(struct export_losses *losses,
                                         const struct export_loss *part)
{
    struct export_loss *last = losses->loss;
    if (losses->count < LOSSES_MAX) {
        struct export_loss *room =
            export_room(losses->loss, &losses->capacity, losses->count, sizeof *room);
        losses->loss = room ? room : losses->loss;
        return room ? &room[losses->count++] : NULL;
    }
    for (size_t i = 1; i < losses->count; i++)
        if (compare_losses(&losses->loss[i], last) > 0)
            last = &losses->loss[i];
    return compare_losses(part, last) < 0 ? last : NULL;
}

static void add_loss(struct export_losses *losses, const struct export_loss *part)
{
    for (size_t i = 0; i < losses->count; i++) {
        struct export_loss *l = &losses->loss[i];
        if (compare_losses(l, part) == 0) {
            l->count += part->last && l->last == part->last ? 0 : part->count;
            l->last = part->last;
            return;
        }
    }
    losses->others |= losses->count == LOSSES_MAX;
    struct export_loss *place = room_for_loss(losses, part);
    if (place)
        *place = *part;
    else
        losses->others = true;
}

static void count_loss(struct export_losses *losses, enum tcore_record_type type, const char *name,
                       size_t length, bool record)
{
    struct export_loss loss = {.count = 1, .type = type, .record = record, .last = losses->number};
    snprintf(loss.name, sizeof loss.name, "%.*s", length < 50 ? (int)length : 50, name);
    add_loss(losses, &loss);
}

void export_lose(struct export_losses *losses, enum tcore_record_type type, const char *name,
                 size_t length)
{
    count_loss(losses, type, name, length, false);
}

void export_lose_record(struct export_losses *losses, enum tcore_record_type type, const char *why)
{
    count_loss(losses, type, why, strlen(why), true);
}

void export_losses_add(struct export_losses *sum, const struct export_losses *part)
{
    for (size_t i = 0; i < part->count; i++) {
        struct export_loss loss = part->loss[i];
        loss.last = 0;
        add_loss(sum, &loss);
    }
    sum->others |= part->others;
}

void export_losses_note(const struct export_losses *losses, struct cli *cli, const char *format)
{
    struct tcore_buf text = {0};
    size_t i = 0;
    if (!losses->count)
        return;
    qsort(losses->loss, losses->count, sizeof *losses->loss, compare_losses);
    for (; i < losses->count && text.length < NOTE_BYTES; i++) {
        const struct export_loss *l = &losses->loss[i];
        const char *type = tcore_record_type_name(l->type), *s = l->count == 1 ? "" : "s";
        tcore_buf_printf(&text, i ? "; " : "");
        if (l->record)
            tcore_buf_printf(&text, "%" PRIu64 " %s record%s (%s)", l->count, type, s, l->name);
        else
            tcore_buf_printf(&text, "%s of %" PRIu64 " %s record%s", l->name, l->count, type, s);
    }
    if (losses->others || i < losses->count)
        tcore_buf_puts(&text, "; and other fields");
    if (!text.failed)
        cli_note(cli, "left out, as %s has no place for it: %.*s", format, (int)text.length,
                 text.data);
    tcore_buf_free(&text);
}

void export_losses_free(struct export_losses *losses)
{
    tcore_free(losses->loss);
    *losses = (struct export_losses){0};
}

void export_lost(struct export_record *record, const char *name)
{
    export_lose(&record->losses, record->whole ? record->whole : record->type, name, strlen(name));
}

void export_lost_record(struct export_record *record, const char *why)
{
    export_lose_record(&record->losses, record->whole ? record->whole : record->type, why);
}

/* --- a record --- */

void export_record_free(struct export_record *record)
{
    tcore_json_free(&record->json);
    export_losses_free(&record->losses);
    tcore_buf_free(&record->canonical);
    tcore_buf_free(&record->scratch);
}

/* Half a surrogate pair, which other tools refuse to read, becomes U+FFFD. In a canonical text no
 * other escape begins so, and the one for it is as long. */
static void replace_surrogates(struct export_record *record)
{
    struct tcore_buf *text = &record->canonical;
    const char *end = text->data + text->length;
    for (char *at = text->data; (at = memchr(at, '\\', (size_t)(end - at))); at += 2) {
        if (at[1] != 'u' || at[2] != 'd')
            continue;
        memcpy(at + 2, "fffd", 4);
        export_lost(record, "half surrogate pairs");
    }
}

enum tcore_status export_record_parse(struct export_record *record, const struct tcore_slice *text,
                                      struct tcore_error *err)
{
    struct tcore_buf *canonical = &record->canonical;
    enum tcore_status status = tcore_json_parse(&record->json, text->data, text->length, err);
    tcore_buf_clear(canonical);
    if (!record->whole)
        record->losses.number++;
    if (status == TCORE_OK)
        status = tcore_record_canonical(&record->json, false, canonical, &record->type, err);
    if (status == TCORE_OK)
        status = tcore_buf_status(canonical, err);
    if (status == TCORE_OK)
        replace_surrogates(record);
    bool same = status == TCORE_OK && canonical->length == text->length &&
                !memcmp(canonical->data, text->data, text->length);
    if (status == TCORE_OK && !same)
        status = tcore_json_parse(&record->json, canonical->data, canonical->length, err);
    return status == TCORE_SKIP ? TCORE_FATAL : status;
}

static bool is_key(const struct export_key *key, const struct tcore_value *name)
{
    return key->length == name->len && !memcmp(key->name, name->s, name->len);
}

int export_key_number(const struct export_record *record, uint32_t node,
                      const struct export_keys *keys)
{
    const struct tcore_value *name = export_value(record, node);
    for (unsigned i = 0; i < keys->count; i++)
        if (is_key(&keys->key[i], name))
            return (int)i;
    return -1;
}

static void lose_member(struct export_record *record, const char *inside,
                        const struct tcore_value *name)
{
    char text[128];
    if (record->members_counted)
        return;
    snprintf(text, sizeof text, "%s%s%.*s", inside ? inside : "", inside ? "." : "",
             name->len < 60 ? (int)name->len : 60, name->s);
    export_lost(record, text);
}

void export_collect(struct export_record *record, const struct export_keys *keys, uint32_t node,
                    const char *inside, uint32_t *at)
{
    const struct tcore_json_node *tape = record->json.node;
    unsigned next = 0;
    memset(at, 0, keys->count * sizeof *at);
    for (uint32_t k = node + 1; k < tape[node].next; k = tape[k + 1].next) {
        unsigned found = next;
        while (found < keys->count && !is_key(&keys->key[found], &tape[k].value))
            found++;
        for (unsigned i = 0; found == keys->count && i < next; i++)
            if (is_key(&keys->key[i], &tape[k].value)) {
                found = i;
                break;
            }
        if (found < keys->count) {
            at[found] = k + 1;
            next = found + 1;
        } else {
            lose_member(record, inside, &tape[k].value);
        }
    }
}

void export_lose_members(struct export_record *record, const struct export_keys *keys,
                         const uint32_t *at, const uint8_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (at[numbers[i]])
            export_lost(record, keys->key[numbers[i]].name);
}

bool export_is_text(const struct export_record *record, uint32_t node)
{
    const struct tcore_value *v = export_value(record, node);
    return node && v->kind == TCORE_STRING && v->len;
}

bool export_text_is(const struct export_record *record, uint32_t node, const char *text)
{
    return node && tcore_value_is_text(export_value(record, node), text);
}

bool export_int64(const struct export_record *record, uint32_t node, int64_t *i)
{
    const struct tcore_value *v = export_value(record, node);
    if (!node)
        return false;
    return v->kind == TCORE_STRING ? tcore_parse_int64(v->s, v->len, i) : tcore_value_int64(v, i);
}

bool export_time(struct export_record *record, uint32_t node, const char *name, int64_t *ns)
{
    if (!export_int64(record, node, ns))
        return false;
    if (*ns < 0)
        export_lost(record, name);
    return *ns >= 0;
}

bool export_number(const struct export_record *record, uint32_t node, double *d)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    const struct tcore_value *v = export_value(record, node);
    if (!node)
        return false;
    int word = v->kind == TCORE_STRING ? export_word(record, node, words, 3) : -1;
    *d = word < 0 ? tcore_value_double(v) : values[word];
    return word >= 0 || tcore_value_is_number(v);
}

const char *const export_span_kinds[6] = {"unspecified", "internal", "server",
                                          "client",      "producer", "consumer"};
const char *const export_status_codes[3] = {"unset", "ok", "error"};

int export_word(const struct export_record *record, uint32_t node, const char *const *words,
                int count)
{
    for (int i = 0; i < count; i++)
        if (export_text_is(record, node, words[i]))
            return i;
    return -1;
}
