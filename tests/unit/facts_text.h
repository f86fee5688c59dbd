/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_FACTS_TEXT_H
#define UNIT_FACTS_TEXT_H

/* All that the classifier says of a statement, in one line: "VERB tx settle +flag … [kind
 * schema.name@parent]". */

#include <stdio.h>
#include <string.h>

#include <migrate/driver.h>

#include "sql/classify.h"

static void facts_append(char *out, size_t size, const char *a, const char *b)
{
    size_t n = strlen(out);
    snprintf(out + n, size - n, "%s%s", a, b);
}

static void facts_flags(const struct mig_sql_facts *f, char *out, size_t size)
{
    static const char *const names[] = {
        "alone",
        "packet_end",
        "implicit_commit",
        "session",
        "no_lock_timeout",
        "ddl",
        "destructive",
        "read_only",
        "copy",
        "lock_tables",
        "unlock_tables",
        "create",
        "drop",
        "if",
        "concurrently",
        "alter_table",
        "may_commit",
        "foreign_keys",
        "outside",
        "lex",
        "temporary",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((f->flags & (1u << i)) != 0) {
            facts_append(out, size, " +", names[i]);
        }
    }
}

static void facts_objects(const struct mig_sql_facts *f, char *out, size_t size)
{
    static const char *const kinds[] = {
        "-",     "table",    "view",     "index",      "routine",      "trigger",
        "event", "sequence", "database", "tablespace", "subscription",
    };
    for (uint32_t i = 0; i < f->n_objects; i++) {
        const struct mig_sql_object *o = &f->objects[i];
        facts_append(out, size, " [", kinds[o->kind]);
        facts_append(out, size, " ", o->schema);
        facts_append(out, size, o->schema[0] != '\0' ? "." : "", o->name);
        facts_append(out, size, o->parent[0] != '\0' ? "@" : "", o->parent);
        facts_append(out, size, "]", "");
    }
    facts_append(out, size, f->more_objects ? " …" : "", "");
}

static void facts_text(const struct mig_sql_dialect_info *di, const char *sql, size_t len, char *out,
                       size_t size)
{
    static const char *const tx[] = { "",         " begin",     " commit",         " rollback",
                                      " prepare", " savepoint", " set_transaction" };
    static const char *const settle[] = { " tx", " changing", " repeatable", " neutral", " probe", " doubt" };
    struct mig_sql_facts f;

    mig_sql_classify(di, sql, len, &f);
    out[0] = '\0';
    facts_append(out, size, f.verb, tx[f.tx]);
    facts_append(out, size, settle[f.settle], "");
    facts_flags(&f, out, size);
    facts_objects(&f, out, size);
}

#endif
