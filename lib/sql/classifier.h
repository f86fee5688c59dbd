/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_CLASSIFIER_H
#define MIG_SQL_CLASSIFIER_H

/* What the classifiers of the dialects share: a cursor over the statement and the facts being gathered. */

#include <migrate/driver.h>

#include "sql/cursor.h"

struct mig_classifier {
    struct mig_cursor c;
    struct mig_sql_facts *f;
    const struct mig_sql_dialect_info *di;
    bool unread; /* a name could not be read */
};

/* A keyword or sequence of them at the beginning of a statement and who reads on behind it. */
struct mig_verb {
    const char *words;
    void (*read)(struct mig_classifier *k);
};

/* A kind of object as CREATE, ALTER and DROP spell it. */
struct mig_kind {
    const char *words;
    uint32_t object; /* MIGRATE_OBJECT_*, 0 for those without a number */
    bool nameless;   /* what follows is no name */
};

/* The first row whose words are taken is run; false when none fits. */
bool mig_classify_verbs(struct mig_classifier *k, const struct mig_verb *verbs, size_t n);

/* BEGIN, COMMIT, ROLLBACK, SAVEPOINT … as far as the dialects agree; true when it was one. */
bool mig_classify_tx(struct mig_classifier *k);
/* SELECT, VALUES, TABLE, WITH, '(': READ_ONLY as far as is seen, destructive DML inside of WITH. */
void mig_classify_query(struct mig_classifier *k);
/* UPDATE and DELETE: without WHERE they are destructive. Behind the verb. */
void mig_classify_update(struct mig_classifier *k);
void mig_classify_delete(struct mig_classifier *k);

void mig_facts_verb(struct mig_sql_facts *f, const char *verb);
/* "CREATE" + " " + "INDEX" */
void mig_facts_verb2(struct mig_sql_facts *f, const char *verb, const char *kind);
/* Destructive, and how; the first reason stays. */
void mig_facts_destroys(struct mig_sql_facts *f, const char *how);
void mig_facts_doubt(struct mig_sql_facts *f, enum mig_sql_settle settle, const char *why);
void mig_facts_alone(struct mig_sql_facts *f, enum mig_sql_settle settle, const char *why);

/* Takes a name from the cursor and adds the object; NULL if it could not be read or does not fit. */
struct mig_sql_object *mig_take_object(struct mig_classifier *k, uint32_t kind);
/* The same for a list a, b, c; arguments in parentheses are passed over. */
void mig_take_objects(struct mig_classifier *k, uint32_t kind);
/* IF EXISTS or IF NOT EXISTS. */
bool mig_take_if(struct mig_classifier *k);
/* Takes the words of a kind; NULL when none fits. */
const struct mig_kind *mig_take_kind(struct mig_classifier *k, const struct mig_kind *kinds, size_t n);

void mig_classify_postgres(struct mig_classifier *k);
void mig_classify_mysql(struct mig_classifier *k);
void mig_classify_sqlite(struct mig_classifier *k);
void mig_classify_other(struct mig_classifier *k);

/* PostgreSQL: behind the verb. */
void mig_postgres_create(struct mig_classifier *k);
void mig_postgres_alter(struct mig_classifier *k);
void mig_postgres_drop(struct mig_classifier *k);
void mig_postgres_concurrently(struct mig_classifier *k, enum mig_sql_settle settle, const char *why);

/* MySQL: behind the verb. */
void mig_mysql_create(struct mig_classifier *k);
void mig_mysql_alter(struct mig_classifier *k);
void mig_mysql_drop(struct mig_classifier *k);
void mig_mysql_rename(struct mig_classifier *k);
void mig_mysql_rename_tables(struct mig_classifier *k);
void mig_mysql_truncate(struct mig_classifier *k);
void mig_mysql_alter_table(struct mig_classifier *k);
void mig_mysql_set(struct mig_classifier *k);
bool mig_mysql_foreign_engine(struct mig_classifier *k); /* behind ENGINE: takes [=] name */

#define MIG_COUNT(array) (sizeof(array) / sizeof *(array))

#endif
