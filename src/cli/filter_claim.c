/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Handing out chunks, and turns to show what came of them. All of it under one lock, which is never
 * held while anything waits for the outside. */
#include <config.h>

#include "cli/filter_private.h"
#include "cli/message.h"
#include "cli/signals.h"

#include "base/sys.h"

void stop_run(struct run *run, bool abandon)
{
    pthread_mutex_lock(&run->lock);
    run->stop = true;
    run->abandoned |= abandon;
    cli_wake_for_stop(); /* whoever waits for input, in vain now */
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

static void close_if_done(struct run *run, struct source *source)
{
    if (source->ended && !source->claiming && !source->flying && source->input) {
        explain_source(run, source);
        tcore_input_close(source->input);
        source->input = NULL;
    }
}

/* The last worker has left an input that is at its end: the next one may be opened. */
static void leave_source(struct run *run, struct source *source)
{
    source->claiming--;
    if (!source->ended || source->claiming || run->current != source)
        return;
    run->next_number = source->next;
    run->current = NULL;
    if (source->problem.status != TCORE_OK && source->problem.status != TCORE_EOF)
        run->broken = source;
    close_if_done(run, source);
    pthread_cond_broadcast(&run->changed);
}

/* Opens the next input. The lock is given back meanwhile: a named pipe may take its time. */
static void open_next(struct run *run)
{
    struct source *source = &run->sources[run->opened++];
    run->opening = true;
    pthread_mutex_unlock(&run->lock);
    enum tcore_status status =
        tcore_input_open(&source->input, source->name, &run->input_options, &source->problem);
    if (status == TCORE_OK)
        explain_input(run, source->name, source->input);
    pthread_mutex_lock(&run->lock);
    run->opening = false;
    source->first = source->next = run->next_number;
    if (status == TCORE_OK) {
        source->problem.status = TCORE_OK;
        source->format = tcore_input_format(source->input);
        run->current = source;
    } else {
        source->problem.status = status;
        source->ended = true;
        run->broken = source;
    }
    pthread_cond_broadcast(&run->changed);
}

/* A number for the problem of an input; the input's name goes with it. */
static void claim_problem(struct worker *worker)
{
    struct run *run = worker->run;
    struct source *source = run->broken;
    run->broken = NULL;
    run->reserved++;
    source->flying++;
    worker->source = source;
    worker->number = run->next_number++;
    worker->is_problem = true;
}

/* Claims from the current input, without the lock. */
static bool claim_from(struct worker *worker, struct source *source)
{
    struct run *run = worker->run;
    struct tcore_error err = {0};
    source->claiming++;
    run->reserved++;
    pthread_mutex_unlock(&run->lock);
    enum tcore_status status = tcore_input_next(source->input, &worker->chunk, &err);
    pthread_mutex_lock(&run->lock);
    if (status == TCORE_OK) {
        worker->source = source;
        worker->number = source->first + worker->chunk.sequence;
        worker->is_problem = false;
        if (worker->number >= source->next)
            source->next = worker->number + 1;
        source->flying++;
    } else {
        run->reserved--;
        source->ended = true;
        if (status != TCORE_EOF) {
            source->problem = err;
            source->problem.status = status;
        }
    }
    leave_source(run, source);
    return status == TCORE_OK;
}

bool claim_chunk(struct worker *worker)
{
    struct run *run = worker->run;
    bool claimed = false;
    pthread_mutex_lock(&run->lock);
    while (!claimed && !run->stop) {
        if (run->broken) {
            claim_problem(worker);
            claimed = true;
        } else if (run->opening || (run->current && run->current->ended) ||
                   run->reserved - run->turn >= TURNS) {
            pthread_cond_wait(&run->changed, &run->lock);
        } else if (run->current) {
            claimed = claim_from(worker, run->current);
        } else if (run->opened < run->source_count && !cli_stop_requested()) {
            open_next(run);
        } else {
            break;
        }
    }
    pthread_mutex_unlock(&run->lock);
    return claimed;
}

bool take_turn(struct worker *worker)
{
    struct run *run = worker->run;
    pthread_mutex_lock(&run->lock);
    while (run->turn != worker->number && !run->stop)
        pthread_cond_wait(&run->changed, &run->lock);
    bool taken = !run->stop;
    pthread_mutex_unlock(&run->lock);
    return taken;
}

/* Skips over every turn that is done, adding up lines and letting go of inputs. */
static void advance(struct run *run)
{
    for (struct turn *turn = &run->turns[run->turn % TURNS]; turn->done;
         turn = &run->turns[run->turn % TURNS]) {
        if (turn->source != run->line_source) {
            run->line_source = turn->source;
            run->line_base = 0;
        }
        run->line_base += turn->lines;
        turn->source->flying--;
        close_if_done(run, turn->source);
        turn->done = false;
        run->turn++;
    }
}

void end_turn(struct worker *worker)
{
    struct run *run = worker->run;
    struct tcore_buf line = {0};
    bool has_lines = !worker->is_problem && worker->batch && !worker->chunk.clock;
    pthread_mutex_lock(&run->lock);
    run->turns[worker->number % TURNS] = (struct turn){
        .done = true,
        .source = worker->source,
        .lines = has_lines ? worker->batch->line_count : worker->taken.lines,
    };
    add_counts(&run->done, &worker->counts);
    worker->counts = (struct counts){0};
    uint64_t before = run->turn;
    advance(run);
    add_progress(run, &line);
    if (run->turn != before)
        pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    write_progress(&line);
}
