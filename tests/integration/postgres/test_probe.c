/* SPDX-License-Identifier: Apache-2.0 */

/* Fingerprints and descriptions of objects. */

#include "tests.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct test_host h;
static void *conn;

static void setup(void)
{
    host_init(&h);
    conn = open_url(&h, pg_url(NULL));
    must(conn, "DROP SCHEMA IF EXISTS p CASCADE; CREATE SCHEMA p; CREATE TABLE p.\"T\" (a int, b text)");
}

static void teardown(void)
{
    must(conn, "DROP SCHEMA p CASCADE");
    pg->close(conn);
    host_free(&h);
}

static migrate_object object(uint32_t kind, const char *schema, const char *name)
{
    return (migrate_object){ .struct_size = sizeof(migrate_object),
                             .kind = kind,
                             .schema = { schema, schema ? strlen(schema) : 0 },
                             .name = { name, strlen(name) } };
}

static const char *print_with(migrate_object o, uint32_t wanted)
{
    const char *sql;
    uint32_t proves = wanted;
    static char text[8192], out[256];
    migrate_status status = pg->fingerprint(conn, &o, &sql, &proves, NULL);
    ck_assert_msg(status == MIGRATE_OK, "%s", h.message);
    ck_assert_uint_eq(proves, wanted);
    /* a scalar, also inside VALUES */
    snprintf(text, sizeof text, "SELECT f FROM (VALUES (%s)) v (f)", sql);
    snprintf(out, sizeof out, "%s", value(conn, text));
    return out;
}

static const char *print_of(migrate_object o)
{
    return print_with(o, MIGRATE_PROVES_DEFINITION);
}

static const char *index_print(void)
{
    return print_of(object(MIGRATE_OBJECT_INDEX, "p", "i"));
}

START_TEST(indexes)
{
    char before[256];
    ck_assert_str_eq(index_print(), "absent");
    must(conn, "CREATE INDEX i ON p.\"T\" (a)");
    snprintf(before, sizeof before, "%s", index_print());
    ck_assert_uint_eq(strlen(before), 64);
    ck_assert_str_eq(index_print(), before);
    char whole[256];
    migrate_object it = object(MIGRATE_OBJECT_INDEX, "p", "i");
    const uint32_t all = MIGRATE_PROVES_DEFINITION | MIGRATE_PROVES_IDENTITY;
    snprintf(whole, sizeof whole, "%s", print_with(it, all));
    ck_assert_uint_eq(strncmp(whole, before, 64), 0);
    ck_assert_int_eq(whole[64], ':');
    must(conn, "REINDEX INDEX CONCURRENTLY p.i");
    ck_assert_str_eq(index_print(), before);
    ck_assert_str_ne(print_with(it, all), whole);
    must(conn, "DROP INDEX p.i; INSERT INTO p.\"T\" VALUES (1), (1)");
    ck_assert_int_ne(run(conn, "CREATE UNIQUE INDEX CONCURRENTLY i ON p.\"T\" (a)", NULL), 0);
    ck_assert_str_eq(index_print(), "invalid");
    const char *text = NULL;
    migrate_object o = object(MIGRATE_OBJECT_INDEX, "p", "i");
    ck_assert_int_eq(pg->describe(conn, &o, &text, NULL), MIGRATE_OK);
    ck_assert_ptr_nonnull(strstr(text, "CREATE UNIQUE INDEX i ON p.\"T\""));
    ck_assert_ptr_nonnull(strstr(text, "INVALID"));
}
END_TEST

static const char *const changes[] = {
    "ALTER TABLE p.\"T\" ADD c int",
    "ALTER TABLE p.\"T\" ALTER a TYPE bigint",
    "ALTER TABLE p.\"T\" ALTER a SET NOT NULL",
    "ALTER TABLE p.\"T\" ALTER a SET DEFAULT 7",
    "ALTER TABLE p.\"T\" RENAME b TO z",
    "ALTER TABLE p.\"T\" DROP b",
    "ALTER TABLE p.\"T\" ADD CHECK (a > 0) NOT VALID",
    "ALTER TABLE p.\"T\" ADD PRIMARY KEY (a)",
    "ALTER TABLE p.\"T\" SET (fillfactor = 50)",
    "ALTER TABLE p.\"T\" SET UNLOGGED",
    "CREATE INDEX ON p.\"T\" (b)",
    "CREATE TABLE p.child () INHERITS (p.\"T\")",
};

START_TEST(tables)
{
    migrate_object o = object(MIGRATE_OBJECT_TABLE, "p", "T");
    char before[256];
    snprintf(before, sizeof before, "%s", print_of(o));
    must(conn, "INSERT INTO p.\"T\" SELECT i, 'x' FROM generate_series(1, 100) i; ANALYZE p.\"T\"");
    must(conn, "VACUUM p.\"T\"");
    ck_assert_str_eq(print_of(o), before);
    must(conn, changes[_i]);
    ck_assert_str_ne(print_of(o), before);
}
END_TEST

START_TEST(partitions)
{
    must(conn, "CREATE TABLE p.m (a int) PARTITION BY RANGE (a); "
               "CREATE TABLE p.m1 PARTITION OF p.m FOR VALUES FROM (0) TO (9)");
    migrate_object o = object(MIGRATE_OBJECT_TABLE, "p", "m");
    char before[256];
    snprintf(before, sizeof before, "%s", print_of(o));
    must(conn, "ALTER TABLE p.m DETACH PARTITION p.m1 CONCURRENTLY");
    ck_assert_str_ne(print_of(o), before);
}
END_TEST

START_TEST(others)
{
    ck_assert_uint_eq(strlen(print_of(object(MIGRATE_OBJECT_DATABASE, NULL, "postgres"))), 64);
    ck_assert_str_eq(print_of(object(MIGRATE_OBJECT_DATABASE, NULL, "nosuch")), "absent");
    ck_assert_str_eq(print_of(object(MIGRATE_OBJECT_DATABASE, NULL, "it's \\ odd")), "absent");
    ck_assert_uint_eq(strlen(print_of(object(MIGRATE_OBJECT_TABLESPACE, NULL, "pg_default"))), 64);
    ck_assert_str_eq(print_of(object(MIGRATE_OBJECT_SUBSCRIPTION, NULL, "none")), "absent");
    ck_assert_str_eq(print_of(object(MIGRATE_OBJECT_TABLE, "nosuch", "T")), "absent");
    ck_assert_str_eq(print_of(object(MIGRATE_OBJECT_TABLE, NULL, "T")), "absent");
    must(conn, "SET search_path = p");
    ck_assert_uint_eq(strlen(print_of(object(MIGRATE_OBJECT_TABLE, NULL, "T"))), 64);
    must(conn, "CREATE VIEW v AS SELECT 1; CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS int LANGUAGE sql "
               "AS 'SELECT 1'; "
               "CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
               "CREATE TRIGGER tr BEFORE INSERT ON \"T\" FOR EACH ROW EXECUTE FUNCTION tf()");
    ck_assert_uint_eq(strlen(print_of(object(MIGRATE_OBJECT_VIEW, NULL, "v"))), 64);
    ck_assert_uint_eq(strlen(print_of(object(MIGRATE_OBJECT_SEQUENCE, NULL, "s"))), 64);
    ck_assert_uint_eq(strlen(print_of(object(MIGRATE_OBJECT_ROUTINE, NULL, "f"))), 64);
    migrate_object trigger = object(MIGRATE_OBJECT_TRIGGER, "p", "tr");
    trigger.parent = (migrate_text){ "T", 1 };
    ck_assert_uint_eq(strlen(print_of(trigger)), 64);
    trigger.parent = (migrate_text){ "U", 1 };
    ck_assert_str_eq(print_of(trigger), "absent");
}
END_TEST

START_TEST(descriptions)
{
    static const struct { uint32_t kind; const char *name; const char *part; } cases[] = {
        { MIGRATE_OBJECT_TABLE, "T", "CREATE TABLE p.\"T\" (\n    a integer,\n    b text\n)" },
        { MIGRATE_OBJECT_DATABASE, "postgres", "CREATE DATABASE postgres" },
        { MIGRATE_OBJECT_TABLESPACE, "pg_default", "CREATE TABLESPACE pg_default" },
    };
    const char *text = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        migrate_object o = object(cases[i].kind, i ? NULL : "p", cases[i].name);
        ck_assert_msg(pg->describe(conn, &o, &text, NULL) == MIGRATE_OK, "%s", h.message);
        ck_assert_ptr_nonnull(text);
        ck_assert_str_eq(text, cases[i].part);
    }
    migrate_object o = object(MIGRATE_OBJECT_TABLE, "p", "nosuch");
    ck_assert_int_eq(pg->describe(conn, &o, &text, NULL), MIGRATE_OK);
    ck_assert_ptr_null(text);
    o.kind = 99;
    ck_assert_int_eq(pg->describe(conn, &o, &text, NULL), MIGRATE_E_UNSUPPORTED);
}
END_TEST

void add_probe(Suite *s)
{
    TCase *t = new_case(s, "probe", setup, teardown);
    tcase_add_test(t, indexes);
    tcase_add_loop_test(t, tables, 0, sizeof changes / sizeof *changes);
    tcase_add_test(t, partitions);
    tcase_add_test(t, others);
    tcase_add_test(t, descriptions);
}
