/* SPDX-License-Identifier: Apache-2.0 */

/* The records of an answer, each value as text. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/base64.h"
#include "drivers/rds_data/rds.h"

/* A row: texts behind one another, found by offset once all are there. */
struct row {
    struct mig_buf text;
    struct { ptrdiff_t at; size_t len; } *cells; /* at -1: NULL */
    migrate_text *cols;
    size_t cap;
    bool bad;
};

/* Enough digits to say the same number. */
static void add_double(struct mig_buf *out, double value)
{
    mig_buf_fmt(out, "%.17g", value);
}

static void add_array(struct row *r, const json_t *array)
{
    char *text = json_dumps(array, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text)
        mig_buf_str(&r->text, text);
    else
        r->bad = true;
    free(text);
}

/* false: NULL. */
static bool add_value(struct row *r, const json_t *field)
{
    const json_t *v;
    if ((v = json_object_get(field, "stringValue")) != NULL)
        mig_buf_add(&r->text, json_string_value(v), json_string_length(v));
    else if ((v = json_object_get(field, "longValue")) != NULL)
        mig_buf_fmt(&r->text, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if ((v = json_object_get(field, "booleanValue")) != NULL)
        mig_buf_char(&r->text, json_is_true(v) ? 't' : 'f');
    else if ((v = json_object_get(field, "doubleValue")) != NULL)
        add_double(&r->text, json_number_value(v));
    else if ((v = json_object_get(field, "blobValue")) != NULL)
        r->bad |= !mig_base64_decode(json_string_value(v), json_string_length(v), &r->text);
    else if ((v = json_object_get(field, "arrayValue")) != NULL)
        add_array(r, v);
    else
        return false;
    return true;
}

static bool room(struct row *r, size_t n)
{
    if (n <= r->cap)
        return true;
    void *cells = realloc(r->cells, n * sizeof *r->cells);
    if (cells)
        r->cells = cells;
    void *cols = cells ? realloc(r->cols, n * sizeof *r->cols) : NULL;
    if (!cols)
        return false;
    r->cols = cols;
    r->cap = n;
    return true;
}

static bool fill(struct row *r, const json_t *record)
{
    size_t n = json_array_size(record);
    if (!room(r, n ? n : 1))
        return false;
    mig_buf_reset(&r->text);
    mig_buf_str(&r->text, ""); /* never NULL, also when all is empty */
    for (size_t i = 0; i < n; i++) {
        size_t at = r->text.len;
        bool some = add_value(r, json_array_get(record, i));
        r->cells[i].at = some ? (ptrdiff_t)at : -1;
        r->cells[i].len = r->text.len - at;
        mig_buf_char(&r->text, '\0');
    }
    for (size_t i = 0; i < n && !r->text.oom; i++)
        r->cols[i] = (migrate_text){ r->cells[i].at < 0 ? NULL : r->text.data + r->cells[i].at, r->cells[i].len };
    return !r->text.oom && !r->bad;
}

bool mig_rds_rows(const json_t *answer, migrate_row_fn on_row, void *user)
{
    const json_t *records = json_object_get(answer, "records");
    struct row r = { .text = MIG_BUF_INIT };
    bool good = true;
    for (size_t i = 0; on_row && i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);
        good = fill(&r, record);
        if (!good || on_row(user, (uint32_t)json_array_size(record), r.cols))
            break;
    }
    mig_buf_free(&r.text);
    free(r.cells);
    free(r.cols);
    return good;
}
