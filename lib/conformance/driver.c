/* SPDX-License-Identifier: Apache-2.0 */

/* The suite for drivers. */

#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the caller's struct holds, in one of our own size. */
static bool read_quirks(const migrate_driver_quirks *from, migrate_driver_quirks *to)
{
    if (!from || from->struct_size < offsetof(migrate_driver_quirks, url) + sizeof(from->url)) {
        return false;
    }
    memset(to, 0, sizeof(*to));
    memcpy(to, from, from->struct_size < sizeof(*to) ? from->struct_size : sizeof(*to));
    to->struct_size = sizeof(*to);
    return to->url != NULL;
}

/* "scheme://user:password@host": what must not be logged. */
static void find_password(const char *url, char *out, size_t size)
{
    const char *at = strstr(url, "://");
    const char *end = at ? strchr(at + 3, '@') : NULL;
    const char *colon = end ? memchr(at + 3, ':', (size_t)(end - at - 3)) : NULL;
    out[0] = '\0';
    if (colon) {
        snprintf(out, size, "%.*s", (int)(end - colon - 1), colon + 1);
    }
}

/* Is there a database at all, and what does it claim? The cases themselves open anew. */
static migrate_status look_at(struct mig_cf_db *db, migrate_error **err)
{
    struct mig_cf_conn *c = &db->a;
    c->db = db;
    db->suite->result = MIGRATE_CASE_PASSED;
    if (!mig_cf_open(c)) {
        char message[700];
        snprintf(message, sizeof(message), "the database to test with is not there: %s", db->suite->detail);
        return migrate_error_make(err, MIGRATE_E_CONNECT, message, "start it, or mend quirks.url");
    }
    if (mig_cf_has(db->driver, CF_MEMBER(info))) {
        migrate_info info = { .struct_size = sizeof(info) };
        migrate_error *failed = NULL;
        mig_cf_enter(&c->host);
        if (db->driver->info(c->conn, &info, &failed) == MIGRATE_OK) {
            db->caps = info.caps;
        }
        mig_cf_leave(&c->host);
        migrate_error_free(failed);
    }
    mig_cf_close(c);
    return MIGRATE_OK;
}

/* A driver without these cannot be run at all. */
static const char *unusable(const migrate_driver *d)
{
    if (d->struct_size < offsetof(migrate_driver, exec) + sizeof(d->exec)) {
        return "struct_size ends before exec";
    }
    if (d->api != MIGRATE_DRIVER_API) {
        return "api is not MIGRATE_DRIVER_API";
    }
    return d->open && d->close && d->exec ? NULL : "open, close or exec is NULL";
}

static void run_all(struct mig_cf_db *db)
{
#define RUN(name) mig_cf_run_cases(db, mig_cf_##name##_cases, mig_cf_##name##_cases_n)
    RUN(vtable);
    RUN(open);
    RUN(info);
    RUN(exec);
    RUN(params);
    RUN(failure);
    RUN(sizes);
    RUN(tx);
    RUN(batch);
    RUN(window);
    RUN(cancel);
    RUN(sever);
    RUN(lock);
    RUN(adopt);
    RUN(reset);
    RUN(split);
    RUN(object);
#undef RUN
}

migrate_status migrate_conformance_driver(const migrate_driver *driver, const migrate_driver_quirks *quirks,
                                          const char *only, migrate_case_fn fn, void *user,
                                          migrate_error **err)
{
    struct mig_cf_suite suite = { .only = only, .fn = fn, .user = user };
    migrate_driver_quirks known;
    if (!driver || !read_quirks(quirks, &known)) {
        return migrate_error_make(err, MIGRATE_E_ARGUMENT, "no driver, or quirks without struct_size or url",
                                  NULL);
    }
    if (unusable(driver)) {
        if (mig_cf_begin(&suite, "driver/vtable/usable")) {
            mig_cf_fail(&suite, "%s", unusable(driver));
            mig_cf_end(&suite, "driver/vtable/usable");
        }
        return mig_cf_verdict(&suite, err);
    }
    struct mig_cf_db *db = calloc(1, sizeof(*db));
    if (!db) {
        return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
    }
    db->suite = &suite;
    db->driver = driver;
    db->quirks = &known;
    find_password(known.url, db->password, sizeof(db->password));
    migrate_status status = look_at(db, err);
    if (status == MIGRATE_OK) {
        run_all(db);
        status = mig_cf_verdict(&suite, err);
    }
    free(db);
    return status;
}
