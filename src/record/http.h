/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Posting over HTTP, by libcurl, which is opened on first use. One client keeps its connection from
 * one request to the next. Redirections are not followed: what is sent is for whom it was meant.
 */
#ifndef RECORD_HTTP_H
#define RECORD_HTTP_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_REPLY_BYTES ((size_t)64 * 1024) /* more of an answer's body is not read */

struct http_options {
    int64_t timeout_ns;         /* of a request */
    const char *ca_file;        /* NULL: the system's */
    const char *certificate;    /* of this client; NULL: none */
    const char *key;            /* of the certificate; NULL: it is in the same file */
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    const char *token; /* of Authorization: Bearer; NULL: none */
};

enum http_result {
    HTTP_ANSWERED,  /* whatever the status */
    HTTP_NO_ANSWER, /* a connection that failed or broke off, or a timeout: it may pass */
    HTTP_IMPOSSIBLE /* certificates, bad addresses: it will not */
};

struct http_reply {
    enum http_result result;
    long status;
    char reason[256];       /* without an answer: why */
    char content_type[128]; /* "" if there is none */
    int64_t retry_after_ns; /* -1: not said */
    struct tcore_buf body;
};

struct http_client;

/* options and what they point to outlive the client. TCORE_FATAL: libcurl is missing, or not built
 * in. */
enum tcore_status http_client_new(struct http_client **client, const struct http_options *options,
                                  struct tcore_error *err);
void http_client_free(struct http_client *client);
/* What is posted. */
struct http_body {
    const char *content_type;
    bool gzip; /* it is packed so */
    const char *data;
    size_t length;
};
/* A zeroed reply is ready for use, and is used again; its body is owned by the caller. TCORE_FATAL:
 * memory is short. */
enum tcore_status http_post(struct http_client *client, const char *url,
                            const struct http_body *body, struct http_reply *reply,
                            struct tcore_error *err);

#endif
