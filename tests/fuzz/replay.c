/* SPDX-License-Identifier: Apache-2.0 */

/* Runs a fuzz target over every file of the directories named, so that what once broke it stays mended
 * where there is no fuzzer. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    size_t size = fread(data, 1, sizeof data, f);
    fclose(f);
    /* Named before it runs: an abort says which. */
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    return 0;
}

static int replay_directory(const char *name, size_t *files)
{
    DIR *d = opendir(name);
    if (!d) {
        perror(name);
        return 1;
    }
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(d));) {
        char path[4096];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            failed |= replay_file(path);
            ++*files;
        }
    }
    closedir(d);
    return failed;
}

int main(int argc, char **argv)
{
    size_t files = 0;
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= replay_directory(argv[i], &files);
    printf("%zu inputs\n", files);
    return failed || !files;
}
