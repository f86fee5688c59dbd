/* SPDX-License-Identifier: Apache-2.0 */

/* The fake driver: locks, sessions, facts, objects, and its vtable. */

#include "fake_inner.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- session locks --------------------------------------------------------- */

static struct {
    pthread_mutex_t mutex;
    char key[32][400];
    char session[32][32];
} locks = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool same_key(const char *a, const char *b)
{
    return fake_broken(FAKE_LOCK_CASE_FOLDED) ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static int slot_of(const char *key)
{
    int i = 0;
    while (i < 32 && !(locks.session[i][0] && same_key(locks.key[i], key))) {
        i++;
    }
    return i;
}

void fake_locks_drop(const char *session)
{
    pthread_mutex_lock(&locks.mutex);
    for (int i = 0; i < 32; i++) {
        if (strcmp(locks.session[i], session) == 0) {
            locks.session[i][0] = '\0';
        }
    }
    pthread_mutex_unlock(&locks.mutex);
}

static void tell_holder(migrate_holder *holder, const char *session)
{
    static const char nobody[] = "fake-0";
    if (holder && MIGRATE_HAS(migrate_holder, holder, session_id)) {
        holder->session_id = fake_broken(FAKE_HOLDER_WRONG) ? nobody : session;
    }
}

static migrate_status take(struct fake *c, const char *key, migrate_holder *holder)
{
    migrate_status status = MIGRATE_OK;
    pthread_mutex_lock(&locks.mutex);
    int i = slot_of(key);
    if (i < 32) {
        bool own = strcmp(locks.session[i], c->session) == 0;
        status = own && fake_broken(FAKE_LOCK_REENTRANT) ? MIGRATE_OK : MIGRATE_BUSY;
        tell_holder(holder, locks.session[i]);
    }
    for (i = 0; i < 32 && status == MIGRATE_OK; i++) {
        if (!locks.session[i][0]) {
            snprintf(locks.key[i], sizeof(locks.key[i]), "%s", key);
            snprintf(locks.session[i], sizeof(locks.session[i]), "%s", c->session);
            break;
        }
    }
    pthread_mutex_unlock(&locks.mutex);
    return status;
}

migrate_status fake_try_lock(void *conn, const char *key, migrate_holder *holder, migrate_error **err)
{
    struct fake *c = conn;
    if (c->dead || c->severed) {
        return fake_lost(c, err);
    }
    migrate_status status = take(c, key, holder);
    if (fake_broken(FAKE_LOCK_IN_TX)) {
        fake_inner_sql(c, "BEGIN");
    }
    if (status == MIGRATE_BUSY && fake_broken(FAKE_LOCK_WAITS)) {
        struct timespec ts = { .tv_sec = 2 };
        nanosleep(&ts, NULL);
    }
    return status;
}

migrate_status fake_unlock(void *conn, const char *key, migrate_error **err)
{
    struct fake *c = conn;
    if (c->dead || c->severed) {
        return fake_lost(c, err);
    }
    pthread_mutex_lock(&locks.mutex);
    int i = slot_of(key);
    bool ours = i < 32 && strcmp(locks.session[i], c->session) == 0;
    if (ours) {
        locks.session[i][0] = '\0';
    }
    pthread_mutex_unlock(&locks.mutex);
    if (ours || fake_broken(FAKE_UNLOCK_LIES)) {
        return MIGRATE_OK;
    }
    fake_fault_of(c, MIGRATE_FAULT_OTHER, MIGRATE_E_LOCK_LOST, "the lock was not held");
    return fake_fail(c, err);
}

migrate_status fake_lock_holder(void *conn, const char *key, migrate_holder *holder, migrate_error **err)
{
    struct fake *c = conn;
    if (c->dead || c->severed) {
        return fake_lost(c, err);
    }
    pthread_mutex_lock(&locks.mutex);
    int i = slot_of(key);
    if (i < 32) {
        tell_holder(holder, locks.session[i]);
    }
    pthread_mutex_unlock(&locks.mutex);
    return i < 32 ? MIGRATE_OK : MIGRATE_DONE;
}

static migrate_status fake_session_state(void *conn, const char *session_id, uint32_t *out,
                                         migrate_error **err)
{
    struct fake *c = conn;
    if (c->dead || c->severed) {
        return fake_lost(c, err);
    }
    bool alive = fake_session_alive(session_id) || fake_broken(FAKE_SESSION_ALWAYS_ALIVE);
    *out = alive ? MIGRATE_SESSION_ALIVE : MIGRATE_SESSION_GONE;
    return MIGRATE_OK;
}

static migrate_status fake_session_end(void *conn, const char *session_id, migrate_error **err)
{
    struct fake *c = conn;
    if (c->dead || c->severed) {
        return fake_lost(c, err);
    }
    fake_sever(NULL, session_id);
    return MIGRATE_OK;
}

/* ---- facts ----------------------------------------------------------------- */

static migrate_status fake_info(void *conn, migrate_info *out, migrate_error **err)
{
    struct fake *c = conn;
    migrate_info own = { .struct_size = sizeof(own) };
    size_t size = out->struct_size;
    if (c->dead || c->severed) {
        return fake_lost(c, err);
    }
    migrate_status status = inner_driver()->info(c->inner, &own, NULL);
    if (status != MIGRATE_OK) {
        return fake_fail(c, err);
    }
    own.struct_size = size;
    own.caps |= MIGRATE_CAP_SESSION_LOCK | MIGRATE_CAP_BATCH_GROUPS | MIGRATE_CAP_SPLIT_SELF;
    own.caps &= ~fake_script.caps_without;
    own.product = "Fake";
    own.session_id = c->session;
    if (fake_broken(FAKE_CLAIMS)) {
        own.caps &= ~MIGRATE_CAP_TRANSACTION; /* DDL_ROLLBACK remains */
    }
    bool whole = size > sizeof(own) || fake_broken(FAKE_SHORT_INFO);
    memcpy(out, &own, whole ? sizeof(own) : size);
    return MIGRATE_OK;
}

static migrate_status fake_reset(void *conn, migrate_result *out, migrate_error **err)
{
    struct fake *c = conn;
    if (c->dead || c->severed) {
        out->outcome = MIGRATE_OUTCOME_NONE;
        return fake_lost(c, err);
    }
    if (fake_broken(FAKE_RESET_UNLOCKS)) {
        fake_locks_drop(c->session);
    }
    if (fake_broken(FAKE_RESET_KEEPS_TEMP)) {
        out->outcome = MIGRATE_OUTCOME_DONE;
        out->tx = MIGRATE_TX_NONE;
        return MIGRATE_OK;
    }
    migrate_status status = inner_driver()->reset(c->inner, out, NULL);
    return status == MIGRATE_OK ? status : fake_fail(c, err);
}

/* Behind the token at @p at, len + 1 when it may go on in text to come: quotes, comments, and single characters. */
static size_t behind(const char *text, size_t len, size_t at, bool *blank)
{
    char ch = text[at];
    bool line = len - at >= 2 && memcmp(text + at, "--", 2) == 0;
    bool block = len - at >= 2 && memcmp(text + at, "/*", 2) == 0;
    *blank = line || block || ch == ' ' || ch == '\n';
    if (line || ch == '\'' || ch == '"') {
        const char *end = memchr(text + at + 1, line ? '\n' : ch, len - at - 1);
        return end ? (size_t)(end - text) + 1 : len + 1;
    }
    if (block) {
        const char *end = memmem(text + at + 2, len - at - 2, "*/", 2);
        return end ? (size_t)(end - text) + 2 : len + 1;
    }
    return at + 1 == len && (ch == '-' || ch == '/') ? len + 1 : at + 1;
}

static void cut_right(const char *text, size_t len, bool at_end, size_t *used, size_t *stmt_at, size_t *stmt_len)
{
    size_t at = 0, begin = len, end = 0;
    bool blank;
    for (size_t next; at < len && text[at] != ';'; at = next) {
        next = behind(text, len, at, &blank);
        if (next > len && !at_end) {
            *used = *stmt_at = *stmt_len = 0;
            return;
        }
        next = next > len ? len : next;
        begin = begin == len && !blank ? at : begin;
        bool space = text[at] == ' ' || text[at] == '\n';
        end = begin == len || space || text[at] == '-' ? end : next;
    }
    *used = at < len ? at + 1 : at_end ? len : 0;
    *stmt_at = *used && begin < at ? begin : 0;
    *stmt_len = *used && begin < at ? end - begin : 0;
}

static migrate_status fake_split(void *conn, const char *text, size_t len, uint32_t at_end, size_t *used,
                                 size_t *stmt_at, size_t *stmt_len, migrate_error **err)
{
    (void)conn;
    (void)err;
    if (fake_broken(FAKE_SPLIT_NAIVE)) {
        const char *end = memchr(text, ';', len);
        *stmt_at = 0;
        *used = end ? (size_t)(end - text) + 1 : at_end ? len : 0;
        *stmt_len = end ? (size_t)(end - text) : *used;
        return MIGRATE_OK;
    }
    cut_right(text, len, at_end != 0, used, stmt_at, stmt_len);
    return MIGRATE_OK;
}

/* ---- objects --------------------------------------------------------------- */

/* The definition is its own digest. */
static migrate_status fake_fingerprint(void *conn, const migrate_object *object, const char **out_sql,
                                       uint32_t *proves, migrate_error **err)
{
    struct fake *c = conn;
    (void)err;
    if (fake_broken(FAKE_FINGERPRINT_CONSTANT)) {
        snprintf(c->expression, sizeof(c->expression), "'constant'");
    } else if (fake_broken(FAKE_FINGERPRINT_OF_ROWS)) {
        snprintf(c->expression, sizeof(c->expression),
                 "(SELECT COALESCE((SELECT sql || (SELECT COUNT(*) FROM conformance_a) FROM sqlite_master"
                 " WHERE name = '%.*s'), 'absent'))",
                 (int)object->name.len, object->name.data);
    } else {
        snprintf(c->expression, sizeof(c->expression),
                 "COALESCE((SELECT sql FROM sqlite_master WHERE name = '%.*s'), 'absent')",
                 (int)object->name.len, object->name.data);
    }
    *out_sql = c->expression;
    *proves = MIGRATE_PROVES_DEFINITION;
    return MIGRATE_OK;
}

static int32_t take_text(void *user, uint32_t n, const migrate_text *cols)
{
    struct fake *c = user;
    (void)n;
    free(c->describe);
    c->describe = strndup(cols[0].data, cols[0].len);
    return 0;
}

static migrate_status fake_describe(void *conn, const migrate_object *object, const char **out_text,
                                    migrate_error **err)
{
    struct fake *c = conn;
    migrate_text name = object->name;
    static const char sql[] = "SELECT sql FROM sqlite_master WHERE name = ?";
    migrate_stmt stmt = { .struct_size = sizeof(stmt),
                          .sql = sql,
                          .sql_len = sizeof(sql) - 1,
                          .n_params = 1,
                          .params = &name,
                          .on_row = take_text,
                          .on_row_user = c };
    migrate_result result = { .struct_size = sizeof(result) };
    free(c->describe);
    c->describe = NULL;
    migrate_status status = fake_run(c, &stmt, &result);
    if (!c->describe && fake_broken(FAKE_DESCRIBE_GUESSES)) {
        c->describe = strdup("CREATE TABLE something ()");
    }
    *out_text = c->describe;
    return status == MIGRATE_OK ? status : fake_fail(c, err);
}

static const char *const schemes[] = { "fake", NULL };
static const char *const options[] = { "delay", NULL };

const migrate_driver *fake_driver(void)
{
    static const migrate_driver driver = {
        .struct_size = sizeof(migrate_driver),
        .api = MIGRATE_DRIVER_API,
        .dialect = MIGRATE_DIALECT_SQLITE,
        .name = "fake",
        .schemes = schemes,
        .options = options,
        .open = fake_open,
        .close = fake_close,
        .exec = fake_exec,
        .info = fake_info,
        .adopt = fake_adopt,
        .exec_batch = fake_exec_batch,
        .try_lock = fake_try_lock,
        .unlock = fake_unlock,
        .lock_holder = fake_lock_holder,
        .session_state = fake_session_state,
        .session_end = fake_session_end,
        .fingerprint = fake_fingerprint,
        .describe = fake_describe,
        .reset = fake_reset,
        .split = fake_split,
    };
    return &driver;
}
