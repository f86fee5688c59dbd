/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Where driver libraries are. A prefix that was moved after installation goes on working, because the first
 * place is found from where the program itself is. */

static char *join(const char *a, const char *b, const char *c)
{
    size_t len = strlen(a) + strlen(b) + strlen(c) + 3;
    char *path = malloc(len);
    if (path)
        snprintf(path, len, "%s%s%s%s%s", a, *b ? "/" : "", b, *c ? "/" : "", c);
    return path;
}

/* Directory of the running program, without '/', or NULL. */
static char *program_dir(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    char *slash;
    if (n <= 0)
        return NULL;
    path[n] = '\0';
    slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return strdup(path);
}

static void note(char **looked_in, const char *dir)
{
    char *grown;
    if (!looked_in)
        return;
    grown = *looked_in ? malloc(strlen(*looked_in) + strlen(dir) + 3) : strdup(dir);
    if (grown && *looked_in)
        sprintf(grown, "%s, %s", *looked_in, dir);
    if (grown) {
        free(*looked_in);
        *looked_in = grown;
    }
}

/* The path of @p name in @p dir/@p sub if it is there, else NULL. */
static char *in_dir(const char *dir, const char *sub, const char *name, char **looked_in)
{
    char *path = join(dir, sub, name);
    char *folder = join(dir, sub, "");
    if (folder)
        note(looked_in, folder);
    free(folder);
    if (path && access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

char *cli_library(const char *name, char **looked_in)
{
    char *dir = program_dir();
    char *path = NULL;
    if (dir && *MIGRATE_LIBDIR_FROM_BINDIR)
        path = in_dir(dir, MIGRATE_LIBDIR_FROM_BINDIR, name, looked_in);
    if (!path && dir)
        path = in_dir(dir, "", name, looked_in);
    if (!path)
        path = in_dir(MIGRATE_LIBDIR, "", name, looked_in);
    free(dir);
    return path;
}
