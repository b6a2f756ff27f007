/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast the tape parser and the tree writer are: each line of the file is one text. Prints the
 * best of the rounds, in megabytes of text a second.
 *     json_bench FILE.jsonl [ROUNDS]
 */
#include "base/sys.h"
#include "model/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct input {
    const char *text;
    size_t length;
};

enum task { PARSE, PARSE_AND_WRITE };

static bool run(const struct input *in, enum task task, double *seconds, uint64_t *nodes)
{
    static struct tcore_json json;
    static struct tcore_buf out;
    struct tcore_error err;
    int64_t start = tcore_sys()->monotonic_ns();
    *nodes = 0;
    for (const char *p = in->text, *end = p + in->length; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t length = newline ? (size_t)(newline - p) : (size_t)(end - p);
        if (length && tcore_json_parse(&json, p, length, &err) != TCORE_OK) {
            fprintf(stderr, "byte %zu of the line at %zu: %s\n", (size_t)err.byte,
                    (size_t)(p - in->text), err.text);
            return false;
        }
        *nodes += json.count;
        if (length && task == PARSE_AND_WRITE) {
            tcore_buf_clear(&out);
            tcore_json_write_tree(&out, &json, 0);
        }
        p += length + 1;
    }
    *seconds = (double)(tcore_sys()->monotonic_ns() - start) / 1e9;
    return true;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"parse", "parse and write"};
    struct stat st;
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    int rounds = argc > 2 ? atoi(argv[2]) : 50;
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
        fprintf(stderr, "usage: json_bench FILE.jsonl [ROUNDS]\n");
        return 2;
    }
    size_t length = (size_t)st.st_size;
    char *text = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED) {
        perror(argv[1]);
        return 4;
    }
    struct input in = {text, length};
    for (int task = PARSE; task <= PARSE_AND_WRITE; task++) {
        double best = 0, seconds;
        uint64_t nodes = 0;
        for (int n = 0; n < rounds; n++) {
            if (!run(&in, (enum task)task, &seconds, &nodes))
                return 1;
            if (n == 0 || seconds < best)
                best = seconds;
        }
        printf("%-16s %8.0f MB/s  %6.2f ns a node  (%zu bytes, %zu nodes)\n", names[task],
               (double)length / best / 1e6, best * 1e9 / (double)nodes, length, (size_t)nodes);
    }
    close(fd);
    return 0;
}
