/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-detect: finds what is wrong, since when and why. */
#include <config.h>

#include "cli/about.h"

int main(int argc, char **argv)
{
    return cli_about("trace-detect", "Find what is wrong, since when and why.", argc, argv);
}
