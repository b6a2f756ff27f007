/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record: captures, converts and keeps traces and metrics. */
#include <config.h>

#include "cli/about.h"

int main(int argc, char **argv)
{
    return cli_about("trace-record", "Capture, convert and keep traces and metrics.", argc, argv);
}
