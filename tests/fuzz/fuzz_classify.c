/* SPDX-License-Identifier: Apache-2.0 */

/* The classifier and the weighing of ALTER TABLE under any input: no read past the statement, tokens that are
 * slices of it in order, facts that hold together, and a statement made to require an algorithm that says so.
 *
 * The first two bytes choose dialect, version and lexical switches. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <migrate/driver.h>

#include "sql/online.h"
#include "sql/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(what)                                                                                        \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            fprintf(stderr, "not so: %s\n", #what);                                                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static void check_tokens(const struct mig_sql_dialect_info *di, const char *text, size_t len)
{
    struct mig_tokens ts;
    struct mig_token tok;
    const char *end = text;

    mig_tokens_init(&ts, di, text, len);
    while (mig_tokens_next(&ts, &tok)) {
        REQUIRE(tok.text >= end && tok.len > 0 && tok.text + tok.len <= text + len);
        end = tok.text + tok.len;
    }
}

static void check_facts(const struct mig_sql_dialect_info *di, const char *text, size_t len)
{
    struct mig_sql_facts f;
    bool looks;

    mig_sql_classify(di, text, len, &f);
    looks = f.settle == MIG_SQL_SETTLE_CHANGING || f.settle == MIG_SQL_SETTLE_NEUTRAL ||
            f.settle == MIG_SQL_SETTLE_PROBE;
    REQUIRE(f.n_objects <= MIG_SQL_OBJECTS_MAX);
    REQUIRE(!looks || (f.n_objects > 0 && !f.more_objects));
    for (uint32_t i = 0; i < f.n_objects; i++) {
        const struct mig_sql_object *o = &f.objects[i];
        REQUIRE(o->name[0] != '\0' && memchr(o->name, 0, sizeof o->name) != NULL);
        REQUIRE(memchr(o->schema, 0, sizeof o->schema) != NULL);
        REQUIRE(memchr(o->parent, 0, sizeof o->parent) != NULL);
    }
    REQUIRE(memchr(f.verb, 0, sizeof f.verb) != NULL);
    REQUIRE((f.flags & (MIG_SQL_ALONE | MIG_SQL_DESTRUCTIVE)) == 0 || f.note != NULL);
    REQUIRE(f.settle != MIG_SQL_SETTLE_DOUBT || f.note != NULL);
    REQUIRE(f.settle != MIG_SQL_SETTLE_NEUTRAL || f.doubt != NULL);
}

/* Quotes that are closed as far as counting tells, no comments: what is added will be read. */
static bool plain(const char *text, size_t len)
{
    size_t quotes[3] = { 0, 0, 0 };

    for (size_t i = 0; i < len; i++) {
        quotes[0] += text[i] == '\'';
        quotes[1] += text[i] == '"';
        quotes[2] += text[i] == '`';
        if (strchr("\\/#-$", text[i]) != NULL) {
            return false; /* NUL too */
        }
    }
    return quotes[0] % 2 == 0 && quotes[1] % 2 == 0 && quotes[2] % 2 == 0;
}

static void check_online(const struct mig_sql_dialect_info *di, const char *text, size_t len)
{
    struct mig_sql_online o;
    struct mig_sql_online again;
    struct mig_buf out = MIG_BUF_INIT;

    mig_sql_online(di, text, len, &o);
    mig_sql_online_text(&o, &out);
    REQUIRE(o.best <= o.algorithm);
    REQUIRE((o.algorithm == MIG_SQL_ALGORITHM_NONE) == (out.len == 0));
    REQUIRE(o.clause == NULL || (o.clause >= text && o.clause + o.clause_len <= text + len));
    mig_buf_reset(&out);
    if (mig_sql_online_require(di, text, len, &out)) {
        REQUIRE(!o.asked && !o.clause_refused);
        mig_sql_online(di, out.data, out.len, &again);
        REQUIRE(!plain(text, len) || (again.asked && again.algorithm == o.algorithm));
    } else {
        REQUIRE(out.len == 0);
    }
    mig_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t versions[] = { 0, 50744, 80025, 90704, 100621, 110806, 110000, 150020 };
    struct mig_sql_dialect_info di = { .dialect = 0 };

    if (size < 2) {
        return 0;
    }
    di.dialect = data[0] % 4u;
    di.mariadb = (data[0] & 4u) != 0;
    di.version = versions[data[0] / 8u % 8u];
    di.lex = data[1] & (MIGRATE_LEX_BACKSLASH_ESCAPES | MIGRATE_LEX_ANSI_QUOTES | MIGRATE_LEX_DOLLAR_QUOTES);
    /* A buffer of its own, so that reading too far is seen. */
    char *text = malloc(size - 2 + (size == 2));
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data + 2, size - 2);
    check_tokens(&di, text, size - 2);
    check_facts(&di, text, size - 2);
    check_online(&di, text, size - 2);
    free(text);
    return 0;
}
