/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_MYSQL_FINGERPRINT_H
#define MIG_MYSQL_FINGERPRINT_H

/* Which columns of information_schema make the fingerprint of an object. Every one that a definition moves, and no
 * volatile one: no row counts, cardinality, AUTO_INCREMENT, times. */

#include <stddef.h>
#include <stdint.h>

/* Rows of a table of information_schema that say something about an object. In `where` :db and :name stand for the
 * names. A column that begins with '!' is printed by the session's sql_mode, so its quotes are taken away. */
struct mig_my_part {
    const char *from;
    const char *where;
    const char *columns;
    uint32_t    since; /* version of the server that has it */
};

struct mig_my_kind {
    uint32_t                  kind; /* MIGRATE_OBJECT_* */
    const struct mig_my_part *parts;
    size_t                    n_parts;
    const char               *hidden; /* scalar that is 1 when this user does not see the whole; or NULL */
};

extern const struct mig_my_kind mig_my_kinds_mysql[];
extern const size_t mig_my_n_kinds_mysql;
extern const struct mig_my_kind mig_my_kinds_mariadb[];
extern const size_t mig_my_n_kinds_mariadb;

#endif
