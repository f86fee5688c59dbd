/* SPDX-License-Identifier: Apache-2.0 */
#include "core/options_near.h"

#include <string.h>

#include "core/error.h"
#include "core/options_table.h"
#include "util/buf.h"
#include "util/text.h"

enum { LONGEST = 63 }; /* bytes of a key that is compared */

static const migrate_driver *driver_of(const char *key, const migrate_driver *const *drivers,
                                       size_t n_drivers)
{
    size_t n = strcspn(key, ".");
    for (size_t i = 0; key[n] && i < n_drivers; i++)
        if (strlen(drivers[i]->name) == n && memcmp(drivers[i]->name, key, n) == 0)
            return drivers[i];
    return NULL;
}

bool mig_option_of_driver(const char *key, const migrate_driver *const *drivers, size_t n_drivers)
{
    const migrate_driver *driver = driver_of(key, drivers, n_drivers);
    const char *rest = driver ? key + strlen(driver->name) + 1 : NULL;
    for (size_t i = 0; driver && driver->options && driver->options[i]; i++)
        if (mig_option_same_key(driver->options[i], rest))
            return true;
    return false;
}

bool mig_option_same_key(const char *a, const char *b)
{
    for (; *a && (*a == *b || ((*a == '_' || *a == '-') && (*b == '_' || *b == '-'))); a++, b++)
        ;
    return *a == *b;
}

/* Letters of one case, '-' and '_' alike. */
static char folded(char c)
{
    return c == '-' ? '_' : mig_lower(c);
}

/* Insertions, deletions and changes that make one of the other. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[LONGEST + 1];
    size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 0; a[i]; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < n; j++) {
            unsigned change = diagonal + (folded(a[i]) != folded(b[j]));
            unsigned best = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = best < change ? best : change;
        }
    }
    return row[n];
}

struct nearest {
    const char *wanted;
    unsigned best;
    char key[LONGEST + 1];
};

static void consider(struct nearest *n, const char *driver, const char *key)
{
    char full[LONGEST + 1];
    size_t front = driver ? strlen(driver) + 1 : 0, len = strlen(key);
    if (front + len > LONGEST)
        return;
    if (driver) {
        memcpy(full, driver, front - 1);
        full[front - 1] = '.';
    }
    memcpy(full + front, key, len + 1);
    unsigned d = distance(n->wanted, full);
    if (d < n->best) {
        n->best = d;
        memcpy(n->key, full, front + len + 1);
    }
}

static bool find_nearest(struct nearest *n, const migrate_driver *const *drivers, size_t n_drivers)
{
    size_t len = strlen(n->wanted);
    if (len > LONGEST)
        return false;
    /* A third of the letters may be wrong: beyond that a guess only confuses. */
    n->best = (unsigned)len / 3 + 2;
    for (size_t i = 0; migrate_option_at(i); i++)
        if (!strchr(migrate_option_key(migrate_option_at(i)), '.')) /* a driver's counts where the driver is */
            consider(n, NULL, migrate_option_key(migrate_option_at(i)));
    for (size_t i = 0; i < n_drivers; i++)
        for (size_t j = 0; drivers[i]->options && drivers[i]->options[j]; j++)
            consider(n, drivers[i]->name, drivers[i]->options[j]);
    return n->key[0] != '\0';
}

static void hint_driver_keys(migrate_error **err, const migrate_driver *driver)
{
    struct mig_buf keys = MIG_BUF_INIT;
    for (size_t i = 0; driver->options && driver->options[i]; i++)
        mig_buf_fmt(&keys, "%s%s.%s", i ? ", " : "", driver->name, driver->options[i]);
    if (keys.len && !keys.oom)
        mig_error_hint(err, "The driver knows %s.", mig_buf_text(&keys));
    else
        mig_error_hint(err, "The driver %s has no options of its own.", driver->name);
    mig_buf_free(&keys);
}

migrate_status mig_option_fail_unknown(const char *key, const migrate_driver *const *drivers,
                                       size_t n_drivers, migrate_error **err)
{
    struct nearest n = { .wanted = key };
    const migrate_driver *driver = driver_of(key, drivers, n_drivers);
    migrate_status status = mig_fail(err, MIGRATE_E_OPTION, "unknown option \"%s\"", key);
    if (find_nearest(&n, drivers, n_drivers))
        mig_error_hint(err, "Did you mean %s? `migrate help options` lists all options.", n.key);
    else if (driver)
        hint_driver_keys(err, driver);
    else if (mig_starts(MIGRATE_OPT_PLACEHOLDER, key) && *key)
        mig_error_hint(err, "The value of ${NAME} is set by placeholder.NAME.");
    else if (strchr(key, '.'))
        mig_error_hint(err,
                       "No driver of the name \"%.*s\" is registered: add it before its options are set.",
                       (int)strcspn(key, "."), key);
    return status;
}
