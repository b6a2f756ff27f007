/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --rejects=FILE is emptied and written in place while inputs are read, so it must be none of the
 * files that a run reads or writes otherwise. Files are known by device and inode: links and other
 * spellings of a name do not hide them. Pipes and devices may well be shared.
 */
#include <config.h>

#include "cli/message.h"
#include "cli/parse.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is or will be: itself, or the directory that it will be in and its name there. */
struct file {
    bool known; /* false: no regular file, or nothing is known of it */
    dev_t device;
    ino_t inode;
    const char *name; /* in that directory; NULL: the file itself */
};

static void identify(struct file *file, const struct stat *st, const char *name)
{
    *file = (struct file){true, st->st_dev, st->st_ino, name};
}

static struct file look_at(const char *path)
{
    struct file file = {0};
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISREG(st.st_mode))
            identify(&file, &st, NULL);
        return file;
    }
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + (slash == path) : 1;
    char directory[PATH_MAX];
    if (errno != ENOENT || length >= sizeof directory)
        return file;
    memcpy(directory, slash ? path : ".", length);
    directory[length] = '\0';
    if (stat(directory, &st) == 0)
        identify(&file, &st, slash ? slash + 1 : path);
    return file;
}

static bool is_same(const struct file *a, const struct file *b)
{
    return a->known && b->known && a->device == b->device && a->inode == b->inode &&
           !a->name == !b->name && (!a->name || strcmp(a->name, b->name) == 0);
}

static bool is_descriptor(const struct file *file, int fd)
{
    struct file other = {0};
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        identify(&other, &st, NULL);
    return is_same(file, &other);
}

static bool is_standard(const char *path)
{
    return !path || strcmp(path, "-") == 0;
}

static bool is_path(const struct file *file, const char *path)
{
    struct file other = look_at(path);
    return is_same(file, &other);
}

static bool is_input(const struct file *file, int count, char **operands)
{
    bool found = !count && is_descriptor(file, STDIN_FILENO);
    for (int i = 0; i < count && !found; i++)
        found = is_standard(operands[i]) ? is_descriptor(file, STDIN_FILENO)
                                         : is_path(file, operands[i]);
    return found;
}

/* The option whose FILE it is too; NULL: none. */
static const struct cli_option *find_option(const struct file *file, const struct cli *cli,
                                            const struct cli_tables *tables)
{
    struct cli_option_at at = {0};
    size_t table;
    const struct cli_option *option;
    while ((option = cli_next_option(tables, &at, &table))) {
        const char *path;
        if (option->kind != CLI_STRING || !option->metavar || strcmp(option->metavar, "FILE") != 0)
            continue;
        memcpy(&path, (const char *)tables->table[table].base + option->offset, sizeof path);
        if (path && path != cli->io.rejects && !is_standard(path) && is_path(file, path))
            return option;
    }
    return NULL;
}

int cli_check_rejects(struct cli *cli, const struct cli_tables *tables, int count, char **operands)
{
    const char *path = cli->io.rejects;
    if (!path)
        return CLI_DONE;
    struct file rejects = look_at(path);
    if (is_input(&rejects, count, operands))
        return cli_usage_error(cli, "--rejects: '%s' is an input, too", path);
    const struct cli_option *option = find_option(&rejects, cli, tables);
    if (option)
        return cli_usage_error(cli, "--rejects: '%s' is the file of --%s, too", path, option->name);
    if (is_standard(cli->io.output) && is_descriptor(&rejects, STDOUT_FILENO))
        return cli_usage_error(cli, "--rejects: '%s' is standard output, too", path);
    return CLI_DONE;
}
