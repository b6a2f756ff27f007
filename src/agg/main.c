/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-agg: aggregates records by window and group. */
#include <config.h>

#include "cli/about.h"

int main(int argc, char **argv)
{
    return cli_about("trace-agg", "Aggregate records by window and group.", argc, argv);
}
