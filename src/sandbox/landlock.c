/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Landlock by its system calls: older systems' headers lack the newer rights. */
#include <config.h>

#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RIGHT(number) (UINT64_C(1) << (number))

/* Kinds of access, by the version that brought them. */
static const uint64_t write_file = RIGHT(1);
static const uint64_t remove_and_make = RIGHT(4) | RIGHT(5) | RIGHT(6) | RIGHT(7) | RIGHT(8) |
                                        RIGHT(9) | RIGHT(10) | RIGHT(11) | RIGHT(12);
static const uint64_t remove_and_make_files = RIGHT(4) | RIGHT(5) | RIGHT(7) | RIGHT(8);
static const uint64_t first_13 = RIGHT(13) - 1;  /* of version 1, with reading and executing */
static const uint64_t refer = RIGHT(13);         /* 2 */
static const uint64_t truncate_file = RIGHT(14); /* 3 */
static const uint64_t ioctl_device = RIGHT(15);  /* 5 */
enum { BIND_AND_CONNECT = 3, NETWORK_VERSION = 4 };

/* 0: there is none. */
static int version(void)
{
    long number = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return number > 0 ? (int)number : 0;
}

static uint64_t known(uint64_t rights, int number)
{
    rights &= number >= 2 ? ~UINT64_C(0) : ~refer;
    rights &= number >= 3 ? ~UINT64_C(0) : ~truncate_file;
    return rights & (number >= 5 ? ~UINT64_C(0) : ~ioctl_device);
}

/* Rules that refuse these rights everywhere, and TCP; -1 and errno. */
static int make_rules(uint64_t rights, int number)
{
    struct {
        uint64_t files, network;
    } rules = {.files = known(rights, number), .network = BIND_AND_CONNECT};
    size_t size = number >= NETWORK_VERSION ? sizeof rules : sizeof rules.files;
    return (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
}

static int apply(int rules)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
               ? (int)syscall(SYS_landlock_restrict_self, rules, 0)
               : -1;
}

bool landlock_close_all(void)
{
    int number = version();
    int rules = number ? make_rules(first_13 | refer | truncate_file | ioctl_device, number) : -1;
    if (rules < 0)
        return false;
    bool applied = apply(rules) == 0;
    close(rules);
    return applied;
}

static int allow_writing(int rules, const char *path, int number)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = fstat(fd, &st);
    uint64_t rights = write_file | truncate_file;
    if (S_ISDIR(st.st_mode))
        rights |= remove_and_make_files | refer;
    struct landlock_path_beneath_attr beneath = {.allowed_access = known(rights, number),
                                                 .parent_fd = fd};
    if (result == 0)
        result =
            (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    int saved = errno;
    close(fd);
    errno = saved;
    return result;
}

int landlock_write_beneath(const char *const *paths, size_t count)
{
    int number = version();
    if (number < 2)
        return 1;
    int rules = make_rules(write_file | remove_and_make | refer | truncate_file, number);
    if (rules < 0)
        return -1;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = allow_writing(rules, paths[i], number);
    if (result == 0)
        result = apply(rules);
    int saved = errno;
    close(rules);
    errno = saved;
    return result;
}
