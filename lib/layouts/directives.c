/* SPDX-License-Identifier: Apache-2.0 */

/* The words of directives, in the spelling of each tool. */

#include <stdlib.h>
#include <string.h>

#include "layouts/marks.h"
#include "util/clock.h"
#include "util/text.h"

struct words {
    struct mig_reading *r;
    const struct mig_file *f;
    const struct mig_mark *mark;
    unsigned directions;
    struct mig_said *out;
};

static int32_t fail(const struct words *w, const char *hint, const char *what, const char *word, size_t len)
{
    return mig_reading_fail(w->r, MIGRATE_E_DIRECTIVE, w->f->path, w->mark->line, hint, "%s \"%.*s\"", what,
                            (int)(len > 200 ? 200 : len), word);
}

static void set_transaction(const struct words *w, enum mig_tx_mode mode)
{
    struct mig_directives *d = &w->out->d;
    if (w->directions & MIG_FOR_UP)
        d->tx_up = (int8_t)mode;
    if (w->directions & MIG_FOR_DOWN)
        d->tx_down = (int8_t)mode;
    w->out->any = true;
}

static int32_t set_duration(const struct words *w, const char *word, size_t len, const char *value,
                            int64_t *up, int64_t *down)
{
    int64_t ms;
    if (!mig_duration_parse(value, &ms))
        return fail(w, "a duration is 500ms, 2s, 5m or 0", "no duration in", word, len);
    if (w->directions & MIG_FOR_UP)
        *up = ms;
    if (w->directions & MIG_FOR_DOWN)
        *down = ms;
    w->out->any = true;
    return MIGRATE_OK;
}

static int32_t set_retries(const struct words *w, const char *word, size_t len, const char *value)
{
    char *end;
    long n = mig_is_digit(*value) ? strtol(value, &end, 10) : -1;
    if (n < 0 || n > 1000000 || *end)
        return fail(w, "retries takes a number, retries=5", "no number in", word, len);
    if (w->directions & MIG_FOR_UP)
        w->out->d.retries = (int32_t)n;
    if (w->directions & MIG_FOR_DOWN)
        w->out->d.retries_down = (int32_t)n;
    w->out->any = true;
    return MIGRATE_OK;
}

/* Several lines of tags add up. */
static int32_t add_tags(const struct words *w, const char *word, size_t len, const char *value)
{
    struct mig_directives *d = &w->out->d;
    if (!*value)
        return fail(w, "tags takes a list, tags=a,b", "no tags in", word, len);
    size_t had = d->tags ? strlen(d->tags) + 1 : 0, n = strlen(value);
    char *tags = mig_arena_alloc(&w->r->set->arena, had + n + 1);
    if (!tags)
        return mig_reading_nomem(w->r);
    if (d->tags) {
        memcpy(tags, d->tags, had - 1);
        tags[had - 1] = ',';
    }
    memcpy(tags + had, value, n + 1);
    d->tags = tags;
    w->out->any = true;
    return MIGRATE_OK;
}

static const char hint_ours[] =
    "known are no-transaction, transaction, lock-timeout=2s, statement-timeout=5m, "
    "retries=5, tags=a,b, up and down";

/* One word of "-- migrate: no-transaction lock-timeout=2s". */
static int32_t ours(const struct words *w, const char *word, size_t len)
{
    struct mig_directives *d = &w->out->d;
    char text[512];
    if (len >= sizeof text)
        return fail(w, hint_ours, "a directive is too long:", word, len);
    memcpy(text, word, len);
    text[len] = '\0';
    if (strcmp(text, "no-transaction") == 0)
        return set_transaction(w, MIG_TX_OFF), MIGRATE_OK;
    if (strcmp(text, "transaction") == 0)
        return set_transaction(w, MIG_TX_ON), MIGRATE_OK;
    if (mig_starts(text, "lock-timeout="))
        return set_duration(w, word, len, text + 13, &d->lock_timeout_ms, &d->lock_timeout_down_ms);
    if (mig_starts(text, "statement-timeout="))
        return set_duration(w, word, len, text + 18, &d->statement_timeout_ms, &d->statement_timeout_down_ms);
    if (mig_starts(text, "retries="))
        return set_retries(w, word, len, text + 8);
    if (mig_starts(text, "tags="))
        return add_tags(w, word, len, text + 5);
    return fail(w, hint_ours, "unknown directive", word, len);
}

static int32_t dbmate(const struct words *w, const char *word, size_t len)
{
    if (mig_ieqn(word, len, "transaction:false"))
        return set_transaction(w, MIG_TX_OFF), MIGRATE_OK;
    if (mig_ieqn(word, len, "transaction:true"))
        return set_transaction(w, MIG_TX_ON), MIGRATE_OK;
    return fail(w, "dbmate has transaction:false and transaction:true", "unknown option", word, len);
}

static int32_t sql_migrate(const struct words *w, const char *word, size_t len)
{
    if (mig_ieqn(word, len, "notransaction"))
        return set_transaction(w, MIG_TX_OFF), MIGRATE_OK;
    if (mig_ieqn(word, len, "StatementBegin") || mig_ieqn(word, len, "StatementEnd"))
        return MIGRATE_OK; /* the lexer's */
    return fail(w, "known are Up, Down, StatementBegin, StatementEnd and notransaction", "unknown annotation",
                word, len);
}

static int32_t each_word(const struct words *w, int32_t (*one)(const struct words *, const char *, size_t))
{
    int32_t status = MIGRATE_OK;
    for (const char *at = w->mark->args; *at && !status;) {
        size_t len = strcspn(at, " \t");
        status = one(w, at, len);
        at += len;
        at += strspn(at, " \t");
    }
    return status;
}

static bool same(const char *a, const char *b, size_t n)
{
    while (n > 0 && mig_lower(*a) == mig_lower(*b)) {
        a++;
        b++;
        n--;
    }
    return n == 0;
}

/* Same words, in any case and with any blanks between? */
static bool says(const char *args, const char *words)
{
    while (*words) {
        size_t n = strcspn(words, " ");
        if (strcspn(args, " \t") != n || !same(args, words, n))
            return false;
        args += n + strspn(args + n, " \t");
        words += n + strspn(words + n, " ");
    }
    return *args == '\0';
}

static int32_t goose(const struct words *w)
{
    const char *args = w->mark->args;
    if (says(args, "StatementBegin") || says(args, "StatementEnd"))
        return MIGRATE_OK; /* the lexer's */
    if (says(args, "NO TRANSACTION"))
        return set_transaction(w, MIG_TX_OFF), MIGRATE_OK;
    if (says(args, "ENVSUB OFF"))
        return MIGRATE_OK;
    if (says(args, "ENVSUB ON"))
        return fail(w, "write ${NAME} and give its value as placeholder.NAME",
                    "the environment is not read:", args, strlen(args));
    return fail(w, "known are Up, Down, StatementBegin, StatementEnd and NO TRANSACTION",
                "unknown annotation", args, strlen(args));
}

/* "\n\n" and the like in Atlas' delimiter. */
static char *unescape(struct mig_arena *arena, const char *text)
{
    char *out = mig_arena_strdup(arena, text), *to = out;
    for (const char *at = text; out && *at; at++) {
        char c = *at;
        if (c == '\\' && (at[1] == 'n' || at[1] == 't' || at[1] == 'r' || at[1] == '\\')) {
            at++;
            c = *at == 'n' ? '\n' : *at == 't' ? '\t' : *at == 'r' ? '\r' : '\\';
        }
        *to++ = c;
    }
    if (out)
        *to = '\0';
    return out;
}

static int32_t atlas(const struct words *w)
{
    const char *args = w->mark->args;
    if (says(args, "atlas:txmode none"))
        return set_transaction(w, MIG_TX_OFF), MIGRATE_OK;
    if (says(args, "atlas:txmode file"))
        return set_transaction(w, MIG_TX_ON), MIGRATE_OK;
    if (mig_starts(args, "atlas:nolint") || mig_starts(args, "atlas:sum") || mig_starts(args, "atlas:assert"))
        return MIGRATE_OK;
    if (mig_starts(args, "atlas:delimiter ")) {
        char *end = unescape(&w->r->set->arena, args + 16 + strspn(args + 16, " \t"));
        w->out->d.terminator_up = w->out->d.terminator_down = end;
        w->out->any = true;
        return end ? MIGRATE_OK : mig_reading_nomem(w->r);
    }
    return fail(w, "known are atlas:txmode none, atlas:txmode file, atlas:delimiter and atlas:nolint",
                "unknown directive", args, strlen(args));
}

int32_t mig_directive_apply(struct mig_reading *r, const struct mig_file *f, const struct mig_mark *mark,
                            unsigned directions, struct mig_said *out)
{
    struct words w = { r, f, mark, directions, out };
    switch (mark->style) {
    case MIG_STYLE_OURS:
        return mark->args[0] ? each_word(&w, ours) : fail(&w, hint_ours, "an empty directive", "", 0);
    case MIG_STYLE_DBMATE:
        return each_word(&w, dbmate);
    case MIG_STYLE_GOOSE:
        return goose(&w);
    case MIG_STYLE_SQL_MIGRATE:
        return each_word(&w, sql_migrate);
    default:
        break;
    }
    if (mig_starts(mark->args, "atlas:"))
        return atlas(&w);
    if (says(mark->args, "postgres-migrations disable-transaction") || says(mark->args, "morph:nontransactional"))
        return set_transaction(&w, MIG_TX_OFF), MIGRATE_OK;
    return fail(&w, "known are postgres-migrations disable-transaction and morph:nontransactional", "unknown directive",
                mark->args, strlen(mark->args));
}
