/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "cli.h"

const char *cli_duration(int64_t ms, char *buf, size_t cap)
{
    if (ms < 1000)
        snprintf(buf, cap, "%d ms", ms < 0 ? 0 : (int)ms);
    else if (ms < 60000)
        snprintf(buf, cap, "%d.%d s", (int)(ms / 1000), (int)(ms % 1000 / 100));
    else if (ms < 3600000)
        snprintf(buf, cap, "%d min %02d s", (int)(ms / 60000), (int)(ms / 1000 % 60));
    else
        snprintf(buf, cap, "%lld h %02d min", (long long)(ms / 3600000), (int)(ms / 60000 % 60));
    return buf;
}

const char *cli_instant(int64_t ms, char *buf, size_t cap)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    buf[0] = '\0';
    if (ms > 0 && gmtime_r(&seconds, &tm))
        strftime(buf, cap, "%Y-%m-%d %H:%M:%SZ", &tm);
    return buf;
}

const char *cli_plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

const char *cli_label(const migrate_item *item, char *buf, size_t cap)
{
    const char *version = migrate_item_version(item), *name = migrate_item_name(item);
    if (migrate_item_kind(item) == MIGRATE_KIND_REPEATABLE)
        snprintf(buf, cap, "R:%s", name);
    else
        snprintf(buf, cap, "%s%s%s", version, *name ? " " : "", name);
    cli_clean(buf);
    return buf;
}
