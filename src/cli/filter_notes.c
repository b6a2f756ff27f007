/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run says on standard error: the counts of what was left out. */
#include <config.h>

#include "cli/fields.h"
#include "cli/filter_private.h"
#include "cli/message.h"
#include "store/key_ring.h"

#include <inttypes.h>
#include <string.h>

void add_counts(struct counts *sum, const struct counts *part)
{
    sum->records += part->records;
    sum->bytes += part->bytes;
    sum->unread += part->unread;
    sum->duplicate_keys += part->duplicate_keys;
    sum->left_out.untimed += part->left_out.untimed;
    sum->left_out.failed += part->left_out.failed;
    for (size_t i = 0; i < TCORE_RECORD_TYPES; i++)
        sum->passed_over[i] += part->passed_over[i];
}

/* --- Counts */

static void note_passed_over(const struct run *run)
{
    struct tcore_buf text = {0};
    for (size_t type = 0; type < TCORE_RECORD_TYPES; type++) {
        uint64_t count = run->done.passed_over[type];
        if (!count)
            continue;
        tcore_buf_puts(&text, text.length ? ", " : "");
        if (type == TCORE_RECORD_NONE || type == TCORE_RECORD_OTHER)
            tcore_buf_printf(&text, "%" PRIu64 " record%s of %s type", count, count == 1 ? "" : "s",
                             type == TCORE_RECORD_NONE ? "no" : "unknown");
        else
            tcore_buf_printf(&text, "%" PRIu64 " %s record%s", count,
                             tcore_record_type_name((enum tcore_record_type)type),
                             count == 1 ? "" : "s");
    }
    if (text.length)
        cli_note(run->cli, "passed over %.*s", (int)text.length, text.data);
    tcore_buf_free(&text);
}

/* What is sealed in repositories, and not for the keys at hand. */
static void note_sealed(const struct run *run)
{
    struct tcore_buf text = {0};
    const char *label;
    size_t columns, all = 0;
    for (size_t i = 0; tcore_key_ring_missed(run->cli->keys, i, &label, &columns); i++) {
        tcore_buf_printf(&text, "%s%zu of label %s", i ? ", " : "", columns, label);
        all += columns;
    }
    if (all && !text.failed && !run->op->silent)
        cli_note(run->cli, "%zu column%s could not be read without a key: %.*s", all,
                 all == 1 ? "" : "s", (int)text.length, text.data);
    tcore_buf_free(&text);
}

void note_counts(struct run *run)
{
    const struct counts *done = &run->done;
    note_sealed(run);
    if (!run->op->sifts)
        note_passed_over(run);
    if (done->duplicate_keys)
        cli_note(run->cli, "%" PRIu64 " key%s occurred twice in an object: the last one counted",
                 done->duplicate_keys, done->duplicate_keys == 1 ? "" : "s");
    cli_select_note(run->cli, &done->left_out, run->where_reason);
}

/* Names in the first records, as far as the sample has them whole. */
static bool learn_from_sample(const struct run *run, struct tcore_map *names)
{
    struct tcore_json json = {0};
    if (tcore_map_init(names) != 0)
        return false;
    const char *end = run->sample + run->sample_length;
    for (const char *at = run->sample; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline)
            break;
        if (tcore_json_parse(&json, at, (size_t)(newline - at), NULL) == TCORE_OK)
            cli_learn_names(names, &json);
        at = newline + 1;
    }
    tcore_json_free(&json);
    return true;
}

/* A path of --where such as .servce names a top-level field that no type has; others are none of
 * our business: an expression may well ask for what is not there. */
static bool is_of_interest(const struct run *run, const struct columns *columns, size_t column,
                           const char **name)
{
    *name = columns->projection.columns[column].name;
    bool of_where = column >= run->select.where_columns[0] && column < run->select.where_columns[1];
    if (**name != '.')
        return !of_where && !columns->projection.columns[column].optional;
    ++*name;
    return of_where && !strpbrk(*name, ".[\"") && !cli_is_schema_field(*name, strlen(*name));
}

void watch_columns(const struct run *run, struct columns *columns)
{
    const char *name;
    for (size_t c = 0; c < columns->projection.count; c++)
        columns->seen[c] = !is_of_interest(run, columns, c, &name);
}

void note_absent_columns(struct run *run)
{
    struct tcore_map names;
    bool learnt = false, ready = false;
    const struct columns *columns = run->columns;
    bool read = run->done.records > run->done.unread;
    for (size_t c = 0; c < columns->projection.count && read; c++) {
        const char *name;
        if (columns->seen[c] || !is_of_interest(run, columns, c, &name))
            continue;
        if (!learnt)
            ready = learn_from_sample(run, &names);
        learnt = true;
        cli_note_absent_field(run->cli, name, ready ? &names : NULL, run->done.unread);
    }
    if (ready)
        tcore_map_free(&names);
}
