/* SPDX-License-Identifier: Apache-2.0 */

/* A driver whose server is SQLite by its own driver: opening, sessions and statements. */

#include "fake_inner.h"

#include <migrate/error.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_script fake_script;

bool fake_broken(enum fake_breach breach)
{
    return fake_script.breach == breach;
}

/* ---- the server's sessions ------------------------------------------------- */

static struct {
    pthread_mutex_t mutex;
    struct fake *open[64];
    uint64_t next;
} server = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void enter_session(struct fake *c)
{
    pthread_mutex_lock(&server.mutex);
    snprintf(c->session, sizeof(c->session), "fake-%llu", (unsigned long long)++server.next);
    for (size_t i = 0; i < 64; i++) {
        if (!server.open[i]) {
            server.open[i] = c;
            break;
        }
    }
    pthread_mutex_unlock(&server.mutex);
}

static void leave_session(struct fake *c)
{
    pthread_mutex_lock(&server.mutex);
    for (size_t i = 0; i < 64; i++) {
        if (server.open[i] == c) {
            server.open[i] = NULL;
        }
    }
    pthread_mutex_unlock(&server.mutex);
}

bool fake_session_alive(const char *session)
{
    bool alive = false;
    pthread_mutex_lock(&server.mutex);
    for (size_t i = 0; i < 64; i++) {
        alive = alive ||
                (server.open[i] && !server.open[i]->severed && strcmp(server.open[i]->session, session) == 0);
    }
    pthread_mutex_unlock(&server.mutex);
    return alive;
}

migrate_status fake_sever(void *user, const char *session_id)
{
    migrate_status status = MIGRATE_E_LOCK_LOST;
    (void)user;
    pthread_mutex_lock(&server.mutex);
    for (size_t i = 0; i < 64; i++) {
        if (server.open[i] && strcmp(server.open[i]->session, session_id) == 0) {
            server.open[i]->severed = true;
            status = MIGRATE_OK;
        }
    }
    pthread_mutex_unlock(&server.mutex);
    if (status == MIGRATE_OK && !fake_broken(FAKE_LOCK_OUTLIVES)) {
        fake_locks_drop(session_id);
    }
    return status;
}

/* ---- the host that the inner driver sees ------------------------------------- */

static void keep(char *to, size_t size, const char *from, const char **out)
{
    snprintf(to, size, "%s", from ? from : "");
    *out = from ? to : NULL;
}

/* Kept, not passed on: what is told of it is for us to decide. */
static migrate_status inner_fail(const migrate_host *host, migrate_error **err, const migrate_fault *fault)
{
    struct fake *c = host->self;
    (void)err;
    c->fault = *fault;
    c->fault.struct_size = sizeof(c->fault);
    c->fault.detail = NULL;
    c->fault.sqlstate = NULL;
    keep(c->message, sizeof(c->message), fault->message, &c->fault.message);
    keep(c->hint, sizeof(c->hint), fault->hint, &c->fault.hint);
    keep(c->object, sizeof(c->object), fault->object, &c->fault.object);
    return fault->status ? fault->status : MIGRATE_E_SQL;
}

static const char *inner_option(const migrate_host *host, const char *key)
{
    const struct fake *c = host->self;
    if (strcmp(key, "synchronous") == 0) {
        return "off"; /* nothing pulls the plug here */
    }
    return strcmp(key, "lock_timeout") == 0 ? c->host->option(c->host, key) : NULL;
}

static migrate_status inner_tick(const migrate_host *host)
{
    struct fake *c = host->self;
    if (c->severed) {
        return MIGRATE_E_CONN_LOST;
    }
    if (fake_broken(FAKE_NO_TICK) || !MIGRATE_HAS(migrate_host, c->host, tick)) {
        return MIGRATE_OK;
    }
    migrate_status status = c->host->tick(c->host);
    if (fake_broken(FAKE_SPURIOUS_CANCEL) && c->polled) {
        status = MIGRATE_E_CANCELLED;
    }
    return status && fake_broken(FAKE_CANCEL_STATUS) ? MIGRATE_E_STOPPED : status;
}

static int32_t inner_cancel_fd(const migrate_host *host)
{
    const struct fake *c = host->self;
    bool deaf = fake_broken(FAKE_NO_TICK) || !MIGRATE_HAS(migrate_host, c->host, cancel_fd);
    return deaf ? -1 : c->host->cancel_fd(c->host);
}

static void make_inner_host(struct fake *c)
{
    c->inner_host = (migrate_host){
        .struct_size = sizeof(migrate_host),
        .self = c,
        .fail = inner_fail,
        .option = inner_option,
        .tick = inner_tick,
        .cancel_fd = inner_cancel_fd,
    };
}

/* ---- failures -------------------------------------------------------------- */

/* What UTF-8 makes of a byte offset where characters are counted. */
static uint64_t characters_before(const char *sql, uint64_t bytes)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < bytes; i++) {
        n += ((unsigned char)sql[i] & 0xc0) != 0x80;
    }
    return n;
}

void fake_distort(struct fake *c, const char *sql)
{
    static const char newline[] = "a message with a newline\n";
    if (fake_broken(FAKE_WRONG_CLASS) && c->fault.klass != MIGRATE_FAULT_CONN_LOST) {
        c->fault.klass = MIGRATE_FAULT_OTHER;
        c->fault.status = MIGRATE_E_SQL;
    }
    if (fake_broken(FAKE_WRONG_OFFSET) && c->fault.offset) {
        c->fault.offset++;
    }
    if (fake_broken(FAKE_CHARACTER_OFFSET) && c->fault.offset && sql) {
        c->fault.offset = characters_before(sql, c->fault.offset - 1) + 1;
    }
    if (fake_broken(FAKE_NEWLINE)) {
        c->fault.message = newline;
    }
}

migrate_status fake_fail(struct fake *c, migrate_error **err)
{
    if (fake_broken(FAKE_NO_ERROR)) {
        c->host->fail(c->host, NULL, &c->fault);
        return MIGRATE_E_SQL;
    }
    migrate_status status = c->host->fail(c->host, err, &c->fault);
    return fake_broken(FAKE_OTHER_STATUS) ? MIGRATE_E_INTERNAL : status;
}

void fake_fault_of(struct fake *c, uint32_t klass, migrate_status status, const char *message)
{
    c->fault = (migrate_fault){
        .struct_size = sizeof(c->fault), .klass = klass, .status = status, .native_code = 1
    };
    keep(c->message, sizeof(c->message), message, &c->fault.message);
}

migrate_status fake_lost(struct fake *c, migrate_error **err)
{
    fake_fault_of(c, MIGRATE_FAULT_CONN_LOST, 0, "the server closed the connection");
    return fake_fail(c, err);
}

/* The server rolls back what the lost session had open. */
void fake_die(struct fake *c)
{
    if (!c->dead && c->inner) {
        inner_driver()->close(c->inner);
        c->inner = NULL;
    }
    c->dead = true;
    if (!fake_broken(FAKE_LOCK_OUTLIVES)) {
        fake_locks_drop(c->session);
    }
}

/* ---- open and close -------------------------------------------------------- */

static migrate_status ask_credentials(struct fake *c, migrate_error **err)
{
    migrate_credentials cred = { .struct_size = sizeof(cred) };
    if (!MIGRATE_HAS(migrate_host, c->host, credentials) || !c->host->credentials) {
        return MIGRATE_OK;
    }
    migrate_error *own = NULL;
    migrate_status status = c->host->credentials(c->host, MIGRATE_CRED_FIRST, &cred, &own);
    if (cred.release && !fake_broken(FAKE_CREDENTIALS_KEPT)) {
        cred.release(&cred);
    }
    if (status == MIGRATE_OK || fake_broken(FAKE_CREDENTIALS_IGNORED)) {
        migrate_error_free(own);
        return MIGRATE_OK;
    }
    *err = own;
    return status;
}

/* "fake://user:password@/FILE" and "fake:FILE" as the inner driver takes it. */
static void inner_url(const char *url, char *out, size_t size)
{
    const char *at = strstr(url, "://");
    const char *user = at ? strchr(at + 3, '@') : NULL;
    const char *colon = strchr(url, ':');
    snprintf(out, size, "sqlite:%s", user ? user + 1 : colon ? colon + 1 : url);
}

static void *log_from_thread(void *user)
{
    struct fake *c = user;
    c->host->option(c->host, "fake.delay");
    return NULL;
}

static void chatter(const struct fake *c, const char *url)
{
    pthread_t thread;
    if (fake_broken(FAKE_PASSWORD_LOGGED) && MIGRATE_HAS(migrate_host, c->host, log)) {
        c->host->log(c->host, MIGRATE_LOG_DEBUG, url);
    }
    if (fake_broken(FAKE_UNKNOWN_OPTION)) {
        c->host->option(c->host, "fake.secret_sauce");
    }
    if (fake_broken(FAKE_OTHER_THREAD) &&
        pthread_create(&thread, NULL, log_from_thread, (void *)(uintptr_t)c) == 0) {
        pthread_join(thread, NULL);
    }
}

static migrate_status connect_inner(struct fake *c, const char *url, migrate_error **err)
{
    char inner[700];
    uint64_t n = ++fake_script.opens;
    if (fake_script.fault == FAKE_OPEN_REFUSED &&
        (n == fake_script.at || (fake_script.again && n >= fake_script.at))) {
        fake_script.met++;
        fake_fault_of(c, fake_script.klass, 0, "the server refuses connections");
        return fake_fail(c, err);
    }
    inner_url(url, inner, sizeof(inner));
    migrate_status status = inner_driver()->open(&c->inner_host, inner, &c->inner, NULL);
    return status == MIGRATE_OK ? status : fake_fail(c, err);
}

migrate_status fake_open(const migrate_host *host, const char *url, void **out_conn, migrate_error **err)
{
    struct fake *c = calloc(1, sizeof(*c));
    migrate_error *own = NULL;
    if (!c) {
        return MIGRATE_E_NOMEM;
    }
    c->host = host;
    make_inner_host(c);
    chatter(c, url);
    migrate_status status = ask_credentials(c, &own);
    if (status == MIGRATE_OK) {
        status = connect_inner(c, url, &own);
    }
    if (status != MIGRATE_OK) {
        if (fake_broken(FAKE_OUT_TOUCHED)) {
            *out_conn = NULL;
        }
        if (err) {
            *err = own;
        }
        free(c);
        return status;
    }
    enter_session(c);
    *out_conn = c;
    return MIGRATE_OK;
}

void fake_close(void *conn)
{
    struct fake *c = conn;
    if (!c) {
        return;
    }
    if (fake_broken(FAKE_CLOSE_COMMITS) && c->inner) {
        fake_inner_sql(c, "COMMIT");
    }
    if (!fake_broken(FAKE_LOCK_OUTLIVES)) {
        fake_locks_drop(c->session);
    }
    if (c->inner) {
        inner_driver()->close(c->inner);
    }
    if (c->native && fake_broken(FAKE_ADOPT_KEEPS_TX)) {
        sqlite3_exec(c->native, "BEGIN", NULL, NULL, NULL);
    }
    leave_session(c);
    free(c->describe);
    free(c);
}

void *fake_native_open(void *user)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(user, &db) != SQLITE_OK) {
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

void fake_native_close(void *user, void *native)
{
    (void)user;
    sqlite3_close(native);
}

migrate_status fake_adopt(const migrate_host *host, void *native, void **out_conn, migrate_error **err)
{
    struct fake *c = calloc(1, sizeof(*c));
    if (!c) {
        return MIGRATE_E_NOMEM;
    }
    c->host = host;
    c->native = native;
    make_inner_host(c);
    migrate_status status = inner_driver()->adopt(&c->inner_host, native, &c->inner, NULL);
    if (status == MIGRATE_E_MISUSE && fake_broken(FAKE_ADOPT_IN_TX)) {
        sqlite3_exec(native, "COMMIT", NULL, NULL, NULL);
        status = inner_driver()->adopt(&c->inner_host, native, &c->inner, NULL);
    }
    if (status != MIGRATE_OK) {
        status = fake_fail(c, err);
        free(c);
        return status;
    }
    enter_session(c);
    *out_conn = c;
    return MIGRATE_OK;
}
