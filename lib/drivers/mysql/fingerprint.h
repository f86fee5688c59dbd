/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_MYSQL_FINGERPRINT_H
#define MIG_MYSQL_FINGERPRINT_H

/* Which columns of information_schema make the fingerprint of an object. Every one that a definition moves, and no
 * volatile one: no row counts, cardinality, AUTO_INCREMENT, times. */

#include <stddef.h>
#include <stdint.h>

/* Rows of a table of information_schema that say something about an object. In `where` :db and :name stand for the
 * names. A column that begins with '!' is printed by the session's sql_mode, so its quotes are taken away.
 *
 * The first part of a kind is the object itself; the others are read only if it exists. Some are read only if a
 * part before them says that it is worth while, because they cost as much as there are tables in the schema. */
struct mig_my_part {
    const char *from;
    const char *where;
    const char *columns;
    const char *tells; /* more columns, for the `given` of others: "b" names those of the first part, "k" of a later */
    const char *given; /* "b.pt": read only if that is not 0; NULL always */
    uint32_t    since; /* version of the server that has it */
};

struct mig_my_kind {
    uint32_t                  kind; /* MIGRATE_OBJECT_* */
    const struct mig_my_part *parts;
    size_t                    n_parts;
};

extern const struct mig_my_kind mig_my_kinds_mysql[];
extern const size_t mig_my_n_kinds_mysql;
extern const struct mig_my_kind mig_my_kinds_mariadb[];
extern const size_t mig_my_n_kinds_mariadb;

#endif
