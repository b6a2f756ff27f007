/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record send: records to a receiver of OTLP/HTTP. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "record/export/delivery.h"
#include "record/export/export.h"
#include "record/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define TOKEN_BYTES 8192

struct options {
    const char *protocol, *compression, *token_file, *ca, *certificate, *key;
    struct cli_strings headers;
    int64_t batch, batch_bytes, batch_age_ns, retry_for_ns, retry_delay_ns, timeout_ns;
};

static const struct options defaults = {
    .protocol = "protobuf",
    .compression = "gzip",
    .batch = 8192,
    .batch_bytes = (int64_t)4 * 1024 * 1024,
    .batch_age_ns = (int64_t)1000000000,
    .retry_for_ns = (int64_t)60 * 1000000000,
    .retry_delay_ns = DELIVERY_RETRY_DELAY_NS,
    .timeout_ns = DELIVERY_TIMEOUT_NS,
};

static const struct cli_option table[] = {
    {0, "protocol", CLI_CHOICE, offsetof(struct options, protocol), "FORM",
     "how messages are written (default: protobuf)", "protobuf|json"},
    {0, "compression", CLI_CHOICE, offsetof(struct options, compression), "HOW",
     "how messages are packed (default: gzip)", "gzip|none"},
    {0, "batch", CLI_INT, offsetof(struct options, batch), "N",
     "send as soon as there are N records (default 8192)", NULL},
    {0, "batch-bytes", CLI_SIZE, offsetof(struct options, batch_bytes), "SIZE",
     "or so many bytes would be exceeded, before packing (default 4M)", NULL},
    {0, "batch-age", CLI_DURATION, offsetof(struct options, batch_age_ns), "DUR",
     "or the first of them came so long ago (default 1s); at once if none follows", NULL},
    {0, "header", CLI_STRINGS, offsetof(struct options, headers), "NAME:VALUE",
     "add this header to each request", NULL},
    {0, "token-file", CLI_STRING, offsetof(struct options, token_file), "FILE",
     "a file whose first line is the token of the header Authorization: Bearer", NULL},
    {0, "ca", CLI_STRING, offsetof(struct options, ca), "FILE",
     "trust these certificates (PEM), and not the system's", NULL},
    {0, "cert", CLI_STRING, offsetof(struct options, certificate), "FILE",
     "a certificate of this client (PEM)", NULL},
    {0, "cert-key", CLI_STRING, offsetof(struct options, key), "FILE",
     "its private key, if that is not in the same file", NULL},
    {0, "timeout", CLI_DURATION, offsetof(struct options, timeout_ns), "DUR",
     "how long a request may take (default 10s)", NULL},
    {0, "retry-for", CLI_DURATION, offsetof(struct options, retry_for_ns), "DUR",
     "how long a batch is tried again (default 1m; 0s: not at all)", NULL},
    {0, "retry-delay", CLI_DURATION, offsetof(struct options, retry_delay_ns), "DUR",
     "how long the first wait is, about; each is twice the one before (default 1s)", NULL},
};

struct sender {
    struct otlp_stream stream; /* its state is that of the operator */
    struct delivery delivery;
    bool rejects;                 /* what is not taken is kept, and the run goes on */
    uint64_t lost;                /* records that were not taken */
    struct tcore_buf undelivered; /* their lines */
};

/* --- what is asked for --- */

/* A name, a colon, a value without control characters. */
static const char *header_fault(const char *header)
{
    size_t name = strcspn(header, ":");
    if (!name || header[name] != ':' ||
        strspn(header, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != name)
        return "it is not NAME:VALUE";
    for (const char *p = header; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
            return "it has a control character";
    if (name == strlen("authorization") && !strncasecmp(header, "authorization", name))
        return "secrets are nothing for a command line: use --token-file";
    return NULL;
}

static int check_options(struct cli *cli, const struct options *o, const char *url)
{
    const char *fault = delivery_url_fault(url);
    if (fault)
        return cli_usage_error(cli, "URL '%s': %s", url, fault);
    for (size_t i = 0; i < o->headers.count; i++) {
        fault = header_fault(o->headers.item[i]);
        if (fault)
            return cli_usage_error(cli, "--header: %s", fault);
    }
    if (o->key && !o->certificate)
        return cli_usage_error(cli, "--cert-key goes with --cert");
    if (!o->batch || !o->batch_bytes)
        return cli_usage_error(cli, "--batch and --batch-bytes are at least 1");
    return CLI_DONE;
}

/* The first line of the file. False: reported. */
static bool read_token(struct cli *cli, const char *path, struct tcore_buf *token)
{
    struct tcore_error err;
    int fd = tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    char *room = tcore_buf_reserve(token, TOKEN_BYTES);
    ssize_t length = fd < 0 || !room ? -1 : tcore_read_some(fd, room, TOKEN_BYTES - 1);
    int errnum = errno;
    if (fd >= 0)
        tcore_sys()->close(fd);
    if (length < 0) {
        tcore_error_errno(&err, TCORE_FATAL, errnum, "cannot read the token");
        err.input = path;
        cli_report(cli, &err);
        return false;
    }
    room[length] = '\0';
    room[strcspn(room, "\r\n")] = '\0';
    for (const char *p = room; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            *room = '\0';
    if (!*room)
        cli_error(cli, "%s: the first line is no token", path);
    return *room;
}

/* --- batches --- */

static enum tcore_status deliver(struct sender *s, const struct otlp_message *message,
                                 struct tcore_error *err);

/* A part of a message that was too large. */
struct part {
    struct otlp_stream stream;
    struct sender *sender;
};

static enum tcore_status emit_part(void *state, const struct otlp_message *message,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    (void)out;
    return deliver(((struct part *)state)->sender, message, err);
}

static enum tcore_status send_part(struct sender *s, const char *lines, size_t length,
                                   struct tcore_error *err)
{
    struct part part = {.stream = {.protobuf = s->stream.protobuf,
                                   .keep_lines = true,
                                   .most_records = UINT64_MAX,
                                   .most_bytes = SIZE_MAX,
                                   .emit = emit_part},
                        .sender = s};
    struct tcore_buf text = {0}, none = {0};
    tcore_buf_append(&text, lines, length);
    enum tcore_status status = tcore_buf_status(&text, err);
    if (status == TCORE_OK)
        status = otlp_batch_open(&part.stream.batch, part.stream.protobuf, err);
    if (status == TCORE_OK)
        status = otlp_stream_lines(&part.stream, &text, &none, err);
    otlp_stream_free(&part.stream);
    tcore_buf_free(&text);
    tcore_buf_free(&none);
    return status;
}

/* Both halves, and batches that are no larger from here on. */
static enum tcore_status send_halves(struct sender *s, const struct otlp_message *message,
                                     struct tcore_error *err)
{
    const struct tcore_buf *lines = &message->lines;
    const char *middle = lines->data, *end = lines->data + lines->length;
    if (s->stream.most_bytes > message->data.length / 2) {
        s->stream.most_bytes = message->data.length / 2;
        cli_note(s->delivery.cli, "%s: status 413; going on with smaller batches",
                 s->delivery.address[message->signal]);
    }
    for (uint64_t i = 0; i < message->records / 2; i++)
        middle = (const char *)memchr(middle, '\n', (size_t)(end - middle)) + 1;
    size_t first = (size_t)(middle - lines->data);
    enum tcore_status status = send_part(s, lines->data, first, err);
    return status == TCORE_OK ? send_part(s, middle, lines->length - first, err) : status;
}

static enum tcore_status deliver(struct sender *s, const struct otlp_message *message,
                                 struct tcore_error *err)
{
    enum tcore_status status = delivery_send(&s->delivery, message, err);
    if (status != TCORE_SKIP)
        return status;
    if (message->records > 1 && delivery_was_too_large(&s->delivery))
        return send_halves(s, message, err);
    s->lost += message->records;
    if (!s->rejects)
        return TCORE_FATAL;
    cli_report(s->delivery.cli, err);
    tcore_buf_append(&s->undelivered, message->lines.data, message->lines.length);
    return tcore_buf_status(&s->undelivered, err);
}

static enum tcore_status emit(void *state, const struct otlp_message *message,
                              struct tcore_buf *out, struct tcore_error *err)
{
    (void)out;
    return deliver(state, message, err);
}

static struct tcore_buf *undelivered(void *state)
{
    return &((struct sender *)state)->undelivered;
}

/* What is not in --rejects is said to be lost: records may have been read behind the batch that
 * failed. */
static void note_end(struct cli *cli, const struct sender *s)
{
    const struct delivery *d = &s->delivery;
    if (!s->lost)
        return;
    cli_note(cli, "%" PRIu64 " record%s delivered, %" PRIu64 " not%s", d->delivered,
             d->delivered == 1 ? "" : "s", s->lost,
             s->rejects ? ", which are in --rejects"
                        : ", nor what follows them: --rejects=FILE would keep both");
}

static int send(struct cli *cli, struct sender *s, const char *url,
                const struct delivery_options *options, int argc, char **argv)
{
    struct tcore_error err;
    struct cli_operator operator= otlp_stream_operator;
    operator.undelivered = undelivered;
    int result = CLI_FAILED;
    if (delivery_open(&s->delivery, cli, url, options, &err) != TCORE_OK)
        cli_report(cli, &err);
    else if (otlp_stream_open(&s->stream, cli))
        result = cli_filter(cli, &operator, s, argc, argv);
    if (result != CLI_USAGE) {
        note_end(cli, s);
        otlp_stream_note(&s->stream, cli);
        cli->failed |= s->lost > 0;
        result = cli_exit_status(cli, false);
    }
    otlp_stream_free(&s->stream);
    delivery_close(&s->delivery);
    tcore_buf_free(&s->undelivered);
    return result;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    struct tcore_buf token = {0};
    if (!argc)
        return cli_usage_error(cli, "a URL is missing");
    int result = check_options(cli, o, argv[0]);
    if (result != CLI_DONE)
        return result;
    if (o->token_file && !read_token(cli, o->token_file, &token)) {
        tcore_buf_free(&token);
        return cli_exit_status(cli, false);
    }
    if (o->token_file && !strncmp(argv[0], "http://", 7))
        cli_note(cli, "%s: the token goes unencrypted", argv[0]);
    bool json = !strcmp(o->protocol, "json");
    struct delivery_options delivery = {
        .json = json,
        .plain = !strcmp(o->compression, "none"),
        .retry_for_ns = o->retry_for_ns,
        .retry_delay_ns = o->retry_delay_ns,
        .http = {.timeout_ns = o->timeout_ns,
                 .ca_file = o->ca,
                 .certificate = o->certificate,
                 .key = o->key,
                 .headers = o->headers.item,
                 .header_count = o->headers.count,
                 .token = token.data},
    };
    struct sender sender = {.stream = {.protobuf = !json,
                                       .keep_lines = true,
                                       .most_records = (uint64_t)o->batch,
                                       .most_bytes = (size_t)o->batch_bytes,
                                       .emit = emit},
                            .rejects = cli->io.rejects};
    if (export_may_wait(argc - 1, argv + 1))
        sender.stream.most_age_ns = o->batch_age_ns;
    if (!cli->io.idle_ns)
        cli->io.idle_ns = OTLP_STREAM_IDLE_NS;
    result = send(cli, &sender, argv[0], &delivery, argc - 1, argv + 1);
    tcore_buf_free(&token);
    return result;
}

const struct cli_verb send_verb = {
    .name = "send",
    .summary = "Send records to a receiver of OTLP/HTTP.",
    .operands = "URL [INPUT]...",
    .description =
        "URL is the receiver's base address, as http://127.0.0.1:4318; /v1/traces, /v1/metrics and "
        "/v1/logs are put behind it. What the receiver cannot take at the moment (status 429, 502, "
        "503, 504, or no answer) is sent again, later each time and not before it says; what is "
        "too large for it (413) goes in halves. What was "
        "not delivered in the end goes to --rejects, and the exit status is 4; without --rejects "
        "sending ends there. A receiver that takes a batch without saying so gets it twice.\n"
        "\n"
        "No variable of the environment is looked at (proxies are libcurl's affair).\n"
        "\n"
        "Examples:\n"
        "  trace-record send http://127.0.0.1:4318 records.ndjson\n"
        "  tail -f trace.ndjson | trace-record send --token-file=token --rejects=left \\\n"
        "      https://collector.example.com:4318\n",
    .groups = CLI_READS,
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct options),
    .defaults = &defaults,
    .run = run,
};
