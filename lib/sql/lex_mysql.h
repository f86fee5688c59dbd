/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_LEX_MYSQL_H
#define MIG_SQL_LEX_MYSQL_H

struct mig_sql_lexer;

/* As mig_lex_rules.command: DELIMITER is obeyed, other commands of the client are refused. */
int mig_lex_mysql_command(struct mig_sql_lexer *lx);

#endif
