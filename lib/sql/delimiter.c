/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sql/lex.h"
#include "sql/lex_mysql.h"

/* Commands of the mysql and mariadb clients at the begin of a statement. DELIMITER is the only one that
 * scripts cannot do without; the others would be lost on a server, and are never run. */

#define WORD_MAX 24
#define DELIMITER_MAX 15 /* as the clients */

/* "use" is missing: servers know it too. */
static const char *const client_words[] = {
    "CHARSET",
    "CLEAR",
    "CONNECT",
    "EDIT",
    "EGO",
    "EXIT",
    "GO",
    "HELP",
    "NOPAGER",
    "NOTEE",
    "NOWARNING",
    "PAGER",
    "PRINT",
    "PROMPT",
    "QUERY_ATTRIBUTES",
    "QUIT",
    "REHASH",
    "RESETCONNECTION",
    "SOURCE",
    "SSL_SESSION_DATA_PRINT",
    "STATUS",
    "SYSTEM",
    "TEE",
    "WARNINGS",
};

static int refuse(struct mig_sql_lexer *lx, const char *hint, const char *what)
{
    mig_lex_fail(lx, mig_lex_pos(lx), hint, "%s", what);
    return -1;
}

static bool is_client_word(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof client_words / sizeof *client_words; i++) {
        if (mig_lex_is(text, len, client_words[i]))
            return true;
    }
    return false;
}

/* What follows DELIMITER: the first word, one layer of quotes removed; the rest of the line does not
 * count. */
static size_t argument(const char *text, size_t len, const char **arg)
{
    size_t i = 0;
    while (i < len && (text[i] == ' ' || text[i] == '\t'))
        i++;
    bool apart = i > 0;
    char quote = i < len && strchr("'\"`", text[i]) ? text[i] : 0;
    i += quote != 0;
    size_t from = i;
    while (i < len && (quote ? text[i] != quote : text[i] != ' ' && text[i] != '\t'))
        i++;
    *arg = text + from;
    return apart ? i - from : 0;
}

/* Length of the line from @p ahead of the position, without its end. */
static size_t line_length(struct mig_sql_lexer *lx, size_t ahead)
{
    size_t n = 0;
    for (int c; (c = mig_lex_peek(lx, ahead + n)) >= 0 && c != '\n' && c != '\r';)
        n++;
    return n;
}

static int delimiter(struct mig_sql_lexer *lx, size_t word)
{
    const char *arg;
    if (!lx->line_clean)
        return refuse(lx, "Begin a new line with it; the clients would lose the statement that follows.",
                      "DELIMITER in the middle of a line");
    size_t line = line_length(lx, word);
    const char *text = lx->w.data + lx->w.pos + word;
    size_t len = argument(text, line, &arg);
    if (!len || len > DELIMITER_MAX || memchr(arg, '\\', len))
        return refuse(lx, "Give 1 to 15 characters without a backslash, apart by a blank.",
                      "DELIMITER without one");
    if (!mig_lex_set_terminator(lx, arg, len))
        return refuse(lx, "Give another.", "an unusable DELIMITER");
    lx->w.pos += word + line;
    return 1;
}

int mig_lex_mysql_command(struct mig_sql_lexer *lx)
{
    char word[WORD_MAX];
    size_t n = 0;
    int c = mig_lex_peek(lx, 0);
    for (; n < sizeof word && c >= 0 && lx->ident[c]; c = mig_lex_peek(lx, n))
        word[n++] = (char)c;
    if (mig_lex_is(word, n, "DELIMITER"))
        return delimiter(lx, n);
    if ((n || c != '?') && !is_client_word(word, n))
        return 0;
    return refuse(lx, "Remove it, or write what it does in SQL.",
                  "a command of the mysql client, which no server understands");
}
