/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-report: shows traces to people. */
#include <config.h>

#include "cli/about.h"

int main(int argc, char **argv)
{
    return cli_about("trace-report", "Show traces to people.", argc, argv);
}
