/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

#include "core/error_object.h"
#include "core/secrets.h"
#include "core/status.h"
#include "util/mem.h"

/* Handed out when there is no memory for another. Nothing writes to it: whatever adds to an error looks at
 * `fixed` first. */
static const struct migrate_error nomem_error = { .status = MIGRATE_E_NOMEM, .fixed = true };

/* The error that may be added to, or NULL. */
static struct migrate_error *own(migrate_error **err)
{
    return err && *err && !(*err)->fixed ? *err : NULL;
}

static void forget_made(struct migrate_error *e)
{
    mig_buf_free(&e->made->text);
    mig_buf_free(&e->made->json);
}

/* Puts @p text, which it takes over, in the place of an earlier one; without memory that stays. */
static void put(struct migrate_error *e, char **slot, char *text)
{
    if (!text)
        return;
    free(*slot);
    *slot = text;
    forget_made(e);
}

/* A message is one line, whatever the server's looks like: line ends and the blanks after them become one
 * blank. */
static void one_line(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        if (*from != '\n' && *from != '\r') {
            *to++ = *from++;
            continue;
        }
        from += strspn(from, " \t\r\n");
        while (to > text && to[-1] == ' ')
            to--;
        if (*from && to > text)
            *to++ = ' ';
    }
    *to = '\0';
}

/* Takes @p message over. */
static migrate_error *make(migrate_status status, char *message)
{
    /* One block: the renderings' place must not be what is missing later. */
    struct box {
        struct migrate_error error;
        struct mig_error_made made;
    } *box = message ? calloc(1, sizeof *box) : NULL;
    if (!box) {
        free(message);
        return (migrate_error *)(uintptr_t)&nomem_error;
    }
    one_line(message);
    box->error.status = status;
    box->error.message = message;
    box->error.made = &box->made;
    return &box->error;
}

migrate_status mig_fail(migrate_error **err, migrate_status status, const char *fmt, ...)
{
    if (!err)
        return status;
    va_list args;
    va_start(args, fmt);
    *err = make(status, mig_vsprintf(fmt, args));
    va_end(args);
    return (*err)->status;
}

migrate_status mig_fail_nomem(migrate_error **err)
{
    if (err)
        *err = (migrate_error *)(uintptr_t)&nomem_error;
    return MIGRATE_E_NOMEM;
}

migrate_status mig_fail_diag(migrate_error **err, struct mig_diag *diag)
{
    migrate_status status = diag->message ? diag->status : MIGRATE_E_NOMEM;
    if (status == MIGRATE_E_NOMEM) {
        mig_diag_free(diag);
        return mig_fail_nomem(err);
    }
    if (err) {
        *err = make(status, diag->message);
        diag->message = NULL;
        status = (*err)->status;
    }
    struct migrate_error *e = own(err);
    if (e) {
        put(e, &e->hint, diag->hint);
        put(e, &e->path, diag->path);
        diag->hint = diag->path = NULL;
        e->line = diag->line;
        e->column = diag->column;
        e->statement = diag->statement;
    }
    mig_diag_free(diag);
    return status;
}

migrate_status mig_fault_status(uint32_t klass)
{
    switch (klass) {
    case MIGRATE_FAULT_RETRY_TX:
    case MIGRATE_FAULT_RETRY_STMT:
    case MIGRATE_FAULT_LOCK_TIMEOUT:
        return MIGRATE_E_LOCKED;
    case MIGRATE_FAULT_CONN_LOST:
        return MIGRATE_E_CONN_LOST;
    case MIGRATE_FAULT_READ_ONLY:
        return MIGRATE_E_READ_ONLY;
    case MIGRATE_FAULT_UNAVAILABLE:
        return MIGRATE_E_UNAVAILABLE;
    case MIGRATE_FAULT_AUTH:
        return MIGRATE_E_AUTH;
    case MIGRATE_FAULT_DENIED:
        return MIGRATE_E_DENIED;
    case MIGRATE_FAULT_DISK_FULL:
        return MIGRATE_E_DISK_FULL;
    case MIGRATE_FAULT_TOO_LARGE:
        return MIGRATE_E_TOO_LARGE;
    case MIGRATE_FAULT_NO_DB:
        return MIGRATE_E_NO_DATABASE;
    case MIGRATE_FAULT_CANCELLED:
        return MIGRATE_E_CANCELLED;
    default:
        return MIGRATE_E_SQL;
    }
}

migrate_status mig_fail_fault(migrate_error **err, const migrate_fault *fault)
{
    /* A driver of an older or newer library: only what lies inside its struct is looked at. */
    migrate_fault f = { 0 };
    size_t size = fault->struct_size < sizeof f ? fault->struct_size : sizeof f;
    memcpy(&f, fault, size);
    migrate_status status = f.status ? f.status : mig_fault_status(f.klass);
    if (f.message && *f.message)
        status = mig_fail(err, status, "%s", f.message);
    else
        status = mig_fail(err, status, "%s", migrate_status_text(status));
    struct migrate_error *e = own(err);
    if (!e)
        return status;
    e->fault = f.klass;
    e->offset = f.offset;
    e->code = f.native_code;
    if (f.sqlstate)
        (void)strncat(e->sqlstate, f.sqlstate, sizeof e->sqlstate - 1);
    if (f.hint && *f.hint)
        put(e, &e->hint, mig_strdup(f.hint));
    return status;
}

migrate_status migrate_error_make(migrate_error **err, migrate_status status, const char *message,
                                  const char *hint)
{
    if (MIGRATE_STATUS_CLASS(status) < MIGRATE_CLASS_CALLER)
        status = MIGRATE_E_CALLBACK; /* an error that says "done" would be believed */
    status = mig_fail(err, status, "%s", message && *message ? message : migrate_status_text(status));
    if (hint && *hint)
        mig_error_hint(err, "%s", hint);
    return status;
}

/* ---- adding ---------------------------------------------------------------- */

void mig_error_hint(migrate_error **err, const char *fmt, ...)
{
    struct migrate_error *e = own(err);
    if (!e || e->hint)
        return;
    va_list args;
    va_start(args, fmt);
    put(e, &e->hint, mig_vsprintf(fmt, args));
    va_end(args);
}

void mig_error_state(migrate_error **err, const char *fmt, ...)
{
    struct migrate_error *e = own(err);
    if (!e)
        return;
    va_list args;
    va_start(args, fmt);
    put(e, &e->state, mig_vsprintf(fmt, args));
    va_end(args);
}

void mig_error_prefix(migrate_error **err, const char *fmt, ...)
{
    struct migrate_error *e = own(err);
    if (!e)
        return;
    va_list args;
    va_start(args, fmt);
    char *front = mig_vsprintf(fmt, args);
    va_end(args);
    put(e, &e->message, front ? mig_sprintf("%s: %s", front, e->message) : NULL);
    one_line(e->message);
    free(front);
}

void mig_error_version(migrate_error **err, const char *version)
{
    struct migrate_error *e = own(err);
    if (e && !e->version)
        put(e, &e->version, mig_strdup(version));
}

void mig_error_path(migrate_error **err, const char *path)
{
    struct migrate_error *e = own(err);
    if (e && !e->path)
        put(e, &e->path, mig_strdup(path));
}

void mig_error_status(migrate_error **err, migrate_status status)
{
    struct migrate_error *e = own(err);
    if (!e)
        return;
    e->status = status;
    forget_made(e);
}

void mig_error_place(migrate_error **err, const struct mig_place *place)
{
    struct migrate_error *e = own(err);
    if (!e)
        return;
    mig_error_version(err, place->version);
    mig_error_path(err, place->path);
    if (e->statement == 0)
        e->statement = place->statement;
    if (e->line == 0)
        mig_error_excerpt(e, place, e->offset);
    forget_made(e);
}

void mig_error_add_cause(migrate_error **err, migrate_error *cause)
{
    struct migrate_error *last = own(err);
    while (last && last->cause)
        last = own(&last->cause);
    if (!last) {
        migrate_error_free(cause);
        return;
    }
    last->cause = cause;
    for (struct migrate_error *e = *err; e != cause; e = e->cause)
        forget_made(e);
}

void mig_error_mask(migrate_error *err, const struct mig_secrets *secrets)
{
    for (struct migrate_error *e = err; e && !e->fixed; e = e->cause) {
        mig_secrets_hide(secrets, e->message);
        mig_secrets_hide(secrets, e->hint);
        mig_secrets_hide(secrets, e->state);
        mig_secrets_hide(secrets, e->version);
        mig_secrets_hide(secrets, e->path);
        for (uint32_t i = 0; i < e->n_lines; i++)
            mig_secrets_hide(secrets, e->lines[i].text);
        forget_made(e);
    }
}

/* ---- life ------------------------------------------------------------------ */

void migrate_error_free(migrate_error *err)
{
    while (err && !err->fixed) {
        migrate_error *cause = err->cause;
        forget_made(err);
        free(err->message);
        free(err->hint);
        free(err->state);
        free(err->version);
        free(err->path);
        for (uint32_t i = 0; i < err->n_lines; i++)
            free(err->lines[i].text);
        free(err);
        err = cause;
    }
}

/* true when @p from was NULL or its copy is in *@p to. */
static bool copy_text(char **to, const char *from)
{
    *to = mig_strdup(from);
    return *to || !from;
}

static bool copy_texts(struct migrate_error *to, const struct migrate_error *from)
{
    bool done = copy_text(&to->hint, from->hint) && copy_text(&to->state, from->state) &&
                copy_text(&to->version, from->version) && copy_text(&to->path, from->path);
    for (; done && to->n_lines < from->n_lines; to->n_lines++) {
        to->lines[to->n_lines] = from->lines[to->n_lines];
        to->lines[to->n_lines].text = NULL;
        done = copy_text(&to->lines[to->n_lines].text, from->lines[to->n_lines].text);
    }
    return done;
}

migrate_error *mig_error_copy(const migrate_error *err)
{
    if (!err)
        return NULL;
    if (err->fixed)
        return (migrate_error *)(uintptr_t)&nomem_error;
    migrate_error *copy = make(err->status, mig_strdup(err->message));
    if (copy->fixed)
        return copy;
    copy->fault = err->fault;
    copy->offset = err->offset;
    copy->code = err->code;
    memcpy(copy->sqlstate, err->sqlstate, sizeof copy->sqlstate);
    copy->line = err->line;
    copy->column = err->column;
    copy->statement = err->statement;
    copy->caret = err->caret;
    if (!copy_texts(copy, err)) {
        migrate_error_free(copy);
        return (migrate_error *)(uintptr_t)&nomem_error;
    }
    copy->cause = mig_error_copy(err->cause);
    return copy;
}
