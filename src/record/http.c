/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests by libcurl's easy interface. */
#include <config.h>

#include "record/http.h"

#ifdef HAVE_CURL

#include "base/dl.h"
#include "base/sys.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifndef TCORE_SONAME_CURL
#define TCORE_SONAME_CURL "libcurl.so.4"
#endif

struct library {
    CURLcode (*global_init)(long);
    CURL *(*init)(void);
    CURLcode (*set)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*get)(CURL *, CURLINFO, ...);
    void (*cleanup)(CURL *);
    const char *(*explain)(CURLcode);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_list)(struct curl_slist *);
    time_t (*date)(const char *, const time_t *);
};

#define SYMBOL(member, name)                                                                       \
    {                                                                                              \
        name, offsetof(struct library, member)                                                     \
    }
static const struct tcore_dl_symbol symbols[] = {
    SYMBOL(global_init, "curl_global_init"),  SYMBOL(init, "curl_easy_init"),
    SYMBOL(set, "curl_easy_setopt"),          SYMBOL(perform, "curl_easy_perform"),
    SYMBOL(get, "curl_easy_getinfo"),         SYMBOL(cleanup, "curl_easy_cleanup"),
    SYMBOL(explain, "curl_easy_strerror"),    SYMBOL(append, "curl_slist_append"),
    SYMBOL(free_list, "curl_slist_free_all"), SYMBOL(date, "curl_getdate"),
};

struct http_client {
    struct library curl;
    const struct http_options *options;
    CURL *easy;
    char error[CURL_ERROR_SIZE];
};

/* --- the answer --- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct http_reply *reply = context;
    size_t length = size * count, room = HTTP_REPLY_BYTES - reply->body.length;
    tcore_buf_append(&reply->body, data, length < room ? length : room);
    return length;
}

struct header_context {
    const struct http_client *client;
    struct http_reply *reply;
};

/* Seconds, or a date (RFC 9110, 10.2.3). */
static void take_retry_after(const struct http_client *client, struct http_reply *reply,
                             const char *value)
{
    char *end;
    long long seconds = strtoll(value, &end, 10);
    if (end == value) {
        time_t when = client->curl.date(value, NULL);
        if (when < 0)
            return;
        seconds = (long long)when - tcore_sys()->wall_ns() / 1000000000;
    }
    if (seconds < 0)
        seconds = 0;
    reply->retry_after_ns = seconds > 1000000 ? INT64_MAX : (int64_t)seconds * 1000000000;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    static const char name[] = "retry-after:";
    struct header_context *header = context;
    size_t length = size * count, skip = sizeof name - 1;
    char value[64];
    if (length <= skip || strncasecmp(data, name, skip) != 0)
        return length;
    snprintf(value, sizeof value, "%.*s", (int)(length - skip < 63 ? length - skip : 63),
             data + skip);
    take_retry_after(header->client, header->reply, value + strspn(value, " \t"));
    return length;
}

static enum http_result judge(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_ANSWERED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
        return HTTP_IMPOSSIBLE;
    default:
        return HTTP_NO_ANSWER;
    }
}

static void take_answer(struct http_client *client, CURLcode code, struct http_reply *reply)
{
    const struct library *curl = &client->curl;
    const char *type = NULL;
    reply->result = judge(code);
    if (code != CURLE_OK) {
        snprintf(reply->reason, sizeof reply->reason, "%s",
                 *client->error ? client->error : curl->explain(code));
        return;
    }
    curl->get(client->easy, CURLINFO_RESPONSE_CODE, &reply->status);
    curl->get(client->easy, CURLINFO_CONTENT_TYPE, &type);
    snprintf(reply->content_type, sizeof reply->content_type, "%s", type ? type : "");
}

/* --- the request --- */

static bool add_header(const struct library *curl, struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl->append(*list, text);
    if (longer)
        *list = longer;
    return longer;
}

static bool add_headers(const struct http_client *client, struct curl_slist **list,
                        const struct http_body *body)
{
    const struct library *curl = &client->curl;
    const struct http_options *o = client->options;
    char type[128];
    snprintf(type, sizeof type, "Content-Type: %s", body->content_type);
    /* without the second curl waits for leave to send what is long */
    bool good = add_header(curl, list, type) && add_header(curl, list, "Expect:") &&
                (!body->gzip || add_header(curl, list, "Content-Encoding: gzip"));
    for (size_t i = 0; good && i < o->header_count; i++)
        good = add_header(curl, list, o->headers[i]);
    if (good && o->token) {
        struct tcore_buf text = {0};
        tcore_buf_printf(&text, "Authorization: Bearer %s", o->token);
        tcore_buf_putc(&text, '\0');
        good = !text.failed && add_header(curl, list, text.data);
        tcore_buf_free(&text);
    }
    return good;
}

static void set_up(struct http_client *client)
{
    const struct library *curl = &client->curl;
    const struct http_options *o = client->options;
    long timeout_ms = (long)(o->timeout_ns / 1000000);
    curl->set(client->easy, CURLOPT_NOSIGNAL, 1L);
    curl->set(client->easy, CURLOPT_ERRORBUFFER, client->error);
    curl->set(client->easy, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1L);
    curl->set(client->easy, CURLOPT_USERAGENT, "trace-record");
    curl->set(client->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl->set(client->easy, CURLOPT_HEADERFUNCTION, take_header);
    if (o->ca_file) {
        curl->set(client->easy, CURLOPT_CAINFO, o->ca_file);
        curl->set(client->easy, CURLOPT_CAPATH, NULL);
    }
    if (o->certificate)
        curl->set(client->easy, CURLOPT_SSLCERT, o->certificate);
    if (o->certificate)
        curl->set(client->easy, CURLOPT_SSLKEY, o->key ? o->key : o->certificate);
}

enum tcore_status http_post(struct http_client *client, const char *url,
                            const struct http_body *body, struct http_reply *reply,
                            struct tcore_error *err)
{
    const struct library *curl = &client->curl;
    struct header_context header = {client, reply};
    struct curl_slist *headers = NULL;
    tcore_buf_clear(&reply->body);
    reply->status = 0;
    reply->retry_after_ns = -1;
    *reply->content_type = *reply->reason = *client->error = '\0';
    if (!add_headers(client, &headers, body)) {
        curl->free_list(headers);
        return tcore_error_nomem(err);
    }
    curl->set(client->easy, CURLOPT_URL, url);
    curl->set(client->easy, CURLOPT_POST, 1L);
    curl->set(client->easy, CURLOPT_HTTPHEADER, headers);
    curl->set(client->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length);
    curl->set(client->easy, CURLOPT_POSTFIELDS, body->data);
    curl->set(client->easy, CURLOPT_WRITEDATA, reply);
    curl->set(client->easy, CURLOPT_HEADERDATA, &header);
    CURLcode code = curl->perform(client->easy);
    curl->set(client->easy, CURLOPT_HTTPHEADER, NULL);
    curl->free_list(headers);
    if (code == CURLE_OUT_OF_MEMORY)
        return tcore_error_nomem(err);
    take_answer(client, code, reply);
    return tcore_buf_status(&reply->body, err);
}

enum tcore_status http_client_new(struct http_client **out, const struct http_options *options,
                                  struct tcore_error *err)
{
    struct http_client *client = tcore_calloc(1, sizeof *client);
    *out = NULL;
    if (!client)
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_dl_open(TCORE_SONAME_CURL, "libcurl4", symbols,
                                             sizeof symbols / sizeof *symbols, &client->curl, err);
    if (status == TCORE_OK && (client->curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
                               !(client->easy = client->curl.init())))
        status = tcore_error_set(err, TCORE_FATAL, "libcurl cannot be initialised");
    if (status != TCORE_OK) {
        tcore_free(client);
        return status;
    }
    client->options = options;
    set_up(client);
    *out = client;
    return TCORE_OK;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    client->curl.cleanup(client->easy);
    tcore_free(client);
}

#else

enum tcore_status http_client_new(struct http_client **client, const struct http_options *options,
                                  struct tcore_error *err)
{
    (void)options;
    *client = NULL;
    return tcore_error_set(err, TCORE_FATAL,
                           "this tracecore was built without libcurl, which sends over HTTP");
}

void http_client_free(struct http_client *client)
{
    (void)client;
}

enum tcore_status http_post(struct http_client *client, const char *url,
                            const struct http_body *body, struct http_reply *reply,
                            struct tcore_error *err)
{
    (void)client;
    (void)url;
    (void)body;
    (void)reply;
    return tcore_error_set(err, TCORE_FATAL, "there is no libcurl");
}

#endif
