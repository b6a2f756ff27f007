/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-alert: turns rules into messages to people. */
#include <config.h>

#include "cli/about.h"

int main(int argc, char **argv)
{
    return cli_about("trace-alert", "Turn rules into messages to people.", argc, argv);
}
