/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Batches of OTLP to a receiver, by OTLP/HTTP: each is tried again while that may help, and is then
 * either delivered or handed back. At least once, not exactly once: a receiver that took a batch
 * and did not say so gets it again.
 */
#ifndef RECORD_EXPORT_DELIVERY_H
#define RECORD_EXPORT_DELIVERY_H

#include "cli/verb.h"
#include "record/http.h"
#include "record/export/otlp_stream.h"

struct delivery_options {
    bool json, plain; /* not protobuf; not packed */
    int64_t retry_for_ns, retry_delay_ns;
    struct http_options http;
};
#define DELIVERY_TIMEOUT_NS     ((int64_t)10 * 1000000000)
#define DELIVERY_RETRY_DELAY_NS ((int64_t)1000000000)

struct delivery {
    struct cli *cli;
    const struct delivery_options *options;
    struct http_client *client;
    const char *url;             /* as it was given */
    char *address[OTLP_SIGNALS]; /* owned */
    bool down;                   /* the batch before did not get there: one attempt is enough */
    uint64_t delivered, refused; /* records: taken, taken with others but refused */
    struct http_reply reply;
    struct tcore_buf packed;
};

/* Whether text begins as an address does. */
bool delivery_is_url(const char *text);
/* Why it cannot be sent to this address; NULL: it can. */
const char *delivery_url_fault(const char *url);
/* cli, options and url outlive the delivery. TCORE_FATAL: err. */
enum tcore_status delivery_open(struct delivery *delivery, struct cli *cli, const char *url,
                                const struct delivery_options *options, struct tcore_error *err);
void delivery_close(struct delivery *delivery);
/* TCORE_OK: it was taken; what the receiver refused of it was reported and counted. TCORE_SKIP: it
 * was not, err says why. TCORE_FATAL: no memory. */
enum tcore_status delivery_send(struct delivery *delivery, const struct otlp_message *message,
                                struct tcore_error *err);
/* Of the message that was not taken last: whether the receiver finds it too large. */
bool delivery_was_too_large(const struct delivery *delivery);
/* Sends records at hand, all of them or TCORE_FATAL. What OTLP has no place for is a note, if that
 * is to be told. */
enum tcore_status delivery_lines(struct cli *cli, const char *url, const struct tcore_buf *lines,
                                 bool tells, struct tcore_error *err);

/* --- export/delivery_reply.c: what a receiver says */

/* Of an answer of success: how many records it refused all the same, and what it says about them
 * (or else). text is empty if there is nothing. */
void delivery_partial(const struct http_reply *reply, enum otlp_signal signal, uint64_t *refused,
                      struct tcore_buf *text);
/* Of another answer: what it says, as one short line. */
void delivery_message(const struct http_reply *reply, struct tcore_buf *text);

#endif
