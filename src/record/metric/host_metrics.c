/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processors, memory, load and pressure. */
#include <config.h>

#include "record/metric/host_private.h"

#include "base/sys.h"
#include "record/execution/execution.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)16 << 10)

enum tcore_status host_metrics_open(struct host_metrics *host, const char *root, bool per_cpu,
                                    struct tcore_error *err)
{
    struct tcore_buf resource = {0};
    *host = (struct host_metrics){.root = root, .per_cpu = per_cpu};
    for (size_t i = 0; i < sizeof(host->stalled_us) / sizeof(*host->stalled_us); i++)
        host->stalled_us[i] = -1;
    host->folder = tcore_sys()->openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (host->folder < 0) {
        tcore_error_errno(err, TCORE_FATAL, errno, "cannot open");
        err->input = root;
        return TCORE_FATAL;
    }
    execution_put_resource(&resource, NULL);
    tcore_buf_putc(&resource, '\0');
    execution_put_map(&host->common, "resource", execution_text(&resource));
    tcore_buf_puts(&host->common, ",\"metadata\":{\"source\":\"host\"}");
    tcore_buf_putc(&host->common, '\0');
    tcore_buf_free(&resource);
    return tcore_buf_status(&host->common, err);
}

void host_metrics_close(struct host_metrics *host)
{
    if (host->folder >= 0)
        tcore_sys()->close(host->folder);
    tcore_buf_free(&host->common);
    tcore_buf_free(&host->text);
}

/* --- Files */

char *host_read_file(struct host_metrics *host, const char *path)
{
    int fd = tcore_sys()->openat(host->folder, path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t got = -1;
    if (fd < 0)
        return NULL;
    tcore_buf_clear(&host->text);
    do {
        char *room = tcore_buf_reserve(&host->text, READ_BYTES);
        got = room ? tcore_read_some(fd, room, READ_BYTES - 1) : -1;
        host->text.length += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    tcore_sys()->close(fd);
    tcore_buf_putc(&host->text, '\0');
    return got == 0 && !host->text.failed ? host->text.data : NULL;
}

bool host_find_number(const char *text, const char *key, int64_t *number)
{
    size_t length = strlen(key);
    for (const char *at = text; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
        char *end;
        if (strncmp(at, key, length) != 0 || (at[length] != ' ' && at[length] != '\t'))
            continue;
        errno = 0;
        *number = strtoll(at + length, &end, 10);
        return end > at + length && !errno;
    }
    return false;
}

/* --- Processors: proc/stat */

static const char *const modes[HOST_MODES] = {"user",   "nice",      "system", "idle",
                                              "iowait", "interrupt", "steal"};

/* The times of a line that begins with "cpu", in ticks. Soft interrupts count as interrupts. */
static bool read_ticks(const char *line, int64_t ticks[HOST_MODES])
{
    long long t[8] = {0};
    int got = sscanf(line, "%*s %lld %lld %lld %lld %lld %lld %lld %lld", &t[0], &t[1], &t[2],
                     &t[3], &t[4], &t[5], &t[6], &t[7]);
    if (got < 4)
        return false;
    for (int i = 0; i < 5; i++)
        ticks[i] = t[i];
    ticks[5] = t[5] + t[6];
    ticks[6] = t[7];
    return true;
}

/* Of one processor, or ("") of all together. */
static void put_times(struct host_reading *r, const char *number, const int64_t ticks[HOST_MODES])
{
    static const struct metric_series time = {"system.cpu.time", "s", true};
    char dimensions[96];
    double hz = (double)sysconf(_SC_CLK_TCK);
    for (int i = 0; i < HOST_MODES; i++) {
        snprintf(dimensions, sizeof(dimensions), "\"cpu.mode\":\"%s\"%s%s", modes[i],
                 *number ? ",\"cpu.logical_number\":" : "", number);
        metric_point_double(r->out, &time, dimensions, &r->moment, (double)ticks[i] / hz);
    }
}

/* Shares of all processors' time since the reading before. */
static void put_utilization(struct host_reading *r, const int64_t ticks[HOST_MODES])
{
    static const struct metric_series utilization = {"system.cpu.utilization", "1", false};
    char dimensions[64];
    int64_t delta[HOST_MODES], all = 0;
    for (int i = 0; i < HOST_MODES; i++) { /* the kernel may take back idle time */
        delta[i] = ticks[i] > r->host->ticks[i] ? ticks[i] - r->host->ticks[i] : 0;
        all += delta[i];
    }
    for (int i = 0; i < HOST_MODES && r->elapsed_ns && all; i++) {
        snprintf(dimensions, sizeof(dimensions), "\"cpu.mode\":\"%s\"", modes[i]);
        metric_point_double(r->out, &utilization, dimensions, &r->moment,
                            (double)delta[i] / (double)all);
    }
    memcpy(r->host->ticks, ticks, sizeof(r->host->ticks));
}

static void put_processors(struct host_reading *r, const char *text)
{
    static const struct metric_series count = {"system.cpu.logical.count", "{cpu}", false};
    int64_t ticks[HOST_MODES], processors = 0;
    for (const char *at = text; at && strncmp(at, "cpu", 3) == 0;
         at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
        bool all = at[3] == ' ';
        char number[16] = "";
        processors += !all;
        if ((!all && !r->host->per_cpu) || !read_ticks(at, ticks))
            continue;
        if (!all)
            snprintf(number, sizeof(number), "%d", atoi(at + 3));
        put_times(r, number, ticks);
        if (all)
            put_utilization(r, ticks);
    }
    if (processors)
        metric_point_int(r->out, &count, "", &r->moment, processors);
}

static void put_processes(struct host_reading *r, const char *text)
{
    static const struct metric_series created = {"system.process.created", "{process}", true},
                                      count = {"system.process.count", "{process}", false};
    int64_t number;
    if (host_find_number(text, "processes", &number))
        metric_point_int(r->out, &created, "", &r->moment, number);
    if (host_find_number(text, "procs_running", &number))
        metric_point_int(r->out, &count, "\"process.state\":\"running\"", &r->moment, number);
    if (host_find_number(text, "procs_blocked", &number))
        metric_point_int(r->out, &count, "\"process.state\":\"blocked\"", &r->moment, number);
}

/* --- Memory: proc/meminfo, proc/vmstat */

static void put_states(struct host_reading *r, const char *what, const char *const *states,
                       const int64_t *bytes, size_t count, int64_t total)
{
    char usage_name[64], share_name[64], dimensions[96];
    snprintf(usage_name, sizeof(usage_name), "system.%s.usage", what);
    snprintf(share_name, sizeof(share_name), "system.%s.utilization", what);
    const struct metric_series usage = {usage_name, "By", false}, share = {share_name, "1", false};
    for (size_t i = 0; i < count && total > 0; i++) {
        snprintf(dimensions, sizeof(dimensions), "\"system.%s.state\":\"%s\"", what, states[i]);
        metric_point_int(r->out, &usage, dimensions, &r->moment, bytes[i]);
        metric_point_double(r->out, &share, dimensions, &r->moment,
                            (double)bytes[i] / (double)total);
    }
}

/* Bytes of a line in kB; 0: there is none. */
static int64_t bytes_of(const char *text, const char *key)
{
    int64_t kilobytes;
    return host_find_number(text, key, &kilobytes) && kilobytes < INT64_MAX / 1024
               ? kilobytes * 1024
               : 0;
}

static void put_memory(struct host_reading *r)
{
    static const struct metric_series limit = {"system.memory.limit", "By", false},
                                      available = {"system.memory.linux.available", "By", false};
    static const char *const states[] = {"used", "free", "buffers", "cached"};
    static const char *const swap_states[] = {"used", "free"};
    const char *text = host_read_file(r->host, "proc/meminfo");
    if (!text)
        return;
    int64_t total = bytes_of(text, "MemTotal:"), swap = bytes_of(text, "SwapTotal:");
    int64_t bytes[] = {0, bytes_of(text, "MemFree:"), bytes_of(text, "Buffers:"),
                       bytes_of(text, "Cached:") + bytes_of(text, "SReclaimable:")};
    int64_t swapped[] = {swap - bytes_of(text, "SwapFree:"), bytes_of(text, "SwapFree:")};
    int64_t able = bytes_of(text, "MemAvailable:");
    bytes[0] = total - bytes[1] - bytes[2] - bytes[3];
    put_states(r, "memory", states, bytes, 4, total);
    if (total)
        metric_point_int(r->out, &limit, "", &r->moment, total);
    if (able)
        metric_point_int(r->out, &available, "", &r->moment, able);
    put_states(r, "paging", swap_states, swapped, 2, swap);
}

static void put_paging(struct host_reading *r)
{
    static const struct metric_series faults = {"system.paging.faults", "{fault}", true},
                                      moves = {"system.paging.operations", "{operation}", true};
    const char *text = host_read_file(r->host, "proc/vmstat");
    int64_t all, major, number;
    if (!text)
        return;
    if (host_find_number(text, "pgfault", &all) && host_find_number(text, "pgmajfault", &major)) {
        metric_point_int(r->out, &faults, "\"system.paging.fault.type\":\"major\"", &r->moment,
                         major);
        metric_point_int(r->out, &faults, "\"system.paging.fault.type\":\"minor\"", &r->moment,
                         all - major);
    }
    if (host_find_number(text, "pswpin", &number))
        metric_point_int(r->out, &moves, "\"system.paging.direction\":\"in\"", &r->moment, number);
    if (host_find_number(text, "pswpout", &number))
        metric_point_int(r->out, &moves, "\"system.paging.direction\":\"out\"", &r->moment, number);
}

/* --- Load and pressure */

static void put_load(struct host_reading *r)
{
    static const struct metric_series series[] = {
        {"system.cpu.load_average.1m", "{thread}", false},
        {"system.cpu.load_average.5m", "{thread}", false},
        {"system.cpu.load_average.15m", "{thread}", false}};
    static const struct metric_series up = {"system.uptime", "s", false};
    const char *text = host_read_file(r->host, "proc/loadavg");
    double load[3], seconds;
    if (text && sscanf(text, "%lf %lf %lf", &load[0], &load[1], &load[2]) == 3)
        for (int i = 0; i < 3; i++)
            metric_point_double(r->out, &series[i], "", &r->moment, load[i]);
    text = host_read_file(r->host, "proc/uptime");
    if (text && sscanf(text, "%lf", &seconds) == 1)
        metric_point_double(r->out, &up, "", &r->moment, seconds);
}

/* Time in which some, or all, tasks stood still for want of the resource. */
static void put_stall(struct host_reading *r, const char *resource, bool full, int64_t stalled_us,
                      int64_t *before_us)
{
    static const struct metric_series time = {"system.pressure.time", "s", true},
                                      share = {"system.pressure.utilization", "1", false};
    char dimensions[96];
    snprintf(dimensions, sizeof(dimensions),
             "\"system.pressure.resource\":\"%s\",\"system.pressure.stall\":\"%s\"", resource,
             full ? "full" : "some");
    metric_point_double(r->out, &time, dimensions, &r->moment, (double)stalled_us / 1e6);
    if (r->elapsed_ns && *before_us >= 0 && stalled_us >= *before_us)
        metric_point_double(r->out, &share, dimensions, &r->moment,
                            (double)(stalled_us - *before_us) * 1e3 / (double)r->elapsed_ns);
    *before_us = stalled_us;
}

static void put_pressure(struct host_reading *r)
{
    static const char *const resources[] = {"cpu", "memory", "io"};
    for (size_t i = 0; i < 3; i++) {
        char path[32];
        snprintf(path, sizeof(path), "proc/pressure/%s", resources[i]);
        const char *text = host_read_file(r->host, path);
        for (size_t full = 0; text && full < 2; full++) {
            const char *line = strstr(text, full ? "full " : "some ");
            const char *total = line ? strstr(line, "total=") : NULL;
            if (total)
                put_stall(r, resources[i], full, strtoll(total + 6, NULL, 10),
                          &r->host->stalled_us[2 * i + full]);
        }
    }
}

enum tcore_status host_metrics_take(struct host_metrics *host, struct tcore_buf *lines,
                                    struct tcore_error *err)
{
    int64_t now = tcore_sys()->monotonic_ns(), boot_s = 0;
    struct host_reading reading = {.host = host, .out = lines};
    const char *text = host_read_file(host, "proc/stat");
    if (!text) {
        tcore_error_set(err, TCORE_FATAL, "proc/stat cannot be read there");
        err->input = host->root;
        return TCORE_FATAL;
    }
    (void)host_find_number(text, "btime", &boot_s);
    reading.moment = (struct metric_moment){tcore_sys()->wall_ns(), boot_s * 1000000000, "",
                                            execution_text(&host->common)};
    reading.elapsed_ns = host->read ? now - host->time_ns : 0;
    put_processors(&reading, text);
    put_processes(&reading, text);
    put_memory(&reading);
    put_paging(&reading);
    host_put_disks(&reading);
    host_put_file_systems(&reading);
    host_put_network(&reading);
    put_load(&reading);
    put_pressure(&reading);
    host->read = true;
    host->time_ns = now;
    return tcore_buf_status(lines, err);
}
