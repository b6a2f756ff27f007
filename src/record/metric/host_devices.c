/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks, file systems and network interfaces of a machine. */
#include <config.h>

#include "record/metric/host_private.h"

#include "base/sys.h"
#include "c-ctype.h"
#include "record/attributes.h"
#include "record/execution/execution.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define SECTOR_BYTES 512 /* of the kernel's counters, whatever the disk has */

/* "KEY":"text" behind a comma if there is something already. */
static void put_dimension(struct tcore_buf *out, const char *key, const char *text)
{
    tcore_buf_printf(out, "%s\"%s\":", out->length ? "," : "", key);
    attributes_put_text(out, text, strlen(text));
}

/* The dimensions of an object, and one more unless key is NULL; in all, to be freed. */
static const char *extend(struct tcore_buf *all, const struct tcore_buf *dimensions,
                          const char *key, const char *word)
{
    tcore_buf_append(all, dimensions->data, dimensions->length);
    if (key)
        put_dimension(all, key, word);
    tcore_buf_putc(all, '\0');
    return execution_text(all);
}

static void put_int(struct host_reading *r, const struct metric_series *series,
                    const struct tcore_buf *dimensions, const char *key, const char *word,
                    int64_t value)
{
    struct tcore_buf all = {0};
    metric_point_int(r->out, series, extend(&all, dimensions, key, word), &r->moment, value);
    r->out->failed |= all.failed;
    tcore_buf_free(&all);
}

static void put_double(struct host_reading *r, const struct metric_series *series,
                       const struct tcore_buf *dimensions, const char *key, const char *word,
                       double value)
{
    struct tcore_buf all = {0};
    metric_point_double(r->out, series, extend(&all, dimensions, key, word), &r->moment, value);
    r->out->failed |= all.failed;
    tcore_buf_free(&all);
}

/* --- Disks: proc/diskstats */

/* A part of another disk is counted there. */
static bool is_partition(const struct host_metrics *host, const char *name)
{
    char path[160];
    struct stat st;
    snprintf(path, sizeof(path), "sys/class/block/%.100s/partition", name);
    return tcore_sys()->fstatat(host->folder, path, &st, 0) == 0;
}

struct disk {
    long long reads, read_sectors, read_ms, writes, written_sectors, write_ms, busy_ms;
};

static void put_disk(struct host_reading *r, const char *name, const struct disk *d)
{
    static const struct metric_series io = {"system.disk.io", "By", true},
                                      operations = {"system.disk.operations", "{operation}", true},
                                      spent = {"system.disk.operation_time", "s", true},
                                      busy = {"system.disk.io_time", "s", true};
    static const char direction[] = "disk.io.direction";
    struct tcore_buf device = {0};
    put_dimension(&device, "system.device", name);
    put_int(r, &io, &device, direction, "read", d->read_sectors * SECTOR_BYTES);
    put_int(r, &io, &device, direction, "write", d->written_sectors * SECTOR_BYTES);
    put_int(r, &operations, &device, direction, "read", d->reads);
    put_int(r, &operations, &device, direction, "write", d->writes);
    put_double(r, &spent, &device, direction, "read", (double)d->read_ms / 1e3);
    put_double(r, &spent, &device, direction, "write", (double)d->write_ms / 1e3);
    put_double(r, &busy, &device, NULL, NULL, (double)d->busy_ms / 1e3);
    tcore_buf_free(&device);
}

void host_put_disks(struct host_reading *r)
{
    char *text = host_read_file(r->host, "proc/diskstats"), *rest;
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        char name[128];
        struct disk d;
        if (sscanf(line, "%*d %*d %127s %lld %*d %lld %lld %lld %*d %lld %lld %*d %lld", name,
                   &d.reads, &d.read_sectors, &d.read_ms, &d.writes, &d.written_sectors,
                   &d.write_ms, &d.busy_ms) != 8)
            continue;
        if ((d.reads || d.writes) && !is_partition(r->host, name))
            put_disk(r, name, &d);
    }
}

/* --- File systems: proc/1/mounts */

/* \040 and the like, in place. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        if (*at == '\\' && at[1] >= '0' && at[1] <= '3' && c_isdigit(at[2]) && c_isdigit(at[3])) {
            *to++ = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            at += 4;
        } else {
            *to++ = *at++;
        }
    }
    *to = '\0';
}

/* Kept on a disk of this machine, so that asking it does not wait for another one. */
static bool is_local(const char *device, const char *type)
{
    static const char *const kinds[] = {"zfs", "overlay", "bcachefs"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strcmp(type, kinds[i]) == 0)
            return true;
    return device[0] == '/' && device[1] != '/' && strncmp(type, "fuse", 4) != 0 &&
           strcmp(type, "cifs") != 0 && strcmp(type, "squashfs") != 0;
}

/* Mounted in several places it is counted in the first. */
static bool is_seen(struct tcore_buf *seen, const char *device)
{
    size_t length = strlen(device) + 1;
    for (size_t at = 0; at < seen->length; at += strlen(seen->data + at) + 1)
        if (strcmp(seen->data + at, device) == 0)
            return true;
    tcore_buf_append(seen, device, length);
    return false;
}

static void put_file_system(struct host_reading *r, const char *device, const char *place,
                            const char *type, bool read_only)
{
    static const struct metric_series usage = {"system.filesystem.usage", "By", false},
                                      share = {"system.filesystem.utilization", "1", false};
    static const char state[] = "system.filesystem.state";
    char path[4096];
    struct statvfs fs;
    struct tcore_buf dimensions = {0};
    const char *root = r->host->root;
    snprintf(path, sizeof(path), "%s%s", strcmp(root, "/") == 0 ? "" : root, place);
    if (statvfs(path, &fs) < 0 || !fs.f_blocks)
        return;
    int64_t unit = (int64_t)fs.f_frsize;
    int64_t used = (int64_t)(fs.f_blocks - fs.f_bfree) * unit;
    int64_t available = (int64_t)fs.f_bavail * unit;
    put_dimension(&dimensions, "system.device", device);
    put_dimension(&dimensions, "system.filesystem.mountpoint", place);
    put_dimension(&dimensions, "system.filesystem.type", type);
    put_dimension(&dimensions, "system.filesystem.mode", read_only ? "ro" : "rw");
    put_int(r, &usage, &dimensions, state, "used", used);
    put_int(r, &usage, &dimensions, state, "free", available);
    put_int(r, &usage, &dimensions, state, "reserved", (int64_t)(fs.f_bfree - fs.f_bavail) * unit);
    if (used + available > 0)
        put_double(r, &share, &dimensions, NULL, NULL, (double)used / (double)(used + available));
    tcore_buf_free(&dimensions);
}

void host_put_file_systems(struct host_reading *r)
{
    char *text = host_read_file(r->host, "proc/1/mounts"), *rest;
    struct tcore_buf seen = {0};
    if (!text) /* another user's, in some systems */
        text = host_read_file(r->host, "proc/self/mounts");
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *words, *device = strtok_r(line, " ", &words), *place = strtok_r(NULL, " ", &words);
        char *type = strtok_r(NULL, " ", &words), *mode = strtok_r(NULL, " ", &words);
        if (!device || !mode || !is_local(device, type) || is_seen(&seen, device))
            continue;
        unescape(device);
        unescape(place);
        put_file_system(r, device, place, type,
                        strncmp(mode, "ro", 2) == 0 && (!mode[2] || mode[2] == ','));
    }
    tcore_buf_free(&seen);
}

/* --- Network: proc/net/dev */

struct traffic {
    long long bytes, packets, errors, dropped;
};

static void put_traffic(struct host_reading *r, const struct tcore_buf *interface,
                        const char *direction, const struct traffic *t)
{
    static const struct metric_series io = {"system.network.io", "By", true},
                                      packets = {"system.network.packet.count", "{packet}", true},
                                      errors = {"system.network.errors", "{error}", true},
                                      dropped = {"system.network.packet.dropped", "{packet}", true};
    static const char key[] = "network.io.direction";
    put_int(r, &io, interface, key, direction, t->bytes);
    put_int(r, &packets, interface, key, direction, t->packets);
    put_int(r, &errors, interface, key, direction, t->errors);
    put_int(r, &dropped, interface, key, direction, t->dropped);
}

void host_put_network(struct host_reading *r)
{
    char *text = host_read_file(r->host, "proc/net/dev"), *rest;
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        struct traffic in, out;
        struct tcore_buf interface = {0};
        char *colon = strrchr(line, ':'); /* an alias has one in its name */
        if (!colon || sscanf(colon + 1, "%lld %lld %lld %lld %*d %*d %*d %*d %lld %lld %lld %lld",
                             &in.bytes, &in.packets, &in.errors, &in.dropped, &out.bytes,
                             &out.packets, &out.errors, &out.dropped) != 8)
            continue;
        *colon = '\0';
        put_dimension(&interface, "network.interface.name", line + strspn(line, " "));
        put_traffic(r, &interface, "receive", &in);
        put_traffic(r, &interface, "transmit", &out);
        tcore_buf_free(&interface);
    }
}
