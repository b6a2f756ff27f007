/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span: works on spans and traces. */
#include <config.h>

#include "cli/about.h"

int main(int argc, char **argv)
{
    return cli_about("trace-span", "Work on spans and traces.", argc, argv);
}
