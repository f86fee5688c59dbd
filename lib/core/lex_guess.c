/* SPDX-License-Identifier: Apache-2.0 */

#include "core/lex_guess.h"

#include <string.h>

#include <migrate/driver.h>

#include "util/text.h"

/* Where @p word stands in @p text, case folded, or SIZE_MAX. */
static size_t find(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; n <= len && i <= len - n; i++) {
        if (mig_ieqn(text + i, n, word))
            return i;
    }
    return SIZE_MAX;
}

static bool has(const char *text, size_t len, const char *word)
{
    return find(text, len, word) != SIZE_MAX;
}

static uint32_t after_sql_mode(uint32_t lex, const char *text, size_t len)
{
    size_t at = find(text, len, "sql_mode");
    if (at == SIZE_MAX)
        return lex;
    text += at + 8;
    len -= at + 8;
    bool ansi = has(text, len, "ansi"); /* ANSI_QUOTES, and ANSI which includes it */
    bool no_backslash = has(text, len, "no_backslash_escapes");
    if (has(text, len, "@@")) { /* built from the mode in force: only adds */
        ansi |= (lex & MIGRATE_LEX_ANSI_QUOTES) != 0;
        no_backslash |= !(lex & MIGRATE_LEX_BACKSLASH_ESCAPES);
    }
    lex &= ~(MIGRATE_LEX_ANSI_QUOTES | MIGRATE_LEX_BACKSLASH_ESCAPES);
    return lex | (ansi ? MIGRATE_LEX_ANSI_QUOTES : 0) | (no_backslash ? 0 : MIGRATE_LEX_BACKSLASH_ESCAPES);
}

static uint32_t after_conforming(uint32_t lex, const char *text, size_t len)
{
    static const char name[] = "standard_conforming_strings";
    size_t at = find(text, len, name);
    if (at == SIZE_MAX)
        return lex;
    text += at + sizeof name - 1;
    len -= at + sizeof name - 1;
    bool off = has(text, len, "off") || has(text, len, "false") || has(text, len, "no") || memchr(text, '0', len);
    return off ? lex | MIGRATE_LEX_BACKSLASH_ESCAPES : lex & ~MIGRATE_LEX_BACKSLASH_ESCAPES;
}

uint32_t mig_lex_guess(uint32_t dialect, uint32_t lex, const char *text, size_t len)
{
    if (dialect == MIGRATE_DIALECT_MYSQL)
        return after_sql_mode(lex, text, len);
    if (dialect == MIGRATE_DIALECT_POSTGRES)
        return after_conforming(lex, text, len);
    return lex;
}

bool mig_pragma_off(const char *text, size_t len)
{
    return has(text, len, "off") || has(text, len, "false") || has(text, len, "no") || memchr(text, '0', len) != NULL;
}
