/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a program of verbs in this process, with standard output and error in memory. */
#ifndef TRACECORE_TESTS_CORE_CAPTURE_H
#define TRACECORE_TESTS_CORE_CAPTURE_H

#include "cli/verb.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CAPTURE_ARGS 12

struct capture {
    int status;
    char *out, *err; /* NUL-terminated, for free() */
    size_t out_length, err_length;
};

static inline char *capture_read(int fd, size_t *length)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = malloc((size_t)size + 1);
    ssize_t got = text ? pread(fd, text, (size_t)size, 0) : -1;
    *length = got > 0 ? (size_t)got : 0;
    if (text)
        text[*length] = '\0';
    close(fd);
    return text;
}

/* args: NULL-terminated, without the program's name. cli_main closes standard output: the real one
 * is kept aside meanwhile. */
static inline struct capture capture(const struct cli_program *program, const char *const *args)
{
    struct capture c;
    char *argv[CAPTURE_ARGS + 2] = {(char *)(uintptr_t)program->name};
    int argc = 1;
    for (; argc <= CAPTURE_ARGS && args[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)args[argc - 1];
    fflush(stdout);
    int saved[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    int memory[2] = {memfd_create("out", 0), memfd_create("err", 0)};
    dup2(memory[0], STDOUT_FILENO);
    dup2(memory[1], STDERR_FILENO);
    c.status = cli_main(program, argc, argv);
    dup2(saved[0], STDOUT_FILENO);
    dup2(saved[1], STDERR_FILENO);
    close(saved[0]);
    close(saved[1]);
    c.out = capture_read(memory[0], &c.out_length);
    c.err = capture_read(memory[1], &c.err_length);
    return c;
}

static inline void capture_free(struct capture *c)
{
    free(c->out);
    free(c->err);
}

#endif
