/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Feeds a committed corpus to a fuzz target, as TAP: each file is one test, and a target that finds
 * something wrong aborts. Without arguments the program fuzz_NAME replays corpus/NAME beside this
 * file; arguments are files to replay instead, as a crash is looked into. run.sh fuzzes for real.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned run;

static void replay(const char *path, const char *name)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &st) != 0) {
        printf("Bail out! cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    /* Exactly as long as the text, so that the sanitizer sees what reads beyond it. */
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size) {
        printf("Bail out! cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    printf("ok %u - %s\n", ++run, name);
    fflush(stdout);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, visible, alphasort);
    if (count <= 0) {
        printf("Bail out! no corpus in %s\n", folder);
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX + 300];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        replay(path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    const char *top = getenv("top_srcdir");
    for (int i = 1; i < argc; i++)
        replay(argv[i], argv[i]);
    if (argc == 1) {
        char folder[PATH_MAX];
        snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", top ? top : ".",
                 strncmp(name, "fuzz_", 5) ? name : name + 5);
        replay_folder(folder);
    }
    printf("1..%u\n", run);
    return 0;
}
