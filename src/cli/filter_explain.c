/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --explain: how the work is done, and of repositories what was read and why. */
#include <config.h>

#include "cli/filter_private.h"
#include "cli/human.h"
#include "cli/message.h"

#include "base/sys.h"
#include "store/scan_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MOST 40 /* about single segments, of a repository */

/* --- Before the run */

void explain_input(struct run *run, const char *name, const struct tcore_input *input)
{
    const struct tcore_scan_report *report = tcore_input_report(input);
    if (!run->cli->io.explain)
        return;
    if (report)
        cli_note(run->cli, "explain: %s is a repository: %zu segment%s, %zu open log%s", name,
                 report->segments, report->segments == 1 ? "" : "s", report->logs,
                 report->logs == 1 ? "" : "s");
    else
        cli_note(run->cli, "explain: %s is %s", name,
                 tcore_input_format(input) == TCORE_FORMAT_BINARY ? "a binary stream" : "NDJSON");
}

static void explain_types(const struct run *run, struct tcore_buf *text)
{
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        if (run->consumed >> type & 1)
            tcore_buf_printf(text, " %s", tcore_record_type_name((enum tcore_record_type)type));
}

void explain_run(struct run *run)
{
    struct cli *cli = run->cli;
    struct tcore_buf text = {0};
    if (!cli->io.explain)
        return;
    explain_types(run, &text);
    cli_note(cli, "explain: works on%.*s records", (int)text.length, text.data);
    tcore_buf_clear(&text);
    const struct tcore_projection *projection = &run->columns->projection;
    for (size_t i = 0; i < projection->count; i++)
        tcore_buf_printf(&text, " %s", projection->columns[i].name);
    if (projection->text)
        tcore_buf_puts(&text, " and the whole text");
    cli_note(cli, "explain: reads the columns%.*s", (int)text.length, text.data ? text.data : "");
    tcore_buf_free(&text);
    if (run->select.where)
        cli_note(cli, "explain: --where runs %s",
                 tcore_expr_is_native(run->select.where) ? "on columns"
                                                         : "in libjq, in a helper process");
    if (run->require)
        cli_note(cli, "explain: passes over where this cannot be true: %s",
                 run->op->requires(run->state));
    cli_note(cli, "explain: up to %u thread%s, scanning with %s", run->threads,
             run->threads == 1 ? "" : "s", tcore_simd_name());
}

/* --- What was read of a repository */

/* What became of a segment, by which the report is ordered. */
enum fate {
    FATE_JOINT,  /* a joint roll-up stands for it */
    FATE_ROLLUP, /* its own stands for all that was wanted of it */
    FATE_BLOCKS, /* blocks were read */
    FATE_BOTH,   /* blocks that its roll-up does not stand for */
    FATE_PASSED, /* + enum tcore_passed */
    FATE_UNREACHED = FATE_PASSED + TCORE_PASSED_KINDS,
    FATES
};

static const char *const fate_texts[FATES] = {
    [FATE_JOINT] = "by joint roll-ups",
    [FATE_ROLLUP] = "by roll-ups of their own",
    [FATE_BLOCKS] = "by blocks",
    [FATE_BOTH] = "by roll-ups of their own and blocks",
    [FATE_PASSED + TCORE_PASSED_TIME] = "passed over, of another time",
    [FATE_PASSED + TCORE_PASSED_TRACES] = "passed over, without the traces",
    [FATE_PASSED + TCORE_PASSED_TYPES] = "passed over, without records of these types",
    [FATE_PASSED + TCORE_PASSED_MATCH] = "passed over, where the condition cannot be true",
    [FATE_PASSED + TCORE_PASSED_GONE] = "passed over, as they were removed meanwhile",
    [FATE_UNREACHED] = "not reached",
};

static const char *const passed_texts[TCORE_PASSED_KINDS] = {
    [TCORE_PASSED_TIME] = "of another time",
    [TCORE_PASSED_TRACES] = "without the traces",
    [TCORE_PASSED_TYPES] = "of other types",
    [TCORE_PASSED_MATCH] = "where the condition cannot be true",
    [TCORE_PASSED_GONE] = "removed",
};

static const char *const unrolled_texts[] = {
    [TCORE_UNROLLED_UNASKED] = NULL,
    [TCORE_UNROLLED_CUT] = "--since or --until cuts through its roll-ups",
    [TCORE_UNROLLED_LACKING] = "no roll-up has all of these records",
    [TCORE_UNROLLED_FIELDS] = "its roll-ups may have what --where asks for from attributes",
    [TCORE_UNROLLED_WINDOWS] = "the windows of its roll-ups do not divide these",
    [TCORE_UNROLLED_DAMAGED] = "its roll-up is damaged, or does not tell what is asked",
};

static enum fate fate_of(const struct tcore_scan_line *line)
{
    if (!line->reached)
        return FATE_UNREACHED;
    if (line->in_joint && !line->blocks_read)
        return FATE_JOINT;
    if (line->window_ns)
        return line->blocks_read ? FATE_BOTH : FATE_ROLLUP;
    if (line->blocks_read || line->damaged)
        return FATE_BLOCKS;
    if (line->whole_passed)
        return FATE_PASSED + line->why;
    /* one block after the other: what most of those of these types were passed over for */
    enum tcore_passed why = TCORE_PASSED_TYPES;
    for (int i = 0; i < TCORE_PASSED_KINDS; i++)
        if (i != TCORE_PASSED_TYPES && line->blocks_passed[i] &&
            (why == TCORE_PASSED_TYPES || line->blocks_passed[i] > line->blocks_passed[why]))
            why = (enum tcore_passed)i;
    return FATE_PASSED + why;
}

/* Over segments, and joint roll-ups. */
struct sums {
    uint32_t blocks, blocks_read;
    uint64_t bytes, bytes_read;
};

static void add_line(struct sums *sums, const struct tcore_scan_line *line)
{
    sums->blocks += line->blocks;
    sums->blocks_read += line->blocks_read;
    sums->bytes += line->bytes;
    sums->bytes_read += line->bytes_read;
}

static void put_bytes(struct tcore_buf *out, uint64_t some, uint64_t all)
{
    cli_human_count(out, some);
    tcore_buf_puts(out, " of ");
    cli_human_count(out, all);
    tcore_buf_puts(out, " bytes");
}

static void put_fates(struct tcore_buf *out, const char *name, const struct tcore_scan_report *r,
                      bool rolls_up)
{
    size_t counts[FATES] = {0};
    const char *comma = ": ";
    for (size_t i = 0; i < r->segments; i++)
        counts[fate_of(&r->line[i])]++;
    tcore_buf_printf(out, "explain: %s: %zu segment%s", name, r->segments,
                     r->segments == 1 ? "" : "s");
    for (int fate = 0; fate < FATES; fate++) {
        if (!counts[fate])
            continue;
        tcore_buf_printf(out, "%s%zu %s", comma, counts[fate], fate_texts[fate]);
        comma = "; ";
    }
    tcore_buf_puts(out, !rolls_up || r->rollups_asked ? "\n" : "; no roll-up answers this\n");
}

static void put_totals(struct tcore_buf *out, const char *name, const struct tcore_scan_report *r)
{
    struct sums sums = {0};
    for (size_t i = 0; i < r->segments + r->joints; i++)
        add_line(&sums, &r->line[i]);
    tcore_buf_printf(out, "explain: %s: read ", name);
    put_bytes(out, sums.bytes_read, sums.bytes);
    tcore_buf_puts(out, ", and ");
    cli_human_count(out, r->opening_bytes);
    tcore_buf_printf(out, " to open %" PRIu64 " file%s\n", r->opened, r->opened == 1 ? "" : "s");
    if (r->logs) {
        tcore_buf_printf(out, "explain: %s: %zu open log%s: ", name, r->logs,
                         r->logs == 1 ? "" : "s");
        cli_human_count(out, r->log_bytes);
        tcore_buf_puts(out, " bytes of records that are in no segment\n");
    }
}

/* --- Columns */

struct named_column {
    const struct tcore_map_key *name;
    struct tcore_scan_column column;
};

static int compare_columns(const void *a, const void *b)
{
    const struct named_column *x = a, *y = b;
    if (x->column.bytes != y->column.bytes)
        return x->column.bytes < y->column.bytes ? 1 : -1;
    return strcmp(x->name->data, y->name->data);
}

/* The largest first. */
static void put_columns(struct tcore_buf *out, const char *name, const struct tcore_scan_report *r)
{
    size_t count = r->names.count;
    struct named_column *sorted = tcore_reallocarray(NULL, count + 1, sizeof *sorted);
    if (!sorted || r->failed || !count) {
        tcore_buf_printf(out, "explain: %s: %s\n", name,
                         count ? "out of memory for the columns" : "no column was read");
        tcore_free(sorted);
        return;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct named_column){&r->names.keys[i], r->column[i]};
    qsort(sorted, count, sizeof *sorted, compare_columns);
    tcore_buf_printf(out, "explain: %s: columns", name);
    for (size_t i = 0; i < count; i++) {
        tcore_buf_printf(out, "%s %s ", i ? "," : "", sorted[i].name->data);
        cli_human_count(out, sorted[i].column.bytes);
    }
    tcore_buf_puts(out, " bytes\n");
    tcore_free(sorted);
}

/* --- Segments */

/* Whether two segments are told in one line: the same happened to them, and to all of them. */
static bool is_alike(const struct tcore_scan_line *a, const struct tcore_scan_line *b)
{
    enum fate fate = fate_of(a);
    bool whole =
        fate != FATE_BLOCKS || (a->blocks_read == a->blocks && b->blocks_read == b->blocks);
    return fate == fate_of(b) && fate != FATE_BOTH && whole && a->window_ns == b->window_ns &&
           a->unrolled == b->unrolled && !a->damaged && !b->damaged;
}

static void put_blocks(struct tcore_buf *out, const struct tcore_scan_line *line,
                       const struct sums *sums)
{
    tcore_buf_printf(out, "%" PRIu32 " of %" PRIu32 " block%s", sums->blocks_read, sums->blocks,
                     sums->blocks == 1 ? "" : "s");
    if (line->window_ns)
        tcore_buf_printf(out, ", %" PRIu32 " by roll-up", line->blocks_rolled_up);
    for (int i = 0; i < TCORE_PASSED_KINDS; i++)
        if (line->blocks_passed[i])
            tcore_buf_printf(out, ", %" PRIu32 " %s", line->blocks_passed[i], passed_texts[i]);
}

/* The segments from the one number on and before the other. */
static void put_segments(struct tcore_buf *out, const char *name, const struct tcore_scan_report *r,
                         size_t from, size_t to)
{
    const struct tcore_scan_line *line = &r->line[from];
    enum fate fate = fate_of(line);
    struct sums sums = {0};
    tcore_buf_printf(out, "explain: %s/segments/%s", name, r->list->path[from]);
    if (to > from + 1)
        tcore_buf_printf(out, " to %s, %zu segments", r->list->path[to - 1], to - from);
    tcore_buf_puts(out, ": ");
    for (size_t i = from; i < to; i++)
        add_line(&sums, &r->line[i]);
    if (fate == FATE_BLOCKS || fate == FATE_BOTH) {
        put_blocks(out, line, &sums);
    } else if (fate == FATE_ROLLUP) {
        tcore_buf_puts(out, "by roll-up of ");
        cli_human_duration(out, (double)line->window_ns, true);
    } else {
        tcore_buf_puts(out, fate == FATE_JOINT ? "by a joint roll-up" : fate_texts[fate]);
    }
    if (fate < FATE_PASSED && fate != FATE_JOINT) {
        tcore_buf_puts(out, "; ");
        put_bytes(out, sums.bytes_read, sums.bytes);
    }
    if (fate == FATE_BLOCKS && unrolled_texts[line->unrolled] && !line->damaged)
        tcore_buf_printf(out, "; %s", unrolled_texts[line->unrolled]);
    tcore_buf_puts(out, line->damaged ? "; it is damaged\n" : "\n");
}

static void put_joints(struct tcore_buf *out, const char *name, const struct tcore_scan_report *r)
{
    for (size_t i = r->segments; i < r->segments + r->joints; i++) {
        const struct tcore_scan_line *line = &r->line[i];
        if (!line->window_ns && line->unrolled != TCORE_UNROLLED_DAMAGED)
            continue;
        tcore_buf_printf(out, "explain: %s: a joint roll-up for %" PRIu32 " segments", name,
                         line->segments);
        if (line->window_ns) {
            tcore_buf_puts(out, ", of ");
            cli_human_duration(out, (double)line->window_ns, true);
        } else {
            tcore_buf_puts(out, ", which is damaged");
        }
        tcore_buf_puts(out, "; ");
        put_bytes(out, line->bytes_read, line->bytes);
        tcore_buf_putc(out, '\n');
    }
}

void explain_source(struct run *run, const struct source *source)
{
    const struct tcore_scan_report *r = tcore_input_report(source->input);
    struct tcore_buf *out = &run->explained;
    if (!r)
        return;
    put_fates(out, source->name, r, run->op->rolls_up);
    put_totals(out, source->name, r);
    put_columns(out, source->name, r);
    put_joints(out, source->name, r);
    size_t lines = 0, next;
    for (size_t i = 0; i < r->segments; i = next) {
        for (next = i + 1; next < r->segments && is_alike(&r->line[i], &r->line[next]);)
            next++;
        if (++lines <= LINES_MOST)
            put_segments(out, source->name, r, i, next);
    }
    if (lines > LINES_MOST)
        tcore_buf_printf(out, "explain: %s: and %zu lines more about segments\n", source->name,
                         lines - LINES_MOST);
}

void explain_end(struct run *run)
{
    cli_note_lines(run->cli, &run->explained);
    tcore_buf_free(&run->explained);
}
