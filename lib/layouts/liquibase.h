/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_LIQUIBASE_H
#define MIG_LAYOUTS_LIQUIBASE_H

/* Liquibase's formatted SQL, shared by the files that read it. */

#include "layouts/reading.h"

enum mig_lq_kind {
    MIG_LQ_HEADER,        /* --liquibase formatted sql */
    MIG_LQ_CHANGESET,     /* --changeset author:id … */
    MIG_LQ_ROLLBACK,      /* --rollback SQL */
    MIG_LQ_BLOCK,         /* the comment that begins with a line "liquibase rollback" */
    MIG_LQ_COMMENT,       /* --comment text */
    MIG_LQ_PRECONDITIONS, /* --preconditions onFail:… */
    MIG_LQ_PRECONDITION,  /* --precondition-sql-check expectedResult:0 SELECT … */
    MIG_LQ_PROPERTY,      /* --property name:x value:y */
    MIG_LQ_CHECKSUM,      /* --validCheckSum: …, which has no meaning here */
    MIG_LQ_IGNORED,       /* lines between --ignoreLines:start and end, those two included */
    MIG_LQ_OURS,          /* -- migrate: … */
    MIG_LQ_REFUSED,       /* what Liquibase sells, and slips of the pen */
};

/* A line, or several for BLOCK and IGNORED, that is not SQL. Offsets in the text without BOM. */
struct mig_lq_line {
    uint64_t start; /* of the line */
    uint64_t begin; /* of the comment in it */
    uint64_t next;  /* of the line behind */
    uint64_t line, next_line;
    uint64_t body, body_end; /* ROLLBACK, BLOCK: where its SQL is */
    uint64_t body_line;
    uint8_t kind;
    bool real;        /* the lexer says that it is a comment */
    bool cut;         /* too long: `text` is not all of it */
    const char *text; /* what follows the keyword, trimmed; scratch */
};

struct mig_lq_file {
    struct mig_reading *r;
    const struct mig_file *f;
    struct mig_lq_line *lines;
    size_t count, cap;
    uint64_t first_statement, first_statement_line; /* UINT64_MAX: none */
    uint64_t end;                                   /* of the file */
};

/* Fills `lines`, and asks the lexer which of them are real. */
int32_t mig_lq_scan(struct mig_lq_file *x);
/* Takes a line's text, without line end, apart. false: it is SQL. */
bool mig_lq_classify(const char *text, size_t len, struct mig_lq_line *out, size_t *rest);

/* What a --changeset line says. Strings are scratch. */
struct mig_lq_change {
    const char *author, *id;
    const char *contexts, *labels, *dbms, *path; /* NULL: not given */
    const char *terminator_up, *terminator_down;
    bool whole_up, whole_down, run_on_change, run_always, no_transaction, ignore;
};
int32_t mig_lq_changeset(struct mig_reading *r, const struct mig_file *f, const struct mig_lq_line *line,
                         struct mig_lq_change *out);

/* Makes the migration of the change set whose --changeset is line @p first; the next one's is line @p end. @p
 * path: of its file, the logical one if there is one. */
int32_t mig_lq_change_make(struct mig_lq_file *x, const char *path, size_t first, size_t end);

/* "key:value" or "key:\"value\"" at *@p at, which is moved behind it. false: no more. Slices of the text. */
bool mig_lq_attribute(const char **at, const char **key, size_t *key_len, const char **value,
                      size_t *value_len);

/* --preconditions, --precondition-sql-check. */
int32_t mig_lq_preconditions(struct mig_reading *r, const struct mig_file *f, const struct mig_lq_line *line,
                             struct mig_directives *out);
int32_t mig_lq_precondition(struct mig_reading *r, const struct mig_file *f, const struct mig_lq_line *line,
                            struct mig_directives *out);

/* Does it run with these options? */
bool mig_lq_dbms_matches(const struct mig_layout_options *o, const char *dbms, size_t len);
bool mig_lq_engine_matches(const struct mig_layout_options *o, const char *dbms); /* NULL: any */
bool mig_lq_contexts_match(const struct mig_layout_options *o, const char *expression);
bool mig_lq_labels_match(const struct mig_layout_options *o, const char *labels);

#endif
