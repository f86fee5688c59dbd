/* SPDX-License-Identifier: Apache-2.0 */

/* The driver's own struct, and opening and closing. */

#include "probe.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static bool is_lower_word(const char *text, const char *also)
{
    if (!text || !*text) {
        return false;
    }
    for (; *text; text++) {
        bool letter = (*text >= 'a' && *text <= 'z') || (*text >= '0' && *text <= '9');
        if (!letter && !strchr(also, *text)) {
            return false;
        }
    }
    return true;
}

static void vtable_names(struct mig_cf_db *db)
{
    const migrate_driver *d = db->driver;
    CF_CHECK(db->suite, is_lower_word(d->name, "_"), "name '%s' is not of a-z, 0-9 and _",
             d->name ? d->name : "NULL");
    CF_CHECK(db->suite, d->schemes && d->schemes[0], "no URL scheme");
    for (size_t i = 0; d->schemes[i]; i++) {
        CF_CHECK(db->suite, is_lower_word(d->schemes[i], "+-."), "scheme '%s' is no scheme in lower case",
                 d->schemes[i]);
    }
    for (size_t i = 0; d->options && d->options[i]; i++) {
        CF_CHECK(db->suite, *d->options[i], "an option has an empty key");
    }
    CF_CHECK(db->suite, d->dialect <= MIGRATE_DIALECT_SQLITE, "dialect %u does not exist", d->dialect);
}

static void vtable_pairs(struct mig_cf_db *db)
{
    const migrate_driver *d = db->driver;
    bool begin = mig_cf_has(d, CF_MEMBER(begin));
    CF_CHECK(db->suite,
             begin == mig_cf_has(d, CF_MEMBER(commit)) && begin == mig_cf_has(d, CF_MEMBER(rollback)),
             "begin, commit and rollback come together or not at all");
    CF_CHECK(db->suite, mig_cf_has(d, CF_MEMBER(try_lock)) == mig_cf_has(d, CF_MEMBER(unlock)),
             "try_lock and unlock come together or not at all");
}

static void claim(struct mig_cf_db *db, uint64_t cap, size_t member, const char *what)
{
    if ((db->caps & cap) && !mig_cf_has(db->driver, member)) {
        mig_cf_fail(db->suite, "%s is claimed and the member is NULL", what);
    }
}

static void vtable_claims(struct mig_cf_db *db)
{
    claim(db, MIGRATE_CAP_SESSION_LOCK, CF_MEMBER(try_lock), "MIGRATE_CAP_SESSION_LOCK");
    claim(db, MIGRATE_CAP_BATCH_GROUPS, CF_MEMBER(exec_batch), "MIGRATE_CAP_BATCH_GROUPS");
    claim(db, MIGRATE_CAP_SPLIT_SELF, CF_MEMBER(split), "MIGRATE_CAP_SPLIT_SELF");
    CF_CHECK(db->suite, !(db->caps & MIGRATE_CAP_DDL_ROLLBACK) || (db->caps & MIGRATE_CAP_TRANSACTION),
             "MIGRATE_CAP_DDL_ROLLBACK is claimed without MIGRATE_CAP_TRANSACTION");
    CF_CHECK(db->suite, db->caps < (MIGRATE_CAP_SPLIT_SELF << 1), "capabilities that do not exist: %llx",
             (unsigned long long)db->caps);
}

const struct mig_cf_case mig_cf_vtable_cases[] = {
    { .name = "driver/vtable/names", .body = vtable_names, .flags = CF_CLOSED },
    { .name = "driver/vtable/pairs", .body = vtable_pairs, .flags = CF_CLOSED },
    { .name = "driver/vtable/claims", .body = vtable_claims, .flags = CF_CLOSED },
};
CF_CASES(vtable);

/* ---- open ------------------------------------------------------------------ */

static void open_close(struct mig_cf_db *db)
{
    mig_cf_enter(&db->a.host); /* whatever it calls counts as inside */
    db->driver->close(NULL);
    mig_cf_leave(&db->a.host);
    for (int i = 0; i < 3; i++) {
        if (!mig_cf_open(&db->a) || !mig_cf_expect(&db->a, "SELECT 1", "1\n")) {
            return;
        }
        mig_cf_close(&db->a);
    }
}

static void open_credentials(struct mig_cf_db *db)
{
    const struct mig_cf_host *h = &db->a.host;
    if (!h->asked_credentials) {
        mig_cf_skip(db->suite, "the driver asks for no credentials");
        return;
    }
    CF_CHECK(db->suite, h->first_reason == MIGRATE_CRED_FIRST,
             "credentials were asked for with reason %u, not FIRST", h->first_reason);
    CF_CHECK(db->suite, h->released_credentials == h->asked_credentials,
             "credentials were given %u times and released %u times before open() returned",
             h->asked_credentials, h->released_credentials);
}

/* Opens what must not open. */
static void must_refuse(struct mig_cf_db *db, const char *url, bool refuse_credentials)
{
    struct mig_cf_conn *c = &db->b;
    char untouched;
    void *conn = &untouched;
    migrate_error *err = NULL;
    CF_CHECK(db->suite, mig_cf_host_init(&c->host, db->quirks->options, sizeof(migrate_host)),
             "no descriptor left");
    c->host.refuse_credentials = refuse_credentials;
    c->host.password = db->password;
    mig_cf_enter(&c->host);
    migrate_status status = db->driver->open(&c->host.vt, url, &conn, &err);
    mig_cf_watch(c, "open()", status, err);
    mig_cf_host_done(&c->host);
    CF_CHECK(db->suite, status >= 100, "open() of %s succeeded",
             refuse_credentials ? "a database whose credentials were refused" : url);
    CF_CHECK(db->suite, conn == &untouched, "a failed open() touched *out_conn");
}

static void open_no_credentials(struct mig_cf_db *db)
{
    if (!db->a.host.asked_credentials) {
        mig_cf_skip(db->suite, "the driver asks for no credentials");
        return;
    }
    must_refuse(db, db->quirks->url, true);
    CF_CHECK(db->suite, db->b.status == MIGRATE_E_CALLBACK,
             "credentials() failed with E_CALLBACK, open() with %s", migrate_status_name(db->b.status));
}

static void open_bad_url(struct mig_cf_db *db)
{
    char url[100];
    snprintf(url, sizeof(url), "%s://%%zz", db->driver->schemes[0]);
    must_refuse(db, url, false);
}

static void open_two(struct mig_cf_db *db)
{
    if (!mig_cf_open(&db->b) || !mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'x')")) {
        return;
    }
    mig_cf_expect(&db->b, "SELECT id, v FROM conformance_a", "1|x\n");
}

static void open_close_in_transaction(struct mig_cf_db *db)
{
    CF_CHECK(db->suite, mig_cf_begin_tx(&db->a) == MIGRATE_OK, "BEGIN: %s", migrate_error_message(db->a.err));
    if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'x')")) {
        return;
    }
    mig_cf_close(&db->a);
    if (mig_cf_open(&db->b)) {
        mig_cf_expect(&db->b, "SELECT COUNT(*) FROM conformance_a", "0\n");
    }
}

/* A host of the first library that ever was: everything after option() is not there. */
static void open_short_host(struct mig_cf_db *db)
{
    if (!mig_cf_open_sized(&db->a, db->quirks->options, offsetof(migrate_host, log))) {
        return;
    }
    mig_cf_expect(&db->a, "SELECT 1", "1\n");
    mig_cf_sql(&db->a, db->quirks->sql_bad ? db->quirks->sql_bad : "SELECT FROM WHERE");
}

struct other_thread {
    struct mig_cf_db *db;
    struct mig_cf_conn *conn;
};

static void *run_some(void *user)
{
    struct other_thread *t = user;
    for (int i = 0; i < 20; i++) {
        if (mig_cf_sql(t->conn, "SELECT 1") != MIGRATE_OK || strcmp(t->conn->rows, "1\n") != 0) {
            mig_cf_breach(&t->conn->host, "SELECT 1 on another thread: %s",
                          t->conn->err ? migrate_error_message(t->conn->err) : t->conn->rows);
            break;
        }
    }
    return NULL;
}

static void open_other_thread(struct mig_cf_db *db)
{
    struct other_thread t = { db, &db->a };
    pthread_t thread;
    CF_CHECK(db->suite, pthread_create(&thread, NULL, run_some, &t) == 0, "no thread for the suite");
    pthread_join(thread, NULL);
    mig_cf_expect(&db->a, "SELECT 2", "2\n");
}

static void open_two_threads(struct mig_cf_db *db)
{
    struct other_thread t = { db, &db->b };
    pthread_t thread;
    if (!mig_cf_open(&db->b)) {
        return;
    }
    CF_CHECK(db->suite, pthread_create(&thread, NULL, run_some, &t) == 0, "no thread for the suite");
    run_some(&(struct other_thread){ db, &db->a });
    pthread_join(thread, NULL);
}

const struct mig_cf_case mig_cf_open_cases[] = {
    { .name = "driver/open/close", .body = open_close, .flags = CF_CLOSED },
    { .name = "driver/open/credentials-released", .body = open_credentials },
    { .name = "driver/open/credentials-refused", .body = open_no_credentials },
    { .name = "driver/open/bad-url", .body = open_bad_url },
    { .name = "driver/open/two-connections", .body = open_two, .flags = CF_TABLE | CF_SECOND },
    { .name = "driver/open/close-in-transaction",
      .body = open_close_in_transaction,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_TABLE | CF_SECOND },
    { .name = "driver/open/short-host", .body = open_short_host, .flags = CF_CLOSED },
    { .name = "driver/open/other-thread", .body = open_other_thread },
    { .name = "driver/open/two-threads", .body = open_two_threads, .flags = CF_SECOND },
};
CF_CASES(open);
