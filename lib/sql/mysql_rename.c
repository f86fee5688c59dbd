/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sql/classifier.h"

/* MySQL and MariaDB: RENAME TABLE a TO b, c TO d …, all or nothing. Played through on the names, to find
 * those that are there before and not after, or the other way round: they tell whether it was done. */

#define NAMES_MAX 16

struct name {
    struct mig_sql_object object;
    bool before; /* was there */
    int content; /* whose content it has now: an index, -1 none */
};

struct names {
    struct name list[NAMES_MAX];
    int n;
    bool overflow;
};

static void copy_name(struct mig_sql_object *to, const struct mig_sql_object *from)
{
    memcpy(to, from, sizeof *to);
}

/* Index of a name; a new one was there before if it is first seen as an old name. */
static int find(struct names *names, const struct mig_sql_object *o, bool is_old)
{
    for (int i = 0; i < names->n; i++) {
        const struct mig_sql_object *have = &names->list[i].object;
        if (strcmp(have->name, o->name) == 0 && strcmp(have->schema, o->schema) == 0) {
            return i;
        }
    }
    if (names->n == NAMES_MAX) {
        names->overflow = true;
        return 0;
    }
    copy_name(&names->list[names->n].object, o);
    names->list[names->n].before = is_old;
    names->list[names->n].content = is_old ? names->n : -1;
    return names->n++;
}

static bool take_name(struct mig_classifier *k, struct mig_sql_object *o)
{
    memset(o, 0, sizeof *o);
    o->kind = MIGRATE_OBJECT_TABLE;
    return mig_cur_name(&k->c, o->schema, o->name, sizeof o->name);
}

static bool take_pair(struct mig_classifier *k, struct names *names)
{
    struct mig_sql_object o;
    int from;
    int to;

    if (!take_name(k, &o)) {
        return false;
    }
    from = find(names, &o, true);
    if (mig_cur_take(&k->c, "WAIT")) {
        mig_cur_next(&k->c);
    }
    mig_cur_take(&k->c, "NOWAIT");
    if (!mig_cur_take(&k->c, "TO") || !take_name(k, &o)) {
        return false;
    }
    to = find(names, &o, false);
    if (from != to) {
        names->list[to].content = names->list[from].content;
        names->list[from].content = -1;
    }
    return true;
}

/* Adds the names that came or went (or else those that have another's content); false if there are none. */
static bool add_objects(struct mig_sql_facts *f, const struct names *names, bool came_or_went)
{
    for (int i = 0; i < names->n && f->n_objects < MIG_SQL_OBJECTS_MAX; i++) {
        const struct name *n = &names->list[i];
        bool sure = n->before != (n->content >= 0);
        bool swapped = n->before && n->content >= 0 && n->content != i;
        if (came_or_went ? sure : swapped) {
            copy_name(&f->objects[f->n_objects++], &n->object);
        }
    }
    return f->n_objects > 0;
}

/* Behind RENAME TABLE. */
void mig_mysql_rename_tables(struct mig_classifier *k)
{
    struct names names;
    bool read = true;

    memset(&names, 0, sizeof names);
    mig_take_if(k);
    do {
        read = take_pair(k, &names) && read;
    } while (read && mig_cur_take_punct(&k->c, ','));
    if (!read || names.overflow) {
        mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT, "not all of the names could be followed");
    } else if (add_objects(k->f, &names, true)) {
        k->f->settle = MIG_SQL_SETTLE_CHANGING;
    } else if (add_objects(k->f, &names, false)) {
        mig_facts_doubt(k->f, MIG_SQL_SETTLE_NEUTRAL,
                        "the tables change places, which leaves their definitions");
    } else {
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
    }
}
