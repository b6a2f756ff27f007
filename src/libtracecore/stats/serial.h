/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether measurements that were made one after the other depend on each other. Tests that take
 * them for independent find too much if they do.
 *
 * Source: the rank version of von Neumann's ratio: R. Bartels, Journal of the American Statistical
 * Association 77 (1982), here as the correlation of each rank with the one before it.
 */
#ifndef TRACECORE_STATS_SERIAL_H
#define TRACECORE_STATS_SERIAL_H

#include <stddef.h>

/* The correlation of ranks at lag one, ties shared. in_time: values in the order of time; sorted:
 * the same ones ascending. NaN if all are equal, or there are none. Without any dependence its
 * standard error is about the square root of 1 / count. */
double tcore_serial_correlation(const double *in_time, const double *sorted, size_t count);

#endif
