/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_ERROR_OBJECT_H
#define MIG_CORE_ERROR_OBJECT_H

/* What an error is made of, for error.c and error_text.c alone. */

#include "core/error.h"
#include "util/buf.h"

/* A line of the statement, as it is shown. */
struct mig_error_line {
    char *text;
    uint64_t number; /* in its file */
    bool cut;        /* more stands behind it */
};

enum { MIG_ERROR_LINES = 3 };

/* Renderings, made when first asked for. */
struct mig_error_made {
    struct mig_buf text;
    struct mig_buf json;
};

struct migrate_error {
    migrate_status status;
    uint32_t fault;  /* MIGRATE_FAULT_* */
    uint64_t offset; /* byte in the statement + 1, 0 unknown */
    int32_t code;
    char sqlstate[6];
    bool fixed; /* the static object: nothing may be added to it */
    uint64_t line, column, statement;
    char *message;
    char *hint;
    char *state;
    char *version;
    char *path;
    struct mig_error_line lines[MIG_ERROR_LINES]; /* the last one holds the position */
    uint32_t n_lines;
    uint64_t caret; /* character of the last line from 1, 0 none */
    migrate_error *cause;
    struct mig_error_made *made; /* behind a pointer: an error is const to those who read it */
};

/* Keeps the lines around @p offset (byte + 1; 0: the beginning) of a statement for the caret. What cannot be
 * kept for lack of memory is not shown. */
void mig_error_excerpt(struct migrate_error *e, const struct mig_place *place, uint64_t offset);

/* JSON document of the static object. */
extern const char mig_error_nomem_json[];

#endif
