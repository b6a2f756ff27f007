/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/lifetime.h"

#include "model/json.h"

#include "record/execution/execution.h"
#include "record/execution/fold.h"
#include "record/metric/proc_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* The boot of the system; "" if it does not tell. */
static void read_boot_id(char boot_id[64])
{
    if (proc_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot_id, 64) < 0)
        *boot_id = '\0';
    boot_id[strcspn(boot_id, "\n")] = '\0';
}

/* Of this process; 0: not known. */
static uint64_t pid_namespace(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

bool lifetime_put(struct tcore_buf *members, pid_t pid)
{
    char boot_id[64];
    uint64_t started;
    read_boot_id(boot_id);
    if (!*boot_id || !proc_started(pid, &started))
        return false;
    tcore_buf_printf(members,
                     "%s\"lifetime.pid\":%d,\"lifetime.started\":%" PRIu64
                     ",\"lifetime.pid_namespace\":%" PRIu64 ",\"lifetime.boot_id\":\"%s\"",
                     members->length ? "," : "", (int)pid, started, pid_namespace(), boot_id);
    return true;
}

/* The object with these members. */
static bool parse_members(struct tcore_json *json, struct tcore_buf *text, const char *members)
{
    struct tcore_error unused;
    tcore_buf_printf(text, "{%s}", members);
    return !text->failed && tcore_json_parse(json, text->data, text->length, &unused) == TCORE_OK;
}

static uint64_t number_of(const struct tcore_json *json, const char *name)
{
    int64_t number;
    return tcore_value_int64(execution_member(json, name), &number) && number > 0 ? (uint64_t)number
                                                                                  : 0;
}

static bool is_of_this_host(const char *resource_json)
{
    char host[256];
    struct tcore_json json = {0};
    struct tcore_buf text = {0};
    execution_host_name(host);
    bool is = *host && parse_members(&json, &text, resource_json) &&
              tcore_value_is_text(execution_member(&json, "host.name"), host);
    tcore_json_free(&json);
    tcore_buf_free(&text);
    return is;
}

static enum lifetime look(const struct tcore_json *environment, const char *resource_json,
                          pid_t *pid)
{
    char boot_id[64];
    uint64_t started, number = number_of(environment, "lifetime.pid");
    const struct tcore_value *boot = execution_member(environment, "lifetime.boot_id");
    read_boot_id(boot_id);
    if (!number || number > INT32_MAX || boot->kind != TCORE_STRING || !*boot_id)
        return LIFETIME_UNKNOWN;
    if (!tcore_value_is_text(boot, boot_id)) /* no process outlives the system */
        return is_of_this_host(resource_json) ? LIFETIME_OVER : LIFETIME_UNKNOWN;
    if (number_of(environment, "lifetime.pid_namespace") != pid_namespace())
        return LIFETIME_UNKNOWN;
    if (!proc_started((pid_t)number, &started) ||
        started != number_of(environment, "lifetime.started"))
        return LIFETIME_OVER;
    *pid = (pid_t)number;
    return LIFETIME_RUNS;
}

enum lifetime lifetime_look(const char *environment_json, const char *resource_json, pid_t *pid)
{
    struct tcore_json json = {0};
    struct tcore_buf text = {0};
    enum lifetime lifetime = LIFETIME_UNKNOWN;
    if (parse_members(&json, &text, environment_json))
        lifetime = look(&json, resource_json, pid);
    tcore_json_free(&json);
    tcore_buf_free(&text);
    return lifetime;
}
