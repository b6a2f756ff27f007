/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a tree of processes uses: a process, its descendants, and descendants seen before that have
 * another parent by now, from /proc; where they have a control group of their own, all that are in
 * it, and what it accounts for from there.
 */
#ifndef RECORD_METRIC_SAMPLE_H
#define RECORD_METRIC_SAMPLE_H

#include "base/buf.h"
#include "record/metric/point.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sample {
    int64_t time_ns; /* wall clock */
    /* since the first process began; processes that ended count through whoever waited for them */
    int64_t cpu_user_ns, cpu_system_ns;
    int64_t read_bytes, write_bytes;    /* from and to storage; -1: not known */
    int64_t received_bytes, sent_bytes; /* by TCP; -1: not known */
    int64_t memory_bytes;               /* resident, of all together */
    int64_t processes, threads;
    bool cpu_of_group, memory_of_group, io_of_group; /* by the control group, not /proc */
};

struct sampler;

/* group: the folder of their control group; -1: none. NULL: out of memory. */
struct sampler *sampler_new(pid_t root, int group);
void sampler_free(struct sampler *sampler);
/* False: none of the processes is there any more, or memory is short. */
bool sampler_take(struct sampler *sampler, struct sample *sample);
/* Sends a signal to every process of the tree but its root. */
void sampler_kill(struct sampler *sampler, int signal_number);

/* Appends the metric records of a sample. before: the sample before; NULL for the first, which is
 * held against the start of the execution, moment->start_ns. */
void sample_put(struct tcore_buf *out, const struct sample *sample, const struct sample *before,
                const struct metric_moment *moment);

#endif
