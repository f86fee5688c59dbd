/* SPDX-License-Identifier: Apache-2.0 */

/* The text of one direction, read by offset, hashed as it is read, and given out with placeholders replaced.
 */

#include <stdlib.h>
#include <string.h>

#include <migrate/error.h>

#include "layouts/canon.h"
#include "layouts/placeholders.h"

enum { IN_CHUNK = 16 * 1024 };

/* From here on line @p out of what was given out is line @p file of the file. */
struct jump {
    uint64_t offset, out, file;
};

struct mig_text {
    const struct mig_set *set;
    const struct mig_migration *m;
    const struct mig_part *part;
    const struct mig_layout_options *options;
    const struct migrate_source_ops *ops;
    void *self;
    const struct migrate_host *host;

    uint32_t range;  /* the one being read */
    uint64_t offset; /* in the file */
    struct mig_canon canon;
    bool settled; /* the hash was compared */
    bool ended;            /* all ranges are read */
    bool replace;          /* placeholders */

    struct mig_buf in;  /* read, not yet looked at */
    struct mig_buf out; /* replaced, not yet given out */
    size_t out_at;

    uint64_t made;                /* bytes for the lexer so far */
    uint64_t out_line, file_line; /* of the next one, as the lexer counts and in the file */
    char last;                    /* byte made */
    struct jump *jumps;
    size_t n_jumps, jumps_cap;

    int32_t status; /* of what failed */
    struct mig_diag diag;
    struct migrate_error *err; /* of the source */
};

static int32_t fail(struct mig_text *t, int32_t status)
{
    t->status = status;
    return status;
}

static int32_t nomem(struct mig_text *t)
{
    return fail(t, mig_diag_set(&t->diag, MIGRATE_E_NOMEM, "out of memory"));
}

static int32_t moved(struct mig_text *t)
{
    (void)mig_diag_set(&t->diag, MIGRATE_E_SOURCE_MOVED, "%s changed while it was being run", t->part->path);
    mig_diag_hint(&t->diag, "let nobody write to the migrations during a run, and run again");
    mig_diag_path(&t->diag, t->part->path);
    return fail(t, MIGRATE_E_SOURCE_MOVED);
}

/* ---- lines ------------------------------------------------------------------ */

static int32_t add_jump(struct mig_text *t)
{
    if (!mig_grow(&t->jumps, &t->jumps_cap, t->n_jumps + 1, sizeof *t->jumps))
        return nomem(t);
    t->jumps[t->n_jumps++] = (struct jump){ t->made, t->out_line, t->file_line };
    return MIGRATE_OK;
}

static uint64_t count_lines(const char *text, size_t len)
{
    uint64_t n = 0;
    const char *end = text + len;
    while (len > 0 && (text = memchr(text, '\n', (size_t)(end - text)))) {
        n++;
        text++;
    }
    return n;
}

/* Counts bytes that go to the lexer; @p of_file: they are the file's own. */
static void count(struct mig_text *t, const char *text, size_t len, bool of_file)
{
    if (len == 0)
        return;
    uint64_t lines = count_lines(text, len);
    t->made += len;
    t->out_line += lines;
    t->file_line += of_file ? lines : 0;
    t->last = text[len - 1];
}

uint64_t mig_text_line(const struct mig_text *t, uint64_t offset, uint64_t lexer_line)
{
    for (size_t i = t->n_jumps; i > 0; i--) {
        const struct jump *j = &t->jumps[i - 1];
        if (offset == UINT64_MAX ? j->out <= lexer_line : j->offset <= offset)
            return j->file + (lexer_line > j->out ? lexer_line - j->out : 0);
    }
    return lexer_line;
}

/* ---- reading ---------------------------------------------------------------- */

/* Bytes of the current range; *@p got 0: its end. */
static int32_t read_raw(struct mig_text *t, char *buf, size_t cap, size_t *got)
{
    const struct mig_range *range = &t->part->ranges[t->range];
    uint64_t left = range->end - t->offset;
    migrate_entry entry = { .struct_size = sizeof entry,
                            .size = UINT64_MAX,
                            .cookie = t->part->cookie,
                            .path = { t->part->path, strlen(t->part->path) } };
    *got = 0;
    if (left == 0)
        return MIGRATE_OK;
    int32_t status =
        t->ops->read(t->self, t->host, &entry, t->offset, buf, left < cap ? (size_t)left : cap, got, &t->err);
    if (status)
        return fail(t, status);
    if (*got > cap)
        return fail(t, mig_diag_set(&t->diag, MIGRATE_E_CONTRACT, "the source reads more than asked for"));
    if (*got == 0 && range->end != UINT64_MAX)
        return moved(t); /* it shrank */
    mig_canon_add(&t->canon, buf, *got);
    t->offset += *got;
    return MIGRATE_OK;
}

static int32_t settle(struct mig_text *t)
{
    uint8_t digest[MIG_SHA256_LEN];
    if (t->settled)
        return MIGRATE_OK;
    t->settled = true;
    mig_canon_final(&t->canon, digest);
    const uint8_t *sha = mig_part_sha(t->part);
    return memcmp(digest, sha ? sha : t->m->checksum, sizeof digest) == 0 ? MIGRATE_OK : moved(t);
}

/* Goes on to the next range; the last one ends the text. Ranges are lines of their own. */
static int32_t next_range(struct mig_text *t)
{
    if (t->range + 1 >= t->part->n_ranges) {
        t->ended = true;
        return settle(t);
    }
    t->range++;
    t->offset = t->part->ranges[t->range].begin;
    if (t->last != '\n') {
        mig_buf_char(&t->out, '\n');
        count(t, "\n", 1, false);
    }
    t->file_line = t->part->ranges[t->range].line;
    return t->out.oom ? nomem(t) : add_jump(t);
}

/* ---- placeholders ----------------------------------------------------------- */

static int32_t fail_placeholder(struct mig_text *t, const char *name, size_t len)
{
    (void)mig_diag_set(&t->diag, MIGRATE_E_PLACEHOLDER, "there is no value for the placeholder ${%.*s}",
                       (int)len, name);
    mig_diag_hint(&t->diag, "set the option placeholder.%.*s", (int)len, name);
    mig_diag_path(&t->diag, t->part->path);
    mig_diag_at(&t->diag, t->file_line, 0);
    return fail(t, MIGRATE_E_PLACEHOLDER);
}

static void put(struct mig_text *t, const char *text, size_t len, bool of_file)
{
    mig_buf_add(&t->out, text, len);
    count(t, text, len, of_file);
}

/* @p text is "${name}". */
static int32_t put_value(struct mig_text *t, const char *text, size_t len)
{
    const char *value = mig_placeholder_value(t->set, t->m, t->options, text + 2, len - 3);
    if (!value && (t->m->flags & MIG_MIGRATION_LENIENT)) {
        put(t, text, len, true);
        return MIGRATE_OK;
    }
    if (!value)
        return fail_placeholder(t, text + 2, len - 3);
    uint64_t before = t->out_line;
    put(t, value, strlen(value), false);
    return t->out_line != before ? add_jump(t) : MIGRATE_OK;
}

/* Replaces what is in `in`; @p end: the range ends here, a placeholder that is not complete is none. */
static int32_t replace(struct mig_text *t, bool end)
{
    const char *text = t->in.data;
    size_t at = 0, len = t->in.len;
    int32_t status = MIGRATE_OK;
    while (at < len && !status) {
        const char *dollar = memchr(text + at, '$', len - at);
        size_t plain = dollar ? (size_t)(dollar - text) - at : len - at;
        put(t, text + at, plain, true);
        at += plain;
        size_t n = dollar ? mig_placeholder_len(dollar, len - at) : 0;
        if (n == SIZE_MAX && !end)
            break;
        if (n == 0 || n == SIZE_MAX)
            put(t, text + at, dollar ? 1 : 0, true);
        else
            status = put_value(t, dollar, n);
        at += n == 0 || n == SIZE_MAX ? dollar != NULL : n;
    }
    mig_buf_consume(&t->in, at);
    return !status && t->out.oom ? nomem(t) : status;
}

static int32_t refill(struct mig_text *t)
{
    size_t got = 0;
    if (!mig_buf_reserve(&t->in, IN_CHUNK))
        return nomem(t);
    int32_t status = read_raw(t, t->in.data + t->in.len, IN_CHUNK, &got);
    if (status)
        return status;
    t->in.len += got;
    status = t->in.len ? replace(t, got == 0) : MIGRATE_OK;
    return status || got ? status : next_range(t);
}

/* ---- the reader ------------------------------------------------------------- */

/* Text without placeholders goes straight to where it is wanted. */
static int32_t read_straight(struct mig_text *t, char *buf, size_t cap, size_t *got)
{
    int32_t status = read_raw(t, buf, cap, got);
    if (!status && *got > 0)
        count(t, buf, *got, true);
    return status || *got ? status : next_range(t);
}

static size_t give(struct mig_text *t, char *buf, size_t cap)
{
    size_t left = t->out.len - t->out_at, n = left < cap ? left : cap;
    if (n > 0)
        memcpy(buf, t->out.data + t->out_at, n);
    t->out_at += n;
    if (t->out_at == t->out.len) {
        mig_buf_reset(&t->out);
        t->out_at = 0;
    }
    return n;
}

int32_t mig_text_read(void *text, char *buf, size_t cap, size_t *got)
{
    struct mig_text *t = text;
    *got = 0;
    while (!t->status) {
        *got = give(t, buf, cap);
        if (*got > 0 || t->ended || cap == 0)
            return MIGRATE_OK;
        int32_t status = t->replace ? refill(t) : read_straight(t, buf, cap, got);
        if (!status && *got > 0)
            return MIGRATE_OK;
    }
    return t->status;
}

int32_t mig_text_verify(struct mig_text *t, struct mig_diag *diag)
{
    char buf[4096];
    size_t got = 1;
    while (!t->status && got > 0)
        (void)mig_text_read(t, buf, sizeof buf, &got);
    if (t->status && t->diag.status) {
        (void)mig_diag_set(diag, t->diag.status, "%s", t->diag.message ? t->diag.message : "");
        if (t->diag.hint)
            mig_diag_hint(diag, "%s", t->diag.hint);
        mig_diag_path(diag, t->part->path);
        mig_diag_at(diag, t->diag.line, t->diag.column);
    }
    return t->status;
}

void mig_text_fault(struct mig_text *t, struct mig_diag *diag, struct migrate_error **err)
{
    if (t->err) {
        *err = t->err;
        t->err = NULL;
    } else if (t->diag.status) {
        *diag = t->diag;
        t->diag = (struct mig_diag)MIG_DIAG_INIT;
    }
}

int32_t mig_text_open(const struct mig_set *set, const struct mig_migration *m, uint32_t direction,
                      const struct migrate_source_ops *ops, void *self, const struct migrate_host *host,
                      const struct mig_layout_options *options, struct mig_text **out, struct mig_diag *diag,
                      struct migrate_error **err)
{
    (void)err;
    struct mig_text *t = calloc(1, sizeof *t);
    if (!t)
        return mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    mig_canon_init(&t->canon);
    t->set = set;
    t->m = m;
    t->part = direction == MIGRATE_DIRECTION_DOWN ? m->down : &m->up;
    t->options = options;
    t->ops = ops;
    t->self = self;
    t->host = host;
    t->replace = mig_placeholders_wanted(m, options);
    t->ended = t->settled = t->part->n_ranges == 0;
    t->last = '\n';
    t->offset = t->part->n_ranges ? t->part->ranges[0].begin : 0;
    t->out_line = t->file_line = t->part->n_ranges ? t->part->ranges[0].line : 1;
    if (add_jump(t)) {
        mig_text_close(t);
        return mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    }
    *out = t;
    return MIGRATE_OK;
}

void mig_text_close(struct mig_text *t)
{
    if (!t)
        return;
    mig_buf_free(&t->in);
    mig_buf_free(&t->out);
    mig_diag_free(&t->diag);
    migrate_error_free(t->err);
    free(t->jumps);
    free(t);
}
