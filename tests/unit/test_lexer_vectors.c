/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <jansson.h>

#include "cutting.h"

/* The cuts that real servers and clients were seen to make: tests/unit/data/statements.json. */

static json_t *load(void)
{
    json_error_t error;
    json_t *all = json_load_file(UNIT_SOURCE_DIR "/tests/unit/data/statements.json", 0, &error);
    ck_assert_msg(all != NULL, "%s:%d: %s", error.source, error.line, error.text);
    ck_assert_uint_gt(json_array_size(all), 100);
    return all;
}

static const char *text_of(const json_t *v, const char *key)
{
    return json_string_value(json_object_get(v, key));
}

static struct cutting cut_vector(const json_t *v, size_t chunk)
{
    struct mig_sql_config config = cutting_config(text_of(v, "dialect"));
    const json_t *sql = json_object_get(v, "sql");
    return cut(&config, json_string_value(sql), json_string_length(sql), chunk);
}

static void expect(const json_t *v, const struct cutting *c, size_t chunk)
{
    const char *name = text_of(v, "name");
    const json_t *wanted = json_object_get(v, "statements");
    bool fails = json_object_get(v, "error") != NULL;
    ck_assert_msg(c->status == (fails ? MIGRATE_E_PARSE : MIGRATE_DONE), "%s (by %zu): status %d: %s", name,
                  chunk, c->status, c->diag.message ? c->diag.message : "");
    if (fails)
        ck_assert_msg(c->diag.line > 0 && c->diag.column > 0 && c->diag.message && c->diag.hint, "%s", name);
    else
        ck_assert_msg(c->n == json_array_size(wanted), "%s (by %zu): %zu statements", name, chunk, c->n);
    for (size_t i = 0; i < c->n; i++) {
        const char *want = json_string_value(json_array_get(wanted, i));
        ck_assert_msg(want && !strcmp(want, c->pieces[i].text),
                      "%s (by %zu), statement %zu:\n got %s\nwant %s", name, chunk, i + 1, c->pieces[i].text,
                      want ? want : "(none)");
        const char *data = json_string_value(json_array_get(json_object_get(v, "copy_data"), i));
        if (data)
            ck_assert_str_eq(data, c->pieces[i].data);
    }
}

START_TEST(vectors_are_cut)
{
    static const size_t chunks[] = { 0, 1, 2, 3, 7 };
    json_t *all = load();
    size_t index;
    json_t *v;
    json_array_foreach(all, index, v)
    {
        for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
            struct cutting c = cut_vector(v, chunks[i]);
            expect(v, &c, chunks[i]);
            cutting_free(&c);
        }
    }
    json_decref(all);
}
END_TEST

/* Text that can have something before and behind it. */
static bool joins(const json_t *v)
{
    const char *sql = text_of(v, "sql");
    const json_t *lazy = json_object_get(json_object_get(v, "options"), "lazy");
    if (json_object_get(v, "error") || json_is_true(lazy) || !strncmp(sql, "\xEF\xBB\xBF", 3))
        return false;
    /* A change of mode; and a comment that is open to the end of the script. */
    return !strstr(sql, "sql_mode") && strcmp(text_of(v, "name"), "sq_unterminated_block_comment") != 0;
}

static void expect_pair(const json_t *a, const json_t *b)
{
    struct mig_sql_config config = cutting_config(text_of(a, "dialect"));
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_fmt(&sql, "%s\n;\n%s", text_of(a, "sql"), text_of(b, "sql"));
    struct cutting c = cut(&config, sql.data, sql.len, 0);
    const json_t *first = json_object_get(a, "statements");
    const json_t *second = json_object_get(b, "statements");
    size_t n = json_array_size(first);
    ck_assert_msg(c.status == MIGRATE_DONE && c.n == n + json_array_size(second),
                  "%s + %s: %zu statements, status %d", text_of(a, "name"), text_of(b, "name"), c.n,
                  c.status);
    for (size_t i = 0; i < c.n; i++) {
        const char *want =
            json_string_value(i < n ? json_array_get(first, i) : json_array_get(second, i - n));
        ck_assert_msg(!strcmp(want, c.pieces[i].text), "%s + %s, statement %zu: %s", text_of(a, "name"),
                      text_of(b, "name"), i + 1, c.pieces[i].text);
        const struct cutting_piece *p = &c.pieces[i];
        ck_assert_msg(!memcmp(sql.data + p->offset, p->text, p->len), "%s + %s: no slice", text_of(a, "name"),
                      text_of(b, "name"));
    }
    cutting_free(&c);
    mig_buf_free(&sql);
}

START_TEST(pairs_are_cut_as_each_alone)
{
    json_t *all = load();
    size_t i, j, pairs = 0;
    json_t *a, *b;
    json_array_foreach(all, i, a)
    {
        json_array_foreach(all, j, b)
        {
            if (joins(a) && joins(b) && !strcmp(text_of(a, "dialect"), text_of(b, "dialect"))) {
                expect_pair(a, b);
                pairs++;
            }
        }
    }
    ck_assert_uint_gt(pairs, 3000);
    json_decref(all);
}
END_TEST

UNIT_MAIN("lexer_vectors", vectors_are_cut, pairs_are_cut_as_each_alone)
