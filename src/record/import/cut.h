/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cutting inputs that are not JSON into units, as import_split_next() cuts JSON: what a unit is
 * is the format's to say, and each can be converted without the others.
 */
#ifndef RECORD_IMPORT_CUT_H
#define RECORD_IMPORT_CUT_H

#include "record/import/split.h"

/* Messages of OTLP protobuf: a frame's, or without frames what stands in one of the outermost
 * fields. Units have no lines but byte, where they begin in the input. */
import_cut import_cut_otlp;

/* Some whole lines; the last one of the input may lack its newline. */
import_cut import_cut_lines;
/* Whole rows of CSV, of which the first is the heading; the same without one; lines with one. */
import_cut import_cut_rows, import_cut_bare_rows, import_cut_headed_lines;
/* All of the input. */
import_cut import_cut_whole;
/* Prometheus text and OpenMetrics: families with the comments before them, or lines that have none.
 * The last one is cut if no # EOF ends it. */
import_cut import_cut_families;

#endif
