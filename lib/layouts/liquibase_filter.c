/* SPDX-License-Identifier: Apache-2.0 */

/* Which change sets run: dbms, contexts, labels. */

#include <string.h>

#include "layouts/liquibase.h"
#include "util/text.h"

/* ---- expressions -------------------------------------------------------------- */

/* "a and (b or !c), d", where a word is true when it is in the list. */
struct expression {
    const char *at;
    const char *list;
    int depth;
    bool strict; /* a word with '@' was met */
};

enum { MAX_DEPTH = 32 };

static bool either(struct expression *x);

static void skip_blanks(struct expression *x)
{
    x->at += strspn(x->at, " \t");
}

static size_t word_len(const char *at)
{
    return strcspn(at, " \t(),!");
}

static bool take_word(struct expression *x, const char *word)
{
    skip_blanks(x);
    size_t len = word_len(x->at);
    if (!mig_ieqn(x->at, len, word))
        return false;
    x->at += len;
    return true;
}

static bool take_char(struct expression *x, char c)
{
    skip_blanks(x);
    if (*x->at != c)
        return false;
    x->at++;
    return true;
}

static bool in_list(const char *word, size_t len, const char *list)
{
    while (*list) {
        list += strspn(list, ", \t");
        size_t n = strcspn(list, ","), used = n;
        while (used > 0 && (list[used - 1] == ' ' || list[used - 1] == '\t'))
            used--;
        bool same = used == len && len > 0;
        for (size_t i = 0; same && i < len; i++)
            same = mig_lower(list[i]) == mig_lower(word[i]);
        if (same)
            return true;
        list += n;
    }
    return false;
}

static bool operand(struct expression *x)
{
    if (x->depth >= MAX_DEPTH)
        return x->at += strlen(x->at), false;
    x->depth++;
    bool value;
    if (take_char(x, '!') || take_word(x, "not")) {
        value = !operand(x);
    } else if (take_char(x, '(')) {
        value = either(x);
        (void)take_char(x, ')');
    } else {
        skip_blanks(x);
        size_t len = word_len(x->at), at = *x->at == '@';
        x->strict = x->strict || at;
        value = in_list(x->at + at, len - at, x->list);
        x->at += len;
    }
    x->depth--;
    return value;
}

static bool both(struct expression *x)
{
    bool value = operand(x);
    while (take_word(x, "and"))
        value = operand(x) && value;
    return value;
}

static bool either(struct expression *x)
{
    bool value = both(x);
    while (take_char(x, ',') || take_word(x, "or"))
        value = both(x) || value;
    return value;
}

static bool is_all(const char *list)
{
    return !list || !*list || mig_ieq(list, "all");
}

bool mig_lq_contexts_match(const struct mig_layout_options *o, const char *expression)
{
    if (!expression || !*expression)
        return true;
    struct expression x = { .at = expression, .list = is_all(o->contexts) ? "" : o->contexts };
    bool value = either(&x);
    return is_all(o->contexts) ? !x.strict : value;
}

bool mig_lq_labels_match(const struct mig_layout_options *o, const char *labels)
{
    if (!labels || !*labels || is_all(o->labels))
        return true;
    struct expression x = { .at = o->labels, .list = labels };
    return either(&x);
}

/* ---- dbms ---------------------------------------------------------------------- */

static bool is_engine(const struct mig_layout_options *o, const char *name, size_t len)
{
    switch (o->dialect) {
    case MIGRATE_DIALECT_POSTGRES:
        return mig_ieqn(name, len, "postgresql") || mig_ieqn(name, len, "postgres");
    case MIGRATE_DIALECT_SQLITE:
        return mig_ieqn(name, len, "sqlite");
    case MIGRATE_DIALECT_MYSQL:
        return mig_ieqn(name, len, o->mariadb ? "mariadb" : "mysql");
    default:
        return true; /* nobody knows yet which it will be */
    }
}

bool mig_lq_dbms_matches(const struct mig_layout_options *o, const char *dbms, size_t len)
{
    bool any_positive = false, hit = false;
    if (o->dialect == MIGRATE_DIALECT_OTHER)
        return true;
    for (size_t at = 0, n; at < len; at += n + 1) {
        while (at < len && (dbms[at] == ' ' || dbms[at] == '\t'))
            at++;
        for (n = 0; at + n < len && dbms[at + n] != ',' && dbms[at + n] != ' ';)
            n++;
        if (n > 0 && dbms[at] == '!' && is_engine(o, dbms + at + 1, n - 1))
            return false;
        if (n > 0 && dbms[at] != '!') {
            any_positive = true;
            hit = hit || mig_ieqn(dbms + at, n, "all") || is_engine(o, dbms + at, n);
        }
    }
    return hit || !any_positive;
}

bool mig_lq_engine_matches(const struct mig_layout_options *o, const char *dbms)
{
    return !dbms || mig_lq_dbms_matches(o, dbms, strlen(dbms));
}
