/* SPDX-License-Identifier: Apache-2.0 */
/* Where the package has its migrations, and which of them an event may name. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/lambda.h"
#include "util/mem.h"
#include "util/text.h"

static const char *root(const struct migrate_lambda *l)
{
    return l->task_root ? l->task_root : "/var/task";
}

static bool is_dir(const char *path)
{
    struct stat st;
    return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_sql(const char *path)
{
    DIR *dir = opendir(path);
    bool found = false;
    struct dirent *entry;
    while (dir && !found && (entry = readdir(dir)))
        found = mig_ends(entry->d_name, ".sql");
    if (dir)
        closedir(dir);
    return found;
}

static migrate_status usual(const struct migrate_lambda *l, char **out, migrate_error **err)
{
    char *path = mig_sprintf("%s/migrations", root(l));
    *out = NULL;
    if (!path)
        return mig_lambda_nomem(err);
    if (is_dir(path)) {
        *out = path;
        return MIGRATE_OK;
    }
    free(path);
    if (is_dir("/opt/migrations"))
        *out = mig_strdup("/opt/migrations");
    else if (has_sql("/opt"))
        *out = mig_strdup("/opt");
    else
        return MIGRATE_OK;
    return *out ? MIGRATE_OK : mig_lambda_nomem(err);
}

/* Is @p path, without its links, @p folder or below it? */
static bool below(const char *path, const char *folder)
{
    char *real = folder ? realpath(folder, NULL) : NULL;
    size_t len = real ? strlen(real) : 0;
    bool inside = real && strncmp(path, real, len) == 0 && (path[len] == '\0' || path[len] == '/' || len == 1);
    free(real);
    return inside;
}

/* What an event names lies in the package, in a layer, or below what is configured; links lead nowhere else. */
static bool may_use(const struct migrate_lambda *l, const char *path, const char *usual_dir)
{
    char *real = realpath(path, NULL);
    bool good = real && (below(real, root(l)) || below(real, "/opt") || below(real, l->source) ||
                         below(real, usual_dir));
    free(real);
    return good;
}

static char *join(const char *folder, const char *name)
{
    return folder ? mig_sprintf("%s/%s", folder, name) : NULL;
}

static char *candidate(const struct migrate_lambda *l, const char *asked, const char *usual_dir)
{
    const char *const folders[] = { usual_dir, root(l), "/opt" };
    if (*asked == '/')
        return is_dir(asked) ? mig_strdup(asked) : NULL;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path = join(folders[i], asked);
        if (is_dir(path))
            return path;
        free(path);
    }
    return NULL;
}

static migrate_status configured(const struct migrate_lambda *l, char **out, migrate_error **err)
{
    if (!l->source)
        return usual(l, out, err);
    *out = *l->source == '/' || is_dir(l->source) ? mig_strdup(l->source) : join(root(l), l->source);
    return *out ? MIGRATE_OK : mig_lambda_nomem(err);
}

migrate_status mig_lambda_source(const struct migrate_lambda *l, const char *asked, char **out, migrate_error **err)
{
    char *dir = NULL;
    migrate_status status = configured(l, &dir, err);
    if (status != MIGRATE_OK || !asked) {
        *out = dir;
        return status;
    }
    char *path = candidate(l, asked, dir);
    if (!path || !may_use(l, path, dir)) {
        status = mig_lambda_fail(err, MIGRATE_E_SOURCE,
                                 "it is a directory of the package, of a layer under /opt, or below the source that is "
                                 "configured",
                                 "the source \"%.200s\" that the event names is not there", asked);
        free(path);
        path = NULL;
    }
    free(dir);
    *out = path;
    return status;
}

char *mig_lambda_package_ca(const struct migrate_lambda *l)
{
    static const char *const names[] = { "ca.pem", "ca-bundle.pem", "ca-bundle.crt", "cacert.pem", "global-bundle.pem" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = join(root(l), names[i]);
        if (path && access(path, R_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}
