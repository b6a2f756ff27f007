/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * swap TIMES PATH OTHER [PATH OTHER]...: exchanges each pair of directory entries in turn, at least
 * so many times in all, and on until its standard input ends; then all is where it was. For tests
 * of programs that must not follow a link put in the place of what they look at. Prints how often.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int swap(char **pair)
{
    /* what is away for a moment, as while a program replaces it, is tried again the next time */
    if (renameat2(AT_FDCWD, pair[0], AT_FDCWD, pair[1], RENAME_EXCHANGE) == 0)
        return 1;
    if (errno == ENOENT)
        return 0;
    fprintf(stderr, "swap: %s and %s: %s\n", pair[0], pair[1], strerror(errno));
    exit(1);
}

int main(int argc, char **argv)
{
    int pairs = (argc - 2) / 2;
    long least = argc > 1 ? strtol(argv[1], NULL, 10) : 0, done = 0;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    const struct timespec pause = {.tv_nsec = 50000};
    if (pairs < 1)
        return 2;
    while (done < least || poll(&input, 1, 0) == 0) {
        char **pair = argv + 2 + 2 * (random() % pairs);
        if (!swap(pair))
            continue;
        nanosleep(&pause, NULL); /* so that a program comes between */
        while (!swap(pair))
            ;
        done += 2;
        nanosleep(&pause, NULL);
    }
    printf("%ld\n", done);
    return 0;
}
