/* SPDX-License-Identifier: Apache-2.0 */

/* What --changeset, --preconditions and --precondition-sql-check say. */

#include <string.h>

#include "layouts/liquibase.h"
#include "util/buf.h"
#include "util/text.h"

struct header {
    struct mig_reading *r;
    const struct mig_file *f;
    const struct mig_lq_line *line;
};

static int32_t fail(const struct header *h, const char *hint, const char *what, const char *text, size_t len)
{
    return mig_reading_fail(h->r, MIGRATE_E_DIRECTIVE, h->f->path, h->line->line, hint, "%s \"%.*s\"", what,
                            (int)(len < 200 ? len : 200), text);
}

static int32_t keep(const struct header *h, const char *text, size_t len, const char **out)
{
    *out = mig_arena_strndup(&h->r->set->arena, text, len);
    return *out ? MIGRATE_OK : mig_reading_nomem(h->r);
}

bool mig_lq_attribute(const char **at, const char **key, size_t *key_len, const char **value,
                      size_t *value_len)
{
    const char *p = *at + strspn(*at, " \t");
    *key = p;
    *key_len = strcspn(p, ": \t");
    if (!*p)
        return false;
    p += *key_len;
    *value = p;
    *value_len = 0;
    if (*p == ':') {
        p += 1 + strspn(p + 1, " \t");
        char quote = *p == '"' || *p == '\'' ? *p : '\0';
        const char *end = quote ? strchr(p + 1, quote) : NULL;
        *value = end ? p + 1 : p;
        *value_len = end ? (size_t)(end - p) - 1 : strcspn(p, " \t");
        p = end ? end + 1 : p + *value_len;
    }
    *at = p;
    return true;
}

/* ---- --changeset ----------------------------------------------------------------- */

/* `author:id`, each in quotes perhaps. Moves *@p at behind it. */
static int32_t take_identity(const struct header *h, const char **at, struct mig_lq_change *out)
{
    static const char hint[] = "--changeset author:id";
    const char *p = *at, *quoted = *p == '"' ? strchr(p + 1, '"') : NULL;
    const char *colon = quoted ? quoted + 1 : p + strcspn(p, ":");
    if (*colon != ':' || colon == p)
        return fail(h, hint, "a change set has no author and id:", *at, strlen(*at));
    int32_t status = quoted ? keep(h, p + 1, (size_t)(quoted - p) - 1, &out->author)
                            : keep(h, p, (size_t)(colon - p), &out->author);
    p = colon + 1 + strspn(colon + 1, " \t");
    quoted = *p == '"' ? strchr(p + 1, '"') : NULL;
    size_t len = quoted ? (size_t)(quoted - p) - 1 : strcspn(p, " \t");
    if (!status)
        status = len ? keep(h, quoted ? p + 1 : p, len, &out->id)
                     : fail(h, hint, "a change set has no id:", *at, strlen(*at));
    *at = quoted ? quoted + 1 : p + len;
    return status;
}

/* Liquibase writes line ends in delimiters as a regular expression does. */
static int32_t set_terminator(const struct header *h, const char *value, size_t len, const char **out)
{
    struct mig_buf text = MIG_BUF_INIT;
    for (size_t i = 0; i < len; i++) {
        char next = i + 1 < len ? value[i + 1] : '\0';
        if (value[i] != '\\' || !next) {
            mig_buf_char(&text, value[i]);
            continue;
        }
        i++;
        if (next == 's') /* \s*: blanks before a line end never count */
            i += i + 1 < len && (value[i + 1] == '*' || value[i + 1] == '+');
        else if (next != 'r')
            mig_buf_char(&text, next == 'n' ? '\n' : next == 't' ? '\t' : next);
    }
    int32_t status = text.oom ? mig_reading_nomem(h->r) : MIGRATE_OK;
    if (!status && text.len == 0)
        status = fail(h, "endDelimiter:// for example", "an empty delimiter:", value, len);
    if (!status)
        status = keep(h, text.data, text.len, out);
    mig_buf_free(&text);
    return status;
}

static int32_t set_bool(const struct header *h, const char *value, size_t len, bool when, bool *out)
{
    bool yes = mig_ieqn(value, len, "true");
    if (!yes && !mig_ieqn(value, len, "false"))
        return fail(h, "it takes true or false", "neither true nor false:", value, len);
    *out = yes == when;
    return MIGRATE_OK;
}

/* failOnError:false and runWith would change what a failure means, or who runs the text. */
static int32_t refuse(const struct header *h, const char *key, size_t key_len, const char *value, size_t len)
{
    if (mig_ieqn(key, key_len, "failOnError"))
        return mig_ieqn(value, len, "true")
                   ? MIGRATE_OK
                   : fail(h, "a failed migration stops the run; use a precondition instead",
                          "not supported: failOnError", value, len);
    if (mig_ieqn(key, key_len, "runWith"))
        return mig_ieqn(value, len, "jdbc") ? MIGRATE_OK
                                            : fail(h, "the text is run by the database's driver",
                                                   "not supported: runWith", value, len);
    return fail(h,
                "known are runInTransaction, splitStatements, endDelimiter, rollbackSplitStatements, "
                "rollbackEndDelimiter, context, contextFilter, labels, dbms, runOnChange, runAlways, ignore, "
                "stripComments, logicalFilePath, failOnError",
                "unknown attribute", key, key_len);
}

static int32_t set_attribute(const struct header *h, const char *key, size_t n, const char *value, size_t len,
                             struct mig_lq_change *out)
{
    bool ignored;
    if (mig_ieqn(key, n, "runInTransaction"))
        return set_bool(h, value, len, false, &out->no_transaction);
    if (mig_ieqn(key, n, "splitStatements"))
        return set_bool(h, value, len, false, &out->whole_up);
    if (mig_ieqn(key, n, "rollbackSplitStatements"))
        return set_bool(h, value, len, false, &out->whole_down);
    if (mig_ieqn(key, n, "runOnChange"))
        return set_bool(h, value, len, true, &out->run_on_change);
    if (mig_ieqn(key, n, "runAlways"))
        return set_bool(h, value, len, true, &out->run_always);
    if (mig_ieqn(key, n, "ignore"))
        return set_bool(h, value, len, true, &out->ignore);
    if (mig_ieqn(key, n, "stripComments"))
        return set_bool(h, value, len, true, &ignored);
    if (mig_ieqn(key, n, "endDelimiter"))
        return set_terminator(h, value, len, &out->terminator_up);
    if (mig_ieqn(key, n, "rollbackEndDelimiter"))
        return set_terminator(h, value, len, &out->terminator_down);
    if (mig_ieqn(key, n, "contextFilter") || (mig_ieqn(key, n, "context") && !out->contexts))
        return keep(h, value, len, &out->contexts);
    if (mig_ieqn(key, n, "context"))
        return MIGRATE_OK; /* contextFilter wins */
    if (mig_ieqn(key, n, "labels"))
        return keep(h, value, len, &out->labels);
    if (mig_ieqn(key, n, "dbms"))
        return keep(h, value, len, &out->dbms);
    if (mig_ieqn(key, n, "logicalFilePath"))
        return keep(h, value, len, &out->path);
    return refuse(h, key, n, value, len);
}

int32_t mig_lq_changeset(struct mig_reading *r, const struct mig_file *f, const struct mig_lq_line *line,
                         struct mig_lq_change *out)
{
    struct header h = { r, f, line };
    const char *at = line->text, *key, *value;
    size_t key_len, value_len;
    *out = (struct mig_lq_change){ 0 };
    if (line->cut)
        return fail(&h, "shorten it", "the line is too long:", line->text, 40);
    int32_t status = take_identity(&h, &at, out);
    while (!status && mig_lq_attribute(&at, &key, &key_len, &value, &value_len))
        status = set_attribute(&h, key, key_len, value, value_len, out);
    return status;
}

/* ---- preconditions ---------------------------------------------------------------- */

int32_t mig_lq_preconditions(struct mig_reading *r, const struct mig_file *f, const struct mig_lq_line *line,
                             struct mig_directives *out)
{
    static const char *const answers[] = { "HALT", "MARK_RAN", "CONTINUE", "WARN" };
    struct header h = { r, f, line };
    const char *at = line->text, *key, *value;
    size_t n, len;
    out->precondition_on_fail = "HALT";
    while (mig_lq_attribute(&at, &key, &n, &value, &len)) {
        bool known = false, on_error = mig_ieqn(key, n, "onError");
        if (!on_error && !mig_ieqn(key, n, "onFail")) {
            if (mig_ieqn(key, n, "onFailMessage") || mig_ieqn(key, n, "onErrorMessage") ||
                mig_ieqn(key, n, "onUpdateSQL") || mig_ieqn(key, n, "onSqlOutput"))
                continue; /* has no meaning here */
            return fail(&h, "known are onFail and onError", "unknown attribute", key, n);
        }
        for (size_t i = 0; i < sizeof answers / sizeof answers[0] && !known; i++) {
            known = mig_ieqn(value, len, answers[i]) && (!on_error || i == 0);
            if (known && !on_error)
                out->precondition_on_fail = answers[i];
        }
        if (!known)
            return fail(&h,
                        on_error ? "a check that fails with an error stops the run: onError:HALT"
                                 : "HALT, MARK_RAN, CONTINUE or WARN",
                        "not supported:", key, (size_t)(value + len - key));
    }
    return MIGRATE_OK;
}

/* `expectedResult:0 SELECT …`, the result in quotes perhaps, or without its key. */
static int32_t split_check(const struct header *h, const char *text, const char **expect, size_t *expect_len,
                           const char **sql)
{
    static const char key[] = "expectedResult:";
    if (mig_ieqn(text, strlen(text) < sizeof key - 1 ? strlen(text) : sizeof key - 1, key))
        text += sizeof key - 1 + strspn(text + sizeof key - 1, " \t");
    char quote = *text == '\'' || *text == '"' ? *text : '\0';
    const char *end = quote ? strchr(text + 1, quote) : text + strcspn(text, " \t");
    if (!end || end == text)
        return fail(h, "--precondition-sql-check expectedResult:0 SELECT COUNT(*) FROM t",
                    "no expected result in", text, strlen(text));
    *expect = quote ? text + 1 : text;
    *expect_len = (size_t)(end - *expect);
    *sql = end + (quote != '\0');
    *sql += strspn(*sql, " \t");
    return **sql ? MIGRATE_OK
                 : fail(h, "--precondition-sql-check expectedResult:0 SELECT COUNT(*) FROM t", "no query in",
                        text, strlen(text));
}

static void put_check(struct mig_buf *out, const char *type, const char *sql, const char *expect)
{
    mig_buf_fmt(out, "CAST((%s) AS %s) = '", sql, type);
    for (; *expect; expect++) {
        mig_buf_char(out, *expect);
        if (*expect == '\'')
            mig_buf_char(out, '\'');
    }
    mig_buf_char(out, '\'');
}

/* A second check: both as one query whose result is 1 when both hold. */
static int32_t join_check(const struct header *h, struct mig_directives *out, const char *sql,
                          const char *expect)
{
    const char *type = h->r->options->dialect == MIGRATE_DIALECT_MYSQL ? "CHAR" : "TEXT";
    struct mig_buf both = MIG_BUF_INIT;
    mig_buf_str(&both, "SELECT CASE WHEN ");
    put_check(&both, type, out->precondition_sql, out->precondition_expect);
    mig_buf_str(&both, " AND ");
    put_check(&both, type, sql, expect);
    mig_buf_str(&both, " THEN 1 ELSE 0 END");
    int32_t status =
        both.oom ? mig_reading_nomem(h->r) : keep(h, both.data, both.len, &out->precondition_sql);
    out->precondition_expect = "1";
    mig_buf_free(&both);
    return status;
}

int32_t mig_lq_precondition(struct mig_reading *r, const struct mig_file *f, const struct mig_lq_line *line,
                            struct mig_directives *out)
{
    struct header h = { r, f, line };
    const char *text = line->text, *expect = "", *sql = "", *kept_expect, *kept_sql;
    size_t n = strcspn(text, " \t"), expect_len = 0;
    if (!mig_ieqn(text, n, "sql-check") || line->cut)
        return fail(&h, "only --precondition-sql-check is, in one line", "not supported: precondition", text,
                    n);
    int32_t status = split_check(&h, text + n + strspn(text + n, " \t"), &expect, &expect_len, &sql);
    size_t len = status ? 0 : strlen(sql);
    while (len > 0 && strchr("; \t", sql[len - 1]))
        len--;
    if (!status)
        status = keep(&h, expect, expect_len, &kept_expect);
    if (!status)
        status = keep(&h, sql, len, &kept_sql);
    if (status)
        return status;
    if (!out->precondition_on_fail)
        out->precondition_on_fail = "HALT";
    if (out->precondition_sql)
        return join_check(&h, out, kept_sql, kept_expect);
    out->precondition_sql = kept_sql;
    out->precondition_expect = kept_expect;
    return MIGRATE_OK;
}
