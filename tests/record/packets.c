/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends numbered packets of StatsD, for tests of trace-record listen:
 *     packets ADDRESS PORT COUNT [RATE [LINES]]
 * each of so many lines (1), at so many packets a second (0: as fast as it goes). The lines are
 * n:NUMBER|c, counted through all packets, so that sums tell what is missing. Prints how many
 * packets a second it sent.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int connect_to(const char *address, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found;
    int reason = getaddrinfo(address, port, &hints, &found);
    if (reason) {
        fprintf(stderr, "%s: %s\n", address, gai_strerror(reason));
        exit(2);
    }
    int fd = socket(found->ai_family, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        perror(address);
        exit(1);
    }
    freeaddrinfo(found);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 6) {
        fprintf(stderr, "usage: packets ADDRESS PORT COUNT [RATE [LINES]]\n");
        return 2;
    }
    long count = atol(argv[3]), rate = argc > 4 ? atol(argv[4]) : 0;
    long lines = argc > 5 ? atol(argv[5]) : 1, number = 0;
    int fd = connect_to(argv[1], argv[2]);
    char text[60000];
    double begin = now();
    for (long i = 0; i < count; i++) {
        size_t length = 0;
        for (long line = 0; line < lines && length < sizeof text - 40; line++)
            length += (size_t)sprintf(text + length, "%sn:%ld|c", line ? "\n" : "", ++number);
        if (send(fd, text, length, 0) < 0) {
            perror("send");
            return 1;
        }
        while (rate && now() - begin < (double)(i + 1) / (double)rate)
            if ((double)(i + 1) / (double)rate - (now() - begin) > 1e-4)
                usleep(100);
    }
    printf("%.0f\n", (double)count / (now() - begin));
    close(fd);
    return 0;
}
