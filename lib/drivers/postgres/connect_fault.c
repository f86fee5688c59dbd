/* SPDX-License-Identifier: Apache-2.0 */

/* Why a connection could not be opened. libpq keeps no result of a refusal, only text; with verbose messages
 * the text holds the SQLSTATE. */

#include <string.h>

#include "pg.h"
#include "util/text.h"

static bool is_state_char(char c)
{
    return mig_is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* Finds the last "SEVERITY:  28P01: words" of @p text. The severity may be in any language. */
static const char *find_state(const char *text, char state[6])
{
    const char *found = NULL;
    for (const char *s = strstr(text, ":  "); s; s = strstr(s + 1, ":  ")) {
        size_t n = 0;
        while (n < 5 && is_state_char(s[3 + n]))
            n++;
        if (n < 5 || s[8] != ':' || s[9] != ' ')
            continue;
        memcpy(state, s + 3, 5);
        state[5] = '\0';
        found = s + 10;
    }
    return found;
}

static const char hint_tls[] = "the server offers no TLS: enable it there, or use sslmode=prefer or disable";

/* Failures before the server said anything, by libpq's words. The class says which of them may pass by
 * themselves when it is a connection that was there before. */
static void client_side(const char *text, migrate_fault *f)
{
    f->status = MIGRATE_E_CONNECT;
    f->klass = MIGRATE_FAULT_CONN_LOST;
    f->hint = "check host, port and that the server is running";
    if (strstr(text, "no password supplied")) {
        f->status = 0;
        f->klass = MIGRATE_FAULT_AUTH;
        f->hint = "give a password in the URL, in PGPASSFILE, or by the credentials callback";
    } else if (strstr(text, "session is read-only") || strstr(text, "is in hot standby")) {
        f->status = MIGRATE_E_READ_ONLY;
        f->hint = "none of the hosts is the writer now";
    } else if (strstr(text, "does not support SSL")) {
        f->klass = MIGRATE_FAULT_OTHER;
        f->hint = hint_tls;
    } else if (strstr(text, "certificate")) {
        f->klass = MIGRATE_FAULT_OTHER;
        f->hint = "name the CA that signed the server's certificate by ca_file or sslrootcert";
    } else if (strstr(text, "translate host name")) {
        f->hint = "check the spelling of the host and that this machine can resolve it";
    }
}

static void server_side(const char *state, const char *words, migrate_fault *f)
{
    f->sqlstate = state;
    f->klass = mig_pg_fault_class(state, words);
    if (f->klass == MIGRATE_FAULT_CONN_LOST || f->klass == MIGRATE_FAULT_OTHER)
        f->status = MIGRATE_E_CONNECT;
    if (strncmp(state, "57P0", 4) == 0 && state[4] < '4') { /* it shuts down or starts */
        f->klass = MIGRATE_FAULT_UNAVAILABLE;
        f->status = 0;
    }
    if (f->klass == MIGRATE_FAULT_AUTH)
        f->hint = "check user, password and the server's pg_hba.conf";
    else if (f->klass == MIGRATE_FAULT_NO_DB)
        f->hint = "create the database first, or correct its name in the URL";
}

/* libpq's message of several lines on one, without the LOCATION lines that verbosity adds. */
static void flatten(struct mig_buf *out, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (strncmp(text, "LOCATION", 8) != 0 && len) {
            while (len && (*text == '\t' || *text == ' ')) {
                text++;
                len--;
            }
            if (out->len)
                mig_buf_char(out, ' ');
            mig_buf_add(out, text, len);
        }
        text += len + (text[len] == '\n');
    }
}

/* Drops "28P01: " from "FATAL:  28P01: words": the state has a place of its own. */
static void drop_states(struct mig_buf *b)
{
    char state[6];
    for (;;) {
        const char *words = find_state(mig_buf_text(b), state);
        if (!words)
            return;
        size_t at = (size_t)(words - b->data);
        memmove(b->data + at - 7, b->data + at, b->len - at + 1);
        b->len -= 7;
    }
}

migrate_status mig_pg_connect_failed(const migrate_host *host, PGconn *pg, migrate_error **err)
{
    migrate_fault f = { .struct_size = sizeof f };
    char state[6];
    const char *text = PQerrorMessage(pg), *words = find_state(text, state);
    if (words)
        server_side(state, words, &f);
    else
        client_side(text, &f);
    struct mig_buf line = MIG_BUF_INIT;
    flatten(&line, text);
    if (line.len && !line.oom)
        drop_states(&line);
    f.message = line.len && !line.oom ? mig_buf_text(&line) : "the connection could not be opened";
    migrate_status status = host->fail(host, err, &f);
    mig_buf_free(&line);
    return status;
}

bool mig_pg_options_refused(const PGconn *pg)
{
    char state[6];
    const char *words = find_state(PQerrorMessage(pg), state);
    if (!words)
        return false;
    if (strcmp(state, "42704") == 0) /* a setting this server does not know */
        return true;
    bool about = strstr(words, "options") || strstr(words, "startup parameter");
    return about &&
           (strcmp(state, "08P01") == 0 || strcmp(state, "0A000") == 0 || strcmp(state, "22023") == 0);
}
