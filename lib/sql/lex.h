/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_LEX_H
#define MIG_SQL_LEX_H

/* What the parts of the statement iterator share: the window over the script, the scanners for what all
 * dialects have in some form, and the table by which each dialect says how it differs.
 *
 * The window keeps what has been read from `keep` on; everything before may be thrown away when more is
 * read. Positions that must outlive a read are therefore counts of bytes from the script's first
 * (uint64_t), not indexes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <migrate/driver.h>
#include <migrate/status.h>

#include "sql/compound.h"
#include "sql/lexer.h"
#include "sql/place.h"

#define MIG_LEX_CHUNK 65536u /* asked of read() at once, and the most of a lone comment that is kept */
#define MIG_LEX_TERMINATOR_MAX 64u

struct mig_window {
    char *data;
    size_t pos; /* next byte to look at */
    size_t end; /* bytes held */
    size_t cap;
    size_t keep;   /* first byte still needed */
    uint64_t base; /* position of data[0] */
    bool eof;      /* read() has nothing more */
    bool nul;      /* what looks like the end is a NUL byte */
};

/* What a byte begins when it stands outside of quotes, comments and words. */
enum mig_lex_class {
    MIG_C_SPACE,
    MIG_C_PLAIN,
    MIG_C_WORD,
    MIG_C_SEMICOLON,
    MIG_C_TERMINATOR, /* another than ';' may begin here */
    MIG_C_COMMENT,    /* '-', '/', '#': perhaps a comment */
    MIG_C_SQUOTE,
    MIG_C_DQUOTE,
    MIG_C_BACKTICK,
    MIG_C_BRACKET,
    MIG_C_DOLLAR,
    MIG_C_OPEN,
    MIG_C_CLOSE,
    MIG_C_BACKSLASH,
    MIG_C_VARIABLE,
    MIG_C_STAR,
    MIG_C_COUNT
};

enum mig_step {
    MIG_STEP_ON,   /* go on with the statement */
    MIG_STEP_CUT,  /* it ends at `cut` */
    MIG_STEP_END,  /* so does the script */
    MIG_STEP_FAIL, /* `status` says why */
};

struct mig_sql_lexer;
typedef enum mig_step (*mig_lex_action)(struct mig_sql_lexer *lx);

/* What makes a dialect. Absent members: nothing to do. */
struct mig_lex_rules {
    void (*classes)(uint8_t *classes); /* changes to the table all share */
    bool dollar_in_word;               /* '$' continues an identifier */
    bool cr_ends_comment;              /* a lone CR does */
    /* Passes over a comment at the window's position: 1 it did, 0 there is none, -1 failed. */
    int (*comment)(struct mig_sql_lexer *lx);
    void (*begin)(struct mig_sql_lexer *lx); /* of a statement */
    /* At the begin of a statement: 1 passed over a line that is for a client, 0 there is none, -1 refused. */
    int (*command)(struct mig_sql_lexer *lx);
    /* Each word while `words` is set. The text is in the window. */
    void (*word)(struct mig_sql_lexer *lx, const char *text, size_t len);
    /* Blanks and characters without a class of their own, some at a time; and, with @p text NULL, that
     * something quoted was passed. */
    void (*other)(struct mig_sql_lexer *lx, const char *text, size_t len);
    bool (*semicolon)(struct mig_sql_lexer *lx); /* does this ';' end the statement? */
    bool (*hold)(struct mig_sql_lexer *lx); /* in a goose block: shall the statement run on to its end? */
    /* The statement is over: false after mig_lex_fail(), if that must not be. */
    bool (*finish)(struct mig_sql_lexer *lx, bool at_end);
    mig_lex_action action[MIG_C_COUNT];
};

struct mig_terminator {
    char text[MIG_LEX_TERMINATOR_MAX]; /* without line ends around it */
    size_t len;                        /* 0: ';' */
    bool line_begin;                   /* only blanks before it on its line */
    bool line_end;                     /* only blanks behind it */
    bool any_case;
    uint8_t behind; /* class its first byte has otherwise */
};

struct mig_lex_postgres {
    uint32_t words; /* of this statement so far */
    uint8_t kind;
    uint8_t last;     /* the token before, where it matters */
    bool atomic;      /* inside BEGIN ATOMIC … END */
    bool stdin_;      /* COPY … FROM STDIN */
    uint32_t depth;   /* of parentheses */
    uint64_t open;    /* the outermost that is open */
    uint64_t block;   /* BEGIN ATOMIC */
    uint64_t last_at; /* begin of `last` */
    uint8_t mode;     /* of the literal that ended at mode_end, if it may be continued */
    uint64_t mode_end;
};

struct mig_lex_mysql {
    struct mig_compound compound;
    bool first;   /* no word yet */
    bool version; /* inside of a version comment */
    uint64_t version_at;
};

enum mig_copy { MIG_COPY_NONE, MIG_COPY_DUE, MIG_COPY_DATA };

struct mig_sql_lexer {
    struct mig_window w;
    const struct mig_lex_rules *rules;
    uint8_t class[256];
    bool ident[256]; /* goes on with a word */
    struct mig_terminator term;

    /* as configured */
    uint32_t lex, version;
    bool mariadb, goose, whole;
    uint64_t max;
    mig_sql_read_fn read;
    void *read_user;
    mig_sql_comment_fn on_comment;
    void *comment_user;

    int32_t status;        /* once it has failed */
    struct mig_diag *diag; /* of the call under way */
    bool started;

    /* place of what is being read (statement, or comment between two), and another one that goes ahead of it
     */
    struct mig_place from, at;
    uint64_t from_pos, at_pos;
    bool jump; /* at position jump_at the place is jump_to: COPY data lay between */
    uint64_t jump_at;
    struct mig_place jump_to;

    /* the statement */
    bool inside;
    bool words;      /* the dialect wants to see them */
    size_t word_len; /* of the last one */
    bool line_clean; /* between statements: only blanks so far on this line */
    bool semi_last;  /* nothing but comments since the ';' at semi_at */
    bool semi_seen;
    uint64_t semi_at;
    uint64_t cut; /* where it ends */
    uint32_t flags;

    bool block; /* goose block is open */
    struct mig_place block_at;

    /* COPY */
    enum mig_copy copy;
    bool copy_bol;
    struct mig_place copy_from; /* of the COPY */
    struct mig_buf copy_text;   /* it, while its data passes through the window */
    struct mig_buf rest;        /* what follows on its line */
    struct mig_place rest_at;

    struct mig_lex_postgres pg;
    struct mig_lex_mysql my;
    uint8_t sqlite;     /* state of its machine */
    uint64_t sqlite_at; /* begin of the trigger */
};

extern const struct mig_lex_rules mig_lex_postgres, mig_lex_mysql, mig_lex_sqlite, mig_lex_other;

/* window.c: reads more behind what is held. False at the end, or after a failure (`status`). */
bool mig_lex_more(struct mig_sql_lexer *lx);
/* Byte at @p ahead from the position, -1 behind the end. */
int mig_lex_peek(struct mig_sql_lexer *lx, size_t ahead);
/* Puts text back before the position. */
bool mig_lex_put_back(struct mig_sql_lexer *lx, const char *text, size_t len);
/* Moves `at` to @p pos, which lies in the window and not before it. */
void mig_lex_track(struct mig_sql_lexer *lx, uint64_t pos);
/* E_PARSE at @p pos, or the failure that was there before; returns MIG_STEP_FAIL. */
enum mig_step mig_lex_fail(struct mig_sql_lexer *lx, uint64_t pos, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
enum mig_step mig_lex_fail_at(struct mig_sql_lexer *lx, const struct mig_place *place, const char *hint,
                              const char *message);
enum mig_step mig_lex_nomem(struct mig_sql_lexer *lx);

static inline uint64_t mig_lex_pos(const struct mig_sql_lexer *lx)
{
    return lx->w.base + lx->w.pos;
}

static inline const char *mig_lex_text(const struct mig_sql_lexer *lx, uint64_t pos)
{
    return lx->w.data + (size_t)(pos - lx->w.base);
}

/* @p word is in capitals. */
bool mig_lex_is(const char *text, size_t len, const char *word);

/* scan.c: from the position to behind what they are called for. Those that return a step fail when it never
 * ends. */
enum mig_step mig_lex_quoted(struct mig_sql_lexer *lx, char quote, bool backslash, bool doubled,
                             const char *what);
enum mig_step mig_lex_dollar(struct mig_sql_lexer *lx, bool digit_first, bool *is_quote);
int mig_lex_line_comment(struct mig_sql_lexer *lx);
int mig_lex_block_comment(struct mig_sql_lexer *lx, bool nested, bool may_end_script);
/* Passes over the byte at the position and the identifier characters behind it; how many. The text ends at
 * the position. */
size_t mig_lex_run(struct mig_sql_lexer *lx);

/* Actions for the tables. */
enum mig_step mig_lex_on_word(struct mig_sql_lexer *lx);
enum mig_step mig_lex_on_semicolon(struct mig_sql_lexer *lx);
enum mig_step mig_lex_on_terminator(struct mig_sql_lexer *lx);
enum mig_step mig_lex_on_comment(struct mig_sql_lexer *lx);
enum mig_step mig_lex_on_plain(struct mig_sql_lexer *lx);

/* terminator.c */
void mig_lex_tables(struct mig_sql_lexer *lx);
bool mig_lex_set_terminator(struct mig_sql_lexer *lx, const char *text, size_t len);
/* Is it here, where its first byte is? It is then consumed, `cut` set. */
bool mig_lex_at_terminator(struct mig_sql_lexer *lx);

/* goose.c: a comment has been passed, the last @p len bytes before the position. MIG_STEP_CUT: it ends the
 * statement. */
enum mig_step mig_lex_goose(struct mig_sql_lexer *lx, uint64_t begin, const char *text, size_t len);

/* copy.c */
int32_t mig_lex_copy_skip(struct mig_sql_lexer *lx);

#endif
