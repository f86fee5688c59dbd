/* SPDX-License-Identifier: Apache-2.0 */

/* Where a statement ends, by the rules of SQLite's own tokenizer (tokenize.c) and of sqlite3_complete() for
 * triggers, and more exact than the latter, which does not know that $name(...) is one token.
 *
 * The tail of sqlite3_prepare_v2() would say it too, but only when the statement compiles, which needs all
 * earlier ones to have run; and compiling is not free of effects: many a PRAGMA takes effect then. So the
 * text is cut here, and exec() holds the cut against the tail: it runs nothing where the two disagree. */

#include "conn.h"

#include "util/mem.h"
#include "util/text.h"

#include <string.h>

enum token {
    TOKEN_END,     /* of the text */
    TOKEN_PARTIAL, /* the text ends inside of it */
    TOKEN_BLANK,
    TOKEN_COMMENT_OPEN, /* a block comment that runs to the end of the text: legal */
    TOKEN_SEMI,
    TOKEN_WORD,
    TOKEN_OTHER,
};

struct scan {
    const char *text;
    size_t len;
    size_t at;    /* behind the token */
    size_t begin; /* of the token */
};

static bool is_space(char ch)
{
    return ch == ' ' || (ch >= '\t' && ch <= '\r' && ch != '\v');
}

static bool is_ident(char ch)
{
    return mig_is_alpha(ch) || mig_is_digit(ch) || ch == '_' || ch == '$' || (unsigned char)ch >= 0x80;
}

static char look(const struct scan *s, size_t ahead)
{
    return s->at + ahead < s->len ? s->text[s->at + ahead] : '\0';
}

static enum token line_comment(struct scan *s)
{
    const char *end = memchr(s->text + s->at, '\n', s->len - s->at);
    s->at = end ? (size_t)(end - s->text) : s->len;
    return TOKEN_BLANK;
}

static enum token block_comment(struct scan *s)
{
    /* The '*' that opens does not close: a slash, a star and a slash only open. */
    for (size_t i = s->at + 3; i < s->len; i++) {
        if (s->text[i] == '/' && s->text[i - 1] == '*') {
            s->at = i + 1;
            return TOKEN_BLANK;
        }
    }
    s->at = s->len;
    return TOKEN_COMMENT_OPEN;
}

/* Up to @p close, which doubled stands for itself where @p doubles. */
static enum token quoted(struct scan *s, char close, bool doubles)
{
    for (s->at++; s->at < s->len; s->at++) {
        if (s->text[s->at] == close) {
            if (!doubles || look(s, 1) != close) {
                s->at++;
                return TOKEN_OTHER;
            }
            s->at++;
        }
    }
    return TOKEN_PARTIAL;
}

/* $a, @a, :a, #a, with the parts that Tcl allows: a::b and a(anything but blanks). */
static enum token variable(struct scan *s)
{
    size_t name = 0;
    for (s->at++; s->at < s->len; s->at++) {
        char ch = s->text[s->at];
        if (is_ident(ch)) {
            name++;
        } else if (ch == '(' && name > 0) {
            while (s->at < s->len && s->text[s->at] != ')' && !is_space(s->text[s->at])) {
                s->at++;
            }
            if (s->at < s->len && s->text[s->at] == ')') {
                s->at++;
            }
            break;
        } else if (ch == ':' && look(s, 1) == ':') {
            s->at++;
        } else {
            break;
        }
    }
    return TOKEN_OTHER;
}

static enum token word(struct scan *s)
{
    while (s->at < s->len && is_ident(s->text[s->at])) {
        s->at++;
    }
    return TOKEN_WORD;
}

static enum token blanks(struct scan *s)
{
    while (s->at < s->len && is_space(s->text[s->at])) {
        s->at++;
    }
    return TOKEN_BLANK;
}

static enum token next(struct scan *s)
{
    s->begin = s->at;
    if (s->at >= s->len) {
        return TOKEN_END;
    }
    char ch = s->text[s->at];
    if (is_space(ch)) {
        return blanks(s);
    }
    if (ch == '\xef' && look(s, 1) == '\xbb' && look(s, 2) == '\xbf') {
        s->at += 3;
        return TOKEN_BLANK;
    }
    if (is_ident(ch) && ch != '$') {
        return word(s);
    }
    switch (ch) {
    case '-':
        if (look(s, 1) == '-') {
            return line_comment(s);
        }
        break;
    case '/':
        if (look(s, 1) == '*' && s->at + 2 < s->len) {
            return block_comment(s);
        }
        break;
    case '\'':
    case '"':
    case '`':
        return quoted(s, ch, true);
    case '[':
        return quoted(s, ']', false);
    case '$':
    case '@':
    case ':':
    case '#':
        return variable(s);
    case ';':
        s->at++;
        return TOKEN_SEMI;
    default:
        break;
    }
    s->at++;
    return TOKEN_OTHER;
}

size_t mig_sqlite_skip_blank(const char *text, size_t len)
{
    struct scan s = { .text = text, .len = len };
    enum token t;
    do {
        t = next(&s);
    } while (t == TOKEN_BLANK || t == TOKEN_COMMENT_OPEN);
    return s.begin;
}

/* Where in [EXPLAIN …] CREATE [TEMP] TRIGGER … ; END ; we are. */
enum state {
    AT_START,
    AT_EXPLAIN,
    AT_CREATE,
    IN_PLAIN,   /* the next ';' ends it */
    IN_TRIGGER, /* a ';' ends a statement of its body */
    IN_TRIGGER_AFTER_SEMI,
    AFTER_TRIGGER_END,
};

static bool is_word(const struct scan *s, const char *upper)
{
    return mig_ieqn(s->text + s->begin, s->at - s->begin, upper);
}

static enum state after_word(enum state state, const struct scan *s)
{
    switch (state) {
    case AT_START:
        return is_word(s, "EXPLAIN") ? AT_EXPLAIN : is_word(s, "CREATE") ? AT_CREATE : IN_PLAIN;
    case AT_EXPLAIN:
        return is_word(s, "CREATE")                        ? AT_CREATE
               : is_word(s, "QUERY") || is_word(s, "PLAN") ? AT_EXPLAIN
                                                           : IN_PLAIN;
    case AT_CREATE:
        return is_word(s, "TRIGGER")                           ? IN_TRIGGER
               : is_word(s, "TEMP") || is_word(s, "TEMPORARY") ? AT_CREATE
                                                               : IN_PLAIN;
    case IN_TRIGGER_AFTER_SEMI:
        return is_word(s, "END") ? AFTER_TRIGGER_END : IN_TRIGGER;
    default:
        return state == AFTER_TRIGGER_END ? IN_TRIGGER : state;
    }
}

static enum state after_other(enum state state)
{
    return state == AT_START || state == AT_EXPLAIN || state == AT_CREATE ? IN_PLAIN
           : state == IN_TRIGGER_AFTER_SEMI || state == AFTER_TRIGGER_END ? IN_TRIGGER
                                                                          : state;
}

struct cut {
    size_t end; /* where the text of the statement ends: its ';' or the end of the text */
    enum state state;
    enum token last; /* TOKEN_SEMI: it is ended */
};

/* From the first token of a statement to its end. */
static void find_end(struct scan *s, struct cut *out)
{
    enum state state = AT_START;
    enum token t;
    while ((t = next(s)) != TOKEN_END && t != TOKEN_PARTIAL) {
        if (t == TOKEN_WORD) {
            state = after_word(state, s);
        } else if (t == TOKEN_OTHER) {
            state = after_other(state);
        } else if (t == TOKEN_SEMI) {
            if (state != IN_TRIGGER && state != IN_TRIGGER_AFTER_SEMI) {
                break;
            }
            state = IN_TRIGGER_AFTER_SEMI;
        }
    }
    out->end = s->begin;
    out->state = state;
    out->last = t;
}

static migrate_status unterminated(const struct mig_sqlite *c, const struct scan *s, const struct cut *cut,
                                   migrate_error **err)
{
    bool quote = cut->last == TOKEN_PARTIAL;
    migrate_fault fault = {
        .struct_size = sizeof(fault),
        .status = MIGRATE_E_PARSE,
        .klass = MIGRATE_FAULT_SYNTAX,
        .offset = s->begin + 1,
        .message = quote ? "a quote is opened and not closed" : "the trigger's body does not end with END",
        .hint = quote ? "close it; a quote inside quotes is written twice"
                      : "end the body with END; after the ';' of its last statement",
    };
    return mig_sqlite_report(c->host, err, &fault);
}

static migrate_status client_command(const struct mig_sqlite *c, size_t at, migrate_error **err)
{
    migrate_fault fault = {
        .struct_size = sizeof(fault),
        .status = MIGRATE_E_PARSE,
        .klass = MIGRATE_FAULT_SYNTAX,
        .offset = at + 1,
        .message = "a command of the sqlite3 shell, not SQL",
        .hint = "lines that begin with '.' are for the sqlite3 shell alone: write SQL instead",
    };
    return mig_sqlite_report(c->host, err, &fault);
}

static size_t without_trailing_blanks(const char *text, size_t begin, size_t end)
{
    while (end > begin && is_space(text[end - 1])) {
        end--;
    }
    return end;
}

/* *used 0 asks for more text. Statements that are empty are passed over. */
migrate_status mig_sqlite_split(void *conn, const char *text, size_t len, uint32_t at_end, size_t *used,
                                size_t *stmt_at, size_t *stmt_len, migrate_error **err)
{
    struct scan s = { .text = text, .len = len };
    struct cut cut;
    size_t at = 0;
    *used = *stmt_at = *stmt_len = 0;
    for (;;) {
        at += mig_sqlite_skip_blank(text + at, len - at);
        if (at >= len || text[at] != ';') {
            break;
        }
        at++;
    }
    if (at >= len) {
        *used = at_end ? len : 0;
        return MIGRATE_OK;
    }
    if (text[at] == '.') {
        return client_command(conn, at, err);
    }
    s.at = at;
    find_end(&s, &cut);
    if (cut.last != TOKEN_SEMI && !at_end) {
        return MIGRATE_OK;
    }
    if (cut.last == TOKEN_PARTIAL ||
        (cut.last == TOKEN_END && (cut.state == IN_TRIGGER || cut.state == IN_TRIGGER_AFTER_SEMI))) {
        return unterminated(conn, &s, &cut, err);
    }
    *used = s.at;
    *stmt_at = at;
    *stmt_len = without_trailing_blanks(text, at, cut.end) - at;
    return MIGRATE_OK;
}
