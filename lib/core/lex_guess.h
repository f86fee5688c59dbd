/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_LEX_GUESS_H
#define MIG_CORE_LEX_GUESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lexical switches after a SET that names them literally, where no server can be asked: MySQL's sql_mode,
 * PostgreSQL's standard_conforming_strings. Anything else leaves them as they were. */
uint32_t mig_lex_guess(uint32_t dialect, uint32_t lex, const char *text, size_t len);

/* Does "PRAGMA foreign_keys = …" turn them off? */
bool mig_pragma_off(const char *text, size_t len);

#endif
