/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_MYSQL_PACKET_H
#define MIG_MYSQL_PACKET_H

/* One COM_QUERY: statements joined by ";\n", and what became of each. */

#include <migrate/driver.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct mig_my_answer {
    uint32_t outcome;     /* MIGRATE_OUTCOME_* */
    unsigned status;      /* the server's status flags after it */
    unsigned warnings;
    int64_t  affected;    /* -1 unknown */
    int32_t  code;        /* 0 none */
    bool     rows_lost;   /* memory was out while its rows were read */
    char     sqlstate[6];
    char    *message;     /* owned; NULL when memory was out */
};

struct mig_my_slot {
    size_t         at, len; /* in the packet's text */
    uint32_t       flags;   /* MIGRATE_STMT_* */
    bool           hidden;  /* put there by the driver */
    migrate_row_fn on_row;
    void          *on_row_user;
    struct mig_my_answer answer;
};

struct mig_my_packet {
    struct mig_buf      text;
    struct mig_my_slot *slots;
    size_t              n, cap;
    bool                oom;
};

void mig_my_packet_reset(struct mig_my_packet *p);
void mig_my_packet_free(struct mig_my_packet *p);
/* Adds a statement with its values written as literals; NULL when memory is out. */
struct mig_my_slot *mig_my_packet_add(struct mig_my_packet *p, const migrate_stmt *stmt);
struct mig_my_slot *mig_my_packet_add_text(struct mig_my_packet *p, const char *sql, size_t len, uint32_t flags);
/* How many bytes a statement adds at most. */
size_t mig_my_packet_cost(const migrate_stmt *stmt);

/* Must no other statement follow @p sql in one packet, whatever its flags say? It may have more results than one
 * (CALL, compound, EXECUTE), be more statements than one, or change how the next is read. */
bool mig_my_ends_packet(const char *sql, size_t len);
/* Is the text of its body kept by the server? MySQL keeps what follows in the packet with it, up to the ';'. */
bool mig_my_keeps_text(const char *sql, size_t len);
/* May it have changed sql_mode, the character set or the current database? */
bool mig_my_changes_lexing(const char *sql, size_t len);
/* The first word, upper case, comments passed over; "" if it begins otherwise or is longer. */
void mig_my_first_word(const char *sql, size_t len, char *out, size_t size);

/* ---- literal.c ---- */

/* @p value as an expression that any sql_mode and character set reads back to the same bytes; NULL. */
void mig_my_literal(struct mig_buf *out, const char *value, size_t len);
/* `name` with back-quotes doubled. */
void mig_my_identifier(struct mig_buf *out, const char *name, size_t len);

#endif
