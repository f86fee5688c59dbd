/* SPDX-License-Identifier: Apache-2.0 */

/* One pass over the bytes of a file: checksum, NUL bytes, encoding, and whether some comment may be a marker,
 * so that only files which hold one are lexed. Of a file of any size one chunk is in memory. */

#include <string.h>

#include "layouts/canon.h"
#include "layouts/marks.h"
#include "layouts/reading.h"
#include "util/text.h"

enum {
    OVERLAP = 128, /* bytes of the chunk before that are searched again, for what lies across */
    TICK_BYTES = 16 * 1024 * 1024, /* read so much between two questions whether to go on */
};

/* ---- candidates ------------------------------------------------------------- */

/* Does the line that byte @p at belongs to begin as a "--" comment? Where its beginning is out of sight, it
 * may. */
static bool in_comment_line(const char *text, size_t at, bool from_start)
{
    size_t begin = at;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    if (begin == 0 && !from_start)
        return true;
    while (begin < at && (text[begin] == ' ' || text[begin] == '\t'))
        begin++;
    return at - begin >= 2 && text[begin] == '-' && text[begin + 1] == '-';
}

static bool holds_marker(const char *text, size_t len, bool from_start)
{
    static const char *const needles[] = { "igrat", "IGRAT", "+goose", "atlas:", "morph:" };
    for (size_t i = 0; i < sizeof needles / sizeof needles[0]; i++) {
        size_t n = strlen(needles[i]), at = 0;
        const char *hit;
        while ((hit = memmem(text + at, len - at, needles[i], n))) {
            at = (size_t)(hit - text);
            if (in_comment_line(text, at, from_start))
                return true;
            at += n;
        }
    }
    return false;
}

/* ---- reading ---------------------------------------------------------------- */

struct pass {
    struct mig_reading *r;
    struct mig_file *f;
    struct mig_canon canon;
    uint64_t offset; /* of the next byte, BOM not counted */
    size_t kept;     /* bytes of the chunk before at the front of the buffer */
    bool marker;
};

static int32_t refuse_encoding(struct mig_reading *r, const struct mig_file *f)
{
    return mig_reading_fail(r, MIGRATE_E_PARSE, f->path, 1, "save it as UTF-8", "it is in UTF-16 or UTF-32");
}

static int32_t refuse_nul(struct pass *p, uint64_t offset)
{
    uint64_t line = 0;
    int32_t status = mig_content_line(p->r, p->f, offset, &line);
    if (status)
        return status;
    return mig_reading_fail(p->r, MIGRATE_E_PARSE, p->f->path, line,
                            "remove it; no server takes it in SQL text", "it holds a NUL byte");
}

/* A file of gigabytes takes seconds. */
static int32_t tick(struct mig_reading *r)
{
    int32_t status = r->host && r->host->tick ? r->host->tick(r->host) : MIGRATE_OK;
    return status ? mig_diag_set(r->diag, status, "stopped while the migrations were read") : MIGRATE_OK;
}

/* Fills the buffer behind what is kept; *@p end: that was the last. */
static int32_t fill(struct pass *p, size_t *len, bool *end)
{
    size_t at = p->kept, got = 0;
    do {
        int32_t status = mig_file_read(p->r, p->f, p->offset + (at - p->kept), p->r->chunk + at,
                                       MIG_READ_CHUNK - at, &got);
        if (status)
            return status;
        at += got;
    } while (got > 0 && at < MIG_READ_CHUNK);
    *len = at - p->kept;
    *end = got == 0;
    return p->offset / TICK_BYTES != (p->offset + *len) / TICK_BYTES ? tick(p->r) : MIGRATE_OK;
}

/* UTF-16 and UTF-32 by their marks or by a NUL among the first four bytes; drops the UTF-8 mark. */
static int32_t look_at_start(struct pass *p, size_t *len)
{
    char *text = p->r->chunk;
    if (*len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return refuse_encoding(p->r, p->f);
    if (memchr(text, '\0', *len < 4 ? *len : 4))
        return refuse_encoding(p->r, p->f);
    if (*len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        *len -= 3;
        memmove(text, text + 3, *len);
        p->f->bom = true;
    }
    p->f->liquibase = mig_marks_liquibase(text, *len);
    p->f->no_transaction = *len >= 17 && memcmp(text, "-- no-transaction", 17) == 0;
    return MIGRATE_OK;
}

static int32_t take_chunk(struct pass *p, size_t len)
{
    char *text = p->r->chunk + p->kept;
    const char *nul = len ? memchr(text, '\0', len) : NULL;
    if (nul)
        return refuse_nul(p, p->offset + (uint64_t)(nul - text));
    mig_canon_add(&p->canon, text, len);
    if (!p->marker)
        p->marker = holds_marker(p->r->chunk, p->kept + len, p->offset == p->kept);
    p->offset += len;
    return MIGRATE_OK;
}

static void keep_overlap(struct pass *p, size_t len)
{
    size_t have = p->kept + len;
    p->kept = have < OVERLAP ? have : OVERLAP;
    memmove(p->r->chunk, p->r->chunk + have - p->kept, p->kept);
}

static int32_t read_through(struct pass *p)
{
    bool end = false;
    for (bool first = true; !end; first = false) {
        size_t len = 0;
        int32_t status = fill(p, &len, &end);
        if (!status && first)
            status = look_at_start(p, &len);
        if (!status)
            status = take_chunk(p, len);
        if (status)
            return status;
        if (end && first) {
            p->r->held = p->f;
            p->r->held_len = len;
        }
        if (!end)
            keep_overlap(p, len);
    }
    return MIGRATE_OK;
}

int32_t mig_content_read(struct mig_reading *r, struct mig_file *f, uint64_t *size)
{
    struct pass p = { .r = r, .f = f };
    uint8_t *sha = mig_arena_alloc(&r->set->arena, MIG_SHA256_LEN);
    r->held = NULL;
    if (!sha)
        return mig_reading_nomem(r);
    mig_canon_init(&p.canon);
    int32_t status = read_through(&p);
    mig_canon_final(&p.canon, sha);
    f->sha = sha;
    *size = p.canon.bytes;
    r->set->bytes += p.canon.bytes;
    if (!status && (p.marker || f->no_transaction) && !f->liquibase)
        status = mig_marks_read(r, f, p.marker);
    return status;
}

/* ---- asked for later -------------------------------------------------------- */

/* Bytes from @p offset on, out of the held file if it is this one. */
int32_t mig_content_bytes(struct mig_reading *r, const struct mig_file *f, uint64_t offset, char *buf,
                          size_t cap, size_t *got)
{
    if (r->held != f)
        return mig_file_read(r, f, offset, buf, cap, got);
    size_t left = offset < r->held_len ? r->held_len - (size_t)offset : 0;
    *got = left < cap ? left : cap;
    memcpy(buf, r->chunk + (offset < r->held_len ? offset : 0), *got);
    return MIGRATE_OK;
}

int32_t mig_content_line(struct mig_reading *r, const struct mig_file *f, uint64_t offset, uint64_t *line)
{
    char buf[4096];
    *line = 1;
    for (uint64_t at = 0; at < offset;) {
        size_t want = offset - at < sizeof buf ? (size_t)(offset - at) : sizeof buf, got;
        int32_t status = mig_content_bytes(r, f, at, buf, want, &got);
        if (status)
            return status;
        if (got == 0)
            break;
        for (const char *nl = buf; (nl = memchr(nl, '\n', (size_t)(buf + got - nl))); nl++)
            ++*line;
        at += got;
    }
    return MIGRATE_OK;
}

static int32_t hash_range(struct mig_reading *r, const struct mig_file *f, const struct mig_range *range,
                          struct mig_canon *canon)
{
    char buf[4096];
    for (uint64_t at = range->begin; at < range->end;) {
        size_t want = range->end - at < sizeof buf ? (size_t)(range->end - at) : sizeof buf, got;
        int32_t status = mig_content_bytes(r, f, at, buf, want, &got);
        if (status)
            return status;
        if (got == 0)
            break;
        mig_canon_add(canon, buf, got);
        at += got;
    }
    return MIGRATE_OK;
}

int32_t mig_content_hash(struct mig_reading *r, const struct mig_file *f, const struct mig_range *ranges,
                         uint32_t n, uint8_t out[MIG_SHA256_LEN])
{
    struct mig_canon canon;
    int32_t status = MIGRATE_OK;
    mig_canon_init(&canon);
    for (uint32_t i = 0; i < n && !status; i++)
        status = hash_range(r, f, &ranges[i], &canon);
    mig_canon_final(&canon, out);
    return status;
}

int32_t mig_ranges_keep(struct mig_reading *r, const struct mig_file *f, const struct mig_range *ranges,
                        size_t n, const struct mig_range **out)
{
    struct mig_range *kept = mig_arena_alloc(&r->set->arena, n * sizeof *kept + MIG_SHA256_LEN);
    uint64_t bom = f->bom ? 3 : 0;
    if (!kept)
        return mig_reading_nomem(r);
    for (size_t i = 0; i < n; i++) {
        kept[i] = ranges[i];
        kept[i].begin += bom;
        kept[i].end += kept[i].end == UINT64_MAX ? 0 : bom;
    }
    *out = kept;
    return mig_content_hash(r, f, ranges, (uint32_t)n, (uint8_t *)(kept + n));
}
