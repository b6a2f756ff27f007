/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A receiver of HTTP requests that answers as it is told, for tests of trace-record send:
 *     receiver ANSWER...
 * prints its port, then answers request after request, each with the next ANSWER, the last one from
 * there on. Request N is kept in N.head and N.body. An answer is a status with what may follow it:
 *     200  503  429:SECONDS  400=TEXT  200={"partialSuccess":{}}  200@FILE  hang  drop
 * FILE is protobuf; hang never answers, drop closes the connection instead.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void keep(unsigned number, const char *what, const char *data, size_t length)
{
    char name[32];
    snprintf(name, sizeof name, "%u.%s", number, what);
    FILE *file = fopen(name, "w");
    if (!file || fwrite(data, 1, length, file) != length || fclose(file) != 0)
        die(name);
}

static size_t content_length(const char *head)
{
    for (const char *line = head; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncasecmp(line, "content-length:", 15))
            return strtoul(line + 15, NULL, 10);
    }
    return 0;
}

/* Reads a request and keeps it; 0: there is none. */
static int take_request(int fd, unsigned number)
{
    static char data[16 << 20];
    size_t length = 0, head = 0, want = 0;
    while (!head || length < head + want) {
        ssize_t got = read(fd, data + length, sizeof data - 1 - length);
        if (got <= 0)
            return 0;
        length += (size_t)got;
        data[length] = '\0';
        char *blank = head ? NULL : strstr(data, "\r\n\r\n");
        if (blank) {
            head = (size_t)(blank - data) + 4;
            want = content_length(data);
        }
    }
    keep(number, "head", data, head);
    keep(number, "body", data + head, want);
    return 1;
}

static size_t read_file(const char *name, char *body, size_t room)
{
    FILE *file = fopen(name, "r");
    if (!file)
        die(name);
    size_t length = fread(body, 1, room, file);
    fclose(file);
    return length;
}

/* Whether the connection stays open. */
static int answer(int fd, const char *what)
{
    char text[4096], extra[64] = "", body[2048] = "{}", *rest;
    long status = strtol(what, &rest, 10);
    size_t size = 2;
    const char *type = "application/json";
    if (!strcmp(what, "hang"))
        return pause();
    if (!strcmp(what, "drop"))
        return 0;
    if (*rest == ':')
        snprintf(extra, sizeof extra, "Retry-After: %s\r\n", rest + 1);
    if (*rest == '=') {
        size = (size_t)snprintf(body, sizeof body, "%s", rest + 1);
        type = *body == '{' ? type : "text/plain";
    } else if (*rest == '@') {
        size = read_file(rest + 1, body, sizeof body);
        type = "application/x-protobuf";
    }
    size_t length = (size_t)snprintf(
        text, sizeof text, "HTTP/1.1 %ld X\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n",
        status, type, extra, size);
    memcpy(text + length, body, size);
    return write(fd, text, length + size) == (ssize_t)(length + size);
}

int main(int argc, char **argv)
{
    unsigned number = 0;
    int listener = listen_somewhere();
    if (argc < 2)
        return 2;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            die("accept");
        while (take_request(fd, number + 1)) {
            const char *what = argv[number + 1 < (unsigned)argc ? (int)number + 1 : argc - 1];
            number++;
            if (!answer(fd, what))
                break;
        }
        close(fd);
    }
}
