/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives a fuzz target what is left of its corpus when it is damaged, as TAP, a test for each file:
 * cut off at each byte, and with each bit flipped (without TRACECORE_TEST_LONG of every 7th byte).
 * Of the target's corpus only files are taken that begin as PREFIX says, which stays as it is.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "--from=";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as long as the text, so that the sanitizer sees what reads beyond it. */
static void give(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void damage(uint8_t *data, size_t size, size_t step)
{
    const uint8_t *newline = memchr(data, '\n', size);
    size_t from = newline ? (size_t)(newline - data) + 1 : size;
    for (size_t length = from; length < size; length++)
        give(data, length);
    for (size_t at = from; at < size; at += step)
        for (unsigned bit = 1; bit < 256; bit *= 2) {
            data[at] ^= (uint8_t)bit;
            give(data, size);
            data[at] ^= (uint8_t)bit;
        }
}

int main(void)
{
    const char *top = getenv("top_srcdir");
    char folder[PATH_MAX], path[PATH_MAX + 300];
    static uint8_t data[1 << 16];
    struct dirent **entries;
    unsigned run = 0;
    snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/import", top ? top : ".");
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        FILE *file = fopen(path, "rb");
        size_t size = file ? fread(data, 1, sizeof data, file) : 0;
        if (file)
            fclose(file);
        if (size > sizeof prefix && memcmp(data, prefix, sizeof prefix - 1) == 0) {
            damage(data, size, getenv("TRACECORE_TEST_LONG") ? 1 : 7);
            printf("ok %u - %s\n", ++run, entries[i]->d_name);
            fflush(stdout);
        }
        free(entries[i]);
    }
    free(entries);
    if (!run)
        printf("Bail out! no corpus in %s\n", folder);
    printf("1..%u\n", run);
    return run ? 0 : 1;
}
