/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages to people and programs: what is sent to which channel, what is held back, and what could
 * not be delivered and waits in the outbox for the next run.
 */
#ifndef ALERT_NOTIFY_H
#define ALERT_NOTIFY_H

#include "alert/engine.h"

/* A message that could not be delivered. */
struct waiting {
    char *channel, *alert; /* the alert record without its newline; owned */
    const char *type;      /* of the channel */
    uint32_t attempts;
};

struct channel_state {
    int fd;        /* of a file, while it is open; else -1 */
    int64_t *sent; /* event times of the last messages, the oldest first; owned */
    uint32_t sent_count;
};

struct notifier {
    struct cli *cli;
    const struct rules *rules;
    bool dry_run;
    struct channel_state *channel; /* owned */
    struct waiting *outbox;        /* owned */
    size_t outbox_count, outbox_capacity;
    struct tcore_map dedup; /* rule (4 bytes) and labels */
    int64_t *dedup_ns;      /* when a message of it was sent last */
    size_t dedup_capacity;
    uint32_t dedup_limit; /* when there are more, those that are over are forgotten */
    struct tcore_json json;
    struct tcore_buf line, text;
    uint64_t transitions, failures;
};

#define NOTIFY_REASON_BYTES 256

enum tcore_status notifier_open(struct notifier *notifier, struct cli *cli,
                                const struct rules *rules, bool dry_run, struct tcore_error *err);
void notifier_free(struct notifier *notifier);
/* Tries again what waits in the outbox; a notification record each is appended to out. */
enum tcore_status notifier_retry(struct notifier *notifier, int64_t now_ns, struct tcore_buf *out,
                                 struct tcore_error *err);
/* Adds to the outbox. type: of the channel, and not copied. False: out of memory. */
bool notifier_keep(struct notifier *notifier, const char *channel, size_t channel_length,
                   const char *type, const char *alert, size_t alert_length, uint32_t attempts);
/* The number of a dedup key, with room in dedup_ns; TCORE_MAP_NONE: out of memory. */
uint32_t notifier_dedup_key(struct notifier *notifier, const void *key, size_t length, bool *added);
/* Whether what dedup remembers with that number is older than its rule's window. */
bool notifier_dedup_is_over(const struct notifier *notifier, uint32_t number, int64_t now_ns);
/* Makes what was sent to files durable. False: reported. */
bool notifier_sync(struct notifier *notifier);

/* --- notify_file.c */

/* Appends the line and a newline. False: reason says why, and the file is as it was. */
bool notify_file(struct channel_state *state, const char *path, const char *line, size_t length,
                 char *reason);

/* --- notify_exec.c */

/* Runs the channel's command with the alert (a parsed record, and its line) as its input. False:
 * reason says why. */
bool notify_exec(const struct cli *cli, const struct channel *channel,
                 const struct tcore_json *alert, const char *line, size_t length, char *reason);

#endif
